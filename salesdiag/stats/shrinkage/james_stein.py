"""Shrinkage by the classical formula, for estimates of one known variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import one_number, vector
from salesdiag.stats.shrinkage.units import LARGEST, check_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class JamesStein(NamedTuple):
    """Shrunken values, what they were pulled to, and the share of a difference that is kept."""

    value: NDArray[np.float64]
    mean: float
    weight: float


def james_stein(value: ArrayLike, variance: float) -> JamesStein:
    """Shrink estimates of one known variance towards their mean, after Efron and Morris.

    The classical formula, without intervals: of each difference from the mean the share
    1 - (k - 3) variance / (sum of squared differences) is kept, and none where that is
    negative. It beats the plain estimates in total squared error whatever the truth is.

    Parameters
    ----------
    value : array_like, shape (k,)
        Estimates, at least four.
    variance : float
        Their common sampling variance, above 0.

    Returns
    -------
    JamesStein
        ``value``, one a unit; ``mean``, the plain mean; ``weight`` in [0, 1], the share kept.

    Raises
    ------
    InputError
        If there are fewer than four values, one is NaN or beyond 1e100, or the variance is
        below 1e-200.

    References
    ----------
    Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its
    generalizations. Journal of the American Statistical Association 70, 311-319.

    Examples
    --------
    >>> shrunken = james_stein([0.1, 0.2, 0.3, 0.4, 0.5], 0.01)
    >>> round(shrunken.weight, 2), shrunken.value.round(2).tolist()
    (0.8, [0.14, 0.22, 0.3, 0.38, 0.46])
    """
    estimate = vector("value", value, least=-LARGEST, most=LARGEST, at_least=4)
    noise = one_number("variance", variance, least=0)
    check_variance(np.array([noise]))
    mean = float(np.sort(estimate).mean())
    apart = estimate - mean
    unit = float(np.abs(apart).max())
    if unit == 0:
        return JamesStein(np.full(len(estimate), mean), mean, 0.0)
    # in units of the largest difference no square vanishes
    squares = float(np.sum(np.sort((apart / unit) ** 2)))
    kept = 1 - (len(estimate) - 3) * (noise / unit / unit) / squares
    weight = max(kept, 0.0)
    return JamesStein(mean + weight * apart, mean, weight)
