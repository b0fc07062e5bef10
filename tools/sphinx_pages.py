"""A Sphinx extension: what the pages need beyond what jupyter-book gives them.

- A page is read again when its notebook changed, because its outputs come from there.
- A chapter's heading is followed by links to its notebook, in Colab and as a file; the directive ``notebook-links``
  puts those of an assignment where it stands.
- MathJax and the notebooks are served by the site itself.
- Citations read "Elman (1990)" and "(Elman, 1990)", as in the notebooks.
"""

import re
import shutil
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

MATHJAX = (  # the part of MathJax that a page can ask for
    "tex-mml-chtml.js",
    "input/tex/extensions",
    "output/chtml/fonts/woff-v2",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
)
CHAPTER = re.compile(r"\d\d[a-z]?-")
LINKS = """
<p class="notebook-links">
  <a href="{colab}"><img src="{badge}" alt="Open in Colab" width="132" height="28"></a>
  <a href="notebooks/{page}.ipynb" download>Download the notebook</a>
</p>
"""


@dataclass
class AuthorYearRound(AuthorYearReferenceStyle):
    """Author and year, in round brackets."""

    bracket_textual: BracketStyle = field(default_factory=lambda: BracketStyle("(", ")"))
    bracket_parenthetical: BracketStyle = field(default_factory=lambda: BracketStyle("(", ")"))


def depend_on_notebook(app, docname, source):
    if CHAPTER.match(docname):
        app.env.note_dependency(str(Path(app.srcdir, "..", "notebooks", f"{docname}.ipynb").resolve()))


def link_notebook(app, page, template, context, doctree):
    if CHAPTER.match(page) and "body" in context:
        context["body"] = context["body"].replace("</h1>", f"</h1>{links_to(page, app.config)}", 1)


def links_to(notebook, config):
    """Return links to notebooks/NOTEBOOK.ipynb: in Colab, and as a file."""
    theme = config.html_theme_options
    repository = theme["repository_url"].replace("https://github.com", "https://colab.research.google.com/github")
    colab = f"{repository}/blob/{theme['repository_branch']}/notebooks/{notebook}.ipynb"
    return LINKS.format(colab=colab, badge="_static/open-in-colab.svg", page=notebook)


class NotebookLinks(SphinxDirective):
    """Links to the notebook that the argument names."""

    required_arguments = 1

    def run(self):
        return [nodes.raw("", links_to(self.arguments[0], self.config), format="html")]


def serve_files(app, error):
    if error or app.builder.format != "html":
        return
    mathjax = files("mathjax") / "static" / "mathjax" / "es5"
    for name in MATHJAX:
        copy(Path(str(mathjax), name), Path(app.outdir, "_static", "mathjax", name))
    copy(Path(app.srcdir, "..", "notebooks"), Path(app.outdir, "notebooks"))


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "*.tmp"))
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def setup(app):
    register_plugin("sphinxcontrib.bibtex.style.referencing", "author_year_round", AuthorYearRound)
    app.add_directive("notebook-links", NotebookLinks)
    app.connect("source-read", depend_on_notebook)
    app.connect("html-page-context", link_notebook)
    app.connect("build-finished", serve_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
