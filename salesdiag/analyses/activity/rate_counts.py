"""The reduction under the activity rates: activities and selling days by rep and week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd
from ibis import _

from salesdiag.analyses.activity.links import typed_activities
from salesdiag.engine import fetch
from salesdiag.periods import parse_day
from salesdiag.reductions.selling_days import selling_days

if TYPE_CHECKING:
    import ibis

    from salesdiag.department import Department

COUNTS = ["n_activities", "n_with_outcome", "n_reached", "n_with_log_time", "n_late"]
_REACHED = ("connected", "held")


def count_activities(
    department: Department,
    own_keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    late_days: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count activities by rep, week, type and columns of their own; and the selling days.

    Returns
    -------
    tuple of DataFrame
        The counts: ``rep_id``, the keys, ``activity_type``, ``week`` (its Monday) and the
        columns ``n_*``. The days: ``rep_id``, ``week``, ``n_selling_days``, for all reps and
        weeks of the window, which begins and ends with an activity where no day is given.
    """
    first = None if start is None else parse_day(start, "start")
    until = None if end is None else min(parse_day(end, "end"), department.as_of)
    last = until or department.as_of
    rows = typed_activities(department, own_keys, first=first, last=last)
    sums = {"first_on": _.day.min(), "last_on": _.day.max(), "n_activities": _.count()}
    sums |= _qualities(rows, late_days)
    keys = ["rep_id", *own_keys, "activity_type", "week"]
    counts = fetch(
        rows.mutate(week=_.day.cast("timestamp").truncate("W").date()).group_by(keys).agg(**sums)
    )
    counts["week"] = pd.to_datetime(counts["week"])
    if first is None and len(counts):
        first = counts["first_on"].min().date()
    if until is None and len(counts):
        last = counts["last_on"].max().date()
    counts = counts.reindex(columns=[*keys, *COUNTS]).fillna(dict.fromkeys(COUNTS, 0))
    counts = counts.astype(dict.fromkeys(COUNTS, "int64"))
    counts = counts.sort_values(keys).reset_index(drop=True)
    return counts, _days(department, first, last)


def _qualities(rows: ibis.Table, late_days: int) -> dict[str, ibis.Value]:
    sums = {}
    if "outcome" in rows.columns:
        sums["n_with_outcome"] = _.outcome.count()
        sums["n_reached"] = _.count(where=_.outcome.isin(_REACHED))
    if "logged_at" in rows.columns:
        delay = _.logged_at.date().delta(_.day, unit="day")
        sums["n_with_log_time"] = _.logged_at.count()
        sums["n_late"] = _.count(where=delay > late_days)
    return sums


def _days(department: Department, first: date | None, last: date) -> pd.DataFrame:
    """Give the selling days of each rep in each week, the first and the last cut to the window."""
    mondays = []
    if first is not None:
        monday = first - timedelta(days=first.weekday())
        mondays = [monday + timedelta(days=7 * n) for n in range((last - monday).days // 7 + 1)]
    weeks = pd.DataFrame({
        "week": pd.to_datetime(pd.Series(mondays, dtype="datetime64[us]")),
        "period_start": pd.to_datetime(pd.Series(
            [max(day, first) for day in mondays if first], dtype="datetime64[us]")),
        "period_end": pd.to_datetime(pd.Series(
            [min(day + timedelta(days=6), last) for day in mondays], dtype="datetime64[us]")),
    })  # fmt: skip
    days = selling_days(department, weeks).merge(weeks, on=["period_start", "period_end"])
    return days[["rep_id", "week", "n_selling_days"]]
