"""How much more must be sold so that a discount pays back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.bands import EDGES, band_sums
from salesdiag.analyses.discount.effect_cells import offered_deals, why_not_told
from salesdiag.analyses.discount.ratios import (
    Ratio,
    add_ratio,
    band_expression,
    ratio_of_sums,
    read_edges,
)
from salesdiag.errors import MissingDataError
from salesdiag.reductions.deal_prices import NAMES, Unit, line_prices, sum_by_cluster
from salesdiag.schema import TABLES
from salesdiag.stats.arguments import one_of
from salesdiag.stats.decomposition import break_even_growth
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

SIZES = 5
_COLUMNS = [
    "unit", "discount_from", "discount_to", "n_cases", "n_unpriced", "n_undated", "n_priced",
    "n_without_cost", "n_accounts", "case_rate", "case_rate_low", "case_rate_high", "list_amount",
    "weighted_discount", "weighted_discount_low", "weighted_discount_high", "list_margin",
    "list_margin_low", "list_margin_high", "margin", "margin_low", "margin_high",
    "contribution_amount", "is_below_cost", "needed_growth", "needed_growth_low",
    "needed_growth_high", "volume_basis", "n_compared", "associated_growth",
    "associated_growth_low", "associated_growth_high", "grade",
]  # fmt: skip


def break_even(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    edges: Sequence[float] = EDGES,
    unit: Unit = "deals",
) -> pd.DataFrame:
    """Tell how much more volume each depth of discount needs, and how much went with it.

    A discount d leaves of a margin m (what list price less cost is of the list price) only
    m - d, so that volume must grow by d / (m - d) for the contribution to stay the same: 5 %
    off at a margin of 30 % needs 20 % more. At or beyond the margin no volume makes up for
    it: the need is infinite. The margin is that of the goods sold in the band, for cheap
    goods and dear ones are not discounted alike.

    Beside it stands the volume that went with the discount. For deals: wins against the wins
    that deals of the same size have in the first band, which needs the prices of lost deals;
    for product lines: units per line against those of the same product in the first band. This
    is an association and no effect: discounts go to deals that differ in more than size, and a
    larger quantity often earns the discount rather than the other way round. See
    `discount_effect` for what is left of it among deals alike.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount``, ``list_amount`` and
        ``cost_amount``, or ``line_items`` with ``unit_cost``; ``closed_at`` for a window. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    edges : sequence of float, default (0, 0.05, 0.1, 0.15, 0.2, 0.3)
        Where the bands of depth end: rising shares below 1, in whole thousandths.
    unit : {"deals", "lines"}, default "deals"
        What carries a discount: the whole deal, or each product line.

    Returns
    -------
    DataFrame
        One row per group and band, in order of depth:

        - the ``by`` columns, if any;
        - ``unit`` : as asked for;
        - ``discount_from``, ``discount_to`` : the band, above the first and up to the second;
          NaN where it has no end;
        - ``n_cases`` : priced deals or lines won in the group; ``n_unpriced``, ``n_undated`` :
          those won without two prices above 0, and without a known day of closing where there is
          a window, left out, the same in all rows of a group;
        - ``n_priced`` : of the priced, those in the band; ``n_without_cost`` : of those, with
          unknown cost, left out of the margins;
        - ``n_accounts`` : accounts behind them;
        - ``case_rate``, ``case_rate_low``, ``case_rate_high`` : ``n_priced / n_cases``, in
          [0, 1], with Wilson interval; NaN without cases;
        - ``list_amount`` : money at list price; NaN for an empty band;
        - ``weighted_discount``, ``weighted_discount_low``, ``weighted_discount_high`` : given
          away over list price, with an interval by accounts; NaN likewise;
        - ``list_margin``, ``list_margin_low``, ``list_margin_high`` : list price less cost over
          list price, at most 1; NaN where no cost is known;
        - ``margin``, ``margin_low``, ``margin_high`` : net price less cost over net price; NaN
          likewise;
        - ``contribution_amount`` : net price less cost; NaN likewise;
        - ``is_below_cost`` : the contribution of the band is negative;
        - ``needed_growth``, ``needed_growth_low``, ``needed_growth_high`` : growth of volume, as a
          share, at which the discount costs nothing; infinite where it takes the whole margin;
          NaN likewise. The interval is that of the list margin;
        - ``volume_basis`` : "wins", "quantity", or "none" where the lost deals of the group have
          no prices or no discounts;
        - ``n_compared`` : deals or lines of the band whose like is in the first band;
        - ``associated_growth``, ``associated_growth_low``, ``associated_growth_high`` : volume
          against that of the like in the first band, less 1; 0 there, NaN without a basis, an
          interval by accounts;
        - ``grade`` : "D", a raw association, where there is ``associated_growth``; else "".

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount or no costs, or no table holds a ``by``
        column.
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
    ...     "deal_id": ["A", "B"], "status": "won", "amount": [100.0, 95.0],
    ...     "list_amount": 100.0, "cost_amount": 70.0,
    ... })
    >>> table = break_even(Department(deals=deals, as_of="2025-12-31"), edges=(0,))
    >>> table[["n_priced", "list_margin", "margin", "needed_growth"]].round(3)
       n_priced  list_margin  margin  needed_growth
    0         1          0.3   0.300            0.0
    1         1          0.3   0.263            0.2
    """
    one_of("unit", unit, ("deals", "lines"))
    limits = read_edges(edges)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "band", "like"])
    _require_costs(department, unit)
    table = band_sums(department, keys, limits, status="won", unit=unit, start=start, end=end)
    table["unit"] = unit
    low, high = wilson_interval(table["n_priced"], table["n_cases"], confidence=confidence)
    whole = ratio(table["n_priced"], table["n_cases"])
    add_ratio(table, "case_rate", Ratio(whole, low, high))
    _add_margins(table, confidence)
    measure = _quantities if unit == "lines" else _wins
    volume, basis = measure(department, keys, limits, start, end)
    _add_volume(table, volume, keys, confidence)
    table["volume_basis"] = _basis(table, keys, basis)
    shown = table["associated_growth"].notna() & (table["band"] > 0)
    table["grade"] = shown.map({True: "D", False: ""}).astype("str")
    return table[[*keys, *_COLUMNS]]


def _require_costs(department: Department, unit: str) -> None:
    of_deals = department.has("deals", "cost_amount") and unit == "deals"
    if not of_deals and not department.has("line_items", "unit_cost"):
        wanted = "deals.cost_amount" if unit == "deals" else "line_items.unit_cost"
        message = (
            f"break_even needs {wanted}, which the department does not have. Ask for what the "
            f"goods sold cost: {TABLES['line_items'].ask_for}, with the cost of one."
        )
        raise MissingDataError(message, missing=(wanted,), ask_for=TABLES["line_items"].ask_for)


def _add_margins(table: pd.DataFrame, confidence: float) -> None:
    add_ratio(table, "weighted_discount", ratio_of_sums(table, "money", confidence=confidence))
    at_list = ratio_of_sums(table, "at_list", confidence=confidence)
    at_list = Ratio(*(np.minimum(one, 1.0) for one in at_list))
    add_ratio(table, "list_margin", at_list)
    add_ratio(table, "margin", ratio_of_sums(table, "costed", confidence=confidence))
    some, costed = table["n_priced"] > 0, table["n_with_cost"] > 0
    table["n_accounts"] = table["money_n"]
    table["n_without_cost"] = table["n_priced"] - table["n_with_cost"]
    table["list_amount"] = table["money_whole"].where(some)
    table["contribution_amount"] = table["costed_part"].where(costed)
    table["is_below_cost"] = table["costed_part"] < 0
    cut = table["weighted_discount"].clip(lower=0).to_numpy()
    # a higher margin needs less
    needed = [break_even_growth(cut, one)
              for one in (at_list.value, at_list.high, at_list.low)]  # fmt: skip
    add_ratio(table, "needed_growth", Ratio(*needed))


def _quantities(
    department: Department,
    keys: list[str],
    edges: NDArray[np.float64],
    start: date | str | None,
    end: date | str | None,
) -> tuple[pd.DataFrame | None, pd.DataFrame | str]:
    """Hold the units of a line against the mean of the same product in the first band."""
    lines = line_prices(department, keys, start=start, end=end, extra=["product"])
    lines = lines.filter(_.is_inside & _.is_priced & (_.status == "won"))
    found = _against_first(lines, keys, edges, like=lines["product"], volume=lines.quantity)
    return found, "quantity"


def _wins(
    department: Department,
    keys: list[str],
    edges: NDArray[np.float64],
    start: date | str | None,
    end: date | str | None,
) -> tuple[pd.DataFrame | None, pd.DataFrame | str]:
    """Hold the wins of a band against those of deals of the same size in the first band."""
    deals, coverage = offered_deals(department, keys, [], start=start, end=end)
    if why_not_told(coverage) or not coverage["n_won_priced"].sum():
        return None, "none"
    deals = deals.filter(_.is_priced & _.is_offered)
    rank = ibis.percent_rank().over(order_by=deals.price_list)
    size = ibis.least((rank * SIZES).floor(), SIZES - 1).cast("int64")
    won = ibis.ifelse(deals.status == "won", 1, 0)  # 1.0 is a decimal to some engines
    found = _against_first(deals, keys, edges, like=size, volume=won)
    if not keys:
        return found, "wins"
    # a group whose lost deals have no prices would have won them all
    told = [not why_not_told(coverage.iloc[[row]]) for row in range(len(coverage))]
    basis = coverage[keys].assign(volume_basis=np.where(told, "wins", "none"))
    return found.merge(basis[np.array(told)][keys], on=keys), basis


def _basis(table: pd.DataFrame, keys: list[str], basis: pd.DataFrame | str) -> pd.Series:
    """Give the basis of each row: the same for all, or by group."""
    if isinstance(basis, str):
        return pd.Series(basis, index=table.index, dtype="str")
    found = table[keys].merge(basis, on=keys, how="left")["volume_basis"]
    return found.fillna("none").astype("str").set_axis(table.index)


def _against_first(
    cases: ibis.Table,
    keys: list[str],
    edges: NDArray[np.float64],
    *,
    like: ibis.Value,
    volume: ibis.Value,
) -> pd.DataFrame:
    """Add up volume, and the volume expected of the like in the first band, by group and band."""
    cases = cases.mutate(
        like=like, volume=volume.cast("float64"), band=band_expression(cases, edges)
    )
    first = cases.filter(_.band == 0).group_by([*keys, "like"]).agg(expected=_.volume.mean())
    joined = cases.inner_join(first, [*keys, "like"])
    kept = joined.select(*keys, "cluster", "band", "volume", "expected")
    return sum_by_cluster(
        kept,
        [*keys, "band"],
        {"n_compared": _.count()},
        {"volume": ((_.volume - _.expected).sum(), _.expected.sum())},
    )


def _add_volume(
    table: pd.DataFrame, volume: pd.DataFrame | None, keys: list[str], confidence: float
) -> None:
    """Put the growth of volume beside each band, with the noise of the first band in it."""
    names = ["associated_growth", "associated_growth_low", "associated_growth_high"]
    if volume is None or not len(volume):
        table["n_compared"] = np.zeros(len(table), dtype="int64")
        table[names] = np.nan
        return
    add_ratio(volume, names[0], ratio_of_sums(volume, "volume", confidence=confidence))
    base = volume[volume["band"] == 0][[*keys, *names]]
    base = base.assign(base_reach=base[names[2]] - base[names[0]])[[*keys, "base_reach"]]
    volume = volume.merge(base, on=keys, how="left") if keys else volume.merge(base, how="cross")
    value, base_reach = volume[names[0]].to_numpy(), volume["base_reach"].to_numpy()
    later = (volume["band"] > 0).to_numpy()
    reach = np.hypot(volume[names[2]].to_numpy() - value, (1 + value) * base_reach)
    reach, value = np.where(later, reach, 0.0), np.where(later, value, 0.0)
    add_ratio(volume, names[0], Ratio(value, np.maximum(value - reach, -1.0), value + reach))
    found = table[[*keys, "band"]].merge(
        volume[[*keys, "band", "n_compared", *names]], on=[*keys, "band"], how="left"
    )
    for name in names:
        table[name] = found[name].to_numpy(float)
    table["n_compared"] = found["n_compared"].fillna(0).to_numpy().astype("int64")
