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
    ``quiet_days`` days), ``n`` leads, ``n_hit`` of these qualified (where no table tells
    it: became a deal), and ``n_early`` attempts on a day before the lead came in, left out.
    """
    leads = select_leads(department, keys, start=start, end=end, links=True)
    hit = qualified(leads)
    if hit is None and is_linked(department):
        leads = with_deals(department, leads)
        hit = leads.deal_status.notnull()
    known = ibis.literal(False) if hit is None else hit  # noqa: FBT003
    came = leads.select(
        link=leads.lead_id,
        came_on=leads.created_at.date(),
        deal=leads.own_deal_id if is_linked(department) else ibis.null().cast("string"),
    )
    tries = _tries(department, came)
    marks = tries.group_by("link").agg(
        first_at=_.at.min(where=_.reaches & ~_.is_early),
        last_at=_.at.max(where=~_.is_early),
        n_early=_.count(where=_.is_early),
    )
    own = leads.select(*keys, link=leads.lead_id, is_hit=known)
    # those at the very moment of the contact are the contact
    before = tries.filter(~tries.is_early).join(marks.drop("n_early"), "link")
    before = before.filter(before.first_at.isnull() | (before.at < before.first_at))
    unanswered = before.group_by("link").agg(n_before=_.count())
    joined = own.left_join(marks, "link").drop("link_right")
    joined = joined.left_join(unanswered, "link").drop("link_right")
    quiet = ibis.literal(department.as_of - timedelta(days=quiet_days))
    reached, n_before = joined.first_at.notnull(), joined.n_before.fill_null(0)
    rows = joined.mutate(
        n_tries=ibis.ifelse(n_before > most, most, n_before).cast("int64"),
        is_reached=reached,
        is_waiting=(~reached & (joined.last_at.date() > quiet)).fill_null(False),  # noqa: FBT003
        n_early=joined.n_early.fill_null(0),
    )
    by = [*keys, "n_tries", "is_reached", "is_waiting"]
    counts = rows.group_by(by).agg(
        n=_.count(), n_hit=_.count(where=_.is_hit), n_early=_.n_early.sum().cast("int64")
    )
    return fetch(counts).sort_values(by).reset_index(drop=True)


def require_links(department: Department) -> None:
    """Refuse where activities name neither leads nor the deals of leads."""
    if not _names_deals(department):
        department.require(activities=["lead_id"])


def _names_deals(department: Department) -> bool:
    return department.has("activities", "deal_id") and is_linked(department)


def count_repeated_activities(department: Department) -> int:
    """Count the rows of activities whose id stands in another row too."""
    rows = department.table("activities")

    def make() -> pd.DataFrame:
        return fetch(rows.agg(n=rows.activity_id.count() - rows.activity_id.nunique()))

    return int(department.remember("activity repeats", make)["n"].iloc[0])


def _tries(department: Department, came: ibis.Table) -> ibis.Table:
    """Give the attempts up to ``as_of`` to reach each lead, and what was answered.

    An entry belongs to the lead that it names, and if it names none to the lead of its deal.
    Columns: ``link`` (the lead), ``at``, ``reaches`` and ``is_early``.
    """
    rows = department.table("activities")
    rows = rows.filter(rows.occurred_at.date() <= ibis.literal(department.as_of))
    reaches = rows.outcome.isin(REACHED).fill_null(False)  # noqa: FBT003
    counts = rows.activity_type.isin(TRIES)
    if "direction" in rows.columns:  # who calls by himself was reached, not tried
        inbound = (rows.direction == "inbound").fill_null(False)  # noqa: FBT003
        counts = counts & (~inbound | reaches)
    nobody = ibis.null().cast("string")
    tried = rows.filter(counts).select(
        "activity_id",
        to_lead=rows.lead_id if "lead_id" in rows.columns else nobody,
        to_deal=rows.deal_id if "deal_id" in rows.columns else nobody,
        at=rows.occurred_at,
        reaches=reaches,
    )
    if count_repeated_activities(department):
        tried = _first_of_each(tried)
    parts = [tried.join(came, tried.to_lead == came.link)]
    if _names_deals(department):
        of_deal = tried.filter(tried.to_lead.isnull())
        parts.append(of_deal.join(came, of_deal.to_deal == came.deal))
    # the day alone is compared: many systems keep no more
    found = [part.select("link", "at", "reaches", is_early=part.at.date() < part.came_on)
             for part in parts]  # fmt: skip
    return ibis.union(*found) if len(found) > 1 else found[0]


def _first_of_each(tried: ibis.Table) -> ibis.Table:
    """Keep one row an id, the first; rows without an id all stay.

    Only the ids that repeat are put in order: they are few, and the attempts are many.
    """
    several = tried.filter(tried.activity_id.notnull()).group_by("activity_id").agg(n=_.count())
    several = several.filter(several.n > 1).select("activity_id")
    again = tried.semi_join(several, "activity_id")
    order = [again["at"], again.to_lead, again.to_deal, again.reaches]
    place = ibis.row_number().over(group_by=again.activity_id, order_by=order)
    first = again.mutate(place=place).filter(_.place == 0).drop("place")
    return tried.anti_join(several, "activity_id").union(first)
