"""Rankability, expected ranks and quarters, against statsmodels, integrals and real tables."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from salesdiag.errors import InputError
from salesdiag.stats.shrinkage import (
    expected_rank,
    homogeneity_test,
    pooled_variance,
    quarter_probability,
    rankability,
)
from tests.real_data import data_folder, needs

POSTERIORS = st.lists(
    st.tuples(st.integers(-5, 5).map(float), st.integers(0, 4).map(float)), min_size=1, max_size=12
)
FEW = settings(deadline=None, max_examples=40)
# 5,000 draws: four standard errors of a probability near a half
FOUR_ERRORS = 4 * 0.5 / np.sqrt(5_000)


def statsmodels_tau2(value, variance):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.stats.meta_analysis import combine_effects

        return combine_effects(
            np.asarray(value), np.asarray(variance), method_re="iterated", atol=1e-14, maxiter=500
        ).tau2


# --- rankability -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_the_variance_between_units_matches_statsmodels_paule_mandel(seed):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.2, 3, 12)
    value = rng.normal(0, 1.5, 12) + rng.normal(0, np.sqrt(variance))
    found = rankability(value, variance)
    # both iterate to a root; statsmodels stops at its own tolerance
    assert found.tau2 == pytest.approx(statsmodels_tau2(value, variance), rel=1e-5)
    assert found.rankability == pytest.approx(found.tau2 / (found.tau2 + np.median(variance)))


def test_equal_variances_give_the_plain_difference_of_variances():
    # variance of 1, 2, 4, 9 is 12 2/3; less the noise of 2
    found = rankability([1, 2, 4, 9], [2, 2, 2, 2])
    assert found.tau2 == pytest.approx(38 / 3 - 2, rel=1e-9)
    assert found.rankability == pytest.approx((38 / 3 - 2) / (38 / 3), rel=1e-9)


def test_units_closer_than_chance_cannot_be_ranked_at_all():
    assert rankability([1.0, 1.1, 0.9], [1, 1, 1]) == (0.0, 0.0)
    assert rankability([5, 5, 5], [1, 1, 1]) == (0.0, 0.0)


def test_pooled_variance_by_hand():
    # 25 of 100 count: 0.1875 over the size; a unit without cases has no variance
    found = pooled_variance([5, 20, 0, np.nan], [40, 60, 0, 7])
    np.testing.assert_allclose(found[:2], [0.1875 / 40, 0.1875 / 60])
    assert np.isnan(found[2:]).all()


@needs("maven_crm")
def test_thirty_units_of_maven_must_not_be_ranked():
    deals = pd.read_csv(data_folder() / "maven_crm" / "sales_pipeline.csv")
    closed = deals[deals["deal_stage"].isin(["Won", "Lost"])]
    won = closed["deal_stage"].eq("Won").groupby(closed["sales_agent"]).agg(["sum", "size"])
    n_part, n_whole = won["sum"].to_numpy(float), won["size"].to_numpy(float)
    test = homogeneity_test(n_part, n_whole)
    assert len(won) == 30
    assert (round(test.statistic, 1), test.df, round(test.p_value, 2)) == (33.3, 29, 0.26)
    found = rankability(n_part / n_whole, pooled_variance(n_part, n_whole))
    assert round(found.rankability, 2) == 0.13


@FEW
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 5)), min_size=2, max_size=9), st.data())
def test_rankability_lies_between_0_and_1_whatever_the_order_and_unit(units, data):
    value, variance = np.array(units).T
    found = rankability(value, variance)
    assert 0 <= found.rankability < 1
    place = data.draw(st.permutations(range(len(units))))
    assert rankability(value[place], variance[place]) == found
    scaled = rankability(100 * value + 7, 1e4 * variance)
    assert scaled.rankability == pytest.approx(found.rankability, abs=1e-6)


def test_one_unit_or_none_known_is_unknown():
    assert np.isnan(rankability([1], [1])).all()
    assert np.isnan(rankability([1, np.nan], [1, 1])).all()
    assert rankability([1, 4, np.nan], [1, 1, 2]) == rankability([1, 4], [1, 1])


# --- ranks -----------------------------------------------------------------------------------


def test_expected_rank_adds_up_probabilities_of_standing_above():
    value, sd = [0.1, 0.4, 0.35, 0.9], [0.2, 0.1, 0.3, 0.05]
    expected = [
        1
        + sum(norm.cdf((value[i] - value[k]) / np.hypot(sd[i], sd[k])) for k in range(4) if k != i)
        for i in range(4)
    ]
    found = expected_rank(value, sd)
    np.testing.assert_allclose(found.rank, expected, rtol=1e-12)
    np.testing.assert_allclose(found.percentile, (np.array(expected) - 0.5) / 4)


def test_exactly_known_units_have_their_plain_ranks_and_ties_share():
    assert expected_rank([3, 1, 2], [0, 0, 0]).rank.tolist() == [3.0, 1.0, 2.0]
    assert expected_rank([3, 1, 3], [0, 0, 0]).rank.tolist() == [2.5, 1.0, 2.5]


@FEW
@given(POSTERIORS, st.permutations(range(12)))
def test_ranks_add_up_and_do_not_depend_on_the_order(units, order):
    value, sd = np.array(units).T
    n = len(value)
    found = expected_rank(value, sd).rank
    assert found.sum() == pytest.approx(n * (n + 1) / 2)
    assert np.all((found >= 1 - 1e-9) & (found <= n + 1e-9))
    place = [i for i in order if i < n]
    np.testing.assert_array_equal(expected_rank(value[place], sd[place]).rank, found[place])


def test_many_units_are_ranked_in_blocks_as_in_one():
    rng = np.random.default_rng(0)
    value, sd = rng.normal(size=2500), rng.uniform(0.1, 1, 2500)
    found = expected_rank(value, sd).rank
    one = 2400
    above = norm.cdf((value[one] - value) / np.hypot(sd[one], sd))
    assert found[one] == pytest.approx(0.5 + above.sum())


# --- quarters --------------------------------------------------------------------------------


def test_a_quarter_of_four_is_the_lowest_and_the_highest_by_integration():
    value, sd = np.array([0.1, 0.4, 0.3, 0.6]), np.array([0.2, 0.1, 0.3, 0.15])
    found = quarter_probability(value, sd)
    for i in range(4):
        others = [k for k in range(4) if k != i]

        def highest(x, i=i, others=others):
            return norm.pdf(x, value[i], sd[i]) * np.prod(norm.cdf(x, value[others], sd[others]))

        def lowest(x, i=i, others=others):
            return norm.pdf(x, value[i], sd[i]) * np.prod(norm.sf(x, value[others], sd[others]))

        assert found.top[i] == pytest.approx(quad(highest, -2, 3)[0], abs=FOUR_ERRORS)
        assert found.bottom[i] == pytest.approx(quad(lowest, -2, 3)[0], abs=FOUR_ERRORS)


def test_a_share_of_two_units_is_a_matter_of_one_difference():
    found = quarter_probability([0.0, 1.0], [1.0, 1.0], quarter=0.5)
    assert found.top[1] == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=FOUR_ERRORS)
    np.testing.assert_allclose(found.top + found.bottom, 1)


def test_the_unit_at_the_border_counts_in_part():
    # a quarter of 6 is 1.5 units
    found = quarter_probability([1, 2, 3, 4, 5, 6], [0] * 6)
    assert found.bottom.tolist() == [1, 0.5, 0, 0, 0, 0]
    assert found.top.tolist() == [0, 0, 0, 0, 0.5, 1]


def test_ties_share_the_places():
    found = quarter_probability([1, 1, 1, 2], [0] * 4)
    np.testing.assert_allclose(found.bottom, [1 / 3, 1 / 3, 1 / 3, 0])
    # alike but uncertain: a quarter each, without Monte Carlo error
    np.testing.assert_allclose(quarter_probability([3] * 5, [1] * 5).top, 0.25)


@FEW
@given(POSTERIORS, st.permutations(range(12)), st.floats(0.05, 0.95))
def test_quarters_add_up_and_do_not_depend_on_the_order(units, order, quarter):
    value, sd = np.array(units).T
    found = quarter_probability(value, sd, quarter=quarter, n_draws=200)
    for one in found:
        assert np.all((one >= -1e-9) & (one <= 1 + 1e-9))
        assert one.sum() == pytest.approx(quarter * len(value))
    place = [i for i in order if i < len(value)]
    moved = quarter_probability(value[place], sd[place], quarter=quarter, n_draws=200)
    np.testing.assert_array_equal(moved.top, found.top[place])
    np.testing.assert_array_equal(moved.bottom, found.bottom[place])


def test_the_seed_decides_and_missing_units_stay_unknown():
    value, sd = [0.1, 0.4, np.nan, 0.6], [0.3, 0.3, 0.3, 0.3]
    first = quarter_probability(value, sd, n_draws=500)
    assert np.isnan([first.top[2], first.bottom[2]]).all()
    np.testing.assert_array_equal(first.top, quarter_probability(value, sd, n_draws=500).top)
    again = quarter_probability(value, sd, n_draws=500, seed=1).top
    assert not np.array_equal(first.top[[0, 1, 3]], again[[0, 1, 3]])
    assert np.isnan(quarter_probability([np.nan], [1]).top).all()
    assert np.isnan(expected_rank([np.nan], [1]).rank).all()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rankability([], []), "value must hold at least 1"),
        (lambda: rankability([1, 2], [1, 0]), "variance must be above 0"),
        (lambda: rankability([1, 2], [1]), "variance must have one entry a row"),
        (lambda: rankability([1, 2], [1, -1]), "variance must be 0 or more"),
        (lambda: pooled_variance([3], [2]), "n_part must not exceed n_whole"),
        (lambda: expected_rank([1, 2], [1, -1]), "sd must be 0 or more"),
        (lambda: quarter_probability([1, 2], [1, 1], quarter=1), "quarter must lie strictly"),
        (lambda: quarter_probability([1, 2], [1, 1], n_draws=0), "n_draws must be a whole"),
        (lambda: quarter_probability([1, 2], [1, 1], seed=0.5), "seed must be a whole"),
    ],
)
def test_bad_input_is_refused_by_name(call, match):
    with pytest.raises(InputError, match=match):
        call()


@pytest.mark.parametrize("noise", [1e-25, 1e-18, 1e-12, 1e-199])
def test_almost_no_noise_leaves_the_plain_variance(noise):
    found = rankability([1, 2, 3], [noise] * 3)
    assert found.tau2 == pytest.approx(1, rel=1e-9)
    assert found.rankability == pytest.approx(1, rel=1e-9)


def test_variances_of_all_scales_have_a_solution():
    # with all noise far below the differences it is the plain variance
    assert rankability([1, 1e10, 3], [1e-20, 1, 1e-5]).tau2 == pytest.approx(1e20 / 3)
    rng = np.random.default_rng(1)
    for n in rng.integers(2, 8, 200):
        value = rng.normal(size=n) * 10.0 ** rng.uniform(-10, 10, n)
        found = rankability(value, 10.0 ** rng.uniform(-30, 10, n))
        assert 0 <= found.tau2 <= value.var(ddof=1) * (1 + 1e-9)
        assert 0 <= found.rankability <= 1


@pytest.mark.parametrize(
    ("value", "variance", "named"),
    [([1, 1e200], [1, 1], "value"), ([1, 2], [1, 1e-300], "variance")],
)
def test_numbers_that_cannot_be_squared_are_refused(value, variance, named):
    with pytest.raises(InputError, match=f"^{named} must be"):
        rankability(value, variance)
