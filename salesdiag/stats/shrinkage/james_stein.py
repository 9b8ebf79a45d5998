"""Shrinkage by the classical formula, for estimates of one known variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import vector
from salesdiag.stats.shrinkage.units import check_variance

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
        If there are fewer than four values, one is NaN, or the variance is not above 0.

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
    estimate = vector("value", value, at_least=4)
    noise = vector("variance", [variance], least=0)
    check_variance(noise)
    mean = float(np.sort(estimate).mean())
    squares = float(np.sum(np.sort((estimate - mean) ** 2)))
    kept = 1 - (len(estimate) - 3) * float(noise[0]) / squares if squares > 0 else 0.0
    weight = max(kept, 0.0)
    return JamesStein(mean + weight * (estimate - mean), mean, weight)
