"""Fairness of targets: counted by hand, and planted in simulated plans."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.plan import target_fairness
from salesdiag.analyses.plan.target_cells import target_cells
from salesdiag.stats.rates import wilson_interval
from tests.frames import sample_department
from tests.real_data import data_set, needs

TESTS = ["target on potential", "attainment on potential", "result on target",
         "target on deals opened", "attainment on deals opened", "implied win rate spread",
         "ratchet below", "ratchet above", "ratchet kink"]  # fmt: skip
QUARTERS = pd.date_range("2022-01-01", periods=12, freq="QS")


def plan_of(target, result, *, potential=None, created=None, reps=None, quarters=None):
    """Build a department of targets and results, shape (reps, quarters), one deal a cell.

    ``potential`` is one figure a rep, whose territory is like named.
    """
    n_reps, n_quarters = np.shape(target)
    quarters = QUARTERS[:n_quarters] if quarters is None else quarters
    names = [f"r{number:03}" for number in range(n_reps)]
    cells = [(name, quarter) for name in names for quarter in quarters]
    rep, first = (pd.Series(one) for one in zip(*cells, strict=True))
    deals = pd.DataFrame({
        "deal_id": [f"{one}-{two:%y%m}" for one, two in cells], "status": "won", "rep_id": rep,
        "amount": np.round(np.ravel(result), 2), "closed_at": first + pd.Timedelta(days=40),
        "created_at": first + pd.Timedelta(days=2),
    })  # fmt: skip
    targets = pd.DataFrame({
        "level": "rep", "id": rep, "metric": "revenue", "target": np.round(np.ravel(target), 2),
        "period_start": first, "period_end": first + pd.offsets.QuarterEnd(0),
    })  # fmt: skip
    more = {}
    if created is not None:
        lost = deals.loc[deals.index.repeat(np.ravel(created))]
        lost = lost.assign(status="lost", deal_id=[f"x{one}" for one in range(len(lost))])
        deals = pd.concat([deals, lost], ignore_index=True)
    if potential is not None:
        more["accounts"] = pd.DataFrame({"account_id": names, "territory": names,
                                         "potential_amount": potential})  # fmt: skip
        more["reps"] = pd.DataFrame({"rep_id": names, "territory": names, **(reps or {})})
    last = (quarters[-1] + pd.offsets.QuarterEnd(0)).date()
    return sd.Department(deals=deals, targets=targets, as_of=last, **more)


def found(department, **options):
    return target_fairness(department, **options).set_index("test")


class TestByHand:
    def test_exact_slopes(self):
        potential = np.array([100.0, 200, 400, 800, 1600, 3200])
        # targets rise with the root of potential, results in proportion to it, twice over
        target = np.outer(10 * np.sqrt(potential), [1, 1.5])
        result = np.outer(potential, [0.5, 0.75])
        table = found(plan_of(target, result, potential=potential))
        assert table.index.tolist() == TESTS
        assert table.loc["target on potential", "estimate"] == pytest.approx(0.5, abs=1e-4)
        assert table.loc["attainment on potential", "estimate"] == pytest.approx(0.5, abs=1e-4)
        assert table.loc["result on target", "estimate"] == pytest.approx(2, abs=1e-3)
        assert table["reference"].tolist()[:3] == [1, 0, 1]
        assert (table["p_value"][:3] < 1e-6).all()
        assert table["n_targets"].tolist() == [12] * 6 + [6] * 3
        assert table["n_reps"].tolist() == [6] * 9
        # the first quarter's targets have no history
        assert table["n_left_out"].tolist() == [0] * 6 + [6] * 3
        low, high = wilson_interval(6, 12)
        ratchet = table.loc["ratchet kink"]
        assert ratchet.left_out_rate == 0.5
        assert [ratchet.left_out_rate_low, ratchet.left_out_rate_high] == [low.item(), high.item()]

    def test_exact_slopes_on_the_deals_opened(self):
        # 2, 4, 8 ... deals in a typical quarter, a quarter of all in the first of two: one is won
        opened = np.array([2, 4, 8, 16, 32, 64])
        created = np.column_stack([opened // 2, 2 * opened - opened // 2]) - 1
        target = np.outer(100 * np.sqrt(opened), [1, 1.5])
        result = np.outer(opened, [500.0, 750.0])
        table = found(plan_of(target, result, created=created))
        assert table.loc["target on deals opened", "estimate"] == pytest.approx(0.5, abs=1e-4)
        assert table.loc["attainment on deals opened", "estimate"] == pytest.approx(0.5, abs=1e-4)
        both = table.loc[["target on deals opened", "attainment on deals opened"]]
        # 4 to 128 deals in all, a quarter of each rep's in the first period: no more than counts
        own = 1 - np.mean(1 / (2 * opened)) / (np.log(2) ** 2 * 3.5)
        assert both["reference"].tolist() == pytest.approx([own, 1 - own])
        assert both["n_independent"].tolist() == [6, 6]
        assert (both["p_value"] < 1e-4).all()
        # without what potential is known by, the other two are not told
        assert table["estimate"].isna().tolist()[:3] == [True, True, False]

    def test_an_exact_kink(self):
        # 0.8 of the good is added, 0.2 of the bad taken off, and 10 % on all
        attained = np.array([0.4, 0.6, 0.8, 0.95, 1.1, 1.3, 1.6])
        beyond = attained - 1
        change = 0.1 + np.where(beyond > 0, 0.8, 0.2) * beyond
        target = np.column_stack([np.full(7, 1e6), 1e6 * np.exp(change)])
        table = found(plan_of(target, np.column_stack([1e6 * attained, np.full(7, 1e6)])))
        assert table.loc["ratchet below", "estimate"] == pytest.approx(0.2, abs=1e-5)
        assert table.loc["ratchet above", "estimate"] == pytest.approx(0.8, abs=1e-5)
        assert table.loc["ratchet kink", "estimate"] == pytest.approx(0.6, abs=1e-5)

    def test_potential_of_a_territory_is_shared_by_head(self):
        potential = np.array([100.0, 200, 400, 800, 1600, 3200])
        department = plan_of(np.full((6, 1), 10.0), np.full((6, 1), 9.0), potential=potential)
        frame = pd.DataFrame(
            {
                "rep_id": [f"r{number:03}" for number in range(6)],
                "territory": ["r000", "r000", "r002", "r003", "r004", None],
            }
        )
        tables = {name: department.table(name).execute()
                  for name in ("deals", "targets", "accounts")}  # fmt: skip
        cells = target_cells(sd.Department(**tables, reps=frame, as_of="2022-03-31"), "revenue")
        assert cells["potential"].tolist()[:5] == [50, 50, 400, 800, 1600]
        assert np.isnan(cells["potential"][5])
        table = found(sd.Department(**tables, reps=frame, as_of="2022-03-31"))
        assert table.loc["target on potential", ["n_targets", "n_left_out"]].tolist() == [5, 1]
        assert table.loc["target on potential", "n_independent"] == 4  # territories: too few
        assert np.isnan(table.loc["target on potential", "estimate"])

    def test_without_territories_it_is_that_of_the_own_accounts(self):
        deals = pd.DataFrame({
            "deal_id": list("ABCDE"), "rep_id": ["a", "a", "b", "b", "b"], "status": "won",
            "account_id": ["x", "x", "x", "y", None], "amount": 1.0,
            "closed_at": pd.Timestamp("2022-02-01"), "created_at": pd.Timestamp("2022-01-05"),
        })  # fmt: skip
        targets = pd.DataFrame({
            "level": "rep", "id": ["a", "b"], "metric": "revenue", "target": 5.0,
            "period_start": pd.Timestamp("2022-01-01"), "period_end": pd.Timestamp("2022-03-31"),
        })  # fmt: skip
        accounts = pd.DataFrame({"account_id": ["x", "y", "z"], "potential_amount": [70.0, 30, 9]})
        department = sd.Department(deals=deals, targets=targets, accounts=accounts,
                                   as_of="2022-03-31")  # fmt: skip
        # x is worked on by a twice and by b once; nobody works on z
        assert target_cells(department, "revenue")["potential"].tolist() == [70, 30]

    def test_only_like_periods_that_follow_each_other_are_compared(self):
        rows = [("2022-01-01", "2022-03-31"), ("2022-04-01", "2022-06-30"),
                ("2022-07-01", "2022-07-31"), ("2022-10-01", "2022-12-31")]  # fmt: skip
        targets = pd.DataFrame(rows, columns=["period_start", "period_end"]).assign(
            level="rep", id="a", metric="revenue", target=[10.0, 12, 5, 14]
        ).astype({"period_start": "datetime64[us]", "period_end": "datetime64[us]"})  # fmt: skip
        deals = pd.DataFrame({"deal_id": ["A"], "rep_id": "a", "status": "won", "amount": 8.0,
                              "closed_at": pd.to_datetime(["2022-02-01"])})  # fmt: skip
        cells = target_cells(sd.Department(deals=deals, targets=targets, as_of="2022-12-31"),
                             "revenue")  # fmt: skip
        # a month after a quarter is no change of target, and before October nothing ended
        assert cells["last_target"].notna().tolist() == [False, True, False, False]
        assert cells["last_attainment"][1] == 0.8

    def test_the_implied_win_rate_is_wins_needed_over_deals_got(self):
        created = np.array([[9], [9], [9], [9], [9], [99]])  # and one won deal each
        department = plan_of(np.full((6, 1), 50.0), np.full((6, 1), 10.0), created=created)
        row = found(department).loc["implied win rate spread"]
        # 5 wins needed of 10 deals, the last of 100
        implied = np.log([0.5] * 5 + [0.05])
        assert row.estimate == pytest.approx(implied.std(ddof=1))
        assert row.reference == pytest.approx(np.sqrt((5 * 0.1 + 0.01) / 6))
        assert row.grade == "D"


class TestUnknown:
    def test_below_five_reps_nothing_is_told(self):
        row = found(plan_of(np.full((4, 3), 10.0), np.full((4, 3), 9.0)))
        assert row["estimate"].isna().all()
        assert row["n_targets"].tolist()[2] == 12

    def test_equal_targets_have_no_slope(self):
        rng = np.random.default_rng(0)
        table = found(plan_of(np.full((8, 3), 10.0), rng.uniform(5, 15, (8, 3))))
        assert np.isnan(table.loc["result on target", "estimate"])
        assert table.loc["target on potential", ["n_targets", "n_left_out"]].tolist() == [0, 24]

    def test_an_empty_window_shows_the_tests_without_figures(self):
        table = found(sample_department(), start="2031-01-01")
        assert table.index.tolist() == TESTS
        assert (table["n_targets"] == 0).all()
        assert table[["estimate", "left_out_rate", "p_value"]].isna().all(axis=None)

    def test_a_result_of_nothing_is_kept(self):
        result = np.full((6, 2), 10.0)
        result[0] = 0
        target = np.outer([10.0, 11, 12, 13, 14, 15], [1, 1])
        row = found(plan_of(target, result)).loc["result on target"]
        assert row.n_targets == 12
        assert row.estimate > 0.3  # the smallest target brought nothing

    def test_it_is_told_of_reps_only(self):
        with pytest.raises(sd.InputError, match="split by 'rep_id' or a column of reps"):
            target_fairness(sample_department(), by="source")
        with pytest.raises(sd.InputError, match="metric must be one of revenue, deals_won"):
            target_fairness(sample_department(), metric="margin")


def simulated(seed, *, elasticity=1.0, below=0.0, above=0.0, n_reps=30, n_quarters=8):
    """Simulate results around targets, and targets that follow results with a kink at 100 %.

    ``elasticity`` is that of the result on the target. Potential is noise around the first
    target.
    """
    rng = np.random.default_rng(seed)
    target = np.empty((n_reps, n_quarters))
    result = np.empty_like(target)
    first = np.exp(rng.normal(11, 0.5, n_reps))
    target[:, 0] = first
    for one in range(n_quarters):
        season = np.exp(rng.normal(0, 0.2))
        usual = np.exp(11) * (target[:, one] / np.exp(11)) ** elasticity
        result[:, one] = usual * season * rng.lognormal(-0.045, 0.3, n_reps)
        if one + 1 < n_quarters:
            beyond = result[:, one] / target[:, one] - 1
            change = np.where(beyond > 0, above, below) * beyond + rng.normal(0, 0.05, n_reps)
            target[:, one + 1] = target[:, one] * np.exp(0.02 + change)
    return plan_of(target, result, potential=first)


class TestPlantedTruth:
    @pytest.mark.parametrize("truth", [1.0, 0.7])
    def test_the_slope_of_results_is_recovered_and_its_interval_covers(self, truth):
        rows = pd.DataFrame([
            found(simulated(seed, elasticity=truth)).loc["result on target"] for seed in range(25)
        ])  # fmt: skip
        covered = ((rows["estimate_low"] <= truth) & (rows["estimate_high"] >= truth)).sum()
        assert covered >= 21
        error = rows["estimate"].astype(float).std() / 5
        assert rows["estimate"].mean() == pytest.approx(truth, abs=3 * error)

    def test_a_planted_ratchet_is_recovered(self):
        tables = [found(simulated(seed, below=0.1, above=0.5)) for seed in range(20)]
        for name, truth in (("ratchet below", 0.1), ("ratchet above", 0.5), ("ratchet kink", 0.4)):
            rows = pd.DataFrame([table.loc[name] for table in tables])
            error = rows["estimate"].astype(float).std() / np.sqrt(20)
            assert rows["estimate"].mean() == pytest.approx(truth, abs=3 * error)
            covered = (rows["estimate_low"] <= truth) & (rows["estimate_high"] >= truth)
            assert covered.sum() >= 16
        kinks = pd.DataFrame([table.loc["ratchet kink"] for table in tables])
        assert (kinks["p_value"] < 0.05).all()

    def test_without_a_ratchet_none_is_found(self):
        tables = [found(simulated(100 + seed)) for seed in range(25)]
        for name in ("ratchet below", "ratchet above", "ratchet kink", "result on target"):
            wrong = sum(table.loc[name, "p_value"] < 0.05 for table in tables)
            assert wrong <= 4, name

    def test_equal_targets_for_unequal_chances_are_told_and_fair_ones_are_not(self):
        shares = []
        for fair in (True, False):
            asked = reached = 0
            for seed in range(25):
                rng = np.random.default_rng(seed)
                size = np.exp(rng.normal(0, 0.35, 20))[:, None] * np.ones(8)
                opened = np.maximum(rng.poisson(10 * size) - 1, 0)  # and the one that is won
                target = 1e5 * (size if fair else np.ones_like(size))
                result = 1e4 * (opened + 1) * rng.lognormal(-0.045, 0.3, size.shape)
                table = found(plan_of(target, result, created=opened))
                asked += table.loc["target on deals opened", "p_value"] < 0.05
                reached += table.loc["attainment on deals opened", "p_value"] < 0.05
            shares.append((asked, reached))
        (fair_asked, fair_reached), (unfair_asked, unfair_reached) = shares
        assert max(fair_asked, fair_reached) <= 4
        assert min(unfair_asked, unfair_reached) >= 22

    @pytest.mark.parametrize("clumps", [1, 2])
    def test_where_reps_open_more_deals_by_luck_alone_equal_targets_are_fair(self, clumps):
        wrong = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            # clumped twice over: the rate of each rep and quarter scatters as much as the count
            rate = rng.gamma(6 / (clumps - 1), clumps - 1, (20, 8)) if clumps > 1 else 6.0
            opened = np.maximum(rng.poisson(rate, (20, 8)) - 1, 0)
            result = 2e4 * rng.poisson(1 + opened * 0.3) + 1.0
            target = 1e5 * rng.lognormal(0, 0.03, (20, 8))
            table = found(plan_of(target, result, created=opened))
            wrong += table.loc["target on deals opened", "p_value"] < 0.05
            wrong += table.loc["attainment on deals opened", "p_value"] < 0.05
        assert wrong <= 10  # of 80

    def test_reps_who_came_when_there_was_more_to_open_open_no_more(self):
        wrong = 0
        for seed in range(25):
            rng = np.random.default_rng(seed)
            growth = 1.08 ** np.arange(8)
            opened = np.maximum(rng.poisson(10 * growth, (20, 8)) - 1, 0)
            target = 1e5 * growth * rng.lognormal(0, 0.03, (20, 8))
            result = 1e4 * (opened + 1.0)
            late = np.arange(8) >= 5
            department = plan_of(target, result, created=opened)
            gone = [f"r{rep:03}" for rep in range(10)]
            tables = {name: department.fetch(name) for name in ("deals", "targets")}
            first = tables["targets"]["period_start"].isin(QUARTERS[:8][~late])
            tables["targets"] = tables["targets"][~(first & tables["targets"]["id"].isin(gone))]
            own = tables["deals"]["rep_id"].isin(gone)
            early = tables["deals"]["created_at"] < QUARTERS[5]
            tables["deals"] = tables["deals"][~(own & early)]
            table = found(sd.Department(**tables, as_of=department.as_of))
            wrong += table.loc["target on deals opened", "p_value"] < 0.05
        assert wrong <= 4

    def test_noise_in_targets_alone_is_not_taken_for_unfairness(self):
        # attainment falls with the target by construction; the result does not follow it
        rng = np.random.default_rng(5)
        size = np.exp(rng.normal(11, 0.6, 40))[:, None]
        target = size * rng.lognormal(0, 0.1, (40, 6))
        result = size * rng.lognormal(0, 0.3, (40, 6))
        attained = np.corrcoef(np.log(target / size).ravel(), np.log(result / target).ravel())[0, 1]
        assert attained < -0.2
        row = found(plan_of(target, result)).loc["result on target"]
        assert row.estimate_low < 1 < row.estimate_high


@needs("adventureworks_dw")
def test_adventureworks_results_follow_targets_in_proportion():
    folder, mapping = data_set("adventureworks_dw")
    table = found(sd.load(folder, mapping=mapping))
    row = table.loc["result on target"]
    assert (row.n_reps, row.n_targets) == (17, 162)
    # result and target correlate at .987: nearly everyone is below plan, and alike
    assert 0.9 < row.estimate < 1.1
    assert row.estimate_low < 1 < row.estimate_high
