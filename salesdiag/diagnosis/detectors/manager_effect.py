"""One team wins fewer of its deals than before, in all stages, while the others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.mechanism import leaking_step
from salesdiag.diagnosis.suspects import likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LIKELY = 0.5  # as likely as the likeliest place, at least


def detect(view: View) -> list[Suspect]:
    """Compare the conversion of whole teams with the year before, the others held against it."""
    found = view.pipeline()
    place = likeliest(found, ("team",))
    if place is None or place.weight < _LIKELY * found[0].weight:  # another place is likelier
        return []
    if leaking_step(view, place) is not None:  # it is the step, and told as its leak
        return []
    exposed = view.exposed(place, place.log_ratio, of="of_deals")
    return [suspect("manager_effect", place, "pipeline", size_of(place), exposed, found,
                    has_driver=False)]  # fmt: skip
