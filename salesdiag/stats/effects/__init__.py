"""What a treatment or a dose did, how far to trust it, and what chance did."""

from __future__ import annotations

from salesdiag.stats.effects.doubly_robust import DoseEffects, dose_effect
from salesdiag.stats.effects.e_values import (
    EValue,
    e_value,
    risk_ratio_of_difference,
    risk_ratio_of_odds,
)
from salesdiag.stats.effects.event_study import Effects, EventStudy, event_study
from salesdiag.stats.effects.regression_to_mean import NetChange, expected_rebound, net_change
from salesdiag.stats.effects.sensitivity import (
    AdjustedEstimate,
    adjusted_estimate,
    partial_r2,
    robustness_value,
)

__all__ = [
    "AdjustedEstimate",
    "DoseEffects",
    "EValue",
    "Effects",
    "EventStudy",
    "NetChange",
    "adjusted_estimate",
    "dose_effect",
    "e_value",
    "event_study",
    "expected_rebound",
    "net_change",
    "partial_r2",
    "risk_ratio_of_difference",
    "risk_ratio_of_odds",
    "robustness_value",
]
