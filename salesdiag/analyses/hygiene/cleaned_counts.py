"""The reduction under `cleaned_metrics`: each metric's sums with and without doubtful rows."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.rows import deals_as_entered, placed, within
from salesdiag.analyses.hygiene.rules import Rule, is_early, rules_of_deals
from salesdiag.analyses.hygiene.suspect_rows import (
    suspect_activities,
    suspect_deals,
    suspect_leads,
)
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.analyses.hygiene.batches import Thresholds
    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.department import Department

# habits that shape figures, but whose rows may well be true
_NOT_LEFT_OUT = ("round_amount", "round_duration")
_CONTRADICTORY = (
    "closed_before_created", "open_with_closing_date", "won_without_amount",
    "closed_in_open_stage", "open_in_closed_stage", "won_and_lost_disagree",
)  # fmt: skip
_DOUBTS = ("suspect", "contradictory", "left_out")
# metric, rows it speaks of, which of them can be counted, top, bottom
Part = tuple[str, ibis.Value, ibis.Value, ibis.Value, ibis.Value]


def deal_cells(
    department: Department, keys: Sequence[str], window: Window, least: Thresholds
) -> pd.DataFrame:
    """Give the sums of the metrics of closed deals, by the month of closing."""
    rows = doubted_deals(department, keys, least)
    if rows is None or not department.has("deals", "closed_at"):
        return nothing(keys)
    rows = placed(rows.filter(_.status != "open"), department, "closed_at", window)
    one, won = ibis.literal(1), rows.status == "won"
    here, dated = rows.is_placed, rows.is_dated
    cycle = rows.closed_at.date().delta(rows.created_at.date(), unit="day")
    metrics: list[Part] = [
        ("win_rate", won | (rows.status == "lost"), here, ibis.ifelse(won, 1, 0), one),
        # a cycle below zero counts as one of no days, as everywhere
        ("cycle_days", won, dated & rows.created_at.notnull(), ibis.greatest(cycle, 0), one),
        ("wins_per_day", won, dated, one, ibis.literal(0)),
    ]
    if department.has("deals", "amount"):
        amount = rows.amount.cast("float64")
        # wins at 0 stand on one side only: to leave them out is what is asked
        told = rows.amount >= 0
        metrics += [("won_amount", won, here & told, amount, one),
                    ("revenue_per_day", won, dated & told, amount, ibis.literal(0))]  # fmt: skip
        if department.has("deals", "list_amount"):
            listed = rows.list_amount.cast("float64")
            both = here & (rows.amount > 0) & (listed > 0)
            metrics.append(("price_realisation", won, both, amount, listed))
    return _cells(rows, keys, "closed_at", metrics)


def doubted_deals(
    department: Department, keys: Sequence[str], least: Thresholds
) -> ibis.Table | None:
    """Give the deals and whether they are left out; None without dates of creation."""
    found = suspect_deals(department, least, keys=keys)
    if found is None:
        return None
    rows, kinds = found
    rules = rules_of_deals(department, rows)
    return _doubted(rows, kinds, [rules[name] for name in _CONTRADICTORY if name in rules])


def lead_cells(
    department: Department, keys: Sequence[str], window: Window, least: Thresholds
) -> pd.DataFrame:
    """Give the sums of the metrics of leads, by the month in which they came in."""
    found = suspect_leads(department, least, keys=keys)
    if found is None:
        return nothing(keys)
    rows, kinds = found
    early = is_early(rows)
    broken = [Rule(early, early.fill_null(False))]  # noqa: FBT003
    has_deal, told = "deal_id" in rows.columns, "status" in rows.columns
    if has_deal and told:
        lacks = (rows.status == "converted") & rows.deal_id.isnull()
        broken.append(Rule(lacks, lacks.fill_null(False)))  # noqa: FBT003
    rows = within(_doubted(rows, kinds, broken), department, "created_at", window)
    one, every = ibis.literal(1), ibis.literal(True)  # noqa: FBT003

    def share_of(yes: ibis.Value) -> ibis.Value:
        return ibis.ifelse(yes.fill_null(False), 1, 0)  # noqa: FBT003

    metrics: list[Part] = [
        ("answered_leads", every, every, share_of(rows.first_response_at.notnull()), one)
    ]
    if "qualified_at" in rows.columns:
        known = rows.qualified_at.date() <= ibis.literal(department.as_of)
        metrics.append(("qualified_leads", every, every, share_of(known), one))
    if has_deal:
        metrics.append(("lead_conversion", every, every, share_of(rows.deal_id.notnull()), one))
    return _cells(rows, keys, "created_at", metrics)


def activity_cells(
    department: Department, keys: Sequence[str], window: Window, least: Thresholds
) -> pd.DataFrame:
    """Give the sums of the metrics of activities, by the month in which they happened."""
    found = suspect_activities(department, least, keys=keys)
    if found is None:
        return nothing(keys)
    rows, kinds = found
    broken = []
    if "deal_id" in rows.columns and department.has("deals", "closed_at"):
        side = deals_as_entered(department).filter(_.status != "open")
        side = side.select(of_deal=_.deal_id, deal_closed_at=_.closed_at)
        rows = rows.left_join(side, rows.deal_id == side.of_deal)
        late = rows.occurred_at.date() > rows.deal_closed_at.date()
        broken = [Rule(late, late.fill_null(False))]  # noqa: FBT003
    rows = within(_doubted(rows, kinds, broken), department, "occurred_at", window)
    every = ibis.literal(True)  # noqa: FBT003
    one = ibis.literal(1)
    return _cells(rows, keys, "occurred_at", [
        ("activities_per_day", every, every, one, ibis.literal(0)),
    ])  # fmt: skip


def _doubted(rows: ibis.Table, kinds: Mapping[str, Rule], broken: Sequence[Rule]) -> ibis.Table:
    never = ibis.literal(False)  # noqa: FBT003
    suspect = [rule.failing for name, rule in kinds.items() if name not in _NOT_LEFT_OUT]
    marked = {
        "is_suspect": reduce(or_, suspect, never),
        "is_contradictory": reduce(or_, [rule.failing for rule in broken], never),
    }
    marked["is_left_out"] = marked["is_suspect"] | marked["is_contradictory"]
    return rows.mutate(**marked)


def _cells(
    rows: ibis.Table, keys: Sequence[str], date: str, metrics: Sequence[Part]
) -> pd.DataFrame:
    """Add up each metric by group, rep and month (of rows with a date that counts)."""
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    month = rows[date].truncate("M").date()
    if "is_dated" in rows.columns:
        month = ibis.ifelse(rows.is_dated, month, ibis.null())
    flags = {"month": month}
    for name, asked, told, top, bottom in metrics:
        asked, told = asked.fill_null(False), told.fill_null(False)  # noqa: FBT003
        flags |= {f"{name}_in": asked & told, f"{name}_out": asked & ~told,
                  f"{name}_top": top, f"{name}_bottom": bottom}  # fmt: skip
    rows = rows.mutate(**flags)
    sums = {}
    for name, *_parts in metrics:
        counts, kept = rows[f"{name}_in"], rows[f"{name}_in"] & ~rows.is_left_out
        sums[f"{name} n_rows"] = rows.count(where=counts)
        sums[f"{name} n_unknown"] = rows.count(where=rows[f"{name}_out"])
        for doubt in _DOUBTS:
            sums[f"{name} n_{doubt}"] = rows.count(where=counts & rows[f"is_{doubt}"])
        for side in ("top", "bottom"):
            sums[f"{name} {side}"] = rows[f"{name}_{side}"].sum(where=counts)
            sums[f"{name} kept_{side}"] = rows[f"{name}_{side}"].sum(where=kept)
    frame = fetch(rows.group_by([*group, "month"]).agg(**sums))
    frame = frame.astype(dict.fromkeys(group, "str"))
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[us]")
    frame = frame.sort_values([*group, "month"], ignore_index=True)
    counts = ["n_rows", "n_unknown", *(f"n_{doubt}" for doubt in _DOUBTS)]
    floats = ["top", "bottom", "kept_top", "kept_bottom"]
    parts = []
    for name, *_parts in metrics:
        part = frame[[*group, "month"]].assign(metric=name)
        for one in counts:
            part[one] = frame[f"{name} {one}"].astype("int64")
        for one in floats:
            part[one] = steady(frame[f"{name} {one}"].astype(float).fillna(0.0))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def nothing(keys: Sequence[str]) -> pd.DataFrame:
    """Give cells without a row."""
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    blank = pd.DataFrame({name: pd.Series(dtype="str") for name in [*group, "metric"]})
    numbers = {f"n_{doubt}": 0 for doubt in _DOUBTS} | {"n_rows": 0, "n_unknown": 0}
    floats = dict.fromkeys(("top", "bottom", "kept_top", "kept_bottom"), 0.0)
    return blank.assign(month=pd.Series(dtype="datetime64[us]"), **numbers, **floats)


def is_named(cells: pd.DataFrame) -> pd.Series:
    """Tell which cells are of a rep."""
    return cells["rep_id_of_row"] != UNASSIGNED
