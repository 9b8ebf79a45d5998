"""Suspects held against each other: which explains which, so that no loss is told twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.diagnosis.price import Stakes, price_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from salesdiag.diagnosis.suspects import Suspect

# what may lie behind a symptom; the cause that is seen itself goes before what it would do
_BEHIND: dict[str, frozenset[str]] = {
    "slow_response": frozenset({"headcount_gap"}),
    "unworked_leads": frozenset({"headcount_gap"}),
    "low_activity": frozenset({
        "headcount_gap", "payout_cliff", "misdirected_activity",
    }),
    "stalled_pipeline": frozenset({
        "misdirected_activity", "low_activity", "headcount_gap", "payout_cliff",
    }),
    "weak_reps": frozenset({
        "low_activity", "stalled_pipeline", "misdirected_activity", "process_skipped",
        "stage_leak", "manager_effect", "lead_misallocation",
    }),
    "plan_too_high": frozenset({"plan_ratchet"}),
    "lead_shortage": frozenset({"market_decline"}),
    "customer_churn": frozenset({"market_decline", "key_account_lost"}),
    "small_deals": frozenset({"key_account_lost"}),
    "lead_quality": frozenset({
        "slow_response", "unworked_leads", "headcount_gap", "lead_misallocation",
        "market_decline", "manager_effect",
    }),
    "manager_effect": frozenset({
        "process_skipped", "stalled_pipeline", "misdirected_activity", "low_activity",
        "headcount_gap", "stage_leak", "payout_cliff",
    }),
    "stage_leak": frozenset({
        "process_skipped", "stalled_pipeline", "misdirected_activity", "low_activity",
        "headcount_gap", "payout_cliff", "market_decline",
    }),
    "excess_discount": frozenset({"period_end_discounting", "discount_limit_bunching"}),
    "timing_games": frozenset({"period_end_discounting"}),
}  # fmt: skip
# links that a deal passes on the way on which a symptom is seen: what is lost there is seen too
_PASSED = {"lead_quality": ("pipeline", "days")}
_OF_REPS = ("team", "territory", "rep")
_PART = 0.4  # of the place or the loss of a symptom, that a narrower cause has to cover
_LEFT = 0.01  # p-value of what must be left of a loss for a part of it to have its own cause
_BEYOND = 2.0  # errors of a year's result that a plan is missed by, to be too high
_CONFIDENCE = 0.9


class Explained(NamedTuple):
    """A suspect that another one explains, wholly or in part; then the rest stands by itself."""

    suspect: Suspect
    by: Suspect
    wholly: bool = True


def explain(
    suspects: Iterable[Suspect],
    sure: Sequence[Suspect],
    reps_of: Callable[[str, tuple[str, ...]], frozenset[str]] = lambda _level, ids: frozenset(ids),
    stakes: Stakes = Stakes(),  # noqa: B008  a tuple, never changed
) -> tuple[list[Suspect], list[Explained]]:
    """Give the suspects that stand on their own, and those that another one explains.

    A suspect explains another if it is itself one of the sure, if it is one of what may lie
    behind the other, and if it is seen where the other is. Where clearly more was lost than what
    lies behind tells, the rest of the loss stands on its own, at a smaller harm. A plan that is
    missed for want of what the sure causes took away is not too high.

    Parameters
    ----------
    suspects, sure : sequences of Suspect
        All, and those beyond chance.
    reps_of : callable
        Gives the reps of a team, territory or several.
    stakes : Stakes, optional
        What the window brought.
    """
    found = sorted(suspects, key=lambda one: (one.p_value, one.cause))
    costs = {id(one): price_of(one, stakes, _CONFIDENCE).revenue for one in [*found, *sure]}
    kept: list[Suspect] = []
    explained: list[Explained] = []
    for one in found:
        behind = [other for other in sure if _lies_behind(other, one, sure, reps_of, costs)]
        left = _left_over(one, behind, sure)
        behind = behind or _instead_of_plan(one, sure, costs, stakes)
        if left is not None:
            kept.append(left)
            explained.append(Explained(left, behind[0], wholly=False))
        elif behind:
            explained.append(Explained(one, behind[0]))
        else:
            kept.append(one)
    return kept, explained


def _left_over(
    symptom: Suspect, behind: Sequence[Suspect], sure: Sequence[Suspect]
) -> Suspect | None:
    """Give what is left of a loss beyond what lies behind it, or None if that may be nothing.

    Of the causes that take from one link, which see the same loss, only the largest counts.
    """
    if not behind or symptom.level != "department" or not symptom.exposed > 0:
        return None
    if any(np.isnan(one.harm) for one in [symptom, *behind]):
        return None
    on_the_way = [one for one in sure if one.claim in _PASSED.get(symptom.cause, ())]
    told: dict[str, tuple[float, float]] = {}
    for one in [*behind, *on_the_way]:
        if one is symptom or np.isnan(one.harm):
            continue
        part = min(one.exposed / symptom.exposed, 1.0)
        told[one.claim] = min(told.get(one.claim, (0.0, 0.0)),
                              (part * one.harm, part * one.harm_error))  # fmt: skip
    harm = symptom.harm - sum(each for each, _error in told.values())
    error = float(np.sqrt(symptom.harm_error**2 + sum(each**2 for _harm, each in told.values())))
    p_value = float(special.ndtr(harm / error))
    if not p_value < _LEFT:
        return None
    return replace(symptom, harm=harm, harm_error=error, p_value=max(p_value, symptom.p_value))


def _lies_behind(
    cause: Suspect,
    symptom: Suspect,
    sure: Sequence[Suspect],
    reps_of: Callable[[str, tuple[str, ...]], frozenset[str]],
    costs: dict[int, float],
) -> bool:
    if cause is symptom or cause.cause not in _BEHIND.get(symptom.cause, frozenset()):
        return False
    # two that may each lie behind the other: the surer one does
    both_ways = symptom.cause in _BEHIND.get(cause.cause, frozenset())
    if both_ways and symptom in sure and symptom.p_value <= cause.p_value:
        return False
    if costs[id(cause)] < _PART * costs[id(symptom)]:
        return False  # it is too small for that
    if cause.level in ("department", "account"):
        # one place beyond the others is not told by what all have, unless that is surer
        return symptom.level == "department" or cause.p_value <= symptom.p_value
    if symptom.level == "department":
        return cause.has_driver
    if cause.level in _OF_REPS and symptom.level in _OF_REPS:
        theirs = reps_of(symptom.level, symptom.ids)
        return len(theirs & reps_of(cause.level, cause.ids)) > _PART * len(theirs)
    return cause.level == symptom.level and bool(set(cause.ids) & set(symptom.ids))


def _instead_of_plan(
    one: Suspect, sure: Sequence[Suspect], costs: dict[int, float], stakes: Stakes
) -> list[Suspect]:
    """Name the sure causes, the costliest first, if without them the plan was to be reached."""
    if one.cause != "plan_too_high":
        return []
    others = [other for other in sure if other is not one and costs[id(other)] > 0]
    others.sort(key=lambda other: -costs[id(other)])
    # several readings of one loss are one loss
    lost = {other.claim: costs[id(other)] for other in reversed(others)}
    # what the department sold before already is what it can sell without the causes
    could = max(one.measured, np.fmin(stakes.revenue, one.measured) + sum(lost.values()))
    still_short = np.log(could / one.expected) < -_BEYOND * one.harm_error
    return [] if still_short else others
