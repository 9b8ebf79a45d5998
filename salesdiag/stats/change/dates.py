"""Since when a series runs at another level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, one_number, share, vector, whole_number
from salesdiag.stats.rates.student import t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# what is left below this share of the squares (1e-13 of the values) is rounding, not noise
ROUNDING = 1e-26
_LARGEST = 1e250  # sums of larger values may be no numbers


class ChangeDates(NamedTuple):
    """One entry a change in order of time, and the test of any change at all.

    ``position`` is the index of the first period at the new level.
    """

    position: NDArray[np.intp]
    level_before: NDArray[np.float64]
    level_after: NDArray[np.float64]
    size: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    plausible: tuple[NDArray[np.intp], ...]
    any_p_value: float


class Series(NamedTuple):
    """A series ready for least squares: rows scaled so that all have the same noise.

    ``y`` is the distance from ``centre`` in steps of ``unit``, so that neither a high level
    nor tiny or huge values cost digits; squares up to ``rounding`` are no noise.
    """

    y: NDArray[np.float64]
    base: NDArray[np.float64]
    steps: NDArray[np.float64]
    scale: NDArray[np.float64]
    centre: float
    unit: float
    rounding: float


def change_dates(
    values: ArrayLike,
    *,
    season: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
    max_changes: int = 3,
    min_length: int = 3,
    autocorrelation: float = 0.0,
    level: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
    n_draws: int = 3999,
) -> ChangeDates:
    """Answer whether and when a series moved to another level, with nobody naming the date.

    Levels and season are estimated together, so that a change is not taken for season. A
    change enters if one step, or a pair of steps (a dip that ends again), at the best dates
    explains more than in all but 5 % of series without it. As the best of many dates always
    explains something, this is judged against simulated normal series of the same length,
    season and exposure, searched in the same way. Then a further change is sought given those
    found, and the dates are fitted anew together.

    Without a change and with independent normal noise, a change at 5 % was found in 5.1, 4.9,
    3.7 and 3.6 % of simulated series of 12, 24, 36 and 104 periods (5.4 % of 36 with a season
    of 12). With first-order autocorrelation of 0.3 that nobody told, it was found in 18, 25,
    28 and 40 %: neighbours that are alike look like levels. Give ``autocorrelation`` if it is
    known from many series of the kind, and the shares are 4.6, 5.3, 4.7 and 3.8 %. It cannot be
    taken from one short series, where a change looks like autocorrelation.

    A change of two standard deviations in the middle of 24 periods was found in 96 % and dated
    within one period in 86 % of those; a change of one deviation in 42 % and 57 %.

    Parameters
    ----------
    values : array_like
        One total or mean a period, in order of time, no gaps.
    season : array_like, optional
        One label a period, such as the month of the year; each gets its own value.
    exposure : array_like, optional
        Size of each period above 0, such as its working days. Then levels are per unit of
        exposure, and longer periods weigh more.
    max_changes : int, default 3
        Stop after so many; 1 to 10.
    min_length : int, default 3
        Least number of periods between two changes and at both ends. Shorter spells are
        outliers: see `xmr_limits`.
    autocorrelation : float, default 0
        Correlation of the noise of one period with the next that the test allows for, in
        (-1, 1). It enters the test, not the intervals.
    level : float, default 0.05
        Chance of finding any change where there is none.
    confidence : float, default 0.95
        Level of the intervals and of the plausible dates.
    seed : int, default 0
        Of the simulation.
    n_draws : int, default 3999
        Number of simulated series; no p-value is below 1 / (n_draws + 1).

    Returns
    -------
    ChangeDates
        Empty where no change is found. Levels are averages over the seasons. ``p_value``
        tests each change given the others, ``any_p_value`` the series as a whole (NaN where
        there is no noise at all or no date to test). ``plausible`` lists for each change the
        positions that fit nearly as well (likelihood ratio, others held fixed), so it holds
        ``position``. ``low`` and ``high`` are the t interval of the size at the best date. As
        only large changes are found, sizes are exaggerated. In 24 periods, of the changes
        found, the interval covered the size in 94, 93 and 81 % and the plausible dates held
        the date in 96, 94 and 87 % for changes of 2, 1.5 and 1 standard deviations.

    Raises
    ------
    InputError
        If the series is too short for its seasons and ``min_length``, an exposure is not
        above 0, or an option is out of range.

    References
    ----------
    Bai, J. and Perron, P. (1998). Estimating and testing linear models with multiple
    structural changes. Econometrica 66, 47-78.

    Hansen, B. E. (2000). Sample splitting and threshold estimation. Econometrica 68, 575-603
    (the likelihood ratio set of dates).

    Examples
    --------
    >>> found = change_dates([5, 6, 5, 7, 6, 5, 9, 10, 9, 11, 9, 10])
    >>> found.position.tolist(), found.level_before.round(2).tolist(), found.size.round(2).tolist()
    ([6], [5.67], [4.0])
    """
    share("level", level)
    series = read_series(values, season, exposure, whole_number("min_length", min_length, least=1))
    most = whole_number("max_changes", max_changes, least=1, most=10)
    shocks = _shocks(len(series.y), autocorrelation, seed, n_draws)
    found: list[int] = []
    any_p_value = np.nan
    while len(found) < most:
        pair_below = level if len(found) + 2 <= most else None
        p_value, added = _search(series, found, shocks, min_length, pair_below=pair_below)
        if not found:
            any_p_value = p_value
        if np.isnan(p_value) or p_value > level:
            break
        found = _refit(series, sorted(found + added), min_length)
    return _described(series, found, shocks, min_length, confidence, any_p_value)


def read_series(
    values: ArrayLike, season: ArrayLike | None, exposure: ArrayLike | None, min_length: int
) -> Series:
    """Check the series and scale it to equal noise: totals vary with the root of exposure."""
    total = vector("values", values, at_least=3)
    total = vector("values", total, least=-_LARGEST, most=_LARGEST)
    n = len(total)
    size = np.ones(n) if exposure is None else vector("exposure", exposure, length=n)
    if (size <= 0).any():
        message = f"exposure must be above 0 in every period; got {size.min():g}."
        raise InputError(message)
    codes = groups_of("season", season, n).codes
    base = np.eye(codes.max() + 1)[codes]
    needed = max(2 * min_length, base.shape[1] + 3 if base.shape[1] > 1 else 3)
    if n < needed:
        message = (
            f"values must hold at least {needed} periods for min_length {min_length} and "
            f"{base.shape[1]} seasons; got {n}."
        )
        raise InputError(message)
    scale = np.sqrt(size / size.mean())
    steps = np.tri(n) * scale[:, None]  # column k is 1 from period k on
    rate = total / size
    centre = float(rate.mean())
    apart = (rate - centre) * scale
    # a power of 2 leaves every digit as it is
    unit = float(np.exp2(np.round(np.log2(np.abs(apart).max())))) if apart.any() else 1.0
    rounding = ROUNDING * float(np.sum((rate / unit * scale) ** 2))
    return Series(apart / unit, base * scale[:, None], steps, scale, centre, unit, rounding)


def _shocks(n: int, autocorrelation: float, seed: int, n_draws: int) -> NDArray[np.float64]:
    """Draw normal noise, one column a series."""
    autocorrelation = one_number("autocorrelation", autocorrelation)
    if not -1 < autocorrelation < 1:
        message = f"autocorrelation must lie strictly between -1 and 1; got {autocorrelation!r}."
        raise InputError(message)
    draws = whole_number("n_draws", n_draws, least=99)
    shocks = np.random.default_rng(whole_number("seed", seed)).standard_normal((n, draws))
    for period in range(1, n if autocorrelation else 0):
        shocks[period] *= np.sqrt(1 - autocorrelation**2)
        shocks[period] += autocorrelation * shocks[period - 1]
    return shocks


def without(
    columns: NDArray[np.float64], target: NDArray[np.float64], *, rounding: float = 0.0
) -> NDArray[np.float64]:
    """Take out of each column of ``target`` what ``columns`` explain; rounding becomes 0."""
    basis = np.linalg.qr(columns)[0]
    left: NDArray[np.float64] = target - basis @ (basis.T @ target)
    small = np.sum(left**2, axis=0) <= np.maximum(ROUNDING * np.sum(target**2, axis=0), rounding)
    left[:, small] = 0.0
    return left


def norms(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the length of each column."""
    length: NDArray[np.float64] = np.sqrt(np.sum(columns**2, axis=0))
    return length


def _candidates(
    series: Series, found: list[int], min_length: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give the positions still free, and their steps with all else taken out, of length 1."""
    n = len(series.y)
    taken = np.array([0, n, *found])
    position = np.arange(1, n)
    free = np.abs(position[:, None] - taken).min(axis=1) >= min_length
    steps = without(_columns(series, found), series.steps[:, position[free]])
    length = norms(steps)
    told = length > 0
    return position[free][told], steps[:, told] / length[told]


def _columns(series: Series, found: list[int]) -> NDArray[np.float64]:
    return np.column_stack([series.base, series.steps[:, found]])


def _pairs(
    steps: NDArray[np.float64], position: NDArray[np.intp], apart: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the overlap of each step with each later one, and one over what is then left.

    Where two steps are too near, or are the same once all else is taken out, nothing is left
    for the second: 0.
    """
    overlap = steps.T @ steps
    left = 1 - overlap**2
    allowed = (position - position[:, None] >= apart) & (left > 1e-9)
    return overlap, np.divide(1, left, out=np.zeros_like(left), where=allowed)


def _best_pair(
    steps: NDArray[np.float64], position: NDArray[np.intp], y: NDArray[np.float64], apart: int
) -> tuple[float, list[int]]:
    """Find the pair that explains most; its squares, and its positions."""
    overlap, inverse = _pairs(steps, position, apart)
    fit = (steps.T @ y)[:, 0]
    gain = fit[:, None] ** 2 + (fit - overlap * fit[:, None]) ** 2 * inverse
    gain[inverse == 0] = -1.0
    first, second = np.unravel_index(int(gain.argmax()), gain.shape)
    return float(gain.max()), [int(position[first]), int(position[second])]


def _best_pairs_of_draws(
    steps: NDArray[np.float64], position: NDArray[np.intp], drawn: NDArray[np.float64], apart: int
) -> NDArray[np.float64]:
    """Give the most that a pair explains in each simulated series."""
    overlap, inverse = _pairs(steps, position, apart)
    fit = steps.T @ drawn
    best = np.zeros(drawn.shape[1])
    for first in np.flatnonzero(inverse.any(axis=1)):  # all pairs at once would not fit a cache
        later = np.flatnonzero(inverse[first])
        rest = fit[later]
        rest -= overlap[first, later, None] * fit[first]
        rest *= rest
        rest *= inverse[first, later, None]
        np.maximum(best, fit[first] ** 2 + rest.max(axis=0), out=best)
    return best


def _search(
    series: Series,
    found: list[int],
    shocks: NDArray[np.float64],
    min_length: int,
    *,
    pair_below: float | None = None,
) -> tuple[float, list[int]]:
    """Test for one or two further changes, and name the best ones.

    A pair is named only where a single change does not reach the level ``pair_below``; None
    looks for single changes only.
    """
    position, steps = _candidates(series, found, min_length)
    known = _columns(series, found)
    left = without(known, series.y[:, None], rounding=series.rounding)
    if not len(position) or not left.any():
        return np.nan, []
    drawn = without(known, shocks)
    fit = (steps.T @ left)[:, 0] ** 2
    best, gain = [[int(position[fit.argmax()])]], [fit.max()]
    null = [np.max((steps.T @ drawn) ** 2, axis=0)]
    if pair_below is not None:
        most, pair = _best_pair(steps, position, left, min_length)
        best.append(pair)
        gain.append(most)
        null.append(_best_pairs_of_draws(steps, position, drawn, min_length))
    seen = np.array(gain) / np.sum(left**2)
    everyone = np.column_stack([np.array(null) / np.sum(drawn**2, axis=0), seen])
    # the share of the simulated series that do as well, for them as for the series itself
    rank = np.stack([_share_as_good(one) for one in everyone])
    least = rank.min(axis=0)
    p_value = float(np.mean(least <= least[-1]))
    alone = pair_below is None or rank[0, -1] <= pair_below
    return p_value, best[0 if alone else -1]


def _share_as_good(gain: NDArray[np.float64]) -> NDArray[np.float64]:
    ascending = np.sort(gain)
    share_of: NDArray[np.float64] = 1 - np.searchsorted(ascending, gain, side="left") / len(gain)
    return share_of


def _refit(series: Series, found: list[int], min_length: int) -> list[int]:
    """Move each change, given the others, to where it explains most, until none moves."""
    for _round in range(20):
        before = list(found)
        for one in before:
            rest = [other for other in found if other != one]
            position, steps = _candidates(series, rest, min_length)
            fit = (steps.T @ series.y) ** 2
            found = sorted([*rest, int(position[fit.argmax()])])
        if found == before:
            break
    return found


def _described(
    series: Series,
    found: list[int],
    shocks: NDArray[np.float64],
    min_length: int,
    confidence: float,
    any_p_value: float,
) -> ChangeDates:
    """Put sizes, levels, intervals and plausible dates to the changes found."""
    wanted = share("confidence", confidence)
    design = _columns(series, found)
    n_base = series.base.shape[1]
    value = np.asarray(np.linalg.lstsq(design, series.y, rcond=None)[0], dtype=np.float64)
    degrees = len(series.y) - design.shape[1]
    left = without(design, series.y[:, None], rounding=series.rounding)
    spread = float(np.sum(left**2)) / max(degrees, 1)
    start = average_level(series, value[:n_base])
    size = value[n_base:] * series.unit
    after = start + np.cumsum(size)
    p_values, plausible, error = [], [], []
    # twice the log likelihood may fall by this much (Hansen 2000, theorem 2)
    limit = -2 * np.log(1 - np.sqrt(wanted)) * spread
    for one in found:
        rest = [other for other in found if other != one]
        position, steps = _candidates(series, rest, min_length)
        fit = (steps.T @ series.y) ** 2
        plausible.append(position[fit >= fit[position == one] - limit])
        error.append(spread / norms(without(_columns(series, rest), series.steps[:, [one]]))[0])
        p_values.append(_search(series, rest, shocks, min_length)[0])
    errors = np.array(error) / np.sqrt(spread or 1.0) * series.unit
    low, high = t_interval(size, errors, degrees, wanted)
    return ChangeDates(
        np.array(found, dtype=np.intp), after - size, after, size, low, high,
        np.array(p_values), tuple(plausible), any_p_value,
    )  # fmt: skip


def average_level(series: Series, value: NDArray[np.float64]) -> float:
    """Average the values of the seasons over all units of exposure."""
    apart = np.average(series.base @ value / series.scale, weights=series.scale**2)
    return series.centre + series.unit * float(apart)
