"""Cases of the analyses of `salesdiag.leads`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.leads.response_time: ({"within_hours": [0.5, 2, 30]}, ["team", "source"]),
    sd.leads.response_effect: (
        {"edges": [2, 9], "mature_days": 30, "closing_hours": 1},
        ["team", "source"],
    ),
    sd.leads.source_quality: (
        {"within_days": 60, "recent_days": 365, "outcome": "won"},
        ["team", "segment"],
    ),
    sd.leads.lead_distribution: ({"mature_days": 60}, ["team", "segment"]),
    sd.leads.attempts: ({"most_attempts": 4, "quiet_days": 30}, ["team", "source"]),
    sd.leads.unworked_leads: ({"after_days": 10, "late_hours": 5}, ["team", "source"]),
}
