"""Leads are answered later than before, and fewer become deals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import at_place, likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_ALIKE = 0.25  # of the loss: leads that do not wait may be better or worse than others
_SLOWER = np.log(1.3)  # of the wait; a little more is noticed by nobody


def detect(view: View) -> list[Suspect]:
    """Compare the typical wait for the first answer, and what became of the leads."""
    found = view.delay()
    place = likeliest(found)
    harm = place and at_place(view.lead_conversion(), place)
    if place is None or harm is None or place.log_ratio < _SLOWER:
        return []
    exposed = view.exposed(place, harm.log_ratio, of="of_leads")
    lost = harm.log_ratio, float(np.hypot(harm.standard_error, _ALIKE * harm.log_ratio))
    return [suspect("slow_response", place, "lead conversion", lost, exposed, found)]
