"""Exercises: how parts are run, scored and explained; and the assignments as a whole."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from rnn_course import assignments
from rnn_course.assignments.exercise import Exercise, Incorrect, expect, expect_several
from rnn_course.assignments.traps import Forbidden, trapped
from rnn_course.assignments.written import Here, Remote, StudentError, as_data, beside_student
from tests.made import folder as made
from tools import assignments as tools


@pytest.fixture
def doubling():
    """An exercise of two parts: doubling, and leaving the argument alone."""
    exercise = Exercise("doubling", needs=("double",), forbidden=("numpy.linalg.inv",))

    @exercise.part(3, "doubles")
    def doubles(double, rng):
        x = rng.normal(size=4)
        expect("`double` gives", double(x), 2 * x, {"`double` gives the square.": x * x})

    @exercise.part(1, "half right", only_in_marking=True)
    def half(double, rng):
        return 0.5, "half of it"

    return exercise


def marks(exercise, *values, seed=1):
    written = [Here(name, value, exercise.forbidden) for name, value in zip(exercise.needs, values)]
    return [(m.points, m.score, m.message) for m in exercise.mark(*written, seed=seed)]


def test_points_and_partial_credit(doubling):
    assert doubling.points == 4
    assert marks(doubling, lambda x: 2 * x) == [(3, 3.0, ""), (1, 0.5, "half of it")]
    assert marks(doubling, lambda x: x * x)[0] == (3, 0.0, "`double` gives the square.")


def test_check_says_how_each_part_fares_and_raises_the_first_that_is_wrong(doubling, capsys):
    doubling.check(lambda x: 2 * x)
    assert capsys.readouterr().out == "  right  doubles\nAll 1 parts are right. Marking looks at 1 more.\n"
    with pytest.raises(Incorrect, match="the square"):
        doubling.check(lambda x: x * x)
    assert "not yet  doubles" in capsys.readouterr().out
    with pytest.raises(TypeError, match="takes double; received 0"):
        doubling.check()


def test_a_notebook_shows_the_words_alone():
    assert Incorrect("one\ntwo")._render_traceback_() == ["one", "two"]


def test_the_same_seed_gives_the_same_inputs_and_another_seed_others(doubling):
    seen = []
    for seed in (1, 1, 2):
        marks(doubling, lambda x: seen.append(x) or 2 * x, seed=seed)
    first, again, other = np.split(np.array(seen), 3)
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: None, "None: is there a `return`"),
        (lambda x: 2 * x[:2], r"shape \(2,\); it should have shape \(4,\)"),
        (lambda x: 2 * x + np.nan, "NaN"),
        (lambda x: 2 * x + 1, "it should be"),
        (lambda x: "two", "not an array of numbers: str"),
        (lambda x: 1 / 0, "`double` stopped with ZeroDivisionError: division by zero"),
        (lambda x: object(), "neither a number"),
        (lambda x: np.linalg.inv(np.eye(2)), "`numpy.linalg.inv`, which the exercise asks you to do without"),
    ],
)
def test_what_is_wrong_is_said(function, words, doubling):
    with pytest.raises(Incorrect, match=words):
        doubling.check(function)


def test_an_unwritten_function_is_called_so(doubling):
    def unwritten(x):
        raise NotImplementedError

    with pytest.raises(Incorrect, match="`double` is not written yet"):
        doubling.check(unwritten)


def test_changing_the_argument_changes_nothing_outside(doubling):
    def spoils(x):
        x *= 2
        return x

    assert marks(doubling, spoils)[0][1] == 3


def test_the_tolerance_is_relative_to_the_largest_entry():
    expect("x is", [1e6 + 5, 0], [1e6, 0])
    with pytest.raises(Incorrect):
        expect("x is", [1e6 + 50, 0], [1e6, 0])
    with pytest.raises(Incorrect):
        expect("x is", [1.0001], [1.0])
    with pytest.raises(Incorrect):
        expect("x is", [np.inf], [1.0])
    expect("x is", [-np.inf, True], [-np.inf, 1.0])
    expect("x is", np.array([True, False]), np.array([True, False]))
    with pytest.raises(Incorrect):
        expect("x is", [np.inf, 0.0], [-np.inf, 0.0])
    with pytest.raises(Incorrect, match="1 value; it should give 2: h, c"):
        expect_several("`step` gives", np.zeros(3), ("h", "c"))


# ---- where what is written lives ------------------------------------------------------------------------------------


@beside_student
def built(cls, n, other):
    return cls(n).value + other(1)


class Holder:
    def __init__(self, n):
        self.value = n


def test_a_helper_gets_the_student_s_own_objects():
    assert built(Here("Holder", Holder), 2, Here("f", lambda x: x + 1)) == 4
    sent = []
    built(Remote("Holder", lambda *call: sent.append(call)), 2, other=3)
    assert sent == [("Holder", f"{__name__}:built", (2,), {"other": 3})]


def test_tensors_become_arrays():
    import keras

    found = as_data({"a": (keras.ops.ones(2), [keras.Variable(1.0)])})
    assert isinstance(found["a"][0], np.ndarray) and found["a"][1][0] == 1


# ---- traps -----------------------------------------------------------------------------------------------------------


def test_traps_catch_classes_functions_and_objects_made_before_and_leave_no_trace():
    import keras

    made_before = keras.layers.LSTM(2)
    names = ("keras.layers.LSTM", "keras.ops.scan", "keras.layers", "not_loaded.thing")
    for use in (lambda: keras.layers.LSTM(3), lambda: made_before(np.ones((1, 2, 3))), lambda: keras.ops.scan(1, 2)):
        with pytest.raises(Forbidden, match=r"keras\.(layers\.LSTM|ops\.scan)"), trapped(names):
            use()
    keras.layers.LSTM(3)(np.ones((1, 2, 3), "float32"))
    assert "__call__" not in vars(keras.layers.LSTM)


def test_a_method_can_be_trapped():
    from rnn_course import cells

    with (
        pytest.raises(Forbidden, match=r"`rnn_course.cells.LSTMCell.step`"),
        trapped(["rnn_course.cells.LSTMCell.step"]),
    ):
        cells.LSTMCell.step(None, 0, (0, 0), (0, 0))
    assert cells.LSTMCell.step.__name__ == "step"


def test_errors_inside_a_layer_come_out_as_they_are():
    import keras

    class Broken(keras.layers.Layer):
        def call(self, x):
            raise ValueError("just this")

    with pytest.raises(StudentError, match=r"^just this$"):
        Here("Broken", lambda x: Broken()(x))(np.ones(2))
    assert keras.config.is_traceback_filtering_enabled()


def test_a_trap_that_was_hushed_up_still_counts():
    import keras

    with pytest.raises(Forbidden), trapped(["keras.layers.LSTM"]):
        try:
            keras.layers.LSTM(3)
        except Exception:
            pass


# ---- the assignments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", assignments.NAMES)
def test_an_assignment_has_a_hundred_points_some_of_them_by_hand(name):
    cells = tools.teacher_notebook(tools.source_of(name)).cells
    points = {
        made.grade_id(c): c.metadata.nbgrader.points for c in cells if c.metadata.get("nbgrader", {}).get("grade")
    }
    exercises = assignments.load(name).exercises
    by_hand = set(points) - set(exercises)
    assert sum(points.values()) == 100
    assert len(by_hand) == 1 and 10 <= points[by_hand.pop()] <= 20
    assert all(len(e.parts) >= 3 for e in exercises.values())


@pytest.mark.parametrize("name", assignments.NAMES)
def test_students_get_no_solutions(name):
    notebook = made.handed_out(name)
    text = made.text(notebook)
    assert "SOLUTION" not in text and not any(c.get("outputs") for c in notebook.cells)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert "raise NotImplementedError" in cell.source or "Write your answer here" in cell.source
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# @title Set-up")


@pytest.mark.parametrize("name", assignments.NAMES)
def test_importing_an_assignment_loads_no_framework(name):
    code = f"import sys; from rnn_course.assignments import {name}; print({{'keras', 'torch'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize("name", assignments.NAMES)
def test_in_the_student_s_version_every_test_fails_with_a_message_that_teaches(name):
    notebook = made.handed_out(name)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True)
    client.execute()
    exercises = assignments.load(name).exercises
    tests = [c for c in notebook.cells if made.grade_id(c) in exercises]
    assert len(tests) == len(exercises)
    for cell in tests:
        (error,) = [o for o in cell.outputs if o.output_type == "error"]
        assert error.ename == "Incorrect" and "is not written yet" in error.evalue, (cell.source, error.evalue)


def test_an_unknown_assignment_is_named():
    with pytest.raises(ValueError, match=r"no assignment 'nonsense'\. There are: neuron, bptt"):
        assignments.load("nonsense")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("neuron.step.check(unroll)", "step.check takes step"),
        ("neuron.nonsense.check(step)", "must hold one line"),
        ("print(1)", "must hold one line"),
    ],
)
def test_a_test_cell_that_tests_nothing_is_an_error(source, message):
    with pytest.raises(ValueError, match=message):
        tools.tested_exercise(source, assignments.load("neuron"))
