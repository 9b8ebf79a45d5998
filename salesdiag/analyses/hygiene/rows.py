"""What the rows of a table can be split by, who is behind each, and which of them count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch
from salesdiag.narrow import KEY_LINKS, refuse_key, refuse_twice
from salesdiag.periods import parse_day
from salesdiag.settings import as_it_stood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

Window = tuple["date | str | None", "date | str | None"]
# names that counts have on the way to a result
INNER = ["entry_minute", "entry_hour", "entry_week", "question", "rep_id_of_row", "n_part"]


def check_keys(
    department: Department, by: str | Sequence[str], results: Sequence[str], *tables: str
) -> list[str]:
    """Check what to split by: columns of deals, reps, accounts, or of the tables named.

    Raises
    ------
    MissingDataError
        If no table has the column.
    InputError
        If it is no text, named like a result, or named twice.
    """
    keys = [by] if isinstance(by, str) else list(by)
    for key in keys:
        home = next((one for one in (*tables, *KEY_LINKS) if department.has(one, key)), "")
        if home and not department.home_of(key):
            refuse_key(home, key, [*results, *INNER])
        else:
            department.split_keys([key], results=[*results, *INNER])
    refuse_twice(keys)
    return keys


def with_groups(
    department: Department,
    rows: ibis.Table,
    keys: Sequence[str],
    of_deal: Mapping[str, str] | None = None,
) -> ibis.Table:
    """Add the columns to split by, and ``rep_id_of_row``, "unassigned" where missing.

    A key is a column of the row, else of its rep, else of its account, else (``of_deal``: key
    to column of the row) of its deal. Rows that none of these tells of are "unassigned" too.
    """
    rep = rows.rep_id if "rep_id" in rows.columns else ibis.null().cast("string")
    rows = rows.mutate(rep_id_of_row=rep.fill_null(UNASSIGNED))
    held = set(rows.columns)
    for home, link in KEY_LINKS.items():
        if department.has(home) and link in rows.columns:
            held |= set(department.table(home).columns)
    blank = {
        key: rows[of_deal[key]] if of_deal and key in of_deal else ibis.null().cast("string")
        for key in keys
        if key not in held
    }
    rows = rows.mutate(**blank) if blank else rows
    return department.with_keys(rows, keys)


def within(rows: ibis.Table, department: Department, column: str, window: Window) -> ibis.Table:
    """Keep the rows of a window, and none after ``as_of``."""
    start, end = window
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    rows = rows.filter(rows[column].date() <= ibis.literal(last))
    if start is None:
        return rows
    return rows.filter(_[column].date() >= ibis.literal(parse_day(start, "start")))


def placed(rows: ibis.Table, department: Department, column: str, window: Window) -> ibis.Table:
    """Keep the rows of a window, and those that no date up to ``as_of`` places.

    Adds ``is_dated``, and ``is_placed``: without a window rows lacking the date count too.
    """
    start, end = window
    windowed = start is not None or end is not None
    dated = (rows[column].date() <= ibis.literal(department.as_of)).fill_null(False)  # noqa: FBT003
    rows = rows.mutate(is_dated=dated, is_placed=dated | ibis.literal(not windowed))
    if start is not None:
        first = ibis.literal(parse_day(start, "start"))
        rows = rows.filter(~_.is_dated | (_[column].date() >= first))
    if end is not None:
        last = ibis.literal(parse_day(end, "end"))
        rows = rows.filter(~_.is_dated | (_[column].date() <= last))
    return rows


def deals_as_entered(department: Department, window: Window = (None, None)) -> ibis.Table:
    """Give the deals of `Department.select_deals`, and when open ones are said to be closed.

    ``entered_closed_at`` is the closing date as it stands in the table, up to ``as_of``, also
    of deals that are open. The window is on the day of creation.
    """
    start, end = window
    department.select_deals(start=start, end=end)  # refuses repeated ids, mixed currencies
    deals = department.table("deals")
    written = deals.closed_at if "closed_at" in deals.columns else ibis.null().cast("timestamp")
    known = written.date() <= ibis.literal(department.as_of)
    deals = deals.mutate(entered_closed_at=ibis.ifelse(known, written, ibis.null()))
    deals = as_it_stood(deals, department.settings)
    if "merged_into_id" in deals.columns:
        deals = deals.filter(_.merged_into_id.isnull())
    for name, kind in (("created_at", "timestamp"), ("closed_at", "timestamp"),
                       ("rep_id", "string"), ("amount", "decimal(18, 4)")):  # fmt: skip
        if name not in deals.columns:
            deals = deals.mutate(**{name: ibis.null().cast(kind)})
    if start is not None:
        deals = deals.filter(_.created_at.date() >= ibis.literal(parse_day(start, "start")))
    if end is not None:
        deals = deals.filter(_.created_at.date() <= ibis.literal(parse_day(end, "end")))
    return deals


def counted(rows: ibis.Table, group: Sequence[str], sums: Mapping[str, ibis.Value]) -> pd.DataFrame:
    """Fetch counts and sums by group, in order; texts are texts also where there are no rows."""
    frame = fetch(rows.group_by(list(group)).agg(**sums))
    text = [name for name in group if name != "entry_week"]
    frame = frame.astype(dict.fromkeys(text, "str")).sort_values(list(group), ignore_index=True)
    counts = [name for name in sums if name.startswith("n_")]
    frame[counts] = frame[counts].fillna(0)
    return frame.astype(dict.fromkeys(counts, "int64"))
