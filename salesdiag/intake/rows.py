"""Finding the table inside rows of cells: titles above, totals below, headings twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from salesdiag.errors import InputError
from salesdiag.intake.headings import count_known, normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

HEADER_DEPTH = 30  # a heading row stands among the first so many
# what the first cell of a row of totals begins with, and a legal line below a report
_TOTALS = "итого|всего|общий итог|grand totals?|totals?|sub-?totals?|tổng( cộng)?"
_LEGAL = (
    "confidential|copyright|©|generated (on|by)|exported (on|by)|отчет сформирован|конфиденциально"
)
FOOTER = rf"(?i)^[^\pL\pN]*({_TOTALS}|{_LEGAL})"  # for Arrow: rows worth a closer look
# a name may begin with the word too, such as "Total Energies"
_TOTAL_ROW = re.compile(rf"(?i)^[\W_]*({_TOTALS})(\s*[:(]|[\W_]*(\d|$))")
_LEGAL_ROW = re.compile(rf"(?i)^[\W_]*({_LEGAL})([\W\d_]|$)")
EXCEL_ERRORS = frozenset(
    ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!"]
)


class Header(NamedTuple):
    """Where the headings stand and what they are, repeated ones told apart."""

    at: int  # counted from 0
    names: list[str]
    made_up: frozenset[str]  # the names of columns without a heading


def _header(index: int, cells: Sequence[object]) -> Header:
    names = name_columns(cells)
    blank = [name for name, cell in zip(names, cells, strict=True) if is_blank(cell)]
    return Header(index, names, frozenset(blank))


def find_header(
    rows: Sequence[Sequence[object]], wanted: Collection[str], place: str, given: int | None = None
) -> Header:
    """Find the heading row: the one with most wanted or known headings, else the first full one.

    Raises
    ------
    InputError
        If there is none.
    """
    if given is not None:
        if not 1 <= given <= len(rows):
            message = f"{place}: header_row = {given}, but the file has {len(rows)} rows."
            raise InputError(message)
        if all(is_blank(cell) for cell in rows[given - 1]):
            message = f"{place}: header_row = {given}, but that row is empty."
            raise InputError(message)
        return _header(given - 1, rows[given - 1])
    best, found = -1, 0
    for index, row in enumerate(rows[:HEADER_DEPTH]):
        hits = count_hits(row, wanted)
        if hits > found:
            best, found = index, hits
    if best < 0:
        best = _first_full_row(rows)
    if best < 0:
        message = f"{place} holds no row of headings: the first rows are empty."
        raise InputError(message)
    return _header(best, rows[best])


def count_hits(row: Sequence[object], wanted: Collection[str]) -> int:
    """Count the cells that are headings: three points for a wanted one, one for a known one."""
    looked_for = {normalise(name) for name in wanted}
    cells = [cell for cell in row if isinstance(cell, str) and cell.strip()]
    return 3 * sum(normalise(cell) in looked_for for cell in cells) + count_known(cells)


def _first_full_row(rows: Sequence[Sequence[object]]) -> int:
    filled = [sum(not is_blank(cell) for cell in row) for row in rows[:HEADER_DEPTH]]
    widest = max(filled, default=0)
    return next((index for index, n in enumerate(filled) if n and n == widest), -1)


def name_columns(cells: Sequence[object]) -> list[str]:
    """Name the columns by their headings; a repeated heading becomes ``heading#2``."""
    names: list[str] = []
    seen: dict[str, int] = {}
    taken: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        heading = " ".join(str(cell).split()) if not is_blank(cell) else f"column {number}"
        name = heading
        while name in taken:
            seen[heading] = seen.get(heading, 1) + 1
            name = f"{heading}#{seen[heading]}"
        taken.add(name)
        names.append(name)
    return names


def is_blank(cell: object) -> bool:
    """Tell an empty cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_footer(cells: Sequence[object], width: int) -> bool:
    """Tell a row of totals or legal text: such words first, and most other cells empty."""
    filled = [cell for cell in cells if not is_blank(cell)]
    if not filled or (len(filled) > 1 and len(filled) > 0.6 * width):
        return False
    if not isinstance(filled[0], str):
        return False
    first = filled[0].strip()
    return bool(_TOTAL_ROW.match(first) or (len(filled) <= 2 and _LEGAL_ROW.match(first)))


def why_set_aside(cells: Sequence[object], width: int) -> str | None:
    """Give the reason why a row of cells is no data row, or None."""
    filled = [cell for cell in cells if not is_blank(cell)]
    if not filled:
        return "blank row"
    if is_footer(cells, width):
        return "totals or footer row"
    if all(cell in EXCEL_ERRORS for cell in filled):
        return "nothing but Excel errors"
    if len(cells) > width and any(not is_blank(cell) for cell in cells[width:]):
        return "more cells than headings"
    return None
