"""The network of the page book/character-network.md: trained, written as an ONNX graph, measured and drawn.

    python -m tools.character_network train      # half an hour on one core; stopped, it goes on where it was
    python -m tools.character_network measure    # export and measure the trained model again
    python -m tools.character_network picture    # the static picture of the page

What they write is in book/_static/character-network: `model.keras` for Python, `model.onnx` for the page, and
`model.json`, which says what the network was trained on and how good it is.
"""

import argparse
import bz2
import io
import json
import lzma
import math
import os
import platform
import sys
import unicodedata
from datetime import date
from functools import cached_property

import numpy as np

from rnn_course.language import (
    balanced_accuracy,
    best_counts,
    best_threshold,
    bits_by_counts,
    bits_compressed,
    features,
    words,
)
from rnn_course.language import parts as cut_at
from rnn_course.language import windows as cut_into_windows
from tools.book import BOOK, ROOT

FOLDER = BOOK / "_static" / "character-network"
PICTURE = BOOK / "_static" / "explorables" / "character-network.png"
CHECKPOINTS = ROOT / "_build" / "character-network"

UNITS, WINDOW, BATCH, EPOCHS = 192, 128, 8, 20
PARTS = 0.85, 0.90  # where the validation part begins, and where the held-out part does
FEATURES = (
    "inside quotation marks",
    "after an underscore in a name",
    "inside a word",
    "in the first word",
    "inside brackets",
)
CLEAR = 0.8  # of the balanced accuracy
SAMPLE = 4000  # characters of the held-out part that are kept beside the model, for the tests
PLAIN = {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\xa0": " ", "\t": " ", "\r\n": "\n"}

OUTPUTS = "y", "h", "c", "f", "i", "o", "g"
VISIBLE = {" ": "␣", "\n": "⏎"}
SHOWN = 'The method "__init__()" is called by the built-in function "print" and by "__new__()", which re'

# One step: equations `lstm` of the book, and the softmax that reads h_t. H units, K characters.
GRAPH = """
<ir_version: 10, opset_import: ["" : 21]>
step (int32[1] x, float[1, H] h_before, float[1, H] c_before)
    => (float[1, K] y, float[1, H] h, float[1, H] c, float[1, H] f, float[1, H] i, float[1, H] o, float[1, H] g)
{
    # x is the number of a character: W_x times its one-hot vector is a row of W_x
    of_x = Gather (W_x, x)
    of_h = MatMul (h_before, W_h)
    of_both = Add (of_x, of_h)
    sums = Add (of_both, b)
    sum_i, sum_f, sum_g, sum_o = Split <axis = 1, num_outputs = 4> (sums)
    i = Sigmoid (sum_i)
    f = Sigmoid (sum_f)
    g = Tanh (sum_g)
    o = Sigmoid (sum_o)

    kept = Mul (f, c_before)
    written = Mul (i, g)
    c = Add (kept, written)
    squashed = Tanh (c)
    h = Mul (o, squashed)

    of_state = MatMul (h, W_y)
    scores = Add (of_state, b_y)
    y = Softmax <axis = 1> (scores)
}
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.character_network", description=__doc__.partition("\n")[0])
    parser.add_argument("do", choices=["train", "measure", "picture"])
    wanted = parser.parse_args(arguments).do
    if wanted == "train":
        train()
    if wanted != "picture":
        export(load_model())
        measure()
    picture()
    return 0


# ---- text ------------------------------------------------------------------------------------------------------------


def parts():
    """Return the text to train on, to choose by, and to be judged on: paragraphs, in the order in which they come."""
    from rnn_course import data

    return cut_at(data.prose(), *PARTS)


def read(text, alphabet):
    """Return ``text`` as the network reads it, and the characters, each once, that it does not know.

    Typographic signs become plain ones, and a letter with an accent that is not in the alphabet becomes the letter.
    What is still unknown then is left out.
    """
    for sign, plain in PLAIN.items():
        text = text.replace(sign, plain)
    pieces = [c if c in alphabet else without_accent(c) for c in text]
    known = [piece if piece and set(piece) <= set(alphabet) else "" for piece in pieces]
    return "".join(known), list(dict.fromkeys(c for c, piece in zip(text, known) if not piece))


def without_accent(character):
    return "".join(c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c)[0] != "M")


def windows(text, alphabet, stride):
    """Cut a text into windows; return its characters as one-hot vectors (N, T, K), and the next ones (N, T)."""
    codes = encode("\n" + read(text, alphabet)[0], alphabet)
    cut = cut_into_windows(codes, WINDOW, stride)
    return np.eye(len(alphabet), dtype="float32")[cut[:, :-1]], cut[:, 1:]


def encode(text, alphabet):
    return np.array([alphabet.index(c) for c in text], "int32")


# ---- the network -----------------------------------------------------------------------------------------------------


def train():
    """Train the network, and save it beside the one that is there before it takes its place."""
    import keras

    from rnn_course import data, layers, training

    learn, choose, _ = parts()
    alphabet = "".join(data.Vocabulary.of(learn).tokens[1:])  # without the padding
    examples = windows(learn, alphabet, stride=WINDOW // 2)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((None, len(alphabet))),
            layers.LSTM(UNITS, return_sequences=True, dropout=0.1),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(len(alphabet)),
        ]
    )
    updates = EPOCHS * math.ceil(len(examples[0]) / BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, updates * 19 // 20, warmup_target=0.004, warmup_steps=updates // 20
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.05), loss)
    training.fit(
        model,
        examples,
        epochs=EPOCHS,
        batch_size=BATCH,
        clip_norm=1.0,
        validation_data=windows(choose, alphabet, stride=WINDOW),
        checkpoints=CHECKPOINTS,
        verbose=2,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    beside = FOLDER / "beside.keras"
    trained = keras.models.clone_model(model)  # which is not compiled: the optimizer holds twice as much as the weights
    trained.set_weights(model.get_weights())
    trained.save(beside)
    os.replace(beside, FOLDER / "model.keras")
    about = {"alphabet": alphabet, "units": UNITS, "trained": date.today().isoformat()}
    write_json(about | {"python": platform.python_version()})


def load_model():
    import keras

    from rnn_course import layers  # noqa: F401 (the model's layer is registered there)

    return keras.saving.load_model(FOLDER / "model.keras", compile=False)


def export(model):
    """Write the trained weights and GRAPH as model.onnx."""
    import onnx
    import onnx.parser

    graph = onnx.parser.parse_model(GRAPH)
    for name, weight in zip(("W_x", "W_h", "b", "W_y", "b_y"), model.get_weights(), strict=True):
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(weight, "float32"), name))
    onnx.checker.check_model(graph, full_check=True)
    write(FOLDER / "model.onnx", graph.SerializeToString())


def write(path, content):
    """Write bytes beside a file, and then put them in its place."""
    beside = path.with_name(path.name + ".beside")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_json(about):
    write(FOLDER / "model.json", (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode())


class Network:
    """The exported network, run by onnxruntime as the page runs it.

    Attributes
    ----------
    about : dict
        What model.json says.
    alphabet : str
        The characters that it knows; the position of each is its number.
    """

    def __init__(self, folder=FOLDER):
        self.folder = folder
        self.about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.alphabet = self.about["alphabet"]

    @cached_property
    def session(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(self.folder / "model.onnx", options, providers=["CPUExecutionProvider"])

    def step(self, character, h, c):
        """Return y, h, c, f, i, o, g after one more character; each has one row."""
        inputs = {"x": encode(character, self.alphabet), "h_before": h, "c_before": c}
        return self.session.run(OUTPUTS, inputs)

    def steps(self, text):
        """Yield the outputs of a first step, which reads a new line, and of one for each character of ``text``."""
        h = c = np.zeros((1, self.about["units"]), "float32")
        for character in "\n" + text:
            outputs = self.step(character, h, c)
            _, h, c, *_ = outputs
            yield outputs

    def run(self, text):
        """Return the outputs by their names, each as an array with ``len(text) + 1`` rows."""
        return dict(zip(OUTPUTS, map(np.concatenate, zip(*self.steps(text)))))

    def bits(self, text):
        """Return -log2 of the probability that the network gave each character of ``text`` before it came."""
        y = self.run(text)["y"][:-1].astype("float64")
        return -np.log2(y[np.arange(len(text)), encode(text, self.alphabet)])

    def write(self, text, length, temperature, seed):
        """Return ``length`` characters with which the network goes on after ``text``, as the page draws them."""
        *_, (y, h, c, *_) = self.steps(text)
        written = ""
        while len(written) < length:
            u = uniform(seed, len(text) + len(written))
            written += self.alphabet[draw(y[0].astype("float64"), temperature, u)]
            y, h, c, *_ = self.step(written[-1], h, c)
        return written


def draw(y, temperature, u):
    """Return the first number whose share, added to those before it, exceeds ``u`` of the sum; a share is y^(1/T)."""
    shares = (y / y.max()) ** (1 / temperature)
    total = np.cumsum(shares)
    return int(np.argmax(total > u * total[-1]))


def uniform(seed, position):
    """Return a number from [0, 1) that follows from both alone, so that a pause changes nothing."""
    a = (seed * 0x9E3779B1 + position * 0x85EBCA77 + 1) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        a ^= a >> shift
        a = a * factor & 0xFFFFFFFF
    return a / 2**32


# ---- how good it is --------------------------------------------------------------------------------------------------


def measure():
    """Measure the exported network on text that it was not trained on, beside other methods; complete model.json."""
    network = Network()
    if network.about["python"] != platform.python_version():
        raise ValueError(f"The text is not that of Python {network.about['python']}, with which it was trained.")
    learn, choose, held_out = (read(part, network.alphabet)[0] for part in parts())
    order, counts = best_counts(learn, choose)
    sample = held_out[: held_out.index("\n", SAMPLE) + 1]
    bits = network.bits(held_out)
    measured = {
        "network": bits.mean(),
        "network_on_training_text": network.bits(learn[: len(held_out)]).mean(),
        "counts": bits_by_counts(counts, held_out, order),
        "lzma": bits_compressed(lambda t: lzma.compress(t, preset=9 | lzma.PRESET_EXTREME), learn, held_out),
        "bz2": bits_compressed(bz2.compress, learn, held_out),
        "letters_alone": bits_by_counts(counts, held_out, 0),
        "counts_going_on": bits_by_counts(counts, held_out, order, go_on=True),
    }
    import keras
    import onnx

    about = {name: network.about[name] for name in ("alphabet", "units", "trained", "python")}
    about |= {
        "weights": sum(w.size for w in load_model().get_weights()),
        "text": "pydoc_data.topics of Python's standard library, as rnn_course.data.prose() reads it",
        "copyright": "Python Software Foundation, PSF License Version 2",
        "versions": {"keras": keras.__version__, "onnx": onnx.__version__, "numpy": np.__version__},
        "characters": {"trained": len(learn), "chosen": len(choose), "held_out": len(held_out)},
        "excerpt": learn.splitlines()[:3],
        "plain": PLAIN,
        "counts_order": order,
        "bits_per_character": {name: round(float(value), 4) for name, value in measured.items()},
        "sample": {"text": sample, "bits_per_character": round(float(bits[: len(sample)].mean()), 4)},
        "known_words": {str(t): round(known_words(network, learn, t), 3) for t in (0.2, 0.5, 1.0, 1.5)},
        "units_found": units_found(network, choose, held_out),
    }
    write_json(about)
    print(json.dumps({k: about[k] for k in ("bits_per_character", "known_words", "units_found")}, indent=2))


def table(about):
    """Return the measurements as the table of the page."""
    bits = about["bits_per_character"]
    rows = {
        "how often each character occurs, and nothing else": "letters_alone",
        f"counts of what followed the last {about['counts_order']} characters": "counts",
        "**the network**": "network",
        "the same counts, if they go on counting": "counts_going_on",
        "the compressor `lzma`": "lzma",
        "the compressor `bz2`": "bz2",
        "the network, on text that it was trained on": "network_on_training_text",
    }
    head = ["| guessing by | bits per character |", "|---|---|"]
    order = sorted(rows.items(), key=lambda row: -bits[row[1]])
    return "\n".join([*head, *(f"| {who} | {bits[name]:.2f} |" for who, name in order)])


def known_words(network, learn, temperature):
    """Return the share of words that it writes which occur in the text that it learned from."""
    known = set(words(learn))
    written = [word for seed in range(1, 11) for word in words(network.write("The ", 300, temperature, seed))[:-1]]
    return float(np.mean([word in known for word in written]))


# ---- what its units hold ---------------------------------------------------------------------------------------------


def clear(units):
    """Return those of the `units_found` that are worth a button."""
    return [unit for unit in units if unit["balanced_accuracy"] > CLEAR]


def units_found(network, choose, held_out):
    """Return, for each of the `features`, the unit that follows it best on ``choose``, and how well elsewhere.

    A unit says that it holds when its value is beyond a threshold. Both are chosen for the highest balanced accuracy:
    the mean of the shares of right answers where it holds and where it does not.
    """
    ours, others = (network.run(text) for text in (choose, held_out))
    found = []
    for name, holds in features(choose).items():
        best = max(
            (*best_threshold(ours[quantity][1:, unit], holds), quantity, unit)
            for quantity in "ch"
            for unit in range(network.about["units"])
        )
        _, sign, threshold, quantity, unit = best
        says = sign * others[quantity][1:, unit] > sign * threshold
        found.append(
            {
                "name": name,
                "unit": unit,
                "quantity": quantity,
                "above": sign > 0,
                "threshold": round(float(threshold), 3),
                "balanced_accuracy": round(balanced_accuracy(says, features(held_out)[name]), 3),
            }
        )
    return found


# ---- the picture -----------------------------------------------------------------------------------------------------


def picture():
    """Draw what two units held while the network read SHOWN, and what it expected next."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    from rnn_course.drawing import use_style

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
    from matplotlib.patches import Rectangle

    from rnn_course.drawing import COLORS

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
    from rnn_course.drawing import COLORS

    likely = np.argsort(-y)[:most]
    bars = ax.bar(range(most), 100 * y[likely], color=COLORS["output"])
    ax.bar_label(bars, fmt="%.0f")
    ax.set_xticks(range(most), [VISIBLE.get(alphabet[k], alphabet[k]) for k in likely], family="monospace")
    ax.set(ylabel="percent", ylim=(0, 1.3 * 100 * y.max()))
    ax.set_title("What it expects next", loc="left")


if __name__ == "__main__":
    sys.exit(main())
