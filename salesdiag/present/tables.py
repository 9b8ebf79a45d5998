"""Tables of the report: which columns a reader needs, cells as text, intervals as bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from salesdiag.present.labels import MISSING, TITLES, format_value, kind_of, label, unbroken

if TYPE_CHECKING:
    import pandas as pd

_LONG_WORD = 18  # letters; a longer one may be broken to keep a table on the page
MAX_ROWS = 60  # longer tables are shown in full in the workbook
# columns that a reader of the report needs; the workbook holds all
_SHOWN: dict[str, list[str]] = {
    "attainment_by": ["rep_name", "n_periods", "target", "actual", "unplanned_actual", "n_events",
                      "attainment"],
    "target_attainment": ["period_start", "period_end", "target", "actual", "unplanned_actual",
                          "n_events", "attainment", "n_reps", "n_reps_met", "participation_rate",
                          "n_targets_left_out"],
    "win_rate_created": ["horizon_days", "n_deals", "n_won", "n_lost", "n_open", "win_rate",
                         "won_amount", "value_win_rate"],
    "win_rate": ["rep_name", "n_deals", "n_won", "n_lost", "win_rate", "won_amount",
                 "value_win_rate"],
    "stage_conversion": ["from_stage", "to_stage", "n_from", "n_to", "n_lost", "n_open",
                         "conversion_rate", "skip_rate", "rework_rate", "n_without_history"],
    "current_stages": ["stage", "n_deals", "n_open", "n_won", "n_lost", "open_amount"],
    "check": ["severity", "table", "column", "rule", "n_failing", "n_examined", "failing_share",
              "examples", "effect"],
    "causes": ["cause", "control", "outcome", "level", "id", "stage"],
    "head_of_sales": ["question", "evidence", "speaks_for", "points"],
    "weak_reps": ["unit_id", "n_cases", "n_events", "observed", "expected", "ratio", "ratio_low",
                  "ratio_high", "reading"],
}  # fmt: skip
_UNLESS_ZERO = ("unplanned_actual", "n_targets_left_out", "n_without_history")
# percent of the page; these have more text than a page is wide
_WIDTHS = {
    "check": {"severity": 9, "table": 10, "column": 10, "rule": 15, "n_failing": 8,
              "n_examined": 11, "failing_share": 8, "examples": 13, "effect": 16},
    "head_of_sales": {"question": 32, "evidence": 46, "speaks_for": 13, "points": 9},
}  # fmt: skip
_SMALL = 100  # numbers below this are shown with three figures


def name_of(analysis: str) -> str:
    """Name an analysis or a cause for a reader; that of one pipeline bears its name."""
    name, colon, pipeline = analysis.partition(":")
    words = name.replace("_", " ").capitalize().replace("Crm", "CRM")
    return TITLES.get(name, words) + colon + pipeline


def shown(table: pd.DataFrame, name: str, *, rows: int = MAX_ROWS) -> dict[str, Any]:
    """Format a table's cells and place its intervals."""
    wanted = next((columns for start, columns in _SHOWN.items() if name.startswith(start)), None)
    keys = [column for column in table.columns if f"_by_{column}" in name]
    columns = list(table.columns) if wanted is None else [*keys, *wanted]
    columns = [one for one in columns if one in table.columns and _says_something(table, one)]
    head = table.head(rows)
    scales = {column: _scale(head, column) for column in columns if f"{column}_low" in head}
    widths = _WIDTHS.get(name, {})
    return {
        "title": name_of(name),
        "heads": [{"text": label(column), "right": _is_number(table, column),
                   "width": widths.get(column)} for column in columns],
        "fixed": bool(widths),
        "rows": [
            [
                _cell(column, dict(zip(table.columns, row, strict=True)), scales.get(column, 1.0),
                      right=_is_number(table, column))
                for column in columns
            ]
            for row in head.itertuples(index=False, name=None)
        ],
        "n_left": len(table) - len(head),
        "sheet": name,
    }  # fmt: skip


def _says_something(table: pd.DataFrame, column: str) -> bool:
    """Tell whether a column is worth its place; some are only where they are not 0."""
    return column not in _UNLESS_ZERO or bool((table[column].fillna(0) != 0).any())


def _scale(table: pd.DataFrame, column: str) -> float:
    """Give the value at the right end of a column's interval bars: the same for all rows."""
    largest = float(table[f"{column}_high"].max()) if len(table) else 1.0
    return max(1.0, largest) if math.isfinite(largest) else 1.0


def _cell(column: str, row: dict[str, Any], largest: float, *, right: bool) -> dict[str, Any]:
    kind = kind_of(column)
    text = figure(row[column]) if kind == "text" else format_value(column, row[column])
    cell: dict[str, Any] = {
        "text": text if kind == "text" else unbroken(text),
        "right": right,
        "head": label(column),
        "long": max(map(len, text.split()), default=0) > _LONG_WORD,
    }
    if kind == "date":
        cell["right"] = None  # kept on one line, but not moved to the right
    low, high = f"{column}_low", f"{column}_high"
    if kind == "share" and low in row and text != MISSING:
        scale = 100 / largest
        cell["bar"] = {
            "low": scale * float(row[low]),
            "width": max(scale * (float(row[high]) - float(row[low])), 1.0),
            "at": scale * float(row[column]),
            "text": unbroken(f"{format_value(low, row[low])} to {format_value(high, row[high])}"),
        }
    return cell


def figure(value: object) -> str:
    """Write what a column's name tells no unit of: text as it is, a number in three figures.

    >>> figure(0.123456), figure(6158.0), figure(float("nan")), figure("North")
    ('0.123', '6,158', '–', 'North')
    """
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) >= _SMALL else f"{value:.3g}"
    return format_value("", value)


def _is_number(table: pd.DataFrame, column: str) -> bool:
    kind = kind_of(column)
    if kind == "text":
        return table[column].dtype.kind in "fi"
    return kind not in ("date", "time", "flag")
