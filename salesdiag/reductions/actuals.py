"""The reduction under the plan: what was reached day by day, and inside a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from salesdiag.department import Department

PERIOD = ["period_start", "period_end"]
SUMS = {"actual": "sum", "n_events": "sum", "squares": "sum", "largest": "max"}


def daily_actuals(department: Department, metric: str, keys: list[str]) -> pd.DataFrame:
    """Sum what counts towards a metric, per group and day.

    Columns: the keys, ``day``, ``actual``, ``n_events``, ``squares`` (sum of the squared
    contributions) and ``largest``, from which chance is judged. What hangs on the rep is
    asked of the engine once, by rep, and put together here.
    """
    if (
        keys
        and keys != ["rep_id"]
        and has_reps(department, metric)
        and department.home_of(keys[0]) == "reps"
    ):
        by_rep = daily_actuals(department, metric, ["rep_id"])
        group = column_of_reps(department, by_rep["rep_id"], keys[0])
        return by_rep.assign(**{keys[0]: group}).groupby([*keys, "day"], as_index=False).agg(SUMS)
    if not keys and has_reps(department, metric):
        by_rep = daily_actuals(department, metric, ["rep_id"])
        return by_rep.groupby("day", as_index=False).agg(SUMS)
    return department.remember(f"daily {metric} {keys}", lambda: _daily(department, metric, keys))


def column_of_reps(department: Department, ids: pd.Series, column: str) -> pd.Series:
    """Give, for ids of reps, their team or another column of theirs; "unassigned" if unknown."""
    home = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")[column]
    return ids.map(home).fillna(UNASSIGNED).astype(str)


def has_reps(department: Department, metric: str) -> bool:
    """Tell whether what counts towards a metric names a rep."""
    return department.has("activities" if metric == "activities" else "deals", "rep_id")


def sum_inside(daily: pd.DataFrame, periods: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add the daily figures up inside each period; a day may fall into several."""
    known = periods[PERIOD].drop_duplicates().reset_index(drop=True)
    day = daily["day"].to_numpy()
    inside = [
        np.flatnonzero((day >= first) & (day <= last))
        for first, last in zip(known["period_start"], known["period_end"], strict=True)
    ]
    taken = daily.iloc[np.concatenate(inside).astype(int) if inside else []]
    number = np.repeat(np.arange(len(inside)), [len(days) for days in inside])
    sums = taken.assign(period=number).groupby([*keys, "period"], as_index=False).agg(SUMS)
    # days are added as floats; money has four digits
    sums["actual"] = sums["actual"].round(4)
    return sums.join(known, on="period").drop(columns="period")


def _daily(department: Department, metric: str, keys: list[str]) -> pd.DataFrame:
    worth = _.worth.cast("float64")
    table = (
        _events(department, metric, keys)
        .group_by([*keys, "day"])
        .agg(
            actual=_.worth.sum().cast("float64"),
            n_events=_.worth.count(),
            squares=(worth * worth).sum(),
            largest=worth.max(),
        )
    )
    frame = fetch(table).sort_values([*keys, "day"]).reset_index(drop=True)
    return frame.assign(day=pd.to_datetime(frame["day"]), squares=steady(frame["squares"]))


def _events(department: Department, metric: str, keys: list[str]) -> ibis.Table:
    if metric == "activities":
        department.require(activities=["occurred_at", *keys])
        events = department.table("activities").filter(_.occurred_at.date() <= department.as_of)
        filled = {key: events[key].cast("string").fill_null(UNASSIGNED) for key in keys}
        return events.mutate(**filled, day=_.occurred_at.date(), worth=1)
    when = "created_at" if metric == "new_deals" else "closed_at"
    money = {"revenue": ["amount"], "margin": ["amount", "cost_amount"]}.get(metric, [])
    department.require(deals=["status", when, *money])
    deals = department.select_deals(by=department.split_keys(keys))
    deals = deals.filter(deals[when].date() <= department.as_of)
    if metric != "new_deals":
        deals = deals.filter(_.status == "won")
    worth: ibis.Value = ibis.literal(1)
    if metric == "revenue":
        worth = deals.amount
    elif metric == "margin":
        worth = deals.amount - deals.cost_amount
    return deals.mutate(day=deals[when].date(), worth=worth)
