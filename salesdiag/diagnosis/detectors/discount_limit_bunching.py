"""Discounts pile up at the limit that needs no approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ibis import _
from scipy import special

from salesdiag.analyses import discount
from salesdiag.diagnosis.suspects import Suspect, error_of
from salesdiag.engine import fetch

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05  # of the discounts, beyond what the curve has there
_CHANCE = 0.05
_NEARLY_ALL = 0.5  # of the discounts
_FEWEST = 20  # deals at a limit
_AT = 0.005  # of the list price: so near is at the limit
# what more is won for a discount nobody had to ask for is not seen, between some and most of it;
# nor what else would have been given
_WON_BACK, _WON_BACK_ERROR = 0.3, 0.6


def detect(view: View) -> list[Suspect]:
    """Count the discounts at each limit beyond a smooth spread, in all of the data."""
    if not view.department.settings.discount_limits:
        return []
    table = view.once("bunching", lambda: discount.limit_bunching(view.department))
    if table is None:
        return []
    table = _with_all_at(table)
    piled = table[(table["excess_part"] > _SMALLEST) & (table["p_value"] < _CHANCE)]
    if not len(piled):
        return []
    row = piled.sort_values(["excess_deals", "discount_limit"]).iloc[-1]
    # the draws behind the p-value are few: beyond them the interval of the excess tells more
    error = float(error_of(row["excess_part_low"], row["excess_part_high"]))
    p_value = float(special.ndtr(-row["excess_part"] / error)) * len(table)
    lost = _given_away(view, float(row["discount_limit"])) * float(row["excess_part"])
    harm, error = lost * (1 - _WON_BACK), abs(lost) * _WON_BACK_ERROR
    return [Suspect(
        "discount_limit_bunching", "department", (), float(row["limit_rate"]),
        float(row["expected_deals"] / row["n_discounted"]), int(row["n_discounted"]),
        min(1.0, p_value), "price", harm, error, view.revenue_at(),
        price_harm=lost, grade="D", has_driver=True, table=table,
    )]  # fmt: skip


def _with_all_at(table: pd.DataFrame) -> pd.DataFrame:
    """Take the deals at a limit for the excess where nearly all are: no curve is left to fit."""
    rate = table["limit_rate"]
    bare = table["excess_part"].isna() & (rate > _NEARLY_ALL) & (table["n_at_limit"] >= _FEWEST)
    if not bare.any():
        return table
    chance = special.bdtrc(table["n_at_limit"] - 1, table["n_discounted"], _NEARLY_ALL)
    filled = {"excess_part": rate, "excess_part_low": table["limit_rate_low"],
              "excess_part_high": table["limit_rate_high"], "p_value": chance,
              "excess_deals": table["n_at_limit"], "expected_deals": 0.0}  # fmt: skip
    return table.assign(**{name: table[name].mask(bare, new) for name, new in filled.items()})


def _given_away(view: View, limit: float) -> float:
    """Give what is given away at the limit beyond the usual, as a logarithm of the money won."""
    sums = view.once(f"sold at {limit}", lambda: _sold(view, limit))
    if sums is None or not sums["won_amount"] > 0:
        return np.nan
    usual = sums["depth_below"] / max(sums["n_below"], 1.0)
    given = sums["list_at"] * max(limit - usual, 0.0)
    return -float(np.log1p(given / sums["won_amount"]))


def _sold(view: View, limit: float) -> pd.Series:
    """Add up the deals won at the limit and at smaller discounts, in all of the data."""
    deals = view.department.select_deals()
    worth, listed = deals.amount.cast("float64"), deals.list_amount.cast("float64")
    rows = deals.filter((deals.status == "won") & (listed > 0) & deals.amount.notnull())
    rows = rows.mutate(depth=1 - worth / listed, listed=listed, worth=worth)
    at, below = (_.depth - limit).abs() <= _AT, _.depth < limit - _AT
    sums = rows.agg(
        list_at=_.listed.sum(where=at), won_amount=_.worth.sum(),
        n_below=_.count(where=below), depth_below=_.depth.sum(where=below),
    )  # fmt: skip
    return fetch(sums).iloc[0].fillna(0.0)
