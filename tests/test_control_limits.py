"""Limits of individual values, against a published chart and constants, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from salesdiag.errors import InputError
from salesdiag.stats.change import xmr_limits

# NIST/SEMATECH e-Handbook, section 6.3.2.2: flow rates of ten batches
NIST_FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
SERIES = arrays(float, st.integers(2, 40), elements=st.integers(-50, 50).map(float))


def test_the_chart_of_the_nist_handbook():
    chart = xmr_limits(NIST_FLOW)
    assert chart.centre == pytest.approx(50.81, abs=5e-7)
    assert chart.range_centre == pytest.approx(1.8778, abs=5e-5)
    # printed with d2 rounded to 1.128, which moves the limits by 0.002
    assert chart.high == pytest.approx(55.8041, abs=0.0025)
    assert chart.low == pytest.approx(45.8159, abs=0.0025)
    assert not chart.beyond.any()


@pytest.mark.parametrize(
    ("spread", "of_values", "of_ranges"), [("mean", 2.660, 3.267), ("median", 3.145, 3.865)]
)
def test_the_factors_are_those_of_the_tables(spread, of_values, of_ranges):
    # Wheeler and Chambers (1992), table A.5, rounded there from constants of three digits
    chart = xmr_limits([0, 1, 0, 1, 0, 1], spread=spread)
    assert chart.high - chart.centre == pytest.approx(of_values, abs=2e-3)
    assert chart.range_high == pytest.approx(of_ranges, abs=2e-3)


@pytest.mark.parametrize("spread", ["mean", "median"])
def test_the_typical_step_measures_the_standard_deviation(spread):
    values = np.random.default_rng(3).normal(10, 2, 200_000)
    chart = xmr_limits(values, spread=spread)
    assert (chart.high - chart.centre) / 3 == pytest.approx(2, rel=0.01)
    # 0.27 % of normal values lie beyond three sigmas
    assert chart.beyond.mean() == pytest.approx(2 * norm.sf(3), abs=0.0006)


def test_points_and_steps_beyond_are_marked_by_hand():
    # steps 1, 1, 1, 1, 1, 1, 1, 13, 13: mean 33 / 9, so 2.66 of it is 9.75 around 1.6
    chart = xmr_limits([0, 1, 0, 1, 0, 1, 0, 1, 14, 1])
    assert chart.beyond.tolist() == [False] * 8 + [True, False]
    assert chart.range_beyond.tolist() == [False] * 7 + [True, True]


def test_the_median_step_is_not_moved_by_one_wild_value():
    calm = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    wild = [*calm, 100, 0, 1, 0]
    assert xmr_limits(wild, spread="median").range_high == xmr_limits(calm).range_centre * (
        xmr_limits(calm, spread="median").range_high
    )
    assert xmr_limits(wild).range_high > 10 * xmr_limits(calm).range_high


def test_a_run_of_eight_is_marked_as_a_whole_and_seven_are_not():
    low, high = [0.0, 0.1], [1.0, 1.1]
    assert xmr_limits(low * 4 + high * 4).in_run.all()
    found = xmr_limits([*(low * 4)[:7], *(high * 4), 0.0])
    assert found.in_run.tolist() == [False] * 7 + [True] * 8 + [False]
    assert xmr_limits(low * 3 + high * 3, run_length=6).in_run.all()


def test_a_point_on_the_centre_ends_a_run():
    assert not xmr_limits([1, 1, 1, 1, 0, 1, 1, 1, 1, -8], run_length=5).in_run.any()


def test_equal_values_have_no_width_and_no_flag():
    chart = xmr_limits([0.1] * 12)
    assert chart.low == pytest.approx(0.1)
    assert chart.high == pytest.approx(0.1)
    for flags in (chart.beyond, chart.range_beyond, chart.in_run):
        assert not flags.any()


@given(SERIES, st.sampled_from(["mean", "median"]), st.floats(0.1, 9), st.integers(-99, 99))
def test_another_unit_moves_the_limits_and_not_the_flags(values, spread, factor, shift):
    plain = xmr_limits(values, spread=spread)
    other = xmr_limits(shift + factor * values, spread=spread)
    np.testing.assert_allclose(other.high, shift + factor * plain.high, atol=1e-9)
    np.testing.assert_allclose(other.range_high, factor * plain.range_high, atol=1e-9)
    clear = np.abs(np.abs(values - plain.centre) - (plain.high - plain.centre)) > 1e-6
    np.testing.assert_array_equal(other.beyond[clear], plain.beyond[clear])


@given(SERIES)
def test_series_side_by_side_are_charted_each_on_its_own(values):
    both = xmr_limits(np.stack([values, -2 * values]))
    for one, expected in zip(both, xmr_limits(values), strict=True):
        np.testing.assert_array_equal(one[0], expected)
    np.testing.assert_allclose(both.centre[1], -2 * both.centre[0], atol=1e-12)


@given(SERIES, st.integers(2, 9))
def test_runs_are_those_found_by_counting(values, length):
    centre = values.mean()
    side = [0 if abs(v - centre) < 1e-9 else 1 if v > centre else -1 for v in values]
    expected = [False] * len(side)
    for start in range(len(side) - length + 1):
        window = side[start : start + length]
        if window in ([1] * length, [-1] * length):
            expected[start : start + length] = [True] * length
    assert xmr_limits(values, run_length=length).in_run.tolist() == expected


@pytest.mark.parametrize("values", [[], [1.0], [1, np.nan], 5.0, ["a", "b"]])
def test_too_few_or_missing_values_are_refused(values):
    with pytest.raises(InputError, match=r"^values must"):
        xmr_limits(values)


@pytest.mark.parametrize("option", [{"spread": "sd"}, {"run_length": 1}, {"run_length": 2.5}])
def test_unknown_options_are_refused_by_name(option):
    with pytest.raises(InputError, match=f"^{next(iter(option))} must"):
        xmr_limits([1, 2, 3], **option)
