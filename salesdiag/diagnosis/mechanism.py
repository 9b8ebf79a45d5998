"""How a place lost its wins: in one step of the sale, or a little in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from salesdiag.diagnosis.contrasts import Change
    from salesdiag.diagnosis.view import View

_CLEARLY = 2.0  # in log-likelihood


def leaking_step(view: View, place: Change) -> int | None:
    """Name the step that lost what a place lost, if one step tells it better than all alike.

    Where all steps fell by one and the same part, the people are to be looked at; where one
    fell and the others held, that step is. Both are held against the changes of the steps, and
    the one step pays for being chosen among several.
    """
    steps = [view.step(number).at(place.level, place.ids) for number in range(view.n_steps())]
    known = [(number, one) for number, one in enumerate(steps) if one is not None]
    if len(known) < 2:
        return None
    change = np.array([one.log_ratio for _number, one in known])
    weight = 1 / np.array([one.standard_error for _number, one in known]) ** 2
    all_alike = min(float(change @ weight), 0.0) ** 2 / (2 * weight.sum())
    each = np.minimum(change, 0.0) ** 2 * weight / 2 - np.log(len(known))
    best = int(each.argmax())
    return known[best][0] if each[best] > all_alike + _CLEARLY else None
