"""Demand outside the company fell, and everything that comes in fell with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.diagnosis.suspects import at_place, combined, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.02
_MOST = 1.5  # times the fall of the index, that sales may have fallen for it
_ROUGH = 0.005  # an index is not known better than this
_AGREES = 0.4  # of the index, what came in and was sold of it may well have fallen by this much
_FOLLOWS = 0.6  # times the fall of the index: how far sales may be from following it one to one


def detect(view: View) -> list[Suspect]:
    """Hold the fall of what came in against the fall of the index; without one nothing is said."""
    market = view.market_change()
    found = view.demand()
    whole = likeliest(found, ("department",))
    if market is None or whole is None:
        return []
    index, error, n_months = market
    fewer, worse = size_of(whole), _of_sold(view, whole)
    harm = fewer[0] + worse[0], float(np.hypot(fewer[1], worse[1]))
    if index > -_SMALLEST or harm[0] - harm[1] > _AGREES * index:
        return []
    # what fell beyond the market is another fault's
    fell = max(harm[0], _MOST * index), float(np.hypot(harm[1], error))
    harm = combined(fell, (index, _FOLLOWS * abs(index)))
    p_value = float(special.stdtr(n_months - 1, index / max(error, _ROUGH)))
    place = whole._replace(measured=float(np.exp(index)), expected=1.0, p_value=p_value)
    exposed = view.revenue(whole, of="of_deals")
    return [suspect("market_decline", place, "leads", harm, exposed, found)]


def _of_sold(view: View, whole: Change) -> tuple[float, float]:
    """Give the fall of the conversion beside that of demand: who has no money says no later."""
    fall = at_place(view.pipeline(), whole)
    return (0.0, 0.0) if fall is None or fall.log_ratio > 0 else size_of(fall)
