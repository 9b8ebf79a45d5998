"""Plots: each draws the table of one analysis and nothing that the table does not hold.

The twin of an analysis is ``plot_`` and its name: ``plot_win_rate(sd.funnel.win_rate(department))``
returns matplotlib's `Axes`. matplotlib is imported when the first one is drawn, and the
session's settings stay as they are.
"""

from __future__ import annotations

from salesdiag.present.plots.activity import (
    plot_activity_dose,
    plot_activity_result_correlation,
    plot_deal_coverage,
)
from salesdiag.present.plots.board import plot_results_board
from salesdiag.present.plots.depths import (
    plot_discount_bands,
    plot_discount_distribution,
    plot_limit_bunching,
)
from salesdiag.present.plots.discount import plot_discount_effect, plot_price_waterfall
from salesdiag.present.plots.drivers import plot_gap_ledger, plot_what_if
from salesdiag.present.plots.funnel import (
    plot_cohort_conversion,
    plot_outcome_incidence,
    plot_stage_conversion,
    plot_win_rate,
)
from salesdiag.present.plots.pace import plot_attainment_forecast, plot_pace
from salesdiag.present.plots.pipeline import (
    plot_coverage,
    plot_pipeline_snapshot,
    plot_stalled_deals,
    plot_time_in_stage,
)
from salesdiag.present.plots.plan import (
    plot_attainment_distribution,
    plot_target_attainment,
)
from salesdiag.present.plots.reps import plot_rep_funnel, plot_rep_scorecard
from salesdiag.present.plots.steps import plot_ramp, plot_strengths
from salesdiag.present.plots.style import note_of

__all__ = [
    "note_of",
    "plot_activity_dose",
    "plot_activity_result_correlation",
    "plot_attainment_distribution",
    "plot_attainment_forecast",
    "plot_cohort_conversion",
    "plot_coverage",
    "plot_deal_coverage",
    "plot_discount_bands",
    "plot_discount_distribution",
    "plot_discount_effect",
    "plot_gap_ledger",
    "plot_limit_bunching",
    "plot_outcome_incidence",
    "plot_pace",
    "plot_pipeline_snapshot",
    "plot_price_waterfall",
    "plot_ramp",
    "plot_rep_funnel",
    "plot_rep_scorecard",
    "plot_results_board",
    "plot_stage_conversion",
    "plot_stalled_deals",
    "plot_strengths",
    "plot_target_attainment",
    "plot_time_in_stage",
    "plot_what_if",
    "plot_win_rate",
]
