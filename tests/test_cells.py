"""One step of each cell, forward and backward."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import cells
from rnn_course.cell_base import ACTIVATION_GRADIENTS
from rnn_course.cells import (
    GRUCell,
    LayerNormLSTMCell,
    LayerNormSimpleRNNCell,
    LSTMCell,
    PeepholeLSTMCell,
    SimpleRNNCell,
)
from tests import reference
from tests.reference import central_difference, numpy, relative_error, tensor

SIZES = st.integers(1, 5)

# name: class, arguments, NumPy step, number of parameters for D features and H units
CELLS = {
    "simple": (SimpleRNNCell, {}, reference.simple_rnn, lambda D, H: D * H + H * H + H),
    "lstm": (LSTMCell, {}, reference.lstm, lambda D, H: 4 * (D * H + H * H + H)),
    "gru": (GRUCell, {}, reference.gru, lambda D, H: 3 * (D * H + H * H + 2 * H)),
    "gru before": (
        GRUCell,
        {"reset_after": False},
        reference.gru_reset_before,
        lambda D, H: 3 * (D * H + H * H + H),
    ),
    "layer norm": (
        LayerNormSimpleRNNCell,
        {},
        reference.layer_norm_simple_rnn,
        lambda D, H: D * H + H * H + 2 * H,
    ),
    "layer norm lstm": (
        LayerNormLSTMCell,
        {},
        reference.layer_norm_lstm,
        lambda D, H: 4 * (D * H + H * H + H) + 8 * H + 2 * H,
    ),
    "peephole": (PeepholeLSTMCell, {}, reference.peephole_lstm, lambda D, H: 4 * (D * H + H * H + H) + 3 * H),
}
NAMES = list(CELLS)


def built(name="simple", units=3, features=2, seed=0, **kwargs):
    """A cell of that name with random weights; JAX would compile an orthogonal matrix for every size."""
    cls, arguments, *_ = CELLS[name]
    cell = cls(units, **arguments, kernel_initializer="zeros", recurrent_initializer="zeros", **kwargs)
    cell.build((None, features))
    rng = np.random.default_rng(seed)
    cell.set_weights([rng.normal(size=w.shape) for w in cell.weights])
    return cell


def random_states(cell, batch, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(batch, cell.units)) for _ in cell.state_names]


def test_one_step_with_constant_weights():
    # W_x = [1, 2], W_h = 0.5, b = -1: tanh(1*1 + 2*0.25 + 0.5*0.8 - 1) = tanh(0.9)
    cell = built(units=1)
    cell.set_weights([np.array([[1.0], [2.0]]), np.array([[0.5]]), np.array([-1.0])])
    output, states = cell(np.array([[1.0, 0.25]], "float32"), [np.array([[0.8]], "float32")])
    np.testing.assert_allclose(numpy(output), [[0.71629787]], atol=1e-7)
    assert len(states) == 1
    np.testing.assert_array_equal(numpy(states[0]), numpy(output))


def test_one_lstm_step_with_constant_weights():
    # all weights 0, biases i, f, g, o = 0, 0, 0, 0: gates 0.5, candidate 0: c = 0.5 * 2 = 1, h = 0.5 tanh 1
    cell = LSTMCell(1, unit_forget_bias=False)
    cell.build((None, 1))
    cell.set_weights([np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4)])
    h, (_, c) = cell(np.ones((1, 1), "float32"), [np.ones((1, 1), "float32"), np.full((1, 1), 2, "float32")])
    np.testing.assert_allclose(numpy([h, c]), [[[0.38079708]], [[1.0]]], atol=1e-7)


def test_one_gru_step_with_constant_weights():
    # gates 0.5; candidate tanh(1 * 1 + 0.5 * (2 * 0.5)) = tanh 1.5; h = 0.5 * 0.5 + 0.5 tanh 1.5
    cell = GRUCell(1)
    cell.build((None, 1))
    cell.set_weights([np.array([[0, 0, 1.0]]), np.array([[0, 0, 2.0]]), np.zeros((2, 3))])
    h, _ = cell(np.ones((1, 1), "float32"), [np.full((1, 1), 0.5, "float32")])
    np.testing.assert_allclose(numpy(h), [[0.25 + 0.5 * 0.90514825]], atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None)
@given(B=SIZES, D=SIZES, H=SIZES)
def test_step_is_the_equation(name, B, D, H):
    cell = built(name, H, D, dtype="float64")
    x, states = np.random.default_rng(2).normal(size=(B, D)), random_states(cell, B)
    _, found = cell(tensor(x), [tensor(s) for s in states])
    for n in range(B):
        expected = CELLS[name][2](x[n], tuple(s[n] for s in states), *cell.get_weights())
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(numpy(a)[n], b, rtol=1e-10, atol=1e-12)


def step_gradients(cell, x_part, states, weights, upstream):
    """Derivatives by x_part, the states and the weights: what ``step_gradient`` and ``weight_gradients`` derive."""
    given = tuple(map(tensor, states)), tuple(map(tensor, weights))
    _, saved = cell.step(tensor(x_part), *given)
    d_states, d_sums = cell.step_gradient(tuple(map(tensor, upstream)), saved, given[1])
    return numpy([d_sums[0], *d_states, *cell.weight_gradients(saved, d_sums)])


@pytest.mark.parametrize("name", NAMES)
def test_step_gradient_equals_finite_differences(name, seed):
    B, H = 4, 3
    cell = built(name, H, dtype="float64")
    x_part = seed.normal(size=(B, cell.gates * H))
    states = random_states(cell, B)
    weights = [np.array(w) for w in numpy(list(cell.weights_at("float64")[1]))]
    upstream = [seed.normal(size=s.shape) for s in states]

    def loss():
        new, _ = cell.step(tensor(x_part), tuple(map(tensor, states)), tuple(map(tensor, weights)))
        return sum(np.sum(u * a) for u, a in zip(upstream, numpy(new)))

    derived = step_gradients(cell, x_part, states, weights, upstream)
    for gradient, array in zip(derived, [x_part, *states, *weights], strict=True):
        # a central difference with steps of 1e-6 is good to about 1e-9 in float64
        assert relative_error(gradient, central_difference(loss, array)) < 1e-6


@pytest.mark.parametrize("activation", sorted(ACTIVATION_GRADIENTS))
def test_the_derivative_of_each_activation(activation, seed):
    y = seed.normal(size=(50,))
    function = keras.activations.get(activation)
    gradient = numpy(ACTIVATION_GRADIENTS[activation](function(tensor(y))))
    measured = central_difference(lambda: numpy(function(tensor(y))).sum(dtype="float64"), y)
    # Keras computes tanh of float64 in float32 on JAX, where a difference of 2e-6 keeps one digit
    float32 = activation == "tanh" and keras.backend.backend() == "jax"
    np.testing.assert_allclose(gradient, measured, atol=0.2 if float32 else 1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_weight_gradients_sum_over_steps(name, seed):
    """Over arrays that hold several steps they are the sum of the steps' own."""
    cell = built(name, dtype="float64")
    _, weights = cell.weights_at("float64")
    steps = []
    for _ in range(5):
        states = tuple(map(tensor, seed.normal(size=(len(cell.state_names), 2, 3))))
        _, saved = cell.step(tensor(seed.normal(size=(2, cell.gates * 3))), states, weights)
        steps.append((saved, cell.step_gradient(states, saved, weights)[1]))
    whole = numpy(cell.weight_gradients(*keras.tree.map_structure(lambda *a: ops.stack(a), *steps)))
    parts = [numpy(cell.weight_gradients(*s)) for s in steps]
    for total, *shares in zip(whole, *parts):
        np.testing.assert_allclose(total, sum(shares), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None)
@given(D=SIZES, H=SIZES, learned=st.booleans())
def test_parameter_count(name, D, H, learned):
    cell = built(name, H, D, learn_initial_state=learned)
    assert cell.count_params() == CELLS[name][3](D, H) + learned * H * len(cell.state_names)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SimpleRNNCell(4), keras.layers.SimpleRNNCell(4)),
        (LSTMCell(4), keras.layers.LSTMCell(4)),
        (GRUCell(4), keras.layers.GRUCell(4)),
        (GRUCell(4, reset_after=False), keras.layers.GRUCell(4, reset_after=False)),
        (LSTMCell(4, "relu", "hard_sigmoid", False), keras.layers.LSTMCell(4, "relu", "hard_sigmoid", False)),
    ],
    ids=["simple", "lstm", "gru", "gru before", "lstm relu"],
)
def test_weights_and_outputs_of_the_keras_cell(ours, theirs, seed):
    for cell in (ours, theirs):
        cell.build((None, 3))
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, w.shape) for w in theirs.weights]
    ours.set_weights([seed.normal(size=w.shape) for w in theirs.weights])
    theirs.set_weights(ours.get_weights())
    x = seed.normal(size=(5, 3)).astype("float32")
    states = [seed.normal(size=(5, 4)).astype("float32") for _ in ours.state_names]
    for a, b in zip(numpy(ours(x, states)[1]), numpy(theirs(x, states)[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_states_are_zero_or_learned(name):
    cell = built(name)
    zeros = [np.zeros((4, 3))] * len(cell.state_names)
    np.testing.assert_array_equal(numpy(cell.get_initial_state(4)), zeros)
    cell = built(name, learn_initial_state=True)
    for k, state in enumerate(cell.initial_states):
        state.assign([1.0 + k, 2.0, 3.0])
    expected = [[[1.0 + k, 2, 3]] * 2 for k in range(len(cell.state_names))]
    np.testing.assert_array_equal(numpy(cell.get_initial_state(2)), expected)


def test_the_forget_gate_starts_open():
    for cls in (LSTMCell, PeepholeLSTMCell, LayerNormLSTMCell):
        cell = cls(2)
        cell.build((None, 1))
        np.testing.assert_array_equal(numpy(cell.bias.value), [0, 0, 1, 1, 0, 0, 0, 0])
    cell = LSTMCell(2, unit_forget_bias=False, bias_initializer="ones")
    cell.build((None, 1))
    np.testing.assert_array_equal(numpy(cell.bias.value), np.ones(8))


@pytest.mark.parametrize("name", ["layer norm", "layer norm lstm"])
def test_layer_normalization_is_blind_to_the_scale_of_the_weights(name, seed):
    """Ba et al. (2016), table 1: re-scaling a whole weight matrix changes nothing."""
    cell = built(name, units=6, features=5, epsilon=0.0)
    x, states = seed.normal(size=(3, 5)).astype("float32"), [s.astype("float32") for s in random_states(cell, 3)]
    before = numpy(cell(x, states)[0])
    W_x, W_h, *others = cell.get_weights()
    cell.set_weights([7 * W_x, 7 * W_h, *others])
    np.testing.assert_allclose(numpy(cell(x, states)[0]), before, rtol=1e-3, atol=1e-5)


def test_without_peepholes_a_peephole_lstm_is_an_lstm(seed):
    peephole, plain = built("peephole"), built("lstm")
    *weights, p = peephole.get_weights()
    peephole.set_weights([*weights, 0 * p])
    plain.set_weights(weights)
    x, states = seed.normal(size=(3, 2)).astype("float32"), [s.astype("float32") for s in random_states(plain, 3)]
    np.testing.assert_array_equal(numpy(peephole(x, states)[1]), numpy(plain(x, states)[1]))


@pytest.mark.parametrize("name", NAMES)
def test_config_round_trip(name):
    cls, arguments, *_ = CELLS[name]
    cell = cls(
        3,
        "relu",
        **arguments,
        use_bias=False,
        kernel_regularizer="l2",
        recurrent_constraint="unit_norm",
        dropout=0.1,
        recurrent_dropout=0.2,
        seed=3,
        name="c",
    )
    copy = cls.from_config(cell.get_config())
    assert copy.get_config() == cell.get_config()
    assert copy.get_config()["activation"] == "relu"


def test_an_activation_without_a_derivative_has_no_step_gradient():
    assert built().has_step_gradient
    assert not built(activation="gelu").has_step_gradient
    assert not built(activation=lambda x: x).has_step_gradient
    assert not built("lstm", recurrent_activation="softplus").has_step_gradient


def test_a_subclass_with_another_step_has_no_step_gradient():
    """What it inherits is the gradient of the step that it replaced."""

    class Other(SimpleRNNCell):
        def step(self, x_part, states, weights):
            (h,), _ = super().step(x_part, states, weights)
            return (2 * h,), (h,)

    class Same(SimpleRNNCell):
        pass

    assert not Other(3).has_step_gradient
    assert Same(3).has_step_gradient


def test_dropout_masks_are_the_same_through_a_sequence_and_differ_between_them():
    cell = built("lstm", units=50, features=40, dropout=0.5, recurrent_dropout=0.25, seed=1)
    x = np.ones((3, 40), "float32")
    cell.get_initial_state(3)
    first, again = (
        numpy(cell.dropout_masks(ops.convert_to_tensor(x))),
        numpy(cell.dropout_masks(ops.convert_to_tensor(x))),
    )
    cell.get_initial_state(3)
    other = numpy(cell.dropout_masks(ops.convert_to_tensor(x)))
    for a, b, c, rate in zip(first, again, other, (0.5, 0.25)):
        assert len(a) == 4  # one for each gate
        np.testing.assert_array_equal(a, b)
        assert np.any(np.array(a) != np.array(c))
        np.testing.assert_allclose(np.unique(a), [0, 1 / (1 - rate)], rtol=1e-6)
        assert abs(np.mean(np.array(a) == 0) - rate) < 0.1  # 480 and 600 draws: four standard deviations


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", True, None])
@pytest.mark.parametrize("cls", [SimpleRNNCell, LSTMCell, GRUCell])
def test_units_must_be_a_positive_integer(cls, units):
    with pytest.raises(ValueError, match="`units` must be a positive whole number"):
        cls(units)


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, "0.5", None, True])
def test_dropout_rates_must_be_shares(name, rate):
    with pytest.raises(ValueError, match=rf"`{name}` must be a number in \[0, 1\)"):
        SimpleRNNCell(3, **{name: rate})


def test_features_must_be_known():
    with pytest.raises(ValueError, match="must have a known size"):
        built(features=None)


def test_every_cell_is_offered():
    assert {c[0].__name__ for c in CELLS.values()} <= set(cells.__all__)
