"""Stalled deals: by hand, on planted departments that stall and on such that do not, on Maven."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import AS_OF, STAGES, day, days, deals_of, moves_of, sample_department
from tests.real_data import needs
from tests.test_real_data import load

DEALS = ["deal_id", "status", "created_at", "closed_at", "amount"]
WINNERS = [(f"W{number}", "won", 0, number, 1.0) for number in range(1, 31)]


def only(table):
    assert len(table) == 1
    return table.iloc[0]


def test_open_deals_beyond_the_slowest_winner_are_counted_by_hand():
    rows = [*WINNERS, ("A", "open", 29, None, 100.0), ("B", "open", 28, None, 70.0),
            ("C", "open", 0, None, None), ("D", "open", None, None, 5.0)]  # fmt: skip
    department = deals_of(rows, DEALS)
    table = only(sd.pipeline.stalled_deals(department, rule="winners' time", winner_share=1.0))
    # day 59 is the last: A is 30 days old, B 31, C 59
    assert (table["threshold_days"], table["threshold_basis"]) == (30, "learnt")
    counts = ["n_learnt", "n_learnt_won", "n_open", "n_undated", "n_stalled", "n_without_amount"]
    assert table[counts].tolist() == [33, 30, 4, 1, 2, 1]
    assert table["stalled_share"] == pytest.approx(2 / 3)  # of the three that have an age
    assert (table["open_amount"], table["stalled_amount"]) == (175, 70)
    assert (table["stage"], table["clock"]) == ("all stages", "deal")


def test_beyond_average_is_the_average_of_what_is_over():
    rows = [*WINNERS, ("A", "open", 29, None, 100.0), ("C", "open", 0, None, 3.0)]
    table = only(sd.pipeline.stalled_deals(deals_of(rows, DEALS), rule="beyond average"))
    assert table["threshold_days"] == pytest.approx(15.5 + 14)
    spread = np.std(np.arange(1, 31), ddof=1) / np.sqrt(30)
    assert table["threshold_days_low"] == pytest.approx(29.5 - 1.959964 * spread, abs=1e-4)
    assert table["n_stalled"] == 2
    short = sd.pipeline.stalled_deals(deals_of(rows, DEALS), rule="beyond average", beyond_days=20)
    assert only(short)["n_stalled"] == 1


def test_too_few_wins_tell_nothing():
    rows = [*WINNERS[:19], ("A", "open", 0, None, 100.0)]
    table = only(sd.pipeline.stalled_deals(deals_of(rows, DEALS)))
    assert table["threshold_basis"] == "too few wins"
    assert table["n_stalled"] == 0
    shown = ["threshold_days", "threshold_days_low", "stalled_share", "stalled_amount"]
    assert table[shown].isna().all()


def simulated(n, seed, *, dead_after=None, watch=365):
    """Wins at 1/40 a day (none beyond an age, if asked), losses at 1/60, then 1/200."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, watch, n)
    win, lose = rng.exponential(40, n), rng.exponential(60, n)
    if dead_after is not None:
        win = np.where(win > dead_after, np.inf, win)
        late = np.minimum(win, lose) > dead_after
        lose = np.where(late, dead_after + rng.exponential(200, n), lose)
    ends = np.ceil(np.minimum(win, lose))
    is_open = born + ends > watch
    status = np.where(is_open, "open", np.where(win < lose, "won", "lost"))
    start = pd.Timestamp("2024-01-01")
    deals = pd.DataFrame({
        "deal_id": [f"D{number}" for number in range(n)], "status": status,
        "created_at": start + pd.to_timedelta(born, unit="D"),
        "closed_at": start + pd.to_timedelta(np.where(is_open, np.nan, born + ends), unit="D"),
    })  # fmt: skip
    return sd.Department(deals=deals, as_of=(start + pd.Timedelta(days=watch)).date())


def planted_age(dead_after):
    """Solve for the age at which the chance within the look ahead is a quarter of the first."""
    speed = 1 / 40 + 1 / 60
    most = 0.9 * (1 - np.exp(-speed * dead_after))  # of the wins to come, what the look ahead sees
    return dead_after + np.log(1 - 0.25 * most) / speed


def test_the_planted_age_is_found_and_lies_in_its_interval():
    truth = planted_age(60)
    covered, found = 0, []
    for seed in range(40):
        table = only(sd.pipeline.stalled_deals(simulated(900, seed, dead_after=60)))
        assert table["threshold_basis"] == "learnt"
        found.append(table["threshold_days"])
        # whole days: an age of 54.4 shows between 54 and 55
        covered += table["threshold_days_low"] - 1 <= truth <= table["threshold_days_high"] + 1
        assert table["later_win_rate_high"] < table["entry_win_rate_low"]
    assert np.mean(found) == pytest.approx(truth, abs=2)
    assert covered >= 35  # of 40; 95 % is the claim


def test_where_old_deals_are_as_good_as_new_nothing_is_stalled():
    basis = [
        only(sd.pipeline.stalled_deals(simulated(900, 500 + seed)))["threshold_basis"]
        for seed in range(40)
    ]
    assert basis.count("learnt") <= 2
    table = only(sd.pipeline.stalled_deals(simulated(900, 500)))
    assert (table["n_stalled"], table["stalled_share"]) == (0, 0)
    assert table["stalled_share_high"] > 0


def test_the_chance_at_the_start_is_that_of_the_lifetimes():
    table = only(sd.pipeline.stalled_deals(simulated(6000, 9)))
    ahead = table["look_ahead_days"]
    assert ahead == pytest.approx(-24 * np.log(0.1), abs=4)
    assert table["entry_win_rate"] == pytest.approx(0.6 * 0.9, abs=0.02)


def staged(n, seed, *, dead_after):
    """Deals wait in lead, then in offer; from lead nobody goes on after ``dead_after`` days."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 300, n)
    on, lose = rng.exponential(15, n), rng.exponential(30, n)
    on = np.where(on > dead_after, np.inf, on)
    lose = np.where(np.minimum(on, lose) > dead_after, dead_after + rng.exponential(150, n), lose)
    first = np.ceil(np.minimum(on, lose))
    moved = on < lose
    second = np.ceil(np.minimum(rng.exponential(20, n), 300))
    is_win = rng.random(n) < 0.6
    ends = born + first + np.where(moved, second, 0)
    is_open = ends > 400
    status = np.where(is_open, "open", np.where(moved & is_win, "won", "lost"))
    rows = [(f"D{k}", status[k], born[k] - 341, None if is_open[k] else ends[k] - 341)
            for k in range(n)]  # fmt: skip
    moves = [(f"D{k}", "lead", born[k] - 341) for k in range(n)]
    moves += [(f"D{k}", "offer", born[k] + first[k] - 341)
              for k in range(n) if moved[k] and born[k] + first[k] <= 400]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["deal_id", "status", "created_at", "closed_at"])
    for name in ("created_at", "closed_at"):
        values = deals[name].astype(object).where(deals[name].notna(), None)
        deals[name] = pd.to_datetime(days(values))
    return sd.Department(deals=deals, stage_changes=moves_of(moves), stages=STAGES, as_of=AS_OF)


def test_a_stage_that_stalls_is_told_from_one_that_does_not():
    department = staged(1500, 4, dead_after=30)
    table = sd.pipeline.stalled_deals(department).set_index("stage")
    assert table.loc["lead", "threshold_basis"] == "learnt"
    assert 20 <= table.loc["lead", "threshold_days"] <= 30
    assert table.loc["offer", "threshold_basis"] == "no such age"
    moves = department.stage_changes.execute()
    last = moves.sort_values(["entered_at", "stage"]).groupby("deal_id").last()
    open_ids = department.deals.filter(department.deals.status == "open").deal_id.execute()
    last = last.loc[open_ids]
    waits = (day(59) - last["entered_at"]).dt.days[last["stage"] == "lead"]
    assert table.loc["lead", "n_open"] == len(waits)
    assert table.loc["lead", "n_stalled"] == (waits > table.loc["lead", "threshold_days"]).sum()


def test_groups_add_up_and_the_age_is_that_of_all():
    department = sample_department()
    whole = sd.pipeline.stalled_deals(department).set_index("stage")
    teams = sd.pipeline.stalled_deals(department, by="team")
    sums = teams.groupby("stage")[["n_open", "n_stalled"]].sum()
    assert (sums == whole.loc[sums.index, ["n_open", "n_stalled"]]).all(axis=None)
    one = teams.groupby("stage")["threshold_days"].nunique()
    assert (one <= 1).all()


def test_deals_without_a_known_stage_are_shown_apart():
    frame = pd.DataFrame({"deal_id": ["A"], "status": ["open"],
                          "created_at": [day(-900)], "closed_at": [pd.NaT]})  # fmt: skip
    moves = moves_of([("B", "lead", 0)])
    department = sd.Department(deals=frame, stage_changes=moves, stages=STAGES, as_of=AS_OF)
    table = only(sd.pipeline.stalled_deals(department))
    assert (table["stage"], table["n_open"], table["n_undated"]) == ("unassigned", 1, 1)
    assert np.isnan(table["stalled_share"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "best"}, "rule must be one of"),
        ({"chance_share": 1}, "chance_share must lie strictly between"),
        ({"winner_share": 0}, "winner_share must be above 0"),
        ({"beyond_days": -1}, "beyond_days must be a whole number"),
        ({"clock": "week"}, "clock must be 'stage' or 'deal'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        sd.pipeline.stalled_deals(sample_department(), **options)


def test_the_clock_of_the_stage_needs_a_history():
    with pytest.raises(sd.MissingDataError, match="stage_changes"):
        sd.pipeline.stalled_deals(deals_of(WINNERS, DEALS), clock="stage")


@needs("maven_crm")
def test_four_in_five_engaging_deals_of_maven_are_older_than_any_that_closed():
    maven = load("maven_crm")
    table = only(sd.pipeline.stalled_deals(maven, rule="winners' time", winner_share=1.0))
    assert (table["threshold_days"], table["n_stalled"]) == (138, 1291)
    assert table["n_open"] - table["n_undated"] == 1589
    assert round(table["stalled_share"], 4) == 0.8125
    assert table["later_win_rate"] == 0  # nothing was won beyond
    learnt = only(sd.pipeline.stalled_deals(maven))
    assert 100 < learnt["threshold_days"] < 138
    assert learnt["stalled_share"] > 0.8
