"""Cases of the analyses of `salesdiag.activity`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.activity.deal_coverage: ({"status": "all", "within_days": 7}, ["team", "source"]),
    sd.activity.activity_allocation: (
        {"won_share": 0.8, "max_age_days": 40, "link": "deal"},
        ["team", "rep_id"],
    ),
    sd.activity.activity_dose: (
        {"unit": "month", "activity_type": "call", "edges": [0.3, 0.6], "n_lags": 1},
        ["team", "role"],
    ),
    sd.activity.activity_effect: (
        {"unit": "month", "activity_type": "call", "n_leads": 0, "scale": "asinh", "n_draws": 99},
        ["team", "role"],
    ),
    sd.activity.activity_rates: ({"late_days": 3}, ["team", "direction"]),
    sd.activity.activity_result_correlation: (
        {"result": "new_deals", "unit": "quarter", "lag": 1, "n_draws": 99, "seed": 3},
        ["team", "role"],
    ),
}
