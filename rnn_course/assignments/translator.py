"""Assignment 4, a model that reads and writes: how its exercises are checked."""

import inspect

import numpy as np

from rnn_course.assignments.exercise import Assignment, Exercise, Incorrect, as_array, expect, expect_several
from rnn_course.assignments.written import beside_student

START, END = 1, 2  # of the notebook; 0 is padding
LEVELS = {0.97: 1.0, 0.9: 0.8, 0.75: 0.65, 0.6: 0.5, 0.3: 0.25}  # share of right dates: share of the points
WORDS = ("rain", "train", "november", "novembre", "kitten", "sitting", "mai", "mia", "sept.", "september", "a", "b")

DECODERS = [f"rnn_course.decoding.{name}" for name in ("greedy", "sample", "beam_search", "write", "best")]
VOCABULARY = ["rnn_course.data.Vocabulary", "rnn_course.data.vocabulary._split"]  # the second is what encode() uses
DISTANCES = ["tensorflow.edit_distance", "rapidfuzz.distance.Levenshtein.distance"]

text = Exercise("text", ["vocabulary", "encode", "decode"], VOCABULARY)
forcing = Exercise("forcing", ["teacher_forcing", "cross_entropy"])
greedy = Exercise("greedy", ["greedy"], DECODERS)
beam = Exercise("beam", ["log_probabilities", "best_extensions", "beam_search"], DECODERS)
measures = Exercise("measures", ["exact_match", "edit_distance", "character_error_rate"], DISTANCES)
translation = Exercise("translation", ["translate"], DECODERS)

ASSIGNMENT = Assignment(
    "translator",
    "A model that reads and writes",
    [text, forcing, greedy, beam, measures, translation],
    absent=("torch", "jax", "rapidfuzz"),
)


def drawn(rng, make, usable):
    """Return the first of many random draws that shows what it is to show."""
    for _ in range(500):
        draw = make(rng)
        if usable(draw):
            return draw
    raise RuntimeError("no draw is usable")


def differ(want, *others):
    """Return whether no other array is the right one."""
    return not any(np.array_equal(want, other) for other in others)


# ---- from text to numbers --------------------------------------------------------------------------------------------


def random_texts(rng, count, longest=9):
    """Words of different lengths, one of them the longest and one a single character."""
    letters = rng.permutation(list("abcdefgimnorstuvy ,.-ä0123456789"))[: rng.integers(6, 14)]
    lengths = [longest, 1, *rng.integers(2, longest, count - 2)]
    return ["".join(rng.choice(letters, length)) for length in rng.permutation(lengths[:count])]


def numbers_of(texts):
    """The characters of texts and their numbers from 3 on."""
    from rnn_course import data

    tokens = data.Vocabulary.of(texts).tokens
    return {token: number + 2 for number, token in enumerate(tokens) if number}


def coded(texts, length, shift=2):
    """Texts as the package numbers their characters, from 1 + shift on."""
    from rnn_course import data

    codes = data.Vocabulary.of(texts).encode(texts, length)
    return np.where(codes > 0, codes + shift, 0)


@text.part(3, "`vocabulary` numbers every character once, in sorted order, from 3 on")
def vocabulary_is_sorted(vocabulary, encode, decode, rng):
    texts = random_texts(rng, int(rng.integers(4, 8)))
    got, want = vocabulary(texts), numbers_of(texts)
    if not isinstance(got, dict):
        raise Incorrect(f"`vocabulary` gives a {type(got).__name__}; it should give a dict from character to number.")
    wrong = sorted(set(got) ^ set(want))
    if wrong:
        many = "it has" if wrong[0] in got else "it lacks"
        raise Incorrect(f"`vocabulary({texts})`: {many} {wrong[0]!r}. Its keys are the characters that occur.")
    characters = sorted(want)
    appearance = {c: n for n, c in enumerate(dict.fromkeys("".join(texts)), 3)}
    expect(
        f"for {texts}, the numbers that `vocabulary` gives to {characters} are",
        [got[c] for c in characters],
        [want[c] for c in characters],
        {
            "`vocabulary` numbers the characters from 0 on; 0, 1 and 2 are taken by padding, start and end.": [
                want[c] - 3 for c in characters
            ],
            "`vocabulary` numbers the characters from 1 on; 1 and 2 are taken by start and end.": [
                want[c] - 2 for c in characters
            ],
            "`vocabulary` numbers the characters in the order in which they occur; sort them first, so that the same "
            "texts in another order give the same numbers.": [appearance[c] for c in characters],
        },
    )


@text.part(3, "`encode` puts numbers in the place of characters, and padding at the end")
def encode_pads(vocabulary, encode, decode, rng):
    texts = random_texts(rng, int(rng.integers(3, 7)))
    length = max(map(len, texts)) + int(rng.integers(0, 4))
    want = coded(texts, length)
    before = np.stack([np.roll(row, length - len(t)) for row, t in zip(want, texts)])
    got = as_array("`encode` gives", encode(texts, numbers_of(texts), length))
    expect(
        f"for texts of {list(map(len, texts))} characters and length={length}, `encode` gives",
        got,
        want,
        {
            "`encode` puts the padding before the text; it belongs after it.": before,
            "`encode` does not use all of `numbers`: they are two too small. Take them as they are given.": coded(
                texts, length, 0
            ),
            "`encode` pads to the longest of the texts; `length` says how wide the array is to be.": want[
                :, : max(map(len, texts))
            ],
        },
    )
    if got.dtype.kind != "i" and got.dtype.kind != "u":
        raise Incorrect(f"`encode` gives an array of {got.dtype}; numbers of tokens are integers.")


@text.part(3, "`decode` stops at the end token and leaves padding and start out")
def decode_stops(vocabulary, encode, decode, rng):
    texts = random_texts(rng, int(rng.integers(3, 6)))
    numbers, length = numbers_of(texts), max(map(len, texts)) + 3
    tokens = coded(texts, length)
    for row, written in zip(tokens, texts):
        row[len(written)] = END
    tokens[0, 1:], tokens[0, 0] = tokens[0, :-1].copy(), START
    after = tokens.copy()  # a network may write on after the end
    after[:, -1] = min(numbers.values())
    whole = [written + min(numbers) for written in texts]
    got = decode(after, numbers)
    if not isinstance(got, (list, tuple)) or not all(isinstance(t, str) for t in got):
        raise Incorrect("`decode` should give a list of strings, one for each row.")
    if list(got) == whole:
        raise Incorrect("`decode` takes the end token out, but goes on behind it: nothing after the end counts.")
    for row, found, right in zip(after, got, texts):
        if found != right:
            raise Incorrect(f"`decode` turns the row {row.tolist()} into {found!r}; it should be {right!r}.")
    if len(got) != len(texts):
        raise Incorrect(f"`decode` gives {len(got)} texts for {len(texts)} rows.")


# ---- teacher forcing -------------------------------------------------------------------------------------------------


def targets_to_force(rng):
    """Texts as numbers (B, T), one of them as long as T, and the same with start and end (B, T + 2)."""
    texts = random_texts(rng, int(rng.integers(3, 7)), int(rng.integers(4, 9)))
    longest = max(map(len, texts))
    return coded(texts, longest), coded([f"\x01{t}\x02" for t in texts], longest + 2, shift=0)


def forced(teacher_forcing, y):
    return expect_several("`teacher_forcing` gives", teacher_forcing(y), ("inputs", "targets", "mask"))


@forcing.part(3, "the inputs are the start token and then the text")
def inputs_are_shifted(teacher_forcing, cross_entropy, rng):
    y, marked = targets_to_force(rng)
    got = as_array("`teacher_forcing` gives as inputs", forced(teacher_forcing, y)[0])
    counts = marked[:, 1:] > 0
    if got.shape == counts.shape:
        got = got * counts  # behind the last target, the inputs may be anything
    expect(
        f"for y =\n{y}\n`teacher_forcing` gives inputs with",
        got,
        marked[:, :-1] * counts,
        {
            "The inputs of `teacher_forcing` are its targets: the decoder would read what it has to write. Shift them "
            "by one step, behind the start token.": marked[:, 1:],
            "The inputs of `teacher_forcing` have T steps and lack the last character of the longest text; with the "
            "start token there are T + 1.": marked[:, :-2],
            "The inputs of `teacher_forcing` have T + 2 steps; the decoder never has to go on after the end token, so "
            "it does not read it.": marked,
        },
    )


@forcing.part(3, "the targets are the text and then the end token")
def targets_end(teacher_forcing, cross_entropy, rng):
    y, marked = targets_to_force(rng)
    wide = np.pad(y, ((0, 0), (0, 1)))
    last = wide.copy()
    last[:, -1] = END
    expect(
        f"for y =\n{y}\n`teacher_forcing` gives targets with",
        forced(teacher_forcing, y)[1],
        marked[:, 1:],
        {
            "`teacher_forcing` puts the end token of every row into the last column; it belongs right after the last "
            "character, before the padding.": last,
            "The targets of `teacher_forcing` have no end token, so the decoder would never learn to stop.": wide,
            "The targets of `teacher_forcing` are its inputs; the decoder would learn to repeat what it reads. Targets "
            "are one step ahead.": marked[:, :-1],
            "`teacher_forcing` fills the whole rest of a row with end tokens; one is enough, then comes padding.": (
                np.where(marked[:, 1:] == 0, END, marked[:, 1:])
            ),
        },
    )


@forcing.part(2, "the mask covers the text and its end token")
def mask_counts(teacher_forcing, cross_entropy, rng):
    y, marked = targets_to_force(rng)
    want = (marked[:, 1:] > 0).astype(int)
    expect(
        f"for y =\n{y}\n`teacher_forcing` gives a mask with",
        forced(teacher_forcing, y)[2],
        want,
        {
            "The mask of `teacher_forcing` leaves the end token out; that is a target, too.": (
                np.pad((y > 0).astype(int), ((0, 0), (0, 1)))
            ),
            "The mask of `teacher_forcing` is true where there is padding; it should be true where a target counts.": (
                1 - want
            ),
            "The mask of `teacher_forcing` is true everywhere; padding must not count.": np.ones_like(want),
        },
    )


@forcing.part(3, "`cross_entropy` is the mean over the targets that count")
def loss_is_masked(teacher_forcing, cross_entropy, rng):
    import keras

    B, T, K = rng.integers(2, 5), rng.integers(3, 7), rng.integers(4, 9)
    logits, targets = rng.normal(size=(B, T, K)) * 2, rng.integers(1, K, (B, T))
    mask = np.arange(T) < np.append(rng.integers(1, T, B - 1), T)[:, None]
    targets *= mask
    want = float(keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)(targets, logits))
    each = keras.ops.convert_to_numpy(keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True))
    each_text = [np.mean(row[counts]) for row, counts in zip(each, mask)]
    expect(
        "`cross_entropy` gives",
        cross_entropy(logits, targets, mask),
        want,
        {
            "`cross_entropy` counts padding, too: leave out what the mask says.": each.mean(),
            "`cross_entropy` divides by all B·T steps; divide by the number of targets that count.": (
                want * mask.sum() / mask.size
            ),
            "`cross_entropy` is negative: a log-probability is at most 0, the loss is minus that.": -want,
            "`cross_entropy` gives the sum over the targets that count; the mean is wanted.": want * mask.sum(),
            "`cross_entropy` averages each text first, so a letter of a short text weighs more. All targets that count "
            "weigh the same.": np.mean(each_text),
        },
        tolerance=1e-4,
    )


# ---- tiny languages, on which decoders are tried ---------------------------------------------------------------------


def tiny_language(rng, rows=1, memory=1.0):
    """Weights of a random language model with a memory, its first state, and its start and end tokens."""
    K, H = int(rng.integers(7, 11)), int(rng.integers(4, 8))
    start, end = map(int, rng.choice(np.arange(1, K), 2, replace=False))
    table = rng.normal(size=(K, K)) * 1.5
    table[:, 0] -= 60  # padding, and the start, are hardly ever written
    table[:, start] -= 30
    weights = {
        "table": table,
        "inputs": rng.normal(size=(K, H)),
        "recurrent": rng.normal(size=(H, H)) / np.sqrt(H) * 1.2,
        "output": rng.normal(size=(H, K)) * 1.5 * memory,
    }
    return weights, rng.normal(size=(rows, H)), start, end


def never_ends(language, by=60):
    weights, memory, start, end = language
    table = weights["table"].copy()
    table[:, end] -= by
    return {**weights, "table": table}, memory, start, end


def step_of(weights, calls=None):
    """Return the ``step`` of a tiny language; it notes each call."""

    def step(tokens, state):
        tokens = np.asarray(tokens)
        memory = np.asarray(state[0])
        if tokens.shape != memory.shape[:1]:
            raise ValueError(
                f"`step` takes the tokens written last, one for each row of the state: shape ({len(memory)},). "
                f"It received shape {tokens.shape}."
            )
        if calls is not None:
            calls.append(tokens)
        memory = np.tanh(weights["inputs"][tokens] + memory @ weights["recurrent"])
        return weights["table"][tokens] + memory @ weights["output"], [memory]

    return step


@beside_student
def decoded(decoder, weights, memory, *settings):
    """What the student's decoder writes in a tiny language."""
    return decoder(step_of(weights), [memory], *settings)


@beside_student
def steps_taken(decoder, weights, memory, *settings):
    """How often the student's decoder calls ``step``."""
    calls = []
    decoder(step_of(weights, calls), [memory], *settings)
    return len(calls)


def network(settings, weights=None):
    """Return an encoder-decoder with these weights, if any are given."""
    from rnn_course import architectures

    model = architectures.EncoderDecoder(**settings)
    model.build([(None, None), (None, None)])
    if weights is not None:
        model.set_weights(weights)
    return model


@beside_student
def decoded_by_network(decoder, settings, weights, source, *others):
    """What the student's decoder writes with a network of the course."""
    model = network(settings, weights)
    return decoder(model.step, model.start(source), *others)


def right_greedy(language, length, change=lambda step: step):
    """The greedy sequence, of a step that may be changed."""
    from rnn_course import decoding

    weights, memory, start, end = language
    return decoding.greedy(change(step_of(weights)), [memory], start, end, length)


def reads_start(start):
    return lambda step: lambda tokens, state: step(np.full_like(tokens, start), state)


def forgets(memory):
    return lambda step: lambda tokens, state: step(tokens, [memory])


# ---- greedy decoding -------------------------------------------------------------------------------------------------


def expect_greedy(got, want, mistakes, what="in a tiny language, `greedy` writes"):
    got = as_array(what, got)
    if got.shape == want.shape and ((got == 0) & (want > 0)).any() and not close_to_any(got, mistakes.values()):
        row, t = np.argwhere((got == 0) & (want > 0))[0]
        raise Incorrect(
            f"{what} 0 at index ({row}, {t}), though that row has not ended there. Is something written over, or "
            "padding chosen?"
        )
    expect(what, got, want, mistakes)


def close_to_any(got, values):
    return any(np.array_equal(got, value) for value in values)


@greedy.part(4, "reads at each step what it wrote at the last")
def greedy_reads_itself(greedy, rng):
    length = int(rng.integers(5, 9))

    def usable(language):
        want = right_greedy(language, length)
        return (
            len(set(want[0])) > 2
            and want.all()
            and differ(want, right_greedy(language, length, reads_start(language[2])))
        )

    language = drawn(rng, lambda rng: never_ends(tiny_language(rng, memory=0.0)), usable)
    weights, memory, start, end = language
    want = right_greedy(language, length)
    opposite = {**weights, "table": -weights["table"]}
    expect_greedy(
        decoded(greedy, weights, memory, start, end, length),
        want,
        {
            "`greedy` reads the start token at every step; from the second step on it should read what it wrote.": (
                right_greedy(language, length, reads_start(start))
            ),
            "`greedy` gives the start token, too; only what is written after it is wanted.": np.append(
                [[start]], want[:, :-1], axis=1
            ),
            "`greedy` chooses the least probable token.": right_greedy((opposite, *language[1:]), length),
            "`greedy` takes its first token from the wrong place: did you hard-code START? The argument `start` says "
            "which token is read first.": right_greedy((weights, memory, START, end), length),
        },
    )


@greedy.part(4, "hands the state on, for every row")
def greedy_hands_the_state_on(greedy, rng):
    length, rows = int(rng.integers(5, 9)), int(rng.integers(3, 6))

    def mistaken(language):
        memory = language[1]
        return {
            "`greedy` calls `step` with the first state every time; hand on the state that `step` returned.": (
                right_greedy(language, length, forgets(memory))
            ),
            "`greedy` writes the first row's sequence into all rows.": right_greedy(language, length)[:1].repeat(
                rows, axis=0
            ),
            "`greedy` gives only the first row; it should write all N rows of the state.": right_greedy(
                language, length
            )[:1],
        }

    language = drawn(
        rng,
        lambda rng: never_ends(tiny_language(rng, rows)),
        lambda found: (
            right_greedy(found, length).all() and differ(right_greedy(found, length), *mistaken(found).values())
        ),
    )
    got = decoded(greedy, *language, length)
    expect_greedy(got, right_greedy(language, length), mistaken(language))


def ending_language(rng, rows, length):
    """A language in which rows end at different steps, the last of them before ``length``."""

    def usable(language):
        counts = (right_greedy(language, length) > 0).sum(axis=1)
        endless = right_greedy((*language[:3], 99), length)
        return len(set(counts)) > 1 and counts.min() > 0 and counts.max() < length - 1 and differ(endless[:, -1], 0)

    return drawn(rng, lambda rng: tiny_language(rng, rows), usable)


@greedy.part(3, "every row stops at its own end token")
def greedy_ends(greedy, rng):
    rows, length = int(rng.integers(3, 6)), int(rng.integers(8, 13))
    language = ending_language(rng, rows, length)
    want = right_greedy(language, length)
    counts, end = (want > 0).sum(axis=1), language[3]
    endless = right_greedy((*language[:3], 99), length)  # no token has this number
    with_end = want.copy()
    with_end[np.arange(rows), counts] = end
    expect_greedy(
        decoded(greedy, *language, length),
        want,
        {
            "`greedy` writes the end token into the result; only what stands before it is wanted.": with_end,
            "`greedy` does not stop at the end token: what comes after it should be 0.": endless,
            "`greedy` leaves the end token out, but goes on writing after it: once a row has ended, the rest is 0.": (
                np.where(endless == end, 0, endless)
            ),
            "`greedy` stops all rows as soon as one of them has ended.": want * (np.arange(length) < counts.min()),
            "`greedy` gives an array that is only as wide as its longest row; it should have `length` columns.": (
                want[:, : counts.max()]
            ),
            "`greedy` stops at token 2, whatever the argument `end` says.": right_greedy((*language[:3], END), length),
        },
    )


@greedy.part(1, "never chooses token 0")
def greedy_skips_padding(greedy, rng):
    length = int(rng.integers(3, 6))

    def make(rng):
        weights, memory, start, end = never_ends(tiny_language(rng, 2))
        weights["table"][:, 0] += 90
        return weights, memory, start, end

    language = drawn(rng, make, lambda found: right_greedy(found, length).all())
    got, want = decoded(greedy, *language, length), right_greedy(language, length)
    if (as_array("`greedy` gives", got) == 0).any():
        raise Incorrect("`greedy` chooses token 0 where its logit is the largest; 0 is padding and never to be chosen.")
    expect("where the logit of padding is the largest, `greedy` writes", got, want)


@greedy.part(1, "does not go on when all rows have ended", only_in_marking=True)
def greedy_stops(greedy, rng):
    rows, length = int(rng.integers(2, 5)), 30
    language = ending_language(rng, rows, length)
    longest = (right_greedy(language, length) > 0).sum(axis=1).max()
    expect("where rows end early, `greedy` writes", decoded(greedy, *language, length), right_greedy(language, length))
    taken = steps_taken(greedy, *language, length)
    if taken > longest + 1:
        raise Incorrect(
            f"`greedy` calls `step` {taken} times, though the last row has ended after {longest + 1}: stop when all "
            "rows have ended."
        )


@greedy.part(1, "writes with a network of the course, whose logits are tensors", draws=1)
def greedy_writes_with_a_network(greedy, rng):
    from rnn_course import decoding

    settings = {"source_tokens": 9, "target_tokens": int(rng.integers(6, 10)), "units": 6, "embedding": 4}
    settings["attention"] = True
    model = network(settings)
    weights = [rng.normal(size=w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights(weights)
    lowered = np.isin(np.arange(settings["target_tokens"]), (0, END))  # other parts are about these
    model.to_logits.bias.assign(model.to_logits.bias - 99.0 * lowered)
    weights = model.get_weights()
    source = rng.integers(1, 9, (int(rng.integers(2, 5)), 5))
    want = decoding.greedy(model.step, model.start(source), START, END, 7)
    expect(
        "with an untrained network, `greedy` writes",
        decoded_by_network(greedy, settings, weights, source, START, END, 7),
        want,
    )


# ---- beam search -----------------------------------------------------------------------------------------------------


def right_beam(language, length, beams, change=lambda step: step):
    """What a beam search finds: (tokens, log-probabilities)."""
    from rnn_course import decoding

    weights, memory, start, end = language
    tokens, log_p = decoding.beam_search(change(step_of(weights)), [memory], start, end, length, beams)
    return tokens[0], log_p[0]


def keeps_order(memory, beams):
    """A change of ``step``: each row goes on with the state that its place had, whichever beginning stands there."""

    def change(step):
        kept = [memory.repeat(beams, axis=0)]

        def stale(tokens, state):
            logits, kept[:] = step(tokens, kept)
            return logits, state

        return stale

    return change


def expect_beams(got, want, mistakes=(), where="in a tiny language"):
    """Compare tokens, then log-probabilities; a mistake is told by its tokens."""
    tokens, log_p = expect_several("`beam_search` gives", got, ("tokens", "log-probabilities"))
    found = as_array("`beam_search` gives as tokens", tokens)
    if found.shape == want[0].shape and len({tuple(row) for row in found}) < len({tuple(row) for row in want[0]}):
        raise Incorrect(
            "`beam_search` gives the same sequence more than once. Before the first step there is one beginning, not "
            "`beams` equal ones: start with one row."
        )
    reverse = {"`beam_search` gives the least probable sequence first; put the best one first.": want[0][::-1]}
    expect(f"{where}, `beam_search` writes", found, want[0], {**dict(mistakes), **(reverse if len(found) > 1 else {})})
    expect(
        f"{where}, `beam_search` finds the right sequences, but gives log-probabilities with",
        log_p,
        want[1],
        {"`beam_search` gives probabilities; their logarithms are wanted.": np.exp(want[1])},
    )


@beam.part(2, "`log_probabilities` are of a softmax without padding")
def log_probabilities_leave_padding_out(log_probabilities, best_extensions, beam_search, rng):
    from rnn_course import decoding

    n, K = int(rng.integers(2, 6)), int(rng.integers(7, 10))
    logits = rng.normal(size=(n, K)) * 2
    want = decoding.log_softmax(decoding.without_padding(logits))[:, 1:]
    got = as_array("`log_probabilities` gives", log_probabilities(logits))
    if got.shape != logits.shape:
        raise Incorrect(f"`log_probabilities` gives shape {got.shape} for logits of shape {logits.shape}.")
    together = decoding.log_softmax(decoding.without_padding(logits).reshape(1, -1)).reshape(n, K)
    across = decoding.log_softmax(logits.T).T
    expect(
        "for the tokens from 1 on, `log_probabilities` gives",
        got[:, 1:],
        want,
        {
            "`log_probabilities` gives part of the probability to token 0. It is padding and never written: its "
            "probability is 0, and the others sum to 1.": decoding.log_softmax(logits)[:, 1:],
            "`log_probabilities` gives probabilities; their logarithms are wanted.": np.exp(want),
            "`log_probabilities` normalizes all rows together; each row has its own, which sum to 1.": (
                together[:, 1:]
            ),
            "`log_probabilities` normalizes over the rows; it should be over the tokens, the last axis.": across[:, 1:],
        },
    )
    if not (got[:, 0] < -1e4).all():
        raise Incorrect(
            "`log_probabilities` gives padding a finite log-probability; its probability is 0, the logarithm is -inf."
        )


@beam.part(1, "`log_probabilities` can take logits of any size")
def log_probabilities_do_not_overflow(log_probabilities, best_extensions, beam_search, rng):
    from rnn_course import decoding

    logits = rng.normal(size=(3, 6)) + rng.choice([-2000.0, 2000.0], (3, 1))
    want = decoding.log_softmax(decoding.without_padding(logits))[:, 1:]
    got = as_array("`log_probabilities` gives", log_probabilities(logits))
    if got.shape == logits.shape and not np.isfinite(got[:, 1:]).all():
        raise Incorrect(
            "`log_probabilities` gives inf or NaN for logits near 2000 or -2000, because exp overflows or gives 0. A "
            "softmax stays the same if you subtract one number from all logits of a row: which?"
        )
    expect("for logits near 2000 or -2000, `log_probabilities` gives", got[:, 1:], want)


@beam.part(4, "`best_extensions` are the best of all, whatever they extend")
def best_of_all(log_probabilities, best_extensions, beam_search, rng):
    from rnn_course import decoding

    def make(rng):
        n, K = int(rng.integers(3, 5)), int(rng.integers(6, 9))
        log_p = decoding.log_softmax(decoding.without_padding(rng.normal(size=(n, K))))
        return -np.sort(rng.exponential(size=n)), log_p, int(rng.integers(3, 5))

    def right(scores, log_p, beams):
        return [a[0] for a in decoding.best((scores[:, None] + log_p)[None], beams)]

    def of_each(scores, log_p, beams):
        """The best of each beginning, at most ``beams``."""
        found = [right(scores[i : i + 1], log_p[i : i + 1], 1)[0][0] for i in range(len(scores))]
        return sorted(found, reverse=True)[:beams]

    def usable(draw):
        scores, log_p, beams = draw
        parents = right(*draw)[1]
        blind = right(0 * scores, log_p, beams)[1:]
        return 1 < len(set(parents)) < beams and differ(parents, blind[0]) and differ(right(*draw)[2], parents)

    draw = drawn(rng, make, usable)
    scores, parents, tokens = right(*draw)
    names = ("scores", "parents", "tokens")
    got = expect_several("`best_extensions` gives", best_extensions(*draw), names)
    shape = f"for scores {draw[0].shape}, log_p {draw[1].shape} and beams={draw[2]}, `best_extensions` gives"
    expect(
        f"{shape} scores with",
        got[0],
        scores,
        {
            "`best_extensions` takes the best token of each beginning. A good beginning may have several of the best "
            "extensions, and a bad one none: compare all of them.": of_each(*draw),
            "`best_extensions` gives the worst of the best first; sort from the best down.": scores[::-1],
            "`best_extensions` ignores the scores that the beginnings have so far.": right(
                0 * draw[0], draw[1], draw[2]
            )[0],
            "`best_extensions` gives the log-probability of the token alone as the score; the score of the beginning "
            "comes on top.": draw[1][parents, tokens],
        },
    )
    swapped = {"`best_extensions` has parents and tokens the wrong way round.": tokens}
    expect(f"{shape} parents with", got[1], parents, swapped)
    expect(f"{shape} tokens with", got[2], tokens)


@beam.part(2, "a beam of one is greedy decoding")
def one_beam_is_greedy(log_probabilities, best_extensions, beam_search, rng):
    length = int(rng.integers(6, 10))

    def usable(language):
        return 2 < (right_greedy(language, length) > 0).sum() < length - 1

    language = drawn(rng, tiny_language, usable)
    want = right_beam(language, length, 1)
    endless = right_greedy((*language[:3], 99), length)
    expect_beams(
        decoded(beam_search, *language, length, 1),
        want,
        {
            "`beam_search` goes on after the end token. A sequence that has ended stays as it is: all it can be "
            "extended by is padding, at no cost.": endless,
            "`beam_search` goes on after the end token: it takes the end out of the result, but not what follows.": (
                np.where(endless == language[3], 0, endless)
            ),
            "`beam_search` writes the end token into the result; only what stands before it is wanted.": (
                np.where((want[0] == 0).cumsum(axis=1) == 1, language[3], want[0])
            ),
        },
        "with one beam",
    )


@beam.part(4, "finds a more probable sequence than greedy decoding")
def beam_finds_more(log_probabilities, best_extensions, beam_search, rng):
    language, length = garden_path(rng), 2
    expect_beams(
        decoded(beam_search, *language, length, 2),
        right_beam(language, length, 2),
        {
            "`beam_search` with two beams gives the greedy sequence twice, or only its neighbor: are both beginnings "
            "extended at every step?": right_greedy(language, length).repeat(2, axis=0)
        },
        "in a language in which the better first token leads to the worse sequence",
    )


def garden_path(rng):
    """A language in which the token that is likelier at first has the less likely continuations."""
    K = int(rng.integers(8, 12))
    start, end, good, bad, *others = map(int, rng.permutation(np.arange(1, K)))
    chances = np.full((K, K), 1e-9)
    first = rng.uniform(0.52, 0.6)
    chances[start, [bad, good]] = first, 1 - first
    chances[bad, others] = rng.dirichlet(np.full(len(others), 60))
    chances[good, others] = 0.1 / len(others)
    chances[good, rng.choice(others)] = 0.9
    empty = np.zeros((K, 1))
    weights = {"table": np.log(chances), "inputs": empty, "recurrent": np.zeros((1, 1)), "output": empty.T}
    return weights, np.zeros((1, 1)), start, end


@beam.part(3, "every beginning goes on with its own state")
def state_follows(log_probabilities, best_extensions, beam_search, rng):
    length, beams = int(rng.integers(4, 7)), int(rng.integers(3, 5))

    def usable(language):
        stale = right_beam(language, length, beams, keeps_order(language[1], beams))
        return differ(right_beam(language, length, beams)[0], stale[0], stale[0][::-1])

    language = drawn(rng, lambda rng: never_ends(tiny_language(rng)), usable)
    stale = right_beam(language, length, beams, keeps_order(language[1], beams))
    expect_beams(
        decoded(beam_search, *language, length, beams),
        right_beam(language, length, beams),
        {
            "`beam_search` picks new beginnings, but leaves the states where they were. Each beginning goes on with "
            "the state of the one that it extends: take those rows of the state.": stale[0]
        },
        "in a language with a memory",
    )


@beam.part(2, "sequences that have ended stay in the race")
def ended_stay(log_probabilities, best_extensions, beam_search, rng):
    length, beams = int(rng.integers(6, 9)), int(rng.integers(3, 6))

    def usable(language):
        tokens, _ = right_beam(language, length, beams)
        counts = (tokens > 0).sum(axis=1)
        return len(set(counts)) > 1 and 0 < counts.min() < length - 2 and 0 < counts[0] < length

    language = drawn(rng, tiny_language, usable)
    endless = right_beam((*language[:3], 99), length, beams)[0]
    on = "`beam_search` goes on after the end token"
    expect_beams(
        decoded(beam_search, *language, length, beams),
        right_beam(language, length, beams),
        {
            f"{on}. A sequence that has ended stays as it is: padding is all that can follow, at no cost.": endless,
            f"{on}: it takes the end out of the result, but not what follows.": (
                np.where(endless == language[3], 0, endless)
            ),
        },
        "in a language in which sequences end at different steps",
    )


# ---- measures --------------------------------------------------------------------------------------------------------


def distances(written, wanted):
    """Edit distances of pairs of texts, as TensorFlow computes them."""
    import tensorflow as tf

    pair = (tf.strings.unicode_split(texts, "UTF-8").to_sparse() for texts in (written, wanted))
    return tf.edit_distance(*pair, normalize=False).numpy()


def place_by_place(a, b):
    """How many places differ, if nothing may move."""
    return sum(x != y for x, y in zip(a, b)) + abs(len(a) - len(b))


def miswritten(rng, count):
    """Dates, and what a bad writer makes of them: some right, most with a letter lost, put in or replaced."""
    from rnn_course import data

    _, wanted = data.dates(count, int(rng.integers(2**31)), source="de", target="en")
    written = []
    for number, date in enumerate(wanted):
        letters = list(date)
        for _ in range(number % 4):
            place = int(rng.integers(len(letters)))
            letters[place : place + int(rng.integers(0, 2))] = rng.choice(list("aeinrs 0123"), int(rng.integers(0, 3)))
        written.append("".join(letters))
    order = rng.permutation(count)
    return [written[i] for i in order], [wanted[i] for i in order]


@measures.part(2, "`exact_match` is the share of texts without a mistake")
def exact_match_is_strict(exact_match, edit_distance, character_error_rate, rng):
    written, wanted = miswritten(rng, int(rng.integers(7, 14)))
    written[:2] = wanted[1::-1]  # the right texts, in the wrong places
    same = [a == b for a, b in zip(written, wanted)]
    expect(
        "`exact_match` gives",
        exact_match(written, wanted),
        np.mean(same),
        {
            "`exact_match` gives a percentage; a share from 0 to 1 is wanted.": 100 * np.mean(same),
            "`exact_match` gives a count; divide by the number of texts.": np.sum(same),
            "`exact_match` looks a text up among all that are wanted; each has to match the one in its own place.": (
                np.mean([a in wanted for a in written])
            ),
            "`exact_match` gives the share of texts that are wrong.": 1 - np.mean(same),
        },
    )


@measures.part(3, "`edit_distance` of words for which you can count it")
def distance_of_words(exact_match, edit_distance, character_error_rate, rng):
    firsts, seconds = WORDS[::2], WORDS[1::2]
    expect(
        f"for {', '.join(f'{a}/{b}' for a, b in zip(firsts, seconds))}, `edit_distance` gives",
        [one_number(edit_distance(a, b)) for a, b in zip(firsts, seconds)],
        [1, 2, 3, 2, 5, 1],
        {
            "`edit_distance` compares place by place; a letter put in at the front must cost 1, not move all the "
            "others out of place.": [place_by_place(a, b) for a, b in zip(firsts, seconds)],
            "`edit_distance` takes 2 for replacing a letter; it is one edit.": [1, 2, 5, 2, 5, 2],
            "`edit_distance` takes 1 for swapping two neighbors; only putting in, deleting and replacing are edits, so "
            "a swap costs 2.": [1, 1, 3, 1, 5, 1],
            "`edit_distance` gives only the difference of the lengths.": [
                abs(len(a) - len(b)) for a, b in zip(firsts, seconds)
            ],
            "`edit_distance` gives the share of the second text; the number of edits is wanted.": [
                d / len(b) for d, b in zip([1, 2, 3, 2, 5, 1], seconds)
            ],
        },
    )


def one_number(value):
    """What the student's function gave, if it is one number."""
    if as_array("`edit_distance` gives", value).shape:
        raise Incorrect("`edit_distance` gives an array; one number is wanted.")
    return value


@measures.part(4, "`edit_distance` of random texts and of dates")
def distance_of_random_texts(exact_match, edit_distance, character_error_rate, rng):
    pairs = [["".join(rng.choice(list("abc"), rng.integers(1, 12))) for _ in range(2)] for _ in range(12)]
    firsts, seconds = zip(*pairs, *zip(*miswritten(rng, 8)))
    got = [one_number(edit_distance(a, b)) for a, b in zip(firsts, seconds)]
    want = distances(firsts, seconds)
    for a, b, found, right in zip(firsts, seconds, got, want):
        if abs(found - right) > 1e-6:
            many = "more than is needed" if found > right else "which is too few"
            raise Incorrect(f"`edit_distance({a!r}, {b!r})` gives {found}, {many}: the right distance is {right:.0f}.")


@measures.part(1, "`edit_distance` takes empty texts, and does not mind which comes first")
def distance_of_nothing(exact_match, edit_distance, character_error_rate, rng):
    a, b = random_texts(rng, 4)[:2]
    for first, second, right in (("", "", 0), ("", a, len(a)), (a, "", len(a)), (a, a, 0)):
        got = one_number(edit_distance(first, second))
        if got != right:
            raise Incorrect(f"`edit_distance({first!r}, {second!r})` gives {got}; it should be {right}.")
    if one_number(edit_distance(a, b)) != one_number(edit_distance(b, a)):
        raise Incorrect("`edit_distance` changes when the two texts change places; every edit can be undone by one.")


@measures.part(3, "`character_error_rate` counts all edits for all characters wanted")
def error_rate_is_pooled(exact_match, edit_distance, character_error_rate, rng):
    written, wanted = miswritten(rng, int(rng.integers(8, 13)))
    written[0], wanted[0] = "7 may 19", "may 7, 1954"
    edits = distances(written, wanted)
    own = np.array([one_number(edit_distance(a, b)) for a, b in zip(written, wanted)], float)
    if len(set(own)) > 3:  # a mistake in `edit_distance` has cost its points already
        edits = own
    lengths, others = [np.array([len(t) for t in texts]) for texts in (wanted, written)]
    expect(
        "`character_error_rate` gives",
        character_error_rate(written, wanted),
        edits.sum() / lengths.sum(),
        {
            "`character_error_rate` averages the rates of the texts, so a letter of a short text weighs more. Add up "
            "all edits, then divide by all characters.": (edits / lengths).mean(),
            "`character_error_rate` divides by the characters written; those that were wanted are the measure.": (
                edits.sum() / others.sum()
            ),
            "`character_error_rate` divides by the longer text of each pair; divide by the one that was wanted.": (
                edits.sum() / np.maximum(lengths, others).sum()
            ),
            "`character_error_rate` divides by the number of texts; divide by the number of characters wanted.": (
                edits.mean()
            ),
            "`character_error_rate` gives the number of edits; divide by the number of characters wanted.": edits.sum(),
            "`character_error_rate` gives a percentage; a share is wanted.": 100 * edits.sum() / lengths.sum(),
            "`character_error_rate` compares the texts place by place; use your `edit_distance`.": (
                sum(map(place_by_place, written, wanted)) / lengths.sum()
            ),
        },
    )


# ---- the translator --------------------------------------------------------------------------------------------------


def new_dates(rng, count):
    """German dates that no one has trained on, and their English translations."""
    from rnn_course import data

    return data.dates(count, int(rng.integers(2**31)), source="de", target="en", split="test")


def as_texts(got, count):
    """The student's translations, if that is what they are."""
    if got is None:
        raise Incorrect("`translate` gives None: is there a `return`?")
    if isinstance(got, str) or not isinstance(got, (list, tuple)) or not all(isinstance(t, str) for t in got):
        raise Incorrect("`translate` should give a list of strings, one for each text.")
    if len(got) != count:
        raise Incorrect(f"`translate` gives {len(got)} texts for {count}; it should give one for each.")
    return list(got)


@beside_student
def translated_without_weights(translate, texts):
    """What ``translate`` writes while the weights of the notebook's ``model`` are zero; nothing if it has none."""
    model = getattr(inspect.unwrap(translate), "__globals__", {}).get("model")
    if not hasattr(model, "set_weights"):
        return None
    weights = model.get_weights()
    try:
        model.set_weights([0 * w for w in weights])
        return list(translate(list(texts)))
    except Exception:  # it cannot work without them: that is an answer, too
        return []
    finally:
        model.set_weights(weights)


@translation.part(2, "`translate` gives one text for each text", draws=1)
def translates_lists(translate, rng):
    for count in (int(rng.integers(2, 8)), 1):
        sources, _ = new_dates(rng, count)
        as_texts(translate(sources), count)


@translation.part(2, "a translation does not depend on what else is in the list", draws=1)
def translates_each_by_itself(translate, rng):
    sources, _ = new_dates(rng, 24)
    sources = sorted(sources, key=len)
    together = as_texts(translate(sources), len(sources))
    reverse = as_texts(translate(sources[::-1]), len(sources))[::-1]
    alone = [as_texts(translate([source]), 1)[0] for source in sources[::8]]
    wrong = sum(a != b for a, b in zip(together, reverse)) / len(sources)
    if wrong > 0.1:
        raise Incorrect(
            "`translate` gives other texts when the list is the other way round. Translations come in the order of the "
            "sources, and always the same ones."
        )
    if sum(a != b for a, b in zip(together[::8], alone)) > 1:
        raise Incorrect(
            "`translate` writes something else for a date alone than for the same date in a list. Short texts must be "
            "padded as in training, and padding must not count."
        )


@translation.part(16, "the network translates new dates in new formats", draws=1)
def translates_new_dates(translate, rng):
    sources, targets = new_dates(rng, 440)
    written = as_texts(translate(sources[:400]), 400)
    empty = translated_without_weights(translate, sources[400:])
    if empty is None:
        raise Incorrect("There is no network in the variable `model` of your notebook. `translate` has to use it.")
    if np.mean([a == b for a, b in zip(empty, targets[400:])] or 0) > 0.05:
        raise Incorrect(
            "`translate` gives the right dates even while all weights of `model` are zero, so it is not that network "
            "that translates."
        )
    right = np.array([a == b for a, b in zip(written, targets)])
    share = max((share for level, share in LEVELS.items() if right.mean() >= level), default=0.0)
    if share == 1:
        return 1.0, f"{right.mean():.1%} of 400 new dates are right."
    i = int(np.argmin(right))
    steps = ", ".join(f"{level:.0%} for {16 * part:g}" for level, part in sorted(LEVELS.items()))
    return share, (
        f"`translate` gets {right.mean():.1%} of 400 new dates right, which earns {16 * share:g} of 16 points "
        f"({steps}). For example, it writes {written[i]!r} for {sources[i]!r}; {targets[i]!r} is right."
    )
