"""The cells of steps, of the money behind them and of effort, counted by hand.

The window is 2025, the base 2024; the data end on 31 December 2025.
"""

from __future__ import annotations

import pandas as pd

from salesdiag.diagnosis import facts
from tests.frames import STAGES
from tests.yearly_frames import YEARS, counted, department, frame

MOVES = frame(
    "deal_id stage entered_at",
    ("A", "lead", "2025-02-01"), ("A", "offer", "2025-02-11"),  # won on 1 March
    ("B", "lead", "2025-02-01"),  # lost after 45 days
    ("C", "lead", "2025-02-01"), ("C", "offer", "2025-03-19"),  # on after 46 days: not in time
    ("D", "offer", "2025-02-05"),  # never was a lead; open
    ("E", "lead", "2025-11-16"),  # the last one watched for 45 days
    ("F", "lead", "2025-11-17"),
)  # fmt: skip
STEPPED = frame(
    "deal_id status created_at closed_at rep_id amount",
    ("A", "won", "2025-02-01", "2025-03-01", "r1", 70.0),
    ("B", "lost", "2025-02-01", "2025-03-18", "r1", None),
    ("C", "open", "2025-02-01", "-", "r1", None), ("D", "open", "2025-02-05", "-", "r1", None),
    ("E", "open", "2025-11-16", "-", "-", None), ("F", "open", "2025-11-17", "-", "r1", None),
)  # fmt: skip


def test_steps_are_counted_from_the_month_they_were_reached_in():
    made = department(STEPPED, stage_changes=MOVES, stages=STAGES)
    cells = facts.step_cells(made, YEARS, within_days=45)
    names = ["n_here", "n_on", "n_lost", "n_skipped"]
    assert counted(cells, *names, keys=("step", "month", "rep_id")) == {
        (0, 1, "r1"): (4, 2, 1, 1),  # A and D went on in time, B was lost, D left it out
        (0, 10, "unassigned"): (1, 0, 0, 0),  # E
        (1, 1, "r1"): (2, 1, 0, 0),  # A was won, D is still there
        (1, 2, "r1"): (1, 0, 0, 0),  # C
    }


def test_the_money_of_a_step_is_of_deals_that_reached_it_in_the_window():
    before = (MOVES["deal_id"] == "A") & (MOVES["stage"] == "lead")
    moves = MOVES.assign(entered_at=MOVES["entered_at"].mask(before, pd.Timestamp("2024-12-31")))
    early = department(STEPPED, stage_changes=moves, stages=STAGES)
    late = department(STEPPED, stage_changes=MOVES, stages=STAGES)
    assert counted(facts.step_money(early, YEARS), "amount", keys=["step"]) == {(1,): (70,)}
    assert counted(facts.step_money(late, YEARS), "amount", keys=["step"]) == {
        (0,): (70,), (1,): (70,),
    }  # fmt: skip


def test_effort_is_dead_after_the_closing_and_beyond_the_winnable_age():
    acts = frame(
        "activity_id activity_type occurred_at deal_id rep_id",
        ("1", "call", "2025-03-01", "A", "r1"),  # the day of closing itself
        ("2", "call", "2025-03-02", "A", "r1"),  # after it
        ("3", "call", "2025-05-02", "C", "r1"),  # at 90 days
        ("4", "call", "2025-05-03", "C", "-"),  # at 91
        ("5", "call", "2025-05-03", "-", "r1"),  # on no deal
        ("6", "call", "2025-05-03", "Z", "r1"),  # on one that nobody knows
        ("7", "call", "2024-12-31", "C", "r1"),  # before there was a deal
        ("8", "call", "2026-01-01", "C", "r1"),
    )
    cells = facts.effort_cells(department(STEPPED, activities=acts), YEARS, winnable_days=90)
    assert counted(cells, "n_all", "n_dead", keys=("side", "month", "rep_id")) == {
        ("base", 11, "r1"): (1, 0), ("now", 2, "r1"): (2, 1),
        ("now", 4, "r1"): (1, 0), ("now", 4, "unassigned"): (1, 1),
    }  # fmt: skip
