"""The reduction under `contradictions`: rows that break a rule, and the money of their deals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.hygiene.rows import counted, deals_as_entered, with_groups, within
from salesdiag.analyses.hygiene.rules import (
    RULES,
    Rule,
    activities_of_deals,
    leads_of_deals,
    moves_of_deals,
    rules_of_deals,
    with_later_changes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.department import Department

QUESTIONS = [(table, rule) for table, rules in RULES.items() for rule in rules]
_OF_DEALS = (
    ("stage_changes", moves_of_deals, "entered_at"),
    ("activities", activities_of_deals, "occurred_at"),
    ("leads", leads_of_deals, "created_at"),
)


def count_contradictions(
    department: Department, keys: Sequence[str], window: Window, *, grace_days: int
) -> pd.DataFrame:
    """Count rows by rule, group and rep.

    Columns: the keys, ``rep_id_of_row``, ``question`` ("table rule"), ``n_whole``, ``n_part``,
    ``n_unknown`` (deals changed after ``as_of``), ``n_squares`` (sum over deals of the square of
    ``n_part``), ``n_deals`` (deals concerned, each once a rep) and ``concerned_amount`` (their
    money).
    """
    deals = with_later_changes(department, deals_as_entered(department, window))
    rules = rules_of_deals(department, deals, grace_days=grace_days)
    flags = _flags(rules)
    rows = with_groups(department, deals.mutate(**flags), keys)
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    parts = [_long(_of_single(rows, group, rules), group, "deals", rules)]
    for table, made, date in _OF_DEALS:
        found = made(department, keys)
        if found is not None:
            rows, rules = found
            rows = within(rows.mutate(**_flags(rules)), department, date, window)
            parts.append(_long(_of_several(rows, group, rules), group, table, rules))
    has_amount = department.has("deals", "amount")
    cells = pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True)
    if not has_amount:
        cells["concerned_amount"] = float("nan")
    return cells


def _flags(rules: Mapping[str, Rule]) -> dict[str, ibis.Value]:
    flags = {f"examined_{name}": rule.examined for name, rule in rules.items()}
    flags |= {f"unknown_{name}": rule.unknown for name, rule in rules.items()}
    return flags | {f"fails_{name}": rule.failing for name, rule in rules.items()}


def _of_single(rows: ibis.Table, group: list[str], rules: Mapping[str, Rule]) -> pd.DataFrame:
    """Count deals, each of which is one row."""
    sums = {}
    for name in rules:
        sums[f"n_whole_{name}"] = _.count(where=_[f"examined_{name}"])
        sums[f"n_part_{name}"] = _.count(where=_[f"fails_{name}"])
        sums[f"n_unknown_{name}"] = _.count(where=_[f"unknown_{name}"])
        sums[f"n_deals_{name}"] = sums[f"n_squares_{name}"] = sums[f"n_part_{name}"]
        sums[f"{name}_amount"] = _.amount.sum(where=_[f"fails_{name}"]).cast("float64")
    return counted(rows, group, sums or {"n_rows": _.count()})


def _of_several(rows: ibis.Table, group: list[str], rules: Mapping[str, Rule]) -> pd.DataFrame:
    """Count rows of which a deal has several, and each deal concerned once a rep."""
    fails: ibis.Value = ibis.literal(False)  # noqa: FBT003
    for name in rules:
        fails = fails | rows[f"fails_{name}"]
    rows = rows.mutate(concerned=ibis.ifelse(fails, rows.deal_id, ibis.null()))
    sums = {"worth": _.deal_amount.max()}
    for name in rules:
        sums[f"whole_{name}"] = _.count(where=_[f"examined_{name}"])
        sums[f"part_{name}"] = _.count(where=_[f"fails_{name}"])
        sums[f"unknown_{name}"] = _.count(where=_[f"unknown_{name}"])
    deals = rows.group_by([*group, "concerned"]).agg(**sums)
    totals = {}
    for name in rules:
        hit = (deals[f"part_{name}"] > 0) & deals.concerned.notnull()
        totals[f"n_whole_{name}"] = deals[f"whole_{name}"].sum()
        totals[f"n_part_{name}"] = deals[f"part_{name}"].sum()
        totals[f"n_unknown_{name}"] = deals[f"unknown_{name}"].sum()
        part = deals[f"part_{name}"]
        totals[f"n_squares_{name}"] = (part * part).sum(where=hit)
        totals[f"n_deals_{name}"] = deals.count(where=hit)
        totals[f"{name}_amount"] = deals.worth.sum(where=hit).cast("float64")
    return counted(deals, group, totals or {"n_rows": deals.count()})


def _long(
    frame: pd.DataFrame, group: list[str], table: str, rules: Mapping[str, Rule]
) -> pd.DataFrame:
    parts = [
        frame[group].assign(
            question=f"{table} {name}", n_whole=frame[f"n_whole_{name}"],
            n_part=frame[f"n_part_{name}"], n_deals=frame[f"n_deals_{name}"],
            n_squares=frame[f"n_squares_{name}"], n_unknown=frame[f"n_unknown_{name}"],
            concerned_amount=frame[f"{name}_amount"].astype(float).fillna(0.0),
        )
        for name in rules
    ]  # fmt: skip
    if parts:
        return pd.concat(parts, ignore_index=True)
    names = ["question", "n_whole", "n_part", "n_deals", "n_squares", "n_unknown",
             "concerned_amount"]  # fmt: skip
    blank = frame[group].iloc[:0].assign(**dict.fromkeys(names, 0))
    return blank.astype({"question": "str", "concerned_amount": "float64"})
