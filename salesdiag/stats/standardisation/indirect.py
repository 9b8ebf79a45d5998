"""Groups of unlike make-up against what they would have had at the rates of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import counts_of, groups_of, numbers, one_of, share
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

Limits = Literal["exact", "mid_p"]


class ObservedExpected(NamedTuple):
    """Events seen per event expected, one a group."""

    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


class IndirectExpected(NamedTuple):
    """What each group had, and what it would have had at the rates of all."""

    group: NDArray[np.generic]
    observed: NDArray[np.float64]
    n_whole: NDArray[np.float64]
    expected: NDArray[np.float64]
    n_alone: NDArray[np.float64]


def observed_expected(
    observed: ArrayLike,
    expected: ArrayLike,
    *,
    limits: Limits = "exact",
    confidence: float = 0.95,
) -> ObservedExpected:
    """Tell how many events a group had for each one expected, with exact Poisson limits.

    The expected number counts as known. If a group is a good part of the pool that it is
    held against, its own events raise what is expected of it, and the ratio is drawn
    towards 1. The limits are those of rare events. Where an event is likely for each unit
    (a share of .5, say) the count varies less than Poisson's, and the interval is wider
    than it need be.

    ``"exact"`` limits never cover less often than they say, and cover more often when
    events are few: at 95 %, 97.2, 96.2 and 95.6 % on average for 5, 20 and 100 expected
    events. ``"mid_p"`` counts the number seen as half beyond itself and comes nearer:
    95.6, 95.1 and 95.0 %, though no less than 92.7 % at any one mean. Exact limits for
    events with a probability of .1, .3 and .5 covered 97.0, 98.5 and 99.6 %, and in a pool
    of 3, 10 and 30 like groups 99.6, 97.1 and 96.9 %.

    Parameters
    ----------
    observed, expected : array_like
        Events seen and events expected, 0 or more, of shapes that fit. They need not be
        whole numbers. NaN may pass and gives NaN.
    limits : {"exact", "mid_p"}, default "exact"
        How the interval and the test treat the number seen itself.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    ObservedExpected
        ``ratio``, ``low`` and ``high``, 0 or more, and ``p_value``, of a ratio of 1: twice
        the smaller tail, at most 1. All NaN where ``expected`` is 0, whatever was observed.

    Raises
    ------
    InputError
        If a number is negative or infinite, or an option is not one of those allowed.

    References
    ----------
    Ulm, K. (1990). A simple method to calculate the confidence interval of a standardized
    mortality ratio (SMR). American Journal of Epidemiology 131, 373-375.

    Cohen, G. R. and Yang, S.-Y. (1994). Mid-P confidence intervals for the Poisson
    expectation. Statistics in Medicine 13, 2189-2203.

    Examples
    --------
    >>> found = observed_expected([4, 0], [3.3, 2.0])
    >>> found.ratio.round(3).tolist()
    [1.212, 0.0]
    >>> found.low.round(3).tolist(), found.high.round(3).tolist()
    ([0.33, 0.0], [3.104, 1.844])
    """
    one_of("limits", limits, ("exact", "mid_p"))
    tail = (1 - share("confidence", confidence)) / 2
    seen = numbers("observed", observed, least=0, missing=True)
    due = numbers("expected", expected, least=0, missing=True)
    try:
        seen, due = np.broadcast_arrays(seen, due)
    except ValueError:
        message = (
            f"observed and expected must have shapes that fit; got {seen.shape} and {due.shape}."
        )
        raise InputError(message) from None
    low, high = _poisson_limits(seen, tail, limits)
    known = (due > 0) & ~np.isnan(seen)
    below, above = special.gammaincc(seen + 1, due), _at_least(seen, due)
    if limits == "mid_p":
        log_same = special.xlogy(seen, due) - due - special.gammaln(seen + 1)
        half = half_of_same(below, above, np.exp(np.minimum(log_same, 0)))
        below, above = below - half, above - half
    p_value = np.clip(2 * np.minimum(below, above), 0, 1)
    return ObservedExpected(
        ratio(seen, due), ratio(low, due), ratio(high, due), np.where(known, p_value, np.nan)
    )


def indirect_expected(
    n_whole: ArrayLike, group: ArrayLike, stratum: ArrayLike, n_part: ArrayLike
) -> IndirectExpected:
    """Tell how many events each group would have had at the rate of all in each stratum.

    The rate of a stratum is that of everybody in it, the group itself included, so the
    expected events of all groups add up to those seen. Where a group is alone in a stratum
    it is held against itself and nothing can be learnt; ``n_alone`` says how much that is.

    Parameters
    ----------
    n_whole : array_like, shape (N,)
        Units at risk in each cell, 0 or more.
    group, stratum : array_like, shape (N,)
        Labels of each cell. Cells with equal labels are added up.
    n_part : array_like, shape (N,)
        Events in each cell, at most ``n_whole``.

    Returns
    -------
    IndirectExpected
        One entry a group, in the order of the sorted labels: ``group``, ``observed``,
        ``n_whole``, ``expected`` (0 for a group without units) and ``n_alone``, the units
        in strata that hold no other group.

    Raises
    ------
    InputError
        If the lists are empty or differ in length, a count is missing or negative, a part
        exceeds its whole, or a label is missing.

    References
    ----------
    Breslow, N. E. and Day, N. E. (1987). Statistical Methods in Cancer Research, volume 2.
    International Agency for Research on Cancer, Lyon, chapter 2.

    Examples
    --------
    "x" took the hard cases: 14 of 60 is what these cases give.

    >>> found = indirect_expected([50, 10, 10, 50], ["x", "x", "y", "y"],
    ...                           ["hard", "easy", "hard", "easy"], [8, 6, 4, 24])
    >>> found.observed.tolist(), found.expected.tolist()
    ([14.0, 28.0], [15.0, 27.0])
    """
    whole = numbers("n_whole", n_whole, least=0)
    if whole.ndim != 1 or not len(whole):
        message = f"n_whole must be a list of at least 1 number; got shape {whole.shape}."
        raise InputError(message)
    part = numbers("n_part", n_part, least=0)
    if part.shape != whole.shape:
        message = f"n_part must have one entry a row, {len(whole)}; got shape {part.shape}."
        raise InputError(message)
    part, whole = counts_of(part, whole)
    groups = groups_of("group", group, len(whole))
    strata = groups_of("stratum", stratum, len(whole))
    shape = (len(groups.labels), len(strata.labels))
    cell = groups.codes * shape[1] + strata.codes
    seen, size = (
        np.bincount(cell, weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (part, whole)
    )
    rate = np.nan_to_num(ratio(seen.sum(0), size.sum(0)))  # nobody there: nothing expected
    alone = (size > 0).sum(0) == 1
    return IndirectExpected(
        groups.labels, seen.sum(1), size.sum(1), size @ rate, (size * alone).sum(1)
    )


def half_of_same(
    below: NDArray[np.float64], above: NDArray[np.float64], same: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give half of the probability of the number seen, which both tails hold.

    From the tails in the middle, where they have more digits than the probability ``same``;
    from that far out, where nothing is left of their sum less 1.

    >>> half_of_same(np.array([1.0]), np.array([1e-20]), np.array([1e-20])).tolist()
    [5e-21]
    """
    tail = np.minimum(below, above)
    return np.where(tail > 1e-3, (below + above - 1) / 2, np.minimum(same, tail) / 2)


def bisect_increasing(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find where an increasing function passes 0 between two bounds, entry by entry.

    >>> bisect_increasing(lambda x: x**2 - [4.0, 9.0], np.zeros(2), np.full(2, 10.0)).tolist()
    [2.0, 3.0]
    """
    for _step in range(80):  # 80 halvings use up the digits of a float
        middle = (low + high) / 2
        beyond = function(middle) > 0
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return (low + high) / 2


def _at_least(count: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the Poisson probability of so many or more; at least 0 is certain."""
    some = np.where(count > 0, count, 1.0)
    tail: NDArray[np.float64] = special.gammainc(some, mean)
    return np.where(count > 0, tail, np.where(count == 0, 1.0, np.nan))


def _poisson_limits(
    count: NDArray[np.float64], tail: float, limits: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the limits of a Poisson mean, each missed with the probability ``tail``."""
    some = np.where(count > 0, count, 1.0)
    low = np.where(count > 0, special.gammaincinv(some, tail), np.where(count == 0, 0, np.nan))
    high = special.gammaincinv(count + 1, 1 - tail)
    if limits == "exact":
        return low, high

    def beyond(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        more: NDArray[np.float64] = special.gammainc(count + 1, mean)
        return (_at_least(count, mean) + more) / 2

    # the mid-P limits lie inside the exact ones; none seen has no lower tail to give away
    lower = np.where(count > 0, bisect_increasing(lambda mean: beyond(mean) - tail, low, high), low)
    return lower, bisect_increasing(lambda mean: beyond(mean) - (1 - tail), low, high)
