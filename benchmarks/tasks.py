"""``python -m benchmarks.tasks``: how long do recurrent networks remember? Success rates on four memory tasks."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import results
from rnn_course import data

UNITS, BATCH = 32, 32
UPDATES, CHECK_EVERY = 5000, 100  # of the weights: at most, and between two tests
RATES = (0.003, 0.01)
SEEDS = range(5)
TEST_SIZE, TEST_SEED = 512, 10**6
CELLS = ("SimpleRNN", "LSTM", "GRU")
PATH = results.FOLDER / "memory-tasks.json"


@dataclass(frozen=True)
class Task:
    """A memory task: its sequences, what the network puts out, and when it counts as solved.

    Parameters
    ----------
    make : callable
        ``make(count, steps, seed=...)`` returns inputs and targets.
    outputs : int
        Numbers that the network puts out.
    every_step : bool
        Whether it puts them out after every step, or after the last one.
    loss : str
        A key of `benchmarks.learning.LOSSES`.
    score : callable
        ``score(targets, outputs)`` returns one number.
    solved : callable
        ``solved(score)`` says whether that is enough.
    lengths : tuple of int
        T, rising.
    criterion : str
        What counts as solved, in words.
    """

    make: Callable
    outputs: int
    every_step: bool
    loss: str
    score: Callable
    solved: Callable
    lengths: tuple
    criterion: str


TASKS = {
    "adding": Task(
        make=data.adding,
        outputs=1,
        every_step=False,
        loss="squared error",
        score=lambda y, out: np.mean((y - out) ** 2),
        solved=lambda score: score < 0.01,
        lengths=(25, 50, 100, 200),
        criterion="mean squared error below 0.01 (always to answer 1: 0.167)",
    ),
    "copy": Task(
        make=partial(data.copy, length=3, symbols=8),
        outputs=10,
        every_step=True,
        loss="one right answer",
        score=lambda y, out: np.mean((y == out.argmax(-1))[:, -3:]),
        solved=lambda score: score >= 0.99,
        lengths=(10, 20, 40, 80),
        criterion="99% of the 3 symbols to recall right (a guess: 12.5%)",
    ),
    "temporal order": Task(
        make=data.temporal_order,
        outputs=4,
        every_step=False,
        loss="one right answer",
        score=lambda y, out: np.mean(y == out.argmax(-1)),
        solved=lambda score: score >= 0.99,
        lengths=(25, 50, 100, 200),
        criterion="99% of the sequences right (a guess: 25%)",
    ),
    "embedded Reber": Task(
        make=data.embedded_reber,
        outputs=7,
        every_step=True,
        loss="several right answers",
        score=lambda y, out: np.mean(((y > 0.5) == (out > 0)).all(axis=(1, 2))),
        solved=lambda score: score >= 0.99,
        lengths=(12, 25, 50, 100),
        criterion="in 99% of the strings every symbol's successors right (without T or P: 50%)",
    ),
}
ABLATIONS = (
    "SimpleRNN, 64 units",
    "LSTM, forget bias 0",
    "LSTM, forget bias 3",
    "LSTM, peepholes",
    "LSTM, no input gate",
    "LSTM, no forget gate",
    "LSTM, no output gate",
    "LSTM, coupled gates",
    "GRU, update bias 1",
)
ABLATED_AT = {
    ("adding", 50): ABLATIONS,
    ("embedded Reber", 25): ABLATIONS,
    ("temporal order", 100): ("LSTM, forget bias 3", "LSTM, no forget gate"),  # a memory that lasts from the start
}


class Runs:
    """All runs, kept in a JSON file after each one, so that an interruption loses only the run that it interrupts.

    Parameters
    ----------
    path : pathlib.Path
        The file. What is there already is not run again.
    """

    def __init__(self, path):
        self.path = path
        self.content = results.read(path) if path.exists() else {"machine": results.machine(), "groups": []}

    def group(self, **key):
        """Return the group of task, cell, steps and rate, a new one if there is none: a dict with its ``runs``."""
        found = [g for g in self.content["groups"] if all(g[name] == value for name, value in key.items())]
        if not found:
            found = [{**key, "runs": []}]
            self.content["groups"] += found
        return found[0]

    def keep(self):
        """Write the file."""
        self.content["versions"] = results.versions()
        head = {name: value for name, value in self.content.items() if name != "groups"}
        lines = ",\n".join(json.dumps(g) for g in self.content["groups"] if g["runs"])
        results.write(self.path, f'{json.dumps(head, indent=0)[:-2]},\n"groups": [\n{lines}\n]}}\n')

    def best_rate(self, task, cell, steps):
        """Return the learning rate with which these sequences were learned most often, then fastest, or None."""

        def quality(rate):
            runs = self.runs(task, cell, steps, rate)
            return sum(r["solved"] for r in runs), -sum(r["updates"] for r in runs)

        return max((rate for rate in RATES if self.runs(task, cell, steps, rate)), key=quality, default=None)

    def runs(self, task, cell, steps, rate):
        """Return the runs of a group, a list of dicts."""
        return self.group(task=task, cell=cell, steps=steps, rate=rate)["runs"]

    def best_runs(self, task, cell, steps):
        """Return the runs with the best learning rate."""
        return self.runs(task, cell, steps, self.best_rate(task, cell, steps))


def plan(kept, tasks, cells, ablations=True):
    """Yield (task, cell, steps, rate) of what is to be run, in an order that depends on what has come out.

    Short sequences come first. A length is tried if the one before was solved by at least one seed. With the shortest,
    both learning rates are tried; later the one that was best before, and the other only if it fails with most seeds.
    The ablations, with the learning rate of the cell that they change, come after the third length.
    """
    for level in range(max(len(TASKS[task].lengths) for task in tasks)):
        for task in tasks:
            lengths = TASKS[task].lengths[: level + 1]
            for cell in cells if level < len(TASKS[task].lengths) else ():
                if level == 0:
                    yield from ((task, cell, lengths[0], rate) for rate in RATES)
                elif any(run["solved"] for run in kept.best_runs(task, cell, lengths[-2])):
                    yield from with_rates(kept, task, cell, lengths[-1], kept.best_rate(task, cell, lengths[-2]))
        if level == 2:
            for (task, steps), variants in ABLATED_AT.items():
                for cell in variants if ablations and task in tasks else ():
                    rate = kept.best_rate(task, cell.partition(",")[0], steps)
                    if rate:  # the cell that is changed got as far as this length
                        yield task, cell, steps, rate


def with_rates(kept, task, cell, steps, first):
    """Yield a group with one learning rate after the other, until one solves the task with most seeds."""
    for rate in sorted(RATES, key=lambda rate: rate != first):
        yield task, cell, steps, rate
        runs = kept.runs(task, cell, steps, rate)
        if sum(run["solved"] for run in runs) > len(runs) / 2:
            break


def run(kept, tasks, cells, ablations=True, seeds=SEEDS):
    """Run the plan; keep and print each run."""
    from benchmarks.learning import Learner

    for task, cell, steps, rate in plan(kept, tasks, cells, ablations):
        group = kept.group(task=task, cell=cell, steps=steps, rate=rate)
        missing = [seed for seed in seeds if seed not in [r["seed"] for r in group["runs"]]]
        learner = Learner(TASKS[task], cell, steps) if missing else None
        for seed in missing:
            found = learner.learn(seed, rate)
            group["parameters"] = learner.parameters
            group["runs"].append(found)
            kept.keep()
            word = f"solved with {found['sequences']} sequences" if found["solved"] else "not solved"
            print(f"{task}, T = {steps}, {cell}, rate {rate:g}, seed {seed}: {word} ({found['seconds']} s)", flush=True)


def parser():
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tasks", description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=tuple(TASKS))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many (default 5)")
    parser.add_argument("--no-ablations", action="store_true", help="the three cells alone")
    parser.add_argument("--report", action="store_true", help="run nothing; make table and picture of what was run")
    return parser


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; `sys.argv` if not given.

    Returns
    -------
    int
        0; 1 if interrupted; 2 if there is nothing to report.
    """
    options = parser().parse_args(arguments)
    if options.report:
        from benchmarks.tasks_report import report

        if not PATH.exists():
            print(f"There are no results {PATH}: run `python -m benchmarks.tasks` first.", file=sys.stderr)
            return 2
        print(*report(PATH), sep="\n")
        return 0
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    try:
        run(Runs(PATH), options.tasks, options.cells, not options.no_ablations, range(options.seeds))
    except KeyboardInterrupt:
        print("\nInterrupted; what was run is kept. The same command goes on.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
