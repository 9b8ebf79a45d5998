"""One canonical table from its raw source: read, name, type, shape, finish, report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.engine import suggest
from salesdiag.errors import InputError, MappingError
from salesdiag.intake.cells import column_of_cells
from salesdiag.intake.finish import Finished, finish
from salesdiag.intake.mapping import Join, Mapping, Pick, Source, TableMap
from salesdiag.intake.raw import Fact, RawTable
from salesdiag.intake.shape import needs_shaping, shape
from salesdiag.intake.sources import read_source
from salesdiag.intake.typed import map_values, read_typed, text_of, tidy
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

_MANY = 0.02  # share of repeated keys from which product rows are more likely than slips


@dataclass(slots=True)
class Reader:
    """Reads the sources of one mapping, each file once."""

    folder: Path
    mapping: Mapping
    zone: str
    _read: dict[str, RawTable] = field(default_factory=dict)

    def raw(self, name: str) -> RawTable:
        """Give the raw table of a source."""
        if name not in self._read:
            source = self.mapping.sources[name]
            self._read[name] = read_source(
                self.folder, source, self.mapping.headings(name), zone=self.zone
            )
        return self._read[name]


def mapped_table(reader: Reader, plan: TableMap) -> tuple[pa.Table, list[Fact]]:
    """Make one canonical table as its mapping says, with the facts for the load report."""
    raw, source = reader.raw(plan.source), reader.mapping.sources[plan.source]
    done = _finish_mapped(reader, plan, raw, source)
    _refuse_product_rows(plan.table, raw, done)
    return done.table(), [*raw.facts, *done.facts, *row_facts(raw, done)]


def _refuse_product_rows(table: str, raw: RawTable, done: Finished) -> None:
    if table == "deals" and done.differing > _MANY * max(done.n_rows, 1):
        message = (
            f"{raw.place}: {done.differing} deals stand in several rows with different amounts, as "
            "exports with product lines do. Say which it is in a mapping file: one_row_per = "
            '"deal_id" with amounts = "per_line" (the amounts of the rows add up to the deal) or '
            '"per_deal" (each row repeats the amount of the deal).'
        )
        raise InputError(message)


def _finish_mapped(reader: Reader, plan: TableMap, raw: RawTable, source: Source) -> Finished:
    columns, facts = _typed_columns(raw, plan.columns, plan.values, source, reader.zone)
    for name, value in plan.constants.items():
        columns[name] = _constant(value, raw.n_rows, name, plan.table, source, reader.zone)
    table = pa.table(columns) if columns else pa.table({"_row": pa.nulls(raw.n_rows)})
    aside: dict[str, int] = {}
    if needs_shaping(plan):
        where = f"mapping, tables.{plan.table}"
        lookups = [(join, _lookup(reader, join, facts)) for join in plan.joins]
        table, aside, found = shape(plan, table, lookups, where)
        facts += found
        table = _values_after(table, plan)
    _refuse_missing(plan, table)
    done = finish(TABLES[plan.table], table)
    done.set_aside = {**aside, **done.set_aside}
    done.asked = set(aside)
    done.facts = [*facts, *done.facts]
    return done


def _values_after(table: pa.Table, plan: TableMap) -> pa.Table:
    """Map the values of columns that only came to be by a join or an expression."""
    for name, values in plan.values.items():
        if name in table.column_names and name not in plan.columns:
            text = pc.cast(table.column(name).combine_chunks(), pa.string())
            index = table.column_names.index(name)
            table = table.set_column(index, name, map_values(text, values))
    return table


def _refuse_missing(plan: TableMap, table: pa.Table) -> None:
    lacking = [name for name in TABLES[plan.table].required if name not in table.column_names]
    if lacking:
        message = (
            f"mapping, tables.{plan.table}: the mandatory column {lacking[0]!r} is not mapped. "
            f"Give it under columns, constants or derived; it is mapped to nothing yet."
        )
        raise MappingError(message)


def _constant(
    value: object, n_rows: int, name: str, table: str, source: Source, zone: str
) -> pa.Array:
    spec = TABLES[table].column(name)
    place = f"mapping, tables.{table}.constants.{name}"
    one = column_of_cells([value])
    typed = read_typed(one, spec.type if spec else "text", name, place, source=source, zone=zone)
    if typed.values.null_count and value != "":
        message = f"{place}: {value!r} cannot be read as {spec.type if spec else 'text'}."
        raise MappingError(message)
    return pa.repeat(typed.values[0], n_rows)


def _typed_columns(
    raw: RawTable,
    picks: dict[str, Pick],
    values: dict[str, dict[str, str]],
    source: Source,
    zone: str,
) -> tuple[dict[str, pa.Array], list[Fact]]:
    columns, facts = {}, []
    for name, pick in picks.items():
        if pick.heading not in raw.columns:
            message = (
                f"{raw.place} has no column {pick.heading!r} (mapped to {name!r}); "
                f"its columns are {', '.join(map(repr, raw.columns))}."
            )
            raise MappingError(message + suggest(pick.heading, raw.columns))
        place = f"{raw.place}, column {pick.heading!r}"
        typed = read_typed(
            raw.columns[pick.heading], pick.type, name, place,
            source=source, zone=zone, values=values.get(name),
        )  # fmt: skip
        columns[name] = typed.values
        facts += [Fact("column mapped", name, None, pick.heading), *typed.facts]
    used = {pick.heading for pick in picks.values()}
    facts += [Fact("column not used", name) for name in raw.columns if name not in used]
    return columns, facts


def _lookup(reader: Reader, join: Join, facts: list[Fact]) -> pa.Table:
    """Give the table to look up in: the join's columns, and its keys as text."""
    raw, source = reader.raw(join.source), reader.mapping.sources[join.source]
    picks = dict(join.columns)
    columns, found = _typed_columns(raw, picks, join.values, source, reader.zone)
    facts += [fact for fact in found if not fact.topic.startswith("column")]
    for index, heading in enumerate(join.on.values()):
        if heading not in raw.columns:
            message = f"{raw.place} has no column {heading!r} to join on."
            raise MappingError(message + suggest(heading, raw.columns))
        columns[f"on_{index}"] = tidy(text_of(raw.columns[heading], raw.place))
    return pa.table(columns)


def row_facts(raw: RawTable, done: Finished) -> list[Fact]:
    """Account for every row: read = used + set aside."""
    reasons = {**raw.set_aside}
    for reason, n_rows in done.set_aside.items():
        reasons[reason] = reasons.get(reason, 0) + n_rows
    n_read = raw.n_rows + sum(raw.set_aside.values())
    return [
        Fact("rows read", "", n_read),
        Fact("rows used", "", done.n_rows),
        *(
            Fact(
                "rows set aside",
                reason,
                n_rows,
                "as the mapping asks" if reason in done.asked else "",
            )
            for reason, n_rows in reasons.items()
        ),
    ]


def canonical_table(name: str, raw: RawTable, zone: str) -> tuple[pa.Table, list[Fact]]:
    """Make a canonical table from a file that already has its name and its columns."""
    spec = TABLES[name]
    lacking = [column for column in spec.required if column not in raw.columns]
    if lacking:
        message = (
            f"{raw.place}: the mandatory column {lacking[0]!r} of table {name!r} is missing; "
            f"its columns are {', '.join(map(repr, raw.columns))}. Rename it, or describe the "
            "file in a mapping ('salesdiag inspect' drafts one)."
        )
        raise InputError(message + suggest(lacking[0], raw.columns))
    source = Source(name, raw.file)
    columns, facts = {}, []
    for heading, column in raw.columns.items():
        known = spec.column(heading)
        kind = known.type if known else _kind_of(column)
        place = f"{raw.place}, column {heading!r}"
        typed = read_typed(column, kind, heading, place, source=source, zone=zone)
        columns[heading] = typed.values
        if known is None:
            facts.append(Fact("column kept", heading, None, "not canonical: for slicing only"))
        facts += typed.facts
    done = finish(spec, pa.table(columns))
    _refuse_product_rows(name, raw, done)
    return done.table(), [*raw.facts, *facts, *done.facts, *row_facts(raw, done)]


def _kind_of(column: object) -> str:
    """Keep the type of an extra column where the file gives one."""
    from salesdiag.intake.raw import RawColumn

    if isinstance(column, RawColumn) and column.text.null_count == len(column.text):
        if column.moment is not None:
            return "time"
        if column.number is not None:
            return "number"
    return "text"
