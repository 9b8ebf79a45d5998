"""What was planned and what came of it."""

from salesdiag.analyses.plan.attainment import target_attainment
from salesdiag.analyses.plan.backtest import forecast_backtest
from salesdiag.analyses.plan.board import results_board
from salesdiag.analyses.plan.capacity import capacity
from salesdiag.analyses.plan.distribution import attainment_distribution
from salesdiag.analyses.plan.fairness import target_fairness
from salesdiag.analyses.plan.forecast import attainment_forecast
from salesdiag.analyses.plan.pace import pace
from salesdiag.analyses.plan.required import required_activity

__all__ = [
    "attainment_distribution",
    "attainment_forecast",
    "capacity",
    "forecast_backtest",
    "pace",
    "required_activity",
    "results_board",
    "target_attainment",
    "target_fairness",
]
