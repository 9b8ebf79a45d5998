"""The canonical tables: every column once, with type, unit, meaning and allowed values.

Reading, checking and documentation are derived from `TABLES`; nothing else in the package
lists columns. Types:

- ``text``; ids are text too, whatever they look like;
- ``time``: a moment in the department's time zone, stored without zone;
- ``date``: a calendar day;
- ``money``: an exact decimal in the department's currency (four digits after the mark, so
  that sums do not depend on the order of the rows);
- ``number``: a float; ``count``: a whole number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "time", "date", "money", "number", "count"]

# The types as Ibis spells them. 18 digits fit a 64-bit integer in the engines, so exact
# money costs no more than floats.
IBIS_TYPES: dict[str, str] = {
    "text": "string",
    "time": "timestamp",
    "date": "date",
    "money": "decimal(18, 4)",
    "number": "float64",
    "count": "int64",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table."""

    name: str
    type: Type
    meaning: str
    required: bool = False  # never null
    unit: str = ""
    allowed: tuple[str, ...] = ()
    low: float | None = None  # the least and the largest value that make sense
    high: float | None = None
    refers_to: str = ""  # the table whose key it holds
    otherwise: str = ""  # what an unknown value becomes, if not null


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    ask_for: str  # the export that brings it

    def column(self, name: str) -> Column | None:
        """Find a column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that may never be null."""
        return tuple(column.name for column in self.columns if column.required)


STATUSES = ("open", "won", "lost")
ACTIVITY_TYPES = ("call", "email", "meeting", "task", "message", "note", "other")
LEAD_STATUSES = ("new", "working", "qualified", "disqualified", "converted")
TARGET_LEVELS = ("department", "team", "rep", "territory", "product", "segment")
METRICS = ("revenue", "deals_won", "new_deals", "activities", "margin")


def _id(name: str, meaning: str, *, refers_to: str = "", required: bool = False) -> Column:
    return Column(name, "text", meaning, required=required, refers_to=refers_to)


def _text(name: str, meaning: str, **rules: object) -> Column:
    return Column(name, "text", meaning, **rules)  # type: ignore[arg-type]


def _time(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "time", meaning, required=required)


def _date(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, "date", meaning, required=required)


def _money(name: str, meaning: str, *, required: bool = False, low: float | None = 0) -> Column:
    return Column(name, "money", meaning, required=required, unit="department currency", low=low)


_REP = _id("rep_id", "the seller", refers_to="reps")
_DEAL = _id("deal_id", "the deal", refers_to="deals")
_ACCOUNT = _id("account_id", "the customer", refers_to="accounts")
_PERIOD = (
    _date("period_start", "first day of the period", required=True),
    _date("period_end", "last day of the period, included", required=True),
)
_PROBABILITY = Column("probability", "number", "chance to win that the CRM holds",
                      unit="share", low=0, high=1)  # fmt: skip

_TABLES = (
    Table(
        "deals",
        "one row a deal, as it stands at the end of the data",
        ("deal_id",),
        (
            _id("deal_id", "key of the deal", required=True),
            _text("status", "how it stands", required=True, allowed=STATUSES),
            _time("created_at", "when it was entered; null is kept and counted"),
            _text("stage", "the stage it is in now"),
            _time("closed_at", "when it was won or lost; null while open"),
            _id("rep_id", "the seller who has it now", refers_to="reps"),
            _ACCOUNT,
            _id("lead_id", "the lead it came from", refers_to="leads"),
            _text("pipeline", "the pipeline it runs in"),
            _text("source", "where the business came from"),
            _text("segment", "kind of customer or business"),
            _text("product", "what is sold"),
            _money("amount", "net price"),
            _money("list_amount", "price before discount"),
            _money("cost_amount", "what it costs to deliver"),
            _text("currency", "ISO code of the amounts as exported"),
            _date("expected_close_on", "when the rep expects to close"),
            _PROBABILITY,
            _text("loss_reason", "why it was lost"),
            _time("next_activity_at", "the next planned activity"),
            _id("merged_into_id", "the deal it was merged into", refers_to="deals"),
        ),
        "an export of all deals (open, won and lost) with id, status, dates, owner and amount",
    ),
    Table(
        "stage_changes",
        "one row each time a deal entered a stage",
        ("deal_id", "stage", "entered_at"),
        (
            _id("deal_id", "the deal", refers_to="deals", required=True),
            _text("stage", "the stage entered", required=True, refers_to="stages"),
            _time("entered_at", "when it was entered", required=True),
            _id("rep_id", "the seller who had the deal then", refers_to="reps"),
            _text("pipeline", "the pipeline then"),
        ),
        "the stage history of the deals: deal, stage entered, time of entry",
    ),
    Table(
        "stages",
        "the stages a deal can be in, in selling order",
        ("pipeline", "stage"),
        (
            _text("stage", "name of the stage", required=True),
            Column("position", "count", "1, 2, ... in selling order", required=True, low=1),
            _text("pipeline", "the pipeline it belongs to"),
            _text("status", "what a deal in it is", allowed=STATUSES),
            _PROBABILITY,
        ),
        "the list of stages in selling order, with which of them mean won or lost",
    ),
    Table(
        "activities",
        "one row for each call, e-mail, meeting or task",
        ("activity_id",),
        (
            _id("activity_id", "key of the activity", required=True),
            _text("activity_type", "what was done", required=True, allowed=ACTIVITY_TYPES,
                  otherwise="other"),
            _time("occurred_at", "when it happened", required=True),
            _REP,
            _DEAL,
            _id("lead_id", "the lead", refers_to="leads"),
            _ACCOUNT,
            _text("direction", "who started it", allowed=("inbound", "outbound")),
            _text("outcome", "how it ended: connected, no_answer, held, no_show, ..."),
            Column("duration_seconds", "number", "how long it took", unit="seconds", low=0,
                   high=86_400),
            _time("due_at", "when it was due"),
            _time("completed_at", "when it was ticked off"),
            _time("logged_at", "when it was written down"),
        ),
        "an export of calls, meetings and tasks with date, owner and deal",
    ),
    Table(
        "leads",
        "one row a lead",
        ("lead_id",),
        (
            _id("lead_id", "key of the lead", required=True),
            _time("created_at", "when it came in", required=True),
            _REP,
            _text("source", "where it came from"),
            _text("segment", "kind of customer or business"),
            _time("first_response_at", "first human contact; null: never"),
            _time("qualified_at", "when it was qualified"),
            _id("deal_id", "the deal it became", refers_to="deals"),
            _text("status", "how it stands", allowed=LEAD_STATUSES),
            _text("disqualify_reason", "why it was dropped"),
            _money("cost_amount", "what it cost"),
        ),
        "an export of leads with source, owner, time of arrival and time of first contact",
    ),
    Table(
        "reps",
        "one row a seller",
        ("rep_id",),
        (
            _id("rep_id", "key of the seller", required=True),
            _text("rep_name", "name"),
            _text("team", "team"),
            _id("manager_id", "the seller's manager", refers_to="reps"),
            _text("territory", "territory"),
            _text("role", "role"),
            _date("hired_on", "first day of work"),
            _date("left_on", "last day of work"),
        ),
        "a list of the sellers with team, manager, date of hire and date of leaving",
    ),
    Table(
        "targets",
        "one row for each plan figure",
        ("level", "id", "period_start", "period_end", "metric"),
        (
            _text("level", "whose target it is", required=True, allowed=TARGET_LEVELS),
            _text("id", "which of them; null for the department"),
            *_PERIOD,
            _text("metric", "what is counted", required=True, allowed=METRICS),
            Column("target", "money", "the figure to reach", required=True, low=0,
                   unit="currency or count"),
        ),
        "the plan: targets by rep, team or department with the first and last day of the period",
    ),
    Table(
        "line_items",
        "one row for each product line of a deal",
        (),
        (
            _id("deal_id", "the deal", refers_to="deals", required=True),
            _text("product", "what is sold", required=True),
            Column("quantity", "number", "how many", required=True),
            _money("list_price", "price of one before discount", required=True),
            _money("unit_price", "price of one after discount", required=True),
            _money("unit_cost", "cost of one"),
        ),
        "the product lines of the deals with quantity, list price and price after discount",
    ),
    Table(
        "accounts",
        "one row a customer",
        ("account_id",),
        (
            _id("account_id", "key of the customer", required=True),
            _text("account_name", "name"),
            _text("segment", "kind of customer"),
            _text("territory", "territory"),
            _time("created_at", "since when it is known"),
            _money("potential_amount", "what it could buy in a year"),
        ),
        "a list of the customers with segment and territory",
    ),
    Table(
        "call_scores",
        "one row for each scored call and scorer",
        ("call_id", "scored_by"),
        (
            _id("call_id", "the call", required=True),
            _id("rep_id", "the seller", refers_to="reps", required=True),
            _text("scored_by", "who scored", required=True),
            _time("scored_at", "when it was scored", required=True),
            Column("score", "number", "points", required=True, unit="points", low=0, high=100),
            _DEAL,
            _id("activity_id", "the activity", refers_to="activities"),
        ),
        "call scores with call, seller, scorer and date",
    ),
    Table(
        "deal_changes",
        "one row for each change of amount, expected close or owner",
        ("deal_id", "field", "changed_at"),
        (
            _id("deal_id", "the deal", refers_to="deals", required=True),
            _text("field", "what changed", required=True,
                  allowed=("amount", "expected_close_on", "rep_id")),
            _time("changed_at", "when", required=True),
            _text("old_value", "before"),
            _text("new_value", "after"),
        ),
        "the field history of the deals (amount, expected close date, owner)",
    ),
    Table(
        "forecasts",
        "one row for each forecast handed in",
        ("level", "id", "made_on", "period_start", "period_end", "category"),
        (
            _text("level", "whose forecast", required=True, allowed=("department", "team", "rep")),
            _text("id", "which of them; null for the department"),
            _date("made_on", "when it was made", required=True),
            *_PERIOD,
            _text("category", "how firm", required=True,
                  allowed=("commit", "best", "most_likely")),
            _money("amount", "the forecast", required=True),
        ),
        "the forecasts handed in, with the day they were made",
    ),
    Table(
        "source_costs",
        "what each source cost by period",
        ("source", "period_start", "period_end"),
        (
            _text("source", "the source", required=True),
            *_PERIOD,
            _money("cost_amount", "what it cost", required=True),
        ),
        "marketing spend by source and period",
    ),
    Table(
        "payouts",
        "what each seller was paid by period",
        ("rep_id", "period_start", "period_end"),
        (
            _id("rep_id", "the seller", refers_to="reps", required=True),
            *_PERIOD,
            _money("base_amount", "fixed pay"),
            _money("variable_amount", "variable pay"),
        ),
        "pay by seller and period, fixed and variable apart",
    ),
    Table(
        "market",
        "demand outside the company",
        ("period_start",),
        (
            _date("period_start", "first day of the period", required=True),
            Column("index", "number", "external demand, any base", required=True, low=0),
        ),
        "an index of demand in the market by month",
    ),
    Table(
        "fx_rates",
        "exchange rates",
        ("currency", "on"),
        (
            _text("currency", "ISO code", required=True),
            _date("on", "the day", required=True),
            Column("rate", "number", "units of the department's currency for one", required=True,
                   low=0),
        ),
        "the exchange rates used",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
