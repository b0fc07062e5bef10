"""What was measured: kept as JSON, and the numbers that are drawn from it."""

import json
import os
import platform
import statistics
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDER = Path(__file__).parent / "results"
KEY = ("measure", "cell", "batch", "steps", "features", "units", "precision", "threads", "malloc", "device")


def machine(device="cpu"):
    """Describe this machine, without its name.

    Raises
    ------
    ValueError
        If ``device`` is "gpu" and no NVIDIA GPU is found.
    """
    found = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["memory, GiB"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    return found | ({"gpu": gpu()} if device == "gpu" else {})


def gpu():
    """Return the model of the first NVIDIA GPU."""
    try:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        raise ValueError("--device gpu needs an NVIDIA GPU, and nvidia-smi shows none: use --device cpu.") from None


def processor():
    """Return the processor's model where Linux tells it, otherwise what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def versions():
    """Return the versions of what takes part."""
    found = {"python": platform.python_version()}
    for package in ("numpy", "keras", "tensorflow", "jax", "jaxlib", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


class Results:
    """The results file of one machine: a list of groups, each measured side by side in one run.

    Parameters
    ----------
    path : pathlib.Path
        The JSON file; what is there already is kept, and a group that is measured again replaces the old one.
    machine : dict
        The machine that measures.

    Raises
    ------
    ValueError
        If the file is of another machine.
    """

    def __init__(self, path, machine):
        self.path = Path(path)
        self.content = {"machine": machine, "groups": []}
        if self.path.exists():
            self.content = read(self.path)
            if self.content["machine"] != machine:
                raise ValueError(
                    f"{self.path} is of another machine, {self.content['machine']}; this one is {machine}: choose "
                    f"another --name."
                )

    def put(self, group, entries):
        """Put a group's entries into the file, in the place of those measured before."""
        self.content["groups"] = [g for g in self.content["groups"] if key(g) != key(group)]
        rounded = [{name: round_off(value) for name, value in entry.items()} for entry in entries]
        group = {**group, "date": date.today().isoformat(), "versions": versions(), "entries": rounded}
        self.content["groups"].append(group)
        write(self.path, as_text(self.content))


def as_text(content):
    """Return a results file's text: JSON, a line for the machine and one for each group."""
    groups = ",\n".join(json.dumps(group, ensure_ascii=False) for group in content["groups"])
    return f'{{"machine": {json.dumps(content["machine"])},\n"groups": [\n{groups}\n]}}\n'


def key(group):
    """Return what a group is known by."""
    return tuple(group.get(name) for name in KEY)


def read(path):
    """Return the content of a results file."""
    return json.loads(Path(path).read_text())


def write(path, text):
    """Write a file beside its place, and then put it there, so that there is never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(text)
    beside.replace(path)


def round_off(value):
    """Round a float, or a list of them, to four significant digits."""
    if isinstance(value, list):
        return [round_off(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def quartiles(values):
    """Return lower quartile, median and upper quartile of the numbers among ``values``."""
    numbers = [v for v in values if v is not None]
    if len(numbers) < 2:
        return (numbers * 3)[:3] or [float("nan")] * 3
    return statistics.quantiles(numbers, n=4, method="inclusive")


def median(entry):
    """Return an entry's median, in seconds per step."""
    return quartiles(entry["seconds"])[1]


def ratio(entry, other):
    """Return quartiles of ``entry`` ÷ ``other``, round by round."""
    return quartiles([a / b for a, b in zip(entry["seconds"], other["seconds"]) if a is not None and b is not None])


def find(entries, backend, *names):
    """Return the fastest of the candidates ``names`` of a backend, or None if none was timed."""
    found = [e for e in entries if e["backend"] == backend and e["candidate"] in names and timed(e)]
    return min(found, key=median, default=None)


def timed(entry):
    """Whether an entry has a time."""
    return "error" not in entry and any(entry.get("seconds", ()))


def product_rate(entries):
    """Return the machine's own rate, in operations a second: that of the fastest matrix products of the group."""
    rates = [e["flops"] / median(e) for e in entries if e["candidate"].startswith("products") and timed(e)]
    return max(rates, default=float("nan"))


def comparisons(entries):
    """Return (backend, other, quartiles of ours ÷ other) for what is to be reached.

    The others are ``"keras.layers"``, the better of with and without jit, and ``"torch.nn"``, on whatever backend ours
    runs.
    """
    found = []
    for backend in dict.fromkeys(entry["backend"] for entry in entries):
        ours = find(entries, backend, "ours")
        others = {
            "keras.layers": find(entries, backend, "keras.layers", "keras.layers, jit"),
            "torch.nn": find(entries, "torch", "torch.nn"),
        }
        found += [(backend, name, ratio(ours, other)) for name, other in others.items() if ours and other]
    return found
