"""Effects since a start, against other programs, two-sample tests and hand counts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesdiag.errors import InputError
from salesdiag.stats.effects import event_study

# nine units over five periods, two each starting in period 3, 4 and 5 and three never
VALUES = np.array(
    [
        [12, 14, 15, 21, 19], [20, 19, 24, 23, 30], [8, 11, 10, 17, 18], [31, 30, 33, 34, 41],
        [15, 18, 17, 20, 27], [22, 21, 25, 24, 26], [10, 12, 11, 14, 13], [27, 26, 29, 31, 30],
        [18, 20, 19, 22, 21],
    ]
)  # fmt: skip
STARTS = np.array([3, 3, 4, 4, 5, 5, np.nan, np.nan, np.nan])
# their effects by time since the start, as the package diff-diff 3.13 gives them
# (CallawaySantAnna, estimation_method="reg", base_period="universal", aggregate="all")
BY_TIME = {
    "never": {-4: 0.5, -3: -0.083333, -2: 0.5, 0: 3.166667, 1: 4.416667, 2: 6.0},
    "not_yet": {-4: 0.5, -3: 0.15, -2: 0.655556, 0: 3.214286, 1: 4.516667, 2: 6.0},
}
# and by (start, period), with controls not yet treated
BY_START = {
    (3, 1): 0.5, (3, 3): 2.142857, (3, 4): 2.7, (3, 5): 6.0, (4, 1): -0.2, (4, 2): -0.2,
    (4, 4): 2.0, (4, 5): 6.333333, (5, 1): 0.5, (5, 2): 0.5, (5, 3): 1.666667, (5, 5): 5.5,
}  # fmt: skip


def long(values, starts):
    """Turn paths into the rows that `event_study` takes."""
    n_units, n_periods = np.shape(values)
    unit, period = np.indices((n_units, n_periods)).reshape(2, -1)
    return unit, period + 1, np.ravel(values), np.repeat(starts, n_periods)


def random_paths(seed, n_units=12, n_periods=6):
    rng = np.random.default_rng(seed)
    starts = rng.choice([3.0, 4.0, 6.0, np.nan], n_units)
    starts[:3] = [3, 5, np.nan]
    return rng.normal(size=(n_units, n_periods)).cumsum(axis=1), starts


@pytest.mark.parametrize("control", ["never", "not_yet"])
def test_effects_by_time_match_another_program(control):
    found = event_study(*long(VALUES, STARTS), control=control)
    assert found.event_time.tolist() == list(BY_TIME[control])
    np.testing.assert_allclose(found.by_time.effect, list(BY_TIME[control].values()), atol=5e-7)


def test_effects_by_start_and_period_match_another_program():
    found = event_study(*long(VALUES, STARTS))
    pairs = list(zip(found.start.tolist(), found.period.tolist(), strict=True))
    assert pairs == list(BY_START)
    np.testing.assert_allclose(found.by_start.effect, list(BY_START.values()), atol=5e-7)


def test_one_effect_counted_by_hand():
    # start 3 in period 4: units 0 and 1 went from 14, 19 to 21, 23, on average +5.5; not yet
    # treated in period 4 are the last five: 18 21 12 26 20 to 20 24 14 31 22, on average +2.8
    found = event_study(*long(VALUES, STARTS))
    at = (found.start == 3) & (found.period == 4)
    assert found.by_start.effect[at] == pytest.approx(2.7)
    # the mean over treated units and periods: 2 units each; 3, 2 and 1 treated periods
    post = np.mean([2.142857, 2.7, 6.0, 2.0, 6.333333, 5.5])
    assert found.overall.effect == pytest.approx(post, abs=1e-6)
    assert (found.n_treated, found.n_control, found.n_left_out) == (6, 3, 0)
    assert dict(zip(found.event_time.tolist(), found.n_units.tolist(), strict=True)) == {
        -4: 2, -3: 4, -2: 6, 0: 6, 1: 4, 2: 2,
    }  # fmt: skip


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0",
    reason="pyfixest's saturated event study calls numpy 2.1",
)
@pytest.mark.parametrize("seed", [1, 2])
def test_with_never_treated_controls_it_is_the_saturated_regression(seed):
    # Sun and Abraham's regression gives the same numbers where the panel is balanced
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        import pyfixest as pf
    paths, starts = random_paths(seed, n_units=20)
    unit, period, value, begin = long(paths, starts)
    frame = pd.DataFrame({"u": unit, "t": period, "y": value, "g": np.nan_to_num(begin)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pf.event_study(frame, "y", "u", "t", "g", estimator="saturated", cluster="u")
        expected = fit.aggregate()["Estimate"].astype(float)
    found = event_study(unit, period, value, begin, control="never")
    np.testing.assert_allclose(found.event_time, expected.index.astype(float))
    # both solve the same least squares; 1e-6 is the demeaning tolerance of pyfixest
    np.testing.assert_allclose(found.by_time.effect, expected, atol=1e-6)


def test_two_groups_in_two_periods_are_the_two_way_regression():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        import pyfixest as pf
    paths, _ = random_paths(7, n_periods=2)
    unit, period, value, begin = long(paths, np.where(np.arange(12) < 4, 2, np.nan))
    frame = pd.DataFrame({"u": unit, "t": period, "y": value, "d": 1 * (period >= begin)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pf.feols("y ~ d | u + t", frame, vcov="iid").tidy().iloc[0]
    found = event_study(unit, period, value, begin).overall
    assert found.effect == pytest.approx(expected["Estimate"], abs=1e-6)


@pytest.mark.parametrize(("n_treated", "equal"), [(1, True), (4, True), (4, False)])
def test_with_one_start_it_is_the_two_sample_t_test_of_the_changes(n_treated, equal):
    # units that start in period 4 of 6: mean of periods 4 to 6 less period 3
    paths, _ = random_paths(11)
    starts = np.where(np.arange(12) < n_treated, 4, np.nan)
    change = paths[:, 3:].mean(axis=1) - paths[:, 2]
    if n_treated > 1:
        test = stats.ttest_ind(change[:n_treated], change[n_treated:], equal_var=equal)
        low, high = test.confidence_interval(0.9)
    else:  # a single unit against the spread of the others
        rest = change[1:]
        error = rest.std(ddof=1) * np.sqrt(1 + 1 / len(rest))
        gap, reach = change[0] - rest.mean(), stats.t.ppf(0.95, len(rest) - 1) * error
        low, high = gap - reach, gap + reach
    found = event_study(*long(paths, starts), spread="pooled" if equal else "separate",
                        confidence=0.9).overall  # fmt: skip
    np.testing.assert_allclose((found.low[0], found.high[0]), (low, high), rtol=1e-9)


def test_with_one_start_the_placebo_is_hotellings_test():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.stats import multivariate
    paths, _ = random_paths(13, n_units=16)
    starts = np.where(np.arange(16) < 6, 4, np.nan)
    leads = paths[:, :2] - paths[:, 2:3]
    expected = multivariate.test_mvmean_2indep(leads[:6], leads[6:]).pvalue
    found = event_study(*long(paths, starts), spread="pooled")
    assert found.n_leads_tested == 2
    assert found.placebo_p == pytest.approx(expected, rel=1e-9)


def test_with_separate_spreads_and_one_lead_the_placebo_is_welchs_test():
    paths, _ = random_paths(17)
    starts = np.where(np.arange(12) < 4, 3, np.nan)
    lead = paths[:, 0] - paths[:, 1]
    expected = stats.ttest_ind(lead[:4], lead[4:], equal_var=False).pvalue
    found = event_study(*long(paths, starts), spread="separate")
    assert found.placebo_p == pytest.approx(expected, rel=1e-9)


def test_standard_errors_of_several_starts_match_a_rewrite_unit_by_unit():
    # every estimate is a sum of a unit's own path times its own coefficients; find those by
    # moving one value at a time, then add up their variances under one common covariance
    paths, starts = random_paths(19)
    base = event_study(*long(paths, starts), spread="pooled").overall
    coefficients = np.empty(paths.shape)
    for place in np.ndindex(paths.shape):
        moved = paths.copy()
        moved[place] += 1
        coefficients[place] = (event_study(*long(moved, starts)).overall.effect - base.effect)[0]
    groups = [np.isnan(starts), *(starts == one for one in np.unique(starts[~np.isnan(starts)]))]
    rest = np.concatenate([paths[who] - paths[who].mean(axis=0) for who in groups])
    common = rest.T @ rest / (len(paths) - len(groups))
    expected = np.sqrt(np.einsum("it,tu,iu->", coefficients, common, coefficients))
    assert base.standard_error[0] == pytest.approx(expected, rel=1e-8)


@given(st.integers(0, 10**6), st.sampled_from(["never", "not_yet"]))
def test_unit_levels_and_common_shocks_cancel_and_row_order_does_not_matter(seed, control):
    paths, starts = random_paths(seed)
    rows = long(paths, starts)
    found = event_study(*rows, control=control)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows[0]))
    again = event_study(*(one[order] for one in rows), control=control)
    np.testing.assert_array_equal(np.concatenate(again.by_time), np.concatenate(found.by_time))
    np.testing.assert_equal(again.placebo_p, found.placebo_p)
    moved = paths + rng.normal(size=(len(paths), 1)) * 5 + rng.normal(size=paths.shape[1]) * 5
    shifted = event_study(*long(moved, starts), control=control)
    np.testing.assert_allclose(shifted.by_start.effect, found.by_start.effect, atol=1e-9)
    np.testing.assert_allclose(shifted.overall.standard_error, found.overall.standard_error)


@given(st.integers(0, 10**6), st.floats(-5, 5))
def test_an_effect_added_to_all_treated_periods_comes_back(seed, effect):
    paths, starts = random_paths(seed)
    plain = event_study(*long(paths, starts))
    with_effect = paths + effect * (np.arange(1, 7) >= starts[:, None])
    found = event_study(*long(with_effect, starts))
    after = found.event_time >= 0
    gain = found.by_time.effect - plain.by_time.effect
    np.testing.assert_allclose(gain, np.where(after, effect, 0), atol=1e-9)
    np.testing.assert_allclose(found.overall.effect - plain.overall.effect, effect, atol=1e-9)
    assert found.placebo_p == pytest.approx(plain.placebo_p, rel=1e-6, nan_ok=True)


def test_a_unit_of_weight_two_counts_as_two_alike():
    paths, starts = random_paths(23)
    twice = event_study(*long(np.vstack([paths, paths[:1]]), np.append(starts, starts[0])))
    weight = np.repeat(np.where(np.arange(12) == 0, 2.0, 1.0), 6)
    found = event_study(*long(paths, starts), weight=weight)
    np.testing.assert_allclose(found.by_time.effect, twice.by_time.effect, rtol=1e-9)
    same = event_study(*long(paths, starts), weight=np.full(72, 7.0))
    plain = event_study(*long(paths, starts))
    np.testing.assert_allclose(same.overall, plain.overall, rtol=1e-9)


def test_a_unit_not_seen_in_every_period_is_left_out_whole_and_counted():
    paths, starts = random_paths(29)
    unit, period, value, begin = long(paths, starts)
    holed = value.copy()
    holed[(unit == 4) & (period == 2)] = np.nan
    gone = ~((unit == 5) & (period == 6))
    rows = (unit[gone], period[gone], holed[gone], begin[gone])
    found = event_study(*rows)
    kept = (unit != 4) & (unit != 5)
    expected = event_study(unit[kept], period[kept], value[kept], begin[kept])
    np.testing.assert_array_equal(found.overall, expected.overall)
    assert found.n_left_out == 2


def test_units_treated_from_the_first_period_are_left_out_and_late_starts_are_controls():
    paths, _ = random_paths(31)
    starts = np.where(np.arange(12) < 5, 3.0, np.nan)
    starts[[4, 5, 6]] = [1, 99, np.inf]
    found = event_study(*long(paths, starts), control="never")
    assert (found.n_treated, found.n_control, found.n_left_out) == (4, 7, 1)


def test_periods_are_counted_not_subtracted_and_a_start_between_two_waits_for_the_next():
    paths, _ = random_paths(37)
    starts = np.where(np.arange(12) < 5, 4.0, np.nan)
    unit, period, value, begin = long(paths, starts)
    quarters = np.array([2301, 2302, 2303, 2304, 2401, 2402])
    found = event_study(unit, quarters[period - 1], value, np.where(begin == 4, 2303.5, np.nan))
    np.testing.assert_array_equal(found.overall, event_study(unit, period, value, begin).overall)
    assert found.event_time.tolist() == [-3, -2, 0, 1, 2]
    assert set(found.start.tolist()) == {2304}


def test_without_spread_there_is_an_effect_but_no_interval():
    # two units only: nothing says how much one would vary
    found = event_study(*long([[1, 2, 7], [3, 4, 5]], [3, np.nan]), spread="pooled")
    assert found.overall.effect == pytest.approx(4)
    assert np.isnan([found.overall.low, found.overall.high, found.overall.standard_error]).all()
    assert np.isnan(found.placebo_p)
    # units in perfect step
    paths = [[1, 2, 7], [3, 4, 5], [5, 6, 7], [2, 3, 4]]
    found = event_study(*long(paths, [3] + [np.nan] * 3), spread="pooled")
    assert found.overall.effect == pytest.approx(4)
    assert np.isnan(found.overall.standard_error).all()


def test_separate_spreads_need_two_units_of_one_start():
    paths, _ = random_paths(41)
    starts = np.where(np.arange(12) < 2, [3, 5] * 6, np.nan)
    found = event_study(*long(paths, starts))
    assert np.isnan(found.overall.low).all()
    assert np.isnan(found.placebo_p)
    assert not np.isnan(found.overall.effect).any()
    pooled = event_study(*long(paths, starts), spread="pooled")
    assert not np.isnan([pooled.overall.low[0], pooled.placebo_p]).any()


def test_without_never_treated_the_last_to_start_serve_until_they_start():
    paths, _ = random_paths(43)
    starts = np.repeat([3.0, 5.0], 6)
    found = event_study(*long(paths, starts))
    after = found.period >= found.start
    assert found.start[after].tolist() == [3, 3]
    assert found.period[after].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("n_units", "starts", "spread", "times"),
    [(6, [4, 6], "pooled", 1), (12, [3, 3, 5, 5, 6], "separate", 2)],
)
def test_the_interval_covers_and_the_placebo_stays_quiet(n_units, starts, spread, times):
    # correlated paths, 600 rounds; in the second case starters vary twice as much
    rng = np.random.default_rng(3)
    begins = np.append(np.array(starts, dtype=float), np.full(n_units - len(starts), np.nan))
    covered = rejected = 0
    for _ in range(600):
        noise = rng.normal(size=(n_units, 8))
        for t in range(1, 8):
            noise[:, t] += 0.7 * noise[:, t - 1]
        noise[: len(starts)] *= times
        paths = noise + rng.normal(size=(n_units, 1)) + (np.arange(1, 9) >= begins[:, None])
        found = event_study(*long(paths, begins), spread=spread)
        covered += found.overall.low[0] <= 1 <= found.overall.high[0]
        rejected += found.placebo_p < 0.05
    assert 0.925 <= covered / 600 <= 0.995
    assert rejected / 600 <= 0.07


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": []}, "value must hold at least 1"),
        ({"value": ["a"] * 6}, "value must hold numbers only"),
        ({"unit": ["a"] * 6}, "unit and period must not repeat"),
        ({"unit": ["a"]}, "unit must have one entry a row"),
        ({"period": [1, 2, np.nan, 1, 2, 3]}, "period must not hold missing"),
        ({"treated_from": [2, 2, 3, 9, 9, 9]}, "treated_from must be the same in all rows"),
        ({"treated_from": [np.nan] * 6}, "treated_from must leave at least one unit"),
        ({"treated_from": [1] * 3 + [np.nan] * 3}, "treated_from must leave at least one unit"),
        ({"treated_from": [2] * 6}, "treated_from must leave a unit untreated"),
        ({"treated_from": [2] * 3 + [3] * 3, "control": "never"}, "some must never start"),
        ({"treated_from": ["soon"] * 6}, "treated_from must hold numbers only"),
        ({"treated_from": [-np.inf] * 6}, "treated_from must be finite"),
        ({"weight": [0] * 6}, "weight must be above 0"),
        ({"weight": [1, 2, 1, 1, 1, 1]}, "weight must be the same in all rows"),
        ({"weight": [-1] * 6}, "weight must be 0 or more"),
        ({"control": "all"}, 'control must be one of "not_yet", "never"'),
        ({"spread": "none"}, 'spread must be one of "separate", "pooled"'),
        ({"confidence": 95}, "confidence must lie strictly"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    rows = {
        "unit": ["a"] * 3 + ["b"] * 3,
        "period": [1, 2, 3] * 2,
        "value": [1.0, 2, 3, 4, 5, 7],
        "treated_from": [2] * 3 + [np.nan] * 3,
    } | change
    data = [rows.pop(name) for name in ("unit", "period", "value", "treated_from")]
    with pytest.raises(InputError, match=message):
        event_study(*data, **rows)


@pytest.mark.parametrize("spread", ["separate", "pooled"])
@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1e200])
def test_the_unit_of_the_values_does_not_matter(unit, spread):
    rng = np.random.default_rng(4)
    rows = [(who, when) for who in range(8) for when in range(5)]
    who, when = np.array(rows).T
    value = rng.normal(size=len(rows))
    start = np.where(who < 3, 2, np.nan)
    usual, found = (
        event_study(who, when, value * one, start, spread=spread) for one in (1.0, unit)
    )
    for name in ("by_time", "overall", "by_start"):
        np.testing.assert_allclose(
            np.array(getattr(found, name)) / unit, np.array(getattr(usual, name)), rtol=1e-9
        )
    assert found.placebo_p == pytest.approx(usual.placebo_p, rel=1e-9)
