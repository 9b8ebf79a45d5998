"""The reduction under the changes of the pipeline: every deal at both ends of a period."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.pipeline.standing import standing
from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

AMOUNTS = ["opening", "new", "reopened", "grew", "shrank", "pulled_in", "slipped_in", "undated_in",
           "pushed_out", "won", "lost", "closing"]  # fmt: skip
COUNTS = [*AMOUNTS, "without_amount", "opening_open"]
CHANGE_RESERVED = ("old", "now", "is_in", "was_in", "kind", "is_due_before", "is_due_after",
                   "n_priced", "entered_as", "left_as")  # fmt: skip


def change_sums(department: Department, keys: list[str], first: date, last: date) -> pd.DataFrame:
    """Add up, per group, what was open at both ends of a period and what came and went.

    Columns: the keys, for the scopes 0 (all) and 1 (due in the period) each of `AMOUNTS` and
    ``n_`` with each of `COUNTS`, with the number of the scope behind the name, ``n_priced`` and
    ``n_unknown``.
    """
    deals = standing(department, [first - timedelta(days=1), last], keys=keys)
    deals = deals.filter(
        (_.state_0 == "open")
        | (_.state_1 == "open")
        | (_.state_0 == "unknown")
        | (_.state_1 == "unknown")
        | (_.state_0 != _.state_1)
    )
    zero = ibis.literal(0).cast("decimal(18, 4)")
    rows = deals.mutate(
        old=deals.amount_0.fill_null(zero), now=deals.amount_1.fill_null(zero),
        is_due_before=deals.due_0.between(first, last).fill_null(False),  # noqa: FBT003
        is_due_after=deals.due_1.between(first, last).fill_null(False),  # noqa: FBT003
    )  # fmt: skip
    known = (rows.state_0 != "unknown") & (rows.state_1 != "unknown")
    rows = rows.mutate(known=known)
    sums = {
        "n_unknown": _.count(where=~_.known),
        "n_priced": _.count(where=_.amount_0.notnull() | _.amount_1.notnull()),
    }
    for scope in (0, 1):
        sums |= _of_scope(rows, scope, last)
    counted = rows.group_by(keys).agg(**sums) if keys else rows.agg(**sums)
    frame = fetch(counted)
    frame = frame.sort_values(keys, ignore_index=True) if keys else frame
    money = [f"{name}_{scope}" for name in AMOUNTS for scope in (0, 1)]
    frame[money] = frame[money].astype(float).fillna(0.0)
    return pd.DataFrame(frame)


def _of_scope(rows: ibis.Table, scope: int, last: date) -> dict[str, ibis.Value]:
    """Give what to add up for all open deals (0) or those due in the period (1)."""
    before, after = rows.state_0, rows.state_1
    was_open, is_open = before == "open", after == "open"
    is_won, is_lost = after == "won", after == "lost"
    was_in, is_in = rows.known & was_open, rows.known & is_open
    ends = rows.known & (is_won | is_lost) & (was_open | (before != after) | (before == "none"))
    goes = ends & was_open  # of those that were in: whatever they were due when they closed
    comes = ends & ~was_open
    if scope:
        was_in, is_in = was_in & rows.is_due_before, is_in & rows.is_due_after
        # a win is due when it comes; a loss only where it was due
        goes = goes & (rows.is_due_before | is_won | rows.is_due_after)
        comes = comes & (is_won | rows.is_due_after)
    there = is_in | goes | comes  # at the end, or on the way out
    enters = there & ~was_in
    is_later = (rows.due_0 > last).fill_null(False)  # noqa: FBT003
    conditions = {
        "opening": was_in, "closing": is_in,
        "new": enters & (before == "none"),
        "reopened": enters & ((before == "won") | (before == "lost")),
        "pulled_in": enters & was_open & is_later,
        "slipped_in": enters & was_open & rows.due_0.notnull() & ~is_later,
        "undated_in": enters & was_open & rows.due_0.isnull(),
        "pushed_out": was_in & ~there,
        "won": (goes | comes) & is_won, "lost": (goes | comes) & is_lost,
        "grew": was_in & (rows.now > rows.old), "shrank": was_in & (rows.now < rows.old),
    }  # fmt: skip
    worth = dict.fromkeys(conditions, rows.now) | {
        "opening": rows.old, "grew": rows.now - rows.old, "shrank": rows.old - rows.now,
    }  # fmt: skip
    sums = {}
    for name, condition in conditions.items():
        sums[f"{name}_{scope}"] = worth[name].sum(where=condition).cast("float64")
        sums[f"n_{name}_{scope}"] = rows.count(where=condition)
    lacks = (was_in & rows.amount_0.isnull()) | (there & rows.amount_1.isnull())
    sums[f"n_without_amount_{scope}"] = rows.count(where=lacks)
    sums[f"n_opening_open_{scope}"] = rows.count(where=was_in & is_open)
    return sums
