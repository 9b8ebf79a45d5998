"""How freely a rep discounts, given the deals: by hand, planted habits and decoys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import rep_discount_habit
from tests.frames import sample_department

N_REPS = 20


def drawn(rng, spread, n=2000):
    """Draw won deals of 20 reps; odd ones sell to the segment that always gets 6 points more."""
    rep = rng.integers(0, N_REPS, n)
    habit = rng.normal(0, spread, N_REPS)
    large = rng.random(n) < 0.2 + 0.6 * (rep % 2)
    size = rng.normal(size=n)
    off = 0.08 + 0.06 * large + 0.02 * size + habit[rep] + rng.normal(0, 0.03, n)
    listed = np.exp(8 + size).round(2)
    deals = pd.DataFrame({
        "deal_id": np.arange(n).astype(str), "status": "won",
        "rep_id": [f"r{one:02d}" for one in rep], "segment": np.where(large, "large", "small"),
        "list_amount": listed, "amount": (listed * (1 - np.clip(off, -0.3, 0.6))).round(2),
    })  # fmt: skip
    gap = habit - (habit.sum() - habit) / (N_REPS - 1)
    return sd.Department(deals=deals, as_of="2025-12-31"), gap


def department_of(rows):
    frame = pd.DataFrame(rows, columns=["rep_id", "list_amount", "off"])
    frame["amount"] = frame["list_amount"] * (1 - frame.pop("off"))
    frame = frame.assign(status="won", deal_id=frame.index.astype(str))
    return sd.Department(deals=frame, as_of="2025-12-31")


def test_the_same_mix_elsewhere_by_hand():
    # large deals get 10 %, small ones none; "b" gives 2 points more, "c" sells large ones only
    rows = [("a", 9000.0, 0.10), ("a", 100.0, 0.0), ("b", 9000.0, 0.12), ("b", 100.0, 0.02),
            ("c", 9000.0, 0.10), ("c", 9000.0, 0.10)]  # fmt: skip
    table = rep_discount_habit(department_of(rows * 1000)).set_index("rep_id")
    assert table["mean_discount"].tolist() == pytest.approx([0.05, 0.07, 0.10])
    # the others' large deals: a .1067, b .10, c .11; their small ones: a .02, b 0
    assert table["expected_discount"].tolist() == pytest.approx([0.0633, 0.05, 0.11], abs=5e-4)
    assert table["discount_gap"].tolist() == pytest.approx([-0.0133, 0.02, -0.01], abs=5e-4)
    assert table["n_deals"].tolist() == [2000, 2000, 2000]
    # of b: 1,000 x 9,000 x (.12 - .10) + 1,000 x 100 x (.02 - 0)
    assert table["excess_amount"]["b"] == pytest.approx(182_000, rel=0.02)


def test_mix_alone_is_no_habit():
    rng = np.random.default_rng(1)
    tables = [rep_discount_habit(drawn(rng, 0.0)[0]) for _world in range(12)]
    every = pd.concat(tables)
    odd = every["rep_id"].str[1:].astype(int) % 2 == 1
    raw = every.loc[odd, "mean_discount"].mean() - every.loc[~odd, "mean_discount"].mean()
    adjusted = every.loc[odd, "discount_gap"].mean() - every.loc[~odd, "discount_gap"].mean()
    assert raw > 0.03  # what a league table would show
    assert abs(adjusted) < 0.003
    assert np.mean([table["rankability"][0] for table in tables]) < 0.3
    # shrinking takes away most of what is chance
    assert every["shrunken_gap"].std() < 0.5 * every["discount_gap"].std()
    seen = (every["shrunken_gap_low"] > 0) | (every["shrunken_gap_high"] < 0)
    assert seen.mean() <= 0.02


def test_planted_habits_are_recovered_and_covered():
    rng = np.random.default_rng(2)
    tables = []
    for _world in range(12):
        department, gap = drawn(rng, 0.02)
        tables.append(rep_discount_habit(department).assign(truth=gap))
    every = pd.concat(tables)
    for name in ("discount_gap", "shrunken_gap"):
        inside = every[f"{name}_low"].le(every["truth"]) & every[f"{name}_high"].ge(every["truth"])
        assert 0.89 <= inside.mean() <= 0.99
        assert np.sqrt(((every[name] - every["truth"]) ** 2).mean()) < 0.006
    assert (every["rank_note"] == "may be ranked").all()


def test_deals_of_one_account_widen_the_interval():
    rng = np.random.default_rng(6)
    account = np.arange(600) // 6
    own = rng.normal(0.1, 0.05, 100)[account] + rng.normal(0, 0.005, 600)
    rows = [(f"r{one % 5}", 1000.0, off) for one, off in zip(account, own, strict=True)]
    alone = department_of(rows)
    frame = pd.DataFrame(rows, columns=["rep_id", "list_amount", "off"])
    frame["amount"] = frame["list_amount"] * (1 - frame.pop("off"))
    frame = frame.assign(status="won", deal_id=frame.index.astype(str),
                         account_id=account.astype(str))  # fmt: skip
    widths = []
    for department in (alone, sd.Department(deals=frame, as_of="2025-12-31")):
        table = rep_discount_habit(department)
        widths.append((table["discount_gap_high"] - table["discount_gap_low"]).mean())
    assert widths[1] > 1.8 * widths[0]


def test_few_deals_and_no_rep_are_shown_and_not_judged():
    rows = [("a", 100.0, 0.1)] * 9 + [("b", 100.0, 0.2)] * 4 + [(None, 100.0, 0.3)] * 9
    table = rep_discount_habit(department_of(rows)).set_index("rep_id")
    assert table["reason"].to_dict() == {
        "a": "", "b": "fewer than 5 deals", "unassigned": "no rep",
    }  # fmt: skip
    assert table["discount_gap"].notna().tolist() == [True, False, False]
    assert table["n_judged"].tolist() == [1, 1, 1]
    assert set(table["rank_note"]) == {"too few reps"}


def test_a_lone_rep_has_nobody_to_be_held_against():
    row = rep_discount_habit(department_of([("a", 100.0, 0.1)] * 9)).iloc[0]
    assert row.reason == "no other rep's deals to compare with"
    assert row.mean_discount == pytest.approx(0.1)
    assert np.isnan([row.expected_discount, row.shrunken_gap, row.excess_amount]).all()


def test_the_sample_reps_discount_alike_and_are_in_no_order_of_size():
    table = rep_discount_habit(sample_department())
    assert table["rep_id"].tolist() == sorted(table["rep_id"])
    assert set(table["rank_note"]) == {"must not be ranked"}
    won = sd.discount.price_realisation(sample_department())
    assert table["n_deals"].sum() == won["n_priced"][0]
    assert table["list_amount"].sum() == pytest.approx(won["list_amount"][0])


def test_splitting_by_the_rep_is_refused():
    with pytest.raises(sd.InputError, match="rep_discount_habit lists the reps anyway"):
        rep_discount_habit(sample_department(), by="rep_id")


def test_reps_are_asked_for():
    department = department_of([("a", 100.0, 0.1)])
    deals = department.table("deals").drop("rep_id").to_pandas()
    with pytest.raises(sd.MissingDataError) as raised:
        rep_discount_habit(sd.Department(deals=deals, as_of="2025-12-31"))
    assert raised.value.missing == ("deals.rep_id",)
