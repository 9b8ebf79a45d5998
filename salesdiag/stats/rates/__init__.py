"""Shares, differences of shares and sums, with their intervals."""

from __future__ import annotations

from salesdiag.stats.rates.clustered import ClusteredRate, clustered_rate
from salesdiag.stats.rates.shares import (
    Difference,
    clopper_pearson_interval,
    normal_quantile,
    rate_difference,
    ratio,
    wilson_interval,
)
from salesdiag.stats.rates.sums import compound_poisson_interval

__all__ = [
    "ClusteredRate",
    "Difference",
    "clopper_pearson_interval",
    "clustered_rate",
    "compound_poisson_interval",
    "normal_quantile",
    "rate_difference",
    "ratio",
    "wilson_interval",
]
