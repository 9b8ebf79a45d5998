"""Good results raise the next target more than bad ones lower it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View


_MORE = 0.15  # of what a good result raises, a bad one lowers by so much less at least


def detect(view: View) -> list[Suspect]:
    """Look whether targets follow results above 100 %, and more than those below."""
    table = view.fairness()
    if table is None or "ratchet kink" not in table.index:
        return []
    estimate = table["estimate"].to_dict()
    p_value = float(table["p_value"].to_dict()["ratchet above"])
    above, more = estimate["ratchet above"], estimate["ratchet kink"]
    # targets that follow results both ways alike are a forecast and no ratchet
    if not above > 0 or not more > _MORE * above or np.isnan(p_value):
        return []
    n_targets = int(table["n_targets"].to_dict()["ratchet kink"])
    return [Suspect(
        "plan_ratchet", "department", (), float(estimate["ratchet above"]),
        float(estimate["ratchet below"]), n_targets, p_value, "plan", np.nan, np.nan, np.nan,
        has_driver=True, table=table.reset_index(),
    )]  # fmt: skip
