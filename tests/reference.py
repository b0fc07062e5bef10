"""The simple recurrent network in float64 NumPy, one step and one example at a time, to test the package against.

Written from the equations with loops and outer products, so that it shares nothing with the package's batched code.
"""

import keras
import numpy as np
import pytest
from keras import ops

in_float64 = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="Keras 3.15 computes tanh (on JAX) and matmul (on PyTorch) of float64 in float32",
)


def tensor(x):
    """A float64 tensor; PyTorch's backend would make float32 of a NumPy array."""
    return ops.convert_to_tensor(x, dtype="float64")


def simple_rnn(x, W_x, W_h, b, h0, mask=None):
    """Hidden states (B, T, H) of the inputs (B, T, D); a masked step leaves the state as it was."""
    B, T, _ = x.shape
    hidden = np.zeros((B, T, len(b)))
    for n in range(B):
        h = h0[n]
        for t in range(T):
            if mask is None or mask[n, t]:
                h = np.tanh(W_x.T @ x[n, t] + W_h.T @ h + b)
            hidden[n, t] = h
    return hidden


def central_difference(f, array, epsilon=1e-6):
    """Gradient of the scalar function ``f`` by every entry of ``array``, which is changed in place and put back."""
    gradient = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + epsilon
        above = f()
        array[i] = kept - epsilon
        below = f()
        array[i] = kept
        gradient[i] = (above - below) / (2 * epsilon)
    return gradient


def relative_error(a, b):
    """Largest difference, relative to the largest entry."""
    return np.max(np.abs(a - b)) / max(np.max(np.abs(a)), np.max(np.abs(b)), 1e-30)
