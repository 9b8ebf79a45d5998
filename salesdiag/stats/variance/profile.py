"""How large the variance between units may be, from estimates with known variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.stats.arguments import share
from salesdiag.stats.shrinkage.units import LARGEST, check_variance, pair_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def tau_squared_interval(
    value: ArrayLike, variance: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Give the interval of the variance between units, by profiling Cochran's Q.

    The weighted sum of squares about the weighted mean, with weights 1 / (variance + tau2),
    follows a chi-square distribution at the true tau2: the interval holds all values at which
    it is no surprise. Exact for normal estimates; it may be 0 to 0 where units differ even less
    than chance would make them, and then says only that nothing tells them apart.

    Parameters
    ----------
    value : array_like, shape (I,)
        Estimates, one a unit.
    variance : array_like, shape (I,)
        Their sampling variances, above 0. Units with NaN in either are left out.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    low, high : float
        0 or more; NaN with fewer than two units.

    References
    ----------
    Viechtbauer, W. (2007). Confidence intervals for the amount of heterogeneity in
    meta-analysis. Statistics in Medicine 26, 37-52.

    Examples
    --------
    >>> low, high = tau_squared_interval([0.2, 0.5, 0.8], [0.02, 0.02, 0.02])
    >>> round(low, 3), round(high, 2)
    (0.004, 3.53)
    """
    from scipy import special

    level = share("confidence", confidence)
    estimate, noise = pair_of(("value", "variance"), value, variance, least=-LARGEST)
    check_variance(noise)
    known = ~(np.isnan(estimate) | np.isnan(noise))
    estimate, noise = estimate[known], noise[known]
    order = np.lexsort((noise, estimate))
    estimate, noise = estimate[order], noise[order]
    df = len(estimate) - 1
    if df < 1:
        return np.nan, np.nan
    estimate = estimate - np.median(estimate)
    tail = (1 - level) / 2
    squares = float(np.sum((estimate - estimate.mean()) ** 2))

    def where(target: float) -> float:
        def excess(tau2: float) -> float:
            precision = 1 / (noise + tau2)
            mean = precision @ estimate / precision.sum()
            return float(precision @ (estimate - mean) ** 2) - target

        if excess(0.0) <= 0:
            return 0.0
        from scipy.optimize import brentq

        # above this even the plain sum of squares over tau2 is below the target
        return float(brentq(excess, 0.0, 2 * squares / target, xtol=1e-300, rtol=1e-10))

    low, high = special.chdtri(df, tail), special.chdtri(df, 1 - tail)
    return where(float(low)), where(float(high))
