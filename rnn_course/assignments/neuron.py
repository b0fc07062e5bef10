"""Assignment 1: a recurrent network in NumPy alone, from one step to a forecast."""

from functools import cache

import numpy as np

from rnn_course.assignments.exercise import (
    FRAMEWORKS,
    Assignment,
    Exercise,
    Incorrect,
    as_array,
    expect,
    expect_several,
)
from rnn_course.assignments.written import beside_student

WITHOUT = (
    "keras.layers.RNN",
    "keras.layers.SimpleRNN",
    "keras.layers.SimpleRNNCell",
    "keras.utils.pad_sequences",
    "rnn_course.cells.SimpleRNNCell",
    "rnn_course.layers.SimpleRNN",
)
FITTED = ("sklearn.linear_model.LinearRegression", "sklearn.linear_model.Ridge")

# ---- recordings ------------------------------------------------------------------------------------------------------

UNIT = 480  # samples in a Morse unit, at 8,000 samples a second and 20 words a minute
DOTS_ONLY = "EISH5"  # the letters and the digit that have no dash


def listen(text, noise=0.1, seed=0):
    """Return how loud a Morse recording of ``text`` is in each unit of time, shape (T, 1), float32.

    A dot is 1 unit of tone and a dash 3; the pause is 1 unit within a letter, 3 between letters and 7 between words.
    Loud is about 1, quiet about 1.4 ``noise``. Some quiet units come before the first signal and after the last.
    """
    from rnn_course import data

    rng = np.random.default_rng(seed)
    before, after = (rng.normal(0, noise, size=UNIT * int(units)) for units in rng.integers(2, 6, size=2))
    sound = np.concatenate([before, data.morse(text, noise=noise, seed=seed), after])
    return data.envelope(sound, frame=UNIT) / np.float32(np.sqrt(0.5))


# ---- right values, from the package ----------------------------------------------------------------------------------


def states_of(x, weights, h_0=None, mask=None, **how):
    """Return all hidden states (B, T, H) of the package's layer with these weights."""
    import keras

    layer = package_layer(x.shape[-1], len(weights[-1]), **how)
    layer.set_weights([np.asarray(w) for w in weights])
    return keras.ops.convert_to_numpy(layer(np.asarray(x), initial_state=h_0, mask=mask))


@cache
def package_layer(features, units, **how):
    from rnn_course import layers

    layer = layers.SimpleRNN(units, return_sequences=True, dtype="float64", **how)
    layer.build((None, None, features))
    return layer


def step_of(x, h, weights, **how):
    """Return the state (B, H) after one step of the package's layer."""
    return states_of(x[:, None], weights, h_0=h, **how)[:, 0]


def leaky_states(x, b, h_0=None, mask=None, **how):
    """Return all states for the step `leaky`."""
    features, units = x.shape[-1], len(b)
    weights = np.ones((features, units)), np.eye(units) / 2, b
    return states_of(x, weights, h_0, mask, activation="linear", **how)


def draw_weights(rng, features, units):
    """Draw W_x (D, H), W_h (H, H) and b (H,)."""
    return rng.normal(size=(features, units)), rng.normal(size=(units, units)), rng.normal(size=units)


def draw_sizes(rng, least=2):
    """Draw B, D and H, all different, so that no two axes can be taken for each other."""
    return map(int, least + rng.permutation(5)[:3])


# ---- exercise 1: one step --------------------------------------------------------------------------------------------

step = Exercise("step", needs=("step",), forbidden=WITHOUT)
NO_TANH = "`step` gives the sum before it is squashed: the last thing to happen in the equation is missing."
SIGMOID = "`step` squashes the sum into the range from 0 to 1; in the equation it goes from -1 to 1."
NO_MEMORY = "`step` gives the same state whatever `h` is: where does the memory come in?"
TRANSPOSED = "`step` multiplies by W_h the wrong way round: rows hold examples, so the state stands on the left of W_h."
NO_BIAS = "`step` leaves the bias b out."


@step.part(3, "listens to the input", draws=2)
def listens(written, rng):
    B, D, H = draw_sizes(rng)
    W_x, W_h, b = draw_weights(rng, D, H)
    x, h = rng.normal(size=(B, D)), np.zeros((B, H))
    weights = W_x, W_h, 0 * b

    def mistakes():
        return {
            NO_TANH: step_of(x, h, weights, activation="linear"),
            SIGMOID: step_of(x, h, weights, activation="sigmoid"),
        }

    expect("With h = 0 and b = 0, `step` gives", written(x, h, *weights), step_of(x, h, weights), mistakes)


@step.part(3, "remembers the state before", draws=2)
def remembers(written, rng):
    B, D, H = draw_sizes(rng)
    W_x, W_h, b = draw_weights(rng, D, H)
    x, h = rng.normal(size=(B, D)), rng.uniform(-1, 1, size=(B, H))
    weights = W_x, W_h, 0 * b

    def mistakes():
        return {
            NO_MEMORY: step_of(x, 0 * h, weights),
            TRANSPOSED: step_of(x, h, (W_x, W_h.T, 0 * b)),
            "`step` adds the old state as it is, without the weights of the loop.": step_of(
                x, h, (W_x, np.eye(H), 0 * b)
            ),
            NO_TANH: step_of(x, h, weights, activation="linear"),
        }

    expect("With b = 0, `step` gives", written(x, h, *weights), step_of(x, h, weights), mistakes)


@step.part(2, "adds the bias, for a batch of one too", draws=2)
def adds_bias(written, rng):
    D, H = int(rng.integers(1, 4)), int(rng.integers(4, 7))
    weights = draw_weights(rng, D, H)
    x, h = rng.normal(size=(1, D)), rng.uniform(-1, 1, size=(1, H))

    def mistakes():
        without = step_of(x, h, (*weights[:2], 0 * weights[2]))
        return {
            NO_BIAS: without,
            "`step` adds the bias after tanh; it belongs to the sum inside.": without + weights[2],
            NO_TANH: step_of(x, h, weights, activation="linear"),
            NO_MEMORY: step_of(x, 0 * h, weights),
            TRANSPOSED: step_of(x, h, (weights[0], weights[1].T, weights[2])),
        }

    expect("For one example, `step` gives", written(x, h, *weights), step_of(x, h, weights), mistakes)


@step.part(1, "keeps float32", draws=1)
def keeps_float32(written, rng):
    B, D, H = draw_sizes(rng)
    weights = draw_weights(rng, D, H)[0], np.zeros((H, H)), np.zeros(H)
    x, h = rng.normal(size=(B, D)), np.zeros((B, H))
    got = written(*(a.astype("float32") for a in (x, h, *weights)))
    require_float32("`step`", got)
    expect("In float32, `step` gives", got, step_of(x, h, weights), tolerance=1e-4)


@step.part(1, "leaves its arguments as they were", draws=1)
def leaves_arguments(written, rng):
    B, D, H = draw_sizes(rng)
    weights = draw_weights(rng, D, H)[0], np.zeros((H, H)), np.zeros(H)
    x, h = rng.normal(size=(B, D)), rng.uniform(-1, 1, size=(B, H))
    result, *after = step_and_arguments(written, x, h, *weights)
    expect("With W_h = 0 and b = 0, `step` gives", result, step_of(x, h, weights))
    for name, before, now in zip(("x", "h", "W_x", "W_h", "b"), (x, h, *weights), after):
        if np.shape(now) != before.shape or not np.array_equal(now, before):
            raise Incorrect(
                f"`step` changes its argument `{name}` in place. Whoever called it still needs the old values: "
                "return a new array."
            )


@beside_student
def step_and_arguments(written, *arguments):
    """Call ``step`` and return its result, and what its arguments are afterwards."""
    return (written(*arguments), *arguments)


def require_float32(name, got):
    if got is not None and np.asarray(got).dtype != np.float32:
        raise Incorrect(
            f"{name} was given float32 only, and gives {np.asarray(got).dtype}. Which of the arrays that it makes "
            "has another dtype?"
        )


# ---- exercise 2: unrolling -------------------------------------------------------------------------------------------

unroll = Exercise("unroll", needs=("unroll",), forbidden=WITHOUT)
TIME_FIRST = "`unroll` gives the states time first, (T, B, H); the batch comes first in this course: (B, T, H)."
OWN_STEP = "`unroll` does not call the `step` that it is given: it computes a tanh step of its own."


def leaky(x, h, W_x, W_h, b):
    """A step that is easy to follow, in place of the student's: half the old state, plus the sum of the inputs."""
    return h / 2 + x.sum(axis=1, keepdims=True) + b


@beside_student
def unrolled(written, x, weights, h_0=None):
    """Call ``unroll`` with the step `leaky`."""
    return written(leaky, x, weights) if h_0 is None else written(leaky, x, weights, h_0)


def both(got, name="`unroll`"):
    return expect_several(f"{name} gives", got, ("states", "h_T"))


@unroll.part(4, "gives the state after every step", draws=2)
def all_states(written, rng):
    B, D, H = draw_sizes(rng)
    x, weights = rng.normal(size=(B, 8, D)), draw_weights(rng, D, H)
    want = leaky_states(x, weights[2])

    def mistakes():
        return {
            TIME_FIRST: want.transpose(1, 0, 2),
            OWN_STEP: states_of(x, weights),
            "`unroll` starts every step from the first state: the new state must be handed on to the next step.": (
                leaky_states(x.reshape(-1, 1, D), weights[2]).reshape(want.shape)
            ),
            "`unroll` gives h_0 to h_T; the states after each step are h_1 to h_T.": np.pad(
                want, [(0, 0), (1, 0), (0, 0)]
            ),
            "`unroll` gives h_0 to h_{T-1}; the states after each step are h_1 to h_T.": np.pad(
                want[:, :-1], [(0, 0), (1, 0), (0, 0)]
            ),
            "`unroll` reads the sequence from its end.": leaky_states(x[:, ::-1], weights[2]),
            "`unroll` gives the last state only; `states` has one for every step.": want[:, -1],
            "`unroll` gives the last state at every step: are all your states one and the same array?": np.repeat(
                want[:, -1:], 8, axis=1
            ),
        }

    expect("From h_0 = 0, the states of `unroll` are", both(unrolled(written, x, weights))[0], want, mistakes)


@unroll.part(3, "starts from the given state", draws=2)
def given_state(written, rng):
    B, D, H = draw_sizes(rng)
    x, weights, h_0 = rng.normal(size=(B, 3, D)), draw_weights(rng, D, H), rng.normal(size=(B, H))
    want = leaky_states(x, weights[2], h_0)[:, -1]

    def mistakes():
        return {
            "`unroll` starts from zero, although it is given an h_0.": leaky_states(x, weights[2])[:, -1],
            OWN_STEP: states_of(x, weights, h_0)[:, -1],
        }

    expect("Started from a given h_0, h_T of `unroll` is", both(unrolled(written, x, weights, h_0))[1], want, mistakes)


@unroll.part(3, "gives the final state", draws=2)
def final_state(written, rng):
    B, D, H = draw_sizes(rng)
    x, weights = rng.normal(size=(B, 6, D)), draw_weights(rng, D, H)
    states = leaky_states(x, weights[2])

    def mistakes():
        return {
            "The second thing that `unroll` gives is h_1; it should be h_T.": states[:, 0],
            "The second thing that `unroll` gives is h_0; it should be h_T.": np.zeros((B, H)),
            "The second thing that `unroll` gives is h_{T-1}; it should be h_T.": states[:, -2],
            "The second thing that `unroll` gives has an axis for time; h_T has shape (B, H).": states[:, -1:],
            "The second thing that `unroll` gives is all the states; it should be the last, h_T.": states,
            OWN_STEP: states_of(x, weights)[:, -1],
        }

    expect("h_T of `unroll` is", both(unrolled(written, x, weights))[1], states[:, -1], mistakes)


@unroll.part(2, "takes a batch of one, and a single step", draws=1)
def short(written, rng):
    _, D, H = draw_sizes(rng)
    weights = draw_weights(rng, D, H)
    for name, shape in {"a batch of one": (1, 4, D), "a single step": (3, 1, D)}.items():
        x = rng.normal(size=shape)
        states, _ = both(unrolled(written, x, weights))
        want = leaky_states(x, weights[2])
        mistakes = {TIME_FIRST: want.transpose(1, 0, 2)}
        expect(f"For {name}, the states of `unroll` are", states, want, mistakes)


@unroll.part(2, "keeps float32", draws=1)
def unroll_float32(written, rng):
    B, D, H = draw_sizes(rng)
    x, weights = rng.normal(size=(B, 4, D)), draw_weights(rng, D, H)
    got = both(unrolled(written, x.astype("float32"), tuple(w.astype("float32") for w in weights)))
    for name, array in zip(("the states", "h_T"), got):
        require_float32(f"`unroll`, for {name},", array)
    expect("In float32, h_T of `unroll` is", got[1], leaky_states(x, weights[2])[:, -1], tolerance=1e-4)


@unroll.part(1, "hands the weights to the step, in their order", draws=1)
def hands_weights(written, rng):
    _, D, H = draw_sizes(rng)
    x, weights = rng.normal(size=(1, 3, D)), draw_weights(rng, D, H)
    got = weights_seen(written, x, weights)
    if len(got) != 3:
        raise Incorrect("`unroll` does not call the `step` that it is given.")
    for name, weight, seen in zip(("W_x", "W_h", "b"), weights, got):
        expect(f"At its last call, `step` gets as `{name}`", seen, weight)


@beside_student
def weights_seen(written, x, weights):
    """Return the weights that ``unroll`` hands to the step."""
    seen = []

    def spy(x, h, W_x, W_h, b):
        seen[:] = W_x, W_h, b
        return leaky(x, h, W_x, W_h, b)

    written(spy, x, weights)
    return tuple(seen)


# ---- exercise 3: padding and masks -----------------------------------------------------------------------------------

padding = Exercise("padding", needs=("pad", "unroll_masked"), forbidden=WITHOUT)
IGNORED = "`unroll_masked` reads the padding as if it were data: the mask changes nothing."
READS_ZERO = (
    "`unroll_masked` reads a zero at a masked step. A zero is an input like any other: the step must not happen at all."
)


def draw_sequences(rng, count=None):
    """Draw sequences (T_i, D) of different lengths, none of which holds a zero; the longest is not the first."""
    count = count or int(rng.integers(2, 5))
    lengths = np.append(rng.permutation(np.arange(1, 7))[: count - 1], 7)
    features = int(rng.integers(1, 4))
    return [rng.uniform(0.5, 2, size=(int(n), features)) for n in lengths]


def padded(sequences, at, value=0.0):
    """Return Keras's padded batch (B, T, D), and its mask (B, T) as numbers."""
    from keras.utils import pad_sequences

    side = {"end": "post", "front": "pre"}[at]
    x = pad_sequences(sequences, padding=side, dtype="float64", value=value)
    return x, pad_sequences([np.ones(len(s)) for s in sequences], padding=side, dtype="float64")


def check_pad(written, rng, at):
    sequences = draw_sequences(rng)
    x, mask = padded(sequences, at)
    got = expect_several("`pad` gives", written(sequences, at=at), ("x", "mask"))
    other_x, other_mask = padded(sequences, {"end": "front", "front": "end"}[at])
    side = f'`pad` with at="{at}" puts the padding at the other side.'
    expect(f'With at="{at}", x of `pad` is', got[0], x, {side: other_x})
    expect(
        f'With at="{at}", the mask of `pad` is',
        as_array("The mask of `pad` is", got[1]),
        mask,
        {
            side: other_mask,
            "The mask of `pad` is turned round: True stands for a real step, False for padding.": 1 - mask,
            "The mask of `pad` has an entry for every feature; it should have one for every step, (B, T).": np.repeat(
                mask[:, :, None], x.shape[2], axis=2
            ),
        },
    )


@padding.part(4, "`pad` pads at the end", draws=2)
def pads_end(pad, unroll_masked, rng):
    check_pad(pad, rng, "end")


@padding.part(3, "`pad` pads at the front", draws=2)
def pads_front(pad, unroll_masked, rng):
    check_pad(pad, rng, "front")


@beside_student
def unrolled_masked(written, x, weights, mask, h_0=None):
    """Call ``unroll_masked`` with the step `leaky`."""
    return written(leaky, x, weights, mask) if h_0 is None else written(leaky, x, weights, mask, h_0)


@padding.part(4, "a masked last step leaves the state as it was", draws=2)
def last_step_masked(pad, unroll_masked, rng):
    B, D, H = draw_sizes(rng)
    x, weights = rng.normal(size=(B, 5, D)), draw_weights(rng, D, H)
    mask = np.arange(5) < np.full((B, 1), 4)
    kept, forgotten = leaky_states(x[:, :4], weights[2]), np.zeros((B, H))

    def mistakes():
        return {
            "`unroll_masked` sets the state to zero at a masked step, and so forgets all that it has read.": forgotten,
            IGNORED: leaky_states(x, weights[2])[:, -1],
            READS_ZERO: leaky_states(x * mask[:, :, None], weights[2])[:, -1],
        }

    _, h_T = both(unrolled_masked(unroll_masked, x, weights, mask), "`unroll_masked`")
    expect("With the last step masked, h_T of `unroll_masked` is", h_T, kept[:, -1], mistakes)


@padding.part(4, "masked steps may be anywhere, for each example its own", draws=2)
def masked_anywhere(pad, unroll_masked, rng):
    B, D, H = draw_sizes(rng, least=3)
    x, weights, h_0 = rng.normal(size=(B, 7, D)), draw_weights(rng, D, H), rng.normal(size=(B, H))
    mask = rng.random((B, 7)) < 0.6
    mask[0, :2], mask[1, -2:], mask[2, :3], mask[2, 3] = False, False, True, False
    want = leaky_states(x, weights[2], h_0, mask)

    def mistakes():
        return {
            "`unroll_masked` gives zeros at masked steps; `states` should hold the state, which stays as it was.": (
                leaky_states(x, weights[2], h_0, mask, zero_output_for_mask=True)
            ),
            IGNORED: leaky_states(x, weights[2], h_0),
            "`unroll_masked` has the mask turned round: it skips the steps where the mask is True.": leaky_states(
                x, weights[2], h_0, ~mask
            ),
            "`unroll_masked` starts from zero, although it is given an h_0.": leaky_states(x, weights[2], None, mask),
            "`unroll_masked` takes the first example's mask for all of them.": leaky_states(
                x, weights[2], h_0, np.repeat(mask[:1], B, axis=0)
            ),
            READS_ZERO: leaky_states(x * mask[:, :, None], weights[2], h_0),
        }

    states, _ = both(unrolled_masked(unroll_masked, x, weights, mask, h_0), "`unroll_masked`")
    expect("With masked steps here and there, the states of `unroll_masked` are", states, want, mistakes)


@padding.part(2, "an example that is masked throughout keeps its first state", draws=1)
def masked_throughout(pad, unroll_masked, rng):
    B, D, H = draw_sizes(rng)
    x, weights, h_0 = rng.normal(size=(B, 4, D)), draw_weights(rng, D, H), rng.normal(size=(B, H))
    mask = np.arange(B)[:, None] > np.zeros(4)
    want = leaky_states(x, weights[2], h_0, mask)[:, -1]
    zeros = np.where(mask[:, :1], want, 0)

    def mistakes():
        return {
            "For an example that is all padding, `unroll_masked` gives zeros and not its h_0.": zeros,
            IGNORED: leaky_states(x, weights[2], h_0)[:, -1],
            "`unroll_masked` starts from zero, although it is given an h_0.": leaky_states(x, weights[2], None, mask)[
                :, -1
            ],
        }

    _, h_T = both(unrolled_masked(unroll_masked, x, weights, mask, h_0), "`unroll_masked`")
    expect("With an example that is all padding, h_T of `unroll_masked` is", h_T, want, mistakes)


@padding.part(3, "padding changes no answer, on either side", draws=2)
def padding_changes_nothing(pad, unroll_masked, rng):
    sequences = draw_sequences(rng)
    weights = draw_weights(rng, sequences[0].shape[1], 5)
    alone = np.concatenate([leaky_states(s[None], weights[2])[:, -1] for s in sequences])
    for at in ("end", "front"):
        x, mask = padded(sequences, at, value=7.0)
        _, h_T = both(unrolled_masked(unroll_masked, x, weights, mask > 0), "`unroll_masked`")
        message = (
            f"`unroll_masked` gives other answers with padding at the {at} than without: "
            "what stands at a padded step must not matter."
        )
        mistakes = {message: leaky_states(x, weights[2])[:, -1]}
        expect(f"With padding at the {at}, h_T of `unroll_masked` is", h_T, alone, mistakes)


# ---- exercise 4: counting --------------------------------------------------------------------------------------------

counting = Exercise("counting", needs=("count_layer", "count_network", "largest_layer"), forbidden=WITHOUT)


def layer_parameters(features, units, bias=True):
    """Return the number of parameters of the package's recurrent layer."""
    from rnn_course import layers

    layer = layers.SimpleRNN(units, use_bias=bias)
    layer.build((None, None, features))
    return layer.count_params()


def dense_parameters(features, units, bias=True):
    """Return the number of parameters of a layer without a loop."""
    import keras

    layer = keras.layers.Dense(units, use_bias=bias)
    layer.build((None, features))
    return layer.count_params()


def network_parameters(features, units, outputs, bias=True):
    """Return the number of parameters of a stack of recurrent layers under an output layer."""
    below = [features, *units[:-1]]
    return sum(layer_parameters(d, h, bias) for d, h in zip(below, units)) + dense_parameters(units[-1], outputs)


def expect_count(what, got, want, mistakes):
    expect(what, got, want, {message: n for message, n in mistakes.items() if n != want}, tolerance=1e-12)


@counting.part(2, "one layer", draws=2)
def one_layer(count_layer, count_network, largest_layer, rng):
    D, H = (int(n) for n in rng.permutation(np.arange(2, 60))[:2])
    mistakes = {
        "`count_layer` leaves out the weights of the loop.": dense_parameters(D, H),
        "`count_layer` leaves out the biases.": layer_parameters(D, H, bias=False),
        "`count_layer` gives a unit one weight for its own last state; each unit sees the last state of all units.": (
            dense_parameters(D, H) + H
        ),
        "`count_layer` takes D for H and H for D.": layer_parameters(H, D),
    }
    expect_count(f"`count_layer({D}, {H})` gives", count_layer(D, H), layer_parameters(D, H), mistakes)


@counting.part(2, "one layer without biases", draws=2)
def no_biases(count_layer, count_network, largest_layer, rng):
    D, H = (int(n) for n in rng.permutation(np.arange(2, 60))[:2])
    mistakes = {
        "`count_layer` counts the biases of a layer that has none.": layer_parameters(D, H),
        "`count_layer` leaves out the weights of the loop.": dense_parameters(D, H, bias=False),
    }
    want = layer_parameters(D, H, bias=False)
    expect_count(f"`count_layer({D}, {H}, bias=False)` gives", count_layer(D, H, bias=False), want, mistakes)


@counting.part(2, "one layer under an output layer", draws=2)
def with_output(count_layer, count_network, largest_layer, rng):
    D, H, K = (int(n) for n in rng.permutation(np.arange(2, 60))[:3])
    want, hidden = network_parameters(D, [H], K), layer_parameters(D, H)
    mistakes = {
        "`count_network` leaves out the output layer.": hidden,
        "`count_network` leaves out the biases of the output layer.": hidden + dense_parameters(H, K, bias=False),
        "`count_network` has the output layer read the inputs; it reads the hidden state.": hidden
        + dense_parameters(D, K),
        "`count_network` gives the output layer a loop; it has none.": hidden + layer_parameters(H, K),
    }
    expect_count(f"`count_network({D}, [{H}], {K})` gives", count_network(D, [H], K), want, mistakes)


@counting.part(3, "a stack of layers", draws=2)
def stack(count_layer, count_network, largest_layer, rng):
    D, K, *units = (int(n) for n in rng.permutation(np.arange(2, 60))[: int(rng.integers(4, 6))])
    for bias in (True, False):
        want, output = network_parameters(D, units, K, bias), dense_parameters(units[-1], K)
        hidden = want - output
        mistakes = {
            "`count_network` has every layer read the inputs; only the lowest does. What reads the next one?": (
                sum(layer_parameters(D, h, bias) for h in units) + output
            ),
            "`count_network` has the output layer read all layers; it reads the uppermost.": hidden
            + dense_parameters(sum(units), K),
            "`count_network` has the output layer read the lowest layer; it reads the uppermost.": hidden
            + dense_parameters(units[0], K),
            "`count_network` takes the biases off the output layer too; `bias` is about the recurrent layers.": hidden
            + dense_parameters(units[-1], K, bias=False),
            "`count_network` counts the biases of recurrent layers that have none.": network_parameters(D, units, K),
        }
        got = count_network(D, units, K, bias=bias)
        expect_count(f"`count_network({D}, {units}, {K}, bias={bias})` gives", got, want, mistakes)


@counting.part(3, "the largest layer for a budget", draws=2)
def budget(count_layer, count_network, largest_layer, rng):
    D, K, H = (int(n) for n in rng.integers((2, 2, 1), (30, 30, 80)))
    exact, above = network_parameters(D, [H], K), network_parameters(D, [H + 1], K)
    for allowed in (exact, int(rng.integers(exact, above)), above - 1):
        got = as_array("`largest_layer` gives", largest_layer(allowed, D, K))
        if got.shape != () or got != int(got) or not 1 <= got <= 2000:
            raise Incorrect(f"`largest_layer({allowed}, {D}, {K})` gives {got}; it should give a number of units.")
        if got == H:
            continue
        said = (
            f"`largest_layer({allowed}, {D}, {K})` gives {int(got)}: a network with {int(got)} units has "
            f"{network_parameters(D, [int(got)], K)} parameters"
        )
        said += (
            f", and the budget is {allowed}." if got > H else f", and one with {int(got) + 1} is within the budget too."
        )
        if fits_own_count(count_network, int(got), allowed, D, K):
            return 0.5, said + " By your own `count_network` it would be right, so look there first."
        raise Incorrect(said)
    return None


def fits_own_count(count_network, units, allowed, D, K):
    """Return whether ``units`` is the most that the student's own count allows."""
    here, above = (as_array("`count_network` gives", count_network(D, [n], K)) for n in (units, units + 1))
    return here.shape == above.shape == () and here <= allowed < above


# ---- exercise 5: weights set by hand ---------------------------------------------------------------------------------

listener = Exercise("listener", needs=("dash_detector",), forbidden=WITHOUT)


def detector_weights(written):
    """Return the student's weights, once they fit together."""
    names = ("W_x", "W_h", "b")
    got = expect_several("`dash_detector` gives", written(), names)
    weights = [as_array(f"`dash_detector` gives, as {name},", value) + 0.0 for name, value in zip(names, got)]
    H = weights[2].shape[0] if weights[2].ndim == 1 else 0
    shapes = tuple(w.shape for w in weights)
    if H == 0 or shapes != ((1, H), (H, H), (H,)):
        raise Incorrect(
            f"`dash_detector` gives arrays of shapes {', '.join(map(str, shapes))}; for H units they should be "
            "(1, H), (H, H) and (H,)."
        )
    if not all(np.isfinite(w).all() for w in weights):
        raise Incorrect("`dash_detector` gives weights that are not finite numbers.")
    return weights


def hears_dash(weights, recordings):
    """Return, for each recording, whether the last unit's state is positive at its end."""
    x, mask = padded(recordings, "end")
    return states_of(x, weights, mask=mask > 0)[:, -1, -1] > 0


def dots(rng, count):
    """Draw ``count`` letters without a dash, with spaces here and there."""
    letters = [str(c) for c in rng.choice(list(DOTS_ONLY), size=count)]
    for place in range(count - 1, 0, -1):
        if rng.random() < 0.35:
            letters.insert(place, " ")
    return "".join(letters)


def dashed_letter(rng):
    from rnn_course import data

    return str(rng.choice([c for c in data.MORSE if c not in DOTS_ONLY]))


def judge(written, rng, texts, noise, missed, false):
    """Compare the answers on recordings of ``texts``, pairs of one without and one with a dash.

    Returns the share that is better than guessing, and what to say of a wrong one.
    """
    weights = detector_weights(written)
    flat = [text for pair in texts for text in pair]
    recordings = [listen(text, noise, int(rng.integers(2**31))) for text in flat]
    answers = hears_dash(weights, recordings).reshape(-1, 2)
    wrong = answers != [False, True]
    share = max(0.0, 1 - 2 * wrong.mean())
    if not wrong.any():
        return 1.0, ""
    kind = int(wrong.sum(axis=0).argmax())
    text = texts[int(np.flatnonzero(wrong[:, kind])[0])][kind]
    said = ('says "no dash" to', "which has one", missed) if kind else ("hears a dash in", "which has dots only", false)
    count = f"{wrong[:, kind].sum()} of {len(texts)}"
    return share, f"`dash_detector` {said[0]} {text!r}, {said[1]} ({count} such recordings are wrong). {said[2]}"


@listener.part(4, "tells single letters apart", draws=1)
def letters(written, rng):
    texts = [(str(rng.choice(list(DOTS_ONLY))), dashed_letter(rng)) for _ in range(25)]
    missed = "Two loud units in a row must push the last unit over to the positive side."
    false = "One loud unit alone must not push the last unit over, whatever comes before and after it."
    return judge(written, rng, texts, 0.1, missed, false)


@listener.part(3, "remembers a dash to the end", draws=1)
def remembers_dash(written, rng):
    texts = [(dots(rng, 10), dashed_letter(rng) + dots(rng, 9)) for _ in range(20)]
    missed = "Does the last unit hold its positive state while dots and pauses go by?"
    false = "Does the last unit hold its negative state while dots and pauses go by?"
    return judge(written, rng, texts, 0.1, missed, false)


@listener.part(3, "is not worn down by many dots", draws=1)
def many_dots(written, rng):
    texts = []
    for _ in range(15):
        before = int(rng.integers(14, 20))
        texts.append((dots(rng, before + 5), dots(rng, before) + dashed_letter(rng) + dots(rng, 4)))
    missed = "After many dots, a dash must still be able to push the last unit over."
    false = "After many dots, the last unit must still be where it was: do they add up in one of your units?"
    return judge(written, rng, texts, 0.1, missed, false)


@listener.part(3, "hears through noise", draws=1)
def noisy(written, rng):
    texts = [(dots(rng, 8), dots(rng, 3) + dashed_letter(rng) + dots(rng, 4)) for _ in range(20)]
    hint = "With this noise, quiet is about 0.28 rather than 0.14: leave your sums more room on both sides of zero."
    return judge(written, rng, texts, 0.2, hint, hint)


# ---- exercise 6: an output layer -------------------------------------------------------------------------------------

output = Exercise("output", needs=("pairs", "fit_output"), forbidden=(*WITHOUT, *FITTED))


def check_pairs(written, rng, lag):
    """Check which step's state meets which step's value: both are stamped with their step."""
    T, H = int(rng.integers(12, 20)), int(rng.integers(2, 5))
    stamps = np.arange(T)
    states = stamps[:, None] + np.linspace(0, 0.5, H)
    got = expect_several("`pairs` gives", written(states, 100.0 + stamps, lag), ("states", "targets"))
    what = f"With T = {T} and lag = {lag}, `pairs` gives"
    inputs, targets = (as_array(f"{what}, among others,", a) for a in got)
    count = T - abs(lag)
    if inputs.ndim != 2 or inputs.shape[1] != H:
        raise Incorrect(f"{what} states of shape {inputs.shape}; they should have shape {(count, H)}.")
    if targets.shape == (len(inputs),):
        raise Incorrect(f"{what} targets of shape {targets.shape}; they should have an axis for K = 1: {(count, 1)}.")
    if targets.shape != (len(inputs), 1):
        raise Incorrect(f"{what} {len(inputs)} states and targets of shape {targets.shape}: no pairs.")
    ahead = np.unique(np.round(targets[:, 0] - 100 - inputs[:, 0]))
    if lag and list(ahead) == [-lag]:
        raise Incorrect(f"{what} pairs that look the other way: a state h_t goes with the value at t + lag.")
    if lag and list(ahead) == [0]:
        raise Incorrect(f"{what} each state with the value of its own step: the lag changes nothing.")
    if lag and len(ahead) == 2:
        raise Incorrect(f"{what} pairs that run round the end: where one of the two is missing, there is no pair.")
    if list(ahead) != [lag]:
        raise Incorrect(f"{what} a state h_t with values at t + {ahead.astype(int).tolist()}.")
    if len(inputs) != count:
        raise Incorrect(f"{what} {len(inputs)} pairs; there are {count} of them.")
    if len(np.unique(inputs[:, 0])) != count:
        raise Incorrect(f"{what} some pairs twice, and others not at all.")
    expect(f"{what} states whose units differ by", inputs - inputs[:, :1], np.tile(states[0], (count, 1)))


@output.part(2, "`pairs` looks ahead", draws=2)
def pairs_ahead(pairs, fit_output, rng):
    for lag in (1, int(rng.integers(2, 6))):
        check_pairs(pairs, rng, lag)


@output.part(2, "`pairs` looks back", draws=2)
def pairs_back(pairs, fit_output, rng):
    for lag in (-1, -int(rng.integers(2, 6))):
        check_pairs(pairs, rng, lag)


@output.part(2, "`pairs` takes the lag 0", draws=1)
def pairs_now(pairs, fit_output, rng):
    check_pairs(pairs, rng, 0)


def fitted(states, targets, constant=True):
    """Return W_y (H, K) and b_y (K,) of scikit-learn's least squares."""
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=constant).fit(states, targets)
    return model.coef_.T, np.broadcast_to(model.intercept_, targets.shape[1:])


def check_fit(written, states, targets):
    W_y, b_y = fitted(states, targets)
    without, nothing = fitted(states, targets, constant=False)
    got = expect_several("`fit_output` gives", written(states, targets), ("W_y", "b_y"))
    message = "`fit_output` fits without a constant: with b_y = 0 the weights have to make up for it, and cannot."
    sideways = "`fit_output` gives W_y transposed: its shape is (H, K)."
    expect("W_y of `fit_output` is", got[0], W_y, {message: without, sideways: W_y.T}, tolerance=1e-4)
    expect("b_y of `fit_output` is", got[1], b_y, {message: nothing}, tolerance=1e-4)


@output.part(4, "`fit_output` finds the weights behind the targets", draws=2)
def exact_fit(pairs, fit_output, rng):
    H, K = int(rng.integers(4, 7)), int(rng.integers(2, 4))
    states = rng.uniform(-1, 1, size=(60, H))
    check_fit(fit_output, states, states @ rng.normal(size=(H, K)) + rng.normal(1, 1, size=K))


@output.part(3, "`fit_output` makes the squared error smallest", draws=2)
def noisy_fit(pairs, fit_output, rng):
    H = int(rng.integers(2, 5))
    states = rng.uniform(-0.5, 1, size=(40, H))
    check_fit(fit_output, states, states @ rng.normal(size=(H, 1)) + rng.normal(2, 1, size=(40, 1)))


@output.part(2, "`fit_output` copes with two units that always agree", draws=2)
def agreeing_units(pairs, fit_output, rng):
    states = rng.uniform(-1, 1, size=(50, 4))
    states = np.concatenate([states, states[:, :1]], axis=1)
    targets = states @ rng.normal(size=(5, 1)) + 0.5
    got = expect_several("`fit_output` gives", fit_output(states, targets), ("W_y", "b_y"))
    W_y, b_y = (as_array("`fit_output` gives", a) for a in got)
    if W_y.shape != (5, 1) or b_y.shape != (1,):
        raise Incorrect(f"`fit_output` gives shapes {W_y.shape} and {b_y.shape}; they should be (5, 1) and (1,).")
    expect("With two units that always agree, the outputs of your fit are", states @ W_y + b_y, targets, tolerance=1e-4)


ASSIGNMENT = Assignment(
    "neuron",
    "A neuron with memory",
    [step, unroll, padding, counting, listener, output],
    absent=FRAMEWORKS,
)
