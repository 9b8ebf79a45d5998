"""What was held against a finding, and what is said of causes that were not looked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesdiag.diagnosis.examined import (
    causes_table,
    left_out,
    links_of,
    with_rivals,
)
from salesdiag.diagnosis.explain import Explained
from salesdiag.diagnosis.finding import Finding
from salesdiag.diagnosis.investigate import DETECTED, Investigation
from salesdiag.diagnosis.suspects import Suspect
from tests.frames import deals_of


def suspect(cause, *, level="team", ids=("North",), p=1e-6, claim="pipeline", harm=-0.2):
    return Suspect(cause, level, ids, 0.2, 0.3, 100, p, claim, harm, 0.03, 1000.0)


def investigation(
    found, others=(), explained=(), unexamined=None, *, looks_back=True, refused=None
):
    findings = [
        Finding(one.cause, one.scope, "direct", "C", 0.2, 0.3, 100, 0.001, 1.0, 0.5, 2.0,
                "revenue", "r", "c", "n", pd.DataFrame())
        for one in found
    ]  # fmt: skip
    suspects = [*found, *others, *(one.suspect for one in explained)]
    return Investigation(
        findings, suspects, list(explained), unexamined or {}, looks_back, refused or {}
    )


def rivals_of(found):
    return {one.cause: one.outcome for one in with_rivals(found)[0].rivals}


def test_what_a_finding_explains_is_its_rival_also_by_way_of_another():
    leak = suspect("stage_leak")
    team, leads = suspect("manager_effect", p=0.01), suspect("lead_quality", p=0.9)
    found = investigation([leak], explained=[Explained(team, leak), Explained(leads, team)])
    assert rivals_of(found) == {
        "manager_effect": "explained by this finding",
        "lead_quality": "not beyond chance itself",
    }


def test_what_shows_at_the_same_place_and_part_but_does_not_stand_out_is_a_rival_too():
    others = [
        suspect("stage_leak", p=0.3),
        suspect("process_skipped", harm=0.1),  # nothing was lost by it
        suspect("stalled_pipeline", p=0.02),
        suspect("low_activity", ids=("South",)),  # another place
        suspect("excess_discount", claim="price"),  # another part of the sale
    ]
    found = rivals_of(investigation([suspect("manager_effect")], others))
    assert found == {
        "stage_leak": "not beyond chance",
        "process_skipped": "seen, but not found to cost anything",
        "stalled_pipeline": "not sure enough after all that was searched, or too small to matter",
    }


def test_each_finding_keeps_the_link_of_its_suspect():
    found = investigation([suspect("excess_discount", claim="price", harm=-0.5),
                           suspect("weak_reps", level="rep", ids=("a", "b"))])  # fmt: skip
    assert [one.cause for one in found.findings] == ["excess_discount", "weak_reps"]
    assert links_of(found) == ("price", "pipeline")


@pytest.fixture
def bare():
    return deals_of([("A", "won")], ["deal_id", "status"])


def test_missing_tables_are_named_with_the_export_to_ask_for(bare):
    found = investigation([], unexamined={"low_activity": ("activities", "reps")})
    one = next(each for each in left_out(bare, found, n_days=365)
               if each.analysis == "low_activity")  # fmt: skip
    assert one.missing == ("activities", "reps")
    assert "calls, meetings and tasks" in one.ask_for
    assert "a list of the sellers" in one.ask_for


@pytest.mark.parametrize(
    ("n_days", "said", "asks"),
    [
        (366, "the year before", True), (367, "longer than a year", False),
        (299, "shorter than ten months", False), (300, "the year before", True),
    ],
)  # fmt: skip
def test_a_comparison_with_the_year_before_needs_it_and_a_window_of_a_year(
    bare, n_days, said, asks
):
    missed = left_out(bare, investigation([], looks_back=False), n_days=n_days)
    one = next(each for each in missed if each.analysis == "customer_churn")
    assert said in one.reason
    assert bool(one.ask_for) is asks


def test_what_the_data_refuse_to_tell_is_said_in_their_words(bare):
    found = investigation([], unexamined={"weak_reps": ()}, refused={"weak_reps": "no losses"})
    missed = left_out(bare, found, n_days=365)
    one = next(each for each in missed if each.analysis == "weak_reps")
    assert (one.missing, one.ask_for, one.reason) == ((), "", "no losses")
    outcome = causes_table(found, missed).set_index("cause")["outcome"]
    assert outcome["weak_reps"] == "not examined"


def test_the_list_of_causes_says_what_became_of_each(bare):
    leak = suspect("stage_leak")
    team = suspect("manager_effect", p=0.01)
    found = investigation([leak], others=[suspect("weak_reps", p=0.5)],
                          explained=[Explained(team, leak)])  # fmt: skip
    missed = left_out(bare, found, n_days=365)
    table = causes_table(found, missed).set_index("cause")
    assert table.loc["stage_leak", ["outcome", "level", "id"]].tolist() == [
        "found", "team", "North",
    ]  # fmt: skip
    assert table.loc["manager_effect", "outcome"] == "explained by stage_leak"
    assert table.loc["weak_reps", "outcome"] == "not beyond chance"
    assert table.loc["slow_response", "outcome"] == "no sign"
    assert np.isnan(table.loc["slow_response", "p_value"])
    not_there = set(table[table["outcome"] == "not examined"].index)
    assert not_there == set(table.index) - set(DETECTED)
