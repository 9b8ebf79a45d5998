"""Activities per selling day: counted by hand, simulated, and on real calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import salesdiag as sd
from salesdiag.analyses.activity import activity_rates
from tests.frames import sample_department
from tests.real_data import data_set, needs

COLUMNS = ["activity_type", "occurred_at", "rep_id", "outcome", "logged_at"]
ROWS = [
    # the week of Monday 6 January: two calls and a meeting of r1, two e-mails of r2
    ("call", "2025-01-06", "r1", "connected", "2025-01-06"),
    ("call", "2025-01-07", "r1", "no_answer", "2025-01-09"),  # two days late
    ("meeting", "2025-01-08", "r1", "held", "2025-01-09"),  # one day is not late
    ("email", "2025-01-09", "r2", None, None),
    ("email", "2025-01-10", "r2", None, "2025-02-10"),
    ("email", "2025-01-10", None, None, None),
]
REPS = pd.DataFrame({
    "rep_id": ["r1", "r2", "r3"], "team": ["A", "B", "B"],
    "hired_on": pd.to_datetime(["2020-01-01", "2025-01-09", "2020-01-01"]),
})  # fmt: skip


def activities_of(rows, columns=COLUMNS):
    frame = pd.DataFrame(rows, columns=columns)
    for name in frame.columns[frame.columns.str.endswith("_at")]:
        frame[name] = pd.to_datetime(frame[name])
    return frame.assign(activity_id=[str(number) for number in range(len(frame))])


def department(rows=ROWS, columns=COLUMNS, **more):
    deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"], "rep_id": ["r1"]})
    given = {"deals": deals, "activities": activities_of(rows, columns), "reps": REPS}
    return sd.Department(**(given | {"as_of": "2025-01-31"} | more))


def test_a_week_counted_by_hand():
    table = activity_rates(department()).set_index("activity_type")
    assert table.index.tolist() == ["all", "call", "email", "meeting"]
    # 6 to 10 January: r1 and r3 five days each, r2 (hired on the 9th) two
    assert table["n_reps"].tolist() == [3, 3, 3, 3]
    assert table["n_selling_days"].tolist() == [12, 12, 12, 12]
    assert table["n_activities"].tolist() == [6, 2, 3, 1]
    assert table["n_without_rep"].tolist() == [1, 0, 1, 0]
    assert table["per_day"].tolist() == pytest.approx([5 / 12, 2 / 12, 2 / 12, 1 / 12])
    assert table[["n_with_outcome", "n_reached"]].to_numpy().tolist() == [
        [3, 2], [2, 1], [0, 0], [1, 1],
    ]  # fmt: skip
    assert table[["n_with_log_time", "n_late"]].to_numpy().tolist() == [
        [4, 2], [2, 1], [1, 1], [1, 0],
    ]  # fmt: skip
    assert table.loc["call", "reached_rate"] == 1 / 2
    assert np.isnan(table.loc["email", "reached_rate"])


def test_groups_have_their_own_days_and_nobody_is_lost():
    table = activity_rates(department(), by="team").set_index(["team", "activity_type"])
    every = table.xs("all", level="activity_type")
    assert every.index.tolist() == ["A", "B", "unassigned"]
    assert every["n_selling_days"].tolist() == [5, 7, 0]
    assert every["n_activities"].tolist() == [3, 2, 1]
    assert np.isnan(every.loc["unassigned", "per_day"])
    # a rep who does nothing stays, with the days on which nothing was done
    by_rep = activity_rates(department(), by="rep_id").set_index(["rep_id", "activity_type"])
    assert by_rep.loc[("r3", "all"), "per_day"] == 0
    assert by_rep.loc[("r3", "all"), "per_day_low"] == 0
    # the exact upper bound of none in five days, by the approximation of chi-square
    exact = stats.chi2.ppf(0.975, 2) / 2 / 5
    assert by_rep.loc[("r3", "all"), "per_day_high"] == pytest.approx(exact, rel=0.01)


def test_columns_of_activities_split_what_is_counted_but_not_the_days():
    columns = [*COLUMNS, "direction"]
    rows = [(*row, "outbound" if row[2] == "r1" else "inbound") for row in ROWS]
    table = activity_rates(department(rows, columns), by=["team", "direction"])
    every = table[table["activity_type"] == "all"].set_index(["team", "direction"])
    assert every.loc[("A", "outbound"), ["n_activities", "n_selling_days"]].tolist() == [3, 5]
    assert every.loc[("A", "inbound"), ["n_activities", "n_selling_days"]].tolist() == [0, 5]
    assert every["n_activities"].sum() == 6


def test_the_window_decides_days_and_activities():
    table = activity_rates(department(), start="2025-01-07", end="2025-01-08")
    assert table.loc[0, ["n_activities", "n_selling_days", "n_reps"]].tolist() == [2, 4, 2]
    # without an end the window ends with the last activity, not with as_of
    assert activity_rates(department(), end="2025-01-31").loc[0, "n_selling_days"] == 20 + 17 + 20


def test_late_is_what_the_option_says():
    table = activity_rates(department(), late_days=2)
    assert table.loc[0, ["n_with_log_time", "n_late"]].tolist() == [4, 1]


def test_an_unknown_type_counts_as_other():
    table = activity_rates(department([("fax", "2025-01-06", "r1", None, None)]))
    assert table["activity_type"].tolist() == ["all", "other"]


def test_without_outcome_and_time_of_entry_the_shares_are_unknown():
    rows = [row[:3] for row in ROWS]
    table = activity_rates(department(rows, COLUMNS[:3]))
    assert table[["reached_rate", "late_rate", "late_rate_low"]].isna().all(axis=None)
    assert table.loc[0, "n_activities"] == 6


def weekly_calls(rng, spread):
    """Simulate 8 reps over 26 weeks with 4 calls a day on average, uneven from week to week."""
    mondays = pd.date_range("2025-01-06", periods=26, freq="7D")
    level = 20 * (rng.gamma(1 / spread, spread, (8, 26)) if spread else np.ones((8, 26)))
    n = rng.poisson(level)
    rep, week = np.nonzero(n >= 0)
    many = n[rep, week]
    day = np.repeat(mondays[week], many) + pd.to_timedelta(rng.integers(0, 5, many.sum()), unit="D")
    return pd.DataFrame({
        "activity_id": np.arange(many.sum()).astype(str), "activity_type": "call",
        "occurred_at": day, "rep_id": np.repeat([f"r{one}" for one in range(8)], 26)[
            np.repeat(np.arange(208), many)],
    })  # fmt: skip


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_interval_covers_the_true_rate_also_where_weeks_are_uneven(spread):
    rng = np.random.default_rng(5)
    reps = pd.DataFrame({"rep_id": [f"r{one}" for one in range(8)], "hired_on": "2020-01-01"})
    reps["hired_on"] = pd.to_datetime(reps["hired_on"])
    covered, widths = [], []
    for _draw in range(25):
        calls = weekly_calls(rng, spread)
        given = department(activities=calls, reps=reps, as_of="2025-07-06")
        row = activity_rates(given, start="2025-01-06", end="2025-07-06", confidence=0.9).iloc[0]
        covered.append(row["per_day_low"] <= 4 <= row["per_day_high"])
        widths.append(row["per_day_high"] - row["per_day_low"])
    assert sum(covered) >= 18  # 22.5 of 25 expected, binomial spread 1.5
    # chance alone: 2 x 1.645 x sqrt(4160) / 1040
    plain = 2 * 1.645 * np.sqrt(8 * 26 * 20) / (8 * 26 * 5)
    assert np.mean(widths) / plain == pytest.approx(np.sqrt(1 + 20 * spread), rel=0.1)


def test_groups_add_up_to_the_whole():
    whole = activity_rates(sample_department()).set_index("activity_type")
    parts = activity_rates(sample_department(), by=["team", "direction"])
    counts = ["n_activities", "n_without_rep", "n_with_outcome", "n_reached"]
    sums = parts.groupby("activity_type")[counts].sum()
    pd.testing.assert_frame_equal(sums, whole[counts], check_like=True)
    teams = activity_rates(sample_department(), by="team")
    days = teams[teams["activity_type"] == "all"][["n_reps", "n_selling_days"]].sum()
    assert days.tolist() == whole.loc["all", ["n_reps", "n_selling_days"]].tolist()


@needs("itschool_crm")
def test_the_calls_of_a_real_school():
    folder, mapping = data_set("itschool_crm")
    table = activity_rates(sd.load(folder, mapping=mapping), by="rep_id")
    every = table[table["activity_type"] == "all"].set_index("rep_id")
    calls = every["n_activities"]
    assert calls.sum() == 32_720
    published = {"Diana Evans": 6857, "Ian Miller": 3770, "Jane Smith": 3753,
                 "Charlie Davis": 3642, "Julia Nelson": 2758, "Kevin Parker": 2363,
                 "Oliver Taylor": 10}  # fmt: skip
    assert calls[list(published)].to_dict() == published
    # the calls run from Friday 30 June to the end of 2023, though the deals go on to June 2024
    assert every["n_selling_days"].max() == 131


def test_bad_input_is_named():
    with pytest.raises(sd.InputError, match="late_days must be a whole number from 0"):
        activity_rates(department(), late_days=-1)
    with pytest.raises(sd.InputError, match="'status' says nothing of reps or activities"):
        activity_rates(department(), by="status")
    with pytest.raises(sd.InputError, match="names a column twice"):
        activity_rates(department(), by=["team", "team"])
    with pytest.raises(sd.InputError, match="is the name of a result"):
        activity_rates(department(reps=REPS.assign(n_wins="x")), by="n_wins")
    with pytest.raises(sd.MissingDataError, match="an export of calls, meetings and tasks"):
        activity_rates(department(activities=None))
