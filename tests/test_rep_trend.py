"""Change of reps: parts that add up, luck that runs out, a planted change, no fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.reps.chance import count_p, difference_interval, log_interval, share_p
from tests.rep_worlds import (
    LONG_AGO,
    deals_at,
    department_of,
    drawn_wins,
    reps_of,
    working_days,
)

PARTS = ["department_change", "rebound", "net_change"]


def hand_world(before, after, **more):
    """Give a rep's wins before and after the middle of 2025."""
    rows = [(rep, day) for counts, day in ((before, "2025-03-03"), (after, "2025-09-01"))
            for rep, n in counts.items() for _ in range(n)]  # fmt: skip
    deals = deals_at(*zip(*rows, strict=True))
    return department_of(deals, reps_of(dict.fromkeys(before, LONG_AGO)), **more)


class TestByHand:
    def test_the_parts_add_up_to_the_change(self):
        world = hand_world({"a": 10, "b": 20, "c": 30, "d": 4}, {"a": 12, "b": 19, "c": 20, "d": 9})
        table = sd.reps.rep_trend(world)
        # Mondays to Fridays from the first closing, 3 March, and of the second half of 2025
        n_before, n_after = 86, 132
        assert set(table["n_selling_days_before"]) == {n_before}
        assert set(table["n_selling_days_after"]) == {n_after}
        assert table["before"].tolist() == pytest.approx(
            [one / n_before for one in (10, 20, 30, 4)]
        )
        assert table["change"].tolist() == pytest.approx(
            (table["after"] - table["before"]).tolist()
        )
        assert table[PARTS].sum(axis=1).tolist() == pytest.approx(table["change"].tolist())
        # the others of a: 54 wins before, 48 after
        growth = (48 / n_after) / (54 / n_before)
        assert table["department_change"].iloc[0] == pytest.approx(10 / n_before * (growth - 1))
        # the best is expected to fall, the worst to rise
        assert table["rebound"].iloc[2] < 0 < table["rebound"].iloc[3]

    def test_a_rep_seen_in_one_window_only_is_counted_and_not_judged(self):
        world = hand_world(
            {"a": 10, "b": 12, "c": 9, "new": 0}, {"a": 9, "b": 11, "c": 8, "new": 5}
        )
        reps = world.fetch("reps")
        reps.loc[reps["rep_id"] == "new", "hired_on"] = pd.Timestamp("2025-08-01")
        deals = world.fetch("deals")
        table = sd.reps.rep_trend(department_of(deals, reps)).set_index("rep_id")
        assert table.loc["new", "n_won_after"] == 5
        assert table.loc["new", ["before", "change", "net_change", "p_value"]].isna().all()
        assert set(table["n_compared_reps"]) == {3}
        assert table.drop("new")["net_change"].notna().all()

    def test_deals_without_a_rep_are_counted_under_unassigned(self):
        world = hand_world({"a": 10, "b": 12, "c": 9}, {"a": 9, "b": 11, "c": 8})
        deals = world.fetch("deals")
        deals.loc[0, "rep_id"] = None
        table = sd.reps.rep_trend(department_of(deals, world.fetch("reps"))).set_index("rep_id")
        assert table.loc["unassigned", "n_won_before"] == 1
        assert table.loc["unassigned", ["before", "net_change"]].isna().all()
        assert table["n_won_before"].sum() == 31

    def test_days_before_the_first_closing_are_nobodys(self):
        wins = dict.fromkeys(["a", "b", "c", "h"], 10)
        world = hand_world(wins, wins)
        reps = world.fetch("reps")
        reps.loc[reps["rep_id"] == "h", "hired_on"] = pd.Timestamp("2025-03-03")
        table = sd.reps.rep_trend(department_of(world.fetch("deals"), reps))
        # 3 March to 30 June: 21 days of March, 22, 22 and 21
        assert table["n_selling_days_before"].tolist() == [86] * 4
        assert table["change"].tolist() == pytest.approx([10 / 132 - 10 / 86] * 4)
        assert table["net_change"].tolist() == pytest.approx([0] * 4, abs=0.002)

    def test_closings_without_a_day_are_counted(self):
        world = hand_world({"a": 10, "b": 12, "c": 9}, {"a": 9, "b": 11, "c": 8})
        deals = world.fetch("deals")
        lost = deals.iloc[:3].assign(closed_at=pd.NaT, deal_id=["X", "Y", "Z"],
                                     rep_id=["a", "a", "other"], created_at=pd.NaT)  # fmt: skip
        lost.iloc[1, lost.columns.get_loc("status")] = "lost"
        table = sd.reps.rep_trend(department_of(pd.concat([deals, lost]), world.fetch("reps")))
        assert table["rep_id"].tolist() == ["a", "b", "c", "other"]
        assert table["n_undated"].tolist() == [2, 0, 0, 1]
        assert table["n_won_before"].tolist() == [10, 12, 9, 0]

    def test_a_start_inside_the_later_window_leaves_no_earlier_one(self):
        world = hand_world({"a": 10, "b": 12, "c": 9}, {"a": 9, "b": 11, "c": 8})
        row = sd.reps.rep_trend(world, start="2025-08-01").iloc[0]
        assert pd.isna([row.before_start, row.before_end]).all()
        assert [row.after_start, row.after_end] == [
            pd.Timestamp("2025-08-01"), pd.Timestamp("2025-12-31")]  # fmt: skip
        assert (row.n_selling_days_before, row.n_won_before, row.n_won_after) == (0, 0, 9)
        assert np.isnan([row.before, row.net_change]).all()

    @pytest.mark.parametrize("n_reps", [1, 2])
    def test_too_few_reps_give_nothing(self, n_reps):
        names = dict.fromkeys("ab"[:n_reps], 10)
        table = sd.reps.rep_trend(hand_world(names, names))
        assert table["net_change"].isna().all()
        assert table["change"].notna().all()
        assert not table[["is_better", "is_worse"]].any(axis=None)

    def test_reps_that_are_all_alike(self):
        names = dict.fromkeys("abcde", 10)
        table = sd.reps.rep_trend(hand_world(names, names))
        assert (table["p_value"] > 0.5).all()

    def test_wins_only_before(self):
        table = sd.reps.rep_trend(hand_world(dict.fromkeys("abcd", 10), dict.fromkeys("abcd", 0)))
        assert table["net_change"].isna().all()  # the others won nothing: no growth to expect

    def test_a_manager_who_lends_a_hand_is_not_compared(self):
        world = hand_world({"a": 20, "b": 22, "c": 19, "m": 1}, {"a": 19, "b": 21, "c": 18, "m": 2})
        table = sd.reps.rep_trend(world).set_index("rep_id")
        assert np.isnan(table.loc["m", "net_change"])
        assert table.loc["m", "n_won_before"] == 1
        assert set(table["n_compared_reps"]) == {3}


class TestChance:
    def test_a_count_around_a_known_mean_is_poisson(self):
        from scipy import stats

        for count, mean in ((2, 10.0), (15, 10.0), (0, 3.0)):
            below, above = stats.poisson.cdf(count, mean), stats.poisson.sf(count - 1, mean)
            assert count_p(count, mean) == pytest.approx(min(1, 2 * min(below, above)), rel=1e-4)

    def test_a_count_around_an_uncertain_mean_is_negative_binomial(self):
        from scipy import stats

        mean, spread = 8.0, 0.25
        known = stats.nbinom(1 / spread, 1 / (1 + spread * mean))
        for count in (0, 2, 8, 25):
            wanted = min(1, 2 * min(known.cdf(count), known.sf(count - 1)))
            assert count_p(count, mean, spread) == pytest.approx(wanted)

    def test_intervals_enclose_and_nothing_known_is_nan(self):
        low, high = log_interval(2.0, 0.04, 0.95)
        assert low * high == pytest.approx(4)
        ends = difference_interval(*(np.array([one]) for one in (3.0,)), (np.array([2.0]),
                np.array([5.0])), np.array([2.0]), (low, high))  # fmt: skip
        assert ends[0] < 1 < ends[1]
        assert np.isnan(count_p([np.nan, 1], [1, 0])).all()
        assert np.isnan(share_p(0, 0, 0.5, 0.0))


def world_of(seed, *, talent=0.3, changes=None, n_reps=20, growth=1.4):
    """Reps of lasting talent, season and growth; ``changes`` multiply the last half-year."""
    random = np.random.default_rng(seed)
    days = working_days("2025-01-01", "2025-12-31")
    late = days >= np.datetime64("2025-07-01")
    names = [f"r{number:02d}" for number in range(n_reps)]
    rates = {}
    for rep in names:
        base = 0.2 * random.gamma(1 / talent**2, talent**2)
        rates[rep] = base * np.where(late, growth * (changes or {}).get(rep, 1.0), 1.0)
    return department_of(drawn_wins(random, rates, days), reps_of(dict.fromkeys(names, LONG_AGO)))


@pytest.fixture(scope="module")
def unchanged():
    """Give the tables of departments in which nobody changed."""
    return [sd.reps.rep_trend(world_of(seed)) for seed in range(100, 125)]


class TestPlanted:
    def test_nobody_changed_and_hardly_any_department_flags_anybody(self, unchanged):
        flagged = sum(table[["is_better", "is_worse"]].any(axis=None) for table in unchanged)
        assert flagged <= 4  # 5 % of 25 are 1; more than 4 would happen once in a hundred
        covered = [table["net_change_low"].le(0) & table["net_change_high"].ge(0)
                   for table in unchanged]  # fmt: skip
        assert np.mean(covered) >= 0.92

    def test_luck_is_taken_out_of_the_change_of_the_worst(self, unchanged):
        worst = [table.nsmallest(5, "before") for table in unchanged]
        naive = [(one["change"] / one["before"]).mean() for one in worst]
        assert np.mean(naive) > 0.5  # growth is 0.4; the rest is luck coming back
        left = [one["net_change"].mean() / table["after"].mean()
                for one, table in zip(worst, unchanged, strict=True)]  # fmt: skip
        error = np.std(left, ddof=1) / np.sqrt(len(left))
        assert abs(np.mean(left)) < 3 * error + 0.02

    @pytest.mark.parametrize(("factor", "flag"), [(0.2, "is_worse"), (3.0, "is_better")])
    def test_a_planted_change_is_found_in_that_rep(self, factor, flag):
        hits, others = 0, 0
        for seed in range(5):
            table = sd.reps.rep_trend(world_of(seed, talent=0.1, changes={"r03": factor}))
            hits += table.set_index("rep_id").loc["r03", flag]
            others += table[["is_better", "is_worse"]].to_numpy()[table["rep_id"] != "r03"].sum()
        assert hits >= 4
        assert others <= 2

    def test_win_rate_and_revenue_flag_nobody_without_a_change(self):
        flagged = {"win_rate": 0, "revenue": 0}
        for seed in range(6):
            random = np.random.default_rng(seed)
            world = world_of(seed)
            deals = world.fetch("deals")
            deals["amount"] = random.lognormal(8, 0.8, len(deals))
            deals["status"] = np.where(random.random(len(deals)) < 0.4, "won", "lost")
            world = department_of(deals, world.fetch("reps"))
            for metric in flagged:
                table = sd.reps.rep_trend(world, metric=metric)
                assert table["net_change"].notna().all()
                flagged[metric] += bool(table[["is_better", "is_worse"]].any(axis=None))
        assert max(flagged.values()) <= 2


def test_wrong_options_are_named():
    world = hand_world({"a": 1}, {"a": 1})
    with pytest.raises(sd.InputError, match="metric must be one of"):
        sd.reps.rep_trend(world, metric="calls")
    with pytest.raises(sd.InputError, match="months must be a whole number"):
        sd.reps.rep_trend(world, months=0)
    with pytest.raises(sd.MissingDataError, match="amount"):
        sd.reps.rep_trend(world, metric="revenue")
