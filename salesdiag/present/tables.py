"""Tables of the report: cells as text, intervals as bars, values to sort by."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

from salesdiag.department import UNASSIGNED
from salesdiag.present.columns import SHOWN, UNLESS_ZERO
from salesdiag.present.labels import (
    MISSING,
    format_value,
    label,
    said,
    styled,
    unbroken,
)
from salesdiag.present.locale.formats import figures
from salesdiag.present.locale.styles import style_of

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.present.speech import Speech

_LONG_WORD = 18  # letters; a longer one may be broken to keep a table on the page
_LONGEST = 200  # letters to sort by
_MOST_COLUMNS = 8  # of a table of which nobody said what a reader needs
MAX_ROWS = 60  # longer tables are shown in full in the workbook
# percent of the page; these have more text than a page is wide
_WIDTHS = {
    "check": {"severity": 9, "table": 10, "column": 10, "rule": 15, "n_failing": 8,
              "n_examined": 11, "failing_share": 8, "examples": 13, "effect": 16},
    "head_of_sales": {"question": 32, "evidence": 46, "speaks_for": 13, "points": 9},
}  # fmt: skip
# columns of figures that may be written as text, each in a unit of its own
_FIGURES = frozenset({"measured", "observed", "expected"})
# columns of sentences, which are told in the reader's language
TOLD = frozenset({"rule", "effect", "reason", "question", "evidence", "outcome", "topic"})


def shown(
    table: pd.DataFrame, name: str, speech: Speech, *, rows: int = MAX_ROWS
) -> dict[str, Any]:
    """Format a table's cells, place its intervals, and tell what to sort by."""
    columns = columns_of(table, name)
    head = table.head(rows)
    scales = {column: _scale(head, column) for column in columns if f"{column}_low" in head}
    widths = _WIDTHS.get(name, {})
    heads = [_head(table, column, name, speech, widths.get(column)) for column in columns]
    return {
        "title": speech.cause(name),
        "heads": heads,
        "fixed": bool(widths),
        "sortable": len(head) > 1 and not widths,
        "rows": [
            [_cell(one, dict(zip(table.columns, row, strict=True)), scales, speech)
             for one in heads]
            for row in head.itertuples(index=False, name=None)
        ],
        "n_left": len(table) - len(head),
        "sheet": name,
    }  # fmt: skip


def columns_of(table: pd.DataFrame, name: str) -> list[str]:
    """Name the columns of a table that a reader of the report needs."""
    wanted = next((columns for start, columns in SHOWN.items() if name.startswith(start)), None)
    if wanted is None:
        ends = {f"{column}{end}" for column in table.columns for end in ("_low", "_high")}
        told = [one for one in table.columns if one not in ends and _says_something(table, one)]
        return told[:_MOST_COLUMNS]
    keys = [one for one in table.columns if f"_by_{one}" in name and one not in wanted]
    if name.startswith("page_"):  # of one rep, who stands above it
        keys = []
    return [one for one in [*keys, *wanted] if one in table and _says_something(table, one)]


def _says_something(table: pd.DataFrame, column: str) -> bool:
    """Tell whether a column is worth its place; some are only where they are not 0."""
    return column not in UNLESS_ZERO or bool((table[column].fillna(0) != 0).any())


def _scale(table: pd.DataFrame, column: str) -> float:
    """Give the value at the right end of a column's interval bars: the same for all rows."""
    largest = float(table[f"{column}_high"].max()) if len(table) else 1.0
    return max(1.0, largest) if math.isfinite(largest) else 1.0


def _head(
    table: pd.DataFrame, column: str, name: str, speech: Speech, width: int | None
) -> dict[str, Any]:
    text, kind = label(column, speech.language, table=name), style_of(column).kind
    if kind == "points":
        text += f", {speech.say('points')}"
    if kind == "money" and speech.currency:
        text += f", {speech.currency}"
    return {
        "column": column, "text": text,
        "right": column in _FIGURES or _is_number(table, column), "width": width,
    }  # fmt: skip


def _cell(
    head: dict[str, Any], row: dict[str, Any], scales: dict[str, float], speech: Speech
) -> dict[str, Any]:
    column, value = head["column"], row[head["column"]]
    text = cell_text(column, value, speech)
    cell: dict[str, Any] = {
        "text": text if isinstance(value, str) else unbroken(text),
        "right": head["right"],
        "head": head["text"],
        "value": _sort_value(value),
        "long": max(map(len, text.split()), default=0) > _LONG_WORD,
    }
    if style_of(column).kind == "date":
        cell["right"] = None  # kept on one line, but not moved to the right
    if f"{column}_low" in row and text != MISSING:
        cell["bar"] = _bar(column, row, scales[column], speech)
    return cell


def cell_text(column: str, value: object, speech: Speech) -> str:
    """Write a cell in the reader's language: a code by its word, a number as its column says."""
    if value is None or value != value or str(value) in ("", "NaT", "<NA>"):
        return MISSING
    if isinstance(value, bool):
        return speech.word("yes" if value else "no")
    if value == UNASSIGNED:
        return speech.say("unassigned")
    if isinstance(value, str):
        return speech.told(said(column, value, speech.language)) if column in TOLD else said(
            column, value, speech.language)  # fmt: skip
    style = style_of(column)
    if isinstance(value, Real) and style.kind not in ("date", "time", "flag"):
        return styled(style, float(value), speech.language)
    return format_value(column, value, speech.language)


def _sort_value(value: object) -> str:
    """Give what a cell is sorted by: a number, a day, or its text; a missing one is empty."""
    if value is None or value != value or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, Real):  # a flag is one too
        return f"{float(value):.9g}"
    return str(value)[:_LONGEST]


def _bar(column: str, row: dict[str, Any], largest: float, speech: Speech) -> dict[str, Any]:
    """Place an interval: always in words, and as a bar where it is a share of 1."""
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    ends = {end: cell_text(column, one, speech) for end, one in (("low", low), ("high", high))}
    bar: dict[str, Any] = {"text": unbroken(f"{ends['low']} … {ends['high']}")}
    if style_of(column).kind == "share" and low >= 0 and math.isfinite(high):
        scale = 100 / largest
        bar |= {"low": scale * float(low), "at": scale * float(row[column]),
                "width": max(scale * (float(high) - float(low)), 1.0)}  # fmt: skip
    return bar


def figure(value: object, speech: Speech) -> str:
    """Write what no column tells the unit of: text as it is, a number in three figures."""
    if isinstance(value, Real):
        return figures(float(value), speech.language)
    return MISSING if value is None or value != value else str(value)


def _is_number(table: pd.DataFrame, column: str) -> bool:
    return table[column].dtype.kind in "fiu" and style_of(column).kind not in ("date", "time")
