"""Intervals of any figure made from sums, by drawing clusters again with replacement."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates.shares import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def canonical_order(rows: Floats) -> NDArray[np.intp]:
    """Give an order of clusters that depends on what they hold, not on where they stood.

    Draws number the clusters, so without it the same data in another order would give
    another interval.

    >>> canonical_order(np.array([[2.0, 1.0], [1.0, 5.0], [1.0, 3.0]])).tolist()
    [2, 1, 0]
    """
    if not rows.size:
        return np.arange(len(rows))
    return np.lexsort(rows.reshape(len(rows), -1).T[::-1])


def cluster_sums(rows: Floats, codes: NDArray[np.intp], n_clusters: int) -> Floats:
    """Add up rows (along the first axis) by cluster, in an order of their own.

    Sums of floats depend on the order of adding; near-ties between clusters would then be
    drawn in another order, too.
    """
    flat = rows.reshape(len(rows), prod(rows.shape[1:]))
    order = np.lexsort((*flat.T, codes))
    sums = np.zeros((n_clusters, flat.shape[1]))
    np.add.at(sums, codes[order], flat[order])
    return sums.reshape(n_clusters, *rows.shape[1:])


def drawn_sums(rows: Floats, *, n_draws: int, seed: int) -> Floats:
    """Draw as many clusters as there are, over and over, and add up what they hold.

    Parameters
    ----------
    rows : ndarray, shape (clusters, ...)
        Sums of each cluster.
    n_draws, seed : int
        How often, and where the random numbers begin.

    Returns
    -------
    ndarray, shape (n_draws, ...)
        Sums of each draw.
    """
    whole_number("n_draws", n_draws, least=1)
    whole_number("seed", seed)
    if not len(rows):
        return np.zeros((n_draws, *rows.shape[1:]))
    ordered = rows[canonical_order(rows)].reshape(len(rows), -1)
    random = np.random.default_rng(seed)
    even = np.full(len(ordered), 1 / len(ordered))
    weights = random.multinomial(len(ordered), even, size=n_draws).astype(float)
    return (weights @ ordered).reshape(n_draws, *rows.shape[1:])


def drawn_interval(
    draws: Floats, estimate: Floats, *, n_clusters: int, confidence: float
) -> tuple[Floats, Floats]:
    """Give the interval of a figure from its draws (along the first axis).

    The percentiles of the draws, their distance from the estimate stretched as Student's
    interval is longer than the normal one and for the draws' variance being that of n - 1 of n
    clusters: plain percentiles are too short where clusters are few.

    Returns
    -------
    low, high : ndarray
        NaN with fewer than two clusters, or where a draw gave no figure.

    References
    ----------
    Hesterberg, T. C. (2015). What teachers should know about the bootstrap. American
    Statistician 69, 371-386.
    """
    level = share("confidence", confidence)
    if n_clusters < 2:
        return np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    from scipy import special

    tail = (1 - level) / 2
    t = special.stdtrit(n_clusters - 1, 1 - tail)
    stretch = t / normal_quantile(level) * np.sqrt(n_clusters / (n_clusters - 1))
    below, above = np.quantile(draws, [tail, 1 - tail], axis=0)
    low = estimate - stretch * np.maximum(estimate - below, 0)
    high = estimate + stretch * np.maximum(above - estimate, 0)
    return low, high
