"""How far a unit may stand from the common rate before chance no longer explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.stats.arguments import numbers, one_number, one_of, share
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from salesdiag.stats.shrinkage.overdispersion import Overdispersion


class Limits(NamedTuple):
    """Limits between which a unit stands by chance with the given probability."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def funnel_limits(
    n_whole: ArrayLike,
    rate: float,
    *,
    confidence: float = 0.95,
    overdispersion: Overdispersion | None = None,
) -> Limits:
    """Give the limits of a funnel plot of shares around a common rate.

    A unit outside its limits differs from ``rate`` by more than chance; that the small ones
    stand far out is no news. The limits are the quantiles of the binomial distribution,
    interpolated between whole numbers after Spiegelhalter, so they close in smoothly as
    the size grows [1]_. For that reason a tail does not hold exactly what it should: below
    the low limit lies at most the nominal share, above the high one at least it. Of 2.5 %,
    1.9 and 3.1 % are typical for up to 50 expected events, 0 and 10 % the worst for one.

    Where units differ beyond chance for reasons that nobody recorded, limits for chance
    alone accuse too many. ``overdispersion`` widens the distance of both limits
    from the rate, by the root of phi or of 1 + tau2 / sampling variance.

    Parameters
    ----------
    n_whole : array_like
        Sizes, 0 or more; they need not be whole numbers.
    rate : float
        The common rate, in [0, 1].
    confidence : float, default 0.95
        Probability between the limits, strictly between 0 and 1. Of 40 units without any
        difference two lie outside at 0.95; 0.998 is the usual second line.
    overdispersion : Overdispersion, optional
        From `overdispersion`; none widens nothing.

    Returns
    -------
    Limits
        ``low`` and ``high`` in [0, 1], of the shape of ``n_whole``, never on one side of the
        rate; NaN where ``n_whole`` is 0 or missing.

    Raises
    ------
    InputError
        If a size is negative, or ``rate`` or ``confidence`` is out of range.

    References
    ----------
    .. [1] Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance.
       Statistics in Medicine 24, 1185-1202, appendix A.1.1.

    Examples
    --------
    >>> low, high = funnel_limits([10, 100, 1000], 0.3)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.207, 0.271], [0.561, 0.387, 0.328])
    """
    size = numbers("n_whole", n_whole, least=0, missing=True)
    common = one_number("rate", rate, least=0, most=1)
    level = share("confidence", confidence)

    def below(count: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = (count >= 0) & (count < size)
        inner = np.where(inside, count, 0.0)
        found = special.betaincc(inner + 1, np.where(inside, size - inner, 1.0), common)
        return np.where(inside, found, (count >= size).astype(float))

    top = np.where(size > 0, np.ceil(size), 1.0)
    variance = ratio(common * (1 - common), size)
    return _limits(below, top, size, common, variance, level, overdispersion, most=1.0)


def ratio_funnel_limits(
    expected: ArrayLike,
    *,
    target: float = 1.0,
    confidence: float = 0.95,
    overdispersion: Overdispersion | None = None,
) -> Limits:
    """Give the limits of a funnel plot of observed over expected around a target ratio.

    As `funnel_limits`, from the Poisson distribution of the observed events.

    Parameters
    ----------
    expected : array_like
        Events expected (or exposure), 0 or more.
    target : float, default 1
        The common ratio (or rate per unit of exposure), 0 or more.
    confidence : float, default 0.95
        Probability between the limits, strictly between 0 and 1.
    overdispersion : Overdispersion, optional
        From `ratio_overdispersion`; none widens nothing.

    Returns
    -------
    Limits
        ``low`` and ``high``, 0 or more, of the shape of ``expected``; NaN where it is 0 or
        missing.

    Raises
    ------
    InputError
        If a number is negative or ``confidence`` is out of range.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance.
    Statistics in Medicine 24, 1185-1202, appendix A.

    Examples
    --------
    >>> low, high = ratio_funnel_limits([4, 40, 400])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.023, 0.689, 0.902], [1.969, 1.309, 1.098])
    """
    size = numbers("expected", expected, least=0, missing=True)
    common = one_number("target", target, least=0)
    level = share("confidence", confidence)
    mean = np.where(size > 0, size, 1.0) * common

    def below(count: NDArray[np.float64]) -> NDArray[np.float64]:
        found = special.gammaincc(np.maximum(count, 0.0) + 1, mean)
        return np.where(count >= 0, found, 0.0)

    # no quantile lies further up, by Cantelli's inequality
    top = np.ceil(mean + np.sqrt(mean * (1 + level) / (1 - level))) + 1
    variance = ratio(common, size)
    return _limits(below, top, size, common, variance, level, overdispersion, most=np.inf)


def _limits(
    below: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    top: NDArray[np.float64],
    size: NDArray[np.float64],
    common: float,
    variance: NDArray[np.float64],
    level: float,
    wider: Overdispersion | None,
    *,
    most: float,
) -> Limits:
    """Turn a distribution function of counts into limits, widened and kept in range."""
    factor = np.ones(size.shape)
    if wider is not None:
        one_of("overdispersion.kind", wider.kind, ("additive", "multiplicative"))
        numbers("overdispersion.phi", wider.phi, least=1)
        numbers("overdispersion.tau2", wider.tau2, least=0)
        if wider.kind == "multiplicative":
            factor *= np.sqrt(wider.phi)
        else:
            known = variance > 0
            added = np.divide(wider.tau2, variance, out=np.zeros(size.shape), where=known)
            factor = np.sqrt(1 + added)
    # units of a fraction of an event: both quantiles may lie on one side of the common rate
    low, high = (
        ratio(_interpolated_quantile(below, tail, top), size)
        for tail in ((1 - level) / 2, (1 + level) / 2)
    )
    possible = variance > 0  # else there is but one outcome; times 0 keeps NaN
    down = np.where(possible, np.minimum(low - common, 0), low * 0) * factor
    up = np.where(possible, np.maximum(high - common, 0), high * 0) * factor
    return Limits(np.maximum(common + down, 0), np.minimum(common + up, most))


def _interpolated_quantile(
    below: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    tail: float,
    top: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find the least count whose distribution function exceeds a tail, and step back in part."""
    low, high = np.full(top.shape, -1.0), top.copy()
    while True:
        middle = np.floor(low / 2 + high / 2)
        # beyond 2**53 neighbours lie more than 1 apart, and the middle is an end
        if not np.any((middle > low) & (middle < high)):
            break
        enough = below(middle) > tail
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    reached, before = below(high), below(high - 1)
    return high - np.divide(
        reached - tail, reached - before, out=np.zeros(top.shape), where=reached > before
    )
