"""Make the assignments' notebooks from book/assignments/NAME.md.

    python -m tools.assignments                    the students' notebooks, notebooks/assignments/NAME.ipynb
    python -m tools.assignments --check            write nothing; exit 1 if one is not up to date
    python -m tools.assignments --course FOLDER    the teacher's, in a course folder, from which to hand out and mark

The teacher's notebook holds the solutions, and the nbgrader metadata that the tags of the source stand for:

- a code cell tagged ``solution`` is written by the student; its name is that of what it defines;
- a code cell tagged ``test`` holds one line, ``NAME.exercise.check(…)``; its id, and its points, are the exercise's;
- a text cell after ``+++ {"by-hand": {"name": …, "points": …}}`` is an answer that is marked by hand.

The student's notebook is what nbgrader makes of the teacher's: the same without solutions.
"""

import argparse
import ast
import re
import sys
import tempfile
from pathlib import Path

import nbformat

from rnn_course.assignments import NAMES, load
from rnn_course.grading.course import CONFIG_FILE, generate_assignment
from tools.book import BOOK, NOTEBOOKS
from tools.markdown import to_notebook
from tools.weave import finish, page_notebook, setup_code, text_of, write_notebook

TEST = re.compile(r"(\w+)\.(\w+)\.check\(([\w, ]+)\)")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.assignments", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a notebook is not up to date")
    parser.add_argument("--course", type=Path, metavar="FOLDER", help="make the teacher's notebooks, in this folder")
    options = parser.parse_args(arguments)
    if options.course:
        for name in NAMES:
            write_teacher_notebook(name, options.course)
        (options.course / "nbgrader_config.py").write_text(CONFIG_FILE, encoding="utf-8")
        print(f"The teacher's notebooks, with solutions, are in {options.course / 'source'}")
        return 0
    return weave(options.check)


def weave(check):
    """Write the students' notebooks, or only say which are out of date; return how many."""
    stale = 0
    for name in NAMES:
        notebook, path = student_notebook(name), student_path(name)
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text_of(notebook):
                stale += 1
                print(f"assignments/{path.name} is not up to date. Run: make weave", file=sys.stderr)
        else:
            print(f"assignments/{name}: {'woven' if write_notebook(notebook, path) else 'up to date'}")
    return stale


def write_teacher_notebook(name, folder):
    """Write one teacher's notebook, FOLDER/source/NAME/NAME.ipynb, and return its path."""
    path = folder / "source" / name / f"{name}.ipynb"
    write_notebook(teacher_notebook(source_of(name)), path)
    return path


def source_of(name):
    """Return where the assignment ``name`` is edited."""
    return BOOK / "assignments" / f"{name}.md"


def student_path(name):
    """Return where the student's notebook lies."""
    return NOTEBOOKS / "assignments" / f"{name}.ipynb"


# ---- the teacher's notebook ------------------------------------------------------------------------------------------


def teacher_notebook(source):
    """Return the assignment with its solutions, as a notebook that nbgrader understands."""
    assignment = load(source.stem)
    notebook = page_notebook(source)
    cells = [nbformat.v4.new_code_cell(setup_code(), metadata={"cellView": "form"})]
    for cell in notebook.cells:
        metadata = nbgrader_metadata(cell, assignment)
        if cell.cell_type == "markdown":
            cell.source = to_notebook(cell.source, f"assignments/{source.stem}")
        cell.metadata = nbformat.from_dict({"nbgrader": metadata} if metadata else {})
        cells += [cell] if cell.source else []
    finish(notebook, cells, source.stem)
    notebook.metadata["rnn_course"] = {"assignment": source.stem}
    check_complete(notebook, assignment)
    return notebook


def nbgrader_metadata(cell, assignment):
    """Return the metadata that a cell's tags stand for, or None."""
    tags = cell.metadata.get("tags", [])
    if "by-hand" in cell.metadata:
        by_hand = cell.metadata["by-hand"]
        return metadata_of(by_hand["name"], solution=True, points=by_hand["points"])
    if "solution" in tags:
        return metadata_of(f"solution-{defined_name(cell.source)}", solution=True)
    if "test" in tags:
        exercise = tested_exercise(cell.source, assignment)
        return metadata_of(exercise.name, points=exercise.points)
    return None


def metadata_of(grade_id, solution=False, points=None):
    """Return a cell's nbgrader metadata; one with points is graded."""
    graded = {} if points is None else {"points": points}
    return {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **graded,
    }


def defined_name(source):
    """Return the last function or class that a cell defines."""
    names = [n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    if not names:
        raise ValueError(f"A solution cell must define a function or a class:\n\n{source}")
    return names[-1]


def tested_exercise(source, assignment):
    """Return the exercise that a test cell checks, having compared the names that it gives with those it needs."""
    found = TEST.fullmatch(source.strip())
    if not found or found[1] != assignment.name or found[2] not in assignment.exercises:
        raise ValueError(f"A test cell must hold one line, {assignment.name}.EXERCISE.check(...):\n\n{source}")
    exercise = assignment.exercises[found[2]]
    if tuple(re.split(r",\s*", found[3])) != exercise.needs:
        raise ValueError(f"{exercise.name}.check takes {', '.join(exercise.needs)}:\n\n{source}")
    return exercise


def check_complete(notebook, assignment):
    """Raise unless every exercise has its test cell, and everything that it needs is written in a cell of its own."""
    ids = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    missing = {*assignment.exercises, *(f"solution-{name}" for name in assignment.needs)} - set(ids)
    if missing or len(ids) != len(set(ids)):
        raise ValueError(f"book/assignments/{assignment.name}.md: missing {sorted(missing)}, or an id that comes twice")


# ---- the student's notebook ------------------------------------------------------------------------------------------


def student_notebook(name):
    """Return the student's notebook: what nbgrader's generate_assignment makes of the teacher's."""
    with tempfile.TemporaryDirectory() as folder:
        write_teacher_notebook(name, Path(folder))
        generate_assignment(folder, name, gradebook=False)
        return nbformat.read(Path(folder, "release", name, f"{name}.ipynb"), as_version=4)


if __name__ == "__main__":
    sys.exit(main())
