"""Made submissions of assignment 3."""

from tests.made import Made

HEADS = {
    "MyLSTMCell": """
class MyLSTMCell(Cell):
    gates = 4
    state_names = ("initial_state", "initial_cell_state")

    def step(self, x_part, states, weights):
""",
    "MyGRUCell": """
class MyGRUCell(Cell):
    gates = 3

    @property
    def bias_shape(self):
        return (2, 3 * self.units)

    def step(self, x_part, states, weights):
        (h,), (W_h, b) = states, weights
""",
    "CoupledLSTMCell": """
class CoupledLSTMCell(Cell):
    gates = 3
    state_names = ("initial_state", "initial_cell_state")

    def step(self, x_part, states, weights):
        (h, c), (W_h, b) = states, weights
        f, g, o = ops.split(x_part + h @ W_h + b, 3, axis=-1)
        f, g, o = ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)
""",
}


def cell(name, body):
    return HEADS[name] + "".join(f"        {line}\n" for line in body.strip().splitlines())


def lstm(*changes):
    """The LSTM with some of its lines changed: (before, after) pairs."""
    body = """
(h, c), (W_h, b) = states, weights
i, f, g, o = ops.split(x_part + h @ W_h + b, 4, axis=-1)
i, f, o = ops.sigmoid(i), ops.sigmoid(f), ops.sigmoid(o)
g = ops.tanh(g)
c_new = f * c + i * g
h_new = o * ops.tanh(c_new)
return (h_new, c_new), (h, c, i, f, g, o)
"""
    return cell("MyLSTMCell", changed(body, changes))


def gradient(*changes):
    """The gradient with some of its lines changed."""
    body = """
def lstm_step_gradient(d_states, saved, weights):
    (dh, dc), (_, c, i, f, g, o), (W_h, _) = d_states, saved, weights
    c_new = f * c + i * g
    dc = dc + dh * o * (1 - ops.tanh(c_new) ** 2)
    d_i, d_f = dc * g * i * (1 - i), dc * c * f * (1 - f)
    d_g, d_o = dc * i * (1 - g**2), dh * ops.tanh(c_new) * o * (1 - o)
    da = ops.concatenate([d_i, d_f, d_g, d_o], axis=-1)
    return (da @ ops.transpose(W_h), dc * f), (da,)
"""
    return changed(body, changes)


def gru(*changes):
    """The GRU with some of its lines changed."""
    body = """
x_z, x_r, x_g = ops.split(x_part + b[0], 3, axis=-1)
h_z, h_r, h_g = ops.split(h @ W_h + b[1], 3, axis=-1)
z, r = ops.sigmoid(x_z + h_z), ops.sigmoid(x_r + h_r)
g = ops.tanh(x_g + r * h_g)
return (z * h + (1 - z) * g,), ()
"""
    return cell("MyGRUCell", changed(body, changes))


def coupled(mix="f * c + (1 - f) * g", saved="h, c, f, g, o"):
    return cell("CoupledLSTMCell", f"c_new = {mix}\nreturn (o * ops.tanh(c_new), c_new), ({saved})")


def compare(*changes):
    """The comparison with some of its lines changed."""
    body = """
def compare(makers, x, y, new_x, outputs, loss, seed):
    results = {}
    for name, make in makers.items():
        keras.utils.set_random_seed(seed)
        layers_ = [keras.Input(x.shape[1:]), layers.RNN(make()), keras.layers.Dense(outputs)]
        model = keras.Sequential(layers_)
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), loss, jit_compile=False)
        model.fit(x, y, batch_size=32, verbose=0)
        answers = model.predict(new_x, verbose=0)
        results[name] = {"weights": model.count_params(), "answers": answers}
    return results
"""
    return changed(body, changes)


def changed(body, changes):
    for before, after in changes:
        assert body.count(before) == 1, before
        body = body.replace(before, after)
    return body


NOT_WRITTEN = {
    "MyLSTMCell": cell("MyLSTMCell", "raise NotImplementedError"),
    "lstm_step_gradient": "def lstm_step_gradient(d_states, saved, weights):\n    raise NotImplementedError",
    "keep_bias": "def keep_bias(half_life, units, gates, keep):\n    raise NotImplementedError",
    "MyGRUCell": cell("MyGRUCell", "raise NotImplementedError"),
    "CoupledLSTMCell": cell("CoupledLSTMCell", "raise NotImplementedError"),
    "compare": "def compare(makers, x, y, new_x, outputs, loss, seed):\n    raise NotImplementedError",
}
EXERCISES = ("lstm", "gradient", "start", "gru", "coupled", "compare")

MADE = {
    "another-style": Made(
        cells={
            "MyLSTMCell": """
from rnn_course.cells import GatedCell


class MyLSTMCell(GatedCell):
    gates = 4
    state_names = ("initial_state", "initial_cell_state")

    def step(self, x_part, states, weights):
        h, c = states
        a = ops.add(ops.add(x_part, ops.matmul(h, weights[0])), weights[1])
        i, f, g, o = (a[:, k * self.units : (k + 1) * self.units] for k in range(4))
        i, f, o = map(self.recurrent_activation, (i, f, o))
        g = self.activation(g)
        new = ops.add(ops.multiply(f, c), ops.multiply(i, g))
        return [ops.multiply(o, self.activation(new)), new], [h, c, i, f, g, o]
""",
            "lstm_step_gradient": """
def lstm_step_gradient(d_states, saved, weights):
    dh, dc = d_states
    h, c, i, f, g, o = saved
    new = ops.tanh(ops.add(f * c, i * g))
    whole = dc + ops.multiply(dh, o) * (1.0 - ops.square(new))
    gates = [(i, whole * g), (f, whole * c), (o, dh * new)]
    d_i, d_f, d_o = (d * s * (1.0 - s) for s, d in gates)
    da = ops.concatenate([d_i, d_f, whole * i * (1.0 - ops.square(g)), d_o], axis=1)
    return [ops.matmul(da, ops.transpose(weights[0])), whole * f], [da]
""",
            "keep_bias": """
def keep_bias(half_life, units, gates, keep):
    share = 0.5 ** (1 / half_life)
    rows = [ops.full((units,), float(np.log(share / (1 - share))) if k == keep else 0.0) for k in range(gates)]
    return ops.concatenate(rows)
""",
            "MyGRUCell": HEADS["MyGRUCell"]
            + """
        H = self.units
        from_x = [x_part[:, k : k + H] + b[0, k : k + H] for k in range(0, 3 * H, H)]
        from_h = [h @ W_h[:, k : k + H] + b[1, k : k + H] for k in range(0, 3 * H, H)]
        z, r = (1 / (1 + ops.exp(-from_x[k] - from_h[k])) for k in range(2))
        g = ops.tanh(from_x[2] + r * from_h[2])
        return [g + z * (h - g)], [z, r, g]
""",
            "CoupledLSTMCell": coupled("g + f * (c - g)"),
            "compare": """
def compare(makers, x, y, new_x, outputs, loss, seed):
    def answers_of(make):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((x.shape[1], x.shape[2]))
        model = keras.Model(inputs, keras.layers.Dense(outputs)(layers.RNN(make())(inputs)))
        adam = keras.optimizers.Adam(learning_rate=0.01, global_clipnorm=1.0)
        model.compile(optimizer=adam, loss=loss, jit_compile=False)
        model.fit(x, y, batch_size=32, epochs=1, verbose=0)
        return {"answers": model(new_x), "weights": sum(w.size for w in model.get_weights())}

    return {name: answers_of(make) for name, make in makers.items()}
""",
        },
        points={},
        says={},
    ),
    "a-product-for-each-gate": Made(
        cells={
            "MyLSTMCell": cell(
                "MyLSTMCell",
                """
(h, c), (W_h, b) = states, weights
sums = [
    x + h @ W + bias for x, W, bias in zip(ops.split(x_part, 4, 1), ops.split(W_h, 4, 1), ops.split(b, 4))
]
i, f, g, o = (ops.tanh(a) if k == 2 else 1 / (1 + ops.exp(-a)) for k, a in enumerate(sums))
c, before = i * g + c * f, c
return (ops.tanh(c) * o, c), (h, before, i, f, g, o)
""",
            ),
            "keep_bias": """
def keep_bias(half_life, units, gates, keep):
    b = [0.0] * gates * units
    for j in range(units):
        b[keep * units + j] = -np.log(np.exp2(1 / half_life) - 1)
    return b
""",
        },
        points={},
        says={},
    ),
    "gates-in-another-order": Made(
        cells={
            "MyLSTMCell": lstm(("i, f, g, o = ops.split", "f, i, g, o = ops.split")),
            "lstm_step_gradient": gradient(("[d_i, d_f, d_g, d_o]", "[d_f, d_i, d_o, d_g]")),
            "MyGRUCell": gru(
                ("x_z, x_r, x_g = ops", "x_r, x_z, x_g = ops"), ("h_z, h_r, h_g = ops", "h_r, h_z, h_g = ops")
            ),
        },
        points={"lstm": 0, "gradient": 8, "gru": 0},
        says={"lstm": "in each other's place", "gradient": "is that of f: the four", "gru": "to be r, z, g"},
    ),
    "as-in-old-tensorflow": Made(
        cells={
            "MyLSTMCell": lstm(("i, f, g, o = ops.split", "i, g, f, o = ops.split")),
            "CoupledLSTMCell": coupled("(1 - f) * c + f * g"),
        },
        points={"lstm": 0, "coupled": 2},
        says={"lstm": "to be i, g, f, o", "coupled": "the other way round"},
    ),
    "memory-shown-as-it-is": Made(
        cells={
            "MyLSTMCell": lstm(("h_new = o * ops.tanh(c_new)", "h_new = o * c_new")),
            "lstm_step_gradient": gradient(("o * (1 - ops.tanh(c_new) ** 2)", "o")),
        },
        points={"lstm": 7, "gradient": 10},
        says={"lstm": "shows the memory as it is", "gradient": "the slope of the squashing"},
    ),
    "candidate-by-a-sigmoid": Made(
        cells={
            "MyLSTMCell": lstm(("g = ops.tanh(g)", "g = ops.sigmoid(g)")),
            "lstm_step_gradient": gradient(("(1 - g**2)", "g * (1 - g)")),
            "MyGRUCell": gru(("g = ops.tanh(x_g", "g = ops.sigmoid(x_g")),
        },
        points={"lstm": 3, "gradient": 11.75, "gru": 0},
        says={"lstm": "from a sigmoid", "gradient": "slope of a sigmoid", "gru": "from a sigmoid"},
    ),
    "gates-read-the-memory": Made(
        cells={"MyLSTMCell": lstm(("x_part + h @ W_h", "x_part + c @ W_h"))},
        points={"lstm": 0},
        says={"lstm": "lets the gates read the cell state"},
    ),
    "old-memory-shown": Made(
        cells={
            "MyLSTMCell": lstm(("h_new = o * ops.tanh(c_new)", "h_new = o * ops.tanh(c)")),
            "lstm_step_gradient": gradient(("c_new = f * c + i * g", "c_new = c")),
        },
        points={"lstm": 10, "gradient": 8.75},
        says={"lstm": "from before this step", "gradient": "at c_{t-1}"},
    ),
    "states-swapped": Made(
        cells={
            "MyLSTMCell": lstm(("return (h_new, c_new)", "return (c_new, h_new)")),
            "lstm_step_gradient": gradient(("(da @ ops.transpose(W_h), dc * f)", "(dc * f, da @ ops.transpose(W_h))")),
        },
        points={"lstm": 3, "gradient": 5},
        says={"lstm": "in the other order", "gradient": "in the other order"},
    ),
    "one-state": Made(
        cells={
            "MyLSTMCell": lstm(("return (h_new, c_new)", "return (h_new,)")),
            "MyGRUCell": gru(("(z * h + (1 - z) * g,)", "z * h + (1 - z) * g")),
        },
        points={"lstm": 0, "gru": 0},
        says={"lstm": "1 value; it should give 2", "gru": "a bare array"},
    ),
    "sums-saved": Made(
        cells={
            "MyLSTMCell": lstm(
                ("i, f, o = ops.sigmoid", "saved = h, c, i, f, g, o\ni, f, o = ops.sigmoid"),
                ("(h_new, c_new), (h, c, i, f, g, o)", "(h_new, c_new), saved"),
            ),
            "CoupledLSTMCell": coupled(saved="h, c_new, f, g, o"),
        },
        points={"lstm": 15, "coupled": 8},
        says={"lstm": "saves the sum inside i_t where i_t belongs", "coupled": "saves c_t where c_{t-1} belongs"},
    ),
    "numpy-inside": Made(
        cells={
            "MyLSTMCell": lstm(("g = ops.tanh(g)", "g = np.tanh(np.asarray(g))"), ("h @ W_h", "np.asarray(h @ W_h)")),
            "MyGRUCell": gru(("(z * h + (1 - z) * g,)", "(np.asarray(z * h + (1 - z) * g),)")),
        },
        points={"lstm": 16, "gru": 12},
        says={"lstm": "compute with `keras.ops`", "gru": "no layer can go on"},
    ),
    "a-path-left-out": Made(
        cells={
            "lstm_step_gradient": gradient(("dc = dc + dh * o * (1 - ops.tanh(c_new) ** 2)", "pass")),
            "keep_bias": "def keep_bias(half_life, units, gates, keep):\n"
            "    bias = np.zeros((gates, units))\n    bias[keep] = 0.5 ** (1 / half_life)\n    return bias.ravel()",
            "MyGRUCell": gru(("r * h_g", "h_g")),
            "compare": compare(
                ("    for name, make", "    keras.utils.set_random_seed(seed)\n    for name, make"),
                ("        keras.utils.set_random_seed(seed)\n        layers_", "        layers_"),
            ),
        },
        points={"gradient": 10, "start": 2, "gru": 4, "compare": 10},
        says={
            "gradient": "leaves a path out",
            "start": "what the gate should be",
            "gru": "leaves the reset gate out",
            "compare": "the same cell twice",
        },
    ),
    "slopes-left-out": Made(
        cells={
            "lstm_step_gradient": gradient(
                ("g * i * (1 - i), dc * c * f * (1 - f)", "g, dc * c"),
                ("ops.tanh(c_new) * o * (1 - o)", "ops.tanh(c_new)"),
            ),
            "keep_bias": "def keep_bias(half_life, units, gates, keep):\n"
            "    bias = np.zeros((gates, units))\n    bias[(keep + 1) % gates] = -np.log(2 ** (1 / half_life) - 1)\n"
            "    return bias.ravel()",
        },
        points={"gradient": 9.25, "start": 4},
        says={"gradient": "stops before the squashing function", "start": "it belongs in block"},
    ),
    "wrong-sign-and-half-of-it": Made(
        cells={
            "keep_bias": "def keep_bias(half_life, units, gates, keep):\n"
            "    return np.full(gates * units, np.log(2 ** (1 / half_life) - 1))",
            "compare": compare(("    model.fit(x, y, batch_size=32, verbose=0)\n", "    pass\n")),
        },
        points={"start": 0, "compare": 6},
        says={"start": "wrong sign", "compare": "no better than before any training"},
    ),
    "mixed-the-wrong-way-round": Made(
        cells={
            "MyGRUCell": gru(("z * h + (1 - z) * g", "(1 - z) * h + z * g")),
            "CoupledLSTMCell": coupled("f * (c + g)"),
        },
        points={"gru": 0, "coupled": 2},
        says={"gru": "mixes the wrong way round", "coupled": "writes as much as it keeps"},
    ),
    "reset-before-the-product": Made(
        cells={
            "MyGRUCell": gru(
                (
                    "g = ops.tanh(x_g + r * h_g)",
                    "g = ops.tanh(x_g + (r * h) @ W_h[:, -self.units :] + b[1, -self.units :])",
                )
            ),
            "CoupledLSTMCell": coupled("f * c + g"),
        },
        points={"gru": 4, "coupled": 2},
        says={"gru": "resets the state before the product", "coupled": "lets the whole candidate in"},
    ),
    "bias-beside-the-reset-gate": Made(
        cells={
            "MyGRUCell": gru(
                ("ops.split(x_part + b[0], 3", "ops.split(x_part + b[0] + b[1], 3"), ("h @ W_h + b[1], 3", "h @ W_h, 3")
            ),
            "CoupledLSTMCell": coupled("f * h + (1 - f) * g"),
        },
        points={"gru": 8, "coupled": 2},
        says={"gru": "beside the reset gate's reach", "coupled": "uses the hidden state in place of the memory"},
    ),
    "bias-rows-swapped": Made(
        cells={"MyGRUCell": gru(("x_part + b[0]", "x_part + b[1]"), ("h @ W_h + b[1]", "h @ W_h + b[0]"))},
        points={"gru": 8},
        says={"gru": "the rows of the bias in each other's place"},
    ),
    "the-package's-cells": Made(
        cells={
            "MyLSTMCell": "from rnn_course.cells import LSTMCell\n\n\nclass MyLSTMCell(LSTMCell):\n    pass",
            "lstm_step_gradient": """
import tensorflow as tf


def lstm_step_gradient(d_states, saved, weights):
    (dh, dc), (h, c, i, f, g, o) = d_states, saved
    with tf.GradientTape() as tape:
        tape.watch([c, i, f, g, o])
        new = f * c + i * g
        loss = ops.sum(dh * o * ops.tanh(new)) + ops.sum(dc * new)
    d_c, d_i, d_f, d_g, d_o = tape.gradient(loss, [c, i, f, g, o])
    da = ops.concatenate([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], -1)
    return (da @ ops.transpose(weights[0]), d_c), (da,)
""",
            "MyGRUCell": """
class MyGRUCell(Cell):
    gates = 3

    @property
    def bias_shape(self):
        return (2, 3 * self.units)

    def build(self, input_shape):
        super().build(input_shape)
        self.other = keras.layers.GRUCell(self.units)

    def step(self, x_part, states, weights):
        return tuple(self.other(x_part, states)[1]), ()
""",
        },
        points={"lstm": 0, "gradient": 0, "gru": 0},
        says=dict.fromkeys(("lstm", "gradient", "gru"), "asks you to do without"),
    ),
    "borrowed-steps": Made(
        cells={
            "MyLSTMCell": """
from rnn_course.cells import GatedCell, LSTMCell


class MyLSTMCell(GatedCell):
    gates = 4
    state_names = ("initial_state", "initial_cell_state")

    def step(self, x_part, states, weights):
        return LSTMCell.step(self, x_part, states, weights)
""",
            "MyGRUCell": """
from rnn_course.cells import GatedCell, GRUCell


class MyGRUCell(GatedCell):
    gates = 3
    bias_shape = property(lambda self: (2, 3 * self.units))
    reset_after, step_weights, step = True, GRUCell.step_weights, GRUCell.step
""",
        },
        points={"lstm": 0, "gru": 0},
        says=dict.fromkeys(("lstm", "gru"), "asks you to do without"),
    ),
    "not-written": Made(
        cells=NOT_WRITTEN,
        points=dict.fromkeys(EXERCISES, 0),
        says=dict.fromkeys(EXERCISES, "is not written yet"),
    ),
}
