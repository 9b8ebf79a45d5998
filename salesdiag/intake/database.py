"""A database whose tables have the canonical names, through Ibis; nothing is written to it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import ibis

from salesdiag.department import Department, Settings
from salesdiag.engine import conform, suggest
from salesdiag.errors import InputError, SalesDiagError
from salesdiag.intake.raw import Fact, report_frame
from salesdiag.periods import parse_day
from salesdiag.schema import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_FILES = ("duckdb", "sqlite")
_SCHEMES = (
    *_FILES, "postgres", "postgresql", "mysql", "mssql", "snowflake", "bigquery", "databricks",
    "clickhouse", "oracle", "trino", "athena", "exasol", "pyspark", "impala", "druid",
    "risingwave", "datafusion", "polars", "materialize", "singlestoredb",
)  # fmt: skip
T = TypeVar("T")


def load_database(
    url: str, *, as_of: date | str | None = None, on_step: Callable[[str], None] | None = None
) -> Department:
    """Read a department from a database, leaving the tables where they are."""
    tell = on_step or (lambda _text: None)
    shown = without_secret(url)
    tell(f"connecting to {shown}")
    connection = _connect(url, shown)
    try:
        tables, lines = _found(connection, shown, tell)
        settings = Settings()
        if as_of is not None:
            settings = replace(settings, as_of=parse_day(as_of, "as_of"))
        return Department.of(tables, settings, report_frame(lines))
    except SalesDiagError:
        connection.disconnect()  # no department holds it that could
        raise


def _found(
    connection: ibis.BaseBackend, shown: str, tell: Callable[[str], None]
) -> tuple[dict[str, ibis.Table], list[tuple[str, str, str, Fact]]]:
    """Give the tables of a department that are there, and what is to be said of them."""
    there = _checked(lambda: {name.lower(): name for name in _names(connection)}, shown)
    if "deals" not in there:
        found = ", ".join(sorted(there.values())) or "no tables"
        message = f"{shown} has no table 'deals'; it has {found}."
        raise InputError(message)
    tables, lines = {}, []
    for name, spec in TABLES.items():
        if name in there:
            tell(f"counting {name}")
            whole = conform(connection.table(there[name]), spec, "UTC")
            tables[name], facts = _checked(partial(_usable, whole, spec), f"{shown}, table {name}")
            lines += [(name, shown, "", fact) for fact in facts]
    return tables, lines


def _names(connection: ibis.BaseBackend) -> list[str]:
    """Name the tables and views of a database."""
    if connection.name != "duckdb":
        return list(connection.list_tables())
    # straight from DuckDB: the detour through Ibis fails with some of its versions
    found = connection.con.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND table_schema = current_schema()"
    ).fetchall()
    return [row[0] for row in found]


def without_secret(url: str) -> str:
    """Hide the password of a URL and its options.

    >>> without_secret("postgres://ann:secret@host:5432/crm?password=secret")
    'postgres://ann:***@host:5432/crm'
    """
    shown = re.sub(r"(:/+[^:/@]*):.*@", r"\1:***@", url)  # a password may hold an @ itself
    return shown.split("?")[0]


def _connect(url: str, shown: str) -> ibis.BaseBackend:
    scheme, _mark, rest = url.partition("://")
    if scheme not in _SCHEMES:
        message = f"{shown}: no such kind of database; known are {', '.join(_SCHEMES)}."
        raise InputError(message + suggest(scheme, _SCHEMES))
    if scheme in _FILES:
        path = Path(rest.split("?")[0])
        if not path.is_file():
            message = f"there is no database {path} ({shown})."
            raise InputError(message)
        if scheme == "duckdb":
            return _checked(lambda: ibis.duckdb.connect(path, read_only=True), shown)
    try:
        return _checked(lambda: ibis.connect(url), shown)
    except (TypeError, AttributeError):
        message = f"{shown}: an option behind the question mark is unknown; leave it out."
        if "?" not in url:
            raise
        raise InputError(message) from None


def _checked(ask: Callable[[], T], shown: str) -> T:
    try:
        return ask()
    except (SalesDiagError, AttributeError, TypeError):  # the latter two are faults of programs
        raise
    except ImportError as error:
        message = (
            f"reading {shown} needs a package that is not installed ({error.name}): install "
            "salesdiag with the extra for that database, such as salesdiag[postgres]."
        )
        raise InputError(message) from None
    except Exception as error:  # noqa: BLE001  each driver has errors of its own
        # the driver's text may repeat the password, so only its kind is passed on
        message = (
            f"cannot read {shown} ({type(error).__name__}): check host, port, name of the "
            "database, user, password and the user's right to read."
        )
        raise InputError(message) from None


def _usable(table: ibis.Table, spec: Table) -> tuple[ibis.Table, list[Fact]]:
    """Leave out the rows without a mandatory value, and count them by reason."""
    counts = {"n_read": table.count()}
    usable: ibis.BooleanValue = ibis.literal(True)  # noqa: FBT003
    for name in spec.required:
        column, allowed = table[name], spec.column(name)
        fine = column.notnull()
        if allowed is not None and allowed.allowed:
            fine = fine & column.isin(allowed.allowed)
        counts[f"lacks {name}"] = table.count(where=usable & ~fine)
        usable = usable & fine
    found = table.aggregate(**counts).to_pandas().iloc[0]
    aside = {name: int(found[f"lacks {name}"]) for name in spec.required}
    n_read = int(found["n_read"])
    facts = [
        Fact("rows read", "", n_read),
        Fact("rows used", "", n_read - sum(aside.values())),
        *(
            Fact("rows set aside", f"{name} is missing or unknown", n_rows)
            for name, n_rows in aside.items()
            if n_rows
        ),
        Fact("format", "database table, read in place"),
    ]
    return (table.filter(usable) if sum(aside.values()) else table), facts
