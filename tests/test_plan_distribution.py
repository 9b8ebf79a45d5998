"""The spread of the attainment: counted by hand, and AdventureWorks' published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.plan import attainment_distribution, target_attainment
from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.stats.rates import clustered_rate, wilson_interval
from tests.frames import sample_department
from tests.real_data import data_set, needs
from tests.test_target_attainment import Q1, Q2, plan_of

JOINED_LEFT = {
    "rep_id": ["a", "b", "c", "d", "e", "joiner", "leaver", "free"],
    "team": ["N", "N", "N", "S", "S", "S", "S", "N"],
    "hired_on": pd.to_datetime(["2020-01-01"] * 5 + ["2025-02-17", "2020-01-01", "2020-01-01"]),
    "left_on": pd.to_datetime([None] * 6 + ["2025-02-14", None]),
}
# of the 64 working days of the quarter 33 lie before 14 February is over, 31 after it
SOLD = {"a": 120.0, "b": 100.0, "c": 80.0, "d": 49.0, "e": 10.0, "joiner": 48.0, "leaver": 52.0,
        "free": 7.0}  # fmt: skip


def quarter(*, as_of="2025-12-31", more=(), period=Q1):
    deals = [("won", "2025-02-10", amount, rep) for rep, amount in SOLD.items()]
    deals += [("won", "2025-02-10", 3.0, None), ("lost", "2025-02-10", 900.0, "e"), *more]
    targets = [("rep", rep, *period, 100.0) for rep in SOLD if rep != "free"]
    return plan_of(deals, targets, reps=JOINED_LEFT, as_of=as_of)


def test_spread_counted_by_hand():
    row = attainment_distribution(quarter()).iloc[0]
    # five were there for all of it: 120, 100, 80, 49 and 10 of 100 each
    assert (row.n_targets, row.n_reps, row.n_reps_met, row.n_reps_below_half) == (7, 5, 2, 2)
    assert row.participation_rate == 0.4
    low, high = wilson_interval(2, 5)
    assert [row.participation_rate_low, row.participation_rate_high] == [low.item(), high.item()]
    spread = row[["lowest_attainment", "lower_quartile_attainment", "median_attainment",
                  "upper_quartile_attainment", "highest_attainment"]]  # fmt: skip
    assert spread.tolist() == [0.1, 0.49, 0.8, 1.0, 1.2]
    assert row.below_half_rate == 0.4
    # one of five is a fifth: 120 of 359, with 100 of the targets of 500
    assert row.top_fifth_share == pytest.approx(120 / 359)
    assert row.top_fifth_target_share == pytest.approx(0.2)


def test_joiners_and_leavers_are_held_against_their_share_of_the_working_days():
    row = attainment_distribution(quarter()).iloc[0]
    assert (row.n_joined, row.n_left, row.n_prorated) == (1, 1, 2)
    # 64 working days: the leaver had 33 of them (51.6 of 100, sold 52), the joiner 31
    # (48.4 of 100, sold 48)
    assert row.n_prorated_met == 1


def test_what_was_sold_without_a_target_is_counted_apart():
    table = attainment_distribution(quarter())
    assert table["n_without_target"].item() == 1  # "free"; the deal without a rep is no rep
    assert table["unplanned_actual"].item() == 10  # 7 and 3
    by_team = attainment_distribution(quarter(), by="team").set_index("team")
    assert by_team["unplanned_actual"].to_dict() == {"N": 7, "S": 0, "unassigned": 3}
    assert by_team.loc["unassigned", "n_reps"] == 0
    assert np.isnan(by_team.loc["unassigned", "participation_rate"])


def test_teams_add_up_and_a_fifth_of_few_reps_is_not_told():
    whole, teams = attainment_distribution(quarter()), attainment_distribution(quarter(), by="team")
    counts = [name for name in whole if name.startswith("n_")]
    assert teams[counts].sum().tolist() == whole[counts].iloc[0].tolist()
    assert teams["top_fifth_share"].isna().all()


def test_a_fifth_of_seven_reps_is_the_largest_and_two_fifths_of_the_next():
    deals = [("won", "2025-02-10", float(size), f"r{size}") for size in range(1, 8)]
    targets = [("rep", f"r{size}", *Q1, 10.0) for size in range(1, 8)]
    row = attainment_distribution(plan_of(deals, targets)).iloc[0]
    assert row.top_fifth_share == pytest.approx((7 + 0.4 * 6) / 28)


def test_nobody_is_judged_before_the_period_is_over():
    row = attainment_distribution(quarter(as_of="2025-03-30")).iloc[0]
    assert not row.is_complete
    assert (row.n_reps, row.n_reps_below_half) == (5, 0)
    unknown = ["participation_rate", "below_half_rate", "median_attainment", "top_fifth_share"]
    assert row[unknown].isna().all()


def test_a_period_that_has_not_begun_is_not_shown():
    assert len(attainment_distribution(quarter(as_of="2025-02-20", period=Q2))) == 0


def test_pooled_periods_allow_for_a_rep_being_alike_over_time():
    # two reps always reach their target, two never do: 8 rep-quarters tell little more than 4
    quarters = [Q1, Q2]
    deals = [("won", start, 10.0, rep) for start, _end in quarters for rep in ("a", "b")]
    targets = [("rep", rep, *period, 10.0) for period in quarters for rep in "abcd"]
    department = plan_of(deals, targets)
    row = attainment_distribution(department, pooled=True).iloc[0]
    assert (row.period_start, row.period_end) == (pd.Timestamp(Q1[0]), pd.Timestamp(Q2[1]))
    assert (row.n_reps, row.n_reps_met, row.participation_rate) == (8, 4, 0.5)
    expected = clustered_rate([2, 2, 0, 0], [2, 2, 2, 2], cluster=list("abcd"))
    assert row.participation_rate_low == pytest.approx(expected.low.item())
    plain = wilson_interval(4, 8)
    assert row.participation_rate_low < plain[0]
    assert row.participation_rate_high > plain[1]


def test_periods_that_overlap_are_not_pooled():
    targets = [("rep", "a", *Q1, 10.0), ("rep", "a", "2025-01-01", "2025-01-31", 4.0)]
    department = plan_of([("won", "2025-01-10", 5.0, "a")], targets)
    assert len(attainment_distribution(department)) == 2
    with pytest.raises(sd.InputError, match=r"overlap.*2025-01-01 to 2025-01-31, and 2025-01-01"):
        attainment_distribution(department, pooled=True)


def test_counts_agree_with_target_attainment():
    spread = attainment_distribution(sample_department())
    whole = target_attainment(sample_department())
    for name in ("n_reps", "n_reps_met", "participation_rate_low"):
        assert spread[name].tolist() == whole[name].tolist()


def test_it_is_told_of_reps_only():
    with pytest.raises(sd.InputError, match="split by 'rep_id' or a column of reps"):
        attainment_distribution(sample_department(), by="source")
    frame = quarter().deals.execute().drop(columns="rep_id")
    department = sd.Department(deals=frame, targets=quarter().targets.execute(), as_of="2025-12-31")
    with pytest.raises(sd.MissingDataError, match=r"deals\.rep_id"):
        attainment_distribution(department)


@needs("adventureworks_dw")
def test_adventureworks_as_published():
    folder, mapping = data_set("adventureworks_dw")
    orders = sd.load(folder, mapping=mapping)
    row = attainment_distribution(orders, pooled=True).iloc[0]
    # 163 rep-quarters, one of a rep hired a month into the first quarter of the own target
    assert (row.n_targets, row.n_reps, row.n_prorated) == (163, 162, 1)
    assert row.n_reps_met == 8
    assert row.participation_rate == pytest.approx(8 / 162)
    spread = [row.lowest_attainment, row.median_attainment, row.highest_attainment]
    assert [round(100 * one, 1) for one in spread] == [36.3, 84.9, 204.1]
    # the published median is of all 163, the rep hired within the period included
    every = rep_periods(orders, "revenue").dropna(subset="target")
    assert round(100 * (every["actual"] / every["target"]).median(), 1) == 84.8
    assert attainment_distribution(orders)["n_reps_met"].sum() == 8
