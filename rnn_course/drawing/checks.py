"""Checks of arguments, with messages that name the argument and the fix."""

from numbers import Integral, Real

import numpy as np


def whole_number(name, value, low, high):
    """Return `value` if it is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number from {low} to {high}, got {value!r}: pass an int.")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}: more or fewer cannot be read.")
    return int(value)


def texts(name, value, count=None, *, longest=16, blanks=False):
    """Return `value` as a list of `count` strings; with `blanks`, entries that are None stay None."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} must be a list of strings, got {value!r}: split the text first.")
    value = list(value)
    if count is not None and len(value) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(value)}: pass one for each.")
    if None in value and not blanks:
        raise TypeError(f"{name} must be a list of strings, got {value!r}: put a string in place of None.")
    value = [None if entry is None else str(entry) for entry in value]
    for entry in value:
        if entry is not None and len(entry) > longest and "$" not in entry:
            raise ValueError(f"{name} may have up to {longest} characters an entry, got {entry!r}: shorten it.")
    return value


def choice(name, value, options):
    """Return `value` if it is one of `options`."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}: choose one of them.")
    return value


def numbers(name, value, keys, *, largest=99):
    """Return the dict `value` with every number as float; it must have exactly `keys`, and small numbers."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a dict with the keys {', '.join(keys)}, got {value!r}: pass a dict.")
    if set(value) != set(keys):
        raise ValueError(
            f"{name} must have exactly the keys {', '.join(keys)}, got {', '.join(map(str, value))}: "
            f"add what is missing, and remove the rest."
        )
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, Real) or not abs(number) <= largest:
            raise ValueError(
                f"{name}[{key!r}] must be a number from -{largest} to {largest}, got {number!r}: "
                f"larger ones have no room."
            )
    return {key: float(value[key]) for key in keys}


def array(name, value, shape):
    """Return `value` as a float array; `shape` names its axes, as in ("T", "H")."""
    expected = f"({', '.join(shape)})"
    try:
        result = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a numeric array of shape {expected}, got {value!r}: pass numbers.") from None
    if result.ndim != len(shape) or result.size == 0:
        raise ValueError(
            f"{name} must have shape {expected}, with no empty axis, got {result.shape}: "
            f"pick one sequence of a batch, as in {name}[0]."
        )
    return result
