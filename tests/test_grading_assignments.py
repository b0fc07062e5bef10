"""Assignments 2 to 4 marked in a sandbox, as for a class; the class itself hands in assignment 1. Needs bubblewrap."""

import shutil

import nbformat
import pytest

from rnn_course import assignments
from rnn_course.grading.marking import mark
from rnn_course.grading.repair import read, repair
from tests.made import bptt, folder, gates

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def marked(name, notebook):
    """Return the points by exercise, and the messages, of a notebook."""
    found = repair(read(folder.text(notebook).encode()), folder.handed_out(name), assignments.load(name))
    assert found.remarks == []
    result = mark(nbformat.writes(found.notebook), name)
    points = {exercise: sum(score for _, _, score, _ in parts) for exercise, parts in result["exercises"].items()}
    return points, {e: " ".join(message for *_, message in parts) for e, parts in result["exercises"].items()}


def full_points(name):
    return {exercise.name: exercise.points for exercise in assignments.load(name).exercises.values()}


@pytest.mark.parametrize("name", ["bptt", "gates", "translator"])
def test_a_solved_notebook_gets_all_points(name):
    notebook = folder.solved(name)
    if name != "translator":  # which needs the code between its exercises
        notebook = folder.in_short(notebook)
    points, messages = marked(name, notebook)
    assert points == pytest.approx(full_points(name)), messages


@pytest.mark.parametrize(("name", "made"), [("bptt", bptt.MADE["one-step"]), ("gates", gates.MADE["borrowed-steps"])])
def test_a_wrong_one_gets_the_points_and_the_words_that_it_gets_in_its_own_notebook(name, made):
    points, messages = marked(name, folder.in_short(folder.solved(name, **made.cells)))
    assert points == pytest.approx(full_points(name) | made.points)
    for exercise, words in made.says.items():
        assert words in messages[exercise]
