"""The writer that looks at a grid: it follows its equations, looks where it says, and comes back from a file."""

import keras
import numpy as np
import pytest

from rnn_course import architectures, decoding
from tests.reference import numpy

ROWS, PLACES, SIZE = 3, 6, 4
GRID = np.random.default_rng(0).normal(size=(ROWS, PLACES, SIZE)).astype("float32")
TOKENS = np.array([[1, 5, 2, 6, 3], [1, 4, 4, 0, 0], [1, 2, 3, 4, 5]])


@pytest.fixture(params=["GRU", "LSTM", "SimpleRNN"])
def writer(request):
    model = architectures.GridToSequence(7, 8, embedding=5, recurrent=request.param)
    model([GRID, TOKENS])
    return model


def test_step_by_step_it_gives_the_logits_of_teacher_forcing(writer):
    at_once = numpy(writer([GRID, TOKENS]))
    state, logits = writer.start(GRID), []
    for t in range(TOKENS.shape[1]):
        now, state = writer.step(TOKENS[:, t], state)
        logits.append(numpy(now))
    np.testing.assert_allclose(np.stack(logits, axis=1), at_once, atol=2e-6)


def test_it_comes_back_from_a_file(writer, tmp_path):
    writer.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again([GRID, TOKENS])), numpy(writer([GRID, TOKENS])), atol=1e-6)


def test_it_looks_as_its_equation_says(writer):
    """From the hidden states on, in NumPy, one example and one step at a time."""
    hidden, _ = writer.written(GRID, TOKENS)
    hidden, places = numpy(hidden), numpy(writer.places)
    W_a, W_c = numpy(writer.attend.W_a), numpy(writer.join.kernel)
    logits, weights = numpy(writer([GRID, TOKENS])), numpy(writer.attention([GRID, TOKENS]))
    for b in range(ROWS):
        memory = GRID[b] + places
        for t, h in enumerate(hidden[b]):
            score = np.array([h @ W_a @ m for m in memory])
            alpha = np.exp(score) / np.exp(score).sum()
            joined = np.tanh(np.concatenate([h, sum(a * m for a, m in zip(alpha, memory))]) @ W_c)
            np.testing.assert_allclose(weights[b, t], alpha, atol=1e-5)
            expected = joined @ numpy(writer.to_logits.kernel) + numpy(writer.to_logits.bias)
            np.testing.assert_allclose(logits[b, t], expected, atol=1e-5)


def test_the_first_state_and_the_glance_come_from_the_whole_grid(writer):
    *states, glance, memory = writer.start(GRID)
    for state, to_state in zip(states, writer.to_states, strict=True):
        expected = np.tanh(GRID.mean(axis=1) @ numpy(to_state.kernel) + numpy(to_state.bias))
        np.testing.assert_allclose(numpy(state), expected, atol=1e-5)
    expected = GRID.reshape(ROWS, -1) @ numpy(writer.to_input.kernel) + numpy(writer.to_input.bias)
    np.testing.assert_allclose(numpy(glance), expected, atol=1e-5)
    np.testing.assert_allclose(numpy(memory), GRID + numpy(writer.places), atol=1e-6)


def test_a_beam_takes_the_grid_along(writer):
    start = writer.start(GRID)
    greedy = decoding.greedy(writer.step, start, 1, 2, 4)
    beam, _ = decoding.beam_search(writer.step, start, 1, 2, 4, beams=1)
    np.testing.assert_array_equal(beam[:, 0], greedy)
    assert decoding.beam_search(writer.step, start, 1, 2, 4, beams=3)[0].shape == (ROWS, 3, 4)


def test_it_learns_to_name_what_stands_at_the_marked_place():
    """Which of six places counts is written at the place itself, so that only a look can find it."""
    rng = np.random.default_rng(0)
    rows, kinds = 2000, 4
    kind, marked = rng.integers(kinds, size=(rows, PLACES)), rng.integers(PLACES, size=rows)
    marks = np.eye(PLACES)[marked][..., None]
    grid = np.concatenate([np.eye(kinds)[kind], 3 * marks], axis=-1).astype("float32")
    target = (kind[np.arange(rows), marked] + 2)[:, None]
    model = architectures.GridToSequence(kinds + 2, 16, embedding=4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit([grid, np.ones((rows, 1), int)], target, epochs=8, batch_size=32, verbose=0)
    weights = numpy(model.attention([grid, np.ones((rows, 1), int)]))[:, 0]
    assert (numpy(model([grid, np.ones((rows, 1), int)])).argmax(-1) == target).mean() > 0.95  # by chance 0.25
    assert (weights.argmax(-1) == marked).mean() > 0.6  # by chance 0.17; the glance sees some of them


def test_the_number_of_places_must_be_known():
    model = architectures.GridToSequence(7, 8)
    with pytest.raises(ValueError, match="a known number of places"):
        model.build([(None, None, 4), (None, None)])
    with pytest.raises(ValueError, match="`units` must be a positive whole number"):
        architectures.GridToSequence(7, 0)
