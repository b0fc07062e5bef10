"""Run every notebook of a folder as Colab does. For weekly.yml, inside Colab's own image.

    python colab.py FOLDER

Each runs alone, in an empty folder, and fails if a cell raises. Outputs are not compared: Colab's libraries are others.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

CELL_TIMEOUT = 600  # seconds


def main(folder):
    notebooks = sorted(Path(folder).glob("*.ipynb"))
    set_up(notebooks[0])
    failed = [path.stem for path in notebooks if not passes(path)]
    print(f"notebooks: {len(notebooks) - len(failed)} passed, {len(failed)} failed", *failed)
    return 1 if failed else 0


def set_up(path):
    """Install the package with the notebook's own first cell, which looks whether it is in Colab."""
    import google.colab  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell

    cell = nbformat.read(path, as_version=4).cells[0]
    print(cell.source, flush=True)
    InteractiveShell.instance().run_cell(cell.source).raise_error()
    subprocess.check_call([sys.executable, "-m", "rnn_course", "devices"])


def passes(path):
    """Run one notebook; print how it went, and return whether all its cells did."""
    start, error = time.monotonic(), None
    with tempfile.TemporaryDirectory() as alone:
        notebook = nbformat.read(path, as_version=4)
        options = {"timeout": CELL_TIMEOUT, "resources": {"metadata": {"path": alone}}}
        try:
            NotebookClient(notebook, **options).execute()
        except Exception as problem:  # also of a kernel that died or took too long: the others are still to be run
            error = problem
    if error:
        print(error)
    print(f"{path.stem}: {'FAILED' if error else 'passed'} in {time.monotonic() - start:.0f} s", flush=True)
    return not error


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
