"""Leads of a source are won less often than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "source", "segment")
_EARLY = 0.25  # of the whole fall, at least this much comes before there is a deal


def detect(view: View) -> list[Suspect]:
    """Compare how many leads become deals, and how many of those are won, with the year before."""
    found = view.lead_to_win()
    place = likeliest(found, _LEVELS)
    if place is None:
        return []
    early = at_place(view.lead_conversion(), place)
    # bad leads fail from the first talk on; where only deals fail it is not the leads
    if early is None or early.log_ratio > _EARLY * place.log_ratio:
        return []
    exposed = view.exposed(place, place.log_ratio, of="of_leads")
    return [suspect("lead_quality", place, "lead conversion", size_of(place), exposed, found,
                    has_driver=False)]  # fmt: skip
