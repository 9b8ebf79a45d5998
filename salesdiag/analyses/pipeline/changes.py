"""What made the open pipeline of one day into that of another."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.change_sums import (
    AMOUNTS,
    CHANGE_RESERVED,
    COUNTS,
    change_sums,
)
from salesdiag.analyses.pipeline.standing import STANDING, is_rebuilt
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.stats.arguments import share
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_SCOPES = ("all", "due in the period")
_COLUMNS = [
    "scope", "period_start", "period_end", "is_rebuilt", "opening_amount", "new_amount",
    "reopened_amount", "grew_amount", "shrank_amount", "pulled_in_amount", "slipped_in_amount",
    "undated_in_amount", "pushed_out_amount", "won_amount", "lost_amount", "closing_amount",
    "n_opening", "n_new", "n_reopened", "n_grew", "n_shrank", "n_pulled_in", "n_slipped_in",
    "n_undated_in", "n_pushed_out", "n_won", "n_lost", "n_closing", "n_without_amount", "n_unknown",
    "n_opening_open", "slip_rate", "slip_rate_low", "slip_rate_high",
]  # fmt: skip


def pipeline_changes(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Account for what made the open pipeline of a period's start into that of its end.

    ``opening_amount + new_amount + reopened_amount + grew_amount - shrank_amount +
    pulled_in_amount + slipped_in_amount + undated_in_amount - pushed_out_amount - won_amount -
    lost_amount = closing_amount``, exactly, and the same with the counts (without grew and shrank,
    which move no deal).

    The scope ``"all"`` takes all open deals; nothing can come into it or be pushed out but by
    being created or closed. The scope ``"due in the period"`` takes those whose expected close
    lies in the period: deals that were due later and came (or were won) earlier are pulled in;
    those that were overdue when it began, and were put off into it or won in it, slipped in; those
    that had no expected close then are undated; those due now that were put off, or lost their
    date, are pushed out. A deal that is both created and closed in the period counts as new and as
    won or lost, at its last amount; so do the others that come in. Deals that were there at the
    start count at the amount of that day, and what it changed until they closed, or the period
    ended, is grew or shrank. What was lost although it was not due is in the first scope only.

    Amounts, due dates and reps are those of the days, where ``deal_changes`` gives them; without
    it nothing grows, shrinks or is pushed, not because nothing was, but because nobody wrote it
    down: ``is_rebuilt`` tells. A deal was reopened if its stages say that it had been won or lost
    by the start and it is open, or closed again, by the end.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``); uses ``amount``,
        ``expected_close_on``, ``stage_changes`` and ``deal_changes``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has at the end of the period, where that is known, so that each deal is in one
        group throughout.
    start, end : date or str, optional
        First and last day of the period, both included: the opening is the evening before.
        Default: the fiscal quarter that ``as_of`` lies in; ``end`` at most ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    DataFrame
        Two rows a group, one a scope; none where the period begins after ``as_of``:

        - the ``by`` columns, if any;
        - ``scope`` : "all" or "due in the period";
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_rebuilt`` : there is a history in which amounts, due dates and, where deals are
          split, reps have changed; of what never changed in it, today's values are taken;
        - ``opening_amount``, ``closing_amount`` : open deals the evening before, and at the end;
        - ``new_amount``, ``reopened_amount``, ``grew_amount``, ``shrank_amount``,
          ``pulled_in_amount``, ``slipped_in_amount``, ``undated_in_amount``,
          ``pushed_out_amount``, ``won_amount``, ``lost_amount`` : what changed it,
          none of them negative unless a deal's amount is; all amounts are NaN where
          the deals carry none, or, in the second scope, no expected close;
        - ``n_opening``, ``n_new``, ``n_reopened``, ``n_grew``, ``n_shrank``, ``n_pulled_in``,
          ``n_slipped_in``, ``n_undated_in``, ``n_pushed_out``, ``n_won``, ``n_lost``,
          ``n_closing`` : the deals behind these;
        - ``n_without_amount`` : deals of the scope without an amount at one of its ends, which
          count as nothing there;
        - ``n_unknown`` : deals that lack the dates to be placed, left out;
        - ``n_opening_open`` : of ``n_opening``, not closed by the end;
        - ``slip_rate``, ``slip_rate_low``, ``slip_rate_high`` : ``n_opening_open / n_opening``, in
          [0, 1], with Wilson interval: for deals due in the period the share that was not closed in
          it; NaN without any.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If a day is none, or ``end`` lies before ``start``.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    A (100) was won in February; B (50) grew to 70; C (30) is new.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C"], "status": ["won", "open", "open"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-01-05", "2025-02-10"]),
    ...     "closed_at": pd.to_datetime(["2025-02-20", None, None]), "amount": [100.0, 70.0, 30.0]})
    >>> changes = pd.DataFrame({
    ...     "deal_id": ["B"], "field": ["amount"], "old_value": ["50"], "new_value": ["70"],
    ...     "changed_at": pd.to_datetime(["2025-02-19"])})
    >>> department = Department(deals=deals, deal_changes=changes, as_of="2025-02-28")
    >>> table = pipeline_changes(department, start="2025-02-01", end="2025-02-28")
    >>> names = ["opening_amount", "new_amount", "grew_amount", "won_amount", "closing_amount"]
    >>> table.loc[0, names].tolist()
    [150.0, 30.0, 20.0, 100.0, 100.0]
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *STANDING, *CHANGE_RESERVED])
    level = share("confidence", confidence)
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    first, last = _period(department, start, end)
    sums = change_sums(department, keys, first, last)
    if first > department.as_of:
        sums = sums.iloc[:0]
    has_due = department.has("deals", "expected_close_on")
    parts = [_scope(sums, keys, number, has_due=has_due) for number in range(len(_SCOPES))]
    table = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    low, high = wilson_interval(table["n_opening_open"], table["n_opening"], confidence=level)
    table = table.assign(
        period_start=pd.Timestamp(first), period_end=pd.Timestamp(last),
        is_rebuilt=is_rebuilt(department, first - timedelta(days=1), keys),
        slip_rate=ratio(table["n_opening_open"], table["n_opening"]),
        slip_rate_low=low, slip_rate_high=high,
    )  # fmt: skip
    kinds = {"period_start": "datetime64[us]", "period_end": "datetime64[us]", "is_rebuilt": "bool"}
    return table[[*keys, *_COLUMNS]].astype(kinds)


def _period(
    department: Department, start: date | str | None, end: date | str | None
) -> tuple[date, date]:
    """Give the days asked for; a side that is not asked for is that of the running quarter."""
    as_of = department.as_of
    last = as_of if end is None else parse_day(end, "end")
    if start is not None:
        first = parse_day(start, "start")
    else:
        first = department.calendar.period_of(min(last, as_of))[0]
    if end is None and first > last:
        last = first
    if first > last:
        message = f"end must not lie before start; got {first} to {last}."
        raise InputError(message)
    return first, min(last, as_of) if first <= as_of else last


def _scope(sums: pd.DataFrame, keys: list[str], number: int, *, has_due: bool) -> pd.DataFrame:
    """Give the rows of one scope."""
    table = sums[keys].assign(scope=_SCOPES[number]) if keys else pd.DataFrame(
        {"scope": [_SCOPES[number]] * len(sums)})  # fmt: skip
    known = (sums["n_priced"] > 0).to_numpy() & (has_due or number == 0)
    for name in AMOUNTS:
        values = sums[f"{name}_{number}"].to_numpy(float)
        table[f"{name}_amount"] = np.where(known, values, np.nan)
    for name in COUNTS:
        table[f"n_{name}"] = sums[f"n_{name}_{number}"].to_numpy("int64")
    return table.assign(n_unknown=sums["n_unknown"].to_numpy("int64"))
