"""Heat maps of what a network holds at every time step."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.ticker import MaxNLocator

from rnn_course.drawing import checks
from rnn_course.drawing.parts import text_width
from rnn_course.drawing.style import COLORS, FONT_SIZE, MAX_WIDTH, PAPER

DIVERGING = LinearSegmentedColormap.from_list("negative_positive", [COLORS["input"], PAPER, COLORS["hidden"]])
NOTHING = "#BDBDBD"
TEXT_HEIGHT = 0.19


def heat_map(values, *, rows=None, columns=None, label="hidden state", limits=(-1, 1), title=None, ax=None):
    """Draw values over time as colors: white is 0, blue is negative, vermilion is positive.

    Parameters
    ----------
    values : array_like of shape (T, H)
        One row a time step, one column a unit. Time goes to the right, units go down. NaN is grey.
    rows : sequence of str, optional
        H labels of the units. Default: unit numbers from 1.
    columns : sequence of str, optional
        T labels of the steps, such as words or characters; turned, or thinned out (those with a
        tick mark stay), only where they would touch. Default: step numbers from 1.
    label : str
        What the colors show: the label of the color bar.
    limits : (float, float)
        The values of the two darkest colors, with 0 between them or at an end; values beyond look the same.
    title : str, optional
        Shown above.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, 6 inches wide.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above; the message names it.
    """
    values = checks.array("values", values, ("T", "H"))
    steps, units = values.shape
    rows = None if rows is None else checks.texts("rows", rows, units, longest=24)
    columns = None if columns is None else checks.texts("columns", columns, steps, longest=24)
    low, high = _limits(limits)
    if ax is None:
        height = float(np.clip(1.3 + 0.2 * units, 2.2, 5.0))
        ax = plt.figure(figsize=(MAX_WIDTH, height), facecolor=PAPER, layout="constrained").add_subplot()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {ax!r}: pass one of plt.subplots()'s axes.")

    image = ax.imshow(values.T, cmap=_colors(low, high), vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02, fraction=0.06)
    bar.set_label(label, size=FONT_SIZE)
    bar.ax.tick_params(labelsize=FONT_SIZE)
    ax.tick_params(labelsize=FONT_SIZE, length=0 if columns or rows else 3)
    ax.spines[:].set_visible(True)
    if title:
        ax.set_title(title, fontsize=FONT_SIZE + 1)
    _name_rows(ax, rows, units)
    _name_columns(ax, columns, steps)
    return ax


def _limits(limits):
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError):
        raise TypeError(f"limits must be two numbers (low, high), got {limits!r}: pass, say, (-1, 1).") from None
    if not low <= 0 <= high or not low < high or not np.isfinite([low, high]).all():
        raise ValueError(f"limits must be low <= 0 <= high, low < high, got {limits!r}: 0 is the white in the middle.")
    return low, high


def _colors(low, high):
    """Cut the colors so that 0 is white, even if the limits are not symmetric."""
    bound = max(-low, high)
    colors = ListedColormap(DIVERGING(0.5 + np.linspace(low, high, 256) / bound / 2))
    return colors.with_extremes(bad=NOTHING)


def _name_rows(ax, rows, units):
    if rows is None:
        ax.set_ylabel("unit", size=FONT_SIZE)
        _count(ax.yaxis, units)
        return
    ax.set_yticks(range(units), rows)
    every = _every(ax.get_window_extent().height / ax.figure.dpi * 0.8 / units, TEXT_HEIGHT)
    ax.set_yticks(range(0, units, every), rows[::every])


def _name_columns(ax, columns, steps):
    if columns is None:
        ax.set_xlabel("time step", size=FONT_SIZE)
        _count(ax.xaxis, steps)
        return
    ax.set_xticks([])
    ax.figure.draw_without_rendering()  # only now does the layout know how wide a column is
    pitch = ax.get_window_extent().width / ax.figure.dpi / steps
    upright, turned = _every(pitch, max(map(text_width, columns)) + 0.05), _every(pitch, TEXT_HEIGHT)
    every = min(upright, turned)
    ax.set_xticks(range(0, steps, every), columns[::every], rotation=0 if upright <= turned else 90)
    ax.tick_params(axis="x", length=0 if every == 1 else 3)


def _every(pitch, needed):
    return int(np.ceil(needed / pitch))


def _count(axis, count):
    """Number cells from 1, as the book numbers time steps."""
    ticks = MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]).tick_values(1, count)
    ticks = sorted({1, *(int(tick) for tick in ticks if 1 < tick <= count)})
    axis.set_ticks([tick - 1 for tick in ticks], [str(tick) for tick in ticks])
