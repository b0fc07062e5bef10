"""Linear recurrences: both scans against a loop in float64 NumPy, the layers against the papers' equations."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course.gradients import check, gradient
from rnn_course.linear import LRU, LRUCell, MinGRU, MinGRUCell, MinLSTM, linear_scan
from tests.reference import central_difference, relative_error

B, T, D, H = 4, 7, 3, 5
BACKEND = keras.backend.backend()
LAYERS = pytest.mark.parametrize("layer", [MinGRU, MinLSTM, LRU])
SCANS = pytest.mark.parametrize("scan", ["loop", "parallel"])
SIZES = st.integers(1, 4)


def numpy(x):
    return keras.tree.map_structure(ops.convert_to_numpy, x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recurrence(a, b, h):
    """All states of h_t = a_t h_{t-1} + b_t, time first, one step at a time."""
    states = []
    for a_t, b_t in zip(a, b):
        h = a_t * h + b_t
        states.append(h)
    return np.array(states)


def min_gru(x, kernel, bias):
    z, candidate = np.split(x @ kernel + bias, 2, axis=-1)
    return recurrence(1 - sigmoid(z), sigmoid(z) * candidate, 0)


def min_lstm(x, kernel, bias):
    i, f, candidate = np.split(x @ kernel + bias, 3, axis=-1)
    i, f = sigmoid(i), sigmoid(f)
    return recurrence(f / (f + i), i / (f + i) * candidate, 0)


def lru(x, nu, theta, gamma, kernel, output_kernel, skip):
    N = len(nu)
    B = kernel[:, :N] + 1j * kernel[:, N:]
    C = output_kernel[:N] + 1j * output_kernel[N:]
    eigenvalues = np.exp(-np.exp(nu) + 1j * np.exp(theta))
    states = recurrence(np.broadcast_to(eigenvalues, (len(x), N)), np.exp(gamma) * (x @ B), 0)
    return (states @ C).real + x @ skip


EQUATIONS = {MinGRU: min_gru, MinLSTM: min_lstm, LRU: lru}


def problem(T, B, H, parts, dtype="float32"):
    """Coefficients a and b, a first state and the weights of a loss, each a tuple of ``parts`` arrays."""
    rng = np.random.default_rng([T, B, H, parts])
    shapes = ((T, B, H), (T, B, H), (B, H), (T, B, H))
    return [tuple(rng.uniform(-0.9, 0.9, shape).astype(dtype) for _ in range(parts)) for shape in shapes]


def number(parts):
    return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]


def scanned_loss(upstream, scan, parts):
    """The loss of `linear_scan` as a function of the parts of a, b and the first state."""

    def loss(*at):
        states = linear_scan(at[:parts], at[parts : 2 * parts], at[2 * parts :], scan)
        return ops.sum(sum(h * ops.convert_to_tensor(u, dtype=h.dtype) for h, u in zip(states, upstream)))

    return loss


@SCANS
@settings(max_examples=6, deadline=None)
@given(T=st.integers(1, 20), B=SIZES, H=SIZES, parts=st.integers(1, 2))
def test_the_scan_is_the_recurrence(scan, T, B, H, parts):
    a, b, h0, _ = problem(T, B, H, parts)
    states = numpy(linear_scan(*(tuple(map(ops.convert_to_tensor, x)) for x in (a, b, h0)), scan))
    # |a| is below 1.3, so at most 20 steps enlarge float32's 6e-8 to about 1e-5 of the largest state
    assert relative_error(number(states), recurrence(number(a), number(b), number(h0))) < 1e-5


@SCANS
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("T", [1, 7, 8])
def test_gradients_equal_finite_differences(scan, parts, T):
    if scan == "parallel" and BACKEND == "torch":
        pytest.skip("Keras 3.15 computes associative_scan in float32 on PyTorch")
    a, b, h0, upstream = problem(T, 2, 3, parts, "float64")
    arrays = [*a, *b, *h0]
    derived = gradient(scanned_loss(upstream, scan, parts), *arrays)

    def loss():
        states = recurrence(number(a), number(b), number(h0))
        return np.sum(number(upstream).conj() * states).real

    for d, array in zip(derived, arrays):
        assert relative_error(ops.convert_to_numpy(d), central_difference(loss, array)) < 1e-6


@settings(max_examples=6, deadline=None)
@given(T=st.integers(1, 20), parts=st.integers(1, 2))
def test_both_scans_have_the_same_gradients(T, parts):
    a, b, h0, upstream = problem(T, 2, 3, parts)
    loop, parallel = (gradient(scanned_loss(upstream, scan, parts), *a, *b, *h0) for scan in ("loop", "parallel"))
    for p, q in zip(numpy(loop), numpy(parallel)):
        assert relative_error(p, q) < 1e-5


@LAYERS
@SCANS
def test_the_layers_are_the_equations(layer, scan, seed):
    ours = layer(H, return_sequences=True, scan=scan)
    x = seed.normal(size=(B, T, D)).astype("float32")
    ours(x)
    weights = [w + 0.1 * seed.normal(size=w.shape) for w in ours.get_weights()]
    ours.set_weights(weights)
    expected = np.swapaxes(EQUATIONS[layer](np.swapaxes(x, 0, 1), *weights), 0, 1)
    assert relative_error(numpy(ours(x)), expected) < 1e-5


@LAYERS
@SCANS
def test_weight_gradients_equal_finite_differences(layer, scan, seed):
    if layer is LRU and BACKEND == "jax":
        pytest.skip("Keras 3.15 computes sin and cos of float64 in float32 on JAX")
    if scan == "parallel" and BACKEND == "torch":
        pytest.skip("Keras 3.15 computes associative_scan in float32 on PyTorch")
    errors = check(layer(2, scan=scan, dtype="float64"), seed.normal(size=(2, 4, 2)))
    assert len(errors) > 2 and max(errors.values()) < 1e-6, errors


@LAYERS
def test_the_cell_takes_one_step_at_a_time(layer, seed):
    ours = layer(H, return_sequences=True, return_state=True)
    x = seed.normal(size=(B, T, D)).astype("float32")
    outputs, *states = numpy(ours(x))
    by_steps, *last = numpy(keras.layers.RNN(ours.cell, return_sequences=True, return_state=True)(x))
    for p, q in zip((outputs, *states), (by_steps, *last), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-5, atol=1e-5)


@LAYERS
@SCANS
def test_masked_steps_might_as_well_not_be_there(layer, scan, seed):
    """Those at the end, at the start and in the middle."""
    ours = layer(H, return_state=True, scan=scan)
    sequences = layer(H, return_sequences=True, zero_output_for_mask=True, scan=scan)
    x = seed.normal(size=(B, T, D)).astype("float32")
    ours(x), sequences(x)
    sequences.set_weights(ours.get_weights())
    mask = np.array([[1] * 7, [1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 0, 1, 0]], bool)
    masked, zeroed = numpy(ours(x, mask=mask)), numpy(sequences(x, mask=mask))
    for n in range(B):
        kept = x[n : n + 1, mask[n]]
        for p, q in zip(masked, numpy(ours(kept)), strict=True):
            np.testing.assert_allclose(p[n], q[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(zeroed[n, mask[n]], numpy(sequences(kept))[0], rtol=1e-5, atol=1e-5)
        assert np.all(zeroed[n, ~mask[n]] == 0)


@LAYERS
def test_a_sequence_in_two_parts(layer, seed):
    ours = layer(H, return_state=True)
    x = seed.normal(size=(B, T, D)).astype("float32")
    whole = numpy(ours(x))
    _, *states = ours(x[:, :3])
    for p, q in zip(numpy(ours(x[:, 3:], initial_state=states)), whole, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-5, atol=1e-5)
    parts = layer(H, stateful=True)
    parts.build((B, 3, D))
    parts.set_weights(ours.get_weights())
    for _ in range(2):  # the second round shows that reset_state forgets
        parts.reset_state()
        parts(x[:, :3])
        np.testing.assert_allclose(numpy(parts(x[:, 3:])), whole[0], rtol=1e-5, atol=1e-5)


@LAYERS
def test_backwards(layer, seed):
    forward, backward = layer(H, return_sequences=True), layer(H, return_sequences=True, go_backwards=True)
    x = seed.normal(size=(B, T, D)).astype("float32")
    forward(x), backward(x)
    backward.set_weights(forward.get_weights())
    np.testing.assert_allclose(numpy(backward(x)), numpy(forward(x[:, ::-1])), rtol=1e-6, atol=1e-6)


@LAYERS
@SCANS
def test_training_with_jit(layer, scan, seed):
    if scan == "parallel" and BACKEND != "jax":
        pytest.skip("TensorFlow cannot compile the parallel scan; PyTorch's compiler takes minutes")
    if BACKEND == "torch":
        pytest.skip("PyTorch's compiler writes out every step of the loop, which takes minutes")
    tokens = keras.Input((None if scan == "loop" else T,), dtype="int32")
    hidden = layer(H, scan=scan)(keras.layers.Embedding(9, D, mask_zero=True)(tokens))
    model = keras.Model(tokens, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=True)
    x = seed.integers(0, 9, (16, T))
    y = (x[:, :1] > 4).astype("float32")
    loss = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert loss[-1] < 0.5 * loss[0]


@LAYERS
def test_any_batch_and_length(layer, seed):
    inputs = keras.Input((None, D))
    model = keras.Model(inputs, layer(H)(inputs))
    model.compile("sgd", "mse")
    for batch, steps in ((4, 6), (7, 9), (1, 1)):
        x = seed.normal(size=(batch, steps, D)).astype("float32")
        assert np.isfinite(model.fit(x, np.zeros((batch, H)), verbose=0).history["loss"][0])
        np.testing.assert_allclose(model.predict(x, verbose=0), numpy(model(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow cannot")
def test_what_tensorflow_cannot_do(seed):
    import tensorflow as tf

    unknown = tf.function(MinGRU(H, scan="parallel"), input_signature=[tf.TensorSpec((None, None, D))])
    with pytest.raises(ValueError, match="needs a known number of steps on TensorFlow"):
        unknown(tf.zeros((B, T, D)))

    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15):  # whose scan fails there even without jit
        return
    inputs = keras.Input((T, D))
    model = keras.Model(inputs, MinGRU(H, scan="parallel")(inputs))
    with pytest.warns(UserWarning, match="jit_compile"):
        model.compile("sgd", "mse", jit_compile=True)  # Keras says so, and trains it without
    model.fit(np.zeros((B, T, D)), np.zeros((B, H)), verbose=0)


@LAYERS
def test_save_and_load(layer, tmp_path, seed):
    inputs = keras.Input((None, D))
    ours = layer(H, scan="loop", return_sequences=True, dtype="mixed_bfloat16", name="memory")
    model = keras.Model(inputs, keras.layers.Bidirectional(ours)(inputs))
    x = seed.normal(size=(B, T, D)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(ops.cast(loaded(x), "float32")), numpy(ops.cast(model(x), "float32")))
    assert loaded.layers[-1].forward_layer.get_config() == model.layers[-1].forward_layer.get_config()


def test_every_argument_is_in_the_config():
    for layer, kwargs in (
        (MinGRU, {"use_bias": False, "kernel_initializer": "zeros", "go_backwards": True}),
        (MinLSTM, {"bias_initializer": "ones", "return_state": True, "zero_output_for_mask": True}),
        (LRU, {"state_units": 3, "r_min": 0.5, "r_max": 0.9, "max_phase": 1.0, "stateful": True}),
    ):
        ours = layer(H, scan="parallel", **kwargs)
        copy = layer.from_config(ours.get_config())
        assert copy.get_config() == ours.get_config()
        for name, value in kwargs.items():
            if "initializer" not in name:
                assert ours.get_config()[name] == value


@LAYERS
def test_half_precision(layer, seed):
    full = layer(H)
    x = seed.normal(size=(B, 200, D)).astype("float32")
    expected = numpy(full(x))
    half = layer(H, dtype="mixed_bfloat16")
    half.build(x.shape)
    half.set_weights(full.get_weights())
    out = half(x)
    assert keras.backend.standardize_dtype(out.dtype) == "bfloat16"
    # bfloat16 keeps 8 bits, 0.4%; a sum of a few such numbers may be off by some times that, but 200 steps add nothing
    assert relative_error(numpy(ops.cast(out, "float32")), expected) < 0.03


@settings(max_examples=6, deadline=None)
@given(D=SIZES, H=SIZES, N=SIZES, bias=st.booleans())
def test_parameter_counts(D, H, N, bias):
    for layer, expected in (
        (MinGRU(H, use_bias=bias), 2 * H * (D + bias)),
        (MinLSTM(H, use_bias=bias), 3 * H * (D + bias)),
        (LRU(H, state_units=N), 3 * N + 2 * N * (D + H) + D * H),
    ):
        layer.build((None, None, D))
        assert layer.count_params() == expected


def test_gates_that_are_shut_do_not_divide_by_zero():
    # both gates at sigmoid(-200), which is 0 in float32; equal gates share: h = 0.5 h + 0.5 candidate
    layer = MinLSTM(1, kernel_initializer="zeros", return_sequences=True)
    layer.build((None, None, 1))
    layer.set_weights([np.zeros((1, 3)), np.array([-200.0, -200.0, 1.0])])
    np.testing.assert_allclose(numpy(layer(np.zeros((1, 3, 1), "float32")))[0, :, 0], [0.5, 0.75, 0.875], rtol=1e-6)


def test_the_lru_starts_on_its_ring():
    cell = LRUCell(2, state_units=2000, r_min=0.2, r_max=0.9, max_phase=0.5)
    cell.build((None, 3))
    nu, theta, gamma = (w.numpy() for w in (cell.nu, cell.theta, cell.gamma))
    modulus, phase = np.exp(-np.exp(nu)), np.exp(theta)
    assert np.all((modulus > 0.2 - 1e-5) & (modulus < 0.9 + 1e-5) & (phase > 0) & (phase < 0.5))
    # uniform in area: the mean of r² is (0.04 + 0.81) / 2; of 2,000 the standard error is 0.22 / 45 = 0.005
    np.testing.assert_allclose(np.mean(modulus**2), 0.425, atol=0.025)
    np.testing.assert_allclose(np.exp(gamma), np.sqrt(1 - modulus**2), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MinGRU(0), "`units` must be a positive whole number; received units=0"),
        (lambda: MinLSTM(2.0), "`units` must be a positive whole number"),
        (lambda: MinGRUCell(True), "`units` must be a positive whole number"),
        (lambda: LRU(2, state_units=-1), "`state_units` must be a positive whole number"),
        (lambda: LRU(2, r_min=0.9, r_max=0.5), "received r_min=0.9, r_max=0.5"),
        (lambda: LRU(2, r_max=1.5), "`r_max` <= 1"),
        (lambda: LRU(2, max_phase=0), "`max_phase`"),
        (lambda: MinGRU(2, scan="tree"), "`scan` must be one of"),
        (lambda: MinGRU(2, recurrent_initializer="zeros"), "recurrent_initializer"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
