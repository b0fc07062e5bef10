"""Every page, in four forms: sound, accessible, no wider than the screen, and nothing asked of anyone else."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.site.conftest import FORMS
from tools.book import ROOT, SITE
from tools.check_site import soup

PAGES = sorted(page.stem for page in SITE.glob("*.html"))
CHAPTERS = [page for page in PAGES if re.match(r"\d\d", page)]
MEGABYTE = 1_000_000

# Formulas are there twice: as MathML, which is checked, and for the eye, in the color of the text around them.
AXE = """async () => {
  const found = await axe.run({ exclude: [[".katex-html"]] }, { resultTypes: ["violations"] });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
}"""


def test_there_are_pages():
    assert len(CHAPTERS) >= 19 and {"index", "search", "glossary", "api", "status"} <= set(PAGES)


@pytest.mark.parametrize(("theme", "width"), FORMS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_and_accessible(name, theme, width, open_page, axe):
    page = open_page(f"{name}.html", theme, width)  # asks nothing of others, complains about nothing: see open_page
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.evaluate("for (const fold of document.querySelectorAll('article details')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert page.evaluate(AXE) == []


@pytest.mark.parametrize("name", PAGES)
def test_formulas_and_pictures_are_there(name, open_page):
    page = open_page(f"{name}.html")
    assert page.locator("article .math").count() == page.locator("article .math > :is(.katex, .katex-display)").count()
    assert not re.search(r"\\\(|\\\[|\$\$", page.locator("main").inner_text())
    broken = """async () => {
      const images = [...document.images];
      for (const image of images) image.loading = "eager";
      await Promise.all(images.map((image) => image.decode().catch(() => {})));
      return images.filter((image) => !image.naturalWidth).map((image) => image.src);
    }"""
    assert page.evaluate(broken) == []


def test_formulas_are_typeset_in_their_fonts(open_page):
    page = open_page("04-bptt.html")
    page.wait_for_function("document.fonts.status === 'loaded'")
    assert page.evaluate("[...document.fonts].some((font) => font.family === 'KaTeX_Math' && font.status === 'loaded')")
    assert page.locator("article math annotation").first.text_content()  # for screen readers, and to be copied


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_moves_at_most_a_megabyte_and_a_half(name, open_page, site):
    """Uncompressed, everything on the page reached, without animations."""
    page, sizes = open_page(None), {}
    page.on("response", lambda got: sizes.update({got.url: len(got.body())}))
    page.goto(f"{site}/{name}.html")
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    moved = sum(size for address, size in sizes.items() if "/animations/" not in address)
    assert 100_000 < moved <= 1.5 * MEGABYTE, sizes


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_from_a_folder(name, browser):
    """No server, no network: every request is for a file, and every file is there."""
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith("file:") else None)
    page.on("requestfailed", lambda asked: complaints.append(f"not there: {asked.url}"))
    page.goto((SITE / f"{name}.html").as_uri())
    assert page.locator("h1:visible").count() == 1
    context.close()
    assert [c for c in complaints if not c.startswith("data:")] == []


@pytest.mark.parametrize("name", ["02-unrolling", "05-gradients", "glossary"])
def test_a_page_can_be_read_without_scripts(name, open_page):
    page = open_page(f"{name}.html", java_script_enabled=False)
    assert page.locator("article h1").is_visible() and page.locator("article p").first.is_visible()
    assert page.locator("article .katex").count() > 0
    for picture in page.locator("figure.explorable img").all():
        assert picture.is_visible()


def test_the_dark_theme_shows_figures_light_on_dark(open_page):
    page = open_page("05-gradients.html", "dark")
    figure = page.locator("article .cell_output img").first
    assert "invert" in figure.evaluate("image => getComputedStyle(image).filter")


def test_wide_content_scrolls_inside_itself_and_by_keyboard(open_page):
    page = open_page("notation.html", width=390)
    formula = page.locator("article div.math[tabindex='0']").first
    assert formula.evaluate("e => e.scrollWidth > e.clientWidth")
    assert formula.get_attribute("aria-label") == "Scrolls sideways"
    formula.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=formula.element_handle())
    formula.blur()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_selector("article div.math:not([tabindex])")  # here it has room


def test_a_wide_formula_with_a_number_is_seen_from_its_beginning(open_page):
    page = open_page("03e-deep-and-bidirectional.html", width=390)
    formula = page.locator("#equation-deep-rnn")
    formula.scroll_into_view_if_needed()
    page.wait_for_function("e => e.scrollWidth > e.clientWidth", arg=formula.element_handle())
    ahead = "e => e.querySelector('.katex-html').getBoundingClientRect().left - e.getBoundingClientRect().left"
    assert formula.evaluate(ahead) >= 0
    number = "e => e.querySelector('.eqno').getBoundingClientRect().left"
    assert formula.evaluate(number) > formula.evaluate("e => e.getBoundingClientRect().right - 40")


# ---- what search engines and others read -----------------------------------------------------------------------------


def test_titles_and_descriptions_tell_the_pages_apart():
    titles = [soup(SITE / f"{page}.html").title.string for page in PAGES]
    descriptions = [meta(page, "name", "description") for page in PAGES]
    assert len(set(titles)) == len(titles) and len(set(descriptions)) == len(descriptions)
    assert all(60 <= len(text) <= 170 for text in descriptions), [text for text in descriptions if len(text) > 170]


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_has_a_social_card(page):
    where, picture = meta(page, "property", "og:url"), meta(page, "property", "og:image")
    base = where.removesuffix(f"{page}.html")
    assert where != base and picture.startswith(base) and (SITE / picture.removeprefix(base)).exists()
    assert soup(SITE / f"{page}.html").find("link", rel="canonical")["href"] == where
    assert meta(page, "property", "og:description") == meta(page, "name", "description")


def meta(page, attribute, name):
    return soup(SITE / f"{page}.html").find("meta", {attribute: name})["content"]


def test_the_sitemap_lists_every_page():
    listed = set(re.findall(r"/([\w-]+)\.html</loc>", (SITE / "sitemap.xml").read_text()))
    assert listed == {page for page in PAGES if page not in ("genindex", "py-modindex", "search")}


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_page_says_its_version_its_date_and_how_to_cite_it(page):
    footer = soup(SITE / f"{page}.html").select_one(".bd-footer-content").get_text(" ", strip=True)
    assert re.search(r"Version \d+\.\d+\.\d+ .*built on \d{1,2} \w+ 20\d\d\.", footer)
    cite = soup(SITE / f"{page}.html").select_one("details.cite").get_text()
    assert meta(page, "property", "og:url") in cite and "@misc{" in cite


def test_no_address_that_was_ever_a_page_is_lost():
    """Each source that was ever in book/, as far as git knows, is a page today or leads to one."""
    history = ["git", "log", "--diff-filter=A", "--name-only", "--format=", "--", "book/*.md", ":!book/*/*"]
    ever = subprocess.run(history, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert {Path(path).stem for path in ever} <= set(PAGES)
