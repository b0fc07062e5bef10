"""Decoding: from a network that gives each next token a probability to one sequence.

A writer is given as a ``step``, such as `rnn_course.architectures.Writer.step`: ``logits, state = step(tokens, state)``
takes the tokens written last (N,) and a state whose tensors all have N rows, and gives logits (N, K) for the next
token. Token 0 is padding: it is never chosen, and fills a sequence up after its end.

Networks that were trained with `rnn_course.training.CTC` write at every step of their input; those logits are read by
`ctc_greedy` and `ctc_beam_search`.
"""

import keras
import numpy as np
from keras import ops

from rnn_course.checks import positive


def greedy(step, state, start, end, length, allowed=None):
    """Write the most probable token at each step.

    Parameters
    ----------
    step : callable
        ``logits, state = step(tokens, state)``.
    state : nest of tensor
        The state before the first token, N rows.
    start : int or array_like of int
        The token that is read first: one for all rows, or one for each, (N,).
    end : int
        The token that ends a sequence.
    length : int
        Steps after which a sequence ends in any case.
    allowed : array_like, optional
        Which tokens may stand at each step: shape (length, K), or (N, length, K) if the rows differ, bool. A step that
        allows one token only is given rather than written.

    Returns
    -------
    numpy.ndarray
        Shape (N, length), int32: the tokens written, without start and end, then zeros.

    Raises
    ------
    ValueError
        If `start`, `end` or `length` is not a positive whole number, `start` has another length, or `allowed` has
        another shape or a step without a token.
    """
    return write(step, state, start, end, length, lambda logits: logits.argmax(axis=-1), allowed)


def sample(step, state, start, end, length, temperature=1.0, top_k=None, seed=None, allowed=None):
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
    allowed : array_like, optional
        As in `greedy`.

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

    return write(step, state, start, end, length, draw, allowed)


def write(step, state, start, end, length, choose, allowed=None):
    """Write token after token; ``choose`` maps logits (N, K), a NumPy array, to tokens (N,)."""
    positive(end=end, length=length)
    rows = keras.tree.flatten(state)[0].shape[0]
    allowed = checked_allowed(allowed, rows, length)
    tokens = first_tokens(start, rows)
    written = np.zeros((rows, length), "int32")
    going = np.ones(rows, bool)
    for t in range(length):
        logits, state = step(tokens, state)
        tokens = choose(only(allowed, t, without_padding(logits))).astype("int32")
        going &= tokens != end
        if not going.any():
            break
        written[going, t] = tokens[going]
    return written


def beam_search(step, state, start, end, length, beams=4, length_penalty=0.0, allowed=None):
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
    allowed : array_like, optional
        As in `greedy`. Given tokens count: a beginning after which what is given is improbable falls back.

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
    positive(end=end, length=length, beams=beams)
    rows = keras.tree.flatten(state)[0].shape[0]
    allowed = checked_allowed(allowed, rows, length)
    state = keras.tree.map_structure(lambda s: ops.repeat(s, beams, axis=0), state)
    tokens = np.repeat(first_tokens(start, rows)[:, None], beams, axis=1)
    written = np.zeros((rows, beams, length), "int32")
    scores = np.full((rows, beams), -np.inf)
    scores[:, 0] = 0  # all beams are equal at first: keep one
    ended = np.zeros((rows, beams), bool)
    for t in range(length):
        logits, state = step(tokens.reshape(-1), state)
        log_p = log_softmax(without_padding(logits))
        log_p = only(allowed, t, log_p.reshape(rows, beams, -1))
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


def first_tokens(start, rows):
    """Return the token that each row reads first: (N,), int32."""
    if np.ndim(start) == 0:
        positive(start=start)
    elif np.shape(start) != (rows,) or np.asarray(start).dtype.kind not in "iu" or (np.asarray(start) < 1).any():
        raise ValueError(
            f"`start` must be a positive whole number, or an array of such for the {rows} rows; received {start!r}."
        )
    return np.broadcast_to(start, rows).astype("int32")


def checked_allowed(allowed, rows, length):
    """Return which tokens are allowed as (1 or N, length, K), bool; None, if all of them are."""
    if allowed is None:
        return None
    allowed = np.asarray(allowed, bool)
    if allowed.ndim not in (2, 3) or allowed.shape[-2] != length or (allowed.ndim == 3 and len(allowed) != rows):
        raise ValueError(
            f"`allowed` must have shape ({length}, K), or ({rows}, {length}, K); received shape {allowed.shape}."
        )
    if not allowed[..., 1:].any(axis=-1).all():
        raise ValueError("`allowed` must leave a token at each step that is not padding.")
    return allowed.reshape(-1, *allowed.shape[-2:])


def only(allowed, t, values):
    """Return values (N, K) or (N, beams, K) with those of tokens not allowed at step t at minus infinity."""
    if allowed is None:
        return values
    return np.where(allowed[:, t] if values.ndim == 2 else allowed[:, None, t], values, -np.inf)


def without_padding(logits):
    """Return the logits as a float64 array (N, K), that of padding at minus infinity."""
    logits = ops.convert_to_numpy(logits).astype("float64")
    logits[:, 0] = -np.inf
    return logits


def log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def ctc_greedy(logits):
    """Read the most probable path of a network trained with `rnn_course.training.CTC`.

    The most probable label of each step; then equal neighbors are merged, and blanks (label 0) dropped. It need not be
    the most probable sequence, because many paths may lead to another one: that is what `ctc_beam_search` adds up.

    Parameters
    ----------
    logits : array_like
        Shape (N, T, K), of each label at each step; probabilities do as well.

    Returns
    -------
    numpy.ndarray
        Shape (N, T), int32: the labels read, then zeros.

    Raises
    ------
    ValueError
        If `logits` has another shape.
    """
    path = of_rank_three(logits).argmax(axis=-1)
    changes = np.diff(path, axis=1, prepend=-1) != 0
    written = np.zeros(path.shape, "int32")
    for labels, row, kept in zip(written, path, changes & (path != 0)):
        labels[: kept.sum()] = row[kept]
    return written


def ctc_beam_search(logits, beams=8):
    """Find the most probable sequences of a network trained with `rnn_course.training.CTC`.

    At each step, the most probable beginnings are kept, each with the sum of the probabilities of its paths; those that
    end in a blank are added up apart, as only after a blank is the last label, read again, a new one.

    Parameters
    ----------
    logits : array_like
        Shape (N, T, K), label 0 being the blank.
    beams : int
        How many beginnings are kept, at most.

    Returns
    -------
    labels : numpy.ndarray
        Shape (N, beams, T), int32: the best sequence first; each is followed by zeros.
    log_probabilities : numpy.ndarray
        Shape (N, beams), float64: of each sequence, over the paths that were kept; ``-inf`` where there are fewer
        sequences than beams.

    Raises
    ------
    ValueError
        If `logits` has another shape, or `beams` is not a positive whole number.

    Notes
    -----
    A. Graves (2012), *Supervised Sequence Labelling with Recurrent Neural Networks*, chapter 7, and A. L. Maas,
    Z. Xie, D. Jurafsky and A. Y. Ng (2015), "Lexicon-Free Conversational Speech Recognition with Neural Networks",
    NAACL, here without a language model.
    """
    positive(beams=beams)
    probabilities = np.exp(log_softmax(of_rank_three(logits)))
    labels = np.zeros((len(probabilities), beams, probabilities.shape[1]), "int32")
    log_p = np.full(labels.shape[:2], -np.inf)
    for row, steps in enumerate(probabilities.tolist()):
        for rank, (prefix, total) in enumerate(best_prefixes(steps, beams)):
            labels[row, rank, : len(prefix)] = prefix
            log_p[row, rank] = total
    return labels, log_p


def best_prefixes(steps, beams):
    """Return the best sequences of labels, and the log-probability of each; ``steps`` are lists of probabilities."""
    paths, scale = {(): (1.0, 0.0)}, 0.0  # of each beginning: its paths that end in a blank, and in its last label
    for p in steps:
        longer = {}

        def add(prefix, blank, label, longer=longer):
            before = longer.get(prefix, (0.0, 0.0))
            longer[prefix] = before[0] + blank, before[1] + label

        for prefix, (blank, label) in paths.items():
            last = prefix[-1] if prefix else 0
            add(prefix, (blank + label) * p[0], label * p[last])
            for k in range(1, len(p)):
                add((*prefix, k), 0.0, (blank if k == last else blank + label) * p[k])
        kept = sorted(longer.items(), key=lambda item: -sum(item[1]))[:beams]
        total = sum(map(sum, longer.values()))  # dividing by it keeps the numbers from getting too small
        paths = {prefix: (blank / total, label / total) for prefix, (blank, label) in kept if blank + label}
        scale += np.log(total)
    return [(prefix, np.log(sum(ends)) + scale) for prefix, ends in paths.items()]


def of_rank_three(logits):
    """Return the logits as a float64 array (N, T, K)."""
    logits = np.asarray(ops.convert_to_numpy(logits), "float64")
    if logits.ndim != 3:
        raise ValueError(f"`logits` must have shape (N, T, K); received shape {logits.shape}.")
    return logits
