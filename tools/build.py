"""Build the site from book/ and the notebooks' outputs, and check it.

python -m tools.build [--strict]    with --strict, a warning is an error
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from tools import check_site, slim, typeset
from tools.book import KERNEL_ENVIRONMENT, ROOT, SITE, chapters, notebook_of
from tools.offline_runtime import write_offline_runtime
from tools.weave import code_cells, page_notebook, read_notebook


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__.partition("\n")[0])
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    options = parser.parse_args(arguments)
    for chapter in chapters():
        cache_outputs(chapter)
    strict = ["-W", "-n", "--keep-going"] if options.strict else []
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    settings = ["--config", str(ROOT / "_config.yml"), "--toc", str(ROOT / "_toc.yml"), "--path-output", str(ROOT)]
    command = [jupyter_book, "build", "book", *settings, "--quiet", *strict]
    if status := subprocess.call(command, cwd=ROOT, env=os.environ | KERNEL_ENVIRONMENT):
        return status
    # Sphinx copies these only if a page has changed, too
    shutil.copytree(ROOT / "book" / "_static", SITE / "_static", dirs_exist_ok=True)
    write_offline_runtime(SITE / "_static" / "character-network")
    typeset.main()
    slim.main()
    if status := check_site.main([]):
        return status
    print(f"\nThe book is at {SITE / 'index.html'}")
    return 0


def cache_outputs(chapter):
    """Put the notebook's outputs where the page looks for them: a cache whose key is the page's own code."""
    page = page_notebook(chapter)
    _, *ran = code_cells(read_notebook(notebook_of(chapter)))  # but for the set-up cell, which the page does not have
    for cell, run in zip(code_cells(page), ran, strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    cache = get_cache(ROOT / "_build" / ".jupyter_cache")
    cache.cache_notebook_bundle(CacheBundleIn(page, str(chapter)), check_validity=False, overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
