"""The checks of assignment 4."""

import ast
import subprocess
import sys

import jupytext
import numpy as np
import pytest

from rnn_course.assignments import load, translator
from rnn_course.assignments.exercise import Incorrect
from rnn_course.assignments.written import Here
from tests.made.translator import MADE
from tools.book import ROOT

CELLS = jupytext.read(ROOT / "book" / "assignments" / "translator.md").cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
EXERCISES = translator.ASSIGNMENT.exercises


def tagged(tag):
    return [cell.source for cell in CODE if tag in cell.metadata.get("tags", [])]


@pytest.fixture(scope="module")
def solved():
    """What the solved notebook defines; the one training that all tests share."""
    names = {}
    for cell in CODE:
        exec(cell.source, names)
    return names


def written(solved, replaced=()):
    """The solved notebook's names, with some of its solution cells replaced and all of them defined anew."""
    names = dict(solved)
    for source in tagged("solution"):
        name = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)][-1]
        exec(dict(replaced).get(name, source), names)
    return names


def mark(name, names, seed):
    exercise = EXERCISES[name]
    return list(exercise.mark(*[Here(need, names[need], exercise.forbidden) for need in exercise.needs], seed=seed))


def test_the_points_are_100_and_every_exercise_has_its_cells():
    by_hand = sum(cell.metadata["by-hand"]["points"] for cell in CELLS if "by-hand" in cell.metadata)
    assert sum(exercise.points for exercise in load("translator").exercises.values()) + by_hand == 100
    assert tagged("test") == [f"translator.{name}.check({', '.join(e.needs)})" for name, e in EXERCISES.items()]
    assert all("    ### BEGIN SOLUTION\n" in s and "\n    ### END SOLUTION" in s for s in tagged("solution"))


def test_the_points_in_the_text():
    text = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    for number, exercise in enumerate(EXERCISES.values(), 1):
        assert f"| {exercise.points} | by tests |" in text
        heading = next(line for line in text.splitlines() if line.startswith(f"## Exercise {number}: "))
        assert heading.endswith(f"({exercise.points} points)")
    levels = " | ".join(f"{level:.0%}" for level in sorted(translator.LEVELS))
    points = " | ".join(f"{16 * share:g}" for _, share in sorted(translator.LEVELS.items()))
    assert levels in text and points in text


def test_the_solved_notebook_shows_what_it_says(solved):
    assert solved["found"][0] < solved["found"][-1] - 1  # more beams find more
    assert solved["losses"][-1] < 0.01
    assert np.mean([a == b for a, b in zip(solved["mine"], solved["test_targets"])]) > 0.985
    assert np.mean([a == b for a, b in zip(solved["others"], solved["test_targets"])]) < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_the_solution_has_all_points(solved, seed):
    for name in EXERCISES:
        parts = mark(name, solved, seed)
        assert [m.score for m in parts] == [m.points for m in parts], (name, parts)


def test_the_unwritten_notebook_says_so(solved):
    names = written(solved, MADE["unwritten"].cells)
    for exercise in EXERCISES.values():
        with pytest.raises(Incorrect, match="is not written yet"):
            exercise.check(*[names[need] for need in exercise.needs])


@pytest.mark.parametrize("variant", MADE)
def test_made_submissions(solved, variant):
    made = MADE[variant]
    names = written(solved, made.cells)
    changed = {e.name for name, e in translator.ASSIGNMENT.needs.items() if name in made.cells}
    for name in sorted(changed | set(made.points)):
        for seed in (11,) if name == "translation" and name not in made.points else (11, 12):
            parts = mark(name, names, seed)
            assert sum(m.score for m in parts) == pytest.approx(made.points.get(name, EXERCISES[name].points)), parts
            assert made.says.get(name, "") in " / ".join(m.message for m in parts), (name, parts)


def test_the_same_seed_gives_the_same_marks(solved):
    names = written(solved, MADE["ends-forgotten"].cells | MADE["states-left-behind"].cells)
    for name in set(EXERCISES) - {"translation"}:
        assert mark(name, names, 3) == mark(name, names, 3)


def test_the_weights_come_back(solved):
    before = solved["model"].get_weights()
    assert translator.translated_without_weights(Here("translate", solved["translate"]), ["1. mai 2020"]) != [
        "may 1, 2020"
    ]
    assert all(np.array_equal(a, b) for a, b in zip(before, solved["model"].get_weights()))


def test_it_is_imported_without_keras():
    code = "import sys; from rnn_course.assignments import translator; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
