"""The checks of assignment 1."""

import ast
import subprocess
import sys

import jupytext
import numpy as np
import pytest

from rnn_course.assignments import load, neuron
from rnn_course.assignments.exercise import Incorrect
from rnn_course.assignments.written import Here
from tests.made.neuron import MADE
from tools.book import ROOT

CELLS = jupytext.read(ROOT / "book" / "assignments" / "neuron.md").cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]


def tagged(tag):
    return [cell.source for cell in CODE if tag in cell.metadata.get("tags", [])]


def written(replaced=()):
    """Return what the solution cells define, some of them replaced."""
    names = {"np": np}
    for source in tagged("solution"):
        name = next(n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
        exec(dict(replaced).get(name, source), names)
    return names


def marks(names, seed):
    return {
        name: list(exercise.mark(*[Here(need, names[need], exercise.forbidden) for need in exercise.needs], seed=seed))
        for name, exercise in neuron.ASSIGNMENT.exercises.items()
    }


def test_the_points_are_100_and_every_exercise_has_its_cells():
    by_hand = sum(cell.metadata["by-hand"]["points"] for cell in CELLS if "by-hand" in cell.metadata)
    exercises = load("neuron").exercises
    assert sum(exercise.points for exercise in exercises.values()) + by_hand == 100
    assert tagged("test") == [f"neuron.{name}.check({', '.join(e.needs)})" for name, e in exercises.items()]
    assert all("    ### BEGIN SOLUTION\n" in s and "\n    ### END SOLUTION" in s for s in tagged("solution"))


def test_the_points_in_the_text():
    text = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    for number, exercise in enumerate(neuron.ASSIGNMENT.exercises.values(), 1):
        assert f"## Exercise {number}: " in text
        assert f"| {exercise.points} | by tests |" in text
        heading = next(line for line in text.splitlines() if line.startswith(f"## Exercise {number}: "))
        assert heading.endswith(f"({exercise.points} points)")


def test_the_solved_notebook_runs():
    names = {}
    for cell in CODE:
        exec(cell.source, names)
    assert names["error"](names["forecast"]) < 0.75 * names["error"](names["persistence"])
    states, _ = names["unroll"](names["step"], names["noise"][None, :, None], names["random_network"](20, 0.0))
    assert names["recalled"](states[0], 0) > 0.99 and abs(names["recalled"](states[0], 2)) < 0.05
    states, _ = names["unroll"](names["step"], names["noise"][None, :, None], names["random_network"](20, 2.0))
    assert names["recalled"](states[0], 0) < 0.3
    assert names["distance"](names["random_network"](20, 2.0))[-1] > 1
    assert names["distance"](names["random_network"](20, 0.9))[-1] < 1e-3
    assert list(names["h_T"].shape) == [5, 2] and list(names["h_T"][:, -1] > 0) == [False, True, True, False, True]


@pytest.mark.parametrize("seed", range(3))
def test_the_solution_has_all_points(seed):
    for name, parts in marks(written(), seed).items():
        assert [m.score for m in parts] == [m.points for m in parts], (name, parts)


def test_the_unwritten_notebook_says_so():
    names = written(MADE["unwritten"].cells)
    for exercise in neuron.ASSIGNMENT.exercises.values():
        with pytest.raises(Incorrect, match="is not written yet"):
            exercise.check(*[names[need] for need in exercise.needs])


@pytest.mark.parametrize("variant", MADE)
def test_made_submissions(variant):
    made = MADE[variant]
    changed = {e.name for name, e in neuron.ASSIGNMENT.needs.items() if name in made.cells}
    names = written(made.cells)
    for seed in (11, 12):
        for name in changed:
            exercise = neuron.ASSIGNMENT.exercises[name]
            parts = list(exercise.mark(*[Here(n, names[n], exercise.forbidden) for n in exercise.needs], seed=seed))
            assert sum(m.score for m in parts) == pytest.approx(made.points.get(name, exercise.points)), (name, parts)
            said = " / ".join(m.message for m in parts)
            assert made.says.get(name, "") in said, (name, said)


def test_the_same_seed_gives_the_same_marks():
    names = written(MADE["memory-transposed"].cells | MADE["no-constant-no-lag"].cells)
    once, again, other = (
        [
            list(exercise.mark(*[Here(need, names[need], exercise.forbidden) for need in exercise.needs], seed=seed))
            for exercise in (neuron.step, neuron.output)
        ]
        for seed in (3, 3, 4)
    )
    assert once == again != other


def test_it_is_imported_without_keras():
    code = "import sys; from rnn_course.assignments import neuron; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_recording():
    x = neuron.listen("ET", noise=0.0)
    loud = "".join("#" if v > 0.5 else "." for v in x[:, 0])
    assert loud.strip(".") == "#...###" and loud.startswith("..") and loud.endswith("..")
    assert x.dtype == np.float32 and x.shape == (len(loud), 1)
    assert 0.95 < x.max() < 1.01 and x.min() < 0.01
    for noise in (0.1, 0.2):
        x = neuron.listen("ET SEE PARIS", noise=noise, seed=4)[:, 0]
        assert 0.9 < x[x > 0.5].min() and x.max() < 1.1
        assert np.allclose(x[x < 0.5], noise * 2**0.5, rtol=0.2)
