"""Strength of hidden causes, against published numbers and searches by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesdiag.errors import InputError
from salesdiag.stats.effects import (
    adjusted_estimate,
    e_value,
    partial_r2,
    risk_ratio_of_difference,
    risk_ratio_of_odds,
    robustness_value,
)

# Cinelli and Hazlett (2020), section 5, the Darfur survey; digits from the tests of the R
# package sensemakr (test-02-darfur.R): estimate, standard error, degrees of freedom
DARFUR = (0.09731582, 0.02325654, 783)
DARFUR_T = DARFUR[0] / DARFUR[1]
# shares of a hidden cause 1, 2 and 3 times as strong as "female", and what would remain
FEMALE_R2_TREATMENT = [0.00916428667504862, 0.0183285733500972, 0.0274928600251459]
FEMALE_R2_OUTCOME = [0.12464092303637, 0.249324064199975, 0.374050471038094]
FEMALE_ESTIMATE = [0.0752202698486415, 0.0529151689180575, 0.0303960178770157]
FEMALE_ERROR = [0.0218733298036818, 0.0203500639944344, 0.0186700665753491]
FEMALE_LOW = [0.0322829603180086, 0.0129680276030601, -0.00625329133645187]
FEMALE_HIGH = [0.118157579379274, 0.092862310233055, 0.0670453270904833]


@pytest.mark.parametrize(
    ("ratio", "low", "high", "estimate", "limit"),
    [
        # VanderWeele and Ding (2017): respiratory deaths and feeding; leukaemia
        (3.9, 1.8, 8.7, 7.26, 3.00),
        (0.80, 0.71, 0.91, 1.81, 1.43),
        # vignette of the R package EValue: smoking and lung cancer (20.94777, 15.52336)
        (10.73, 8.02, 14.36, 20.95, 15.52),
    ],
)
def test_e_values_match_the_published_ones(ratio, low, high, estimate, limit):
    np.testing.assert_allclose(e_value(ratio, low, high), (estimate, limit), atol=5e-3)


def test_the_smoking_example_to_five_digits():
    found = e_value(10.73, 8.02, 14.36)
    np.testing.assert_allclose(found, (20.94777, 15.52336), atol=5e-6)


@given(st.floats(1.001, 50), st.floats(1.0, 50), st.floats(1.0, 50))
def test_no_cause_with_both_ratios_below_the_e_value_explains_the_ratio(ratio, first, second):
    # Ding and VanderWeele's bounding factor a b / (a + b - 1) is the most that a cause can do
    needed = e_value(ratio).estimate.item()
    assert needed * needed / (2 * needed - 1) == pytest.approx(ratio, rel=1e-9)
    first, second = min(first, needed), min(second, needed)
    assert first * second / (first + second - 1) <= ratio * (1 + 1e-9)


@given(st.floats(0.02, 50))
def test_a_ratio_and_its_inverse_need_the_same(ratio):
    one, other = e_value(ratio).estimate, e_value(1 / ratio).estimate
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_an_interval_that_holds_no_effect_needs_nothing():
    found = e_value([1.5, 0.7, 1.0], [0.9, 0.4, 0.8], [2.5, 1.2, 1.3])
    assert found.limit.tolist() == [1.0, 1.0, 1.0]
    assert found.estimate[2] == 1.0


def test_another_target_than_no_effect():
    # 2.5 down to 1.5 is as far as 5/3 down to 1
    np.testing.assert_allclose(e_value(2.5, target=1.5).estimate, e_value(5 / 3).estimate)


def test_without_an_interval_the_limit_is_unknown():
    assert np.isnan(e_value(2.0).limit)


@given(st.floats(0.01, 0.98), st.floats(0.01, 0.98))
def test_two_shares_give_the_same_ratio_by_way_of_odds_or_difference(base, treated):
    odds = treated / (1 - treated) / (base / (1 - base))
    np.testing.assert_allclose(risk_ratio_of_odds(odds, base_rate=base), treated / base)
    found = risk_ratio_of_difference(treated - base, base_rate=base)
    np.testing.assert_allclose(found, treated / base)


def test_the_root_of_an_odds_ratio_stands_in_where_the_base_is_unknown():
    # VanderWeele (2017): exact where the two shares lie as far from one half
    odds = (0.6 / 0.4) / (0.4 / 0.6)
    np.testing.assert_allclose(risk_ratio_of_odds(odds), 0.6 / 0.4)


def test_the_darfur_survey():
    np.testing.assert_allclose(partial_r2(DARFUR_T, 783), 0.02187309, atol=5e-9)
    np.testing.assert_allclose(robustness_value(DARFUR_T, 783), 0.138776, atol=5e-7)
    found = robustness_value(DARFUR_T, 783, alpha=0.05)
    np.testing.assert_allclose(found, 0.07625797, atol=5e-8)  # the estimate has seven digits


def test_causes_once_twice_and_three_times_as_strong_as_a_known_one():
    # the covariate's own two shares follow from the printed line for "once"; the other two
    # lines and all that remains are then predictions
    d = FEMALE_R2_TREATMENT[0] / (1 + FEMALE_R2_TREATMENT[0])
    shared = d**2 / (1 - d) ** 2
    factor = ((1 + np.sqrt(shared)) ** 2) / (1 - shared)
    y = FEMALE_R2_OUTCOME[0] / (factor + FEMALE_R2_OUTCOME[0])
    found = adjusted_estimate(*DARFUR, r2_treatment=d, r2_outcome=y, strength=[1, 2, 3])
    np.testing.assert_allclose(found.r2_treatment, FEMALE_R2_TREATMENT, rtol=1e-9)
    np.testing.assert_allclose(found.r2_outcome, FEMALE_R2_OUTCOME, rtol=1e-9)
    np.testing.assert_allclose(found.estimate, FEMALE_ESTIMATE, rtol=1e-7)
    np.testing.assert_allclose(found.standard_error, FEMALE_ERROR, rtol=1e-7)
    # the package forgets here the degree of freedom that the hidden cause costs: 783, not 782
    np.testing.assert_allclose(found.low, FEMALE_LOW, atol=1e-7)
    np.testing.assert_allclose(found.high, FEMALE_HIGH, atol=1e-7)


def test_an_unseen_copy_of_a_covariate_is_priced_as_regression_prices_it():
    # Leave z out of a regression where z and its twin x are alike by construction: the bound
    # for "as strong as x" must then give back exactly the coefficient of the full regression.
    rng = np.random.default_rng(5)
    n = 400
    basis = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 4))]))[0][:, 1:]
    x, z, noise_d, noise_y = basis.T
    d = x + z + 2 * noise_d
    y = 0.8 * d + 1.5 * x + 1.5 * z + 3 * noise_y
    short, full = np.column_stack([d, x]), np.column_stack([d, x, z])
    without, with_z = (np.linalg.lstsq(one, y, rcond=None)[0] for one in (short, full))
    residual = y - short @ without
    df = n - 3
    error = np.sqrt(residual @ residual / df * np.linalg.inv(short.T @ short)[0, 0])
    # R2 of x with d, and of x with y given d, both in the regressions without z
    with_d = (x @ d) ** 2 / (d @ d)
    y_d, x_d = y - d * (d @ y) / (d @ d), x - d * (d @ x) / (d @ d)
    with_y = (x_d @ y_d) ** 2 / (x_d @ x_d) / (y_d @ y_d)
    found = adjusted_estimate(without[0], error, df, r2_treatment=with_d, r2_outcome=with_y)
    # the outcome's share is a bound that x and z reach only when they pull the same way
    assert found.estimate == pytest.approx(with_z[0], abs=1e-9)


@pytest.mark.parametrize(("t", "df", "alpha"), [(4.2, 783, 0.05), (3.0, 12, 0.05), (40.0, 6, 0.1)])
def test_the_robustness_value_is_the_weakest_square_that_overturns(t, df, alpha):
    # search all pairs of shares up to r on a fine grid
    found = robustness_value(t, df, alpha=alpha).item()
    critical = stats.t.ppf(1 - alpha / 2, df - 1)

    def least_t(r):
        y, d = np.meshgrid(np.linspace(0, r, 400), np.linspace(0, r, 400))
        left = np.abs(t) / np.sqrt(df) - np.sqrt(y * d / (1 - d))
        return (left * np.sqrt((1 - d) * (df - 1)) / np.sqrt(1 - y)).min()

    assert least_t(found - 2e-3) > critical
    assert least_t(found + 2e-3) < critical


@given(st.floats(0, 30), st.integers(2, 500))
def test_values_are_shares_and_grow_with_the_evidence(t, df):
    plain, tested = robustness_value(t, df), robustness_value(t, df, alpha=0.05)
    assert 0 <= tested <= plain < 1
    assert partial_r2(t, df) <= plain + 1e-12
    assert robustness_value(t + 1, df) > plain
    assert robustness_value(t, df, q=0.5) <= plain
    np.testing.assert_allclose(robustness_value(-t, df), plain)


def test_a_cause_that_would_explain_more_than_everything_cannot_exist():
    found = adjusted_estimate(1, 0.2, 50, r2_treatment=0.4, r2_outcome=0.1, strength=[1, 3])
    assert np.isnan(np.array(found)[:, 1]).all()
    assert not np.isnan(np.array(found)[:, 0]).any()


def test_no_cause_at_all_changes_nothing_but_one_degree_of_freedom():
    found = adjusted_estimate(-2, 0.5, 11, r2_treatment=0.2, r2_outcome=0.3, strength=0)
    assert found.estimate == -2
    np.testing.assert_allclose(found.standard_error, 0.5 * np.sqrt(11 / 10))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: e_value(0), "risk_ratio must be above 0; got 0"),
        (lambda: e_value(2, -1, 3), "low must be above 0; got -1"),
        (lambda: e_value(2, 3, 1), "low must not lie above high"),
        (lambda: e_value(2, target=0), "target must be above 0"),
        (lambda: e_value([1, np.nan]), "risk_ratio must not hold missing values"),
        (lambda: risk_ratio_of_odds(-1), "odds_ratio must be above 0"),
        (lambda: risk_ratio_of_odds(2, base_rate=2), "base_rate must be between 0 and 1"),
        (lambda: risk_ratio_of_difference(0.5, base_rate=0.6), "base_rate \\+ difference must be"),
        (lambda: risk_ratio_of_difference(0.1, base_rate=0), "base_rate must be above 0"),
        (lambda: partial_r2(2, 0), "df must be above 0"),
        (lambda: partial_r2("many", 3), "t must hold numbers only"),
        (lambda: robustness_value(2, 1), "df must be above 1; got 1"),
        (lambda: robustness_value(2, 9, q=0), "q must be above 0"),
        (lambda: robustness_value(2, 9, alpha=5), "alpha must lie strictly between 0 and 1"),
        (lambda: adjusted_estimate(1, 0, 9, r2_treatment=0.1, r2_outcome=0.1),
         "standard_error must be above 0"),
        (lambda: adjusted_estimate(1, 1, 1, r2_treatment=0.1, r2_outcome=0.1),
         "df must be above 1"),
        (lambda: adjusted_estimate(1, 1, 9, r2_treatment=1, r2_outcome=0.1),
         "r2_treatment must be between 0 and 1"),
        (lambda: adjusted_estimate(1, 1, 9, r2_treatment=0.1, r2_outcome=0.1, strength=-1),
         "strength must be 0 or more"),
        (lambda: adjusted_estimate(1, 1, 9, r2_treatment=0, r2_outcome=0, confidence=95),
         "confidence must lie strictly"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_enormous_and_tiny_strengths_keep_their_digits():
    assert robustness_value([1e10, 1e200], 100) == pytest.approx(1)
    assert robustness_value(1e10, 100, alpha=0.05) == pytest.approx(1)
    strength = np.array([1e-200, 1e-9, 1e-3, 1.0, 1e3, 1e6])
    # by fractions, f being t over the root of df
    from decimal import Decimal, localcontext

    with localcontext() as context:
        context.prec = 900
        squares = [Decimal(one) ** 2 for one in strength.tolist()]
        known = [float(((f * f + 4 * f).sqrt() - f) / 2) for f in squares]
    np.testing.assert_allclose(robustness_value(strength * 10, 100), known, rtol=1e-12)
    assert partial_r2([1e200, 1e-200], 5).tolist() == [1, 0]
    assert partial_r2([-3, 3], 9).tolist() == pytest.approx([0.5, 0.5])


def test_an_estimate_outside_its_interval_is_refused():
    with pytest.raises(InputError, match="low and high must hold risk_ratio; got 3 outside 4 to 5"):
        e_value(3, 4, 5)
    with pytest.raises(InputError, match="low and high must hold risk_ratio"):
        e_value([2, 6], [1, 4], [3, 5], target=0.5)
    assert e_value(2, 2, 2).limit == e_value(2).estimate


@pytest.mark.parametrize(
    "call",
    [
        lambda: e_value([1, 2], [1, 1, 1], [3, 3, 3]),
        lambda: partial_r2([1, 2], [1, 2, 3]),
        lambda: robustness_value([1, 2], [3, 4, 5]),
        lambda: adjusted_estimate([1, 2], [1, 1, 1], 10, r2_treatment=0.1, r2_outcome=0.1),
        lambda: adjusted_estimate(1, 1, 10, r2_treatment=[0.1, 0.2], r2_outcome=[0.1] * 3),
        lambda: adjusted_estimate([1, 2], 1, 10, r2_treatment=[0.1] * 3, r2_outcome=0.1),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call):
    with pytest.raises(InputError, match="must have shapes that fit"):
        call()
