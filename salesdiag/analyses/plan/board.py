"""The results board: leads, closed deals and sales volume, week by week."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch, steady
from salesdiag.periods import last_twelve_months, parse_day
from salesdiag.reductions.plan_sums import typical_size
from salesdiag.stats.arguments import share
from salesdiag.stats.rates import compound_poisson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis

    from salesdiag.department import Department

_YEAR = 52  # weeks, so that a week is held against one of the same weekdays and season
_WEEK = ["week_start", "week_end"]
_EARLIER = {"n_leads": "earlier_leads", "n_won": "earlier_won", "won_amount": "earlier_amount"}
_COLUMNS = [
    *_WEEK, "entry_basis", "n_leads", "n_won", "n_without_amount", "won_amount", "won_amount_low",
    "won_amount_high", *_EARLIER.values(),
]  # fmt: skip
_SUMS = ["n_leads", "n_won", "n_without_amount", "won_amount", "squares"]
_ON_THE_WAY = ("squares", "largest", "day", "n_rows", "week")


def results_board(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Count leads, closed deals and sales by week, beside the same weeks a year before.

    The board that hangs on the wall of a sales room. Single weeks scatter by chance, and the
    interval of the money says how far; a trend is what several weeks tell together. The week
    of a year before is the one of 52 weeks earlier, so that it has the same weekdays; moving
    holidays fall into another week. What is counted as coming in are leads; where there is no
    table of leads, or it cannot be split so, the deals created, as ``entry_basis`` says.

    Parameters
    ----------
    department : Department
        Needs ``status`` and ``closed_at`` in ``deals``, and ``leads.created_at`` or
        ``deals.created_at``; ``deals.amount`` for money. Not modified.
    by : str or sequence of str, default ()
        Columns of ``deals``, ``reps``, ``accounts`` such as ``"team"``.
    start, end : date or str, optional
        Only weeks, from Monday to Sunday, that lie wholly between these days (both included)
        and have ended by ``as_of``. Default: those of the twelve months up to ``end``.
    confidence : float, default 0.95
        Level of the interval, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        One row per group and week, in order of time; weeks without anything are rows too:

        - the ``by`` columns, if any;
        - ``week_start``, ``week_end`` : its Monday and its Sunday;
        - ``entry_basis`` : what ``n_leads`` counts: "leads", or "deals" created;
        - ``n_leads`` : those that came in;
        - ``n_won`` : deals won, by closing date; ``n_without_amount`` : of these, those without
          an amount, which are not in the money;
        - ``won_amount`` : money won; NaN where no amounts are known;
        - ``won_amount_low``, ``won_amount_high`` : how far chance alone can move it; NaN
          without amounts, or where the week's sum is below 0;
        - ``earlier_leads``, ``earlier_won``, ``earlier_amount`` : the same 52 weeks before; NaN
          where the data do not hold the whole of that week.

    Raises
    ------
    MissingDataError
        If status, closing or creation dates are missing, or no table has a column to split by.
    InputError
        If a column is named like a result, or a day or the level is none.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["won", "open"], "amount": [900.0, 500.0],
    ...     "created_at": pd.to_datetime(["2025-01-07", "2025-01-14"]),
    ...     "closed_at": pd.to_datetime(["2025-01-15", None]),
    ... })
    >>> board = results_board(Department(deals=deals, as_of="2025-01-19"), start="2025-01-06")
    >>> board[["week_start", "entry_basis", "n_leads", "n_won", "won_amount"]]
      week_start entry_basis  n_leads  n_won  won_amount
    0 2025-01-06       deals        1      0         0.0
    1 2025-01-13       deals        1      1       900.0
    """
    level = share("confidence", confidence)
    keys = department.split_keys(by, results=[*_COLUMNS, *_ON_THE_WAY])
    department.require(deals=["status", "closed_at"])
    weeks = _weeks(department, start, end)
    entries, basis = _entries(department, keys)
    won = _won(department, keys)
    days = pd.concat([entries, won], ignore_index=True)
    table = _by_week(days, weeks, keys, shift=0)
    has_money = department.has("deals", "amount")
    typical = typical_size(department, "revenue") if has_money else 0.0
    if not has_money:
        table["won_amount"] = np.nan
    low, high = compound_poisson_interval(
        table["won_amount"], table["squares"], table["largest"], typical=typical, confidence=level
    )
    table = table.assign(entry_basis=basis, won_amount_low=low, won_amount_high=high)
    before = _by_week(days, weeks, keys, shift=_YEAR)
    for column, name in _EARLIER.items():
        known = _known_since(won if column != "n_leads" else entries, weeks, table)
        if column == "won_amount" and not has_money:
            known[:] = False
        table[name] = before[column].astype("float64").where(known)
    return table[[*keys, *_COLUMNS]]


def _weeks(
    department: Department, start: date | str | None, end: date | str | None
) -> pd.DatetimeIndex:
    """List the Mondays of the weeks that lie wholly in the window and have ended."""
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    first = last_twelve_months(last)[0] if start is None else parse_day(start, "start")
    monday = first + timedelta(days=-first.weekday() % 7)
    return pd.date_range(monday, last - timedelta(days=6), freq="7D", unit="us")


def _entries(department: Department, keys: list[str]) -> tuple[pd.DataFrame, str]:
    """Count what came in by day: leads where they can be split so, or else deals created."""
    if department.has("leads", "created_at") and _splits_leads(department, keys):
        rows, basis = department.with_keys(department.table("leads"), keys), "leads"
    else:
        department.require(deals=["created_at"])
        rows, basis = department.select_deals(by=keys), "deals"
    rows = rows.filter(rows.created_at.date() <= department.as_of)
    return _daily(rows, rows.created_at, keys, {"n_leads": _.count()}), basis


def _splits_leads(department: Department, keys: list[str]) -> bool:
    """Tell whether leads carry the columns to split by, or the rep or account that does."""
    links = {"reps": "rep_id", "accounts": "account_id"}
    own = department.table("leads").columns
    return all(key in own or links.get(department.home_of(key), "") in own for key in keys)


def _won(department: Department, keys: list[str]) -> pd.DataFrame:
    rows = department.select_deals(by=keys)
    rows = rows.filter((_.status == "won") & (rows.closed_at.date() <= department.as_of))
    sums = {"n_won": _.count()}
    if department.has("deals", "amount"):
        worth = _.amount.cast("float64")
        sums |= {"n_without_amount": _.amount.isnull().sum(), "won_amount": worth.sum(),
                 "squares": (worth * worth).sum(), "largest": worth.max()}  # fmt: skip
    return _daily(rows, rows.closed_at, keys, sums)


def _daily(
    rows: ibis.Table, moment: ibis.Value, keys: list[str], sums: dict[str, ibis.Value]
) -> pd.DataFrame:
    found = fetch(rows.mutate(day=moment.date()).group_by([*keys, "day"]).agg(**sums))
    found = found.sort_values([*keys, "day"], ignore_index=True)
    if "squares" in found:
        found["squares"] = steady(found["squares"])
    return found.assign(day=pd.to_datetime(found["day"]).astype("datetime64[us]"))


def _by_week(
    days: pd.DataFrame, weeks: pd.DatetimeIndex, keys: list[str], *, shift: int
) -> pd.DataFrame:
    """Add the days up inside each week, or inside the week so many before; fill the holes."""
    monday = days["day"] - pd.to_timedelta(days["day"].dt.day_of_week - 7 * shift, unit="D")
    found = days.assign(week_start=monday).reindex(
        columns=[*keys, "week_start", *_SUMS, "largest"], fill_value=np.nan
    )
    sums = found.groupby([*keys, "week_start"], as_index=False).agg(
        dict.fromkeys(_SUMS, "sum") | {"largest": "max"}
    )
    cells = pd.DataFrame({"week_start": weeks})
    if keys:
        cells = days[keys].drop_duplicates().merge(cells, how="cross")
    table = cells.merge(sums, on=[*keys, "week_start"], how="left")
    table = table.fillna(dict.fromkeys([*_SUMS, "largest"], 0.0))
    table = table.sort_values(["week_start", *keys], ignore_index=True)
    counts = dict.fromkeys([name for name in _SUMS if name.startswith("n_")], "int64")
    # days are added as floats; money has four digits
    table["won_amount"] = table["won_amount"].round(4)
    return table.astype(counts).assign(week_end=table["week_start"] + pd.Timedelta(days=6))


def _known_since(days: pd.DataFrame, weeks: pd.DatetimeIndex, table: pd.DataFrame) -> pd.Series:
    """Tell of each row whether the data had begun when its week of a year before began."""
    if not len(days) or not len(weeks):
        return pd.Series(data=False, index=table.index)
    known: pd.Series = table["week_start"] - pd.Timedelta(weeks=_YEAR) >= days["day"].min()
    return known
