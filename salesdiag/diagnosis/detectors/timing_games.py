"""Wins are pulled over the quarter's end: more in its last days, fewer in the first ones after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05


def detect(view: View) -> list[Suspect]:
    """Compare the share of the wins about a quarter's end that fall before it."""
    found = view.pulled_over()
    place = likeliest(found, ("department", "team"))
    if place is None or place.measured - place.expected < _SMALLEST:
        return []
    return [suspect("timing_games", place, "none", (np.nan, np.nan), np.nan, found)]
