"""How much a series moved at a date that was known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import one_of, share, whole_number
from salesdiag.stats.change.dates import (
    Series,
    average_level,
    norms,
    read_series,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

# autocorrelations to average over; -1 and 1 themselves are no stationary series
AUTOCORRELATIONS = np.linspace(-0.975, 0.975, 79)


class StepEffect(NamedTuple):
    """Size of a step at a date that was known beforehand."""

    effect: float
    low: float
    high: float
    p_value: float
    level_before: float
    level_after: float
    autocorrelation: float


def step_at(
    values: ArrayLike,
    position: int,
    *,
    season: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
    noise: Literal["first_order", "independent"] = "first_order",
    confidence: float = 0.95,
) -> StepEffect:
    """Answer how much the level moved at a date that was known before the series was seen.

    For a date found in the series itself use `change_dates`; its p-value counts the search,
    this one does not. Neighbouring periods are often alike, which makes a plain interval too
    narrow. Here the series is fitted by Prais-Winsten regression at each first-order
    autocorrelation from -0.975 to 0.975, and the results are averaged by how well each fits
    (restricted likelihood, all equally likely beforehand). So the interval also carries that
    the autocorrelation is hardly known from a short series; plugging in one estimate does not.

    A step is all that is fitted: a trend across the date is taken for a step. With a year of
    data and neighbours as alike as 0.6 the interval is still too narrow (see the table).

    Share of series without a step in which a step was seen at 5 % (4,000 simulated each, step
    in the middle), with this interval and with least squares:

    ================ ======== ============== =============
    autocorrelation  periods  first_order    independent
    ================ ======== ============== =============
    0.0              12       3.6 %          4.8 %
    0.0              24       4.5 %          5.4 %
    0.0              36       4.3 %          4.9 %
    0.3              12       5.1 %          12.6 %
    0.3              24       5.0 %          13.9 %
    0.3              36       4.2 %          14.3 %
    0.6              12       8.1 %          27.1 %
    0.6              24       5.8 %          31.0 %
    0.6              36       5.4 %          32.2 %
    ================ ======== ============== =============

    Parameters
    ----------
    values : array_like
        One total or mean a period, in order of time, no gaps.
    position : int
        Index of the first period at the new level.
    season, exposure : array_like, optional
        As for `change_dates`.
    noise : {"first_order", "independent"}
        Whether neighbouring periods may be alike.
    confidence : float, default 0.95
        Level, strictly between 0 and 1.

    Returns
    -------
    StepEffect
        ``effect`` per unit of exposure with its interval; levels are averages over the
        seasons; ``autocorrelation`` is the average that went in (0 for independent noise).
        ``p_value`` is NaN and the interval has no width where the fit leaves nothing.

    Raises
    ------
    InputError
        If the position leaves no period on one side, the step cannot be told from the season,
        or fewer than two periods are left to estimate the noise from.

    References
    ----------
    Prais, S. J. and Winsten, C. B. (1954). Trend estimators and serial correlation. Cowles
    Commission Discussion Paper 383.

    Zellner, A. and Tiao, G. C. (1964). Bayesian analysis of the regression model with
    autocorrelated errors. Journal of the American Statistical Association 59, 763-778.

    Examples
    --------
    >>> found = step_at([5, 6, 5, 7, 6, 5, 9, 10, 9, 11, 9, 10], 6)
    >>> round(found.effect, 2), round(found.low, 1), round(found.high, 1)
    (3.97, 3.0, 5.0)
    """
    one_of("noise", noise, ("first_order", "independent"))
    tail = (1 - share("confidence", confidence)) / 2
    series = read_series(values, season, exposure, 1)
    n = len(series.y)
    step = series.steps[:, whole_number("position", position, least=1, most=n - 1)]
    design = np.column_stack([series.base, step])
    degrees = n - design.shape[1]
    if degrees < 2 or norms(without(series.base, step[:, None]))[0] == 0:
        message = (
            f"values must tell the step at {position} from the season: {n} periods with "
            f"{series.base.shape[1]} seasons do not."
        )
        raise InputError(message)
    at = AUTOCORRELATIONS if noise == "first_order" else np.zeros(1)
    effects, errors, before, weight = _prais_winsten(series, design, at)
    if not errors.any():
        exact, start = float(effects[0]) * series.unit, float(before[0])
        return StepEffect(exact, exact, exact, np.nan, start, start + exact, 0.0)

    def tail_of(value: float, side: float) -> float:
        return float(weight @ special.stdtr(degrees, side * (value - effects) / errors))

    def below(value: float) -> float:
        return tail_of(value, 1.0)

    middle = float(weight @ effects)
    ends = (_quantile(below, goal, middle, float(errors.max())) for goal in (tail, 1 - tail))
    # each tail by itself: one less the other would leave nothing but rounding far out
    p_value = min(2 * min(tail_of(0.0, 1.0), tail_of(0.0, -1.0)), 1.0)
    middle, low, high = (one * series.unit for one in (middle, *ends))
    start = float(weight @ before)
    return StepEffect(middle, low, high, p_value, start, start + middle, float(weight @ at))


def _prais_winsten(
    series: Series, design: NDArray[np.float64], at: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Give the step, its error, the level before and the weight at each autocorrelation."""
    n, n_columns = design.shape
    both = np.column_stack([design, series.y])
    turned = np.repeat(both[None], len(at), axis=0)
    turned[:, 1:] -= at[:, None, None] * both[:-1]
    turned[:, 0] *= np.sqrt(1 - at**2)[:, None]
    x, y = turned[..., :-1], turned[..., -1:]
    basis, triangle = np.linalg.qr(x)
    value = np.linalg.solve(triangle, basis.swapaxes(1, 2) @ y)[..., 0]
    rest = np.sum((y[..., 0] - np.einsum("gij,gj->gi", x, value)) ** 2, axis=1)
    before = np.array([average_level(series, one[:-1]) for one in value])
    if (rest <= series.rounding).any():
        return value[:, -1], np.zeros(len(at)), before, np.full(len(at), 1 / len(at))
    # the step is the last column, so its error is one over the last pivot
    error = np.sqrt(rest / (n - n_columns)) / np.abs(triangle[:, -1, -1])
    pivots = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    fit = np.log(1 - at**2) / 2 - np.log(pivots).sum(axis=1) - (n - n_columns) / 2 * np.log(rest)
    weight = np.exp(fit - fit.max())
    return value[:, -1], error, before, weight / weight.sum()


def _quantile(below: Callable[[float], float], goal: float, middle: float, error: float) -> float:
    """Find where a distribution function reaches the goal."""
    from scipy.optimize import brentq

    reach = error
    while not below(middle - reach) < goal < below(middle + reach):
        reach *= 2
    return float(brentq(lambda at: below(at) - goal, middle - reach, middle + reach))
