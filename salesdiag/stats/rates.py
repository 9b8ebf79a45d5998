"""Shares and their intervals."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.errors import SalesDiagError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def normal_quantile(confidence: float) -> float:
    """Give the z of a two-sided interval.

    >>> round(normal_quantile(0.95), 6)
    1.959964

    Raises
    ------
    SalesDiagError
        If ``confidence`` does not lie strictly between 0 and 1.
    """
    if not isinstance(confidence, int | float) or not 0 < confidence < 1:
        message = f"confidence must lie strictly between 0 and 1, such as 0.95; got {confidence!r}."
        raise SalesDiagError(message)
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Divide, giving NaN where the denominator is zero or missing.

    >>> ratio([1, 0], [4, 0]).tolist()
    [0.25, nan]
    """
    top, bottom = np.asarray(part, float), np.asarray(whole, float)
    top, bottom = np.broadcast_arrays(top, bottom)
    result = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=result, where=(bottom != 0) & ~np.isnan(bottom))
    return result


def wilson_interval(
    n_part: ArrayLike, n_whole: ArrayLike, *, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the score interval of a share (Wilson 1927).

    Parameters
    ----------
    n_part, n_whole : array_like
        Numerator and denominator; they need not be whole numbers, so an effective sample
        size may be given.
    confidence : float, default 0.95
        Level, strictly between 0 and 1.

    Returns
    -------
    low, high : ndarray
        In [0, 1]; NaN where ``n_whole`` is 0.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion.
    Statistics in Medicine 17, 857-872.

    Examples
    --------
    >>> low, high = wilson_interval(81, 263)
    >>> round(low.item(), 4), round(high.item(), 4)
    (0.2553, 0.3662)
    """
    z2 = normal_quantile(confidence) ** 2
    part, whole = np.asarray(n_part, float), np.asarray(n_whole, float)
    share = ratio(part, whole)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(z2 * (whole * share * (1 - share)) + z2**2 / 4)
    middle = whole * share + z2 / 2
    low, high = ratio(middle - spread, whole + z2), ratio(middle + spread, whole + z2)
    # exact ends: rounding must not push an interval past a share of 0 or 1
    low = np.where(share <= 0, 0.0, np.clip(low, 0, 1))
    high = np.where(share >= 1, 1.0, np.clip(high, 0, 1))
    unknown = np.isnan(share)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def chi_square_quantile(probability: float, degrees: ArrayLike) -> NDArray[np.float64]:
    """Give a quantile of chi-square by the cube-root approximation (Wilson, Hilferty 1931).

    Within 1 % from two degrees of freedom on, and without the cost of loading scipy, which
    the audit does not need for anything else.

    >>> chi_square_quantile(0.975, [2, 10, 100]).round(2).tolist()
    [7.34, 20.48, 129.56]
    """
    k = np.asarray(degrees, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = 2 / (9 * k)
        root = 1 - part + NormalDist().inv_cdf(probability) * np.sqrt(part)
    return np.where(k > 0, k * np.clip(root, 0, None) ** 3, 0.0)


def compound_poisson_interval(
    total: ArrayLike,
    squares: ArrayLike,
    largest: ArrayLike,
    *,
    typical: float = 0.0,
    confidence: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the range of the expected sum of randomly many contributions of uneven size.

    The gamma interval of Fay and Feuer: unlike a sum plus or minus two standard errors it
    stays wide where few contributions were seen, and the largest one widens its upper end.

    Parameters
    ----------
    total, squares, largest : array_like
        Sum, sum of squares, and largest of the contributions seen.
    typical : float, default 0
        Size of one contribution where none was seen.
    confidence : float, default 0.95
        Level, strictly between 0 and 1.

    Returns
    -------
    low, high : ndarray
        NaN where ``total`` is negative or missing, or nothing tells the size of one.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    Ten contributions of 1 give the exact Poisson interval of 10, 4.80 to 18.39.

    >>> low, high = compound_poisson_interval(10, 10, 1)
    >>> round(low.item(), 1), round(high.item(), 1)
    (4.8, 18.4)
    """
    normal_quantile(confidence)  # refuses a level that is none
    tail = (1 - confidence) / 2
    y, v = np.asarray(total, float), np.asarray(squares, float)
    one = np.where(np.asarray(largest, float) > 0, np.asarray(largest, float), typical)
    low = ratio(v, 2 * y) * chi_square_quantile(tail, ratio(2 * y**2, v))
    low = np.where(y == 0, 0.0, low)
    more, spread = y + one, v + one**2
    high = ratio(spread, 2 * more) * chi_square_quantile(1 - tail, ratio(2 * more**2, spread))
    known = (y >= 0) & (one > 0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
