"""What becomes of deals: counted by hand, on published data, and where it misleads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.funnel import cohort_conversion, outcome_incidence, win_rate
from tests.frames import AS_OF, day, deals_of, moves_of, sample_department
from tests.real_data import data_set, needs

COLUMNS = ["deal_id", "status", "closed_at", "created_at"]
# day 59 is the last: E is watched for 29 days, F for 4; G has no day of creation and H, lost,
# none of closing
LIVES = [
    ("A", "won", 10, 0), ("B", "won", 20, 10), ("C", "lost", 15, 0), ("D", "lost", 50, 0),
    ("E", "open", None, 30), ("F", "open", None, 55),
    ("G", "open", None, None), ("H", "lost", None, 0),
]  # fmt: skip


def at(table, age, outcome):
    rows = table[(table["age_days"] == age) & (table["outcome"] == outcome) & ~table["is_longest"]]
    return rows.iloc[0]


def test_eight_deals_counted_by_hand():
    table = outcome_incidence(deals_of(LIVES, COLUMNS), ages=[10, 15, 60])
    won = at(table, 10, "won")
    assert (won.n_deals, won.n_undated, won.n_ended) == (6, 2, 2)  # A and B, both on their day 10
    # F left after 4 days: at day 10 five were at risk (A, B, C, D, E)
    assert won.n_at_risk == 5
    assert won.incidence_rate == pytest.approx(2 / 5)
    # day 15: C is lost, of three
    assert at(table, 15, "lost").incidence_rate == pytest.approx(3 / 5 * 1 / 3)
    assert at(table, 15, "open").incidence_rate == pytest.approx(2 / 5)
    assert at(table, 15, "open").n_ended == 2  # D and E were still open on day 16
    # D, lost on day 50, was the last under watch: nothing more can come
    assert at(table, 60, "won").incidence_rate == pytest.approx(2 / 5)
    # with D open since day 0 nobody has been watched for 60 days
    lives = [(*life[:1], "open", None, 0) if life[0] == "D" else life for life in LIVES]
    unknown = outcome_incidence(deals_of(lives, COLUMNS), ages=[60], no_decision_after=np.inf)
    assert np.isnan(at(unknown, 60, "won").incidence_rate)


def test_the_four_outcomes_add_up_whatever_the_group():
    table = outcome_incidence(sample_department(), by="team")
    for name in ("incidence_rate", "incidence_if_sooner", "incidence_if_never"):
        sums = table.groupby(["team", "age_days", "is_longest"])[name].sum(min_count=4).dropna()
        assert len(sums) > 8
        np.testing.assert_allclose(sums, 1, atol=1e-9)


def test_a_deal_without_a_touch_ends_without_a_decision():
    # won deals take 10 days; 3 times that without a touch ends a deal. Z was last touched on
    # day 5, so it ends on day 35 of its life; Y had a call on day 40 and is still open
    department = deals_of(
        [("A", "won", 10, 0), ("B", "won", 10, 0), ("Z", "open", None, 0), ("Y", "open", None, 0)],
        COLUMNS,
        activities=pd.DataFrame({
            "activity_id": ["1", "2"], "activity_type": ["call", "call"],
            "occurred_at": [day(5), day(40)], "deal_id": ["Z", "Y"],
        }),
    )  # fmt: skip
    table = outcome_incidence(department, ages=[34, 35, 55])
    assert table["no_decision_days"].unique() == [30]
    assert at(table, 34, "no decision").incidence_rate == 0
    assert at(table, 35, "no decision").incidence_rate == pytest.approx(1 / 4)
    row = at(table, 55, "no decision")
    assert (row.incidence_rate, row.n_ended) == (pytest.approx(1 / 4), 1)
    # given up after 15 days both are; after 60 none; nor without a rule
    assert row.incidence_if_sooner == pytest.approx(1 / 2)
    assert (row.incidence_if_later, row.incidence_if_never) == (0, 0)


def test_a_stage_change_is_a_touch_too():
    department = deals_of(
        [("A", "won", 10, 0), ("Z", "open", None, 0)], COLUMNS,
        stage_changes=moves_of([("Z", "offer", 50)]),
    )  # fmt: skip
    table = outcome_incidence(department, ages=[58])
    assert at(table, 58, "no decision").incidence_rate == 0
    quiet = outcome_incidence(deals_of([("A", "won", 10, 0), ("Z", "open", None, 0)], COLUMNS),
                              ages=[58])  # fmt: skip
    assert at(quiet, 58, "no decision").incidence_rate == pytest.approx(1 / 2)


def test_deals_that_were_kept_because_they_lived_long_count_from_then_on():
    # The export holds what was open on day 20 or created later. Of ten deals created on day 0,
    # eight were lost by then and are not in it; the two left are won on day 40. Two created on
    # day 20 are lost on day 30 (age 10).
    kept = [("A", "won", 40, 0), ("B", "won", 40, 0), ("C", "lost", 30, 20), ("D", "lost", 30, 20)]
    department = deals_of(kept, COLUMNS)
    naive = outcome_incidence(department, ages=[40])
    assert at(naive, 40, "won").incidence_rate == pytest.approx(1 / 2)
    # at age 10 only C and D were watched, and both were lost; A and B come later: no telling
    watched = outcome_incidence(department, ages=[10], watched_since=day(20).date())
    assert np.isnan(at(watched, 10, "won").incidence_rate)
    # with E, open since day 20, one of three is left at age 10; A and B join it and are won
    department = deals_of([*kept, ("E", "open", None, 20)], COLUMNS)
    watched = outcome_incidence(department, ages=[10, 40], watched_since=day(20).date())
    assert at(watched, 10, "lost").incidence_rate == pytest.approx(2 / 3)
    assert at(watched, 10, "lost").n_at_risk == 3
    assert at(watched, 40, "won").incidence_rate == pytest.approx(1 / 3)
    assert at(watched, 40, "won").n_at_risk == 2


def test_recent_cohorts_look_worse_only_where_young_deals_count_as_failures():
    # every deal wins with one half, a month after creation; the last quarter is still young
    rng = np.random.default_rng(5)
    created = np.sort(rng.integers(-300, 55, 900))
    wins = rng.random(900) < 0.5
    closed = created + rng.integers(20, 41, 900)
    status = np.where(closed > 59, "open", np.where(wins, "won", "lost"))
    rows = [(str(i), s, None if s == "open" else int(c), int(a))
            for i, (s, c, a) in enumerate(zip(status, closed, created, strict=True))]  # fmt: skip
    table = cohort_conversion(deals_of(rows, COLUMNS), grain="quarter", horizon_days=38)
    last = table.iloc[-1]
    assert not last.is_mature
    truth = 0.5 * 19 / 21  # of the waits of 20 to 40 days, those up to 38
    assert last.won_so_far_share < 0.4
    assert last.conversion_rate_low < truth < last.conversion_rate_high
    assert table["is_mature"].iloc[:-1].all()
    inside = (table["conversion_rate_low"] <= truth) & (table["conversion_rate_high"] >= truth)
    assert inside.mean() >= 0.75


def test_cohorts_follow_the_fiscal_year_and_count_every_deal():
    department = deals_of(LIVES, COLUMNS, calendar=sd.Calendar(fiscal_year_start=2))
    table = cohort_conversion(department, horizon_days=20)
    assert table["cohort_start"].tolist() == [
        pd.Timestamp("2024-11-01"),
        pd.Timestamp("2025-02-01"),
    ]
    assert table["cohort_end"].tolist() == [pd.Timestamp("2025-01-31"), pd.Timestamp("2025-04-30")]
    first = table.iloc[0]
    counts = (first.n_deals, first.n_won, first.n_lost, first.n_open, first.n_undated)
    assert counts == (6, 2, 3, 1, 1)
    assert table["n_deals"].sum() == 7  # G belongs to no cohort


def test_the_default_horizon_is_when_nine_in_ten_wins_have_come():
    rows = [(str(i), "won", 1 + i, 0) for i in range(10)]
    assert cohort_conversion(deals_of(rows, COLUMNS))["horizon_days"].tolist() == [9]
    none = cohort_conversion(deals_of([("A", "lost", 3, 0)], COLUMNS)).iloc[0]
    assert np.isnan([none.horizon_days, none.conversion_rate]).all()
    assert not none.is_mature


@needs("maven_crm")
def test_maven_by_age_as_published():
    # data/README.md: won by day 30 / 60 / 90 / 120 / 138, lost by day 138, still open
    folder, mapping = data_set("maven_crm")
    department = sd.load(folder, mapping=mapping)
    table = outcome_incidence(department, ages=[30, 60, 90, 120, 138])
    won = [at(table, age, "won").incidence_rate for age in (30, 60, 90, 120, 138)]
    np.testing.assert_allclose(won, [0.2190, 0.2647, 0.3970, 0.5000, 0.5194], atol=5e-5)
    assert at(table, 138, "lost").incidence_rate == pytest.approx(0.3017, abs=5e-5)
    assert at(table, 138, "open").incidence_rate == pytest.approx(0.1788, abs=5e-5)
    row = at(table, 138, "won")
    assert (row.n_deals, row.n_undated) == (8300, 500)
    # the naive reading, beside it
    assert win_rate(department)["win_rate"].item() == pytest.approx(0.6315, abs=5e-5)


@pytest.mark.parametrize(
    ("analysis", "options", "message"),
    [
        (outcome_incidence, {"ages": []}, "ages must be whole days"),
        (outcome_incidence, {"ages": [30.5]}, "ages must be whole days"),
        (outcome_incidence, {"ages": [-1]}, "ages must be whole days"),
        (outcome_incidence, {"no_decision_after": 0}, "no_decision_after must be a number above 0"),
        (outcome_incidence, {"watched_since": "May"}, "watched_since must be a day"),
        (cohort_conversion, {"grain": "week"}, "grain must be 'month', 'quarter' or 'year'"),
        (cohort_conversion, {"horizon_days": 0}, "horizon_days must be"),
    ],
)
def test_options_that_mean_nothing_are_refused(analysis, options, message):
    with pytest.raises(sd.InputError, match=message):
        analysis(sample_department(), **options)


def test_without_days_of_creation_what_to_ask_for_is_said():
    department = sd.Department(
        deals=pd.DataFrame({"deal_id": ["A"], "status": ["won"]}), as_of=AS_OF
    )
    for analysis in (outcome_incidence, cohort_conversion):
        with pytest.raises(sd.MissingDataError, match=r"deals\.created_at, deals\.closed_at"):
            analysis(department)


def test_a_day_of_silence_is_no_end_where_deals_are_won_on_the_day():
    rows = [(f"W{n}", "won", 0, 0) for n in range(3)] + [
        (f"O{n}", "open", None, 57) for n in range(5)
    ]
    table = outcome_incidence(deals_of(rows, COLUMNS), ages=[1])
    assert table["no_decision_days"].unique() == [30]
    assert at(table, 1, "no decision").incidence_rate == 0


def test_deals_given_up_before_anybody_watched_are_no_cases():
    rows = [(f"W{n}", "won", 20, 0) for n in range(8)] + [
        (f"L{n}", "lost", 20, 0) for n in range(12)
    ]
    rows += [(f"Z{n}", "open", None, -1400) for n in range(8)]  # zombies of years ago
    table = outcome_incidence(deals_of(rows, COLUMNS), ages=[30], watched_since="2024-12-01")
    assert at(table, 30, "won").incidence_rate == pytest.approx(8 / 20)
    assert at(table, 30, "no decision").n_deals == 20


def test_a_planned_day_of_closing_does_not_close_an_open_deal():
    # some systems keep the day on which a deal is meant to close where others keep the last one
    table = outcome_incidence(
        deals_of([("A", "won", 10, 0), ("B", "open", 5, 0)], COLUMNS), ages=[20]
    )
    assert at(table, 20, "open").n_ended == 1
