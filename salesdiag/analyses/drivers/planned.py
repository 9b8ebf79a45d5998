"""What the plan asked for in a window, per group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.errors import InputError
from salesdiag.reductions.plan_sums import attainment_sums

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department

_DAYS_A_MONTH = 30.4


def planned_amounts(
    department: Department, keys: list[str], first: date, last: date
) -> dict[tuple[str, ...], float]:
    """Give the revenue planned for the days of a window, per group that has a plan.

    Plans of months, quarters and years may stand side by side: the shortest are taken that
    cover the whole window; a group without such has no plan. A period that lies half outside
    counts with the share of its days inside.

    Raises
    ------
    InputError
        If periods of one length overlap.
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
    n_days = (end - start).days + 1
    found: dict[tuple[str, ...], float] = {}
    groups = rows.groupby(keys) if keys else [((), rows)]
    for name, part in groups:
        by_length = part.groupby("months")[["covered", "amount"]].sum().sort_index()
        _refuse_overlaps(part)
        whole = by_length[by_length["covered"] >= n_days - 0.5]
        if len(whole):
            found[tuple(str(one) for one in name)] = float(whole["amount"].iloc[0])
    return found


def _refuse_overlaps(rows: pd.DataFrame) -> None:
    """Refuse two periods of one length that share days: one of them would count twice."""
    for _months, part in rows.groupby("months"):
        ordered = part.sort_values("period_start")
        twice = (
            ordered["period_start"].iloc[1:].to_numpy()
            <= ordered["period_end"].iloc[:-1].to_numpy()
        )
        if twice.any():
            first = ordered["period_start"].iloc[1:][twice].iloc[0].date()
            message = (
                f"targets overlap: a period that begins on {first} shares days with the one before "
                "it. Correct the days, or keep one of them."
            )
            raise InputError(message)
