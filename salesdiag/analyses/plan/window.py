"""What the analyses of the plan are asked: the column to split by, the window, the level."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, get_args

import pandas as pd

from salesdiag.department import Department
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import PERIOD
from salesdiag.reductions.plan_sums import Metric
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


class Question(NamedTuple):
    """What was asked, checked: column to split by, first and last day, level of intervals."""

    keys: list[str]
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    confidence: float

    def within(self, periods: pd.DataFrame) -> pd.DataFrame:
        """Keep the periods that lie wholly between the days asked for."""
        inside = pd.Series(data=True, index=periods.index)
        if self.first is not None:
            inside &= periods["period_start"] >= self.first
        if self.last is not None:
            inside &= periods["period_end"] <= self.last
        return periods[inside].reset_index(drop=True)


# names of figures on the way to a plan's tables
_ON_THE_WAY = (
    "absolute", "age_band", "attainment", "chance", "elapsed_share", "error", "forecast",
    "is_too_early", "level", "linear", "place", "plain", "plain_absolute", "potential", "size",
    "is_joiner", "is_leaver", "is_whole", *PERIOD, "span", "tenure", "unplanned_actual", "until",
)  # fmt: skip


def question(
    department: Department,
    by: str | Sequence[str],
    start: date | str | None,
    end: date | str | None,
    confidence: float,
    *,
    results: Sequence[str],
    metric: str = "revenue",
    metrics: tuple[str, ...] = get_args(Metric),
) -> Question:
    """Check what was asked before anything is computed.

    Raises
    ------
    MissingDataError
        If no table has the column to split by.
    InputError
        If it names several columns or one of the ``results``, or a day, the level or the metric
        is none.
    """
    level = share("confidence", confidence)
    keys = department.split_keys(by, results=[*results, *_ON_THE_WAY])
    if len(keys) > 1:
        message = f"by: a plan splits by one column at a time; got {keys!r}."
        raise InputError(message)
    if metric not in metrics:
        message = f"metric must be one of {', '.join(metrics)}; got {metric!r}."
        raise InputError(message)
    first = None if start is None else pd.Timestamp(parse_day(start, "start"))
    last = None if end is None else pd.Timestamp(parse_day(end, "end"))
    return Question(keys, first, last, level)


def of_reps(department: Department, keys: list[str], name: str) -> None:
    """Refuse to split by what is not the rep's: targets of reps know no products or accounts."""
    if keys and keys != ["rep_id"] and department.home_of(keys[0]) != "reps":
        message = (
            f"by: {name} is told of reps, so split by 'rep_id' or a column of reps such as "
            f"'team'; got {keys[0]!r}, a column of {department.home_of(keys[0])}."
        )
        raise InputError(message)


def refuse_overlaps(periods: pd.DataFrame, instead: str) -> None:
    """Stop where a day lies in two periods, so that a sale would count twice.

    Raises
    ------
    InputError
        Naming the first two that overlap, and what to do ``instead``.
    """
    known = periods[PERIOD].drop_duplicates().sort_values(PERIOD).reset_index(drop=True)
    ends_before = known["period_end"].shift(1)
    overlapping = known[known["period_start"] <= ends_before]
    if len(overlapping):
        later = overlapping.index[0]
        one, other = (
            f"{row.period_start:%Y-%m-%d} to {row.period_end:%Y-%m-%d}"
            for row in known.loc[later - 1 : later].itertuples()
        )
        message = f"the periods of the plan overlap ({one}, and {other}); {instead}."
        raise InputError(message)


def running_periods(periods: pd.DataFrame, day: date) -> pd.DataFrame:
    """Give the periods that run on a day, else the last that ended before it; none to come."""
    known = periods[PERIOD].drop_duplicates().sort_values(PERIOD).reset_index(drop=True)
    now = pd.Timestamp(day)
    begun = known[known["period_start"] <= now]
    running = begun[begun["period_end"] >= now]
    if len(running) or not len(begun):
        return running.reset_index(drop=True)
    latest: pd.DataFrame = begun[begun["period_end"] == begun["period_end"].max()]
    return latest.tail(1).reset_index(drop=True)


def as_of_day(department: Department, on: date | str | None) -> Department:
    """Turn a department back to a day, given as the option ``on``.

    Raises
    ------
    InputError
        If the day lies after the department's ``as_of``.
    """
    if on is None:
        return department
    day = parse_day(on, "on")
    if day > department.as_of:
        message = f"on must be a day up to as_of, {department.as_of}; got {day}."
        raise InputError(message)
    if day == department.as_of:
        return department
    tables = {name: department.table(name) for name in department.tables}
    return Department.of(tables, replace(department.settings, as_of=day))


def needs_history(message: str) -> MissingDataError:
    """Make the refusal of what too short a history cannot tell."""
    ask = "an export of the deals that reaches further back, won and lost ones included"
    return MissingDataError(message, missing=("deals of earlier periods",), ask_for=ask)
