"""The ledger of the gap: parts that add up, and which finding explains how much of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.drivers import gap_ledger
from salesdiag.diagnosis.finding import Claim, Part, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department
    from salesdiag.diagnosis.finding import Finding, Gap

# parts of the gap that a cause can have taken from, by the link that its detector names; the
# first is drawn on first. Conversion stands for all steps of the funnel
PARTS = {
    "leads": ("leads_per_day", "deals_per_day"),
    "lead conversion": ("deals_per_lead", "deals_per_day", "conversion"),
    "pipeline": ("conversion", "timing"),
    "orders": ("deals_per_lead", "deals_per_day", "list_value_per_deal"),
    "size": ("list_value_per_deal",),
    "price": ("price_realisation",),
    "days": ("selling_days",),
    "plan": ("plan",),
    "none": (),
}
_OF_CAUSE = {"market_decline": ("market", *PARTS["leads"])}
_LEAST = 1e-6  # money below this is nothing
_PLAN = "plan"
_UNPLANNED = "outside the plan"
_COLUMNS = ["part", "base_value", "actual_value", "gap_amount", "gap_amount_low",
            "gap_amount_high", "findings", "explained_amount", "rest_amount"]  # fmt: skip


def with_parts(department: Department, gap: Gap, confidence: float) -> tuple[Gap, pd.DataFrame]:
    """Give the gap with its parts, and the table of the ledger behind them.

    The ledger holds the days of the gap (not of the window: of a plan only complete periods
    count) against the same days a year before. What lies between the year before and the
    plan is a part of its own, and so is what the plan does not count, such as sales of reps
    without a target: with both the parts add up to the gap whatever the plan covers. Without
    a plan the year before becomes the reference.

    Raises
    ------
    MissingDataError, InputError
        As `gap_ledger`.
    """
    table = gap_ledger(department, start=gap.start, end=gap.end, confidence=confidence)
    if not len(table) or table["gap_amount"].isna().any():
        return gap, table
    before, now = (float(table[name].iloc[0]) for name in ("base_amount", "actual_amount"))
    columns = ("factor", "gap_amount", "gap_amount_low", "gap_amount_high", "stage")
    parts = [Part(*row) for row in zip(*(table[one].tolist() for one in columns), strict=True)]
    if gap.reference == "none":
        gap = replace(gap, reference="past", expected=before)
    else:
        parts.append(_exact(_PLAN, before - gap.expected))
    if abs(gap.actual - now) > _LEAST * max(abs(now), 1.0):
        parts.append(_exact(_UNPLANNED, gap.actual - now))
    return replace(gap, parts=tuple(parts)), table


def _exact(factor: str, amount: float) -> Part:
    """Make a part that is no estimate."""
    return Part(factor, amount, amount, amount)


def claims_of(
    parts: Sequence[Part], findings: Sequence[Finding], links: Sequence[str], *, share: float = 1.0
) -> tuple[Claim, ...]:
    """Say which finding explains how much of which part, so that no money counts twice.

    In order of rank each finding draws its money from the parts of its link. One that names
    a stage draws on that stage alone; one that takes from the whole funnel on all its steps,
    by what each has lost. A part gives no more than it lost, and no more than what findings
    before have left of it. So a finding whose loss was made up for elsewhere in the
    department, or was there the year before as well, finds less than its money; one that need
    not cost any finds nothing.

    ``share`` is the part of the window that the parts cover.
    """
    left = {one.name: max(0.0, -one.amount) for one in parts}
    claims = []
    for rank, (finding, link) in enumerate(zip(findings, links, strict=True), start=1):
        # the ledger is one of revenue
        lost = finding.money if finding.money_basis == "revenue" else finding.lost_revenue
        wanted = 0.0 if np.isnan(lost) else share * max(lost, 0.0)
        for names in _drawn_on(parts, finding, link):
            there = sum(left[name] for name in names)
            taken = min(1.0, wanted / there) if there > _LEAST else 0.0
            for name in names:
                amount = taken * left[name]
                if amount > _LEAST:
                    claims.append(Claim(rank, name, amount))
                    left[name] -= amount
            wanted -= taken * there
    return tuple(claims)


def _drawn_on(parts: Sequence[Part], finding: Finding, link: str) -> list[list[str]]:
    """List the parts that a finding may draw on: factor by factor, in order."""
    stage = finding.scope.stage
    of_stage = [one.name for one in parts if stage and one.stage == stage]
    if of_stage:
        return [of_stage]
    factors = _OF_CAUSE.get(finding.cause, PARTS.get(link, ()))
    return [[one.name for one in parts if one.factor == factor] for factor in factors]


def ledger_table(gap: Gap, ledger: pd.DataFrame) -> pd.DataFrame:
    """Show the parts of a gap, who claims them, and the rest; its last row is the sum."""
    names = [one.name for one in gap.parts]
    values = {}
    if len(ledger):  # its rows come first among the parts
        sides = zip(ledger["base_value"], ledger["actual_value"], strict=True)
        values = dict(zip(names, sides, strict=False))
    rows = []
    for part in gap.parts:
        own = [one for one in gap.claims if one.part == part.name]
        claimed = sum(one.amount for one in own)
        ranks = ", ".join(str(one.rank) for one in own)
        rows.append((part.name, *values.get(part.name, (np.nan, np.nan)), part.amount, part.low,
                     part.high, ranks, claimed, part.amount + claimed))  # fmt: skip
    table = pd.DataFrame(rows, columns=_COLUMNS)
    total = table[["gap_amount", "explained_amount", "rest_amount"]].sum()
    if rows:
        table.loc[len(table)] = {"part": "gap", "findings": "", **total}
    return table


def share_of_window(gap: Gap, n_window_days: int) -> float:
    """Give the part of the window that the days of the gap are; at most 1."""
    if gap.start is None or gap.end is None:
        return 1.0
    return min(1.0, ((gap.end - gap.start).days + 1) / n_window_days)


def split_of(gap: Gap, findings: Sequence[Finding]) -> Split:
    """Add up what the findings explain of the gap by who can change it.

    The shares are parts of the gap where the department is short and the findings explain no
    more than that; else of all that they explain, since gains elsewhere made up for losses.
    """
    by = dict.fromkeys(("direct", "indirect", "external"), 0.0)
    for claim in gap.claims:
        by[findings[claim.rank - 1].control] += claim.amount
    explained = sum(by.values())
    short = -gap.gap if gap.gap < 0 else 0.0
    if not gap.parts or not max(short, explained) > _LEAST:
        return Split("none", np.nan, np.nan, np.nan, np.nan, np.nan)
    if short > 0 and explained <= short:
        return Split("gap", short, **by, rest=short - explained)
    return Split("explained", explained, **by, rest=0.0)
