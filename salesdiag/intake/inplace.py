"""Parquet files that need no mending are left where they are and read by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from salesdiag.engine import literal_path
from salesdiag.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from salesdiag.schema import Column, Table

# what is stripped from text elsewhere: all that Unicode calls a space
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# tables whose repeated keys would multiply others; of the long ones `check` counts repeats
_UNIQUE = ("deals", "leads", "reps", "accounts")


def rows_in_place(path: Path, spec: Table, currency: str = "") -> int | None:
    """Count the rows of a Parquet file that can be used as it stands; None if it cannot.

    It can when its columns have the canonical types, no row would be set aside, and all
    amounts of deals are in the department's currency.
    """
    import duckdb
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        message = f"{path.name} cannot be read as Parquet ({str(error).splitlines()[0]})."
        raise InputError(message) from None
    if not set(spec.required) <= set(schema.names):
        return None
    columns = [column for column in spec.columns if column.name in schema.names]
    if not all(_fits(column, schema.field(column.name).type) for column in columns):
        return None
    with duckdb.connect() as engine:
        kinds = {column.name: schema.field(column.name).type for column in columns}
        bad = " + ".join(_rows_to_mend(column, kinds[column.name]) for column in columns) or "0"
        if spec.name == "deals" and "currency" in kinds:
            code = currency.replace("'", "''")
            bad += f" + count(*) FILTER (WHERE upper(currency) <> '{code}')"
        key = ", ".join(f'"{name}"' for name in spec.key)
        repeats = f"count(*) - count(DISTINCT {key})" if spec.name in _UNIQUE else "0"
        query = f"SELECT count(*), {bad}, {repeats} FROM read_parquet(?)"
        try:
            found = engine.execute(query, [literal_path(path)]).fetchone()
        except duckdb.Error as error:
            message = f"{path.name} cannot be read as Parquet ({str(error).splitlines()[0]})."
            raise InputError(message) from None
    n_rows, n_bad, n_repeats = found if found else (0, 0, 0)
    return int(n_rows) if not n_bad and not n_repeats else None


def _fits(column: Column, kind: pa.DataType) -> bool:
    if column.type == "text":
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    if column.type in ("time", "date"):
        moment = pa.types.is_timestamp(kind) and kind.tz is None
        return bool(moment or pa.types.is_date(kind))
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(number)


def _rows_to_mend(column: Column, kind: pa.DataType) -> str:
    name = f'"{column.name}"'
    tests = []
    if column.required:
        tests.append(f"{name} IS NULL")
    if column.type == "text":
        wide = f"trim({name}, '{_BLANKS}') <> {name} OR nfc_normalize({name}) <> {name}"
        tests.append(
            f"CASE WHEN strlen({name}) <> length({name}) THEN {wide} "  # not all is ASCII
            f"ELSE {name} < '!' OR right({name}, 1) < '!' END"
        )
    if column.allowed:
        listed = ", ".join(f"'{value}'" for value in column.allowed)
        tests.append(f"{name} NOT IN ({listed})")
    if column.type == "money":
        tests.append(f"abs({name}) >= 1e14")
    if column.high == 1:  # a percent
        tests.append(f"{name} > 1")
    if pa.types.is_floating(kind):
        tests.append(f"NOT isfinite({name})")
    return f"count(*) FILTER (WHERE {' OR '.join(tests)})" if tests else "0"
