"""The picture of data parallelism: two devices, everything inside the page, and no text on another."""

import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest

from rnn_course import drawing


def test_everything_is_there_and_can_be_read():
    ax = drawing.data_parallel()
    ax.figure.canvas.draw()
    written = [text.get_text() for text in ax.texts]
    for number in (1, 2):
        assert {f"half {number}", f"device {number}", f"gradient {number}"} <= set(written)
    assert written.count("weights") == 2 and written.count("mean") == written.count("update") == 1
    boxes = [text.get_window_extent() for text in ax.texts]
    page = ax.figure.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 and page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    plt.close("all")


def test_it_draws_on_axes_only():
    with pytest.raises(TypeError, match="ax must be"):
        drawing.data_parallel(ax=plt.figure())
    plt.close("all")
