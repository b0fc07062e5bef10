"""Synthetic series: the parts that are said to be in them are found there, the seed decides, and mistakes are named."""

import numpy as np
import pytest

from rnn_course import data


def test_their_form():
    series = data.synthetic_series(7, 50)
    assert series.shape == (7, 50) and series.dtype == np.float32 and np.isfinite(series).all()
    assert data.synthetic_series(1, 1).shape == (1, 1)


def test_the_seed_decides():
    first, again, other = (data.synthetic_series(5, 40, 12, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).all(axis=1).any()


def autocorrelation(series, lag):
    change = np.diff(series, axis=1)
    change -= change.mean(axis=1, keepdims=True)
    return (change[:, lag:] * change[:, :-lag]).mean(axis=1) / np.square(change).mean(axis=1)


@pytest.mark.parametrize("period", [4, 7, 12])
def test_about_half_of_them_have_a_season_and_with_a_period_of_1_none_has(period):
    seasonal = autocorrelation(data.synthetic_series(400, 240, period), period) > 0.5
    assert 0.35 < seasonal.mean() < 0.75
    smooth = autocorrelation(data.synthetic_series(400, 240, 1), period) > 0.5
    assert smooth.mean() < seasonal.mean() - 0.2


def test_they_are_all_different():
    series = data.synthetic_series(200, 60)
    spread = np.sort(series.std(axis=1))
    assert spread[150] > 3 * spread[50] and (spread > 0).all()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: data.synthetic_series(0, 9), ValueError, "count must be at least 1"),
        (lambda: data.synthetic_series(9, 0), ValueError, "steps must be at least 1"),
        (lambda: data.synthetic_series(9, 9, 0), ValueError, "period must be at least 1"),
        (lambda: data.synthetic_series(9, 9, 1, -1), ValueError, "seed must be at least 0"),
        (lambda: data.synthetic_series(9.0, 9), TypeError, "count must be a whole number"),
        (lambda: data.synthetic_series(9, "9"), TypeError, "steps must be a whole number"),
    ],
)
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
