"""Strengths by step, variance by level and concentration: by hand and with planted truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.reps import key_person_share, strengths, variance_split
from tests.frames import STAGES, day, department_of, moves_of, sample_department
from tests.real_data import needs
from tests.test_real_data import load

DAY_0 = pd.Timestamp("2025-01-01")


class TestStrengths:
    def test_steps_counted_by_hand(self):
        department = department_of(
            [("A", "won", 9, "r1"), ("B", "lost", 9, "r1"), ("C", "lost", 9, "r1"),
             ("D", "open", None, "r1"), ("E", "lost", 9, "r2"), ("F", "won", 9, None)],
            [
                ("A", "lead", 0), ("A", "offer", 1), ("A", "won", 9),
                ("B", "lead", 0), ("B", "offer", 2), ("B", "offer", 5),  # a second visit
                ("C", "lead", 0),  # never got an offer
                ("D", "offer", 0),  # skipped "lead", still passed it; open
                ("E", "lead", 0), ("E", "lead", 70),  # after the data end
                ("F", "lead", 0), ("F", "won", 9),
            ],
        )  # fmt: skip
        table = strengths(department)
        counts = table[["unit_id", "from_stage", "to_stage", "n_from", "n_to", "n_lost", "n_open"]]
        assert counts.to_numpy().tolist() == [
            ["r1", "lead", "offer", 4, 3, 1, 0],
            ["r1", "offer", "won", 2, 1, 1, 1],
            ["r2", "lead", "offer", 1, 0, 1, 0],
            ["unassigned", "lead", "offer", 1, 1, 0, 0],
            ["unassigned", "offer", "won", 1, 1, 0, 0],
        ]
        assert table["reading"].tolist() == ["not_enough_data"] * 3 + ["no_unit"] * 2
        assert table["conversion_rate"].isna().all()

    def of(self, chances, n=150, seed=0):
        """Make reps with a chance of going on from each of three stages."""
        rng = np.random.default_rng(seed)
        deals, moves = [], []
        for rep, steps in chances.items():
            for number in range(n):
                name, stood = f"{rep}-{number}", 0
                for chance in steps:
                    if rng.random() >= chance:
                        break
                    stood += 1
                status = "won" if stood == 3 else "lost"
                deals.append((name, status, 40, rep))
                moves += [(name, stage, place) for place, stage in
                          enumerate(["lead", "demo", "offer"][: stood + 1])]  # fmt: skip
        frame = pd.DataFrame(deals, columns=["deal_id", "status", "closed_at", "rep_id"])
        frame["closed_at"], frame["created_at"] = day(40), day(0)
        history = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"])
        history["entered_at"] = DAY_0 + pd.to_timedelta(history["entered_at"], unit="D")
        return sd.Department(
            deals=frame, stage_changes=history, as_of="2025-03-01",
            stage_order=["lead", "demo", "offer"],
        )  # fmt: skip

    def test_a_planted_weak_step_is_found_at_its_step_and_nowhere_else(self):
        usual = (0.7, 0.6, 0.5)
        chances = {f"r{n}": usual for n in range(9)} | {"weak": (0.7, 0.25, 0.5)}
        table = strengths(self.of(chances))
        below = table[table["reading"] == "below"]
        assert below[["unit_id", "from_stage"]].to_numpy().tolist() == [["weak", "demo"]]
        row = below.iloc[0]
        assert row.relative == "weakest"
        assert row.conversion_rate_low < 0.25 < row.conversion_rate_high
        assert row.shrunken_difference_high < 0
        assert 0.25 < row.shrunken_rate < row.expected

    def test_reps_who_are_alike_hardly_ever_stand_out(self):
        tables = [strengths(self.of({f"r{n}": (0.7, 0.6, 0.5) for n in range(8)}, 40, seed))
                  for seed in range(6)]  # fmt: skip
        called = [table["reading"].isin(["below", "above"]).any() for table in tables]
        assert sum(called) <= 1

    def test_the_planted_leak_of_the_sample_is_that_of_team_north(self):
        table = strengths(sample_department(), unit="team", start="2025-01-01")
        below = table[table["reading"] == "below"]
        assert below[["unit_id", "from_stage"]].to_numpy().tolist() == [["North", "Proposal"]]

    def test_without_a_history_it_says_what_to_ask_for(self):
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "rep_id": ["r1"]})
        with pytest.raises(sd.MissingDataError, match="stage_changes"):
            strengths(sd.Department(deals=deals, as_of="2025-12-31"))


def drawn(*, team_sd=0.0, rep_sd=0.0, n_teams=12, per=6, n=150, seed=0, one_manager=True):
    """Draw closed deals of reps in teams that differ by so many points."""
    rng = np.random.default_rng(seed)
    team = np.repeat(np.arange(n_teams), per)
    chance = 0.4 + team_sd * rng.standard_normal(n_teams)[team]
    chance = np.clip(chance + rep_sd * rng.standard_normal(len(team)), 0.02, 0.98)
    rep = np.repeat(np.arange(len(team)), n)
    frame = pd.DataFrame({
        "deal_id": np.arange(len(rep)).astype(str), "rep_id": np.char.add("r", rep.astype(str)),
        "status": np.where(rng.random(len(rep)) < chance[rep], "won", "lost"),
        "closed_at": DAY_0 + pd.to_timedelta(rng.integers(0, 360, len(rep)), unit="D"),
    })  # fmt: skip
    reps = pd.DataFrame({
        "rep_id": [f"r{number}" for number in range(len(team))],
        "team": [f"t{number}" for number in team],
    })  # fmt: skip
    if one_manager:
        reps["manager_id"] = "m-" + reps["team"]
    return sd.Department(deals=frame, reps=reps, as_of="2025-12-31"), chance


class TestVarianceSplit:
    def row(self, table, component):
        return table[table["component"] == component].iloc[0]

    def test_a_planted_spread_of_reps_is_given_to_the_reps(self):
        department, _chance = drawn(rep_sd=0.1, one_manager=False, seed=3)
        table = variance_split(department)
        assert table["component"].tolist() == ["rep_id", "team", "closed_quarter", "residual"]
        rep, team = self.row(table, "rep_id"), self.row(table, "team")
        assert rep.spread_low < 0.1 < rep.spread_high
        assert team.variance < 0.3 * rep.variance
        assert team.spread_low == 0
        assert table["variance_share"].sum() == pytest.approx(1)
        assert self.row(table, "residual").variance == pytest.approx(0.24, abs=0.02)

    def test_a_planted_spread_of_teams_is_given_to_the_teams(self):
        department, _chance = drawn(team_sd=0.1, one_manager=False, seed=4)
        table = variance_split(department)
        team, rep = self.row(table, "team"), self.row(table, "rep_id")
        assert team.spread_low < 0.1 < team.spread_high
        assert team.variance_share_low > 0
        assert rep.variance < 0.2 * team.variance

    def test_manager_and_team_of_the_same_reps_cannot_be_separated(self):
        department, _chance = drawn(team_sd=0.1, seed=4)
        table = variance_split(department)
        for name in ("team", "manager_id"):
            row = self.row(table, name)
            assert row.status == "not_separable"
            assert np.isnan([row.variance, row.spread, row.variance_share_low]).all()
        both = self.row(table, "team + manager_id")
        assert both.status == "joint"
        assert both.spread == pytest.approx(0.1, abs=0.05)

    def test_teams_of_one_are_their_reps(self):
        department, _chance = drawn(rep_sd=0.1, per=1, n_teams=10, one_manager=False)
        table = variance_split(department)
        assert self.row(table, "team").status == "not_separable"
        assert self.row(table, "rep_id + team").status == "joint"

    def test_one_rep_is_too_few_and_nobodys_deals_are_counted_apart(self):
        deals = pd.DataFrame({
            "deal_id": list("ABCD"), "status": ["won", "lost", "won", "won"],
            "rep_id": ["r1", "r1", "r1", None],
        })  # fmt: skip
        table = variance_split(sd.Department(deals=deals, as_of="2025-12-31"))
        assert table["component"].tolist() == ["rep_id", "residual"]
        assert table["n_deals"].tolist() == [3, 3]
        assert table["n_without_rep"].tolist() == [1, 1]
        assert table["status"].tolist() == ["too_few", "estimated"]

    def test_amounts_are_split_on_the_scale_of_percents(self):
        rng = np.random.default_rng(5)
        level = 0.5 * rng.standard_normal(30)
        rep = np.repeat(np.arange(30), 60)
        amount = np.exp(7 + level[rep] + 0.8 * rng.standard_normal(len(rep)))
        deals = pd.DataFrame({
            "deal_id": np.arange(len(rep)).astype(str), "rep_id": rep.astype(str),
            "status": "won", "amount": amount.round(2),
        })  # fmt: skip
        table = variance_split(sd.Department(deals=deals, as_of="2025-12-31"),
                               measure="won_amount")  # fmt: skip
        row = self.row(table, "rep_id")
        assert row.spread_low < 0.5 < row.spread_high
        assert row.variance_share == pytest.approx(0.25 / (0.25 + 0.64), abs=0.1)

    def test_wrong_options_name_themselves(self):
        department = sample_department()
        with pytest.raises(sd.InputError, match="measure must be one of win_rate, won_amount"):
            variance_split(department, measure="wins")
        with pytest.raises(sd.InputError, match="components must be named once"):
            variance_split(department, components=["team", "team"])
        with pytest.raises(sd.MissingDataError, match="'boss'"):
            variance_split(department, components=["boss"])

    @needs("maven_crm")
    def test_reps_and_managers_of_maven_hardly_matter(self):
        table = variance_split(load("maven_crm"))
        assert self.row(table, "rep_id").variance_share < 0.005
        assert self.row(table, "team").variance == 0
        assert self.row(table, "residual").variance_share > 0.95
        # but the quarter does: the first is only wins that came fast
        assert self.row(table, "closed_quarter").spread > 0.05


class TestKeyPersonShare:
    def test_shares_by_hand(self):
        deals = pd.DataFrame({
            "rep_id": ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d", None],
            "account_id": ["x", "x", "y", "z", "x", "x", "y", "z", None, "w", "w"],
            "amount": [100.0, 100.0, 50.0, 50.0, 20.0, 30.0, 50.0, 40.0, 60.0, None, 999.0],
            "status": "won",
        })  # fmt: skip
        deals["deal_id"] = deals.index.astype(str)
        table = key_person_share(sd.Department(deals=deals, as_of="2025-12-31"))
        assert table[["holder", "measure"]].to_numpy().tolist() == [
            ["rep_id", "deals_won"], ["rep_id", "revenue"],
            ["account_id", "deals_won"], ["account_id", "revenue"],
        ]  # fmt: skip
        wins, money = table.iloc[0], table.iloc[1]
        assert (wins.n_holders, wins.n_deals, wins.n_without_holder, wins.total) == (4, 10, 1, 10)
        assert (wins.largest_id, wins.largest, wins.top_share) == ("a", 4, 0.4)
        assert wins.top_three_share == pytest.approx(0.9)
        assert wins.herfindahl == pytest.approx(0.16 + 0.09 + 0.04 + 0.01)
        assert wins.effective_number == pytest.approx(1 / 0.30)
        assert (money.total, money.total_without_largest) == (500, 200)
        assert money.top_share == pytest.approx(0.6)
        assert table.iloc[3]["n_without_holder"] == 1

    def of(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        rep = np.repeat(np.arange(len(sizes)), sizes)
        deals = pd.DataFrame({
            "deal_id": np.arange(len(rep)).astype(str), "rep_id": np.char.add("r", rep.astype(str)),
            "status": "won", "amount": rng.lognormal(7, 0.8, len(rep)).round(2),
        })  # fmt: skip
        return sd.Department(deals=deals, as_of="2025-12-31")

    def test_equal_reps_are_as_concentrated_as_chance_makes_them(self):
        rng = np.random.default_rng(6)
        p_values, inside = [], []
        for seed in range(25):
            row = key_person_share(
                self.of(rng.poisson(25, 10), seed), n_draws=199
            ).iloc[1]  # fmt: skip
            p_values.append(row.p_value)
            inside.append(row.chance_top_share_low <= row.top_share <= row.chance_top_share_high)
        assert np.mean(np.array(p_values) < 0.05) <= 0.16
        assert 0.3 < np.mean(p_values) < 0.7
        assert np.mean(inside) > 0.8

    def test_a_key_person_is_more_than_chance(self):
        row = key_person_share(self.of([150, *[20] * 9])).iloc[0]
        assert row.largest_id == "r0"
        assert row.top_share == pytest.approx(150 / 330)
        assert row.top_share_low < row.top_share < row.top_share_high
        assert row.chance_top_share_high < row.top_share_low
        assert row.p_value < 0.01
        assert row.total_without_largest == 180
        assert row.total_without_largest_low < 180 < row.total_without_largest_high
        assert 1 < row.effective_number < 5

    def test_deals_of_one_account_are_drawn_together(self):
        frame = pd.DataFrame({
            "rep_id": np.repeat(["a", "b", "c", "d"], 20), "status": "won",
            "deal_id": np.arange(80).astype(str),
        })  # fmt: skip
        alone = sd.Department(deals=frame, as_of="2025-12-31")
        few = sd.Department(
            deals=frame.assign(account_id=(np.arange(80) // 10).astype(str)), as_of="2025-12-31"
        )
        one, two = (key_person_share(department).iloc[0] for department in (alone, few))
        assert (two.top_share_high - two.top_share_low) > 2 * (
            one.top_share_high - one.top_share_low
        )

    def test_one_rep_holds_all_and_nothing_won_gives_no_row(self):
        row = key_person_share(self.of([10])).iloc[0]
        assert (row.top_share, row.herfindahl, row.effective_number) == (1, 1, 1)
        assert row.total_without_largest == 0
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["lost"], "rep_id": ["r1"]})
        assert key_person_share(sd.Department(deals=deals, as_of="2025-12-31")).empty

    def test_many_accounts_are_told_by_their_sums(self):
        rng = np.random.default_rng(7)
        frame = pd.DataFrame({
            "deal_id": np.arange(9000).astype(str), "status": "won", "rep_id": "r1",
            "account_id": rng.integers(0, 4000, 9000).astype(str),
            "amount": rng.lognormal(5, 1, 9000).round(2),
        })  # fmt: skip
        table = key_person_share(sd.Department(deals=frame, as_of="2025-12-31"), n_draws=50)
        row = table[(table["holder"] == "account_id") & (table["measure"] == "revenue")].iloc[0]
        sums = frame.groupby("account_id")["amount"].sum()
        assert row.n_holders == len(sums)
        assert row.total == pytest.approx(sums.sum())
        assert row.herfindahl == pytest.approx(((sums / sums.sum()) ** 2).sum())
        assert row.top_share == pytest.approx(sums.max() / sums.sum())
        assert np.isnan(row.chance_top_share)


class TestWithoutAHistory:
    @pytest.mark.parametrize("status", ["lost", "won"])
    def test_deals_from_before_the_history_stand_nowhere(self, status):
        # 20 each: 14 get to the offer, 10 are won; and 30 of "a" closed before it begins
        rows = [(f"{rep}{n}", "won" if n < 10 else "lost", 20, rep) for rep in "ab"
                for n in range(20)]  # fmt: skip
        moves = [(name, "lead", 10) for name, *_ in rows]
        moves += [(name, "offer", 11) for name, *_ in rows if int(name[1:]) < 14]
        rows += [(f"a{n}", status, 5, "a") for n in range(100, 130)]
        made = department_of(rows, moves, created=10)
        deals = made.table("deals").to_pyarrow().to_pandas()
        early = deals["deal_id"].str.len() == 4
        deals["created_at"] = deals["created_at"].mask(early, day(2))
        department = sd.Department(
            deals=deals, stage_changes=moves_of(moves), stages=STAGES, as_of="2025-03-01"
        )
        table = strengths(department, adjust_for=())
        counts = table[["unit_id", "n_from", "n_to", "n_lost", "n_open", "n_without_stage"]]
        assert counts.to_numpy().tolist() == [
            ["a", 20, 14, 6, 0, 30], ["a", 14, 10, 4, 0, 30],
            ["b", 20, 14, 6, 0, 0], ["b", 14, 10, 4, 0, 0],
        ]  # fmt: skip
        assert set(table["reading"]) == {"as_expected"}
        steps = sd.funnel.stage_conversion(department)
        assert steps["n_to"].tolist() == table.groupby("from_stage")["n_to"].sum().tolist()
        card = sd.reps.rep_scorecard(department, adjust_for=(), metrics=["stage_conversion"])
        assert card["n_left_out"].tolist() == [30, 30, 0, 0]


class TestNothingVanishes:
    def test_reps_of_no_known_team_are_no_team(self):
        wins = {"a": 50, "b": 50, "c": 50, "d": 50, "x": 10, "y": 10, "z": 10}
        rows = [(rep, "won" if n < wins[rep] else "lost") for rep in wins for n in range(100)]
        deals = pd.DataFrame(rows, columns=["rep_id", "status"])
        deals["deal_id"] = deals.index.astype(str)
        reps = pd.DataFrame({"rep_id": list("abcd"), "team": ["n", "n", "s", "s"]})
        table = variance_split(sd.Department(deals=deals, reps=reps, as_of="2025-12-31"))
        team = table[table["component"] == "team"].iloc[0]
        assert (team.n_groups, team.n_deals, team.n_without_group) == (2, 400, 300)
        assert team.variance == 0
        # nothing is known of teams: the reps are split all the same
        nobody = sd.Department(deals=deals, reps=reps.assign(team=None), as_of="2025-12-31")
        table = variance_split(nobody)
        assert table["n_without_group"].tolist() == [0] * len(table)
        assert table["n_deals"].iloc[0] == 700
        assert table.loc[table["component"] == "team", "status"].tolist() == ["too_few"]

    def test_no_spread_of_shares_is_above_a_half(self):
        highs = []
        for seed in range(20):
            department, _chance = drawn(n_teams=2, per=5, n=100, seed=seed, one_manager=False)
            table = variance_split(department, components=["rep_id", "team"]).set_index("component")
            assert table.loc["team", "spread_high"] <= 0.5
            highs.append(table.loc["rep_id", "spread_high"])
        # that nothing is known of two teams is no matter for ten reps
        assert max(highs) < 0.16

    def test_won_deals_without_an_amount_are_counted(self):
        deals = pd.DataFrame({
            "deal_id": list("ABCDE"), "rep_id": ["a", "a", "b", "b", "c"], "status": "won",
            "amount": [10.0, 20.0, 10.0, None, 0.0],
        })  # fmt: skip
        department = sd.Department(deals=deals, as_of="2025-12-31")
        table = variance_split(department, measure="won_amount")
        assert table["n_deals"].tolist() == [3, 3]
        assert table["n_without_amount"].tolist() == [2, 2]
        held = key_person_share(department).set_index("measure")
        assert held["n_deals"].tolist() == [5, 5]
        assert held["n_without_amount"].tolist() == [2, 2]
        assert held["n_holders"].tolist() == [3, 2]
