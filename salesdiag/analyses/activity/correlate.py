"""Correlations of cases that come in clusters, plain and with what else moves held constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.resampling import drawn_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST = 1 - 1e-9
_RANKED_VARIANCE = 1.06  # of Fisher's z of a rank correlation, over that of a plain one


class Correlation(NamedTuple):
    """A correlation with its interval and the p-value of 0."""

    value: float
    low: float
    high: float
    p_value: float


UNKNOWN = Correlation(np.nan, np.nan, np.nan, np.nan)


def fisher_correlation(columns: Floats, *, ranked: bool, confidence: float) -> Correlation:
    """Correlate the first two columns of independent rows, the others held constant.

    Fisher's z; with ``ranked`` its variance is that of rank correlations (Fieller, Hartley and
    Pearson 1957).
    """
    n_free = len(columns) - 3 - (columns.shape[1] - 2)
    if n_free < 1:
        return UNKNOWN
    value = float(_partial(_sums(columns).sum(axis=0), columns.shape[1]))
    if np.isnan(value):
        return UNKNOWN
    from scipy import special

    error = np.sqrt((_RANKED_VARIANCE if ranked else 1.0) / n_free)
    half = special.ndtri(0.5 + confidence / 2) * error
    return _around(value, half, 2 * special.ndtr(-abs(_z(value)) / error))


def clustered_correlation(
    columns: Floats, cluster: NDArray[np.intp], *, confidence: float, n_draws: int, seed: int
) -> Correlation:
    """Correlate the first two columns, the others held constant, when rows come in clusters.

    Clusters are drawn again with replacement; the spread of Fisher's z over the draws gives
    the interval, Student's with clusters - 1 degrees of freedom.
    """
    width, n_clusters = columns.shape[1], int(cluster.max(initial=-1)) + 1
    rows = _sums(columns)
    sums = np.zeros((n_clusters, rows.shape[1]))
    np.add.at(sums, cluster, rows)
    value = float(_partial(sums.sum(axis=0), width))
    if n_clusters < 3 or np.isnan(value):
        return UNKNOWN
    drawn = _z(_partial(drawn_sums(sums, n_draws=n_draws, seed=seed), width))
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < 0.9 * n_draws:  # hardly any draw holds what the figure hangs on
        return UNKNOWN
    from scipy import special

    error = float(drawn.std(ddof=1)) * np.sqrt(n_clusters / (n_clusters - 1))
    if not error > 0:  # the two are one, whoever is drawn
        return Correlation(value, value, value, 0.0)
    half = special.stdtrit(n_clusters - 1, 0.5 + confidence / 2) * error
    return _around(value, half, 2 * special.stdtr(n_clusters - 1, -abs(_z(value)) / error))


def _around(value: float, half: float, p_value: float) -> Correlation:
    middle = _z(value)
    return Correlation(value, float(np.tanh(middle - half)), float(np.tanh(middle + half)),
                       float(p_value))  # fmt: skip


def _z(value: Floats | float) -> Floats:
    found: Floats = np.arctanh(np.clip(value, -_MOST, _MOST))
    return found


def _sums(columns: Floats) -> Floats:
    """Give what each row adds to the sums and cross products, of standardised columns."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    scaled = centred / np.where(spread > 1e-12, spread, 1.0)
    products = (scaled[:, :, None] * scaled[:, None, :]).reshape(len(columns), -1)
    return np.column_stack((np.ones(len(columns)), scaled, products))


def _partial(sums: Floats, width: int) -> Floats:
    """Give the partial correlation of the first two columns from sums (along the last axis)."""
    n, total = sums[..., :1], sums[..., 1 : width + 1]
    products = sums[..., width + 1 :].reshape(*sums.shape[:-1], width, width)
    mean = total / n
    covariance = products / n[..., None] - mean[..., :, None] * mean[..., None, :]
    for held in range(width - 1, 1, -1):  # sweep out one control after the other
        own = covariance[..., held, held]
        known = own > 1e-9
        slope = covariance[..., :, held] / np.where(known, own, 1.0)[..., None]
        swept = covariance - slope[..., :, None] * covariance[..., None, held, :]
        covariance = np.where(known[..., None, None], swept, covariance)
    first, second = covariance[..., 0, 0], covariance[..., 1, 1]
    known = (first > 1e-9) & (second > 1e-9)
    scale = np.sqrt(np.where(known, first * second, 1.0))
    found: Floats = np.where(known, np.clip(covariance[..., 0, 1] / scale, -1, 1), np.nan)
    return found
