"""Good results raise the next target more than bad ones lower it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View


def detect(view: View) -> list[Suspect]:
    """Look whether targets follow results above 100 %, and more than those below."""
    table = view.fairness()
    if table is None or "ratchet kink" not in table.index:
        return []
    estimate = table["estimate"].to_dict()
    p_value = float(table["p_value"].to_dict()["ratchet above"])
    beyond_chance = table["estimate_low"].to_dict()["ratchet kink"] > 0
    if not beyond_chance or not estimate["ratchet above"] > 0 or np.isnan(p_value):
        return []
    n_targets = int(table["n_targets"].to_dict()["ratchet kink"])
    return [Suspect(
        "plan_ratchet", "department", (), float(estimate["ratchet above"]),
        float(estimate["ratchet below"]), n_targets, p_value, "plan", np.nan, np.nan, np.nan,
        has_driver=True, table=table.reset_index(),
    )]  # fmt: skip
