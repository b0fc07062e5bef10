"""nbgrader's pages of feedback, made fit to be sent out: they load nothing, run nothing, and can be read on a phone."""

import re

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from pygments.formatters import HtmlFormatter

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"
COLORS = ("a11y-high-contrast-light", "a11y-high-contrast-dark")
LONGEST = 2000  # characters of a formula
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
STYLE = """
:root { color-scheme: light dark; --edge: #767676; --soft: color-mix(in srgb, currentColor 7%, transparent); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 0 auto; padding: 1rem; }
.total { font-size: 1.25rem; font-weight: bold; }
pre { background: var(--soft); padding: 0.5rem; overflow-x: auto; }
pre.output { border-left: 3px solid var(--edge); white-space: pre-wrap; overflow-wrap: anywhere; background: none; }
.answer, .mark { border: 1px solid var(--edge); border-radius: 4px; padding: 0 0.75rem; margin: 1rem 0; }
.mark { border-width: 2px; }
.comment { border-top: 1px solid var(--edge); }
blockquote { border-left: 3px solid var(--edge); margin-left: 0; padding-left: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border: 1px solid var(--edge); padding: 0.25rem 0.5rem; text-align: left; }
img { max-width: 100%; height: auto; background: white; }
math[display="block"] { overflow-x: auto; }
.anchor-link { display: none; }
@media (prefers-color-scheme: dark) { a { color: #8ab4f8; } }
"""


def code_style():
    """Return the colors of code, on a light and on a dark page."""
    light, dark = (HtmlFormatter(style=s, nobackground=True).get_style_defs(".highlight") for s in COLORS)
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"


def make_safe(page, name, student):
    """Return a page of feedback without scripts and without anything from elsewhere, its formulas as MathML.

    Parameters
    ----------
    page : str
        What nbgrader wrote.
    name, student : str
        The assignment and the student, for the title.
    """
    soup = BeautifulSoup(page, "html.parser")
    for element in soup(["script", "link", "iframe", "object", "embed", "base", "form", "meta"]):
        element.decompose()
    for element in soup(True):
        for attribute in [a for a in element.attrs if a.startswith("on")]:
            del element[attribute]
        for attribute in ("src", "srcset", "poster", "background"):
            if not str(element.get(attribute, "data:")).startswith("data:"):
                del element[attribute]
        if re.match(r"\s*(javascript|data|vbscript):", str(element.get("href", "")), re.IGNORECASE):
            del element["href"]
    for style in soup("style"):
        style.string = re.sub(r"@import[^;]*;|url\(\s*['\"]?(?!data:)[^)]*\)", "", style.get_text())
    for text in list(soup.find_all(string=MATH)):
        if text.find_parent(["pre", "code", "style", "title"]) is None:
            text.replace_with(BeautifulSoup(MATH.sub(mathml, escaped(text)), "html.parser"))
    soup.html["lang"] = "en"
    for attributes in (
        {"charset": "utf-8"},
        {"http-equiv": "Content-Security-Policy", "content": POLICY},
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    ):
        soup.head.insert(0, soup.new_tag("meta", attrs=attributes))
    soup.title.string = f"Feedback on {name}: {student}"
    added = soup.new_tag("style")
    added.string = STYLE + code_style()
    soup.head.append(added)
    return str(soup)


def escaped(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mathml(found):
    """Return a formula as MathML, or as it was where it cannot be read."""
    formula, block = found["block"] or found["inline"], found["block"] is not None
    formula = formula.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if len(formula) > LONGEST:
        return found[0]
    try:
        return convert(re.sub(r"\\tag\{[^}]*\}", "", formula), display="block" if block else "inline")
    except Exception:  # it has no errors of its own for what it cannot read
        return found[0]
