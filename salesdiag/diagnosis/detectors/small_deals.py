"""The list value of a deal won fell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "segment", "product", "source", "territory")
_SMALLEST = 0.04


def detect(view: View) -> list[Suspect]:
    """Compare the typical list value of deals won with the year before."""
    found = view.size()
    place = likeliest(found, _LEVELS)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    return [suspect("small_deals", place, "size", size_of(place), view.revenue(place), found)]
