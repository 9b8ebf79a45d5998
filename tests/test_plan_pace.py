"""The pace of the running period: counted by hand, and where a linear one misleads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.plan import pace
from salesdiag.analyses.plan.curve import band, booked_shares
from salesdiag.analyses.plan.earlier import earlier_periods
from salesdiag.reductions.actuals import daily_actuals
from salesdiag.stats.rates import compound_poisson_interval
from tests.frames import sample_department
from tests.real_data import data_set, needs
from tests.test_target_attainment import JAN, Q1, plan_of

APRIL = ("2025-04-01", "2025-04-30")  # 22 working days, 10 of them gone by the 14th
Q2 = ("2025-04-01", "2025-06-30")


def april(deals, **more):
    return plan_of(deals, [("department", None, *APRIL, 150.0)], as_of="2025-04-14", **more)


def test_50_in_10_of_22_days_against_150_is_73_percent():
    row = pace(april([("won", "2025-04-10", 50.0, "r")])).iloc[0]
    assert (row.n_working_days, row.n_working_days_gone) == (22, 10)
    assert not row.is_complete
    assert row.elapsed_share == pytest.approx(10 / 22)
    assert row.linear_expected == pytest.approx(150 * 10 / 22)
    assert round(100 * row.linear_pace, 1) == 73.3
    assert row.linear_projection == pytest.approx(110)
    assert row.required_per_day == pytest.approx(100 / 12)
    low, high = compound_poisson_interval(50, 2500, 50)
    assert row.linear_pace_low == pytest.approx(low.item() / row.linear_expected)
    assert row.linear_pace_high == pytest.approx(high.item() / row.linear_expected)


# the first three months of 2025 have 23, 20 and 21 working days; half of each lies at 11.5, 10
# and 10.5 days
PAST = [
    ("won", "2024-12-31", 9.0, "r"),  # the records go further back than January
    ("won", "2025-01-10", 20.0, "r"),  # day 8 of 23
    ("won", "2025-01-31", 80.0, "r"),
    ("won", "2025-02-08", 15.0, "r"),  # a Saturday: counts with day 5 of 20
    ("won", "2025-02-28", 35.0, "r"),
    ("won", "2025-03-03", 40.0, "r"),  # day 1 of 21
    ("won", "2025-03-31", 60.0, "r"),
]


class TestSeasonal:
    def test_share_of_earlier_periods_counted_by_hand(self):
        row = pace(april([*PAST, ("won", "2025-04-10", 50.0, "r")]), confidence=0.5).iloc[0]
        assert row.n_past_periods == 3
        # by 10 / 22 of the days: 20 of 100, 15 of 50 and 40 of 100
        assert row.seasonal_share == pytest.approx(0.3)
        assert row.seasonal_share_low == pytest.approx(0.25)
        assert row.seasonal_share_high == pytest.approx(0.35)
        assert row.seasonal_expected == pytest.approx(45)
        assert row.seasonal_pace == pytest.approx(50 / 45)
        projection = [row.seasonal_projection, row.seasonal_projection_low,
                      row.seasonal_projection_high]  # fmt: skip
        assert projection == pytest.approx([50 / 0.3, 50 / 0.35, 50 / 0.25])
        # chance and band together, on the logarithm
        low, high = compound_poisson_interval(50, 2500, 50, confidence=0.5)
        below = np.hypot(np.log(50 / low), np.log(0.35 / 0.3))
        above = np.hypot(np.log(high / 50), np.log(0.3 / 0.25))
        assert row.seasonal_pace_low == pytest.approx(50 / 45 * np.exp(-below.item()))
        assert row.seasonal_pace_high == pytest.approx(50 / 45 * np.exp(above.item()))

    def test_between_two_working_days_it_is_interpolated(self):
        # 10.5 of 21 days: halfway between day 10 (nothing) and day 11 (all of it)
        department = plan_of([("won", "2025-03-17", 10.0, "r")], [], as_of="2025-03-31")
        daily = daily_actuals(department, "revenue", [])
        march = pd.DataFrame({"period_start": pd.to_datetime(["2025-03-01"]),
                              "period_end": pd.to_datetime(["2025-03-31"])})  # fmt: skip
        assert booked_shares(department, daily, march, 0.5).tolist() == pytest.approx([0.5])
        assert booked_shares(department, daily, march, 1).tolist() == [1]

    def test_below_three_earlier_periods_it_is_unknown(self):
        later = [deal for deal in PAST if deal[1] > "2025-01-30"]
        row = pace(april([*later, ("won", "2025-04-10", 50.0, "r")])).iloc[0]
        assert row.n_past_periods == 2
        unknown = ["seasonal_share", "seasonal_expected", "seasonal_pace", "seasonal_pace_low",
                   "seasonal_projection", "last_third_share"]  # fmt: skip
        assert row[unknown].isna().all()
        assert row.linear_pace > 0

    def test_where_a_period_had_nothing_by_now_the_pace_is_unknown(self):
        none = [deal for deal in PAST if deal[1] != "2025-03-03"]
        row = pace(april([*none, ("won", "2025-04-10", 50.0, "r")])).iloc[0]
        assert row.n_past_periods == 3
        assert row.seasonal_share == pytest.approx(0.2)
        assert row.seasonal_share_low < 0.05
        none = [deal for deal in none if deal[1] != "2025-02-08"]
        none = [("won", "2025-04-10", 50.0, "r"), *none]
        row = pace(april(none), confidence=0.4).iloc[0]
        assert row.seasonal_share == 0
        assert np.isnan([row.seasonal_pace, row.seasonal_pace_high, row.seasonal_projection]).all()

    def test_nothing_sold_yet_is_a_pace_of_0_with_an_upper_end(self):
        row = pace(april(PAST)).iloc[0]
        assert (row.linear_pace, row.seasonal_pace, row.seasonal_pace_low) == (0, 0, 0)
        assert row.seasonal_pace_high > 0

    def test_a_hockey_stick_makes_the_linear_pace_wrong_and_not_the_seasonal(self):
        # every month is closed to four fifths in its last week; the plan is reached exactly
        weeks = ((3, 10.0), (11, 10.0), (26, 80.0))
        deals = [("won", f"2025-{month:02}-{day:02}", size, "r")
                 for month in range(1, 5) for day, size in weeks]  # fmt: skip
        targets = [("department", None, *APRIL, 100.0)]
        row = pace(plan_of(deals, targets, as_of="2025-04-18")).iloc[0]
        assert row.linear_pace < 0.35
        assert row.seasonal_pace == pytest.approx(1)
        assert row.seasonal_projection == pytest.approx(100)
        assert row.last_third_share == pytest.approx(0.8)

    def test_the_curve_is_the_departments_for_every_group(self):
        whole = pace(sample_department(), on="2025-08-14")
        teams = pace(sample_department(), on="2025-08-14", by="team")
        assert set(teams["seasonal_share"]) == set(whole["seasonal_share"])
        assert teams["actual"].sum() == pytest.approx(whole["actual"].item())

    def test_the_band_of_three_is_no_wider_than_what_was_seen(self):
        found = band(np.array([0.2, 0.3, 0.6]), 0.99)
        assert found.share == 0.3
        assert 0.2 < found.low < 0.21
        assert 0.59 < found.high < 0.6


class TestPeriods:
    def test_on_a_day_later_sales_are_not_known(self):
        deals = [("won", "2025-04-10", 50.0, "r"), ("won", "2025-04-20", 70.0, "r")]
        targets = [("department", None, *APRIL, 150.0)]
        department = plan_of(deals, targets, as_of="2025-12-31")
        assert pace(department)["is_complete"].item()
        assert pace(department)["actual"].item() == 120
        row = pace(department, on="2025-04-14").iloc[0]
        assert (row.actual, row.n_working_days_gone, row.is_complete) == (50, 10, False)

    def test_where_none_runs_the_last_that_ended_is_shown(self):
        targets = [("department", None, *period, 9.0) for period in (JAN, Q1)]
        department = plan_of([("won", "2025-01-07", 3.0, "r")], targets, as_of="2025-05-20")
        assert pace(department)["period_end"].dt.month.tolist() == [3]
        both = pace(department, on="2025-01-20")
        assert both["period_end"].dt.month.tolist() == [1, 3]  # a month and a quarter run
        assert len(pace(department, end="2025-02-01")) == 1

    def test_a_group_that_sold_without_a_target_has_no_pace(self):
        deals = [("won", "2025-04-10", 50.0, "r"), ("won", "2025-04-10", 5.0, "s")]
        targets = [("rep", "r", *APRIL, 100.0)]
        table = pace(plan_of(deals, targets, as_of="2025-04-14"), by="rep_id")
        assert table["target_basis"].tolist() == ["own", "none"]
        assert table["actual"].tolist() == [50, 5]
        assert np.isnan(table["linear_pace"][1])

    def test_a_period_of_days_off_has_no_pace(self):
        weekend = ("department", None, "2025-01-11", "2025-01-12", 9.0)
        department = plan_of([("won", "2025-01-11", 3.0, "r")], [weekend], as_of="2025-01-11")
        row = pace(department).iloc[0]
        assert np.isnan([row.elapsed_share, row.linear_pace, row.required_per_day]).all()

    def test_months_are_stepped_back_without_a_plan_and_uneven_periods_by_the_plan(self):
        first, last = pd.Timestamp("2025-04-01"), pd.Timestamp("2025-06-30")
        nothing = pd.DataFrame({"period_start": [], "period_end": []})
        past = earlier_periods(first, last, planned=nothing, since=pd.Timestamp("2024-07-05"))
        # the records begin on the fifth day of the third quarter, within its first tenth
        assert past["period_start"].astype(str).tolist() == [
            "2025-01-01", "2024-10-01", "2024-07-01",
        ]  # fmt: skip
        late = earlier_periods(first, last, planned=nothing, since=pd.Timestamp("2024-07-15"))
        assert len(late) == 2
        planned = pd.DataFrame(
            {
                "period_start": pd.to_datetime(
                    ["2024-07-02", "2024-10-03", "2025-01-02", "2025-01-02"]
                ),
                "period_end": pd.to_datetime(
                    ["2024-10-02", "2025-01-01", "2025-04-02", "2025-02-01"]
                ),
            }
        )
        past = earlier_periods(pd.Timestamp("2025-04-03"), pd.Timestamp("2025-07-01"),
                               planned=planned, since=pd.Timestamp("2024-01-01"))  # fmt: skip
        assert past["period_start"].astype(str).tolist() == [
            "2025-01-02", "2024-10-03", "2024-07-02",
        ]  # fmt: skip

    def test_a_day_after_the_end_of_the_data_is_refused(self):
        with pytest.raises(sd.InputError, match="on must be a day up to as_of, 2025-12-31"):
            pace(sample_department(), on="2026-01-01")
        with pytest.raises(sd.InputError, match=r"^on must be a day written as"):
            pace(sample_department(), on="31.12.2025")
        with pytest.raises(sd.InputError, match=r"metric must be one of revenue, .*; got 'profit'"):
            pace(sample_department(), metric="profit")


@needs("maven_crm")
def test_maven_closes_quarters_late_so_that_linear_expects_too_much():
    folder, mapping = data_set("maven_crm")
    maven = sd.load(folder, mapping=mapping)
    targets = pd.DataFrame({
        "level": "department", "id": None, "metric": "revenue", "target": 2_800_000.0,
        "period_start": pd.to_datetime(["2017-10-01"]),
        "period_end": pd.to_datetime(["2017-12-31"]),
    })  # fmt: skip
    department = sd.Department(deals=maven.deals.to_pandas(), targets=targets, as_of="2017-12-31")
    row = pace(department, on="2017-10-31").iloc[0]
    assert row.actual == 731_980
    assert row.linear_projection > 1.6e6  # it became 2.80 million
    assert 0.70 < row.linear_pace < 0.80  # and yet the plan was reached to the thousand
    # the first quarter of 2017 holds March only, so two quarters are behind the curve: refused
    assert row.n_past_periods == 2
    assert np.isnan(row.seasonal_pace)
    daily = daily_actuals(department, "revenue", [])
    quarters = pd.DataFrame(
        {
            "period_start": pd.to_datetime(["2017-04-01", "2017-07-01"]),
            "period_end": pd.to_datetime(["2017-06-30", "2017-09-30"]),
        }
    )
    shares = booked_shares(department, daily, quarters, row.elapsed_share)
    # by the month, 721,932 of 3,086,111 and 696,932 of 2,982,255
    assert shares == pytest.approx([0.2339, 0.2337], abs=0.02)
    assert row.actual / shares.mean() == pytest.approx(2_802_496, rel=0.1)
