"""Time series: the form they come in, and how to cut them up for a network."""

from typing import NamedTuple

import numpy as np

from . import _check


class Series(NamedTuple):
    """A series of measurements at equal or calendar steps of time.

    Attributes
    ----------
    time : numpy.ndarray
        Shape (T,), `datetime64` in the unit of one step: years, months or days.
    values : numpy.ndarray
        Shape (T,), float32: the measurement at each time.
    name : str
        What was measured, fit for a plot's title.
    unit : str
        The unit of the values, fit for an axis label.
    """

    time: np.ndarray
    values: np.ndarray
    name: str
    unit: str


def windows(values, length, horizon=1):
    """Cut a series into every pair of a past and the future that follows it.

    Window `i` shows the network `values[i : i + length]` and asks for the `horizon` values right after.

    Parameters
    ----------
    values : array_like
        Shape (T,): one number a step, in order of time.
    length : int
        How many steps of the past a window holds.
    horizon : int
        How many steps of the future to predict.

    Returns
    -------
    inputs : numpy.ndarray
        Shape (N, length, 1) with `N = T - length - horizon + 1`, in order of time.
        Floating-point values keep their dtype; anything else becomes float32.
    targets : numpy.ndarray
        Shape (N, horizon), the same dtype.

    Raises
    ------
    TypeError
        If `length` or `horizon` is not an int.
    ValueError
        If `values` is not one-dimensional or too short for a single window, or an int is below 1.
    """
    length = _check.whole_number("length", length)
    horizon = _check.whole_number("horizon", horizon)
    values = _as_floats(values)
    if values.ndim != 1:
        raise ValueError(
            f"values must have shape (T,), got {values.shape}. Pass one series, such as sunspots().values."
        )
    if len(values) < length + horizon:
        raise ValueError(
            f"values must hold at least length + horizon = {length + horizon} steps, got {len(values)}. "
            "Make length or horizon smaller."
        )
    both = np.lib.stride_tricks.sliding_window_view(values, length + horizon)
    return both[:, :length, np.newaxis].copy(), both[:, length:].copy()


def time_split(inputs, targets, test_fraction=0.2):
    """Split windows into an earlier part to train on and a later part to test on.

    The test period begins with the first target of the first test window. The last
    `round(test_fraction * N)` windows are the test set: all their targets fall in the test period. The training
    set holds the windows whose targets all end before the test period begins, so the `horizon - 1` windows that
    straddle the border are in neither part, and no value of the test period is ever seen in training. The inputs
    of the first test windows do reach back into the training period: at the time of a forecast the past is known.

    Parameters
    ----------
    inputs : array_like
        Shape (N, length, 1), the first result of `windows`.
    targets : array_like
        Shape (N, horizon), the second result of `windows`.
    test_fraction : float
        Share of the windows to test on, between 0 and 1.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuple of tuples of numpy.ndarray
        Views of `inputs` and `targets`, in order of time.

    Raises
    ------
    TypeError
        If `test_fraction` is not a number.
    ValueError
        If `inputs` and `targets` do not match, `test_fraction` is not between 0 and 1, or a part would be empty.
    """
    fraction = _check.number("test_fraction", test_fraction, 0, 1)
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    if inputs.ndim < 2 or targets.ndim != 2 or len(inputs) != len(targets):
        raise ValueError(
            "inputs and targets must have shapes (N, length, 1) and (N, horizon), "
            f"got {inputs.shape} and {targets.shape}. Pass the two results of windows()."
        )
    count, horizon = targets.shape
    first_test = count - round(fraction * count)
    end_train = first_test - (horizon - 1)
    if end_train < 1 or first_test == count:
        raise ValueError(
            f"test_fraction {fraction:g} of {count} windows with horizon {horizon} leaves "
            f"{max(end_train, 0)} to train on and {count - first_test} to test on. "
            "Change test_fraction, or make windows from a longer series."
        )
    train = inputs[:end_train], targets[:end_train]
    test = inputs[first_test:], targets[first_test:]
    return train, test


def rolling_origins(values, horizon, start, stop=None, every=1):
    """Find the times to forecast from in a period, and what came after each: a rolling origin.

    An origin is the time of a forecast. At origin `t`, `values[:t]` is known, and `values[t : t + horizon]` is to be
    forecast. All that is forecast lies in the period from `start` to `stop`.

    Parameters
    ----------
    values : array_like
        Shape (T,): one number a step, in order of time.
    horizon : int
        How many steps are forecast from each origin.
    start : int
        The first origin: the steps before it, at least one, are past at every origin.
    stop : int, optional
        The end of the period, at most T; by default T.
    every : int
        Steps from one origin to the next.

    Returns
    -------
    origins : numpy.ndarray
        Shape (N,), int: the times, in order.
    futures : numpy.ndarray
        Shape (N, horizon): what came after each, in the dtype of `values`; integers become float32.

    Raises
    ------
    TypeError
        If `horizon`, `start`, `stop` or `every` is not an int.
    ValueError
        If `values` is not one-dimensional, an int is below 1, `stop` is beyond the end, or the period is shorter than
        the horizon.
    """
    horizon, every = _check.whole_number("horizon", horizon), _check.whole_number("every", every)
    start, values = _check.whole_number("start", start), _as_floats(values)
    if values.ndim != 1:
        raise ValueError(f"values must have shape (T,), got {values.shape}. Pass one series, such as co2().values.")
    stop = len(values) if stop is None else _check.whole_number("stop", stop)
    if stop > len(values):
        raise ValueError(f"stop must be at most the number of steps, {len(values)}, got {stop}.")
    if stop - start < horizon:
        raise ValueError(
            f"the period from start to stop must hold at least horizon = {horizon} steps, got {stop - start}. "
            "Start earlier, or make horizon smaller."
        )
    origins = np.arange(start, stop - horizon + 1, every)
    return origins, values[origins[:, None] + np.arange(horizon)]


def standardize(train, *others):
    """Shift and scale arrays so that the training data has mean 0 and standard deviation 1.

    Mean and standard deviation are single numbers, taken over all entries of `train` and of nothing else: a
    scale that knew the test data would leak it. Undo with `scaled * std + mean`.

    Parameters
    ----------
    train : array_like
        Any shape: what the mean and the standard deviation are taken from.
    *others : array_like
        Any shapes: further arrays in the same unit (targets, test data), scaled with the same two numbers.

    Returns
    -------
    scaled : tuple of numpy.ndarray
        `train` and the `others`, in the order given. Floating-point arrays keep their dtype, others become float32.
    (mean, std) : tuple of float
        What to undo it with.

    Raises
    ------
    ValueError
        If `train` is empty, not finite, or the same number throughout.
    """
    train = _as_floats(train)
    mean, std = (float(f(train, dtype=np.float64)) if train.size else 0.0 for f in (np.mean, np.std))
    if not (np.isfinite(std) and std > 0):
        raise ValueError(
            f"train must hold at least two different finite numbers, got {train.size} numbers "
            f"with standard deviation {std:g}. Fill the gaps, or leave a constant series unscaled."
        )
    scaled = tuple(((array - mean) / std).astype(array.dtype) for array in (train, *map(_as_floats, others)))
    return scaled, (mean, std)


def _as_floats(values):
    values = np.asarray(values)
    return values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float32)
