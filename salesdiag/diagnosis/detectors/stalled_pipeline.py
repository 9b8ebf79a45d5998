"""More of the open deals than before are older than deals that still win."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.analyses import pipeline
from salesdiag.diagnosis.suspects import Suspect, at_place, likeliest, size_of, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_LEVELS = ("department", "team", "rep")
# without a year before: so much of a pipeline may be dead, and is as a rule
_MOST, _USUAL = 0.20, 0.10
_SMALLEST = 0.03  # of the open deals, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of open deals past winning, month end by month end."""
    if not view.has_past():
        return _level(view)
    found = view.stale()
    place = likeliest(found, _LEVELS)
    harm = place and at_place(view.pipeline(), place)
    if place is None or harm is None or place.measured - place.expected < _SMALLEST:
        return []
    exposed = view.exposed(place, harm.log_ratio, of="of_deals")
    return [suspect("stalled_pipeline", place, "pipeline", size_of(harm), exposed, found)]


def _level(view: View) -> list[Suspect]:
    """Hold the share of deals without a fair chance against what any pipeline has; no price."""
    table = view.once("stalled", lambda: pipeline.stalled_deals(view.department, clock="deal"))
    if table is None or not len(table) or table["threshold_basis"].iloc[0] != "learnt":
        return []
    row = table.iloc[0]
    n, dead = int(row["n_open"] - row["n_undated"]), int(row["n_stalled"])
    if n < 1 or dead <= _MOST * n:
        return []
    return [Suspect(
        "stalled_pipeline", "department", (), dead / n, _USUAL, n,
        float(special.bdtrc(dead - 1, n, _MOST)), "none", np.nan, np.nan, np.nan, grade="D",
        has_driver=True, table=table,
    )]  # fmt: skip
