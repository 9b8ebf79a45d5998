"""Narrowing and splitting the tables of a department so that they still fit each other."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from ibis import _

from salesdiag.engine import suggest
from salesdiag.errors import InputError, MissingDataError
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import ibis

UNASSIGNED = "unassigned"

# tables whose columns other tables can be split by, and the column that names their rows
KEY_LINKS = {"reps": "rep_id", "accounts": "account_id"}
# what a name ends in that tells a number or a moment
_NUMBERS = ("_amount", "_at", "_days", "_high", "_low", "_on", "_rate", "_share")
# from which table a condition passes on, and by which column
_LINKS = (
    ("reps", "rep_id"),
    ("accounts", "account_id"),
    ("deals", "deal_id"),
    ("leads", "lead_id"),
)
# tables that a condition reaches by one column of theirs at most: the order of stages stays
# whole, and the history of a deal is kept or left out as a whole
_WHOLE_BUT_FOR = {"stages": "pipeline", "stage_changes": "pipeline", "deal_changes": ""}
# levels of a target whose id is a value of this column
_TARGET_LEVELS = ("team", "territory", "product", "segment")


# names that results use, or that figures have on the way to them; a column of one's own under
# such a name cannot be a key
_RESERVED = frozenset([
    "all_squares", "deal_rep", "group_number", "is_dead", "is_unmoved", "largest_won",
    "last_step", "next_step", "won_squares", "won_sum",
    "actual", "day", "here_at", "id", "is_complete", "largest", "metric", "next_at", "period",
    "population", "squares", "step", "target", "target_basis", "unit", "wait_days", "worth",
    "from_stage", "to_stage",
])  # fmt: skip


def key_homes(tables: Mapping[str, ibis.Table]) -> dict[str, str]:
    """Tell which table holds each column that deals can be split by."""
    homes: dict[str, str] = {}
    for home, link in (*reversed(KEY_LINKS.items()), ("deals", "deal_id")):
        if home in tables and link in tables["deals"].columns:
            homes |= dict.fromkeys(tables[home].columns, home)
    return homes


def refuse_key(home: str, key: str, results: Sequence[str]) -> None:
    """Refuse to split by a column that is no text, or bears the name of a result."""
    column = TABLES[home].column(key)
    if column is not None and column.type not in ("text", "date"):
        message = f"by: {home}.{key} holds a {column.type}; split by a column of text"
        raise InputError(message + ", such as 'rep_id'.")
    is_number = key.startswith("n_") or (column is None and key.endswith(_NUMBERS))
    if key in _RESERVED or key in results or is_number:
        message = f"by: {key!r} is the name of a result; rename the column to split by it."
        raise InputError(message)


def checked_keys(
    tables: Mapping[str, ibis.Table], by: str | Sequence[str], results: Sequence[str]
) -> list[str]:
    """Check what to split by: columns of deals, reps or accounts, named like no result."""
    keys = [by] if isinstance(by, str) else list(by)
    homes = key_homes(tables)
    for key in keys:
        if key not in homes:
            known = ", ".join(sorted(homes))
            message = f"by: no table has a column {key!r} to split by; there are {known}."
            raise MissingDataError(message + suggest(key, homes), missing=(f"deals.{key}",))
        refuse_key(homes[key], key, results)
    refuse_twice(keys)
    return keys


def refuse_missing(tables: Mapping[str, ibis.Table], columns: Mapping[str, Sequence[str]]) -> None:
    """Refuse, naming what to ask for, where a table or a column of it is missing."""
    missing, asks = [], []
    for name, names in columns.items():
        if name not in tables:
            missing.append(name)
            asks.append(TABLES[name].ask_for)
            continue
        lacking = [f"{name}.{one}" for one in names if one not in tables[name].columns]
        missing += lacking
        asks += [TABLES[name].ask_for] if lacking else []
    if missing:
        there = ", ".join(name for name in TABLES if name in tables)
        message = (
            f"this needs {', '.join(missing)}, which the department does not have; "
            f"its tables are {there}. Ask for {'; and '.join(asks)}."
        )
        raise MissingDataError(message, missing=tuple(missing), ask_for="; and ".join(asks))


def refuse_twice(keys: Sequence[str]) -> None:
    """Refuse to split by one column twice."""
    if len(set(keys)) < len(keys):
        message = f"by names a column twice: {list(keys)!r}."
        raise InputError(message)


def join_keys(table: ibis.Table, homes: Mapping[str, ibis.Table], by: Sequence[str]) -> ibis.Table:
    """Join the columns to split by to a table that names reps or accounts, as text."""
    for home, link in KEY_LINKS.items():
        there = homes[home].columns if home in homes else ()
        wanted = [key for key in by if key not in table.columns and key in there]
        if wanted and link in table.columns:
            # one row a key, so that a repeated rep or account cannot multiply rows
            side = homes[home].group_by(link).agg(**{key: _[key].min() for key in wanted})
            table = table.left_join(side, link).drop(f"{link}_right")
    filled = {key: table[key].cast("string").fill_null(UNASSIGNED) for key in by}
    return table.mutate(**filled) if filled else table


def narrow(tables: Mapping[str, ibis.Table], column: str, value: object) -> dict[str, ibis.Table]:
    """Keep the rows that belong to a value, or to one of a list of values, of a column."""
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    having = {name for name, table in tables.items() if column in table.columns}
    direct = {name for name in having if _is_meant(name, column, values)} or having
    direct -= _namesakes(direct)
    if not direct:
        known = sorted({one for table in tables.values() for one in table.columns})
        message = f"no table has a column {column!r}.{suggest(column, known)}"
        raise InputError(message)
    kept = {
        name: table.filter(_one_of(table[column], values)) if name in direct else table
        for name, table in tables.items()
    }
    return _pass_on(tables, kept, direct, column, values)


def _is_meant(name: str, column: str, values: list[object]) -> bool:
    """Tell whether a column of this name means, in this table, what the condition means."""
    if name in _WHOLE_BUT_FOR:
        return column == _WHOLE_BUT_FOR[name]
    spec = TABLES[name].column(column)
    return spec is None or not spec.allowed or any(value in spec.allowed for value in values)


def _namesakes(direct: set[str]) -> set[str]:
    """Name the tables whose column is another thing of the same name.

    As in splitting, a deal's own column goes before one of its rep, and that before one of
    its account: a segment of deals says nothing about the segment of accounts.
    """
    first = next((home for home in ("deals", *KEY_LINKS) if home in direct), "")
    return {home for home in KEY_LINKS if home in direct and home != first}


def _one_of(column: ibis.Value, values: list[object]) -> ibis.BooleanValue:
    """Compare with a list of values; ids are text, and "unassigned" is what is missing."""
    found = column.isin([str(value) for value in values] if column.type().is_string() else values)
    return (found | column.isnull()) if UNASSIGNED in values else found


def created_between(
    tables: Mapping[str, ibis.Table], first: date | None, last: date | None
) -> dict[str, ibis.Table]:
    """Keep deals and leads created in a window and the rows that hang on them."""
    kept, direct = dict(tables), set()
    for name in ("deals", "leads"):
        if name in tables and "created_at" in tables[name].columns:
            day = _.created_at.date()
            kept[name] = kept[name].filter(day >= first) if first else kept[name]
            kept[name] = kept[name].filter(day <= last) if last else kept[name]
            direct.add(name)
    for name, table in tables.items():
        links = [link for link in _LINKS if link[0] in direct and link[1] in table.columns]
        if name not in direct and links:
            # a row that hangs on neither a deal nor a lead is not of any cohort: it stays
            stays = [reduce(and_, [table[key].isnull() for _home, key in links])]
            stays += [table[key].isin(kept[home].select(key).distinct()[key])
                      for home, key in links]  # fmt: skip
            kept[name] = table.filter(reduce(or_, [one.fill_null(False) for one in stays]))  # noqa: FBT003
    return kept


def _pass_on(
    tables: Mapping[str, ibis.Table],
    kept: dict[str, ibis.Table],
    direct: set[str],
    column: str,
    values: list[object],
) -> dict[str, ibis.Table]:
    """Filter the tables that lack the column through the rep, account, deal or lead they name."""
    done = set(direct)
    for home, key in _LINKS:
        if home not in done:
            continue
        for name, table in tables.items():
            if name in _WHOLE_BUT_FOR and home != "deals":
                continue  # a history goes with its deal, whoever had the deal then
            if name not in done and name != "targets" and key in table.columns:
                belongs = table[key].isin(kept[home][key])
                if home in KEY_LINKS and UNASSIGNED in values:
                    known = tables[home].filter(tables[home][key].notnull())[key]
                    belongs = belongs | table[key].isnull() | ~table[key].isin(known)
                kept[name] = table.filter(belongs)
                done.add(name)
    if "targets" in tables:
        kept["targets"] = _targets(tables["targets"], kept, done, column, values)
    return kept


def _targets(
    targets: ibis.Table,
    kept: Mapping[str, ibis.Table],
    done: set[str],
    column: str,
    values: list[object],
) -> ibis.Table:
    if column in targets.columns:
        return targets.filter(_one_of(targets[column], values))
    if "id" not in targets.columns:  # the department's whole plan is not that of a part
        return targets.limit(0)
    if column == "rep_id":
        return targets.filter((targets.level == "rep") & _one_of(targets.id, values))
    level = column if column in _TARGET_LEVELS else ""
    of_value = (targets.level == level) & _one_of(targets.id, values)
    if "reps" in done:
        of_value |= (targets.level == "rep") & targets.id.isin(kept["reps"].rep_id)
    return targets.filter(of_value)
