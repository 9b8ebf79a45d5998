"""How much of a change in revenue is price, volume, mix or currency."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.discount.sold_sums import (
    COUNTS,
    RETURNS,
    SOLD,
    UNSPLIT,
    Windows,
    sold_sums,
)
from salesdiag.errors import InputError
from salesdiag.periods import add_months, last_twelve_months, parse_day
from salesdiag.reductions.deal_prices import NAMES
from salesdiag.stats.arguments import share
from salesdiag.stats.decomposition import TERMS
from salesdiag.stats.decomposition import price_volume_mix as split_change
from salesdiag.stats.rates import compound_poisson_interval, ratio
from salesdiag.stats.resampling import drawn_interval, drawn_sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_COLUMNS = [
    "base_start", "base_end", "window_start", "window_end", "n_items", "n_new_items",
    "n_lost_items", "n_accounts", *COUNTS, "base_amount", "window_amount",
    "change_amount", "term", "part_amount", "part_amount_low", "part_amount_high",
]  # fmt: skip
_SIDES = ("base", "window")
_APART = (RETURNS, UNSPLIT)
_DRAWS = 500


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
    window only have no price to compare: they stand apart as new and lost. What came back
    (quantities or prices below 0) and credits stand apart as returns, so that they hide neither
    in volume nor in price; and so does the money that no line explains: deals won without
    lines, and what an amount holds beyond the lines of its deal, or less. The terms add up to
    the change of all money won exactly: of the amounts of the deals, or of the net prices of
    their lines where a deal has no amount.

    What is called an item decides between price and mix: the finer the items, the more of a
    change is mix. Without a table of lines a deal counts as one unit of its product, and what a
    larger deal brings is price. A rise of list prices and a smaller discount are both price
    here. A window should be held against the same season; the default is the year before.

    Currency is told apart where ``deals`` names the currency and the department has
    ``fx_rates``: then an item is a product in one currency, at the mean rate of its window.
    Without them it is 0, as it is for returns and for what has no lines.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``closed_at``) and ``line_items``, or
        ``amount`` and ``product`` in ``deals``; uses ``amount`` beside lines. Not modified.
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
        - ``n_accounts`` : accounts (or deals without one) behind the money;
        - ``n_deals`` : deals won in either window; ``n_undated`` : won on an unknown day, in
          neither; ``n_without_lines`` : deals of the windows without lines, their amounts in
          "unsplit"; 0 where there is no table of lines;
        - ``n_returns`` : lines, or deals without lines, of money below 0; ``n_left_out`` : such of
          no money at all, or of money unknown;
        - ``base_amount``, ``window_amount``, ``change_amount`` : revenue of the two windows, less
          returns, and its change, the same in all rows of a group;
        - ``term`` : "volume", "mix", "price", "currency", "new", "lost", "returns" or "unsplit"
          (money that no line of a quantity above 0 explains);
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
    {'volume': 5100.0, 'mix': 0.0, 'price': 2100.0, 'currency': 0.0, 'new': 0.0, 'lost': 0.0,
     'returns': 0.0, 'unsplit': 0.0}
    """
    share("confidence", confidence)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "item", "side", "bucket"])
    windows = _windows(department, start, end, base_start, base_end)
    rows, counts = sold_sums(department, keys, item, windows)
    parts = []
    for group in counts[keys].itertuples(index=False) if keys else [()]:
        own = np.ones(len(rows), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            own &= (rows[key] == value).to_numpy()
        found = _one_group(rows[own], confidence)
        parts.append(found.assign(**dict(zip(keys, map(str, group), strict=True))))
    if not parts:
        parts = [_one_group(rows, confidence).iloc[:0].assign(**dict.fromkeys(keys, ""))]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(**{name: pd.Timestamp(day) for name, day in windows._asdict().items()})
    table = table.merge(counts, on=keys, how="left") if keys else table.merge(counts, how="cross")
    if not keys and not counts["n_deals"].sum():  # nothing was won
        table = table.iloc[:0]
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)


def _windows(
    department: Department,
    start: date | str | None,
    end: date | str | None,
    base_start: date | str | None,
    base_end: date | str | None,
) -> Windows:
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
    return Windows(base_first, base_last, first, last)


def _one_group(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Split what was sold, and put what came back and what no line explains beside it."""
    sold = rows[rows["kind"] == SOLD]
    parts = np.hstack([_split(sold, confidence), _apart(rows, confidence)])
    own = {name: set(sold["item"][sold["side"] == name]) for name in _SIDES}
    amounts = [round(float(rows["value"][rows["side"] == name].sum()), 4) for name in _SIDES]
    table = pd.DataFrame({
        "term": np.array([*TERMS, *_APART], dtype=object), "part_amount": parts[0],
        "part_amount_low": parts[1], "part_amount_high": parts[2],
    }).astype({"term": "str"})  # fmt: skip
    return table.assign(
        n_items=len(own["base"] | own["window"]),
        n_new_items=len(own["window"] - own["base"]),
        n_lost_items=len(own["base"] - own["window"]),
        base_amount=amounts[0],
        window_amount=amounts[1],
        change_amount=amounts[1] - amounts[0],
    )


def _split(rows: pd.DataFrame, confidence: float) -> NDArray[np.float64]:
    """Give the terms of what was sold, and the ends of their intervals."""
    if not len(rows):
        return np.zeros((3, len(TERMS)))
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
    found = split_change(
        rows["item"].to_numpy(str), quantity["base"], foreign["base"], quantity["window"],
        foreign["window"], base_rate=rate["base"], rate=rate["window"],
        cluster=rows["bucket"].to_numpy(), confidence=confidence, n_draws=_DRAWS,
    )  # fmt: skip
    if rows["bucket"].nunique() == 1:
        return _one_event(found.total, confidence)
    return np.array([found.total, found.low, found.high])


def _apart(rows: pd.DataFrame, confidence: float) -> NDArray[np.float64]:
    """Give the change of what came back and of what no line explains, with their intervals."""
    buckets, place = np.unique(rows["bucket"].to_numpy(), return_inverse=True)
    signed = rows["value"].to_numpy() * np.where(rows["side"] == "window", 1.0, -1.0)
    change = np.column_stack([
        np.bincount(place, np.where(rows["kind"] == kind, signed, 0.0), minlength=len(buckets))
        for kind in _APART
    ]).astype(float)  # fmt: skip
    total = change.sum(axis=0)
    if len(buckets) < 2:
        return _one_event(total, confidence)
    draws = drawn_sums(change, n_draws=_DRAWS, seed=0)
    ends = drawn_interval(draws, total, n_clusters=len(buckets), confidence=confidence)
    return np.array([total, *ends])


def _one_event(total: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Give the interval of one account: as chance moves a single event."""
    size = np.abs(total)
    ends = compound_poisson_interval(size, size**2, size, typical=1.0, confidence=confidence)
    near, far = (np.where(size > 0, one, 0.0) for one in ends)
    return np.array([total, np.where(total < 0, -far, near), np.where(total < 0, -near, far)])
