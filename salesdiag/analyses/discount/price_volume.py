"""How much of a change in revenue is price, volume, mix or currency."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch, steady, suggest
from salesdiag.errors import InputError, MissingDataError
from salesdiag.periods import add_months, last_twelve_months, parse_day
from salesdiag.reductions.buckets import with_buckets
from salesdiag.reductions.deal_prices import deal_prices, line_prices
from salesdiag.stats.arguments import share
from salesdiag.stats.decomposition import TERMS
from salesdiag.stats.decomposition import price_volume_mix as split_change
from salesdiag.stats.rates import compound_poisson_interval, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_COLUMNS = [
    "base_start", "base_end", "window_start", "window_end", "n_items", "n_new_items",
    "n_lost_items", "n_accounts", "n_left_out", "base_amount", "window_amount",
    "change_amount", "term", "part_amount", "part_amount_low", "part_amount_high",
]  # fmt: skip
_SIDES = ("base", "window")


class _Windows(NamedTuple):
    base_start: date
    base_end: date
    window_start: date
    window_end: date


def price_volume_mix(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    base_start: date | str | None = None,
    base_end: date | str | None = None,
    item: str = "product",
) -> pd.DataFrame:
    """Split the change in revenue against an earlier window into volume, mix, price and currency.

    Volume is what more or fewer units bring at the old mix and price, mix what the shift
    between items of different price brings, price what the same item brings at another net
    price. No joint term is left over or hidden in one of them: each factor gets what its
    change adds, averaged over all orders in which they can change (Shapley). Items sold in one
    window only have no price to compare: they stand apart as new and lost. The terms add up
    to the change exactly.

    What is called an item decides between price and mix: the finer the items, the more of a
    change is mix. Without product lines a deal counts as one unit of its product, and what a
    larger deal brings is price. A rise of list prices and a smaller discount are both price
    here. A window should be held against the same season; the default is the year before.

    Currency is told apart where ``deals`` names the currency and the department has
    ``fx_rates``: then an item is a product in one currency, at the mean rate of its window.
    Without them it is 0.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``closed_at``) and ``line_items``, or
        ``amount``, ``list_amount`` and ``product`` in ``deals``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **won**. Default: the twelve
        months that end with ``end``, or with ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    base_start, base_end : date or str, optional
        The earlier window. Default: the same days a year before.
    item : str, default "product"
        Column of ``line_items`` or ``deals`` whose values have a price of their own.

    Returns
    -------
    DataFrame
        One row per group and term:

        - the ``by`` columns, if any;
        - ``base_start``, ``base_end``, ``window_start``, ``window_end`` : the days compared;
        - ``n_items``, ``n_new_items``, ``n_lost_items`` : items sold in either window, and only
          in the later or the earlier one;
        - ``n_accounts`` : accounts (or deals without one) behind them;
        - ``n_left_out`` : lines or deals left out for want of a quantity or price above 0;
        - ``base_amount``, ``window_amount``, ``change_amount`` : revenue of the two windows and
          its change, the same in all rows of a group;
        - ``term`` : "volume", "mix", "price", "currency", "new" or "lost";
        - ``part_amount`` : money that the term adds; the parts add up to ``change_amount``;
        - ``part_amount_low``, ``part_amount_high`` : how far it moves with other accounts of the
          same kind (accounts drawn with replacement, beyond 100 of them in 100 bundles; a
          single account is taken as one event of chance).

    Raises
    ------
    MissingDataError
        If prices, days of closing or the item's column are missing, or a ``by`` column is.
    InputError
        If the windows overlap or end before they begin, or ``by`` holds the name of a result.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.
    Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a unified
    framework based on the Shapley value. Journal of Economic Inequality 11, 99-126.

    Examples
    --------
    1,000 at 50 became 1,100 at 52.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": "won",
    ...     "closed_at": pd.to_datetime(["2024-05-02", "2025-05-02"]),
    ... })
    >>> lines = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "product": "desk", "quantity": [1000.0, 1100.0],
    ...     "list_price": [60.0, 60.0], "unit_price": [50.0, 52.0],
    ... })
    >>> department = Department(deals=deals, line_items=lines, as_of="2025-12-31")
    >>> table = price_volume_mix(department)
    >>> dict(zip(table["term"], table["part_amount"].round(2)))
    {'volume': 5100.0, 'mix': 0.0, 'price': 2100.0, 'currency': 0.0, 'new': 0.0, 'lost': 0.0}
    """
    share("confidence", confidence)
    keys = department.split_keys(by, results=[*_COLUMNS, "item", "side", "bucket"])
    windows = _windows(department, start, end, base_start, base_end)
    rows, counts = _reduce(department, keys, item, windows)
    groups = list(rows.groupby(keys)) if keys else [((), rows)]
    parts = [
        _one_group(part, confidence).assign(**dict(zip(keys, map(str, group), strict=True)))
        for group, part in groups
    ]
    if not parts:
        parts = [_one_group(rows, confidence).assign(**dict.fromkeys(keys, ""))]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(**{name: pd.Timestamp(day) for name, day in windows._asdict().items()})
    table = table.merge(counts, on=keys, how="left") if keys else table.merge(counts, how="cross")
    return table[[*keys, *_COLUMNS]]


def _windows(
    department: Department,
    start: date | str | None,
    end: date | str | None,
    base_start: date | str | None,
    base_end: date | str | None,
) -> _Windows:
    # what lies beyond as_of has not come yet, and last year's share of it is no base
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    day = timedelta(days=1)
    same_last = add_months(last + day, -12) - day
    base_last = same_last if base_end is None else parse_day(base_end, "base_end")
    base_first = (
        add_months(first, -12) if base_start is None else parse_day(base_start, "base_start")
    )
    if base_last >= first and base_first <= last:
        message = (
            f"base_start and base_end must give a window that does not overlap {first} to {last}; "
            f"got {base_first} to {base_last}."
        )
        raise InputError(message)
    return _Windows(base_first, base_last, first, last)


def _reduce(
    department: Department, keys: list[str], item: str, windows: _Windows
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up quantity and value per group, item, bucket of accounts and window.

    The second table counts, per group, accounts and what was left out.
    """
    department.require(deals=["closed_at"])
    sold = _sold(department, keys, item)
    base = sold.closed_on.between(windows.base_start, windows.base_end)
    window = sold.closed_on.between(windows.window_start, windows.window_end)
    sold = sold.mutate(side=ibis.cases((base, "base"), (window, "window"))).filter(_.side.notnull())
    counted = (sold.quantity > 0) & (sold.price_net > 0)
    sold = sold.mutate(is_counted=counted.fill_null(False))  # noqa: FBT003
    summed = sold.group_by([*keys, "item", "side", "cluster"]).agg(
        quantity=_.quantity.sum(where=_.is_counted),
        value=_.price_net.sum(where=_.is_counted),
        foreign=_.foreign.sum(where=_.is_counted),
        n_counted=_.count(where=_.is_counted),
        n_left_out=_.count(where=~_.is_counted),
    )
    summed = with_buckets(summed, "cluster")
    rows = fetch(
        summed.filter(_.n_counted > 0)
        .group_by([*keys, "item", "side", "bucket"])
        .agg(quantity=_.quantity.sum(), value=_.value.sum(), foreign=_.foreign.sum())
    )
    rows = rows.sort_values([*keys, "item", "side", "bucket"]).reset_index(drop=True)
    rows["value"] = rows["value"].astype(float)
    for name in ("quantity", "foreign"):
        rows[name] = steady(rows[name])
    behind = {
        "n_accounts": _.cluster.nunique(where=_.n_counted > 0),
        "n_left_out": _.n_left_out.sum(),
    }
    counts = fetch(summed.group_by(keys).agg(**behind) if keys else summed.agg(**behind))
    return rows, counts.fillna(0).astype(dict.fromkeys(behind, "int64"))


def _sold(department: Department, keys: list[str], item: str) -> ibis.Table:
    """Give what was won: lines with their quantity, or deals as one unit of their product."""
    fx = department.has("fx_rates") and department.has("deals", "currency")
    extra = ["currency"] if fx else []
    if department.has("line_items"):
        in_lines = department.has("line_items", item)
        if not in_lines:
            _require_item(department, item)
        extra = extra if in_lines else [*extra, item]
        rows = line_prices(department, keys, extra=extra, columns=[item] if in_lines else [])
    else:
        _require_item(department, item)
        rows = deal_prices(department, keys, extra=[*extra, item]).mutate(
            quantity=ibis.literal(1).cast("float64")
        )
    rows = rows.filter(_.status == "won").mutate(item=rows[item].cast("string"))
    if not fx:
        return rows.mutate(foreign=rows.price_net.cast("float64"))
    rows = _with_rates(rows, department)
    label = rows["item"] + " in " + rows.currency
    return rows.mutate(item=label, foreign=rows.price_net.cast("float64") / rows.fx_rate)


def _require_item(department: Department, item: str) -> None:
    if not department.has("deals", item):
        known = {one for name in ("deals", "line_items") if department.has(name)
                 for one in department.table(name).columns}  # fmt: skip
        message = f"item: neither deals nor line_items has a column {item!r}."
        raise MissingDataError(message + suggest(item, sorted(known)), missing=(f"deals.{item}",))


def _with_rates(rows: ibis.Table, department: Department) -> ibis.Table:
    """Join the latest rate on or before the day of closing; 1 where there is none."""
    given = department.table("fx_rates")
    given = given.select(code=given.currency.upper(), on=given.on, rate=given.rate)
    given = given.group_by("code", "on").agg(rate=_.rate.max())
    rows = rows.mutate(currency=rows.currency.upper())
    days = rows.select(code=rows.currency, day=rows.closed_on).distinct()
    both = days.inner_join(given.rename(of="code"), [("code", "of")])
    latest = both.filter(both.on <= both.day).group_by("code", "day").agg(on=_.on.max())
    dated = latest.inner_join(given, ["code", "on"]).select("code", "day", fx_rate="rate")
    joined = rows.left_join(dated, [rows.currency == dated.code, rows.closed_on == dated.day])
    return joined.mutate(fx_rate=ibis.coalesce(joined.fx_rate, 1.0)).drop("code", "day")


def _one_group(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    side = {name: (rows["side"] == name).to_numpy() for name in _SIDES}
    quantity = {name: rows["quantity"].where(side[name], 0.0) for name in _SIDES}
    foreign = {name: rows["foreign"].where(side[name], 0.0) for name in _SIDES}
    value = {name: rows["value"].where(side[name], 0.0) for name in _SIDES}
    # the mean rate of an item and window; what was not sold then keeps the other window's
    rate = {
        name: ratio(value[name].groupby(rows["item"]).transform("sum"),
                    foreign[name].groupby(rows["item"]).transform("sum"))
        for name in _SIDES
    }  # fmt: skip
    rate = {name: np.where(np.isnan(rate[name]), rate[other], rate[name])
            for name, other in zip(_SIDES, _SIDES[::-1], strict=True)}  # fmt: skip
    if not len(rows):
        return _table(rows, side, value, np.empty((3, 0)), [])
    found = split_change(
        rows["item"].to_numpy(str), quantity["base"], foreign["base"], quantity["window"],
        foreign["window"], base_rate=rate["base"], rate=rate["window"],
        cluster=rows["bucket"].to_numpy(), confidence=confidence, n_draws=500,
    )  # fmt: skip
    low, high = found.low, found.high
    if rows["bucket"].nunique() == 1:  # one account: as chance moves a single event
        size = np.abs(found.total)
        ends = compound_poisson_interval(size, size**2, size, typical=1.0, confidence=confidence)
        near, far = (np.where(size > 0, one, 0.0) for one in ends)
        low = np.where(found.total < 0, -far, near)
        high = np.where(found.total < 0, -near, far)
    return _table(rows, side, value, np.array([found.total, low, high]), list(TERMS))


def _table(
    rows: pd.DataFrame,
    side: dict[str, NDArray[np.bool_]],
    value: dict[str, pd.Series],
    parts: NDArray[np.float64],
    terms: list[str],
) -> pd.DataFrame:
    """Put the terms of a group under each other, with what they are of."""
    sold = {name: set(rows["item"][side[name]]) for name in _SIDES}
    amounts = [round(float(value[name].sum()), 4) for name in _SIDES]
    whole = {
        "n_items": len(sold["base"] | sold["window"]),
        "n_new_items": len(sold["window"] - sold["base"]),
        "n_lost_items": len(sold["base"] - sold["window"]),
        "base_amount": amounts[0],
        "window_amount": amounts[1],
        "change_amount": amounts[1] - amounts[0],
    }
    table = pd.DataFrame({
        "term": np.array(terms, dtype=object), "part_amount": parts[0],
        "part_amount_low": parts[1], "part_amount_high": parts[2],
    }).astype({"term": "str"})  # fmt: skip
    return table.assign(**whole)
