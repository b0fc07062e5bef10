"""Decoding: from a network that gives each next token a probability to one sequence.

Every function takes a ``step``, such as `rnn_course.architectures.Writer.step`: ``logits, state = step(tokens, state)``
takes the tokens written last (N,) and a state whose tensors all have N rows, and gives logits (N, K) for the next
token. Token 0 is padding: it is never chosen, and fills a sequence up after its end.
"""

import keras
import numpy as np
from keras import ops


def greedy(step, state, start, end, length):
    """Write the most probable token at each step.

    Parameters
    ----------
    step : callable
        ``logits, state = step(tokens, state)``.
    state : nest of tensor
        The state before the first token, N rows.
    start, end : int
        The token that is read first, and the one that ends a sequence.
    length : int
        Steps after which a sequence ends in any case.

    Returns
    -------
    numpy.ndarray
        Shape (N, length), int32: the tokens written, without start and end, then zeros.

    Raises
    ------
    ValueError
        If `start`, `end` or `length` is not a positive whole number.
    """
    return write(step, state, start, end, length, lambda logits: logits.argmax(axis=-1))


def sample(step, state, start, end, length, temperature=1.0, top_k=None, seed=None):
    """Draw each token by its probability.

    Parameters
    ----------
    step, state, start, end, length
        As in `greedy`.
    temperature : float
        What the logits are divided by: 1 leaves the network's own probabilities, below 1 prefers the probable tokens,
        above 1 evens them out.
    top_k : int, optional
        Draw among that many most probable tokens only.
    seed : int, optional
        The same seed draws the same tokens.

    Returns
    -------
    numpy.ndarray
        As in `greedy`.

    Raises
    ------
    ValueError
        As in `greedy`; and if `temperature` or `top_k` is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be above 0; received {temperature!r}. For the limit 0, use greedy().")
    if top_k is not None:
        positive(top_k=top_k)
    rng = np.random.default_rng(seed)

    def draw(logits):
        logits = logits / temperature
        if top_k is not None and top_k < logits.shape[-1]:
            least = np.partition(logits, -top_k, axis=-1)[:, -top_k, None]
            logits = np.where(logits < least, -np.inf, logits)
        return (logits + rng.gumbel(size=logits.shape)).argmax(axis=-1)  # the Gumbel-max trick draws from softmax

    return write(step, state, start, end, length, draw)


def write(step, state, start, end, length, choose):
    """Write token after token; ``choose`` maps logits (N, K), a NumPy array, to tokens (N,)."""
    positive(start=start, end=end, length=length)
    rows = keras.tree.flatten(state)[0].shape[0]
    tokens = np.full(rows, start, "int32")
    written = np.zeros((rows, length), "int32")
    going = np.ones(rows, bool)
    for t in range(length):
        logits, state = step(tokens, state)
        tokens = choose(without_padding(logits)).astype("int32")
        going &= tokens != end
        if not going.any():
            break
        written[going, t] = tokens[going]
    return written


def beam_search(step, state, start, end, length, beams=4, length_penalty=0.0):
    """Keep the most probable beginnings, and extend each of them by every token, step by step.

    Parameters
    ----------
    step, state, start, end, length
        As in `greedy`.
    beams : int
        How many beginnings are kept, at most. With one, it is greedy decoding.
    length_penalty : float
        The finished sequences are ranked by log-probability / length ** length_penalty, where the end token counts. 0
        ranks by probability, which favors short ones; 1 ranks by the mean of a token.

    Returns
    -------
    tokens : numpy.ndarray
        Shape (N, beams, length), int32: the best sequence first; each as in `greedy`.
    log_probabilities : numpy.ndarray
        Shape (N, beams), float64: of each sequence, its end included; ``-inf`` where there are fewer than beams.

    Raises
    ------
    ValueError
        As in `greedy`; and if `beams` is not a positive whole number.
    """
    positive(start=start, end=end, length=length, beams=beams)
    rows = keras.tree.flatten(state)[0].shape[0]
    state = keras.tree.map_structure(lambda s: ops.repeat(s, beams, axis=0), state)
    tokens = np.full((rows, beams), start, "int32")
    written = np.zeros((rows, beams, length), "int32")
    scores = np.full((rows, beams), -np.inf)
    scores[:, 0] = 0  # all beams are equal at first: keep one
    ended = np.zeros((rows, beams), bool)
    for t in range(length):
        logits, state = step(tokens.reshape(-1), state)
        log_p = log_softmax(without_padding(logits)).reshape(rows, beams, -1)
        log_p[ended] = -np.inf
        log_p[ended, 0] = 0  # a sequence that has ended goes on with padding, at no cost
        scores, parents, tokens = best(scores[:, :, None] + log_p, beams)
        row = np.arange(rows)[:, None]
        written, ended = written[row, parents], ended[row, parents] | (tokens == end)
        written[:, :, t] = np.where(ended, 0, tokens)
        if ended.all():
            break
        chosen = (row * beams + parents).reshape(-1)
        state = keras.tree.map_structure(lambda s, chosen=chosen: ops.take(s, chosen, axis=0), state)
    counts = (written > 0).sum(axis=-1) + ended
    order = np.argsort(-scores / counts.clip(1) ** length_penalty, axis=-1, kind="stable")
    return np.take_along_axis(written, order[:, :, None], axis=1), np.take_along_axis(scores, order, axis=1)


def best(scores, beams):
    """Return the best of all extensions (N, beams, K): scores, the beams they extend, the tokens; (N, beams) each."""
    rows, _, count = scores.shape
    flat = scores.reshape(rows, -1)
    top = np.argsort(-flat, axis=-1, kind="stable")[:, :beams]
    return np.take_along_axis(flat, top, axis=-1), top // count, (top % count).astype("int32")


def without_padding(logits):
    """Return the logits as a float64 array (N, K), that of padding at minus infinity."""
    logits = ops.convert_to_numpy(logits).astype("float64")
    logits[:, 0] = -np.inf
    return logits


def log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def positive(**numbers):
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"`{name}` must be a positive whole number; received {name}={number!r}.")
