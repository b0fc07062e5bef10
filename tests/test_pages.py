"""What makes the built pages light and their formulas typeset."""

import re

import numpy as np
import pytest
from PIL import Image

from rnn_course import sounds
from tools import browser, slim, typeset

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HEAD = """<head>
    <title>A page</title>
  <script data-cfasync="false">
    document.documentElement.dataset.mode = localStorage.getItem("mode") || "";
  </script>
  <link href="_static/styles/theme.css?digest=1" rel="stylesheet" />
  <link rel="stylesheet" type="text/css" href="_static/pygments.css?v=1" />
  <link rel="icon" href="_static/favicon.svg"/>
  <script defer src="_static/scripts/fontawesome.js?digest=1"></script>
  <link rel="preload" as="script" href="_static/scripts/bootstrap.js?digest=1" />
    <script src="_static/documentation_options.js?v=1"></script>
    <script src="_static/copybutton.js?v=1"></script>
    <script async="async" src="_static/sphinx-thebe.js?v=1"></script>
    <script>const THEBE_JS_URL = "https://unpkg.com/thebe"</script>
  <script src="searchindex.js"></script>
</head>"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty site with one picture, 30 by 20 pixels."""
    (tmp_path / "_static").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "a b.png")
    for module in (slim, typeset):
        monkeypatch.setattr(module, "SITE", tmp_path)
    return tmp_path


# ---- formulas --------------------------------------------------------------------------------------------------------


def test_a_formula_becomes_html_and_mathml():
    line, displayed = typeset.typeset(
        [(r"h_t < \tanh x", False), (r"\begin{aligned} a &= b \\ &= c \end{aligned}", True)]
    )
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML"' in line and "katex-display" not in line
    assert 'application/x-tex">h_t &lt; \\tanh x</annotation>' in line
    assert displayed.startswith('<span class="katex-display">')


@pytest.mark.parametrize("formula", [r"\frac{a", r"\unknown", "a & b"])
def test_a_formula_that_cannot_be_typeset_stops_the_build(formula):
    with pytest.raises(ValueError, match="cannot be typeset"):
        typeset.typeset([("x", False), (formula, True)])


def test_the_formulas_of_a_page_are_typeset_and_nothing_else(site, monkeypatch):
    page = site / "index.html"
    code = r'<code>\(a\)</code><span class="math">kept</span>'
    page.write_text(
        rf'{code}<p><span class="math notranslate nohighlight">\(a &lt; b\)</span></p>'
        '<div class="math notranslate nohighlight" id="e">\n<span class="eqno">(1)</span>'
        r"\[\begin{split}x &amp;= 1 \\ y &amp;= 2\end{split}\]</div>"
    )
    monkeypatch.setattr(typeset, "pages", lambda: [page])
    typeset.main()
    text = page.read_text()
    assert text.startswith(code) and text.count('class="katex"') == 2 and '<span class="eqno">(1)</span>' in text
    assert not re.search(r"\\\[|\\\(a &lt;", text)
    typeset.main()
    assert page.read_text() == text
    assert (site / "_static" / "katex" / "katex.min.css").exists()
    assert list((site / "_static" / "katex" / "fonts").glob("*.woff2"))


# ---- light pages -----------------------------------------------------------------------------------------------------


def test_a_head_keeps_what_the_page_needs():
    page = slim.slim(HEAD + "<body></body>")
    assert page.count('rel="stylesheet"') == 1 and 'href="_static/site.css"' in page
    for gone in ("fontawesome", "thebe", "THEBE", "preload", "searchindex", "katex"):
        assert gone not in page
    assert 'rel="icon"' in page and '<script defer src="_static/copybutton.js?v=1">' in page
    assert '<script src="_static/documentation_options.js?v=1">' in page  # what stands in the page uses it at once
    assert "prefers-color-scheme" in page
    assert slim.slim(page) == page


def test_the_search_page_keeps_the_index():
    assert '<script defer src="searchindex.js">' in slim.slim(HEAD + "<body></body>", searches=True)


def test_a_page_with_formulas_loads_their_style():
    assert "katex.min.css" in slim.slim(HEAD + '<body><span class="katex"></span></body>')


def test_pictures_have_a_size_and_wait(site):
    page = slim.slim(HEAD + '<body><img src="a%20b.png" alt="a"><img src="b.svg" alt="b"></body>')
    assert '<img width="30" height="20" loading="lazy" decoding="async" src="a%20b.png" alt="a">' in page
    assert '<img src="b.svg" alt="b">' in page
    assert slim.slim(page) == page


def test_an_animation_becomes_a_still_and_a_film_of_its_own(site):
    body = (
        f'<body><div class="animation"><img id="_anim_img12ab" src="data:image/png;base64,{PIXEL}" alt="a">'
        '</div><script language="javascript">var img_id = "_anim_img12ab"; play();</script></body>'
    )
    page = slim.slim(HEAD + body)
    assert "base64" not in page and "play()" not in page
    assert 'data-film="_static/animations/12ab.js"' in page and 'src="_static/animations/12ab.png"' in page
    assert "play()" in (site / "_static" / "animations" / "12ab.js").read_text()
    assert Image.open(site / "_static" / "animations" / "12ab.png").size == (1, 1)
    assert slim.slim(page) == page


def test_a_sound_becomes_a_file_of_its_own(site):
    player = sounds.player([0.0, 1.0, 0.0], 8000, caption="A click").data
    page = slim.slim(f"{HEAD}<body>{player}</body>")
    assert "base64" not in page and 'preload="none" aria-label="A click" src="_static/sounds/' in page
    (file,) = (site / "_static" / "sounds").iterdir()
    assert file.name in page and file.read_bytes() == sounds.wav(np.array([0.0, 1.0, 0.0]), 8000)
    assert slim.slim(page) == page


def test_a_browser_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(FileNotFoundError, match="CHROMIUM names /nowhere/chromium"):
        browser.path()
    monkeypatch.delenv("CHROMIUM")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        browser.path()
