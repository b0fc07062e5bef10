r"""Measures of how gradients travel through time, for any Keras recurrent layer.

The state s_t of a layer (the hidden state h_t; in an LSTM h_t and c_t one after the other) depends on the state before
it by the Jacobian :math:`J_t = \partial s_t / \partial s_{t-1}`, and by the chain rule on an earlier one by a product:

.. math:: \frac{\partial s_T}{\partial s_{T-k}} = J_T J_{T-1} \cdots J_{T-k+1}

Gradients vanish or explode as that product does (Bengio, Simard and Frasconi, 1994, Learning long-term dependencies
with gradient descent is difficult, IEEE Transactions on Neural Networks 5(2); Pascanu, Mikolov and Bengio, 2013, On the
difficulty of training recurrent neural networks, ICML). `jacobians` measures J_t, `norm_by_lag` and `singular_values`
the product. `flow` shows the loss's gradient at every input and weight of a model, and `check` holds a layer's
gradients against finite differences.

Results are NumPy arrays in float64; their precision is that of the layer, so give it ``dtype="float64"`` for fine work.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops, tree
from scipy.linalg import lapack

# --- derivatives ------------------------------------------------------------------------------------------------------


def gradient(function, *arrays):
    """The derivatives of a scalar function of tensors, by the backend's automatic differentiation.

    Parameters
    ----------
    function : callable
        Takes one tensor for each array and returns a scalar tensor, by `keras.ops`.
    *arrays : tensor or array
        Where to take the derivatives.

    Returns
    -------
    list of tensors
        The derivative by each array, in its shape; zeros where the function does not depend on it.
    """
    tensors = [ops.convert_to_tensor(a, dtype=keras.backend.standardize_dtype(a.dtype)) for a in arrays]
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return list(jax.grad(function, argnums=tuple(range(len(tensors))))(*tensors))
    if backend == "torch":
        import torch

        tensors = [t.detach().requires_grad_() for t in tensors]
        with torch.enable_grad():
            return list(torch.autograd.grad(function(*tensors), tensors, materialize_grads=True))
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        result = function(*tensors)
    return tape.gradient(result, tensors, unconnected_gradients="zero")


def finite_differences(function, *arrays, epsilon=1e-6):
    r"""The derivatives of a scalar function of arrays by central differences: a number for each entry, two calls each.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + \epsilon e_i) - f(x - \epsilon e_i)}{2\epsilon}

    The error is of the order of ε² from the curve, plus the function's rounding error divided by ε: in float64 the
    best ε for numbers around 1 is 6e-6, and it leaves about 1e-10.

    Parameters
    ----------
    function : callable
        Takes the arrays and returns a scalar.
    *arrays : array
        Where to take the derivatives.
    epsilon : float
        The step ε.

    Returns
    -------
    list of arrays
        The derivative by each array, in its shape, in float64.
    """
    arrays = [np.array(a, dtype="float64") for a in arrays]
    gradients = [np.zeros_like(a) for a in arrays]
    for array, derivative in zip(arrays, gradients):
        for i in np.ndindex(array.shape):
            center = array[i]
            array[i] = center + epsilon
            above = float(function(*arrays))
            array[i] = center - epsilon
            below = float(function(*arrays))
            array[i] = center
            derivative[i] = (above - below) / (2 * epsilon)
    return gradients


def check(layer, x, loss=None, epsilon=None):
    """Relative errors of a layer's, or a model's, gradients, against finite differences.

    The error is the largest difference between the two, relative to the largest entry of either. A right gradient has
    about 1e-8 in float64, and about 1e-3 in float32, whose rounding the differences enlarge.

    Parameters
    ----------
    layer : keras.layers.Layer
        Any layer or model with one input and one output.
    x : array, shape (B, T, D)
        Its inputs. Few and short ones: the time grows with the number of weights and inputs, times two.
    loss : callable, optional
        Takes the outputs and returns a tensor, whose sum is differentiated. By default a fixed, irregular combination
        of the outputs, so that no error cancels.
    epsilon : float, optional
        The step; by default the cube root of the dtype's machine epsilon.

    Returns
    -------
    dict
        The relative error for each trainable weight, by its path, and for ``"inputs"``.
    """
    total, weights, x = as_function(layer, x, loss or irregular)
    if epsilon is None:
        epsilon = np.cbrt(np.finfo(layer.compute_dtype).eps)
    at = [*weights.values(), x]
    derived = [to_numpy(d) for d in gradient(total, *at)]
    measured = finite_differences(
        lambda *arrays: total(*(ops.convert_to_tensor(a, dtype=x.dtype) for a in arrays)),
        *(to_numpy(a) for a in at),
        epsilon=epsilon,
    )
    return {name: relative_error(d, m) for name, d, m in zip((*weights, "inputs"), derived, measured)}


def relative_error(a, b):
    """The largest difference, relative to the largest entry; 0 if both are 0."""
    largest = max(np.max(np.abs(a)), np.max(np.abs(b)))
    return float(np.max(np.abs(a - b)) / largest) if largest > 0 else 0.0


class Flow(NamedTuple):
    """Norms of a loss's gradient: ``inputs`` (B, T), by example and step; ``weights``, a dict by the weights' paths."""

    inputs: np.ndarray
    weights: dict


def flow(layer, x, loss):
    r"""Where a loss's gradient arrives: its norm at each time step of the inputs, and at each weight.

    Parameters
    ----------
    layer : keras.layers.Layer
        Any layer or model with one input and one output, recurrent or not. It runs as in inference, without dropout.
    x : array, shape (B, T, D)
        Its inputs. A model that begins with an embedding needs to be cut behind it: there is no derivative by a token.
    loss : callable
        Takes the outputs and returns a tensor, whose sum L is differentiated; for example
        ``lambda outputs: keras.losses.mean_squared_error(y, outputs)``.

    Returns
    -------
    Flow
        :math:`\|\partial L / \partial x_t\|` as ``inputs`` (B, T), and :math:`\|\partial L / \partial W\|` for each W
        as ``weights``.

    Raises
    ------
    ValueError
        If the inputs are not three-dimensional, or are whole numbers.
    """
    total, weights, x = as_function(layer, x, loss)
    *d_weights, dx = (to_numpy(d) for d in gradient(total, *weights.values(), x))
    return Flow(np.linalg.norm(dx, axis=-1), {name: float(np.linalg.norm(d)) for name, d in zip(weights, d_weights)})


def as_function(layer, x, loss):
    """Summed loss as a function of weights and inputs, the trainable weights by path, and the inputs as a tensor."""
    x = inputs_for(layer, x)
    weights = {w.path: w.numpy() for w in layer.trainable_variables}
    others = [w.numpy() for w in layer.non_trainable_variables]

    def total(*weights_and_inputs):
        *weights, x = weights_and_inputs
        outputs, _ = layer.stateless_call(weights, others, x)
        return ops.sum(loss(outputs))

    if keras.backend.backend() == "jax":
        import jax

        total = jax.jit(total)  # JAX would compile the layer's loop anew in every call
    return total, weights, x


def irregular(outputs):
    """A combination of the outputs in which no two have the same share."""
    shares = np.sin(1 + np.arange(np.prod(outputs.shape))).reshape(outputs.shape)
    return outputs * ops.convert_to_tensor(shares, dtype=outputs.dtype)


def inputs_for(layer, x):
    """The inputs as a tensor of the layer's dtype, for a layer that then has its weights."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    if len(x.shape) != 3 or "float" not in dtype:
        raise ValueError(
            "`x` must be real numbers of shape (batch, steps, features), for there is no derivative by anything else; "
            f"received shape {tuple(x.shape)} and dtype {dtype}."
        )
    x = ops.convert_to_tensor(x, dtype=layer.compute_dtype)
    if not layer.built:
        layer(x)
    return x


def to_numpy(x):
    return ops.convert_to_numpy(x).astype("float64")


# --- the state, step by step ------------------------------------------------------------------------------------------


def states(layer, x, initial_state=None):
    """The states of a recurrent layer before its first step and after every step.

    Parameters
    ----------
    layer : keras.layers.RNN
        Any recurrent layer that has a cell: those of `keras.layers` and of this package, trained or not. It runs as in
        inference, without dropout. Of a `keras.layers.Bidirectional`, take one of its two layers.
    x : array, shape (B, T, D)
        The inputs, all of length T. A layer that goes backwards reads them from the end.
    initial_state : list of arrays, shape (B, H), optional
        The states before the first step; the layer's own by default.

    Returns
    -------
    array, shape (B, T + 1, S)
        ``[n, t]`` is s_t of example n: the layer's states, one after the other. S is the sum of their sizes: H, or in
        an LSTM 2H, with h first.

    Raises
    ------
    TypeError
        If the layer has no cell.
    ValueError
        If the inputs are not real numbers in three dimensions.
    """
    x = inputs_as_read(layer, x)
    first = layer.get_initial_state(x.shape[0]) if initial_state is None else initial_state
    first = [ops.convert_to_tensor(s, dtype=layer.cell.compute_dtype) for s in tree.flatten(first)]
    history = [ops.concatenate(first, axis=-1)]
    for t in range(x.shape[1]):
        history.append(step(layer, x[:, t], history[-1]))
    return to_numpy(ops.stack(history, axis=1))


def jacobians(layer, x, initial_state=None):
    r"""The Jacobians of a recurrent layer's steps, :math:`J_t = \partial s_t / \partial s_{t-1}`.

    Parameters
    ----------
    layer, x, initial_state
        As in `states`.

    Returns
    -------
    array, shape (B, T, S, S)
        ``[n, t - 1, i, j]`` is the derivative of entry i of s_t by entry j of s_{t-1}, in example n; s_t and S are
        those of `states`. The cost is S backward passes of all B·T steps as one batch, and 8·B·T·S² bytes.

    Raises
    ------
    TypeError, ValueError
        As `states`.
    """
    before = states(layer, x, initial_state)[:, :-1]
    batch, length, size = before.shape
    before = ops.convert_to_tensor(before.reshape(batch * length, size), dtype=layer.cell.compute_dtype)
    x = inputs_as_read(layer, x)
    x = ops.reshape(x, (batch * length, x.shape[-1]))

    def row(i):
        return to_numpy(gradient(lambda s: ops.sum(step(layer, x, s)[:, i]), before)[0])

    return np.stack([row(i) for i in range(size)], axis=1).reshape(batch, length, size, size)


def norm_by_lag(layer, x, loss=None, state=None, initial_state=None):
    r"""How much of the gradient is left after k steps back through time.

    Without a loss it is the spectral norm :math:`\|\partial s_T / \partial s_{T-k}\|_2`, the most by which a gradient
    can grow on its way. With a loss L on the last hidden state it is the length
    :math:`\|\partial L / \partial s_{T-k}\|`. The product of Jacobians is taken in float64, because it soon falls below
    the smallest number of float32.

    Parameters
    ----------
    layer, x, initial_state
        As in `states`.
    loss : callable, optional
        Takes h_T (B, H), the layer's first state, and returns a tensor, whose sum is L.
    state : int, optional
        Which of the layer's states to measure, as s: in an LSTM 0 is h and 1 is c. All together by default. The
        derivative by one state is that of what the next step receives, with the others held: of c at lag 0 it is 0 for
        a loss, which sees h_T alone.

    Returns
    -------
    array, shape (B, T)
        ``[n, k]`` is the norm at lag k, from 0 to T - 1, in example n. Without a loss each is the largest singular
        value of a matrix (S, S), so a few examples have to do if S is in the hundreds.

    Raises
    ------
    TypeError, ValueError
        As `states`; a ValueError, too, if the layer has no state of that number.
    """
    J = jacobians(layer, x, initial_state)
    batch, length, size, _ = J.shape
    borders = np.cumsum([0, *tree.flatten(layer.state_size)])
    if state not in (None, *range(len(borders) - 1)):
        raise ValueError(f"`state` must be None or one of 0 to {len(borders) - 2}; received state={state!r}.")
    part = slice(None) if state is None else slice(borders[state], borders[state + 1])

    if loss is None:
        product = np.tile(np.eye(size)[part], (batch, 1, 1))
    else:
        last = ops.convert_to_tensor(states(layer, x, initial_state)[:, -1, : borders[1]], layer.cell.compute_dtype)
        product = np.zeros((batch, 1, size))
        product[:, 0, : borders[1]] = to_numpy(gradient(lambda h: ops.sum(loss(h)), last)[0])

    norms = np.zeros((batch, length))
    for lag in range(length):
        norms[:, lag] = np.linalg.norm(product[:, :, part], ord=2, axis=(1, 2))
        product = product @ J[:, length - 1 - lag]
    return norms


def singular_values(jacobians):
    r"""Logarithms of the singular values of the products :math:`J_t \cdots J_1 = \partial s_t / \partial s_0`.

    Of a product :math:`U \Sigma V^\top` only U and log Σ are kept. A further factor needs the singular values of
    :math:`(J U) \Sigma`, whose columns fall steeply in size: LAPACK's preconditioned Jacobi method is made for such
    matrices, and finds the small values as exactly as the large ones (Drmač and Veselić, 2008, New fast and accurate
    Jacobi SVD algorithm, SIAM Journal on Matrix Analysis and Applications 29(4)). So hundreds of factors neither
    overflow, nor lose the small values to rounding, as the plain product does once they are 1e-16 of the largest.
    Divided by t the logarithms tend to the Lyapunov exponents.

    Parameters
    ----------
    jacobians : array, shape (B, T, S, S)
        As from `jacobians`. For the products that `norm_by_lag` takes, back from the last step, give
        ``jacobians[:, ::-1].swapaxes(-1, -2)``.

    Returns
    -------
    array, shape (B, T, S)
        ``[n, t - 1]`` are the natural logarithms after t steps, in falling order; minus infinity for a singular value
        of 0, or of less than about e^-700 of the largest.

    Raises
    ------
    ValueError
        If the Jacobians are not finite: some derivative has overflowed.
    """
    if not np.all(np.isfinite(jacobians)):
        raise ValueError("`jacobians` must be finite; received some entries that are not.")
    logs = np.zeros(jacobians.shape[:-1])
    for n, example in enumerate(jacobians):
        U, log_s = np.eye(jacobians.shape[-1]), np.zeros(jacobians.shape[-1])
        for t, J in enumerate(example):
            scale = max(log_s[0], np.finfo("float64").min)  # finite, if all singular values are 0, too
            s, U, _, work, *_ = lapack.dgejsv(J @ U * np.exp(log_s - scale), joba=0, jobu=0, jobv=3)
            with np.errstate(divide="ignore"):
                log_s = np.log(s * work[0] / work[1]) + scale
            logs[n, t] = log_s
    return logs


def step(layer, x, state):
    """One step of the layer's cell: inputs (B, D) and joined states (B, S) to the next joined states."""
    sizes = tree.flatten(layer.state_size)
    parts = [state[:, end - size : end] for size, end in zip(sizes, np.cumsum(sizes))]
    _, after = layer.cell(x, tree.pack_sequence_as(layer.state_size, parts), training=False)
    return ops.concatenate(tree.flatten(after), axis=-1)


def inputs_as_read(layer, x):
    """The inputs of a recurrent layer in the order in which it reads them."""
    if not hasattr(layer, "cell"):
        raise TypeError(
            "`layer` must be a recurrent layer with a cell, as keras.layers.LSTM is; of a keras.layers.Bidirectional, "
            f"give its forward_layer or its backward_layer. Received layer={layer!r}."
        )
    x = inputs_for(layer, x)
    return ops.flip(x, axis=1) if layer.go_backwards else x


# --- recurrent weights ------------------------------------------------------------------------------------------------


def spectral_radius(W):
    """The largest modulus of an eigenvalue of a square matrix."""
    return float(np.max(np.abs(np.linalg.eigvals(W))))


@keras.saving.register_keras_serializable("rnn_course")
class SpectralRadius(keras.initializers.Initializer):
    """Recurrent weights of a chosen spectral radius, which decides whether gradients vanish or explode.

    A matrix is drawn and then scaled. In weights (H, nH), those of n gates side by side, each gate's matrix is scaled.
    (For an orthogonal matrix of radius r, `keras.initializers.Orthogonal(gain=r)` does it too.)

    Parameters
    ----------
    radius : float
        The spectral radius, not negative.
    initializer : str or keras.initializers.Initializer
        What draws the matrix.

    Raises
    ------
    ValueError
        If the radius is negative, or if the weights are not square matrices side by side.
    """

    def __init__(self, radius, initializer="random_normal"):
        if not radius >= 0:
            raise ValueError(f"`radius` must be a number of at least 0; received radius={radius!r}.")
        self.radius = radius
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        if len(shape) != 2 or shape[1] % shape[0]:
            raise ValueError(f"SpectralRadius makes weights of shape (H, nH); received shape={tuple(shape)}.")
        gates = np.split(to_numpy(self.initializer(shape, dtype=dtype)), shape[1] // shape[0], axis=1)
        scaled = [W * (self.radius / spectral_radius(W)) for W in gates]
        return ops.convert_to_tensor(np.concatenate(scaled, axis=1), dtype=dtype or keras.config.floatx())

    def get_config(self):
        return {"radius": self.radius, "initializer": keras.initializers.serialize(self.initializer)}
