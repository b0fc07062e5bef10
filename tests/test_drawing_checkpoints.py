"""The picture of checkpointing: as many states in memory as the text says, and nothing that cannot be read."""

import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

from rnn_course import drawing

EMPTY = (1.0, 1.0, 1.0)


def rows(ax):
    """The boxes of each row, from the top one down, as lists of whether they are filled."""
    by_height = {}
    for patch in ax.patches:
        if isinstance(patch, FancyBboxPatch):
            by_height.setdefault(round(patch.get_y(), 3), []).append(to_rgb(patch.get_facecolor()) != EMPTY)
    return [by_height[y] for y in sorted(by_height, reverse=True)]


@pytest.mark.parametrize(("windows", "length"), [(3, 3), (2, 2), (2, 5), (5, 2)])
def test_states_in_memory(windows, length):
    ax = drawing.checkpointing(windows, length)
    all_kept, forward, back, back_again = rows(ax)
    steps = windows * length
    assert all(all_kept) and len(all_kept) == steps + 1
    assert sum(forward) == windows + 1  # a state before each window, and the one just computed
    assert sum(back) == windows + length
    assert sum(back_again) == windows + length - 1
    plt.close("all")


def test_nothing_is_cut_off_and_no_boxes_touch():
    ax = drawing.checkpointing(5, 2)
    ax.figure.canvas.draw()
    page = ax.figure.bbox
    for text in ax.texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    lefts = sorted({round(p.get_x(), 3) for p in ax.patches if isinstance(p, FancyBboxPatch)})
    widths = {p.get_width() for p in ax.patches if isinstance(p, FancyBboxPatch)}
    assert min(b - a for a, b in itertools.pairwise(lefts)) > max(widths)
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [((1, 3), ValueError, "windows"), ((3, 9), ValueError, "length"), ((5, 5), ValueError, r"windows \* length")],
)
def test_what_cannot_be_drawn(arguments, error, name):
    with pytest.raises(error, match=name):
        drawing.checkpointing(*arguments)
