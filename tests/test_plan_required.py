"""What the rest of the plan asks: counted by hand, and on the sample department."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import salesdiag as sd
from salesdiag.analyses.plan import required_activity, target_attainment
from salesdiag.stats.rates import wilson_interval
from tests.frames import sample_department, targets_of

APRIL = ("2025-04-01", "2025-04-30")
REPS = pd.DataFrame({"rep_id": ["a", "b"], "team": ["N", "S"],
                     "hired_on": pd.to_datetime(["2024-01-01", "2025-04-10"])})  # fmt: skip
# of eight deals four were won, for 10, 10, 20 and 40
DEALS = [("won", 10.0, "a"), ("won", 10.0, "a"), ("won", 20.0, "a"), ("won", 40.0, "b")]
DEALS += [("lost", 5.0, rep) for rep in "aabb"]


def department_of(*, target=320.0, deals=DEALS, n_activities=12, as_of="2025-04-16", **more):
    frame = pd.DataFrame(deals, columns=["status", "amount", "rep_id"])
    frame["deal_id"] = [str(number) for number in range(len(frame))]
    frame["created_at"] = pd.Timestamp("2025-04-01")
    frame["closed_at"] = pd.Timestamp("2025-04-08")
    if n_activities:
        more["activities"] = pd.DataFrame({
            "activity_id": [str(number) for number in range(n_activities)],
            "activity_type": "call", "occurred_at": pd.Timestamp("2025-04-07"),
            "rep_id": ["a", "b"] * (n_activities // 2), "deal_id": "3",
        })  # fmt: skip
    given = {"reps": REPS, "targets": targets_of([("department", None, *APRIL, target)])} | more
    return sd.Department(deals=frame, as_of=as_of, **given)


def test_needs_counted_by_hand():
    row = required_activity(department_of()).iloc[0]
    assert (row.n_working_days_left, row.weeks_left) == (10, 2)
    assert (row.actual, row.still_needed) == (80, 240)
    assert (row.n_won, row.per_win) == (4, 20)
    assert (row.n_created, row.win_rate) == (8, 0.5)
    assert (row.n_activities, row.activities_per_win) == (12, 3)
    needed = [row.wins_needed, row.deals_needed, row.activities_needed]
    assert needed == pytest.approx([12, 24, 36])
    # two reps, two weeks
    asked = row[["wins_asked_per_rep_week", "deals_asked_per_rep_week",
                 "activities_asked_per_rep_week"]]  # fmt: skip
    assert asked.tolist() == pytest.approx([3, 6, 9])


def test_what_was_done_of_late_stands_beside_it():
    # the records begin on 1 April: rep a has 12 working days to the 16th, b, hired on the 10th, 5
    row = required_activity(department_of()).iloc[0]
    now = row[["wins_now_per_rep_week", "deals_now_per_rep_week", "activities_now_per_rep_week"]]
    assert now.tolist() == pytest.approx([4 / 3.4, 8 / 3.4, 12 / 3.4])


def test_intervals_follow_from_those_of_the_rates():
    row = required_activity(department_of()).iloc[0]
    error = np.std([10, 10, 20, 40], ddof=1) / 2 / 20
    reach = stats.t.ppf(0.975, 3) * error
    assert row.per_win_low == pytest.approx(20 * np.exp(-reach))
    assert row.per_win_high == pytest.approx(20 * np.exp(reach))
    low, high = wilson_interval(4, 8)
    assert [row.win_rate_low, row.win_rate_high] == pytest.approx([low.item(), high.item()])
    assert row.wins_needed_low == pytest.approx(240 / row.per_win_high)
    assert row.wins_needed_high == pytest.approx(240 / row.per_win_low)
    above = np.hypot(reach, np.log(0.5 / low.item()))
    assert row.deals_needed_high == pytest.approx(24 * np.exp(above))
    # Poisson interval of 4 wins: 1.09 to 10.24
    assert row.activities_per_win_low == pytest.approx(12 / 10.24, rel=0.01)
    assert row.activities_per_win_high == pytest.approx(12 / 1.09, rel=0.03)


def test_open_deals_are_neither_lost_nor_won():
    deals = [*DEALS[:4], *[("open", 5.0, "a")] * 4]
    frame = department_of(deals=deals).deals.execute()
    frame["closed_at"] = frame["closed_at"].mask(frame["status"] == "open")
    department = sd.Department(deals=frame, targets=targets_of([("department", None, *APRIL, 9.0)]),
                               as_of="2025-04-16")  # fmt: skip
    row = required_activity(department).iloc[0]
    assert (row.n_created, row.n_open_deals) == (8, 4)
    assert row.win_rate == 0.5  # four of eight by day 7, and none was decided since


def test_a_plan_that_is_reached_asks_for_nothing():
    row = required_activity(department_of(target=60.0)).iloc[0]
    assert (row.still_needed, row.wins_needed, row.deals_needed_high) == (0, 0, 0)
    assert row.wins_asked_per_rep_week == 0


def test_unknown_rates_make_unknown_needs_only():
    row = required_activity(department_of(n_activities=0)).iloc[0]
    assert (row.n_activities, row.wins_needed) == (0, 12)
    assert row[["activities_per_win", "activities_needed", "activities_needed_low",
                "activities_now_per_rep_week"]].isna().all()  # fmt: skip
    nobody = required_activity(department_of(deals=[("lost", 5.0, "a")])).iloc[0]
    assert nobody.still_needed == 320
    assert nobody[["per_win", "wins_needed", "deals_needed", "activities_needed"]].isna().all()
    assert nobody.win_rate == 0
    frame = department_of().deals.execute().drop(columns=["created_at", "rep_id"])
    targets = targets_of([("department", None, *APRIL, 320.0)])
    bare = sd.Department(deals=frame, targets=targets, as_of="2025-04-16")
    row = required_activity(bare).iloc[0]
    assert (row.wins_needed, row.n_created, row.n_reps) == (12, 0, 0)
    assert row[["win_rate", "deals_needed", "wins_asked_per_rep_week"]].isna().all()


def test_reps_without_a_target_sell_for_the_plan_too():
    # a has a target of 100 and sold 40; b, without one, sold 40: 20 are left for both
    department = department_of(targets=targets_of([("rep", "a", *APRIL, 100.0)]))
    row = required_activity(department).iloc[0]
    assert (row.target, row.actual, row.still_needed) == (100, 80, 20)
    assert (row.n_reps, row.n_won, row.per_win) == (2, 4, 20)
    assert row.wins_asked_per_rep_week == pytest.approx(1 / 4)


def test_when_the_period_is_over_no_week_is_left():
    row = required_activity(department_of(as_of="2025-05-15")).iloc[0]
    assert (row.is_complete, row.weeks_left, row.still_needed) == (True, 0, 240)
    assert row.wins_needed == 12
    assert np.isnan(row.wins_asked_per_rep_week)


def test_by_rep_team_and_product_each_with_rates_of_its_own():
    targets = targets_of([("rep", "a", *APRIL, 100.0), ("rep", "b", *APRIL, 100.0)])
    table = required_activity(department_of(targets=targets), by="rep_id").set_index("rep_id")
    # a won 10, 10 and 20 of five deals; b won 40 of three
    assert table["per_win"].tolist() == pytest.approx([40 / 3, 40])
    assert table["win_rate"].tolist() == pytest.approx([3 / 5, 1 / 3])
    assert table["wins_needed"].tolist() == pytest.approx([60 / (40 / 3), 1.5])
    assert table["n_activities"].tolist() == [6, 6]
    assert table["n_reps"].tolist() == [1, 1]
    teams = required_activity(department_of(targets=targets), by="team")
    assert teams["wins_needed"].tolist() == table["wins_needed"].tolist()
    # a product has no reps; its activities are those on its deals
    frame = department_of().deals.execute().assign(product="X")
    plan = targets_of([("product", "X", *APRIL, 320.0)])
    department = sd.Department(
        deals=frame, targets=plan, activities=department_of().activities.execute(), reps=REPS,
        as_of="2025-04-16",
    )  # fmt: skip
    row = required_activity(department, by="product").iloc[0]
    assert (row["product"], row.n_activities, row.n_reps, row.wins_needed) == ("X", 12, 0, 12)
    assert np.isnan(row.wins_asked_per_rep_week)


def test_on_a_day_of_the_sample_by_a_count_in_pandas():
    department = sample_department()
    row = required_activity(department, on="2025-11-14").iloc[0]
    deals = department.deals.execute()
    won = deals[(deals["status"] == "won") & deals["closed_at"].between("2024-11-15", "2025-11-15")]
    assert row.n_won == len(won)
    assert row.per_win == pytest.approx(float(won["amount"].sum()) / len(won))
    made = deals["created_at"].between("2024-11-15", "2025-11-15")
    assert row.n_created == made.sum()
    assert 0.2 < row.win_rate < 0.3
    quarter = target_attainment(department, start="2025-10-01").iloc[0]
    assert row.target == quarter.target
    assert row.deals_needed == pytest.approx(row.still_needed / row.per_win / row.win_rate)
    assert row.deals_asked_per_rep_week > row.deals_now_per_rep_week


def test_options_are_checked():
    with pytest.raises(sd.InputError, match="months must be a whole number from 1"):
        required_activity(sample_department(), months=0)
    with pytest.raises(sd.InputError, match="metric must be one of revenue, deals_won"):
        required_activity(sample_department(), metric="activities")
    with pytest.raises(sd.MissingDataError, match="targets"):
        required_activity(sd.Department(deals=department_of().deals.execute(), as_of="2025-04-16"))
