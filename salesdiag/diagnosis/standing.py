"""Where the department stands: against its plan, its past and inside, and can the data tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses import reps
from salesdiag.diagnosis.contrasts import DRIFT
from salesdiag.diagnosis.examined import NO_PAST
from salesdiag.diagnosis.finding import Evidence, Standing
from salesdiag.diagnosis.roles import NOT_SELLING, with_roles
from salesdiag.engine import fetch
from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.actuals import daily_actuals, sum_inside
from salesdiag.reductions.yearly import years_of
from salesdiag.stats.rates import normal_quantile

if TYPE_CHECKING:
    from datetime import date

    from salesdiag.department import Department
    from salesdiag.diagnosis.finding import Gap

Unit = Literal["team", "rep_id"]
Verdict = Literal["below", "as expected", "above", "cannot tell"]

_FEW_WINS = 30  # below this nothing about a year can be told
_FEW_FOR_CAUSES = 100  # below this only very large faults show
_MANY_ASIDE = 0.05  # rows set aside beyond this share leave the figures in doubt
_COVERED = 5 / 6  # of the months must have wins in the year before, to be compared with
_DAYS_A_MONTH = 30.4
_POWER = 0.8
_UNITS: dict[Unit, Literal["teams", "reps"]] = {"team": "teams", "rep_id": "reps"}


class Years(NamedTuple):
    """What was won in the window and in the same days a year before, with squares for chance."""

    now: float
    before: float
    error: float  # of the logarithm of their ratio: chance, and the usual drift of a year
    n_won: int
    is_covered: bool  # the year before holds enough to be compared with


def won_in(department: Department, start: date, end: date) -> Years | None:
    """Add up what was won in a window and the year before; None without amounts or days."""
    if not department.has("deals", "amount", "closed_at"):
        return None
    years = years_of(start, end)
    periods = pd.DataFrame({"period_start": [years.base_start, start],
                            "period_end": [years.base_end, end]}).apply(pd.to_datetime)  # fmt: skip
    daily = daily_actuals(department, "revenue", [])
    sums = periods.merge(sum_inside(daily, periods, []), how="left").fillna(0.0)
    (before, now), (n_before, n_won) = sums["actual"], sums["n_events"].astype(int)
    base = daily["day"].between(periods["period_start"][0], periods["period_end"][0])
    n_months = daily.loc[base & (daily["n_events"] > 0), "day"].dt.to_period("M").nunique()
    wanted = _COVERED * ((end - start).days + 1) / _DAYS_A_MONTH
    is_covered = bool(n_before >= _FEW_WINS and n_months >= wanted)
    error = np.nan
    if before > 0 and now > 0:
        chance = float((sums["squares"] / sums["actual"] ** 2).sum())
        error = float(np.sqrt(chance + DRIFT**2))
    return Years(float(now), float(before), error, int(n_won), is_covered)


def standings(
    department: Department, gap: Gap, start: date, end: date, confidence: float
) -> tuple[tuple[Standing, ...], dict[str, pd.DataFrame]]:
    """Hold the result against plan and past, and teams and reps against each other.

    Gives also the scorecards behind the last two.
    """
    years = won_in(department, start, end)
    tables = {}
    found = [
        _against_plan(gap, years),
        _against_past(department, years, start, confidence),
    ]
    for unit, against in _UNITS.items():
        card = _scorecard(department, unit, start, end, confidence)
        found.append(_inside(against, card))
        if card is not None and len(card):
            tables[f"scorecard_by_{unit}"] = card
    return tuple(found), tables


def _against_plan(gap: Gap, years: Years | None) -> Standing:
    if gap.reference != "plan" or not gap.expected > 0:
        return _cannot("plan", "there is no plan of the window to hold it against")
    ratio, low, high = (one / gap.expected for one in (gap.actual, gap.actual_low, gap.actual_high))
    n_won = 0 if years is None else years.n_won
    return Standing("plan", _verdict(low, high), ratio, low, high, n_won)


def _against_past(
    department: Department, years: Years | None, start: date, confidence: float
) -> Standing:
    if years is None or not years.is_covered or np.isnan(years.error):
        return _cannot("past", NO_PAST)
    reach = normal_quantile(confidence) * years.error
    ratio = years.now / years.before
    low, high = ratio * np.exp(-reach), ratio * np.exp(reach)
    verdict = _verdict(low, high)
    if verdict != "below" and _begins_late(department, start):
        reason = (
            "the data hold no deals opened before that year began, so that its sales are told too "
            "low"
        )
        return Standing("past", "cannot tell", ratio, low, high, years.n_won, reason=reason)
    return Standing("past", verdict, ratio, float(low), float(high), years.n_won)


def _begins_late(department: Department, start: date) -> bool:
    """Tell whether the data begin with the year before: what was won then was opened earlier."""
    if not department.has("deals", "created_at"):
        return True
    deals = department.select_deals()
    first = fetch(deals.aggregate(day=_.created_at.min()))["day"].iloc[0]
    base = pd.Timestamp(years_of(start, start).base_start)
    return bool(pd.isna(first) or first > base - pd.Timedelta(days=1))


def _inside(against: Literal["teams", "reps"], card: pd.DataFrame | None) -> Standing:
    """Read the scorecard: who is below the others with the same deals, beyond chance."""
    if card is None or not len(card):
        return _cannot(against, f"the data name no {against}")
    told = card[card["p_value"].notna() & ~card["role_reading"].isin(NOT_SELLING)]
    if len(told) < 2:
        return _cannot(against, f"too few {against} have enough deals to be compared")
    below = told[told["reading"] == "below"].sort_values("ratio")
    if not len(below):
        return Standing(against, "as expected", np.nan, np.nan, np.nan, len(told))
    lowest = below.iloc[0]
    ratio, low, high = (float(lowest[name]) for name in ("ratio", "ratio_low", "ratio_high"))
    ids = tuple(below["unit_id"].astype(str))
    return Standing(against, "below", ratio, low, high, len(told), ids)


def _verdict(low: float, high: float) -> Verdict:
    if np.isnan(low) or np.isnan(high):
        return "cannot tell"
    if high < 1:
        return "below"
    return "above" if low > 1 else "as expected"


def _cannot(against: Literal["plan", "past", "teams", "reps"], reason: str) -> Standing:
    return Standing(against, "cannot tell", np.nan, np.nan, np.nan, 0, reason=reason)


def _scorecard(
    department: Department, unit: Unit, start: date, end: date, confidence: float
) -> pd.DataFrame | None:
    """Compare win rates with the same deals; None where the data do not allow it."""
    try:
        card = reps.rep_scorecard(department, unit=unit, start=start, end=end,
                                  confidence=confidence, metrics=["win_rate"])  # fmt: skip
    except (MissingDataError, InputError):
        return None
    return with_roles(card, department) if unit == "rep_id" else card


def evidence_of(
    department: Department, check: pd.DataFrame, start: date, end: date, confidence: float
) -> Evidence:
    """Say whether the data can tell: enough wins, the year before, few rows set aside."""
    years = won_in(department, start, end)
    n_won = 0 if years is None else years.n_won
    aside = check[(check["table"] == "deals") & (check["severity"] == "error")]
    aside = aside[aside["rule"].str.startswith("set aside:")]
    n_aside = int(aside["n_failing"].sum())
    n_rows = int(max([0, *aside["n_examined"]])) or int(department.deals.count().execute())
    reasons = []
    if years is None:
        reasons.append("amounts or closing dates of the deals are missing")
    elif n_won < _FEW_FOR_CAUSES:
        reasons.append(f"{n_won} deals won in the window are few: only large faults would show")
    past = years is not None and years.is_covered
    if years is not None and not past:
        reasons.append(NO_PAST)
    if n_aside > _MANY_ASIDE * n_rows:
        reasons.append(f"{n_aside:,} of {n_rows:,} rows of deals had to be set aside")
    smallest = np.nan
    if years is not None and past and not np.isnan(years.error):
        both = normal_quantile(confidence) + normal_quantile(2 * _POWER - 1)
        smallest = float(1 - np.exp(-both * years.error))
    verdict: Literal["can tell", "in part", "cannot tell"] = "in part" if reasons else "can tell"
    if n_won < _FEW_WINS:
        verdict = "cannot tell"
    return Evidence(verdict, n_rows, n_aside, n_won, past, smallest, tuple(reasons))
