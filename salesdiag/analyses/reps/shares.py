"""Sums of the shares that units are compared by: wins, steps of the funnel, leads, work done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.analyses.reps.case_mix import (
    columns_needed,
    money_sums,
    share_sums,
    with_strata,
)
from salesdiag.analyses.reps.settled import one_row_each, settled_counts
from salesdiag.reductions.waits import refuse_unknown_stages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

WIN, STAGE, AMOUNT, PRICE = "win_rate", "stage_conversion", "won_amount", "price_realisation"


def win_sums(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count, per unit, closed deals and wins, and what like deals gave all."""
    deals, strata = _closed(department, keys, unit, adjusters, start, end)
    cells = deals.group_by([*keys, "unit_id", *strata]).agg(
        n_cases=_.count(), n_events=_.count(where=_.status == "won")
    )
    cells = cells.mutate(n_open=0, n_left_out=0)
    return share_sums(cells, keys, strata).assign(metric=WIN, from_stage="")


def amount_sums(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Add up, per unit, the money of won deals, and what like deals brought all.

    Deals without an amount (or list price) above 0 are left out, and counted.
    """
    deals, strata = _closed(department, keys, unit, adjusters, start, end)
    won = deals.filter(_.status == "won")
    listed = "list_amount" in deals.columns
    won = won.mutate(
        money=_.amount.cast("float64"),
        priced=(_.list_amount if listed else ibis.null()).cast("float64"),
    )
    metrics = {AMOUNT: ibis.literal(1.0)} | ({PRICE: _.priced} if listed else {})
    parts = []
    for metric, size in metrics.items():
        rows = won.mutate(size_of_one=size)
        is_paid = ((rows.amount > 0) & (rows.size_of_one > 0)).fill_null(False)  # noqa: FBT003
        rows = rows.mutate(
            is_paid=is_paid, size_of_one=ibis.ifelse(is_paid, rows.size_of_one, 0.0),
            money=ibis.ifelse(is_paid, rows.money, 0.0),
            paid=ibis.ifelse(is_paid, rows.amount, ibis.null()),
        )  # fmt: skip
        cells = rows.group_by([*keys, "unit_id", *strata]).agg(
            n_cases=_.count(where=_.is_paid),
            n_left_out=_.count(where=~_.is_paid),
            size=_.size_of_one.sum(),
            seen=_.paid.sum().cast("float64").fill_null(0.0),
            size_squares=(_.size_of_one * _.size_of_one).sum(),
            seen_squares=(_.money * _.money).sum(),
            products=(_.size_of_one * _.money).sum(),
        )
        parts.append(cells.mutate(metric=ibis.literal(metric)))
    cells = parts[0] if len(parts) == 1 else ibis.union(*parts)
    return money_sums(cells, keys, strata)


def _closed(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    start: date | str | None,
    end: date | str | None,
) -> tuple[ibis.Table, list[str]]:
    wanted = columns_needed(keys, unit, adjusters)
    deals = department.select_deals(by=wanted, start=start, end=end, on="closed_at")
    return with_strata(department, deals.filter(_.status != "open"), unit, adjusters)


def stage_sums(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count, per unit and step, deals that went on or were lost there, and what like deals did.

    A deal has gone on from a stage once it entered a later one or was won (see
    `funnel.stage_conversion`); what still stands there is counted apart. Deals that were never
    moved and created before the history begins (or on an unknown day) stand nowhere: they are
    in ``n_left_out``, which is of the unit and the same at all its steps.
    """
    department.require(
        deals=["deal_id", "status"], stage_changes=["deal_id", "stage", "entered_at"]
    )
    ladder = department.ladder()
    first_day = refuse_unknown_stages(department, ladder)
    wanted = columns_needed(keys, unit, adjusters)
    deals = department.select_deals(by=wanted, start=start, end=end)
    deals, strata = with_strata(department, deals, unit, adjusters)
    reached = _furthest(department, deals, ladder, first_day)
    n_steps = len(ladder) - 1
    counts = {"n_nowhere": _.count(where=_.furthest < 0)}
    for step in range(n_steps):
        stands = _.furthest == step
        counts[f"to_{step}"] = _.count(where=_.furthest > step)
        counts[f"lost_{step}"] = _.count(where=stands & (_.status == "lost"))
        counts[f"open_{step}"] = _.count(where=stands & (_.status != "lost"))
    wide = reached.group_by([*keys, "unit_id", *strata]).agg(**counts)
    cells = wide.cross_join(ibis.range(n_steps).unnest().name("step").as_table())

    def of_step(name: str) -> ibis.Value:
        return cells.step.cases(*[(step, cells[f"{name}_{step}"]) for step in range(n_steps)])

    went = of_step("to")
    # every deal is in the first step, or nowhere
    cells = cells.mutate(
        n_events=went, n_cases=went + of_step("lost"), n_open=of_step("open"),
        n_left_out=ibis.ifelse(cells.step == 0, cells.n_nowhere, 0),
    ).filter((_.n_cases + _.n_open > 0) | (_.n_left_out > 0))  # fmt: skip
    sums = share_sums(cells, keys, strata, ["step"])
    names = ladder["stage"].astype(str).to_numpy()
    sums = sums.sort_values([*keys, "unit_id", "step"], ignore_index=True)
    sums["n_left_out"] = sums.groupby([*keys, "unit_id"])["n_left_out"].transform("sum")
    return sums.assign(metric=STAGE, from_stage=names[sums["step"].to_numpy("int64")])


def _furthest(
    department: Department, deals: ibis.Table, ladder: pd.DataFrame, first_day: date | None
) -> ibis.Table:
    """Give each deal the furthest step it stood on; a won one is past all, -1 is unknown."""
    steps = [(name, step) for step, name in enumerate(ladder["stage"])]
    moves = department.table("stage_changes")
    moves = moves.filter(_.entered_at.date() <= ibis.literal(department.as_of))
    top = moves.group_by("deal_id").agg(top=moves.stage.cases(*steps, else_=-1).max())
    there = deals.left_join(top.filter(_.top >= 0), "deal_id").drop("deal_id_right")
    unmoved: ibis.Value = ibis.null().cast("int64")
    if "created_at" in deals.columns and first_day is not None:
        # never moved, though the history had begun: still in the first stage
        unmoved = ibis.ifelse(there.created_at.date() >= first_day, 0, ibis.null())
    stood = ibis.coalesce(there.top, unmoved)
    last = len(ladder) - 1
    won = there.status == "won"
    # not `least`, of which engines make different things where one of its values is null
    stood = stood.fill_null(-1)
    inside = ibis.ifelse(stood > last - 1, last - 1, stood)
    return there.mutate(furthest=ibis.ifelse(won & (stood >= 0), last, inside))


def lead_sums(
    department: Department,
    keys: Sequence[str],
    unit: str,
    adjusters: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame | None:
    """Count, per unit, the leads created in the window that were answered, and of quality.

    Leads too young to tell are open, see `settled_counts`; those of unknown age are left out,
    and a lead that the table repeats counts once. None where leads name no rep, or lack
    what is split by.
    """
    if not department.has("leads", "rep_id", "created_at") or not is_of_reps(department, unit):
        return None
    leads = one_row_each(department.table("leads"), "lead_id")
    if any(key not in leads.columns and not is_of_reps(department, key) for key in keys):
        return None
    told = {
        metric: column
        for metric, column in (("answered_leads", "first_response_at"),
                               ("qualified_leads", "qualified_at"))
        if column in leads.columns
    }  # fmt: skip
    if not told:
        return None
    own = [name for name in adjusters if name in leads.columns or name == "created_quarter"]
    rows = department.with_keys(leads, columns_needed(keys, unit, own))
    rows = within(rows, department, "created_at", start, end)
    rows, strata = with_strata(department, rows, unit, own)
    parts = []
    for metric, column in told.items():
        counts = settled_counts(department, leads, "created_at", column, metric, undated=False)
        cells = rows.group_by([*keys, "unit_id", *strata]).agg(**counts)
        parts.append(cells.mutate(metric=ibis.literal(metric)))
    cells = parts[0] if len(parts) == 1 else ibis.union(*parts)
    return share_sums(cells, keys, strata, ["metric"]).assign(from_stage="")


def is_of_reps(department: Department, column: str) -> bool:
    """Tell whether a column says something of the rep and of nothing else."""
    return column == "rep_id" or department.home_of(column) == "reps"


def within(
    rows: ibis.Table,
    department: Department,
    column: str,
    start: date | str | None,
    end: date | str | None,
) -> ibis.Table:
    """Keep the rows of a window, and none after ``as_of``; without one also undated rows."""
    from salesdiag.periods import parse_day

    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    is_past = rows[column].date() <= last
    if start is None and end is None:
        is_past |= rows[column].isnull()
    rows = rows.filter(is_past)
    return rows if start is None else rows.filter(_[column].date() >= parse_day(start, "start"))
