"""How strong something unseen would have to be to overturn a regression's estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import broadcast, numbers, share
from salesdiag.stats.effects.e_values import positive
from salesdiag.stats.rates.student import t_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TINY = 1e-300  # below it 2 over a number is none


class AdjustedEstimate(NamedTuple):
    """An estimate as it would be with the hidden cause taken into account."""

    r2_treatment: NDArray[np.float64]
    r2_outcome: NDArray[np.float64]
    estimate: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def partial_r2(t: ArrayLike, df: ArrayLike) -> NDArray[np.float64]:
    """Give the share of what is left of the outcome that the treatment explains.

    It is also a worst case: a hidden cause that explains all the rest of the outcome must
    explain at least this share of the treatment to bring the estimate to zero.

    Parameters
    ----------
    t : array_like
        Estimate over its standard error, from a linear regression.
    df : array_like
        Its residual degrees of freedom, above 0.

    Returns
    -------
    ndarray
        In [0, 1]; 1 only where it is too near for a float to tell.

    Raises
    ------
    InputError
        If ``t`` is not a number, ``df`` not above 0 or their shapes do not fit.

    Examples
    --------
    >>> partial_r2(4.18445, 783).round(4).item()
    0.0219
    """
    size, degrees = broadcast(t=numbers("t", t), df=positive("df", df))
    strength = size / np.sqrt(degrees)
    return np.asarray((strength / np.hypot(1, strength)) ** 2)


def robustness_value(
    t: ArrayLike, df: ArrayLike, *, q: float = 1.0, alpha: float | None = None
) -> NDArray[np.float64]:
    """Give the strength at which a hidden cause would overturn a regression's estimate.

    A cause that explains less than this share of what is left of the treatment *and* of the
    outcome cannot take away the share ``q`` of the estimate. With ``alpha`` the question is
    whether the interval would still leave zero (or what ``q`` leaves of the estimate) out.

    Parameters
    ----------
    t : array_like
        Estimate over its standard error.
    df : array_like
        Residual degrees of freedom, above 1.
    q : float, default 1
        Share of the estimate to be taken away; 1 means all of it.
    alpha : float, optional
        Level of the test, such as 0.05; without it the estimate alone is judged.

    Returns
    -------
    ndarray
        In [0, 1]; 0 where the interval holds the goal already, 1 only where it is too near for
        a float to tell.

    Raises
    ------
    InputError
        If ``df`` is not above 1, ``q`` not above 0, ``alpha`` not between 0 and 1, or shapes
        do not fit.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). Making sense of sensitivity: extending omitted
    variable bias. Journal of the Royal Statistical Society B 82, 39-67.

    Examples
    --------
    >>> robustness_value(4.18445, 783).round(3).item()
    0.139
    >>> robustness_value(4.18445, 783, alpha=0.05).round(3).item()
    0.076
    """
    degrees = numbers("df", df)
    if np.any(degrees <= 1):
        message = f"df must be above 1; got {degrees.min():g}."
        raise InputError(message)
    size, degrees, part = broadcast(t=numbers("t", t), df=degrees, q=positive("q", q))
    strength = part * np.abs(size / np.sqrt(degrees))
    needed = np.zeros(degrees.shape)
    if alpha is not None:
        needed = t_quantile(degrees - 1, 1 - share("alpha", alpha))
        needed = needed / np.sqrt(degrees - 1)
    spare = np.maximum(strength - needed, 0)
    some = spare > _TINY
    # (sqrt(s**4 + 4 s**2) - s**2) / 2, without a difference of large numbers
    equal = 2 / (1 + np.hypot(1, 2 / np.where(some, spare, 1.0)))
    # beyond this strength a cause does most by leaving the outcome's noise as it is
    above = np.where(some, strength, 1.0)
    corner = (1 - (np.minimum(needed, above) / above) ** 2) * (above / np.hypot(1, above)) ** 2
    return np.where(some, np.where(needed > 1 / above, corner, equal), spare)


def adjusted_estimate(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    df: ArrayLike,
    *,
    r2_treatment: ArrayLike,
    r2_outcome: ArrayLike,
    strength: ArrayLike = 1.0,
    confidence: float = 0.95,
) -> AdjustedEstimate:
    """Give the estimate that would remain if a hidden cause were as strong as a known one.

    The known one is a covariate of the same regression. Its two shares say how much of what
    the other covariates leave of the treatment, and of the outcome given the treatment, it
    explains. The hidden cause is taken to pull towards zero, which is the worst case.

    Parameters
    ----------
    estimate, standard_error, df : array_like
        Of the treatment, from a linear regression.
    r2_treatment, r2_outcome : array_like
        Partial R2 of the known covariate with the treatment and with the outcome, in [0, 1);
        `partial_r2` gives them from the covariate's own t in each regression.
    strength : array_like, default 1
        How many times as strong the hidden cause is, 0 or more.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    AdjustedEstimate
        The hidden cause's own two shares (that of the outcome at most 1), the estimate that
        would remain, its standard error and its interval. All NaN where so strong a cause
        cannot exist, because it would explain more than the whole of the treatment.

    Raises
    ------
    InputError
        If a share is outside [0, 1), a standard error or ``df - 1`` is not above 0, or
        ``strength`` is negative, or shapes do not fit.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). Making sense of sensitivity: extending omitted
    variable bias. Journal of the Royal Statistical Society B 82, 39-67.

    Examples
    --------
    >>> found = adjusted_estimate(0.0973, 0.0233, 783, r2_treatment=0.0091, r2_outcome=0.109)
    >>> found.estimate.round(3).item()
    0.075
    """
    effect, error = numbers("estimate", estimate), positive("standard_error", standard_error)
    degrees = numbers("df", df)
    if np.any(degrees <= 1):
        message = f"df must be above 1; got {degrees.min():g}."
        raise InputError(message)
    with_treatment, with_outcome = _hidden_shares(r2_treatment, r2_outcome, strength)
    effect, error, degrees, with_treatment, with_outcome = broadcast(
        estimate=effect, standard_error=error, df=degrees, r2_treatment=with_treatment,
        r2_outcome=with_outcome,
    )  # fmt: skip
    left = 1 - with_treatment
    bias = error * np.sqrt(degrees * with_outcome * with_treatment / left)
    adjusted = np.sign(effect) * (np.abs(effect) - bias)
    wobble = error * np.sqrt((1 - with_outcome) / left * degrees / (degrees - 1))
    reach = t_quantile(degrees - 1, share("confidence", confidence)) * wobble
    found = (with_treatment, with_outcome, adjusted, wobble, adjusted - reach, adjusted + reach)
    return AdjustedEstimate(*np.broadcast_arrays(*found))


def _hidden_shares(
    r2_treatment: ArrayLike, r2_outcome: ArrayLike, strength: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the two shares of a cause so many times as strong; NaN where it cannot exist."""
    below_one = np.nextafter(1, 0)
    d = numbers("r2_treatment", r2_treatment, least=0, most=below_one)
    y = numbers("r2_outcome", r2_outcome, least=0, most=below_one)
    times = numbers("strength", strength, least=0)
    d, y, times = broadcast(r2_treatment=d, r2_outcome=y, strength=times)
    with_treatment = times * d / (1 - d)
    with_treatment = np.where(with_treatment < 1, with_treatment, np.nan)
    shared = times * d**2 / ((1 - np.where(times * d < 1, times * d, np.nan)) * (1 - d))
    shared = np.where(shared < 1, shared, np.nan)  # overlap of the two, given the treatment
    factor = (np.sqrt(times) + np.sqrt(shared)) / np.sqrt(1 - shared)
    with_outcome = np.minimum(factor**2 * y / (1 - y), 1)
    known = ~np.isnan(with_treatment + with_outcome)
    return np.where(known, with_treatment, np.nan), np.where(known, with_outcome, np.nan)
