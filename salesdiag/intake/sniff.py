"""What a file is, told from its bytes: an extension may say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from salesdiag.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["text", "workbook", "html", "parquet"]

_ENCRYPTED = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e".encode("latin-1")
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"SQLite format 3\0": "an SQLite database: give its URL, sqlite:///path",
}


def read_bytes(path: Path) -> bytes:
    """Read a file whole, or say why it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        message = f"there is no file {path}."
        raise InputError(message) from None
    except OSError as error:
        message = (
            f"{str(path)[:300]} cannot be read: {error.strerror or error}. "
            "Check the path and your rights."
        )
        raise InputError(message) from None
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        message = f"{path.name} is empty ({len(data)} bytes): export it again."
        raise InputError(message)
    return data


def kind_of(name: str, data: bytes) -> Kind:
    """Tell what the bytes are: text, a workbook, an HTML table or Parquet.

    Raises
    ------
    InputError
        If they are something else, cut off, or locked by a password.
    """
    if data.startswith(b"PAR1"):
        if not data.endswith(b"PAR1"):
            message = f"{name} is a Parquet file that was cut off: copy or export it again."
            raise InputError(message)
        return "parquet"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        if b"xl/" not in data and b"opendocument.spreadsheet" not in data[:200]:
            message = f"{name} is an archive without a workbook in it: unpack it, or save as XLSX."
            raise InputError(message)
        return "workbook"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if _ENCRYPTED in data:
            message = f"{name} is locked by a password: save a copy without one."
            raise InputError(message)
        return "workbook"
    for start, what in _FOREIGN.items():
        if data.startswith(start):
            message = f"{name} is {what}; allowed are CSV, XLSX, XLS, HTML tables and Parquet."
            raise InputError(message)
    if b"urn:schemas-microsoft-com:office:spreadsheet" in data[:4096]:
        message = f"{name} is a spreadsheet in XML of 2003: open it and save it as XLSX."
        raise InputError(message)
    return "html" if _looks_like_markup(data) else "text"


def _looks_like_markup(data: bytes) -> bool:
    head = data[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return head.startswith(b"<") and any(
        tag in head or tag in data.replace(b"\0", b"").lower()
        for tag in (b"<table", b"<html", b"<?xml", b"<!doctype")
    )
