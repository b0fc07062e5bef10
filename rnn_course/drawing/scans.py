"""How a parallel scan joins the steps of a sequence."""

from rnn_course.drawing import checks
from rnn_course.drawing.parts import arrow, canvas, node, write
from rnn_course.drawing.style import FONT_SIZE, tint

COLUMN = 0.66
ROW = 0.92
BOX = 0.56, 0.36
LABELS = 0.72


def parallel_scan(steps=8, ax=None):
    """Draw a parallel scan that doubles its reach in every round.

    A box stands for the steps that it has joined: "3-4" takes h_2 to h_4. Each box goes on straight down, and a slanted
    arrow brings the box that is joined in front of it. Boxes that begin with step 1, and so are finished, are filled.

    Parameters
    ----------
    steps : int
        Number of time steps T, from 2 to 8.
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
    steps = checks.whole_number("steps", steps, 2, 8)
    rounds = (steps - 1).bit_length()
    height = 0.7 + ROW * rounds
    ax = canvas(LABELS + COLUMN * steps, height, ax)
    top = height - 0.3
    write(ax, 0.05, top, "steps", ha="left")
    boxes = [_box(ax, t, t, t, top) for t in range(1, steps + 1)]
    for count in range(1, rounds + 1):
        reach, y = 2 ** (count - 1), top - ROW * count
        write(ax, 0.05, y, f"round {count}", ha="left")
        above = boxes
        boxes = [_box(ax, max(1, t - 2 * reach + 1), t, t, y) for t in range(1, steps + 1)]
        for t, (before, now) in enumerate(zip(above, boxes)):
            arrow(ax, [before.bottom, now.top], "hidden")
            if t >= reach:
                (x, y_from), (x_to, y_to) = above[t - reach].bottom, now.top
                arrow(ax, [(x + 0.06, y_from), (x_to - 0.12, y_to)], "operation")
    return ax


def _box(ax, first, last, t, y):
    """A box in column t for the steps from `first` to `last`."""
    text = str(last) if first == last else f"{first}\u2013{last}"
    fill = tint("hidden", 0.35) if first == 1 else "#FFFFFF"
    drawn = node(ax, "hidden", LABELS + COLUMN * (t - 0.5), y, width=BOX[0], height=BOX[1], fill=fill)
    write(ax, drawn.x, drawn.y, text, size=FONT_SIZE)
    return drawn
