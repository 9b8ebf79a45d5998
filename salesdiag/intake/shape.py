"""Joins, derived columns, rows set aside and lines put together, as a mapping asks for them.

A private DuckDB without access to files or network runs the expressions of the mapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from salesdiag.errors import MappingError
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from salesdiag.intake.mapping import Join, TableMap

_ROW = "_row_"  # the order of the file, which an engine would not keep


def needs_shaping(plan: TableMap) -> bool:
    """Tell whether a table takes more than naming and typing its columns."""
    return bool(plan.joins or plan.derived or plan.set_aside or plan.one_row_per)


def shape(
    plan: TableMap, table: pa.Table, lookups: list[tuple[Join, pa.Table]], where: str
) -> tuple[pa.Table, dict[str, int]]:
    """Carry out the joins, expressions and grouping of a mapped table.

    Returns
    -------
    table, set_aside
        The shaped table, and how many rows were left out for which reason.
    """
    engine = duckdb.connect()
    engine.execute("SET enable_external_access = false; SET python_enable_replacements = false")
    engine.execute("SET lock_configuration = true")
    rows = pa.array(range(table.num_rows), pa.int64())
    engine.register("t0", table.append_column(_ROW, rows))
    current = "t0"
    aside: dict[str, int] = {}
    for number, (join, lookup) in enumerate(lookups):
        current = _join(engine, current, join, lookup, number, where)
    for column, expression in plan.derived.items():
        current = _derive(engine, current, column, expression, where)
    for condition, reason in plan.set_aside:
        current, n_rows = _set_aside(engine, current, condition, where)
        aside[reason] = aside.get(reason, 0) + n_rows
    if plan.one_row_per:
        before = _count(engine, current)
        current = _one_row_per(engine, current, plan)
        merged = before - _count(engine, current)
        if merged:
            aside[f"joined into one row per {', '.join(plan.one_row_per)}"] = merged
    result = engine.sql(
        f"SELECT * EXCLUDE ({_ROW}) FROM {current} ORDER BY {_ROW}"
    ).to_arrow_table()
    engine.close()
    return result, aside


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _create(engine: duckdb.DuckDBPyConnection, query: str, place: str) -> str:
    name = f"t{len(engine.execute('SHOW TABLES').fetchall()) + 100}"
    try:
        engine.execute(f"CREATE TABLE {name} AS {query}")
    except duckdb.Error as error:
        reason = str(error).split("\n\nLINE")[0].splitlines()[0]
        message = f"{place}: the expression cannot be computed ({reason})."
        raise MappingError(message) from None
    return name


def _count(engine: duckdb.DuckDBPyConnection, name: str) -> int:
    # all rows fetched: a result left unfinished would block the connection
    return int(engine.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])


def _columns(engine: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [row[0] for row in engine.execute(f"DESCRIBE {name}").fetchall()]


def _join(
    engine: duckdb.DuckDBPyConnection,
    current: str,
    join: Join,
    lookup: pa.Table,
    number: int,
    where: str,
) -> str:
    side = f"side{number}"
    engine.register(side, lookup)
    keys = [_q(f"on_{index}") for index in range(len(join.on))]
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
    missing = [name for name in join.on if name not in _columns(engine, current)]
    if missing:
        message = f"{where}: the join with {join.source!r} needs the column {missing[0]!r} first."
        raise MappingError(message)
    matches = " AND ".join(
        f"CAST(l.{_q(mine)} AS VARCHAR) = r.{key}" for mine, key in zip(join.on, keys, strict=True)
    )
    taken = [name for name in join.columns if name in _columns(engine, current)]
    left = f"l.* EXCLUDE ({', '.join(map(_q, taken))})" if taken else "l.*"
    picked = ", ".join(f"r.{_q(name)}" for name in join.columns)
    query = f"SELECT {left}, {picked} FROM {current} l LEFT JOIN {side} r ON {matches}"
    return _create(engine, query, f"{where}, join with {join.source!r}")


def _derive(
    engine: duckdb.DuckDBPyConnection, current: str, column: str, expression: str, where: str
) -> str:
    keep = [name for name in _columns(engine, current) if name != column]
    listed = ", ".join(map(_q, keep))
    query = f"SELECT {listed}, ({expression}) AS {_q(column)} FROM {current}"
    return _create(engine, query, f"{where}, derived.{column}")


def _set_aside(
    engine: duckdb.DuckDBPyConnection, current: str, condition: str, where: str
) -> tuple[str, int]:
    query = f"SELECT * FROM {current} WHERE NOT coalesce(({condition}), false)"
    kept = _create(engine, query, f"{where}, set_aside {condition!r}")
    return kept, _count(engine, current) - _count(engine, kept)


def _one_row_per(engine: duckdb.DuckDBPyConnection, current: str, plan: TableMap) -> str:
    """Put the rows of a key together: money added up or taken once, first and last dates."""
    spec = TABLES[plan.table]
    chosen = []
    for name in _columns(engine, current):
        column = spec.column(name)
        if name in plan.one_row_per:
            chosen.append(_q(name))
        elif name == _ROW or name == "created_at":
            chosen.append(f"min({_q(name)}) AS {_q(name)}")
        elif column is not None and column.type == "money" and plan.amounts == "per_line":
            chosen.append(f"sum({_q(name)}) AS {_q(name)}")
        elif name == "closed_at":
            chosen.append(f"max({_q(name)}) AS {_q(name)}")
        else:
            # further rows of a deal may leave what the first one says blank
            filled = f"FILTER (WHERE {_q(name)} IS NOT NULL)"
            chosen.append(f"first({_q(name)} ORDER BY {_ROW}) {filled} AS {_q(name)}")
    keys = ", ".join(map(_q, plan.one_row_per))
    lacks = " OR ".join(f"{_q(name)} IS NULL" for name in plan.one_row_per)
    keys += f", CASE WHEN {lacks} THEN {_ROW} END"  # rows without a key are not of one deal
    query = f"SELECT {', '.join(chosen)} FROM {current} GROUP BY {keys}"
    return _create(engine, query, f"{plan.table}, one_row_per")
