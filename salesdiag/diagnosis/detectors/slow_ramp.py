"""Newcomers stay behind the tenured for longer than a start takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from salesdiag.analyses import reps
from salesdiag.diagnosis.suspects import Suspect
from salesdiag.reductions.winnable import deal_ages

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.view import View

_MONTHS = (2, 8)  # of tenure, in which a slow start shows
_FIRST_LEVEL, _MONTHLY = 0.6, 0.1  # of a good start: six tenths at first, all after four months
_BETWEEN = 0.3  # how much newcomers differ for good, as a logarithm
_REFERENCE = 0.15  # of what was due: how surely a usual start is known
_SMALLEST = 0.25
_DAYS_A_MONTH = 30.4


def detect(view: View) -> list[Suspect]:
    """Hold what newcomers bring against tenured peers, a usual start allowed for."""
    table = view.once("ramp", lambda: _ramp(view))
    if table is None or not len(table):
        return []
    due = table["expected"].to_numpy(float) * _usual(view, table["tenure_month"])
    early = table["tenure_month"].between(*_MONTHS).to_numpy() & (due > 0)
    result, wanted = float(table["result"].to_numpy()[early].sum()), float(due[early].sum())
    if wanted <= 0 or result > (1 - _SMALLEST) * wanted:
        return []
    n_reps = int(table["n_reps"].max())
    change = float(np.log((result + 0.5) / (wanted + 0.5)))
    # by the wins that were due: those that came are few where the start is slow
    error = float(np.sqrt(1 / wanted + _BETWEEN**2 / n_reps))
    revenue = view.revenue_at()
    lost, due_money = _lost(view)
    return [Suspect(
        "slow_ramp", "department", (), result / wanted, 1.0, n_reps,
        float(special.ndtr(change / error)), "pipeline", -float(np.log1p(lost / revenue)),
        float(np.hypot(lost * error / abs(change), _REFERENCE * due_money) / revenue), revenue,
        has_driver=True, table=table,
    )] if lost > 0 else []  # fmt: skip


def _ramp(view: View) -> pd.DataFrame:
    view.department.require(deals=["created_at", "closed_at"])
    return reps.ramp(view.department, metric="wins")


def _usual(view: View, tenure: pd.Series) -> np.ndarray:
    """Give what a good start brings of a tenured rep's wins: deals need their time, learning too.

    In the first months only deals can be won that are won sooner than that.
    """
    ages = deal_ages(view.department)
    won, day = ages["n_won"].to_numpy(float), ages["age_days"].to_numpy(float)
    month = tenure.to_numpy(float)
    ripe = np.array([won[day <= _DAYS_A_MONTH * (one - 0.5)].sum() for one in month])
    learnt = np.minimum(_FIRST_LEVEL + _MONTHLY * month, 1.0)
    usual: np.ndarray = ripe / max(won.sum(), 1.0) * learnt
    return usual


def _lost(view: View) -> tuple[float, float]:
    """Give the money of the wins that newcomers lacked in the window, and of those due."""
    years = view.years
    table = view.once("ramp of the window", lambda: reps.ramp(
        view.department, metric="wins", start=years.start, end=years.end))  # fmt: skip
    if table is None or not len(table):
        return 0.0, 0.0
    due = (table["expected"] * _usual(view, table["tenure_month"])).fillna(0.0)
    short = due - table["result"].fillna(0.0)
    return tuple(float(one.sum()) * view.revenue_per_win() for one in (short, due))  # type: ignore[return-value]
