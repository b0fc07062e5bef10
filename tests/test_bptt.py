"""A cell over time, forward and backward, against NumPy and finite differences in float64."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from rnn_course import bptt as module
from rnn_course.bptt import Plan, bptt
from tests import reference
from tests.reference import central_difference, gradients, numpy, relative_error, tensor
from tests.test_cells import CELLS, NAMES, built, random_states

SIZES = st.integers(1, 4)
B, T, D, H = 2, 6, 2, 3

WAYS = {
    "ahead": {"plan": Plan(project_ahead=True)},
    "step by step": {"plan": Plan(project_ahead=False)},
    "windows": {"plan": Plan(project_ahead=False, window=3)},
    "unrolled": {"plan": Plan(project_ahead=True, unroll=2)},
    "checkpoints": {"checkpoint": "sqrt"},
}


class Problem:
    """A cell, its inputs, and a scalar loss that weighs every output and every final state."""

    def __init__(self, name, masked=False, batch=B, steps=T, features=D, units=H):
        rng = np.random.default_rng(3)
        self.step = CELLS[name][2]
        self.cell = built(name, units, features, dtype="float64")
        self.weights = self.cell.get_weights()
        self.x = rng.normal(size=(batch, steps, features))
        self.states = random_states(self.cell, batch)
        self.mask = rng.random((batch, steps)) < 0.6 if masked else None
        self.upstream = rng.normal(size=(batch, steps, units)), [rng.normal(size=(batch, units)) for _ in self.states]

    def loss(self, hidden, final, weigh=np.multiply, add=np.sum):
        at_steps, at_end = self.upstream
        return sum((add(weigh(u, a)) for u, a in zip(at_end, final)), add(weigh(at_steps, hidden)))

    def loss_by_numpy(self):
        return self.loss(*reference.run(self.step, self.x, self.states, self.weights, self.mask))

    def run(self, x, states, **way):
        mask = None if self.mask is None else tensor(self.mask.T[:, :, None])
        hidden, final = bptt(self.cell, ops.transpose(x, (1, 0, 2)), tuple(states), mask, **way)
        return ops.transpose(hidden, (1, 0, 2)), final

    def gradients(self, **way):
        """By x, by the first states, and by the weights: what trains."""
        x, *states = (keras.Variable(a, dtype="float64") for a in (self.x, *self.states))

        def loss():
            out = self.run(x, map(ops.copy, states), **way)
            return self.loss(*out, weigh=lambda u, a: tensor(u) * a, add=ops.sum)

        return gradients(loss, [x, *states, *self.cell.weights])


@cache
def default_gradients(name, masked=False):
    """Those of a problem of the usual sizes, with which several tests compare."""
    return Problem(name, masked).gradients()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5, deadline=None)
@given(batch=SIZES, steps=st.integers(1, 7), features=SIZES, units=SIZES, masked=st.booleans())
def test_outputs(name, batch, steps, features, units, masked):
    p = Problem(name, masked, batch, steps, features, units)
    found = numpy(p.run(tensor(p.x), map(tensor, p.states)))
    expected = reference.run(p.step, p.x, p.states, p.weights, p.mask)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10, atol=1e-12)
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_gradient_equals_finite_differences(name, masked):
    """By each weight, the inputs and the first states, through the backend's own differentiation."""
    p = Problem(name, masked)
    for gradient, array in zip(default_gradients(name, masked), [p.x, *p.states, *p.weights], strict=True):
        # a central difference with steps of 1e-6 is good to about 1e-9 in float64
        assert relative_error(gradient, central_difference(p.loss_by_numpy, array)) < 1e-6


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_every_way_gives_the_same(name, masked, way):
    for a, b in zip(Problem(name, masked).gradients(**WAYS[way]), default_gradients(name, masked), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 11])
def test_checkpoints_for_any_number_of_steps(steps):
    p = Problem("lstm", steps=steps)
    for a, b in zip(p.gradients(checkpoint="sqrt"), p.gradients(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("checkpoint", [None, "sqrt"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("truncate", [1, 4, 9])
def test_truncation_cuts_between_windows(truncate, masked, checkpoint):
    """Each window starts from the state where the one before ended, and that state is taken as given."""
    p = Problem("lstm", masked, steps=7)
    borders, states = [], p.states
    windows = [slice(start, start + truncate) for start in range(0, 7, truncate)]
    for w in windows:
        borders.append(states)
        _, states = reference.run(p.step, p.x[:, w], states, p.weights, p.mask[:, w] if masked else None)

    def loss():
        hidden, final = [], None
        for w, border in zip(windows, borders):
            part, final = reference.run(p.step, p.x[:, w], border, p.weights, p.mask[:, w] if masked else None)
            hidden.append(part)
        return p.loss(np.concatenate(hidden, axis=1), final)

    found = p.gradients(truncate=truncate, checkpoint=checkpoint)
    for gradient, array in zip(found, [p.x, *p.states, *p.weights], strict=True):
        # a masked window passes its derivative on to nothing, so some are zero: then the error is absolute
        measured = central_difference(loss, array)
        assert relative_error(gradient, measured) < 1e-6 or np.allclose(gradient, measured, atol=1e-9)


def test_the_last_states_alone(seed):
    """Without every step's output the gradients are those of a loss that only sees the end."""
    p = Problem("gru")
    p.upstream[0][:] = 0
    expected = p.gradients()
    x, *states = (keras.Variable(a, dtype="float64") for a in (p.x, *p.states))

    def loss():
        hidden, final = bptt(p.cell, ops.transpose(x, (1, 0, 2)), tuple(map(ops.copy, states)), every_step=False)
        assert hidden is None
        return ops.sum(tensor(p.upstream[1][0]) * final[0])

    found = gradients(loss, [x, *states, *p.cell.weights])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("every_step", [True, False])
def test_unpack_undoes_pack(count, every_step, seed):
    hidden = (tensor(seed.normal(size=(5, 2, 3))),) if every_step else ()
    states = tuple(tensor(seed.normal(size=(2, 3))) for _ in range(count))
    back = module.unpack(module.pack(hidden, states), count, every_step)
    keras.tree.map_structure(np.testing.assert_array_equal, numpy(back), numpy((hidden, states)))


def test_scan_is_a_loop():
    xs = tensor(np.arange(1.0, 6.0)[:, None])
    total, (running,) = module.scan(lambda c, x: (c + x, (c + x,)), ops.zeros((1,), "float64"), xs)
    assert float(total[0]) == 15
    np.testing.assert_array_equal(numpy(running)[:, 0], [1, 3, 6, 10, 15])
    _, (backwards,) = module.scan(lambda c, x: (c + x, (c + x,)), ops.zeros((1,), "float64"), xs, reverse=True)
    np.testing.assert_array_equal(numpy(backwards)[:, 0], [15, 14, 12, 9, 5])


@pytest.mark.parametrize(
    ("n", "at_most", "expected"), [(100, 19, 10), (400, 9, 8), (97, 20, None), (6, 99, 6), (5, 1, None)]
)
def test_windows_divide_the_steps(n, at_most, expected):
    assert module.largest_divisor(n, at_most) == expected


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 10, 99, 100, 101])
def test_square_windows_hold_all_steps(steps):
    count, length = module.square(steps)
    assert count * length >= steps > (count - 1) * length
    assert max(count, length) <= np.sqrt(steps) + 1
