"""A cell over time, forward and backward, against NumPy and finite differences in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import bptt as module
from rnn_course.cells import SimpleRNNCell
from tests.reference import central_difference, in_float64, relative_error, simple_rnn, tensor

SIZES = st.integers(1, 4)


def problem(B, T, D, H, seed=0, masked=False):
    """Weights, inputs, first state, mask, and the weights of a scalar loss on every output."""
    rng = np.random.default_rng(seed)
    arrays = {
        "x": rng.normal(size=(B, T, D)),
        "W_x": rng.normal(size=(D, H)),
        "W_h": rng.normal(size=(H, H)),
        "b": rng.normal(size=H),
        "h0": rng.normal(size=(B, H)),
    }
    mask = rng.random((B, T)) < 0.6 if masked else None
    return arrays, mask, rng.normal(size=(B, T, H))


def cell_with(W_x, W_h, b):
    cell = SimpleRNNCell(len(b), dtype="float64")
    cell.build((None, len(W_x)))
    cell.set_weights([W_x, W_h, b])
    return cell


def time_first(x):
    return tensor(np.swapaxes(x, 0, 1))


def masks_of(mask):
    return () if mask is None else (time_first(mask[:, :, None].astype("float64")),)


@in_float64
@settings(max_examples=20, deadline=None)
@given(B=SIZES, T=st.integers(1, 7), D=SIZES, H=SIZES, masked=st.booleans())
def test_hidden_states(B, T, D, H, masked):
    p, mask, _ = problem(B, T, D, H, masked=masked)
    cell = cell_with(p["W_x"], p["W_h"], p["b"])
    masks = masks_of(mask)
    hidden, (final,) = module.bptt(cell, time_first(p["x"]), (tensor(p["h0"]),), *masks)
    expected = simple_rnn(**p, mask=mask)
    np.testing.assert_allclose(np.swapaxes(ops.convert_to_numpy(hidden), 0, 1), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ops.convert_to_numpy(final), expected[:, -1], rtol=1e-12, atol=1e-12)


@in_float64
@settings(max_examples=15, deadline=None)
@given(B=SIZES, T=st.integers(1, 7), D=SIZES, H=SIZES, masked=st.booleans())
def test_every_gradient_equals_finite_differences(B, T, D, H, masked):
    p, mask, upstream = problem(B, T, D, H, masked=masked)
    cell = cell_with(p["W_x"], p["W_h"], p["b"])
    masks, weights = masks_of(mask), cell.weights_at("float64")
    x, h0 = time_first(p["x"]), tensor(p["h0"])

    _, hidden, saved = module.forward(cell, weights, x, (h0,), masks)
    (d_h0,), da = module.backward(cell, weights[1], saved, time_first(upstream), (ops.zeros_like(h0),), masks)
    before = ops.concatenate([h0[None], hidden[:-1]], axis=0)
    dW_x, dW_h, db = module.weight_gradients(x, before, da)

    derived = {"W_x": dW_x, "W_h": dW_h, "b": db, "h0": d_h0}
    for name, gradient in derived.items():
        measured = central_difference(lambda: np.sum(upstream * simple_rnn(**p, mask=mask)), p[name])
        # absolute where all steps are masked and both are zero; otherwise the design's 1e-6 in float64
        assert np.allclose(ops.convert_to_numpy(gradient), measured, atol=1e-9) or (
            relative_error(ops.convert_to_numpy(gradient), measured) < 1e-6
        ), name


def test_the_weight_gradient_is_a_sum_over_steps(seed):
    x, before, da = (tensor(seed.normal(size=(6, 2, n))) for n in (3, 4, 4))
    whole = module.weight_gradients(x, before, da)
    parts = [module.weight_gradients(x[t : t + 1], before[t : t + 1], da[t : t + 1]) for t in range(6)]
    for total, *shares in zip(whole, *parts):
        np.testing.assert_allclose(ops.convert_to_numpy(total), sum(ops.convert_to_numpy(s) for s in shares))


@pytest.mark.parametrize("others", [0, 1, 2])
def test_unpack_undoes_pack(others, seed):
    hidden = tensor(seed.normal(size=(5, 2, 3)))
    states = tuple(tensor(seed.normal(size=(2, 3))) for _ in range(others))
    back, (_, *rest) = module.unpack(module.pack(hidden, (hidden[-1], *states)), others + 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(back), ops.convert_to_numpy(hidden))
    for a, b in zip(rest, states, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def test_scan_is_a_loop():
    xs = tensor(np.arange(1.0, 6.0)[:, None])
    total, (running,) = module.scan(lambda c, x: (c + x, (c + x,)), ops.zeros((1,), "float64"), xs)
    assert float(total[0]) == 15
    np.testing.assert_array_equal(ops.convert_to_numpy(running)[:, 0], [1, 3, 6, 10, 15])
    _, (backwards,) = module.scan(lambda c, x: (c + x, (c + x,)), ops.zeros((1,), "float64"), xs, reverse=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(backwards)[:, 0], [15, 14, 12, 9, 5])
