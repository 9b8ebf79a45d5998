"""Adjusted p-values against a published table, two libraries and a plain rewrite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from salesdiag.errors import InputError
from salesdiag.stats.multiplicity import METHODS, PValueRegistry, adjust_p_values

# Benjamini and Hochberg (1995), section 4.1: 15 comparisons of a trial of thrombolysis
BENJAMINI_HOCHBERG_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
    0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip
P_VALUES = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), min_size=1, max_size=30
)
FAMILIES = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.floats(0, 1), min_size=1, max_size=6), min_size=1
)


def registry_of(families):
    made = PValueRegistry()
    for family, p_values in families.items():
        made = made.with_tests(family, [f"t{i}" for i in range(len(p_values))], p_values)
    return made


def benjamini_hochberg_rejects(p_values, level):
    """Do it by the book: the largest k with p_(k) <= k/m level."""
    p = np.asarray(p_values)
    ranked = np.sort(p)
    fits = np.flatnonzero(ranked <= np.arange(1, len(p) + 1) / len(p) * level)
    return p <= (ranked[fits[-1]] if len(fits) else -1)


def simes(p_values):
    ranked = np.sort(p_values)
    return np.min(ranked * len(ranked) / np.arange(1, len(ranked) + 1))


def two_level_rejects(families, level):
    """Do Benjamini and Bogomolov (2014) by the book at one level; names of passed tests."""
    picked = benjamini_hochberg_rejects([simes(p) for p in families.values()], level)
    own_level = level * picked.sum() / len(families)
    return {
        (family, f"t{i}")
        for (family, p), is_picked in zip(families.items(), picked, strict=True)
        if is_picked
        for i in np.flatnonzero(benjamini_hochberg_rejects(p, own_level))
    }


@pytest.mark.parametrize(
    ("method", "n_rejected"),
    [("benjamini_hochberg", 4), ("holm", 3), ("benjamini_yekutieli", 3)],
)
def test_rejections_of_benjamini_and_hochberg_1995(method, n_rejected):
    adjusted = adjust_p_values(BENJAMINI_HOCHBERG_1995, method=method)
    assert np.sum(adjusted <= 0.05) == n_rejected
    assert (adjusted[:n_rejected] <= 0.05).all()


@given(P_VALUES)
def test_false_discovery_methods_match_scipy(p_values):
    # the same sums in another order: 1e-12
    for method, short in (("benjamini_hochberg", "bh"), ("benjamini_yekutieli", "by")):
        expected = false_discovery_control(p_values, method=short)
        np.testing.assert_allclose(adjust_p_values(p_values, method=method), expected, atol=1e-12)


@given(P_VALUES)
def test_all_methods_match_statsmodels(p_values):
    from statsmodels.stats.multitest import multipletests

    for method, short in zip(METHODS, ("fdr_bh", "fdr_by", "holm"), strict=True):
        expected = multipletests(p_values, method=short)[1]
        np.testing.assert_allclose(adjust_p_values(p_values, method=method), expected, atol=1e-12)


@given(P_VALUES, st.integers(0, 5), st.randoms(use_true_random=False))
def test_missing_tests_are_not_counted_and_order_does_not_matter(p_values, n_missing, random):
    for method in METHODS:
        alone = dict(zip(p_values, adjust_p_values(p_values, method=method), strict=True))
        mixed = p_values + [np.nan] * n_missing
        random.shuffle(mixed)
        found = adjust_p_values(mixed, method=method)
        expected = [alone.get(p, np.nan) for p in mixed]
        np.testing.assert_allclose(found, expected, atol=1e-12)


@given(P_VALUES)
def test_adjusted_values_keep_the_order_and_lie_between_p_and_1(p_values):
    order = np.argsort(p_values, kind="stable")
    for method in METHODS:
        adjusted = adjust_p_values(p_values, method=method)
        assert (adjusted >= p_values).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[order]) >= 0).all()


def test_no_tests_or_only_missing_ones_give_nothing():
    assert adjust_p_values([]).size == 0
    assert np.isnan(adjust_p_values([np.nan, np.nan])).all()


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], ["a"], [[0.1], [0.2]]])
def test_what_is_no_p_value_is_refused(p_values):
    with pytest.raises(InputError, match="p_values must"):
        adjust_p_values(p_values)


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="method must be one of"):
        adjust_p_values([0.1], method="bonferroni")


def test_two_families_by_hand():
    # Simes: sizes 0.01, rates min(3 x 0.03, 3/2 x 0.04, 0.9) = 0.06; BH over the two: 0.02
    # and 0.06. At 0.02 one of two families is picked, so sizes' only test needs 0.01 x 2 / 1;
    # rates' tests (0.06, 0.06, 0.9 within) get in when both are picked.
    made = registry_of({"rates": [0.03, 0.04, 0.9], "sizes": [0.01]})
    found = made.q_values()
    assert found.family.tolist() == ["rates", "rates", "rates", "sizes"]
    np.testing.assert_allclose(found.q_within, [0.06, 0.06, 0.9, 0.01])
    np.testing.assert_allclose(found.q_family, [0.06, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(found.q_value, [0.06, 0.06, 0.9, 0.02])


@given(FAMILIES, st.floats(0.001, 0.999))
def test_q_values_are_the_levels_at_which_the_procedure_by_the_book_rejects(families, level):
    found = registry_of(families).q_values()
    near = np.abs(found.q_value - level) < 1e-9  # rounding decides there
    passed = {
        (str(family), str(name))
        for family, name, q in zip(found.family, found.name, found.q_value, strict=True)
        if q <= level
    }
    if not near.any():
        assert passed == two_level_rejects(families, level)


@given(FAMILIES)
def test_each_q_value_is_reached_and_not_before(families):
    found = registry_of(families).q_values()
    for family, name, q in zip(found.family, found.name, found.q_value, strict=True):
        assert (family, name) in two_level_rejects(families, q * (1 + 1e-9) + 1e-12)
        if q > 1e-9:
            assert (family, name) not in two_level_rejects(families, q * (1 - 1e-6))


@given(FAMILIES, st.randoms(use_true_random=False))
def test_the_order_of_registration_does_not_show(families, random):
    shuffled = list(families.items())
    random.shuffle(shuffled)
    expected, found = registry_of(families).q_values(), registry_of(dict(shuffled)).q_values()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_family_is_plain_benjamini_hochberg():
    found = registry_of({"only": BENJAMINI_HOCHBERG_1995}).q_values()
    by_number = np.argsort([int(name[1:]) for name in found.name])
    expected = false_discovery_control(BENJAMINI_HOCHBERG_1995)
    np.testing.assert_allclose(found.q_value[by_number], expected, atol=1e-12)


def test_tests_that_could_not_be_done_stay_unknown_and_count_nowhere():
    with_gaps = registry_of({"a": [0.01, 0.2], "b": [0.03]})
    with_gaps = with_gaps.with_tests("a", ["gap"], [np.nan]).with_tests("c", ["gap"], [np.nan])
    found = with_gaps.q_values()
    plain = registry_of({"a": [0.01, 0.2], "b": [0.03]}).q_values()
    gap = found.name == "gap"
    assert np.isnan(found.q_value[gap]).all()
    np.testing.assert_array_equal(found.q_value[~gap], plain.q_value)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_where_nothing_is_true_findings_are_as_rare_as_promised(correlation):
    # 1,000 runs at level 10 %: the standard error is 0.95 points, so 13 % is three of them
    rng = np.random.default_rng(1)
    sizes, hits = [1, 2, 5, 20], 0
    for _run in range(1000):
        own, shared = rng.standard_normal(sum(sizes)), rng.standard_normal()
        z = np.sqrt(1 - correlation) * own + np.sqrt(correlation) * shared
        parts = np.split(norm.sf(z), np.cumsum(sizes)[:-1])
        found = registry_of({f"f{i}": p for i, p in enumerate(parts)}).q_values()
        hits += found.q_value.min() <= 0.1
    assert 20 <= hits <= 130


def test_an_empty_registry_has_an_empty_table():
    assert all(len(column) == 0 for column in PValueRegistry().q_values())


def test_registering_leaves_the_old_registry_alone():
    old = registry_of({"a": [0.1]})
    new = old.with_tests("a", ["more"], [0.2])
    assert (len(old.names), len(new.names)) == (1, 2)
    with pytest.raises(AttributeError):
        old.names = ()


@pytest.mark.parametrize("names", [["t0"], ["new", "new"]])
def test_a_test_is_registered_once(names):
    with pytest.raises(InputError, match=r"names must be new in the family 'a'"):
        registry_of({"a": [0.1]}).with_tests("a", names, [0.5] * len(names))


def test_a_name_may_come_again_in_another_family():
    found = registry_of({"a": [0.1], "b": [0.1]}).q_values()
    assert found.name.tolist() == ["t0", "t0"]


@pytest.mark.parametrize(
    ("names", "p_values", "named"),
    [(["x", "y"], [0.1], "p_values"), (["x"], [2.0], "p_values"), ("xy", [0.1, 0.2], "names")],
)
def test_lists_that_do_not_fit_are_refused(names, p_values, named):
    with pytest.raises(InputError, match=f"^{named} must"):
        PValueRegistry().with_tests("a", names, p_values)


def test_of_the_trial_of_1995_bonferroni_rejects_three_and_holm_the_same_ones():
    p = np.array(BENJAMINI_HOCHBERG_1995)
    by_bonferroni = p * len(p) <= 0.05
    assert by_bonferroni.sum() == 3
    holm, hochberg = (
        adjust_p_values(p, method=one) <= 0.05 for one in ("holm", "benjamini_hochberg")
    )
    np.testing.assert_array_equal(holm, by_bonferroni)
    # Holm's first step is Bonferroni's only one; what it rejects the others may not keep
    assert adjust_p_values(p, method="holm").min() == pytest.approx(len(p) * p.min())
    assert (hochberg >= by_bonferroni).all()


def test_a_family_is_known_by_its_text():
    made = PValueRegistry().with_tests(1, ["a"], [0.1])
    with pytest.raises(InputError, match="names must be new in the family '1'; 'a' is there"):
        made.with_tests(1, ["a"], [0.2])
    with pytest.raises(InputError, match="names must be new in the family"):
        made.with_tests("1", ["a"], [0.2])


@pytest.mark.parametrize(("family", "names"), [("f", ["a", "a\0"]), ("f\0", ["a", "b"])])
def test_text_that_an_array_would_cut_is_refused(family, names):
    with pytest.raises(InputError, match="family and names must not hold the NUL character"):
        PValueRegistry().with_tests(family, names, [0.1, 0.2])
