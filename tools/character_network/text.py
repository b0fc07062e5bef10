"""The text that the network learns from, and how it reads any other."""

import unicodedata

import numpy as np

from rnn_course import data, language

WINDOW = 128  # characters of an example
PARTS = 0.85, 0.90  # where the validation part begins, and where the held-out part does
PLAIN = {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\xa0": " ", "\t": " ", "\r\n": "\n"}


def parts():
    """Return the text to train on, to choose by, and to be judged on: paragraphs, in the order in which they come."""
    return language.parts(data.prose(), *PARTS)


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
    cut = language.windows(codes, WINDOW, stride)
    return np.eye(len(alphabet), dtype="float32")[cut[:, :-1]], cut[:, 1:]


def encode(text, alphabet):
    return np.array([alphabet.index(c) for c in text], "int32")
