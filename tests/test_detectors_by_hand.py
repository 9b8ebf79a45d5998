"""Accounts, hands, seats and pay: the figures of their detectors by hand, on tables of few rows.

A view is stood in for by the few things that a detector asks it for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import salesdiag as sd
from salesdiag.diagnosis.detectors import (
    headcount_gap,
    key_account_lost,
    lead_misallocation,
    payout_cliff,
)
from salesdiag.diagnosis.view import View
from salesdiag.intake.settings import settings_of
from tests.frames import targets_of
from tests.yearly_frames import AS_OF, YEARS, department, frame, view_of

# --- accounts ----------------------------------------------------------------------------

ACCOUNTS = frame(
    "account_id n_base n_now n_won_base base_amount now_amount",
    ("gone", 10, 0, 4, 100.0, 0.0), ("fewer", 20, 4, 9, 60.0, 20.0),
    ("unlucky", 8, 3, 2, 50.0, 10.0),  # 3 or fewer of 11 happen in 11 % of years
    ("rare", 3, 0, 3, 90.0, 0.0), ("small", 30, 0, 9, 9.0, 0.0), ("new", 0, 9, 0, 0.0, 80.0),
)  # fmt: skip


def test_accounts_are_gone_whose_orders_a_coin_would_hardly_split_so():
    view = view_of(accounts=ACCOUNTS, base_revenue=lambda: 1000.0)
    (found,) = key_account_lost.detect(view)
    assert (found.level, found.ids, found.n) == ("account", ("fewer", "gone"), 30)
    assert (found.measured, found.expected) == (20.0, 160.0)
    # three accounts are large and ordered often enough: 4 of 24, 0 of 10, 3 of 11
    assert stats.binom.cdf(4, 24, 0.5) < 0.5**10
    assert found.p_value == pytest.approx(3 * stats.binom.cdf(4, 24, 0.5))
    # 140 less than before beside the 1,000 that came
    assert 1000 * np.expm1(-found.harm) == pytest.approx(140)
    # each won deal is worth what the others are: 100 in 4 deals, 60 in 9
    assert found.harm_error == pytest.approx(np.sqrt(100**2 / 4 + 60**2 / 9) / 1140)


def test_an_account_that_orders_less_by_chance_is_not_lost():
    view = view_of(
        accounts=ACCOUNTS[~ACCOUNTS["account_id"].isin(["gone", "fewer"])],
        base_revenue=lambda: 1000.0,
    )
    assert key_account_lost.detect(view) == []


def test_money_is_not_told_of_groups_that_deals_do_not_name():
    # accounts and leads may tell a segment where deals do not
    deals = frame(
        "deal_id status created_at closed_at amount",
        ("A", "won", "2025-01-01", "2025-02-01", 10.0),
    )
    view = View(department(deals), YEARS.start, YEARS.end, 0.9)
    assert view.revenue_at() == 10.0
    assert np.isnan(view.revenue_at("segment", ("S",)))


# --- who gets what -----------------------------------------------------------------------


def dealt(shares, rate, n=100):
    """Deal out cases of two kinds: a rep's share of kind A by side, and what it wins of each."""
    rows = []
    for rep, (base, now) in shares.items():
        for side, share in (("base", base), ("now", now)):
            for kind, size in (("A", n * share), ("B", n * (1 - share))):
                rows.append((side, rep, kind, size, size, size * rate[rep][kind]))
    columns = ["side", "rep_id", "segment", "n_deals", "n_settled", "n_won"]
    return pd.DataFrame(rows, columns=columns)


LEFT, RIGHT = [f"a{one}" for one in range(5)], [f"b{one}" for one in range(5)]
AT_A, AT_B = {"A": 0.6, "B": 0.1}, {"A": 0.1, "B": 0.6}
GOOD_AT_ONE = {rep: AT_A if rep in LEFT else AT_B for rep in [*LEFT, *RIGHT]}


def compared(cells):
    return lead_misallocation._compare(cells, "segment", view_of(revenue_at=lambda *_place: 1.0))


def test_kinds_swapped_between_two_groups_of_reps_by_hand():
    shares = dict.fromkeys(LEFT, (0.9, 0.1)) | dict.fromkeys(RIGHT, (0.1, 0.9))
    row = compared(dealt(shares, GOOD_AT_ONE))
    # each rep had 100 of either kind, won 60 of one and 10 of the other; 55 in 100 were won before
    # and 15 now, so that 0.55 * 90 + 0.15 * 10 and 0.55 * 10 + 0.15 * 90 are usual; 9 more and 9
    # fewer go with a shift of log(12/92), two deals credited
    shift, gain = np.log(92 / 12), 2 * 9 / (51 + 19)
    assert row["slope"] == pytest.approx(-gain / shift)
    # what is left cancels within each rep, so that chance in the 20 cells is all there is
    chance = 10 * (51 * (1 - 0.51) + 19 * (1 - 0.19))
    error = np.sqrt(chance) / (10 * (51 + 19)) / shift
    assert row["slope_error"] == pytest.approx(error)
    assert row["p_value"] == pytest.approx(stats.t.sf(gain / shift / error, 9))
    own, other = 0.35 * np.exp(gain), 0.35 * np.exp(-gain)
    assert row["base"] == pytest.approx(0.9 * own + 0.1 * other)
    assert row["now"] == pytest.approx(0.1 * own + 0.9 * other)
    assert row["change"] == pytest.approx(np.log(row["now"] / row["base"]))
    assert (row["n_deals"], row["n_reps"]) == (1000, 10)


def test_reps_who_win_too_few_in_one_group_alone_are_not_as_sure_as_their_deals():
    shares = dict.fromkeys(LEFT, (0.9, 0.1)) | dict.fromkeys(RIGHT, (0.1, 0.9))
    alike = {rep: {"A": 0.35, "B": 0.35} for rep in shares}
    row = compared(dealt(shares, alike | {rep: GOOD_AT_ONE[rep] for rep in ("a0", "b0")}))
    # two of ten make all of it: by their deals alone it were five errors, by reps it is not
    assert row["slope"] < 0
    assert row["p_value"] > 0.05


@pytest.mark.parametrize(
    ("shares", "rate"),
    [
        # as before; and everybody is sent more of kind A
        (dict.fromkeys(LEFT, (0.9, 0.9)) | dict.fromkeys(RIGHT, (0.1, 0.1)), GOOD_AT_ONE),
        # swapped, but all win the same of each
        (dict.fromkeys(LEFT, (0.9, 0.1)) | dict.fromkeys(RIGHT, (0.1, 0.9)),
         {rep: {"A": 0.5, "B": 0.2} for rep in [*LEFT, *RIGHT]}),
    ],
)  # fmt: skip
def test_where_nobody_gets_what_suits_others_nothing_is_lost(shares, rate):
    row = compared(dealt(shares, rate))
    if row is not None:  # where nothing is dealt out otherwise there is nothing to tell
        assert row["change"] == pytest.approx(0.0, abs=1e-9)
        assert row["p_value"] > 0.1


def test_more_for_a_rep_who_wins_fewer_of_everything_is_no_matter_of_kinds():
    shares = dict.fromkeys(LEFT, (0.6, 0.4)) | dict.fromkeys(RIGHT, (0.4, 0.6))
    rate = {rep: {"A": 0.4, "B": 0.4} for rep in shares} | {"a0": {"A": 0.2, "B": 0.2}}
    cells = dealt(shares, rate)
    more = (cells["rep_id"] == "a0") & (cells["side"] == "now")
    cells.loc[more, ["n_deals", "n_settled", "n_won"]] *= 5
    row = compared(cells)
    assert row["change"] == pytest.approx(0, abs=0.002)
    assert row["p_value"] > 0.2


def test_a_kind_that_is_new_or_gone_says_nothing_of_who_gets_what():
    shares = dict.fromkeys(LEFT, (0.8, 0.2)) | dict.fromkeys(RIGHT, (0.2, 0.8))
    cells = dealt(shares, GOOD_AT_ONE)
    for side in ("base", "now"):
        own = cells[(cells["side"] == side) & (cells["segment"] == "A")].assign(segment="C")
        more = pd.concat([cells, own], ignore_index=True)
        assert compared(more) == pytest.approx(compared(cells), nan_ok=True)


def test_where_fewer_are_won_of_everything_nobody_got_what_does_not_suit():
    rng, wrong = np.random.default_rng(3), 0
    for _world in range(40):
        rows = [(side, f"r{rep}", kind, rng.poisson(30 * rng.lognormal(0, 0.6)), fall)
                for side, fall in (("base", 1.0), ("now", 0.6))
                for rep in range(24) for kind in "ABC"]  # fmt: skip
        cells = pd.DataFrame(rows, columns=["side", "rep_id", "segment", "n_deals", "rate"])
        won = rng.binomial(cells["n_deals"], 0.3 * cells["rate"])
        row = compared(cells.assign(n_settled=cells["n_deals"], n_won=won))
        wrong += row["p_value"] < 0.05
    assert wrong <= 6


def test_where_each_rep_has_one_kind_nothing_is_told():
    shares = dict.fromkeys(LEFT, (1.0, 1.0)) | dict.fromkeys(RIGHT, (0.0, 0.0))
    assert compared(dealt(shares, GOOD_AT_ONE)) is None


def test_reps_who_were_there_in_one_year_only_say_nothing_of_who_gets_what():
    shares = dict.fromkeys(LEFT, (0.9, 0.1)) | dict.fromkeys(RIGHT, (0.1, 0.9))
    cells = dealt(shares, GOOD_AT_ONE)
    gone = cells["rep_id"].isin(["a0", "a1", "a2", "b0", "b1", "b2"]) & (cells["side"] == "now")
    assert compared(cells[~gone]) is None


# --- seats -------------------------------------------------------------------------------


def seats(now):
    """Give six reps in two teams 260 days each, and these in the window."""
    rows = [("base", f"r{one}", "NS"[one // 3], 260.0) for one in range(6)]
    rows += [("now", rep, team, days) for rep, (team, days) in now.items()]
    return pd.DataFrame(rows, columns=["side", "rep_id", "team", "n_selling_days"])


def test_a_seat_empty_for_a_year_is_seen_in_its_team():
    now = {f"r{one}": ("NS"[one // 3], 260.0) for one in range(1, 6)}
    (found,) = headcount_gap.detect(view_of(days=seats(now)))
    assert (found.level, found.ids, found.measured, found.expected) == ("team", ("N",), 520, 780)
    # one seat may be empty for a quarter, 62 days, by chance; three places were looked at
    p_value = 3 * stats.norm.cdf(np.log(520 / 780) / (62 / 780))
    assert found.p_value == pytest.approx(p_value)
    assert (found.harm, found.harm_error) == pytest.approx(
        (0.6 * np.log(2 / 3), 0.3 * np.log(3 / 2))
    )


def test_a_seat_that_was_filled_after_a_month_is_no_gap():
    now = {f"r{one}": ("NS"[one // 3], 260.0) for one in range(1, 6)}
    now |= {"r0": ("N", 100.0), "r6": ("N", 140.0)}
    assert headcount_gap.detect(view_of(days=seats(now))) == []


# --- pay ---------------------------------------------------------------------------------


def quarters(out_share, *, always=()):
    """Lay out four quarters of ten reps: out of reach in the last weeks of every other one."""
    rng, rows = np.random.default_rng(1), []
    for rep in range(10):
        for quarter in range(4):
            for week in range(12):
                is_out = rep in always or (not always and week > 7 and (rep + quarter) % 2 == 0)
                usual = (60 + 10 * rep) * (1 + 0.1 * week)
                done = rng.poisson(usual * (out_share if is_out else 1.0))
                rows.append((f"r{rep}", f"{rep}/{quarter}", f"{quarter} {week}", done, is_out))
    names = ["rep_id", "unit", "week", "n_activities", "is_out"]
    return pd.DataFrame(rows, columns=names).assign(is_capped=False)


def test_reps_out_of_reach_who_do_half_as_much_let_go():
    (found,) = payout_cliff.detect(view_of({"out of reach": quarters(0.5)}))
    assert found.measured == pytest.approx(0.5, rel=0.05)
    assert found.p_value < 1e-6
    assert found.n == 80


def test_who_rests_at_the_cap_does_not_hide_who_lets_go():
    table = quarters(0.5)
    resting = (table["rep_id"] == "r1") & ~table["is_out"] & table["week"].str.endswith("11")
    table["n_activities"] = table["n_activities"].mask(resting, table["n_activities"] // 20)
    (alone,) = payout_cliff.detect(view_of({"out of reach": table.assign(is_capped=resting)}))
    assert alone.measured == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    "table",
    [
        quarters(1.0),  # out of reach, and doing as much
        quarters(0.5, always=(0, 1, 2, 3)),  # always out and always doing less: they are so
        quarters(0.5).head(36),  # too few to tell
    ],
)
def test_doing_less_all_along_is_not_letting_go(table):
    assert payout_cliff.detect(view_of({"out of reach": table})) == []


@pytest.mark.parametrize(
    ("plan", "out", "capped"),
    [
        # at 1.3 times the pace of the plan 0.997 may still come from week 3 on, where nothing has
        # come; less than 0.9 from week 4 on, than 0.81 from week 5, than 0.4 from week 9 on
        ({}, {"r1": [3, 12], "r2": [4, 12], "r3": [5, 12], "r4": [9, 11]}, {}),
        ({"threshold": 0.5, "rate": 0.05, "cap": 0.5},
         {"r1": [8, 12], "r2": [9, 12], "r3": [10, 12]}, {"r4": 3}),
        ({"threshold": 0.5, "bands": [{"attainment_from": 1.0, "payout": 0.05},
                                      {"attainment_from": 1.2, "rate": 0.06}]},
         {"r1": [3, 12], "r2": [4, 12], "r3": [5, 12], "r4": [9, 11]}, {}),
    ],
)  # fmt: skip
def test_pay_is_out_of_reach_where_a_good_rest_of_the_quarter_is_not_enough(plan, out, capped):
    sold = {"r1": 0.0, "r2": 10.0, "r3": 19.0, "r4": 60.0}  # on 15 January, of 100; nothing after
    days = pd.date_range("2025-01-01", "2025-03-31").repeat(4)
    calls = pd.DataFrame({"occurred_at": days, "rep_id": [*sold] * (len(days) // 4)})
    away = (calls["rep_id"] == "r4") & (calls["occurred_at"] >= "2025-03-26")
    calls = calls[~away].assign(activity_type="call")
    tables = {
        "deals": pd.DataFrame({
            "deal_id": sold.keys(), "rep_id": sold.keys(), "amount": sold.values(),
            "status": "won", "created_at": pd.Timestamp("2024-06-01"),
            "closed_at": pd.Timestamp("2025-01-15"),
        }),
        "activities": calls.assign(activity_id=[f"{one}" for one in range(len(calls))]),
        "reps": frame("rep_id hired_on", *[(rep, "2020-01-01") for rep in sold]),
        "targets": targets_of([("rep", rep, "2025-01-01", "2025-03-31", 100.0) for rep in sold]),
    }  # fmt: skip
    made = sd.Department.of(tables, settings_of({"as_of": AS_OF, "pay_plan": plan}, "here"))
    weeks = payout_cliff._weeks(view_of(department=made))
    weeks["number"] = weeks["week"].str.split().str[1].astype(int)

    def ends(which):
        found = weeks[weeks[which]].groupby("rep_id")["number"].agg(["min", "max"])
        return {rep: list(row) for rep, row in found.iterrows()}

    # week 0 is the first of January; 90 days are 12 whole weeks and 6 days
    assert ends("is_out") == out
    # the last week, in which r4 was away, is left out
    assert ends("is_capped") == {rep: [first, 11] for rep, first in capped.items()}
    done = weeks.groupby("rep_id")["n_activities"].apply(list)
    assert done["r1"] == [7.0] * 12 + [6.0]
    assert done["r4"] == [7.0] * 12
