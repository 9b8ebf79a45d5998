"""The tables of a department with neutral names, made and kept on its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
import pyarrow as pa
from ibis.util import gen_name

from salesdiag.anonymise.columns import (
    ACCOUNTS,
    FIGURES,
    KEYS,
    NAMES,
    REPS_IN_ROWS,
    WRITTEN,
    rep_columns,
)
from salesdiag.anonymise.names import account_names, key_of, rep_names
from salesdiag.engine import connection_of, register
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEW = 3  # rows; a reason that fewer share is a sentence about one deal
_LETTERS = 16  # of a digest: 64 bits, so that millions of ids stay apart
# words of few rows that analyses know, or that say nothing: they name nobody
_PLAIN = (
    "connected", "no_answer", "held", "no_show", "cancelled", "other", "others", "unknown", "none",
    "n/a", "na", "no reason", "-", "--", "?", ".", "x", "test", "misc", "miscellaneous", "",
    "другое", "прочее", "иное", "неизвестно", "нет", "без причины", "не указано",
    "khác", "không rõ", "không có", "không",
)  # fmt: skip


class Replaced(NamedTuple):
    """Tables with neutral names, and those of the department before any narrowing."""

    tables: dict[str, ibis.Table]
    whole: dict[str, ibis.Table]
    reps: dict[str, str]  # neutral names by id


@ibis.udf.scalar.builtin(name="md5")  # type: ignore[untyped-decorator]
def _md5(text: ibis.dtype("string")) -> ibis.dtype("string"):  # type: ignore[valid-type]
    """Give the digest of a text; DuckDB, PostgreSQL and Spark know it by this name."""


def replaced(
    tables: Mapping[str, ibis.Table], whole: Mapping[str, ibis.Table], zone: str
) -> Replaced:
    """Replace names and ids in all tables; who is who is settled by the whole department."""
    made = _Replacing(whole, zone)
    everything = {name: made.table(name, table) for name, table in whole.items()}
    same = all(tables[name] is whole[name] for name in tables)
    own = everything if same else {name: made.table(name, table) for name, table in tables.items()}
    return Replaced(own, everything, made.reps)


class _Replacing:
    """The neutral names of one department, on its engine."""

    def __init__(self, whole: Mapping[str, ibis.Table], zone: str) -> None:
        self._connection = connection_of(whole)
        self._key = key_of(whole)
        self._zone = zone
        self.reps = rep_names(whole, self._key)
        self._names = {
            "reps": self._stored(self.reps),
            "accounts": self._stored(account_names(whole, self._key)),
        }

    def _stored(self, names: Mapping[str, str]) -> ibis.Table:
        """Put the list of names on the engine."""
        pairs = {"true_id": pa.array(list(names), pa.string()),
                 "neutral": pa.array(list(names.values()), pa.string())}  # fmt: skip
        return register(self._connection, "names", pa.table(pairs), self._zone)

    def table(self, name: str, table: ibis.Table) -> ibis.Table:
        """Replace what names somebody in one table, and keep the result on the engine."""
        columns = [one for one in TABLES[name].names if one in table.columns]
        found = table.select(columns)
        for column in columns:
            if column in rep_columns(name):
                found = self._joined(found, name, column, "reps")
            elif column in ACCOUNTS:
                found = self._joined(found, name, column, "accounts")
        # names take those of the ids, which have been replaced by now
        plain = {
            column: ibis.ifelse(found[column].isnull(), ibis.null(), found[NAMES[column]])
            for column in columns
            if column in NAMES
        }
        plain |= {column: self._digest(found[column], KEYS[column])
                  for column in columns if column in KEYS}  # fmt: skip
        plain |= {column: self._written(found, column) for column in columns if column in WRITTEN}
        found = found.mutate(**plain) if plain else found
        # rows in the order of the export could give away that of the names
        key = [one for one in TABLES[name].key or columns[:1] if one in columns]
        return self._kept(name, found.order_by(key) if key else found)

    def _joined(self, table: ibis.Table, name: str, column: str, kind: str) -> ibis.Table:
        """Put the neutral name in the place of an id."""
        names = self._names[kind].rename(**{f"{column}_true": "true_id", "neutral_": "neutral"})
        joined = table.left_join(names, table[column] == names[f"{column}_true"])
        new = joined["neutral_"]
        if (name, column) in REPS_IN_ROWS:
            other, value = REPS_IN_ROWS[name, column]
            plain = joined[column]
            if name == "deal_changes":
                plain = ibis.ifelse(joined[other].isin(FIGURES), plain, ibis.null())
            new = ibis.ifelse(joined[other] == value, new, plain)
        return joined.mutate(**{column: new}).select(table.columns)

    def _digest(self, column: ibis.Value, kind: str) -> ibis.Value:
        """Give a key that cannot be read back, the same wherever the id stands."""
        mixed = ibis.literal(f"{self._key}{kind}") + column
        return ibis.literal(f"{kind} ") + _md5(mixed).substr(0, _LETTERS)

    def _written(self, table: ibis.Table, column: str) -> ibis.Value:
        """Replace what hardly any other row says; the reasons stay as many as they were."""
        said = table[column].strip()
        n_rows = said.count().over(ibis.window(group_by=said))
        is_own = said.notnull() & (n_rows < _FEW) & ~said.lower().isin(_PLAIN)
        return ibis.ifelse(is_own, self._digest(said, WRITTEN[column]), table[column])

    def _kept(self, name: str, table: ibis.Table) -> ibis.Table:
        """Keep a table on the engine, so that names are not replaced again in each question."""
        connection, own = self._connection, gen_name(f"salesdiag_{name}")
        if connection.name == "duckdb":
            sql = connection.compile(table)
            connection.con.execute(f'CREATE TEMPORARY TABLE "{own}" AS {sql}')
            return connection.table(own, database=("temp", "main"))
        if connection.name == "postgres":
            return connection.create_table(own, table, temp=True)
        return table  # other engines may forbid tables of one's own
