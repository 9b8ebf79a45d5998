"""A few reps win less than their deals would give anybody, beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses import reps
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.view import View

_MOST = 0.4  # of the reps; where more are below the others, it is not them
_SELLS = ("seller", "unclear")


def detect(view: View) -> list[Suspect]:
    """Take from the scorecard those who stand below what their deals would allow."""
    card = view.once("scorecard", lambda: _scorecard(view))
    if card is None or not len(card):
        return []
    compared = card[card["p_value"].notna()]
    below = compared[(compared["reading"] == "below") & compared["role_reading"].isin(_SELLS)]
    if not len(below) or len(below) > _MOST * len(compared):
        return []
    wins, due = float(below["n_events"].sum()), float((below["n_events"] / below["ratio"]).sum())
    cases = int(below["n_cases"].sum())
    ids = tuple(sorted(below["unit_id"]))
    return [Suspect(
        "weak_reps", "rep", ids, wins / cases, due / cases, cases,
        float(below["q_value"].min()), "pipeline", float(np.log(max(wins, 0.5) / due)),
        float(1 / np.sqrt(max(wins, 0.5))), view.revenue_at("rep_id", ids), grade="C",
        table=card,
    )]  # fmt: skip


def _scorecard(view: View) -> pd.DataFrame:
    """Compare on all closings of the data: a few reps have few in one year."""
    start = view.years.base_start if view.has_past() else view.years.start
    return reps.rep_scorecard(
        view.department, start=start, end=view.years.end, metrics=["win_rate"]
    )
