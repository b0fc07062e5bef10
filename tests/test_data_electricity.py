"""The demand for electricity: the hours, the size and the seasons that it must have."""

import numpy as np

from rnn_course import data


def test_hours_without_gaps_and_the_files_own_numbers():
    series = data.electricity()
    assert series.values.shape == series.time.shape == (3600,) and series.values.dtype == np.float32
    assert (np.diff(series.time) == np.timedelta64(1, "h")).all()
    assert series.time[0] == np.datetime64("2012-01-01T00") and series.time[-1] == np.datetime64("2012-05-29T23")
    np.testing.assert_allclose(series.values[[0, -1]], [7.926529, 9.786608], rtol=1e-6)


def test_day_and_week_are_seasons():
    values = data.electricity().values.astype(float)
    alike = {lag: np.corrcoef(values[:-lag], values[lag:])[0, 1] for lag in (12, 24, 84, 168)}
    assert alike[24] > 0.5 > alike[12] and alike[168] > 0.5 > alike[84]
