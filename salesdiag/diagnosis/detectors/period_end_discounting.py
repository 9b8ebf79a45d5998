"""Discounts rise towards the quarter's end more than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import as_share, at_place, likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.02  # of the list price
_ELSEWHERE = 0.5  # of the rise, at other times at most


def detect(view: View) -> list[Suspect]:
    """Compare the discounts of the last days of a quarter, and hold those of the rest beside."""
    found = view.late_depth()
    place = likeliest(found, ("department", "team", "rep"))
    if view.by_policy() or place is None or place.log_ratio < _SMALLEST:
        return []
    rest = at_place(view.early_depth(), place)
    if rest is None or rest.log_ratio > _ELSEWHERE * place.log_ratio:
        return []
    # the rise begins before the last days: what all deals gave away more is its price
    whole, lost = at_place(view.depth(), place), view.price_change(place)
    if whole is None or not lost < 0:
        return []
    harm = lost, whole.standard_error
    return [suspect("period_end_discounting", as_share(place), "price", harm,
                    view.revenue(place), found, price_harm=lost)]  # fmt: skip
