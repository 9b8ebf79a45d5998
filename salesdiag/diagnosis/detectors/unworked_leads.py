"""More leads than before are never contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import combined, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_ALIKE = 0.25  # how far leads that nobody called may be better or worse than others
_SMALLEST = 0.03  # of all leads, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of leads without any contact; whoever is not called is not won."""
    found = view.untouched()
    place = likeliest(found)
    if place is None or place.measured - place.expected < _SMALLEST:
        return []
    harm = _harm(view, place)
    exposed = view.exposed(place, harm[0], of="of_leads")
    return [suspect("unworked_leads", place, "lead conversion", harm, exposed, found)]  # fmt: skip


def _harm(view: View, place: Change) -> tuple[float, float]:
    """Give what the share of leads worked fell by, beside what became of the leads at all.

    Where contacts are only not logged, as many leads become deals as before: both are
    estimates, and each counts as much as it is sure.
    """
    worked = 1 - place.measured
    lost = float(np.log(worked / (1 - place.expected)))
    error = float(np.hypot(np.sqrt(place.measured / (worked * place.n)), _ALIKE * lost))
    seen = view.lead_conversion().at(place.level, place.ids)
    return (lost, error) if seen is None else combined((lost, error), size_of(seen))
