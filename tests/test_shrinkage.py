"""Shrinkage, against Efron and Morris, brute-force integration and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from salesdiag.errors import InputError
from salesdiag.stats.shrinkage import (
    beta_binomial_shrinkage,
    gamma_poisson_shrinkage,
    james_stein,
    normal_shrinkage,
)

# Efron and Morris (1975): averages of the first 45 times at bat as printed, and of the rest of
# the season. The sixteenth of the rest goes round as .285 and .286; only .285 gives the
# published sums of squares.
FIRST_45 = np.array(
    [.400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222, .222, .222,
     .200, .178, .156]
)  # fmt: skip
REST = np.array(
    [.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303, .264, .226,
     .285, .316, .200]
)  # fmt: skip
HITS = np.round(FIRST_45 * 45)

COUNTS = st.lists(
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=8,
).filter(lambda units: sum(n for _part, n in units) > 0)
FEW = settings(deadline=None, max_examples=15)


def squared_error(found):
    return np.sum((found - REST) ** 2)


# --- the classical estimator -----------------------------------------------------------------


def test_james_stein_reproduces_efron_and_morris_to_all_printed_digits():
    mean = FIRST_45.mean()
    shrunken = james_stein(FIRST_45, mean * (1 - mean) / 45)
    assert shrunken.mean == pytest.approx(0.265389, abs=5e-7)
    assert shrunken.weight == pytest.approx(0.212391, abs=5e-7)
    assert shrunken.value[0] == pytest.approx(0.2940, abs=5e-5)  # Clemente
    assert shrunken.value[-1] == pytest.approx(0.2422, abs=5e-5)  # Alvis
    assert squared_error(FIRST_45) == pytest.approx(0.0754, abs=5e-5)
    assert squared_error(shrunken.value) == pytest.approx(0.0213, abs=5e-5)
    assert squared_error(FIRST_45) / squared_error(shrunken.value) == pytest.approx(3.54, abs=5e-3)


def test_james_stein_pulls_all_the_way_where_chance_explains_everything():
    shrunken = james_stein([1, 2, 3, 4], 100)
    assert shrunken.weight == 0.0
    assert shrunken.value.tolist() == [2.5] * 4
    assert james_stein([3, 3, 3, 3], 1).value.tolist() == [3.0] * 4


@pytest.mark.parametrize(
    ("value", "variance", "match"),
    [([1, 2, 3], 1, "value must hold at least 4"), ([1, 2, 3, np.nan], 1, "value must not hold"),
     ([1, 2, 3, 4], 0, "variance must be above 0"), ([1, 2, 3, 4], -1, "variance must be 0")],
)  # fmt: skip
def test_james_stein_refuses_what_it_cannot_shrink(value, variance, match):
    with pytest.raises(InputError, match=match):
        james_stein(value, variance)


def test_hierarchical_shrinkage_foretells_the_season_as_well_as_james_stein():
    shrunken = beta_binomial_shrinkage(HITS, np.full(18, 45))
    assert squared_error(FIRST_45) / squared_error(shrunken.value) > 3.3
    assert np.sum((shrunken.low <= REST) & (shrunken.high >= REST)) >= 16


# --- brute force over both unknowns ------------------------------------------------------------


def posterior(evidence, grid, unit_cdf):
    """Average a unit's distribution function over all grid cells, by their evidence."""
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    below = np.array([np.sum(weight * unit_cdf(x)) for x in grid])
    return np.interp([0.025, 0.975], below, grid), np.sum(
        np.diff(below) * (grid[1:] + grid[:-1]) / 2
    )


def weighted(evidence, values):
    """Average over the mean (rows), for each spread (columns)."""
    weight = np.exp(evidence - evidence.max())
    return (weight * values).sum(axis=0) / weight.sum(axis=0)


def median_spread(evidence, spread):
    """Give the standard deviation between units that lies in the middle of what may be."""
    weight = np.exp(evidence - evidence.max()).sum(axis=0)
    order = np.argsort(spread)
    below = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(weight.sum() / 2, below, spread[order])


def spread_prior(position):
    """Log density over u = log(prior size / typical size): the root of B is even on (0, 1)."""
    noise = 1 / (1 + np.exp(-position))
    return np.log(np.sqrt(noise) * (1 - noise))


# The moments of a unit at one spread are exact, its distribution is taken as a beta or gamma
# with these moments: 0.004 on a probability scale is a tenth of the narrowest interval's error.
BRUTE = 4e-3


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ([3, 9, 14, 30, 0], [20, 30, 25, 60, 10]),
        ([1, 0, 2, 3, 1, 0], [5, 4, 6, 5, 9, 3]),  # so few events that the spread has a floor
        ([6, 6, 6, 70, 120], [40, 40, 40, 200, 300]),  # units alike count one by one
    ],
)
def test_shares_agree_with_integration_over_mean_and_spread(part, whole):
    part, whole = np.array(part), np.array(whole)
    pooled = (part.sum() + 0.5) / (whole.sum() + 1)
    typical = max(np.median(whole), 4 / (pooled * (1 - pooled)))
    angle = (np.arange(120) + 0.5) / 120 * np.pi / 2
    position = np.linspace(-9, 9, 73)
    mean = np.sin(angle)[:, None] ** 2  # Jeffreys: even in the angle
    size = typical * np.exp(position)[None]
    a, b = mean * size, (1 - mean) * size
    evidence = spread_prior(position) + sum(
        stats.betabinom.logpmf(k, n, a, b) for k, n in zip(part, whole, strict=True)
    )
    found = beta_binomial_shrinkage(part, whole)
    grid = np.linspace(0, 1, 201)
    for i in range(len(part)):
        (low, high), value = posterior(
            evidence, grid, lambda x, i=i: stats.beta.cdf(x, a + part[i], b + whole[i] - part[i])
        )
        np.testing.assert_allclose(
            (found.value[i], found.low[i], found.high[i]), (value, low, high), atol=BRUTE
        )
    variance = weighted(evidence, mean * (1 - mean)) / (size[0] + 1)
    # 1 %: steps of a quarter in the logarithm of the size
    assert found.prior_sd == pytest.approx(median_spread(evidence, np.sqrt(variance)), rel=0.01)


def test_ratios_agree_with_integration_over_mean_and_spread():
    event, expected = np.array([2, 9, 14, 30, 5]), np.array([4.0, 10.0, 8.0, 28.0, 7.5])
    pooled = (event.sum() + 0.5) / expected.sum()
    typical = max(np.median(expected), 4 / pooled)
    root = (np.arange(50) + 0.5) / 50 * 2.5
    position = np.linspace(np.log(0.1 / pooled / typical), 9, 31)
    mean, size = root[:, None] ** 2, typical * np.exp(position)[None]
    evidence = (
        spread_prior(position)
        - np.log1p(mean / (10 * pooled))
        + sum(
            stats.nbinom.logpmf(k, mean * size, size / (size + n))
            for k, n in zip(event, expected, strict=True)
        )
    )
    found = gamma_poisson_shrinkage(event, expected)
    grid = np.linspace(0, 5, 251)
    for i in range(len(event)):
        (low, high), value = posterior(
            evidence, grid,
            lambda x, i=i: stats.gamma.cdf(
                x, mean * size + event[i], scale=1 / (size + expected[i])
            ),
        )  # fmt: skip
        np.testing.assert_allclose(
            (found.value[i], found.low[i], found.high[i]), (value, low, high), atol=2 * BRUTE
        )
    spread = np.sqrt(weighted(evidence, mean + 0 * size) / size[0])
    assert found.prior_sd == pytest.approx(median_spread(evidence, spread), rel=0.02)


def test_means_agree_with_integration_over_mean_and_spread():
    # Rubin (1981), eight schools
    value = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    variance = np.array([15.0, 10, 16, 11, 9, 11, 10, 18]) ** 2
    middle, position = np.linspace(-60, 75, 136)[:, None], np.linspace(-8, 9, 69)[None]
    tau2 = np.median(variance) * np.exp(-position)
    evidence = spread_prior(position) + sum(
        stats.norm.logpdf(y, middle, np.sqrt(v + tau2))
        for y, v in zip(value, variance, strict=True)
    )
    found = normal_shrinkage(value, variance)
    grid = np.linspace(-50, 70, 241)
    for i in (0, 2):
        own = tau2 / (tau2 + variance[i])
        centre, sd = own * value[i] + (1 - own) * middle, np.sqrt(own * variance[i])
        (low, high), expected = posterior(
            evidence, grid, lambda x, c=centre, s=sd: stats.norm.cdf(x, c, s)
        )
        # the grid ends where 3e-4 of the prior is left
        np.testing.assert_allclose(
            (found.value[i], found.low[i], found.high[i]), (expected, low, high), atol=0.05
        )


# --- rules -----------------------------------------------------------------------------------


def test_a_unit_without_cases_gets_the_prior_mean_and_the_widest_interval():
    for shrink in (beta_binomial_shrinkage, gamma_poisson_shrinkage):
        found = shrink([10, 20, 0, 30, 12], [40, 50, 0, 60, 45])
        assert found.value[2] == pytest.approx(found.prior_mean, rel=1e-9)
        assert found.weight[2] == 0.0
        assert np.argmax(found.high - found.low) == 2


def test_units_as_alike_as_chance_allows_are_pulled_almost_together():
    found = beta_binomial_shrinkage([30, 30, 30, 30, 31] * 6, [100] * 30)
    assert np.ptp(found.value) < 0.1 * 0.01
    assert found.prior_sd < 0.02
    assert np.all(found.weight < 0.1)


def test_units_with_very_many_cases_keep_their_own_share():
    part, whole = np.array([10_000, 20_000, 30_000, 45_000]), np.full(4, 100_000)
    found = beta_binomial_shrinkage(part, whole)
    np.testing.assert_allclose(found.value, part / whole, atol=1e-4)
    # then the interval is the plain one: 1.96 standard errors
    error = np.sqrt(found.value * (1 - found.value) / whole)
    np.testing.assert_allclose(found.high - found.low, 2 * 1.959964 * error, rtol=0.01)


def test_one_unit_alone_is_not_enough_to_shrink_to_nor_a_reason_to_fail():
    found = beta_binomial_shrinkage([12], [20])
    assert found.low[0] < 0.6 < found.high[0]
    assert normal_shrinkage([5], [4]).value[0] == pytest.approx(5)
    assert 0 < gamma_poisson_shrinkage([3], [2]).low[0] < 1.5


def test_none_and_all_stay_within_range():
    none, every = (
        beta_binomial_shrinkage([0, 0, 0], [9, 5, 2]),
        beta_binomial_shrinkage([4, 7], [4, 7]),
    )
    assert np.all((none.low >= 0) & (none.value > 0) & (none.high < 0.5))
    assert np.all((every.high <= 1) & (every.value < 1) & (every.low > 0.5))
    nothing = gamma_poisson_shrinkage([0, 0, 0], [9, 5, 2])
    assert np.all((nothing.low >= 0) & (nothing.value > 0) & (nothing.high < 1))


@FEW
@given(COUNTS)
def test_shares_hold_their_bounds_and_their_mirror(units):
    part, whole = np.array(units).T
    found = beta_binomial_shrinkage(part, whole)
    assert np.all((found.low >= 0) & (found.low < found.value))
    assert np.all((found.value < found.high) & (found.high <= 1))
    assert np.all((found.weight >= 0) & (found.weight < 1))
    mirrored = beta_binomial_shrinkage(whole - part, whole)
    np.testing.assert_allclose(mirrored.value, 1 - found.value, atol=1e-6)
    np.testing.assert_allclose(mirrored.low, 1 - found.high, atol=1e-6)


@FEW
@given(COUNTS, st.permutations(range(8)))
def test_the_order_of_the_units_is_no_matter(units, order):
    part, whole = np.array(units, float).T
    place = [i for i in order if i < len(units)]
    for shrink, second in (
        (beta_binomial_shrinkage, whole),
        (gamma_poisson_shrinkage, whole + 0.5),
        (normal_shrinkage, whole + 0.5),
    ):
        found, moved = shrink(part, second), shrink(part[place], second[place])
        for one, other in zip(found[:5], moved[:5], strict=True):
            np.testing.assert_array_equal(one[place], other)


@FEW
@given(COUNTS)
def test_a_larger_unit_with_the_same_share_keeps_more_of_it(units):
    part, whole = np.array(units, float).T
    found = beta_binomial_shrinkage([*part, *(2 * part)], [*whole, *(2 * whole)])
    small, large = np.split(found.weight, 2)
    assert np.all(large >= small)


def test_a_higher_confidence_gives_a_wider_interval():
    widths = [
        np.subtract(*beta_binomial_shrinkage([3, 8, 20], [20, 30, 40], confidence=level)[1:3])
        for level in (0.99, 0.95, 0.8)
    ]
    assert np.all(np.diff(widths, axis=0) > 0)


def test_ratios_follow_the_unit_of_exposure():
    event, days = [3, 8, 20, 7], np.array([2.0, 9.0, 11.0, 8.0])
    daily, weekly = gamma_poisson_shrinkage(event, days), gamma_poisson_shrinkage(event, days / 7)
    np.testing.assert_allclose(weekly.value, 7 * daily.value, rtol=1e-6)
    np.testing.assert_allclose(weekly.low, 7 * daily.low, rtol=1e-6)


def test_means_follow_shift_and_scale():
    value, variance = np.array([1.0, 4, 2, 7]), np.array([1.0, 2, 1, 3])
    plain, moved = normal_shrinkage(value, variance), normal_shrinkage(50 - 3 * value, 9 * variance)
    np.testing.assert_allclose(moved.value, 50 - 3 * plain.value, rtol=1e-6)
    np.testing.assert_allclose(moved.low, 50 - 3 * plain.high, rtol=1e-6)
    assert moved.prior_sd == pytest.approx(3 * plain.prior_sd, rel=1e-6)


def test_the_intervals_cover_units_drawn_from_a_prior_about_as_often_as_they_say():
    # 12 units of about 20 events whose log odds differ by about 0.5; a long simulation gave 94 %
    rng = np.random.default_rng(3)
    size = 1 / (0.25 * 0.3 * 0.7)
    covered = []
    for _round in range(60):
        whole = rng.integers(35, 100, 12)
        truth = rng.beta(0.3 * size, 0.7 * size, 12)
        found = beta_binomial_shrinkage(rng.binomial(whole, truth), whole)
        covered.append(np.mean((found.low <= truth) & (truth <= found.high)))
    assert 0.91 <= np.mean(covered) <= 0.98  # 720 units: standard error 0.9 points


def test_a_missing_unit_is_left_out_and_stays_unknown():
    whole = beta_binomial_shrinkage([3, 8, 20], [20, 30, 40])
    gap = beta_binomial_shrinkage([3, np.nan, 8, 20, 1], [20, 30, 30, 40, np.nan])
    for one, other in zip(whole[:5], gap[:5], strict=True):
        np.testing.assert_array_equal(other[[0, 2, 3]], one)
        assert np.isnan(other[[1, 4]]).all()


def test_nothing_known_gives_nothing():
    for found in (
        beta_binomial_shrinkage([0, 0], [0, 0]),
        gamma_poisson_shrinkage([0, np.nan], [0, 1]),
        normal_shrinkage([np.nan], [1]),
    ):
        assert all(np.isnan(field).all() for field in found)


@pytest.mark.parametrize(
    ("shrink", "first", "second", "match"),
    [
        (beta_binomial_shrinkage, [], [], "n_part must hold at least 1"),
        (beta_binomial_shrinkage, [3], [2], "n_part must not exceed n_whole"),
        (beta_binomial_shrinkage, [-1], [2], "n_part must be 0 or more"),
        (beta_binomial_shrinkage, [1, 1], [2], "n_whole must have one entry a row"),
        (beta_binomial_shrinkage, ["a"], [2], "n_part must hold numbers only"),
        (gamma_poisson_shrinkage, [1], [0], "expected must be above 0 where n_event is"),
        (gamma_poisson_shrinkage, [1], [-2], "expected must be 0 or more"),
        (gamma_poisson_shrinkage, [[1]], [1], "n_event must be a list"),
        (normal_shrinkage, [1, 2], [1, 0], "variance must be above 0"),
        (normal_shrinkage, [np.inf], [1], "value must be finite"),
    ],
)
def test_bad_units_are_refused_by_name(shrink, first, second, match):
    with pytest.raises(InputError, match=match):
        shrink(first, second)


@pytest.mark.parametrize(
    "shrink", [beta_binomial_shrinkage, gamma_poisson_shrinkage, normal_shrinkage]
)
def test_a_confidence_outside_0_and_1_is_refused_by_name(shrink):
    with pytest.raises(InputError, match="confidence must lie strictly between 0 and 1"):
        shrink([1, 2], [3, 4], confidence=95)


# --- counts and variances of any size --------------------------------------------------------


@pytest.mark.parametrize("size", [1e12, 1e16, 1e21])
def test_enormous_counts_leave_each_unit_where_it_is(size):
    share = np.array([0.5, 0.1, 0.7])
    found = beta_binomial_shrinkage(share * size, [size] * 3)
    np.testing.assert_allclose(found.value, share, rtol=1e-6)
    np.testing.assert_allclose(found.sd, np.sqrt(share * (1 - share) / size), rtol=1e-3)
    if size < 1e20:  # beyond, scipy's beta distribution function loses digits
        np.testing.assert_allclose(found.high - found.value, 1.96 * found.sd, rtol=1e-2)
    assert 0.15 < found.prior_sd < 0.5
    found = gamma_poisson_shrinkage(share * size, [size] * 3)
    np.testing.assert_allclose(found.value, share, rtol=1e-6)
    np.testing.assert_allclose(found.sd, np.sqrt(share / size), rtol=1e-3)


@pytest.mark.parametrize("size", [1e6, 1e12, 1e16])
def test_units_that_are_alike_share_what_they_know_whatever_their_size(size):
    # scale freedom: the noise is all there is, so results go with the root of the size
    small = beta_binomial_shrinkage([5e5] * 3, [1e6] * 3)
    found = beta_binomial_shrinkage([size / 2] * 3, [size] * 3)
    np.testing.assert_allclose(found.value, 0.5, rtol=1e-9)
    np.testing.assert_allclose(found.sd, small.sd * np.sqrt(1e6 / size), rtol=1e-2)
    np.testing.assert_allclose(found.weight, small.weight, rtol=1e-2)
    counts = gamma_poisson_shrinkage([size] * 3, [size] * 3)
    np.testing.assert_allclose(counts.sd, 2 * found.sd, rtol=2e-2)


@pytest.mark.parametrize("noise", [1e-10, 1e-14, 1e-20, 1e-30, 1e-150])
def test_the_spread_of_units_does_not_hang_on_how_little_noise_there_is(noise):
    usual = normal_shrinkage([1, 2, 3], [1e-6] * 3).prior_sd
    found = normal_shrinkage([1, 2, 3], [noise] * 3)
    # the grid's position moves, which a tenth allows for
    assert found.prior_sd == pytest.approx(usual, rel=0.1)
    assert found.prior_sd == pytest.approx(1, rel=0.15)
    np.testing.assert_allclose(found.sd, np.sqrt(noise), rtol=0.2, atol=1e-15)


def test_james_stein_does_not_hang_on_the_unit():
    usual = james_stein([1, 2, 3, 4.5], 0.3)
    for unit in (1e-90, 1e90):
        found = james_stein(np.array([1, 2, 3, 4.5]) * unit, 0.3 * unit**2)
        assert found.weight == pytest.approx(usual.weight, rel=1e-12)
        np.testing.assert_allclose(found.value, usual.value * unit, rtol=1e-12)
    assert james_stein([1, 2, 3, 4], 1e300).weight == 0
    assert james_stein([2, 2, 2, 2], 1).value.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("value", "variance", "named"),
    [([1e200, 2, 3, 4], 1, "value"), ([1, 2, 3, 4], 1e-300, "variance"),
     ([1, 2, 3, 4], [1, 2], "variance")],
)  # fmt: skip
def test_numbers_beyond_squares_and_lists_are_refused(value, variance, named):
    with pytest.raises(InputError, match=f"^{named} must be"):
        james_stein(value, variance)


def test_densities_and_quantiles_are_scipys():
    from salesdiag.stats.shrinkage.mixtures import beta, gamma

    rng = np.random.default_rng(2)
    a, b = 10 ** rng.uniform(-3, 5, (2, 500))
    x = stats.beta.ppf(rng.uniform(0.001, 0.999, 500), a, b)
    inside = (x > 1e-200) & (x < 1 - 1e-9)
    np.testing.assert_allclose(beta(x, a, b)[1][inside], stats.beta.pdf(x, a, b)[inside], rtol=1e-8)
    x = stats.gamma.ppf(rng.uniform(0.001, 0.999, 500), a, scale=1 / b)
    inside = x > 1e-200
    known = stats.gamma.pdf(x, a, scale=1 / b)
    np.testing.assert_allclose(gamma(x, a, b)[1][inside], known[inside], rtol=1e-8)
