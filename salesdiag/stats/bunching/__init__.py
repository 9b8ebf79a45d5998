"""Whether cases pile up at a threshold."""

from __future__ import annotations

from salesdiag.stats.bunching.excess import (
    ExcessMass,
    Placebos,
    excess_mass,
    placebo_thresholds,
)
from salesdiag.stats.bunching.window import WindowTest, window_test

__all__ = [
    "ExcessMass",
    "Placebos",
    "WindowTest",
    "excess_mass",
    "placebo_thresholds",
    "window_test",
]
