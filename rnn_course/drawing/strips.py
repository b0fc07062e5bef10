"""A sequence as a strip: what is read, what is to be answered, and what has to be kept in between."""

from matplotlib.patches import Rectangle

from rnn_course.drawing import checks
from rnn_course.drawing.parts import arrow, canvas, text_width, write
from rnn_course.drawing.style import COLORS, LINE_WIDTH, MAX_WIDTH, PAPER, tint

LABELS = 0.62  # room for the names of the rows
BOX = 0.34
LANE = 0.16
MOST_STEPS = 20


def strip(inputs, targets, keep=(), ax=None):
    """Draw a sequence step by step, inputs below, targets above, and lines for what has to be remembered.

    An input that has to be kept is drawn with a thick edge. From it a line leads to the step whose target needs it:
    the longer the line, the longer the memory.

    Parameters
    ----------
    inputs : sequence of str
        T labels, up to 20 of them, of what is read at each step.
    targets : sequence of str or None
        T labels of what is to be answered; None or "" where nothing is.
    keep : sequence of (int, int)
        Pairs of steps, counted from 1: which input is kept, and for which target.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, up to 6 inches wide.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above, or a label has no room; the message names it.
    """
    inputs = checks.texts("inputs", inputs)
    steps = checks.whole_number("the number of inputs", len(inputs), 1, MOST_STEPS)
    targets = [target or "" for target in checks.texts("targets", targets, steps, blanks=True)]
    keep = [_pair(pair, steps) for pair in keep]
    step = min(0.42, (MAX_WIDTH - LABELS - 0.1) / steps)
    for name, labels in (("inputs", inputs), ("targets", targets)):
        widest = max(labels, key=text_width)
        if text_width(widest) > step - 0.03:
            raise ValueError(f"{name} must fit into {step:.2f} inches a step, {widest!r} does not: shorten it.")

    top = BOX + LANE * (len(keep) + 1)
    ax = canvas(LABELS + steps * step + 0.1, top + BOX + 0.2, ax)
    for row, (name, role, labels) in enumerate((("input", "input", inputs), ("target", "output", targets))):
        y = 0.1 + row * top
        write(ax, LABELS - 0.1, y + BOX / 2, name, color=COLORS[role], ha="right")
        kept = {pair[row] for pair in keep}
        for t, label in enumerate(labels, start=1):
            if label:
                _box(ax, role, LABELS + (t - 1) * step, y, step, t in kept)
                write(ax, LABELS + (t - 0.5) * step, y + BOX / 2, label)
    for lane, (start, end) in enumerate(keep, start=1):
        side = 0.36 * step * (lane - (len(keep) + 1) / 2) if len({e for _, e in keep}) < len(keep) else 0
        x, x_end = LABELS + (start - 0.5) * step, LABELS + (end - 0.5) * step + side
        y = 0.1 + BOX + LANE * (len(keep) + 1 - lane) - 0.02
        arrow(ax, [(x, 0.1 + BOX), (x, y), (x_end, y), (x_end, 0.1 + top)], "hidden")
    return ax


def _pair(pair, steps):
    try:
        start, end = pair
    except (TypeError, ValueError):
        raise TypeError(f"keep must be pairs of steps, got {pair!r}: pass [(1, 5)], say.") from None
    start, end = (checks.whole_number("a step in keep", step, 1, steps) for step in (start, end))
    if start >= end:
        raise ValueError(f"keep must lead from an earlier step to a later one, got {pair!r}: swap them.")
    return start, end


def _box(ax, role, x, y, width, strong):
    ax.add_patch(
        Rectangle(
            (x, y),
            width,
            BOX,
            facecolor=tint(role, 0.34) if strong else PAPER if role == "input" else tint(role),
            edgecolor=COLORS[role],
            linewidth=LINE_WIDTH * (1.5 if strong else 0.6),
            zorder=2.5 if strong else 2,
        )
    )
