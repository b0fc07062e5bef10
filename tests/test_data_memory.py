"""The memory tasks, against what their papers say of them."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_course import data

TASKS = {"copy": data.copy, "temporal_order": data.temporal_order, "embedded_reber": data.embedded_reber}


def columns(one_hot):
    """The columns of the ones, after a look that there is one a step."""
    assert one_hot.dtype == np.float32
    assert set(np.unique(one_hot)) <= {0, 1} and (one_hot.sum(axis=-1) == 1).all()
    return one_hot.argmax(axis=-1)


# Copy -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 30), st.integers(1, 12), st.integers(2, 9), st.integers(0, 9))
def test_copy_asks_for_what_was_shown(count, extra, length, symbols, seed):
    steps = 2 * length + extra
    x, y = data.copy(count, steps, length, symbols, seed)
    assert x.shape == (count, steps, symbols + 2) and y.shape == (count, steps)
    shown = columns(x)
    for row, answer in zip(shown, y):
        start = int(np.flatnonzero(row == symbols + 1)[0]) + 1  # right after the one signal
        assert (row == symbols + 1).sum() == 1
        assert steps - start == length
        assert answer[start:].tolist() == row[:length].tolist()
        assert not answer[:start].any() and not row[start:].any() and not row[length : start - 1].any()
        assert (row[:length] >= 1).all() and (row[:length] <= symbols).all()


def test_copy_uses_all_symbols_alike():
    x, _ = data.copy(4000, 5, length=2, symbols=4)
    np.testing.assert_allclose(x[:, :2].mean(axis=(0, 1)), [0, 0.25, 0.25, 0.25, 0.25, 0], atol=0.02)


# Temporal order -------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(10, 200), st.integers(0, 9))
def test_temporal_order_tells_the_pair(count, steps, seed):
    x, y = data.temporal_order(count, steps, seed)
    assert x.shape == (count, steps, 8)
    for row, label in zip(columns(x), y):
        text = "".join("abcdXYBE"[k] for k in row)
        assert re.fullmatch("E[abcd]*[XY][abcd]*[XY][abcd]*B", text)
        assert re.sub("[^XY]", "", text) == ["XX", "XY", "YX", "YY"][label]
        first, second = (k for k, symbol in enumerate(text) if symbol in "XY")
        assert 0.1 * steps - 1 < first < 0.2 * steps and 0.5 * steps - 1 < second < 0.6 * steps


def test_temporal_order_has_the_places_and_classes_of_the_paper():
    x, y = data.temporal_order(4000, 100)
    where = [int(k) for row in columns(x) for k in np.flatnonzero((row == 4) | (row == 5))]
    assert set(where) == {*range(10, 20), *range(50, 60)}
    np.testing.assert_allclose(np.bincount(y) / len(y), 0.25, atol=0.03)


# Embedded Reber grammar -----------------------------------------------------------------------------------------

# The same grammar once more, as a regular expression.
REBER = "BT(?:S*(?:XS|XX(?:T*VPX)*T*V(?:V|PS)))E|BP(?:T*VPX)*T*V(?:V|PS)E"
EMBEDDED = re.compile(f"B([TP])(?:{REBER})\\1E")


def strings(x):
    return ["".join("BTPSXVE"[k] for k in row) + "E" for row in columns(x)]


@given(st.integers(1, 20), st.integers(8, 80), st.integers(0, 9))
def test_embedded_reber_is_legal(count, steps, seed):
    x, y = data.embedded_reber(count, steps, seed)
    assert x.shape == y.shape == (count, steps, 7) and y.dtype == np.float32
    for text in strings(x):
        assert len(text) == steps + 1 and EMBEDDED.fullmatch(text), text


def test_the_expression_is_the_grammar():
    """That of Reber (1967): his graph, followed by hand, gives no other short strings."""
    assert set(map(len, all_strings(7))) == {5, 6, 7}
    assert all(re.fullmatch(REBER, text) for text in all_strings(12))
    for wrong in ("BTXVE", "BPVPE", "BPSE", "BTXXSE", "BPVVS", "BTE"):
        assert not re.fullmatch(REBER, wrong)


@cache
def all_strings(longest):
    """All strings of Reber's grammar up to a length, from its graph as a table of arrows."""
    arrows = "0B1 1T2 1P3 2S2 2X4 3T3 3V5 4X3 4S6 5P4 5V6 6E7".split()
    found, open_ends = set(), {("", "0")}
    for _ in range(longest):
        open_ends = {(text + s, to) for text, state in open_ends for start, s, to in arrows if start == state}
        found |= {text for text, state in open_ends if state == "7"}
    return found


def test_embedded_reber_has_all_strings_and_says_all_successors():
    """Against a list of every string: the targets are what follows the same beginning, whatever the length."""
    steps = 12
    x, y = data.embedded_reber(3000, steps)
    possible = {f"B{s}{inner}{s}E" for inner in all_strings(steps - 3) for s in "TP" if len(inner) == steps - 3}
    assert set(strings(x)) == possible

    followers = {}
    for inner in all_strings(24):  # long enough that every way out is on the list
        for s in "TP":
            text = f"B{s}{inner}{s}E"
            for t in range(1, min(len(text), steps + 1)):
                followers.setdefault(text[:t], set()).add(text[t])
    for text, targets in zip(strings(x), y):
        for t, allowed in enumerate(targets, start=1):
            assert {"BTPSXVE"[k] for k in np.flatnonzero(allowed)} == followers[text[:t]]


def test_embedded_reber_draws_strings_as_the_grammar_does():
    """Of the inner strings with 8 symbols, each as often as fair coins would give it."""
    coins = {text: 0.5 ** sum(map(has_choice, prefixes(text))) for text in all_strings(8) if len(text) == 8}
    drawn = Counter(text[2:-2] for text in strings(data.embedded_reber(20_000, 11)[0]))
    assert set(drawn) == set(coins)
    for text, weight in coins.items():
        assert drawn[text] / 20_000 == pytest.approx(weight / sum(coins.values()), abs=0.012)


def prefixes(text):
    return [text[:t] for t in range(len(text))]


def has_choice(prefix):
    return len({text[len(prefix)] for text in all_strings(16) if text.startswith(prefix) and text != prefix}) == 2


def test_embedded_reber_is_remembered_by_its_second_symbol_only():
    x, y = data.embedded_reber(2000, 30)
    assert (x[:, 1] == y[:, -2]).all()  # the last but one is the second
    assert x[:, 1].mean(axis=0)[[1, 2]] == pytest.approx([0.5, 0.5], abs=0.03)
    assert (y.sum(axis=-1) <= 2).all()


# All of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_tasks_repeat_with_the_seed(task):
    for one, same in zip(task(5, 30, seed=1), task(5, 30, seed=1)):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(task(5, 30, seed=1)[0], task(5, 30, seed=2)[0])


@pytest.mark.parametrize(
    ("task", "arguments", "name"),
    [
        ("copy", {"count": 0, "steps": 30}, "count"),
        ("copy", {"count": 1, "steps": 20}, "steps"),
        ("copy", {"count": 1, "steps": 30, "length": 0}, "length"),
        ("copy", {"count": 1, "steps": 30, "symbols": 1}, "symbols"),
        ("copy", {"count": 1, "steps": 30, "seed": -1}, "seed"),
        ("temporal_order", {"count": 1, "steps": 9}, "steps"),
        ("temporal_order", {"count": 1, "steps": 10, "seed": -1}, "seed"),
        ("embedded_reber", {"count": 1, "steps": 7}, "steps"),
        ("embedded_reber", {"count": 0, "steps": 8}, "count"),
    ],
)
def test_tasks_name_bad_arguments(task, arguments, name):
    with pytest.raises(ValueError, match=name):
        TASKS[task](**arguments)
    with pytest.raises(TypeError, match=name):
        TASKS[task](**{**arguments, name: 1.5})
