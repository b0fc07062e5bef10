"""The parts of every diagram: nodes, arrows, labels.

One unit of a diagram is one inch, so that a node has room for its text in every diagram.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from rnn_course.drawing.style import COLORS, FONT_SIZE, INK, LINE_WIDTH, MATH_FONT, PAPER, SYMBOL_SIZE, tint

NODE = 0.48
OPERATION = 0.3
CORNER = 0.1
TEXT_GAP = 0.06

ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
}


class Node(NamedTuple):
    """A drawn node: its center, its size, and the points where arrows meet it (inches)."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self):
        return self.x - self.width / 2, self.y

    @property
    def right(self):
        return self.x + self.width / 2, self.y

    @property
    def top(self):
        return self.x, self.y + self.height / 2

    @property
    def bottom(self):
        return self.x, self.y - self.height / 2


def canvas(width, height, ax=None):
    """Prepare an Axes of `width` x `height` inches, without spines, on white.

    Parameters
    ----------
    width, height : float
        Size in inches; also the limits of the two axes.
    ax : matplotlib.axes.Axes, optional
        Draw here, scaled to fit. Default: a new figure of exactly this size.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `ax` is not an Axes.
    """
    if ax is None:
        ax = plt.figure(figsize=(width, height), facecolor=PAPER, layout="none").add_axes((0, 0, 1, 1))
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {ax!r}: pass one of plt.subplots()'s axes.")
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return ax


def node(ax, role, x, y, text="", *, width=None, height=None, color=None, fill=None):
    """Draw a node in the shape and color of its role.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        A `canvas`.
    role : str
        "input", "hidden", "output", "weights" or "operation".
    x, y : float
        Centre, in inches.
    text : str
        Text inside.
    width, height : float, optional
        Size in inches. Default: the size of the role.
    color, fill : str, optional
        Colors of outline and inside. Default: the role's.

    Returns
    -------
    Node
    """
    standard = _SIZES[role]
    drawn = Node(x, y, width or standard[0], height or standard[1])
    patch = _SHAPES[role](drawn)
    patch.set(facecolor=fill or tint(role), edgecolor=color or COLORS[role], linewidth=LINE_WIDTH, zorder=2)
    ax.add_patch(patch)
    if text:
        write(ax, x, y, text, size=SYMBOL_SIZE if "$" in text else FONT_SIZE)
    return drawn


def activation(ax, x, y, name):
    """Draw an activation function: a box with its curve over its name.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        A `canvas`.
    x, y : float
        Centre, in inches.
    name : str
        A key of `ACTIVATIONS`, or a short text that is shown alone, such as "$\\varphi$".

    Returns
    -------
    Node
    """
    box = Node(x, y, 0.8, 0.74) if name in ACTIVATIONS else Node(x, y, 0.5, 0.5)
    patch = _rounded_box(box)
    patch.set(facecolor=tint("operation"), edgecolor=COLORS["operation"], linewidth=LINE_WIDTH, zorder=2)
    ax.add_patch(patch)
    if name not in ACTIVATIONS:
        write(ax, x, y, name, size=SYMBOL_SIZE)
        return box
    _curve(ax, x, y + 0.15, ACTIVATIONS[name])
    write(ax, x, y - 0.2, name)
    return box


def layer_box(ax, x, y, text="", *, width, height):
    """Draw a neutral box that stands for a layer or a delay, with dashed outline; return the `Node`."""
    box = Node(x, y, width, height)
    patch = _rounded_box(box)
    patch.set(facecolor=PAPER, edgecolor=COLORS["operation"], linewidth=LINE_WIDTH, linestyle="--", zorder=0.5)
    ax.add_patch(patch)
    write(ax, x, y, text)
    return box


def operation(ax, x, y, sign):
    """Draw an operation on its inputs: "$\\times$", "$+$" in a small circle; return the `Node`."""
    return node(ax, "operation", x, y, sign)


def arrow(ax, points, role=None, *, head=True, color=None, zorder=1, dashed=False):
    """Draw an arrow through points, with rounded corners.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        A `canvas`.
    points : sequence of (float, float)
        Start, corners and end, in inches.
    role : str, optional
        The role of what the arrow carries: its color. Default: black.
    head : bool
        Whether the end has a head.
    color : str, optional
        Overrides the role's color.
    zorder : float
        What covers what: the default is under the nodes (2) and the texts (4), over the layer boxes (0.5).
    dashed : bool
        Whether the line is dashed, as for derivatives on their way back.
    """
    ax.add_patch(
        FancyArrowPatch(
            path=_rounded_path(points),
            arrowstyle="-|>,head_length=0.45,head_width=0.22" if head else "-",
            mutation_scale=14,
            color=color or COLORS.get(role, INK),
            linewidth=LINE_WIDTH,
            linestyle=(0, (2, 1)) if dashed else "-",
            fill=head,
            zorder=zorder,
        )
    )


def write(ax, x, y, text, *, size=FONT_SIZE, color=INK, ha="center", va="center_baseline", **options):
    """Write text at a point (inches), in the fonts of the book; return the `Text`."""
    va = "center" if va == "center_baseline" and "\n" in text else va
    return ax.text(x, y, text, size=size, color=color, ha=ha, va=va, math_fontfamily=MATH_FONT, zorder=4, **options)


def weight_label(ax, x, y, text, *, ha="left", va="center_baseline"):
    """Write the name of weights beside the arrow that they belong to."""
    return write(ax, x, y, text, size=SYMBOL_SIZE, color=COLORS["weights"], ha=ha, va=va)


def text_width(text, size=FONT_SIZE):
    """Return the width of a text in inches, before it is drawn."""
    font = FontProperties(math_fontfamily=MATH_FONT)
    return TextPath((0, 0), text, size=size, prop=font).get_extents().width / 72 if text.strip() else 0.0


def _curve(ax, x, y, function, half_width=0.28, half_height=0.14):
    """Draw a function from -4 to 4, and its two axes: they tell tanh from sigmoid."""
    inputs = np.linspace(-4, 4, 81)
    heights, low, high = function(inputs), function(-4.0), function(4.0)
    across = x + inputs / 4 * half_width
    up = y + (2 * (heights - low) / (high - low) - 1) * half_height
    zero = y + (2 * (0 - low) / (high - low) - 1) * half_height
    axes = {"color": COLORS["operation"], "linestyle": "-", "linewidth": 0.7, "zorder": 3}
    ax.plot([across[0], across[-1]], [zero, zero], **axes)
    ax.plot([x, x], [y - half_height, y + half_height], **axes)
    ax.plot(across, up, color=INK, linestyle="-", linewidth=LINE_WIDTH, zorder=3)


def _ellipse(at):
    return Ellipse((at.x, at.y), at.width, at.height)


def _rounded_box(at):
    corner = (at.x - at.width / 2, at.y - at.height / 2)
    return FancyBboxPatch(corner, at.width, at.height, boxstyle=f"round,pad=0,rounding_size={CORNER}")


def _diamond(at):
    return Polygon([at.left, at.top, at.right, at.bottom])


def _rectangle(at):
    return Rectangle((at.x - at.width / 2, at.y - at.height / 2), at.width, at.height)


def _rounded_path(points):
    points = np.asarray(points, dtype=float)
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:]):
        vertices += [_toward(corner, before), corner, _toward(corner, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def _toward(start, end):
    distance = np.linalg.norm(end - start)
    return start + (end - start) * min(CORNER, distance / 2) / distance


_SHAPES = {
    "input": _ellipse,
    "hidden": _rounded_box,
    "output": _diamond,
    "weights": _rectangle,
    "operation": _ellipse,
}
_SIZES = {
    "input": (NODE, NODE),
    "hidden": (NODE, NODE),
    "output": (NODE + 0.1, NODE + 0.1),
    "weights": (0.42, 0.36),
    "operation": (OPERATION, OPERATION),
}
