"""Assignment 2: backpropagation through time, by hand, from the forward pass to a network that has learned to remember.

The right values come from the package: its loop, its cells and Keras's optimizers.
"""

import functools

import numpy as np

from rnn_course.assignments.exercise import (
    FRAMEWORKS,
    Assignment,
    Exercise,
    Incorrect,
    as_array,
    close,
    expect,
    expect_several,
)
from rnn_course.assignments.written import beside_student

WEIGHTS = ("W_x", "W_h", "b", "W_y", "b_y")
RECURRENT_LIBRARY = (
    "keras.layers.SimpleRNN",
    "keras.layers.RNN",
    "rnn_course.layers.SimpleRNN",
    "rnn_course.bptt.bptt",
    "rnn_course.bptt.forward",
    "rnn_course.bptt.backward",
    "rnn_course.gradients.gradient",
    "rnn_course.gradients.finite_differences",
)

forward = Exercise("forward", ("forward", "squared_error"), RECURRENT_LIBRARY)
numerical_gradient = Exercise(
    "numerical_gradient",
    ("numerical_gradient",),
    (
        *RECURRENT_LIBRARY,
        "numpy.gradient",
        "scipy.optimize.approx_fprime",
        "scipy.differentiate.derivative",
        "scipy.differentiate.jacobian",
    ),
)
backward = Exercise("backward", ("backward",), RECURRENT_LIBRARY)
truncated_backward = Exercise("truncated_backward", ("truncated_backward", "backward"), RECURRENT_LIBRARY)
clip = Exercise("clip", ("clip",), ("tensorflow.clip_by_global_norm", "tensorflow.clip_by_norm"))
train = Exercise("train", ("train",), (*RECURRENT_LIBRARY, "keras.optimizers.SGD"))

ASSIGNMENT = Assignment(
    "bptt",
    "Backpropagation through time",
    [forward, numerical_gradient, backward, truncated_backward, clip, train],
    absent=FRAMEWORKS,
)


# --- the task, and where training starts ------------------------------------------------------------------------------


def recall(count, cues, steps=10, seed=0):
    """The task of chapter 4.1: read random signs, and say at the end which one was cued.

    Parameters
    ----------
    count : int
        How many sequences, N.
    cues : int or sequence of ints
        The step of the cue, from 1 to ``steps``; of several steps, each sequence draws one.
    steps : int
        How long the sequences are, T.
    seed : int
        The same seed gives the same sequences.

    Returns
    -------
    x : array, shape (N, T, 2)
        A sign at each step, +1 or -1, in column 0; in column 1 the cue: 1 at one step, 0 at the others.
    y : array, shape (N, T, 1)
        At the last step the sign that was cued; 0 at the others, where nothing is asked. Always to answer 0 has a mean
        squared error of 1.
    """
    rng = np.random.default_rng(seed)
    row, cue = np.arange(count), rng.choice(np.atleast_1d(cues), count) - 1
    x, y = np.zeros((count, steps, 2)), np.zeros((count, steps, 1))
    x[:, :, 0] = rng.choice([-1, 1], (count, steps))
    x[row, cue, 1] = 1
    y[:, -1, 0] = x[row, cue, 0]
    return x, y


def first_weights(features, units, outputs=1, radius=0.5, seed=0):
    """Weights to start from: W_h is ``radius`` times an orthogonal matrix, the biases are 0.

    Returns
    -------
    dict of arrays
        "W_x" (D, H), "W_h" (H, H), "b" (H,), "W_y" (H, K), "b_y" (K,).
    """
    rng = np.random.default_rng(seed)
    return {
        "W_x": rng.normal(scale=0.7 / np.sqrt(features), size=(features, units)),
        "W_h": radius * np.linalg.qr(rng.normal(size=(units, units)))[0],
        "b": np.zeros(units),
        "W_y": rng.normal(scale=1 / np.sqrt(units), size=(units, outputs)),
        "b_y": np.zeros(outputs),
    }


# --- what is drawn ----------------------------------------------------------------------------------------------------


def case(rng, steps=None, batch=None):
    """Draw weights, inputs (B, T, D) and a first state (B, H), with sizes that all differ."""
    B, D, H, K = rng.permutation([2, 3, 4, 5])
    B, T = batch or B, steps or rng.integers(6, 9)
    shapes = {"W_x": (D, H), "W_h": (H, H), "b": (H,), "W_y": (H, K), "b_y": (K,)}
    weights = {name: 0.6 * rng.normal(size=shape) for name, shape in shapes.items()}
    return weights, rng.normal(size=(B, T, D)), rng.uniform(-0.9, 0.9, size=(B, H))


def errors_for(rng, weights, x, counts=None):
    """Draw e (B, T, K), which is 0 at the steps that do not count."""
    e = rng.normal(size=(*x.shape[:2], len(weights["b_y"])))
    return e if counts is None else e * np.asarray(counts)[:, None]


def some_steps(rng, steps):
    """Draw which steps count: two, of which the last is not one."""
    counts = np.zeros(steps, bool)
    counts[rng.choice(np.arange(1, steps - 1), 2, replace=False)] = True
    return counts


# --- the right values, and those of known mistakes --------------------------------------------------------------------


@functools.cache
def cell_of(units, activation="tanh"):
    """The package's cell; its weights come with each call."""
    from rnn_course import cells

    return cells.SimpleRNNCell(units, activation=activation, dtype="float64")


def states_of(weights, x, h_0, activation="tanh"):
    """The states before the first step and after each, (B, T + 1, H), by the package's loop."""
    from keras import ops

    from rnn_course import bptt

    cell = cell_of(h_0.shape[-1], activation)
    W = tensors(weights)
    sequence = bptt.Sequence(time_first(x))
    plan = bptt.Plan(project_ahead=True)
    _, (h,), _ = bptt.forward(cell, (W["W_x"], (W["W_h"], W["b"])), sequence, (ops.convert_to_tensor(h_0),), plan)
    return np.concatenate([h_0[:, None], batch_first(h)], axis=1)


def outputs_of(weights, h, activation=None):
    """What the output layer makes of states (B, T, H), by Keras's layer."""
    import keras

    layer = keras.layers.Dense(len(weights["b_y"]), activation, dtype="float64")
    layer.build(h.shape)
    layer.set_weights([weights["W_y"], weights["b_y"]])
    return keras.ops.convert_to_numpy(layer(h))


def predictions_of(weights, x):
    return outputs_of(weights, states_of(weights, x, first_state(weights, x))[:, 1:])


def first_state(weights, x):
    return np.zeros((len(x), len(weights["b"])))


def loss_of(y_hat, y, counts):
    """The loss, and its derivative by the predictions, by Keras and automatic differentiation."""
    import keras

    from rnn_course import gradients

    steps = np.flatnonzero(counts)
    mean_squared = keras.losses.MeanSquaredError(dtype="float64")

    def loss(y_hat):
        return mean_squared(keras.ops.take(y, steps, axis=1), keras.ops.take(y_hat, steps, axis=1))

    (e,) = gradients.gradient(loss, y_hat)
    return float(loss(y_hat)), keras.ops.convert_to_numpy(e)


def backward_of(weights, x, h, e, window=None, *, W_h=None, slope_at=None, before=None, late=0, activation="tanh"):
    """The package's backward pass: a dict of gradients, and the δ_t (B, T, H).

    ``W_h``, ``slope_at`` (the states at which the slope of the tanh is taken), ``before`` (the states that are taken
    for those of the step before), ``late`` (by how many steps all borders are late) and ``activation`` are there to
    make known mistakes.
    """
    import keras
    from keras import ops

    from rnn_course import bptt, gradients

    def output(h, W_y, b_y):
        return ops.sum(e * (h @ W_y + b_y))

    units = h.shape[-1]
    cell = cell_of(units, activation)
    d_h, d_W_y, d_b_y = gradients.gradient(output, h[:, 1:], weights["W_y"], weights["b_y"])
    W = tensors(weights if W_h is None else {**weights, "W_h": W_h})
    saved = (h[:, :-1] if before is None else before), (h[:, 1:] if slope_at is None else slope_at)
    sequence = bptt.Sequence(time_first(x))
    sequence = sequence._replace(linked=tuple(ops.roll(link, late, axis=0) for link in bptt.links(sequence.x, window)))
    # With the identity in place of W_x, the derivatives by the inputs are the δ_t.
    (d_first,), delta, (d_W_x, d_W_h, d_b) = bptt.backward(
        cell,
        (ops.eye(units, dtype="float64"), (W["W_h"], W["b"])),
        sequence,
        tuple(map(time_first, saved)),
        (time_first(keras.ops.convert_to_numpy(d_h)),),
        (ops.zeros_like(h[:, 0]),),
        bptt.Plan(project_ahead=True),
    )
    found = {"W_x": d_W_x, "W_h": d_W_h, "b": d_b, "W_y": d_W_y, "b_y": d_b_y, "h_0": d_first}
    return {name: ops.convert_to_numpy(g) for name, g in found.items()}, batch_first(delta)


def shares_of(x, h, delta):
    """The gradients of W_x, W_h and b that belong to given δ_t, by the package."""
    from keras import ops

    from rnn_course import bptt

    cell = cell_of(h.shape[-1])
    saved = time_first(h[:, :-1]), time_first(h[:, 1:])
    found = bptt.weight_gradients(cell, time_first(x), saved, (time_first(delta),))
    return dict(zip(("W_x", "W_h", "b"), map(ops.convert_to_numpy, found)))


def gradients_for(weights, x, y, counts, window):
    """The gradients of the loss by the weights, and by the first state."""
    h = states_of(weights, x, first_state(weights, x))
    _, e = loss_of(outputs_of(weights, h[:, 1:]), y, counts)
    return backward_of(weights, x, h, e, window)[0]


def updated(weights, found, rate, threshold=None, with_first_state=False):
    """The weights after one update by Keras's gradient descent."""
    import keras

    names = [*WEIGHTS, "h_0"] if with_first_state else list(WEIGHTS)
    start = {"h_0": np.zeros_like(found["h_0"]), **weights}
    variables = [keras.Variable(start[name], dtype="float64") for name in names]
    optimizer = keras.optimizers.SGD(rate, global_clipnorm=threshold)
    optimizer.apply([keras.ops.convert_to_tensor(found[name]) for name in names], variables)
    return {name: keras.ops.convert_to_numpy(v) for name, v in zip(names, variables) if name in WEIGHTS}


def tensors(weights):
    from keras import ops

    return {name: ops.convert_to_tensor(w) for name, w in weights.items()}


def time_first(a):
    from keras import ops

    return ops.convert_to_tensor(np.swapaxes(np.asarray(a, "float64"), 0, 1))


def batch_first(a):
    from keras import ops

    return np.swapaxes(ops.convert_to_numpy(a), 0, 1)


# --- comparing --------------------------------------------------------------------------------------------------------


def named(what, got, names):
    """Return ``got`` if it is a dict with these names, or raise `Incorrect`."""
    if not isinstance(got, dict):
        raise Incorrect(f"{what} {type(got).__name__}; it should be a dict with {', '.join(map(repr, names))}.")
    missing = [name for name in names if name not in got]
    if missing:
        raise Incorrect(
            f"{what} a dict that lacks {', '.join(map(repr, missing))}; it has {', '.join(got) or 'nothing'}."
        )
    return got


# --- 1. forward -------------------------------------------------------------------------------------------------------


def forward_of(forward, weights, x, h_0):
    return expect_several("`forward` gives", forward(weights, x, h_0), ("h", "y_hat"))


def judge_states(got, weights, x, h_0):
    want = states_of(weights, x, h_0)
    says = "`forward` "

    def mistakes():
        turned, unbiased = {**weights, "W_h": weights["W_h"].T}, {**weights, "b": 0 * weights["b"]}
        from_zero = states_of(weights, x, 0 * h_0)
        return {
            says + "lacks the first state: h[:, 0] should be h_0, so that h has T + 1 steps.": want[:, 1:],
            says + "gives h with time first; the course puts the batch first: (B, T + 1, H).": want.swapaxes(0, 1),
            says + "begins at zero, and ignores the h_0 that it is given.": from_zero,
            says + "begins at zero: the state before the first step is h_0.": np.where(
                np.arange(want.shape[1])[:, None] == 0, want, from_zero
            ),
            says + "starts each step from h_0: step t has to start from h_(t-1).": each_from_the_first(weights, x, h_0),
            says + "uses W_h transposed: with an example in each row, h stands on the left.": states_of(turned, x, h_0),
            says + "leaves out the bias b.": states_of(unbiased, x, h_0),
            says + "leaves out the tanh.": states_of(weights, x, h_0, "linear"),
        }

    expect("The states of `forward` are", got, want, mistakes)


def each_from_the_first(weights, x, h_0):
    """The states if every step started from h_0."""
    again = [states_of(weights, x[:, [t]], h_0)[:, 1:] for t in range(x.shape[1])]
    return np.concatenate([h_0[:, None], *again], axis=1)


@forward.part(3, "`forward` gives the right states")
def forward_gives_the_states(forward, squared_error, rng):
    weights, x, h_0 = case(rng)
    judge_states(forward_of(forward, weights, x, 0 * h_0)[0], weights, x, 0 * h_0)


@forward.part(3, "`forward` starts from the given state, for one sequence, one step, and many")
def forward_starts_from_the_given_state(forward, squared_error, rng):
    for steps, batch in ((None, None), (1, None), (None, 1)):
        weights, x, h_0 = case(rng, steps, batch)
        judge_states(forward_of(forward, weights, x, h_0)[0], weights, x, h_0)


@forward.part(3, "`forward` gives a prediction at every step")
def forward_gives_predictions(forward, squared_error, rng):
    weights, x, h_0 = case(rng)
    h = states_of(weights, x, h_0)
    y_hat = forward_of(forward, weights, x, h_0)[1]
    at = h[:, 1:]
    expect(
        "The predictions of `forward` are",
        y_hat,
        outputs_of(weights, at),
        lambda: {
            "`forward` predicts at the last step only; it should do so at every step: (B, T, K).": (
                outputs_of(weights, at)[:, -1]
            ),
            "`forward` makes one prediction too many: h_0 has none, the first is made from h_1.": (
                outputs_of(weights, h)
            ),
            "The predictions of `forward` are one step late: y_hat at step t is made from h_t, not from h_(t-1).": (
                outputs_of(weights, h[:, :-1])
            ),
            "`forward` squashes its predictions by a tanh; the output is linear.": outputs_of(weights, at, "tanh"),
            "`forward` leaves out the bias b_y.": outputs_of({**weights, "b_y": 0 * weights["b_y"]}, at),
        },
    )


def loss_case(rng, counts=None):
    B, K, T = *rng.permutation([2, 3, 4])[:2], rng.integers(6, 9)
    counts = some_steps(rng, T) if counts is None else counts(T)
    return rng.normal(size=(B, T, K)), rng.normal(size=(B, T, K)), counts


@forward.part(3, "`squared_error` gives the mean over what counts")
def squared_error_gives_the_loss(forward, squared_error, rng):
    y_hat, y, counts = loss_case(rng)
    loss, _ = expect_several("`squared_error` gives", squared_error(y_hat, y, counts), ("the loss", "e"))
    B, _, K = y.shape
    want, number = loss_of(y_hat, y, counts)[0], B * counts.sum() * K
    says = "`squared_error` "
    expect(
        "`squared_error` gives the loss",
        loss,
        want,
        lambda: {
            says + "adds the squares up; the loss is their mean over all numbers that count.": want * number,
            says + "divides by the number of all steps; only those that count are in the mean.": want * counts.mean(),
            says + "divides by the number of sequences alone; the mean is over sequences, steps that count, and "
            "outputs.": want * number / B,
            says + "forgets the outputs in its mean: divide by their number K, too.": want * K,
            says + "halves the loss: here it is the mean square, without the half.": want / 2,
            says + "takes the mean over all steps, and ignores `counts`.": loss_of(y_hat, y, counts | True)[0],
        },
    )


def judge_errors(squared_error, y_hat, y, counts):
    results = squared_error(y_hat, y, counts)
    _, e = expect_several("`squared_error` gives", results, ("the loss", "e"))
    want, number = loss_of(y_hat, y, counts)[1], y[:, counts].size
    says = "e of `squared_error` "

    def mistakes():
        everywhere = loss_of(y_hat, y, counts | True)[1]
        return {
            says + "has the wrong sign: a prediction that is too high has a positive derivative.": -want,
            says + "is half of the derivative: the square brings down a factor of 2.": want / 2,
            says + "is the derivative of the sum of squares; divide it as you divided the loss.": want * number,
            says + "is just prediction minus target. That is the derivative of half a square; this loss is a mean of "
            "squares.": want * number / 2,
            says + "is not zero at steps outside the loss: a prediction that does not count has no influence on it.": (
                everywhere * everywhere.size / number
            ),
            says + "is that of a mean over all steps: it ignores `counts`.": everywhere,
            says + "holds only the steps that count: it should have the shape of y_hat, with zeros elsewhere.": (
                want[:, counts]
            ),
        }

    expect("`squared_error` gives e", e, want, mistakes)


@forward.part(2, "e is the derivative if all steps count")
def squared_error_gives_e(forward, squared_error, rng):
    judge_errors(squared_error, *loss_case(rng, lambda T: np.ones(T, bool)))


@forward.part(2, "e is the derivative if some steps count, or the last alone")
def squared_error_leaves_out(forward, squared_error, rng):
    for which in (None, lambda T: np.arange(T) == T - 1):
        judge_errors(squared_error, *loss_case(rng, which))


# --- 2. a numerical gradient ------------------------------------------------------------------------------------------


def weighted_sum(arrays, shares):
    return sum(np.sum(shares[name] * a) for name, a in arrays.items())


def sum_of_cubes(arrays, shares):
    return sum(np.sum(a**3) for a in arrays.values())


FUNCTIONS = {f.__name__: f for f in (weighted_sum, sum_of_cubes)}


@beside_student
def differentiate(numerical_gradient, name, arrays, epsilon, shares=None):
    """The student's gradient of a function; what the function was given; and the arrays afterwards."""
    given = []

    def function(now):
        given.append({key: np.array(a, "float64") for key, a in now.items()})
        return FUNCTIONS[name](given[-1], shares)

    found = numerical_gradient(function, arrays, epsilon)
    return found, given, arrays


def draw_arrays(rng):
    rows, columns = rng.permutation([2, 3, 4])[:2]
    return {"W": rng.normal(size=(rows, columns)), "b": rng.normal(size=columns)}


def numerical(numerical_gradient, name, arrays, epsilon, shares=None):
    found, given, after = differentiate(numerical_gradient, name, arrays, epsilon, shares)
    if any(set(now) != set(arrays) for now in given):
        raise Incorrect("`numerical_gradient` has to give its function the whole dict, with all arrays, in every call.")
    return named("`numerical_gradient` gives", found, arrays), given, after


@numerical_gradient.part(3, "each entry's slope stands in its place")
def numerical_gradient_finds_slopes(numerical_gradient, rng):
    arrays, epsilon = draw_arrays(rng), 1e-3
    shares = {name: rng.normal(size=a.shape) for name, a in arrays.items()}
    found, _, _ = numerical(numerical_gradient, "weighted_sum", arrays, epsilon, shares)
    for name, want in shares.items():
        expect(
            f"`numerical_gradient` gives, for '{name}',",
            found[name],
            want,
            {
                "`numerical_gradient` does not divide by the width of the nudge.": 2 * epsilon * want,
                "`numerical_gradient` gives twice the slope: look at the width that you divide by.": (2 * want),
                "`numerical_gradient` gives half of the slope: look at the width that you divide by.": (want / 2),
                "`numerical_gradient` has the wrong sign: it is above minus below.": -want,
            },
        )


@numerical_gradient.part(4, "the error falls with the square of epsilon")
def numerical_gradient_is_central(numerical_gradient, rng):
    arrays = draw_arrays(rng)
    for epsilon in (0.2, 0.1):
        found, _, _ = numerical(numerical_gradient, "sum_of_cubes", arrays, epsilon)
        for name, a in arrays.items():
            slope = 3 * a**2
            expect(
                f"For a sum of cubes, `numerical_gradient` with epsilon={epsilon} gives, for '{name}',",
                found[name],
                slope + epsilon**2,
                {
                    "`numerical_gradient` is one-sided: it compares with the value at the point itself, so its error "
                    "falls only as epsilon does. Nudge both ways.": (slope + 3 * a * epsilon + epsilon**2),
                    "`numerical_gradient` is one-sided, downward: its error falls only as epsilon does. Nudge both "
                    "ways.": slope - 3 * a * epsilon + epsilon**2,
                    "`numerical_gradient` nudges by half of epsilon to each side: it should be epsilon.": (
                        slope + epsilon**2 / 4
                    ),
                    "`numerical_gradient` ignores the epsilon that it is given.": slope,
                },
            )


@numerical_gradient.part(3, "one number at a time is nudged, and put back")
def numerical_gradient_nudges_one(numerical_gradient, rng):
    arrays = draw_arrays(rng)
    shares = {name: np.ones(a.shape) for name, a in arrays.items()}
    found, given, _ = numerical(numerical_gradient, "weighted_sum", arrays, 0.1, shares)
    moved = [sum(int(np.sum(~np.isclose(now[n], a, atol=1e-9))) for n, a in arrays.items()) for now in given]
    if max(moved, default=0) > 1:
        raise Incorrect(
            f"`numerical_gradient` moves {max(moved)} numbers at once. Nudge one, and put it back before you nudge the "
            "next; all others stay as they were."
        )
    for name, want in shares.items():
        expect(f"For a sum of all numbers, `numerical_gradient` gives, for '{name}',", found[name], want)


@numerical_gradient.part(2, "the arrays stay as they were")
def numerical_gradient_leaves_arrays(numerical_gradient, rng):
    arrays = draw_arrays(rng)
    _, _, after = numerical(numerical_gradient, "sum_of_cubes", arrays, 0.1)
    for name, a in arrays.items():
        if not close(np.asarray(after[name]), a, 1e-9):
            raise Incorrect(f"`numerical_gradient` has changed '{name}', which it was given: a check must not do that.")


@numerical_gradient.part(2, "whole numbers are nudged, too", only_in_marking=True)
def numerical_gradient_takes_whole_numbers(numerical_gradient, rng):
    arrays = {"W": rng.integers(-3, 4, size=(2, 3)), "b": rng.integers(-3, 4, size=4)}
    found, _, _ = numerical(numerical_gradient, "sum_of_cubes", arrays, 1e-4)
    for name, a in arrays.items():
        expect(
            f"Given whole numbers, `numerical_gradient` gives, for '{name}',",
            found[name],
            3.0 * a**2,
            {
                "`numerical_gradient` loses its nudges in an array of whole numbers, which cannot hold 3.0001: nudge a "
                "copy in float64.": np.zeros(a.shape)
            },
            tolerance=1e-3,
        )


# --- 3. backward ------------------------------------------------------------------------------------------------------

ONE_STEP = (
    "{} misses the path through h_{{t-1}}: it equals the one-step gradient. A state is blamed for its own output, and "
    "for what the next step made of it."
)


def backward_case(rng, steps=None, batch=None, counts=None):
    weights, x, h_0 = case(rng, steps, batch)
    return weights, x, states_of(weights, x, h_0), errors_for(rng, weights, x, counts and counts(rng, x.shape[1]))


def backward_by(written, *args):
    """The student's gradients, by name, and δ."""
    what = f"`{written.name}` gives"
    found, delta = expect_several(what, written(*args), ("the gradients", "delta"))
    return named(f"The gradients of `{written.name}` are", found, (*WEIGHTS, "h_0")), delta


def delta_mistakes(weights, x, h, e, window, name):
    """What delta would be after known mistakes."""

    def delta(e=e, **how):
        return backward_of(weights, x, h, e, **{"window": window, **how})[1]

    right, before, after = delta(), h[:, :-1], h[:, 1:]
    says = f"delta of `{name}` "
    return {
        ONE_STEP.format(f"delta of `{name}`"): delta(window=1),
        says + "goes back in time with W_h the wrong way round: going back, the matrix is transposed.": (
            delta(W_h=weights["W_h"].T)
        ),
        says + "lacks the slope of the tanh.": delta(activation="linear"),
        says + "has the slope of the tanh at the wrong place: h_t is the tanh already, do not take it again.": (
            delta(slope_at=np.tanh(after))
        ),
        says + "has the slope of the tanh at h_(t-1): the slope at step t belongs to h_t.": delta(slope_at=before),
        says + "is that of the last step's error alone: each step adds its own.": delta(e=at_steps(e, x.shape[1] - 1)),
        says + "is in reverse order: delta[:, 0] belongs to step 1.": right[:, ::-1],
        says + "has time as its first axis; the course puts the batch first.": right.swapaxes(0, 1),
        says + "is the derivative by the state, h_t, where that by the sum, a_t, is asked for.": right / (1 - after**2),
        says + "has the wrong sign: what is asked for is the gradient; the minus comes with the update.": -right,
    }


def at_steps(a, first, last=None):
    """``a`` (B, T, ...) with zeros at all steps but ``first`` to ``last``, counted from 0."""
    at = np.arange(a.shape[1])
    return a * ((at >= first) & (at <= (first if last is None else last)))[:, None]


def judge_delta(delta, weights, x, h, e, window=None, name="backward", more=dict):
    want = backward_of(weights, x, h, e, window)[1]
    expect(f"delta of `{name}` is", delta, want, lambda: {**delta_mistakes(weights, x, h, e, window, name), **more()})


@backward.part(4, "delta of a single step")
def backward_of_one_step(backward, rng):
    weights, x, h, e = backward_case(rng, steps=1)
    judge_delta(backward_by(backward, weights, x, h, e)[1], weights, x, h, e)


@backward.part(8, "delta of every step, if all outputs are in the loss")
def backward_through_time(backward, rng):
    weights, x, h, e = backward_case(rng)
    judge_delta(backward_by(backward, weights, x, h, e)[1], weights, x, h, e)


@backward.part(3, "delta of every step, if only some outputs are in the loss")
def backward_of_some_outputs(backward, rng):
    for batch in (None, 1):
        weights, x, h, e = backward_case(rng, batch=batch, counts=some_steps)
        _, delta = backward_by(backward, weights, x, h, e)
        last = np.flatnonzero(np.any(e != 0, axis=(0, 2)))[-1]
        delta = np.asarray(delta)
        if delta.shape == h[:, 1:].shape and np.any(delta[:, last + 1 :] != 0):
            raise Incorrect(
                f"delta of `backward` is not zero at step {last + 2}, though step {last + 1} is the last in the loss: "
                "what comes later had no part in it."
            )
        judge_delta(delta, weights, x, h, e)


def gradient_mistakes(name, right, alone, sizes):
    """What a gradient would be after known mistakes; ``alone(t)`` is the share of step t, counted from 0."""
    B, T = sizes
    says, add = f"The gradient of {name} is ", "all steps use the same weights, so their shares are added up."
    return {
        says + f"transposed: it has to have the shape of {name}.": right.T,
        says + f"that of the last step alone: {add}": alone(T - 1),
        says + f"that of the first step alone: {add}": alone(0),
        says + "a mean over the sequences; the mean is in e already, so here the shares are added up.": right / B,
        says + f"a mean over the steps; {add}": right / T,
        says + "a mean over sequences and steps; their shares are to be added up.": right / (B * T),
    }


@backward.part(4, "the gradients of W_y and b_y")
def backward_of_the_output(backward, rng):
    weights, x, h, e = backward_case(rng)
    found, _ = backward_by(backward, weights, x, h, e)
    right, _ = backward_of(weights, x, h, e)

    def mistakes(name):
        def alone(t):
            return backward_of(weights, x, h, at_steps(e, t))[0][name]

        late = np.concatenate([h[:, :1], h[:, :-1]], axis=1)
        return {
            **gradient_mistakes(name, right[name], alone, e.shape[:2]),
            "The gradient of W_y is made with h_(t-1): the output at step t reads h_t.": (
                backward_of(weights, x, late, e)[0][name]
            ),
        }

    for name in ("W_y", "b_y"):
        expect(f"The gradient of {name} is", found[name], right[name], functools.partial(mistakes, name))


@backward.part(4, "the gradients of W_x, W_h and b, given delta")
def backward_of_the_weights(backward, rng):
    weights, x, h, e = backward_case(rng)
    found, delta = backward_by(backward, weights, x, h, e)
    right, right_delta = backward_of(weights, x, h, e)
    delta = np.asarray(delta)
    if delta.shape != right_delta.shape or not np.isfinite(delta).all():
        delta = right_delta
    own = shares_of(x, h, delta)

    def mistakes(name):
        def alone(t):
            return shares_of(x, h, at_steps(delta, t))[name]

        return {
            **gradient_mistakes(name, own[name], alone, e.shape[:2]),
            ONE_STEP.format(f"Your gradient of {name}"): backward_of(weights, x, h, e, 1)[0][name],
            "The gradient of W_h is made with h_t: at step t the weight multiplies h_(t-1).": (
                backward_of(weights, x, h, e, before=h[:, 1:])[0][name]
            ),
        }

    for name, want in own.items():
        got = as_array(f"The gradient of {name} is", found[name])
        if not close(got, want, 1e-5):  # if it is right for the student's δ: other parts look at that
            expect(f"The gradient of {name} is", got, right[name], functools.partial(mistakes, name))


@backward.part(2, "the gradient of the first state")
def backward_of_the_first_state(backward, rng):
    weights, x, h, e = backward_case(rng)
    found, _ = backward_by(backward, weights, x, h, e)
    right, delta = backward_of(weights, x, h, e)
    says, want = "The gradient of h_0 is ", right["h_0"]
    expect(
        "The gradient of h_0 is",
        found["h_0"],
        want,
        lambda: {
            says + "added up over the sequences: here each has a first state of its own, (B, H).": want.sum(0),
            says + "delta of the first step: between that and h_0 there is W_h.": delta[:, 0],
            says + "made with W_h the wrong way round: going back, the matrix is transposed.": (
                backward_of(weights, x, h, e, W_h=weights["W_h"].T)[0]["h_0"]
            ),
            says + "zero: h_0 has no output of its own, but the first step makes something of it.": 0 * want,
            ONE_STEP.format("Your gradient of h_0"): backward_of(weights, x, h, e, 1)[0]["h_0"],
        },
    )


# --- 4. truncation ----------------------------------------------------------------------------------------------------


@truncated_backward.part(2, "a window that holds all steps changes nothing, a smaller one does")
def truncated_in_one_window(truncated_backward, backward, rng):
    weights, x, h, e = backward_case(rng)
    T = x.shape[1]
    backward_by(truncated_backward, weights, x, h, e, T)
    whole, whole_delta = backward_by(backward, weights, x, h, e)
    for window in (T, T + 3):
        found, delta = backward_by(truncated_backward, weights, x, h, e, window)
        what = f"With a window of {window} for {T} steps, `truncated_backward` should give what `backward` gives. Its"
        expect(f"{what} delta is", delta, whole_delta)
        for name in (*WEIGHTS, "h_0"):
            expect(f"{what} gradient of {name} is", found[name], whole[name])
    _, delta = backward_by(truncated_backward, weights, x, h, e, 1)
    one_step = close(np.asarray(whole_delta), backward_of(weights, x, h, e, 1)[1], 1e-5)  # `backward` itself is wrong
    if close(as_array("delta is", delta), whole_delta, 1e-5) and not one_step:
        raise Incorrect("`truncated_backward` ignores `window`: a window of 1 gives what `backward` gives.")


def judge_truncated(truncated_backward, weights, x, h, e, window):
    found, delta = backward_by(truncated_backward, weights, x, h, e, window)
    right, want = backward_of(weights, x, h, e, window)
    steps = x.shape[1]
    rest = steps % window

    def borders():
        says = "`truncated_backward` "
        return {
            says + "gives delta as without truncation: nothing may come back across a border.": (
                backward_of(weights, x, h, e)[1]
            ),
            says + "counts its windows from the end: the first window begins with step 1.": (
                backward_of(weights, x, h, e, window, late=rest - window if rest else 0)[1]
            ),
            says + "has its borders one step too late: the first window holds the steps 1 to `window`.": (
                backward_of(weights, x, h, e, window, late=1)[1]
            ),
            says + "has its borders one step too early: the first window holds the steps 1 to `window`.": (
                backward_of(weights, x, h, e, window, late=-1)[1]
            ),
            says + "leaves out the last window, which is shorter than the others.": want[:, : steps - rest],
            says + "gives zero in the last window, which is shorter than the others.": (
                at_steps(want, 0, steps - rest - 1)
            ),
        }

    judge_delta(delta, weights, x, h, e, window, "truncated_backward", borders)

    def mistakes(name):
        says = f"The gradient of {name} by `truncated_backward` is "
        count = -(-steps // window)
        first, last = at_steps(e, 0, window - 1), at_steps(e, (count - 1) * window, steps)
        return {
            says + "that of the last window alone: the windows' shares are added up.": (
                backward_of(weights, x, h, last, window)[0][name]
            ),
            says + "that of the first window alone: the windows' shares are added up.": (
                backward_of(weights, x, h, first, window)[0][name]
            ),
            says + "a mean over the windows: their shares are added up.": right[name] / count,
            says + "that without truncation.": backward_of(weights, x, h, e)[0][name],
        }

    for name in WEIGHTS:
        what = f"The gradient of {name} by `truncated_backward` is"
        expect(what, found[name], right[name], functools.partial(mistakes, name))


@truncated_backward.part(2, "windows of one step")
def truncated_at_every_step(truncated_backward, backward, rng):
    judge_truncated(truncated_backward, *backward_case(rng), window=1)


@truncated_backward.part(3, "windows that fill the sequence")
def truncated_in_equal_windows(truncated_backward, backward, rng):
    window = int(rng.integers(2, 4))
    judge_truncated(truncated_backward, *backward_case(rng, steps=3 * window), window)


@truncated_backward.part(3, "a last window that is shorter")
def truncated_with_a_rest(truncated_backward, backward, rng):
    window = int(rng.integers(3, 5))
    weights, x, h, e = backward_case(rng, steps=2 * window + int(rng.integers(1, window)))
    judge_truncated(truncated_backward, weights, x, h, e, window)


@truncated_backward.part(2, "the first state hears of the first window alone")
def truncated_at_the_first_state(truncated_backward, backward, rng):
    weights, x, h, e = backward_case(rng, steps=6)

    def mistakes(e):
        def first(x, h, e, window=3):
            return backward_of(weights, x, h, e, window)[0]["h_0"]

        turned = [np.roll(a, 3, axis=1) for a in (x, h[:, 1:], e)]
        at_border = first(turned[0], np.concatenate([h[:, :1], turned[1]], axis=1), turned[2])
        says = "The gradient of h_0 by `truncated_backward` is "
        return {
            says + "that of the state at the border: h_0 stands before the first window.": at_border,
            says + "added up over the windows: the states at the borders are other states than h_0.": (
                at_border + first(x, h, e)
            ),
            says + "that without truncation.": first(x, h, e, None),
        }

    for errors in (e, at_steps(e, 3, 5)):
        found, _ = backward_by(truncated_backward, weights, x, h, errors, 3)
        want = backward_of(weights, x, h, errors, 3)[0]["h_0"]
        what = "With two windows of 3 steps, the gradient of h_0 by `truncated_backward` is"
        expect(what, found["h_0"], want, functools.partial(mistakes, errors))


# --- 5. clipping ------------------------------------------------------------------------------------------------------


def draw_gradient(rng, length):
    """Arrays that are, put together, a vector of this length; and the same with length 1."""
    shapes = {"W": tuple(rng.permutation([2, 3, 4])[:2]), "b": (int(rng.integers(2, 5)),)}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    unit = np.linalg.qr(rng.normal(size=(sum(sizes), 1)))[0][:, 0]
    parts = np.split(unit, np.cumsum(sizes)[:-1])
    unit = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts)}
    return {name: length * part for name, part in unit.items()}, unit


def clipped_by(clip, gradients, threshold):
    result = expect_several("`clip` gives", clip(gradients, threshold), ("the gradients", "the norm"))
    return named("The gradients of `clip` are", result[0], gradients), result[1]


@clip.part(2, "the norm of all gradients together")
def clip_measures(clip, rng):
    length = rng.uniform(2, 5)
    gradients, _ = draw_gradient(rng, length)
    norms = [np.linalg.norm(g) for g in gradients.values()]
    expect(
        "`clip` gives the norm",
        clipped_by(clip, gradients, 1.0)[1],
        length,
        {
            "`clip` gives the square of the norm: a length has a root.": length**2,
            "`clip` adds up the arrays' norms: the norm is that of one long vector, with the entries of all arrays.": (
                sum(norms)
            ),
            "`clip` gives the largest norm of a single array: the norm is that of one long vector, with the entries of "
            "all arrays.": max(norms),
            "`clip` gives the norm after clipping: it should be that before.": 1.0,
        },
    )


@clip.part(3, "a long gradient is shortened and keeps its direction")
def clip_shortens(clip, rng):
    length, threshold = rng.uniform(4, 9), rng.uniform(0.05, 0.3)
    gradients, unit = draw_gradient(rng, length)
    found, _ = clipped_by(clip, gradients, threshold)
    for name, part in unit.items():
        expect(
            f"A gradient of norm {length:.3g}, clipped to {threshold:.3g}, is for '{name}'",
            found[name],
            threshold * part,
            {
                "`clip` clips each array by itself, which bends the direction: use one factor for all of them.": (
                    after_clipping(gradients[name], clipnorm=threshold)
                ),
                "`clip` cuts each entry by itself, which bends the direction: use one factor for all of them.": (
                    after_clipping(gradients[name], clipvalue=threshold)
                ),
                "`clip` leaves a gradient alone that is longer than the threshold.": gradients[name],
                "`clip` divides by the square of the norm.": threshold * part / length,
                "`clip` makes the norm 1, whatever the threshold.": part,
            },
        )


def after_clipping(gradient, **how):
    """What Keras makes of one array of gradients."""
    import keras

    at = keras.Variable(np.zeros(gradient.shape), dtype="float64")
    keras.optimizers.SGD(1.0, **how).apply([keras.ops.convert_to_tensor(gradient)], [at])
    return -keras.ops.convert_to_numpy(at)


@clip.part(1, "a short gradient is left alone, and any if the threshold is infinite")
def clip_leaves_alone(clip, rng):
    for length, threshold in ((rng.uniform(0.1, 0.9), 1.0), (rng.uniform(2, 5), np.inf)):
        gradients, unit = draw_gradient(rng, length)
        found, _ = clipped_by(clip, gradients, threshold)
        for name, g in gradients.items():
            expect(
                f"A gradient of norm {length:.3g}, clipped to {threshold:.3g}, is for '{name}'",
                found[name],
                g,
                {
                    "`clip` makes a short gradient longer: below the threshold it should change nothing.": (
                        threshold * unit[name]
                    )
                },
            )


@clip.part(1, "a gradient of zero stays zero")
def clip_of_zero(clip, rng):
    gradients, _ = draw_gradient(rng, 0.0)
    found, norm = clipped_by(clip, gradients, 1.0)
    for name, g in gradients.items():
        expect(f"A gradient of zero, clipped, is for '{name}'", found[name], g)
    expect("For a gradient of zero, `clip` gives the norm", norm, 0.0)


@beside_student
def clip_and_return(clip, gradients, threshold):
    """The arrays that `clip` was given, afterwards."""
    clip(gradients, threshold)
    return gradients


@clip.part(1, "the given arrays stay as they were")
def clip_leaves_its_arguments(clip, rng):
    gradients, _ = draw_gradient(rng, 5.0)
    after = clip_and_return(clip, gradients, 1.0)
    for name, g in gradients.items():
        if not close(np.asarray(after[name]), g, 1e-12):
            raise Incorrect(f"`clip` has changed the array '{name}' that it was given; make new arrays.")


# --- 6. training ------------------------------------------------------------------------------------------------------


def training_case(rng):
    """Draw weights and one batch; of T steps, which 3 does not divide, some count, in the first 3 and the last, too."""
    weights, x, _ = case(rng, steps=rng.integers(7, 9))
    counts = some_steps(rng, x.shape[1])
    counts[[rng.integers(3), -1]] = True
    return weights, x, rng.normal(size=(*x.shape[:2], len(weights["b_y"]))), counts


def trained_by(train, *args):
    """The weights that the student's training gives, and the losses."""
    weights, losses = expect_several("`train` gives", train(*args), ("the weights", "the losses"))
    return named("The weights of `train` are", weights, WEIGHTS), losses


@train.part(3, "one update goes down the gradient, truncated and clipped")
def train_updates_once(train, rng):
    weights, x, y, counts = training_case(rng)
    rate, momentum, window = rng.uniform(0.5, 1.0), rng.uniform(0.5, 0.9), 3
    cut, whole = (gradients_for(weights, x, y, counts, w) for w in (window, None))
    for threshold in (1e6, 0.05):
        found, _ = trained_by(train, weights, [(x, y)], counts, window, rate, momentum, threshold)
        new = updated(weights, cut, rate, threshold)
        full, unclipped = updated(weights, whole, rate, threshold), updated(weights, cut, rate)
        with_first = updated(weights, cut, rate, threshold, with_first_state=True)
        for name, old in weights.items():
            change = (new[name] - old) / rate
            expect(
                "After one update by `train`, which rests on what you wrote before, with a threshold of "
                f"{threshold:g}, the change of {name} divided by the rate is",
                (as_array(f"The weight {name} is", found[name]) - old) / rate,
                change,
                {
                    "`train` goes up the gradient: the loss falls against it.": -change,
                    "`train` ignores `window`: its update is that of the full gradient.": (full[name] - old) / rate,
                    "`train` ignores `threshold`: its update is that of the gradient as it is.": (
                        (unclipped[name] - old) / rate
                    ),
                    "`train` clips the gradient of h_0 along: the first state is not trained, so leave its gradient "
                    "out before you measure the norm.": (with_first[name] - old) / rate,
                    "`train` multiplies the first gradient by 1 - momentum: only the old velocity has a factor.": (
                        (1 - momentum) * change
                    ),
                    "`train` leaves the rate out.": change / rate,
                    "`train` changes nothing: are the new weights stored?": 0 * change,
                },
            )


@train.part(2, "the velocity is carried on with momentum")
def train_keeps_its_velocity(train, rng):
    weights, x, y, counts = training_case(rng)
    momentum, rate = rng.uniform(0.5, 0.9), 1e-4
    changes = []
    for count in (1, 2):
        found, _ = trained_by(train, weights, [(x, y)] * count, counts, x.shape[1], rate, momentum, 1e6)
        changes.append(np.concatenate([np.ravel(np.asarray(found[n]) - weights[n]) for n in WEIGHTS]) / rate)
    once, twice = changes
    if not np.any(once):
        raise Incorrect("`train` changes nothing in one update: are the new weights stored?")
    expect(
        "With a tiny rate, two updates of `train` on one batch are as long as the first alone times",
        once @ twice / (once @ once),
        2 + momentum,
        {
            "`train` has no momentum: its second update is as long as its first. Carry the velocity on.": 2.0,
            "`train` makes one update for two batches: there should be one for each.": 1.0,
            "`train` forgets the gradient in its second update: velocity is the old one times momentum, and the new "
            "step.": 1 + momentum,
            "`train` adds up the gradients without the factor `momentum`.": 3.0,
        },
        tolerance=0.02,
    )


@beside_student
def train_and_return(train, weights, *args):
    """The weights that `train` was given, afterwards."""
    train(weights, *args)
    return weights


@train.part(1, "the given weights stay as they were")
def train_leaves_its_arguments(train, rng):
    weights, x, y, counts = training_case(rng)
    after = train_and_return(train, weights, [(x, y)] * 2, counts, 3, 0.5, 0.5, 1.0)
    for name in WEIGHTS:
        if not close(np.asarray(after[name]), weights[name], 1e-12):
            raise Incorrect(
                f"`train` has changed '{name}' in the weights that it was given: a second training from them would "
                "start elsewhere. Make new arrays."
            )


@train.part(1, "the losses, one a batch, each before its update")
def train_gives_losses(train, rng):
    weights, x, y, counts = training_case(rng)
    _, losses = trained_by(train, weights, [(x, y)] * 3, counts, 3, 0.1, 0.0, 0.5)
    losses = np.asarray(losses)
    if losses.shape != (3,):
        raise Incorrect(f"The losses of `train` have shape {losses.shape} for 3 batches; there should be one a batch.")
    late, _ = trained_by(train, weights, [(x, y)], counts, 3, 0.1, 0.0, 0.5)
    expect(
        "The first loss of `train` is",
        losses[0],
        loss_of(predictions_of(weights, x), y, counts)[0],
        lambda: {
            "The losses of `train` are those after each update: take the loss of the forward pass that you have.": (
                loss_of(predictions_of(late, x), y, counts)[0]
            ),
            "The losses of `train` count all steps: hand `counts` on.": loss_of(
                predictions_of(weights, x), y, counts | True
            )[0],
        },
    )


@beside_student
def train_on_recall(train, weights, cue, steps, seed):
    """The weights after training on the recall task."""
    updates, batch = 400, 32
    x, y = recall(updates * batch, cue, steps, seed)
    batches = list(zip(np.split(x, updates), np.split(y, updates)))
    trained, _ = train(weights, batches, np.arange(steps) == steps - 1, steps, 0.1, 0.9, 1.0)
    return trained


@train.part(3, "a network learns to remember", only_in_marking=True, draws=1)
def train_learns_to_remember(train, rng):
    steps, cue = 10, int(rng.integers(3, 5))
    losses = []
    while len(losses) < 3 and min(losses, default=1) >= 0.1:  # a right one fails once in a hundred times
        first, drawn, fresh = (int(s) for s in rng.integers(1 << 30, size=3))
        trained = train_on_recall(train, first_weights(2, 16, seed=first), cue, steps, drawn)
        trained = named("The weights of `train` are", trained, WEIGHTS)
        trained = {name: np.asarray(trained[name], "float64") for name in WEIGHTS}
        x, y = recall(1000, cue, steps, fresh)
        losses.append(loss_of(predictions_of(trained, x), y, np.arange(steps) == steps - 1)[0])
    best = min(losses)
    if not best < 0.1:
        return 0.5 if best < 0.5 else 0.0, (
            f"After 400 updates on the recall task the best of three of your networks has a mean squared error of "
            f"{best:.2g} on fresh sequences. Always to answer 0 has 1; it should be below 0.1."
        )
    return None
