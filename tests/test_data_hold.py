"""The HOLD button: the display follows its rule, step by step."""

import numpy as np
import pytest

from rnn_course import data


def displayed(readings, hold, clear):
    """The rule, for one sequence."""
    now, shown = 0.0, []
    for reading, held, cleared in zip(readings, hold, clear):
        if held:
            now = reading
        if cleared:
            now = 0.0
        shown.append(now)
    return shown


def test_display_follows_the_rule():
    x, y = data.hold(20, 60, seed=3)
    assert x.shape == (20, 60, 3) and y.shape == (20, 60, 1) and x.dtype == y.dtype == "float32"
    for inputs, target in zip(x, y):
        np.testing.assert_array_equal(target[:, 0], displayed(*inputs.T))


def test_buttons_are_pressed_as_often_as_asked_and_never_together():
    x, _ = data.hold(500, 80, rate=0.1)
    assert set(np.unique(x[..., 1:])) == {0, 1}
    assert not (x[..., 1] * x[..., 2]).any()
    np.testing.assert_allclose(x[..., 1:].mean(axis=(0, 1)), 0.1, atol=0.01)
    assert x[..., 0].min() < -0.99 and x[..., 0].max() > 0.99 and abs(x[..., 0].mean()) < 0.02


def test_same_seed_same_sequences():
    for one, other in zip(data.hold(3, 9, seed=5), data.hold(3, 9, seed=5)):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(data.hold(3, 9, seed=5)[0], data.hold(3, 9, seed=6)[0])


@pytest.mark.parametrize("bad", [{"count": 0}, {"steps": 0}, {"seed": -1}, {"rate": 0}, {"rate": 0.5}])
def test_errors_name_the_argument(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        data.hold(**{"count": 2, "steps": 3} | bad)
