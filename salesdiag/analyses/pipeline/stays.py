"""The reduction under times in stages: every stay of every deal, how long and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.pipeline.standing import (
    Stages,
    history_begins,
    stages_of,
    unmoved_code,
)
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

FIRST, TOTAL = 0, 1
ENDS = ["n_advanced", "n_lost", "n_back", "n_out", "n_open"]
OUTCOMES = ["n_won", "n_lost", "n_left", "n_here"]
RESERVED = (
    "created_on", "closed_on", "code", "next_code", "next_at", "last_code", "entered_at",
    "entered_on", "left_on", "days", "number", "ended", "visits", "kind", "last", "total",
    "first_days", "first_ended", "is_moved", "unmoved_code", "since_days",
)  # fmt: skip


def stays(
    department: Department, keys: Sequence[str], day: date, *,
    start: date | str | None = None, end: date | str | None = None, carry: Sequence[str] = (),
    only_open: bool = False,
) -> ibis.Table:  # fmt: skip
    """Give one row a stay in an open stage, as known at the end of a day.

    Columns: the keys, ``deal_id``, ``status`` (then), ``code`` (number of the stage),
    ``next_code``, ``entered_at``, ``entered_on``, ``left_on`` (null while there), ``days``;
    and the columns of deals to ``carry``. With ``only_open``, of deals open on that day.
    A stay ends where the deal enters another stage or is closed; entering the same stage
    again is no new stay. Deals that were never moved stay since their creation in the stage
    where they stand now, or if that is an end or not known in the first stage, unless they were
    created before the history begins, or the first stage is not known (several pipelines, no
    order). Deals closed on an unknown day are left out.
    """
    stages = stages_of(department)
    deals = _deals_then(department, keys, day, start, end, carry)
    if only_open:
        deals = deals.filter(deals.status == "open")
    moves = department.table("stage_changes").filter(_.entered_at.date() <= day)
    code = moves.stage.cases(*stages.cases, else_=-1).cast("int64")
    entries = moves.select("deal_id", entered_at=moves.entered_at.cast("timestamp"), code=code)
    begun = history_begins(department)
    if begun is not None and stages.ends("open"):
        moved = entries.select("deal_id").distinct().mutate(is_moved=True)
        alone = deals.left_join(moved, "deal_id").mutate(code=_.unmoved_code)
        alone = alone.filter(_.is_moved.isnull() & (_.created_on >= begun) & (_.code >= 0))
        entries = entries.union(alone.select(
            "deal_id", entered_at=alone.created_on.cast("timestamp"), code=alone.code
        ))  # fmt: skip
    rows = deals.join(entries, "deal_id")
    rows = rows.filter(_.closed_on.isnull() | (_.entered_at.date() <= _.closed_on))
    order = ibis.window(group_by="deal_id", order_by=["entered_at", "code"])
    changed = rows.mutate(last_code=rows.code.lag().over(order))
    changed = changed.filter(_.last_code.isnull() | (_.last_code != _.code))
    found = changed.mutate(next_code=changed.code.lead().over(order),
                           next_at=changed.entered_at.lead().over(order))  # fmt: skip
    found = found.filter(_.code.isin(stages.ends("open")))
    found = found.mutate(left_on=ibis.coalesce(_.next_at.date(), _.closed_on),
                         entered_on=_.entered_at.date())  # fmt: skip
    until = ibis.coalesce(found.left_on, ibis.literal(day).cast("date"))
    wait = until.delta(found.entered_on, unit="day")
    return found.mutate(days=ibis.greatest(wait, 0).cast("int64"))


def _deals_then(
    department: Department, keys: Sequence[str], day: date,
    start: date | str | None, end: date | str | None, carry: Sequence[str],
) -> ibis.Table:  # fmt: skip
    """Give the deals as they were known at the end of a day."""
    deals = department.select_deals(by=keys, start=start, end=end)
    for name in ("created_at", "closed_at"):
        if name not in deals.columns:
            deals = deals.mutate(**{name: ibis.null().cast("timestamp")})
    deals = deals.mutate(unmoved_code=unmoved_code(department, deals))
    deals = deals.select(*dict.fromkeys(["deal_id", "status", *keys, *carry]), "unmoved_code",
                         created_on=_.created_at.date(), closed_on=_.closed_at.date())  # fmt: skip
    deals = deals.filter((_.status == "open") | _.closed_on.notnull())
    later = deals.closed_on > day
    deals = deals.mutate(
        status=ibis.ifelse(later.fill_null(False), "open", deals.status),  # noqa: FBT003
        closed_on=ibis.ifelse(later, ibis.null(), deals.closed_on),
    )
    return deals.filter(_.created_on.isnull() | (_.created_on <= day))


def outcome_cells(department: Department, day: date) -> pd.DataFrame:
    """Count stays of the whole department by stage, days and what became of the deal.

    Columns: ``code``, ``days``, ``n_won``, ``n_lost`` (left the stage, and the deal is), ``n_left``
    (left the stage, the deal is open), ``n_here``.
    """
    rows = stays(department, [], day)
    there = _.left_on.isnull()
    counts = rows.group_by(["code", "days"]).agg(
        n_won=_.count(where=~there & (_.status == "won")),
        n_lost=_.count(where=~there & (_.status == "lost")),
        n_left=_.count(where=~there & (_.status == "open")),
        n_here=_.count(where=there),
    )
    return fetch(counts).sort_values(["code", "days"], ignore_index=True)


def moved_cells(department: Department, day: date) -> pd.DataFrame:
    """Count stays that ended by going on to another stage, by days since then to the closing.

    Columns: ``code``, ``days``, ``n_won``, ``n_lost``, ``n_open`` (as long as it was watched).
    """
    rows = stays(department, [], day).filter(_.left_on.notnull() & _.next_code.notnull())
    stages = stages_of(department)
    ends = [*stages.ends("won"), *stages.ends("lost")]
    if ends:  # one that was taken out of an end went on, too
        rows = rows.filter((_.status == "open") | ~_.next_code.isin(ends))
    until = ibis.coalesce(rows.closed_on, ibis.literal(day).cast("date"))
    wait = until.delta(rows.left_on, unit="day")
    rows = rows.mutate(since_days=ibis.greatest(wait, 0).cast("int64"))
    counts = rows.group_by(["code", "since_days"]).agg(
        n_won=_.count(where=_.status == "won"), n_lost=_.count(where=_.status == "lost"),
        n_open=_.count(where=_.status == "open"),
    )  # fmt: skip
    frame = fetch(counts).rename(columns={"since_days": "days"})
    return frame.sort_values(["code", "days"], ignore_index=True)


def wait_cells(
    department: Department, keys: list[str], *,
    start: date | str | None, end: date | str | None,
) -> pd.DataFrame:  # fmt: skip
    """Count deals by group, stage, days of the first stay (or of all) and how it ended.

    Columns: the keys, ``code``, ``kind`` (`FIRST` or `TOTAL`), ``days``, `ENDS`, ``n_visits``,
    ``n_again`` (deals that came back).
    """
    stages = stages_of(department)
    rows = stays(department, keys, department.as_of, start=start, end=end)
    rows = rows.mutate(ended=_ended(rows, stages))
    order = [rows.entered_at, rows.code]
    number = ibis.row_number().over(group_by=[rows.deal_id, rows.code], order_by=order)
    rows = rows.mutate(number=number)
    # how a stay ended is numbered, so that the first and the last are found without sorting
    last = rows.number * 10 + rows.ended
    deals = rows.mutate(last=last).group_by([*keys, "deal_id", "code"]).agg(
        total=_.days.sum(), visits=_.count(), last=_["last"].max(),
        first_days=_.days.max(where=_.number == 0), first_ended=_.ended.max(where=_.number == 0),
    )  # fmt: skip
    kinds = ibis.range(2).unnest().name("kind").as_table()
    both = deals.cross_join(kinds)
    is_first = both.kind == FIRST
    both = both.mutate(
        days=ibis.ifelse(is_first, both.first_days, both.total).cast("int64"),
        ended=ibis.ifelse(is_first, both.first_ended, both["last"] % 10),
    )
    counts = both.group_by([*keys, "code", "kind", "days"]).agg(
        **{name: _.count(where=_.ended == place) for place, name in enumerate(ENDS)},
        n_visits=_.visits.sum(), n_again=_.count(where=_.visits > 1),
    )  # fmt: skip
    frame = fetch(counts)
    frame = frame.astype(dict.fromkeys(["kind", *ENDS, "n_visits", "n_again"], "int64"))
    return frame.sort_values([*keys, "code", "kind", "days"], ignore_index=True)


def _ended(rows: ibis.Table, stages: Stages) -> ibis.Value:
    """Tell how each stay ended, by its place in `ENDS`."""
    lost, won = stages.ends("lost"), stages.ends("won")
    cases = [
        (rows.next_code.isnull() & (rows.status == "won"), 0),
        (rows.next_code.isnull() & (rows.status == "lost"), 1),
        (rows.next_code.isnull(), 4),
        *([(rows.next_code.isin(won), 0)] if won else []),
        *([(rows.next_code.isin(lost), 1)] if lost else []),
        (rows.next_code >= stages.n_listed, 3),
        (rows.next_code > rows.code, 0),
    ]
    return ibis.cases(*cases, else_=2)
