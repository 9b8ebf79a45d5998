"""Suspects held against each other: which explains which, so that no loss is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from salesdiag.diagnosis.suspects import Suspect

# what may lie behind a symptom; the cause that is seen itself goes before what it would do
_BEHIND: dict[str, frozenset[str]] = {
    "slow_response": frozenset({"headcount_gap"}),
    "unworked_leads": frozenset({"headcount_gap"}),
    "low_activity": frozenset({"headcount_gap", "payout_cliff", "misdirected_activity"}),
    "stalled_pipeline": frozenset({"misdirected_activity", "headcount_gap"}),
    "lead_shortage": frozenset({"market_decline"}),
    "customer_churn": frozenset({"market_decline", "key_account_lost"}),
    "small_deals": frozenset({"key_account_lost"}),
    "lead_quality": frozenset({
        "slow_response", "unworked_leads", "headcount_gap", "lead_misallocation",
        "market_decline", "manager_effect",
    }),
    "manager_effect": frozenset({
        "process_skipped", "stalled_pipeline", "misdirected_activity", "low_activity",
        "headcount_gap", "stage_leak",
    }),
    "stage_leak": frozenset({
        "process_skipped", "stalled_pipeline", "misdirected_activity", "low_activity",
        "headcount_gap", "payout_cliff", "market_decline",
    }),
    "excess_discount": frozenset({"period_end_discounting", "discount_limit_bunching"}),
    "timing_games": frozenset({"period_end_discounting"}),
}  # fmt: skip
_OF_REPS = ("team", "territory", "rep")


class Explained(NamedTuple):
    """A suspect that another one explains."""

    suspect: Suspect
    by: Suspect


def explain(
    suspects: Iterable[Suspect], level_of_significance: float
) -> tuple[list[Suspect], list[Explained]]:
    """Give the suspects that stand on their own, and those that another one explains.

    A suspect explains another if it is one of what may lie behind it, if it is seen at the
    same place or at the whole department, and if it is itself beyond chance.
    """
    found = sorted(suspects, key=lambda one: (one.p_value, one.cause))
    sure = [one for one in found if one.p_value < level_of_significance and one.costs()]
    kept: list[Suspect] = []
    explained: list[Explained] = []
    for one in found:
        behind = [other for other in sure if _lies_behind(other, one, sure)]
        if behind:
            explained.append(Explained(one, behind[0]))
        else:
            kept.append(one)
    return kept, explained


def _lies_behind(cause: Suspect, symptom: Suspect, sure: Sequence[Suspect]) -> bool:
    if cause is symptom or cause.cause not in _BEHIND.get(symptom.cause, frozenset()):
        return False
    # two that may each lie behind the other: the surer one does
    both_ways = symptom.cause in _BEHIND.get(cause.cause, frozenset())
    if both_ways and symptom in sure and symptom.p_value <= cause.p_value:
        return False
    return _covers(cause, symptom)


def _covers(cause: Suspect, symptom: Suspect) -> bool:
    """Tell whether a cause sits where its symptom is seen."""
    if cause.level in ("department", "account") or symptom.level == "department":
        return cause.level in ("department", "account") or cause.has_driver
    if cause.level == symptom.level:
        return bool(set(cause.ids) & set(symptom.ids))
    # a team and its reps, or its territory, are told of the same people
    return cause.level in _OF_REPS and symptom.level in _OF_REPS
