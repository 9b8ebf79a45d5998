"""What the plan asked for in a window, per group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.reductions.plan_sums import attainment_sums

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

_DAYS_A_MONTH = 30.4


def planned_amounts(
    department: Department, keys: list[str], first: date, last: date
) -> dict[tuple[str, ...], float]:
    """Give the revenue planned for the days of a window, per group that has a plan.

    Plans of months, quarters and years may stand side by side: those of one length are taken
    that cover most of the window, the shorter of equals. A period that lies half outside
    counts with the share of its days inside.
    """
    sums = attainment_sums(department, keys)
    sums = sums[sums["target"].notna()]
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    days = (sums["period_end"] - sums["period_start"]).dt.days + 1
    until = sums["period_end"].mask(sums["period_end"] > end, end)
    since = sums["period_start"].mask(sums["period_start"] < start, start)
    inside = until - since
    share = ((inside.dt.days + 1).clip(lower=0) / days).to_numpy(float)
    rows = sums.assign(
        amount=sums["target"] * share,
        covered=share * days,
        months=(days / _DAYS_A_MONTH).round().clip(lower=1),
    )
    rows = rows[share > 0]
    found: dict[tuple[str, ...], float] = {}
    groups = rows.groupby(keys) if keys else [((), rows)]
    for name, part in groups:
        by_length = part.groupby("months")[["covered", "amount"]].sum().sort_index()
        if len(by_length):
            most = by_length["covered"].round(6)
            found[tuple(str(one) for one in name)] = float(
                by_length["amount"][most == most.max()].iloc[0]
            )
    return found
