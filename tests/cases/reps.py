"""Cases of the analyses of `salesdiag.reps`: options of their own and columns to split by."""

from __future__ import annotations

from typing import Any

import salesdiag as sd

CASES: dict[Any, Any] = {
    sd.reps.rep_scorecard: ({"unit": "territory", "adjust_for": ["segment"]}, ["team"]),
    sd.reps.rankability: ({"metrics": ["win_rate", "won_amount"]}, ["team", "source"]),
    sd.reps.variance_split: ({"measure": "won_amount"}, ["team", "source"]),
    sd.reps.key_person_share: ({"n_draws": 99, "seed": 3}, ["team"]),
    sd.reps.strengths: ({"unit": "product"}, ["team"]),
    sd.reps.ramp: ({"metric": "revenue", "months": 6}, ["team"]),
    sd.reps.ramp_time: ({"metric": "revenue", "level": 0.5}, ["team"]),
    sd.reps.rep_trend: ({"metric": "win_rate", "months": 3}, ["team"]),
    sd.reps.triage: ({"metric": "revenue", "mix": ["product"]}, ["team"]),
    sd.reps.workload: ({"months": 1, "tolerance": 0.1}, ["team"]),
    sd.reps.intervention_effect: (
        {"treated": {"territory": "Hamburg"}, "since": "2025-05-01", "outcome": "activities"},
        ["team"],
    ),
}
