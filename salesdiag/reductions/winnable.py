"""The age at which deals of this department still win, learnt from its own cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
from ibis import _

from salesdiag.engine import fetch
from salesdiag.stats.arguments import share
from salesdiag.stats.survival import incidence_curve

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.department import Department

_FEWEST_WON = 20
_FEWEST_AT_RISK = 10  # a curve that hangs on fewer deals than this jumps


def winnable_days(department: Department, *, won_share: float = 0.95) -> float:
    """Give the age in days by which a share of all deals ever won is won; NaN if too few are.

    Open deals count as long as they were watched (Aalen-Johansen, losses as the rival), so a
    young department is not told that its deals win fast. What happens after fewer than 10
    deals of an age are left is not looked at, nor are closed deals without a date.
    Dates in the wrong order make 0 days, as in `cycle_time`.
    """
    share("won_share", won_share)
    ages = deal_ages(department)
    won = ages["n_won"].to_numpy(float)
    if won.sum() < _FEWEST_WON:
        return np.nan
    curve = incidence_curve(ages["age_days"], won, ages["n_lost"], ages["n_open"])
    known = (curve.n_at_risk >= _FEWEST_AT_RISK) & ~np.isnan(curve.incidence)
    reached = curve.incidence[known]
    if not len(reached) or not reached[-1] > 0:
        return np.nan
    return float(curve.time[known][np.argmax(reached >= won_share * reached[-1] * (1 - 1e-12))])


def median_won_days(department: Department) -> float:
    """Give the median age in days at which deals were won; NaN without any."""
    ages = deal_ages(department)
    won = ages["n_won"].to_numpy()
    if not won.sum():
        return np.nan
    return float(ages["age_days"].to_numpy()[np.searchsorted(won.cumsum(), (won.sum() + 1) // 2)])


def deal_ages(department: Department) -> pd.DataFrame:
    """Count deals by the age at which they were won, lost or last seen open."""
    return department.remember("deal ages", lambda: _deal_ages(department))


def _deal_ages(department: Department) -> pd.DataFrame:
    deals = department.select_deals()
    as_of = ibis.literal(department.as_of)
    ended_on = ibis.ifelse(deals.status == "open", as_of, deals.closed_at.date())
    age = ended_on.delta(deals.created_at.date(), unit="day")
    rows = deals.mutate(age_days=age).filter(_.age_days.notnull())
    rows = rows.mutate(age_days=ibis.greatest(_.age_days, 0).cast("int64"))
    counts = rows.group_by("age_days").agg(
        n_won=_.count(where=_.status == "won"), n_lost=_.count(where=_.status == "lost"),
        n_open=_.count(where=_.status == "open"),
    )  # fmt: skip
    return fetch(counts).sort_values("age_days").reset_index(drop=True)
