"""The reduction under the funnel: how long deals waited in each stage and what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.department import Department


def count_waits(
    department: Department, deals: ibis.Table, keys: list[str], ladder: pd.DataFrame
) -> pd.DataFrame:
    """Count deals per group, step and days of waiting, by what ended the wait.

    Columns: the keys, ``step`` (0 for the first stage of the ladder), ``wait_days``,
    ``n_to``, ``n_lost``, ``n_open``, ``n_skipped``, ``n_returned``.
    """
    _refuse_unknown_stages(department, ladder)
    columns = dict.fromkeys(["deal_id", "status", "closed_at", *keys])
    reached = _reach(department, ladder).join(deals.select(*columns), "deal_id")
    steps = ibis.range(len(ladder) - 1).unnest().name("step").as_table()
    waits = _waits(department, reached.cross_join(steps), len(ladder) - 1)
    counts = waits.group_by([*keys, "step", "wait_days"]).agg(
        n_to=_.count(where=_.next_at.notnull()),
        n_lost=_.count(where=_.next_at.isnull() & (_.status == "lost")),
        n_open=_.count(where=_.next_at.isnull() & (_.status != "lost")),
        n_skipped=_.count(where=_.entered_at.isnull()),
        n_returned=_.count(where=_.entered_at > _.next_at),
    )
    return fetch(counts)


def _reach(department: Department, ladder: pd.DataFrame) -> ibis.Table:
    """Give, per deal, when it first reached each stage or a later one, and last entered it."""
    moves = department.table("stage_changes")
    moves = moves.filter(_.entered_at.date() <= ibis.literal(department.as_of))
    steps = [(name, step) for step, name in enumerate(ladder["stage"])]
    columns = {}
    for step in range(len(ladder)):
        columns[f"reached_{step}"] = _.entered_at.min(where=_.step >= step)
        columns[f"entered_{step}"] = _.entered_at.max(where=_.step == step)
    return (
        # a lost stage is no step of the ladder
        moves.select("deal_id", "entered_at", step=moves.stage.cases(*steps, else_=-1))
        .group_by("deal_id")
        .agg(last_at=_.entered_at.max(), **columns)
    )


def _waits(department: Department, rows: ibis.Table, n_steps: int) -> ibis.Table:
    """Turn one row a deal and step into when the step began, when and how it ended."""

    def of_step(name: str, ahead: int = 0) -> ibis.Value:
        return rows.step.cases(*[(step, rows[f"{name}_{step + ahead}"]) for step in range(n_steps)])

    end_at = ibis.coalesce(rows.closed_at, rows.last_at)
    # a won deal has passed every stage
    next_at = ibis.coalesce(
        of_step("reached", 1), ibis.ifelse(rows.status == "won", end_at, ibis.null())
    )
    timed = rows.mutate(
        next_at=next_at,
        here_at=ibis.coalesce(of_step("reached"), next_at),
        entered_at=of_step("entered"),
        end_at=ibis.ifelse(rows.status == "lost", end_at, ibis.null()),
    ).filter(_.here_at.notnull())
    as_of = ibis.literal(department.as_of).cast("date")
    until = ibis.coalesce(timed.next_at.date(), timed.end_at.date(), as_of)
    wait = until.delta(timed.here_at.date(), unit="day")
    return timed.mutate(wait_days=ibis.greatest(wait, 0).cast("int64"))


def _refuse_unknown_stages(department: Department, ladder: pd.DataFrame) -> None:
    """Stop at a stage that the order of stages does not list: it may be a renamed one."""
    used = fetch(department.table("stage_changes").group_by("stage").agg(n=_.count()))
    known = set(ladder["stage"])
    if department.has("stages"):
        known |= set(department.fetch("stages")["stage"])
    elif department.has("deals", "stage"):
        # without a table of stages, the ones where lost deals stand are ends, not steps
        lost = department.table("deals").filter(_.status == "lost")
        known |= set(fetch(lost.select("stage").distinct())["stage"])
    strange = used[~used["stage"].isin(known)].sort_values(["n", "stage"], ascending=[False, True])
    if len(strange):
        named = ", ".join(f"{stage!r} ({n} times)" for stage, n in strange.to_numpy()[:5])
        message = (
            f"the stage history holds stages that the order of stages does not list: {named}. "
            f"Listed are {', '.join(map(repr, ladder['stage']))}. Add them to 'stages', or map "
            f"renamed ones with values.stage in the mapping file."
            f"{suggest(str(strange['stage'].iloc[0]), known)}"
        )
        raise InputError(message)
