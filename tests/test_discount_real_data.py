"""Published and recomputed figures on discounts of three data sets."""

from __future__ import annotations

import numpy as np
import pytest

import salesdiag as sd
from tests.real_data import data_set, needs

# the depths that occur, so that each has a band of its own
SUPERSTORE = (0.0, 0.1, 0.15, 0.2, 0.3, 0.32, 0.4, 0.45, 0.5, 0.6, 0.7)
SUPERSTORE_MARGINS = [
    29.6,
    16.6,
    5.1,
    11.8,
    -10.1,
    -16.5,
    -19.8,
    -45.4,
    -34.8,
    -86.8,
    -98.8,
    -180.0,
]
ADVENTURE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.35)
ADVENTURE_MARGINS = [3.1, -2.2, -10.5, -15.6, -61.0, -94.2, -196.0, -246.1, -354.6]


def load(name):
    folder, mapping = data_set(name)
    return sd.load(folder, mapping=mapping)


def percent(values, digits=1):
    return [round(100 * float(value), digits) for value in values]


@pytest.fixture(scope="module")
def store():
    return load("superstore")


@pytest.fixture(scope="module")
def orders():
    return load("adventureworks_dw")


@pytest.fixture(scope="module")
def maven():
    return load("maven_crm")


@needs("superstore")
class TestSuperstore:
    def test_rows_and_totals(self, store):
        report = store.load_report.set_index(["table", "topic"])["n_rows"]
        assert report["deals", "rows read"] == report["line_items", "rows read"] == 10_194
        assert report["deals", "rows used"] == 5111
        row = sd.discount.price_realisation(store).iloc[0]
        assert (row.n_deals, row.n_priced) == (5111, 5111)
        assert row.net_amount == pytest.approx(2_326_534.35, abs=0.1)
        assert row.contribution_amount == pytest.approx(292_296.81, abs=0.1)
        assert percent([row.margin], 2) == [12.56]

    def test_margin_by_discount(self, store):
        table = sd.discount.discount_bands(store, unit="lines", edges=SUPERSTORE)
        assert (100 * table["margin"]).tolist() == pytest.approx(SUPERSTORE_MARGINS, abs=0.06)
        assert table["n_priced"].sum() == 10_194

    def test_break_even_lies_between_20_and_30_percent(self, store):
        table = sd.discount.break_even(store, unit="lines", edges=SUPERSTORE)
        deep = table["weighted_discount"].round(2)
        assert deep[~table["is_below_cost"]].max() == 0.2
        assert deep[table["is_below_cost"]].min() == 0.3
        assert np.isinf(table.loc[table["is_below_cost"], "needed_growth"]).all()
        # 20 % off needs three times the volume, and went with none
        at_20 = table[deep == 0.2].iloc[0]
        assert at_20.needed_growth == pytest.approx(2.12, abs=0.01)
        assert at_20.associated_growth_high < 0.05

    def test_the_price_volume_split_is_exact(self, store):
        window = {"start": "2023-01-01", "end": "2023-12-31"}
        for item in ("category", "sub_category", "product"):
            table = sd.discount.price_volume_mix(store, item=item, **window)
            assert table["part_amount"].sum() == pytest.approx(table["change_amount"][0], abs=1e-4)
            assert table["change_amount"][0] == pytest.approx(131_633.95, abs=0.01)

    def test_the_waterfall_ends_at_the_profit(self, store):
        steps = sd.discount.price_waterfall(store).set_index("step")["step_amount"]
        assert steps["contribution"] == pytest.approx(292_296.81, abs=0.1)
        assert steps["list price"] + steps["line discount"] == pytest.approx(2_326_534.35, abs=0.1)

    def test_what_the_data_cannot_say_is_refused(self, store):
        with pytest.raises(sd.MissingDataError, match="won deals only"):
            sd.discount.discount_effect(store)
        with pytest.raises(sd.MissingDataError, match="rep_id"):
            sd.discount.target_distance_pattern(store)
        with pytest.raises(sd.MissingDataError, match="rep_id"):
            sd.discount.rep_discount_habit(store)


@needs("adventureworks_dw")
class TestAdventureWorks:
    def test_discount_and_margin(self, orders):
        row = sd.discount.price_realisation(orders).iloc[0]
        assert (row.n_deals, row.n_priced, row.n_accounts) == (3796, 3796, 635)
        assert row.discount_amount == pytest.approx(527_507.9, abs=0.05)
        assert row.net_amount == pytest.approx(80_450_596.98, abs=0.01)
        assert percent([row.margin], 2) == [0.58]

    def test_share_of_lines_with_a_discount(self, orders):
        row = sd.discount.discount_distribution(orders, unit="lines").iloc[0]
        assert row.n_cases == 60_855
        assert percent([row.discounted_rate], 2) == [5.39]

    def test_margin_by_discount(self, orders):
        table = sd.discount.discount_bands(orders, unit="lines", edges=ADVENTURE)
        assert percent(table["margin"]) == ADVENTURE_MARGINS

    def test_the_waterfall_adds_up(self, orders):
        steps = sd.discount.price_waterfall(orders).set_index("step")["step_amount"]
        assert steps["cost"] == pytest.approx(-79_980_114.38, abs=0.01)
        discounts = steps[["line discount", "deal discount", "discount of unknown level"]].sum()
        assert steps["list price"] + discounts == pytest.approx(steps["net price"], abs=1e-3)
        assert steps["net price"] + steps["cost"] == pytest.approx(steps["contribution"], abs=1e-3)

    def test_promotions_are_no_habit_of_reps(self, orders):
        table = sd.discount.rep_discount_habit(orders)
        assert len(table) == 17
        assert set(table["rank_note"]) == {"must not be ranked"}

    def test_the_effect_on_wins_is_refused(self, orders):
        with pytest.raises(sd.MissingDataError, match="won deals only"):
            sd.discount.discount_effect(orders)


@needs("maven_crm")
class TestMaven:
    def test_price_realisation(self, maven):
        row = sd.discount.price_realisation(maven).iloc[0]
        assert round(row.price_realisation, 5) == 0.99821
        assert (row.n_deals, row.net_amount) == (4238, 10_005_534)
        assert np.isnan(row.margin)

    def test_single_deals_run_from_a_third_below_to_a_third_above_list(self, maven):
        won, lost = sd.discount.discount_distribution(maven).itertuples()
        assert won.largest_discount == pytest.approx(1 - 0.657, abs=6e-4)
        assert won.n_above_list > 2000
        # lost deals carry an amount of 0, which is no price
        assert (lost.n_cases, lost.n_priced, lost.n_unpriced) == (2473, 0, 2473)

    def test_the_effect_on_wins_is_refused(self, maven):
        with pytest.raises(sd.MissingDataError, match="0 of 2473 deals lost"):
            sd.discount.discount_effect(maven)
