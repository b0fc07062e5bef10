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


def copy(count, steps, length=10, symbols=8, seed=0):
    """The copy task: read a few symbols, wait, and repeat them in order.

    A sequence begins with `length` symbols drawn at random. Then come blanks, one of which is a signal, and `length`
    steps before the end the network has to start to write: blanks until then, and from then on the symbols. So each
    symbol must be kept for `steps - length` steps.

    Parameters
    ----------
    count : int
        How many sequences, N.
    steps : int
        How long they are, T, at least `2 * length + 1`.
    length : int
        How many symbols to copy.
    symbols : int
        How many different ones there are, at least 2.
    seed : int
        The same seed gives the same sequences.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, symbols + 2), float32, one-hot: column 0 is the blank, the last one the signal, which comes
        right before the first step of the answer, and those between are the symbols.
    y : numpy.ndarray
        Shape (N, T), int64: the column of the symbol to write at each step, 0 for a blank. To write blanks, and then
        to guess, has a mean cross-entropy of `length * log(symbols) / T`: a network must do better to have
        remembered anything.

    Raises
    ------
    TypeError
        If an argument is not an int.
    ValueError
        If `count` or `length` is below 1, `symbols` below 2, `seed` negative or `steps` too small.

    Notes
    -----
    After S. Hochreiter and J. Schmidhuber (1997), "Long Short-Term Memory", *Neural Computation* 9(8), who have
    related tasks, in the form of M. Arjovsky, A. Shah and Y. Bengio (2016), "Unitary Evolution Recurrent Neural
    Networks", ICML, section 5.1. Their T is the wait, `steps - 2 * length` here, and their blank is column 8.
    """
    count = _check.whole_number("count", count)
    length = _check.whole_number("length", length)
    steps = _check.whole_number("steps", steps, least=2 * length + 1)
    symbols = _check.whole_number("symbols", symbols, least=2)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))

    read = np.zeros((count, steps), int)
    read[:, :length] = rng.integers(1, symbols + 1, size=(count, length))
    read[:, -length - 1] = symbols + 1
    write = np.zeros((count, steps), int)
    write[:, -length:] = read[:, :length]
    return _one_hot(read, symbols + 2), write


def temporal_order(count, steps, seed=0):
    """The temporal order task: in which order did two symbols come, among many others?

    A sequence is noise of the letters a, b, c and d between a start and an end symbol. In two places it has an X or a
    Y: once between a tenth and two tenths of the way, once between five and six tenths. The network has to say at the
    end which pair it was.

    Parameters
    ----------
    count : int
        How many sequences, N.
    steps : int
        How long they are, T, at least 10.
    seed : int
        The same seed gives the same sequences.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, 8), float32, one-hot; the columns stand for a, b, c, d, X, Y, the end B and the start E.
    y : numpy.ndarray
        Shape (N,), int64: 0 for X and X, 1 for X and Y, 2 for Y and X, 3 for Y and Y. A guess is right once in four.

    Raises
    ------
    TypeError
        If an argument is not an int.
    ValueError
        If `count` is below 1, `steps` below 10 or `seed` negative.

    Notes
    -----
    S. Hochreiter and J. Schmidhuber (1997), "Long Short-Term Memory", *Neural Computation* 9(8), section 5.6, task 6a,
    who have sequences of 100 to 110 steps, with X or Y at steps 10 to 20 and 50 to 60. Here all are `steps` long, and
    the places are in proportion.
    """
    count = _check.whole_number("count", count)
    steps = _check.whole_number("steps", steps, least=10)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))

    read = rng.integers(0, 4, size=(count, steps))
    read[:, 0], read[:, -1] = 7, 6
    where = [rng.integers(steps * tenths // 10, steps * (tenths + 1) // 10, size=count) for tenths in (1, 5)]
    first, second = rng.integers(0, 2, size=(2, count))
    np.put_along_axis(read, np.stack(where, axis=1), np.stack([first, second], axis=1) + 4, axis=1)
    return _one_hot(read, 8), 2 * first + second


#: Reber's grammar: from each state, the symbols that may come next and the states to which they lead.
_REBER = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
    {},
)
_REBER_SYMBOLS = "BTPSXVE"


def embedded_reber(count, steps, seed=0):
    """Strings of the embedded Reber grammar: say at each symbol which symbols may come next.

    A string is B, then T or P, then a string of Reber's grammar, then *the same* T or P as before, then E. Within,
    the last two symbols or so are enough to know what may follow. The last but one needs the second symbol of all.

    Reber's own strings begin with B and end with E. Between, they follow one of two branches, T S…S X or P T…T V, with
    S and T as often as one likes, which lead into each other until the string ends with S, V V or P S.

    Parameters
    ----------
    count : int
        How many strings, N.
    steps : int
        How long they are, T, at least 8, without the E at the end, which is only ever predicted. T or P must be kept
        for `steps - 3` steps. A string is as probable as in the grammar, where each of two ways is taken half of the
        time, given that it has this length.
    seed : int
        The same seed gives the same strings.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, 7), float32, one-hot; the columns stand for B, T, P, S, X, V, E.
    y : numpy.ndarray
        Shape (N, T, 7), float32: 1 for each symbol that the grammar allows at the next step, one or two of them, and
        0 for the others.

    Raises
    ------
    TypeError
        If an argument is not an int.
    ValueError
        If `count` is below 1, `steps` below 8 or `seed` negative.

    Notes
    -----
    A. S. Reber (1967), "Implicit learning of artificial grammars", *Journal of Verbal Learning and Verbal Behavior* 6;
    embedded by S. E. Fahlman (1991), "The recurrent cascade-correlation architecture", NIPS 3, and A. Cleeremans,
    D. Servan-Schreiber and J. L. McClelland (1989), "Finite State Automata and Simple Recurrent Networks", *Neural
    Computation* 1(3); task 1 of S. Hochreiter and J. Schmidhuber (1997), "Long Short-Term Memory", *Neural
    Computation* 9(8), section 5.1. There the strings have all lengths, and the target is the symbol that came.
    """
    count = _check.whole_number("count", count)
    steps = _check.whole_number("steps", steps, least=8)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))

    begin, T, P, end = (_REBER_SYMBOLS.index(symbol) for symbol in "BTPE")
    inner, successors = _reber(count, steps - 3, rng)
    branch = rng.choice([T, P], size=(count, 1))
    constant = np.full((count, 1), begin), np.full((count, 1), end)
    strings = np.concatenate([constant[0], branch, inner, branch, constant[1]], axis=1)

    legal = _one_hot(strings[:, 1:], 7)  # where the grammar has no choice, what comes is what may come
    legal[:, 0, [T, P]] = 1
    legal[:, 2 : steps - 2] = successors
    return _one_hot(strings[:, :-1], 7), legal


def _reber(count, length, rng):
    """Strings of Reber's grammar: (N, length) symbols, and which ones may follow each but the last."""
    chance = _chances(length)
    ways = [[(_REBER_SYMBOLS.index(symbol), state) for symbol, state in nexts.items()] for nexts in _REBER]
    one, other = (np.array([w[k] if w else (0, 0) for w in ways]) for k in (0, -1))
    may_follow = np.zeros((len(ways), 7), np.float32)
    for state, nexts in enumerate(ways):
        may_follow[state, [symbol for symbol, _ in nexts]] = 1

    state = np.zeros(count, int)
    strings, successors = [], []
    for left in range(length - 1, -1, -1):
        of_one, of_other = (chance[left][way[state, 1]] for way in (one, other))
        take_one = rng.random(count) * (of_one + of_other) < of_one
        symbol, state = np.where(take_one[:, np.newaxis], one[state], other[state]).T
        strings.append(symbol)
        successors.append(may_follow[state])
    return np.stack(strings, axis=1), np.stack(successors[:-1], axis=1)


def _chances(length):
    """For 0 to length - 1 symbols: each state's chance that a string ends after just so many more, up to a factor."""
    chances = [np.array([not nexts for nexts in _REBER], float)]
    for _ in range(length - 1):
        last = chances[-1]
        now = np.array([np.mean([last[state] for state in nexts.values()]) if nexts else 0 for nexts in _REBER])
        chances.append(now / now.max())
    return chances


def _one_hot(numbers, size):
    return np.eye(size, dtype=np.float32)[numbers]
