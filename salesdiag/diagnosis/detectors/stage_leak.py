"""Conversion out of one stage fell, and that of the others did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.mechanism import leaking_step
from salesdiag.diagnosis.suspects import at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "source", "segment", "product")
_ALONE = 0.5  # of the whole fall, at least this much sits in the one stage


def detect(view: View) -> list[Suspect]:
    """Look at each step for a place where it fell, and at teams that fell in one step."""
    places = []
    for number in range(view.n_steps()):
        place = likeliest(view.step(number), _LEVELS)
        if place is not None and _stands_alone(view, number, place):
            if place.level == "team" and leaking_step(view, place) != number:
                continue  # the team fell as a whole
            searched = min(1.0, place.p_value * view.n_steps())
            places.append((searched, number, place._replace(p_value=searched)))
    places += _of_teams(view)
    if not places:
        return []
    _p_value, number, place = min(places, key=lambda one: one[:2])
    found = view.step(number)
    exposed = view.revenue_of_step(number, place)
    return [suspect("stage_leak", place, "pipeline", size_of(place), exposed, found,
                    stage=view.stage_names()[number], has_driver=False)]  # fmt: skip


def _of_teams(view: View) -> list[tuple[float, int, Change]]:
    """Give the team whose wins fell, where one step tells its fall: no fault of its manager."""
    place = likeliest(view.pipeline(), ("team",))
    number = None if place is None else leaking_step(view, place)
    if place is None or number is None:
        return []
    own = at_place(view.step(number), place)
    if own is None:
        return []
    searched = min(1.0, 2 * place.p_value)  # the second look
    return [(searched, number, own._replace(p_value=searched))]


def _stands_alone(view: View, number: int, place: Change) -> bool:
    """Tell whether the fall of the step is most of the fall of all steps at its place.

    Those of the others count as far as they are beyond their error: chance falls in all of them.
    """
    others = [at_place(view.step(one), place) for one in range(view.n_steps()) if one != number]
    rest = sum(min(one.log_ratio + one.standard_error, 0.0) for one in others if one is not None)
    return place.log_ratio <= _ALONE * (rest + place.log_ratio)
