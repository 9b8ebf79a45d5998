"""How strong something unseen would have to be to explain a ratio of shares away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import broadcast, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROUNDED = 1e-9  # an interval may miss its estimate by this share, which is rounding


class EValue(NamedTuple):
    """What a hidden cause would have to do, as risk ratios of 1 or more."""

    estimate: NDArray[np.float64]
    limit: NDArray[np.float64]


def e_value(
    risk_ratio: ArrayLike,
    low: ArrayLike = np.nan,
    high: ArrayLike = np.nan,
    *,
    target: float = 1.0,
) -> EValue:
    """Give the risk ratio that a hidden cause needs, with both sides, to explain an estimate.

    A cause that raises the chance of the treatment and the chance of the outcome by less than
    this factor each, over and above what was adjusted for, cannot bring the estimate down to
    ``target``. A large value does not show that no such cause exists; whether a factor of 2
    is much depends on what was left out. A ratio below 1 is turned over first.

    Parameters
    ----------
    risk_ratio : array_like
        Ratio of the two shares, above 0. Odds ratios and differences are converted first
        with `risk_ratio_of_odds` and `risk_ratio_of_difference`.
    low, high : array_like, optional
        Its interval; NaN where there is none.
    target : float, default 1
        The ratio to be reached, above 0; 1 means no effect at all.

    Returns
    -------
    EValue
        ``estimate``: for the ratio itself, 1 or more. ``limit``: for the end of the interval
        that is nearer to the target; 1 where the interval holds the target, NaN where that
        end is missing.

    Raises
    ------
    InputError
        If a ratio is not above 0, ``low`` lies above ``high``, the interval does not hold
        the ratio, or shapes do not fit.

    References
    ----------
    VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research:
    introducing the E-value. Annals of Internal Medicine 167, 268-274.

    Examples
    --------
    >>> found = e_value(3.9, 1.8, 8.7)
    >>> round(found.estimate.item(), 2), round(found.limit.item(), 2)
    (7.26, 3.0)
    """
    goal = positive("target", target)
    ratio, lower, upper = (
        positive(name, values, missing=name != "risk_ratio") / goal
        for name, values in (("risk_ratio", risk_ratio), ("low", low), ("high", high))
    )
    ratio, lower, upper, goal = broadcast(risk_ratio=ratio, low=lower, high=upper, target=goal)
    if np.any(lower > upper):
        message = "low must not lie above high: an interval runs from low to high."
        raise InputError(message)
    outside = (ratio < lower * (1 - _ROUNDED)) | (ratio > upper * (1 + _ROUNDED))
    if np.any(outside):
        message = (
            f"low and high must hold risk_ratio; got {(ratio * goal)[outside][0]:g} outside "
            f"{(lower * goal)[outside][0]:g} to {(upper * goal)[outside][0]:g}."
        )
        raise InputError(message)
    nearer = np.where(ratio >= 1, np.maximum(lower, 1), np.minimum(upper, 1))
    return EValue(_needed_factor(ratio), _needed_factor(nearer))


def risk_ratio_of_odds(
    odds_ratio: ArrayLike, *, base_rate: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Turn an odds ratio into the risk ratio that an E-value needs.

    Parameters
    ----------
    odds_ratio : array_like
        Above 0.
    base_rate : array_like, optional
        Share with the outcome where untreated, in [0, 1]. The conversion is then exact
        (near 0 it leaves the ratio as it is). Without it the square root is taken, which is
        close for outcomes that 20 to 80 % have and too cautious for rare ones.

    Returns
    -------
    ndarray
        Above 0.

    Raises
    ------
    InputError
        If a ratio is not above 0 or a share is outside [0, 1].

    References
    ----------
    VanderWeele, T. J. (2017). On a square-root transformation of the odds ratio for a common
    outcome. Epidemiology 28, e58-e60.
    Zhang, J. and Yu, K. F. (1998). What's the relative risk? JAMA 280, 1690-1691.

    Examples
    --------
    A share of one half against one quarter: odds of 1 against 1/3.

    >>> risk_ratio_of_odds(3, base_rate=0.25).item()
    2.0
    """
    odds = positive("odds_ratio", odds_ratio)
    if base_rate is None:
        return np.asarray(np.sqrt(odds))
    base = numbers("base_rate", base_rate, least=0, most=1)
    return np.asarray(odds / (1 - base + base * odds))


def risk_ratio_of_difference(difference: ArrayLike, *, base_rate: ArrayLike) -> NDArray[np.float64]:
    """Turn a difference of two shares into the risk ratio that an E-value needs.

    Parameters
    ----------
    difference : array_like
        Share where treated less share where untreated, in [-1, 1].
    base_rate : array_like
        Share with the outcome where untreated, in (0, 1].

    Returns
    -------
    ndarray
        0 or more; an interval of the difference is converted end by end, with the base rate
        taken as known.

    Raises
    ------
    InputError
        If a share is outside its range, or both together leave [0, 1].

    Examples
    --------
    >>> risk_ratio_of_difference(0.05, base_rate=0.2).round(6).item()
    1.25
    """
    gap = numbers("difference", difference, least=-1, most=1)
    base = positive("base_rate", base_rate)
    treated = base + gap
    if np.any((treated < -1e-12) | (treated > 1 + 1e-12)) or np.any(base > 1):
        message = "base_rate and base_rate + difference must be shares between 0 and 1."
        raise InputError(message)
    return np.asarray(np.clip(treated, 0, 1) / base)


def _needed_factor(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.where(ratio < 1, 1 / ratio, ratio)
    return np.asarray(above + np.sqrt(above * (above - 1)))


def positive(name: str, values: ArrayLike, *, missing: bool = False) -> NDArray[np.float64]:
    """Read an argument as floats above 0, of any shape.

    >>> positive("df", [1, 2]).tolist()
    [1.0, 2.0]
    """
    array = numbers(name, values, missing=missing)
    if np.any(array <= 0):
        message = f"{name} must be above 0; got {array[array <= 0].flat[0]:g}."
        raise InputError(message)
    return array
