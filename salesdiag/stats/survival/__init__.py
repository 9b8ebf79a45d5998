"""Time to an event when some have not had it yet and others can no longer have it."""

from __future__ import annotations

from salesdiag.stats.survival.group_tests import GroupTest, gray_test, log_rank_test
from salesdiag.stats.survival.incidence import (
    Curve,
    Incidence,
    cumulative_incidence,
    final_incidence,
    incidence_curve,
)
from salesdiag.stats.survival.quantiles import Quantile, event_quantile

__all__ = [
    "Curve",
    "GroupTest",
    "Incidence",
    "Quantile",
    "cumulative_incidence",
    "event_quantile",
    "final_incidence",
    "gray_test",
    "incidence_curve",
    "log_rank_test",
]
