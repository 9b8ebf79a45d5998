"""The reduction under comparisons with the year before: cells by side, month and place.

A cell is a side (``"base"``, the same days a year before, or ``"now"``), a month of the window
(0, 1, ...), a rep and what else its rows can be split by, with sums. The cells of 24 months do
not grow with the deals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import ibis
from ibis import _

from salesdiag.engine import fetch, steady
from salesdiag.periods import add_months

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

# what a place can be, from wide to narrow, and the column that tells it
Place = Literal["team", "territory", "source", "segment", "product", "rep"]
LEVELS: dict[Place, str] = {
    "team": "team", "territory": "territory", "source": "source", "segment": "segment",
    "product": "product", "rep": "rep_id",
}  # fmt: skip
OF_REPS = ("team", "territory", "rep_id")  # columns that tell of people, not of deals


@dataclass(frozen=True, slots=True)
class Years:
    """A window and the same days a year before."""

    start: date
    end: date
    base_start: date
    base_end: date


def years_of(start: date, end: date) -> Years:
    """Give the window with the same days a year before."""
    return Years(start, end, add_months(start, -12), add_months(end, -12))


def places_of(department: Department, table: str) -> list[str]:
    """List the columns by which the rows of a table can be told apart, ``rep_id`` always last."""
    own = department.table(table).columns
    of_reps = department.table("reps").columns if department.has("reps") else ()
    found = [one for one in LEVELS.values() if one in own or ("rep_id" in own and one in of_reps)]
    return [*(one for one in found if one != "rep_id"), *(["rep_id"] if "rep_id" in own else [])]


def yearly_cells(
    department: Department,
    rows: ibis.Table,
    day: ibis.Value,
    years: Years,
    places: Sequence[str],
    sums: Mapping[str, ibis.Value],
    *,
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Add up rows by side, month and place.

    Parameters
    ----------
    department : Department
        Whose reps and accounts the places are taken from.
    rows : ibis.Table
        What is added up.
    day : ibis.Value
        The date of a row that puts it into a month.
    years : Years
        Window and base; rows outside both are left out.
    places : sequence of str
        Columns to split by, see `places_of`.
    sums : mapping of str to ibis.Value
        Name and aggregate of each sum.
    also : sequence of str
        Columns of the rows to keep apart besides.
    """
    dated = department.with_keys(rows.mutate(counted_on=day), list(places))
    dated = dated.filter(
        ((_.counted_on >= years.base_start) & (_.counted_on <= years.base_end))
        | ((_.counted_on >= years.start) & (_.counted_on <= years.end))
    )
    since = 12 * _.counted_on.year() + _.counted_on.month()
    first = 12 * years.base_start.year + years.base_start.month
    is_now = _.counted_on >= years.start
    dated = dated.mutate(
        side=ibis.ifelse(is_now, "now", "base"),
        month=(since - first - ibis.ifelse(is_now, 12, 0)).cast("int64"),
    )
    keys = [*also, "side", "month", *places]
    table = fetch(dated.group_by(keys).agg(**sums)).sort_values(keys, ignore_index=True)
    for name in sums:
        table[name] = steady(table[name].astype(float).fillna(0.0))
    return table
