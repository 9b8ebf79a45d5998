"""A few reps win less than their deals would give anybody, beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses import reps
from salesdiag.diagnosis.roles import NOT_SELLING, with_roles
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.view import View

_MOST = 0.4  # of the reps; where more are below the others, it is not them
_ALSO = 0.10  # q-value up to which a rep is named along with those who are sure to be below
_ALIKE = 0.3  # of the loss: deals that look alike may differ so much
_NEW = 0.6  # of the gap


def detect(view: View) -> list[Suspect]:
    """Take from the scorecard those who stand below what their deals would allow."""
    card = view.once("scorecard", lambda: _scorecard(view))
    if card is None or not len(card):
        return []
    compared = card[card["p_value"].notna()]
    sells = ~compared["role_reading"].isin(NOT_SELLING)
    if not (sells & (compared["reading"] == "below")).any():
        return []
    # what may not be said of one rep alone holds of most of a group that is below for certain
    below = compared[sells & (compared["q_value"] < _ALSO) & (compared["ratio"] < 1)]
    if len(below) > _MOST * len(compared):
        return []
    wins, due = float(below["n_events"].sum()), _due(below)
    cases, ids = int(below["n_cases"].sum()), tuple(sorted(below["unit_id"]))
    early, early_error = _before_deals(view, ids)
    gap = float(np.log(max(wins, 0.5) / due))
    if _is_new(view, ids, gap):
        return []
    harm = gap + early
    error = np.sqrt(1 / max(wins, 0.5) + early_error**2 + (_ALIKE * harm) ** 2)
    return [Suspect(
        "weak_reps", "rep", ids, wins / cases, due / cases, cases,
        float(below["q_value"].min()), "pipeline", harm, float(error),
        view.revenue_at("rep", ids), grade="C", table=card,
    )]  # fmt: skip


def _due(card: pd.DataFrame) -> float:
    """Give the wins that the deals of these reps would have brought anybody."""
    return float((card["expected"] * card["n_cases"]).sum())


def _is_new(view: View, ids: tuple[str, ...], gap: float) -> bool:
    """Tell whether most of the gap is a fall of this year: then it is not who they are."""
    fall = view.pipeline().at("rep", ids)
    return fall is not None and fall.log_ratio < _NEW * gap


def _before_deals(view: View, ids: tuple[str, ...]) -> tuple[float, float]:
    """Give how much fewer of their leads become deals, by source, as a logarithm with its error."""
    cells = view.leads
    if cells is None or "rep_id" not in cells:
        return 0.0, 0.0
    keys = ["source"] if "source" in cells else ["side"]
    theirs = cells["rep_id"].isin(ids)
    peers = cells[~theirs].groupby(keys)[["n_deals", "n_settled"]].sum()
    usual = peers["n_deals"] / peers["n_settled"]
    own = cells[theirs].groupby(keys)[["n_deals", "n_settled"]].sum()
    due = float((own["n_settled"] * usual.reindex(own.index)).sum())
    made = float(own["n_deals"].sum())
    if due <= 0 or made <= 0:
        return 0.0, 0.0
    return min(float(np.log(made / due)), 0.0), float(1 / np.sqrt(made))


def _scorecard(view: View) -> pd.DataFrame:
    """Compare on all closings of the data: a few reps have few in one year."""
    start = view.years.base_start if view.has_past() else view.years.start
    card = reps.rep_scorecard(
        view.department, start=start, end=view.years.end, metrics=["win_rate"]
    )
    return with_roles(card, view.department)
