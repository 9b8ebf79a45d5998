"""The reduction under what the rest of the plan asks: how deals and activities went lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.plan.positions import spans_with_homes
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.errors import MissingDataError

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department


def created_waits(department: Department, keys: list[str], first: date) -> pd.DataFrame:
    """Count deals created from a day on, by days until they were won, lost or last seen.

    Columns: the keys, ``wait_days``, ``n_won``, ``n_lost``, ``n_open``; in order. Decided
    deals without a day of closing were decided on an unknown day and are left out.
    """
    as_of = ibis.literal(department.as_of).cast("date")
    deals = department.select_deals(by=keys, start=first, end=department.as_of)
    deals = deals.filter((deals.status == "open") | deals.closed_at.notnull())
    until = ibis.coalesce(deals.closed_at.date(), as_of)
    wait = until.delta(deals.created_at.date(), unit="day")
    timed = deals.mutate(wait_days=ibis.greatest(wait, 0).cast("int64"))
    counts = timed.group_by([*keys, "wait_days"]).agg(
        n_won=_.count(where=_.status == "won"),
        n_lost=_.count(where=_.status == "lost"),
        n_open=_.count(where=_.status == "open"),
    )
    return fetch(counts).sort_values([*keys, "wait_days"], ignore_index=True)


def count_activities(department: Department, keys: list[str], first: date) -> pd.DataFrame | None:
    """Count activities from a day on, by group; None where they cannot be told apart.

    An activity is its rep's; split by what is not the rep's it is its deal's.
    """
    if not department.has("activities", "occurred_at"):
        return None
    rows = department.table("activities")
    rows = rows.filter((rows.occurred_at.date() >= first)
                       & (rows.occurred_at.date() <= department.as_of))  # fmt: skip
    if not keys:
        return pd.DataFrame({"n_activities": [int(rows.count().execute())]})
    of_reps = keys == ["rep_id"] or department.home_of(keys[0]) == "reps"
    if of_reps and "rep_id" in rows.columns:
        rows = department.with_keys(rows, keys)
    elif "deal_id" in rows.columns and not of_reps:
        deals = department.select_deals(by=keys).select("deal_id", group_of_deal=keys[0])
        rows = rows.select("deal_id").left_join(deals, "deal_id")
        rows = rows.mutate(**{keys[0]: rows.group_of_deal.fill_null(UNASSIGNED)})
    else:
        return None
    return fetch(rows.group_by(keys).agg(n_activities=_.count()))


def count_reps(department: Department, keys: list[str]) -> pd.DataFrame | None:
    """Count the reps who are there on ``as_of``, by group; None where reps have no such group."""
    of_reps = not keys or keys == ["rep_id"] or department.home_of(keys[0]) == "reps"
    if not of_reps:
        return None
    try:
        spans = spans_with_homes(department)
    except MissingDataError:
        return None
    as_of = pd.Timestamp(department.as_of)
    there = spans[(spans["first_day"] <= as_of) & (spans["last_day"] >= as_of)]
    if keys and keys != ["rep_id"]:
        reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
        home = reps[keys[0]].reindex(there["rep_id"]).fillna(UNASSIGNED).astype(str)
        there = there.assign(**{keys[0]: home.to_numpy()})
    if not keys:
        return pd.DataFrame({"n_reps": [len(there)]})
    return there.groupby(keys).size().rename("n_reps").reset_index()
