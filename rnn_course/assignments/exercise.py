"""Exercises that check themselves.

An exercise is a list of parts, each worth some points. A part calls what the student wrote and compares it with the
package. The same parts run in two places:

- in the student's notebook, ``exercise.check(function)``, on inputs that never change, with a message that teaches;
- when a class is marked, ``exercise.mark(...)``, on fresh random inputs. What the student wrote then lives in a
  sandbox, and the parts, outside, hold a `Remote` in its place: arrays go in, arrays come back, and nothing that the
  student's code does to its own process can change what is compared, or how.
"""

from typing import NamedTuple

import numpy as np

from rnn_course.assignments.traps import Forbidden
from rnn_course.assignments.written import Here, StudentError

# What an assignment in NumPy alone does without: the frameworks, and the modules of this package that rest on them.
FRAMEWORKS = (
    *("keras", "tensorflow", "torch", "jax"),
    *(f"rnn_course.{module}" for module in ("cell_base", "cells", "bptt", "layers", "gradients")),
)


class Incorrect(AssertionError):
    """What a check says to a student; a notebook shows its words alone."""

    def _render_traceback_(self):
        return str(self).splitlines()


class PartMark(NamedTuple):
    """What one part of an exercise gave."""

    title: str
    points: float
    score: float
    message: str


class Part(NamedTuple):
    """One part of an exercise: ``check(*written, rng)`` raises an error, or returns nothing or (share, message)."""

    points: float
    title: str
    check: object
    only_in_marking: bool
    draws: int


class Exercise:
    """What a student writes, and the parts by which it is checked.

    Parameters
    ----------
    name : str
        A short name, unique in its assignment: the id of its test cell.
    needs : tuple of str
        Names of the functions or classes that the student writes, in the order in which ``check`` takes them.
    forbidden : tuple of str
        What may not be used inside them, by its full name ("keras.layers.LSTM"); the name of a module or package
        stands for everything in it.
    """

    def __init__(self, name, needs, forbidden=()):
        self.name, self.needs, self.forbidden = name, tuple(needs), tuple(forbidden)
        self.parts = []

    @property
    def points(self):
        """Points for the whole exercise."""
        return sum(part.points for part in self.parts)

    def part(self, points, title, only_in_marking=False, draws=3):
        """Return a decorator that adds a part.

        Parameters
        ----------
        points : float
            What it is worth.
        title : str
            What holds when it is right: "starts from the given state".
        only_in_marking : bool
            Whether it is left out of ``check``, because it takes long or would need much explaining.
        draws : int
            On how many random inputs it is run in marking.
        """

        def add(check):
            self.parts.append(Part(points, title, check, only_in_marking, draws))
            return check

        return add

    def check(self, *written):
        """Check what the student wrote, say how each part fared, and raise `Incorrect` with the first that is wrong."""
        if len(written) != len(self.needs):
            raise TypeError(f"`{self.name}.check` takes {', '.join(self.needs)}; received {len(written)} arguments.")
        parts = [part for part in self.parts if not part.only_in_marking]
        written = [Here(name, value, self.forbidden) for name, value in zip(self.needs, written)]
        marks = [self.mark_part(part, written, 0, draws=1) for part in parts]
        for mark in marks:
            print(f"{'right' if mark.score == mark.points else 'not yet':>7}  {mark.title}")
        wrong = [mark for mark in marks if mark.score < mark.points]
        if wrong:
            raise Incorrect(wrong[0].message)
        rest = len(self.parts) - len(parts)
        print(f"All {len(parts)} parts are right." + (f" Marking looks at {rest} more." if rest else ""))

    def mark(self, *written, seed):
        """Yield a `PartMark` for each part, on random inputs that follow from ``seed``; ``written`` are `Remote`."""
        for k, part in enumerate(self.parts):
            yield self.mark_part(part, written, [seed, k])

    def mark_part(self, part, written, seed, draws=None):
        """Return the `PartMark` of one part: the worst of several draws."""
        rng = np.random.default_rng(seed)
        share, message = 1.0, ""
        for _ in range(draws or part.draws):
            found, said = self.outcome(part, written, rng)
            if found < share or not message:
                share, message = found, said
            if share == 0:
                break
        return PartMark(part.title, part.points, share * part.points, message)

    def outcome(self, part, written, rng):
        """Return the share of one draw that is right, from 0 to 1, and what to say of it."""
        try:
            with np.errstate(all="ignore"):
                result = part.check(*written, rng)
        except Exception as error:
            return 0.0, self.explain(error)
        share, message = result or (1.0, "")
        return min(max(float(share), 0.0), 1.0), message

    def explain(self, error):
        """Say in words what an error means for the student."""
        if not isinstance(error, StudentError):  # raised by the part itself: by `expect`, or as it took a result apart
            words = f"{', '.join(f'`{name}`' for name in self.needs)}: what came back cannot be used: {error}"
            return str(error) if isinstance(error, Incorrect) else words
        if error.kind == Forbidden.__name__:
            return str(error)
        if error.kind == NotImplementedError.__name__:
            return f"`{error.name}` is not written yet: it raises NotImplementedError."
        where = f", at the line `{error.line}`" if error.line else ""
        return f"`{error.name}` stopped with {error.kind}: {error}{where}"


class Assignment:
    """A problem set: its exercises, in order.

    Parameters
    ----------
    name : str
        A short name: the stem of its notebook.
    title : str
        What it is called.
    exercises : list of Exercise
        Its exercises.
    absent : tuple of str
        Packages, and modules of `rnn_course`, that it is done without: in marking they are not there.
    """

    def __init__(self, name, title, exercises, absent=()):
        self.name, self.title, self.absent = name, title, tuple(absent)
        self.exercises = {exercise.name: exercise for exercise in exercises}

    @property
    def needs(self):
        """Names that the student writes, each with its exercise."""
        return {name: exercise for exercise in self.exercises.values() for name in exercise.needs}

    @property
    def forbidden(self):
        """All that some exercise forbids."""
        return tuple(dict.fromkeys(name for e in self.exercises.values() for name in e.forbidden))


def expect(what, got, want, mistakes=None, tolerance=1e-5):
    """Raise `Incorrect` unless ``got`` is ``want``, in words that name the likely mistake.

    Parameters
    ----------
    what : str
        What it is, as the message is to call it: "`step` gives".
    got : array_like
        The student's value.
    want : array_like
        The right value.
    mistakes : dict, or callable that gives one, optional
        What it would be after a known mistake: {message: value}. It is called only if ``got`` is wrong.
    tolerance : float
        Largest difference allowed, relative to the largest entry of ``want`` and no less than that of 1.
    """
    want, got = as_array("the right value is", want), as_array(what, got)
    if close(got, want, tolerance):
        return
    for message, value in dict((mistakes() if callable(mistakes) else mistakes) or {}).items():
        if close(got, value, tolerance):
            raise Incorrect(message)
    if got.shape != want.shape:
        raise Incorrect(f"{what} an array of shape {got.shape}; it should have shape {want.shape}.")
    if np.isnan(got).any() and not np.isnan(want).any():
        raise Incorrect(f"{what} NaN, which is not a number: look for 0/0, log 0 or an overflow.")
    worst = np.unravel_index(np.argmax(np.abs(got - want)), want.shape)
    place = f" at index {tuple(map(int, worst))}" if want.ndim else ""
    raise Incorrect(f"{what} {got[worst]:.6g}{place}; it should be {want[worst]:.6g}.")


def close(got, value, tolerance):
    """Return whether two arrays agree in shape and, to ``tolerance``, in every entry."""
    value = np.asarray(value)
    if got.shape != value.shape:
        return False
    scale = max(1.0, float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value))))
    with np.errstate(invalid="ignore"):  # infinite entries are equal or not, and have no difference
        return bool(np.all((got == value) | (np.abs(got - value) <= tolerance * scale)))


def as_array(what, got):
    """Return the student's value as an array of numbers, or say why it is none."""
    if got is None:
        raise Incorrect(f"{what} None: is there a `return`?")
    try:
        array = np.asarray(got)
        return array if array.dtype.kind in "iu" else array.astype("float64")
    except (TypeError, ValueError):
        raise Incorrect(f"{what} something that is not an array of numbers: {type(got).__name__}.") from None


def expect_several(what, got, names):
    """Return ``got`` if it is a tuple or list of as many values as there are ``names``, or raise `Incorrect`."""
    if not isinstance(got, (list, tuple)) or len(got) != len(names):
        count = len(got) if isinstance(got, (list, tuple)) else 1
        raise Incorrect(f"{what} {count} value{'s' * (count != 1)}; it should give {len(names)}: {', '.join(names)}.")
    return got
