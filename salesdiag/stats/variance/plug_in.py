"""Shrinkage of very many units, among which their common spread is as good as known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.arguments import counts_of, share
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.shrinkage.families import Shrunken
from salesdiag.stats.shrinkage.rankability import pooled_variance, rankability
from salesdiag.stats.shrinkage.units import check_expected, pair_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def plug_in_shares(n_part: ArrayLike, n_whole: ArrayLike, *, confidence: float = 0.95) -> Shrunken:
    """Give the long-run share of each of very many units, taking their spread as known.

    As `beta_binomial_shrinkage`, with Paule and Mandel's spread in place of an average over all
    that are possible: among hundreds of units it is known well enough, and the answer comes a
    hundred times sooner. So that no zero is taken for certain, the variance between units is at
    least one standard error of it when all are alike, the root of 2 / units of the noise of a
    typical unit.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (I,)
        Numerator and denominator, one a unit; NaN is left out.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Shrunken
        As of `beta_binomial_shrinkage`.

    Examples
    --------
    >>> found = plug_in_shares([9, 90, 50, 60, 55], [10, 100, 100, 100, 100])
    >>> found.value.round(2).tolist()
    [0.8, 0.88, 0.51, 0.6, 0.56]
    """
    from scipy import special

    tail = (1 - share("confidence", confidence)) / 2
    part, whole = counts_of(*pair_of(("n_part", "n_whole"), n_part, n_whole))
    known = ~np.isnan(part) & (whole > 0)
    mean = float(ratio(np.sum(np.sort(part[known])), np.sum(np.sort(whole[known]))))
    if known.sum() < 2 or not 0 < mean < 1:
        return _unknown(len(part))
    noise = pooled_variance(part, whole)
    spread = _spread(ratio(part, whole), noise, known)
    size = max(mean * (1 - mean) / spread - 1, 1e-3)
    a, b = size * mean + part, size * (1 - mean) + whole - part
    value = a / (a + b)
    return Shrunken(
        value, special.betaincinv(a, b, tail), special.betaincinv(a, b, 1 - tail),
        np.sqrt(value * (1 - value) / (a + b + 1)), whole / (whole + size), mean,
        float(np.sqrt(spread)),
    )  # fmt: skip


def plug_in_ratios(
    n_event: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95
) -> Shrunken:
    """Give the long-run ratio of observed to expected of each of very many units.

    As `plug_in_shares`, for `gamma_poisson_shrinkage`.

    Examples
    --------
    >>> found = plug_in_ratios([4, 40, 18, 25, 12], [2, 20, 20, 20, 20])
    >>> found.value.round(2).tolist()
    [1.45, 1.85, 0.96, 1.24, 0.71]
    """
    from scipy import special

    tail = (1 - share("confidence", confidence)) / 2
    event, due = pair_of(("n_event", "expected"), n_event, expected)
    check_expected(event, due)
    known = ~np.isnan(event) & (due > 0)
    mean = float(ratio(np.sum(np.sort(event[known])), np.sum(np.sort(due[known]))))
    if known.sum() < 2 or not mean > 0:
        return _unknown(len(event))
    spread = _spread(ratio(event, due), ratio(mean, np.where(known, due, np.nan)), known)
    size = mean / spread
    shape, rate = size * mean + event, size + due
    return Shrunken(
        shape / rate, special.gammaincinv(shape, tail) / rate,
        special.gammaincinv(shape, 1 - tail) / rate, np.sqrt(shape) / rate, due / rate, mean,
        float(np.sqrt(spread)),
    )  # fmt: skip


def _spread(value: Floats, noise: Floats, known: NDArray[np.bool_]) -> float:
    found = rankability(value[known], noise[known]).tau2
    return max(found, float(np.median(noise[known]) * np.sqrt(2 / known.sum())))


def _unknown(length: int) -> Shrunken:
    blank = np.full(length, np.nan)
    return Shrunken(blank, blank, blank, blank, blank, np.nan, np.nan)
