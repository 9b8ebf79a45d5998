"""What reps do, what comes of it, and on which deals it is spent."""

from salesdiag.analyses.activity.allocation import activity_allocation
from salesdiag.analyses.activity.correlation import activity_result_correlation
from salesdiag.analyses.activity.coverage import deal_coverage
from salesdiag.analyses.activity.dose import activity_dose
from salesdiag.analyses.activity.effect import activity_effect
from salesdiag.analyses.activity.rates import activity_rates

__all__ = [
    "activity_allocation",
    "activity_dose",
    "activity_effect",
    "activity_rates",
    "activity_result_correlation",
    "deal_coverage",
]
