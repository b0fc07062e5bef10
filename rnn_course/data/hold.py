"""A display with a HOLD button: a task that says when to remember, and when to let go."""

import numpy as np

from . import _check


def hold(count, steps, seed=0, rate=0.08):
    """Readings of a meter, two buttons, and what its display should show.

    A reading arrives at every step, and is different each time. When HOLD is pressed, the display takes over the
    reading of that step and keeps showing it. When CLEAR is pressed, it goes back to 0. A network has to store a
    number at the right moment, to keep it while readings go by, and to let go of it at the right moment.

    Parameters
    ----------
    count : int
        How many sequences, N.
    steps : int
        How long they are, T.
    seed : int
        The same seed gives the same sequences.
    rate : float
        The probability, at each step, of HOLD, and that of CLEAR; never both. Less than 0.5.

    Returns
    -------
    x : numpy.ndarray
        Shape (N, T, 3), float32: the reading, uniform between -1 and 1, in column 0; 1 where HOLD is pressed, and 0
        elsewhere, in column 1; the same for CLEAR in column 2.
    y : numpy.ndarray
        Shape (N, T, 1), float32: what the display shows after each step; 0 before anything is held.

    Raises
    ------
    TypeError
        If `count`, `steps` or `seed` is not an int, or `rate` not a number.
    ValueError
        If `count` or `steps` is below 1, `seed` negative, or `rate` not between 0 and 0.5.
    """
    count = _check.whole_number("count", count)
    steps = _check.whole_number("steps", steps)
    rng = np.random.default_rng(_check.whole_number("seed", seed, least=0))
    rate = _check.number("rate", rate, 0, 0.5)

    reading = rng.uniform(-1, 1, size=(count, steps))
    chance = rng.random((count, steps))
    pressed = chance < rate
    cleared = ~pressed & (chance < 2 * rate)

    display, shown = np.zeros(count), np.zeros((count, steps))
    for t in range(steps):
        display = np.where(pressed[:, t], reading[:, t], np.where(cleared[:, t], 0, display))
        shown[:, t] = display
    x = np.stack([reading, pressed, cleared], axis=-1)
    return x.astype("float32"), shown[..., None].astype("float32")
