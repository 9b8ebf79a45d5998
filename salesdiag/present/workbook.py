"""`tables.xlsx`: every table behind the report, one sheet each, in typed cells."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.errors import InputError
from salesdiag.present import labels
from salesdiag.present.answers import sheet_of
from salesdiag.present.definitions import definitions
from salesdiag.present.locale.catalogues import check_language, text
from salesdiag.present.locale.causes import cause_name
from salesdiag.present.locale.retold import retell
from salesdiag.present.sheets import Book, flat, safe_text, sheet_names, write_table
from salesdiag.present.speech import Speech, names_of

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.finding import Diagnosis

_FINDING = [
    "rank", "cause", "level", "id", "stage", "control", "grade", "measured", "expected",
    "n_cases", "q_value", "lost_amount", "lost_amount_low", "lost_amount_high", "basis", "reading",
    "caveat", "next_step", "rivals",
]  # fmt: skip
# how the figures of a finding are written, by the unit of its cause
_UNITS = {"share": "0.0%", "rate": "0.0%", "ratio": "0.0%", "money": "#,##0.00", "hours": "0.0",
          "days": "0.0"}  # fmt: skip
_FIRST, _LAST = "contents", "definitions"


def write_workbook(diagnosis: Diagnosis, path: str | Path, *, language: str = "en") -> Path:
    """Write all tables of a diagnosis into a workbook.

    One sheet a table, under two rows of headings: what a reader calls each column, and its
    name in Python. The first sheet lists the others with links; the last says what the columns
    mean. Text from the CRM is written as text: a cell that begins with ``=`` is no formula and
    an address is no link. Infinite ends of intervals are written as ∞; what is missing is
    empty. The same diagnosis gives the same bytes.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : str or Path
    language : {"en", "ru", "vi"}, default "en"
        Of headings and words; names and codes of sheets and columns stay English, and so do
        codes in cells in English.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the language is unknown, or the file cannot be written.
    """
    check_language(language)
    import xlsxwriter

    target = Path(path)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
               "nan_inf_to_errors": False, "in_memory": True}  # fmt: skip
    tables = {"findings": _findings(diagnosis, language)} | _evidence(diagnosis)
    tables |= dict(diagnosis.tables) | {"not_examined": _missed(diagnosis)}
    tables = {name: flat(table) for name, table in tables.items()}
    try:
        with xlsxwriter.Workbook(str(target), options) as file:
            # a fixed date of creation, so that the same tables give the same file
            file.set_properties({"title": "salesdiag", "created": datetime(2000, 1, 1)})
            _fill(Book(file, language), diagnosis, tables)
    except xlsxwriter.exceptions.FileCreateError as error:
        reason = getattr(error.args[0], "strerror", None) or error
        raise InputError(f"cannot write {target}: {reason}.") from None
    return target


def _fill(book: Book, diagnosis: Diagnosis, tables: dict[str, pd.DataFrame]) -> None:
    """Write the contents, a sheet for each table, and the definitions."""
    sheets = sheet_names(tables, (_FIRST, _LAST))
    _contents(book, diagnosis, tables, sheets)
    for name, table in tables.items():
        formats = _units(diagnosis) if name == "findings" else None
        write_table(book, sheets[name], table, home=name, formats=formats)
    meant = definitions(tables, language=book.language, currency=diagnosis.currency)
    write_table(book, _LAST, meant, home=_LAST)


def _findings(diagnosis: Diagnosis, language: str) -> pd.DataFrame:
    """Give the findings, a row each; the sentences in the reader's language."""
    import pandas as pd

    names, speech = names_of(diagnosis), Speech(language, diagnosis.currency)
    rows = [
        (rank, one.cause, one.scope.level, one.scope.id, one.scope.stage, one.control, one.grade,
         one.measured, one.expected, one.n, one.q_value, one.money, one.money_low, one.money_high,
         one.money_basis, speech.reading(one, names), speech.caveat(one),
         speech.next_step(one, names),
         "; ".join(f"{_named(rival.cause, language)}: {retell(rival.outcome, language)}"
                   for rival in one.rivals))
        for rank, one in enumerate(diagnosis.findings, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=_FINDING, dtype=object)


def _named(cause: str, language: str) -> str:
    return cause if language == "en" else cause_name(cause, language)


def _units(diagnosis: Diagnosis) -> dict[int, str]:
    """Give the format of each finding's figures: a share, money, hours or days."""
    units = [CATALOGUE[one.cause].unit if one.cause in CATALOGUE else ""
             for one in diagnosis.findings]  # fmt: skip
    return {row: _UNITS[unit] for row, unit in enumerate(units) if unit in _UNITS}


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
    book: Book, diagnosis: Diagnosis, tables: dict[str, pd.DataFrame], sheets: dict[str, str]
) -> None:
    """Write what the audit is of, and a link to each sheet."""
    language = book.language
    sheet = book.book.add_worksheet(_FIRST)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 70)
    facts = [
        (text("Sales department", language), diagnosis.name or labels.MISSING),
        (text("Window", language), f"{diagnosis.start} – {diagnosis.end}"),
        (
            text("as of", language),
            f"{diagnosis.as_of} ({retell(diagnosis.as_of_source, language)})",
        ),
        (labels.label("currency", language), diagnosis.currency or labels.MISSING),
        (text("Confidence of the intervals", language), f"{100 * diagnosis.confidence:g} %"),
    ]
    for row, (name, value) in enumerate(facts):
        sheet.write_string(row, 0, name, book.format(bold=True))
        sheet.write_string(row, 1, safe_text(value))
    top = len(facts) + 1
    heads = [text(name, language, context="template") for name in ("Sheet", "What it holds")]
    heads.append(labels.label("n_rows", language))
    for column, head in enumerate(heads):
        sheet.write_string(top, column, head, book.format(bold=True, bottom=1))
    listed = [(name, sheets[name], _title(diagnosis, name, language), len(table))
              for name, table in tables.items()]  # fmt: skip
    link = book.format(font_color="#0563c1", underline=1)
    for row, (name, place, title, n_rows) in enumerate(listed, start=top + 1):
        _link(sheet, row, place, safe_text(name), link)
        sheet.write_string(row, 1, safe_text(title))
        sheet.write_number(row, 2, n_rows, book.format(num_format="#,##0"))
    row = top + 1 + len(listed)
    _link(sheet, row, _LAST, _LAST, link)
    sheet.write_string(row, 1, text("Definitions", language))
    sheet.freeze_panes(top + 1, 0)


def _link(sheet: object, row: int, place: str, name: str, style: object) -> None:
    """Link to another sheet of the workbook."""
    inside = place.replace("'", "''")
    sheet.write_url(row, 0, f"internal:'{inside}'!A1", style, string=name[:255])  # type: ignore[attr-defined]


def _title(diagnosis: Diagnosis, name: str, language: str) -> str:
    """Say what a table holds; that of a finding bears the name of its cause."""
    own = {sheet_of(rank, one): (rank, one) for rank, one in enumerate(diagnosis.findings, start=1)}
    if name in own:
        rank, one = own[name]
        head = text("Evidence", language)
        return f"{head}: {text('Finding', language)} {rank}, {labels.title(one.cause, language)}"
    return text("Findings", language) if name == "findings" else labels.title(name, language)
