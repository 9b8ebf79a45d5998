"""The reduction under the workload: what lies on each rep's desk, and what comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    import ibis

    from salesdiag.department import Department

# what lies there on one day, and what comes in on many
STOCKS = ("open_deals", "overdue_tasks")
FLOWS = ("new_deals", "new_leads", "due_tasks")
KINDS = ("open_deals", "new_deals", "new_leads", "due_tasks", "overdue_tasks")


def count_loads(department: Department, first: date, last: date) -> pd.DataFrame:
    """Count what each rep has on the last day and what came in from first to last.

    Columns: ``rep_id`` ("unassigned" where missing), ``load``, ``n_items``; one query a table;
    kinds of load whose tables or columns are missing have no rows.
    """
    department.require(deals=["rep_id", "status", "created_at"])
    counts = [_deals(department, first, last)]
    if department.has("leads", "rep_id", "created_at"):
        leads = department.table("leads").filter(
            (_.created_at.date() >= first) & (_.created_at.date() <= last)
        )
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
    day = _.due_at.date()
    left = day <= last
    if "completed_at" in rows.columns:
        left = left & (_.completed_at.isnull() | (_.completed_at.date() > last))
    return _by_rep(
        rows,
        due_tasks=_.count(where=(day >= first) & (day <= last)),
        overdue_tasks=_.count(where=left & (day < last)),
    )


def _by_rep(rows: ibis.Table, **counts: ibis.Value) -> pd.DataFrame:
    named = rows.mutate(rep_id=rows.rep_id.fill_null(UNASSIGNED))
    return fetch(named.group_by("rep_id").agg(**counts))
