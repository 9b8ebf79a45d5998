"""Cases of the analyses of `salesdiag.funnel`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.funnel.win_rate: ({"population": "created"}, ["team", "source"]),
    sd.funnel.stage_conversion: ({}, ["team", "source"]),
    sd.funnel.current_stages: ({}, ["team", "source"]),
}
