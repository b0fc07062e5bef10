"""Traps for what an exercise forbids: while they are set, its use raises an error that names it."""

import contextlib
import importlib
import sys


class Forbidden(Exception):
    """The student's code used what the exercise asks it to do without."""

    def __init__(self, name):
        super().__init__(f"This uses `{name}`, which the exercise asks you to do without.")


@contextlib.contextmanager
def trapped(names):
    """Have every use of ``names`` raise `Forbidden`, even if that error is caught on its way out.

    Parameters
    ----------
    names : iterable of str
        Full names of classes, methods or functions ("keras.layers.LSTM"). Those of modules are passed over, and so is
        what is not imported yet: a name that nothing has loaded cannot have been used.
    """
    used = []
    with contextlib.ExitStack() as stack:
        for name in names:
            for owner, attribute in targets(name):
                stack.enter_context(replaced(owner, attribute, trap(name, used)))
        yield
    if used:
        raise Forbidden(used[0])


def targets(name):
    """Return where to put the trap for ``name``: (object, attribute) pairs."""
    owner_name, _, attribute = name.rpartition(".")
    owner = loaded_module(owner_name) or loaded_class(owner_name)
    found = getattr(owner, attribute, None)
    if isinstance(found, type):  # an object made before the trap was set is caught when it is called
        return [(found, m) for m in ("__init__", "__call__", "call") if callable(getattr(found, m, None))]
    return [(owner, attribute)] if callable(found) else []


def loaded_class(name):
    """Return the class ``name`` if the package it belongs to is loaded, or None."""
    module_name, _, attribute = name.rpartition(".")
    return getattr(loaded_module(module_name), attribute, None)


def loaded_module(name):
    """Return the module ``name`` if the package it belongs to is loaded, or None."""
    if name.partition(".")[0] not in sys.modules:
        return None
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)


def trap(name, used):
    def raise_forbidden(self=None, *args, **kwargs):  # Keras looks at the signature of an __init__
        used.append(name)
        raise Forbidden(name)

    return raise_forbidden


@contextlib.contextmanager
def replaced(owner, attribute, value):
    """Set an attribute for a while; one that was inherited is taken away again."""
    own = attribute in vars(owner)
    before = vars(owner).get(attribute)
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, attribute, before)
        else:
            delattr(owner, attribute)
