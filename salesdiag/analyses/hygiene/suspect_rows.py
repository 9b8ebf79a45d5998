"""Which rows are suspect entries, kind by kind, as expressions over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.batches import (
    Thresholds,
    eves,
    with_batches,
    with_bursts,
    with_clock,
    with_hour_batches,
    with_imports,
    with_own_durations,
)
from salesdiag.analyses.hygiene.rows import deals_as_entered, with_groups
from salesdiag.analyses.hygiene.rules import Rule
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from salesdiag.department import Department

    Marked = tuple[ibis.Table, dict[str, Rule]] | None

KINDS = {
    "activities": ("burst", "one_minute", "back_dated", "zero_duration", "same_duration",
                   "round_duration"),
    "deals": ("one_minute", "create_and_win", "round_amount"),
    "stage_changes": ("one_minute", "period_end_batch"),
    "leads": ("one_minute",),
}  # fmt: skip
DATES = {"activities": "occurred_at", "deals": "created_at", "stage_changes": "entered_at",
         "leads": "created_at"}  # fmt: skip
_REACHED = ("connected", "held")
_ROUND_SECONDS, _ROUND_MONEY, _LARGE = 300, 100, 1000


def suspect_activities(
    department: Department, least: Thresholds, *_more: object, keys: Sequence[str] = ()
) -> Marked:
    """Mark activities: in bursts, back-dated, with lengths that no clock measured."""
    if not department.has("activities", "occurred_at"):
        return None
    rows = with_bursts(with_batches(_dated_activities(department, keys), least), least)
    given = rows.columns
    logged = "logged_at" in given
    rows = _with_brought_over(department, rows)
    if "duration_seconds" in given:
        rows = with_own_durations(rows)
    timed = rows.entry_minute.notnull()
    rules = {
        "burst": Rule(timed, rows.is_burst),
        "one_minute": Rule(timed, rows.is_one_minute),
    }
    if logged:
        late = rows.logged_at.date().delta(rows.occurred_at.date(), unit="day") > least.late_days
        rules["back_dated"] = Rule(rows.logged_at.notnull(), late)
    if "duration_seconds" in given:
        length = rows.duration_seconds
        said = rows.activity_type.isin(["call", "meeting"]) & length.notnull()
        if "outcome" in given:
            said = said & rows.outcome.isin(_REACHED)
        rules["zero_duration"] = Rule(said, length == 0)
        rules["same_duration"] = Rule(length > 0, rows.is_own_duration)
        rules["round_duration"] = Rule(length > 0, _is_multiple(length, _ROUND_SECONDS))
    return rows, _own(rows, rules)


def activities_by_hour(department: Department, keys: Sequence[str]) -> ibis.Table | None:
    """Give the activities with their hour of entry, and whether they were imported."""
    if not department.has("activities", "occurred_at"):
        return None
    rows = _dated_activities(department, keys).drop("entry_week")
    return _with_brought_over(department, with_imports(rows))


def _dated_activities(department: Department, keys: Sequence[str]) -> ibis.Table:
    """Give the activities up to ``as_of`` with their groups and the clock of their entry."""
    rows = with_groups(department, department.table("activities"), keys)
    used = ["activity_type", "occurred_at", "deal_id", "outcome",
            "duration_seconds", "logged_at", "rep_id_of_row"]  # fmt: skip
    rows = rows.select(*dict.fromkeys([*keys, *(one for one in used if one in rows.columns)]))
    as_of = ibis.literal(department.as_of)
    rows = rows.filter(rows.occurred_at.date() <= as_of)
    entered = rows.occurred_at
    if "logged_at" in rows.columns:
        known = ibis.ifelse(rows.logged_at.date() <= as_of, rows.logged_at, ibis.null())
        rows = rows.mutate(logged_at=known)
        entered = ibis.coalesce(rows.logged_at, rows.occurred_at)
    return with_clock(rows, entered)


def _with_brought_over(department: Department, rows: ibis.Table) -> ibis.Table:
    """Call import what happened before anything was written down: it came from elsewhere."""
    if "logged_at" not in rows.columns:
        return rows
    first = first_moment(department, "activities", "logged_at")
    if pd.isna(first):
        return rows
    brought = rows.occurred_at.date() < ibis.literal(first.date())
    return rows.mutate(is_import=rows.is_import | brought)


def suspect_deals(
    department: Department, least: Thresholds, *_more: object, keys: Sequence[str] = ()
) -> Marked:
    """Mark deals: entered by the dozen, created and won on one day, with round amounts."""
    if not department.has("deals", "created_at"):
        return None
    rows = with_groups(department, deals_as_entered(department), keys)
    used = ["deal_id", "status", "stage", "created_at", "closed_at", "entered_closed_at",
            "amount", "list_amount", "expected_close_on", "rep_id_of_row"]  # fmt: skip
    rows = rows.select(*dict.fromkeys([*keys, *(one for one in used if one in rows.columns)]))
    rows = with_batches(with_clock(rows, rows.created_at), least)
    won = rows.status == "won"
    rules = {"one_minute": Rule(rows.entry_minute.notnull(), rows.is_one_minute)}
    if department.has("deals", "closed_at"):
        rules["create_and_win"] = Rule(
            won & rows.closed_at.notnull() & rows.created_at.notnull(),
            rows.closed_at.date() == rows.created_at.date(),
        )
    if department.has("deals", "amount"):
        rules["round_amount"] = Rule(
            won & (rows.amount >= _LARGE),
            _is_multiple(rows.amount.cast("float64"), _ROUND_MONEY),
        )
    return rows, _own(rows, rules)


def suspect_moves(
    department: Department,
    least: Thresholds,
    meetings: tuple[date, ...] = (),
    *,
    keys: Sequence[str] = (),
) -> Marked:
    """Mark stage changes: entered by the dozen, in batches just before accounts are due."""
    if not department.has("stage_changes", "deal_id", "stage", "entered_at"):
        return None
    rows = department.table("stage_changes")
    rows = rows.filter(rows.entered_at.date() <= ibis.literal(department.as_of))
    if "rep_id" not in rows.columns:
        side = deals_as_entered(department).select("deal_id", "rep_id")
        rows = rows.left_join(side, "deal_id").drop("deal_id_right")
    rows = with_groups(department, rows, keys)
    rows = rows.select(*dict.fromkeys([*keys, "deal_id", "stage", "entered_at", "rep_id_of_row"]))
    rows = with_batches(with_clock(rows, rows.entered_at), least)
    first = first_moment(department, "stage_changes", "entered_at")
    rows = with_hour_batches(rows, least, eves(department, first, least, meetings))
    timed = rows.entry_minute.notnull()
    rules = {"one_minute": Rule(timed, rows.is_one_minute),
             "period_end_batch": Rule(timed, rows.is_eve_batch)}  # fmt: skip
    return rows, _own(rows, rules)


def suspect_leads(
    department: Department, least: Thresholds, *_more: object, keys: Sequence[str] = ()
) -> Marked:
    """Mark leads: answered by the dozen within one minute."""
    if not department.has("leads", "created_at", "first_response_at"):
        return None
    rows = department.table("leads")
    as_of = ibis.literal(department.as_of)
    rows = rows.filter(rows.created_at.date() <= as_of)
    known = ibis.ifelse(rows.first_response_at.date() <= as_of, rows.first_response_at, ibis.null())
    rows = with_groups(department, rows.mutate(first_response_at=known), keys)
    rows = with_batches(with_clock(rows, rows.first_response_at), least)
    return rows, _own(rows, {"one_minute": Rule(rows.entry_minute.notnull(), rows.is_one_minute)})


MARKED: dict[str, Callable[..., Marked]] = {
    "activities": suspect_activities,
    "deals": suspect_deals,
    "stage_changes": suspect_moves,
    "leads": suspect_leads,
}


def _own(rows: ibis.Table, rules: dict[str, Rule]) -> dict[str, Rule]:
    """Leave imports out of what is examined: they say nothing of the rep that they name."""
    own = {}
    for name, rule in rules.items():
        examined = rule.examined.fill_null(False) & ~rows.is_import  # noqa: FBT003
        own[name] = Rule(examined, examined & rule.failing.fill_null(False))  # noqa: FBT003
    return own


def _is_multiple(value: ibis.Value, of: int) -> ibis.Value:
    return (value / of) == (value / of).floor()


def first_moment(department: Department, table: str, column: str) -> Any:  # noqa: ANN401
    """Give the first moment of a column, fetched once; NaT where it holds none."""

    def make() -> pd.DataFrame:
        return fetch(department.table(table).agg(first=_[column].min()))

    found = department.remember(f"first {table}.{column}", make)
    return pd.Timestamp(found["first"].iloc[0])
