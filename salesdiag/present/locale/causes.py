"""The catalogue of causes in the reader's language: names, places, figures and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.present.locale.catalogues import entry, text
from salesdiag.present.locale.formats import TIE, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.diagnosis.catalogue import Unit

_LEVELS = ("team", "territory", "source", "segment", "product")


def cause_name(code: str, language: str) -> str:
    """Name a cause of the catalogue.

    >>> cause_name("crm_unreliable", "en"), cause_name("stage_leak", "ru")
    ('CRM unreliable', 'Утечка на этапе')
    """
    return entry("cause name", code, language) or code.replace("_", " ").capitalize()


def scope_text(level: str, ids: Sequence[str], language: str) -> str:
    """Say where a fault sits; ids of reps and accounts may be replaced by names before.

    >>> scope_text("team", ["North"], "ru"), scope_text("department", [], "vi")
    ('команда North', 'phòng kinh doanh')
    """
    if level == "department":
        return text("the department", language)
    names = ", ".join(ids)
    return text(f"{level} {{name}}", language, name=names) if level in _LEVELS else names


def figure_text(value: float, unit: Unit, language: str) -> str:
    r"""Write a figure of a finding as a person would say it.

    >>> figure_text(0.2345, "share", "ru"), figure_text(30.2, "hours", "vi")
    ('23\xa0%', '30\xa0giờ')
    >>> figure_text(1234567.0, "money", "ru")
    '1\xa0230\xa0000'
    """
    if unit in ("share", "rate", "ratio"):
        return percent(value, language, 0 if abs(100 * value) >= 10 else 1)
    if unit == "money":
        digits = len(str(int(abs(value)))) - 3
        return number(round(value, -max(digits, 0)), language)
    shown = number(value, language, 0 if abs(value) >= 10 else 1)
    return f"{shown}{TIE}{entry('unit', unit, language)}" if unit in ("hours", "days") else shown


def cause_sentence(
    template: str,
    language: str,
    *,
    scope: str,
    stage: str | None,
    n: int,
    measured: str,
    expected: str,
) -> str:
    """Fill a sentence of the catalogue in a language.

    Parameters
    ----------
    template : str
        The English sentence of `salesdiag.diagnosis.catalogue`.
    language : {"en", "ru", "vi"}
    scope : str
        As `scope_text` says it.
    stage : str or None
        The stage being left, if any.
    n : int
        Cases behind it.
    measured, expected : str
        As `figure_text` writes them.

    Returns
    -------
    str

    Examples
    --------
    >>> cause_sentence("A few large deals move a forecast.", "vi", scope="", stage=None, n=1,
    ...                measured="", expected="")
    'Vài thương vụ lớn có thể làm lệch dự báo.'
    """
    where = text("the stage", language) if stage is None else stage
    values = {"scope": scope, "stage": where, "n": n, "measured": measured, "expected": expected}
    said = text(template, language, context="cause", **values)
    return said[:1].upper() + said[1:]
