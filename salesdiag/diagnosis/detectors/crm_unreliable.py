"""Entries are made late, in bursts or against each other, more than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import likeliest, suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.suspects import Suspect
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.03  # of the entries, more than before


def detect(view: View) -> list[Suspect]:
    """Compare the share of suspect entries of each kind with the year before."""
    kinds = view.entry_kinds()
    suspects = []
    for table, kind in kinds:
        found = view.suspect_entries(table, kind)
        place = likeliest(found)
        if place is None or place.measured - place.expected < _SMALLEST:
            continue
        searched = place._replace(p_value=min(1.0, place.p_value * len(kinds)))
        one = suspect("crm_unreliable", searched, "none", (np.nan, np.nan), np.nan, found)
        suspects.append(one)
    return sorted(suspects, key=lambda one: one.p_value)[:1]
