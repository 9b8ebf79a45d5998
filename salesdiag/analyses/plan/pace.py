"""Whether the running period is on the way to its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses.plan.curve import band, booked_shares
from salesdiag.analyses.plan.earlier import earlier_periods
from salesdiag.analyses.plan.window import as_of_day, question, running_periods
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.plan_sums import attainment_sums, typical_size
from salesdiag.reductions.targets import read_targets
from salesdiag.stats.rates import compound_poisson_interval, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.department import Department
    from salesdiag.reductions.plan_sums import Metric

_SHOWN = [
    *PERIOD, "is_complete", "n_working_days", "n_working_days_gone", "elapsed_share", "metric",
    "target_basis", "target", "actual", "n_events",
    "attainment", "attainment_low", "attainment_high",
    "linear_expected", "linear_pace", "linear_pace_low", "linear_pace_high", "linear_projection",
    "n_past_periods", "seasonal_share", "seasonal_share_low", "seasonal_share_high",
    "seasonal_expected", "seasonal_pace", "seasonal_pace_low", "seasonal_pace_high",
    "seasonal_projection", "seasonal_projection_low", "seasonal_projection_high",
    "last_third_share", "last_third_share_low", "last_third_share_high", "required_per_day",
]  # fmt: skip


def pace(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Metric = "revenue",
    on: date | str | None = None,
) -> pd.DataFrame:
    """Compare what the running period has brought with what it should have brought by now.

    By now can be told in two ways. **Linear**: the plan times the share of working days gone.
    That is the reckoning in most reports, and where much is closed in the last days of a
    period it calls every period late until its end. **Seasonal**: the plan times the share of
    a period that the department had by the same working day in the middle one of its up to
    twelve earlier periods; the band shows how far these differed. Where the two disagree,
    believe the seasonal one. It is the whole department's curve for every group, for a group
    has too few sales for one of its own, and it needs three earlier periods.

    Target and result are those of `target_attainment`: won, by day of closing. Today counts
    as gone. A target that was changed within the period is the one in the table, whenever it
    was set. The interval of the pace covers the chance in number and size of the wins; that of
    the seasonal pace the band of the curve too (the two combined on the logarithm). The
    projections say where the period ends if it goes on so; `attainment_forecast` looks at the
    open deals.

    Parameters
    ----------
    department : Department
        Needs ``targets`` and for the metric what `target_attainment` needs. Not modified.
    by : str or sequence of one str, default ()
        Level, as in `target_attainment`.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included).
    confidence : float, default 0.95
        Level of the intervals and of the band, strictly between 0 and 1.
    metric : {"revenue", "deals_won", "new_deals", "activities", "margin"}
        What is counted.
    on : date or str, optional
        The day of judging. Default: ``as_of``. Later sales are not known then; targets are.

    Returns
    -------
    DataFrame
        One row per group and period that runs on that day (several where months and quarters
        have plans); where none runs, the last that ended:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by that day;
        - ``n_working_days``, ``n_working_days_gone`` : of the period, and up to that day;
        - ``elapsed_share`` : their ratio, in [0, 1]; NaN without working days;
        - ``metric``, ``target_basis``, ``target``, ``actual``, ``n_events`` : as in
          `target_attainment`;
        - ``attainment``, ``attainment_low``, ``attainment_high`` : ``actual / target``, as there;
        - ``linear_expected`` : target times ``elapsed_share``;
        - ``linear_pace``, ``linear_pace_low``, ``linear_pace_high`` : ``actual`` over it, 1 is
          on plan; NaN without a target above 0 or before a working day is gone;
        - ``linear_projection`` : ``actual / elapsed_share``, the run-rate forecast;
        - ``n_past_periods`` : earlier periods of like length behind the curve;
        - ``seasonal_share``, ``seasonal_share_low``, ``seasonal_share_high`` : share of a period
          booked by now, in [0, 1]: median and quantiles over these; NaN below three;
        - ``seasonal_expected`` : target times ``seasonal_share``;
        - ``seasonal_pace``, ``seasonal_pace_low``, ``seasonal_pace_high`` : ``actual`` over it;
          NaN likewise, or where an earlier period had booked nothing by now;
        - ``seasonal_projection``, ``seasonal_projection_low``, ``seasonal_projection_high`` :
          ``actual`` over the share and over the ends of its band; NaN likewise;
        - ``last_third_share``, ``last_third_share_low``, ``last_third_share_high`` : share that
          earlier periods booked in the last third of their working days, in [0, 1]: a third
          where sales are even; NaN below three periods;
        - ``required_per_day`` : what is left of the plan per working day left; 0 where it is
          reached, NaN where no day or no target is left.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column is missing.
    InputError
        If ``by`` names several columns, the metric is unknown, or ``on`` lies after ``as_of``.

    References
    ----------
    Donner, A. and Zou, G. Y. (2012). Closed-form confidence intervals for functions of the
    normal mean and standard deviation. Statistical Methods in Medical Research 21, 347-359.

    Examples
    --------
    50 of a plan of 150 after 10 of the 22 working days of April 2025.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A"], "status": ["won"], "amount": [50.0],
    ...     "closed_at": pd.to_datetime(["2025-04-10"]),
    ... })
    >>> targets = pd.DataFrame({
    ...     "level": ["department"], "period_start": pd.to_datetime(["2025-04-01"]),
    ...     "period_end": pd.to_datetime(["2025-04-30"]), "metric": "revenue", "target": [150.0],
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-04-14")
    >>> table = pace(department)
    >>> table[["n_working_days_gone", "linear_pace", "linear_projection"]].round(3)
       n_working_days_gone  linear_pace  linear_projection
    0                   10        0.733              110.0
    """
    asked = question(department, by, start, end, confidence, results=_SHOWN, metric=metric)
    department = as_of_day(department, on)
    sums = asked.within(attainment_sums(department, asked.keys, metric=metric))
    running = running_periods(sums, department.as_of)
    table = sums.merge(running, on=PERIOD).sort_values([*PERIOD, *asked.keys], ignore_index=True)
    _add_calendar(table, department)
    _add_curve(table, department, running, metric, asked.confidence)
    low, high = compound_poisson_interval(
        table["actual"], table["squares"], table["largest"],
        typical=typical_size(department, metric), confidence=asked.confidence,
    )  # fmt: skip
    _add_paces(table, low, high)
    return table[[*asked.keys, *_SHOWN]]


def _add_calendar(table: pd.DataFrame, department: Department) -> None:
    calendar, as_of = department.calendar, department.as_of
    days = {
        (first, last): (
            calendar.count_working_days(first.date(), last.date()),
            calendar.count_working_days(first.date(), min(last.date(), as_of)),
        )
        for first, last in table[PERIOD].drop_duplicates().itertuples(index=False)
    }
    found = [days[one] for one in table[PERIOD].itertuples(index=False, name=None)]
    table["n_working_days"] = np.array([one[0] for one in found], dtype="int64")
    table["n_working_days_gone"] = np.array([one[1] for one in found], dtype="int64")
    table["elapsed_share"] = ratio(table["n_working_days_gone"], table["n_working_days"])


def _add_curve(
    table: pd.DataFrame, department: Department, running: pd.DataFrame, metric: Metric,
    confidence: float,
) -> None:  # fmt: skip
    """Add what earlier periods had by now, and what they booked in their last third."""
    daily = daily_actuals(department, metric, [])
    planned = read_targets(department, metric)[0]
    names = ["seasonal_share", "last_third_share"]
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    table["n_past_periods"] = 0
    table[columns] = np.nan
    for first, last in running.itertuples(index=False):
        here = (table["period_start"] == first) & (table["period_end"] == last)
        elapsed = table.loc[here, "elapsed_share"].iloc[0]
        past = earlier_periods(first, last, planned=planned, since=daily["day"].min())
        if np.isnan(elapsed):
            continue
        by_now = booked_shares(department, daily, past, elapsed)
        last_third = 1 - booked_shares(department, daily, past, 2 / 3)
        table.loc[here, "n_past_periods"] = len(by_now)
        table.loc[here, columns] = [*band(by_now, confidence), *band(last_third, confidence)]


def _add_paces(
    table: pd.DataFrame, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:  # fmt: skip
    """Hold the result, and how far chance can move it, against what was expected by now."""
    target = table["target"].where(table["target"] > 0)
    actual = table["actual"]
    for name, whole in (("attainment", target), ("linear_pace", target * table["elapsed_share"])):
        known = np.where(np.isnan(low), np.nan, whole)
        table[name] = ratio(actual, known)
        table[f"{name}_low"], table[f"{name}_high"] = ratio(low, known), ratio(high, known)
    table["linear_expected"] = target * table["elapsed_share"]
    table["linear_projection"] = ratio(actual, table["elapsed_share"])
    share = table["seasonal_share"].where(table["seasonal_share_low"] > 0)
    table["seasonal_expected"] = target * table["seasonal_share"]
    _add_seasonal_pace(table, target * share, low, high)
    for end, by in (("", share), ("_low", table["seasonal_share_high"]),
                    ("_high", table["seasonal_share_low"])):  # fmt: skip
        table[f"seasonal_projection{end}"] = ratio(actual, np.where(share.isna(), np.nan, by))
    left = table["n_working_days"] - table["n_working_days_gone"]
    table["required_per_day"] = ratio((target - actual).clip(lower=0), left)


def _add_seasonal_pace(
    table: pd.DataFrame, expected: pd.Series, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Combine the chance in the result with the band of the curve, on the logarithm."""
    share = table["seasonal_share"]
    value = ratio(table["actual"], np.where(np.isnan(low), np.nan, expected))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(table["actual"].to_numpy(float))
        below = np.hypot(size - np.log(low), np.log(table["seasonal_share_high"] / share))
        above = np.hypot(np.log(high) - size, np.log(share / table["seasonal_share_low"]))
        ends = value * np.exp(-below), value * np.exp(above)
    nothing = (table["actual"] == 0).to_numpy()
    table["seasonal_pace"] = value
    table["seasonal_pace_low"] = np.where(nothing, 0 * value, ends[0])
    # nothing sold has no logarithm: what chance allows over what was expected at least
    most = ratio(high, expected * table["seasonal_share_low"] / share)
    table["seasonal_pace_high"] = np.where(nothing, most + 0 * value, ends[1])
