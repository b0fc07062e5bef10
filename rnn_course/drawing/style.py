"""The look that all pictures share: colors, fonts, line widths."""

import sys
from types import MappingProxyType

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import to_hex, to_rgb

# Okabe and Ito's color-blind-safe palette; purple is darker, to be read as text, and not taken for grey.
COLORS = MappingProxyType(
    {
        "input": "#0072B2",
        "hidden": "#D55E00",
        "output": "#009E73",
        "weights": "#8F3A6B",
        "operation": "#333333",
    }
)
INK = "#000000"
PAPER = "#FFFFFF"

FONT_SIZE = 11
SYMBOL_SIZE = 13
MATH_FONT = "stix"
LINE_WIDTH = 1.6
MAX_WIDTH = 6.0

_CURVES = ["#0072B2", "#D55E00", "#009E73", "#8F3A6B", "#E69F00", "#000000"]
_DASHES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1))]


def use_style():
    """Give every later matplotlib figure the look of the book.

    Sets `matplotlib.rcParams`: 11-point text, white faces, no top and right spines, curves that differ in
    color and in dashes, figures of 6 x 3.4 inches, constrained layout. In a notebook, pictures become sharp
    on high-density screens, too; anywhere else, that step is skipped.
    """
    mpl.rcParams.update(
        {
            "font.size": FONT_SIZE,
            "axes.titlesize": FONT_SIZE + 1,
            "axes.labelsize": FONT_SIZE,
            "xtick.labelsize": FONT_SIZE,
            "ytick.labelsize": FONT_SIZE,
            "legend.fontsize": FONT_SIZE,
            "legend.frameon": False,
            "mathtext.fontset": MATH_FONT,
            "figure.figsize": (MAX_WIDTH, 3.4),
            "figure.facecolor": PAPER,
            "figure.constrained_layout.use": True,
            "axes.facecolor": PAPER,
            "savefig.facecolor": PAPER,
            "savefig.transparent": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 1.0,
            "lines.linewidth": LINE_WIDTH + 0.2,
            "axes.prop_cycle": cycler(color=_CURVES) + cycler(linestyle=_DASHES),
        }
    )
    _sharpen_notebook_pictures()


def tint(role, strength=0.16):
    """Return the pale fill that goes with a role's color.

    Parameters
    ----------
    role : str
        A key of `COLORS`.
    strength : float
        Share of the color; the rest is white.

    Returns
    -------
    str
        The color as ``#rrggbb``.
    """
    return to_hex([1 - strength * (1 - channel) for channel in to_rgb(COLORS[role])])


def _sharpen_notebook_pictures():
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("retina")
