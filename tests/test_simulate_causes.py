"""Each planted cause shows in the tables where it should, counted with plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesdiag.simulate import CAUSES, Fault, world
from salesdiag.simulate.names import WORDS

SEED, REPS = 21, 14
DAY = pd.Timedelta("1D")
START, AS_OF = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")
# these need a department of their own kind, which stays so at no strength to speak of
OWN_KIND = {"lead_misallocation", "slow_ramp", "key_account_lost", "currency_effect"}


def made_with(*faults, **options):
    return world(list(faults), **{"seed": SEED, "reps": REPS, "noise": 0, **options})


@pytest.fixture(scope="module")
def healthy():
    return made_with()


def won_of(made):
    deals = made.tables["deals"]
    return deals[(deals["status"] == "won") & (deals["closed_at"] >= START)]


def late_leads(made):
    leads = made.tables["leads"]
    return leads[(leads["created_at"] >= START) & (leads["created_at"] < AS_OF - 20 * DAY)]


def win_rate(deals):
    closed = deals[deals["status"].isin(["won", "lost"]) & (deals["closed_at"] >= START)]
    return (closed["status"] == "won").mean()


def moves(made):
    """Every move from one stage to the next, with positions; the lost stage has none."""
    stages = made.tables["stages"]
    ladder = stages[stages["status"] != "lost"].set_index("stage")["position"]
    changes = made.tables["stage_changes"]
    by_deal = changes.groupby("deal_id")
    table = changes.assign(goal=by_deal["stage"].shift(-1), left=by_deal["entered_at"].shift(-1))
    table = table[table["goal"].notna() & (table["left"] >= START)]
    return table.assign(step=table["goal"].map(ladder) - table["stage"].map(ladder))


def slow_response(made, truth):
    leads = late_leads(made)
    return (leads["first_response_at"] - leads["created_at"]).median() / DAY


def unworked_leads(made, truth):
    return late_leads(made)["first_response_at"].isna().mean()


def lead_misallocation(made, truth):
    """How well the reps who get the larger leads did with such deals the year before."""
    small = WORDS[made.language].segments[0]
    deals, leads = made.tables["deals"], late_leads(made)
    before = deals[(deals["closed_at"] < START) & (deals["segment"] != small)]
    rate = (before["status"] == "won").groupby(before["rep_id"]).mean()
    larger = leads[leads["segment"] != small]
    return -larger["rep_id"].map(rate).mean()


def stage_leak(made, truth):
    stays = moves(made)
    stays = stays[stays["stage"] == truth.stage]
    return -(stays["step"] > 0).mean()


def process_skipped(made, truth):
    return (moves(made)["step"] > 1).mean()


def stalled_pipeline(made, truth):
    deals = made.tables["deals"]
    return ((deals["status"] == "open") & (deals["created_at"] < AS_OF - 100 * DAY)).sum()


def low_activity(made, truth):
    return -(made.tables["activities"]["occurred_at"] >= START).sum()


def misdirected_activity(made, truth):
    touched = made.tables["activities"].merge(made.tables["deals"], on="deal_id")
    touched = touched[touched["occurred_at"] >= START]
    dead = touched["occurred_at"] > touched["closed_at"]
    old = touched["occurred_at"] - touched["created_at"] > 120 * DAY
    return (dead | old).mean()


def weak_reps(made, truth):
    deals = made.tables["deals"]
    return -win_rate(deals[deals["rep_id"].isin(truth.ids)])


def slow_ramp(made, truth):
    reps = made.tables["reps"]
    young = reps[reps["hired_on"] > "2024-06-01"].set_index("rep_id")["hired_on"]
    deals = made.tables["deals"]
    mine = deals[deals["rep_id"].isin(young.index) & deals["closed_at"].notna()]
    tenure = mine["closed_at"] - mine["rep_id"].map(young)
    return -(mine[tenure < 200 * DAY]["status"] == "won").mean()


def headcount_gap(made, truth):
    return -made.tables["reps"]["left_on"].isna().sum()


def manager_effect(made, truth):
    reps, deals = made.tables["reps"], made.tables["deals"]
    team = reps.loc[reps["team"].isin(truth.ids), "rep_id"]
    return -win_rate(deals[deals["rep_id"].isin(team)])


def small_deals(made, truth):
    deals = made.tables["deals"]
    return -deals.loc[deals["created_at"] >= START, "list_amount"].mean()


def excess_discount(made, truth):
    won = won_of(made)
    return 1 - won["amount"].sum() / won["list_amount"].sum()


def discount_by_part(made):
    """Discount of deals won in the last three weeks of a quarter, and before."""
    won = won_of(made)
    left = won["closed_at"].dt.to_period("Q").dt.end_time - won["closed_at"]
    sums = won.groupby(left < 21 * DAY)[["amount", "list_amount"]].sum()
    rate = 1 - sums["amount"] / sums["list_amount"]
    return rate[True] - rate[False]


def period_end_discounting(made, truth):
    return discount_by_part(made)


def discount_limit_bunching(made, truth):
    limit = made.settings["discount_limits"]["rep"]
    lines = made.tables["line_items"]
    given = 1 - lines["unit_price"] / lines["list_price"]
    return (given - limit).abs().lt(0.001).mean()


def crm_unreliable(made, truth):
    activities = made.tables["activities"]
    return (activities["logged_at"] - activities["occurred_at"] > 0.5 * DAY).mean()


def forecast_bias(made, truth):
    told = made.tables["forecasts"]
    told = told[(told["level"] == "department") & (told["period_start"] >= START)]
    return told.loc[told["made_on"].dt.month % 3 == 1, "amount"].sum() / made.revenue


def biased_call_scores(made, truth):
    scores = made.tables["call_scores"]
    return scores.groupby("scored_by")["score"].mean().std()


def department_target(made):
    targets = made.tables["targets"]
    whole = targets[(targets["level"] == "department") & (targets["period_start"] >= START)]
    return whole["target"].sum()


def plan_too_high(made, truth):
    return department_target(made) / made.revenue


def rep_table(made):
    """Target and result of each rep and quarter."""
    targets = made.tables["targets"]
    targets = targets[targets["level"] == "rep"].rename(columns={"id": "rep_id"})
    won = made.tables["deals"].query("status == 'won'")
    quarter = won["closed_at"].dt.to_period("Q").dt.start_time
    sold = won.groupby(["rep_id", quarter.rename("period_start")])["amount"].sum().rename("sold")
    return targets.join(sold, on=["rep_id", "period_start"]).fillna({"sold": 0.0})


def plan_misallocated(made, truth):
    """How uneven the attainment of the reps' two years is."""
    sums = rep_table(made).groupby("rep_id")[["sold", "target"]].sum()
    return np.log((sums["sold"] + 1) / sums["target"]).std()


def plan_ratchet(made, truth):
    table = rep_table(made).sort_values(["rep_id", "period_start"])
    table["next"] = table.groupby("rep_id")["target"].shift(-1) / table["target"]
    steady = table[table["next"].between(0.4, 2.5)]
    good = steady["sold"] > 1.2 * steady["target"]
    return steady.loc[good, "next"].mean() - steady.loc[~good, "next"].mean()


def payout_cliff(made, truth):
    """Activities late in the quarter of those who end far below their target."""
    table = rep_table(made)
    table = table[(table["period_start"] >= START) & (table["sold"] < 0.7 * table["target"])]
    done = made.tables["activities"]
    period = done["occurred_at"].dt.to_period("Q").dt.start_time
    late = done["occurred_at"] - period > 50 * DAY
    key = pd.MultiIndex.from_arrays([done["rep_id"], period])
    low = key.isin(pd.MultiIndex.from_frame(table[["rep_id", "period_start"]]))
    return -late[low].mean()


def timing_games(made, truth):
    won = won_of(made)
    left = won["closed_at"].dt.to_period("Q").dt.end_time - won["closed_at"]
    return (left < 12 * DAY).mean()


def lead_shortage(made, truth):
    return -len(late_leads(made))


def lead_quality(made, truth):
    leads = late_leads(made)
    return -(leads.loc[leads["source"].isin(truth.ids), "status"] == "converted").mean()


def delivery_losses(made, truth):
    deals = made.tables["deals"]
    lost = deals[(deals["status"] == "lost") & (deals["closed_at"] >= START)]
    return lost["loss_reason"].isin(WORDS[made.language].delivery).mean()


def key_account_lost(made, truth):
    won = won_of(made)
    return -won.loc[won["account_id"].isin(truth.ids), "amount"].sum()


def customer_churn(made, truth):
    deals = made.tables["deals"]
    before = deals[(deals["status"] == "won") & (deals["closed_at"] < START)]
    return -before["account_id"].drop_duplicates().isin(won_of(made)["account_id"]).mean()


def market_decline(made, truth):
    market = made.tables["market"].set_index("period_start")["index"]
    return market[market.index < START].mean() - market[market.index >= START].mean()


def currency_effect(made, truth):
    return -made.tables["fx_rates"].set_index("on")["rate"].loc[START:].mean()


SIGNS = {code: globals()[code] for code in CAUSES}


@pytest.mark.parametrize("cause", list(CAUSES))
def test_a_cause_moves_what_it_should(cause, healthy):
    made = made_with(cause)
    truth = made.truth[0]
    reference = made_with(Fault(cause, 1e-6)) if cause in OWN_KIND else healthy
    sign = SIGNS[cause]
    with_fault, without = sign(made, truth), sign(reference, truth)
    assert with_fault > without + 0.08 * abs(without)
