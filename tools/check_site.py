"""Check the built site: no third party, pictures described, columns headed, links inside the book sound.

    python -m tools.check_site

Links are followed both between pages and from the notebooks to the published pages.
"""

import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
from bs4 import BeautifulSoup

from tools.book import NOTEBOOKS, SITE, config

# what a browser fetches while a page is read, by element
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
LINK_KINDS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}


def main(arguments=None):
    problems = [p for page in pages() for p in problems_of(page)]
    problems += [p for notebook in sorted(NOTEBOOKS.rglob("*.ipynb")) for p in dead_links_of(notebook)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def pages():
    return sorted(p for p in SITE.rglob("*.html") if "_static" not in p.parts)


@cache
def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def problems_of(page):
    where = page.relative_to(SITE)
    for address in fetched_by(page):
        if is_foreign(address):
            yield f"{where}: asks a third party for {address}"
    for image in soup(page).find_all("img"):
        if not image.get("alt", "").strip() and image.get("role") != "presentation":
            yield f"{where}: a picture without alternative text: {image.get('src', '')[:80]}"
    for heading in soup(page).find_all("th"):
        if not heading.get_text(strip=True):
            table = heading.find_parent("table").get_text(" ", strip=True)
            yield f"{where}: a column without a heading, in the table {table[:60]}"
    for link in soup(page).find_all("a", href=True):
        if not is_foreign(link["href"]) and not leads_somewhere(page, link["href"]):
            yield f"{where}: a link to {link['href']}, which is not there"


def fetched_by(page):
    for element, attribute in FETCHED.items():
        yield from (e[attribute] for e in soup(page).find_all(element) if e.get(attribute))
    for link in soup(page).find_all("link", href=True):
        if LINK_KINDS & set(link.get("rel", [])):
            yield link["href"]
    styles = "\n".join(style.get_text() for style in soup(page).find_all("style"))
    yield from re.findall(r"""(?:@import\s+(?:url\()?|url\()["']?([^"')]+)""", styles)


def is_foreign(address):
    return bool(re.match(r"(https?:)?//|mailto:|javascript:", address))


def leads_somewhere(page, address):
    path, anchor = urldefrag(unquote(address))
    target = (page.parent / path).resolve() if path else page
    if target.suffix != ".html" or not anchor:
        return target.exists()
    return target.exists() and anchor in anchors(target)


@cache
def anchors(page):
    return {element["id"] for element in soup(page).find_all(id=True)}


def dead_links_of(notebook):
    base = config()["html"]["baseurl"] + "/"
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            for address in re.findall(re.escape(base) + r"[^\s)>\"]*", cell.source):
                if not leads_somewhere(SITE / "index.html", address.removeprefix(base)):
                    yield f"{Path(notebook).name}: a link to {address}, which is not there"


if __name__ == "__main__":
    sys.exit(main())
