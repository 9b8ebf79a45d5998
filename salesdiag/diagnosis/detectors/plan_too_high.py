"""Half of the reps or more are below plan while what is sold held its level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.diagnosis.contrasts import DRIFT
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from salesdiag.diagnosis.view import View

_SHORT = 0.92  # of the plan
_HELD = 0.93  # of the year before
_FEW = 0.5  # of the reps reach it, at most


def detect(view: View) -> list[Suspect]:
    """Hold the plan against what was sold, in both years, and count who reached it."""
    plan = view.plan()
    if plan is None or not plan["target"] > 0 or not plan["actual"] > 0:
        return []
    attained = plan["actual"] / plan["target"]
    before = plan["before"] if view.has_past() and plan["before"] > 0 else np.nan
    held = np.isnan(before) or np.log(plan["actual"] / before) > np.log(_HELD) - plan["error"]
    if attained >= _SHORT or not held or plan["participation"] > _FEW:
        return []
    expected = plan["actual"] if np.isnan(before) else max(plan["actual"], before)
    p_value = float(special.ndtr(np.divide(*_beyond(plan, attained, before))))
    error = float(np.hypot(plan["error"], DRIFT))
    excess = float(plan["target"] - expected)
    return [Suspect(
        "plan_too_high", "department", (), float(expected), float(plan["target"]),
        int(plan["n_reps"]), p_value, "plan", -float(np.log(plan["target"] / expected)), error,
        expected, has_driver=True, table=view.plan_table(),
    )] if excess > 0 else []  # fmt: skip


def _beyond(plan: Mapping[str, float], attained: float, before: float) -> tuple[float, float]:
    """Give what is sold against the plan as a logarithm, and its error.

    Two years tell what the department sells better than one.
    """
    short = float(np.log(attained))
    if np.isnan(before):
        return short, float(np.hypot(plan["error"], DRIFT))
    both = short + 0.5 * float(np.log(before / plan["actual"]))
    return both, float(np.hypot(plan["error"] / np.sqrt(2), DRIFT))
