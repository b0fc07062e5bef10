"""What a student's notebook gets by its visible tests, before it is handed in."""

import subprocess

import nbformat
from nbclient import NotebookClient

from rnn_course import assignments
from rnn_course.grading.repair import assignment_of, defined_in, is_test, read
from rnn_course.grading.rules import search

CELL_SECONDS = 300


def check_notebook(path):
    """Run the notebook from top to bottom and say how each exercise fares; return how many do not pass.

    Raises
    ------
    OSError
        If the file cannot be read.
    rnn_course.grading.repair.NotMarkable
        If it is no notebook of an assignment.
    """
    notebook = read(path.read_bytes())
    assignment = assignments.load(assignment_of(notebook))
    print(f"{path.name}: assignment {assignment.name!r}, {assignment.title}\n")
    remarks = [*missing(notebook, assignment)]
    own = [c for c in notebook.cells if c.cell_type == "code" and not is_test(c, assignment)]
    findings = search([c.source for c in own], assignment)
    cells = own + [nbformat.v4.new_code_cell(test_line(assignment, e)) for e in assignment.exercises.values()]
    remarks += [f"{name}: it uses {', '.join(used)}, which it may not" for name, used in findings.by_exercise.items()]
    outputs = run(cells)[len(own) :]
    failed = 0
    for exercise, found in zip(assignment.exercises.values(), outputs):
        message = next((o.evalue or o.ename for o in found if o.output_type == "error"), "")
        failed += bool(message) or exercise.name in findings.by_exercise
        visible = sum(not part.only_in_marking for part in exercise.parts)
        print(f"{'not yet' if message else 'right':>8}  {exercise.name}, {exercise.points:g} points, {visible} parts")
        if message:
            print(f"          {message}")
    for remark in remarks:
        print(f"\n  Mind: {remark}.")
    return failed


def test_line(assignment, exercise):
    """Return the code that checks one exercise."""
    line = f"{assignment.name}.{exercise.name}.check({', '.join(exercise.needs)})"
    return f"from rnn_course.assignments import {assignment.name}\n{line}"


def missing(notebook, assignment):
    """Return what marking would miss: functions that no cell defines, for they are found by their names."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    defined = {name for c in code for name in defined_in(c.source)}
    return [f"no cell defines `{name}`" for name in assignment.needs if name not in defined]


def run(cells):
    """Return the outputs of cells that a kernel runs one after the other, whatever they raise."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c.source) for c in cells])
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        allow_errors=True,
        interrupt_on_timeout=True,
        error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
    )
    client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # the kernel's own log
    return [cell.outputs for cell in notebook.cells]
