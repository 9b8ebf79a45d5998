"""Leads are answered later than before, and fewer become deals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SLOWER = np.log(1.3)  # of the wait; a little more is noticed by nobody


def detect(view: View) -> list[Suspect]:
    """Compare the typical wait for the first answer, and what became of the leads."""
    found = view.delay()
    place = likeliest(found)
    harm = place and at_place(view.lead_conversion(), place)
    if place is None or harm is None or place.log_ratio < _SLOWER:
        return []
    exposed = view.exposed(place, harm.log_ratio, of="of_leads")
    return [suspect("slow_response", place, "lead conversion", size_of(harm), exposed, found)]
