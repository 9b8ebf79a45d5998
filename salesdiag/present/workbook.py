"""`tables.xlsx`: every table behind the report, one sheet each, in typed cells."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.present.answers import sheet_of
from salesdiag.present.labels import TITLES, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis

_FORMATS = {
    "share": "0.0%", "money": "#,##0.00", "count": "#,##0", "days": "0.0",
    "date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm", "number": "0.00",
}  # fmt: skip
_FINDING = [
    "rank", "cause", "level", "id", "stage", "control", "grade", "measured", "expected",
    "n_cases", "q_value", "lost_amount", "lost_amount_low", "lost_amount_high", "basis", "reading",
    "caveat", "next_step", "rivals",
]  # fmt: skip
_WIDE = ("rule", "effect", "detail", "reason", "reading", "caveat", "next_step", "question",
         "evidence", "part")  # fmt: skip
_MAX_CELL = 32_767  # what a cell of a workbook can hold
_MAX_ROWS = 1_048_575
_NO_SHEET = str.maketrans("[]:*?/\\\t\n\r", "----------")
_ILLEGAL = {code: None for code in range(32) if code not in (9, 10, 13)}


def write_workbook(diagnosis: Diagnosis, path: str | Path) -> Path:
    """Write all tables of a diagnosis into a workbook.

    Text from the CRM is written as text: a cell that begins with ``=`` is no formula and
    an address is no link. The same diagnosis gives the same bytes.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : str or Path

    Returns
    -------
    Path
        Where it was written.
    """
    import xlsxwriter

    target = Path(path)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
               "nan_inf_to_errors": False, "in_memory": True}  # fmt: skip
    with xlsxwriter.Workbook(str(target), options) as book:
        # a fixed date of creation, so that the same tables give the same file
        book.set_properties({"title": "salesdiag", "created": datetime(2000, 1, 1)})
        formats = {kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        formats["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True,
                                           "valign": "top"})  # fmt: skip
        tables = {"findings": _findings(diagnosis)} | _evidence(diagnosis)
        tables |= dict(diagnosis.tables) | {"not_examined": _missed(diagnosis)}
        sheets = _sheet_names(list(tables))
        _contents(book, formats, diagnosis, tables)
        for name, table in tables.items():
            _sheet(book, formats, sheets[name], table)
    return target


def _findings(diagnosis: Diagnosis) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (rank, one.cause, one.scope.level, one.scope.id, one.scope.stage, one.control, one.grade,
         one.measured, one.expected, one.n, one.q_value, one.money, one.money_low, one.money_high,
         one.money_basis, one.reading, one.caveat, one.next_step,
         "; ".join(f"{rival.cause}: {rival.outcome}" for rival in one.rivals))
        for rank, one in enumerate(diagnosis.findings, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=_FINDING)


def _evidence(diagnosis: Diagnosis) -> dict[str, pd.DataFrame]:
    """Give the evidence of each finding, whole."""
    return {
        sheet_of(rank, one): one.table
        for rank, one in enumerate(diagnosis.findings, start=1)
        if len(one.table.columns)
    }


def _missed(diagnosis: Diagnosis) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (one.analysis, ", ".join(one.missing), one.ask_for, one.reason)
        for one in diagnosis.not_examined
    ]
    return pd.DataFrame(rows, columns=["analysis", "missing", "ask_for", "reason"])


def _contents(
    book: Any,  # noqa: ANN401
    formats: dict[str, Any],
    diagnosis: Diagnosis,
    tables: dict[str, pd.DataFrame],
) -> None:
    sheet = book.add_worksheet("contents")
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 60)
    facts = [
        ("department", diagnosis.name or "–"),
        ("window", f"{diagnosis.start} to {diagnosis.end}"),
        ("as of", f"{diagnosis.as_of} ({diagnosis.as_of_source})"),
        ("currency", diagnosis.currency or "–"),
        ("confidence of the intervals", f"{100 * diagnosis.confidence:g} %"),
    ]
    for row, (name, value) in enumerate(facts):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, value)
    top = len(facts) + 1
    for column, head in enumerate(("sheet", "what it shows", "rows")):
        sheet.write_string(top, column, head, formats["head"])
    sheets = _sheet_names(list(tables))
    for row, (name, table) in enumerate(tables.items(), start=top + 1):
        inside = sheets[name].replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{inside}'!A1", string=_text(name))
        sheet.write_string(row, 1, TITLES.get(name, name))
        sheet.write_number(row, 2, len(table))


def _sheet_names(names: list[str]) -> dict[str, str]:
    """Give each table a name that a workbook takes: 31 letters, and each different."""
    taken = {"contents", "history"}  # a workbook keeps the second for itself
    found = {}
    for name in names:
        plain = _text(name).translate(_NO_SHEET).strip().strip("'") or "table"
        short, number = plain[:31].rstrip("'"), 1
        while short.casefold() in taken:
            number += 1
            short = f"{plain[: 30 - len(str(number))]}~{number}"
        taken.add(short.casefold())
        found[name] = short
    return found


def _text(value: object) -> str:
    """Leave out what a cell cannot hold."""
    return str(value).translate(_ILLEGAL)[:_MAX_CELL]


def _sheet(book: Any, formats: dict[str, Any], name: str, table: pd.DataFrame) -> None:  # noqa: ANN401
    sheet = book.add_worksheet(name)
    for column, heading in enumerate(table.columns):
        sheet.write_string(0, column, str(heading), formats["head"])
        kind = kind_of(str(heading))
        width = 30 if kind == "text" and heading in _WIDE else 14
        sheet.set_column(column, column, width)
        for row, value in enumerate(table[heading].head(_MAX_ROWS).tolist(), start=1):
            _cell(sheet, row, column, value, formats.get(kind))
    sheet.freeze_panes(1, 0)
    if len(table):
        sheet.autofilter(0, 0, min(len(table), _MAX_ROWS), len(table.columns) - 1)


def _cell(sheet: Any, row: int, column: int, value: Any, style: Any) -> None:  # noqa: ANN401
    """Write one value by its type; what is missing stays an empty cell."""
    if value is None or str(value) in ("NaT", "<NA>", "nan"):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            sheet.write_number(row, column, value, style)
    elif isinstance(value, date | datetime):
        sheet.write_datetime(row, column, value, style)
    else:
        sheet.write_string(row, column, _text(value))
