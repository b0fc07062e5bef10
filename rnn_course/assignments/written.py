"""What a student wrote, as a check sees it: something to call with data, which gives data back.

It lives `Here`, in the student's own notebook, or it is `Remote`: in a sandbox, when a class is marked. A check that
needs more than a call, such as building a class, says so in a helper marked `beside_student`, which runs where the
student's objects are.
"""

import contextlib
import functools
import linecache
import sys

import numpy as np

from rnn_course.assignments.traps import trapped

PLAIN = (type(None), bool, int, float, str)


class StudentError(Exception):
    """An error that the student's code raised.

    ``kind`` is its class, ``line`` the line of the notebook that it came from, and ``name`` what was being called.
    """

    def __init__(self, kind, message, line="", name=""):
        super().__init__(message)
        self.kind, self.line, self.name = kind, line, name


class Here:
    """What a student wrote, in this process.

    Parameters
    ----------
    name : str
        Its name in the student's notebook.
    value : callable
        The function or class.
    forbidden : tuple of str
        What it may not use: see `rnn_course.assignments.traps.trapped`.
    """

    def __init__(self, name, value, forbidden=()):
        self.name, self.value, self.forbidden = name, value, forbidden

    def __call__(self, *args, **kwargs):
        return self.run(self.value, args, kwargs)

    def beside(self, helper, args, kwargs):
        """Call ``helper`` with what the student wrote and data."""
        return self.run(helper, (self.value, *args), kwargs)

    def run(self, function, args, kwargs):
        try:
            with trapped(self.forbidden), plain_errors():
                return as_data(function(*map(own_copy, args), **{k: own_copy(v) for k, v in kwargs.items()}))
        except (Exception, SystemExit) as error:
            raise StudentError(type(error).__name__, str(error), line_of(error), self.name) from error


class Remote:
    """What a student wrote, in another process.

    Parameters
    ----------
    name : str
        Its name in the student's notebook.
    send : callable
        ``send(name, helper, args, kwargs)`` makes the call there: of what the student wrote, or of the helper named
        "module:function", with that as its first argument. It returns data, or raises `StudentError`.
    """

    def __init__(self, name, send):
        self.name, self.send = name, send

    def __call__(self, *args, **kwargs):
        return self.send(self.name, None, args, kwargs)

    def beside(self, helper, args, kwargs):
        """Have ``helper`` called there with what the student wrote and data."""
        return self.send(self.name, f"{helper.__module__}:{helper.__qualname__}", args, kwargs)


def beside_student(helper):
    """Have ``helper(written, ...)`` run in the process in which ``written``, what the student wrote, lives.

    There it gets the student's own object. Its other arguments are data, or other things that the student wrote; its
    result is data: numbers, strings, arrays, and lists, tuples and dicts of them.
    """

    @functools.wraps(helper)
    def run(written, *args, **kwargs):
        return written.beside(helper, args, kwargs)

    return run


@contextlib.contextmanager
def plain_errors():
    """Have Keras pass errors on as they are; by default it writes the arguments of every layer into them."""
    config = getattr(sys.modules.get("keras"), "config", None)
    if config is None or not config.is_traceback_filtering_enabled():
        yield
        return
    config.disable_traceback_filtering()
    try:
        yield
    finally:
        config.enable_traceback_filtering()


def line_of(error):
    """Return the line of the notebook in which an error arose, or nothing if it arose elsewhere."""
    line, traceback = "", error.__traceback__
    while traceback:
        file = traceback.tb_frame.f_code.co_filename
        if "ipykernel" in file or file.startswith("<ipython-input"):
            line = linecache.getline(file, traceback.tb_lineno).strip()
        traceback = traceback.tb_next
    return line


def own_copy(value):
    """Return what the student's code may change without harm to the check: a copy of data, or what it wrote."""
    if isinstance(value, Here):
        return value.value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(map(own_copy, value))
    return {k: own_copy(v) for k, v in value.items()} if isinstance(value, dict) else value


def as_data(value):
    """Return ``value`` with tensors as arrays, or raise a TypeError for what is no data."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        values = list(map(as_data, value))
        return values if isinstance(value, list) else tuple(values)
    if isinstance(value, dict):
        return {str(k): as_data(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
    elif hasattr(value, "shape") and hasattr(value, "dtype"):  # a tensor of any backend
        import keras

        array = keras.ops.convert_to_numpy(value)
    else:
        raise TypeError(f"it gave something that is neither a number, a text nor an array: {type(value).__name__}")
    if array.dtype.kind == "U":
        return array.tolist()
    if array.dtype.kind not in "biuf":
        raise TypeError(f"it gave an array of {array.dtype}, where numbers were wanted")
    return array
