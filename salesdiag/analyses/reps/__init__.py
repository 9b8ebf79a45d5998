"""Whom did I inherit: who sells, who is new, who carries what, and did a measure help."""

from salesdiag.analyses.reps.intervention import intervention_effect
from salesdiag.analyses.reps.key_person import key_person_share
from salesdiag.analyses.reps.ramp import ramp
from salesdiag.analyses.reps.ramp_time import ramp_time
from salesdiag.analyses.reps.rank import rankability
from salesdiag.analyses.reps.scorecard import rep_scorecard
from salesdiag.analyses.reps.split import variance_split
from salesdiag.analyses.reps.strengths import strengths
from salesdiag.analyses.reps.trend import rep_trend
from salesdiag.analyses.reps.triage import triage
from salesdiag.analyses.reps.workload import workload

__all__ = [
    "intervention_effect",
    "key_person_share",
    "ramp",
    "ramp_time",
    "rankability",
    "rep_scorecard",
    "rep_trend",
    "strengths",
    "triage",
    "variance_split",
    "workload",
]
