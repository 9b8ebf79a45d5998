"""Shares of cases that come in clusters and so tell less than their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import counts_of, groups_of, share, vector
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.rates.student import t_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class ClusteredRate(NamedTuple):
    """A share of clustered cases, one entry a group."""

    group: NDArray[np.generic]
    rate: Floats
    low: Floats
    high: Floats
    design_effect: Floats
    n_clusters: NDArray[np.intp]


def clustered_rate(
    n_part: ArrayLike,
    n_whole: ArrayLike,
    *,
    cluster: ArrayLike,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> ClusteredRate:
    """Give a pooled share with an interval that takes clusters, not cases, as independent.

    Ten cases of one cluster often end alike and then tell hardly more than one. The variance
    is the jackknife's over clusters; the interval is Wilson's at the number of independent
    cases with the same variance, with Student's t in place of the normal, its degrees of
    freedom from the effective number of clusters (fewer where one cluster is most of the
    whole).

    In simulations with 6, 12 and 30 clusters of like size the 95 % interval covers 93 to 97 %
    at shares of .2 and more, and 98 to 99 % with 6 clusters of few cases each. It is too
    narrow where few clusters hold all of the events: at a share of .1 and cases that end
    nearly alike within their cluster it covers 87 % with 6 and 12 clusters (correlation .3 and
    .5) and 92 % with 30.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (N,)
        Counts, one row a cluster; rows of one cluster and group are added up.
    cluster : array_like, shape (N,)
        Labels of what is independent of the others.
    group : array_like, shape (N,), optional
        Labels; each group is estimated by itself.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    ClusteredRate
        ``group`` : labels in order. ``rate`` : sum of the parts over sum of the wholes, in
        [0, 1], NaN where nothing was counted. ``low``, ``high`` : in [0, 1]; NaN with fewer
        than two clusters. ``design_effect`` : variance over that of as many independent
        cases; 1 where all clusters have the same rate, for then they tell nothing of it.
        ``n_clusters`` : clusters with at least one case.

    Raises
    ------
    InputError
        If a count is negative or missing, or a part exceeds its whole.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology 24,
    193-201.

    Examples
    --------
    Two of four clusters had the event each time, two never: 20 cases that tell as 4 would.

    >>> found = clustered_rate([5, 5, 0, 0], [5, 5, 5, 5], cluster=[1, 2, 3, 4])
    >>> found.rate.item(), round(found.design_effect.item(), 2)
    (0.5, 6.67)
    """
    level = share("confidence", confidence)
    part = vector("n_part", n_part, least=0)
    part, whole = counts_of(part, vector("n_whole", n_whole, least=0, length=len(part)))
    groups = groups_of("group", group, part.size)
    clusters = groups_of("cluster", cluster, part.size)
    part, whole, of = _by_cluster(part, whole, groups.codes, clusters.codes)
    n_groups = len(groups.labels)

    def total(values: Floats) -> Floats:
        return np.bincount(of, values, minlength=n_groups).astype(float)

    all_part, all_whole = total(part), total(whole)
    rate, n_clusters = ratio(all_part, all_whole), np.bincount(of, minlength=n_groups)
    without = ratio(all_part[of] - part, all_whole[of] - whole)
    spread = total(np.nan_to_num(without - rate[of]) ** 2) * ratio(n_clusters - 1, n_clusters)
    # rounding leaves a trace where all clusters have one rate
    inside = (rate > 0) & (rate < 1) & (spread > 1e-24 * n_clusters)
    effect = ratio(spread * all_whole, np.where(inside, rate * (1 - rate), np.nan))
    effect = np.where(inside, effect, np.where(np.isnan(rate), np.nan, 1.0))
    effect = np.where(n_clusters > 1, effect, np.nan)
    degrees = ratio(all_whole**2, total(whole**2)) - 1
    low, high = _wilson_with_t(rate, ratio(all_whole, effect), degrees, level)
    return ClusteredRate(groups.labels, rate, low, high, effect, n_clusters)


def _by_cluster(
    part: Floats, whole: Floats, group: NDArray[np.intp], cluster: NDArray[np.intp]
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Add up the rows of each cluster within its group; clusters without cases do not count."""
    pairs, row = np.unique(np.stack((group, cluster)), axis=1, return_inverse=True)
    n_pairs = pairs.shape[1]
    part = np.bincount(row.ravel(), part, minlength=n_pairs).astype(float)
    whole = np.bincount(row.ravel(), whole, minlength=n_pairs).astype(float)
    counted = whole > 0
    return part[counted], whole[counted], pairs[0][counted]


def _wilson_with_t(
    rate: Floats, size: Floats, degrees: Floats, level: float
) -> tuple[Floats, Floats]:
    known = (size > 0) & (degrees > 1e-9) & ~np.isnan(rate)
    p, n = np.where(known, rate, 0.5), np.where(known, size, 1.0)
    t = t_quantile(np.where(known, degrees, 1.0), level)
    middle, spread = p + t**2 / (2 * n), t * np.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    low, high = (middle - spread) / (1 + t**2 / n), (middle + spread) / (1 + t**2 / n)
    low, high = (
        np.where(p <= 0, 0.0, np.clip(low, 0, p)),
        np.where(p >= 1, 1.0, np.clip(high, p, 1)),
    )
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
