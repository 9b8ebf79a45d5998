"""`load`: a folder, a workbook, a file or a database into a `Department`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from salesdiag.department import Department, Settings
from salesdiag.errors import InputError, MappingError
from salesdiag.intake.assemble import Reader, canonical_table, mapped_table
from salesdiag.intake.currency import one_currency
from salesdiag.intake.inplace import rows_in_place
from salesdiag.intake.mapping import Source, read_mapping
from salesdiag.intake.raw import Fact, report_frame
from salesdiag.intake.settings import read_toml, settings_of
from salesdiag.intake.sniff import kind_of, read_bytes
from salesdiag.intake.sources import read_source
from salesdiag.periods import parse_day
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from salesdiag.intake.raw import RawTable

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".xlsm", ".ods", ".html", ".htm")
_URL = re.compile(r"(?i)[a-z][a-z0-9+]+:/")  # two letters at least: "C:/" is a drive
Lines = list[tuple[str, str, str, Fact]]


def load(
    path: str | Path,
    *,
    mapping: str | Path | None = None,
    as_of: date | str | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Department:
    """Read a department.

    Canonical files need no mapping: a folder with ``deals.csv`` (or ``.parquet``, ``.xlsx``)
    and any of the other tables of `salesdiag.schema`, one workbook with a sheet a table, or
    a database whose tables have those names. Everything else is described in a mapping file
    (`salesdiag.inspect` drafts one); a ``mapping.toml`` in the folder is used without being
    named. Settings come from ``department.toml`` in the folder or from the mapping.

    Nothing is dropped silently: ``department.load_report`` accounts for every row read, and
    tells encodings, separators, date orders and unknown values with their evidence.

    Parameters
    ----------
    path : str or Path
        Folder, file, or database URL such as ``postgres://user@host/name``.
    mapping : str or Path, optional
        A mapping file; the files it names are looked up in ``path`` (a folder or a file).
    as_of : date or str, optional
        The data speak up to the end of this day. Default: that of the settings, else the
        latest creation, activity or stage entry.
    on_step : callable, optional
        Called with a short text before each longer step.

    Returns
    -------
    Department

    Raises
    ------
    InputError
        If something cannot be read; the message says what, where, what is allowed and what
        to do.
    MappingError
        If the mapping or ``department.toml`` is wrong.

    Examples
    --------
    >>> department = load("sample_data")
    >>> department.where(team="North").deals.count().execute()
    1354
    """
    tell = on_step or (lambda _text: None)
    if _URL.match(str(path)):
        return _load_url(str(path), mapping, as_of, tell)
    place = Path(path)
    if not _exists(place):
        message = f"there is no folder or file {str(place)[:300]}."
        raise InputError(message)
    inside = place / "mapping.toml"
    if mapping is None and place.is_dir() and inside.is_file():
        mapping = inside
    if mapping is not None:
        tables, lines, settings = _load_mapped(place, Path(mapping), tell)
    else:
        tables, lines, settings = _load_canonical(place, tell)
    if as_of is not None:
        settings = replace(settings, as_of=parse_day(as_of, "as_of"), as_of_source="given")
    return _department(tables, lines, settings)


def _load_url(
    url: str,
    mapping: str | Path | None,
    as_of: date | str | None,
    tell: Callable[[str], None],
) -> Department:
    from salesdiag.intake.database import load_database, without_secret

    if "://" not in url:
        message = (
            f"{without_secret(url)} is neither a path nor the URL of a database; such a URL has "
            "two slashes behind the colon, as in postgres://user@host/name."
        )
        raise InputError(message)
    if mapping is not None:
        message = (
            f"{without_secret(url)} is a database, and a mapping describes files: give its tables "
            "and columns the canonical names by views, or export them to files."
        )
        raise InputError(message)
    return load_database(url, as_of=as_of, on_step=tell)


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # too long, or with letters that no path has
        return False


def _load_mapped(
    place: Path, mapping_file: Path, tell: Callable[[str], None]
) -> tuple[dict[str, pa.Table | Path], Lines, Settings]:
    folder = place if place.is_dir() else place.parent
    mapping = read_mapping(mapping_file, folder / "department.toml")
    files = sorted({source.file for source in mapping.sources.values()})
    if place.is_file() and place.name not in files:
        message = (
            f"{mapping_file.name} reads {', '.join(files)}, not {place.name}. Give the folder of "
            "these files, or correct 'file' in the mapping."
        )
        raise MappingError(message)
    reader = Reader(folder, mapping, mapping.settings.calendar.time_zone)
    tables: dict[str, pa.Table | Path] = {}
    lines: Lines = []
    for name, plan in mapping.tables.items():
        tell(f"reading {name}")
        tables[name], facts = mapped_table(reader, plan)
        raw = reader.raw(plan.source)
        lines += [(name, raw.file, raw.sheet, fact) for fact in facts]
    return tables, lines, mapping.settings


def _load_canonical(
    place: Path, tell: Callable[[str], None]
) -> tuple[dict[str, pa.Table | Path], Lines, Settings]:
    folder = place if place.is_dir() else place.parent
    toml = folder / "department.toml"
    settings = settings_of(read_toml(toml), "department.toml") if toml.is_file() else Settings()
    sources, lines = _canonical_sources(place)
    tables: dict[str, pa.Table | Path] = {}
    for name, source in sources.items():
        tell(f"reading {name}")
        path = folder / source.file
        n_rows = None
        if _is_parquet(path):
            n_rows = rows_in_place(path, TABLES[name], settings.currency)
        if n_rows is not None:
            tables[name] = path
            facts = [Fact("rows read", "", n_rows), Fact("rows used", "", n_rows),
                     Fact("format", "Parquet, read in place")]  # fmt: skip
            lines += [(name, source.file, "", fact) for fact in facts]
            continue
        zone = settings.calendar.time_zone
        raw: RawTable = read_source(folder, source, TABLES[name].names, zone=zone)
        if source.sheet and name != "deals" and not raw.n_rows and not raw.set_aside:
            fact = Fact("sheet not used", source.sheet, 0, "headings without rows")
            lines.append(("", source.file, source.sheet, fact))
            continue
        tables[name], facts = canonical_table(name, raw, zone)
        lines += [(name, source.file, raw.sheet, fact) for fact in facts]
    return tables, lines, settings


def _canonical_sources(place: Path) -> tuple[dict[str, Source], Lines]:
    """Find the canonical tables in a folder, or in the sheets of one workbook."""
    if place.is_file():
        return _sources_of_file(place)
    found: dict[str, Source] = {}
    lines: Lines = []
    for path in _files(place):
        if not path.is_file() or path.suffix.lower() not in _SUFFIXES:
            continue
        name = path.stem.lower()
        if name in found:
            message = f"{place} holds both {found[name].file} and {path.name}: keep one of them."
            raise InputError(message)
        if name in TABLES:
            found[name] = Source(name, path.name)
        else:
            lines.append(
                ("", path.name, "", Fact("file not used", path.name, None, "no table's name"))
            )
    if "deals" not in found:
        there = ", ".join(fact.item for _t, _f, _s, fact in lines) or "no tables at all"
        message = (
            f"{place} holds no deals table (deals.csv, deals.parquet or deals.xlsx); there is "
            f"{there}. Name the files after the canonical tables ({', '.join(TABLES)}), or "
            "describe them in a mapping file ('salesdiag inspect FILE' drafts one)."
        )
        raise InputError(message)
    return found, lines


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        message = (
            f"the folder {folder} cannot be read: {error.strerror or error}. Check your rights."
        )
        raise InputError(message) from None


def _sources_of_file(place: Path) -> tuple[dict[str, Source], Lines]:
    data = read_bytes(place)
    if kind_of(place.name, data) == "workbook":
        from salesdiag.intake.workbook import sheet_names

        sheets = sheet_names(place.name, data)
        named = {sheet.strip().lower(): sheet for sheet in sheets}
        found = {
            name: Source(name, place.name, sheet=named[name]) for name in TABLES if name in named
        }
        lines: Lines = [
            ("", place.name, sheet, Fact("sheet not used", sheet, None, "no table's name"))
            for sheet in sheets
            if sheet.strip().lower() not in TABLES
        ]
        if "deals" in found:
            return found, lines
        if len(sheets) > 1 or place.stem.lower() != "deals":
            message = (
                f"{place.name} has no sheet 'deals'; there is {', '.join(map(repr, sheets))}. "
                "Name the sheets after the canonical tables, or give a mapping file "
                "('salesdiag inspect FILE' drafts one)."
            )
            raise InputError(message)
    if place.stem.lower() != "deals":
        message = (
            f"{place.name} is not named after the deals table. Name it deals{place.suffix}, or "
            "give a mapping file ('salesdiag inspect FILE' drafts one)."
        )
        raise InputError(message)
    return {"deals": Source("deals", place.name)}, []


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False  # what is wrong with it is said where it is read


def _department(tables: dict[str, pa.Table | Path], lines: Lines, settings: Settings) -> Department:
    deals, rates = tables["deals"], tables.get("fx_rates")
    if isinstance(deals, pa.Table) and not deals.num_rows:
        raise InputError(_no_deals(lines))
    if isinstance(deals, pa.Table):
        rates = rates if isinstance(rates, pa.Table) else None
        tables["deals"], currency, facts = one_currency(deals, rates, settings.currency)
        settings = replace(settings, currency=currency)
        lines += [("deals", "", "", fact) for fact in facts]
    lines += _unknown_names(tables)
    return Department.of(tables, settings, report_frame(lines))


def _no_deals(lines: Lines) -> str:
    of_deals = [(file, fact) for table, file, _sheet, fact in lines if table == "deals"]
    reasons = [
        f"{fact.n_rows} {fact.item}" for _file, fact in of_deals if fact.topic == "rows set aside"
    ]
    why = f"all its rows were set aside ({'; '.join(reasons)})" if reasons else "it has no rows"
    return (
        f"{of_deals[0][0]} holds no deal that can be used: {why}. Export the deals again, or "
        "correct the mapping ('salesdiag inspect FILE' drafts one)."
    )


def _unknown_names(tables: dict[str, pa.Table | Path]) -> Lines:
    """Report reps and stages that their own tables do not list."""
    lines: Lines = []
    for home, key in (("reps", "rep_id"), ("stages", "stage")):
        listed = tables.get(home)
        if not isinstance(listed, pa.Table):
            continue
        for name, table in tables.items():
            if name == home or not isinstance(table, pa.Table) or key not in table.column_names:
                continue
            used = pc.value_counts(table.column(key).drop_null())
            for pair in used.filter(
                pc.invert(
                    pc.is_in(pc.struct_field(used, "values"), listed.column(key).combine_chunks())
                )
            ).to_pylist():
                fact = Fact(f"unknown {key}", pair["values"], pair["counts"], f"not in {home}")
                lines.append((name, "", "", fact))
    return lines
