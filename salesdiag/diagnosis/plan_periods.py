"""Which periods of a plan make the plan of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from datetime import date

_LONGEST_PERIOD_DAYS = 370  # a plan of several years is not a plan of the window


def complete_periods(attainment: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    """Keep planned, complete periods that lie mostly inside the window, of one length."""
    attainment = attainment[attainment["target"].notna()]
    first, last = attainment["period_start"], attainment["period_end"]
    days = (last - first).dt.days + 1
    middle = first + (last - first) / 2
    inside = (middle >= pd.Timestamp(start)) & (middle <= pd.Timestamp(end))
    inside &= attainment["is_complete"] & (days <= _LONGEST_PERIOD_DAYS)
    grain = (days / 30.4).round().clip(lower=1)
    periods = attainment.assign(grain=grain, days=days)[inside]
    if not len(periods):
        return attainment.iloc[:0]
    once = periods.drop_duplicates(["period_start", "period_end"])
    covered = once.groupby("grain")["days"].sum()
    # the length that covers most of the window; of equals the shortest
    best = covered[covered >= covered.max() - 3].index.min()
    chosen: pd.DataFrame = periods[periods["grain"] == best].drop(columns=["grain", "days"])
    return chosen
