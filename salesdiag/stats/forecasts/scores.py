"""How good forecasts were: of amounts, and of chances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import counts_of, numbers, vector, whole_number
from salesdiag.stats.rates.shares import ratio, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class AmountScores(NamedTuple):
    """Errors of forecast amounts, one entry a series."""

    bias: NDArray[np.float64]
    mean_absolute_error: NDArray[np.float64]
    wape: NDArray[np.float64]
    mase: NDArray[np.float64]


class BrierSplit(NamedTuple):
    """Parts of the Brier score.

    ``brier`` = ``reliability`` - ``resolution`` + ``uncertainty`` + ``within_variance`` -
    ``within_covariance``, exactly; the last two are 0 without bins.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float
    n: float


class CalibrationTable(NamedTuple):
    """One entry a bin that holds any case, from low to high chances."""

    mean_probability: NDArray[np.float64]
    n: NDArray[np.float64]
    n_event: NDArray[np.float64]
    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Cases(NamedTuple):
    """Distinct forecasts in ascending order, with their cases and events."""

    probability: NDArray[np.float64]
    n_event: NDArray[np.float64]
    n: NDArray[np.float64]


def amount_scores(
    forecast: ArrayLike,
    actual: ArrayLike,
    *,
    history: ArrayLike | None = None,
    season_lag: int = 1,
) -> AmountScores:
    """Answer how far forecast amounts were off, and to which side.

    No mean of percentages: one small actual amount would decide it. Bias and absolute errors
    are set against the sum of the sizes of what came. The scaled error (MASE) compares with
    the plainest forecast there is, "as last time" (or, with ``season_lag``, "as in the same
    season before"), on the history that the forecaster had: below 1 is better than that.

    Parameters
    ----------
    forecast, actual : array_like, shape (..., n)
        Amounts in the same order; leading axes are separate series.
    history : array_like, shape (..., m), optional
        Actual amounts before the first forecast, in order of time, for ``mase``.
    season_lag : int, default 1
        Periods of a season: 12 for months of a year.

    Returns
    -------
    AmountScores
        ``bias`` is the sum of errors, ``wape`` the sum of absolute errors, both over the sum
        of absolute actual amounts: ``bias`` is above 0 where too much was forecast, also of
        negative amounts, ``wape`` 0 or more and never below the size of ``bias``. NaN where
        that sum is 0. ``mase`` is NaN without a history or where the
        history never moved.

    Raises
    ------
    InputError
        If amounts are missing, shapes differ, or the history is not longer than the lag.

    References
    ----------
    Hyndman, R. J. and Koehler, A. B. (2006). Another look at measures of forecast accuracy.
    International Journal of Forecasting 22, 679-688.

    Examples
    --------
    Three forecasts that are 10 too high, 20 too high and 6 too low against 300 in all.

    >>> found = amount_scores([110, 120, 94], [100, 100, 100], history=[90, 102, 98, 100])
    >>> found.bias.item(), found.wape.item(), found.mase.item()
    (0.08, 0.12, 2.0)
    """
    lag = whole_number("season_lag", season_lag, least=1)
    guess, truth = numbers("forecast", forecast), numbers("actual", actual)
    if guess.shape != truth.shape or not guess.ndim or not guess.shape[-1]:
        message = (
            f"forecast and actual must be lists of one length, 1 or more; got shapes "
            f"{guess.shape} and {truth.shape}."
        )
        raise InputError(message)
    error = guess - truth
    absolute = np.abs(error).mean(axis=-1)
    plain = np.full(absolute.shape, np.nan)
    if history is not None:
        past = numbers("history", history)
        if past.ndim != truth.ndim or past.shape[:-1] != truth.shape[:-1] or past.shape[-1] <= lag:
            message = (
                f"history must hold more than {lag} amounts for each series of actual; got "
                f"shape {past.shape} for {truth.shape}."
            )
            raise InputError(message)
        plain = np.abs(past[..., lag:] - past[..., :-lag]).mean(axis=-1)
    size = np.abs(truth).mean(axis=-1)
    return AmountScores(
        ratio(error.mean(axis=-1), size),
        absolute,
        ratio(absolute, size),
        ratio(absolute, plain),
    )


def brier_split(
    probability: ArrayLike,
    n_event: ArrayLike,
    n: ArrayLike = 1,
    *,
    bins: int | ArrayLike | None = None,
) -> BrierSplit:
    """Answer how good forecast chances were, and whether they were off or merely dull.

    Reliability is the harm of saying 70 % where 50 % came (0 is best). Resolution is what was
    gained by telling cases apart (more is better). Uncertainty is the spread of the outcomes
    themselves, which nobody can help. Without ``bins`` cases are put together where the
    forecasts are equal, and the three add up exactly. With few cases a forecast, reliability
    and resolution are then both too large by the same noise; with bins they are steadier, and
    two more terms for the differences inside a bin keep the sum exact.

    Parameters
    ----------
    probability : array_like
        Forecast chances in [0, 1].
    n_event, n : array_like
        Events and cases of each forecast; single cases have ``n`` 1 and 0 or 1 events. Sizes
        need not be whole numbers, so weights may be given.
    bins : int or array_like, optional
        A number of bins with about equally many cases (equal forecasts stay together), or
        ascending inner borders; a chance on a border belongs to the upper bin.

    Returns
    -------
    BrierSplit
        ``brier`` in [0, 1], 0 is perfect; NaN where there is no case.

    Raises
    ------
    InputError
        If a chance lies outside [0, 1], there are more events than cases, or borders do not
        ascend.

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly
    Weather Review 78, 1-3.

    Murphy, A. H. (1973). A new vector partition of the probability score. Journal of Applied
    Meteorology 12, 595-600.

    Stephenson, D. B., Coelho, C. A. S. and Jolliffe, I. T. (2008). Two extra components in the
    Brier score decomposition. Weather and Forecasting 23, 752-757.

    Examples
    --------
    Of 10 cases at 80 % there came 6, of 10 at 30 % there came 2.

    >>> found = brier_split([0.8, 0.3], [6, 2], [10, 10])
    >>> [round(one, 6) for one in found[:4]]
    [0.225, 0.025, 0.04, 0.24]
    """
    cases = read_cases(probability, n_event, n)
    total = float(cases.n.sum())
    if not total:
        return BrierSplit._make([*(6 * [np.nan]), 0.0])
    weight = cases.n / total
    rate, code = cases.n_event / cases.n, _bin_of(cases, bins)
    in_bin = _sums(code, weight)
    mean = (_sums(code, weight * cases.probability) / in_bin)[code]
    mean_rate = (_sums(code, weight * rate) / in_bin)[code]
    base = float(weight @ rate)
    miss = rate * (1 - cases.probability) ** 2 + (1 - rate) * cases.probability**2
    away, rate_away = cases.probability - mean, rate - mean_rate
    return BrierSplit(
        brier=float(weight @ miss),
        reliability=float(weight @ (mean - mean_rate) ** 2),
        resolution=float(weight @ (mean_rate - base) ** 2),
        uncertainty=base * (1 - base),
        within_variance=float(weight @ away**2),
        within_covariance=float(2 * weight @ (away * rate_away)),
        n=total,
    )


def log_score(probability: ArrayLike, n_event: ArrayLike, n: ArrayLike = 1) -> float:
    """Answer how surprised the forecaster was on average, in natural logarithms.

    Unlike the Brier score it does not forgive certainty: one event that was called impossible
    makes it infinite, and no forecast is cut to hide that.

    Parameters
    ----------
    probability, n_event, n : array_like
        As for `brier_split`.

    Returns
    -------
    float
        0 or more, 0 is perfect, infinite where an impossible thing came; NaN without a case.

    References
    ----------
    Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and
    estimation. Journal of the American Statistical Association 102, 359-378.

    Examples
    --------
    >>> round(log_score([0.8, 0.3], [6, 2], [10, 10]), 4)
    0.6519
    """
    cases = read_cases(probability, n_event, n)
    total = float(cases.n.sum())
    if not total:
        return np.nan
    missed = cases.n - cases.n_event
    told = special.xlogy(cases.n_event, cases.probability)
    return float(-np.sum(told + special.xlog1py(missed, -cases.probability)) / total)


def calibration_table(
    probability: ArrayLike,
    n_event: ArrayLike,
    n: ArrayLike = 1,
    *,
    bins: int | ArrayLike | None = 10,
    confidence: float = 0.95,
) -> CalibrationTable:
    """Answer bin by bin whether what was called 30 % came in 30 of 100 cases.

    Parameters
    ----------
    probability, n_event, n : array_like
        As for `brier_split`.
    bins : int, array_like or None, default 10
        As for `brier_split`; None gives a row for each distinct forecast.
    confidence : float, default 0.95
        Level of Wilson's interval of the rate.

    Returns
    -------
    CalibrationTable
        Bins that hold a case. A bin is well calibrated if ``mean_probability`` lies within
        ``low`` and ``high``. Do not make much of one bin: of ten independent intervals at
        95 % at least one misses in 40 % of perfectly calibrated tables.

    Raises
    ------
    InputError
        As for `brier_split`.

    References
    ----------
    Murphy, A. H. and Winkler, R. L. (1977). Reliability of subjective probability forecasts of
    precipitation and temperature. Applied Statistics 26, 41-47.

    Examples
    --------
    >>> calibration_table([0.2, 0.3, 0.8], [1, 3, 9], [10, 10, 10], bins=[0.5]).rate.tolist()
    [0.2, 0.9]
    """
    cases = read_cases(probability, n_event, n)
    code = _bin_of(cases, bins)
    whole, part = _sums(code, cases.n), _sums(code, cases.n_event)
    low, high = wilson_interval(part, whole, confidence=confidence)
    mean = ratio(_sums(code, cases.n * cases.probability), whole)
    return CalibrationTable(mean, whole, part, ratio(part, whole), low, high)


def read_cases(probability: ArrayLike, n_event: ArrayLike, n: ArrayLike) -> Cases:
    """Add up the cases of equal forecasts; those without a case are dropped."""
    chance = vector("probability", probability, least=0, most=1)
    part, whole = counts_of(n_event, n, names=("n_event", "n"))
    if np.isnan(part).any() or np.isnan(whole).any():
        message = "n_event and n must not hold missing values."
        raise InputError(message)
    try:
        part, whole = (np.broadcast_to(one, chance.shape) for one in (part, whole))
    except ValueError:
        message = f"n_event must have one entry a row, {len(chance)}; got shape {part.shape}."
        raise InputError(message) from None
    # in an order of their own, so that sums do not depend on the order of rows
    order = np.lexsort((part, whole, chance))
    order = order[whole[order] > 0]
    distinct, code = np.unique(chance[order], return_inverse=True)
    return Cases(
        distinct,
        _sums(code, part[order]),
        _sums(code, whole[order]),
    )


def _sums(code: NDArray[np.intp], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the weights of each code."""
    return np.bincount(code, weight).astype(np.float64)


def _bin_of(cases: Cases, bins: int | ArrayLike | None) -> NDArray[np.intp]:
    """Give each distinct forecast the number of its bin; bins without one are left out."""
    if bins is None:
        return np.arange(len(cases.n))
    if isinstance(bins, int | np.integer):
        number = whole_number("bins", int(bins), least=1)
        # the middle case of a forecast decides in which of the equal parts it lies
        middle = (np.cumsum(cases.n) - cases.n / 2) / max(cases.n.sum(), 1e-300)
        code = np.minimum((middle * number).astype(np.intp), number - 1)
    else:
        borders = vector("bins", bins, least=0, most=1)
        if (np.diff(borders) <= 0).any():
            message = "bins must ascend without repeats."
            raise InputError(message)
        code = np.searchsorted(borders, cases.probability, side="right")
    return np.unique(code, return_inverse=True)[1]
