"""Newcomers, weak reps and the plan: the figures of their detectors by hand.

A view is stood in for by the few things that a detector asks it for.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesdiag.diagnosis.detectors import plan_misallocated, plan_too_high, slow_ramp, weak_reps
from salesdiag.diagnosis.explain import explain
from salesdiag.diagnosis.suspects import Suspect
from tests.yearly_frames import department, frame, view_of

# --- people ------------------------------------------------------------------------------


def test_a_good_start_is_as_slow_as_deals_and_learning_are():
    ages = {10: 1, 20: 1, 40: 1, 100: 1}  # days from creation to the win
    deals = pd.DataFrame({
        "deal_id": [f"d{age}" for age in ages], "status": "won",
        "created_at": pd.Timestamp("2025-01-01"),
        "closed_at": [pd.Timestamp("2025-01-01") + pd.Timedelta(days=age) for age in ages],
    })  # fmt: skip
    view = SimpleNamespace(department=department(deals))
    usual = slow_ramp._usual(view, pd.Series([1, 2, 3, 4, 9]))
    # within 15 days one of four is won, within 46 and 76 three, then all; six tenths are known
    # at first and a tenth more each month
    assert usual.tolist() == pytest.approx([0.25 * 0.7, 0.75 * 0.8, 0.75 * 0.9, 1.0, 1.0])


def ramp_view(result):
    """Make a view of newcomers, of whom 10 wins a month are due after the first ones."""
    table = pd.DataFrame({
        "tenure_month": range(1, 13), "n_reps": 4, "expected": 10.0, "result": 10.0 * result,
    })  # fmt: skip
    fast = pd.DataFrame({
        "deal_id": ["A"], "status": ["won"], "created_at": [pd.Timestamp("2025-01-01")],
        "closed_at": [pd.Timestamp("2025-01-02")],
    })  # fmt: skip
    tables = {"ramp": table, "ramp of the window": table}
    return view_of(tables, department=department(fast), revenue_per_win=lambda: 5.0)


def test_newcomers_who_stay_behind_a_good_start_are_slow():
    (found,) = slow_ramp.detect(ramp_view(0.4))
    # months 2 to 8: 8, 9, then 10 wins each were due, 4 each came
    wanted, came = 67.0, 28.0
    assert found.measured == pytest.approx(came / wanted)
    error = np.sqrt(1 / wanted + 0.3**2 / 4)
    chance = np.log((came + 0.5) / (wanted + 0.5)) / error
    assert found.p_value == pytest.approx(stats.norm.cdf(chance))
    # of the year 7 + 8 + 9 + 9 x 10 = 114 were due and 48 came, at 5 each
    assert 1000 * np.expm1(-found.harm) == pytest.approx((114 - 48) * 5)
    assert slow_ramp.detect(ramp_view(0.8)) == []


# the ratio is at the mix of all, the wins that were due are of each rep's own deals
CARD = frame(
    "unit_id role_reading reading p_value q_value ratio n_events n_cases expected",
    ("r0", "seller", "below", 0.001, 0.01, 0.48, 20, 100, 0.4),
    ("r1", "unclear", "uncertain", 0.02, 0.08, 0.7, 32, 200, 0.2),  # not sure alone, but along
    ("r2", "seller", "uncertain", 0.05, 0.12, 0.8, 32, 100, 0.4),
    ("r3", "dustbin", "below", 0.001, 0.01, 0.2, 2, 20, 0.5),  # gets what nobody can win
    ("r4", "seller", "above", 0.001, 0.01, 1.5, 60, 100, 0.4),
    ("r5", "seller", "uncertain", 0.9, 0.9, 1.0, 40, 100, 0.4),
    ("r6", "seller", "few cases", None, None, 0.1, 1, 5, None),
)


def test_weak_reps_are_those_below_and_those_who_are_likely_so():
    (found,) = weak_reps.detect(view_of({"scorecard": CARD}))
    assert (found.level, found.ids, found.n) == ("rep", ("r0", "r1"), 300)
    # 52 wins where 40 and 40 were due
    assert (found.measured, found.expected) == pytest.approx((52 / 300, 80 / 300))
    assert (found.harm, found.harm_error) == pytest.approx(
        (np.log(52 / 80), np.hypot(1 / np.sqrt(52), 0.3 * np.log(80 / 52)))
    )
    assert found.p_value == 0.01


def test_without_one_who_is_below_for_certain_nobody_is_weak():
    unsure = CARD.assign(reading=CARD["reading"].where(CARD["unit_id"] != "r0", "uncertain"))
    assert weak_reps.detect(view_of({"scorecard": unsure})) == []


def test_reps_who_fell_this_year_or_are_nearly_half_of_all_are_not_weak():
    fall = SimpleNamespace(log_ratio=-0.5, standard_error=0.1)  # of a gap of 0.43
    new = view_of({"scorecard": CARD}, pipeline=lambda: SimpleNamespace(at=lambda *_place: fall))
    assert weak_reps.detect(new) == []
    few = CARD[CARD["unit_id"].isin(["r0", "r1", "r4", "r5"])]  # two of four
    assert weak_reps.detect(view_of({"scorecard": few})) == []


def test_fewer_deals_made_of_leads_are_the_weak_reps_too():
    leads = frame(
        "rep_id source n_deals n_settled", ("r0", "web", 10.0, 100.0), ("r1", "fair", 30.0, 50.0),
        ("r4", "web", 40.0, 100.0), ("r5", "fair", 120.0, 200.0),
    )  # fmt: skip
    (found,) = weak_reps.detect(view_of({"scorecard": CARD}, leads=leads))
    # by source 40 and 30 were due, 10 and 30 were made
    assert found.harm == pytest.approx(np.log(52 / 80) + np.log(40 / 70))
    # three tenths of the loss for what deals that look alike may differ in
    assert found.harm_error == pytest.approx(np.sqrt(1 / 52 + 1 / 40 + (0.3 * found.harm) ** 2))


# --- the plan ----------------------------------------------------------------------------


def plan_view(actual, before, *, met=1.0):
    plan = {"target": 1000.0, "actual": actual, "n_reps": 40.0, "participation": met / 10,
            "error": 0.03, "before": before}  # fmt: skip
    return view_of(plan=lambda: plan, plan_table=pd.DataFrame)


def test_a_plan_is_too_high_where_the_year_held_and_hardly_anybody_reached_it():
    (found,) = plan_too_high.detect(plan_view(800.0, 780.0))
    assert (found.measured, found.expected) == (800.0, 1000.0)
    # two years tell the level: 800 and 780 of 1,000; their error, and what any year drifts
    short = (np.log(0.8) + np.log(0.78)) / 2
    error = np.hypot(0.03 / np.sqrt(2), 0.02)
    assert found.p_value == pytest.approx(stats.norm.cdf(short / error), rel=1e-9)
    assert found.exposed * np.expm1(-found.harm) == pytest.approx(200.0)  # too much of it


@pytest.mark.parametrize(
    "view", [plan_view(930.0, 900.0), plan_view(800.0, 900.0), plan_view(800.0, 780.0, met=5.1)]
)
def test_a_plan_that_is_nearly_or_often_reached_or_missed_for_a_fall_is_not_too_high(view):
    assert plan_too_high.detect(view) == []


def test_a_fall_within_the_error_of_the_year_is_none():
    # a fall of 7 % and one error of 3 % is held for none: to 0.93 x exp(-0.03) = 0.9025
    assert len(plan_too_high.detect(plan_view(800.0, 880.0))) == 1
    assert plan_too_high.detect(plan_view(800.0, 890.0)) == []


@pytest.mark.parametrize(("lost", "stays"), [(150.0, False), (20.0, True)])
def test_another_sure_cause_explains_a_missed_plan_if_it_would_have_been_reached(lost, stays):
    (plan,) = plan_too_high.detect(plan_view(800.0, 780.0))
    harm = -float(np.log1p(lost / 800))
    leak = Suspect("stage_leak", "department", (), 0.2, 0.3, 100, 1e-6, "pipeline", harm, 1e-3,
                   800.0)  # fmt: skip
    kept, _ = explain([plan, leak], [plan, leak])
    assert (plan in kept) == stays


def fairness(**rows):
    """Lay out the tests of targets: estimate, error and what is fair, of 21 reps."""
    reach = stats.t.ppf(0.975, 20)
    names = {"asked": "target on deals opened", "reached": "attainment on deals opened",
             "result": "result on target"}  # fmt: skip
    usual = {"asked": (0.2, 0.2, 0.8), "reached": (0.6, 0.25, 0.2), "result": (1.0, 0.2, 1.0)}
    return pd.DataFrame([
        {"test": names[name], "estimate": value, "estimate_low": value - reach * error,
         "estimate_high": value + reach * error, "reference": fair, "n_independent": 21,
         "n_targets": 160}
        for name, (value, error, fair) in (usual | rows).items()
    ]).set_index("test")  # fmt: skip


def test_targets_that_do_not_rise_with_the_deals_opened_ask_the_wrong_reps():
    (found,) = plan_misallocated.detect(view_of(fairness=fairness))
    assert (found.measured, found.expected, found.n) == pytest.approx((2**0.2, 2**0.8, 160))
    # 0.6 too little is asked and 0.4 more reached, each beside its error and that of what is
    # fair, of 20 degrees; the two go together by half, and there was a look at the results too
    unsure = 0.2 * np.sqrt(2 / 20)
    both = (0.6 / np.hypot(0.2, unsure) + 0.4 / np.hypot(0.25, unsure)) / np.sqrt(3)
    assert found.p_value == pytest.approx(2 * stats.t.sf(both, 20))


def test_results_that_fall_short_of_large_targets_tell_it_too():
    (found,) = plan_misallocated.detect(view_of(fairness=lambda: fairness(result=(-0.3, 0.2, 1))))
    assert found.p_value == pytest.approx(2 * stats.t.cdf((-0.3 - 0.7) / 0.2, 20))


@pytest.mark.parametrize(
    "rows",
    [
        {"asked": (0.7, 0.1, 0.8)},  # nearly as much as is fair
        {"asked": (0.1, 0.1, 0.4), "reached": (0.9, 0.1, 0.6)},  # reps differ by luck
        {"asked": (np.nan, np.nan, np.nan)},  # untold
        {"asked": (0.2, 0.0, 0.8)},  # exact
    ],
)
def test_targets_that_follow_the_deals_or_cannot_are_not_in_the_wrong_places(rows):
    assert plan_misallocated.detect(view_of(fairness=lambda: fairness(**rows))) == []
