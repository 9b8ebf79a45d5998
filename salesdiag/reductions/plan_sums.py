"""Targets and what came of them, per group and period: own targets, or those below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from salesdiag.errors import InputError
from salesdiag.reductions.actuals import (
    PERIOD,
    SUMS,
    column_of_reps,
    daily_actuals,
    has_reps,
    sum_inside,
)
from salesdiag.reductions.targets import own_targets, read_targets, targets_below, whole_reps

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.periods import Calendar

Metric = Literal["revenue", "deals_won", "new_deals", "activities", "margin"]


def attainment_sums(
    department: Department, keys: list[str], *, metric: Metric = "revenue"
) -> pd.DataFrame:
    """Give target and actual of each group and period, with what chance is judged from.

    The columns of the table of attainment without its rates, and ``squares`` and ``largest`` of
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
