"""More of the open deals than before are older than deals that still win."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "rep")
_SMALLEST = 0.05  # of the open deals, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of open deals past winning, month end by month end."""
    found = view.stale()
    place = likeliest(found, _LEVELS)
    harm = place and at_place(view.pipeline(), place)
    if place is None or harm is None or place.measured - place.expected < _SMALLEST:
        return []
    exposed = view.revenue(place, of="of_deals")
    return [suspect("stalled_pipeline", place, "pipeline", size_of(harm), exposed, found)]
