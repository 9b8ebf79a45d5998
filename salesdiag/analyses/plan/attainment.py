"""What was planned and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.counts import (
    PERIOD,
    SUMS,
    column_of_reps,
    daily_actuals,
    has_reps,
    sum_inside,
)
from salesdiag.analyses.plan.targets import own_targets, read_targets, targets_below, whole_reps
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.periods import Calendar

Metric = Literal["revenue", "deals_won", "new_deals", "activities", "margin"]

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
    keys = [by] if isinstance(by, str) else list(by)
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


def attainment_sums(
    department: Department, keys: list[str], *, metric: Metric = "revenue"
) -> pd.DataFrame:
    """Give target and actual of each group and period, with what chance is judged from.

    The columns of `target_attainment` without its rates, and ``squares`` and ``largest`` of
    what is behind ``actual``, which add up over periods as rates do not.
    """
    if len(keys) > 1:
        message = f"by: a plan splits by one column at a time; got {keys!r}."
        raise InputError(message)
    if metric not in get_args(Metric):
        message = f"metric must be one of {', '.join(get_args(Metric))}; got {metric!r}."
        raise InputError(message)
    return department.remember(
        f"attainment {metric} {keys}", lambda: _sums(department, keys, metric)
    )


def _sums(department: Department, keys: list[str], metric: Metric) -> pd.DataFrame:
    department.require(targets=["level", *PERIOD, "metric", "target"])
    targets, left_out = read_targets(department, metric)
    daily = daily_actuals(department, metric, keys)
    own = own_targets(targets, keys)
    below = targets_below(department, targets, own, keys)
    periods = pd.concat([own[PERIOD], below[PERIOD]])
    whole = sum_inside(daily, periods, keys)
    parts = [_own(own, whole, keys)]
    if len(below):
        parts.append(_added_up(department, below, whole, keys, metric))
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else parts[0]
    table = _with_unplanned_groups(table, whole, keys)
    _add_time(table, department.calendar, department.as_of)
    _add_reps(table, department, targets, left_out, keys, metric)
    order = table.sort_values([*PERIOD, *keys]).reset_index(drop=True)
    return order.assign(metric=metric)


def typical_size(department: Department, metric: Metric) -> float:
    """Give the size of one event of the department, by which chance is judged without any."""
    daily = daily_actuals(department, metric, [])
    n_events = float(daily["n_events"].sum())
    return float(np.sqrt(daily["squares"].sum() / n_events)) if n_events else 0.0


def _own(own: pd.DataFrame, whole: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Hold what a group reached against its own target."""
    table = own.merge(whole, on=[*keys, *PERIOD], how="left").assign(target_basis="own")
    return _filled(table.assign(unplanned_actual=0.0))


def _added_up(
    department: Department, below: pd.DataFrame, whole: pd.DataFrame, keys: list[str],
    metric: Metric,
) -> pd.DataFrame:  # fmt: skip
    """Hold what those with a target reached against the sum of their targets."""
    if not has_reps(department, metric):  # who sold is not known: all count for the sum
        plain = below.groupby([*keys, *PERIOD])["target"].sum().reset_index()
        return _own(plain, whole, keys).assign(target_basis="sum of targets below")
    units = []
    for unit, column in (("team", "team"), ("rep", "rep_id")):
        rows = below[below["unit"] == unit]
        if len(rows):
            daily = daily_actuals(department, metric, [column])
            sums = sum_inside(daily, rows, [column]).rename(columns={column: "id"})
            units.append(rows[[*keys, "unit", "id", *PERIOD, "target"]].merge(
                sums, on=["id", *PERIOD], how="left"
            ))  # fmt: skip
    each = _filled(pd.concat(units, ignore_index=True))
    each["n_teams"] = (each["unit"] == "team").astype("int64")
    each["n_units"] = 1
    how = {"target": "sum", **SUMS, "n_teams": "sum", "n_units": "sum"}
    table: pd.DataFrame = each.groupby([*keys, *PERIOD]).agg(how).reset_index()
    table["target_basis"] = np.select(
        [table["n_teams"] == 0, table["n_teams"] == table["n_units"]],
        ["sum of reps", "sum of teams"], "sum of teams and reps",
    )  # fmt: skip
    sold = table.merge(whole, on=[*keys, *PERIOD], how="left", suffixes=("", "_whole"))
    table["unplanned_actual"] = (sold["actual_whole"].fillna(0) - sold["actual"]).round(4)
    return table.drop(columns=["n_teams", "n_units"])


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    return table.fillna({"actual": 0.0, "n_events": 0, "squares": 0.0, "largest": 0.0})


def _with_unplanned_groups(
    table: pd.DataFrame, whole: pd.DataFrame, keys: list[str]
) -> pd.DataFrame:
    """Add the groups that sold in a period without having a target for it."""
    if keys and len(whole):
        rows = whole.merge(table[[*keys, *PERIOD]], on=[*keys, *PERIOD], how="left",
                           indicator="there")  # fmt: skip
        rows = rows[rows["there"] == "left_only"].drop(columns="there")
        rows = rows.assign(target=np.nan, target_basis="none", unplanned_actual=0.0)
        table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
    kinds = dict.fromkeys(["target", "actual", "squares", "largest", "unplanned_actual"], "float64")
    return table.astype({**kinds, "n_events": "int64"})


def _add_attainment(table: pd.DataFrame, typical: float, confidence: float) -> None:
    """Divide by the target, with the interval of chance."""
    low, high = compound_poisson_interval(
        table["actual"], table["squares"], table["largest"], typical=typical,
        confidence=confidence,
    )  # fmt: skip
    target = table["target"].where((table["target"] > 0) & table["actual"].notna())
    table["attainment"] = ratio(table["actual"], target)
    table["attainment_low"], table["attainment_high"] = ratio(low, target), ratio(high, target)


def _add_time(table: pd.DataFrame, calendar: Calendar, as_of: date) -> None:
    end = pd.Timestamp(as_of)
    table["is_complete"] = table["period_end"] <= end
    begun = table["period_start"] <= end
    table["actual"] = table["actual"].where(begun)
    table["elapsed_share"] = np.where(table["is_complete"], 1.0, 0.0)
    running = begun & ~table["is_complete"]
    for first, last in table.loc[running, PERIOD].drop_duplicates().itertuples(index=False):
        whole = calendar.count_working_days(first.date(), last.date())
        gone = calendar.count_working_days(first.date(), as_of)
        same = (table["period_start"] == first) & (table["period_end"] == last)
        table.loc[same, "elapsed_share"] = gone / whole if whole else np.nan


def _add_reps(
    table: pd.DataFrame, department: Department, targets: pd.DataFrame, left_out: pd.DataFrame,
    keys: list[str], metric: Metric,
) -> None:  # fmt: skip
    """Count the reps with a target for the whole period, who reached it, and targets left out."""
    table[["n_reps", "n_reps_met", "n_targets_left_out"]] = 0
    if keys and keys != ["rep_id"] and department.home_of(keys[0]) != "reps":
        return
    rows = whole_reps(department, targets)
    if len(rows) and has_reps(department, metric):
        daily = daily_actuals(department, metric, ["rep_id"])
        reached = rows.merge(
            sum_inside(daily, rows, ["rep_id"]), on=["rep_id", *PERIOD], how="left"
        ).fillna({"actual": 0.0})
        reached["met"] = reached["actual"] >= reached["target"]
        _count(table, department, reached, keys, {"n_reps": "size", "n_reps_met": "sum"})
    if len(left_out):
        manager = left_out.rename(columns={"id": "rep_id"}).assign(met=True)
        _count(table, department, manager, keys, {"n_targets_left_out": "size"})


def _count(
    table: pd.DataFrame, department: Department, rows: pd.DataFrame, keys: list[str],
    counts: dict[str, str],
) -> None:  # fmt: skip
    """Count rows of reps by group and period into columns of the table."""
    if keys and keys != ["rep_id"]:
        rows = rows.assign(**{keys[0]: column_of_reps(department, rows["rep_id"], keys[0])})
    named = {name: ("met", how) for name, how in counts.items()}
    counted = rows.groupby([*keys, *PERIOD]).agg(**named).reset_index()
    merged = table[[*keys, *PERIOD]].merge(counted, on=[*keys, *PERIOD], how="left")
    for name in counts:
        table[name] = merged[name].astype(float).fillna(0).astype("int64").to_numpy()
