"""How newcomers grow: counted by hand, a planted ramp with exits, and AdventureWorks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.reps.ramp_cells import tenure_of, tenure_start
from salesdiag.stats.survival import cumulative_incidence
from tests.real_data import data_set, needs
from tests.rep_worlds import LONG_AGO, deals_at, department_of, reps_of, working_days

AS_OF = "2025-06-30"


def hand_department(**more):
    """Two old hands win 4 and 2 each working month; "new" came on 3 March 2025."""
    wins = []
    for month in range(1, 7):
        wins += [("a", f"2025-{month:02d}-{day:02d}") for day in (6, 10, 14, 20)]
        wins += [("b", f"2025-{month:02d}-{day:02d}") for day in (7, 21)]
    wins += [("new", "2025-03-20"), ("new", "2025-04-10"), ("new", "2025-04-24"),
             ("new", "2025-05-08")]  # fmt: skip
    deals = deals_at(*zip(*wins, strict=True))
    reps = reps_of({"a": LONG_AGO, "b": LONG_AGO, "new": "2025-03-03"})
    return deals, reps, more


class TestByHand:
    def test_result_against_what_the_tenured_did_in_the_same_months(self):
        deals, reps, _ = hand_department()
        table = sd.reps.ramp(department_of(deals, reps, as_of=AS_OF), months=2)
        # 3 March to 2 April: 21 days of March, in which the others won 6 in 42 days, and 2 of
        # April (6 in 44); then 3 April to 2 May: 20 days of April and 2 of May (6 in 44)
        first = 21 * 6 / 42 + 2 * 6 / 44
        second = 20 * 6 / 44 + 2 * 6 / 44
        assert table["n_selling_days"].tolist() == [23, 22]
        assert table["n_peers"].tolist() == [2, 2]
        assert table["result"].tolist() == [1, 2]
        assert table["expected"].tolist() == pytest.approx([first, second])
        assert table["ramp_ratio"].tolist() == pytest.approx([1 / first, 2 / second])
        assert (table["ramp_ratio_low"] < table["ramp_ratio"]).all()
        assert (table["ramp_ratio_high"] > table["ramp_ratio"]).all()

    def test_revenue_counts_money(self):
        deals, reps, _ = hand_department()
        deals["amount"] = np.where(deals["rep_id"] == "new", 50.0, 100.0)
        row = sd.reps.ramp(department_of(deals, reps, as_of=AS_OF), metric="revenue").iloc[0]
        assert row.result == 50
        assert row.expected == pytest.approx(100 * (21 * 6 / 42 + 2 * 6 / 44))

    def test_inherited_deals_and_wins_after_leaving_are_left_out_and_counted(self):
        deals, reps, _ = hand_department()
        more = deals_at(["new", "new"], ["2025-03-10", "2025-06-20"],
                        created_at=pd.to_datetime(["2025-02-01", "2025-06-01"]))  # fmt: skip
        deals = pd.concat([deals, more.assign(deal_id=["X", "Y"])], ignore_index=True)
        reps.loc[2, "left_on"] = pd.Timestamp("2025-05-30")
        table = sd.reps.ramp(department_of(deals, reps, as_of=AS_OF), months=4)
        assert table["result"].tolist()[:3] == [1, 2, 1]
        assert table["n_left_out"].tolist() == [2] * 4
        assert table["n_here_now"].tolist()[:3] == [0, 0, 0]
        assert table["survivors_ratio"].isna().all()

    def test_wins_without_a_day_or_a_rep_are_counted(self):
        deals, reps, _ = hand_department()
        reps["team"] = ["old", "old", "fresh"]
        more = deals_at(["new", None, None], [None, "2025-04-10", None],
                        created_at=pd.to_datetime(["2025-04-01"] * 3))  # fmt: skip
        deals = pd.concat([deals, more.assign(deal_id=["X", "Y", "Z"])], ignore_index=True)
        world = department_of(deals, reps, as_of=AS_OF)
        table = sd.reps.ramp(world, months=2)
        assert table["result"].tolist() == [1, 2]
        assert table["n_left_out"].tolist() == [1, 1]  # nobody's
        assert table["n_undated"].tolist() == [2, 2]
        table = sd.reps.ramp(world, months=1, by="team").set_index("team")
        assert table["n_left_out"].to_dict() == {"fresh": 0, "old": 0, "unassigned": 1}
        assert table["n_undated"].to_dict() == {"fresh": 1, "old": 0, "unassigned": 1}
        times = sd.reps.ramp_time(world, by="team").set_index(["milestone", "team"])
        assert times.loc["first_win", "n_undated"].to_dict() == {
            "fresh": 1, "old": 0, "unassigned": 1}  # fmt: skip

    def test_hired_after_the_first_deal_or_unknown_is_no_newcomer_but_a_peer_later(self):
        deals, reps, _ = hand_department()
        reps.loc[0, "hired_on"] = pd.NaT
        reps.loc[1, "hired_on"] = pd.Timestamp("2025-05-01")  # has deals since January
        table = sd.reps.ramp(department_of(deals, reps, as_of=AS_OF), months=1, tenured_months=2)
        row = table.iloc[0]
        assert (row.n_hired_unknown, row.n_hired_late) == (1, 1)
        assert row.n_reps == 1  # only "new": b's day of hiring is not believed
        assert row.n_peers == 2

    def test_times_to_first_win_and_to_the_level(self):
        deals, reps, _ = hand_department()
        table = sd.reps.ramp_time(
            department_of(deals, reps, as_of=AS_OF), level=0.5, smooth_months=1, months=3
        )
        first, level = table.iloc[0], table.iloc[1]
        assert (first.n_hires, first.n_reached, first.n_left, first.n_open) == (1, 1, 0, 0)
        assert first.median_days == 17  # 3 to 20 March
        # the median of 4/3 and 2/3 is the mean; 0.5 of 3.27 is 1.64: reached with 2 in the second
        # month, which ends on 2 May
        assert level.median_days == 60
        strict = sd.reps.ramp_time(department_of(deals, reps, as_of=AS_OF), level=0.7)
        assert strict["n_reached"].tolist() == [1, 0]
        assert strict["n_open"].tolist() == [0, 1]

    def test_months_of_tenure_turn_on_the_day_of_hiring(self):
        since = np.array(["2025-01-31"], dtype="datetime64[D]")
        days = np.arange(np.datetime64("2025-01-31"), np.datetime64("2026-02-01"))
        turns = tenure_start(since, np.arange(12))
        assert (np.diff(tenure_of(since, days)) >= 0).all()
        assert tenure_of(since, turns).tolist() == list(range(1, 13))
        assert tenure_of(since, turns[1:] - np.timedelta64(1, "D")).tolist() == list(range(1, 12))

    def test_one_rep_has_nobody_to_be_compared_with(self):
        deals = deals_at(["new"], ["2025-03-20"])
        department = department_of(deals, reps_of({"new": "2025-03-03"}), as_of=AS_OF)
        table = sd.reps.ramp(department, months=3)
        assert table["ramp_ratio"].isna().all()
        assert table["n_compared_days"].tolist() == [0, 0, 0]
        times = sd.reps.ramp_time(department)
        assert times["n_hires"].tolist() == [0, 0]  # hired before the first closing: not followed

    def test_no_leavers(self):
        deals, reps, _ = hand_department()
        table = sd.reps.ramp_time(
            department_of(deals, reps.drop(columns="left_on"), as_of=AS_OF), months=2
        )
        assert table["n_left"].tolist() == [0, 0]
        assert table["left_rate"].iloc[0] == 0


def ramp_world(seed, *, months=6, n_new=40, exits=True):
    """Newcomers grow evenly to the level of the tenured; the weakest leave early."""
    random = np.random.default_rng(seed)
    days = working_days("2023-01-01", "2025-12-31")
    season = 1 + 0.4 * np.sin(np.arange(len(days)) / 261 * 2 * np.pi)
    growth = np.linspace(0.8, 1.4, len(days))
    hired, left, parts = {}, {}, []
    for number in range(15):
        hired[f"old{number:02d}"] = LONG_AGO
        rate = 0.3 * random.gamma(25, 1 / 25) * season * growth
        parts.append((f"old{number:02d}", days, rate))
    for number in range(n_new):
        rep, start = f"new{number:02d}", int(random.integers(10, len(days) - 260))
        hired[rep] = days[start]
        talent = random.gamma(6, 1 / 6)
        tenure = tenure_of(days[start : start + 1].astype("datetime64[D]"),
                           days.astype("datetime64[D]"))  # fmt: skip
        grown = np.clip((tenure - 0.5) / months, 0, 1) * (tenure > 0)
        rate = 0.3 * talent * grown * season * growth
        if exits and talent < 0.8:
            end = start + int(random.integers(60, 110))
            left[rep] = days[end]
            rate[end:] = 0
        parts.append((rep, days, rate))
    wins = [(rep, np.repeat(when, random.poisson(rate))) for rep, when, rate in parts]
    deals = deals_at(np.repeat([rep for rep, _ in wins], [len(when) for _, when in wins]),
                     np.concatenate([when for _, when in wins]))  # fmt: skip
    return department_of(deals, reps_of(hired, left))


class TestPlanted:
    def test_a_ramp_of_six_months_is_found_whatever_season_and_growth(self):
        truth = np.clip((np.arange(1, 10) - 0.5) / 6, 0, 1)
        inside, ratios = [], []
        for seed in range(6):
            table = sd.reps.ramp(ramp_world(seed, exits=False), months=9)
            inside.append(table["ramp_ratio_low"].le(truth) & table["ramp_ratio_high"].ge(truth))
            ratios.append(table["ramp_ratio"])
        assert np.mean(inside) >= 0.88
        assert np.abs(np.mean(ratios, axis=0) - truth).max() < 0.12

    def test_survivors_look_better_in_the_first_months_and_all_hires_do_not(self):
        world = ramp_world(3, n_new=80)
        early = sd.reps.ramp(world, months=3)
        assert (early["n_here_now"] < early["n_reps"]).all()
        naive = (early["survivors_ratio"] * early["expected"]).sum() / early["expected"].sum()
        assert naive > 1.2 * early["result"].sum() / early["expected"].sum()
        level = sd.reps.ramp_time(world).iloc[1]
        assert level.n_reached + level.n_left + level.n_open == level.n_hires
        assert level.survivors_share > level.reached_rate_high
        assert level.left_rate > 0.2

    def test_the_share_is_that_of_the_estimator_on_the_same_times(self):
        # six hires: wins after 10, 20, 30 days, two leave after 15 and 25, one is open at 100
        hired = {f"n{number}": "2025-01-06" for number in range(6)} | {"old": LONG_AGO}
        start = pd.Timestamp("2025-01-06")
        deals = deals_at(
            ["old", "n0", "n1", "n2"],
            [start - pd.Timedelta(days=3), *(start + pd.Timedelta(days=d) for d in (10, 20, 30))],
        )
        left = {"n3": start + pd.Timedelta(days=15), "n4": start + pd.Timedelta(days=25)}
        world = department_of(deals, reps_of(hired, left), as_of=start + pd.Timedelta(days=100))
        row = sd.reps.ramp_time(world, months=1).iloc[0]
        found = cumulative_incidence(
            [10, 15, 20, 25, 30, 100], [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 0],
            [0, 0, 0, 0, 0, 1], horizon=30,
        )  # fmt: skip
        assert row.reached_rate == pytest.approx(found.rate.item())
        assert row.reached_rate == pytest.approx(0.5)
        assert row.survivors_share == pytest.approx(0.75)


class TestBadInput:
    def test_without_days_of_hiring_it_says_what_to_ask_for(self):
        deals, reps, _ = hand_department()
        for function in (sd.reps.ramp, sd.reps.ramp_time):
            with pytest.raises(sd.MissingDataError, match="reps"):
                function(department_of(deals, as_of=AS_OF))
            with pytest.raises(sd.MissingDataError, match=r"reps\.hired_on"):
                function(department_of(deals, reps[["rep_id"]], as_of=AS_OF))

    def test_wrong_options_are_named(self):
        deals, reps, _ = hand_department()
        world = department_of(deals, reps, as_of=AS_OF)
        with pytest.raises(sd.InputError, match="metric must be one of"):
            sd.reps.ramp(world, metric="margin")
        with pytest.raises(sd.InputError, match="months must be a whole number"):
            sd.reps.ramp(world, months=0)
        with pytest.raises(sd.InputError, match="level must be"):
            sd.reps.ramp_time(world, level=0)
        with pytest.raises(sd.MissingDataError, match="amount"):
            sd.reps.ramp(world, metric="revenue")
        with pytest.raises(sd.InputError, match="'status' is no column of reps"):
            sd.reps.ramp(world, by="status")

    def test_repeated_reps_do_not_multiply_wins(self):
        deals, reps, _ = hand_department()
        once = sd.reps.ramp(department_of(deals, reps, as_of=AS_OF))
        twice = sd.reps.ramp(department_of(deals, pd.concat([reps, reps]), as_of=AS_OF))
        pd.testing.assert_frame_equal(once, twice)


@needs("adventureworks_dw")
class TestAdventureWorks:
    def test_the_hires_inside_the_data(self):
        folder, mapping = data_set("adventureworks_dw")
        department = sd.load(folder, mapping=mapping)
        deals, reps = department.fetch("deals"), department.fetch("reps")
        begin = deals["closed_at"].min().normalize()
        hired = reps.set_index("rep_id")["hired_on"]
        hires = set(hired.index[hired >= begin])
        # nobody has an order before the day of hiring, and all have one by the end
        assert (deals.groupby("rep_id")["closed_at"].min() >= hired.reindex(
            deals["rep_id"].unique()).sort_index()).all()  # fmt: skip
        times = sd.reps.ramp_time(department, metric="revenue")
        assert times["n_hires"].tolist() == [len(hires)] * 2 == [16, 16]
        assert times["n_reached"].iloc[0] == 16
        # those hired on 29 December 2010 have orders of that very day: the records begin there
        later = sd.reps.ramp_time(department, metric="revenue", start="2011-01-01").iloc[0]
        assert (later.n_hires, later.n_reached, later.n_left) == (7, 7, 0)
        table = sd.reps.ramp(department, metric="revenue", start="2012-01-01")
        sales = deals[deals["rep_id"].isin(hired.index[hired >= "2011-11-01"])]
        month = (sales["closed_at"] - sales["rep_id"].map(hired)).dt.days
        early = sales[(month < 28) & (sales["closed_at"] >= "2012-01-01")]
        assert table["result"].iloc[0] >= early["amount"].astype(float).sum() - 0.01
        assert table["n_peers"].max() == 14  # of 17 sellers three are managers
        assert table["ramp_ratio"].iloc[0] < table["ramp_ratio"].iloc[3:].mean()
