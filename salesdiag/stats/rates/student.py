"""Student's t: how far an interval reaches, and how rare an estimate would be by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def t_quantile(degrees: ArrayLike, level: float) -> NDArray[np.float64]:
    """Give the number of standard errors that an interval reaches to either side.

    Parameters
    ----------
    degrees : array_like
        Degrees of freedom, not necessarily whole; infinity is the normal distribution.
    level : float
        Probability that the interval shall hold, checked by the caller.

    Returns
    -------
    ndarray
        Above 0; NaN where ``degrees`` is NaN or not above 0.

    Examples
    --------
    >>> t_quantile([4, np.inf, 0], 0.95).round(3).tolist()
    [2.776, 1.96, nan]
    """
    from scipy import special

    df = np.asarray(degrees, dtype=float)
    known = df > 0
    found = special.stdtrit(np.where(known, df, 1.0), 0.5 + level / 2)
    return np.asarray(np.where(known, found, np.nan))


def t_interval(
    estimate: ArrayLike, error: ArrayLike, degrees: ArrayLike, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give both ends of the interval of estimates with standard errors.

    Returns
    -------
    low, high : ndarray
        NaN where an argument is, or ``degrees`` is not above 0; an error of 0 gives no width.

    Examples
    --------
    >>> low, high = t_interval(10, 2, 4, 0.95)
    >>> low.round(2).item(), high.round(2).item()
    (4.45, 15.55)
    """
    middle = np.asarray(estimate, dtype=float)
    reach = t_quantile(degrees, confidence) * np.asarray(error, dtype=float)
    return np.asarray(middle - reach), np.asarray(middle + reach)


def two_sided_p(estimate: ArrayLike, error: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """Give the chance of an estimate at least as far from 0 if there is nothing to find.

    Returns
    -------
    ndarray
        In [0, 1]; NaN where an argument is NaN, or error or degrees are not above 0.

    Examples
    --------
    >>> two_sided_p([2.776, 0], [1, 0], 4).round(3).tolist()
    [0.05, nan]
    """
    from scipy import special

    noise, df = np.asarray(error, dtype=float), np.asarray(degrees, dtype=float)
    t = np.abs(np.asarray(estimate, dtype=float)) / np.where(noise > 0, noise, np.nan)
    return np.asarray(2 * special.stdtr(np.where(df > 0, df, np.nan), -t))
