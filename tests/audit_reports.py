"""The HTML reports that tests open: of the sample in every language, and of odd departments."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import salesdiag as sd
from salesdiag.intake.settings import settings_of
from salesdiag.present.html import write_html
from salesdiag.simulate import world
from tests.frames import SAMPLE, deals_of
from tests.hostile_tables import hostile_department

if TYPE_CHECKING:
    from pathlib import Path

    from salesdiag.diagnosis.finding import Diagnosis

LANGUAGES = ("en", "ru", "vi")
# words that neither Russian nor Vietnamese has, nor the names of the sample
ENGLISH = re.compile(
    r"\b(the|of|is|are|and|with|which|by|was|not|for|all|other|what|would|how|from|each|against|"
    r"valid|explained|range|share)\b",
    re.IGNORECASE,
)


def healthy_department() -> sd.Department:
    made = world(seed=3, reps=12, months=24, language="en")
    return sd.Department.of(made.tables, settings_of(made.settings, "made up"))


def deals_only() -> sd.Department:
    rows = [
        (f"D{number}", ("won", "lost", "open")[number % 3], number % 40,
         None if number % 3 == 2 else number % 40 + 10, 100.0 + number)
        for number in range(60)
    ]  # fmt: skip
    return deals_of(rows, ["deal_id", "status", "created_at", "closed_at", "amount"])


OTHERS = {
    "hostile": hostile_department,
    "deals only": deals_only,
    "healthy": healthy_department,
}
REPORTS = (*LANGUAGES, *OTHERS)


class Reports:
    """Reports by name, written when first asked for; a diagnosis serves all languages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._diagnoses: dict[str, Diagnosis] = {}
        self._files: dict[str, Path] = {}

    def __call__(self, name: str) -> Path:
        if name not in self._files:
            language = name if name in LANGUAGES else "en"
            target = self.folder / f"{name}.html"
            with warnings.catch_warnings():
                # a picture of emoji is drawn by the browser's fonts, not by matplotlib's
                warnings.filterwarnings("ignore", "Glyph .* missing from font")
                self._files[name] = write_html(self._diagnosis(name), target, language=language)
        return self._files[name]

    def _diagnosis(self, name: str) -> Diagnosis:
        which = "sample" if name in LANGUAGES else name
        if which not in self._diagnoses:
            made = sd.load(SAMPLE) if which == "sample" else OTHERS[which]()
            self._diagnoses[which] = sd.audit(made)
        return self._diagnoses[which]
