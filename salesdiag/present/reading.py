"""What was read of each file, as rows of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_TOLD = (
    "encoding", "delimiter", "date order", "decimal mark", "unknown value", "value not readable",
    "format", "unknown rep_id", "unknown stage", "currency converted",
)  # fmt: skip


def rows_of_reading(report: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Give what was read, a row a table, and what was set aside and why."""
    if report is None:
        return []
    rows = []
    for table, facts in report[report["table"] != ""].groupby("table", sort=False):
        count = facts.set_index("topic")["n_rows"]
        aside = facts[facts["topic"] == "rows set aside"]
        rows.append({
            "table": table, "file": facts["file"].iloc[0],
            "n_read": f"{int(count.get('rows read', 0)):,}",
            "n_used": f"{int(count.get('rows used', 0)):,}",
            "aside": [f"{row.n_rows:,} {row.item}" for row in aside.itertuples()],
            "notes": _notes(facts),
        })  # fmt: skip
    return rows


def _notes(facts: pd.DataFrame) -> list[str]:
    """Say how a file was read; headings that no table takes are only counted."""
    notes = [_note(row) for row in facts[facts["topic"].isin(_TOLD)].itertuples()]
    n_unused = int((facts["topic"] == "column not used").sum())
    if n_unused:
        notes.append(f"{n_unused} {'column' if n_unused == 1 else 'columns'} not used")
    return notes


def _note(row: Any) -> str:  # noqa: ANN401
    count = "" if str(row.n_rows) == "<NA>" else f" ({row.n_rows:,} rows)"
    detail = f": {row.detail}" if row.detail else ""
    return f"{row.topic} {row.item}{count}{detail}"
