"""Attempts to reach leads: hand counts, planted chances, ties and odd entries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.lead_worlds import NO_DEALS, at, leads_of


def tried(*rows, **columns):
    """Make activities of (lead, moment, outcome); more columns by name."""
    frame = pd.DataFrame(rows, columns=["lead_id", "occurred_at", "outcome"])
    frame["occurred_at"] = [at(one) for one in frame["occurred_at"]]
    return frame.assign(
        **({"activity_type": "call", "activity_id": frame.index.astype(str)} | columns)
    )


LEADS = [(one, "2 10:00", None) for one in "ABCDE"]
CALLS = [
    ("A", "3 10:00", "connected"),
    ("B", "3 10:00", "no_answer"), ("B", "4 10:00", "no_answer"), ("B", "5 10:00", "held"),
    ("B", "6 10:00", "no_answer"),  # after the contact: no attempt to reach
    ("C", "3 10:00", None), ("C", "4 10:00", "no_answer"),  # given up after two
    ("D", "29 10:00", "no_answer"),  # tried yesterday: may be tried again
]  # fmt: skip


def test_counted_by_hand():
    table = sd.leads.attempts(leads_of(LEADS, activities=tried(*CALLS)), most_attempts=3)
    names = ["n_tried", "n_reached", "n_given_up", "n_waiting", "n_went_on", "n_next"]
    assert table[names].to_numpy().tolist() == [[4, 1, 0, 1, 2, 2], [2, 0, 1, 0, 1, 1],
                                                [1, 1, 0, 0, 0, 0]]  # fmt: skip
    assert (table["n_leads"].iloc[0], table["n_untried"].iloc[0]) == (5, 1)
    assert table["reach_rate"].tolist() == [1 / 4, 0, 1]
    assert table["given_up_share"].tolist()[:2] == [0, 1 / 2]
    assert table["next_reach_rate"].tolist()[:2] == [0, 1]
    assert table["mean_attempts"].iloc[0] == (1 + 3 + 2 + 1) / 4


def test_those_tried_more_often_count_in_the_rows_that_are_listed():
    table = sd.leads.attempts(leads_of(LEADS, activities=tried(*CALLS)), most_attempts=1)
    row = table.iloc[0]
    assert (len(table), row.n_tried, row.n_went_on, row.n_next) == (1, 4, 2, 2)


def test_attempts_at_the_moment_of_the_contact_are_one():
    calls = [("A", "3 10:00", "no_answer"), ("A", "3 10:00", "connected")]
    row = sd.leads.attempts(leads_of(LEADS, activities=tried(*calls))).iloc[0]
    assert (row.n_tried, row.n_reached) == (1, 1)


def test_what_is_no_attempt():
    calls = [("A", "3 10:00", "no_answer"), ("B", "3 10:00", None), ("C", "3 10:00", "connected"),
             ("Z", "3 10:00", "connected"), (None, "3 10:00", "connected")]  # fmt: skip
    kinds = ["note", "task", "call", "call", "call"]
    directions = ["outbound", "outbound", "inbound", "outbound", "outbound"]
    activities = tried(*calls, activity_type=kinds, direction=directions)
    row = sd.leads.attempts(leads_of(LEADS, activities=activities)).iloc[0]
    assert (row.n_leads, row.n_untried, row.n_tried, row.n_reached) == (5, 4, 1, 1)


def test_calls_after_the_end_of_the_data_have_not_been_made():
    department = leads_of(LEADS, activities=tried(*CALLS), as_of="2025-06-03")
    row = sd.leads.attempts(department).iloc[0]
    assert (row.n_tried, row.n_reached, row.n_waiting) == (3, 1, 2)


def test_qualified_by_attempt_and_through_the_deal_where_nothing_else_tells():
    columns = ("lead_id", "created_at", "deal_id")
    leads = leads_of([("A", "2 10:00", "D0"), ("B", "2 10:00", None)], columns,
                     activities=tried(*CALLS))  # fmt: skip
    table = sd.leads.attempts(leads)
    assert table["n_qualified"].tolist()[:3] == [1, 0, 0]
    assert table["qualified_rate"].iloc[0] == 1
    # activities that name deals only reach the lead through its deal
    of_deal = tried(*CALLS).assign(deal_id="D0").drop(columns="lead_id").iloc[:1]
    row = sd.leads.attempts(leads_of([("A", "2 10:00", "D0")], columns, activities=of_deal)).iloc[0]
    assert (row.n_tried, row.n_reached) == (1, 1)


def test_an_entry_that_names_no_lead_is_that_of_the_lead_of_its_deal():
    deals = pd.DataFrame({"deal_id": ["D0", "D1"], "status": "open", "lead_id": [None, "B"]})
    columns = ("lead_id", "created_at", "deal_id")
    rows = [("A", "2 10:00", "D0"), ("B", "2 10:00", None), ("C", "2 10:00", "D0")]
    calls = [(None, "3 10:00", "no_answer"), (None, "4 10:00", "held"), ("C", "3 10:00", "held")]
    activities = tried(*calls, deal_id=["D0", "D1", "D1"])
    row = sd.leads.attempts(leads_of(rows, columns, deals=deals, activities=activities)).iloc[0]
    # A through D0, which it named first; B through D1; C by itself, although D1 is named too
    assert (row.n_leads, row.n_untried, row.n_tried, row.n_reached) == (3, 0, 3, 2)


def test_a_repeated_entry_and_one_before_the_lead_came_in_are_counted_apart():
    calls = [("A", "3 10:00", "no_answer"), ("A", "4 10:00", "no_answer"),
             ("A", "1 10:00", "connected"), ("B", "1 10:00", "no_answer"),
             ("C", "2 08:00", "connected")]  # fmt: skip
    activities = tried(*calls, activity_id=["1", "1", "2", "3", "4"])
    table = sd.leads.attempts(leads_of(LEADS, activities=activities))
    row = table.iloc[0]
    assert (row.n_early_attempts, row.n_repeated_activities) == (2, 1)
    # A once, without an answer; C on the day it came in
    assert (row.n_untried, row.n_tried, row.n_reached, row.n_given_up) == (3, 2, 1, 1)
    assert table["n_tried"].iloc[1] == 0
    turned = leads_of(LEADS, activities=activities[::-1])
    pd.testing.assert_frame_equal(table, sd.leads.attempts(turned))


def test_planted_chances_and_a_planted_point_of_giving_up_are_recovered():
    rng = np.random.default_rng(2)
    n, chance, stops = 3000, [0.3, 0.25, 0.2, 0.15], [0.1, 0.6, 0.2]
    calls, reached = [], np.zeros(n, dtype=bool)
    alive = np.ones(n, dtype=bool)
    for number in range(4):
        hit = alive & (rng.random(n) < chance[number])
        day = pd.Timestamp("2025-03-03") + pd.Timedelta(days=number)
        answer = {True: "connected", False: "no_answer"}
        calls += [(str(one), day, answer[bool(hit[one])]) for one in np.flatnonzero(alive)]
        reached |= hit
        alive &= ~hit
        if number < 3:
            alive &= rng.random(n) >= stops[number]
    activities = pd.DataFrame(calls, columns=["lead_id", "occurred_at", "outcome"])
    activities = activities.assign(activity_id=activities.index.astype(str), activity_type="call")
    leads = pd.DataFrame({"lead_id": np.arange(n).astype(str),
                          "created_at": pd.Timestamp("2025-03-01")})  # fmt: skip
    department = sd.Department(deals=NO_DEALS, leads=leads, activities=activities,
                               as_of="2025-12-31")  # fmt: skip
    table = sd.leads.attempts(department, most_attempts=4, confidence=0.99)
    for row, truth in zip(table.itertuples(), chance, strict=True):
        assert row.reach_rate_low <= truth <= row.reach_rate_high
    for row, truth in zip(table.iloc[:3].itertuples(), stops, strict=True):
        assert row.given_up_share_low <= truth <= row.given_up_share_high
    # after the second attempt most are given up, although the third reaches a fifth
    assert table["given_up_share"].idxmax() != 0
    assert table["next_reach_rate"].iloc[1] == pytest.approx(0.2, abs=0.06)
    assert table["n_reached"].sum() == reached.sum()


def test_what_is_missing_is_named():
    with pytest.raises(sd.MissingDataError, match="activities"):
        sd.leads.attempts(leads_of(LEADS))
    with pytest.raises(sd.MissingDataError, match=r"activities\.lead_id"):
        sd.leads.attempts(leads_of(LEADS, activities=tried(*CALLS).drop(columns="lead_id")))
    with pytest.raises(sd.MissingDataError, match=r"activities\.outcome"):
        sd.leads.attempts(leads_of(LEADS, activities=tried(*CALLS).drop(columns="outcome")))
    with pytest.raises(sd.InputError, match="most_attempts"):
        sd.leads.attempts(leads_of(LEADS, activities=tried(*CALLS)), most_attempts=0)
