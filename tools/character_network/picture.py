"""The static picture of the page: what two units held, and what the network expected next."""

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from rnn_course.drawing import COLORS, use_style
from tools.book import BOOK
from tools.character_network.files import clear, write
from tools.character_network.network import Network

PICTURE = BOOK / "_static" / "explorables" / "character-network.png"
VISIBLE = {" ": "␣", "\n": "⏎"}
SHOWN = 'The method "__init__()" is called by the built-in function "print" and by "__new__()", which re'


def picture():
    """Draw what two units held while the network read SHOWN, and what it expected next."""
    matplotlib.use("agg")
    use_style()
    network = Network()
    outputs = network.run(SHOWN)
    figure, axes = plt.subplots(3, 1, figsize=(6, 4.4), height_ratios=(2, 2, 1.5))
    for ax, unit in zip(axes[:2], clear(network.about["units_found"])):
        quantity, number = unit["quantity"], unit["unit"]
        ax.set_title(f"Unit {number}, ${quantity}_t$: {unit['name']}", loc="left")
        draw_over_text(ax, SHOWN, outputs[quantity][1:, number])
    draw_odds(axes[2], outputs["y"][-1], network.alphabet)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=160)
    plt.close(figure)
    few_colors = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(128).save(few_colors, "PNG", optimize=True)
    write(PICTURE, few_colors.getvalue())


def draw_over_text(ax, text, values, columns=54):
    """Write a text, each character on a shade and over a bar that show its value."""
    reach = max(1, np.abs(values).max())
    for at, (character, value) in enumerate(zip(text, values)):
        x, y = at % columns, -3 * (at // columns)
        color = COLORS["hidden" if value > 0 else "input"]
        ax.add_patch(Rectangle((x, y), 1, 1, color=color, alpha=0.5 * abs(value) / reach, linewidth=0))
        ax.add_patch(Rectangle((x + 0.1, y - 0.75), 0.8, 0.65 * value / reach, color=color, linewidth=0))
        ax.text(
            x + 0.5, y + 0.5, VISIBLE.get(character, character), family="monospace", ha="center", va="center_baseline"
        )
    for line in range(-(-len(text) // columns)):
        ax.axhline(-3 * line - 0.75, color="0.4", linewidth=0.6)
    ax.set(xlim=(0, columns), ylim=(y - 1.6, 1.1))
    ax.set_axis_off()


def draw_odds(ax, y, alphabet, most=8):
    """Draw the probabilities of the most likely next characters."""
    likely = np.argsort(-y)[:most]
    bars = ax.bar(range(most), 100 * y[likely], color=COLORS["output"])
    ax.bar_label(bars, fmt="%.0f")
    ax.set_xticks(range(most), [VISIBLE.get(alphabet[k], alphabet[k]) for k in likely], family="monospace")
    ax.set(ylabel="percent", ylim=(0, 1.3 * 100 * y.max()))
    ax.set_title("What it expects next", loc="left")
