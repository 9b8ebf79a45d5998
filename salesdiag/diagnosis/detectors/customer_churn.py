"""Known customers order less often, the largest left apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.detectors.key_account_lost import large_accounts
from salesdiag.diagnosis.suspects import likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.08
_ALIKE = 0.3  # as a logarithm: how far those that were compared may differ from all
_LEAST = 0.05


def detect(view: View) -> list[Suspect]:
    """Compare how often customers order, by the time since they last did."""
    large = tuple(large_accounts(view)["account_id"])
    found = view.repeat_orders(large)
    place = likeliest(found)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    harm = place.log_ratio, float(np.hypot(place.standard_error, _ALIKE))
    return [suspect("customer_churn", place, "orders", harm, _exposed(view, place), found)]


def _exposed(view: View, place: Change) -> float:
    """Give what customers bought again: between all of it and that without the largest.

    The largest were not compared; but some of them are large by one purchase, and are like all.
    """
    every = view.exposed(place, place.log_ratio, of="of_repeats")
    large = large_accounts(view)
    if place.level != "department" or not len(large):  # none are, or no amounts tell which
        return every
    others = view.revenue(place, of="of_repeats") - float(large["now_amount"].sum())
    return float(np.sqrt(every * max(others, _LEAST * every)))
