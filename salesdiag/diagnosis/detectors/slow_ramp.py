"""Newcomers stay behind the tenured for longer than a start takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.analyses import reps
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_STARTED = 4  # the month of tenure from which a start is no excuse
_LEVEL = 0.75  # of the tenured, that is worth a finding


def detect(view: View) -> list[Suspect]:
    """Hold what newcomers bring from their fourth month on against tenured peers."""
    table = view.once("ramp", lambda: reps.ramp(view.department, metric="wins"))
    if table is None:
        return []
    later = table[(table["tenure_month"] >= _STARTED) & (table["expected"] > 0)]
    result, due = float(later["result"].sum()), float(later["expected"].sum())
    if due <= 0 or result / due > _LEVEL:
        return []
    # as wide as the months say, taken together
    width = np.log(later["ramp_ratio_high"] / later["ramp_ratio_low"].clip(lower=1e-3)) / 2 / 1.96
    error = float(np.sqrt(1 / np.sum(1 / width**2)))
    change = float(np.log(max(result, 0.5) / due))
    revenue = view.revenue_at("department", ())
    lost = (due - result) * view.revenue_per_win() * view.share_of_year()
    return [Suspect(
        "slow_ramp", "department", (), result / due, 1.0, int(later["n_reps"].max()),
        float(special.ndtr((change - np.log(_LEVEL)) / error)), "pipeline",
        -float(np.log1p(lost / revenue)), float(lost / revenue * error / abs(change)), revenue,
        has_driver=True, table=table,
    )]  # fmt: skip
