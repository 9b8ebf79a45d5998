"""What was planned and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.counts import daily_actuals, read_targets
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.stats.rates import normal_quantile, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.periods import Calendar

Metric = Literal["revenue", "deals_won", "new_deals", "activities", "margin"]

_PERIOD = ["period_start", "period_end"]
# the level of targets whose id is a value of this column
LEVEL_OF = {"rep_id": "rep", "team": "team", "territory": "territory",
            "product": "product", "segment": "segment"}  # fmt: skip
_COLUMNS = [
    *_PERIOD, "is_complete", "elapsed_share", "metric", "target_basis", "target", "actual",
    "n_events", "attainment", "attainment_low", "attainment_high", "n_reps", "n_reps_met",
    "participation_rate", "participation_rate_low", "participation_rate_high",
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

    The plan of a group is its own target where one was set; only where none was set it is
    the sum of the targets below it (for the department those of the teams, else those of
    the reps; for a team those of its reps). Targets of two levels are never added up, and a
    manager's target that is as large as the sum of the direct reports' is the team's plan
    under another name: it counts neither in a sum nor as a rep's.

    The actual figure is what was won with a closing date inside the period, by the rep who
    has the deal now. Deals won without a closing date belong to no period; `check` counts
    them. A period that ends after ``as_of`` shows what is reached so far against the whole
    target, with the share of working days gone.

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
        - ``metric`` : what is counted; ``target_basis`` : "own", "sum of teams" or "sum of
          reps"; "none" for a group that sold without a target;
        - ``target``, ``actual`` : money, or a number for the counting metrics; ``target`` is
          NaN for "none";
        - ``n_events`` : deals or activities behind ``actual``;
        - ``attainment`` : ``actual / target``; NaN without a target above 0;
        - ``attainment_low``, ``attainment_high`` : how far chance alone can move it (number
          and size of the wins as a compound Poisson process); NaN likewise;
        - ``n_reps`` : reps of the group with a target above 0 for the whole period who were
          there for all of it; ``n_reps_met`` : of these, reached it;
        - ``participation_rate`` : ``n_reps_met / n_reps``, in [0, 1], with Wilson interval
          ``participation_rate_low``, ``participation_rate_high``; NaN before the period is
          complete or without such reps.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column above is missing.
    InputError
        If ``by`` names more than one column, or the metric is unknown.

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
    if len(keys) > 1:
        message = f"target_attainment splits by one column at a time; got {keys!r}."
        raise InputError(message)
    if metric not in get_args(Metric):
        message = f"metric must be one of {', '.join(get_args(Metric))}; got {metric!r}."
        raise InputError(message)
    z = normal_quantile(confidence)
    department.require(targets=["level", "period_start", "period_end", "metric", "target"])
    targets = read_targets(department, metric)
    daily = daily_actuals(department, metric, keys)
    plan = _inside(_plan(department, targets, keys), start, end)
    table = _with_actuals(plan, daily, keys)
    table["attainment"] = ratio(table["actual"], table["target"].where(table["target"] > 0))
    swing = ratio(z * np.sqrt(table.pop("squares")), table["target"].where(table["target"] > 0))
    table["attainment_low"] = (table["attainment"] - swing).clip(lower=0)
    table["attainment_high"] = table["attainment"] + swing
    table["metric"] = metric
    _add_time(table, department.calendar, department.as_of)
    per_rep = _rep_actuals(department, metric)
    _add_participation(table, keys, department, targets, per_rep, confidence)
    return table[[*keys, *_COLUMNS]].sort_values([*_PERIOD, *keys]).reset_index(drop=True)


def _plan(department: Department, targets: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give the plan of each group and period from exactly one level."""
    group = [*keys, *_PERIOD]
    sources = [("own", targets[targets["level"] == _level(keys)].rename(columns=_id_as(keys)))]
    if not keys:
        sources.append(("sum of teams", targets[targets["level"] == "team"]))
    if keys != ["rep_id"]:
        sources.append(("sum of reps", _rep_targets(department, targets, keys)))
    parts: list[pd.DataFrame] = []
    for basis, rows in sources:
        part = rows.groupby(group, as_index=False)["target"].sum().assign(target_basis=basis)
        # a group planned at one level is not planned again from the level below
        taken = set(pd.concat(parts)[keys[0]]) if parts and keys else set()
        if keys:
            part = part[~part[keys[0]].isin(taken)]
        if len(part) and (keys or not parts):
            parts.append(part)
    nothing = sources[0][1].iloc[:0].reindex(columns=[*group, "target"]).assign(target_basis="")
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _level(keys: list[str]) -> str:
    return LEVEL_OF.get(keys[0], "") if keys else "department"


def _id_as(keys: list[str]) -> dict[str, str]:
    return {"id": keys[0]} if keys else {}


def _rep_targets(department: Department, targets: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows = targets[targets["level"] == "rep"]
    if not keys:
        return rows
    if department.home_of(keys[0]) != "reps":  # a deal's own territory is not its rep's
        return rows.iloc[:0].assign(**{keys[0]: ""})
    home = department.fetch("reps")[["rep_id", keys[0]]].sort_values(["rep_id", keys[0]])
    merged = rows.merge(home.drop_duplicates("rep_id"), left_on="id", right_on="rep_id", how="left")
    return merged.assign(**{keys[0]: merged[keys[0]].fillna("unassigned")})


def _inside(plan: pd.DataFrame, start: date | str | None, end: date | str | None) -> pd.DataFrame:
    if start is not None:
        plan = plan[plan["period_start"] >= pd.Timestamp(parse_day(start, "start"))]
    if end is not None:
        plan = plan[plan["period_end"] <= pd.Timestamp(parse_day(end, "end"))]
    return plan


def _with_actuals(plan: pd.DataFrame, daily: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add up the daily figures inside each period; groups without a target get a row too."""
    sums = ["actual", "n_events", "squares"]
    periods = plan[_PERIOD].drop_duplicates().reset_index(drop=True)
    day = daily["day"].to_numpy()
    inside = [
        np.flatnonzero((day >= first) & (day <= last))
        for first, last in zip(periods["period_start"], periods["period_end"], strict=True)
    ]
    taken = daily.iloc[np.concatenate(inside) if inside else []]
    # periods may overlap, so a day can count in several
    taken = taken.assign(period=np.repeat(np.arange(len(inside)), [len(days) for days in inside]))
    actual = taken.groupby([*keys, "period"], as_index=False)[sums].sum()
    actual = actual.join(periods, on="period").drop(columns="period")
    if len(actual):
        table = plan.merge(actual, on=[*keys, *_PERIOD], how="outer")
    else:
        table = plan.assign(**dict.fromkeys(sums, 0.0))
    table["target_basis"] = table["target_basis"].fillna("none")
    table = table.astype(dict.fromkeys(["target", "actual", "squares"], "float64"))
    table = table.fillna({"actual": 0.0, "squares": 0.0, "n_events": 0})
    return table.astype({"n_events": "int64"})


def _add_time(table: pd.DataFrame, calendar: Calendar, as_of: date) -> None:
    table["is_complete"] = table["period_end"] <= pd.Timestamp(as_of)
    begun = table["period_start"] <= pd.Timestamp(as_of)
    table["elapsed_share"] = np.where(table["is_complete"], 1.0, 0.0)
    running = begun & ~table["is_complete"]
    for first, last in table.loc[running, _PERIOD].drop_duplicates().itertuples(index=False):
        whole = calendar.count_working_days(first.date(), last.date())
        gone = calendar.count_working_days(first.date(), as_of)
        same = (table["period_start"] == first) & (table["period_end"] == last)
        table.loc[same, "elapsed_share"] = gone / whole if whole else np.nan


def _rep_actuals(department: Department, metric: Metric) -> pd.DataFrame | None:
    home = "activities" if metric == "activities" else "deals"
    return daily_actuals(department, metric, ["rep_id"]) if department.has(home, "rep_id") else None


def _add_participation(
    table: pd.DataFrame,
    keys: list[str],
    department: Department,
    targets: pd.DataFrame,
    per_rep: pd.DataFrame | None,
    confidence: float,
) -> None:
    """Count, per row, the reps who had a target for the whole period and who reached it."""
    rows = targets[targets["level"] == "rep"].rename(columns={"id": "rep_id"})
    rows = rows[_was_there(department, rows) & (rows["target"] > 0)]
    counts = table.iloc[:0]
    if len(rows) and per_rep is not None:
        plan = rows.groupby(["rep_id", *_PERIOD], as_index=False)["target"].sum()
        plan = plan.assign(target_basis="own")
        reached = _with_actuals(plan, per_rep, ["rep_id"])
        reached = reached[reached["target_basis"] == "own"]
        reached["met"] = reached["actual"] >= reached["target"]
        if keys and keys != ["rep_id"]:
            reached = _rep_targets(department, reached.assign(level="rep", id=reached["rep_id"]),
                                   keys)  # fmt: skip
        counts = (
            reached.groupby([*keys, *_PERIOD])["met"].agg(n_reps="size", n_reps_met="sum")
        ).reset_index()
    table[["n_reps", "n_reps_met"]] = 0
    if len(counts):
        merged = table[[*keys, *_PERIOD]].merge(counts, on=[*keys, *_PERIOD], how="left")
        for name in ("n_reps", "n_reps_met"):
            table[name] = merged[name].astype(float).fillna(0).astype("int64").to_numpy()
    judged = table["n_reps"].where(table["is_complete"], 0)
    table["participation_rate"] = ratio(table["n_reps_met"], judged)
    low, high = wilson_interval(table["n_reps_met"], judged, confidence=confidence)
    table["participation_rate_low"], table["participation_rate_high"] = low, high


def _was_there(department: Department, rows: pd.DataFrame) -> pd.Series:
    """Tell which rep targets belong to reps employed for the whole period."""
    there = pd.Series(data=True, index=rows.index)
    if not department.has("reps") or not len(rows):
        return there
    reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
    for column, edge, late in (
        ("hired_on", "period_start", False),
        ("left_on", "period_end", True),
    ):
        if column in reps:
            day = pd.to_datetime(rows["rep_id"].map(reps[column]))
            outside = day < rows[edge] if late else day > rows[edge]
            there &= ~outside
    return there
