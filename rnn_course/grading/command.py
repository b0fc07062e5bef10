"""``python -m rnn_course grade`` for the teacher, ``python -m rnn_course check`` for the student."""

import argparse
import os
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

from rnn_course.assignments import NAMES

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}


def grade(arguments):
    """Mark a folder of submissions; return 0, 1 if some could not be marked, or 2 if nothing was done."""
    parser = argparse.ArgumentParser(
        prog="python -m rnn_course grade",
        description="Mark a folder of submissions, each in a sandbox. Stopped, it goes on where it was.",
    )
    parser.add_argument("submissions", type=Path, help="a folder of students' folders, or of notebooks")
    parser.add_argument("--assignment", required=True, choices=NAMES)
    parser.add_argument("--course", type=Path, default=Path("course"), help="the course folder (default: course)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count(), help="how many at once (default: one a core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="mark on the Dask cluster with this scheduler")
    parser.add_argument("--seconds", type=positive, default=600, help="time for a submission (default: 600)")
    parser.add_argument("--cell-seconds", type=positive, default=120, help="time for one of its cells (default: 120)")
    parser.add_argument("--memory", type=positive, default=4, help="memory for a submission, in GB (default: 4)")
    parser.add_argument(
        "--without-sandbox",
        action="store_true",
        help="run the students' code unprotected: it can do to this machine all that you can do",
    )
    options = parser.parse_args(arguments)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        from rnn_course.grading import classroom, sandbox
    except ImportError as error:
        return refuse(f"Marking needs more packages ({error}). Install them: pip install 'rnn-course[teach]'")
    limits = sandbox.Limits(options.seconds, options.cell_seconds, options.memory * 2**30)
    try:
        if not options.without_sandbox and not options.scheduler:
            sandbox.check_sandbox()
        room = classroom.Classroom(
            options.submissions, options.assignment, options.course, limits, not options.without_sandbox
        )
        scheduler = options.scheduler
        executor = classroom.dask_executor(scheduler) if scheduler else classroom.local_executor(options.jobs)
        with executor as where:
            entries = room.grade(where, progress=sys.stderr.isatty())
    except (ValueError, sandbox.SandboxError) as error:
        return refuse(error)
    except BrokenExecutor:
        return refuse("A process that marks was lost. What was marked is kept: the same command goes on from there.")
    except KeyboardInterrupt:
        return refuse("\nInterrupted. What was marked is kept: the same command goes on from there.")
    return report(room, entries)


def positive(text):
    """Return a positive whole number, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def refuse(why):
    print(why, file=sys.stderr)
    return 2


def report(room, entries):
    """Say what came out, naming the submissions that could not be marked."""
    not_marked = [e for e in entries if not e.result]
    for e in not_marked:
        print(f"not marked: {e.student}: {e.problem}")
    print(f"{len(entries)} submissions: {len(entries) - len(not_marked)} marked, {len(not_marked)} not marked")
    print(f"marks:      {room.table}")
    print(f"feedback:   {room.course.root / 'feedback'}")
    return 1 if not_marked else 0


def check(arguments):
    """Run the visible tests of a notebook as its author would; return 0 if all pass."""
    parser = argparse.ArgumentParser(
        prog="python -m rnn_course check",
        description="Run an assignment's tests on your notebook, before you hand it in.",
    )
    parser.add_argument("notebook", type=Path)
    options = parser.parse_args(arguments)
    from rnn_course.grading.checking import check_notebook
    from rnn_course.grading.repair import NotMarkable

    try:
        return check_notebook(options.notebook)
    except (OSError, NotMarkable) as error:
        return refuse(error)
