"""How much more must be sold so that a discount pays back: closed forms and hand counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import break_even
from tests.frames import sample_department


def department_of(rows, **more):
    """Build deals of (status, list price, discount, cost), closed in January."""
    frame = pd.DataFrame(rows, columns=["status", "list_amount", "off", "cost_amount"])
    frame["amount"] = frame["list_amount"] * (1 - frame.pop("off"))
    frame["deal_id"] = frame.index.astype(str)
    frame["closed_at"] = pd.Timestamp("2025-01-10")
    return sd.Department(deals=frame, as_of="2025-12-31", **more)


@pytest.mark.parametrize(
    ("off", "cost", "growth"), [(0.05, 70.0, 0.2), (0.10, 60.0, 1 / 3), (0.2, 80.0, np.inf)]
)
def test_the_growth_that_a_discount_needs(off, cost, growth):
    table = break_even(department_of([("won", 100.0, off, cost)]), edges=(0.0, 0.5))
    assert table["needed_growth"][1] == pytest.approx(growth)
    assert table["list_margin"][1] == pytest.approx(1 - cost / 100)


def test_the_need_is_that_of_the_goods_in_the_band():
    table = break_even(
        department_of([("won", 100.0, 0.0, 20.0), ("won", 100.0, 0.1, 80.0)]), edges=(0.0,)
    )
    assert table["list_margin"].tolist() == pytest.approx([0.8, 0.2])
    assert table["needed_growth"].tolist() == pytest.approx([0, 1.0])
    assert table["contribution_amount"].tolist() == pytest.approx([80, 10])
    assert table["is_below_cost"].tolist() == [False, False]


def test_below_cost():
    table = break_even(department_of([("won", 100.0, 0.3, 75.0)]), edges=(0.0,))
    assert table["is_below_cost"].tolist() == [False, True]
    assert table["contribution_amount"][1] == pytest.approx(-5)
    assert table["contribution_amount"].isna().tolist() == [True, False]


def test_a_higher_margin_needs_less_and_the_interval_turns_over():
    table = break_even(sample_department())
    known = table[table["n_priced"] > 20]
    assert (known["needed_growth_low"] <= known["needed_growth"]).all()
    deep = known.iloc[-1]
    assert deep.needed_growth_low == pytest.approx(
        deep.weighted_discount / (deep.list_margin_high - deep.weighted_discount)
    )


class TestVolume:
    def test_wins_against_deals_of_the_same_size_by_hand(self):
        # small deals: 5 of 10 won at list price, 8 of 10 with a discount; large ones 2 and 3 of 10
        rows = []
        for listed, off, won in ((10.0, 0, 5), (10.0, 0.1, 8), (90.0, 0, 2), (90.0, 0.1, 3)):
            rows += [("won" if n < won else "lost", listed, off, 1.0) for n in range(10)]
        table = break_even(department_of(rows), edges=(0.0,))
        assert table["volume_basis"].tolist() == ["wins", "wins"]
        assert table["n_compared"].tolist() == [20, 20]
        assert table["associated_growth"].tolist() == pytest.approx([0, 11 / 7 - 1])
        assert table["associated_growth_low"][1] < 11 / 7 - 1 < table["associated_growth_high"][1]
        assert table["grade"].tolist() == ["", "D"]

    def test_units_against_the_same_product_by_hand(self):
        deals = pd.DataFrame({"deal_id": list("ABCD"), "status": "won"})
        lines = pd.DataFrame({
            "deal_id": list("ABCDD"), "product": ["desk", "desk", "desk", "lamp", "lamp"],
            "quantity": [2.0, 4.0, 6.0, 1.0, 9.0], "list_price": 10.0, "unit_cost": 5.0,
            "unit_price": [10.0, 10.0, 8.0, 8.0, 8.0],
        })  # fmt: skip
        department = sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")
        table = break_even(department, edges=(0.0,), unit="lines")
        # a desk line at list price has 3 units, with the discount 6; lamps have none to compare
        assert table["associated_growth"].tolist() == pytest.approx([0, 1.0])
        assert table["n_compared"].tolist() == [2, 1]
        assert table["n_priced"].tolist() == [2, 3]
        assert set(table["volume_basis"]) == {"quantity"}

    def test_without_prices_of_lost_deals_there_is_none(self):
        table = break_even(department_of([("won", 10.0, 0.1, 1.0), ("lost", None, None, None)]))
        assert set(table["volume_basis"]) == {"none"}
        assert table["associated_growth"].isna().all()
        assert set(table["grade"]) == {""}

    def test_no_effect_is_covered(self):
        # 60 departments where discounts change nothing: the interval holds 0
        rng = np.random.default_rng(7)
        n = 60 * 400
        listed = rng.lognormal(7, 1, n).round(2)
        frame = pd.DataFrame({
            "world": np.repeat(np.arange(60), 400).astype(str), "list_amount": listed,
            "amount": (listed * np.where(rng.random(n) < 0.5, 0.9, 1.0)).round(2),
            "cost_amount": 0.0, "status": np.where(rng.random(n) < 0.4, "won", "lost"),
        })  # fmt: skip
        frame["deal_id"] = frame.index.astype(str)
        table = break_even(
            sd.Department(deals=frame, as_of="2025-12-31"), edges=(0.05,), by="world"
        )
        deep = table[table["discount_from"] == 0.05]
        inside = deep["associated_growth_low"].le(0) & deep["associated_growth_high"].ge(0)
        assert 0.88 <= inside.mean() <= 1


def test_costs_are_asked_for():
    frame = pd.DataFrame({"deal_id": ["A"], "status": "won", "amount": 9.0, "list_amount": 10.0})
    with pytest.raises(sd.MissingDataError, match=r"break_even needs deals\.cost_amount"):
        break_even(sd.Department(deals=frame, as_of="2025-12-31"))


def test_costs_may_come_from_the_lines():
    frame = pd.DataFrame({"deal_id": ["A"], "status": "won", "amount": 90.0, "list_amount": 100.0})
    lines = pd.DataFrame({"deal_id": ["A"], "product": "desk", "quantity": 2.0, "list_price": 50.0,
                          "unit_price": 45.0, "unit_cost": 30.0})  # fmt: skip
    department = sd.Department(deals=frame, line_items=lines, as_of="2025-12-31")
    assert break_even(department, edges=(0.0,))["contribution_amount"][1] == 30  # 90 - 2 x 30


def test_a_group_whose_lost_deals_have_no_prices_has_no_volume_to_compare():
    rows = [(status, 100.0, 100.0 - off) for status in ("won", "lost") for off in (0.0, 10.0)] * 30
    deals = pd.DataFrame(rows, columns=["status", "list_amount", "amount"])
    north = deals.assign(team="north", cost_amount=50.0)
    south = north.assign(team="south")
    south.loc[south["status"] == "lost", ["list_amount", "amount"]] = None
    frame = pd.concat([north, south], ignore_index=True)
    frame["deal_id"] = frame.index.astype(str)
    table = break_even(sd.Department(deals=frame, as_of="2025-12-31"), by="team", edges=(0.0,))
    assert table["volume_basis"].tolist() == ["wins", "wins", "none", "none"]
    assert table["associated_growth"].isna().tolist() == [False, False, True, True]
    assert table["n_compared"].tolist() == [60, 60, 0, 0]
    assert table["n_unpriced"].tolist() == [0] * 4


def test_a_group_without_prices_is_shown():
    frame = pd.DataFrame({
        "deal_id": list("ABC"), "status": "won", "team": ["n", "n", "s"], "cost_amount": 50.0,
        "amount": [90.0, 100.0, 80.0], "list_amount": [100.0, 100.0, None],
    })  # fmt: skip
    table = break_even(sd.Department(deals=frame, as_of="2025-12-31"), by="team", edges=(0.0,))
    assert table["team"].tolist() == ["n", "n", "s", "s"]
    assert table["n_cases"].tolist() == [2, 2, 0, 0]
    assert table["n_unpriced"].tolist() == [0, 0, 1, 1]
