"""Which factor of a product moved it, and by how much: parts that add up exactly."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import broadcast, groups_of, matrix, numbers, vector
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.resampling import cluster_sums, drawn_interval, drawn_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MOST_FACTORS = 8


class ChainChange(NamedTuple):
    """How the factors of a chain of sums moved its end.

    ``base`` and ``comparison`` are the factors, ``part`` what each adds to the change; the
    parts add up to ``change``.
    """

    base: Floats
    comparison: Floats
    part: Floats
    low: Floats
    high: Floats
    change: float
    change_low: float
    change_high: float


def shapley_parts(base: ArrayLike, comparison: ArrayLike) -> Floats:
    """Split the change of a product among its factors, whatever the order of the changes.

    Each factor gets what its change adds, averaged over all orders in which the factors can
    be changed one after the other: no term is left over and no order is preferred.

    Parameters
    ----------
    base, comparison : array_like, shape (..., K)
        The factors before and after, 1 to 8 of them along the last axis; zeros are allowed.

    Returns
    -------
    ndarray, shape (..., K)
        Parts that add up to the change of the product; NaN where a factor is missing.

    Raises
    ------
    InputError
        If there are more than 8 factors or the two do not have the same number of them.

    References
    ----------
    Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a unified
    framework based on the Shapley value. Journal of Economic Inequality 11, 99-126.

    Examples
    --------
    1,000 at 50 became 1,100 at 52.

    >>> shapley_parts([1000, 50], [1100, 52]).tolist()
    [5100.0, 2100.0]
    """
    before, after = _two_sides(base, comparison)
    n_factors = before.shape[-1]
    weights = _order_weights(n_factors - 1)
    parts = np.empty(before.shape)
    for place in range(n_factors):
        # the product of the others, for each choice of before or after among them
        products = np.ones((*before.shape[:-1], 1))
        for other in range(n_factors):
            if other != place:
                sides = before[..., other, None], after[..., other, None]
                products = np.concatenate([products * side for side in sides], axis=-1)
        parts[..., place] = (after[..., place] - before[..., place]) * (products @ weights)
    return parts


def _order_weights(n_others: int) -> Floats:
    """Give the share of all orders in which just the chosen ones of the others came before."""
    n_chosen = (np.arange(2**n_others)[:, None] >> np.arange(n_others) & 1).sum(axis=1)
    return np.array([1 / ((n_others + 1) * comb(n_others, n)) for n in n_chosen])


def lmdi_parts(base: ArrayLike, comparison: ArrayLike) -> Floats:
    """Split the change of a product by the logarithmic mean, as a check on `shapley_parts`.

    Parameters
    ----------
    base, comparison : array_like, shape (..., K)
        The factors before and after, along the last axis.

    Returns
    -------
    ndarray, shape (..., K)
        Parts that add up to the change of the product; NaN where a factor is not positive,
        for it has no logarithm.

    References
    ----------
    Ang, B. W. (2005). The LMDI approach to decomposition analysis: a practical guide. Energy
    Policy 33, 867-871.

    Examples
    --------
    >>> lmdi_parts([1000, 50], [1100, 52]).round(2).tolist()
    [5100.93, 2099.07]
    """
    before, after = _two_sides(base, comparison)
    positive = ((before > 0) & (after > 0)).all(axis=-1, keepdims=True)
    ratios = np.log(np.where(positive, after, 1.0) / np.where(positive, before, 1.0))
    first = before.prod(axis=-1, keepdims=True)
    total = ratios.sum(axis=-1, keepdims=True)
    # (after - before) / log(after / before), by a form that stays exact where they are close
    near = np.abs(total) < 1e-12
    mean = first * np.where(near, 1 + total / 2, np.expm1(total) / np.where(near, 1.0, total))
    return np.where(positive, mean * ratios, np.nan)


def chain_change(
    base: ArrayLike,
    comparison: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
    n_draws: int = 1000,
    seed: int = 0,
) -> ChainChange:
    """Split the change at the end of a chain of sums among the links, with intervals.

    A chain of sums A, B, C is the identity C = A x B/A x C/B: the first link is a sum, each
    further one a ratio to the sum before. The intervals draw clusters, both sides of each
    together, so what makes a cluster unlike the others does not pass for a change.

    In simulations with 12 and 30 clusters the 95 % interval covers within two points of its
    level; with 6 clusters, or where a few clusters make up most of a sum, 92 to 95 %.

    Parameters
    ----------
    base, comparison : array_like, shape (clusters, links)
        Sums of each cluster before and after, one row a cluster (zeros where it has none).
        A base of shape (links,) is a reference known for sure: only the comparison is drawn.
    cluster : array_like, shape (clusters,), optional
        Labels; rows of one label are added up first.
    confidence : float, default 0.95
        Level of the intervals.
    n_draws, seed : int
        Number of draws, and where the random numbers begin.

    Returns
    -------
    ChainChange
        ``base``, ``comparison`` : factors, shape (links,). ``part``, ``low``, ``high`` : what
        each adds to the change. ``change``, ``change_low``, ``change_high`` : of the end. The
        bounds are NaN with fewer than two clusters. A ratio of nothing to nothing takes the
        value of the other side: what was not there did not change.

    Raises
    ------
    InputError
        If there are more than 8 links, a sum is missing, or something comes of nothing (a
        link is zero and the next is not).

    Examples
    --------
    Ten leads gave two deals; twelve leads gave three.

    >>> found = chain_change([[6, 1], [4, 1]], [[7, 2], [5, 1]])
    >>> found.part.round(3).tolist(), found.change
    ([0.45, 0.55], 1.0)
    """
    if np.ndim(comparison) != 2:
        message = "comparison must be a table of clusters by links, one row a cluster."
        raise InputError(message)
    after = matrix("comparison", comparison)
    fixed = np.ndim(base) == 1
    before = vector("base", base)[None, :] if fixed else matrix("base", base, rows=len(after))
    _check_links(before, after)
    names = np.arange(len(after)) if cluster is None else cluster
    labels = groups_of("cluster", names, len(after))
    n_clusters = len(labels.labels)
    none = np.zeros_like(after)
    both = np.stack((none if fixed else before, after), axis=1)
    rows = cluster_sums(both, labels.codes, n_clusters)
    sums, draws = rows.sum(axis=0), drawn_sums(rows, n_draws=n_draws, seed=seed)
    if fixed:
        sums[0], draws[:, 0] = before, before
    factors = chain_factors(sums)
    parts = shapley_parts(*factors)
    drawn = chain_factors(draws)
    drawn_parts = shapley_parts(drawn[:, 0], drawn[:, 1])
    change = np.array(sums[1, -1] - sums[0, -1])
    low, high = drawn_interval(drawn_parts, parts, n_clusters=n_clusters, confidence=confidence)
    change_low, change_high = drawn_interval(
        draws[:, 1, -1] - draws[:, 0, -1], change, n_clusters=n_clusters, confidence=confidence
    )
    return ChainChange(
        factors[0], factors[1], parts, low, high,
        float(change), float(change_low), float(change_high),
    )  # fmt: skip


def chain_factors(sums: Floats) -> Floats:
    """Turn sums (..., 2 sides, links) into factors whose product is the last sum of a side."""
    first, whole, part = sums[..., :1], sums[..., :-1], sums[..., 1:]
    rates = ratio(part, whole)
    # what was not there on one side did not change; on neither side, it is no factor at all
    other = rates[..., ::-1, :]
    rates = np.where(np.isnan(rates), np.where(np.isnan(other), 1.0, other), rates)
    return np.concatenate([first, rates], axis=-1)


def _two_sides(base: ArrayLike, comparison: ArrayLike) -> tuple[Floats, Floats]:
    before = np.atleast_1d(numbers("base", base, missing=True))
    after = np.atleast_1d(numbers("comparison", comparison, missing=True))
    if before.shape[-1] != after.shape[-1]:
        message = (
            "base and comparison must have the same factors; got "
            f"{before.shape[-1]} and {after.shape[-1]}."
        )
        raise InputError(message)
    _check_number(before.shape[-1])
    before, after = broadcast(base=before, comparison=after)
    return before, after


def _check_number(n_factors: int) -> None:
    if not 1 <= n_factors <= MOST_FACTORS:
        message = f"base must have 1 to {MOST_FACTORS} factors; got {n_factors}."
        raise InputError(message)


def _check_links(before: Floats, after: Floats) -> None:
    if before.shape[1] != after.shape[1]:
        message = (
            "base and comparison must have the same links; got "
            f"{before.shape[1]} and {after.shape[1]}."
        )
        raise InputError(message)
    _check_number(after.shape[1])
    for name, side in (("base", before), ("comparison", after)):
        sums = side.sum(axis=0)
        if np.any((sums[:-1] == 0) & (sums[1:] != 0)):
            place = int(np.flatnonzero((sums[:-1] == 0) & (sums[1:] != 0))[0])
            message = (
                f"{name} must be a chain in which nothing comes of nothing: link {place + 1} adds "
                f"up to 0 and link {place + 2} to {sums[place + 1]:g}."
            )
            raise InputError(message)
