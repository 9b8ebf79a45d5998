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


@pytest.fixture(scope="module")
def shares():
    """Share of the revenue of the window that each cause costs, over two departments."""
    found = {code: [] for code in MOVING}
    for seed in (31, 33):
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
