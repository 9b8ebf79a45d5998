"""Joins, derived columns, rows set aside and lines put together, as a mapping asks for them.

A private DuckDB without access to files or network runs the expressions of the mapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from salesdiag.intake.lookup import columns_of, count, create, join_lookup, quoted
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from salesdiag.intake.mapping import Join, TableMap
    from salesdiag.intake.raw import Fact

_ROW = "_row_"  # the order of the file, which an engine would not keep


def needs_shaping(plan: TableMap) -> bool:
    """Tell whether a table takes more than naming and typing its columns."""
    return bool(plan.joins or plan.derived or plan.set_aside or plan.one_row_per)


def shape(
    plan: TableMap, table: pa.Table, lookups: list[tuple[Join, pa.Table]], where: str
) -> tuple[pa.Table, dict[str, int], list[Fact]]:
    """Carry out the joins, expressions and grouping of a mapped table.

    Returns
    -------
    table, set_aside, facts
        The shaped table, how many rows were left out for which reason, and what the joins found.
    """
    engine = duckdb.connect()
    engine.execute("SET enable_external_access = false; SET python_enable_replacements = false")
    engine.execute("SET lock_configuration = true")
    rows = pa.array(range(table.num_rows), pa.int64())
    engine.register("t0", table.append_column(_ROW, rows))
    current = "t0"
    aside: dict[str, int] = {}
    facts: list[Fact] = []
    for number, (join, lookup) in enumerate(lookups):
        current, fact = join_lookup(engine, current, join, lookup, number, where)
        facts.append(fact)
    for column, expression in plan.derived.items():
        current = _derive(engine, current, column, expression, where)
    for condition, reason in plan.set_aside:
        current, n_rows = _set_aside(engine, current, condition, where)
        aside[reason] = aside.get(reason, 0) + n_rows
    if plan.one_row_per:
        before = count(engine, current)
        current = _one_row_per(engine, current, plan)
        merged = before - count(engine, current)
        if merged:
            aside[f"joined into one row per {', '.join(plan.one_row_per)}"] = merged
    result = engine.sql(
        f"SELECT * EXCLUDE ({_ROW}) FROM {current} ORDER BY {_ROW}"
    ).to_arrow_table()
    engine.close()
    return result, aside, facts


def _derive(
    engine: duckdb.DuckDBPyConnection, current: str, column: str, expression: str, where: str
) -> str:
    keep = [name for name in columns_of(engine, current) if name != column]
    listed = ", ".join(map(quoted, keep))
    query = f"SELECT {listed}, ({expression}) AS {quoted(column)} FROM {current}"
    return create(engine, query, f"{where}, derived.{column}")


def _set_aside(
    engine: duckdb.DuckDBPyConnection, current: str, condition: str, where: str
) -> tuple[str, int]:
    query = f"SELECT * FROM {current} WHERE NOT coalesce(({condition}), false)"
    kept = create(engine, query, f"{where}, set_aside {condition!r}")
    return kept, count(engine, current) - count(engine, kept)


def _one_row_per(engine: duckdb.DuckDBPyConnection, current: str, plan: TableMap) -> str:
    """Put the rows of a key together: money added up or taken once, first and last dates."""
    spec = TABLES[plan.table]
    chosen = []
    for name in columns_of(engine, current):
        column = spec.column(name)
        if name in plan.one_row_per:
            chosen.append(quoted(name))
        elif name == _ROW or name == "created_at":
            chosen.append(f"min({quoted(name)}) AS {quoted(name)}")
        elif column is not None and column.type == "money" and plan.amounts == "per_line":
            chosen.append(f"sum({quoted(name)}) AS {quoted(name)}")
        elif name == "closed_at":
            chosen.append(f"max({quoted(name)}) AS {quoted(name)}")
        else:
            # further rows of a deal may leave what the first one says blank
            filled = f"FILTER (WHERE {quoted(name)} IS NOT NULL)"
            chosen.append(f"first({quoted(name)} ORDER BY {_ROW}) {filled} AS {quoted(name)}")
    keys = ", ".join(map(quoted, plan.one_row_per))
    lacks = " OR ".join(f"{quoted(name)} IS NULL" for name in plan.one_row_per)
    keys += f", CASE WHEN {lacks} THEN {_ROW} END"  # rows without a key are not of one deal
    query = f"SELECT {', '.join(chosen)} FROM {current} GROUP BY {keys}"
    return create(engine, query, f"{plan.table}, one_row_per")
