"""The rules by which the age of a stalled deal is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.pipeline.chances import Threshold, win_chance_age
from salesdiag.analyses.pipeline.quantiles import ended_quantile, ended_weights
from salesdiag.errors import InputError
from salesdiag.stats.arguments import whole_number
from salesdiag.stats.rates import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.analyses.pipeline.chances import Ends, Shares

    Floats = NDArray[np.float64]

RULES = ("win chance", "winners' time", "beyond average")
_FEWEST_WON = 20


class Limit(NamedTuple):
    """Which rule, and its numbers."""

    rule: str
    chance_share: float
    winner_share: float
    beyond_days: int
    confidence: float

    def check(self) -> None:
        """Refuse numbers that mean nothing."""
        whole_number("beyond_days", self.beyond_days)
        is_number = isinstance(self.winner_share, int | float)
        if not is_number or isinstance(self.winner_share, bool) or not 0 < self.winner_share <= 1:
            message = f"winner_share must be above 0 and up to 1; got {self.winner_share!r}."
            raise InputError(message)


def limit_of(days: Floats, counts: Floats, shares: Shares, ends: Ends, limit: Limit) -> Threshold:
    """Find the age by the rule, from counts (won, lost, left, still) by days."""
    if limit.rule == "win chance":
        return win_chance_age(
            days, counts, shares, share=limit.chance_share, confidence=limit.confidence
        )
    if ends.won.sum() < _FEWEST_WON:
        return Threshold(np.nan, np.nan, np.nan, "too few wins")
    if limit.rule == "winners' time":
        return _winners_time(ends, limit)
    over = counts[:3].sum(axis=0)
    n = over.sum()
    mean = float((over * days).sum() / n)
    spread = float(np.sqrt((over * (days - mean) ** 2).sum() / max(n - 1, 1) / n))
    half = float(normal_quantile(limit.confidence)) * spread
    found = mean + limit.beyond_days
    return Threshold(found, max(found - half, 0.0), found + half, "learnt")


def _winners_time(ends: Ends, limit: Limit) -> Threshold:
    ages = np.arange(len(ends.won), dtype=float)
    place = np.zeros(len(ages), dtype=np.intp)
    rivals = ends.lost + ends.untold
    weights = ended_weights(ages, ends.won, rivals, ends.still, place)
    found = ended_quantile(ages, ends.won, weights, place, 1, probability=limit.winner_share,
                           confidence=limit.confidence)  # fmt: skip
    days, low, high = (float(one[0]) for one in found)
    return Threshold(days, low, high, "learnt")
