"""Did the coaching help: luck coming back, season, growth, a planted effect, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.reps.intervention_fit import _cohort, _growth, _net_effect
from salesdiag.analyses.reps.intervention_panel import Outcomes
from salesdiag.stats.effects import event_study, net_change
from tests.rep_worlds import (
    LONG_AGO,
    deals_at,
    department_of,
    drawn_wins,
    reps_of,
    working_days,
)

SINCE = "2025-07-01"
DAYS = working_days("2025-01-01", "2025-12-31")
NAMES = [f"r{number:02d}" for number in range(24)]


def wins_world(seed, *, effect=0.0, share=0.25, chosen="bottom", spread=0.2, drift=None):
    """Reps of lasting talent; the bottom quarter of the first half-year is coached in July."""
    random = np.random.default_rng(seed)
    late = np.datetime64(SINCE) <= DAYS
    season = 1 - 0.3 * np.sin(np.arange(len(DAYS)) / len(DAYS) * 2 * np.pi)
    growth = np.linspace(0.9, 1.3, len(DAYS))
    talent = 0.15 * random.gamma(1 / spread**2, spread**2, len(NAMES))
    before = {rep: mine * season * growth * ~late
              for rep, mine in zip(NAMES, talent, strict=True)}  # fmt: skip
    first = drawn_wins(random, before, DAYS)
    counts = first["rep_id"].value_counts().reindex(NAMES).fillna(0)
    n = int(share * len(NAMES))
    treated = (list(counts.nsmallest(n, keep="first").index) if chosen == "bottom"
               else list(random.choice(NAMES, n, replace=False)))  # fmt: skip
    after = {
        rep: (mine * (1 + effect * (rep in treated))) * season * growth * late
        for rep, mine in zip(NAMES, talent, strict=True)
    }
    deals = pd.concat([first, drawn_wins(random, after, DAYS)], ignore_index=True)
    deals["deal_id"] = deals.index.astype(str)
    return department_of(deals, reps_of(dict.fromkeys(NAMES, LONG_AGO))), treated


def asked(seed, **options):
    world, treated = wins_world(seed, **options)
    return sd.reps.intervention_effect(world, treated=treated, since=SINCE).iloc[0]


class TestByHand:
    def test_figures_are_those_of_the_estimators_on_rates_counted_here(self):
        wins = {"a": (6, 12), "b": (8, 9), "c": (20, 18), "d": (22, 25), "e": (24, 20),
                "f": (26, 30), "g": (30, 28)}  # fmt: skip
        rows = [(rep, day) for rep, both in wins.items()
                for n, day in zip(both, ("2025-05-14", "2025-09-10"), strict=True)
                for _ in range(n)]  # fmt: skip
        world = department_of(deals_at(*zip(*rows, strict=True)),
                              reps_of(dict.fromkeys(wins, LONG_AGO)))  # fmt: skip
        row = sd.reps.intervention_effect(
            world, treated=["a", "b"], since=SINCE, months=2, start="2025-05-01"
        ).iloc[0]
        # May and June have 22 + 21 working days, July and August 23 + 21: no wins there
        assert (row.n_treated, row.n_control, row.n_left_out) == (2, 5, 0)
        assert (row.n_months_before, row.n_months_after) == (2, 2)
        assert (row.before, row.after) == (pytest.approx(7 / 43), 0)
        row = sd.reps.intervention_effect(
            world, treated=["a", "b"], since=SINCE, months=3, start="2025-05-01"
        ).iloc[0]
        rates = {rep: (one / 43, other / 66) for rep, (one, other) in wins.items()}
        before, after = np.array(list(rates.values())).T
        assert row.naive_effect == pytest.approx(after[:2].mean() - before[:2].mean())
        growth = after[2:].mean() / before[2:].mean()
        assert row.did_effect == pytest.approx(after[:2].mean() - growth * before[:2].mean())
        chosen = np.arange(7) < 2
        # all wins of a month in one day: months vary more than Poisson's; the noise is told
        # from both months
        top = np.array([[one, 0] for one, _ in wins.values()], dtype=float)
        season = np.array([22 * 1.0, 0])  # all wins are in May
        expected = before[:, None] * season * (43 / 22)
        noise = np.sum((top - expected) ** 2) / (43 * 7) * 14 / 6
        noise = (6 * noise + 10 * before.mean()) / 16 / 43  # six free months, ten of theory
        # seven reps: 5/4 of what the estimator takes away, more if they differ less than chance
        squares = np.sum((before - before.mean()) ** 2) / noise
        scale = 5 / 4 * max(1, 6 / squares)
        plain = net_change(before, after, noise, chosen, against="rest")
        pull = scale * (1 - plain.reliability)
        assert row.reliability == pytest.approx(1 - pull)
        past = before + pull * (before.mean() - before)
        growth = after[2:].mean() / past[2:].mean()
        net = net_change(growth * before, after, growth**2 * noise, chosen, against="rest")
        assert row.net_effect == pytest.approx(net.naive - scale * net.rebound)
        assert row.did_effect == pytest.approx(row.net_effect + row.rebound)
        more = (scale**2 - 1) * net.rebound**2 * 2 / (7 - 5)
        reach = np.hypot(net.high - net.net, 1.959964 * np.sqrt(more))
        assert [row.net_effect_low, row.net_effect_high] == pytest.approx(
            [row.net_effect - reach, row.net_effect + reach], rel=1e-6
        )

    def test_the_day_counts_from_the_next_month_when_it_lies_late_in_its_own(self):
        world, treated = wins_world(1)
        early, late, next_month = (
            sd.reps.intervention_effect(world, treated=treated, since=day, months=3).iloc[0]
            for day in ("2025-07-15", "2025-07-16", "2025-08-01")
        )
        names = ["before", "after", "net_effect"]
        assert late[names].tolist() == next_month[names].tolist()
        assert early[names].tolist() != late[names].tolist()

    @pytest.mark.filterwarnings("ignore")  # the other library's, about its own calls
    def test_plain_comparison_agrees_with_a_regression_of_pyfixest(self):
        feols = pytest.importorskip("pyfixest").feols
        world, treated = wins_world(2)
        row = sd.reps.intervention_effect(world, treated=treated, since=SINCE).iloc[0]
        deals = world.fetch("deals")
        deals["late"] = deals["closed_at"] >= SINCE
        deals["status"] = np.where(np.arange(len(deals)) % 3 == 0, "won", "lost")
        world = department_of(deals, world.fetch("reps"))
        row = sd.reps.intervention_effect(
            world, treated=treated, since=SINCE, outcome="win_rate"
        ).iloc[0]
        panel = deals.assign(rate=deals["status"] == "won").groupby(["rep_id", "late"])["rate"]
        panel = panel.mean().reset_index().astype({"late": int})
        panel["treat"] = panel["rep_id"].isin(treated) * panel["late"]
        fitted = feols("rate ~ treat | rep_id + late", panel)
        assert row.did_effect == pytest.approx(fitted.coef()["treat"])

    def test_one_start_each_is_read_from_a_mapping(self):
        world, treated = wins_world(3)
        days = {treated[0]: "2025-06-01", treated[1]: "2025-06-01", treated[2]: SINCE,
                treated[3]: SINCE}  # fmt: skip
        row = sd.reps.intervention_effect(world, treated=days, months=4).iloc[0]
        assert row.n_treated == 4
        assert row.since_on == pd.Timestamp("2025-06-01")
        assert row.n_control == 20
        # the later two are no controls of the earlier: they start within those months
        parts = [
            sd.reps.intervention_effect(
                world.where(rep_id=[one for one in NAMES if one in keep or one not in days]),
                treated=keep, since=day, months=4,
            ).iloc[0].net_effect
            for keep, day in ((treated[:2], "2025-06-01"), (treated[2:4], SINCE))
        ]  # fmt: skip
        assert row.net_effect == pytest.approx(np.mean(parts))

    def test_a_condition_on_reps_and_everybody(self):
        world, treated = wins_world(4)
        reps = world.fetch("reps")
        reps["team"] = np.where(reps["rep_id"].isin(treated), "coached", "other")
        world = department_of(world.fetch("deals"), reps)
        by_team = sd.reps.intervention_effect(world, treated={"team": "coached"}, since=SINCE)
        by_list = sd.reps.intervention_effect(world, treated=treated, since=SINCE)
        pd.testing.assert_frame_equal(by_team, by_list)
        everybody = sd.reps.intervention_effect(world, since=SINCE).iloc[0]
        assert (everybody.n_treated, everybody.n_control) == (24, 0)
        assert np.isnan(everybody.net_effect)
        assert everybody.naive_effect > 0  # growth: nothing to tell it from the measure
        assert everybody.grade == "D"

    def test_who_was_not_there_before_is_left_out_and_counted(self):
        world, treated = wins_world(5)
        reps = world.fetch("reps")
        reps.loc[reps["rep_id"] == treated[0], "hired_on"] = pd.Timestamp("2025-08-01")
        deals = world.fetch("deals")
        deals = deals[(deals["rep_id"] != treated[0]) | (deals["closed_at"] >= "2025-08-01")]
        row = sd.reps.intervention_effect(
            department_of(deals, reps), treated=treated, since=SINCE
        ).iloc[0]
        assert (row.n_treated, row.n_left_out) == (5, 1)

    def test_a_treated_manager_without_days_is_left_out_and_counted(self):
        world, treated = wins_world(5)
        boss = reps_of({"boss": LONG_AGO}, role="manager")
        reps = pd.concat([world.fetch("reps").assign(role="rep"), boss], ignore_index=True)
        world = department_of(world.fetch("deals"), reps)
        row = sd.reps.intervention_effect(world, treated=[*treated, "boss"], since=SINCE).iloc[0]
        assert (row.n_treated, row.n_control, row.n_left_out) == (6, 18, 1)
        row = sd.reps.intervention_effect(world, treated=["boss"], since=SINCE).iloc[0]
        assert (row.n_treated, row.n_left_out) == (0, 25)

    def test_deals_closed_without_a_day_are_counted(self):
        world, treated = wins_world(5)
        deals = world.fetch("deals")
        more = deals.iloc[:3].assign(closed_at=pd.NaT, deal_id=["x", "y", "z"])
        more["rep_id"] = [treated[0], NAMES[-1], None]
        once, twice = (
            sd.reps.intervention_effect(department_of(one, world.fetch("reps")),
                                        treated=treated, since=SINCE).iloc[0]
            for one in (deals, pd.concat([deals, more]))
        )  # fmt: skip
        assert (once.n_undated, twice.n_undated) == (0, 3)
        assert twice.net_effect == once.net_effect

    def test_nothing_asked_is_one_row_of_nothing(self):
        row = sd.reps.intervention_effect(wins_world(6)[0]).iloc[0]
        assert (row.n_treated, row.grade) == (0, "")
        assert np.isnan(row.naive_effect)


class TestDecoys:
    def test_coaching_the_bottom_without_effect_shows_none(self):
        rows = pd.DataFrame([asked(seed) for seed in range(20)])
        assert (rows["did_effect"] > 0).mean() > 0.75  # luck comes back
        assert (rows["naive_effect"] > 0).mean() > 0.9  # and the department grows
        covered = rows["net_effect_low"].le(0) & rows["net_effect_high"].ge(0)
        assert covered.mean() >= 0.84
        error = rows["net_effect"].std() / np.sqrt(len(rows))
        assert abs(rows["net_effect"].mean()) < 3 * error
        assert rows["did_effect"].mean() > 3 * rows["did_effect"].std() / np.sqrt(len(rows))
        assert (rows["grade"] == "B").mean() > 0.75

    @pytest.mark.parametrize("n_reps", [9, 24])
    def test_of_equal_reps_the_whole_rebound_goes(self, n_reps):
        """Nobody differs, the bottom third is coached in vain: only luck comes back."""
        random = np.random.default_rng(n_reps)
        left, whole, covered = [], [], []
        for _ in range(600):
            top = random.poisson(20 * 0.15, (n_reps, 12)).astype(float)
            chosen = np.argsort(top[:, :6].sum(axis=1), kind="stable")[: n_reps // 3]
            starts = np.full(n_reps, np.inf)
            starts[chosen] = 6
            ids = pd.Series([f"r{number:02d}" for number in range(n_reps)])
            world = Outcomes(ids, np.arange(12), top, np.full(top.shape, 20.0), top.sum(axis=1))
            cohort = _cohort(world, starts, 6, 6)
            net, low, high, _ = _net_effect(cohort, "wins", 0.95)
            grown = _growth(cohort.before, cohort.after, cohort.chosen, "wins")
            change = cohort.after - grown * cohort.before
            left.append(net)
            whole.append(change[cohort.chosen].mean() - change[~cohort.chosen].mean())
            covered.append(low <= 0 <= high)
        assert abs(np.mean(left)) < 0.1 * np.mean(whole)  # 20 to 30 % with a cautious drawing-in
        assert np.mean(covered) >= 0.94

    def test_a_true_effect_is_found_on_top_of_the_rebound(self):
        rows = pd.DataFrame([asked(seed, effect=0.6) for seed in range(100, 110)])
        # the coached win 0.6 times what they would have: their talent is below the mean
        truth = rows["after"] * 0.6 / 1.6
        covered = rows["net_effect_low"].le(truth) & rows["net_effect_high"].ge(truth)
        assert covered.mean() >= 0.8
        assert (rows["net_effect_low"] > 0).mean() > 0.5
        assert rows["net_effect"].mean() == pytest.approx(truth.mean(), rel=0.2)

    def test_chosen_by_lot_both_figures_agree(self):
        rows = pd.DataFrame([asked(seed, chosen="lot") for seed in range(200, 208)])
        assert abs(rows["rebound"].mean()) < 0.01
        assert abs(rows["net_effect"].mean()) < 0.03

    def test_a_fall_just_before_is_seen_by_the_placebo(self):
        random = np.random.default_rng(9)
        dip = (np.datetime64("2025-04-01") <= DAYS) & (np.datetime64(SINCE) > DAYS)
        treated = NAMES[:6]
        rates = {rep: 0.6 * np.where(dip & (rep in treated), 0.4, 1.0) for rep in NAMES}
        world = department_of(drawn_wins(random, rates, DAYS),
                              reps_of(dict.fromkeys(NAMES, LONG_AGO)))  # fmt: skip
        row = sd.reps.intervention_effect(world, treated=treated, since=SINCE).iloc[0]
        assert row.placebo_effect_high < 0
        assert row.grade in ("C", "D")


class TestOutcomes:
    def test_activities_and_discounts(self):
        random = np.random.default_rng(3)
        world, treated = wins_world(7)
        deals = world.fetch("deals")
        deals["list_amount"] = random.lognormal(8, 0.5, len(deals))
        late = (deals["closed_at"] >= SINCE) & deals["rep_id"].isin(treated)
        deals["amount"] = deals["list_amount"] * (
            0.9 - 0.05 * late - 0.02 * random.random(len(deals))
        )
        counts = random.poisson(4, (len(NAMES), len(DAYS)))
        counts[:6, np.datetime64(SINCE) <= DAYS] += 2
        did = pd.DataFrame({
            "rep_id": np.repeat(NAMES, counts.sum(axis=1)),
            "occurred_at": np.concatenate([np.repeat(DAYS, one) for one in counts]),
            "activity_type": "call",
        })  # fmt: skip
        did["activity_id"] = did.index.astype(str)
        world = department_of(deals, world.fetch("reps"), activities=did)
        row = sd.reps.intervention_effect(
            world, treated=NAMES[:6], since=SINCE, outcome="activities"
        ).iloc[0]
        assert row.net_effect_low < 2 < row.net_effect_high
        row = sd.reps.intervention_effect(
            world, treated=treated, since=SINCE, outcome="discount"
        ).iloc[0]
        assert row.net_effect_low < 0.05 < row.net_effect_high
        assert row.net_effect_low > 0

    def test_the_placebo_is_the_event_study_of_the_months(self):
        world, treated = wins_world(8)
        row = sd.reps.intervention_effect(world, treated=treated, since=SINCE).iloc[0]
        deals = world.fetch("deals")
        month = deals["closed_at"].dt.month
        counts = pd.crosstab(deals["rep_id"], month).reindex(NAMES)
        days = [len(pd.bdate_range(f"2025-{one:02d}-01", pd.Timestamp(f"2025-{one:02d}-01")
                                   + pd.offsets.MonthEnd())) for one in range(1, 13)]  # fmt: skip
        rates = counts.to_numpy() / np.array(days)
        rest = counts.loc[[rep for rep in NAMES if rep not in treated]].sum().to_numpy()
        rates = rates / ((rest / days) / (rest.sum() / sum(days)))
        found = event_study(
            np.repeat(NAMES, 12), np.tile(np.arange(1, 13), 24), rates.ravel(),
            np.repeat([7.0 if rep in treated else np.nan for rep in NAMES], 12),
        )  # fmt: skip
        assert row.placebo_p == pytest.approx(found.placebo_p)
        assert row.n_leads == found.n_leads_tested


class TestBadInput:
    def test_an_unknown_rep_is_named_with_the_nearest(self):
        world, _ = wins_world(1)
        with pytest.raises(sd.InputError, match=r"no rep 'r3'.*Did you mean 'r\d3'"):
            sd.reps.intervention_effect(world, treated=["r3"], since=SINCE)
        with pytest.raises(sd.InputError, match="no rep 'teem'"):
            sd.reps.intervention_effect(world, treated={"teem": "North"}, since=SINCE)
        with pytest.raises(sd.InputError, match="no rep meets the condition"):
            sd.reps.intervention_effect(world, treated={"rep_id": "nobody"}, since=SINCE)

    @pytest.mark.parametrize("day", ["2024-12-01", "2026-01-01"])
    def test_a_day_outside_the_data_is_refused(self, day):
        world, treated = wins_world(1)
        with pytest.raises(sd.InputError, match="since must be a day within the data"):
            sd.reps.intervention_effect(world, treated=treated, since=day)
        with pytest.raises(sd.InputError, match="treated must be a day within the data"):
            sd.reps.intervention_effect(world, treated={treated[0]: day})

    def test_reps_without_a_day_are_refused(self):
        world, treated = wins_world(1)
        with pytest.raises(sd.InputError, match="since must be given"):
            sd.reps.intervention_effect(world, treated=treated)

    def test_too_few_reps_give_no_effect(self):
        world, treated = wins_world(1)
        few = world.where(rep_id=NAMES[:3])
        row = sd.reps.intervention_effect(few, treated=NAMES[:2], since=SINCE).iloc[0]
        assert np.isnan([row.net_effect, row.did_effect]).all()
        one = sd.reps.intervention_effect(world, treated=treated[:1], since=SINCE).iloc[0]
        assert one.n_treated == 1
        assert np.isnan(one.net_effect)

    def test_the_last_month_leaves_nothing_after(self):
        world, treated = wins_world(1)
        row = sd.reps.intervention_effect(world, treated=treated, since="2025-12-20").iloc[0]
        assert row.n_treated == 0

    def test_wrong_options_are_named(self):
        world, _ = wins_world(1)
        with pytest.raises(sd.InputError, match="outcome must be one of"):
            sd.reps.intervention_effect(world, outcome="calls")
        with pytest.raises(sd.MissingDataError, match="activities"):
            sd.reps.intervention_effect(world, outcome="activities")
        with pytest.raises(sd.MissingDataError, match="amount"):
            sd.reps.intervention_effect(world, outcome="discount")
