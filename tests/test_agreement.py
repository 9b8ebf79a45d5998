"""Agreement and severity of raters, against printed tables, a regression and projections."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from salesdiag.errors import InputError
from salesdiag.stats.agreement.intraclass import (
    FORMS,
    _sources,
    crossed_components,
    intraclass_correlations,
)
from salesdiag.stats.agreement.severity import rater_severity, two_way

# Shrout and Fleiss (1979), table 2: six targets (rows), four judges
SHROUT_FLEISS = np.array([
    [9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7],
])  # fmt: skip
# what psych::ICC of R prints for them: value, ends of the 95 % interval
PSYCH = {
    "ICC(1,1)": (0.17, -0.133, 0.72),
    "ICC(2,1)": (0.29, 0.019, 0.76),
    "ICC(3,1)": (0.71, 0.342, 0.95),
    "ICC(1,k)": (0.44, -0.884, 0.91),
    "ICC(2,k)": (0.62, 0.071, 0.93),
    "ICC(3,k)": (0.91, 0.676, 0.99),
}
SEEDS = st.integers(0, 999)


def table_of(seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(4, 9), rng.integers(2, 6)
    return rng.normal(size=(n, 1)) + rng.normal(size=k) + rng.normal(size=(n, k))


def long(table):
    n, k = np.shape(table)
    return np.repeat(np.arange(n), k), np.tile(np.arange(k), n), np.ravel(table)


def layout(rng, n_targets=12, n_raters=4, each=2):
    """Draw raters for each target, and scores; all raters hang together almost surely."""
    rater = np.concatenate([rng.choice(n_raters, each, replace=False) for _ in range(n_targets)])
    target = np.repeat(np.arange(n_targets), each)
    noise = rng.standard_normal(len(target))
    return target, rater, 2 * rng.standard_normal(n_targets)[target] + rater + noise


def projection(columns):
    return columns @ np.linalg.pinv(columns)


def henderson_by_projections(target, rater, score):
    """Equate three reductions of squares to their expectations, with full matrices."""
    one_target, one_rater = (np.eye(max(codes) + 1)[codes] for codes in (target, rater))
    both = projection(np.column_stack([one_target, one_rater]))
    forms = [both - projection(one_rater), both - projection(one_target), np.eye(len(score)) - both]
    sources = [one_target @ one_target.T, one_rater @ one_rater.T, np.eye(len(score))]
    expected = [[np.trace(form @ source) for source in sources] for form in forms]
    return np.linalg.solve(expected, [score @ form @ score for form in forms])


@pytest.mark.parametrize("place", range(6))
def test_values_and_intervals_of_shrout_and_fleiss_as_psych_prints_them(place):
    found = intraclass_correlations(SHROUT_FLEISS)
    icc, low, high = PSYCH[FORMS[place]]
    assert found.form[place] == FORMS[place]
    assert found.icc[place] == pytest.approx(icc, abs=0.005)
    assert found.low[place] == pytest.approx(low, abs=0.0005)
    assert found.high[place] == pytest.approx(high, abs=0.005)


def test_f_and_p_values_of_shrout_and_fleiss_as_psych_prints_them():
    found = intraclass_correlations(SHROUT_FLEISS)
    np.testing.assert_allclose(found.f_value, [1.8, 11.0, 11.0] * 2, atol=0.05)
    np.testing.assert_allclose(found.p_value, [0.16477, 0.00013, 0.00013] * 2, atol=5e-6)


def test_mean_squares_match_an_analysis_of_variance():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        import statsmodels.api as sm
        from statsmodels.formula.api import ols
    target, rater, score = long(SHROUT_FLEISS)
    data = pd.DataFrame({"t": target, "r": rater, "y": score.astype(float)})
    table = sm.stats.anova_lm(ols("y ~ C(t) + C(r)", data).fit(), typ=2)
    found = intraclass_correlations(SHROUT_FLEISS)
    assert found.f_value[1] == pytest.approx(table.loc["C(t)", "F"], rel=1e-10)
    assert found.p_value[1] == pytest.approx(table.loc["C(t)", "PR(>F)"], rel=1e-8)


@given(SEEDS, st.floats(0.5, 5), st.integers(-9, 9))
def test_another_unit_and_another_order_leave_the_correlations_alone(seed, factor, shift):
    table = table_of(seed)
    plain = intraclass_correlations(table)
    other = intraclass_correlations(shift + factor * table[::-1, ::-1])
    for one, expected in zip(other[1:], plain[1:], strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-7, atol=1e-9)


@given(SEEDS)
def test_correlations_lie_within_their_ends(seed):
    table = table_of(seed)
    found = intraclass_correlations(table)
    assert (found.icc[[0, 2]] >= -1 / (table.shape[1] - 1) - 1e-12).all()
    known = ~np.isnan(found.icc + found.low + found.high)
    assert known[[0, 2, 3, 5]].all()
    assert (found.icc[known] <= 1).all()
    assert (found.low[known] <= found.icc[known] + 1e-9).all()
    assert (found.icc[known] <= found.high[known] + 1e-9).all()


@given(SEEDS)
def test_tables_side_by_side_are_judged_each_on_its_own(seed):
    table = table_of(seed)
    both = intraclass_correlations(np.stack([table, table**2]))
    for one, expected in zip(both[1:], intraclass_correlations(table)[1:], strict=True):
        np.testing.assert_allclose(one[0], expected, rtol=1e-9)


def test_severity_lowers_agreement_and_not_consistency():
    harsh = SHROUT_FLEISS + np.array([0, 0, 0, -20])
    plain, found = intraclass_correlations(SHROUT_FLEISS), intraclass_correlations(harsh)
    assert found.icc[1] < plain.icc[1] / 2
    assert found.icc[2] == pytest.approx(plain.icc[2])


def test_perfect_agreement_is_1_without_an_interval():
    found = intraclass_correlations([[1, 1, 1], [4, 4, 4], [2, 2, 2]])
    np.testing.assert_array_equal(found.icc, np.ones(6))
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_equal_scores_or_equal_means_of_targets_are_unknown():
    assert np.isnan(intraclass_correlations(np.full((4, 3), 0.1)).icc).all()
    no_spread = intraclass_correlations([[1, 2, 3], [3, 1, 2], [2, 3, 1]])
    assert (no_spread.icc[:3] <= 0).all()
    assert np.isnan(no_spread.icc[3:]).all()


@pytest.mark.parametrize("scores", [[[1], [2]], [[1, 2]], [1, 2, 3], [[1, np.nan], [2, 3]], 4])
def test_tables_too_small_or_with_gaps_are_refused(scores):
    with pytest.raises(InputError, match=r"^scores must"):
        intraclass_correlations(scores)


def test_a_complete_table_gives_the_usual_correlations():
    found = crossed_components(*long(SHROUT_FLEISS))
    usual = dict(zip(FORMS, intraclass_correlations(SHROUT_FLEISS).icc, strict=True))
    assert found.n_mean == pytest.approx(4)
    assert found.agreement_single == pytest.approx(usual["ICC(2,1)"], abs=1e-12)
    assert found.agreement_mean == pytest.approx(usual["ICC(2,k)"], abs=1e-12)
    assert found.consistency_single == pytest.approx(usual["ICC(3,1)"], abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_incomplete_layouts_match_henderson_by_full_projections(seed):
    rng = np.random.default_rng(seed)
    target, rater, score = layout(rng)
    kept = rng.random(len(score)) < 0.9
    codes = [np.unique(one[kept], return_inverse=True)[1] for one in (target, rater)]
    found = crossed_components(*codes, score[kept])
    expected = np.maximum(henderson_by_projections(*codes, score[kept]), 0)
    np.testing.assert_allclose(found[:3], expected, atol=1e-9)


def test_degrees_of_the_interval_are_satterthwaites_by_full_projections():
    target, rater, score = layout(np.random.default_rng(3))
    one_target, one_rater = np.eye(12)[target], np.eye(4)[rater]
    found = _sources(two_way(target, rater, score))
    for place, own, other in ((0, one_target, one_rater), (1, one_rater, one_target)):
        left = own.T @ (np.eye(len(score)) - projection(other)) @ own
        expected = np.trace(left) ** 2 / np.trace(left @ left)
        assert found.degrees[place] == pytest.approx(expected, rel=1e-9)


def test_components_are_right_on_average():
    # variances 4, (0, 1, 2, 3 as fixed spread) and 1: the estimates are unbiased
    rng = np.random.default_rng(0)
    found = np.mean([crossed_components(*layout(rng))[:3] for _ in range(300)], axis=0)
    spread_of_raters = np.var([0, 1, 2, 3], ddof=1)
    np.testing.assert_allclose(found, [4, spread_of_raters, 1], rtol=0.15)


@given(st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_show(seed, random):
    rows = list(zip(*layout(np.random.default_rng(seed)), strict=True))
    shuffled = random.sample(rows, len(rows))
    one, other = (crossed_components(*zip(*r, strict=True), n_draws=99) for r in (rows, shuffled))
    assert one == other
    one, other = (rater_severity(*zip(*r, strict=True)) for r in (rows, shuffled))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


@given(st.integers(0, 99))
def test_correlations_lie_within_their_intervals_and_0_and_1(seed):
    found = crossed_components(*layout(np.random.default_rng(seed), n_targets=20))
    for name in ("agreement_single", "agreement_mean", "consistency_single"):
        value = getattr(found, name)
        assert 0 <= getattr(found, f"{name}_low") <= value <= getattr(found, f"{name}_high") <= 1
    assert found.agreement_single <= found.agreement_mean
    assert found.agreement_single <= found.consistency_single


def test_the_interval_of_agreement_covers_where_severity_is_large():
    # 200 layouts, 60 targets, 6 raters: shares 0.5, 0.35, 0.15; 2,000 of them covered 93.9 %,
    # and 89 % or less is three standard errors below
    rng, covered = np.random.default_rng(1), 0
    for _round in range(200):
        target, rater, _score = layout(rng, 60, 6)
        score = np.sqrt(0.5) * rng.standard_normal(60)[target]
        score += np.sqrt(0.35) * rng.standard_normal(6)[rater]
        score += np.sqrt(0.15) * rng.standard_normal(120)
        found = crossed_components(target, rater, score, n_draws=499)
        covered += found.agreement_single_low <= 0.5 <= found.agreement_single_high
    assert 178 <= covered <= 199


@pytest.mark.parametrize(
    ("target", "rater", "score"),
    [
        ([1, 2, 3, 4], ["a", "b", "a", "b"], [1, 2, 3, 5]),  # every target once
        ([1, 1, 2, 2], ["a", "a", "b", "b"], [1, 2, 3, 5]),  # every rater alone
        ([1, 1, 2, 2, 3, 3], list("ababab"), [4.0] * 6),  # equal scores
    ],
)
def test_sources_that_cannot_be_told_apart_are_unknown(target, rater, score):
    assert np.isnan(crossed_components(target, rater, score)[:-1]).all()


def test_perfect_agreement_in_long_form_has_no_interval():
    found = crossed_components([1, 1, 2, 2, 3, 3], list("ababab"), [4, 4, 7, 7, 1, 1])
    assert (found.agreement_single, found.rater, found.noise) == (1, 0, 0)
    assert np.isnan([found.agreement_single_low, found.agreement_single_high]).all()


@pytest.mark.parametrize("seed", range(5))
def test_severity_matches_a_regression_on_targets_and_raters(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.regression.linear_model import OLS
    target, rater, score = layout(np.random.default_rng(seed))
    full = np.column_stack([np.eye(12)[target], np.eye(4)[rater][:, 1:]])
    fit = OLS(score, full).fit()
    # a rater's effect less the mean over all scores, in the regression's own coordinates
    effects = np.vstack([np.zeros(3), np.eye(3)])
    share = np.bincount(rater) / len(rater)
    contrast = np.hstack([np.zeros((4, 12)), effects - share @ effects])
    test = fit.t_test(contrast)
    found = rater_severity(target, rater, score)
    np.testing.assert_allclose(found.severity, -test.effect, atol=1e-9)
    np.testing.assert_allclose(found.standard_error, test.sd, atol=1e-9)
    np.testing.assert_allclose(found.p_value, test.pvalue, atol=1e-9)
    np.testing.assert_allclose(
        np.column_stack([found.low, found.high]), -test.conf_int()[:, ::-1], atol=1e-9
    )
    joint = fit.compare_f_test(OLS(score, full[:, :12]).fit())
    assert (found.f_value, found.joint_p_value) == pytest.approx(joint[:2], rel=1e-8)
    assert found.degrees == fit.df_resid


@given(st.integers(0, 99), arrays(float, 12, elements=st.integers(-50, 50).map(float)))
def test_easy_targets_make_no_rater_mild(seed, ease):
    target, rater, score = layout(np.random.default_rng(seed))
    plain, other = (rater_severity(target, rater, y) for y in (score, score + ease[target]))
    np.testing.assert_allclose(other.severity, plain.severity, atol=1e-8)
    assert plain.n_scores @ plain.severity == pytest.approx(0, abs=1e-9)


def test_raters_are_compared_along_chains_of_shared_targets():
    # a and c never meet: a is 1 below b, b is 2 below c, so a is 3 below c
    found = rater_severity([1, 1, 2, 2], ["a", "b", "b", "c"], [5, 6, 3, 5])
    assert found.severity[0] - found.severity[2] == pytest.approx(3)
    assert np.isnan(found.standard_error).all()  # four scores, four unknowns: no noise seen
    assert found.degrees == 0


def test_sets_that_nothing_ties_together_are_named_and_not_compared():
    found = rater_severity(
        [1, 1, 2, 2, 3, 3, 4], ["a", "c", "a", "c", "b", "d", "e"], [5, 4, 6, 5, 9, 8, 2]
    )
    assert not found.connected
    assert found.rater.tolist() == ["a", "b", "c", "d", "e"]
    groups = {}
    for rater, number in zip(found.rater.tolist(), found.set_number.tolist(), strict=True):
        groups.setdefault(number, []).append(rater)
    assert sorted(groups.values()) == [["a", "c"], ["b", "d"], ["e"]]
    assert np.isnan(found.severity).all()
    assert np.isnan(found.joint_p_value)


def test_raters_who_agree_perfectly_have_severity_0_and_no_errors():
    found = rater_severity([1, 1, 2, 2, 3, 3], list("ababab"), [0.1, 0.1, 0.3, 0.3, 0.7, 0.7])
    np.testing.assert_allclose(found.severity, 0, atol=1e-12)
    assert np.isnan(found.p_value).all()
    assert np.isnan(found.joint_p_value)


@pytest.mark.parametrize("function", [rater_severity, crossed_components])
@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (([1, 2, 1], ["a", "a", "a"], [1, 2, 3]), "rater"),
        (([1, 2], ["a", "b", "a"], [1, 2, 3]), "target"),
        (([1, 2, 1], ["a", "b"], [1, 2, 3]), "rater"),
        (([1, 2, 1], ["a", "b", "a"], [1, 2, np.nan]), "score"),
        (([], [], []), "score"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name(function, rows, named):
    with pytest.raises(InputError, match=f"^{named} must"):
        function(*rows)


def test_a_mean_of_less_than_one_rater_is_refused():
    with pytest.raises(InputError, match=r"^n_mean must"):
        crossed_components(*long(SHROUT_FLEISS), n_mean=0.5)


def test_the_level_of_the_scores_does_not_matter():
    table = np.array(SHROUT_FLEISS, float)
    usual, found = (intraclass_correlations(one) for one in (table, table + 1e9))
    np.testing.assert_allclose(found.icc, usual.icc, rtol=1e-6)
    np.testing.assert_allclose(found.low, usual.low, rtol=1e-6)
    usual, found = (crossed_components(*long(one)) for one in (table, table + 1e9))
    np.testing.assert_allclose(found, usual, rtol=1e-6)
    usual, found = (rater_severity(*long(one)) for one in (table, table + 1e9))
    np.testing.assert_allclose(found.p_value, usual.p_value, rtol=1e-6)


@pytest.mark.parametrize("wrong", ["x", [2, 3], np.inf])
def test_a_mean_that_is_no_number_is_refused(wrong):
    with pytest.raises(InputError, match=r"^n_mean must"):
        crossed_components(*long(SHROUT_FLEISS), n_mean=wrong)
