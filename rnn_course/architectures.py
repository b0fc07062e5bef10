"""Architectures: what a recurrent network reads, what it writes, and when.

Sequence to sequence and sequence to vector are a stack of layers, so two functions make them. Vector to sequence and
encoder-decoder are models of their own, because they are run in two ways. In training they see the sequence that they
ought to write, and write all its steps at once (teacher forcing): that is ``model([source, tokens])``. In use they
write one token after another: `Writer.start` reads the source, and `Writer.step` writes, with `rnn_course.decoding` to
choose the tokens. Token 0 is padding everywhere.
"""

import keras
from keras import ops

from rnn_course import layers
from rnn_course.checks import one_of, positive

POOLING = (keras.layers.GlobalAveragePooling1D, keras.layers.GlobalMaxPooling1D)
RECURRENT = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}


def sequence_to_sequence(reads, recurrent, output):
    """Return a model that writes at every step: (B, T, D) -> (B, T, K).

    Parameters
    ----------
    reads : int or keras.layers.Embedding
        The number of features of a step, D; or an embedding, if a step is a token's number: inputs are then (B, T).
    recurrent : keras.layers.Layer or list of keras.layers.Layer
        A recurrent layer, or several on top of one another, every one with ``return_sequences=True``. Layers of other
        kinds may stand between them.
    output : keras.layers.Layer
        What is applied to the hidden state of each step, such as ``keras.layers.Dense(K)``.

    Returns
    -------
    keras.Sequential

    Raises
    ------
    TypeError
        If `reads` is neither an int nor an Embedding.
    ValueError
        If a recurrent layer returns only its last output, or there is none.
    """
    stack = as_stack(recurrent)
    for layer in stack:
        returns_sequences(layer, "every layer writes at every step")
    return keras.Sequential([*reader(reads), *stack, output])


def sequence_to_vector(reads, recurrent, output):
    """Return a model that writes once, for all steps: (B, T, D) -> (B, K).

    Parameters
    ----------
    reads : int or keras.layers.Embedding
        The number of features of a step, D; or an embedding, if a step is a token's number: inputs are then (B, T).
    recurrent : keras.layers.Layer or list of keras.layers.Layer
        A recurrent layer, or several on top of one another: the last with ``return_sequences=False``, those below it
        with ``return_sequences=True``. Layers of other kinds may stand between them. Pooling over the steps may stand
        in place of the last one, or of all of them.
    output : keras.layers.Layer
        What is applied to the last hidden state, or to what is pooled, such as ``keras.layers.Dense(K)``.

    Returns
    -------
    keras.Sequential

    Raises
    ------
    TypeError
        If `reads` is neither an int nor an Embedding.
    ValueError
        If a recurrent layer returns too little or too much, or there is none, nor pooling.
    """
    *below, last = as_stack(recurrent, or_pooling=True)
    for layer in below:
        returns_sequences(layer, "the layers below the last one hand on every step")
    if getattr(last, "return_sequences", False):
        raise ValueError(
            f"`recurrent` must end with return_sequences=False, because only the last output counts; received "
            f"{last.name} with return_sequences=True."
        )
    return keras.Sequential([*reader(reads), *below, last, output])


def as_stack(recurrent, or_pooling=False):
    """Return the layers as a list, and make sure that one of them is recurrent, or pools over the steps if it may."""
    stack = list(recurrent) if isinstance(recurrent, (list, tuple)) else [recurrent]
    if not any(hasattr(layer, "return_sequences") or (or_pooling and isinstance(layer, POOLING)) for layer in stack):
        raise ValueError(f"`recurrent` must be a recurrent layer, or a list that has one; received {recurrent!r}.")
    return stack


def returns_sequences(layer, why):
    """Raise a ValueError if the layer is recurrent and returns its last output only."""
    if not getattr(layer, "return_sequences", True):
        raise ValueError(
            f"`recurrent` needs return_sequences=True, because {why}; received {layer.name} with "
            "return_sequences=False."
        )


def reader(reads):
    """Return the layers that take the input in."""
    if isinstance(reads, keras.layers.Embedding):
        return [keras.Input((None,), dtype="int32"), reads]
    if isinstance(reads, bool) or not isinstance(reads, int):
        raise TypeError(f"`reads` must be a number of features or an Embedding layer; received {reads!r}.")
    return [keras.Input((None, reads))]


class Writer(keras.Model):
    """A model that writes tokens, and at each step reads the one that it wrote before.

    ``model([source, tokens])`` gives the logits (B, T, K) of the token that follows each of ``tokens`` (B, T): teacher
    forcing. A subclass says in `start` what comes from the source.

    Parameters
    ----------
    tokens : int
        How many different tokens there are, K, padding included.
    units : int
        Number of hidden units, H.
    embedding : int
        Length of the vector that stands for a token.
    recurrent : {"GRU", "LSTM", "SimpleRNN"}
        The layer of `rnn_course.layers` that writes.
    **kwargs
        ``name`` and ``dtype``, as in `keras.Model`.

    Raises
    ------
    ValueError
        If a size is not a positive whole number, or `recurrent` is not one of the three.
    """

    def __init__(self, tokens, units, embedding=32, recurrent="GRU", **kwargs):
        super().__init__(**kwargs)
        positive(tokens=tokens, units=units, embedding=embedding)
        one_of(RECURRENT, recurrent=recurrent)
        self.settings = {"tokens": tokens, "units": units, "embedding": embedding, "recurrent": recurrent}
        self.embed = keras.layers.Embedding(tokens, embedding, name="embed")
        self.writer = RECURRENT[recurrent](units, return_sequences=True, name="writer")
        self.to_logits = keras.layers.Dense(tokens, name="to_logits")
        self.state_count = len(self.writer.state_size)

    def build(self, input_shape):
        _, tokens_shape = input_shape
        self.embed.build(tokens_shape)
        self.writer.build((None, None, self.input_size()))
        self.to_logits.build((None, None, self.writer.units))
        self.built = True

    def input_size(self):
        """Return how many numbers enter the recurrent layer at each step."""
        return self.settings["embedding"]

    def start(self, source):
        """Read the source; return the state before the first token.

        Parameters
        ----------
        source : tensor
            What the model reads, B rows.

        Returns
        -------
        list of tensor
            B rows each: the states of the recurrent layer, then what of the source stays in reach at every step.
        """
        raise NotImplementedError

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
            For the next step.
        """
        states, context = state[: self.state_count], state[self.state_count :]
        inputs = self.join_input(self.embed(tokens)[:, None], context)
        hidden, states = self.writer.cell(inputs[:, 0], states)
        return self.to_logits(self.join_output(hidden[:, None], context)[:, 0]), [*states, *context]

    def call(self, inputs):
        source, tokens = inputs
        return self.to_logits(self.join_output(*self.written(source, tokens)))

    def written(self, source, tokens):
        """Return the hidden states (B, T, H) of all steps, given the tokens (B, T), and the context."""
        state = self.start(source)
        states, context = state[: self.state_count], state[self.state_count :]
        return self.writer(self.join_input(self.embed(tokens), context), initial_state=states), context

    def join_input(self, embedded, context):
        """Return what enters the recurrent layer (B, T, any): the embedded tokens, unless a subclass adds to them."""
        return embedded

    def join_output(self, hidden, context):
        """Return what the logits are computed from (B, T, any): the hidden states, unless a subclass adds to them."""
        return hidden

    def get_config(self):
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("rnn_course")
class LanguageModel(Writer):
    """Reads a sequence of tokens and says, after each of them, which one comes next: a text, or a melody.

    ``model(tokens)``, with tokens (B, T), gives the logits (B, T, K) of the token that follows each. The first state is
    zero. To write, `start` reads a beginning, and `step` goes on from it.

    Parameters
    ----------
    tokens, units, embedding, recurrent, **kwargs
        Those of `Writer`.
    dropout : float
        The share of the hidden states' numbers that are set to zero in training, before the logits.
    """

    def __init__(self, tokens, units, embedding=32, recurrent="LSTM", dropout=0.0, **kwargs):
        super().__init__(tokens, units, embedding, recurrent, **kwargs)
        self.settings["dropout"] = dropout
        self.drop = keras.layers.Dropout(dropout, name="drop")

    def build(self, input_shape):
        super().build((None, input_shape))

    def start(self, source):
        """Read a beginning; return the state after it.

        Parameters
        ----------
        source : tensor
            The tokens (B, T) that stand before the one that `step` reads first; T may be 0.

        Returns
        -------
        list of tensor
            The states of the recurrent layer, B rows each.
        """
        states = [ops.zeros((source.shape[0], self.settings["units"]))] * self.state_count
        if source.shape[1] == 0:
            return states
        return list(self.writer.inner_loop(self.embed(source), states, None)[2])

    def call(self, tokens):
        return self.to_logits(self.drop(self.hidden(tokens)))

    def hidden(self, tokens):
        """Return the hidden states (B, T, H) after each of the tokens (B, T)."""
        return self.writer(self.embed(tokens))


@keras.saving.register_keras_serializable("rnn_course")
class VectorToSequence(Writer):
    """One vector in, a sequence of tokens out: a caption of an image.

    ``model([vector, tokens])``, with vectors (B, D).

    Parameters
    ----------
    tokens, units, embedding, recurrent, **kwargs
        Those of `Writer`.
    enters : {"initial state", "every step"}
        How the vector enters: as the state before the first step, by a dense layer with tanh for each state; or beside
        every token, by a dense layer of the length of the embedding, and then the first state is zero.

    Notes
    -----
    O. Vinyals, A. Toshev, S. Bengio and D. Erhan (2015), "Show and Tell: A Neural Image Caption Generator", CVPR,
    compare a vector that enters once with one that enters at every step.
    """

    def __init__(self, tokens, units, embedding=32, recurrent="GRU", enters="initial state", **kwargs):
        super().__init__(tokens, units, embedding, recurrent, **kwargs)
        one_of(("initial state", "every step"), enters=enters)
        self.settings["enters"] = self.enters = enters
        count = self.state_count if enters == "initial state" else 0
        self.to_states = [keras.layers.Dense(units, "tanh", name=f"to_state_{i}") for i in range(count)]
        self.to_input = keras.layers.Dense(embedding, name="to_input") if enters == "every step" else None

    def build(self, input_shape):
        for layer in [*self.to_states, self.to_input]:
            if layer:
                layer.build(input_shape[0])
        super().build(input_shape)

    def input_size(self):
        return self.settings["embedding"] * (2 if self.to_input else 1)

    def start(self, source):
        if self.enters == "initial state":
            return [to_state(source) for to_state in self.to_states]
        vector = self.to_input(source)
        zeros = ops.repeat(ops.zeros_like(vector[:, :1]), self.writer.units, axis=1)
        return [*[zeros] * self.state_count, vector]

    def join_input(self, embedded, context):
        if self.enters == "initial state":
            return embedded
        return beside(embedded, *context)


@keras.saving.register_keras_serializable("rnn_course")
class GridToSequence(Writer):
    """A grid of vectors in, a sequence of tokens out, with a look at the grid for each token: captions with attention.

    ``model([grid, tokens])``, with grids (B, S, M): S places, always the same ones in the same order, and a vector for
    each, such as those that a convolutional network has for the parts of an image. Their mean sets the first state, by
    a dense layer with tanh for each state. A glance at all of them, by a dense layer of the length of the embedding,
    enters beside every token, so that the writer knows where to look. Then its hidden state looks at the places:

    .. math::

        m_s = x_s + p_s, \\qquad \\alpha_{ts} = \\operatorname{softmax}_s(h_t^\\top W_a m_s), \\qquad
        \\tilde h_t = \\tanh\\Bigl(W_c \\Bigl[h_t; \\sum_s \\alpha_{ts} m_s\\Bigr]\\Bigr),

    where :math:`x_s` is what is at place s, and :math:`p_s` a learned vector that says which place it is. The logits
    come from :math:`\\tilde h_t`.

    Parameters
    ----------
    tokens, units, embedding, recurrent, **kwargs
        Those of `Writer`.

    Raises
    ------
    ValueError
        As in `Writer`; and if the number of places is not known when the model is built.

    Notes
    -----
    K. Xu et al. (2015), "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML, look
    before each recurrent step, which then reads what was seen. Here the writer looks after it, as in `EncoderDecoder`,
    so that in training all steps look at once.
    """

    def __init__(self, tokens, units, embedding=32, recurrent="GRU", **kwargs):
        super().__init__(tokens, units, embedding, recurrent, **kwargs)
        self.to_states = [keras.layers.Dense(units, "tanh", name=f"to_state_{i}") for i in range(self.state_count)]
        self.to_input = keras.layers.Dense(embedding, name="to_input")
        self.attend = Attention(name="attend")
        self.join = keras.layers.Dense(units, "tanh", use_bias=False, name="join")

    def build(self, input_shape):
        _, places, size = input_shape[0]
        if places is None:
            raise ValueError(f"The grid must have a known number of places; received the shape {input_shape[0]}.")
        units = self.settings["units"]
        self.places = self.add_weight(shape=(places, size), name="places")
        for layer in self.to_states:
            layer.build((None, size))
        self.to_input.build((None, places * size))
        self.attend.build((None, None, units), (None, places, size))
        self.join.build((None, None, units + size))
        super().build(input_shape)

    def input_size(self):
        return 2 * self.settings["embedding"]

    def start(self, source):
        places, size = self.places.shape
        mean, glance = ops.mean(source, axis=1), self.to_input(ops.reshape(source, (-1, places * size)))
        return [*[to_state(mean) for to_state in self.to_states], glance, source + self.places]

    def join_input(self, embedded, context):
        return beside(embedded, context[0])

    def join_output(self, hidden, context):
        seen, _ = self.attend(hidden, context[1])
        return self.join(ops.concatenate([hidden, seen], axis=-1))

    def attention(self, inputs):
        """Return where the writer looks as it writes.

        Parameters
        ----------
        inputs : list of tensor
            Grid (B, S, M) and the tokens that the writer is given (B, T), as in a call of the model.

        Returns
        -------
        tensor
            Shape (B, T, S): how much weight each place has at each step; the weights of a step sum to 1.
        """
        hidden, context = self.written(*inputs)
        return self.attend(hidden, context[1])[1]


@keras.saving.register_keras_serializable("rnn_course")
class EncoderDecoder(Writer):
    """Reads one sequence of tokens to its end, then writes another: translation.

    ``model([source, tokens])``, with source tokens (B, S). The states in which the encoder ends are those in which the
    decoder begins, and without attention they are all that it knows of the source. The last hidden state can enter at
    every step, too, so that the decoder need not remember it. With attention the decoder can look back at every hidden
    state of the encoder:

    .. math::

        \\alpha_{ts} = \\operatorname{softmax}_s(h_t^\\top W_a m_s), \\qquad
        \\tilde h_t = \\tanh\\Bigl(W_c \\Bigl[h_t; \\sum_s \\alpha_{ts} m_s\\Bigr]\\Bigr),

    where :math:`m_s` is the encoder's hidden state after source token s, and the logits come from :math:`\\tilde h_t`.

    Parameters
    ----------
    source_tokens, target_tokens : int
        How many different tokens there are to read and to write, padding included.
    units : int
        Number of hidden units of the encoder and of the decoder, H.
    embedding : int
        Length of the vector that stands for a token.
    recurrent : {"GRU", "LSTM", "SimpleRNN"}
        The layer of `rnn_course.layers` that reads, and that writes.
    attention : bool
        Whether the decoder looks back at the encoder's hidden states.
    bidirectional : bool
        Whether the encoder reads both ways, with H / 2 units each.
    enters : {"initial state", "every step"}
        Where the encoder's last hidden state enters: as the decoder's first one only; or also beside every token, by a
        dense layer of the length of the embedding.
    **kwargs
        ``name`` and ``dtype``, as in `keras.Model`.

    Raises
    ------
    ValueError
        If a size is not a positive whole number, `recurrent` or `enters` is not one of those named, or `units` is odd
        and the encoder bidirectional.

    Notes
    -----
    I. Sutskever, O. Vinyals and Q. V. Le (2014), "Sequence to Sequence Learning with Neural Networks", NeurIPS, let the
    state enter once; K. Cho et al. (2014), "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation", EMNLP, at every step. Attention: M.-T. Luong, H. Pham and C. D. Manning (2015),
    "Effective Approaches to Attention-based Neural Machine Translation", EMNLP: global attention with the score that
    they call general, without input feeding.
    """

    def __init__(
        self,
        source_tokens,
        target_tokens,
        units,
        embedding=32,
        recurrent="GRU",
        attention=False,
        bidirectional=False,
        enters="initial state",
        **kwargs,
    ):
        super().__init__(target_tokens, units, embedding, recurrent, **kwargs)
        positive(source_tokens=source_tokens)
        one_of(("initial state", "every step"), enters=enters)
        if bidirectional and units % 2:
            raise ValueError(f"`units` must be even for a bidirectional encoder, half for each way; received {units}.")
        del self.settings["tokens"]
        self.settings |= {"source_tokens": source_tokens, "target_tokens": target_tokens}
        self.settings |= {"attention": attention, "bidirectional": bidirectional, "enters": enters}
        self.embed_source = keras.layers.Embedding(source_tokens, embedding, name="embed_source")
        self.encoder = RECURRENT[recurrent](
            units // 2 if bidirectional else units, return_sequences=attention, return_state=True, name="encoder"
        )
        if bidirectional:
            self.encoder = keras.layers.Bidirectional(self.encoder, name="encoder")
        self.to_input = keras.layers.Dense(embedding, name="to_input") if enters == "every step" else None
        self.attend = Attention(name="attend") if attention else None
        self.join = keras.layers.Dense(units, "tanh", use_bias=False, name="join") if attention else None

    def build(self, input_shape):
        units, embedding = self.settings["units"], self.settings["embedding"]
        self.embed_source.build(input_shape[0])
        self.encoder.build((None, None, embedding))
        if self.to_input:
            self.to_input.build((None, units))
        if self.attend:
            self.attend.build((None, None, units), (None, None, units))
            self.join.build((None, None, 2 * units))
        super().build(input_shape)

    def input_size(self):
        return self.settings["embedding"] * (2 if self.to_input else 1)

    def start(self, source):
        mask = ops.not_equal(source, 0)
        memory, *states = self.encoder(self.embed_source(source), mask=mask)
        if len(states) > self.state_count:  # both ways: forward states, then backward states
            ways = states[: self.state_count], states[self.state_count :]
            states = [ops.concatenate(pair, axis=-1) for pair in zip(*ways)]
        context = [self.to_input(states[0])] if self.to_input else []
        return [*states, *context, *([memory, mask] if self.attend else [])]

    def join_input(self, embedded, context):
        return beside(embedded, context[0]) if self.to_input else embedded

    def join_output(self, hidden, context):
        if not self.attend:
            return hidden
        seen, _ = self.attend(hidden, *context[-2:])
        return self.join(ops.concatenate([hidden, seen], axis=-1))

    def attention(self, inputs):
        """Return where the decoder looks as it writes.

        Parameters
        ----------
        inputs : list of tensor
            Source (B, S) and the tokens that the decoder is given (B, T), as in a call of the model.

        Returns
        -------
        tensor
            Shape (B, T, S): how much weight each source token has at each step; the weights of a step sum to 1.

        Raises
        ------
        ValueError
            If the model was made without attention.
        """
        if not self.attend:
            raise ValueError("This model has no attention; make it with EncoderDecoder(..., attention=True).")
        hidden, context = self.written(*inputs)
        return self.attend(hidden, *context[-2:])[1]


@keras.saving.register_keras_serializable("rnn_course")
class Attention(keras.layers.Layer):
    """Attention by the score that Luong et al. (2015) call general: how well does a memory fit a query?

    .. math::

        \\alpha_{ts} = \\operatorname{softmax}_s(h_t^\\top W_a m_s), \\qquad \\sum_s \\alpha_{ts} m_s

    ``attend(queries, memory, mask)``, with queries :math:`h` (B, T, H), memory :math:`m` (B, S, M), and a mask (B, S)
    that is false where there is padding, returns the weighted sums of the memory (B, T, M) and the weights (B, T, S).
    A row of the mask that is all false gives equal weights.
    """

    def build(self, queries_shape, memory_shape, mask_shape=None):
        self.W_a = self.add_weight(shape=(queries_shape[-1], memory_shape[-1]), name="W_a")

    def call(self, queries, memory, mask=None):
        scores = (queries @ self.W_a) @ ops.transpose(memory, (0, 2, 1))
        if mask is not None:
            scores = ops.where(mask[:, None], scores, ops.cast(-1e4, scores.dtype))
        weights = ops.softmax(scores, axis=-1)
        return weights @ memory, weights


def beside(embedded, vector):
    """Return the vector (B, D) beside the embedded token of each step (B, T, E): (B, T, E + D)."""
    vector = ops.broadcast_to(vector[:, None], (*ops.shape(embedded)[:2], vector.shape[-1]))
    return ops.concatenate([embedded, vector], axis=-1)
