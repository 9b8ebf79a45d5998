"""Observed against expected and the split of a change: published limits, scipy, hand counts."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from salesdiag.errors import InputError
from salesdiag.stats.standardisation import indirect_expected, kitagawa, observed_expected
from salesdiag.stats.standardisation.indirect import bisect_increasing

COUNTS = st.integers(0, 200)
# cells of a table: (group, stratum, whole, share of the whole that had the event)
CELLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 50), st.floats(0, 1)),
    min_size=1,
    max_size=12,
)
SEGMENTS = st.lists(st.tuples(*[st.floats(0.01, 10), st.floats(-2, 2)] * 2), min_size=1, max_size=6)


def columns(cells):
    group, stratum, whole, share = (list(one) for one in zip(*cells, strict=True))
    return whole, group, stratum, [math.floor(n * p) for n, p in zip(whole, share, strict=True)]


def split(segments, **options):
    weight_a, rate_a, weight_b, rate_b = (list(one) for one in zip(*segments, strict=True))
    return kitagawa(weight_a, rate_a, weight_b, rate_b, **options)


def test_limits_of_four_events_are_those_of_the_r_package_survival():
    # its documented example of cipoisson(4); its search stops at 1e-5
    found = observed_expected(4, 1)
    np.testing.assert_allclose((found.low, found.high), (1.089865, 10.24153), rtol=1e-5)


def test_no_event_has_the_two_upper_limits_that_the_r_package_epitools_documents():
    assert observed_expected(0, 1).high.item() == pytest.approx(3.689, abs=5e-4)
    assert observed_expected(0, 1, limits="mid_p").high.item() == pytest.approx(2.996, abs=5e-4)


def test_ratio_and_mid_p_of_the_example_of_openepi():
    # Soe and Sullivan 2006: 4 observed, 3.3 expected
    found = observed_expected(4, 3.3, limits="mid_p")
    assert found.ratio.item() == pytest.approx(1.212, abs=5e-4)
    assert found.p_value.item() == pytest.approx(0.6571, abs=5e-5)


@given(st.integers(1, 300), st.floats(0.5, 200), st.floats(0.5, 0.99))
def test_each_exact_limit_leaves_half_of_the_rest_outside(seen, expected, confidence):
    # 1e-7: what scipy's inverse of the incomplete gamma function promises, with a margin
    found = observed_expected(seen, expected, confidence=confidence)
    tail = (1 - confidence) / 2
    above = poisson.sf(seen - 1, found.low.item() * expected)
    below = poisson.cdf(seen, found.high.item() * expected)
    assert (above, below) == pytest.approx((tail, tail), rel=1e-7)


@pytest.mark.parametrize(("limits", "method"), [("exact", "exact-c"), ("mid_p", "midp-c")])
@pytest.mark.parametrize(("seen", "expected"), [(1, 0.4), (7, 9.5), (30, 21.0)])
def test_limits_and_p_value_match_statsmodels(limits, method, seen, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.stats.rates import confint_poisson, test_poisson

        low, high = confint_poisson(seen, expected, method=method)
        p_value = test_poisson(seen, expected, value=1, method=method).pvalue
    found = observed_expected(seen, expected, limits=limits)
    # 1e-5: the step at which their root search stops
    np.testing.assert_allclose((found.low, found.high), (low, high), rtol=1e-5, atol=1e-5)
    assert found.p_value.item() == pytest.approx(min(p_value, 1), rel=1e-9)


@pytest.mark.parametrize("limits", ["exact", "mid_p"])
def test_the_p_value_falls_below_5_percent_where_the_interval_leaves_1(limits):
    seen, expected = np.meshgrid(np.arange(40), np.linspace(0.3, 30, 60))
    found = observed_expected(seen, expected, limits=limits)
    outside = (found.low > 1) | (found.high < 1)
    if limits == "mid_p":  # none seen: the lower limit is 0, not mid-P
        outside, found = outside[:, 1:], found._replace(p_value=found.p_value[:, 1:])
    assert (outside == (found.p_value < 0.05)).all()


@given(COUNTS, st.floats(0.1, 100))
def test_the_interval_holds_the_ratio_and_mid_p_lies_within_exact(seen, expected):
    exact = observed_expected(seen, expected)
    inner = observed_expected(seen, expected, limits="mid_p")
    assert 0 <= exact.low <= inner.low <= exact.ratio <= inner.high <= exact.high
    assert 0 <= inner.p_value <= exact.p_value <= 1


@pytest.mark.parametrize(("events", "lowest"), [(5, 0.95), (20, 0.95), (100, 0.95)])
def test_exact_limits_never_cover_less_than_they_say(events, lowest):
    seen = np.arange(4 * events + 40)
    found = observed_expected(seen, 1.0)
    for mean in np.linspace(0.8 * events, 1.2 * events, 41):
        inside = (found.low <= mean) & (mean <= found.high)
        assert poisson.pmf(seen, mean) @ inside >= lowest - 1e-9


def test_mid_p_limits_cover_as_often_as_they_say_on_average():
    seen = np.arange(80)
    found = observed_expected(seen, 1.0, limits="mid_p", confidence=0.9)
    means = np.linspace(8, 32, 200)
    inside = (found.low <= means[:, None]) & (means[:, None] <= found.high)
    cover = np.sum(poisson.pmf(seen, means[:, None]) * inside, axis=1).mean()
    assert cover == pytest.approx(0.9, abs=0.01)


def test_nothing_expected_is_unknown_whatever_was_seen():
    found = observed_expected([0, 3, 2, np.nan], [0, 0, np.nan, 5])
    assert np.isnan(np.array(found)).all()


def test_expected_counted_by_hand():
    # hard: 6 of 40 in all, easy: 12 of 40; x has 30 hard and 10 easy, y the rest
    found = indirect_expected(
        [30, 10, 10, 30], ["x", "x", "y", "y"], ["hard", "easy"] * 2, [3, 4, 3, 8]
    )
    assert found.group.tolist() == ["x", "y"]
    assert found.observed.tolist() == [7, 11]
    assert found.expected.tolist() == pytest.approx([30 * 6 / 40 + 10 * 12 / 40, 1.5 + 9])
    assert found.n_alone.tolist() == [0, 0]


def test_a_group_alone_in_a_stratum_is_counted_as_alone():
    found = indirect_expected([30, 5, 10], ["x", "x", "y"], ["p", "q", "q"], [3, 1, 5])
    assert found.n_alone.tolist() == [30, 0]
    assert found.expected.tolist() == pytest.approx([3 + 5 * 6 / 15, 10 * 6 / 15])


@given(CELLS)
def test_expected_events_of_all_groups_add_up_to_those_seen(cells):
    found = indirect_expected(*columns(cells))
    assert found.expected.sum() == pytest.approx(found.observed.sum(), abs=1e-9)
    assert (found.n_alone <= found.n_whole).all()


@given(CELLS, st.randoms())
def test_order_of_rows_and_splitting_a_cell_change_nothing(cells, random):
    whole, group, stratum, part = columns(cells)
    found = indirect_expected(whole, group, stratum, part)
    halves = [
        row
        for n, g, s, k in zip(whole, group, stratum, part, strict=True)
        for row in ((n - n // 2, g, s, k - k // 2), (n // 2, g, s, k // 2))
    ]
    random.shuffle(halves)
    again = indirect_expected(*zip(*halves, strict=True))
    assert again.group.tolist() == found.group.tolist()
    for one, other in zip(again[1:], found[1:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_kitagawa_of_two_segments_that_both_get_worse():
    found = kitagawa([0.2, 0.8], [0.60, 0.20], [0.7, 0.3], [0.55, 0.18])
    assert (found.total_a, found.total_b) == pytest.approx((0.28, 0.439))
    assert (found.rate_total, found.mix_total) == pytest.approx((-0.0335, 0.1925))
    assert found.change == pytest.approx(0.159)
    np.testing.assert_allclose(found.rate_effect, [-0.05 * 0.45, -0.02 * 0.55])
    # against the mean of both totals, .3595: each segment's growth times its distance
    np.testing.assert_allclose(found.mix_effect, [0.5 * 0.2155, -0.5 * -0.1695])


def test_the_effect_of_mix_by_segment_against_nothing():
    found = kitagawa([0.2, 0.8], [0.60, 0.20], [0.7, 0.3], [0.55, 0.18], centre="zero")
    np.testing.assert_allclose(found.mix_effect, [0.5 * 0.575, -0.5 * 0.19])
    assert found.mix_total == pytest.approx(0.1925)


@given(SEGMENTS, st.sampled_from(["total", "zero"]))
def test_rates_and_mix_are_the_mean_of_both_orders_of_change(segments, centre):
    found = split(segments, centre=centre)
    weight_a, rate_a, weight_b, rate_b = np.array(segments).T
    weight_a, weight_b = weight_a / weight_a.sum(), weight_b / weight_b.sum()
    rates_first, rates_last = weight_a @ (rate_b - rate_a), weight_b @ (rate_b - rate_a)
    assert found.rate_total == pytest.approx((rates_first + rates_last) / 2, abs=1e-9)
    assert found.rate_total + found.mix_total == pytest.approx(found.change.item(), abs=1e-9)
    assert found.change == pytest.approx(weight_b @ rate_b - weight_a @ rate_a, abs=1e-9)


@given(SEGMENTS)
def test_changing_the_sides_changes_the_signs_only(segments):
    found = split(segments)
    back = split([(w_b, r_b, w_a, r_a) for w_a, r_a, w_b, r_b in segments])
    for name in ("change", "rate_effect", "mix_effect"):
        np.testing.assert_allclose(getattr(back, name), -getattr(found, name), atol=1e-12)


@given(SEGMENTS)
def test_cutting_a_segment_in_two_alike_halves_changes_no_total(segments):
    found = split(segments)
    (w_a, r_a, w_b, r_b), *rest = segments
    cut = split([(w_a / 2, r_a, w_b / 2, r_b)] * 2 + rest)
    np.testing.assert_allclose(
        (cut.rate_total, cut.mix_total), (found.rate_total, found.mix_total), atol=1e-9
    )
    assert cut.mix_effect[:2].sum() == pytest.approx(found.mix_effect[0], abs=1e-9)


def test_an_empty_segment_with_an_unknown_rate_is_mix_only():
    # new on side b: 25 of 100 at a rate of .8; the old one stays at .4
    found = kitagawa([100, 0], [0.4, np.nan], [75, 25], [0.4, 0.8])
    assert found.rate_effect.tolist() == [0, 0]
    assert (found.mix_total, found.change) == pytest.approx((0.1, 0.1))


def test_a_segment_that_is_empty_on_both_sides_does_nothing():
    found = kitagawa([100, 0], [0.4, np.nan], [75, 0], [0.5, np.nan])
    assert (found.rate_effect[1], found.mix_effect[1]) == (0, 0)
    assert found.change == pytest.approx(0.1)


def test_leading_axes_are_groups_and_a_group_without_weight_is_unknown():
    found = kitagawa([[1, 3], [0, 0]], [0.2, 0.4], [[3, 1], [1, 1]], [0.2, 0.4])
    alone = kitagawa([1, 3], [0.2, 0.4], [3, 1], [0.2, 0.4])
    assert found.change.shape == (2,)
    np.testing.assert_array_equal(found.mix_effect[0], alone.mix_effect)
    assert np.isnan([found.change[1], found.mix_total[1], *found.rate_effect[1]]).all()


def test_bisection_finds_the_root_of_each_entry():
    found = bisect_increasing(lambda x: np.exp(x) - [1.0, 5.0], np.full(2, -9.0), np.full(2, 9.0))
    np.testing.assert_allclose(found, [0, math.log(5)], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: observed_expected(-1, 1), "observed must be 0 or more"),
        (lambda: observed_expected(1, -1), "expected must be 0 or more"),
        (lambda: observed_expected(1, np.inf), "expected must be"),
        (lambda: observed_expected([1, 2], [1, 2, 3]), "observed and expected must have shapes"),
        (lambda: observed_expected(1, 1, limits="wald"), "limits must be one of"),
        (lambda: observed_expected(1, 1, confidence=95), "confidence must lie"),
        (lambda: indirect_expected([], [], [], []), "n_whole must be a list of at least 1"),
        (lambda: indirect_expected([1], ["a"], ["x"], [2]), "n_part must not exceed n_whole"),
        (lambda: indirect_expected([1, 2], ["a", "b"], ["x", "x"], [1]), "n_part must have one"),
        (lambda: indirect_expected([1, 2], ["a"], ["x", "x"], [1, 1]), "group must have one"),
        (lambda: indirect_expected([1], ["a"], [np.nan], [1]), "stratum must not hold missing"),
        (lambda: indirect_expected([np.nan], ["a"], ["x"], [1]), "n_whole must not hold missing"),
        (lambda: kitagawa([1, -1], [0, 0], [1, 1], [0, 0]), "weight_a must be 0 or more"),
        (lambda: kitagawa([1], [0], [np.nan], [0]), "weight_b must not hold missing"),
        (lambda: kitagawa([1, 1], [0, np.nan], [1, 1], [0, 0]), "rate_a must be known"),
        (lambda: kitagawa([1, 1], [0, 0], [1, 1], [0, np.nan]), "rate_b must be known"),
        (lambda: kitagawa([1, 1], [0, 0], [1, 1, 1], [0, 0, 0]), "weights and rates must have"),
        (lambda: kitagawa(1, 0, 1, 0), "weight_a must hold at least 1 segment"),
        (lambda: kitagawa([1], [0], [1], [0], centre="mean"), "centre must be one of"),
    ],
)
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(InputError, match=name):
        call()


@pytest.mark.parametrize(("seen", "due"), [(0, 60), (1, 80), (200, 60), (60, 5.5), (7, 7)])
def test_mid_p_takes_half_of_the_number_seen_off_even_far_out(seen, due):
    # the probabilities of scipy, added up
    same = poisson.pmf(seen, due)
    below, above = poisson.cdf(seen, due), poisson.sf(seen - 1, due)
    exact = min(2 * min(below, above), 1)
    assert observed_expected(seen, due).p_value == pytest.approx(exact, rel=1e-9, abs=0)
    half = min(2 * (min(below, above) - same / 2), 1)
    found = observed_expected(seen, due, limits="mid_p").p_value
    assert found == pytest.approx(half, rel=1e-9, abs=0)
