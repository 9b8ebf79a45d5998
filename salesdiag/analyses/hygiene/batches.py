"""Entries that came in bulk: imports, which are nobody's, and batches of one rep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.periods import WEEKDAYS

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

# an import: so many rows in one minute, and so many times the usual minute ...
_IMPORT_ROWS, _IMPORT_TIMES = 20, 10
# ... of so many reps, none of whom has more than half; or so many rows, whoever is named
_IMPORT_REPS, _IMPORT_MANY = 3, 200


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on entries are suspect."""

    late_days: int = 7
    batch_least: int = 5
    burst_least: int = 10
    burst_share: float = 0.25
    eve_days: int = 2


def with_clock(rows: ibis.Table, moment: ibis.Value) -> ibis.Table:
    """Add the minute, hour and week in which each row was entered.

    A date without a time of day has a week only: nothing is known of its minute.
    """
    rows = rows.mutate(entered=moment)
    minute = rows.entered.truncate("m")
    has_clock = rows.entered != rows.entered.truncate("D")
    return rows.mutate(
        entry_minute=ibis.ifelse(has_clock, minute, ibis.null()),
        entry_hour=ibis.ifelse(has_clock, rows.entered.truncate("h"), ibis.null()),
        entry_week=rows.entered.truncate("W").date(),
    ).drop("entered")


def with_imports(rows: ibis.Table) -> ibis.Table:
    """Add ``is_import``; rows have the clock and ``rep_id_of_row``."""
    return _marked(rows, _imports(_cells(rows)), ["entry_minute"], "is_import")


def with_batches(rows: ibis.Table, least: Thresholds) -> ibis.Table:
    """Add ``is_import`` and ``is_one_minute``; rows have the clock and ``rep_id_of_row``."""
    crowded = _cells(rows).filter(_.n >= least.batch_least)
    rows = with_imports(rows)
    rows = _marked(rows, crowded, ["rep_id_of_row", "entry_minute"], "is_crowded")
    return rows.mutate(is_one_minute=rows.is_crowded & ~rows.is_import)


def with_bursts(rows: ibis.Table, least: Thresholds) -> ibis.Table:
    """Add ``is_burst``: of an hour that holds a good part of its rep's week, and not few."""
    hours = hours_of(rows)
    week = hours.entry_hour.truncate("W")
    hours = hours.mutate(week=week)
    weeks = hours.group_by("rep_id_of_row", "week").agg(n_week=_.n.sum())
    many = hours.filter(_.n >= least.burst_least).join(weeks, ["rep_id_of_row", "week"])
    bursts = many.filter(_.n >= least.burst_share * _.n_week)
    rows = _marked(rows, bursts, ["rep_id_of_row", "entry_hour"], "is_burst")
    return rows.mutate(is_burst=rows.is_burst & ~rows.is_import)


def hours_of(rows: ibis.Table, *keys: str) -> ibis.Table:
    """Count what each rep entered in each hour, imports left out."""
    own = rows.filter(_.entry_hour.notnull() & ~_.is_import)
    return own.group_by([*keys, "rep_id_of_row", "entry_hour"]).agg(n=_.count())


def with_hour_batches(rows: ibis.Table, least: Thresholds, days: list[str]) -> ibis.Table:
    """Add ``is_eve_batch``: of an hour in which a rep entered many, on one of these days."""
    listed = [ibis.date(day) for day in days]
    if not listed:
        return rows.mutate(is_eve_batch=ibis.literal(False))  # noqa: FBT003
    eves = rows.filter(rows.entry_hour.date().isin(listed))
    many = hours_of(eves).filter(_.n >= least.batch_least)
    rows = _marked(rows, many, ["rep_id_of_row", "entry_hour"], "is_eve_batch")
    return rows.mutate(is_eve_batch=rows.is_eve_batch & ~rows.is_import)


def with_own_durations(rows: ibis.Table) -> ibis.Table:
    """Add ``is_own_duration``: a length to the second that its rep has far oftener than others.

    At least ten times, and more than five times as often as the others have it.
    """
    timed = rows.filter((_.duration_seconds > 0) & ~_.is_import)
    cells = timed.group_by("rep_id_of_row", "duration_seconds").agg(n=_.count())
    reps = cells.group_by("rep_id_of_row").agg(n_rep=_.n.sum())
    lengths = cells.group_by("duration_seconds").agg(n_length=_.n.sum())
    total = cells.agg(n_all=_.n.sum())
    many = cells.filter(_.n >= 10).join(reps, "rep_id_of_row").join(lengths, "duration_seconds")
    many = many.cross_join(total)
    # own share > 5 x share of the others, multiplied out; without others there is no usual length
    others = many.n_all - many.n_rep
    stands_out = many.n * others > 5 * many.n_rep * (many.n_length - many.n)
    own = many.filter(stands_out & (others > 0))
    return _marked(rows, own, ["rep_id_of_row", "duration_seconds"], "is_own_duration")


def eves(
    department: Department, first: pd.Timestamp, least: Thresholds, more: tuple[date, ...]
) -> list[str]:
    """List the last working days of each fiscal month since ``first``, and those up to meetings.

    Of the month of ``as_of`` too: its eve may have come before its end.
    """
    ends: list[date | pd.Timestamp] = list(more)
    if not pd.isna(first):
        # days, not moments: a clock time would put the last month's end behind ``as_of``
        last = pd.Timestamp(department.as_of) + pd.offsets.MonthEnd(0)
        ends += list(pd.date_range(first.normalize(), last, freq="ME"))
    calendar = department.calendar
    found = set()
    week = "".join("1" if day in calendar.working_days else "0" for day in WEEKDAYS)
    days = np.array([pd.Timestamp(one).to_datetime64() for one in ends], dtype="datetime64[D]")
    if not len(days) or not least.eve_days:
        return []
    off = calendar.days_off(
        (days.min() - np.timedelta64(31, "D")).astype(object), days.max().astype(object)
    )
    for back in range(least.eve_days):
        found |= set(np.busday_offset(
            days, -back, roll="backward", weekmask=week, holidays=np.array(off, "datetime64[D]")
        ).astype(str))  # fmt: skip
    return sorted(found)


def _cells(rows: ibis.Table) -> ibis.Table:
    timed = rows.filter(_.entry_minute.notnull())
    return timed.group_by("rep_id_of_row", "entry_minute").agg(n=_.count())


def _imports(cells: ibis.Table) -> ibis.Table:
    """Give the minutes in which no person, or no one person, entered what stands there.

    What is usual must not be told by the import itself, which may last for many minutes: it is
    the median of the minutes, or of the days' medians where that is less (an import that has
    more minutes than there are others has few days). The minutes beside one of an import belong
    to it, for it begins and ends within a minute.
    """
    minutes = cells.group_by("entry_minute").agg(n=_.n.sum(), n_reps=_.count(), most=_.n.max())
    days = minutes.group_by(day=minutes.entry_minute.date()).agg(usual=minutes.n.median())
    dense = minutes.filter(_.n >= _IMPORT_ROWS)
    dense = dense.cross_join(minutes.agg(usual_minute=_.n.median()))
    dense = dense.cross_join(days.agg(usual_day=_.usual.median()))
    dense = dense.filter(_.n >= _IMPORT_TIMES * ibis.least(_.usual_minute, _.usual_day))
    many_reps = (_.n_reps >= _IMPORT_REPS) & (2 * _.most <= _.n)
    found = dense.filter(many_reps | (_.n >= _IMPORT_MANY)).select("entry_minute")
    minute = ibis.interval(minutes=1)
    before = found.select(entry_minute=found.entry_minute - minute)
    after = found.select(entry_minute=found.entry_minute + minute)
    return found.union(before, after, distinct=True)


def _marked(rows: ibis.Table, marks: ibis.Table, on: list[str], name: str) -> ibis.Table:
    """Tell of each row whether the marks have its values; nulls are never marked."""
    side = marks.select(*[_[one].name(f"mark_{one}") for one in on])
    same = [rows[one] == side[f"mark_{one}"] for one in on]
    joined = rows.left_join(side, same)
    return joined.mutate(**{name: joined[f"mark_{on[0]}"].notnull()}).drop(*side.columns)
