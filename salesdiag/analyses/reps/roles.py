"""Who sells, who is fed, who keeps dead deals, and who calls for others: one open rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.department import UNASSIGNED
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department

LITTLE = 0.25  # of what all log per deal
FEW_WINS = 0.5  # of what is expected
FEWEST_WINS = 5  # expected; below, nothing is told of a role


def role_readings(table: pd.DataFrame, keys: Sequence[str], unit: str) -> pd.Series:
    """Read the role of each rep off the rows of his metrics, see `rep_scorecard`."""
    unclear = pd.Series("unclear", index=table.index, dtype="str")
    if unit != "rep_id" or not len(table):
        return unclear
    group = [*keys, "unit_id"]
    wide = {}
    for metric in ("win_rate", "activities_per_day", "worked_deals"):
        rows = table[table["metric"] == metric].set_index(group)
        wide[metric] = rows
    wins = wide["win_rate"]
    if not len(wide["activities_per_day"]) or not len(wins):
        return unclear
    owned = wide["worked_deals"] if len(wide["worked_deals"]) else wins
    facts = pd.DataFrame({
        "done": wide["activities_per_day"]["n_events"],
        "deals": owned[["n_cases", "n_open"]].sum(axis=1),
    }).reindex(wins.index).fillna(0.0)  # fmt: skip
    named = wins.index.get_level_values("unit_id") != UNASSIGNED
    by = list(keys) or (lambda _row: 0)
    whole = facts[named].groupby(by)[["done", "deals"]].transform("sum")
    usual = (whole["done"] / whole["deals"].where(whole["deals"] > 0)).reindex(wins.index)
    pace = ratio(ratio(facts["done"], facts["deals"]), usual)
    low, high = wins["ratio_low"].to_numpy(), wins["ratio_high"].to_numpy()
    told = (wins["expected_events"] >= FEWEST_WINS).to_numpy() & ~np.isnan(high) & named
    told &= ~np.isnan(pace)
    reading = np.select(
        [
            told & (pace < LITTLE) & (low > 1),
            told & (pace < LITTLE) & (high < FEW_WINS),
            told & (pace >= 1) & (high < FEW_WINS),
            told,
        ],
        ["fed", "dustbin", "caller", "seller"],
        "unclear",
    )
    found = pd.Series(reading, index=wins.index)
    place = pd.MultiIndex.from_frame(table[group]) if keys else pd.Index(table["unit_id"])
    values = found.reindex(place).to_numpy(object)
    return pd.Series(values, index=table.index).fillna("unclear").astype("str")


def is_leaver(department: Department, ids: pd.Series, unit: str) -> pd.Series:
    """Tell which reps had left by ``as_of``; other units never do."""
    nobody = pd.Series(data=False, index=ids.index, dtype=bool)
    if unit != "rep_id" or not department.has("reps", "left_on"):
        return nobody
    reps = department.fetch("reps")
    gone = reps[pd.to_datetime(reps["left_on"]) <= pd.Timestamp(department.as_of)]
    return ids.isin(gone["rep_id"].dropna()).astype(bool)
