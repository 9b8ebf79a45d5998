"""On how many working days each rep could sell, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.periods import WEEKDAYS

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_PATIENCE = 3.0  # mean gaps between entries; who works at random shows none as long in 1 of 20
_SEEN = {"deals": ("created_at", "closed_at"), "activities": ("occurred_at",)}


def selling_days(department: Department, periods: pd.DataFrame) -> pd.DataFrame:
    """Count the working days of each rep in each period, from being hired to leaving.

    A rep is whoever owns a deal or an activity, and whoever is listed with another role than
    manager. Where no day of hiring is known, a rep counts from the first day on which the
    data show any work; whoever is first seen so soon after the records begin that chance
    explains the wait (three of the rep's mean gaps between entries) was there when they
    began, for otherwise every export would seem to start with a wave of hiring. Leaving is
    known from ``reps.left_on`` only, so a rep that the list forgot to end counts to
    ``as_of``. Days after ``as_of`` have not come yet. Holidays are those of the calendar;
    leave and illness are not known.

    Parameters
    ----------
    department : Department
        Needs ``rep_id`` in ``deals``, ``activities`` or ``reps``.
    periods : DataFrame
        ``period_start`` and ``period_end``, both days included.

    Returns
    -------
    DataFrame
        One row per rep and period, in order: ``rep_id``, ``period_start``, ``period_end``,
        ``n_selling_days`` (0 where the rep was not there).
    """
    reps = active_spans(department)
    rows = reps.merge(periods[["period_start", "period_end"]].drop_duplicates(), how="cross")
    first = np.maximum(_days(rows["period_start"]), _days(rows["first_day"]))
    last = np.minimum(_days(rows["period_end"]), _days(rows["last_day"]))
    rows["n_selling_days"] = working_days(department, first, last)
    columns = ["rep_id", "period_start", "period_end", "n_selling_days"]
    return rows[columns].sort_values(columns[:3]).reset_index(drop=True)


def selling_days_by_month(
    department: Department, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Count the working days of each rep in each month, or its part between two days.

    Columns: those of `selling_days` and ``month``, the first day of the month.
    """
    months = pd.date_range(first.to_period("M").start_time, last, freq="MS").as_unit("us")
    ends = months + pd.offsets.MonthEnd(0)
    periods = pd.DataFrame({
        "month": months, "period_start": months.where(months >= first, first),
        "period_end": ends.where(ends <= last, last),
    })  # fmt: skip
    days = selling_days(department, periods)
    return days.merge(periods, on=["period_start", "period_end"])


def working_days(
    department: Department, first: NDArray[np.datetime64], last: NDArray[np.datetime64]
) -> NDArray[np.int64]:
    """Count the working days between pairs of days, both included; 0 where there are none."""
    calendar = department.calendar
    if not len(first):
        return np.zeros(0, dtype="int64")
    week = "".join("1" if day in calendar.working_days else "0" for day in WEEKDAYS)
    off = calendar.days_off(min(first).astype(object), max(last).astype(object))
    end = np.maximum(last + np.timedelta64(1, "D"), first)
    counts = np.busday_count(
        first, end, weekmask=week, holidays=np.array(off, dtype="datetime64[D]")
    )
    return np.where(last < first, 0, counts).astype("int64")


def active_spans(department: Department) -> pd.DataFrame:
    """Give the first and the last day of each rep: ``rep_id``, ``first_day``, ``last_day``."""
    return department.remember("active spans", lambda: _spans(department))


def periods_of(department: Department, first: date, last: date, *, months: int) -> pd.DataFrame:
    """List the fiscal periods of ``months`` months that touch the days from first to last."""
    starts, ends = [], []
    day = first
    while day <= last:
        start, end = department.calendar.period_of(day, months=months)
        starts.append(pd.Timestamp(start))
        ends.append(pd.Timestamp(end))
        day = (pd.Timestamp(end) + pd.Timedelta(days=1)).date()
    return pd.DataFrame({"period_start": starts, "period_end": ends})


def _spans(department: Department) -> pd.DataFrame:
    listed = _listed(department)
    seen = _first_seen(department)
    spans = listed.merge(seen, on="rep_id", how="outer")
    works = spans["seen_on"].notna() | spans["sells"].eq(other=True)
    spans = spans[works & (spans["rep_id"] != UNASSIGNED)]
    as_of = pd.Timestamp(department.as_of)
    first = spans["hired_on"].fillna(spans["seen_on"]).fillna(as_of + pd.Timedelta(days=1))
    last = spans["left_on"].fillna(as_of)
    last = last.mask(last > as_of, as_of)
    spans = spans.assign(first_day=first, last_day=last)[["rep_id", "first_day", "last_day"]]
    return spans.sort_values("rep_id").reset_index(drop=True)


def _listed(department: Department) -> pd.DataFrame:
    if not department.has("reps"):
        return pd.DataFrame({
            "rep_id": pd.Series(dtype="str"), "hired_on": pd.Series(dtype="datetime64[us]"),
            "left_on": pd.Series(dtype="datetime64[us]"), "sells": pd.Series(dtype="bool"),
        })  # fmt: skip
    reps = department.fetch("reps").drop_duplicates("rep_id")
    role = reps["role"].fillna("") if "role" in reps else pd.Series("", index=reps.index)
    listed = reps[["rep_id"]].assign(sells=role.str.lower() != "manager")
    for name in ("hired_on", "left_on"):
        listed[name] = pd.to_datetime(reps[name]) if name in reps else pd.NaT
    return listed


def _first_seen(department: Department) -> pd.DataFrame:
    """Give the first day of each rep: that of any work, or that on which the records begin."""
    found = []
    for table, columns in _SEEN.items():
        for column in columns:
            if department.has(table, "rep_id", column):
                rows = department.table(table).filter(_.rep_id.notnull() & _[column].notnull())
                rows = rows.filter(_[column].date() <= department.as_of)
                day = _[column].date()
                found.append(fetch(rows.group_by("rep_id").agg(
                    seen_on=day.min(), until=day.max(), n_entries=_.count(),
                )))  # fmt: skip
    if not found:
        if not department.has("reps"):
            department.require(deals=["rep_id", "created_at"])
        nobody = {"rep_id": pd.Series(dtype="str"), "seen_on": pd.Series(dtype="datetime64[us]")}
        return pd.DataFrame(nobody)
    entries = pd.concat(found, ignore_index=True)
    days = ["seen_on", "until"]
    entries[days] = entries[days].apply(pd.to_datetime)
    seen = entries.groupby("rep_id", as_index=False).agg(
        {"seen_on": "min", "until": "max", "n_entries": "sum"}
    )
    begin = seen["seen_on"].min()
    gap = (seen["until"] - seen["seen_on"]) / (seen["n_entries"] - 1).clip(lower=1)
    is_there = seen["seen_on"] - begin <= _PATIENCE * gap
    seen["seen_on"] = seen["seen_on"].mask(is_there, begin)
    return seen[["rep_id", "seen_on"]]


def _days(column: pd.Series) -> NDArray[np.datetime64]:
    return column.to_numpy().astype("datetime64[D]")
