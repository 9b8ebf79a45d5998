"""Open a file by what its bytes say it is, and hand it on as raw columns."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.errors import InputError
from salesdiag.intake.delimited import read_delimited
from salesdiag.intake.raw import Fact, RawColumn, RawTable
from salesdiag.intake.sniff import kind_of, read_bytes

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from salesdiag.intake.mapping import Source


def read_source(
    folder: Path, source: Source, wanted: Collection[str] = (), *, zone: str = "UTC"
) -> RawTable:
    """Read the file of a source, whatever kind it is."""
    path = folder / source.file
    if _is_folder(path):
        message = f"{source.file} is a folder; 'file' must name a file."
        raise InputError(message)
    data = read_bytes(path)
    kind = kind_of(source.file, data)
    if kind == "parquet":
        return read_parquet(source.file, data, zone)
    if kind == "workbook":
        from salesdiag.intake.workbook import read_sheet

        return read_sheet(
            source.file, data, sheet=source.sheet, table=source.name, wanted=wanted,
            header_row=source.header_row,
        )  # fmt: skip
    if kind == "html":
        from salesdiag.intake.html import read_html

        return read_html(
            source.file, data, wanted=wanted, encoding=source.encoding,
            header_row=source.header_row,
        )  # fmt: skip
    return read_delimited(
        source.file, data, wanted=wanted, encoding=source.encoding,
        delimiter=source.delimiter, header_row=source.header_row,
    )  # fmt: skip


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # what is wrong with the path is said where it is read


def read_parquet(name: str, data: bytes, zone: str) -> RawTable:
    """Read a Parquet file into raw columns, keeping its types."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        message = f"{name} cannot be read as Parquet ({reason}): copy or export it again."
        raise InputError(message) from None
    return table_of_arrow(name, table, zone)


def table_of_arrow(name: str, table: pa.Table, zone: str) -> RawTable:
    """Turn typed Arrow columns into raw ones."""
    raw = RawTable(name, {}, table.num_rows, first_row=1)
    for index, field in enumerate(table.schema):
        values = table.column(index)
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            values = _as_text(values)
        if values is None or pa.types.is_nested(field.type):
            fact = Fact("column not used", field.name, None, f"no table can hold {field.type}")
            raw.facts.append(fact)
        else:
            raw.columns[field.name] = _raw_column(values, zone)
    raw.number_rows()
    return raw


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Read bytes as text, as some writers of Parquet mean them."""
    try:
        return pc.cast(values, pa.string())
    except pa.ArrowInvalid:
        return None


def _raw_column(values: pa.ChunkedArray, zone: str) -> RawColumn:
    kind = values.type
    array = values.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], kind)
    nothing = pa.nulls(len(array), pa.string())
    if pa.types.is_dictionary(kind) or pa.types.is_null(kind):
        return RawColumn(pc.cast(array, pa.string()))
    if pa.types.is_timestamp(kind) and kind.tz:
        moment = pc.local_timestamp(pc.cast(array, pa.timestamp("us", zone), safe=False))
        return RawColumn(nothing, moment=moment)
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind) and not pa.types.is_duration(kind):
        return RawColumn(nothing, moment=pc.cast(array, pa.timestamp("us"), safe=False))
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        # whole numbers stay text, so that ids of 19 digits survive; they are cast back exactly
        return RawColumn(pc.cast(array, pa.string()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        number = pc.cast(array, pa.float64())
        return RawColumn(nothing, number=pc.if_else(pc.is_finite(number), number, None))
    return RawColumn(pc.cast(array, pa.string()))
