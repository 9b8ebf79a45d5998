"""Findings, ledger, split and the head of sales, gathered as plain data for the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.words import figure as words_of
from salesdiag.present.labels import MISSING, money, unbroken
from salesdiag.present.tables import figure, name_of, shown

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis, Finding, Part, Rival, Scope

N_FIRST_SCREEN = 3
_EVIDENCE_ROWS = 10
_CONTROL = {
    "direct": "the head of sales", "indirect": "the company (marketing, pay, plan, delivery)",
    "external": "nobody inside the company",
}  # fmt: skip
GRADES = {
    "A": "natural experiment, its placebo passed", "B": "adjusted, robust to its checks",
    "C": "adjusted association", "D": "raw association",
}  # fmt: skip
_PARTS = {
    "market": "market", "selling_days": "selling days", "leads_per_day": "leads per selling day",
    "deals_per_lead": "deals per lead", "deals_per_day": "deals per selling day",
    "timing": "wins early or late", "list_value_per_deal": "list value per deal won",
    "price_realisation": "price after discount",
    "plan": "what the plan asks beyond the year before",
    "outside the plan": "sales that the plan does not count",
}  # fmt: skip


def money_text(finding: Finding, currency: str) -> str:
    """Write what a finding costs, with its interval; words where it may be nothing.

    Money that is lost is written without a sign.
    """
    if math.isnan(finding.money):
        return "money cannot be told"
    low, high = finding.money_low, finding.money_high
    if math.isnan(low) or math.isnan(high):
        return money(finding.money, currency)
    of = "of margin " if finding.money_basis == "margin" else ""
    text = f"{money(finding.money, currency)} {of}({money(low)} … {money(high)})"
    return f"{text}, could be nothing" if low <= 0 else text


def findings_of(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Give every finding as the report shows it."""
    return [
        _finding(rank, finding, diagnosis)
        for rank, finding in enumerate(diagnosis.findings, start=1)
    ]


def _finding(rank: int, finding: Finding, diagnosis: Diagnosis) -> dict[str, Any]:
    unit = CATALOGUE[finding.cause].unit if finding.cause in CATALOGUE else "number"
    own = [one for one in diagnosis.gap.claims if one.rank == rank]
    claimed = sum(one.amount for one in own)
    table = shown(_own_first(finding), finding.cause, rows=_EVIDENCE_ROWS)
    cost = unbroken(money_text(finding, diagnosis.currency))
    return {
        "rank": rank,
        "reading": finding.reading,
        "where": _where(finding.scope),
        "money": cost,
        "basis": finding.money_basis,
        "has_money": not math.isnan(finding.money),
        "measured": MISSING if math.isnan(finding.measured) else words_of(finding.measured, unit),
        "expected": MISSING if math.isnan(finding.expected) else words_of(finding.expected, unit),
        "n": f"{finding.n:,}",
        "control": finding.control,
        "who": _CONTROL[finding.control],
        "grade": finding.grade,
        "grade_words": GRADES[finding.grade],
        "claimed": unbroken(money(claimed, diagnosis.currency)) if claimed else "",
        "parts": ", ".join(part_name(one) for one in diagnosis.gap.parts
                           if one.name in {claim.part for claim in own}),
        "rivals": [_rival(one) for one in finding.rivals],
        "caveat": finding.caveat,
        "next_step": finding.next_step,
        "table": table | {"title": "Evidence", "sheet": sheet_of(rank, finding)},
    }  # fmt: skip


def _own_first(finding: Finding) -> pd.DataFrame:
    """Put the rows of what the finding is about before the others."""
    table, ids = finding.table, (finding.scope.id or "").split(", ")
    key = next((one for one in ("unit_id", "rep_id", "id") if one in table), None)
    if key is None or not table[key].isin(ids).any():
        return table
    return table.assign(_other=~table[key].isin(ids)).sort_values(
        "_other", kind="stable").drop(columns="_other")  # fmt: skip


def sheet_of(rank: int, finding: Finding) -> str:
    """Name the sheet of a finding's evidence in the workbook."""
    return f"finding {rank} {finding.cause}"


def _rival(rival: Rival) -> str:
    return f"{name_of(rival.cause)} ({_where(rival.scope)}): {rival.outcome}"


def _where(scope: Scope) -> str:
    place = "department" if scope.id is None else f"{scope.level} {scope.id}"
    return f"{place}, out of {scope.stage}" if scope.stage else place


def part_name(part: Part) -> str:
    """Name a part of the gap for a reader."""
    if part.stage:
        return f"conversion out of {part.stage}"
    return _PARTS.get(part.factor, part.factor.replace("_", " "))


def ledger_of(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Give the ledger as a table whose columns add up; None where the gap has no parts."""
    gap, table = diagnosis.gap, diagnosis.tables.get("ledger")
    if not gap.parts or table is None:
        return None
    names = {one.name: part_name(one) for one in gap.parts} | {"gap": "Gap"}
    rows = []
    for row in table.to_dict("records"):
        part = row["part"]
        rows.append({
            "part": names.get(part, part),
            "base": figure(row["base_value"]), "actual": figure(row["actual_value"]),
            "amount": _plain(row["gap_amount"]),
            "range": _range(row["gap_amount_low"], row["gap_amount_high"]),
            "findings": row["findings"] or MISSING,
            "explained": _plain(row["explained_amount"]) if row["explained_amount"] else MISSING,
            "rest": _plain(row["rest_amount"]),
            "is_sum": part == "gap",
        })  # fmt: skip
    return {"rows": rows, "currency": diagnosis.currency, "reference": gap.reference}


def _plain(amount: float) -> str:
    """Write money in full, so that a column can be added up by hand."""
    return f"{amount:,.0f}".replace("-", "−") if not math.isnan(amount) else MISSING


def _range(low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high) or low == high:
        return ""
    return f"{_plain(low)} to {_plain(high)}"


def split_rows(diagnosis: Diagnosis) -> list[dict[str, str]]:
    """Give who could change what, as money and as a share."""
    split = diagnosis.split
    if split is None or split.basis == "none":
        return []
    amounts = [("the head of sales (direct)", split.direct),
               ("the company (indirect)", split.indirect),
               ("nobody inside (external)", split.external)]  # fmt: skip
    if split.basis == "gap":
        amounts.append(("not explained by any finding", split.rest))
    return [
        {"who": who, "amount": _plain(amount),
         "share": unbroken(f"{100 * amount / split.whole:.0f} %")}
        for who, amount in amounts
    ]  # fmt: skip


def leader_of(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Give the scorecard of the head of sales."""
    leader, table = diagnosis.leader, diagnosis.tables.get("head_of_sales")
    if leader is None or table is None:
        return None
    return {"role": leader.role, "reason": leader.reason,
            "table": shown(table, "head_of_sales") | {"title": "Scorecard"}}  # fmt: skip


def causes_of(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Give the list of causes that were looked for, by name."""
    table = diagnosis.tables.get("causes")
    if table is None:
        return None
    outcome = table["outcome"].str.replace("_", " ")
    named = table.assign(cause=table["cause"].map(name_of), outcome=outcome)
    return shown(named, "causes") | {"title": "Causes that were looked for"}
