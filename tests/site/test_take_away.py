"""The book as one PDF, and the zip files: whole, linked, numbered, readable."""

import re
import zipfile

import pytest
from pypdf import PdfReader

from tools import take_away
from tools.book import NOTEBOOKS, SITE
from tools.check_site import soup

PAGES = [name for _, names in take_away.parts() for name in names]


@pytest.fixture(scope="module")
def pdf():
    return PdfReader(take_away.DOWNLOADS / f"{take_away.NAME}.pdf")


@pytest.fixture(scope="module")
def entries(pdf):
    """The outline: [(depth, title, page)]."""

    def walk(items, depth=0):
        for item in items:
            if isinstance(item, list):
                yield from walk(item, depth + 1)
            else:
                yield depth, item.title, pdf.get_destination_page_number(item)

    return list(walk(pdf.outline))


def test_the_outline_has_every_page_and_section_in_order(entries):
    titles = [title for _, title, _ in entries]
    assert set(map(take_away.title_of, PAGES)) <= set(titles)
    assert {"Exercise 2: clip by hand", "The LSTM, gate by gate"} <= set(titles)
    pages = [page for _, _, page in entries]
    assert pages == sorted(pages) and len(entries) > 300


def test_an_entry_leads_to_its_heading(pdf, entries):
    for _, title, page in entries[5:400:20]:
        text = "".join(pdf.pages[n].extract_text() for n in (page, min(page + 1, len(pdf.pages) - 1)))
        assert squeezed(title) in squeezed(text), (title, page)


def test_the_contents_name_the_page_on_which_each_chapter_starts(pdf, entries):
    contents = "\n".join(pdf.pages[n].extract_text() for n in range(1, 4))
    starts = {title: page for _, title, page in reversed(entries)}  # of a part and a page of one name, the first
    for name in PAGES[1:]:
        title = take_away.title_of(name)
        assert squeezed(f"{title}{starts[title] + 1}") in squeezed(contents)


def test_every_page_has_its_number_at_its_foot(pdf):
    for n in (0, 7, 100, len(pdf.pages) - 1):
        assert re.search(rf"\b{n + 1}\s*$", pdf.pages[n].extract_text().strip()), n


def test_links_stay_inside_the_book_or_lead_to_the_published_one(pdf):
    inside, outside = 0, []
    for page in pdf.pages:
        for annotation in (link.get_object() for link in page.get("/Annots", [])):
            inside += "/Dest" in annotation
            outside += [annotation["/A"]["/URI"]] if "/A" in annotation else []
    assert inside > 500 and outside
    assert not [address for address in outside if not re.match(r"https?://", address)]


def test_a_link_from_one_chapter_leads_to_the_place_in_another(pdf, entries):
    """The first link of chapter 5 to the glossary leads to the term that it names."""
    start = next(page for _, title, page in entries if title.startswith("5. Vanishing"))
    glossary = next(page for _, title, page in entries if title == "Glossary")
    end = next(page for _, title, page in entries if title == take_away.title_of("api"))
    for page in pdf.pages[start : start + 3]:
        for link in (link.get_object() for link in page.get("/Annots", [])):
            target = link["/Dest"][0].get_object() if "/Dest" in link else None
            number = pdf.get_page_number(target) if target else None
            if number and glossary <= number < end:
                assert "jacobian" in pdf.pages[number].extract_text().lower()
                return
    pytest.fail("no link to the glossary")


def test_formulas_and_code_are_text(pdf, entries):
    start = next(page for _, title, page in entries if title == "The LSTM, gate by gate")
    text = "".join(page.extract_text() for page in pdf.pages[start : start + 4])
    assert "σ" in text and "tanh" in text
    fonts = {font.get_object()["/BaseFont"] for font in pdf.pages[start]["/Resources"]["/Font"].get_object().values()}
    assert any("KaTeX" in font for font in fonts)


def test_the_site_s_zip_file_can_be_unpacked_and_read(tmp_path, browser):
    with zipfile.ZipFile(take_away.DOWNLOADS / f"{take_away.NAME}.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    root = tmp_path / take_away.NAME
    assert {page.name for page in root.glob("*.html")} == {page.name for page in SITE.glob("*.html")}
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((root / "index.html").as_uri())
    page.get_by_role("link", name="Vanishing and exploding gradients").first.click()
    page.locator("article .katex").first.wait_for(state="attached")  # the click does not wait for the page
    context.close()


def test_every_notebook_can_be_downloaded():
    with zipfile.ZipFile(take_away.DOWNLOADS / "notebooks.zip") as archive:
        assert len(archive.namelist()) == len(list(NOTEBOOKS.rglob("*.ipynb")))
    for notebook in NOTEBOOKS.rglob("*.ipynb"):
        assert (SITE / "notebooks" / notebook.relative_to(NOTEBOOKS)).read_bytes() == notebook.read_bytes()
        page = notebook.stem if notebook.parent == NOTEBOOKS else "assignments"
        links = [link["href"] for link in soup(SITE / f"{page}.html").find_all("a", download=True)]
        assert f"notebooks/{notebook.relative_to(NOTEBOOKS).as_posix()}" in links


def test_what_the_site_offers_for_download_is_there():
    links = [link["href"] for link in soup(SITE / "how-to-use.html").select("a[href*='/downloads/']")]
    names = {link.rpartition("/")[2] for link in links}
    assert names == {path.name for path in take_away.DOWNLOADS.iterdir()} and len(names) == 3


def squeezed(text):
    """Without spaces, ligatures and dashes, which a PDF may break anywhere."""
    return re.sub(r"[\s\u00ad-]", "", text.replace("ﬁ", "fi").replace("ﬂ", "fl"))
