"""`Department`: the tables of one sales department on an engine, with its calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.card import card
from salesdiag.engine import conform, connection_of, fetch, register, unknown_table
from salesdiag.errors import InputError, MissingDataError
from salesdiag.narrow import (
    KEY_LINKS,
    UNASSIGNED,
    checked_keys,
    created_between,
    join_keys,
    key_homes,
    narrow,
    refuse_missing,
)
from salesdiag.periods import Calendar, parse_day
from salesdiag.schema import TABLES
from salesdiag.settings import (
    Settings,
    as_it_stood,
    ladder_of,
    no_repeats,
    one_currency,
    settled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import pandas as pd

__all__ = ["UNASSIGNED", "Department", "Settings"]


class Department:
    """The tables of a sales department, its calendar and the day up to which the data speak.

    Each table is given as pandas, Polars, Arrow, an Ibis table, or the path of a Parquet
    file, and put on the engine once (DuckDB in memory unless Ibis tables of another
    connection are given). Columns are those of `salesdiag.schema`; others are kept for
    slicing. A department never changes: narrowing it gives another one.

    Parameters
    ----------
    deals : table
        The only mandatory table: ``deal_id`` and ``status`` at least.
    stage_changes, stages, activities, leads, reps, targets, line_items, accounts, \
call_scores, deal_changes, forecasts, source_costs, payouts, market, fx_rates : table, optional
        The other canonical tables.
    as_of : date or str, optional
        The data speak up to the end of this day. Default: the latest creation, activity or
        stage entry in the tables; never today.
    name, currency : str, default ""
        Shown in the report.
    calendar : Calendar, optional
        Time zone, fiscal year, working days and hours, holidays.
    stage_order : sequence of str, default ()
        Open stages in selling order, where there is no ``stages`` table.
    load_report : DataFrame, optional
        What the reader of the files did; `salesdiag.load` gives it.

    Raises
    ------
    MissingDataError
        If a mandatory column is missing.
    InputError
        If a column has the wrong kind of values.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["won", "lost"],
    ...                       "rep_id": ["r1", None], "amount": [100.0, 40.0]})
    >>> department = Department(deals=deals, as_of="2025-12-31")
    >>> department.tables
    ('deals',)
    >>> department.where(status="won").deals.count().execute()
    1
    """

    __slots__ = ("_cache", "_root", "_settings", "_tables", "load_report")

    _cache: dict[str, pd.DataFrame]
    _settings: Settings
    _root: Department  # before any narrowing
    _tables: dict[str, ibis.Table]
    load_report: pd.DataFrame | None

    def __init__(
        self,
        *,
        deals: object,
        stage_changes: object = None,
        stages: object = None,
        activities: object = None,
        leads: object = None,
        reps: object = None,
        targets: object = None,
        line_items: object = None,
        accounts: object = None,
        call_scores: object = None,
        deal_changes: object = None,
        forecasts: object = None,
        source_costs: object = None,
        payouts: object = None,
        market: object = None,
        fx_rates: object = None,
        as_of: date | str | None = None,
        name: str = "",
        currency: str = "",
        calendar: Calendar | None = None,
        stage_order: Sequence[str] = (),
        load_report: pd.DataFrame | None = None,
    ) -> None:
        given = {
            "deals": deals, "stage_changes": stage_changes, "stages": stages,
            "activities": activities, "leads": leads, "reps": reps, "targets": targets,
            "line_items": line_items, "accounts": accounts, "call_scores": call_scores,
            "deal_changes": deal_changes, "forecasts": forecasts, "source_costs": source_costs,
            "payouts": payouts, "market": market, "fx_rates": fx_rates,
        }  # fmt: skip
        present = {table: data for table, data in given.items() if data is not None}
        settings = Settings(
            name=name,
            as_of=None if as_of is None else parse_day(as_of, "as_of"),
            currency=currency,
            calendar=calendar or Calendar(),
            stages=tuple(stage_order),
        )
        self._fill(present, settings, load_report)

    @classmethod
    def of(
        cls,
        tables: Mapping[str, object],
        settings: Settings,
        load_report: pd.DataFrame | None = None,
    ) -> Department:
        """Build a department from a mapping of tables and its settings."""
        department = object.__new__(cls)
        department._fill(tables, settings, load_report)
        return department

    def _fill(
        self, tables: Mapping[str, object], settings: Settings, load_report: pd.DataFrame | None
    ) -> None:
        unknown = [name for name in tables if name not in TABLES]
        if unknown:
            raise unknown_table(unknown[0])
        if "deals" not in tables:
            message = "a department needs the table 'deals'."
            raise MissingDataError(message, missing=("deals",), ask_for=TABLES["deals"].ask_for)
        zone = settings.calendar.time_zone
        connection = connection_of(tables)
        ready = {
            name: conform(register(connection, name, data, zone), TABLES[name], zone)
            for name, data in tables.items()
        }
        self._set(ready, settled(ready, settings), load_report, self)

    def _set(
        self, tables: Mapping[str, ibis.Table], settings: Settings, report: pd.DataFrame | None,
        root: Department,
    ) -> None:  # fmt: skip
        assign = object.__setattr__
        assign(self, "_root", root)
        assign(self, "_tables", dict(tables))
        assign(self, "_settings", settings)
        assign(self, "load_report", report)
        assign(self, "_cache", {})

    def _with(self, tables: Mapping[str, ibis.Table]) -> Department:
        narrowed = object.__new__(Department)
        narrowed._set(tables, self._settings, self.load_report, self._root)
        return narrowed

    def __setattr__(self, name: str, value: object) -> None:
        message = f"a Department never changes; cannot set {name!r}. Build another one instead."
        raise AttributeError(message)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables it has, in the order of the schema."""
        return tuple(name for name in TABLES if name in self._tables)

    def table(self, name: str) -> ibis.Table:
        """Give one table as an Ibis expression.

        Raises
        ------
        MissingDataError
            If the department does not have it.
        """
        if name in self._tables:
            return self._tables[name]
        if name not in TABLES:
            raise unknown_table(name)
        message = f"the department has no table {name!r}; it has {', '.join(self.tables)}."
        raise MissingDataError(message, missing=(name,), ask_for=TABLES[name].ask_for)

    def __getattr__(self, name: str) -> ibis.Table:
        if name in TABLES:
            return self.table(name)
        message = f"'Department' object has no attribute {name!r}"
        raise AttributeError(message)

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether a table, and the columns named, are there."""
        return table in self._tables and set(columns) <= set(self._tables[table].columns)

    @property
    def as_of(self) -> date:
        """The last day on which the data speak."""
        day = self._settings.as_of
        if day is None:  # only while the object is being built
            message = "the department holds no date from which to tell as_of; give as_of."
            raise InputError(message)
        return day

    @property
    def whole(self) -> Department:
        """The department before any narrowing; itself where it was not narrowed."""
        return self._root

    @property
    def settings(self) -> Settings:
        """Name, ``as_of`` and where it comes from, currency, calendar, stages, pay plan."""
        return self._settings

    @property
    def name(self) -> str:
        """Name of the department, or an empty text."""
        return self._settings.name

    @property
    def currency(self) -> str:
        """ISO code of the one currency of all amounts, or an empty text."""
        return self._settings.currency

    @property
    def calendar(self) -> Calendar:
        """Time zone, fiscal year, working days and hours."""
        return self._settings.calendar

    def where(self, **conditions: object) -> Department:
        """Keep what belongs to the deals, reps, leads ... with these values.

        A condition is a column and a value or a list of values, such as ``team="North"`` or
        ``source=["web", "fair"]``. A table that has the column is filtered by it; one that
        names a rep, a deal or an account is filtered through that; one that has no such
        link (calendar, market) stays whole, and so does the order of stages. The history of
        a deal goes with its deal, whoever had it then. Of the targets, those of the kept
        teams or reps remain.

        Raises
        ------
        InputError
            If no table has the column.
        """
        tables = self._tables
        for column, value in conditions.items():
            tables = narrow(tables, column, value)
        return self._with(tables)

    def created_between(
        self, start: date | str | None = None, end: date | str | None = None
    ) -> Department:
        """Keep the deals and leads created from ``start`` to ``end``, and what hangs on them.

        Both days are included. The observation still ends with ``as_of``.
        """
        first = None if start is None else parse_day(start, "start")
        last = None if end is None else parse_day(end, "end")
        return self._with(created_between(self._tables, first, last))

    def anonymised(self) -> Department:
        """Give the department with neutral names: ``Rep 01``, ``Account 0001``, ``Deal 3f...``.

        They stand in every table, and so in everything made from them. Figures stay; intervals
        drawn at random move as with another seed. Names of teams (of persons, too: it cannot be
        told), territories, sources, segments, products, pipelines, stages, roles and of the
        department stay. `salesdiag.anonymise` tells all that is replaced or left out.

        Examples
        --------
        >>> import pandas as pd
        >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "rep_id": ["anna@x.com"]})
        >>> Department(deals=deals, as_of="2025-12-31").anonymised().fetch("deals").rep_id[0]
        'Rep 01'
        """
        from salesdiag.anonymise import neutral_report, replaced

        found = replaced(self._tables, self._root._tables, self.calendar.time_zone)  # noqa: SLF001
        report = None if self.load_report is None else neutral_report(self.load_report, found.reps)
        root = object.__new__(Department)
        root._set(found.whole, self._settings, report, root)
        return root if self is self._root else root._with(found.tables)

    def require(self, **columns: Sequence[str]) -> None:
        """Refuse, naming what to ask for, where a table or column is missing."""
        refuse_missing(self._tables, columns)

    def split_keys(self, by: str | Sequence[str], results: Sequence[str] = ()) -> list[str]:
        """Check what to split by: columns of deals, reps or accounts, named like no result."""
        return checked_keys(self._tables, by, results)

    def home_of(self, key: str) -> str:
        """Tell whose column a key is: of deals before reps before accounts."""
        return key_homes(self._tables).get(key, "")

    def select_deals(
        self,
        *,
        by: Sequence[str] = (),
        start: date | str | None = None,
        end: date | str | None = None,
        on: str = "created_at",
    ) -> ibis.Table:
        """Give the deals of a window with the columns to split by.

        Deals merged into another are left out. Where the data go on beyond ``as_of``, the
        deals are as they stood then: closed later is still open, created later is not there.
        The window is on the column ``on``, both
        days included; without a window deals lacking that date stay. A missing key becomes
        "unassigned".
        """
        self.require(deals=[] if start is None and end is None else [on])
        given = self._tables["deals"]
        self.remember("currency", lambda: one_currency(given, self._settings))
        self._root.remember("repeats", lambda: no_repeats(self._root.table("deals")))
        deals = as_it_stood(given, self._settings)
        if "merged_into_id" in deals.columns:
            deals = deals.filter(_.merged_into_id.isnull())
        if start is not None:
            deals = deals.filter(_[on].date() >= parse_day(start, "start"))
        if end is not None:
            deals = deals.filter(_[on].date() <= parse_day(end, "end"))
        return self.with_keys(deals, by)

    def with_keys(self, table: ibis.Table, by: Sequence[str]) -> ibis.Table:
        """Give a table that names reps or accounts the columns to split by, as text.

        A column of its own goes before one of its rep, and that before one of its account.
        A missing key becomes "unassigned".
        """
        homes = {home: self._tables[home] for home in KEY_LINKS if self.has(home)}
        return join_keys(table, homes, by)

    def fetch(self, name: str) -> pd.DataFrame:
        """Give a small table (reps, stages) whole; it is fetched from the engine once.

        Its rows are sorted, for an engine promises no order.
        """

        def make() -> pd.DataFrame:
            frame = fetch(self.table(name))
            order = [column for column in TABLES[name].names if column in frame]
            return frame.sort_values(order, ignore_index=True)

        return self.remember(name, make)

    def remember(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Give a small table made once: a department never changes, so neither does it."""
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name].copy()

    def ladder(self) -> pd.DataFrame:
        """Give the stages of the one pipeline in selling order: stage, position, status.

        A lost stage is no step of the ladder and is left out; where no stage means won, a
        last step "won" is added.

        Raises
        ------
        MissingDataError
            If neither a ``stages`` table nor an order of stages is known.
        InputError
            If there is more than one pipeline: narrow with ``where(pipeline=...)`` first; or
            if no stage is open.
        """
        stages = self.fetch("stages") if self.has("stages") else None
        names, whole = self._settings.stages, self._root._tables  # noqa: SLF001
        return self.remember("ladder", lambda: ladder_of(stages, names, self._tables, whole))

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Department{name} as of {self.as_of}: {', '.join(self.tables)}>"

    def _repr_html_(self) -> str:
        counts = {name: int(self.table(name).count().execute()) for name in self.tables}
        return card(self.name, self.as_of, self.currency, counts)
