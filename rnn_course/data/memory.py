"""Tasks that are nothing but memory."""

import numpy as np

from . import _check


def adding(count, steps, seed=0):
    """The adding problem: add the two numbers that are marked in a long sequence of numbers.

    Two steps of each sequence, drawn at random, carry the marker 1, all others 0. The network has to notice the
    first marked number, keep it through the unmarked ones, and add the second.

    Parameters
    ----------
    count : int
        How many sequences, N.
    steps : int
        How long they are, T, at least 2.
    seed : int
        The same seed gives the same sequences.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, 2), float32: the numbers, uniform between 0 and 1, in column 0; the markers in column 1.
    y : numpy.ndarray
        Shape (N, 1), float32: the sum of the two marked numbers, between 0 and 2. Always to answer 1, its mean,
        has a mean squared error of 1/6 = 0.167: a network must do better to have remembered anything.

    Raises
    ------
    TypeError
        If an argument is not an int.
    ValueError
        If `count` is below 1, `steps` below 2 or `seed` negative.

    Notes
    -----
    S. Hochreiter and J. Schmidhuber (1997), "Long Short-Term Memory", *Neural Computation* 9(8), section 5.4, in the
    form of Q. V. Le, N. Jaitly and G. E. Hinton (2015), "A Simple Way to Initialize Recurrent Networks of Rectified
    Linear Units", arXiv:1504.00941: numbers from 0 to 1 and the plain sum as the target. The first paper draws
    from -1 to 1, scales the target, varies the lengths and has both markers in the first half.
    """
    count = _check.whole_number("count", count)
    steps = _check.whole_number("steps", steps, least=2)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))

    numbers = rng.random((count, steps), dtype=np.float32)
    first = rng.integers(0, steps, size=count)
    second = (first + rng.integers(1, steps, size=count)) % steps  # never the same step twice
    marked = np.stack([first, second], axis=1)

    markers = np.zeros((count, steps), np.float32)
    np.put_along_axis(markers, marked, 1, axis=1)
    sums = np.take_along_axis(numbers, marked, axis=1).sum(axis=1, keepdims=True)
    return np.stack([numbers, markers], axis=-1), sums
