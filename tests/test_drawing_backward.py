"""Pictures of the way back: readable, with an arrow back exactly where an error goes."""

import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch

from rnn_course import drawing
from tests.test_drawing import assert_readable, visible_texts

LOSSES = [(True,), (True, True, True), (False, False, True), (True, False, False), (False, True, False, False)]


def arrows_back(ax):
    """The dashed arrows but for the legend's one."""
    color = to_rgba(drawing.COLORS["weights"])
    return [a for a in ax.findobj(FancyArrowPatch) if a.get_edgecolor() == color and a.get_linestyle() != "-"][:-1]


@pytest.mark.parametrize("losses", LOSSES)
def test_errors_go_back_from_the_losses_only(losses):
    ax = drawing.backward(len(losses), losses=losses)
    assert_readable(ax.figure)
    last = max(t for t, counts in enumerate(losses, 1) if counts)
    assert len(arrows_back(ax)) == 2 * sum(losses) + last  # L_t to the output to h_t, and h_t to h_{t-1}
    shown = {t.get_text() for t in visible_texts(ax.figure)}
    for t, counts in enumerate(losses, 1):
        assert (f"$e_{t}$" in shown) == (f"$L_{t}$" in shown) == counts
        assert (rf"$W_h^\top\delta_{t}$" in shown) == (t <= last)


def test_names_of_losses():
    assert len(arrows_back(drawing.backward(3))) == 9
    assert len(arrows_back(drawing.backward(3, losses="last"))) == 5


@pytest.mark.parametrize("steps, window, borders", [(2, 1, 1), (6, 3, 1), (6, 2, 2), (7, 3, 2), (5, 5, 0)])
def test_truncation_stops_the_way_back_at_the_borders(steps, window, borders):
    ax = drawing.truncated(steps, window)
    assert_readable(ax.figure)
    assert len(arrows_back(ax)) == steps - borders
    assert len(ax.lines) == borders


@pytest.mark.parametrize(
    "draw, error, name",
    [
        (lambda: drawing.backward(5), ValueError, "steps"),
        (lambda: drawing.backward(2.0), TypeError, "steps"),
        (lambda: drawing.backward(3, losses="first"), ValueError, "losses"),
        (lambda: drawing.backward(3, losses=[True]), ValueError, "losses"),
        (lambda: drawing.backward(3, losses=[False] * 3), ValueError, "losses"),
        (lambda: drawing.truncated(6, 7), ValueError, "window"),
        (lambda: drawing.truncated(1), ValueError, "steps"),
        (lambda: drawing.backward(ax=3), TypeError, "ax"),
    ],
)
def test_errors_name_the_argument(draw, error, name):
    with pytest.raises(error, match=name):
        draw()
