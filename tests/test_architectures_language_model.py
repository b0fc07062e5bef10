"""The language model: at once and step by step it says the same, and it sees nothing of what is to come."""

import keras
import numpy as np
import pytest
from keras import ops

from rnn_course import architectures, decoding
from tests.reference import numpy

TOKENS = np.array([[1, 5, 2, 6, 3], [1, 4, 4, 2, 6], [3, 2, 3, 4, 5]], "int32")


@pytest.fixture(params=["GRU", "LSTM", "SimpleRNN"])
def model(request):
    model = architectures.LanguageModel(7, 8, embedding=5, recurrent=request.param, dropout=0.3)
    model(TOKENS)
    return model


@pytest.mark.parametrize("read", [0, 1, 3])
def test_step_by_step_it_gives_the_logits_of_one_call(model, read):
    """From wherever it starts."""
    at_once = numpy(model(TOKENS))
    state = model.start(TOKENS[:, :read])
    for t in range(read, TOKENS.shape[1]):
        logits, state = model.step(TOKENS[:, t], state)
        np.testing.assert_allclose(numpy(logits), at_once[:, t], atol=2e-6)


def test_logits_come_from_the_hidden_states(model):
    expected = numpy(model.hidden(TOKENS)) @ numpy(model.to_logits.kernel) + numpy(model.to_logits.bias)
    np.testing.assert_allclose(numpy(model(TOKENS)), expected, atol=1e-5)


def test_what_comes_later_changes_nothing(model):
    other = TOKENS.copy()
    other[:, 3:] = 1
    np.testing.assert_allclose(numpy(model(other))[:, :3], numpy(model(TOKENS))[:, :3], atol=1e-6)


def test_dropout_is_for_training_only(model):
    assert np.array_equal(numpy(model(TOKENS)), numpy(model(TOKENS)))
    assert not np.allclose(numpy(model(TOKENS, training=True)), numpy(model(TOKENS)))


def test_it_comes_back_from_a_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again(TOKENS)), numpy(model(TOKENS)), atol=1e-6)


def test_greedy_writes_what_is_most_probable(model):
    written = decoding.greedy(model.step, model.start(TOKENS[:, :2]), 4, 7, 6)
    read = np.concatenate([TOKENS[:, :2], np.full((3, 1), 4), written], axis=1)
    logits = numpy(ops.convert_to_tensor(model(read)))[:, 2:-1]
    logits[..., 0] = -np.inf
    assert np.array_equal(logits.argmax(axis=-1), written)


def test_a_size_that_is_none_is_named():
    with pytest.raises(ValueError, match="`units` must be a positive whole number"):
        architectures.LanguageModel(7, 0)
