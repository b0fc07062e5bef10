"""Architectures: which steps read, which steps write, and which way the state is handed on.

The pictures leave the weights out: every arrow of one color and direction stands for the same weights.
"""

from itertools import pairwise
from typing import NamedTuple

from rnn_course.drawing import checks
from rnn_course.drawing.parts import NODE, TEXT_GAP, arrow, canvas, node, text_width, write
from rnn_course.drawing.style import MAX_WIDTH

MARGIN = 0.34
ROW = 0.86
PITCH = 0.9
LINE = 0.24
SIDE = 0.27
MOST_STEPS = 8


class Column(NamedTuple):
    """What happens at one step: the symbols of what is read, of the state and of what is written; None for nothing."""

    reads: str | None
    state: str
    writes: str | None
    feeds_back: bool = False


class Row(NamedTuple):
    """Columns from left to right, and the words under what is read and over what is written; None for no word."""

    columns: list
    below: list
    above: list


class Layout(NamedTuple):
    """Where the columns stand, and how much room the picture takes (inches)."""

    left: float
    pitch: float
    base: float
    width: float
    height: float
    slanted_below: bool
    slanted_above: bool


def one_to_one(*, ax=None):
    """Draw one input, one hidden layer, one output: a feedforward network, with no arrow along time.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `ax` is not an Axes.
    """
    return _draw(ONE_TO_ONE, ax)


def sequence_to_sequence(steps=None, *, inputs=None, outputs=None, ax=None):
    """Draw a network that reads at every step and writes at every step.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 8. Default: as many as `inputs` or `outputs`, or else 3.
    inputs, outputs : sequence of str, optional
        T labels each, shown under x_1 .. x_T and over y_1 .. y_T.
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
    steps = _count("steps", steps, inputs, outputs)
    return _draw(_aligned(steps, _labels("inputs", inputs, steps), _labels("outputs", outputs, steps)), ax)


def sequence_to_vector(steps=None, *, inputs=None, output=None, ax=None):
    """Draw a network that reads at every step and writes once, after the last one.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 8. Default: as many as `inputs`, or else 3.
    inputs : sequence of str, optional
        T labels, shown under x_1 .. x_T.
    output : str, optional
        A label, shown over y.
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
    steps = _count("steps", steps, inputs)
    return _draw(_last_only(steps, _labels("inputs", inputs, steps), _one("output", output)), ax)


def vector_to_sequence(steps=None, *, input=None, outputs=None, ax=None):
    """Draw a network that gets one vector, as its first state, and writes at every step, reading what it wrote.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 7. Default: as many as `outputs`, or else 3.
    input : str, optional
        A label, shown under x.
    outputs : sequence of str, optional
        T labels, shown over y_1 .. y_T.
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
    steps = _count("steps", steps, outputs, most=MOST_STEPS - 1)
    return _draw(_from_vector(steps, _one("input", input), _labels("outputs", outputs, steps)), ax)


def encoder_decoder(reads=None, writes=None, *, inputs=None, outputs=None, ax=None):
    """Draw an encoder that reads all of its input, and a decoder that starts from its last state and then writes.

    Parameters
    ----------
    reads, writes : int, optional
        Number of steps of the encoder and of the decoder, 8 together at most. Default: as many as `inputs` and
        `outputs`, or else 3.
    inputs, outputs : sequence of str, optional
        Labels, shown under the encoder's inputs and over the decoder's outputs.
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
    reads = _count("reads", reads, inputs, most=MOST_STEPS - 1)
    writes = _count("writes", writes, outputs, most=MOST_STEPS - reads)
    row = _reads_then_writes(_labels("inputs", inputs, reads), _labels("outputs", outputs, writes))
    layout = _layout(row, under=LINE)
    ax = canvas(layout.width, layout.height, ax)
    _draw_row(ax, row, layout)
    _name_parts(ax, layout, reads, writes)
    return ax


def bidirectional(steps=None, *, inputs=None, outputs=None, ax=None):
    """Draw two networks that read the same sequence, one from its start, one from its end, and write together.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 5. Default: as many as `inputs` or `outputs`, or else 3.
    inputs, outputs : sequence of str, optional
        T labels each, shown under x_1 .. x_T and over y_1 .. y_T.
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
    steps = _count("steps", steps, inputs, outputs, most=5)
    row = _aligned(steps, _labels("inputs", inputs, steps), _labels("outputs", outputs, steps))
    layout = _layout(row, rows=3, narrowest=1.15, side=SIDE)
    ax = canvas(layout.width, layout.height, ax)
    forward, backward = [], []
    for t, (x, (read, written)) in enumerate(zip(_places(layout, steps), _ends(ax, row, layout, rows=3)), start=1):
        forward.append(node(ax, "hidden", x - SIDE, layout.base + ROW, f"$\\overrightarrow{{h}}_{{{t}}}$"))
        backward.append(node(ax, "hidden", x + SIDE, layout.base + 2 * ROW, f"$\\overleftarrow{{h}}_{{{t}}}$"))
        fork, join = read.top[1] + 0.1, written.bottom[1] - 0.2
        for state in (forward[-1], backward[-1]):
            arrow(ax, [read.top, (x, fork), (state.x, fork), state.bottom], "input")
            arrow(ax, [state.top, (state.x, join), (x, join), written.bottom], "hidden")
    for now, then in pairwise(forward):
        arrow(ax, [now.right, then.left], "hidden")
    for now, then in pairwise(backward):
        arrow(ax, [then.left, now.right], "hidden")
    return ax


def deep(steps=None, layers=2, *, inputs=None, outputs=None, ax=None):
    """Draw recurrent layers on top of one another: each reads the states of the layer below it.

    Parameters
    ----------
    steps : int, optional
        Number of time steps T, from 1 to 6. Default: as many as `inputs` or `outputs`, or else 3.
    layers : int
        Number of recurrent layers, from 1 to 4.
    inputs, outputs : sequence of str, optional
        T labels each, shown under x_1 .. x_T and over y_1 .. y_T.
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
    steps = _count("steps", steps, inputs, outputs, most=6)
    layers = checks.whole_number("layers", layers, 1, 4)
    row = _aligned(steps, _labels("inputs", inputs, steps), _labels("outputs", outputs, steps))
    layout = _layout(row, rows=layers + 1)
    ax = canvas(layout.width, layout.height, ax)
    before = None
    for t, (x, (read, written)) in enumerate(
        zip(_places(layout, steps), _ends(ax, row, layout, rows=layers + 1)), start=1
    ):
        states = [
            node(ax, "hidden", x, layout.base + level * ROW, f"$h_{{{t}}}^{{({level})}}$", width=0.54)
            for level in range(1, layers + 1)
        ]
        for below, above in pairwise([read, *states, written]):
            arrow(ax, [below.top, above.bottom], "input" if below is read else "hidden")
        for old, new in zip(before or [], states):
            arrow(ax, [old.right, new.left], "hidden")
        before = states
    return ax


def four_shapes():
    """Draw the four shapes in one picture: sequence to sequence, sequence to vector, vector to sequence, and encoder
    and decoder.

    Returns
    -------
    matplotlib.figure.Figure
    """
    none = [None] * 3
    panels = {
        "sequence to sequence": _aligned(3, none, none),
        "sequence to vector": _last_only(3, none, [None]),
        "vector to sequence": _from_vector(2, [None], none[:2]),
        "encoder and decoder": _reads_then_writes(none[:2], none[:2]),
    }
    height = 2 * ROW + 2 * MARGIN + LINE + 0.1
    ax = canvas(MAX_WIDTH, 2 * height)
    for i, (name, row) in enumerate(panels.items()):
        layout = _layout(row, narrowest=0.74)
        middle, bottom = MAX_WIDTH * (1 + 2 * (i % 2)) / 4, height * (1 - i // 2)
        shift = middle - layout.pitch * (len(row.columns) - 1) / 2 - layout.left
        _draw_row(ax, row, layout._replace(left=layout.left + shift, base=layout.base + bottom))
        write(ax, middle, bottom + height - 0.2, name, weight="bold")
    return ax.figure


ONE_TO_ONE = Row([Column("$x$", "$h$", "$y$")], [None], [None])


def _aligned(steps, below, above):
    return Row([Column(_symbol("x", t), _symbol("h", t), _symbol("y", t)) for t in _steps(steps)], below, above)


def _last_only(steps, below, above):
    columns = [Column(_symbol("x", t), _symbol("h", t), "$y$" if t == steps else None) for t in _steps(steps)]
    return Row(columns, below, [None] * (steps - 1) + above)


def _from_vector(steps, below, above):
    return Row([Column("$x$", "$h_0$", None), *_writing(steps)], below + [None] * steps, [None, *above])


def _reads_then_writes(below, above):
    columns = [Column(_symbol("x", t), _symbol("m", t), None) for t in _steps(len(below))]
    return Row(columns + _writing(len(above)), below + [None] * len(above), [None] * len(below) + above)


def _writing(steps):
    """Columns that read what the column before wrote; the first reads a start token."""
    return [
        Column("start" if t == 1 else _symbol("y", t - 1), _symbol("h", t), _symbol("y", t), feeds_back=t > 1)
        for t in _steps(steps)
    ]


def _steps(steps):
    return range(1, steps + 1)


def _symbol(name, t):
    return f"${name}_{{{t}}}$"


def _count(name, value, *labels, most=MOST_STEPS):
    """The number of steps: as given, or that of the first labels, or 3."""
    lengths = [len(checks.texts("labels", label)) for label in labels if label is not None]
    return checks.whole_number(name, (lengths or [min(3, most)])[0] if value is None else value, 1, most)


def _labels(name, value, count):
    return [None] * count if value is None else checks.texts(name, value, count)


def _one(name, value):
    return [None] if value is None else checks.texts(name, [value], 1)


def _layout(row, *, rows=2, under=0.0, narrowest=PITCH, side=0.0):
    """Give every column the room that the widest word needs; slant the words where there is not enough."""
    count, room = len(row.columns), MAX_WIDTH - 2 * MARGIN
    widest = [max(text_width(word or "") for word in words) for words in (row.below, row.above)]
    ends = max(MARGIN, min(max(widest), room / count) / 2 + 0.06) + side
    pitch = min(max(narrowest, max(widest) + 0.14), (MAX_WIDTH - 2 * ends) / max(count - 1, 1))
    slanted = [width > pitch - 0.1 if count > 1 else False for width in widest]
    hang = [0.72 * width + 0.22 if slant else LINE if width else 0 for width, slant in zip(widest, slanted)]
    base = MARGIN + hang[0] + under
    left = max(ends, max(widest) / 2 + 0.06 if count == 1 else 0, 0.72 * widest[0] + 0.1 if slanted[0] else 0)
    right = max(left if count == 1 else ends, 0.72 * widest[1] + 0.1 if slanted[1] else 0)
    pitch = min(pitch, (MAX_WIDTH - left - right) / max(count - 1, 1))
    width = left + (count - 1) * pitch + right
    return Layout(left, pitch, base, width, base + rows * ROW + MARGIN + hang[1], *slanted)


def _places(layout, count):
    return [layout.left + layout.pitch * i for i in range(count)]


def _draw(row, ax):
    layout = _layout(row)
    ax = canvas(layout.width, layout.height, ax)
    _draw_row(ax, row, layout)
    return ax


def _draw_row(ax, row, layout):
    before = written_before = None
    width = min(NODE, layout.pitch - 0.24)
    for column, x, (read, written) in zip(row.columns, _places(layout, len(row.columns)), _ends(ax, row, layout)):
        state = node(ax, "hidden", x, layout.base + ROW, column.state, width=width)
        if read:
            arrow(ax, [read.top, state.bottom], "input")
        if written:
            arrow(ax, [state.top, written.bottom], "hidden")
        if before:
            arrow(ax, [before.right, state.left], "hidden")
        if written_before and column.feeds_back:
            _feed_back(ax, written_before, read)
        before, written_before = state, written


def _feed_back(ax, written, read):
    """Draw the way from what was written to what is read at the next step."""
    middle = (written.right[0] + read.left[0]) / 2
    arrow(ax, [written.right, (middle, written.y), (middle, read.y), read.left], "output")


def _ends(ax, row, layout, rows=2):
    """Draw what is read and what is written at every step, with their words; return the nodes, or None for nothing."""
    size = min(NODE, layout.pitch - 0.24)
    ends = []
    for column, x, below, above in zip(row.columns, _places(layout, len(row.columns)), row.below, row.above):
        read = written = None
        if column.reads:
            read = node(ax, "input", x, layout.base, column.reads, width=size, height=size)
            _write_word(ax, *read.bottom, below, layout.slanted_below, -1)
        if column.writes:
            written = node(ax, "output", x, layout.base + rows * ROW, column.writes)
            _write_word(ax, *written.top, above, layout.slanted_above, 1)
        ends.append((read, written))
    return ends


def _write_word(ax, x, y, word, slanted, direction):
    """Write a word under (-1) or over (1) a node."""
    y += direction * TEXT_GAP
    if not word:
        return
    if slanted:
        ha, va = ("right", "top") if direction < 0 else ("left", "bottom")
        write(ax, x - 0.1 * direction, y, word, ha=ha, va=va, rotation=45, rotation_mode="anchor")
    else:
        write(ax, x, y + 0.1 * direction, word)


def _name_parts(ax, layout, reads, writes):
    write(ax, layout.left + layout.pitch * (reads - 1) / 2, 0.14, "encoder")
    write(ax, layout.left + layout.pitch * (reads + (writes - 1) / 2), 0.14, "decoder")
