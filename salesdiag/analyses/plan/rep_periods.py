"""The reduction under the spread of the plan: each rep's target and result, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.department import UNASSIGNED
from salesdiag.errors import MissingDataError
from salesdiag.reductions.actuals import PERIOD, daily_actuals, has_reps, sum_inside
from salesdiag.reductions.selling_days import working_days
from salesdiag.reductions.targets import read_targets, whole_reps
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from salesdiag.department import Department

_KINDS = {
    "rep_id": "str", "period_start": "datetime64[us]", "period_end": "datetime64[us]",
    "is_complete": "bool", "target": "float64", "actual": "float64", "n_events": "float64",
    "is_whole": "bool", "is_joiner": "bool", "is_leaver": "bool", "present_share": "float64",
}  # fmt: skip


def rep_periods(department: Department, metric: str) -> pd.DataFrame:
    """Give one row per rep and period that has targets of reps, in order.

    Columns: ``rep_id`` ("unassigned" for what has no rep), the period, ``is_complete``,
    ``target`` (NaN without one), ``actual``, ``n_events``, ``is_whole`` (has a target above 0
    and was there for all of it), ``is_joiner`` and ``is_leaver`` (within the period),
    ``present_share`` (of the working days, from joining to leaving).
    """
    department.require(targets=["level", *PERIOD, "metric", "target"])
    if not has_reps(department, metric):
        home = "activities" if metric == "activities" else "deals"
        message = f"this needs {home}.rep_id, for it compares reps; ask for {TABLES[home].ask_for}."
        raise MissingDataError(message, missing=(f"{home}.rep_id",), ask_for=TABLES[home].ask_for)
    name = f"rep periods {metric}"
    return department.remember(name, lambda: _rep_periods(department, metric))


def _rep_periods(department: Department, metric: str) -> pd.DataFrame:
    targets, _left_out = read_targets(department, metric)
    own = targets[(targets["level"] == "rep") & (targets["target"] > 0)]
    own = own.rename(columns={"id": "rep_id"})[["rep_id", *PERIOD, "target"]]
    begun = own[own["period_start"] <= pd.Timestamp(department.as_of)]
    if not len(begun):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _KINDS.items()})
    reached = sum_inside(daily_actuals(department, metric, ["rep_id"]), begun, ["rep_id"])
    rows = begun.merge(reached, on=["rep_id", *PERIOD], how="outer")
    rows = rows.fillna({"actual": 0.0, "n_events": 0})
    rows["is_complete"] = rows["period_end"] <= pd.Timestamp(department.as_of)
    whole = whole_reps(department, targets)[["rep_id", *PERIOD]].assign(is_whole=True)
    rows = rows.merge(whole, on=["rep_id", *PERIOD], how="left")
    rows["is_whole"] = rows["is_whole"].eq(other=True)
    _add_presence(rows, department)
    return rows[[*_KINDS]].sort_values([*PERIOD, "rep_id"], ignore_index=True)


def _add_presence(rows: pd.DataFrame, department: Department) -> None:
    """Tell who joined or left within the period, and for which share of it each was there."""
    reps = department.fetch("reps") if department.has("reps") else pd.DataFrame({"rep_id": []})
    known = reps.drop_duplicates("rep_id").set_index("rep_id")
    day = {}
    for name in ("hired_on", "left_on"):
        found = pd.to_datetime(known[name]) if name in known else pd.Series(dtype="datetime64[us]")
        day[name] = pd.Series(found.reindex(rows["rep_id"]).to_numpy(), index=rows.index)
    first = day["hired_on"].where(day["hired_on"] > rows["period_start"], rows["period_start"])
    last = day["left_on"].where(day["left_on"] < rows["period_end"], rows["period_end"])
    there = _working_days(department, first, last)
    whole = _working_days(department, rows["period_start"], rows["period_end"])
    apart = rows["target"].notna() & ~rows["is_whole"] & (rows["rep_id"] != UNASSIGNED)
    rows["is_joiner"] = apart & (day["hired_on"] > rows["period_start"])
    rows["is_leaver"] = apart & (day["left_on"] < rows["period_end"])
    rows["present_share"] = np.divide(there, whole, out=np.ones(len(rows)), where=whole > 0)


def _working_days(department: Department, first: pd.Series, last: pd.Series) -> np.ndarray:
    days = (one.to_numpy().astype("datetime64[D]") for one in (first, last))
    return working_days(department, *days).astype(float)
