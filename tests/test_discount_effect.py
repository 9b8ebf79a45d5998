"""What discounts do to the chance to win, in departments where the truth is planted."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses.discount import discount_effect
from salesdiag.stats.effects import e_value
from tests.frames import sample_department, sample_frames

EDGES = (0.0, 0.05, 0.1)
DEPTH = np.array([0.0, 0.04, 0.09, 0.14])
COST = 0.6


def drawn(seed, effect, *, hidden=0.0, n=2500, n_reps=20):
    """Draw closed deals; give them and the planted differences in the share won by depth.

    Large deals and those of the weak segment get the deeper discounts and are won less often;
    good reps discount more freely. ``hidden`` is the pull of a strength that is in no column.
    """
    rng = np.random.default_rng(seed)
    rep, segment = rng.integers(0, n_reps, n), rng.integers(0, 3, n)
    size, strength = rng.normal(size=(2, n))
    skill = rng.normal(0, 0.4, n_reps)
    habit = skill + rng.normal(0, 0.4, n_reps)
    push = 0.8 * size + 0.7 * (segment - 1) + habit[rep] - hidden * strength
    chance = np.exp(np.outer(push, np.arange(4) / 3))
    chance /= chance.sum(axis=1, keepdims=True)
    band = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    base = -0.2 - 0.7 * (segment - 1) - 0.5 * size + skill[rep] + hidden * strength

    def share(depth):
        return 1 / (1 + np.exp(-base - np.asarray(effect)[depth]))

    listed = np.exp(8 + size).round(2)
    deals = pd.DataFrame({
        "deal_id": [f"{number:05d}" for number in range(n)],
        "status": np.where(rng.random(n) < share(band), "won", "lost"),
        "rep_id": [f"r{one:02d}" for one in rep], "segment": np.array(["a", "b", "c"])[segment],
        "list_amount": listed, "amount": (listed * (1 - DEPTH[band])).round(2),
        "cost_amount": (listed * COST).round(2),
    })  # fmt: skip
    everyone = [share(np.full(n, depth)).mean() for depth in range(4)]
    return deals, np.array(everyone) - everyone[0], np.array(everyone)


def found_in(deals, **options):
    return discount_effect(sd.Department(deals=deals, as_of="2025-12-31"), edges=EDGES, **options)


@cache
def worlds(effect, n_worlds=25):
    """Give tables and planted truths of several departments with one effect."""
    tables = []
    for seed in range(n_worlds):
        deals, truth, _everyone = drawn(seed, effect)
        tables.append(found_in(deals).assign(truth=truth, world=seed))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("effect", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.3, 0.6, 0.9)])
def test_the_planted_effect_is_recovered_though_weak_and_large_deals_get_the_discounts(effect):
    every = worlds(effect)
    assert every.groupby("world")["is_reference"].first().all()
    for _depth, table in every[~every["is_reference"]].groupby("discount_from"):
        miss = table["win_effect"] - table["truth"]
        assert abs(miss.mean()) < 3 * miss.std() / np.sqrt(len(miss))
        covered = table["win_effect_low"].le(table["truth"])
        covered &= table["win_effect_high"].ge(table["truth"])
        assert covered.mean() >= 0.84
    deepest = every[every["discount_from"] == 0.1].set_index("world")
    base = every[every["is_reference"]].set_index("world")
    raw = deepest["win_rate"] - base["win_rate"] - deepest["truth"]
    assert raw.mean() < -0.08  # what the plain win rates make of it


def test_no_effect_is_seldom_called_one():
    table = worlds((0.0, 0.0, 0.0, 0.0))
    table = table[~table["is_reference"]]
    seen = (table["win_effect_low"] > 0) | (table["win_effect_high"] < 0)
    assert seen.mean() <= 0.12
    assert (table["grade"] == "B").mean() <= 0.02


def test_a_planted_effect_is_graded_by_its_checks():
    table = worlds((0.0, 0.3, 0.6, 0.9))
    assert (table.loc[table["discount_from"] == 0.1, "grade"] == "B").mean() > 0.7
    assert set(table["grade"]) <= {"", "B", "C", "D"}
    assert (table["grade"].eq("") == table["is_reference"]).all()


def test_the_margin_follows_from_the_share_won():
    deals, _truth, everyone = drawn(3, (0.0, 0.3, 0.6, 0.9), n=6000)
    table = found_in(deals)
    assert set(table["margin_basis"]) == {"margin"}
    # of each unit of list price a won deal leaves 1 - depth - cost
    expected = everyone * (1 - DEPTH - COST)
    assert table["adjusted_margin"].to_numpy() == pytest.approx(expected, abs=0.02)
    # more deals are won and less is left
    assert table["win_effect"].iloc[-1] > 0.1
    assert table["margin_effect"].iloc[-1] < 0


def test_weak_deals_that_no_column_shows_are_told_by_an_impossible_sign():
    # a strength unseen drives both; no discount loses a deal, so nothing is graded as an effect
    deals, _truth, _everyone = drawn(1, (0.0, 0.0, 0.0, 0.0), hidden=1.0)
    table = found_in(deals)
    assert (table["win_effect_high"].iloc[-1]) < 0
    assert table["is_implausible"].all()
    assert set(table.loc[~table["is_reference"], "grade"]) == {"D"}
    # and the sample's discounts are of that kind
    assert discount_effect(sample_department())["is_implausible"].all()


def test_like_is_compared_with_like_by_hand():
    # at each size a discount wins 10 more of 100, but large deals are won half as often
    cells = [(1000.0, 0.0, 300, 180), (1000.0, 0.1, 100, 70), (9000.0, 0.0, 100, 30),
             (9000.0, 0.1, 300, 120)]  # fmt: skip
    rows = [(size, size * (1 - off), "won" if n < won else "lost")
            for size, off, deals, won in cells for n in range(deals)]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["list_amount", "amount", "status"])
    deals["deal_id"] = deals.index.astype(str)
    table = discount_effect(sd.Department(deals=deals, as_of="2025-12-31"), edges=(0.05,))
    assert table["n_deals"].tolist() == [400, 400]
    assert table["win_rate"].tolist() == [210 / 400, 190 / 400]
    assert table["adjusted_win_rate"].tolist() == pytest.approx([0.45, 0.55], abs=0.006)
    assert table["second_effect"].tolist() == pytest.approx([0, 0.1])
    assert table["win_effect"].tolist() == pytest.approx([0, 0.1], abs=0.01)
    assert set(table["margin_basis"]) == {"revenue"}
    start = table["adjusted_win_rate"][0]
    ratio = (start + table["win_effect"][1]) / start
    assert table["e_value"][1] == pytest.approx(e_value(ratio).estimate.item())


def test_rare_depths_are_refused_with_a_reason():
    deals, _truth, _everyone = drawn(0, (0.0, 0.3, 0.6, 0.9))
    table = discount_effect(
        sd.Department(deals=deals, as_of="2025-12-31"), edges=(0.0, 0.05, 0.1, 0.2)
    )
    deepest = table.iloc[-1]
    assert (deepest.n_deals, deepest.reason) == (0, "0 deals (at least 20)")
    assert np.isnan([deepest.adjusted_win_rate, deepest.win_effect, deepest.e_value]).all()


def test_where_like_is_not_there_the_overlap_check_fires():
    # the large deals always get the discount and the small ones never
    rng = np.random.default_rng(5)
    large = np.repeat([False, True], 400)
    listed = np.where(large, 9000.0, 1000.0) * rng.uniform(0.9, 1.1, 800).round(3)
    deals = pd.DataFrame({
        "list_amount": listed, "amount": listed * np.where(large, 0.9, 1.0),
        "status": np.where(rng.random(800) < 0.4, "won", "lost"),
    })  # fmt: skip
    deals["deal_id"] = deals.index.astype(str)
    table = discount_effect(sd.Department(deals=deals, as_of="2025-12-31"), edges=(0.05,))
    assert table["reason"].str.contains("chance below 0.02").all()
    assert (table["unlike_share"] > 0.3).all()
    assert table["win_effect"].isna().all()
    assert (table["grade"] == "").all()


class TestOffers:
    """Only deals that came as far as a price can have a discount."""

    def test_lost_deals_without_lines_were_never_quoted(self):
        table = discount_effect(sample_department())
        deals, lines = sample_frames()["deals"], sample_frames()["line_items"]
        quoted = deals["deal_id"].isin(lines["deal_id"])
        lost, won = deals["status"] == "lost", deals["status"] == "won"
        assert table["n_unquoted"].tolist() == [(lost & ~quoted).sum()] * len(table)
        priced = deals["amount"].notna() & ((lost & quoted) | won)
        assert table["n_deals"].sum() == priced.sum()

    def test_from_stage_says_the_same_where_offers_are_made_in_that_stage(self):
        by_lines = discount_effect(sample_department())
        by_stage = discount_effect(sample_department(), from_stage="Proposal")
        assert by_lines["n_deals"].tolist() == by_stage["n_deals"].tolist()

    def test_an_unknown_stage(self):
        with pytest.raises(sd.InputError, match="from_stage must be one of Qualified"):
            discount_effect(sample_department(), from_stage="proposal")


class TestRefusals:
    def department(self, lost_amount, n=60, won_off=0.9, lost_list=100.0):
        deals = pd.DataFrame({
            "deal_id": [str(number) for number in range(2 * n)], "status": ["won", "lost"] * n,
            "list_amount": [100.0, lost_list] * n, "amount": [100 * won_off, lost_amount] * n,
        })  # fmt: skip
        return sd.Department(deals=deals, as_of="2025-12-31")

    @pytest.mark.parametrize("nothing", [None, 0.0])
    def test_lost_deals_without_prices(self, nothing):
        with pytest.raises(sd.MissingDataError, match="0 of 60 deals lost have a list") as raised:
            discount_effect(self.department(nothing))
        assert raised.value.missing == ("deals.amount of lost deals",)
        assert "offers made in lost deals" in raised.value.ask_for

    def test_discounts_written_down_at_closing_only(self):
        with pytest.raises(sd.MissingDataError, match="0 of 60 lost deals carry one"):
            discount_effect(self.department(100.0))

    def test_won_deals_only(self):
        department = self.department(90.0).where(status="won")
        with pytest.raises(sd.MissingDataError, match="there are won deals only"):
            discount_effect(department)

    def test_columns_to_adjust_for(self):
        with pytest.raises(sd.MissingDataError, match="no table has a column 'rival'"):
            discount_effect(self.department(90.0), adjust_for=["rival"])
        with pytest.raises(sd.InputError, match="adjust_for must be a list of columns"):
            discount_effect(self.department(90.0), adjust_for=7)


class TestSelectedGroups:
    """Where prices of lost deals are missing, those known are of a selected group."""

    def department(self, n_lost_bare, n_won_bare=0, **more):
        # 400 priced deals: 50 of 100 small ones and so on, all alike; half of them discounted
        cells = [(1000.0, 0.0, 100, 50), (1000.0, 0.1, 100, 60), (9000.0, 0.0, 100, 50),
                 (9000.0, 0.1, 100, 60)]  # fmt: skip
        rows = [(size, size * (1 - off), "won" if n < won else "lost")
                for size, off, deals, won in cells for n in range(deals)]  # fmt: skip
        rows += [(None, None, "lost")] * n_lost_bare + [(None, None, "won")] * n_won_bare
        deals = pd.DataFrame(rows, columns=["list_amount", "amount", "status"])
        deals = deals.assign(deal_id=deals.index.astype(str), **more)
        return sd.Department(deals=deals, as_of="2025-12-31")

    def found(self, *counts):
        return discount_effect(self.department(*counts), edges=(0.05,)).iloc[1]

    def test_up_to_the_limit_nothing_is_held_against_it(self):
        row = self.found(20)  # of 200 lost deals, 180 have prices
        assert (row.won_priced_share, row.lost_priced_share) == (1, 0.9)
        assert (row.caveat, row.reason, row.n_unpriced) == ("", "", 20)
        assert row.grade == "C"

    def test_a_difference_in_the_priced_shares_is_a_caveat(self):
        row = self.found(30)  # 180 of 210 are 86 %
        assert row.caveat == (
            "prices are known of 100 % of the won and 86 % of the lost deals (at most 10 points "
            "apart)"
        )
        assert row.grade == "D"

    def test_many_lost_deals_without_prices_are_a_caveat_though_won_ones_lack_them_too(self):
        row = self.found(60, 73)  # 75 % of both
        assert row.won_priced_share == pytest.approx(row.lost_priced_share, abs=0.01)
        assert row.caveat.startswith("60 of 240 lost deals have no prices (at most 20 %)")
        assert (row.grade, row.reason) == ("D", "")

    def test_how_far_the_effect_could_move_by_hand(self):
        row = self.found(50, 20)
        base, deep = row.adjusted_win_rate - row.win_effect, row.adjusted_win_rate
        # 200 deals a band; the 50 lost ones to this one and the 20 won to the other, and reversed
        least = deep * 200 / 250 - (base * 200 + 20) / 220
        greatest = (deep * 200 + 20) / 220 - base * 200 / 250
        assert row.least_win_effect == pytest.approx(least)
        assert row.greatest_win_effect == pytest.approx(greatest)
        assert row.least_win_effect < row.win_effect < row.greatest_win_effect
        known = self.found(0)
        assert known.least_win_effect == pytest.approx(known.win_effect)

    def test_a_group_is_refused_by_its_own_lost_deals(self):
        # north's lost deals have prices, south's have none: it would win them all
        deals = self.department(0).table("deals").to_pandas().assign(team="north")
        south = deals.assign(team="south", deal_id="s" + deals["deal_id"])
        bare = south["status"] == "lost"
        south.loc[bare, ["amount", "list_amount"]] = None
        deals = pd.concat([deals, south])
        department = sd.Department(deals=deals, as_of="2025-12-31")
        table = discount_effect(department, by="team", edges=(0.05,))
        north, south = (rows for _team, rows in table.groupby("team"))
        assert (north["reason"] == "").all()
        assert south["reason"].str.contains("0 of 180 deals lost have a list price").all()
        assert south["adjusted_win_rate"].isna().all()
        assert (south["grade"] == "").all()
        assert not south["is_reference"].any()
