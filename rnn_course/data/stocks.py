"""The price of a share, day by day."""

import numpy as np

from .series import Series


def google_stock():
    """Price of one Google share at the close of each trading day, 19 August 2004 to 14 October 2008.

    A series to be humble with: the best forecast of tomorrow's price is very nearly today's.

    Returns
    -------
    Series
        1,047 trading days (`time` in days, without weekends and holidays); `values` are the adjusted closing prices
        in US dollars. Adjusted means corrected for splits and dividends; there were none in these years, so they
        equal the plain closing prices.

    Notes
    -----
    Shipped with matplotlib as the sample data file `goog.npz` (from Yahoo Finance).
    """
    from matplotlib.cbook import get_sample_data

    with get_sample_data("goog.npz") as archive:
        table = archive["price_data"]
    time = table["date"].astype("datetime64[D]")
    return Series(time, table["adj_close"].astype(np.float32), "Google share, closing price", "US dollars")
