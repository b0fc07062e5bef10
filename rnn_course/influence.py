r"""The influence of each part of a sequence on a model's answer.

Three ways to ask which words an answer is owed to. `occlusion` takes a word away and looks at what changes: it needs
nothing but the answers. `gradient_times_input` and `integrated_gradients` ask the derivative: the first at the text as
it is, the second all along the way from a baseline that says nothing to the text. `deletion` tests whichever of them:
if the words that it names matter, the answer must fall as they are taken away.

None of them depends on what the model is. Tokens are a list; embedded tokens are an array (T, D). A score is a number,
best the logit of the answer in question, as a probability near 0 or 1 hardly moves.
"""

import numpy as np
from keras import ops

from rnn_course.checks import positive
from rnn_course.gradients import gradient


def occlusion(score, tokens, replacement=None):
    r"""How much the score falls if a token is taken away: :math:`f(x) - f(x \setminus x_t)`.

    Parameters
    ----------
    score : callable
        Takes a list of token lists and returns a number for each. It is called once.
    tokens : sequence
        The T tokens.
    replacement : optional
        What is put in the token's place, such as a token for unknown words. If left out, the token is left out.

    Returns
    -------
    numpy.ndarray
        Shape (T,), float64: positive for a token that raises the score.

    Raises
    ------
    ValueError
        If there are no tokens; or only one, and no replacement.

    Examples
    --------
    >>> count_good = lambda texts: [text.count("good") for text in texts]
    >>> occlusion(count_good, ["a", "good", "film"]).tolist()
    [0.0, 1.0, 0.0]
    """
    tokens = list(tokens)
    if len(tokens) < 1 + (replacement is None):
        raise ValueError(
            f"`tokens` must be at least {1 + (replacement is None)}, so that some are left; received {tokens!r}."
        )
    instead = [] if replacement is None else [replacement]
    without = [tokens[:t] + instead + tokens[t + 1 :] for t in range(len(tokens))]
    whole, *rest = np.asarray(score([tokens, *without]), dtype="float64")
    return whole - np.array(rest)


def gradient_times_input(score, x, baseline=None):
    r"""The score's derivative by each token's vector, times how far the vector is from the baseline.

    .. math:: a_t = (x_t - x'_t) \cdot \frac{\partial f(x)}{\partial x_t}

    It is what the score would change by, if it were linear, as the token's vector moves from the baseline.

    Parameters
    ----------
    score : callable
        Takes a tensor (B, T, D) and returns one (B,), by `keras.ops` and Keras layers. The B rows must not mix.
    x : array, shape (T, D)
        The embedded tokens.
    baseline : array, shape (T, D) or (D,), optional
        The vectors of a text that says nothing; zero if left out.

    Returns
    -------
    numpy.ndarray
        Shape (T,), float64.

    Raises
    ------
    ValueError
        If a shape does not fit.
    """
    x, baseline = checked(x, baseline)
    return ((x - baseline) * derivatives(score, x[None])[0]).sum(axis=-1).astype("float64")


def integrated_gradients(score, x, baseline=None, steps=64):
    r"""The derivative integrated from the baseline to the text, times the distance (Sundararajan et al., 2017).

    .. math:: a_t = (x_t - x'_t) \cdot \int_0^1 \frac{\partial f(x' + \alpha (x - x'))}{\partial x_t} \, d\alpha

    The influences of all tokens sum to :math:`f(x) - f(x')`: *completeness*. The integral is taken by the midpoint
    rule, so the sum is right up to an error that falls with the square of the number of steps.

    Parameters
    ----------
    score, x, baseline
        As in `gradient_times_input`.
    steps : int
        At how many points the derivative is taken. They go through the score as one batch.

    Returns
    -------
    numpy.ndarray
        Shape (T,), float64.

    Raises
    ------
    ValueError
        If a shape does not fit, or `steps` is not a positive whole number.

    References
    ----------
    M. Sundararajan, A. Taly and Q. Yan (2017), Axiomatic attribution for deep networks. ICML.
    """
    positive(steps=steps)
    x, baseline = checked(x, baseline)
    alpha = ((np.arange(steps) + 0.5) / steps).reshape(-1, 1, 1).astype(x.dtype)
    slope = derivatives(score, baseline + alpha * (x - baseline)).astype("float64").mean(axis=0)
    return ((x - baseline) * slope).sum(axis=-1)


def deletion(score, tokens, order, replacement=None):
    """The score as tokens are taken away, one after the other.

    Parameters
    ----------
    score, tokens, replacement
        As in `occlusion`.
    order : sequence of int
        The places of the tokens, in the order in which they go; such as ``np.argsort(-influence)``.

    Returns
    -------
    numpy.ndarray
        Shape (1 + len(order),), float64: the score of the whole, and after each token that has gone.

    Raises
    ------
    ValueError
        If `order` has a place twice or one that is not there; or all tokens would go, and there is no replacement.
    """
    tokens, order = list(tokens), [int(place) for place in order]
    if len(set(order)) < len(order) or not set(order) <= set(range(len(tokens))):
        raise ValueError(f"`order` must have places from 0 to {len(tokens) - 1}, each once; received {order}.")
    if replacement is None and len(order) == len(tokens):
        raise ValueError("`order` must leave a token, if there is no `replacement`; received all places.")
    instead = [] if replacement is None else [replacement]
    texts = []
    for gone in range(len(order) + 1):
        away = set(order[:gone])
        texts.append([kept for t, token in enumerate(tokens) for kept in (instead if t in away else [token])])
    return np.asarray(score(texts), dtype="float64")


def derivatives(score, x):
    """The derivatives (B, T, D) of each row's score by its vectors."""
    (slopes,) = gradient(lambda x: ops.sum(score(x)), x)
    return ops.convert_to_numpy(slopes)


def checked(x, baseline):
    """The vectors and the baseline (T, D), as real numbers; or what is wrong with them."""
    x = np.asarray(x)
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"`x` must be real numbers of shape (T, D); received shape {x.shape} and dtype {x.dtype}.")
    baseline = np.zeros_like(x) if baseline is None else np.asarray(baseline, dtype=x.dtype)
    if baseline.shape not in (x.shape, x.shape[1:]):
        raise ValueError(f"`baseline` must have the shape {x.shape} or {x.shape[1:]}; received {baseline.shape}.")
    return x, np.broadcast_to(baseline, x.shape)
