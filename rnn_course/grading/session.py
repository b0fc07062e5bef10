"""The session of one submission: a kernel in a sandbox, to be asked from outside.

The student's code can do what it likes in there. What comes out is data, of limited size; and a watch ends the session
when it outgrows its limits.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time

import psutil

from rnn_course.assignments.written import Remote, StudentError
from rnn_course.grading.sandbox import ENVIRONMENT, PROGRAM, own_limits, passed_on, sandbox_command, user_of_its_own
from rnn_course.grading.wire import WireError, decode, encode, read_frame, write_frame


class SessionOver(BaseException):
    """The student's session has ended, or was ended; the message says why, ``outputs`` what its last cell showed.

    It is no Exception, so that a check which expects the student's code to fail does not take it for that.
    """

    def __init__(self, why, outputs=()):
        super().__init__(why)
        self.outputs = list(outputs)


class Session:
    """A kernel in a sandbox.

    Parameters
    ----------
    limits : Limits
        What it may use.
    absent : tuple of str
        Packages, and modules of `rnn_course`, that are not there.
    sandboxed : bool
        Whether there is a sandbox round it. Without one, what the student's code does is done to this machine.
    """

    def __init__(self, limits, absent=(), sandboxed=True):
        self.limits, self.over = limits, None
        self.folder = None if sandboxed else tempfile.TemporaryDirectory(prefix="rnn-course-")
        drop_to = user_of_its_own() if sandboxed and os.geteuid() == 0 else None
        command = sandbox_command(limits, absent, drop_to) if sandboxed else [*PROGRAM]
        environment = ENVIRONMENT | passed_on() | {"RNN_COURSE_LIMITS": json.dumps(own_limits(limits, drop_to))}
        if not sandboxed:
            environment = os.environ | environment | {"HOME": self.folder.name}
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=None if sandboxed else self.folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.end = time.monotonic() + limits.seconds
        self.request_end = self.end
        self.watch = threading.Thread(target=self.keep_watch, daemon=True)
        self.watch.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill("it is over")
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self.watch.join()
        if self.folder:
            self.folder.cleanup()

    # --- what it is asked ---------------------------------------------------------------------------------------------

    def run(self, source):
        """Run a cell; return its outputs, and "done" or "timeout".

        Raises
        ------
        SessionOver
            If the kernel did not survive it.
        """
        reply = self.ask({"cell": source, "timeout": self.limits.cell_seconds})
        state, outputs = reply.get("state"), reply.get("outputs")
        if not isinstance(outputs, list):
            raise self.ended("its answers make no sense")
        if state == "died":
            raise self.ended("a cell ended the kernel (it called `os._exit`, or crashed it)", outputs)
        if state == "stuck":
            seconds = self.limits.cell_seconds
            raise self.ended(f"a cell took more than {seconds:g} seconds and could not be interrupted", outputs)
        return outputs, state

    def written(self, name, forbidden=()):
        """Return what the student wrote under ``name``, to be called from here, without what is ``forbidden``."""

        def send(name, helper, args, kwargs):
            call = {"name": name, "helper": helper, "args": encode(args), "kwargs": encode(kwargs)}
            call["forbidden"] = list(forbidden)
            reply = self.ask({"call": call, "timeout": self.limits.cell_seconds})
            if reply.get("state") in ("died", "stuck"):
                raise self.ended("a call of what it wrote ended the kernel")
            return value_of(reply, name)

        return Remote(name, send)

    def ask(self, request):
        """Send a request and return its reply, a dict."""
        if self.over:
            raise SessionOver(self.over)
        self.request_end = time.monotonic() + request["timeout"] + 60  # starting up and interrupting take their time
        try:
            write_frame(self.process.stdin, request)
            reply = read_frame(self.process.stdout)
            self.request_end = self.end
        except (EOFError, BrokenPipeError, ValueError):
            raise self.ended("it ended its own process") from None
        except WireError as error:
            raise self.ended(f"its answers make no sense: {error}") from None
        if not isinstance(reply, dict):
            raise self.ended("its answers make no sense")
        return reply

    # --- its end ------------------------------------------------------------------------------------------------------

    def ended(self, why, outputs=()):
        """End the session; return the error to raise, with the reason that came first."""
        self.kill(why)
        return SessionOver(self.over, outputs)

    def kill(self, why):
        self.over = self.over or why
        with contextlib.suppress(ProcessLookupError):
            if self.folder:  # without a sandbox, what it started has to be found
                for process in self.processes():
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            os.killpg(self.process.pid, 9)

    def processes(self):
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def keep_watch(self):
        """End the session when it outgrows a limit."""
        while self.process.poll() is None:
            if reason := self.excess():
                self.kill(reason)
                return
            time.sleep(0.1)

    def excess(self):
        """Return which limit is passed, in words, or nothing."""
        now = time.monotonic()
        if now > self.end:
            return f"it took more than {self.limits.seconds:g} seconds in all"
        if now > self.request_end:
            return f"a cell took more than {self.limits.cell_seconds:g} seconds and could not be interrupted"
        processes = self.processes()
        threads = total(processes, lambda process: process.num_threads())
        if threads > self.limits.processes:
            return f"it started more than {self.limits.processes} processes and threads"
        resident = total(processes, lambda process: process.memory_info().rss)
        # what forked processes share is counted for each of them, so look closer before you judge
        if resident > self.limits.memory < total(processes, lambda process: process.memory_full_info().pss):
            return f"it used more than {self.limits.memory / 2**30:.3g} GB of memory"
        return None


def total(processes, measure):
    """Add up a measure of all processes that are still there."""
    found = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found += measure(process)
    return found


def value_of(reply, name):
    """Return the data in a reply, or raise the error that it tells of."""
    if "value" in reply:
        return decode(reply["value"])
    kind, message, line = (str(part)[:1000] for part in reply["error"])
    raise StudentError(kind, message, line, name)
