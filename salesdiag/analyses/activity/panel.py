"""Reps over periods as the analyses of activity and result take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.keys import groups_of_reps
from salesdiag.department import UNASSIGNED
from salesdiag.errors import InputError
from salesdiag.reductions.rep_weeks import TYPE_COLUMNS, Unit, rep_weeks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from salesdiag.department import Department

Result = Literal["deals_won", "revenue", "new_deals"]

ALL = "all"
_RESULTS = {"deals_won": "n_won", "revenue": "won_amount", "new_deals": "n_created"}


def result_panel(
    department: Department,
    *,
    result: Result,
    unit: Unit,
    start: date | str | None,
    end: date | str | None,
    max_age_days: int | None = None,
) -> pd.DataFrame:
    """Give `rep_weeks` with two more columns: ``result`` and, its cases, ``n_results``."""
    if result not in get_args(Result):
        message = f"result must be one of {', '.join(get_args(Result))}; got {result!r}."
        raise InputError(message)
    if unit not in get_args(Unit):
        message = f"unit must be one of {', '.join(get_args(Unit))}; got {unit!r}."
        raise InputError(message)
    department.require(deals=["amount"] if result == "revenue" else [])
    table = rep_weeks(department, unit=unit, start=start, end=end, max_age_days=max_age_days)
    counted = "n_created" if result == "new_deals" else "n_won"
    return table.assign(result=table[_RESULTS[result]].astype(float), n_results=table[counted])


def types_in(table: pd.DataFrame) -> list[str]:
    """List the activity types that occur, after "all"."""
    return [ALL, *(kind for kind, column in TYPE_COLUMNS.items() if table[column].any())]


def column_of(activity_type: str) -> str:
    """Name the column that counts a type of activity, or all of them."""
    if activity_type == ALL:
        return "n_activities"
    if activity_type not in TYPE_COLUMNS:
        message = (
            f"activity_type must be {ALL!r} or one of {', '.join(TYPE_COLUMNS)}; "
            f"got {activity_type!r}."
        )
        raise InputError(message)
    return TYPE_COLUMNS[activity_type]


def split_panel(
    department: Department, table: pd.DataFrame, keys: list[str]
) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """Give each group's values and rows, in order; "unassigned" is always among them."""
    if not keys:
        yield [], table
        return
    ids = pd.Series([*pd.unique(table["rep_id"]), UNASSIGNED], dtype="str").drop_duplicates()
    groups = groups_of_reps(department, ids, keys).assign(rep_id=ids)
    for values, members in groups.groupby(keys, sort=True):
        yield [str(value) for value in values], table[table["rep_id"].isin(members["rep_id"])]


def with_gaps_filled(table: pd.DataFrame) -> pd.DataFrame:
    """Give each rep a row for every period from the first to the last with a selling day.

    A week in which nobody works still lies between two others: nothing was done in it.
    """
    there = table[(table["n_selling_days"] > 0) & (table["rep_id"] != UNASSIGNED)]
    spans = there.groupby("rep_id")["period"].agg(["min", "max"])
    lengths = (spans["max"] - spans["min"] + 1).to_numpy(int)
    reps = np.repeat(spans.index.to_numpy(), lengths)
    starts = np.repeat(spans["min"].to_numpy(int), lengths)
    within = np.arange(len(reps)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    grid = pd.DataFrame({"rep_id": pd.Series(reps, dtype="str"), "period": starts + within})
    filled = grid.merge(table, on=["rep_id", "period"], how="left")
    counts = [name for name in table.columns if name.startswith("n_")]
    return filled.fillna(dict.fromkeys([*counts, "result"], 0))
