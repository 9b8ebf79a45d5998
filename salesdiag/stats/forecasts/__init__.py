"""How good forecasts were."""

from __future__ import annotations

from salesdiag.stats.forecasts.calibration import CalibrationLine, calibration_line
from salesdiag.stats.forecasts.scores import (
    AmountScores,
    BrierSplit,
    CalibrationTable,
    amount_scores,
    brier_split,
    calibration_table,
    log_score,
)

__all__ = [
    "AmountScores",
    "BrierSplit",
    "CalibrationLine",
    "CalibrationTable",
    "amount_scores",
    "brier_split",
    "calibration_line",
    "calibration_table",
    "log_score",
]
