"""Run every notebook as a learner has it: alone in an empty folder, with the package from its wheel.

    python -m tools.run_notebooks              all of them
    python -m tools.run_notebooks 01-neuron    only this one
    python -m tools.run_notebooks --jobs 1     one after another (otherwise as many at once as there are cores)
    python -m tools.run_notebooks --record     also keep for the page *Status* how each ran

nbval executes each and compares its outputs with the stored ones. The assignments are run too, with their solutions;
they store no outputs, so there nbval asks only that every cell runs, the tests among them. The environment is a new one
that sees the libraries of this one, but not this folder's rnn_course: what a notebook imports comes from the wheel.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import psutil

from rnn_course.assignments import NAMES
from tools import status
from tools.assignments import write_teacher_notebook
from tools.book import KERNEL_ENVIRONMENT, NOTEBOOKS, ROOT

CELL_TIMEOUT = 300  # seconds, on a busy machine; a whole chapter is to take no more than 60


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.run_notebooks", description=__doc__.partition("\n")[0])
    parser.add_argument("notebook", nargs="*", help="notebooks to run, such as 01-neuron; all, if none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many run at once (default: one a core)")
    parser.add_argument("--record", action="store_true", help="keep when, how long and in how much memory each ran")
    options = parser.parse_args(arguments)
    known = [*(n.stem for n in sorted(NOTEBOOKS.glob("*.ipynb"))), *NAMES]
    if unknown := set(options.notebook) - set(known):
        parser.error(f"no such notebook: {', '.join(sorted(unknown))}. There are: {', '.join(known)}")

    chosen = [name for name in known if not options.notebook or name in options.notebook]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        python = environment_with_wheel(Path(folder))
        runs = {pool.submit(run, name, python, Path(folder), options.record): name for name in chosen}
        failed = sorted(runs[done] for done in as_completed(runs) if not report(runs[done], *done.result()))
    if failed:
        print(f"Failed: {', '.join(failed)}")
    print(f"notebooks: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def report(name, passed, seconds, output):
    """Print how a notebook fared, with pytest's words if it failed; return whether it passed."""
    if not passed:
        print(output)
    print(f"{name}: {'passed' if passed else 'FAILED'} in {seconds:.0f} s", flush=True)
    return passed


def environment_with_wheel(folder):
    """Make a virtual environment in ``folder`` that has rnn_course from its wheel, and the libraries of this one."""
    wheel = build_wheel(folder)
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = folder / "venv" / scripts / "python"
    paths = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    # a .pth file adds folders without reading the .pth files in them, so the editable install of this folder stays out
    (site / "libraries.pth").write_text("\n".join(dict.fromkeys(paths)) + "\n")
    settings = folder / "venv" / "etc" / "ipython"
    settings.mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "ipython_kernel_config.py", settings)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.check_call([*pip, "--target", str(site), str(wheel)])
    ask = "import rnn_course; print(rnn_course.__file__)"
    found = subprocess.check_output([python, "-c", ask], text=True, cwd=folder).strip()
    if not Path(found).is_relative_to(site):
        raise RuntimeError(f"rnn_course comes from {found}, not from its wheel")
    return python


def build_wheel(folder):
    """Build the package's wheel from a copy, so that nothing stale from an earlier build gets in."""
    source = folder / "source"
    shutil.copytree(ROOT / "rnn_course", source / "rnn_course", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.check_call([*pip, "--no-build-isolation", "--wheel-dir", str(folder), str(source)])
    return next(folder.glob("*.whl"))


def run(name, python, folder, record):
    """Run one notebook in a folder of its own; return whether every output came out as stored, the seconds, the log.

    With ``record``, the page *Status* will say so.
    """
    start = time.monotonic()
    alone = folder / name
    alone.mkdir()
    if name in NAMES:
        copy, nbval = write_teacher_notebook(name, alone), "--nbval-lax"
    else:
        copy, nbval = shutil.copy(NOTEBOOKS / f"{name}.ipynb", alone), "--nbval"
    command = [python, "-m", "pytest", nbval, "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"]
    options = ["-p", "no:cacheprovider", "--no-header", "-q", "--rootdir", str(alone), str(copy)]
    pipe = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen([*command, *options], cwd=alone, env=os.environ | KERNEL_ENVIRONMENT, **pipe)
    with status.peak_memory(psutil.Process(process.pid)) as peak:
        output, _ = process.communicate()
    passed, seconds = process.returncode == 0, time.monotonic() - start
    if record and passed:
        status.keep(name, seconds, peak())
    return passed, seconds, output


if __name__ == "__main__":
    sys.exit(main())
