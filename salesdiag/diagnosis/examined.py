"""What was looked for, and what became of it: rivals, the list of causes, what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.finding import NotExamined, Rival, Scope
from salesdiag.diagnosis.investigate import DETECTED
from salesdiag.diagnosis.ledger import PARTS
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from salesdiag.department import Department
    from salesdiag.diagnosis.explain import Explained
    from salesdiag.diagnosis.finding import Finding
    from salesdiag.diagnosis.investigate import Investigation
    from salesdiag.diagnosis.suspects import Suspect

LATER = "not part of this version's audit yet"
TWO_YEARS = "an export of the deals, and leads, of the last two years"
NO_PAST = "the year before the window is not in the data, or holds too little"
_SHORT = "a window shorter than ten months is too short to be compared month by month"
_LONG = "a window longer than a year cannot be compared with the year before it"
_A_YEAR = 366
_TEN_MONTHS = 300  # days
_BEHIND_A_PART = "lies behind a part of it, which is not counted here"
_SEEN = 0.05  # p-value of one suspect by itself, all its places searched
_COLUMNS = ["cause", "control", "outcome", "level", "id", "stage", "n_suspects", "p_value"]


def links_of(found: Investigation) -> tuple[str, ...]:
    """Give, finding by finding, the link of the sale that it takes away from."""
    links = {(one.cause, one.scope): one.claim for one in found.suspects}
    return tuple(links.get((one.cause, one.scope), "none") for one in found.findings)


def with_rivals(found: Investigation) -> tuple[Finding, ...]:
    """Give the findings with what was held against each.

    These are what lies behind a part of it, the suspects that it explains, and those at its own
    place that would have taken from the same part of the sale and do not stand out.
    """
    rivals = [
        sorted(_rivals(one, link, found), key=lambda rival: rival.p_value)
        for one, link in zip(found.findings, links_of(found), strict=True)
    ]
    return tuple(
        replace(one, rivals=tuple(own)) for one, own in zip(found.findings, rivals, strict=True)
    )


def _rivals(finding: Finding, link: str, found: Investigation) -> Iterator[Rival]:
    standing = {(one.cause, one.scope) for one in found.findings}
    explained = [one for one in found.explained if one.wholly]
    roots = {id(one.suspect): _root(one, explained) for one in explained}
    for partly in found.explained:
        own = partly.suspect.cause, partly.suspect.scope
        if not partly.wholly and own == (finding.cause, finding.scope):
            other = partly.by
            yield Rival(other.cause, other.scope, min(other.p_value, 1.0), _BEHIND_A_PART)
    for one in found.suspects:
        scope, p_value = one.scope, min(one.p_value, 1.0)
        root = roots.get(id(one))
        if root is not None:
            if (root.cause, root.scope) == (finding.cause, finding.scope):
                yield Rival(one.cause, scope, p_value, _outcome(one))
            continue
        shared = set(PARTS.get(link, ())) & set(PARTS.get(one.claim, ()))
        if shared and (one.cause, scope) not in standing and _same_place(one, finding.scope):
            yield Rival(one.cause, scope, p_value, _alone(one))


def _same_place(one: Suspect, scope: Scope) -> bool:
    if one.level != scope.level:
        return False
    return not one.ids or bool(set(one.ids) & set((scope.id or "").split(", ")))


def _outcome(rival: Suspect) -> str:
    """Say what became of a suspect that another one explains."""
    return "explained by this finding" if rival.p_value < _SEEN else "not beyond chance itself"


def _alone(one: Suspect) -> str:
    """Say why a suspect that nothing explains is no finding."""
    if not one.p_value < _SEEN:
        return "not beyond chance"
    if not one.costs():
        return "seen, but not found to cost anything"
    return "not sure enough after all that was searched, or too small to matter"


def _root(one: Explained, explained: list[Explained]) -> Suspect:
    """Follow what explains a suspect to the one that nothing else explains."""
    behind = {id(other.suspect): other.by for other in explained}
    root, seen = one.by, {id(one.suspect)}
    while id(root) in behind and id(root) not in seen:
        seen.add(id(root))
        root = behind[id(root)]
    return root


def left_out(department: Department, found: Investigation, *, n_days: int) -> list[NotExamined]:
    """Name the causes that could not be looked for in a window of so many days."""
    missed = []
    no_past = NotExamined("", ("deals.created_at",), TWO_YEARS, NO_PAST)
    if n_days > _A_YEAR:
        no_past = NotExamined("", (), "", _LONG)
    if n_days < _TEN_MONTHS:
        no_past = NotExamined("", (), "", _SHORT)
    for code, cause in CATALOGUE.items():
        if code not in DETECTED:
            missed.append(NotExamined(code, _lacking(department, code), "", LATER))
        elif code in found.unexamined:
            names = found.unexamined[code]
            missed.append(_without(code, names) if names else NotExamined(
                code, (), "", found.refused.get(code, "")))  # fmt: skip
        elif cause.needs_past and not found.looks_back:
            missed.append(replace(no_past, analysis=code))
    return missed


def _without(code: str, names: tuple[str, ...]) -> NotExamined:
    """Say which tables or columns are missing, and which export holds them."""
    kind = "column" if any("." in one for one in names) else "table"
    reason = f"there is no {kind} {' and '.join(repr(one) for one in names)}"
    tables = dict.fromkeys(one.partition(".")[0] for one in names)
    ask_for = "; and ".join(TABLES[one].ask_for for one in tables if one in TABLES)
    return NotExamined(code, names, ask_for, reason)


def _lacking(department: Department, code: str) -> tuple[str, ...]:
    return tuple(one for one in CATALOGUE[code].tables if not department.has(one))


def causes_table(found: Investigation, missed: list[NotExamined]) -> pd.DataFrame:
    """Show every cause of the catalogue, and what became of it."""
    rows = list(_rows(found, {one.analysis for one in missed}))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _rows(found: Investigation, missed: set[str]) -> Iterator[tuple[object, ...]]:
    findings = {one.cause: one for one in found.findings}
    explained = [one for one in found.explained if one.wholly]
    by = {one.suspect.cause: _root(one, explained) for one in explained}
    for code, cause in CATALOGUE.items():
        own = sorted((one for one in found.suspects if one.cause == code),
                     key=lambda one: one.p_value)  # fmt: skip
        scope = own[0].scope if own else Scope("department")
        outcome = "no sign"
        if code in missed:
            outcome = "not examined"
        elif code in findings:
            scope, outcome = findings[code].scope, "found"
        elif code in by and own[0].p_value < _SEEN:
            outcome = f"explained by {by[code].cause}"
        elif own:
            outcome = _alone(own[0])
        place = (scope.level, scope.id or "", scope.stage or "") if own else ("", "", "")
        p_value = min(own[0].p_value, 1.0) if own else np.nan
        yield code, cause.control, outcome, *place, len(own), p_value
