"""More entries than before are made late, in heaps or against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from salesdiag.analyses import hygiene
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.03  # of the entries, more than before
_KINDS = ("back_dated", "burst", "one_minute", "period_end_batch", "create_and_win")


def detect(view: View) -> list[Suspect]:
    """Compare the share of suspect entries of each kind with the year before."""
    if not view.has_past():
        return []
    table = view.once("suspect entries", lambda: _both_years(view))
    if table is None or not len(table):
        return []
    worse = table[table["now"] - table["base"] > _SMALLEST]
    if not len(worse):
        return []
    row = worse.sort_values(["p_value", "level", "id", "table", "kind"]).iloc[0]
    ids = () if row["level"] == "department" else (str(row["id"]),)
    return [Suspect(
        "crm_unreliable", row["level"], ids, float(row["now"]), float(row["base"]),
        int(row["n"]), float(min(1.0, row["p_value"] * len(table))), "none", np.nan, np.nan,
        np.nan, has_driver=True, table=table,
    )]  # fmt: skip


def _both_years(view: View) -> pd.DataFrame:
    """Put the suspect entries of both years side by side, for the department and its teams."""
    years, rows = view.years, []
    spans = {"base": (years.base_start, years.base_end), "now": (years.start, years.end)}
    for level, by in (("department", ()), ("team", ("team",))):
        if by and not view.department.has("reps", "team"):
            continue
        sides = {side: hygiene.suspect_entries(view.department, by=by, start=span[0], end=span[1])
                 for side, span in spans.items()}  # fmt: skip
        keys = [*by, "table", "kind"]
        both = sides["base"].merge(sides["now"], on=keys, suffixes=("_base", "_now"))
        both = both[both["kind"].isin(_KINDS)]
        base, now = (both[f"suspect_share_high_{side}"] - both[f"suspect_share_low_{side}"]
                     for side in spans)  # fmt: skip
        error = np.hypot(base.to_numpy(float), now.to_numpy(float)) / 2 / 1.96
        change = both["suspect_share_now"] - both["suspect_share_base"]
        rows.append(pd.DataFrame({
            "level": level, "id": both[by[0]] if by else "", "table": both["table"],
            "kind": both["kind"], "base": both["suspect_share_base"],
            "now": both["suspect_share_now"], "n": both["n_examined_now"],
            "p_value": special.ndtr(-change.to_numpy(float) / error),
        }))  # fmt: skip
    found = pd.concat(rows, ignore_index=True)
    return found[found["p_value"].notna() & (found["id"] != "unassigned")].reset_index(drop=True)
