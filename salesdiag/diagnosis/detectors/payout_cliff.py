"""Pay begins at a threshold, and reps who cannot reach it any more let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.diagnosis.suspects import Suspect, of_department, size_of
from salesdiag.errors import InputError
from salesdiag.stats.panel import poisson_panel

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_HOPE = 1.3  # how much better than planned the rest of a period may still go
_SMALLEST = 0.1  # less effort, as a logarithm
_FEWEST = 8  # periods of reps in which the threshold went out of reach
_AWAY = 0.1  # of the first month's activities: who does less is away
_MONTH = ["rep_id", "month"]


def detect(view: View) -> list[Suspect]:
    """Compare the effort of reps out of reach with their own before, the others alongside.

    Each rep is held against the same rep earlier in the same period, and each month against
    the others in the same month; so neither weak reps nor quiet months look like letting go.
    """
    table = view.once("out of reach", lambda: _months(view))
    if table is None or table["is_out"].sum() < _FEWEST or table["is_out"].all():
        return []
    try:
        fit = poisson_panel(
            table["n_activities"], table["is_out"].astype(float), unit=table["unit"],
            period=table["month"], cluster=table["rep_id"],
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


def _months(view: View) -> pd.DataFrame:
    """Lay out the months of each rep's periods: effort, and whether pay was out of reach."""
    view.department.require(activities=["rep_id"], deals=["rep_id"])
    effort, money = view.effort, view.money
    if effort is None or money is None:
        return pd.DataFrame({"is_out": pd.Series(dtype=bool)})
    periods = rep_periods(view.department, "revenue")
    periods = periods[periods["is_whole"] & (periods["target"] > 0)]
    start = pd.Timestamp(view.years.start)
    inside = (periods["period_start"] >= start) & (
        periods["period_end"] <= pd.Timestamp(view.years.end)
    )
    periods = periods[inside].reset_index(drop=True)
    first = _number(periods["period_start"]) - (12 * start.year + start.month)
    length = _number(periods["period_end"]) - _number(periods["period_start"]) + 1
    periods = periods.assign(first=first, length=length, unit=periods.index.astype(str))
    rows = periods.loc[periods.index.repeat(length)]
    rows["month"] = rows["first"] + rows.groupby(level=0).cumcount()
    rows = rows.reset_index(drop=True)
    rows = rows.merge(_of_window(effort, "n_all", "n_activities"), on=_MONTH, how="left")
    rows = rows.merge(_of_window(money, "amount", "sold"), on=_MONTH, how="left")
    rows = rows.fillna({"n_activities": 0.0, "sold": 0.0})
    before = rows.groupby("unit")["sold"].cumsum() - rows["sold"]
    rest = 1 - (rows["month"] - rows["first"]) / rows["length"]
    reachable = before / rows["target"] + _HOPE * rest
    rows["is_out"] = (reachable < _cliff(view)) & (rest < 1)
    usual = rows.groupby("unit")["n_activities"].transform("first")
    rows = rows[(rows["length"] > 1) & (rows["n_activities"] > _AWAY * usual)]
    shown = ["rep_id", "unit", "period_start", "month", "target", "sold", "n_activities", "is_out"]
    return rows[shown].reset_index(drop=True)


def _of_window(cells: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    now = cells[cells["side"] == "now"]
    return now.groupby(_MONTH)[column].sum().rename(name).reset_index()


def _cliff(view: View) -> float:
    """Give the attainment at which a good part of the pay begins; the plan where none is known."""
    plan = view.department.settings.pay_plan
    steps = [float(plan.get("threshold", 0.0) or 0.0)]
    steps += [float(one["attainment_from"]) for one in plan.get("bands", ()) if one.get("payout")]
    return max(steps) if plan and max(steps) > 0 else 1.0


def _number(day: pd.Series) -> pd.Series:
    months: pd.Series = 12 * day.dt.year + day.dt.month
    return months
