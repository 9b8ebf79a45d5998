"""Selling days were lost: reps left and their seats stayed empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.diagnosis.suspects import Suspect, combined, size_of

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05
_REFILL_DAYS = 62.0  # working days, a quarter: so long a seat stays empty without anybody's fault
_SHARE_OF_WORK = 0.6  # the elasticity of sales to days where what the others take over is unknown


def detect(view: View) -> list[Suspect]:
    """Compare the selling days of the department and its teams with the year before."""
    days = view.days
    if days is None or not len(days) or not view.has_past():
        return []
    rows = [_row("department", "", days)]
    if "team" in days:
        rows += [_row("team", str(name), part) for name, part in days.groupby("team") if name]
    table = pd.DataFrame(rows)
    table["p_value"] = (table["p_value"] * len(table)).clip(upper=1.0)
    short = table[table["change"] < -_SMALLEST].sort_values(["p_value", "level", "id"])
    if not len(short):
        return []
    place = short.iloc[0]
    ids = () if place["level"] == "department" else (place["id"],)
    harm, error = _harm(view, place)
    return [Suspect(
        "headcount_gap", place["level"], ids, float(place["now"]), float(place["base"]),
        int(place["n_reps"]), float(place["p_value"]), "days", harm, error,
        view.revenue_at(place["level"], ids), has_driver=True, table=table,
    )]  # fmt: skip


def _row(level: str, name: str, days: pd.DataFrame) -> dict[str, object]:
    """Compare the days of both sides; for each rep who came or went a seat may be empty a while."""
    from scipy import special

    each = days.pivot_table(index="rep_id", columns="side", values="n_selling_days",
                            aggfunc="sum", fill_value=0)  # fmt: skip
    base, now = (each[side].to_numpy(float) if side in each else np.zeros(len(each))
                 for side in ("base", "now"))  # fmt: skip
    total = max(base.sum(), 1.0)
    change = float(np.log(max(now.sum(), 1.0) / total))
    error = float(np.sqrt(np.sum(np.minimum(np.abs(now - base), _REFILL_DAYS) ** 2)) / total)
    p_value = float(special.ndtr(change / error)) if error > 0 else 1.0
    return {"level": level, "id": name, "base": base.sum(), "now": now.sum(), "change": change,
            "error": error, "p_value": p_value, "n_reps": len(each)}  # fmt: skip


def _harm(view: View, place: pd.Series) -> tuple[float, float]:
    """Give what the lost days did to what was won of each lead, beside what days usually do.

    Both are estimates, and each counts as much as it is sure.
    """
    ids = () if place["level"] == "department" else (str(place["id"]),)
    seen = view.lead_to_win().at(place["level"], ids)
    usual = _SHARE_OF_WORK * float(place["change"])
    if seen is None:
        return usual, abs(usual) / 2
    both, error = combined((usual, abs(usual) / 2), size_of(seen))
    return min(both, 0.0), error
