"""Less is done for each live deal than before, and fewer are won."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.10
_LESS = 0.5  # of the fall, that shows in the activities of a day too


def detect(view: View) -> list[Suspect]:
    """Compare activities per live open deal, so that a fuller table is no laziness.

    Who does as much a day as before does not do less: the effort went elsewhere.
    """
    found = view.effort_per_deal()
    place = likeliest(found)
    harm = place and at_place(view.pipeline(), place)
    if place is None or harm is None or place.log_ratio > -_SMALLEST:
        return []
    a_day = view.effort_per_day(place)
    if a_day is not None and a_day > _LESS * place.log_ratio:
        return []
    exposed = view.exposed(place, harm.log_ratio, of="of_deals")
    return [suspect("low_activity", place, "pipeline", size_of(harm), exposed, found)]
