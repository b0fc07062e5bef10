"""The layers against `keras.layers`: outputs, states and gradients, on every argument they share."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import layers
from rnn_course.layers import SimpleRNN

B, T, D, H = 4, 6, 3, 5


def numpy(x):
    return keras.tree.map_structure(ops.convert_to_numpy, x)


def twins(features=D, shape=None, **kwargs):
    """Our layer and Keras's, with the same weights."""
    ours, theirs = SimpleRNN(H, **kwargs), keras.layers.SimpleRNN(H, **kwargs)
    for layer in (ours, theirs):
        layer.build(shape or (None, None, features))
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def one_step_gradients(layer, x, y, mask=None):
    """Gradients of the squared error by the layer's weights: the change that SGD with rate 1 makes, negated."""
    inputs = keras.Input(x.shape[1:], dtype=layer.compute_dtype)
    if mask is None:
        model = keras.Model(inputs, layer(inputs))
        data = x
    else:
        flags = keras.Input(mask.shape[1:], dtype="bool")
        model = keras.Model([inputs, flags], layer(inputs, mask=flags))
        data = [x, mask]
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = [w.copy() for w in layer.get_weights()]
    model.train_on_batch(data, y)
    return [old - new for old, new in zip(before, layer.get_weights())]


MASKS = {
    "none": None,
    "right": np.arange(T)[None] < np.array([6, 4, 2, 1])[:, None],
    "left": np.arange(T)[None] >= np.array([0, 1, 3, 5])[:, None],
    "middle": np.array([[1, 0, 1, 0, 0, 1]] * B, bool),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"return_sequences": True},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True},
        {"unroll": True, "return_sequences": True},
        {"use_bias": False},
        {"activation": "relu"},
        {"activation": "gelu", "return_sequences": True},
    ],
    ids=str,
)
def test_outputs_equal_keras(kwargs, mask, seed):
    ours, theirs = twins(shape=(None, T, D), **kwargs)
    x = seed.normal(size=(B, T, D)).astype("float32")
    a, b = numpy(ours(x, mask=MASKS[mask])), numpy(theirs(x, mask=MASKS[mask]))
    keras.tree.map_structure(lambda p, q: np.testing.assert_allclose(p, q, rtol=1e-5, atol=1e-5), a, b)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("kwargs", [{}, {"return_sequences": True}, {"go_backwards": True}], ids=str)
def test_gradients_equal_keras(kwargs, mask, seed):
    ours, theirs = twins(shape=(None, T, D), **kwargs)
    x = seed.normal(size=(B, T, D)).astype("float32")
    y = seed.normal(size=(B, T, H) if kwargs.get("return_sequences") else (B, H)).astype("float32")
    for a, b in zip(one_step_gradients(ours, x, y, MASKS[mask]), one_step_gradients(theirs, x, y, MASKS[mask])):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(batch=st.integers(1, 4), steps=st.integers(1, 9), features=st.integers(1, 4))
def test_any_shape(batch, steps, features):
    ours, theirs = twins(features, return_sequences=True)
    x = np.random.default_rng(0).normal(size=(batch, steps, features)).astype("float32")
    np.testing.assert_allclose(numpy(ours(x)), numpy(theirs(x)), rtol=1e-5, atol=1e-5)


def test_initial_state_receives_its_gradient(seed):
    h0 = keras.Input((H,))
    x = keras.Input((T, D))
    encoder = keras.layers.Dense(H)
    models = []
    for layer in twins():
        model = keras.Model([x, h0], layer(x, initial_state=encoder(h0)))
        model.compile(keras.optimizers.SGD(1.0), "mse")
        models.append(model)
    data = [seed.normal(size=(B, T, D)).astype("float32"), seed.normal(size=(B, H)).astype("float32")]
    start = encoder.get_weights()
    after = []
    for model in models:
        encoder.set_weights(start)
        model.train_on_batch(data, np.zeros((B, H), "float32"))
        after.append(encoder.get_weights())
    assert np.max(np.abs(after[0][0] - start[0])) > 1e-4
    for a, b in zip(*after):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_inputs_receive_their_gradient(seed):
    embedding = keras.layers.Embedding(7, D)
    tokens = keras.Input((T,), dtype="int32")
    model = keras.Model(tokens, SimpleRNN(H)(embedding(tokens)))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = embedding.get_weights()[0].copy()
    model.train_on_batch(seed.integers(0, 7, (B, T)), np.ones((B, H), "float32"))
    assert np.max(np.abs(embedding.get_weights()[0] - before)) > 1e-4


def test_stateful_carries_the_state_over(seed):
    x = seed.normal(size=(B, T, D)).astype("float32")
    whole = SimpleRNN(H)
    whole.build((B, T, D))
    parts = SimpleRNN(H, stateful=True)
    parts.build((B, T // 2, D))
    parts.set_weights(whole.get_weights())
    for _ in range(2):  # the second round shows that reset_states forgets
        parts.reset_states()
        parts(x[:, : T // 2])
        np.testing.assert_allclose(numpy(parts(x[:, T // 2 :])), numpy(whole(x)), rtol=1e-5, atol=1e-6)


def test_stateful_layers_train(seed):
    model = keras.Sequential([keras.Input((T, D), batch_size=B), SimpleRNN(H, stateful=True), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = seed.normal(size=(B * 5, T, D)).astype("float32")
    loss = model.fit(x, x[:, -1, :1], batch_size=B, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert loss[-1] < loss[0]


def test_the_learned_initial_state_is_learned():
    inputs = keras.Input((1, 1))
    layer = SimpleRNN(1, learn_initial_state=True)
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    zeros = np.zeros((8, 1, 1), "float32")
    model.fit(zeros, np.full((8, 1), 0.5, "float32"), epochs=100, verbose=0)
    assert abs(numpy(layer.cell.initial_state.value)[0]) > 0.1


def test_mask_from_an_embedding(seed):
    model = keras.Sequential([keras.layers.Embedding(9, D, mask_zero=True), SimpleRNN(H)])
    tokens = seed.integers(1, 9, (B, 4))
    padded = np.concatenate([tokens, np.zeros((B, 5), int)], axis=1)
    np.testing.assert_allclose(numpy(model(tokens)), numpy(model(padded)), rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_batches_of_other_sizes_and_lengths(jit_compile, seed):
    tokens = keras.Input((None,), dtype="int32")
    model = keras.Model(tokens, SimpleRNN(H)(keras.layers.Embedding(9, D, mask_zero=True)(tokens)))
    model.compile("sgd", "mse", jit_compile=jit_compile)
    for batch, steps in ((4, 6), (4, 9), (7, 6), (2, 11)):
        x = seed.integers(0, 9, (batch, steps))
        y = np.zeros((batch, H), "float32")
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])
        np.testing.assert_allclose(model.predict(x, verbose=0), numpy(model(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("zero_output_for_mask", [False, True])
def test_what_padded_steps_put_out(zero_output_for_mask, seed):
    ours, theirs = twins(return_sequences=True, zero_output_for_mask=zero_output_for_mask)
    x = seed.normal(size=(B, T, D)).astype("float32")
    out = numpy(ours(x, mask=MASKS["right"]))
    np.testing.assert_allclose(out, numpy(theirs(x, mask=MASKS["right"])), rtol=1e-5, atol=1e-5)
    assert np.all(out[3, 1:] == (0 if zero_output_for_mask else out[3, 0]))


def test_save_and_load(tmp_path, seed):
    inputs = keras.Input((None, D))
    layer = SimpleRNN(H, activation="relu", kernel_regularizer="l2", recurrent_constraint="unit_norm", name="memory")
    model = keras.Model(inputs, keras.layers.Bidirectional(layer)(inputs))
    x = seed.normal(size=(B, T, D)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(model(x)))
    assert loaded.layers[-1].forward_layer.get_config()["activation"] == "relu"


def test_the_cell_runs_in_the_layer_of_keras(seed):
    ours, _ = twins(return_sequences=True)
    keras_rnn = keras.layers.RNN(ours.cell, return_sequences=True)
    x = seed.normal(size=(B, T, D)).astype("float32")
    np.testing.assert_allclose(numpy(keras_rnn(x)), numpy(ours(x)), rtol=1e-5, atol=1e-6)


def test_a_cell_with_step_gradient_is_trained_by_bptt(monkeypatch, seed):
    calls = []
    monkeypatch.setattr(layers, "bptt", lambda *a, f=layers.bptt: calls.append(a[0]) or f(*a))
    x = seed.normal(size=(B, T, D)).astype("float32")
    for kwargs, expected in (({}, 1), ({"activation": "gelu"}, 0), ({"unroll": True}, 0)):
        calls.clear()
        SimpleRNN(H, **kwargs)(x)
        assert len(calls) == expected, kwargs


def test_unknown_arguments_are_named():
    with pytest.raises(ValueError, match="kernel_initialiser"):
        SimpleRNN(3, kernel_initialiser="zeros")
