"""Up to which point more activity per deal goes with more result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.dose_fit import Doses, Step, dose_rows, fit_doses, learnt_edges
from salesdiag.analyses.activity.effect import age_at_hand, lags_of_cycle
from salesdiag.analyses.activity.keys import check_keys
from salesdiag.analyses.activity.panel import column_of, result_panel, split_panel
from salesdiag.errors import InputError
from salesdiag.stats.arguments import share, vector, whole_number
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.activity.panel import Result
    from salesdiag.department import Department
    from salesdiag.reductions.rep_weeks import Unit

_COLUMNS = [
    "activity_type", "result", "unit", "lags", "dose_bin", "dose_from", "dose_to", "mean_dose",
    "n_reps", "n_rep_periods", "n_activities", "n_results", "result_ratio", "result_ratio_low",
    "result_ratio_high", "step_ratio", "step_ratio_low", "step_ratio_high", "step_p_value",
    "gain_per_hundred", "gain_per_hundred_low", "gain_per_hundred_high", "reading",
]  # fmt: skip


def activity_dose(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    result: Result = "deals_won",
    activity_type: str = "all",
    unit: Unit = "week",
    n_lags: int | None = None,
    n_bins: int = 4,
    edges: Sequence[float] | None = None,
    max_age_days: int | None = None,
) -> pd.DataFrame:
    """Up to which activity per open deal more goes with more result.

    The model of `activity_effect` (net of rep and period, in proportion to the deals at hand,
    judged by the deal-days at hand) with ranges of a dose in place of a curve: the activities
    of a period and of those before it, by the deal-weeks at hand in them. Each range is compared
    with the lowest, and with the one below: where a step shows nothing more, more activity on
    the same deals is not what is missing. Rep-periods move between ranges for many reasons; this
    is an association within reps, and the top range holds the rush before closing as well.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``rep_id``, ``activity_type``, ``occurred_at``; better with
        ``deal_id``) and ``deals`` (``rep_id``, ``created_at``, ``closed_at``; ``amount`` for
        revenue). Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps``. All groups have the same ranges. The group
        "unassigned" is always there.
    start, end : date or str, optional
        Only **periods** that lie wholly between these days; not given: from the first to the
        last activity.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    result : {"deals_won", "revenue"}
        By day of closing.
    activity_type : str, default "all"
        "all", or one type of the schema, such as "call".
    unit : {"week", "month", "quarter"}, default "week"
        Length of a period.
    n_lags : int, optional
        Periods back that count into the dose. None: as in `activity_effect`.
    n_bins : int, default 4
        Ranges of like many rep-periods, learnt from the department; from 2.
    edges : sequence of float, optional
        Where a new range begins, ascending, above 0, instead: activities per deal and week.
    max_age_days : int, optional
        As in `activity_effect`.

    Returns
    -------
    DataFrame
        One row per group and range, ascending; without any activity one range:

        - the ``by`` columns, if any;
        - ``activity_type``, ``result``, ``unit`` : what was asked; ``lags`` : periods back;
        - ``dose_bin`` : 1, 2, ...; ``dose_from`` (included), ``dose_to`` (not included,
          infinite for the last) : its ends, in activities per deal at hand and week;
        - ``mean_dose`` : mean of the rep-periods in it; NaN without any;
        - ``n_reps``, ``n_rep_periods`` : reps and rep-periods in the range;
        - ``n_activities``, ``n_results`` : activities, and deals, in these periods;
        - ``result_ratio`` : times as much result as in the lowest range, above 0; NaN with
          fewer than 5 reps, 30 results or 8 periods, or where the range is empty;
        - ``result_ratio_low``, ``result_ratio_high`` : Student's interval, reps being
          independent; 1 for the lowest range; NaN where the ratio is;
        - ``step_ratio`` : times as much as in the range below, with ``step_ratio_low``,
          ``step_ratio_high``; ``step_p_value`` : of a ratio of 1; NaN for the lowest range;
        - ``gain_per_hundred`` : deals (or money) that a hundred activities more brought on the
          way from the range below; ``gain_per_hundred_low``, ``gain_per_hundred_high`` : of the
          bounds of the step; NaN likewise;
        - ``reading`` : "lowest", "more than below", "less than below", "no more than below"
          (the interval of the step holds 1), "too few" or "empty".

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or a ``by`` column says nothing of reps.

    References
    ----------
    Wooldridge, J. M. (1999). Distribution-free estimation of some nonlinear panel data models.
    Journal of Econometrics 90, 77-97.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A"], "status": ["open"], "rep_id": ["r1"],
    ...     "created_at": pd.to_datetime(["2025-01-06"]), "closed_at": [pd.NaT],
    ... })
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1", "2"], "activity_type": ["call", "call"], "rep_id": ["r1", "r1"],
    ...     "occurred_at": pd.to_datetime(["2025-01-06", "2025-01-15"]),
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-01-26")
    >>> table = activity_dose(department, end="2025-01-26", n_lags=0, edges=[0.5])
    >>> table[["dose_from", "dose_to", "n_rep_periods", "reading"]]
       dose_from  dose_to  n_rep_periods  reading
    0        0.0      0.5              1  too few
    1        0.5      inf              2  too few
    """
    keys = check_keys(department, by, _COLUMNS)
    share("confidence", confidence)
    if result == "new_deals":
        message = "result must be deals_won or revenue: new deals have no deal to be active on."
        raise InputError(message)
    whole_number("n_bins", n_bins, least=2)
    whole_number("n_lags", n_lags or 0)
    column_of(activity_type)
    limit = age_at_hand(department, max_age_days)
    panel = result_panel(
        department, result=result, unit=unit, start=start, end=end, max_age_days=limit
    )
    back = lags_of_cycle(department, unit) if n_lags is None else n_lags
    asked = {"n_lags": back, "days_a_week": len(department.calendar.working_days)}
    if edges is None:
        cuts = learnt_edges(dose_rows(panel, activity_type, **asked).dose, n_bins)
    else:
        cuts = _given_edges(edges)
    rows = []
    for values, group in split_panel(department, panel, keys):
        found = dose_rows(group, activity_type, **asked)
        lines = _lines(found, cuts, confidence)
        rows += [[*values, activity_type, result, unit, back, *line] for line in lines]
    table = pd.DataFrame(rows, columns=[*keys, *_COLUMNS])
    return table.astype(dict.fromkeys([one for one in _COLUMNS if one.startswith("n_")], "int64"))


def _given_edges(edges: Sequence[float]) -> NDArray[np.float64]:
    given = vector("edges", edges, least=0, at_least=1)
    if (np.diff(given, prepend=0.0) <= 0).any():
        listed = ", ".join(f"{edge:g}" for edge in given)
        message = f"edges must ascend and lie above 0; got {listed}."
        raise InputError(message)
    return given


def _lines(rows: Doses, cuts: NDArray[np.float64], confidence: float) -> list[list[object]]:
    """Write one row per range."""
    n_bins = len(cuts) + 1
    inside = np.digitize(rows.dose, cuts)
    against, steps = fit_doses(rows, inside, n_bins, confidence=confidence)
    n_rows = np.bincount(inside, minlength=n_bins)
    sums = {
        name: np.bincount(inside, getattr(rows, name), n_bins).astype(float)
        for name in ("result", "n_results", "n_activities", "deal_weeks", "dose")
    }
    mean = ratio(sums["dose"], n_rows)
    gains = _gains(steps, mean, sums["result"], sums["deal_weeks"])
    bounds = [0.0, *cuts.tolist(), np.inf]
    lines = []
    for n in range(n_bins):
        n_reps = len(np.unique(rows.unit[inside == n]))
        counts = [n_reps, n_rows[n], int(sums["n_activities"][n]), int(sums["n_results"][n])]
        lines.append([
            n + 1, bounds[n], bounds[n + 1], mean[n], *counts, *against[n][:3], *steps[n],
            *gains[n], _reading(n_rows[n], against[n], steps[n]),
        ])  # fmt: skip
    return lines


def _gains(
    steps: list[Step],
    mean: NDArray[np.float64],
    result: NDArray[np.float64],
    deal_weeks: NDArray[np.float64],
) -> list[list[float]]:
    """Give what a hundred activities brought between each range and the one below it.

    At the dose of the range below, the same deals would have brought the result divided by the
    ratio of the step, with so many activities less.
    """
    gains, below = [], np.nan
    for step, dose, brought, weeks in zip(steps, mean, result, deal_weeks, strict=True):
        activities = weeks * (dose - below)
        hundred = 100 * brought / activities if activities > 0 else np.nan
        gains.append([hundred * (1 - 1 / one) for one in step[:3]])
        below = below if np.isnan(dose) else dose
    return gains


def _reading(n_rows: int, against: Step, step: Step) -> str:
    if not n_rows:
        return "empty"
    if np.isnan(against.value):
        return "too few"
    if np.isnan(step.value):
        return "lowest"
    if step.low > 1:
        return "more than below"
    return "less than below" if step.high < 1 else "no more than below"
