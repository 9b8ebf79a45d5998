"""How much of the list price is realised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibis import _

from salesdiag.analyses.discount.ratios import Ratio, add_ratio, ratio_of_sums
from salesdiag.reductions.deal_prices import (
    NAMES,
    NO_DISCOUNT,
    deal_prices,
    sum_by_cluster,
)
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_COLUMNS = [
    "n_deals", "n_priced", "n_unpriced", "n_undated", "n_discounted", "n_accounts",
    "discounted_rate", "discounted_rate_low", "discounted_rate_high", "list_amount",
    "net_amount", "discount_amount", "price_realisation", "price_realisation_low",
    "price_realisation_high", "n_without_cost", "contribution_amount", "margin", "margin_low",
    "margin_high",
]  # fmt: skip


def price_realisation(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Tell how much of the list price of the deals won is realised, and what is given away.

    A ratio of two sums, not a mean of ratios: a large deal counts for what it is worth, and
    the figure times the list price gives the money. Its interval takes accounts as
    independent, for deals of one account are priced alike: it says how far the figure would
    move with other accounts of the same kind, so that groups can be compared. Above list price
    it exceeds 1. A list price that nobody ever pays makes any figure look bad: compare groups
    and periods, not with 1.

    Deals without two prices above 0 of one and the same thing are counted and left out: a deal
    that lacks one takes both from its lines, but not where what it has differs from theirs by
    more than 1 %, for then its amount holds more, or less, than the lines. Money is in the
    department's currency; a rate of exchange that moves between list and net price would pass
    for a discount.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``; ``closed_at`` for a window; uses ``cost_amount`` or ``unit_cost``. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **won**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``n_deals`` : deals won; ``n_priced``, ``n_unpriced`` : with and without two prices
          above 0;
        - ``n_undated`` : deals won without a day of closing, or with one after ``as_of``, left
          out; 0 without a window;
        - ``n_discounted`` : of the priced, below list price;
        - ``n_accounts`` : accounts (or deals without one) behind the priced deals;
        - ``discounted_rate``, ``discounted_rate_low``, ``discounted_rate_high`` :
          ``n_discounted / n_priced``, in [0, 1], with Wilson interval; NaN without priced deals;
        - ``list_amount``, ``net_amount``, ``discount_amount`` : money at list price, at net
          price, and given away; NaN likewise;
        - ``price_realisation``, ``price_realisation_low``, ``price_realisation_high`` : net over
          list price, 0 or more, with an interval by accounts; NaN likewise, the interval also
          where there is one account in all;
        - ``n_without_cost`` : priced deals whose cost is not known;
        - ``contribution_amount`` : net price less cost of the others; NaN without any;
        - ``margin``, ``margin_low``, ``margin_high`` : contribution over net price of those, at
          most 1, with an interval by accounts; NaN likewise.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount, or no table holds a ``by`` column.
    InputError
        If ``by`` holds the name of a result.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, chapter 6.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C"], "status": ["won", "won", "lost"],
    ...     "amount": [90.0, 300.0, 500.0], "list_amount": [100.0, 300.0, 900.0],
    ... })
    >>> table = price_realisation(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["n_priced", "discount_amount", "price_realisation"]]
       n_priced  discount_amount  price_realisation
    0         2             10.0              0.975
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES])
    deals = deal_prices(department, keys, start=start, end=end).filter(_.status == "won")
    inside, priced = _.is_inside, _.is_inside & _.is_priced
    costed = priced & _.price_cost.notnull()
    counts = {
        "n_deals": _.count(where=inside),
        "n_priced": _.count(where=priced),
        "n_undated": _.count(where=~inside),
        "n_discounted": _.count(where=priced & (_.depth >= NO_DISCOUNT)),
        "n_with_cost": _.count(where=costed),
    }
    given = (_.price_list - _.price_net).sum(where=priced)
    left = (_.price_net - _.price_cost).sum(where=costed)
    pairs = {
        "money": (given, _.price_list.sum(where=priced)),
        "costed": (left, _.price_net.sum(where=costed)),
    }
    table = sum_by_cluster(deals, keys, counts, pairs)
    return _with_rates(table, confidence)[[*keys, *_COLUMNS]]


def _with_rates(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    low, high = wilson_interval(table["n_discounted"], table["n_priced"], confidence=confidence)
    rate = ratio(table["n_discounted"], table["n_priced"])
    add_ratio(table, "discounted_rate", Ratio(rate, low, high))
    given = ratio_of_sums(table, "money", confidence=confidence)
    # what is given away is worked out, for it is small: the rest would hide its spread
    realised = Ratio(1 - given.value, (1 - given.high).clip(min=0), 1 - given.low)
    add_ratio(table, "price_realisation", realised)
    add_ratio(table, "margin", ratio_of_sums(table, "costed", confidence=confidence))
    some, costed = table["n_priced"] > 0, table["n_with_cost"] > 0
    table["n_unpriced"] = table["n_deals"] - table["n_priced"]
    table["n_accounts"] = table["money_n"]
    table["n_without_cost"] = table["n_priced"] - table["n_with_cost"]
    table["list_amount"] = table["money_whole"].where(some)
    table["discount_amount"] = table["money_part"].where(some)
    table["net_amount"] = (table["money_whole"] - table["money_part"]).where(some).round(4)
    table["contribution_amount"] = table["costed_part"].where(costed)
    return table
