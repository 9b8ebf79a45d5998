"""What a late answer does: planted effects, hot leads that are called first, refusals."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.lead_worlds import NO_DEALS, answered_world, leads_of
from tests.real_data import data_set, needs


@cache
def worlds(per_doubling, hot, n_worlds, n=4000):
    """Give the rows of "qualified" of some worlds, at three bands of delay."""
    found = []
    for seed in range(n_worlds):
        department = answered_world(seed, n, per_doubling=per_doubling, hot=hot)
        table = sd.leads.response_effect(department, edges=(1, 4))
        found.append(table[table["outcome"] == "qualified"].reset_index(drop=True))
    return found


def graded(tables):
    return [set(table["grade"]) - {""} for table in tables]


def test_counted_by_hand():
    rows = [
        ("A", "2 10:00", "2 10:30", "qualified", "3 10:00"),
        ("B", "2 10:00", "2 16:00", "working", None),
        ("C", "2 10:00", "2 10:20", "qualified", "28 10:00"),  # qualified, but too late
        ("D", "2 10:00", None, "new", None),  # never answered
        ("E", "3 10:00", "2 10:00", "new", None),  # answered before it came
        ("F", "20 10:00", "20 10:30", "qualified", "20 11:00"),  # too young
    ]
    columns = ("lead_id", "created_at", "first_response_at", "status", "qualified_at")
    table = sd.leads.response_effect(leads_of(rows, columns), edges=(1,), mature_days=14)
    first = table[table["outcome"] == "qualified"]
    assert first[["n_leads", "n_converted"]].to_numpy().tolist() == [[2, 1], [1, 0]]
    assert (
        set(first["n_unanswered"]) == set(first["n_answered_early"]) == set(first["n_young"]) == {1}
    )
    assert first["delay_effect"].isna().all()
    assert set(first["reason"]) == {"2 leads (at least 20)", "1 leads (at least 20)"}
    won = table[table["outcome"] == "won"]
    assert set(won["reason"]) == {"no table tells which leads were won"}
    assert won["conversion_rate"].isna().all()


def test_a_planted_effect_is_recovered_at_its_size():
    tables = worlds(-0.05, 0.0, 12)
    told = pd.concat([table.iloc[[-1]] for table in tables])
    covered = (told["doubling_effect_low"] <= -0.05) & (told["doubling_effect_high"] >= -0.05)
    assert covered.sum() >= 10
    assert told["doubling_effect"].mean() == pytest.approx(-0.05, abs=0.006)
    assert (told["delay_effect_high"] < 0).sum() >= 10
    # the clock bears it out, so that it may be told as more than an association
    assert sum(bool(one & {"A", "B"}) for one in graded(tables)) >= 9
    assert sum(one == {"D"} for one in graded(tables)) <= 2


def test_hot_leads_that_are_called_first_are_no_effect():
    tables = worlds(0.0, 0.8, 10)
    claims = [table["delay_effect_high"].iloc[-1] < 0 for table in tables]
    assert sum(claims) >= 9  # adjusted for all that is seen, it looks like a strong effect
    assert not any(one & {"A", "B"} for one in graded(tables))
    assert sum(one == {"D"} for one in graded(tables)) >= 4
    verdicts = [table["closing_test"].iloc[0] for table in tables]
    assert "confirmed" not in verdicts


def test_no_effect_gives_no_finding():
    tables = worlds(0.0, 0.0, 12)
    effects = pd.concat([table[table["delay_effect"].notna() & ~table["is_reference"]]
                         for table in tables])  # fmt: skip
    found = (effects["delay_effect_high"] < 0) | (effects["delay_effect_low"] > 0)
    assert found.mean() < 0.15
    assert not any("A" in one or "B" in one for one in graded(tables))


def test_the_source_does_not_pass_for_the_delay():
    # the doctest's department at other sizes: sources differ, delay does nothing
    rows = [(source, hours, n % 10 < hits) for source, hours, many, hits in [
        ("web", 0.5, 300, 6), ("web", 6, 100, 6), ("fair", 0.5, 100, 2), ("fair", 6, 300, 2)]
        for n in range(many)]  # fmt: skip
    leads = pd.DataFrame(rows, columns=["source", "hours", "hit"])
    leads["lead_id"] = leads.index.astype(str)
    leads["created_at"] = pd.Timestamp("2025-03-04 09:30")
    leads["first_response_at"] = leads["created_at"] + pd.to_timedelta(leads["hours"], unit="h")
    leads["status"] = np.where(leads.pop("hit"), "qualified", "disqualified")
    department = sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-12-31")
    slow = sd.leads.response_effect(department, edges=(1,)).iloc[1]
    assert slow.conversion_rate == pytest.approx((60 + 60) / 400)  # raw: 30 against 50 %
    assert slow.delay_effect == pytest.approx(0, abs=0.02)
    assert slow.second_effect == pytest.approx(0, abs=1e-9)
    assert slow.delay_effect_low < 0 < slow.delay_effect_high


def test_where_like_is_never_there_it_is_refused():
    # every lead from the fair is answered late, every one from the web at once
    rows = [(source, hours, n % 3 == 0) for source, hours in (("web", 0.5), ("fair", 6))
            for n in range(200)]  # fmt: skip
    leads = pd.DataFrame(rows, columns=["source", "hours", "hit"])
    leads["lead_id"] = leads.index.astype(str)
    leads["created_at"] = pd.Timestamp("2025-03-04 09:30")
    leads["first_response_at"] = leads["created_at"] + pd.to_timedelta(leads["hours"], unit="h")
    leads["status"] = np.where(leads.pop("hit"), "qualified", "disqualified")
    department = sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-12-31")
    table = sd.leads.response_effect(department, edges=(1,)).iloc[:2]
    assert table["delay_effect"].isna().all()
    assert table["reason"].str.contains("chance below 0.02 for").all()
    assert set(table["grade"]) == {""}


def test_wins_come_through_the_deal_and_without_a_date_they_count():
    n = 60
    leads = pd.DataFrame({
        "lead_id": [str(one) for one in range(n)], "deal_id": [f"D{one}" for one in range(n)],
        "created_at": pd.Timestamp("2025-03-04 10:00"),
        "first_response_at": pd.Timestamp("2025-03-04 10:30"),
    })  # fmt: skip
    deals = pd.DataFrame({
        "deal_id": leads["deal_id"], "status": ["won"] * 20 + ["lost"] * 40,
        "closed_at": [pd.Timestamp("2025-03-20")] * 10 + [None] * 5
        + [pd.Timestamp("2025-11-20")] * 45,
    })  # fmt: skip
    department = sd.Department(deals=deals, leads=leads, as_of="2025-12-31")
    table = sd.leads.response_effect(department, edges=(1,))
    won = table[table["outcome"] == "won"].iloc[0]
    assert (won.n_leads, won.n_converted) == (60, 15)  # 5 wins came after the 90 days


def test_one_rep_and_one_outcome_for_all_warn_of_nothing():
    rows = [(str(n), "2 10:00", "2 10:30" if n % 2 else "2 16:00", "qualified") for n in range(200)]
    columns = ("lead_id", "created_at", "first_response_at", "status")
    table = sd.leads.response_effect(leads_of(rows, columns), edges=(1,), mature_days=1)
    assert table["conversion_rate"].iloc[0] == 1
    assert table["doubling_effect"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": (4, 1)}, "edges must be rising hours"),
        ({"edges": ()}, "edges must be rising hours"),
        ({"mature_days": 0}, "mature_days"),
        ({"closing_hours": 9}, "closing_hours"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        sd.leads.response_effect(leads_of([("A", "2 10:00", None)]), **options)


def test_without_any_outcome_it_is_refused():
    with pytest.raises(sd.MissingDataError, match="qualified_at"):
        sd.leads.response_effect(leads_of([("A", "2 10:00", None)]))


@needs("itschool_crm")
def test_every_lead_of_a_school_is_somewhere():
    folder, mapping = data_set("itschool_crm")
    department = sd.load(folder, mapping=mapping)
    table = sd.leads.response_effect(department, mature_days=30)
    won = table[table["outcome"] == "won"]
    assert (
        won["n_leads"].sum() + won[["n_unanswered", "n_answered_early", "n_young"]].iloc[0].sum()
        == 8174
    )
    assert won["n_unanswered"].iloc[0] == 2260
    assert 200 < won["n_converted"].sum() < 407
    assert not set(won["grade"]) & {"A"}
