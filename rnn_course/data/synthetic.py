"""Synthetic series: such as could be, for a network that has seen too few that are."""

import numpy as np

from . import _check

WARM_UP = 50


def synthetic_series(count, steps, period=12, seed=0):
    """Make up series from a trend, a season, a cycle, a random walk and noise.

    Each of the parts is in a series with a probability of 0.6, and its strength is a random number of its own, so that
    some series are nearly all season, others a random walk and nothing else. All have at least a little noise.

    Parameters
    ----------
    count : int
        How many series, N.
    steps : int
        How long each is, T.
    period : int
        Steps in a season; with 1 there is no season.
    seed : int
        For all that is random.

    Returns
    -------
    numpy.ndarray
        Shape (N, T), float32. They have no unit, and start near 0.

    Raises
    ------
    TypeError
        If a number is not an int.
    ValueError
        If one is too small.

    Notes
    -----
    Trend, season and cycle are parts of the structural model of A. C. Harvey (1989), *Forecasting, Structural Time
    Series Models and the Kalman Filter*. The cycle is an autoregression of order 2 whose roots are complex: it turns
    once in 12 to 80 steps, and shocks move it. To train a forecaster on series that are made up: S. Dooley et al.
    (2023), "ForecastPFN: Synthetically-Trained Zero-Shot Forecasting", NeurIPS.
    """
    count, steps = _check.whole_number("count", count), _check.whole_number("steps", steps)
    period, seed = _check.whole_number("period", period), _check.whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, steps))
    parts = [
        0.1 * np.arange(steps) * rng.normal(size=(count, 1)),
        0.3 * rng.normal(size=(count, steps)).cumsum(axis=1),
        1.5 * _cycles(count, steps, rng),
        0.3 * noise,
    ]
    if period > 1:
        parts.append(_seasons(count, steps, period, rng))
    strengths = np.exp(rng.normal(size=(len(parts), count, 1))) * (rng.random((len(parts), count, 1)) < 0.6)
    return (np.sum(strengths * parts, axis=0) + 0.02 * noise).astype("float32")


def _cycles(count, steps, rng):
    """Waves (N, T) that chance keeps going, each with a standard deviation of 1."""
    turn, keep = 2 * np.pi / rng.uniform(12, 80, count), rng.uniform(0.8, 1, count)
    wave = rng.normal(size=(count, WARM_UP + steps))
    for t in range(2, WARM_UP + steps):
        wave[:, t] += 2 * keep * np.cos(turn) * wave[:, t - 1] - keep**2 * wave[:, t - 2]
    wave = wave[:, WARM_UP:]
    return wave / np.maximum(wave.std(axis=1, keepdims=True), 1e-9)


def _seasons(count, steps, period, rng):
    """Patterns (N, T) that repeat themselves, smoothed over three neighbors."""
    pattern = rng.normal(size=(count, period))
    pattern = pattern + np.roll(pattern, 1, axis=1) + np.roll(pattern, 2, axis=1)
    return pattern[:, np.arange(steps) % period]
