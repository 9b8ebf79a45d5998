"""The reduction under the effect of the response time: leads that are alike, by their wait."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.leads.clock import WorkClock, second_of_day
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

OUTCOMES = ("qualified", "won")
BUNDLES = 12  # of reps who answer alike, where there are more of them
# when a lead came in: the two slots at closing time and the two at a false one hours before
BEFORE, AFTER, FALSE_BEFORE, FALSE_AFTER = (
    "before closing", "after closing", "early before", "early after",
)  # fmt: skip
UNANSWERED, EARLY, YOUNG = -1, -2, -3  # instead of a band: leads that are left out
_KINDS = {"source": 6, "segment": 4}
SUMS = ["wait", "wait_squares", "wait_qualified", "wait_won"]
ALIKE = ["kind_source", "kind_segment", "slot", "after_break", "rep"]


def count_alike(
    department: Department,
    keys: list[str],
    limits: list[float],
    *,
    start: date | str | None,
    end: date | str | None,
    mature_days: int,
    closing_hours: float,
) -> pd.DataFrame:
    """Count the leads that are alike, by how long they waited, and what came of them.

    Columns: the keys, those of `ALIKE`, ``band`` (by working hours; below 0 what is left out),
    ``n``, ``n_qualified``, ``n_won``, and sums over leads of the logarithm of the elapsed wait:
    ``wait``, ``wait_squares``, ``wait_qualified`` and ``wait_won`` (of those with the outcome).
    """
    clock = WorkClock(department)
    leads = waits_of(
        department,
        select_leads(department, keys, start=start, end=end, links=True),
        slot=lambda part: _slot(clock, part, closing_hours),
        after_break=lambda part: ibis.ifelse(clock.is_after_break(part.created_at), 1, 0),
    )
    leads = with_deals(department, leads) if is_linked(department) else leads
    mature = ibis.literal(department.as_of - timedelta(days=mature_days))
    young = leads.first_response_at.date() > mature
    steps = [(leads.working_seconds <= round(one * 3_600), place)
             for place, one in enumerate(limits)]  # fmt: skip
    band = ibis.cases(
        (~leads.is_answered, UNANSWERED), (leads.is_early, EARLY), (young, YOUNG), *steps,
        else_=len(limits),
    )  # fmt: skip
    wait = ((leads.elapsed_seconds.cast("float64") + 900.0) / 3_600.0).ln()
    rows = leads.select(
        *dict.fromkeys([*keys, "rep_id"]),
        band=band,
        wait=wait,
        slot=leads.slot,
        after_break=leads.after_break,
        is_qualified=_is_qualified(leads, mature_days),
        is_won=_is_won(leads, mature_days),
        **{f"kind_{name}": merged_kind(department, leads, name, most)
           for name, most in _KINDS.items()},
    )  # fmt: skip
    return _added_up(_with_bundles(rows), keys)


def has_outcome(department: Department, outcome: str) -> bool:
    """Tell whether the tables can tell of an outcome at all."""
    if outcome == "won":
        return is_linked(department)
    return department.has("leads", "qualified_at") or department.has("leads", "status")


def _slot(clock: WorkClock, leads: ibis.Table, hours: float) -> ibis.Value:
    """Say when a lead came in, seen from closing time."""
    second = second_of_day(leads.created_at)
    width, closes = round(hours * 3_600), clock.closes
    off = ~clock.is_working_day(leads.created_at)
    named = [
        (off, "day off"),
        (second >= closes + width, "night"),
        (second >= closes, AFTER),
        (second >= closes - width, BEFORE),
        (second < clock.opens, "night"),
        (second >= closes - 2 * width, FALSE_AFTER),
        (second >= closes - 3 * width, FALSE_BEFORE),
    ]
    return ibis.cases(*named, else_="earlier")


def _is_qualified(leads: ibis.Table, days: int) -> ibis.Value:
    """Tell whether the lead was qualified in time; a qualification without a date counts."""
    found = qualified(leads)
    if found is None:
        return ibis.literal(False)  # noqa: FBT003
    if "qualified_at" in leads.columns:
        wait = leads.qualified_at.date().delta(leads.first_response_at.date(), unit="day")
        found = found & (wait <= days).fill_null(True)  # noqa: FBT003
    return found.fill_null(False)  # noqa: FBT003


def _is_won(leads: ibis.Table, days: int) -> ibis.Value:
    """Tell whether the deal was won in time; a win without a date counts."""
    if "deal_status" not in leads.columns:
        return ibis.literal(False)  # noqa: FBT003
    wait = leads.deal_closed_at.date().delta(leads.first_response_at.date(), unit="day")
    return ((leads.deal_status == "won") & (wait <= days).fill_null(True)).fill_null(False)  # noqa: FBT003


def _with_bundles(rows: ibis.Table) -> ibis.Table:
    """Give reps numbers by how long they take; many come in bundles of alike ones."""
    own = rows.filter(rows.band >= 0).group_by("rep_id").agg(own_wait=_.wait.mean().round(6))
    place = ibis.row_number().over(order_by=[own.own_wait, own.rep_id]).cast("int64")
    own = own.mutate(place=place).mutate(n_reps=_.place.max().over() + 1)
    dealt = (own.place * BUNDLES) // own.n_reps
    own = own.select(
        own_rep_id=own.rep_id,
        rep=ibis.ifelse(own.n_reps > BUNDLES, dealt, own.place).cast("int64"),
    )
    return rows.left_join(own, rows.rep_id == own.own_rep_id)


def _added_up(rows: ibis.Table, keys: list[str]) -> pd.DataFrame:
    used = rows.band >= 0
    alike = rows.mutate(
        kind_source=ibis.ifelse(used, rows.kind_source, ""),
        kind_segment=ibis.ifelse(used, rows.kind_segment, ""),
        slot=ibis.ifelse(used, rows.slot, ""),
        after_break=ibis.ifelse(used, rows.after_break, 0),
        rep=ibis.ifelse(used, rows.rep, -1),
    )
    by = [*keys, *ALIKE, "band"]
    cells = fetch(
        alike.group_by(by).agg(
            n=_.count(),
            n_qualified=_.count(where=_.is_qualified),
            n_won=_.count(where=_.is_won),
            wait=_.wait.sum(),
            wait_squares=(_.wait * _.wait).sum(),
            wait_qualified=_.wait.sum(where=_.is_qualified),
            wait_won=_.wait.sum(where=_.is_won),
        )
    )
    cells = cells.sort_values(by).reset_index(drop=True)
    cells[SUMS] = cells[SUMS].astype(float).fillna(0.0).apply(steady)
    return cells.astype(dict.fromkeys(["n", "n_qualified", "n_won"], "int64"))
