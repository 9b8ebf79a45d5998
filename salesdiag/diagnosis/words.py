"""Sentences of the catalogue, filled with the figures of a suspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from salesdiag.diagnosis.catalogue import Cause, Unit
    from salesdiag.diagnosis.suspects import Suspect

_NAMES = {
    "team": "team {}", "territory": "territory {}", "source": "source {}",
    "segment": "segment {}", "product": "product {}", "rep": "{}", "account": "{}",
}  # fmt: skip


def sentence(
    template: str, cause: Cause, suspect: Suspect, names: Mapping[str, str] | None = None
) -> str:
    """Fill a sentence; ``names`` gives the names of reps and accounts by id."""
    scope = "the department"
    if suspect.level != "department":
        known = names if names and suspect.level in ("rep", "account") else {}
        scope = _NAMES[suspect.level].format(", ".join(known.get(one, one) for one in suspect.ids))
    text = template.format(
        scope=scope, stage=suspect.stage or "the stage", n=suspect.n,
        measured=figure(suspect.measured, cause.unit),
        expected=figure(suspect.expected, cause.unit),
    )  # fmt: skip
    return text[:1].upper() + text[1:]


def figure(value: float, unit: Unit) -> str:
    """Write a figure as a person would say it.

    >>> figure(0.2345, "share"), figure(1234567.0, "money"), figure(30.2, "hours")
    ('23 %', '1,230,000', '30 hours')
    """
    if unit in ("share", "rate", "ratio"):
        percent = 100 * value
        return f"{percent:.0f} %" if abs(percent) >= 10 else f"{percent:.1f} %"
    if unit == "money":
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -max(digits, 0)):,.0f}"
    shown = f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"
    return f"{shown} {unit}" if unit in ("hours", "days") else shown
