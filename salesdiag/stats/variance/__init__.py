"""Variance between units: how large it may be, and to which level it belongs."""

from __future__ import annotations

from salesdiag.stats.variance.components import Components, Level, variance_components
from salesdiag.stats.variance.plug_in import plug_in_ratios, plug_in_shares
from salesdiag.stats.variance.profile import tau_squared_interval

__all__ = [
    "Components",
    "Level",
    "plug_in_ratios",
    "plug_in_shares",
    "tau_squared_interval",
    "variance_components",
]
