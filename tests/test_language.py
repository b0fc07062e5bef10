"""Predicting a text: counts give the probabilities that they should, and what holds where is what one sees."""

import math

import numpy as np
import pytest

from rnn_course import language


def test_parts_end_with_lines():
    text = "".join("x" * n + "\n" for n in (5, 3, 8, 2, 6, 9))
    cut = language.parts(text, 0.3, 0.6)
    assert "".join(cut) == text and all(part.endswith("\n") for part in cut)
    assert [len(part) for part in cut] == [19, 3 + 7, 10]


def test_windows_overlap_by_one_step():
    cut = language.windows(np.arange(11), 4, 3)
    assert cut.tolist() == [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7], [6, 7, 8, 9, 10]]


def test_the_longest_copy_by_trying_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        text, source = ("".join(rng.choice(list("ab"), n)) for n in (12, 30))
        pieces = [text[i:j] for i in range(12) for j in range(i, 13) if text[i:j] in source]
        found = language.longest_copy(text, source)
        assert found in source and found in text and len(found) == max(map(len, pieces))
    assert language.longest_copy("abc", "xyz") == ""


def test_words():
    assert language.words("It's 2 o'clock, Bob_b!") == ["it", "s", "o", "clock", "bob", "b"]


def test_bits_by_counts():
    follows = language.count("aab", 1)
    # without context: b is 1 of 3, and 2 different ones share the weight of 2 in equal parts
    assert language.bits_by_counts(follows, "b", 0) == pytest.approx(-math.log2(2 / 5))
    # nothing is known of what follows a new line; after a comes a in 1 of 2 cases
    odds = 3 / 5, (1 + 2 * 3 / 5) / (2 + 2)
    assert language.bits_by_counts(follows, "aa", 1) == pytest.approx(-np.log2(odds).mean())
    # going on: by the second a, one more a has been seen, but none more after an a
    odds = 3 / 5, (1 + 2 * (3 + 2 / 2) / (4 + 2)) / (2 + 2)
    assert language.bits_by_counts(follows, "aa", 1, go_on=True) == pytest.approx(-np.log2(odds).mean())


def test_bits_compressed():
    def compress(text):
        return bytes(len(text) // 4)

    assert language.bits_compressed(compress, "a" * 40, "b" * 16) == 2


def test_features():
    text = 'a_b "c(" (d_e)\n"f g'
    where = {
        n: "".join(c if yes else "." for c, yes in zip(text, holds)) for n, holds in language.features(text).items()
    }
    assert where == {
        "inside quotation marks": """...."c(........"f g""",
        "after an underscore in a name": """._b........_e......""",
        "inside a word": """a.b..c....d.e...f.g""",
        "in the first word": """a_b...........\n"f..""",
        "inside brackets": """......(" (d_e......""",
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_threshold(sign):
    values, holds = np.array([0.1, 0.9, 0.3, 0.8, 0.7]), np.array([False, True, False, True, False])
    accuracy, found, threshold = language.best_threshold(sign * values, holds)
    assert (accuracy, found) == (pytest.approx(1), sign)
    assert 0.7 < sign * threshold < 0.8
    assert language.balanced_accuracy(values > 0.5, holds) == pytest.approx((1 + 2 / 3) / 2)
