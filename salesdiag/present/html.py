"""The HTML report: one self-contained file, made in two steps (gather, then render)."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesdiag.present.labels import (
    MISSING,
    TITLES,
    day_text,
    format_value,
    kind_of,
    label,
    money,
    unbroken,
)
from salesdiag.present.reading import rows_of_reading
from salesdiag.present.verdict import lacking, later, verdict

if TYPE_CHECKING:
    import jinja2
    import pandas as pd
    from matplotlib.figure import Figure

    from salesdiag.diagnosis.finding import Diagnosis

_LONG_WORD = 18  # letters; a longer one may be broken to keep a table on the page
_MAX_ROWS = 60  # longer tables are shown in full in the workbook
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
}  # fmt: skip
_UNLESS_ZERO = ("unplanned_actual", "n_targets_left_out", "n_without_history")
# percent of the page; the check has more text than a page is wide
_WIDTHS = {"severity": 9, "table": 10, "column": 10, "rule": 15, "n_failing": 8, "n_examined": 11,
           "failing_share": 8, "examples": 13, "effect": 16}  # fmt: skip
_CHAPTERS = (
    ("plan", "Plan", ("target_attainment", "attainment_by_team", "attainment_by_rep_id")),
    ("funnel", "Funnel", ("stage_conversion", "stage_conversion_by_team", "current_stages")),
    ("win-rates", "Win rates", ("win_rate", "win_rate_created", "win_rate_by_team",
                                "win_rate_by_rep_id", "win_rate_by_source",
                                "win_rate_by_segment")),
)  # fmt: skip


def write_html(diagnosis: Diagnosis, path: str | Path) -> Path:
    """Write the audit as one HTML file that needs nothing else.

    All text from the CRM is escaped. The same diagnosis gives the same bytes.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : str or Path

    Returns
    -------
    Path
        Where it was written.
    """
    target = Path(path)
    page = _template().render(gather(diagnosis))
    target.write_text(page, encoding="utf-8", newline="\n")
    return target


def gather(diagnosis: Diagnosis) -> dict[str, Any]:
    """Collect everything the report shows as plain data."""
    return {
        "title": diagnosis.name or "Sales department",
        "diagnosis": diagnosis,
        "verdict": [unbroken(sentence) for sentence in verdict(diagnosis)],
        "bar": _plan_bar(diagnosis),
        "chapters": [_chapter(diagnosis, *chapter) for chapter in _CHAPTERS],
        "check": _table(diagnosis, "check"),
        "reading": rows_of_reading(diagnosis.tables.get("load_report")),
        "not_examined": [
            {"name": _name(one.analysis), "reason": one.reason, "ask_for": one.ask_for,
             "lacking": one in lacking(diagnosis)}
            for one in diagnosis.not_examined if one not in later(diagnosis)
        ],
        "later": [_name(one.analysis) for one in later(diagnosis)],
        "confidence": unbroken(f"{100 * diagnosis.confidence:g} %"),
    }  # fmt: skip


def _name(analysis: str) -> str:
    name, colon, pipeline = analysis.partition(":")
    return TITLES.get(name, name.replace("_", " ").capitalize()) + colon + pipeline


def _plan_bar(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Give plan and actual as lengths of two bars, in percent of the longer one."""
    gap = diagnosis.gap
    if gap.reference != "plan" or not gap.expected > 0:
        return None
    longest = max(gap.expected, gap.actual_high)
    return {
        "plan": 100 * gap.expected / longest,
        "actual": 100 * gap.actual / longest,
        "low": 100 * gap.actual_low / longest,
        "high": 100 * gap.actual_high / longest,
        "plan_text": unbroken(money(gap.expected, diagnosis.currency)),
        "actual_text": unbroken(money(gap.actual, diagnosis.currency)),
    }


def _chapter(
    diagnosis: Diagnosis, anchor: str, title: str, names: tuple[str, ...]
) -> dict[str, Any]:
    # a table of one pipeline is named "stage_conversion: pipeline"
    tables = [
        _table(diagnosis, there)
        for name in names
        for there in diagnosis.tables
        if there.split(":")[0] == name
    ]
    missed = [one for one in diagnosis.not_examined if one.analysis.split(":")[0] in names]
    return {
        "anchor": anchor,
        "title": title,
        "picture": _picture(diagnosis, anchor),
        "tables": tables,
        "missed": [{"name": _name(one.analysis), "reason": one.reason} for one in missed],
    }


def _table(diagnosis: Diagnosis, name: str) -> dict[str, Any]:
    """Format a table's cells and place its intervals."""
    table = diagnosis.tables[name]
    wanted = next((shown for start, shown in _SHOWN.items() if name.startswith(start)), None)
    keys = [column for column in table.columns if f"_by_{column}" in name]
    columns = list(table.columns) if wanted is None else [*keys, *wanted]
    columns = [one for one in columns if one in table.columns and _says_something(table, one)]
    shown = table.head(_MAX_ROWS)
    scales = {column: _scale(shown, column) for column in columns if f"{column}_low" in shown}
    return {
        "title": _name(name),
        "heads": [{"text": label(column), "right": _is_number(column),
                   "width": _WIDTHS.get(column) if name == "check" else None}
                  for column in columns],
        "fixed": name == "check",
        "rows": [
            [
                _cell(column, dict(zip(table.columns, row, strict=True)), scales.get(column, 1.0))
                for column in columns
            ]
            for row in shown.itertuples(index=False, name=None)
        ],
        "n_left": len(table) - len(shown),
        "sheet": name,
    }  # fmt: skip


def _says_something(table: pd.DataFrame, column: str) -> bool:
    """Tell whether a column is worth its place; some are only where they are not 0."""
    return column not in _UNLESS_ZERO or bool((table[column].fillna(0) != 0).any())


def _scale(table: pd.DataFrame, column: str) -> float:
    """Give the value at the right end of a column's interval bars: the same for all rows."""
    largest = float(table[f"{column}_high"].max()) if len(table) else 1.0
    return max(1.0, largest) if math.isfinite(largest) else 1.0


def _cell(column: str, row: dict[str, Any], largest: float) -> dict[str, Any]:
    text = format_value(column, row[column])
    kind = kind_of(column)
    cell: dict[str, Any] = {
        "text": text if kind == "text" else unbroken(text),
        "right": _is_number(column),
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


def _is_number(column: str) -> bool:
    return kind_of(column) not in ("text", "date", "time", "flag")


def _picture(diagnosis: Diagnosis, anchor: str) -> dict[str, str] | None:
    from salesdiag.present.plots import plot_stage_conversion, plot_target_attainment

    if anchor == "plan" and "target_attainment" in diagnosis.tables:
        table = diagnosis.tables["target_attainment"].tail(12)
        if not table["attainment"].notna().any():
            return None
        figure = _figure(len(table), 18)
        plot_target_attainment(table, ax=figure.axes[0])
        alt = "; ".join(
            f"{row.period_start:%b %Y} to {row.period_end:%b %Y}: "
            f"{format_value('attainment', row.attainment)}"
            for row in table.itertuples()
        )
        return {"svg": _svg(figure), "alt": f"Plan attainment by period. {alt}"}
    if anchor == "funnel" and "stage_conversion" in diagnosis.tables:
        table = diagnosis.tables["stage_conversion"]
        if not len(table) or table["from_stage"].duplicated().any():
            return None
        steps = table["from_stage"].str.len() + table["to_stage"].str.len() + 3
        figure = _figure(len(table), int(steps.max()))
        plot_stage_conversion(table, ax=figure.axes[0])
        alt = "; ".join(
            f"{row.from_stage} to {row.to_stage}: "
            f"{format_value('conversion_rate', row.conversion_rate)}"
            for row in table.itertuples()
        )
        return {"svg": _svg(figure), "alt": f"Conversion from stage to stage. {alt}"}
    return None


def _figure(n_rows: int, n_letters: int) -> Figure:
    """Make a figure apart from pyplot, so that the user's session is not touched."""
    from matplotlib.figure import Figure

    height = 0.9 + 0.55 * n_rows
    figure = Figure(figsize=(7.2, height))
    # fixed margins: fitting them to the text would draw everything twice
    left = min(0.04 + 0.0125 * n_letters, 0.5)
    figure.add_axes((left, 0.6 / height, 0.96 - left, 1 - 0.7 / height))
    return figure


def _svg(figure: Figure) -> str:
    """Write a figure as inline SVG: text stays text, ids and dates do not change."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "salesdiag"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None},
                       transparent=True)  # fmt: skip
    text = buffer.getvalue()
    return text[text.index("<svg") :]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("salesdiag.present"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["day"] = lambda day: unbroken(day_text(day))
    return environment.get_template("report.html.j2")
