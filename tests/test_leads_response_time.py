"""How long leads wait: hand counts, the working clock against a slow one, real data."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.leads.response_counts import waits_of
from salesdiag.analyses.leads.rows import select_leads
from tests.lead_worlds import NO_DEALS, leads_of
from tests.real_data import data_set, needs


def first(department, **options):
    return sd.leads.response_time(department, **options).iloc[0]


def test_counted_by_hand_on_both_clocks():
    department = leads_of([
        ("A", "2 10:00", "2 10:30"),  # Monday, half an hour
        ("B", "6 17:00", "9 10:00"),  # Friday evening to Monday: 1 + 1 hours of work, 65 in all
        ("C", "7 12:00", "9 09:00"),  # Saturday to opening: no working time at all
        ("D", "3 09:00", None),  # never answered, watched to the end
    ])  # fmt: skip
    table = sd.leads.response_time(department, within_hours=(0.5, 2))
    assert table["n_within"].tolist() == [2, 3]
    assert table["within_share"].tolist() == pytest.approx([2 / 4, 3 / 4])
    assert table["elapsed_within_share"].tolist() == pytest.approx([1 / 4, 1 / 4])
    row = table.iloc[0]
    assert (row.n_leads, row.n_answered, row.n_unanswered) == (4, 3, 1)
    assert (row.median_hours, row.elapsed_median_hours) == (0.5, 45.0)
    assert np.isnan(row.slow_hours)  # nine in ten were never answered


def test_a_complete_share_has_wilsons_published_interval():
    # Newcombe 1998, table 1: 81 of 263
    rows = [(str(n), "2 10:00", "2 10:30" if n < 81 else "4 10:00") for n in range(263)]
    row = first(leads_of(rows), within_hours=1)
    assert (row.within_share_low, row.within_share_high) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )


def test_leads_too_young_for_a_limit_are_censored_and_not_called_late():
    rows = [("A", "2 09:00", "2 10:00"), ("B", "2 09:00", "3 16:00"), ("C", "30 17:00", None)]
    row = first(leads_of(rows), within_hours=9)
    # C was watched for an hour only: answered within a day is 1 of 2 who were, after the first
    # hour, at which all three were at risk: 1/3
    assert row.within_share == pytest.approx(1 / 3)
    assert row.n_unanswered == 1
    later = first(leads_of([*rows, ("D", "30 17:30", None)]), within_hours=9)
    assert later.within_share == pytest.approx(1 / 3)  # D left before the first answer


def test_answers_before_the_lead_and_after_the_end_of_the_data():
    department = leads_of([
        ("A", "3 10:00", "2 10:00"),  # impossible: left out, counted
        ("B", "3 10:00", "3 11:00"),
        ("C", "3 10:00", "29 11:00"),  # beyond as_of: not answered yet
        ("D", "29 10:00", "29 11:00"),  # came after as_of: not there
    ], as_of="2025-06-10")  # fmt: skip
    row = first(department, within_hours=1)
    assert (row.n_leads, row.n_answered, row.n_unanswered, row.n_answered_early) == (2, 1, 1, 1)
    assert row.within_share == 0.5


def test_a_repeated_lead_counts_once_and_is_told():
    rows = [("A", "3 10:00", "3 11:00"), ("A", "3 12:00", None), ("B", "3 10:00", None)]
    row = first(leads_of(rows), within_hours=1)
    assert (row.n_leads, row.n_answered, row.n_repeated) == (2, 1, 1)


def test_leads_without_a_rep_and_of_unknown_reps_stay():
    rows = [("A", "3 10:00", "3 11:00", None), ("B", "3 10:00", None, "r9")]
    reps = pd.DataFrame({"rep_id": ["r1", "r1"], "team": ["North", "North"]})
    columns = ("lead_id", "created_at", "first_response_at", "rep_id")
    department = leads_of(rows, columns, reps=reps)
    table = sd.leads.response_time(department, by="team", within_hours=1)
    assert table[["team", "n_leads"]].to_numpy().tolist() == [["unassigned", 2]]
    table = sd.leads.response_time(department, by="rep_id", within_hours=1)
    assert dict(zip(table["rep_id"], table["n_leads"], strict=True)) == {"r9": 1, "unassigned": 1}


def slow_clock(begin, end, off):
    """Count the working seconds between two moments minute by minute."""
    seconds, now = 0, begin
    while now < end:
        step = min(end, (now + timedelta(minutes=1)).replace(second=0))
        if (
            now.weekday() < 5
            and now.date() not in off
            and 8 * 60 <= now.hour * 60 + now.minute < 1050
        ):
            seconds += (step - now).seconds
        now = step
    return seconds


def test_the_working_clock_agrees_with_counting_minutes():
    rng = np.random.default_rng(5)
    begin = pd.Timestamp("2025-04-14") + pd.to_timedelta(rng.integers(0, 3_000_000, 60), unit="s")
    end = begin + pd.to_timedelta((rng.exponential(120_000, 60)).astype(int), unit="s")
    leads = pd.DataFrame({
        "lead_id": np.arange(60).astype(str), "created_at": begin, "first_response_at": end,
    })  # fmt: skip
    calendar = sd.Calendar(working_hours=("08:00", "17:30"), holidays="DE")
    department = sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-12-31", calendar=calendar)
    chosen = waits_of(department, select_leads(department, [], start=None, end=None))
    found = chosen.select("lead_id", "working_seconds").execute().set_index("lead_id")
    off = {datetime(2025, month, day).date()
           for month, day in ((4, 18), (4, 21), (5, 1), (5, 29))}  # fmt: skip
    expected = [slow_clock(one.to_pydatetime(), two.to_pydatetime(), off)
                for one, two in zip(begin, end, strict=True)]  # fmt: skip
    assert found.loc[leads["lead_id"], "working_seconds"].tolist() == expected


def test_odd_working_weeks():
    calendar = sd.Calendar(working_days=("sun", "tue"), working_hours=("10:00", "12:00"))
    rows = [("A", "1 11:00", "3 11:00"), ("B", "2 11:00", "8 12:00")]  # 1 June is a Sunday
    table = sd.leads.response_time(leads_of(rows, calendar=calendar), within_hours=(2, 4))
    assert table["n_within"].tolist() == [1, 2]


@pytest.mark.parametrize("limits", [(), (0,), (-1,), (3.21,), (30.5,)])
def test_limits_that_are_not_counted_are_refused(limits):
    with pytest.raises(sd.InputError, match="within_hours must be limits above 0"):
        sd.leads.response_time(leads_of([("A", "3 10:00", None)]), within_hours=limits)


def test_what_is_missing_is_named():
    without = leads_of([("A", "3 10:00")], ("lead_id", "created_at"))
    with pytest.raises(sd.MissingDataError, match="first_response_at"):
        sd.leads.response_time(without)
    with pytest.raises(sd.MissingDataError) as refused:
        sd.leads.response_time(sd.Department(deals=NO_DEALS, as_of="2025-06-30"))
    assert refused.value.missing == ("leads",)
    assert "leads" in refused.value.ask_for


def test_a_column_of_deals_only_says_nothing_of_leads():
    deals = NO_DEALS.assign(pipeline="new")
    department = leads_of([("A", "3 10:00", None)], deals=deals)
    with pytest.raises(sd.InputError, match="'pipeline' is a column of deals and says nothing"):
        sd.leads.response_time(department, by="pipeline")


def test_simulated_waits_with_censoring_are_recovered():
    rng = np.random.default_rng(11)
    n = 4000
    created = pd.Timestamp("2025-06-02 09:00") + pd.to_timedelta(rng.integers(0, 27, n), unit="D")
    wait = rng.exponential(100, n)  # hours by the wall clock; many are still open at the end
    answer = created + pd.to_timedelta((wait * 3600).astype(int), unit="s")
    leads = pd.DataFrame({
        "lead_id": np.arange(n).astype(str), "created_at": created, "first_response_at": answer,
    })  # fmt: skip
    department = sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-06-30")
    row = first(department, within_hours=100)
    assert row.n_unanswered > 300
    assert row.elapsed_within_share_low < 1 - np.exp(-1) < row.elapsed_within_share_high
    assert row.elapsed_median_hours_low <= 100 * np.log(2) <= row.elapsed_median_hours_high
    assert row.elapsed_median_hours == pytest.approx(100 * np.log(2), rel=0.08)


@needs("itschool_crm")
def test_the_answers_of_a_school_are_those_published():
    folder, mapping = data_set("itschool_crm")
    department = sd.load(folder, mapping=mapping)
    table = sd.leads.response_time(department, within_hours=(1, 4, 24))
    row = table.iloc[0]
    assert (row.n_answered, row.n_unanswered, row.n_answered_early) == (5914, 2260, 0)
    n = (table["elapsed_within_share"] * row.n_leads).round().tolist()
    assert n == [1624, 1624 + 1146, 1624 + 1146 + 2327]
