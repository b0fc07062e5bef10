"""``python -m benchmarks``: measure, or make tables and pictures of what was measured."""

import argparse
import os
import sys
from itertools import product

from benchmarks import memory, results
from benchmarks.problem import CELLS, SIZES, Problem
from benchmarks.report import report
from benchmarks.runner import CANDIDATES, SCANS, Setting, can_pin, installed_backends, measure_steps

MEASURES = ("steps", "scan", "memory")


def parser():
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--measure", nargs="+", choices=MEASURES, default=MEASURES, help="training steps, parallel scan, peak memory")
    add("--cells", nargs="+", choices=CELLS, default=CELLS)
    add("--sizes", nargs="+", choices=SIZES, default=None, help="(batch, T, inputs, units): see README.md")
    add("--backends", nargs="+", choices=installed_backends(), default=None)
    names = sorted({name for names in (*CANDIDATES.values(), SCANS, *memory.CANDIDATES.values()) for name in names})
    add("--candidates", nargs="+", choices=names, metavar="NAME", help="only these, for tuning; then nothing is kept")
    add("--threads", choices=("one", "all", "both"), default="one", help="one pinned core, or all cores")
    add("--malloc", choices=("default", "tuned", "both"), default="default")
    add("--device", choices=("cpu", "gpu"), default="cpu")
    add("--precision", nargs="+", choices=("float32", "bfloat16"), default=("float32",))
    add("--rounds", type=positive, default=None, help="how often each candidate is timed (default 20)")
    add("--budget", type=positive, default=60, help="seconds after which a slow candidate is timed no more")
    add("--core", type=int, default=None, help="the core to pin to; the last one if not given")
    add("--quick", action="store_true", help="5 rounds, sizes S and M, short memory and scan curves")
    add("--name", default=None, help="of the file in benchmarks/results, without .json")
    add("--report", action="store_true", help="measure nothing; make tables and pictures from the results file")
    return parser


def positive(text):
    """Return a positive whole number."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive whole number; received {text!r}")
    return int(text)


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; `sys.argv` if not given.

    Returns
    -------
    int
        0; 1 if interrupted; 2 if something that was asked for is not there: results, a GPU, a core; or if the results
        file is of another machine.
    """
    options = parser().parse_args(arguments)
    name = options.name or f"{options.device}-{os.cpu_count()}-cores"
    path = results.FOLDER / f"{name}.json"
    try:
        if options.report:
            print(*report(path), sep="\n")
            return 0
        if options.core is not None and can_pin() and options.core not in os.sched_getaffinity(0):
            raise ValueError(f"--core must be one of {sorted(os.sched_getaffinity(0))}; received {options.core}.")
        kept = None if options.candidates else results.Results(path, results.machine(options.device))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    options.sizes = options.sizes or (("S", "M") if options.quick else tuple(SIZES))
    options.rounds = options.rounds or (5 if options.quick else 20)
    if options.device == "cpu" and options.threads != "all" and not can_pin():
        print("This system cannot pin a process to one core: one thread is asked of each backend instead.")
    try:
        measure(options, kept)
    except KeyboardInterrupt:
        print("\nInterrupted; what was measured is kept." if kept else "\nInterrupted.")
        return 1
    return 0


def settings(options):
    """Return the settings that were asked for."""
    if options.device == "gpu":
        return [Setting("all", "default", "gpu")]
    threads = ("one", "all") if options.threads == "both" else (options.threads,)
    malloc = ("default", "tuned") if options.malloc == "both" else (options.malloc,)
    return [Setting(t, m, "cpu", options.core) for t, m in product(threads, malloc)]


def measure(options, kept):
    """Measure what was asked for, group after group."""
    backends = options.backends or [b for b in installed_backends() if options.device == "cpu" or b != "tensorflow"]
    for setting in settings(options):
        for precision in options.precision:
            for cell, size in product(options.cells, options.sizes):
                if "steps" in options.measure:
                    one_group("steps", Problem(cell, *SIZES[size], precision), setting, backends, options, kept)
        if "scan" in options.measure:
            for steps in lengths(options):
                one_group("scan", Problem("MinGRU", 32, steps, 32, 64), setting, backends, options, kept)
    if "memory" in options.measure and options.device == "cpu":
        memory_curves(backends, options, kept)


def lengths(options):
    """Return the sequence lengths of the curves."""
    return memory.STEPS[: 3 if options.quick else None]


def one_group(name, problem, setting, backends, options, kept):
    """Time one group's candidates side by side; keep the result after each round, and print it at the end."""
    group = {"measure": name, **problem.as_dict(), "threads": setting.threads, "malloc": setting.malloc}
    group["device"] = setting.device
    print(f"\n{describe(group)}", flush=True)
    measured = measure_steps(problem, setting, backends, options.candidates, options.rounds, options.budget, progress)
    for entries in measured:
        if kept and any(map(results.timed, entries)):
            kept.put(group, entries)
    print(table(entries), flush=True)


def memory_curves(backends, options, kept):
    """Measure peak memory; keep and print each point."""
    setting = settings(options)[0]
    group = {"measure": "memory", **memory.problem_at(None).as_dict(), "threads": setting.threads, "device": "cpu"}
    print("\nPeak memory of a training step, MiB: LSTM, batch 64, 64 inputs, 128 units", flush=True)
    if not memory.can_measure():
        print("Only Linux tells the peak from a given moment on: not measured here.")
        return
    for points in memory.measure_memory(
        backends, setting, options.candidates, lengths(options), options.budget, progress
    ):
        point = points[-1]
        value = point.get("error") or f"{point['mebibytes']:8.0f}"
        print(f"{point['backend']}: {point['candidate']}, T = {point['steps']}".ljust(46), value, flush=True)
        if kept:
            kept.put(group, points)


def progress(line):
    """Show what is going on, where somebody is looking."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)


def describe(group):
    """Return a group's heading."""
    return (
        f"{group['cell']}, batch {group['batch']}, T = {group['steps']}, {group['features']} inputs, {group['units']} "
        f"units, {group['precision']}; {group['device']}, threads: {group['threads']}, malloc: {group['malloc']}"
    )


def table(entries):
    """Return a group's table for the terminal."""
    rate = results.product_rate(entries)
    lines = [f"{'':46}{'ms: median':>11}{'quartiles':>18}{'of products':>13}{'compile s':>11}"]
    for entry in entries:
        name = f"{entry['backend']}: {entry['candidate']}"
        if not results.timed(entry):
            lines.append(f"{name:46}{entry.get('error', 'not timed')}")
            continue
        low, middle, high = (1000 * s for s in results.quartiles(entry["seconds"]))
        share = entry["flops"] / (middle / 1000) / rate
        lines.append(f"{name:46}{middle:11.3f}{low:9.3f}{high:9.3f}{share:13.0%}{entry['compile']:11.2f}")
    for backend, other, (low, middle, high) in results.comparisons(entries):
        lines.append(f"{f'{backend}: ours ÷ {other}':46}{middle:11.2f}{low:9.2f}{high:9.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
