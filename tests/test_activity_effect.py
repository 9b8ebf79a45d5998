"""The effect of activity on results: planted, decoyed, and refused where there is too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.activity import activity_effect, activity_result_correlation
from salesdiag.analyses.activity.effect_fit import fit_effects, lagged_rows
from tests.frames import sample_department
from tests.real_data import data_set, needs

MONDAY = pd.Timestamp("2024-01-01")


def simulate(seed, *, n_reps=24, n_weeks=60, effect=0.0, lagged=0.0, logs_after=0.0, load=1.0,
             level=1.0, response=None):  # fmt: skip
    """Simulate reps week by week: deals at hand, activities on them, wins and losses.

    Activity goes with the deals at hand (to the power ``load``) and varies from week to week by
    chance; each activity is on one of the deals on one of the working days, and those on a deal
    that is closed by then do not happen. A deal at hand is won with a chance that grows with
    log(1 + activities) of its rep in this week (``effect``) and the week before (``lagged``).
    ``logs_after`` more activities are written down in the week after each win. ``response``
    gives what activities per deal at hand add to the logarithm of the chance.
    """
    rng = np.random.default_rng(seed)
    skill, habit = rng.normal(0, 0.3, n_reps), rng.normal(0, 0.3, n_reps)
    flow = rng.gamma(4, 0.5, n_reps)
    at_hand = [[] for _rep in range(n_reps)]
    before, won_before = np.full(n_reps, np.log(10)), np.zeros(n_reps)
    deals, activities, weeks = [], [], []
    for week in range(n_weeks):
        season = 0.2 * np.sin(week / 8)
        for rep in range(n_reps):
            new = rng.poisson(flow[rep] * np.exp(season))
            for _deal in range(new):
                deals.append([rep, week, -1, 0, ""])
                at_hand[rep].append(len(deals) - 1)
            held = at_hand[rep]
            usual = level * np.exp(habit[rep] + rng.normal(0, 0.6)) * len(held) ** load
            n_meant = rng.poisson(usual) + rng.poisson(logs_after * won_before[rep])
            n_meant = n_meant if held else 0
            now = np.log1p(n_meant)
            push = effect * (now - np.log(10)) + lagged * (before[rep] - np.log(10))
            push += response(n_meant / max(len(held), 1)) if response else 0.0
            chance = np.minimum(0.06 * np.exp(skill[rep] + season + push), 0.8)
            luck, day = rng.random(len(held)), rng.integers(0, 5, len(held))
            is_closed = luck < chance + 0.08
            last_day = np.where(is_closed, day, 4)
            on, at = rng.integers(0, max(len(held), 1), n_meant), rng.integers(0, 5, n_meant)
            done = at <= last_day[on] if n_meant else np.zeros(0, dtype=bool)
            activities += [(rep, held[deal], 7 * week + when)
                           for deal, when in zip(on[done], at[done], strict=True)]  # fmt: skip
            for place in np.flatnonzero(is_closed):
                status = "won" if luck[place] < chance else "lost"
                deals[held[place]][2:] = [week, day[place], status]
            n_won = int((luck < chance).sum())
            n_days = int(np.where(is_closed, day + 1, 5).sum())
            weeks.append((f"r{rep}", week, int(done.sum()), len(held), n_won, new, n_days))
            at_hand[rep] = [deal for deal, gone in zip(held, is_closed, strict=True) if not gone]
            before[rep], won_before[rep] = now, n_won
    return deals, activities, weeks


def panel(weeks):
    """Give what `rep_weeks` would, straight from the simulation."""
    columns = ["rep_id", "period", "n_activities", "n_open", "n_won", "n_created", "n_deal_days"]
    frame = pd.DataFrame(weeks, columns=columns).assign(n_selling_days=5)
    return frame.assign(result=frame["n_won"].astype(float), n_results=frame["n_won"])


def department(deals, activities):
    """Give the tables: deals come on Mondays and are closed on a working day."""
    frame = pd.DataFrame(deals, columns=["rep", "week", "closed", "day", "status"])
    closed = MONDAY + pd.to_timedelta(7 * frame["closed"] + frame["day"], unit="D")
    done = pd.DataFrame(activities, columns=["rep", "deal", "day"])
    return sd.Department(
        deals=pd.DataFrame({
            "deal_id": frame.index.astype(str), "rep_id": "r" + frame["rep"].astype(str),
            "status": frame["status"].replace({"": "open"}),
            "created_at": MONDAY + pd.to_timedelta(7 * frame["week"], unit="D"),
            "closed_at": closed.where(frame["closed"] >= 0),
        }),
        activities=pd.DataFrame({
            "activity_id": done.index.astype(str), "activity_type": "call",
            "rep_id": "r" + done["rep"].astype(str), "deal_id": done["deal"].astype(str),
            "occurred_at": MONDAY + pd.to_timedelta(done["day"], unit="D"),
        }),
        reps=pd.DataFrame({"rep_id": [f"r{n}" for n in range(24)], "team": ["A", "B"] * 12,
                           "hired_on": pd.Timestamp("2020-01-01")}),
        as_of=(MONDAY + pd.Timedelta(days=7 * 60 - 1)).date(),
    )  # fmt: skip


def fit(weeks, *, n_lags=0, n_leads=1, confidence=0.9, n_draws=99):
    rows = lagged_rows(panel(weeks), "all", result="deals_won", scale="log", n_lags=n_lags,
                       n_leads=n_leads)  # fmt: skip
    return fit_effects(rows, confidence=confidence, n_draws=n_draws, seed=0)


@pytest.fixture(scope="module")
def planted():
    return simulate(1, effect=0.4)


@pytest.fixture(scope="module")
def decoy():
    return simulate(2)


def test_the_panel_of_the_simulation_is_that_of_the_tables(planted):
    from salesdiag.reductions.rep_weeks import rep_weeks

    found = rep_weeks(department(*planted[:2]), end="2025-02-23")
    expected = panel(planted[2])
    columns = ["n_activities", "n_open", "n_won", "n_created", "n_deal_days"]
    merged = expected.merge(found, on=["rep_id", "period"], how="left", suffixes=("", "_found"))
    for name in columns:
        np.testing.assert_array_equal(merged[f"{name}_found"].fillna(0), merged[name])


def test_a_planted_effect_is_found_and_graded(planted):
    given = department(*planted[:2])
    row = activity_effect(given, n_lags=0, end="2025-02-23").iloc[0]
    assert row.effect_low < 0.4 < row.effect_high
    assert row.effect_low > 0.2
    assert (row.grade, row.reading) == ("B", "more with more")
    assert row.is_placebo_silent
    assert row.is_stable
    assert (row.n_reps, row.lags, row.leads) == (24, 0, 2)
    assert row.n_rep_periods + row.n_set_aside == 24 * 60
    # 100 x 0.4 x wins / (activities + rep-weeks)
    wins, done = row.n_results, row.n_activities
    assert row.gain_per_hundred == pytest.approx(
        100 * row.effect * wins / (done + 24 * 58), rel=0.01
    )


def test_activity_driven_by_load_shows_no_effect_though_the_correlation_is_high(decoy):
    given = department(*decoy[:2])
    correlated = activity_result_correlation(given, unit="week", end="2025-02-23")
    cell = correlated.set_index(["activity_type", "level", "coefficient"]).loc["all"]
    assert cell.loc[("pooled", "pearson"), "correlation_low"] > 0.15
    assert cell.loc[("between", "pearson"), "correlation_low"] > 0.15
    assert cell.loc[("within", "pearson"), "correlation_low"] > 0
    held = cell.loc[("within", "partial")]
    assert held["correlation_low"] < 0 < held["correlation_high"]
    row = activity_effect(given, n_lags=0, end="2025-02-23").iloc[0]
    assert row.raw_effect_low > 0.2
    assert row.effect_low < 0 < row.effect_high
    assert abs(row.effect) < 0.15
    assert row.reading == "no effect seen"


def test_a_placebo_speaks_where_winners_write_down_more_afterwards():
    effects = fit(simulate(3, logs_after=8.0)[2], n_draws=199)
    assert effects.placebo.low > 0
    assert effects.placebo.p_value < 0.05
    row = activity_effect(department(*simulate(3, logs_after=8.0)[:2]), n_lags=0,
                          end="2025-02-23").iloc[0]  # fmt: skip
    assert row.reading == "placebo speaks"
    assert not row.is_placebo_silent
    assert row.grade in ("C", "D")


def test_the_whole_effect_is_the_sum_over_the_lags():
    weeks = simulate(4, effect=0.3, lagged=0.3, n_reps=45)[2]
    alone, whole = fit(weeks).whole, fit(weeks, n_lags=1).whole
    assert whole.low < 0.6 < whole.high
    assert alone.value < 0.45


@pytest.mark.parametrize("effect", [0.0, 0.35])
def test_intervals_cover_a_planted_effect_about_as_often_as_they_say(effect):
    # 45 reps: Student's interval
    found = [fit(simulate(seed, effect=effect, n_reps=45, n_weeks=30)[2]) for seed in range(50)]
    covered = [one.whole.low <= effect <= one.whole.high for one in found]
    assert sum(covered) >= 39  # 45 of 50 expected at 90 %, binomial spread 2.1
    values = np.array([one.whole.value for one in found])
    assert abs(values.mean() - effect) < 3 * values.std() / np.sqrt(50)
    # the placebo is 0 by construction
    silent = [one.placebo.low <= 0 <= one.placebo.high for one in found]
    assert sum(silent) >= 39


def test_the_wild_bootstrap_covers_with_few_reps():
    found = [fit(simulate(seed, effect=0.35, n_reps=10, n_weeks=40)[2]) for seed in range(20)]
    covered = [one.whole.low <= 0.35 <= one.whole.high for one in found]
    assert sum(covered) >= 14  # 18 of 20 expected at 90 %, binomial spread 1.3


def test_without_names_of_deals_no_grade_is_better_than_c(planted):
    tables = department(*planted[:2])
    activities = tables.activities.drop("deal_id").to_pandas()
    given = sd.Department(deals=tables.deals.to_pandas(), activities=activities,
                          reps=tables.reps.to_pandas(), as_of=tables.as_of)  # fmt: skip
    row = activity_effect(given, n_lags=0, end="2025-02-23").iloc[0]
    assert (row.grade, row.reading) == ("C", "more with more")


def test_too_little_gives_nothing_but_a_reason(planted):
    given = department(*planted[:2])
    few = activity_effect(given, n_lags=0, end="2024-03-03")  # nine weeks, two of them leads
    assert few[["effect", "effect_low", "placebo_effect"]].isna().all(axis=None)
    assert few[["reading", "grade"]].iloc[0].tolist() == ["too few", "D"]  # the raw figure only
    by_rep = activity_effect(given, n_lags=0, by="rep_id", end="2025-02-23")
    assert by_rep["effect"].isna().all()  # one rep is no panel
    assert (by_rep["reading"] == "too few").all()


def test_activity_that_never_varies_gives_nothing():
    weeks = [(rep, week, 5, *rest) for rep, week, _n, *rest in simulate(5)[2]]
    effects = fit(weeks)
    assert np.isnan(effects.whole.value)


def test_teams_are_fitted_by_themselves(planted):
    given = department(*planted[:2])
    table = activity_effect(given, by="team", n_lags=0, end="2025-02-23", n_draws=99)
    table = table.set_index("team")
    assert table["n_reps"].to_dict() == {"A": 12, "B": 12, "unassigned": 0}
    assert (table.loc[["A", "B"], "effect_low"] < 0.4).all()
    assert (table.loc[["A", "B"], "effect_high"] > 0.4).all()


def test_the_sample_department_whose_activity_follows_its_deals_shows_no_effect():
    # its activities are drawn for the days on which deals are open, whatever becomes of them
    row = activity_effect(sample_department(), n_draws=199).iloc[0]
    assert row.raw_effect_low > 1
    assert row.effect_low < 0 < row.effect_high
    assert row.placebo_effect_low < 0 < row.placebo_effect_high
    assert row.lags == 8


@needs("itschool_crm")
def test_the_calls_of_a_real_school_are_graded_with_caution():
    folder, mapping = data_set("itschool_crm")
    row = activity_effect(sd.load(folder, mapping=mapping, as_of="2023-12-31")).iloc[0]
    # calls name contacts, so calls after a win cannot be told from those before it
    assert row.grade in ("C", "D")
    assert row.effect_low <= row.effect <= row.effect_high
    assert 10 <= row.n_reps <= 22


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"result": "happiness"}, "result must be one of deals_won, revenue, new_deals"),
        ({"unit": "day"}, "unit must be one of week, month, quarter"),
        ({"activity_type": "fax"}, "activity_type must be 'all' or one of call, email"),
        ({"n_lags": -1}, "n_lags must be a whole number from 0"),
        ({"n_leads": 1.5}, "n_leads must be a whole number from 0"),
        ({"scale": "root"}, "scale must be one of"),
        ({"n_draws": 5}, "n_draws must be a whole number from 99"),
        ({"max_age_days": 0}, "max_age_days must be a whole number from 1"),
        ({"by": "source"}, "'source' says nothing of reps; split by one of hired_on"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        activity_effect(sample_department(), **options)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["all at once", "rep by rep"])
def test_a_late_start_of_logging_is_no_effect_of_activity(one_by_one):
    # half of the weeks, or from another week on for each rep, nobody wrote anything down
    deals, activities, _weeks = simulate(7)
    begin = {rep: 10 + (rep if one_by_one else 12) for rep in range(24)}
    logged = [one for one in activities if one[2] >= 7 * begin[one[0]]]
    row = activity_effect(department(deals, logged), n_draws=99, confidence=0.95).iloc[0]
    assert row.effect_low < 0 < row.effect_high
    # no week before anybody logged is asked about
    assert row.n_rep_periods <= 24 * (60 - min(begin.values()))
