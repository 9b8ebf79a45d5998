"""Leads that nobody contacted: hand counts, planted neglect, real data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.lead_worlds import MONDAY, NO_DEALS, leads_of
from tests.real_data import data_set, needs


def touches(*rows):
    frame = pd.DataFrame(rows, columns=["lead_id", "deal_id", "activity_type", "direction"])
    occurred = [pd.Timestamp("2025-06-05")] * len(frame)
    return frame.assign(activity_id=frame.index.astype(str), occurred_at=occurred)


COLUMNS = ("lead_id", "created_at", "first_response_at", "status", "deal_id")


def test_counted_by_hand():
    rows = [
        ("answered", "2 10:00", "2 11:00", "working", None),
        ("called", "2 10:00", None, "new", None),
        ("of a deal with a mail", "2 10:00", None, None, "D0"),
        ("calls us", "2 10:00", None, "new", None),  # nobody called him
        ("noted", "2 10:00", None, "new", None),  # a note is no contact
        ("moved on", "2 10:00", None, "qualified", None),
        ("dropped", "2 10:00", None, "disqualified", None),
        ("young", "27 10:00", None, "new", None),
        ("forgotten", "2 10:00", None, None, None),
    ]
    activities = touches(
        ("called", None, "call", "outbound"), (None, "D0", "email", None),
        ("calls us", None, "call", "inbound"), ("noted", None, "note", None),
    )  # fmt: skip
    department = leads_of(rows, COLUMNS, activities=activities)
    row = sd.leads.unworked_leads(department).iloc[0]
    assert (row.n_leads, row.n_unworked, row.n_dropped, row.n_young) == (9, 3, 1, 1)
    assert row.unworked_share == pytest.approx(3 / 8)
    assert np.isnan(row.late_qualified_rate)  # no lead was answered late


def test_an_activity_after_the_end_of_the_data_is_none():
    rows = [("A", "2 10:00", None, "new", None)]
    department = leads_of(rows, COLUMNS, activities=touches(("A", None, "call", None)),
                          as_of="2025-06-20")  # fmt: skip
    assert sd.leads.unworked_leads(department)["n_unworked"].item() == 0
    earlier = touches(("A", None, "call", None)).assign(occurred_at=pd.Timestamp("2025-06-21"))
    department = leads_of(rows, COLUMNS, activities=earlier, as_of="2025-06-20")
    assert sd.leads.unworked_leads(department)["n_unworked"].item() == 1


def test_the_days_that_a_lead_may_wait_are_working_days():
    rows = [("A", "26 18:00", None, "new", None)]  # Thursday evening; as_of is Monday: two days
    department = leads_of(rows, COLUMNS)
    assert sd.leads.unworked_leads(department, after_days=2)["n_unworked"].item() == 1
    assert sd.leads.unworked_leads(department, after_days=3)["n_unworked"].item() == 0


LINKED = pd.DataFrame({
    "deal_id": ["A", "B", "C", "D"], "lead_id": ["a", "b", "c", "d"],
    "status": ["won", "lost", "open", "won"],
    # c's deal is a copy that came with the lead; that of d too, but it was won
    "created_at": pd.to_datetime(["2025-06-04 09:00", "2025-06-05 09:00", "2025-06-02 10:00",
                                  "2025-06-02 10:00"]),
})  # fmt: skip


def test_a_lead_made_into_a_deal_is_worked_whoever_names_whom():
    rows = [(one, "2 10:00", None) for one in "abcde"]
    row = sd.leads.unworked_leads(leads_of(rows, deals=LINKED)).iloc[0]
    assert (row.n_leads, row.n_unworked) == (5, 2)  # c and e
    rows = [(*row, deal) for row, deal in zip(rows, ["A", "B", "C", "D", "A"], strict=True)]
    columns = ("lead_id", "created_at", "first_response_at", "deal_id")
    department = leads_of(rows, columns, deals=LINKED.drop(columns="lead_id"))
    # somebody added e to the deal of a
    assert sd.leads.unworked_leads(department)["n_unworked"].item() == 1


def test_what_is_done_for_the_deal_that_names_the_lead_is_done_for_the_lead():
    rows = [(one, "2 10:00", None) for one in "ce"]
    activities = touches((None, "C", "meeting", None), (None, "A", "meeting", None))
    department = leads_of(rows, deals=LINKED, activities=activities)
    assert sd.leads.unworked_leads(department)["n_unworked"].item() == 1  # e


def test_a_lead_whose_own_call_was_answered_is_worked():
    rows = [(one, "2 10:00", None) for one in "abc"]
    activities = touches(("a", None, "meeting", "inbound"), ("b", None, "call", "inbound"))
    department = leads_of(rows, activities=activities.assign(outcome=["held", "no_answer"]))
    assert sd.leads.unworked_leads(department)["n_unworked"].item() == 2  # b and c


def planted(seed, n=4000):
    """Of the web's leads 30 % are left alone, of the fair's 10 %; early answers double the hits."""
    rng = np.random.default_rng(seed)
    source = rng.choice(["web", "fair"], n)
    rate = np.where(source == "web", 0.1, 0.3)
    fate = rng.random(n)
    idle = fate < np.where(source == "web", 0.3, 0.1)
    late = ~idle & (rng.random(n) < 0.3)
    hit = ~idle & (rng.random(n) < rate * np.where(late, 1, 2))
    wait = np.where(late, 10 * 24, 1)
    created = MONDAY + pd.to_timedelta(rng.integers(0, 300, n), unit="D") - pd.Timedelta("320D")
    answer = (created + pd.to_timedelta(wait, unit="h")).where(~idle, pd.NaT)
    leads = pd.DataFrame({
        "lead_id": np.arange(n).astype(str), "created_at": created, "source": source,
        "first_response_at": answer, "status": np.where(hit, "qualified", "new"),
        "rep_id": np.where(idle, "idler", "worker"),
    })  # fmt: skip
    return sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-12-31"), idle, rate


def test_planted_neglect_is_valued_at_late_answers_of_the_same_source():
    covered = 0
    for seed in range(12):
        department, idle, rate = planted(seed)
        row = sd.leads.unworked_leads(department).iloc[0]
        assert row.n_unworked == idle.sum()
        truth = rate[idle].sum()  # not twice as many, as early answers would promise
        covered += row.expected_qualified_low <= truth <= row.expected_qualified_high
    assert covered >= 10


def test_a_rep_who_calls_nobody_is_valued_by_the_late_leads_of_others():
    department, idle, _rate = planted(1)
    table = sd.leads.unworked_leads(department, by="rep_id").set_index("rep_id")
    assert table.loc["idler", "unworked_share"] == 1
    assert table.loc["idler", "n_unworked"] == idle.sum()
    assert table.loc["idler", "expected_qualified"] > 0
    assert table.loc["worker", "n_unworked"] == 0
    assert np.isnan(table.loc["worker", "expected_qualified"])


def test_money_of_the_late_leads_won():
    n = 60
    created = pd.Timestamp("2025-03-03 10:00")
    late = [created + pd.Timedelta(days=9)] * 40 + [None] * 20
    leads = pd.DataFrame({
        "lead_id": [str(one) for one in range(n)], "created_at": created,
        "first_response_at": late, "deal_id": [f"D{one}" for one in range(40)] + [None] * 20,
    })  # fmt: skip
    deals = pd.DataFrame({
        "deal_id": [f"D{one}" for one in range(40)], "status": ["won"] * 10 + ["lost"] * 30,
        "amount": 100.0,
    })  # fmt: skip
    department = sd.Department(deals=deals, leads=leads, as_of="2025-12-31")
    row = sd.leads.unworked_leads(department).iloc[0]
    # 10 of 40 late leads won 100 each: 20 more would have won 5, worth 500
    assert (row.late_won_rate, row.expected_won, row.expected_amount) == pytest.approx(
        (0.25, 5, 500)
    )
    assert row.expected_amount_low < 500 < row.expected_amount_high
    assert np.isnan(row.late_qualified_rate)  # no table tells who is qualified


def test_without_any_trace_of_contact_it_is_refused():
    department = leads_of([("A", "2 10:00")], ("lead_id", "created_at"))
    with pytest.raises(sd.MissingDataError, match=r"leads\.first_response_at, or activities"):
        sd.leads.unworked_leads(department)


@needs("itschool_crm")
def test_the_unworked_leads_of_a_school_are_those_published():
    folder, mapping = data_set("itschool_crm")
    department = sd.load(folder, mapping=mapping)
    row = sd.leads.unworked_leads(department).iloc[0]
    # 2260 have no answer; the school opens a deal with every lead, and 9 of theirs were won
    assert (row.n_leads, row.n_unworked) == (8174, 2260 - 9)
    # answered after more than a day: 6.1 % of 817 won; without an answer: 0.4 %
    assert row.late_won_rate_low < 0.061 < row.late_won_rate_high
    assert row.late_won_rate_low > 0.004
