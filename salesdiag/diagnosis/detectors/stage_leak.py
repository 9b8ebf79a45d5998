"""Conversion out of one stage fell, and that of the others did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "source", "segment", "product", "territory")
_ALONE = 0.5  # of the whole fall, at least this much sits in the one stage


def detect(view: View) -> list[Suspect]:
    """Look at each step for a place where it fell, and take the step that fell beyond the rest."""
    suspects = []
    for number, name in enumerate(view.stage_names()[: view.n_steps()]):
        found = view.step(number)
        place = likeliest(found, _LEVELS)
        if place is None or not _stands_alone(view, number, place):
            continue
        searched = place._replace(p_value=min(1.0, place.p_value * view.n_steps()))
        exposed = view.revenue_of_step(number, place)
        suspects.append(suspect("stage_leak", searched, "pipeline", size_of(place), exposed, found,
                                stage=name, has_driver=False))  # fmt: skip
    return sorted(suspects, key=lambda one: one.p_value)[:1]


def _stands_alone(view: View, number: int, place: Change) -> bool:
    """Tell whether the fall of the step is most of the fall of all steps at its place."""
    others = [at_place(view.step(one), place) for one in range(view.n_steps()) if one != number]
    rest = sum(min(one.log_ratio, 0.0) for one in others if one is not None)
    return place.log_ratio <= _ALONE * (rest + place.log_ratio)
