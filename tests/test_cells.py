"""One step of a cell, forward and backward."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course.cells import ACTIVATION_GRADIENTS, SimpleRNNCell
from tests.reference import central_difference, in_float64, relative_error, tensor

SIZES = st.integers(1, 5)


def built(units=3, features=2, **kwargs):
    cell = SimpleRNNCell(units, **kwargs)
    cell.build((None, features))
    return cell


def test_one_step_with_constant_weights():
    # W_x = [1, 2], W_h = 0.5, b = -1: tanh(1*1 + 2*0.25 + 0.5*0.8 - 1) = tanh(0.9)
    cell = built(units=1)
    cell.set_weights([np.array([[1.0], [2.0]]), np.array([[0.5]]), np.array([-1.0])])
    output, states = cell(np.array([[1.0, 0.25]], "float32"), [np.array([[0.8]], "float32")])
    np.testing.assert_allclose(ops.convert_to_numpy(output), [[0.71629787]], atol=1e-7)
    assert len(states) == 1
    np.testing.assert_array_equal(ops.convert_to_numpy(states[0]), ops.convert_to_numpy(output))


@in_float64
@settings(max_examples=25, deadline=None)
@given(B=SIZES, D=SIZES, H=SIZES)
def test_step_is_the_equation(B, D, H):
    rng = np.random.default_rng([B, D, H])
    cell = built(H, D, dtype="float64", bias_initializer="random_normal")
    W_x, W_h, b = cell.get_weights()
    x, h = rng.normal(size=(B, D)), rng.normal(size=(B, H))
    output, _ = cell(tensor(x), [tensor(h)])
    np.testing.assert_allclose(ops.convert_to_numpy(output), np.tanh(x @ W_x + h @ W_h + b), rtol=1e-12)


@in_float64
@pytest.mark.parametrize("activation", sorted(ACTIVATION_GRADIENTS))
def test_step_gradient_equals_finite_differences(activation, seed):
    B, H = 4, 3
    cell = built(H, activation=activation, dtype="float64")
    x_part, h, upstream = (seed.normal(size=(B, H)) for _ in range(3))
    W_h = seed.normal(size=(H, H))

    def loss():
        (out,), _ = cell.step(tensor(x_part), (tensor(h),), tensor(W_h))
        return np.sum(upstream * ops.convert_to_numpy(out))

    W = tensor(W_h)
    _, saved = cell.step(tensor(x_part), (tensor(h),), W)
    (d_h,), d_sum = cell.step_gradient((tensor(upstream),), saved, W)
    # a central difference with steps of 1e-6 is good to about 1e-9 in float64
    assert relative_error(ops.convert_to_numpy(d_h), central_difference(loss, h)) < 1e-6
    assert relative_error(ops.convert_to_numpy(d_sum), central_difference(loss, x_part)) < 1e-6


@settings(max_examples=20, deadline=None)
@given(D=SIZES, H=SIZES, use_bias=st.booleans(), learned=st.booleans())
def test_parameter_count(D, H, use_bias, learned):
    cell = built(H, D, use_bias=use_bias, learn_initial_state=learned)
    assert cell.count_params() == D * H + H * H + H * use_bias + H * learned


def test_weights_and_outputs_of_the_keras_cell(seed):
    ours, theirs = built(4, 3), keras.layers.SimpleRNNCell(4)
    theirs.build((None, 3))
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x, h = seed.normal(size=(5, 3)).astype("float32"), seed.normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(x, [h])[0]), ops.convert_to_numpy(theirs(x, [h])[0]), rtol=1e-6, atol=1e-6
    )


def test_the_first_state_is_zero_or_learned():
    assert np.all(ops.convert_to_numpy(built().get_initial_state(4)[0]) == np.zeros((4, 3)))
    cell = built(learn_initial_state=True)
    cell.initial_state.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(cell.get_initial_state(2)[0]), [[1, 2, 3]] * 2)


def test_config_round_trip():
    cell = SimpleRNNCell(3, "relu", use_bias=False, kernel_regularizer="l2", recurrent_constraint="unit_norm", name="c")
    copy = SimpleRNNCell.from_config(cell.get_config())
    assert copy.get_config() == cell.get_config()


def test_an_activation_without_a_derivative_has_no_step_gradient():
    assert built().has_step_gradient
    assert not built(activation="gelu").has_step_gradient
    assert not built(activation=lambda x: x).has_step_gradient


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", True, None])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="`units`, the number of hidden units, must be a positive integer"):
        SimpleRNNCell(units)


def test_features_must_be_known():
    with pytest.raises(ValueError, match="must have a known size"):
        built(features=None)
