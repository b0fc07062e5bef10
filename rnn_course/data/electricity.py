"""The demand for electricity in the state of Victoria, hour by hour."""

from importlib import resources

import numpy as np

from .series import Series


def electricity():
    """Demand for electricity in Victoria, Australia, 1 January to 29 May 2012, hour by hour.

    Two seasons at once, the day and the week, on top of them the weather (air conditioning in the southern summer,
    until March) and the holidays: a forecast that power companies make every hour.

    Returns
    -------
    Series
        3,600 hours (`time` in hours, as the file has it, without daylight saving); `values` in gigawatt-hours.

    Raises
    ------
    FileNotFoundError
        If the installed statsmodels has no such file. It is in the versions 0.14 and 0.15.

    Notes
    -----
    A part of the demand that the Australian Energy Market Operator publishes, as in the data set `vic_elec` of the R
    package tsibbledata. Shipped with statsmodels, which tests its seasonal decomposition (MSTL) on it.
    """
    file = resources.files("statsmodels") / "tsa" / "stl" / "tests" / "results" / "mstl_elec_vic.csv"
    if not file.is_file():
        raise FileNotFoundError("statsmodels has no mstl_elec_vic.csv. Install version 0.15 of it.")
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    time = np.array([row[0] for row in rows], dtype="datetime64[h]")
    values = np.array([float(row[1]) for row in rows]) / 1000
    return Series(time, values.astype(np.float32), "Demand for electricity, Victoria", "GWh")
