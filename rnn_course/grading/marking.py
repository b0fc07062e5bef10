"""Mark one submission: run the student's cells in a sandbox, and the exercises' parts out here.

The result is plain data, which travels between machines and is kept as JSON.
"""

import hashlib
import json
import time
from contextlib import contextmanager

import nbformat
from nbformat.v4 import new_output

from rnn_course import assignments
from rnn_course.assignments.exercise import PartMark
from rnn_course.grading.repair import BASE64, PICTURES, TEST_LINE, id_of
from rnn_course.grading.rules import search
from rnn_course.grading.sandbox import Limits
from rnn_course.grading.session import Session, SessionOver


def mark(notebook, name, limits=Limits(), sandboxed=True):  # noqa: B008 (frozen)
    """Mark a submission.

    Parameters
    ----------
    notebook : str
        The submission as `rnn_course.grading.repair` leaves it, as JSON.
    name : str
        The assignment's name.
    limits : rnn_course.grading.sandbox.Limits
        What it may use.
    sandboxed : bool
        Whether its code runs in a sandbox.

    Returns
    -------
    dict
        ``outputs``, those of each cell; ``exercises``, {name: list of `PartMark` as lists}; ``remarks`` for the
        teacher; ``seconds`` that it took. The same submission gets the same: the random inputs follow from its text.
    """
    start = time.monotonic()
    assignment = assignments.load(name)
    cells = nbformat.reads(notebook, as_version=4).cells
    findings = search(students_code(cells), assignment)
    marking = Marking(assignment, findings, seed_of(cells), limits)
    with Session(limits, assignment.absent, sandboxed) as session:
        outputs = [marking.of_cell(cell, session) for cell in cells]
    return {
        "outputs": outputs,
        "exercises": marking.marks,
        "remarks": [*findings.remarks, *marking.remarks],
        "seconds": round(time.monotonic() - start, 1),
    }


class Marking:
    """One submission's way through its cells."""

    def __init__(self, assignment, findings, seed, limits):
        self.assignment, self.findings, self.seed, self.limits = assignment, findings, seed, limits
        self.marks, self.remarks = {}, []
        self.over = None

    def of_cell(self, cell, session):
        """Run or mark one cell; return its outputs."""
        if cell.cell_type != "code":
            return []
        exercise = self.assignment.exercises.get(id_of(cell))
        if exercise is not None:
            return self.of_exercise(exercise, session)
        return [] if self.over else self.of_student(cell, session)

    def of_student(self, cell, session):
        """Run a cell of the student's, in the sandbox."""
        with self.survival(session) as outputs:
            found, state = session.run(cell.source)
            outputs += shown(found)
            if state == "timeout":
                self.remarks.append(f"a cell took more than {self.limits.cell_seconds:g} s and was interrupted")
        return outputs

    def of_exercise(self, exercise, session):
        """Mark an exercise; return what its test cell is to show: each part, and the sum."""
        marks = self.marks_of(exercise, session)
        self.marks[exercise.name] = [list(m) for m in marks]
        return [new_output("stream", name="stdout", text=report(marks)), total(marks)]

    def marks_of(self, exercise, session):
        if used := self.findings.by_exercise.get(exercise.name):
            self.remarks.append(f"{exercise.name}: uses {', '.join(used)}")
            return nothing(exercise, f"This uses `{used[0]}`, which the exercise asks you to do without.")
        marks = []
        if not self.over:
            written = [session.written(name, exercise.forbidden) for name in exercise.needs]
            with self.survival(session):
                for part in exercise.mark(*written, seed=self.seed):
                    marks.append(part)
        rest = nothing(exercise, f"This was not reached, because your notebook was stopped: {self.over}.")
        return marks + rest[len(marks) :]

    @contextmanager
    def survival(self, session):
        """Note why the session ended, if it does."""
        outputs = []
        try:
            yield outputs
        except SessionOver as error:
            self.over = self.over or str(error)
            outputs += shown(error.outputs)
            outputs.append(new_output("stream", name="stdout", text=f"[Your notebook was stopped here: {error}.]\n"))
            self.remarks.append(f"stopped: {error}")


def shown(outputs):
    """Return the outputs of a student's cell as far as they are text and pictures: no HTML and no script is kept, which
    a page of feedback or the teacher's browser would run."""
    return [made for made in map(shown_output, outputs) if made is not None]


def shown_output(output):
    if not isinstance(output, dict):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        return new_output("stream", name="stdout", text=str(output.get("text", "")))
    if kind == "error":
        lines = output.get("traceback")
        lines = [str(line) for line in lines] if isinstance(lines, list) else []
        return new_output("error", ename=str(output.get("ename")), evalue=str(output.get("evalue")), traceback=lines)
    data = output.get("data")
    if not isinstance(data, dict):
        return None
    kept = {mime: data[mime] for mime in PICTURES if BASE64.fullmatch(str(data.get(mime, "<")))}
    if "text/plain" in data:
        kept["text/plain"] = str(data["text/plain"])
    return new_output("display_data", data=kept) if kept else None


def students_code(cells):
    """Return the sources of the code cells that are not tests."""
    return [c.source for c in cells if c.cell_type == "code" and not TEST_LINE.match(c.source)]


def seed_of(cells):
    """Return the seed of a submission's random inputs: a number that follows from its cells' text."""
    text = json.dumps([[c.cell_type, c.source] for c in cells])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def nothing(exercise, message):
    """Return marks of zero for each part."""
    return [PartMark(part.title, part.points, 0.0, message) for part in exercise.parts]


def report(marks):
    """Say how each part fared, and why."""
    lines = []
    for m in marks:
        lines.append(f"{m.score:5.3g} of {m.points:g}  {m.title}")
        if m.message and m.message not in [previous.message for previous in marks[: marks.index(m)]]:
            lines.append(f"            {m.message}")
    return "\n".join(lines) + "\n"


def total(marks):
    """Return the output in which nbgrader reads the points."""
    score = round(sum(m.score for m in marks), 2)
    return new_output("execute_result", data={"text/plain": str(score)}, execution_count=None)
