"""Rules that hang on who changed what, and on what stood there on the day of as_of."""

from __future__ import annotations

import pandas as pd

import salesdiag as sd
from tests.frames import STAGES, day, deals_of, moves_of

NAMES = ["deal_id", "status", "created_at", "closed_at", "rep_id", "amount", "expected_close_on"]


def rule(table, name):
    return table.set_index("rule").loc[name]


def test_a_change_without_a_rep_is_no_other_rep():
    moves = moves_of([("X", "lead", 5), ("X", "offer", 5), ("X", "won", 5),
                      ("Y", "lead", 6), ("Y", "offer", 6), ("Y", "won", 6)])  # fmt: skip
    moves["entered_at"] += pd.to_timedelta([0, 60, 120] * 2, unit="min")
    # X: r1, nobody, r1 again; Y: r1, nobody, r2
    moves["rep_id"] = ["r1", None, "r1", "r1", None, "r2"]
    department = deals_of([("X", "open", 0, "r1"), ("Y", "open", 0, "r1")],
                          ["deal_id", "status", "created_at", "rep_id"],
                          stages=STAGES, stage_changes=moves)  # fmt: skip
    found = rule(sd.hygiene.contradictions(department), "owners_overlap")
    # examined are changes of a rep after another one of a rep: the last of X and of Y
    assert (found.n_examined, found.n_contradictory, found.n_deals) == (2, 1, 1)
    split = sd.hygiene.contradictions(department, by="rep_id")
    split = split[split["rule"] == "owners_overlap"].set_index("rep_id")
    assert split["n_contradictory"].to_dict() == {"r1": 0, "r2": 1, "unassigned": 0}


def turned_back():
    """Give deals as they stand on day 59, turned back to day 20."""
    rows = [
        ("A", "open", 0, None, "r1", 10.0, day(10)),  # overdue then, and never changed
        ("B", "open", 0, None, "r1", 20.0, day(50)),  # was due on day 15: pushed on day 30
        ("C", "lost", 0, 40, "r1", 30.0, day(40)),  # open then; due on day 12: changed on day 40
        ("D", "open", 0, None, "r1", 40.0, day(18)),  # pushed on day 11, before as_of
        ("E", "won", 0, 10, "r1", 50.0, None),  # won without an amount, written on day 25
        ("F", "won", 0, 12, "r1", 0.0, None),
        ("G", "open", 0, None, "r1", 60.0, day(45)),
    ]
    changes = pd.DataFrame(
        [("B", "expected_close_on", day(30), "2025-01-16", "2025-02-20"),
         ("B", "expected_close_on", day(35), "2025-02-20", "2025-02-20"),
         ("C", "expected_close_on", day(40), "2025-01-13", "2025-02-10"),
         ("D", "expected_close_on", day(11), "2025-01-05", "2025-01-19"),
         ("E", "amount", day(25), None, "50.0"),
         ("G", "amount", day(25), "50.0", "60.0")],
        columns=["deal_id", "field", "changed_at", "old_value", "new_value"],
    )  # fmt: skip
    return rows, changes


def test_what_was_changed_after_as_of_is_unknown_and_counted():
    rows, changes = turned_back()
    department = deals_of(rows, NAMES, deal_changes=changes, as_of="2025-01-21")
    table = sd.hygiene.contradictions(department)
    due = rule(table, "past_expected_close")
    # A and D were overdue, G was not; of B and C nobody knows from today's dates
    assert (due.n_examined, due.n_contradictory, due.n_unknown) == (3, 2, 2)
    assert due.concerned_amount == 50
    paid = rule(table, "won_without_amount")
    assert (paid.n_examined, paid.n_contradictory, paid.n_unknown) == (1, 1, 1)
    assert table["n_unknown"].sum() == 3
    without = deals_of(rows, NAMES, as_of="2025-01-21")
    due = rule(sd.hygiene.contradictions(without), "past_expected_close")
    assert (due.n_examined, due.n_contradictory, due.n_unknown) == (5, 2, 0)
    later = deals_of(rows, NAMES, deal_changes=changes)  # as of day 59 all is known
    assert sd.hygiene.contradictions(later)["n_unknown"].sum() == 0
