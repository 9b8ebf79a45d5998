"""What a fault costs: the same world without it, everything else as it was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesdiag.simulate import CAUSES, Fault, world

SEED, REPS = 21, 14
START = pd.Timestamp("2025-01-01")
MOVING = [code for code, cause in CAUSES.items() if cause.moves_revenue]


def made_with(*faults, **options):
    return world(list(faults), **{"seed": SEED, "reps": REPS, "noise": 0, **options})


def truth_of(*faults, **options):
    return made_with(*faults, **options).truth


@pytest.fixture(scope="module")
def healthy():
    return made_with()


def test_a_fault_leaves_what_came_before_it_alone(healthy):
    made = made_with("lead_shortage")
    before = [
        one.tables["leads"].pipe(lambda t: t[t["created_at"] < START]) for one in (made, healthy)
    ]
    columns = ["lead_id", "created_at", "rep_id", "source", "segment", "first_response_at"]
    pd.testing.assert_frame_equal(*(frame[columns] for frame in before))
    done = [
        one.tables["deals"].pipe(lambda t: t[t["closed_at"] < START]) for one in (made, healthy)
    ]
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in done))


@pytest.mark.parametrize("cause", ["stage_leak", "low_activity", "slow_response", "headcount_gap"])
def test_a_fault_of_a_team_leaves_the_deals_of_the_others_alone(cause, healthy):
    made = made_with(Fault(cause, level="team"))
    reps = healthy.tables["reps"].set_index("rep_id")["team"]
    others = set(reps.index[~reps.isin(made.truth[0].ids)])
    assert len(others) < len(reps)
    for name in ("deals", "stage_changes"):
        mine, theirs = (one.tables[name] for one in (made, healthy))
        mine, theirs = (one[one["rep_id"].isin(others)] for one in (mine, theirs))
        pd.testing.assert_frame_equal(*(one.reset_index(drop=True) for one in (mine, theirs)))


def test_a_fault_of_some_reps_leaves_the_teams_without_them_alone(healthy):
    reps = healthy.tables["reps"].set_index("rep_id")["team"]
    first = reps[reps == reps["R01"]].index[-1]
    made = made_with(Fault("weak_reps", id=f"R01, {first}", level="rep"))
    assert made.truth[0].ids == ("R01", first)
    others = set(reps.index[reps != reps["R01"]])
    mine, theirs = (one.tables["deals"] for one in (made, healthy))
    mine, theirs = (one[one["rep_id"].isin(others)] for one in (mine, theirs))
    pd.testing.assert_frame_equal(*(one.reset_index(drop=True) for one in (mine, theirs)))


def test_a_fault_can_be_put_where_and_when_it_is_wanted():
    team = made_with(language="ru").tables["reps"]["team"].iloc[-1]
    fault = Fault("stage_leak", level="team", id=team, since="2025-07-01", stage="Предложение")
    made = made_with(fault, language="ru")
    truth = made.truth[0]
    assert (truth.level, truth.ids, truth.stage) == ("team", (team,), "Предложение")
    assert str(truth.since) == "2025-07-01"


@pytest.fixture(scope="module")
def shares():
    """Share of the revenue of the window that each cause costs, over three departments."""
    found = {code: [] for code in MOVING}
    for seed in (31, 32, 33):
        for code in MOVING:
            found[code].append(truth_only(code, seed))
    return found


def truth_only(fault, seed, reps=20):
    """Play a world and its twin, without making its tables."""
    from salesdiag.simulate import worlds
    from salesdiag.simulate.causes import as_faults
    from salesdiag.simulate.doses import plant
    from salesdiag.simulate.run import play
    from salesdiag.simulate.traits import traits_of

    wanted = as_faults(fault)
    last = pd.Timestamp("2025-12-31").date()
    traits = traits_of((), [one.cause for one in wanted])
    usual = worlds._usual(seed, traits, reps, 24, last, None)
    story = play(usual.scene, [plant(usual.scene, one) for one in wanted], usual.history)
    return 1 - story.window_money()[0] / usual.window_money()[0]


@pytest.mark.parametrize("code", MOVING)
def test_a_fault_of_full_strength_costs_8_to_20_per_cent(code, shares):
    assert 0.08 < np.mean(shares[code]) < 0.20


def test_half_the_strength_costs_about_half():
    for code in ("stage_leak", "slow_response", "excess_discount"):
        whole, half = truth_only(code, 31), truth_only(Fault(code, 0.5), 31)
        assert 0.3 * whole < half < 0.8 * whole


def test_the_truth_is_what_the_tables_miss(healthy):
    made = made_with("small_deals")
    truth = made.truth[0]
    assert truth.revenue == pytest.approx(healthy.revenue - made.revenue)
    assert truth.money == truth.revenue
    assert truth.revenue_share == pytest.approx(truth.revenue / healthy.revenue)
    assert 0 < truth.margin < truth.revenue


def test_a_plan_too_high_is_worth_what_is_too_much(healthy):
    truth = truth_of("plan_too_high")[0]
    targets = healthy.tables["targets"]
    whole = targets[(targets["level"] == "department") & (targets["period_start"] >= START)]
    assert truth.revenue == 0
    assert truth.money == pytest.approx(0.3 * whole["target"].sum(), rel=0.01)


@pytest.mark.parametrize("code", sorted(set(CAUSES) - set(MOVING) - {"plan_too_high"}))
def test_causes_that_move_no_revenue_have_no_price(code):
    truth = truth_of(code)[0]
    assert np.isnan(truth.money)
    assert abs(truth.revenue_share) < 0.02


def test_two_faults_have_a_price_each(healthy):
    first, second = truth_of("stage_leak", "small_deals")
    assert (first.cause, second.cause) == ("stage_leak", "small_deals")
    # each is what the other leaves over, so together they fall short of the whole
    both = healthy.revenue - made_with("stage_leak", "small_deals").revenue
    assert first.revenue + second.revenue < both < 1.2 * (first.revenue + second.revenue)
