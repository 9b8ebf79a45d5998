"""The reduction under the quality of sources: what became of their leads, and what they cost."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.leads.rows import (
    is_linked,
    qualified,
    select_leads,
    with_deals,
)
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

OUTCOMES = ("qualified", "deal", "won")
_AMOUNTS = ["won_amount", "won_squares", "largest_won", "own_cost"]
COUNTS = ["n_leads", "n_qualified", "n_deals", "n_won", "n_lost", "n_undated", "n_deal_unknown",
          "n_won_without_amount", "n_with_cost"]  # fmt: skip
COSTED = ["n_deals_with_cost", "n_won_with_cost"]  # of the leads that carry a cost of their own


def lead_outcomes(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    split_on: date,
) -> ibis.Table:
    """Give the leads with what became of each, and when, in days after it came in.

    ``is_recent`` leads came in on ``split_on`` or later. ``<outcome>_days`` is null where it
    did not come; a date before the lead came in counts as day 0, and an outcome without a
    date has -1: it happened, nobody knows when.
    """
    leads = select_leads(department, keys, start=start, end=end, links=True)
    leads = with_deals(department, leads) if is_linked(department) else leads
    created = leads.created_at.date()

    def days(moment: ibis.Value, happened: ibis.Value) -> ibis.Value:
        wait = moment.date().delta(created, unit="day").cast("int64")
        # no GREATEST: engines differ in what it gives for a null
        known = ibis.cases((moment.isnull(), -1), (wait < 0, 0), else_=wait).cast("int64")
        return ibis.ifelse(happened, known, ibis.null())

    never = ibis.null().cast("int64")
    columns: dict[str, ibis.Value] = {f"{one}_days": never for one in OUTCOMES}
    columns |= {"won_paid": ibis.null().cast("float64"), "lost_days": never}
    is_known: ibis.Value = ibis.literal(True)  # noqa: FBT003
    found = qualified(leads)
    if found is not None:
        moment = leads.qualified_at if "qualified_at" in leads.columns else ibis.null("timestamp")
        columns["qualified_days"] = days(moment, found)
    if "deal_status" in leads.columns:
        there, won = leads.deal_status.notnull(), leads.deal_status == "won"
        lost = (leads.deal_status == "lost").fill_null(False)  # noqa: FBT003
        columns |= {
            "deal_days": days(leads.deal_at, there),
            "won_days": days(leads.deal_closed_at, won.fill_null(False)),  # noqa: FBT003
            "lost_days": days(leads.deal_closed_at, lost),
            "won_paid": ibis.ifelse(won, leads.deal_amount, ibis.null()),
        }
        is_known = leads.own_deal_id.isnull() | there
    as_of = ibis.literal(department.as_of)
    cost = leads.cost_amount if "cost_amount" in leads.columns else ibis.null()
    source = leads.source if "source" in leads.columns else ibis.null().cast("string")
    return leads.select(
        *keys,
        source=source.fill_null(UNASSIGNED),
        is_recent=created >= ibis.literal(split_on),
        age_days=as_of.delta(created, unit="day").cast("int64"),
        is_known=is_known,
        own_cost=cost.cast("float64"),
        **columns,
    )


def count_totals(leads: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count leads by what they became, and add up their money, per group and source."""
    by = [*keys, "source", "is_recent"]
    paid = _.won_paid > 0
    dates = [leads[f"{one}_days"] for one in (*OUTCOMES, "lost")]
    is_undated = reduce(or_, [(one < 0).fill_null(False) for one in dates])  # noqa: FBT003
    frame = fetch(
        leads.group_by(by).agg(
            n_leads=_.count(),
            n_qualified=_.qualified_days.count(),
            n_deals=_.deal_days.count(),
            n_won=_.won_days.count(),
            n_lost=_.lost_days.count(),
            n_undated=_.count(where=is_undated),
            n_deal_unknown=_.count(where=~_.is_known),
            n_won_without_amount=_.count(where=_.won_days.notnull() & ~paid.fill_null(False)),  # noqa: FBT003
            n_with_cost=_.own_cost.count(),
            n_deals_with_cost=_.count(where=_.own_cost.notnull() & _.deal_days.notnull()),
            n_won_with_cost=_.count(where=_.own_cost.notnull() & _.won_days.notnull()),
            won_amount=_.won_paid.sum(where=paid),
            won_squares=(_.won_paid * _.won_paid).sum(where=paid),
            largest_won=_.won_paid.max(where=paid),
            own_cost=_.own_cost.sum(),
        )
    )
    frame[_AMOUNTS] = frame[_AMOUNTS].astype(float).fillna(0.0).apply(steady)
    counts = [*COUNTS, *COSTED]
    frame[counts] = frame[counts].astype("int64")
    return frame.sort_values(by).reset_index(drop=True)


def count_ages(leads: ibis.Table, keys: list[str], horizon: int) -> pd.DataFrame:
    """Count leads by the age at which an outcome came, or up to which it did not.

    Columns: the keys, ``source``, ``is_recent``, ``outcome``, ``days``, ``n_event``,
    ``n_rival`` (lost: they will not be won) and ``n_open``. Beyond the horizon no day is told
    apart. An outcome without a date counts as come at the horizon, of a lead watched so long;
    a younger one is open up to its age, for an event put there would be one among the few who
    are as old. A loss without a date is open: a lead never won stays among those who could be.
    """
    parts = []
    by = [*keys, "source", "is_recent", "outcome", "days"]
    for outcome in OUTCOMES:
        event = leads[f"{outcome}_days"]
        rival = leads.lost_days if outcome == "won" else ibis.null().cast("int64")
        when = ibis.ifelse(event < 0, horizon, event)
        is_event = event.notnull() & (when <= horizon)
        is_event &= (event >= 0) | (leads.age_days >= horizon)
        is_rival = ~is_event & event.isnull() & rival.notnull() & rival.between(0, horizon)
        is_rival = is_rival.fill_null(False)  # noqa: FBT003
        is_event = is_event.fill_null(False)  # noqa: FBT003
        stop = ibis.cases((is_event, when), (is_rival, rival), else_=leads.age_days)
        rows = leads.mutate(
            outcome=ibis.literal(outcome),
            days=ibis.ifelse(stop > horizon, horizon + 1, stop).cast("int64"),
            is_event=is_event,
            is_rival=is_rival,
        )
        parts.append(
            rows.group_by(by).agg(
                n_event=_.count(where=_.is_event),
                n_rival=_.count(where=_.is_rival),
                n_open=_.count(where=~_.is_event & ~_.is_rival),
            )
        )
    return fetch(ibis.union(*parts)).sort_values(by).reset_index(drop=True)


def costs_of(department: Department, first: date | None, last: date) -> pd.DataFrame:
    """Add up what each source cost in a span of days, a period counting by its days there.

    Columns: ``source`` and ``cost``. Without a first day all counts that was before the last.
    """
    if not department.has("source_costs"):
        return pd.DataFrame({"source": pd.Series(dtype="str"), "cost": pd.Series(dtype=float)})
    costs = department.table("source_costs")
    begin = costs.period_start.coalesce(costs.period_end).cast("date")
    stop = costs.period_end.coalesce(costs.period_start).cast("date")
    days = stop.delta(begin, unit="day") + 1
    length = ibis.ifelse(days < 1, 1, days)
    until = ibis.literal(last).cast("date")
    upper = ibis.ifelse(stop > until, until, stop)
    lower = begin
    if first is not None:
        since = ibis.literal(first).cast("date")
        lower = ibis.ifelse(begin < since, since, begin)
    inside = upper.delta(lower, unit="day") + 1
    part = costs.cost_amount.cast("float64") * ibis.ifelse(inside < 0, 0, inside) / length
    frame = fetch(costs.mutate(part=part).group_by("source").agg(cost=_.part.sum()))
    frame["cost"] = steady(frame["cost"].astype(float))
    return frame[frame["cost"] > 0].sort_values("source").reset_index(drop=True)
