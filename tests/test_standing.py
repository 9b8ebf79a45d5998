"""Where a department stands: hand-counted results against plan, past and peers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.diagnosis.contrasts import DRIFT
from salesdiag.diagnosis.finding import Gap
from salesdiag.diagnosis.standing import evidence_of, standings, won_in

WINDOW = (date(2025, 1, 1), date(2025, 12, 31))
NO_PLAN = Gap("none", np.nan, 1.0, np.nan, np.nan, 0)
CHECK = pd.DataFrame(columns=["table", "severity", "rule", "n_failing", "n_examined"])


def sold(n_before, n_now, *, opened_days=40, first=None, **more):
    """Build a department that wins deals of 10, evenly over two years."""
    rows = []
    for year, n in ((2024, n_before), (2025, n_now)):
        closed = pd.date_range(f"{year}-01-01 12:00", f"{year}-12-31 12:00", periods=n)
        rows.append(pd.DataFrame({"closed_at": closed}))
    deals = pd.concat(rows, ignore_index=True)
    deals["created_at"] = deals["closed_at"] - pd.Timedelta(days=opened_days)
    if first is not None:
        deals["created_at"] = deals["created_at"].clip(lower=pd.Timestamp(first))
    deals = deals.assign(deal_id=deals.index.astype(str), status="won", amount=10.0, rep_id="r")
    return sd.Department(deals=deals, as_of="2025-12-31", **more)


def against(name, department, gap=NO_PLAN):
    found, _tables = standings(department, gap, *WINDOW, 0.95)
    return next(one for one in found if one.against == name)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.8, 0.9, "below"), (0.8, 1.0, "as expected"), (1.1, 1.2, "above")],
)
def test_the_plan_is_missed_when_chance_does_not_reach_it(low, high, verdict):
    gap = Gap("plan", 100.0, 100 * (low + high) / 2, 100 * low, 100 * high, 4)
    one = against("plan", sold(100, 100), gap)
    assert (one.verdict, one.low, one.high) == (verdict, low, high)
    assert one.n == 100


def test_the_past_is_the_same_days_a_year_before():
    one = against("past", sold(400, 300))
    assert one.verdict == "below"
    assert one.ratio == pytest.approx(0.75)
    # wins of one size: the logarithm of the ratio has variance 1/400 + 1/300, and the drift
    # that no year is without
    reach = 1.959964 * np.sqrt(1 / 400 + 1 / 300 + DRIFT**2)
    assert (one.low, one.high) == pytest.approx((0.75 * np.exp(-reach), 0.75 * np.exp(reach)))


def test_a_difference_within_chance_is_none():
    assert against("past", sold(100, 95)).verdict == "as expected"
    assert against("past", sold(300, 400)).verdict == "above"


def test_a_past_without_its_older_deals_is_too_low_to_be_beaten():
    cut = sold(300, 400, first="2024-01-01")
    assert against("past", cut).verdict == "cannot tell"
    # a fall is one all the more
    assert against("past", sold(400, 300, first="2024-01-01")).verdict == "below"


def test_without_the_year_before_the_past_cannot_be_told():
    for n_before in (0, 29):  # none, and too few
        one = against("past", sold(n_before, 300))
        assert one.verdict == "cannot tell"
        assert np.isnan(one.ratio)


def peers(rates):
    rows = [
        (f"{rep}{number}", rep, "won" if number < wins else "lost")
        for rep, wins in rates.items() for number in range(200)
    ]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["deal_id", "rep_id", "status"])
    day = pd.Timestamp("2025-06-02")
    deals = deals.assign(created_at=day, closed_at=day + pd.Timedelta(days=9), amount=1.0)
    return sd.Department(deals=deals, as_of="2025-12-31")


def test_the_rep_who_wins_half_as_often_is_named():
    one = against("reps", peers({"a": 60, "b": 58, "c": 62, "d": 25}))
    assert (one.verdict, one.ids, one.n) == ("below", ("d",), 4)
    assert one.high < 1


def test_equal_reps_are_called_equal_and_one_alone_is_not_compared():
    assert against("reps", peers({"a": 60, "b": 58, "c": 62})).verdict == "as expected"
    assert against("reps", peers({"a": 60})).verdict == "cannot tell"
    assert against("teams", peers({"a": 60, "b": 58})).verdict == "cannot tell"


def test_the_smallest_fall_that_would_show_is_told():
    found = evidence_of(sold(400, 400), CHECK, *WINDOW, 0.95)
    assert found.verdict == "can tell"
    error = np.sqrt(2 / 400 + DRIFT**2)
    assert found.smallest_fall == pytest.approx(1 - np.exp(-(1.959964 + 0.841621) * error))
    assert (found.n_won, found.n_rows) == (400, 800)


@pytest.mark.parametrize(
    ("n_before", "n_now", "verdict"),
    [(400, 29, "cannot tell"), (400, 60, "in part"), (0, 400, "in part")],
)
def test_few_wins_or_no_past_are_said(n_before, n_now, verdict):
    found = evidence_of(sold(n_before, n_now), CHECK, *WINDOW, 0.95)
    assert found.verdict == verdict
    assert len(found.reasons) == 1


def test_many_rows_set_aside_are_said():
    row = {"table": "deals", "severity": "error", "rule": "set aside: damaged", "n_failing": 60,
           "n_examined": 1000}  # fmt: skip
    found = evidence_of(sold(400, 400), pd.DataFrame([row]), *WINDOW, 0.95)
    assert (found.n_aside, found.n_rows, found.verdict) == (60, 1000, "in part")
    assert "60 of 1,000 rows" in found.reasons[0]


def test_without_amounts_nothing_is_added_up():
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"]})
    bare = sd.Department(deals=deals, as_of="2025-12-31")
    assert won_in(bare, *WINDOW) is None
    assert evidence_of(bare, CHECK, *WINDOW, 0.95).verdict == "cannot tell"
