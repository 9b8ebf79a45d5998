"""Rules of `check` that look at sets of rows: repeated keys, and many entries at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from ibis import _

if TYPE_CHECKING:
    import ibis

    from salesdiag.department import Department
    from salesdiag.schema import Table

# nobody enters so many by hand within one minute
_BATCH = 20
# so few different days a month are dates of batches, not of deals
_DAYS_A_MONTH = 3
_ENOUGH = 200
_BATCHED = (
    ("deals", "created_at", "created in one minute with many others"),
    ("deals", "closed_at", "closed in one minute with many others"),
    ("stage_changes", "entered_at", "moved in one minute with many others"),
)


def one_row(aggregate: ibis.Table) -> dict[str, Any]:
    """Fetch a table of one row as plain values."""
    row: dict[str, Any] = aggregate.to_pyarrow().to_pylist()[0]
    return row


def _key_of(table: ibis.Table, spec: Table) -> list[str]:
    return [column for column in spec.key if column in table.columns]


def key_findings(
    table: ibis.Table, spec: Table, n_rows: int, *, is_unique: bool
) -> list[dict[str, Any]]:
    """Count the rows whose key another row has too; the reader may have seen to it already."""
    key = _key_of(table, spec)
    if not key:
        return []
    n_again, examples = 0, ""
    if not is_unique:
        repeated = table.group_by(key).agg(n=_.count()).filter(_.n > 1)
        ends = one_row(
            repeated.aggregate(n=_.n.sum(), keys=_.count(), first=_[key[0]].min(),
                               last=_[key[0]].max())
        )  # fmt: skip
        n_again = int(ends["n"] or 0) - int(ends["keys"])
        named = [str(one) for one in (ends["first"], ends["last"]) if one is not None]
        examples = ", ".join(dict.fromkeys(named))
    return [{
        "table": spec.name, "column": ", ".join(key), "rule": "repeated key", "severity": "error",
        "n_examined": n_rows, "n_failing": n_again, "examples": examples,
        "effect": "the same thing is counted more than once",
    }]  # fmt: skip


def batch_findings(department: Department) -> list[dict[str, Any]]:
    """Count entries made in bulk, and closings that fall on few days only."""
    rows = []
    for name, column, rule in _BATCHED:
        if department.has(name, column):
            table = department.table(name).filter(_[column].notnull())
            rows.append(_same_minute(table, name, column, rule))
    if department.has("deals", "closed_at"):
        rows.append(_few_days(department.table("deals").filter(_.closed_at.notnull())))
    return rows


def _same_minute(table: ibis.Table, name: str, column: str, rule: str) -> dict[str, Any]:
    minute = table[column].truncate("m")
    # dates without a time of day all stand at midnight
    crowded = (_.n >= _BATCH) & (_.minute != _.minute.truncate("D"))
    found = one_row(
        table.group_by(minute=minute)
        .agg(n=_.count())
        .aggregate(rows=_.n.sum(), crowded=_.n.sum(where=crowded),
                   first=_.minute.min(where=crowded), last=_.minute.max(where=crowded))
    )  # fmt: skip
    ends = [moment for moment in (found["first"], found["last"]) if moment is not None]
    examples = ", ".join(dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in ends))
    return {
        "table": name, "column": column, "rule": rule, "severity": "warning",
        "n_examined": int(found["rows"] or 0), "n_failing": int(found["crowded"] or 0),
        "examples": examples,
        "effect": "entered by an import or a bulk edit: the moment is not when it happened",
    }  # fmt: skip


def _few_days(closed: ibis.Table) -> dict[str, Any]:
    found = one_row(
        closed.aggregate(n=_.count(), days=_.closed_at.date().nunique(),
                         months=_.closed_at.truncate("M").nunique())
    )  # fmt: skip
    n_rows = int(found["n"])
    few = n_rows >= _ENOUGH and found["days"] <= _DAYS_A_MONTH * found["months"]
    return {
        "table": "deals", "column": "closed_at", "rule": "closings fall on a few days only",
        "severity": "warning", "n_examined": n_rows, "n_failing": n_rows if few else 0,
        "examples": f"{int(found['days'])} days in {int(found['months'])} months",
        "effect": "these are dates of batches: nothing finer than a month has a meaning",
    }  # fmt: skip


def target_findings(department: Department) -> list[dict[str, Any]]:
    """Count targets of reps and teams that do not exist, and periods that overlap."""
    if not department.has("targets", "id"):
        return []
    targets = department.fetch("targets")
    rows = []
    for level, column in (("rep", "rep_id"), ("team", "team")):
        if department.has("reps", column):
            known = set(department.fetch("reps")[column].dropna())
            own = targets[targets["level"] == level]
            strange = own[~own["id"].isin(known)]
            rows.append(_of_targets(
                "id", f"of a {level} that reps do not list", "error", len(own), strange["id"],
                "the target enters the plan, but no sale can count towards it",
            ))  # fmt: skip
    overlap = _overlapping(targets)
    rows.append(_of_targets(
        "period_start", "begins inside the period before", "error", len(targets), overlap["id"],
        "a sale in both periods counts towards two targets of the same kind",
    ))  # fmt: skip
    return rows


def _of_targets(
    column: str, rule: str, severity: str, n_rows: int, ids: pd.Series, effect: str
) -> dict[str, Any]:
    named = sorted(ids.dropna().astype(str))
    return {
        "table": "targets", "column": column, "rule": rule, "severity": severity,
        "n_examined": n_rows, "n_failing": len(ids),
        "examples": ", ".join(dict.fromkeys([*named[:1], *named[-1:]])), "effect": effect,
    }  # fmt: skip


def _overlapping(targets: pd.DataFrame) -> pd.DataFrame:
    """Give the targets that begin before the one of about the same length before them ends."""
    kinds = ["level", "id", "metric", "months"]
    start, end = (pd.to_datetime(targets[name]) for name in ("period_start", "period_end"))
    months = (((end - start).dt.days + 1) / 30.4).round()
    frame = targets.assign(id=targets["id"].fillna(""), start=start, end=end, months=months)
    frame = frame.drop_duplicates([*kinds, "start", "end"]).sort_values([*kinds, "start"])
    before = frame.groupby(kinds)["end"].shift()
    return frame[frame["start"] <= before]
