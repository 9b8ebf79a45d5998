"""Student's t, against scipy's distribution and its one-sample test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesdiag.stats.rates.student import t_interval, t_quantile, two_sided_p


@given(st.floats(0.5, 1e6), st.floats(0.01, 0.999))
def test_quantiles_are_those_of_scipys_distribution(degrees, level):
    # 1e-8: another routine for the same root
    expected = stats.t.ppf(0.5 + level / 2, degrees)
    assert t_quantile(degrees, level) == pytest.approx(expected, rel=1e-8)


def test_without_end_of_degrees_it_is_the_normal_distribution():
    assert t_quantile(np.inf, 0.9) == pytest.approx(stats.norm.ppf(0.95), rel=1e-12)
    expected = 2 * stats.norm.sf(1.7)
    assert two_sided_p(1.7, 1, np.inf) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-99, 99), min_size=3, max_size=20, unique=True), st.floats(0.1, 0.99))
def test_interval_and_p_value_are_those_of_the_one_sample_test(values, confidence):
    test = stats.ttest_1samp(np.array(values, float), 0)
    mean, error, df = np.mean(values), stats.sem(values), len(values) - 1
    # 1e-8 of the largest number that enters
    close = {"rtol": 1e-8, "atol": 1e-6}
    ends = test.confidence_interval(confidence)
    np.testing.assert_allclose(t_interval(mean, error, df, confidence), ends, **close)
    np.testing.assert_allclose(two_sided_p(mean, error, df), test.pvalue, rtol=1e-7)


def test_far_tails_keep_their_digits():
    for t in (40.0, -40.0):
        expected = 2 * stats.t.sf(40, 30)
        assert two_sided_p(t, 1, 30) == pytest.approx(expected, rel=1e-7, abs=0)


@pytest.mark.parametrize("degrees", [0.0, -1.0, np.nan])
def test_without_degrees_of_freedom_nothing_is_known(degrees):
    assert np.isnan(t_quantile(degrees, 0.95))
    assert np.isnan(t_interval(1.0, 1.0, degrees, 0.95)).all()
    assert np.isnan(two_sided_p(1.0, 1.0, degrees))


def test_an_error_of_0_has_no_width_and_no_p_value():
    assert [one.item() for one in t_interval(3.0, 0.0, 4, 0.95)] == [3, 3]
    assert np.isnan(two_sided_p([3.0, 0.0, 1.0], [0.0, 0.0, np.nan], 4)).all()


def test_arguments_are_stretched_to_one_shape():
    low, high = t_interval([1.0, 2.0], [[1.0], [3.0]], [5, 0], 0.95)
    assert low.shape == high.shape == (2, 2)
    assert np.isnan(low).tolist() == [[False, True]] * 2
