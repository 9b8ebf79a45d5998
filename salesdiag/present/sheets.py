"""Sheets of a workbook: names that it takes, typed cells with formats, widths that fit.

Nothing that stands in a table can become a formula, a link, a number or another sheet.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from salesdiag.present import labels
from salesdiag.present.locale.retold import retell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

N_HEADS = 2  # rows above the data: what a reader calls a column, and its name in Python
MAX_ROWS = 1_048_576 - N_HEADS
_MAX_COLUMNS = 16_384
_MAX_CELL = 32_767  # what a cell can hold
_MAX_NAME = 31
_MOST_EXACT = 2**53  # beyond, a workbook rounds whole numbers
_WIDEST, _NARROWEST, _MEASURED_ROWS = 60, 8, 500
_DATE, _TIME = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_WHOLE = 1e6  # from here on nine digits would cut cents
_DAYS_KNOWN = range(1900, 10_000)  # years that a workbook can write
# not allowed in the files that a workbook is made of
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_NAME = re.compile(r"[\[\]:*?/\\\t\n\r]")
_RESERVED = ("history",)  # a workbook keeps it for itself
# columns of whole sentences that the package makes itself
_SENTENCES = frozenset(
    ["rule", "effect", "reason", "evidence", "question", "ask_for", "outcome", "detail"]
)
_GREY = "#5c646b"
_ENDS = ("_low", "_high")


class _Column(NamedTuple):
    """One column as it is written."""

    name: str
    label: str
    values: list[Any]
    number_format: str
    is_end: bool  # of an interval


class Book:
    """A workbook being written, and the formats of its cells, each made once."""

    def __init__(self, book: Any, language: str) -> None:  # noqa: ANN401
        self.book = book
        self.language = language
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: object) -> Any:  # noqa: ANN401
        """Give a format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(properties)
        return self._formats[key]

    def heads(self) -> tuple[Any, Any]:
        """Give the formats of the two rows of headings."""
        top = self.format(bold=True, text_wrap=True, valign="top")
        return top, self.format(font_color=_GREY, font_size=8, bottom=1)


def sheet_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Give each table a name that a workbook takes: 31 letters, and each different.

    >>> sheet_names(["win_rate: A/B", "WIN_RATE- a-b", "history"])
    {'win_rate: A/B': 'win_rate- A-B', 'WIN_RATE- a-b': 'WIN_RATE- a-b~2', 'history': 'history~2'}
    """
    used = {name.casefold() for name in (*_RESERVED, *taken)}
    found = {}
    for name in names:
        plain = _NO_NAME.sub("-", safe_text(name)).strip().strip("'").strip() or "table"
        short, number = cut(plain, _MAX_NAME).rstrip("' "), 1
        while short.casefold() in used:
            number += 1
            mark = f"~{number}"
            short = cut(plain, _MAX_NAME - len(mark)).rstrip("' ") + mark
        used.add(short.casefold())
        found[name] = short
    return found


def cut(text: str, most: int) -> str:
    """Cut a text to so many letters, counted as a workbook does: an emoji for two."""
    if 2 * len(text) <= most:
        return text
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


def safe_text(value: object) -> str:
    """Leave out what a cell cannot hold, and cut what is too long."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    text = _ILLEGAL.sub("", text)
    short = cut(text, _MAX_CELL)
    return text if short == text else cut(text, _MAX_CELL - 1) + "…"


def write_table(
    book: Book,
    name: str,
    table: pd.DataFrame,
    *,
    home: str,
    formats: Mapping[int, str] | None = None,
) -> None:
    """Write a table on a sheet of its own.

    Parameters
    ----------
    book : Book
    name : str
        Of the sheet, from `sheet_names`.
    table : DataFrame
        As `flat` gives it.
    home : str
        The analysis, for columns that mean something else there.
    formats : mapping of int to str, optional
        Number formats of rows whose figures have a unit of their own.
    """
    columns = _columns(table, home, book.language)
    sheet = book.book.add_worksheet(name)
    label_style, name_style = book.heads()
    for place, column in enumerate(columns):
        sheet.write_string(0, place, safe_text(column.label), label_style)
        sheet.write_string(1, place, safe_text(column.name), name_style)
        texts = [_said(column.name, value, book.language) for value in column.values]
        width = _width(column, texts)
        sheet.set_column(place, place, width)
        look: dict[str, Any] = {"font_color": _GREY} if column.is_end else {}
        if max(map(len, texts), default=0) > _WIDEST:
            look |= {"text_wrap": True, "valign": "top"}
        for row, (value, text) in enumerate(zip(column.values, texts, strict=True)):
            own = column.number_format
            if formats and own == "General":
                own = formats.get(row, own)
            _write(book, sheet, (row + N_HEADS, place), value, text, own, look)
    _finish(sheet, columns, len(table))


def _finish(sheet: Any, columns: list[_Column], n_rows: int) -> None:  # noqa: ANN401
    """Freeze the headings, offer filters, and make it fit on paper."""
    is_key = bool(columns) and _width(columns[0], map(str, columns[0].values)) <= _WIDEST / 2
    sheet.freeze_panes(N_HEADS, int(is_key))
    if columns and n_rows:
        last = N_HEADS - 1 + min(n_rows, MAX_ROWS)
        sheet.autofilter(N_HEADS - 1, 0, last, len(columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # ids stay text
    sheet.repeat_rows(0, N_HEADS - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table with all it holds in columns of one name each, and nothing in its index."""
    named = {str(one) for one in table.index.names if one is not None}
    is_text = table.index.dtype.kind not in "iuf"
    if (named or is_text) and not named & {_name(one) for one in table.columns}:
        table = table.reset_index()
    return table.set_axis([_name(one) for one in table.columns], axis="columns")


def _name(column: Any) -> str:  # noqa: ANN401
    """Write the name of a column, of several levels as one."""
    return " / ".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _columns(table: pd.DataFrame, home: str, language: str) -> list[_Column]:
    """Give the columns in their order, the ends of an interval behind its estimate."""
    names = list(table.columns)
    found = []
    for place in _ordered(names)[:_MAX_COLUMNS]:
        name = names[place]
        bare = next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")
        label = labels.label(name, language, table=home)
        values = table.iloc[:, place].head(MAX_ROWS).tolist()
        found.append(_Column(name, label, values, labels.number_format(name), bare in names))
    return found


def _ordered(names: list[str]) -> list[int]:
    """Put the ends of each interval behind its estimate; else keep the order."""
    ends: dict[str, list[int]] = {}
    for end in _ENDS:
        for place, name in enumerate(names):
            if name.endswith(end) and name.removesuffix(end) in names:
                ends.setdefault(name.removesuffix(end), []).append(place)
    moved = {place for places in ends.values() for place in places}
    order: list[int] = []
    for place, name in enumerate(names):
        if place not in moved:
            order += [place, *ends.pop(name, [])]
    return order


def _said(column: str, value: object, language: str) -> str:
    """Write a text as it is read: codes stay English in English; other values have no text."""
    if not isinstance(value, str):
        return ""
    if language == "en":
        return value
    said = labels.said(column, value, language)
    return retell(value, language) if said == value and column in _SENTENCES else said


def _width(column: _Column, texts: Iterable[str]) -> float:
    """Tell how wide a column must be for its headings and for most of its cells."""
    longest = max(map(len, column.label.split()), default=0)
    shown = [len(text) for text, _row in zip(texts, range(_MEASURED_ROWS), strict=False)]
    if not any(shown) and column.number_format:
        shown = [len(column.number_format) + 2]
    content = max(shown, default=0)
    return float(
        min(max(longest + 2, 0.8 * len(column.name) + 1, content + 1, _NARROWEST), _WIDEST)
    )


def _settled(size: float) -> float:
    """Drop the digits that hang on the order in which an engine adds."""
    return float(f"{size:.9g}") if abs(size) < _WHOLE else size


def _write(
    book: Book,
    sheet: Any,  # noqa: ANN401
    place: tuple[int, int],
    value: Any,  # noqa: ANN401
    text: str,
    number_format: str,
    look: dict[str, Any],
) -> None:
    """Write one value by its type; what is missing stays an empty cell."""
    if _is_missing(value):
        return
    if isinstance(value, bool):
        sheet.write_boolean(*place, value, book.format(**look))
    elif isinstance(value, int | float | Decimal | np.number):
        size = float(value)
        if not math.isfinite(size):
            sign = "∞" if size > 0 else "−∞"
            sheet.write_string(*place, sign, book.format(align="right", **look))
        elif not isinstance(value, float) and abs(size) > _MOST_EXACT:
            sheet.write_string(*place, str(value), book.format(**look))
        else:
            shown = _figures(size) if number_format in ("General", "") else number_format
            sheet.write_number(*place, _settled(size), book.format(**look, num_format=shown))
    elif isinstance(value, date) and value.year in _DAYS_KNOWN:
        moment = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            moment = value.replace(tzinfo=None)
        days = number_format if number_format in (_DATE, _TIME) else ""
        is_day = moment.hour == moment.minute == moment.second == 0
        style = look | {"num_format": days or (_DATE if is_day else _TIME), "align": "left"}
        sheet.write_datetime(*place, moment, book.format(**style))
    else:
        sheet.write_string(*place, safe_text(text or value), book.format(**look))


def _figures(value: float) -> str:
    """Give a format of three figures for a number whose unit is not known; whole ones stay."""
    if value == int(value):
        return "General"
    size = abs(value)
    return "#,##0" if size >= 100 else "0.0" if size >= 10 else "0.00" if size >= 1 else "0.000"


def _is_missing(value: object) -> bool:
    """Tell what is no value: None, NaN, NaT, NA, and empty text."""
    if value is None or (isinstance(value, str) and not value):
        return True
    if isinstance(value, float | Decimal):
        return math.isnan(value)
    return type(value).__name__ in ("NaTType", "NAType")
