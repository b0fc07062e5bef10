"""How well is a text predicted, by counts and by compressors, and what holds at each of its characters?

A network's bits per character are comparable with these if both have seen the same text before.
"""

import itertools
import math
import re
from collections import Counter, defaultdict

import numpy as np


def parts(text, *shares):
    """Cut a text at the ends of lines.

    Parameters
    ----------
    text : str
        The text.
    *shares : float
        Where to cut, as shares of the text, ascending; each cut is at the end of the line that is there.

    Returns
    -------
    list of str
        One part more than there are shares; together they are the text.
    """
    cuts = [0, *(text.index("\n", int(share * len(text))) + 1 for share in shares), len(text)]
    return [text[first:last] for first, last in itertools.pairwise(cuts)]


def windows(codes, length, stride):
    """Cut a sequence into windows (N, length + 1), which start every ``stride`` steps: a step more, to predict."""
    return np.stack([codes[start : start + length + 1] for start in range(0, len(codes) - length, stride)])


def count(text, order):
    """Count which characters follow each context of up to ``order`` characters: {context: {character: how often}}."""
    follows = defaultdict(Counter)
    for at, character in enumerate(text):
        for length in range(min(order, at) + 1):
            follows[text[at - length : at]][character] += 1
    return follows


def bits_by_counts(follows, text, order, go_on=False):
    """Return the bits per character by counts with Witten and Bell's interpolation.

    The probability after a context is that of its count, and with the weight of the number of different characters
    that were seen there, the probability after the context shortened by one.

    Parameters
    ----------
    follows : dict
        From `count`, with at least this order.
    text : str
        What is predicted; it is read as if a new line stood before it.
    order : int
        How many characters the contexts have, at most.
    go_on : bool
        Whether what was read counts for what comes next; ``follows`` then grows.

    Returns
    -------
    float

    Notes
    -----
    I. H. Witten and T. C. Bell (1991), "The Zero-Frequency Problem: Estimating the Probabilities of Novel Events in
    Adaptive Text Compression", IEEE Transactions on Information Theory 37(4).
    """
    total, text = 0.0, "\n" + text
    characters = len(follows[""])
    for at in range(1, len(text)):
        p = 1 / characters
        for length in range(min(order, at) + 1):
            after = follows.get(text[at - length : at])
            if not after:
                break
            p = (after[text[at]] + len(after) * p) / (after.total() + len(after))
        total -= math.log2(p)
        for length in range(min(order, at) + 1 if go_on else 0):
            follows[text[at - length : at]][text[at]] += 1
    return total / (len(text) - 1)


def best_counts(learn, choose):
    """Return the order, up to 8, with which counts of ``learn`` predict ``choose`` best, and the counts."""
    follows = count("\n" + learn, 8)
    return min(range(1, 9), key=lambda order: bits_by_counts(follows, choose, order)), follows


def bits_compressed(compress, before, text):
    """Return the bits per character by which ``text`` makes a compressed file longer that holds the text before.

    Parameters
    ----------
    compress : callable
        From bytes to bytes, such as ``bz2.compress``.
    before, text : str
        What is there already, and what is added.
    """
    size = len(compress((before + text).encode())) - len(compress(before.encode()))
    return 8 * size / len(text)


def words(text):
    """Return the runs of letters of a text, lower case."""
    return re.findall("[a-z]+", text.lower())


def longest_copy(text, source):
    """Return the longest piece of ``text`` that stands in ``source``, word for word: the first of the longest ones."""
    first, longest = 0, 0
    for start in range(len(text)):
        while start + longest < len(text) and text[start : start + longest + 1] in source:
            first, longest = start, longest + 1
    return text[first : first + longest]


def features(text):
    """Return, for each thing that can hold after a character, an array that says after which characters it does."""
    quoted = bracket = name = False
    first = True
    rows = []
    for character in text:
        quoted = (quoted != (character == '"')) and character != "\n"
        bracket = (bracket or character == "(") and character not in ")\n"
        name = character == "_" or (name and character.isalnum())
        first = character == "\n" or (first and character != " ")
        rows.append((quoted, name, character.isalpha(), first, bracket))
    names = (
        "inside quotation marks",
        "after an underscore in a name",
        "inside a word",
        "in the first word",
        "inside brackets",
    )
    return dict(zip(names, np.array(rows).T))


def best_threshold(values, holds):
    """Say by one number whether something holds: where to cut?

    Parameters
    ----------
    values : numpy.ndarray
        Shape (N,): such as a hidden unit's value after each character.
    holds : numpy.ndarray
        Shape (N,), bool: whether it does hold.

    Returns
    -------
    accuracy : float
        The `balanced_accuracy` of the best threshold.
    sign : {1, -1}
        Whether values above it (1) or below it (-1) say yes.
    threshold : float
        The threshold.
    """
    order = np.argsort(values)
    right = np.cumsum(np.where(holds[order], -1 / holds.sum(), 1 / (~holds).sum()))  # yes above, cut after each value
    at = {1: int(np.argmax(right)), -1: int(np.argmin(right))}
    sign = max(at, key=lambda sign: sign * right[at[sign]])
    between = values[order][at[sign] : at[sign] + 2].mean()
    return float(0.5 + sign * right[at[sign]] / 2), sign, float(between)


def balanced_accuracy(says, holds):
    """Return the mean of the shares of right answers where something holds and where it does not; 0.5 is chance."""
    return float((says[holds].mean() + (~says[~holds]).mean()) / 2)
