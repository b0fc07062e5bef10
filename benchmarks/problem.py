"""What every candidate computes: one training step of one layer, from the same numbers, and how much work that is."""

from dataclasses import asdict, dataclass

import numpy as np

CELLS = ("SimpleRNN", "LSTM", "GRU")
SIZES = {"S": (32, 50, 32, 32), "M": (64, 100, 64, 128), "L": (64, 400, 64, 256)}
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3, "MinGRU": 2}
RATE = 2.0**-4  # of stochastic gradient descent; a power of two loses no digits


@dataclass(frozen=True)
class Problem:
    """Train a layer of `units` units and one linear output on `batch` sequences of `steps` steps of `features` numbers.

    The loss is the mean squared error of the output after the last step. A training step is the forward pass, the
    backward pass to all weights, and the update of stochastic gradient descent, ``w - RATE * gradient``.

    Parameters
    ----------
    cell : str
        One of `CELLS`, or "MinGRU".
    batch, steps, features, units : int
        B, T, D and H.
    precision : str
        "float32", or "bfloat16": products in bfloat16, weights in float32.
    """

    cell: str
    batch: int
    steps: int
    features: int
    units: int
    precision: str = "float32"

    @property
    def columns(self):
        """Columns of the weights: a block of H for every gate."""
        return GATES[self.cell] * self.units

    @property
    def flops(self):
        """Floating-point operations of a training step's matrix products, two for a multiplication and its addition.

        At each step, forward, W_x x and W_h h; backward, the gradients of h, W_h and W_x. The inputs are data: nobody
        asks for their gradient. A MinGRU has no W_h. Element-wise products and the one output are left out.
        """
        recurrent = self.units if self.cell in CELLS else 0
        return 2 * self.batch * self.steps * self.columns * (2 * self.features + 3 * recurrent)

    def weights(self):
        """Return kernel, recurrent kernel, bias, and the output's kernel and bias, in the layout of `keras.layers`."""
        random = np.random.default_rng(0)
        D, H, G = self.features, self.units, self.columns
        recurrent, _ = np.linalg.qr(random.normal(size=(G, H)))
        bias = random.normal(size=(2, G) if self.cell == "GRU" else (G,))
        arrays = (
            random.normal(size=(D, G)) / np.sqrt(D),
            recurrent.T,
            0.1 * bias,
            random.normal(size=(H, 1)) / np.sqrt(H),
            np.zeros(1),
        )
        return [a.astype("float32") for a in arrays]

    def data(self):
        """Return inputs (B, T, D) and targets (B, 1)."""
        random = np.random.default_rng(1)
        x = random.normal(size=(self.batch, self.steps, self.features))
        return x.astype("float32"), random.normal(size=(self.batch, 1)).astype("float32")

    as_dict = asdict


@dataclass(frozen=True)
class Product:
    """Matrix products alone, to learn what the machine can do: rows·inner·columns, there and back, `times` over.

    ``a`` (rows, inner) times ``b`` (inner, columns) and the result times ``b`` transposed: the two products of a
    recurrent step, W_h h forward and the gradient of h backward.
    """

    rows: int
    inner: int
    columns: int
    times: int
    precision: str = "float32"

    @property
    def flops(self):
        """Floating-point operations of all the products."""
        return 4 * self.rows * self.inner * self.columns * self.times

    def factors(self):
        """Return ``a`` and ``b``; the rows of ``b`` are orthonormal, so that a long chain neither grows nor fades."""
        random = np.random.default_rng(0)
        b, _ = np.linalg.qr(random.normal(size=(self.columns, self.inner)))
        return random.normal(size=(self.rows, self.inner)).astype("float32"), b.T.astype("float32")

    as_dict = asdict
