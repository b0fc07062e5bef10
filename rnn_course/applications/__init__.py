"""Applications: trained networks to use, each in three lines.

``translator = rnn_course.load("translation")`` loads the one that comes with the package, and
``rnn_course.load("my-translator.zip")`` the one that you have trained and saved. Each is made by a notebook of
chapter 8.
"""

import importlib
from pathlib import Path

from rnn_course.applications.application import Application, read

#: The applications that come with the package: the module and the class of each.
APPLICATIONS = {
    "forecasting": ("forecasting", "Forecaster"),
    "text": ("text", "Author"),
    "replies": ("replies", "Replier"),
    "sentiment": ("sentiment", "Critic"),
    "captioning": ("captioning", "Captioner"),
    "digits": ("captioning", "Captioner"),
    "translation": ("translation", "Translator"),
    "speech": ("speech", "Listener"),
    "music": ("music", "Composer"),
}
TRAINED = Path(__file__).parent / "trained"

__all__ = ["APPLICATIONS", "Application", "load"]


def load(name):
    """Load a trained application.

    Parameters
    ----------
    name : str or path
        One that comes with the package, such as ``"translation"``: the keys of `APPLICATIONS`. Or the path of a file
        that `Application.save` wrote.

    Returns
    -------
    Application
        A `Translator`, a `Listener`, …: its docstring says how it is used. ``results`` holds how well it did on data
        that it had not been trained on.

    Raises
    ------
    TypeError
        If `name` is neither a string nor a path.
    ValueError
        If there is no such application or file, or the file is not one that `Application.save` wrote.

    Examples
    --------
    >>> import rnn_course
    >>> translator = rnn_course.load("translation")
    >>> translator.translate("friday, november 20, 2026", to="fr")
    'vendredi 20 novembre 2026'
    """
    if not isinstance(name, (str, Path)):
        raise TypeError(f"`name` must be the name of an application or the path of a file; received {name!r}.")
    path = TRAINED / f"{name}.zip" if str(name) in APPLICATIONS else Path(name)
    if not path.is_file():
        names = ", ".join(repr(known) for known in APPLICATIONS)
        raise ValueError(f"`name` must be one of {names}, or a file that exists; received {str(name)!r}.")
    content, weights = read(path)
    module, kind = APPLICATIONS[content["application"]]
    application = getattr(importlib.import_module(f"rnn_course.applications.{module}"), kind)
    return application.restore(content, weights)
