"""Tests between groups, against published output and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError
from salesdiag.stats.survival import gray_test, log_rank_test
from tests.transplants import transplants


def ends(end):
    return end == 1, end == 2, end == 0


def test_grays_test_gives_the_printed_digits_of_the_transplants():
    # Scrucca and others (2010); cuminc of the R package cmprsk prints 2.8623325 (p .09067592)
    # for relapse and 0.4481279 (p .50322531) for death
    time, end, disease = transplants()
    relapse = gray_test(time, *ends(end), group=disease)
    assert relapse.df == 1
    assert relapse.statistic == pytest.approx(2.8623325, abs=5e-8)
    assert relapse.p_value == pytest.approx(0.09067592, abs=5e-9)
    death = gray_test(time, end == 2, end == 1, end == 0, group=disease)
    assert death.statistic == pytest.approx(0.4481279, abs=5e-8)
    assert death.p_value == pytest.approx(0.50322531, abs=5e-9)


@pytest.mark.parametrize("n_groups", [2, 3, 5])
def test_the_log_rank_test_matches_statsmodels(n_groups):
    from statsmodels.duration.survfunc import survdiff

    rng = np.random.default_rng(n_groups)
    time, has_event = rng.integers(1, 15, 200), rng.random(200) < 0.7
    group = rng.integers(0, n_groups, 200)
    expected, p_value = survdiff(time, has_event.astype(int), group)
    found = log_rank_test(time, has_event, None, ~has_event, group=group)
    assert found.df == n_groups - 1
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_the_log_rank_test_with_late_comers_matches_statsmodels():
    from statsmodels.duration.survfunc import survdiff

    rng = np.random.default_rng(5)
    entry, group = rng.integers(0, 5, 150), rng.integers(0, 2, 150)
    time, has_event = entry + rng.integers(1, 15, 150), rng.random(150) < 0.7
    expected, _p_value = survdiff(time, has_event.astype(int), group, entry=entry)
    late = entry > 0
    none = np.zeros(late.sum())
    found = log_rank_test(
        np.concatenate((time, entry[late])),
        np.concatenate((has_event, none)),
        None,
        np.concatenate((~has_event, none)),
        group=np.concatenate((group, group[late])),
        n_late=np.concatenate((np.zeros(150), late[late])),
    )
    assert found.statistic == pytest.approx(expected, rel=1e-9)


def test_equal_speed_but_fewer_rivals_is_seen_by_grays_test_only():
    # in group b the rival takes out half of those at risk before the event can come
    rng = np.random.default_rng(3)
    event, rival = rng.exponential(20, 2000), rng.exponential(np.repeat([1e6, 5], 1000))
    time, group = np.ceil(np.minimum(event, rival)), np.repeat(["a", "b"], 1000)
    lives = (time, event <= rival, event > rival, np.zeros(2000))
    assert log_rank_test(*lives, group=group).p_value > 0.01
    assert gray_test(*lives, group=group).p_value < 1e-12


LIVES = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 2]), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


@given(LIVES, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_names_of_groups_matter(lives, random):
    def both(rows, names):
        time, end, group = (np.array(column) for column in zip(*rows, strict=True))
        group = np.array([names[one] for one in group])
        return [test(time, *ends(end), group=group) for test in (gray_test, log_rank_test)]

    first = both(lives, {"a": "a", "b": "b", "c": "c"})
    random.shuffle(lives)
    second = both(lives, {"a": "z", "b": "y", "c": "x"})
    for one, other in zip(first, second, strict=True):
        assert one.df == other.df
        np.testing.assert_allclose(one[::2], other[::2], rtol=1e-6, atol=1e-9)
        assert np.isnan(one.statistic) or (one.statistic >= -1e-9 and 0 <= one.p_value <= 1)


@pytest.mark.parametrize("test", [gray_test, log_rank_test])
def test_nothing_to_compare_is_unknown(test):
    alone = test([1, 2], [1, 1], [0, 0], [0, 0], group=["a", "a"])
    assert np.isnan([alone.statistic, alone.p_value]).all()
    assert alone.df == 0
    assert np.isnan(test([1, 2], [0, 0], [1, 1], [0, 0], group=["a", "b"]).p_value)
    assert np.isnan(test([], [], [], [], group=[]).p_value)


@pytest.mark.parametrize("test", [gray_test, log_rank_test])
def test_labels_must_be_one_a_row_and_none_missing(test):
    with pytest.raises(InputError, match="group must have one entry a row"):
        test([1, 2], [1, 1], [0, 0], [0, 0], group=["a"])
    with pytest.raises(InputError, match="group must not hold missing"):
        test([1, 2], [1, 1], [0, 0], [0, 0], group=[1.0, np.nan])


@pytest.mark.parametrize("test", [gray_test, log_rank_test])
def test_lists_of_the_wrong_length_or_kind_are_named(test):
    with pytest.raises(InputError, match="n_open must have one entry a row, 2; got 1"):
        test([1, 2], [1, 1], [0, 0], [0], group=["a", "b"])
    with pytest.raises(InputError, match="n_event must hold numbers only; got None"):
        test([1, 2], None, [0, 0], [0, 0], group=["a", "b"])
    assert np.isnan(test([1, 2], [1, 1], None, [0, 0], group=None).p_value)
