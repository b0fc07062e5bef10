"""The gated cells, node by node: LSTM and GRU."""

import numpy as np
from matplotlib.patches import Rectangle

from rnn_course.drawing import checks
from rnn_course.drawing.parts import TEXT_GAP, Node, activation, arrow, canvas, node, operation, write
from rnn_course.drawing.style import COLORS, SYMBOL_SIZE, tint

LSTM_PARTS = ("forget", "input", "output")
LSTM_VALUES = ("x", "h_prev", "c_prev", "i", "f", "g", "o")
GRU_PARTS = ("update", "reset")
GRU_VALUES = ("x", "h_prev", "z", "r", "g")


def lstm_cell(*, until=None, values=None, ax=None):
    """Draw one step of an LSTM: the cell state's line above, the hidden state's below, three gates between.

    Every box has weights of its own, and reads both x_t and h_{t-1}.

    Parameters
    ----------
    until : {"forget", "input", "output"}, optional
        Draw the step up to this part only, and shade the part: three pictures build the cell. Default: all of it.
    values : dict, optional
        The numbers of one step of one unit, all of them: "x", "h_prev", "c_prev", and the gates "i", "f", "o" and
        the candidate "g", each from -99 to 99. They are written on the edges, with what follows from them.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of 6 x 3.9 inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    shown = _parts(until, LSTM_PARTS)
    given = {} if values is None else _lstm_step(checks.numbers("values", values, LSTM_VALUES))
    ax = canvas(6.0, 3.9, ax)
    top, gates, bus = 3.45, 1.55, 0.72
    f, i, g, o, end = 1.42, 2.36, 3.3, 4.24, 5.24

    memory = node(ax, "hidden", 0.36, top, "$c_{t-1}$", width=0.56)
    before = node(ax, "hidden", 0.36, bus, "$h_{t-1}$", width=0.56)
    entry = node(ax, "input", 0.86, 0.28, "$x_t$")
    last = {1: f, 2: g, 3: o}[len(shown)]
    arrow(ax, [(entry.x, bus), (last, bus), (last, gates - 0.37)], "operation")
    arrow(ax, [before.right, (entry.x, bus)], "hidden", head=False)
    arrow(ax, [(entry.x, entry.top[1]), (entry.x, bus)], "input")
    _number(ax, before.x, bus + 0.37, given.get("h_prev"), ha="center")
    _number(ax, entry.right[0] + TEXT_GAP, entry.y, given.get("x"))
    _number(ax, memory.right[0] + 0.28, top + 0.17, given.get("c_prev"), ha="center")

    keep = operation(ax, f, top, "$\\times$")
    arrow(ax, [memory.right, keep.left], "hidden")
    forget = _box(ax, "sigmoid", f, gates, bus, last)
    arrow(ax, [forget.top, keep.bottom])
    _name(ax, f, 2.5, "f_t", given.get("f"))
    if until == "forget":
        _shade(ax, 0.98, f + 0.44, 1.08, top + 0.3)
        arrow(ax, [keep.right, (2.5, top)], "hidden")
        write(ax, 2.58, top, "$f_t \\odot c_{t-1}$", size=SYMBOL_SIZE, ha="left")
        return ax

    enter, total = operation(ax, g, 2.78, "$\\times$"), operation(ax, g, top, "$+$")
    allow, candidate = _box(ax, "sigmoid", i, gates, bus, last), _box(ax, "tanh", g, gates, bus, last)
    arrow(ax, [keep.right, total.left], "hidden")
    arrow(ax, [allow.top, (i, enter.y), enter.left])
    arrow(ax, [candidate.top, enter.bottom], "hidden")
    arrow(ax, [enter.top, total.bottom], "hidden")
    _name(ax, i, 2.5, "i_t", given.get("i"))
    _name(ax, g, 2.45, "g_t", given.get("g"))
    _number(ax, (keep.x + total.x) / 2, top + 0.17, given.get("f c"), ha="center")
    _number(ax, g + TEXT_GAP, 3.12, given.get("i g"))
    result = node(ax, "hidden", o, top, "$c_t$")
    arrow(ax, [total.right, result.left], "hidden")
    arrow(ax, [result.right, (5.96, top)], "hidden")
    _number(ax, o, top - 0.38, given.get("c"), ha="center")
    if until == "input":
        _shade(ax, i - 0.44, g + 0.44, 1.08, top + 0.3)
        return ax

    show, read = operation(ax, end, gates, "$\\times$"), activation(ax, end, 2.52, "tanh")
    output = _box(ax, "sigmoid", o, gates, bus, last)
    shown_state = node(ax, "hidden", end, bus, "$h_t$")
    _dot(ax, end, top, "hidden")
    arrow(ax, [(end, top), read.top], "hidden")
    arrow(ax, [read.bottom, show.top], "hidden")
    arrow(ax, [output.right, show.left])
    arrow(ax, [show.bottom, shown_state.top], "hidden")
    arrow(ax, [shown_state.right, (5.96, bus)], "hidden")
    write(ax, (output.right[0] + show.left[0]) / 2, gates + 0.18, "$o_t$", size=SYMBOL_SIZE)
    _number(ax, output.right[0] + 0.28, gates - 0.23, given.get("o"), ha="center")
    _number(ax, end + TEXT_GAP, 1.94, given.get("tanh c"))
    _number(ax, end, bus - 0.38, given.get("h"), ha="center")
    if until == "output":
        _shade(ax, o - 0.44, end + 0.46, 1.08, 3.02)
    return ax


def gru_cell(*, until=None, reset_after=True, values=None, ax=None):
    """Draw one step of a GRU: one state, an update gate that mixes old and new, a reset gate inside the new.

    Every box has weights of its own. Only the candidate's recurrent weights are drawn, because the two forms of the
    GRU differ in their place.

    Parameters
    ----------
    until : {"update", "reset"}, optional
        "update" draws the step without the reset gate; the part that is named is shaded. Default: all of it.
    reset_after : bool
        Whether the reset gate acts after the product with the recurrent weights, or before it.
    values : dict, optional
        The numbers of one step of one unit, all of them: "x", "h_prev", the gates "z" and "r" and the candidate "g",
        each from -99 to 99. They are written on the edges, with what follows from them.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of 6 x 3.9 inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    shown = _parts(until, GRU_PARTS)
    given = {} if values is None else _gru_step(checks.numbers("values", values, GRU_VALUES))
    ax = canvas(6.0, 3.9, ax)
    top, gates, h_line, x_line = 3.5, 1.62, 0.78, 0.3
    z, r, meet, end = 1.42, 2.5, 3.36, 4.8

    before = node(ax, "hidden", 0.36, top, "$h_{t-1}$", width=0.56)
    entry = node(ax, "input", 0.36, x_line, "$x_t$")
    keep, total = operation(ax, z, top, "$\\times$"), operation(ax, end, top, "$+$")
    enter, rest = operation(ax, end, 2.78, "$\\times$"), node(ax, "operation", 2.3, 2.78, "$1-$", width=0.44)
    after = node(ax, "hidden", 5.44, top, "$h_t$")
    update, candidate = activation(ax, z, gates, "sigmoid"), activation(ax, end, gates, "tanh")
    arrow(ax, [before.right, keep.left], "hidden")
    arrow(ax, [keep.right, total.left], "hidden")
    arrow(ax, [total.right, after.left], "hidden")
    arrow(ax, [after.right, (5.97, top)], "hidden")
    arrow(ax, [update.top, keep.bottom])
    _dot(ax, z, rest.y, "operation")
    arrow(ax, [(z, rest.y), rest.left])
    arrow(ax, [rest.right, enter.left])
    arrow(ax, [candidate.top, enter.bottom], "hidden")
    arrow(ax, [enter.top, total.bottom], "hidden")

    _dot(ax, 0.82, top, "hidden")
    weights = node(ax, "weights", meet if reset_after else 3.9, 1.14 if reset_after else gates, "$W_h$")
    state_way = [(0.82, top), (0.82, h_line), (meet, h_line)]
    arrow(ax, [entry.right, (end, x_line), candidate.bottom], "input")
    if "reset" in shown:
        reset, times = activation(ax, r, gates, "sigmoid"), operation(ax, meet, gates, "$\\times$")
        arrow(ax, [reset.right, times.left])
        write(ax, 3.06, gates + 0.17, "$r_t$", size=SYMBOL_SIZE)
        _number(ax, 3.1, gates + 0.42, given.get("r"), ha="center")
        stops = [times.right, candidate.left] if reset_after else [times.right, weights.left]
        arrow(ax, stops, "hidden")
        if reset_after:
            arrow(ax, [*state_way, weights.bottom], "hidden")
            arrow(ax, [weights.top, times.bottom], "hidden")
        else:
            arrow(ax, [*state_way, times.bottom], "hidden")
            arrow(ax, [weights.right, candidate.left], "hidden")
    elif reset_after:
        arrow(ax, [*state_way, weights.bottom], "hidden")
        arrow(ax, [weights.top, (meet, gates), candidate.left], "hidden")
    else:
        arrow(ax, [*state_way, (meet, gates), weights.left], "hidden")
        arrow(ax, [weights.right, candidate.left], "hidden")
    for x in (z, r)[: len(shown)]:
        _branch(ax, x - 0.16, x_line, gates, "input")
        _branch(ax, x + 0.16, h_line, gates, "hidden")

    _name(ax, z, 2.5, "z_t", given.get("z"))
    _name(ax, end, 2.45, "g_t", given.get("g"))
    _number(ax, 0.98, top + 0.17, given.get("h_prev"), ha="center")
    _number(ax, entry.right[0] + 0.34, x_line + 0.17, given.get("x"), ha="center")
    _number(ax, 3.1, top + 0.17, given.get("z h"), ha="center")
    _number(ax, 3.1, rest.y + 0.17, given.get("1 - z"), ha="center")
    _number(ax, end - TEXT_GAP, 3.14, given.get("(1 - z) g"), ha="right")
    _number(ax, after.x, top - 0.37, given.get("h"), ha="center")
    if until == "update":
        _shade(ax, z - 0.44, end + 0.2, 2.42, top + 0.24)
        _shade(ax, z - 0.44, z + 0.44, 1.18, 2.42)
    elif until == "reset":
        _shade(ax, r - 0.44, meet + 0.28, 0.92, gates + 0.44)
    return ax


def _parts(until, parts):
    if until is None:
        return parts
    return parts[: parts.index(checks.choice("until", until, parts)) + 1]


def _lstm_step(given):
    kept, entered = given["f"] * given["c_prev"], given["i"] * given["g"]
    read = float(np.tanh(kept + entered))
    return given | {"f c": kept, "i g": entered, "c": kept + entered, "tanh c": read, "h": given["o"] * read}


def _gru_step(given):
    kept, entered = given["z"] * given["h_prev"], (1 - given["z"]) * given["g"]
    return given | {"z h": kept, "1 - z": 1 - given["z"], "(1 - z) g": entered, "h": kept + entered}


def _box(ax, name, x, y, bus, last):
    """Draw an activation that reads the bus of x_t and h_{t-1}; the bus itself ends in the last one."""
    box = activation(ax, x, y, name)
    if x < last:
        _branch(ax, x, bus, y, "operation")
    return box


def _branch(ax, x, line, gates, role):
    """Draw a branch from a line up into a box."""
    _dot(ax, x, line, role)
    arrow(ax, [(x, line), Node(x, gates, 0, 0.74).bottom], role)


def _dot(ax, x, y, role):
    ax.plot([x], [y], marker="o", markersize=5, linestyle="none", color=COLORS[role], zorder=1.5)


def _name(ax, x, y, symbol, number):
    """Write what an upward arrow carries, to its right, and its number below."""
    write(ax, x + TEXT_GAP, y, f"${symbol}$", size=SYMBOL_SIZE, ha="left")
    _number(ax, x + TEXT_GAP, y - 0.26, number)


def _number(ax, x, y, number, *, ha="left"):
    if number is not None:
        rounded = round(number, 3) + 0.0
        write(ax, x, y, f"{rounded:.3g}".replace("-", "\u2212"), ha=ha)


def _shade(ax, left, right, bottom, top):
    patch = Rectangle((left, bottom), right - left, top - bottom)
    patch.set(facecolor=tint("weights", 0.14), edgecolor="none", zorder=0.2)
    ax.add_patch(patch)
