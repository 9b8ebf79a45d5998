"""How much is sold at each depth of discount, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.ratios import (
    Ratio,
    add_ratio,
    band_ends,
    band_expression,
    ratio_of_sums,
    read_edges,
)
from salesdiag.reductions.deal_prices import (
    NAMES,
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

_UNPRICED, _UNDATED = -1, -2  # no bands: what is left out of them
EDGES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
_COLUMNS = [
    "status", "unit", "discount_from", "discount_to", "n_cases", "n_unpriced", "n_undated",
    "n_priced", "n_accounts", "case_rate", "case_rate_low", "case_rate_high", "list_amount",
    "net_amount", "discount_amount", "weighted_discount", "weighted_discount_low",
    "weighted_discount_high", "n_without_cost", "contribution_amount", "margin", "margin_low",
    "margin_high",
]  # fmt: skip


def discount_bands(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    edges: Sequence[float] = EDGES,
    status: Literal["won", "lost"] = "won",
    unit: Unit = "deals",
) -> pd.DataFrame:
    """Tell how much is sold at each depth of discount, and what margin is left of it.

    The histogram of discounts, with the money and the contribution of each band. The margin
    of a band is what was left of what was sold at that depth; it falls with the depth by
    arithmetic alone, and further where deep discounts go to products of low margin. Whether
    the volume gained makes up for it is another question: see `break_even` and
    `discount_effect`.

    A band holds the discounts above its first edge up to its second; the first band those at
    list price or above it (with 0 as the first edge). Depths are taken to the nearest
    thousandth of the list price. Cases without two prices above 0 are counted and left out.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``; ``closed_at`` for a window; uses ``cost_amount`` or ``unit_cost``. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    edges : sequence of float, default (0, 0.05, 0.1, 0.15, 0.2, 0.3)
        Where the bands end: rising shares of the list price below 1, in whole thousandths.
    status : {"won", "lost"}, default "won"
        Which deals.
    unit : {"deals", "lines"}, default "deals"
        What carries a discount: the whole deal, or each product line.

    Returns
    -------
    DataFrame
        One row per group and band, in order of depth:

        - the ``by`` columns, if any;
        - ``status``, ``unit`` : as asked for;
        - ``discount_from``, ``discount_to`` : the band, as shares of the list price; NaN where it
          has no end;
        - ``n_cases`` : priced deals or lines of the group; ``n_unpriced``, ``n_undated`` : those
          of the group without two prices above 0, and without a known day of closing where there
          is a window, left out, the same in all rows of a group;
        - ``n_priced`` : of the priced, those in the band;
        - ``n_accounts`` : accounts behind them;
        - ``case_rate``, ``case_rate_low``, ``case_rate_high`` : ``n_priced / n_cases``, in
          [0, 1], with Wilson interval; NaN without cases;
        - ``list_amount``, ``net_amount``, ``discount_amount`` : money at list price, at net
          price, and given away; NaN for an empty band;
        - ``weighted_discount``, ``weighted_discount_low``, ``weighted_discount_high`` : given
          away over list price, with an interval by accounts; NaN likewise;
        - ``n_without_cost`` : cases of the band whose cost is not known;
        - ``contribution_amount`` : net price less cost of the others; NaN without any;
        - ``margin``, ``margin_low``, ``margin_high`` : contribution over net price of those, at
          most 1, negative below cost; NaN likewise, the interval also where there is one account
          in all.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or ``by`` holds the name of a result.

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
    ...     "list_amount": [100.0, 100.0, 800.0], "cost_amount": [60.0, 60.0, 600.0],
    ... })
    >>> table = discount_bands(Department(deals=deals, as_of="2025-12-31"), edges=(0, 0.15))
    >>> table[["discount_from", "discount_to", "n_priced", "margin"]].round(3)
       discount_from  discount_to  n_priced  margin
    0            NaN         0.00         1   0.400
    1           0.00         0.15         1   0.333
    2           0.15          NaN         1   0.062
    """
    one_of("unit", unit, ("deals", "lines"))
    one_of("status", status, ("won", "lost"))
    limits = read_edges(edges)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "band"])
    table = band_sums(department, keys, limits, status=status, unit=unit, start=start, end=end)
    table["status"], table["unit"] = status, unit
    low, high = wilson_interval(table["n_priced"], table["n_cases"], confidence=confidence)
    whole = ratio(table["n_priced"], table["n_cases"])
    add_ratio(table, "case_rate", Ratio(whole, low, high))
    add_ratio(table, "weighted_discount", ratio_of_sums(table, "money", confidence=confidence))
    add_ratio(table, "margin", ratio_of_sums(table, "costed", confidence=confidence))
    some, costed = table["n_priced"] > 0, table["n_with_cost"] > 0
    table["n_accounts"] = table["money_n"]
    table["n_without_cost"] = table["n_priced"] - table["n_with_cost"]
    table["list_amount"] = table["money_whole"].where(some)
    table["discount_amount"] = table["money_part"].where(some)
    table["net_amount"] = (table["money_whole"] - table["money_part"]).where(some).round(4)
    table["contribution_amount"] = table["costed_part"].where(costed)
    return table[[*keys, *_COLUMNS]]


def band_sums(
    department: Department,
    keys: list[str],
    edges: np.ndarray,
    *,
    status: str,
    unit: str,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Add up the priced cases of each group and band; every group has a row for every band.

    Columns: the keys, ``band``, ``discount_from``, ``discount_to``, ``n_cases``, ``n_unpriced``,
    ``n_undated`` (of the group), ``n_priced``, ``n_with_cost``, and the pairs ``money`` (given
    away of list price), ``costed`` (contribution of net price) and ``at_list`` (what list price
    less cost is of list price).
    """
    if unit == "deals":
        cases = deal_prices(department, keys, start=start, end=end)
    else:
        cases = line_prices(department, keys, start=start, end=end).filter(_.has_line)
    cases = cases.filter(_.status == status)
    used = cases.is_inside & cases.is_priced
    nowhere = ibis.ifelse(cases.is_inside, _UNPRICED, _UNDATED)
    cases = cases.mutate(band=ibis.ifelse(used, band_expression(cases, edges), nowhere))
    costed = _.price_cost.notnull()
    sums = sum_by_cluster(
        cases,
        [*keys, "band"],
        {"n_priced": _.count(), "n_with_cost": _.count(where=costed)},
        {
            "money": ((_.price_list - _.price_net).sum(), _.price_list.sum()),
            "costed": ((_.price_net - _.price_cost).sum(where=costed),
                       _.price_net.sum(where=costed)),
            "at_list": ((_.price_list - _.price_cost).sum(where=costed),
                        _.price_list.sum(where=costed)),
        },
    )  # fmt: skip
    return _with_every_band(sums, keys, edges)


def _with_every_band(sums: pd.DataFrame, keys: list[str], edges: np.ndarray) -> pd.DataFrame:
    left_out = {"n_unpriced": _UNPRICED, "n_undated": _UNDATED}
    for name, band in left_out.items():
        sums[name] = sums["n_priced"].where(sums["band"] == band, 0)
        sums[name] = sums.groupby(keys)[name].transform("sum") if keys else sums[name].sum()
    told = sums[[*keys, *left_out]].drop_duplicates() if keys else sums[[*left_out]].head(1)
    every = sums[keys].drop_duplicates() if keys else pd.DataFrame(index=[0])
    sums = sums[sums["band"] >= 0].drop(columns=list(left_out))
    begin, stop = band_ends(edges)
    bands = pd.DataFrame({"band": np.arange(len(begin)), "discount_from": begin,
                          "discount_to": stop})  # fmt: skip
    bands["discount_from"] = bands["discount_from"].where(bands["discount_from"] > -np.inf)
    bands["discount_to"] = bands["discount_to"].where(bands["band"] < len(edges))
    whole = [name for name in sums if sums[name].dtype == "int64"]
    table = every.merge(bands, how="cross").merge(sums, on=[*keys, "band"], how="left")
    counted = [str(name) for name in sums if name not in (*keys, "band")]
    table[counted] = table[counted].astype(float).fillna(0.0)
    table = table.astype(dict.fromkeys(whole, "int64"))
    parts = table.groupby(keys)["n_priced"].transform("sum") if keys else table["n_priced"].sum()
    table["n_cases"] = np.asarray(parts) + np.zeros(len(table), dtype="int64")
    if keys:
        return table.merge(told, on=keys, how="left")
    return table.assign(**{name: int(told[name].sum()) for name in left_out})
