"""`check`: one table of everything that is wrong with the data, and what it does."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

import ibis
import pandas as pd
from ibis import _

from salesdiag.analyses.check.rules import (
    SET_ASIDE_ON_READING,
    Bounds,
    Rule,
    reference_columns,
    reference_rule,
    rules_of,
)
from salesdiag.analyses.check.sets import batch_findings, key_findings, one_row, target_findings
from salesdiag.engine import fetch
from salesdiag.schema import TABLES
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from salesdiag.department import Department
    from salesdiag.schema import Column

COLUMNS = ["table", "column", "rule", "severity", "n_examined", "n_failing", "failing_share",
           "examples", "effect"]  # fmt: skip
_ORDER = {"error": 0, "warning": 1, "info": 2}
# closings that begin this many days after creations are missing at the start, not late
_LATE_START_DAYS = 60
_ENOUGH_CYCLES = 30  # closings from which the longest cycle, or the usual amount, is told
_ABSURD = 1000.0  # times the median
# facts of the load report that tell of something wrong
_LOAD_TOPICS = {
    "rows set aside": ("error", "the rows are in no figure"),
    "value not readable": ("warning", "the values are missing in every figure of the column"),
    "unknown value": ("warning", "the value stands for nothing known"),
    "repeated key": ("error", "the first row was kept, the others set aside"),
    "uneven row": ("warning", "the row was set aside"),
}


def check(department: Department, *, include_passed: bool = False) -> pd.DataFrame:
    """List everything that is wrong with the data of a department.

    The rules of a table are counted in one pass over it. What the reader of the files had
    to set aside or could not read is listed too, so that this is the whole account.

    Parameters
    ----------
    department : Department
        Not modified.
    include_passed : bool, default False
        Also list the rules that no row fails.

    Returns
    -------
    DataFrame
        One row per rule that fails, errors first:

        - ``table``, ``column``, ``rule`` : what was looked at;
        - ``severity`` : "error" (figures are wrong), "warning" (figures may mislead), "info";
        - ``n_examined`` : rows that the rule speaks of; ``n_failing`` : those that fail it;
        - ``failing_share`` : their ratio, in [0, 1]; NaN where nothing was examined;
        - ``examples`` : the first and the last id that fail it;
        - ``effect`` : what it does to the analyses.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["won", "open"],
    ...     "created_at": pd.to_datetime(["2025-02-01", "2025-02-01"]),
    ...     "closed_at": pd.to_datetime(["2025-01-31", None]),
    ... })
    >>> check(Department(deals=deals, as_of="2025-02-01"))[["rule", "n_failing", "examples"]]
                        rule  n_failing examples
    0  closed before created          1        A
    """
    bounds = _bounds(department)
    stage_status = _stage_status(department)
    there = {name: tuple(department.table(name).columns) for name in department.tables}
    rows: list[dict[str, Any]] = []
    for name in department.tables:
        rows += _check_rows(department, name, there, bounds, stage_status)
    rows += batch_findings(department)
    rows += target_findings(department)
    rows += _from_load_report(department)
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "failing_share"])
    table["failing_share"] = ratio(table["n_failing"].astype(float), table["n_examined"])
    if not include_passed:
        table = table[table["n_failing"] > 0]
    order = table["severity"].map(_ORDER)
    table = table.assign(order=order).sort_values(
        ["order", "failing_share", "table", "column", "rule"],
        ascending=[True, False, True, True, True],
    )
    return table[COLUMNS].reset_index(drop=True)


def _check_rows(
    department: Department,
    name: str,
    there: dict[str, tuple[str, ...]],
    bounds: Bounds,
    stage_status: dict[str, str],
) -> list[dict[str, Any]]:
    """Count all row rules of a table in one pass over it."""
    table = department.table(name)
    spec = TABLES[name]
    rules = rules_of(spec, bounds, stage_status, there[name])
    how = _how_read(department, name)
    if how:  # rows without mandatory or with unknown values are set aside
        rules = [rule for rule in rules if rule.name not in SET_ASIDE_ON_READING]
    rules = [rule for rule in rules if all(need in table.columns for need in rule.needs)]
    links: dict[int, tuple[str, Column]] = {}
    for column in reference_columns(name, there):
        flag = f"found_{len(links)}"
        links[len(rules)] = (flag, column)
        rules.append(reference_rule(name, column, flag))
    if not rules:
        return []
    identity = spec.key[0] if spec.key and spec.key[0] in table.columns else spec.required[0]
    linked = _linked(department, table, list(links.values()))
    found = one_row(linked.aggregate(**_counts(linked, rules, bounds)))
    failed = {index: rule for index, rule in enumerate(rules) if found[f"n {index}"]}
    linked = _linked(department, table, [links[index] for index in failed if index in links])
    named = _examples(linked, failed, bounds, identity)
    rows = [
        {
            "table": name, "column": rule.column, "rule": rule.name, "severity": rule.severity,
            "n_examined": found[f"of {rule.examined}"], "n_failing": found[f"n {index}"],
            "examples": named.get(index, ""), "effect": rule.effect,
        }
        for index, rule in enumerate(rules)
    ]  # fmt: skip
    # of a file read in place the keys were left as they are
    is_unique = how == "copied"
    return [*rows, *key_findings(table, spec, found["of rows"], is_unique=is_unique)]


def _how_read(department: Department, name: str) -> Literal["", "copied", "in place"]:
    """Tell how `load` came by a table: not at all, row by row, or left where it is."""
    report = department.load_report
    if report is None or name not in set(report["table"]):
        return ""
    formats = report[(report["table"] == name) & (report["topic"] == "format")]
    return "in place" if formats["item"].str.endswith("read in place").any() else "copied"


def _linked(
    department: Department, table: ibis.Table, links: list[tuple[str, Column]]
) -> ibis.Table:
    """Say beside each row whether the keys it refers to are there, null where they are not."""
    flags = {}
    for flag, column in links:
        home = department.table(column.refers_to)
        key = column.refers_to.rstrip("s") + "_id" if column.refers_to != "activities" else ""
        key = {"stages": "stage", "activities": "activity_id"}.get(column.refers_to, key)
        # not nullif, which DuckDB spells out so that each key is looked up twice
        known = home.filter(home[key].notnull())[key]
        flags[flag] = ibis.ifelse(table[column.name].isin(known), 1, ibis.null())
    return table.mutate(**flags) if flags else table


def _counts(table: ibis.Table, rules: list[Rule], bounds: Bounds) -> dict[str, ibis.Scalar]:
    counts: dict[str, ibis.Scalar] = {"of rows": table.count()}
    for index, rule in enumerate(rules):
        if f"of {rule.examined}" not in counts:
            counts[f"of {rule.examined}"] = _examined(table, rule.examined)
        counts[f"n {index}"] = table.count(where=rule.failing(table, bounds))
    return counts


def _examined(table: ibis.Table, what: str) -> ibis.Scalar:
    if what.startswith("status: "):
        return table.count(where=table.status == what.removeprefix("status: "))
    return table[what].count()


def _examples(
    table: ibis.Table, failed: dict[int, Rule], bounds: Bounds, identity: str
) -> dict[int, str]:
    """Fetch the first and the last id of the rules that some row fails."""
    if not failed:
        return {}
    fails = {f"fails {index}": rule.failing(table, bounds) for index, rule in failed.items()}
    rows = table.select(key=table[identity].cast("string"), **fails)
    # few rows fail anything, and only their ids need comparing
    rows = rows.filter(reduce(or_, [rows[name] for name in fails]))
    ends = {}
    for index in failed:
        ends[f"first {index}"] = rows.key.min(where=rows[f"fails {index}"])
        ends[f"last {index}"] = rows.key.max(where=rows[f"fails {index}"])
    ids = one_row(rows.aggregate(**ends))
    pairs = {index: (ids[f"first {index}"], ids[f"last {index}"]) for index in failed}
    return {
        index: ", ".join(dict.fromkeys(one for one in pair if one is not None))
        for index, pair in pairs.items()
    }


def _bounds(department: Department) -> Bounds:
    """Take from the deals what their own rules are held against."""
    if not department.has("deals", "created_at", "closed_at"):
        return Bounds(department.as_of, currency=_currency(department),
                      absurd_amount=_absurd_amount(department))  # fmt: skip
    deals = department.table("deals").filter(_.status != "open")
    cycle = deals.closed_at.date().delta(deals.created_at.date(), unit="day")
    # a cycle that a slip made, below zero or from a mistyped year, is no measure of the others
    sound = (deals.closed_at.date() <= department.as_of) & (cycle >= 0)
    sound &= deals.created_at.date() >= ibis.date(1990, 1, 1)
    found = one_row(
        deals.aggregate(
            longest=cycle.max(where=sound),
            n_cycles=cycle.count(where=sound),
            first_closed=deals.closed_at.min(),
            first_created=deals.created_at.min(),
        )
    )
    first_closed, first_created = found["first_closed"], found["first_created"]
    late = False
    if first_closed is not None and first_created is not None:
        late = (first_closed - first_created).days > _LATE_START_DAYS
    entry = None
    if department.has("stage_changes", "entered_at"):
        earliest = department.table("stage_changes").entered_at.min().execute()
        entry = earliest.date() if pd.notna(earliest) else None
    return Bounds(
        department.as_of,
        longest_cycle_days=found["longest"] if found["n_cycles"] >= _ENOUGH_CYCLES else None,
        first_closed_on=first_closed.date() if first_closed is not None else None,
        first_entry_on=entry,
        truncated=late,
        currency=_currency(department),
        absurd_amount=_absurd_amount(department),
    )


def _currency(department: Department) -> str:
    """Give the currency that the amounts should be in: the department's, else the commonest."""
    if department.currency or not department.has("deals", "currency"):
        return department.currency.upper()
    deals = department.table("deals").filter(_.currency.notnull())
    counts = fetch(deals.group_by(code=_.currency.upper()).agg(n=_.count()))
    common = counts.sort_values(["n", "code"], ascending=[False, True])
    return str(common["code"].iloc[0]) if len(common) else ""


def _absurd_amount(department: Department) -> float | None:
    """Give the amount beyond which a deal is more likely a slip of the keyboard."""
    if not department.has("deals", "amount"):
        return None
    deals = department.table("deals").filter(_.amount > 0)
    found = one_row(deals.aggregate(n=_.count(), median=_.amount.cast("float64").median()))
    return _ABSURD * float(found["median"]) if found["n"] >= _ENOUGH_CYCLES else None


def _stage_status(department: Department) -> dict[str, str]:
    """Tell what each stage means, where one name means one thing."""
    if not department.has("stages", "status"):
        return {}
    stages = department.fetch("stages").dropna(subset="status")
    meanings = stages.groupby("stage")["status"].agg(["first", "nunique"])
    clear = meanings[meanings["nunique"] == 1]
    return {str(stage): str(status) for stage, status in clear["first"].items()}


def _from_load_report(department: Department) -> list[dict[str, Any]]:
    """Turn what the reader of the files reported into rows of the check."""
    report = department.load_report
    if report is None:
        return []
    read = report[report["topic"] == "rows read"].set_index("table")["n_rows"].to_dict()
    rows = []
    for fact in report[report["topic"].isin(list(_LOAD_TOPICS))].to_dict("records"):
        topic, item, detail = fact["topic"], fact["item"], fact["detail"]
        severity, effect = _LOAD_TOPICS[topic]
        aside = topic == "rows set aside"
        harmless = aside and (detail or "blank" in item or "footer" in item)
        if aside and item.startswith("joined"):
            effect = "the row is part of the one it was joined to"
        n_rows = fact["n_rows"]
        rows.append({
            "table": fact["table"], "column": "" if aside else item,
            "rule": f"set aside: {item}" if aside else f"{topic}: {detail}",
            "severity": "info" if harmless else severity,
            "n_examined": int(read.get(fact["table"], 0)),
            "n_failing": 0 if pd.isna(n_rows) else int(n_rows),
            "examples": "", "effect": effect,
        })  # fmt: skip
    return rows
