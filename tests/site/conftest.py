"""The built site, served as GitHub Pages serves it, and a browser that reads it.

`make test-site` builds the site first. The browser is this machine's Chromium; the variable CHROMIUM names another one.
"""

from urllib.parse import urlsplit

import pytest

from tools import browser as browsers
from tools.book import NODE_MODULES
from tools.serve import serving

FORMS = [(theme, width) for theme in ("light", "dark") for width in (390, 1280)]


@pytest.fixture(autouse=True)
def seed():
    """Nothing here computes with Keras, unless a test asks for it itself."""


@pytest.fixture(scope="session")
def site():
    """The address of the served site."""
    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with browsers.browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser, site):
    """Return a function that opens a page in a context of its own, such as a dark one of 390 pixels.

    At the end of the test, whatever the page has asked of others or complained about is an error.
    """
    contexts, complaints = [], []

    def open_page(address="", theme="light", width=1280, height=900, **settings):
        context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda request: complaints.append(f"asks {request.url}") if foreign(request.url, site) else None
        )
        if address is not None:
            page.goto(address if "://" in address else f"{site}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def foreign(address, site):
    parts = urlsplit(address)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(site).netloc


@pytest.fixture
def page(open_page):
    """A page of a laptop's width in the light theme, with nothing opened in it yet."""
    return open_page(None)


@pytest.fixture(scope="session")
def axe():
    """The script that looks for what a reader with a disability would stumble over."""
    return (NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
