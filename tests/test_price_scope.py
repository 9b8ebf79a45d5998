"""From where the two prices of a deal are taken, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import (
    break_even,
    discount_bands,
    discount_distribution,
    price_realisation,
    price_volume_mix,
    price_waterfall,
    target_distance_pattern,
)
from tests.frames import targets_of

LINES = pd.DataFrame({
    "deal_id": ["A", "A"], "product": ["desk", "lamp"], "quantity": [2.0, 4.0],
    "list_price": [150.0, 25.0], "unit_price": [140.0, 20.0], "unit_cost": [50.0, 10.0],
})  # list 400, net 360, cost 140  # fmt: skip


def department_of(lines=LINES, **columns):
    """Build one won deal, A, with these prices of its own."""
    deals = pd.DataFrame({"deal_id": ["A"], "status": "won"} | {
        name: pd.Series([value], dtype=float) for name, value in columns.items()
    })  # fmt: skip
    return sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")


def realised(**columns):
    row = price_realisation(department_of(**columns)).iloc[0]
    return (row.n_priced, row.n_unpriced, row.list_amount, row.net_amount)


def test_a_deal_with_both_prices_speaks_for_itself():
    assert realised(amount=900.0, list_amount=1000.0) == (1, 0, 1000, 900)


def test_an_amount_of_other_scope_than_the_lines_gives_no_price():
    # 1,180 holds services that no line names: over the lines' 400 it would be 2.95
    found = realised(amount=1180.0)
    assert found[:2] == (0, 1)
    assert np.isnan(found[2:]).all()
    assert realised(amount=1180.0, list_amount=None)[:2] == (0, 1)
    # part of the order, or a list price of another thing
    assert realised(amount=340.0)[:2] == (0, 1)
    assert realised(list_amount=1000.0)[:2] == (0, 1)


@pytest.mark.parametrize(
    "own", [{}, {"amount": None, "list_amount": None}, {"amount": 0.0, "list_amount": 0.0},
            {"amount": 363.6}, {"amount": 356.5}, {"list_amount": 400.0},
            {"amount": 0.0, "list_amount": 400.0}],
)  # fmt: skip
def test_both_prices_come_from_lines_that_do_not_contradict_the_deal(own):
    assert realised(**own) == (1, 0, 400, 360)


@pytest.mark.parametrize("own", [{"amount": 364.0}, {"amount": -360.0}, {"list_amount": 395.0}])
def test_beyond_a_hundredth_they_contradict_it(own):
    assert realised(**own)[:2] == (0, 1)


def test_a_line_without_a_price_is_not_the_whole_deal():
    lines = LINES.assign(unit_price=[140.0, None])
    row = price_realisation(department_of(lines)).iloc[0]
    assert (row.n_priced, row.n_unpriced) == (0, 1)


def test_cost_of_lines_is_that_of_a_deal_of_the_same_scope_only():
    same = price_realisation(department_of(amount=340.0, list_amount=400.0)).iloc[0]
    assert (same.n_without_cost, same.contribution_amount) == (0, 200)
    other = price_realisation(department_of(amount=900.0, list_amount=1000.0)).iloc[0]
    assert other.n_without_cost == 1
    assert np.isnan(other.contribution_amount)


def test_lines_of_another_scope_do_not_tell_the_level_of_a_discount():
    for reason in (None, "product"):
        table = price_waterfall(department_of(amount=900.0, list_amount=1000.0), reason=reason)
        steps = table.set_index(table["step"] + table["reason"])["step_amount"]
        if reason is None:
            assert steps["discount of unknown level"] == -100
            assert steps["line discount"] == steps["deal discount"] == 0
        else:
            assert steps["deal discount"] == -100
            assert steps["discountdesk"] == steps["discountlamp"] == 0


def test_money_booked_counts_towards_the_target_though_the_deal_is_unpriced():
    deals = pd.DataFrame({
        "deal_id": ["A"], "status": "won", "rep_id": "r", "amount": 1180.0,
        "closed_at": pd.to_datetime(["2025-02-03"]),
    })  # fmt: skip
    targets = targets_of([("rep", "r", "2025-01-01", "2025-03-31", 1000.0)])
    lines = pd.concat([LINES, LINES.assign(deal_id="B")])
    more = pd.DataFrame({"deal_id": ["B"], "status": "won", "rep_id": "r", "amount": None,
                         "closed_at": pd.to_datetime(["2025-03-31"])})  # fmt: skip
    frame = pd.concat([deals, more.astype({"amount": float})])
    department = sd.Department(deals=frame, line_items=lines, targets=targets, as_of="2025-12-31")
    table = target_distance_pattern(department)
    assert table["n_last"].tolist() == [0, 0, 0, 1]  # at 118 % before the last days
    assert table["n_unpriced"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "analysis",
    [price_realisation, discount_distribution, discount_bands, break_even, price_waterfall,
     price_volume_mix],
)  # fmt: skip
def test_a_deal_listed_twice_never_doubles_its_lines(analysis):
    deals = pd.DataFrame({"deal_id": ["A", "A", "B"], "status": "won",
                          "closed_at": pd.to_datetime(["2025-02-03"] * 3)})  # fmt: skip
    lines = pd.concat([LINES, LINES.assign(deal_id="B")])
    with pytest.raises(sd.InputError, match="1 of 3 rows repeat the id of another, such as A"):
        analysis(sd.Department(deals=deals, line_items=lines, as_of="2025-12-31"))


def test_lines_without_their_deal_and_deals_without_lines():
    deals = pd.DataFrame({"deal_id": ["A", "C"], "status": "won"})
    lines = pd.concat([LINES, LINES.assign(deal_id="nowhere")])
    department = sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")
    won = discount_distribution(department, unit="lines").iloc[0]
    assert (won.n_cases, won.n_without_lines, won.list_amount) == (2, 1, 400)
    of_deals = discount_distribution(department).iloc[0]
    assert (of_deals.n_cases, of_deals.n_unpriced, of_deals.n_without_lines) == (2, 1, 0)


def test_a_day_of_closing_after_as_of_is_unknown():
    deals = pd.DataFrame({
        "deal_id": [str(number) for number in range(200)], "status": "won", "amount": 90.0,
        "list_amount": 100.0,
        "closed_at": pd.to_datetime(["2025-02-03"] * 199 + ["2150-02-03"]),
    })  # fmt: skip
    department = sd.Department(deals=deals, as_of="2025-12-31")
    row = price_realisation(department, start="2025-01-01", end="2199-01-01").iloc[0]
    assert (row.n_deals, row.n_undated) == (199, 1)
    assert price_realisation(department)["n_deals"][0] == 200


def test_a_key_named_like_a_column_of_the_reduction_is_refused():
    deals = pd.DataFrame({"deal_id": ["A"], "status": "won", "amount": 9.0, "list_amount": 9.0,
                          "depth": "deep"})  # fmt: skip
    with pytest.raises(sd.InputError, match="'depth' is the name of a result"):
        price_realisation(sd.Department(deals=deals, as_of="2025-12-31"), by="depth")
