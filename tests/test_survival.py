"""The censored probability of an event, against printed numbers and a rewrite by brute force."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import SalesDiagError
from salesdiag.stats.rates import wilson_interval
from salesdiag.stats.survival import cumulative_incidence

# eleven lives with ties and censoring: time, and 1 = event, 2 = rival event, 0 = still open
TIMES = [1, 5, 3, 6, 1, 3, 2, 5, 2, 3, 6]
ENDS = [0, 1, 1, 1, 2, 1, 0, 1, 0, 2, 2]

LIVES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 2])), min_size=1, max_size=30)


def counts(lives, until=np.inf):
    """Count lives (time, end) per time, as `cumulative_incidence` takes them."""
    times = sorted({time for time, _end in lives if time <= until})
    by_end = [[sum(one == (time, end) for one in lives) for time in times] for end in (1, 2, 0)]
    return times, *by_end


def aalen_johansen(lives):
    """Work the probability out life by life, in exact fractions."""
    surviving, incidence = Fraction(1), Fraction(0)
    for time in sorted({time for time, _end in lives}):
        at_risk = sum(one >= time for one, _end in lives)
        events = sum(one == (time, 1) for one in lives)
        rivals = sum(one == (time, 2) for one in lives)
        incidence += surviving * Fraction(events, at_risk)
        surviving *= 1 - Fraction(events + rivals, at_risk)
    return incidence


def test_eleven_rows_with_ties_give_the_exact_probability_and_interval():
    estimate = cumulative_incidence(*counts(list(zip(TIMES, ENDS, strict=True))))
    np.testing.assert_allclose(estimate, (0.649351, 0.327270, 0.875766), atol=5e-7)


@pytest.mark.parametrize(
    ("until", "event", "rival"),
    [(1, 0.0, 0.090909), (3, 0.259740, 0.220779), (5, 0.519481, 0.220779),
     (6, 0.649351, 0.350649)],
)  # fmt: skip
def test_the_curve_of_the_eleven_rows_at_earlier_times(until, event, rival):
    # whoever has had no end by then is still open at the last time looked at
    lives = [(min(time, until), end if time <= until else 0)
             for time, end in zip(TIMES, ENDS, strict=True)]  # fmt: skip
    times, n_event, n_rival, n_open = counts(lives)
    found = cumulative_incidence(times, n_event, n_rival, n_open).rate
    assert found == pytest.approx(event, abs=5e-7)
    assert cumulative_incidence(times, n_rival, n_event, n_open).rate == pytest.approx(
        rival, abs=5e-7
    )


def test_open_ones_are_neither_failures_nor_forgotten():
    # One had the event on day 10, one the rival on day 20, one was watched to day 29 and one
    # to day 4. The last says nothing about day 10: one of three. (1/4 would call the open
    # ones failures, 1/2 would forget them.)
    estimate = cumulative_incidence([4, 10, 20, 29], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1])
    assert estimate.rate == pytest.approx(1 / 3)


@given(LIVES)
def test_it_equals_the_sum_over_lives_in_exact_fractions(lives):
    estimate = cumulative_incidence(*counts(lives))
    if all(end == 0 for _time, end in lives):
        assert np.isnan(estimate).all()
    else:
        assert estimate.rate == pytest.approx(float(aalen_johansen(lives)), abs=1e-12)
        assert 0 <= estimate.low <= estimate.rate + 1e-12
        assert estimate.rate - 1e-12 <= estimate.high <= 1


@given(LIVES)
def test_without_open_ones_it_is_the_plain_share_with_wilsons_interval(lives):
    decided = [(time, end) for time, end in lives if end]
    if decided:
        estimate = cumulative_incidence(*counts(decided))
        n_event, n_all = sum(end == 1 for _time, end in decided), len(decided)
        assert estimate.rate == pytest.approx(n_event / n_all, abs=1e-12)
        np.testing.assert_allclose(estimate[1:], wilson_interval(n_event, n_all), atol=1e-9)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # 600 departments of 80 deals: 40 % of the deals win, waits are exponential, and each deal
    # is watched for 20 to 150 days. METHODS: 93.8 % of the 95 % intervals covered.
    rng = np.random.default_rng(7)
    covered = 0
    for _round in range(600):
        wins = rng.random(80) < 0.4
        wait = np.ceil(rng.exponential(30, 80))
        watched = rng.integers(20, 150, 80)
        time = np.minimum(wait, watched)
        end = np.where(wait <= watched, np.where(wins, 1, 2), 0)
        times = np.unique(time)
        n = [np.bincount(np.searchsorted(times, time[end == kind]), minlength=len(times))
             for kind in (1, 2, 0)]  # fmt: skip
        estimate = cumulative_incidence(times, *n)
        covered += estimate.low <= 0.4 <= estimate.high
    assert 0.91 <= covered / 600 <= 0.97


def test_nobody_decided_means_unknown():
    assert np.isnan(cumulative_incidence([3, 9], [0, 0], [0, 0], [2, 1])).all()
    assert np.isnan(cumulative_incidence([], [], [], [])).all()


@pytest.mark.parametrize("times", [[2, 1], [1, 1]])
def test_times_out_of_order_or_repeated_are_refused(times):
    with pytest.raises(SalesDiagError, match="ascending and without repeats"):
        cumulative_incidence(times, [1, 0], [0, 1], [0, 0])


def test_the_confidence_widens_the_interval():
    narrow = cumulative_incidence([1, 2], [3, 4], [2, 2], [1, 1], confidence=0.5)
    wide = cumulative_incidence([1, 2], [3, 4], [2, 2], [1, 1], confidence=0.99)
    assert wide.low < narrow.low < narrow.rate == wide.rate < narrow.high < wide.high
