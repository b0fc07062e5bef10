"""The trained networks that come with the package: each is what its notebook of chapter 8 makes with FULL = True.

    python -m benchmarks.applications                    all notebooks of chapter 8
    python -m benchmarks.applications 08e-translation    only this one

A notebook's code runs as it stands, but for the line ``FULL = False``, up to its last cell that saves an application.
What it saves under the name of an application goes to rnn_course/applications/trained/, results included; when, for how
long, and on what machine it ran stands in benchmarks/results/applications/.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks import results
from rnn_course.applications import APPLICATIONS, TRAINED
from rnn_course.applications.application import read
from tools.book import KERNEL_ENVIRONMENT, chapters
from tools.weave import page_notebook

KEPT = results.FOLDER / "applications"
SHORT, FULL = "FULL = False", "FULL = True"


def main(arguments=None):
    known = {chapter.stem: chapter for chapter in chapters() if chapter.stem.startswith("08")}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.applications", description=__doc__.partition("\n")[0])
    parser.add_argument("notebook", nargs="*", choices=[*known, []], help="such as 08e-translation; all, if none named")
    options = parser.parse_args(arguments)
    os.environ.update(KERNEL_ENVIRONMENT)
    for name in options.notebook or known:
        train(name, full_code(page_notebook(known[name])))
    return 0


def full_code(notebook):
    """Return the code cells to run, as texts: with FULL, and up to the last one that saves an application.

    Raises
    ------
    ValueError
        If not exactly one cell has the line ``FULL = False``, or none saves.
    """
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if sum(SHORT in code.splitlines() for code in codes) != 1:
        raise ValueError(f"exactly one cell must have the line {SHORT!r}")
    saves = [number for number, code in enumerate(codes) if ".save(" in code]
    if not saves:
        raise ValueError("no cell saves an application")
    return ["\n".join(FULL if line == SHORT else line for line in code.splitlines()) for code in codes[: saves[-1] + 1]]


def train(name, codes):
    """Run the code in an empty folder, and keep the applications that it saves there."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in codes])
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute()
        seconds = round(time.monotonic() - start)
        for file in sorted(Path(folder).glob("*.zip")):
            if file.stem in APPLICATIONS:
                keep(file, name, seconds)


def keep(file, notebook, seconds):
    """Put an application among those that come with the package, and write down how it was made."""
    content, weights = read(file)
    made = {
        "notebook": notebook,
        "on": date.today().isoformat(),
        "seconds": seconds,
        "weights": sum(weight.size for weight in weights),
        "results": content["results"],
        "machine": results.machine(),
        "versions": results.versions(),
    }
    results.write(KEPT / f"{file.stem}.json", json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    beside = TRAINED / f"{file.name}.part"
    shutil.copy(file, beside)
    beside.replace(TRAINED / file.name)
    print(f"{file.stem}: {content['results']} in {seconds} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
