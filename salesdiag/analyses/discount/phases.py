"""Where in a fiscal period a deal was closed: its first days, its middle, its last days."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch
from salesdiag.errors import InputError
from salesdiag.periods import WEEKDAYS
from salesdiag.reductions.selling_days import periods_of, working_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.department import Department

    Days = NDArray[np.datetime64]

FIRST, MIDDLE, LAST = 0, 1, 2
_STRAYS = 0.02  # share of the closings that may lie before the record begins
_THIRD = 10  # days of a month: a gap of a third of a period
_USUAL_GAPS = 10
_ENOUGH_DAYS = 20  # of closing, to tell strays from a small department


class Phases(NamedTuple):
    """The fiscal periods and the working days on which their middle and last days begin."""

    start: Days
    middle: Days
    last: Days
    end: Days
    n_days: NDArray[np.int64]  # working days, shape (periods, 3)

    @property
    def n_periods(self) -> int:
        """How many periods there are."""
        return len(self.start)


def phases_of(
    department: Department,
    seen: pd.DataFrame,
    *,
    months: int,
    first_days: int,
    last_days: int,
) -> Phases:
    """Cut the fiscal periods from ``seen.first_on`` to ``seen.last_on`` into three phases.

    ``first_days`` and ``last_days`` are working days of the calendar.

    Raises
    ------
    InputError
        If the first and the last days leave nothing between them.
    """
    if seen["first_on"].isna().all():
        nothing = np.array([], dtype="datetime64[D]")
        return Phases(nothing, nothing, nothing, nothing, np.zeros((0, 3), dtype="int64"))
    ends = [pd.Timestamp(seen["first_on"].min()).date(), pd.Timestamp(seen["last_on"].max()).date()]
    periods = periods_of(department, ends[0], ends[1], months=months)
    start, end = (periods[name].to_numpy().astype("datetime64[D]")
                  for name in ("period_start", "period_end"))  # fmt: skip
    calendar = department.calendar
    week = "".join("1" if day in calendar.working_days else "0" for day in WEEKDAYS)
    around = np.timedelta64(60, "D")
    off = calendar.days_off((start[0] - around).astype(object), (end[-1] + around).astype(object))
    holidays = np.array(off, dtype="datetime64[D]")
    after, day = end + np.timedelta64(1, "D"), np.timedelta64(1, "D")
    middle = np.busday_offset(start, first_days, roll="forward", weekmask=week, holidays=holidays)
    last = np.busday_offset(after, -last_days, roll="forward", weekmask=week, holidays=holidays)
    if np.any(middle >= last):
        message = (
            f"first_days and last_days must leave working days between them in a period of "
            f"{months} months; got {first_days} and {last_days}."
        )
        raise InputError(message)
    pairs = [(start, middle - day), (middle, last - day), (last, end)]
    counts = np.column_stack([working_days(department, *pair) for pair in pairs])
    return Phases(start, middle, last, end, counts)


def record_begins(department: Department, months: int) -> pd.Timestamp:
    """Give the first day of closing that is no stray; NaT without any.

    Strays are up to 2 % of the closings, or a single one, before a gap longer than a third of a
    period and ten times the usual one: slips of the year, and no beginning.
    """

    def count() -> pd.DataFrame:
        deals = department.select_deals().filter(_.status.isin(["won", "lost"]))
        days = fetch(deals.group_by(day=deals.closed_at.date()).agg(n=_.count()))
        days = days[days["day"].notna()].astype({"day": "datetime64[us]"})
        days = days[days["day"] <= pd.Timestamp(department.as_of)]
        return days.sort_values("day", ignore_index=True)

    days = department.remember("days of closing", count)
    if len(days) < _ENOUGH_DAYS:
        return pd.Timestamp(days["day"].min())
    gap = days["day"].diff().dt.days.to_numpy()[1:]
    before = days["n"].cumsum().to_numpy()[:-1]
    few = before <= max(1, _STRAYS * days["n"].sum())
    long = gap > max(_THIRD * months, _USUAL_GAPS * np.median(gap))
    strays = np.flatnonzero(few & long)
    return pd.Timestamp(days["day"].iloc[strays[-1] + 1 if len(strays) else 0])


def slot_of(day: ibis.Value, phases: Phases) -> ibis.Value:
    """Give the number of the phase of a day: three times its period, plus 0, 1 or 2."""
    bounds = np.column_stack([phases.middle, phases.last, phases.end + np.timedelta64(1, "D")])
    if not bounds.size:
        return ibis.null("int64")
    branches = [(day < one, slot) for slot, one in enumerate(bounds.ravel().astype(object))]
    return ibis.cases(*branches).cast("int64")
