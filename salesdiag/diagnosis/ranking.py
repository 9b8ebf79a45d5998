"""From suspects to findings: how sure after all that was tried, at what price, in what order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.finding import Finding
from salesdiag.diagnosis.price import price_of
from salesdiag.diagnosis.words import sentence
from salesdiag.stats.multiplicity import adjust_p_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from salesdiag.diagnosis.price import Price, Stakes
    from salesdiag.diagnosis.suspects import Suspect

LEVEL = 0.40  # q-value below which a suspect is a finding
EXPLAINS = 0.10  # above it a finding is not sure enough to be the reason of another suspicion
SURE = 0.05  # above it a finding is a hint: after all that was tried it may be nothing
_ANY = 0.9  # level of an interval that is not looked at
_MATERIAL = 0.01  # of the window's revenue: what costs less is nothing to act on
_WEIGHT = {"A": 1.0, "B": 1.0, "C": 0.9, "D": 0.6}  # of the evidence, in the order of findings


def q_values(suspects: Sequence[Suspect], n_examined: int, stakes: Stakes) -> list[float]:
    """Correct for all causes that were looked for, also those of which nothing was seen.

    What costs nothing can be no finding, and makes no other one surer.
    """
    p_values = [one.p_value if _matters(one, stakes) else 1.0 for one in suspects]
    silent = [1.0] * max(n_examined - len(suspects), 0)
    if not p_values:
        return []
    return [float(one) for one in adjust_p_values([*p_values, *silent])[: len(p_values)]]


def rank(
    suspects: Sequence[Suspect],
    q: Sequence[float],
    confidence: float,
    stakes: Stakes,
    names: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Make findings of the sure ones, then hints: by money and evidence, those without money last.

    What is seen for certain but did better than before, or costs next to nothing of the window's
    revenue, is no finding.
    """
    both = zip(suspects, q, strict=True)
    sure = [(one, value) for one, value in both if value < LEVEL and _matters(one, stakes)]
    found = [_finding(one, value, price_of(one, stakes, confidence), names) for one, value in sure]
    return sorted(found, key=_order)


def _matters(one: Suspect, stakes: Stakes) -> bool:
    """Tell whether a suspect likely cost something that is worth acting on, or need not."""
    lost = price_of(one, stakes, _ANY).revenue
    return one.costs() and not lost < _MATERIAL * stakes.revenue


def _order(finding: Finding) -> tuple[bool, float, float, str]:
    lost = finding.lost_revenue  # margins of some and revenue of others do not compare
    worth = 0.0 if np.isnan(lost) else lost * _WEIGHT[finding.grade]
    is_hint = finding.q_value >= SURE  # however much money it would be
    return (is_hint, -worth * (1 - finding.q_value), finding.q_value, finding.cause)


def _finding(
    one: Suspect,
    q_value: float,
    price: Price,
    names: Mapping[str, str] | None,
) -> Finding:
    cause = CATALOGUE[one.cause]
    return Finding(
        cause=one.cause, scope=one.scope, control=cause.control, grade=one.grade,
        measured=one.measured, expected=one.expected, n=one.n, q_value=q_value,
        money=price.money, money_low=price.low if q_value < SURE else min(price.low, 0.0),
        money_high=price.high, money_basis=price.basis,
        lost_revenue=price.revenue,
        reading=sentence(cause.reading, cause, one, names), caveat=cause.caveat,
        next_step=sentence(cause.next_step, cause, one, names), table=one.table,
    )  # fmt: skip
