"""The reduction under the unworked leads: who was never contacted, and whom to compare with."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.leads.attempt_counts import REACHED
from salesdiag.analyses.leads.clock import WorkClock
from salesdiag.analyses.leads.response_counts import waits_of
from salesdiag.analyses.leads.rows import (
    is_linked,
    merged_kind,
    qualified,
    select_leads,
    with_deals,
)
from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_COUNTS = ["n_leads", "n_young", "n_dropped", "n_unworked", "n_late", "n_late_qualified",
           "n_late_won"]  # fmt: skip
_AMOUNTS = ["late_amount", "late_squares", "late_largest"]
_TOUCHES = ("call", "email", "meeting", "message")


def count_unworked(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None,
    end: date | str | None,
    after_days: int,
    late_hours: float,
) -> pd.DataFrame:
    """Count the leads per group and kind of source that were never worked, and those late.

    Columns: the keys, ``kind_source``, counts ``n_*``, and of the leads answered late the
    money of deals won: ``late_amount``, ``late_squares`` (sum of squares), ``late_largest``.
    """
    leads = select_leads(department, keys, start=start, end=end, links=True)
    responds = "first_response_at" in leads.columns
    if not responds:
        leads = leads.mutate(first_response_at=ibis.null("timestamp"))
    leads = waits_of(department, leads)
    leads = with_deals(department, leads) if is_linked(department) else leads
    leads = _with_touches(department, leads)
    day_seconds = round(WorkClock(department).day_hours * 3_600)
    # a lead without an answer has waited up to as_of
    waited = ibis.ifelse(leads.is_answered, ibis.null(), leads.working_seconds)
    status = leads.status if "status" in leads.columns else ibis.null().cast("string")
    found = qualified(leads)
    hit = ibis.literal(False) if found is None else found  # noqa: FBT003
    moved = status.isin(["qualified", "converted"]).fill_null(False) | hit  # noqa: FBT003
    moved = moved | _has_moved(leads) if is_linked(department) else moved
    silent = ~leads.is_answered & ~leads.is_touched & ~moved
    dropped = silent & (status == "disqualified").fill_null(False)  # noqa: FBT003
    is_old = (waited >= after_days * day_seconds).fill_null(True)  # noqa: FBT003
    late = leads.is_answered & ~leads.is_early & (leads.working_seconds > round(late_hours * 3_600))
    won = (leads.deal_status == "won") if "deal_status" in leads.columns else ibis.literal(False)  # noqa: FBT003
    money = leads.deal_amount if "deal_amount" in leads.columns else ibis.null().cast("float64")
    rows = leads.select(
        *keys,
        kind_source=merged_kind(department, leads, "source", 8),
        is_young=silent & ~dropped & ~is_old,
        is_dropped=dropped,
        is_unworked=silent & ~dropped & is_old,
        is_late=late,
        is_hit=hit,
        is_won=won.fill_null(False),  # noqa: FBT003
        money=ibis.ifelse(late & won, money, ibis.null()),
    )
    return _added_up(rows, keys)


def _has_moved(leads: ibis.Table) -> ibis.Value:
    """Tell whether somebody made a deal of the lead, or added it to one.

    A deal that stands there since the very moment the lead came in is a copy that a system
    makes of every lead, and no work; won it is.
    """
    made = leads.deal_at.isnull() | (leads.deal_at > leads.created_at)
    converted = leads.deal_status.notnull() & ((leads.deal_status == "won") | made)
    added = leads.named_deal_id.notnull() & leads.own_deal_id.isnull()
    return converted.fill_null(False) | added  # noqa: FBT003


def _with_touches(department: Department, leads: ibis.Table) -> ibis.Table:
    """Mark the leads that an activity up to ``as_of`` names, by themselves or by their deal."""
    flags: list[ibis.Value] = []
    if not department.has("activities", "occurred_at", "activity_type"):
        return leads.mutate(is_touched=ibis.literal(False))  # noqa: FBT003
    rows = department.table("activities")
    rows = rows.filter(
        rows.activity_type.isin(_TOUCHES)
        & (rows.occurred_at.date() <= ibis.literal(department.as_of))
    )
    if "direction" in rows.columns:  # the lead's own calls are no work on it, unless answered
        outbound = (rows.direction == "outbound").fill_null(True)  # noqa: FBT003
        if "outcome" in rows.columns:
            outbound = outbound | rows.outcome.isin(REACHED).fill_null(False)  # noqa: FBT003
        rows = rows.filter(outbound)
    for link, own in (("lead_id", "lead_id"), ("deal_id", "named_deal_id")):
        if link in rows.columns and own in leads.columns:
            named = rows.filter(rows[link].notnull())
            flags.append(leads[own].isin(named[link]).fill_null(False))  # noqa: FBT003
    touched = reduce(or_, flags, ibis.literal(False))  # noqa: FBT003
    return leads.mutate(is_touched=touched)


def _added_up(rows: ibis.Table, keys: list[str]) -> pd.DataFrame:
    by = [*keys, "kind_source"]
    paid = _.money > 0
    frame = fetch(
        rows.group_by(by).agg(
            n_leads=_.count(),
            n_young=_.count(where=_.is_young),
            n_dropped=_.count(where=_.is_dropped),
            n_unworked=_.count(where=_.is_unworked),
            n_late=_.count(where=_.is_late),
            n_late_qualified=_.count(where=_.is_late & _.is_hit),
            n_late_won=_.count(where=_.is_late & _.is_won),
            late_amount=_.money.sum(where=paid),
            late_squares=(_.money * _.money).sum(where=paid),
            late_largest=_.money.max(where=paid),
        )
    )
    frame[_AMOUNTS] = frame[_AMOUNTS].astype(float).fillna(0.0).apply(steady)
    frame[_COUNTS] = frame[_COUNTS].astype("int64")
    return frame.sort_values(by).reset_index(drop=True)
