"""Pay begins at a threshold, and reps who cannot reach it any more let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.diagnosis.suspects import Suspect, of_department, size_of
from salesdiag.errors import InputError
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.stats.panel import poisson_panel

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_HOPE = 1.3  # how much better than planned the rest of a period may still go
_SMALLEST = 0.05  # less effort, as a logarithm
_FEWEST = 24  # weeks of reps in which the threshold was out of reach
_AWAY = 0.1  # of a usual week's activities: who does less is away
_WEEK_DAYS = 7


def detect(view: View) -> list[Suspect]:
    """Compare the effort of reps out of reach with their own before, the others alongside.

    Each rep is held against the same rep earlier in the same period, and each week against
    the others in the same week; so neither weak reps nor quiet weeks look like letting go.
    Who has reached the cap may rest too, and is held against nobody.
    """
    table = view.once("out of reach", lambda: _weeks(view))
    if table is None or table["is_out"].sum() < _FEWEST or table["is_out"].all():
        return []
    sells = table[~table["is_capped"]]
    try:
        fit = poisson_panel(
            sells["n_activities"], sells["is_out"].astype(float), unit=sells["unit"],
            period=sells["week"], cluster=sells["rep_id"],
        )  # fmt: skip
    except InputError:  # nobody was both in and out of reach
        return []
    effect, error = float(fit.coefficient[0]), float(fit.standard_error[0])
    if not effect < -_SMALLEST or not error > 0:
        return []
    p_value = float(special.stdtr(fit.n_clusters - 1, effect / error))
    fall = of_department(view.pipeline())
    harm = (np.nan, np.nan) if fall is None else size_of(fall)
    return [Suspect(
        "payout_cliff", "department", (), float(np.exp(effect)), 1.0,
        int(table["is_out"].sum()), p_value, "pipeline", *harm,
        view.revenue_at(of="of_deals"), grade="B", has_driver=True, table=table,
    )]  # fmt: skip


def _weeks(view: View) -> pd.DataFrame:
    """Lay out the weeks of each rep's periods: effort, and whether pay was out of reach."""
    view.department.require(activities=["rep_id"], deals=["rep_id"])
    periods = rep_periods(view.department, "revenue")
    inside = (periods["period_start"] >= pd.Timestamp(view.years.start)) & (
        periods["period_end"] <= pd.Timestamp(view.years.end)
    )
    periods = periods[inside & periods["is_whole"] & (periods["target"] > 0)]
    periods = periods.reset_index(drop=True).rename_axis("unit").reset_index()
    length = (periods["period_end"] - periods["period_start"]).dt.days + 1
    periods = periods.assign(length=length)
    rows = periods.loc[periods.index.repeat(-(-length // _WEEK_DAYS))].reset_index(drop=True)
    rows["place"] = rows.groupby("unit").cumcount()
    for metric, name in (("activities", "n_activities"), ("revenue", "sold")):
        sums = _by_week(daily_actuals(view.department, metric, ["rep_id"]), periods, name)
        rows = rows.merge(sums, on=["unit", "place"], how="left").fillna({name: 0.0})
    before = (rows.groupby("unit")["sold"].cumsum() - rows["sold"]) / rows["target"]
    rest = 1 - _WEEK_DAYS * rows["place"] / rows["length"]
    rows["is_out"] = (before + _HOPE * rest < _cliff(view)) & (rest < 1)
    rows["is_capped"] = before > float(view.department.settings.pay_plan.get("cap") or np.inf)
    rows["week"] = rows["period_start"].dt.strftime("%Y-%m-%d ") + rows["place"].astype(str)
    usual = rows.groupby("unit")["n_activities"].transform("median")
    rows = rows[rows["n_activities"] > _AWAY * usual]
    shown = ["rep_id", "unit", "period_start", "week", "target", "sold", "n_activities", "is_out",
             "is_capped"]  # fmt: skip
    return rows[shown].astype({"unit": str}).reset_index(drop=True)


def _by_week(daily: pd.DataFrame, periods: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add up what happened in each week of each period; a rep's periods may overlap."""
    rows = daily.merge(periods[["rep_id", "unit", *PERIOD]], on="rep_id")
    rows = rows[(rows["day"] >= rows["period_start"]) & (rows["day"] <= rows["period_end"])]
    place = (rows["day"] - rows["period_start"]).dt.days // _WEEK_DAYS
    sums = rows.assign(place=place).groupby(["unit", "place"])["actual"].sum()
    return sums.rename(name).reset_index()


def _cliff(view: View) -> float:
    """Give the attainment at which a good part of the pay begins; the plan where none is known."""
    plan = view.department.settings.pay_plan
    steps = [float(plan.get("threshold", 0.0) or 0.0)]
    steps += [float(one["attainment_from"]) for one in plan.get("bands", ()) if one.get("payout")]
    return max(steps) if plan and max(steps) > 0 else 1.0
