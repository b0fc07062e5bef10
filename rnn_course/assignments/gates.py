"""Assignment 3: cells with gates, forward and back; and what each gate is worth."""

import functools
import itertools

import numpy as np

from rnn_course.assignments import traps
from rnn_course.assignments.exercise import Assignment, Exercise, Incorrect, as_array, expect, expect_several
from rnn_course.assignments.written import beside_student

GATED = ("LSTMCell", "GRUCell", "PeepholeLSTMCell", "LayerNormLSTMCell")
WITHOUT = (
    *(f"keras.layers.{name}" for name in ("LSTM", "LSTMCell", "GRU", "GRUCell")),
    *(f"rnn_course.layers.{name}" for name in ("LSTM", "GRU")),
    *(f"rnn_course.cells.{name}" for name in GATED),
    *(f"torch.nn.{name}" for name in ("LSTM", "LSTMCell", "GRU", "GRUCell")),
)
STEPS = tuple(f"rnn_course.cells.{name}.step" for name in GATED)  # which can be called without a cell
STEPS_BACK = tuple(f"rnn_course.cells.{name}.{m}" for name in GATED for m in ("step_gradient", "gate_gradients"))
DIFFERENTIATES = ("tensorflow.GradientTape", "tensorflow.gradients", "rnn_course.gradients.gradient")
TOLERANCE = 1e-4  # cells compute in float32
OPEN = 100.0  # a bias with which a gate is 1, and with a minus 0

# ---- right values, and those of known mistakes, from the package -----------------------------------------------------


@functools.lru_cache(maxsize=16)
def equations(kind, units, **how):
    """Return the package's cell in float64, without weights: for ``step`` they are arguments."""
    from rnn_course import cells

    return getattr(cells, kind)(units, dtype="float64", **how)


def package_cell(kind, weights):
    """Return the package's cell with these weights, in float64."""
    from rnn_course import cells

    cell = getattr(cells, kind)(len(weights[1]), dtype="float64")
    cell.build((None, len(weights[0])))
    cell.set_weights(weights)
    return cell


def tensors(arrays, dtype="float64"):
    from keras import ops

    return tuple(ops.convert_to_tensor(a, dtype=dtype) for a in arrays)


def arrays(values):
    from keras import ops

    return [ops.convert_to_numpy(a) for a in values]


def step_of(kind, x, states, weights, **how):
    """Return the new states, and what the package's cell saves, as lists of arrays."""
    W_x, W_h, b = weights
    x, W_x, W_h, *biases = tensors([x, W_x, W_h, *(b if np.ndim(b) == 2 else [b])])
    new, saved = equations(kind, len(weights[1]), **how).step(x @ W_x, tensors(states), (W_h, *biases))
    return arrays(new), arrays(saved)


def sequence_of(kind, x, states, weights, mask=None):
    """Return all hidden states (B, T, H) of the package's cell, and its final states."""
    from rnn_course import layers

    layer = layers.RNN(package_cell(kind, weights), return_sequences=True, return_state=True, dtype="float64")
    first = tensors(states)
    return arrays(layer(tensors([x])[0], initial_state=list(first), mask=mask))


def gradients_of(kind, x, weights):
    """Return the gradients of W_x, W_h, b and the inputs, of the loss of `loss_gradients`."""
    from rnn_course import layers

    return loss_gradients(layers.RNN(package_cell(kind, weights), return_sequences=True, dtype="float64"), x)


def loss_gradients(layer, x):
    """Return the gradients of a layer's weights and inputs, of a loss in which every output has another share."""
    from rnn_course import gradients

    total, weights, x = gradients.as_function(layer, np.asarray(x), gradients.irregular)
    return [gradients.to_numpy(d) for d in gradients.gradient(total, *weights.values(), x)]


def blocks_in_order(weights, order):
    """Return the weights with their blocks of columns in another order."""
    return [np.concatenate([np.split(w, len(order), axis=-1)[k] for k in order], axis=-1) for w in weights]


def with_block(weights, place, gates, factor=0.0, bias=0.0):
    """Return the weights with one block multiplied by ``factor`` and ``bias`` added to its bias."""
    changed = [w.copy() for w in weights]
    units = len(weights[1])
    for w in changed:
        w[..., place * units : (place + 1) * units] *= factor
    changed[-1][..., place * units : (place + 1) * units] += bias
    return changed


def in_turn(*names):
    """Return an activation that is another one at each call; the LSTM squashes its candidate first, then its memory."""
    import keras

    functions = itertools.cycle([name if callable(name) else keras.activations.get(name) for name in names])
    return lambda a: next(functions)(a)


def draw_sizes(rng, least=2):
    """Draw B, D and H, all different, so that no two axes can be taken for each other."""
    return map(int, least + rng.permutation(4)[:3])


def draw_weights(rng, features, units, gates, rows=()):
    """Draw W_x (D, G H), W_h (H, G H) and b (G H,), or (2, G H) for ``rows`` = (2,)."""
    columns = gates * units
    shapes = (features, columns), (units, columns), (*rows, columns)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def draw(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def draw_mask(rng, batch, steps):
    """Draw which steps count: in the first example none, in the second all, and elsewhere half."""
    mask = rng.random((batch, steps)) < 0.5
    mask[0], mask[1] = False, True
    return mask


judge = functools.partial(expect, tolerance=TOLERANCE)


# ---- driving what the student wrote, in its own process --------------------------------------------------------------


def made(cell_class, weights):
    """Return the student's cell with these weights."""
    if cell_class.step.__module__ == "rnn_course.cells":
        raise traps.Forbidden(f"rnn_course.cells.{cell_class.step.__qualname__}")
    cell = cell_class(len(weights[1]))
    cell.build((None, len(weights[0])))
    cell.set_weights(weights)
    return cell


def step_once(cell, x, states):
    W_x, inside = cell.weights_at("float32")
    return cell.step(tensors([x], "float32")[0] @ W_x, tensors(states, "float32"), inside)


def layer_around(cell_class, weights, x, **how):
    """Return a layer that runs the student's cell, if it gives tensors."""
    from keras import ops

    from rnn_course import layers

    cell = made(cell_class, weights)
    states, _ = step_once(cell, x[:, 0], cell.get_initial_state(len(x)))
    if not all(ops.is_tensor(s) for s in states):
        raise TypeError("`step` gives its states as NumPy arrays, with which no layer can go on; use `keras.ops`")
    return layers.RNN(cell, return_sequences=True, **how)


@beside_student
def one_step(cell_class, x, states, weights):
    """Return what ``step`` returns."""
    return step_once(made(cell_class, weights), x, states)


@beside_student
def whole_sequence(cell_class, x, states, weights, mask=None):
    """Return the outputs of all steps, and the final states."""
    layer = layer_around(cell_class, weights, x, return_state=True)
    return layer(x, initial_state=list(tensors(states, "float32")), mask=mask)


@beside_student
def learning_signal(cell_class, x, weights):
    """Return the gradients by automatic differentiation."""
    return loss_gradients(layer_around(cell_class, weights, x), x)


@beside_student
def way_back(function, d_states, saved, weights):
    """Return what the step's gradient gives."""
    return function(*(tensors(group, "float32") for group in (d_states, saved, weights)))


@beside_student
def way_back_through_time(function, x, weights, d_hidden):
    """Return what `back_through_time` gives for a cell that goes back by ``function``, and forward by the package."""
    from rnn_course import cells

    class Cell(cells.GatedCell):
        gates, state_names = 4, cells.LSTMCell.state_names
        step, weight_gradients = cells.LSTMCell.step, cells.LSTMCell.weight_gradients

        def step_gradient(self, d_states, saved, weights):
            return function(d_states, saved, weights)

    cell = Cell(len(weights[1]))
    cell.build((None, len(weights[0])))
    cell.set_weights(weights)
    return back_through_time(cell, x, d_hidden)


def back_through_time(cell, x, d_hidden):
    """Return the loss's gradients by W_x, W_h and b, from those by all hidden states, (B, T, H), by backpropagation."""
    from keras import ops

    from rnn_course import bptt

    dtype = cell.compute_dtype
    x, d_hidden = (ops.transpose(a, (1, 0, 2)) for a in tensors([x, d_hidden], dtype))
    sequence, weights, plan = bptt.Sequence(x), cell.weights_at(dtype), bptt.Plan(project_ahead=True)
    first = tuple(cell.get_initial_state(x.shape[1]))
    _, _, saved = bptt.forward(cell, weights, sequence, first, plan)
    d_last = tuple(ops.zeros_like(s) for s in first)
    return arrays(bptt.backward(cell, weights, sequence, saved, (d_hidden,), d_last, plan)[2])


# ---- judging cells ---------------------------------------------------------------------------------------------------

STATES = ("h_t", "c_t")


def parts_of_step(name, got, names):
    """Return the new states and what is saved, if ``step`` gives both in the right form."""
    states, saved = expect_several(f"`step` of `{name}` gives", got, ("the new states", "what it saves"))
    if not isinstance(states, (list, tuple)):
        raise Incorrect(
            f"`step` of `{name}` gives a bare array in place of the new states. They belong in a tuple of "
            f"{len(names)}: {', '.join(names)}."
        )
    return expect_several(f"`step` of `{name}` gives, as new states,", states, names), saved


def judge_states(name, where, got, want, mistakes, which=(1, 0)):
    """Hold new states against ``want``, the memory first, because h_t is made of it.

    ``mistakes()`` returns {message: new states}.
    """
    new, _ = parts_of_step(name, got, STATES[: len(want)])
    for k in which:
        judge(
            f"{where}{STATES[k]} of `{name}` is",
            new[k],
            want[k],
            lambda k=k: {f"`step` of `{name}` {message}": value[k] for message, value in mistakes().items()},
        )


def judge_sequence(written, rng, kind, gates, names, in_package=lambda weights: weights):
    """Compare a run over a sequence, plain and masked, with that of the package's cell."""
    B, D, H = draw_sizes(rng)
    T, rows = int(rng.integers(4, 8)), (2,) if kind == "GRUCell" else ()
    weights = draw_weights(rng, D, H, gates, rows)
    x, states = draw(rng, B, T, D), [draw(rng, B, H) for _ in names]
    parts_of_step(written.name, one_step(written, x[:, 0], states, weights), names)
    for mask in (None, draw_mask(rng, B, T)):
        got = whole_sequence(written, x, states, weights, mask)
        want = sequence_of(kind, x, states, in_package(weights), mask)
        where = f"Over {T} steps" if mask is None else f"Over {T} steps, some of them masked"
        counts = np.ones((B, T), bool) if mask is None else mask
        try:
            judge(f"{where}, the hidden states of `{written.name}` are", got[0][counts], want[0][counts])
            for name, a, b in zip(names, got[1:], want[1:]):
                judge(f"{where}, {name} of `{written.name}` ends as", a, b)
        except Incorrect as error:
            raise Incorrect(f"{error} Is one step right?") from None


def judge_saved(name, saved, names, values, instead):
    """Hold what ``step`` saves against ``values``; ``instead`` has what might stand there, {name: value}."""
    saved = expect_several(f"`step` of `{name}` saves", saved, names)
    known = {**dict(zip(names, values)), **instead}
    for what, got, right in zip(names, saved, values):
        mistakes = {f"`step` of `{name}` saves {n} where {what} belongs.": v for n, v in known.items() if n != what}
        judge(f"What `step` of `{name}` saves as {what} is", got, right, lambda mistakes=mistakes: mistakes)


def judge_learning(written, rng, kind, gates, names=("h", "c"), rows=()):
    """Compare the gradients that automatic differentiation finds with those of the package's cell."""
    B, D, H = draw_sizes(rng)
    weights, x = [w / 2 for w in draw_weights(rng, D, H, gates, rows)], draw(rng, B, 4, D)
    message = (
        f"No gradient comes through `step` of `{written.name}` to some of its weights. Either it does not use them, or "
        "something in it leaves Keras, as NumPy's functions do, and gives a constant: compute with `keras.ops`."
    )
    parts_of_step(written.name, one_step(written, x[:, 0], [draw(rng, B, H) for _ in names], weights), names)
    found, wanted = learning_signal(written, x, weights), gradients_of(kind, x, weights)
    for name, got, want in zip(("W_x", "W_h", "b"), found, wanted):
        if np.any((got == 0) & (np.abs(want) > 1e-3)):
            raise Incorrect(message)
        expect(f"The gradient of {name} is", got, want, tolerance=1e-3)


# ---- exercise 1: the LSTM, forward -----------------------------------------------------------------------------------

lstm = Exercise("lstm", needs=("MyLSTMCell",), forbidden=(*WITHOUT, *STEPS))


def lstm_mistakes(x, states, weights, gates="ifgo", in_package=lambda weights: weights):
    """Return what the new states of an LSTM would be after known mistakes: {message: (h, c)}.

    ``gates`` names the blocks of the weights, and ``in_package`` makes of them those of the package's four.
    """
    import keras

    h, c = states
    count = len(gates)

    def of(states=states, x=x, weights=weights, **how):
        return step_of("LSTMCell", x, states, in_package(weights), **how)[0]

    found = {
        "gives its states in the other order: h comes first, then c.": of()[::-1],
        "takes the candidate from a sigmoid, as if it were a gate: it may be negative, and so may the memory.": of(
            activation=in_turn("sigmoid", "tanh")
        ),
        "leaves the candidate as the plain sum: its squashing function is missing.": of(
            activation=in_turn("linear", "tanh")
        ),
        "shows the memory as it is: h_t is made of the squashed c_t, between -1 and 1.": of(
            activation=in_turn("tanh", "linear")
        ),
        "squashes the memory that it shows by a sigmoid: the memory should keep its sign.": of(
            activation=in_turn("tanh", "sigmoid")
        ),
        "shows the memory from before this step: h_t is made of the new c_t.": of(
            activation=in_turn("tanh", lambda _: keras.ops.tanh(tensors([c])[0]))
        ),
        "has gates between -1 and 1: a gate is a share, between 0 and 1.": of(recurrent_activation="tanh"),
        "leaves the gates as plain sums: a gate is a share, between 0 and 1.": of(recurrent_activation="linear"),
        "lets the gates read the cell state: they read x_t and the hidden state.": of((c, c)),
        "uses the hidden state in place of the memory: what is kept is kept of the cell state.": of((h, h)),
        "takes its states in the wrong order: `states` holds h first, then c.": of((c, h)),
        "leaves the recurrent weights out: the gates read the hidden state as well.": of((0 * h, c)),
        "leaves the input out: `x_part` is the input's share of all sums.": of(x=0 * x),
        "leaves the bias out.": of(weights=[*weights[:2], 0 * weights[2]]),
        "shows everything: the output gate decides what is shown.": of(
            weights=with_block(weights, gates.index("o"), count, bias=OPEN)
        ),
    }
    for order in itertools.permutations(range(count)):
        taken = "".join(gates[order.index(k)] for k in range(count))
        if taken == "figo":
            message = (
                "has i_t and f_t in each other's place: f_t multiplies the old memory and i_t the candidate, and the "
                "blocks of the sums stand in the order i, f, g, o."
            )
        else:
            message = (
                f"takes the {count} blocks of the sums to be {', '.join(taken)}; they stand side by side in the order "
                f"{', '.join(gates)}."
            )
        if taken != gates:
            found[message] = of(weights=blocks_in_order(weights, order))
    return found


def judge_lstm(written, x, states, weights, where="", which=(1, 0)):
    """Judge one step of the student's cell."""
    want, _ = step_of("LSTMCell", x, states, weights)
    got = one_step(written, x, states, weights)
    judge_states(written.name, where, got, want, lambda: lstm_mistakes(x, states, weights), which)


def draw_step(rng, gates, sizes=None):
    """Draw the inputs (B, D), the states h and c (B, H), and the weights of a cell with so many blocks."""
    B, D, H = sizes or draw_sizes(rng)
    return draw(rng, B, D), (draw(rng, B, H), draw(rng, B, H)), draw_weights(rng, D, H, gates)


@lstm.part(4, "keeps and writes: c_t")
def lstm_memory(written, rng):
    judge_lstm(written, *draw_step(rng, 4), which=(1,))


@lstm.part(3, "shows: h_t")
def lstm_shown(written, rng):
    x, states, weights = draw_step(rng, 4)
    weights = with_block(with_block(weights, 0, 4, bias=-OPEN), 1, 4, bias=OPEN)
    judge_lstm(written, x, states, weights, "With f_t = 1 and i_t = 0, ")


@lstm.part(4, "runs over a sequence from given states, masked too", draws=2)
def lstm_sequence(written, rng):
    judge_sequence(written, rng, "LSTMCell", 4, ("h", "c"))


@lstm.part(2, "takes one example, one feature and one unit")
def lstm_smallest(written, rng):
    judge_lstm(written, *draw_step(rng, 4, (1, 1, 1)), "For one example and one unit, ")


@lstm.part(3, "saves what the way back needs")
def lstm_saved(written, rng):
    x, states, weights = draw_step(rng, 4)
    _, saved = parts_of_step(written.name, one_step(written, x, states, weights), STATES)
    new, values = step_of("LSTMCell", x, states, weights)
    _, sums = step_of("LSTMCell", x, states, weights, activation="linear", recurrent_activation="linear")
    names = "h_{t-1}", "c_{t-1}", "i_t", "f_t", "g_t", "o_t"
    instead = dict(zip(STATES, new)) | {f"the sum inside {n}": s for n, s in zip(names[2:], sums[2:])}
    judge_saved(written.name, saved, names, values, instead)


@lstm.part(2, "can be trained", draws=1)
def lstm_trains(written, rng):
    judge_learning(written, rng, "LSTMCell", 4)


# ---- exercise 2: the LSTM, backward ----------------------------------------------------------------------------------

gradient = Exercise("gradient", needs=("lstm_step_gradient",), forbidden=(*WITHOUT, *STEPS_BACK, *DIFFERENTIATES))
NAME = "`lstm_step_gradient`"


class Back:
    """One step of an LSTM with random numbers, and its gradient, by the package."""

    def __init__(self, rng, sizes=None, only_memory=False):
        x, states, weights = draw_step(rng, 4, sizes)
        self.weights = weights
        _, saved = step_of("LSTMCell", x, states, weights)
        self.saved = [s.astype("float32") for s in saved]
        self.dh, self.dc = draw(rng, *states[0].shape), draw(rng, *states[0].shape)
        if only_memory:
            self.dh *= 0

    def of(self, dh=None, dc=None, saved=None, **how):
        """Return the package's derivatives by h_{t-1}, c_{t-1} and the sums, a dict; by default the right ones."""
        cell = equations("LSTMCell", len(self.weights[1]), **how)
        upstream = [self.dh if dh is None else dh, self.dc if dc is None else dc]
        (dh, dc), (da,) = cell.step_gradient(tensors(upstream), tensors(saved or self.saved), tensors(self.weights[1:]))
        return dict(zip(("h", "c", "a"), arrays([dh, dc, da])))

    def asked_of(self, written):
        """Return the student's derivatives, in the same form."""
        got = way_back(written, [self.dh, self.dc], self.saved, self.weights[1:])
        d_states, d_sums = expect_several(f"{NAME} gives", got, ("d_states", "d_sums"))
        dh, dc = expect_several(f"{NAME} gives, as d_states,", d_states, ("δh_{t-1}", "δc_{t-1}"))
        if not isinstance(d_sums, (list, tuple)) or len(d_sums) != 1:
            raise Incorrect(f"{NAME} should give `d_sums` as a tuple whose only entry is δa_t, of shape (B, 4H).")
        return {"h": dh, "c": dc, "a": d_sums[0]}


@gradient.part(3, "δc passes along the memory")
def back_along_memory(written, rng):
    back = Back(rng, only_memory=True)
    wrong = {
        f"{NAME} passes δc_t on unchanged: on the way back it meets the gate that multiplied the old memory.": back.dc,
        f"{NAME} multiplies δc_t by the wrong gate: which one multiplied the old memory?": back.of(
            saved=[back.saved[k] for k in (0, 1, 3, 2, 4, 5)]
        )["c"],
        f"{NAME} gives its d_states in the other order: δh_{{t-1}} comes first.": back.of()["h"],
    }
    judge("With δh_t = 0, δc_{t-1} is", back.asked_of(written)["c"], back.of()["c"], lambda: wrong)


@gradient.part(3, "δh joins the memory's path")
def back_into_memory(written, rng):
    back = Back(rng)
    _, _, i, f, g, o = back.saved

    def mistakes():
        no_slope = back.of(activation="linear", saved=[*back.saved[:2], i, f, g, o])
        return {
            f"{NAME} leaves a path out: h_t is made of c_t, so δh_t adds to δc_t before that goes further back.": (
                back.of(dh=0 * back.dh)["c"]
            ),
            f"{NAME} forgets, on the path from h_t to c_t, the slope of the squashing between them.": no_slope["c"],
            f"{NAME} forgets, on the path from h_t to c_t, the gate that h_t was multiplied by.": back.of(
                saved=[*back.saved[:5], np.ones_like(o)]
            )["c"],
            f"{NAME} takes the slope of the squashing at c_{{t-1}}; h_t is made of the new memory, c_t.": (
                back.of(saved=[*back.saved[:2], 0 * i, np.ones_like(f), g, o], dc=back.dc)["c"] * f
            ),
            f"{NAME} replaces δc_t by what comes from δh_t: the two are added.": back.of(dc=0 * back.dc)["c"],
        }

    judge("δc_{t-1} is", back.asked_of(written)["c"], back.of()["c"], mistakes)


@gradient.part(5, "δa for each of the four sums")
def back_to_sums(written, rng):
    memory, shown = Back(rng, only_memory=True), Back(rng)
    right, messages = 0, []
    for place, gate in enumerate("ifgo"):
        back = shown if gate == "o" else memory
        H = len(back.weights[1])
        got, want = as_array(f"{NAME} gives, as δa_t,", back.asked_of(written)["a"]), back.of()["a"]
        if got.shape != want.shape:
            raise Incorrect(f"{NAME} gives δa_t of shape {got.shape}; it should have shape (B, 4H) = {want.shape}.")
        block = slice(place * H, (place + 1) * H)
        try:
            judge(
                f"Block {gate} of δa_t is",
                got[:, block],
                want[:, block],
                lambda back=back, place=place, gate=gate: block_mistakes(back, place, gate),
            )
            right += 1
        except Incorrect as error:
            messages.append(str(error))
    return right / 4, messages[0] if messages else ""


def block_mistakes(back, place, gate):
    """Return what a block of δa would be after known mistakes."""

    def block(a, k=place):
        return np.split(a["a"], 4, axis=-1)[k]

    h, c, i, f, g, o = back.saved
    found = {
        f"Block {gate} of δa_t stops before the squashing function: δ by the sum is δ by the gate times its slope.": (
            block(back.of(recurrent_activation="linear"))
        ),
        "Block o of δa_t has the memory as it was before this step: o_t multiplied the squashed new one, c_t.": (
            block(back.of(saved=[h, c, 0 * i, np.ones_like(f), g, o]))
        ),
    }
    if gate == "g":
        slope = "Block g of δa_t stops before the squashing function: the candidate went through tanh."
        found = {
            slope: block(back.of(activation="linear")),
            "Block g of δa_t has the slope of a sigmoid: the candidate went through tanh.": block(
                back.of(activation="sigmoid")
            ),
        }
    for k, other in enumerate("ifgo"):
        if k != place:
            message = f"Block {gate} of δa_t is that of {other}: the four stand in the order i, f, g, o."
            found[message] = block(back.of(), k)
    return found


@gradient.part(2, "δh goes back by the recurrent weights")
def back_to_state(written, rng):
    from keras import ops

    from rnn_course import gradients

    back = Back(rng)
    got = back.asked_of(written)
    da = as_array(f"{NAME} gives, as δa_t,", got["a"])
    if da.shape != back.of()["a"].shape or not np.any(da):
        raise Incorrect(f"{NAME} gives no δa_t of shape (B, 4H) from which δh_{{t-1}} could follow.")
    W_h, own = tensors([back.weights[1], da])
    want = arrays(gradients.gradient(lambda h: ops.sum(own * (h @ W_h)), back.saved[0].astype("float64")))[0]
    wrong = {
        f"{NAME} adds δh_t to δh_{{t-1}}: from h_{{t-1}} to h_t there is no way but through the sums.": want + back.dh,
        f"{NAME} gives its d_states in the other order: δh_{{t-1}} comes first, then δc_{{t-1}}.": as_array(
            f"{NAME} gives", got["c"]
        ),
    }
    judge("δh_{t-1} does not follow from your own δa_t: it is", got["h"], want, lambda: wrong)


@gradient.part(3, "trains a layer over a whole sequence", draws=2)
def back_through_sequence(written, rng):
    B, D, H = draw_sizes(rng)
    T, weights = int(rng.integers(4, 8)), draw_weights(rng, D, H, 4)
    x, d_hidden = draw(rng, B, T, D), draw(rng, B, T, H)
    got = way_back_through_time(written, x, weights, d_hidden)
    want = back_through_time(package_cell("LSTMCell", weights), x, d_hidden)
    for name, a, b in zip(("W_x", "W_h", "b"), got, want):
        judge(f"Over {T} steps, the gradient of {name} is", a, b)


@gradient.part(2, "takes one example and one unit, and gates that are shut")
def back_at_edges(written, rng):
    for sizes, shut in (((1, 1, 1), False), (None, True)):
        back = Back(rng, sizes)
        if shut:
            back.saved[2:4] = [np.zeros_like(s) for s in back.saved[2:4]]
        got, want = back.asked_of(written), back.of()
        where = "With i_t = f_t = 0" if shut else "For one example and one unit"
        for key, name in (("c", "δc_{t-1}"), ("a", "δa_t"), ("h", "δh_{t-1}")):
            judge(f"{where}, {name} is", got[key], want[key])


# ---- exercise 3: how long a memory lasts before training -------------------------------------------------------------

start = Exercise("start", needs=("keep_bias",))


def kept(bias, half_life):
    """Return which share of a memory is left after so many steps, by a gate that this bias alone decides."""
    from scipy.special import expit

    return expit(bias) ** half_life


def draw_bias(written, rng, half_life=None):
    """Return a drawn half-life, the student's bias by block (G, H), and the number of the block that keeps."""
    gates, units = int(rng.integers(3, 6)), int(rng.integers(2, 6))
    keep = int(rng.integers(gates))
    half_life = half_life or int(rng.integers(2, 60))
    call = f"`keep_bias({half_life}, {units}, {gates}, {keep})` gives"
    got = as_array(call, written(half_life, units, gates, keep))
    if got.shape != (gates * units,):
        raise Incorrect(f"{call} an array of shape {got.shape}; it should have shape (gates · units,).")
    return half_life, got.reshape(gates, units), keep


@start.part(4, "half of a memory is left after `half_life` steps")
def half_is_left(written, rng):
    half_life, bias, keep = draw_bias(written, rng)
    found = bias[keep] if bias[keep].any() else bias[np.abs(bias).sum(axis=1).argmax()]
    left = kept(found, half_life)
    what = f"After {half_life} steps, the share of a memory that is left with your bias is"
    half, one_over_e = np.full(len(left), 0.5), np.full(len(left), np.exp(-1))
    if close_to(kept(-found, half_life), half):
        raise Incorrect("The bias of `keep_bias` has the wrong sign: it shuts the gate that should keep.")
    if close_to(found**half_life, half):
        raise Incorrect(
            "`keep_bias` gives what the gate should be. The bias is what the sigmoid makes that gate of: solve for it."
        )
    message = "`keep_bias` leaves 1/e, not one half, after `half_life` steps."
    alone = "`keep_bias` leaves one half after a single step: the gate multiplies the memory at every step."
    expect(what, left, half, {message: one_over_e}, tolerance=2e-3)
    if half_life > 1 and close_to(kept(found, 1), half):
        raise Incorrect(alone)


def close_to(a, b):
    return bool(np.all(np.abs(a - b) < 2e-3))


@start.part(2, "only the gate that keeps has a bias")
def only_that_gate(written, rng):
    _, bias, keep = draw_bias(written, rng)
    if not bias[keep].any():
        places = [k for k in range(len(bias)) if bias[k].any()]
        where = f"in block {places[0]}" if places else "nowhere"
        raise Incorrect(f"`keep_bias` puts the bias {where}; it belongs in block {keep}, counted from 0.")
    if np.delete(bias, keep, axis=0).any():
        raise Incorrect("`keep_bias` gives other gates a bias, too; theirs should be 0.")
    if np.ptp(bias[keep]) > 1e-6:
        raise Incorrect("`keep_bias` gives the units of one block different biases.")


@start.part(2, "from one step to ten thousand", only_in_marking=True)
def any_half_life(written, rng):
    for half_life in (1, int(rng.integers(500, 1000)), 10_000):
        _, bias, keep = draw_bias(written, rng, half_life)
        left = kept(bias[keep], half_life)
        expect(f"After {half_life} steps, the share that is left is", left, np.full(len(left), 0.5), tolerance=5e-3)


# ---- exercise 4: the GRU ---------------------------------------------------------------------------------------------

gru = Exercise("gru", needs=("MyGRUCell",), forbidden=(*WITHOUT, *STEPS))


def gru_mistakes(x, states, weights):
    """Return what the new state would be after known mistakes: {message: (h,)}."""
    W_x, W_h, (b_x, b_h) = weights
    candidate = slice(2 * len(W_h), None)

    def of(x=x, states=states, W_x=W_x, W_h=W_h, b=weights[2], **how):
        return step_of("GRUCell", x, states, [W_x, W_h, np.asarray(b)], **how)[0]

    def moved(source, target):
        rows = [source.copy(), target.copy()]
        rows[1][candidate] += rows[0][candidate]
        rows[0][candidate] = 0
        return rows

    b_h_outside, b_x_inside = moved(b_h, b_x)[::-1], moved(b_x, b_h)
    found = {
        "mixes the wrong way round: z_t is the share of the old state that stays.": of(
            **dict(zip(("W_x", "W_h", "b"), with_block(weights, 0, 3, factor=-1)))
        ),
        "resets the state before the product with W_h. Here r_t multiplies the product (`reset_after=True`).": of(
            b=b_x + b_h, reset_after=False
        ),
        "adds the second row of the bias to the candidate beside the reset gate's reach; r_t multiplies it, too.": of(
            b=b_h_outside
        ),
        "has the first row of the bias multiplied by r_t: it belongs to the input's share of the candidate.": of(
            b=b_x_inside
        ),
        "has the rows of the bias in each other's place: the first goes with the input, the second with the state.": (
            of(b=weights[2][::-1])
        ),
        "leaves the second row of the bias out.": of(b=[b_x, 0 * b_h]),
        "leaves the first row of the bias out.": of(b=[0 * b_x, b_h]),
        "leaves the bias out.": of(b=[0 * b_x, 0 * b_h]),
        "leaves the reset gate out: the candidate sees all of the old state.": of(
            **dict(zip(("W_x", "W_h", "b"), with_block(weights, 1, 3, bias=OPEN)))
        ),
        "takes the candidate from a sigmoid, as if it were a gate: it lies between -1 and 1.": of(activation="sigmoid"),
        "leaves the candidate as the plain sum: its squashing function is missing.": of(activation="linear"),
        "has gates between -1 and 1: a gate is a share, between 0 and 1.": of(recurrent_activation="tanh"),
        "leaves the gates as plain sums: a gate is a share, between 0 and 1.": of(recurrent_activation="linear"),
        "leaves the recurrent weights out.": of(W_h=0 * W_h),
        "leaves the input out: `x_part` is the input's share of all sums.": of(x=0 * x),
    }
    for order in itertools.permutations(range(3)):
        taken = ", ".join("zrg"[order.index(k)] for k in range(3))
        if taken != "z, r, g":
            message = f"takes the three blocks of the sums to be {taken}; they stand side by side in the order z, r, g."
            found[message] = of(**dict(zip(("W_x", "W_h", "b"), blocks_in_order(weights, order))))
    return found


def judge_gru(written, rng, where, sizes=None, recurrent=True, bias=True):
    """Judge one step of the student's cell, with or without recurrent weights and bias."""
    B, D, H = sizes or draw_sizes(rng)
    x, states, weights = draw(rng, B, D), (draw(rng, B, H),), draw_weights(rng, D, H, 3, rows=(2,))
    weights[1] *= recurrent
    weights[2] *= bias
    want, _ = step_of("GRUCell", x, states, weights)
    got = one_step(written, x, states, weights)
    judge_states(written.name, where, got, want, lambda: gru_mistakes(x, states, weights), which=(0,))


@gru.part(4, "mixes old state and candidate")
def gru_mixes(written, rng):
    judge_gru(written, rng, "With W_h = 0 and b = 0, ", recurrent=False, bias=False)


@gru.part(4, "resets after the product")
def gru_resets(written, rng):
    judge_gru(written, rng, "With b = 0, ", bias=False)


@gru.part(4, "adds each row of the bias in its place, for a batch of one too")
def gru_biases(written, rng):
    judge_gru(written, rng, "")
    judge_gru(written, rng, "For one example, ", sizes=(1, 2, 3))


@gru.part(3, "runs over a sequence from a given state, masked too", draws=2)
def gru_sequence(written, rng):
    judge_sequence(written, rng, "GRUCell", 3, ("h",))


@gru.part(3, "can be trained", draws=1)
def gru_trains(written, rng):
    judge_learning(written, rng, "GRUCell", 3, ("h",), rows=(2,))


# ---- exercise 5: coupled gates ---------------------------------------------------------------------------------------

coupled = Exercise("coupled", needs=("CoupledLSTMCell",), forbidden=(*WITHOUT, *STEPS))


def package_weights(weights, signs=(-1, 1)):
    """Return the weights with which the package's LSTM has coupled gates, as 1 - σ(a) = σ(-a)."""
    return [
        np.concatenate([sign * np.split(w, 3, axis=-1)[0] for sign in signs] + np.split(w, 3, axis=-1)[1:], -1)
        for w in weights
    ]


def coupled_mistakes(x, states, weights):
    """Return what the new states would be after known mistakes: {message: (h, c)}."""

    def of(signs, **how):
        return step_of("LSTMCell", x, states, package_weights(weights, signs), **how)[0]

    input_open = with_block(package_weights(weights), 0, 4, bias=OPEN)
    return {
        "couples the gates the other way round: the first block is the forget gate, which keeps the old memory.": of(
            (1, -1)
        ),
        "writes as much as it keeps: the more is kept, the less should be let in.": of((1, 1)),
        "lets the whole candidate in: its share is what f_t leaves free.": step_of("LSTMCell", x, states, input_open)[
            0
        ],
        **lstm_mistakes(x, states, weights, "fgo", package_weights),
    }


def judge_coupled(written, x, states, weights, where=""):
    want, _ = step_of("LSTMCell", x, states, package_weights(weights))
    got = one_step(written, x, states, weights)
    judge_states(written.name, where, got, want, lambda: coupled_mistakes(x, states, weights))


@coupled.part(4, "writes just as much as it drops")
def coupled_step(written, rng):
    judge_coupled(written, *draw_step(rng, 3))


@coupled.part(3, "runs over a sequence from given states, masked too", draws=2)
def coupled_sequence(written, rng):
    judge_sequence(written, rng, "LSTMCell", 3, ("h", "c"), package_weights)


@coupled.part(2, "saves what a picture of its gates needs")
def coupled_saved(written, rng):
    x, states, weights = draw_step(rng, 3)
    _, saved = parts_of_step(written.name, one_step(written, x, states, weights), STATES)
    new, (h, c, i, f, g, o) = step_of("LSTMCell", x, states, package_weights(weights))
    names = "h_{t-1}", "c_{t-1}", "f_t", "g_t", "o_t"
    judge_saved(written.name, saved, names, (h, c, f, g, o), {**dict(zip(STATES, new)), "1 - f_t": i})


@coupled.part(1, "takes one example, one feature and one unit")
def coupled_smallest(written, rng):
    judge_coupled(written, *draw_step(rng, 3, (1, 1, 1)), "For one example and one unit, ")


# ---- exercise 6: a fair comparison -----------------------------------------------------------------------------------

compare = Exercise("compare", needs=("compare",))


@beside_student
def compared(function, kinds, x, y, new_x, seed, outputs=1, classes=False):
    """Call ``compare`` for cells of the package: ``kinds`` is {name: (class, units)}."""
    import keras

    from rnn_course import cells

    makers = {name: functools.partial(getattr(cells, kind), units) for name, (kind, units) in kinds.items()}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    return function(makers, x, y, new_x, outputs, loss, seed)


def results_of(written, kinds, x, y, new_x, *args, outputs=1, **kwargs):
    """Return what ``compare`` gives, {name: (weights, answers)}, if it has the right form."""
    got = compared(written, kinds, x, y, new_x, *args, outputs=outputs, **kwargs)
    if not isinstance(got, dict) or set(got) != set(kinds):
        given = f"a dict with the keys {', '.join(map(repr, got))}" if isinstance(got, dict) else type(got).__name__
        raise Incorrect(f"`compare` gives {given}; it should give a dict with the keys {', '.join(map(repr, kinds))}.")
    found = {}
    for name in kinds:
        result = got[name]
        if not isinstance(result, dict) or set(result) != {"weights", "answers"}:
            raise Incorrect(
                "Each entry of what `compare` gives should be a dict with the keys 'weights' and 'answers'."
            )
        answers = as_array("`compare` gives, as answers,", result["answers"])
        shape = (len(new_x), outputs)
        if answers.shape == (len(x), outputs):
            raise Incorrect("`compare` gives answers to the sequences of the training; it should be to the new ones.")
        if answers.shape != shape:
            raise Incorrect(f"`compare` gives answers of shape {answers.shape}; they should have shape {shape}.")
        found[name] = result["weights"], answers
    return found


def adding(rng, steps, count, new):
    """Return sequences to train on and new ones, (x, y, new_x), and the answers to the new ones."""
    from rnn_course import data

    seeds = map(int, rng.integers(2**31, size=2))
    (x, y), (new_x, new_y) = (data.adding(n, steps, seed=s) for n, s in zip((count, new), seeds))
    return (x, y, new_x), new_y


@compare.part(3, "gives weights and answers for each cell", draws=1)
def compare_form(written, rng):
    task, _ = adding(rng, 4, 64, 20)
    sizes = {"a small one": int(rng.integers(2, 5)), "a large one": int(rng.integers(5, 9))}
    found = results_of(written, {name: ("SimpleRNNCell", units) for name, units in sizes.items()}, *task, 1)
    for name, units in sizes.items():
        of_the_cell = units * (2 + units + 1)
        mistakes = {"`compare` counts the weights of the cell alone; the output layer has some, too.": of_the_cell}
        what = f"For a simple cell with {units} units, `compare` gives, as the number of weights,"
        expect(what, found[name][0], of_the_cell + units + 1, mistakes)


@compare.part(3, "starts every network from the same seed", draws=1)
def compare_fairly(written, rng):
    task, _ = adding(rng, 4, 64, 20)
    seed = int(rng.integers(1000))
    twins = results_of(written, {"one": ("SimpleRNNCell", 3), "its twin": ("SimpleRNNCell", 3)}, *task, seed)
    if not np.allclose(twins["one"][1], twins["its twin"][1], atol=1e-3):
        raise Incorrect(
            "Given the same cell twice, `compare` gives different answers. Each network should start from the seed: "
            "set it before the cell is made, for every network anew."
        )
    other = results_of(written, {"one": ("SimpleRNNCell", 3)}, *task, seed + 1)
    if np.allclose(twins["one"][1], other["one"][1], atol=1e-5):
        raise Incorrect("`compare` gives the same answers for two seeds: does it use `seed`?")


@compare.part(5, "trains by the rules", draws=1)
def compare_trains(written, rng):
    task, new_y = adding(rng, 6, 4800, 500)
    found = results_of(written, {"GRU": ("GRUCell", 16)}, *task, int(rng.integers(1000)))
    error = float(np.mean((found["GRU"][1] - new_y) ** 2))
    if error < 0.025:
        return 1.0, ""
    message = f"After the training, the squared error is {error:.3f} in new sums of two numbers in 6 steps"
    if error > 0.3:
        return 0.0, f"{message}: that is no better than before any training."
    return max(0.0, min(0.5, (0.16 - error) / 0.1)), (
        f"{message}. By the rules it should be below 0.025 (always to answer 1: 0.167): look at the optimizer, its "
        "learning rate, the size of the batches and the number of epochs."
    )


@compare.part(2, "takes a task with four answers to choose from", draws=1, only_in_marking=True)
def compare_classes(written, rng):
    from rnn_course import data

    (x, y), (new_x, new_y) = (data.temporal_order(n, 10, seed=int(rng.integers(2**31))) for n in (3200, 200))
    kinds = {"GRU": ("GRUCell", 16)}
    found = results_of(written, kinds, x, y, new_x, int(rng.integers(1000)), outputs=4, classes=True)
    right = float(np.mean(found["GRU"][1].argmax(axis=-1) == new_y))
    if right < 0.6:
        raise Incorrect(f"With four answers to choose from, {right:.0%} are right after the training; a guess: 25%.")


ASSIGNMENT = Assignment("gates", "Gates", [lstm, gradient, start, gru, coupled, compare], absent=("torch", "jax"))
