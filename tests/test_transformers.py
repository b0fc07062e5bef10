"""The small transformer: step by step it is what it was trained to be, and its attention is Keras's."""

import keras
import numpy as np
import pytest

from rnn_course import decoding, transformers
from tests.reference import numpy

SOURCE = np.array([[3, 1, 2, 4], [2, 2, 0, 0], [1, 3, 4, 0]], "int32")
TOKENS = np.array([[1, 5, 2, 6, 3], [1, 4, 4, 0, 0], [1, 2, 3, 4, 5]], "int32")


def model(seed=1):
    keras.utils.set_random_seed(seed)
    return transformers.Transformer(5, 7, units=8, heads=2, blocks=2)


def test_step_by_step_it_gives_the_logits_of_teacher_forcing():
    transformer = model()
    at_once = numpy(transformer([SOURCE, TOKENS]))
    assert at_once.shape == (3, 5, 7)
    state = transformer.start(SOURCE)
    for t in range(TOKENS.shape[1]):
        logits, state = transformer.step(TOKENS[:, t], state)
        np.testing.assert_allclose(numpy(logits), at_once[:, t], atol=2e-5)
        assert all(tensor.shape[1] == SOURCE.shape[1] + t + 1 for tensor in state[1:])


def test_a_token_changes_only_what_comes_after_it():
    transformer = model()
    changed = TOKENS.copy()
    changed[:, 3] = 2
    before, after = (numpy(transformer([SOURCE, tokens])) for tokens in (TOKENS, changed))
    np.testing.assert_allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert np.abs(before[:2, 3:] - after[:2, 3:]).max() > 1e-3


def test_padding_in_the_source_is_not_looked_at():
    transformer = model()
    before = numpy(transformer([SOURCE, TOKENS]))
    embedding = numpy(transformer.embed_source.embeddings)
    embedding[0] += 5  # what stands for padding
    transformer.embed_source.set_weights([embedding])
    np.testing.assert_allclose(before, numpy(transformer([SOURCE, TOKENS])), atol=1e-5)


def test_the_order_of_the_source_counts():
    transformer = model()
    before, after = (numpy(transformer([source, TOKENS])) for source in (SOURCE, SOURCE[:, ::-1].copy()))
    assert np.abs(before - after)[0].max() > 1e-3


def test_its_attention_is_that_of_keras():
    units, heads = 8, 2
    keras.utils.set_random_seed(2)
    x = np.random.default_rng(0).normal(size=(3, 5, units)).astype("float32")
    mask = np.tril(np.ones((1, 5, 5), bool)).repeat(3, axis=0)
    block = transformers.Block(units, heads)
    block.build((None, None, units))
    theirs = keras.layers.MultiHeadAttention(heads, units // heads)
    normal = block.before_attention(x)
    theirs(normal, normal)
    split = (units, heads, units // heads)
    weights = []
    for dense in (block.query, block.key, block.value):
        kernel = numpy(dense.kernel)
        weights += [kernel.reshape(split), numpy(dense.bias).reshape(split[1:])]
    kernel, bias = (numpy(w) for w in block.join.weights)
    theirs.set_weights([*weights, kernel.reshape(heads, units // heads, units), bias])
    attended = x + numpy(theirs(normal, normal, attention_mask=mask))
    dense = block.narrow(block.wide(block.before_dense(attended)))
    np.testing.assert_allclose(numpy(block(x, visible=mask)[0]), attended + numpy(dense), atol=1e-5)


def test_it_comes_back_from_a_file(tmp_path):
    transformer = model()
    before = numpy(transformer([SOURCE, TOKENS]))
    transformer.save(tmp_path / "model.keras")
    after = numpy(keras.saving.load_model(tmp_path / "model.keras")([SOURCE, TOKENS]))
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_it_learns_to_write_what_it_read_and_beams_can_read_it():
    rng = np.random.default_rng(0)
    source = rng.integers(2, 6, size=(256, 3))
    tokens = np.concatenate([np.ones((256, 1), int), source, np.full((256, 1), 6)], axis=1)
    keras.utils.set_random_seed(0)
    transformer = transformers.Transformer(6, 7, units=16, heads=2, blocks=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    transformer.compile(keras.optimizers.Adam(0.01), loss)
    transformer.fit([source, tokens[:, :-1]], tokens[:, 1:], epochs=25, batch_size=32, verbose=0)
    greedy = decoding.greedy(transformer.step, transformer.start(source[:24]), 1, 6, 5)
    assert (greedy[:, :3] == source[:24]).mean() > 0.9  # by chance 0.25
    beams, _ = decoding.beam_search(transformer.step, transformer.start(source[:8]), 1, 6, 5, beams=3)
    assert (beams[:, 0, :3] == source[:8]).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 9}, "`units` must be even and a multiple of `heads`; received units=9, heads=4"),
        ({"units": 10}, "a multiple of `heads`"),
        ({"blocks": 0}, "`blocks` must be a positive whole number"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        transformers.Transformer(5, 7, **options)
