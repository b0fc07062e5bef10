"""A class of every kind of submission is marked, killed half way, and marked to the end.

The command is run as a teacher runs it, in a process of its own. Needs bubblewrap.
"""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import psutil
import pytest

from rnn_course import assignments
from rnn_course.grading.classroom import alone_in
from rnn_course.grading.sandbox import check_hidden
from tests.made import folder as made
from tools import assignments as tools

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
CASES = made.cases()
STUDENTS = {name.removesuffix(".ipynb").replace("=cmd|' !A1", "_cmd__ _A1"): case for name, case in CASES.items()}
EXERCISES = assignments.load("neuron").exercises
OPTIONS = ["--cell-seconds", "20", "--seconds", "150", "--memory", "1"]


def command(submissions, course, *options):
    return [sys.executable, "-m", "rnn_course", "grade", str(submissions), "--course", str(course), *options]


def rows_of(course, name):
    with open(course / f"marks-{name}.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course folder after the class was marked, with what the killed run left."""
    root = tmp_path_factory.mktemp("class")
    submissions, course = root / "submissions", root / "course"
    made.write(submissions, CASES)
    (root / "secret").write_text("the gradebook")
    (submissions / "a-link").symlink_to(root / "secret")
    tools.write_teacher_notebook("neuron", course)
    run = command(submissions, course, "--assignment", "neuron", *OPTIONS)
    kept = course / "marked" / "neuron"

    first = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(kept.glob("*.json"))) >= 8 or first.poll() is not None)
    assert first.poll() is None, "the first run ended by itself"
    sandboxes = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = {p.name: p.read_text() for p in kept.glob("*.json")}
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in sandboxes), 10)

    second = subprocess.run(run, capture_output=True, text=True)
    return {"root": root, "course": course, "before": before, "run": run, "second": second}


@pytest.fixture(scope="module")
def rows(course):
    return rows_of(course["course"], "neuron")


def test_the_class_is_large_and_has_a_row_for_every_submission(rows):
    assert len(CASES) >= 30
    assert set(rows) == {*STUDENTS, "a-link"}


@pytest.mark.parametrize("student", STUDENTS)
def test_each_submission_gets_its_mark_or_a_plain_reason(student, rows):
    row, case = rows[student], STUDENTS[student]
    said = row["to look at"]
    assert case.says in said
    if case.points is None:
        assert row["state"] == "not marked" and row["total"] == "" and said
        return
    full = {name: exercise.points for name, exercise in EXERCISES.items()}
    expected = full | case.points
    scores = {name: float(row[name]) for name in EXERCISES}
    if student in ("forges-answers", "floods"):  # how far it gets depends on the machine
        assert scores == full or "stopped" in said
    elif any(points is None for points in case.points.values()):
        assert scores == {name: float(rows["wrong-step"][name]) for name in EXERCISES}
    else:
        assert scores == {name: expected[name] for name in EXERCISES}
    assert row["state"] == ("marked" if "report" in case.points else "to mark by hand")
    assert row["report"] == ("0" if "report" in case.points else "")
    assert float(row["of"]) == 100


def test_a_link_is_not_followed(rows):
    assert rows["a-link"]["state"] == "not marked" and "link" in rows["a-link"]["to look at"]


def test_every_zero_says_why(course, rows):
    for student, row in rows.items():
        if row["state"] == "not marked":
            continue
        result = json.loads((course["course"] / "marked" / "neuron" / f"{student}.json").read_text())["result"]
        for parts in result["exercises"].values():
            assert all(message for _, points, score, message in parts if score < points)


def test_nothing_was_lost_and_nothing_was_marked_twice(course):
    assert len(course["before"]) >= 8
    for name, kept in course["before"].items():
        before, after = json.loads(kept), json.loads((course["course"] / "marked" / "neuron" / name).read_text())
        assert after["recorded"] and (before["key"], before["result"]) == (after["key"], after["result"])
    with sqlite3.connect(course["course"] / "gradebook.db") as gradebook:
        assert gradebook.execute("pragma integrity_check").fetchone() == ("ok",)
        count, students = gradebook.execute(
            "select count(*), count(distinct student_id) from submitted_assignment"
        ).fetchone()
    marked = sum(case.points is not None for case in STUDENTS.values())
    assert count == students == marked


def test_the_second_run_names_what_it_could_not_mark(course):
    done = course["second"]
    not_marked = sum(case.points is None for case in STUDENTS.values()) + 1
    assert done.returncode == 1 and f"{not_marked} not marked" in done.stdout
    assert "not marked: truncated: the file is not a notebook, or is damaged" in done.stdout


def test_a_third_run_marks_nothing_and_says_the_same(course, rows):
    start = time.monotonic()
    kept = {p: p.stat().st_mtime_ns for p in (course["course"] / "marked" / "neuron").iterdir()}
    subprocess.run(course["run"], capture_output=True)
    assert rows_of(course["course"], "neuron") == rows
    assert kept == {p: p.stat().st_mtime_ns for p in (course["course"] / "marked" / "neuron").iterdir()}
    assert time.monotonic() - start < 120  # it would take longer to mark them


def test_nothing_of_a_submission_is_left_on_the_machine(course):
    tests = psutil.Process().parent()  # what other tests run beside this one comes from it; what was left does not
    left = [
        p
        for p in psutil.process_iter(["cmdline"])
        if "rnn_course.grading.program" in " ".join(p.info["cmdline"] or []) and tests not in p.parents()
    ]
    assert not left
    assert (course["root"] / "secret").read_text() == "the gradebook"


def test_pages_of_feedback_load_and_run_nothing(course):
    pages = list((course["course"] / "feedback").rglob("*.html"))
    assert len(pages) == sum(case.points is not None for case in STUDENTS.values())
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "<link" not in text and "Content-Security-Policy" in text
        assert not any(f'{attribute}="http' in text for attribute in ("src", "srcset", "poster"))
        assert "@import" not in text


def test_feedback_shows_the_points_and_the_reasons(course):
    def page(student):
        return (course["course"] / "feedback" / student / "neuron" / "neuron.html").read_text(encoding="utf-8")

    assert "Your notebook was stopped here: a cell ended the kernel" in page("exits")
    assert "asks you to do without" not in page("right")
    assert "&lt;script" in page("answers-in-html")
    assert "<math" in page("right")


def test_the_table_holds_no_formula(course):
    with open(course["course"] / "marks-neuron.csv", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_marks_given_by_hand_stay_and_reach_table_and_feedback(course):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course['course'] / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("report", "neuron", "neuron", "right")
        grade.manual_score, grade.needs_manual_grade = 12, False
        gradebook.find_comment("report", "neuron", "neuron", "right").manual_comment = "A fine picture."
        gradebook.db.commit()
    subprocess.run(course["run"], capture_output=True)
    row = rows_of(course["course"], "neuron")["right"]
    assert (row["state"], row["report"], row["total"]) == ("marked", "12", "97")
    page = course["course"] / "feedback" / "right" / "neuron" / "neuron.html"
    assert "A fine picture." in page.read_text(encoding="utf-8")

    (course["course"] / "marked" / "neuron" / "right.json").unlink()  # marked afresh, as when it is handed in anew:
    subprocess.run(course["run"], capture_output=True)
    row = rows_of(course["course"], "neuron")["right"]
    assert (row["state"], row["report"], row["total"]) == ("to mark by hand", "12", "97")  # the mark waits for a look


# ---- a cluster -------------------------------------------------------------------------------------------------------


def test_a_cluster_marks_the_same_though_a_worker_is_killed(course, rows, tmp_path):
    """Two worker processes on this machine; one is killed as soon as the first result is there."""
    from distributed import LocalCluster

    chosen = ("right", "wrong-step", "no-metadata", "exits")
    submissions, there = tmp_path / "submissions", tmp_path / "course"
    made.write(submissions, {student: CASES[student] for student in chosen})
    tools.write_teacher_notebook("neuron", there)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        run = [
            *command(submissions, there, "--assignment", "neuron", *OPTIONS),
            "--scheduler",
            cluster.scheduler_address,
        ]
        marking = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: list((there / "marked" / "neuron").glob("*.json")))
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        out, err = marking.communicate(timeout=300)
    assert marking.returncode == 0, out + err
    on_cluster = rows_of(there, "neuron")
    assert set(on_cluster) == set(chosen)
    for student in chosen:
        assert [on_cluster[student][name] for name in EXERCISES] == [rows[student][name] for name in EXERCISES]


# ---- refusals --------------------------------------------------------------------------------------------------------


def refused(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "rnn_course", "grade", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    return done.stderr


def test_without_bubblewrap_nothing_is_run(course, tmp_path):
    said = refused(
        course["root"] / "submissions", "--assignment", "neuron", "--course", course["course"], PATH=str(tmp_path)
    )
    assert "bubblewrap" in said and "--without-sandbox" in said


def test_what_is_missing_is_named(course, tmp_path):
    assert "make course" in refused(tmp_path, "--assignment", "neuron", "--course", tmp_path)
    assert "not a folder" in refused(tmp_path / "none", "--assignment", "neuron", "--course", course["course"])
    assert "no submissions" in refused(tmp_path, "--assignment", "neuron", "--course", course["course"])
    assert "invalid choice" in refused(tmp_path, "--assignment", "nonsense")


def test_folders_that_students_could_read_are_refused(course):
    said = refused(course["root"] / "submissions", "--assignment", "neuron", "--course", sys.prefix)
    assert "students' code can read" in said or "make course" in said
    with pytest.raises(ValueError, match="students' code can read"):
        check_hidden(sys.prefix + "/course")


def test_two_cannot_mark_the_same_course_at_once(course):
    with alone_in(course["course"]):
        said = refused(course["root"] / "submissions", "--assignment", "neuron", "--course", course["course"])
    assert "is being marked already" in said


def test_a_lost_gradebook_is_written_anew(course, rows, tmp_path):
    """From the results that are kept, here of a part of the class: nothing is marked again."""
    chosen = ("right", "wrong-step", "exits", "truncated")
    submissions, there = tmp_path / "submissions", tmp_path / "course"
    made.write(submissions, {student: CASES[student] for student in chosen})
    shutil.copytree(course["course"], there)
    (there / "gradebook.db").unlink()
    kept = {p: p.read_text() for p in (there / "marked" / "neuron").glob("*.json")}
    subprocess.run(command(submissions, there, "--assignment", "neuron", *OPTIONS), capture_output=True)
    again = rows_of(there, "neuron")
    assert {s: [row[name] for name in EXERCISES] for s, row in again.items()} == {
        s: [rows[s][name] for name in EXERCISES] for s in chosen
    }
    assert kept == {p: p.read_text() for p in (there / "marked" / "neuron").glob("*.json")}


def test_without_a_sandbox_the_marks_are_the_same(course, rows, tmp_path):
    made.write(tmp_path / "submissions", {"wrong-step": CASES["wrong-step"]})
    tools.write_teacher_notebook("neuron", tmp_path / "course")
    run = command(tmp_path / "submissions", tmp_path / "course", "--assignment", "neuron", "--without-sandbox")
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = rows_of(tmp_path / "course", "neuron")["wrong-step"]
    assert [row[name] for name in EXERCISES] == [rows["wrong-step"][name] for name in EXERCISES]
