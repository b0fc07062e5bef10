"""Weave book/NN-name.md into notebooks/NN-name.ipynb, running the chapters whose code changed.

    python -m tools.weave              weave what needs it
    python -m tools.weave 01-neuron    only this chapter
    python -m tools.weave --force      run chapters again even if nothing changed
    python -m tools.weave --check      say what would be woven, write nothing; exit 1 if anything would

A chapter runs when its code cells, a module of rnn_course that it uses, or the pinned requirements changed: a notebook
remembers what it was made from. Otherwise its outputs are kept and only its text is renewed.
"""

import argparse
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from modulefinder import ModuleFinder
from pathlib import Path

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import status
from tools.book import (
    BOOK,
    KERNEL_ENVIRONMENT,
    ROOT,
    chapters,
    code_lines,
    config,
    notebook_of,
    page_address,
    with_addresses,
)
from tools.markdown import to_notebook

FRONT_PICTURE, FRONT_PICTURE_FROM = BOOK / "_static" / "front.png", "02-unrolling.md"
CELL_TIMEOUT = 300  # seconds, on a busy machine; a whole chapter is to take no more than 60

SETUP = """\
# @title Set-up: in Colab, installs the course's package
import sys

if "google.colab" in sys.modules:
    %pip install --quiet {address}"""


LANGUAGE = {"name": "python"}  # without the version that happened to run it


class ChapterError(Exception):
    """A chapter that cannot be woven; the message says which, where and why."""


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.weave", description=__doc__.partition("\n")[0])
    parser.add_argument("chapter", nargs="*", help="chapters to weave, such as 01-neuron; all, if none is named")
    parser.add_argument("--force", action="store_true", help="run chapters again even if nothing changed")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a notebook is not up to date")
    options = parser.parse_args(arguments)
    os.environ.update(KERNEL_ENVIRONMENT)

    chosen = [c for c in chapters() if not options.chapter or c.stem in options.chapter]
    if unknown := set(options.chapter) - {c.stem for c in chosen}:
        known = ", ".join(c.stem for c in chapters())
        parser.error(f"no such chapter: {', '.join(sorted(unknown))}. There are: {known}")
    failures = 0
    for chapter in chosen:
        try:
            if options.check:
                failures += check(chapter)
            else:
                weave(chapter, options.force)
        except (ChapterError, ValueError) as error:
            failures += 1
            print(f"\n{error}\n", file=sys.stderr)
    return 1 if failures else 0


def save_front_picture(notebook):
    """Keep the animation's last frame, the whole sentence read, for the front page and the README."""
    pages = "".join(o.data.get("text/html", "") for c in code_cells(notebook) for o in c.outputs if "data" in o)
    frame = re.search(r'<img id="[^"]*"\s+src="data:image/png;base64,([^"]*)"', pages)
    FRONT_PICTURE.write_bytes(base64.b64decode(frame[1]))


def weave(chapter, force=False):
    """Weave one chapter, and say what was done and why."""
    old, new = read_notebook(notebook_of(chapter)), woven(chapter)
    reasons = ["--force"] if force else reasons_to_run(old, new)
    start = time.monotonic()
    if reasons:
        print(f"{chapter.stem}: runs, because {in_short(reasons)}", flush=True)
        execute(new, chapter)
    else:
        keep_outputs(old, new)
    changed = write_notebook(new, notebook_of(chapter))
    if changed and chapter.name == FRONT_PICTURE_FROM:
        save_front_picture(new)
    seconds = f" in {time.monotonic() - start:.0f} s" if reasons else ""
    print(f"{chapter.stem}: {'woven' if changed else 'up to date'}{seconds}", flush=True)


def check(chapter):
    """Return whether the chapter's notebook is out of date, and say why."""
    old, new = read_notebook(notebook_of(chapter)), woven(chapter)
    reasons = reasons_to_run(old, new)
    if not reasons:
        keep_outputs(old, new)
        reasons = [] if text_of(new) == notebook_of(chapter).read_text(encoding="utf-8") else ["its text changed"]
    if reasons:
        print(f"{notebook_of(chapter).name} is not up to date: {in_short(reasons)}. Run: make weave", file=sys.stderr)
    return bool(reasons)


# ---- what the notebook holds -----------------------------------------------------------------------------------------


def woven(chapter):
    """Return the chapter as a notebook without outputs: set-up cell first, Markdown rewritten."""
    notebook = page_notebook(chapter)
    cells = [nbformat.v4.new_code_cell(setup_code(), metadata={"cellView": "form"})]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = to_notebook(cell.source, chapter.stem)
            cells += [cell] if cell.source else []
        else:
            caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
            cell.metadata = notebook_metadata(cell.metadata)
            cells.append(cell)
            if caption:
                cells.append(nbformat.v4.new_markdown_cell(f"*{to_notebook(caption.strip(), chapter.stem)}*"))
    page = f"[read it as a page]({page_address(chapter.stem)})"
    cells[1].source += f"\n\nThis is a chapter of *{config()['title']}*: {page}."
    finish(notebook, cells, chapter.stem)
    notebook.metadata["rnn_course"] = {"made_from": made_from(notebook)}
    return notebook


def finish(notebook, cells, name):
    """Give a notebook its cells, with ids that stay the same, and the metadata that do not depend on who made it."""
    for number, cell in enumerate(cells):
        cell.id = f"{name}-{number}"
    notebook.cells = cells
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": LANGUAGE})
    notebook.nbformat, notebook.nbformat_minor = 4, 5


def page_notebook(chapter):
    """Return the chapter as the page reads it: MyST text cells, and code cells without outputs."""
    return jupytext.reads(with_addresses(chapter.read_text(encoding="utf-8")), fmt="md:myst")


def setup_code():
    repository = config()["repository"]
    return SETUP.format(address=f"{repository['url']}/archive/refs/heads/{repository['branch']}.zip")


def notebook_metadata(metadata):
    """Return what Jupyter, Colab and nbval know of a cell's metadata: tags, whether it starts folded, alternative text.

    A picture cannot be compared, and nbval would show the value of its cell's last line in spite of a semicolon.
    """
    tags = list(metadata.get("tags", []))
    kept = {}
    if "hide-cell" in tags:
        kept |= {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "cellView": "form"}
    if alt := metadata.get("mystnb", {}).get("image", {}).get("alt"):
        kept["alt"] = alt.strip()
        tags.append("nbval-ignore-output")
    return nbformat.from_dict(kept | ({"tags": tags} if tags else {}))


# ---- whether it has to run -------------------------------------------------------------------------------------------


def made_from(notebook):
    """Return hashes of all that the outputs follow from: {what: hash}."""
    code = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    files = [ROOT / "requirements.txt", *package_files(code)]
    return {"code": digest(code.encode()), **{f.relative_to(ROOT).as_posix(): digest(f.read_bytes()) for f in files}}


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def package_files(code):
    """Return the files of rnn_course that ``code`` imports, directly or through one another."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "chapter.py")
        script.write_text(TransformerManager().transform_cell(code), encoding="utf-8")  # magics become calls
        finder = ModuleFinder(path=[str(ROOT)])
        try:
            finder.run_script(str(script))
        except SyntaxError:  # the cell that holds it will say so when it runs
            return []
    return sorted({Path(m.__file__) for name, m in finder.modules.items() if name.startswith("rnn_course")})


def reasons_to_run(old, new):
    """Return why the chapter has to run, in words; nothing, if its outputs still hold."""
    if old is None:
        return ["there is no notebook yet"]
    before, now = old.metadata.get("rnn_course", {}).get("made_from", {}), new.metadata["rnn_course"]["made_from"]
    changed = [what for what in now if before.get(what) != now[what]]
    changed = [f"{'its code' if what == 'code' else what} changed" for what in changed]
    unused = [f"{what} is not used any more" for what in before if what not in now]
    return changed + unused


def in_short(reasons):
    """Join the first three reasons, and count the others."""
    more = [f"and {len(reasons) - 3} more"] if len(reasons) > 3 else []
    return "; ".join([*reasons[:3], *more])


def keep_outputs(old, new):
    """Copy the outputs of the code cells, which are the same in both."""
    for before, now in zip(code_cells(old), code_cells(new), strict=True):
        now.outputs, now.execution_count = before.outputs, before.execution_count


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# ---- running ---------------------------------------------------------------------------------------------------------


def execute(notebook, chapter):
    """Run the notebook in an empty folder; a failing cell raises ChapterError."""
    start, total = time.monotonic(), len(notebook.cells)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,
            on_cell_start=lambda cell, cell_index: progress(chapter, cell_index + 1, total),
        )
        try:
            with status.peak_memory() as peak:
                client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # the kernel's own log
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise ChapterError(where(notebook, chapter, client, error)) from None
        except AssertionError:  # on Ctrl-C nbclient shuts the kernel down, then trips over its absence
            raise KeyboardInterrupt from None
        finally:
            progress()
    notebook.metadata.language_info = LANGUAGE
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and (output.name == "stderr" or output.text.startswith("WARNING:")):
                place = chapter.relative_to(ROOT)
                raise ChapterError(f"{place}: a cell gives a warning:\n\n{cell.source}\n\n{output.text}")
            for kind in ("image/png", "image/svg+xml"):
                if "alt" in cell.metadata and kind in output.get("data", {}):
                    output.metadata.setdefault(kind, {})["alt"] = cell.metadata["alt"]
    status.keep(chapter.stem, time.monotonic() - start, peak())


def progress(chapter=None, done=0, total=0):
    """Keep one line on a terminal that counts the cells; without a chapter, clear it."""
    if sys.stdout.isatty():
        print(f"\r\033[K{chapter.stem}: cell {done} of {total}" if chapter else "\r\033[K", end="", flush=True)


def where(notebook, chapter, client, error):
    """Say which chapter, which cell and which line of its source failed, and how."""
    ran = [i for i, cell in enumerate(code_cells(notebook)) if cell.execution_count is not None]
    index = max(ran, default=0)  # of the code cells; the first is the set-up cell, which the source does not have
    lines = code_lines(chapter.read_text(encoding="utf-8"))
    place = f"{chapter.relative_to(ROOT)}:{lines[index - 1]}" if index else str(chapter.relative_to(ROOT))
    return f"{place}: code cell {index} failed\n\n{code_cells(notebook)[index].source}\n\n{error_text(error)}"


def error_text(error):
    return f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error).strip()


# ---- files -----------------------------------------------------------------------------------------------------------


def read_notebook(path):
    """Return the notebook at ``path``, or None where there is none."""
    return nbformat.read(path, as_version=4) if path.exists() else None


def text_of(notebook):
    return nbformat.writes(notebook) + "\n"


def write_notebook(notebook, path):
    """Write beside, then rename: whoever interrupts leaves the old notebook whole. Return whether it changed."""
    text = text_of(notebook)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The notebook that was being made is as it was before.")
