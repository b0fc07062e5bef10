"""Made submissions of assignment 1."""

from tests.made import Made

NOT_WRITTEN = "def {name}(*args, **kwargs):\n    raise NotImplementedError\n"
NOTHING = "def {name}(*args, **kwargs):\n    pass\n"
NAMES = (
    "step",
    "unroll",
    "pad",
    "unroll_masked",
    "count_layer",
    "count_network",
    "largest_layer",
    "dash_detector",
    "pairs",
    "fit_output",
)
NO_POINTS = dict.fromkeys(("step", "unroll", "padding", "counting", "listener", "output"), 0)

MADE = {
    "another-style": Made(
        cells={
            "step": """
def step(x, h, W_x, W_h, b):
    both = np.concatenate([x, h], axis=1)
    a = both @ np.concatenate([W_x, W_h]) + b
    return 1 - 2 / (np.exp(2 * a) + 1)
""",
            "unroll": """
def unroll(step, x, weights, h_0=None):
    B, T, _ = x.shape
    H = weights[1].shape[0]
    states = np.empty((T + 1, B, H), x.dtype)
    states[0] = 0 if h_0 is None else h_0
    for t, x_t in enumerate(x.swapaxes(0, 1)):
        states[t + 1] = step(x_t, states[t], *weights)
    return states[1:].transpose(1, 0, 2), states[T]
""",
            "pad": """
def pad(sequences, at="end"):
    T = max(len(s) for s in sequences)
    sides = [(0, T - len(s)) if at == "end" else (T - len(s), 0) for s in sequences]
    x = np.array([np.pad(s, [side, (0, 0)]) for s, side in zip(sequences, sides)])
    mask = np.array([np.pad(np.ones(len(s)), side) for s, side in zip(sequences, sides)])
    return [x, mask == 1]
""",
            "unroll_masked": """
def unroll_masked(step, x, weights, mask, h_0=None):
    h = np.zeros((x.shape[0], weights[2].shape[0])) if h_0 is None else np.array(h_0)
    states = []
    for t in range(x.shape[1]):
        real = mask[:, t]
        h = h.copy()
        if real.any():
            h[real] = step(x[real, t], h[real], *weights)
        states.append(h)
    return np.array(states).swapaxes(0, 1), states[-1]
""",
            "largest_layer": """
def largest_layer(budget, D, K):
    p = D + 1 + K
    return int((-p + np.sqrt(p * p + 4 * (budget - K))) / 2 + 1e-9)
""",
            "dash_detector": """
def dash_detector():
    W_x = [[4, 10, 10]]
    W_h = [[0.5, 0, 0], [0, 0, 6], [0, 0, 12]]
    return W_x, W_h, [0, -6, -4]
""",
            "pairs": """
def pairs(states, values, lag):
    if lag > 0:
        states, values = states[:-lag], values[lag:]
    elif lag < 0:
        states, values = states[-lag:], values[:lag]
    return states, np.asarray(values).reshape(-1, 1)
""",
            "fit_output": """
def fit_output(states, targets):
    middle, mean = states.mean(axis=0), targets.mean(axis=0)
    W_y = np.linalg.pinv(states - middle) @ (targets - mean)
    return W_y, mean - middle @ W_y
""",
        },
        points={},
        says={},
    ),
    "row-by-row": Made(
        cells={
            "step": """
def step(x, h, W_x, W_h, b):
    rows = [np.tanh(W_x.T @ x_i + W_h.T @ h_i + b) for x_i, h_i in zip(x, h)]
    return np.array(rows, dtype=np.result_type(x, h))
""",
            "unroll": """
def unroll(step, x, weights, h_0=None):
    state = np.zeros((x.shape[0], weights[2].size), x.dtype) if h_0 is None else h_0
    if x.shape[1] == 0:
        return np.zeros((x.shape[0], 0, weights[2].size), x.dtype), state
    state = step(x[:, 0], state, *weights)
    later, last = unroll(step, x[:, 1:], weights, state)
    return np.concatenate([state[:, None], later], axis=1), last
""",
            "unroll_masked": """
def unroll_masked(step, x, weights, mask, h_0=None):
    h = np.zeros((len(x), len(weights[2])), np.float32) if h_0 is None else h_0
    states = []
    for t in range(x.shape[1]):
        m = mask[:, t].astype("float32")[:, None]
        h = m * step(x[:, t], h, *weights) + (1 - m) * h
        states.append(h)
    return np.stack(states, 1).astype("float32"), h.astype("float32")
""",
            "count_network": """
def count_network(D, units, K, bias=True):
    if len(units) == 1:
        return np.int64(count_layer(D, units[0], bias) + (units[0] + 1) * K)
    return count_layer(D, units[0], bias) + count_network(units[0], units[1:], K, bias)
""",
        },
        points={},
        says={},
    ),
    "memory-transposed": Made(
        cells={
            "step": """
def step(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h.T + b)
""",
        },
        points={"step": 5},
        says={"step": "the wrong way round"},
    ),
    "changes-the-state-in-place": Made(
        cells={
            "step": """
def step(x, h, W_x, W_h, b):
    h[:] = np.tanh(x @ W_x + h @ W_h + b)
    return h
""",
            "unroll": """
def unroll(step, x, weights, h_0=None):
    h = np.zeros((len(x), len(weights[2]))) if h_0 is None else h_0
    states = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h, *weights)
        states.append(h)
    return np.stack(states, axis=1), h
""",
        },
        points={"step": 9, "unroll": 13},
        says={"step": "changes its argument `h` in place", "unroll": "float32 only"},
    ),
    "always-from-zero": Made(
        cells={
            "unroll": """
def unroll(step, x, weights, h_0=None):
    h = np.zeros((len(x), len(weights[2])), x.dtype)
    states = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h, *weights)
        states.append(h)
    return np.stack(states), h
""",
            "unroll_masked": """
def unroll_masked(step, x, weights, mask, h_0=None):
    h = np.zeros((len(x), len(weights[2])), x.dtype)
    states = []
    for t in range(x.shape[1]):
        h = np.where(mask[:, t, None], step(x[:, t], h, *weights), h)
        states.append(h)
    return np.stack(states, axis=1), h
""",
        },
        points={"unroll": 6, "padding": 14},
        says={"unroll": "time first", "padding": "starts from zero"},
    ),
    "own-step": Made(
        cells={
            "unroll": """
def unroll(step, x, weights, h_0=None):
    W_x, W_h, b = weights
    h = np.zeros((len(x), len(b)), x.dtype) if h_0 is None else h_0
    states = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1), h
""",
        },
        points={"unroll": 0},
        says={"unroll": "does not call the `step`"},
    ),
    "mask-forgets": Made(
        cells={
            "unroll_masked": """
def unroll_masked(step, x, weights, mask, h_0=None):
    h = np.zeros((len(x), len(weights[2])), x.dtype) if h_0 is None else h_0
    states = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h, *weights) * mask[:, t, None]
        states.append(h)
    return np.stack(states, axis=1), h
""",
        },
        points={"padding": 7},
        says={"padding": "forgets all that it has read"},
    ),
    "mask-of-outputs": Made(
        cells={
            "pad": """
def pad(sequences, at="end"):
    T = max(map(len, sequences))
    x = np.array([np.pad(s, [(0, T - len(s)), (0, 0)]) for s in sequences])
    return x, np.array([np.arange(T) < len(s) for s in sequences])
""",
            "unroll_masked": """
def unroll_masked(step, x, weights, mask, h_0=None):
    h = np.zeros((len(x), len(weights[2])), x.dtype) if h_0 is None else h_0
    states = []
    for t in range(x.shape[1]):
        m = mask[:, t, None]
        h = np.where(m, step(x[:, t], h, *weights), h)
        states.append(h * m)
    return np.stack(states, axis=1), h
""",
        },
        points={"padding": 13},
        says={"padding": "at the other side"},
    ),
    "counts-without-the-loop": Made(
        cells={
            "count_layer": """
def count_layer(D, H, bias=True):
    return D * H + (H if bias else 0)
""",
        },
        points={"counting": 1.5},
        says={"counting": "leaves out the weights of the loop"},
    ),
    "every-layer-reads-the-input": Made(
        cells={
            "count_network": """
def count_network(D, units, K, bias=True):
    return sum(count_layer(D, H, bias) for H in units) + units[-1] * K + K
""",
            "largest_layer": """
def largest_layer(budget, D, K):
    H = 1
    while count_network(D, [H], K) < budget:
        H += 1
    return H
""",
        },
        points={"counting": 6},
        says={"counting": "only the lowest does"},
    ),
    "detector-for-quiet-rooms": Made(
        cells={
            "dash_detector": """
def dash_detector():
    W_x = np.array([[10.0, 18.0]])
    W_h = np.array([[0.0, 9.0], [0.0, 15.0]])
    return W_x, W_h, np.array([-6.0, -3.0])
""",
        },
        points={"listener": 10},
        says={"listener": "With this noise"},
    ),
    "detector-hears-every-dot": Made(
        cells={
            "dash_detector": """
def dash_detector():
    return np.array([[6.0]]), np.array([[3.0]]), np.array([-1.5])
""",
        },
        points={"listener": 0},
        says={"listener": "hears a dash in"},
    ),
    "no-constant-no-lag": Made(
        cells={
            "pairs": """
def pairs(states, values, lag):
    N = len(values) - abs(lag)
    return states[:N], values[:N, None]
""",
            "fit_output": """
def fit_output(states, targets):
    W_y = np.linalg.lstsq(states, targets, rcond=None)[0]
    return W_y, np.zeros(targets.shape[1])
""",
        },
        points={"output": 2},
        says={"output": "the lag changes nothing"},
    ),
    "runs-round-the-end": Made(
        cells={
            "pairs": """
def pairs(states, values, lag):
    return states, np.roll(values, -lag)[:, None]
""",
        },
        points={"output": 11},
        says={"output": "run round the end"},
    ),
    "forbidden": Made(
        cells={
            "step": """
def step(x, h, W_x, W_h, b):
    from rnn_course.cells import SimpleRNNCell

    cell = SimpleRNNCell(len(b), dtype=str(x.dtype))
    cell.build(x.shape)
    cell.set_weights([W_x, W_h, b])
    return cell(x, [h])[0]
""",
        },
        points={"step": 0},
        says={"step": "asks you to do without"},
    ),
    "nothing-returned": Made(
        cells={name: NOTHING.format(name=name) for name in NAMES},
        points=NO_POINTS,
        says={"step": "is there a `return`?", "unroll": "it should give 2"},
    ),
    "unwritten": Made(
        cells={name: NOT_WRITTEN.format(name=name) for name in NAMES},
        points=NO_POINTS,
        says=dict.fromkeys(NO_POINTS, "is not written yet"),
    ),
}
