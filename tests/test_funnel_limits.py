"""Limits of funnel plots, against scipy's distributions, and what widens them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, poisson

from salesdiag.errors import InputError
from salesdiag.stats.shrinkage import (
    Overdispersion,
    funnel_limits,
    overdispersion,
    ratio_funnel_limits,
    ratio_overdispersion,
)

FEW = settings(deadline=None, max_examples=60)


def spiegelhalter_2005(distribution, tail, size):
    """Appendix A.1.1: step back from the quantile by the part of its probability in excess."""
    reached = distribution.ppf(tail)
    excess = distribution.cdf(reached) - tail
    limit = max(reached - excess / distribution.pmf(reached), 0) / size
    # ours: a limit stays on its side of the common rate
    return (min if tail < 0.5 else max)(limit, distribution.mean() / size)


# --- limits ----------------------------------------------------------------------------------


@FEW
@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.sampled_from([0.8, 0.95, 0.998]))
def test_limits_of_shares_are_spiegelhalters_on_scipys_binomial(size, rate, confidence):
    found = funnel_limits([size], rate, confidence=confidence)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    for limit, tail in zip(found, tails, strict=True):
        expected = spiegelhalter_2005(binom(size, rate), tail, size)
        assert limit.item() == pytest.approx(expected, abs=1e-8)


@FEW
@given(st.floats(0.05, 5000), st.floats(0.2, 4), st.sampled_from([0.8, 0.95, 0.998]))
def test_limits_of_ratios_are_spiegelhalters_on_scipys_poisson(expected, target, confidence):
    found = ratio_funnel_limits([expected], target=target, confidence=confidence)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    for limit, tail in zip(found, tails, strict=True):
        known = spiegelhalter_2005(poisson(expected * target), tail, expected)
        assert limit.item() == pytest.approx(known, abs=1e-8)


def test_three_cases_by_hand():
    # binomial of 2 at a half: 1/4, 1/2, 1/4; at 50 % the tails are 1/4 and 3/4.
    # The low limit is 0 exactly, the high one 1 exactly.
    low, high = funnel_limits([2], 0.5, confidence=0.5)
    assert (low.item(), high.item()) == pytest.approx((0.0, 0.5))
    # at 60 %, tails 0.2 and 0.8: the high limit is 2 - 0.2 / 0.25 = 1.2 of 2
    low, high = funnel_limits([2], 0.5, confidence=0.6)
    assert (low.item(), high.item()) == pytest.approx((0.0, 0.6))


def test_large_units_have_the_limits_of_the_normal_distribution():
    low, high = funnel_limits([1e6], 0.3)
    error = np.sqrt(0.21 / 1e6)
    np.testing.assert_allclose([low[0], high[0]], 0.3 + np.array([-1, 1]) * 1.96 * error, atol=1e-6)
    low, high = ratio_funnel_limits([1e6])
    np.testing.assert_allclose([low[0], high[0]], [1 - 1.96e-3, 1 + 1.96e-3], atol=2e-6)


def test_a_tail_holds_no_more_than_its_share_below_and_no_less_above():
    size = np.arange(1, 400)
    low, high = funnel_limits(size, 0.3)
    assert np.all(binom.cdf(np.ceil(low * size - 1e-9) - 1, size, 0.3) <= 0.025 + 1e-9)
    assert np.all(binom.sf(np.ceil(high * size - 1e-9) - 1, size, 0.3) >= 0.025 - 1e-9)


def test_the_tails_of_a_ratio_are_as_documented():
    mean = np.arange(1, 50, 0.1)
    low, high = ratio_funnel_limits(mean)
    below = poisson.cdf(np.ceil(low * mean - 1e-9) - 1, mean)
    above = poisson.sf(np.floor(high * mean + 1e-9), mean)
    assert np.median(below) == pytest.approx(0.019, abs=1e-3)
    assert np.median(above) == pytest.approx(0.031, abs=1e-3)
    assert below.min() == 0
    assert above.max() < 0.1


@FEW
@given(st.floats(0.5, 2000), st.floats(0.02, 0.98))
def test_limits_hold_the_rate_and_close_in_with_size(size, rate):
    low, high = funnel_limits([size, 4 * size], rate)
    assert np.all((low >= 0) & (low <= rate + 1e-9) & (rate - 1e-9 <= high) & (high <= 1))
    if size * rate * (1 - rate) > 2:  # below, limits still jump from count to count
        assert high[1] - low[1] <= high[0] - low[0]
    wide = funnel_limits([size], rate, confidence=0.998)
    assert wide.low[0] <= low[0]
    assert wide.high[0] >= high[0]


def test_nothing_seen_has_no_limits_and_a_certain_rate_no_chance():
    low, high = funnel_limits([0, np.nan, 10], 0.5)
    assert np.isnan([low[:2], high[:2]]).all()
    assert funnel_limits([5, 50], 0.0).high.tolist() == [0.0, 0.0]
    assert funnel_limits([5, 50], 1.0).low.tolist() == [1.0, 1.0]
    low, high = ratio_funnel_limits([0, np.nan])
    assert np.isnan([low, high]).all()
    assert ratio_funnel_limits([7], target=0).high.tolist() == [0.0]


# --- over-dispersion -------------------------------------------------------------------------


def test_no_overdispersion_widens_nothing():
    size = [10, 100, 1000]
    for kind in ("additive", "multiplicative"):
        for limits, second in ((funnel_limits, {"rate": 0.3}), (ratio_funnel_limits, {})):
            plain = limits(size, **second)
            same = limits(size, **second, overdispersion=Overdispersion(kind, 1.0, 0.0))
            np.testing.assert_allclose(same, plain, rtol=1e-12)


def test_limits_are_widened_around_the_rate():
    plain = funnel_limits([400], 0.3)
    four = funnel_limits([400], 0.3, overdispersion=Overdispersion("multiplicative", 4.0, 9.9))
    np.testing.assert_allclose(np.array(four) - 0.3, 2 * (np.array(plain) - 0.3))
    # sampling variance 0.21 / 400; three times as much between units doubles the error
    added = Overdispersion("additive", 9.9, 3 * 0.21 / 400)
    np.testing.assert_allclose(funnel_limits([400], 0.3, overdispersion=added), four)
    # a huge unit keeps the spread between units: 1.96 standard deviations of 0.05
    low, high = funnel_limits([1e7], 0.3, overdispersion=Overdispersion("additive", 9.9, 0.0025))
    np.testing.assert_allclose([low[0], high[0]], [0.3 - 0.098, 0.3 + 0.098], atol=1e-4)


def test_the_variance_between_units_matches_statsmodels_dersimonian_laird():
    part, whole = np.array([20, 35, 50, 65, 80, 40]), np.array([90, 100, 150, 120, 130, 110])
    pooled = part.sum() / whole.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.stats.meta_analysis import combine_effects

        known = combine_effects(part / whole, pooled * (1 - pooled) / whole, method_re="dl")
    found = overdispersion(part, whole, winsorise=0)
    assert found.tau2 == pytest.approx(known.tau2, rel=1e-9)
    assert found.phi == pytest.approx(known.q / 6, rel=1e-9)


def test_extreme_units_are_moved_in_to_where_the_rest_begins():
    # distances 2, 1, 0, -1, -2 and 10 in standard errors around a given ratio of 1; a fifth at
    # either end starts at -1 and 2, so the mean square is (1 + 1 + 0 + 1 + 4 + 4) / 6
    event = 100 + 10 * np.array([-2, -1, 0, 1, 2, 10])
    found = ratio_overdispersion(
        event, [100] * 6, target=1, winsorise=0.2, correction="none", kind="multiplicative"
    )
    assert found == ("multiplicative", pytest.approx(11 / 6), pytest.approx((11 - 5) / 500))


def test_the_correction_is_the_mean_square_left_of_normal_distances():
    edge = norm.ppf(0.9)
    left = norm.expect(lambda z: np.clip(z, -edge, edge) ** 2)
    part, whole = [20, 35, 50, 65, 80], [100] * 5
    plain = overdispersion(part, whole, correction="none").phi
    assert overdispersion(part, whole).phi == pytest.approx(plain / left, rel=1e-6)


def test_planted_spread_is_found_and_the_limits_hold_the_units():
    # 150 rounds of 30 units of about 200 cases whose true shares have a standard deviation of
    # 0.1: without the correction 10 % lay outside 95 % limits
    rng = np.random.default_rng(2)
    spread, outside = [], []
    for _round in range(150):
        whole = rng.integers(60, 340, 30)
        part = rng.binomial(whole, np.clip(rng.normal(0.3, 0.1, 30), 0.01, 0.99))
        found = overdispersion(part, whole)
        low, high = funnel_limits(whole, part.sum() / whole.sum(), overdispersion=found)
        spread.append(found.tau2)
        outside.append(np.mean((part / whole < low) | (part / whole > high)))
    assert np.sqrt(np.mean(spread)) == pytest.approx(0.1, abs=0.01)
    assert 0.03 <= np.mean(outside) <= 0.07


def test_chance_alone_and_too_few_units_give_no_overdispersion():
    assert overdispersion([30, 30, 31], [100, 100, 100]) == ("additive", 1.0, 0.0)
    assert overdispersion([30], [100]) == ("additive", 1.0, 0.0)
    assert overdispersion([0, 0], [10, 20]) == ("additive", 1.0, 0.0)
    assert ratio_overdispersion([0, 0], [10, 20]) == ("additive", 1.0, 0.0)
    assert overdispersion([np.nan, 0, 1], [3, 0, 2]) == ("additive", 1.0, 0.0)


@FEW
@given(
    st.lists(
        st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=2, max_size=9,
    ),
    st.permutations(range(9)),
)  # fmt: skip
def test_the_order_of_the_units_is_no_matter(units, order):
    part, whole = np.array(units).T
    place = [i for i in order if i < len(units)]
    for estimate in (overdispersion, ratio_overdispersion):
        found, moved = estimate(part, whole), estimate(part[place], whole[place])
        assert found.phi >= 1
        assert found.tau2 >= 0
        assert moved[1:] == pytest.approx(found[1:], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: funnel_limits([-1], 0.3), "n_whole must be 0 or more"),
        (lambda: funnel_limits([1], 1.3), "rate must be between 0 and 1"),
        (lambda: funnel_limits([1], np.nan), "rate must not hold missing"),
        (lambda: funnel_limits([1], 0.3, confidence=1), "confidence must lie strictly"),
        (lambda: funnel_limits([1], 0.3, overdispersion=Overdispersion("both", 1, 0)),
         "overdispersion.kind must be one of"),
        (lambda: funnel_limits([1], 0.3, overdispersion=Overdispersion("additive", 0.5, 0)),
         "overdispersion.phi must be 1 or more"),
        (lambda: funnel_limits([1], 0.3, overdispersion=Overdispersion("additive", 1, -1)),
         "overdispersion.tau2 must be 0 or more"),
        (lambda: ratio_funnel_limits([-1]), "expected must be 0 or more"),
        (lambda: ratio_funnel_limits([1], target=-1), "target must be 0 or more"),
        (lambda: overdispersion([], []), "n_part must hold at least 1"),
        (lambda: overdispersion([3], [2]), "n_part must not exceed n_whole"),
        (lambda: overdispersion([1], [2], kind="both"), "kind must be one of"),
        (lambda: overdispersion([1], [2], correction="yes"), "correction must be one of"),
        (lambda: overdispersion([1], [2], winsorise=0.5), "winsorise must be 0 or more and below"),
        (lambda: overdispersion([1], [2], rate=2), "rate must be between 0 and 1"),
        (lambda: ratio_overdispersion([1], [0]), "expected must be above 0 where n_event is"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, match):
    with pytest.raises(InputError, match=match):
        call()


@pytest.mark.parametrize("size", [1e16, 1e17 + 16, 1e20, 1e300])
def test_limits_of_sizes_beyond_whole_floats_are_those_of_the_normal_distribution(size):
    z = norm.ppf(0.975)
    low, high = funnel_limits([size], 0.3)
    reach = z * np.sqrt(0.21 / size)
    np.testing.assert_allclose([low[0], high[0]], [0.3 - reach, 0.3 + reach], rtol=1e-14)
    low, high = ratio_funnel_limits([size])
    reach = z / np.sqrt(size)
    np.testing.assert_allclose([low[0], high[0]], [1 - reach, 1 + reach], rtol=1e-14)


@pytest.mark.parametrize("estimate", [overdispersion, ratio_overdispersion])
def test_a_unit_that_outweighs_all_others_leaves_the_rest_to_tell(estimate):
    found = estimate([5e11, 0], [1e12, 1e-12])
    assert (found.phi, found.tau2) == (1, 0)
    # DerSimonian and Laird by exact fractions
    from fractions import Fraction

    part, whole = [10**12, 3, 9], [2 * 10**12, 12, 12]
    common = Fraction(sum(part), sum(whole))
    noise = common * (1 - common) if estimate is overdispersion else common
    weight = [one / noise for one in whole]
    squares = sum(
        w * (Fraction(p, n) - common) ** 2 for w, p, n in zip(weight, part, whole, strict=True)
    )
    spare = sum(weight) - sum(w * w for w in weight) / sum(weight)
    found = estimate(part, whole, winsorise=0)
    assert found.tau2 == pytest.approx(float(max(squares - 2, 0) / spare), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: funnel_limits([10], [0.3, 0.4]), "rate"),
        (lambda: funnel_limits([10], "high"), "rate"),
        (lambda: ratio_funnel_limits([10], target=[1, 2]), "target"),
        (lambda: overdispersion([1, 2], [5, 5], rate=[0.1, 0.2, 0.3]), "rate"),
        (lambda: overdispersion([1, 2], [5, 5], winsorise=[0.1, 0.2]), "winsorise"),
        (lambda: ratio_overdispersion([1, 2], [5, 5], target=[1, 2]), "target"),
    ],
)
def test_a_list_where_one_number_is_due_is_refused(call, named):
    with pytest.raises(InputError, match=f"^{named} must"):
        call()
