"""A process that runs one backend's candidates: reads requests from standard input, a line of JSON each, and answers.

``{"do": "build", "candidate": …, "problem": {…}}``
    builds the candidate, takes its first steps, and answers with the time of the first (which compiles) and of a later
    one, in seconds, and for a training step with its loss and a sample of its gradient.
``{"do": "time", "candidate": …, "steps": …}``
    answers with the seconds per step.
``{"do": "peak", "candidate": …, "problem": {…}}``
    builds the candidate, takes a step, and answers with the memory that a second one needs at its peak, in MiB.

An exception is answered with ``{"error": …}``.
"""

import ctypes
import gc
import json
import os
import sys
from time import perf_counter, sleep


def pin(core):
    """Keep this process, and every thread that it will start, on one core."""
    os.sched_setaffinity(0, {core})


def prepare(name, problem):
    """Return a candidate; what it needs is imported here, when the process is pinned."""
    from benchmarks.candidates import build

    return build(name, problem)


def build(candidates, name, problem):
    """Build a candidate and take its first steps."""
    candidate = candidates[name] = prepare(name, problem)
    if not hasattr(candidate, "weights"):
        return {"first": seconds(candidate, 1), "later": seconds(candidate, 1)}
    before = candidate.weights()
    first = seconds(candidate, 1)
    loss, gradient = candidate.wait(), sample_of_gradient(before, candidate.weights())
    return {"first": first, "later": min(seconds(candidate, 1) for _ in range(2)), "loss": loss, "gradient": gradient}


def sample_of_gradient(before, after, size=1000):
    """Return about ``size`` entries of the gradient, spread over all weights, from what one step changed."""
    import numpy as np

    from benchmarks.problem import RATE

    gradient = np.concatenate([(b - a).ravel() for b, a in zip(before, after)]) / RATE
    return gradient[:: max(1, len(gradient) // size)].tolist()


def seconds(candidate, steps):
    """Return the seconds per step of ``steps`` steps."""
    start = perf_counter()
    for _ in range(steps):
        candidate.step()
    candidate.wait()
    return (perf_counter() - start) / steps


def time_steps(candidates, name, steps):
    """Time ``steps`` steps; short ones after one that is not timed, which brings the data back into the caches."""
    if steps > 1:
        seconds(candidates[name], 1)
    return {"seconds": seconds(candidates[name], steps)}


def peak(candidates, name, problem):
    """Return the MiB by which a training step raises the resident memory at its peak.

    The libraries' own needs are met by a step of a short sequence first, and the data are there already.
    """
    seconds(prepare(name, problem | {"steps": 2}), 1)
    candidate = candidates[name] = prepare(name, problem)
    before = resident_memory()
    seconds(candidate, 1)  # compiles
    resident_memory()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # start the peak anew from here
    seconds(candidate, 1)
    return {"mebibytes": (status("VmHWM") - before) / 1024}


def resident_memory():
    """Return the memory in use, in KiB, after what is free was given back. Linux with the GNU C library only."""
    gc.collect()
    sleep(0.5)  # some buffers are freed by other threads, a little later
    ctypes.CDLL(None).malloc_trim(0)
    return status("VmRSS")


def status(field):
    """Return a line of /proc/self/status, in KiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def in_a_line(error):
    """Return an exception's type and the line of its message that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[-1 if 'in user code' in lines[0] else 0]}"


def main():
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not come between the answers
    if core := os.environ.get("BENCHMARK_CORE"):
        pin(int(core))
    candidates = {}
    actions = {"build": build, "time": time_steps, "peak": peak}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            action = actions[request.pop("do")]
            answer = action(candidates, request.pop("candidate"), **request)
        except Exception as error:
            answer = {"error": in_a_line(error)}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
