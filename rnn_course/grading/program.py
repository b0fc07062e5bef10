"""The program that runs in a sandbox: a Jupyter kernel, and a loop that has it run what the marker asks for.

Requests come on standard input, replies go to standard output, as frames (`rnn_course.grading.wire`):

- ``{"cell": source, "timeout": seconds}`` gives ``{"outputs": [...], "state": ...}``;
- ``{"call": {...}, "timeout": seconds}`` gives ``{"value": ...}`` or ``{"error": [kind, message, line]}``.

``state`` is "done", "timeout" (the cell was interrupted), "stuck" (it could not be) or "died" (the kernel has ended).
Nothing here is trusted outside: the student's code shares this sandbox.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys

import nbformat
from jupyter_client.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from rnn_course.grading.inside import ANSWER
from rnn_course.grading.wire import read_frame, write_frame

OUTPUT_OF_CELL, OUTPUT = 2 * 2**20, 8 * 2**20  # bytes that a cell, and the whole notebook, may show
GRACE = 5  # seconds that an interrupted kernel has to answer
TIMEOUT = {"ename": "CellTimeoutError", "evalue": "", "traceback": []}  # in the reply that nbclient makes up
SHOWN = ("stream", "display_data", "execute_result", "error", "update_display_data")


class Kernel(NotebookClient):
    """nbclient, with a limit on what a notebook may show."""

    room = OUTPUT

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in SHOWN and ANSWER not in msg["content"].get("data", ()):
            size = len(json.dumps(msg["content"], default=str))
            self.shown += size
            if self.shown > OUTPUT_OF_CELL and not self.flooded:
                self.interrupt = asyncio.ensure_future(ensure_async(self.km.interrupt_kernel()))
            self.flooded = self.flooded or self.shown > min(OUTPUT_OF_CELL, self.room)
            if self.flooded:
                return None
            self.room -= size
        return super().process_message(msg, cell, cell_index)

    def run(self, source, timeout):
        """Run ``source`` as the next cell; return the cell and how it went."""
        cell = nbformat.v4.new_code_cell(source)
        self.nb.cells.append(cell)
        self.timeout, self.shown, self.flooded, self.reply = timeout, 0, False, {}
        try:
            self.execute_cell(cell, len(self.nb.cells) - 1)
        except DeadKernelError:
            return cell, "died"
        if self.flooded:
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text="\n[The rest is left out.]\n"))
        return cell, "timeout" if self.reply.get("ename") == TIMEOUT["ename"] else "done"

    def keep_reply(self, cell, cell_index, execute_reply):
        self.reply = execute_reply["content"]


def main():
    limit_resources()
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the frames
    kernel = Kernel(
        nbformat.v4.new_notebook(),
        kernel_name="python3",
        allow_errors=True,
        interrupt_on_timeout=True,
        error_on_timeout=TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        startup_timeout=120,
    )
    kernel.on_cell_executed = kernel.keep_reply
    with kernel.setup_kernel(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        while True:
            try:
                request = read_frame(requests)
            except EOFError:
                return
            write_frame(replies, respond(kernel, request))


def respond(kernel, request):
    if "cell" in request:
        cell, state = kernel.run(request["cell"], request["timeout"])
        if state == "timeout" and kernel.run("pass", GRACE)[1] != "done":
            state = "stuck"
        return {"outputs": cell.outputs, "state": state}
    call = f"__import__('rnn_course.grading.inside', fromlist=['answer']).answer({json.dumps(request['call'])!r})"
    cell, state = kernel.run(call, request["timeout"])
    for output in cell.outputs:
        if ANSWER in output.get("data", {}):
            return json.loads(output.data[ANSWER])
    if state == "timeout":
        return {"error": ["TimeoutError", f"it took more than {request['timeout']} seconds", ""]}
    return {"error": ["NoAnswer", "it gave no answer", ""], "state": state}


def limit_resources():
    """Lower this process's limits for good, and give up being root."""
    limits = json.loads(os.environ.pop("RNN_COURSE_LIMITS"))
    os.nice(10)  # the watch must get its turn, however many processes there are
    for name, value in limits["rlimits"].items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    if limits["uid"] is not None:
        os.setgroups([])
        os.setgid(limits["uid"])
        os.setuid(limits["uid"])


if __name__ == "__main__":
    main()
