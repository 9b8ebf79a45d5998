"""Narrowing the tables of a department so that they still fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibis import _

from salesdiag.engine import suggest
from salesdiag.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import ibis

# from which table a condition passes on, and by which column
_LINKS = (
    ("reps", "rep_id"),
    ("accounts", "account_id"),
    ("deals", "deal_id"),
    ("leads", "lead_id"),
)
# levels of a target whose id is a value of this column
_TARGET_LEVELS = ("team", "territory", "product", "segment")


def narrow(tables: Mapping[str, ibis.Table], column: str, value: object) -> dict[str, ibis.Table]:
    """Keep the rows that belong to a value, or to one of a list of values, of a column."""
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    direct = {name for name, table in tables.items() if column in table.columns}
    if not direct:
        known = sorted({one for table in tables.values() for one in table.columns})
        message = f"no table has a column {column!r}.{suggest(column, known)}"
        raise InputError(message)
    kept = {
        name: table.filter(table[column].isin(values)) if name in direct else table
        for name, table in tables.items()
    }
    return _pass_on(tables, kept, direct, column, values)


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
    links = [link for link in _LINKS if link[0] in direct]
    for name, table in tables.items():
        for home, key in links:
            if name not in direct and key in table.columns:
                ids = kept[home].select(key).distinct()
                # a row that hangs on neither a deal nor a lead is not of any cohort: it stays
                kept[name] = kept[name].filter(_[key].isnull() | _[key].isin(ids[key]))
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
            if name not in done and name != "targets" and key in table.columns:
                kept[name] = table.filter(table[key].isin(kept[home][key]))
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
        return targets.filter(targets[column].isin(values))
    of_value = (targets.level == column) & targets.id.isin([str(value) for value in values])
    if column not in _TARGET_LEVELS:
        of_value = (targets.level == "rep") & False
    if column == "rep_id":
        return targets.filter((targets.level == "rep") & targets.id.isin(values))
    if "reps" in done:  # the plan of the kept reps; the department's whole plan is not theirs
        of_value |= (targets.level == "rep") & targets.id.isin(kept["reps"].rep_id)
    return targets.filter(of_value)
