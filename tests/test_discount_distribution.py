"""How deep discounts are: counted by hand, and rules that always hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salesdiag as sd
from salesdiag.analyses.discount import discount_bands, discount_distribution
from salesdiag.analyses.discount.ratios import band_of, quantile_of_counts
from salesdiag.stats.rates import wilson_interval
from tests.frames import deals_of, sample_department, sample_frames

COLUMNS = ["deal_id", "status", "closed_at", "list_amount", "amount", "account_id"]
PRICES = st.tuples(
    st.sampled_from(["won", "lost", "open"]),
    st.sampled_from([None, 5, 40]),  # closed
    st.sampled_from([None, 0.0, 100.0, 250.0]),  # list price
    st.sampled_from([None, 0.0, 80.0, 100.0, 120.0]),  # net price
    st.sampled_from(["a", "b", None]),
)


def lines_of(rows):
    columns = ["deal_id", "product", "quantity", "list_price", "unit_price"]
    return pd.DataFrame(rows, columns=columns).astype({"quantity": float})


def test_counts_and_means_by_hand():
    department = deals_of(
        [
            ("A", "won", 1, 100.0, 90.0, "x"),  # 10 %
            ("B", "won", 1, 100.0, 100.0, "x"),  # none
            ("C", "won", 1, 800.0, 640.0, "y"),  # 20 %
            ("D", "won", 1, 100.0, 110.0, "y"),  # above list
            ("E", "won", 1, None, 50.0, "y"),  # no list price
            ("F", "won", 1, 100.0, 0.0, "y"),  # an amount of 0 is none
            ("G", "lost", 1, 200.0, 150.0, "y"),  # 25 %
            ("H", "open", None, 100.0, 10.0, "y"),  # not closed
        ],
        COLUMNS,
    )
    won, lost = discount_distribution(department).itertuples()
    assert (won.status, won.n_cases, won.n_priced, won.n_unpriced) == ("won", 6, 4, 2)
    assert (won.n_discounted, won.n_above_list, won.n_accounts) == (2, 1, 2)
    assert won.discounted_rate == 0.5
    assert won.discounted_rate_low == pytest.approx(wilson_interval(2, 4)[0].item())
    assert won.mean_discount == pytest.approx((0.1 + 0 + 0.2 - 0.1) / 4)
    assert (won.list_amount, won.net_amount, won.discount_amount) == (1100, 940, 160)
    assert won.weighted_discount == pytest.approx(160 / 1100)
    assert (won.lower_quarter_discount, won.median_discount) == (-0.1, 0.0)
    assert (won.upper_quarter_discount, won.largest_discount) == (0.1, 0.2)
    assert (lost.status, lost.n_priced, lost.mean_discount) == ("lost", 1, 0.25)


def test_the_weighted_mean_is_above_the_plain_one_where_large_deals_get_more():
    department = deals_of(
        [("A", "won", 1, 10_000.0, 8000.0, "x"), ("B", "won", 1, 100.0, 100.0, "y")], COLUMNS
    )
    row = discount_distribution(department).iloc[0]
    assert row.mean_discount == pytest.approx(0.1)
    assert row.weighted_discount == pytest.approx(2000 / 10_100)


def test_rounded_cents_are_no_discount():
    department = deals_of(
        [("A", "won", 1, 1000.0, 999.9, "x"), ("B", "won", 1, 1000.0, 999.0, "x")], COLUMNS
    )
    assert discount_distribution(department)["n_discounted"].tolist() == [1, 0]


def test_lines_carry_discounts_of_their_own():
    deals = pd.DataFrame({"deal_id": ["A", "B"], "status": ["won", "lost"]})
    lines = lines_of([("A", "desk", 10, 50.0, 45.0), ("A", "lamp", 1, 100.0, 100.0),
                      ("B", "desk", 2, 50.0, 40.0), ("C", "desk", 9, 1.0, 0.1)])  # fmt: skip
    department = sd.Department(deals=deals, line_items=lines, as_of="2025-12-31")
    whole = discount_distribution(department).iloc[0]
    # without prices in deals they come from the lines: 550 of 600
    assert (whole.n_priced, whole.weighted_discount) == (1, pytest.approx(50 / 600))
    won, lost = discount_distribution(department, unit="lines").itertuples()
    assert (won.n_cases, won.n_discounted, won.mean_discount) == (2, 1, pytest.approx(0.05))
    assert (lost.n_cases, lost.mean_discount) == (1, pytest.approx(0.2))  # C is no deal
    assert won.weighted_discount == pytest.approx(50 / 600)


def test_undated_deals_are_counted_and_left_out_of_a_window():
    department = deals_of(
        [("A", "won", 10, 100.0, 90.0, "x"), ("B", "won", None, 100.0, 50.0, "x"),
         ("C", "won", 50, 100.0, 70.0, "x")],
        COLUMNS,
    )  # fmt: skip
    assert discount_distribution(department)["n_cases"].tolist() == [3, 0]
    row = discount_distribution(department, start="2025-01-05", end="2025-01-20").iloc[0]
    assert (row.n_cases, row.n_undated, row.mean_discount) == (1, 1, pytest.approx(0.1))


@given(st.lists(PRICES, max_size=12), st.booleans())
def test_sums_equal_a_count_in_plain_python(lives, windowed):
    rows = [(str(number), *life) for number, life in enumerate(lives)]
    window = {"start": "2025-01-03", "end": "2025-01-11"} if windowed else {}
    table = discount_distribution(deals_of(rows, COLUMNS), by="account_id", **window)
    for row in table.itertuples():
        own = [
            (listed, net)
            for status, closed, listed, net, account in lives
            if status == row.status
            and (account or "unassigned") == row.account_id
            and (not windowed or closed == 5)
        ]
        priced = [(listed, net) for listed, net in own if listed and net]
        assert (row.n_cases, row.n_priced) == (len(own), len(priced))
        assert np.nan_to_num(row.list_amount) == sum(listed for listed, _net in priced)
        assert np.nan_to_num(row.net_amount) == sum(net for _listed, net in priced)
        depths = [1 - net / listed for listed, net in priced]
        expected = np.mean(depths) if depths else np.nan
        assert row.mean_discount == pytest.approx(expected, nan_ok=True)
        assert row.n_discounted == sum(depth > 0.001 for depth in depths)
        assert row.n_cases == row.n_priced + row.n_unpriced


def test_the_mean_covers_the_truth_where_accounts_differ():
    rng = np.random.default_rng(1)
    parts = []
    for world in range(200):
        account = np.repeat(np.arange(20), rng.integers(1, 6, 20))
        own = rng.normal(0.1, 0.05, 20)[account] + rng.normal(0, 0.03, len(account))
        listed = rng.lognormal(8, 0.8, len(account)).round(2)
        parts.append(pd.DataFrame({
            "world": str(world), "account_id": [f"{world}-{one}" for one in account],
            "list_amount": listed, "amount": (listed * (1 - own)).round(2),
        }))  # fmt: skip
    deals = pd.concat(parts, ignore_index=True).assign(status="won")
    deals["deal_id"] = deals.index.astype(str)
    table = discount_distribution(sd.Department(deals=deals, as_of="2025-12-31"), by="world")
    won = table[table["status"] == "won"]
    for name in ("mean_discount", "weighted_discount"):
        inside = won[f"{name}_low"].le(0.1) & won[f"{name}_high"].ge(0.1)
        assert 0.91 <= inside.mean() <= 0.99


class TestBands:
    def department(self, **more):
        rows = [("A", "won", 1, 100.0, 100.0, "x"), ("B", "won", 1, 100.0, 95.0, "x"),
                ("C", "won", 1, 100.0, 94.9, "y"), ("D", "won", 1, 200.0, 100.0, "y"),
                ("E", "lost", 1, 100.0, 90.0, "y")]  # fmt: skip
        frame = pd.DataFrame(rows, columns=COLUMNS).drop(columns="closed_at")
        frame["cost_amount"] = [60.0, 60.0, None, 120.0, 60.0]
        return sd.Department(deals=frame, as_of="2025-12-31", **more)

    def test_a_depth_at_the_edge_belongs_to_the_band_that_ends_there(self):
        table = discount_bands(self.department(), edges=(0, 0.05, 0.1))
        assert table["n_priced"].tolist() == [1, 1, 1, 1]
        assert table["discount_to"].fillna(9).tolist() == [0, 0.05, 0.1, 9]
        assert table["discount_from"].fillna(9).tolist() == [9, 0, 0.05, 0.1]
        assert table["case_rate"].tolist() == [0.25] * 4

    def test_margins_by_hand_and_deals_without_a_cost_apart(self):
        table = discount_bands(self.department(), edges=(0, 0.1))
        assert table["n_without_cost"].tolist() == [0, 1, 0]
        assert table["contribution_amount"].tolist() == [40, 35, -20]
        assert table["margin"].tolist() == pytest.approx([0.4, 35 / 95, -0.2])
        assert table["discount_amount"].tolist() == pytest.approx([0, 10.1, 100])

    def test_an_empty_band_is_unknown_not_zero(self):
        table = discount_bands(self.department(), edges=(0, 0.2, 0.3), status="lost")
        assert table["n_priced"].tolist() == [0, 1, 0, 0]
        assert table["list_amount"].notna().tolist() == [False, True, False, False]
        assert table["case_rate"].tolist() == [0, 1, 0, 0]

    @pytest.mark.parametrize("unit", ["deals", "lines"])
    def test_bands_add_up_to_the_distribution(self, unit):
        bands = discount_bands(sample_department(), by="team", unit=unit)
        whole = discount_distribution(sample_department(), by="team", unit=unit)
        whole = whole[whole["status"] == "won"].set_index("team")
        sums = bands.groupby("team")[["n_priced", "list_amount", "discount_amount"]].sum()
        for name in sums:
            assert sums[name].to_dict() == pytest.approx(whole[name].to_dict())


def test_the_sample_by_a_count_in_pandas():
    deals = sample_frames()["deals"]
    won = deals[(deals["status"] == "won") & deals["closed_at"].dt.year.eq(2025)]
    depth = 1 - won["amount"] / won["list_amount"]
    window = {"start": "2025-01-01", "end": "2025-12-31"}
    row = discount_distribution(sample_department(), **window).iloc[0]
    assert row.n_priced == len(won)
    assert row.mean_discount == pytest.approx(depth.mean())
    assert row.median_discount == pytest.approx(depth.median(), abs=5e-4)
    assert row.upper_tenth_discount == pytest.approx(depth.quantile(0.9), abs=5e-4)


def test_quantiles_of_counts():
    value, count = np.array([0.0, 0.1, 0.2]), np.array([5, 4, 1])
    found = [quantile_of_counts(value, count, one) for one in (0.25, 0.5, 0.51, 0.9, 0.91, 1)]
    assert found == [0.0, 0.0, 0.1, 0.1, 0.2, 0.2]
    assert np.isnan(quantile_of_counts(value, count * 0, 0.5))


def test_bands_of_depths():
    steps = np.array([-200, 0, 1, 50, 51, 999])
    assert band_of(steps, np.array([0.0, 0.05])).tolist() == [0, 0, 1, 1, 2, 2]


class TestBadInput:
    department = staticmethod(lambda: deals_of([("A", "won", 1, 9.0, 8.0, "x")], COLUMNS))

    def test_prices_are_asked_for_by_name(self):
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "amount": [5.0]})
        with pytest.raises(sd.MissingDataError, match=r"list_amount, or line_items") as raised:
            discount_distribution(sd.Department(deals=deals, as_of="2025-12-31"))
        assert raised.value.missing == ("deals.list_amount", "line_items")
        assert "price after discount" in raised.value.ask_for

    def test_lines_are_asked_for(self):
        with pytest.raises(sd.MissingDataError, match="line_items"):
            discount_distribution(self.department(), unit="lines")

    def test_an_unknown_unit(self):
        with pytest.raises(sd.InputError, match='unit must be one of "deals", "lines"'):
            discount_bands(self.department(), unit="orders")

    @pytest.mark.parametrize("edges", [(), (0.1, 0.1), (0.2, 0.1), (0.1, 1.0), (0.0001,), (-0.1,)])
    def test_edges_that_are_none(self, edges):
        with pytest.raises(sd.InputError, match="edges must be"):
            discount_bands(self.department(), edges=edges)

    def test_a_key_with_the_name_of_a_result(self):
        frame = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "amount": [5.0],
                              "list_amount": [5.0], "median_discount": ["x"]})  # fmt: skip
        department = sd.Department(deals=frame, as_of="2025-12-31")
        with pytest.raises(sd.InputError, match="'median_discount' is the name of a result"):
            discount_distribution(department, by="median_discount")

    def test_a_window_asks_for_the_closing_date(self):
        frame = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "amount": [5.0],
                              "list_amount": [5.0]})  # fmt: skip
        with pytest.raises(sd.MissingDataError) as raised:
            discount_distribution(
                sd.Department(deals=frame, as_of="2025-12-31"), start="2025-01-01"
            )
        assert raised.value.missing == ("deals.closed_at",)
