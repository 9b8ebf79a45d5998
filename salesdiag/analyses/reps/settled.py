"""Which cases are old enough to tell whether anything came of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from salesdiag.department import Department

_SETTLED = 0.95  # of what comes at all, by when a case is taken as settled


def settled_counts(
    department: Department, cases: ibis.Table, born: str, come: str, name: str, *, undated: bool
) -> dict[str, ibis.Value]:
    """Count cases to which something came, and those too young to tell.

    Settled is who is as old at ``as_of`` as 95 of 100 were, in the whole department, when it
    came (one day at least). Younger cases are open, whether it has come or not: to count only
    those to which it has would make the youngest look best. Cases of unknown age count with
    whatever came (``undated``), or are left out. ``cases`` are all, also those outside a
    window; ``born`` and ``come`` are columns of days, ``name`` that under which it is known.
    """
    days = _days_to_settle(department, cases, born, come, name)
    last = ibis.literal(department.as_of - timedelta(days=days))
    day = _[born].date()
    is_known = _[born].notnull()
    has_come = _yes(_[come].date() <= ibis.literal(department.as_of))
    is_settled = _yes(is_known & (day <= last))
    is_case = is_settled | ~is_known if undated else is_settled
    return {
        "n_cases": _.count(where=is_case), "n_events": _.count(where=is_case & has_come),
        "n_open": _.count(where=is_known & ~is_settled),
        "n_left_out": _.count(where=~(is_case | is_known)),
    }  # fmt: skip


def _days_to_settle(
    department: Department, cases: ibis.Table, born: str, come: str, name: str
) -> int:
    """Give the days by which 95 of 100 of what had come by ``as_of`` were there."""
    told = cases.filter(_[born].notnull() & _[come].notnull())
    told = told.filter(_[come].date() <= ibis.literal(department.as_of))
    wait = told[come].date().delta(told[born].date(), unit="day")
    waits = department.remember(
        f"days to {name}", lambda: fetch(told.group_by(wait=wait).agg(n=_.count()))
    ).sort_values("wait", ignore_index=True)
    if not len(waits):
        return 1
    reached = waits["n"].cumsum() >= _SETTLED * waits["n"].sum()
    return max(int(waits.loc[reached, "wait"].iloc[0]), 1)


def _yes(condition: ibis.Value) -> ibis.Value:
    """Take what is not known as no: engines count what is null in different ways."""
    return ibis.ifelse(condition, 1, 0) == 1


def one_row_each(rows: ibis.Table, name: str) -> ibis.Table:
    """Keep one row of each id, the first by all columns: exports repeat rows."""
    order = [rows[one] for one in sorted(rows.columns) if rows[one].type().is_primitive()
             or rows[one].type().is_temporal() or rows[one].type().is_decimal()]  # fmt: skip
    place = ibis.row_number().over(ibis.window(group_by=rows[name], order_by=order))
    placed = rows.mutate(row_place=place)
    return placed.filter((_.row_place == 0) | _[name].isnull()).drop("row_place")
