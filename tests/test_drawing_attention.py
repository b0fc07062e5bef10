"""The picture of attention shows the weights that it was given."""

import numpy as np
import pytest

from rnn_course import drawing


def test_lines_are_as_wide_as_their_weights():
    ax = drawing.attention([0.1, 0.6, 0.3], inputs=["a", "b", "c"])
    slanted = [line for line in ax.lines if line.get_ydata()[1] == max(line.get_ydata()[1] for line in ax.lines)]
    widths = np.array([line.get_linewidth() for line in slanted])
    np.testing.assert_allclose(widths / widths.sum(), [0.1, 0.6, 0.3], atol=1e-9)
    texts = [text.get_text() for text in ax.texts]
    assert {"a", "b", "c", "$h_t$", "$m_3$"} <= set(texts) and any("0.60" in text for text in texts)


@pytest.mark.parametrize("count", range(2, 7))
def test_it_is_no_wider_than_a_page_and_nothing_is_cut_off(count):
    ax = drawing.attention(np.full(count, 1 / count))
    figure = ax.figure
    figure.canvas.draw()
    assert figure.get_figwidth() <= 6
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1], "2 to 6 numbers"),
        ([0.1] * 10, "2 to 6 numbers"),
        ([0.5, 0.6], "sum to 1"),
        ([-0.5, 1.5], "not be negative"),
    ],
)
def test_what_are_no_weights_is_named(weights, message):
    with pytest.raises(ValueError, match=message):
        drawing.attention(weights)
