"""Bring a table of any kind onto an engine, in the types that the schema asks for."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis.util import gen_name

from salesdiag.errors import InputError, MissingDataError
from salesdiag.schema import IBIS_TYPES, TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def _local_time(zone: str, moment: ibis.dtype("timestamp('UTC')")) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """Give the wall clock of a zone; DuckDB and PostgreSQL know it by this name."""


def connect() -> ibis.BaseBackend:
    """Open an embedded DuckDB in memory."""
    return ibis.duckdb.connect()


def connection_of(tables: Mapping[str, object]) -> ibis.BaseBackend:
    """Use the engine on which the tables already are, else a new one."""
    backends: list[ibis.BaseBackend] = []
    for table in tables.values():
        if isinstance(table, ibis.Table):
            found = table._find_backends()[0]  # noqa: SLF001
            backends += [one for one in found if not any(_same(one, other) for other in backends)]
    if len(backends) > 1:
        names = ", ".join(sorted(backend.name for backend in backends))
        message = f"all Ibis tables must be on one connection; got {len(backends)} ({names})."
        raise InputError(message)
    return backends[0] if backends else connect()


def _same(one: ibis.BaseBackend, other: ibis.BaseBackend) -> bool:
    # to Ibis all databases in memory are equal, though each has tables of its own
    return one is other or (one.name != "duckdb" and one == other)


def register(connection: ibis.BaseBackend, name: str, data: object, zone: str) -> ibis.Table:
    """Put a table on the engine once.

    ``data`` is an Ibis table (used as it is), a path to a Parquet file (read in place), or
    anything that speaks Arrow: pandas, Polars, pyarrow.
    """
    if isinstance(data, ibis.Table):
        return data
    if isinstance(data, str | Path):
        return _register_parquet(connection, name, Path(data), zone)
    return _store(connection, name, _without_zone(_to_arrow(name, data), zone))


def conform(table: ibis.Table, spec: Table, zone: str) -> ibis.Table:
    """Give the canonical columns their canonical types; other columns stay as they are."""
    lacking = [column for column in spec.required if column not in table.columns]
    if lacking:
        raise MissingDataError(
            f"{spec.name} lacks the mandatory column {_listed(lacking)}; "
            f"it has {_listed(table.columns)}.{suggest(lacking[0], table.columns)}",
            missing=tuple(f"{spec.name}.{column}" for column in lacking),
            ask_for=spec.ask_for,
        )
    casts = {}
    for column in spec.columns:
        if column.name in table.columns:
            given = table[column.name]
            wanted = ibis.dtype(IBIS_TYPES[column.type])
            if given.type().copy(nullable=True) != wanted:
                casts[column.name] = _cast(given, column.type, f"{spec.name}.{column.name}", zone)
    return table.mutate(**casts) if casts else table


def fetch(table: ibis.Table) -> pd.DataFrame:
    """Carry a small table over from the engine; dates become timestamps, NULL becomes NaN."""
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    return frame


def steady(sums: pd.Series) -> pd.Series:
    """Round sums of floats to ten figures: the last depend on the order in which they are added.

    An engine adds in parallel, in another order each time.

    >>> import pandas as pd
    >>> steady(pd.Series([0.1 + 0.2, 1e15 + 1, float("nan")])).tolist()
    [0.3, 1000000000000000.0, nan]
    """
    values = sums.to_numpy(float)
    size = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    scale = 10.0 ** (9 - np.floor(np.log10(size)))
    return pd.Series(np.round(values * scale) / scale, index=sums.index)


def suggest(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, as a sentence to put behind a message."""
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"


def _register_parquet(connection: ibis.BaseBackend, name: str, path: Path, zone: str) -> ibis.Table:
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        # zones are resolved here, where the zone is known; the engine would use its own
        if any(pa.types.is_timestamp(kind) and kind.tz for kind in schema.types):
            return _store(connection, name, _without_zone(pq.read_table(path), zone))
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        message = f"{path.name} cannot be read as Parquet ({reason}); export it again."
        raise InputError(message) from None
    return connection.read_parquet(literal_path(path), table_name=_own_name(name))


def literal_path(path: Path) -> str:
    """Write a path so that DuckDB, which takes file names for patterns, finds this file only."""
    return re.sub(r"[\[*?]", r"[\g<0>]", str(path))


def _to_arrow(name: str, data: Any) -> pa.Table:  # noqa: ANN401
    if isinstance(data, pa.Table):
        return data
    if hasattr(data, "collect") and not hasattr(data, "__arrow_c_stream__"):
        data = data.collect()  # a lazy Polars frame
    if hasattr(data, "iloc"):
        repeated = data.columns[data.columns.duplicated()]
        if len(repeated):
            message = f"{name} has the column {repeated[0]!r} twice; rename or drop one of them."
            raise InputError(message)
        try:
            return pa.Table.from_pandas(data, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"{name}: a column mixes kinds of values ({error.args[0]})."
            raise InputError(message) from None
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    message = (
        f"{name} must be a pandas, Polars, Arrow or Ibis table, or the path of a Parquet file; "
        f"got {type(data).__name__}."
    )
    raise InputError(message)


def _without_zone(table: pa.Table, zone: str) -> pa.Table:
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz:
            moments = pc.cast(table.column(index), pa.timestamp("us", tz=zone), safe=False)
            table = table.set_column(index, field.name, pc.local_timestamp(moments))
        elif pa.types.is_floating(field.type):  # the engine tells NaN from null, people do not
            known = pc.fill_null(pc.invert(pc.is_nan(table.column(index))), fill_value=False)
            table = table.set_column(
                index, field.name,
                pc.if_else(known, table.column(index), pa.scalar(None, field.type)),
            )  # fmt: skip
        elif pa.types.is_null(field.type):
            table = table.set_column(index, field.name, pc.cast(table.column(index), pa.string()))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, _spelled_out(table.column(index)))
    return table


def _spelled_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace categories by their text, of whatever kind of text Arrow made them."""
    chunks = [
        pa.DictionaryArray.from_arrays(part.indices, part.dictionary.cast(pa.string()))
        for part in column.chunks
    ]
    return pa.chunked_array([part.dictionary_decode() for part in chunks], pa.string())


def _own_name(name: str) -> str:
    """Make a name that neither the user's tables nor another department's can have."""
    own: str = gen_name(f"salesdiag_{name}")
    return own


def _store(connection: ibis.BaseBackend, name: str, table: pa.Table) -> ibis.Table:
    own = _own_name(name)
    if connection.name != "duckdb":
        return connection.create_table(own, table, temp=True)
    # straight to DuckDB: one copy, and no detour through statements that vary by version
    raw = connection.con
    raw.register("salesdiag_incoming", table)
    raw.execute(f'CREATE TEMPORARY TABLE "{own}" AS SELECT * FROM salesdiag_incoming')
    raw.unregister("salesdiag_incoming")
    return connection.table(own, database=("temp", "main"))


def _cast(given: ibis.Value, wanted: str, where: str, zone: str) -> ibis.Value:
    kind = given.type()
    if wanted == "text":
        if kind.is_floating():  # whole numbers that pandas turned into floats beside a null
            number = given.nullif(float("nan"))
            whole = number.cast("int64")
            return ibis.ifelse(whole == number, whole.cast("string"), number.cast("string"))
        return given.cast("string")
    if wanted in ("time", "date") and kind.is_timestamp() and kind.timezone:
        return _local_time(zone, given).cast(IBIS_TYPES[wanted])
    if wanted in ("time", "date") and not (kind.is_timestamp() or kind.is_date()):
        if _is_empty(given):
            return ibis.null().cast(IBIS_TYPES[wanted])
        message = (
            f"{where} must hold dates or times; it holds {kind}. "
            "Convert it first, or load the file with salesdiag.load, which reads dates as text."
        )
        raise InputError(message)
    if wanted in ("money", "number", "count") and not kind.is_numeric():
        if _is_empty(given):
            return ibis.null().cast(IBIS_TYPES[wanted])
        message = (
            f"{where} must hold numbers; it holds {kind}. "
            "Convert it first, or load the file with salesdiag.load, which reads numbers as text."
        )
        raise InputError(message)
    if kind.is_floating():  # exact types know no NaN
        given = given.nullif(float("nan"))
    return given.cast(IBIS_TYPES[wanted])


def _is_empty(given: ibis.Value) -> bool:
    """Tell a column that has a kind of its own only because it holds nothing at all."""
    if given.type().is_floating():
        given = given.nullif(float("nan"))
    return int(given.count().execute()) == 0


def unknown_table(name: str) -> InputError:
    """Make the error that names the tables there are."""
    known = ", ".join(TABLES)
    return InputError(f"{name!r} is no table; known are {known}.{suggest(name, TABLES)}")
