"""How sure a rank among units can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.stats.arguments import counts_of, share, whole_number
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.shrinkage.units import LARGEST, check_variance, distinct_units, pair_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BLOCK = 2_000_000  # numbers held at a time


class Rankability(NamedTuple):
    """Variance between units, and its part in the variance of a typical unit."""

    tau2: float
    rankability: float


class ExpectedRank(NamedTuple):
    """Ranks counted from the lowest value, each averaged over what the truth may be."""

    rank: NDArray[np.float64]
    percentile: NDArray[np.float64]


class QuarterProbability(NamedTuple):
    """How likely each unit is among the lowest and among the highest."""

    bottom: NDArray[np.float64]
    top: NDArray[np.float64]


def pooled_variance(n_part: ArrayLike, n_whole: ArrayLike) -> NDArray[np.float64]:
    """Give the sampling variance that each unit's share would have if all units were alike.

    The variance for `rankability` and `normal_shrinkage`: a unit's own share gives a
    variance of 0 where none or all of its cases count, and too small a one near there.

    Returns
    -------
    ndarray
        NaN where ``n_whole`` is 0 or missing.

    Examples
    --------
    >>> pooled_variance([5, 15], [20, 20]).tolist()
    [0.0125, 0.0125]
    """
    part, whole = counts_of(n_part, n_whole)
    known = ~(np.isnan(part) | np.isnan(whole))
    pooled = ratio(part[known].sum(), whole[known].sum())
    return ratio(pooled * (1 - pooled), np.where(known, whole, np.nan))


def rankability(value: ArrayLike, variance: ArrayLike) -> Rankability:
    """Tell how much of the differences between units is more than chance.

    The variance between units over itself plus the median sampling variance. Below a half,
    most of a league table is chance and units should not be ranked; above three quarters
    ranks mean something (van Dishoeck 2011). The variance between units is Paule and
    Mandel's, which a review of sixteen estimators recommends for shares as well as means
    (Veroniki 2016): it weighs units by both variances, and so varies by a fifth less than
    DerSimonian and Laird's where units of uneven size differ much (measured; their means are
    the same). It is 0 exactly where the chi-square of homogeneity is below its degrees of
    freedom. With few units of few cases both are too high on average, as 0 is the least.

    Parameters
    ----------
    value : array_like, shape (I,)
        Estimates, one a unit.
    variance : array_like, shape (I,)
        Their sampling variances, above 0; for shares those of `pooled_variance`. Units with
        NaN in either are left out.

    Returns
    -------
    Rankability
        ``tau2``, 0 or more, and ``rankability``, in [0, 1]; NaN with fewer than two units.

    Raises
    ------
    InputError
        If the lists differ in length, a variance is not above 0, or a number is too large or
        too small to be squared (beyond 1e100, a variance below 1e-200).

    References
    ----------
    van Dishoeck, A.-M. et al. (2011). Random variation and rankability of hospitals using
    outcome indicators. BMJ Quality & Safety 20, 869-874.
    Paule, R. C. and Mandel, J. (1982). Consensus values and weighting factors. Journal of
    Research of the National Bureau of Standards 87, 377-385.
    Veroniki, A. A. et al. (2016). Methods to estimate the between-study variance and its
    uncertainty in meta-analysis. Research Synthesis Methods 7, 55-79.

    Examples
    --------
    >>> answer = rankability([0.2, 0.5, 0.8], [0.02, 0.02, 0.02])
    >>> round(answer.tau2, 3), round(answer.rankability, 3)
    (0.07, 0.778)
    """
    estimate, noise = pair_of(("value", "variance"), value, variance, least=-LARGEST)
    check_variance(noise)
    units = distinct_units(estimate, noise)
    estimate, noise = np.repeat(units.rows, units.times.astype(int), axis=0).T
    if len(estimate) < 2:
        return Rankability(np.nan, np.nan)
    estimate = estimate - np.median(estimate)

    def excess(tau2: float) -> float:
        precision = 1 / (noise + tau2)
        mean = precision @ estimate / precision.sum()
        return float(precision @ (estimate - mean) ** 2) - (len(estimate) - 1)

    tau2 = 0.0
    if excess(0.0) > 0:
        from scipy.optimize import brentq

        # no solution lies above the plain variance of the estimates; at twice that the excess
        # is below 0 by more than rounding
        most = 2 * estimate.var(ddof=1)
        tau2 = float(brentq(excess, 0.0, most, xtol=1e-300, rtol=1e-12, maxiter=5_000))
    return Rankability(tau2, tau2 / (tau2 + float(np.median(noise))))


def expected_rank(value: ArrayLike, sd: ArrayLike) -> ExpectedRank:
    """Give the rank that each unit has on average over what its true value may be.

    A rank of point estimates hides that neighbours may well stand the other way round. The
    expected rank adds up, over all other units, the probability that the unit is truly
    above them, given independent normal posteriors; unknown units draw near the middle.

    Parameters
    ----------
    value, sd : array_like, shape (I,)
        Shrunken values and their posterior standard deviations (0 or more). Units with NaN
        are left out.

    Returns
    -------
    ExpectedRank
        ``rank``, from 1 (lowest value) to the number of units; ``percentile``, in (0, 1),
        (rank - 0.5) / number of units; NaN for units left out. Equal units share a rank.

    References
    ----------
    Lingsma, H. F. et al. (2010). Comparing and ranking hospitals based on outcome: results
    from the Netherlands Stroke Survey. QJM 103, 99-108.
    Laird, N. M. and Louis, T. A. (1989). Empirical Bayes ranking methods. Journal of
    Educational Statistics 14, 29-46.

    Examples
    --------
    >>> expected_rank([0.3, 0.5, 0.5], [0.1, 0.1, 0.1]).rank.round(2).tolist()
    [1.16, 2.42, 2.42]
    """
    units = distinct_units(*pair_of(("value", "sd"), value, sd, least=-np.inf))
    rows, times = units.rows, units.times
    middle, spread = rows.T
    rank = np.empty(len(rows))
    step = max(_BLOCK // max(len(rows), 1), 1)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        apart = middle[some, None] - middle
        noise = np.hypot(spread[some, None], spread)
        # both known exactly: certainly above, below, or equal
        certain = np.where(apart == 0, 0.0, np.copysign(np.inf, apart))
        z = np.divide(apart, noise, out=certain, where=noise > 0)
        rank[some] = 0.5 + special.ndtr(z) @ times  # with itself a unit is even: 1 - 1/2
    ranks = units.spread_out(rank)
    return ExpectedRank(ranks, (ranks - 0.5) / max(times.sum(), 1))


def quarter_probability(
    value: ArrayLike,
    sd: ArrayLike,
    *,
    quarter: float = 0.25,
    seed: int = 0,
    n_draws: int = 5_000,
) -> QuarterProbability:
    """Give the probability that each unit truly is among the lowest or highest quarter.

    True values are drawn from independent normal posteriors and ranked in each draw. Where
    a quarter of the units is no whole number, the unit at the border counts for the part
    that fits, and ties share what is left, so the probabilities add up to a quarter of the
    units. The Monte Carlo error is at most 0.5 / sqrt(``n_draws``), 0.7 points by default.

    Parameters
    ----------
    value, sd : array_like, shape (I,)
        Shrunken values and their posterior standard deviations (0 or more). Units with NaN
        are left out.
    quarter : float, default 0.25
        The share of units meant, strictly between 0 and 1.
    seed : int, default 0
        Seed of the draws; the answer does not depend on the order of the units.
    n_draws : int, default 5,000
        Draws.

    Returns
    -------
    QuarterProbability
        ``bottom`` and ``top``, in [0, 1]; NaN for units left out.

    Examples
    --------
    >>> answer = quarter_probability([0.2, 0.4, 0.6, 0.8], [0.1, 0.1, 0.1, 0.1])
    >>> answer.top.round(1).tolist()
    [0.0, 0.0, 0.1, 0.9]
    """
    portion = share("quarter", quarter)
    units = distinct_units(*pair_of(("value", "sd"), value, sd, least=-np.inf))
    rows, times = units.rows, units.times
    n_draws = whole_number("n_draws", n_draws, least=1)
    rng = np.random.default_rng(whole_number("seed", seed))
    unit = np.repeat(np.arange(len(rows)), times.astype(int))
    if not len(unit):
        return QuarterProbability(*np.full((2, len(units.place)), np.nan))
    middle, spread = rows[unit].T
    size = portion * len(unit)
    border = min(int(size), len(unit) - 1)
    total = np.zeros((2, len(unit)))
    step = max(_BLOCK // len(unit), 1)
    for start in range(0, n_draws, step):
        n = min(step, n_draws - start)
        drawn = middle + spread * rng.standard_normal((n, len(unit)))
        ordered = np.partition(drawn, [border, len(unit) - 1 - border], axis=1)
        total[0] += _inside(drawn, ordered[:, [border]], size)
        total[1] += _inside(-drawn, -ordered[:, [len(unit) - 1 - border]], size)
    # units that are alike have one answer
    alike = np.array([np.bincount(unit, weights=one) for one in total]) / (n_draws * times)
    return QuarterProbability(*units.spread_out(alike))


def _inside(
    drawn: NDArray[np.float64], border: NDArray[np.float64], size: float
) -> NDArray[np.float64]:
    """Count, per unit, the draws below a border; those on it share the places left."""
    below, on = drawn < border, drawn == border
    left = (size - below.sum(axis=1)) / on.sum(axis=1)
    return np.asarray(below.sum(axis=0) + left @ on)
