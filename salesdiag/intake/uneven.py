"""Rows of delimited text that do not fit their headings: mended, set aside or refused."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.raw import Fact, RawTable
from salesdiag.intake.rows import why_set_aside

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDE = "more cells than headings"
_NARROW = "fewer cells than headings"
_SHOWN = 10  # uneven rows reported one by one


class Layout(NamedTuple):
    """The text below the headings, and how it is cut into cells."""

    name: str
    body: str
    mark: str
    above: int  # rows of the file that stand above the body
    names: list[str]
    made_up: frozenset[str]


def records(text: str, mark: str) -> Iterator[list[str]]:
    """Cut text into records, and these into cells."""
    csv.field_size_limit(1 << 30)
    return csv.reader(io.StringIO(text, newline=""), delimiter=mark)


def mend_uneven(raw: RawTable, rows: list[str], layout: Layout) -> list[list[str | None]]:
    """Give the uneven rows that lack or exceed in nothing but separators; set the others aside."""
    mended: list[list[str | None]] = []
    uneven = 0
    for text in rows:
        cells = next(records(text, layout.mark), [])
        reason = _why_uneven(cells, layout)
        if reason is None:
            filled = [cell or None for cell in cells[: len(layout.names)]]
            mended.append([*filled, *[None] * (len(layout.names) - len(filled))])
            continue
        raw.set_aside[reason] = raw.set_aside.get(reason, 0) + 1
        uneven += reason.endswith("headings")
    if uneven:
        raw.facts += _uneven_facts(layout, uneven)
    return mended


def _why_uneven(cells: list[str], layout: Layout) -> str | None:
    reason = why_set_aside(cells, len(layout.names))
    if reason is None and any(name not in layout.made_up for name in layout.names[len(cells) :]):
        return _NARROW
    return reason


def _uneven_facts(layout: Layout, n_rows: int) -> list[Fact]:
    """Say where the uneven rows stand and how many cells they have, not what is in them."""
    width = len(layout.names)
    facts: list[Fact] = []
    for row, cells in enumerate(records(layout.body, layout.mark), start=layout.above + 1):
        if len(facts) == min(n_rows, _SHOWN):
            break
        reason = _why_uneven(cells, layout) if len(cells) != width and cells else None
        if reason in (_WIDE, _NARROW):
            detail = f"row {row} has {len(cells)} cells, {width} headings"
            facts.append(Fact("uneven row", reason, 1, detail))
    if n_rows > len(facts):
        facts.append(Fact("uneven row", "further rows", n_rows - len(facts), "not listed"))
    return facts


def set_wide_aside(raw: RawTable, table: pa.Table, layout: Layout, n_headings: int) -> pa.Table:
    """Set aside the rows that hold something where there is no heading at all.

    Raises
    ------
    InputError
        If most rows are so: then it is not known which cell belongs to which heading.
    """
    surplus = layout.names[n_headings:]
    if surplus and table.num_rows:
        kept = pc.is_null(pc.coalesce(*[table.column(name) for name in surplus]))
        n_wide = table.num_rows - int(pc.sum(kept).as_py())
        if n_wide:
            raw.set_aside[_WIDE] = raw.set_aside.get(_WIDE, 0) + n_wide
            table = table.filter(kept)
    n_wide = raw.set_aside.get(_WIDE, 0)
    if n_wide > table.num_rows:
        raise InputError(_too_wide(layout, n_headings, n_wide))
    return table


def _too_wide(layout: Layout, n_headings: int, n_wide: int) -> str:
    where = ""
    for row, cells in enumerate(records(layout.body, layout.mark), start=layout.above + 1):
        if any(cell.strip() for cell in cells[n_headings:]):
            where = f"row {row} has {len(cells)} cells, {n_headings} headings; "
            break
    return (
        f"{layout.name}: {n_wide} rows have more cells than there are headings: {where}probably "
        f"an unquoted {layout.mark!r} inside a value, or headings that are missing. Export the "
        "file again with quotation marks around text and numbers, or another separator."
    )


def refuse_cut_row(name: str, last: str, row: int, mark: str, width: int) -> None:
    """Refuse a file that ends within a row."""
    cells = next(records(last, mark), [])
    if len(cells) >= width or why_set_aside(cells, width) is not None:
        return
    if len([cell for cell in cells if cell.strip()]) > 1:
        message = (
            f"{name} ends in the middle of row {row}: it has {len(cells)} of {width} cells and "
            f"no end of line ({last[:60]!r}). The file was cut off; export it again."
        )
        raise InputError(message)


def refuse_swallowed_rows(layout: Layout, table: pa.Table, skipped: list[str]) -> None:
    """Refuse text in which a stray quotation mark makes one cell of several rows."""
    n_marks = max(len(layout.names) - 1, 2)
    # free text has a blank behind its commas, rows of a table have none
    row_like = re.compile(rf"(?:[^\r\n]*?{re.escape(layout.mark)}(?! )){{{n_marks}}}")
    for cell in _cells_of_lines(layout, table, skipped):
        if any(row_like.match(line) for line in cell.splitlines()):
            row = _row_holding(layout, cell)
            message = (
                f"{layout.name}: a cell of row {row} holds whole rows: a quotation mark in it "
                "opens and is closed rows later. Correct that quotation mark (inside quoted text "
                "it is written twice), or export the file again."
            )
            raise InputError(message)


def _cells_of_lines(layout: Layout, table: pa.Table, skipped: list[str]) -> Iterator[str]:
    """Give the cells of several lines that hold separators enough for a row."""
    for name in layout.names:
        column = table.column(name)
        broken = column.filter(pc.match_substring_regex(column, r"[\r\n]"))
        many = pc.count_substring(broken, layout.mark)
        yield from broken.filter(pc.greater_equal(many, len(layout.names) - 1)).to_pylist()
    for text in skipped:
        for cell in next(records(text, layout.mark), []):
            if "\n" in cell or "\r" in cell:
                yield cell


def _row_holding(layout: Layout, wanted: str) -> int:
    rows = enumerate(records(layout.body, layout.mark), start=layout.above + 1)
    return next((row for row, cells in rows if wanted in cells), layout.above + 1)
