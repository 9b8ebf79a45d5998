"""Whether, when and where something changed."""

from __future__ import annotations

from salesdiag.stats.change.control_limits import XmrLimits, xmr_limits
from salesdiag.stats.change.dates import ChangeDates, change_dates
from salesdiag.stats.change.places import PlacedChange, place_change
from salesdiag.stats.change.steps import StepEffect, step_at

__all__ = [
    "ChangeDates",
    "PlacedChange",
    "StepEffect",
    "XmrLimits",
    "change_dates",
    "place_change",
    "step_at",
    "xmr_limits",
]
