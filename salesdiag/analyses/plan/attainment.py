"""What was planned and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.narrow import refuse_key
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import PERIOD
from salesdiag.reductions.plan_sums import Metric, attainment_sums, typical_size
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_COLUMNS = [
    *PERIOD, "is_complete", "elapsed_share", "metric", "target_basis", "target", "actual",
    "unplanned_actual", "n_events", "attainment", "attainment_low", "attainment_high", "n_reps",
    "n_reps_met", "participation_rate", "participation_rate_low", "participation_rate_high",
    "n_targets_left_out",
]  # fmt: skip


def target_attainment(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Metric = "revenue",
) -> pd.DataFrame:
    """Compare what was reached with what was planned, period by period.

    The plan of a group is its own target for the period where one was set; only where none
    was set it is the sum of the targets below it (for the department those of the teams and
    of the reps whose team has none; for a team those of its reps), and then only what those
    with a target reached is held against it; what the others sold stands beside it. Targets
    of two levels are never added up. A manager's target of about the size of the direct
    reports' together (three quarters or more), with hardly any own deals behind it, is the
    team's plan under another name: it counts neither in a sum nor as a rep's.

    The actual figure is what was won with a closing date inside the period, by the rep who
    has the deal now. Deals won without a closing date belong to no period; `check` counts
    them. A period that ends after ``as_of`` shows what is reached so far against the whole
    target, with the share of working days gone; one that has not begun shows nothing yet.

    Parameters
    ----------
    department : Department
        Needs ``targets``, and for the metric: ``deals`` with ``closed_at`` and ``amount``
        (revenue), ``cost_amount`` (margin) or ``created_at`` (new_deals), or ``activities``.
        Not modified.
    by : str or sequence of one str, default ()
        Level: nothing for the department, else ``"rep_id"``, or a column of ``deals`` or
        ``reps`` such as ``"team"``.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included).
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"revenue", "deals_won", "new_deals", "activities", "margin"}
        What is counted.

    Returns
    -------
    DataFrame
        One row per group and period, in order of time:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by ``as_of``;
        - ``elapsed_share`` : share of its working days gone by ``as_of``, in [0, 1];
        - ``metric`` : what is counted; ``target_basis`` : "own", "sum of teams", "sum of
          reps", "sum of teams and reps"; "none" for a group that sold without a target;
        - ``target``, ``actual`` : money, or a number for the counting metrics; ``target`` is
          NaN for "none", ``actual`` before the period begins;
        - ``unplanned_actual`` : what was sold besides by those without a target, where the
          plan is a sum; 0 where the group has a target of its own;
        - ``n_events`` : deals or activities behind ``actual``;
        - ``attainment`` : ``actual / target``; NaN without a target above 0 or before the
          period begins;
        - ``attainment_low``, ``attainment_high`` : how far chance alone can move it: number
          and size of the wins as a compound Poisson process, without shocks that hit all
          deals at once (Fay and Feuer's gamma interval [1]_); NaN likewise;
        - ``n_reps`` : reps of the group with a target above 0 for the whole period who were
          there for all of it; ``n_reps_met`` : of these, reached it;
        - ``participation_rate`` : ``n_reps_met / n_reps``, in [0, 1], with Wilson interval
          ``participation_rate_low``, ``participation_rate_high``; NaN before the period is
          complete or without such reps;
        - ``n_targets_left_out`` : managers' targets left out because they repeat their team's.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column above is missing.
    InputError
        If ``by`` names more than one column, or the metric is unknown.

    References
    ----------
    .. [1] Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized
       rates: a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C"], "status": "won", "amount": [60.0, 30.0, 20.0],
    ...     "closed_at": pd.to_datetime(["2025-01-10", "2025-03-31", "2025-04-01"]),
    ... })
    >>> quarter = pd.to_datetime(["2025-01-01", "2025-04-01"])
    >>> targets = pd.DataFrame({
    ...     "level": "department", "period_start": quarter, "metric": "revenue",
    ...     "period_end": pd.to_datetime(["2025-03-31", "2025-06-30"]), "target": [100.0, 80.0],
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-06-30")
    >>> target_attainment(department)[["period_start", "actual", "target", "attainment"]]
      period_start  actual  target  attainment
    0   2025-01-01    90.0   100.0        0.90
    1   2025-04-01    20.0    80.0        0.25
    """
    results = [*_COLUMNS, "level"]
    if metric == "activities":  # they have columns of their own
        keys = [by] if isinstance(by, str) else list(by)
        for key in keys:
            refuse_key("activities", key, results)
    else:
        keys = department.split_keys(by, results=results)
    table = attainment_sums(department, keys, metric=metric)
    first = None if start is None else pd.Timestamp(parse_day(start, "start"))
    last = None if end is None else pd.Timestamp(parse_day(end, "end"))
    table = table if first is None else table[table["period_start"] >= first]
    table = table if last is None else table[table["period_end"] <= last]
    table = table.reset_index(drop=True)
    _add_attainment(table, typical_size(department, metric), confidence)
    judged = table["n_reps"].where(table["is_complete"], 0)
    met = table["n_reps_met"].where(table["is_complete"], 0)
    table["participation_rate"] = ratio(met, judged)
    low, high = wilson_interval(met, judged, confidence=confidence)
    table["participation_rate_low"], table["participation_rate_high"] = low, high
    return table[[*keys, *_COLUMNS]]


def _add_attainment(table: pd.DataFrame, typical: float, confidence: float) -> None:
    """Divide by the target, with the interval of chance."""
    low, high = compound_poisson_interval(
        table["actual"], table["squares"], table["largest"], typical=typical,
        confidence=confidence,
    )  # fmt: skip
    target = table["target"].where((table["target"] > 0) & table["actual"].notna())
    table["attainment"] = ratio(table["actual"], target)
    table["attainment_low"], table["attainment_high"] = ratio(low, target), ratio(high, target)
