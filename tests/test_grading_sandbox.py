"""What the student's code sees and reaches from inside a sandbox, and what comes out of it."""

import shutil
import subprocess
import time

import numpy as np
import psutil
import pytest

from rnn_course.assignments.written import StudentError
from rnn_course.grading import sandbox
from rnn_course.grading.sandbox import Limits
from rnn_course.grading.session import Session, SessionOver

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


@pytest.fixture(scope="module")
def session():
    with Session(Limits(cell_seconds=30), absent=("sklearn", "rnn_course.cells")) as session:
        session.run("import os, socket, subprocess\nfrom pathlib import Path\nimport numpy as np")
        yield session


def printed(session, code):
    outputs, _ = session.run(f"print({code})")
    return "".join(o.get("text", "") for o in outputs)


def error_of(session, code):
    outputs, _ = session.run(code)
    return next((f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"), "")


def test_it_sees_no_files_but_the_system_s_and_its_own(session, tmp_path):
    (tmp_path / "gradebook.db").write_text("marks")
    assert printed(session, f"os.path.exists({str(tmp_path)!r})").strip() == "False"
    assert printed(session, f"os.path.exists({str(sandbox.PACKAGE.parent / 'book')!r})").strip() == "False"
    assert printed(session, "os.listdir(os.environ['HOME'])").strip() == "[]"
    assert "passwd" not in printed(session, "os.listdir('/etc')")


@pytest.mark.parametrize("folder", ["/", "/usr", "/etc", "/dev", "/opt/course/rnn_course"])
def test_it_can_change_nothing_outside_its_own_folders(session, folder):
    assert "Read-only" in error_of(
        session, f"Path({folder!r}, 'mine').write_text('x')"
    ) or "PermissionError" in error_of(session, f"Path({folder!r}, 'mine').write_text('x')")


@pytest.mark.parametrize("folder", sandbox.WRITABLE)
def test_its_own_folders_are_small(session, folder):
    code = f"with open('{folder}/big', 'wb') as f:\n    while True:\n        f.write(bytes(10**7))"
    assert "No space left" in error_of(session, code) or "File too large" in error_of(session, code)
    session.run(f"os.remove('{folder}/big')")


def test_it_has_no_network(session):
    """A server on this machine cannot be reached, nor one elsewhere."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 3)"
        assert "refused" in error_of(session, connect)
    assert "unreachable" in error_of(session, "socket.create_connection(('192.0.2.1', 80), 3)")


def test_it_sees_no_other_process_and_is_not_root(session):
    numbers = printed(session, "[n for n in os.listdir('/proc') if n.isdigit()]")
    assert len(eval(numbers)) < 10
    assert printed(session, "os.getuid() == 0").strip() == "False"
    assert "Operation not permitted" in error_of(session, "os.setuid(0)")
    assert "SECRET" not in printed(session, "os.environ")


def test_secrets_in_the_environment_stay_outside(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "SECRET")
    with Session(Limits()) as session:
        assert "SECRET" not in printed(session, "dict(__import__('os').environ)")


def test_what_an_assignment_does_without_is_not_there(session):
    assert "do without `sklearn`" in error_of(session, "import sklearn")
    assert "do without `rnn_course.cells`" in error_of(session, "from rnn_course import cells")
    assert error_of(session, "from rnn_course import data") == ""


def test_calls_take_data_and_give_data(session):
    session.run("def double(x, by=2):\n    return {'twice': x * by, 'pair': (1, [np.float32(2)])}")
    found = session.written("double")(np.arange(6.0).reshape(2, 3), by=3)
    np.testing.assert_array_equal(found["twice"], 3 * np.arange(6.0).reshape(2, 3))
    assert found["pair"] == (1, [2.0]) and isinstance(found["pair"], tuple)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("return 1 / 0", "ZeroDivisionError", "division"),
        ("raise NotImplementedError", "NotImplementedError", ""),
        ("return object()", "TypeError", "neither a number"),
        ("return (n for n in [])", "TypeError", "generator"),
        ("return np.array([object()])", "TypeError", "numbers were wanted"),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("raise ValueError('x' * 10**6)", "ValueError", "x" * 1000),
    ],
)
def test_errors_come_back_in_words(session, body, kind, message):
    session.run(f"def wrong():\n    {body}")
    with pytest.raises(StudentError) as error:
        session.written("wrong")()
    assert error.value.kind == kind and message in str(error.value) and len(str(error.value)) <= 1000


def test_a_name_that_is_not_there_is_named(session):
    with pytest.raises(StudentError, match="'nowhere' is not defined"):
        session.written("nowhere")()


def test_the_line_of_an_error_is_told(session):
    session.run("def deep():\n    return [][3]\ndef wrong():\n    return deep()")
    with pytest.raises(StudentError) as error:
        session.written("wrong")()
    assert error.value.line == "return [][3]"


def test_what_is_forbidden_is_caught_as_it_runs(session):
    session.run("hidden = getattr(np, 'lin' + 'alg')\ndef fit(a):\n    return hidden.inv(a)")
    session.run("def hushed(a):\n    try:\n        return fit(a)\n    except Exception:\n        return a")
    for name in ("fit", "hushed"):
        session.written(name)(np.eye(2))
        with pytest.raises(StudentError, match=r"uses `numpy.linalg.inv`"):
            session.written(name, forbidden=("numpy.linalg.inv",))(np.eye(2))


def test_a_call_that_takes_too_long_ends_alone():
    with Session(Limits(cell_seconds=3)) as session:
        session.run("def forever():\n    while True:\n        pass\ndef one():\n    return 1")
        with pytest.raises(StudentError, match="more than 3 seconds"):
            session.written("forever")()
        assert session.written("one")() == 1


def test_an_answer_of_any_size_does_no_harm():
    with Session(Limits()) as session:
        session.run("import numpy as np\ndef large():\n    return np.zeros(20_000_000)\ndef one():\n    return 1")
        with pytest.raises((StudentError, SessionOver)):
            session.written("large")()


def test_when_it_is_over_nothing_of_it_is_left():
    session = Session(Limits())
    session.run("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)")
    processes = session.processes()
    assert len(processes) >= 3
    session.__exit__()
    time.sleep(0.5)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)
    with pytest.raises(SessionOver):
        session.run("1")


def test_an_old_bubblewrap_is_refused(monkeypatch):
    old = subprocess.CompletedProcess([], 0, stdout="bubblewrap 0.4.1\n", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: old)
    with pytest.raises(sandbox.SandboxError, match=r"bubblewrap 0.4.1, which is too old.*--without-sandbox"):
        sandbox.check_sandbox()


def test_where_no_sandbox_can_be_built_it_says_so(monkeypatch):
    answers = iter([("bubblewrap 0.8.0", 0), ("", 1)])

    def run(*a, **k):
        said, code = next(answers)
        return subprocess.CompletedProcess([], code, stdout=said, stderr="No permissions to create new namespace")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(sandbox.SandboxError, match="No permissions to create new namespace"):
        sandbox.check_sandbox()
