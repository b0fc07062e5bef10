"""Networks: rolled up, unrolled in time, layer by layer, and beside a feedforward network."""

from itertools import pairwise
from typing import NamedTuple

from rnn_course.drawing import checks
from rnn_course.drawing.parts import NODE, TEXT_GAP, Node, arrow, canvas, node, text_width, weight_label, write
from rnn_course.drawing.style import COLORS, MAX_WIDTH, PAPER, SYMBOL_SIZE

ROW = 0.98
MARGIN = 0.34
COLUMN = 1.1
MOST_STEPS = 8
LINE = 0.24
MOST_UNITS = 6
UNIT = 0.34


class Words(NamedTuple):
    """The labels under a row of inputs: upright, or slanted where they would touch."""

    labels: list
    slanted: bool
    height: float


def rolled(ax=None, *, title=None):
    """Draw a recurrent network with its loop: x_t below, h_t with the loop of W_h, y_t above.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of 2.2 x 2.7 inches.
    title : str, optional
        Shown above.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `ax` is not an Axes.
    """
    width = max(2.2, text_width(title or "") + 0.3)
    ax = canvas(width, 2.7 + (LINE if title else 0), ax)
    _loop(ax, width / 2 - 0.15, MARGIN)
    if title:
        write(ax, width / 2, 2.7 + LINE - 0.12, title)
    return ax


def unrolled(steps=None, *, inputs=None, outputs="all", ax=None):
    """Draw the network unrolled in time: one copy a step, the same W_x, W_h and W_y in every copy.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 8. Default: as many as `inputs`, or else 3.
    inputs : sequence of str, optional
        T labels, such as the words of a sentence, shown under x_1 .. x_T.
    outputs : {"all", "last", "none"} or sequence of (str or None)
        Which steps have an output y_t, or T labels, shown above; a step whose label is None has no output.
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
    inputs = None if inputs is None else checks.texts("inputs", inputs, steps)
    steps = (3 if inputs is None else len(inputs)) if steps is None else steps
    steps = checks.whole_number("steps", steps, 1, MOST_STEPS)
    inputs = inputs or [""] * steps
    outputs = _output_labels(outputs, steps)

    first, pitch, width = _columns(steps, inputs + [label or "" for label in outputs])
    words, results = _words(inputs, pitch), _words([label or "" for label in outputs], pitch)
    has_outputs = any(label is not None for label in outputs)
    base = MARGIN + words.height
    ax = canvas(width, base + (2 if has_outputs else 1) * ROW + MARGIN + results.height, ax)
    _chain(ax, first, pitch, base, words, outputs, results)
    return ax


def rolled_and_unrolled(steps=3):
    """Draw the network with its loop and, beside it, the same network unrolled in time.

    Parameters
    ----------
    steps : int
        Number of time steps T, from 1 to 5.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `steps` is not a whole number from 1 to 5.
    """
    steps = checks.whole_number("steps", steps, 1, 5)
    first, base = 2.35, MARGIN + LINE
    pitch = min(COLUMN, (MAX_WIDTH - first - MARGIN) / steps)
    ax = canvas(first + steps * pitch + MARGIN, base + 2 * ROW + MARGIN)

    _loop(ax, MARGIN, base)
    write(ax, 1.67, base + ROW, "=", size=24)
    _chain(ax, first, pitch, base, _words([""] * steps, pitch), [""] * steps, _words([""] * steps, pitch))
    write(ax, MARGIN, 0.16, "rolled")
    write(ax, first + steps * pitch / 2, 0.16, "unrolled in time")
    return ax.figure


def layers(sizes=(2, 4, 1), *, recurrent=True, ax=None):
    """Draw the three layers of a network, its connections, and the shapes of its weights.

    Parameters
    ----------
    sizes : (int, int, int)
        Input features D, hidden units H, output units; each from 1 to 999. Of more than 6 units, the first
        three and the last two are drawn.
    recurrent : bool
        Whether the hidden layer is connected back to itself: the loop of W_h, every unit to every unit.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, 5 inches wide.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If `sizes` does not have three whole numbers from 1 to 999.
    """
    if not hasattr(sizes, "__len__") or len(sizes) != 3:
        raise ValueError(f"sizes must have 3 entries (input, hidden, output), got {sizes!r}: pass, say, (2, 4, 1).")
    sizes = [checks.whole_number(f"sizes[{i}]", size, 1, 999) for i, size in enumerate(sizes)]

    tall = max(len(_shown(size)) for size in sizes) * UNIT * 1.4
    middle, top = 0.75 + tall / 2, 0.75 + tall
    ax = canvas(5.0, top + (0.8 if recurrent else 0.4), ax)
    roles, centers = ("input", "hidden", "output"), (0.65, 2.5, 4.35)
    columns = [_units(ax, *layer, middle) for layer in zip(roles, centers, sizes)]
    for left, right in pairwise(columns):
        _connect(ax, left, right)
    for x, name, size in zip(centers, ("input\n$D = {}$", "hidden\n$H = {}$", "output\n${}$"), sizes):
        write(ax, x, 0.32, name.format(size))
    _weight_shape(ax, 1.575, top + 0.2, "W_x", sizes[0], sizes[1])
    _weight_shape(ax, 3.425, top + 0.2, "W_y", sizes[1], sizes[2])
    if recurrent:
        _loop_over_layer(ax, columns[1], sizes[1])
    return ax


def feedforward_and_recurrent(words):
    """Draw how a sentence enters: all words at once (feedforward), or one word a step (recurrent).

    Parameters
    ----------
    words : sequence of str
        From 2 to 8 words.

    Returns
    -------
    matplotlib.figure.Figure
        The feedforward network above, the recurrent one below, a word in the same column in both.

    Raises
    ------
    TypeError, ValueError
        If `words` is not a list of 2 to 8 strings of up to 16 characters.
    """
    words = checks.texts("words", words)
    steps = checks.whole_number("len(words)", len(words), 2, MOST_STEPS)
    first, pitch, width = _columns(steps, words, widest_column=1.3)
    width = max(width, 3.2)
    under = _words(words, pitch)
    panel = MARGIN + under.height + 2 * ROW + MARGIN + LINE + 0.1
    ax = canvas(width, 2 * panel + 0.15)

    low, high = MARGIN + under.height, MARGIN + under.height + panel + 0.15
    _chain(ax, first, pitch, low, under, [None] * (steps - 1) + [""], _words([""] * steps, pitch))
    _all_at_once(ax, [first + pitch * (t + 1) for t in range(steps)], high, under)
    write(ax, 0.12, panel - 0.2, "Recurrent: one word a step", ha="left", weight="bold")
    write(ax, 0.12, 2 * panel - 0.05, "Feedforward: all words at once", ha="left", weight="bold")
    return ax.figure


def _output_labels(outputs, steps):
    if isinstance(outputs, str):
        checks.choice("outputs", outputs, ("all", "last", "none"))
        return {"all": [""] * steps, "last": [None] * (steps - 1) + [""], "none": [None] * steps}[outputs]
    return checks.texts("outputs", outputs, steps, blanks=True)


def _columns(steps, labels, widest_column=COLUMN):
    """Place the columns: the x of h_0, the distance between columns, the width of it all."""
    widest = max(map(text_width, labels))
    room = (MAX_WIDTH - 2 * MARGIN) / steps
    pitch = min(max(widest + 0.14, widest_column), room)
    right = max(MARGIN, min(widest, pitch) / 2 + 0.06)
    pitch = min(pitch, (MAX_WIDTH - MARGIN - right) / steps)
    return MARGIN, pitch, MARGIN + steps * pitch + right


def _words(labels, pitch):
    widest = max(map(text_width, labels))
    slanted = widest > pitch - 0.1
    height = 0 if not widest else 0.7 * widest + 0.12 if slanted else LINE
    return Words(labels, slanted, height)


def _symbol(name, t):
    return f"${name}_{{{t}}}$"


def _write_word(ax, at, word, words, direction):
    """Write a word under (-1) or over (1) a node."""
    x, y = (at.bottom if direction < 0 else at.top)[0], at.y + direction * (at.height / 2 + TEXT_GAP)
    if words.slanted:
        ha, shift = ("right", 0.1) if direction < 0 else ("left", -0.1)
        va = "top" if direction < 0 else "bottom"
        write(ax, x + shift, y, word, ha=ha, va=va, rotation=45, rotation_mode="anchor")
    else:
        write(ax, x, y + direction * 0.1, word)


def _copy(ax, x, base, t, *, output=True, width=NODE):
    """Draw one copy of the network: x_t to h_t and, with an output, on to y_t."""
    below = node(ax, "input", x, base, _symbol("x", t))
    state = node(ax, "hidden", x, base + ROW, _symbol("h", t), width=width)
    arrow(ax, [below.top, state.bottom], "input")
    weight_label(ax, x + TEXT_GAP, base + ROW / 2, "$W_x$")
    if not output:
        return below, state, None
    above = node(ax, "output", x, base + 2 * ROW, _symbol("y", t))
    arrow(ax, [state.top, above.bottom], "hidden")
    weight_label(ax, x + TEXT_GAP, base + 1.5 * ROW - 0.03, "$W_y$")
    return below, state, above


def _loop(ax, x, base):
    _, state, _ = _copy(ax, x, base, "t")
    (right, y), far = state.right, state.right[0] + 0.4
    arrow(ax, [(right, y + 0.14), (far, y + 0.14), (far, y - 0.14), (right, y - 0.14)], "hidden")
    weight_label(ax, far + TEXT_GAP, y, "$W_h$")


def _chain(ax, first, pitch, base, words, outputs, results):
    width = min(NODE, pitch - text_width("$W_h$", SYMBOL_SIZE) - 0.06)
    before = node(ax, "hidden", first, base + ROW, "$h_0$", width=width, fill=PAPER)
    for t, (word, output) in enumerate(zip(words.labels, outputs), start=1):
        below, state, above = _copy(ax, first + t * pitch, base, t, output=output is not None, width=width)
        arrow(ax, [before.right, state.left], "hidden")
        weight_label(ax, (before.right[0] + state.left[0]) / 2, state.y + 0.17, "$W_h$", ha="center")
        _write_word(ax, below, word, words, -1)
        if output:
            _write_word(ax, above, output, results, 1)
        before = state


def _all_at_once(ax, columns, base, words):
    middle, width = (columns[0] + columns[-1]) / 2, columns[-1] - columns[0] + NODE
    network = node(ax, "hidden", middle, base + ROW, "one layer" if width < 1.6 else "feedforward layer", width=width)
    result = node(ax, "output", middle, base + 2 * ROW, "$y$")
    arrow(ax, [network.top, result.bottom], "hidden")
    for t, (x, word) in enumerate(zip(columns, words.labels), start=1):
        below = node(ax, "input", x, base, _symbol("x", t))
        arrow(ax, [below.top, (x, network.bottom[1])], "input")
        weight_label(ax, x + TEXT_GAP, base + ROW / 2, _symbol("W", t))
        _write_word(ax, below, word, words, -1)


def _shown(size):
    """Return which units are drawn; None stands for those left out."""
    return list(range(size)) if size <= MOST_UNITS else [0, 1, 2, None, size - 2, size - 1]


def _units(ax, role, x, size, middle):
    units, shown = [], _shown(size)
    for row, unit in enumerate(shown):
        y = middle + ((len(shown) - 1) / 2 - row) * UNIT * 1.4
        if unit is None:
            write(ax, x, y, "$\\vdots$", size=SYMBOL_SIZE + 3)
        else:
            extra = 0.06 if role == "output" else 0
            units.append(node(ax, role, x, y, width=UNIT + extra, height=UNIT + extra))
    return units


def _connect(ax, left, right):
    for start in left:
        for end in right:
            ax.plot(
                [start.right[0], end.left[0]], [start.y, end.y],
                color=COLORS["weights"], linestyle="-", linewidth=0.8, zorder=1,
            )  # fmt: skip


def _weight_shape(ax, x, y, name, rows, columns):
    write(ax, x, y, f"${name}$: ${rows} \\times {columns}$", color=COLORS["weights"], size=SYMBOL_SIZE)


def _loop_over_layer(ax, units, size):
    x, top = units[0].x, units[0].top[1] + 0.1
    height = top - units[-1].bottom[1] + 0.1
    frame = Node(x, top - height / 2, UNIT + 0.26, height)
    node(ax, "hidden", frame.x, frame.y, width=frame.width, height=frame.height, fill="none")
    arrow(ax, [(x + 0.16, top), (x + 0.16, top + 0.32), (x - 0.16, top + 0.32), (x - 0.16, top)], "hidden")
    _weight_shape(ax, x, top + 0.47, "W_h", size, size)
