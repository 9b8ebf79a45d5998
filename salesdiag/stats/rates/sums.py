"""The expected sum of randomly many contributions, each of its own size."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.arguments import share
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
    tail = (1 - share("confidence", confidence)) / 2
    y, v = np.asarray(total, float), np.asarray(squares, float)
    one = np.where(np.asarray(largest, float) > 0, np.asarray(largest, float), typical)
    low = ratio(v, 2 * y) * chi_square_quantile(tail, ratio(2 * y**2, v))
    low = np.where(y == 0, 0.0, low)
    more, spread = y + one, v + one**2
    high = ratio(spread, 2 * more) * chi_square_quantile(1 - tail, ratio(2 * more**2, spread))
    known = (y >= 0) & (one > 0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
