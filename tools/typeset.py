"""Typeset the formulas of the built pages, so that no reader's browser has to.

    python -m tools.typeset

Each formula becomes KaTeX's HTML, and MathML for screen readers. One that cannot be typeset stops the build.
"""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.book import NODE, NODE_MODULES, SITE
from tools.check_site import pages

SCRIPT = Path(__file__).with_name("node") / "typeset.mjs"
# as Sphinx leaves them for a script: \(…\) in a line, \[…\] displayed
FORMULA = re.compile(r"\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]](?=</(span|div)>)", re.DOTALL)
MATH = re.compile(r'<(span|div) class="math notranslate nohighlight"[^>]*>.*?</\1>', re.DOTALL)


def main():
    texts = {page: page.read_text(encoding="utf-8") for page in pages()}
    found = {
        key(formula) for text in texts.values() for math in MATH.finditer(text) if (formula := FORMULA.search(math[0]))
    }
    done = dict(zip(found, typeset(found)))
    for page, text in texts.items():
        page.write_text(MATH.sub(lambda math: FORMULA.sub(lambda f: done[key(f)], math[0]), text), encoding="utf-8")
    katex = NODE_MODULES / "katex" / "dist"
    target = SITE / "_static" / "katex"
    shutil.copytree(
        katex / "fonts", target / "fonts", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ttf", "*.woff")
    )
    shutil.copy(katex / "katex.min.css", target)
    return 0


def key(formula):
    """Return a formula that was found in a page: its TeX, and whether it is displayed."""
    tex = html.unescape(formula["tex"]).strip()
    return tex.replace("{split}", "{aligned}"), formula["open"] == "["  # KaTeX's split has two columns at most


def typeset(formulas):
    """Return each formula, (TeX, whether it is displayed), as HTML."""
    asked = json.dumps([{"tex": tex, "display": display} for tex, display in formulas])
    done = subprocess.run([NODE, SCRIPT], input=asked, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"A formula cannot be typeset. {done.stderr}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
