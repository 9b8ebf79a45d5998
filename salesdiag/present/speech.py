"""How the report speaks: sentences, counts, money and days in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.present import labels
from salesdiag.present.locale import catalogues
from salesdiag.present.locale.causes import cause_sentence, figure_text, scope_text
from salesdiag.present.locale.formats import MISSING, number, percent
from salesdiag.present.locale.retold import retell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.diagnosis.finding import Diagnosis, Finding, Scope

_TIE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language, and the currency of the department."""

    language: str = "en"
    currency: str = ""

    def __post_init__(self) -> None:
        """Refuse a language that the package does not speak."""
        catalogues.check_language(self.language)

    def say(self, message: str, **values: object) -> str:
        """Say a sentence of the report."""
        return catalogues.text(message, self.language, context="report", **values)

    def count(self, one: str, many: str, n: int, **values: object) -> str:
        """Say a sentence that changes with a number."""
        return catalogues.plural(one, many, n, self.language, **values)

    def percent(self, share: float, digits: int = 0) -> str:
        """Write a share as a percent; English ties figures later, where it is broken."""
        text = percent(share, self.language, digits)
        return text.replace(_TIE, " ") if self.language == "en" else text

    def share(self, value: float) -> str:
        """Write a share with one digit."""
        return labels.share(value, self.language)

    def money(self, value: float, *, bare: bool = False) -> str:
        """Write money in three figures, with its currency unless it is bare."""
        return labels.money(value, "" if bare else self.currency, self.language)

    def plain(self, value: float) -> str:
        """Write money in full, so that a column can be added up by hand."""
        return number(value, self.language)

    def day(self, day: date) -> str:
        """Write a day."""
        return labels.day_text(day, self.language)

    def told(self, sentence: str) -> str:
        """Say a sentence of the tables, such as a reason, that came filled in English."""
        return retell(sentence, self.language)

    def word(self, code: str, column: str = "") -> str:
        """Name a code."""
        return catalogues.word(code, self.language, column=column)

    def cause(self, code: str) -> str:
        """Name a cause or an analysis."""
        return labels.title(code, self.language)

    def listed(self, names: Sequence[str], most: int) -> str:
        """List names; more than so many are counted."""
        shown = ", ".join(names[:most])
        more = len(names) - most
        return self.say("{names} and {n} more", names=shown, n=more) if more > 0 else shown

    def place(self, scope: Scope, names: dict[str, str]) -> str:
        """Say where a finding sits."""
        place = scope_text(scope.level, _ids(scope, names), self.language)
        if scope.level == "department":
            place = self.say("the department")
        if not scope.stage:
            return place
        return self.say("{place}, out of {stage}", place=place, stage=scope.stage)

    def figure(self, value: float, cause: str) -> str:
        """Write what a finding measured."""
        if value != value:
            return MISSING
        unit = CATALOGUE[cause].unit if cause in CATALOGUE else "number"
        return figure_text(value, unit, self.language)

    def reading(self, finding: Finding, names: dict[str, str]) -> str:
        """Say what a finding is, with its figures."""
        if self.language == "en" or finding.cause not in CATALOGUE:
            return finding.reading
        return self._filled(CATALOGUE[finding.cause].reading, finding, names)

    def caveat(self, finding: Finding) -> str:
        """Say what would overturn a finding."""
        return catalogues.text(finding.caveat, self.language, context="cause")

    def next_step(self, finding: Finding, names: dict[str, str]) -> str:
        """Say what to do on Monday."""
        if self.language == "en" or finding.cause not in CATALOGUE:
            return finding.next_step
        return self._filled(CATALOGUE[finding.cause].next_step, finding, names)

    def _filled(self, template: str, finding: Finding, names: dict[str, str]) -> str:
        scope = finding.scope
        text = cause_sentence(
            template, self.language, scope=scope_text(scope.level, _ids(scope, names),
                                                      self.language),
            stage=scope.stage, n=finding.n, measured=self.figure(finding.measured, finding.cause),
            expected=self.figure(finding.expected, finding.cause),
        )  # fmt: skip
        return text[:1].upper() + text[1:]


def _ids(scope: Scope, names: dict[str, str]) -> list[str]:
    ids = (scope.id or "").split(", ") if scope.id else []
    return [names.get(one, one) for one in ids] if scope.level == "rep" else ids


def names_of(diagnosis: Diagnosis) -> dict[str, str]:
    """Give the names of the reps by id, as far as the tables hold them."""
    table = diagnosis.tables.get("win_rate_by_rep_id")
    if table is None or "rep_name" not in table:
        return {}
    known = table[table["rep_name"].notna()]
    return dict(zip(known["rep_id"], known["rep_name"], strict=True))
