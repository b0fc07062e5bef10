"""Recurrent neural networks, written from their equations: the package behind the course.

Modules are imported one by one (``from rnn_course import cells``), so that a notebook loads only what it shows.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("rnn-course")
except PackageNotFoundError:  # run from a source folder that was never installed
    __version__ = "0+unknown"


def load(name):
    """Load a trained application, such as "translation", or one from a file: `rnn_course.applications.load`."""
    return importlib.import_module("rnn_course.applications").load(name)
