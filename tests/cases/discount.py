"""Cases of the analyses of `salesdiag.discount`: options of their own and columns to split by."""

from __future__ import annotations

import salesdiag as sd

_KEYS = ["team", "source"]

CASES: dict = {
    sd.discount.discount_distribution: ({"unit": "lines"}, _KEYS),
    sd.discount.discount_bands: ({"unit": "lines", "edges": (0.0, 0.1)}, _KEYS),
    sd.discount.price_realisation: ({}, _KEYS),
    sd.discount.price_waterfall: ({"reason": "product"}, _KEYS),
    sd.discount.price_volume_mix: ({"item": "segment"}, _KEYS),
    sd.discount.discount_effect: ({"edges": (0.05, 0.1), "adjust_for": ["source"]}, _KEYS),
    sd.discount.break_even: ({"unit": "lines", "edges": (0.0, 0.1)}, _KEYS),
    sd.discount.limit_bunching: ({"limits": {"rep": 0.1}, "step": 0.005}, _KEYS),
    sd.discount.period_end_pattern: ({"months": 1, "last_days": 3}, _KEYS),
    sd.discount.target_distance_pattern: ({"last_days": 5, "edges": (0.9, 1.0)}, _KEYS),
    sd.discount.rep_discount_habit: ({"adjust_for": ["segment"]}, _KEYS),
}
