"""Counts and money of the groups add up to those of the whole, in every analysis that has them."""

from __future__ import annotations

import pytest
from pandas.testing import assert_frame_equal

import salesdiag as sd
from tests.frames import sample_department

# by analysis: what tells its rows apart besides the group, and what must add up
ADDITIVE = {
    sd.funnel.win_rate: ([], ["n_deals", "n_won", "n_lost", "won_amount", "total_amount"]),
    sd.funnel.stage_conversion: (
        ["from_stage"], ["n_from", "n_to", "n_lost", "n_open", "n_skipped", "n_returned"]),
    sd.funnel.stage_flow: (
        ["stage"], ["n_deals", "n_entered", "n_advanced", "n_lost", "n_back", "n_out", "n_here"]),
    sd.funnel.current_stages: (["stage"], ["n_deals", "n_open", "n_won", "n_lost"]),
    sd.funnel.loss_reasons: (["loss_reason"], ["n_lost", "lost_amount", "n_without_amount"]),
    sd.funnel.cohort_conversion: (["cohort_start"], ["n_deals", "n_won", "n_lost", "n_open"]),
    sd.funnel.segment_comparison: (["value"], ["n_deals", "n_won"]),
    sd.activity.activity_rates: (["activity_type"], ["n_activities", "n_without_rep"]),
    sd.activity.deal_coverage: ([], ["n_deals", "n_open"]),
    sd.discount.discount_distribution: (
        ["status", "unit"], ["n_cases", "n_priced", "list_amount", "discount_amount"]),
    sd.discount.price_realisation: ([], ["list_amount", "discount_amount"]),
    sd.drivers.gap_ledger: (["factor", "stage"], ["n_deals", "n_won", "actual_amount"]),
}  # fmt: skip
OPTIONS = {sd.drivers.gap_ledger: {"n_draws": 0}}


@pytest.mark.parametrize("key", ["team", "rep_id"])
@pytest.mark.parametrize("analysis", list(ADDITIVE), ids=[one.__name__ for one in ADDITIVE])
def test_groups_add_up_to_the_whole(analysis, key):
    rows, sums = ADDITIVE[analysis]
    options = OPTIONS.get(analysis, {})
    whole = analysis(sample_department(), **options)
    parts = analysis(sample_department(), by=key, **options)
    assert parts[key].nunique() > 3

    def added(table):
        if not rows:
            return table[sums].sum().to_frame().T.astype(float)
        return table.groupby(rows)[sums].sum().astype(float).sort_index()

    # ten figures: money is added as floats
    assert_frame_equal(added(parts), added(whole), rtol=1e-9)
    assert (added(whole).sum() > 0).any()
