"""How large a workbook is, told before a reader takes memory for it."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from salesdiag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CELLS = 100_000_000
MOST_BYTES = 2 * 10**9
_MOST_COLUMNS = 16_384
_CHUNK = 8 * 1024 * 1024
_OVERLAP = 4096
_ERROR = re.compile(rb"<(?:\w+:)?c\b(?=[^>]*\bt=\"e\")[^>]*?\br=\"([A-Z]{1,3})(\d{1,7})\"")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=\"(\d{1,7})\"")


def refuse_huge(name: str, data: bytes) -> None:
    """Refuse a workbook that unpacks to more than memory is likely to hold.

    Raises
    ------
    InputError
        If it does, or if a sheet spans too many cells, as one stray cell in a corner makes it.
    """
    if not data.startswith(b"PK"):
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError):
        return  # what is wrong with it is said by the reader of workbooks
    with archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > MOST_BYTES:
            message = (
                f"{name} unpacks to {size / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.0f} GB are "
                "read. Export the table as CSV."
            )
            raise InputError(message)
        for part in archive.namelist():
            if re.fullmatch(r"/?xl/worksheets/[^/]+\.xml", part):
                _refuse_wide(name, archive, part)


def refuse_area(name: str, sheet: str, n_rows: int, n_columns: int) -> None:
    """Refuse a sheet that spans more cells than memory is likely to hold."""
    if n_rows * n_columns > MOST_CELLS:
        message = (
            f"{name}, sheet {sheet!r}, spans {n_rows:,} rows and {n_columns:,} columns: probably "
            "a stray cell far from the table. Delete the rows below and the columns beside the "
            "table, or export it as CSV."
        )
        raise InputError(message)


def _refuse_wide(name: str, archive: zipfile.ZipFile, part: str) -> None:
    last = max(
        (int(hit) for text in _chunks(archive, part) for hit in _ROW.findall(text)), default=0
    )
    if last * _MOST_COLUMNS <= MOST_CELLS:
        return
    columns = MOST_CELLS // last
    beyond = re.compile(rb'\br="(?:' + _beyond(_letters(columns)) + rb")\d")
    if any(beyond.search(text) for text in _chunks(archive, part)):
        message = (
            f"{name}, {part.rpartition('/')[2]}, spans {last:,} rows and more than {columns:,} "
            "columns: probably a stray cell far from the table. Delete the rows below and the "
            "columns beside the table, or export it as CSV."
        )
        raise InputError(message)


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Give a part in pieces that overlap, so that no cell falls between two."""
    try:
        with archive.open(part) as file:
            end = b""
            while piece := file.read(_CHUNK):
                yield end + piece
                end = piece[-_OVERLAP:]
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error):
        return  # the reader of workbooks says what is wrong


def error_cells(data: bytes, sheet: str) -> set[tuple[int, int]]:
    """Find the cells of a sheet that hold an error, counted from 0; its reader leaves them blank.

    Only workbooks in XLSX tell; an older one, or one that is built otherwise, gives none.
    """
    found: set[tuple[int, int]] = set()
    if not data.startswith(b"PK"):
        return found
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            part = _part_of(archive, sheet)
            for text in _chunks(archive, part) if part else ():
                if b't="e"' in text:
                    found |= {
                        (int(row) - 1, _number(letters) - 1)
                        for letters, row in _ERROR.findall(text)
                    }
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, RuntimeError, zlib.error):
        return set()  # the reader of workbooks says what is wrong
    return found


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Find the part of an XLSX file that holds a sheet."""
    import lxml.etree

    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        book, links = (
            lxml.etree.fromstring(archive.read(f"xl/{part}"), parser)
            for part in ("workbook.xml", "_rels/workbook.xml.rels")
        )
    except (KeyError, RuntimeError, lxml.etree.LxmlError):
        return None
    if book is None or links is None:
        return None
    ids = [
        value
        for one in book.iter("{*}sheet")
        if one.get("name") == sheet
        for key, value in one.items()
        if key.endswith("}id")
    ]
    targets = [one.get("Target", "") for one in links if one.get("Id") in ids]
    if not targets:
        return None
    target: str = targets[0]
    return target[1:] if target.startswith("/") else f"xl/{target}"


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _letters(number: int) -> str:
    """Give the letters of a column.

    >>> _letters(28)
    'AB'
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _beyond(column: str) -> bytes:
    """Give a pattern for the letters of all columns behind one."""
    parts = [f"[A-Z]{{{len(column) + 1},3}}"] if len(column) < 3 else []
    for index, letter in enumerate(column):
        if letter < "Z":
            rest = len(column) - index - 1
            parts.append(f"{column[:index]}[{chr(ord(letter) + 1)}-Z][A-Z]{{{rest}}}")
    return "|".join(parts).encode() or b"-"
