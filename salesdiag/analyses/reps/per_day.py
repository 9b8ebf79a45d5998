"""Sums of what units did and won per selling day, month by month, against their peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.reps.shares import is_of_reps, within
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import column_of_reps
from salesdiag.reductions.selling_days import selling_days
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

WINS, REVENUE, ACTIVITIES = "wins_per_day", "revenue_per_day", "activities_per_day"
_SUMS = ["n_events", "seen", "squares"]


def per_day_sums(
    department: Department,
    keys: Sequence[str],
    unit: str,
    *,
    start: date | str | None,
    end: date | str | None,
) -> list[pd.DataFrame]:
    """Add up wins, revenue and activities of each unit, and what peers did on as many days.

    The expectation is made month by month, so that who was there in good months only is held
    against those months. How much chance moves a month is read off the months of each unit.
    Left out are metrics that no table allows.
    """
    if not is_of_reps(department, unit):
        return []
    found = []
    if department.has("deals", "closed_at"):
        deals = department.select_deals(by=[*keys, unit], start=start, end=end, on="closed_at")
        won = deals.filter((_.status == "won") & _.closed_at.notnull()).mutate(unit_id=_[unit])
        day = won.closed_at.date()
        rows = won.mutate(month=day.cast("timestamp").truncate("M").date(), day=day)
        sums = {"n_events": _.count(), "first_on": _.day.min()}
        if "amount" in deals.columns:
            money = rows.amount.cast("float64")
            rows = rows.mutate(money=money, money_squares=money * money)
            sums |= {"seen": _.amount.sum().cast("float64"), "squares": _.money_squares.sum()}
        frame = fetch(rows.group_by([*keys, "unit_id", "month"]).agg(**sums))
        wins = frame.assign(seen=frame["n_events"].astype(float), squares=frame["n_events"])
        for metric, months in ((WINS, wins), (REVENUE, frame)):
            if "seen" in months and (metric == WINS or months["seen"].notna().any()):
                found.append(_against_peers(department, months, keys, unit, metric, start, end))
    done = _activities(department, keys, unit, start, end)
    if done is not None:
        found.append(_against_peers(department, done, keys, unit, ACTIVITIES, start, end))
    return found


def _activities(
    department: Department,
    keys: Sequence[str],
    unit: str,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame | None:
    """Count activities by unit and month; None where they name no rep, or lack a key."""
    if not department.has("activities", "rep_id", "occurred_at"):
        return None
    rows = department.table("activities")
    if any(key not in rows.columns and not is_of_reps(department, key) for key in keys):
        return None
    rows = within(department.with_keys(rows, [*keys, unit]), department, "occurred_at", start, end)
    day = rows.occurred_at.date()
    rows = rows.mutate(
        unit_id=rows[unit], day=day, month=day.cast("timestamp").truncate("M").date()
    )
    frame = fetch(rows.group_by([*keys, "unit_id", "month"]).agg(
        n_events=_.count(), first_on=_.day.min()
    ))  # fmt: skip
    return frame.assign(seen=frame["n_events"].astype(float), squares=frame["n_events"])


def _against_peers(
    department: Department,
    months: pd.DataFrame,
    keys: Sequence[str],
    unit: str,
    metric: str,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Put counts and selling days together and add up over the months."""
    months = months.assign(month=pd.to_datetime(months["month"]))
    months[_SUMS] = months[_SUMS].astype(float).fillna(0.0)
    months = (
        months[months["unit_id"] != UNASSIGNED]
        .drop(columns="first_on")
        .assign(first_on=pd.to_datetime(months["first_on"]))
    )
    days = _days(department, months, unit, start, end)
    group = [*keys, "unit_id"]
    units = months[group].drop_duplicates()
    of_reps = [key for key in keys if key in days]
    grid = (
        units.merge(days, on=[*of_reps, "unit_id"])
        if len(units)
        else units.assign(month=pd.Series(dtype="datetime64[us]"), days=0.0)
    )
    rows = grid.merge(months[[*group, "month", *_SUMS]], on=[*group, "month"], how="left")
    rows = rows.fillna(dict.fromkeys(_SUMS, 0.0)).sort_values([*group, "month"], ignore_index=True)
    by = [*keys, "month"]
    whole, events = (rows.groupby(by)[name].transform("sum") for name in ("days", "seen"))
    rows["expected"] = rows["days"] * events / whole
    rows["tested"] = rows["expected"] * (1 - rows["days"] / whole)
    rows["n_compared"] = rows["days"].where(whole > rows["days"], 0.0)
    sums = rows.groupby(group, as_index=False)[
        ["days", *_SUMS, "expected", "tested", "n_compared"]
    ].sum()
    scale = _spread_over_months(rows, sums, keys, metric)
    return sums.assign(
        metric=metric, from_stage="", n_open=0, size=sums["days"],
        n_cases=sums["days"].astype("int64"), n_compared=sums["n_compared"].astype("int64"),
        n_events=sums["n_events"].astype("int64"), seen=steady(sums["seen"]),
        expected=steady(sums["expected"]), own_variance=steady(sums["expected"] * scale),
        variance=steady(sums["tested"] * scale),
    ).drop(columns=["days", "squares", "tested"])  # fmt: skip


def _spread_over_months(
    rows: pd.DataFrame, sums: pd.DataFrame, keys: Sequence[str], metric: str
) -> pd.Series:
    """Give the variance over the mean within units: how their months vary about their own level.

    At least that of chance: 1 for counts, for money that of single deals.
    """
    there = rows[rows["expected"] > 0]
    own = there.groupby([*keys, "unit_id"])[["seen", "expected"]].transform("sum")
    seen, level = there["seen"].to_numpy(), own["seen"] / own["expected"] * there["expected"]
    misfit = np.nan_to_num(ratio((seen - level) ** 2, level.where(level > 0)))
    code, place = _codes(there, keys), _codes(sums, keys)
    n = max(int(place.max(initial=-1)) + 1, 1)
    units = np.bincount(_codes(there.drop_duplicates([*keys, "unit_id"]), keys), minlength=n)
    free = np.bincount(code, minlength=n) - units
    found = ratio(np.bincount(code, misfit, minlength=n), np.maximum(free, 0))
    least = np.ones(n)
    if metric == REVENUE:
        squares, whole = (np.bincount(place, sums[one], minlength=n) for one in ("squares", "seen"))
        least = ratio(squares, whole)
    return pd.Series(np.fmax(found, least)[place], index=sums.index)


def _codes(rows: pd.DataFrame, keys: Sequence[str]) -> NDArray[np.intp]:
    """Give each row the number of its group, in the order of the keys."""
    if not keys:
        return np.zeros(len(rows), dtype=np.intp)
    return np.asarray(rows.groupby(list(keys)).ngroup(), dtype=np.intp)


def _days(
    department: Department,
    months: pd.DataFrame,
    unit: str,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Give the selling days of each unit in each month of the window."""
    first = pd.Timestamp(parse_day(start, "start")) if start is not None else None
    if first is None and len(months):
        first = months["month"].min()
    last = pd.Timestamp(department.as_of)
    last = last if end is None else min(last, pd.Timestamp(parse_day(end, "end")))
    names = [] if unit == "rep_id" else [unit]
    if first is None or first > last:
        empty = {"unit_id": pd.Series(dtype="str"), "month": pd.Series(dtype="datetime64[us]")}
        return pd.DataFrame(empty).assign(days=0.0)
    starts = pd.date_range(first.to_period("M").start_time, last, freq="MS").as_unit("us")
    ends = starts + pd.offsets.MonthEnd(0)
    periods = pd.DataFrame({
        "month": starts, "period_start": starts.where(starts >= first, first),
        "period_end": ends.where(ends <= last, last),
    })  # fmt: skip
    days = selling_days(department, periods).merge(periods, on=["period_start", "period_end"])
    days = days[~days["rep_id"].isin(_managers(department))]
    held = [one for one in months.columns if one not in ("unit_id", "month")]
    of_reps = [one for one in held if one != "rep_id" and is_of_reps(department, one)]
    for name in dict.fromkeys([*names, *of_reps]):
        days[name] = column_of_reps(department, days["rep_id"], name)
    days["unit_id"] = days[unit]
    if "rep_id" in held:
        of_reps.append("rep_id")
    sums = days.groupby([*of_reps, "unit_id", "month"], as_index=False)["n_selling_days"].sum()
    there: pd.DataFrame = sums[sums["n_selling_days"] > 0]
    return there.rename(columns={"n_selling_days": "days"}).astype({"days": float})


def _managers(department: Department) -> list[str]:
    """Name those whose role is to manage: their days are no selling days."""
    if not department.has("reps", "role"):
        return []
    reps = department.fetch("reps")
    return reps.loc[reps["role"].fillna("").str.lower() == "manager", "rep_id"].tolist()
