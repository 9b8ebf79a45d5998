"""How many deals are won, by count and by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from salesdiag.analyses.funnel.win_counts import count_wins
from salesdiag.errors import InputError
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

# share of the deals that were not won that must carry an amount for a rate by value
_COVERED = 0.5
# deals of equal size below which the interval of a rate by value covers too little
_ENOUGH_EFFECTIVE = 10
_COLUMNS = [
    "population", "n_deals", "n_won", "n_lost", "n_open", "n_undated",
    "win_rate", "win_rate_low", "win_rate_high", "n_without_amount", "won_amount",
    "total_amount", "value_win_rate", "value_win_rate_low", "value_win_rate_high",
    "effective_deals", "value_win_rate_without_largest",
]  # fmt: skip


def win_rate(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    population: Literal["closed", "created"] = "closed",
) -> pd.DataFrame:
    """Share of deals that are won, by count and by value.

    Two shares go by this name, and they answer different questions. ``"closed"``: of the
    deals that were closed in the window, how many were won; open deals have no say, so
    while a department grows and losses come fast it reads too low, and too high when old
    losses are never entered. ``"created"``: of all deals created in the window, how many
    are won by now; open deals count in the denominator, so recent windows read too low
    until their deals are decided. Never compare one with the other.

    By value, only deals that carry an amount count. Many CRMs keep amounts of won deals only:
    where fewer than half of the deals that were not won, or of those that were, carry one, the
    share by value would be high or low by construction; it is NaN instead.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``status``), with ``closed_at`` or ``created_at`` for a window and
        ``amount`` for the share by value. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed** or **created**,
        by ``population``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    population : {"closed", "created"}, default "closed"
        Which deals the share is of.

    Returns
    -------
    DataFrame
        One row per group:

        - the ``by`` columns, if any;
        - ``population`` : ``"closed"`` or ``"created"``;
        - ``n_deals`` : the denominator; ``n_won``, ``n_lost``, ``n_open`` : its parts
          (``n_open`` is 0 for ``"closed"``);
        - ``n_undated`` : deals that could not be placed in the window for want of a date;
          0 without a window;
        - ``win_rate`` : ``n_won / n_deals``, in [0, 1]; NaN without deals;
        - ``win_rate_low``, ``win_rate_high`` : Wilson interval;
        - ``n_without_amount`` : deals of the denominator without an amount above 0;
        - ``won_amount``, ``total_amount`` : money won, and money of all deals that count, of
          amounts above 0; NaN without amounts;
        - ``value_win_rate`` : their ratio, in [0, 1]; NaN without amounts, or where fewer than
          half of the deals won, or of the others, carry one;
        - ``value_win_rate_low``, ``value_win_rate_high`` : Wilson interval at the effective
          number of deals; below 10 of them it says nothing, 0 to 1;
        - ``effective_deals`` : that number: deals of equal size that would tell as much, so that a
          few large deals count for few;
        - ``value_win_rate_without_largest`` : the same without the largest single deal;
          NaN for fewer than two.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If ``population`` is not one of the two.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion.
    Statistics in Medicine 17, 857-872.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C", "D"], "status": ["won", "lost", "lost", "open"],
    ...     "amount": [60.0, 30.0, 10.0, 50.0],
    ... })
    >>> department = Department(deals=deals, as_of="2025-12-31")
    >>> closed = win_rate(department)
    >>> closed[["n_deals", "n_won", "win_rate", "value_win_rate"]].round(3)
       n_deals  n_won  win_rate  value_win_rate
    0        3      1     0.333             0.6
    >>> win_rate(department, population="created")["win_rate"].item()
    0.25
    """
    if population not in ("closed", "created"):
        message = f"population must be 'closed' or 'created'; got {population!r}."
        raise InputError(message)
    keys = department.split_keys(by, results=_COLUMNS)
    counts = count_wins(department, keys, population=population, start=start, end=end)
    return win_rates(counts, keys, population=population, confidence=confidence)


def win_rates(
    counts: pd.DataFrame, keys: list[str], *, population: str, confidence: float
) -> pd.DataFrame:
    """Turn the counts and sums of `count_wins` into the table of `win_rate`."""
    table = counts.copy()
    table.insert(len(keys), "population", population)
    table["win_rate"] = ratio(table["n_won"], table["n_deals"])
    low, high = wilson_interval(table["n_won"], table["n_deals"], confidence=confidence)
    table["win_rate_low"], table["win_rate_high"] = low, high
    not_won = table["n_deals"] - table["n_won"]
    can_tell = table["n_not_won_with_amount"] >= _COVERED * not_won
    won_with_amount = table["n_deals"] - table["n_without_amount"] - table["n_not_won_with_amount"]
    can_tell &= won_with_amount >= _COVERED * table["n_won"]
    value = np.where(can_tell, ratio(table["won_amount"], table["total_amount"]), np.nan)
    # linearised variance of a ratio of sums over deals
    lost_squares = table["all_squares"] - table["won_squares"]
    spread = table["won_squares"] * (1 - value) ** 2 + lost_squares * value**2
    size = ratio(value * (1 - value) * table["total_amount"] ** 2, spread)
    # at a share of 0 or 1 the ratio has no spread: count deals of equal weight instead
    size = np.where(np.isnan(size), ratio(table["total_amount"] ** 2, table["all_squares"]), size)
    low, high = wilson_interval(value * size, np.where(np.isnan(value), 0, size),
                                confidence=confidence)  # fmt: skip
    size = np.where(np.isnan(value), np.nan, size)
    enough = size >= _ENOUGH_EFFECTIVE
    table["value_win_rate"], table["effective_deals"] = value, size
    unknown = np.where(np.isnan(value), np.nan, 0.0)
    table["value_win_rate_low"] = np.where(enough, low, unknown)
    table["value_win_rate_high"] = np.where(enough, high, unknown + 1)
    largest_won = table["largest"].where(table["largest_won"] == table["largest"], 0.0)
    rest = ratio(table["won_amount"] - largest_won, table["total_amount"] - table["largest"])
    table["value_win_rate_without_largest"] = np.where(can_tell, rest, np.nan)
    table = table.sort_values(keys) if keys else table
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)
