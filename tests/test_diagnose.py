"""The diagnosis: how the gap is added up, and which tables it holds."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.analyses import funnel, plan
from tests.frames import STAGES, deals_of, department_of, sample_department, targets_of

MONTHS = [(f"2025-{month:02}-01", f"2025-{month:02}-{last}")
          for month, last in zip(range(1, 13), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31),
                                 strict=True)]  # fmt: skip
QUARTERS = [(MONTHS[first][0], MONTHS[first + 2][1]) for first in (0, 3, 6, 9)]
YEAR = ("2025-01-01", "2025-12-31")


@pytest.fixture(scope="module")
def sample():
    return sd.diagnose(sample_department())


def planned(targets, *, as_of="2025-12-31", deals=None, **more):
    """Build a department that wins 10 in the middle of each month of 2025."""
    if deals is None:
        deals = pd.DataFrame({
            "deal_id": [str(number) for number in range(13)], "status": ["won"] * 12 + ["lost"],
            "closed_at": pd.to_datetime([first[:8] + "15" for first, _last in MONTHS]
                                        + ["2025-06-01"]),
            "amount": 10.0, "rep_id": ["r1", "r2"] * 6 + ["r1"],
        })  # fmt: skip
    given = {} if targets is None else {"targets": targets_of(targets)}
    return sd.Department(deals=deals, as_of=as_of, **given, **more)


def missed(diagnosis):
    return {one.analysis: one for one in diagnosis.not_examined}


class TestGap:
    def test_complete_periods_inside_the_window_are_added_up(self):
        targets = [("department", None, *quarter, 40.0) for quarter in QUARTERS]
        gap = sd.diagnose(planned(targets)).gap
        assert (gap.reference, gap.expected, gap.actual, gap.gap) == ("plan", 160, 120, -40)
        assert (gap.n_periods, gap.start, gap.end) == (4, date(2025, 1, 1), date(2025, 12, 31))
        # twelve wins of 10: the exact Poisson interval of 12 is 6.20 to 20.96
        assert gap.actual_low == pytest.approx(62.0, rel=0.01)
        assert gap.actual_high == pytest.approx(209.6, rel=0.01)

    def test_a_running_period_is_left_out(self):
        targets = [("department", None, *quarter, 40.0) for quarter in QUARTERS]
        gap = sd.diagnose(planned(targets, as_of="2025-11-30")).gap
        # the window is December 2024 to November 2025; three quarters are complete
        assert (gap.expected, gap.actual, gap.n_periods) == (120, 90, 3)
        assert gap.end == date(2025, 9, 30)

    @pytest.mark.parametrize("also", [QUARTERS, [YEAR], [*QUARTERS, YEAR]])
    def test_months_quarters_and_a_year_of_one_plan_are_not_added_to_each_other(self, also):
        targets = [("department", None, *month, 11.0) for month in MONTHS]
        targets += [("department", None, *period, 500.0) for period in also]
        gap = sd.diagnose(planned(targets)).gap
        assert (gap.expected, gap.actual, gap.n_periods) == (132, 120, 12)

    def test_the_length_that_covers_most_of_the_window_is_taken(self):
        targets = [("department", None, *month, 11.0) for month in MONTHS[:2]]
        targets += [("department", None, *quarter, 40.0) for quarter in QUARTERS]
        gap = sd.diagnose(planned(targets)).gap
        assert (gap.expected, gap.n_periods) == (160, 4)

    def test_periods_mostly_outside_the_window_do_not_count(self):
        targets = [("department", None, *quarter, 40.0) for quarter in QUARTERS]
        gap = sd.diagnose(planned(targets), start="2025-02-01", end="2025-08-31").gap
        # the middle of the first quarter (14 February) and of the third (15 August) are inside
        assert (gap.n_periods, gap.start, gap.end) == (3, date(2025, 1, 1), date(2025, 9, 30))
        assert (
            sd.diagnose(planned(targets), start="2025-03-01", end="2025-08-01").gap.n_periods == 1
        )

    def test_a_plan_of_several_years_is_no_plan_of_the_window(self):
        department = planned([("department", None, "2024-01-01", "2025-12-31", 500.0)])
        assert sd.diagnose(department).gap.reference == "none"

    @pytest.mark.parametrize(
        "targets", [None, [("department", None, "2019-01-01", "2019-03-31", 5)]]
    )
    def test_without_a_plan_of_the_window_it_is_what_was_won(self, targets):
        diagnosis = sd.diagnose(planned(targets))
        gap = diagnosis.gap
        assert (gap.reference, gap.actual, gap.n_periods) == ("none", 120, 0)
        assert np.isnan([gap.expected, gap.gap, gap.actual_low]).all()
        assert (gap.start, gap.end) == (diagnosis.start, diagnosis.end)
        if targets is None:
            assert missed(diagnosis)["target_attainment"].missing == ("targets",)
            assert missed(diagnosis)["target_attainment"].ask_for.startswith("the plan")

    def test_nothing_won_is_nothing_not_unknown(self):
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["lost"], "amount": [5.0],
                              "closed_at": pd.to_datetime(["2025-05-05"])})  # fmt: skip
        assert sd.diagnose(planned(None, deals=deals)).gap.actual == 0

    def test_without_closing_dates_or_amounts_nothing_can_be_said(self):
        for frame in ({"closed_at": pd.to_datetime(["2025-01-05"])}, {"amount": [5.0]}):
            deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], **frame})
            targets = [("department", None, *YEAR, 40.0)]
            diagnosis = sd.diagnose(planned(targets, deals=deals))
            assert diagnosis.gap.reference == "none"
            assert np.isnan(diagnosis.gap.actual)
            assert "target_attainment" in missed(diagnosis)


class TestTables:
    def test_reps_and_teams_are_added_up_over_the_periods(self):
        targets = [("rep", rep, *quarter, 12.0) for rep in ("r1", "r2") for quarter in QUARTERS]
        reps = pd.DataFrame({"rep_id": ["r1", "r2"], "rep_name": ["Ann", "Bob"],
                             "team": ["North", "South"]})  # fmt: skip
        tables = sd.diagnose(planned(targets, reps=reps)).tables
        table = tables["attainment_by_rep_id"]
        assert table[["rep_id", "rep_name", "n_periods", "target", "actual", "n_events"]].to_numpy(
        ).tolist() == [["r1", "Ann", 4, 48, 60, 6], ["r2", "Bob", 4, 48, 60, 6]]  # fmt: skip
        assert table["attainment"].tolist() == [1.25, 1.25]
        # six wins of 10 against 48: the exact Poisson interval of 6 is 2.20 to 13.06
        assert table["attainment_low"].tolist() == pytest.approx([22.02 / 48] * 2, rel=0.01)
        assert table["attainment_high"].tolist() == pytest.approx([130.6 / 48] * 2, rel=0.01)
        by_team = tables["attainment_by_team"]
        assert by_team[["team", "actual"]].to_numpy().tolist() == [["North", 60], ["South", 60]]
        assert tables["target_attainment_by_rep_id"]["rep_name"].tolist() == ["Ann", "Bob"] * 4

    def test_they_are_what_the_analyses_return(self, sample):
        # the diagnosis counts once and rolls up: the same numbers as asking one by one
        department = sample_department()
        tables = sample.tables
        window = {"start": "2025-01-01", "end": "2025-12-31"}
        assert_frame_equal(tables["win_rate"], funnel.win_rate(department, **window))
        for key in ("team", "rep_id", "source", "segment"):
            found = tables[f"win_rate_by_{key}"].drop(columns="rep_name", errors="ignore")
            assert_frame_equal(found, funnel.win_rate(department, by=key, **window))
        assert_frame_equal(tables["stage_conversion"],
                           funnel.stage_conversion(department, **window))  # fmt: skip
        assert_frame_equal(tables["stage_conversion_by_team"],
                           funnel.stage_conversion(department, by="team", **window))  # fmt: skip
        assert_frame_equal(tables["target_attainment"], plan.target_attainment(department))
        assert_frame_equal(tables["current_stages"], funnel.current_stages(department))
        assert_frame_equal(tables["check"], sd.check(department))

    def test_the_sample_shows_norths_proposal_step_worst(self, sample):
        table = sample.tables["stage_conversion_by_team"]
        table = table[table["team"] != "unassigned"]
        # planted: of all steps of all teams, North's out of Proposal is furthest below the
        # other teams' same step, and its interval does not reach them
        others = table.groupby("from_stage")["conversion_rate"].transform("median")
        worst = table.loc[(table["conversion_rate"] / others).idxmin()]
        assert (worst.team, worst.from_stage) == ("North", "Proposal")
        assert worst.conversion_rate_high < others[worst.name]

    def test_without_closing_dates_win_rates_are_of_all_that_was_closed(self):
        department = deals_of([("A", "won"), ("B", "lost"), ("C", "open")], ["deal_id", "status"])
        diagnosis = sd.diagnose(department)
        assert diagnosis.tables["win_rate"]["n_deals"].item() == 2
        assert diagnosis.tables["win_rate_created"]["n_deals"].item() == 3
        assert diagnosis.gap.reference == "none"

    def test_wins_without_one_loss_are_no_win_rate(self):
        for n_won, told in ((19, True), (20, False)):
            rows = [(str(number), "won") for number in range(n_won)]
            diagnosis = sd.diagnose(deals_of(rows, ["deal_id", "status"]))
            assert ("win_rate" in diagnosis.tables) is told
            assert ("win_rate" in missed(diagnosis)) is not told
        assert "lost ones" in missed(diagnosis)["win_rate"].ask_for

    def test_without_a_date_of_creation_the_funnel_is_of_all_deals(self):
        department = department_of([("A", "won", 9, "r1")], [("A", "lead", 0)])
        deals = department.deals.drop("created_at").execute()
        history = department.stage_changes.execute()
        bare = sd.Department(deals=deals, stage_changes=history, stages=STAGES, as_of="2026-06-01")
        diagnosis = sd.diagnose(bare)  # the deal is older than the window
        assert diagnosis.tables["stage_conversion"]["n_from"].tolist() == [1, 1]
        assert missed(diagnosis)["win_rate_created"].missing == ("deals.created_at",)

    def test_each_pipeline_has_a_funnel_of_its_own(self):
        stages = pd.DataFrame({
            "stage": ["call", "visit", "call", "audit"], "position": [1, 2, 1, 2],
            "pipeline": ["new", "new", "old", "old"],
        })  # fmt: skip
        history = pd.DataFrame({
            "deal_id": ["A", "A", "B"], "stage": ["call", "visit", "audit"],
            "entered_at": pd.to_datetime(["2025-01-01", "2025-01-05", "2025-01-01"]),
            "pipeline": ["new", "new", "old"],
        })  # fmt: skip
        department = deals_of(
            [("A", "won", 0, 20, "new"), ("B", "lost", 0, 20, "old")],
            ["deal_id", "status", "created_at", "closed_at", "pipeline"],
            stages=stages, stage_changes=history,
        )  # fmt: skip
        tables = sd.diagnose(department).tables
        new, old = tables["stage_conversion: new"], tables["stage_conversion: old"]
        assert new[["from_stage", "n_from", "n_to"]].to_numpy().tolist() == [
            ["call", 1, 1], ["visit", 1, 1],
        ]  # fmt: skip
        assert old[["from_stage", "n_from", "n_lost"]].to_numpy().tolist() == [
            ["call", 1, 0], ["audit", 1, 1],
        ]  # fmt: skip
        assert "stage_conversion" not in tables

    def test_one_named_pipeline_is_the_whole_department(self):
        stages = STAGES.assign(pipeline="sales")
        department = department_of([("A", "won", 9, "r1")], [("A", "lead", 0)], stages=stages)
        tables = sd.diagnose(department).tables
        assert tables["stage_conversion"]["n_from"].tolist() == [1, 1]
