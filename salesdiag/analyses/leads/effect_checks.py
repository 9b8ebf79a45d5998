"""What tests whether slow answers lose leads, or hot leads are merely called first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.leads.effect_cells import (
    AFTER,
    ALIKE,
    BEFORE,
    FALSE_AFTER,
    FALSE_BEFORE,
)
from salesdiag.stats.rates import normal_quantile, ratio
from salesdiag.stats.rates.student import t_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_LEVEL = 0.95  # of the verdicts, whatever the intervals that are shown
_LEAST_CLUSTERS = 8
_LEAST_LEADS = 20  # on either side of closing time


class Slope(NamedTuple):
    """What the outcome loses with the logarithm of the wait among leads that are alike."""

    value: float
    error: float
    degrees: float


class Jump(NamedTuple):
    """What changes where the clock, not the rep, makes leads wait."""

    value: float
    error: float
    wait: float  # by how much the logarithm of the wait rises
    n_before: int
    n_after: int

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the normal interval of the jump."""
        reach = normal_quantile(confidence) * self.error
        return max(self.value - reach, -1.0), min(self.value + reach, 1.0)


def within_slope(cells: pd.DataFrame, outcome: str) -> Slope:
    """Fit the outcome on the logarithm of the wait, each kind of alike leads with its own level.

    The standard error takes reps as independent, from 8 of them on, else kinds of leads.
    """
    names = ["n", f"n_{outcome}", "wait", "wait_squares", f"wait_{outcome}"]
    sums = cells.groupby(ALIKE, sort=True)[names].sum().reset_index()
    n, y, x, xx, xy = (sums[name].to_numpy(float) for name in names)
    spread, both = np.maximum(xx - x**2 / n, 0.0), xy - x * y / n
    if not spread.sum() > 1e-9 * max(xx.sum(), 1.0):
        return Slope(np.nan, np.nan, np.nan)
    slope = both.sum() / spread.sum()
    rep = sums["rep"].to_numpy()
    cluster = rep if len(np.unique(rep)) >= _LEAST_CLUSTERS else np.arange(len(sums))
    _names, codes = np.unique(cluster, return_inverse=True)
    scores = np.bincount(codes, both - slope * spread)
    n_clusters = len(scores)
    if n_clusters < 2 or not (scores**2).sum() > 0:
        return Slope(float(slope), np.nan, np.nan)
    variance = (scores**2).sum() / spread.sum() ** 2 * n_clusters / (n_clusters - 1)
    return Slope(float(slope), float(np.sqrt(variance)), n_clusters - 1.0)


def jump_at(cells: pd.DataFrame, outcome: str, *, false: bool = False) -> Jump:
    """Compare leads that came just after closing with those just before, source by source.

    ``false`` takes a time hours before closing at which nothing happens: the placebo.
    """
    slots = (FALSE_BEFORE, FALSE_AFTER) if false else (BEFORE, AFTER)
    names = ["n", f"n_{outcome}", "wait"]
    sides = []
    for slot in slots:
        own = cells[cells["slot"] == slot].groupby("kind_source")[names].sum()
        sides.append(own)
    sources = sides[0].index.union(sides[1].index)
    (n, y, x), (m, v, w) = (side.reindex(sources).fillna(0.0).to_numpy(float).T for side in sides)
    n_before, n_after = int(n.sum()), int(m.sum())
    weight = np.nan_to_num(ratio(n * m, n + m))
    if min(n_before, n_after) < _LEAST_LEADS or not weight.sum() > 0:
        return Jump(np.nan, np.nan, np.nan, n_before, n_after)
    share = weight / weight.sum()
    pooled = (y + v + 0.5) / (n + m + 1)
    noise = pooled * (1 - pooled) * (np.nan_to_num(ratio(1.0, n)) + np.nan_to_num(ratio(1.0, m)))
    value = share @ np.nan_to_num(ratio(v, m) - ratio(y, n))
    wait = share @ np.nan_to_num(ratio(w, m) - ratio(x, n))
    return Jump(float(value), float(np.sqrt(share**2 @ noise)), float(wait), n_before, n_after)


def verdict_of(slope: Slope, jump: Jump, placebo: Jump) -> str:
    """Say whether the clock bears out what the comparison of leads claims.

    "confirmed": leads that had to wait for the morning do worse, as much worse as claimed, and
    at the false closing time nothing happens. "contradicted": they do not do as much worse, or
    something happens at the false time too. "untold": the data cannot tell one from the other.
    """
    if np.isnan(slope.value) or np.isnan(slope.error) or np.isnan(jump.value):
        return "untold"
    claimed = slope.value * jump.wait
    z = normal_quantile(_LEVEL)
    _low, high = jump.interval(_LEVEL)
    apart = z * np.hypot(jump.error, jump.wait * slope.error)
    claims = slope.value + z * slope.error < 0 and jump.wait > 0
    if claims and jump.value - claimed > apart:
        return "contradicted"
    if not (claims and high < 0 and claimed - jump.value <= apart):
        return "untold"
    if np.isnan(placebo.value):
        return "untold"
    false_low, false_high = placebo.interval(_LEVEL)
    if not false_low <= 0 <= false_high:
        return "contradicted"
    # a placebo that could not have seen a jump of this size has not been passed
    return "confirmed" if (false_high - false_low) / 2 <= abs(jump.value) + z * jump.error else (
        "untold"
    )  # fmt: skip


def per_doubling(slope: Slope, confidence: float) -> tuple[float, float, float]:
    """Give what a doubling of the wait does, with its interval."""
    value = slope.value * np.log(2)
    if np.isnan(slope.error):
        return np.nan, np.nan, np.nan
    low, high = t_interval(value, slope.error * np.log(2), slope.degrees, confidence)
    return float(value), float(low), float(high)


def by_strata(cells: pd.DataFrame, outcome: str, base: int, n_bands: int) -> NDArray[np.float64]:
    """Give the differences from the reference by post-stratification on source and slot."""
    stratum = cells.groupby(["kind_source", "slot"], sort=True).ngroup().to_numpy()
    n, part = np.zeros((2, stratum.max() + 1, n_bands))
    np.add.at(n, (stratum, cells["band"].to_numpy()), cells["n"])
    np.add.at(part, (stratum, cells["band"].to_numpy()), cells[f"n_{outcome}"])
    rates = ratio(part, n)
    gap = rates - rates[:, [base]]
    weight = np.where(np.isnan(gap), 0.0, n.sum(axis=1, keepdims=True))
    return ratio(np.sum(weight * np.nan_to_num(gap), axis=0), weight.sum(axis=0))
