"""Text with separators: which one, where the table begins and ends, and every cell as text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from salesdiag.errors import InputError
from salesdiag.intake.cells import table_of_cells
from salesdiag.intake.decode import decode
from salesdiag.intake.raw import Fact, RawColumn, RawTable
from salesdiag.intake.rows import (
    EXCEL_ERRORS,
    FOOTER,
    HEADER_DEPTH,
    Header,
    count_hits,
    find_header,
    why_set_aside,
)
from salesdiag.intake.uneven import (
    Layout,
    mend_uneven,
    records,
    refuse_cut_row,
    refuse_swallowed_rows,
    set_wide_aside,
)

if TYPE_CHECKING:
    from collections.abc import Collection

SEPARATORS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEAD = 64 * 1024
_BLANK_LINES = ("\n\n", "\n\r\n", "\r\r")
# a line put behind the text; a parser that does not meet it again is still inside a quote
_END = "\x1e\x1fend of file\x1f\x1e"


def read_delimited(
    name: str,
    data: bytes,
    *,
    wanted: Collection[str] = (),
    encoding: str | None = None,
    delimiter: str | None = None,
    header_row: int | None = None,
) -> RawTable:
    """Read CSV and its relatives into columns of text.

    Raises
    ------
    InputError
        If the bytes are no text, hold no table, or were cut off.
    """
    text, found, evidence = decode(name, data, encoding)
    text = text.replace("\0", "")
    if "\n" not in text and "\r" in text:  # line ends of old Macintosh programs
        text = text.replace("\r", "\n")
    mark = _one_separator(name, text, delimiter, wanted)
    head = _parse(text[:_HEAD], mark, whole=len(text) <= _HEAD)
    head = head[: max(HEADER_DEPTH, header_row or 0)]
    header = find_header(head, wanted, name, header_row)
    facts = [
        Fact("encoding", found, None, evidence),
        Fact("delimiter", _NAMES.get(mark, mark), None, "given" if delimiter else "most regular"),
    ]
    if header.at:
        facts.append(Fact("header", f"row {header.at + 1}", header.at, "title rows above"))
    body = _skip_records(text, mark, header.at + 1)
    raw = _read_body(name, body, mark, header)
    raw.facts = facts + raw.facts
    raw.first_row = header.at + 2
    raw.moved = raw.moved or _has_blank_lines(body.rstrip("\r\n"))  # these are not read
    raw.number_rows()
    return raw


def _has_blank_lines(body: str) -> bool:
    return body.startswith(("\r", "\n")) or any(ends in body for ends in _BLANK_LINES)


def _one_separator(name: str, text: str, given: str | None, wanted: Collection[str]) -> str:
    """Take the separator that cuts out most headings, then the most regular one."""
    if given:
        if len(given) != 1 or given in '\r\n" ' or not given.isascii():
            message = f"{name}: delimiter must be one plain character, such as ';'; got {given!r}."
            raise InputError(message)
        return given
    head = text[:_HEAD]
    scores = {}
    for mark in SEPARATORS:
        rows = _parse(head, mark, whole=len(text) <= _HEAD)
        widths = Counter(len(row) for row in rows if row)
        many = {width: n for width, n in widths.items() if width > 1}
        # how many rows share one width, and among equals the separator that cuts more
        width, n = max(many.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))
        hits = max((count_hits(row, wanted) for row in rows[:HEADER_DEPTH]), default=0)
        scores[mark] = (hits if hits >= 3 else 0, n, width)  # one or two may look known by chance
    best = max(SEPARATORS, key=lambda mark: scores[mark])
    return best if scores[best][1] else ","


def _parse(text: str, mark: str, *, whole: bool) -> list[list[str]]:
    """Parse a beginning of the text; a last record that may be cut is left out."""
    rows = list(records(text, mark))
    return rows if whole or len(rows) < 2 else rows[:-1]


def _skip_records(text: str, mark: str, n: int) -> str:
    """Cut off the first ``n`` records, which may span several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    for _skipped in range(n):
        next(reader, None)
    lines = io.StringIO(text, newline="")
    for _line in range(reader.line_num):
        lines.readline()
    return text[lines.tell() :]


def _read_body(name: str, body: str, mark: str, header: Header) -> RawTable:
    names, made_up = _fit_to_rows(body, mark, header)
    if len(names) == 1:
        return _read_single(name, body, mark, header)
    table, skipped = _read_regular(name, body, mark, names)
    if not skipped or skipped.pop().strip("\r\n") != _END:
        _refuse_open_quote(name, body, mark, header.at + 1)
    raw = RawTable(name, {}, 0)
    last = skipped[-1] if skipped and not body.endswith(("\n", "\r")) else None
    if last:
        row = header.at + 1 + table.num_rows + len(skipped)
        refuse_cut_row(name, last, row, mark, len(names))
    layout = Layout(name, body, mark, header.at + 1, names, made_up)
    refuse_swallowed_rows(layout, table, skipped)
    mended = mend_uneven(raw, skipped, layout)
    if mended:
        raw.moved = True
        columns = [pa.array(cells, pa.string()) for cells in zip(*mended, strict=True)]
        table = pa.concat_tables([table, pa.table(dict(zip(names, columns, strict=True)))])
    table = set_wide_aside(raw, table, layout, len(header.names))
    table = _drop_footers(raw, table, names)
    for one in names:
        cells = table.column(one).combine_chunks()
        if one not in made_up or cells.null_count < len(cells):
            raw.columns[one] = RawColumn(cells)
    raw.n_rows = table.num_rows
    return raw


def _read_regular(name: str, body: str, mark: str, names: list[str]) -> tuple[pa.Table, list[str]]:
    """Read the rows that have a cell for each heading; hand the others on as they stand."""
    skipped: list[str] = []

    def keep_aside(row: pacsv.InvalidRow) -> str:
        skipped.append(row.text)
        return "skip"

    try:
        table = pacsv.read_csv(
            io.BytesIO(f"{body.rstrip(chr(13) + chr(10))}\n{_END}\n".encode()),
            read_options=pacsv.ReadOptions(
                column_names=names, use_threads=False, block_size=_block_size(body)
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=mark, newlines_in_values=True, invalid_row_handler=keep_aside
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True, quoted_strings_can_be_null=True, null_values=[""],
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        message = f"{name} cannot be split into rows ({str(error).splitlines()[0]})."
        raise InputError(message) from None
    return table, skipped


def _read_single(name: str, body: str, mark: str, header: Header) -> RawTable:
    """Read a table of one column, in which no separator tells a row from the end of the file."""
    rows = [row for row in records(f"{body.rstrip()}\n{_END}\n", mark) if row]
    if rows[-1] != [_END]:
        _refuse_open_quote(name, body, mark, header.at + 1)
    return table_of_cells([header.names[:1], *rows[:-1]], file=name, header_row=1)


def _block_size(body: str) -> int:
    """Take small text in one block: a record may not be longer than a block."""
    return max(1 << 20, min(4 * len(body) + 4096, 1 << 28))


def _fit_to_rows(body: str, mark: str, header: Header) -> tuple[list[str], frozenset[str]]:
    """Fit the headings to rows that all end with one separator too many, or lack it."""
    widths = Counter(
        len(row) for row in _parse(body[:_HEAD], mark, whole=len(body) <= _HEAD) if row
    )
    usual = widths.most_common(1)[0][0] if widths else len(header.names)
    more = [f"column {n}" for n in range(len(header.names) + 1, usual + 1)]
    names = [*header.names, *more]
    made_up = header.made_up.union(more)
    while len(names) > max(usual, 1) and names[-1] in made_up:
        names.pop()
    return names, made_up


def _refuse_open_quote(name: str, body: str, mark: str, above: int) -> None:
    """Refuse text whose last record swallows all the rest, and say where that begins."""
    row = above + sum(1 for _record in records(body, mark))
    message = (
        f"{name}: a quotation mark that opens in row {row} is never closed, so the file was cut "
        "off or badly written. Export it again."
    )
    raise InputError(message)


def _drop_footers(raw: RawTable, table: pa.Table, names: list[str]) -> pa.Table:
    """Set blank rows, totals and footers aside."""
    if not table.num_rows:
        return table
    first = pc.coalesce(*[table.column(name) for name in names])
    blank = pc.is_null(first)
    if n_blank := int(pc.sum(blank).as_py() or 0):
        raw.set_aside["blank row"] = raw.set_aside.get("blank row", 0) + n_blank
    suspect = pc.or_(
        pc.match_substring_regex(first, FOOTER),
        pc.is_in(pc.utf8_trim_whitespace(first), pa.array(sorted(EXCEL_ERRORS))),
    )
    where = pc.indices_nonzero(pc.fill_null(suspect, False))  # noqa: FBT003
    keep = pc.invert(blank).to_numpy(zero_copy_only=False).copy()
    rows = zip(*(table.column(name).take(where).to_pylist() for name in names), strict=True)
    for index, cells in zip(where.to_pylist(), rows, strict=True):
        reason = why_set_aside(cells, len(names))
        if reason:
            raw.set_aside[reason] = raw.set_aside.get(reason, 0) + 1
            keep[index] = False
    return table if keep.all() else table.filter(pa.array(keep))
