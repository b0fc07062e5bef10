"""Influence: exact where it is known exactly, complete where it must be, and found out where it is wrong."""

import keras
import numpy as np
import pytest
from keras import ops

from rnn_course import architectures, influence, layers

RNG = np.random.default_rng(0)
X, BASELINE = RNG.normal(size=(2, 5, 3))
W = RNG.normal(size=(5, 3))
WORDS = "not a bad film".split()
WORTH = {"not": 2.0, "a": 0.0, "bad": -3.0, "film": 0.5, "?": 0.25}


def linear(x):
    return ops.sum(x * ops.convert_to_tensor(W, dtype=x.dtype), axis=(1, 2)) + 7.0


def worth(texts):
    return [sum(WORTH[word] for word in text) for text in texts]


def network():
    """What a recurrent network makes of vectors, in float64."""
    keras.utils.set_random_seed(0)
    model = architectures.sequence_to_vector(3, layers.GRU(6, dtype="float64"), keras.layers.Dense(1, dtype="float64"))
    return lambda x: 3 * model(x)[:, 0]


def test_leaving_out_finds_what_each_word_is_worth():
    np.testing.assert_allclose(influence.occlusion(worth, WORDS), [WORTH[word] for word in WORDS])
    replaced = influence.occlusion(worth, WORDS, replacement="?")
    np.testing.assert_allclose(replaced, [WORTH[word] - WORTH["?"] for word in WORDS])
    assert influence.occlusion(worth, ["bad"], replacement="?") == -3.25


@pytest.mark.parametrize("method", [influence.gradient_times_input, influence.integrated_gradients])
@pytest.mark.parametrize("baseline", [None, BASELINE, BASELINE[0]])
def test_gradients_are_exact_for_a_linear_score(method, baseline):
    moved = X - (0 if baseline is None else baseline)
    np.testing.assert_allclose(method(linear, X, baseline), (W * moved).sum(axis=1), rtol=1e-10)


def test_integrated_gradients_are_exact_for_a_square():
    """Of f(x) = sum of x², the influence of each entry is x² - x'², by hand."""
    found = influence.integrated_gradients(lambda x: ops.sum(x**2, axis=(1, 2)), X, BASELINE, steps=1)
    np.testing.assert_allclose(found, (X**2 - BASELINE**2).sum(axis=1), rtol=1e-10)
    product = influence.gradient_times_input(lambda x: ops.sum(x**2, axis=(1, 2)), X)
    np.testing.assert_allclose(product, 2 * (X**2).sum(axis=1), rtol=1e-10)


def test_influences_of_a_network_sum_to_the_difference_with_the_square_of_the_steps():
    score = network()
    whole, nothing = ops.convert_to_numpy(score(ops.convert_to_tensor(np.stack([X, BASELINE]))))
    gaps = [
        abs(influence.integrated_gradients(score, X, BASELINE, steps).sum() - (whole - nothing))
        for steps in (8, 16, 32)
    ]
    assert gaps[2] < 1e-3 * abs(whole - nothing)
    np.testing.assert_allclose([gaps[0] / gaps[1], gaps[1] / gaps[2]], 4, rtol=0.2)


def test_a_gradient_is_what_a_small_step_does():
    score, step = network(), 1e-2
    for t in range(5):
        both = np.stack([X, X])
        both[0, t] *= 1 + step
        both[1, t] *= 1 - step
        higher, lower = ops.convert_to_numpy(score(ops.convert_to_tensor(both)))
        found = influence.gradient_times_input(score, X)[t]
        np.testing.assert_allclose(found, (higher - lower) / (2 * step), rtol=2e-3, atol=1e-4)


def test_deletion_takes_away_one_after_the_other():
    np.testing.assert_allclose(influence.deletion(worth, WORDS, [2, 0, 3]), [-0.5, 2.5, 0.5, 0])
    np.testing.assert_allclose(influence.deletion(worth, WORDS, [2, 1, 0, 3], "?"), [-0.5, 2.75, 3, 1.25, 1])
    np.testing.assert_allclose(influence.deletion(worth, WORDS, []), [-0.5])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: influence.occlusion(worth, []), "`tokens` must be at least"),
        (lambda: influence.occlusion(worth, ["bad"]), "`tokens` must be at least 2"),
        (lambda: influence.deletion(worth, WORDS, [1, 1]), "`order`.*each once"),
        (lambda: influence.deletion(worth, WORDS, [4]), "`order`.*0 to 3"),
        (lambda: influence.deletion(worth, WORDS, [0, 1, 2, 3]), "`order` must leave a token"),
        (lambda: influence.integrated_gradients(linear, X, steps=0), "`steps`"),
        (lambda: influence.integrated_gradients(linear, X, steps=True), "`steps`"),
        (lambda: influence.integrated_gradients(linear, X[None]), r"`x`.*\(1, 5, 3\)"),
        (lambda: influence.gradient_times_input(linear, np.ones((5, 3), int)), "`x` must be real numbers"),
        (lambda: influence.gradient_times_input(linear, X, BASELINE[:4]), r"`baseline`.*received \(4, 3\)"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
