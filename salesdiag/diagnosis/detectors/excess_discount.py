"""Discounts are deeper than before, and win no more for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import as_share, at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "rep", "segment", "product", "territory")
_BY_POLICY = ("department", "segment", "product")  # where a price list gives the discounts
_ALIKE = 0.2  # of the loss: deals won with and without the discount may differ so much
_SMALLEST = 0.015  # of the list price


def detect(view: View) -> list[Suspect]:
    """Compare the discount of deals won; what more of them are won for it is set against it."""
    found = view.depth()
    place = likeliest(found, _BY_POLICY if view.by_policy() else _LEVELS)
    if place is None or place.log_ratio < _SMALLEST:
        return []
    lost, error = view.price_change(place), place.standard_error
    if not lost < 0:
        return []
    gain, gain_error = _won_back(view, place)
    harm = lost + gain, float(np.sqrt(error**2 + gain_error**2 + (_ALIKE * lost) ** 2))
    return [suspect("excess_discount", as_share(place), "price", harm, view.revenue(place), found,
                    price_harm=lost)]  # fmt: skip


def _won_back(view: View, place: Change) -> tuple[float, float]:
    """Give the change of the conversion at the same place, if it rose."""
    rise = at_place(view.pipeline(), place)
    if rise is None or rise.log_ratio <= 0:
        return 0.0, 0.0
    return size_of(rise)
