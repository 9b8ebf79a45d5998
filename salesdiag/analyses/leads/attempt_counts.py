"""The reduction under the attempts: how often each lead was tried before it was reached."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.leads.rows import (
    is_linked,
    qualified,
    select_leads,
    with_deals,
)
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

REACHED = ("connected", "held")
TRIES = ("call", "email", "meeting", "message")


def count_attempts(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    quiet_days: int,
    most: int,
) -> pd.DataFrame:
    """Count leads by the number of attempts and what ended them.

    Columns: the keys, ``n_tries`` (unanswered ones before the contact, or all; at most
    ``most``), ``is_reached``, ``is_waiting`` (not reached, and tried within the last
    ``quiet_days`` days), ``n`` leads, and ``n_hit`` of these qualified (where no table tells
    it: became a deal).
    """
    leads = select_leads(department, keys, start=start, end=end)
    hit = qualified(leads)
    if hit is None and is_linked(department):
        leads = with_deals(department, leads)
        hit = leads.deal_status.notnull()
    link = link_of(department)
    known = ibis.literal(False) if hit is None else hit  # noqa: FBT003
    own = leads.select(*keys, link=leads[link], is_hit=known)
    tries = _tries(department, link)
    marks = tries.group_by("link").agg(
        first_at=_.at.min(where=_.reaches), last_at=_.at.max(), n_all=_.count()
    )
    # those at the very moment of the contact are the contact
    before = tries.join(marks, "link").filter(_.first_at.isnull() | (_.at < _.first_at))
    unanswered = before.group_by("link").agg(n_before=_.count())
    joined = own.left_join(marks, "link").drop("link_right")
    joined = joined.left_join(unanswered, "link").drop("link_right")
    quiet = ibis.literal(department.as_of - timedelta(days=quiet_days))
    reached = joined.first_at.notnull()
    rows = joined.mutate(
        n_tries=ibis.least(joined.n_before.fill_null(0), most).cast("int64"),
        is_reached=reached,
        is_waiting=(~reached & (joined.last_at.date() > quiet)).fill_null(False),  # noqa: FBT003
    )
    by = [*keys, "n_tries", "is_reached", "is_waiting"]
    counts = rows.group_by(by).agg(n=_.count(), n_hit=_.count(where=_.is_hit))
    return fetch(counts).sort_values(by).reset_index(drop=True)


def link_of(department: Department) -> str:
    """Tell by which column activities name leads: their own id, else that of their deal."""
    by_lead = department.has("activities", "lead_id")
    by_deal = department.has("activities", "deal_id") and department.has("leads", "deal_id")
    if not by_lead and by_deal:
        return "deal_id"
    department.require(activities=["lead_id"])
    return "lead_id"


def _tries(department: Department, link: str) -> ibis.Table:
    """Give the attempts up to ``as_of`` to reach somebody, and what was answered."""
    rows = department.table("activities")
    rows = rows.filter(rows[link].notnull())
    rows = rows.filter(rows.occurred_at.date() <= ibis.literal(department.as_of))
    if "completed_at" in rows.columns:  # planned, and never done
        rows = rows.filter(~((rows.activity_type == "task") & rows.completed_at.isnull()))
    reaches = rows.outcome.isin(REACHED).fill_null(False)  # noqa: FBT003
    counts = rows.activity_type.isin(TRIES)
    if "direction" in rows.columns:  # who calls by himself was reached, not tried
        inbound = (rows.direction == "inbound").fill_null(False)  # noqa: FBT003
        counts = counts & (~inbound | reaches)
    tried = rows.filter(counts)
    return tried.select(link=tried[link], at=tried.occurred_at, reaches=reaches)
