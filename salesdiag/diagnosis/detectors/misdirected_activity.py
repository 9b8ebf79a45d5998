"""More of the effort than before goes to deals that are closed or can hardly win any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_BEYOND = 0.9  # as logarithms: so much more than the old deals themselves
_SMALLEST = 0.05  # of all activities, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of activities on dead deals, and the conversion at the same place."""
    found = view.dead_effort()
    place = likeliest(found)
    harm = place and at_place(view.pipeline(), place)
    if place is None or harm is None or place.measured - place.expected < _SMALLEST:
        return []
    stale = at_place(view.stale(), place)
    if stale is not None and place.log_ratio < stale.log_ratio + _BEYOND:
        return []  # more deals are old, and get what old deals get
    exposed = view.exposed(place, harm.log_ratio, of="of_deals")
    return [suspect("misdirected_activity", place, "pipeline", size_of(harm), exposed, found)]
