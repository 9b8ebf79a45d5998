"""Who gets which leads: hand counts, a fair deal, planted favours, real data."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.leads.assignment import dealt, expected_rates
from tests.lead_worlds import NO_DEALS
from tests.real_data import data_set, needs

REPS = pd.DataFrame({
    "rep_id": ["r1", "r2", "r3"], "team": ["North", "North", "South"],
    "hired_on": pd.to_datetime(["2025-01-01"] * 3),
    "left_on": pd.to_datetime([None, "2025-06-15", None]),
})  # fmt: skip


def given(rows, **more):
    """Build a department of leads of (rep, source, day, hit)."""
    leads = pd.DataFrame(rows, columns=["rep_id", "source", "created_at", "hit"])
    leads["status"] = np.where(leads.pop("hit"), "qualified", "working")
    leads["created_at"] = pd.to_datetime(leads["created_at"])
    leads = leads.assign(lead_id=leads.index.astype(str))
    settings = {"deals": NO_DEALS, "reps": REPS, "as_of": "2025-12-31"} | more
    return sd.Department(leads=leads, **settings)


def test_counted_by_hand():
    day = "2025-06-02"
    rows = [("r1", "web", day, True)] * 6 + [("r2", "web", day, False)] * 2
    rows += [(None, "web", day, False)] * 2
    table = sd.leads.lead_distribution(given(rows), start="2025-06-01", end="2025-06-30")
    table = table.set_index("rep_id")
    assert table["n_leads"].to_dict() == {"r1": 6, "r2": 2, "r3": 0, "unassigned": 2}
    # June 2025 has 21 working days, 10 of them up to the 15th
    assert table["n_selling_days"].to_dict() == {"r1": 21, "r2": 10, "r3": 21, "unassigned": 0}
    assert table.loc["r1", "lead_share"] == 6 / 8
    assert table.loc["r1", "capacity_share"] == 21 / 52
    assert table.loc["r1", "load_ratio"] == pytest.approx(6 / 8 / (21 / 52))
    assert table.loc["r2", "leads_per_day"] == pytest.approx(2 / 10)
    assert table["lead_concentration"].iloc[0] == pytest.approx((6 / 8) ** 2 + (2 / 8) ** 2)
    assert table["capacity_concentration"].iloc[0] == pytest.approx((21**2 + 10**2) / 31**2)
    assert table["n_reps"].iloc[0] == 2
    # one kind: nothing to choose from; leads without a rep count in what a kind converts
    assert table["quality_gap"].isna().all()
    assert table.loc["r1", "conversion_ratio"] == pytest.approx(6 / (6 * 6 / 10))


def test_the_closed_form_is_that_of_all_ways_to_deal():
    # five leads of three kinds in one month to three reps: all 120 orders
    kinds, hits = list("aabcc"), [1, 0, 1, 0, 0]
    owners = ["x", "x", "y", "z", "z"]
    cells = pd.DataFrame({
        "rep_id": owners, "month": 1, "kind_source": kinds, "kind_segment": "", "n": 1,
        "n_mature": 1, "n_hit": hits,
    })  # fmt: skip
    worth = expected_rates(cells)
    sums = np.array([[np.mean([worth[place] for place, rep in zip(order, owners, strict=True)
                               if rep == one]) for one in "xyz"]
                     for order in permutations(range(5))])  # fmt: skip
    found = dealt(cells, ["x", "y", "z"])
    assert found.error == pytest.approx(sums.std(axis=0))
    assert found.gap == pytest.approx(found.quality - worth.mean())


def shuffled_cells(rng, n=600, favour=0.0):
    month = rng.integers(0, 6, n)
    kind = rng.integers(0, 4, n)
    good = kind >= 2
    chance = np.where(good, 1 + favour, 1.0)
    rep = np.where(rng.random(n) < 0.2 * chance, 0, rng.integers(1, 5, n))
    hit = rng.random(n) < 0.1 + 0.15 * kind
    return pd.DataFrame({
        "rep_id": rep.astype(str), "month": month, "kind_source": kind.astype(str),
        "kind_segment": "", "n": 1, "n_mature": 1, "n_hit": hit.astype(int),
    })  # fmt: skip


def test_a_fair_deal_gives_p_values_that_are_even():
    rng = np.random.default_rng(8)
    p = np.array([dealt(shuffled_cells(rng), list("01234")).p_value for _ in range(400)])
    counts = np.histogram(p, bins=5, range=(0, 1))[0]
    assert np.sum((counts - 80) ** 2 / 80) < 14.9  # chi-square on 4 df at .005
    assert (p < 0.05).mean() < 0.09


def test_a_favoured_rep_is_found_and_nobody_else():
    rng = np.random.default_rng(9)
    rows = []
    for month in range(1, 7):
        for _ in range(150):
            source = rng.choice(["good", "poor"])
            favours = source == "good" and rng.random() < 0.4
            rep = "r1" if favours else rng.choice(["r1", "r2", "r3"])
            rows.append(
                (rep, source, f"2025-{month:02d}-03", rng.random() < (0.5, 0.1)[source == "poor"])
            )
    reps = REPS.assign(left_on=pd.NaT)
    table = sd.leads.lead_distribution(given(rows, reps=reps)).set_index("rep_id")
    assert table["quality_p_value"].iloc[0] < 0.001
    assert table.loc["r1", "q_value"] < 0.001
    assert table.loc["r1", "quality_gap_low"] > 0
    assert table.loc["r2", "quality_gap_high"] < 0
    assert table.loc["r1", "load_ratio_low"] > 1


def test_good_leads_to_those_who_convert_them_worse():
    rng = np.random.default_rng(10)
    rows = []
    for number in range(12):
        for _ in range(200):
            good = rng.random() < 0.2 + 0.05 * number
            chance = (0.5 if good else 0.2) * (1.3 - 0.06 * number)
            rows.append((f"r{number:02d}", "good" if good else "poor", "2025-03-03",
                         rng.random() < chance))  # fmt: skip
    reps = pd.DataFrame({"rep_id": [f"r{one:02d}" for one in range(12)]})
    row = sd.leads.lead_distribution(given(rows, reps=reps)).iloc[0]
    assert row.n_compared == 12
    assert row.quality_skill_correlation_high < 0


def test_leads_come_in_proportion_to_days_or_not():
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2025-01-02", "2025-12-31")
    there = [(rep, day) for rep in ("r1", "r2", "r3") for day in days
             if rep != "r2" or day <= pd.Timestamp("2025-06-15")]  # fmt: skip
    found = 0
    for _ in range(20):
        rows = [(*there[place], "web") for place in rng.integers(0, len(there), 300)]
        rows = [(rep, source, day, False) for rep, day, source in rows]
        table = sd.leads.lead_distribution(given(rows), start="2025-01-02", end="2025-12-31")
        found += table["load_p_value"].iloc[0] < 0.05
    assert found <= 4  # r2 left in June: by heads, not by days, he would look left out
    unfair = [("r1", "web", "2025-03-03", False)] * 100 + [("r3", "web", "2025-03-03", False)] * 20
    assert sd.leads.lead_distribution(given(unfair))["load_p_value"].iloc[0] < 1e-6


def test_one_rep_only_tells_nothing_and_warns_of_nothing():
    rows = [("r1", source, "2025-03-03", source == "web") for source in ("web", "fair")] * 30
    table = sd.leads.lead_distribution(given(rows, reps=REPS.iloc[:1])).set_index("rep_id")
    assert table.loc["r1", "lead_share"] == 1
    assert table[["quality_gap", "p_value", "quality_p_value", "load_p_value",
                  "quality_skill_correlation"]].isna().all(axis=None)  # fmt: skip


def test_groups_are_dealt_out_by_themselves():
    rows = [("r1", "web", "2025-03-03", True)] * 30 + [("r3", "fair", "2025-03-03", False)] * 30
    whole = sd.leads.lead_distribution(given(rows))
    assert whole["quality_p_value"].iloc[0] < 1e-6
    parts = sd.leads.lead_distribution(given(rows), by="team")
    assert parts["quality_p_value"].isna().all()
    south = parts[parts["team"] == "South"].set_index("rep_id")
    assert south["n_leads"].to_dict() == {"r3": 30, "unassigned": 0}


@needs("itschool_crm")
def test_the_owners_of_a_school_have_the_leads_that_are_published():
    folder, mapping = data_set("itschool_crm")
    department = sd.load(folder, mapping=mapping)
    table = sd.leads.lead_distribution(department).set_index("rep_id")
    found = table["n_leads"]
    assert (found["Charlie Davis"], found["Bob Brown"], found["Oliver Taylor"]) == (1236, 337, 151)
    assert (found["unassigned"], found.sum()) == (29, 8174)
    assert table["load_p_value"].iloc[0] < 1e-6


def test_who_had_days_and_got_no_lead_counts_in_the_test_of_the_load():
    rows = [(rep, "web", "2025-06-02", False) for rep in ["r1", "r3"] * 30]
    table = sd.leads.lead_distribution(given(rows, reps=REPS.assign(left_on=pd.NaT)))
    # 20 each would be even: (10**2 + 10**2 + 20**2) / 20 = 30 on 2 df
    assert table["load_p_value"].iloc[0] == pytest.approx(np.exp(-15))


def test_leads_of_who_has_no_days_are_no_load_of_the_others():
    rows = [(rep, "web", "2025-06-02", False) for rep in ["r1"] * 30 + ["gone"] * 30]
    table = sd.leads.lead_distribution(given(rows, reps=REPS.iloc[:1])).set_index("rep_id")
    assert table.loc["r1", ["lead_share", "capacity_share", "load_ratio"]].tolist() == [0.5, 1, 1]
    assert table.loc["gone", "lead_share"] == 0.5
    assert table.loc["gone", "n_selling_days"] == 0
    assert np.isnan(table.loc["gone", "load_ratio"])


def test_a_rep_who_has_a_source_to_himself_can_be_held_against_nobody():
    day = "2025-03-03"
    rows = [("r1", "own", day, n < 9) for n in range(10)]
    rows += [("r1", "web", day, n < 2) for n in range(10)]
    rows += [("r2", "web", day, n < 6) for n in range(10)]
    rows += [("r3", "shop", day, n < 5) for n in range(10)]
    rows += [(None, "shop", day, True)]  # nobody's lead is no other rep
    table = sd.leads.lead_distribution(given(rows)).set_index("rep_id")
    reps = ["r1", "r2", "r3"]
    assert table.loc[reps, "n_mature"].tolist() == [20, 10, 10]
    assert table.loc[reps, "n_comparable"].tolist() == [10, 10, 0]
    # the web converts 8 of 20
    assert table.loc["r1", ["n_converted", "expected_conversions"]].tolist() == [2, 4]
    assert table.loc[reps[:2], "conversion_ratio"].tolist() == [2 / 4, 6 / 4]
    assert np.isnan(table.loc["r3", "conversion_ratio"])
    assert table["n_compared"].iloc[0] == 2


def test_a_rep_who_is_listed_in_two_teams_stands_in_one():
    reps = pd.DataFrame({"rep_id": ["a", "a", "b"], "team": ["South", "North", "South"],
                         "rep_name": ["A. Ames", "Ann Ames", "Bo"],
                         "hired_on": pd.to_datetime(["2025-01-01"] * 3)})  # fmt: skip
    rows = [("a", "web", "2025-06-02", False), ("b", "web", "2025-06-02", False)]
    for order in ([0, 1, 2], [2, 1, 0]):
        department = given(rows, reps=reps.iloc[order])
        table = sd.leads.lead_distribution(department, by="team")
        held = table[table["rep_id"] != "unassigned"]
        assert held[["team", "rep_id"]].to_numpy().tolist() == [["North", "a"], ["South", "b"]]
