"""`mapping.toml`: how the files of an export become canonical tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from salesdiag.engine import suggest
from salesdiag.errors import MappingError
from salesdiag.intake.settings import read_toml, settings_of
from salesdiag.intake.times import ORDERS
from salesdiag.schema import TABLES, Type

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from salesdiag.department import Settings

TYPES = (*get_args(Type), "duration")
_SOURCE_KEYS = {
    "file": str, "sheet": str, "encoding": str, "delimiter": str, "decimal_mark": str,
    "date_order": str, "time_zone": str, "header_row": int,
}  # fmt: skip
_TABLE_KEYS = {
    "source": str, "columns": dict, "constants": dict, "values": dict, "extra": dict,
    "joins": list, "derived": dict, "set_aside": list, "one_row_per": (str, list), "amounts": str,
}  # fmt: skip
_JOIN_KEYS = {"source": str, "on": dict, "columns": dict, "values": dict}


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and what is known about how it is written."""

    name: str
    file: str
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal_mark: str | None = None
    date_order: str | None = None
    time_zone: str | None = None
    header_row: int | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """A heading of a file and the type to read it as."""

    heading: str
    type: str


@dataclass(frozen=True, slots=True)
class Join:
    """Columns looked up in another file by equal values."""

    source: str
    on: dict[str, str]  # column here: heading there
    columns: dict[str, Pick]
    values: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableMap:
    """How one canonical table is made."""

    table: str
    source: str
    columns: dict[str, Pick]
    constants: dict[str, Any] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    derived: dict[str, str] = field(default_factory=dict)
    set_aside: tuple[tuple[str, str], ...] = ()  # SQL condition, reason
    one_row_per: tuple[str, ...] = ()
    amounts: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file."""

    settings: Settings
    sources: dict[str, Source]
    tables: dict[str, TableMap]

    def headings(self, source: str) -> set[str]:
        """All headings that the mapping looks for in a source."""
        found: set[str] = set()
        for table in self.tables.values():
            if table.source == source:
                found |= {pick.heading for pick in table.columns.values()}
            for join in table.joins:
                if join.source == source:
                    found |= set(join.on.values())
                    found |= {pick.heading for pick in join.columns.values()}
        return found


def read_mapping(path: Path, settings_file: Path | None = None) -> Mapping:
    """Read and check a mapping file.

    Settings that its section ``[department]`` does not give come from ``settings_file``, if
    there is such a file.

    Raises
    ------
    MappingError
        If a key, table, column or source is unknown, or a value of the wrong kind.
    """
    given = read_toml(path)
    where = path.name
    _known(given, ("department", "sources", "tables"), where)
    sources = {
        name: _source(name, _dict(one, f"{where}, sources.{name}"), where)
        for name, one in _dict(given.get("sources", {}), f"{where}, sources").items()
    }
    tables = {
        name: _table(name, _dict(one, f"{where}, tables.{name}"), sources, where)
        for name, one in _dict(given.get("tables", {}), f"{where}, tables").items()
    }
    if "deals" not in tables:
        message = f"{where}: there is no [tables.deals]; it is the one table that must be mapped."
        raise MappingError(message)
    department = _dict(given.get("department", {}), f"{where}, department")
    settings = settings_of(department, f"{where}, department")
    if settings_file is not None and settings_file.is_file():
        beside = read_toml(settings_file)
        said = settings_of(beside, settings_file.name)
        source = settings.as_of_source if "as_of" in department else said.as_of_source
        settings = replace(settings_of(beside | department, where), as_of_source=source)
    return Mapping(settings, sources, tables)


def _source(name: str, given: dict[str, Any], where: str) -> Source:
    place = f"{where}, sources.{name}"
    _typed(given, _SOURCE_KEYS, place)
    if "file" not in given:
        message = f"{place}: 'file' is missing."
        raise MappingError(message)
    if not given["file"].strip() or "\0" in given["file"]:
        message = f"{place}: 'file' must name a file; got {given['file']!r}."
        raise MappingError(message)
    for key, allowed in (("decimal_mark", (".", ",")), ("date_order", ORDERS)):
        if given.get(key) is not None and given[key] not in allowed:
            message = f"{place}: {key} must be one of {', '.join(allowed)}; got {given[key]!r}."
            raise MappingError(message)
    if "time_zone" in given:
        settings_of({"time_zone": given["time_zone"]}, place)
    return Source(name, **given)


def _table(name: str, given: dict[str, Any], sources: dict[str, Source], where: str) -> TableMap:
    place = f"{where}, tables.{name}"
    if name not in TABLES:
        message = f"{place}: no such table; known are {', '.join(TABLES)}.{suggest(name, TABLES)}"
        raise MappingError(message)
    _typed(given, _TABLE_KEYS, place)
    _source_named(given, sources, place)
    spec = TABLES[name]
    canonical = set(spec.names)
    columns = _canonical_picks(given, name, place)
    extra = {
        key: _pick(value, "text", f"{place}.extra.{key}")
        for key, value in given.get("extra", {}).items()
    }
    _known(given.get("constants", {}), canonical | set(extra), f"{place}.constants")
    joins = tuple(
        _join(_dict(one, f"{place}.joins"), name, sources, f"{place}.joins")
        for one in given.get("joins", [])
    )
    per = given.get("one_row_per", [])
    per = [per] if isinstance(per, str) else [str(one) for one in per]
    for key, value in given.get("constants", {}).items():
        if isinstance(value, dict | list):
            message = f"{place}.constants: {key} must be one value; got {value!r}."
            raise MappingError(message)
    _amounts(given, per, place)
    made = (
        set(columns) | set(extra) | set(given.get("constants", {})) | set(given.get("derived", {}))
    )
    made |= {column for join in joins for column in join.columns}
    _known(dict.fromkeys(per), made, f"{place}.one_row_per")
    _known(given.get("values", {}), canonical | made, f"{place}.values")
    return TableMap(
        name, given["source"], columns | extra, dict(given.get("constants", {})),
        _value_maps(given.get("values", {}), f"{place}.values"), joins,
        _texts(given.get("derived", {}), f"{place}.derived"),
        tuple(_condition(one, place) for one in given.get("set_aside", [])),
        tuple(per), given.get("amounts"),
    )  # fmt: skip


def _amounts(given: dict[str, Any], per: list[str], place: str) -> None:
    allowed = ("per_line", "per_deal")
    if bool(per) != ("amounts" in given) or given.get("amounts", "per_line") not in allowed:
        message = (
            f"{place}: 'one_row_per' and 'amounts' go together: amounts = \"per_line\" adds the "
            'money of the rows up, "per_deal" takes it once.'
        )
        raise MappingError(message)


def _join(given: dict[str, Any], table: str, sources: dict[str, Source], place: str) -> Join:
    _typed(given, _JOIN_KEYS, place)
    _source_named(given, sources, place)
    if not given.get("on") or not given.get("columns"):
        message = f"{place}: a join needs 'on' and 'columns'."
        raise MappingError(message)
    columns = {
        key: _pick(value, _type_of(table, key), f"{place}.columns.{key}")
        for key, value in given["columns"].items()
    }
    values = _value_maps(given.get("values", {}), f"{place}.values")
    return Join(given["source"], _texts(given["on"], f"{place}.on"), columns, values)


def _canonical_picks(given: dict[str, Any], table: str, place: str) -> dict[str, Pick]:
    columns = given.get("columns", {})
    _known(columns, TABLES[table].names, f"{place}.columns")
    return {
        key: _pick(value, _type_of(table, key), f"{place}.columns.{key}")
        for key, value in columns.items()
    }


def _type_of(table: str, column: str) -> str:
    spec = TABLES[table].column(column)
    return spec.type if spec else "text"


def _pick(value: object, kind: str, place: str) -> Pick:
    if isinstance(value, str):
        return Pick(value, kind)
    if isinstance(value, dict) and set(value) <= {"column", "type"} and "column" in value:
        kind = value.get("type", kind)
        if kind in TYPES:
            return Pick(str(value["column"]), kind)
    message = (
        f"{place} must be a heading, or {{ column = heading, type = one of {', '.join(TYPES)} }}; "
        f"got {value!r}."
    )
    raise MappingError(message)


def _condition(given: object, place: str) -> tuple[str, str]:
    if not isinstance(given, dict) or set(given) != {"where", "reason"}:
        message = (
            f"{place}.set_aside: each needs 'where' (a condition) and 'reason'; got {given!r}."
        )
        raise MappingError(message)
    return str(given["where"]), str(given["reason"])


def _value_maps(given: dict[str, Any], place: str) -> dict[str, dict[str, str]]:
    return {column: _texts(_dict(one, f"{place}.{column}"), place) for column, one in given.items()}


def _texts(given: dict[str, Any], place: str) -> dict[str, str]:
    for key, value in given.items():
        if not isinstance(value, str):
            message = f"{place}: {key!r} must be text; got {value!r}."
            raise MappingError(message)
    return dict(given)


def _source_named(given: dict[str, Any], sources: dict[str, Source], place: str) -> None:
    if given.get("source") not in sources:
        known = ", ".join(sources) or "none"
        message = (
            f"{place}: 'source' must name one of [sources] ({known}); got {given.get('source')!r}."
        )
        raise MappingError(message)


def _dict(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = f"{place} must be a table of keys; got {value!r}."
        raise MappingError(message)
    return value


def _typed(given: dict[str, Any], kinds: dict[str, Any], place: str) -> None:
    _known(given, kinds, place)
    for key, value in given.items():
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            message = f"{place}: {key} is of the wrong kind: {value!r}."
            raise MappingError(message)


def _known(given: dict[str, Any], allowed: Iterable[str], place: str) -> None:
    allowed = list(allowed)
    for key in given:
        if key not in allowed:
            message = f"{place}: unknown key {key!r}; allowed are {', '.join(sorted(allowed))}."
            raise MappingError(message + suggest(key, allowed))
