"""The reduction under the funnel: how long deals waited in each stage and what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.engine import suggest
from salesdiag.errors import InputError

if TYPE_CHECKING:
    from salesdiag.department import Department


def count_waits(
    department: Department, deals: ibis.Table, keys: list[str], ladder: pd.DataFrame
) -> pd.DataFrame:
    """Count deals per group, step and days of waiting, by what ended the wait.

    Columns: the keys, ``step`` (0 for the first stage of the ladder), ``wait_days``,
    ``n_to``, ``n_lost``, ``n_open``, ``n_skipped``, ``n_returned``.
    """
    _refuse_unknown_stages(department, ladder)
    reached = _reach(department, ladder).join(
        deals.select(*dict.fromkeys(["deal_id", "status", "closed_at", *keys])),
        "deal_id",
    )
    steps = [_one_step(department, reached, keys, step) for step in range(len(ladder) - 1)]
    table = ibis.union(*steps) if len(steps) > 1 else steps[0]
    return table.to_pandas()


def _reach(department: Department, ladder: pd.DataFrame) -> ibis.Table:
    """Give, per deal, when it first reached each stage or a later one, and last entered it."""
    moves = department.table("stage_changes")
    day = ibis.literal(department.as_of)
    moves = moves.filter(_.entered_at.date() <= day)
    stage_of = [(name, index) for index, name in enumerate(ladder["stage"])]
    index = moves.stage.cases(*stage_of, else_=-1)  # a lost stage is no step
    columns = {}
    for name, at in stage_of:
        del name
        columns[f"reached_{at}"] = _.entered_at.min(where=_.index >= at)
        columns[f"entered_{at}"] = _.entered_at.max(where=_.index == at)
    return (
        moves.select("deal_id", "entered_at", index=index)
        .group_by("deal_id")
        .agg(last_at=_.entered_at.max(), **columns)
    )


def _one_step(
    department: Department, reached: ibis.Table, keys: list[str], step: int
) -> ibis.Table:
    here, entered = reached[f"reached_{step}"], reached[f"entered_{step}"]
    won = reached.status == "won"
    end_at = ibis.coalesce(reached.closed_at, reached.last_at)
    next_at = ibis.coalesce(reached[f"reached_{step + 1}"], ibis.ifelse(won, end_at, ibis.null()))
    here = ibis.coalesce(here, next_at)  # a won deal has passed every stage
    lost = (reached.status == "lost") & next_at.isnull()
    as_of = ibis.literal(department.as_of).cast("date")
    until = ibis.coalesce(next_at.date(), ibis.ifelse(lost, end_at.date(), as_of))
    wait = ibis.greatest(until.delta(here.date(), unit="day"), 0)
    counts = (
        reached.filter(here.notnull())
        .mutate(
            step=ibis.literal(step).cast("int64"),
            wait_days=wait.cast("int64"),
            is_to=next_at.notnull(),
            is_lost=lost,
            is_skipped=entered.isnull(),
            is_returned=(entered > next_at).fill_null(False),  # noqa: FBT003
        )
        .group_by([*keys, "step", "wait_days"])
    )
    return counts.agg(
        n_to=_.count(where=_.is_to),
        n_lost=_.count(where=_.is_lost),
        n_open=_.count(where=~_.is_to & ~_.is_lost),
        n_skipped=_.count(where=_.is_skipped),
        n_returned=_.count(where=_.is_returned),
    )


def _refuse_unknown_stages(department: Department, ladder: pd.DataFrame) -> None:
    """Stop at a stage that the order of stages does not list: it may be a renamed one."""
    known = set(ladder["stage"])
    if department.has("stages"):
        known |= set(department.table("stages").select("stage").to_pandas()["stage"])
    lost = department.table("deals").filter(_.status == "lost")
    used = department.table("stage_changes").group_by("stage").agg(n=_.count()).to_pandas()
    strange = used[~used["stage"].isin(known)]
    if len(strange) and "stage" in lost.columns and not department.has("stages"):
        # without a table of stages, the ones where lost deals stand are ends, not steps
        ends = set(lost.select("stage").distinct().to_pandas()["stage"])
        strange = strange[~strange["stage"].isin(ends)]
    if len(strange):
        first = strange.sort_values(["n", "stage"], ascending=[False, True])
        named = ", ".join(f"{stage!r} ({n} times)" for stage, n in first.to_numpy()[:5])
        message = (
            f"the stage history holds stages that the order of stages does not list: {named}. "
            f"Listed are {', '.join(map(repr, ladder['stage']))}. Add them to 'stages', or map "
            f"renamed ones with values.stage in the mapping file."
            f"{suggest(str(first['stage'].iloc[0]), known)}"
        )
        raise InputError(message)
