"""Diminishing returns of activity per deal: planted, and refused where there is too little."""

from __future__ import annotations

import numpy as np
import pytest

import salesdiag as sd
from salesdiag.analyses.activity import activity_dose
from salesdiag.analyses.activity.dose_fit import dose_rows, fit_doses, learnt_edges
from tests.frames import sample_department
from tests.test_activity_effect import department, panel, simulate

WINDOW = {"end": "2025-02-23", "n_lags": 0, "max_age_days": 1000}


def steps(dose):
    """Double the chance from 0.6 activities a deal on, and add nothing beyond."""
    return np.log(2) * (dose >= 0.6)


@pytest.fixture(scope="module")
def saturating():
    return department(*simulate(11, response=steps)[:2])


def test_a_planted_ceiling_is_found(saturating):
    table = activity_dose(saturating, edges=[0.6, 1.4], **WINDOW)
    assert table["dose_from"].tolist() == [0, 0.6, 1.4]
    assert table["dose_to"].tolist() == [0.6, 1.4, np.inf]
    low, middle, top = table.itertuples()
    assert (low.result_ratio, low.result_ratio_low, low.result_ratio_high) == (1, 1, 1)
    assert np.isnan([low.step_ratio, low.gain_per_hundred]).all()
    assert 1.3 < middle.result_ratio < 2.4
    assert middle.step_ratio == pytest.approx(middle.result_ratio)
    assert top.step_ratio_low < 1 < top.step_ratio_high
    assert table["reading"].tolist() == ["lowest", "more than below", "no more than below"]
    assert middle.gain_per_hundred_low > 0 > top.gain_per_hundred_low


def test_ranges_hold_all_rep_periods_with_deals_at_hand(saturating):
    table = activity_dose(saturating, edges=[0.6, 1.4], **WINDOW)
    weeks = panel(simulate(11, response=steps)[2])
    assert table["n_rep_periods"].sum() == (weeks["n_open"] > 0).sum()
    assert table["n_activities"].sum() == weeks["n_activities"].sum()
    assert table["n_results"].sum() == weeks["n_won"].sum()
    dose = 5 * weeks["n_activities"] / weeks["n_deal_days"]
    assert table.loc[2, "n_rep_periods"] == (dose >= 1.4).sum()
    assert table.loc[2, "mean_dose"] == pytest.approx(dose[dose >= 1.4].mean())


def test_the_gain_is_what_the_step_brought_by_the_activities_it_took(saturating):
    table = activity_dose(saturating, edges=[0.6, 1.4], **WINDOW)
    weeks = panel(simulate(11, response=steps)[2])
    dose = 5 * weeks["n_activities"] / weeks["n_deal_days"]
    inside = weeks[(dose >= 0.6) & (dose < 1.4)]
    row, below = table.loc[1], table.loc[0]
    extra = inside["n_deal_days"].sum() / 5 * (row["mean_dose"] - below["mean_dose"])
    brought = inside["n_won"].sum() * (1 - 1 / row["step_ratio"])
    assert row["gain_per_hundred"] == pytest.approx(100 * brought / extra)


def test_ratios_cover_the_planted_one():
    covered = []
    for seed in range(30):
        rows = dose_rows(panel(simulate(seed, response=steps, n_reps=40, n_weeks=30)[2]), "all",
                         n_lags=0, days_a_week=5)  # fmt: skip
        against, _steps = fit_doses(rows, np.digitize(rows.dose, [0.6]), 2, confidence=0.9)
        covered.append(against[1].low <= 2 * 0.93 <= against[1].high)
    # a week counted as below 0.6 because a deal was closed before its turn blurs the border
    assert sum(covered) >= 23  # 27 of 30 expected, binomial spread 1.6


def test_load_driven_activity_shows_no_step():
    found = []
    for seed in range(12):
        rows = dose_rows(panel(simulate(seed, n_reps=40, n_weeks=30, level=3)[2]), "all",
                         n_lags=0, days_a_week=5)  # fmt: skip
        against, _steps = fit_doses(rows, np.digitize(rows.dose, [3.0]), 2, confidence=0.95)
        found.append(np.log(against[1].value))
    assert abs(np.mean(found)) < 0.05


def test_ranges_are_learnt_with_like_many_rep_periods(saturating):
    table = activity_dose(saturating, n_bins=5, **WINDOW)
    assert table["dose_bin"].tolist() == [1, 2, 3, 4, 5]
    shares = table["n_rep_periods"] / table["n_rep_periods"].sum()
    assert shares.between(0.15, 0.25).all()
    assert learnt_edges(np.zeros(4), 4).tolist() == []


def test_all_groups_have_the_same_ranges(saturating):
    table = activity_dose(saturating, by="team", **WINDOW)
    assert table.groupby("team")["dose_to"].apply(list).map(tuple).nunique() == 1
    nobody = table[table["team"] == "unassigned"]
    assert (nobody["reading"] == "empty").all()
    assert (nobody["n_rep_periods"] == 0).all()


def test_too_little_gives_counts_and_no_ratio(saturating):
    table = activity_dose(saturating, by="rep_id", **WINDOW)
    assert table["result_ratio"].isna().all()
    assert set(table["reading"]) == {"too few", "empty"}
    assert table["n_rep_periods"].sum() > 0


def test_bad_input_is_named():
    with pytest.raises(sd.InputError, match="edges must ascend and lie above 0; got 2, 1"):
        activity_dose(sample_department(), edges=[2, 1])
    with pytest.raises(sd.InputError, match="edges must ascend and lie above 0; got 0, 1"):
        activity_dose(sample_department(), edges=[0, 1])
    with pytest.raises(sd.InputError, match="n_bins must be a whole number from 2"):
        activity_dose(sample_department(), n_bins=1)
    with pytest.raises(sd.InputError, match="result must be deals_won or revenue"):
        activity_dose(sample_department(), result="new_deals")
