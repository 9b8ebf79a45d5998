"""The ledger of the gap, on departments whose factors are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.drivers import gap_ledger, what_if
from tests.frames import sample_department

YEARS = {2024: pd.Timestamp("2024-01-01"), 2025: pd.Timestamp("2025-01-01")}


def department(seed=1, *, n_reps=10, **change):
    """Make two years of leads, deals and sales; ``change`` are factors of the second year."""
    rng = np.random.default_rng(seed)
    deals, leads = [], []
    for year, first in YEARS.items():
        now = change if year == 2025 else {}
        for rep in range(n_reps):
            n_leads = round(40 * now.get("leads", 1))
            for _lead in range(n_leads):
                created = first + pd.Timedelta(days=int(rng.integers(0, 250)))
                leads.append((f"L{len(leads)}", created, f"r{rep}"))
                if rng.random() > 0.5:
                    continue
                won = rng.random() < 0.4 * now.get("conversion", 1)
                listed = rng.gamma(20, 50) * now.get("size", 1)
                price = 0.9 * now.get("price", 1)
                closed = created + pd.Timedelta(days=int(rng.integers(20, 60)))
                deals.append((f"D{len(deals)}", f"r{rep}", created, closed,
                              "won" if won else "lost", listed * price, listed))  # fmt: skip
    return sd.Department(
        deals=pd.DataFrame(deals, columns=["deal_id", "rep_id", "created_at", "closed_at", "status",
                                           "amount", "list_amount"]),
        leads=pd.DataFrame(leads, columns=["lead_id", "created_at", "rep_id"]),
        as_of="2025-12-31",
    )  # fmt: skip


def by_factor(table):
    return table.set_index("factor")


def test_parts_add_up_to_the_gap_in_every_group():
    for options in ({}, {"by": "team"}, {"by": "team", "reference": "peers"}, {"by": "source"}):
        table = gap_ledger(sample_department(), n_draws=0, **options)
        keys = [name for name in ("team", "source") if name in table]
        groups = table.groupby(keys) if keys else [("", table)]
        for _name, rows in groups:
            gap = rows["actual_amount"].iloc[0] - rows["base_amount"].iloc[0]
            if rows["gap_amount"].notna().all():
                assert rows["gap_amount"].sum() == pytest.approx(gap, abs=1e-6)
                product = rows["actual_value"].prod()
                assert product == pytest.approx(rows["actual_amount"].iloc[0], rel=1e-9)


def test_the_factors_counted_by_hand():
    day = pd.Timestamp
    deals = pd.DataFrame({
        "deal_id": list("ABCDEF"), "rep_id": list("xxyxyy"),
        "created_at": [day("2024-02-01")] * 3 + [day("2025-02-03")] * 3,
        "closed_at": [day("2024-03-01"), day("2024-03-01"), day("2024-03-01"),
                      day("2025-03-03"), day("2025-03-03"), None],
        "status": ["won", "won", "lost", "won", "lost", "open"],
        "amount": [90.0, 110.0, 10.0, 60.0, 10.0, 10.0],
        "list_amount": [100.0, 150.0, 10.0, 80.0, 10.0, 10.0],
    })  # fmt: skip
    leads = pd.DataFrame({
        "lead_id": list("abcdef"), "rep_id": list("xxxxyy"),
        "created_at": [day("2024-02-01")] * 4 + [day("2025-02-03")] * 2,
    })  # fmt: skip
    reps = pd.DataFrame({"rep_id": ["x", "y"], "hired_on": [day("2020-01-01")] * 2})
    found = by_factor(gap_ledger(sd.Department(
        deals=deals, leads=leads, reps=reps, as_of="2025-12-31"), n_draws=50))  # fmt: skip
    # working days: 262 in 2024, 261 in 2025, twice
    assert found["base_value"]["selling_days"] == 524
    assert found["actual_value"]["selling_days"] == 522
    assert found["base_value"]["leads_per_day"] == pytest.approx(4 / 524)
    assert found["actual_value"]["deals_per_lead"] == pytest.approx(3 / 2)
    # of three deals two were won after 29 days; of the later three one, one lost, one still open
    assert found["base_value"]["conversion"] == pytest.approx(2 / 3)
    assert found["actual_value"]["conversion"] == pytest.approx(1 / 3)
    assert found["actual_value"]["timing"] == pytest.approx(1)
    assert found["base_value"]["list_value_per_deal"] == 125
    assert found["base_value"]["price_realisation"] == pytest.approx(200 / 250)
    assert found["gap_amount"].sum() == pytest.approx(60 - 200)
    assert found["control"].to_dict()["leads_per_day"] == "indirect"
    assert (found["n_won"] == 1).all()


@pytest.mark.parametrize(
    ("planted", "factor"),
    [
        ({"leads": 0.7}, "leads_per_day"),
        ({"conversion": 0.6}, "conversion"),
        ({"size": 0.7}, "list_value_per_deal"),
        ({"price": 0.8}, "price_realisation"),
    ],
)
def test_a_planted_change_is_charged_to_its_factor(planted, factor):
    found = by_factor(gap_ledger(department(3, n_reps=30, **planted)))
    rows = found.drop("selling_days")
    assert rows["gap_amount"].idxmin() == factor
    assert found["gap_amount_high"][factor] < 0
    # the price is the same in every deal of a year: its part is known to within rounding
    truth = np.prod(list(planted.values())) - 1
    loss = found["gap_amount"][factor] / found["base_amount"][factor]
    assert loss == pytest.approx(truth, abs=0.12)


def test_the_interval_holds_the_change_about_as_often_as_it_says():
    # conversion falls by a quarter; what that costs at the other factors of each department
    covered = []
    for seed in range(60):
        found = by_factor(gap_ledger(department(seed, n_reps=12, conversion=0.75), n_draws=200))
        expected = 12 * 40 * 0.5 * 0.4 * (0.75 - 1) * 1000 * 0.9
        row = found.loc["conversion"]
        covered.append(row.gap_amount_low <= expected <= row.gap_amount_high)
    assert np.mean(covered) >= 0.85


def test_an_unchanged_department_has_no_gap_beyond_chance():
    found = by_factor(gap_ledger(department(5, n_reps=20)))
    rows = found.drop("selling_days")
    clear = (rows["gap_amount_low"] > 0) | (rows["gap_amount_high"] < 0)
    assert clear.sum() <= 1


def test_the_order_of_rows_means_nothing():
    one = department(7)
    deals = one.deals.to_pyarrow().to_pandas().sample(frac=1, random_state=2)
    leads = one.leads.to_pyarrow().to_pandas().sample(frac=1, random_state=3)
    again = sd.Department(deals=deals, leads=leads, as_of="2025-12-31")
    pd.testing.assert_frame_equal(gap_ledger(one), gap_ledger(again))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "budget"}, "reference must be 'last_year', 'plan' or 'peers'"),
        ({"reference": "peers"}, "reference: peers are the other groups"),
        ({"start": "2025-06-01", "end": "2025-01-01"}, "the window ends"),
        ({"n_draws": -1}, "n_draws must be a whole number"),
        ({"start": "2024-01-01", "end": "2024-12-31"}, "a comparison with last year needs deals"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(sd.SalesDiagError, match=message):
        gap_ledger(department(2), **options)


def test_a_gain_is_the_product_with_one_factor_at_its_level():
    one = department(3, price=0.8)
    table = what_if(one, levels={"price_realisation": 0.9, "deals_per_lead": 1.0})
    found = table.set_index("factor")
    amount = found["actual_amount"].iloc[0]
    # sold at .72 of the list: at .9 a quarter more
    assert found["actual_value"]["price_realisation"] == pytest.approx(0.72)
    assert found["gain_amount"]["price_realisation"] == pytest.approx(amount * 0.25)
    assert found["is_given"].sum() == 2
    assert found["gain_amount"]["deals_per_lead"] == pytest.approx(
        amount * (1 / found["actual_value"]["deals_per_lead"] - 1)
    )
    # without a level given: what there was a year before, where that is better
    plain = what_if(one).set_index("factor")
    assert plain["level_value"]["price_realisation"] == pytest.approx(0.9)
    assert plain["gain_amount"]["price_realisation"] == pytest.approx(amount * 0.25)
    assert (plain["gain_amount"] >= -1e-6).all()


def test_a_stage_of_conversion_can_be_moved_and_what_is_no_factor_is_refused():
    table = what_if(sample_department(), levels={"conversion:Proposal": 0.7}, n_draws=20)
    row = table[table["stage"] == "Proposal"].iloc[0]
    assert row.gain_amount == pytest.approx(row.actual_amount * (0.7 / row.actual_value - 1))
    with pytest.raises(sd.InputError, match="levels: 'luck' is no factor here; there are"):
        what_if(department(2), levels={"luck": 2.0})
    with pytest.raises(sd.InputError, match="levels: timing must be 0 or more"):
        what_if(department(2), levels={"timing": -1})


def test_the_gap_to_plan_is_last_years_ledger_and_what_the_plan_asked_beyond_it():
    plan = pd.DataFrame({
        "level": ["department"] * 3, "id": [None] * 3, "metric": "revenue",
        "period_start": pd.to_datetime(["2025-01-01", "2025-01-01", "2025-07-01"]),
        "period_end": pd.to_datetime(["2025-12-31", "2025-06-30", "2025-12-31"]),
        "target": [1.0, 60_000.0, 50_000.0],
    })  # fmt: skip
    one = department(3, price=0.8)
    tables = {name: one.table(name) for name in ("deals", "leads")}
    planned = sd.Department(**tables, targets=plan, as_of="2025-12-31")
    table = gap_ledger(planned, reference="plan", n_draws=20)
    # half-years and a year cover the window alike: the shorter ones count
    assert table["base_amount"].unique() == [110_000]
    gap = table["actual_amount"].iloc[0] - 110_000
    assert table["gap_amount"].sum() == pytest.approx(gap)
    past = gap_ledger(one, n_draws=20)
    beyond = table[table["factor"] == "plan"].iloc[0]
    assert beyond.gap_amount == pytest.approx(past["base_amount"].iloc[0] - 110_000)
    assert beyond.control == "indirect"
    pd.testing.assert_series_equal(table["gap_amount"][:-1], past["gap_amount"])
    # half a period outside the window counts by its days: 1 April to 30 June are 91 of 181
    part = gap_ledger(planned, reference="plan", start="2025-04-01", end="2025-06-30", n_draws=0)
    assert part["base_amount"].iloc[0] == pytest.approx(60_000 * 91 / 181)


def test_without_a_plan_what_to_ask_for_is_said():
    with pytest.raises(sd.MissingDataError, match="targets"):
        gap_ledger(department(2), reference="plan")
    with pytest.raises(sd.InputError, match="a plan tells no factors"):
        what_if(department(2), reference="plan")


def test_a_plan_that_leaves_days_out_is_no_plan_and_overlaps_are_refused():
    one = department(3)
    tables = {name: one.table(name) for name in ("deals", "leads")}

    def planned(*spans):
        rows = pd.DataFrame(spans, columns=["period_start", "period_end", "target"])
        days = {name: pd.to_datetime(rows[name]) for name in ("period_start", "period_end")}
        rows = rows.assign(**days, level="department", id=None, metric="revenue")
        return sd.Department(**tables, targets=rows, as_of="2025-12-31")

    part = gap_ledger(planned(("2025-10-01", "2025-12-31", 600.0)), reference="plan", n_draws=0)
    assert part["base_amount"].isna().all()
    assert np.isnan(part.set_index("factor")["gap_amount"]["plan"])
    twice = planned(("2025-01-01", "2025-03-31", 600.0), ("2025-01-15", "2025-04-14", 600.0))
    with pytest.raises(sd.InputError, match="targets overlap: a period that begins on 2025-01-15"):
        gap_ledger(twice, reference="plan", start="2025-01-01", end="2025-03-31")


def monthly(**columns):
    """Four deals a month and rep over two years, half of them won on the 20th."""
    rows = [
        (f"{month:%y%m}{rep}{n}", rep, month + pd.Timedelta(days=2),
         month + pd.Timedelta(days=19), "won" if n < 2 else "lost", 100.0)
        for month in pd.date_range("2024-01-01", "2025-12-01", freq="MS")
        for rep in ("r0", "r1") for n in range(4)
    ]  # fmt: skip
    names = ["deal_id", "rep_id", "created_at", "closed_at", "status", "amount"]
    reps = pd.DataFrame({"rep_id": ["r0", "r1"], "hired_on": pd.Timestamp("2020-01-01")})
    return pd.DataFrame(rows, columns=names).assign(**columns), {"reps": reps}


def test_what_is_not_known_of_a_deal_is_left_out_and_counted():
    deals, more = monthly()
    year = deals["closed_at"].dt.year == 2025
    gone = year & (deals["status"] == "lost") & (deals["deal_id"].str[-1] == "3")
    undated = deals.assign(closed_at=deals["closed_at"].mask(gone))
    found = by_factor(gap_ledger(sd.Department(deals=undated, as_of="2025-12-31", **more)))
    # of three dated deals two were won; nothing else moved
    assert found["actual_value"]["conversion"] == pytest.approx(2 / 3)
    assert found["actual_value"]["timing"] == pytest.approx(1)
    assert found["n_deals"].iloc[0] == 72
    # a win for an unknown amount tells neither price nor size
    priced = deals.assign(list_amount=110.0)
    gone = year & (priced["status"] == "won") & (priced["deal_id"].str[-1] == "1")
    priced["amount"] = priced["amount"].mask(gone)
    found = by_factor(gap_ledger(sd.Department(deals=priced, as_of="2025-12-31", **more)))
    assert found["actual_value"]["price_realisation"] == pytest.approx(100 / 110)
    assert found["actual_value"]["list_value_per_deal"] == pytest.approx(110)
    assert (found["n_without_amount"] == 24).all()


def test_a_window_beyond_as_of_is_held_against_as_many_days_of_last_year():
    deals, more = monthly()
    deals = deals[deals["created_at"] < "2025-07-01"]
    half = sd.Department(deals=deals, as_of="2025-06-30", **more)
    table = gap_ledger(half, start="2025-01-01", end="2025-12-31", n_draws=0)
    assert (table["base_amount"] == table["actual_amount"]).all()
    # 29 February belongs to the year that ends with 28 February
    leap = pd.DataFrame({
        "deal_id": ["A", "B"], "rep_id": "r0", "status": "won", "amount": 100.0,
        "created_at": pd.to_datetime(["2024-02-20", "2025-02-20"]),
        "closed_at": pd.to_datetime(["2024-02-29", "2025-02-28"]),
    })  # fmt: skip
    table = gap_ledger(sd.Department(deals=leap, as_of="2025-02-28"), n_draws=0)
    assert table["base_amount"].iloc[0] == 100


def test_the_market_counts_by_its_days():
    deals, more = monthly()
    index = pd.DataFrame({"period_start": pd.to_datetime(["2024-01-01", "2025-01-01"]),
                          "index": [100.0, 50.0]})  # fmt: skip
    one = sd.Department(deals=deals, market=index, as_of="2025-12-31", **more)
    found = by_factor(gap_ledger(one, start="2025-02-01", n_draws=0))
    assert found["base_value"]["market"] == 100
    assert found["actual_value"]["market"] == 50
    assert found["control"]["market"] == "external"
    with pytest.raises(sd.InputError, match="levels: conversion must be at most 1"):
        what_if(one, levels={"conversion": 2.0})
