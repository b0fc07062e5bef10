"""The layers against `keras.layers` and `torch.nn`: outputs, states and gradients, on every argument they share."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import bptt, cells, layers
from rnn_course.layers import GRU, LSTM, RNN, SimpleRNN
from tests import reference
from tests.reference import gradients, numpy, relative_error
from tests.test_cells import CELLS, built

B, T, D, H = 4, 6, 3, 5
LAYERS = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
BACKEND = keras.backend.backend()
KERAS = tuple(int(part) for part in keras.__version__.split(".")[:2])

# Padding at the end, at the start and in the middle, and a row that is nothing else.
PADDED = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 0, 1], [0] * T], bool)
MASKS = {"none": None, "padded": PADDED}


def twins(name, features=D, shape=None, **kwargs):
    """Our layer and Keras's, with the same random weights."""
    plain = {} if name == "SimpleRNN" else {"use_cudnn": False}  # Keras's other path on JAX trips over JAX_ENABLE_X64
    ours, theirs = LAYERS[name](H, **kwargs), getattr(keras.layers, name)(H, **kwargs, **plain)
    for layer in (ours, theirs):
        layer.build(shape or (None, None, features))
    rng = np.random.default_rng(5)
    theirs.set_weights([0.5 * rng.normal(size=w.shape) for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def data(seed, *shape, dtype="float32"):
    return seed.normal(size=shape).astype(dtype)


def assert_equal(a, b, rtol=1e-5, atol=1e-5):
    keras.tree.map_structure(lambda p, q: np.testing.assert_allclose(p, q, rtol=rtol, atol=atol), numpy(a), numpy(b))


def layer_gradients(layer, x, mask=None, states=None):
    """Gradients of a loss that weighs every output and state, by the inputs, the first states and the weights."""
    given = [keras.Variable(a) for a in (x, *(states or []))]

    def loss():
        x, *first = (ops.convert_to_tensor(v) + 0 for v in given)
        out = layer(x, mask=mask, initial_state=first or None)
        return sum(ops.sum(ops.sin(o + k)) for k, o in enumerate(keras.tree.flatten(out)))

    return gradients(loss, given + layer.trainable_variables)


OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"go_backwards": True, "return_sequences": True},
    {"unroll": True, "return_sequences": True},
    {"use_bias": False},
    {"activation": "relu"},
    {"activation": "gelu", "return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True},
]
GATED = [{"recurrent_activation": "hard_sigmoid"}]
CASES = [(name, options) for name in LAYERS for options in OPTIONS]
CASES += [(name, options) for name in ("LSTM", "GRU") for options in GATED]
CASES += [("GRU", {"reset_after": False}), ("GRU", {"reset_after": False, "return_sequences": True})]
CASES += [("LSTM", {"unit_forget_bias": False})]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_outputs_equal_keras(name, options, mask, seed):
    ours, theirs = twins(name, shape=(None, T, D), **options)
    x = data(seed, B, T, D)
    assert_equal(ours(x, mask=MASKS[mask]), theirs(x, mask=MASKS[mask]))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(
    ("name", "options"),
    [(n, o) for n in LAYERS for o in ({}, {"return_sequences": True, "return_state": True}, {"go_backwards": True})],
    ids=str,
)
def test_gradients_equal_keras(name, options, mask, seed):
    ours, theirs = twins(name, shape=(None, T, D), **options)
    x, states = data(seed, B, T, D), [data(seed, B, H) for _ in ours.cell.state_names]
    if MASKS[mask] is not None and BACKEND != "jax":
        states = []  # before a row's first step that counts, Keras puts out the first state on JAX, and zeros elsewhere
    found = layer_gradients(ours, x, MASKS[mask], states)
    for a, b in zip(found, layer_gradients(theirs, x, MASKS[mask], states), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=6, deadline=None)
@given(
    batch=st.integers(1, 4),
    steps=st.integers(1, 9),
    features=st.integers(1, 4),
    sequences=st.booleans(),
    state=st.booleans(),
    backwards=st.booleans(),
)
def test_any_shape_and_option(name, batch, steps, features, sequences, state, backwards):
    options = {"return_sequences": sequences, "return_state": state, "go_backwards": backwards}
    ours, theirs = twins(name, features, **options)
    x = data(np.random.default_rng(0), batch, steps, features)
    assert_equal(ours(x), theirs(x))


@pytest.mark.parametrize("name", LAYERS)
def test_the_torch_layer_with_converted_weights(name, seed):
    """Outputs, states and gradients equal those of `torch.nn`, in float64."""
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, {"SimpleRNN": "RNN"}.get(name, name))(D, H, batch_first=True, dtype=torch.float64)
    W_x, W_h, b_x, b_h = (w.detach().numpy() for w in theirs.parameters())
    ours = LAYERS[name](H, return_sequences=True, dtype="float64")
    ours.build((None, None, D))
    if name == "GRU":  # torch has the gates in the order r, z, n
        order = [1, 0, 2]
        W_x, W_h, b_x, b_h = (np.concatenate([np.split(w, 3)[k] for k in order]) for w in (W_x, W_h, b_x, b_h))
    ours.set_weights([W_x.T, W_h.T, np.stack([b_x, b_h]) if name == "GRU" else b_x + b_h])
    x = data(seed, B, T, D, dtype="float64")
    found = numpy(ours(reference.tensor(x)))
    x_variable = keras.Variable(x, dtype="float64")
    (d_x,) = gradients(lambda: ops.sum(ours(ops.convert_to_tensor(x_variable) + 0) ** 2), [x_variable])
    x = torch.tensor(x, requires_grad=True)
    expected, _ = theirs(x)
    torch.sum(expected**2).backward()
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d_x, x.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["simple", "lstm", "gru", "gru before"])
@pytest.mark.parametrize("mask", MASKS)
def test_float64_equals_numpy(name, mask, seed):
    cell = built(name, H, D, dtype="float64")
    layer = RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    x = data(seed, B, T, D, dtype="float64")
    hidden, *final = numpy(layer(reference.tensor(x), mask=MASKS[mask]))
    zeros = [np.zeros((B, H)) for _ in final]
    expected = reference.run(CELLS[name][2], x, zeros, cell.get_weights(), MASKS[mask])
    for a, b in zip([hidden, *final], [expected[0], *expected[1]], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_the_signature_is_that_of_keras(name):
    ours, theirs = inspect.signature(LAYERS[name]), inspect.signature(getattr(keras.layers, name))
    assert list(ours.parameters) == list(theirs.parameters)
    call = inspect.signature(LAYERS[name].call), inspect.signature(getattr(keras.layers, name).call)
    assert list(call[0].parameters) == list(call[1].parameters)
    by_position = LAYERS[name](3, "relu")
    assert by_position.get_config()["activation"] == "relu"
    assert (by_position.units, by_position.dropout, by_position.use_bias) == (3, 0.0, True)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, dtype, seed):
    ours, _ = twins(name, return_sequences=True, dtype=dtype)
    exact, _ = twins(name, return_sequences=True)
    x = data(seed, B, T, D)
    assert keras.backend.standardize_dtype(ours(x).dtype) == dtype.removeprefix("mixed_")
    assert all(keras.backend.standardize_dtype(w.dtype) == "float32" for w in ours.weights)
    # bfloat16 keeps 8 bits, float16 11; six steps add up their roundings
    tolerance = {"mixed_bfloat16": 0.1, "mixed_float16": 0.02}[dtype]
    assert_equal(ops.cast(ours(x), "float32"), exact(x), atol=tolerance)
    for a, b in zip(layer_gradients(ours, x), layer_gradients(exact, x), strict=True):
        assert relative_error(a.astype("float64"), b) < tolerance


def test_gradients_are_summed_in_float32():
    """1000 shares of 1/1024 make 0.98. In bfloat16 the sum would stick at 0.25: a share is half a bit there."""
    weights = ops.zeros((1, 1), dtype="bfloat16"), ()
    sums = bptt.zero_sums(weights)
    for _ in range(1000):
        sums = bptt.add(sums, [ops.full((1, 1), 2.0**-10, dtype="bfloat16")])
    (total,) = bptt.as_weights(sums, weights)
    assert keras.backend.standardize_dtype(total.dtype) == "bfloat16"
    assert abs(float(total[0, 0]) - 1000 / 1024) < 0.01


@pytest.mark.parametrize("name", LAYERS)
def test_inputs_receive_their_gradient(name, seed):
    embedding = keras.layers.Embedding(7, D)
    tokens = keras.Input((T,), dtype="int32")
    model = keras.Model(tokens, LAYERS[name](H)(embedding(tokens)))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = embedding.get_weights()[0].copy()
    model.train_on_batch(seed.integers(0, 7, (B, T)), np.ones((B, H), "float32"))
    assert np.max(np.abs(embedding.get_weights()[0] - before)) > 1e-4


@pytest.mark.parametrize("name", LAYERS)
def test_stateful_carries_the_state_over(name, seed):
    x = data(seed, B, T, D)
    whole = LAYERS[name](H)
    whole.build((B, T, D))
    parts = LAYERS[name](H, stateful=True)
    parts.build((B, T // 2, D))
    parts.set_weights(whole.get_weights())
    for _ in range(2):  # the second round shows that reset_states forgets
        parts.reset_states()
        parts(x[:, : T // 2])
        assert_equal(parts(x[:, T // 2 :]), whole(x))


@pytest.mark.parametrize("name", LAYERS)
def test_stateful_layers_train(name, seed):
    model = keras.Sequential([keras.Input((T, D), batch_size=B), LAYERS[name](H, stateful=True), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x = data(seed, B * 5, T, D)
    loss = model.fit(x, x[:, -1, :1], batch_size=B, epochs=4, shuffle=False, verbose=0).history["loss"]
    assert loss[-1] < loss[0]


def test_stateful_needs_a_batch_size():
    with pytest.raises(ValueError, match="batch size"):
        LSTM(H, stateful=True).build((None, T, D))


def test_the_learned_initial_state_is_learned():
    inputs = keras.Input((1, 1))
    layer = SimpleRNN(1, learn_initial_state=True)
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    zeros = np.zeros((8, 1, 1), "float32")
    model.fit(zeros, np.full((8, 1), 0.5, "float32"), epochs=100, verbose=0)
    assert abs(numpy(layer.cell.initial_states[0].value)[0]) > 0.1


def test_mask_from_an_embedding(seed):
    model = keras.Sequential([keras.layers.Embedding(9, D, mask_zero=True), GRU(H)])
    tokens = seed.integers(1, 9, (B, 4))
    padded = np.concatenate([tokens, np.zeros((B, 5), int)], axis=1)
    assert_equal(model(tokens), model(padded))


@pytest.mark.parametrize("options", [{}, {"checkpoint": "sqrt"}, {"truncate": 4}], ids=str)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_batches_of_other_sizes_and_lengths(jit_compile, options, seed):
    tokens = keras.Input((None,), dtype="int32")
    model = keras.Model(tokens, LSTM(H, **options)(keras.layers.Embedding(9, D, mask_zero=True)(tokens)))
    model.compile("sgd", "mse", jit_compile=jit_compile and BACKEND != "torch")
    for batch, steps in ((4, 6), (7, 9)):
        x = seed.integers(0, 9, (batch, steps))
        y = np.zeros((batch, H), "float32")
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])
        assert_equal(model.predict(x, verbose=0), model(x))


@pytest.mark.parametrize("options", [{}, {"checkpoint": "sqrt"}, {"truncate": 4}], ids=str)
def test_inside_a_model_whose_sizes_are_not_known_when_it_is_put_together(options, seed):
    class Inner(keras.Model):
        def __init__(self):
            super().__init__()
            self.stack = [keras.layers.Embedding(9, D, mask_zero=True), LSTM(H, return_sequences=True, **options)]

        def call(self, tokens):
            return self.stack[1](self.stack[0](tokens), mask=keras.ops.not_equal(tokens, 0))

    tokens = keras.Input((None,), dtype="int32")
    inner = Inner()
    model = keras.Model(tokens, inner(tokens))
    assert model.output_shape == (None, None, H)
    x = seed.integers(0, 9, (B, 5))
    assert_equal(model(x), inner(x))


@pytest.mark.skipif(KERAS < (3, 15), reason="earlier versions share one recurrent mask among the gates")
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.3, 0.3)], ids=str)
def test_dropout_in_distribution(name, rates, seed):
    """Mean and spread of the outputs over many draws equal those of Keras; without training nothing is dropped."""
    rows = 4000
    options = {"dropout": rates[0], "recurrent_dropout": rates[1], "seed": 3}
    ours, theirs = twins(name, **options)
    x = np.repeat(data(seed, 1, 4, D), rows, axis=0)
    a, b = numpy(ours(x, training=True)), numpy(theirs(x, training=True))
    # standard errors over 4000 draws: of a mean s/63, of a standard deviation s/89; five of each
    error = 5 * np.sqrt(a.var(0) / rows + b.var(0) / rows)
    assert np.all(np.abs(a.mean(0) - b.mean(0)) < error + 1e-3)
    np.testing.assert_allclose(a.std(0), b.std(0), rtol=0.1, atol=1e-3)
    # units vary together as theirs do: each gate has masks of its own, or one is shared
    np.testing.assert_allclose(np.cov(a.T), np.cov(b.T), atol=0.1 * np.cov(b.T).max())
    assert a.std(0).max() > 0.05
    assert_equal(ours(x), theirs(x))


@pytest.mark.parametrize("name", LAYERS)
def test_dropout_is_repeatable_by_seed(name, seed):
    x = data(seed, B, T, D)

    def draws(number):
        layer = LAYERS[name](H, dropout=0.4, recurrent_dropout=0.4, seed=number, kernel_initializer="ones")
        layer.build((B, T, D))
        layer.cell.recurrent_kernel.assign(0.1 * np.ones(layer.cell.recurrent_kernel.shape))
        return [numpy(layer(x, training=True)) for _ in range(2)]

    first, second = draws(1)
    assert np.any(first != second)
    np.testing.assert_array_equal(draws(1), [first, second])
    assert np.any(draws(2)[0] != first)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("initial", [False, True])
def test_dropout_trains(name, initial, seed):
    """Also where the masks are drawn in a loop that the backend compiles, with and without a given first state."""
    x = keras.Input((T, D))
    first = [keras.Input((H,)) for _ in range(2 if name == "LSTM" else 1)] if initial else []
    layer = LAYERS[name](H, dropout=0.2, recurrent_dropout=0.2, seed=1)
    model = keras.Model([x, *first], layer(x, initial_state=first or None))
    model.compile("sgd", "mse")
    inputs = [data(seed, B, T, D), *(data(seed, B, H) for _ in first)]
    losses = [model.train_on_batch(inputs, np.zeros((B, H), "float32")) for _ in range(3)]
    assert np.all(np.isfinite(losses))
    masks = []
    for _ in range(2):
        model(inputs, training=True)
        masks.append(numpy(layer.cell.dropout_masks(ops.convert_to_tensor(inputs[0][:, 0]))))
    assert any(np.any(a != b) for a, b in zip(*(keras.tree.flatten(m) for m in masks)))


@pytest.mark.parametrize(
    "wrapper", [lambda r: r, lambda r: keras.layers.Bidirectional(r)], ids=["alone", "bidirectional"]
)
@pytest.mark.parametrize("name", LAYERS)
def test_save_load_and_clone(name, wrapper, tmp_path, seed):
    inputs = keras.Input((None, D))
    layer = LAYERS[name](
        H,
        activation="relu",
        kernel_regularizer="l2",
        recurrent_constraint="unit_norm",
        truncate=3,
        dropout=0.1,
        name="memory",
    )
    model = keras.Model(inputs, wrapper(layer)(inputs))
    x = data(seed, B, T, D)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(model(x)))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(numpy(clone(x)), numpy(model(x)))
    config = getattr(loaded.layers[-1], "forward_layer", loaded.layers[-1]).get_config()
    assert (config["activation"], config["truncate"], config["dropout"]) == ("relu", 3, 0.1)


@pytest.mark.skipif(
    BACKEND != "tensorflow", reason="a SavedModel is TensorFlow's; other backends export through it or ONNX"
)
def test_export(tmp_path, seed):
    import tensorflow as tf

    model = keras.Sequential([keras.Input((None, D)), LSTM(H)])
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    for steps in (4, 7):
        x = data(seed, B, steps, D)
        assert_equal(served.serve(x), model(x))


@pytest.mark.parametrize("name", LAYERS)
def test_regularizers_and_constraints(name, seed):
    ours, theirs = twins(
        name,
        kernel_regularizer="l1",
        recurrent_regularizer="l2",
        bias_regularizer="l2",
        activity_regularizer=None if name == "SimpleRNN" else "l2",  # which keras.layers.SimpleRNN leaves out
        kernel_constraint="non_neg",
        bias_constraint="max_norm",
    )
    x = data(seed, B, T, D)
    ours(x), theirs(x)
    np.testing.assert_allclose(*(sorted(float(v) for v in layer.losses) for layer in (ours, theirs)), rtol=1e-5)
    assert [type(w.constraint) for w in ours.weights] == [type(w.constraint) for w in theirs.weights]


@pytest.mark.parametrize("name", LAYERS)
def test_in_the_containers_of_keras(name, seed):
    """Bidirectional, TimeDistributed, StackedRNNCells and `keras.layers.RNN` take our layers and cells as their own."""
    x = data(seed, B, 2, T, D)
    ours, theirs = twins(name, return_sequences=True)
    for wrap in (
        lambda layer: keras.layers.TimeDistributed(layer)(x),
        lambda layer: keras.layers.RNN(layer.cell, return_sequences=True)(x[:, 0]),
        lambda layer: RNN(layer.cell, return_sequences=True)(x[:, 0]),
    ):
        assert_equal(wrap(ours), wrap(theirs))
    both = [keras.layers.Bidirectional(type(layer).from_config(layer.get_config())) for layer in (ours, theirs)]
    stacks = [keras.layers.RNN(keras.layers.StackedRNNCells([c(H), c(4)])) for c in pair_of_cells(name)]
    for a, b in (both, stacks):
        a.build((B, T, D)), b.build((B, T, D))
        a.set_weights(b.get_weights())
        assert_equal(a(x[:, 0]), b(x[:, 0]))


def pair_of_cells(name):
    return getattr(cells, f"{name}Cell"), getattr(keras.layers, f"{name}Cell")


def test_in_a_subclassed_model(seed):
    class Reader(keras.Model):
        def __init__(self):
            super().__init__()
            self.memory, self.output_layer = GRU(H), keras.layers.Dense(1)

        def call(self, x):
            return self.output_layer(self.memory(x))

    model = Reader()
    model.compile(keras.optimizers.Adam(0.05), "mse")
    x = data(seed, 64, T, D)
    loss = model.fit(x, x[:, 0, :1], epochs=20, verbose=0).history["loss"]
    assert loss[-1] < 0.7 * loss[0]


def test_cells_with_dropout_in_the_layer_of_keras(seed):
    x = data(seed, B, T, D)
    layer = keras.layers.RNN(cells.LSTMCell(H, dropout=0.5, recurrent_dropout=0.5, seed=1))
    model = keras.Sequential([keras.Input((T, D)), layer])
    model.compile("sgd", "mse")
    assert np.isfinite(model.train_on_batch(x, np.zeros((B, H), "float32")))
    first, second = (numpy(layer(x, training=True)) for _ in range(2))
    assert np.any(first != second)


class Doubled(cells.Cell):
    """What a learner writes: an equation, and nothing else."""

    def step(self, x_part, states, weights):
        (h,), (W_h, b) = states, weights
        h_new = ops.tanh(2 * (x_part + h @ W_h + b))
        return (h_new,), ()


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_with_a_step_alone(truncate, mask, backwards, seed):
    """It trains by automatic differentiation, to the numbers that the gradient worked out by hand gives."""

    class ByHand(Doubled):
        def step(self, x_part, states, weights):
            (h,) = states
            (new,), _ = super().step(x_part, states, weights)
            return (new,), (h, new)

        def step_gradient(self, d_states, saved, weights):
            da = 2 * d_states[0] * (1 - saved[1] ** 2)
            return (da @ ops.transpose(weights[0]),), (da,)

        weight_gradients = cells.SimpleRNNCell.weight_gradients

    x, found = data(seed, B, T, D), []
    for cls, way in ((Doubled, "automatic differentiation"), (ByHand, "bptt")):
        layer = RNN(cls(H), return_sequences=True, go_backwards=backwards, truncate=truncate)
        layer.build((B, T, D))
        rng = np.random.default_rng(1)
        layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
        found.append([numpy(layer(x, mask=MASKS[mask])), *layer_gradients(layer, x, MASKS[mask])])
        assert layer.backprop == way
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "call", "expected"),
    [
        ("LSTM", {}, {}, "torch.lstm"),
        ("GRU", {}, {}, "torch.gru"),
        ("SimpleRNN", {}, {}, "torch.rnn_tanh"),
        ("SimpleRNN", {"activation": "relu"}, {}, "torch.rnn_relu"),
        ("LSTM", {"dropout": 0.2}, {"training": True}, "torch.lstm"),
        ("LSTM", {"recurrent_dropout": 0.2}, {}, "torch.lstm"),
        ("LSTM", {}, {"mask": PADDED}, "bptt"),
        ("LSTM", {"checkpoint": "sqrt"}, {}, "bptt"),
        ("LSTM", {"truncate": 3}, {}, "bptt"),
        ("GRU", {"reset_after": False}, {}, "bptt"),
        ("LSTM", {"activation": "relu"}, {}, "bptt"),
        ("LSTM", {"recurrent_dropout": 0.2}, {"training": True}, "automatic differentiation"),
        ("LSTM", {"unroll": True}, {}, "automatic differentiation"),
        ("LSTM", {"activation": "gelu"}, {}, "automatic differentiation"),
    ],
    ids=str,
)
def test_backprop_says_which_way_was_used(name, options, call, expected, seed):
    layer = LAYERS[name](H, **options)
    assert layer.backprop is None
    layer(data(seed, B, T, D), **call)
    on_torch = BACKEND == "torch" or not expected.startswith("torch")
    assert layer.backprop == (expected if on_torch else "bptt")


@pytest.mark.parametrize("name", LAYERS)
def test_torch_ops_and_our_own_backward_pass_agree(name, seed):
    """On PyTorch the first is PyTorch's op, the second ours; elsewhere both are ours."""
    x, states = data(seed, B, T, D), [data(seed, B, H) for _ in range(2 if name == "LSTM" else 1)]
    found = []
    for options in ({}, {"checkpoint": "sqrt"}):
        layer, _ = twins(name, return_sequences=True, return_state=True, go_backwards=True)
        layer = LAYERS[name].from_config(layer.get_config() | options)
        layer.build((B, T, D))
        layer.set_weights(twins(name)[0].get_weights())
        found.append([*numpy(layer(x, initial_state=[ops.convert_to_tensor(s) for s in states]))])
        found[-1] += layer_gradients(layer, x, None, states)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


WRONG = {
    "units": (lambda: LSTM(0), "`units` must be a positive whole number"),
    "unknown argument": (lambda: SimpleRNN(3, kernel_initialiser="zeros"), "kernel_initialiser"),
    "unknown activation": (lambda: GRU(3, "tanhh"), "tanhh"),
    "cudnn": (lambda: GRU(3, use_cudnn=True), "`use_cudnn` must be 'auto' or False"),
    "truncate": (
        lambda: GRU(3, truncate=0),
        "`truncate` must be a positive whole number; received truncate=0",
    ),
    "truncate, stacked": (
        lambda: RNN(keras.layers.StackedRNNCells([cells.LSTMCell(3)]), truncate=3),
        "`truncate` needs a single cell",
    ),
    "checkpoint": (lambda: GRU(3, checkpoint="log"), "`checkpoint` must be None or 'sqrt'; received checkpoint='log'"),
    "2-D input": (lambda: LSTM(H)(np.ones((B, D))), r"\(batch, steps, features\); received inputs of shape \(4, 3\)"),
    "number of states": (
        lambda: LSTM(H)(np.ones((B, T, D)), initial_state=[np.ones((B, H))]),
        "has 2 states, so `initial_state` must have as many; received 1",
    ),
    "shape of a state": (
        lambda: GRU(H)(np.ones((B, T, D)), initial_state=[np.ones((B, H + 1))]),
        r"each initial state to have shape \(batch, units\), here \(4, 5\); received a state of shape \(4, 6\)",
    ),
    "length of a mask": (
        lambda: GRU(H)(np.ones((B, T, D)), mask=np.ones((B, T + 1), bool)),
        r"a mask of shape \(batch, steps\), here \(4, 6\); received a mask of shape \(4, 7\)",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_named(mistake):
    do, message = WRONG[mistake]
    with pytest.raises(ValueError, match=message):
        do()


def test_too_many_positions():
    with pytest.raises(TypeError, match="LSTM takes at most"):
        LSTM(3, *range(40))


def test_a_cell_with_a_step_alone_truncates_any_length(seed):
    layer = RNN(Doubled(H), truncate=3)
    inputs = keras.Input((None, D))
    model = keras.Model(inputs, layer(inputs))
    for steps in (2, 7):
        x = data(seed, B, steps, D)
        assert_equal(model(x), keras.layers.RNN(layer.cell)(x))


def test_every_layer_is_offered():
    assert all(getattr(layers, name) for name in LAYERS)
