"""The load report without what stood in the files: counts and reasons, but no values or names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

# topics whose item and detail are made by the reader and quote nothing
_PLAIN = ("rows read", "rows used", "encoding", "delimiter", "header", "format", "uneven row")
_HEADINGS = ("column mapped", "column not used", "column kept")
_PLACES = ("file not used", "sheet not used")
# behind these words a detail may quote a file
_ENDS = ("", "csv", "tsv", "txt", "xlsx", "parquet")
_QUOTE = ", such as "


def neutral_report(report: pd.DataFrame, reps: Mapping[str, str]) -> pd.DataFrame:
    """Rewrite a load report so that it names neither persons nor files nor values."""
    unused = report.loc[report["topic"] == _PLACES[0], "item"]
    files = _neutral([*report["file"], *unused], "file")
    sheets = _neutral(report["sheet"], "sheet")
    rows = report.copy()
    rows["file"] = [files[one] for one in report["file"]]
    rows["sheet"] = [sheets[one] for one in report["sheet"]]
    facts = list(
        zip(report["table"], report["topic"], report["item"], report["detail"], strict=True)
    )
    rows["item"] = [
        _item(table, topic, item, detail, {**sheets, **files}, reps)
        for table, topic, item, detail in facts
    ]
    rows["detail"] = [_detail(topic, detail) for _table, topic, _item, detail in facts]
    return rows.astype({"item": "str", "detail": "str", "file": "str", "sheet": "str"})


def _neutral(names: Iterable[str], kind: str) -> dict[str, str]:
    """Give a number to each place that is not named after a table of the schema."""
    found: dict[str, str] = {}
    n_numbered = 0
    for name in dict.fromkeys(names):
        stem, _dot, end = name.rpartition(".") if kind == "file" else (name, "", "")
        found[name] = name
        if name and not (stem in TABLES and end in _ENDS):
            n_numbered += 1
            found[name] = f"{kind} {n_numbered}"
    return found


def _item(
    table: str,
    topic: str,
    item: str,
    detail: str,
    places: Mapping[str, str],
    reps: Mapping[str, str],
) -> str:
    if topic in _PLAIN or topic == "unknown stage":
        return item
    if topic == "unknown rep_id":
        return reps.get(item, "a rep")
    if topic == "rows set aside":
        return "a rule of the mapping" if detail else item
    if topic in _PLACES:
        return places.get(item, topic.split()[0])
    if topic == "join":
        return "another file"
    if item and all(one in _known(table) for one in item.split(", ")):
        return item
    return "a heading" if topic in _HEADINGS else "a column"


def _known(table: str) -> tuple[str, ...]:
    return TABLES[table].names if table in TABLES else ()


def _detail(topic: str, detail: str) -> str:
    if topic in (*_PLAIN, "rows set aside", "percent", "currency converted"):
        return detail
    if topic == "unknown value":
        _word, became, rest = detail.rpartition(" became ")
        return f"became {rest}" if became else ""
    if topic in ("value not readable", "repeated key"):
        return detail.partition(_QUOTE)[0]
    return "not canonical: for slicing only; left out" if topic == "column kept" else ""
