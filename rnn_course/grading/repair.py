"""Put a submission back into the form in which it was handed out, losing nothing that the student wrote.

Notebooks come back with their metadata gone, cells copied, deleted or moved, tests edited. What counts is what the
student wrote: it is found by the metadata of its cell, or else by the name that it defines; test cells are put back as
they were, each behind what it tests. What cannot be found is said, for the teacher to look at.
"""

import ast
import itertools
import json
import re
from typing import NamedTuple

import nbformat

from rnn_course import assignments
from rnn_course.grading.rules import names_defined, statements_of

LARGEST = 20 * 2**20  # bytes of a file
MOST_CELLS, LONGEST = 1000, 200_000  # cells of a notebook, and characters of a code cell
PICTURES, BASE64 = ("image/png", "image/jpeg"), re.compile(r"[A-Za-z0-9+/=\s]+")
TEST_LINE = re.compile(r"^\s*(\w+)\.(\w+)\.check\(.*\)\s*$")


class NotMarkable(ValueError):
    """A submission that cannot be marked; the message says why."""


class Repaired(NamedTuple):
    """A submission in the form in which it was handed out, and what was done to it."""

    notebook: nbformat.NotebookNode
    remarks: list


def read(content):
    """Return the notebook that a file's bytes hold.

    Raises
    ------
    NotMarkable
        If they hold none.
    """
    if len(content) > LARGEST:
        raise NotMarkable(f"the file has more than {LARGEST >> 20} MB")
    try:
        raw = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotMarkable(f"the file is not a notebook, or is damaged: {error}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("cells", raw.get("worksheets")), list):
        raise NotMarkable("the file is JSON, but not a notebook: it has no cells")
    for k, cell in enumerate(raw.get("cells", [])):
        if isinstance(cell, dict) and "id" in cell:  # copied cells share an id, which nbformat warns of
            cell["id"] = f"cell-{k}"
    try:
        notebook = nbformat.reads(json.dumps(raw), as_version=4)
        for cell in notebook.cells:
            cell.source = "".join(cell.source)
            cell.metadata = nbformat.from_dict(dict(cell.get("metadata", {})))
    except Exception as error:  # nbformat has many ways to fail on what is no notebook
        raise NotMarkable(f"the notebook is damaged: {type(error).__name__}: {error}") from None
    if len(notebook.cells) > MOST_CELLS:
        raise NotMarkable(f"the notebook has {len(notebook.cells)} cells; at most {MOST_CELLS} are read")
    if any(c.cell_type == "code" and len(c.source) > LONGEST for c in notebook.cells):
        raise NotMarkable(f"a cell has more than {LONGEST} characters of code")
    return notebook


def repair(notebook, handed_out, assignment):
    """Return what the student handed in, in the form of what was handed out.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The submission, as `read` gives it.
    handed_out : nbformat.NotebookNode
        The assignment as students get it.
    assignment : rnn_course.assignments.exercise.Assignment
        Its exercises.

    Returns
    -------
    Repaired

    Raises
    ------
    NotMarkable
        If it is another assignment, or none.
    """
    check_assignment(notebook, assignment)
    remarks = []
    cells = [c for c in notebook.cells if not is_test(c, assignment)]
    places = places_of_tests(notebook.cells, cells, assignment)
    found, by_name = {}, []
    for original in graded_cells(handed_out):
        if is_written(original):
            found[id_of(original)] = find(original, cells, handed_out, remarks, by_name)
    if by_name:
        remarks.append(f"found by name: {', '.join(by_name)}")
    chosen = {}
    for name, cell in found.items():
        chosen.setdefault(id(cell), []).append(original_of(name, handed_out))
    kept, known = [], {c.source for c in handed_out.cells}
    for cell in cells:
        kept.append(clean(cell, known))
        for k, original in enumerate(chosen.get(id(cell), [])):
            if k:  # nbgrader knows one function a cell
                kept.append(nbformat.v4.new_code_cell("# This is defined in the cell above."))
            kept[-1].metadata["nbgrader"] = original.metadata.nbgrader
    for original in chosen.get(id(None), []):
        insert_missing(original, kept, handed_out)
    order = {id_of(c): k for k, c in enumerate(kept) if id_of(c)}
    tests = {}
    for original in graded_cells(handed_out):
        if not is_written(original):
            exercise = assignment.exercises[id_of(original)]
            after = [order[f"solution-{name}"] for name in exercise.needs]
            place = places.get(exercise.name, before_next(original, handed_out, order, len(kept)))
            tests.setdefault(max([*after, place]), []).append(original)
    whole = []
    for k, cell in enumerate(kept):
        whole += [cell, *map(clean_copy, tests.get(k, []))]
    for k, cell in enumerate(whole):
        cell["id"] = f"{assignment.name}-{k}"
    result = nbformat.v4.new_notebook(cells=whole, metadata=handed_out.metadata)
    return Repaired(result, remarks)


# ---- which assignment ------------------------------------------------------------------------------------------------


def check_assignment(notebook, assignment):
    """Raise NotMarkable unless the notebook is of this assignment rather than of another, or of none."""
    name = assignment_of(notebook)
    if name != assignment.name:
        raise NotMarkable(f"this is the assignment {name!r}, not {assignment.name!r}")


def assignment_of(notebook):
    """Return the name of the assignment that the notebook is most likely of, or raise NotMarkable."""
    hints = {name: hints_for(notebook, assignments.load(name)) for name in assignments.NAMES}
    best = max(hints, key=hints.get)
    if not hints[best]:
        raise NotMarkable("nothing in it belongs to an assignment: no cell of it, and no function that it asks for")
    return best


def hints_for(notebook, assignment):
    """Count what speaks for an assignment: its name in the metadata, its test lines and imports, its functions."""
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    defined = {name for source in code for name in defined_in(source)}
    told = dict(notebook.metadata.get("rnn_course") or {}).get("assignment") == assignment.name
    lines = [line for source in code for line in source.splitlines()]
    tests = sum(
        bool(m) and m[1] == assignment.name and m[2] in assignment.exercises for m in map(TEST_LINE.match, lines)
    )
    imported = any(re.search(rf"rnn_course\.assignments\b.*\b{assignment.name}\b", line) for line in lines)
    return told + tests + imported + len(defined & set(assignment.needs))


def defined_in(source):
    """Return the functions and classes that a cell defines, and the other names that it gives a value."""
    return {name for s in statements_of(source) if not isinstance(s, (ast.For, ast.While)) for name in names_defined(s)}


# ---- finding cells ---------------------------------------------------------------------------------------------------


def id_of(cell):
    return dict(cell.metadata.get("nbgrader") or {}).get("grade_id")


def graded_cells(handed_out):
    return [cell for cell in handed_out.cells if id_of(cell)]


def is_written(cell):
    """Return whether a cell that was handed out is for the student to write."""
    return cell.metadata.nbgrader.solution


def original_of(name, handed_out):
    return next(cell for cell in graded_cells(handed_out) if id_of(cell) == name)


def is_test(cell, assignment):
    """Return whether a submitted cell is one of the assignment's test cells, even an edited or copied one."""
    if id_of(cell) in assignment.exercises:
        return not set(defined_in(cell.source)) & set(assignment.needs)
    lines = [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    matches = [TEST_LINE.match(line) for line in lines]
    return bool(matches) and all(m and m[1] == assignment.name for m in matches)


def places_of_tests(submitted, cells, assignment):
    """Return behind which of the kept ``cells`` each test cell stood last: {exercise: index}."""
    places, behind = {}, -1
    kept = {id(cell) for cell in cells}
    for cell in submitted:
        if id(cell) in kept:
            behind += 1
            continue
        found = re.search(rf"{assignment.name}\.(\w+)\.check\(", cell.source)
        name = id_of(cell) or (found and found[1])
        places[name] = behind
    return places


def before_next(original, handed_out, order, end):
    """Return behind which cell a test belongs that is missing: before the next cell that the student writes.

    What was handed out between the two, such as the training of a network, may be needed by the test.
    """
    graded = graded_cells(handed_out)
    place = next(k for k, cell in enumerate(graded) if cell is original)
    return next((order[id_of(c)] for c in graded[place:] if id_of(c) in order), end) - 1


def find(original, cells, handed_out, remarks, by_name):
    """Return the submitted cell that stands for ``original``, or None.

    What is odd goes into ``remarks``, and a function that was found by its name alone into ``by_name``.
    """
    name = id_of(original)
    marked = [c for c in cells if id_of(c) == name]
    if original.cell_type == "markdown":
        return find_answer(original, marked, cells, handed_out, remarks)
    function = name.removeprefix("solution-")
    defining = [c for c in cells if c.cell_type == "code" and function in defined_in(c.source)]
    if len({c.source for c in defining}) > 1:
        remarks.append(f"`{function}` is defined in {len(defining)} cells; the last one counts")
    if defining and defining[-1] not in marked:
        by_name.append(f"`{function}`")
    if not defining and marked:
        remarks.append(f"the cell of `{function}` does not define it")
    if not defining and not marked:
        remarks.append(f"the cell of `{function}` is missing")
    return (defining or marked or [None])[-1]


def find_answer(original, marked, cells, handed_out, remarks):
    """Return the Markdown cell with the answer to a question that is marked by hand, or None."""
    name = id_of(original)
    if len(marked) > 1:
        remarks.append(f"the answer {name!r} is there {len(marked)} times; the last one counts")
    if marked:
        return marked[-1]
    index = next(k for k, cell in enumerate(handed_out.cells) if cell is original)
    question = next((c for c in reversed(handed_out.cells[:index]) if c.cell_type == "markdown"), None)
    others = {c.source for c in handed_out.cells if c is not original}
    for cell, answer in itertools.pairwise(cells):
        asked = question is not None and cell.source.strip() == question.source.strip()
        if asked and answer.cell_type == "markdown" and answer.source not in others:
            remarks.append(f"the answer {name!r} was found behind its question")
            return answer
    remarks.append(f"the answer {name!r} was not found")
    return None


# ---- putting cells back ----------------------------------------------------------------------------------------------


def clean(cell, known=()):
    """Return a submitted cell's text without outputs and metadata.

    HTML that was not handed out is made to show as text: the teacher's browser would run what is in it.
    """
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(cell.source)
    if cell.source in known:
        return nbformat.v4.new_markdown_cell(cell.source)
    pictures = {n: p for n, p in dict(cell.get("attachments") or {}).items() if is_picture(n, p)}
    extra = {"attachments": pictures} if pictures else {}
    return nbformat.v4.new_markdown_cell(re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", cell.source), **extra)


def is_picture(name, bundle):
    """Return whether a cell's attachment is nothing but a picture."""
    return bool(re.fullmatch(r"[\w. -]+", name)) and all(
        mime in PICTURES and BASE64.fullmatch(str(data)) for mime, data in dict(bundle).items()
    )


def clean_copy(original):
    copy = clean(original, known=[original.source])
    copy.metadata["nbgrader"] = original.metadata.nbgrader
    return copy


def insert_missing(original, kept, handed_out):
    """Put an empty cell where the student's is missing: behind the last cell that was handed out before it."""
    before = [id_of(c) for c in graded_cells(handed_out)]
    before = set(before[: before.index(id_of(original))])
    place = max((k for k, c in enumerate(kept) if id_of(c) in before), default=len(kept) - 1)
    kept.insert(place + 1, clean_copy(original))
