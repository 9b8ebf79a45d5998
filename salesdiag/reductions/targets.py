"""Which targets make the plan of a group: its own, or those below it, never both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.department import UNASSIGNED
from salesdiag.errors import InputError
from salesdiag.reductions.actuals import (
    PERIOD,
    column_of_reps,
    daily_actuals,
    has_reps,
    sum_inside,
)

if TYPE_CHECKING:
    from salesdiag.department import Department

# the level of targets whose id is a value of this column
_LEVEL_OF = {"rep_id": "rep", "team": "team", "territory": "territory",
             "product": "product", "segment": "segment"}  # fmt: skip
# a manager's target at least this large beside the sum of the reports' is the team's plan ...
_SAME_PLAN = 0.75
# ... unless the manager sells: this share of the target by own deals makes it a quota
_SELLS = 0.25
_LONGEST_BREAK = 5  # days without work at the start of a period


def read_targets(department: Department, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the targets of a metric, and apart those of managers that repeat their team's."""
    frame = department.remember(f"targets {metric}", lambda: _marked(department, metric))
    repeats = frame.pop("repeats")
    return frame[~repeats].reset_index(drop=True), frame[repeats]


def _marked(department: Department, metric: str) -> pd.DataFrame:
    """Give the targets of a metric, those that repeat a team's marked."""
    frame = department.fetch("targets")
    frame = frame[frame["metric"] == metric].reset_index(drop=True)
    frame["target"] = frame["target"].astype(float)
    if "id" not in frame:
        frame["id"] = frame["level"]  # only the department can go without an id
    for name in PERIOD:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    frame = frame.sort_values(["level", "id", *PERIOD, "target"], kind="stable")
    frame = frame.drop_duplicates(["level", "id", *PERIOD, "target"]).reset_index(drop=True)
    _refuse_two_targets(frame, metric)
    return frame.assign(repeats=_repeats_team(department, frame, metric))


def _refuse_two_targets(frame: pd.DataFrame, metric: str) -> None:
    """Stop where one thing has two targets for one period: nobody can tell which is meant."""
    again = frame.duplicated(["level", "id", *PERIOD], keep=False)
    if again.any():
        row = frame[again].iloc[0]
        same = (frame[["level", *PERIOD]] == row[["level", *PERIOD]]).all(axis=1)
        same &= (frame["id"] == row["id"]) | (frame["id"].isna() & pd.isna(row["id"]))
        values = " and ".join(f"{value:g}" for value in frame.loc[same, "target"])
        whose = f"{row['level']} {row['id']}" if pd.notna(row["id"]) else row["level"]
        message = (
            f"targets: {whose} has several targets of {metric} for {row['period_start']:%Y-%m-%d} "
            f"to {row['period_end']:%Y-%m-%d}: {values}. Keep the one that is meant."
        )
        raise InputError(message)


def _repeats_team(department: Department, targets: pd.DataFrame, metric: str) -> pd.Series:
    """Mark the rep targets of managers that are their team's plan under another name."""
    repeats = pd.Series(data=False, index=targets.index)
    if not department.has("reps", "manager_id"):
        return repeats
    reps = department.fetch("reps")[["rep_id", "manager_id"]].dropna()
    manager_of = reps.drop_duplicates("rep_id").set_index("rep_id")["manager_id"]
    own = targets[targets["level"] == "rep"]
    below = own.assign(rep_id=own["id"], id=own["id"].map(manager_of)).dropna(subset="id")
    below = below[below["id"] != below["rep_id"]]  # a manager may be named as their own
    sums = below.groupby(["id", *PERIOD])["target"].sum().rename("below").reset_index()
    beside = own.reset_index().merge(sums, on=["id", *PERIOD]).set_index("index")
    large = beside["target"] >= _SAME_PLAN * beside["below"]
    sells = beside["id"].map(_own_share(department, beside, metric)).fillna(0) >= _SELLS
    repeats.loc[beside.index[large & ~sells & (beside["below"] > 0)]] = True
    return repeats


def _own_share(department: Department, rows: pd.DataFrame, metric: str) -> pd.Series:
    """Give, per manager, what own deals brought as a share of the targets."""
    if not has_reps(department, metric) or not len(rows):
        return pd.Series(dtype=float)
    daily = daily_actuals(department, metric, ["rep_id"])
    sums = sum_inside(daily, rows, ["rep_id"]).rename(columns={"rep_id": "id"})
    begun = rows[rows["period_start"] <= pd.Timestamp(department.as_of)]
    merged = begun.merge(sums, on=["id", *PERIOD], how="left").fillna({"actual": 0.0})
    groups = merged.groupby("id")
    return groups["actual"].sum() / groups["target"].sum()


def own_targets(targets: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give the targets set for the groups themselves."""
    level = _LEVEL_OF.get(keys[0], "") if keys else "department"
    rows = targets[targets["level"] == level]
    rows = rows.rename(columns={"id": keys[0]}) if keys else rows
    sums: pd.DataFrame = rows.groupby([*keys, *PERIOD])["target"].sum().reset_index()
    return sums


def targets_below(
    department: Department, targets: pd.DataFrame, own: pd.DataFrame, keys: list[str]
) -> pd.DataFrame:
    """Give the targets from which the plan of a group without one of its own is added up.

    For each group and period: the targets of its teams, and those of the reps whose team
    has none for that period. Columns: the keys, ``unit`` ("team" or "rep"), ``id``, the
    period, ``target``.
    """
    rep_rows = targets[targets["level"] == "rep"].assign(unit="rep")
    if keys == ["rep_id"] or (keys and department.home_of(keys[0]) != "reps"):
        return rep_rows.iloc[:0].assign(**{keys[0]: ""})  # a deal's territory is not its rep's
    rep_rows = _with_home(department, rep_rows, keys[0] if keys else "team")
    if keys:
        below = rep_rows
    else:
        team_rows = targets[targets["level"] == "team"].assign(unit="team")
        planned = team_rows.rename(columns={"id": "team"})
        below = pd.concat([team_rows, _without(rep_rows, planned, ["team", *PERIOD])])
    return _without(below, own, [*keys, *PERIOD])


def _with_home(department: Department, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Put the rep's team, or whatever column is asked for, beside each rep's target."""
    if not department.has("reps", column):
        return rows.assign(**{column: UNASSIGNED})
    return rows.assign(**{column: column_of_reps(department, rows["id"], column)})


def _without(rows: pd.DataFrame, taken: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Leave out the rows whose values of ``on`` are taken."""
    if not len(rows) or not len(taken):
        return rows
    marked = rows.merge(taken[on].drop_duplicates(), on=on, how="left", indicator="there")
    return rows[(marked["there"] == "left_only").to_numpy()]


def whole_reps(department: Department, targets: pd.DataFrame) -> pd.DataFrame:
    """Give the rep targets above 0 of reps who were there for the whole period.

    Somebody hired between the first day of a period and its first working day missed none.
    """
    rows = targets[(targets["level"] == "rep") & (targets["target"] > 0)]
    rows = rows.rename(columns={"id": "rep_id"})
    if not department.has("reps") or not len(rows):
        return rows
    reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
    there = pd.Series(data=True, index=rows.index)
    if "hired_on" in reps:
        hired = pd.to_datetime(rows["rep_id"].map(reps["hired_on"]))
        late = hired > rows["period_start"]
        # beyond it some working day was missed for certain, and the calendar need not be asked
        there &= ~(hired > rows["period_start"] + pd.Timedelta(days=_LONGEST_BREAK))
        for row in rows.index[late & there]:
            missed = department.calendar.count_working_days(
                rows.loc[row, "period_start"].date(), (hired[row] - pd.Timedelta(days=1)).date()
            )
            there[row] = missed == 0
    if "left_on" in reps:
        left = pd.to_datetime(rows["rep_id"].map(reps["left_on"]))
        there &= ~(left < rows["period_end"])
    return rows[there]
