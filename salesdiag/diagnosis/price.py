"""What a suspect cost the window: in revenue, and in margin where costs are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect

_CERTAIN = 1e-12
_UNLIKE = 0.2  # of a loss: how far what was lost may differ from what it is told by
_USUAL_HARM = 0.15  # what a fault does to the money that goes through it, as a logarithm


class Stakes(NamedTuple):
    """What the window brought, and what is kept of it."""

    revenue: float = np.nan
    per_win: float = 0.0  # what a deal of a typical euro brings: large ones weigh more
    margin: float = np.nan  # share of the revenue; NaN where costs are not known


class Price(NamedTuple):
    """What was lost, with its interval; NaN where the cause need not cost any."""

    money: float
    low: float
    high: float
    basis: Literal["margin", "revenue"]
    revenue: float  # the same in revenue


def price_of(suspect: Suspect, stakes: Stakes, confidence: float) -> Price:
    """Give what a suspect cost, and its interval.

    Of many suspects those are looked at that seem largest; so the harm is drawn towards nothing
    by how uncertain it is beside what single causes cost as a rule, which is a part of the
    window's revenue: a narrow place may have lost more of its own. That of a fault which all of
    the department shows for certain is drawn to what such faults cost before. What is lost are
    deals, few or many, so that chance in these counts too.

    Where costs are known it is margin: deals that were not won would have had their costs, a
    price that was not kept would have had none. What is planned is revenue.
    """
    if np.isnan(suspect.harm) or np.isnan(suspect.exposed):
        return Price(np.nan, np.nan, np.nan, "revenue", np.nan)
    from scipy import special

    usual = _USUAL_HARM * np.fmax(stakes.revenue / max(suspect.exposed, _CERTAIN), 1.0)
    # what is certain is drawn to the usual harm already
    kept = 1.0 if suspect.is_certain() else float(usual**2 / (usual**2 + suspect.harm_error**2))
    is_margin = suspect.claim != "plan" and bool(0 < stakes.margin < 1)
    margin = stakes.margin if is_margin else 1.0
    normal = float(special.ndtri(0.5 + confidence / 2))
    error = np.hypot(np.sqrt(kept) * suspect.harm_error, _UNLIKE * kept * suspect.harm)
    reach = normal * float(error)
    middle, cut = kept * suspect.harm, kept * suspect.price_harm
    cost, low, high = (_lost(suspect.exposed, harm, cut, margin)
                       for harm in (middle, middle + reach, middle - reach))  # fmt: skip
    revenue = suspect.exposed * float(np.expm1(-middle))
    by_chance = normal * margin * float(np.sqrt(max(revenue, 0.0) * stakes.per_win))
    return Price(
        cost,
        cost - float(np.hypot(cost - low, by_chance)),
        cost + float(np.hypot(high - cost, by_chance)),
        "margin" if is_margin else "revenue",
        revenue,
    )


def _lost(exposed: float, harm: float, cut: float, margin: float) -> float:
    """Give the margin that the money exposed would have brought more without the harm.

    ``cut`` is the part of the harm that is price; with the rest deals went, and their costs.
    """
    costs = exposed * (1 - margin)
    return float(exposed * np.expm1(-harm) - costs * np.expm1(-(harm - cut)))
