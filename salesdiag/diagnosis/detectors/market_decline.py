"""Demand outside the company fell, and everything that comes in fell with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.04
_AGREES = 0.4  # of the index's fall, demand fell by at least this much


def detect(view: View) -> list[Suspect]:
    """Hold the fall of what came in against the fall of the index; without one nothing is said."""
    index = view.market_change()
    found = view.demand()
    whole = likeliest(found, ("department",))
    if index is None or whole is None or index > -_SMALLEST or whole.log_ratio > _AGREES * index:
        return []
    place = whole._replace(measured=float(np.exp(index)), expected=1.0)
    exposed = view.revenue(whole, of="of_deals")
    return [suspect("market_decline", place, "leads", size_of(whole), exposed, found)]
