"""Fewer leads than the year before, in all or from one source or territory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05  # a change of less is no shortage


def detect(view: View) -> list[Suspect]:
    """Compare the leads of the window with those of the same months a year before."""
    found = view.lead_count()
    place = likeliest(found)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    monthly = place._replace(measured=place.measured / 12, expected=place.expected / 12)
    exposed = view.revenue(place, of="of_leads")
    return [suspect("lead_shortage", monthly, "leads", size_of(place), exposed, found)]
