"""Made submissions of assignment 2."""

from tests.made import Made

OTHER_FORWARD = """
def forward(weights, x, h_0):
    W_x, W_h, b, W_y, b_y = (weights[name] for name in ("W_x", "W_h", "b", "W_y", "b_y"))
    states = np.empty((x.shape[0], x.shape[1] + 1, len(b)))
    states[:, 0] = h_0
    from_inputs = np.einsum("btd,dh->bth", x, W_x) + b
    for t in range(x.shape[1]):
        states[:, t + 1] = np.tanh(from_inputs[:, t] + np.dot(states[:, t], W_h))
    return [states, np.array([[h @ W_y + b_y for h in row[1:]] for row in states])]
"""

OTHER_ERROR = """
def squared_error(y_hat, y, counts):
    which = np.flatnonzero(counts)
    e = np.zeros_like(y_hat)
    wrong = y_hat[:, which] - y[:, which]
    e[:, which] = wrong * (2 / wrong.size)
    return np.mean(wrong**2), e
"""

OTHER_NUMERICAL = """
def numerical_gradient(function, arrays, epsilon=1e-5):
    def nudged(name, i, by):
        copies = {key: np.array(a, float) for key, a in arrays.items()}
        copies[name].flat[i] += by
        return function(copies)

    return {
        name: np.array(
            [(nudged(name, i, epsilon) - nudged(name, i, -epsilon)) / epsilon / 2 for i in range(np.size(a))]
        ).reshape(np.shape(a))
        for name, a in arrays.items()
    }
"""

OTHER_BACKWARD = """
def backward(weights, x, h, e, window=None):
    B, T, D = x.shape
    g = {name: np.zeros(np.shape(w)) for name, w in weights.items()}
    deltas, d_next = [], np.zeros((B, h.shape[-1]))
    for t in reversed(range(T)):
        if window and (t + 1) % window == 0:
            d_next = np.zeros_like(d_next)
        d_a = (e[:, t].dot(weights["W_y"].T) + d_next.dot(weights["W_h"].T)) * (1 + h[:, t + 1]) * (1 - h[:, t + 1])
        g["W_x"] += x[:, t].T @ d_a
        g["W_h"] += h[:, t].T @ d_a
        g["b"] += d_a.sum(0)
        g["W_y"] += h[:, t + 1].T @ e[:, t]
        g["b_y"] += e[:, t].sum(0)
        deltas.append(d_a)
        d_next = d_a
    return {**g, "h_0": d_next @ weights["W_h"].T}, np.array(deltas[::-1]).transpose(1, 0, 2)
"""

OTHER_TRUNCATED = """
def truncated_backward(weights, x, h, e, window):
    return backward(weights, x, h, e, window)
"""

OTHER_CLIP = """
def clip(gradients, threshold):
    norm = np.linalg.norm(np.concatenate([np.ravel(g) for g in gradients.values()]))
    if norm <= threshold:
        return gradients, norm
    return {name: g * (threshold / norm) for name, g in gradients.items()}, norm
"""

OTHER_TRAIN = """
def train(weights, batches, counts, window, rate, momentum, threshold):
    names = list(weights)
    weights = {name: weights[name].copy() for name in names}
    velocity = None
    losses = np.zeros(len(batches))
    for i in range(len(batches)):
        x, y = batches[i]
        h, y_hat = forward(weights, x, np.zeros((x.shape[0], weights["W_h"].shape[0])))
        losses[i], e = squared_error(y_hat, y, counts)
        found, _ = truncated_backward(weights, x, h, e, window)
        found.pop("h_0")
        found, _ = clip(found, threshold)
        if velocity is None:
            velocity = {name: -rate * found[name] for name in names}
        else:
            velocity = {name: momentum * velocity[name] - rate * found[name] for name in names}
        for name in names:
            weights[name] += velocity[name]
    return weights, losses
"""

FLOAT32_FORWARD = """
def forward(weights, x, h_0):
    weights = {name: w.astype("float32") for name, w in weights.items()}
    h = [h_0.astype("float32")]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t].astype("float32") @ weights["W_x"] + h[-1] @ weights["W_h"] + weights["b"]))
    h = np.stack(h, axis=1)
    return h, h[:, 1:] @ weights["W_y"] + weights["b_y"]
"""

FLOAT32_BACKWARD = """
def backward(weights, x, h, e):
    weights = {name: w.astype("float32") for name, w in weights.items()}
    x, h, e = x.astype("float32"), h.astype("float32"), e.astype("float32")
    delta, d_next = np.zeros_like(h[:, 1:]), 0
    for t in range(x.shape[1] - 1, -1, -1):
        delta[:, t] = (e[:, t] @ weights["W_y"].T + d_next) * (1 - h[:, t + 1] ** 2)
        d_next = delta[:, t] @ weights["W_h"].T
    g = {"W_x": np.tensordot(x, delta, ([0, 1], [0, 1])), "W_h": np.tensordot(h[:, :-1], delta, ([0, 1], [0, 1]))}
    g |= {"W_y": np.tensordot(h[:, 1:], e, ([0, 1], [0, 1])), "b": delta.sum((0, 1)), "b_y": e.sum((0, 1))}
    return g | {"h_0": d_next}, delta
"""

ONE_STEP = """
def backward(weights, x, h, e):
    delta = e @ weights["W_y"].T * (1 - h[:, 1:] ** 2)
    g = {
        "W_x": np.einsum("btd,bth->dh", x, delta),
        "W_h": np.einsum("btg,bth->gh", h[:, :-1], delta),
        "b": delta.sum((0, 1)),
        "W_y": np.einsum("bth,btk->hk", h[:, 1:], e),
        "b_y": e.sum((0, 1)),
        "h_0": delta[:, 0] @ weights["W_h"].T,
    }
    return g, delta
"""


def unwritten(name):
    return f"def {name}(*arguments):\n    raise NotImplementedError\n"


def backward_with(slope="1 - h[:, t] ** 2", back='weights["W_h"].T', add="sum((0, 1))", W_y="bth,btk->hk"):
    """The solution's `backward` with a mistake in it."""
    return f'''
def backward(weights, x, h, e):
    delta, from_next = np.zeros(h[:, 1:].shape), 0
    for t in range(x.shape[1], 0, -1):
        delta[:, t - 1] = (e[:, t - 1] @ weights["W_y"].T + from_next) * ({slope})
        from_next = delta[:, t - 1] @ {back}
    g = {{
        "W_x": np.einsum("btd,bth->btdh", x, delta).{add},
        "W_h": np.einsum("btg,bth->btgh", h[:, :-1], delta).{add},
        "b": delta.{add},
        "W_y": np.einsum("{W_y}", h[:, 1:], e),
        "b_y": e.sum((0, 1)),
        "h_0": from_next,
    }}
    return g, delta
'''


ONE_SIDED = """
def numerical_gradient(function, arrays, epsilon=1e-5):
    arrays = {name: np.array(a, float) for name, a in arrays.items()}
    found, here = {name: np.zeros(a.shape) for name, a in arrays.items()}, function(arrays)
    for name, a in arrays.items():
        for i in np.ndindex(a.shape):
            before = a[i]
            a[i] += epsilon
            found[name][i] = (function(arrays) - here) / epsilon
            a[i] = before
    return found
"""

NOT_PUT_BACK = """
def numerical_gradient(function, arrays, epsilon=1e-5):
    found = {name: np.zeros(a.shape) for name, a in arrays.items()}
    for name, a in arrays.items():
        for i in np.ndindex(a.shape):
            a[i] = a[i] + epsilon
            above = function(arrays)
            a[i] = a[i] - 2 * epsilon
            found[name][i] = (above - function(arrays)) / (2 * epsilon)
    return found
"""

BY_SCIPY = """
import scipy.optimize


def numerical_gradient(function, arrays, epsilon=1e-5):
    found = {}
    for name, a in arrays.items():
        def at(w):
            return function({**arrays, name: w.reshape(a.shape)})

        found[name] = scipy.optimize.approx_fprime(np.ravel(a), at, epsilon).reshape(a.shape)
    return found
"""

ALL_STEPS = """
def squared_error(y_hat, y, counts):
    return np.mean((y_hat - y) ** 2), 2 * (y_hat - y) / y.size
"""

HALF = """
def squared_error(y_hat, y, counts):
    wrong = (y_hat - y) * counts[:, None]
    n = y[:, counts].size
    return np.sum(wrong**2) / n, wrong / n
"""

LATE = """
def forward(weights, x, h_0):
    h = [0 * h_0]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ weights["W_x"] + h[-1] @ weights["W_h"] + weights["b"]))
    h = np.stack(h, axis=1)
    return h, h[:, :-1] @ weights["W_y"] + weights["b_y"]
"""

LAST_WINDOW = """
def truncated_backward(weights, x, h, e, window):
    parts = []
    for first in range(0, x.shape[1] - window + 1, window) or [0]:
        end = first + window
        parts.append(backward(weights, x[:, first:end], h[:, first : end + 1], e[:, first:end]))
    g = {name: sum(part[name] for part, _ in parts) for name in parts[0][0]}
    return g, np.concatenate([delta for _, delta in parts], axis=1)
"""

PER_ARRAY = """
def clip(gradients, threshold):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    norms = {name: np.linalg.norm(g) for name, g in gradients.items()}
    return {n: g * (threshold / norms[n]) if norms[n] > threshold else g for n, g in gradients.items()}, norm
"""

ALWAYS_IN_PLACE = """
def clip(gradients, threshold):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    for g in gradients.values():
        g *= threshold / norm
    return gradients, norm
"""

PLAIN_TRAIN = """
def train(weights, batches, counts, window, rate, momentum, threshold):
    losses = []
    for x, y in batches:
        h, y_hat = forward(weights, x, np.zeros((len(x), len(weights["b"]))))
        loss, e = squared_error(y_hat, y, counts)
        g, _ = truncated_backward(weights, x, h, e, window)
        g, _ = clip(g, threshold)
        for name in weights:
            weights[name] -= rate * g[name]
        losses.append(squared_error(forward(weights, x, 0 * h[:, 0])[1], y, counts)[0])
    return weights, losses
"""


FUNCTIONS = ("forward", "squared_error", "numerical_gradient", "backward", "truncated_backward", "clip", "train")

MADE = {
    "another-style": Made(
        {
            "forward": OTHER_FORWARD,
            "squared_error": OTHER_ERROR,
            "numerical_gradient": OTHER_NUMERICAL,
            "backward": OTHER_BACKWARD,
            "truncated_backward": OTHER_TRUNCATED,
            "clip": OTHER_CLIP,
            "train": OTHER_TRAIN,
        },
        {},
        {},
    ),
    "float32": Made({"forward": FLOAT32_FORWARD, "backward": FLOAT32_BACKWARD}, {}, {}),
    "one-step": Made(
        {"backward": ONE_STEP},
        {"backward": 12, "truncated_backward": 4, "train": 4},
        {"backward": "misses the path through h_{t-1}", "truncated_backward": "one-step gradient"},
    ),
    "tanh-twice": Made(
        {"backward": backward_with(slope="1 - np.tanh(h[:, t]) ** 2")},
        {"backward": 8, "truncated_backward": 2, "train": 7},
        {"backward": "do not take it again"},
    ),
    "not-transposed": Made(
        {"backward": backward_with(back='weights["W_h"]'), "train": unwritten("train")},
        {"backward": 12, "truncated_backward": 4, "train": 0},
        {"backward": "the wrong way round"},
    ),
    "mean-and-transposed": Made(
        {"backward": backward_with(add="sum(1).mean(0)", W_y="bth,btk->kh"), "train": unwritten("train")},
        {"backward": 17, "truncated_backward": 4, "train": 0},
        {"backward": "transposed"},
    ),
    "one-sided": Made(
        {"numerical_gradient": ONE_SIDED}, {"numerical_gradient": 10}, {"numerical_gradient": "is one-sided"}
    ),
    "not-put-back": Made(
        {"numerical_gradient": NOT_PUT_BACK}, {"numerical_gradient": 7}, {"numerical_gradient": "numbers at once"}
    ),
    "counts-ignored": Made(
        {"squared_error": ALL_STEPS, "train": unwritten("train")},
        {"forward": 11, "train": 0},
        {"forward": "ignores `counts`"},
    ),
    "half": Made({"squared_error": HALF}, {"forward": 12, "train": 7}, {"forward": "is half of the derivative"}),
    "late-from-zero": Made({"forward": LATE}, {"forward": 10, "train": 3}, {"forward": "begins at zero"}),
    "no-last-window": Made(
        {"truncated_backward": LAST_WINDOW},
        {"truncated_backward": 7, "train": 7},
        {"truncated_backward": "leaves out the last"},
    ),
    "per-array": Made({"clip": PER_ARRAY}, {"clip": 5, "train": 7}, {"clip": "each array by itself"}),
    "always-in-place": Made(
        {"clip": ALWAYS_IN_PLACE}, {"clip": 5, "train": 5}, {"clip": "makes a short gradient longer"}
    ),
    "plain-train": Made({"train": PLAIN_TRAIN}, {"train": 3}, {"train": "has no momentum"}),
    "scipy": Made(
        {"numerical_gradient": BY_SCIPY}, {"numerical_gradient": 0}, {"numerical_gradient": "asks you to do without"}
    ),
    "unwritten": Made(
        {name: unwritten(name) for name in FUNCTIONS},
        dict.fromkeys(("forward", "numerical_gradient", "backward", "truncated_backward", "clip", "train"), 0),
        {"forward": "`forward` is not written yet", "backward": "`backward` is not written yet"},
    ),
}
