"""The benchmark of memory: its rules, its networks, and what it keeps. No success rates."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from benchmarks import tasks, tasks_report
from benchmarks.tasks import ABLATED_AT, ABLATIONS, CELLS, RATES, SEEDS, TASKS, Runs, plan


def targets_as_outputs(task, y):
    """Outputs of a network that knows all answers."""
    if task.loss == "one right answer":
        return 10 * np.eye(task.outputs)[y]
    return 20 * y - 10 if task.loss == "several right answers" else y


def blind_outputs(task, y):
    """Outputs of a network that remembers nothing: the mean of the answers, the same for all sequences."""
    known = targets_as_outputs(task, y)
    return np.broadcast_to(known.mean(axis=0), known.shape) + 1e-6


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_solved_by_right_answers_and_not_without_memory(name):
    task = TASKS[name]
    x, y = task.make(256, task.lengths[-1], seed=0)
    assert x.shape[:2] == (256, task.lengths[-1])
    assert task.solved(task.score(y, targets_as_outputs(task, y)))
    assert not task.solved(task.score(y, blind_outputs(task, y)))
    assert list(task.lengths) == sorted(task.lengths)


# --- the plan


def outcome(kept, solves, tasks_=("adding", "copy"), ablations=True):
    """Follow the plan with networks of which ``solves(task, cell, steps, rate)`` tells how many seeds succeed."""
    followed = []
    for task, cell, steps, rate in plan(kept, tasks_, CELLS, ablations):
        followed.append((task, cell, steps, rate))
        runs = kept.group(task=task, cell=cell, steps=steps, rate=rate, parameters=7)["runs"]
        for seed in SEEDS:
            solved = seed < solves(task, cell, steps, rate)
            runs.append({"seed": seed, "solved": solved, "updates": 100, "sequences": 3200, "score": 0, "seconds": 0})
    return followed


def test_both_rates_are_tried_first_and_the_better_one_goes_on(tmp_path):
    kept = Runs(tmp_path / "r.json")
    followed = outcome(kept, lambda task, cell, steps, rate: 5 if rate == 0.003 else 4)
    for task in ("adding", "copy"):
        for cell in CELLS:
            rates = [[r for t, c, s, r in followed if (t, c, s) == (task, cell, T)] for T in TASKS[task].lengths]
            assert rates == [list(RATES)] + [[0.003]] * (len(rates) - 1)
            assert kept.best_rate(task, cell, TASKS[task].lengths[0]) == 0.003


def test_the_other_rate_gets_its_chance_where_the_first_fails(tmp_path):
    followed = outcome(Runs(tmp_path / "r.json"), lambda task, cell, steps, rate: 5 if steps == 25 else 2)
    assert [r for t, c, s, r in followed if (t, c, s) == ("adding", "GRU", 50)] == list(RATES)


def test_a_cell_that_fails_is_not_run_at_longer_lengths(tmp_path):
    kept = Runs(tmp_path / "r.json")
    followed = outcome(kept, lambda task, cell, steps, rate: 0 if cell == "SimpleRNN" and steps >= 50 else 5)
    longest = {cell: max(s for t, c, s, _ in followed if (t, c) == ("adding", cell)) for cell in CELLS}
    assert longest == {"SimpleRNN": 50, "LSTM": 200, "GRU": 200}


def test_ablations_have_the_rate_of_the_cell_that_they_change(tmp_path):
    followed = outcome(Runs(tmp_path / "r.json"), lambda t, cell, s, rate: 5 if rate == 0.003 or cell == "GRU" else 0)
    ablated = [entry for entry in followed if entry[1] in ABLATIONS]
    assert {(t, c, s) for t, c, s, _ in ablated} == {("adding", cell, 50) for cell in ABLATIONS}
    assert all(rate == 0.003 for _, _, _, rate in ablated)
    assert not [e for e in outcome(Runs(tmp_path / "q.json"), lambda *_: 5, ablations=False) if e[1] in ABLATIONS]


def test_nothing_is_run_twice_and_an_interruption_loses_nothing(tmp_path, monkeypatch):
    path, learned = tmp_path / "r.json", []

    class Learner:
        parameters = 7

        def __init__(self, task, cell, steps):
            pass

        def learn(self, seed, rate):
            if len(learned) == 7:
                learned.append("interrupted")
                raise KeyboardInterrupt
            learned.append(seed)
            return {"seed": seed, "solved": False, "updates": 1, "sequences": 1, "score": 0.0, "seconds": 0.0}

    monkeypatch.setitem(sys.modules, "benchmarks.learning", type("module", (), {"Learner": Learner}))
    with pytest.raises(KeyboardInterrupt):
        tasks.run(Runs(path), ["copy"], ["GRU"], False, range(5))
    assert sum(len(g["runs"]) for g in json.loads(path.read_text())["groups"]) == 7
    tasks.run(Runs(path), ["copy"], ["GRU"], False, range(5))
    groups = json.loads(path.read_text())["groups"]
    assert [[r["seed"] for r in g["runs"]] for g in groups] == [[0, 1, 2, 3, 4]] * 2  # both rates, the shortest length


# --- the networks


@pytest.mark.parametrize("without", ["input gate", "forget gate", "output gate", "coupled gates"])
def test_ablated_lstm_is_the_lstm_without_that_gate(without):
    learning = pytest.importorskip("benchmarks.learning", reason="needs JAX", exc_type=ImportError)
    cell = learning.AblatedLSTMCell(3, without)
    cell.build((None, 2))
    rng = np.random.default_rng(0)
    W_x, W_h, b = (rng.normal(size=w.shape) for w in cell.get_weights())
    cell.set_weights([W_x, W_h, b])
    x, h, c = (rng.normal(size=(4, size)).astype("float32") for size in (2, 3, 3))

    i, f, g, o = np.split(x @ W_x + h @ W_h + b, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    i = {"input gate": 1, "coupled gates": 1 - f}.get(without, i)
    f = 1 if without == "forget gate" else f
    o = 1 if without == "output gate" else o
    c_new = f * c + i * np.tanh(g)
    _, (h_got, c_got) = cell(x, [h, c])
    np.testing.assert_allclose(ops.convert_to_numpy(c_got), c_new, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(h_got), o * np.tanh(c_new), atol=1e-5)


def test_every_variant_can_be_built_and_the_biases_start_where_they_should():
    learning = pytest.importorskip("benchmarks.learning", reason="needs JAX", exc_type=ImportError)
    assert set(learning.CELLS) == {*CELLS, *ABLATIONS}
    task, H = TASKS["adding"], tasks.UNITS
    forget, update = slice(H, 2 * H), slice(0, H)
    first = {"LSTM": (forget, 1), "LSTM, forget bias 0": (forget, 0), "LSTM, forget bias 3": (forget, 3)}
    for name, (block, value) in (first | {"GRU": (update, 0), "GRU, update bias 1": (update, 1)}).items():
        bias = learning.Learner(task, name, 5).network().layers[0].cell.bias
        bias = np.atleast_2d(ops.convert_to_numpy(bias))[0]
        assert (bias[block] == value).all() and not np.delete(bias, block).any()


def test_a_network_learns_an_easy_task():
    pytest.importorskip("jax")
    lines = (
        "import os; os.environ['KERAS_BACKEND'] = 'jax'",
        "from benchmarks.learning import Learner",
        "from benchmarks.tasks import TASKS",
        "learner = Learner(TASKS['temporal order'], 'GRU', 10)",
        "one, again, other = (learner.learn(seed, 0.01) for seed in (0, 0, 1))",
        "del one['seconds'], again['seconds']",
        "assert one['solved'] and other['solved'] and one['score'] >= 0.99, (one, other)",
        "assert one == again and one['sequences'] == 32 * one['updates'] < 160_000",
        "assert learner.parameters == 3 * (8 * 32 + 32 * 32 + 2 * 32) + 4 * 33",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


# --- the report


def test_report_counts_and_shows_every_run(tmp_path):
    kept = Runs(tmp_path / "r.json")
    outcome(kept, lambda t, cell, steps, r: {"SimpleRNN": 0, "LSTM": 3, "GRU": 5}[cell.partition(",")[0]], tuple(TASKS))
    kept.keep()
    text, table, picture = tasks_report.report(kept.path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "| adding | 25 | 0 of 5 | 3 of 5 (3,200) | 5 of 5 (3,200) |" in text.read_text()
    assert "| adding | 50 | – | 3 of 5 (3,200) | 5 of 5 (3,200) |" in text.read_text()
    assert "Copy: SimpleRNN 0% at 10; LSTM 60% at 10" in text.read_text()
    assert all(f"{task}, T = {steps}" in text.read_text() for task, steps in ABLATED_AT)
    assert set().union(*ABLATED_AT.values()) == set(ABLATIONS)
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == sum(len(g["runs"]) for g in kept.content["groups"])
    assert {row["solved"] for row in rows} == {"True", "False"}


def test_report_without_results_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "PATH", tmp_path / "none.json")
    assert tasks.main(["--report"]) == 2
    assert "python -m benchmarks.tasks" in capsys.readouterr().err


def test_the_results_that_are_kept_are_whole():
    content = json.loads(tasks.PATH.read_text())
    for group in content["groups"]:
        assert group["task"] in TASKS and group["rate"] in RATES and group["cell"] in {*CELLS, *ABLATIONS}
        seeds = [run["seed"] for run in group["runs"]]
        assert len(set(seeds)) == len(seeds)
        for run in group["runs"]:
            assert run["sequences"] == run["updates"] * tasks.BATCH and run["updates"] <= tasks.UPDATES
            solved = {TASKS[group["task"]].solved(run["score"] + rounding) for rounding in (-1e-4, 1e-4)}
            assert run["solved"] in solved
