"""How many times deals entered each stage, and what ended each stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.engine import fetch
from salesdiag.reductions.waits import refuse_unknown_stages
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_ENDS = ("advanced", "lost", "back", "out", "here")
_COLUMNS = ["stage", "back_rate", "back_rate_low", "back_rate_high"]  # besides the counts
_UNLISTED, _LOST = -1, -2


def stage_flow(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Count stays in each stage, and what ended each.

    The ledger of the funnel: every entry into a stage is a stay, so a deal that comes back
    counts again, and every stay has one end. ``n_entered`` is exactly the sum of the five
    ends. Rates of going on are `stage_conversion`'s business: it counts each deal once and
    open deals for as long as they were watched.

    A stay ends where the deal enters another stage; entering the same stage again is no new
    stay. Changes at the same moment are taken in selling order. A won deal ends its last stay
    by advancing. Deals that were never moved stay in the first stage since their creation,
    unless they were created before the history begins.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``), ``stage_changes`` and an order of stages.
        Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the interval, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group and stage but the last of the ladder, in selling order:

        - the ``by`` columns, if any;
        - ``stage`` : the stage stayed in;
        - ``n_deals`` : deals that were in it at least once;
        - ``n_entered`` : stays, the sum of the five that follow;
        - ``n_advanced`` : ended by going to a later stage, or by winning;
        - ``n_lost`` : ended by the loss of the deal;
        - ``n_back`` : ended by going to an earlier stage;
        - ``n_out`` : ended by moving to a stage that the order does not list;
        - ``n_here`` : of deals still open, not ended yet;
        - ``n_jumped`` : of ``n_advanced``, left out at least one stage;
        - ``n_without_history`` : of ``n_entered``, of deals never moved;
        - ``back_rate`` : share of the stays that have ended that ended by going back, in
          [0, 1]; NaN if none has ended;
        - ``back_rate_low``, ``back_rate_high`` : its Wilson interval.

    Raises
    ------
    MissingDataError
        If there is no stage history, or a column above is missing.
    InputError
        If the history holds stages that the order of stages does not list, or there are
        several pipelines.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-01")
    >>> deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["open", "lost"]})
    >>> moves = pd.DataFrame(
    ...     [("A", "lead", 0), ("A", "offer", 3), ("A", "lead", 5), ("B", "lead", 1)],
    ...     columns=["deal_id", "stage", "days"],
    ... )
    >>> moves["entered_at"] = day + pd.to_timedelta(moves.pop("days"), unit="D")
    >>> department = Department(
    ...     deals=deals, stage_changes=moves, stage_order=["lead", "offer"], as_of="2025-01-31"
    ... )
    >>> stage_flow(department)[["stage", "n_entered", "n_advanced", "n_lost", "n_back", "n_here"]]
       stage  n_entered  n_advanced  n_lost  n_back  n_here
    0   lead          3           1       1       0       1
    1  offer          1           0       0       1       0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, "ended"])
    windowed = start is not None or end is not None
    department.require(
        deals=["deal_id", "status", *(["created_at"] if windowed else [])],
        stage_changes=["deal_id", "stage", "entered_at"],
    )
    ladder = department.ladder()
    deals = department.select_deals(by=keys, start=start, end=end)
    stays = _stays(department, deals, keys, ladder)
    counts = fetch(
        stays.group_by([*keys, "step"]).agg(
            n_deals=_.deal_id.nunique(),
            n_entered=_.count(),
            **{f"n_{end}": _.count(where=_.ended == end) for end in _ENDS},
            n_jumped=_.count(where=(_.ended == "advanced") & (_.next_step > _.step + 1)),
            n_without_history=_.count(where=_.is_unmoved),
        )
    )
    path = ladder["stage"].tolist()[:-1]
    return _table(counts, keys, path, confidence)


def _stays(
    department: Department, deals: ibis.Table, keys: Sequence[str], ladder: pd.DataFrame
) -> ibis.Table:
    """Give one row a stay in an open stage: ``deal_id``, ``step``, ``next_step``, ``ended``."""
    first_day = refuse_unknown_stages(department, ladder)
    moves = _moves(department, deals, keys, ladder, first_day)
    order = [moves.entered_at, moves.step]
    changed = moves.mutate(
        last_step=moves.step.lag().over(group_by=moves.deal_id, order_by=order)
    ).filter(_.last_step.isnull() | (_.last_step != _.step))
    order = [changed.entered_at, changed.step]
    stays = changed.mutate(
        next_step=changed.step.lead().over(group_by=changed.deal_id, order_by=order)
    )
    stays = stays.filter((_.step >= 0) & (_.step < len(ladder) - 1))
    goes_on = stays.next_step > stays.step
    ended = ibis.cases(
        (stays.next_step.isnull() & (stays.status == "won"), "advanced"),
        (stays.next_step.isnull() & (stays.status == "lost"), "lost"),
        (stays.next_step.isnull(), "here"),
        (stays.next_step == _LOST, "lost"),
        # lost deals are often moved to a stage of that meaning that nobody listed
        ((stays.next_step == _UNLISTED) & (stays.status == "lost"), "lost"),
        (stays.next_step == _UNLISTED, "out"),
        (goes_on, "advanced"),
        else_="back",
    )
    return stays.mutate(ended=ended)


def _moves(
    department: Department,
    deals: ibis.Table,
    keys: Sequence[str],
    ladder: pd.DataFrame,
    first_day: date | None,
) -> ibis.Table:
    """Give every entry with its step in the ladder, and the first stay of the unmoved."""
    steps = [(name, step) for step, name in enumerate(ladder["stage"])]
    if department.has("stages", "status"):
        stages = department.fetch("stages")
        steps += [(name, _LOST) for name in stages[stages["status"] == "lost"]["stage"]]
    known = deals.select("deal_id", "status", *keys)
    history = department.table("stage_changes")
    history = history.filter(history.entered_at.date() <= ibis.literal(department.as_of))
    entries = history.select(
        "deal_id",
        entered_at=history.entered_at.cast("timestamp"),
        step=history.stage.cases(*steps, else_=_UNLISTED).cast("int64"),
        is_unmoved=ibis.literal(value=False),
    )
    if "created_at" in deals.columns and first_day is not None:
        moved = entries.select("deal_id").distinct().mutate(is_moved=True)
        alone = deals.select("deal_id", "created_at").left_join(moved, "deal_id")
        alone = alone.filter(_.is_moved.isnull() & (_.created_at.date() >= first_day))
        placed = alone.select(
            "deal_id",
            entered_at=alone.created_at.cast("timestamp"),
            step=ibis.literal(0).cast("int64"),
            is_unmoved=ibis.literal(value=True),
        )
        entries = entries.union(placed)
    return known.join(entries, "deal_id")


def _table(
    counts: pd.DataFrame, keys: list[str], path: list[str], confidence: float
) -> pd.DataFrame:
    groups = counts[keys].drop_duplicates() if keys else pd.DataFrame(index=[0])
    groups = groups.sort_values(keys) if keys else groups
    rows = groups.merge(pd.DataFrame({"step": range(len(path)), "stage": path}), how="cross")
    table = rows.merge(counts, how="left", on=[*keys, "step"])
    numbers = [str(name) for name in counts if str(name).startswith("n_")]
    table[numbers] = table[numbers].fillna(0).astype("int64")
    n_ended = table["n_entered"] - table["n_here"]
    table["back_rate"] = ratio(table["n_back"], n_ended)
    low, high = wilson_interval(table["n_back"], n_ended, confidence=confidence)
    table["back_rate_low"], table["back_rate_high"] = low, high
    return table.drop(columns="step")
