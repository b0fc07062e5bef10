"""The sunspot number of every year from 1700 on."""

import numpy as np

from .series import Series


def sunspots():
    """The mean sunspot number of each year, 1700 to 2008: an index of the counts of spots and of groups of spots.

    It rises and falls in a cycle of about eleven years whose height no one can foretell exactly: a small
    forecasting task with a strong pattern and a real limit.

    Returns
    -------
    Series
        309 years (`time` in years); `values` are the yearly means of the daily sunspot number, without unit.

    Notes
    -----
    Counted by observatories all over the world, and compiled by Rudolf Wolf in Zurich, who also reconstructed the
    years before 1849 from older records, and by his successors; published by the US National Geophysical Data
    Center. This is the first version of the sunspot number; the version of 2015 has other values. Public domain,
    shipped with statsmodels as `statsmodels.datasets.sunspots`.
    """
    from statsmodels.datasets import sunspots as source

    table = source.load_pandas().data
    years = table["YEAR"].to_numpy().astype(int)
    return Series(
        time=(years - 1970).astype("datetime64[Y]"),
        values=table["SUNACTIVITY"].to_numpy().astype(np.float32),
        name="Sunspots",
        unit="yearly mean sunspot number",
    )
