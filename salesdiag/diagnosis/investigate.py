"""Run every detector, hold the suspects against each other, and rank what stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.explain import explain
from salesdiag.diagnosis.ranking import EXPLAINS, q_values, rank
from salesdiag.diagnosis.suspects import with_usual_harm
from salesdiag.diagnosis.view import View

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.diagnosis.explain import Explained
    from salesdiag.diagnosis.finding import Finding, Scope
    from salesdiag.diagnosis.suspects import Suspect

# causes with a detector; each is a module of the same name
DETECTED = (
    "slow_response", "unworked_leads", "lead_misallocation", "stage_leak", "process_skipped",
    "stalled_pipeline", "low_activity", "misdirected_activity", "weak_reps", "slow_ramp",
    "headcount_gap", "manager_effect", "small_deals", "excess_discount",
    "period_end_discounting", "discount_limit_bunching", "crm_unreliable", "plan_too_high",
    "plan_misallocated", "plan_ratchet", "payout_cliff", "timing_games",
    "lead_shortage", "lead_quality", "key_account_lost", "customer_churn", "market_decline",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Investigation:
    """What was found, what another cause explains, and which tables a cause would have needed."""

    findings: list[Finding]
    suspects: list[Suspect]
    explained: list[Explained]
    unexamined: dict[str, tuple[str, ...]]  # cause: tables or columns that are missing
    looks_back: bool  # the year before is in the data
    refused: dict[str, str] = field(default_factory=dict)  # cause: why the data do not tell it


def investigate(
    department: Department,
    start: date,
    end: date,
    *,
    confidence: float,
    on_step: Callable[[str], None] | None = None,
) -> Investigation:
    """Look for every cause of the catalogue that has a detector."""
    view = View(department, start, end, confidence)
    suspects: list[Suspect] = []
    unexamined: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    for code in DETECTED:
        if on_step is not None:
            on_step(code.replace("_", " "))
        missing = tuple(one for one in CATALOGUE[code].tables if not department.has(one))
        if missing:
            unexamined[code] = missing
            continue
        detect = import_module(f"salesdiag.diagnosis.detectors.{code}").detect
        view.asked.clear()
        found = detect(view)
        lacked = view.first_lacked()
        if not found and lacked:
            unexamined[code] = lacked
        elif not found and view.first_refused():
            unexamined[code], refused[code] = (), view.first_refused()
        suspects += found
    stakes = view.stakes()
    suspects = [with_usual_harm(one, stakes.revenue) for one in suspects]
    n_examined = len(DETECTED) - len(unexamined)
    kept, explained, q = _settled(suspects, n_examined, view)
    findings = rank(kept, q, confidence, stakes, view.names())
    return Investigation(findings, suspects, explained, unexamined, view.has_past(), refused)


def _settled(
    suspects: list[Suspect], n_examined: int, view: View
) -> tuple[list[Suspect], list[Explained], list[float]]:
    """Give the suspects that stand on their own with their q-values, and what they explain.

    What turns out not to be a finding explains nothing; so those that it would have explained
    are looked at again.
    """
    stakes = view.stakes()
    sure = _sure(suspects, q_values(suspects, n_examined, stakes))
    while True:
        kept, explained = explain(suspects, sure, view.reps_of, stakes)
        q = q_values(kept, n_examined, stakes)
        stay = {_place(one) for one in _sure(kept, q)}
        stay |= {_place(one.suspect) for one in explained if one.wholly}
        left = [one for one in sure if _place(one) in stay]
        if len(left) == len(sure):
            return kept, explained, q
        sure = left


def _place(one: Suspect) -> tuple[str, Scope]:
    """Tell which suspect it is, whatever is left of its harm."""
    return one.cause, one.scope


def _sure(suspects: list[Suspect], q: list[float]) -> list[Suspect]:
    return [one for one, value in zip(suspects, q, strict=True) if value < EXPLAINS and one.costs()]
