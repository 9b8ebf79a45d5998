"""Shares and their intervals, against published tables and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from salesdiag.errors import InputError, SalesDiagError
from salesdiag.stats.rates import (
    clopper_pearson_interval,
    normal_quantile,
    rate_difference,
    ratio,
    wilson_interval,
)

# Newcombe (1998), Statistics in Medicine 17, table I, method 3 (Wilson's score interval)
NEWCOMBE_1998_TABLE_1 = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
SHARES = st.integers(1, 400).flatmap(
    lambda whole: st.tuples(st.integers(0, whole), st.just(whole), st.floats(0.5, 0.999))
)


@pytest.mark.parametrize(("n_part", "n_whole", "low", "high"), NEWCOMBE_1998_TABLE_1)
def test_wilson_interval_matches_newcombe_1998_table_1(n_part, n_whole, low, high):
    np.testing.assert_allclose(wilson_interval(n_part, n_whole), (low, high), atol=5e-5)


def test_wilson_interval_to_six_digits():
    # METHODS section 4: the same four rows to six digits, as scipy gives them, too
    low, high = wilson_interval([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(low, [0.255289, 0.062386, 0, 0.006113], atol=5e-7)
    np.testing.assert_allclose(high, [0.366210, 0.160487, 0.161125, 0.171755], atol=5e-7)


@given(SHARES)
def test_wilson_interval_matches_scipy(share):
    n_part, n_whole, confidence = share
    expected = binomtest(n_part, n_whole).proportion_ci(confidence, method="wilson")
    found = wilson_interval(n_part, n_whole, confidence=confidence)
    np.testing.assert_allclose(found, (expected.low, expected.high), atol=1e-9)


@given(SHARES)
def test_the_interval_holds_the_share_and_stays_within_0_and_1(share):
    n_part, n_whole, confidence = share
    low, high = wilson_interval(n_part, n_whole, confidence=confidence)
    assert 0 <= low <= n_part / n_whole <= high <= 1


def test_the_interval_mirrors_when_part_and_rest_change_places():
    low, high = wilson_interval(7, 50)
    mirrored_low, mirrored_high = wilson_interval(43, 50)
    np.testing.assert_allclose((mirrored_low, mirrored_high), (1 - high, 1 - low))


def test_the_ends_are_exact_where_none_or_all_count():
    assert wilson_interval(0, 7)[0].item() == 0.0
    assert wilson_interval(7, 7)[1].item() == 1.0
    # at an effective size that is no whole number, too
    assert wilson_interval(3.7, 3.7)[1].item() == 1.0


def test_a_share_of_nothing_is_unknown_not_zero():
    low, high = wilson_interval([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert not np.isnan([low[1], high[1]]).any()


def test_a_missing_count_is_unknown():
    low, high = wilson_interval([np.nan, 1], [4, np.nan])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_ratio_divides_and_is_unknown_over_zero_or_nothing():
    found = ratio([1, 0, 3, np.nan, 2], [4, 0, np.nan, 2, -1])
    np.testing.assert_array_equal(found, [0.25, np.nan, np.nan, np.nan, -2.0])


def test_ratio_spreads_one_denominator_over_many():
    assert ratio([1, 2, 3], 4).tolist() == [0.25, 0.5, 0.75]
    assert ratio(1, [1, 2]).tolist() == [1.0, 0.5]


def test_ratio_leaves_its_input_alone():
    part, whole = np.array([1.0, 0.0]), np.array([2.0, 0.0])
    ratio(part, whole)
    assert part.tolist() == [1.0, 0.0]
    assert whole.tolist() == [2.0, 0.0]


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99, 0.999])
def test_normal_quantile_matches_scipy(confidence):
    assert normal_quantile(confidence) == pytest.approx(norm.ppf((1 + confidence) / 2), abs=1e-9)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, float("nan"), "0.95", None])
def test_a_confidence_outside_0_and_1_is_refused_by_name(confidence):
    with pytest.raises(SalesDiagError, match=r"confidence must lie strictly between 0 and 1"):
        wilson_interval(1, 2, confidence=confidence)


def test_clopper_pearson_to_six_digits():
    low, high = clopper_pearson_interval(81, 263)  # METHODS section 4; Newcombe 1998, method 5
    np.testing.assert_allclose((low, high), (0.252737, 0.367622), atol=5e-7)


@given(SHARES)
def test_clopper_pearson_matches_scipy(share):
    n_part, n_whole, confidence = share
    expected = binomtest(n_part, n_whole).proportion_ci(confidence, method="exact")
    found = clopper_pearson_interval(n_part, n_whole, confidence=confidence)
    np.testing.assert_allclose(found, (expected.low, expected.high), atol=1e-9)


def test_clopper_pearson_of_nothing_is_unknown():
    low, high = clopper_pearson_interval([0, np.nan, 3], [0, 4, 3])
    assert np.isnan(low[:2]).all()
    assert np.isnan(high[:2]).all()
    assert high[2] == 1


# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: cases a to h
NEWCOMBE_1998_TABLE_2 = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), NEWCOMBE_1998_TABLE_2)
def test_the_difference_matches_newcombe_1998_table_2(a, m, b, n, low, high):
    found = rate_difference(a, m, b, n)
    assert found.difference == pytest.approx(a / m - b / n)
    np.testing.assert_allclose((found.low, found.high), (low, high), atol=5e-5)


@given(SHARES, SHARES)
def test_the_difference_matches_statsmodels_and_turns_around(share, other):
    from statsmodels.stats.proportion import confint_proportions_2indep

    (a, m, confidence), (b, n, _confidence) = share, other
    expected = confint_proportions_2indep(a, m, b, n, method="newcomb", alpha=1 - confidence)
    found = rate_difference(a, m, b, n, confidence=confidence)
    np.testing.assert_allclose((found.low, found.high), expected, atol=1e-9)
    turned = rate_difference(b, n, a, m, confidence=confidence)
    np.testing.assert_allclose((turned.low, turned.high), (-found.high, -found.low), atol=1e-12)
    assert -1 <= found.low <= found.difference <= found.high <= 1


def test_a_difference_to_nothing_is_unknown():
    assert np.isnan(rate_difference(1, 2, 0, 0)).all()


@pytest.mark.parametrize("interval", [wilson_interval, clopper_pearson_interval])
@pytest.mark.parametrize(
    ("part", "whole", "message"),
    [
        (-1, 2, "n_part must be 0 or more"),
        (1, -2, "n_whole must be 0 or more"),
        (3, 2, "n_part must not exceed n_whole; got 3 of 2"),
        ("many", 2, "n_part must hold numbers only; got 'many'"),
        ([1, 2], [3, 4, 5], "n_part and n_whole must have shapes that fit"),
        (1, np.inf, "n_whole must be 0 or more, and finite"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_name(interval, part, whole, message):
    with pytest.raises(InputError, match=message):
        interval(part, whole)


def test_the_second_share_is_named_too():
    with pytest.raises(InputError, match="other_part must not exceed other_whole"):
        rate_difference(1, 2, 3, 2)


def test_newcombes_first_case_to_six_digits():
    # METHODS section 4, recomputed: the hybrid interval of 56/70 less 48/80
    found = rate_difference(56, 70, 48, 80)
    np.testing.assert_allclose((found.low, found.high), (0.052431, 0.333873), atol=5e-7)
