"""Time in stage and cycle time: counted by hand, by brute force, against other software."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests.frames import deals_of, department_of
from tests.real_data import needs
from tests.test_real_data import load

DEALS = ["deal_id", "status", "created_at", "closed_at"]


def stage_row(department, stage="lead", **options):
    table = sd.pipeline.time_in_stage(department, **options)
    return table[table["stage"] == stage].iloc[0]


def test_stays_are_counted_by_hand():
    department = department_of(
        [("A", "won", 12, "r1"), ("B", "lost", 9, "r1"), ("C", "open", None, "r2"),
         ("D", "open", None, "r2")],
        [("A", "lead", 0), ("A", "offer", 4), ("A", "won", 12),      # 4 days, then 8
         ("B", "lead", 0),                                           # lost after 9
         ("C", "lead", 0), ("C", "offer", 2), ("C", "lead", 5),      # back after 3, there since 5
         ("D", "offer", 39)],                                        # day 59 is the last
    )  # fmt: skip
    table = sd.pipeline.time_in_stage(department)
    counts = ["stage", "n_deals", "n_advanced", "n_lost", "n_back", "n_open", "n_visits", "n_again",
              "n_open_now"]  # fmt: skip
    assert table[counts].to_numpy().tolist() == [
        ["lead", 3, 2, 1, 0, 0, 4, 1, 1],
        ["offer", 3, 1, 0, 1, 1, 3, 0, 1],
    ]
    lead, offer = table.iloc[0], table.iloc[1]
    # first stays in lead: 4, 9, 2 days; C came back and is there for 54 days more
    assert lead["median_days"] == 4
    assert lead["advanced_median_days"] == 2  # 2 and 4: half of them within 2
    assert lead["lost_median_days"] == 9
    assert (lead["open_median_days"], lead["open_longest_days"]) == (2 + 54, 56)
    assert lead["total_median_days"] == 9  # 4, 9, and beyond 56
    # in offer 8 and 3 days, and D still there after 20
    assert (offer["median_days"], offer["finished_median_days"]) == (8, 5.5)
    assert (offer["open_median_days"], offer["open_longest_days"]) == (20, 20)


def test_what_goes_on_counts_as_long_as_it_was_watched():
    # of four, one left after 10 days; one is there for 5 days, two for 40
    department = department_of(
        [(name, "open", None, "r1") for name in "ABCD"],
        [("A", "lead", 0), ("A", "offer", 10), ("B", "lead", 54), ("C", "lead", 19),
         ("D", "lead", 19)],
    )  # fmt: skip
    lead = stage_row(department)
    assert np.isnan(lead["median_days"])  # a third left within 10 days, and no more
    assert np.isnan(lead["median_days_low"])
    assert lead["lower_quartile_days"] == 10
    assert lead["finished_median_days"] == 10


def test_moves_at_one_moment_go_in_selling_order_and_repeats_are_one_stay():
    department = department_of(
        [("A", "open", None, "r1")],
        [("A", "offer", 3), ("A", "lead", 3), ("A", "lead", 1), ("A", "lead", 2)],
    )
    table = sd.pipeline.time_in_stage(department)
    assert table["n_visits"].tolist() == [1, 1]
    assert table.loc[0, "finished_median_days"] == 2


def test_rows_after_as_of_and_after_the_closing_do_not_count():
    deals = [("A", "won", 10, "r1"), ("B", "open", None, "r1")]
    moves = [("A", "lead", 0), ("A", "offer", 5), ("A", "won", 10), ("B", "lead", 0)]
    expected = sd.pipeline.time_in_stage(department_of(deals, moves))
    more = [*moves, ("B", "offer", 80), ("A", "lead", 20)]
    assert_frame_equal(sd.pipeline.time_in_stage(department_of(deals, more)), expected)


def test_a_closed_deal_without_a_day_is_left_out_and_a_twin_multiplies_nothing():
    deals = [("A", "won", None, "r1"), ("B", "open", None, "r1")]
    department = department_of(deals, [("A", "lead", 0), ("B", "lead", 0)])
    assert stage_row(department)["n_deals"] == 1
    reps = pd.DataFrame({"rep_id": ["r1", "r1"], "team": ["x", "y"]})
    department = department_of(deals, [("B", "lead", 0)], reps=reps)
    assert stage_row(department, by="team")["n_deals"] == 1


def test_several_pipelines_are_refused():
    stages = pd.DataFrame({"stage": ["a", "b"], "position": [1, 1], "pipeline": ["p", "q"],
                           "status": "open"})  # fmt: skip
    department = department_of([("A", "open", None, "r1")], [("A", "a", 0)], stages=stages)
    with pytest.raises(sd.InputError, match="pipeline"):
        sd.pipeline.time_in_stage(department)
    with pytest.raises(sd.MissingDataError, match="stage_changes"):
        sd.pipeline.time_in_stage(deals_of([("A", "open", 0, None)], DEALS))


def simulated(n, seed, *, watch=120.0):
    """Exponential lifetimes: wins at 1/40 a day, losses at 1/60, created over ``watch`` days."""
    rng = np.random.default_rng(seed)
    born = np.floor(rng.random(n) * watch)
    win, lose = rng.exponential(40, n), rng.exponential(60, n)
    ends = np.ceil(np.minimum(win, lose))
    is_open = born + ends > watch
    status = np.where(is_open, "open", np.where(win < lose, "won", "lost"))
    start = pd.Timestamp("2025-01-01")
    return pd.DataFrame({
        "deal_id": [f"D{number}" for number in range(n)], "status": status,
        "created_at": start + pd.to_timedelta(born, unit="D"),
        "closed_at": start + pd.to_timedelta(np.where(is_open, np.nan, born + ends), unit="D"),
    }), (start + pd.Timedelta(days=watch)).date()  # fmt: skip


def outcome(table, name):
    return table[table["outcome"] == name].iloc[0]


def test_cycle_counted_by_hand():
    rows = [("A", "won", 0, 10), ("B", "won", 0, 30), ("C", "lost", 0, 20), ("D", "open", 39, None),
            ("E", "won", 5, 3), ("F", "won", None, 9), ("G", "lost", 0, None)]  # fmt: skip
    table = sd.pipeline.cycle_time(deals_of(rows, DEALS))
    assert table["outcome"].tolist() == ["won", "lost", "closed"]
    assert (table["n_deals"] == 7).all()
    assert (table["n_undated"] == 2).all()
    assert (table["n_open"] == 1).all()
    assert table["n_ended"].tolist() == [3, 1, 4]
    won = outcome(table, "won")
    # 0 (dates in the wrong order), 10 and 30 days; D was seen for 20 and makes 30 weigh two
    assert (won["median_days"], won["closed_only_median_days"]) == (10, 10)
    assert won["upper_quartile_days"] == 30
    assert outcome(table, "closed")["watched_days"] == 30


def brute_conditional_quantile(ages, event, probability):
    """Walk through the days, sharing the weight of who leaves open among who stays."""
    weight = np.full(len(ages), 1.0)
    mass = []
    for day in np.unique(ages):
        here, later = ages == day, ages > day
        mass.append((day, weight[here & (event == 1)].sum()))
        left = weight[here & (event == 0)].sum()
        if later.any():
            weight[later] *= 1 + left / weight[later].sum()
    days, values = np.array(mass).T
    return days[np.searchsorted(np.cumsum(values), probability * values.sum() * (1 - 1e-12))]


@pytest.mark.parametrize("seed", range(5))
def test_medians_equal_a_walk_through_the_days(seed):
    frame, as_of = simulated(300, seed)
    table = sd.pipeline.cycle_time(sd.Department(deals=frame, as_of=as_of))
    end = frame["closed_at"].fillna(pd.Timestamp(as_of))
    ages = (end - frame["created_at"]).dt.days.to_numpy()
    for name, number in (("won", 1), ("lost", 1)):
        event = np.select([frame["status"] == name, frame["status"] == "open"], [1, 0], 2)
        assert number in event
        expected = brute_conditional_quantile(ages, event, 0.5)
        assert outcome(table, name)["median_days"] == expected
        expected = brute_conditional_quantile(ages, event, 0.9)
        assert outcome(table, name)["slowest_tenth_days"] == expected


def test_the_time_to_closing_is_that_of_statsmodels():
    survfunc = pytest.importorskip("statsmodels.duration.survfunc")
    frame, as_of = simulated(400, 7)
    closed = outcome(sd.pipeline.cycle_time(sd.Department(deals=frame, as_of=as_of)), "closed")
    end = frame["closed_at"].fillna(pd.Timestamp(as_of))
    ages = (end - frame["created_at"]).dt.days.to_numpy(float)
    theirs = survfunc.SurvfuncRight(ages, (frame["status"] != "open").to_numpy(int))
    for name, share in (("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75)):
        assert closed[f"{name}_days"] == theirs.quantile(share)


def test_medians_of_exponential_lifetimes_are_recovered_and_the_naive_ones_are_short():
    # both ways out at once: all closings, won ones and lost ones wait with a mean of 24 days
    truth = 24 * np.log(2)
    covered = short = 0
    for seed in range(40):
        frame, as_of = simulated(400, 100 + seed, watch=60)
        table = sd.pipeline.cycle_time(sd.Department(deals=frame, as_of=as_of))
        closed = outcome(table, "closed")
        # days are rounded up to whole ones
        covered += closed["median_days_low"] <= np.ceil(truth) <= closed["median_days_high"]
        short += closed["is_closed_only_short"]
        assert closed["closed_only_median_days"] < closed["median_days"]
    assert covered >= 35  # of 40; 95 % is the claim
    assert short >= 35


def test_an_interval_of_the_winners_covers_their_median():
    covered = 0
    truth = np.ceil(-24 * np.log(1 - 0.5 * (1 - np.exp(-5))))  # half of what comes in 120 days
    for seed in range(60):
        frame, as_of = simulated(250, 300 + seed)
        won = outcome(sd.pipeline.cycle_time(sd.Department(deals=frame, as_of=as_of)), "won")
        covered += won["median_days_low"] <= truth <= won["median_days_high"]
    assert covered >= 53


def test_nothing_and_an_empty_window():
    department = deals_of([("A", "won", 0, 10)], DEALS)
    table = sd.pipeline.cycle_time(department, start="2030-01-01")
    assert table["n_deals"].tolist() == [0, 0, 0]
    assert table["median_days"].isna().all()
    assert not table["is_closed_only_short"].any()


@needs("maven_crm")
def test_the_cycle_of_maven():
    table = sd.pipeline.cycle_time(load("maven_crm"))
    won, lost, closed = (outcome(table, name) for name in ("won", "lost", "closed"))
    assert (won["closed_only_median_days"], lost["closed_only_median_days"]) == (57, 14)
    assert (won["n_ended"], lost["n_ended"], won["n_undated"]) == (4238, 2473, 500)
    # a fifth of all deals is still open: half of all are closed a month later than it seems
    assert (closed["closed_only_median_days"], closed["median_days"]) == (45, 69)
    assert closed["is_closed_only_short"]
