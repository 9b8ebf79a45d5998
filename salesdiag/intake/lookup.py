"""Joins of a mapping: columns looked up in another file, with the misses counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from salesdiag.errors import MappingError
from salesdiag.intake.raw import Fact

if TYPE_CHECKING:
    import pyarrow as pa

    from salesdiag.intake.mapping import Join

_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL")


def quoted(name: str) -> str:
    """Write a name as SQL does."""
    return '"' + name.replace('"', '""') + '"'


def create(engine: duckdb.DuckDBPyConnection, query: str, place: str) -> str:
    """Store the result of a query under a name of its own, or say why that cannot be."""
    name = f"t{len(engine.execute('SHOW TABLES').fetchall()) + 100}"
    try:
        engine.execute(f"CREATE TABLE {name} AS {query}")
    except duckdb.Error as error:
        reason = str(error).split("\n\nLINE")[0].splitlines()[0]
        message = f"{place}: the expression cannot be computed ({reason})."
        raise MappingError(message) from None
    return name


def count(engine: duckdb.DuckDBPyConnection, name: str) -> int:
    """Count the rows of a table."""
    # all rows fetched: a result left unfinished would block the connection
    return int(engine.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])


def columns_of(engine: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Name the columns of a table."""
    return [row[0] for row in engine.execute(f"DESCRIBE {name}").fetchall()]


def join_lookup(
    engine: duckdb.DuckDBPyConnection,
    current: str,
    join: Join,
    lookup: pa.Table,
    number: int,
    where: str,
) -> tuple[str, Fact]:
    """Add the columns of a lookup to a table; give its new name and how many rows matched.

    Raises
    ------
    MappingError
        If the join is not unique, lacks its column, or no row at all matches.
    """
    side = f"side{number}"
    engine.register(side, lookup)
    keys = [quoted(f"on_{index}") for index in range(len(join.on))]
    _refuse_repeated(engine, side, join, keys, where)
    kinds = {row[0]: row[1] for row in engine.execute(f"DESCRIBE {current}").fetchall()}
    missing = [name for name in join.on if name not in kinds]
    if missing:
        message = f"{where}: the join with {join.source!r} needs the column {missing[0]!r} first."
        raise MappingError(message)
    mine = [_as_text(f"l.{quoted(name)}", kinds[name]) for name in join.on]
    matches = " AND ".join(f"{left} = r.{key}" for left, key in zip(mine, keys, strict=True))
    taken = [name for name in join.columns if name in kinds]
    left = f"l.* EXCLUDE ({', '.join(map(quoted, taken))})" if taken else "l.*"
    picked = ", ".join(f"r.{quoted(name)}" for name in join.columns)
    joined = f"{current} l LEFT JOIN {side} r ON {matches}"
    fact = _account(engine, joined, join, mine, keys[0], where)
    query = f"SELECT {left}, {picked} FROM {joined}"
    return create(engine, query, f"{where}, join with {join.source!r}"), fact


def _refuse_repeated(
    engine: duckdb.DuckDBPyConnection, side: str, join: Join, keys: list[str], where: str
) -> None:
    repeated = engine.execute(
        f"SELECT {keys[0]} FROM {side} WHERE {' AND '.join(f'{key} IS NOT NULL' for key in keys)} "
        f"GROUP BY {', '.join(keys)} HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    ).fetchall()
    if repeated:
        message = (
            f"{where}: the join with {join.source!r} is not unique: {repeated[0][0]!r} stands in "
            f"several of its rows in {', '.join(join.on.values())!r}."
        )
        raise MappingError(message)


def _as_text(name: str, kind: str) -> str:
    """Write a key as the lookup does: whole numbers without a decimal part, days without a time."""
    text = f"CAST({name} AS VARCHAR)"
    if kind.startswith(_NUMBERS):
        whole = f"{name} = floor({name}) AND abs({name}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END"
    if kind.startswith("TIMESTAMP"):
        return f"regexp_replace({text}, ' 00:00:00$', '')"
    return text


def _account(
    engine: duckdb.DuckDBPyConnection,
    joined: str,
    join: Join,
    mine: list[str],
    key: str,
    where: str,
) -> Fact:
    """Count the rows that found their key in the lookup, and refuse a join that finds none."""
    empty = " OR ".join(f"{one} IS NULL" for one in mine)
    matched, unmatched, without = engine.execute(
        f"SELECT count(*) FILTER (WHERE r.{key} IS NOT NULL), "
        f"count(*) FILTER (WHERE r.{key} IS NULL AND NOT ({empty})), "
        f"count(*) FILTER (WHERE {empty}) FROM {joined}"
    ).fetchall()[0]
    shown = f"concat_ws(', ', {', '.join(mine)})"
    found = engine.execute(
        f"SELECT DISTINCT {shown} FROM {joined} WHERE r.{key} IS NULL AND NOT ({empty}) "
        "ORDER BY 1 LIMIT 3"
    ).fetchall()
    examples = "; ".join(repr(row[0][:40]) for row in found)
    if unmatched and not matched:
        message = (
            f"{where}: the join with {join.source!r} matches no row at all: {', '.join(join.on)} "
            f"holds values such as {examples}, and {', '.join(map(repr, join.on.values()))} there "
            "holds none of them. Correct 'on' in the mapping."
        )
        raise MappingError(message)
    detail = f"{unmatched} rows unmatched" + (f", such as {examples}" if unmatched else "")
    detail += f"; {without} rows without a key" if without else ""
    return Fact("join", join.source, matched, f"rows matched; {detail}")
