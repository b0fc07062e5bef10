"""Made submissions: right, partly right and wrong ones of each assignment, with the marks they must get."""

from typing import NamedTuple


class Made(NamedTuple):
    """A made submission, told by what it has in place of the solution.

    ``cells`` replaces the cell that defines a name: {name: source}. ``points`` are the expected points by exercise,
    where they are not all, and ``says`` words that the message of an exercise must hold.
    """

    cells: dict
    points: dict
    says: dict
