"""What was read of each file, as rows of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.present.speech import Speech

_TOLD = (
    "encoding", "delimiter", "date order", "decimal mark", "unknown value", "value not readable",
    "format", "unknown rep_id", "unknown stage", "currency converted",
)  # fmt: skip


def rows_of_reading(report: pd.DataFrame | None, speech: Speech) -> list[dict[str, Any]]:
    """Give what was read, a row a table, and what was set aside and why."""
    if report is None:
        return []
    rows = []
    for table, facts in report[report["table"] != ""].groupby("table", sort=False):
        count = facts.set_index("topic")["n_rows"]
        aside = facts[facts["topic"] == "rows set aside"]
        rows.append({
            "table": table, "file": facts["file"].iloc[0],
            "n_read": speech.plain(int(count.get("rows read", 0))),
            "n_used": speech.plain(int(count.get("rows used", 0))),
            "aside": [f"{speech.plain(row['n_rows'])} {speech.told(row['item'])}"
                      for row in aside.to_dict("records")],
            "notes": _notes(facts, speech),
        })  # fmt: skip
    return rows


def _notes(facts: pd.DataFrame, speech: Speech) -> list[str]:
    """Say how a file was read; headings that no table takes are only counted."""
    notes = [_note(row, speech) for row in facts[facts["topic"].isin(_TOLD)].itertuples()]
    n_unused = int((facts["topic"] == "column not used").sum())
    if n_unused:
        notes.append(speech.count("{n} column not used", "{n} columns not used", n_unused))
    return notes


def _note(row: Any, speech: Speech) -> str:  # noqa: ANN401
    count = ""
    if str(row.n_rows) != "<NA>":
        count = f" ({speech.count('{n} row', '{n} rows', int(row.n_rows))})"
    detail = f": {speech.told(row.detail)}" if row.detail else ""
    return f"{speech.told(row.topic)} {speech.told(row.item)}{count}{detail}"
