"""Units pulled towards their common mean by as much as chance explains of their differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import counts_of, share
from salesdiag.stats.shrinkage.mixtures import beta, gamma, mixture_quantile, normal
from salesdiag.stats.shrinkage.nodes import (
    Nodes,
    beta_binomial_nodes,
    gamma_poisson_nodes,
    normal_nodes,
)
from salesdiag.stats.shrinkage.units import (
    LARGEST,
    Distinct,
    check_expected,
    check_variance,
    distinct_units,
    pair_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Distribution = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]


class Shrunken(NamedTuple):
    """Each unit after shrinkage, and the spread of the units that it was judged by."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    sd: NDArray[np.float64]
    weight: NDArray[np.float64]
    prior_mean: float
    prior_sd: float


def beta_binomial_shrinkage(
    n_part: ArrayLike, n_whole: ArrayLike, *, confidence: float = 0.95
) -> Shrunken:
    """Give the share that each unit would show in the long run.

    A unit with few cases stands at an end of every league table by chance alone. Its share
    is therefore pulled towards the mean of all units, the more so the fewer cases it has
    and the less the units differ beyond chance. The units' true shares follow a beta
    distribution whose mean and spread are not known; the answer is averaged over all values
    that the data leave possible (hierarchical Bayes, by summation, no draws), so the
    intervals do not pretend that the estimated spread is the true one, and it works where
    that estimate would be zero.

    What is assumed before looking: Jeffreys' prior for the mean, and for the spread that
    the root of the share of noise in the variance of a typical unit (median size) is
    anything from 0 to 1 with equal probability. With fewer than four events (and four
    misses) a unit the typical unit is taken to hold four: otherwise tiny units would make
    any spread look likely.

    Measured coverage of the 95 % intervals, averaged over units drawn from a beta
    distribution (6, 12, 30 units; 5, 20, 100 events each; standard deviation of the log odds
    0 to 1): 94 to 100 %, with these exceptions: 91 % with 6 units of 5 events whose log odds
    differ by 1, and 93 to 94 % where the units differ about as much as chance makes them.
    90 % intervals then cover 86 to 88 %.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (I,)
        Numerator and denominator, one a unit, all units of one group. They need not be
        whole numbers.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    Shrunken
        ``value``, ``low``, ``high`` in [0, 1] and ``sd``, one a unit; ``weight`` in [0, 1],
        the part that a unit's own share has in its value; ``prior_mean`` and ``prior_sd``,
        mean of the units' true shares and standard deviation between them (posterior mean
        and median). A unit of size 0 gets the prior mean and a wide interval. A unit with
        NaN is left out and gives NaN; all is NaN where no unit has a case.

    Raises
    ------
    InputError
        If the arguments are empty or not lists of one length, a count is negative or a part
        exceeds its whole.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications.
    Journal of the American Statistical Association 78, 47-55.
    Daniels, M. J. (1999). A prior for the variance in hierarchical models. Canadian Journal
    of Statistics 27, 567-578.

    Examples
    --------
    Nine of ten is pulled in further than 90 of 100.

    >>> shrunken = beta_binomial_shrinkage([9, 90, 50, 60, 55], [10, 100, 100, 100, 100])
    >>> shrunken.value.round(2).tolist()
    [0.8, 0.88, 0.51, 0.61, 0.56]
    """
    level = share("confidence", confidence)
    part, whole = counts_of(*pair_of(("n_part", "n_whole"), n_part, n_whole))
    units = distinct_units(part, whole)
    rows, times = units.rows, units.times
    seen = rows[:, 1] > 0
    if not seen.any():
        return _nothing(len(part))
    nodes = beta_binomial_nodes(rows[seen, 0], rows[seen, 1], times[seen])
    size, mean = nodes.size, nodes.mean
    total = rows[:, 1:] + size
    centre = (rows[:, :1] + size * mean) / total
    moved = (size / total) ** 2 * nodes.mean_variance  # by not knowing the mean
    variance = (centre * (1 - centre) - moved) / (total + 1) + moved
    scale = centre * (1 - centre) / variance - 1
    alike = (mean * (1 - mean) - nodes.mean_variance) / (size + 1)
    return _summary(
        nodes, centre, variance, rows[:, 1:] / total, np.sqrt(alike), units,
        beta, (centre * scale, (1 - centre) * scale), (0.0, 1.0), level,
    )  # fmt: skip


def gamma_poisson_shrinkage(
    n_event: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95
) -> Shrunken:
    """Give the ratio of observed to expected that each unit would show in the long run.

    As `beta_binomial_shrinkage`, for counts without a ceiling: the units' true ratios follow
    a gamma distribution. ``expected`` is what case mix predicts, or plain exposure such as
    days; the ratio is then a rate per unit of exposure.

    What is assumed before looking: the root of the mean ratio is half-Cauchy with its middle
    at the root of ten times the pooled ratio, hence nearly flat; the spread as for shares,
    but ratios whose standard deviation is over three times their mean are ruled out.

    Measured coverage, as for shares: of the 95 % intervals 93 to 100 %, 92 % with 6 units of
    5 events whose ratios have a coefficient of variation of 1, and 92 to 94 % where the units
    differ about as much as chance makes them; 90 % intervals then cover 86 to 88 %.

    Parameters
    ----------
    n_event : array_like, shape (I,)
        Events seen, one number a unit, all units of one group.
    expected : array_like, shape (I,)
        Events expected, or exposure.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    Shrunken
        ``value``, ``low``, ``high`` of 0 or more and ``sd``, one a unit; ``weight`` in
        [0, 1], the part that a unit's own ratio has in its value; ``prior_mean`` and
        ``prior_sd``, mean of the units' true ratios and standard deviation between them. A
        unit with nothing expected gets the prior mean and a wide interval. A unit with NaN
        is left out and gives NaN; all is NaN where nothing was expected of any unit.

    Raises
    ------
    InputError
        If the arguments are empty or not lists of one length, a number is negative, or
        events were seen where ``expected`` is 0.

    References
    ----------
    Christiansen, C. L. and Morris, C. N. (1997). Hierarchical Poisson regression modeling.
    Journal of the American Statistical Association 92, 618-632.

    Examples
    --------
    >>> shrunken = gamma_poisson_shrinkage([4, 40, 18, 25, 12], [2, 20, 20, 20, 20])
    >>> shrunken.value.round(2).tolist()
    [1.51, 1.82, 0.98, 1.25, 0.75]
    """
    level = share("confidence", confidence)
    event, exposure = pair_of(("n_event", "expected"), n_event, expected)
    check_expected(event, exposure)
    units = distinct_units(event, exposure)
    rows, times = units.rows, units.times
    seen = rows[:, 1] > 0
    if not seen.any():
        return _nothing(len(event))
    nodes = gamma_poisson_nodes(rows[seen, 0], rows[seen, 1], times[seen])
    size, mean = nodes.size, nodes.mean
    total = rows[:, 1:] + size
    centre = (rows[:, :1] + size * mean) / total
    variance = centre / total + (size / total) ** 2 * nodes.mean_variance
    return _summary(
        nodes, centre, variance, rows[:, 1:] / total, np.sqrt(mean / size), units,
        gamma, (centre**2 / variance, centre / variance), (0.0, np.inf),
        level,
    )  # fmt: skip


def normal_shrinkage(
    value: ArrayLike, variance: ArrayLike, *, confidence: float = 0.95
) -> Shrunken:
    """Give the mean that each unit would show in the long run, from estimates with variances.

    As `beta_binomial_shrinkage`, for estimates that are close to normal given the truth,
    such as a mean, a logarithm of a rate or a regression coefficient. The variances count as
    known.

    What is assumed before looking: nothing about the mean; the spread as for shares (median
    variance as the noise of a typical unit), without the rule on tiny units. Measured
    coverage of the 95 % intervals, averaged over normal units: 93 to 100 %, of the 90 % ones
    87 to 100 %, lowest where the units differ about as much as chance makes them.

    Parameters
    ----------
    value : array_like, shape (I,)
        Estimates, one a unit, all units of one group.
    variance : array_like, shape (I,)
        Their sampling variances (squared standard errors), above 0.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    Shrunken
        ``value``, ``low``, ``high``, ``sd``, one a unit; ``weight`` in [0, 1], the part that
        a unit's own estimate has in its value; ``prior_mean`` and ``prior_sd``, mean of the
        units and standard deviation between them. A unit with NaN is left out and gives NaN.

    Raises
    ------
    InputError
        If the arguments are empty or not lists of one length, a value is beyond 1e100, or a
        variance is below 1e-200.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications.
    Journal of the American Statistical Association 78, 47-55.

    Examples
    --------
    >>> estimates, errors = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    >>> shrunken = normal_shrinkage(estimates, [error**2 for error in errors])
    >>> shrunken.value.round(1).tolist()
    [11.9, 7.9, 5.9, 7.6, 4.7, 5.9, 11.2, 8.6]
    """
    level = share("confidence", confidence)
    estimate, noise = pair_of(("value", "variance"), value, variance, least=-LARGEST)
    check_variance(noise)
    units = distinct_units(estimate, noise)
    rows, times = units.rows, units.times
    if not len(rows):
        return _nothing(len(estimate))
    nodes = normal_nodes(rows[:, 0], rows[:, 1], times)
    own = nodes.size / (nodes.size + rows[:, 1:])
    centre = own * rows[:, :1] + (1 - own) * nodes.mean
    spread = own * rows[:, 1:] + (1 - own) ** 2 * nodes.mean_variance
    return _summary(
        nodes, centre, spread, own, np.sqrt(nodes.size), units,
        normal, (centre, np.sqrt(spread)), (-np.inf, np.inf), level,
    )  # fmt: skip


def _nothing(length: int) -> Shrunken:
    blank = np.full(length, np.nan)
    return Shrunken(blank, blank, blank, blank, blank, np.nan, np.nan)


def _summary(
    nodes: Nodes,
    centre: NDArray[np.float64],
    variance: NDArray[np.float64],
    own: NDArray[np.float64],
    spread: NDArray[np.float64],
    units: Distinct,
    distribution: Distribution,
    parameters: tuple[NDArray[np.float64], ...],
    support: tuple[float, float],
    confidence: float,
) -> Shrunken:
    """Average over the nodes and bring the distinct units back to the caller's order."""
    value = centre @ nodes.weight
    sd = np.sqrt(variance @ nodes.weight + (centre - value[:, None]) ** 2 @ nodes.weight)
    low, high = (
        mixture_quantile(
            probability, nodes.weight, distribution, parameters, mean=value, sd=sd, support=support
        )
        for probability in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    order = np.argsort(spread)
    middle = np.interp(0.5, np.cumsum(nodes.weight[order]) - nodes.weight[order] / 2, spread[order])
    weight = own @ nodes.weight
    value, low, high, sd, weight = map(units.spread_out, (value, low, high, sd, weight))
    prior_mean = float(nodes.weight @ nodes.mean)
    return Shrunken(value, low, high, sd, weight, prior_mean, float(middle))
