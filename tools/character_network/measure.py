"""How good the network is, and what its units hold."""

import bz2
import json
import lzma
import platform

import keras
import numpy as np
import onnx

from rnn_course.language import (
    balanced_accuracy,
    best_counts,
    best_threshold,
    bits_by_counts,
    bits_compressed,
    features,
    words,
)
from tools.character_network.files import write_json
from tools.character_network.network import Network
from tools.character_network.text import PLAIN, parts, read
from tools.character_network.train import load_model

SAMPLE = 4000  # characters of the held-out part that are kept beside the model, for the tests


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
