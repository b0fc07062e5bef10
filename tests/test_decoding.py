"""Decoding against brute force: a network of a few tokens, of which every sequence can be listed."""

from itertools import product

import numpy as np
import pytest
from keras import ops

from rnn_course import decoding

START, END, TOKENS, LENGTH, ROWS = 1, 2, 5, 4, 3


def make_step(seed):
    """A network by table: its logits depend on the last token and on a state that counts what was written."""
    table = np.random.default_rng(seed).normal(scale=1.5, size=(7, TOKENS, TOKENS)).astype("float32")

    def step(tokens, state):
        numbers = ops.convert_to_numpy(state["sum"])[:, 0].astype(int)
        tokens = np.asarray(tokens)
        after = ((3 * numbers + tokens) % 7)[:, None].astype("float32")
        return ops.convert_to_tensor(table[numbers, tokens]), {"sum": ops.convert_to_tensor(after)}

    return step, {"sum": ops.convert_to_tensor(np.arange(ROWS, dtype="float32")[:, None])}


def log_p(logits):
    logits = ops.convert_to_numpy(logits).astype("float64")[0]
    logits[0] = -np.inf
    return logits - np.log(np.exp(logits).sum())


def all_sequences(step, row):
    """Return {sequence padded with zeros: log-probability} of everything that can be written."""
    found = {}
    for tokens in product(range(1, TOKENS), repeat=LENGTH):
        if END in tokens:
            tokens = tokens[: tokens.index(END) + 1]
        state, last, total = {"sum": np.full((1, 1), row, "float32")}, START, 0.0
        for token in tokens:
            logits, state = step(np.array([last]), state)
            total, last = total + log_p(logits)[token], token
        written = tuple(t for t in tokens if t != END)
        found[written + (0,) * (LENGTH - len(written))] = (total, len(tokens))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_greedy_takes_the_most_probable_token_at_each_step(seed):
    step, state = make_step(seed)
    written = decoding.greedy(step, state, START, END, LENGTH)
    assert written.shape == (ROWS, LENGTH)
    for row in range(ROWS):
        now, last, expected = {"sum": np.full((1, 1), row, "float32")}, START, []
        for _ in range(LENGTH):
            logits, now = step(np.array([last]), now)
            last = int(log_p(logits).argmax())
            if last == END:
                break
            expected.append(last)
        assert written[row].tolist() == expected + [0] * (LENGTH - len(expected))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_beam_as_wide_as_all_there_is_finds_all_in_order(seed, penalty):
    step, state = make_step(seed)
    beams = (TOKENS - 1) ** LENGTH
    tokens, scores = decoding.beam_search(step, state, START, END, LENGTH, beams=beams, length_penalty=penalty)
    for row in range(ROWS):
        every = all_sequences(step, row)
        assert len(every) == np.isfinite(scores[row]).sum()
        expected = sorted(every, key=lambda s: -every[s][0] / every[s][1] ** penalty)
        assert [tuple(s) for s in tokens[row, : len(every)].tolist()] == expected
        np.testing.assert_allclose(scores[row, : len(every)], [every[s][0] for s in expected], atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy_and_more_beams_are_no_worse_here(seed):
    step, state = make_step(seed)
    one, score = decoding.beam_search(step, state, START, END, LENGTH, beams=1)
    np.testing.assert_array_equal(one[:, 0], decoding.greedy(step, state, START, END, LENGTH))
    assert score.shape == (ROWS, 1)
    _, more = decoding.beam_search(step, state, START, END, LENGTH, beams=12)
    assert (more[:, 0] >= score[:, 0] - 1e-9).all() and (np.diff(more, axis=1) <= 0).all()


def first_tokens(**options):
    """Draw the first token of 3,000 equal sequences."""
    logits = np.array([3.0, 0.5, 1.0, 2.0, -0.5], "float32")
    rows = 3000

    def step(tokens, state):
        return ops.tile(ops.convert_to_tensor(logits)[None], (rows, 1)), state

    drawn = decoding.sample(step, ops.zeros((rows, 1)), START, END, 1, seed=0, **options)[:, 0]
    return np.bincount(drawn, minlength=TOKENS) / rows, logits  # what ended at once is counted at 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_softmax(temperature):
    shares, logits = first_tokens(temperature=temperature)
    p = np.exp(logits[1:] / temperature)
    p /= p.sum()
    expected = [p[1], p[0], 0, p[2], p[3]]  # token 2 is the end
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / 3000))  # four standard errors


def test_top_k_draws_among_the_most_probable():
    shares, _ = first_tokens(top_k=2)
    assert (shares[[1, 2, 4]] == 0).all() and shares[3] > 0.6 and shares[0] > 0.1
    assert first_tokens(top_k=1)[0][3] == 1


def test_a_seed_repeats():
    step, state = make_step(0)
    a, b, c = (decoding.sample(step, state, START, END, LENGTH, temperature=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "`length` must be a positive whole number; received length=0"),
        ({"end": 0}, "`end` must be a positive"),
        ({"start": 1.0}, "`start` must be a positive"),
        ({"start": [1, 0]}, "`start` must be a positive whole number, or an array"),
        ({"start": [1] * 99}, "for the . rows; received"),
        ({"temperature": 0}, "`temperature` must be above 0; .* greedy"),
        ({"temperature": float("nan")}, "`temperature` must be above 0"),
        ({"top_k": 0}, "`top_k` must be a positive"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    step, state = make_step(0)
    with pytest.raises(ValueError, match=message):
        decoding.sample(step, state, **{"start": START, "end": END, "length": LENGTH} | options)


def test_beams_must_be_positive():
    step, state = make_step(0)
    with pytest.raises(ValueError, match="`beams` must be a positive"):
        decoding.beam_search(step, state, START, END, LENGTH, beams=0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("per_row", [False, True])
def test_only_what_is_allowed_is_written_and_the_beam_finds_the_best_of_it(seed, per_row):
    """Tokens that are given count in the beam's scores, as in the list of all sequences."""
    step, state = make_step(seed)
    allowed = np.ones((ROWS if per_row else 1, LENGTH, TOKENS), bool)
    allowed[..., [0, END]] = False
    for row, given in zip(allowed, (3, 4, 1)):
        row[1] = np.arange(TOKENS) == given
    asked = allowed if per_row else allowed[0]
    tokens, scores = decoding.beam_search(step, state, START, END, LENGTH, beams=200, allowed=asked)
    for row in range(ROWS):
        rule = allowed[row if per_row else 0]
        fits = {s: p for s, (p, _) in all_sequences(step, row).items() if all(rule[t, s[t]] for t in range(LENGTH))}
        best = max(fits, key=fits.get)
        assert tuple(tokens[row, 0].tolist()) == best and np.isclose(scores[row, 0], fits[best], atol=1e-5)
        for seed in range(3):
            drawn = decoding.sample(step, state, START, END, LENGTH, seed=seed, allowed=asked)[row]
            assert tuple(drawn.tolist()) in fits
        assert tuple(decoding.greedy(step, state, START, END, LENGTH, asked)[row].tolist()) in fits


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        (np.ones((LENGTH + 1, TOKENS)), r"`allowed` must have shape \(4, K\), or \(3, 4, K\); received shape \(5, 5\)"),
        (np.ones((ROWS + 1, LENGTH, TOKENS)), r"received shape \(4, 4, 5\)"),
        (np.eye(LENGTH, TOKENS), "`allowed` must leave a token at each step"),
    ],
)
def test_a_wrong_allowed_is_named(allowed, message):
    step, state = make_step(0)
    for decode in (decoding.greedy, decoding.sample, decoding.beam_search):
        with pytest.raises(ValueError, match=message):
            decode(step, state, START, END, LENGTH, allowed=allowed)
