"""Shares and their intervals, against published tables and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from salesdiag.errors import SalesDiagError
from salesdiag.stats.rates import normal_quantile, ratio, wilson_interval

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
    # the same four rows recomputed elsewhere to six digits
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
