"""What the architectures read and write, and that writing step by step is what they were trained for."""

import keras
import numpy as np
import pytest

from rnn_course import architectures, layers
from tests.reference import numpy

RNG = np.random.default_rng(0)
ROWS, STEPS, FEATURES = 3, 5, 4
X = RNG.normal(size=(ROWS, STEPS, FEATURES)).astype("float32")
FORMS = {
    "initial state": (architectures.VectorToSequence, {"enters": "initial state"}),
    "every step": (architectures.VectorToSequence, {"enters": "every step"}),
    "plain": (architectures.EncoderDecoder, {}),
    "attention": (architectures.EncoderDecoder, {"attention": True}),
    "both ways": (architectures.EncoderDecoder, {"attention": True, "bidirectional": True}),
    "at every step": (architectures.EncoderDecoder, {"enters": "every step"}),
    "attention, at every step, both ways": (
        architectures.EncoderDecoder,
        {"attention": True, "enters": "every step", "bidirectional": True},
    ),
    "both ways, no attention": (architectures.EncoderDecoder, {"bidirectional": True}),
}
# GRU has one state, LSTM two; SimpleRNN has one as well.
WRITERS = {f"{recurrent}, {form}": (recurrent, *FORMS[form]) for recurrent in ("LSTM", "GRU") for form in FORMS}
WRITERS |= {f"SimpleRNN, {form}": ("SimpleRNN", *FORMS[form]) for form in ("initial state", "both ways")}
MOST = [name for name in WRITERS if "LSTM" not in name] + ["LSTM, every step", "LSTM, both ways"]


def writer(name):
    """Return a model, a source for it, and tokens that it is given."""
    recurrent, make, options = WRITERS[name]
    keras.utils.set_random_seed(1)
    tokens = np.array([[1, 5, 2, 6, 3], [1, 4, 4, 0, 0], [1, 2, 3, 4, 5]])
    if make is architectures.VectorToSequence:
        return make(7, 8, embedding=6, recurrent=recurrent, **options), X[:, 0], tokens
    source = np.array([[3, 1, 2, 4], [2, 2, 0, 0], [1, 3, 4, 0]])
    return make(5, 7, 8, embedding=6, recurrent=recurrent, **options), source, tokens


def test_sequence_to_sequence_writes_at_every_step_what_it_has_read_so_far():
    model = architectures.sequence_to_sequence(FEATURES, layers.LSTM(6, return_sequences=True), keras.layers.Dense(2))
    before = numpy(model(X))
    assert before.shape == (ROWS, STEPS, 2)
    changed = X.copy()
    changed[:, 3] += 1
    after = numpy(model(changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).all()


def test_sequence_to_vector_is_the_last_step_of_sequence_to_sequence():
    stack = [layers.GRU(6, return_sequences=True), keras.layers.Dropout(0.5)]
    every = architectures.sequence_to_sequence(
        FEATURES, [*stack, layers.GRU(5, return_sequences=True)], keras.layers.Dense(2)
    )
    last = architectures.sequence_to_vector(FEATURES, [*stack, layers.GRU(5)], keras.layers.Dense(2))
    last.set_weights(every.get_weights())
    np.testing.assert_allclose(numpy(last(X)), numpy(every(X))[:, -1], atol=1e-6)


def test_tokens_are_read_through_an_embedding_and_padding_counts_for_nothing():
    embedding = keras.layers.Embedding(9, 4, mask_zero=True)
    model = architectures.sequence_to_vector(embedding, layers.GRU(6), keras.layers.Dense(1))
    padded = np.array([[3, 8, 2, 0, 0]], "int32")
    np.testing.assert_allclose(numpy(model(padded)), numpy(model(padded[:, :3])), atol=1e-6)


def test_pooling_may_stand_in_place_of_the_last_recurrent_layer_or_of_all():
    pool = keras.layers.GlobalAveragePooling1D
    gru = layers.GRU(6, return_sequences=True)
    model = architectures.sequence_to_vector(FEATURES, [gru, pool()], keras.layers.Dense(2))
    weight, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(numpy(model(X)), numpy(gru(X)).mean(1) @ weight + bias, atol=1e-6)
    bare = architectures.sequence_to_vector(FEATURES, pool(), keras.layers.Dense(2))
    weight, bias = bare.get_weights()
    np.testing.assert_allclose(numpy(bare(X)), X.mean(1) @ weight + bias, atol=1e-6)


def test_both_ways_and_deep():
    both = keras.layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    model = architectures.sequence_to_sequence(
        FEATURES, [both, layers.GRU(4, return_sequences=True)], keras.layers.Dense(2)
    )
    assert numpy(model(X)).shape == (ROWS, STEPS, 2)


@pytest.mark.parametrize(
    ("make", "recurrent", "message"),
    [
        (architectures.sequence_to_sequence, lambda: layers.GRU(2), "return_sequences=True, because every layer"),
        (
            architectures.sequence_to_vector,
            lambda: [layers.GRU(2), layers.GRU(2)],
            "return_sequences=True, because the layers below",
        ),
        (
            architectures.sequence_to_vector,
            lambda: layers.GRU(2, return_sequences=True),
            "must end with return_sequences=False",
        ),
        (architectures.sequence_to_vector, lambda: keras.layers.Dense(2), "must be a recurrent layer"),
        (architectures.sequence_to_sequence, lambda: [], "must be a recurrent layer"),
        (architectures.sequence_to_sequence, keras.layers.GlobalMaxPooling1D, "must be a recurrent layer"),
    ],
)
def test_a_stack_that_does_not_fit_is_named(make, recurrent, message):
    with pytest.raises(ValueError, match=message):
        make(3, recurrent(), keras.layers.Dense(1))


def test_what_is_read_is_features_or_an_embedding():
    for reads in ("3", True, 3.0):
        with pytest.raises(TypeError, match="`reads` must be a number of features or an Embedding"):
            architectures.sequence_to_vector(reads, layers.GRU(2), keras.layers.Dense(1))


# ---- models that write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_step_by_step_it_gives_the_logits_of_teacher_forcing(name):
    model, source, tokens = writer(name)
    at_once = numpy(model([source, tokens]))
    assert at_once.shape == (*tokens.shape, 7)
    state, logits = model.start(source), []
    for t in range(tokens.shape[1]):
        now, state = model.step(tokens[:, t], state)
        logits.append(numpy(now))
    np.testing.assert_allclose(np.stack(logits, axis=1), at_once, atol=2e-6)


@pytest.mark.parametrize("name", MOST)
def test_it_comes_back_from_a_file(name, tmp_path):
    model, source, tokens = writer(name)
    before = numpy(model([source, tokens]))
    model.save(tmp_path / "model.keras")
    after = numpy(keras.saving.load_model(tmp_path / "model.keras")([source, tokens]))
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in WRITERS if "GRU" in name])
def test_the_source_reaches_every_step(name):
    model, source, tokens = writer(name)
    before = numpy(model([source, tokens]))
    after = numpy(model([np.roll(source, 1, axis=0), tokens]))
    assert (np.abs(before - after).max(axis=-1) > 1e-4).all()


@pytest.mark.parametrize("name", [name for name in MOST if WRITERS[name][1] is architectures.EncoderDecoder])
def test_padding_of_the_source_changes_nothing(name):
    model, source, tokens = writer(name)
    longer = np.pad(source, ((0, 0), (0, 3)))
    np.testing.assert_allclose(numpy(model([longer, tokens])), numpy(model([source, tokens])), atol=1e-6)


@pytest.mark.parametrize("enters", ["initial state", "every step"])
def test_at_every_step_the_source_is_in_reach_even_if_the_state_has_lost_it(enters):
    keras.utils.set_random_seed(1)
    model = architectures.EncoderDecoder(5, 7, 8, enters=enters)
    logits = []
    for source in ([[3, 1, 2]], [[4, 4, 1]]):
        hidden, *context = model.start(np.array(source))
        logits.append(numpy(model.step(np.array([1]), [0 * hidden, *context])[0]))
    assert np.allclose(*logits, atol=1e-6) == (enters == "initial state")


def test_it_learns_to_write_what_it_read():
    rng = np.random.default_rng(0)
    source = rng.integers(2, 6, size=(256, 3))
    tokens = np.concatenate([np.ones((256, 1), int), source], axis=1)
    keras.utils.set_random_seed(0)
    model = architectures.EncoderDecoder(6, 6, 24, embedding=8, attention=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit([source, tokens[:, :-1]], tokens[:, 1:], epochs=20, batch_size=32, verbose=0)
    right = numpy(model([source, tokens[:, :-1]])).argmax(axis=-1) == source
    assert right.mean() > 0.95  # by chance 0.25


def test_attention_is_keras_own_if_its_matrix_is_the_identity():
    queries, memory = RNG.normal(size=(2, ROWS, STEPS, FEATURES)).astype("float32")
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 1, 0, 1]], bool)
    attend = architectures.Attention()
    attend.build(queries.shape, memory.shape)
    attend.set_weights([np.eye(FEATURES)])
    ours = attend(queries, memory, mask)
    theirs = keras.layers.Attention()([queries, memory], mask=[None, mask], return_attention_scores=True)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(numpy(a), numpy(b), atol=1e-6)


def test_attention_follows_its_equation():
    h, m = RNG.normal(size=(2, FEATURES)), RNG.normal(size=(3, 6))
    attend = architectures.Attention()
    context, weights = attend(h[None].astype("float32"), m[None].astype("float32"))
    score = h @ numpy(attend.W_a) @ m.T
    expected = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(numpy(weights)[0], expected, rtol=1e-4)
    np.testing.assert_allclose(numpy(context)[0], expected @ m, rtol=1e-4, atol=1e-5)


def test_attention_weights_of_a_model_sum_to_one_and_skip_padding():
    model, source, tokens = writer("GRU, attention")
    weights = numpy(model.attention([source, tokens]))
    assert weights.shape == (3, 5, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights[1, :, 2:] == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: architectures.VectorToSequence(0, 8), "`tokens` must be a positive whole number; received tokens=0"),
        (
            lambda: architectures.VectorToSequence(5, 8, enters="once"),
            "`enters` must be one of 'initial state', ",
        ),
        (lambda: architectures.EncoderDecoder(5, 7, 8, recurrent="RNN"), "`recurrent` must be one of 'SimpleRNN', "),
        (lambda: architectures.EncoderDecoder(5, 7, 8, enters="twice"), "`enters` must be one of 'initial state', "),
        (lambda: architectures.EncoderDecoder(2.5, 7, 8), "`source_tokens` must be a positive whole number"),
        (lambda: architectures.EncoderDecoder(5, 7, 9, bidirectional=True), "`units` must be even"),
        (lambda: architectures.EncoderDecoder(5, 7, 8).attention([X, X]), "has no attention"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
