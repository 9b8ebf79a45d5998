"""Cases of the analyses of `salesdiag.funnel`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.funnel.win_rate: ({"population": "created"}, ["team", "source"]),
    sd.funnel.stage_conversion: ({"mode": "visited"}, ["team", "source"]),
    sd.funnel.outcome_incidence: ({"ages": [60]}, ["team", "source"]),
    sd.funnel.cohort_conversion: ({"grain": "month"}, ["team", "source"]),
    sd.funnel.stage_flow: ({}, ["team", "source"]),
    sd.funnel.loss_reasons: ({}, ["team", "source"]),
    sd.funnel.segment_comparison: ({"compare": "product"}, ["team", "source"]),
    sd.funnel.current_stages: ({}, ["team", "source"]),
}
