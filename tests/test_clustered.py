"""Shares of clustered cases, against a rewrite and known designs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from salesdiag.errors import InputError
from salesdiag.stats.rates import clustered_rate, wilson_interval

CLUSTERS = st.lists(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=15,
)


def jackknife_effect(clusters):
    """Leave out one cluster after the other."""
    part, whole = np.array(clusters, float).T
    n_all, p = whole.sum(), part.sum() / whole.sum()
    left_out = [(part.sum() - part[i]) / (whole.sum() - whole[i]) - p for i in range(len(clusters))]
    variance = (len(clusters) - 1) / len(clusters) * np.sum(np.square(left_out))
    return variance / (p * (1 - p) / n_all)


def test_two_of_four_clusters_by_hand():
    # p = 1/2; leaving one cluster out gives 1/3, 1/3, 2/3, 2/3: variance 3/4 x 4/36 = 1/12
    found = clustered_rate([5, 5, 0, 0], [5, 5, 5, 5], cluster=list("abcd"))
    assert found.design_effect.item() == pytest.approx(1 / 12 / (1 / 4 / 20))
    # Wilson's formula with t of three degrees of freedom in place of z, at 20 / effect = 3 cases
    t2, n = student.ppf(0.975, 3) ** 2, 3
    half = np.sqrt(t2 * (n / 4) + t2**2 / 4)
    low, high = (n / 2 + t2 / 2 - half) / (n + t2), (n / 2 + t2 / 2 + half) / (n + t2)
    np.testing.assert_allclose((found.low.item(), found.high.item()), (low, high), atol=1e-12)


@given(CLUSTERS)
def test_the_design_effect_is_the_jackknifes(clusters):
    part, whole = np.array(clusters).T
    found = clustered_rate(part, whole, cluster=np.arange(len(part)))
    assert found.rate.item() == pytest.approx(part.sum() / whole.sum())
    assert found.n_clusters.item() == len(clusters)
    if len({a / b for a, b in clusters}) > 1:
        assert found.design_effect.item() == pytest.approx(jackknife_effect(clusters))
    else:
        assert found.design_effect.item() == 1
    assert 0 <= found.low.item() <= found.rate.item() <= found.high.item() <= 1


@given(CLUSTERS, st.randoms(use_true_random=False))
def test_order_of_rows_and_splitting_a_cluster_change_nothing(clusters, random):
    rows = [(place, a, b) for place, (a, b) in enumerate(clusters)]
    split = [(place, a, a) for place, a, _b in rows] + [(place, 0, b - a) for place, a, b in rows]
    random.shuffle(split)
    found = []
    for table in (rows, split):
        cluster, part, whole = np.array(table).T
        found.append(clustered_rate(part, whole, cluster=cluster))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_many_single_cases_are_nearly_independent():
    rng = np.random.default_rng(2)
    part = rng.random(400) < 0.3
    found = clustered_rate(part, np.ones(400), cluster=np.arange(400))
    assert found.design_effect.item() == pytest.approx(1, abs=0.01)
    low, high = wilson_interval(part.sum(), 400)
    np.testing.assert_allclose((found.low.item(), found.high.item()), (low, high), atol=2e-3)


def test_copies_of_a_case_tell_nothing_more():
    rng = np.random.default_rng(3)
    part = (rng.random(60) < 0.4).astype(float)
    once = clustered_rate(part, np.ones(60), cluster=np.arange(60))
    tenfold = clustered_rate(10 * part, np.full(60, 10), cluster=np.arange(60))
    np.testing.assert_allclose((once.low, once.high), (tenfold.low, tenfold.high), atol=1e-12)
    assert tenfold.design_effect.item() == pytest.approx(10 * once.design_effect.item())


def test_groups_are_estimated_by_themselves():
    found = clustered_rate(
        [1, 2, 3, 0], [4, 4, 4, 0], cluster=list("xyxy"), group=["b", "b", "a", "a"]
    )
    assert found.group.tolist() == ["a", "b"]
    assert found.rate.tolist() == [3 / 4, 3 / 8]
    assert found.n_clusters.tolist() == [1, 2]
    assert np.isnan([found.low[0], found.high[0], found.design_effect[0]]).all()  # one cluster


def test_none_at_all_and_nothing_counted():
    none = clustered_rate([0, 0, 0], [5, 5, 5], cluster=[1, 2, 3])
    assert (none.rate.item(), none.low.item(), none.design_effect.item()) == (0, 0, 1)
    assert 0 < none.high.item() < 1
    nothing = clustered_rate([0, 0], [0, 0], cluster=[1, 2])
    assert np.isnan([nothing.rate, nothing.low, nothing.high]).all()
    assert clustered_rate([], [], cluster=[]).rate.size == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_part": [1, -1]}, "n_part must be 0 or more"),
        ({"n_part": [1, np.nan]}, "n_part must not hold missing"),
        ({"n_part": [1, 9]}, "n_part must not exceed n_whole"),
        ({"cluster": [1]}, "cluster must have one entry a row"),
        ({"confidence": 0}, "confidence must lie"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changed, message):
    good = {"n_part": [1, 1], "n_whole": [2, 2], "cluster": [1, 2]}
    with pytest.raises(InputError, match=message):
        clustered_rate(**(good | changed))


def test_huge_clusters_with_a_small_share_still_vary():
    small = clustered_rate([0, 0, 0, 0, 40], [1e5] * 5, cluster=range(5))
    huge = clustered_rate([0, 0, 0, 0, 40], [1e9] * 5, cluster=range(5))
    assert huge.design_effect.item() == pytest.approx(small.design_effect.item(), rel=1e-3)
    with pytest.raises(InputError, match="n_whole must have one entry a row, 1; got 4"):
        clustered_rate([5], [5, 5, 5, 5], cluster=[1, 2, 3, 4])


def test_one_large_cluster_leaves_fewer_degrees_of_freedom():
    # sizes 60, 20, 20: as many as 100^2 / (3600 + 400 + 400) = 2.27 equal ones, 1.27 degrees
    part, whole = np.array([30, 4, 9]), np.array([60, 20, 20])
    found = clustered_rate(part, whole, cluster=[1, 2, 3])
    t2 = student.ppf(0.975, 100**2 / 4400 - 1) ** 2
    p, n = 0.43, 100 / jackknife_effect(list(zip(part, whole, strict=True)))
    half = np.sqrt(t2 * n * p * (1 - p) + t2**2 / 4)
    low, high = (n * p + t2 / 2 - half) / (n + t2), (n * p + t2 / 2 + half) / (n + t2)
    np.testing.assert_allclose((found.low.item(), found.high.item()), (low, high), rtol=1e-9)
