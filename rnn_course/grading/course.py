"""nbgrader's course folder: the gradebook, what was handed out and handed in, marks and feedback.

    course/source/NAME/NAME.ipynb            the teacher's notebook, with solutions
    course/release/NAME/NAME.ipynb           what is handed out, made from it
    course/submitted/STUDENT/NAME/…          submissions, repaired, as they were marked
    course/autograded/…, course/feedback/…   the same with marks, and as pages
    course/gradebook.db                      the marks

Marking itself is not nbgrader's: `rnn_course.grading.marking` does it, in sandboxes, and nbgrader reads from the
outputs of the test cells what it would otherwise have had from running them.
"""

import copy
import hashlib
import logging
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    GetGrades,
    LimitOutput,
    LockCells,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
    SaveCells,
)
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from rnn_course.grading.feedback import make_safe

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError"
TEXT_STUB = "*Write your answer here, in place of this line.*"


class Course:
    """The course folder, for one assignment.

    Parameters
    ----------
    root : path
        The folder.
    name : str
        The assignment's name.

    Raises
    ------
    ValueError
        If the folder does not hold the teacher's notebook.
    """

    def __init__(self, root, name):
        self.root, self.name = Path(root).resolve(), name
        self.source = self.root / "source" / name / f"{name}.ipynb"
        if not self.source.exists():
            raise ValueError(
                f"{self.root} holds no teacher's notebook source/{name}/{name}.ipynb. In a copy of the course's "
                "repository, `make course` makes one; name its folder with --course."
            )

    # --- handing out --------------------------------------------------------------------------------------------------

    @property
    def handed_out(self):
        """The notebook that students get; made, and its cells written into the gradebook, where it is out of date."""
        release = self.root / "release" / self.name / f"{self.name}.ipynb"
        mark = release.with_suffix(".made-from")
        digest = hashlib.sha256(self.source.read_bytes()).hexdigest()
        complete = all(path.exists() for path in (release, mark, self.root / "gradebook.db"))
        if not complete or mark.read_text() != digest:
            generate_assignment(self.root, self.name)
            write_beside(mark, digest)
        return nbformat.read(release, as_version=4)

    # --- marks --------------------------------------------------------------------------------------------------------

    def record(self, student, notebook, outputs):
        """Write a marked submission into the gradebook. Done again, it changes nothing."""
        folder = self.root / "submitted" / student / self.name
        folder.mkdir(parents=True, exist_ok=True)
        marked = copy.deepcopy(notebook)
        for cell, found in zip(marked.cells, outputs, strict=True):
            if cell.cell_type == "code":
                cell.outputs = [nbformat.from_dict(output) for output in found]
        write_beside(folder / f"{self.name}.ipynb", nbformat.writes(marked))
        self.convert(Autograde, student, settings())

    def write_feedback(self, student):
        """Write a student's page of feedback; return its path."""
        config = settings()  # its formgrader has a template of its own, so this is not among the settings
        config.GenerateFeedback.preprocessors = [GetGrades, SayWhatWaits]
        config.HTMLExporter.template_name = "feedback_page"
        config.HTMLExporter.extra_template_basedirs = [str(Path(__file__).parent / "templates")]
        self.convert(GenerateFeedback, student, config)
        page = self.root / "feedback" / student / self.name / f"{self.name}.html"
        write_beside(page, make_safe(page.read_text(encoding="utf-8"), self.name, student))
        return page

    def convert(self, converter, student, config):
        directory = CourseDirectory(root=str(self.root), assignment_id=self.name, student_id=student)
        start(converter(coursedir=directory, config=config, force=True, log=quiet_log()))

    def marks(self):
        """Return what the gradebook holds: {student: {grade_id: (score, points, needs a hand)}}."""
        found = {}
        with surroundings(), self.gradebook() as gradebook:
            for submission in gradebook.assignment_submissions(self.name):
                found[submission.student.id] = {
                    grade.name: (grade.score, grade.max_score, grade.needs_manual_grade)
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                }
        return found

    def comments(self, student):
        """Return the comments on a submission, in order."""
        with surroundings(), self.gradebook() as gradebook:
            notebook = gradebook.find_submission_notebook(self.name, self.name, student)
            return sorted((c.name, c.comment) for c in notebook.comments if c.comment)

    def gradebook(self):
        return Gradebook(f"sqlite:///{self.root / 'gradebook.db'}")


def generate_assignment(root, name, gradebook=True):
    """Make what is handed out, ROOT/release/NAME/NAME.ipynb, from the teacher's notebook."""
    config = settings()
    if not gradebook:
        config.GenerateAssignment.no_database = True
        config.GenerateAssignment.preprocessors = [p for p in HANDING_OUT if p is not SaveCells]
    directory = CourseDirectory(root=str(root), assignment_id=name)
    start(GenerateAssignment(coursedir=directory, config=config, force=True, log=quiet_log()))


HANDING_OUT = [LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells]


class SayWhatWaits(NbGraderPreprocessor):
    """Note in a graded cell's metadata whether it still waits to be marked by hand."""

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.metadata.get("nbgrader", {}).get("grade"):
            where = resources["nbgrader"]
            with Gradebook(where["db_url"]) as gradebook:
                ids = cell.metadata.nbgrader.grade_id, where["notebook"], where["assignment"], where["student"]
                cell.metadata.nbgrader["waits"] = gradebook.find_grade(*ids).needs_manual_grade
        return cell, resources


CONFIG_FILE = """\
# The settings under which nbgrader's own commands and its formgrader work on this folder.
from rnn_course.grading.course import settings

c = get_config()
c.merge(settings())
"""


def settings():
    """Return nbgrader's settings for a course folder.

    Nothing in them runs a notebook: pressing *autograde* in nbgrader's formgrader reads the marks from the outputs of
    the test cells again, and leaves the students' code alone.
    """
    config = Config()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    config.GenerateAssignment.preprocessors = HANDING_OUT
    config.Autograde.sanitize_preprocessors = [OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
    config.Autograde.autograde_preprocessors = [LimitOutput, SaveAutoGrades, CheckCellMetadata]
    return config


def start(converter):
    with surroundings():
        converter.start()


@contextmanager
def surroundings():
    """Let nbgrader find `alembic`, which it calls by name, and hush the warnings of how it uses SQLAlchemy."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            yield
    finally:
        os.environ["PATH"] = path


def write_beside(path, text):
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        if path.exists() and not os.access(path, os.W_OK):
            path.unlink()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def quiet_log():
    """A log that passes on what went wrong."""
    log = logging.getLogger("rnn_course.grading.nbgrader")
    log.setLevel(logging.ERROR)
    return log
