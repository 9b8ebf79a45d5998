"""Rows of typed cells, as workbooks and HTML tables give them, into raw columns."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa

from salesdiag.intake.raw import Fact, RawColumn, RawTable
from salesdiag.intake.rows import EXCEL_ERRORS, find_header, is_blank, why_set_aside

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def table_of_cells(
    rows: Sequence[Sequence[object]],
    *,
    file: str,
    sheet: str = "",
    wanted: Collection[str] = (),
    header_row: int | None = None,
) -> RawTable:
    """Find the headings in rows of cells and turn what stands below them into columns."""
    raw = RawTable(file, {}, 0, sheet)
    header = find_header(rows, wanted, raw.place, header_row)
    names = header.names
    if header.at:
        raw.facts.append(Fact("header", f"row {header.at + 1}", header.at, "rows above"))
    kept = []
    for row in rows[header.at + 1 :]:
        reason = why_set_aside(row, len(names))
        if reason is None:
            kept.append(row)
        else:
            raw.set_aside[reason] = raw.set_aside.get(reason, 0) + 1
    width = len(names)
    padded = [row if len(row) >= width else [*row, *[""] * (width - len(row))] for row in kept]
    for index, name in enumerate(names):
        cells = [row[index] for row in padded]
        if name not in header.made_up or any(not is_blank(cell) for cell in cells):
            raw.columns[name] = column_of_cells(cells)
    raw.n_rows = len(kept)
    raw.first_row = header.at + 2
    raw.number_rows()
    return raw


def column_of_cells(cells: Sequence[object]) -> RawColumn:
    """Keep text as text and typed cells as what they are."""
    text: list[str | None] = []
    number: list[float | None] = []
    moment: list[dt.datetime | None] = []
    for cell in cells:
        as_text, as_number, as_moment = _split(cell)
        text.append(as_text)
        number.append(as_number)
        moment.append(as_moment)
    return RawColumn(
        pa.array(text, pa.string()),
        pa.array(number, pa.float64()) if any(one is not None for one in number) else None,
        pa.array(moment, pa.timestamp("us")) if any(one is not None for one in moment) else None,
        sum(isinstance(cell, str) and cell in EXCEL_ERRORS for cell in cells),
    )


def _split(cell: object) -> tuple[str | None, float | None, dt.datetime | None]:
    """Give a cell as text, number or moment; exactly one is filled, or none."""
    if cell is None or cell == "" or cell in EXCEL_ERRORS:
        return None, None, None
    if isinstance(cell, bool):
        return str(cell), None, None
    if isinstance(cell, int | float):
        return None, float(cell), None
    if isinstance(cell, dt.datetime):
        return None, None, cell.replace(tzinfo=None)
    if isinstance(cell, dt.date):
        return None, None, dt.datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, dt.timedelta):
        return f"{cell.total_seconds():.0f} s", None, None
    if isinstance(cell, dt.time):
        return f"{cell.hour}:{cell.minute:02d}:{cell.second:02d}", None, None
    return str(cell), None, None
