"""Training steps on TensorFlow, written as for a custom training loop."""

import tensorflow as tf

from benchmarks.problem import RATE


class Training:
    """A Keras model in training, its step compiled by XLA (``jit``) or run as a graph."""

    def __init__(self, model, x, y, jit):
        self.model = model
        x, y = tf.constant(x), tf.constant(y)

        @tf.function(jit_compile=jit)
        def step():
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.cast(model(x, training=True), tf.float32) - y) ** 2)
            for w, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
                w.assign(w - RATE * gradient)
            return loss

        self.run = step

    def step(self):
        """Take one training step."""
        self.loss = self.run()

    def wait(self):
        """Return the loss, once it is there."""
        return float(self.loss)

    def weights(self):
        """Return the weights as NumPy arrays."""
        return self.model.get_weights()


class Products:
    """A chain of matrix products."""

    def __init__(self, product):
        a, b = (tf.cast(factor, product.precision) for factor in product.factors())

        @tf.function
        def chain():
            h = a
            for _ in tf.range(product.times):
                h = tf.matmul(tf.matmul(h, b), b, transpose_b=True)
            return h

        self.run = chain

    def step(self):
        """Start the products."""
        self.result = self.run()

    def wait(self):
        """Wait for the result."""
        self.result.numpy()


PLAIN = {}
