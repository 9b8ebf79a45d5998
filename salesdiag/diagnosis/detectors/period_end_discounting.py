"""Discounts rise towards the quarter's end more than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, kept_of, likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.02  # of the list price
_ELSEWHERE = 0.5  # of the rise, at other times at most


def detect(view: View) -> list[Suspect]:
    """Compare the discounts of the last days of a quarter, and hold those of the rest beside."""
    found = view.late_depth()
    place = likeliest(found, ("department", "team", "rep"))
    if view.by_policy() or place is None or place.measured - place.expected < _SMALLEST:
        return []
    rest = at_place(view.early_depth(), place)
    rise = place.measured - place.expected
    if rest is not None and rest.measured - rest.expected > _ELSEWHERE * rise:
        return []
    # the rise begins before the last days: what all deals gave away more is its price
    whole = at_place(view.depth(), place) or place
    harm = kept_of(whole)
    exposed = view.revenue(place) if whole is not place else view.late_revenue(place)
    return [suspect("period_end_discounting", place, "price", harm, exposed, found,
                    price_harm=harm[0])]  # fmt: skip
