"""The rules of `check`: what must hold in each table, and what it costs where it does not.

A rule that the schema already says (a value is mandatory, allowed, within bounds, not after
the end of the data, refers to another table) is derived from it; the others are listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Literal

import ibis

from salesdiag.schema import TABLES, Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

Severity = Literal["error", "warning", "info"]

# plans and deadlines may lie ahead; what happened may not
_AHEAD = {"due_at", "next_activity_at", "expected_close_on", "left_on", "period_start",
          "period_end", "on", "hired_on"}  # fmt: skip
# rules that rows read by `load` cannot fail: such rows are set aside and listed as that
SET_ASIDE_ON_READING = ("missing", "value not allowed")
# what an activity can belong to
_LINKS = ("deal_id", "lead_id", "account_id")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the rules of the deals are held against, taken from the deals themselves."""

    as_of: date
    longest_cycle_days: int | None = None  # of the deals that were closed
    first_closed_on: date | None = None
    first_entry_on: date | None = None  # of the stage history
    truncated: bool = False  # closings begin long after creations
    currency: str = ""
    absurd_amount: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which rows fail it, of which rows, and what that does to the analyses."""

    table: str
    column: str
    name: str
    severity: Severity
    effect: str
    needs: tuple[str, ...]
    failing: Callable[[Any, Bounds], Any]
    examined: str = "rows"  # of all rows, of those with a value in a column, or "status: open"


def rules_of(
    spec: Table, bounds: Bounds, stage_status: dict[str, str], there: tuple[str, ...] = ()
) -> list[Rule]:
    """List the rules of a table, of which the columns ``there`` exist."""
    rules = [rule for column in spec.columns for rule in _from_schema(spec.name, column)]
    rules += [rule for rule in _OWN if rule.table == spec.name]
    if spec.name == "deals":
        rules += _of_deals(bounds, stage_status)
    links = [link for link in _LINKS if link in there]
    if spec.name == "activities" and links:
        rules.append(Rule(
            "activities", ", ".join(links), "belongs to nothing", "warning",
            "effort that cannot be held against any result", (),
            lambda t, _b: reduce(and_, [t[link].isnull() for link in links]),
        ))  # fmt: skip
    return rules


def _from_schema(table: str, column: Column) -> Iterator[Rule]:
    name = column.name
    if column.required:
        yield Rule(table, name, "missing", "error", "the row cannot be used", (name,),
                   lambda t, _b: t[name].isnull())  # fmt: skip
    if column.allowed:
        yield Rule(table, name, "value not allowed", "error",
                   f"allowed are {', '.join(column.allowed)}", (name,),
                   lambda t, _b: t[name].notnull() & ~t[name].isin(column.allowed),
                   name)  # fmt: skip
    if column.low is not None:
        yield Rule(table, name, f"below {column.low:g}", "warning",
                   "sums and averages of it are distorted", (name,),
                   lambda t, _b: t[name] < column.low, name)  # fmt: skip
    if column.high is not None:
        yield Rule(table, name, f"above {column.high:g}", "warning",
                   "sums and averages of it are distorted", (name,),
                   lambda t, _b: t[name] > column.high, name)  # fmt: skip
    if column.type in ("time", "date") and name not in _AHEAD:
        yield Rule(table, name, "after the end of the data", "warning",
                   "a date mistyped, or as_of is too early; cohorts and waits are distorted",
                   (name,), lambda t, b: t[name].cast("date") > b.as_of,
                   name)  # fmt: skip


def reference_rule(table: str, column: Column, flag: str) -> Rule:
    """Say that a value must be a key of another table; ``flag`` is null where it is not."""
    name = column.name
    return Rule(
        table, name, f"not found in {column.refers_to}",
        "warning", f"the row is not counted by columns of {column.refers_to}", (name,),
        lambda t, _b: t[name].notnull() & t[flag].isnull(), name,
    )  # fmt: skip


def _no_amount(table: Any) -> Any:  # noqa: ANN401
    return table.amount.isnull() | (table.amount == 0)


_OWN = (
    Rule("deals", "closed_at", "closed before created", "error",
         "the cycle is negative: it counts as a cycle of no days", ("closed_at", "created_at"),
         # by day: many systems keep no clock time of the closing
         lambda t, _b: t.closed_at.date() < t.created_at.date(),
         "closed_at"),
    Rule("deals", "closed_at", "open, but with a closing date", "warning",
         "counted as open; if it is closed, the win rate lacks it", ("status", "closed_at"),
         lambda t, _b: (t.status == "open") & t.closed_at.notnull(), "status: open"),
    Rule("deals", "closed_at", "won without a closing date", "error",
         "belongs to no period: missing in attainment and in win rates of a window",
         ("status", "closed_at"),
         lambda t, _b: (t.status == "won") & t.closed_at.isnull(), "status: won"),
    Rule("deals", "closed_at", "lost without a closing date", "warning",
         "belongs to no period: win rates of a window read too high", ("status", "closed_at"),
         lambda t, _b: (t.status == "lost") & t.closed_at.isnull(), "status: lost"),
    Rule("deals", "created_at", "without a creation date", "warning",
         "left out of every analysis that starts from creation", ("created_at",),
         lambda t, _b: t.created_at.isnull()),
    Rule("deals", "rep_id", "without a rep", "warning",
         'counted under the rep "unassigned"', ("rep_id",), lambda t, _b: t.rep_id.isnull()),
    Rule("deals", "account_id", "without an account", "info",
         "missing in every analysis by customer", ("account_id",),
         lambda t, _b: t.account_id.isnull()),
    Rule("deals", "amount", "won without an amount", "error",
         "revenue reads too low", ("status", "amount"),
         lambda t, _b: (t.status == "won") & _no_amount(t), "status: won"),
    Rule("deals", "amount", "lost without an amount", "warning",
         "the win rate by value reads too high; below half it is refused",
         ("status", "amount"), lambda t, _b: (t.status == "lost") & _no_amount(t), "status: lost"),
    Rule("deals", "amount", "open without an amount", "info",
         "the pipeline reads too small", ("status", "amount"),
         lambda t, _b: (t.status == "open") & _no_amount(t), "status: open"),
    Rule("deals", "amount", "net price above list price", "info",
         "a negative discount: price realisation reads too high", ("amount", "list_amount"),
         lambda t, _b: t.amount > t.list_amount,
         "list_amount"),
    Rule("deals", "expected_close_on", "open past its expected close", "info",
         "nobody keeps the date up: forecasts by date are not to be trusted",
         ("status", "expected_close_on"),
         lambda t, b: (t.status == "open") & (t.expected_close_on < b.as_of), "status: open"),
    Rule("deals", "loss_reason", "lost without a reason", "info",
         "loss reasons speak for the others only", ("status", "loss_reason"),
         lambda t, _b: (t.status == "lost") & t.loss_reason.isnull(), "status: lost"),
    Rule("leads", "first_response_at", "answered before it came in", "warning",
         "response times are distorted", ("first_response_at", "created_at"),
         lambda t, _b: t.first_response_at.date() < t.created_at.date(),
         "first_response_at"),
    Rule("leads", "deal_id", "converted, but without a deal", "warning",
         "the way from lead to deal cannot be followed", ("status", "deal_id"),
         lambda t, _b: (t.status == "converted") & t.deal_id.isnull(),
         "status: converted"),
    Rule("leads", "rep_id", "without a rep", "info", 'counted under the rep "unassigned"',
         ("rep_id",), lambda t, _b: t.rep_id.isnull()),
    Rule("activities", "rep_id", "without a rep", "warning",
         'counted under the rep "unassigned"', ("rep_id",), lambda t, _b: t.rep_id.isnull()),
    Rule("reps", "left_on", "left before hired", "error", "selling days are negative",
         ("left_on", "hired_on"), lambda t, _b: t.left_on < t.hired_on,
         "left_on"),
    Rule("reps", "team", "without a team", "info", 'counted under the team "unassigned"',
         ("team",), lambda t, _b: t.team.isnull()),
    Rule("targets", "period_end", "period ends before it starts", "error",
         "the target belongs to no period", ("period_start", "period_end"),
         lambda t, _b: t.period_end < t.period_start),
    Rule("line_items", "unit_price", "net price above list price", "info",
         "a negative discount: price realisation reads too high", ("unit_price", "list_price"),
         lambda t, _b: t.unit_price > t.list_price),
)  # fmt: skip


def _of_deals(bounds: Bounds, stage_status: dict[str, str]) -> list[Rule]:
    """List the rules that need to know the deals, their history and their stages."""
    rules = []
    if bounds.longest_cycle_days is not None:
        longest = bounds.longest_cycle_days
        rules.append(Rule(
            "deals", "created_at", "open longer than any deal that ever closed", "warning",
            f"no deal closed after more than {longest} days; such deals are most likely dead",
            ("status", "created_at"),
            lambda t, b: (t.status == "open")
            & (ibis.literal(b.as_of).delta(t.created_at.date(), unit="day") > longest),
            "status: open",
        ))  # fmt: skip
    if bounds.truncated and bounds.first_closed_on is not None:
        first = bounds.first_closed_on
        rules.append(Rule(
            "deals", "created_at", "created before the first closing in the data", "warning",
            f"closings start on {first}: of these deals only those that lasted are seen, so "
            "their win rate and cycle read too high (left truncation)", ("created_at",),
            lambda t, _b: t.created_at.date() < first, "created_at",
        ))  # fmt: skip
    if bounds.first_entry_on is not None:
        entry = bounds.first_entry_on
        rules.append(Rule(
            "deals", "created_at", "created before the stage history starts", "warning",
            f"the stage history starts on {entry}: earlier moves are not seen (left truncation)",
            ("created_at",),
            lambda t, _b: t.created_at.date() < entry, "created_at",
        ))  # fmt: skip
    if bounds.absurd_amount is not None:
        most = bounds.absurd_amount
        rules.append(Rule(
            "deals", "amount", "absurdly large", "warning",
            f"more than a thousand times the usual amount ({most:,.0f}): one such slip outweighs "
            "all other deals", ("amount",), lambda t, _b: t.amount.cast("float64") > most, "amount",
        ))  # fmt: skip
    for status in ("open", "won", "lost"):
        wrong = [stage for stage, means in stage_status.items() if means != status]
        rules.append(_stage_rule(status, wrong))
    if bounds.currency:
        rules.append(Rule(
            "deals", "currency", f"not in {bounds.currency}", "warning",
            "amounts of several currencies cannot be added up without rates", ("currency",),
            lambda t, b: t.currency.upper() != b.currency, "currency",
        ))  # fmt: skip
    return rules


def _stage_rule(status: str, wrong: list[str]) -> Rule:
    return Rule(
        "deals", "stage", f"{status}, but in a stage that means otherwise", "warning",
        "status and stage contradict each other; the status is used", ("status", "stage"),
        lambda t, _b: (t.status == status) & t.stage.isin(wrong),
        f"status: {status}",
    )  # fmt: skip


def reference_columns(name: str, there: dict[str, tuple[str, ...]]) -> list[Column]:
    """List the columns of a table that name rows of another table that is there."""
    spec = TABLES[name]
    return [
        column
        for column in spec.columns
        if column.refers_to and column.name in there[name] and column.refers_to in there
    ]
