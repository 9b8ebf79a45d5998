"""Counts over units and periods, against other software and planted effects."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import t as student

from salesdiag.errors import InputError
from salesdiag.stats.panel import combination, dose_bins, lag_columns, poisson_panel, wild_interval


def world(seed, *, n_units=30, n_periods=12, effect=(0.4, -0.2)):
    """Give a panel whose true coefficients are ``effect``; the first column follows the unit."""
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(n_units), n_periods), np.tile(np.arange(n_periods), n_units)
    level, season = rng.normal(0, 0.6, n_units)[unit], rng.normal(0, 0.3, n_periods)[period]
    x = rng.normal(size=(len(unit), 2))
    x[:, 0] += level
    noise = rng.gamma(4, 1 / 4, len(unit))
    count = rng.poisson(np.exp(0.5 + level + season + x @ effect) * noise)
    return count, x, unit, period


def pyfixest_fit(formula, frame, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyfixest

        ssc = pyfixest.ssc(k_adj=False, G_adj=True)
        return pyfixest.fepois(formula, frame, vcov={"CRV1": "unit"}, ssc=ssc, **options)


@pytest.mark.parametrize("seed", [1, 2])
def test_coefficients_and_errors_match_pyfixest(seed):
    count, x, unit, period = world(seed)
    frame = pd.DataFrame({"y": count, "a": x[:, 0], "b": x[:, 1], "unit": unit, "period": period})
    # the other software stops at a change of 1e-8 in its own terms
    expected = pyfixest_fit("y ~ a + b | unit + period", frame)
    found = poisson_panel(count, x, unit=unit, period=period, variance="sandwich")
    np.testing.assert_allclose(found.coefficient, expected.coef(), rtol=1e-6)
    np.testing.assert_allclose(found.standard_error, expected.se(), rtol=1e-5)
    # it takes the normal distribution, we Student's with clusters - 1 degrees of freedom
    t = found.coefficient / found.standard_error
    np.testing.assert_allclose(found.p_value, 2 * student.sf(np.abs(t), 29), rtol=1e-9)
    # held at what it is, the first column is an exposure: the second has the same coefficient
    held = poisson_panel(
        count, x[:, 1], unit=unit, period=period, exposure=np.exp(found.coefficient[0] * x[:, 0])
    )
    np.testing.assert_allclose(held.coefficient, found.coefficient[1], rtol=1e-6)


def test_with_an_exposure_it_matches_statsmodels_with_dummies():
    import statsmodels.api as sm

    count, x, unit, period = world(3, n_units=6, n_periods=5)
    exposure = np.random.default_rng(3).uniform(1, 9, len(count))
    dummies = np.column_stack((x, np.eye(6)[unit], np.eye(5)[period][:, 1:]))
    expected = sm.GLM(count, dummies, family=sm.families.Poisson(), exposure=exposure).fit()
    found = poisson_panel(count, x, unit=unit, period=period, exposure=exposure)
    np.testing.assert_allclose(found.coefficient, expected.params[:2], rtol=1e-6)


def test_the_jackknife_comes_near_leaving_out_each_unit():
    # one step from the whole fit comes near a fit of its own without each unit
    count, x, unit, period = world(4, n_units=25)
    whole = poisson_panel(count, x, unit=unit, period=period)
    left_out = np.array([
        poisson_panel(
            count[unit != one], x[unit != one], unit=unit[unit != one], period=period[unit != one]
        ).coefficient
        for one in range(25)
    ])  # fmt: skip
    variance = 24 / 25 * ((left_out - whole.coefficient) ** 2).sum(axis=0)
    np.testing.assert_allclose(whole.standard_error, np.sqrt(variance), rtol=0.03)
    sandwich = poisson_panel(count, x, unit=unit, period=period, variance="sandwich")
    assert (whole.standard_error > sandwich.standard_error).all()


def test_the_planted_effect_is_found_although_good_units_have_more_of_the_cause():
    # raw, the first column looks stronger than it is; within units it is .4
    fits = [poisson_panel(*world(seed)[:2], unit=world(seed)[2], period=world(seed)[3])
            for seed in range(10, 40)]  # fmt: skip
    estimates = np.array([fit.coefficient for fit in fits])
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(fits))
    assert (np.abs(estimates.mean(axis=0) - [0.4, -0.2]) < 4 * error).all()
    covered = np.mean([(fit.low[0] <= 0.4) & (fit.high[0] >= 0.4) for fit in fits])
    assert covered >= 0.8


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 99), st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_scale_of_rows_matters(seed, random):
    count, x, unit, period = world(seed, n_units=8, n_periods=6)
    order = list(range(len(count)))
    random.shuffle(order)
    first = poisson_panel(count, x, unit=unit, period=period)
    second = poisson_panel(count[order], x[order], unit=unit[order], period=period[order])
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    scaled = poisson_panel(count * 3, x * 2 + 5, unit=unit, period=period)
    np.testing.assert_allclose(scaled.coefficient * 2, first.coefficient, rtol=1e-6)
    np.testing.assert_allclose(scaled.standard_error * 2, first.standard_error, rtol=1e-6)
    wild = wild_interval(count, x, unit=unit, period=period, n_draws=99)
    again = wild_interval(
        count[order], x[order], unit=unit[order], period=period[order], n_draws=99
    )
    assert wild == again
    assert wild.low <= wild.coefficient <= wild.high


def test_units_and_periods_without_any_count_tell_nothing():
    count, x, unit, period = world(5)
    more = poisson_panel(
        np.concatenate((count, np.zeros(12), np.zeros(30))),
        np.concatenate((x, np.ones((42, 2)) * np.arange(42)[:, None])),
        unit=np.concatenate((unit, np.full(12, 99), np.arange(30))),
        period=np.concatenate((period, np.arange(12), np.full(30, 50))),
    )
    assert more.n_set_aside == 42
    np.testing.assert_allclose(
        more.coefficient, poisson_panel(count, x, unit=unit, period=period).coefficient, rtol=1e-9
    )


def test_a_mark_that_is_set_on_zeros_only_tells_nothing():
    # the second column is 1 in three rows only, and all three are 0: its coefficient would be
    # minus infinity and the rows tell nothing of the first
    count, x, unit, period = world(6)
    mark = np.zeros(len(count))
    mark[[5, 77, 200]] = 1
    count = np.where(mark == 1, 0, count)
    with pytest.raises(InputError, match="design must vary within units and periods; column 2"):
        poisson_panel(count, np.column_stack((x[:, 0], mark)), unit=unit, period=period)
    # a column that is set wherever nothing is counted, and in some rows besides
    also = mark.copy()
    also[[9, 100]] = 1
    fit = poisson_panel(count, np.column_stack((x[:, 0], also)), unit=unit, period=period)
    assert fit.n_set_aside == 0
    assert np.isfinite(fit.coefficient).all()


@pytest.mark.parametrize("n_clusters", [6, 9, 15])
def test_the_wild_test_keeps_its_level_where_the_sandwich_does_not(n_clusters):
    # 250 panels without an effect, cause and noise persistent within units
    rng = np.random.default_rng(n_clusters)
    rejected = {"wild": 0, "sandwich": 0, "interval": 0}
    for _round in range(250):
        unit, period = np.repeat(np.arange(n_clusters), 10), np.tile(np.arange(10), n_clusters)
        x = np.cumsum(rng.normal(0, 0.5, (n_clusters, 10)), axis=1).ravel()
        drift = np.cumsum(rng.normal(0, 0.15, (n_clusters, 10)), axis=1).ravel()
        count = rng.poisson(np.exp(1 + drift))
        wild = wild_interval(count, x, unit=unit, period=period, n_draws=199, seed=_round)
        fit = poisson_panel(count, x, unit=unit, period=period, variance="sandwich")
        rejected["wild"] += wild.p_value <= 0.05
        rejected["sandwich"] += fit.p_value[0] < 0.05
        rejected["interval"] += not wild.low <= 0 <= wild.high
    assert rejected["wild"] / 250 <= 0.09
    # the walk to the ends of the interval may step over a value that is just refuted
    assert abs(rejected["wild"] - rejected["interval"]) <= 5
    assert rejected["wild"] <= rejected["sandwich"]


def test_one_cluster_has_no_interval():
    count, x, unit, period = world(7, n_units=4)
    fit = poisson_panel(count, x, unit=unit, period=period, cluster=np.zeros(len(count)))
    assert np.isnan([fit.low, fit.high, fit.p_value]).all()
    assert np.isfinite(fit.coefficient).all()
    wild = wild_interval(count, x, unit=unit, period=period, cluster=np.zeros(len(count)))
    assert np.isnan([wild.low, wild.high, wild.p_value]).all()
    # where one unit alone tells the coefficient, the jackknife has nothing to say
    lone = np.where(unit == 2, x[:, 0], 0)
    assert np.isnan(poisson_panel(count, lone, unit=unit, period=period).low).all()


def panel_call(**changed):
    count, x, unit, period = world(8, n_units=4, n_periods=4)
    return {"count": count, "design": x, "unit": unit, "period": period} | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"count": -np.ones(16)}, "count must be 0 or more"),
        ({"count": np.full(16, np.nan)}, "count must not hold missing"),
        ({"count": []}, "count must hold at least 1"),
        ({"count": np.zeros(16)}, "count must hold counts above 0"),
        ({"design": np.ones((3, 1))}, "design must have one entry a row, 16; got 3"),
        ({"design": np.repeat(np.arange(4), 4)}, "design must vary within units and periods"),
        ({"exposure": np.zeros(16)}, "exposure must be above 0 in every row; got 0"),
        ({"unit": [1]}, "unit must have one entry a row"),
        ({"period": ["a"] * 15 + [None]}, "period must not hold missing"),
        ({"period": ["a"] * 15 + [3]}, "period must hold labels of one kind"),
        ({"confidence": 2}, "confidence must lie"),
        ({"variance": "robust"}, "variance must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changed, message):
    with pytest.raises(InputError, match=message):
        poisson_panel(**panel_call(**changed))


def test_a_column_that_follows_from_others_is_refused():
    count, x, unit, period = world(9, n_units=5)
    repeated = np.column_stack((x, x.sum(axis=1)))
    with pytest.raises(InputError, match="design must not repeat itself"):
        poisson_panel(count, repeated, unit=unit, period=period)
    with pytest.raises(InputError, match="column must be a whole number from 0 to 1; got 2"):
        wild_interval(count, x, unit=unit, period=period, column=2)


def test_lags_and_leads_by_hand():
    unit, period = ["a", "b", "a", "a", "b"], [3, 1, 1, 2, 2]
    found = lag_columns([30, 1, 10, 20, 2], unit=unit, period=period, n_lags=1, n_leads=1)
    assert found.shift.tolist() == [-1, 0, 1]
    expected = [[np.nan, 30, 20], [2, 1, np.nan], [20, 10, np.nan], [30, 20, 10], [np.nan, 2, 1]]
    np.testing.assert_array_equal(found.columns, expected)
    assert found.is_known.tolist() == [False, False, False, True, False]
    with pytest.raises(InputError, match="unit and period must be unique"):
        lag_columns([1, 2], unit=["a", "a"], period=[1, 1])
    with pytest.raises(InputError, match="period must hold whole numbers"):
        lag_columns([1, 2], unit=["a", "a"], period=[1, 1.5])
    assert lag_columns([], unit=[], period=[], n_lags=2).columns.shape == (0, 3)


def test_a_delayed_effect_is_found_at_its_lag_and_leads_are_silent():
    rng = np.random.default_rng(11)
    unit, period = np.repeat(np.arange(60), 30), np.tile(np.arange(30), 60)
    value = rng.normal(size=1800)
    lags = lag_columns(value, unit=unit, period=period, n_lags=2, n_leads=1)
    known = lags.is_known
    # half of the effect comes a period later
    count = rng.poisson(np.exp(1 + 0.2 * lags.columns[known, 1] + 0.2 * lags.columns[known, 2]))
    fit = poisson_panel(count, lags.columns[known], unit=unit[known], period=period[known])
    np.testing.assert_allclose(fit.coefficient, [0, 0.2, 0.2, 0], atol=0.06)
    assert fit.p_value[0] > 0.01
    whole = combination(fit, [0, 1, 1, 1])
    assert whole.low < 0.4 < whole.high
    assert whole.value == pytest.approx(fit.coefficient[1:].sum())
    alone = combination(fit, [0, 1, 0, 0])
    np.testing.assert_allclose(alone, (fit.coefficient[1], fit.low[1], fit.high[1], fit.p_value[1]))


def test_bins_by_hand():
    bins = dose_bins([0, 1, 4, 5, 99], [1, 5], reference=1)
    assert bins.low.tolist() == [-np.inf, 5]
    assert bins.high.tolist() == [1, np.inf]
    assert bins.columns.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1], [0, 1]]
    with pytest.raises(InputError, match="edges must ascend"):
        dose_bins([1], [2, 2])
    with pytest.raises(InputError, match="reference must be a whole number from 0 to 1"):
        dose_bins([1], [2], reference=2)


def foretold_zeros(count, x, unit, period):
    """Mark the rows that some direction foretells to be 0, by linear programming."""
    design = np.column_stack((x, np.eye(unit.max() + 1)[unit], np.eye(period.max() + 1)[period]))
    none = np.flatnonzero(count == 0)
    n_columns, n_none = design.shape[1], len(none)
    found = linprog(
        np.concatenate((np.zeros(n_columns), -np.ones(n_none))),
        A_ub=np.column_stack((design[none], np.eye(n_none))), b_ub=np.zeros(n_none),
        A_eq=np.column_stack((design[count > 0], np.zeros((np.sum(count > 0), n_none)))),
        b_eq=np.zeros(np.sum(count > 0)),
        bounds=[(None, None)] * n_columns + [(0, 1)] * n_none,
    )  # fmt: skip
    return set(none[found.x[n_columns:] > 1e-6])


@pytest.mark.parametrize("kind", ["continuous", "marks"])
def test_just_those_rows_are_set_aside_that_a_direction_foretells(kind):
    rng = np.random.default_rng(3)
    unit, period = np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    n_separated = 0
    for _round in range(150):
        x = rng.normal(size=24) if kind == "continuous" else (rng.random(24) < 0.3).astype(float)
        count = rng.poisson(0.6, 24)
        # one count at least in each unit and period, so that all rows are asked about
        count[[0, 5, 10, 15, 16, 21]] += 1
        expected = foretold_zeros(count, x, unit, period)
        n_separated += bool(expected)
        try:
            fit = poisson_panel(count, x, unit=unit, period=period)
        except InputError:  # without those rows the column stands still
            assert expected
            continue
        assert fit.n_set_aside == len(expected)
    assert n_separated > 0 or kind == "continuous"  # hardly ever, and then none may be marked


@pytest.mark.parametrize("seed", range(8))
def test_four_units_give_an_interval_even_if_it_has_no_end(seed):
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(4), 6), np.tile(np.arange(6), 4)
    x, count = rng.normal(size=24), rng.poisson(2, 24)
    found = wild_interval(count, x, unit=unit, period=period, n_draws=199)
    assert found.low < found.coefficient < found.high
    # in another unit of the column the interval is the same one
    scaled = wild_interval(count, x / 1000, unit=unit, period=period, n_draws=199)
    np.testing.assert_allclose((scaled.low, scaled.high), (found.low * 1000, found.high * 1000),
                               rtol=0.01)  # fmt: skip
    assert scaled.p_value == found.p_value


def test_large_constants_and_counts_in_small_money_change_nothing():
    count, x, unit, period = world(12)
    first = poisson_panel(count, x, unit=unit, period=period)
    for moved in (x + 1e5, x + 1.7e9):
        found = poisson_panel(count, moved, unit=unit, period=period)
        np.testing.assert_allclose(found.coefficient, first.coefficient, rtol=1e-4)
    tiny = poisson_panel(count, x * 1e-12, unit=unit, period=period)
    np.testing.assert_allclose(tiny.coefficient * 1e-12, first.coefficient, rtol=1e-6)
    np.testing.assert_allclose(tiny.standard_error * 1e-12, first.standard_error, rtol=1e-6)
    dong = poisson_panel(count * 1e12, x, unit=unit, period=period)
    np.testing.assert_allclose(dong.coefficient, first.coefficient, rtol=1e-6)


def test_a_trend_common_to_all_does_not_hide_that_one_unit_tells_it_all():
    count, x, unit, period = world(13, n_units=8)
    lone = np.where(unit == 2, x[:, 0], 0)
    for column in (lone, lone + period):
        fit = poisson_panel(count, column, unit=unit, period=period)
        assert np.isnan([fit.low, fit.high, fit.p_value]).all()


def one_step_fits(count, x, unit, period):
    """Leave out one unit after the other by one step from the whole fit, with dummies."""
    n_units, n_periods = unit.max() + 1, period.max() + 1
    dummies = np.column_stack((np.eye(n_units)[unit], np.eye(n_periods)[period][:, 1:]))
    design = np.column_stack((x, dummies))
    beta = np.concatenate((np.zeros(x.shape[1] + n_units), np.zeros(n_periods - 1)))
    beta[x.shape[1] : x.shape[1] + n_units] = np.log(count.mean())
    for _step in range(50):
        mu = np.exp(design @ beta)
        beta = beta + np.linalg.solve(design.T @ (design * mu[:, None]), design.T @ (count - mu))
    mu = np.exp(design @ beta)
    effects = np.linalg.solve(dummies.T @ (dummies * mu[:, None]), dummies.T @ (x * mu[:, None]))
    cleared = x - dummies @ effects
    whole = cleared.T @ (cleared * mu[:, None])
    moves = []
    for one in range(n_units):
        own = unit == one
        score = cleared[own].T @ (count - mu)[own]
        moves.append(
            np.linalg.solve(whole - cleared[own].T @ (cleared[own] * mu[own, None]), score)
        )
    return beta[: x.shape[1]], mu, cleared, np.array(moves)


def test_with_many_units_the_jackknife_is_the_one_step_formula():
    count, x, unit, period = world(16, n_units=45, n_periods=7)
    beta, _mu, _cleared, moves = one_step_fits(count, x, unit, period)
    fit = poisson_panel(count, x, unit=unit, period=period)
    assert fit.n_set_aside == 0
    np.testing.assert_allclose(fit.coefficient, beta, rtol=1e-7)
    expected = np.sqrt(44 / 45 * (moves**2).sum(axis=0))
    np.testing.assert_allclose(fit.standard_error, expected, rtol=1e-6)


def test_the_wild_p_value_by_brute_force():
    # the column held at 0: scores of units under the restricted fit, signs drawn again
    count, x, unit, period = world(15, n_units=14, n_periods=6)
    column = x[:, [0]]
    dummies = np.column_stack((np.eye(14)[unit], np.eye(6)[period][:, 1:]))
    beta = np.zeros(19)
    beta[:14] = np.log(count.mean())
    for _step in range(60):
        mu = np.exp(dummies @ beta)
        beta = beta + np.linalg.solve(dummies.T @ (dummies * mu[:, None]), dummies.T @ (count - mu))
    mu = np.exp(dummies @ beta)
    effects = np.linalg.solve(
        dummies.T @ (dummies * mu[:, None]), dummies.T @ (column * mu[:, None])
    )
    cleared = (column - dummies @ effects)[:, 0]
    score = np.bincount(unit, cleared * (count - mu))
    weight = np.bincount(unit, mu * cleared**2)

    def extreme(signs):
        drawn = signs * score
        left = drawn - weight * drawn.sum() / weight.sum()
        return abs(drawn.sum()) / np.sqrt((left**2).sum())

    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(199, 14))
    seen = extreme(np.ones(14))
    expected = (1 + sum(extreme(one) >= seen * (1 - 1e-9) for one in signs)) / 200
    found = wild_interval(count, column, unit=unit, period=period, n_draws=199)
    assert found.p_value == pytest.approx(expected, abs=1e-12)
    assert 0.005 < expected < 0.9
