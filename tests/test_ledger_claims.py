"""The ledger of a diagnosis: parts that add up, and money that no two findings claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.drivers import gap_ledger
from salesdiag.diagnosis.finding import Claim, Finding, Gap, Part, Scope
from salesdiag.diagnosis.ledger import claims_of, ledger_table, split_of, with_parts
from tests.frames import sample_department

# -100 - 60 + 20 - 30 - 40 = -210
PARTS = (
    Part("conversion", -100.0, -150.0, -50.0, "Demo"),
    Part("conversion", -60.0, -90.0, -30.0, "Offer"),
    Part("price_realisation", 20.0, 0.0, 40.0),
    Part("leads_per_day", -30.0, -50.0, -10.0),
    Part("plan", -40.0, -40.0, -40.0),
)


def finding(cause="stage_leak", money=50.0, stage=None, control="direct"):
    return Finding(
        cause=cause, scope=Scope("department", None, stage), control=control, grade="C",
        measured=0.1, expected=0.2, n=100, q_value=0.01, money=money, money_low=money,
        money_high=money, money_basis="revenue", reading="r", caveat="c", next_step="n",
        table=pd.DataFrame(),
    )  # fmt: skip


def gap(parts=PARTS, claims=()):
    return Gap("plan", 1000.0, 790.0, 700.0, 900.0, 4, parts=parts, claims=claims)


def test_a_finding_that_names_a_stage_claims_its_part_alone():
    claims = claims_of(PARTS, [finding(money=130.0, stage="Demo")], ["pipeline"])
    assert claims == (Claim(1, "conversion: Demo", 100.0),)


def test_one_of_the_whole_funnel_claims_the_steps_by_what_they_lost():
    claims = claims_of(PARTS, [finding("weak_reps", 80.0)], ["pipeline"])
    assert claims == (Claim(1, "conversion: Demo", 50.0), Claim(1, "conversion: Offer", 30.0))


def test_what_is_claimed_is_gone_for_the_next():
    findings = [finding(money=70.0, stage="Demo"), finding("weak_reps", 500.0)]
    claims = claims_of(PARTS, findings, ["pipeline"] * 2)
    assert claims == (
        Claim(1, "conversion: Demo", 70.0), Claim(2, "conversion: Demo", 30.0),
        Claim(2, "conversion: Offer", 60.0),
    )  # fmt: skip


def test_what_gained_or_costs_nothing_known_has_nothing_to_claim():
    findings = [finding("excess_discount", 50.0), finding("plan_ratchet", np.nan), finding()]
    assert claims_of(PARTS, findings, ["price", "plan", "none"]) == ()


def test_a_finding_told_in_margin_claims_the_revenue_that_it_lost():
    # of 60 of revenue 25 would have been kept; the parts of the gap are revenue
    one = replace(finding(money=25.0, stage="Offer"), money_basis="margin", lost_revenue=60.0)
    assert claims_of(PARTS, [one], ["pipeline"]) == (Claim(1, "conversion: Offer", 60.0),)
    unknown = replace(one, lost_revenue=np.nan)
    assert claims_of(PARTS, [unknown], ["pipeline"]) == ()


def test_money_of_a_year_is_cut_to_the_days_that_the_plan_covers():
    claims = claims_of(PARTS, [finding("lead_shortage", 40.0)], ["leads"], share=0.5)
    assert claims == (Claim(1, "leads_per_day", 20.0),)


def test_no_part_is_claimed_beyond_its_loss_whatever_is_found():
    random = np.random.default_rng(0)
    links = ["pipeline", "leads", "lead conversion", "orders", "size", "price", "days", "plan"]
    for _ in range(50):
        chosen = list(random.choice(links, 6))
        found = [finding(money=float(one)) for one in random.uniform(0, 200, 6)]
        claims = claims_of(PARTS, found, chosen)
        for part in PARTS:
            of_part = sum(one.amount for one in claims if one.part == part.name)
            assert of_part <= max(0.0, -part.amount) + 1e-9
        for rank, one in enumerate(found, start=1):
            assert sum(each.amount for each in claims if each.rank == rank) <= one.money + 1e-9


def test_the_table_ends_with_its_sums():
    claims = (Claim(1, "conversion: Demo", 70.0), Claim(2, "leads_per_day", 30.0))
    table = ledger_table(gap(claims=claims), pd.DataFrame())
    assert table["findings"].tolist() == ["1", "", "", "2", "", ""]
    last = table.iloc[-1]
    assert last["part"] == "gap"
    assert (last["gap_amount"], last["explained_amount"], last["rest_amount"]) == (-210, 100, -110)


def test_the_split_is_of_the_gap_where_it_is_larger_than_what_is_explained():
    claims = (Claim(1, "conversion: Demo", 70.0), Claim(2, "leads_per_day", 30.0))
    found = [finding(), finding("lead_shortage", control="indirect")]
    split = split_of(gap(claims=claims), found)
    assert (split.basis, split.whole) == ("gap", 210.0)
    assert (split.direct, split.indirect, split.external, split.rest) == (70.0, 30.0, 0.0, 110.0)


def test_gains_elsewhere_make_the_split_one_of_what_is_explained():
    claims = (Claim(1, "conversion: Demo", 70.0),)
    above = replace(gap(claims=claims), expected=780.0)  # 10 over plan
    assert split_of(above, [finding()]).basis == "explained"
    assert split_of(above, [finding()]).whole == 70.0
    assert split_of(gap(parts=()), []).basis == "none"


@pytest.fixture(scope="module")
def department():
    return sample_department()


def test_the_parts_add_up_to_the_gap_and_are_those_of_the_drivers(department):
    found = sd.diagnose(department).gap
    assert sum(one.amount for one in found.parts) == pytest.approx(found.gap, rel=1e-6)
    # asked of the drivers in their own way, with the plan as the reference
    table = gap_ledger(department, reference="plan")
    assert [one.amount for one in found.parts] == pytest.approx(table["gap_amount"].tolist())


def test_the_ledger_holds_the_days_of_the_gap_when_the_plan_covers_fewer(department):
    day = pd.Timestamp
    some = Gap("plan", 1.0e6, 0.9e6, 0.0, 2.0e6, 1, day("2025-01-01").date(),
               day("2025-09-30").date())  # fmt: skip
    split, table = with_parts(department, some, 0.95)
    deals = department.deals.to_pandas()
    deals = deals[(deals["status"] == "won") & deals["closed_at"].between("2025", "2025-10-01")]
    won = float(deals["amount"].astype(float).sum())
    assert table["actual_amount"].iloc[0] == pytest.approx(won)
    # what the plan does not count is a part, so that the sum is the gap all the same
    assert split.parts[-1].factor == "outside the plan"
    assert split.parts[-1].amount == pytest.approx(0.9e6 - won)
    assert sum(one.amount for one in split.parts) == pytest.approx(split.gap, rel=1e-6)


def test_without_a_plan_the_year_before_is_the_reference(department):
    bare = Gap("none", np.nan, 4_562_189.15, np.nan, np.nan, 0, pd.Timestamp("2025-01-01").date(),
               pd.Timestamp("2025-12-31").date())  # fmt: skip
    found, _table = with_parts(department, bare, 0.95)
    deals = department.deals.to_pandas()
    before = deals[(deals["status"] == "won") & deals["closed_at"].between("2024", "2025")]
    assert found.reference == "past"
    assert found.expected == pytest.approx(float(before["amount"].astype(float).sum()))
    assert sum(one.amount for one in found.parts) == pytest.approx(found.gap, rel=1e-6)
