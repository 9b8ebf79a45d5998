"""The reduction under the workload: what lies on each rep's desk, and what comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

# what lies there on one day, and what comes in on many
STOCKS = ("open_deals", "overdue_tasks")
FLOWS = ("new_deals", "new_leads", "due_tasks")
KINDS = ("open_deals", "new_deals", "new_leads", "due_tasks", "overdue_tasks")


def count_loads(department: Department, first: date, last: date) -> pd.DataFrame:
    """Count what each rep has on the last day and what came in from first to last.

    Columns: ``rep_id`` ("unassigned" where missing), ``load``, ``n_items``; one query a table;
    kinds of load whose tables or columns are missing have no rows. A ``lead_id`` or
    ``activity_id`` that stands in several rows is one lead (that which came in first) or task.
    """
    department.require(deals=["rep_id", "status", "created_at"])
    counts = [_deals(department, first, last)]
    if department.has("leads", "rep_id", "created_at"):
        leads = department.table("leads").filter(_.created_at.date() <= last)
        leads = _once(leads, "lead_id", "created_at", "rep_id")
        leads = leads.filter(_.created_at.date() >= first)
        counts.append(_by_rep(leads, new_leads=_.count()))
    if department.has("activities", "rep_id", "due_at"):
        counts.append(_tasks(department, first, last))
    table = pd.concat([one.melt("rep_id", var_name="load", value_name="n_items")
                       for one in counts], ignore_index=True)  # fmt: skip
    table = table.astype({"rep_id": "str", "load": "str", "n_items": "int64"})
    return table.sort_values(["load", "rep_id"], ignore_index=True)


def known_kinds(department: Department) -> list[str]:
    """Name the loads that the tables can tell of."""
    known = {"open_deals", "new_deals"}
    if department.has("leads", "rep_id", "created_at"):
        known.add("new_leads")
    if department.has("activities", "rep_id", "due_at"):
        known |= {"due_tasks", "overdue_tasks"}
    return [kind for kind in KINDS if kind in known]


def _deals(department: Department, first: date, last: date) -> pd.DataFrame:
    deals = department.select_deals()
    day = _.created_at.date()
    still = _.status == "open"
    if "closed_at" in deals.columns:
        still = still | (_.closed_at.date() > last).fill_null(False)  # noqa: FBT003
    came = (day <= last).fill_null(False)  # noqa: FBT003
    # an open deal without a day of creation is there all the same
    there = still & (came | _.created_at.isnull())
    return _by_rep(
        deals,
        open_deals=_.count(where=there),
        new_deals=_.count(where=came & (day >= first)),
    )


def _tasks(department: Department, first: date, last: date) -> pd.DataFrame:
    rows = department.table("activities")
    rows = rows.filter(_.due_at.notnull() & (_.occurred_at.date() <= last))
    # a task is done where one of its rows says so
    rows = _once(rows, "activity_id", "completed_at", "due_at", "rep_id")
    day = _.due_at.date()
    left = day <= last
    if "completed_at" in rows.columns:
        left = left & (_.completed_at.isnull() | (_.completed_at.date() > last))
    return _by_rep(
        rows,
        due_tasks=_.count(where=(day >= first) & (day <= last)),
        overdue_tasks=_.count(where=left & (day < last)),
    )


def _once(rows: ibis.Table, name: str, *order: str) -> ibis.Table:
    """Keep of rows with one id the first in this order, what is missing last."""
    keep = [column for column in (name, *order, "occurred_at") if column in rows.columns]
    rows = rows.select(*keep)
    first = [rows[column].asc(nulls_first=False) for column in order if column in rows.columns]
    place = ibis.row_number().over(group_by=rows[name], order_by=first)
    return rows.mutate(place=place).filter((_.place == 0) | _[name].isnull()).drop("place")


def _by_rep(rows: ibis.Table, **counts: ibis.Value) -> pd.DataFrame:
    named = rows.mutate(rep_id=rows.rep_id.fill_null(UNASSIGNED))
    return fetch(named.group_by("rep_id").agg(**counts))
