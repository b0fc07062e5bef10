"""Checks of the arguments of cells, layers, models and decoders, so that all word their errors alike."""

import numbers


def positive(**given):
    """Raise a ValueError that names the argument, if one is not a positive whole number."""
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"`{name}` must be a positive whole number; received {name}={value!r}.")


def one_of(choices, **given):
    """Raise a ValueError that lists the choices, if an argument is not one of them."""
    for name, value in given.items():
        if value not in choices:
            listed = ", ".join(repr(choice) for choice in choices)
            raise ValueError(f"`{name}` must be one of {listed}; received {name}={value!r}.")
