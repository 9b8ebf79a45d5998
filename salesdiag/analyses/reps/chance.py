"""How rare a count would be by chance, when its expectation is itself not quite known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.rates import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_LEAST = 1e-9  # squared coefficient of variation below which the expectation counts as known


def count_p(
    count: ArrayLike, mean: ArrayLike, squared_cv: ArrayLike = 0.0, *, lower: bool = False
) -> Floats:
    """Give the chance of a count at least as far out, Poisson around an uncertain mean.

    The mean follows a gamma distribution with this squared coefficient of variation, so the
    count is negative binomial. Sums of uneven contributions: divide them by the size of one
    first; what is no whole number is rounded towards the mean. Twice the smaller tail, or the
    lower tail alone. NaN where anything is missing or the mean is not above 0.

    >>> count_p([2, 10], 10, lower=True).round(4).tolist()
    [0.0028, 0.583]
    >>> count_p(2, 10, 0.2).round(2).item()
    0.09
    """
    from scipy import special

    seen, centre, spread = np.broadcast_arrays(
        np.asarray(count, float), np.asarray(mean, float), np.asarray(squared_cv, float)
    )
    known = (centre > 0) & (seen >= 0) & (spread >= 0)
    y, m = np.where(known, seen, 0.0), np.where(known, centre, 1.0)
    shape = 1 / np.maximum(np.where(known, spread, 1.0), _LEAST)
    prob = shape / (shape + m)
    below = special.betainc(shape, np.ceil(y - 1e-9) + 1, prob)
    at_most = np.floor(y + 1e-9)
    above = np.where(at_most > 0, special.betainc(np.maximum(at_most, 1), shape, 1 - prob), 1.0)
    found = below if lower else np.minimum(1.0, 2 * np.minimum(below, above))
    return np.where(known, found, np.nan)


def share_p(part: ArrayLike, whole: ArrayLike, rate: ArrayLike, squared_cv: ArrayLike) -> Floats:
    """Give the chance of a share at least as far from an uncertain rate (normal, corrected).

    >>> share_p(2, 20, 0.5, 0.0).round(4).item()
    0.0008
    """
    from scipy import special

    y, n, p, spread = (np.asarray(one, float) for one in (part, whole, rate, squared_cv))
    variance = n * p * (1 - p) + (n * p) ** 2 * spread
    distance = np.maximum(np.abs(y - n * p) - 0.5, 0.0)
    z = distance / np.sqrt(np.where(variance > 0, variance, np.nan))
    return np.asarray(np.minimum(1.0, 2 * special.ndtr(-z)))


def log_interval(value: ArrayLike, squared_cv: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Give the interval of a positive figure, even on the logarithm."""
    middle = np.asarray(value, float)
    reach = np.exp(normal_quantile(level) * np.sqrt(np.asarray(squared_cv, float)))
    return np.asarray(middle / reach), np.asarray(middle * reach)


def difference_interval(
    value: Floats, ends: tuple[Floats, Floats], other: Floats, other_ends: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Give the interval of value less other from those of both (Zou and Donner)."""
    below = np.hypot(value - ends[0], other_ends[1] - other)
    above = np.hypot(ends[1] - value, other - other_ends[0])
    return value - other - below, value - other + above
