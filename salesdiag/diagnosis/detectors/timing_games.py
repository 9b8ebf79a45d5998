"""Wins are pulled over the quarter's end: more in its last days, fewer in the first ones after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.diagnosis.suspects import Suspect, likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05
# without a year before: so many of the wins about an end may fall before it, and do as a rule
_MOST, _USUAL = 0.60, 0.55
_FEWEST_ENDS = 2


def detect(view: View) -> list[Suspect]:
    """Compare the share of the wins about a quarter's end that fall before it."""
    if not view.has_past():
        return _level(view)
    found = view.pulled_over()
    place = likeliest(found, ("department", "team"))
    if place is None or place.measured - place.expected < _SMALLEST:
        return []
    return [suspect("timing_games", place, "none", (np.nan, np.nan), np.nan, found)]


def _level(view: View) -> list[Suspect]:
    """Hold the share of wins before the ends that are seen on both sides against the usual."""
    cells = view.periods
    if cells is None:
        return []
    now = cells[cells["side"] == "now"]
    wins = {phase: now[now["phase"] == phase].groupby("month")["n_won"].sum()
            for phase in ("end", "start")}  # fmt: skip
    both = [month for month in wins["end"].index if month + 1 in wins["start"].index]
    before, after = wins["end"][both].sum(), wins["start"][[month + 1 for month in both]].sum()
    n = int(before + after)
    if len(both) < _FEWEST_ENDS or before <= _MOST * n:
        return []
    return [Suspect(
        "timing_games", "department", (), float(before / n), _USUAL, n,
        float(special.bdtrc(before - 1, n, _MOST)), "none", np.nan, np.nan, np.nan, grade="D",
        has_driver=True, table=cells,
    )]  # fmt: skip
