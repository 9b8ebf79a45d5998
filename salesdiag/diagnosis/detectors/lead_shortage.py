"""Fewer leads than the year before, in all or from one source or territory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesdiag.diagnosis.suspects import likeliest, of_department, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_NET = 0.5  # of what a place lacks, the department has to lack too
_SMALLEST = 0.05  # a change of less is no shortage


def detect(view: View) -> list[Suspect]:
    """Compare the leads of the window with those of the same months a year before."""
    found = view.lead_count()
    place = likeliest(found)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    whole = of_department(found)
    if place.level != "department" and whole is not None and not _is_short(place, whole):
        return []  # others came in instead: they are called something else now
    months = view.n_months()
    monthly = place._replace(measured=place.measured / months, expected=place.expected / months)
    exposed = view.exposed(place, place.log_ratio, of="of_leads")
    return [suspect("lead_shortage", monthly, "leads", size_of(place), exposed, found)]


def _is_short(place: Change, whole: Change) -> bool:
    """Tell whether the department has fewer leads too, by a good part of what the place lacks."""
    lacking, net = (one.expected - one.measured for one in (place, whole))
    return net > _NET * lacking
