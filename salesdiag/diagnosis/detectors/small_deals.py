"""The list value of a deal won fell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import likeliest, size_of, suspect
from salesdiag.reductions.yearly import LEVELS

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "segment", "product", "source", "territory")
_MORE = 0.10  # as a logarithm: so many more deals
_SAME = 0.5  # of the fall of the typical deal, the value of all did not fall
_SMALLEST = 0.04


def detect(view: View) -> list[Suspect]:
    """Compare the typical list value of deals won with the year before."""
    found = view.size()
    place = likeliest(found, _LEVELS)
    if place is None or place.log_ratio > -_SMALLEST:
        return []
    if _are_more(view, place):
        return []
    return [
        suspect(
            "small_deals",
            place,
            "size",
            size_of(place),
            view.exposed(place, place.log_ratio),
            found,
        )
    ]


def _are_more(view: View, place: Change) -> bool:
    """Tell whether small deals came on top: many more deals, and no less value in all."""
    cells = view.sizes
    if cells is None:
        return False
    if place.level in LEVELS:
        cells = cells[cells[LEVELS[place.level]].isin(place.ids)]
    sums = cells.groupby("side")[["n_decided", "listed"]].sum()
    if set(sums.index) != {"base", "now"}:
        return False
    rise = np.log(sums.loc["now"] / sums.loc["base"])
    return bool(rise["n_decided"] > _MORE and rise["listed"] > _SAME * place.log_ratio)
