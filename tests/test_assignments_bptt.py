"""Assignment 2: its solution, its checks, and what they say of made submissions."""

import functools
import pickle
import re
from functools import cache
from pathlib import Path

import jupytext
import numpy as np
import pytest

from rnn_course.assignments import bptt
from rnn_course.assignments.exercise import Incorrect
from rnn_course.assignments.written import Here
from tests.made.bptt import FUNCTIONS, MADE

SOURCE = Path(__file__).parent.parent / "book" / "assignments" / "bptt.md"
EXERCISES = bptt.ASSIGNMENT.exercises
SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)
CALLS = {  # what a function calls of the student's other ones
    "truncated_backward": {"backward"},
    "train": {"forward", "squared_error", "truncated_backward", "backward", "clip"},
}


@cache
def cells():
    return jupytext.read(SOURCE).cells


def code_cells(tag=None):
    """The code cells with a tag, without the options that myst-nb reads."""
    found = [c for c in cells() if c.cell_type == "code" and (tag is None or tag in c.metadata.get("tags", []))]
    return [re.sub(r"\A---\n.*?\n---\n", "", c.source, flags=re.DOTALL) for c in found]


@cache
def solved():
    """The names of the solved notebook after it has run, test cells and all."""
    names = {}
    for source in code_cells():
        exec(source, names)
    return names


def written_with(replaced):
    """What the student has written, with some cells in place of the solution's."""
    names = {"np": np}
    for source in code_cells("solution"):
        function = re.search(r"^def (\w+)", source, re.MULTILINE)[1]
        exec(replaced.get(function, source), names)
    return names


def mark(exercise, names, seed):
    written = [Here(name, names[name], exercise.forbidden) for name in exercise.needs]
    return list(exercise.mark(*written, seed=seed))


def remembered(function):
    """The function, computed once for each of its arguments: the same draws come again for every submission."""
    found = {}

    @functools.wraps(function)
    def call(*arguments, **options):
        key = pickle.dumps((arguments, options))
        if key not in found:
            found[key] = function(*arguments, **options)
        return found[key]

    return call


@pytest.fixture(scope="module", autouse=True)
def right_values_are_remembered():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("states_of", "outputs_of", "loss_of", "backward_of", "shares_of", "updated"):
            patch.setattr(bptt, name, remembered(getattr(bptt, name)))
        yield


def depends(exercise, changed):
    return bool(changed & set().union(exercise.needs, *(CALLS.get(name, set()) for name in exercise.needs)))


def test_there_are_a_hundred_points():
    by_hand = [c.metadata["by-hand"]["points"] for c in cells() if "by-hand" in c.metadata]
    assert by_hand == [15]
    assert sum(exercise.points for exercise in EXERCISES.values()) + sum(by_hand) == 100
    text = "\n".join(c.source for c in cells() if c.cell_type == "markdown")
    for number, exercise in enumerate(EXERCISES.values(), 1):
        assert re.search(rf"## Exercise {number}: .*\({exercise.points} points\)", text)
        assert re.search(rf"\| {number} \| .* \| {exercise.points} \| by tests \|", text)


def test_every_exercise_has_its_solution_and_its_test():
    assert [re.search(r"^def (\w+)", s, re.MULTILINE)[1] for s in code_cells("solution")] == list(FUNCTIONS)
    lines = [f"bptt.{e.name}.check({', '.join(e.needs)})" for e in EXERCISES.values()]
    assert code_cells("test") == lines


def test_the_solved_notebook_runs_and_shows_what_the_text_says(capsys):
    names = solved()
    shown = capsys.readouterr().out
    assert "not yet" not in shown
    fresh = names["loss_on_fresh"]
    for weights, _ in names["learned"]["full"]:
        assert fresh(weights, 3) < 0.01
    for weights, _ in names["learned"]["cut"]:
        assert fresh(weights, 3) > 0.8
    for weights, _ in names["learned"]["cut, cue anywhere"]:
        assert max(fresh(weights, cue) for cue in range(1, 11)) < 0.05
    for seed in range(3):
        held, free = (names["learn"](3, 10, 1.5, c, seed=seed)[1] for c in (1.0, np.inf))
        assert max(held[-50:]) < 0.01 and min(free[-50:]) > 0.5
    losses = [names["squared_error"](f, names["y"], names["judged"])[0] for f in names["forecasts"].values()]
    assert len(losses) == 3 and max(losses) < 0.4 and max(losses) - min(losses) < 0.1
    assert names["squared_error"](names["x"], names["y"], names["judged"])[0] > 0.6


def test_in_the_cut_training_the_cue_gets_no_gradient():
    names = solved()
    weights, (x, y) = bptt.first_weights(2, 16, seed=3), bptt.recall(50, 3, seed=3)
    h, y_hat = names["forward"](weights, x, np.zeros((50, 16)))
    _, e = names["squared_error"](y_hat, y, names["last"])
    found, delta = names["truncated_backward"](weights, x, h, e, 5)
    assert not np.any(delta[:, :5]) and not np.any(found["W_x"][1])
    assert np.all(np.any(delta[:, 5:], axis=(0, 2))) and np.any(found["W_x"][0])


@pytest.mark.parametrize("seed", range(3))
def test_the_solution_gets_all_points(seed):
    names = written_with({})
    for exercise in EXERCISES.values():
        found = mark(exercise, names, seed)
        assert all(m.score == m.points for m in found), [m for m in found if m.score < m.points]


def test_the_unsolved_notebook_says_what_is_missing():
    for source, exercise in zip(code_cells("test"), EXERCISES.values()):
        names = {"bptt": bptt, "np": np}
        for cell in code_cells("solution"):
            exec(SOLUTION.sub("raise NotImplementedError", cell), names)
        with pytest.raises(Incorrect, match="is not written yet") as caught:
            exec(source, names)
        assert f"`{exercise.needs[0]}`" in str(caught.value)


@pytest.mark.parametrize("variant", MADE)
def test_a_made_submission_gets_its_points(variant):
    made = MADE[variant]
    names = written_with(made.cells)
    for exercise in EXERCISES.values():
        if not depends(exercise, set(made.cells)):
            assert exercise.name not in made.points
            continue
        for seed in range(2):
            found = mark(exercise, names, seed)
            points = sum(m.score for m in found)
            said = [m.message for m in found if m.score < m.points]
            assert points == made.points.get(exercise.name, exercise.points), (exercise.name, seed, found)
            if exercise.name in made.says:
                assert any(made.says[exercise.name] in message for message in said), said


def test_the_same_seed_gives_the_same_marks():
    names = written_with(MADE["one-step"].cells)
    for exercise in (bptt.backward, bptt.truncated_backward):
        assert mark(exercise, names, 7) == mark(exercise, names, 7)


def test_messages_do_not_show_code():
    names = written_with(MADE["one-step"].cells)
    for m in mark(bptt.backward, names, 0):
        assert "@" not in m.message and "np." not in m.message


def test_importing_the_checks_does_not_load_keras():
    import subprocess
    import sys

    code = "import sys; from rnn_course.assignments import bptt; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
