"""Words and formats: the one place where a column's name becomes something to read."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Literal

Kind = Literal["text", "count", "share", "money", "days", "date", "time", "flag", "number"]

LABELS = {
    "actual": "Actual",
    "attainment": "Attainment",
    "column": "Column",
    "confidence": "Confidence",
    "conversion_rate": "Conversion",
    "detail": "Detail",
    "effect": "What it does",
    "elapsed_share": "Working days gone",
    "examples": "Examples",
    "failing_share": "Share failing",
    "file": "File",
    "from_stage": "From stage",
    "is_complete": "Complete",
    "horizon_days": "Within days",
    "item": "Item",
    "metric": "Metric",
    "n_deals": "Deals",
    "effective_deals": "Effective deals",
    "n_events": "Deals behind it",
    "n_examined": "Rows examined",
    "n_failing": "Rows failing",
    "n_from": "Reached",
    "n_group": "Deals in all stages",
    "n_lost": "Lost",
    "n_open": "Open",
    "n_periods": "Periods",
    "n_reps": "Reps with a target",
    "n_reps_met": "Reps who met it",
    "n_returned": "Came back",
    "n_rows": "Rows",
    "n_skipped": "Skipped it",
    "n_to": "Went on",
    "n_undated": "Without a date",
    "n_targets_left_out": "Targets left out",
    "n_without_amount": "Without amount",
    "n_without_history": "Without history",
    "n_won": "Won",
    "open_amount": "Open amount",
    "participation_rate": "Participation",
    "period_end": "To",
    "period_start": "From",
    "population": "Population",
    "rep_id": "Rep",
    "rep_name": "Name",
    "rework_rate": "Rework",
    "rule": "Rule",
    "segment": "Segment",
    "severity": "Severity",
    "sheet": "Sheet",
    "skip_rate": "Skipped",
    "source": "Source",
    "stage": "Stage",
    "stage_share": "Share of deals",
    "table": "Table",
    "target": "Target",
    "target_basis": "Basis of the target",
    "team": "Team",
    "to_stage": "To stage",
    "topic": "Topic",
    "total_amount": "Amount of all",
    "unplanned_actual": "Sold without a target",
    "value_win_rate": "Win rate by value",
    "value_win_rate_without_largest": "… without the largest deal",
    "win_rate": "Win rate",
    "won_amount": "Won amount",
}

# what a table answers, for headings and the workbook's contents
TITLES = {
    "target_attainment": "Plan attainment by period",
    "attainment_by_team": "Plan attainment by team over the window",
    "attainment_by_rep_id": "Plan attainment by rep over the window",
    "target_attainment_by_team": "Plan attainment by team and period",
    "target_attainment_by_rep_id": "Plan attainment by rep and period",
    "stage_conversion": "Conversion from stage to stage",
    "stage_conversion_by_team": "Conversion by team",
    "current_stages": "Where the deals stand now",
    "win_rate": "Win rate of deals closed in the window",
    "win_rate_created": "Win rate of deals created in the window",
    "win_rate_by_team": "Win rate by team",
    "win_rate_by_rep_id": "Win rate by rep",
    "win_rate_by_source": "Win rate by source",
    "win_rate_by_segment": "Win rate by segment",
    "check": "What is wrong with the data",
    "load_report": "What was read",
    "not_examined": "What could not be examined",
}

_SUFFIXES: tuple[tuple[str, Kind], ...] = (
    ("_rate", "share"),
    ("_share", "share"),
    ("_amount", "money"),
    ("_days", "days"),
    ("_on", "date"),
    ("_at", "time"),
    ("period_start", "date"),
    ("period_end", "date"),
)
_KINDS: dict[str, Kind] = {"target": "money", "actual": "money", "unplanned_actual": "money",
                           "attainment": "share", "effective_deals": "number",
                           "value_win_rate_without_largest": "share"}  # fmt: skip
MISSING = "–"
_NO_BREAK = "\N{NO-BREAK SPACE}"


def label(column: str) -> str:
    """Name a column for a reader.

    >>> label("conversion_rate_low")
    'Conversion, low'
    """
    for end in ("_low", "_high"):
        if column.endswith(end) and column.removesuffix(end) in LABELS:
            return f"{LABELS[column.removesuffix(end)]}, {end[1:]}"
    return LABELS.get(column, column.replace("_", " ").capitalize())


def kind_of(column: str) -> Kind:
    """Tell from a column's name how its values are to be shown.

    >>> kind_of("won_amount"), kind_of("win_rate_low"), kind_of("n_won"), kind_of("team")
    ('money', 'share', 'count', 'text')
    """
    bare = column.removesuffix("_low").removesuffix("_high")
    if bare in _KINDS:
        return _KINDS[bare]
    if bare.startswith("n_"):
        return "count"
    if bare.startswith("is_"):
        return "flag"
    return next((kind for end, kind in _SUFFIXES if bare.endswith(end)), "text")


def format_value(column: str, value: object) -> str:
    """Write one cell for a reader; a missing value is a dash, never 0.

    >>> format_value("win_rate", 0.2553), format_value("n_won", 1234), format_value("target", None)
    ('25.5 %', '1,234', '–')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in (
        "NaT", "<NA>", "nan", "",
    ):  # fmt: skip
        return MISSING
    kind = kind_of(column)
    if kind == "share":
        return share(float(value))  # type: ignore[arg-type]
    if kind == "money":
        return f"{float(value):,.0f}"  # type: ignore[arg-type]
    if kind == "count":
        return f"{int(value):,}"  # type: ignore[call-overload]
    if kind in ("days", "number"):
        return f"{float(value):,.1f}".removesuffix(".0")  # type: ignore[arg-type]
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "date" and isinstance(value, date):
        return day_text(value)
    if kind == "time" and isinstance(value, datetime):
        return f"{day_text(value)} {value:%H:%M}"
    return str(value)


def day_text(day: date) -> str:
    """Write a day without a leading zero.

    >>> day_text(date(2025, 1, 1))
    '1 Jan 2025'
    """
    return f"{day.day} {day:%b %Y}"


def share(value: float) -> str:
    """Write a share as a percent, small ones as less than a tenth.

    >>> share(0.0004), share(0.5), share(1.0)
    ('< 0.1 %', '50.0 %', '100.0 %')
    """
    return "< 0.1 %" if 0 < value < 0.001 else f"{100 * value:.1f} %"


def money(value: float, currency: str = "") -> str:
    """Write money rounded to what a reader can hold: three figures.

    >>> money(4562189.15, "EUR"), money(85.2), money(-720_000)
    ('4.56 M EUR', '85', '−720 k')
    """
    if math.isnan(value):
        return MISSING
    size, sign = abs(value), "−" if value < 0 else ""
    for unit, letter in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if size >= unit * 0.9995:
            digits = max(0, 2 - int(math.log10(size / unit * 1.0005)))
            return f"{sign}{size / unit:.{digits}f}{letter}{' ' + currency if currency else ''}"
    return f"{sign}{size:.0f}{' ' + currency if currency else ''}"


def unbroken(text: str) -> str:
    """Tie figures to their units and days to their months, so that no line ends between.

    >>> unbroken("4.56 M EUR, 86 % on 1 Jan 2025").count(" ")
    3
    """
    tied = re.sub(r"(?<=[\d<]) (?=(?:%|k|M|bn)(?!\w)|\d|[A-Z][a-z]{2} \d{4})", _NO_BREAK, text)
    tied = re.sub(r"(?<=\d\u00a0[A-Z][a-z]{2}) (?=\d{4})", _NO_BREAK, tied)
    return re.sub(r"(?<=\d|k|M|n) (?=[A-Z]{3}\b)", _NO_BREAK, tied)
