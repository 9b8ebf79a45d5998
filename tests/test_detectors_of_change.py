"""Leads, prices, old deals and quarter ends: the figures of their detectors by hand.

A view is stood in for by the few things that a detector asks it for.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesdiag.diagnosis import roles
from salesdiag.diagnosis.contrasts import Change, Changes, Link, changes
from salesdiag.diagnosis.detectors import (
    excess_discount,
    lead_shortage,
    stalled_pipeline,
    timing_games,
    unworked_leads,
)
from salesdiag.diagnosis.suspects import as_share
from salesdiag.diagnosis.view import View
from tests.yearly_frames import YEARS, department, frame, view_of


def change_at(level, ids, measured, expected, n, change, error=0.05):
    return Change(level, ids, measured, expected, n, change, error, 1e-4, weight=0.9)


# --- leads -------------------------------------------------------------------------------

FORGOTTEN = change_at("team", ("N",), 0.3, 0.1, 400, np.log(3))


def forgotten(seen):
    return view_of(
        untouched=lambda: [FORGOTTEN], exposed=lambda *_place, **_part: 500.0,
        lead_conversion=lambda: SimpleNamespace(at=lambda *_place: seen),
    )  # fmt: skip


def test_forgotten_leads_cost_what_fewer_are_worked():
    (found,) = unworked_leads.detect(forgotten(None))
    assert (found.level, found.ids, found.exposed) == ("team", ("N",), 500.0)
    # 70 in 100 are worked where 90 were; 280 +- 9.2 of 400, and such leads may be a quarter
    # better or worse than others
    assert found.harm == pytest.approx(np.log(7 / 9))
    chance = np.sqrt(400 * 0.3 * 0.7) / 280
    assert found.harm_error == pytest.approx(np.sqrt(chance**2 + (np.log(9 / 7) / 4) ** 2))


def test_where_as_many_leads_become_deals_contacts_were_only_not_logged():
    alone = unworked_leads.detect(forgotten(None))[0]
    # another estimate of the same loss, as sure as the first: the middle of both
    as_many = change_at("team", ("N",), 0.4, 0.4, 400, 0.0, alone.harm_error)
    (found,) = unworked_leads.detect(forgotten(as_many))
    assert found.harm == pytest.approx(alone.harm / 2)
    assert found.harm_error == pytest.approx(alone.harm_error / np.sqrt(2))


def came_in(web, fair):
    """Count the leads of two sources by month, before and now."""
    rows = [
        (side, month, source, n, 0.0)
        for source, both in (("web", web), ("fair", fair))
        for side, n in zip(("base", "now"), both, strict=True) for month in range(12)
    ]  # fmt: skip
    cells = pd.DataFrame(rows, columns=["side", "month", "source", "part", "whole"])
    found = changes([Link(cells, "total")], {"source": "source"}, worse="down")
    return view_of(lead_count=lambda: found, n_months=lambda: 12.0,
                   exposed=lambda *_place, **_part: 500.0)  # fmt: skip


def test_a_source_that_brings_half_its_leads_is_a_shortage():
    (found,) = lead_shortage.detect(came_in((100, 50), (100, 100)))
    assert (found.level, found.ids) == ("source", ("web",))
    assert (found.measured, found.expected) == pytest.approx((50, 100), rel=0.05)
    assert found.harm == pytest.approx(np.log(0.5), abs=0.05)


@pytest.mark.parametrize(("fair", "n"), [((100, 150), 0), ((100, 130), 0), ((100, 120), 1)])
def test_a_source_for_which_others_came_in_instead_is_no_shortage(fair, n):
    # 50 a month are lacking; the department lacks none, 20 or 30 of them
    found = lead_shortage.detect(came_in((100, 50), fair))
    assert len([one for one in found if one.level == "source"]) == n


# --- money -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "exposed"),
    [(-0.69, 100.0), (-1.0, 1000 * np.exp(-1)), (-3.0, 100.0)],  # 368 and 50 of the 1,000 before
)
def test_where_more_than_half_is_lost_the_year_before_is_asked_too(harm, exposed):
    deals = frame(
        "deal_id status created_at closed_at rep_id amount",
        ("A", "won", "2024-02-01", "2024-03-01", "r1", 1000.0),
        ("B", "won", "2025-02-01", "2025-03-01", "r1", 100.0),
        ("C", "won", "2025-02-01", "2025-03-01", "r2", 900.0),
    )
    view = View(department(deals), YEARS.start, YEARS.end, 0.9)
    place = change_at("rep", ("r1",), 0.1, 0.2, 100, harm)
    assert view.exposed(place, harm) == pytest.approx(exposed)


def test_a_mean_discount_is_told_as_a_share_of_the_list_price():
    # 100 asked and 80 paid; 100 and 90
    told = as_share(change_at("department", (), np.log(5 / 4), np.log(10 / 9), 100, 0.1))
    assert (told.measured, told.expected) == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize(
    ("level", "by_policy", "n"),
    [("rep", False, 1), ("rep", True, 0), ("team", True, 0), ("segment", True, 1)],
)
def test_where_a_price_list_gives_the_discounts_no_rep_or_team_is_behind_them(level, by_policy, n):
    place = change_at(level, ("X",), 0.2, 0.1, 100, 0.1)
    view = view_of(
        depth=lambda: Changes([place]), by_policy=lambda: by_policy,
        revenue=lambda *_place, **_part: 500.0, price_change=lambda *_place: -0.1,
    )  # fmt: skip
    assert len(excess_discount.detect(view)) == n


# --- where there is no year before -------------------------------------------------------


def alone(**more):
    return view_of(has_past=lambda: False, **more)


def stalled(n_stalled, basis="learnt"):
    table = frame("n_open n_undated n_stalled threshold_basis", (110, 10, n_stalled, basis))
    return view_of({"stalled": table}, has_past=lambda: False)


def test_without_a_year_before_a_pipeline_is_dead_beyond_what_any_has():
    (found,) = stalled_pipeline.detect(stalled(30))
    assert (found.measured, found.expected, found.n) == (0.3, 0.1, 100)
    # a fifth may be dead as well
    assert found.p_value == pytest.approx(stats.binom.sf(29, 100, 0.2))
    assert np.isnan(found.harm)


@pytest.mark.parametrize("view", [stalled(20), stalled(90, basis="given")])
def test_a_fifth_or_an_age_that_nobody_learnt_is_no_dead_pipeline(view):
    assert stalled_pipeline.detect(view) == []


def quarter_ends(before, after):
    """Count wins about the ends of March, June and September; that of the year has no after."""
    rows = [("now", "end", month, n) for month, n in zip((2, 5, 8), before, strict=True)]
    rows += [("now", "start", month, n) for month, n in zip((3, 6, 9), after, strict=True)]
    rows += [("now", "end", 11, 500), ("now", "start", 0, 90), ("now", "rest", 4, 70)]
    rows += [("base", "start", 3, 800)]
    return pd.DataFrame(rows, columns=["side", "phase", "month", "n_won"])


def test_without_a_year_before_wins_pile_up_before_the_ends_seen_on_both_sides():
    (found,) = timing_games.detect(alone(periods=quarter_ends((40, 30, 30), (20, 10, 20))))
    assert (found.measured, found.expected, found.n) == (pytest.approx(2 / 3), 0.55, 150)
    assert found.p_value == pytest.approx(stats.binom.sf(99, 150, 0.6))
    assert np.isnan(found.harm)


def test_three_in_five_wins_before_the_end_or_one_end_alone_tell_nothing():
    assert timing_games.detect(alone(periods=quarter_ends((30, 30, 30), (20, 20, 20)))) == []
    one_end = quarter_ends((90, 90, 90), (1, 1, 1))
    one_end = one_end[one_end["month"].isin([2, 3])]
    assert timing_games.detect(alone(periods=one_end)) == []


# --- what people do ----------------------------------------------------------------------


def test_what_a_rep_does_is_told_by_all_of_the_data_not_by_the_window(monkeypatch):
    of_all = frame("unit_id role_reading", ("r1", "dustbin"), ("r2", "seller"))
    monkeypatch.setattr(roles.reps, "rep_scorecard", lambda *_given, **_more: of_all)
    card = frame("unit_id role_reading ratio", ("r2", "fed", 0.9), ("r1", "seller", 0.2),
                 ("r3", "seller", 0.5))  # fmt: skip
    found = roles.with_roles(card, department())
    assert found["role_reading"].tolist() == ["seller", "dustbin", "unclear"]
    assert found["ratio"].tolist() == [0.9, 0.2, 0.5]
