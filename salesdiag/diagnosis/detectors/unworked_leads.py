"""More leads than before are never contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.03  # of all leads, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of leads without any contact; whoever is not called is not won."""
    found = view.untouched()
    place = likeliest(found)
    if place is None or place.measured - place.expected < _SMALLEST:
        return []
    worked = 1 - place.measured
    lost = float(np.log(worked / (1 - place.expected)))
    # the error of the share left untouched, carried over to that of the leads worked
    error = place.standard_error * place.measured / worked
    exposed = view.revenue(place, of="of_leads")
    return [suspect("unworked_leads", place, "lead conversion", (lost, error), exposed, found,
                    grade="B")]  # fmt: skip
