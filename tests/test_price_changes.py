"""A change of revenue split into volume, mix, price and currency, between two windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import price_volume_mix
from tests.frames import sample_department

WINDOWS = {"start": "2025-01-01", "end": "2025-12-31"}


def department_of(rows, **more):
    """Build deals of (deal, day, product, quantity, price), all won, one line each."""
    names = ["deal_id", "closed_at", "product", "quantity", "unit_price"]
    frame = pd.DataFrame(rows, columns=names)
    deals = frame[["deal_id"]].assign(status="won", closed_at=pd.to_datetime(frame["closed_at"]))
    lines = frame[["deal_id", "product", "quantity", "unit_price"]].assign(list_price=100.0)
    return sd.Department(deals=deals, line_items=lines, as_of="2025-12-31", **more)


def parts_of(table):
    return dict(zip(table["term"], table["part_amount"], strict=True))


def test_the_textbooks_1000_at_50_to_1100_at_52():
    department = department_of(
        [("A", "2024-06-01", "desk", 1000.0, 50.0), ("B", "2025-06-01", "desk", 1100.0, 52.0)]
    )
    table = price_volume_mix(department)
    assert parts_of(table) == pytest.approx({
        "volume": 5100, "mix": 0, "price": 2100, "currency": 0, "new": 0, "lost": 0, "returns": 0,
        "unsplit": 0,
    })  # fmt: skip
    row = table.iloc[0]
    assert (row.base_amount, row.window_amount, row.change_amount) == (50_000, 57_200, 7200)
    assert [str(one.date()) for one in (row.base_start, row.base_end, row.window_end)] == [
        "2024-01-01", "2024-12-31", "2025-12-31",
    ]  # fmt: skip


def test_a_shift_to_cheaper_items_is_mix_and_no_price():
    department = department_of([
        ("A", "2024-06-01", "desk", 10.0, 100.0), ("B", "2024-06-01", "lamp", 10.0, 20.0),
        ("C", "2025-06-01", "desk", 5.0, 100.0), ("D", "2025-06-01", "lamp", 15.0, 20.0),
    ])  # fmt: skip
    parts = parts_of(price_volume_mix(department))
    assert parts["mix"] == pytest.approx(-400)
    assert parts["price"] == parts["volume"] == pytest.approx(0)


def test_new_and_lost_items_stand_apart():
    department = department_of([
        ("A", "2024-06-01", "desk", 10.0, 100.0), ("B", "2024-06-01", "lamp", 10.0, 20.0),
        ("C", "2025-06-01", "desk", 10.0, 100.0), ("D", "2025-06-01", "sofa", 1.0, 700.0),
    ])  # fmt: skip
    table = price_volume_mix(department)
    parts = parts_of(table)
    assert (parts["new"], parts["lost"]) == (700, -200)
    assert (table["n_items"][0], table["n_new_items"][0], table["n_lost_items"][0]) == (3, 1, 1)


def test_the_terms_add_up_to_the_change_in_every_group():
    table = price_volume_mix(sample_department(), by=["team", "source"], **WINDOWS)
    sums = table.groupby(["team", "source"])["part_amount"].sum()
    change = table.groupby(["team", "source"])["change_amount"].first()
    assert sums.to_numpy() == pytest.approx(change.to_numpy())
    whole = price_volume_mix(sample_department(), **WINDOWS)["change_amount"][0]
    assert change.sum() == pytest.approx(whole)


def test_revenue_is_that_of_the_deals_won():
    row = price_volume_mix(sample_department(), **WINDOWS).iloc[0]
    won = sd.funnel.win_rate(sample_department(), **WINDOWS)["won_amount"][0]
    assert row.window_amount == pytest.approx(won)


def test_without_lines_a_deal_is_one_unit_of_its_product():
    deals = pd.DataFrame({
        "deal_id": list("ABC"), "status": "won", "product": "desk", "list_amount": 100.0,
        "amount": [90.0, 80.0, 80.0],
        "closed_at": pd.to_datetime(["2024-03-01", "2025-03-01", "2025-04-01"]),
    })  # fmt: skip
    parts = parts_of(price_volume_mix(sd.Department(deals=deals, as_of="2025-12-31")))
    assert parts["volume"] == pytest.approx(85)  # one more unit at the mean of both prices
    assert parts["price"] == pytest.approx(-15)


def test_what_has_no_money_is_counted_and_left_out():
    department = department_of([
        ("A", "2024-06-01", "desk", 10.0, 100.0), ("B", "2025-06-01", "desk", 10.0, 100.0),
        ("C", "2025-06-01", "desk", 0.0, 100.0), ("D", "2025-06-01", "desk", 1.0, None),
    ])  # fmt: skip
    table = price_volume_mix(department)
    assert set(table["n_left_out"]) == {2}
    assert set(table["n_deals"]) == {4}
    assert table["window_amount"][0] == 1000


def test_returns_are_a_term_of_their_own():
    department = department_of([
        ("A", "2024-06-01", "desk", 10.0, 100.0), ("B", "2024-06-01", "desk", -1.0, 100.0),
        ("C", "2025-06-01", "desk", 10.0, 100.0), ("D", "2025-06-01", "desk", -2.0, 100.0),
        ("E", "2025-07-01", "credit", 1.0, -50.0),
    ])  # fmt: skip
    table = price_volume_mix(department)
    row, parts = table.iloc[0], parts_of(table)
    assert (row.base_amount, row.window_amount, row.change_amount) == (900, 750, -150)
    assert parts.pop("returns") == -150
    assert set(parts.values()) == {0}
    assert (row.n_returns, row.n_left_out, row.n_items) == (3, 0, 1)


class TestBesideLines:
    """Deals won without lines, and amounts that are not those of the lines."""

    def department(self):
        # A is its lines; B has an installation of 200 that no line names; C and D have no lines,
        # E no money at all, F was won on an unknown day
        deals = pd.DataFrame({
            "deal_id": list("ABCDEF"), "status": "won", "team": list("nnnsss"),
            "closed_at": pd.to_datetime(["2024-06-01", "2025-06-01", "2024-06-01", "2025-06-01",
                                         "2025-06-01", None]),
            "amount": [None, 1200.0, 300.0, 500.0, None, 70.0],
        })  # fmt: skip
        lines = pd.DataFrame({
            "deal_id": ["A", "B"], "product": "desk", "quantity": 10.0, "list_price": 100.0,
            "unit_price": [90.0, 100.0],
        })  # fmt: skip
        return sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")

    def test_their_money_is_a_term_of_its_own(self):
        table = price_volume_mix(self.department())
        row, parts = table.iloc[0], parts_of(table)
        assert (row.base_amount, row.window_amount, row.change_amount) == (1200, 1700, 500)
        assert parts["price"] == pytest.approx(100)
        assert parts["unsplit"] == 200 + 500 - 300
        assert table["part_amount"].sum() == pytest.approx(500)
        counts = [row.n_deals, row.n_undated, row.n_without_lines, row.n_returns, row.n_left_out]
        assert counts == [5, 1, 3, 0, 1]

    def test_a_group_without_lines_is_shown(self):
        table = price_volume_mix(self.department(), by="team").set_index(["team", "term"])
        assert table.loc[("s", "unsplit"), "part_amount"] == 500
        assert table.loc["s", "n_items"].tolist() == [0] * 8
        sums = table.groupby("team")["part_amount"].sum()
        assert sums.to_list() == pytest.approx([0, 500])

    def test_the_interval_is_that_of_accounts_drawn(self):
        table = price_volume_mix(self.department()).set_index("term")
        row = table.loc["unsplit"]
        assert row.part_amount_low < row.part_amount < row.part_amount_high
        wide = price_volume_mix(self.department(), confidence=0.99).set_index("term").loc["unsplit"]
        assert wide.part_amount_low < row.part_amount_low


def test_credits_without_lines_take_no_unit_away():
    deals = pd.DataFrame({
        "deal_id": list("ABC"), "status": "won", "product": "desk", "amount": [90.0, 90.0, -30.0],
        "closed_at": pd.to_datetime(["2024-03-01", "2025-03-01", "2025-04-01"]),
    })  # fmt: skip
    table = price_volume_mix(sd.Department(deals=deals, as_of="2025-12-31"))
    assert parts_of(table) == {
        "volume": 0, "mix": 0, "price": 0, "currency": 0, "new": 0, "lost": 0, "returns": -30,
        "unsplit": 0,
    }  # fmt: skip
    assert (table["n_returns"][0], table["n_without_lines"][0]) == (1, 0)


def test_an_item_without_a_name_is_one_item():
    department = department_of([
        ("A", "2024-06-01", None, 10.0, 100.0), ("B", "2025-06-01", None, 10.0, 90.0),
        ("C", "2025-06-01", "desk", 1.0, 100.0),
    ])  # fmt: skip
    table = price_volume_mix(department)
    assert (table["n_items"][0], table["n_new_items"][0]) == (2, 1)
    assert parts_of(table)["price"] == pytest.approx(-100)


class TestCurrency:
    def department(self, rate_after, price_after):
        """10 sold at 100 pounds when a pound was 1.2, then at another rate and price."""
        deals = pd.DataFrame({
            "deal_id": ["A", "B"], "status": "won", "currency": "gbp",
            "closed_at": pd.to_datetime(["2024-06-01", "2025-06-01"]),
        })  # fmt: skip
        lines = pd.DataFrame({
            "deal_id": ["A", "B"], "product": "desk", "quantity": 10.0, "list_price": 300.0,
            "unit_price": [120.0, price_after * rate_after],
        })  # fmt: skip
        rates = pd.DataFrame({
            "currency": "GBP", "rate": [9.0, 1.2, rate_after, 7.0],
            "on": pd.to_datetime(["2020-01-01", "2024-05-01", "2025-05-01", "2025-07-01"]),
        })  # fmt: skip
        return sd.Department(deals=deals, line_items=lines, fx_rates=rates, as_of="2025-12-31")

    def test_a_rate_that_rose_is_currency_and_no_price(self):
        parts = parts_of(price_volume_mix(self.department(1.5, 100.0)))
        assert parts["currency"] == pytest.approx(300)
        assert parts["price"] == pytest.approx(0)

    def test_a_deal_without_a_currency_is_in_that_of_the_department(self):
        department = self.department(1.5, 100.0)
        deals = department.table("deals").to_pandas().assign(currency=None)
        tables = {name: department.table(name).to_pandas() for name in ("line_items", "fx_rates")}
        table = price_volume_mix(
            sd.Department(deals=deals, as_of="2025-12-31", currency="EUR", **tables)
        )
        assert table["part_amount"].sum() == pytest.approx(300)
        assert parts_of(table)["currency"] == 0

    def test_both_are_told_apart(self):
        # 1,200 to 10 x 90 x 1.5 = 1,350: price -10 x 10 at the mean rate, the rest is currency
        parts = parts_of(price_volume_mix(self.department(1.5, 90.0)))
        assert parts["price"] == pytest.approx(-10 * 10 * 1.35)
        assert parts["currency"] == pytest.approx(0.3 * 10 * 95)


def test_the_intervals_cover_what_was_planted():
    # 30 departments of 150 accounts; each buys 0 to 3 times a year, at prices 5 % lower later
    rng = np.random.default_rng(4)
    rows = []
    for world in range(30):
        own = rng.lognormal(0, 0.2, 150)
        for year, level in ((2024, 100.0), (2025, 95.0)):
            buyers = np.repeat(np.arange(150), rng.poisson(1.5, 150)).tolist()
            rows += [
                (str(world), f"{world}-{one}", f"{year}-05-01", units, level * own[one])
                for one, units in zip(
                    buyers, rng.integers(1, 9, len(buyers)).astype(float), strict=True
                )
            ]
    frame = pd.DataFrame(rows, columns=["world", "account_id", "closed_at", "quantity", "price"])
    frame["deal_id"] = frame.index.astype(str)
    deals = frame[["deal_id", "world", "account_id"]].assign(
        status="won", closed_at=pd.to_datetime(frame["closed_at"])
    )
    lines = frame[["deal_id", "quantity"]].assign(
        product="desk", unit_price=frame["price"].round(4), list_price=200.0
    )
    department = sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")
    table = price_volume_mix(department, by="world")
    assert (table["n_accounts"] > 100).all()
    mean_price, quantity = np.exp(0.02), 150 * 1.5 * 4.5
    for term, truth in (("price", -5 * mean_price * quantity), ("volume", 0.0)):
        own = table[table["term"] == term]
        inside = own["part_amount_low"].le(truth) & own["part_amount_high"].ge(truth)
        assert inside.mean() >= 26 / 30
        error = own["part_amount"].std() / np.sqrt(30)
        assert abs(own["part_amount"].mean() - truth) < 3 * error


class TestBadInput:
    def test_overlapping_windows(self):
        with pytest.raises(sd.InputError, match="base_start and base_end must give a window"):
            price_volume_mix(sample_department(), start="2024-01-01", end="2025-12-31")
        with pytest.raises(sd.InputError, match="does not overlap 2025-07-01"):
            price_volume_mix(
                sample_department(), start="2025-07-01", base_start="2025-01-01",
                base_end="2025-07-01",
            )  # fmt: skip

    def test_an_earlier_window_of_another_length_may_be_given(self):
        row = price_volume_mix(
            sample_department(), start="2025-07-01", base_start="2024-07-01", base_end="2024-12-31"
        ).iloc[0]
        assert str(row.base_end.date()) == "2024-12-31"

    def test_an_unknown_item(self):
        with pytest.raises(sd.MissingDataError, match=r"item: .*'prodct'.*Did you mean 'product'"):
            price_volume_mix(sample_department(), item="prodct")
