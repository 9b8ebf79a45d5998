"""The reduction under the coverage of deals: what was done and what is planned on each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.engine import fetch, steady
from salesdiag.periods import parse_day

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.analyses.activity.links import Link
    from salesdiag.department import Department

COUNTS = ["n_deals", "n_undated", "n_open", "n_activities", "n_never_touched", "n_touched",
          "n_step_known", "n_without_next_step", "n_due_known", "n_with_overdue_task",
          "n_tasks_due", "n_tasks_overdue", "n_without_amount", "squares",
          "largest_count"]  # fmt: skip
AMOUNTS = ["total_amount", "never_touched_amount", "untouched_amount", "no_next_step_amount",
           "overdue_amount"]  # fmt: skip
_PER_DEAL = ["n_done", "n_ahead", "n_due", "n_overdue"]


def count_coverage(
    department: Department,
    keys: list[str],
    *,
    status: str,
    within_days: int,
    link: Link,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count deals by what was done and is planned on them, per group.

    Groups stay though none of their deals is asked for. ``squares`` and ``largest_count`` are
    of the activities of a deal.
    """
    deals = department.select_deals(by=keys)
    asked = ibis.literal(True) if status == "all" else deals.status == status  # noqa: FBT003
    deals = deals.select(
        *dict.fromkeys([*keys, f"{link}_id"]),
        is_open=deals.status == "open",
        inside=asked & _inside(deals, start, end),
        is_undated=asked & _undated(deals, start, end),
        worth=(deals.amount if "amount" in deals.columns else ibis.null()).cast("float64"),
        planned=_planned(department, deals),
    )
    is_whole = status == "all" and start is None and end is None
    done = _by_link(department, link, None if is_whole else deals.filter(_.inside))
    table = deals.left_join(done, f"{link}_id")
    table = table.mutate(**{name: table[name].fill_null(0) for name in _PER_DEAL})
    sums = _sums(department, within_days)
    grouped = table.group_by(keys).agg(**sums) if keys else table.agg(**sums)
    frame = fetch(grouped)
    frame[COUNTS] = frame[COUNTS].fillna(0).astype("int64")
    frame[AMOUNTS] = frame[AMOUNTS].astype(float).apply(steady)
    with_amount = frame["n_deals"] - frame["n_without_amount"]
    for name in AMOUNTS:  # of amounts that are known, none is 0; of none that is known, unknown
        frame[name] = frame[name].fillna(0.0).where(with_amount > 0)
    return frame.sort_values(keys).reset_index(drop=True) if keys else frame


def _inside(deals: ibis.Table, start: date | str | None, end: date | str | None) -> ibis.Value:
    inside: ibis.Value = ibis.literal(True)  # noqa: FBT003
    if start is not None:
        inside = inside & (deals.created_at.date() >= parse_day(start, "start"))
    if end is not None:
        inside = inside & (deals.created_at.date() <= parse_day(end, "end"))
    return inside.fill_null(False)  # noqa: FBT003


def _undated(deals: ibis.Table, start: date | str | None, end: date | str | None) -> ibis.Value:
    if start is None and end is None:
        return ibis.literal(False)  # noqa: FBT003
    return deals.created_at.isnull()


def _planned(department: Department, deals: ibis.Table) -> ibis.Value:
    """Tell whether the deal itself names an activity to come."""
    if "next_activity_at" not in deals.columns:
        return ibis.literal(False)  # noqa: FBT003
    later = deals.next_activity_at.date() > department.as_of
    return later.fill_null(False)  # noqa: FBT003


def _by_link(department: Department, link: Link, asked: ibis.Table | None) -> ibis.Table:
    """Count what was done, is to come, was due and is overdue, by deal or account."""
    as_of = department.as_of
    rows = department.table("activities")
    rows = rows.mutate(day=rows.occurred_at.date()).filter(rows[f"{link}_id"].notnull())
    if asked is not None:  # of the many rows only theirs are put together
        rows = rows.filter(rows[f"{link}_id"].isin(asked[f"{link}_id"]))
    undone: ibis.Value = ibis.literal(False)  # noqa: FBT003
    is_task = rows.activity_type == "task"
    if "completed_at" in rows.columns:
        undone = is_task & (rows.completed_at.isnull() | (rows.completed_at.date() > as_of))
    due_on = rows.due_at.date() if "due_at" in rows.columns else ibis.null().cast("date")
    rows = rows.mutate(undone=undone, is_task=is_task, due_on=due_on)
    is_due = _.is_task & (_.due_on <= as_of)
    is_done = (_.day <= as_of) & ~_.undone
    return rows.group_by(f"{link}_id").agg(
        n_done=_.count(where=is_done),
        last_on=_.day.max(where=is_done),
        n_ahead=_.count(where=(_.day > as_of) | (_.undone & (_.due_on > as_of))),
        n_due=_.count(where=is_due),
        n_overdue=_.count(where=is_due & _.undone),
    )


def _sums(department: Department, within_days: int) -> dict[str, ibis.Value]:
    is_planned = department.has("deals", "next_activity_at") or department.has(
        "activities", "due_at"
    )
    is_timed = department.has("activities", "due_at", "completed_at")
    open_now = _.inside & _.is_open
    never = _.inside & (_.n_done == 0)
    since = department.as_of - timedelta(days=within_days)
    lately = (_.last_on > since).fill_null(False)  # noqa: FBT003
    touched, untouched = open_now & lately, open_now & ~lately
    judged = open_now & ibis.literal(is_planned)
    timed = open_now & ibis.literal(is_timed)
    stranded = judged & ~_.planned & (_.n_ahead == 0)
    overdue = timed & (_.n_overdue > 0)
    paid = _.inside & (_.worth > 0)
    counts = {
        "n_deals": _.inside, "n_undated": _.is_undated, "n_open": open_now,
        "n_never_touched": never, "n_touched": touched, "n_step_known": judged,
        "n_without_next_step": stranded, "n_due_known": timed, "n_with_overdue_task": overdue,
        "n_without_amount": _.inside & ~(_.worth > 0).fill_null(False),  # noqa: FBT003
    }  # fmt: skip
    amounts = {
        "total_amount": paid, "never_touched_amount": paid & never,
        "untouched_amount": paid & untouched, "no_next_step_amount": paid & stranded,
        "overdue_amount": paid & overdue,
    }  # fmt: skip
    return {
        **{name: _.count(where=which) for name, which in counts.items()},
        **{name: _.worth.sum(where=which) for name, which in amounts.items()},
        "n_activities": _.n_done.sum(where=_.inside).cast("int64"),
        "squares": (_.n_done * _.n_done).sum(where=_.inside).cast("int64"),
        "largest_count": _.n_done.max(where=_.inside),
        "n_tasks_due": _.n_due.sum(where=timed).cast("int64"),
        "n_tasks_overdue": _.n_overdue.sum(where=timed).cast("int64"),
    }
