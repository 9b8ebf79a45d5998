"""Targets do not follow what is to be had in each territory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_TESTS = ("target on potential", "result on target")


def detect(view: View) -> list[Suspect]:
    """Test whether targets rise with potential, and results with targets, as they should."""
    table = view.fairness()
    if table is None:
        return []
    slopes = table.reindex(_TESTS)
    slopes = slopes[slopes["p_value"].notna()]
    off = slopes[slopes["estimate"] != slopes["reference"]]
    # too little asked where much is to be had, and too much where little is
    wrong = off[((off.index == _TESTS[0]) & (off["estimate"] < 1)) | (off.index == _TESTS[1])]
    if not len(wrong):
        return []
    row = wrong.sort_values("p_value").iloc[0]
    slope = table["estimate"].get(_TESTS[0], np.nan)
    slope = float(row["estimate"]) if np.isnan(slope) else float(slope)
    return [Suspect(
        "plan_misallocated", "department", (), float(2**slope), 2.0, int(row["n_targets"]),
        float(min(1.0, row["p_value"] * len(slopes))), "plan", np.nan, np.nan, np.nan,
        has_driver=True, table=table.reset_index(),
    )]  # fmt: skip
