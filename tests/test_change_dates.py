"""Dates and sizes of changes, against the Nile, a regression and searches by brute force."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import t as student

from salesdiag.errors import InputError
from salesdiag.stats.change import change_dates
from salesdiag.stats.change.steps import AUTOCORRELATIONS, step_at

# R's strucchange on the Nile: residual squares with no and with one change, and the last year
# of each segment for one, two and three changes at least 15 years apart
NILE_SQUARES = (2835157, 1597457)
NILE_LAST_YEARS = {1: [1898], 2: [1898, 1953], 3: [1898, 1938, 1953]}
MONTHS = np.tile(np.arange(12), 3)


@pytest.fixture(scope="module")
def nile():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.datasets import nile
    return nile.load_pandas().data["volume"].to_numpy(float)


def series(seed, n=36, size=3.0, at=20):
    """Give months with a season, working days and one change, per working day."""
    rng = np.random.default_rng(seed)
    days = rng.integers(17, 24, n).astype(float)
    season = np.array([0, 1, 2, 1, 0, -1, -3, -4, 1, 2, 3, -2])[np.arange(n) % 12]
    rate = 20 + season + size * (np.arange(n) >= at)
    return days * rate + np.sqrt(days) * 4 * rng.standard_normal(n), days


def design_of(n, positions, season=None):
    labels = np.zeros(n, int) if season is None else np.unique(season, return_inverse=True)[1]
    steps = [(np.arange(n) >= position).astype(float) for position in positions]
    return np.column_stack([np.eye(labels.max() + 1)[labels], *steps])


def weighted_fit(values, positions, season=None, exposure=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.regression.linear_model import WLS
    days = np.ones(len(values)) if exposure is None else exposure
    return WLS(values / days, design_of(len(values), positions, season), weights=days).fit()


def test_the_nile_falls_after_1898_and_only_then(nile):
    found = change_dates(nile)
    assert (1871 + found.position - 1).tolist() == NILE_LAST_YEARS[1]
    assert found.any_p_value == pytest.approx(1 / 4000)
    # the levels carry the residual squares that R prints
    without, fitted = (
        nile.mean(),
        np.repeat([found.level_before[0], found.level_after[0]], [28, 72]),
    )
    squares = np.sum((nile - without) ** 2), np.sum((nile - fitted) ** 2)
    np.testing.assert_allclose(squares, NILE_SQUARES, atol=0.5)
    assert 28 in found.plausible[0]


@pytest.mark.parametrize("n_changes", [1, 2, 3])
def test_best_dates_of_the_nile_as_strucchange_prints_them(nile, n_changes):
    found = change_dates(nile, max_changes=n_changes, min_length=15, level=0.9999, n_draws=99)
    assert (1871 + found.position - 1).tolist() == NILE_LAST_YEARS[n_changes]


@pytest.mark.parametrize("size", [1.0, 1.5, 3.0])  # small steps leave many dates plausible
@pytest.mark.parametrize("seed", range(6))
def test_the_date_is_that_of_the_best_regression(seed, size):
    values, days = series(seed, size=size)
    found = change_dates(
        values, season=MONTHS, exposure=days, max_changes=1, level=0.9999, n_draws=99
    )
    squares = {k: weighted_fit(values, [k], MONTHS, days).ssr for k in range(3, 34)}
    best = min(squares, key=squares.get)
    assert found.position.tolist() == [best]
    spread = squares[best] / (36 - 13)
    limit = -2 * np.log(1 - np.sqrt(0.95))
    expected = [k for k, value in squares.items() if value - squares[best] <= limit * spread]
    assert found.plausible[0].tolist() == expected


@pytest.mark.parametrize("seed", range(4))
def test_sizes_and_intervals_are_those_of_the_regression_at_the_dates(seed):
    values, days = series(seed, size=5)
    values[30:] -= 5 * days[30:]
    found = change_dates(values, season=MONTHS, exposure=days, n_draws=999)
    assert len(found.position) >= 1
    fit = weighted_fit(values, found.position, MONTHS, days)
    np.testing.assert_allclose(found.size, fit.params[12:], atol=1e-8)
    ends = np.column_stack([found.low, found.high])
    np.testing.assert_allclose(ends, fit.conf_int()[12:], atol=1e-8)
    start = np.average(fit.params[MONTHS % 12], weights=days)
    assert found.level_before[0] == pytest.approx(start, abs=1e-8)
    np.testing.assert_allclose(found.level_after - found.level_before, found.size)
    np.testing.assert_allclose(found.level_after[:-1], found.level_before[1:])


@pytest.mark.parametrize("seed", range(8))
def test_two_dates_are_the_best_pair_of_all(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(30) + 2 * (np.arange(30) >= 9) + 2 * (np.arange(30) >= 19)
    found = change_dates(values, max_changes=2, level=0.9999, n_draws=99)
    squares = {
        (i, j): sum(np.sum((part - part.mean()) ** 2) for part in np.split(values, [i, j]))
        for i in range(3, 25)
        for j in range(i + 3, 28)
    }
    assert tuple(found.position) == min(squares, key=squares.get)


def test_a_dip_that_ends_again_is_found_at_both_ends():
    values = np.random.default_rng(3).standard_normal(36)
    values[14:22] -= 3
    assert change_dates(values).position.tolist() == [14, 22]


def test_a_season_is_no_change_and_a_change_is_no_season():
    swing = 10 * np.sin(2 * np.pi * np.arange(36) / 12)
    noise = np.random.default_rng(5).standard_normal(36)
    assert len(change_dates(swing + noise, season=MONTHS).position) == 0
    step = 4 * (np.arange(36) >= 18)
    assert change_dates(swing + noise + step, season=MONTHS).position.tolist() == [18]


def test_short_months_are_no_change():
    days = np.array([22.0] * 12 + [11.0] * 12)
    values = 10 * days + np.sqrt(days) * np.random.default_rng(2).standard_normal(24)
    assert len(change_dates(values, exposure=days).position) == 0
    assert change_dates(values).position.tolist() == [12]


@pytest.mark.parametrize(("n", "autocorrelation"), [(12, 0.0), (24, 0.0), (36, 0.3)])
def test_where_nothing_changed_a_change_is_found_about_as_often_as_allowed(n, autocorrelation):
    # 400 series at 5 %: the standard error is 1.1 points; 10 % is far outside
    rng, hits = np.random.default_rng(n), 0
    for _series in range(400):
        noise = rng.standard_normal(n)
        for period in range(1, n):
            noise[period] *= np.sqrt(1 - autocorrelation**2)
            noise[period] += autocorrelation * noise[period - 1]
        found = change_dates(noise, max_changes=2, autocorrelation=autocorrelation, n_draws=999)
        hits += len(found.position) > 0
    assert 8 <= hits <= 36


def test_a_change_of_two_deviations_in_two_years_is_dated_within_a_month():
    rng, near = np.random.default_rng(9), 0
    for _series in range(150):
        found = change_dates(rng.standard_normal(24) + 2 * (np.arange(24) >= 12), n_draws=499)
        near += bool(len(found.position)) and np.abs(found.position - 12).min() <= 1
    assert near >= 105  # 81 % of 2,000; this is 70 %


@given(st.integers(0, 99), st.floats(0.01, 100), st.integers(-99, 99))
def test_another_unit_changes_sizes_and_neither_dates_nor_p_values(seed, factor, shift):
    values, _days = series(seed, n=24, at=12)
    plain = change_dates(values, n_draws=199)
    other = change_dates(shift + factor * values, n_draws=199)
    np.testing.assert_array_equal(other.position, plain.position)
    np.testing.assert_allclose(other.size, factor * plain.size, rtol=1e-6)
    np.testing.assert_allclose(other.level_after, shift + factor * plain.level_after, rtol=1e-6)
    assert other.any_p_value == pytest.approx(plain.any_p_value, abs=0.011)


@given(st.integers(0, 99))
def test_what_is_found_keeps_its_promises(seed):
    values, _days = series(seed, n=24, at=12)
    found = change_dates(values, min_length=4, n_draws=199)
    gaps = np.diff([0, *found.position, 24])
    assert (gaps >= 4).all()
    assert (found.low <= found.size).all()
    assert (found.size <= found.high).all()
    for position, plausible in zip(found.position, found.plausible, strict=True):
        assert position in plausible
    assert (len(found.position) > 0) == (found.any_p_value <= 0.05)


def test_the_same_seed_gives_the_same_answer_and_another_one_nearly():
    values = np.random.default_rng(3).standard_normal(24) + (np.arange(24) >= 12)
    first, again, other = (change_dates(values, seed=seed).any_p_value for seed in (0, 0, 1))
    assert first == again != other
    assert first == pytest.approx(other, abs=0.03)


def test_a_clean_step_is_found_without_noise():
    found = change_dates([1.0] * 6 + [4.0] * 6)
    assert found.position.tolist() == [6]
    assert (found.low[0], found.high[0]) == pytest.approx((3, 3))
    assert found.plausible[0].tolist() == [6]


def test_equal_values_have_no_change_and_no_p_value():
    found = change_dates([0.1] * 12)
    assert len(found.position) == 0
    assert np.isnan(found.any_p_value)


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"values": [1, 2, 3, 4, 5]}, "values"),
        ({"values": [1, 2, np.nan, 4, 5, 6, 7]}, "values"),
        ({"season": list(range(12))}, "values"),
        ({"season": [1, 2]}, "season"),
        ({"exposure": [1.0] * 11 + [0.0]}, "exposure"),
        ({"exposure": [1.0]}, "exposure"),
        ({"max_changes": 0}, "max_changes"),
        ({"min_length": 0}, "min_length"),
        ({"min_length": 7}, "values"),
        ({"autocorrelation": 1.0}, "autocorrelation"),
        ({"level": 0}, "level"),
        ({"confidence": 95}, "confidence"),
        ({"n_draws": 10}, "n_draws"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(option, named):
    options = {"values": [1, 3, 2, 4, 2, 3, 9, 8, 9, 7, 8, 9], **option}
    with pytest.raises(InputError, match=f"^{named} must"):
        change_dates(options.pop("values"), **options)


@pytest.mark.parametrize("seed", range(4))
def test_the_step_with_independent_noise_is_that_of_least_squares(seed):
    values, days = series(seed)
    found = step_at(values, 20, season=MONTHS, exposure=days, noise="independent")
    fit = weighted_fit(values, [20], MONTHS, days)
    assert found.effect == pytest.approx(fit.params[-1], abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[-1]), abs=1e-8)
    assert found.p_value == pytest.approx(fit.pvalues[-1], rel=1e-6)
    assert found.level_before == pytest.approx(np.average(fit.params[MONTHS], weights=days))
    assert found.autocorrelation == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_step_averages_generalised_least_squares_over_autocorrelations(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.regression.linear_model import GLS
    values, days = series(seed, n=24, at=12)
    y, x = values / np.sqrt(days), design_of(24, [12]) * np.sqrt(days)[:, None]
    lag = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    effects, errors, fits = [], [], []
    for rho in AUTOCORRELATIONS:
        cover = rho**lag / (1 - rho**2)
        fit = GLS(y, x, sigma=cover).fit()
        effects.append(fit.params[-1])
        errors.append(fit.bse[-1])
        inner = np.linalg.slogdet(x.T @ np.linalg.solve(cover, x))[1]
        fits.append(-(np.linalg.slogdet(cover)[1] + inner) / 2 - 11 * np.log(fit.ssr))
    weight = np.exp(np.array(fits) - max(fits))
    weight /= weight.sum()
    found = step_at(values, 12, exposure=days)
    assert found.effect == pytest.approx(weight @ effects, rel=1e-6)
    assert found.autocorrelation == pytest.approx(weight @ AUTOCORRELATIONS, abs=1e-6)
    # the mean of the density within the ends, added up on a fine grid
    at = np.linspace(found.low, found.high, 4001)
    parts = [student.pdf(at, 22, *one) for one in zip(effects, errors, strict=True)]
    assert trapezoid(weight @ np.array(parts), at) == pytest.approx(0.95, abs=1e-5)
    below = student.cdf((found.low - np.array(effects)) / np.array(errors), 22)
    assert weight @ below == pytest.approx(0.025, abs=1e-8)


def test_a_step_where_there_is_none_is_as_rare_as_promised_with_alike_neighbours():
    # 600 series at 5 %: 0.9 points standard error; least squares finds one in 14 % of them
    rng, hits, naive = np.random.default_rng(4), 0, 0
    for _series in range(600):
        noise = rng.standard_normal(24)
        for period in range(1, 24):
            noise[period] = 0.3 * noise[period - 1] + np.sqrt(1 - 0.09) * noise[period]
        hits += step_at(noise, 12).p_value < 0.05
        naive += step_at(noise, 12, noise="independent").p_value < 0.05
    assert 15 <= hits <= 48 < naive


@given(st.integers(0, 99), st.floats(0.01, 100), st.integers(-99, 99))
def test_another_unit_scales_the_step(seed, factor, shift):
    values, _days = series(seed, n=24, at=12)
    plain, other = step_at(values, 12), step_at(shift + factor * values, 12)
    expected = np.array(plain[:3]) * factor
    np.testing.assert_allclose(other[:3], expected, rtol=1e-6, atol=1e-6 * factor)
    assert other.p_value == pytest.approx(plain.p_value, rel=1e-5)
    assert plain.low < plain.effect < plain.high


def test_turning_time_round_turns_the_step_round():
    values, _days = series(2, n=24, at=12)
    plain, turned = step_at(values, 12), step_at(values[::-1], 12)
    assert turned.effect == pytest.approx(-plain.effect)
    assert (turned.low, turned.high) == pytest.approx((-plain.high, -plain.low))


def test_a_clean_step_has_no_width_and_no_p_value():
    found = step_at([1.0] * 6 + [4.0] * 6, 6)
    assert found[:3] == pytest.approx((3, 3, 3))
    assert np.isnan(found.p_value)
    assert (found.level_before, found.level_after) == pytest.approx((1, 4))


@pytest.mark.parametrize("position", [0, 12, 13, 2.5])
def test_a_position_without_periods_on_both_sides_is_refused(position):
    with pytest.raises(InputError, match=r"^position must"):
        step_at(np.arange(12.0), position)


def test_a_step_that_is_the_season_is_refused():
    with pytest.raises(InputError, match=r"^values must tell the step at 6 from the season"):
        step_at(np.arange(12.0), 6, season=["a"] * 6 + ["b"] * 6)


def test_an_unknown_kind_of_noise_is_refused():
    with pytest.raises(InputError, match=r"^noise must be one of"):
        step_at(np.arange(12.0), 6, noise="pink")


SHIFTED = np.array([5, 6, 5, 7, 6, 5, 9, 10, 9, 11, 9, 10.0])


@pytest.mark.parametrize("noise", ["first_order", "independent"])
def test_the_p_value_of_a_huge_step_is_small_and_the_same_turned_over(noise):
    steep = np.array([5, 6, 5, 7, 6, 5, 900, 901, 900, 902, 901, 900])
    up, down = (step_at(one, 6, noise=noise) for one in (steep, -steep))
    assert 0 < up.p_value < 1e-20
    assert down.p_value == pytest.approx(up.p_value, rel=1e-9, abs=0)
    if noise == "independent":  # the two-sample t test knows its own tail
        from scipy.stats import ttest_ind

        known = ttest_ind(steep[:6], steep[6:]).pvalue
        assert up.p_value == pytest.approx(known, rel=1e-6, abs=0)


@pytest.mark.parametrize("season", [None, np.tile([0, 1], 6)])
@pytest.mark.parametrize(("level", "factor"), [(1e9, 1.0), (0, 1e200), (0, 1e-200), (-1e9, 2.0)])
def test_neither_the_level_nor_the_unit_of_a_series_changes_what_is_found(level, factor, season):
    # 1e9 leaves the noise seven digits
    close = {"rtol": 1e-6, "atol": 1e-6}
    plain, moved = (step_at(one, 6, season=season) for one in (SHIFTED, SHIFTED * factor + level))
    np.testing.assert_allclose(np.array(moved[:3]) / factor, plain[:3], **close)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-5)
    np.testing.assert_allclose((moved.level_after - level) / factor, plain.level_after, **close)
    plain, moved = (
        change_dates(one, season=season, n_draws=199) for one in (SHIFTED, SHIFTED * factor + level)
    )
    assert moved.position.tolist() == plain.position.tolist() == [6]
    assert moved.any_p_value == plain.any_p_value
    np.testing.assert_allclose((moved.level_before - level) / factor, plain.level_before, **close)
    np.testing.assert_allclose(np.array(moved[3:6]) / factor, plain[3:6], **close)


def test_a_step_a_billion_times_the_noise_still_has_noise():
    steep = SHIFTED + np.where(np.arange(12) >= 6, 1e9, 0)
    found = step_at(steep, 6, noise="independent")
    assert 0 < found.high - found.low < 5
    assert change_dates(steep, n_draws=199).high - change_dates(steep, n_draws=199).low > 0


def test_values_beyond_all_sums_are_refused():
    with pytest.raises(InputError, match="values must be between"):
        change_dates([1e308] * 6 + [1] * 6)


@pytest.mark.parametrize("wrong", ["a", [0.1, 0.2], np.nan, 1])
def test_an_autocorrelation_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match=r"^autocorrelation must"):
        change_dates(SHIFTED, autocorrelation=wrong)
