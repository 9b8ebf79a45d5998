"""Adjusted effects of a dose, against closed forms, another library and planted truths."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesdiag.errors import InputError
from salesdiag.stats.effects import dose_effect
from salesdiag.stats.effects.dose_cells import distinct_rows, dose_cells
from salesdiag.stats.effects.doubly_robust import _cross_fit
from salesdiag.stats.effects.overlap import Overlap, overlap_of, why_not
from salesdiag.stats.effects.ridge import fit_means, fit_shares, shares_at

# Bickel, Hammel and O'Connell (1975), the six largest departments: admitted of applied
BERKELEY_MEN = [(512, 825), (353, 560), (120, 325), (138, 417), (53, 191), (22, 373)]
BERKELEY_WOMEN = [(89, 108), (17, 25), (202, 593), (131, 375), (94, 393), (24, 341)]


def berkeley():
    admitted, applied = np.array(BERKELEY_MEN + BERKELEY_WOMEN).T
    return np.repeat(["man", "woman"], 6), np.tile(np.eye(6), (2, 1)), applied, admitted


def drawn(seed, n_clusters=20, per_cluster=30):
    """Draw cases with three levels, a category and a number, both driving dose and outcome."""
    rng = np.random.default_rng(seed)
    n = n_clusters * per_cluster
    kind, number = rng.integers(0, 3, n), rng.integers(0, 4, n)
    push = 0.5 * (kind - 1) + 0.3 * (number - 1.5)
    score = np.column_stack([np.zeros(n), 0.5 * push, push])
    chance = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    dose = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    mean = 0.4 - 0.1 * (kind - 1) - 0.03 * (number - 1.5) + 0.15 * (dose == 1)
    table = np.column_stack([kind == 1, kind == 2, number]).astype(float)
    cluster = np.repeat(np.arange(n_clusters), per_cluster)
    return dose, table, (rng.random(n) < mean).astype(float), cluster


def added_up(dose, table, outcome, cluster):
    """Add the cases up to cells, by a plain dictionary."""
    cells = {}
    for one in zip(dose, map(tuple, table), cluster, outcome, strict=True):
        n, total, squares = cells.get(one[:3], (0, 0, 0))
        cells[one[:3]] = n + 1, total + one[3], squares + one[3] ** 2
    keys, sums = list(cells), np.array(list(cells.values()))
    return [key[0] for key in keys], [key[1] for key in keys], sums, [key[2] for key in keys]


def numbers_of(found):
    return np.concatenate([found.n, found.mean, found.effect, found.standard_error, found.low,
                           found.high, found.effective_n, found.least_propensity])  # fmt: skip


def test_with_a_column_a_department_it_is_the_standardised_difference_of_berkeley():
    dose, table, applied, admitted = berkeley()
    found = dose_effect(dose, table, applied, admitted, folds=1, ridge=1e-7)
    shares = (admitted / applied).reshape(2, 6)
    size = applied.reshape(2, 6).sum(axis=0)
    by_hand = shares @ size / size.sum()
    np.testing.assert_allclose(found.mean, by_hand, atol=1e-6)
    # women are admitted less often in all, and more often like for like
    raw = shares.reshape(2, 6) * applied.reshape(2, 6)
    assert np.diff(raw.sum(axis=1) / applied.reshape(2, 6).sum(axis=1)) < -0.14
    assert found.effect[1] == pytest.approx(np.diff(by_hand).item(), abs=1e-6)
    assert found.effect[1] > 0


def test_its_standard_error_without_clusters_is_the_closed_form_of_standardisation():
    # spread of the departments' own differences plus the binomial noise of each cell
    dose, table, applied, admitted = berkeley()
    found = dose_effect(dose, table, applied, admitted, folds=1, ridge=1e-7)
    shares, n = (admitted / applied).reshape(2, 6), applied.reshape(2, 6)
    size, everyone = n.sum(axis=0), applied.sum()
    gaps = shares[1] - shares[0]
    gap = gaps @ size / everyone
    variance = size @ (gaps - gap) ** 2 + np.sum(size**2 * shares * (1 - shares) / n)
    expected = np.sqrt(variance / everyone**2 * everyone / (everyone - 1))
    assert found.standard_error[1] == pytest.approx(expected, rel=1e-5)
    reach = stats.t.ppf(0.975, everyone - 1) * expected
    assert found.high[1] - found.effect[1] == pytest.approx(reach, rel=1e-5)


def test_without_covariates_it_is_the_difference_of_two_shares():
    found = dose_effect([0, 1], np.empty((2, 0)), [40, 60], [10, 30], folds=1)
    assert found.mean.tolist() == pytest.approx([0.25, 0.5])
    expected = np.sqrt((0.25 * 0.75 / 40 + 0.25 / 60) * 100 / 99)
    assert found.standard_error[1] == pytest.approx(expected)
    assert found.effective_n.tolist() == pytest.approx([40, 60])
    assert found.least_propensity.tolist() == pytest.approx([0.4, 0.6])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_logit_is_that_of_another_library(n_classes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn import linear_model
    rng = np.random.default_rng(n_classes)
    design = np.column_stack([np.ones(80), rng.normal(size=(80, 3))])
    counts = rng.poisson(2, (80, n_classes)) * (1 + np.arange(n_classes))
    rows, classes = np.nonzero(counts)
    # with two classes that library has one set of coefficients instead of two opposite ones,
    # so its penalty is twice as strong
    model = linear_model.LogisticRegression(C=1 if n_classes == 3 else 2, tol=1e-12, max_iter=5000)
    model.fit(design[rows, 1:], classes, sample_weight=counts[rows, classes])
    found = shares_at(design, fit_shares(design, counts.astype(float)))
    # L-BFGS stops early: five digits
    np.testing.assert_allclose(found, model.predict_proba(design[:, 1:]), atol=1e-5)


def test_the_linear_model_is_that_of_another_library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn import linear_model
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(50), rng.normal(size=(50, 3))])
    n, mean = rng.integers(1, 9, 50).astype(float), rng.normal(size=50)
    model = linear_model.Ridge(alpha=2.5).fit(design[:, 1:], mean, sample_weight=n)
    found = fit_means(design, n, n * mean, ridge=2.5)
    np.testing.assert_allclose(found, [model.intercept_, *model.coef_], atol=1e-9)


def test_a_logit_that_separates_stays_finite():
    design = np.column_stack([np.ones(6), np.array([-3.0, -2, -1, 1, 2, 3])])
    counts = np.column_stack([design[:, 1] < 0, design[:, 1] > 0]).astype(float)
    found = shares_at(design, fit_shares(design, counts * 1000, ridge=0.01))
    assert np.isfinite(found).all()
    assert found[0, 0] > 0.99


@pytest.mark.parametrize("kind", ["share", "amount"])
def test_it_equals_a_rewrite_case_by_case_with_another_librarys_models(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn import linear_model
    dose, table, outcome, cluster = drawn(5)
    if kind == "amount":
        outcome = 3 * outcome + np.random.default_rng(0).normal(size=len(outcome))
    ones = np.ones(len(dose))
    squares = outcome**2 if kind == "amount" else None
    found = dose_effect(dose, table, ones, outcome, outcome_squares=squares, cluster=cluster)
    cells = dose_cells(dose, table, ones, outcome, squares, cluster, 5, 0)
    fold_of = dict(zip(cells.cluster.tolist(), cells.fold.tolist(), strict=True))
    fold = np.array([fold_of[one] for one in cluster])
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    score = np.empty((len(dose), 3))
    for one in range(5):
        learn, use = fold != one, fold == one
        logit = linear_model.LogisticRegression(C=1, tol=1e-12, max_iter=5000)
        chance = logit.fit(scaled[learn], dose[learn]).predict_proba(scaled[use])
        for level in range(3):
            some = learn & (dose == level)
            if kind == "share":
                model = linear_model.LogisticRegression(C=2, tol=1e-12, max_iter=5000)
                expected = model.fit(scaled[some], outcome[some]).predict_proba(scaled[use])[:, 1]
            else:
                model = linear_model.Ridge(alpha=1)
                expected = model.fit(scaled[some], outcome[some]).predict(scaled[use])
            hit = dose[use] == level
            score[use, level] = expected + hit * (outcome[use] - expected) / chance[:, level]
    mean = score.mean(axis=0)
    np.testing.assert_allclose(found.mean, mean, atol=1e-5)  # their logit's tolerance
    gap = score[:, 2] - score[:, 0] - (mean[2] - mean[0])
    parts = np.array([gap[cluster == one].sum() for one in range(20)]) / len(dose)
    expected = np.sqrt(parts @ parts * 20 / 19)
    assert found.standard_error[2] == pytest.approx(expected, abs=1e-5)
    reach = stats.t.ppf(0.975, 19) * expected
    np.testing.assert_allclose(found.high[2] - found.effect[2], reach, atol=1e-4)


def test_either_model_alone_may_be_wrong():
    # 40,000 cases on a grid; the models are linear (in the logit) in x
    rng = np.random.default_rng(11)
    x = rng.integers(-10, 11, 40_000) / 5
    gentle, bent = 1 / (1 + np.exp(-x)), 0.1 + 0.7 * (np.abs(x) > 1)
    for chance, base in ((gentle, 2 * np.cos(3 * x)), (bent, 1.5 * x)):
        treated = rng.random(len(x)) < chance
        y = base + treated + rng.normal(size=len(x))
        found = dose_effect(treated, x, np.ones(len(x)), y, outcome_squares=y**2)
        assert found.effect[1] == pytest.approx(1, abs=4 * found.standard_error[1])
        assert found.standard_error[1] < 0.06
    # and the plain difference is far off where the treated differ
    treated = rng.random(len(x)) < gentle
    y = 1.5 * x + treated + rng.normal(size=len(x))
    found = dose_effect(treated, x, np.ones(len(x)), y, outcome_squares=y**2)
    assert y[treated].mean() - y[~treated].mean() > 2
    assert found.effect[1] == pytest.approx(1, abs=0.1)


@given(st.integers(0, 10**6), st.booleans())
def test_neither_row_order_nor_splitting_nor_adding_up_changes_anything(seed, clustered):
    dose, table, outcome, cluster = drawn(seed, n_clusters=8, per_cluster=12)
    groups = cluster if clustered else np.zeros(len(dose))
    labels = {"cluster": cluster} if clustered else {}
    found = dose_effect(dose, table, np.ones(len(dose)), outcome, **labels)
    order = np.random.default_rng(seed).permutation(len(dose))
    labels = {"cluster": cluster[order]} if clustered else {}
    again = dose_effect(dose[order], table[order], np.ones(len(dose)), outcome[order], **labels)
    np.testing.assert_array_equal(numbers_of(again), numbers_of(found))
    assert again.reason.tolist() == found.reason.tolist()
    levels, patterns, sums, names = added_up(dose, table, outcome, groups)
    labels = {"cluster": names} if clustered else {}
    cells = dose_effect(levels, patterns, sums[:, 0], sums[:, 1], **labels)
    np.testing.assert_allclose(numbers_of(cells), numbers_of(found), rtol=1e-6, atol=1e-9)
    twice = {name: [*label, *label] for name, label in labels.items()}
    halves = np.vstack([sums / 4, sums * 3 / 4])
    split = dose_effect(levels * 2, patterns * 2, halves[:, 0], halves[:, 1], **twice)
    np.testing.assert_allclose(numbers_of(split), numbers_of(found), rtol=1e-6, atol=1e-9)


def test_amounts_that_do_not_add_up_exactly_are_added_up_in_one_order():
    rng = np.random.default_rng(4)
    dose, table, _, cluster = drawn(4, n_clusters=6, per_cluster=60)
    y, ones = rng.gamma(1.0, 1 / 3, len(dose)), np.ones(len(dose))
    table = table[:, :1]  # many cases a cell
    found = dose_effect(dose, table, ones, y, outcome_squares=y**2, cluster=cluster)
    for _ in range(5):
        order = rng.permutation(len(dose))
        again = dose_effect(dose[order], table[order], ones, y[order],
                            outcome_squares=y[order] ** 2, cluster=cluster[order])  # fmt: skip
        np.testing.assert_array_equal(numbers_of(again), numbers_of(found))


@given(st.integers(0, 10**6))
def test_units_of_measure_and_choice_of_reference_pass_through(seed):
    dose, table, outcome, cluster = drawn(seed, n_clusters=10, per_cluster=25)
    ones = np.ones(len(dose))
    plain = dose_effect(dose, table, ones, outcome, outcome_squares=outcome**2, cluster=cluster)
    y = 100 * outcome - 7
    scaled = dose_effect(dose, table * [2, 5, 1000] + 3, ones, y, outcome_squares=y**2,
                         cluster=cluster, reference=2)  # fmt: skip
    gap = plain.effect - plain.effect[2]
    np.testing.assert_allclose(scaled.effect, 100 * gap, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scaled.standard_error[0], 100 * plain.standard_error[2], rtol=1e-6)
    assert (scaled.effect[2], scaled.low[2], scaled.high[2]) == (0, 0, 0)
    known = ~np.isnan(plain.effect)
    assert (plain.low[known] <= plain.effect[known]).all()
    assert (plain.effect[known] <= plain.high[known]).all()


def test_another_seed_deals_otherwise_and_the_same_seed_alike():
    dose, table, outcome, cluster = drawn(3)
    data = (dose, table, np.ones(len(dose)), outcome)
    one, same, other = (dose_effect(*data, cluster=cluster, seed=seed).effect for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(one, other, atol=0.02)


def test_a_cluster_is_in_one_fold_and_every_main_level_in_all():
    # dose given by cluster: five clusters of each of three levels, five folds
    cluster = np.repeat(np.arange(15), 4)
    level = cluster % 3
    cells = dose_cells(level, np.arange(60), np.ones(60), np.zeros(60), None, cluster, 5, 0)
    pairs = set(zip(cells.cluster.tolist(), cells.fold.tolist(), strict=True))
    assert len(pairs) == 15
    for fold in range(5):
        assert set(cells.level[cells.fold == fold].tolist()) == {0, 1, 2}


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(1, 13)),
                min_size=2, max_size=15), st.integers(1, 6))  # fmt: skip
def test_cases_without_clusters_are_dealt_evenly_and_none_is_lost(rows, folds):
    dose, x, n = (np.array(one) for one in zip(*rows, strict=True))
    dose[:2] = [0, 1]
    cells = dose_cells(dose, x, n, n * 0.5, None, None, folds, 0)
    assert cells.n.sum() == pytest.approx(n.sum())
    assert cells.total.sum() == pytest.approx(n.sum() / 2)
    for level in (0, 1):
        mine = cells.level == level
        size = np.bincount(cells.fold[mine], cells.n[mine], minlength=min(folds, n.sum()))
        whole = n[dose == level].sum()
        assert size.sum() == pytest.approx(whole)
        # whole cells are dealt level by level, so folds differ by one case a level at most
        assert size.max() - size.min() <= 1 + 1e-9


def test_a_level_with_too_little_chance_is_refused_and_the_others_stand():
    # nobody of kind 1 ever gets level "c"
    dose = ["a", "b", "c", "a", "b"]
    found = dose_effect(dose, [0, 0, 0, 1, 1], [200, 200, 200, 300, 300], [90, 80, 70, 60, 50])
    assert found.reason.tolist()[:2] == ["", ""]
    assert "chance below 0.02 for 50 % of the population" in found.reason[2]
    assert np.isnan([found.effect[2], found.low[2], found.mean[2], found.mean_high[2]]).all()
    assert not np.isnan(found.effect[:2]).any()
    assert found.share_below[2] == 0.5
    assert found.n.tolist() == [500, 500, 200]


def test_a_refused_reference_leaves_means_but_no_effects():
    dose = ["a", "b", "c", "a", "b"]
    data = (dose, [0, 0, 0, 1, 1], [200, 200, 200, 300, 300], [90, 80, 70, 60, 50])
    found = dose_effect(*data, reference="c")
    assert np.isnan(found.effect).all()
    assert not np.isnan(found.mean[:2]).any()


def test_a_level_of_few_cases_is_refused():
    found = dose_effect([0, 1], np.empty((2, 0)), [200, 12], [50, 6], folds=1)
    assert found.reason[1] == "worth 12.0 cases after weighting (at least 20)"
    assert np.isnan(found.effect[1])


def test_a_level_of_one_cluster_only_cannot_be_learned_elsewhere():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(10), 40)
    dose = np.where((cluster == 3) & (rng.random(400) < 0.8), 2, rng.integers(0, 2, 400))
    x = rng.normal(size=400)
    found = dose_effect(dose, x, np.ones(400), rng.integers(0, 2, 400), cluster=cluster)
    assert found.reason.tolist() == ["", "", "no case of the level outside one of the folds"]
    assert np.isnan(found.effect).tolist() == [False, False, True]


def test_the_measures_of_overlap_counted_by_hand():
    chance = np.array([[0.8, 0.2], [0.99, 0.01], [0.5, 0.5]])
    found = overlap_of(chance, np.array([1, 1, 0]), np.array([10.0, 1.0, 4.0]))
    assert found.share_below.tolist() == pytest.approx([0, 1 / 15])
    # ten cases that count for 5 and one that counts for 50 (1 / 0.02, not 1 / 0.01)
    assert found.effective_n.tolist() == pytest.approx([4, 100**2 / (10 * 25 + 2500)])
    assert found.least_propensity.tolist() == [0.5, 0.01]


def test_outcomes_all_alike_at_a_level_need_no_logit():
    found = dose_effect([0, 1, 0, 1], [0, 0, 1, 1], [50, 50, 60, 60], [0, 25, 0, 30])
    assert found.mean.tolist() == pytest.approx([0, 0.5], abs=1e-9)
    # no spread at level 0: its mean has no interval
    assert np.isnan([found.mean_low[0], found.mean_high[0]]).all()
    assert found.low[1] < 0.5 < found.high[1]


def test_rows_without_cases_do_not_count():
    data = ([0, 1, 0, 1], [0, 0, 1, 1], [50, 50, 60, 60], [10, 25, 20, 30])
    found = dose_effect(*data)
    more = [[*one, extra] for one, extra in zip(data, (2, 9, 0, 0), strict=True)]
    again = dose_effect(*more)
    assert again.level.tolist() == [0, 1]
    np.testing.assert_allclose(numbers_of(again), numbers_of(found))


def test_the_interval_covers_and_the_plain_difference_does_not():
    # 300 rounds of 12 clusters; level 2 adds nothing, and the cases that get it are worse
    covered = plain = 0
    for seed in range(300):
        dose, table, outcome, cluster = drawn(seed, n_clusters=12, per_cluster=100)
        found = dose_effect(dose, table, np.ones(len(dose)), outcome, cluster=cluster, folds=3)
        covered += found.low[2] <= 0 <= found.high[2]
        raw = outcome[dose == 2].mean() - outcome[dose == 0].mean()
        plain += abs(raw) < found.high[2] - found.effect[2]
    assert 0.92 <= covered / 300 <= 0.985
    assert plain / 300 < 0.85


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": []}, "n must hold at least 1"),
        ({"n": [-1, 1, 1, 1]}, "n must be 0 or more"),
        ({"n": [0, 0, 0, 0], "outcome_sum": [0, 0, 0, 0]}, "dose must hold at least two levels"),
        ({"outcome_sum": [9, 1, 1, 1]}, "outcome_sum must not exceed n"),
        ({"outcome_sum": [1, 1]}, "outcome_sum must have one entry a row, 4; got 2"),
        ({"outcome_sum": [np.nan, 1, 1, 1]}, "outcome_sum must not hold missing"),
        ({"outcome_squares": [0, 0, 0, 0]}, "outcome_squares must be at least"),
        ({"covariates": [[1, 2]]}, "covariates must have one entry a row"),
        ({"covariates": [1, 2, np.nan, 4]}, "covariates must not hold missing"),
        ({"dose": [1, 1, 1, 1]}, "dose must hold at least two levels with cases; got 1"),
        ({"dose": [1, 2]}, "dose must have one entry a row"),
        ({"cluster": [7, 7, 7, 7]}, "cluster must name at least two clusters with cases; got 1"),
        ({"reference": 5}, "reference must be one of the levels"),
        ({"folds": 0}, "folds must be a whole number from 1"),
        ({"ridge": 0}, "ridge must be above 0"),
        ({"ridge": [1, 2]}, "ridge must be one number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"confidence": 0}, "confidence must lie strictly"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    rows = {
        "dose": [1, 2, 1, 2],
        "covariates": [0, 0, 1, 1],
        "n": [5, 5, 5, 5],
        "outcome_sum": [1, 2, 3, 4],
    } | change
    data = [rows.pop(name) for name in ("dose", "covariates", "n", "outcome_sum")]
    with pytest.raises(InputError, match=message):
        dose_effect(*data, **rows)


@pytest.mark.parametrize("level", [1e6, 1e9, -1e9])
@pytest.mark.parametrize("by_cluster", [False, True])
def test_the_level_of_the_outcomes_costs_no_digits(level, by_cluster):
    dose, table, _outcome, cluster = drawn(5)
    amount = np.random.default_rng(1).normal(size=len(dose))
    ones, named = np.ones(len(dose)), cluster if by_cluster else None
    usual, found = (
        dose_effect(dose, table, ones, one, outcome_squares=one**2, cluster=named)
        for one in (amount, amount + level)
    )
    # 1e9 leaves seven digits behind the point
    np.testing.assert_allclose(found.effect, usual.effect, atol=1e-6)
    np.testing.assert_allclose(found.standard_error, usual.standard_error, rtol=1e-5)
    np.testing.assert_allclose(found.mean - level, usual.mean, atol=1e-6)


@pytest.mark.parametrize("amounts", [False, True])
def test_names_of_clusters_do_not_matter(amounts):
    dose, table, outcome, cluster = drawn(5)
    names = np.random.default_rng(0).permutation(cluster.max() + 1)
    squares = outcome**2 if amounts else None
    ones = np.ones(len(dose))
    usual, found = (
        dose_effect(dose, table, ones, outcome, outcome_squares=squares, cluster=one)
        for one in (cluster, names[cluster])
    )
    np.testing.assert_allclose(found.effect, usual.effect, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, usual.standard_error, rtol=1e-9)


@pytest.mark.parametrize("by_cluster", [False, True])
def test_outcomes_that_do_not_vary_have_means_and_no_intervals(by_cluster):
    dose, table, _outcome, cluster = drawn(5)
    same = np.full(len(dose), 0.1)
    found = dose_effect(
        dose, table, np.ones(len(dose)), same, outcome_squares=same**2,
        cluster=cluster if by_cluster else None,
    )  # fmt: skip
    told = found.reason == ""
    assert told.any()
    np.testing.assert_allclose(found.mean[told], 0.1, rtol=1e-9)
    assert np.isnan([found.mean_low, found.mean_high]).all()
    assert np.isnan(found.standard_error[1:]).all()


@pytest.mark.parametrize("kind", ["share", "amount"])
def test_without_clusters_errors_are_those_of_the_scores_case_by_case(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn import linear_model
    dose, table, outcome, _cluster = drawn(5)
    if kind == "amount":
        outcome = 3 * outcome + np.random.default_rng(0).normal(size=len(outcome))
    n = len(dose)
    squares = outcome**2 if kind == "amount" else None
    found = dose_effect(dose, table, np.ones(n), outcome, outcome_squares=squares, folds=1)
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    logit = linear_model.LogisticRegression(C=1, tol=1e-12, max_iter=5000)
    chance, score = logit.fit(scaled, dose).predict_proba(scaled), np.empty((n, 3))
    for level in range(3):
        some = dose == level
        if kind == "share":
            model = linear_model.LogisticRegression(C=2, tol=1e-12, max_iter=5000)
            expected = model.fit(scaled[some], outcome[some]).predict_proba(scaled)[:, 1]
        else:
            expected = linear_model.Ridge(alpha=1).fit(scaled[some], outcome[some]).predict(scaled)
        score[:, level] = expected + some * (outcome - expected) / chance[:, level]
    error = np.std(score, axis=0, ddof=1) / np.sqrt(n)
    gaps = np.std(score - score[:, :1], axis=0, ddof=1) / np.sqrt(n)
    # 1e-4 of an error: their logit's tolerance
    np.testing.assert_allclose(found.standard_error[1:], gaps[1:], rtol=1e-4)
    reach = stats.t.ppf(0.975, n - 1) * error
    np.testing.assert_allclose(found.mean_high - found.mean, reach, rtol=1e-4)


def test_at_the_limits_of_overlap_an_effect_is_still_told():
    assert why_not(Overlap(np.array([0.05]), np.array([20.0]), np.array([0.0]))) == [""]


def naive_chances(cells):
    """Fit the chances and outcomes fold by fold on all cells, alike or not."""
    own = cells.level[:, None] == np.arange(len(cells.levels))
    chance, expected = np.zeros((2, *own.shape))
    for fold in range(cells.fold.max() + 1):
        use = cells.fold == fold
        fitted = fit_shares(cells.design[~use], (own * cells.n[:, None])[~use])
        chance[use] = shares_at(cells.design[use], fitted)
        for one in range(own.shape[1]):
            some = ~use & own[:, one]
            counts = np.column_stack([(cells.n - cells.total)[some], cells.total[some]])
            expected[use, one] = shares_at(cells.design[use], fit_shares(
                cells.design[some], counts))[:, 1]  # fmt: skip
    return chance, expected


@pytest.mark.parametrize("by_cluster", [True, False])
def test_models_fitted_on_sums_of_alike_cells_are_those_of_all_cells(by_cluster):
    dose, table, outcome, cluster = drawn(5, n_clusters=40)
    clusters = cluster if by_cluster else None
    cells = dose_cells(dose, table, np.ones(len(dose)), outcome, None, clusters, 5, 0)
    chance, expected, taught = _cross_fit(cells, 1.0, shares=True)
    assert taught.all()
    wanted = naive_chances(cells)
    np.testing.assert_allclose(chance, wanted[0], rtol=1e-9)
    np.testing.assert_allclose(expected, wanted[1], rtol=1e-9)


def test_distinct_rows_come_in_ascending_order_each_once():
    rng = np.random.default_rng(2)
    # binary columns, a column of many values, and so many columns that labels are put anew
    rows = np.column_stack([rng.integers(0, 2, (500, 70)) * 0.5, rng.integers(0, 9, (500, 3))])
    rows = rows[rng.integers(0, 60, 500)]
    found, which = distinct_rows(rows)
    np.testing.assert_array_equal(found, np.unique(rows, axis=0))
    np.testing.assert_array_equal(found[which], rows)


def test_of_a_list_of_references_the_first_that_is_not_refused_is_taken():
    dose, table, outcome, cluster = drawn(1)
    dose = np.where((dose == 0) & (np.arange(len(dose)) > 60), 1, dose)  # too few of level 0
    data = (dose, table, np.ones(len(dose)), outcome)
    assert dose_effect(*data, cluster=cluster).reason[0]
    listed = dose_effect(*data, cluster=cluster, reference=[0, 2, 1])
    alone = dose_effect(*data, cluster=cluster, reference=2)
    np.testing.assert_array_equal(numbers_of(listed), numbers_of(alone))
    assert listed.effect[2] == 0
    assert np.isnan(dose_effect(*data, cluster=cluster, reference=[0]).effect).all()
    with pytest.raises(InputError, match="reference must name at least one level"):
        dose_effect(*data, reference=[])
