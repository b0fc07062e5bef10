"""The strips: readable, true to their arguments, and clear about mistakes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from rnn_course import drawing
from rnn_course.drawing.style import COLORS
from tests.test_drawing import assert_readable, visible_texts

STRIPS = {
    "one memory": (list("BTBTXSE"), ["TP", "B", "TP", "SX", "SX", "E", "T"], [(2, 7)]),
    "two for one target": (list("EXabYcB"), [None] * 6 + ["XY"], [(2, 7), (5, 7)]),
    "three for three": (list("ABC····"), ["·"] * 4 + list("ABC"), [(1, 5), (2, 6), (3, 7)]),
    "long": ([f".{i % 10}" for i in range(20)], [""] * 19 + ["!"], [(1, 20)]),
    "nothing to keep": (["a"], ["b"], []),
}


@pytest.mark.parametrize("name", STRIPS)
def test_strip_is_readable_and_fits(name):
    figure = drawing.strip(*STRIPS[name]).figure
    assert figure.get_figwidth() <= 6
    assert_readable(figure)


@pytest.mark.parametrize("name", STRIPS)
def test_strip_shows_every_label_and_a_line_for_each_memory(name):
    inputs, targets, keep = STRIPS[name]
    ax = drawing.strip(inputs, targets, keep)
    shown = [text.get_text() for text in visible_texts(ax.figure)]
    assert shown == ["input", *inputs, "target", *(t for t in targets if t)]
    assert len(ax.findobj(FancyArrowPatch)) == len(keep)


def test_a_line_leads_from_the_kept_input_up_to_its_target():
    ax = drawing.strip(*STRIPS["one memory"])
    (line,) = ax.findobj(FancyArrowPatch)
    points = line.get_path().vertices
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    start, end = boxes[1], boxes[7 + 6]  # the second input and the seventh target
    tip = points[points[:, 1].argmax()]
    for point, box in ((points[0], start), (tip, end)):
        assert box.get_x() < point[0] < box.get_x() + box.get_width()
    assert points[0][1] == pytest.approx(start.get_y() + start.get_height(), abs=0.05)
    assert tip[1] == pytest.approx(end.get_y(), abs=0.05)


def test_kept_inputs_stand_out_without_color():
    ax = drawing.strip(*STRIPS["one memory"])
    widths = [patch.get_linewidth() for patch in ax.patches if isinstance(patch, Rectangle)]
    assert np.flatnonzero(np.array(widths) > min(widths)).tolist() == [1, 13]


def test_strip_draws_on_the_given_axes():
    ax = plt.figure().add_subplot()
    assert drawing.strip(["a", "b"], ["", "a"], [(1, 2)], ax=ax) is ax


def test_memory_has_the_color_of_the_state():
    ax = drawing.strip(["a", "b"], ["", "a"], [(1, 2)])
    (line,) = ax.findobj(FancyArrowPatch)
    assert plt.matplotlib.colors.to_hex(line.get_edgecolor()).upper() == COLORS["hidden"]


@pytest.mark.parametrize(
    ("error", "name", "arguments"),
    [
        (TypeError, "inputs", ("abc", ["", "", ""])),
        (ValueError, "targets", (["a", "b"], ["a"])),
        (ValueError, "number of inputs", (["a"] * 21, [""] * 21)),
        (ValueError, "inputs", (["a long one", "b"], ["", ""])),
        (ValueError, "targets", (["a", "b"], ["", "much too long"])),
        (ValueError, "keep", (["a", "b"], ["", "a"], [(2, 1)])),
        (ValueError, "keep", (["a", "b"], ["", "a"], [(1, 3)])),
        (TypeError, "keep", (["a", "b"], ["", "a"], [1, 2])),
        (TypeError, "ax", (["a", "b"], ["", "a"], [], "here")),
    ],
)
def test_mistakes_are_named(error, name, arguments):
    with pytest.raises(error, match=name):
        drawing.strip(*arguments)
