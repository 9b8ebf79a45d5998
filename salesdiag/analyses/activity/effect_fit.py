"""Panel models of result on activity: the whole effect, its placebo and other specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.activity.panel import column_of, with_gaps_filled
from salesdiag.errors import InputError
from salesdiag.stats.panel import lag_columns, poisson_panel, wild_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENOUGH_CLUSTERS = 40  # from here on Student's interval is good enough
_FEWEST_REPS, _FEWEST_RESULTS, _FEWEST_PERIODS = 5, 30, 8


class Rows(NamedTuple):
    """Rep-periods on which everything asked for is known."""

    unit: NDArray[np.str_]
    period: NDArray[np.intp]
    result: Floats
    lags: Floats  # activity now and in the periods before
    leads: Floats  # activity in the periods after, the nearest first
    load_lags: Floats  # how long deals were at hand to be active on, in the same periods
    load_leads: Floats  # how many were, in the periods after
    exposure: Floats
    n_activities: int
    n_results: int
    n_set_aside: int
    per_activity: float  # what one activity more adds to the scaled activity, summed over rows


class Estimate(NamedTuple):
    """A sum of coefficients with its interval."""

    value: float
    low: float
    high: float
    p_value: float


class Effects(NamedTuple):
    """The whole effect, its placebo, and two other readings of the same rows."""

    whole: Estimate
    placebo: Estimate
    free: Estimate
    raw: Estimate
    n_rows: int
    n_reps: int
    n_told_nothing: int = 0  # rows of reps and periods without any result


class Draws(NamedTuple):
    """Level of the intervals, and draws of the bootstrap; none: Student's interval."""

    confidence: float
    n_draws: int
    seed: int


UNKNOWN = Estimate(np.nan, np.nan, np.nan, np.nan)


def scaled(amount: Floats, scale: str) -> tuple[Floats, Floats]:
    """Give log(1 + a) or asinh(a), and its change for one more, inverted."""
    if scale == "asinh":
        return np.arcsinh(amount), np.sqrt(1 + amount**2)
    return np.log1p(amount), 1 + amount


def lagged_rows(
    panel: pd.DataFrame, activity_type: str, *, result: str, scale: str, n_lags: int, n_leads: int
) -> Rows:
    """Put activity, and load, of the periods before and after beside each rep-period.

    What wins are in proportion to are the deals at hand, what new deals are in proportion to
    are the selling days. Rep-periods without either are set aside.
    """
    filled = with_gaps_filled(panel)
    done = filled[column_of(activity_type)].to_numpy(float)
    x, per_activity = scaled(done, scale)
    if result == "new_deals":
        exposure = filled["n_selling_days"].to_numpy(float)
        load = exposure
    else:  # a win of a deal too old to count as at hand was at hand all the same
        exposure = np.fmax(filled["n_open"].to_numpy(float), filled["n_won"].to_numpy(float))
        load = filled["n_deal_days"].to_numpy(float)
    shifted = [
        lag_columns(column, unit=filled["rep_id"].to_numpy(str), period=filled["period"],
                    n_lags=n_lags, n_leads=n_leads)
        # ahead, days would be cut short by the very deals that more activity had closed
        for column in (x, np.log(load + 0.5), np.log(exposure + 0.5))
    ]  # fmt: skip
    kept = shifted[0].is_known & (exposure > 0)
    n_results = filled["n_results"].to_numpy(float)
    columns = [found.columns[kept] for found in shifted]
    lags, load_lags = (found[:, n_leads:] for found in columns[:2])
    leads, load_leads = (found[:, :n_leads][:, ::-1] for found in columns[::2])
    return Rows(
        filled["rep_id"].to_numpy(str)[kept],
        filled["period"].to_numpy(int)[kept],
        filled["result"].to_numpy(float)[kept],
        lags,
        leads,
        load_lags,
        load_leads,
        exposure[kept],
        int(done[kept].sum()),
        int(n_results[kept].sum()),
        int((~kept).sum()),
        float(per_activity[kept].sum()),
    )


def fit_effects(rows: Rows, *, confidence: float, n_draws: int, seed: int) -> Effects:
    """Fit all specifications; all are unknown where there is too little to tell anything."""
    n_reps = len(np.unique(rows.unit))
    n_periods = len(np.unique(rows.period))
    raw = _raw(rows, confidence) if rows.n_results >= _FEWEST_RESULTS else UNKNOWN
    little = n_reps < _FEWEST_REPS or n_periods < max(_FEWEST_PERIODS, 2 * rows.lags.shape[1])
    if little or rows.n_results < _FEWEST_RESULTS:
        return Effects(UNKNOWN, UNKNOWN, UNKNOWN, raw, 0, n_reps)
    lags = np.column_stack((_total_first(rows.lags), rows.load_lags))
    leads = np.column_stack((_total_first(rows.leads), rows.lags, rows.load_lags, rows.load_leads))
    exposure = rows.exposure
    drawn = Draws(confidence, n_draws, seed)
    try:
        plain = poisson_panel(rows.result, lags, unit=rows.unit, period=rows.period,
                              exposure=exposure, confidence=confidence)  # fmt: skip
    except InputError:  # activity does not vary within reps and periods
        return Effects(UNKNOWN, UNKNOWN, UNKNOWN, raw, 0, n_reps)
    whole = _first(rows, lags, exposure, drawn)
    free = _first(rows, np.column_stack((lags, np.log(exposure))), None, Draws(confidence, 0, 0))
    placebo = _first(rows, leads, exposure, drawn) if rows.leads.shape[1] else UNKNOWN
    return Effects(whole, placebo, free, raw, plain.n_rows, plain.n_clusters,
                   plain.n_set_aside)  # fmt: skip


def _total_first(columns: Floats) -> Floats:
    """Turn columns so that the coefficient of the first is the sum of all coefficients."""
    return np.column_stack((columns[:, :1], columns[:, 1:] - columns[:, :1]))


def _first(rows: Rows, design: Floats, exposure: Floats | None, drawn: Draws) -> Estimate:
    """Estimate the first coefficient; by the wild bootstrap where reps are few (if drawn)."""
    try:
        fit = poisson_panel(rows.result, design, unit=rows.unit, period=rows.period,
                            exposure=exposure, confidence=drawn.confidence)  # fmt: skip
        if np.isnan(fit.low[0]):
            return UNKNOWN
        if drawn.n_draws and fit.n_clusters < ENOUGH_CLUSTERS:
            test = wild_interval(
                rows.result, design, unit=rows.unit, period=rows.period, exposure=exposure,
                confidence=drawn.confidence, n_draws=drawn.n_draws, seed=drawn.seed,
            )  # fmt: skip
            return Estimate(test.coefficient, test.low, test.high, test.p_value)
    except InputError:
        return UNKNOWN
    return Estimate(*(float(one[0]) for one in (fit.coefficient, fit.low, fit.high, fit.p_value)))


def _raw(rows: Rows, confidence: float) -> Estimate:
    """Regress result on activity with nothing held constant, reps as clusters."""
    one = np.zeros(len(rows.result))
    try:
        fit = poisson_panel(rows.result, rows.lags.mean(axis=1), unit=one, period=one,
                            cluster=rows.unit, confidence=confidence)  # fmt: skip
    except InputError:
        return UNKNOWN
    if np.isnan(fit.low[0]):
        return UNKNOWN
    return Estimate(*(float(one[0]) for one in (fit.coefficient, fit.low, fit.high, fit.p_value)))
