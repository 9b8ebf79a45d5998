"""Workbooks, new and old, through calamine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.extent import error_cells, refuse_area, refuse_huge
from salesdiag.intake.rows import is_blank

if TYPE_CHECKING:
    from collections.abc import Collection

    from salesdiag.intake.raw import RawTable


def open_workbook(name: str, data: bytes) -> Any:  # noqa: ANN401
    """Open a workbook from its bytes.

    Raises
    ------
    InputError
        If it is locked by a password, cut off, too large, or no workbook.
    """
    import python_calamine as calamine

    refuse_huge(name, data)
    try:
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except calamine.PasswordError:
        message = f"{name} is locked by a password: save a copy without one."
        raise InputError(message) from None
    except (calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = (
            f"{name} cannot be read as a workbook ({reason}): it may be cut off; save it again."
        )
        raise InputError(message) from None


def sheet_names(name: str, data: bytes) -> list[str]:
    """List the sheets of a workbook."""
    return list(open_workbook(name, data).sheet_names)


def read_sheet(
    name: str,
    data: bytes,
    *,
    sheet: str | None = None,
    table: str = "",
    wanted: Collection[str] = (),
    header_row: int | None = None,
) -> RawTable:
    """Read one sheet of a workbook: the one named, else the only one, or the table's namesake.

    Raises
    ------
    InputError
        If the sheet is not there, not named although there are several, or empty.
    """
    book = open_workbook(name, data)
    sheets = list(book.sheet_names)
    if not sheets:
        message = f"{name} is a workbook without sheets: export it again."
        raise InputError(message)
    if sheet is None:
        namesakes = [one for one in sheets if one.strip().lower() == table]
        if len(sheets) > 1 and len(namesakes) != 1:
            named = ", ".join(map(repr, sheets))
            message = (
                f"{name} has {len(sheets)} sheets ({named}): say which with 'sheet' in a mapping "
                "file, or name the sheet after the table."
            )
            raise InputError(message)
        sheet = [*namesakes, *sheets][0]
    if sheet not in sheets:
        message = f"{name} has no sheet {sheet!r}; it has {', '.join(map(repr, sheets))}."
        raise InputError(message)
    rows = _rows(name, book, sheet)
    for row, column in error_cells(data, sheet):
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = "#N/A"  # which error it is does not matter
    return table_of_cells(rows, file=name, sheet=sheet, wanted=wanted, header_row=header_row)


def _rows(name: str, book: Any, sheet: str) -> list[list[object]]:  # noqa: ANN401
    import python_calamine as calamine

    try:
        page = book.get_sheet_by_name(sheet)
        refuse_area(name, sheet, page.total_height, page.total_width)
        rows: list[list[object]] = page.to_python(skip_empty_area=False)
        merged = page.merged_cell_ranges or []
    except (calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{name}, sheet {sheet!r}, cannot be read ({reason}): save it again."
        raise InputError(message) from None
    if all(is_blank(cell) for row in rows for cell in row):
        message = f"{name}, sheet {sheet!r}, is empty: export it again, or name another sheet."
        raise InputError(message)
    for (top, left), (bottom, right) in merged:
        _fill_down(rows, top, left, bottom, right)
    return rows


def _fill_down(rows: list[list[object]], top: int, left: int, bottom: int, right: int) -> None:
    """Give every row of a merged block its value; sideways it stays where it stands.

    A value merged over rows belongs to each of them; one merged over columns is a title.
    """
    if right > left or top >= len(rows) or left >= len(rows[top]):
        return
    value = rows[top][left]
    for row in rows[top + 1 : bottom + 1]:
        if left < len(row):
            row[left] = value
