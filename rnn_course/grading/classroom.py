"""Mark a folder of submissions: many at once, each once, whatever interrupts it.

A submission's result is kept in the course folder, in a file named after the student and written whole or not at all.
It holds what it was made from, so that going on after an interruption, or running again after some students handed in
anew, marks what is new and nothing else. Marking runs in many places; the gradebook is written in one.
"""

import ast
import csv
import fcntl
import hashlib
import inspect
import io
import json
import multiprocessing.connection
import os
import signal
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from multiprocessing import get_context

import nbformat
from tqdm import tqdm

import rnn_course
from rnn_course import assignments
from rnn_course.grading.course import Course, write_beside
from rnn_course.grading.marking import mark
from rnn_course.grading.repair import NotMarkable, read, repair
from rnn_course.grading.rules import statements_of
from rnn_course.grading.sandbox import Limits, check_hidden
from rnn_course.grading.submissions import find

ATTEMPTS = 3  # at a submission whose worker was lost


@dataclass
class Entry:
    """One student's submission on its way."""

    student: str
    file: str
    content: bytes
    problem: str = ""
    remarks: list = field(default_factory=list)
    notebook: nbformat.NotebookNode | None = None
    result: dict | None = None


class Classroom:
    """The marking of one assignment for a class.

    Parameters
    ----------
    folder : path
        Holds the submissions; see `rnn_course.grading.submissions`.
    name : str
        The assignment.
    course : path
        nbgrader's course folder; see `rnn_course.grading.course`.
    limits : rnn_course.grading.sandbox.Limits
        What each submission may use.
    sandboxed : bool
        Whether the students' code runs in sandboxes.
    """

    def __init__(self, folder, name, course, limits=Limits(), sandboxed=True):  # noqa: B008 (frozen)
        self.folder, self.name, self.limits, self.sandboxed = folder, name, limits, sandboxed
        self.assignment = assignments.load(name)
        self.course = Course(course, name)
        if sandboxed:
            check_hidden(folder, self.course.root)
        self.handed_out = self.course.handed_out
        self.kept = self.course.root / "marked" / name

    def grade(self, executor, progress=True):
        """Mark what is not marked yet, write the gradebook, the feedback and the table; return the entries.

        Parameters
        ----------
        executor : concurrent.futures.Executor
            Where submissions are marked.
        progress : bool
            Whether to show a bar.

        Raises
        ------
        ValueError
            If there is nothing to mark, or if the course folder is being marked already.
        """
        with alone_in(self.course.root):
            return self.grade_alone(executor, progress)

    def grade_alone(self, executor, progress):
        entries = [self.entry(s) for s in find(self.folder, self.assignment)]
        known = self.course.marks()
        waiting = [e for e in entries if not e.problem and not (self.is_done(e) and e.student in known)]
        with tqdm(total=len(waiting), unit="submission", disable=not progress) as bar:
            bar.set_description(f"{len(entries)} submissions, {len(waiting)} to mark")
            for entry in self.marked(waiting, executor):
                try:
                    self.keep(entry)
                except Exception as error:  # nbgrader has errors of its own for odd notebooks
                    entry.result, entry.problem = None, f"the gradebook refused it: {type(error).__name__}: {error}"
                bar.update()
        self.write_feedback(entries, progress)
        self.write_table(entries)
        return entries

    def entry(self, submission):
        """Return a submission, read and repaired, or the reason why it cannot be."""
        entry = Entry(submission.student, str(submission.path or ""), submission.content, submission.problem)
        if not entry.problem:
            try:
                repaired = repair(read(submission.content), self.handed_out, self.assignment)
                entry.notebook, entry.remarks = repaired.notebook, repaired.remarks
            except NotMarkable as error:
                entry.problem = str(error)
            except Exception as error:  # whatever a file holds, it must not stop the others
                entry.problem = f"it cannot be read: {type(error).__name__}: {error}"
        return entry

    # --- each once ----------------------------------------------------------------------------------------------------

    def key(self, entry):
        """What a result follows from: the submission, the assignment and its checks, the version, the limits."""
        parts = [nbformat.writes(entry.notebook), *self.ground]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @cached_property
    def ground(self):
        """What all results follow from."""
        checks = inspect.getsource(sys.modules[f"rnn_course.assignments.{self.name}"])
        assignment = [nbformat.writes(self.handed_out), checks, rnn_course.__version__]
        return [*assignment, asdict(self.limits), self.sandboxed]

    def file_of(self, entry):
        return self.kept / f"{entry.student}.json"

    def is_done(self, entry):
        """Return whether a submission is marked and in the gradebook; what was marked is taken up in any case."""
        try:
            found = json.loads(self.file_of(entry).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return False
        if found["key"] != self.key(entry):
            return False
        entry.result = found["result"]
        return found["recorded"]

    def keep(self, entry):
        """Keep a submission's result, write it into the gradebook, and say that it is there."""
        kept = {"key": self.key(entry), "result": entry.result, "recorded": False}
        write_beside(self.file_of(entry), json.dumps(kept))
        self.course.record(entry.student, entry.notebook, entry.result["outputs"])
        write_beside(self.file_of(entry), json.dumps(kept | {"recorded": True}))

    # --- many at once -------------------------------------------------------------------------------------------------

    def marked(self, entries, executor):
        """Yield each entry when it has its result."""
        for entry in entries:
            if entry.result:
                yield entry
        futures = {self.submit(e, executor): (e, 1) for e in entries if not e.result}
        while futures:
            for done in wait(futures, return_when=FIRST_COMPLETED).done:
                entry, attempt = futures.pop(done)
                error = done.exception()
                if error is None:
                    entry.result = done.result()
                    yield entry
                elif attempt < ATTEMPTS:
                    futures[self.submit(entry, executor)] = (entry, attempt + 1)
                else:
                    entry.problem = f"marking it failed {ATTEMPTS} times: {type(error).__name__}: {error}"

    def submit(self, entry, executor):
        return executor.submit(mark, nbformat.writes(entry.notebook), self.name, self.limits, self.sandboxed)

    # --- what comes out -----------------------------------------------------------------------------------------------

    @property
    def table(self):
        """Where the table of marks lies."""
        return self.course.root / f"marks-{self.name}.csv"

    def write_feedback(self, entries, progress=True):
        """Write the pages of feedback that are not up to date, such as those of marks given by hand since."""
        marks = self.course.marks()
        stale = [e for e in entries if e.result and self.feedback_key(e, marks) != self.feedback_written(e)]
        for entry in tqdm(stale, desc="feedback", unit="page", disable=not progress or not stale):
            try:
                self.course.write_feedback(entry.student)
            except Exception as error:
                entry.remarks.append(f"there is no page of feedback: {type(error).__name__}: {error}")
                continue
            write_beside(self.file_of(entry).with_suffix(".feedback"), self.feedback_key(entry, marks))

    def feedback_key(self, entry, marks):
        """What a page of feedback follows from."""
        shown = [self.key(entry), marks[entry.student], self.course.comments(entry.student)]
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()

    def feedback_written(self, entry):
        path = self.file_of(entry).with_suffix(".feedback")
        return path.read_text(encoding="utf-8") if path.exists() else None

    def write_table(self, entries):
        """Write the table of marks, a row a submission: those that were not marked have none, and say why."""
        marks = self.course.marks()
        columns = [c.metadata.nbgrader.grade_id for c in self.handed_out.cells if is_graded(c)]
        same = same_code(entries)
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["student", "state", "total", "of", *columns, "to look at", "file"])
        for e in sorted(entries, key=lambda e: e.student.casefold()):
            remarks = [*e.remarks, *(e.result or {}).get("remarks", []), *same.get(e.student, [])]
            if not e.result:
                row = [e.student, "not marked", "", "", *[""] * len(columns), e.problem]
            else:
                grades = marks[e.student]
                waiting = any(needs_hand for _, _, needs_hand in grades.values())
                state = "to mark by hand" if waiting else "marked"
                scores = [None if hand and not score else score for score, _, hand in (grades[c] for c in columns)]
                of = sum(points for _, points, _ in grades.values())
                row = [e.student, state, number(sum(s or 0 for s in scores)), number(of), *map(number, scores)]
                row.append("; ".join(remarks))
            table.writerow([plain(cell) for cell in [*row, e.file]])
        write_beside(self.table, text.getvalue())


def is_graded(cell):
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def number(score):
    """Return a score for the table; there is none yet where an answer waits for a hand."""
    return "" if score is None else f"{score:.4g}"


def plain(cell):
    """Return a cell that no spreadsheet takes for a formula."""
    text = " ".join(str(cell).split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def same_code(entries):
    """Return remarks on submissions whose written code is the same but for comments and layout: {student: [remark]}."""
    groups = {}
    for e in entries:
        if e.result:
            groups.setdefault(written_code(e.notebook), []).append(e.student)
    return {
        student: [f"the same code as {', '.join(s for s in students if s != student)}"]
        for code, students in groups.items()
        for student in students
        if len(students) > 1 and "NotImplementedError" not in code
    }


def written_code(notebook):
    """Return the code in the cells that the student writes, without comments and layout."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("solution")]
    return "\n".join(ast.dump(s) for c in cells for s in statements_of(c.source))


@contextmanager
def alone_in(folder):
    """Hold the course folder for this process; the lock goes with the process, however it ends."""
    with open(folder / ".marking", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"{folder} is being marked already; wait until that has ended.") from None
        yield


@contextmanager
def local_executor(jobs):
    """Mark with ``jobs`` sandboxes at once on this machine; an interruption ends them.

    Each has a process of its own: the package's layers, with which checks compare, are not made for several threads.
    """
    executor = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=start_worker)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.kill()  # and bubblewrap sees to it that its sandbox goes with it
        raise
    finally:
        executor.shutdown()


def start_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the main process, which ends this one
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent():
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


@contextmanager
def dask_executor(address):
    """Mark on the workers of a Dask cluster, of one thread each, whose scheduler has ``address``."""
    from distributed import Client

    with Client(address) as client:
        yield client.get_executor(pure=False)
