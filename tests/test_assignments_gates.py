"""The checks of assignment 3."""

import ast
import subprocess
import sys

import jupytext
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from rnn_course import cells, data, layers
from rnn_course.assignments import gates, load
from rnn_course.assignments.exercise import Incorrect
from rnn_course.assignments.written import Here
from tests.made.gates import MADE, NOT_WRITTEN
from tools.book import ROOT

CELLS = jupytext.read(ROOT / "book" / "assignments" / "gates.md").cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
EXERCISES = gates.ASSIGNMENT.exercises
SLOW = "compare"  # trains seven networks


def tagged(tag):
    return [cell.source for cell in CODE if tag in cell.metadata.get("tags", [])]


def written(replaced=()):
    """Return what the solution cells define, some of them replaced."""
    names = {"__name__": "student"}
    exec(CODE[0].source, names)
    for source in tagged("solution"):
        name = next(n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef)))
        exec(dict(replaced).get(name, source), names)
    return names


def mark(name, names, seed, draws=None):
    """Mark an exercise as `Exercise.mark` does, or on fewer draws than marking has."""
    exercise = EXERCISES[name]
    given = [Here(n, names[n], exercise.forbidden) for n in exercise.needs]
    if draws is None:
        return list(exercise.mark(*given, seed=seed))
    return [exercise.mark_part(part, given, [seed, k], draws) for k, part in enumerate(exercise.parts)]


def test_the_points_are_100_and_every_exercise_has_its_cells():
    by_hand = sum(cell.metadata["by-hand"]["points"] for cell in CELLS if "by-hand" in cell.metadata)
    exercises = load("gates").exercises
    assert sum(exercise.points for exercise in exercises.values()) + by_hand == 100
    assert tagged("test") == [f"gates.{name}.check({', '.join(e.needs)})" for name, e in exercises.items()]
    assert all(
        "    ### BEGIN SOLUTION\n" in s and "\n    " in s and "    ### END SOLUTION" in s for s in tagged("solution")
    )


def test_the_points_in_the_text():
    text = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    for number, exercise in enumerate(EXERCISES.values(), 1):
        heading = next(line for line in text.splitlines() if line.startswith(f"## Exercise {number}: "))
        assert heading.endswith(f"({exercise.points} points)")
        assert f"| {exercise.points} | by tests |" in text


def test_the_solved_notebook_runs(monkeypatch):
    """With one update in place of every training; `make weave` runs it as it is."""
    fit, compile_ = keras.Model.fit, keras.Model.compile
    monkeypatch.setattr(keras.Model, "fit", lambda self, x, y, **how: fit(self, x[:4], y[:4], verbose=0))
    monkeypatch.setattr(keras.Model, "evaluate", lambda *args, **how: 0.01)
    monkeypatch.setattr(keras.Model, "compile", lambda self, *a, **how: compile_(self, *a, run_eagerly=True))
    names, figures = {"__name__": "student"}, 0
    for cell in CODE:
        if "test" not in cell.metadata.get("tags", []):
            exec(cell.source, names)
        if plt.get_fignums():
            assert cell.metadata["mystnb"]["image"]["alt"]
            figures += 1
            plt.close("all")
    assert figures == 5
    assert names["layer"].backprop == "bptt"
    x, y = data.hold(1, 40, seed=8)
    shown = names["trace"](names["by_hand"], x, names["LSTM_NAMES"])["c"]
    np.testing.assert_allclose(10 * shown, y, atol=0.01)
    assert abs(names["memory_left"](10, steps=20)[20] - 0.25) < 0.05
    smooth = names["smooth"](np.ones(13, "float32"), 6)
    np.testing.assert_allclose(smooth[[5, 11]], [0.5, 0.75], atol=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_solution_has_all_points(seed):
    names = written()
    for name in EXERCISES:
        if name != SLOW or seed < 1:
            parts = mark(name, names, seed)
            assert [m.score for m in parts] == [m.points for m in parts], (name, parts)


def test_the_checks_in_the_notebook_pass(capsys):
    names = written()
    for name, exercise in EXERCISES.items():
        if name != SLOW:
            exercise.check(*[names[need] for need in exercise.needs])
    assert capsys.readouterr().out.count("parts are right.") == len(EXERCISES) - 1


def test_the_unwritten_notebook_says_so():
    names = written(NOT_WRITTEN)
    for exercise in EXERCISES.values():
        with pytest.raises(Incorrect, match="is not written yet"):
            exercise.check(*[names[need] for need in exercise.needs])


@pytest.mark.parametrize("variant", MADE)
def test_made_submissions(variant):
    made = MADE[variant]
    names = written(made.cells)
    for name in dict.fromkeys(exercise.name for need, exercise in gates.ASSIGNMENT.needs.items() if need in made.cells):
        for seed in (11,) if name == SLOW else (11, 12):
            parts = mark(name, names, seed, draws=1)
            got = sum(m.score for m in parts)
            assert got == pytest.approx(made.points.get(name, EXERCISES[name].points)), (name, parts)
            said = " / ".join(m.message for m in parts)
            assert made.says.get(name, "") in said, (name, said)


def test_the_same_seed_gives_the_same_marks():
    names = written(
        MADE["gates-in-another-order"].cells | {"keep_bias": MADE["wrong-sign-and-half-of-it"].cells["keep_bias"]}
    )
    for name in EXERCISES:
        if name != SLOW:
            assert mark(name, names, 3, draws=1) == mark(name, names, 3, draws=1)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (lambda makers, x, new_x: {"one": 1}, "a dict with the keys 'one'"),
        (lambda makers, x, new_x: [1, 2], "`compare` gives list"),
        (lambda makers, x, new_x: None, "`compare` gives NoneType"),
        (lambda makers, x, new_x: dict.fromkeys(makers, np.zeros((20, 1))), "'weights' and 'answers'"),
        (lambda makers, x, new_x: answers_of(makers, np.zeros((len(x), 1))), "to the sequences of the training"),
        (lambda makers, x, new_x: answers_of(makers, np.zeros(len(new_x))), "answers of shape (20,)"),
        (lambda makers, x, new_x: answers_of(makers, np.zeros((20, 1)), {"a small one": 18}), "of the cell alone"),
    ],
)
def test_the_form_of_a_comparison(result, says):
    def compare(makers, x, y, new_x, outputs, loss, seed):
        return result(makers, x, new_x)

    part = EXERCISES["compare"].parts[0]
    found = EXERCISES["compare"].mark_part(part, [Here("compare", compare)], 0, draws=1)
    assert found.score == 0 and says in found.message


def answers_of(makers, answers, weights=()):
    return {name: {"weights": dict(weights).get(name, 0), "answers": answers} for name in makers}


def test_nothing_is_trapped_after_a_check():
    mark("lstm", written(MADE["borrowed-steps"].cells), 0)
    for kind in ("LSTMCell", "GRUCell"):
        layers.RNN(getattr(cells, kind)(2))(np.ones((1, 2, 1), "float32"))


def test_it_is_imported_without_keras():
    code = "import sys; from rnn_course.assignments import gates; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
