"""English prose for a language model of characters."""

import re

import numpy as np

from . import _check

_RULE = re.compile(r"\s*[*=\-~^\"#]{3,}\s*")
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\xa0": " "})


def prose():
    """About 270,000 characters of English technical prose: what Python's own `help()` says about the language.

    Returns
    -------
    str
        Some 1,200 to 1,350 paragraphs, one a line, in ASCII: letters, digits, punctuation, space and newline. The last
        line ends in a newline too.

    Notes
    -----
    All topics of the standard library's `pydoc_data.topics`, in sorted order of their keys, and of these what reads
    as prose: headings and the rules under them, code, grammar and tables are left out, lines are joined into
    paragraphs, runs of white space become one space, typographic quotation marks and dashes become plain ones, and
    a paragraph with any other character outside ASCII is left out. Many paragraphs stand under several topics; each
    is kept once, so that a part that is held out for testing is not seen in training.

    **The text differs from one Python version to the next**, in wording and in length (263,000 characters in Python
    3.10.13, 279,000 in 3.13.0), because it documents that version. Never compare losses to the last digit across
    versions, and build the `Vocabulary` from the text that you have.

    Written by the authors of the Python Language Reference and Library Reference; copyright Python Software
    Foundation, PSF License Version 2.
    """
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[key] for key in sorted(topics))
    paragraphs = map(_joined, re.split(r"\n\s*\n", text))
    once = dict.fromkeys(filter(_reads_as_prose, paragraphs))
    return "".join(paragraph + "\n" for paragraph in once)


def _joined(block):
    lines = [line for line in block.splitlines() if not _RULE.fullmatch(line)]
    return " ".join(" ".join(lines).translate(_PLAIN).split())


def _reads_as_prose(paragraph):
    words = paragraph.split()
    plain = sum(word.strip(".,;:()\"*'").isalpha() and word.islower() for word in words)
    ends = paragraph.endswith((".", ":", "!", "?", ")", '"'))
    return paragraph.isascii() and ends and len(words) >= 6 and plain > 0.6 * len(words)


def snippets(text, length, count, seed=0):
    """Pieces cut from a text at random places, to train or to prompt a language model with.

    Parameters
    ----------
    text : str
        What to cut from, such as `prose()`.
    length : int
        Characters in a piece.
    count : int
        How many pieces. They can overlap.
    seed : int
        The same seed cuts at the same places.

    Returns
    -------
    list of str
        `count` strings of `length` characters.

    Raises
    ------
    TypeError
        If `text` is not a string, or a number not an int.
    ValueError
        If `text` is shorter than `length`, or a number is out of range.
    """
    _check.string("text", text)
    length = _check.whole_number("length", length)
    count = _check.whole_number("count", count)
    if len(text) < length:
        raise ValueError(
            f"text must have at least length = {length} characters, got {len(text)}. "
            "Pass a longer text or a smaller length."
        )
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))
    starts = rng.integers(0, len(text) - length, size=count, endpoint=True)
    return [text[start : start + length] for start in starts]
