"""What is realised of the list price, step by step: counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import price_realisation, price_waterfall
from tests.frames import deals_of, sample_department

COLUMNS = ["deal_id", "status", "closed_at", "list_amount", "amount", "cost_amount", "account_id"]
DEALS = [
    ("A", "won", 1, 100.0, 90.0, 60.0, "x"),
    ("B", "won", 1, 300.0, 300.0, 200.0, "y"),
    ("C", "won", 1, None, 50.0, 10.0, "y"),
    ("D", "won", None, 100.0, 80.0, None, "z"),
    ("E", "lost", 1, 900.0, 500.0, 100.0, "z"),
]


def test_realisation_and_margin_by_hand():
    row = price_realisation(deals_of(DEALS, COLUMNS)).iloc[0]
    assert (row.n_deals, row.n_priced, row.n_unpriced, row.n_discounted) == (4, 3, 1, 2)
    assert (row.list_amount, row.net_amount, row.discount_amount) == (500, 470, 30)
    assert row.price_realisation == pytest.approx(0.94)
    assert row.discounted_rate == pytest.approx(2 / 3)
    # D has no cost: the margin is that of A and B
    assert (row.n_without_cost, row.contribution_amount) == (1, 130)
    assert row.margin == pytest.approx(130 / 390)


def test_the_interval_is_the_textbooks_for_a_ratio_of_sums():
    # Cochran: variance n / (n - 1) sum (y - Rx)^2 / X^2; three accounts of equal size
    rows = [(str(n), "won", 1, 100.0, net, 0.0, str(n)) for n, net in enumerate((90.0, 80.0, 70.0))]
    row = price_realisation(deals_of(rows, COLUMNS)).iloc[0]
    error = np.sqrt(3 / 2 * (10**2 + 0 + 10**2)) / 300
    assert row.price_realisation == pytest.approx(0.8)
    assert row.price_realisation_high - 0.8 == pytest.approx(4.302653 * error)


def test_deals_of_one_account_tell_less():
    rng = np.random.default_rng(0)
    off = rng.uniform(0, 0.3, 20)
    many = [(f"{a}-{k}", "won", 1, 100.0, round(100 * (1 - off[a]), 2), 0.0, str(a))
            for a in range(20) for k in range(5)]  # fmt: skip
    alone = [(*row[:-1], row[0]) for row in many]
    widths = [
        (row.price_realisation_high - row.price_realisation_low).item()
        for row in (price_realisation(deals_of(rows, COLUMNS)) for rows in (many, alone))
    ]
    assert widths[0] > 2 * widths[1]


def test_a_group_of_one_account_takes_the_spread_of_the_others():
    rows = [("A", "won", 1, 100.0, 90.0, 0.0, "a"), ("B", "won", 1, 100.0, 80.0, 0.0, "b"),
            ("C", "won", 1, 100.0, 95.0, 0.0, "c")]  # fmt: skip
    department = deals_of(
        [(*row, kind) for row, kind in zip(rows, ("p", "p", "q"), strict=True)], [*COLUMNS, "kind"]
    )
    table = price_realisation(department, by="kind")
    assert table["price_realisation_low"].notna().all()
    single = price_realisation(department.where(kind="q")).iloc[0]
    assert single.price_realisation == pytest.approx(0.95)
    assert np.isnan(single.price_realisation_low)  # one account in all tells nothing of spread


def test_above_list_price_it_exceeds_1():
    row = price_realisation(deals_of([("A", "won", 1, 100.0, 110.0, 0.0, "x")], COLUMNS)).iloc[0]
    assert row.price_realisation == pytest.approx(1.1)
    assert row.n_discounted == 0


def test_groups_add_up_to_the_whole():
    whole = price_realisation(sample_department()).iloc[0]
    parts = price_realisation(sample_department(), by=["team", "source"])
    for name in ("n_deals", "n_discounted", "list_amount", "discount_amount"):
        assert parts[name].sum() == pytest.approx(whole[name])


class TestWaterfall:
    def steps(self, table):
        return dict(zip(table["step"] + table["reason"], table["step_amount"], strict=True))

    def department(self, **more):
        """A has lines at 400 list and 360 net, and is sold at 340; B has no lines."""
        deals = pd.DataFrame({
            "deal_id": ["A", "B"], "status": "won", "list_amount": [400.0, 100.0],
            "amount": [340.0, 90.0], "cost_amount": [200.0, None], "why": ["volume", None],
        })  # fmt: skip
        lines = pd.DataFrame({
            "deal_id": ["A", "A"], "product": ["desk", "lamp"], "quantity": [2.0, 4.0],
            "list_price": [150.0, 25.0], "unit_price": [140.0, 20.0], "cause": ["fair", "stock"],
        })  # fmt: skip
        return sd.Department(deals=deals, line_items=lines, as_of="2025-12-31", **more)

    def test_discounts_on_lines_and_on_the_deal_by_hand(self):
        assert self.steps(price_waterfall(self.department())) == {
            "list price": 500,
            "line discount": -40,
            "deal discount": -20,
            "discount of unknown level": -10,
            "net price": 430,
            "net price of unknown cost": -90,
            "cost": -200,
            "contribution": 140,
        }

    def test_by_a_reason_of_the_lines(self):
        found = self.steps(price_waterfall(self.department(), reason="cause"))
        assert found["discountfair"] == -20
        assert found["discountstock"] == -20
        assert found["deal discount"] == -30  # what is not on lines is on the deal
        assert found["net price"] == 430

    def test_by_a_reason_of_the_deals(self):
        found = self.steps(price_waterfall(self.department(), reason="why"))
        assert found["discountvolume"] == -60
        assert found["discountunassigned"] == -10
        assert found["discountother reasons"] == 0

    @pytest.mark.parametrize("reason", [None, "product", "segment"])
    def test_the_rows_add_up_exactly(self, reason):
        table = price_waterfall(sample_department(), by="team", reason=reason)
        for _team, rows in table.groupby("team"):
            amount = rows["step_amount"].to_numpy()
            place = {
                name: rows["step"].tolist().index(name) for name in ("net price", "contribution")
            }
            assert amount[: place["net price"]].sum() == pytest.approx(amount[place["net price"]])
            below = amount[place["net price"] : place["contribution"]].sum()
            assert below == pytest.approx(amount[place["contribution"]])
            parts = rows["list_part"].to_numpy()
            assert parts * amount[0] == pytest.approx(amount, abs=0.01)

    def test_rare_reasons_stand_together(self):
        deals = pd.DataFrame({"why": [f"r{n:02d}" for n in range(15)] + ["r00"]})
        deals = deals.assign(
            deal_id=deals.index.astype(str), status="won", list_amount=100.0, amount=90.0
        )
        table = price_waterfall(sd.Department(deals=deals, as_of="2025-12-31"), reason="why")
        found = self.steps(table)
        assert found["discountr00"] == -20
        assert found["discountother reasons"] == -30  # the last three of the alphabet
        assert len(table) == 12 + 1 + 5

    def test_an_unknown_reason_is_named_with_the_nearest(self):
        with pytest.raises(sd.MissingDataError, match=r"reason: .*'cuase'.*Did you mean 'cause'"):
            price_waterfall(self.department(), reason="cuase")
