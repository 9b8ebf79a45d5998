"""Where the deals stand now: counts of places, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

import salesdiag as sd
from salesdiag.analyses.funnel import current_stages
from salesdiag.stats.rates import wilson_interval
from tests.frames import deals_of, sample_department, sample_frames

ROWS = [
    ("A", "open", "lead", 10.0, "r1", 0),
    ("B", "open", "lead", None, "r1", 5),
    ("C", "lost", "lead", 7.0, "r2", 5),
    ("D", "won", "signed", 40.0, "r2", 5),
    ("E", "open", None, 3.5, None, 9),
]
COLUMNS = ["deal_id", "status", "stage", "amount", "rep_id", "created_at"]
COUNTS = ["stage", "n_deals", "n_open", "n_won", "n_lost"]


def test_places_counted_by_hand_most_deals_first():
    table = current_stages(deals_of(ROWS, COLUMNS))
    assert table[COUNTS].to_numpy().tolist() == [
        ["lead", 3, 2, 0, 1],
        ["signed", 1, 0, 1, 0],
        ["unassigned", 1, 1, 0, 0],
    ]
    # only open money: 10 of A, nothing known of B; no open deal is signed
    np.testing.assert_array_equal(table["open_amount"], [10, np.nan, 3.5])
    assert table["n_group"].tolist() == [5, 5, 5]
    assert table["stage_share"].tolist() == pytest.approx([0.6, 0.2, 0.2])
    low, high = wilson_interval([3, 1, 1], 5)
    np.testing.assert_allclose(table["stage_share_low"], low)
    np.testing.assert_allclose(table["stage_share_high"], high)


def test_shares_are_of_the_group():
    table = current_stages(deals_of(ROWS, COLUMNS), by="rep_id")
    assert table[["rep_id", "stage", "n_deals", "n_group"]].to_numpy().tolist() == [
        ["r1", "lead", 2, 2],
        ["r2", "lead", 1, 2],
        ["r2", "signed", 1, 2],
        ["unassigned", "unassigned", 1, 1],
    ]
    assert table["stage_share"].tolist() == [1, 0.5, 0.5, 1]


def test_the_window_is_of_creation():
    table = current_stages(deals_of(ROWS, COLUMNS), start="2025-01-02", end="2025-01-06")
    assert table[COUNTS].to_numpy().tolist() == [["lead", 2, 1, 0, 1], ["signed", 1, 0, 1, 0]]


def test_a_window_asks_for_the_date_of_creation():
    department = deals_of([("A", "open", "lead")], ["deal_id", "status", "stage"])
    with pytest.raises(sd.MissingDataError, match=r"deals\.created_at"):
        current_stages(department, start="2025-01-01")


def test_without_amounts_money_is_unknown_and_the_column_stays():
    table = current_stages(deals_of([("A", "open", "lead")], ["deal_id", "status", "stage"]))
    assert table["open_amount"].isna().all()


def test_splitting_by_the_stage_is_refused():
    with pytest.raises(sd.InputError, match="'stage' is the name of a result"):
        current_stages(deals_of(ROWS, COLUMNS), by=["rep_id", "stage"])


def test_every_deal_of_the_sample_is_somewhere():
    deals = sample_frames()["deals"]
    table = current_stages(sample_department())
    assert table.set_index("stage")["n_deals"].to_dict() == deals["stage"].value_counts().to_dict()
    assert table["stage_share"].sum() == pytest.approx(1)
    is_open = deals["status"] == "open"
    assert table["open_amount"].sum() == pytest.approx(deals.loc[is_open, "amount"].sum())
