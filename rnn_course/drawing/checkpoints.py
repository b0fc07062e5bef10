"""What checkpointing keeps of a sequence on the way forward, and what it computes again on the way back."""

from rnn_course.drawing import checks
from rnn_course.drawing.parts import arrow, canvas, node, write
from rnn_course.drawing.style import COLORS, MAX_WIDTH, PAPER

ROW = 1.12
BOX = 0.38
MARGIN = 0.4
BELOW = 0.34


def checkpointing(windows=3, length=3, *, ax=None):
    """Draw a sequence of windows, with all states kept, and with checkpoints at the windows' borders.

    Four rows show the states from the first, h_0, to the last. A state that is in memory is a filled box; one that has
    been let go is an empty, dotted one. Arrows over the boxes are steps forward, and those under them steps back.

    Parameters
    ----------
    windows, length : int
        Number of windows, 2 to 5, and steps in each, 2 to 5; at most 10 steps in all.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """
    windows = checks.whole_number("windows", windows, 2, 5)
    length = checks.whole_number("length", length, 2, 5)
    steps = checks.whole_number("windows * length", windows * length, 4, 10)
    ax = canvas(MAX_WIDTH, 4 * ROW + 0.05, ax)
    borders = set(range(0, steps, length))
    last, before = steps - length, steps - 2 * length
    everything = range(steps + 1)
    _row(ax, 3, steps, "Keep all: every step waits in memory for the way back", everything, (0, steps), None)
    _row(ax, 2, steps, "Checkpoints, forward: keep one state a window", borders | {steps}, (0, steps), None)
    _row(
        ax,
        1,
        steps,
        "Back, last window: run it again, then go back through it",
        borders | set(range(last, steps + 1)),
        (last, steps),
        (steps, last),
    )
    _row(
        ax,
        0,
        steps,
        "Back, the window before: the same, in the same memory",
        {b for b in borders if b <= before} | set(range(before, last + 1)),
        (before, last),
        (last, before),
    )
    return ax


def _row(ax, number, steps, title, kept, forward, back):
    """Draw one row: its title, a box for each state, and arrows from one step to another."""
    y = number * ROW + 0.48
    pitch = (MAX_WIDTH - 2 * MARGIN) / steps
    xs = [MARGIN + pitch * t for t in range(steps + 1)]
    write(ax, MARGIN - BOX / 2, y + 0.44, title, ha="left")
    boxes = [_state(ax, x, y, f"$h_{{{t}}}$", t in kept) for t, x in enumerate(xs)]
    for t in range(*forward):
        arrow(ax, [boxes[t].right, boxes[t + 1].left], "hidden")
    if back is not None:
        start, end = back
        arrow(ax, [(xs[start], y - BELOW), (xs[end], y - BELOW)], "weights")


def _state(ax, x, y, text, kept):
    if kept:
        return node(ax, "hidden", x, y, text, width=BOX, height=BOX)
    box = node(ax, "hidden", x, y, width=BOX, height=BOX, color=COLORS["operation"], fill=PAPER)
    ax.patches[-1].set(linestyle=":", linewidth=1.0)
    return box
