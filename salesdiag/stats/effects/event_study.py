"""What changed for units after something began, against units for which it had not begun yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import one_of, share
from salesdiag.stats.effects.unit_paths import Cohorts, Panel, cohorts_of, read_panel
from salesdiag.stats.rates.student import t_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Effects(NamedTuple):
    """Effects with their intervals, one an entry."""

    effect: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class EventStudy(NamedTuple):
    """Effects by time since the start, on average, and by start and period."""

    event_time: NDArray[np.int64]
    n_units: NDArray[np.int64]
    by_time: Effects
    overall: Effects
    placebo_p: float
    n_leads_tested: int
    start: NDArray[np.float64]
    period: NDArray[np.float64]
    by_start: Effects
    n_treated: int
    n_control: int
    n_left_out: int


def event_study(
    unit: ArrayLike,
    period: ArrayLike,
    value: ArrayLike,
    treated_from: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    control: Literal["not_yet", "never"] = "not_yet",
    spread: Literal["separate", "pooled"] = "separate",
    confidence: float = 0.95,
) -> EventStudy:
    """Compare the change of units that start with the change of units that have not started.

    Every group of units with the same start is compared on its own with the controls of the
    same periods: its change since the last period before the start, less theirs. The groups
    are then averaged by their size. No treated unit ever serves as a control, which is what
    misleads a single regression when units start at different times. The result is causal if
    both would have moved alike without the start. The leads (event times below -1) test that
    for the past; an effect that sets in before the start shows there as well.

    The interval treats the unit as what is independent, whatever the correlation over its
    periods, and rests on Student's t, so it holds with few units. ``spread="separate"`` lets
    the units that start vary otherwise than those that never do; it needs two that start
    together. ``"pooled"`` takes all to vary alike: then one treated unit is enough, and with
    one start the interval is exact for normal values. Simulated (2,000 panels of 8 periods
    with a correlation of 0.7 from one to the next; 6, 12 or 30 units of which 2, 5 or 13
    start, together or at up to three times), 95 % intervals of the overall effect covered

    - separate: 95 to 97 %; 95 to 98 % where starters varied twice as much (standard
      deviation), but 92 % with only two of them;
    - pooled: 95 to 97 %, but 85 to 94 % where starters varied twice as much.

    The placebo test rejected 4 to 5 % with one start (8 % with two starters that vary twice as
    much) and 0 to 2 % with several, where it is cautious; pooled, with starters that vary
    twice as much, it rejected 10 to 16 %.

    Parameters
    ----------
    unit, period, value : array_like, shape (N,)
        One row for each unit and period. Periods are numbers; time is counted in distinct
        periods. A missing value is a row not seen. A unit not seen in *every* period is left
        out as a whole and counted in ``n_left_out``, because a change in who is seen would
        look like an effect.
    treated_from : array_like, shape (N,)
        First treated period of the row's unit, the same in all its rows; NaN or infinity for
        never. A start after the last period counts as never. A unit treated from the first
        period on has no past to compare with: left out and counted.
    weight : array_like, shape (N,), optional
        What the unit counts for in every mean, above 0, the same in all its rows.
    control : {"not_yet", "never"}, default "not_yet"
        Whether those that start later serve as controls until then.
    spread : {"separate", "pooled"}, default "separate"
        Whether units that start may vary otherwise than those that never do.
    confidence : float, default 0.95
        Level of each interval on its own, not of all together.

    Returns
    -------
    EventStudy
        ``event_time`` counts periods since the start (0 is the first treated one; -1 is the
        base and not listed) with ``n_units`` treated units behind it and the effects
        ``by_time``. ``overall`` (of one entry) is the mean over all treated units and
        periods. ``placebo_p`` tests all leads together, or the ``n_leads_tested`` last ones,
        at most a third of the degrees of freedom; NaN without leads or spread. ``start``,
        ``period`` and ``by_start`` list the effects before averaging. Effects without any
        control are not listed. Errors and intervals are NaN where the units show no spread
        or none can be told.

    Raises
    ------
    InputError
        If lists differ in length, a unit is seen twice in a period or has two starts, a
        weight is not above 0, or no treated unit with a control is left.

    References
    ----------
    Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225, 200-230.
    Conley, T. G. and Taber, C. R. (2011). Inference with "difference in differences" with a
    small number of policy changes. Review of Economics and Statistics 93, 113-125.

    Examples
    --------
    Unit "a" starts in period 2 and goes up by 5; the others go up by 1 and 2 anyhow.

    >>> found = event_study(
    ...     ["a", "a", "b", "b", "c", "c"], [1, 2, 1, 2, 1, 2], [10, 15, 20, 21, 9, 11],
    ...     [2, 2, np.nan, np.nan, np.nan, np.nan])
    >>> found.overall.effect.item()
    3.5
    """
    one_of("control", control, ("not_yet", "never"))
    one_of("spread", spread, ("separate", "pooled"))
    level = share("confidence", confidence)
    panel = read_panel(unit, period, value, treated_from, weight)
    cohorts = cohorts_of(panel, n_pools=1 if spread == "pooled" else 2)
    who, when, contrasts = _comparisons(panel, cohorts, never=control == "never")
    since = when - panel.starts[who]
    times = np.unique(since)
    size = cohorts.size[who]
    by_time = np.stack([_average(contrasts, size * (since == one)) for one in times])
    overall = _average(contrasts, size * (since >= 0))[None]
    n_units = np.bincount(panel.cohort, minlength=len(panel.starts))
    base = np.isin(times, -1)
    p_value, n_leads = _placebo(by_time[times < -1], cohorts)
    listed = since != -1
    treated = panel.starts[panel.cohort] < len(panel.periods)
    return EventStudy(
        times[~base],
        np.array([n_units[who[since == one]].sum() for one in times[~base]]),
        _estimates(by_time[~base], cohorts, panel.unit, level),
        _estimates(overall, cohorts, panel.unit, level),
        p_value,
        n_leads,
        panel.periods[panel.starts[who[listed]]],
        panel.periods[when[listed]],
        _estimates(contrasts[listed], cohorts, panel.unit, level),
        int(treated.sum()),
        int(np.sum(~treated)),
        panel.n_left_out,
    )


def _comparisons(
    panel: Panel, cohorts: Cohorts, *, never: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Give each effect of one cohort in one period as coefficients of the cohorts' means."""
    last = len(panel.periods)
    found = []
    for who, start in enumerate(panel.starts[panel.starts < last]):
        for when in range(last):
            free = panel.starts > max(when, start)
            free &= (panel.starts == last) | (not never)
            if free.any():
                portion = cohorts.size * free / np.sum(cohorts.size * free)
                portion[who] = -1.0
                coefficients = np.zeros(cohorts.mean.shape)
                coefficients[:, when] -= portion
                coefficients[:, start - 1] += portion
                found.append((who, when, coefficients))
    # without a control after its start, what a cohort shows before it tells nothing of effects
    if not any(when >= panel.starts[who] for who, when, _ in found):
        message = (
            "treated_from must leave a unit untreated while another is treated; with "
            'control="never" some must never start.'
        )
        raise InputError(message)
    whos, whens, coefficients_all = zip(*found, strict=True)
    return np.array(whos), np.array(whens), np.stack(coefficients_all)


def _average(contrasts: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.tensordot(weight / weight.sum(), contrasts, axes=1))


def _variances(contrasts: NDArray[np.float64], cohorts: Cohorts) -> NDArray[np.float64]:
    """Give the covariances of several effects, the part of each pool on its own."""
    found = np.zeros((len(cohorts.degrees), len(contrasts), len(contrasts)))
    for pool, spread in enumerate(cohorts.spread):
        mine = contrasts[:, cohorts.pool == pool]
        if np.any(mine):
            scaled = mine * cohorts.per_mean[cohorts.pool == pool, None]
            found[pool] = np.tensordot(scaled @ spread, mine, axes=((1, 2), (1, 2)))
    return found


def _estimates(
    contrasts: NDArray[np.float64], cohorts: Cohorts, unit: float, confidence: float
) -> Effects:
    """Give the effects, in the caller's unit."""
    effect = np.einsum("jct,ct->j", contrasts, cohorts.mean)
    parts = np.stack([np.diag(one) for one in _variances(contrasts, cohorts)])
    variance = parts.sum(axis=0)
    variance = np.where(variance > _nothing(cohorts), variance, np.nan)
    # Satterthwaite; with one pool its own degrees of freedom
    each = np.where(cohorts.degrees > 0, cohorts.degrees, np.nan)[:, None]
    used = np.where(parts > 0, (parts / variance) ** 2 / each, 0.0).sum(axis=0)
    degrees = 1 / np.where(used > 0, used, np.nan)
    error = np.sqrt(variance)
    reach = t_quantile(degrees, confidence) * error
    effect, error, reach = (one * unit for one in (effect, error, reach))
    return Effects(effect, error, effect - reach, effect + reach)


def _placebo(leads: NDArray[np.float64], cohorts: Cohorts) -> tuple[float, int]:
    """Test the leads together by Hotelling's T2, exact for one start and pooled spread."""
    from scipy import special

    if len(leads) == 0 or np.all(cohorts.degrees <= 0):
        return float("nan"), 0
    n_leads = min(len(leads), max(1, int(np.max(cohorts.degrees) / 3)))
    last = leads[-n_leads:]
    parts = _variances(last, cohorts)
    matrix = parts.sum(axis=0)
    if np.isnan(matrix).any() or np.any(np.diag(matrix) <= _nothing(cohorts)):
        return float("nan"), 0
    # degrees of freedom of two spreads together (Nel and van der Merwe 1986)
    size = [np.trace(one @ one) + np.trace(one) ** 2 for one in (*parts, matrix)]
    degrees = size[-1] / sum(
        one / of for one, of in zip(size[:-1], cohorts.degrees, strict=True) if one > 0
    )
    left = degrees - n_leads + 1
    if left <= 0 or np.linalg.matrix_rank(matrix) < n_leads:
        return float("nan"), 0
    effect = np.einsum("jct,ct->j", last, cohorts.mean)
    ratio = effect @ np.linalg.solve(matrix, effect) * left / degrees / n_leads
    return float(special.fdtrc(n_leads, left, ratio)), n_leads


def _nothing(cohorts: Cohorts) -> float:
    """Give the variance below which only rounding is left."""
    return float((1e-12 * np.abs(cohorts.mean).max()) ** 2)
