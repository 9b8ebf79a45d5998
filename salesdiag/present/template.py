"""`write_template`: an empty workbook in canonical form, for a company that has no CRM."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.present.labels import label
from salesdiag.present.locale.catalogues import check_language, entry, text, word
from salesdiag.present.template_examples import EXAMPLES
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from salesdiag.schema import Column, Table

_FIRST_ROW = 2  # counted from 0: the readable heading and the canonical one stand above
_LAST_ROW = 20_000  # down to which cells are prepared
_WIDTH = 18
_CELLS = {
    "text": "@", "time": "yyyy-mm-dd hh:mm", "date": "yyyy-mm-dd", "money": "#,##0.00",
    "number": "General", "count": "0",
}  # fmt: skip
_FILLED_WITH = {
    "text": "text", "time": "date and time, as 2025-03-31 14:05", "date": "date, as 2025-03-31",
    "money": "money, a number", "number": "number", "count": "whole number",
}  # fmt: skip
_RULES = (
    "Each sheet is one table; its name and the grey row of names must stay as they are.",
    "Fill in from row 3 on, one thing a row. Only the sheet deals must be filled; the more sheets, "
    "the more can be told.",
    "Leave a cell empty where you do not know; never write 0 or a dash instead.",
    "Columns marked with * must be filled in every row. Columns that you do not need may be left "
    "empty.",
    "Delete the sheets that stay empty before you read the file.",
    "Where a cell offers a list, choose from it: the English words are what is read.",
    "Then read it: salesdiag audit FILE",
)
_HEADS = ("Sheet", "Heading", "Name", "What it holds", "Filled with", "Allowed values",
          "Example 1", "Example 2")  # fmt: skip
_OFFERED = ("reps", "stages")  # tables whose keys other sheets offer in a list


def write_template(path: str | Path, *, language: str = "en") -> Path:
    """Write an empty workbook that `salesdiag.load` reads once it is filled in.

    One sheet a table, with the name of each column in the reader's language above the canonical
    one, a note that explains it, and a list to choose from where only some values are allowed.
    A first sheet explains how to fill it in and holds two rows of examples of every table, in
    columns; being no table, it is not read. The same language gives the same bytes.

    Parameters
    ----------
    path : str or Path
        Of a file that does not exist yet, ending in ``.xlsx``.
    language : {"en", "ru", "vi"}, default "en"

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the language is unknown, the file is there already, or cannot be written.
    """
    check_language(language)
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        message = f"a template is a workbook: name the file {target.stem}.xlsx, not {target.name}."
        raise InputError(message)
    if target.exists():
        message = f"{target} is there already and may be filled in: choose another name."
        raise InputError(message)
    import xlsxwriter

    # in memory: nothing is left behind where it cannot be written
    try:
        with xlsxwriter.Workbook(str(target), {"in_memory": True}) as book:
            book.set_properties({"title": "salesdiag", "created": datetime(2000, 1, 1)})
            styles = _styles(book)
            _explain(book, styles, language)
            for table in TABLES.values():
                _sheet(book, styles, table, language)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        message = f"cannot write {target}: {getattr(error, 'strerror', None) or error}."
        raise InputError(message) from None
    return target


def _styles(book: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give the formats of the cells, by type and by place."""
    wrap = {"text_wrap": True, "valign": "top"}
    styles = {kind: book.add_format({"num_format": code}) for kind, code in _CELLS.items()}
    return styles | {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "part": book.add_format({"bold": True, "font_size": 12}),
        "head": book.add_format({"bold": True, "bottom": 1} | wrap),
        "name": book.add_format({"font_color": "#5c646b", "bg_color": "#f1f3f4", "bottom": 1}),
        "plain": book.add_format(wrap),
        "must": book.add_format({"bold": True} | wrap),
        "example": book.add_format({"italic": True, "font_color": "#5c646b", "num_format": "@"}),
    }


def _said(message: str, language: str, **values: object) -> str:
    return text(message, language, context="template", **values)


def _explain(book: Any, styles: dict[str, Any], language: str) -> None:  # noqa: ANN401
    """Write the first sheet: how to fill in, the tables, the columns with examples."""
    sheet = book.add_worksheet(_said("read me", language))
    for column, width in enumerate((16, 24, 20, 48, 30, 44, 20, 20)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, _said("How to fill in this workbook", language), styles["title"])
    row = 1
    for rule in _RULES:
        sheet.write_string(row, 0, _said(rule, language))
        row += 1
    row = _tables(sheet, styles, row + 1, language)
    _columns(sheet, styles, row + 1, language)


def _tables(sheet: Any, styles: dict[str, Any], row: int, language: str) -> int:  # noqa: ANN401
    sheet.write_string(row, 0, _said("The tables", language), styles["part"])
    row += 1
    for column, head in enumerate(("Sheet", "Name", "", "What it holds")):
        sheet.write_string(row, column, _said(head, language) if head else "", styles["head"])
    for table in TABLES.values():
        row += 1
        sheet.write_url(row, 0, f"internal:'{table.name}'!A3", string=table.name)
        sheet.write_string(row, 1, entry("table", table.name, language), styles["plain"])
        meaning = text(table.meaning, language, context="schema")
        sheet.write_string(row, 3, meaning, styles["plain"])
    return row + 1


def _columns(sheet: Any, styles: dict[str, Any], row: int, language: str) -> None:  # noqa: ANN401
    part = _said("The columns, with two rows of examples", language)
    sheet.write_string(row, 0, f"{part} ({_said('EXAMPLE: not read', language)})", styles["part"])
    row += 1
    for column, head in enumerate(_HEADS):
        sheet.write_string(row, column, _said(head, language), styles["head"])
    for table in TABLES.values():
        for spec in table.columns:
            row += 1
            cells = (table.name, _heading(table, spec, language), spec.name,
                     text(spec.meaning, language, context="schema"), _filled_with(spec, language),
                     _allowed(spec, language))  # fmt: skip
            for column, cell in enumerate(cells):
                style = styles["must" if spec.required and column == 1 else "plain"]
                sheet.write_string(row, column, cell, style)
            for place, example in enumerate(EXAMPLES[table.name][spec.name]):
                shown = example if spec.allowed else _said(example, language)
                sheet.write_string(row, len(cells) + place, shown, styles["example"])


def _sheet(book: Any, styles: dict[str, Any], table: Table, language: str) -> None:  # noqa: ANN401
    """Write one empty table: a readable heading, the canonical one, notes and lists."""
    sheet = book.add_worksheet(table.name)
    for place, spec in enumerate(table.columns):
        heading = _heading(table, spec, language)
        sheet.set_column(place, place, max(_WIDTH, len(heading) + 2), styles[spec.type])
        sheet.write_string(0, place, heading, styles["head"])
        sheet.write_string(1, place, spec.name, styles["name"])
        note = "\n".join(part for part in (
            text(spec.meaning, language, context="schema"), _filled_with(spec, language),
            _allowed(spec, language)) if part)  # fmt: skip
        sheet.write_comment(0, place, note, {"author": "salesdiag", "x_scale": 2.2,
                                             "y_scale": 1 + note.count("\n") / 4})  # fmt: skip
        _offer(sheet, place, spec)
    sheet.freeze_panes(_FIRST_ROW, 1)


def _offer(sheet: Any, place: int, spec: Column) -> None:  # noqa: ANN401
    """Let a cell offer what may stand in it."""
    if spec.allowed:
        rule: dict[str, Any] = {"validate": "list", "source": list(spec.allowed)}
    elif spec.refers_to in _OFFERED:
        rule = {"validate": "list", "source": f"={spec.refers_to}!$A${_FIRST_ROW + 1}:$A$1000",
                "show_error": False}  # fmt: skip
    else:
        return
    sheet.data_validation(_FIRST_ROW, place, _LAST_ROW, place, rule)


def _heading(table: Table, spec: Column, language: str) -> str:
    # in front: a mark behind would leave the row one that the reader takes for the headings
    return ("* " if spec.required else "") + label(spec.name, language, table=table.name)


def _filled_with(spec: Column, language: str) -> str:
    """Say what a cell holds, and whether it may be empty."""
    kind = "share from 0 to 1" if spec.unit == "share" else _FILLED_WITH[spec.type]
    parts = [_said(kind, language)]
    if spec.refers_to:
        parts.append(_said("a key of the sheet {sheet}", language, sheet=spec.refers_to))
    parts.append(_said("must be filled" if spec.required else "may be empty", language))
    return "; ".join(parts)


def _allowed(spec: Column, language: str) -> str:
    """List the values that may stand in a column, each with its word."""
    if spec.allowed:
        said = ((one, word(one, language, column=spec.name)) for one in spec.allowed)
        return "; ".join(one if one == told else f"{one}: {told}" for one, told in said)
    if spec.unit != "share" and spec.low is not None and spec.high is not None:
        low, high = int(spec.low), int(spec.high)
        return _said("from {low} to {high}", language, low=low, high=high)
    return ""
