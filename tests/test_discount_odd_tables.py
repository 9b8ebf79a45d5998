"""Odd tables: what is left out is counted, and nothing falls over."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import salesdiag as sd
from salesdiag.analyses import discount
from tests.frames import targets_of

ANALYSES = [getattr(discount, name) for name in discount.__all__]


def deals_of(n, **columns):
    """Build won deals of one rep and account at 90 of 100."""
    plain = {
        "deal_id": [str(number) for number in range(n)], "status": "won", "rep_id": "r",
        "account_id": "x", "product": "p", "segment": "s", "amount": 90.0, "list_amount": 100.0,
        "cost_amount": 50.0, "closed_at": pd.Timestamp("2025-02-03"),
    }  # fmt: skip
    return pd.DataFrame(plain | columns)


def department_of(deals, **more):
    targets = targets_of([("rep", "r", "2025-01-01", "2025-03-31", 100.0)])
    return sd.Department(deals=deals, **({"targets": targets, "as_of": "2025-12-31"} | more))


@cache
def mixed():
    rng = np.random.default_rng(0)
    n = 200
    listed = rng.uniform(50, 500, n).round(2)
    return deals_of(
        n, status=np.where(np.arange(n) % 2, "won", "lost"), rep_id=rng.choice(list("rstuvwxy"), n),
        account_id=rng.integers(0, 37, n).astype(str), list_amount=listed,
        amount=(listed * rng.choice([1, 0.95, 0.9, 0.8], n)).round(2),
        closed_at=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
    )  # fmt: skip


ODD = {
    "one deal": lambda: department_of(deals_of(1)),
    "one lost deal": lambda: department_of(deals_of(1, status="lost")),
    "all alike": lambda: department_of(deals_of(60)),
    "list price of 0": lambda: department_of(deals_of(30, list_amount=0.0)),
    "far above list price": lambda: department_of(deals_of(30, amount=300.0)),
    "credits": lambda: department_of(deals_of(30, amount=-90.0, list_amount=-100.0)),
    "no prices": lambda: department_of(deals_of(30, amount=np.nan)),
    "negative cost": lambda: department_of(deals_of(30, cost_amount=-5.0)),
    "all lost": lambda: department_of(mixed().assign(status="lost")),
    "outcome told by the discount": lambda: department_of(
        mixed().assign(amount=mixed()["list_amount"] * np.where(mixed()["status"] == "won", 0.8, 1))
    ),
    "turned back": lambda: department_of(mixed(), as_of="2024-06-30"),
    "no reps, accounts or days": lambda: department_of(
        mixed().assign(rep_id=None, account_id=None, closed_at=pd.NaT)
    ),
}


REFUSED = [
    "one deal", "all alike", "list price of 0", "far above list price", "credits", "no prices",
    "outcome told by the discount",
    "negative cost",
]  # fmt: skip


@pytest.mark.parametrize("name", list(ODD))
def test_odd_departments_give_tables_whose_intervals_hold_their_estimates(name):
    department = ODD[name]()
    for analysis in ANALYSES:
        if analysis is discount.discount_effect and name in REFUSED:
            with pytest.raises(sd.MissingDataError, match="Ask for the offers made in lost deals"):
                analysis(department)
            continue
        table = analysis(department)
        for low in table.columns[table.columns.str.endswith("_low")]:
            one, high = low.removesuffix("_low"), low.removesuffix("_low") + "_high"
            assert not (table[low] > table[one] + 1e-9).any(), (analysis.__name__, low)
            assert not (table[high] < table[one] - 1e-9).any(), (analysis.__name__, high)
        counts = table.filter(regex="^n_")
        assert (counts >= 0).all().all()


# the analyses that leave out what has no price or no day, with what else they need
COUNTING = [
    (discount.discount_distribution, {}), (discount.discount_bands, {}),
    (discount.price_realisation, {}), (discount.break_even, {}), (discount.limit_bunching, {}),
    (discount.rep_discount_habit, {}), (discount.discount_effect, {}),
]  # fmt: skip


@pytest.mark.parametrize(("analysis", "options"), COUNTING)
def test_deals_without_prices_and_without_a_day_are_counted(analysis, options):
    # of north 60 priced deals, three without prices and two without a day; of south no prices
    north = deals_of(65, team="north", status=np.where(np.arange(65) % 2 == 0, "won", "lost"))
    north["amount"] = np.where(np.arange(65) % 4 < 2, 90.0, 100.0)
    north.loc[[0, 2, 4], "list_amount"] = None
    north.loc[[6, 8], "closed_at"] = pd.NaT
    south = deals_of(3, team="south", list_amount=0.0, rep_id="t")
    south["deal_id"] = "s" + south["deal_id"]
    department = department_of(pd.concat([north, south], ignore_index=True))
    table = analysis(department, by="team", start="2025-01-01", **options)
    first = table.groupby("team")[["n_unpriced", "n_undated"]].first()
    assert first.loc["north"].tolist() == [3, 2]
    assert first.loc["south"].tolist() == [3, 0]
    if "n_priced" in table:
        assert (
            table.loc[table["team"] == "south", "n_priced"].tolist()
            == [0] * (table["team"] == "south").sum()
        )


def test_the_rep_of_a_habit_is_refused_as_a_key_in_plain_words():
    for by in ("rep_id", ["team", "rep_id"]):
        with pytest.raises(sd.InputError, match="rep_discount_habit lists the reps anyway"):
            discount.rep_discount_habit(department_of(deals_of(3, team="north")), by=by)


def test_several_currencies_are_never_added_up():
    department = department_of(deals_of(4, currency=["EUR", "USD"] * 2))
    for analysis in ANALYSES:
        with pytest.raises(sd.InputError, match="EUR, USD: amounts in several currencies"):
            analysis(department)


def test_a_stray_closing_of_1970_costs_nothing():
    deals = mixed().copy()
    deals.loc[0, "closed_at"] = pd.Timestamp("1970-01-01")
    row = discount.period_end_pattern(department_of(deals)).iloc[0]
    assert (row.n_periods, row.n_outside) == (8, 1)
    table = discount.discount_effect(department_of(deals), edges=(0.0,))
    assert table["n_deals"].sum() == len(deals)
