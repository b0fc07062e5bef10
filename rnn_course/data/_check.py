"""Checks of arguments, so that every module words its errors alike."""

import numbers


def whole_number(name, value, least=1, most=None):
    """`value` as an int from `least` to `most`, or an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"{name} must be a whole number of at least {least}, got {value!r} "
            f"of type {type(value).__name__}. Pass an int."
        )
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}. Pass a larger int.")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value:,}. Pass a smaller int.")
    return int(value)


def even(name, value, most):
    """`value` as an even int from 2 to `most`: half of the examples have one label, half the other."""
    value = whole_number(name, value, least=2, most=most)
    if value % 2:
        raise ValueError(f"{name} must be even, since there are as many examples of either label, got {value}.")
    return value


def number(name, value, low, high=float("inf"), open_low=True):
    """`value` as a float between the bounds; the upper bound is never included."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}.")
    too_low = value <= low if open_low else value < low
    if too_low or not value < high:
        bound = f"{'more than' if open_low else 'at least'} {low:g}"
        if high < float("inf"):
            bound += f" and less than {high:g}"
        elif value == high:
            bound += " and finite"
        raise ValueError(f"{name} must be {bound}, got {value}.")
    return float(value)


def one_of(name, value, choices):
    """`value`, which must be one of `choices`."""
    if value not in choices:
        listed = " or ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be {listed}, got {value!r}.")
    return value


def string(name, value):
    """`value`, which must be a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r} of type {type(value).__name__}.")
    return value
