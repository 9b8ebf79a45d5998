"""The reduction under the plan: targets as they stand, and what was reached day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from salesdiag.department import Department

# a manager's target this close to the sum of the reports' is the team's plan
_SAME_PLAN = 0.99


def read_targets(department: Department, metric: str) -> pd.DataFrame:
    """Give the targets of a metric, without those of managers that repeat their team's."""
    frame = department.fetch("targets")
    frame = frame[frame["metric"] == metric].reset_index(drop=True)
    frame["target"] = frame["target"].astype(float)
    if "id" not in frame:
        frame["id"] = frame["level"]  # only the department can go without an id
    for name in ("period_start", "period_end"):
        frame[name] = pd.to_datetime(frame[name])
    frame = frame.drop_duplicates(["level", "id", "period_start", "period_end"])
    return frame[~_repeats_team(department, frame)].reset_index(drop=True)


def _repeats_team(department: Department, targets: pd.DataFrame) -> pd.Series:
    repeats = pd.Series(data=False, index=targets.index)
    if not department.has("reps", "manager_id"):
        return repeats
    reps = department.fetch("reps")[["rep_id", "manager_id"]]
    manager_of = reps.dropna().drop_duplicates("rep_id").set_index("rep_id")["manager_id"]
    own = targets[targets["level"] == "rep"]
    below = own.assign(rep_id=own["id"], id=own["id"].map(manager_of)).dropna(subset="id")
    below = below[below["id"] != below["rep_id"]]  # a manager may be named as their own
    period = ["id", "period_start", "period_end"]
    sums = below.groupby(period)["target"].sum().rename("below").reset_index()
    beside = own.reset_index().merge(sums, on=period).set_index("index")
    same = beside["target"] >= _SAME_PLAN * beside["below"]
    repeats.loc[beside.index[same & (beside["below"] > 0)]] = True
    return repeats


def daily_actuals(department: Department, metric: str, keys: list[str]) -> pd.DataFrame:
    """Sum what counts towards a metric, per group and day.

    Columns: the keys, ``day``, ``actual``, ``n_events``, ``squares`` (sum of the squared
    contributions, from which chance is judged). The same days serve every level, so they
    are asked of the engine once.
    """
    name = f"daily {metric} {keys}"
    return department.remember(name, lambda: _daily(department, metric, keys))


def _daily(department: Department, metric: str, keys: list[str]) -> pd.DataFrame:
    events = _events(department, metric, keys)
    table = events.group_by([*keys, "day"]).agg(
        actual=_.worth.sum().cast("float64"),
        n_events=_.count(),
        squares=(_.worth.cast("float64") * _.worth.cast("float64")).sum(),
    )
    frame = fetch(table).sort_values([*keys, "day"])
    return frame.assign(day=pd.to_datetime(frame["day"]))


def _events(department: Department, metric: str, keys: list[str]) -> ibis.Table:
    if metric == "activities":
        through = "rep_id" if department.has("activities", "rep_id") else ""
        own = [key for key in keys if not (through and department.has("reps", key))]
        department.require(activities=["occurred_at", *own])
        events = department.table("activities")
        events = events.filter(events.occurred_at.date() <= department.as_of)
        return department.with_keys(events, keys).mutate(day=_.occurred_at.date(), worth=1)
    when = "created_at" if metric == "new_deals" else "closed_at"
    money = {"revenue": ["amount"], "margin": ["amount", "cost_amount"]}.get(metric, [])
    department.require(deals=["status", when, *money])
    known = department.split_keys(keys)
    deals = department.select_deals(by=known)
    day = deals[when].date()
    deals = deals.filter(deals[when].notnull() & (day <= department.as_of))
    if metric != "new_deals":
        deals = deals.filter(_.status == "won")
    worth: ibis.Value = ibis.literal(1)
    if metric == "revenue":
        worth = deals.amount
    elif metric == "margin":
        worth = deals.amount - deals.cost_amount
    return deals.mutate(day=deals[when].date(), worth=worth)
