"""Tests of equal shares and ratios, against scipy, full enumeration and planted chance."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, multinomial

from salesdiag.errors import InputError
from salesdiag.stats.shrinkage import homogeneity_test, poisson_homogeneity_test

UNITS = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=9,
).filter(lambda units: 0 < sum(k for k, _n in units) < sum(n for _k, n in units))
FEW = settings(deadline=None, max_examples=40)
# 4,999 draws: four standard errors of a p-value near a half
FOUR_ERRORS = 4 * 0.5 / np.sqrt(4999)


def exact_mid_p(part, whole):
    """Go through all tables with these margins, each with its hypergeometric probability."""
    pooled = sum(part) / sum(whole)
    observed = sum((k - n * pooled) ** 2 / n for k, n in zip(part, whole, strict=True))
    total = 0.0
    for table in product(*(range(n + 1) for n in whole)):
        if sum(table) == sum(part):
            misfit = sum((k - n * pooled) ** 2 / n for k, n in zip(table, whole, strict=True))
            ways = np.prod([float(comb(n, k)) for k, n in zip(table, whole, strict=True)])
            weight = 0.5 if abs(misfit - observed) < 1e-9 else float(misfit > observed)
            total += weight * ways
    return total / comb(sum(whole), sum(part))


@FEW
@given(UNITS)
def test_shares_match_scipys_chi_square_of_the_table(units):
    part, whole = np.array(units).T
    expected = chi2_contingency([part, whole - part], correction=False)
    found = homogeneity_test(part, whole, method="chi_square")
    assert found.df == expected.dof
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-7)


def test_counts_match_scipys_chi_square():
    event, expected = np.array([12, 30, 22, 41]), np.array([15.0, 26, 30, 38])
    known = chisquare(event, expected * event.sum() / expected.sum())
    found = poisson_homogeneity_test(event, expected, method="chi_square")
    assert (found.statistic, found.p_value) == pytest.approx((known.statistic, known.pvalue))
    assert found.df == 3


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ([0, 2, 4], [4, 5, 6]),
        ([1, 5], [7, 7]),
        ([0, 0, 3, 1], [3, 4, 3, 4]),
        ([1, 1, 1], [3, 3, 3]),
    ],
)
def test_draws_of_shares_agree_with_all_tables_of_the_same_margins(part, whole):
    found = homogeneity_test(part, whole)
    assert found.method == "simulated"
    assert found.p_value == pytest.approx(exact_mid_p(part, whole), abs=FOUR_ERRORS)


def test_draws_of_counts_agree_with_all_ways_to_share_out_the_total():
    event, expected = [5, 0, 1], [2.0, 3.0, 4.0]
    share = np.array(expected) / 9

    def misfit(counts):
        return np.sum((np.array(counts) - 6 * share) ** 2 / (6 * share))

    exact = 0.0
    for first, second in product(range(7), repeat=2):
        if first + second <= 6:
            counts = [first, second, 6 - first - second]
            gap = misfit(counts) - misfit(event)
            weight = 0.5 if abs(gap) < 1e-9 else float(gap > 0)
            exact += weight * multinomial.pmf(counts, 6, share)
    found = poisson_homogeneity_test(event, expected)
    assert found.method == "simulated"
    assert found.p_value == pytest.approx(exact, abs=FOUR_ERRORS)


def test_draws_and_chi_square_agree_where_counts_are_large():
    part, whole = [210, 260, 230, 255], [600, 640, 620, 660]
    drawn = homogeneity_test(part, whole, method="simulated").p_value
    assert drawn == pytest.approx(homogeneity_test(part, whole).p_value, abs=FOUR_ERRORS)


def test_the_smallest_expected_count_decides_how_the_p_value_is_found():
    # pooled share 1/4: 5 expected of 20, 4.75 of 19; the rest is larger
    assert homogeneity_test([5, 10], [20, 40]).method == "chi_square"
    assert homogeneity_test([5, 10], [19, 41]).method == "simulated"
    # a share near 1 counts by its rest
    assert homogeneity_test([19, 38], [20, 40]).method == "simulated"
    assert poisson_homogeneity_test([5, 5], [1, 1]).method == "chi_square"
    assert poisson_homogeneity_test([4, 5], [1, 1]).method == "simulated"
    # effective sizes cannot be drawn
    assert homogeneity_test([0.5, 1.5], [2.5, 3.5]).method == "chi_square"


@pytest.mark.parametrize(("size", "rate"), [(5, 0.3), (20, 0.05), (60, 0.3)])
def test_chance_alone_is_rejected_about_as_often_as_the_level_says(size, rate):
    # 600 rounds at 5 %: standard error 0.9 points; a long simulation gave 4.5 to 5.4 %
    rng = np.random.default_rng(5)
    whole = rng.integers(size // 2, 2 * size, (600, 12))
    part = rng.binomial(whole, rate)
    rejected = [
        homogeneity_test(k, n, n_draws=499).p_value < 0.05 for k, n in zip(part, whole, strict=True)
    ]
    assert 0.02 <= np.mean(rejected) <= 0.08


@FEW
@given(UNITS, st.permutations(range(9)), st.integers(0, 3))
def test_the_order_of_the_units_is_no_matter(units, order, seed):
    place = [i for i in order if i < len(units)]
    part, whole = np.array(units).T
    found = homogeneity_test(part, whole, seed=seed, n_draws=200)
    assert found == homogeneity_test(part[place], whole[place], seed=seed, n_draws=200)
    assert 0 < found.p_value <= 1


def test_units_without_cases_and_missing_ones_are_left_out():
    plain = homogeneity_test([3, 9, 5], [20, 20, 20])
    assert homogeneity_test([3, 0, 9, np.nan, 5, 1], [20, 0, 20, 20, 20, np.nan]) == plain
    counts = poisson_homogeneity_test([3, 9], [5, 5])
    assert poisson_homogeneity_test([3, 0, 9], [5, 0, 5]) == counts


@pytest.mark.parametrize(
    ("part", "whole"), [([1], [2]), ([0, 0], [4, 5]), ([4, 5], [4, 5]), ([1, 0], [2, 0])]
)
def test_nothing_to_compare_is_unknown(part, whole):
    found = homogeneity_test(part, whole)
    assert np.isnan([found.statistic, found.p_value]).all()
    assert np.isnan(poisson_homogeneity_test([0, 0], [4, 5]).p_value)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: homogeneity_test([], []), "n_part must hold at least 1"),
        (lambda: homogeneity_test([3, 1], [2, 2]), "n_part must not exceed n_whole"),
        (lambda: homogeneity_test([1], [2, 3]), "n_whole must have one entry a row"),
        (lambda: homogeneity_test([-1, 1], [2, 3]), "n_part must be 0 or more"),
        (lambda: homogeneity_test([1, 1], [2, 3], method="exact"), "method must be one of"),
        (lambda: homogeneity_test([1, 1], [2, 3], seed=-1), "seed must be a whole number"),
        (lambda: homogeneity_test([1, 1], [2, 3], n_draws=0), "n_draws must be a whole number"),
        (lambda: homogeneity_test([1.5, 1], [2, 3], method="simulated"),
         "n_part and n_whole must be whole numbers"),
        (lambda: poisson_homogeneity_test([1, 1], [0, 3]), "expected must be above 0 where"),
        (lambda: poisson_homogeneity_test([1.5, 1], [2, 3], method="simulated"),
         "n_event must be whole numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, match):
    with pytest.raises(InputError, match=match):
        call()


@pytest.mark.parametrize("size", [1e9, 1e19])
def test_tables_too_large_to_draw_keep_the_chi_square_distribution(size):
    # an expected count below 5 would call for draws
    found = homogeneity_test([size / 2, 1], [size, 3])
    assert found.method == "chi_square"
    assert found.statistic == pytest.approx(1 / 3, rel=1e-6)  # (1 - 1.5)^2 / (3 / 4)
    with pytest.raises(InputError, match=r"^n_part and n_whole must add up to at most"):
        homogeneity_test([size / 2, 1], [size, 3], method="simulated")


def test_events_too_many_to_draw_keep_the_chi_square_distribution():
    found = poisson_homogeneity_test([1e19, 2], [1e19, 1])
    assert (found.method, found.statistic) == ("chi_square", pytest.approx(1))
    with pytest.raises(InputError, match=r"^n_event must add up to at most"):
        poisson_homogeneity_test([1e19, 2], [1, 1], method="simulated")
    few = poisson_homogeneity_test([1e15, 2], [1e15, 1], n_draws=99)
    assert few.method == "simulated"
    assert 0.2 < few.p_value < 0.5  # of a Poisson count with mean 1: mid-P 0.35


def test_a_table_beyond_every_draw_counts_for_half_a_draw():
    # one of two tables in 1.4e11 is as far apart
    found = homogeneity_test([20, 0], [20, 20], method="simulated", n_draws=999)
    assert found.p_value == pytest.approx(0.5 / 1000, rel=1e-12)
