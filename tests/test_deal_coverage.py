"""Deals touched, left alone, without a next step and overdue: by hand and on real calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.activity import deal_coverage
from tests.frames import day, days, deals_of, sample_department
from tests.real_data import data_set, needs

# the data end on day 59
DEALS = [
    ("worked", "open", 0, 100.0, "r1", "c1"),
    ("left", "open", 0, 200.0, "r1", "c1"),
    ("never", "open", 10, 400.0, "r1", "c2"),
    ("planned", "open", None, None, "r2", None),
    ("won", "won", 0, 50.0, "r2", "c3"),
    ("lost", "lost", 0, 60.0, None, None),
]
DEAL_COLUMNS = ["deal_id", "status", "created_at", "amount", "rep_id", "account_id"]
DONE = [
    # deal, type, day, due, done
    ("worked", "call", 50, None, None),
    ("worked", "call", 49, None, None),
    ("worked", "task", 40, 58, None),  # overdue
    ("worked", "task", 40, 58, 57),  # due and done
    ("left", "call", 29, None, None),  # the 30 days begin with day 30
    ("left", "task", 40, 60, None),  # lies ahead: a next step, no touch
    ("never", "task", 55, 59, None),  # due today and not done by its end
    ("planned", "meeting", 62, None, None),
    ("won", "call", 5, None, None),
    ("won", "call", 45, None, None),
    (None, "call", 59, None, None),
]


def activities(rows=DONE):
    frame = pd.DataFrame(
        rows, columns=["deal_id", "activity_type", "occurred_at", "due_at", "completed_at"]
    )
    for name in ("occurred_at", "due_at", "completed_at"):
        values = frame[name].astype(object).where(frame[name].notna(), None)
        frame[name] = pd.to_datetime(days(values))
    return frame.assign(activity_id=[str(number) for number in range(len(frame))])


def department(**more):
    given = {"activities": activities(), "as_of": "2025-03-01"} | more
    return deals_of(DEALS, DEAL_COLUMNS, **given)


def test_open_deals_counted_by_hand():
    row = deal_coverage(department()).iloc[0]
    assert (row.n_deals, row.n_open, row.n_undated) == (4, 4, 0)
    # worked: two calls and the task that is done; left: the call
    assert (row.n_activities, row.activities_per_deal) == (4, 1.0)
    assert (row.n_never_touched, row.never_touched_share) == (2, 0.5)
    assert (row.n_touched, row.touched_share) == (1, 0.25)
    # worked has an overdue task only, never has one due today
    assert (row.n_step_known, row.n_without_next_step, row.no_next_step_share) == (4, 2, 0.5)
    assert (row.n_due_known, row.n_with_overdue_task, row.overdue_deal_share) == (4, 2, 0.5)
    assert (row.n_tasks_due, row.n_tasks_overdue) == (3, 2)
    assert row.overdue_task_share == pytest.approx(2 / 3)
    assert (row.n_without_amount, row.total_amount) == (1, 700)
    assert (row.never_touched_amount, row.untouched_amount) == (400, 600)
    assert (row.no_next_step_amount, row.overdue_amount) == (500, 500)


def test_the_days_of_a_touch_are_an_option():
    counts = {within: deal_coverage(department(), within_days=within).iloc[0]["n_touched"]
              for within in (2, 10, 30, 31)}  # fmt: skip
    assert counts == {2: 0, 10: 1, 30: 1, 31: 2}


def test_the_deals_own_next_activity_is_a_next_step():
    frame = pd.DataFrame(DEALS, columns=DEAL_COLUMNS).assign(created_at=day(0))
    ahead = frame["deal_id"].map({"worked": day(60), "never": day(59)})  # never: today is gone
    given = sd.Department(deals=frame.assign(next_activity_at=pd.to_datetime(ahead)),
                          activities=activities(), as_of="2025-03-01")  # fmt: skip
    assert deal_coverage(given).iloc[0]["n_without_next_step"] == 1


def test_of_closed_deals_only_their_activities_are_told():
    row = deal_coverage(department(), status="won").iloc[0]
    assert (row.n_deals, row.n_open, row.n_activities, row.n_never_touched) == (1, 0, 2, 0)
    assert np.isnan([row.touched_share, row.no_next_step_share, row.untouched_amount]).all()
    every = deal_coverage(department(), status="all").iloc[0]
    assert (every.n_deals, every.n_open, every.n_activities) == (6, 4, 6)
    assert every.n_never_touched == 3
    by_status = deal_coverage(department(), status="all", by="status")
    assert by_status["n_deals"].tolist() == [1, 4, 1]


def test_groups_without_such_deals_stay_and_say_nothing():
    table = deal_coverage(department(), by="rep_id").set_index("rep_id")
    assert table["n_deals"].to_dict() == {"r1": 3, "r2": 1, "unassigned": 0}
    assert np.isnan(table.loc["unassigned", "never_touched_share"])
    assert np.isnan(table.loc["r2", "total_amount"])  # its only open deal carries none


def test_a_window_is_of_creation_and_counts_what_it_cannot_place():
    row = deal_coverage(department(), start="2025-01-05").iloc[0]
    assert (row.n_deals, row.n_undated, row.n_never_touched) == (1, 1, 1)


def test_without_dates_of_tasks_plans_are_unknown_and_not_missing():
    plain = activities().drop(columns=["due_at", "completed_at"])
    row = deal_coverage(department(activities=plain)).iloc[0]
    assert (row.n_step_known, row.n_due_known, row.n_without_next_step) == (0, 0, 0)
    assert np.isnan([row.no_next_step_share, row.overdue_deal_share, row.overdue_task_share]).all()
    assert np.isnan([row.no_next_step_amount, row.overdue_amount]).all()
    # whether a task was done is unknown too: it counts as done
    assert row.n_never_touched == 1


def test_through_the_account_an_activity_counts_for_each_of_its_deals():
    frame = activities().drop(columns="deal_id").assign(account_id="c1")
    row = deal_coverage(department(activities=frame)).iloc[0]
    assert row.n_never_touched == 2
    assert row.n_activities == 2 * 7


def test_groups_add_up_to_the_whole():
    whole = deal_coverage(sample_department(), status="all")
    parts = deal_coverage(sample_department(), status="all", by=["team", "source"])
    names = [name for name in whole if name.startswith("n_")]
    assert parts[names].sum().tolist() == whole.loc[0, names].tolist()
    assert parts["total_amount"].sum() == pytest.approx(whole.loc[0, "total_amount"])


@needs("itschool_crm")
def test_calls_per_deal_of_a_real_school():
    folder, mapping = data_set("itschool_crm")
    school = sd.load(folder, mapping=mapping)
    calls = deal_coverage(school, status="all", by="status").set_index("status")
    assert calls["activities_per_deal"].round(2)[["won", "lost"]].tolist() == [9.41, 4.94]
    assert calls["n_deals"].to_dict() == {"lost": 6688, "open": 1079, "won": 407}
    whole = deal_coverage(school, status="all").iloc[0]
    assert 1 - whole.never_touched_share == pytest.approx(0.814, abs=5e-4)
    # calls name contacts, carry no due date and the deals no next activity
    assert np.isnan([whole.no_next_step_share, whole.overdue_task_share]).all()


def test_bad_input_is_named():
    with pytest.raises(sd.InputError, match="status must be one of open, won, lost, all"):
        deal_coverage(department(), status="dead")
    with pytest.raises(sd.InputError, match="within_days must be a whole number from 1"):
        deal_coverage(department(), within_days=0)
    with pytest.raises(sd.MissingDataError, match=r"needs activities"):
        deal_coverage(department(activities=None))
