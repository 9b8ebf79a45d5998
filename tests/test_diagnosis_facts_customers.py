"""The cells of open deals, quarters, selling days, customers and entries, counted by hand.

The window is 2025, the base 2024; the data end on 31 December 2025.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.diagnosis import account_facts, entry_facts, more_facts
from salesdiag.diagnosis.cells import Cells
from tests.frames import STAGES, shuffled
from tests.yearly_frames import YEARS, counted, department, frame

OPEN = frame(
    "deal_id status created_at closed_at rep_id",
    ("A", "open", "2024-01-10", "-", "r1"),  # 60 days old on 10 March
    ("B", "won", "2025-03-05", "2025-03-20", "r1"),  # came and went within a month
    ("C", "lost", "2025-03-05", "2025-04-01", "-"),
    ("D", "won", "2025-01-31", "2025-04-10", "r1"),  # old from 1 April on, closed in April
    ("E", "lost", "2025-01-01", "-", "r1"),  # closed, nobody knows when: left out
    ("F", "won", "2023-06-01", "2025-02-28", "r1"),  # old from the beginning, 461 days in September
    ("G", "open", "2026-01-01", "-", "r1"),
    ("H", "open", "-", "-", "r1"),
)


def still_open(made):
    """Count deals until they are 460 days old: A until 14 April 2025, F until 3 September 2024."""
    return more_facts.open_cells(made, YEARS, winnable_days=60, looked_at=400)


def test_open_deals_are_counted_at_the_ends_of_months():
    cells = still_open(department(OPEN))
    assert {name for name in ("side", "month", "rep_id") if name in cells} == {
        "side", "month", "rep_id",
    }  # fmt: skip
    own = counted(cells[cells["rep_id"] == "r1"], "n_open", "n_old")
    expected = {("base", month): (2, 1 if month < 2 else 2) for month in range(8)}
    expected |= {("base", month): (1, 1) for month in range(8, 12)}  # A; F is no longer looked at
    expected |= {("now", month): (2, 1) for month in range(3)}  # A, and D from the day it came
    expected |= {("now", month): (0, 0) for month in range(3, 12)}  # A has had its time, D is won
    assert own == expected
    nobodys = counted(cells[cells["rep_id"] == "unassigned"], "n_open")
    assert nobodys["now", 2] == (1,)  # C at the end of March
    assert sum(n for (n,) in nobodys.values()) == 1


@pytest.mark.parametrize(("looked_at", "in_march"), [(30, (0, 0)), (31, (1, 1))])
def test_a_dead_deal_is_counted_for_so_many_days_and_then_no_more(looked_at, in_march):
    # too old from 1 March on; the 31st day after that is 1 April
    deals = frame("deal_id status created_at closed_at", ("A", "open", "2024-01-01", "-"))
    cells = more_facts.open_cells(department(deals), YEARS, winnable_days=60, looked_at=looked_at)
    found = counted(cells, "n_open", "n_old")
    assert [found["base", month] for month in (1, 2, 3)] == [(1, 0), in_march, (0, 0)]


def test_a_deal_closed_after_it_was_looked_at_long_enough_leaves_once():
    deals = frame("deal_id status created_at closed_at", ("A", "lost", "2024-01-01", "2024-12-24"))
    cells = more_facts.open_cells(department(deals), YEARS, winnable_days=60, looked_at=31)
    found = counted(cells, "n_open", "n_old")
    assert {found[side, month] for side in ("base", "now") for month in range(12)} == {
        (1, 0), (1, 1), (0, 0),
    }  # fmt: skip
    assert found["now", 11] == (0, 0)


def test_where_no_deal_is_old_yet_none_is_and_not_an_unknown_number():
    deals = OPEN[OPEN["deal_id"].isin(["A", "D"])]
    cells = still_open(department(deals))
    found = counted(cells, "n_open", "n_old")
    assert [found["base", month] for month in (0, 1, 2)] == [(1, 0), (1, 0), (1, 1)]


def test_open_deals_of_nobody_are_counted_too():
    deals = OPEN[OPEN["deal_id"].isin(["A", "F"])].drop(columns="rep_id")
    found = counted(still_open(department(deals)), "n_open", "n_old")
    assert [found["base", 0], found["base", 2], found["now", 1]] == [(2, 1), (2, 2), (1, 1)]


WON = frame(
    "deal_id status created_at closed_at amount list_amount",
    ("A", "won", "2025-01-01", "2025-03-15", 90.0, 100.0),  # the middle of the last month
    ("B", "won", "2025-01-01", "2025-03-16", 80.0, 100.0),
    ("C", "won", "2025-01-01", "2025-03-31 23:59", 70.0, 100.0),
    ("D", "won", "2025-01-01", "2025-04-01", 50.0, None),
    ("E", "won", "2025-01-01", "2025-04-15 20:00", 60.0, 100.0),
    ("F", "won", "2025-01-01", "2025-04-16", 40.0, 100.0),
    ("G", "lost", "2025-01-01", "2025-04-16", 40.0, 100.0),
    ("H", "won", "2025-01-01", "2025-04-16", 0.0, 100.0),
)


def test_a_quarter_ends_in_the_second_half_of_its_last_month():
    cells = more_facts.period_cells(department(WON), YEARS)
    names = ["n_won", "amount", "depth", "depth_squares"]
    # what was asked is 10/8, 10/7, 10/9, 10/6 and 10/4 of what was paid
    b, c, a, e, f = np.log(10 / np.array([8, 7, 9, 6, 4]))
    assert counted(cells, *names, keys=("phase", "month")) == {
        ("end", 2): pytest.approx((2, 150, b + c, b**2 + c**2)),
        ("rest", 2): pytest.approx((1, 90, a, a**2)),
        ("start", 3): pytest.approx((2, 110, e, e**2)),  # D without a list value, and E
        ("rest", 3): pytest.approx((1, 40, f, f**2)),
    }  # fmt: skip


def test_quarters_are_those_of_the_fiscal_year():
    made = department(WON, calendar=sd.Calendar(fiscal_year_start=2))  # quarters end with April
    cells = more_facts.period_cells(made, YEARS)
    assert counted(cells, "n_won", keys=("phase", "month")) == {
        ("rest", 2): (3,), ("rest", 3): (2,), ("end", 3): (1,),
    }  # fmt: skip


def test_a_list_value_of_nothing_spoils_no_quarter():
    cells = more_facts.period_cells(department(WON.assign(list_amount=0.0)), YEARS)
    assert cells[["depth", "depth_squares"]].to_numpy().sum() == 0
    assert cells["n_won"].sum() == 6


def test_selling_days_are_the_working_days_between_coming_and_leaving():
    reps = frame(
        "rep_id team role hired_on left_on",
        ("r1", "North", "seller", "2024-12-30", "2025-01-03"),  # Monday to Friday
        ("r2", "-", "seller", "2024-12-26", "-"),  # Thursday
        ("r3", "South", "manager", "2020-01-01", "-"),  # sells nothing
    )  # fmt: skip
    cells = more_facts.day_cells(
        department(reps=reps, calendar=sd.Calendar(holidays=("2025-01-01",))), YEARS
    )
    assert counted(cells, "n_selling_days", keys=("side", "rep_id", "team")) == {
        ("base", "r1", "North"): (2,), ("now", "r1", "North"): (2,),
        ("base", "r2", ""): (4,), ("now", "r2", ""): (260,),  # 261 working days less one
    }  # fmt: skip


BOUGHT = frame(
    "deal_id status created_at closed_at account_id amount",
    ("1", "won", "2023-12-01", "2024-01-15", "a1", 10.0),
    ("2", "won", "2024-03-05", "2024-05-10", "a1", 20.0),  # an order two months after a purchase
    ("3", "open", "2024-06-01", "-", "a1", 5.0), ("4", "lost", "2024-06-20", "2024-07-01", "a1", 5),
    ("5", "won", "2024-04-01", "2024-05-20", "a2", 30.0),  # had bought nothing before
    ("6", "open", "2024-08-09", "-", "a2", 5.0),
    ("7", "won", "2025-02-01", "2025-02-10", "a1", None),  # first purchase of its year
    ("8", "open", "2025-04-01", "-", "a2", 5.0),  # bought nothing in this year
    ("9", "won", "2025-05-01", "2025-06-01", "-", 40.0),
)  # fmt: skip
# somebody who never buys asks every month
ASKED = pd.DataFrame({
    "deal_id": [f"x{number}" for number in range(24)], "status": "open", "account_id": "a9",
    "created_at": pd.date_range("2024-01-02", periods=24, freq="MS"), "closed_at": pd.NaT,
})  # fmt: skip
ALL = pd.concat([BOUGHT, ASKED], ignore_index=True)


def test_customers_are_at_risk_from_the_month_after_a_purchase_of_the_same_year():
    cells = account_facts.order_cells(department(ALL), YEARS, without=())
    expected = {
        ("base", 1, 1): (1, 0), ("base", 2, 2): (1, 1),  # a1 alone, and its order of March
        ("base", 3, 3): (1, 0), ("base", 4, 4): (1, 0),
        ("base", 5, 1): (2, 1),  # both bought in May; a1 came back in June, twice
        ("base", 7, 3): (2, 1),  # a2 in August
    }  # fmt: skip
    expected |= {("base", month, month - 4): (2, 0) for month in (6, 8, 9, 10, 11)}
    expected |= {("now", month, month - 1): (1, 0) for month in range(2, 12)}  # a1 from February
    assert counted(cells, "n_at_risk", "n_orders", keys=("side", "month", "lag")) == expected


def test_some_customers_can_be_left_out_and_told_apart():
    accounts = frame("account_id segment", ("a1", "S"), ("a2", "L"))
    made = department(ALL, accounts=accounts)
    cells = account_facts.order_cells(made, YEARS, without=("a1",))
    keys = ("side", "month", "lag", "segment")
    assert counted(cells, "n_at_risk", "n_orders", keys=keys) == {
        ("base", month, month - 4, "L"): (1, int(month == 7)) for month in range(5, 12)
    }
    both = account_facts.order_cells(made, YEARS, without=())
    assert both.groupby("segment")["n_orders"].sum().to_dict() == {"L": 1, "S": 2}


@pytest.mark.parametrize(
    ("deals", "without"), [(ALL, ("a9",)), (ALL.replace({"account_id": {"a9": None}}), ())]
)
def test_a_month_in_which_any_deal_is_opened_is_one_at_risk_for_all(deals, without):
    cells = account_facts.order_cells(department(deals), YEARS, without=without)
    at_risk = cells.groupby("side")["n_at_risk"].sum().to_dict()
    # a1 from February, a2 from June; a1 from March of the next year
    assert at_risk == {"base": 11 + 7, "now": 10}


def test_a_month_without_any_deal_opened_is_no_month_at_risk():
    cells = account_facts.order_cells(department(BOUGHT), YEARS, without=())
    at_risk = cells.groupby("side")["n_at_risk"].sum().to_dict()
    # deals are opened in March, April, June and August, and in February, April and May of the
    # next year: a1 is at risk in the first four, a2 in two of them, a1 in the last two
    assert at_risk == {"base": 4 + 2, "now": 2}


def test_returns_scatter_by_how_unequally_customers_come_back():
    # a1 came back in two months of the base, a2 in one: (4 + 1) / (2 + 1)
    assert account_facts.order_spread(department(ALL), YEARS, without=()) == pytest.approx(5 / 3)
    assert account_facts.order_spread(department(ALL), YEARS, without=("a1",)) == 1.0
    assert account_facts.order_spread(department(ASKED), YEARS, without=()) == 1.0


def test_large_accounts_are_counted_by_deals_opened_and_summed_by_deals_won():
    sums = account_facts.account_sums(department(ALL), YEARS).set_index("account_id")
    # a9 bought nothing in the base and a deal without an account is nobody's; deal 1 was opened
    # before the base and won inside, 7 was won for nobody knows what
    assert sums.to_dict("index") == {
        "a1": {"n_base": 3, "n_now": 1, "n_won_base": 2, "base_amount": 30, "now_amount": 0},
        "a2": {"n_base": 2, "n_now": 1, "n_won_base": 1, "base_amount": 30, "now_amount": 0},
    }  # fmt: skip


def test_fifty_accounts_are_looked_at_the_largest_first():
    many = pd.DataFrame({
        "deal_id": [f"d{number:02d}" for number in range(60)], "status": "won",
        "account_id": [f"a{number:02d}" for number in range(60)],
        "created_at": pd.Timestamp("2024-02-01"), "closed_at": pd.Timestamp("2024-12-31"),
        "amount": np.arange(60.0),
    })  # fmt: skip
    sums = account_facts.account_sums(department(many), YEARS)
    assert sums["account_id"].tolist() == [f"a{number:02d}" for number in range(59, 9, -1)]


ENTERED = {
    "deals": frame(
        "deal_id status created_at closed_at rep_id",
        ("A", "won", "2024-03-05 09:00", "2024-03-05", "r1"),  # created and won on one day
        ("B", "won", "2024-03-06 09:00", "2024-03-07", "r1"),
        ("C", "lost", "2024-03-06 09:10", "2024-03-06", "r1"),
        ("D", "won", "2025-01-01 09:00", "2025-01-01", "-"),
        ("E", "won", "2023-12-31 09:00", "2023-12-31", "r1"),  # before both years
    ),
    "activities": frame(
        "activity_id activity_type occurred_at logged_at rep_id",
        ("1", "call", "2025-01-02 09:00", "2025-01-02 09:05", "r1"),
        ("2", "call", "2025-02-03 09:00", "2025-02-10 10:00", "r1"),  # a week late
        ("3", "call", "2025-02-03 10:00", "2025-02-11 11:00", "r1"),  # beyond it
        ("4", "call", "2025-02-04 10:00", "-", "r1"),
    ),
    "leads": frame(
        "lead_id created_at first_response_at rep_id",
        *[(f"L{one}", "2025-05-30", f"2025-06-02 10:00:{10 + one}", "r1") for one in range(5)],
        ("L6", "2025-05-30", "2025-06-02 10:01", "r1"), ("L7", "2025-05-30", "-", "r1"),
    ),
    "stage_changes": frame(
        "deal_id stage entered_at rep_id",
        # the last working day of March; a rep who enters five within the hour
        *[("A", "lead", f"2025-03-31 16:{10 * one}", "r1") for one in range(1, 6)],
        ("B", "lead", "2025-03-31 16:20", "r2"), ("C", "lead", "2025-03-26 16:20", "r1"),
    ),
}  # fmt: skip


def test_entries_that_look_made_up_are_counted_by_table_and_kind():
    cells = entry_facts.entry_cells(department(**ENTERED, stages=STAGES), YEARS)
    assert set(cells["kind"]) == {
        "back_dated", "burst", "one_minute", "period_end_batch", "create_and_win",
    }  # fmt: skip
    found = counted(
        cells, "n_examined", "n_suspect", keys=("table", "kind", "side", "month", "rep_id")
    )
    assert found["deals", "create_and_win", "base", 2, "r1"] == (2, 1)
    assert found["deals", "create_and_win", "now", 0, "unassigned"] == (1, 1)
    assert found["activities", "back_dated", "now", 0, "r1"] == (1, 0)
    assert found["activities", "back_dated", "now", 1, "r1"] == (2, 1)
    assert found["leads", "one_minute", "now", 4, "r1"] == (6, 5)
    assert found["stage_changes", "period_end_batch", "now", 2, "r1"] == (6, 5)
    assert found["stage_changes", "period_end_batch", "now", 2, "r2"] == (1, 0)
    suspects = cells.groupby(["table", "kind"])["n_suspect"].sum()
    assert suspects.sum() == 1 + 1 + 1 + 5 + 5


def test_entries_without_any_moment_are_no_crash():
    made = department(frame("deal_id status", ("A", "won")))
    entries = Cells(made, YEARS.start, YEARS.end, 0.9).entries
    assert entries is None or not len(entries)


@pytest.mark.parametrize(
    ("make", "tables"),
    [
        (still_open, {"deals": OPEN}),
        (lambda one: more_facts.period_cells(one, YEARS), {"deals": WON}),
        (lambda one: account_facts.order_cells(one, YEARS, without=()), {"deals": ALL}),
        (lambda one: account_facts.account_sums(one, YEARS), {"deals": ALL}),
        (lambda one: entry_facts.entry_cells(one, YEARS), ENTERED | {"stages": STAGES}),
    ],
)  # fmt: skip
def test_the_order_of_rows_does_not_change_the_cells(make, tables):
    first, second = (make(department(**one)) for one in (tables, shuffled(tables, seed=3)))
    assert_frame_equal(first, second)
