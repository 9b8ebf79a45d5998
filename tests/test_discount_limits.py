"""Discounts that pile up at a limit: planted shares come back, round numbers alone do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import limit_bunching
from salesdiag.department import Department
from tests.frames import sample_department


def department_of(percent, *, settings=None, **columns):
    """Build won deals of 1,000 with these discounts in percent."""
    frame = pd.DataFrame({"amount": 1000 - 10 * np.asarray(percent, float)}).assign(**columns)
    frame = frame.assign(list_amount=1000.0, status="won", deal_id=frame.index.astype(str))
    department = sd.Department(deals=frame, as_of="2025-12-31")
    if settings is None:
        return department
    changed = replace(department.settings, discount_limits=settings)
    return Department.of({"deals": frame}, changed)


def drawn(rng, n, bunched):
    """Draw whole percents, three in ten rounded to 5, and a share moved to 15."""
    percent = np.clip(rng.gamma(4, 2.6, n), 0.5, 40).round(0)
    percent = np.where(rng.random(n) < 0.3, np.maximum(np.round(percent / 5) * 5, 5), percent)
    return np.where(rng.random(n) < bunched, 15.0, np.maximum(percent, 1))


def many(bunched, n_worlds=50):
    rng = np.random.default_rng(2)
    percent = np.concatenate([drawn(rng, 1500, bunched) for _world in range(n_worlds)])
    world = np.repeat(np.arange(n_worlds), 1500).astype(str)
    return limit_bunching(department_of(percent, world=world), by="world", limits={"rep": 0.15})


def test_counts_and_the_curve_by_hand():
    flat = [one for one in range(1, 31) for _deal in range(40)]
    row = limit_bunching(department_of(flat + [15] * 60 + [0] * 10), limits=[0.15]).iloc[0]
    assert (row.n_priced, row.n_discounted, row.n_at_limit) == (1270, 1260, 100)
    assert row.expected_deals == pytest.approx(40, abs=1)
    assert row.excess_deals == pytest.approx(60, abs=1)
    assert row.excess_part == pytest.approx(60 / 1260, abs=1e-3)
    assert row.relative_excess == pytest.approx(1.5, abs=0.05)
    assert row.p_value < 0.01
    assert row.limit_rate == pytest.approx(100 / 1260)
    assert (row.limit_name, row.limit_basis, row.reason) == ("", "given", "")


def test_the_planted_share_is_recovered_and_covered():
    table = many(0.1)
    assert table["excess_part"].mean() == pytest.approx(0.1, abs=0.006)
    inside = table["excess_part_low"].le(0.1) & table["excess_part_high"].ge(0.1)
    assert inside.mean() >= 0.88
    assert (table["p_value"] < 0.05).all()


def test_round_numbers_alone_do_not_fire():
    table = many(0.0)
    assert table["limit_rate"].mean() > 0.08  # a heap is there: 15 is a round number
    assert (table["p_value"] < 0.05).mean() <= 0.12
    assert abs(table["excess_part"].mean()) < 0.006


def test_a_limit_just_below_counts_with_reach_only():
    flat = [one for one in range(1, 31) for _deal in range(40)]
    department = department_of(flat + [14] * 60)
    narrow = limit_bunching(department, limits=[0.15]).iloc[0]
    wide = limit_bunching(department, limits=[0.15], reach=0.01).iloc[0]
    assert narrow.n_at_limit == 40
    assert wide.n_at_limit == 140
    assert wide.excess_deals == pytest.approx(60, abs=3)


def test_a_discount_above_the_limit_is_not_at_it():
    flat = [one for one in range(1, 31) for _deal in range(40)]
    row = limit_bunching(department_of([*flat, 15.04, 15.3, 14.2]), limits=[0.15]).iloc[0]
    assert row.n_at_limit == 42  # 15.04 is rounded cents, 15.3 beyond


def test_placebos_rank_the_limit_among_the_other_round_numbers():
    heaps = [one for one in range(1, 36) for _deal in range(70 if one % 5 == 0 else 40)]
    row = limit_bunching(department_of(heaps + [15] * 80), limits=[0.15]).iloc[0]
    assert row.n_placebos >= 4
    assert row.placebo_p_value == pytest.approx(1 / (row.n_placebos + 1))
    other = limit_bunching(department_of(heaps + [20] * 80), limits=[0.15]).iloc[0]
    assert other.placebo_p_value > row.placebo_p_value  # 20 stands out more than 15


def test_limits_of_the_department_are_taken():
    flat = [one for one in range(1, 41) for _deal in range(20)]
    department = department_of(flat, settings={"manager": 0.3, "rep": 0.15})
    table = limit_bunching(department)
    assert table["limit_name"].tolist() == ["rep", "manager"]  # from the lowest up
    assert set(table["limit_basis"]) == {"settings"}
    given = limit_bunching(department, limits={"rep": 0.2})
    assert given["discount_limit"].tolist() == [0.2]


def test_where_no_limit_is_known_round_ones_are_candidates():
    table = limit_bunching(sample_department())
    assert set(table["limit_basis"]) == {"candidate"}
    assert table["discount_limit"].tolist() == [0.1, 0.15, 0.2, 0.25, 0.3]
    # the sample has no limit
    assert not (table["q_value"] < 0.1).any()
    rare = table[table["n_at_limit"] < 5]
    assert rare["reason"].str.startswith("fewer than 5 deals").all()
    assert rare["excess_deals"].isna().all()


def test_few_discounts_are_refused_with_a_reason():
    row = limit_bunching(department_of([10, 15, 15, 20]), limits=[0.15]).iloc[0]
    assert row.reason == "4 deals with a discount (at least 100)"
    assert row.n_at_limit == 2
    assert np.isnan([row.excess_deals, row.p_value, row.expected_deals]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": [1.5]}, "limits must lie strictly between 0 and 1"),
        ({"limits": "rep"}, "limits must be names with shares"),
        ({"limits": [0.125]}, "step must divide every limit"),
        ({"step": 0}, "step must be a share"),
        ({"reach": -0.1}, "reach must be a share"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(sd.InputError, match=message):
        limit_bunching(sample_department(), **options)


def test_a_finer_step_takes_a_finer_limit():
    table = limit_bunching(sample_department(), limits=[0.125], step=0.005)
    assert table["discount_limit"].tolist() == [0.125]
