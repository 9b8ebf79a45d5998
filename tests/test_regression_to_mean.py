"""The rebound of chosen units, against closed forms, published shrinkage and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from salesdiag.errors import InputError
from salesdiag.stats.effects import expected_rebound, net_change

# Efron and Morris (1975), JASA 70, table 1: eighteen batters, average of their first 45 times
# at bat and of the rest of the season
FIRST = np.array([.400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222,
                  .222, .222, .200, .178, .156])  # fmt: skip
REST = np.array([.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303,
                 .264, .226, .285, .316, .200])  # fmt: skip
CHANCE = FIRST.mean() * (1 - FIRST.mean()) / 45


def only(*places, of=18):
    chosen = np.zeros(of, dtype=bool)
    chosen[list(places)] = True
    return chosen


def test_the_published_example():
    # Barnett et al. (2005), equation 1, with the numbers of their program: mean 60, standard
    # deviation 15, low values below 40, share 1 - rho of the variance within
    for rho in (0.0, 0.3, 0.5, 0.9, 1.0):
        found = expected_rebound(60, rho * 225, (1 - rho) * 225, cut=40)
        z = (60 - 40) / 15
        expected = (1 - rho) * 15 * stats.norm.pdf(z) / stats.norm.sf(z)
        np.testing.assert_allclose(found, expected, atol=1e-9)


@given(st.floats(-3, 3), st.floats(0.1, 4), st.floats(0.1, 4), st.sampled_from(["low", "high"]))
def test_it_is_the_mean_of_a_truncated_normal_drawn_back(cut, between, within, side):
    spread = np.sqrt(between + within)
    ends = (-np.inf, cut / spread) if side == "low" else (cut / spread, np.inf)
    at_choice = stats.truncnorm.mean(*ends, scale=spread)
    later = at_choice * between / (between + within)
    found = expected_rebound(0, between, within, cut=cut, side=side)
    assert found == pytest.approx(later - at_choice, rel=1e-6)


def test_two_values_before_choosing_against_the_integral():
    # choose on the mean of two values: its noise is half as large
    between, noise, cut = 2.0, 3.0 / 2, -1.0
    spread = np.sqrt(between + noise)
    top = integrate.quad(lambda x: x * stats.norm.pdf(x, scale=spread), -30, cut)[0]
    at_choice = top / stats.norm.cdf(cut, scale=spread)
    found = expected_rebound(0, between, 3.0, cut=cut, n_before=2)
    assert found == pytest.approx(-at_choice * noise / (between + noise), rel=1e-8)


def test_a_portion_is_the_cut_at_that_quantile():
    by_cut = expected_rebound(5, 1, 3, cut=stats.norm.ppf(0.25, 5, 2))
    np.testing.assert_allclose(expected_rebound(5, 1, 3, portion=0.25), by_cut)
    high = expected_rebound(5, 1, 3, portion=0.25, side="high")
    np.testing.assert_allclose(high, -by_cut)


@given(st.floats(0.01, 0.99), st.floats(0, 5), st.floats(0.01, 5))
def test_more_noise_and_a_narrower_choice_rebound_more(portion, between, within):
    one = expected_rebound(0, between, within, portion=portion)
    assert one >= 0
    assert expected_rebound(0, between, within * 2, portion=portion) > one
    assert expected_rebound(0, between, within, portion=portion / 2) > one
    assert expected_rebound(0, between, within, portion=portion, n_before=3) < one


def test_far_out_cuts_stay_finite_and_steady_units_do_not_rebound():
    found = expected_rebound(0, 1, 1, cut=[-60, 60])
    # far below, the chosen stand just below the cut and come back half way; all chosen: nothing
    np.testing.assert_allclose(found, [30, 0], atol=0.02)
    assert expected_rebound(0, 4, 0, cut=-1) == 0


def test_the_eighteen_batters_are_drawn_in_as_published():
    # Efron and Morris: 0.265 + 0.212 (x - 0.265), so .400 becomes .294 and .156 becomes .242
    best = net_change(FIRST, REST, CHANCE, only(0))
    worst = net_change(FIRST, REST, CHANCE, only(17))
    assert 0.400 + best.rebound == pytest.approx(0.2940, abs=5e-5)
    assert 0.156 + worst.rebound == pytest.approx(0.2422, abs=5e-5)
    assert best.reliability == pytest.approx(0.212391, abs=5e-6)


def test_the_rebounds_of_all_batters_predict_the_rest_of_the_season():
    # Efron and Morris: squared error 0.0754 as they stood, 0.0213 drawn in
    drawn = [first + net_change(FIRST, REST, CHANCE, only(place)).rebound
             for place, first in enumerate(FIRST)]  # fmt: skip
    assert np.sum((FIRST - REST) ** 2) == pytest.approx(0.0754, abs=5e-5)
    assert np.sum((drawn - REST) ** 2) == pytest.approx(0.0213, abs=5e-5)


def test_the_eight_worst_batters_rebound_and_no_more():
    # nobody did anything for them: .206 at first, .264 later, and the rebound explains it
    chosen = FIRST <= 0.222
    found = net_change(FIRST, REST, CHANCE, chosen)
    assert found.n_selected == 8
    assert found.naive == pytest.approx(REST[chosen].mean() - FIRST[chosen].mean())
    assert found.naive > 0.05
    assert found.low < 0 < found.high
    assert abs(found.net) < 0.02
    assert found.net == pytest.approx(found.naive - found.rebound)


def test_the_spread_between_units_of_uneven_noise_solves_its_equation():
    rng = np.random.default_rng(2)
    variance = rng.uniform(0.1, 2, 30)
    first = rng.normal(3, 1, 30) + rng.normal(size=30) * np.sqrt(variance)
    # the rebound of one unit gives away how far it is drawn in, and towards what
    pulls = [net_change(first, first, variance, only(one, of=30)).rebound for one in range(30)]
    grid = np.linspace(0.3, 3, 200001)
    weight = 1 / (grid[:, None] + variance)
    centre = (weight @ first) / weight.sum(axis=1)
    excess = np.sum(weight * (first - centre[:, None]) ** 2, axis=1) - 29
    at = np.abs(excess).argmin()
    drawn = 27 / 29 * variance / (grid[at] + variance) * (centre[at] - first)
    np.testing.assert_allclose(pulls, drawn, atol=1e-4)  # the grid's step


def test_units_that_vary_no_more_than_chance_are_drawn_almost_all_the_way():
    first = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    found = net_change(first, first, 100, only(0, of=8))
    assert found.rebound == pytest.approx(5 / 7 * (4.5 - 1))
    assert found.reliability == pytest.approx(2 / 7)


def test_against_the_rest_a_drift_that_carries_all_cancels():
    rng = np.random.default_rng(4)
    first, later = rng.normal(size=(2, 20))
    chosen = first < np.quantile(first, 0.3)
    plain = net_change(first, later, 0.5, chosen, against="rest")
    drifted = net_change(first, later + 10, 0.5, chosen, against="rest")
    np.testing.assert_allclose(drifted, plain, atol=1e-9)
    alone = net_change(first, later + 10, 0.5, chosen).net
    assert alone == pytest.approx(net_change(first, later, 0.5, chosen).net + 10)


def test_without_noise_before_it_is_the_plain_t_interval_of_the_changes():
    rng = np.random.default_rng(6)
    first = np.arange(40.0) * 10
    later = first + rng.normal(size=40)
    chosen = first < 100
    found = net_change(first, later, 1e-9, chosen)
    test = stats.ttest_1samp((later - first)[chosen], 0)
    low, high = test.confidence_interval(0.95)
    np.testing.assert_allclose((found.low, found.high), (low, high), rtol=1e-5)


@given(st.integers(0, 10**6), st.sampled_from(["before", "rest"]))
def test_row_order_does_not_matter_and_units_of_measure_pass_through(seed, against):
    rng = np.random.default_rng(seed)
    first, later = rng.normal(size=(2, 15))
    variance = rng.uniform(0.2, 1, 15)
    chosen = first < np.median(first)
    found = net_change(first, later, variance, chosen, against=against)
    order = rng.permutation(15)
    rows = (one[order] for one in (first, later, variance, chosen))
    assert net_change(*rows, against=against) == found
    scaled = net_change(3 * first + 7, 3 * later + 7, 9 * variance, chosen, against=against)
    np.testing.assert_allclose(scaled[:6], 3 * np.array(found[:6]), rtol=1e-6, atol=1e-9)
    assert found.low <= found.net <= found.high


@pytest.mark.parametrize("against", ["before", "rest"])
def test_without_effect_the_naive_change_is_above_zero_and_ours_covers_zero(against):
    # 20 units, half of the variance is chance, the bottom quarter is chosen; 800 rounds
    rng = np.random.default_rng(8)
    naive, covered = [], 0
    for _ in range(800):
        real = rng.normal(size=20)
        first, later = real + rng.normal(size=(2, 20))
        chosen = np.argsort(np.argsort(first)) < 5
        found = net_change(first, later, 1.0, chosen, against=against)
        naive.append(found.naive)
        covered += found.low <= 0 <= found.high
    assert np.mean(naive) > 0.7
    # as the closed form says for a quarter of many, a little less with twenty
    if against == "before":
        assert np.mean(naive) == pytest.approx(expected_rebound(0, 1, 1, portion=0.25), abs=0.08)
    assert 0.93 <= covered / 800 <= 0.98


def test_a_real_effect_is_found():
    rng = np.random.default_rng(9)
    real = rng.normal(size=60)
    first, later = real + rng.normal(size=(2, 60)) * 0.7
    chosen = first < np.quantile(first, 0.25)
    found = net_change(first, later + 1.5 * chosen, 0.49, chosen)
    assert found.low > 0
    assert found.low < 1.5 < found.high


def test_few_units_give_no_interval_and_fewer_no_answer():
    few = net_change([1, 2, 3, 4, 5], [2, 2, 3, 4, 5], 1, only(0, 1, of=5))
    assert np.isnan([few.standard_error, few.low, few.high]).all()
    assert not np.isnan(few.net)
    fewer = net_change([1, 2, 3], [2, 2, 3], 1, only(0, of=3))
    assert fewer.naive == 1
    assert np.isnan(fewer[1:7]).all()
    single = net_change(FIRST, REST, CHANCE, only(0))
    assert np.isnan([single.low, single.high]).all()


def test_later_values_of_units_not_compared_may_be_missing():
    chosen = FIRST <= 0.222
    later = np.where(chosen, REST, np.nan)
    assert net_change(FIRST, later, CHANCE, chosen) == net_change(FIRST, REST, CHANCE, chosen)
    with pytest.raises(InputError, match="after must not be missing for a unit that is compared"):
        net_change(FIRST, later, CHANCE, chosen, against="rest")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_rebound(0, 1, 1), "cut or portion must be given, and not both"),
        (lambda: expected_rebound(0, 1, 1, cut=1, portion=0.5), "cut or portion"),
        (lambda: expected_rebound(0, 0, 0, cut=1), "must not both be 0"),
        (lambda: expected_rebound(0, -1, 1, cut=1), "variance_between must be 0 or more"),
        (lambda: expected_rebound(0, 1, 1, portion=1), "portion must lie strictly"),
        (lambda: expected_rebound(0, 1, 1, cut=1, n_before=0), "n_before must be 1 or more"),
        (lambda: expected_rebound(0, 1, 1, cut=1, side="left"), 'side must be one of "low"'),
        (lambda: net_change([], [], 1, []), "before must hold at least 1"),
        (lambda: net_change([1, 2], [1], 1, [1, 0]), "after must have one entry a row, 2; got 1"),
        (lambda: net_change([1, np.nan], [1, 2], 1, [1, 0]), "before must not hold missing"),
        (lambda: net_change([1, 2], [1, 2], 0, [1, 0]), "variance_before must be above 0"),
        (lambda: net_change([1, 2], [1, 2], 1, [0, 0]), "selected must hold units of both kinds"),
        (lambda: net_change([1, 2], [1, 2], 1, [1, 1], against="rest"), "selected must hold"),
        (lambda: net_change([1, 2], [1, 2], 1, [1, 0.5]), "selected must be true or false"),
        (lambda: net_change([1, 2], [np.nan, 2], 1, [1, 0]), "after must not be missing"),
        (lambda: net_change([1, 2], [1, 2], 1, [1, 0], against="all"), "against must be one of"),
        (lambda: net_change([1, 2], [1, 2], 1, [1, 0], confidence=1), "confidence must lie"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("z", [-3.0, -40.0, -1e5, -1e10, 5.0, 60.0])
def test_far_out_the_rebound_follows_mills_ratio(z):
    found = expected_rebound(0, 0.5, 0.5, cut=z).item()
    if z < -30:  # -z - 1/z + 2/z^3, the asymptotic expansion of the density over the tail
        assert found == pytest.approx(0.5 * (-z - 1 / z + 2 / z**3), rel=1e-6)
    else:
        known = stats.norm.pdf(z) / stats.norm.cdf(z)
        assert found == pytest.approx(0.5 * known, rel=1e-9, abs=1e-300)


def test_hardly_any_variance_brings_the_chosen_half_of_the_way_back():
    # all lie at the cut, and half of their distance from the mean is chance
    assert expected_rebound(60, 1e-20, 1e-20, cut=40) == pytest.approx(10)
    assert expected_rebound(60, 1e-20, 1e-20, cut=80) == pytest.approx(0)
    found = expected_rebound(60, 1e-20, 1e-20, cut=80, side="high")
    assert found == pytest.approx(-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_rebound([1, 2], [1, 2, 3], 1, cut=0), "must have shapes that fit"),
        (lambda: expected_rebound([1, 2], 1, 1, portion=[0.1] * 3), "must have shapes that fit"),
        (lambda: expected_rebound(1, 1, 1, cut=[1, 2], n_before=[1] * 3), "shapes that fit"),
        (lambda: net_change(range(8), range(8), [1, 2, 3], [1] * 8), "variance_before must be one"),
        (lambda: net_change(range(2), range(2), [[1, 2]], [1, 0]), "variance_before must be one"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("n_units", [6, 7, 8])
def test_with_equal_noise_the_error_and_the_interval_have_a_closed_form(n_units):
    first = np.array([1.0, 2, 4, 7, 9, 10, 13, 16])[:n_units]
    later = np.array([4.0, 3, 3, 8, 7, 12, 11, 15])[:n_units]
    noise, chosen = 6.0, np.arange(n_units) < 3
    found = net_change(first, later, noise, chosen)
    # Morris (1983): all are drawn in alike, and the sum of squares tells by how much
    total = first.var(ddof=1)
    pull = (n_units - 3) / (n_units - 1) * noise / total
    left = (later - first - pull * (first.mean() - first))[chosen]
    rebound = pull * (first.mean() - first[chosen].mean())
    own = left.var(ddof=1) / 3
    doubt = pull**2 * total / n_units + rebound**2 * 2 / max(n_units - 5, 1)
    df = (own + doubt) ** 2 / (own**2 / 2 + doubt**2 / (n_units - 1))
    assert found.rebound == pytest.approx(rebound, rel=1e-9)
    assert found.standard_error == pytest.approx(np.sqrt(own + doubt), rel=1e-9)
    reach = stats.t.ppf(0.975, df) * np.sqrt(own + doubt)
    assert found.high - found.net == pytest.approx(reach, rel=1e-7)
