"""Targets do not follow what is to be had in each territory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_TEST = "result on target"
# chance in results and in what is known of territories keeps the slope of fair targets below 1
_FAIR = 0.7


def detect(view: View) -> list[Suspect]:
    """Test whether results rise with targets: where they do not, targets ask the wrong reps.

    Potential as recorded is not the judge: it is measured with error, so that fair targets
    hardly follow it either.
    """
    table = view.fairness()
    if table is None or _TEST not in table.index:
        return []
    row = table.loc[[_TEST]]
    estimate, low, high = (float(row[f"estimate{end}"].iloc[0]) for end in ("", "_low", "_high"))
    n_reps = int(row["n_independent"].iloc[0])
    if np.isnan(high) or estimate >= _FAIR:
        return []
    error = (high - low) / 2 / float(special.stdtrit(max(n_reps - 1, 1), 0.975))
    p_value = float(special.stdtr(max(n_reps - 1, 1), (estimate - _FAIR) / error))
    return [Suspect(
        "plan_misallocated", "department", (), float(2**estimate), 2.0,
        int(row["n_targets"].iloc[0]), p_value, "plan", np.nan, np.nan, np.nan, has_driver=True,
        table=table.reset_index(),
    )]  # fmt: skip
