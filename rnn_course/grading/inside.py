"""What runs in the student's kernel when the marker calls something that the student wrote."""

import importlib
import json

from IPython import get_ipython
from IPython.display import display

from rnn_course.assignments.written import Here, StudentError
from rnn_course.grading.wire import decode, encode

ANSWER = "application/vnd.rnn-course.answer+json"
LONGEST = 1000  # characters of an error's message


def answer(request):
    """Make the call that ``request``, JSON, asks for, and display its result, or its error, as JSON."""
    display({ANSWER: json.dumps(reply(json.loads(request)))}, raw=True)


def reply(request):
    try:
        args, kwargs = (decode(request[k], found) for k in ("args", "kwargs"))
        written = Here(request["name"], found(request["name"]), request["forbidden"])
        if request["helper"]:
            return {"value": encode(written.beside(helper(request["helper"]), args, kwargs))}
        return {"value": encode(written(*args, **kwargs))}
    except StudentError as error:
        return {"error": [part[:LONGEST] for part in (error.kind, str(error), error.line)]}


def found(name):
    """Return what the student's notebook has under that name."""
    names = get_ipython().user_ns
    if name not in names:
        raise StudentError("NameError", f"name {name!r} is not defined", name=name)
    return names[name]


def helper(name):
    """Return the helper "module:function" itself, without the wrapper that sends it here."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function).__wrapped__
