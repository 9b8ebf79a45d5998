"""Known customers order less often, the largest left apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.detectors.key_account_lost import large_accounts
from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.08


def detect(view: View) -> list[Suspect]:
    """Compare how often customers order, by the time since they last did."""
    large = tuple(large_accounts(view)["account_id"])
    found = view.repeat_orders(large)
    place = likeliest(found)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    exposed = view.exposed(place, place.log_ratio, of="of_repeats")
    if place.level == "department":  # what the largest bought was not compared
        exposed = max(exposed - float(large_accounts(view)["now_amount"].sum()), 0.0)
    return [suspect("customer_churn", place, "orders", size_of(place), exposed, found)]
