"""Peak memory of a training step against the length of the sequence, each point in a process of its own."""

from pathlib import Path
from time import perf_counter

from benchmarks.problem import Problem
from benchmarks.runner import Setting, Worker, WorkerError

STEPS = (100, 200, 400, 800, 1600, 3200)
CANDIDATES = {
    "tensorflow": ("ours", "ours, checkpoint", "keras.layers", "keras.layers, jit"),
    "jax": ("ours", "ours, checkpoint", "keras.layers"),
    "torch": ("ours", "ours, checkpoint", "keras.layers", "torch.nn"),
}


def can_measure():
    """Whether this system tells a process's peak memory from any moment on; Linux does."""
    return Path("/proc/self/clear_refs").exists()


def problem_at(steps):
    """Return the training step that is measured: an LSTM of the middle size, over ``steps`` steps."""
    return Problem("LSTM", 64, steps, 64, 128)


def measure_memory(backends, setting=None, candidates=None, lengths=STEPS, budget=60.0, say=print):
    """Measure the peak memory of a training step of each candidate at each length.

    Parameters
    ----------
    backends : sequence of str
        Names of backends.
    setting : Setting, optional
        Threads and core; one pinned core if not given.
    candidates : sequence of str, optional
        Only these; all of `CANDIDATES` if not given.
    lengths : sequence of int
        T, rising.
    budget : float
        Seconds; a candidate that takes longer at one length is not measured at the longer ones.
    say : function
        Called with a line of progress.

    Yields
    ------
    list of dict
        The points, the same list with one point more each time: backend, candidate, steps, and mebibytes or error.
    """
    points = []
    for backend in backends:
        for name in CANDIDATES[backend]:
            if candidates is not None and name not in candidates:
                continue
            for steps in lengths:
                say(f"  {backend}: {name}, T = {steps}")
                start = perf_counter()
                points.append(
                    {"backend": backend, "candidate": name, "steps": steps, **peak(backend, name, steps, setting)}
                )
                yield points
                if "error" in points[-1] or perf_counter() - start > budget:
                    break


def peak(backend, name, steps, setting=None):
    """Return one point: the mebibytes that a step needs at its peak, or the error."""
    with Worker(backend, setting or Setting()) as worker:
        try:
            return worker.ask("peak", name, problem=problem_at(steps).as_dict())
        except WorkerError as error:
            return {"error": str(error)}
