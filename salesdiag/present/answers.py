"""Findings, ledger, split and the head of sales, gathered as plain data for the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from salesdiag.diagnosis.ranking import SURE
from salesdiag.present.labels import MISSING, unbroken
from salesdiag.present.speech import names_of
from salesdiag.present.tables import figure, shown

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis, Finding, Part, Rival
    from salesdiag.present.speech import Speech

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


def money_text(finding: Finding, speech: Speech) -> str:
    """Write what a finding costs, with its interval; words where it may be nothing.

    Money that is lost is written without a sign.
    """
    if math.isnan(finding.money):
        return speech.say("money cannot be told")
    low, high = finding.money_low, finding.money_high
    if math.isnan(low) or math.isnan(high):
        return speech.money(finding.money)
    ends = f"({speech.money(low, bare=True)} … {speech.money(high, bare=True)})"
    if finding.money_basis == "margin":
        text = speech.say("{money} of margin {ends}", money=speech.money(finding.money), ends=ends)
    else:
        text = f"{speech.money(finding.money)} {ends}"
    return speech.say("{money}, could be nothing", money=text) if low <= 0 else text


def findings_of(diagnosis: Diagnosis, speech: Speech) -> list[dict[str, Any]]:
    """Give every finding as the report shows it."""
    names = names_of(diagnosis)
    return [
        _finding(rank, finding, diagnosis, speech, names)
        for rank, finding in enumerate(diagnosis.findings, start=1)
    ]


def _finding(
    rank: int, finding: Finding, diagnosis: Diagnosis, speech: Speech, names: dict[str, str]
) -> dict[str, Any]:
    own = [one for one in diagnosis.gap.claims if one.rank == rank]
    claimed = sum(one.amount for one in own)
    parts = [one for one in diagnosis.gap.parts if one.name in {claim.part for claim in own}]
    rows = _own_first(finding)
    kind = "changes" if "n_places" in rows else finding.cause
    if kind == "changes":
        rows = rows.assign(**{
            column: [speech.figure(one, finding.cause) for one in rows[column]]
            for column in ("measured", "expected")
        })  # fmt: skip
    table = shown(_with_names(rows, names), kind, speech, rows=_EVIDENCE_ROWS)
    return {
        "rank": rank,
        "reading": speech.reading(finding, names),
        "where": speech.place(finding.scope, names),
        "money": unbroken(money_text(finding, speech)),
        "basis": speech.word(finding.money_basis),
        "says_basis": finding.money_basis == "margin",  # the money does itself
        "has_money": not math.isnan(finding.money),
        "is_hint": finding.q_value >= SURE,
        "measured": speech.figure(finding.measured, finding.cause),
        "expected": speech.figure(finding.expected, finding.cause),
        "n": speech.plain(finding.n),
        "control": speech.word(finding.control),
        "who": speech.say(_CONTROL[finding.control]),
        "grade": finding.grade,
        "grade_words": speech.say(GRADES[finding.grade]),
        "claimed": unbroken(speech.money(claimed)) if claimed else "",
        "parts": ", ".join(part_name(one, speech) for one in parts),
        "rivals": [_rival(one, speech, names) for one in finding.rivals],
        "caveat": speech.caveat(finding),
        "next_step": speech.next_step(finding, names),
        "table": table
        | {"title": speech.say("Evidence"), "sheet": sheet_of(rank, finding), "sortable": False},
    }


def _own_first(finding: Finding) -> pd.DataFrame:
    """Put the rows of what the finding is about before the others."""
    table, ids = finding.table, (finding.scope.id or "").split(", ")
    key = next((one for one in ("unit_id", "rep_id", "id") if one in table), None)
    if key is None or not table[key].isin(ids).any():
        return table
    return table.assign(_other=~table[key].isin(ids)).sort_values(
        "_other", kind="stable").drop(columns="_other")  # fmt: skip


def _with_names(rows: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Call people by their names, in whichever column they stand."""
    if "level" in rows and "ids" in rows:
        told = [", ".join(names.get(one, one) for one in ids.split(", ")) if level == "rep" else ids
                for level, ids in zip(rows["level"], rows["ids"], strict=True)]  # fmt: skip
        return rows.assign(ids=told)
    key = next((one for one in ("unit_id", "rep_id") if one in rows), None)
    return rows if key is None else rows.assign(**{key: [names.get(one, one) for one in rows[key]]})


def sheet_of(rank: int, finding: Finding) -> str:
    """Name the sheet of a finding's evidence in the workbook."""
    return f"finding {rank} {finding.cause}"


def _rival(rival: Rival, speech: Speech, names: dict[str, str]) -> str:
    place = speech.place(rival.scope, names)
    return f"{speech.cause(rival.cause)} ({place}): {speech.told(rival.outcome)}"


def part_name(part: Part, speech: Speech) -> str:
    """Name a part of the gap for a reader."""
    if part.stage:
        return speech.say("conversion out of {stage}", stage=part.stage)
    name = _PARTS.get(part.factor)
    return part.factor.replace("_", " ") if name is None else speech.say(name)


def ledger_of(diagnosis: Diagnosis, speech: Speech) -> dict[str, Any] | None:
    """Give the ledger as a table whose columns add up; None where the gap has no parts."""
    gap, table = diagnosis.gap, diagnosis.tables.get("ledger")
    if not gap.parts or table is None:
        return None
    names = {one.name: part_name(one, speech) for one in gap.parts}
    names["gap"] = speech.say("Gap")
    rows = []
    for row in table.to_dict("records"):
        part = row["part"]
        rows.append({
            "part": names.get(part, part),
            "base": figure(row["base_value"], speech),
            "actual": figure(row["actual_value"], speech),
            "amount": speech.plain(row["gap_amount"]),
            "range": _range(speech, row["gap_amount_low"], row["gap_amount_high"]),
            "findings": row["findings"] or MISSING,
            "explained": speech.plain(row["explained_amount"])
            if row["explained_amount"] else MISSING,
            "rest": speech.plain(row["rest_amount"]),
            "is_sum": part == "gap",
        })  # fmt: skip
    return {"rows": rows, "currency": diagnosis.currency, "reference": gap.reference}


def _range(speech: Speech, low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high) or low == high:
        return ""
    return speech.say("{low} to {high}", low=speech.plain(low), high=speech.plain(high))


def split_rows(diagnosis: Diagnosis, speech: Speech) -> list[dict[str, str]]:
    """Give who could change what, as money and as a share."""
    split = diagnosis.split
    if split is None or split.basis == "none":
        return []
    amounts = {"the head of sales (direct)": split.direct,
               "the company (indirect)": split.indirect,
               "nobody inside (external)": split.external}  # fmt: skip
    if split.basis == "gap":
        amounts["not explained by any finding"] = split.rest
    return [
        {"who": speech.say(who), "amount": speech.plain(amount),
         "share": unbroken(speech.percent(amount / split.whole))}
        for who, amount in amounts.items()
    ]  # fmt: skip


def leader_of(diagnosis: Diagnosis, speech: Speech) -> dict[str, Any] | None:
    """Give the scorecard of the head of sales."""
    leader, table = diagnosis.leader, diagnosis.tables.get("head_of_sales")
    if leader is None or table is None:
        return None
    return {
        "role": leader.role, "name": speech.word(leader.role).capitalize(),
        "reason": speech.told(leader.reason),
        "table": shown(table, "head_of_sales", speech) | {"title": speech.say("Scorecard")},
    }  # fmt: skip


def causes_of(diagnosis: Diagnosis, speech: Speech) -> dict[str, Any] | None:
    """Give the causes that were looked for: those with a sign as a table, the others by name."""
    table = diagnosis.tables.get("causes")
    if table is None:
        return None
    quiet = {one: table["outcome"] == one for one in ("no sign", "not examined")}
    names = {one: ", ".join(table.loc[rows, "cause"].map(speech.cause))
             for one, rows in quiet.items()}  # fmt: skip
    seen = table[~(quiet["no sign"] | quiet["not examined"])]
    people = names_of(diagnosis)
    places = [", ".join(people.get(one, one) for one in ids.split(", ")) if level == "rep" else ids
              for level, ids in zip(seen["level"], seen["id"], strict=True)]  # fmt: skip
    seen = seen.assign(outcome=seen["outcome"].str.replace("_", " "), id=places)
    view = shown(seen, "causes", speech) if len(seen) else None
    title = speech.say("Causes that were looked for")
    return {
        "title": title, "table": view and view | {"title": title, "sortable": False},
        "no_sign": names["no sign"], "not_examined": names["not examined"],
    }  # fmt: skip


def waterfall_of(diagnosis: Diagnosis, speech: Speech, most: int = 5) -> list[dict[str, Any]]:
    """Lay out the way from plan to actual as bars, in percent of the longest.

    The largest parts of the gap stand between, the others together; without parts only the
    two ends.
    """
    gap = diagnosis.gap
    if gap.reference == "none" or not gap.expected > 0 or gap.actual < 0:
        return []
    parts = sorted(gap.parts, key=lambda one: (-abs(one.amount), one.name))
    steps = [(part_name(one, speech), one.amount) for one in parts[:most]]
    rest = sum(one.amount for one in parts[most:])
    steps += [(speech.say("all other parts"), rest)] if len(parts) > most else []
    levels = [gap.expected]
    for _name, amount in steps:
        levels.append(levels[-1] + amount)
    scale = 100 / max(*levels, gap.actual, *_finite(gap.actual_high))
    reference = speech.say("plan" if gap.reference == "plan" else "year before")
    rows = [_bar(reference, 0.0, scale * gap.expected, speech.money(gap.expected), "whole")]
    for (name, amount), before in zip(steps, levels, strict=False):
        start = scale * min(before, before + amount)
        text = ("+" if amount > 0 else "") + speech.money(amount, bare=True)
        rows.append(_bar(name, start, scale * abs(amount), text, "up" if amount > 0 else "down"))
    end = _bar(speech.say("actual"), 0.0, scale * gap.actual, speech.money(gap.actual), "actual")
    if _finite(gap.actual_low, gap.actual_high):
        end |= {"low": scale * gap.actual_low, "high": scale * gap.actual_high}
    return [*rows, end]


def _finite(*values: float) -> list[float]:
    return [one for one in values if math.isfinite(one)]


def _bar(name: str, left: float, width: float, text: str, kind: str) -> dict[str, Any]:
    return {"name": name, "left": left, "width": width, "text": unbroken(text), "kind": kind}
