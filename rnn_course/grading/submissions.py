"""Find the submissions in a folder.

A student's submission is a folder with a notebook somewhere in it, as nbgrader and Moodle collect them, or a notebook
that lies in the folder itself, as Canvas downloads them. The student's name is that of the folder, or of the notebook.
"""

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from rnn_course.grading.repair import LARGEST, NotMarkable, check_assignment, read

ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json", ".json")


class Submission(NamedTuple):
    """A student's submission: the notebook, or the reason why there is none."""

    student: str
    path: Path | None
    content: bytes = b""
    problem: str = ""


def find(folder, assignment):
    """Return the submissions in ``folder``, by student.

    Raises
    ------
    ValueError
        If there is no such folder, or nothing in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the one that holds the submissions.")
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            found.append(
                Submission(student_of(entry), entry, problem="it is a link to another place, and is not followed")
            )
        elif entry.is_dir():
            found.append(of_folder(entry, assignment))
        elif is_notebook(entry):
            found.append(Submission(student_of(entry), entry, content_of(entry)))
    if not found:
        raise ValueError(f"There are no submissions in {folder}: neither folders nor notebooks.")
    return without_clashes(found)


def student_of(entry):
    """Return the student's name, in characters that nbgrader's folders and patterns can hold."""
    name = entry.name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return re.sub(r"[^\w.@ -]", "_", unicodedata.normalize("NFC", name)).strip(" .") or "_"


def is_notebook(path):
    return path.name.endswith(ENDINGS) and not path.is_symlink() and path.is_file()


def content_of(path):
    """Return a file's bytes, one more than are allowed if it has too many."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def of_folder(folder, assignment):
    """Return the submission in one student's folder."""
    student = student_of(folder)
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() or p.is_symlink()]
    hidden = [p for p in files if any(part.startswith(".") for part in p.relative_to(folder).parts)]
    notebooks = {p: content_of(p) for p in files if p not in hidden and is_notebook(p)}
    if not notebooks:
        others = ", ".join(p.name for p in files[:5]) or "nothing"
        return Submission(student, None, problem=f"there is no notebook; there is {others}")
    ours = {p: c for p, c in notebooks.items() if belongs(c, assignment)} or notebooks
    if len(set(ours.values())) > 1:
        names = ", ".join(p.name for p in ours)
        return Submission(student, None, problem=f"there are {len(ours)} notebooks: {names}; leave the one that counts")
    path, content = next(iter(ours.items()))
    return Submission(student, path, content)


def belongs(content, assignment):
    """Return whether a file is a notebook of the assignment."""
    try:
        check_assignment(read(content), assignment)
    except NotMarkable:
        return False
    return True


def without_clashes(found):
    """Return the submissions with those that share a student's name marked as such."""
    names = [s.student.casefold() for s in found]
    return [
        s if names.count(s.student.casefold()) == 1 else s._replace(problem="another submission has the same name")
        for s in found
    ]
