"""Parts of a change that add up, against worked examples and the definition by orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from salesdiag.errors import InputError
from salesdiag.stats.decomposition import chain_change, lmdi_parts, shapley_parts
from salesdiag.stats.resampling import drawn_interval, drawn_sums

# METHODS section 4: leads, lead to deal, win rate, size, price
GAP_BASE = [1000, 0.30, 0.25, 10_000, 0.95]
GAP_COMPARISON = [1100, 0.28, 0.20, 10_500, 0.90]

FACTORS = st.integers(1, 6).flatmap(
    lambda n: st.tuples(*[st.lists(st.floats(0.01, 100), min_size=n, max_size=n)] * 2)
)


def by_all_orders(base, comparison):
    """Change the factors one after the other, in every order, and average what each added."""
    parts = np.zeros(len(base))
    orders = list(permutations(range(len(base))))
    for order in orders:
        now = list(base)
        for place in order:
            before = np.prod(now)
            now[place] = comparison[place]
            parts[place] += np.prod(now) - before
    return parts / len(orders)


def test_the_five_factor_gap_to_the_printed_digits():
    parts = shapley_parts(GAP_BASE, GAP_COMPARISON)
    expected = [61_938.5, -44_712.6, -144_239.7, 31_682.2, -35_048.4]
    np.testing.assert_allclose(parts, expected, atol=0.05)
    assert parts.sum() == pytest.approx(-130_380, abs=1e-9)
    logarithmic = lmdi_parts(GAP_BASE, GAP_COMPARISON)
    expected = [61_486.1, -44_508.4, -143_953.4, 31_475.3, -34_879.6]
    np.testing.assert_allclose(logarithmic, expected, atol=0.05)
    assert logarithmic.sum() == pytest.approx(-130_380, abs=1e-9)


def test_price_and_volume_of_one_item():
    np.testing.assert_allclose(shapley_parts([1000, 50], [1100, 52]), [5100, 2100])
    np.testing.assert_allclose(lmdi_parts([1000, 50], [1100, 52]), [5100.93, 2099.07], atol=5e-3)


@given(FACTORS)
def test_shapleys_parts_are_the_average_over_all_orders(sides):
    base, comparison = sides
    scale = max(np.prod(base), np.prod(comparison), 1)
    parts = shapley_parts(base, comparison)
    np.testing.assert_allclose(parts / scale, by_all_orders(base, comparison) / scale, atol=1e-9)


@given(FACTORS)
def test_parts_add_up_and_turn_around(sides):
    base, comparison = sides
    change = np.prod(comparison) - np.prod(base)
    for parts_of in (shapley_parts, lmdi_parts):
        parts, back = parts_of(base, comparison), parts_of(comparison, base)
        scale = max(np.prod(comparison), np.prod(base), 1)
        assert parts.sum() / scale == pytest.approx(change / scale, abs=1e-9)
        np.testing.assert_allclose(parts / scale, -back / scale, atol=1e-9)
        same = np.equal(base, comparison)
        assert (parts[same] == 0).all()


def test_eight_factors_and_many_rows_at_once():
    rng = np.random.default_rng(1)
    base, comparison = rng.uniform(0.5, 2, (2, 40, 8))
    parts = shapley_parts(base, comparison)
    np.testing.assert_allclose(parts.sum(axis=1), comparison.prod(axis=1) - base.prod(axis=1))
    np.testing.assert_allclose(parts[7], shapley_parts(base[7], comparison[7]), atol=1e-12)
    with pytest.raises(InputError, match="base must have 1 to 8 factors; got 9"):
        shapley_parts(np.ones(9), np.ones(9))


def test_a_factor_of_zero_takes_what_it_ended():
    # by hand: 4 x 3 to 0 x 5; with b unchanged a ends 12, after b's change it ends 20: -16, +4
    np.testing.assert_allclose(shapley_parts([4, 3], [0, 5]), [-16, 4])
    assert np.isnan(lmdi_parts([4, 3], [0, 5])).all()


@pytest.mark.parametrize("parts_of", [shapley_parts, lmdi_parts])
def test_sides_that_do_not_fit_are_refused(parts_of):
    with pytest.raises(InputError, match="base and comparison must have the same factors"):
        parts_of([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="comparison must be finite"):
        parts_of([1, 2], [1, np.inf])
    assert np.isnan(parts_of([1, np.nan], [1, 2])).all()


SUMS = st.integers(1, 4).flatmap(
    lambda links: st.lists(
        st.tuples(*[st.lists(st.integers(1, 50), min_size=links, max_size=links)] * 2),
        min_size=2,
        max_size=8,
    )
)


@settings(deadline=None, max_examples=50)
@given(SUMS, st.randoms(use_true_random=False))
def test_chains_add_up_whatever_the_order_of_clusters(clusters, random):
    base, comparison = (np.array(side, float) for side in zip(*clusters, strict=True))
    found = chain_change(base, comparison, n_draws=50)
    assert found.part.sum() == pytest.approx(found.change, abs=1e-9)
    assert found.change == comparison[:, -1].sum() - base[:, -1].sum()
    assert np.prod(found.base) == pytest.approx(base[:, -1].sum())
    assert (found.low <= found.part).all()
    assert (found.part <= found.high).all()
    random.shuffle(clusters)
    base, comparison = (np.array(side, float) for side in zip(*clusters, strict=True))
    again = chain_change(base, comparison, n_draws=50)
    np.testing.assert_array_equal(again.low, found.low)
    np.testing.assert_array_equal(again.high, found.high)


def test_a_cluster_may_come_in_several_rows():
    whole = chain_change([[6, 2], [4, 1], [5, 2]], [[7, 2], [5, 1], [9, 1]])
    split = chain_change(
        [[6, 2], [1, 1], [3, 0], [5, 2]], [[7, 2], [5, 0], [0, 1], [9, 1]], cluster=list("abbc")
    )
    for one, other in zip(whole, split, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_reference_known_for_sure_is_not_drawn():
    comparison = np.array([[7, 2], [5, 1], [9, 1], [4, 3]])
    found = chain_change([30, 10], comparison)
    np.testing.assert_allclose(found.base, [30, 1 / 3])
    assert found.change == 7 - 10
    # all of the uncertainty is the comparison's: the change is as uncertain as its end
    assert found.change_high - found.change_low == pytest.approx(
        np.subtract(*drawn_end(comparison)[::-1])
    )


def drawn_end(comparison):
    draws = drawn_sums(
        np.stack((np.zeros_like(comparison, float), comparison), axis=1), n_draws=1000, seed=0
    )
    end = np.array(float(comparison[:, -1].sum()))
    return drawn_interval(draws[:, 1, -1], end, n_clusters=len(comparison), confidence=0.95)


def test_what_both_sides_share_is_no_uncertainty():
    # clusters differ a hundredfold, but each grows by exactly a tenth
    base = np.array([[1.0, 1], [10, 10], [100, 100], [40, 40], [7, 7], [3, 3]])
    found = chain_change(base, base * [1.1, 1.1])
    assert found.part[1] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose((found.low[1], found.high[1]), 0, atol=1e-9)


def test_what_was_not_there_did_not_change():
    # no lead on one side: the rate of winning them is the other side's, all is the leads'
    found = chain_change([[0, 0], [0, 0]], [[4, 1], [6, 2]])
    np.testing.assert_allclose(found.part, [3, 0])
    nothing = chain_change([[0, 0], [0, 0]], [[0, 0], [0, 0]])
    np.testing.assert_allclose(nothing.part, 0)


def test_one_cluster_has_no_interval():
    found = chain_change([[10, 4]], [[12, 3]])
    assert np.isnan(found.low).all()
    assert np.isnan([found.change_low, found.change_high]).all()
    assert found.part.sum() == pytest.approx(-1)


@pytest.mark.parametrize(
    ("base", "comparison", "message"),
    [
        ([[0, 3]], [[4, 1]], "base must be a chain in which nothing comes of nothing: link 1"),
        ([[1, 2]], [[1, 2], [3, 4]], "base must have one entry a row, 2; got 1"),
        ([[1, 2, 3]], [[1, 2]], "base and comparison must have the same links"),
        ([[1, np.nan]], [[1, 2]], "base must not hold missing values"),
        ([["a", 2]], [[1, 2]], "base must hold numbers only"),
        ([10, 2], [12, 3], "comparison must be a table of clusters by links"),
    ],
)
def test_chains_that_cannot_be_are_refused(base, comparison, message):
    with pytest.raises(InputError, match=message):
        chain_change(base, comparison)


def test_the_seed_and_the_number_of_draws_are_checked():
    with pytest.raises(InputError, match="n_draws must be a whole number from 1"):
        chain_change([[1, 1]] * 2, [[1, 1]] * 2, n_draws=0)
    with pytest.raises(InputError, match="seed must be a whole number from 0"):
        chain_change([[1, 1]] * 2, [[1, 1]] * 2, seed=-1)


@pytest.mark.parametrize("n_clusters", [2, 3, 4])
def test_the_stretch_is_exactly_students_and_that_of_the_variance(n_clusters):
    # draws that are the quantiles themselves: 0.025 lies at -1, 0.975 at +2
    draws = np.linspace(-1 - 3 * 0.025 / 0.95, 2 + 3 * 0.025 / 0.95, 2001)
    low, high = drawn_interval(draws, np.array(0.5), n_clusters=n_clusters, confidence=0.95)
    stretch = student.ppf(0.975, n_clusters - 1) / norm.ppf(0.975)
    stretch *= np.sqrt(n_clusters / (n_clusters - 1))
    np.testing.assert_allclose((low, high), (0.5 - 1.5 * stretch, 0.5 + 1.5 * stretch), rtol=1e-9)


def test_the_interval_of_a_sum_is_students():
    # sums of normal clusters: the stretched percentiles come near the interval of the t-test
    rng = np.random.default_rng(4)
    rows = rng.normal(10, 3, (12, 1))
    draws = drawn_sums(rows, n_draws=20_000, seed=1)[:, 0]
    low, high = drawn_interval(draws, rows.sum(axis=0)[0], n_clusters=12, confidence=0.95)
    half = 2.200985 * np.std(rows, ddof=1) / np.sqrt(12) * 12
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
