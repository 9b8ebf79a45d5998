"""The reduction under the funnel: how long deals waited in each stage and what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis
from ibis import _

from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_SLIPS = 0.01  # share of entries into unknown stages up to which they are slips


Mode = Literal["reached", "visited", "any_order"]


def count_waits(
    department: Department,
    deals: ibis.Table,
    keys: list[str],
    ladder: pd.DataFrame,
    *,
    mode: Mode = "reached",
) -> pd.DataFrame:
    """Count deals per group, step and days of waiting, by what ended the wait.

    Columns: the keys, ``step`` (0 for the first stage of the ladder), ``wait_days``,
    ``n_to``, ``n_lost``, ``n_passed_by``, ``n_open``, ``n_skipped``, ``n_returned``,
    ``n_without_history``. In the mode ``"reached"`` whoever entered a later stage has passed
    all before it; in the others only stages entered count, and who goes past the next one
    without entering it is ``n_passed_by``.
    """
    waits = deal_waits(department, deals, keys, ladder, mode=mode)
    counts = waits.group_by([*keys, "step", "wait_days"]).agg(
        n_to=_.count(where=_.next_at.notnull()),
        n_lost=_.count(where=_.next_at.isnull() & _.by_at.isnull() & (_.status == "lost")),
        n_passed_by=_.count(where=_.next_at.isnull() & _.by_at.notnull()),
        n_open=_.count(where=_.next_at.isnull() & _.by_at.isnull() & (_.status != "lost")),
        n_skipped=_.count(where=_.entered_at.isnull()),
        # by the history alone: a closing day has no time of day to come after
        # (a missing entry is no return; not every engine counts a missing condition as 0)
        n_returned=_.count(
            where=_.next_at.notnull()
            & _.entered_at.notnull()
            & _.passed_at.notnull()
            & (_.entered_at > _.passed_at)
        ),
        n_without_history=_.count(where=_.is_unmoved & (_.step == 0)),
    )
    return fetch(counts)


def deal_waits(
    department: Department,
    deals: ibis.Table,
    keys: list[str],
    ladder: pd.DataFrame,
    *,
    mode: Mode = "reached",
) -> ibis.Table:
    """Give one row a deal and step that it came to: when it came, how long and to what end.

    Columns: the keys, ``deal_id``, ``status``, ``step``, ``here_at``, ``next_at`` (went on),
    ``by_at`` (went past), ``end_at`` (of a lost deal), ``wait_days``, ``entered_at`` (entered
    the stage itself, the last time), ``passed_at``, ``is_unmoved``.
    """
    first_day = refuse_unknown_stages(department, ladder)
    columns = dict.fromkeys(["deal_id", "status", "closed_at", "created_at", *keys])
    there = deals.select(*[name for name in columns if name in deals.columns])
    reached = there.left_join(_reach(department, ladder, mode), "deal_id").drop("deal_id_right")
    placed = _place_the_unmoved(reached, first_day)
    steps = ibis.range(len(ladder) - 1).unnest().name("step").as_table()
    return _waits(department, placed.cross_join(steps), len(ladder) - 1, mode)


def _reach(department: Department, ladder: pd.DataFrame, mode: Mode) -> ibis.Table:
    """Give, per deal, when it first reached each stage or a later one, and last entered it."""
    moves = department.table("stage_changes")
    moves = moves.filter(_.entered_at.date() <= ibis.literal(department.as_of))
    steps = [(name, step) for step, name in enumerate(ladder["stage"])]
    columns = {}
    for step in range(len(ladder)):
        columns[f"reached_{step}"] = _.entered_at.min(where=_.step >= step)
        if step < len(ladder) - 1:
            columns[f"entered_{step}"] = _.entered_at.max(where=_.step == step)
        if mode != "reached":
            columns[f"first_{step}"] = _.entered_at.min(where=_.step == step)
    # a lost stage is no step of the ladder
    entries = moves.select("deal_id", "entered_at", step=moves.stage.cases(*steps, else_=-1))
    reached = entries.group_by("deal_id").agg(last_at=_.entered_at.max(), **columns)
    if mode != "visited":
        return reached
    known = entries.join(reached, "deal_id")
    later = {
        f"next_{step}": known.entered_at.min(
            where=(known.step == step) & (known.entered_at >= known[f"first_{step - 1}"])
        )
        for step in range(1, len(ladder))
    }
    following = known.group_by("deal_id").agg(**later)
    return reached.left_join(following, "deal_id").drop("deal_id_right")


def _place_the_unmoved(reached: ibis.Table, first_day: date | None) -> ibis.Table:
    """Put deals that were never moved into the first stage, from their creation on.

    Many systems write down changes only, so a deal lost before its first change has no
    history. One created before the history begins may have lost its own: it is left out.
    """
    if "created_at" not in reached.columns or first_day is None:
        return reached.mutate(is_unmoved=False).filter(_.reached_0.notnull())
    unmoved = reached.reached_0.isnull() & (reached.created_at.date() >= first_day)
    placed = {
        name: ibis.ifelse(unmoved, reached.created_at, reached[name])
        for name in ("reached_0", "entered_0", "first_0")
        if name in reached.columns
    }
    return reached.mutate(**placed, is_unmoved=unmoved).filter(_.reached_0.notnull())


def _waits(department: Department, rows: ibis.Table, n_steps: int, mode: Mode) -> ibis.Table:
    """Turn one row a deal and step into when the step began, when and how it ended."""

    def of_step(name: str, ahead: int = 0) -> ibis.Value:
        known = [(step, rows[f"{name}_{step + ahead}"]) for step in range(n_steps)
                 if step + ahead <= n_steps]  # fmt: skip
        return rows.step.cases(*known)

    won = rows.status == "won"
    is_last = rows.step == n_steps - 1
    end_at = ibis.coalesce(rows.closed_at, rows.last_at, rows.reached_0)
    passed_at = of_step("reached", 1)
    if mode == "reached":
        # the last step is taken by what is won, whatever was entered before a cancellation
        advanced_at = ibis.ifelse(won | ~is_last, passed_at, ibis.null())
        # a won deal has passed every stage
        next_at = ibis.coalesce(advanced_at, ibis.ifelse(won, end_at, ibis.null()))
        here_at = ibis.coalesce(of_step("reached"), next_at)
        by_at = ibis.null().cast("timestamp")
    else:
        # in selling order an entry before this one is none
        here_at, entered = of_step("first"), of_step("next" if mode == "visited" else "first", 1)
        won_at = ibis.ifelse(won, ibis.coalesce(entered, end_at), ibis.null())
        next_at = ibis.ifelse(is_last, won_at, entered)
        beyond = ibis.coalesce(of_step("reached", 2), ibis.ifelse(won, end_at, ibis.null()))
        by_at = ibis.ifelse(is_last | next_at.notnull(), ibis.null(), beyond)
    timed = rows.mutate(
        next_at=next_at,
        by_at=by_at,
        passed_at=passed_at,
        here_at=here_at,
        entered_at=of_step("entered"),
        end_at=ibis.ifelse(rows.status == "lost", end_at, ibis.null()),
    ).filter(_.here_at.notnull())
    as_of = ibis.literal(department.as_of).cast("date")
    until = ibis.coalesce(timed.next_at.date(), timed.by_at.date(), timed.end_at.date(), as_of)
    wait = until.delta(timed.here_at.date(), unit="day")
    return timed.mutate(wait_days=ibis.greatest(wait, 0).cast("int64"))


def refuse_unknown_stages(department: Department, ladder: pd.DataFrame) -> date | None:
    """Stop at stages that the order of stages does not list: they may be renamed ones.

    A few such entries, of another pipeline or by mistake, are no steps and are left to
    `check`. Gives the first day of the history.
    """
    used = fetch(
        department.table("stage_changes")
        .group_by("stage")
        .agg(n=_.count(), first=_.entered_at.min())
    )
    known = set(ladder["stage"])
    if department.has("stages"):
        known |= set(department.fetch("stages")["stage"])
    elif department.has("deals", "stage"):
        # without a table of stages, the ones where lost deals stand are ends, not steps
        lost = department.table("deals").filter(_.status == "lost")
        known |= set(fetch(lost.select("stage").distinct())["stage"])
    strange = used[~used["stage"].isin(known)].sort_values(["n", "stage"], ascending=[False, True])
    if strange["n"].sum() > _SLIPS * used["n"].sum():
        named = ", ".join(
            f"{stage!r} ({n} times)" for stage, n in strange[["stage", "n"]].to_numpy()[:5]
        )
        message = (
            f"the stage history holds stages that the order of stages does not list: {named}. "
            f"Listed are {', '.join(map(repr, ladder['stage']))}. Add them to 'stages', or map "
            f"renamed ones with values.stage in the mapping file."
            f"{suggest(str(strange['stage'].iloc[0]), known)}"
        )
        raise InputError(message)
    return used["first"].min().date() if len(used) else None
