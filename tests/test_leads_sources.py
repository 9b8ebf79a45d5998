"""What sources are worth: hand counts, costs by days, censoring, planted changes, real data."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.lead_worlds import MONDAY, NO_DEALS, leads_of
from tests.real_data import data_set, needs


def costs_of(*rows):
    frame = pd.DataFrame(rows, columns=["source", "period_start", "period_end", "cost_amount"])
    return frame.assign(
        period_start=pd.to_datetime(frame["period_start"]),
        period_end=pd.to_datetime(frame["period_end"]),
    )


DEALS = pd.DataFrame({
    "deal_id": ["D1", "D2", "D3"], "status": ["won", "lost", "won"],
    "created_at": MONDAY + pd.Timedelta(days=2),
    "closed_at": MONDAY + pd.to_timedelta([10, 12, 90], unit="D"),
    "amount": [400.0, 900.0, None],
})  # fmt: skip
LEADS = [
    ("1", "2 10:00", "web", "D1"), ("2", "2 10:00", "web", "D2"), ("3", "2 10:00", "web", None),
    ("4", "2 10:00", "fair", "D3"), ("5", "2 10:00", None, "D9"), ("6", "2 11:00", "fair", "D1"),
]  # fmt: skip
COLUMNS = ("lead_id", "created_at", "source", "deal_id")


def test_counted_by_hand():
    department = leads_of(LEADS, COLUMNS, deals=DEALS, as_of="2025-12-31")
    table = sd.leads.source_quality(department, within_days=30).set_index("source")
    names = ["n_leads", "n_deals", "n_won", "n_lost", "n_deal_unknown", "n_won_without_amount"]
    assert table.loc["web", names].tolist() == [3, 2, 1, 1, 0, 0]
    # D1 is the deal of lead 1, which came first; D9 is nowhere
    assert table.loc["fair", names].tolist() == [2, 1, 1, 0, 0, 1]
    assert table.loc["unassigned", names].tolist() == [1, 0, 0, 0, 1, 0]
    assert table["deal_rate"].to_dict() == {
        "web": pytest.approx(2 / 3),
        "fair": 0.5,
        "unassigned": 0,
    }
    assert table["won_rate"].to_dict() == {"web": pytest.approx(1 / 3), "fair": 0, "unassigned": 0}
    assert table.loc["web", "won_amount"] == 400
    assert table.loc["web", "value_per_lead_amount"] == pytest.approx(400 / 3)
    assert table["qualified_rate"].isna().all()  # no table tells
    assert set(table["outcome"]) == {"deal"}
    assert set(table["cost_basis"]) == {""}
    assert table["cost_amount"].isna().all()


def test_leads_too_young_are_neither_lost_nor_forgotten():
    rows = [("1", "2 10:00", "web", "D1"), ("2", "2 10:00", "web", None),
            ("3", "20 10:00", "web", None)]  # fmt: skip
    # D1 is won after 10 days; lead 3 is watched for 4 days only and says nothing of day 10
    department = leads_of(rows, COLUMNS, deals=DEALS, as_of="2025-06-24")
    row = sd.leads.source_quality(department, within_days=20).iloc[0]
    assert row.won_rate == pytest.approx(1 / 2)
    assert row.n_won == 1
    too_far = sd.leads.source_quality(department, within_days=60).iloc[0]
    assert np.isnan(too_far.won_rate)  # nobody was watched so long


def test_costs_count_by_their_days_in_the_window_and_by_leads_in_a_group():
    costs = costs_of(
        ("web", "2025-06-01", "2025-06-30", 300.0), ("web", "2025-05-01", "2025-06-10", 410.0),
        ("radio", "2025-06-01", "2025-06-30", 60.0), ("web", "2025-01-01", "2025-05-31", 9e9),
    )  # fmt: skip
    department = leads_of(LEADS, COLUMNS, deals=DEALS, as_of="2025-12-31", source_costs=costs)
    window = {"start": "2025-06-01", "end": "2025-06-15"}
    table = sd.leads.source_quality(department, **window).set_index("source")
    # 15 of 30 days, and 10 of 41
    assert table.loc["web", "cost_amount"] == pytest.approx(150 + 100)
    assert table.loc["web", "cost_per_lead_amount"] == pytest.approx(250 / 3)
    assert table.loc["web", "cost_per_won_amount"] == pytest.approx(250)
    assert table.loc["radio", ["n_leads", "cost_amount"]].tolist() == [0, 30]
    assert np.isnan(table.loc["radio", "cost_per_lead_amount"])
    assert np.isnan(table.loc["fair", "cost_amount"])
    split = sd.leads.source_quality(department, by="deal_id", **window)
    web = split[split["source"] == "web"]
    assert web["cost_amount"].tolist() == pytest.approx([250 / 3] * 3)
    assert split.loc[split["source"] == "radio", "deal_id"].tolist() == ["unassigned"]


def test_leads_that_carry_their_own_cost_go_before_the_bill_of_the_source():
    rows = [
        (*row, cost) for row, cost in zip(LEADS, [10.0, 20.0, None, 5.0, 5.0, 5.0], strict=True)
    ]
    bill = costs_of(("web", "2025-06-01", "2025-06-30", 9.0))
    columns = (*COLUMNS, "cost_amount")
    department = leads_of(rows, columns, deals=DEALS, as_of="2025-12-31", source_costs=bill)
    table = sd.leads.source_quality(department).set_index("source")
    assert set(table["cost_basis"]) == {"leads"}
    assert table.loc["web", ["cost_amount", "n_with_cost"]].tolist() == [30, 2]


def test_the_interval_of_a_cost_is_that_of_the_count_below():
    # exact Poisson limits of 10: 4.7954 and 18.3904
    n = 10
    leads = pd.DataFrame({"lead_id": [str(one) for one in range(n)], "created_at": MONDAY,
                          "source": "web", "status": "new"})  # fmt: skip
    department = sd.Department(
        deals=NO_DEALS, leads=leads, as_of="2025-12-31",
        source_costs=costs_of(("web", "2025-06-02", "2025-06-02", 100.0)),
    )  # fmt: skip
    row = sd.leads.source_quality(department).iloc[0]
    assert row.cost_per_lead_amount == 10
    assert row.cost_per_lead_amount_low == pytest.approx(100 / 18.3904, rel=1e-4)
    assert row.cost_per_lead_amount_high == pytest.approx(100 / 4.7954, rel=1e-4)
    assert np.isnan(row.cost_per_deal_amount)


def two_periods(recent, earlier):
    """One source a pair: (hits, leads) of the last half year and of the time before."""
    rows = []
    for source, pairs in enumerate(zip(recent, earlier, strict=True)):
        for (hits, n), day in zip(pairs, ("2025-09-01", "2025-02-03"), strict=True):
            rows += [(f"s{source}", day, one < hits) for one in range(n)]
    frame = pd.DataFrame(rows, columns=["source", "created_at", "hit"])
    frame["created_at"] = pd.to_datetime(frame["created_at"])
    frame["qualified_at"] = (frame["created_at"] + pd.Timedelta(days=1)).where(frame.pop("hit"))
    return sd.Department(deals=NO_DEALS, leads=frame.assign(lead_id=frame.index.astype(str)),
                         as_of="2025-12-31")  # fmt: skip


def test_a_change_has_newcombes_published_interval():
    table = sd.leads.source_quality(two_periods([(56, 70)], [(48, 80)]))
    row = table.iloc[0]
    assert (row.n_recent, row.n_earlier) == (70, 80)
    assert row.conversion_difference == pytest.approx(0.2)
    assert row.conversion_difference_low == pytest.approx(0.0524, abs=5e-5)
    assert row.conversion_difference_high == pytest.approx(0.3339, abs=5e-5)
    assert row.p_value == row.q_value  # one test


def test_a_planted_change_is_found_among_sources_that_did_not_change():
    rng = np.random.default_rng(4)
    silent = 0
    for _ in range(20):
        hits = [(int(rng.binomial(300, rate)), 300) for rate in (0.3, 0.3, 0.3, 0.3, 0.1)]
        before = [(int(rng.binomial(400, 0.3)), 400) for _ in range(5)]
        table = sd.leads.source_quality(two_periods(hits, before))
        assert table["q_value"].iloc[-1] < 0.05
        assert table["conversion_difference_high"].iloc[-1] < 0
        silent += (table["q_value"].iloc[:-1] > 0.05).all()
    assert silent >= 17


def test_the_q_values_do_not_depend_on_the_confidence():
    department = two_periods([(56, 70), (10, 50)], [(48, 80), (20, 60)])
    one, two = (sd.leads.source_quality(department, confidence=level) for level in (0.5, 0.99))
    assert one["q_value"].tolist() == two["q_value"].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"outcome": "lost"}, "outcome must be one of"), ({"within_days": 0}, "within_days"),
     ({"recent_days": 0.5}, "recent_days")],
)  # fmt: skip
def test_wrong_options_are_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        sd.leads.source_quality(leads_of(LEADS, COLUMNS, deals=DEALS), **options)


def test_the_sample_has_costs_of_its_sources():
    from tests.frames import sample_department, sample_frames

    costs = sample_frames()["source_costs"]
    table = sd.leads.source_quality(sample_department())
    assert set(table["cost_basis"]) == {"sources"}
    assert table["cost_amount"].sum() == pytest.approx(costs["cost_amount"].sum())
    assert costs["period_end"].max().date() == date(2025, 12, 31)


@needs("itschool_crm")
def test_the_sources_of_a_school_are_those_published():
    folder, mapping = data_set("itschool_crm")
    department = sd.load(folder, mapping=mapping)
    table = sd.leads.source_quality(department, start="2023-06-01").set_index("source")
    leads = table["n_leads"]
    assert (leads["Facebook Ads"], leads["Google Ads"], leads["Organic"]) == (2256, 1588, 1030)
    assert (leads.sum(), table["n_won"].sum()) == (8174, 407)
    assert table["cost_amount"].sum() == pytest.approx(58_691.76, abs=0.005)
    assert table.loc["Google Ads", "cost_amount"] == pytest.approx(23_642.70, abs=0.005)
    assert table.loc["Youtube Ads", "cost_amount"] == pytest.approx(5_394.72, abs=0.005)


def test_leads_are_found_by_what_deals_say_where_they_name_none():
    deals = DEALS.assign(
        lead_id=["1", "2", "1"], created_at=MONDAY + pd.to_timedelta([3, 2, 2], unit="D")
    )
    for columns in (COLUMNS[:3], COLUMNS):
        rows = [(*row[:3], None)[: len(columns)] for row in LEADS]
        department = leads_of(rows, columns, deals=deals, as_of="2025-12-31")
        table = sd.leads.source_quality(department).set_index("source")
        # two deals name lead 1: the first to be made is D3
        assert table.loc["web", ["n_leads", "n_deals", "n_won", "n_lost"]].tolist() == [3, 2, 1, 1]
        assert table.loc["web", "won_amount"] == 0


def undated(rng, n, share, span=90):
    """Make leads of a year, a share of them qualified after up to 90 days, told by a status."""
    age = rng.integers(0, 365, n)
    hit = (rng.random(n) < share) & (rng.integers(0, span + 1, n) <= age)
    leads = pd.DataFrame({
        "lead_id": np.arange(n).astype(str), "source": "web",
        "created_at": pd.Timestamp("2025-12-31") - pd.to_timedelta(age, unit="D"),
        "status": np.where(hit, "qualified", "working"),
    })  # fmt: skip
    return sd.Department(deals=NO_DEALS, leads=leads, as_of="2025-12-31"), age, hit


def test_an_outcome_without_a_date_is_told_by_leads_old_enough_alone():
    department, age, hit = undated(np.random.default_rng(3), 500, 0.5)
    row = sd.leads.source_quality(department).iloc[0]
    assert row.qualified_rate == pytest.approx(hit[age >= 90].mean())
    assert row.earlier_rate == pytest.approx(hit[age >= 182].mean())
    assert row.recent_rate == pytest.approx(hit[(age >= 90) & (age < 182)].mean())
    assert (row.n_leads, row.n_qualified, row.n_undated) == (500, hit.sum(), hit.sum())


def test_no_fall_is_seen_where_only_the_dates_are_missing():
    rng = np.random.default_rng(5)
    covered = false = 0
    for _ in range(20):
        row = sd.leads.source_quality(undated(rng, 800, 0.5)[0]).iloc[0]
        covered += row.qualified_rate_low <= 0.5 <= row.qualified_rate_high
        false += row.p_value < 0.05
    assert covered >= 17
    assert false <= 3


def test_undated_wins_of_young_leads_say_nothing_of_the_horizon():
    rows = [(f"{n}", "20 10:00", "web", f"D{n}") for n in range(10)] + [
        ("old", "2 10:00", "web", "D10")]  # fmt: skip
    deals = pd.DataFrame({"deal_id": [f"D{n}" for n in range(11)],
                          "status": ["won"] * 5 + ["lost"] * 5 + ["won"]})  # fmt: skip
    department = leads_of(rows, COLUMNS, deals=deals, as_of="2025-07-01")
    row = sd.leads.source_quality(department, within_days=20).iloc[0]
    assert row.won_rate == 1  # one lead was watched for 20 days, and was won
    assert (row.n_won, row.n_lost, row.n_undated) == (6, 5, 11)


def test_an_empty_column_of_dates_does_not_silence_the_status():
    rows = [(f"{n}", "2 10:00", "web", "qualified" if n < 20 else "new", None) for n in range(40)]
    columns = ("lead_id", "created_at", "source", "status", "qualified_at")
    for filled in (0, 1):
        given = [(*row[:4], "9 10:00") if place < filled else row
                 for place, row in enumerate(rows)]  # fmt: skip
        row = sd.leads.source_quality(leads_of(given, columns, as_of="2025-12-31")).iloc[0]
        assert (row.n_qualified, row.qualified_rate) == (20, pytest.approx(0.5))
        assert row.n_undated == 20 - filled
    # dated after the end of the data: not yet, whatever the status says now
    late = [(*row[:4], "9 10:00") for row in rows]
    row = sd.leads.source_quality(leads_of(late, columns, as_of="2025-06-08")).iloc[0]
    assert row.n_qualified == 0


def test_one_lead_that_names_its_deal_does_not_hide_the_deals_that_name_leads():
    deals = pd.DataFrame({"deal_id": [f"D{n}" for n in range(10)], "status": "won",
                          "lead_id": [f"{n}" for n in range(10)], "amount": 100.0})  # fmt: skip
    rows = [(f"{n}", "2 10:00", "web", "D0" if n == 0 else None) for n in range(10)]
    row = sd.leads.source_quality(leads_of(rows, COLUMNS, deals=deals)).iloc[0]
    assert (row.n_deals, row.n_won, row.won_amount) == (10, 10, 1000)


def test_columns_of_ones_own_do_not_stand_in_for_those_of_the_deal():
    rows = [("1", "2 10:00", "web", "D1", 7.0, "x"), ("2", "2 10:00", "web", None, 7.0, "x")]
    columns = (*COLUMNS, "deal_amount", "deal_status")
    department = leads_of(rows, columns, deals=DEALS, as_of="2025-12-31")
    row = sd.leads.source_quality(department).iloc[0]
    assert (row.n_won, row.won_amount) == (1, 400)
    with pytest.raises(sd.InputError, match="name of a result"):
        sd.leads.source_quality(department, by="deal_status")


def test_without_a_first_day_the_costs_before_the_first_lead_count():
    january = costs_of(("web", "2025-01-01", "2025-01-31", 1000.0))
    for day in ("2025-01-31", "2025-02-05"):
        leads = pd.DataFrame({"lead_id": ["1", "2"], "source": "web", "status": "new",
                              "created_at": pd.to_datetime([day, "2025-03-10"])})  # fmt: skip
        department = sd.Department(
            deals=NO_DEALS, leads=leads, source_costs=january, as_of="2025-12-31"
        )
        assert sd.leads.source_quality(department)["cost_amount"].item() == 1000
        row = sd.leads.source_quality(department, start="2025-01-31").iloc[0]
        assert row.cost_amount == pytest.approx(1000 / 31)


def test_costs_of_some_leads_are_divided_by_these_and_other_sources_have_their_bill():
    rows = [(f"{n}", "2 10:00", "web", None, 10.0 if n < 5 else None) for n in range(10)]
    rows += [(f"f{n}", "2 10:00", "fair", None, None) for n in range(4)]
    rows += [(f"p{n}", "2 10:00", "post", None, 3.0 if n < 1 else None) for n in range(4)]
    bill = costs_of(("fair", "2025-06-01", "2025-06-30", 80.0))
    department = leads_of(rows, (*COLUMNS, "cost_amount"), source_costs=bill)
    table = sd.leads.source_quality(department).set_index("source")
    assert table["cost_basis"].to_dict() == {"web": "leads", "fair": "sources", "post": "leads"}
    assert table["cost_per_lead_amount"].to_dict() == {"web": 10, "fair": 20, "post": 3}
    assert table["n_with_cost"].to_dict() == {"web": 5, "fair": 0, "post": 1}


def test_a_window_hands_neither_a_repeated_lead_nor_a_deal_to_another():
    leads = pd.DataFrame({
        "lead_id": ["1", "1", "2"], "source": "web", "deal_id": "D1",
        "created_at": pd.to_datetime(["2025-01-10", "2025-03-10", "2025-03-11"]),
    })  # fmt: skip
    department = sd.Department(deals=DEALS, leads=leads, as_of="2025-12-31")
    counted = [
        tuple(sd.leads.source_quality(department, **window)[["n_leads", "n_won"]].iloc[0])
        for window in ({}, {"end": "2025-01-31"}, {"start": "2025-03-01"})
    ]
    assert counted == [(2, 1), (1, 1), (1, 0)]


def test_which_of_two_rows_with_one_id_is_kept_does_not_hang_on_their_order():
    leads = pd.DataFrame({"lead_id": ["1", "1"], "created_at": MONDAY, "source": "web",
                          "status": "new", "campaign": ["y", "x"]})  # fmt: skip
    for order in ([0, 1], [1, 0]):
        department = sd.Department(deals=NO_DEALS, leads=leads.iloc[order], as_of="2025-12-31")
        table = sd.leads.source_quality(department, by="campaign")
        assert table.loc[table["n_leads"] > 0, "campaign"].tolist() == ["x"]
