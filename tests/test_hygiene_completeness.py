"""Which fields are filled: counts by hand, planted gaps, and no fault where none is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from tests.frames import STAGES, deals_of, sample_department, sample_frames

COLUMNS = ["deal_id", "status", "stage", "rep_id", "amount", "loss_reason", "expected_close_on"]
SOON = pd.Timestamp("2025-05-01")
DEALS = [
    ("A", "open", "lead", "r1", None, None, SOON),  # no offer made: no amount needed yet
    ("B", "open", "offer", "r1", None, None, None),  # an offer without an amount
    ("C", "open", "offer", "r2", 10.0, None, SOON),
    ("D", "won", "won", "r2", 20.0, None, None),
    ("E", "won", "won", None, 0.0, None, None),  # an amount of 0 is none; no rep
    ("F", "lost", "lost", "r1", None, "Other ", None),  # a word that says nothing
    ("G", "lost", "lost", "r2", 5.0, "price", None),
    ("H", "lost", "lost", "r2", 5.0, "", None),  # an empty text is nothing
]


def department_of(**more) -> sd.Department:
    return deals_of(DEALS, COLUMNS, stages=STAGES, **more)


def row(table, field, when, of="deals", **keys):
    found = table[(table["field"] == field) & (table["required_when"] == when)]
    found = found[found["table"] == of]
    for key, value in keys.items():
        found = found[found[key] == value]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("field", "when", "required", "filled"),
    [
        ("rep_id", "always", 8, 7),
        ("amount", "open_from_stage", 2, 1),  # B and C; A is not there yet
        ("amount", "won", 2, 1),
        ("amount", "lost", 3, 2),
        ("loss_reason", "lost", 3, 2),
        ("expected_close_on", "open", 3, 2),
        ("closed_at", "closed", 0, 0),  # no such column
        ("outcome", "call_or_meeting", 0, 0),  # no such table
    ],
)
def test_fields_of_deals_counted_by_hand(field, when, required, filled):
    of = "activities" if field == "outcome" else "deals"
    found = row(sd.hygiene.completeness(department_of()), field, when, of)
    assert (found.n_required, found.n_filled, found.n_missing) == (
        required, filled, required - filled,
    )  # fmt: skip
    if required:
        assert found.filled_share == pytest.approx(filled / required)
    else:
        assert np.isnan(found.filled_share)
        assert found.reading == "not_examined"


def test_a_word_that_says_nothing_is_filled_but_counted():
    found = row(sd.hygiene.completeness(department_of()), "loss_reason", "lost")
    assert (found.n_filled, found.n_placeholder) == (2, 1)


def test_the_stage_from_which_a_field_is_asked_for_can_be_chosen():
    table = sd.hygiene.completeness(department_of(), from_stage={"amount": "lead"})
    assert row(table, "amount", "open_from_stage").n_required == 3
    none = sd.hygiene.completeness(department_of(), from_stage={})
    assert "open_from_stage" not in set(none["required_when"])


@pytest.mark.parametrize("wrong", [{"amount": "won"}, {"colour": "lead"}, ["amount"]])
def test_a_wrong_stage_or_field_is_named(wrong):
    with pytest.raises(sd.InputError, match="from_stage must map"):
        sd.hygiene.completeness(department_of(), from_stage=wrong)


def test_by_stage_and_rep_the_groups_add_up():
    whole = sd.hygiene.completeness(department_of())
    for key in ("stage", "rep_id"):
        parts = sd.hygiene.completeness(department_of(), by=key)
        sums = parts.groupby(["field", "required_when", "table"])["n_filled"].sum()
        for question, n_filled in sums.items():
            assert row(whole, *question).n_filled == n_filled
    parts = sd.hygiene.completeness(department_of(), by="rep_id")
    # the deal without a rep stands under "unassigned", is compared with nobody
    nobody = row(parts, "rep_id", "always", rep_id="unassigned")
    assert (nobody.n_required, nobody.n_filled, nobody.reading) == (1, 0, "no_comparison")
    r2 = row(parts, "amount", "lost", rep_id="r2")
    assert (r2.n_required, r2.filled_share, r2.others_share) == (2, 1.0, 0.0)


def test_activities_and_leads_counted_by_hand():
    activities = pd.DataFrame({
        "activity_id": list("123456"),
        "activity_type": ["call", "call", "meeting", "email", "task", "call"],
        "occurred_at": pd.to_datetime(["2025-02-01"] * 5 + ["2025-03-02"]),  # the last: after as_of
        "rep_id": ["r1", "r1", None, "r2", "r2", "r2"],
        "deal_id": ["A", None, None, None, "C", "C"],
        "lead_id": [None, "L1", None, None, None, None],
        "outcome": ["connected", None, "held", None, None, "connected"],
        "duration_seconds": [60.0, None, None, None, None, 5.0],
        "due_at": pd.to_datetime([None] * 4 + ["2025-02-05", None]),
    })  # fmt: skip
    leads = pd.DataFrame({
        "lead_id": ["L1", "L2", "L3"], "created_at": pd.Timestamp("2025-02-01"),
        "status": ["converted", "disqualified", "new"], "deal_id": [None, None, None],
        "disqualify_reason": [None, "n/a", None],
    })  # fmt: skip
    table = sd.hygiene.completeness(department_of(activities=activities, leads=leads))
    table["pair"] = list(zip(table["n_required"], table["n_filled"], strict=True))
    found = table.set_index(["table", "field", "required_when"])["pair"]
    assert found["activities", "rep_id", "always"] == (5, 4)
    assert found["activities", "deal_id, lead_id or account_id", "always"] == (5, 3)
    assert found["activities", "outcome", "call_or_meeting"] == (3, 2)
    assert found["activities", "duration_seconds", "reached"] == (2, 1)
    assert found["activities", "due_at", "task"] == (1, 1)
    assert found["leads", "deal_id", "converted"] == (1, 0)
    assert found["leads", "disqualify_reason", "disqualified"] == (1, 1)
    assert found["leads", "source", "always"] == (0, 0)


def test_what_is_planted_in_the_sample():
    frames = sample_frames()
    table = sd.hygiene.completeness(sample_department())
    assert row(table, "amount", "lost").n_missing == 6
    lacking = frames["deals"].query("status == 'lost'")["loss_reason"].isna().sum()
    assert row(table, "loss_reason", "lost").n_missing == lacking
    assert (table.loc[table["field"] == "rep_id", "n_missing"].tolist()) == [15, 0, 0]


def simulated(rng, shares, n_deals=120):
    """Make lost deals of reps, each of whom gives a reason with a share of his own."""
    rows = [
        (f"{rep}-{number}", "lost", f"r{rep}", "price" if filled else None)
        for rep, share in enumerate(shares)
        for number, filled in enumerate(rng.random(n_deals) < share)
    ]
    return deals_of(rows, ["deal_id", "status", "rep_id", "loss_reason"])


def test_a_rep_who_gives_no_reasons_is_found_and_nobody_else():
    shares = [0.9] * 14 + [0.6]
    table = sd.hygiene.completeness(simulated(np.random.default_rng(5), shares), by="rep_id")
    table = table[table["field"] == "loss_reason"].set_index("rep_id")
    assert table.index[table["reading"] != "as_others"].tolist() == ["r14"]
    found = table.loc["r14"]
    assert found.q_value < 0.001
    assert found.difference_low <= 0.6 - 0.9 <= found.difference_high


def test_without_a_fault_few_departments_show_one():
    flagged = 0
    rng = np.random.default_rng(11)
    n_worlds = 40
    for _world in range(n_worlds):
        table = sd.hygiene.completeness(simulated(rng, [0.95] * 12, 60), by="rep_id")
        flagged += (table["q_value"] <= 0.05).any()
    # at the level of 5 %: more than 6 of 40 would come up once in 70 times
    assert flagged <= 6


def test_reps_and_not_rows_are_independent_in_a_team():
    # a rep fills all or nothing: 200 rows tell as four reps do
    rows = [(f"{rep}-{n}", "lost", f"r{rep}", "price" if rep < 2 else None)
            for rep in range(4) for n in range(50)]  # fmt: skip
    table = sd.hygiene.completeness(deals_of(rows, ["deal_id", "status", "rep_id", "loss_reason"]))
    found = row(table, "loss_reason", "lost")
    assert found.filled_share == 0.5
    assert found.filled_share_high - found.filled_share_low > 0.6
