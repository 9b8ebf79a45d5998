"""What the diagnosis says of departments that nobody simulated: known traps, known faults."""

from __future__ import annotations

import numpy as np
import pytest

import salesdiag as sd
from tests.real_data import data_set, needs

DUSTBINS = {"Bob Brown", "Rachel White"}  # 488 deals closed, none won, hardly a call
FED = {"Oliver Taylor"}  # a third won on ten calls
CALLERS = {"Diana Evans", "Ian Miller"}  # the most calls of all, 4 of 1,294 won
NO_SELLERS = DUSTBINS | FED | CALLERS
OF_DISCOUNTS = {"excess_discount", "period_end_discounting", "discount_limit_bunching"}


def diagnosed(name):
    folder, mapping = data_set(name)
    return sd.diagnose(sd.load(folder, mapping=mapping))


@pytest.fixture(scope="module")
def maven():
    return diagnosed("maven_crm")


@pytest.fixture(scope="module")
def adventure():
    return diagnosed("adventureworks_dw")


@pytest.fixture(scope="module")
def school():
    return diagnosed("itschool_crm")


def found(diagnosis):
    return {one.cause: one for one in diagnosis.findings}


def stands(diagnosis, against):
    (one,) = [one for one in diagnosis.standings if one.against == against]
    return one


def missing(diagnosis):
    return {one.analysis: one for one in diagnosis.not_examined}


def named(finding):
    return set((finding.scope.id or "").split(", "))


@needs("maven_crm")
class TestMaven:
    def test_no_rep_is_called_weak(self, maven):
        # 30 reps, chi2 = 33.35 on 29 degrees of freedom, p = .26
        assert "weak_reps" not in found(maven)
        assert not [one for one in maven.findings if one.scope.level == "rep"]

    def test_reps_and_teams_stand_as_expected(self, maven):
        for against, n in (("reps", 30), ("teams", 6)):
            one = stands(maven, against)
            assert (one.verdict, one.n, one.ids) == ("as expected", n, ())

    def test_there_is_no_league_table(self, maven):
        card = maven.tables["scorecard_by_rep_id"]
        assert card["expected_rank"].isna().all()
        assert (card["n_ranked"] == 0).all()

    def test_the_dead_pipeline_is_named(self, maven):
        # 1,291 of 1,589 open deals are older than any that ever closed (81 %)
        one = found(maven)["stalled_pipeline"]
        assert one.scope.level == "department"
        assert one.n == 1589
        assert 1291 / 1589 <= one.measured < 0.95
        assert one.expected < 0.25

    def test_the_dead_pipeline_has_no_price_that_nobody_can_know(self, maven):
        assert np.isnan(found(maven)["stalled_pipeline"].money)

    def test_the_pattern_of_the_quarters_end_is_named(self, maven):
        # won in the second half of a quarter's last month or the first half of the next month:
        # 784 before the end and 421 after it, at the three ends seen from both sides
        one = found(maven)["timing_games"]
        assert one.scope.level == "department"
        assert 0.6 < one.measured < 0.7

    def test_without_a_year_before_no_change_is_told(self, maven):
        assert {"manager_effect", "small_deals", "lead_quality"} <= set(missing(maven))
        assert stands(maven, "past").verdict == "cannot tell"
        assert maven.gap.reference == "none"


@needs("adventureworks_dw")
class TestAdventureWorks:
    def test_the_plan_is_too_high(self, adventure):
        one = found(adventure)["plan_too_high"]
        # the four quarters that lie in the window: 43.24 million asked, 36.24 million sold
        assert one.expected == pytest.approx(43_240_000)
        assert one.measured == pytest.approx(36_240_485, abs=1)
        assert (one.control, one.scope.level) == ("indirect", "department")

    def test_it_costs_no_more_than_the_plan_is_missed_by(self, adventure):
        one = found(adventure)["plan_too_high"]
        assert 0 < one.money_low < one.money <= 43_240_000 - 36_240_484

    def test_nearly_everyone_is_below_plan(self, adventure):
        assert stands(adventure, "plan").verdict == "below"
        table = adventure.tables["target_attainment_by_rep_id"]
        inside = table[table["is_complete"] & (table["period_start"] >= "2012-12-28")]
        assert len(inside) == 68
        assert (inside["attainment"] >= 1).sum() == 2

    def test_no_rep_is_blamed(self, adventure):
        assert not [one for one in adventure.findings if one.scope.level in ("rep", "team")]
        assert stands(adventure, "reps").verdict == "cannot tell"

    def test_policy_discounts_are_charged_to_no_rep(self, adventure):
        # of like lines (product, month, band of quantity) every rep's discount is the same
        reps = [one for one in adventure.findings
                if one.cause in OF_DISCOUNTS and one.scope.level in ("rep", "team")]  # fmt: skip
        assert reps == []

    def test_orders_without_a_loss_tell_no_win_rate(self, adventure):
        assert "win_rate" in missing(adventure)

    def test_what_findings_explain_is_in_the_hands_of_the_company(self, adventure):
        assert adventure.split.basis == "gap"
        assert adventure.split.indirect > adventure.split.direct


@needs("itschool_crm")
class TestSchool:
    def test_who_does_not_sell_is_not_called_weak(self, school):
        for one in school.findings:
            if one.scope.level == "rep":
                assert named(one).isdisjoint(NO_SELLERS)

    def test_who_does_not_sell_is_not_below_the_sellers(self, school):
        assert NO_SELLERS.isdisjoint(stands(school, "reps").ids)

    @pytest.mark.parametrize(
        ("names", "role"),
        [(DUSTBINS, "dustbin"), (FED, "fed"), (CALLERS, "caller")],
        ids=["dustbin", "fed", "caller"],
    )
    def test_the_scorecard_says_what_they_are(self, school, names, role):
        card = school.tables["scorecard_by_rep_id"].set_index("unit_id")
        assert set(card.loc[sorted(names), "role_reading"]) == {role}

    def test_the_head_of_sales_is_not_chosen_by_them(self, school):
        told = " ".join(one.evidence for one in school.leader.criteria)
        assert not [one for one in NO_SELLERS if one in told]

    def test_nobody_is_praised_either(self, school):
        text = " ".join(one.reading for one in school.findings)
        assert not [one for one in NO_SELLERS if one in text]

    def test_old_deals_that_win_as_well_as_new_ones_are_not_dead(self, school):
        assert "stalled_pipeline" not in found(school)
