"""Training steps on JAX, and the layers written plainly with `jax.lax.scan`."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.problem import RATE


class Training:
    """A function ``predict(weights, x)`` in training, its step compiled."""

    def __init__(self, predict, weights, x, y):
        x, y = jnp.asarray(x), jnp.asarray(y)
        self.state = [jnp.asarray(w) for w in weights]

        def loss(weights, x, y):
            return jnp.mean((predict(weights, x).astype("float32") - y) ** 2)

        def step(weights, x, y):
            value, gradients = jax.value_and_grad(loss)(weights, x, y)
            return [w - RATE * g for w, g in zip(weights, gradients)], value

        compiled = jax.jit(step, donate_argnums=0)
        self.run = lambda: compiled(self.state, x, y)

    def step(self):
        """Start one training step."""
        self.state, self.loss = self.run()

    def wait(self):
        """Return the loss, once all is computed."""
        jax.block_until_ready(self.state)
        return float(self.loss)

    def weights(self):
        """Return the weights as NumPy arrays."""
        return [np.asarray(w) for w in self.state]


def keras_training(model, x, y):
    """Return the training of a Keras model."""
    others = [v.value for v in model.non_trainable_variables]

    def predict(weights, x):
        return model.stateless_call(weights, others, x, training=True)[0]

    return Training(predict, model.get_weights(), x, y)


def simple_rnn(x, states, W_h):
    (h,) = states
    return (jnp.tanh(x + h @ W_h),)


def lstm(x, states, W_h):
    h, c = states
    i, f, g, o = jnp.split(x + h @ W_h, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(x, states, W_h, b_h):
    (h,) = states
    xz, xr, xn = jnp.split(x, 3, axis=-1)
    hz, hr, hn = jnp.split(h @ W_h + b_h, 3, axis=-1)
    z, r = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
    return (z * h + (1 - z) * jnp.tanh(xn + r * hn),)


CELLS = {"SimpleRNN": simple_rnn, "LSTM": lstm, "GRU": gru}


def lax_scan(problem):
    """Return the training of the layer as one writes it in JAX: multiply all inputs at once, then scan over time."""
    cell = CELLS[problem.cell]

    def predict(weights, x):
        W_x, W_h, b, W_y, b_y = (w.astype(problem.precision) for w in weights)
        b, *b_h = b if b.ndim == 2 else (b,)
        zeros = jnp.zeros((len(x), problem.units), problem.precision)
        states = (zeros, zeros) if problem.cell == "LSTM" else (zeros,)
        inputs = jnp.swapaxes(x.astype(problem.precision) @ W_x + b, 0, 1)
        states, _ = jax.lax.scan(lambda states, x: (cell(x, states, W_h, *b_h), None), states, inputs)
        return states[0] @ W_y + b_y

    return Training(predict, problem.weights(), *problem.data())


class Products:
    """A chain of matrix products."""

    def __init__(self, product):
        a, b = (jnp.asarray(factor, product.precision) for factor in product.factors())
        compiled = jax.jit(lambda a, b: jax.lax.fori_loop(0, product.times, lambda _, h: (h @ b) @ b.T, a))
        self.run = lambda: compiled(a, b)

    def step(self):
        """Start the products."""
        self.result = self.run()

    def wait(self):
        """Wait for the result."""
        jax.block_until_ready(self.result)


PLAIN = {"jax.lax.scan": lax_scan}
