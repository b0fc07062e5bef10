"""Rolling origins: what is forecast lies in its period, and is what came after the origin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_course import data


@given(st.integers(2, 60), st.integers(1, 8), st.integers(1, 50), st.integers(1, 5), st.integers(0, 10))
def test_they_equal_a_plain_loop(steps, horizon, start, every, cut):
    values, stop = np.arange(steps) ** 2, steps - cut
    if stop < 1 or stop - start < horizon:
        return
    origins, futures = data.rolling_origins(values, horizon, start, stop, every)
    expected = [t for t in range(start, stop, every) if t + horizon <= stop]
    assert origins.tolist() == expected
    np.testing.assert_array_equal(futures, [values[t : t + horizon] for t in expected])


def test_the_period_ends_with_the_series_unless_told():
    values = np.linspace(0, 1, 9)
    origins, futures = data.rolling_origins(values, 2, 5)
    assert origins.tolist() == [5, 6, 7] and futures.dtype == np.float64
    np.testing.assert_array_equal(futures[-1], values[-2:])


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: data.rolling_origins(np.zeros((3, 2)), 1, 1),
            ValueError,
            r"shape \(T,\), got \(3, 2\)",
        ),
        (lambda: data.rolling_origins(np.zeros(9), 0, 1), ValueError, "horizon must be at least 1"),
        (lambda: data.rolling_origins(np.zeros(9), 2, 0), ValueError, "start must be at least 1"),
        (lambda: data.rolling_origins(np.zeros(9), 2, 1, 10), ValueError, "stop must be at most .* 9, got 10"),
        (lambda: data.rolling_origins(np.zeros(9), 2, 8), ValueError, "at least horizon = 2 steps, got 1"),
        (lambda: data.rolling_origins(np.zeros(9), 2, 1, every=0), ValueError, "every must be at least 1"),
        (lambda: data.rolling_origins(np.zeros(9), 2.0, 1), TypeError, "horizon must be a whole number"),
        (lambda: data.rolling_origins(np.zeros(9), 2, 1, "9"), TypeError, "stop must be a whole number"),
    ],
)
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
