"""HTML tables, which several CRMs export under the name of a workbook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from salesdiag.errors import InputError
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.decode import decode
from salesdiag.intake.raw import Fact

if TYPE_CHECKING:
    from collections.abc import Collection

    from salesdiag.intake.raw import RawTable

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)
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

    marked = _CHARSET.search(data[:4096])
    declared = encoding or (marked.group(1).decode() if marked else None)
    text, found, evidence = decode(name, data, declared)
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
    why = "stated by the page" if marked and not encoding else evidence
    raw.facts[:0] = [Fact("encoding", found, None, why), Fact("format", "HTML table")]
    return raw


def _grid(table: Any) -> list[list[object]]:  # noqa: ANN401
    """Lay the cells of a table out in rows, with spans filled."""
    rows: list[list[object]] = []
    below: dict[int, tuple[int, str]] = {}  # column: rows still covered from above, and by what
    for line in table.iter("tr"):
        row: list[object] = []
        for cell in line.iterchildren("td", "th"):
            _take_from_above(row, below)
            text = " ".join(cell.text_content().replace("\xa0", " ").split())
            for _copy in range(_span(cell, "colspan")):
                if _span(cell, "rowspan") > 1:
                    below[len(row)] = (_span(cell, "rowspan") - 1, text)
                row.append(text)
        _take_from_above(row, below)
        rows.append(row)
    return rows


def _take_from_above(row: list[object], below: dict[int, tuple[int, str]]) -> None:
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: Any, name: str) -> int:  # noqa: ANN401
    given = str(cell.get(name, "1"))
    return min(max(int(given), 1), _MAX_SPAN) if given.isdigit() else 1
