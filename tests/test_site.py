"""The check of the built site finds what it is there to find."""

import re

import nbformat
import pytest

from tools import book, check_site

GOOD = (
    '<html><body><h1 id="top">A</h1><img src="a.png" alt="a curve"><a href="#top">up</a><a href="b.html#x">b</a></body>'
)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site of two pages, and no notebooks."""
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<p id="x">b</p>')
    (tmp_path / "a.png").write_bytes(b"")
    monkeypatch.setattr(check_site, "SITE", tmp_path)
    monkeypatch.setattr(check_site, "NOTEBOOKS", tmp_path)
    return tmp_path


def test_a_sound_site_passes(site):
    assert check_site.main() == 0


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "asks a third party for https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/f.css">', "asks a third party for //fonts.example/f.css"),
        ('<img src="https://img.example/badge.svg" alt="badge">', "asks a third party"),
        ("<style>@import url('https://fonts.example/f.css');</style>", "asks a third party"),
        ('<img src="a.png">', "without alternative text"),
        ('<img src="a.png" alt=" ">', "without alternative text"),
        ('<a href="c.html">c</a>', "a link to c.html, which is not there"),
        ('<a href="b.html#y">y</a>', "a link to b.html#y, which is not there"),
    ],
)
def test_what_is_wrong_is_named(site, added, problem, capsys):
    (site / "index.html").write_text(GOOD + added)
    check_site.soup.cache_clear()
    assert check_site.main() == 1
    error = capsys.readouterr().err
    assert error.startswith("index.html: ") and problem in error
    check_site.soup.cache_clear()


def test_a_link_to_a_third_party_is_no_request(site):
    (site / "index.html").write_text(GOOD + '<a href="https://doi.org/10.1000/1">a paper</a>')
    check_site.soup.cache_clear()
    assert check_site.main() == 0


def test_dead_links_of_notebooks_are_found(site, capsys):
    check_site.soup.cache_clear()
    check_site.anchors.cache_clear()
    text = f"[good]({book.page_address('b', 'x')}) and [dead]({book.page_address('b', 'gone')})"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]), site / "n.ipynb")
    assert check_site.main() == 1
    assert capsys.readouterr().err == f"n.ipynb: a link to {book.page_address('b', 'gone')}, which is not there\n"


def test_the_addresses_are_set_in_one_place():
    """Programs and the book take them from _config.yml; what is read elsewhere says the same."""
    site, repository = book.config()["html"]["baseurl"], book.config()["repository"]["url"]
    for path in book.BOOK.glob("**/*.md"):
        assert not re.search(f"{site}|{repository}", path.read_text(encoding="utf-8")), path
    for name in ("README.md", "CITATION.cff"):
        text = (book.ROOT / name).read_text(encoding="utf-8")
        owner = repository.rpartition("/")[0]
        assert site in text and repository in text
        assert set(re.findall(rf"{owner}/[\w-]+", text)) == {repository}
