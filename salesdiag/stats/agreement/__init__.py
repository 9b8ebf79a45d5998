"""Whether those who score agree, and who scores low."""

from __future__ import annotations

from salesdiag.stats.agreement.intraclass import (
    CrossedComponents,
    IntraclassCorrelations,
    crossed_components,
    intraclass_correlations,
)
from salesdiag.stats.agreement.severity import RaterSeverity, rater_severity

__all__ = [
    "CrossedComponents",
    "IntraclassCorrelations",
    "RaterSeverity",
    "crossed_components",
    "intraclass_correlations",
    "rater_severity",
]
