"""The reduction under the fairness of targets: target, result, potential and leads of each rep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.engine import fetch, steady
from salesdiag.reductions.actuals import PERIOD, daily_actuals, sum_inside

if TYPE_CHECKING:
    from salesdiag.department import Department


def target_cells(department: Department, metric: str) -> pd.DataFrame:
    """Give one row per rep and complete period with a target for the whole of it, in order.

    Columns: ``rep_id``, the period, ``target``, ``actual``, ``potential`` and ``place`` (whose
    potential it is: what is independent), ``n_created``, ``last_target`` and
    ``last_attainment`` of the period that ended the day before (NaN where unknown).
    """
    rows = rep_periods(department, metric)
    rows = rows[rows["is_whole"] & rows["is_complete"]].reset_index(drop=True)
    rows = rows[["rep_id", *PERIOD, "target", "actual"]]
    return _with_last(_with_created(_with_potential(rows, department), department))


def _with_potential(rows: pd.DataFrame, department: Department) -> pd.DataFrame:
    """Put the potential beside each target: of the territory, by head, or of the own accounts."""
    rows = rows.assign(potential=np.nan, place=rows["rep_id"])
    if not department.has("accounts", "potential_amount"):
        return rows
    accounts = department.table("accounts").filter(_.potential_amount > 0)
    if department.has("reps", "territory") and department.has("accounts", "territory"):
        found = fetch(accounts.group_by("territory").agg(potential=_.potential_amount.sum()))
        reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
        place = reps["territory"].reindex(rows["rep_id"]).to_numpy()
        whole = found.dropna().set_index("territory")["potential"].astype(float)
        rows = rows.assign(place=place, potential=whole.reindex(place).to_numpy(float))
        heads = rows.groupby(["place", *PERIOD])["rep_id"].transform("size")
        rows["potential"] = rows["potential"] / heads
        return rows.assign(place=rows["place"].fillna("").astype(str))
    if not department.has("deals", "account_id", "rep_id"):
        return rows
    deals = department.select_deals().filter(_.account_id.notnull() & _.rep_id.notnull())
    pairs = deals.group_by("account_id", "rep_id").agg(n=_.count())
    first = ibis.row_number().over(group_by="account_id", order_by=[ibis.desc("n"), "rep_id"])
    own = pairs.mutate(rank=first).filter(_["rank"] == 0)
    owned = own.join(accounts.select("account_id", "potential_amount"), "account_id")
    found = fetch(owned.group_by("rep_id").agg(potential=_.potential_amount.sum()))
    potential = found.set_index("rep_id")["potential"].astype(float)
    return rows.assign(potential=potential.reindex(rows["rep_id"]).to_numpy())


def _with_created(rows: pd.DataFrame, department: Department) -> pd.DataFrame:
    """Put beside each target how many deals the rep got in the period."""
    if not department.has("deals", "created_at") or not len(rows):
        return rows.assign(n_created=np.nan)
    sums = sum_inside(daily_actuals(department, "new_deals", ["rep_id"]), rows, ["rep_id"])
    sums = sums.rename(columns={"actual": "n_created"})[["rep_id", *PERIOD, "n_created"]]
    return rows.merge(sums, on=["rep_id", *PERIOD], how="left").fillna({"n_created": 0.0})


def _with_last(rows: pd.DataFrame) -> pd.DataFrame:
    """Put beside each target that of the period before and what came of it."""
    last = rows.assign(
        period_start=rows["period_end"] + pd.Timedelta(days=1),
        last_target=rows["target"], last_attainment=rows["actual"] / rows["target"],
        last_length=_length(rows),
    )[["rep_id", "period_start", "last_target", "last_attainment", "last_length"]]  # fmt: skip
    merged = rows.merge(last, on=["rep_id", "period_start"], how="left")
    # a quarter after a month is no change of target; where both were, the like one counts
    like = (merged["last_length"] / _length(merged)).between(0.8, 1.25)
    merged.loc[~like, ["last_target", "last_attainment"]] = np.nan
    merged = merged.sort_values(["rep_id", *PERIOD, "last_target"])
    merged = merged.drop_duplicates(["rep_id", *PERIOD]).drop(columns="last_length")
    return merged.sort_values([*PERIOD, "rep_id"], ignore_index=True)


def _length(rows: pd.DataFrame) -> pd.Series:
    return (rows["period_end"] - rows["period_start"]).dt.days + 1


def win_size(department: Department, metric: str) -> float:
    """Give what one win of the department brings."""
    if metric == "deals_won":
        return 1.0
    daily = daily_actuals(department, metric, [])
    n_events = float(daily["n_events"].sum())
    if not n_events:
        return np.nan
    return float(steady(pd.Series([daily["actual"].sum() / n_events])).iloc[0])
