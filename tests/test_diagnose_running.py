"""A diagnosis as a whole: its window, its order of rows, and what it says it cannot examine."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from salesdiag.diagnosis.catalogue import CATALOGUE, NOT_YET
from salesdiag.present.findings import as_plain
from tests.frames import deals_of, department_of, sample_department, sample_frames, shuffled


@pytest.fixture(scope="module")
def sample():
    return sd.diagnose(sample_department())


def missed(diagnosis):
    return {one.analysis: one for one in diagnosis.not_examined}


class TestNotExamined:
    def test_deals_alone_say_what_to_ask_for(self):
        diagnosis = sd.diagnose(deals_of([("A", "won")], ["deal_id", "status"]))
        found = missed(diagnosis)
        for name, tables in {
            "target_attainment": ("targets",),
            "stage_conversion": ("stage_changes",),
            "slow_response": ("leads",),
            "low_activity": ("activities",),
            "plan_misallocated": ("targets", "reps"),
            "market_decline": ("market",),
            "small_deals": ("deals.created_at",),
        }.items():
            assert found[name].missing == tables
            assert found[name].ask_for
            assert found[name].reason

    def test_each_cause_is_looked_for_or_said_to_be_left_out(self, sample):
        for diagnosis in (sample, sd.diagnose(deals_of([("A", "won")], ["deal_id", "status"]))):
            causes = diagnosis.tables["causes"].set_index("cause")["outcome"]
            assert set(causes.index) == set(CATALOGUE)
            left = {name for name in missed(diagnosis) if name in CATALOGUE}
            assert left == set(causes[causes == "not examined"].index)

    def test_nothing_is_asked_for_that_this_version_would_not_use(self, sample):
        found = missed(sample)
        for name in NOT_YET:
            assert "this version" in found[name].reason
            assert found[name].ask_for == ""
        assert found["currency_effect"].missing == ("fx_rates",)

    def test_a_history_that_does_not_fit_the_stages_is_a_reason_not_a_crash(self):
        department = department_of([("A", "open", None, "r1")], [("A", "mystery", 0)])
        one = missed(sd.diagnose(department))["stage_conversion"]
        assert "'mystery' (1 times)" in one.reason
        assert one.missing == ()


class TestRunning:
    def test_the_same_input_gives_the_same_tables_in_any_order_of_rows(self):
        frames = sample_frames()
        # a rep and a target listed twice, with other values, must not make a lottery of it
        extra = frames["reps"].iloc[[3]].assign(team="Zebra")
        frames["reps"] = pd.concat([frames["reps"], extra])
        again = frames["targets"].iloc[[5]].assign(target=1.0)
        frames["targets"] = pd.concat([frames["targets"], again])
        first = sd.diagnose(sd.Department(**frames, as_of="2025-12-31"))
        for other in (frames, shuffled(frames)):
            second = sd.diagnose(sd.Department(**other, as_of="2025-12-31"))
            assert repr(second.gap) == repr(first.gap)  # of which some ends are NaN
            assert as_plain(second) == as_plain(first)
            assert second.not_examined == first.not_examined
            assert list(second.tables) == list(first.tables)
            for name, table in first.tables.items():
                assert_frame_equal(second.tables[name], table, obj=name)

    def test_the_window_is_the_last_twelve_months_unless_given(self):
        department = deals_of([("A", "won")], ["deal_id", "status"], as_of="2025-06-30")
        diagnosis = sd.diagnose(department)
        assert (diagnosis.start, diagnosis.end) == (date(2024, 7, 1), date(2025, 6, 30))
        given = sd.diagnose(department, start="2025-01-01", end=date(2025, 3, 31))
        assert (given.start, given.end) == (date(2025, 1, 1), date(2025, 3, 31))

    def test_a_window_that_ends_before_it_starts_is_refused(self):
        department = deals_of([("A", "won")], ["deal_id", "status"])
        with pytest.raises(sd.InputError, match=r"ends \(2025-01-01\) before it starts \(2025-02"):
            sd.diagnose(department, start="2025-02-01", end="2025-01-01")

    def test_a_window_that_ends_after_the_data_is_refused(self):
        department = deals_of([("A", "won")], ["deal_id", "status"], as_of="2025-06-30")
        assert sd.diagnose(department, end="2025-06-30").end == date(2025, 6, 30)
        with pytest.raises(sd.InputError, match=r"ends on 2025-07-01, after .*\(2025-06-30\)"):
            sd.diagnose(department, start="2025-01-01", end="2025-07-01")

    def test_a_window_of_more_than_a_year_is_not_held_against_the_year_before(self):
        diagnosis = sd.diagnose(sample_department(), start="2024-10-01")
        left = missed(diagnosis)
        for cause in ("slow_response", "stage_leak", "small_deals", "customer_churn"):
            assert left[cause].reason.startswith("a window longer than a year")
            assert left[cause].ask_for == ""

    def test_what_is_known_of_the_department_is_carried_over(self):
        department = deals_of([("A", "won", 3)], ["deal_id", "status", "created_at"], as_of=None,
                              name="Nordwind", currency="EUR")  # fmt: skip
        diagnosis = sd.diagnose(department, confidence=0.8)
        assert (diagnosis.name, diagnosis.currency) == ("Nordwind", "EUR")
        assert diagnosis.as_of == date(2025, 1, 4)
        assert diagnosis.as_of_source == "latest deals.created_at"
        assert diagnosis.confidence == 0.8
        assert diagnosis.findings == ()
        assert diagnosis.evidence.verdict == "cannot tell"
        assert diagnosis.leader.role == "undecided"

    def test_the_load_report_is_part_of_it(self):
        report = pd.DataFrame(columns=["table", "source", "topic", "item", "n_rows", "detail"])
        deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"]})
        department = sd.Department(deals=deals, as_of="2025-03-01", load_report=report)
        assert sd.diagnose(department).tables["load_report"] is report

    def test_each_step_is_told_before_it_is_made(self):
        told = []
        sd.diagnose(deals_of([("A", "won")], ["deal_id", "status"]), on_step=told.append)
        assert told[:3] == ["checking the data", "target attainment", "stage conversion"]
        assert "win rates" in told

    def test_a_department_without_deals_is_no_crash(self):
        empty = sample_frames() | {"deals": sample_frames()["deals"].iloc[:0]}
        diagnosis = sd.diagnose(sd.Department(**empty, as_of="2025-12-31"))
        assert diagnosis.tables["win_rate"]["n_deals"].item() == 0
        assert diagnosis.gap.actual == 0
        assert diagnosis.gap.expected > 0
