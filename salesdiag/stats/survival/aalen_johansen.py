"""Probabilities of rival events on risk sets: the curves, their variances and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.stats.arguments import one_of
from salesdiag.stats.rates.shares import normal_quantile, ratio, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.stats.survival.risk_sets import RiskSets

    Floats = NDArray[np.float64]

Interval = Literal["wilson", "log_log"]
Variance = Literal["delta", "aalen"]


class Steps(NamedTuple):
    """Curves of all groups (rows) at their own times (columns).

    The last three are what each time adds to the variance of the incidence at a later one:
    through later events, by its own events, and by both.
    """

    incidence: Floats
    rival_incidence: Floats
    survival: Floats
    later: Floats
    own: Floats
    both: Floats


def aalen_johansen(sets: RiskSets, *, variance: Variance) -> Steps:
    """Estimate both incidences, what is left, and the terms of the variance of the first."""
    one_of("variance", variance, ("delta", "aalen"))
    at_risk = sets.n_at_risk
    hazard = _hazard(sets.n_event, at_risk)
    leaving = np.minimum(_hazard(sets.n_event + sets.n_rival, at_risk), 1.0)
    survival = np.cumprod(1 - leaving, axis=1)
    before = np.ones_like(survival)
    before[:, 1:] = survival[:, :-1]
    incidence = np.cumsum(before * hazard, axis=1)
    rival = np.cumsum(before * _hazard(sets.n_rival, at_risk), axis=1)
    whole = incidence + rival + survival  # 1 but for rounding
    incidence, rival, survival = incidence / whole, rival / whole, survival / whole
    terms = _variance_terms(before, hazard, leaving, at_risk, variance)
    return Steps(incidence, rival, survival, *terms)


def cases_told(sets: RiskSets) -> Floats:
    """Count at each time who was decided before or is still watched."""
    decided = sets.n_event + sets.n_rival
    return np.cumsum(decided, axis=1) - decided + sets.n_at_risk


def bounds(
    rate: Floats, spread: Floats, n_told: Floats, *, confidence: float, interval: Interval
) -> tuple[Floats, Floats]:
    """Give low and high of incidences with their variances and `cases_told`."""
    one_of("interval", interval, ("wilson", "log_log"))
    z = normal_quantile(confidence)
    inside = (rate > 0) & (rate < 1) & (spread > 0)
    if interval == "log_log":
        log = np.log1p(-np.where(inside, rate, 0.5))
        width = z * np.sqrt(spread) / np.where(inside, (1 - rate) * -log, np.inf)
        low, high = -np.expm1(log * np.exp(-width)), -np.expm1(log * np.exp(width))
        return np.where(inside, low, rate), np.where(inside, high, rate)
    size = ratio(np.where(inside, rate * (1 - rate), 0.0), np.where(inside, spread, 1.0))
    size = np.where(inside, size, n_told)
    return wilson_interval(rate * size, size, confidence=confidence)


def _hazard(n_ended: Floats, at_risk: Floats) -> Floats:
    return np.nan_to_num(ratio(n_ended, at_risk))  # nothing happens where nobody is at risk


def _variance_terms(
    before: Floats, hazard: Floats, leaving: Floats, at_risk: Floats, variance: Variance
) -> tuple[Floats, Floats, Floats]:
    """Give what each time adds: through later events, by its own events, and by both."""
    # nothing is to come where nobody stays, and one alone has no spread
    stays = np.where(leaving < 1 - 1e-12, at_risk * (1 - leaving), np.nan)
    if variance == "delta":
        later, own = ratio(leaving, stays), ratio(hazard * (1 - hazard), at_risk)
        both = np.where(np.isnan(stays), np.nan, ratio(hazard, at_risk))
    else:
        others = np.where(at_risk > 1, at_risk - 1, np.nan)
        later, own = ratio(at_risk * leaving, others * stays), ratio(hazard * (1 - hazard), others)
        both = ratio(at_risk * hazard * (1 - hazard), others * stays)
    later, own, both = (np.nan_to_num(term) for term in (later, own, both))
    return later, before**2 * own, before * both


def variance_at(sets: RiskSets, steps: Steps, until: Floats, rate: Floats) -> Floats:
    """Give the variance of the incidence at times (groups x times) at which it is ``rate``."""
    found = np.zeros_like(rate)
    for place in range(rate.shape[1]):
        to_come = np.clip(rate[:, [place]] - steps.incidence, 0, None)
        terms = (steps.later * to_come - 2 * steps.both) * to_come + steps.own
        passed = sets.time <= until[:, [place]]
        found[:, place] = np.einsum("gt,gt->g", terms, passed)
    return np.clip(found, 0, None)


def running_variance(steps: Steps) -> Floats:
    """Give the variance of the incidence at every time."""
    f, later, own, both = steps.incidence, steps.later, steps.own, steps.both

    def until(values: Floats) -> Floats:
        return np.cumsum(values, axis=1)

    # sum later (F(t) - F(s))^2 + own - 2 both (F(t) - F(s)) over the times s up to each t
    squared = f**2 * until(later) - 2 * f * until(f * later) + until(f**2 * later)
    crossed = f * until(both) - until(f * both)
    found = squared + until(own) - 2 * crossed
    # differences of nearly equal sums: what is left of rounding is no variance
    return np.where(found > 1e-13 * (f**2 * until(later) + until(own)), found, 0.0)
