"""Carbon dioxide in the air, and the temperature of the sea."""

import numpy as np

from .series import Series

_MONTH = np.timedelta64(1, "M")


def co2():
    """Carbon dioxide in the air at Mauna Loa, Hawaii, March 1958 to December 2001, month by month.

    A steady rise with the breath of the northern forests on top of it: trend and season in one series.

    Returns
    -------
    Series
        526 months (`time` in months); `values` in ppm (parts of CO2 in a million parts of dry air, by volume).

    Notes
    -----
    The source is weekly, with gaps. A month here is the mean of its weeks that have a value (a week counts where
    its Saturday falls); the 5 months without any (two in 1958, three in 1964) are filled in on a straight line
    between their neighbors.

    Measured by Charles D. Keeling and his co-workers at the Scripps Institution of Oceanography: C. D. Keeling and
    T. P. Whorf (2004), "Atmospheric CO2 concentrations derived from flask air samples at sites in the SIO network",
    in *Trends: A Compendium of Data on Global Change*, CDIAC, Oak Ridge. Public domain, shipped with statsmodels as
    `statsmodels.datasets.co2`.
    """
    from statsmodels.datasets import co2 as source

    weekly = source.load_pandas().data["co2"].dropna()
    week_month = weekly.index.to_numpy().astype("datetime64[M]")
    month, which = np.unique(week_month, return_inverse=True)
    mean = np.bincount(which, weights=weekly.to_numpy()) / np.bincount(which)

    time = np.arange(month[0], month[-1] + _MONTH)
    values = np.interp(time.astype(int), month.astype(int), mean)
    return Series(time, values.astype(np.float32), "Carbon dioxide at Mauna Loa", "ppm")


def el_nino():
    """Temperature of the sea's surface off Peru and Ecuador, January 1950 to December 2010, month by month.

    A strong season, and on top of it, every few years and hard to foretell, the warm water of El Niño (as in
    1982-83 and 1997-98).

    Returns
    -------
    Series
        732 months (`time` in months); `values` in degrees Celsius, the mean over the region Niño 1+2 (0 to 10
        degrees south, 80 to 90 degrees west).

    Notes
    -----
    The reconstruction ERSST.V3B of the US National Oceanic and Atmospheric Administration, Climate Prediction
    Center. Public domain, shipped with statsmodels as `statsmodels.datasets.elnino`, one row a year, which are put
    end to end here.
    """
    from statsmodels.datasets import elnino as source

    table = source.load_pandas().data.to_numpy()
    first_month = np.datetime64(f"{int(table[0, 0])}-01", "M")
    values = table[:, 1:].reshape(-1).astype(np.float32)
    time = first_month + np.arange(len(values)) * _MONTH
    return Series(time, values, "Sea surface temperature, Niño 1+2", "°C")
