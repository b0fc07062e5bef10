"""Attention: one step of a decoder looks back at every state of the encoder."""

from itertools import pairwise

import numpy as np

from rnn_course.drawing import checks
from rnn_course.drawing.parts import NODE, arrow, canvas, layer_box, node, operation, write
from rnn_course.drawing.style import COLORS, MAX_WIDTH

MOST_SOURCES = 6
BASE, SOFTMAX, SUM = 0.95, 2.05, 3.0  # heights, in inches
WIDEST = 7  # points, of a line whose weight is 1


def attention(weights, *, inputs=None, ax=None):
    """Draw one step of attention: the decoder's state asks, and the encoder's states are added by their weights.

    Parameters
    ----------
    weights : sequence of float
        The attention weights of 2 to 6 source tokens; not negative, sum 1. The lines from the states are as wide.
    inputs : sequence of str, optional
        The source tokens, shown below.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, up to 6 inches wide.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    weights = np.asarray(weights, float)
    if weights.ndim != 1 or not 2 <= weights.size <= MOST_SOURCES:
        raise ValueError(f"weights must be 2 to {MOST_SOURCES} numbers, got shape {weights.shape}.")
    if not (weights >= 0).all() or not np.isclose(weights.sum(), 1, atol=1e-3):
        raise ValueError(f"weights must not be negative and must sum to 1, got {weights.tolist()}.")
    count = weights.size
    inputs = [""] * count if inputs is None else checks.texts("inputs", inputs, count)

    pitch = min(0.85, (MAX_WIDTH - 1.7) / count)
    xs = 0.45 + pitch * np.arange(count)
    ask = xs[-1] + 1.2
    ax = canvas(ask + 0.5, SUM + 0.95, ax)
    memory = [node(ax, "hidden", x, BASE, f"$m_{s}$") for s, x in enumerate(xs, 1)]
    for before, after in pairwise(memory):
        arrow(ax, [before.right, after.left], "hidden")
    for x, text in zip(xs, inputs):
        write(ax, x, BASE - NODE, text)
    state = node(ax, "hidden", ask, BASE, "$h_t$")
    write(ax, ask, BASE - NODE, "decoder")
    write(ax, xs.mean(), 0.12, "encoder")

    asked = layer_box(ax, xs.mean(), SOFTMAX, width=xs[-1] - xs[0] + 0.7, height=0.5)
    total = operation(ax, xs.mean(), SUM, "$+$")
    for s, (place, weight) in enumerate(zip(memory, weights), 1):
        line(ax, place.top, (place.x, SOFTMAX - 0.25), 1)
        line(ax, (place.x, SOFTMAX + 0.25), (total.x, SUM), max(WIDEST * weight, 0.5))
        write(ax, place.x, SOFTMAX, f"$\\alpha_{{t{s}}}$\n{weight:.2f}")
    arrow(ax, [state.top, (ask, SOFTMAX), (asked.right[0], SOFTMAX)], "hidden")
    write(ax, ask + 0.08, (BASE + SOFTMAX) / 2 + 0.1, "asks", ha="left")
    arrow(ax, [total.top, (total.x, SUM + 0.5)], "hidden")
    write(ax, total.x, SUM + 0.75, r"$\sum_s \alpha_{ts}\, m_s$")
    return ax


def line(ax, start, end, width):
    """Draw a straight line, `width` points wide, under the nodes."""
    ax.plot(*zip(start, end), color=COLORS["hidden"], linewidth=width, linestyle="-", zorder=1, solid_capstyle="butt")
