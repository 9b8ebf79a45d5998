"""Plan against actual: counted by hand, and on the sample department."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

import salesdiag as sd
from salesdiag.analyses.plan import target_attainment
from salesdiag.stats.rates import compound_poisson_interval, wilson_interval
from tests.frames import deals_of, sample_department, sample_frames, targets_of

Q1 = ("2025-01-01", "2025-03-31")
Q2 = ("2025-04-01", "2025-06-30")
JAN = ("2025-01-01", "2025-01-31")
COLUMNS = ["deal_id", "status", "closed_at", "amount", "rep_id"]


def plan_of(deals, targets, *, reps=None, as_of="2025-12-31", **more):
    """Build a department of (status, closing, amount, rep) and targets."""
    rows = [(str(number), *deal) for number, deal in enumerate(deals)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["closed_at"] = pd.to_datetime(frame["closed_at"], format="ISO8601")
    if reps is not None:
        more["reps"] = pd.DataFrame(reps)
    plan = targets if isinstance(targets, pd.DataFrame) else targets_of(targets)
    return sd.Department(deals=frame, targets=plan, as_of=as_of, **more)


def shown(table, *names):
    return table[list(names)].to_numpy().tolist()


class TestActual:
    def test_what_was_won_inside_the_period_counted_by_hand(self):
        department = plan_of(
            [
                ("won", "2025-01-01 00:00", 10.0, "r1"),  # the first moment
                ("won", "2025-03-31 23:59", 20.5, "r1"),  # the last
                ("won", "2025-04-01 00:00", 40.0, "r1"),  # the next period
                ("lost", "2025-02-01", 80.0, "r1"),
                ("open", None, 80.0, "r1"),
                ("won", None, 80.0, "r1"),  # won, but when?
                ("won", "2025-02-01", None, "r1"),  # nothing is known of its money: no event
            ],
            [("department", None, *Q1, 61.0)],
        )
        row = target_attainment(department).iloc[0]
        assert row.actual == 30.5
        assert row.target == 61
        assert row.attainment == 0.5
        assert row.n_events == 2
        assert row.is_complete
        assert row.elapsed_share == 1
        assert (row.metric, row.target_basis) == ("revenue", "own")

    def test_how_far_chance_can_move_it_is_a_compound_poisson_process(self):
        # three wins of 10, 20 and 20: sum 50, squares 900, largest 20. Fay and Feuer (1997):
        # gamma quantiles with shape 50**2/900 and 70**2/1300
        deals = [("won", "2025-01-10", amount, "r1") for amount in (10.0, 20.0, 20.0)]
        department = plan_of(deals, [("department", None, *Q1, 100.0)])
        row = target_attainment(department, confidence=0.8).iloc[0]
        low = gamma.ppf(0.1, 50**2 / 900, scale=900 / 50) / 100
        high = gamma.ppf(0.9, 70**2 / 1300, scale=1300 / 70) / 100
        assert row.attainment_low == pytest.approx(low, rel=0.01)
        assert row.attainment_high == pytest.approx(high, rel=0.01)

    def test_a_period_without_sales_is_0_percent_and_one_without_target_unknown(self):
        department = plan_of(
            [("won", "2025-05-05", 5.0, "r1")],
            [("department", None, *Q1, 50.0), ("department", None, *Q2, 0.0)],
        )
        table = target_attainment(department)
        assert table["actual"].tolist() == [0, 5]
        assert table["attainment"][0] == 0
        assert np.isnan(table["attainment"][1])  # a target of nothing cannot be attained

    def test_closings_after_the_end_of_the_data_have_not_happened(self):
        department = plan_of(
            [("won", "2025-02-10", 1.0, "r1"), ("won", "2025-02-11", 2.0, "r1")],
            [("department", None, *Q1, 10.0)],
            as_of="2025-02-10",
        )
        assert target_attainment(department)["actual"].item() == 1

    def test_metrics_counted_by_hand(self):
        frame = pd.DataFrame({
            "deal_id": ["A", "B", "C"], "status": ["won", "won", "open"],
            "created_at": pd.to_datetime(["2024-12-31", "2025-01-05", "2025-01-31"]),
            "closed_at": pd.to_datetime(["2025-01-10", "2025-01-20", None]),
            "amount": [100.0, 50.0, 70.0], "cost_amount": [60.0, None, 10.0],
            "rep_id": ["r1", "r2", "r1"],
        })  # fmt: skip
        activities = pd.DataFrame({
            "activity_id": ["1", "2", "3", "4"], "activity_type": "call", "rep_id": "r1",
            "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-31", "2025-02-01", "2026-06-01"]),
        })  # fmt: skip
        whole = [("department", None, *JAN, 200.0)]
        targets = pd.concat([
            targets_of(whole).assign(metric=metric)
            for metric in ("revenue", "deals_won", "new_deals", "activities", "margin")
        ])  # fmt: skip
        department = sd.Department(deals=frame, activities=activities, targets=targets,
                                   as_of="2025-12-31")  # fmt: skip
        actual = {
            metric: target_attainment(department, metric=metric)["actual"].item()
            for metric in ("revenue", "deals_won", "new_deals", "activities", "margin")
        }
        # margin: 100 - 60; what B cost is not known
        assert actual == {"revenue": 150, "deals_won": 2, "new_deals": 2, "activities": 2,
                          "margin": 40}  # fmt: skip

    def test_activities_after_the_end_of_the_data_do_not_count(self):
        activities = pd.DataFrame({
            "activity_id": ["1", "2"], "activity_type": "call", "rep_id": ["r1", "r1"],
            "occurred_at": pd.to_datetime(["2025-01-10", "2025-03-20"]),
        })  # fmt: skip
        targets = targets_of([("department", None, *Q1, 4.0)]).assign(metric="activities")
        department = plan_of([("won", "2025-01-01", 1.0, "r1")], targets,
                             activities=activities, as_of="2025-02-10")  # fmt: skip
        assert target_attainment(department, metric="activities")["actual"].item() == 1

    def test_activities_are_split_by_the_team_of_who_did_them(self):
        activities = pd.DataFrame({
            "activity_id": ["1", "2", "3"], "activity_type": "call", "rep_id": ["r1", "r2", None],
            "occurred_at": pd.Timestamp("2025-01-10"),
        })  # fmt: skip
        targets = targets_of([("team", "North", *Q1, 4.0)]).assign(metric="activities")
        department = plan_of(
            [("won", "2025-01-01", 1.0, "r1")], targets, activities=activities,
            reps={"rep_id": ["r1", "r2"], "team": ["North", "South"]},
        )  # fmt: skip
        table = target_attainment(department, metric="activities", by="team")
        assert shown(table, "team", "actual", "target_basis") == [
            ["North", 1, "own"], ["South", 1, "none"], ["unassigned", 1, "none"],
        ]  # fmt: skip
        with pytest.raises(sd.MissingDataError, match=r"activities\.source"):
            target_attainment(department, metric="activities", by="source")


REPS = {"rep_id": ["r1", "r2", "r3"], "team": ["North", "North", "South"]}
DEALS = [("won", "2025-01-10", 10.0, "r1"), ("won", "2025-01-11", 20.0, "r2"),
         ("won", "2025-01-12", 40.0, "r3"), ("won", "2025-01-13", 5.0, None)]  # fmt: skip
REP_TARGETS = [("rep", "r1", *Q1, 11.0), ("rep", "r2", *Q1, 12.0), ("rep", "r3", *Q1, 13.0)]
TEAM_TARGETS = [("team", "North", *Q1, 25.0), ("team", "South", *Q1, 15.0)]


class TestBasis:
    def test_targets_of_two_levels_are_never_added_up(self):
        targets = [("department", None, *Q1, 50.0), *TEAM_TARGETS, *REP_TARGETS]
        whole = target_attainment(plan_of(DEALS, targets, reps=REPS))
        assert shown(whole, "target", "target_basis", "actual") == [[50, "own", 75]]

    def test_without_a_target_of_its_own_the_department_has_the_sum_of_its_teams(self):
        targets = [*REP_TARGETS, *TEAM_TARGETS]
        whole = target_attainment(plan_of(DEALS, targets, reps=REPS))
        assert shown(whole, "target", "target_basis") == [[40, "sum of teams"]]

    def test_and_without_those_the_sum_of_its_reps(self):
        whole = target_attainment(plan_of(DEALS, REP_TARGETS, reps=REPS))
        assert shown(whole, "target", "target_basis") == [[36, "sum of reps"]]

    def test_a_team_has_its_own_target_or_the_sum_of_its_reps(self):
        targets = [*REP_TARGETS, ("team", "North", *Q1, 25.0)]
        table = target_attainment(plan_of(DEALS, targets, reps=REPS), by="team")
        assert shown(table, "team", "target", "target_basis", "actual") == [
            ["North", 25, "own", 30],
            ["South", 13, "sum of reps", 40],
            ["unassigned", pytest.approx(np.nan, nan_ok=True), "none", 5],
        ]
        assert table["attainment"].isna().tolist() == [False, False, True]

    def test_by_rep_each_has_his_own(self):
        table = target_attainment(plan_of(DEALS, REP_TARGETS, reps=REPS),
                                  by="rep_id")  # fmt: skip
        assert shown(table[:3], "rep_id", "target", "actual", "target_basis") == [
            ["r1", 11, 10, "own"], ["r2", 12, 20, "own"], ["r3", 13, 40, "own"],
        ]  # fmt: skip
        assert table["rep_id"][3] == "unassigned"

    def test_a_managers_target_that_is_the_teams_is_not_counted_twice(self):
        # r1 manages r2 and r3; 100 is the sum of 60 and 40, and r1 sells nothing
        reps = {"rep_id": ["r1", "r2", "r3"], "team": "North", "manager_id": [None, "r1", "r1"]}
        targets = [("rep", "r1", *Q1, 100.0), ("rep", "r2", *Q1, 60.0), ("rep", "r3", *Q1, 40.0)]
        department = plan_of(DEALS, targets, reps=reps)
        assert target_attainment(department)["target"].item() == 100
        table = target_attainment(department, by="rep_id")
        own = table[table["target_basis"] == "own"]
        assert own["rep_id"].tolist() == ["r2", "r3"]
        assert target_attainment(department)["n_reps"].item() == 2

    def test_nor_is_one_two_levels_up_or_named_as_his_own_manager(self):
        reps = {"rep_id": ["boss", "m", "r2", "r3"], "manager_id": ["boss", "boss", "m", "m"]}
        targets = [("rep", name, *Q1, 100.0) for name in ("boss", "m")]
        targets += [("rep", "r2", *Q1, 60.0), ("rep", "r3", *Q1, 40.0)]
        department = plan_of(DEALS, targets, reps=reps)
        assert target_attainment(department)["target"].item() == 100

    def test_a_manager_who_sells_beside_the_team_keeps_a_target(self):
        reps = {"rep_id": ["r1", "r2", "r3"], "manager_id": [None, "r1", "r1"]}
        targets = [("rep", "r1", *Q1, 30.0), ("rep", "r2", *Q1, 60.0), ("rep", "r3", *Q1, 40.0)]
        department = plan_of(DEALS, targets, reps=reps)
        assert target_attainment(department)["target"].item() == 130

    def test_the_territory_of_a_deal_is_not_that_of_its_rep(self):
        reps = {"rep_id": ["r1", "r2", "r3"], "territory": ["east", "east", "west"]}
        targets = [("territory", "east", *Q1, 50.0), *REP_TARGETS]
        through_reps = plan_of(DEALS, targets, reps=reps)
        table = target_attainment(through_reps, by="territory")
        planned = table[table["target"].notna()]
        assert shown(planned, "territory", "target", "actual", "target_basis") == [
            ["east", 50, 30, "own"], ["west", 13, 40, "sum of reps"],
        ]  # fmt: skip
        # deals that name a territory themselves: what reps should sell says nothing about it
        frame = through_reps.deals.order_by("deal_id").execute()
        frame = frame.assign(territory=["west", "west", "east", None])
        own = sd.Department(deals=frame, reps=pd.DataFrame(reps), targets=targets_of(targets),
                            as_of="2025-12-31")  # fmt: skip
        table = target_attainment(own, by="territory")
        assert shown(table, "territory", "actual", "target_basis") == [
            ["east", 40, "own"], ["unassigned", 5, "none"], ["west", 30, "none"],
        ]  # fmt: skip

    def test_a_rep_listed_twice_is_in_one_team_and_counted_once(self):
        reps = {"rep_id": ["r1", "r1", "r2", "r3"], "team": ["Zebra", "North", "North", "South"]}
        table = target_attainment(plan_of(DEALS, REP_TARGETS, reps=reps), by="team")
        assert shown(table[:2], "team", "target", "actual") == [["North", 23, 30],
                                                                ["South", 13, 40]]  # fmt: skip

    def test_a_target_given_twice_counts_once(self):
        targets = [("department", None, *Q1, 50.0)] * 2 + [*REP_TARGETS, REP_TARGETS[0]]
        department = plan_of(DEALS, targets, reps=REPS)
        assert target_attainment(department)["target"].item() == 50
        assert target_attainment(department, by="team")["target"].tolist()[:2] == [23, 13]

    def test_targets_without_ids_are_the_departments(self):
        targets = targets_of([("department", None, *Q1, 50.0)]).drop(columns="id")
        department = plan_of(DEALS, targets, reps=REPS)
        assert target_attainment(department)["attainment"].item() == 1.5


class TestPeriods:
    def test_an_incomplete_period_shows_the_share_of_working_days_gone(self):
        # January 2025 has 23 working days; by Friday 10th 8 of them are gone. With New Year
        # and 6 January off it is 6 of 21.
        deals = [("won", "2025-01-07", 30.0, "r1")]
        targets = [("department", None, *JAN, 90.0), ("department", None, *Q2, 90.0)]
        for calendar, share in (
            (sd.Calendar(), 8 / 23),
            (sd.Calendar(holidays=("2025-01-01", "2025-01-06")), 6 / 21),
        ):
            table = target_attainment(plan_of(deals, targets, as_of="2025-01-10",
                                              calendar=calendar))  # fmt: skip
            assert table["is_complete"].tolist() == [False, False]
            assert table["elapsed_share"].tolist() == pytest.approx([share, 0])
            assert table["attainment"][0] == pytest.approx(1 / 3)

    def test_a_period_is_complete_on_its_last_day(self):
        for as_of, complete in (("2025-01-30", False), ("2025-01-31", True)):
            department = plan_of([("won", "2025-01-07", 3.0, "r")],
                                 [("department", None, *JAN, 9.0)], as_of=as_of)  # fmt: skip
            assert target_attainment(department)["is_complete"].item() is complete

    def test_a_period_without_working_days_has_no_share_of_them(self):
        weekend = ("department", None, "2025-01-11", "2025-01-12", 9.0)
        department = plan_of([("won", "2025-01-11", 3.0, "r")], [weekend], as_of="2025-01-11")
        assert np.isnan(target_attainment(department)["elapsed_share"].item())

    def test_overlapping_months_and_quarters_each_have_all_their_sales(self):
        deals = [("won", "2025-01-07", 3.0, "r"), ("won", "2025-02-07", 4.0, "r")]
        targets = [("department", None, *JAN, 9.0), ("department", None, *Q1, 20.0)]
        table = target_attainment(plan_of(deals, targets))
        assert table["period_end"].dt.strftime("%m-%d").tolist() == ["01-31", "03-31"]
        assert table["actual"].tolist() == [3, 7]

    def test_only_periods_wholly_inside_the_window(self):
        targets = [("department", None, *period, 9.0) for period in (JAN, Q1, Q2)]
        department = plan_of([("won", "2025-01-07", 3.0, "r")], targets)
        found = target_attainment(department, start="2025-01-01", end="2025-05-31")
        assert found["period_end"].dt.strftime("%m-%d").tolist() == ["01-31", "03-31"]
        assert len(target_attainment(department, start="2025-01-02", end="2025-06-29")) == 0


COMERS = {
    "rep_id": ["full", "short", "joiner", "leaver", "idle"],
    "team": ["North", "North", "North", "South", "South"],
    "hired_on": pd.to_datetime(["2020-01-01", "2025-01-01", "2025-01-02", None, None]),
    "left_on": pd.to_datetime([None, "2025-03-31", None, "2025-03-30", None]),
}
COMERS_DEALS = [("won", "2025-01-10", 10.0, name) for name in ("full", "joiner", "leaver")]
COMERS_TARGETS = [("rep", name, *Q1, 10.0) for name in ("full", "short", "joiner", "leaver")]


class TestParticipation:
    def test_only_reps_who_were_there_for_all_of_it_are_judged(self):
        # "joiner" came a day late, "leaver" left a day early, "idle" has a target of nothing
        targets = [*COMERS_TARGETS, ("rep", "idle", *Q1, 0.0)]
        department = plan_of(COMERS_DEALS, targets, reps=COMERS)
        row = target_attainment(department).iloc[0]
        assert (row.n_reps, row.n_reps_met) == (2, 1)  # "full" met it, "short" did not
        assert row.participation_rate == 0.5
        low, high = wilson_interval(1, 2)
        assert row.participation_rate_low == pytest.approx(low.item())
        assert row.participation_rate_high == pytest.approx(high.item())
        assert row.target == 40  # their targets are part of the plan all the same

    def test_by_team(self):
        department = plan_of(COMERS_DEALS, COMERS_TARGETS, reps=COMERS)
        table = target_attainment(department, by="team")
        assert shown(table, "team", "n_reps", "n_reps_met") == [["North", 2, 1], ["South", 0, 0]]
        assert np.isnan(table["participation_rate"][1])

    def test_by_rep_it_is_the_rep(self):
        department = plan_of(COMERS_DEALS, COMERS_TARGETS, reps=COMERS)
        table = target_attainment(department, by="rep_id").set_index("rep_id")
        assert table["n_reps"].to_dict() == {"full": 1, "joiner": 0, "leaver": 0, "short": 1}
        assert table.loc["full", "participation_rate"] == 1

    def test_before_the_period_is_complete_nobody_is_judged(self):
        department = plan_of(COMERS_DEALS, COMERS_TARGETS, reps=COMERS, as_of="2025-03-30")
        row = target_attainment(department).iloc[0]
        assert row.n_reps_met == 1
        assert np.isnan([row.participation_rate, row.participation_rate_low,
                         row.participation_rate_high]).all()  # fmt: skip

    def test_without_a_list_of_reps_all_who_have_a_target_are_judged(self):
        row = target_attainment(plan_of(COMERS_DEALS, COMERS_TARGETS)).iloc[0]
        assert (row.n_reps, row.n_reps_met) == (4, 3)

    def test_without_reps_on_the_deals_nobody_can_be(self):
        frame = plan_of(COMERS_DEALS, COMERS_TARGETS).deals.execute().drop(columns="rep_id")
        department = sd.Department(deals=frame, targets=targets_of(COMERS_TARGETS),
                                   as_of="2025-12-31")  # fmt: skip
        row = target_attainment(department).iloc[0]
        assert row.actual == 30
        assert (row.n_reps, row.n_reps_met) == (0, 0)


AMOUNTS = st.lists(
    st.tuples(st.sampled_from(["won", "lost"]), st.integers(0, 120),
              st.sampled_from([1.0, 5.5, 30.0]), st.sampled_from(["r1", "r2", "r3", None])),
    max_size=12,
)  # fmt: skip


@given(AMOUNTS)
def test_teams_and_reps_add_up_to_the_department(lives):
    deals = [
        (status, pd.Timestamp("2025-01-01") + pd.Timedelta(days=when), amount, rep)
        for status, when, amount, rep in lives
    ]
    department = plan_of(deals, REP_TARGETS, reps=REPS)
    whole = target_attainment(department).iloc[0]
    inside = [amount for status, when, amount, _rep in lives if status == "won" and when <= 89]
    # the reps have targets, whoever sold without being a rep has none
    assert whole.actual + whole.unplanned_actual == pytest.approx(sum(inside))
    for key in ("team", "rep_id"):
        parts = target_attainment(department, by=key)
        assert parts["actual"].sum() == pytest.approx(sum(inside))
        assert parts["n_events"].sum() == len(inside)
        planned = parts[parts["target_basis"] != "none"]
        assert planned["n_events"].sum() == whole.n_events
        assert parts["target"].sum() == whole.target
        assert parts["n_reps_met"].sum() == whole.n_reps_met


def test_the_sample_missed_its_plan_of_2025_by_a_count_in_pandas():
    frames = sample_frames()
    deals, targets = frames["deals"], frames["targets"]
    table = target_attainment(sample_department(), start="2025-01-01")
    plan = targets[(targets["level"] == "department") & (targets["period_start"] >= "2025-01-01")]
    assert table["target"].tolist() == plan["target"].tolist()
    won = deals[(deals["status"] == "won") & (deals["closed_at"].dt.year == 2025)]
    by_quarter = won.groupby(won["closed_at"].dt.quarter)["amount"].sum()
    assert table["actual"].tolist() == pytest.approx(by_quarter.tolist())
    assert 0.82 < table["actual"].sum() / table["target"].sum() < 0.90  # planted


def test_it_splits_by_one_column_of_known_metrics():
    department = plan_of([("won", "2025-01-07", 3.0, "r")], [("department", None, *JAN, 9.0)])
    with pytest.raises(sd.InputError, match="splits by one column at a time"):
        target_attainment(department, by=["rep_id", "status"])
    with pytest.raises(sd.InputError, match=r"metric must be one of revenue, .*; got 'profit'"):
        target_attainment(department, metric="profit")


def test_it_asks_for_what_it_lacks():
    department = deals_of([("A", "won")], ["deal_id", "status"])
    with pytest.raises(sd.MissingDataError, match="targets") as raised:
        target_attainment(department)
    assert raised.value.missing == ("targets",)
    targets = targets_of([("department", None, *JAN, 9.0)])
    targets = pd.concat([targets, targets.assign(metric="margin")])
    department = deals_of([("A", "won")], ["deal_id", "status"], targets=targets)
    with pytest.raises(sd.MissingDataError) as raised:
        target_attainment(department, metric="margin")
    assert raised.value.missing == ("deals.closed_at", "deals.amount", "deals.cost_amount")


class TestCoverage:
    """A plan is held against what those sold who have one."""

    def test_only_the_sales_of_reps_with_a_target_count_for_a_sum_of_targets(self):
        deals = [("won", "2025-02-01", 50.0, rep) for rep in ("r1", "r2", "r3", "r4")]
        row = target_attainment(plan_of(deals, [("rep", "r1", *Q1, 100.0)])).iloc[0]
        assert (row.target, row.actual, row.unplanned_actual) == (100, 50, 150)
        assert row.attainment == 0.5

    def test_a_team_without_a_plan_of_its_own_counts_by_its_reps(self):
        reps = {"rep_id": ["n1", "s1", "s2"], "team": ["N", "S", "S"]}
        deals = [("won", "2025-02-01", amount, rep)
                 for rep, amount in (("n1", 100.0), ("s1", 50.0), ("s2", 50.0))]  # fmt: skip
        targets = [("team", "N", *Q1, 200.0), ("rep", "s1", *Q1, 100.0), ("rep", "s2", *Q1, 100.0)]
        row = target_attainment(plan_of(deals, targets, reps=reps)).iloc[0]
        assert (row.target, row.actual, row.attainment) == (400, 200, 0.5)
        assert row.target_basis == "sum of teams and reps"

    def test_what_was_planned_for_one_period_only_does_not_hide_the_others(self):
        reps = {"rep_id": ["n1"], "team": ["N"]}
        deals = [("won", "2025-02-01", 10.0, "n1"), ("won", "2025-05-01", 20.0, "n1")]
        targets = [
            ("department", None, *Q1, 20.0),
            ("team", "N", *Q1, 15.0),
            ("rep", "n1", *Q2, 40.0),
        ]
        table = target_attainment(plan_of(deals, targets, reps=reps))
        assert table["target"].tolist() == [20, 40]
        assert table["target_basis"].tolist() == ["own", "sum of reps"]
        assert table["attainment"].tolist() == [0.5, 0.5]

    def test_a_manager_with_less_than_the_reps_together_repeats_their_plan_all_the_same(self):
        # reps are often given more than their manager answers for: 55 + 55 against 100
        reps = {"rep_id": ["m", "a", "b"], "manager_id": [None, "m", "m"]}
        deals = [("won", "2025-02-01", 55.0, "a"), ("won", "2025-02-01", 55.0, "b")]
        targets = [("rep", "m", *Q1, 100.0), ("rep", "a", *Q1, 55.0), ("rep", "b", *Q1, 55.0)]
        row = target_attainment(plan_of(deals, targets, reps=reps)).iloc[0]
        assert (row.target, row.attainment, row.n_targets_left_out) == (110, 1, 1)

    def test_a_manager_who_sells_keeps_the_quota(self):
        reps = {"rep_id": ["m", "a"], "manager_id": [None, "m"]}
        deals = [("won", "2025-02-01", 100.0, "m"), ("won", "2025-02-01", 80.0, "a")]
        targets = [("rep", "m", *Q1, 100.0), ("rep", "a", *Q1, 80.0)]
        row = target_attainment(plan_of(deals, targets, reps=reps)).iloc[0]
        assert (row.target, row.attainment, row.n_targets_left_out) == (180, 1, 0)

    def test_a_period_that_has_not_begun_shows_nothing(self):
        targets = [("department", None, *Q1, 10.0), ("department", None, *Q2, 10.0)]
        department = plan_of([("won", "2025-02-01", 5.0, "r")], targets, as_of="2025-03-31")
        table = target_attainment(department)
        assert table["actual"].tolist()[0] == 5
        later = table.iloc[1]
        assert np.isnan([later.actual, later.attainment, later.attainment_low]).all()

    def test_a_target_reached_to_the_cent_is_met(self):
        # as floats these six add up to 17714.629999999997
        amounts = [4029.71, 1262.61, 3377.53, 2466.25, 4128.3, 2450.23]
        deals = [("won", f"2025-02-0{day}", amount, "r") for day, amount in enumerate(amounts, 1)]
        row = target_attainment(plan_of(deals, [("rep", "r", *Q1, 17714.63)])).iloc[0]
        assert (row.n_reps, row.n_reps_met) == (1, 1)
        assert row.attainment == 1

    def test_without_a_win_chance_still_reaches_up(self):
        # nothing won in the first quarter, a deal of 10 in the second: with 95 % up to 3.69 deals
        targets = [("department", None, *Q1, 100.0), ("department", None, *Q2, 100.0)]
        table = target_attainment(plan_of([("won", "2025-05-01", 10.0, "r")], targets))
        assert table["attainment_low"][0] == 0
        assert table["attainment_high"][0] == pytest.approx(0.369, rel=0.01)


def test_the_interval_covers_what_it_promises_in_simulated_quarters():
    rng = np.random.Generator(np.random.PCG64(7))
    true, hits = 15 * np.exp(0.5), 0
    for _quarter in range(2000):
        sizes = rng.lognormal(0, 1, rng.poisson(15))
        low, high = compound_poisson_interval(
            sizes.sum(), (sizes**2).sum(), sizes.max(initial=0), typical=1.65
        )
        hits += low <= true <= high
    assert 0.92 <= hits / 2000 <= 0.99


def test_two_targets_for_one_thing_are_refused_and_one_given_twice_counts_once():
    quarter = ("2025-01-01", "2025-03-31")
    deals = [("A", "won", 5, "r1", 30.0)]
    columns = ["deal_id", "status", "closed_at", "rep_id", "amount"]
    twice = targets_of([("rep", "r1", *quarter, 100.0)] * 2)
    table = target_attainment(deals_of(deals, columns, targets=twice), by="rep_id")
    assert table["target"].tolist() == [100.0]
    two = targets_of([("rep", "r1", *quarter, 120.0), ("rep", "r1", *quarter, 100.0)])
    with pytest.raises(sd.InputError, match=r"rep r1 has several targets .* 100 and 120"):
        target_attainment(deals_of(deals, columns, targets=two))
    whole = targets_of([("department", None, *quarter, 9.0), ("department", None, *quarter, 8.0)])
    with pytest.raises(sd.InputError, match=r"department has several targets .* 8 and 9"):
        target_attainment(deals_of(deals, columns, targets=whole))
