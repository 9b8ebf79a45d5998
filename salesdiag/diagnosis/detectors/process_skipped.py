"""Stages are left out more often than before, and deals that leave them out are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.015  # of all stages, more left out than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of stages left out, and the conversion at the same place."""
    found = view.skips()
    place = likeliest(found, ("department", "team", "territory", "rep"))
    harm = place and at_place(view.pipeline(), place)
    if place is None or harm is None or place.measured - place.expected < _SMALLEST:
        return []
    exposed = view.exposed(place, harm.log_ratio, of="of_deals")
    return [suspect("process_skipped", place, "pipeline", size_of(harm), exposed, found)]
