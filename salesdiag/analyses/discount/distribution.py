"""How deep the discounts are, and how many deals carry one."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.ratios import (
    STEPS,
    Ratio,
    add_ratio,
    count_depths,
    quantile_of_counts,
    ratio_of_sums,
)
from salesdiag.reductions.deal_prices import (
    NAMES,
    NO_DISCOUNT,
    Unit,
    deal_prices,
    line_prices,
    sum_by_cluster,
)
from salesdiag.stats.arguments import one_of
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

STATUSES = ("won", "lost")
_COUNTS = ["n_cases", "n_priced", "n_unpriced", "n_undated", "n_discounted", "n_above_list",
           "n_without_lines"]  # fmt: skip
_QUANTILES = {"lower_quarter_discount": 0.25, "median_discount": 0.5,
              "upper_quarter_discount": 0.75, "upper_tenth_discount": 0.9,
              "largest_discount": 1.0}  # fmt: skip
_COLUMNS = [
    "status", "unit", *_COUNTS, "n_accounts", "discounted_rate", "discounted_rate_low",
    "discounted_rate_high", "mean_discount", "mean_discount_low", "mean_discount_high",
    "weighted_discount", "weighted_discount_low", "weighted_discount_high", "list_amount",
    "net_amount", "discount_amount", *_QUANTILES,
]  # fmt: skip


def discount_distribution(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    unit: Unit = "deals",
) -> pd.DataFrame:
    """Tell how many of the deals won, and of those lost, carry a discount, and how deep it is.

    A discount is the part of the list price that is not paid: 1 less net price over list
    price. Two means of it are told apart: the plain one counts every deal once, the weighted
    one every unit of money; where large deals get larger discounts the second is higher, and
    only it tells what is given away. A price above list is a negative discount and lowers both
    means; it is counted apart and never cut to 0.

    Deals without both prices above 0 are counted and left out: many systems keep no price of
    lost deals, and then nothing can be said of those. A lost deal at full list price was often
    never quoted at all, so a low share of discounts among lost deals is no sign that discounts
    win; see `discount_effect`. A discount below 0.05 % of the list price is rounding, and none.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``; ``closed_at`` for a window. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    unit : {"deals", "lines"}, default "deals"
        What carries a discount: the whole deal, or each product line of ``line_items``
        (``product`` in ``by`` is then that of the line).

    Returns
    -------
    DataFrame
        One row per group and status (won, lost):

        - the ``by`` columns, if any;
        - ``status`` : "won" or "lost"; ``unit`` : "deals" or "lines";
        - ``n_cases`` : deals or lines closed so; ``n_priced``, ``n_unpriced`` : with and without
          two prices above 0;
        - ``n_undated`` : cases without a day of closing, or with one after ``as_of``, left out; 0
          without a window;
        - ``n_discounted``, ``n_above_list`` : of the priced, below and above list price;
        - ``n_without_lines`` : deals closed so that have no product lines, left out of "lines"; 0
          for "deals";
        - ``n_accounts`` : accounts (or deals without one) behind them, taken as independent;
        - ``discounted_rate``, ``discounted_rate_low``, ``discounted_rate_high`` :
          ``n_discounted / n_priced``, in [0, 1], with Wilson interval; NaN without priced ones;
        - ``mean_discount``, ``mean_discount_low``, ``mean_discount_high`` : plain mean, a share
          of the list price, with an interval by accounts; NaN likewise, the interval also where
          there is one account in all;
        - ``weighted_discount``, ``weighted_discount_low``, ``weighted_discount_high`` : sum given
          away over sum of list prices, likewise;
        - ``list_amount``, ``net_amount``, ``discount_amount`` : money of the priced: at list
          price, at net price, and what is given away; NaN without any;
        - ``lower_quarter_discount``, ``median_discount``, ``upper_quarter_discount``,
          ``upper_tenth_discount``, ``largest_discount`` : quantiles of the discount, to a
          thousandth of the list price; NaN without priced ones.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount, or no table holds a ``by`` column.
    InputError
        If ``unit`` is not one of the two, or ``by`` holds the name of a result.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C"], "status": "won", "amount": [90.0, 100.0, 640.0],
    ...     "list_amount": [100.0, 100.0, 800.0],
    ... })
    >>> table = discount_distribution(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["status", "n_priced", "n_discounted", "mean_discount", "weighted_discount"]]
      status  n_priced  n_discounted  mean_discount  weighted_discount
    0    won         3             2            0.1               0.17
    1   lost         0             0            NaN                NaN
    """
    one_of("unit", unit, ("deals", "lines"))
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES])
    prices = deal_prices if unit == "deals" else line_prices
    cases = prices(department, keys, start=start, end=end)
    if unit == "deals":
        cases = cases.mutate(has_line=True)
    sums = _sums(cases, keys)
    priced = cases.filter(_.is_inside & _.is_priced)
    counts = count_depths(priced, [*keys, "status"])
    table = with_every_status(sums, keys)
    table["unit"] = unit
    low, high = wilson_interval(table["n_discounted"], table["n_priced"], confidence=confidence)
    whole = ratio(table["n_discounted"], table["n_priced"])
    add_ratio(table, "discounted_rate", Ratio(whole, low, high))
    add_ratio(table, "mean_discount", ratio_of_sums(table, "mean", confidence=confidence))
    add_ratio(table, "weighted_discount", ratio_of_sums(table, "money", confidence=confidence))
    some = table["n_priced"] > 0
    table["n_accounts"] = table["money_n"]
    table["list_amount"] = table["money_whole"].where(some)
    table["discount_amount"] = table["money_part"].where(some)
    table["net_amount"] = (table["money_whole"] - table["money_part"]).where(some).round(4)
    _add_quantiles(table, counts, keys)
    return table[[*keys, *_COLUMNS]]


def _sums(cases: ibis.Table, keys: list[str]) -> pd.DataFrame:
    inside, priced = _.is_inside & _.has_line, _.is_inside & _.is_priced
    counts = {
        "n_cases": _.count(where=inside),
        "n_priced": _.count(where=priced),
        "n_undated": _.count(where=~_.is_inside & _.has_line),
        "n_discounted": _.count(where=priced & (_.depth >= NO_DISCOUNT)),
        "n_above_list": _.count(where=priced & (_.depth <= -NO_DISCOUNT)),
        "n_without_lines": _.count(where=_.is_inside & ~_.has_line),
    }
    given = (_.price_list - _.price_net).sum(where=priced)
    pairs = {
        "mean": (_.depth.sum(where=priced), counts["n_priced"]),
        "money": (given, _.price_list.sum(where=priced)),
    }
    found = sum_by_cluster(cases, [*keys, "status"], counts, pairs)
    return found.assign(n_unpriced=found["n_cases"] - found["n_priced"])


def with_every_status(sums: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give each group a row for won and one for lost, with counts of 0 where there is none."""
    groups = sums[keys].drop_duplicates().itertuples(index=False) if keys else [()]
    rows = [(*group, status) for group, status in product(groups, STATUSES)]
    every = pd.DataFrame(rows, columns=[*keys, "status"]).astype(str)
    whole = [name for name in sums if sums[name].dtype == "int64"]
    table = every.merge(sums, on=[*keys, "status"], how="left")
    numbers = [str(name) for name in table if name not in every]
    table[numbers] = table[numbers].astype(float).fillna(0.0)
    return table.astype(dict.fromkeys(whole, "int64"))


def _add_quantiles(table: pd.DataFrame, counts: pd.DataFrame, keys: list[str]) -> None:
    parts = {
        (group if isinstance(group, tuple) else (group,)): rows
        for group, rows in counts.groupby([*keys, "status"])
    }
    for name, below in _QUANTILES.items():
        found = []
        for group in table[[*keys, "status"]].itertuples(index=False):
            rows = parts.get(tuple(group), counts.iloc[:0])
            depth = rows["step"].to_numpy() / STEPS
            found.append(quantile_of_counts(depth, rows["n"].to_numpy(), below))
        table[name] = np.array(found, dtype=float)
