"""Chromium, as installed on this machine."""

import os
import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


def path():
    """Return where the browser is; the variable CHROMIUM may name one.

    Raises
    ------
    FileNotFoundError
        If there is none; the message says how to get one.
    """
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if not found:
        missing = f"CHROMIUM names {named}, which is not there." if named else "Chromium is not installed here."
        raise FileNotFoundError(f"{missing} On Debian or Ubuntu: sudo apt-get install chromium. Or set CHROMIUM.")
    return found


def arguments():
    """Return with what to start it: quietly, and as root, who may not have its sandbox, without."""
    return [*QUIET, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else QUIET


@contextmanager
def browser():
    """Start it, and close it in the end."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path(), args=arguments())
        try:
            yield started
        finally:
            started.close()
