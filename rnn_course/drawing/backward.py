"""The unrolled network with its way back: where errors go, and where truncation stops them."""

from rnn_course.drawing import checks
from rnn_course.drawing.networks import MARGIN, ROW
from rnn_course.drawing.parts import NODE, arrow, canvas, node, write
from rnn_course.drawing.style import COLORS, PAPER, SYMBOL_SIZE

PITCH = 1.3
MOST_STEPS = 4
APART = 0.1  # half the distance between an arrow and the one that runs back beside it
LEGEND = 0.5


def backward(steps=3, *, losses="all", ax=None):
    """Draw the unrolled network with two arrows on every edge: values forward, derivatives backward.

    Backward arrows are dashed and purple, and say what they carry. They are drawn only where something comes back: not
    from a step without a loss to its output, and not between steps after the last loss.

    Parameters
    ----------
    steps : int
        Number of time steps T, from 1 to 4.
    losses : {"all", "last"} or sequence of bool
        Which steps' outputs count in the loss: T entries, of which one at least is true.
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
    steps = checks.whole_number("steps", steps, 1, MOST_STEPS)
    losses = _losses(losses, steps)
    last = max(t for t, counts in enumerate(losses, start=1) if counts)

    ax = canvas(max(4.2, MARGIN + steps * PITCH + 0.75), LEGEND + MARGIN + 3 * ROW + MARGIN, ax)
    base = LEGEND + MARGIN
    before = node(ax, "hidden", MARGIN, base + ROW, "$h_0$", fill=PAPER)
    for t, counts in enumerate(losses, start=1):
        state = _step(ax, MARGIN + t * PITCH, base, t, counts)
        (left, y), (right, _) = before.right, state.left
        _there_and_back(ax, (left, y), (right, y), "hidden", back=t <= last)
        if t <= last:
            write_back(ax, (left + right) / 2, y - 0.27, rf"$W_h^\top\delta_{t}$")
        before = state
    _legend(ax)
    return ax


def truncated(steps=6, window=3, *, ax=None):
    """Draw truncated backpropagation through time: the state goes on at a window's border, the derivative stops.

    Parameters
    ----------
    steps : int
        Number of time steps T, from 2 to 7.
    window : int
        Steps in a window, from 1 to `steps`.
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
    steps = checks.whole_number("steps", steps, 2, 7)
    window = checks.whole_number("window", window, 1, steps)
    pitch = 0.78
    ax = canvas(max(4.2, MARGIN + steps * pitch + MARGIN), LEGEND + MARGIN + ROW + 0.5, ax)
    base = LEGEND + MARGIN
    before = node(ax, "hidden", MARGIN, base + ROW, "$h_0$", fill=PAPER, width=0.42)
    for t in range(1, steps + 1):
        x = MARGIN + t * pitch
        below = node(ax, "input", x, base, f"$x_{t}$")
        state = node(ax, "hidden", x, base + ROW, f"$h_{t}$", width=0.42)
        arrow(ax, [below.top, state.bottom], "input")
        linked = t == 1 or (t - 1) % window
        _there_and_back(ax, before.right, state.left, "hidden", back=linked)
        if not linked:
            middle = (before.right[0] + state.left[0]) / 2
            ax.plot([middle] * 2, [base - 0.3, base + ROW + 0.34], color=COLORS["operation"], linestyle=":", zorder=0.6)
        before = state
    _legend(ax)
    return ax


def write_back(ax, x, y, text, ha="center"):
    """Write what a backward arrow carries."""
    return write(ax, x, y, text, size=SYMBOL_SIZE, color=COLORS["weights"], ha=ha)


def _losses(losses, steps):
    if isinstance(losses, str):
        checks.choice("losses", losses, ("all", "last"))
        return [losses == "all" or t == steps for t in range(1, steps + 1)]
    if not hasattr(losses, "__len__") or len(losses) != steps:
        raise ValueError(f"losses must be 'all', 'last' or have {steps} entries, got {losses!r}: pass one a step.")
    if not any(losses):
        raise ValueError(f"losses must have a true entry, got {losses!r}: without a loss there is no way back.")
    return [bool(counts) for counts in losses]


def _step(ax, x, base, t, counts):
    """Draw one copy of the network with, if it counts, its loss L_t and the way back from it; return h_t."""
    below = node(ax, "input", x, base, f"$x_{t}$")
    state = node(ax, "hidden", x, base + ROW, f"$h_{t}$")
    above = node(ax, "output", x, base + 2 * ROW, rf"$\hat y_{t}$")
    arrow(ax, [below.top, state.bottom], "input")
    _there_and_back(ax, state.top, above.bottom, "hidden", back=counts)
    if counts:
        loss = node(ax, "operation", x, base + 3 * ROW, f"$L_{t}$", width=NODE, height=NODE)
        _there_and_back(ax, above.top, loss.bottom, "output", back=True)
        write_back(ax, x + 0.17, base + 2.5 * ROW, f"$e_{t}$", ha="left")
        write_back(ax, x + 0.17, base + 1.5 * ROW, rf"$W_y^\top e_{t}$", ha="left")
    return state


def _there_and_back(ax, start, end, role, back):
    """Draw an arrow from `start` to `end` and, beside it, one back; without a way back, the first in the middle."""
    (x0, y0), (x1, y1) = start, end
    apart = APART if back else 0
    across, up = (apart, 0) if x0 == x1 else (0, apart)
    arrow(ax, [(x0 - across, y0 + up), (x1 - across, y1 + up)], role)
    if back:
        arrow(ax, [(x1 + across, y1 - up), (x0 + across, y0 - up)], "weights", dashed=True)


def _legend(ax):
    y = 0.2
    arrow(ax, [(0.15, y), (0.65, y)], "hidden")
    write(ax, 0.75, y, "values, forward", ha="left")
    arrow(ax, [(2.7, y), (2.2, y)], "weights", dashed=True)
    write(ax, 2.8, y, "derivatives, back", ha="left")
