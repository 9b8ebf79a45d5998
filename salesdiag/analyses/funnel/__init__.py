"""How many deals are won, and where they are lost on their way through the stages."""

from salesdiag.analyses.funnel.cohorts import cohort_conversion
from salesdiag.analyses.funnel.current import current_stages
from salesdiag.analyses.funnel.flow import stage_flow
from salesdiag.analyses.funnel.losses import loss_reasons
from salesdiag.analyses.funnel.outcomes import outcome_incidence
from salesdiag.analyses.funnel.segments import segment_comparison
from salesdiag.analyses.funnel.stages import stage_conversion
from salesdiag.analyses.funnel.win import win_rate

__all__ = [
    "cohort_conversion",
    "current_stages",
    "loss_reasons",
    "outcome_incidence",
    "segment_comparison",
    "stage_conversion",
    "stage_flow",
    "win_rate",
]
