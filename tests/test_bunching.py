"""Cases that pile up at a threshold: planted piles, heaped nulls, scipy and statsmodels live."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from scipy.stats import f as f_distribution

from salesdiag.errors import InputError
from salesdiag.stats.bunching import excess_mass, placebo_thresholds, window_test
from salesdiag.stats.bunching.histogram import fit_smooth, read_histogram

PERCENT = np.arange(1, 41)
AT = PERCENT == 10


def heaped(height=20.0):
    """Give smooth counts, 3 times as high at multiples of 5 and 4.5 times at those of 10."""
    smooth = height * np.exp(-(((PERCENT - 14) / 12) ** 2) / 2)
    return smooth * np.where(PERCENT % 5 == 0, 3, 1) * np.where(PERCENT % 10 == 0, 1.5, 1)


def binned(values, width=0.05):
    """Count values in bins from -2 to 2, named by their middles."""
    edges = np.round(np.arange(-2, 2 + width, width), 10)
    return edges[:-1] + width / 2, np.histogram(values, edges)[0]


def normal(*, moved):
    """Give 4,000 normal values; if moved, half of those in (-.15, 0) went to (0, .1)."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=4000)
    if moved:
        goes = (values > -0.15) & (values < 0) & (rng.random(4000) < 0.5)
        values[goes] = rng.uniform(0, 0.1, goes.sum())
        return values, goes.sum()
    return values, 0


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 0.99))
def test_the_window_test_at_one_half_is_scipys_exact_binomial_test(below, above, confidence):
    found = window_test(below, above, confidence=confidence)
    if below + above == 0:
        assert np.isnan(found).all()
        return
    theirs = binomtest(below, below + above)
    limits = theirs.proportion_ci(confidence, "exact")
    # 1e-9: the same tails by another route
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    np.testing.assert_allclose((found.low, found.high), limits, atol=1e-9)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.2, 0.8))
def test_mid_p_takes_half_of_the_number_seen_off_each_tail(below, above, share):
    found = window_test(below, above, share_below=share, limits="mid_p")
    n = below + above
    half = binom.pmf(below, n, share) / 2
    tails = binom.cdf(below, n, share) - half, binom.sf(below - 1, n, share) - half
    assert found.p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)
    if below:
        at_low = binom.sf(below, n, found.low) + binom.pmf(below, n, found.low) / 2
        assert at_low == pytest.approx(0.025, rel=1e-6)
    exact = window_test(below, above, share_below=share)
    assert exact.low <= found.low <= found.share_below <= found.high <= exact.high


@pytest.mark.parametrize(
    ("limits", "lowest", "highest"), [("exact", 0, 0.05), ("mid_p", 0.035, 0.06)]
)
def test_the_window_test_errs_as_often_as_it_says(limits, lowest, highest):
    below = np.arange(41)
    errors = [
        binom.pmf(below, 40, share)
        @ (window_test(below, 40 - below, share_below=share, limits=limits).p_value < 0.05)
        for share in np.linspace(0.4, 0.6, 21)
    ]
    assert lowest <= np.mean(errors) <= highest
    if limits == "exact":
        assert max(errors) <= 0.05


def test_normal_values_show_no_bunching_and_moved_ones_do():
    # the check by other software: p = .82 as they are, t = 8.5 after the move
    where = {"window": (0.05, 0.05), "hole": (0.2, 0), "degree": 6, "n_draws": 400}
    values, _none = normal(moved=False)
    assert excess_mass(*binned(values), 0.05, **where).p_value > 0.05
    assert window_test(np.sum((values > -0.1) & (values < 0)),
                       np.sum((values > 0) & (values < 0.1))).p_value > 0.05  # fmt: skip
    values, n_moved = normal(moved=True)
    found = excess_mass(*binned(values), 0.05, **where)
    assert found.score > 8
    assert found.p_value == pytest.approx(1 / 401)
    assert found.excess_low < n_moved < found.excess_high
    assert window_test(np.sum((values > -0.1) & (values < 0)),
                       np.sum((values > 0) & (values < 0.1))).p_value < 1e-9  # fmt: skip


def test_an_exact_pile_on_a_smooth_curve_is_found_exactly():
    count = heaped() + 30 * AT
    # broken counts lie on the curve exactly; whole ones, as `excess_mass` takes, cannot
    data = read_histogram(PERCENT, count, 10, (0, 0), (0, 0), 2, (5, 10), "none")
    found = fit_smooth(data, count[None])
    assert found.excess == pytest.approx(30, abs=1e-6)
    assert found.expected == pytest.approx(heaped()[AT].item())
    np.testing.assert_allclose(found.fitted[0], heaped(), rtol=1e-6)
    assert found.scatter == pytest.approx(0, abs=1e-6)


def test_share_and_relative_are_the_excess_over_all_and_over_the_fit():
    found = excess_mass(PERCENT, np.full(40, 50) + 30 * AT, 10, degree=2, n_draws=100)
    assert found.excess == pytest.approx(30, abs=1e-6)
    assert found.counterfactual == pytest.approx(50)
    assert found.share == pytest.approx(30 / 2030)
    assert found.relative == pytest.approx(30 / 50)


def test_a_hole_is_left_out_and_a_window_of_three_points_counts_them_all():
    count = np.full(40, 50.0)
    count[PERCENT == 9] += 10
    count[AT] += 40
    count[(PERCENT > 10) & (PERCENT < 15)] = 3  # they went to 10
    found = excess_mass(PERCENT, count, 10, window=(2, 0), hole=(0, 4), degree=1, n_draws=100)
    assert (found.n_window, found.counterfactual) == pytest.approx((200, 150))
    assert found.excess == pytest.approx(50)
    assert found.relative == pytest.approx(50 / 50)


def test_naming_the_side_that_they_came_from_puts_them_back():
    # 100 at each of 41 points; a tenth of those above 20 went to 20
    value = np.arange(41)
    count = np.where(value > 20, 90.0, 100.0) + np.where(value == 20, 200, 0)
    found = excess_mass(value, count, 20, degree=3, source="above", n_draws=100)
    assert found.excess == pytest.approx(200, abs=0.1)
    assert found.fitted.sum() == pytest.approx(count.sum(), rel=1e-5)
    as_they_are = excess_mass(value, count, 20, degree=3, n_draws=100)
    assert as_they_are.excess > 203  # too low a curve
    mirrored = excess_mass(-value, count, -20, degree=3, source="below", n_draws=100)
    assert mirrored.excess == pytest.approx(200, abs=0.1)


def test_fit_and_score_match_a_poisson_regression_of_statsmodels():
    count = np.round(heaped()) + 30 * AT  # rounding scatters less than chance
    found = excess_mass(PERCENT, count, 10, degree=3, round_numbers=(5, 10), n_draws=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm

        design = np.column_stack([((PERCENT - 20) / 20.0) ** k for k in range(4)]
                                 + [PERCENT % 5 == 0, PERCENT % 10 == 0])  # fmt: skip
        theirs = sm.GLM(count[~AT], design[~AT], family=sm.families.Poisson()).fit(tol=1e-12)
        smooth = theirs.predict(design)
    # 1e-6: where the two iterations stop
    np.testing.assert_allclose(found.fitted, smooth, rtol=1e-6)
    slope = smooth[AT].item() * design[AT][0]
    variance = smooth[AT].item() + slope @ theirs.cov_params() @ slope
    assert found.scatter == 0
    assert found.score == pytest.approx(found.excess / np.sqrt(variance), rel=1e-6)


def test_scatter_of_single_points_is_measured_and_allowed_for():
    # 20 points of about 50 cases that scatter by 20 % beyond chance; nothing at the 10th
    rng = np.random.default_rng(4)
    count = rng.poisson(50 * rng.gamma(25, 1 / 25, (3000, 20))).astype(float)
    data = read_histogram(np.arange(20), count[0], 10, (0, 0), (0, 0), 8, (), "none")
    found = fit_smooth(data, count)
    assert np.mean(found.scatter**2) == pytest.approx(0.2**2, abs=0.005)
    assert np.std(found.score) == pytest.approx(1, abs=0.15)


def test_an_interval_allows_for_a_lump_at_the_threshold_itself():
    # chance is 2 % of the 2,000 cases a point, the scatter of points 20 %
    rng = np.random.default_rng(5)
    covered = 0
    for _run in range(40):
        count = rng.poisson(2000 * rng.gamma(25, 1 / 25, 40))
        found = excess_mass(PERCENT, count, 10, degree=1, n_draws=200)
        covered += found.excess_low <= 0 <= found.excess_high
    assert covered >= 34


@pytest.mark.parametrize("planted", [0.0, 1.0])
def test_planted_piles_are_recovered_and_covered_and_heaps_alone_do_not_fire(planted):
    rng = np.random.default_rng(2)
    truth = planted * heaped()[AT].item()
    errors, covered, fired = [], 0, 0
    for _run in range(120):
        count = rng.poisson(heaped() + truth * AT)
        found = excess_mass(PERCENT, count, 10, round_numbers=(5, 10), n_draws=200, confidence=0.9)
        errors.append(found.excess - truth)
        covered += found.excess_low <= truth <= found.excess_high
        fired += found.p_value < 0.05
    # three standard errors of the mean of 120
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(120)
    assert 0.82 <= covered / 120 <= 0.98
    assert fired / 120 <= 0.11 if planted == 0 else fired / 120 > 0.9


def test_a_round_threshold_looks_like_a_pile_if_round_numbers_are_not_told():
    count = np.round(heaped(50))
    blind = excess_mass(PERCENT, count, 10, n_draws=200)
    assert blind.excess_low > 0
    told = excess_mass(PERCENT, count, 10, round_numbers=(5, 10), n_draws=200)
    assert told.excess_low < 0 < told.excess_high


def test_an_empty_window_is_a_lack_whose_interval_knows_that_none_is_not_never():
    count = np.where(AT, 0, 20)
    found = excess_mass(PERCENT, count, 10, degree=0, n_draws=1000)
    assert found.excess == pytest.approx(-20)
    # none seen goes with a mean of up to 2.5 (gamma of shape 1/2)
    assert -18.2 < found.excess_high < -16.5
    assert found.excess_low < -20.5
    assert found.p_value == 1


@given(st.randoms())
def test_order_of_rows_and_splitting_a_count_change_nothing(random):
    count = np.round(heaped()).astype(int) + 9 * AT
    rows = [row for value, n in zip(PERCENT.tolist(), count.tolist(), strict=True)
            for row in ((value, n // 2), (value, n - n // 2))]  # fmt: skip
    random.shuffle(rows)
    options = {"degree": 3, "round_numbers": (5,), "n_draws": 100, "seed": 3}
    one = excess_mass(PERCENT, count, 10, **options)
    other = excess_mass(*zip(*rows, strict=True), 10, **options)
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    tried = placebo_thresholds(*zip(*rows, strict=True), 10, degree=3, round_numbers=(5,))
    again = placebo_thresholds(PERCENT, count, 10, degree=3, round_numbers=(5,))
    np.testing.assert_array_equal(tried.score, again.score)


def test_the_unit_of_the_values_does_not_matter_and_the_seed_only_to_the_draws():
    count = np.round(heaped()) + 9 * AT
    one = excess_mass(PERCENT, count, 10, window=(1, 0), round_numbers=(5,), n_draws=100)
    cents = excess_mass(
        PERCENT / 100, count, 0.1, window=(0.01, 0), round_numbers=(0.05,), n_draws=100
    )
    assert cents.excess == pytest.approx(one.excess, abs=1e-6)
    assert cents.p_value == one.p_value
    other = excess_mass(PERCENT, count, 10, window=(1, 0), round_numbers=(5,), n_draws=100, seed=1)
    assert other.excess == one.excess
    assert other.excess_low != one.excess_low


@given(st.integers(0, 80))
def test_more_cases_at_the_threshold_are_more_excess(more):
    count = np.round(heaped())
    one = excess_mass(PERCENT, count + more * AT, 10, degree=3, round_numbers=(5,), n_draws=100)
    two = excess_mass(
        PERCENT, count + (more + 1) * AT, 10, degree=3, round_numbers=(5,), n_draws=100
    )
    assert two.excess == pytest.approx(one.excess + 1, abs=1e-6)
    assert two.score > one.score
    assert two.p_value <= one.p_value
    assert one.excess_low < one.excess_high


def test_placebos_are_as_round_as_the_threshold_and_rank_it():
    count = np.round(heaped()) + 40 * AT
    found = placebo_thresholds(PERCENT, count, 10, degree=2, round_numbers=(5,))
    # 40 is the end of the values: nothing above it
    assert found.threshold.tolist() == [5, 15, 20, 25, 30, 35]
    assert found.own_score > found.score.max()
    assert found.p_value == pytest.approx(1 / 7)
    plain = placebo_thresholds(PERCENT, count, 12, degree=2, round_numbers=(5,))
    assert not (plain.threshold % 5 == 0).any()
    assert 12 not in plain.threshold


def test_each_placebo_is_the_excess_with_the_thresholds_own_pile_left_out():
    count = np.full(40, 30.0) + 60 * AT + 12 * (PERCENT == 25)
    found = placebo_thresholds(PERCENT, count, 10, placebos=[25, 30], degree=0)
    # at 30, the pile at 25 is in the fit: 38 points, 12 cases more than 30 a point
    assert found.excess.tolist() == pytest.approx([12, -12 / 38])
    assert found.relative.tolist() == pytest.approx([12 / 30, -12 / 38 / (30 + 12 / 38)])
    alone = excess_mass(PERCENT[~AT], count[~AT], 25, degree=0, n_draws=100)
    assert found.score[0] == pytest.approx(alone.score)


def test_placebos_whose_window_touches_the_threshold_are_left_out():
    count = np.full(40, 30)
    found = placebo_thresholds(
        PERCENT, count, 10, placebos=[8, 9, 11, 12, 99], window=(1, 0), degree=1
    )
    assert found.threshold.tolist() == [8, 12]


def test_ranks_among_placebos_are_uniform_without_bunching():
    rng = np.random.default_rng(6)
    small = [
        placebo_thresholds(PERCENT, rng.poisson(np.full(40, 30)), 12, degree=1).p_value <= 0.1
        for _run in range(60)
    ]
    assert np.mean(small) <= 0.1 + 3 * np.sqrt(0.09 / 60)


GOOD = (PERCENT, np.full(40, 20), 10)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: window_test(-1, 2), "n_below must be 0 or more"),
        (lambda: window_test(1, np.nan), "n_above must not hold missing"),
        (lambda: window_test([1, 2], [1, 2, 3]), "n_below and n_above must have shapes"),
        (lambda: window_test(1, 2, share_below=1), "share_below must lie"),
        (lambda: window_test(1, 2, limits="wald"), "limits must be one of"),
        (lambda: excess_mass([], [], 1), "value must hold at least 1"),
        (lambda: excess_mass([1, 2], [1], 1), "count must have one entry a row"),
        (lambda: excess_mass([1, 2], [1, -1], 1), "count must be 0 or more"),
        (lambda: excess_mass([1, np.nan], [1, 1], 1), "value must not hold missing"),
        (lambda: excess_mass(PERCENT, GOOD[1], 40), "threshold must have values"),
        (lambda: excess_mass(PERCENT, GOOD[1], 10.5), "threshold must have values"),
        (lambda: excess_mass(PERCENT, GOOD[1], [1, 2]), "threshold must be one number"),
        (lambda: excess_mass(PERCENT, GOOD[1], np.nan), "threshold must not hold missing"),
        (lambda: excess_mass(*GOOD, window=(1, -1)), "window must be 0 or more"),
        (lambda: excess_mass(*GOOD, window=(1, 2, 3)), "window must have one entry"),
        (lambda: excess_mass(*GOOD, hole=(0, 40)), "threshold must have values"),
        (lambda: excess_mass(*GOOD, degree=-1), "degree must be a whole number"),
        (lambda: excess_mass([1, 2, 3, 4], [5] * 4, 2, degree=3), "degree and round_numbers"),
        (lambda: excess_mass([1, 2, 3, 4], [5] * 4, 2, degree=2), "degree must leave more values"),
        (lambda: excess_mass(PERCENT, AT * 9, 10), "degree and round_numbers must not ask"),
        (lambda: excess_mass(*GOOD, round_numbers=(0,)), "round_numbers must be above 0"),
        (lambda: excess_mass(*GOOD, round_numbers=(50,)), "round_numbers must have multiples"),
        (lambda: excess_mass(*GOOD, round_numbers=(1,)), "degree and round_numbers must not ask"),
        (lambda: excess_mass(*GOOD, source="left"), "source must be one of"),
        (lambda: excess_mass(*GOOD, n_draws=10), "n_draws must be a whole number from 100"),
        (lambda: excess_mass(*GOOD, seed=-1), "seed must be a whole number"),
        (lambda: excess_mass(*GOOD, confidence=0), "confidence must lie"),
        (lambda: placebo_thresholds(*GOOD, placebos=[]), "placebos must hold at least 1"),
        (lambda: placebo_thresholds(*GOOD, placebos=[10, 40]), "placebos must hold a point"),
    ],
)
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(InputError, match=name):
        call()


@pytest.mark.parametrize("limits", ["exact", "mid_p"])
@pytest.mark.parametrize(
    ("below", "above"), [(0, 60), (60, 0), (2, 80), (80, 2), (0, 2000), (5, 5)]
)
def test_far_tails_are_sums_of_binomial_probabilities(below, above, limits):
    from fractions import Fraction
    from math import comb

    n, few = below + above, min(below, above)
    tail = Fraction(sum(comb(n, one) for one in range(few + 1)), 2**n)
    if limits == "mid_p":
        tail -= Fraction(comb(n, few), 2 ** (n + 1))
    found = window_test(below, above, limits=limits).p_value.item()
    assert found == pytest.approx(float(min(2 * tail, 1)), rel=1e-9, abs=0)


def test_every_interval_holds_its_estimate():
    few = [1, 2, 2, 4, 2, 2, 2, 4, 0, 4, 0, 4, 0, 1, 4, 3, 5, 1, 0, 1, 0]
    found = excess_mass(range(21), few, 10, degree=2)
    assert found.relative == -1  # an empty window
    for name in ("excess", "share", "relative"):
        low, high = getattr(found, f"{name}_low"), getattr(found, f"{name}_high")
        assert low <= getattr(found, name) <= high


@pytest.mark.parametrize("unit", [1e-11, 1.0, 1e9])
def test_the_unit_of_the_values_does_not_matter(unit):
    count = [40 + (60 if one == 10 else 0) for one in range(1, 21)]
    found = excess_mass(np.arange(1, 21) * unit, count, 10 * unit, degree=1, n_draws=100)
    assert (found.n_window, found.excess) == pytest.approx((100, 60))


def test_weights_are_no_cases():
    for function in (excess_mass, placebo_thresholds):
        with pytest.raises(InputError, match="count must hold whole numbers of cases; got 1e-12"):
            function(range(21), [1e-12] * 21, 10)


def test_relative_excess_has_the_interval_of_a_ratio_of_two_counts():
    # 60 at the threshold against four other points of 20: a ratio of gammas, an F distribution
    found = excess_mass(range(5), [20, 20, 60, 20, 20], 2, degree=0, n_draws=20_000)
    low, high = f_distribution.ppf([0.025, 0.975], 2 * 60.5, 2 * 80) * 4 * 60.5 / 80 - 1
    assert found.scatter == 0
    assert found.relative == pytest.approx(2)
    # the fit's counts are drawn as whole numbers; an interval that took the fit for known
    # would be shorter by a quarter
    assert (found.relative_low, found.relative_high) == pytest.approx((low, high), abs=0.1)
