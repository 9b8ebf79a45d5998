"""The cells of leads, deals and prices under the diagnosis, counted by hand.

The window is 2025, the base 2024; the data end on 31 December 2025.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from salesdiag.diagnosis import facts
from salesdiag.periods import last_twelve_months
from salesdiag.reductions.yearly import places_of, years_of
from tests.frames import STAGES, shuffled
from tests.test_diagnosis_facts_steps import MOVES, STEPPED
from tests.yearly_frames import YEARS, counted, department, frame


def test_the_window_and_its_base_begin_and_end_on_their_own_days():
    deals = frame(
        "deal_id status created_at",
        ("A", "open", "2024-06-15 23:59"), ("B", "open", "2024-06-16"),  # B begins the base
        ("C", "open", "2025-06-15 23:59"),  # ends it
        ("D", "open", "2025-06-16"), ("E", "open", "2026-06-15"),  # the window
    )  # fmt: skip
    made = department(deals.assign(closed_at=pd.NaT), as_of="2026-06-15")
    years = years_of(*last_twelve_months(made.as_of))
    cells = facts.created_cells(made, years, within_days=90)
    # the months of a window that begins within one are counted from that one on, the part of
    # June at its end is month 12
    assert counted(cells, "n_deals") == {
        ("base", 0): (1,), ("base", 12): (1,), ("now", 0): (1,), ("now", 12): (1,),
    }  # fmt: skip


LEADS = frame(
    "lead_id created_at first_response_at rep_id deal_id",
    ("A", "2023-12-31 23:59", "2024-01-01", "r1", "-"),  # a year too early
    ("B", "2024-01-01 08:00", "2024-01-01 10:00", "r1", "D1"),
    ("C", "2024-01-31 23:00", "2024-02-01 07:00", "-", "-"),
    ("D", "2024-12-31 23:30", "-", "r1", "-"),  # called, not answered
    ("E", "2025-01-01", "2024-12-31 12:00", "r1", "-"),  # answered before it came
    ("F", "2025-12-10", "-", "r1", "-"),  # the last one 21 days old
    ("G", "2025-12-11", "2025-12-11 00:00:05", "r1", "D2"),  # too young to be judged
    ("H", "2026-01-01", "-", "r1", "-"),
)


def test_leads_are_counted_by_the_day_they_came_in():
    calls = frame(
        "activity_id activity_type occurred_at lead_id",
        ("1", "call", "2025-01-02", "D"), ("2", "call", "2026-01-01", "F"),
        ("3", "call", "2025-01-02", "-"),
    )  # fmt: skip
    deals = frame("deal_id status created_at", ("D1", "open", "2024-01-05"),
                  ("D2", "open", "2025-12-12"))  # fmt: skip
    made = department(deals, leads=LEADS, activities=calls)
    cells = facts.lead_cells(made, YEARS, settle_days=21)
    names = ["n_leads", "n_settled", "n_untouched", "n_deals", "n_answered"]
    assert counted(cells, *names, keys=("side", "month", "rep_id")) == {
        ("base", 0, "r1"): (1, 1, 0, 1, 1),  # B
        ("base", 0, "unassigned"): (1, 1, 0, 0, 1),  # C
        ("base", 11, "r1"): (1, 1, 0, 0, 0),  # D
        ("now", 0, "r1"): (1, 1, 0, 0, 0),  # E: touched, but its wait is none
        # F and G; F was called after the data ended, G is too young also for its answer
        ("now", 11, "r1"): (2, 1, 1, 0, 0),
    }
    logs = [np.log(2), np.log(8), 0.0, 0.0, 0.0]  # 2 hours, 8 hours
    assert cells["log_hours"].tolist() == pytest.approx(logs)
    assert cells["log_squares"].tolist() == pytest.approx(np.square(logs).tolist())


@pytest.mark.parametrize(
    ("answered", "called", "opened", "counts"),
    [
        # untouched, deals, answered: all on the 21st day, and all on the day after
        ("2025-03-22 23:00", "-", "-", (0, 0, 1)), ("2025-03-23 01:00", "-", "-", (1, 0, 0)),
        ("-", "2025-03-22 23:00", "-", (0, 0, 0)), ("-", "2025-03-23 01:00", "-", (1, 0, 0)),
        # who has a deal was worked, whether or not anybody wrote it down
        ("-", "-", "2025-03-22 23:00", (0, 1, 0)), ("-", "-", "2025-03-23 01:00", (1, 0, 0)),
    ],
)  # fmt: skip
def test_of_a_lead_only_what_happened_within_some_days_counts(answered, called, opened, counts):
    leads = frame("lead_id created_at first_response_at deal_id",
                  ("A", "2025-03-01 12:00", answered, "D"))  # fmt: skip
    calls = frame("activity_id activity_type occurred_at lead_id", ("1", "call", called, "A"))
    deals = frame("deal_id status created_at", ("D", "open", opened))
    made = department(deals, leads=leads, activities=calls[calls["occurred_at"].notna()])
    cells = facts.lead_cells(made, YEARS, settle_days=21)
    assert counted(cells, "n_settled", "n_untouched", "n_deals", "n_answered") == {
        ("now", 2): (1, *counts),
    }  # fmt: skip


def test_a_lead_that_names_its_deal_has_one_where_no_deal_tells_its_day():
    leads = frame("lead_id created_at deal_id", ("A", "2025-03-01", "D"), ("B", "2025-03-01", "-"))
    deals = frame("deal_id status", ("D", "open"))
    cells = facts.lead_cells(department(deals, leads=leads), YEARS, settle_days=21)
    assert counted(cells, "n_settled", "n_untouched", "n_deals") == {("now", 2): (2, 1, 1)}


def test_leads_of_a_day_after_the_data_end_are_left_out():
    made = department(leads=LEADS, as_of="2025-12-10")
    cells = facts.lead_cells(made, YEARS, settle_days=21)
    # F came on the last day, G on the day after
    assert counted(cells, "n_leads", keys=("side", "month", "rep_id"))["now", 11, "r1"] == (1,)


def test_leads_with_nothing_but_a_day_of_coming_in_are_untouched():
    cells = facts.lead_cells(
        department(leads=LEADS[["lead_id", "created_at"]]), YEARS, settle_days=21
    )
    assert counted(cells, "n_leads", "n_untouched", "n_deals", "n_answered") == {
        ("base", 0): (2, 2, 0, 0), ("base", 11): (1, 1, 0, 0),
        ("now", 0): (1, 1, 0, 0), ("now", 11): (2, 1, 0, 0),
    }  # fmt: skip


def test_an_answer_after_the_data_end_is_none():
    leads = frame("lead_id created_at first_response_at", ("A", "2025-05-05", "2026-01-05"))
    cells = facts.lead_cells(department(leads=leads), YEARS, settle_days=21)
    assert cells[["n_untouched", "n_answered", "log_hours"]].to_numpy().tolist() == [[1, 0, 0]]


CREATED = frame(
    "deal_id status created_at closed_at lead_id rep_id",
    ("A", "won", "2024-03-01", "2024-05-30", "L1", "r1"),  # at 90 days
    ("B", "won", "2024-03-01", "2024-05-31", "-", "r1"),  # at 91
    ("C", "lost", "2024-03-31 23:00", "2024-04-01", "-", "-"),
    ("D", "won", "2025-10-02", "2025-10-02", "L2", "r2"),  # the last one 90 days old
    ("E", "won", "2025-10-03", "2025-10-04", "L3", "r2"),  # too young
    ("F", "won", "2025-06-01", "-", "L4", "r2"),  # nobody knows when
    ("G", "open", "-", "-", "L5", "r2"),
    ("H", "won", "2026-01-01", "2026-01-02", "-", "r1"),  # not there yet
    ("I", "open", "2025-06-30", "-", "L6", "r2"),
)


def test_deals_are_counted_by_the_day_they_were_created():
    cells = facts.created_cells(department(CREATED), YEARS, within_days=90)
    names = ["n_deals", "n_unled", "n_settled", "n_won"]
    assert counted(cells, *names, keys=("side", "month", "rep_id")) == {
        ("base", 2, "r1"): (2, 1, 2, 1), ("base", 2, "unassigned"): (1, 1, 1, 0),
        ("now", 5, "r2"): (2, 0, 2, 0), ("now", 9, "r2"): (2, 0, 1, 1),
    }  # fmt: skip


def test_deals_without_a_rep_a_lead_or_a_place_are_counted_all_the_same():
    cells = facts.created_cells(
        department(CREATED.drop(columns=["rep_id", "lead_id"])), YEARS, within_days=90
    )
    assert cells.columns.tolist() == ["side", "month", "n_deals", "n_unled", "n_settled", "n_won"]
    assert counted(cells, "n_deals", "n_unled") == {
        ("base", 2): (3, 3), ("now", 5): (2, 2), ("now", 9): (2, 2),
    }  # fmt: skip


def test_a_place_is_the_deals_own_before_that_of_its_rep():
    reps = frame("rep_id team source", ("r1", "North", "fair"), ("r1", "South", "web"))
    deals = CREATED.assign(source="mail", team_="x")
    made = department(deals, reps=reps)
    assert places_of(made, "deals") == ["team", "source", "rep_id"]
    cells = facts.created_cells(made, YEARS, within_days=90)
    # a rep who is listed twice does not double the deals; nor is one who is not listed lost
    assert cells["n_deals"].sum() == 7
    assert set(cells["source"]) == {"mail"}
    assert set(zip(cells["rep_id"], cells["team"], strict=True)) == {
        ("r1", "North"), ("r2", "unassigned"), ("unassigned", "unassigned"),
    }  # fmt: skip


CLOSED = frame(
    "deal_id status created_at closed_at amount list_amount account_id cost_amount",
    ("A", "won", "2023-11-01", "2024-01-01", 80.0, 100.0, "a1", 30.0),
    ("B", "won", "2024-02-01", "2024-12-31 22:00", 50.0, None, "a1", None),  # no discount known
    ("C", "lost", "2024-02-01", "2025-01-01", None, 400.0, "a2", None),
    ("D", "won", "2024-12-31", "2025-03-31", 90.0, 100.0, "a1", None),
    ("E", "won", "2025-01-01", "2025-03-01", 60.0, 60.0, "a1", 20.0),  # buys again
    ("F", "won", "2025-02-01", "2025-03-05", 40.0, 50.0, "-", None),  # nobody's
    ("G", "won", "2025-02-01", "2025-03-05", 0.0, 50.0, "a2", 9.0),  # given away
    ("H", "won", "2025-02-01", "2025-03-05", None, 70.0, "a2", None),
    ("I", "open", "2025-02-01", "-", 500.0, 500.0, "a2", None),
    ("J", "won", "2025-02-01", "-", 30.0, 30.0, "a2", None),  # won, nobody knows when
)


def test_prices_are_counted_of_deals_won_for_money():
    cells = facts.won_cells(department(CLOSED), YEARS)
    found = counted(cells, "n_won", "amount", "list_amount", "depth", "depth_squares")
    assert found == {
        # 100 asked and 80 got is 5 to 4
        ("base", 0): pytest.approx((1, 80, 100, np.log(5 / 4), np.log(5 / 4) ** 2)),
        ("base", 11): pytest.approx((1, 50, 50, 0, 0)),
        # D, E and F: 10 to 9, nothing off, and 5 to 4
        ("now", 2): pytest.approx(
            (3, 190, 210, np.log(25 / 18), np.log(10 / 9) ** 2 + np.log(5 / 4) ** 2)
        ),
    }


def test_a_list_value_of_nothing_is_no_discount_without_end():
    deals = CLOSED[CLOSED["deal_id"] == "A"].assign(list_amount=0.0)
    cells = facts.won_cells(department(deals), YEARS)
    found = cells[["n_won", "amount", "list_amount", "depth"]].to_numpy().tolist()
    assert found == [[1, 80, 80, 0]]


def test_sizes_are_those_of_deals_decided_by_their_list_value():
    cells = facts.size_cells(department(CLOSED), YEARS)
    assert counted(cells, "n_decided", "listed", "log_list") == {
        ("base", 0): pytest.approx((1, 100, np.log(100))),
        ("base", 11): pytest.approx((1, 50, np.log(50))),  # the price, without a list value
        ("now", 0): pytest.approx((1, 400, np.log(400))),  # lost, with nothing but a list value
        # D to H; who got it for nothing was still shown a price
        ("now", 2): pytest.approx((5, 330, sum(np.log([100, 60, 50, 50, 70])))),
    }
    squares = np.log([100, 60, 50, 50, 70]) ** 2
    assert cells["log_list_squares"].iloc[-1] == pytest.approx(squares.sum())


def test_money_is_told_apart_by_what_happened_inside_the_window():
    leads = frame(
        "lead_id created_at deal_id", ("L1", "2024-12-31", "E"), ("L2", "2025-01-01", "D"),
        ("L3", "2025-02-01", "E"), ("L4", "2025-02-01", "-"),
    )  # fmt: skip
    cells = facts.money_cells(department(CLOSED, leads=leads), YEARS)
    names = ["amount", "of_leads", "of_deals", "of_repeats", "costed", "cost"]
    assert counted(cells, *names) == {
        ("base", 0): (80, 0, 0, 0, 80, 30),  # opened before its year began
        ("base", 11): (50, 0, 50, 50, 0, 0),  # without a lead; of an account that had bought
        # the lead of D came inside, the first of E before; E and F were opened inside; of
        # those E is of an account that had bought before; E alone tells what it cost
        ("now", 2): (190, 90, 100, 60, 60, 20),
    }


def test_without_leads_the_money_of_leads_is_that_of_deals_opened():
    cells = facts.money_cells(department(CLOSED.drop(columns="account_id")), YEARS)
    assert counted(cells, "of_leads", "of_deals", "of_repeats")["now", 2] == (100, 100, 0)


MAKES = [
    (lambda one: facts.lead_cells(one, YEARS, settle_days=21), {"leads": LEADS}),
    (lambda one: facts.created_cells(one, YEARS, within_days=90), {"deals": CREATED}),
    (lambda one: facts.won_cells(one, YEARS), {"deals": CLOSED}),
    (lambda one: facts.money_cells(one, YEARS), {"deals": CLOSED}),
    (lambda one: facts.step_cells(one, YEARS, within_days=45),
     {"deals": STEPPED, "stage_changes": MOVES, "stages": STAGES}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "tables"), MAKES)
def test_the_order_of_rows_does_not_change_the_cells(make, tables):
    first, second = (make(department(**one)) for one in (tables, shuffled(tables, seed=3)))
    assert_frame_equal(first, second)


@pytest.mark.parametrize(("make", "tables"), MAKES)
def test_cells_of_reps_add_up_to_those_without_any(make, tables):
    bare = {name: table.drop(columns="rep_id", errors="ignore") for name, table in tables.items()}
    whole, parts = make(department(**bare)), make(department(**tables))
    keys = [name for name in ("step", "side", "month") if name in whole]
    sums = parts.groupby(keys, as_index=False)[whole.columns.drop(keys).tolist()].sum()
    assert_frame_equal(whole, sums)
