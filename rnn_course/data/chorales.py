"""Chorales by Johann Sebastian Bach, as numbers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _check

FILE = Path(__file__).with_suffix(".npz")
SPLITS = ("train", "valid", "test")


class Chorale(NamedTuple):
    """A piece for soprano, alto, tenor and bass, in steps of an eighth note.

    Attributes
    ----------
    name : str
        Its number in the catalog of Bach's works, such as "BWV 66.6".
    voices : numpy.ndarray
        Shape (T, 4), int32: in each step what soprano, alto, tenor and bass do. A MIDI pitch (60 is middle C, and 1 is
        a semitone) if a note starts; 0 if the one before goes on.
    upbeat : int
        How many steps stand before the first bar line. A bar has eight.
    """

    name: str
    voices: np.ndarray
    upbeat: int


def chorales(split="train"):
    """Chorales for four voices, in four-four time, transposed to C major or A minor.

    No melody is in two splits: chorales whose sopranos have twelve beats in a row in common, in any key and anywhere,
    are in the same one.

    Parameters
    ----------
    split : {"train", "valid", "test"}
        What to learn from, to choose with, and to judge by.

    Returns
    -------
    list of Chorale
        Sorted by their numbers in the catalog.

    Raises
    ------
    ValueError
        If `split` is none of the three.

    Notes
    -----
    Johann Sebastian Bach (1685 to 1750) wrote four-part settings of hymn tunes, most of them for his cantatas and
    passions. The scores come from the corpus that is installed with music21 (M. S. Cuthbert and C. Ariza, 2010,
    "music21: A Toolkit for Computer-Aided Musicology and Symbolic Music Data", ISMIR), where Bach's chorales are in
    the public domain; ``tools/chorales.py`` has made the file. Kept are those with exactly four parts and four-four
    time throughout. Each was moved from the key that music21 finds by at most six semitones. What is heard on each
    eighth was written down, so a sixteenth between two eighths is lost, about 1 note in 75; a rest, which is rare, is
    read as if the note before it went on. Two chorales are there in two versions.
    """
    _check.one_of("split", split, SPLITS)
    with np.load(FILE) as file:
        voices = np.split(file["voices"].astype("int32"), np.cumsum(file["lengths"])[:-1])
        rows = zip(file["names"].tolist(), voices, file["upbeats"].tolist(), file["splits"].tolist())
        return [Chorale(name, steps, upbeat) for name, steps, upbeat, where in rows if SPLITS[where] == split]


def sounding(voices):
    """Return which pitch is heard at each step, held notes included.

    Parameters
    ----------
    voices : array_like
        Shape (T, 4) or (T,), as in `Chorale`. A voice that has not started is 0.

    Returns
    -------
    numpy.ndarray
        The same shape, int32.
    """
    voices = np.asarray(voices, "int32")
    steps = np.arange(len(voices)).reshape(-1, *[1] * (voices.ndim - 1))
    latest = np.maximum.accumulate(np.where(voices > 0, steps, 0), axis=0)
    return np.take_along_axis(voices, latest, axis=0)
