"""Tests of rnn_course.data.house_numbers: the digits that are named stand where it says; the splits are apart."""

import numpy as np
import pytest

from rnn_course import data

SPLITS = ("train", "test", "new numbers")
NUMBERS = {data.spelled(number): number for number in range(1000)}
ROWS = np.arange(5)[:, None] + np.arange(8)


@pytest.fixture(scope="module")
def sets():
    return {split: data.house_numbers(300, seed=3, split=split) for split in SPLITS}


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (40, "forty"),
        (72, "seventy-two"),
        (100, "one hundred"),
        (105, "one hundred five"),
        (472, "four hundred seventy-two"),
        (999, "nine hundred ninety-nine"),
    ],
)
def test_numbers_in_words(number, name):
    assert data.spelled(number) == name


def test_every_number_has_a_name_of_its_own():
    assert len(NUMBERS) == 1000 and max(map(len, NUMBERS)) == len("three hundred seventy-three")


@pytest.mark.parametrize("split", SPLITS)
def test_images_names_and_places_have_the_promised_form(sets, split):
    images, names, lefts = sets[split]
    assert images.shape == (300, 12, 32) and images.dtype == np.float32
    assert 0 <= images.min() and images.max() <= 1
    digits = [str(NUMBERS[name]) for name in names]
    assert [len(d) for d in digits] == (lefts >= 0).sum(axis=1).tolist()
    assert lefts.shape == (300, 3) and lefts.max() <= 24
    assert (lefts[:, 1][lefts[:, 1] >= 0] > lefts[:, 0][lefts[:, 1] >= 0]).all()
    assert {len(d) for d in digits} == ({2, 3} if split == "new numbers" else {1, 2, 3})


def test_two_digits_at_most():
    images, names, lefts = data.house_numbers(200, digits=2)
    assert images.shape == (200, 12, 24) and lefts.shape == (200, 2)
    assert max(NUMBERS[name] for name in names) < 100


@pytest.mark.parametrize("split", SPLITS)
def test_the_digits_of_the_right_split_are_where_it_says(sets, split):
    """Each is found, up to ink and noise, among the handwritten digits of its part and its class."""
    train, test = data.digits()
    images, names, lefts = sets[split]
    for image, name, left in list(zip(images, names, lefts))[:60]:
        for digit, column in zip(str(NUMBERS[name]), left):
            crops = image[ROWS, column : column + 8][:, :, 1:-1].reshape(5, -1)  # a neighbor may cover the edges
            alike = {}
            for part, (x, y) in {"train": train, "test": test}.items():
                known = x[y == int(digit)][:, :, 1:-1].reshape(-1, 48)
                cosine = crops @ known.T / np.linalg.norm(crops, axis=1)[:, None] / np.linalg.norm(known, axis=1)
                alike[part] = cosine.max()
            assert alike["train" if split == "train" else "test"] > 0.98
            assert max(alike, key=alike.get) == ("train" if split == "train" else "test")


def test_new_numbers_are_in_no_other_split():
    seen = set(data.house_numbers(4000)[1]) | set(data.house_numbers(4000, split="test")[1])
    new = set(data.house_numbers(2000, split="new numbers")[1])
    assert not seen & new and len(new) > 150
    digits = [str(NUMBERS[name]) for name in seen]
    for place in range(3):  # every digit in every place of a number is seen
        assert {d[place] for d in digits if len(d) == 3} >= set("0123456789" if place else "123456789")


def test_the_same_seed_gives_the_same_images_and_others_differ(sets):
    images, names, _ = data.house_numbers(300, seed=3)
    np.testing.assert_array_equal(images, sets["train"][0])
    assert names == sets["train"][1] != data.house_numbers(300, seed=4)[1]
    assert names != sets["test"][1]


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"count": 0}, ValueError, "count"),
        ({"count": "3"}, TypeError, "count"),
        ({"count": 1, "seed": -1}, ValueError, "seed"),
        ({"count": 1, "split": "new"}, ValueError, "split"),
        ({"count": 1, "digits": 4}, ValueError, "digits"),
    ],
)
def test_mistakes_are_named(arguments, error, match):
    with pytest.raises(error, match=match):
        data.house_numbers(**arguments)


@pytest.mark.parametrize(("number", "error"), [(-1, ValueError), (1000, ValueError), (2.5, TypeError)])
def test_numbers_that_have_no_name_here(number, error):
    with pytest.raises(error, match="number must be"):
        data.spelled(number)
