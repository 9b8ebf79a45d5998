"""Two sides within strata: published results of R, SAS and metafor, and statsmodels live."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.standardisation import (
    breslow_day,
    cochran_mantel_haenszel,
    pooled_difference,
    pooled_odds_ratio,
)

# Bickel, Hammel and O'Connell 1975: admitted and applied by department, men then women
BERKELEY = (
    [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373],
    [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341],
)  # fmt: skip
# dead by age on tolbutamide and placebo (Rothman, Greenland and Lash 2008, table 15-1)
TOLBUTAMIDE = ([8, 22], [106, 98], [5, 16], [120, 85])
# penicillin at once or after 1.5 hours: cured of treated, five doses (Agresti 1990, R's help)
RABBITS = ([0, 3, 6, 5, 2], [6, 6, 6, 6, 2], [0, 0, 2, 6, 5], [5, 6, 6, 6, 5])
# smokers with and without lung cancer in eight Chinese cities (Agresti, output of SAS)
CHINA = (
    [126, 908, 913, 235, 402, 182, 60, 104], [226, 1596, 1660, 407, 710, 338, 159, 193],
    [35, 497, 336, 58, 121, 72, 11, 21], [96, 1304, 934, 179, 336, 170, 54, 57],
)  # fmt: skip

TABLES = st.lists(
    st.tuples(*[st.integers(0, 12)] * 4).filter(lambda cells: sum(cells) > 1),
    min_size=1,
    max_size=6,
)


def counts(tables):
    """Turn cells (part a, rest a, part b, rest b) into parts and wholes."""
    part_a, rest_a, part_b, rest_b = np.array(tables).T
    return part_a, part_a + rest_a, part_b, part_b + rest_b


def stratified(tables):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.stats.contingency_tables import StratifiedTable

        return StratifiedTable([np.array(one, float).reshape(2, 2) for one in tables])


def test_berkeley_odds_ratio_and_interval_are_those_of_r():
    # mantelhaen.test(UCBAdmissions)
    found = pooled_odds_ratio(*BERKELEY)
    np.testing.assert_allclose(found, (0.9046968, 0.7719074, 1.0603298), atol=5e-8)


def test_berkeley_test_is_217_without_and_232_with_the_correction():
    plain = cochran_mantel_haenszel(*BERKELEY)
    assert (plain.statistic, plain.degrees) == pytest.approx((1.5246, 1), abs=5e-5)
    assert plain.p_value == pytest.approx(0.217, abs=5e-4)
    # R's default corrects
    corrected = cochran_mantel_haenszel(*BERKELEY, continuity=True)
    assert corrected.statistic == pytest.approx(1.4269, abs=5e-5)
    assert corrected.p_value == pytest.approx(0.2323, abs=5e-5)


def test_tolbutamide_differences_and_ratios_are_those_of_metafor():
    # rma.mh with measure "RD" and "OR", level 90; its print has four digits
    difference = pooled_difference(*TOLBUTAMIDE, confidence=0.9)
    np.testing.assert_allclose(difference, (0.0349, -0.0176, 0.0874), atol=5e-5)
    np.testing.assert_allclose(
        np.log(pooled_odds_ratio(*TOLBUTAMIDE, confidence=0.9)),
        (0.3387, -0.1731, 0.8505),
        atol=5e-5,
    )
    assert cochran_mantel_haenszel(*TOLBUTAMIDE).statistic == pytest.approx(1.1914, abs=5e-5)
    tarone = breslow_day(*TOLBUTAMIDE)
    assert (tarone.statistic, tarone.p_value) == pytest.approx((0.3489, 0.5547), abs=5e-5)


def test_few_exposed_cases_as_in_metafor():
    # spermicide and Down syndrome (Rothman, Greenland and Lash 2008, table 15-5)
    found = pooled_odds_ratio([3, 1], [12, 4], [104, 5], [1163, 91], confidence=0.9)
    np.testing.assert_allclose(np.log(found), (1.3300, 0.3579, 2.3021), atol=5e-5)


@pytest.mark.parametrize(
    ("tables", "statistic", "p_value"),
    [
        # BreslowDayTest of the R package DescTools: teeth by age, cervical cancer by partners
        ([(4, 6, 68, 94), (30, 25, 12, 17)], 0.57493, 0.4483),
        ([(96, 148, 92, 150), (12, 21, 25, 118)], 4.2069, 0.04026),
    ],
)
def test_homogeneity_matches_the_published_output_of_desctools(tables, statistic, p_value):
    found = breslow_day(*counts(tables), tarone=False)
    assert found.statistic == pytest.approx(statistic, rel=2e-5)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)


def test_chinese_smokers_as_in_the_output_of_sas():
    assert cochran_mantel_haenszel(*CHINA).statistic == pytest.approx(280.138, abs=5e-4)
    assert pooled_odds_ratio(*CHINA).estimate == pytest.approx(2.174, abs=5e-4)
    found = breslow_day(*CHINA, tarone=False)
    assert (found.statistic, found.degrees) == pytest.approx((5.200, 7), abs=5e-4)
    assert found.p_value == pytest.approx(0.636, abs=5e-4)


def test_rabbits_with_empty_cells_and_dead_strata():
    # R's help states p = 0.047; the first dose cured none
    found = cochran_mantel_haenszel(*RABBITS, continuity=True)
    assert found.p_value == pytest.approx(0.047, abs=5e-4)
    assert breslow_day(*RABBITS).degrees == 2  # the first and the last dose tell nothing


@given(TABLES)
def test_pooled_results_match_statsmodels(tables):
    part_a, whole_a, part_b, whole_b = counts(tables)
    both = (whole_a > 0) & (whole_b > 0) & (part_a + part_b > 0)
    telling = both & (part_a + part_b < whole_a + whole_b)
    tables = [one for one, fits in zip(tables, telling, strict=True) if fits]
    assume(tables)
    theirs, ours = stratified(tables), pooled_odds_ratio(*counts(tables))
    plain = cochran_mantel_haenszel(*counts(tables))
    # 1e-9: the same closed forms in another order of sums
    assert plain.statistic == pytest.approx(theirs.test_null_odds().statistic, rel=1e-9, abs=1e-9)
    assert plain.p_value == pytest.approx(theirs.test_null_odds().pvalue, rel=1e-9)
    if np.isfinite(ours.low):
        np.testing.assert_allclose(ours.estimate, theirs.oddsratio_pooled, rtol=1e-9)
        limits = theirs.oddsratio_pooled_confint()
        np.testing.assert_allclose((ours.low, ours.high), limits, rtol=1e-9)
    if np.isfinite(ours.low) and len(tables) > 1:
        for tarone in (False, True):
            test = theirs.test_equal_odds(adjust=tarone)
            found = breslow_day(*counts(tables), tarone=tarone)
            # 1e-6: their root of the quadratic loses digits near an odds ratio of 1
            assert found.statistic == pytest.approx(test.statistic, rel=1e-6, abs=1e-6)
            assert found.p_value == pytest.approx(test.pvalue, rel=1e-5, abs=1e-6)


@given(TABLES)
def test_fitted_events_keep_the_pooled_odds_ratio_in_each_stratum(tables):
    # the statistic with fitted events found by a search over the only free cell
    odds = pooled_odds_ratio(*counts(tables)).estimate
    assume(np.isfinite(odds) and odds > 0)
    total, n_strata = 0.0, 0
    for part_a, rest_a, part_b, rest_b in tables:
        events, whole_a = part_a + part_b, part_a + rest_a
        least, most = max(0, events - part_b - rest_b), min(events, whole_a)
        if least == most:
            continue
        n_strata += 1
        low, high = float(least), float(most)
        for _step in range(100):
            a = (low + high) / 2
            cells = a, whole_a - a, events - a, part_b + rest_b - events + a
            if cells[0] * cells[3] < odds * cells[1] * cells[2]:
                low = a
            else:
                high = a
        total += (part_a - a) ** 2 * sum(1 / cell for cell in cells)
    found = breslow_day(*counts(tables), tarone=False)
    if n_strata < 2:
        assert np.isnan(found).all()
    else:
        assert found.degrees == n_strata - 1
        assert found.statistic == pytest.approx(total, rel=1e-6, abs=1e-9)


@given(TABLES)
def test_differences_are_a_weighted_mean_over_strata(tables):
    part_a, whole_a, part_b, whole_b = (one.astype(float) for one in counts(tables))
    both = (whole_a > 0) & (whole_b > 0)
    found = pooled_difference(part_a, whole_a, part_b, whole_b, variance="greenland_robins")
    if not both.any():
        assert np.isnan(found).all()
        return
    pairs = zip(part_a[both], whole_a[both], part_b[both], whole_b[both], strict=True)
    weights, gaps, variances = [], [], []
    for a, n, b, m in pairs:
        weights.append(n * m / (n + m))
        gaps.append(a / n - b / m)
        variances.append(a * (n - a) / n**3 + b * (m - b) / m**3)
    share = np.array(weights) / sum(weights)
    assert found.estimate == pytest.approx(share @ gaps, abs=1e-9)
    spread = 1.959963984540054 * np.sqrt(share**2 @ variances)
    if spread == 0:
        assert np.isnan(found.low)
    else:
        low, high = found.estimate - spread, found.estimate + spread
        assert (found.low, found.high) == pytest.approx((max(low, -1), min(high, 1)), abs=1e-9)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.floats(0, 1))
def test_in_one_stratum_both_variances_are_those_of_two_plain_shares(n, m, share_a, share_b):
    a, b = round(n * share_a), round(m * share_b)
    sato = pooled_difference([a], [n], [b], [m])
    plain = pooled_difference([a], [n], [b], [m], variance="greenland_robins")
    np.testing.assert_allclose(sato, plain, atol=1e-9)


@given(TABLES)
def test_changing_the_sides_turns_every_result_round(tables):
    part_a, whole_a, part_b, whole_b = counts(tables)
    swapped = part_b, whole_b, part_a, whole_a
    ours, theirs = pooled_odds_ratio(*counts(tables)), pooled_odds_ratio(*swapped)
    if np.isfinite(ours.low):
        np.testing.assert_allclose(
            (ours.estimate, ours.low, ours.high),
            1 / np.array((theirs.estimate, theirs.high, theirs.low)),
        )
    for variance in ("sato", "greenland_robins"):
        one = pooled_difference(*counts(tables), variance=variance)
        other = pooled_difference(*swapped, variance=variance)
        np.testing.assert_allclose(
            (one.estimate, one.low, one.high),
            (-other.estimate, -other.high, -other.low),
            atol=1e-12,
        )


@given(TABLES, st.randoms())
def test_order_of_strata_and_strata_that_tell_nothing_change_nothing(tables, random):
    shuffled = [*tables, (0, 0, 0, 0), (3, 2, 0, 0), (0, 0, 1, 4)]
    random.shuffle(shuffled)
    for function in (
        pooled_odds_ratio, pooled_difference, cochran_mantel_haenszel, breslow_day,
    ):  # fmt: skip
        np.testing.assert_allclose(
            function(*counts(shuffled))[:3], function(*counts(tables))[:3], rtol=1e-9, atol=1e-9
        )


def test_leading_axes_are_groups():
    both = tuple(np.stack([one, np.roll(one, 1)]) for one in BERKELEY)
    assert pooled_difference(*both).estimate.shape == (2,)
    again = pooled_odds_ratio(*both).estimate
    np.testing.assert_allclose(again, pooled_odds_ratio(*BERKELEY).estimate)


def test_only_one_side_with_events_has_no_interval():
    found = pooled_odds_ratio([3, 2], [9, 9], [0, 0], [8, 8])
    assert found.estimate == np.inf
    assert np.isnan([found.low, found.high]).all()
    found = pooled_odds_ratio([0, 0], [9, 9], [1, 2], [8, 8])
    assert found.estimate == 0
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(breslow_day([0, 0], [9, 9], [1, 2], [8, 8])[:3]).all()


def test_no_events_at_all_tells_a_difference_of_0_without_an_interval():
    nothing = ([0, 0], [9, 9], [0, 0], [8, 8])
    assert np.isnan(pooled_odds_ratio(*nothing)).all()
    assert np.isnan(cochran_mantel_haenszel(*nothing)).all()
    found = pooled_difference(*nothing)
    assert found.estimate == 0
    assert np.isnan([found.low, found.high]).all()


def test_sides_that_never_meet_tell_nothing():
    apart = ([3, 0], [9, 0], [0, 4], [0, 8])
    for function in (pooled_odds_ratio, pooled_difference, cochran_mantel_haenszel, breslow_day):
        assert np.isnan(function(*apart)[:3]).all()


def test_an_odds_ratio_of_1_needs_no_case_of_its_own():
    # 2/4 against 2/4 and 1/2 against 2/4: the pooled odds ratio is 1 exactly
    found = breslow_day([2, 1], [4, 2], [2, 2], [4, 4])
    assert (found.statistic, found.p_value) == pytest.approx((0, 1))


def test_thin_strata_are_told_from_full_ones():
    assert breslow_day(*BERKELEY).smallest_cell > 5
    # pairs of two: every fitted cell is 1/2 where one of two had the event
    pairs = ([1, 0, 1], [1, 1, 1], [0, 1, 0], [1, 1, 1])
    found = breslow_day([*pairs[0], 1], [*pairs[1], 1], [*pairs[2], 0], [*pairs[3], 1])
    assert found.smallest_cell < 0.5


@pytest.mark.parametrize(
    ("options", "lowest", "highest"), [({}, 0.035, 0.06), ({"continuity": True}, 0, 0.035)]
)
def test_the_test_errs_as_often_as_it_says(options, lowest, highest):
    # 4,000 departments of six uneven strata, about 20 events on side a, no difference
    rng = np.random.default_rng(3)
    share = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7])
    whole_a, whole_b = np.array([6, 12, 24, 18, 12, 6]), np.array([18, 18, 12, 12, 6, 6])
    part_a, part_b = (rng.binomial(one, share, (4000, 6)) for one in (whole_a, whole_b))
    found = cochran_mantel_haenszel(part_a, whole_a, part_b, whole_b, **options)
    assert lowest <= np.mean(found.p_value < 0.05) <= highest


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pooled_odds_ratio([1], [2], [-1], [2]), "n_part_b must be 0 or more"),
        (lambda: pooled_odds_ratio([3], [2], [1], [2]), "n_part_a must not exceed n_whole_a"),
        (lambda: pooled_difference([1], [2], [3], [2]), "n_part_b must not exceed n_whole_b"),
        (lambda: pooled_difference([np.nan], [2], [1], [2]), "n_part_a must not hold missing"),
        (lambda: pooled_difference([1], [2], [1], [2], variance="wald"), "variance must be one"),
        (lambda: pooled_difference([1], [2], [1], [2], confidence=2), "confidence must lie"),
        (lambda: cochran_mantel_haenszel([1, 2], [2, 3, 4], [1], [2]), "must have shapes that"),
        (lambda: breslow_day([], [], [], []), "n_part_a must hold at least 1 stratum"),
        (lambda: breslow_day(1, 2, 1, 2), "n_part_a must hold at least 1 stratum"),
    ],
)
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(InputError, match=name):
        call()


def test_counts_far_below_one_tell_next_to_nothing():
    tiny = tuple(np.array(one) * 1e-12 for one in TOLBUTAMIDE)
    found = pooled_odds_ratio(*tiny)
    assert found.estimate == pytest.approx(pooled_odds_ratio(*TOLBUTAMIDE).estimate)
    assert (found.low, found.high) == (0, np.inf)
    # the statistic is proportional to the counts
    usual, small = breslow_day(*TOLBUTAMIDE), breslow_day(*tiny)
    assert small.statistic == pytest.approx(usual.statistic * 1e-12, rel=1e-6, abs=0)


def test_crude_berkeley_rates_are_those_published():
    # Bickel, Hammel and O'Connell (1975), the six largest departments: .4452 and .3035
    men, all_men, women, all_women = (np.sum(one) for one in BERKELEY)
    assert (men, all_men, women, all_women) == (1198, 2691, 557, 1835)
    assert f"{men / all_men:.4f} {women / all_women:.4f}" == "0.4452 0.3035"
    # one stratum is the crude comparison
    crude = pooled_difference([men], [all_men], [women], [all_women])
    assert crude.estimate == pytest.approx(0.4452 - 0.3035, abs=1e-4)


def test_the_smallest_fitted_cell_counted_by_hand():
    # odds ratio 1: fitted are 2, 2, 2, 2 and 1, 1, 2, 2; the third stratum tells nothing
    found = breslow_day([2, 1, 0], [4, 2, 5], [2, 2, 0], [4, 4, 6])
    assert found.smallest_cell == pytest.approx((2 + 1) / 2, rel=1e-9)
