"""Tests of rnn_course.data.scenes: captions follow the grammar and fit what is drawn; the splits are apart."""

import re

import numpy as np
import pytest

from rnn_course import data

SPLITS = ("train", "test", "new combinations")
THING = r"a (small|large) (red|green|blue|yellow) (circle|square|triangle|cross)"
CAPTION = re.compile(rf"{THING}(?: (left of|right of|above|below) {THING})?")
NEW = {("red", "circle"), ("green", "square"), ("blue", "triangle"), ("yellow", "cross")}


@pytest.fixture(scope="module")
def sets():
    return {split: data.scenes(300, seed=3, split=split) for split in SPLITS}


def pairs(captions):
    """All pairs of a color and a shape that captions name."""
    return {(match[2], match[3]) for caption in captions for match in re.finditer(THING, caption)}


@pytest.mark.parametrize("split", SPLITS)
def test_images_and_captions_have_the_promised_form(sets, split):
    images, captions = sets[split]
    assert images.shape == (300, 24, 24, 3) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert all(CAPTION.fullmatch(caption) for caption in captions)
    assert 0.15 < np.mean([len(caption.split()) == 4 for caption in captions]) < 0.35


def test_new_combinations_are_only_in_their_split(sets):
    assert pairs(sets["new combinations"][1]) == NEW
    for split in ("train", "test"):
        assert len(pairs(sets[split][1])) == 12 and not pairs(sets[split][1]) & NEW


def test_the_larger_comes_first_then_the_left_or_upper_one(sets):
    for caption in sets["train"][1]:
        size, _, _, relation, other, *_ = CAPTION.fullmatch(caption).groups()
        assert (size, other) != ("small", "large")
        if relation in ("right of", "below"):
            assert (size, other) == ("large", "small")


PAINTS = {"red": (1, 0, 0), "green": (0, 0.6, 0.1), "blue": (0, 0.1, 1), "yellow": (1, 0.8, 0)}


def painted(image, color):
    """Rows and columns whose pixels look more like this color than like the others or like white paper."""
    paints = {**PAINTS, "paper": (1, 1, 1)}
    distances = [np.square(image - np.array(paint)).sum(-1) for paint in paints.values()]
    return np.argwhere(np.argmin(distances, axis=0) == list(paints).index(color))


@pytest.mark.parametrize("split", SPLITS)
def test_the_relation_is_where_the_pixels_are(sets, split):
    checked = 0
    for image, caption in zip(*sets[split]):
        _, first, _, relation, _, second, _ = CAPTION.fullmatch(caption).groups()
        if relation and first != second:
            (row_1, column_1), (row_2, column_2) = (painted(image, c).mean(axis=0) for c in (first, second))
            by = {
                "left of": column_2 - column_1,
                "right of": column_1 - column_2,
                "above": row_2 - row_1,
                "below": row_1 - row_2,
            }
            assert max(by, key=by.get) == relation
            checked += 1
    assert checked > 100


def test_large_things_cover_more_pixels_and_nothing_is_cut_off(sets):
    images, captions = sets["train"]
    area = {"small": [], "large": []}
    for image, caption in zip(images, captions):
        match = CAPTION.fullmatch(caption)
        if not match[4]:
            area[match[1]].append(len(painted(image, match[2])) / (1 if match[3] == "square" else 0.5))
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert edge.min() > 0.8
    assert np.mean(area["large"]) > 2 * np.mean(area["small"])


def test_the_same_seed_gives_the_same_scenes_and_others_differ(sets):
    images, captions = data.scenes(300, seed=3)
    np.testing.assert_array_equal(images, sets["train"][0])
    assert captions == sets["train"][1]
    assert captions != data.scenes(300, seed=4)[1]
    assert captions != sets["test"][1]


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        ({"count": 0}, ValueError, "count"),
        ({"count": 2.5}, TypeError, "count"),
        ({"count": 1, "seed": -1}, ValueError, "seed"),
        ({"count": 1, "split": "new"}, ValueError, "split"),
    ],
)
def test_mistakes_are_named(arguments, error, match):
    with pytest.raises(error, match=match):
        data.scenes(**arguments)
