"""The parent: starts a worker process for each backend and asks them in turn, so that a disturbance hits all alike."""

import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from pathlib import Path

import numpy as np

from benchmarks.problem import CELLS, Product

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("tensorflow", "jax", "torch")
CANDIDATES = {
    "tensorflow": ("ours", "ours, no jit", "keras.layers", "keras.layers, jit", "keras.layers.RNN"),
    "jax": ("ours", "keras.layers", "keras.layers.RNN", "jax.lax.scan"),
    "torch": ("ours", "keras.layers", "keras.layers.RNN", "torch.nn"),
}
SCANS = ("loop", "parallel")
SECONDS_PER_TIMING = 0.05  # a timing is of as many steps as this takes
LEAST_ROUNDS = 3
# Of the gradient's largest entry: float32 rounding summed over 400 steps; TF32, in which GPUs may multiply float32, has
# 11 bits, and bfloat16 has 8.
TOLERANCES = {("cpu", "float32"): 1e-4, ("gpu", "float32"): 0.02, ("cpu", "bfloat16"): 0.1, ("gpu", "bfloat16"): 0.1}
SQUARE = {"cpu": 1024, "gpu": 8192}  # large enough for the machine to show its full rate
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36), "MALLOC_TOP_PAD_": str(2**26)}


@dataclass(frozen=True)
class Setting:
    """How the workers run.

    Parameters
    ----------
    threads : str
        "one": pinned to one core; "all": as the backend likes.
    malloc : str
        "default", or "tuned": freed memory is kept, not given back to the system, so it need not be fetched again.
    device : str
        "cpu" or "gpu".
    core : int or None
        Which core, where there is one to pin to.
    """

    threads: str = "one"
    malloc: str = "default"
    device: str = "cpu"
    core: int | None = None

    def environment(self, backend):
        """Return the worker's environment variables."""
        # What would change the measurement does not come in by accident.
        unwanted = ("MALLOC_", "JAX_ENABLE_X64", "TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        environment |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.device == "cpu":
            environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        else:  # the workers share the GPU's memory, so none may take all of it
            environment |= {"JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        if self.threads == "one":
            one = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
            environment |= dict.fromkeys(one, "1")
            if can_pin():
                environment["BENCHMARK_CORE"] = str(
                    self.core if self.core is not None else max(os.sched_getaffinity(0))
                )
        if self.malloc == "tuned":
            environment |= MALLOC
        return environment


def can_pin():
    """Whether this system can keep a process on one core; Linux can, macOS and Windows cannot."""
    return hasattr(os, "sched_setaffinity")


def installed_backends():
    """Return the backends that can be imported."""
    return [backend for backend in BACKENDS if find_spec(backend)]


class WorkerError(RuntimeError):
    """A worker could not do what it was asked."""


class Worker:
    """A process that runs the candidates of one backend; see `benchmarks.worker` for what it can be asked."""

    def __init__(self, backend, setting):
        self.backend = backend
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=setting.environment(backend),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            bufsize=1,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends its workers
        )

    def ask(self, do, candidate, **arguments):
        """Send a request and return the answer.

        Raises
        ------
        WorkerError
            If the candidate cannot do it, or the process died.
        """
        try:
            print(json.dumps({"do": do, "candidate": candidate, **arguments}), file=self.process.stdin)
            answer = json.loads(self.process.stdout.readline() or "{}")
        except BrokenPipeError:
            answer = {}
        if not answer:
            self.log.seek(0)
            raise WorkerError(f"the process ended; its last words: {self.log.read()[-500:].strip()!r}")
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.log.close()


def measure_steps(problem, setting, backends, candidates=None, rounds=20, budget=60.0, say=print):
    """Time the training step of every candidate on every backend, side by side.

    Parameters
    ----------
    problem : Problem
        The training step.
    setting : Setting
        Threads, malloc and device.
    backends : sequence of str
        Names of backends.
    candidates : sequence of str, optional
        Only these; all of `CANDIDATES` if not given.
    rounds : int
        How often each is timed.
    budget : float
        Seconds after which a slow candidate is timed no more, but for `LEAST_ROUNDS`.
    say : function
        Called with a line of progress.

    Yields
    ------
    list of dict
        The candidates, the same list after each round: backend, candidate, flops, and either error or compile
        (seconds), loss, difference (of the gradient, from the first's that is not ours, by its largest entry) and
        seconds (per step, one for each round; None where it was not timed in that round).
    """
    with ExitStack() as stack:
        workers = {backend: stack.enter_context(Worker(backend, setting)) for backend in backends}
        entries = []
        for backend, name, task in participants(problem, backends, setting.device, candidates):
            entries.append({"backend": backend, "candidate": name, "flops": task.flops})
            say(f"  building {backend}: {name}")
            add_build(entries[-1], workers[backend], task)
        check_agreement(entries, TOLERANCES[setting.device, problem.precision])
        order = random.Random(0)
        for turn in range(rounds):
            running = [entry for entry in entries if "error" not in entry]
            order.shuffle(running)
            for entry in running:
                add_timing(entry, workers[entry["backend"]], turn, budget)
            yield entries


def participants(problem, backends, device, candidates=None):
    """Yield backend, name and task of each candidate, and of the matrix products that show what the machine can do."""
    square = SQUARE[device]
    products = {
        "products of a step": (problem.batch, problem.units, problem.columns, problem.steps),
        f"products of {square} × {square}": (square, square, square, 1),
    }
    for backend in backends:
        for name in CANDIDATES[backend] if problem.cell in CELLS else SCANS:
            if candidates is None or name in candidates:
                yield backend, name, problem
        for name, shape in products.items():
            yield backend, name, Product(*shape, problem.precision)


def add_build(entry, worker, task):
    """Have a candidate built, and put what is known then into its entry."""
    try:
        answer = worker.ask("build", entry["candidate"], problem=task.as_dict())
    except WorkerError as error:
        entry["error"] = str(error)
        return
    entry["compile"] = max(0.0, answer["first"] - answer["later"])
    entry["later"] = answer["later"]
    entry["seconds"] = []
    for key in ("loss", "gradient"):
        if key in answer:
            entry[key] = answer[key]


def check_agreement(entries, tolerance):
    """Turn down every candidate whose loss or gradient differs from the first one's that is not ours."""
    gradients = [(entry, np.array(entry.pop("gradient"))) for entry in entries if "gradient" in entry]
    # min keeps the order: the first that is not ours, or the first of all
    first, expected = min(gradients, key=lambda pair: pair[0]["candidate"].startswith("ours"), default=(None, None))
    for entry, gradient in gradients:
        entry["difference"] = float(np.max(np.abs(gradient - expected)) / np.max(np.abs(expected)))
        loss_difference = abs(entry["loss"] / first["loss"] - 1)
        if not (entry["difference"] <= tolerance and loss_difference <= tolerance):  # not a number is not, either
            entry["error"] = (
                f"computes something else than {first['backend']}: {first['candidate']}; its gradient differs by "
                f"{entry['difference']:.1e}, its loss by {loss_difference:.1e}; {tolerance:.0e} is allowed"
            )


def add_timing(entry, worker, turn, budget):
    """Have a candidate timed once, unless it has had its time."""
    steps = max(1, ceil(SECONDS_PER_TIMING / entry["later"]))
    spent = sum(s or 0 for s in entry["seconds"]) * steps
    if turn >= LEAST_ROUNDS and spent > budget:
        entry["seconds"].append(None)
        return
    try:
        entry["seconds"].append(worker.ask("time", entry["candidate"], steps=steps)["seconds"])
    except WorkerError as error:
        entry["error"] = str(error)
