"""The course's graded assignments: what each exercise asks for, and how it is checked.

One module an assignment, with its exercises; `exercise` has what they share.
"""

import importlib

NAMES = ("neuron", "bptt", "gates", "translator")


def load(name):
    """Return the `Assignment` of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in NAMES:
        raise ValueError(f"There is no assignment {name!r}. There are: {', '.join(NAMES)}.")
    return importlib.import_module(f"rnn_course.assignments.{name}").ASSIGNMENT
