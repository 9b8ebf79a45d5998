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


def test_kinds_swapped_between_two_groups_of_reps_by_hand():
    share = [0.95, 0.925, 0.9, 0.875, 0.85]  # 0.9 in the middle, and the rest in the other year
    shares = {rep: (own, 1 - own) for rep, own in zip(LEFT, share, strict=True)}
    shares |= {rep: (1 - own, own) for rep, own in zip(RIGHT, share, strict=True)}
    row = lead_misallocation._compare(dealt(shares, GOOD_AT_ONE), "segment")
    # each rep had 100 of either kind; 35 in 100 are won of both, mixed in as eight more
    own, other = (60 + 8 * 0.35) / 108, (10 + 8 * 0.35) / 108
    assert row["base"] == pytest.approx(0.9 * own + 0.1 * other)
    assert row["now"] == pytest.approx(0.1 * own + 0.9 * other)
    assert row["change"] == pytest.approx(np.log(row["now"] / row["base"]))
    assert row["p_value"] < 1e-6
    assert (row["n_deals"], row["n_reps"]) == (1000, 10)


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
    row = lead_misallocation._compare(dealt(shares, rate), "segment")
    assert row["change"] == pytest.approx(0.0, abs=1e-9)
    assert row["p_value"] > 0.1


def test_more_for_a_rep_who_wins_fewer_of_everything_is_no_matter_of_kinds():
    shares = dict.fromkeys([*LEFT, *RIGHT], (0.5, 0.5))
    rate = {rep: {"A": 0.4, "B": 0.4} for rep in shares} | {"a0": {"A": 0.2, "B": 0.2}}
    cells = dealt(shares, rate)
    more = (cells["rep_id"] == "a0") & (cells["side"] == "now")
    cells.loc[more, ["n_deals", "n_settled", "n_won"]] *= 5
    assert lead_misallocation._compare(cells, "segment")["change"] == pytest.approx(0, abs=1e-9)


def test_reps_who_were_there_in_one_year_only_say_nothing_of_who_gets_what():
    shares = dict.fromkeys(LEFT, (0.9, 0.1)) | dict.fromkeys(RIGHT, (0.1, 0.9))
    cells = dealt(shares, GOOD_AT_ONE)
    gone = cells["rep_id"].isin(["a0", "a1", "a2", "b0", "b1", "b2"]) & (cells["side"] == "now")
    assert lead_misallocation._compare(cells[~gone], "segment") is None


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
    """Lay out four quarters of ten reps: out of reach in the last month of every other one."""
    rng, rows = np.random.default_rng(1), []
    for rep in range(10):
        for quarter in range(4):
            for month in range(3):
                is_out = rep in always or (not always and month == 2 and (rep + quarter) % 2 == 0)
                usual = (60 + 10 * rep) * (1 + 0.1 * month)
                done = rng.poisson(usual * (out_share if is_out else 1.0))
                rows.append((f"r{rep}", f"{rep}/{quarter}", 3 * quarter + month, done, is_out))
    return pd.DataFrame(rows, columns=["rep_id", "unit", "month", "n_activities", "is_out"])


def test_reps_out_of_reach_who_do_half_as_much_let_go():
    (found,) = payout_cliff.detect(view_of({"out of reach": quarters(0.5)}))
    assert found.measured == pytest.approx(0.5, rel=0.1)
    assert found.p_value < 1e-4
    assert found.n == 20


@pytest.mark.parametrize(
    "table",
    [
        quarters(1.0),  # out of reach, and doing as much
        quarters(0.5, always=(0, 1, 2, 3)),  # always out and always doing less: they are so
        quarters(0.5).head(12),  # too few to tell
    ],
)
def test_doing_less_all_along_is_not_letting_go(table):
    assert payout_cliff.detect(view_of({"out of reach": table})) == []


@pytest.mark.parametrize(
    ("plan", "out"),
    [
        # at 1.3 times the pace of the plan 0.87 may still come from February on, 0.43 in March
        ({}, {"r1": [1, 2], "r2": [1, 2], "r3": [2]}),
        ({"threshold": 0.5, "rate": 0.05}, {"r1": [2]}),
        ({"threshold": 0.5, "bands": [{"attainment_from": 1.0, "payout": 0.05},
                                      {"attainment_from": 1.2, "rate": 0.06}]},
         {"r1": [1, 2], "r2": [1, 2], "r3": [2]}),
    ],
)  # fmt: skip
def test_pay_is_out_of_reach_where_a_good_rest_of_the_quarter_is_not_enough(plan, out):
    sold = {"r1": 0.0, "r2": 10.0, "r3": 14.0, "r4": 60.0}  # in January, of 100; nothing after
    won = pd.DataFrame({"side": "now", "rep_id": sold.keys(), "month": 0, "amount": sold.values()})
    tables = {
        "deals": won[["rep_id", "amount"]].assign(
            deal_id=won["rep_id"], status="won", created_at=pd.Timestamp("2024-06-01"),
            closed_at=pd.Timestamp("2025-01-15"),
        ),
        "activities": frame("activity_id activity_type occurred_at rep_id",
                            ("1", "call", "2025-01-01", "r1")),
        "reps": frame("rep_id hired_on", *[(rep, "2020-01-01") for rep in sold]),
        "targets": targets_of([("rep", rep, "2025-01-01", "2025-03-31", 100.0) for rep in sold]),
    }  # fmt: skip
    made = sd.Department.of(tables, settings_of({"as_of": AS_OF, "pay_plan": plan}, "here"))
    effort = pd.DataFrame(
        [("now", rep, month, 50.0) for rep in sold for month in range(3)]
        + [
            ("base", "r1", 0, 9.0),
            ("now", "r4", 0, 950.0),
        ],  # after a thousand, 50 are hardly any: r4 was away
        columns=["side", "rep_id", "month", "n_all"],
    )
    months = payout_cliff._months(view_of(effort=effort, money=won, department=made))
    found = months[months["is_out"]].groupby("rep_id")["month"].apply(list)
    assert found.to_dict() == out
    done = months.groupby("rep_id")["n_activities"].apply(list)
    assert (done["r1"], done["r4"]) == ([50, 50, 50], [1000])
