"""A page for each rep, fit for a review talk: compared with the same deals, never ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from salesdiag.present.tables import figure, shown

if TYPE_CHECKING:
    from salesdiag.diagnosis.finding import Diagnosis
    from salesdiag.present.speech import Speech

MOST_PAGES = 60  # reps with the most deals; the others stand in the workbook
_OF_METRIC = ("observed", "expected")
_SHARES = ("win_rate", "stage_conversion", "price_realisation", "worked_deals", "answered_leads",
           "qualified_leads")  # fmt: skip
_MONEY = ("won_amount", "revenue_per_day")
_PARTS = (
    ("rep_scorecard", "unit_id", "Compared with the others, same deals"),
    ("strengths", "unit_id", "Strengths by stage"),
    ("attainment_by_rep_id", "rep_id", "Own plan"),
    ("deal_coverage_by_rep_id", "rep_id", "Care for open deals"),
    ("workload", "rep_id", "Workload"),
)


def pages_of(diagnosis: Diagnosis, speech: Speech) -> list[dict[str, Any]]:
    """Give a page for each rep with deals, by name; without a scorecard there is none."""
    card = diagnosis.tables.get("rep_scorecard")
    if card is None or not len(card):
        return []
    people = card[card["unit_id"] != "unassigned"]
    n_cases = people[people["metric"] == "win_rate"].groupby("unit_id")["n_cases"].sum()
    chosen = set(n_cases[n_cases > 0].sort_values(ascending=False, kind="stable")
                 .head(MOST_PAGES).index)  # fmt: skip
    names = people.drop_duplicates("unit_id").set_index("unit_id")
    pages = [_page(diagnosis, one, _name(names, one), speech) for one in chosen]
    return sorted(pages, key=lambda page: (page["name"], page["id"]))


def _name(people: pd.DataFrame, rep_id: str) -> str:
    name = people["rep_name"].get(rep_id) if "rep_name" in people else None
    return rep_id if name is None or pd.isna(name) else str(name)


def _page(diagnosis: Diagnosis, rep_id: str, name: str, speech: Speech) -> dict[str, Any]:
    tables = []
    for source, key, title in _PARTS:
        table = diagnosis.tables.get(source)
        if table is None:
            continue
        own = table[table[key] == rep_id]
        own = _told(own, speech) if source in ("rep_scorecard", "strengths") else own
        if len(own):
            view = shown(own, f"page_{source}", speech)
            tables.append(view | {"title": speech.say(title), "sheet": source, "sortable": False})
    return {"id": rep_id, "name": name, "tables": tables}


def _told(rows: pd.DataFrame, speech: Speech) -> pd.DataFrame:
    """Keep the rows that say something of this rep, each figure in the unit of its metric."""
    if "observed" not in rows:
        expected = [speech.percent(one, 1) for one in rows["expected"]]
        return rows.assign(expected=expected)[rows["conversion_rate"].notna()]
    # conversion by stage stands below, with its range
    rows = rows[rows["observed"].notna() & (rows["metric"] != "stage_conversion")]
    written = {
        column: [_written(metric, value, speech)
                 for metric, value in zip(rows["metric"], rows[column], strict=True)]
        for column in _OF_METRIC
    }  # fmt: skip
    return rows.assign(**written)


def _written(metric: str, value: float, speech: Speech) -> str:
    if metric in _SHARES:
        return speech.percent(value, 1)
    return speech.money(value) if metric in _MONEY else figure(value, speech)
