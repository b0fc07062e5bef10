"""What the package is tested against: the cells in float64 NumPy, and gradients by each backend's own differentiation.

The cells are written from the papers' equations, one step and one example at a time, with one small matrix for each
gate, so that they share nothing with the package's batched code. Weights come in its layout and are taken apart here.
"""

import keras
import numpy as np
from keras import ops


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def normalized(a, epsilon=1e-5):
    return (a - a.mean()) / np.sqrt(a.var() + epsilon)


def by_gate(gates, *weights):
    """Each weight's columns, split by gate: for every gate, the list of its blocks."""
    return list(zip(*(np.split(w, gates, axis=-1) for w in weights)))


def simple_rnn(x, states, W_x, W_h, b):
    (h,) = states
    return (np.tanh(W_x.T @ x + W_h.T @ h + b),)


def layer_norm_simple_rnn(x, states, W_x, W_h, b, gain):
    (h,) = states
    return (np.tanh(gain * normalized(W_x.T @ x + W_h.T @ h) + b),)


def lstm(x, states, W_x, W_h, b):
    h, c = states
    i, f, g, o = (X.T @ x + U.T @ h + bias for X, U, bias in by_gate(4, W_x, W_h, b))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def peephole_lstm(x, states, W_x, W_h, b, p):
    h, c = states
    i, f, g, o = (X.T @ x + U.T @ h + bias for X, U, bias in by_gate(4, W_x, W_h, b))
    new = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g)
    return sigmoid(o + p[2] * new) * np.tanh(new), new


def layer_norm_lstm(x, states, W_x, W_h, b, gain_h, gain_x, gain_c, b_c):
    h, c = states
    a = gain_h * normalized(W_h.T @ h) + gain_x * normalized(W_x.T @ x) + b
    i, f, g, o = np.split(a, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(gain_c * normalized(c) + b_c), c


def gru(x, states, W_x, W_h, b):
    """The form of cuDNN, with two rows of biases: the reset gate acts after the product."""
    (h,) = states
    (X_z, U_z, b_z), (X_r, U_r, b_r), (X_n, U_n, b_n) = by_gate(3, W_x, W_h, b)
    z = sigmoid(X_z.T @ x + b_z[0] + U_z.T @ h + b_z[1])
    r = sigmoid(X_r.T @ x + b_r[0] + U_r.T @ h + b_r[1])
    n = np.tanh(X_n.T @ x + b_n[0] + r * (U_n.T @ h + b_n[1]))
    return (z * h + (1 - z) * n,)


def gru_reset_before(x, states, W_x, W_h, b):
    """The form of Cho et al. (2014)."""
    (h,) = states
    (X_z, U_z, b_z), (X_r, U_r, b_r), (X_n, U_n, b_n) = by_gate(3, W_x, W_h, b)
    z = sigmoid(X_z.T @ x + U_z.T @ h + b_z)
    r = sigmoid(X_r.T @ x + U_r.T @ h + b_r)
    n = np.tanh(X_n.T @ x + U_n.T @ (r * h) + b_n)
    return (z * h + (1 - z) * n,)


def run(step, x, states, weights, mask=None):
    """Hidden states (B, T, H) of the inputs (B, T, D), and the final states; a masked step leaves the states alone."""
    B, T, _ = x.shape
    hidden, final = np.zeros((B, T, states[0].shape[1])), [np.zeros_like(s) for s in states]
    for n in range(B):
        now = tuple(s[n] for s in states)
        for t in range(T):
            if mask is None or mask[n, t]:
                now = step(x[n, t], now, *weights)
            hidden[n, t] = now[0]
        for s, last in zip(final, now):
            s[n] = last
    return hidden, final


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


def numpy(x):
    """Tensors of a tree as NumPy arrays."""
    return keras.tree.map_structure(ops.convert_to_numpy, x)


def tensor(x):
    """A float64 tensor; PyTorch's backend would make float32 of a NumPy array."""
    return ops.convert_to_tensor(x, dtype="float64")


def gradients(loss, variables):
    """The gradients of the scalar ``loss()`` by Keras variables, as NumPy arrays."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [v.value for v in variables], unconnected_gradients="zero")
        return [ops.convert_to_numpy(g) for g in found]
    if backend == "jax":
        import jax

        def stateless(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values))):
                return loss()

        return [np.asarray(g) for g in jax.jit(jax.grad(stateless))([v.value for v in variables])]
    import torch

    found = torch.autograd.grad(loss(), [v.value for v in variables], allow_unused=True)
    return [np.zeros(v.shape) if g is None else g.detach().numpy() for v, g in zip(variables, found)]
