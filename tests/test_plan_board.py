"""The results board, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import salesdiag as sd

DAYS = pd.to_datetime


def department(**more) -> sd.Department:
    """Two weeks of January 2025 (from Monday the 6th), and a day of the week 52 weeks before."""
    deals = pd.DataFrame({
        "deal_id": list("ABCDE"), "status": ["won", "won", "lost", "won", "open"],
        "rep_id": ["r1", "r1", "r2", "r2", "r2"],
        "amount": [100.0, np.nan, 70.0, 300.0, 10.0],
        "created_at": DAYS(["2024-01-02"] * 4 + ["2025-01-15"]),
        "closed_at": DAYS(["2025-01-06", "2025-01-12", "2025-01-08", "2024-01-10", None]),
    })  # fmt: skip
    leads = pd.DataFrame({
        "lead_id": list("abcd"), "rep_id": ["r1", "r1", "r2", None],
        "created_at": DAYS(["2025-01-06", "2025-01-12", "2025-01-13", "2023-12-30"]),
    })  # fmt: skip
    reps = pd.DataFrame({"rep_id": ["r1", "r2"], "team": ["North", "South"]})
    tables = {"deals": deals, "leads": leads, "reps": reps} | more
    kept = {name: table for name, table in tables.items() if table is not None}
    return sd.Department(**kept, as_of="2025-01-22")


def test_a_week_runs_from_monday_to_sunday_and_only_whole_ones_are_shown():
    board = sd.plan.results_board(department(), start="2025-01-01")
    assert board["week_start"].dt.strftime("%m-%d").tolist() == ["01-06", "01-13"]
    assert board["week_end"].dt.strftime("%m-%d").tolist() == ["01-12", "01-19"]
    assert board["n_leads"].tolist() == [2, 1]
    assert board["n_won"].tolist() == [2, 0]  # the lost deal and the one of 2024 are not there
    assert board["n_without_amount"].tolist() == [1, 0]
    assert board["won_amount"].tolist() == [100.0, 0.0]


def test_the_year_before_is_52_weeks_earlier_and_unknown_before_the_data_begin():
    board = sd.plan.results_board(department(), start="2025-01-01")
    assert board["earlier_won"].isna().tolist() == [True, False]  # closings begin on 10 January
    assert board["earlier_leads"].tolist() == [0.0, 0.0]  # leads are known since 30 December
    late = sd.plan.results_board(department(), start="2025-01-13")
    assert late["earlier_won"].tolist() == [0.0]
    again = department(
        deals=department()
        .fetch("deals")
        .assign(closed_at=DAYS(["2025-01-13", "2025-01-14", "2024-01-01", "2024-01-15", None]))
    )
    board = sd.plan.results_board(again, start="2025-01-13")
    assert board[["earlier_won", "earlier_amount"]].to_numpy().tolist() == [[1.0, 300.0]]


def test_without_leads_the_deals_created_are_what_came_in():
    board = sd.plan.results_board(department(leads=None), start="2025-01-13")
    assert board[["entry_basis", "n_leads"]].to_numpy().tolist() == [["deals", 1]]


def test_teams_add_up_and_weeks_without_anything_are_rows():
    whole = sd.plan.results_board(department(), start="2025-01-01")
    teams = sd.plan.results_board(department(), by="team", start="2025-01-01")
    assert len(teams) == 2 * 3  # North, South, and the lead of nobody
    sums = teams.groupby("week_start")[["n_leads", "n_won", "won_amount"]].sum()
    assert sums.to_numpy().tolist() == whole[["n_leads", "n_won", "won_amount"]].to_numpy().tolist()


def test_the_range_of_one_win_is_that_of_a_poisson_count_of_1():
    board = sd.plan.results_board(department(), start="2025-01-01", confidence=0.95)
    low, high = stats.gamma.ppf([0.025, 0.975], [1, 2])
    found = board.loc[0, ["won_amount_low", "won_amount_high"]].to_numpy(float)
    assert found == pytest.approx([100 * low, 100 * high])


def test_without_amounts_money_is_missing_and_not_0():
    deals = department().fetch("deals").drop(columns="amount")
    board = sd.plan.results_board(department(deals=deals), start="2025-01-01")
    assert board[["won_amount", "won_amount_low", "earlier_amount"]].isna().all(axis=None)
    assert board["n_won"].tolist() == [2, 0]
