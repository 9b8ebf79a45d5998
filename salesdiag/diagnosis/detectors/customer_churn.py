"""Customers who bought before come back less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.08


def detect(view: View) -> list[Suspect]:
    """Compare the orders of known customers, the largest accounts that left apart."""
    found = view.repeat_orders()
    place = likeliest(found, ("department", "segment", "team", "territory", "product"))
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    monthly = place._replace(measured=place.measured / 12, expected=place.expected / 12)
    exposed = view.repeat_revenue(place)
    return [suspect("customer_churn", monthly, "orders", size_of(place), exposed, found)]
