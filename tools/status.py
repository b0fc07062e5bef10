"""When each notebook ran, with which versions, how long and in how much memory.

A run is kept in benchmarks/results/notebooks/, a file a notebook; the book's page *Status* shows them.
"""

import json
import os
import platform
import threading
from contextlib import contextmanager, suppress
from datetime import date
from importlib.metadata import version

import psutil

from tools.book import ROOT

RUNS = ROOT / "benchmarks" / "results" / "notebooks"
LIBRARIES = ("keras", "tensorflow", "numpy")
MEGABYTE = 1_000_000


def keep(name, seconds, memory):
    """Keep that the notebook ``name`` has just run, in so many seconds and at most so many bytes."""
    run = {
        "on": date.today().isoformat(),
        "seconds": round(seconds),
        "megabytes": round(memory / MEGABYTE),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }
    RUNS.mkdir(parents=True, exist_ok=True)
    beside = RUNS / f"{name}.tmp"
    beside.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    beside.replace(RUNS / f"{name}.json")


@contextmanager
def peak_memory(process=None, every=0.2):
    """Yield a function that says how many bytes the descendants of ``process`` have held at most, all together.

    Without ``process``, those of this one.
    """
    process, most, done = process or psutil.Process(), 0, threading.Event()

    def watch():
        nonlocal most
        with suppress(psutil.NoSuchProcess):  # when it has ended, there is no more to watch
            while not done.wait(every):
                most = max(most, sum(map(resident, process.children(recursive=True))))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: most
    finally:
        done.set()
        watcher.join()


def resident(process):
    """Return the bytes that a process holds; none, if it has ended meanwhile."""
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def run_of(name):
    """Return what is known of the last run of the notebook ``name``, or None."""
    path = RUNS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
