"""Slopes across reps within periods, with intervals that leave out one rep after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.panel import linear_cells, poisson_panel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.str_]

FEWEST = 5  # of what is independent
_VARIES = 1e-9


class Estimate(NamedTuple):
    """An estimate with its interval, what it is held against, and how many are independent."""

    value: float
    low: float
    high: float
    reference: float
    p_value: float
    n: int


def slopes(
    value: Floats, columns: list[Floats], *, period: Labels, cluster: Labels, reference: float,
    confidence: float,
) -> list[Estimate]:  # fmt: skip
    """Regress a value on columns by least squares, net of the period (jackknife by cluster)."""
    labels, codes = np.unique(cluster, return_inverse=True)
    x = np.array(columns).reshape(len(columns), -1).T
    nothing = [_unknown(reference, len(labels))] * len(columns)
    whole = _within(value, x, period)
    if len(labels) < FEWEST or whole is None:
        return nothing
    without = [
        _within(value[codes != one], x[codes != one], period[codes != one])
        for one in range(len(labels))
    ]
    known = [one for one in without if one is not None]
    if len(known) < len(labels):
        return nothing
    n = len(labels)
    error = np.sqrt((n - 1) / n * ((np.array(known) - np.mean(known, axis=0)) ** 2).sum(axis=0))
    return [
        _estimate(float(b), float(e), reference, n, confidence)
        for b, e in zip(whole, error, strict=True)
    ]


def _within(y: Floats, x: Floats, period: Labels) -> Floats | None:
    """Give least-squares slopes of what differs within periods; None where a column does not."""
    if not len(y):
        return None
    codes = np.unique(period, return_inverse=True)[1]
    n = np.bincount(codes)

    def cleared(one: Floats) -> Floats:
        return one - (np.bincount(codes, one) / n)[codes]

    inner = np.column_stack([cleared(column) for column in x.T])
    size = np.sqrt((inner**2).sum(axis=0))
    if (size < _VARIES).any():
        return None
    scaled = inner / size
    if np.linalg.eigvalsh(scaled.T @ scaled).min() < _VARIES:
        return None
    fit = linear_cells(np.ones(len(y)), cleared(y), inner)
    return fit.coefficient[1:]


def ratio_slope(
    value: Floats, column: Floats, *, exposure: Floats | None, period: Labels, cluster: Labels,
    reference: float, confidence: float,
) -> Estimate:  # fmt: skip
    """Regress a value of 0 or more on a logarithm, net of the period: an elasticity."""
    labels = np.unique(cluster)
    nothing = _unknown(reference, len(labels))
    if len(labels) < FEWEST or (value < 0).any():
        return nothing
    codes = np.unique(period, return_inverse=True)[1]
    told = np.bincount(codes, value)[codes] > 0
    left = np.unique(cluster[told])
    if len(left) < FEWEST or _within(value[told], column[told, None], period[told]) is None:
        return nothing
    fit = poisson_panel(
        value, column, unit=period, period=np.zeros(len(value)), cluster=cluster,
        exposure=exposure, confidence=confidence,
    )  # fmt: skip
    error = float(fit.standard_error[0])
    return _estimate(float(fit.coefficient[0]), error, reference, fit.n_clusters, confidence)


def spread(value: Floats, own: Floats, *, confidence: float) -> Estimate:
    """Give the standard deviation of values against that which their own variances make."""
    n = len(value)
    known = n >= FEWEST and bool(np.isfinite(value).all())
    chance = float(np.sqrt(own.mean())) if n else np.nan
    if not known:
        return _unknown(chance, n)
    from scipy import special

    found, tail = float(value.std(ddof=1)), (1 - confidence) / 2
    low, high = (
        found * float(np.sqrt((n - 1) / special.chdtri(n - 1, one))) for one in (tail, 1 - tail)
    )
    p_value = float(special.chdtrc(n - 1, (n - 1) * (found / chance) ** 2))
    return Estimate(found, low, high, chance, p_value, n)


def _estimate(value: float, error: float, reference: float, n: int, confidence: float) -> Estimate:
    from scipy import special

    if np.isnan(error):  # the column varies in one rep only
        return _unknown(reference, n)
    reach = float(special.stdtrit(n - 1, 0.5 + confidence / 2)) * error
    if not error > 0:  # an exact fit leaves nothing to judge by
        p_value = 1.0 if abs(value - reference) < _VARIES else 0.0
    else:
        p_value = float(2 * special.stdtr(n - 1, -abs(value - reference) / error))
    return Estimate(value, value - reach, value + reach, reference, p_value, n)


def _unknown(reference: float, n: int) -> Estimate:
    return Estimate(np.nan, np.nan, np.nan, reference, np.nan, n)
