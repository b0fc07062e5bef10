"""Measures of gradients over time, against NumPy, PyTorch, theory and finite differences."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import gradients, layers
from rnn_course.gradients import check, flow, gradient, jacobians, norm_by_lag, singular_values
from rnn_course.linear import LRU

B, T, D, H = 2, 5, 3, 4
BACKEND = keras.backend.backend()
# Keras 3.15 computes tanh (on JAX) and matmul (on PyTorch) of float64 in float32, which is 6e-8 at best
DTYPE, PRECISION = ("float64", 1e-12) if BACKEND == "tensorflow" else ("float32", 1e-5)


def simple_rnn(units=H, W_h=None, **kwargs):
    """A layer with larger weights than Keras's, or with the given recurrent ones."""
    layer = keras.layers.SimpleRNN(units, bias_initializer="random_normal", dtype=DTYPE, **kwargs)
    layer.build((None, None, D))
    if W_h is not None:
        W_x, _, b = layer.get_weights()
        layer.set_weights([W_x, W_h, b])
    return layer


def hidden_states(x, W_x, W_h, b):
    """h_0 to h_T of one example."""
    h = [np.zeros(len(b))]
    for x_t in x:
        h.append(np.tanh(x_t @ W_x + h[-1] @ W_h + b))
    return np.array(h)


def orthogonal(rng, units):
    return np.linalg.qr(rng.normal(size=(units, units)))[0]


# --- derivatives ------------------------------------------------------------------------------------------------------


def test_gradient_of_a_known_function(seed):
    x, y, z = (seed.normal(size=(2, 3)) for _ in range(3))
    dx, dy, dz = gradient(lambda x, y, z: ops.sum(x * x * y), x, y, z)
    np.testing.assert_allclose(ops.convert_to_numpy(dx), 2 * x * y, rtol=1e-12)
    np.testing.assert_allclose(ops.convert_to_numpy(dy), x * x, rtol=1e-12)
    np.testing.assert_array_equal(ops.convert_to_numpy(dz), 0 * z)


@settings(max_examples=10, deadline=None)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_finite_differences_of_a_known_function(rows, columns):
    rng = np.random.default_rng([rows, columns])
    W, x = rng.normal(size=(rows, columns)), rng.normal(size=columns)
    dW, dx = gradients.finite_differences(lambda W, x: np.sum(np.sin(W @ x)), W, x)
    # ε² = 1e-12 from the curve, 1e-16 / ε = 1e-10 from rounding
    np.testing.assert_allclose(dW, np.outer(np.cos(W @ x), x), atol=1e-8)
    np.testing.assert_allclose(dx, W.T @ np.cos(W @ x), atol=1e-8)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras 3.15 is not in float64 throughout")
@pytest.mark.parametrize("layer", [keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU])
def test_gradients_of_keras_pass_the_check(layer, seed):
    errors = check(layer(3, dtype="float64"), seed.normal(size=(2, 4, 2)))
    assert len(errors) == 4 and "inputs" in errors
    assert max(errors.values()) < 1e-6


@pytest.mark.parametrize("layer", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_our_layers_pass_the_check(layer, seed):
    errors = check(layer(3, dtype="float64"), seed.normal(size=(2, 4, 2)))
    assert len(errors) == 4 and max(errors.values()) < 1e-6, errors


def test_check_finds_a_wrong_gradient(seed):
    class Wrong(keras.layers.Layer):
        def build(self, shape):
            self.right = self.add_weight(shape=(shape[-1],), name="right", initializer="ones")
            self.wrong = self.add_weight(shape=(shape[-1],), name="wrong", initializer="ones")

        def call(self, x):
            return x * self.right + x * (self.wrong + ops.stop_gradient(self.wrong))

    errors = check(Wrong(name="layer"), seed.normal(size=(2, 3, 2)).astype("float32"))
    # float32: rounding of 6e-8, enlarged by 1 / epsilon = 200 and by a sum of some terms, is far below 1e-2
    assert errors["layer/right"] < 1e-2 and errors["inputs"] < 1e-2
    assert errors["layer/wrong"] == pytest.approx(0.5, abs=0.01)  # half of it is missing


def test_flow_of_a_simple_network(seed):
    layer = simple_rnn()
    x = seed.normal(size=(1, T, D))
    W_x, W_h, b = layer.get_weights()
    h = hidden_states(x[0], W_x, W_h, b)
    delta, expected = np.ones(H), np.zeros(T)
    dW_h = np.zeros((H, H))
    for t in reversed(range(T)):
        da = delta * (1 - h[t + 1] ** 2)
        expected[t] = np.linalg.norm(W_x @ da)
        dW_h += np.outer(h[t], da)
        delta = W_h @ da
    measured = flow(layer, x, loss=lambda outputs: outputs)
    np.testing.assert_allclose(measured.inputs[0], expected, rtol=100 * PRECISION)
    assert measured.weights[layer.cell.recurrent_kernel.path] == pytest.approx(
        np.linalg.norm(dW_h), rel=100 * PRECISION
    )


def test_flow_of_a_model(seed):
    x = seed.normal(size=(B, T, D)).astype("float32")
    forward = keras.layers.LSTM(H, return_sequences=True)
    model = keras.Sequential([keras.layers.Bidirectional(forward), keras.layers.Dense(1)])
    first = flow(model, x, loss=lambda outputs: outputs[:, 0])
    assert first.inputs.shape == (B, T) and np.all(first.inputs > 0)  # the layer that reads backwards has seen them all
    assert list(first.weights) == [w.path for w in model.trainable_variables]
    causal = flow(keras.Sequential([forward]), x, loss=lambda outputs: outputs[:, 1])
    assert np.all(causal.inputs[:, :2] > 0) and np.all(causal.inputs[:, 2:] == 0)


# --- Jacobians --------------------------------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(B=st.integers(1, 3), T=st.integers(1, 4), H=st.integers(1, 4), backwards=st.booleans())
def test_jacobians_of_a_simple_network(B, T, H, backwards):
    layer = simple_rnn(H, go_backwards=backwards)
    x = np.random.default_rng([B, T, H]).normal(size=(B, T, D))
    W_x, W_h, b = layer.get_weights()
    measured = jacobians(layer, x)
    assert measured.shape == (B, T, H, H) and measured.dtype == "float64"
    for n in range(B):
        h = hidden_states(x[n, ::-1] if backwards else x[n], W_x, W_h, b)
        np.testing.assert_allclose(gradients.states(layer, x)[n], h, atol=PRECISION)
        for t in range(T):
            np.testing.assert_allclose(measured[n, t], np.diag(1 - h[t + 1] ** 2) @ W_h.T, atol=PRECISION)


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "stacked", "LRU"])
def test_jacobians_equal_finite_differences(kind, seed):
    if kind == "LRU":
        layer = LRU(3)
    elif kind == "stacked":
        layer = keras.layers.RNN([keras.layers.LSTMCell(2), keras.layers.GRUCell(3)])
    else:
        layer = getattr(keras.layers, kind)(3)
    x = seed.normal(size=(1, 3, D)).astype("float32")
    J, s = jacobians(layer, x), gradients.states(layer, x)[0]
    sizes = np.cumsum(keras.tree.flatten(layer.state_size))[:-1]
    for t in range(3):

        def after(before, t=t):
            parts = [p[None].astype("float32") for p in np.split(before, sizes)]
            return gradients.states(layer, x[:, t : t + 1], parts)[0, 1]

        for j in range(len(s[t])):
            e = np.zeros(len(s[t]))
            e[j] = 5e-3
            # float32: rounding of 6e-8 over 2 * 5e-3 is 1e-5, the curve gives as much
            np.testing.assert_allclose(J[0, t, :, j], (after(s[t] + e) - after(s[t] - e)) / 1e-2, atol=3e-4)


def test_the_initial_state_is_used(seed):
    layer, x = simple_rnn(), seed.normal(size=(B, T, D))
    h = gradients.states(layer, x)
    np.testing.assert_allclose(
        jacobians(layer, x[:, 3:], initial_state=[h[:, 3]]), jacobians(layer, x)[:, 3:], atol=10 * PRECISION
    )


# --- norms and spectra ------------------------------------------------------------------------------------------------


def test_norm_by_lag_is_the_norm_of_the_product(seed):
    layer, x = simple_rnn(W_h=seed.normal(size=(H, H))), seed.normal(size=(B, T, D))
    J, measured = jacobians(layer, x), norm_by_lag(layer, x)
    assert measured.shape == (B, T)
    for n in range(B):
        product = np.eye(H)
        for lag in range(T):
            np.testing.assert_allclose(measured[n, lag], np.linalg.svd(product)[1][0], rtol=1e-10)
            product = product @ J[n, T - 1 - lag]


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_an_orthogonal_linear_network_scales_the_gradient_by_its_radius_in_every_step(radius, seed):
    layer = simple_rnn(W_h=radius * orthogonal(seed, H), activation="linear")
    x = np.zeros((1, 500, D))
    lags = np.arange(500)
    for loss in (None, lambda h: h[:, 0]):
        measured = norm_by_lag(layer, x, loss=loss)[0]
        # each step is right to PRECISION, and errors add up; the smallest, 0.5^499 = 6e-151, is far below float32
        np.testing.assert_allclose(np.log(measured), lags * np.log(radius), atol=500 * PRECISION)
    logs = singular_values(jacobians(layer, x))
    np.testing.assert_allclose(logs[0], (lags[:, None] + 1) * np.log(radius) * np.ones(H), atol=500 * PRECISION)


def test_states_of_an_lstm_equal_pytorch(seed):
    """∂L/∂h_{T-k} and ∂L/∂c_{T-k} by torch.autograd, through torch.nn.LSTMCell with the same weights."""
    torch = pytest.importorskip("torch")
    layer = keras.layers.LSTM(H)
    layer.build((None, None, D))
    W_x, W_h, b = layer.get_weights()
    x = seed.normal(size=(B, T, D)).astype("float32")
    cell = torch.nn.LSTMCell(D, H).double()
    for name, value in (("weight_ih", W_x.T), ("weight_hh", W_h.T), ("bias_ih", b), ("bias_hh", 0 * b)):
        getattr(cell, name).data = torch.from_numpy(value.astype("float64"))  # the gates are in the same order, i f g o
    h, c = torch.zeros(B, H).double().requires_grad_(), torch.zeros(B, H).double()
    history = []
    for t in range(T):
        h, c = cell(torch.from_numpy(x[:, t]).double(), (h, c))
        h, c = h.clone(), c.clone()  # what the next step receives; h itself depends on c
        history.append((h, c))
    upstream = seed.normal(size=(B, H)).astype("float32")
    loss = torch.sum(history[-1][0] * torch.from_numpy(upstream))

    def measured(state):
        share = ops.convert_to_tensor(upstream)
        return norm_by_lag(layer, x, loss=lambda h: ops.sum(h * share), state=state)

    for lag in range(T):
        dh, dc = torch.autograd.grad(loss, history[T - 1 - lag], retain_graph=True, materialize_grads=True)
        whole = torch.cat([dh, dc], dim=1)
        for state, expected in ((0, dh), (1, dc), (None, whole)):
            np.testing.assert_allclose(measured(state)[:, lag], expected.norm(dim=1).numpy(), rtol=1e-4, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(steps=st.integers(1, 6), size=st.integers(1, 5))
def test_singular_values_of_short_products(steps, size):
    J = np.random.default_rng([steps, size]).normal(size=(2, steps, size, size))
    logs = singular_values(J)
    for n in range(2):
        product = np.eye(size)
        for t in range(steps):
            product = J[n, t] @ product
            expected = np.linalg.svd(product, compute_uv=False)
            # an ordinary SVD finds the small ones to 1e-16 of the largest
            np.testing.assert_allclose(np.exp(logs[n, t]), expected, rtol=1e-8, atol=1e-13 * expected[0])


def test_singular_values_of_long_products_that_are_known(seed):
    # J_t = Q_t diag(s) Q_{t-1}^T, so the product is Q_T diag(s^T) Q_0^T: from e^(+50) to e^(-693) after 500 steps
    s = np.exp([0.1, 0.05, -0.3, -0.9])
    Q = [orthogonal(seed, 4) for _ in range(501)]
    logs = singular_values(np.array([[after * s @ before.T for before, after in pairwise(Q)]]))
    # each step adds rounding of some 1e-16; the plain product has lost all but the first two after 100 steps
    np.testing.assert_allclose(logs[0], np.arange(1, 501)[:, None] * np.log(s), rtol=0, atol=1e-9)


def test_singular_values_multiply_to_the_determinant(seed):
    J = seed.normal(size=(1, 100, 40, 40)) / np.sqrt(40)
    logs = singular_values(J)
    np.testing.assert_allclose(logs.sum(-1)[0], np.cumsum(np.linalg.slogdet(J[0])[1]), rtol=0, atol=1e-7)
    inverse = np.linalg.inv(J[0])  # the smallest one of the product is the largest of the inverse's, turned round
    product, log_scale = np.eye(40), 0.0
    for step in inverse:
        product = product @ step
        norm = np.linalg.norm(product, 2)
        product, log_scale = product / norm, log_scale + np.log(norm)
    np.testing.assert_allclose(logs[0, -1, -1], -log_scale, rtol=1e-8)


def test_a_state_that_forgets_all(seed):
    J = seed.normal(size=(1, 3, 2, 2))
    J[0, 1] = 0
    logs = singular_values(J)[0]
    assert np.all(np.isfinite(logs[0])) and np.all(logs[1:] == -np.inf)


# --- recurrent weights ------------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(radius=st.floats(0.1, 3), units=st.integers(1, 8), gates=st.integers(1, 4))
def test_weights_of_a_chosen_spectral_radius(radius, units, gates):
    W = ops.convert_to_numpy(gradients.SpectralRadius(radius)((units, gates * units)))
    for gate in np.split(W, gates, axis=1):
        assert gradients.spectral_radius(gate) == pytest.approx(radius, rel=1e-3)  # an eigenvalue of float32 weights


def test_spectral_radius_of_known_matrices():
    assert gradients.spectral_radius(np.diag([0.5, -2.0])) == 2
    assert gradients.spectral_radius(np.array([[0, 3.0], [-3.0, 0]])) == pytest.approx(3)  # the eigenvalues are ±3i


def test_the_initializer_is_saved_with_the_model(tmp_path):
    initializer = gradients.SpectralRadius(0.7, keras.initializers.RandomUniform(seed=3))
    model = keras.Sequential([keras.Input((T, D)), keras.layers.SimpleRNN(H, recurrent_initializer=initializer)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1].cell.recurrent_initializer
    assert loaded.get_config() == initializer.get_config()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: jacobians(keras.layers.Dense(2), x), TypeError, "a recurrent layer with a cell"),
        (lambda x: jacobians(keras.layers.Bidirectional(keras.layers.GRU(2)), x), TypeError, "its forward_layer"),
        (lambda x: norm_by_lag(keras.layers.GRU(2), x[0]), ValueError, r"received shape \(5, 3\)"),
        (lambda x: flow(keras.layers.GRU(2), x.astype(int), ops.sum), ValueError, "dtype int64"),
        (lambda x: norm_by_lag(keras.layers.GRU(2), x, state=1), ValueError, "received state=1"),
        (lambda x: singular_values(np.full((1, 1, 2, 2), np.inf)), ValueError, "must be finite"),
        (lambda x: gradients.SpectralRadius(-1), ValueError, "`radius`"),
        (lambda x: gradients.SpectralRadius(1)((3, 4)), ValueError, r"received shape=\(3, 4\)"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(np.zeros((B, T, D), "float32"))
