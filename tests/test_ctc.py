"""CTC against sums over all paths, keras.losses.CTC, and finite differences; decoding against all texts."""

from itertools import product

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_course import decoding, training
from tests.reference import central_difference, gradients, numpy


def spelled(path):
    return tuple(a for a, before in zip(path, (None, *path)) if a and a != before)


def by_texts(logits):
    """Return {text: probability} by listing every path, in float64."""
    p = np.exp(logits - logits.max(axis=-1, keepdims=True)).astype("float64")
    p /= p.sum(axis=-1, keepdims=True)
    found = {}
    for path in product(range(p.shape[1]), repeat=len(p)):
        chance = np.prod(p[np.arange(len(p)), path])
        found[spelled(path)] = found.get(spelled(path), 0.0) + chance
    return found


def padded(texts, length):
    rows = np.zeros((len(texts), length), "int32")
    for row, text in zip(rows, texts):
        row[: len(text)] = text
    return rows


def losses(texts, logits, length=4):
    return numpy(training.CTC(reduction=None)(padded(texts, length), logits.astype("float32")))


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_the_loss_is_that_of_all_paths(seed):
    """Every text of up to three letters at five steps and three labels, those with equal neighbors included."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(5, 3)).astype("float32")
    texts = [text for n in range(4) for text in product((1, 2), repeat=n)]
    expected = by_texts(logits)
    found = losses(texts, np.repeat(logits[None], len(texts), axis=0))
    np.testing.assert_allclose(found, [-np.log(expected[text]) for text in texts], rtol=1e-4, atol=1e-4)


def test_the_loss_is_that_of_keras():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, 12, 5)).astype("float32")
    texts = [tuple(rng.integers(1, 5, size=rng.integers(1, 5))) for _ in range(6)]
    theirs = numpy(keras.losses.CTC(reduction=None)(padded(texts, 4), logits))
    np.testing.assert_allclose(losses(texts, logits), theirs, rtol=1e-4, atol=1e-4)


def test_the_gradient_is_that_of_the_sum_over_paths():
    """By central differences of the brute force in float64."""
    rng = np.random.default_rng(1)
    logits, text = rng.normal(size=(4, 3)), (1, 1)
    expected = central_difference(lambda: -np.log(by_texts(logits)[text]), logits, epsilon=1e-5)
    variable = keras.Variable(logits[None].astype("float32"))
    (found,) = gradients(lambda: training.CTC()(padded([text], 3), variable), [variable])
    np.testing.assert_allclose(found[0], expected, atol=2e-4)


def test_a_text_that_does_not_fit_has_an_infinite_loss():
    found = losses([(1, 1), (1, 2), (1, 2, 1)], np.zeros((3, 2, 3)))
    np.testing.assert_array_equal(np.isinf(found), [True, False, True])


def test_long_recordings_lose_no_precision():
    """500 steps, where a product of probabilities is far below what 32 bits can hold: all paths of one label."""
    logits = np.zeros((1, 500, 4), "float32")
    count = 500 * 501 / 2  # ways to place one run of a letter
    assert abs(losses([(2,)], logits)[0] - (500 * np.log(4) - np.log(count))) < 0.01


def test_it_is_saved_with_a_model():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(training.CTC()))
    assert isinstance(again, training.CTC)


@pytest.mark.parametrize("seed", range(4))
def test_the_beams_are_the_most_probable_texts(seed):
    """With as many beams as there are texts, nothing is lost; with fewer, what is kept has at most its probability."""
    logits = np.random.default_rng(seed).normal(scale=2, size=(2, 5, 3))
    everything, chances = decoding.ctc_beam_search(logits, beams=63)
    few, few_chances = decoding.ctc_beam_search(logits, beams=3)
    for row in range(2):
        expected = by_texts(logits[row])
        ranked = sorted(expected, key=expected.get, reverse=True)
        for rank in range(8):
            text = tuple(everything[row, rank][everything[row, rank] > 0].tolist())
            assert text == ranked[rank]
            assert np.isclose(np.exp(chances[row, rank]), expected[text])
        best = tuple(few[row, 0][few[row, 0] > 0].tolist())
        assert few_chances[row, 0] <= np.log(expected[best]) + 1e-9


def test_the_best_path_is_spelled():
    logits = np.random.default_rng(5).normal(size=(20, 9, 4))
    for row, read in zip(logits, decoding.ctc_greedy(logits)):
        assert tuple(read[read > 0].tolist()) == spelled(row.argmax(axis=1).tolist())


def test_the_best_path_may_miss_the_best_text():
    logits = np.log([[[0.6, 0.4], [0.6, 0.4]]])
    assert decoding.ctc_greedy(logits).tolist() == [[0, 0]]
    labels, chances = decoding.ctc_beam_search(logits, beams=2)
    assert labels[0, 0].tolist() == [1, 0] and np.allclose(np.exp(chances), [[0.64, 0.36]])


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: training.CTC()(np.zeros(3, "int32"), np.zeros((1, 4, 3))), "targets of shape"),
        (lambda: training.CTC()(np.zeros((1, 3), "int32"), np.zeros((4, 3))), "targets of shape"),
        (lambda: decoding.ctc_greedy(np.zeros((4, 3))), r"shape \(N, T, K\)"),
        (lambda: decoding.ctc_beam_search(np.zeros((4, 3))), r"shape \(N, T, K\)"),
        (lambda: decoding.ctc_beam_search(np.zeros((1, 4, 3)), beams=0), "`beams`"),
    ],
)
def test_wrong_shapes_are_named(use, words):
    with pytest.raises(ValueError, match=words):
        use()
