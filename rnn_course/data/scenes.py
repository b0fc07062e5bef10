"""Drawn scenes of one or two shapes, with captions."""

import itertools

import numpy as np

from . import _check

_SIDE = 24
_SIZES = {"small": (2.5, 3.2), "large": (4.3, 5.0)}  # radius in pixels, from and to
_COLORS = {"red": (0.85, 0.15, 0.1), "green": (0.1, 0.6, 0.2), "blue": (0.1, 0.25, 0.85), "yellow": (0.9, 0.75, 0.1)}
_SHAPES = {
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) <= 0.9,
    "triangle": lambda x, y: (y <= 0.8) & (2 * abs(x) <= y + 1),
    "cross": lambda x, y: (np.minimum(abs(x), abs(y)) <= 0.3) & (np.maximum(abs(x), abs(y)) <= 1),
}
_SPLITS = ("train", "test", "new combinations")


def scenes(count, seed=0, split="train"):
    """Small color images of drawn scenes, each with the one caption that fits it.

    A scene has one shape, or (three times in four) two beside or above each other: "a large red circle",
    "a large red circle left of a small blue square". A shape is small or large, has one of four colors and is a
    circle, a square, a triangle or a cross. The caption names the larger shape first; of two that are equally
    large, the left or the upper one. Sizes, places and colors vary a little, and the image is noisy, so no two
    images are the same.

    Parameters
    ----------
    count : int
        How many scenes, N.
    seed : int
        The same seed gives the same scenes in the same order. Those of different splits differ for every seed.
    split : {"train", "test", "new combinations"}
        "train" and "test" draw from the same scenes. Four pairs of a color and a shape never occur in them: the red
        circle, the green square, the blue triangle and the yellow cross. In "new combinations" every shape is one
        of those four; in training there are things of its color, and things of its shape.

    Returns
    -------
    images : numpy.ndarray
        Shape (N, 24, 24, 3), float32: red, green and blue from 0 to 1.
    captions : list of str
        N captions of 4 to 10 words, lower case.

    Raises
    ------
    TypeError
        If `count` or `seed` is not an int.
    ValueError
        If `count` is below 1, `seed` below 0, or `split` another word.

    Notes
    -----
    Drawn and described by a grammar written for this course.
    """
    count = _check.whole_number("count", count)
    seed = _check.whole_number("seed", seed, least=0)
    split = _SPLITS.index(_check.one_of("split", split, _SPLITS))
    rng = np.random.default_rng([seed, split])
    kinds = [kind for kind in itertools.product(_SIZES, _COLORS, _SHAPES) if _is_new(kind) == (split == 2)]

    drawn = [_scene(rng, kinds) for _ in range(count)]
    return np.stack([image for image, _ in drawn]), [caption for _, caption in drawn]


def _is_new(kind):
    _, color, shape = kind
    return list(_COLORS).index(color) == list(_SHAPES).index(shape)


def _scene(rng, kinds):
    """One image and its caption."""
    things = [kinds[number] for number in rng.integers(len(kinds), size=rng.choice([1, 2], p=[0.25, 0.75]))]
    side_by_side = rng.random() < 0.5
    image = np.ones((_SIDE, _SIDE, 3))
    for place, thing in enumerate(things):
        along = rng.uniform(6, 6.6) if place == 0 else rng.uniform(17.4, 18)
        across = rng.uniform(8, 16)
        if len(things) == 1:
            along = rng.uniform(8, 16)
        _draw(image, rng, thing, *((along, across) if side_by_side else (across, along)))
    image += rng.normal(0, 0.03, image.shape)
    return np.clip(image, 0, 1).astype(np.float32), _caption(things, side_by_side)


def _draw(image, rng, thing, x, y):
    """Paint a shape with its middle at column x and row y; its edge is smooth."""
    size, color, shape = thing
    radius = rng.uniform(*_SIZES[size])
    pixels = (np.arange(_SIDE * 3) + 0.5) / 3  # three samples a pixel, each way
    inside = _SHAPES[shape]((pixels[None, :] - x) / radius, (pixels[:, None] - y) / radius)
    share = inside.reshape(_SIDE, 3, _SIDE, 3).mean(axis=(1, 3))[..., None]
    paint = np.array(_COLORS[color]) + rng.normal(0, 0.03, 3)
    image[:] = image + share * (paint - image)


def _caption(things, side_by_side):
    words = ["a " + " ".join(thing) for thing in things]
    if len(words) == 1:
        return words[0]
    if (things[0][0], things[1][0]) == ("small", "large"):
        return f"{words[1]} {'right of' if side_by_side else 'below'} {words[0]}"
    return f"{words[0]} {'left of' if side_by_side else 'above'} {words[1]}"
