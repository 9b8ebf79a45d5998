"""Weak results: parts counted by hand, planted faults told apart, no fault no finding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import sample_department
from tests.rep_worlds import LONG_AGO, department_of, reps_of, working_days

ADDING_UP = ["lead_number", "pace", "lead_mix", "skill", "deal_size"]
DAYS = working_days("2025-01-01", "2025-12-31")
CHANCE = {"warm": 0.5, "cold": 0.15}


def counted(cells) -> pd.DataFrame:
    """Make deals of (rep, source, decided, won, still open), created and closed in 2025."""
    rows = []
    for rep, source, decided, won, still in cells:
        rows += [(rep, source, "won")] * won + [(rep, source, "lost")] * (decided - won)
        rows += [(rep, source, "open")] * still
    frame = pd.DataFrame(rows, columns=["rep_id", "source", "status"])
    frame["created_at"] = pd.Timestamp("2025-03-03")
    frame["closed_at"] = pd.Timestamp("2025-09-01")
    frame.loc[frame["status"] == "open", "closed_at"] = pd.NaT
    return frame.assign(deal_id=[str(n) for n in range(len(frame))])


def hand_world(**more):
    deals = counted([
        ("a", "warm", 40, 20, 0), ("a", "cold", 40, 8, 0),
        ("b", "warm", 40, 20, 0), ("b", "cold", 40, 8, 0),
        ("weak", "warm", 10, 3, 10), ("weak", "cold", 30, 3, 10),
    ])  # fmt: skip
    return department_of(deals, reps_of(dict.fromkeys(["a", "b", "weak"], LONG_AGO)), **more)


def of(table, rep):
    return table[table["rep_id"] == rep].set_index("explanation")


class TestByHand:
    def test_each_part(self):
        table = sd.reps.triage(hand_world())
        assert set(table["rep_id"]) == {"weak"}
        row = table.iloc[0]
        assert (row.n_given, row.n_decided, row.n_won, row.n_peers) == (60, 40, 6, 2)
        # as many working days as each of the others, who won 28
        assert (row.result, row.expected, row.shortfall) == (6, 28, -22)
        parts = of(table, "weak")
        # 60 given against 80; a given deal is worth 28 / 80 wins
        assert parts.loc["lead_number", "gap"] == pytest.approx(-20 * 0.35)
        # 40 decided against 60; likewise
        assert parts.loc["pace", "gap"] == pytest.approx(-20 * 0.35)
        # the others win 40 of 80 warm and 16 of 80 cold ones, each drawn to 0.35 by 5 cases
        warm, cold = (40 + 5 * 0.35) / 85, (16 + 5 * 0.35) / 85
        would = 10 * warm + 30 * cold
        assert parts.loc["lead_mix", "measured"] == pytest.approx(would / 40)
        assert parts.loc["lead_mix", "gap"] == pytest.approx(would - 40 * 0.35)
        assert parts.loc["skill", "gap"] == pytest.approx(6 - would)
        assert parts.loc["skill", ["measured", "reference"]].tolist() == pytest.approx(
            [6 / 40, would / 40]
        )
        assert parts.loc[["effort", "plan"], "verdict"].tolist() == ["cannot_tell"] * 2
        assert parts.loc["tenure", "verdict"] == "does_not"
        adding = parts["gap"].reindex(ADDING_UP).sum()
        assert adding == pytest.approx(-22)

    def test_money_adds_up_too(self):
        world = hand_world()
        deals = world.fetch("deals")
        deals["amount"] = np.where(deals["rep_id"] == "weak", 60.0, 100.0)
        won = deals["status"] == "won"
        for rep in ("a", "b", "weak"):  # half of the deals larger by 10, half smaller
            mine = deals.index[won & (deals["rep_id"] == rep)]
            deals.loc[mine, "amount"] += np.where(np.arange(len(mine)) % 2, 10.0, -10.0)
        table = sd.reps.triage(department_of(deals, world.fetch("reps")), metric="revenue")
        parts = of(table, "weak")
        assert parts["shortfall"].iloc[0] == 360 - 2800
        assert parts.loc["deal_size", "gap"] == pytest.approx(6 * (60 - 100))
        assert parts.loc[ADDING_UP, "gap"].sum() == pytest.approx(360 - 2800)

    def test_parts_add_up_for_every_weak_rep_of_the_sample(self):
        table = sd.reps.triage(sample_department(), metric="revenue")
        table = table[table["rep_id"] != "unassigned"]
        sums = table[table["explanation"].isin(ADDING_UP)].groupby("rep_id")["gap"].sum()
        wanted = table.groupby("rep_id")["shortfall"].first()
        assert sums.to_numpy() == pytest.approx(wanted.to_numpy())
        assert (table["shortfall"] < 0).all()

    def test_the_plan_is_held_against_the_year_before(self):
        world = hand_world()
        deals = world.fetch("deals")
        past = deals[deals["status"] == "won"].assign(
            created_at=pd.Timestamp("2024-03-01"), closed_at=pd.Timestamp("2024-06-03")
        )
        past["deal_id"] = "past" + past["deal_id"]
        targets = pd.DataFrame({
            "level": "rep", "id": ["a", "b", "weak"], "metric": "deals_won",
            "period_start": pd.Timestamp("2025-01-01"), "period_end": pd.Timestamp("2025-12-31"),
            "target": [30.0, 30.0, 40.0],
        })  # fmt: skip
        table = sd.reps.triage(department_of(
            pd.concat([deals, past]), world.fetch("reps"), targets=targets))  # fmt: skip
        row = of(table, "weak").loc["plan"]
        # of 62 wins in 2024 six were weak's: 6/62 of a plan of 100
        assert (row.measured, row.reference) == (40, pytest.approx(100 * 6 / 62))
        assert row.gap == pytest.approx(100 * 6 / 62 - 40)
        assert row.verdict == "explains"

    def test_newcomers_are_held_against_other_newcomers(self):
        deals = counted([("a", "x", 60, 30, 0), ("b", "x", 60, 30, 0), ("n", "x", 30, 6, 0),
                         ("m", "x", 30, 6, 0)])  # fmt: skip
        reps = reps_of({"a": LONG_AGO, "b": LONG_AGO, "n": "2025-06-02", "m": "2025-06-02"})
        table = sd.reps.triage(department_of(deals, reps))
        row = of(table, "n").loc["tenure"]
        # nothing is known of the days before the first closing
        days = len(pd.bdate_range("2025-09-01", "2025-12-31"))
        new = len(pd.bdate_range("2025-09-01", "2025-12-01"))
        assert row.measured == pytest.approx(new / days)
        # a and b won 60 in so many days each, m the six as a newcomer
        rate = 60 / (2 * days + days - new)
        assert row.gap == pytest.approx((6 / (new * rate) - 1) * new * rate)

    def test_days_before_the_first_closing_are_nobodys(self):
        days = pd.bdate_range("2025-04-01", "2025-12-31")
        names = list("abcdh")
        deals = pd.DataFrame({"rep_id": np.repeat(names, len(days)), "closed_at": [*days] * 5})
        deals = deals.assign(status="won", created_at=deals["closed_at"], deal_id=deals.index)
        reps = reps_of(dict.fromkeys("abcd", LONG_AGO) | {"h": "2025-04-01"})
        extra = deals.iloc[:1].assign(rep_id=None, deal_id=-1)
        row = sd.reps.triage(department_of(pd.concat([deals, extra]), reps)).iloc[0]
        assert row.rep_id == "unassigned"  # the five are alike: none falls short
        less = deals.drop(deals.index[deals["rep_id"] == "a"][:10])
        table = sd.reps.triage(department_of(less, reps))
        assert set(table["rep_id"]) == {"a"}
        assert table["n_selling_days"].iloc[0] == len(days)
        assert table["expected"].iloc[0] == pytest.approx(len(days))

    def test_closings_without_a_day_are_counted(self):
        world = hand_world()
        deals = world.fetch("deals")
        more = deals.iloc[[0, 1, 2]].assign(closed_at=pd.NaT, deal_id=["x", "y", "z"])
        more["rep_id"] = ["a", "weak", None]
        table = sd.reps.triage(department_of(pd.concat([deals, more]), world.fetch("reps")))
        assert set(table["n_undated"]) == {3}
        assert of(table, "weak")["n_decided"].iloc[0] == 40
        assert of(table, "unassigned")["n_decided"].iloc[0] == 0

    def test_two_reps_cannot_be_compared(self):
        deals = counted([("a", "x", 60, 30, 0), ("b", "x", 60, 10, 0)])
        table = sd.reps.triage(department_of(deals))
        assert table.empty
        assert list(table.columns)[:2] == ["rep_id", "metric"]

    def test_deals_without_a_rep_tell_nothing(self):
        world = hand_world()
        deals = world.fetch("deals")
        deals.loc[0, "rep_id"] = None
        table = sd.reps.triage(department_of(deals, world.fetch("reps")))
        lost = of(table, "unassigned")
        assert lost["n_decided"].iloc[0] == 1
        assert set(lost["verdict"]) == {"cannot_tell"}

    def test_a_hiring_day_that_is_not_known_leaves_tenure_open(self):
        world = hand_world()
        table = sd.reps.triage(department_of(world.fetch("deals")))
        assert of(table, "weak").loc["tenure", "verdict"] == "cannot_tell"


def faulty(seed, *, given=1.0, warm=0.5, skill=1.0, effort=1.0, decided=0.95, days=None):
    """Twelve reps alike but for r00, who has the fault."""
    random = np.random.default_rng(seed)
    deals, did = [], []
    for number in range(12):
        rep = f"r{number:02d}"
        one = number == 0
        n = random.poisson(260 * (given if one else 1.0))
        source = np.where(random.random(n) < (warm if one else 0.5), "warm", "cold")
        chance = np.where(source == "warm", CHANCE["warm"], CHANCE["cold"])
        is_decided = random.random(n) < (decided if one else 0.95)
        is_won = random.random(n) < chance * ((skill * effort**0.8) if one else 1.0)
        status = np.where(is_decided, np.where(is_won, "won", "lost"), "open")
        created = random.choice(DAYS[:200], n)
        deals.append(pd.DataFrame({"rep_id": rep, "source": source, "status": status,
                                   "created_at": created}))  # fmt: skip
        # activity follows the deals at hand, and what the rep does for each
        counts = random.poisson(4 * (effort * given if one else 1.0) * random.gamma(50, 1 / 50),
                                len(DAYS))  # fmt: skip
        did.append(pd.DataFrame({"rep_id": rep, "occurred_at": np.repeat(DAYS, counts)}))
    deals = pd.concat(deals, ignore_index=True)
    deals["closed_at"] = deals["created_at"] + pd.Timedelta(days=40)
    deals.loc[deals["status"] == "open", "closed_at"] = pd.NaT
    deals["deal_id"] = deals.index.astype(str)
    did = pd.concat(did, ignore_index=True).assign(activity_type="call")
    did["activity_id"] = did.index.astype(str)
    reps = reps_of({f"r{number:02d}": LONG_AGO for number in range(12)})
    return department_of(deals, reps, activities=did)


FAULTS = {
    "lead_number": {"given": 0.45},
    "pace": {"decided": 0.45},
    "lead_mix": {"warm": 0.05},
    "skill": {"skill": 0.5},
    "effort": {"effort": 0.4},
}


class TestPlanted:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_the_fault_is_told_from_the_others(self, fault):
        right, wrong = 0, []
        for seed in range(3):
            table = sd.reps.triage(faulty(seed, **FAULTS[fault]), mix=["source"])
            verdicts = of(table, "r00")["verdict"].drop("luck")
            named = set(verdicts.index[verdicts == "explains"])
            right += fault in named
            wrong += sorted(named - {fault})
            assert of(table, "r00").loc["luck", "verdict"] == "does_not"
        assert right == 3
        assert len(wrong) <= 1

    def test_without_a_fault_hardly_any_department_names_one(self):
        named = 0
        for seed in range(12):
            table = sd.reps.triage(faulty(50 + seed), mix=["source"])
            named += table[table["explanation"] != "luck"]["verdict"].eq("explains").any()
        assert named <= 3

    def test_one_of_several_weak_reps_is_held_against_all_of_them(self):
        wins = (60, 60, 56, 55, 54, 40)
        deals = counted([(f"r{n}", "x", 200, won, 0) for n, won in enumerate(wins)])
        table = sd.reps.triage(department_of(deals))
        luck = table[table["explanation"] == "luck"].set_index("rep_id")
        # r4 lacks 0.2 of the mean of the others, r5 17 of 57
        assert luck["shortfall"].tolist() == pytest.approx([54 - 271 / 5, 40 - 57])
        assert luck.loc["r5", "p_value"] < 0.05 < luck.loc["r5", "q_value"]
        assert luck.loc["r5", "q_value"] == pytest.approx(2 * luck.loc["r5", "p_value"])
        assert set(luck["verdict"]) == {"explains"}

    def test_luck_is_enough_where_nothing_is_planted(self):
        table = sd.reps.triage(faulty(77), mix=["source"])
        luck = table[table["explanation"] == "luck"]
        assert (luck["verdict"] == "explains").mean() > 0.7
        # most of each gap is expected to go by itself
        assert (luck["gap"] / luck["shortfall"]).median() > 0.4


def test_wrong_options_are_named():
    world = hand_world()
    with pytest.raises(sd.InputError, match="metric must be one of"):
        sd.reps.triage(world, metric="margin")
    with pytest.raises(sd.MissingDataError, match=r"deals\.colour"):
        sd.reps.triage(world, mix=["colour"])
    with pytest.raises(sd.SalesDiagError, match="least_share must lie strictly between"):
        sd.reps.triage(world, least_share=0)
    with pytest.raises(sd.InputError, match="newcomer_months must be a whole number"):
        sd.reps.triage(world, newcomer_months=0)
