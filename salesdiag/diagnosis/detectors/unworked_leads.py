"""More leads than before are never contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.contrasts import DRIFT
from salesdiag.diagnosis.suspects import likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_MOST_LOST = -1.0  # as a logarithm: almost two thirds
_SMALLEST = 0.03  # of all leads, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of leads without any contact; whoever is not called is not won."""
    found = view.untouched()
    place = likeliest(found)
    if place is None or place.measured - place.expected < _SMALLEST:
        return []
    harm = _harm(place)
    exposed = view.revenue(place, of="of_leads")
    if harm[0] < _MOST_LOST:  # what little is left tells less than what was there
        before = view.revenue(place, side="base") * float(np.exp(harm[0]))
        exposed = float(np.sqrt(exposed * before))
    return [suspect("unworked_leads", place, "lead conversion", harm, exposed, found,
                    grade="B")]  # fmt: skip


def _harm(place: Change) -> tuple[float, float]:
    """Give the change of the share of leads worked, as a logarithm, and its error."""
    worked = 1 - place.measured
    lost = float(np.log(worked / (1 - place.expected)))
    return lost, float(np.hypot(np.sqrt(place.measured / (worked * place.n)), DRIFT))
