"""Scores of forecasts, against another library, identities and counts by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.forecasts import (
    amount_scores,
    brier_split,
    calibration_line,
    calibration_table,
    log_score,
)
from salesdiag.stats.rates import wilson_interval

CASES = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0, 0.1, 0.5, 1.0])), st.booleans()),
    min_size=2,
    max_size=40,
)
BINS = st.one_of(st.none(), st.integers(1, 6), st.just([0.1, 0.5]), st.just([]))


def by_hand(probability, outcome):
    """Split by distinct forecasts as Murphy writes it, in a loop."""
    p, y = np.asarray(probability, float), np.asarray(outcome, float)
    reliability = resolution = 0.0
    for value in set(p.tolist()):
        mine = y[p == value]
        reliability += len(mine) * (value - mine.mean()) ** 2 / len(y)
        resolution += len(mine) * (mine.mean() - y.mean()) ** 2 / len(y)
    return reliability, resolution, y.mean() * (1 - y.mean())


def amounts(seed=0, shape=(3, 12)):
    rng = np.random.default_rng(seed)
    return rng.gamma(2, 50, shape), rng.gamma(2, 50, shape), rng.gamma(2, 50, (*shape[:-1], 30))


def test_amounts_by_hand():
    # errors +10, -30, +5 on 100, 60, 40; the past moved by 20 and 10
    found = amount_scores([110, 30, 45], [100, 60, 40], history=[50, 70, 60])
    assert found.bias == pytest.approx(-15 / 200)
    assert found.mean_absolute_error == pytest.approx(15)
    assert found.wape == pytest.approx(45 / 200)
    assert found.mase == pytest.approx(15 / 15)


def test_the_seasonal_scale_looks_one_season_back():
    # two seasons apart: |4 - 1|, |8 - 2|, |5 - 4|, |8 - 8|: mean 2.5
    found = amount_scores([10], [5], history=[1, 2, 4, 8, 5, 8], season_lag=2)
    assert found.mase == pytest.approx(5 / 2.5)


def test_as_last_time_itself_has_a_scaled_error_of_1():
    past = np.array([3.0, 7, 4, 9, 2, 8])
    assert amount_scores(past[:-1], past[1:], history=past).mase == pytest.approx(1)


def test_amounts_match_sklearn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.metrics import mean_absolute_error
    forecast, actual, history = amounts()
    found = amount_scores(forecast, actual, history=history)
    expected = mean_absolute_error(actual.T, forecast.T, multioutput="raw_values")
    np.testing.assert_allclose(found.mean_absolute_error, expected, rtol=1e-12)
    plain = mean_absolute_error(history.T[1:], history.T[:-1], multioutput="raw_values")
    np.testing.assert_allclose(found.mase, expected / plain, rtol=1e-12)


@given(st.integers(0, 50), st.floats(0.1, 9))
def test_another_currency_changes_the_absolute_error_only(seed, rate):
    forecast, actual, history = amounts(seed)
    plain = amount_scores(forecast, actual, history=history)
    other = amount_scores(rate * forecast, rate * actual, history=rate * history)
    for name in ("bias", "wape", "mase"):
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), rtol=1e-9)
    np.testing.assert_allclose(other.mean_absolute_error, rate * plain.mean_absolute_error)
    assert (np.abs(plain.bias) <= plain.wape + 1e-12).all()


def test_nothing_to_set_the_error_against_is_unknown():
    found = amount_scores([1, 2], [0, 0], history=[5, 5, 5])
    assert np.isnan([found.bias, found.wape, found.mase]).all()
    assert np.isnan(amount_scores([1], [1]).mase)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: amount_scores([1, 2], [1]), "forecast"),
        (lambda: amount_scores([], []), "forecast"),
        (lambda: amount_scores([1, np.nan], [1, 2]), "forecast"),
        (lambda: amount_scores([1], [np.inf]), "actual"),
        (lambda: amount_scores([1], [1], history=[3]), "history"),
        (lambda: amount_scores([1], [1], history=[3, 4, 5], season_lag=3), "history"),
        (lambda: amount_scores([1], [1], season_lag=0), "season_lag"),
    ],
)
def test_amounts_that_do_not_fit_are_refused_by_name(call, named):
    with pytest.raises(InputError, match=f"^{named}"):
        call()


@given(CASES)
def test_brier_and_log_score_match_sklearn(cases):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.metrics import brier_score_loss, log_loss
    probability, outcome = (np.array(one, float) for one in zip(*cases, strict=True))
    expected = brier_score_loss(outcome, probability, pos_label=1)
    assert brier_split(probability, outcome).brier == pytest.approx(expected, abs=1e-12)
    inside = np.clip(probability, 1e-9, 1 - 1e-9)  # sklearn cuts certainty, we do not
    expected = log_loss(outcome, inside, labels=[0, 1])
    assert log_score(inside, outcome) == pytest.approx(expected, rel=1e-9)


@given(CASES)
def test_the_parts_are_those_of_murphy(cases):
    probability, outcome = zip(*cases, strict=True)
    found = brier_split(probability, outcome)
    expected = by_hand(probability, outcome)
    np.testing.assert_allclose(
        [found.reliability, found.resolution, found.uncertainty], expected, atol=1e-12
    )
    assert (found.within_variance, found.within_covariance) == pytest.approx((0, 0), abs=1e-15)


@given(CASES, BINS)
def test_the_parts_add_up_exactly_with_and_without_bins(cases, bins):
    probability, outcome = zip(*cases, strict=True)
    found = brier_split(probability, outcome, bins=bins)
    total = found.reliability - found.resolution + found.uncertainty
    total += found.within_variance - found.within_covariance
    assert total == pytest.approx(found.brier, abs=1e-12)
    assert min(found.reliability, found.resolution, found.within_variance) >= 0
    assert found.resolution <= found.uncertainty + 1e-12


@given(CASES, BINS, st.randoms(use_true_random=False))
def test_counts_and_single_cases_and_any_order_say_the_same(cases, bins, random):
    probability, outcome = (np.array(one, float) for one in zip(*cases, strict=True))
    distinct, code = np.unique(probability, return_inverse=True)
    counted = (distinct, np.bincount(code, outcome), np.bincount(code))
    shuffled = list(zip(*random.sample(cases, len(cases)), strict=True))
    for score in (lambda *a: brier_split(*a, bins=bins), lambda *a: log_score(*a)):
        single = score(probability, outcome)
        np.testing.assert_allclose(score(*counted), single, atol=1e-12)
        np.testing.assert_array_equal(score(*shuffled), single)
    table, other = (calibration_table(*a, bins=bins) for a in ((probability, outcome), counted))
    for one, two in zip(table, other, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


def test_known_answers_at_the_ends():
    perfect = brier_split([1, 0, 1], [1, 0, 1])
    assert perfect.brier == 0
    assert perfect.resolution == pytest.approx(perfect.uncertainty)
    assert log_score([1, 0, 1], [1, 0, 1]) == 0
    assert brier_split([0, 1], [1, 0]).brier == 1
    assert log_score([0, 0.5], [1, 1]) == np.inf
    dull = brier_split([0.4] * 5, [2, 2, 2, 2, 2], 5)
    assert (dull.reliability, dull.resolution) == pytest.approx((0, 0))


def test_no_case_is_unknown():
    assert np.isnan(brier_split([0.5], [0], [0])[:-1]).all()
    assert np.isnan(log_score([], []))
    assert len(calibration_table([], []).n) == 0


def test_the_table_by_hand():
    table = calibration_table([0.1, 0.2, 0.5, 0.9], [1, 1, 3, 8], [10, 10, 5, 10], bins=[0.2, 0.6])
    assert table.n.tolist() == [10, 15, 10]  # a chance on a border belongs to the upper bin
    assert table.n_event.tolist() == [1, 4, 8]
    np.testing.assert_allclose(table.mean_probability, [0.1, 0.3, 0.9])
    np.testing.assert_allclose((table.low, table.high), wilson_interval([1, 4, 8], [10, 15, 10]))


def test_a_number_of_bins_gives_bins_of_equal_size_without_parting_equal_forecasts():
    probability = np.arange(100) / 100
    assert calibration_table(probability, np.zeros(100), bins=4).n.tolist() == [25] * 4
    heaped = np.repeat([0.1, 0.2, 0.7], [5, 90, 5])
    assert calibration_table(heaped, np.zeros(100), bins=3).n.tolist() == [5, 90, 5]


@given(CASES, BINS)
def test_the_table_holds_every_case_once(cases, bins):
    probability, outcome = zip(*cases, strict=True)
    table = calibration_table(probability, outcome, bins=bins)
    assert table.n.sum() == len(cases)
    assert table.n_event.sum() == sum(outcome)
    assert (np.diff(table.mean_probability) > 0).all()
    assert (table.n > 0).all()


@pytest.mark.parametrize(
    ("cases", "bins", "named"),
    [
        (([1.1], [1]), None, "probability"),
        (([0.5, np.nan], [1, 0]), None, "probability"),
        (([0.5], [2]), None, "n_event"),
        (([0.5, 0.2], [1, 0, 1]), None, "n_event"),
        (([0.5], [np.nan]), None, "n_event"),
        (([0.5], [1]), 0, "bins"),
        (([0.5], [1]), [0.5, 0.5], "bins"),
        (([0.5], [1]), [2.0], "bins"),
    ],
)
def test_cases_that_do_not_fit_are_refused_by_name(cases, bins, named):
    with pytest.raises(InputError, match=f"^{named}"):
        brier_split(*cases, bins=bins)


@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_line_matches_a_logistic_regression(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 3, 60)
    n = rng.integers(1, 9, 60)
    n_event = rng.binomial(n, probability**1.5)
    odds = np.log(probability / (1 - probability))
    counts = np.column_stack([n_event, n - n_event])
    fit = sm.GLM(counts, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-12)
    found = calibration_line(probability, n_event, n)
    # both stop within 1e-6 of the top of the likelihood
    assert (found.intercept, found.slope) == pytest.approx(tuple(fit.params), abs=1e-6)
    expected = fit.conf_int()
    assert found[1:3] == pytest.approx(tuple(expected[0]), abs=1e-5)
    assert found[4:6] == pytest.approx(tuple(expected[1]), abs=1e-5)
    told = np.sum(n_event * np.log(probability) + (n - n_event) * np.log1p(-probability))
    at_top = np.sum(n_event * np.log(fit.mu) + (n - n_event) * np.log1p(-fit.mu))
    assert found.p_value == pytest.approx(np.exp(-(at_top - told)), rel=1e-5)  # chi2 on 2 df


def test_forecasts_that_are_twice_too_bold_have_slope_one_half():
    bold = 1 / (1 + np.exp(-np.array([-2.0, 0, 2])))
    true = 1 / (1 + np.exp(-np.array([-1.0, 0, 1])))
    found = calibration_line(bold, 1000 * true, 1000)
    assert (found.intercept, found.slope) == pytest.approx((0, 0.5), abs=1e-7)


@pytest.mark.parametrize(
    ("probability", "n_event"),
    [([0.2, 0.4, 0.4, 0.6], [0, 0, 1, 1]), ([0.2, 0.4, 0.4, 0.6], [1, 1, 0, 0]),
     ([0.2, 0.3, 0.6], [0, 0, 1]), ([0.2, 0.3, 0.6], [1, 0, 0]), ([0.4] * 3, [0, 1, 1]),
     ([0.2, 0.6], [0, 0]), ([], [])],
)  # fmt: skip
def test_no_line_fits_where_one_value_parts_the_outcomes(probability, n_event):
    assert np.isnan(calibration_line(probability, n_event)).all()


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certainty_has_no_odds(certain):
    with pytest.raises(InputError, match=r"^probability must lie strictly between"):
        calibration_line([0.2, certain, 0.3], [1, 0, 0])


def test_too_much_forecast_is_a_bias_above_0_also_of_negative_amounts():
    found = amount_scores([110, 120], [-100, -100])
    assert (found.bias, found.wape) == (2.15, 2.15)
    found = amount_scores([-110, -120], [-100, -100])
    assert (found.bias, found.wape) == (-0.15, 0.15)
    # refunds that nearly cancel the sales do not blow it up
    assert amount_scores([110, -99], [100, -99]).bias == pytest.approx(10 / 199)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=8))
def test_the_bias_has_the_sign_of_the_errors_and_is_never_beyond_the_absolute_ones(amounts):
    forecast, actual = np.array(amounts).T
    found = amount_scores(forecast, actual)
    if np.abs(actual).sum() > 1e-3:
        assert found.bias * np.sum(forecast - actual) >= 0
        assert abs(found.bias) <= found.wape * (1 + 1e-9)


def test_forecasts_that_only_rounding_tells_apart_are_one():
    assert np.isnan(calibration_line([0.3, 0.3000000000001], [3, 4], [10, 10])).all()
    near = calibration_line([0.3, 0.300001], [3, 4], [10, 10])
    # two points have a line through them, in closed form
    odds = np.log(np.array([0.3, 0.300001]) / (1 - np.array([0.3, 0.300001])))
    slope = (np.log(4 / 6) - np.log(3 / 7)) / (odds[1] - odds[0])
    assert near.slope == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("times", [1e-12, 1e12])
def test_the_line_does_not_hang_on_how_many_cases_there_are(times):
    part, whole = np.array([30, 60, 70]), np.array([100, 100, 100])
    usual = calibration_line([0.2, 0.5, 0.8], part, whole)
    found = calibration_line([0.2, 0.5, 0.8], part * times, whole * times)
    assert (found.intercept, found.slope) == pytest.approx((usual.intercept, usual.slope))
    wide = (usual.slope_high - usual.slope_low) / np.sqrt(times)
    assert found.slope_high - found.slope_low == pytest.approx(wide, rel=1e-6)
