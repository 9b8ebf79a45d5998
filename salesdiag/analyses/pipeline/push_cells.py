"""The reduction under the pushes: deals by days since they were first put off so often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.pipeline.standing import as_date
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

MOST = 3  # pushes told apart; more count as so many
PUSH_RESERVED = ("pushes", "days", "began_on", "ended_on", "number", "old_period", "new_period",
                 "changed_on", "pushed", "pulled", "unread", "last_on",
                 *(f"push_{number}" for number in range(1, MOST + 1)))  # fmt: skip


def push_cells(
    department: Department, keys: list[str], *, months: int,
    start: date | str | None, end: date | str | None,
) -> pd.DataFrame:  # fmt: skip
    """Count deals by group, number of pushes reached, and days from that push to the end.

    Columns: the keys, ``pushes`` (0 to `MOST`), ``days`` (-1 if unknown), ``n_won``, ``n_lost``,
    ``n_open``, and for 0 pushes the changes ``n_pushes``, ``n_pulls``, ``n_unread``.
    """
    deals = department.select_deals(by=keys, start=start, end=end)
    as_of = ibis.literal(department.as_of).cast("date")
    deals = deals.select(
        *dict.fromkeys(["deal_id", "status", *keys]), began_on=deals.created_at.date(),
        ended_on=ibis.ifelse(deals.status == "open", as_of, deals.closed_at.date()),
        last_on=ibis.coalesce(deals.closed_at.date(), as_of + ibis.interval(days=1)),
    )  # fmt: skip
    pushed = _pushes(department, deals, months)
    rows = deals.left_join(pushed, "deal_id").drop("deal_id_right")
    numbers = ibis.range(MOST + 1).unnest().name("pushes").as_table()
    rows = rows.cross_join(numbers)
    since = rows.pushes.cases((0, rows.began_on), *(
        (number, rows[f"push_{number}"]) for number in range(1, MOST + 1)
    ))  # fmt: skip
    rows = rows.mutate(since=since).filter((_.pushes == 0) | _.since.notnull())
    wait = rows.ended_on.delta(rows.since, unit="day").cast("int64")
    known = rows.since.notnull() & rows.ended_on.notnull()
    rows = rows.mutate(days=ibis.ifelse(known, ibis.greatest(wait, 0), -1))
    changes = {
        "n_pushes": _.pushed.sum(where=_.pushes == 0), "n_pulls": _.pulled.sum(where=_.pushes == 0),
        "n_unread": _.unread.sum(where=_.pushes == 0),
    }  # fmt: skip
    counts = rows.group_by([*keys, "pushes", "days"]).agg(
        n_won=_.count(where=_.status == "won"), n_lost=_.count(where=_.status == "lost"),
        n_open=_.count(where=_.status == "open"), **changes,
    )  # fmt: skip
    frame = fetch(counts)
    whole = [str(name) for name in frame if str(name).startswith("n_")]
    frame[whole] = frame[whole].astype(float).fillna(0).astype("int64")
    frame = frame.astype({"pushes": "int64", "days": "int64"})
    return frame.sort_values([*keys, "pushes", "days"], ignore_index=True)


def _pushes(department: Department, deals: ibis.Table, months: int) -> ibis.Table:
    """Give, per deal, the days of its first pushes and how many changes there were."""
    changes = department.table("deal_changes").filter(
        (_.field == "expected_close_on") & (_.changed_at.date() <= department.as_of)
    )
    # a row that stands twice is one change
    changes = changes.select("deal_id", "changed_at", "old_value", "new_value").distinct()
    since = department.calendar.fiscal_year_start

    def period(text: ibis.Value) -> ibis.Value:
        day = as_date(text)
        return ((day.year() * 12 + day.month() + 12 - since) / months).floor().cast("int64")

    changes = changes.mutate(
        changed_on=changes.changed_at.date(),
        old_period=period(changes.old_value), new_period=period(changes.new_value),
    )  # fmt: skip
    ends = deals.group_by("deal_id").agg(last_on=_.last_on.max())
    changes = changes.join(ends, "deal_id").filter(_.changed_on < _.last_on)
    later = changes.new_period > changes.old_period
    number = later.ifelse(1, 0).sum().over(
        group_by=changes.deal_id, rows=(None, 0),
        order_by=[changes.changed_at, changes.old_value, changes.new_value],
    )  # fmt: skip
    changes = changes.mutate(number=number, is_push=later.fill_null(False))  # noqa: FBT003
    unread = changes.old_period.isnull() | changes.new_period.isnull()
    return changes.group_by("deal_id").agg(
        pushed=_.count(where=_.is_push),
        pulled=changes.count(where=changes.new_period < changes.old_period),
        unread=changes.count(where=unread),
        **{f"push_{one}": _.changed_on.min(where=_.is_push & (_.number == one))
           for one in range(1, MOST + 1)},
    )  # fmt: skip
