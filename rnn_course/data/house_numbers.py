"""Handwritten numbers, spelled out."""

import numpy as np

from . import _check
from .digits import digits as handwriting

_HEIGHT, _DIGIT = 12, 8
_LENGTHS = {1: 0.15, 2: 0.35, 3: 0.5}  # how often a number has so many digits
_HELD_OUT = frozenset(np.random.default_rng(0).choice(np.arange(10, 1000), 198, replace=False).tolist())
_SPLITS = ("train", "test", "new numbers")

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def house_numbers(count, seed=0, split="train", digits=3):
    """Small images of handwritten numbers up to 999, each with the number in words: "four hundred seventy-two".

    One, two or three handwritten digits stand side by side. Where the number begins, how high each digit stands, the
    gaps between them and the strength of the ink vary, and the paper is a bit noisy.

    Parameters
    ----------
    count : int
        How many images, N.
    seed : int
        The same seed gives the same images in the same order. Those of different splits differ for every seed.
    split : {"train", "test", "new numbers"}
        "train" and "test" have the same numbers, but no handwritten digit of "test" is in "train". In "new numbers" the
        digits are those of "test", and the numbers, a fifth of those from 10 to 999, are in neither of the others.
    digits : {3, 2}
        How many digits a number has at most.

    Returns
    -------
    images : numpy.ndarray
        Shape (N, 12, 32), or (N, 12, 24) for two digits, float32: from 0 (paper) to 1 (ink).
    names : list of str
        N numbers in words, American English, lower case.
    lefts : numpy.ndarray
        Shape (N, 3) or (N, 2), int64: the column in which each digit's 8 columns begin; -1 where there is no digit.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is below 1, `seed` below 0, or `split` or `digits` is not one of those named.

    Notes
    -----
    The digits are those of `rnn_course.data.digits`, in its default split, which is by image: the same 13 people wrote
    both parts.
    """
    count = _check.whole_number("count", count)
    seed = _check.whole_number("seed", seed, least=0)
    split = _SPLITS.index(_check.one_of("split", split, _SPLITS))
    digits = _check.one_of("digits", digits, (3, 2))
    rng = np.random.default_rng([seed, split])
    train, test = handwriting()
    written, labels = test if split else train
    written_as = [written[labels == digit] for digit in range(10)]
    numbers = {
        length: [n for n in range(1000) if len(str(n)) == length and (n in _HELD_OUT) == (split == 2)]
        for length in range(1, digits + 1)
    }
    possible = [length for length in numbers if numbers[length]]
    shares = np.array([_LENGTHS[length] for length in possible])

    chosen = [int(rng.choice(numbers[length])) for length in rng.choice(possible, count, p=shares / shares.sum())]
    drawn = [_draw(rng, [rng.choice(written_as[int(digit)]) for digit in str(number)], digits) for number in chosen]
    return np.stack([image for image, _ in drawn]), [spelled(n) for n in chosen], np.stack([left for _, left in drawn])


def _draw(rng, written, most):
    """One image with room for `most` digits, and the column in which each digit begins."""
    width = _DIGIT * (most + 1)
    widths = _DIGIT + rng.integers(-1, 3, len(written))  # most digits have an empty column at an edge
    lefts = rng.integers(width - _DIGIT + 1 - widths[1:].sum()) + np.cumsum([0, *widths[1:]])
    image = np.zeros((_HEIGHT, width))
    for digit, left in zip(written, lefts):
        place = np.s_[(top := rng.integers(_HEIGHT - _DIGIT + 1)) : top + _DIGIT, left : left + _DIGIT]
        image[place] = np.maximum(image[place], digit)
    image = image * rng.uniform(0.8, 1) + rng.normal(0, 0.03, image.shape)
    padded = np.pad(lefts, (0, most - len(lefts)), constant_values=-1)
    return np.clip(image, 0, 1).astype(np.float32), padded


def spelled(number):
    """A number in words: 472 is "four hundred seventy-two".

    Parameters
    ----------
    number : int
        From 0 to 999.

    Returns
    -------
    str
        American English, lower case.

    Raises
    ------
    TypeError
        If `number` is not an int.
    ValueError
        If it is out of range.
    """
    number = _check.whole_number("number", number, least=0, most=999)
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {spelled(rest)}" if rest else "")
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
