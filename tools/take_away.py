"""The book to take away: one PDF of all its pages; the site, and the notebooks, as zip files.

    python -m tools.take_away    after make book; needs Chromium

They lie in _build/html/downloads/. Chromium prints each page; here the prints are joined. Links between pages become
links inside the PDF, and every section is in its outline.
"""

import sys
import zipfile
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urldefrag

import yaml
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, Fit, FloatObject, NameObject, NullObject, TextStringObject

from tools.book import NOTEBOOKS, ROOT, SITE, config
from tools.browser import browser
from tools.check_site import soup

NAME = "recurrent-neural-networks"
DOWNLOADS = SITE / "downloads"
PAPER = {"format": "A4", "margin": {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}}

# Nothing stays folded or unloaded on paper. A link to every place that another page leads to makes the browser note
# where on the paper it is.
PREPARE = """async (anchors) => {
  dispatchEvent(new Event("beforeprint"));
  for (const anchor of anchors) {
    const link = document.createElement("a");
    link.href = "#" + anchor;
    link.textContent = "\\u00a0";
    link.className = "noted";
    document.querySelector("article").append(link);
  }
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
}"""


def main():
    DOWNLOADS.mkdir(exist_ok=True)
    with browser() as chromium:
        write(DOWNLOADS / f"{NAME}.pdf", whole_book(chromium))
    site = [path for path in SITE.rglob("*") if DOWNLOADS not in path.parents]
    write(DOWNLOADS / f"{NAME}.zip", zipped(site, SITE, NAME))
    write(DOWNLOADS / "notebooks.zip", zipped(NOTEBOOKS.rglob("*.ipynb"), NOTEBOOKS, "notebooks"))
    for path in sorted(DOWNLOADS.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def write(path, content):
    """Write beside, then rename."""
    beside = path.with_suffix(".tmp")
    beside.write_bytes(content)
    beside.replace(path)


# ---- the PDF ---------------------------------------------------------------------------------------------------------


def whole_book(chromium):
    """Return the book as one PDF: title and contents, then every page in its order, numbered throughout."""
    page = chromium.new_page(color_scheme="light")
    names = [name for _, part in parts() for name in part]
    prints = {name: printed(page, name) for name in names}
    pages_before = len(print_of(page, front({}, {})).pages)
    starts = {}
    for name in names:
        starts[name] = pages_before + sum(len(prints[before].pages) for before in starts)
    places = {key: place for name in names for key, place in places_in(prints[name], name, starts[name])}

    writer = PdfWriter()
    for part in [print_of(page, front(starts, {name: title_of(name) for name in names})), *prints.values()]:
        writer.append(part, import_outline=False)
    link_inside(writer, places)
    number(writer, print_of(page, numbers(len(writer.pages)), margin={}))
    outline(writer, starts, places)
    writer.add_metadata({"/Title": config()["title"], "/Author": config()["author"]})
    writer.compress_identical_objects()
    content = BytesIO()
    writer.write(content)
    return content.getvalue()


def parts():
    """Return the book's parts, as in _toc.yml: (caption, names of its pages)."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    yield "", [contents["root"]]
    for part in contents["parts"]:
        yield part["caption"], [chapter["file"] for chapter in part["chapters"]]


def printed(page, name):
    """Return the page ``name`` of the book as a PDF."""
    page.goto((SITE / f"{name}.html").as_uri())
    page.evaluate(PREPARE, sorted(anchors_of(name)))
    return PdfReader(BytesIO(page.pdf(**PAPER, print_background=True, scale=0.8)))  # about 10 points


def print_of(page, html, **paper):
    page.set_content(html)
    return PdfReader(BytesIO(page.pdf(**PAPER | paper)))


def anchors_of(name):
    """Return the places on the page ``name`` that others of the book lead to, and its sections."""
    found = {section["id"] for section in soup(SITE / f"{name}.html").select("article section[id]")}
    for _, part in parts():
        for other in part:
            for link in soup(SITE / f"{other}.html").select("article a[href]"):
                path, anchor = urldefrag(unquote(link["href"]))
                if anchor and path == f"{name}.html":
                    found.add(anchor)
    return found


def places_in(pdf, name, start):
    """Yield where on the joined pages each anchor of the page ``name`` is: ((name, anchor), (page, left, top))."""
    yield (name, ""), (start, 0, 842)
    for anchor, there in pdf.named_destinations.items():
        yield (name, anchor.lstrip("/")), (start + pdf.get_destination_page_number(there), there.left, there.top)


def title_of(name):
    heading = soup(SITE / f"{name}.html").find("h1")
    return heading.find(string=True).strip() if heading else name


def front(starts, titles):
    """Return title page and contents as HTML. Without ``starts`` it is as long, and the numbers are missing."""
    lines = []
    for caption, names in parts():
        lines += [f"<h2>{escape(caption)}</h2>"] if caption else []
        for name in names[bool(not caption) :]:
            address = (SITE / f"{name}.html").as_uri()
            start = starts.get(name, -1) + 1
            lines.append(f'<p><a href="{address}">{escape(titles.get(name, name))}</a><span>{start}</span></p>')
    built = soup(SITE / "index.html").select_one(".bd-footer-content").get_text(" ", strip=True)
    address = config()["html"]["baseurl"]
    return FRONT.format(title=config()["title"], address=address, built=built, lines="\n".join(lines))


FRONT = """<html lang="en"><style>
  body {{ font: 10.5pt/1.4 sans-serif; }}
  h1 {{ font-size: 30pt; margin-top: 60mm; }}
  h2 {{ font-size: 11.5pt; margin: 3mm 0 1mm; break-after: avoid; }}
  .contents {{ break-before: page; }}
  .contents p {{ display: flex; justify-content: space-between; margin: 0; }}
  a {{ color: #0b4f9e; text-decoration: none; }}
</style><h1>{title}</h1>
<p><a href="{address}">{address}</a></p><p>{built}</p>
<section class="contents"><h2>Contents</h2>{lines}</section></html>"""


def numbers(count):
    """Return as many empty pages as there are, each with its number at its foot, as HTML."""
    style = """
      body { margin: 0; font: 9pt sans-serif; }
      p { margin: 0; height: 287mm; display: grid; place-items: end center; }
      p + p { break-before: page; }
    """
    return f"<style>{style}</style>" + "".join(f"<p>{n}</p>" for n in range(1, count + 1))


def number(writer, numbered):
    for page, with_number in zip(writer.pages, numbered.pages):
        page.merge_page(with_number)
        page.compress_content_streams()


def link_inside(writer, places):
    """Let links from page to page of the book lead to their place in the PDF, and those to its other files online."""
    site, online = SITE.as_uri() + "/", config()["html"]["baseurl"] + "/"
    owners = sorted((place[0], name) for (name, anchor), place in places.items() if not anchor)
    for n, page in enumerate(writer.pages):
        owner = next((name for start, name in reversed(owners) if start <= n), "")
        for annotation in (link.get_object() for link in page.get("/Annots", [])):
            action = annotation.get("/A", {})
            if "/Dest" in annotation:
                target = (owner, annotation["/Dest"].lstrip("/"))
            elif str(action.get("/URI", "")).startswith(site):
                path, anchor = urldefrag(unquote(action["/URI"].removeprefix(site)))
                target = (path.removesuffix(".html"), anchor)
            else:
                continue
            place = places.get(target) or places.get((target[0], ""))
            if place:
                annotation.pop("/A", None)
                annotation[NameObject("/Dest")] = destination(writer, place)
            else:
                action[NameObject("/URI")] = TextStringObject(action["/URI"].replace(site, online))


def destination(writer, place):
    page, left, top = place
    there = [
        writer.pages[page].indirect_reference,
        NameObject("/XYZ"),
        FloatObject(left),
        FloatObject(top),
        NullObject(),
    ]
    return ArrayObject(there)


def outline(writer, starts, places):
    """Give the PDF an outline: part, page, section, subsection."""

    def entry(title, page, parent, **options):
        return writer.add_outline_item(title=title, page_number=page, parent=parent, is_open=False, **options)

    for caption, names in parts():
        part = entry(caption, starts[names[0]], None, bold=True) if caption else None
        for name in names:
            above = {1: entry(title_of(name), starts[name], part)}
            for heading in soup(SITE / f"{name}.html").select("article section[id] > :is(h2, h3)"):
                page, left, top = places.get((name, heading.parent["id"]), places[name, ""])
                level, title = int(heading.name[1]), heading.get_text().rstrip("#")
                above[level] = entry(title, page, above.get(level - 1, above[1]), fit=Fit.xyz(left, top))


# ---- the zip files ---------------------------------------------------------------------------------------------------


def zipped(paths, root, name):
    """Return files below ``root`` as a zip file with one folder, ``name``."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            if path.is_file():
                archive.write(path, Path(name, path.relative_to(root)))
    return content.getvalue()


if __name__ == "__main__":
    sys.exit(main())
