"""Cases of the analyses of `salesdiag.plan`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

CASES = {
    sd.plan.target_attainment: ({"metric": "deals_won"}, ["team"]),
}
