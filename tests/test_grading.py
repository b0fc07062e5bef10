"""The pieces of marking: what crosses the wire, what is forbidden, what is repaired, what is sent back."""

import io
import json
import struct

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnn_course import assignments
from rnn_course.assignments.exercise import Assignment, Exercise
from rnn_course.grading import classroom, command, feedback, marking, submissions
from rnn_course.grading.repair import NotMarkable, read, repair
from rnn_course.grading.rules import search
from rnn_course.grading.wire import WireError, decode, encode, read_frame, write_frame
from tests.made import folder as made

NEURON = assignments.load("neuron")

# ---- the wire --------------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(arrays.floating_dtypes(sizes=(32, 64)), arrays.integer_dtypes(), arrays.boolean_dtypes())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    arrays.arrays(NUMBERS, arrays.array_shapes(min_dims=0)),
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


@given(DATA)
def test_data_comes_out_of_the_wire_as_it_went_in(value):
    stream = io.BytesIO()
    write_frame(stream, encode(value))
    stream.seek(0)
    assert same(value, decode(read_frame(stream)))


@given(st.binary(max_size=60))
def test_whatever_comes_is_data_or_refused(content):
    """No bytes make reading a frame do anything but give data, or raise one of its errors."""
    try:
        decode(read_frame(io.BytesIO(struct.pack(">Q", len(content)) + content)))
    except (EOFError, WireError):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        struct.pack(">Q", 2**40),
        struct.pack(">Q", 5) + b"12",
        struct.pack(">Q", 4) + b"{{{{",
        struct.pack(">Q", 200_000) + b"[" * 200_000,
    ],
    ids=["nothing", "half a length", "too long", "half a frame", "no JSON", "nested"],
)
def test_bad_frames_are_refused(content):
    with pytest.raises((EOFError, WireError)):
        read_frame(io.BytesIO(content))


@pytest.mark.parametrize(
    "value",
    [
        {"array": ["|O", [1], ""]},
        {"array": ["<f8", [10**9], "AAAA"]},
        {"array": ["<f8", [-1], "AAAAAAAAAAA="]},
        {"array": 3},
        {"pickle": "x"},
        {"written": "step"},
        {"a": 1, "b": 2},
        {},
    ],
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(WireError):
        decode(value)


def test_only_data_is_sent():
    with pytest.raises(TypeError, match="no data"):
        encode(object())
    with pytest.raises(TypeError, match="no data"):
        encode(np.array([object()]))


# ---- what may not be used --------------------------------------------------------------------------------------------


@pytest.fixture
def lstm_by_hand():
    return Assignment("x", "X", [Exercise("cell", ("Mine",), ("keras.layers.LSTM", "torch"))], absent=("jax",))


@pytest.mark.parametrize(
    "source",
    [
        "import keras\nclass Mine:\n    inner = keras.layers.LSTM(3)",
        "from keras import layers as L\nclass Mine:\n    def f(self):\n        return L.LSTM",
        "from keras.layers import LSTM as Innocent\nclass Mine(Innocent):\n    pass",
        "import keras\nK = keras.layers\nHelp = K.LSTM\ndef help():\n    return Help(3)\nMine = lambda: help()",
        "import keras\nclass Mine:\n    f = getattr(keras.layers, 'LSTM')",
        "def Mine():\n    import torch.nn as nn\n    return nn",
        "def Mine():\n    from jax import numpy",
    ],
)
def test_what_is_forbidden_is_found(source, lstm_by_hand):
    assert set(search([source], lstm_by_hand).by_exercise) == {"cell"}


@pytest.mark.parametrize(
    "source",
    [
        "class Mine:\n    LSTM = 3\n    torch = 'torch'",
        "'keras.layers.LSTM'\ndef Mine():\n    '''No keras.layers.LSTM here.'''",
        "import keras\nclass Mine(keras.layers.Layer):\n    pass",
        "import keras\nclass Mine:\n    x = keras.layers.LSTMCell",
        "def Mine(:",
    ],
)
def test_what_is_allowed_is_not(source, lstm_by_hand):
    assert search([source], lstm_by_hand) == ({}, [])


def test_the_names_of_a_function_s_own_lead_nowhere():
    assignment = Assignment("x", "X", [Exercise("a", ("one",), ("torch",)), Exercise("b", ("two",), ("torch",))])
    sources = [
        "import torch\ndef one():\n    return torch",
        "def two(one):\n    state = one()\n    return state",
        "state = one()",
    ]
    assert set(search(sources, assignment).by_exercise) == {"a"}
    assert set(search([*sources, "def two():\n    return one()"], assignment).by_exercise) == {"a", "b"}


def test_use_elsewhere_is_only_told(lstm_by_hand):
    found = search(["class Mine: pass", "import keras\nkeras.layers.LSTM(3)", "exec('1')"], lstm_by_hand)
    assert found == ({}, ["uses keras.layers.LSTM outside the exercises", "uses exec"])


def test_reaching_into_loaded_modules_is_told_and_looking_for_one_is_not(lstm_by_hand):
    sources = ["import sys\nif 'google.colab' in sys.modules:\n    pass", "sys.modules['x'].y = 3"]
    assert search(sources[:1], lstm_by_hand).remarks == []
    assert search(sources, lstm_by_hand).remarks == ["uses sys.modules[]"]


def test_a_right_notebook_is_remarked_upon_by_nobody():
    for name in assignments.NAMES:
        code = [c.source for c in made.solved(name).cells if c.cell_type == "code"]
        assert search(code, assignments.load(name)) == ({}, [])


def test_changing_the_libraries_is_told(lstm_by_hand):
    sources = ["import numpy as np\nnp.allclose = print", "import keras\nsetattr(keras.ops, 'tanh', 0)", "x.y = 3"]
    assert search(sources, lstm_by_hand).remarks == ["changes keras.ops", "changes numpy.allclose"]


# ---- repair ----------------------------------------------------------------------------------------------------------


def repaired(notebook):
    return repair(read(made.text(notebook).encode()), made.handed_out("neuron"), NEURON)


def shape_of(notebook):
    return [(made.grade_id(c), c.cell_type, c.source) for c in notebook.cells if made.grade_id(c)]


def test_an_untouched_notebook_stays_as_it_was():
    found = repaired(made.handed_out("neuron"))
    assert found.remarks == [] and shape_of(found.notebook) == shape_of(made.handed_out("neuron"))
    nbformat.validate(found.notebook)


@pytest.mark.parametrize(
    "damage",
    [
        made.without_metadata,
        made.with_edited_tests,
        lambda nb: made.without_cell(nb, "padding"),
        lambda nb: made.with_copied_cell(nb, "step", made.WRONG_STEP),
        lambda nb: made.with_copied_cell(nb, "padding", "neuron.padding.check(pad, unroll_masked)"),
    ],
    ids=["no metadata", "edited tests", "a test deleted", "a cell copied", "a test copied"],
)
def test_what_was_handed_out_is_put_back_and_what_was_written_is_kept(damage):
    whole, found = made.solved("neuron"), repaired(damage(made.solved("neuron")))
    assert {x for x in shape_of(found.notebook)} == {x for x in shape_of(whole)}
    assert len(shape_of(found.notebook)) == len(shape_of(whole))
    order = [name for name, *_ in shape_of(found.notebook)]
    for exercise in NEURON.exercises.values():  # each test comes behind what it tests
        assert all(order.index(f"solution-{n}") < order.index(exercise.name) for n in exercise.needs)


@pytest.mark.parametrize("name", assignments.NAMES)
def test_a_missing_test_comes_back_behind_what_it_may_need(name):
    assignment, whole = assignments.load(name), made.solved(name)
    for exercise in assignment.exercises:
        notebook = made.solved(name)
        notebook.cells = [c for c in notebook.cells if made.grade_id(c) != exercise]
        found = repair(read(made.text(notebook).encode()), made.handed_out(name), assignment).notebook
        cells, before = [c.source for c in found.cells], [c.source for c in whole.cells]
        place = next(k for k, c in enumerate(found.cells) if made.grade_id(c) == exercise)
        original = next(k for k, c in enumerate(whole.cells) if made.grade_id(c) == exercise)
        assert set(before[:original]) <= set(cells[:place])
        written = [c for c in whole.cells[original:] if c.metadata.get("nbgrader", {}).get("solution")]
        assert not {c.source for c in written} & set(cells[:place])


def test_the_points_are_those_handed_out():
    cells = repaired(made.with_edited_tests(made.solved("neuron"))).notebook.cells
    points = {made.grade_id(c): c.metadata.nbgrader.get("points") for c in cells if made.grade_id(c)}
    assert all(points[name] == exercise.points for name, exercise in NEURON.exercises.items())


def test_a_function_in_another_cell_is_found_by_its_name():
    notebook = made.solved("neuron")
    cell = made.cell_of(notebook, "step")
    cell.metadata.nbgrader.grade_id = "solution-nonsense"
    assert repaired(notebook).remarks == ["found by name: `step`"]


def test_functions_together_in_one_cell_count():
    notebook = made.solved("neuron")
    made.cell_of(notebook, "step").source += "\n\n\n" + made.cell_of(notebook, "unroll").source
    made.without_cell(notebook, "unroll")
    found = repaired(notebook)
    assert found.remarks == ["found by name: `unroll`"]
    order = [c.source for c in found.notebook.cells]
    assert sum("def unroll(" in source for source in order) == 1


def test_extra_cells_stay_where_they_were():
    found = repaired(made.with_cell(made.solved("neuron"), "helper = 3", before="unroll")).notebook
    sources = [c.source for c in found.cells]
    assert sources.index("helper = 3") == next(i for i, s in enumerate(sources) if "def unroll(" in s) - 1


def test_html_of_the_student_s_is_made_to_show_as_text():
    notebook = made.with_answer(made.solved("neuron"), "a <img src=x onerror=alert(1)> b < c")
    answer = next(c for c in repaired(notebook).notebook.cells if made.is_answer(c))
    assert answer.source == "a &lt;img src=x onerror=alert(1)> b < c"


def test_remarks_say_what_is_missing():
    notebook = made.without_cell(made.without_cell(made.solved("neuron"), "unroll"), "report")
    assert repaired(notebook).remarks == ["the cell of `unroll` is missing", "the answer 'report' was not found"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a notebook"),
        (b"{}", "no cells"),
        (b'{"cells": [1, 2]}', "damaged"),
        (b"\xff\xfe", "not a notebook"),
        (b" " * (21 * 2**20), "more than 20 MB"),
        (json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode(), "nothing in it"),
    ],
    ids=["empty", "no cells", "numbers for cells", "no text", "too large", "no cell of the assignment"],
)
def test_what_cannot_be_marked_says_why(content, words):
    with pytest.raises(NotMarkable, match=words):
        repair(read(content), made.handed_out("neuron"), NEURON)


ODD_CODE = {
    "parentheses": "(" * 10_000,
    "minus": "-" * 100_000 + "1",
    "brackets": "[" * 90_000,
    "dots": "a." * 50_000 + "b",
    "open string": "x = '''" + "%" * 100_000,
    "shell": "!" * 100_000,
    "null": "\0",
    "continued lines": "\\\n" * 50_000,
}


@pytest.mark.parametrize("code", ODD_CODE)
def test_no_code_stops_repair_and_search(code):
    notebook = made.with_cell(made.solved("neuron"), ODD_CODE[code])
    cells = repaired(notebook).notebook.cells
    assert search([c.source for c in cells if c.cell_type == "code"], NEURON).by_exercise == {}


def test_a_notebook_has_its_limits():
    many, long = made.solved("neuron"), made.with_cell(made.solved("neuron"), "#" * 200_001)
    many.cells += [nbformat.v4.new_code_cell("1", id=f"more-{k}") for k in range(1000)]
    for notebook, words in ((many, "at most 1000"), (long, "200000 characters")):
        with pytest.raises(NotMarkable, match=words):
            repaired(notebook)


# ---- submissions -----------------------------------------------------------------------------------------------------


def test_students_who_share_a_name_are_told(tmp_path):
    (tmp_path / "Ana").mkdir()
    (tmp_path / "Ana" / "neuron.ipynb").write_text(made.text(made.solved("neuron")))
    (tmp_path / "ana.ipynb").write_text(made.text(made.solved("neuron")))
    assert [s.problem for s in submissions.find(tmp_path, NEURON)] == ["another submission has the same name"] * 2


@pytest.mark.parametrize("name", ["*", "[a-z]", "a+b", "..x", "Zoë O'Neil", "名前"])
def test_names_hold_nothing_that_nbgrader_takes_for_a_pattern(name, tmp_path):
    student = submissions.student_of(tmp_path / name)
    assert student and not set(student) & set("*?[]+/'") and not student.startswith(".")


# ---- what is kept of outputs, and sent back --------------------------------------------------------------------------


def test_only_text_and_pictures_are_kept_of_outputs():
    outputs = [
        {"output_type": "display_data", "data": {"text/html": "<script>", "text/plain": "x"}},
        {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload='x'/>"}},
        {"output_type": "display_data", "data": {"image/png": "iVBORw0=", "text/plain": "p"}},
        {"output_type": "display_data", "data": {"image/png": '"><script>'}},
        {"output_type": "stream", "name": "stderr", "text": "warning"},
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": None},
        {"output_type": "nonsense"},
        "nonsense",
    ]
    kept = marking.shown(outputs)
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=kept)]))
    assert [sorted(o.get("data", {"-": 0})) for o in kept] == [
        ["text/plain"],
        ["image/png", "text/plain"],
        ["-"],
        ["-"],
    ]


def page_with(body):
    style = "<style>@import url(https://a.b/c); p { background: url(https://a.b/c) }</style>"
    head = f"<title>t</title><link href='https://a.b/c' rel='stylesheet'>{style}"
    return feedback.make_safe(f"<html><head>{head}</head><body>{body}</body></html>", "neuron", "ana")


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src='https://a.b/c.png' onerror='alert(1)'>",
        "<iframe src='https://a.b'></iframe>",
        "<a href=' JavaScript:alert(1)'>x</a>",
        "<form action='https://a.b'></form>",
    ],
)
def test_feedback_asks_nobody_and_runs_nothing(body):
    page = page_with(body)
    assert "a.b" not in page and "alert" not in page
    assert "Feedback on neuron: ana" in page and 'lang="en"' in page


def test_feedback_shows_formulas_without_a_script():
    page = page_with("<p>$h_t < 1$ and $$x^2$$ but</p><pre>$5 and $6</pre>")
    assert page.count("<math") == 2 and "$5 and $6" in page


def test_cells_of_the_table_are_no_formulas():
    assert [classroom.plain(c) for c in ("=1+1", " @x", "-3", "two\nlines", 4)] == [
        "'=1+1",
        "'@x",
        "'-3",
        "two lines",
        "4",
    ]


# ---- check -----------------------------------------------------------------------------------------------------------


def test_check_says_how_each_exercise_fares(tmp_path, capsys):
    path = tmp_path / "mine.ipynb"
    path.write_text(made.text(made.without_cell(made.solved("neuron", step=made.WRONG_STEP), "pad")))
    assert command.check([str(path)]) == 2
    out = capsys.readouterr().out
    assert "not yet  step" in out and "not yet  padding" in out and "right  unroll" in out
    assert "no cell defines `pad`" in out


def test_check_refuses_what_is_no_assignment(tmp_path, capsys):
    assert command.check([str(tmp_path / "none.ipynb")]) == 2
    (tmp_path / "empty.ipynb").write_text(made.text(nbformat.v4.new_notebook()))
    assert command.check([str(tmp_path / "empty.ipynb")]) == 2
    err = capsys.readouterr().err
    assert "No such file" in err and "nothing in it belongs" in err
