"""Regression on cells, against the same regression on cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.panel import linear_cells, logistic_cells


def cells(seed, n_cells=25):
    """Give cells with two columns, and the cases that they stand for."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_cells, 2))
    whole = rng.integers(1, 30, n_cells)
    part = rng.binomial(whole, 1 / (1 + np.exp(-(x @ [0.8, -0.5] - 0.3))))
    cases = np.repeat(x, whole, axis=0)
    event = np.concatenate(
        [np.r_[np.ones(a), np.zeros(b - a)] for a, b in zip(part, whole, strict=True)]
    )
    return x, part, whole, cases, event


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_logistic_cells_match_statsmodels_on_cases(seed):
    import statsmodels.api as sm

    x, part, whole, cases, event = cells(seed)
    expected = sm.Logit(event, sm.add_constant(cases)).fit(disp=0)
    found = logistic_cells(part, whole, x)
    # both iterate to the maximum of a likelihood: agreement to its curvature
    np.testing.assert_allclose(found.coefficient, expected.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.standard_error, expected.bse, rtol=1e-6)
    np.testing.assert_allclose(found.p_value, expected.pvalues, rtol=1e-4)
    np.testing.assert_allclose(
        np.column_stack((found.low, found.high)), expected.conf_int(), rtol=1e-5, atol=1e-7
    )
    label = np.arange(len(part)) % 8
    clustered = sm.GLM(event, sm.add_constant(cases), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(label, whole), "use_correction": False}
    )
    found = logistic_cells(part, whole, x, cluster=label, variance="sandwich")
    np.testing.assert_allclose(found.standard_error, clustered.bse * np.sqrt(8 / 7), rtol=1e-6)


def test_ridge_matches_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    x, part, whole, cases, event = cells(4)
    standard = (cases - cases.mean(axis=0)) / cases.std(axis=0)
    # half the penalty there is 1 / C times the sum of squares
    expected = LogisticRegression(C=1 / 7, tol=1e-10, max_iter=1000).fit(standard, event)
    found = logistic_cells(part, whole, x, ridge=7.0)
    np.testing.assert_allclose(
        found.coefficient[1:] * cases.std(axis=0), expected.coef_[0], rtol=1e-4
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_linear_cells_match_statsmodels_on_cases(seed):
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    x, n = rng.normal(size=(20, 2)), rng.integers(1, 15, 20)
    value = np.repeat(x @ [2, -1], n) + rng.normal(0, 3, n.sum())
    ends = np.cumsum(n)
    sums = np.diff(np.concatenate(([0], np.cumsum(value)[ends - 1])))
    squares = np.diff(np.concatenate(([0], np.cumsum(value**2)[ends - 1])))
    expected = sm.OLS(value, sm.add_constant(np.repeat(x, n, axis=0))).fit()
    found = linear_cells(n, sums, x, value_squares=squares)
    np.testing.assert_allclose(found.coefficient, expected.params, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.standard_error, expected.bse, rtol=1e-9)
    np.testing.assert_allclose(found.p_value, expected.pvalues, rtol=1e-6)
    means = sm.WLS(sums / n, sm.add_constant(x), weights=n).fit()
    found = linear_cells(n, sums, x)
    np.testing.assert_allclose(found.standard_error, means.bse, rtol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 200), st.randoms(use_true_random=False))
def test_order_and_splitting_of_cells_change_nothing(seed, random):
    x, part, whole, _cases, _event = cells(seed)
    order = list(range(len(part)))
    random.shuffle(order)
    first = logistic_cells(part, whole, x)
    second = logistic_cells(part[order], whole[order], x[order])
    np.testing.assert_allclose(first.coefficient, second.coefficient, rtol=1e-7, atol=1e-9)
    split = logistic_cells(
        np.concatenate((part, np.zeros(len(part)))),
        np.concatenate((part, whole - part)),
        np.concatenate((x, x)),
    )
    np.testing.assert_allclose(first.coefficient, split.coefficient, rtol=1e-6, atol=1e-8)
    assert ((first.fitted > 0) & (first.fitted < 1)).all()


@pytest.mark.parametrize(
    ("part", "whole", "x"),
    [
        ([0, 9], [8, 9], [0, 1]),  # all of one side, none of the other
        ([0, 4, 9], [8, 9, 12], [0, 1, 1]),  # none on one side, some on the other
        ([0, 0, 3, 5], [3, 4, 3, 5], [1, 2, 3, 4]),
    ],
)
def test_a_separating_column_is_refused_and_a_ridge_lets_it_pass(part, whole, x):
    with pytest.raises(InputError, match=r"design must not separate .* column 1 does"):
        logistic_cells(part, whole, x)
    fit = logistic_cells(part, whole, x, ridge=1.0)
    assert np.isfinite(fit.coefficient).all()
    assert fit.coefficient[1] > 0


def test_cells_without_cases_tell_nothing():
    with_empty = logistic_cells([10, 30, 0], [40, 50, 0], [0, 1, 7])
    assert np.exp(with_empty.coefficient[1]) == pytest.approx(4.5)


def test_one_cluster_has_no_interval():
    fit = logistic_cells([10, 30], [40, 50], [0, 1], cluster=["a", "a"])
    assert np.isnan([fit.low, fit.high, fit.p_value]).all()
    line = linear_cells([1, 1], [2, 3], [0, 1])  # no degree of freedom is left
    assert line.coefficient.tolist() == pytest.approx([2, 1])
    assert np.isnan(line.low).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_part": [5, 9]}, "n_part must not exceed n_whole; got 9 of 4"),
        ({"n_part": [np.nan, 1]}, "n_part must not hold missing"),
        ({"n_whole": []}, "n_whole must hold at least 1"),
        ({"design": [1, 1]}, "design must not repeat itself: a column is constant"),
        ({"design": [[1, np.nan], [1, 2]]}, "design must not hold missing"),
        ({"ridge": -1}, "ridge must be 0 or more"),
        ({"cluster": [1]}, "cluster must have one entry a row"),
        ({"confidence": 1}, "confidence must lie"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changed, message):
    good = {"n_part": [2, 3], "n_whole": [6, 4], "design": [0, 1]}
    with pytest.raises(InputError, match=message):
        logistic_cells(**(good | changed))


def test_cells_without_cases_are_no_clusters_and_have_no_values():
    x, part, whole, _cases, _event = cells(8, n_cells=12)
    label = np.arange(12) % 4
    plain = logistic_cells(part, whole, x, cluster=label)
    more = logistic_cells(
        np.append(part, [0, 0]), np.append(whole, [0, 0]), np.vstack((x, [[1, 2], [3, 4]])),
        cluster=np.append(label, [7, 8]),
    )  # fmt: skip
    np.testing.assert_allclose(plain.standard_error, more.standard_error, rtol=1e-9)
    np.testing.assert_allclose(plain.p_value, more.p_value, rtol=1e-9)
    with pytest.raises(InputError, match="value_sum must be 0 where n is 0"):
        linear_cells([2, 2, 0], [10, 14, 500], [0, 1, 1])
    with pytest.raises(InputError, match="value_squares must be at least"):
        linear_cells([2, 2], [10, 14], [0, 1], value_squares=[1, 1])
    with pytest.raises(InputError, match="n_part must have one entry a row, 2; got 1"):
        logistic_cells([1], [40, 50], [0, 1])


def test_the_jackknife_of_a_line_is_that_of_leaving_out_each_cluster():
    # least squares: one step from the whole fit is the fit without the cluster itself
    rng = np.random.default_rng(3)
    label = np.repeat(np.arange(7), 4)
    x = np.column_stack((rng.normal(size=7)[label], rng.normal(size=28)))
    n = rng.integers(1, 9, 28)
    total = n * (x @ [1.0, 0.5] + rng.normal(size=7)[label] + rng.normal(0, 0.5, 28))
    whole = linear_cells(n, total, x, cluster=label)
    left = np.array([
        linear_cells(n[label != one], total[label != one], x[label != one]).coefficient
        for one in range(7)
    ])  # fmt: skip
    expected = np.sqrt(6 / 7 * ((left - whole.coefficient) ** 2).sum(axis=0))
    np.testing.assert_allclose(whole.standard_error, expected, rtol=1e-9)
    sandwich = linear_cells(n, total, x, cluster=label, variance="sandwich")
    assert (whole.standard_error > sandwich.standard_error).all()


def test_where_one_cluster_alone_tells_a_column_there_is_no_interval():
    x = [[1, 0], [0, 0], [1, 0], [0, 0], [1, 1], [0, 0]]
    fit = logistic_cells([3, 2, 4, 1, 5, 2], [6, 6, 7, 5, 8, 6], x, cluster=[1, 1, 2, 2, 3, 3])
    assert np.isnan(fit.low).all()
    with pytest.raises(InputError, match="variance must be one of"):
        logistic_cells([3, 2], [6, 6], [0, 1], cluster=[1, 2], variance="robust")
