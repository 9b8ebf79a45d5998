"""HTML tables, which several CRMs export under the name of a workbook."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.decode import Decoded, decode
from salesdiag.intake.raw import Fact

if TYPE_CHECKING:
    from collections.abc import Collection

    from salesdiag.intake.raw import RawTable

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAX_SPAN = 1000


def read_html(
    name: str,
    data: bytes,
    *,
    wanted: Collection[str] = (),
    encoding: str | None = None,
    header_row: int | None = None,
) -> RawTable:
    """Read the largest table of an HTML page.

    Raises
    ------
    InputError
        If the page holds no table, or was cut off inside it.
    """
    import lxml.etree
    import lxml.html

    text, found, why = _text_of_page(name, data, encoding)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        page = lxml.html.document_fromstring(text)
    except (lxml.etree.ParserError, ValueError) as error:
        message = f"{name} is neither a workbook nor a readable HTML page ({error})."
        raise InputError(message) from None
    tables = page.xpath("//table[not(.//table)]")
    if not tables:
        message = (
            f"{name} is a page of markup without a table in it: open it in a spreadsheet program "
            "and save it as XLSX."
        )
        raise InputError(message)
    if len(re.findall(r"<table\b", text, re.IGNORECASE)) > len(
        re.findall(r"</table\s*>", text, re.IGNORECASE)
    ):
        message = f"{name} ends inside its table: the file was cut off; export it again."
        raise InputError(message)
    rows = max((_grid(table) for table in tables), key=len)
    raw = table_of_cells(rows, file=name, wanted=wanted, header_row=header_row)
    raw.facts[:0] = [Fact("encoding", found, None, why), Fact("format", "HTML table")]
    return raw


def _text_of_page(name: str, data: bytes, encoding: str | None) -> Decoded:
    """Decode as the page says it is written, unless its bytes say otherwise."""
    marked = _CHARSET.search(data[:4096])
    if marked and not encoding and not data.startswith(_MARKS):
        stated = marked.group(1).decode()
        try:
            return decode(name, data, stated)._replace(evidence="stated by the page")
        except InputError:  # a page saved anew by another program may state what it no longer is
            return decode(name, data)
    return decode(name, data, encoding)


def _grid(table: Any) -> list[list[object]]:  # noqa: ANN401
    """Lay the cells of a table out in rows, with spans filled."""
    rows: list[list[object]] = []
    below: dict[int, tuple[int, str]] = {}  # column: rows still covered from above, and by what
    for line in table.iter("tr"):
        row: list[object] = []
        for cell in line.iterchildren("td", "th"):
            _take_from_above(row, below)
            text = _text_of_cell(cell)
            for copy in range(_span(cell, "colspan")):
                # a value over several rows belongs to each; one over several columns is a title
                shown = "" if copy else text
                if _span(cell, "rowspan") > 1:
                    below[len(row)] = (_span(cell, "rowspan") - 1, shown)
                row.append(shown)
        _take_from_above(row, below)
        rows.append(row)
    return rows


def _text_of_cell(cell: Any) -> str:  # noqa: ANN401
    for line_break in cell.iter("br"):
        line_break.tail = f"\n{line_break.tail or ''}"
    return " ".join(cell.text_content().split())


def _take_from_above(row: list[object], below: dict[int, tuple[int, str]]) -> None:
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: Any, name: str) -> int:  # noqa: ANN401
    given = str(cell.get(name, "1"))
    return min(max(int(given), 1), _MAX_SPAN) if given.isdecimal() else 1
