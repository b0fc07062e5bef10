"""The picture of a parallel scan: its boxes say what a scan computes."""

import matplotlib.pyplot as plt
import pytest

from rnn_course.drawing import parallel_scan


def rows(ax):
    """The texts of the boxes, row by row from the top, each from left to right."""
    texts = [text for text in ax.texts if text.get_text()[0].isdigit()]
    heights = sorted({round(text.get_position()[1], 3) for text in texts}, reverse=True)
    return [
        [t.get_text() for t in sorted(texts, key=lambda t: t.get_position()[0]) if round(t.get_position()[1], 3) == y]
        for y in heights
    ]


@pytest.mark.parametrize("steps", range(2, 9))
def test_every_round_doubles_what_a_box_spans_until_all_begin_at_step_1(steps):
    ax = parallel_scan(steps)
    drawn = rows(ax)
    assert len(drawn) == {2: 2, 3: 3, 4: 3}.get(steps, 4)  # the steps themselves, and 1, 2 or 3 rounds
    for count, row in enumerate(drawn):
        spans = [tuple(map(int, text.replace("\u2013", " ").split())) for text in row]
        assert [span[-1] for span in spans] == list(range(1, steps + 1))
        assert [span[0] for span in spans] == [max(1, t - 2**count + 1) for t in range(1, steps + 1)]
    assert ax.figure.get_figwidth() <= 6.01
    plt.close(ax.figure)


def test_arrows_of_eight_steps():
    ax = parallel_scan(8)
    # 8 hand on in each of 3 rounds; 7, 6 and 4 join
    boxes = 4 * 8
    assert len(ax.patches) == boxes + 3 * 8 + 7 + 6 + 4
    plt.close(ax.figure)


@pytest.mark.parametrize(("steps", "error"), [(1, ValueError), (9, ValueError), (2.5, TypeError)])
def test_bad_steps_are_named(steps, error):
    with pytest.raises(error, match="steps must be"):
        parallel_scan(steps)
