"""Cases of the analyses of `salesdiag.hygiene`: options of their own and columns to split by."""

from __future__ import annotations

from typing import Any

import salesdiag as sd

_KEYS = ["team", "source"]

CASES: dict[Any, Any] = {
    sd.hygiene.completeness: ({"from_stage": {"amount": "Demo", "segment": "Proposal"}}, _KEYS),
    sd.hygiene.contradictions: ({"grace_days": 5}, _KEYS),
    sd.hygiene.suspect_entries: (
        {"late_days": 3, "eve_days": 1, "meetings": ["2025-06-13"]},
        _KEYS,
    ),
    sd.hygiene.cleaned_metrics: ({"tolerance": 0.1, "late_days": 2}, _KEYS),
}
