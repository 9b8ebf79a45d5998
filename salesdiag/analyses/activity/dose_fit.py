"""Panel models of result on ranges of activity per deal at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.analyses.activity.panel import column_of, with_gaps_filled
from salesdiag.errors import InputError
from salesdiag.stats.panel import combination, lag_columns, poisson_panel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.stats.panel import PanelFit

    Floats = NDArray[np.float64]

_FEWEST_REPS, _FEWEST_RESULTS, _FEWEST_PERIODS = 5, 30, 8


class Doses(NamedTuple):
    """Rep-periods with the activity per deal at hand and week up to then."""

    unit: NDArray[np.str_]
    period: NDArray[np.intp]
    result: Floats
    n_results: Floats
    n_activities: Floats  # of the period itself
    deal_weeks: Floats  # of the period itself
    dose: Floats
    load_lags: Floats
    exposure: Floats


class Step(NamedTuple):
    """A ratio of results with its interval."""

    value: float
    low: float
    high: float
    p_value: float


NOTHING = Step(np.nan, np.nan, np.nan, np.nan)


def dose_rows(panel: pd.DataFrame, activity_type: str, *, n_lags: int, days_a_week: int) -> Doses:
    """Divide the activity of a period and those before it by the deal-weeks at hand in them."""
    filled = with_gaps_filled(panel)
    done = filled[column_of(activity_type)].to_numpy(float)
    weeks = filled["n_deal_days"].to_numpy(float) / days_a_week
    done_then, weeks_then = (
        lag_columns(column, unit=filled["rep_id"].to_numpy(str), period=filled["period"],
                    n_lags=n_lags)
        for column in (done, weeks)
    )  # fmt: skip
    exposure = np.fmax(filled["n_open"].to_numpy(float), filled["n_won"].to_numpy(float))
    total = weeks_then.columns.sum(axis=1)
    kept = done_then.is_known & (exposure > 0) & (total > 0)
    return Doses(
        filled["rep_id"].to_numpy(str)[kept],
        filled["period"].to_numpy(int)[kept],
        filled["result"].to_numpy(float)[kept],
        filled["n_results"].to_numpy(float)[kept],
        done[kept],
        weeks[kept],
        done_then.columns[kept].sum(axis=1) / total[kept],
        np.log(days_a_week * weeks_then.columns[kept] + 0.5),
        exposure[kept],
    )


def learnt_edges(dose: Floats, n_bins: int) -> Floats:
    """Cut doses above 0 into ranges of like many rep-periods; none at all fall into the first."""
    above = dose[dose > 0]
    if not len(above):
        return np.empty(0)
    cuts = np.quantile(above, np.arange(1, n_bins) / n_bins)
    # three figures: an edge is read by people
    digits = 2 - np.floor(np.log10(cuts)).astype(int)
    rounded = [round(cut, place) for cut, place in zip(cuts, digits, strict=True)]
    return np.unique(rounded)


def fit_doses(
    rows: Doses, inside: NDArray[np.intp], n_bins: int, *, confidence: float
) -> tuple[list[Step], list[Step]]:
    """Compare each range with the lowest that has rows, and with the one below it."""
    known = [n for n in range(n_bins) if (inside == n).any()]
    against, steps = [NOTHING] * n_bins, [NOTHING] * n_bins
    enough = len(np.unique(rows.unit)) >= _FEWEST_REPS
    enough &= len(np.unique(rows.period)) >= _FEWEST_PERIODS
    if not enough or rows.n_results.sum() < _FEWEST_RESULTS or len(known) < 2:
        return against, steps
    shown = known[1:]
    columns = (inside[:, None] == shown).astype(float)
    try:
        fit = poisson_panel(rows.result, np.column_stack((columns, rows.load_lags)), unit=rows.unit,
                            period=rows.period, exposure=rows.exposure,
                            confidence=confidence)  # fmt: skip
    except InputError:  # a range that nobody ever leaves, or too little else that varies
        return against, steps
    against[known[0]] = Step(1.0, 1.0, 1.0, np.nan)
    weights = np.zeros(len(fit.coefficient))
    for place, bin_number in enumerate(shown):
        weights[:] = 0
        weights[place] = 1
        against[bin_number] = _ratio(fit, weights, confidence)
        if place:
            weights[place - 1] = -1
        steps[bin_number] = _ratio(fit, weights, confidence)
    return against, steps


def _ratio(fit: PanelFit, weights: Floats, confidence: float) -> Step:
    found = combination(fit, weights, confidence=confidence)
    if np.isnan(found.low):
        return NOTHING
    value, low, high = (float(np.exp(one)) for one in found[:3])
    return Step(value, low, high, found.p_value)
