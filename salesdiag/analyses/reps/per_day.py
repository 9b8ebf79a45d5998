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
from salesdiag.reductions.selling_days import selling_days_by_month
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis
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
    against those months. Whoever owns any deal counts with all selling days, with nothing won as
    well (an id that ``reps`` lacks only where it has any). How much chance moves a month is read
    off the months of each unit. Left out, and counted, is what has no day, is nobody's or fell on
    days on which the unit did not sell; left out are metrics that no table allows.
    """
    if not is_of_reps(department, unit):
        return []
    found = []
    owners = _owners(department, keys, unit)
    if department.has("deals", "closed_at"):
        deals = department.select_deals(by=[*keys, unit], start=start, end=end, on="closed_at")
        rows = deals.filter(_.status == "won").mutate(unit_id=_[unit])
        sums: dict[str, ibis.Value] = {"n_events": _.count()}
        if "amount" in deals.columns:
            money = rows.amount.cast("float64")
            rows = rows.mutate(money=money, money_squares=money * money)
            sums |= {"seen": _.amount.sum().cast("float64"), "squares": _.money_squares.sum()}
        frame = _by_month(rows, "closed_at", keys, sums)
        wins = frame.assign(seen=frame["n_events"].astype(float), squares=frame["n_events"])
        for metric, months in ((WINS, wins), (REVENUE, frame)):
            if "seen" in months and (metric == WINS or months["seen"].notna().any()):
                found.append(
                    _against_peers(department, months, owners, keys, unit, metric, start, end)
                )
    done = _activities(department, keys, unit, start, end)
    if done is not None:
        found.append(_against_peers(department, done, owners, keys, unit, ACTIVITIES, start, end))
    return found


def _owners(department: Department, keys: Sequence[str], unit: str) -> pd.DataFrame:
    """List the units that own any deal, in each group; of reps, those that are on the list.

    An id that the list lacks is mostly a slip of the pen, and no rep who wins nothing.
    """
    group = [*keys, "unit_id"]
    deals = department.select_deals(by=[*keys, unit]).mutate(unit_id=_[unit])
    units = fetch(deals.select(group).distinct())
    if unit == "rep_id" and department.has("reps"):
        units = units[units["unit_id"].isin(department.fetch("reps")["rep_id"])]
    return units.sort_values(group, ignore_index=True)


def _doers(owners: pd.DataFrame, done: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Put those who did anything beside those who own a deal, in each group."""
    group = [*keys, "unit_id"]
    return (
        pd.concat([owners[group], done[group]], ignore_index=True)
        .drop_duplicates()
        .sort_values(group, ignore_index=True)
    )


def _by_month(
    rows: ibis.Table, column: str, keys: Sequence[str], sums: dict[str, ibis.Value]
) -> pd.DataFrame:
    """Add up by group, unit and month; what has no day stands in no month."""
    month = rows[column].date().cast("timestamp").truncate("M").date()
    frame = fetch(rows.mutate(month=month).group_by([*keys, "unit_id", "month"]).agg(**sums))
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[us]")
    return frame.sort_values([*keys, "unit_id", "month"], ignore_index=True)


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
    rows = rows.mutate(unit_id=rows[unit])
    frame = _by_month(rows, "occurred_at", keys, {"n_events": _.count()})
    return frame.assign(seen=frame["n_events"].astype(float), squares=frame["n_events"])


def _against_peers(
    department: Department,
    months: pd.DataFrame,
    owners: pd.DataFrame,
    keys: Sequence[str],
    unit: str,
    metric: str,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Put counts and selling days together and add up over the months."""
    group = [*keys, "unit_id"]
    months[_SUMS] = months[_SUMS].astype(float).fillna(0.0)
    whole_of = months.groupby(group)["n_events"].sum().rename("n_all").reset_index()
    named = months[(months["unit_id"] != UNASSIGNED) & months["month"].notna()]
    days = _days(department, named, unit, start, end)
    of_reps = [key for key in keys if key in days]
    units = _doers(owners[owners["unit_id"] != UNASSIGNED], named, keys)
    grid = units.merge(days, on=[*of_reps, "unit_id"])
    rows = grid.merge(named[[*group, "month", *_SUMS]], on=[*group, "month"], how="left")
    rows = rows.fillna(dict.fromkeys(_SUMS, 0.0)).sort_values([*group, "month"], ignore_index=True)
    by = [*keys, "month"]
    whole, events, n_events = (
        rows.groupby(by)[name].transform("sum") for name in ("days", "seen", "n_events")
    )
    rows["expected"] = rows["days"] * events / whole
    rows["expected_n"] = rows["days"] * n_events / whole
    rows["tested"] = rows["expected"] * (1 - rows["days"] / whole)
    rows["n_compared"] = rows["days"].where(whole > rows["days"], 0.0)
    added = ["days", *_SUMS, "expected", "expected_n", "tested", "n_compared"]
    sums = rows.groupby(group, as_index=False)[added].sum()
    scale = _spread_over_months(rows, sums, keys, metric)
    sums = sums.assign(own_variance=sums["expected"] * scale, variance=sums["tested"] * scale)
    # who has something, but no selling day, stands there with it
    sums = sums.merge(whole_of, on=group, how="outer")
    numbers = [*added, "own_variance", "variance", "n_all"]
    sums = sums.fillna(dict.fromkeys(numbers, 0.0)).sort_values(group, ignore_index=True)
    sums["n_left_out"] = sums["n_all"] - sums["n_events"]
    counts = {"n_cases": sums["days"]} | {
        name: sums[name] for name in ("n_compared", "n_events", "n_left_out")
    }
    floats = ["seen", "expected", "expected_n", "own_variance", "variance"]
    return sums.assign(
        metric=metric, from_stage="", n_open=0, size=sums["days"],
        **{name: one.round().astype("int64") for name, one in counts.items()},
        **{name: steady(sums[name]) for name in floats},
    ).drop(columns=["days", "squares", "tested", "n_all"])  # fmt: skip


def _spread_over_months(
    rows: pd.DataFrame, sums: pd.DataFrame, keys: Sequence[str], metric: str
) -> pd.Series:
    """Give the variance over the mean within units: how their months vary about their own level.

    At least that of chance: 1 for counts, for money that of single deals.
    """
    there = rows[rows["expected"] > 0]
    own = there.groupby([*keys, "unit_id"])[["seen", "expected"]].transform("sum")
    # nothing in any month tells nothing of how months vary
    there, own = there[own["seen"] > 0], own[own["seen"] > 0]
    seen, level = there["seen"].to_numpy(), own["seen"] / own["expected"] * there["expected"]
    misfit = np.nan_to_num(ratio((seen - level) ** 2, level.where(level > 0)))
    place, code = _codes(sums, keys), _codes_like(there, sums, keys)
    n = max(int(place.max(initial=-1)) + 1, 1)
    held = _codes_like(there.drop_duplicates([*keys, "unit_id"]), sums, keys)
    units = np.bincount(held, minlength=n)
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


def _codes_like(rows: pd.DataFrame, sums: pd.DataFrame, keys: Sequence[str]) -> NDArray[np.intp]:
    """Give each row the number that its group has in the table of sums."""
    if not keys:
        return np.zeros(len(rows), dtype=np.intp)
    known = sums[list(keys)].assign(group_code=_codes(sums, keys)).drop_duplicates()
    return rows[list(keys)].merge(known, how="left", on=list(keys))["group_code"].to_numpy(np.intp)


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
    days = selling_days_by_month(department, first, last)
    days = days[~days["rep_id"].isin(_managers(department))]
    held = [one for one in months.columns if one not in ("unit_id", "month", *_SUMS)]
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
