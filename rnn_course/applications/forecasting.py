"""Forecasting: many steps ahead, with an interval that says how sure the forecast is."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from rnn_course.applications.application import Application
from rnn_course.data import _check

FEATURES = 3


class Forecast(NamedTuple):
    """What a `Forecaster` expects, in the units of the series.

    Attributes
    ----------
    median : numpy.ndarray
        Shape (H,), one number for each step ahead: the value is as likely to lie above as below.
    low, high : numpy.ndarray
        Shape (H,): the interval's ends.
    """

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


# ---- what a network reads and writes ---------------------------------------------------------------------------------


def seasonal_naive(windows, period, horizon):
    """Forecast that the last season repeats itself; with a period of 1, that nothing changes.

    Parameters
    ----------
    windows : array_like
        Shape (N, T), T at least the period: the past, up to the time of the forecast.
    period : int
        Steps in a season.
    horizon : int
        How many steps to forecast, H.

    Returns
    -------
    numpy.ndarray
        Shape (N, H).
    """
    windows = np.asarray(windows)
    return windows[:, windows.shape[1] - period + np.arange(horizon) % period]


def encoded(windows, period):
    """Return what the network reads of windows of the past, and the unit in which it reads.

    At each step it reads three numbers: the change from a season before, the change from the step before, and how far
    it is from the mean of the window's first season. The unit is the mean absolute change from a season before; it is
    1 where nothing changes.

    Parameters
    ----------
    windows : array_like
        Shape (N, past + period).
    period : int
        Steps in a season.

    Returns
    -------
    inputs : numpy.ndarray
        Shape (N, past, 3), float32.
    unit : numpy.ndarray
        Shape (N, 1), float64.
    """
    windows = np.asarray(windows, "float64")
    now = windows[:, period:]
    over_a_season = now - windows[:, :-period]
    unit = np.abs(over_a_season).mean(axis=1, keepdims=True)
    unit[unit == 0] = 1
    over_a_step = now - windows[:, period - 1 : -1]
    level = now - windows[:, :period].mean(axis=1, keepdims=True)
    inputs = np.stack([over_a_season, over_a_step, level], axis=-1) / unit[:, :, None]
    return inputs.astype("float32"), unit


def examples(values, past, horizon, period, every=1):
    """Cut a series into what a network reads, and what it ought to write at each step.

    It ought to write by how much each of the next steps differs from `seasonal_naive`, in the unit of the window.

    Parameters
    ----------
    values : array_like
        Shape (T,), one series: its training period and nothing later.
    past : int
        Steps that the network reads.
    horizon : int
        Steps to forecast, H.
    period : int
        Steps in a season.
    every : int
        Steps from one window to the next.

    Returns
    -------
    inputs : numpy.ndarray
        Shape (N, past, 3), float32.
    targets : numpy.ndarray
        Shape (N, past, H), float32. A network that writes at the last step only learns ``targets[:, -1]``.

    Raises
    ------
    ValueError
        If the series is too short for one window.
    """
    values = np.asarray(values, "float64")
    length = past + period + horizon
    if len(values) < length:
        raise ValueError(
            f"`values` must hold at least past + period + horizon = {length} steps; received {len(values)}."
        )
    both = np.lib.stride_tricks.sliding_window_view(values, length)[::every]
    inputs, unit = encoded(both[:, : past + period], period)
    step, ahead = np.arange(past)[:, None] + 1, np.arange(horizon)
    targets = both[:, period + step + ahead] - both[:, step + ahead % period]
    return inputs, (targets / unit[:, :, None]).astype("float32")


def pinball(quantiles):
    """Return the loss of forecasts of quantiles (Koenker and Bassett, 1978), for `keras.Model.compile`.

    For each quantile q, an error e = truth - forecast costs q e if the forecast was too low, and (q - 1) e if it was
    too high. The expected cost is least where the truth lies below the forecast with probability q.

    Parameters
    ----------
    quantiles : sequence of float
        Between 0 and 1, Q of them.

    Returns
    -------
    callable
        ``loss(truth, forecasts)``, with truth (..., H) and forecasts (..., H * Q), the quantiles of a step side by
        side; it returns the mean cost, of shape (...).
    """

    def loss(truth, forecasts):
        q = ops.convert_to_tensor(quantiles, forecasts.dtype)
        error = truth[..., None] - ops.reshape(forecasts, (*ops.shape(truth), len(quantiles)))
        return ops.mean(ops.maximum(q * error, (q - 1) * error), axis=(-1, -2))

    return loss


def joined(models):
    """Return one model that gives the mean of the outputs of several models with the same input.

    Parameters
    ----------
    models : list of keras.Model
        At least two.

    Returns
    -------
    keras.Model
    """
    inputs = keras.Input(models[0].input_shape[1:])
    return keras.Model(inputs, keras.layers.Average()([model(inputs) for model in models]))


def quantiles_of(model, windows, period, quantiles):
    """Forecast the quantiles of the steps after each window.

    Parameters
    ----------
    model : keras.Model
        Trained on `examples` with `pinball`. If it writes at every step, the last step counts.
    windows : array_like
        Shape (N, past + period), in the units of the series.
    period : int
        Steps in a season.
    quantiles : sequence of float
        Those that the model was trained for, in rising order.

    Returns
    -------
    numpy.ndarray
        Shape (N, H, Q), in the units of the series, rising in the last axis: where the model's quantiles cross, they
        are put in order (Chernozhukov et al., 2010).
    """
    inputs, unit = encoded(windows, period)
    written = ops.convert_to_numpy(model(inputs))
    written = (written[:, -1] if written.ndim == 3 else written).reshape(len(inputs), -1, len(quantiles))
    naive = seasonal_naive(windows, period, written.shape[1])
    return np.sort(naive[:, :, None] + written * unit[:, :, None], axis=-1)


def recursive(model, windows, period, horizon, quantiles):
    """Forecast with a model that knows only the next step: it reads its own forecasts as if they had come true.

    Parameters
    ----------
    model, windows, period, quantiles
        As in `quantiles_of`; the model's own horizon is 1.
    horizon : int
        Steps to forecast, H.

    Returns
    -------
    numpy.ndarray
        Shape (N, H), the medians. There are no other quantiles: those of a step depend on what came before it.
    """
    windows, middle = np.asarray(windows, "float64"), list(quantiles).index(0.5)
    for _ in range(horizon):
        following = quantiles_of(model, windows, period, quantiles)[:, :, middle]
        windows = np.concatenate([windows[:, 1:], following], axis=1)
    return windows[:, -horizon:]


# ---- how good a forecast is ------------------------------------------------------------------------------------------


def mase(forecasts, futures, train, period):
    """Return the mean absolute scaled error (Hyndman and Koehler, 2006).

    Parameters
    ----------
    forecasts, futures : array_like
        Shape (N, H): what was expected, and what came.
    train : array_like
        Shape (T,), the training period. The unit of the error is the mean absolute difference of two of its values
        that are a season apart.
    period : int
        Steps in a season.

    Returns
    -------
    numpy.ndarray
        Shape (H,), for each step ahead. Its mean is that over all steps.
    """
    train = np.asarray(train, "float64")
    unit = np.abs(train[period:] - train[:-period]).mean()
    return np.abs(np.asarray(forecasts) - futures).mean(axis=0) / unit


def coverage(low, high, futures):
    """Return the share of `futures` that lie between `low` and `high`, both included: a float."""
    return float(np.mean((low <= futures) & (futures <= high)))


def margins(low, high, futures, level):
    """Return by how much to widen intervals so that they would have held what came (conformalized quantiles).

    Parameters
    ----------
    low, high, futures : array_like
        Shape (N, H): intervals in a period that the model was not trained on, and what came, all in the unit of the
        window.
    level : float
        The share of what came that an interval ought to hold, such as 0.8.

    Returns
    -------
    numpy.ndarray
        Shape (H,): subtract from `low` and add to `high`; negative where intervals were too wide.

    Notes
    -----
    Y. Romano, E. Patterson and E. Candès (2019), "Conformalized Quantile Regression", NeurIPS. If what comes next were
    exchangeable with what is given here, the widened intervals would hold it with a probability of at least `level`.
    """
    outside = np.sort(np.maximum(np.asarray(low) - futures, futures - np.asarray(high)), axis=0)
    rank = min(int(np.ceil((len(outside) + 1) * level)), len(outside))
    return outside[rank - 1]


# ---- the application -------------------------------------------------------------------------------------------------


class Forecaster(Application):
    """Forecasts a series from its own past.

    Parameters
    ----------
    model : keras.Model
        Trained on `examples` with `pinball`.
    results : dict, optional
        As in `Application`.
    past, horizon : int
        Steps that the model reads, and steps that it forecasts.
    quantiles : list of float
        Those of the model, rising and symmetric about 0.5, such as 0.1, 0.5, 0.9: the outermost two are the ends of
        the widest interval, and so on.
    margins : list of list of float
        For each interval, the widest first, and each step ahead, from `margins`: in the unit of the window.

    Examples
    --------
    >>> import rnn_course
    >>> months = rnn_course.data.co2().values
    >>> forecast = rnn_course.load("forecasting").forecast(months)
    >>> forecast.median.shape
    (12,)
    >>> bool((forecast.low <= forecast.high).all())
    True
    """

    name = "forecasting"

    def __init__(self, model, results=None, *, past, horizon, quantiles, margins):
        margins = [[float(margin) for margin in row] for row in margins]
        super().__init__(model, results, past=past, horizon=horizon, quantiles=list(quantiles), margins=margins)
        self.past, self.horizon, self.quantiles = past, horizon, list(quantiles)
        self.margins = np.array(margins)

    @property
    def levels(self):
        """The shares of what comes that its intervals ought to hold, the widest first: a list of float."""
        count = len(self.quantiles) // 2
        return [round(1 - 2 * quantile, 6) for quantile in self.quantiles[:count]]

    def forecast(self, history, steps=None, period=12, level=0.8):
        """Say what comes next, and how sure that is.

        Parameters
        ----------
        history : array_like
            Shape (T,): one number for each step of time, in any unit, up to now. The last ``past + period`` count.
        steps : int, optional
            How many steps ahead, at most `horizon`, which is the default.
        period : int
            Steps in a season: 12 for months, 4 for quarters, 1 for a series without seasons.
        level : float
            The share of what comes that the interval ought to hold: one of `levels`.

        Returns
        -------
        Forecast
            The median and the ends of the interval, each of shape (steps,), in the unit of the history.

        Raises
        ------
        TypeError
            If the history is not made of numbers, or `steps` or `period` is not a whole number.
        ValueError
            If there are too few values, gaps (NaN), more than one series, no change at all, too many steps, or there
            is no such level.

        Examples
        --------
        >>> import rnn_course
        >>> months = rnn_course.data.el_nino().values
        >>> low, high = rnn_course.load("forecasting").forecast(months, steps=3, level=0.95)[1:]
        >>> low.shape
        (3,)
        """
        period = _check.whole_number("period", period)
        steps = self.horizon if steps is None else _check.whole_number("steps", steps)
        if steps > self.horizon:
            raise ValueError(f"`steps` must be at most {self.horizon}, the model's horizon; received {steps}.")
        if level not in self.levels:
            raise ValueError(f"`level` must be one of {self.levels}; received {level!r}.")
        return Forecast(*self.intervals(self.checked(history, period)[None], period, level)[:, 0, :steps])

    def intervals(self, windows, period, level=0.8):
        """Forecast many windows at once; nothing is checked.

        Parameters
        ----------
        windows : array_like
            Shape (N, past + period).
        period, level
            As in `forecast`.

        Returns
        -------
        numpy.ndarray
            Shape (3, N, horizon): medians, lower and upper ends.
        """
        interval = self.levels.index(level)
        written = quantiles_of(self.model, windows, period, self.quantiles)
        widen = self.margins[interval] * encoded(windows, period)[1]
        median = written[:, :, len(self.quantiles) // 2]
        low = np.minimum(written[:, :, interval] - widen, median)  # a negative margin may not pass the median
        high = np.maximum(written[:, :, -1 - interval] + widen, median)
        return np.stack([median, low, high])

    def checked(self, history, period):
        """Return the last ``past + period`` values of the history, or say what is wrong with it."""
        try:
            values = np.asarray(history)
        except ValueError:  # rows of different lengths
            values = np.empty(0, object)
        if values.dtype.kind not in "iuf":
            raise TypeError(
                f"`history` must be an array or list of numbers; received {type(history).__name__} with "
                f"{values.dtype} inside. Convert it, such as by numpy.asarray(history, float)."
            )
        if values.ndim != 1:
            raise ValueError(
                f"`history` must have shape (T,), one series; received shape {values.shape}. Forecast them one by one."
            )
        least = self.past + period
        if len(values) < least:
            raise ValueError(
                f"`history` must hold at least {least} steps, past + period = {self.past} + {period}; received "
                f"{len(values)}. Give a longer history."
            )
        values = values[-least:].astype("float64")
        if not np.isfinite(values).all():
            raise ValueError(f"`history` must be finite in its last {least} steps; received NaN or infinity. Fill it.")
        if (values == values[0]).all():
            raise ValueError(f"`history` must change; received {values[0]:g} throughout its last {least} steps.")
        return values
