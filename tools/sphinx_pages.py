"""A Sphinx extension: what the pages need beyond what jupyter-book gives them.

- A page is read again when its notebook changed, because its outputs come from there.
- Every page says what it is about, for search engines and social cards, and how to cite it.
- An explorable is a picture that page script turns into something to try.
- A chapter's heading is followed by links to its notebook, in Colab and as a file; the directive ``notebook-links``
  puts those of an assignment where it stands.
- The notebooks are served by the site itself.
- Citations read "Elman (1990)" and "(Elman, 1990)", as in the notebooks.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import date
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from tools import status
from tools.book import BOOK, ROOT, chapters, with_addresses

CITE = """
<details class="cite">
<summary>Cite this page</summary>
<p>{author} ({year}). {title}. In <i>{book}</i>, version {version}. <a href="{address}">{address}</a></p>
<div class="highlight"><pre>@misc{{rnncourse-{page},
  author = {{{{{author}}}}},
  title  = {{{title}}},
  year   = {{{year}}},
  note   = {{In: {book}, version {version}}},
  url    = {{{address}}}
}}</pre></div>
</details>
"""
MADE_PAGES = {  # which have no source that could describe them
    "search": "Search the chapters, the glossary and the reference of the course on recurrent neural networks.",
    "genindex": "All terms, classes and functions of the course on recurrent neural networks, by letter.",
    "py-modindex": "All modules of rnn_course, the Keras 3 package behind the course on recurrent neural networks.",
}
TAKE_AWAY = (
    ("recurrent-neural-networks.pdf", "The whole book as one PDF"),
    (
        "recurrent-neural-networks.zip",
        "The site as a zip file: unpack it, open <code>index.html</code>, and read offline",
    ),
    ("notebooks.zip", "All notebooks, the assignments' too"),
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


def fill_in_addresses(app, docname, source):
    source[0] = with_addresses(source[0])


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


class TakeAway(SphinxDirective):
    """Links to what the published site has for download, which `make pdf` puts there."""

    def run(self):
        links = [
            f'<li><a href="{address(self.config, f"downloads/{file}")}">{text}</a></li>' for file, text in TAKE_AWAY
        ]
        return [nodes.raw("", f"<ul>{''.join(links)}</ul>", format="html")]


class NotebookStatus(SphinxDirective):
    """A table of every notebook's last run."""

    HEADER = ("Notebook", "Last run", "Time", "Memory", "Python", "Keras", "TensorFlow")

    def run(self):
        names = [
            *(chapter.stem for chapter in chapters()),
            *(path.stem for path in sorted(BOOK.glob("assignments/*.md"))),
        ]
        for name in names:
            self.env.note_dependency(str(status.RUNS / f"{name}.json"))
        rows = [self.row(name, status.run_of(name)) for name in names]
        text = "\n".join(f"| {' | '.join(row)} |" for row in (self.HEADER, ["---"] * len(self.HEADER), *rows))
        return self.parse_text_to_nodes(text)

    def row(self, name, run):
        title = f"{{doc}}`{name}`" if CHAPTER.match(name) else f"[Assignment: {name}](assignments.md)"
        if run is None:
            return [title, "not yet", *[""] * 5]
        versions = [run["versions"][library] for library in ("python", "keras", "tensorflow")]
        return [title, run["on"], f"{run['seconds']} s", f"{run['megabytes'] / 1000:.1f} GB", *versions]


def address(config, path):
    """Return where ``path`` of the site is published."""
    return f"{config.html_baseurl.rstrip('/')}/{path}"


def settle(app, config):
    """Say what each extension is to know of the site, and in the footer, what was built when."""
    config.html_js_files = [("course.js", {"defer": "defer"})]  # jupyter-book would load all that lies there
    config.html_css_files = ["course.css"]
    config.site_url = config.ogp_site_url = address(config, "")
    config.release = config.version = version("rnn-course")
    today = date.today()
    built = f"Version {config.release}{commit()}, built on {today.day} {today:%B %Y}."
    theme = config.html_theme_options
    pdf = f'<a href="{address(config, "downloads/" + TAKE_AWAY[0][0])}">The book as a PDF</a>.'
    theme["extra_footer"] = f"{theme.get('extra_footer', '')} {built} {pdf}"


def commit():
    """Return which commit this is, in brackets; nothing, where git does not know."""
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return f" ({asked.stdout.strip()})" if asked.returncode == 0 else ""


def describe(app, page, template, context, doctree):
    """Give search engines and social cards the page's own description, from the top of its source."""
    fields = context.get("meta") or {}
    if text := fields.get("description") or MADE_PAGES.get(page):
        fields["og:description"] = text
        tag = f'<meta name="description" content="{escape(text)}" />\n'
        context["metatags"] = context.get("metatags", "") + tag


def add_citation(app, page, template, context, doctree):
    """End a page with how to cite it."""
    if doctree and "body" in context:
        context["body"] += CITE.format(
            author=app.config.author,
            year=app.config.copyright,
            title=escape(doctree.findall(nodes.title).__next__().astext()),
            book=app.config.html_title,
            version=app.config.release,
            address=address(app.config, f"{page}.html"),
            page=page,
        )


class Explorable(SphinxDirective):
    """A picture with its caption, which page script turns into something to try.

    The picture is book/_static/explorables/NAME.png, the script NAME.js beside it.
    """

    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required}
    has_content = True

    def run(self):
        name, alt = self.arguments[0], escape(self.options["alt"].strip('"'))
        picture = f'<img src="_static/explorables/{name}.png" alt="{alt}">'
        start = f'<figure class="explorable" id="explorable-{name}" data-explorable="{name}">{picture}<figcaption>'
        caption = self.parse_content_to_nodes()
        return [nodes.raw("", start, format="html"), *caption, nodes.raw("", "</figcaption></figure>", format="html")]


def add_explorables(app, page, template, context, doctree):
    """Load the scripts of a page's explorables, and on other pages none."""
    names = re.findall(r'data-explorable="([\w-]+)"', context.get("body", ""))
    for name in ["explorables", *names] if names else []:
        app.add_js_file(f"explorables/{name}.js", loading_method="defer")


class NotebookLinks(SphinxDirective):
    """Links to the notebook that the argument names."""

    required_arguments = 1

    def run(self):
        return [nodes.raw("", links_to(self.arguments[0], self.config), format="html")]


def serve_files(app, error):
    if error or app.builder.format != "html":
        return
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
    app.add_directive("explorable", Explorable)
    app.add_directive("notebook-status", NotebookStatus)
    app.add_directive("take-away", TakeAway)
    app.connect("config-inited", settle)
    app.connect("source-read", fill_in_addresses)
    app.connect("source-read", depend_on_notebook)
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", link_notebook)
    app.connect("html-page-context", add_explorables)
    app.connect("html-page-context", add_citation)
    app.connect("build-finished", serve_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
