"""A small transformer that reads and writes like the models of `rnn_course.architectures`, to compare them with."""

import keras
import numpy as np
from keras import ops

from rnn_course.checks import positive


@keras.saving.register_keras_serializable("rnn_course")
class Transformer(keras.Model):
    """Reads one sequence of tokens and writes another, by attention alone.

    Source and target stand in one row. Every position attends to itself and to those before it. ``model([source,
    tokens])``, with tokens (B, S) and (B, T), gives the logits (B, T, K) of the token after each of ``tokens``. In use,
    `start` and `step` write one token after another. They keep the keys and values of all earlier positions (the KV
    cache), so that a step computes one position only; the state grows by one position a step.

    Parameters
    ----------
    source_tokens, target_tokens : int
        How many different tokens there are to read and to write, padding (token 0) included.
    units : int
        Length of the vector that stands for a position; even, and a multiple of `heads`.
    heads : int
        Number of attention heads in each block.
    blocks : int
        Number of blocks on top of one another.
    **kwargs
        ``name`` and ``dtype``, as in `keras.Model`.

    Raises
    ------
    ValueError
        If a size is not a positive whole number, or `units` is odd or not a multiple of `heads`.

    Notes
    -----
    A. Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, with one row in place of encoder and decoder (as in
    P. J. Liu et al. (2018), "Generating Wikipedia by Summarizing Long Sequences", ICLR), and the normalization before
    each part (R. Xiong et al. (2020), "On Layer Normalization in the Transformer Architecture", ICML).
    """

    def __init__(self, source_tokens, target_tokens, units=64, heads=4, blocks=2, **kwargs):
        super().__init__(**kwargs)
        positive(source_tokens=source_tokens, target_tokens=target_tokens, units=units, heads=heads, blocks=blocks)
        if units % 2 or units % heads:
            raise ValueError(f"`units` must be even and a multiple of `heads`; received units={units}, heads={heads}.")
        self.settings = {"source_tokens": source_tokens, "target_tokens": target_tokens}
        self.settings |= {"units": units, "heads": heads, "blocks": blocks}
        # as large as the sines and cosines that are added to them, which would drown Keras's small default
        large = {"embeddings_initializer": keras.initializers.RandomNormal(stddev=1)}
        self.embed_source = keras.layers.Embedding(source_tokens, units, **large, name="embed_source")
        self.embed = keras.layers.Embedding(target_tokens, units, **large, name="embed")
        self.blocks = [Block(units, heads, name=f"block_{i}") for i in range(blocks)]
        self.normalize = keras.layers.LayerNormalization(name="normalize")
        self.to_logits = keras.layers.Dense(target_tokens, name="to_logits")

    def build(self, input_shape):
        width = (None, None, self.settings["units"])
        self.embed_source.build(input_shape[0])
        self.embed.build(input_shape[1])
        for layer in [*self.blocks, self.normalize, self.to_logits]:
            layer.build(width)
        self.built = True

    def call(self, inputs):
        source, tokens = inputs
        x = ops.concatenate([self.embed_source(source), self.embed(tokens)], axis=1)
        counts = ops.concatenate([ops.not_equal(source, 0), ops.ones_like(tokens, dtype="bool")], axis=1)
        x, _ = self.run(x, counts)
        return self.to_logits(self.normalize(x[:, ops.shape(source)[1] :]))

    def run(self, x, counts):
        """Run the blocks on whole sequences.

        Parameters
        ----------
        x : tensor
            Embedded tokens (B, T, units), without their positions.
        counts : tensor
            Which positions count (B, T).

        Returns
        -------
        x : tensor
            What the last block puts out (B, T, units).
        caches : list of tensor
            The keys and the values of each block, in turn.
        """
        places = ops.arange(ops.shape(x)[1])
        x = x + self.positions(places)
        visible = ops.logical_and(counts[:, None], (places[:, None] >= places)[None])
        caches = []
        for block in self.blocks:
            x, cache = block(x, visible=visible)
            caches += cache
        return x, caches

    def start(self, source):
        """Read the source; return the state before the first token.

        Parameters
        ----------
        source : tensor
            Source tokens (B, S).

        Returns
        -------
        list of tensor
            The number of the next position (B, 1), which positions count (B, S), and of each block the keys and the
            values (B, S, units).
        """
        source = ops.convert_to_tensor(source)
        counts = ops.not_equal(source, 0)
        _, caches = self.run(self.embed_source(source), counts)
        return [ops.full_like(source[:, :1], source.shape[1]), counts, *caches]

    def step(self, tokens, state):
        """Write one token.

        Parameters
        ----------
        tokens : tensor
            The tokens written last (B,), the start token at first.
        state : list of tensor
            From `start`, or from the step before.

        Returns
        -------
        logits : tensor
            Of the next token (B, K).
        state : list of tensor
            For the next step: one position longer.
        """
        position, counts, *caches = state
        x = self.embed(tokens)[:, None] + self.positions(position)
        counts = ops.concatenate([counts, ops.ones_like(counts[:, :1])], axis=1)
        longer = []
        for block, keys, values in zip(self.blocks, caches[::2], caches[1::2]):
            x, cache = block(x, (keys, values), visible=counts[:, None])
            longer += cache
        return self.to_logits(self.normalize(x[:, 0])), [position + 1, counts, *longer]

    def positions(self, numbers):
        """Return the sines and cosines that mark positions (..., units), at wavelengths from 2 pi to 20,000 pi."""
        half = self.settings["units"] // 2
        rates = (1e-4 ** (np.arange(half) / half)).astype("float32")
        angles = ops.cast(numbers, "float32")[..., None] * rates
        return ops.cast(ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("rnn_course")
class Block(keras.layers.Layer):
    """One block of a transformer: attention over all positions, then a dense network at each.

    ``x, (keys, values) = block(x, cache, visible)``: inputs x (B, T, units), and optionally the keys and values (B, S,
    units) of positions before them; ``visible`` (B, T, S + T) says which positions may be looked at. Each head has
    units / heads entries of the queries q, keys k and values v, and takes

    .. math:: \\operatorname{softmax}\\Bigl(\\frac{q k^\\top}{\\sqrt{\\text{units} / \\text{heads}}}\\Bigr) v.
    """

    def __init__(self, units, heads, **kwargs):
        super().__init__(**kwargs)
        self.units, self.heads = units, heads
        self.before_attention = keras.layers.LayerNormalization(name="before_attention")
        self.before_dense = keras.layers.LayerNormalization(name="before_dense")
        self.query, self.key, self.value, self.join = (
            keras.layers.Dense(units, name=name) for name in ("query", "key", "value", "join")
        )
        self.wide = keras.layers.Dense(4 * units, "relu", name="wide")
        self.narrow = keras.layers.Dense(units, name="narrow")

    def build(self, shape):
        for layer in (self.before_attention, self.before_dense, self.query, self.key, self.value, self.join, self.wide):
            layer.build(shape)
        self.narrow.build((*shape[:-1], 4 * self.units))
        self.built = True

    def call(self, x, cache=None, visible=None):
        normal = self.before_attention(x)
        keys, values = self.key(normal), self.value(normal)
        if cache is not None:
            keys, values = (ops.concatenate(pair, axis=1) for pair in zip(cache, (keys, values)))
        q, k, v = (self.split(part) for part in (self.query(normal), keys, values))
        scores = q @ ops.swapaxes(k, 2, 3) / (self.units / self.heads) ** 0.5
        if visible is not None:
            scores = ops.where(visible[:, None], scores, ops.cast(-1e4, scores.dtype))
        x = x + self.join(self.merge(ops.softmax(scores, axis=-1) @ v))
        return x + self.narrow(self.wide(self.before_dense(x))), (keys, values)

    def split(self, x):
        """Give every head its part: (B, T, units) -> (B, heads, T, units / heads)."""
        batch, length = ops.shape(x)[:2]
        return ops.swapaxes(ops.reshape(x, (batch, length, self.heads, self.units // self.heads)), 1, 2)

    def merge(self, x):
        """Undo `split`."""
        batch, _, length = ops.shape(x)[:3]
        return ops.reshape(ops.swapaxes(x, 1, 2), (batch, length, self.units))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "heads": self.heads}
