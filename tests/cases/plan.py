"""Cases of the analyses of `salesdiag.plan`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.plan.target_attainment: ({"metric": "deals_won"}, ["team"]),
    sd.plan.attainment_distribution: ({"pooled": True}, ["team"]),
    sd.plan.capacity: ({"months": 1}, ["team"]),
    sd.plan.pace: ({"metric": "deals_won", "on": "2025-11-14"}, ["team"]),
    sd.plan.attainment_forecast: ({"metric": "deals_won", "on": "2025-11-14"}, ["team"]),
    sd.plan.forecast_backtest: ({"metric": "deals_won", "elapsed_shares": [0.4]}, ["team"]),
    sd.plan.required_activity: ({"metric": "deals_won", "on": "2025-11-14"}, ["team"]),
    sd.plan.results_board: ({}, ["team"]),
    sd.plan.target_fairness: ({"metric": "deals_won"}, ["team"]),
}
