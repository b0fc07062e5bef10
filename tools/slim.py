"""Make the built pages light: what the theme brings for every site, this one needs little of.

    python -m tools.slim

One style sheet with the rules that the pages use takes the place of ten; the icon fonts keep the icons that occur in
it; scripts that only draw those icons again, or start a kernel, are left out, and the others wait until the page is
there. The search index is loaded by the search page alone. Pictures are stored with fewer colors, and come with an
animation's film when they are reached; a sound comes when it is played. A page that is slim already stays as it is.
"""

import hashlib
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

from tools.book import BOOK, NODE, SITE
from tools.check_site import pages

PURGE = Path(__file__).with_name("node") / "purge.mjs"
ICONS = "_static/vendor/fontawesome/webfonts/fa-{}.woff2"
SHEETS = (  # in the order in which the pages name them
    "_static/basic.css",
    "_static/styles/pydata-sphinx-theme.css",
    "_static/pygments.css",
    "_static/styles/sphinx-book-theme.css",
    "_static/copybutton.css",
    "_static/mystnb.*.css",
    "_static/sphinx-design.min.css",
    "_static/explorables/explorables.css",
    "_static/course.css",
)
UNUSED = r"fontawesome\.js|togglebutton\.js|sphinx-thebe\.js|mathjax"
ONLY_TO_SEARCH = r"searchtools\.js|language_data\.js|searchindex\.js"
INLINE_UNUSED = r"toggle\w+ =|togglebuttonSelector|THEBE_JS_URL|kernelName|MathJax"

MENDED = {  # what a screen reader reads: names as on the screen, one for each part of the page, a list's own members
    'role="doc-biblioentry"': 'role="listitem"',
    '<summary aria-label="Toggle hidden content"': "<summary",
    'btn search-button-field search-button__button pst-js-only" title="Search" aria-label="Search"': (
        'btn search-button-field search-button__button pst-js-only"'
    ),
    '<div id="pst-primary-sidebar" ': '<div id="pst-primary-sidebar" role="region" aria-label="The book" ',
}
THEIRS = "{e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1}"
OURS = "{/* course.js */}"
FILM = re.compile(
    r'<div class="animation">(?P<still>.*?)<script language="javascript">(?P<film>.*?)</script>', re.DOTALL
)
SOUND = re.compile(r'preload="metadata"([^>]*) src="data:audio/wav;base64,([^"]*)"')
THEME = "<script>\n" + (BOOK / "_static" / "theme.js").read_text(encoding="utf-8") + "</script>"


def main():
    found = pages()
    (SITE / "_static" / "site.css").write_bytes(used_rules())
    for weight in ("solid-900", "regular-400", "brands-400"):
        keep_icons(SITE / ICONS.format(weight))
    for page in found:
        text = page.read_text(encoding="utf-8")
        page.write_text(slim(text, searches=page.name == "search.html"), encoding="utf-8")
    leave_measuring_to_us(SITE / "_static" / "scripts" / "pydata-sphinx-theme.js")
    for picture in (SITE / "_images").glob("*.png"):
        reduce_colors(picture)
    for leftover in (*SITE.rglob("*.map"), SITE / "_static" / "scripts" / "fontawesome.js"):
        leftover.unlink(missing_ok=True)
    return 0


def used_rules():
    """Return the rules of the SHEETS that the pages use, as one sheet."""
    sheets = [str(path.relative_to(SITE)) for pattern in SHEETS for path in sorted(SITE.glob(pattern))]
    return subprocess.run([NODE, PURGE, SITE, *sheets], check=True, stdout=subprocess.PIPE).stdout


def keep_icons(path):
    """Reduce the icon font at ``path`` to the icons that the style sheet names."""
    rules = (SITE / "_static" / "site.css").read_text(encoding="utf-8")
    named = {ord(icon) for icon in re.findall("[\ue000-\uf8ff]", rules)}
    named |= {int(code, 16) for code in re.findall(r"\\\\?([ef][0-9a-f]{3})\b", rules)}
    font = TTFont(path)
    subsetter = subset.Subsetter(subset.Options(layout_features=[]))
    subsetter.populate(unicodes=named)
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(path)
    path.with_suffix(".ttf").unlink(missing_ok=True)  # for browsers of before 2014


def leave_measuring_to_us(script):
    """Keep the theme from measuring all that may scroll, which lays out the whole page; course.js does it later."""
    text = script.read_text(encoding="utf-8")
    if THEIRS not in text and OURS not in text:
        raise ValueError(f"{script.name} does not say {THEIRS!r} any more: look how it makes what scrolls reachable")
    script.write_text(text.replace(THEIRS, OURS), encoding="utf-8")


def reduce_colors(path, most=4096):
    """Store a picture with 256 colors, in half the bytes, if it has not so many that one would see it."""
    with Image.open(path) as picture:
        if picture.mode == "P" or not picture.convert("RGB").getcolors(most):
            return
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def slim(text, searches=False):
    """Return a page, given as HTML, with a light head.

    ``searches`` says that it is the search page, which needs the index.
    """
    head, end, body = text.partition("</head>")
    head = re.sub(r'<link [^>]*rel="stylesheet"[^>]*>\s*', "", head)
    head = re.sub(r'<link rel="preload"[^>]*>\s*|<!-- (Loaded|So that|Pre-loaded)[^>]*-->\s*', "", head)
    head = re.sub(r'<script data-cfasync="false">.*?</script>', lambda _: THEME, head, flags=re.DOTALL)
    sheets = ["site.css", *(["katex/katex.min.css"] if 'class="katex' in body else [])]
    links = "".join(f'<link rel="stylesheet" href="_static/{sheet}">\n    ' for sheet in sheets)
    head = head.replace("<title>", f"{links}<title>", 1)
    unused = UNUSED if searches else f"{UNUSED}|{ONLY_TO_SEARCH}"
    head = re.sub(rf'<script [^>]*src="[^"]*({unused})[^>]*></script>\s*', "", head)
    head = re.sub(rf"<script>[^<]*({INLINE_UNUSED})[^<]*</script>\s*", "", head)
    head = re.sub(r'<script (?!defer)([^>]*src="(?!_static/documentation_options)[^>]*)>', r"<script defer \1>", head)
    body = re.sub(r'<script type="text/x-thebe-config">.*?</script>\s*', "", body, flags=re.DOTALL)
    body = re.sub(rf"<script>[^<]*({INLINE_UNUSED})[^<]*</script>\s*", "", body)
    for theirs, ours in MENDED.items():
        body = body.replace(theirs, ours)
    body = SOUND.sub(sound_apart, FILM.sub(film_apart, body))
    return head + end + re.sub(r"<img [^>]*>", sized, body)


def film_apart(animation):
    """Return an animation whose pictures lie in files of their own, to be fetched when it is reached."""
    name = re.search(r"_anim_img(\w+)", animation["film"])[1]
    folder = SITE / "_static" / "animations"
    folder.mkdir(exist_ok=True)
    still = re.search(r'src="data:image/png;base64,([^"]*)"', animation["still"])
    (folder / f"{name}.png").write_bytes(b64decode(still[1]))
    (folder / f"{name}.js").write_text(animation["film"], encoding="utf-8")
    shown = animation["still"].replace(still[0], f'src="_static/animations/{name}.png"')
    return f'<div class="animation" data-film="_static/animations/{name}.js">{shown}'


def sound_apart(sound):
    """Return a player's attributes with its sound in a file of its own, to be fetched when it is played."""
    content = b64decode(sound[2])
    name = f"_static/sounds/{hashlib.sha256(content).hexdigest()[:12]}.wav"
    (SITE / name).parent.mkdir(exist_ok=True)
    (SITE / name).write_bytes(content)
    return f'preload="none"{sound[1]} src="{name}"'


def sized(image):
    """Return a picture's tag with its size, so that nothing jumps when it comes, which is when it is reached."""
    source = re.search(r'src="([^"]*\.png)"', image[0])
    if not source or "loading=" in image[0]:
        return image[0]
    with Image.open(SITE / unquote(source[1])) as picture:
        width, height = picture.size
    size = "" if "width=" in image[0] else f'width="{width}" height="{height}" '
    return image[0].replace("<img ", f'<img {size}loading="lazy" decoding="async" ', 1)


if __name__ == "__main__":
    sys.exit(main())
