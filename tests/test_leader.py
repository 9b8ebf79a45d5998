"""Which head of sales is needed: three archetypes, and when nothing is decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from salesdiag.diagnosis.catalogue import CATALOGUE
from salesdiag.diagnosis.finding import Evidence, Finding, Scope, Standing
from salesdiag.diagnosis.leader import leader_needed

TELLS = Evidence("can tell", 1000, 0, 500, has_past=True, smallest_fall=0.15)
_REFERENCES = ("plan", "past", "teams", "reps")


def finding(cause, grade="C"):
    return Finding(
        cause=cause, scope=Scope("department"), control=CATALOGUE[cause].control, grade=grade,
        measured=0.1, expected=0.2, n=100, q_value=0.01, money=1.0, money_low=0.5, money_high=2.0,
        money_basis="revenue", reading="r", caveat="c", next_step="n", table=pd.DataFrame(),
    )  # fmt: skip


def needed(*causes, examined=tuple(CATALOGUE), below=(), untold=(), evidence=TELLS, grade="C"):
    outcomes = {one: "no sign" if one in examined else "not examined" for one in CATALOGUE}
    standings = [
        Standing(one, "cannot tell", np.nan, np.nan, np.nan, 0, reason="none") if one in untold
        else Standing(one, "below" if one in below else "as expected", 0.9, 0.8, 1.1, 100)
        for one in _REFERENCES
    ]  # fmt: skip
    found = [finding(one, grade) for one in causes]
    return leader_needed(found, outcomes, standings, evidence)


@pytest.mark.parametrize(
    ("causes", "below", "role"),
    [
        (("process_skipped", "plan_too_high"), ("plan", "past"), "architect"),
        (("weak_reps", "low_activity"), ("plan", "past", "reps"), "manager"),
        (("slow_response",), ("plan",), "manager"),
        ((), (), "caretaker"),
        (("market_decline",), ("plan", "past"), "caretaker"),
    ],
)
def test_three_archetypes_are_told_apart(causes, below, role):
    assert needed(*causes, below=below).role == role


def test_broken_rules_and_people_together_are_too_close_to_call():
    leader = needed("process_skipped", "weak_reps", below=("plan", "past"))
    assert leader.role == "undecided"
    assert "too close to call" in leader.reason
    assert (leader.points("architect"), leader.points("manager")) == (3, 3)


def test_a_raw_association_alone_decides_nothing():
    assert needed("slow_response", below=("plan",), grade="D").role == "undecided"


def test_a_hint_alone_decides_nothing():
    hint = replace(finding("slow_response"), q_value=0.1)
    outcomes = dict.fromkeys(CATALOGUE, "no sign")
    below = Standing("plan", "below", 0.9, 0.8, 1.1, 100)
    leader = leader_needed([hint], outcomes, [below], TELLS)
    assert (leader.points("manager"), leader.role) == (1, "undecided")


def test_a_result_below_its_plan_without_a_cause_calls_for_no_caretaker():
    leader = needed(below=("plan",))
    assert leader.role == "undecided"
    assert leader.points("caretaker") == 1  # for the year before


def test_a_fault_elsewhere_in_the_company_speaks_for_no_role():
    leader = needed("lead_shortage", "customer_churn", below=("plan", "past"))
    assert leader.role == "undecided"
    assert {leader.points(one) for one in ("architect", "manager", "caretaker")} == {0}


def test_little_examined_decides_nothing():
    few = ("weak_reps", "stage_leak", "small_deals")
    leader = needed("weak_reps", examined=few, untold=("plan", "past", "teams"))
    assert leader.role == "undecided"
    assert "could be examined" in leader.reason


def test_data_that_cannot_tell_decide_nothing():
    silent = Evidence("cannot tell", 10, 0, 3, has_past=False, smallest_fall=np.nan)
    assert needed("weak_reps", evidence=silent).role == "undecided"


def test_each_cause_stands_in_one_question():
    leader = needed(*CATALOGUE, below=_REFERENCES)
    told = " ".join(one.evidence for one in leader.criteria)
    unread = {"forecast_bias", "biased_call_scores"}  # analyses to come
    for cause in set(CATALOGUE) - unread:
        words = cause.replace("_", " ").replace("crm", "CRM")
        assert told.count(f"{words} (grade") == 1, cause
    assert all(one.question.endswith("?") for one in leader.criteria)
