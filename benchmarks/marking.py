"""How many submissions are marked in a minute.

    python -m benchmarks.marking                     all assignments
    python -m benchmarks.marking neuron --count 20   one, with a class of 20

A class of solved notebooks, no two alike, is marked as `python -m rnn_course grade` marks it: sandboxes, gradebook and
pages of feedback. The time that the marking processes take to start is counted.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from rnn_course.assignments import NAMES
from rnn_course.grading.classroom import Classroom, local_executor
from tests.made import folder as made
from tools.assignments import write_teacher_notebook


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.marking", description=__doc__.partition("\n")[0])
    parser.add_argument("assignment", nargs="*", default=NAMES)
    parser.add_argument("--count", type=int, default=12, help="submissions in the class (default: 12)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (default: one a core)")
    options = parser.parse_args(arguments)
    print("| assignment | submissions | at once | seconds | in a minute | seconds in a sandbox, median |")
    print("|---|---|---|---|---|---|")
    for name in options.assignment:
        seconds, each = measured(name, options.count, options.jobs)
        median = sorted(each)[len(each) // 2]
        rate = 60 * options.count / seconds
        print(f"| {name} | {options.count} | {options.jobs} | {seconds:.0f} | {rate:.1f} | {median:.1f} |", flush=True)


def measured(name, count, jobs):
    """Return the seconds that a class takes, and those of each submission."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_teacher_notebook(name, root / "course")
        for k in range(count):
            path = root / "submissions" / f"student-{k}" / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            notebook = made.solved(name)
            notebook.cells[-1].source += f"\n\n{k}"
            path.write_text(made.text(notebook), encoding="utf-8")
        start = time.monotonic()
        with local_executor(jobs) as executor:
            entries = Classroom(root / "submissions", name, root / "course").grade(executor, progress=False)
        seconds = time.monotonic() - start
        full = [sum(points for _, points, _, _ in parts) for e in entries for parts in e.result["exercises"].values()]
        got = [sum(score for _, _, score, _ in parts) for e in entries for parts in e.result["exercises"].values()]
        if got != full:
            raise RuntimeError("a solved notebook did not get all points")
        return seconds, [e.result["seconds"] for e in entries]


if __name__ == "__main__":
    main()
