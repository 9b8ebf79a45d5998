"""Win rates: counted by hand, by brute force, and on the sample department."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salesdiag as sd
from salesdiag.analyses.funnel import win_rate
from salesdiag.stats.rates import wilson_interval
from tests.frames import deals_of, sample_department, sample_frames

COLUMNS = ["deal_id", "status", "closed_at", "created_at", "amount", "rep_id"]
DEALS = st.lists(
    st.tuples(
        st.sampled_from(["open", "won", "lost"]),
        st.sampled_from([None, 5, 10, 50]),  # closed
        st.sampled_from([None, 0, 5]),  # created
        st.sampled_from([None, 0.0, 10.0, 25.5, 400.0]),
        st.sampled_from(["r1", "r2", None]),
    ),
    max_size=12,
)


def department_from(lives):
    rows = [(str(number), *life) for number, life in enumerate(lives)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return deals_of(rows, COLUMNS), frame


def test_closed_and_created_are_two_populations_counted_by_hand():
    department = deals_of(
        [("A", "won", 10, 0), ("B", "lost", 12, 0), ("C", "lost", 40, 20), ("D", "open", None, 20)],
        ["deal_id", "status", "closed_at", "created_at"],
    )
    closed = win_rate(department).iloc[0]
    assert (closed.n_deals, closed.n_won, closed.n_lost, closed.n_open) == (3, 1, 2, 0)
    assert closed.win_rate == pytest.approx(1 / 3)
    created = win_rate(department, population="created").iloc[0]
    assert (created.n_deals, created.n_won, created.n_lost, created.n_open) == (4, 1, 2, 1)
    assert created.win_rate == pytest.approx(1 / 4)
    # 11 to 31 January: B and nothing else was closed; C and D were created
    window = {"start": "2025-01-12", "end": "2025-01-31"}
    closed = win_rate(department, **window).iloc[0]
    assert (closed.n_deals, closed.n_won) == (1, 0)
    created = win_rate(department, population="created", **window).iloc[0]
    assert (created.n_deals, created.n_won, created.n_lost, created.n_open) == (2, 0, 1, 1)


def test_two_won_and_none_lost_is_100_percent_with_an_interval():
    # a well-known model of reps gives 0 % here
    row = win_rate(deals_of([("A", "won"), ("B", "won")], ["deal_id", "status"])).iloc[0]
    assert row.win_rate == 1
    assert row.win_rate_low == pytest.approx(wilson_interval(2, 2)[0].item())
    assert row.win_rate_high == 1


def test_a_group_without_decided_deals_is_unknown_not_zero():
    department = deals_of([("A", "open", None)], ["deal_id", "status", "closed_at"])
    row = win_rate(department).iloc[0]
    assert row.n_deals == 0
    assert np.isnan([row.win_rate, row.win_rate_low, row.win_rate_high]).all()


def test_deals_without_the_date_of_a_window_are_counted_apart():
    department = deals_of(
        [("A", "won", 10, "r1"), ("B", "lost", None, "r1"), ("C", "won", None, "r2")],
        ["deal_id", "status", "closed_at", "rep_id"],
    )
    assert win_rate(department)[["n_deals", "n_undated"]].to_numpy().tolist() == [[3, 0]]
    windowed = win_rate(department, start="2025-01-01")
    assert windowed[["n_deals", "n_undated"]].to_numpy().tolist() == [[1, 2]]
    by_rep = win_rate(department, start="2025-01-01", by="rep_id")
    # r2 has a deal, though the window cannot place it
    assert by_rep[["rep_id", "n_deals", "n_undated"]].to_numpy().tolist() == [
        ["r1", 1, 1], ["r2", 0, 1],
    ]  # fmt: skip


class TestByValue:
    def of(self, *rows):
        rows = [(str(number), *row) for number, row in enumerate(rows)]
        return win_rate(deals_of(rows, ["deal_id", "status", "amount"])).iloc[0]

    def test_money_won_of_money_decided(self):
        row = self.of(("won", 60.0), ("lost", 30.0), ("lost", 10.0), ("lost", None), ("open", 99.0))
        assert row.won_amount == 60
        assert row.total_amount == 100
        assert row.value_win_rate == pytest.approx(0.6)
        assert row.n_without_amount == 1
        # without the largest deal nothing was won of the other 40
        assert row.value_win_rate_without_largest == 0

    def test_without_the_largest_deal_when_it_was_lost(self):
        row = self.of(("won", 10.0), ("lost", 60.0), ("lost", 30.0))
        assert row.value_win_rate_without_largest == pytest.approx(10 / 40)

    def test_nothing_won_is_a_share_of_0(self):
        row = self.of(("lost", 30.0), ("lost", 10.0))
        assert row.won_amount == 0
        assert row.value_win_rate == 0
        assert row.value_win_rate_low == 0
        assert row.value_win_rate_high == 1  # two deals tell nothing about money

    def test_lost_deals_without_amounts_make_it_unknown(self):
        # many systems keep amounts of won deals only: it would be 100 % by construction
        for nothing in (None, 0.0):
            row = self.of(("won", 60.0), ("won", 10.0), ("lost", nothing))
            assert row.won_amount == 70
            assert row.n_without_amount == 1
            assert np.isnan(
                [row.value_win_rate, row.value_win_rate_low, row.value_win_rate_high,
                 row.value_win_rate_without_largest]
            ).all()  # fmt: skip

    def test_half_of_the_lost_deals_must_carry_an_amount(self):
        told = self.of(("won", 60.0), ("lost", 20.0), ("lost", None))
        assert told.value_win_rate == pytest.approx(0.75)
        # two of five
        rest = [("lost", None), ("lost", None), ("lost", 0.0)]
        hidden = self.of(("won", 60.0), ("lost", 20.0), ("lost", 20.0), *rest)
        assert np.isnan(hidden.value_win_rate)

    def test_without_any_amount_money_is_unknown(self):
        row = self.of(("won", None), ("lost", None))
        assert np.isnan([row.won_amount, row.total_amount, row.value_win_rate]).all()
        plain = win_rate(deals_of([("A", "won")], ["deal_id", "status"])).iloc[0]
        assert np.isnan([plain.won_amount, plain.total_amount, plain.value_win_rate]).all()
        assert plain.n_without_amount == 1

    def test_equal_deals_have_the_interval_of_the_count(self):
        row = self.of(*[("won", 5.0)] * 7, *[("lost", 5.0)] * 13)
        assert row.value_win_rate == pytest.approx(row.win_rate)
        assert row.value_win_rate_low == pytest.approx(row.win_rate_low)
        assert row.value_win_rate_high == pytest.approx(row.win_rate_high)

    def test_one_large_deal_widens_the_interval(self):
        even = self.of(*[("won", 10.0)] * 10, *[("lost", 10.0)] * 10)
        hanging = self.of(("won", 100.0), *[("won", 1e-4)] * 9, *[("lost", 10.0)] * 10)
        assert hanging.value_win_rate == pytest.approx(even.value_win_rate, abs=1e-4)
        width = hanging.value_win_rate_high - hanging.value_win_rate_low
        assert width > 1.5 * (even.value_win_rate_high - even.value_win_rate_low)

    def test_the_interval_covers_about_as_often_as_it_says(self):
        # 150 departments of 60 deals: 30 % won, amounts spread over two orders of magnitude
        # and unrelated to winning, so that the share by value is 30 % too
        rng = np.random.default_rng(3)
        rows, columns = [], ["deal_id", "status", "amount", "world"]
        for world in range(150):
            status = np.where(rng.random(60) < 0.3, "won", "lost")
            amount = rng.lognormal(7, 0.8, 60).round(2)
            rows += [
                (f"{world}-{number}", status[number], amount[number], str(world))
                for number in range(60)
            ]
        table = win_rate(deals_of(rows, columns), by="world")
        inside = (table["value_win_rate_low"] <= 0.3) & (table["value_win_rate_high"] >= 0.3)
        assert 0.88 <= inside.mean() <= 0.99


@given(DEALS, st.sampled_from(["closed", "created"]), st.booleans())
def test_counts_and_money_equal_a_count_in_plain_python(lives, population, windowed):
    department, _frame = department_from(lives)
    window = {"start": "2025-01-03", "end": "2025-01-11"} if windowed else {}
    table = win_rate(department, by="rep_id", population=population, **window)
    place = 1 if population == "closed" else 2
    expected = {}
    for status, closed, created, amount, rep in lives:
        if population == "closed" and status == "open":
            continue
        when = (None, closed, created)[place]
        cell = expected.setdefault(rep or "unassigned", dict.fromkeys(
            ["n_deals", "n_won", "n_lost", "n_open", "n_undated", "won", "total"], 0))  # fmt: skip
        if windowed and when is None:
            cell["n_undated"] += 1
        elif not windowed or 2 <= when <= 10:
            cell["n_deals"] += 1
            cell[f"n_{status}"] += 1
            cell["total"] += amount or 0
            cell["won"] += (amount or 0) if status == "won" else 0
    expected = {rep: cell for rep, cell in expected.items() if cell["n_deals"] or cell["n_undated"]}
    assert table["rep_id"].tolist() == sorted(expected)
    for row in table.itertuples():
        cell = expected[row.rep_id]
        for name in ("n_deals", "n_won", "n_lost", "n_open", "n_undated"):
            assert getattr(row, name) == cell[name], name
        assert np.nan_to_num(row.total_amount) == pytest.approx(cell["total"])
        assert np.nan_to_num(row.won_amount) == pytest.approx(cell["won"])
        share = cell["n_won"] / cell["n_deals"] if cell["n_deals"] else math.nan
        assert row.win_rate == pytest.approx(share, nan_ok=True)


@given(DEALS)
def test_groups_add_up_to_the_whole(lives):
    department, _frame = department_from(lives)
    whole, parts = win_rate(department).iloc[0], win_rate(department, by="rep_id")
    counts = ["n_deals", "n_won", "n_lost", "n_open", "n_without_amount"]
    assert parts[counts].sum().tolist() == whole[counts].tolist()
    assert parts["total_amount"].sum() == pytest.approx(np.nan_to_num(whole.total_amount))
    assert whole.n_deals == whole.n_won + whole.n_lost


@given(DEALS)
def test_intervals_hold_their_share(lives):
    department, _frame = department_from(lives)
    for name in ("win_rate", "value_win_rate"):
        known = win_rate(department, by="rep_id").dropna(subset=name)
        assert (known[f"{name}_low"] <= known[name] + 1e-9).all()
        assert (known[f"{name}_high"] >= known[name] - 1e-9).all()
        assert known[f"{name}_low"].between(0, 1).all()
        assert known[f"{name}_high"].between(0, 1).all()


def test_a_split_says_the_same_as_narrowing_first():
    department = sample_department()
    table = win_rate(department, by="team", start="2025-01-01").set_index("team")
    for team in ("North", "South"):
        alone = win_rate(department.where(team=team), start="2025-01-01").iloc[0]
        assert table.loc[team].to_dict() == pytest.approx(alone.to_dict(), nan_ok=True)


def test_the_sample_by_a_count_in_pandas():
    deals = sample_frames()["deals"]
    closed = deals[deals["closed_at"].dt.year.eq(2025) & deals["status"].ne("open")]
    row = win_rate(sample_department(), start="2025-01-01", end="2025-12-31").iloc[0]
    assert row.n_deals == len(closed)
    assert row.win_rate == pytest.approx((closed["status"] == "won").mean())
    won = closed.loc[closed["status"] == "won", "amount"].sum()
    assert row.won_amount == pytest.approx(won)
    assert row.value_win_rate == pytest.approx(won / closed["amount"].sum())


def test_an_unknown_population_is_refused():
    with pytest.raises(sd.InputError, match="population must be 'closed' or 'created'; got 'all'"):
        win_rate(deals_of([("A", "won")], ["deal_id", "status"]), population="all")


def test_a_window_asks_for_its_own_date():
    department = deals_of([("A", "won", 1)], ["deal_id", "status", "closed_at"])
    with pytest.raises(sd.MissingDataError) as raised:
        win_rate(department, start="2025-01-01", population="created")
    assert raised.value.missing == ("deals.created_at",)
