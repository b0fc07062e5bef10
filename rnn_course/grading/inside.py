"""What runs in the student's kernel when the marker calls something that the student wrote."""

import importlib
import json
import linecache

from IPython import get_ipython
from IPython.display import display

from rnn_course.assignments.written import Here
from rnn_course.grading.wire import decode, encode

ANSWER = "application/vnd.rnn-course.answer+json"
LONGEST = 1000  # characters of an error's message


def answer(request):
    """Make the call that ``request``, JSON, asks for, and display its result, or its error, as JSON."""
    display({ANSWER: json.dumps(reply(json.loads(request)))}, raw=True)


def reply(request):
    names = get_ipython().user_ns
    try:
        args, kwargs = (decode(request[k], names.__getitem__) for k in ("args", "kwargs"))
        written = Here(request["name"], names[request["name"]], request["forbidden"])
        if request["helper"]:
            return {"value": encode(written.beside(helper(request["helper"]), args, kwargs))}
        return {"value": encode(written(*args, **kwargs))}
    except KeyboardInterrupt:
        raise
    except KeyError as error:
        if error.args and error.args[0] not in names and error.args[0] == request["name"]:
            return {"error": ["NameError", f"name {request['name']!r} is not defined", ""]}
        return {"error": told(error)}
    except BaseException as error:  # sys.exit too: the student's code must not end the call
        return {"error": told(error)}


def helper(name):
    """Return the helper "module:function" itself, without the wrapper that sends it here."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function).__wrapped__


def told(error):
    """Return an error's class, its message, and the line of the notebook in which it arose."""
    line, traceback = "", error.__traceback__
    while traceback:
        found = linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno).strip()
        if "ipykernel" in traceback.tb_frame.f_code.co_filename:
            line = found
        traceback = traceback.tb_next
    return [type(error).__name__, str(error)[:LONGEST], line[:LONGEST]]
