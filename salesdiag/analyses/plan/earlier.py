"""Which earlier periods a period can be compared with."""

from __future__ import annotations

import itertools

import pandas as pd

from salesdiag.periods import add_months
from salesdiag.reductions.actuals import PERIOD

_DAY = pd.Timedelta(days=1)
MOST = 12  # earlier periods: three years of quarters, one year of months
FEWEST = 3  # of which a band can be made
_LATE_START = 0.1  # share of a period that may pass before the records begin
_SIMILAR = 0.2  # periods of uneven length that differ by more are not compared


def earlier_periods(
    first: pd.Timestamp, last: pd.Timestamp, *, planned: pd.DataFrame, since: pd.Timestamp
) -> pd.DataFrame:
    """List the periods of like length before one, the latest first, that the records cover.

    Whole months are stepped back month by month, whether or not a plan was made for them;
    periods that begin within a month are compared with earlier ones of the plan whose length
    differs by a fifth at most. ``since`` is the first day of the records: a period is covered
    if they begin within its first tenth.
    """
    following = last + _DAY
    if first.day == 1 and following.day == 1:
        months = (following.year - first.year) * 12 + following.month - first.month
        starts = [pd.Timestamp(add_months(first.date(), -months * k)) for k in range(MOST + 1)]
        rows = [(start, later - _DAY) for later, start in itertools.pairwise(starts)]
    else:
        known = planned[PERIOD].drop_duplicates().sort_values(PERIOD, ascending=False)
        length = (following - first).days
        lengths = (known["period_end"] - known["period_start"]).dt.days + 1
        like = known[((lengths - length).abs() <= _SIMILAR * length).to_numpy()]
        rows, before = [], first
        for start, end in like.itertuples(index=False):
            if end < before and len(rows) < MOST:
                rows.append((start, end))
                before = start
    frame = pd.DataFrame(rows, columns=PERIOD).astype(dict.fromkeys(PERIOD, "datetime64[us]"))
    latest = frame["period_start"] + (frame["period_end"] - frame["period_start"]) * _LATE_START
    return frame[latest >= since].reset_index(drop=True) if pd.notna(since) else frame.iloc[:0]
