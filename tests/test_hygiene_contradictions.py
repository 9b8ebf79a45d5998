"""Entries that contradict each other: counts by hand, the sample's blemishes, real data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import STAGES, day, deals_of, moves_of, sample_department
from tests.real_data import data_set, needs

COLUMNS = ["deal_id", "status", "stage", "created_at", "closed_at", "rep_id", "amount"]
DEALS = [
    ("A", "won", "won", 0, 10, "r1", 100.0),  # all is well
    ("B", "won", "won", 20, 10, "r1", 50.0),  # closed before it was created
    ("C", "won", "offer", 0, 10, "r1", None),  # no amount, and still in an open stage
    ("D", "lost", "won", 0, 12, "r2", 30.0),  # lost, but in the stage that means won
    ("E", "open", "lost", 0, 15, "r2", 7.0),  # open, but closed on day 15, in a closed stage
    ("F", "open", "lead", 0, 99, None, 9.0),  # the closing lies ahead: a plan, no contradiction
    ("G", "lost", "lost", 0, None, "r2", 2.0),  # closed on no known day
]
MOVES = [
    ("A", "lead", 0), ("A", "offer", 3), ("A", "won", 10),
    ("B", "lead", 12), ("B", "offer", 21),  # day 12 is before creation, both after closing
    ("C", "offer", 1), ("C", "lead", 2),  # one stage back is rework
    ("E", "lead", 0),
]  # fmt: skip


def department_of(**more) -> sd.Department:
    return deals_of(DEALS, COLUMNS, stages=STAGES, stage_changes=moves_of(MOVES), **more)


def counts(table):
    """Give rows examined, rows that contradict, deals and money of each rule."""
    names = ["n_examined", "n_contradictory", "n_deals", "concerned_amount"]
    return {one.rule: tuple(getattr(one, name) for name in names) for one in table.itertuples()}


def test_rules_of_deals_counted_by_hand():
    found = counts(sd.hygiene.contradictions(department_of()))
    assert found["closed_before_created"] == (4, 1, 1, 50.0)
    assert found["open_with_closing_date"] == (2, 1, 1, 7.0)
    assert found["closed_without_date"] == (5, 1, 1, 2.0)
    assert found["won_without_amount"] == (3, 1, 1, 0.0)
    assert found["closed_in_open_stage"] == (5, 1, 1, 0.0)
    assert found["open_in_closed_stage"] == (2, 1, 1, 7.0)
    assert found["won_and_lost_disagree"] == (5, 1, 1, 30.0)
    assert found["past_expected_close"][:3] == (0, 0, 0)  # no such column
    assert np.isnan(found["past_expected_close"][3])


def test_rules_of_moves_counted_by_hand_and_a_deal_counts_once():
    found = counts(sd.hygiene.contradictions(department_of()))
    assert found["entered_before_creation"] == (8, 1, 1, 50.0)
    assert found["entered_after_closing"] == (7, 2, 1, 50.0)  # two moves of one deal
    assert found["skipped_backwards"][:2] == (3, 0)
    assert found["owners_overlap"][0] == 0  # changes name no rep


def test_jumps_back_and_owners_of_one_day():
    stages = pd.DataFrame({"stage": ["a", "b", "c", "won"], "position": [1, 2, 3, 4],
                           "status": ["open", "open", "open", "won"]})  # fmt: skip
    moves = moves_of([("X", "a", 0), ("X", "c", 5), ("X", "a", 5), ("X", "b", 7), ("X", "a", 9)])
    moves["entered_at"] += pd.to_timedelta([0, 0, 60, 0, 0], unit="min")
    moves["rep_id"] = ["r1", "r1", "r2", "r2", "r1"]
    department = deals_of([("X", "open", 0, "r1", 40.0)],
                          ["deal_id", "status", "created_at", "rep_id", "amount"],
                          stages=stages, stage_changes=moves)  # fmt: skip
    found = counts(sd.hygiene.contradictions(department))
    # c to a leaves a stage out, b to a does not; on day 5 two reps moved the deal
    assert found["skipped_backwards"] == (4, 1, 1, 40.0)
    assert found["owners_overlap"] == (4, 1, 1, 40.0)
    split = sd.hygiene.contradictions(department, by="rep_id")
    split = split[split["rule"] == "owners_overlap"].set_index("rep_id")
    assert split.loc["r2", "n_contradictory"] == 1  # of whoever came second


def test_activities_and_leads_counted_by_hand():
    activities = pd.DataFrame({
        "activity_id": list("1234"), "activity_type": "call", "rep_id": ["r1", "r2", "r2", "r1"],
        "occurred_at": [day(10), day(11), day(12), day(11)], "deal_id": ["A", "A", "A", None],
    })  # fmt: skip
    leads = pd.DataFrame({
        "lead_id": list("1234"), "created_at": pd.Timestamp("2025-01-10 12:00"),
        "first_response_at": pd.to_datetime(
            ["2025-01-10 11:00", "2025-01-10 00:00", "2025-01-11 09:00", None]
        ),
        "status": ["converted", "converted", "new", "new"], "deal_id": ["A", None, None, None],
    })  # fmt: skip
    table = sd.hygiene.contradictions(department_of(activities=activities, leads=leads))
    found = counts(table)
    assert found["activity_after_closing"] == (3, 2, 1, 100.0)  # on the day of closing is fine
    # a date without a time of day is not before noon of that day
    assert found["answered_before_created"] == (3, 1, 1, 100.0)
    assert found["converted_without_deal"][:2] == (2, 1)
    split = sd.hygiene.contradictions(department_of(activities=activities), by="rep_id")
    late = split[split["rule"] == "activity_after_closing"].set_index("rep_id")["n_contradictory"]
    assert late.to_dict() == {"r1": 0, "r2": 2}


def test_what_a_change_cannot_tell_its_deal_tells():
    table = sd.hygiene.contradictions(department_of(), by="rep_id")
    table = table[table["rule"] == "entered_after_closing"].set_index("rep_id")
    assert table.loc["r1", "n_contradictory"] == 2


def test_days_of_grace_and_the_blemishes_of_the_sample():
    found = counts(sd.hygiene.contradictions(sample_department()))
    assert [found[name][1] for name in ("closed_before_created", "open_with_closing_date",
                                        "past_expected_close")] == [3, 5, 12]  # fmt: skip
    assert found["won_without_amount"][1] == 0
    patient = counts(sd.hygiene.contradictions(sample_department(), grace_days=365))
    assert patient["past_expected_close"][1] == 0
    with pytest.raises(sd.InputError, match="grace_days"):
        sd.hygiene.contradictions(sample_department(), grace_days=-1)


def test_many_rows_of_one_deal_are_one_event():
    """A mistyped year makes all moves of a deal late; that is no habit of its rep."""
    rows = [(f"{rep}-{n}", "won", 0, 5 if (rep, n) == (0, 0) else 40, f"r{rep}", 10.0)
            for rep in range(10) for n in range(20)]  # fmt: skip
    moves = moves_of([(row[0], "lead", when) for row in rows for when in range(0, 40, 4)])
    department = deals_of(rows, ["deal_id", "status", "created_at", "closed_at", "rep_id",
                                 "amount"], stage_changes=moves)  # fmt: skip
    table = sd.hygiene.contradictions(department, by="rep_id")
    found = table[(table["rule"] == "entered_after_closing") & (table["rep_id"] == "r0")].iloc[0]
    assert (found.n_contradictory, found.n_deals) == (8, 1)
    assert found.reading == "as_others"


def test_a_rep_whose_wins_carry_no_amount_is_found():
    rng = np.random.default_rng(3)
    rows = [(f"{rep}-{n}", "won", 0, 10, f"r{rep}", None if rng.random() < share else 10.0)
            for rep, share in enumerate([0.02] * 11 + [0.3]) for n in range(80)]  # fmt: skip
    department = deals_of(rows, ["deal_id", "status", "created_at", "closed_at", "rep_id",
                                 "amount"])  # fmt: skip
    table = sd.hygiene.contradictions(department, by="rep_id")
    table = table[table["rule"] == "won_without_amount"].set_index("rep_id")
    assert table.index[table["reading"] == "above"].tolist() == ["r11"]
    assert table.loc["r11", "difference_low"] <= 0.28 <= table.loc["r11", "difference_high"]


@needs("itschool_crm")
def test_the_it_school_as_published():
    folder, mapping = data_set("itschool_crm")
    school = sd.load(folder, mapping=mapping)
    found = counts(sd.hygiene.contradictions(school))
    assert found["closed_before_created"][1] == 10
    assert found["closed_without_date"][:2] == (7095, 154 + 797)
    # 392 of the wins have a value, three of them 0
    assert found["won_without_amount"][:2] == (407, 407 - 392 + 3)
    split = sd.hygiene.contradictions(school, by="rep_id")
    sums = split.groupby("rule")["n_contradictory"].sum()
    assert sums["closed_without_date"] == 951


ALL = [getattr(sd.hygiene, name) for name in sd.hygiene.__all__]


@pytest.mark.parametrize("analysis", ALL, ids=sd.hygiene.__all__)
def test_mere_deals_are_enough_and_what_is_missing_is_told(analysis):
    rows = [("A", "won", "r1"), ("B", "lost", None), ("C", "open", "r2")]
    department = deals_of(rows, ["deal_id", "status", "rep_id"])
    whole, split = analysis(department), analysis(department, by="rep_id")
    told = "matters" if "matters" in whole else "reading"
    assert {"not_examined"} <= set(whole[told])
    name = next(one for one in whole if one.startswith("n_"))
    assert split[name].sum() == whole[name].sum()


@pytest.mark.parametrize("analysis", ALL, ids=sd.hygiene.__all__)
def test_teams_can_be_asked_for_where_only_activities_name_reps(analysis):
    activities = pd.DataFrame({
        "activity_id": list("123"), "activity_type": "call", "rep_id": ["r1", "r1", "r9"],
        "occurred_at": [day(3), day(4), day(5)],
    })  # fmt: skip
    reps = pd.DataFrame({"rep_id": ["r1", "r1", "r2"], "team": ["North", "North", "South"]})
    department = deals_of([("A", "won", 0)], ["deal_id", "status", "created_at"],
                          activities=activities, reps=reps)  # fmt: skip
    table = analysis(department, by="team")
    name = next(one for one in table if one.startswith("n_"))
    of = table["metric"] == "activities_per_day" if "metric" in table else (
        table["table"] == "activities")  # fmt: skip
    sums = table[of].groupby("team")[name].max()
    if analysis is sd.hygiene.contradictions:  # the activities name no deal
        assert set(sums.index) == {"unassigned"}
    else:
        assert sums["North"] == 2  # a rep listed twice does not count twice
