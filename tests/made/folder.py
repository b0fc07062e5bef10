"""Notebooks as students hand them in, and a folder of every kind of submission, with the marks that each must get."""

import copy
import json
from functools import cache
from typing import NamedTuple

import nbformat

from tests.made.neuron import MADE as NEURON
from tools import assignments as tools

ANSWER = "The loop carries the state, and so the past, from one step to the next."


@cache
def _handed_out(name):
    return tools.student_notebook(name)


@cache
def _teachers(name):
    return tools.teacher_notebook(tools.source_of(name))


def handed_out(name):
    """Return the notebook that students get."""
    return copy.deepcopy(_handed_out(name))


def solution(name, function):
    """Return the teacher's cell that defines ``function``."""
    return next(c.source for c in _teachers(name).cells if grade_id(c) == f"solution-{function}")


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def cell_of(notebook, name):
    """Return the cell with a grade id, or the one that a function is written in."""
    return next(c for c in notebook.cells if grade_id(c) in (name, f"solution-{name}"))


def is_answer(cell):
    return cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution", False)


def solved(name, **cells):
    """Return a solved notebook, with ``cells``, {function: source}, in place of the solution's."""
    notebook = handed_out(name)
    for cell in notebook.cells:
        if is_answer(cell):
            cell.source = ANSWER
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            function = grade_id(cell).removeprefix("solution-")
            cell.source = cells.get(function) or solution(name, function)
    return notebook


def in_short(notebook):
    """Return the notebook without the code that only shows something, whose pictures take longer than all else."""
    first = next(k for k, c in enumerate(notebook.cells) if grade_id(c))
    notebook.cells = [c for k, c in enumerate(notebook.cells) if k < first or grade_id(c) or c.cell_type == "markdown"]
    return notebook


def with_cell(notebook, source, before="step"):
    """Return the notebook with a code cell added before the one that ``before`` is written in."""
    place = notebook.cells.index(cell_of(notebook, before))
    notebook.cells.insert(place, nbformat.v4.new_code_cell(source))
    return notebook


def text(notebook):
    return nbformat.writes(notebook)


class Case(NamedTuple):
    """A submission: its files, {path: bytes or text}; the expected points by exercise, where they are not full, or None
    if it must not be marked; and words that stand in its row of the table, or in its feedback."""

    files: dict
    points: dict | None
    says: str = ""


# ---- what students do to their notebooks -----------------------------------------------------------------------------


def without_metadata(notebook):
    notebook.metadata.pop("rnn_course")
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def with_copied_cell(notebook, function, first):
    """Copy a cell with its metadata; ``first`` is what the copy above holds."""
    cell = cell_of(notebook, function)
    above = copy.deepcopy(cell)
    above.source, above.id = first, "copied"
    notebook.cells.insert(notebook.cells.index(cell), above)
    return notebook


def without_cell(notebook, name):
    notebook.cells.remove(cell_of(notebook, name))
    return notebook


def with_edited_tests(notebook):
    """Have the tests pass: their lines replaced, their points raised."""
    for cell in notebook.cells:
        data = cell.metadata.get("nbgrader", {})
        if data.get("grade") and not data["solution"]:
            cell.source, data["points"] = "print('All parts are right.')", 100
    return notebook


def with_answer(notebook, answer):
    next(c for c in notebook.cells if is_answer(c)).source = answer
    return notebook


def old_format(notebook):
    """The notebook as Jupyter wrote it in 2014."""
    return json.dumps(nbformat.convert(notebook, 3))


# ---- the folder ------------------------------------------------------------------------------------------------------

PARTLY = {  # of tests/made/neuron.py, which has more of them
    "another-style": "",
    "mask-forgets": "",
    "forbidden": "uses ",
}
WRONG_STEP = "def step(x, h, W_x, W_h, b):\n    return x"
CRASH = "import ctypes\nctypes.string_at(0)"
EXERCISES = ("step", "unroll", "padding", "counting", "listener", "output")
FULL: dict = {}

ENDS = {  # what ends a session, or spoils its answers, put before the first exercise: nothing after it counts
    "exits": ("import os\nos._exit(0)", "ended the kernel"),
    "crashes": (CRASH, "ended the kernel"),
    "fork-bomb": ("import os\nwhile True:\n    os.fork()", "stopped: it"),
    "kills-all": ("import os\nos.kill(-1, 9)", "ended its own process"),
    "cannot-be-stopped": (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
        "could not be interrupted",
    ),
    "breaks-the-shell": ("get_ipython().run_cell = None\nimport builtins\nbuiltins.print = None", "ended the kernel"),
    "eats-memory": ("hoard = []\nwhile True:\n    hoard.append(bytearray(10**8))", "stopped: it"),
    "forges-answers": (
        "import os, struct\nfor n in os.listdir('/proc'):\n    if n.isdigit():\n        for fd in range(3, 30):\n"
        "            try:\n                with open(f'/proc/{n}/fd/{fd}', 'wb', 0) as f:\n"
        "                    f.write(struct.pack('>Q', 2**60))\n            except OSError:\n                pass",
        "",
    ),
    "patches-answers": (
        "from rnn_course.grading import inside\ninside.reply = lambda request: {'value': True, 'points': 100}",
        "changes rnn_course.grading.inside.reply",
    ),
    "runs-text": ("exec('import rnn_course.assignments.written as w\\nw.Here.run = lambda *a: True')", "uses exec"),
}
SURVIVED = {  # hostile or clumsy, but the student's own answers still count in full
    "endless-loop": ("while True:\n    pass", "was interrupted"),
    "floods": ("while True:\n    print('x' * 10_000)", ""),
    "floods-without-python": ("import os\nfor _ in range(10_000):\n    os.write(1, b'x' * 10**6)", ""),
    "fills-the-disk": ("with open('big', 'wb') as f:\n    for _ in range(10**5):\n        f.write(bytes(10**6))", ""),
    "sys-exit": ("import sys\nsys.exit(1)", ""),
    "deletes-files": (
        "import os, shutil, rnn_course\nfor place in ('/opt', '/home', os.path.dirname(rnn_course.__file__), '/usr'):\n"
        "    shutil.rmtree(place, ignore_errors=True)\n!rm -rf / --no-preserve-root 2> /dev/null",
        "",
    ),
    "phones-home": ("import urllib.request\nurllib.request.urlopen('http://192.0.2.1/', timeout=5)", ""),
}
PATCHES = {  # with a wrong answer, they patch what would judge it
    "patches-check": (
        "from rnn_course.assignments import exercise\nexercise.Exercise.check = lambda *a: print('All right.')\n"
        "exercise.Exercise.mark = lambda *a, **k: []\nexercise.close = lambda *a: True",
        "changes rnn_course.assignments.exercise.Exercise.check",
    ),
    "patches-assert": (
        "import builtins\nbuiltins.AssertionError = type('Never', (Exception,), {})\n"
        "np.testing.assert_allclose = np.allclose = lambda *a, **k: True\nnp.abs = lambda a: a * 0",
        "changes numpy.allclose",
    ),
}


def cases():
    """Return the class: {student: Case}, for the assignment neuron."""

    def neuron(**cells):
        return in_short(solved("neuron", **cells))

    nothing, no_answer = dict.fromkeys(EXERCISES, 0), {"report": 0}
    return {
        "right": alone(solved("neuron")),
        "flat.ipynb": Case({"": "\ufeff" + text(neuron())}, {}),  # with a byte-order mark, too
        "as-nbgrader-collects": Case({"neuron/neuron.ipynb": text(neuron())}, {}),
        "wrong-step": alone(neuron(step=WRONG_STEP), {"step": 0}),
        "unwritten": alone(handed_out("neuron"), nothing | no_answer),
        **{name: alone(neuron(**NEURON[name].cells), NEURON[name].points, says) for name, says in PARTLY.items()},
        # hostile
        **{name: alone(with_cell(neuron(), code), nothing, says) for name, (code, says) in ENDS.items()},
        "ends-half-way": alone(
            with_cell(neuron(), "import os\nos._exit(0)", before="count_layer"),
            dict.fromkeys(EXERCISES[3:], 0),
            "ended the kernel",
        ),
        **{name: alone(with_cell(neuron(), code), {}, says) for name, (code, says) in SURVIVED.items()},
        **{
            name: alone(with_cell(neuron(step=WRONG_STEP), code), {"step": None}, says)
            for name, (code, says) in PATCHES.items()
        },
        "edits-tests": alone(with_edited_tests(handed_out("neuron")), nothing | no_answer),
        "answers-in-html": alone(with_answer(neuron(), "<script src='https://a.org/x.js'></script> Memory")),
        "=cmd|' !A1": alone(neuron()),
        # damaged
        "no-metadata": alone(without_metadata(neuron()), {}, "found by name: `step`, `unroll`"),
        "copied-cell": alone(with_copied_cell(neuron(), "step", WRONG_STEP), {}, "the last one counts"),
        "deleted-cell": alone(without_cell(neuron(), "unroll"), {"unroll": 0}, "`unroll` is missing"),
        "deleted-test": alone(without_cell(neuron(), "padding")),
        "renamed-in-old-format": Case({"My homework (final).ipynb.txt": old_format(neuron())}, {}),
        "two-of-the-same": Case(dict.fromkeys(("a.ipynb", "a (1).ipynb"), text(neuron())), {}),
        "truncated": Case({"neuron.ipynb": text(neuron())[:5000]}, None, "damaged"),
        "not-a-notebook": Case({"neuron.ipynb": "[1, 2, 3]"}, None, "no cells"),
        "nested": Case({"neuron.ipynb": "[" * 100_000}, None, "damaged"),
        "a-page": Case({"neuron.ipynb": "<!DOCTYPE html><html>Log in</html>"}, None, "not a notebook"),
        "another-assignment": alone(handed_out("bptt"), None, "'bptt', not 'neuron'"),
        "another-notebook": alone(nbformat.v4.new_notebook(), None, "nothing in it belongs"),
        "no-notebook": Case({"neuron.pdf": "%PDF"}, None, "there is neuron.pdf"),
        "two-notebooks": Case(
            {"a.ipynb": text(neuron()), "b.ipynb": text(handed_out("neuron"))}, None, "leave the one that"
        ),
    }


def alone(notebook, points=FULL, says=""):
    """Return the case of one notebook in the student's folder."""
    return Case({"neuron.ipynb": text(notebook)}, points, says)


def write(folder, chosen):
    """Write submissions into ``folder``."""
    for student, case in chosen.items():
        for name, content in case.files.items():
            path = folder / student / name if name else folder / student
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
