"""Neutral names: `Rep 01`, `Account 0001`, in an order that tells nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ibis import _

from salesdiag.anonymise.columns import ACCOUNTS, REPS_IN_ROWS, rep_columns
from salesdiag.engine import fetch
from salesdiag.narrow import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis

_WIDTH = {"Rep": 2, "Scorer": 2, "Account": 4}  # digits at least


def key_of(tables: Mapping[str, ibis.Table]) -> str:
    """Make a key from figures of all deals, on which the order of the neutral names depends.

    The same data give the same key; who knows the names but not the data cannot make it, and
    so cannot find the order again.
    """
    deals = tables["deals"]
    digest = hashlib.sha256()
    for column in ("rep_id", "account_id"):
        keys = [column] if column in deals.columns else []
        for row in sorted(_figures(deals, keys), key=str):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def _figures(deals: ibis.Table, keys: list[str]) -> list[tuple[str, ...]]:
    sums: dict[str, Any] = {"n": _.count()}
    if "amount" in deals.columns:
        sums["total"] = _.amount.sum()
    if "created_at" in deals.columns:
        sums |= {"first": _.created_at.min(), "last": _.created_at.max()}
    rows = deals.group_by(keys).agg(**sums) if keys else deals.aggregate(**sums)
    return [tuple(_plain(value) for value in row.values()) for row in rows.to_pyarrow().to_pylist()]


def _plain(value: object) -> str:
    """Write a figure alike, whichever engine it comes from."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return f"{value:.4f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def numbered(ids: Iterable[str], kind: str, key: str) -> dict[str, str]:
    """Give each id a number in an order made from the key.

    >>> numbered(["anna", "boris"], "Rep", "any key")
    {'boris': 'Rep 01', 'anna': 'Rep 02'}
    """
    ordered = sorted(set(ids), key=lambda one: (_hash(key, kind, one), one))
    width = max(_WIDTH[kind], len(str(len(ordered))))
    return {one: f"{kind} {number:0{width}d}" for number, one in enumerate(ordered, start=1)}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def rep_names(tables: Mapping[str, ibis.Table], key: str) -> dict[str, str]:
    """Name everybody whom a table refers to as a rep, and those who scored calls."""
    ids: set[str] = set()
    scorers: set[str] = set()
    for name, table in tables.items():
        for column in rep_columns(name):
            if column in table.columns:
                found = _distinct(_of_reps(name, table, column), column)
                (scorers if column == "scored_by" else ids).update(found)
    # rows without a rep count under this word, whether or not it is written
    names = numbered(ids - {UNASSIGNED}, "Rep", key) | {UNASSIGNED: UNASSIGNED}
    known = _by_name(tables, names)
    names |= {one: known[one] for one in scorers - set(names) if one in known}
    return names | numbered(scorers - set(names), "Scorer", key)


def _of_reps(name: str, table: ibis.Table, column: str) -> ibis.Table:
    """Leave the rows in which a column holds the key of a rep."""
    if (name, column) not in REPS_IN_ROWS:
        return table
    other, value = REPS_IN_ROWS[name, column]
    return table.filter(table[other] == value)


def _by_name(tables: Mapping[str, ibis.Table], names: Mapping[str, str]) -> dict[str, str]:
    """Give the neutral name of each rep by the true one, where only one rep bears it."""
    if "reps" not in tables or "rep_name" not in tables["reps"].columns:
        return {}
    reps = tables["reps"].filter(_.rep_name.notnull() & _.rep_id.notnull())
    frame = fetch(reps.select("rep_id", "rep_name").distinct())
    alone = frame[~frame["rep_name"].duplicated(keep=False)]
    return {one: names[rep] for rep, one in zip(alone["rep_id"], alone["rep_name"], strict=True)}


def account_names(tables: Mapping[str, ibis.Table], key: str) -> dict[str, str]:
    """Name every account that a table refers to."""
    ids: set[str] = set()
    for table in tables.values():
        for column in ACCOUNTS:
            if column in table.columns:
                ids |= _distinct(table, column)
    kept = {UNASSIGNED: UNASSIGNED} if UNASSIGNED in ids else {}
    return numbered(ids - {UNASSIGNED}, "Account", key) | kept


def _distinct(table: ibis.Table, column: str) -> set[str]:
    rows = table.select(column).distinct().to_pyarrow().column(column)
    return {str(one) for one in rows.to_pylist() if one is not None}
