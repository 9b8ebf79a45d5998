"""A world and its twin without the fault share all chance: what is not touched stays."""

from __future__ import annotations

import pandas as pd
import pytest

from salesdiag.simulate import Fault, world

SEED, REPS = 21, 14
START = pd.Timestamp("2025-01-01")


def made_with(*faults, **options):
    return world(list(faults), **{"seed": SEED, "reps": REPS, "noise": 0, **options})


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


def test_noise_soils_both_twins_alike():
    made, clean = (made_with(*faults, noise=1.0) for faults in (["lead_shortage"], []))
    leads = [one.tables["leads"] for one in (made, clean)]
    early = [one[one["created_at"] < START - pd.Timedelta("60D")] for one in leads]
    pd.testing.assert_frame_equal(*early)


def test_every_team_is_there_to_be_left_alone(healthy):
    assert healthy.tables["reps"]["team"].nunique() > 1
