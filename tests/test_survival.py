"""The censored probability of an event, against printed numbers and a rewrite by brute force."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdiag.errors import InputError, SalesDiagError
from salesdiag.stats.rates import wilson_interval
from salesdiag.stats.survival import (
    cumulative_incidence,
    event_quantile,
    final_incidence,
    incidence_curve,
)
from tests.transplants import transplants

# eleven lives with ties and censoring: time, and 1 = event, 2 = rival event, 0 = still open
TIMES = [1, 5, 3, 6, 1, 3, 2, 5, 2, 3, 6]
ENDS = [0, 1, 1, 1, 2, 1, 0, 1, 0, 2, 2]

LIVES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 2])), min_size=1, max_size=30)
# came under watch, ended (later), how
LATE_LIVES = st.lists(
    st.tuples(st.sampled_from([None, 0, 1, 2, 3]), st.integers(1, 6), st.sampled_from([0, 1, 2])),
    min_size=1,
    max_size=25,
)


def counts(lives):
    """Give a row a life (time, end) as `cumulative_incidence` takes them."""
    time, end = np.array(lives).T if lives else (np.array([]), np.array([]))
    return time, end == 1, end == 2, end == 0


def steps_of(lives):
    """Give hazards life by life, in exact fractions: time, at risk, events, rivals."""
    for time in sorted({end_time for _start, end_time, _end in lives}):
        at_risk = sum(
            end_time >= time and (start is None or start < time) for start, end_time, _end in lives
        )
        events = sum((end_time, end) == (time, 1) for _start, end_time, end in lives)
        rivals = sum((end_time, end) == (time, 2) for _start, end_time, end in lives)
        if events + rivals:
            yield time, at_risk, events, rivals


def aalen_johansen(lives):
    """Work the probability out life by life, in exact fractions."""
    surviving, incidence = Fraction(1), Fraction(0)
    for _time, at_risk, events, rivals in steps_of([(None, *life) for life in lives]):
        incidence += surviving * Fraction(events, at_risk)
        surviving *= 1 - Fraction(events + rivals, at_risk)
    return incidence


def delta_variance(lives):
    """Sum the textbook's three terms at the last time, life by life.

    Marubini and Valsecchi (1995), Analysing Survival Data from Clinical Trials, section 10.3.
    """
    before, incidence, curve = Fraction(1), Fraction(0), []
    for _time, at_risk, events, rivals in steps_of([(None, *life) for life in lives]):
        incidence += before * Fraction(events, at_risk)
        curve.append((before, incidence, at_risk, events, events + rivals))
        before *= 1 - Fraction(events + rivals, at_risk)
    total = Fraction(0)
    for before, so_far, n, d1, d in curve:
        to_come = incidence - so_far
        if n > d:
            total += to_come**2 * Fraction(d, n * (n - d))
        total += before**2 * Fraction(d1 * (n - d1), n**3)
        total -= 2 * to_come * before * Fraction(d1, n**2)
    return total


def test_eleven_rows_with_ties_give_the_exact_probability_and_interval():
    found = cumulative_incidence(*counts(list(zip(TIMES, ENDS, strict=True))))
    estimate = (found.rate.item(), found.low.item(), found.high.item())
    np.testing.assert_allclose(estimate, (0.649351, 0.327270, 0.875766), atol=5e-7)


def test_the_curve_of_the_eleven_rows():
    # METHODS section 4; exact with ties (another library's random jitter gives .6429 or .6494)
    curve = incidence_curve(*counts(list(zip(TIMES, ENDS, strict=True))))
    at = [0, 2, 3, 4]  # days 1, 3, 5, 6; nothing ends on day 2 but the watch over two
    assert curve.time[at].tolist() == [1, 3, 5, 6]
    assert curve.n_at_risk.tolist() == [11, 9, 7, 4, 2]
    np.testing.assert_allclose(curve.incidence[at], [0, 0.259740, 0.519481, 0.649351], atol=5e-7)
    rivals = [0.090909, 0.220779, 0.220779, 0.350649]
    np.testing.assert_allclose(curve.rival_incidence[at], rivals, atol=5e-7)
    assert curve.survival[-1] == 0
    alone = incidence_curve(TIMES, np.equal(ENDS, 1), None, np.not_equal(ENDS, 1))
    np.testing.assert_allclose(alone.incidence[-1], 0.821429, atol=5e-7)  # the naive 1 - KM


def test_open_ones_are_neither_failures_nor_forgotten():
    # One had the event on day 10, one the rival on day 20, one was watched to day 29 and one
    # to day 4. The last says nothing about day 10: one of three. (1/4 would call the open
    # ones failures, 1/2 would forget them.)
    found = cumulative_incidence([4, 10, 20, 29], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1])
    assert found.rate.item() == pytest.approx(1 / 3)


def test_who_comes_late_counts_only_from_then_on():
    # Two are watched from the start: one has the event on day 2, one is there on day 9. A third
    # comes under watch on day 3 and has the event on day 5, when two are at risk. Forgetting
    # its late start would make the first event one of three.
    found = cumulative_incidence(
        [2, 3, 5, 9], [1, 0, 1, 0], [0] * 4, [0, 0, 0, 1], n_late=[0, 1, 0, 0]
    )
    assert found.rate.item() == pytest.approx(1 / 2 + 1 / 2 * 1 / 2)


@given(LATE_LIVES)
def test_it_equals_the_product_over_lives_in_exact_fractions(lives):
    lives = [(start, end_time, end) for start, end_time, end in lives
             if start is None or start < end_time]  # fmt: skip
    if not lives:
        return
    start, end_time, end = zip(*lives, strict=True)
    late = np.array([one is not None for one in start])
    entry = np.array([0 if one is None else one for one in start])
    end = np.array(end)
    none = np.zeros(late.sum())
    curve = incidence_curve(
        np.concatenate((end_time, entry[late])),
        np.concatenate((end == 1, none)),
        np.concatenate((end == 2, none)),
        np.concatenate((end == 0, none)),
        n_late=np.concatenate((np.zeros(len(end)), late[late])),
    )
    surviving, incidence = Fraction(1), Fraction(0)
    for time, at_risk, events, rivals in steps_of(lives):
        place = curve.time.tolist().index(time)
        assert curve.n_at_risk[place] == at_risk
        incidence += surviving * Fraction(events, at_risk)
        surviving *= 1 - Fraction(events + rivals, at_risk)
        if np.isfinite(curve.incidence[place]):
            assert curve.incidence[place] == pytest.approx(float(incidence), abs=1e-12)
            assert curve.survival[place] == pytest.approx(float(surviving), abs=1e-12)
        elif surviving > 0:  # at some time before nobody was at risk
            unwatched = [
                when for when in sorted({*end_time, *entry[late]}) if when <= time
                and not any(stop >= when and (begin is None or begin < when)
                            for begin, stop, _end in lives)
            ]  # fmt: skip
            assert unwatched


@given(LIVES)
def test_its_variance_equals_the_textbooks_three_sums(lives):
    curve = incidence_curve(*counts(lives))
    expected = float(delta_variance(lives))
    assert curve.variance[-1] == pytest.approx(expected, abs=1e-12)


@given(LIVES)
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(lives):
    for interval in ("wilson", "log_log"):
        for variance in ("delta", "aalen"):
            curve = incidence_curve(*counts(lives), interval=interval, variance=variance)
            assert (curve.low <= curve.incidence + 1e-12).all()
            assert (curve.incidence <= curve.high + 1e-12).all()
            assert (curve.low >= 0).all()
            assert (curve.high <= 1).all()
            assert (np.diff(curve.incidence) >= -1e-12).all()
            whole = curve.incidence + curve.rival_incidence + curve.survival
            np.testing.assert_allclose(whole, 1, atol=1e-12)


@given(LIVES)
def test_without_open_ones_it_is_the_plain_share_with_wilsons_interval(lives):
    decided = [(time, end) for time, end in lives if end]
    if decided:
        found = cumulative_incidence(*counts(decided))
        n_event, n_all = sum(end == 1 for _time, end in decided), len(decided)
        assert found.rate.item() == pytest.approx(n_event / n_all, abs=1e-12)
        low, high = wilson_interval(n_event, n_all)
        np.testing.assert_allclose((found.low.item(), found.high.item()), (low, high), atol=1e-9)


@given(LIVES, st.integers(0, 9))
def test_at_a_horizon_without_open_ones_it_is_the_share_by_then(lives, horizon):
    decided = [(time, end) for time, end in lives if end]
    if decided:
        found = cumulative_incidence(*counts(decided), horizon=horizon)
        n_event = sum(end == 1 and time <= horizon for time, end in decided)
        assert found.rate.item() == pytest.approx(n_event / len(decided), abs=1e-12)
        low, high = wilson_interval(n_event, len(decided))
        np.testing.assert_allclose((found.low.item(), found.high.item()), (low, high), atol=1e-9)


@given(LIVES, st.integers(0, 9))
def test_given_an_age_it_is_what_is_still_to_come(lives, age):
    # P(event by the end | neither until age) = (F(end) - F(age)) / S(age)
    found = cumulative_incidence(*counts(lives), after=age)
    curve = incidence_curve(*counts(lives))
    until = curve.time <= age
    f, s = (curve.incidence[until], curve.survival[until]) if until.any() else ([0.0], [1.0])
    if np.isfinite(found.rate).all() and len(found.rate) and s[-1] > 0:
        expected = (curve.incidence[-1] - f[-1]) / s[-1]
        assert found.rate.item() == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 2]), st.sampled_from("xyz")),
                min_size=1, max_size=30), st.randoms(use_true_random=False))  # fmt: skip
def test_groups_are_estimated_by_themselves_and_the_order_of_rows_means_nothing(lives, random):
    time, end, group = (np.array(column) for column in zip(*lives, strict=True))
    found = cumulative_incidence(time, end == 1, end == 2, end == 0, group=group, horizon=[3, 7])
    assert found.group.tolist() == sorted(set(group.tolist()))
    for place, label in enumerate(found.group):
        own = group == label
        alone = cumulative_incidence(
            time[own], end[own] == 1, end[own] == 2, end[own] == 0, horizon=[3, 7]
        )
        np.testing.assert_array_equal(alone.rate[0], found.rate[place])
        np.testing.assert_array_equal(alone.high[0], found.high[place])
        np.testing.assert_array_equal(alone.n_at_risk[0], found.n_at_risk[place])
    random.shuffle(lives)
    time, end, group = (np.array(column) for column in zip(*lives, strict=True))
    again = cumulative_incidence(time, end == 1, end == 2, end == 0, group=group, horizon=[3, 7])
    np.testing.assert_array_equal(again.rate, found.rate)
    np.testing.assert_array_equal(again.low, found.low)


def test_rows_of_one_time_may_be_split_or_added_up():
    whole = cumulative_incidence([1, 2, 4], [3, 0, 2], [1, 2, 0], [0, 1, 1])
    split = cumulative_incidence([4, 1, 2, 1, 2], [2, 1, 0, 2, 0], [0, 1, 1, 0, 1], [1, 0, 0, 0, 1])
    for one, other in zip(whole, split, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_horizon_beyond_what_was_watched_is_refused():
    lives = ([10, 20, 30], [1, 1, 0], [0, 0, 0], [0, 0, 1])
    found = cumulative_incidence(*lives, horizon=[5, 20, 30, 31])
    np.testing.assert_allclose(found.rate[0], [0, 1 / 3 + 1 / 3, 2 / 3, np.nan], atol=1e-12)
    assert found.n_at_risk[0].tolist() == [3, 2, 1, 0]
    # where all are decided nothing more can come
    done = cumulative_incidence([10, 20], [1, 0], [0, 1], [0, 0], horizon=400)
    assert done.rate.item() == 0.5


def test_a_horizon_is_refused_where_too_few_are_left_at_risk():
    lives = ([10, 20, 30, 40], [1, 1, 1, 1], [0] * 4, [0, 40, 0, 0])
    assert np.isfinite(cumulative_incidence(*lives, horizon=35).rate.item())
    assert np.isnan(cumulative_incidence(*lives, horizon=35, min_at_risk=5).rate.item())
    assert np.isfinite(cumulative_incidence(*lives, horizon=20, min_at_risk=5).rate.item())
    # few because the others are decided is no reason
    decided = ([10, 30], [40, 1], [0, 0], [0, 1])
    assert np.isfinite(cumulative_incidence(*decided, horizon=30, min_at_risk=5).rate.item())


def test_none_yet_is_0_with_the_interval_of_those_watched_so_long():
    found = cumulative_incidence([40, 50], [0, 1], [0, 0], [20, 0], horizon=30)
    low, high = wilson_interval(0, 21)
    assert (found.rate.item(), found.low.item()) == (0, low)
    assert found.high.item() == pytest.approx(high)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kaplan_meier_and_greenwood_match_statsmodels(seed):
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(seed)
    time, has_event = rng.integers(1, 12, 60), rng.random(60) < 0.6
    expected = SurvfuncRight(time, has_event.astype(int))
    curve = incidence_curve(time, has_event, None, ~has_event)
    at = np.isin(curve.time, expected.surv_times)
    np.testing.assert_allclose(curve.survival[at], expected.surv_prob, atol=1e-12)
    np.testing.assert_allclose(curve.n_at_risk[at], expected.n_risk)
    inside = expected.surv_prob > 0
    np.testing.assert_allclose(
        np.sqrt(curve.variance[at])[inside], expected.surv_prob_se[inside], atol=1e-12
    )
    quantile = event_quantile(time, has_event, None, ~has_event, probability=0.5)
    assert quantile.time.item() == expected.quantile(0.5)
    low, high = expected.quantile_ci(0.5, method="cloglog")
    assert quantile.low.item() == low
    assert quantile.high.item() == high


def test_incidence_matches_statsmodels_on_the_transplants():
    from statsmodels.duration.survfunc import CumIncidenceRight

    time, end, _disease = transplants()
    expected = CumIncidenceRight(time, end)
    curve = incidence_curve(time, end == 1, end == 2, end == 0)
    at = np.searchsorted(curve.time, expected.times)
    np.testing.assert_allclose(curve.incidence[at], expected.cinc[0], atol=1e-12)
    np.testing.assert_allclose(curve.rival_incidence[at], expected.cinc[1], atol=1e-12)


def test_intervals_are_the_textbooks_where_they_are_asked_for():
    # log-log by hand: F = 2/5 of 5 decided; var = F(1-F)/5; z = 1.959964
    found = cumulative_incidence([1, 2], [2, 0], [0, 3], [0, 0], interval="log_log")
    width = 1.959964 * np.sqrt(0.4 * 0.6 / 5) / (0.6 * -np.log(0.6))
    assert found.low.item() == pytest.approx(1 - 0.6 ** np.exp(-width), abs=1e-6)
    assert found.high.item() == pytest.approx(1 - 0.6 ** np.exp(width), abs=1e-6)
    # Aalen's variance of a share in one step: events of Y: F(1-F) / (Y - 1)
    curve = incidence_curve([1], [2], [3], [0], variance="aalen")
    assert curve.variance.item() == pytest.approx(0.4 * 0.6 / 4)


def test_the_median_time_by_hand():
    # Brookmeyer and Crowley on ten lives without censoring: half have had it by the 5th
    found = event_quantile(np.arange(1, 11), np.ones(10), None, np.zeros(10))
    assert found.time.item() == 5
    # a share that never comes, and a group in which it does
    found = event_quantile(
        [1, 2, 3, 1, 2], [1, 0, 0, 1, 1], [0, 1, 1, 0, 0], [0] * 5, group=list("aaabb")
    )
    np.testing.assert_array_equal(found.time, [np.nan, 1])
    assert np.isnan(event_quantile([], [], None, []).time).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # 600 departments of 80 deals: 40 % of the deals win, waits are exponential, and each deal
    # is watched for 20 to 150 days. METHODS: 93.8 % of the 95 % intervals covered.
    rng = np.random.default_rng(7)
    wins = rng.random((600, 80)) < 0.4
    wait, watched = np.ceil(rng.exponential(30, (600, 80))), rng.integers(20, 150, (600, 80))
    end = np.where(wait <= watched, np.where(wins, 1, 2), 0).ravel()
    found = cumulative_incidence(
        np.minimum(wait, watched).ravel(), end == 1, end == 2, end == 0,
        group=np.repeat(np.arange(600), 80),
    )  # fmt: skip
    covered = (found.low <= 0.4) & (found.high >= 0.4)
    assert 0.91 <= covered.mean() <= 0.97


def test_nobody_decided_means_unknown():
    assert np.isnan(cumulative_incidence([3, 9], [0, 0], [0, 0], [2, 1]).rate).all()
    assert cumulative_incidence([], [], [], []).rate.size == 0
    assert incidence_curve([], [], [], []).time.size == 0


def test_the_confidence_widens_the_interval():
    narrow = cumulative_incidence([1, 2], [3, 4], [2, 2], [1, 1], confidence=0.5)
    wide = cumulative_incidence([1, 2], [3, 4], [2, 2], [1, 1], confidence=0.99)
    assert wide.low < narrow.low < narrow.rate == wide.rate < narrow.high < wide.high


BAD = [
    ({"time": [1, np.nan]}, "time"),
    ({"time": ["Monday", "Friday"]}, "time"),
    ({"n_event": [1, -1]}, "n_event"),
    ({"n_event": None}, "n_event"),
    ({"n_open": ["1", "0"]}, "n_open"),
    ({"group": ["a", float("nan")]}, "group"),
    ({"group": [1, "1"]}, "group"),
    ({"horizon": [[1], [2], [3]]}, "horizon"),
    ({"n_rival": [1, np.nan]}, "n_rival"),
    ({"n_open": [1]}, "n_open"),
    ({"n_late": [0, 5]}, "n_late"),
    ({"group": ["a"]}, "group"),
    ({"horizon": np.nan}, "horizon"),
    ({"min_at_risk": 0}, "min_at_risk"),
    ({"confidence": 95}, "confidence"),
    ({"interval": "wald"}, "interval"),
    ({"variance": "greenwood"}, "variance"),
]


@pytest.mark.parametrize(("changed", "name"), BAD)
def test_what_cannot_be_meant_is_refused_by_name(changed, name):
    good = {"time": [1, 2], "n_event": [1, 1], "n_rival": [0, 1], "n_open": [1, 0]}
    with pytest.raises(SalesDiagError, match=rf"{name} must"):
        cumulative_incidence(**(good | changed))


def test_a_share_of_nothing_or_of_more_than_all_is_refused():
    with pytest.raises(InputError, match="probability must lie strictly between 0 and 1"):
        event_quantile([1], [1], None, [0], probability=1.0)


def test_a_group_with_nobody_in_it_is_unknown():
    found = cumulative_incidence(
        [1, 2, 5, 9], [2, 3, 2, 1], None, [0, 0, 0, 3], group=list("aabb"), horizon=7, after=3
    )
    assert found.rate.tolist()[0] != found.rate.tolist()[0]
    assert found.rate[1] == pytest.approx(2 / 6)
    assert np.isnan(cumulative_incidence([1, 2], [0, 0], None, [0, 0], horizon=3).rate).all()


def test_a_horizon_before_the_age_reached_is_no_question():
    lives = ([1, 5, 6, 9], [2, 3, 2, 0], [0, 1, 1, 0], [0, 0, 0, 3])
    assert np.isnan(cumulative_incidence(*lives, horizon=[3, 5], after=5).rate).all()
    assert np.isfinite(cumulative_incidence(*lives, horizon=6, after=5).rate).all()


def test_a_curve_that_ended_before_others_came_cannot_be_read():
    # one life from the start ends on day 1; 99 come under watch on day 1 and are there on day 30
    lives = ([1, 30], [1, 0], None, [0, 99])
    assert np.isnan(cumulative_incidence(*lives, n_late=[99, 0], horizon=20).rate).all()
    assert np.isnan(event_quantile(*lives, n_late=[99, 0]).time).all()
    assert cumulative_incidence(*lives, n_late=[99, 0], horizon=20, after=1).rate.item() == 0
    # without the late ones the last of those watched ends it
    alone = cumulative_incidence([1, 20], [0, 1], None, [5, 0], horizon=25)
    assert alone.rate.item() == 1


@pytest.mark.parametrize("after", [np.nan, [1], "x"])
def test_an_age_that_is_no_number_is_refused(after):
    with pytest.raises(InputError, match="after must"):
        cumulative_incidence([1], [1], None, [0], after=after)


def test_who_is_at_risk_at_a_horizon_with_late_comers_by_hand():
    # from the start: ends on days 2 (event), 6 (rival), 9 (open); late after day 3: ends on day 5
    # (event) and on day 9 (open); late after day 7: ends on day 8 (event)
    lives = {
        "time": [2, 3, 5, 6, 7, 8, 9], "n_event": [1, 0, 1, 0, 0, 1, 0],
        "n_rival": [0, 0, 0, 1, 0, 0, 0], "n_open": [0, 0, 0, 0, 0, 0, 2],
        "n_late": [0, 2, 0, 0, 1, 0, 0],
    }  # fmt: skip
    found = cumulative_incidence(**lives, horizon=[2, 3, 5, 6, 7, 8, 9])
    # on day 3 the two still watched; from day 4 on they and the two late ones; day 8: one more
    assert found.n_at_risk[0].tolist() == [3, 2, 4, 3, 2, 3, 2]
    # nobody left before day 9, but lives that were not seen from the start make a horizon at
    # which only few are at risk unsupported
    few = cumulative_incidence(**lives, horizon=[6, 7], min_at_risk=3)
    assert np.isnan(few.rate).all()  # two were at risk on day 3, when others came
    rate = 1 / 3 + 2 / 3 * 1 / 4
    assert found.rate[0, 2] == pytest.approx(rate)
    beyond = cumulative_incidence(**lives, horizon=10)
    assert np.isnan(beyond.rate).all()
    # nobody open and nobody after day 8, but late ones: a horizon beyond is not supported
    ended = {"time": [2, 3, 5, 6], "n_event": [1, 0, 1, 0], "n_rival": [0, 0, 0, 0],
             "n_open": [0, 0, 0, 3], "n_late": [0, 1, 0, 0]}  # fmt: skip
    assert np.isnan(cumulative_incidence(**ended, horizon=7).rate).all()


def test_the_upper_end_of_a_quantile_is_not_told_by_the_last_event_alone():
    # all three have the event; the log-log bound has no width at 1 and bounds nothing there
    found = event_quantile([1, 2, 3], [1, 1, 1], None, [0, 0, 0], probability=0.9)
    assert found.time.item() == 3
    assert np.isnan(found.high.item())


def test_a_quantile_of_few_may_lie_before_the_first_event():
    # of six watched, none by day 4 tells little: up to 39 % may have had it (Wilson, 0 of 6),
    # so the first quarter may lie before; of 60 at most 6 %
    few = event_quantile([5, 6, 7, 8, 9, 10], [1] * 6, None, [0] * 6, probability=0.25)
    assert (few.time.item(), few.low.item()) == (6, 0)
    many = event_quantile([5, 6, 7, 8, 9, 10], [10] * 6, None, [0] * 6, probability=0.25)
    assert many.low.item() >= 5
    later = event_quantile([5, 6, 7, 8, 9], [1] * 5, None, [0] * 5, probability=0.25, after=4)
    assert later.low.item() == 4


@given(LIVES)
def test_the_short_form_gives_the_same_probability(lives):
    time, *ends = counts(lives)
    laid = [np.bincount(time, end, 10).astype(float) for end in ends]
    found = final_incidence(*(np.stack([one, 2 * one]) for one in laid))
    expected = cumulative_incidence(time, *ends).rate.item()
    np.testing.assert_allclose(found, [expected, expected], atol=1e-12)
