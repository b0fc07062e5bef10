"""Handwritten digits, read as sequences."""

import numpy as np

from . import _check


def digits(order="rows", test_fraction=0.2, seed=0):
    """1,797 handwritten digits of 8 by 8 pixels, as sequences from the top of the image to its bottom.

    Parameters
    ----------
    order : {"rows", "pixels"}
        "rows": a step is a row of 8 pixels, and a sequence has 8 steps.
        "pixels": a step is one pixel, left to right and row by row, and a sequence has 64 steps: the same image
        with an eight times longer memory to keep.
    test_fraction : float
        Share of the digits to test on, between 0 and 1; each class is split in this proportion.
    seed : int
        Which split: the same seed gives the same split.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuple of tuples of numpy.ndarray
        `x` float32 of shape (N, 8, 8) for rows or (N, 64, 1) for pixels, from 0 (paper) to 1 (ink); `y` int64 of
        shape (N,): which digit, 0 to 9. With the defaults, 1,438 digits to train on and 359 to test on.

    Raises
    ------
    TypeError
        If `test_fraction` is not a number or `seed` not an int.
    ValueError
        If `order` is another word, or `test_fraction` leaves a part without one digit of each class.

    Notes
    -----
    Collected from 43 people, and reduced to 8 by 8 counts of ink from 0 to 16, by E. Alpaydin and C. Kaynak (1998),
    "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, doi:10.24432/C50P49. This is that
    collection's test set, written by 13 of the 43; shipped with scikit-learn as `sklearn.datasets.load_digits`.
    The split is by image and not by writer, so a person can have written in both parts.
    """
    _check.one_of("order", order, ("rows", "pixels"))
    fraction = _check.number("test_fraction", test_fraction, 0, 1)
    seed = _check.whole_number("seed", seed, least=0)
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    size = round(fraction * len(labels))
    if min(size, len(labels) - size) < 10:
        raise ValueError(
            f"test_fraction must leave at least 10 of the {len(labels)} digits in each part, "
            f"got {fraction:g}. Choose one nearer to 0.2."
        )
    shape = (-1, 8, 8) if order == "rows" else (-1, 64, 1)
    x = (images / 16).astype(np.float32).reshape(shape)
    y = labels.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=size, random_state=seed, stratify=y)
    return (x_train, y_train), (x_test, y_test)
