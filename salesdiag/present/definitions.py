"""What the columns of the tables mean: from the docstrings of the analyses and from the schema."""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.present import labels
from salesdiag.present.locale.catalogues import text
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ["column", "label", "unit", "meaning", "sheets"]
_PARTS = ("activity", "check", "discount", "drivers", "funnel", "hygiene", "leads", "pipeline",
          "plan", "reps")  # fmt: skip
# tables that bear another name than the analysis that made them
_MADE_BY = {"win_rate_created": "win_rate", "attainment": "target_attainment",
            "scorecard": "rep_scorecard"}  # fmt: skip
_NAMED = r"``\w+``(?:(?:,| and| or) ``\w+``)*"
_DEFINED = re.compile(rf"(?:^|(?<=[;:.] ))({_NAMED}) : ")
_ENDS = {"_low": "lower end of the interval", "_high": "upper end of the interval"}
# which table's words hold for a column that several tables have
_HOMES = {"rep_id": "deals", "source": "deals", "segment": "deals", "stage": "stages",
          "territory": "reps", "account_id": "deals"}  # fmt: skip
# words that hold wherever nothing else is said
_COMMON = {"n_deals": "deals", "n_open": "deals that are open", "n_won": "deals won",
           "n_lost": "deals lost", "n_periods": "periods added up"}  # fmt: skip
_EVIDENCE = {
    "level": "what is compared", "ids": "which of these", "measured": "the figure found there",
    "expected": "the reference it is held against", "n": "cases behind it",
    "log_ratio": "logarithm of measured over expected", "standard_error": "of that",
    "p_value": "of no difference, before paying for the number of places searched",
    "weight": "how much this place counts in the search", "n_places": "places searched",
}  # fmt: skip
# tables that the diagnosis itself makes
_OWN = {
    "findings": {
        "rank": "1 comes first: by money and how sure it is", "cause": "code of the fault",
        "level": "where it sits",
        "id": "which of these", "stage": "the stage being left",
        "control": "who can change it: direct (head of sales), indirect (company), external",
        "grade": "evidence: A natural experiment, B adjusted and robust, C adjusted, D raw",
        "measured": "the figure found", "expected": "the reference it was held against",
        "n_cases": "cases behind the figure found",
        "q_value": "of all causes found so sure, the share that is to be false",
        "lost_amount": "what the window would have brought at the reference",
        "basis": "whether that is margin or revenue", "reading": "the finding in a sentence",
        "caveat": "what would overturn it", "next_step": "what to do or ask for",
        "rivals": "other explanations that were tested, and what became of them",
    },
    "ledger": {
        "part": "part of the gap; the last row is the sum",
        "base_value": "the factor in the year before", "actual_value": "the factor in the window",
        "gap_amount": "money that this part adds to the gap; below 0 money lost",
        "findings": "ranks of the findings that explain some of it",
        "explained_amount": "how much of it they explain", "rest_amount": "what is left",
    },
    "causes": {
        "cause": "code of the fault", "control": "who can change it",
        "outcome": "what became of the search", "level": "where it was found or suspected",
        "id": "which of these", "stage": "the stage being left",
        "n_suspects": "places at which it was suspected", "p_value": "of the surest of these",
    },
    "head_of_sales": {
        "question": "what was asked of the data", "evidence": "what they say",
        "speaks_for": "the kind of head of sales it speaks for", "points": "weight of the answer",
        "is_examined": "whether the data could tell",
    },
    "not_examined": {
        "analysis": "what could not be looked at", "missing": "tables and columns that are missing",
        "ask_for": "the export that brings them", "reason": "why, where nothing is missing",
    },
    "load_report": {
        "table": "canonical table", "file": "file it was read from", "sheet": "sheet of it",
        "topic": "what is told", "item": "of which column, value or reason",
        "n_rows": "rows it concerns", "detail": "evidence",
    },
}  # fmt: skip


def definitions(
    tables: Mapping[str, pd.DataFrame], *, language: str, currency: str
) -> pd.DataFrame:
    """List the columns of all tables: name, label, unit, meaning and where each stands.

    A column that means the same in several tables is listed once.
    """
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for name, table in tables.items():
        known = meanings(name, language)
        for column in map(str, table.columns):
            label = labels.label(column, language, table=name)
            unit = labels.unit_of(column, language, currency=currency)
            row = (column, label, unit, _meaning(column, known, language))
            found.setdefault(row, []).append(name)
    rows = [(*row, ", ".join(names)) for row, names in found.items()]
    return pd.DataFrame(sorted(rows), columns=COLUMNS, dtype=object)


def meanings(name: str, language: str = "en") -> dict[str, str]:
    """Give the meaning of the columns of a table, as far as it is written down.

    >>> meanings("win_rate_by_team")["n_deals"], meanings("ledger")["rest_amount"]
    ('the denominator', 'what is left')
    """
    root = re.split(r"_by_|:", name)[0]
    own = _EVIDENCE if root.startswith("finding ") else _OWN.get(root)
    if own is not None:
        return {column: text(words, language) for column, words in own.items()}
    return documented(_MADE_BY.get(root, root))


@cache
def documented(analysis: str) -> dict[str, str]:
    """Read the meaning of the columns of an analysis from its docstring."""
    made_by = _analyses().get(analysis)
    doc = inspect.cleandoc(made_by or "")
    section = re.search(
        r"^Returns\n-+\n(.*?)(?=^\w[^\n]*\n-{3,}\n|\Z)", doc, re.DOTALL | re.MULTILINE
    )
    if section is None:
        return {}
    found: dict[str, str] = {}
    for item in re.split(r"^ *- ", section[1], flags=re.MULTILINE)[1:]:
        parts = _DEFINED.split(" ".join(item.split()))
        for names, meaning in zip(parts[1::2], parts[2::2], strict=True):
            words = meaning.strip().rstrip(";.").replace("`", "")
            found |= {
                name: words for name in re.findall(r"\w+", names) if name not in ("and", "or")
            }
    return found


@cache
def _analyses() -> dict[str, str]:
    """Give the docstrings of all public analyses, by name."""
    found: dict[str, str] = {}
    for part in _PARTS:
        module = import_module(f"salesdiag.analyses.{part}")
        found |= {name: getattr(module, name).__doc__ or "" for name in module.__all__}
    return found


def _meaning(column: str, known: Mapping[str, str], language: str) -> str:
    for end, words in _ENDS.items():
        bare = column.removesuffix(end)
        if column.endswith(end) and not _in_schema(column):
            how = known.get(column, "")
            said = text(words, language)
            return f"{said}: {how}" if how and how != known.get(bare) else said
    if column in known:
        return known[column]
    words = _in_schema(column)
    if words:
        return text(words, language, context="schema")
    return text(_COMMON[column], language) if column in _COMMON else ""


@cache
def _in_schema(column: str) -> str:
    """Give what the schema says of a column, where all tables say the same."""
    said = {spec.meaning for table in TABLES.values() if (spec := table.column(column))}
    home = _HOMES.get(column, "")
    if home:
        said = {spec.meaning for spec in TABLES[home].columns if spec.name == column}
    return said.pop() if len(said) == 1 else ""
