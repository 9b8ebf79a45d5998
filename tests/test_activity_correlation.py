"""Correlation of activity and result: against other software, reversed, and simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import salesdiag as sd
from salesdiag.analyses.activity import activity_result_correlation
from salesdiag.analyses.activity.correlate import clustered_correlation, fisher_correlation
from salesdiag.reductions.rep_weeks import rep_weeks
from salesdiag.stats.multiplicity import adjust_p_values
from tests.frames import sample_department

KEYS = ["activity_type", "level", "coefficient"]


def department(done, made, **more):
    """Give a department with these numbers of calls and of new deals by rep and week."""
    tables = []
    for counts in (done, made):
        rep, week = (
            np.repeat(index, counts.ravel()) for index in np.indices(counts.shape).reshape(2, -1)
        )
        tables.append(pd.DataFrame({
            "rep_id": [f"r{one:02}" for one in rep],
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * week, unit="D"),
        }))  # fmt: skip
    calls, deals = tables
    last = pd.Timestamp("2024-01-01") + pd.Timedelta(days=7 * done.shape[1] - 1)
    given = {
        "activities": pd.DataFrame({
            "activity_id": calls.index.astype(str), "activity_type": "call",
            "rep_id": calls["rep_id"], "occurred_at": calls["at"],
        }),
        "deals": pd.DataFrame({
            "deal_id": deals.index.astype(str), "status": "open", "rep_id": deals["rep_id"],
            "created_at": deals["at"], "closed_at": pd.NaT,
        }),
        "reps": pd.DataFrame({
            "rep_id": [f"r{one:02}" for one in range(len(done))],
            "hired_on": pd.Timestamp("2020-01-01"),
        }),
        "as_of": last.date(),
    }  # fmt: skip
    return sd.Department(**(given | more))


def table_of(given, **options):
    last = str(given.as_of)
    asked = {"unit": "week", "result": "new_deals", "end": last} | options
    return activity_result_correlation(given, **asked).set_index(KEYS)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(2)
    skill = rng.normal(0, 0.4, (12, 1))
    done = rng.poisson(8 * np.exp(skill + rng.normal(0, 0.3, (12, 20))))
    done[0, 0] += 1  # so that the first week holds an activity
    return done, rng.poisson(1.5 * np.exp(skill), (12, 20)) + rng.binomial(done, 0.1)


def test_the_levels_are_those_of_other_software(counts):
    done, made = counts
    table = table_of(department(done, made)).loc["call"]
    assert (table["n_reps"] == 12).all()
    assert (table["n_rep_periods"] == 240).all()
    assert (table["n_activities"] == done.sum()).all()
    assert (table["n_results"] == made.sum()).all()
    value = table["correlation"]
    assert value["pooled", "pearson"] == pytest.approx(
        np.corrcoef(done.ravel(), made.ravel())[0, 1]
    )
    assert value["pooled", "spearman"] == pytest.approx(
        stats.spearmanr(done.ravel(), made.ravel())[0]
    )
    between = stats.pearsonr(done.mean(axis=1), made.mean(axis=1))
    assert value["between", "pearson"] == pytest.approx(between[0])
    interval = between.confidence_interval()
    assert table.loc[("between", "pearson"), ["correlation_low", "correlation_high"]].tolist() == (
        pytest.approx([interval.low, interval.high]))  # fmt: skip
    within = [one - one.mean(0) - one.mean(1, keepdims=True) + one.mean() for one in counts]
    assert value["within", "pearson"] == pytest.approx(
        np.corrcoef(within[0].ravel(), within[1].ravel())[0, 1]
    )


def test_the_partial_correlation_is_that_of_what_regression_leaves(counts):
    given = department(*counts)
    frame = rep_weeks(given, end=str(given.as_of))
    columns = frame[["n_call", "n_created"]].to_numpy(float)
    years = (frame["period_start"] - pd.Timestamp("2020-01-01")).dt.days
    design = np.column_stack((np.ones(len(frame)), frame["n_open"], years))
    left = columns - design @ np.linalg.lstsq(design, columns, rcond=None)[0]
    table = table_of(given).loc["call"]
    assert table.loc[("pooled", "partial"), "correlation"] == pytest.approx(
        np.corrcoef(left.T)[0, 1]
    )
    assert table.loc[("pooled", "partial"), "held_constant"] == "open deals and tenure"
    assert table.loc[("pooled", "pearson"), "held_constant"] == ""
    # without the days of hiring of all, tenure cannot be held constant
    unknown = table_of(department(*counts, reps=None)).loc["call"]
    assert unknown.loc[("pooled", "partial"), "held_constant"] == "open deals"


def test_q_values_count_all_rows(counts):
    table = table_of(department(*counts))
    np.testing.assert_allclose(table["q_value"], adjust_p_values(table["p_value"]))


def test_a_reversal_between_and_within_is_named():
    rng = np.random.default_rng(4)
    # busy reps make more deals, yet a rep's busy weeks are those with fewer
    habit, week = np.arange(12)[:, None], rng.normal(0, 1, (12, 24))
    done = np.round(10 + 2 * habit + 4 * week).clip(0).astype(int)
    made = np.round(5 + 1.0 * habit - 2 * week + rng.normal(0, 0.5, (12, 24))).clip(0).astype(int)
    table = table_of(department(done, made)).loc["call"]
    assert table.loc[("between", "pearson"), "correlation"] > 0.9
    assert table.loc[("within", "pearson"), "correlation"] < -0.9
    assert (table.loc[(slice(None), "pearson"), "reading"] == "sign differs").all()
    # a common season cannot make it: what all reps share in a week drops out
    season = np.round(6 * (1 + np.sin(np.arange(24) / 3))).astype(int)
    flat = rng.poisson(6, (12, 24))
    table = table_of(department(flat + season, rng.poisson(3, (12, 24)) + season)).loc["call"]
    assert table.loc[("pooled", "pearson"), "correlation_low"] > 0.3
    low, high = table.loc[("within", "pearson"), ["correlation_low", "correlation_high"]]
    assert low < 0 < high


def test_a_lag_sets_the_result_beside_the_activity_before_it():
    rng = np.random.default_rng(6)
    done = rng.poisson(8, (10, 30))
    made = np.zeros_like(done)
    made[:, 2:] = done[:, :-2]
    given = department(done, made)
    by_lag = {lag: table_of(given, lag=lag).loc[("call", "within", "pearson")] for lag in (0, 2)}
    assert by_lag[2]["correlation"] == pytest.approx(1)
    assert by_lag[2]["n_rep_periods"] == 280
    assert by_lag[2]["n_left_out"] == done[:, -2:].sum()
    assert abs(by_lag[0]["correlation"]) < 0.2


def test_both_sides_are_taken_per_selling_day():
    # half of the reps are there for two days of each of the weeks they have; rates are the same
    done = np.full((6, 8), 10)
    made = np.full((6, 8), 5)
    done[3:, 0], made[3:, 0] = 4, 2
    hired = pd.to_datetime(["2020-01-01"] * 3 + ["2024-01-04"] * 3)
    reps = pd.DataFrame({"rep_id": [f"r{one:02}" for one in range(6)], "hired_on": hired})
    table = table_of(department(done, made, reps=reps)).loc["call"]
    assert table["correlation"].isna().all()  # nothing varies: counts alone would correlate at 1


@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_the_bootstrap_over_reps_covers(truth):
    rng = np.random.default_rng(8)
    covered = []
    for _draw in range(60):
        # rows of a cluster move together, so that 20 x 15 rows tell much less than 300
        x = np.repeat(rng.normal(size=20), 15) + rng.normal(0, 0.5, 300)
        own = np.repeat(rng.normal(size=20), 15) + rng.normal(0, 0.5, 300)
        y = truth * x + np.sqrt(1 - truth**2) * own
        one = clustered_correlation(np.column_stack((x, y)), np.repeat(np.arange(20), 15),
                                    confidence=0.9, n_draws=299, seed=1)  # fmt: skip
        covered.append(one.low <= truth <= one.high)
        assert one.low <= one.value <= one.high
    assert sum(covered) >= 47  # 54 of 60 expected, binomial spread 2.3


def test_rank_correlations_have_the_wider_interval_of_fieller():
    rows = np.random.default_rng(1).normal(size=(30, 2))
    plain, ranked = (fisher_correlation(rows, ranked=one, confidence=0.95) for one in (False, True))
    ratio = (np.arctanh(ranked.high) - np.arctanh(ranked.low)) / (
        np.arctanh(plain.high) - np.arctanh(plain.low)
    )
    assert ratio == pytest.approx(np.sqrt(1.06))


def test_what_names_no_rep_is_left_out_and_counted(counts):
    done, made = counts
    given = department(done, made)
    calls = given.activities.to_pandas()
    calls.loc[:9, "rep_id"] = None
    table = table_of(department(done, made, activities=calls))
    assert (table["n_left_out"] == 10).all()
    assert (table["n_activities"] == done.sum() - 10).all()


def test_too_few_say_so(counts):
    done, made = counts
    table = table_of(department(done[:4], made[:4]))
    assert table[["correlation", "correlation_low", "p_value", "q_value"]].isna().all(axis=None)
    assert (table["reading"] == "too few").all()
    assert (table["n_reps"] == 4).all()


def test_in_the_sample_department_load_is_behind_the_correlation():
    table = activity_result_correlation(sample_department()).set_index(KEYS).loc["all"]
    assert (table.loc[(slice(None), "pearson"), "correlation_low"] > 0).all()
    partial = table.loc[(slice(None), "partial"), :]
    assert (partial["correlation_low"] < 0).all()
    assert (partial["reading"] == "neither").all()


def test_bad_input_is_named(counts):
    given = sample_department()
    for options, message in [
        ({"result": "joy"}, "result must be one of deals_won, revenue, new_deals"),
        ({"lag": -1}, "lag must be a whole number from 0"),
        ({"n_draws": 10}, "n_draws must be a whole number from 99"),
        ({"by": "source"}, "'source' says nothing of reps"),
    ]:
        with pytest.raises(sd.InputError, match=message):
            activity_result_correlation(given, **options)
    deals = given.deals.drop("amount").to_pandas()
    without = sd.Department(deals=deals, activities=given.activities.to_pandas(), as_of=given.as_of)
    with pytest.raises(sd.MissingDataError, match=r"deals\.amount"):
        activity_result_correlation(without, result="revenue")
