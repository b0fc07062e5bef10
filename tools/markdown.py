"""From MyST, which the pages are written in, to the Markdown that Colab and Jupyter show.

A Markdown cell is parsed to a tree and rendered anew. Each MyST construct has a renderer below; one that has none
raises an error that names it, so that nothing raw can slip through.
"""

import ast
import re
import textwrap
from functools import cache
from typing import ClassVar

import mdformat_tables.plugin
from markdown_it import MarkdownIt
from mdformat.renderer import MDRenderer
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pybtex.database import parse_file

from tools.book import BOOK, ROOT, Directive, config, equation_label, labels, myst_parser, page_address

ADMONITIONS = {"note", "tip", "hint", "important", "warning", "caution", "seealso"}
CODE = {"code", "code-block", "python", "console", "bash", "text"}
PYTHON_ROLES = {"class", "func", "meth", "mod", "attr", "data", "exc"}


def to_notebook(text, page):
    """Return ``text``, MyST of the chapter ``page``, as plain Markdown.

    Raises
    ------
    ValueError
        If a role, a directive or a label is not known; the message names it and the chapter.
    """
    parser = myst_parser()
    parser.renderer = MDRenderer()
    parser.options["parser_extension"] = [mdformat_tables.plugin, Extension]
    parser.options["mdformat"] = {}
    tokens = parser.parse(text)
    return parser.renderer.render(tokens, parser.options, {"page": page}).strip("\n")


def to_html(text):
    """Return one line of Markdown as HTML, with its mathematics left between dollars."""
    parser = MarkdownIt("commonmark").use(dollarmath_plugin, renderer=lambda content, _: f"${content}$")
    parser.add_render_rule("math_inline", lambda self, tokens, i, *_: f"${tokens[i].content}$")
    return parser.renderInline(text)


def known(label, page):
    """Return where ``label`` points."""
    if label not in labels():
        raise ValueError(f"book/{page}.md: nothing in the book is labelled {label!r}")
    return labels()[label]


# ---- roles: {name}`content` ------------------------------------------------------------------------------------------


def split_title(content):
    """Take "words <target>" apart; without a target, the words are the target."""
    words, bracket, target = content.rpartition(" <")
    return (words, target.rstrip(">")) if bracket and content.endswith(">") else (None, content)


def render_role(node, context):
    name, content, page = node.meta["name"], node.content, context.env["page"]
    words, target = split_title(content)
    if name in ("ref", "numref"):
        return link_to(known(target, page), words)
    if name == "eq":
        return link_to(known(target, page))
    if name == "doc":
        return f"[{words or title_of(target)}]({page_address(target)})"
    if name == "term":
        return link_to(known(f"term:{target}", page), words)
    if name.removeprefix("py:") in PYTHON_ROLES:
        shown = target.rpartition(".")[2] if target.startswith("~") else target
        anchor = ("module-" if name == "mod" else "") + target.lstrip("~")
        return f"[`{words or shown}`]({page_address('api', anchor)})"
    if name in ("cite:p", "cite:t"):
        return cite(content, parenthesised=name == "cite:p", page=page)
    raise ValueError(f"book/{page}.md: no notebook form for the role {{{name}}}; add one in tools/markdown.py")


def link_to(label, words=None):
    return f"[{words or label.text}]({page_address(label.page, label.anchor)})"


def title_of(page):
    source = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    return next(line[2:].strip() for line in source.splitlines() if line.startswith("# "))


def cite(keys, parenthesised, page):
    """Return the works as links to where they were published: "Elman (1990)", or "(Elman, 1990)"."""
    entries = bibliography()
    links = []
    for key in (k.strip() for k in keys.split(",")):
        if key not in entries:
            raise ValueError(f"book/{page}.md: references.bib has no entry {key!r}")
        who, year = authors(entries[key]), entries[key].fields["year"]
        shown = f"{who}, {year}" if parenthesised else f"{who} ({year})"
        links.append(f"[{shown}]({address_of(entries[key])})")
    return f"({'; '.join(links)})" if parenthesised else ", ".join(links)


@cache
def bibliography():
    return parse_file(BOOK / "references.bib").entries


def authors(entry):
    names = [" ".join(person.prelast_names + person.last_names) for person in entry.persons["author"]]
    return names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."


def address_of(entry):
    return f"https://doi.org/{entry.fields['doi']}" if "doi" in entry.fields else entry.fields["url"]


# ---- directives: ```{name} argument ----------------------------------------------------------------------------------


def render_fence(node, context):
    directive = Directive.of(node)
    if directive is None:
        return f"```{node.info}\n{node.content}```"
    page = context.env["page"]
    if directive.name in DIRECTIVES:
        return DIRECTIVES[directive.name](directive, page)
    raise ValueError(
        f"book/{page}.md: no notebook form for the directive {{{directive.name}}}; add one in tools/markdown.py"
    )


def admonition(directive, page):
    """A block quote under its title."""
    if directive.name == "admonition":
        title, body = directive.argument, directive.body
    else:
        title = "See also" if directive.name == "seealso" else directive.name.capitalize()
        body = f"{directive.argument}\n{directive.body}".strip()
    text = f"**{title}**\n\n{to_notebook(body, page)}"
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def details(directive, page):
    """Something that unfolds."""
    body = to_notebook(directive.body, page)
    return f"<details>\n<summary>{to_html(directive.argument)}</summary>\n\n{body}\n\n</details>"


def content_only(directive, page):
    return to_notebook(directive.body, page)


def equation(directive, page):
    number = labels()[directive.options["label"]].text.strip("()") if "label" in directive.options else None
    return math_block(directive.body, number)


def math_block(content, number=None):
    # one paragraph: a blank line inside would end the mathematics in Jupyter
    lines = [line for line in content.strip().splitlines() if line.strip()]
    return "\n".join(["$$", *lines, *([rf"\tag{{{number}}}"] if number else []), "$$"])


def code_block(directive, page):
    language = directive.argument or ("" if directive.name in ("code", "code-block") else directive.name)
    return f"```{language}\n{directive.body}\n```"


def included_code(directive, page):
    """Package code, cut from its file: one object (:pyobject:), or the lines from :start-at: to :end-at:."""
    path = (BOOK / directive.argument).resolve()
    source = path.read_text(encoding="utf-8")
    options = {name: value.strip("\"'") for name, value in directive.options.items()}
    if "pyobject" in options:
        source = object_source(source, options["pyobject"])
    if "start-at" in options:
        source = source_between(source, options["start-at"], options["end-at"])
    where = path.relative_to(ROOT).as_posix()
    repository = config()["repository"]
    address = f"{repository['url']}/blob/{repository['branch']}/{where}"
    return f"From [{where}]({address}):\n\n```python\n{source.rstrip()}\n```"


def object_source(source, name):
    """Return the lines of the class or function ``name`` ("Class.method") in ``source``, as they are indented."""
    node = ast.parse(source)
    for part in name.split("."):
        node = next(n for n in node.body if getattr(n, "name", None) == part)
    return textwrap.dedent("\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno]))


def included_text(directive, page):
    """Part of a Markdown file, such as a table of results, from :start-after: to :end-before:."""
    text = (BOOK / directive.argument).read_text(encoding="utf-8")
    options = {name: value.strip("\"'") for name, value in directive.options.items()}
    for name in ("start-after", "end-before"):
        if options.get(name, "") not in text:
            raise ValueError(f"book/{page}.md: {directive.argument} has no {options[name]!r} to cut it at")
    if "start-after" in options:
        text = text.partition(options["start-after"])[2]
    if "end-before" in options:
        text = text.partition(options["end-before"])[0]
    return re.sub(
        r"(!\[[^]]*\])\(([^)]*)\)", lambda image: image[1] + f"({on_the_site(image[2])})", to_notebook(text, page)
    )


def on_the_site(picture):
    """Return the address of a picture that the site shows, whatever folder it comes from."""
    return f"{config()['html']['baseurl']}/_images/{picture.rpartition('/')[2]}"


def figure(directive, page):
    """A picture from book/_static, taken from the site."""
    image = f"![{directive.options['alt']}]({on_the_site(directive.argument)})"
    return image + (f"\n\n*{to_notebook(directive.body, page)}*" if directive.body else "")


def explorable(directive, page):
    """Its picture, and the way to the page on which it moves."""
    name = directive.argument
    picture = f"{config()['html']['baseurl']}/_static/explorables/{name}.png"
    there = f"[Try it yourself on the page]({page_address(page, f'explorable-{name}')})."
    alt = directive.options["alt"].strip('"')
    return f"![{alt}]({picture})\n\n*{to_notebook(directive.body, page)}* {there}"


def source_between(source, first, last):
    """Return the lines from the first that holds ``first`` to the next that holds ``last``."""
    lines = source.splitlines()
    start = next(i for i, line in enumerate(lines) if first in line)
    end = next(i for i, line in enumerate(lines) if i >= start and last in line)
    return textwrap.dedent("\n".join(lines[start : end + 1]))


DIRECTIVES = {
    **dict.fromkeys(ADMONITIONS | {"admonition"}, admonition),
    **dict.fromkeys(CODE, code_block),
    "dropdown": details,
    "tab-set": content_only,
    "tab-item": details,
    "div": content_only,
    "explorable": explorable,
    "math": equation,
    "include": included_text,
    "literalinclude": included_code,
    "figure": figure,
    "image": figure,
}


# ---- the rest of the syntax ------------------------------------------------------------------------------------------


def render_link(node, context):
    """Links to other pages of the book point at the published ones."""
    words = "".join(child.render(context) for child in node.children)
    target = node.attrs["href"]
    if target.startswith("#"):
        target = page_address(context.env["page"], target[1:])
    elif target.endswith(".md") and "://" not in target:
        target = page_address(target.removesuffix(".md"))
    return f"[{words}]({target})"


def render_labelled_math(node, context):
    return math_block(node.content, labels()[equation_label(node)].text.strip("()"))


class Extension:
    """The renderers, in the form that mdformat asks for."""

    RENDERERS: ClassVar = {
        "myst_role": render_role,
        "fence": render_fence,
        "colon_fence": render_fence,
        "link": render_link,
        "math_inline": lambda node, context: f"${node.content}$",
        "math_block": lambda node, context: math_block(node.content),
        "math_block_label": render_labelled_math,
        "myst_target": lambda node, context: "",
        "myst_line_comment": lambda node, context: "",
        "myst_block_break": lambda node, context: "",
        "front_matter": lambda node, context: "",
    }
    # a dollar that is no mathematics must not become any
    POSTPROCESSORS: ClassVar = {"text": lambda text, node, context: text.replace("$", "\\$")}
