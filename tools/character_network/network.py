"""The exported network, run as the page runs it."""

import json
from functools import cached_property

import numpy as np
import onnxruntime

from tools.character_network.files import FOLDER
from tools.character_network.text import encode

OUTPUTS = "y", "h", "c", "f", "i", "o", "g"


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
