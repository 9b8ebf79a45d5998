"""Where a change sits, against least squares written out, and on changes that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from salesdiag.errors import InputError
from salesdiag.stats.change import place_change


def written_out(change, variance, place, shared):
    """Fit one place by generalised least squares, with the whole matrix inverted."""
    weight = np.linalg.inv(np.diag(variance) + shared)
    information = place @ weight @ place
    return place @ weight @ change / information, 1 / np.sqrt(information)


@given(
    seed=st.integers(0, 10_000), n=st.integers(2, 8), shared=st.floats(0, 2),
)  # fmt: skip
def test_effects_are_those_of_least_squares_written_out(seed, n, shared):
    rng = np.random.default_rng(seed)
    change, variance = rng.normal(size=n), rng.uniform(0.01, 2, n)
    places = np.vstack([np.ones(n), np.eye(n)])
    found = place_change(change, variance, places, shared_variance=shared)
    for row, place in enumerate(places):
        effect, error = written_out(change, variance, place, shared)
        assert found.effect[row] == pytest.approx(effect, rel=1e-9, abs=1e-12)
        assert found.standard_error[row] == pytest.approx(error, rel=1e-9)
    # the gain is what the likelihood of the estimates rises by
    whole = stats.multivariate_normal(cov=np.diag(variance) + shared)
    rise = whole.logpdf(change - found.effect[0]) - whole.logpdf(change)
    assert found.gain[0] == pytest.approx(rise, rel=1e-6, abs=1e-9)
    assert 0 <= found.weight.sum() <= 1 + 1e-12


def test_one_group_alone_is_a_plain_test():
    found = place_change([0.6], [0.09], [[1.0]])
    assert found.p_value[0] == pytest.approx(2 * stats.norm.sf(2.0))
    few = place_change([0.6], [0.09], [[1.0]], degrees=4)
    assert few.p_value[0] == pytest.approx(2 * stats.t.sf(2.0, 4))


def test_what_moves_all_groups_is_noise_for_all_and_cancels_for_one():
    change, variance = [-0.3, -0.3, -0.3, -0.9], [0.01] * 4
    places = [[1, 1, 1, 1], [0, 0, 0, 1]]
    alone = place_change(change, variance, places, shared_variance=0.0)
    shaken = place_change(change, variance, places, shared_variance=1.0)
    assert alone.p_value[0] < 1e-9 < 0.5 < shaken.p_value[0]
    # against the others the last fell by 0.6
    assert alone.effect[1] == pytest.approx(-0.9)
    assert shaken.effect[1] == pytest.approx(-0.6, abs=0.01)


def test_groups_without_an_estimate_say_nothing():
    found = place_change([0.5, np.nan], [0.01, 0.01], [[1, 1], [1, 0], [0, 1]])
    assert found.effect[:2] == pytest.approx([0.5, 0.5])
    assert np.isnan([found.effect[2], found.p_value[2]]).all()
    assert found.weight[2] == 0
    same = place_change([0.5], [0.01], [[1], [1], [0]])
    np.testing.assert_allclose(found.weight, same.weight)


def test_the_place_that_changed_is_found_and_none_where_nothing_did():
    rng = np.random.default_rng(5)
    n, sigma = 6, 0.1
    places = np.vstack([np.ones(n), np.eye(n)])
    penalty = np.log([1, *[n] * n])
    hits = misses = 0
    for _ in range(300):
        common = rng.normal(0, 0.05)
        noise = rng.normal(0, sigma, n) + common
        one = place_change(noise - 0.5 * np.eye(n)[2], [sigma**2] * n, places,
                           shared_variance=0.05**2, penalty=penalty)  # fmt: skip
        hits += one.weight.argmax() == 3
        none = place_change(noise, [sigma**2] * n, places, shared_variance=0.05**2,
                            penalty=penalty)  # fmt: skip
        misses += min(1.0, len(places) * np.nanmin(none.p_value)) < 0.05
    assert hits >= 285
    # Bonferroni over the seven candidates keeps the level: 15 of 300 expected at most
    assert misses <= stats.binom.ppf(0.999, 300, 0.05)


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match="variance must lie above 0"):
        place_change([0.1], [0.0], [[1]])
    with pytest.raises(InputError, match="places must have a column for each of 2 groups"):
        place_change([0.1, 0.2], [0.1, 0.1], [[1], [1]])
    with pytest.raises(InputError, match="shared_variance"):
        place_change([0.1], [0.1], [[1]], shared_variance=-1.0)
