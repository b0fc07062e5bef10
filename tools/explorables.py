"""Draw the pictures that stand where a page's script puts something to try: book/_static/explorables/NAME.png.

    python -m tools.explorables

Their numbers come from the package, in float64; tests/site/test_explorables.py holds the scripts' numbers against them.
"""

import sys
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.special import logit

from rnn_course import cells, drawing, gradients, layers
from rnn_course.drawing import parts
from tools.book import BOOK

FOLDER = BOOK / "_static" / "explorables"

# what the page begins with, as in the scripts
NEURON = {"W_x": 0.8, "W_h": 0.5, "b": 0.1, "inputs": (1, -0.5, 0.5, 0, -1)}
WAVE = (0, 0.7, 1, 0.7, 0, -0.7, -1, -0.7)
STEPS_OF_GRADIENT = 51
CANDIDATES = (0.8, -0.4, 0.6, 0.5, -0.3, 0.7, -0.6, 0.4, 0.9, -0.5, 0.3, -0.7)
LEAK = 0.02
REMEMBER = {"f": [True] * 12, "i": [True] + [False] * 11, "o": [False] * 11 + [True]}


def main():
    mpl.use("agg")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        save(draw(), FOLDER / f"{name}.png")
    return 0


def save(figure, path):
    """Save a figure as a small file, which is the same for the same figure."""
    figure.savefig(drawn := BytesIO(), dpi=200)
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True)
    plt.close(figure)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def neuron_states(W_x, W_h, b, inputs):
    """Return h_1 … h_T of a simple cell with one unit."""
    cell = cells.SimpleRNNCell(1, dtype="float64")
    states, weights = (np.zeros((1, 1)),), (np.array([[W_h]], "float64"), np.array([b], "float64"))
    found = []
    for x in inputs:
        states, _ = cell.step(np.array([[W_x * x]], "float64"), states, weights)
        found.append(float(states[0][0, 0]))
    return found


def gradient_by_lag(W_h, size, activation="tanh"):
    """Return |∂h_T/∂h_{T-k}| for k = 0 … 50, of one unit that reads the wave, times ``size``."""
    x = size * np.resize(np.array(WAVE, "float64"), (1, STEPS_OF_GRADIENT, 1))
    layer = layers.SimpleRNN(1, activation=activation, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([np.ones((1, 1)), np.array([[W_h]]), np.zeros(1)])
    return gradients.norm_by_lag(layer, x)[0]


def lstm_states(f, i, o, g):
    """Return c_1 … c_T and h_1 … h_T of an LSTM cell with one unit, whose gates and candidates take these values."""
    cell = cells.LSTMCell(1, dtype="float64")
    states, weights = (np.zeros((1, 1)), np.zeros((1, 1))), (np.zeros((1, 4)), np.zeros(4))
    with np.errstate(divide="ignore"):  # a gate of 0 comes from a sum of minus infinity
        sums = np.stack([logit(i), logit(f), np.arctanh(g), logit(o)], axis=-1)
    h, c = [], []
    for row in sums:
        states, _ = cell.step(row[None], states, weights)
        for found, state in zip((h, c), states):
            found.append(float(state[0, 0]))
    return c, h


def levels(opened, leak=LEAK):
    """Return a gate's values from whether it is open."""
    return np.where(opened, 1 - leak, leak)


# ---- pictures --------------------------------------------------------------------------------------------------------


def unrolled_neuron():
    drawing.use_style()
    states = neuron_states(**NEURON)
    ax = parts.canvas(6.0, 1.75)
    last = parts.write(ax, 0.25, 1.3, "$h_0$\n0")
    before = (0.42, 1.3)
    for t, (x, h) in enumerate(zip(NEURON["inputs"], states), start=1):
        middle = 1.05 + (t - 1) * 1.06
        state = parts.node(ax, "hidden", middle, 1.3, width=0.72, height=0.6)
        given = parts.node(ax, "input", middle, 0.4, width=0.72, height=0.66)
        parts.write(ax, middle, 1.3, f"$h_{t}$\n{shown(h, 3)}", linespacing=1.1)
        parts.write(ax, middle, 0.4, f"$x_{t}$\n{shown(x)}", linespacing=1.1)
        parts.arrow(ax, [before, state.left], "hidden")
        parts.arrow(ax, [given.top, state.bottom], "input")
        parts.weight_label(ax, middle + 0.07, 0.87, "$W_x$")
        parts.weight_label(ax, (before[0] + state.left[0]) / 2, 1.5, "$W_h$", ha="center")
        before = state.right
    return last.figure


def shown(value, digits=None):
    text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
    return text.replace("-", "−")


def gradient_lag():
    drawing.use_style()
    figure, ax = plt.subplots(figsize=(6, 3.4))
    ax.axhspan(0.01, 100, color="0.9", linewidth=0)
    for W_h, size in ((1.1, 0), (1, 0), (0.9, 0), (1.1, 1)):
        ax.semilogy(gradient_by_lag(W_h, size), label=f"$W_h$ = {W_h}, inputs {'of size 1' if size else 'zero'}")
    ax.set(xlabel="lag $k$ (steps back)", ylabel="gradient", xlim=(0, 50), ylim=(1e-12, 1e4))
    ax.legend(loc="lower left")
    return figure


def lstm_gates():
    drawing.use_style()
    f, i, o = (levels(REMEMBER[name]) for name in "fio")
    c, h = lstm_states(f, i, o, CANDIDATES)
    heights = {"height_ratios": (3, 2, 2, 2)}
    figure, (roll, *charts) = plt.subplots(4, 1, figsize=(6, 4), sharex=True, gridspec_kw=heights)
    draw_roll(roll, REMEMBER)
    for ax, name, values in zip(charts, "gch", (CANDIDATES, c, h)):
        draw_bars(ax, name, np.array(values), low=-1.05 if name == "g" else -0.2)
    for ax, values, step in ((charts[1], c, 1), (charts[1], c, 12), (charts[2], h, 12)):
        ax.text(step, values[step - 1] + 0.06, shown(values[step - 1], 3), ha="center")
    charts[-1].set(xlabel="step $t$", xticks=range(1, 13))
    return figure


def draw_roll(ax, gates):
    for row, opened in enumerate(gates.values()):
        for t, is_open in enumerate(opened, start=1):
            face, ink, sign = ("black", "white", "○") if is_open else ("white", "black", "–")
            ax.add_patch(plt.Rectangle((t - 0.45, row - 0.42), 0.9, 0.84, facecolor=face, edgecolor="black"))
            ax.text(t, row, sign, color=ink, ha="center", va="center")
    ax.set(ylim=(2.6, -0.6), xlim=(0.4, 12.6), yticks=range(3))
    ax.set_yticklabels(["$f_t$ keeps", "$i_t$ writes", "$o_t$ shows"])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def draw_bars(ax, name, values, low):
    colors = np.where(values < 0, drawing.COLORS["input"], drawing.COLORS["hidden"])
    ax.bar(np.arange(1, len(values) + 1), values, width=0.76, color=colors)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(ylim=(low, 1.05), yticks=[0])
    ax.set_yticklabels([f"${name}_t$"])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


PICTURES = {"unrolled-neuron": unrolled_neuron, "gradient-lag": gradient_lag, "lstm-gates": lstm_gates}

if __name__ == "__main__":
    sys.exit(main())
