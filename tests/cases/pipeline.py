"""Cases of the analyses of `salesdiag.pipeline`: options of their own and columns to split by."""

from __future__ import annotations

from typing import Any

import salesdiag as sd

_KEYS = ["team", "source"]

CASES: dict[Any, Any] = {
    sd.pipeline.time_in_stage: ({}, _KEYS),
    sd.pipeline.cycle_time: ({}, _KEYS),
    sd.pipeline.coverage: ({"metric": "deals_won", "on": "2025-11-14"}, ["team"]),
    sd.pipeline.sales_velocity: ({"against": "earlier", "n_draws": 60}, _KEYS),
    sd.pipeline.push_counts: ({"months": 3}, _KEYS),
    sd.pipeline.pipeline_changes: ({}, _KEYS),
    sd.pipeline.pipeline_snapshot: ({"at": "2025-06-30"}, _KEYS),
    sd.pipeline.stalled_deals: ({"rule": "winners' time", "clock": "deal"}, _KEYS),
}
