"""The reduction under the triage: what each rep was given, did, decided and won."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.reps.closings import (
    closings,
    days_of,
    not_before_data,
    tenures,
    undated,
)
from salesdiag.analyses.reps.rep_groups import sells_enough
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.errors import MissingDataError
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.selling_days import working_days
from salesdiag.reductions.targets import read_targets

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_SUMS = ["n_decided", "n_won", "won_amount", "won_squares"]
_MIX = ("source", "segment")


def rep_sums(department: Department, first: date, last: date, newcomer_months: int) -> pd.DataFrame:
    """Give one row a rep with days or deals: days, newcomer's days, deals decided and won.

    Days before the first closing in the data are nobody's. ``n_undated`` counts deals closed
    without a day; who has nothing else has a row, too.
    ``past_won`` and ``past_amount`` are those of the twelve months before; ``newcomer_days`` is
    NaN where the day of hiring is not known; ``is_seller`` tells who can be compared.
    """
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    closed = closings(department)
    closed = closed.assign(n_decided=closed["n_won"] + closed["n_lost"])
    now = closed[(closed["day"] >= start) & (closed["day"] <= end)]
    before = closed[(closed["day"] < start) & (closed["day"] >= start - pd.DateOffset(years=1))]
    reps = tenures(department).set_index("rep_id")
    start = not_before_data(closed, start)
    reps["n_selling_days"] = _days(department, reps["first_day"], reps["last_day"], start, end)
    grown = reps["hired_on"] + pd.DateOffset(months=newcomer_months) - pd.Timedelta(days=1)
    until = grown.where(grown < reps["last_day"], reps["last_day"]).fillna(reps["last_day"])
    news = _days(department, reps["first_day"], until, start, end)
    reps["newcomer_days"] = np.where(reps["hired_on"].isna(), np.nan, news)
    table = now.groupby("rep_id")[_SUMS].sum().join(
        reps[["n_selling_days", "newcomer_days", "hired_on"]], how="outer"
    )  # fmt: skip
    past = before.groupby("rep_id")[["n_won", "won_amount", "won_squares"]].sum()
    table = table.join(past.set_axis(["past_won", "past_amount", "past_squares"], axis=1))
    lost = undated(closed, ["n_decided"])
    table = table.join(lost.rename("n_undated"), how="outer")
    counts = [*_SUMS, "n_selling_days", "n_undated", "past_won", "past_amount", "past_squares"]
    table[counts] = table[counts].astype(float).fillna(0.0)
    table = table[(table[["n_selling_days", "n_decided", "n_undated"]] > 0).any(axis=1)]
    table = table.rename_axis("rep_id").reset_index().sort_values("rep_id", ignore_index=True)
    table["rep_id"] = table["rep_id"].astype("str")
    able = sells_enough(table["n_decided"], table["rep_id"]) | _sells(department, table["rep_id"])
    table["is_seller"] = able & (table["n_selling_days"] > 0)
    return table


def newcomer_wins(
    department: Department, first: date, last: date, newcomer_months: int
) -> pd.DataFrame:  # fmt: skip
    """Give what each rep won within the first months after being hired: n_won, won_amount."""
    closed = closings(department)
    reps = tenures(department)[["rep_id", "hired_on"]].dropna()
    rows = closed.merge(reps, on="rep_id")
    rows = rows[(rows["day"] >= pd.Timestamp(first)) & (rows["day"] <= pd.Timestamp(last))]
    grown = rows["hired_on"] + pd.DateOffset(months=newcomer_months)
    rows = rows[(rows["day"] >= rows["hired_on"]) & (rows["day"] < grown)]
    return rows.groupby("rep_id")[["n_won", "won_amount"]].sum()


def given_deals(department: Department, first: date, last: date) -> pd.Series:
    """Count the deals created for each rep in the window."""
    department.require(deals=["created_at"])
    deals = department.select_deals(start=first, end=last)
    deals = deals.mutate(rep_id=deals.rep_id.fill_null(UNASSIGNED))
    frame = fetch(deals.group_by("rep_id").agg(n_given=_.count()))
    return frame.set_index("rep_id")["n_given"].astype(float).sort_index()


def mix_columns(department: Department, mix: list[str] | None) -> list[str]:
    """Name the columns of deals by which their chances differ."""
    if mix is None:
        return [name for name in _MIX if department.has("deals", name)]
    department.require(deals=mix)
    return mix


def mix_counts(
    department: Department, first: date, last: date, columns: list[str]
) -> pd.DataFrame:  # fmt: skip
    """Count deals decided and won in the window by rep and kind of deal."""
    deals = department.select_deals(start=first, end=last, on="closed_at")
    deals = deals.filter(_.status != "open")
    named = {name: deals[name].cast("string").fill_null(UNASSIGNED) for name in columns}
    deals = deals.mutate(rep_id=deals.rep_id.fill_null(UNASSIGNED), **named)
    frame = fetch(deals.group_by("rep_id", *columns).agg(
        n=_.count(), won=_.count(where=_.status == "won")
    ))  # fmt: skip
    frame = frame.sort_values(["rep_id", *columns], ignore_index=True)
    kinds = frame.groupby(columns).ngroup() if columns else np.zeros(len(frame), dtype="int64")
    return frame.assign(kind=kinds)[["rep_id", "kind", "n", "won"]]


def weekly_effort(department: Department, first: date, last: date) -> pd.DataFrame | None:
    """Give activities and selling days of each rep and week; None without activities."""
    if not department.has("activities", "rep_id", "occurred_at"):
        return None
    daily = daily_actuals(department, "activities", ["rep_id"])
    day = pd.to_datetime(daily["day"])
    inside = (day >= pd.Timestamp(first)) & (day <= pd.Timestamp(last))
    if not inside.any():
        return None
    begin = max(day[inside].min(), pd.Timestamp(first))
    weeks = pd.date_range(begin - pd.Timedelta(days=begin.weekday()), pd.Timestamp(last), freq="7D")
    number = np.searchsorted(weeks.to_numpy(), day[inside].to_numpy(), side="right") - 1
    did = daily[inside].assign(week=number).groupby(["rep_id", "week"])["actual"].sum()
    reps = tenures(department)
    grid = reps.merge(pd.DataFrame({"week": range(len(weeks)), "from": weeks}), how="cross")
    low = np.maximum(np.maximum(days_of(grid["from"]), days_of(grid["first_day"])),
                     np.datetime64(begin, "D"))  # fmt: skip
    high = np.minimum(days_of(grid["from"]) + np.timedelta64(6, "D"), days_of(grid["last_day"]))
    high = np.minimum(high, np.datetime64(last, "D"))
    grid["days"] = working_days(department, low, high).astype(float)
    table = grid.join(did.rename("did"), on=["rep_id", "week"]).fillna({"did": 0.0})
    return table.loc[table["days"] > 0, ["rep_id", "week", "days", "did"]].reset_index(drop=True)


def rep_targets(department: Department, first: date, last: date, metric: str) -> pd.Series | None:
    """Add up the targets of reps for periods inside the window; None without any."""
    if not department.has("targets", "id", "metric", "target"):
        return None
    try:
        targets = read_targets(department, metric)[0]
    except MissingDataError:
        return None
    rows = targets[(targets["level"] == "rep") & targets["target"].notna()]
    rows = rows[(rows[PERIOD[0]] >= pd.Timestamp(first)) & (rows[PERIOD[1]] <= pd.Timestamp(last))]
    return rows.groupby("id")["target"].sum() if len(rows) else None


def _days(
    department: Department, begins: pd.Series, ends: pd.Series, start: pd.Timestamp,
    end: pd.Timestamp,
) -> NDArray[np.int64]:  # fmt: skip
    low = np.maximum(days_of(begins), np.datetime64(start, "D"))
    high = np.minimum(days_of(ends), np.datetime64(end, "D"))
    return working_days(department, low, high)


def _sells(department: Department, rep_id: pd.Series) -> pd.Series:
    """Tell who is listed, with another role than manager."""
    if not department.has("reps"):
        return pd.Series(data=False, index=rep_id.index)
    reps = department.fetch("reps")
    role = reps["role"].fillna("") if "role" in reps else pd.Series("", index=reps.index)
    return rep_id.isin(reps.loc[role.str.lower() != "manager", "rep_id"])
