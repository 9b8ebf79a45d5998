"""How a period fills: the share of its result that earlier ones had by the same working day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.plan.earlier import FEWEST
from salesdiag.reductions.selling_days import working_days

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.department import Department


class Band(NamedTuple):
    """A share over earlier periods: the middle one and quantiles; NaN below three periods."""

    share: float
    low: float
    high: float


def booked_shares(
    department: Department, daily: pd.DataFrame, past: pd.DataFrame, elapsed: float
) -> NDArray[np.float64]:
    """Give the share of each past period's result that was there after a share of its days.

    What is sold on a day off counts with the working day before. Between two working days it
    is interpolated, for periods differ in their number of days. Periods without a result, or
    with a negative one, tell nothing and are left out.
    """
    day, worth = daily["day"].to_numpy(), daily["actual"].to_numpy(float)
    shares = []
    for first, last in past.itertuples(index=False):
        inside = (day >= first) & (day <= last)
        total = worth[inside].sum()
        if not total > 0:
            continue
        days = day[inside].astype("datetime64[D]")
        start = np.datetime64(first, "D")
        ends = np.append(days, np.datetime64(last, "D"))
        number = working_days(department, np.repeat(start, len(ends)), ends)
        booked = np.bincount(number[:-1], worth[inside], minlength=number[-1] + 1).cumsum() / total
        shares.append(np.interp(elapsed * number[-1], np.arange(len(booked)), booked))
    found: NDArray[np.float64] = np.clip(np.array(shares, dtype=float), 0, 1)
    return found


def band(shares: NDArray[np.float64], confidence: float) -> Band:
    """Give the median of the shares with quantiles beside it.

    With n periods no quantile can lie beyond the smallest and the largest seen, so the band
    of few periods is at most that of (n - 1) in (n + 1) new ones.
    """
    if len(shares) < FEWEST:
        return Band(np.nan, np.nan, np.nan)
    tail = (1 - confidence) / 2
    return Band(*(float(one) for one in np.quantile(shares, [0.5, tail, 1 - tail])))
