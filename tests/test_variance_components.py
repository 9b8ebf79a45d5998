"""Components of variance, intervals of the variance between units, quick shrinkage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesdiag.errors import InputError
from salesdiag.stats.rates import clopper_pearson_interval
from salesdiag.stats.shrinkage import (
    beta_binomial_shrinkage,
    gamma_poisson_shrinkage,
    rankability,
)
from salesdiag.stats.standardisation import observed_expected
from salesdiag.stats.standardisation.dispersed import dispersed_ratio
from salesdiag.stats.variance import (
    plug_in_ratios,
    plug_in_shares,
    tau_squared_interval,
    variance_components,
)


def cells(values, codes):
    """Put values with equal codes into one cell: sizes, sums, squares and the codes."""
    frame = pd.DataFrame({**codes, "value": values, "square": values**2, "n": 1.0})
    sums = frame.groupby(list(codes), as_index=False).sum()
    return sums["n"], sums["value"], sums["square"], {name: sums[name] for name in codes}


def balanced(seed=0, n_groups=10, n=8, spread=1.0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), n)
    return 5 + spread * rng.standard_normal(n_groups)[group] + rng.standard_normal(
        len(group)
    ), group


def test_one_way_is_the_analysis_of_variance():
    values, group = balanced()
    found = variance_components(*cells(values, {"group": group}))
    means = values.reshape(10, 8).mean(axis=1)
    within = values.reshape(10, 8).var(axis=1, ddof=1).mean()
    assert found.residual == pytest.approx(within)
    assert found.level["group"].variance == pytest.approx(means.var(ddof=1) - within / 8)
    assert found.mean == pytest.approx(values.mean())


def test_one_way_interval_covers_and_is_about_that_of_the_f_distribution():
    covered = 0
    for seed in range(200):
        values, group = balanced(seed)
        level = variance_components(*cells(values, {"group": group})).level["group"]
        covered += level.low <= 1 <= level.high
    assert covered >= 184  # 95 % of 200 are 190


def test_balanced_data_give_the_restricted_likelihood_of_statsmodels():
    mixed = pytest.importorskip("statsmodels.formula.api").mixedlm
    values, group = balanced(seed=3)
    frame = pd.DataFrame({"value": values, "group": group})
    fit = mixed("value ~ 1", frame, groups="group").fit(reml=True)
    found = variance_components(*cells(values, {"group": group}))
    assert found.level["group"].variance == pytest.approx(fit.cov_re.iloc[0, 0], rel=2e-3)
    assert found.residual == pytest.approx(fit.scale, rel=2e-3)


def test_crossed_and_nested_levels_are_near_the_restricted_likelihood():
    mixed = pytest.importorskip("statsmodels.formula.api").mixedlm
    rng = np.random.default_rng(11)
    rep = np.repeat(np.arange(24), 24)
    team, period = rep // 6, np.tile(np.repeat(np.arange(6), 4), 24)
    values = (
        2.0 * rng.standard_normal(4)[team] + 1.0 * rng.standard_normal(24)[rep]
        + 1.5 * rng.standard_normal(6)[period] + rng.standard_normal(len(rep))
    )  # fmt: skip
    frame = pd.DataFrame({"value": values, "rep": rep, "team": team, "period": period, "one": 1})
    parts = {name: f"0 + C({name})" for name in ("rep", "team", "period")}
    fit = mixed("value ~ 1", frame, groups="one", vc_formula=parts, re_formula="0").fit()
    wanted = dict(zip(fit.model.exog_vc.names, fit.vcomp, strict=True))
    codes = {"rep": rep, "team": team, "period": period}
    found = variance_components(*cells(values, codes))
    # balanced, so the methods agree where no component is below 0
    for name, value in wanted.items():
        assert found.level[name].variance == pytest.approx(value, rel=0.02)
    assert found.residual == pytest.approx(fit.scale, rel=0.02)


def test_shares_of_uneven_cells_are_unbiased_and_covered():
    rng = np.random.default_rng(1)
    rep = np.repeat(np.arange(48), 4)
    codes = {"rep": rep, "team": rep // 6, "period": np.tile(np.arange(4), 48)}
    size = rng.lognormal(0, 0.6, 48)
    truth = {"rep": 0.05, "team": 0.06, "period": 0.04}
    found = []
    for _world in range(150):
        chance = 0.4 + sum(
            sd * rng.standard_normal(codes[name].max() + 1)[codes[name]]
            for name, sd in truth.items()
        )
        n = rng.poisson(40 * size[rep])
        hit = rng.binomial(n, np.clip(chance, 0, 1))
        level = variance_components(n, hit, hit, codes).level
        found.append([level[name][1:4] for name in truth])
    table = np.array(found)
    for place, sd in enumerate(truth.values()):
        assert table[:, place, 0].mean() == pytest.approx(sd**2, rel=0.25)
        inside = (table[:, place, 1] <= sd**2) & (table[:, place, 2] >= sd**2)
        assert inside.mean() >= 0.89


def test_without_differences_most_intervals_begin_at_0():
    rng = np.random.default_rng(2)
    n = np.full(30, 100.0)
    lows = []
    for _world in range(100):
        hit = rng.binomial(100, 0.3, 30)
        lows.append(variance_components(n, hit, hit, {"rep": np.arange(30)}).level["rep"].low)
    assert np.mean(np.array(lows) > 0) <= 0.07


def test_equal_groups_cannot_be_separated_and_stand_together():
    values, group = balanced()
    plain = variance_components(*cells(values, {"one": group}))
    found = variance_components(*cells(values, {"one": group, "two": group + 100}))
    assert found.level["one"].status == found.level["two"].status == "not_separable"
    assert np.isnan(found.level["one"].variance)
    both = found.level["one + two"]
    assert both.status == "joint"
    assert both.variance == pytest.approx(plain.level["one"].variance)


def test_few_groups_and_no_cases():
    assert (
        variance_components([5, 5], [2, 3], [2, 3], {"g": ["a", "a"]}).level["g"].status
        == "too_few"
    )
    assert np.isnan(variance_components([0, 0], [0, 0], [0, 0], {"g": ["a", "b"]}).residual)
    with pytest.raises(InputError, match="value_sum must be 0 where n is 0"):
        variance_components([0, 1], [1, 1], [1, 1], {"g": ["a", "b"]})


def test_the_order_of_cells_is_no_matter():
    values, group = balanced()
    n, total, squares, codes = cells(values, {"g": group, "h": np.arange(80) % 4})
    order = np.random.default_rng(0).permutation(len(n))
    one = variance_components(n, total, squares, codes)
    two = variance_components(
        n.to_numpy()[order], total.to_numpy()[order], squares.to_numpy()[order],
        {name: values.to_numpy()[order] for name, values in codes.items()},
    )  # fmt: skip
    for name in codes:
        assert one.level[name][:4] == pytest.approx(two.level[name][:4], rel=1e-9)


class TestTauSquared:
    def test_equal_variances_have_the_interval_of_a_variance(self):
        from scipy import stats

        values = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
        low, high = tau_squared_interval(values, np.full(5, 0.5))
        squares = np.sum((values - values.mean()) ** 2)
        assert low == pytest.approx(squares / stats.chi2.ppf(0.975, 4) - 0.5)
        assert high == pytest.approx(squares / stats.chi2.ppf(0.025, 4) - 0.5)

    def test_it_holds_the_estimate_and_the_truth(self):
        rng = np.random.default_rng(4)
        covered = 0
        for _world in range(200):
            noise = rng.uniform(0.5, 3, 15)
            values = rng.standard_normal(15) + np.sqrt(noise) * rng.standard_normal(15)
            low, high = tau_squared_interval(values, noise)
            covered += low <= 1 <= high
            assert low - 1e-9 <= rankability(values, noise).tau2 or low == 0
        assert 180 <= covered <= 199

    def test_units_more_alike_than_chance_and_one_unit(self):
        assert tau_squared_interval([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]) == (0, 0)
        assert np.isnan(tau_squared_interval([1.0], [1.0])).all()


class TestPlugIn:
    def test_it_is_near_the_average_over_all_spreads_where_units_are_many(self):
        rng = np.random.default_rng(5)
        n = rng.integers(20, 200, 300)
        hit = rng.binomial(n, rng.beta(12, 28, 300))
        quick, full = plug_in_shares(hit, n), beta_binomial_shrinkage(hit, n)
        np.testing.assert_allclose(quick.value, full.value, atol=0.01)
        np.testing.assert_allclose(quick.low, full.low, atol=0.015)
        np.testing.assert_allclose(quick.high, full.high, atol=0.015)
        due = rng.uniform(5, 60, 300)
        event = rng.poisson(due * rng.gamma(9, 1 / 9, 300))
        quick, full = plug_in_ratios(event, due), gamma_poisson_shrinkage(event, due)
        np.testing.assert_allclose(quick.value, full.value, atol=0.05)
        np.testing.assert_allclose(quick.high, full.high, rtol=0.06)

    def test_units_that_are_alike_keep_an_interval(self):
        rng = np.random.default_rng(6)
        found = plug_in_shares(rng.binomial(100, 0.3, 400), np.full(400, 100))
        assert (found.low < found.value).all()
        assert (found.value < found.high).all()
        assert np.ptp(found.value) < 0.06
        assert np.mean((found.low <= 0.3) & (found.high >= 0.3)) > 0.97

    def test_nothing_to_tell(self):
        assert np.isnan(plug_in_shares([0, 0], [5, 5]).value).all()
        assert np.isnan(plug_in_ratios([0, 0], [5, 5]).value).all()


class TestDispersedRatio:
    def test_a_binomial_variance_gives_clopper_and_pearson(self):
        found = dispersed_ratio([30, 0, 50], 25, 12.5)
        low, high = clopper_pearson_interval([30, 0, 50], 50)
        np.testing.assert_allclose(found.low, low / 0.5, rtol=1e-9)
        np.testing.assert_allclose(found.high, high / 0.5, rtol=1e-9)

    def test_poissons_variance_gives_poissons_limits(self):
        wanted = observed_expected([4, 0], [3.3, 2.0])
        for kind in ("binomial", "scaled"):
            found = dispersed_ratio([4, 0], [3.3, 2.0], [3.3, 2.0], kind=kind)
            np.testing.assert_allclose(np.array(found), np.array(wanted), rtol=1e-9)

    def test_interval_and_test_agree(self):
        seen = np.arange(0, 60)
        for variance in (10.0, 20.0, 60.0):
            found = dispersed_ratio(seen, 25, variance)
            outside = (found.low > 1) | (found.high < 1)
            np.testing.assert_array_equal(outside, found.p_value < 0.05)

    def test_exact_limits_cover(self):
        rng = np.random.default_rng(7)
        seen = rng.binomial(40, 0.3, 4000)
        found = dispersed_ratio(seen, 12, 8.4)
        assert np.mean((found.low <= 1) & (found.high >= 1)) >= 0.95
        found = dispersed_ratio(seen, 12, 8.4, kind="scaled", confidence=0.9)
        assert 0.88 <= np.mean((found.low <= 1) & (found.high >= 1)) <= 0.97

    def test_unknown_where_nothing_is_expected(self):
        assert np.isnan(np.array(dispersed_ratio([1, 1, np.nan], [0, 2, 2], [1, 0, 1]))).all()
        with pytest.raises(InputError, match="kind must be one of"):
            dispersed_ratio(1, 1, 1, kind="normal")


def test_of_two_teams_next_to_nothing_is_known_but_of_their_reps_it_is():
    rng = np.random.default_rng(9)
    rep = np.arange(10)
    codes = {"rep": rep, "team": rep // 5}
    n = np.full(10, 100.0)
    reps, teams, inside = [], [], 0
    for _world in range(200):
        chance = np.clip(0.4 + 0.06 * rng.standard_normal(10), 0, 1)
        hit = rng.binomial(100, chance)
        level = variance_components(n, hit, hit, codes, largest=0.25).level
        reps.append(level["rep"].high)
        teams.append(level["team"].high)
        inside += level["rep"].low <= 0.06**2 <= level["rep"].high
    assert max(teams) <= 0.25
    assert np.quantile(np.sqrt(reps), 0.95) < 0.2
    assert inside >= 184


def test_reps_are_seen_within_their_teams():
    # two teams of two reps, twenty cases each; 2 and 6 events, 12 and 14
    hit = np.array([2.0, 6, 12, 14])
    n = np.full(4, 20.0)
    codes = {"rep": np.arange(4), "team": [0, 0, 1, 1]}
    level = variance_components(n, hit, hit, codes).level["rep"]
    apart = hit + np.array([0, 0, 4, 4])
    wide = variance_components(n, apart, apart, codes).level["rep"]
    from scipy import stats

    # sum of squares within teams: (4^2 + 2^2) / 2 / 20 = 0.5, of 2 degrees of freedom
    assert level.low == 0
    residual = variance_components(n, hit, hit, codes).residual
    upper = (0.5 / stats.chi2.ppf(0.025, 2) - residual) / 20
    assert level.high == pytest.approx(upper)
    assert wide.high == pytest.approx(upper, rel=0.05)
