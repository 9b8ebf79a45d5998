"""How often the expected close is put off, and what becomes of the deals then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.groups import counted, groups_of, places
from salesdiag.analyses.pipeline.push_cells import MOST, PUSH_RESERVED, push_cells
from salesdiag.analyses.pipeline.standing import STANDING
from salesdiag.errors import InputError
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import ratio, wilson_interval
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_COLUMNS = [
    "pushes", "n_group", "n_deals", "reached_share", "reached_share_low", "reached_share_high",
    "n_exactly", "n_won", "n_lost", "n_open", "n_undated",
    "win_rate", "win_rate_low", "win_rate_high", "n_pushes", "n_pulls", "n_unread",
]  # fmt: skip


def push_counts(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    months: int = 1,
) -> pd.DataFrame:
    """How often deals are put off to a later period, and how many are still won then.

    A push is a change of the expected close to a later fiscal period; moving it within the
    period is none, nor is what is written on the day of closing or afterwards. A deal that lives
    long has more time to be pushed, so comparing the win rate of deals by their final number of
    pushes compares slow deals with fast ones. Here the chance of a win is counted *from the push
    on*: of all deals pushed at least twice, how many are won after the second push; open deals
    count for as long as they were watched (Aalen-Johansen). It is an association: deals are
    pushed because they are weak, and a ban on pushing wins none.

    Parameters
    ----------
    department : Department
        Needs ``deal_changes`` (``deal_id``, ``field``, ``changed_at``, ``old_value``,
        ``new_value``) and ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``). Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. Deals are taken as independent.
    months : int, default 1
        Length of a period in months, from the start of the fiscal year: 1, 2, 3, 4, 6 or 12.

    Returns
    -------
    DataFrame
        Four rows a group, for at least 0, 1, 2 and 3 pushes:

        - the ``by`` columns, if any;
        - ``pushes`` : at least so many;
        - ``n_group`` : deals of the group; ``n_deals`` : of these, pushed at least so often;
        - ``reached_share``, ``reached_share_low``, ``reached_share_high`` : ``n_deals / n_group``,
          in [0, 1], with Wilson interval; young deals may still be pushed; NaN without deals;
        - ``n_exactly`` : deals pushed just so often, up to now; in the last row, so often or more;
        - ``n_won``, ``n_lost``, ``n_open`` : what became of the ``n_deals``;
        - ``n_undated`` : of these, without a day of creation or closing, left out of the rate;
        - ``win_rate``, ``win_rate_low``, ``win_rate_high`` : chance to be won, counted from the
          push (in the first row from the creation), in [0, 1]; NaN where none was decided;
        - ``n_pushes``, ``n_pulls`` : changes to a later, and to an earlier period; the same in all
          rows of a group; ``n_unread`` : changes whose old or new day is missing or no date.
          A change that stands twice in the table is one.

    Raises
    ------
    MissingDataError
        If a table or column is missing.
    InputError
        If ``months`` is none of those.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous
    Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    A was put off from January to February and won; B is due as it was.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["won", "lost"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-01-05"]),
    ...     "closed_at": pd.to_datetime(["2025-02-20", "2025-02-01"])})
    >>> changes = pd.DataFrame({
    ...     "deal_id": ["A"], "field": ["expected_close_on"], "old_value": ["2025-01-31"],
    ...     "new_value": ["2025-02-15"], "changed_at": pd.to_datetime(["2025-01-30"])})
    >>> department = Department(deals=deals, deal_changes=changes, as_of="2025-02-28")
    >>> push_counts(department)[["pushes", "n_deals", "n_exactly", "n_won", "win_rate"]]
       pushes  n_deals  n_exactly  n_won  win_rate
    0       0        2          1      1       0.5
    1       1        1          1      1       1.0
    2       2        0          0      0       NaN
    3       3        0          0      0       NaN
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *STANDING, *PUSH_RESERVED])
    level = share("confidence", confidence)
    if whole_number("months", months, least=1) not in (1, 2, 3, 4, 6, 12):
        message = f"months must be 1, 2, 3, 4, 6 or 12; got {months!r}."
        raise InputError(message)
    department.require(
        deals=["deal_id", "status", "created_at", "closed_at"],
        deal_changes=["deal_id", "field", "changed_at", "old_value", "new_value"],
    )
    cells = push_cells(department, keys, months=months, start=start, end=end)
    rows = groups_of(cells, keys).merge(pd.DataFrame({"pushes": range(MOST + 1)}), how="cross")
    return _table(rows, cells, keys, level)[[*keys, *_COLUMNS]]


def _table(rows: pd.DataFrame, cells: pd.DataFrame, keys: list[str], level: float) -> pd.DataFrame:
    place, n_rows = places(cells, rows, [*keys, "pushes"]), len(rows)
    ends = ["n_won", "n_lost", "n_open"]
    n_all = cells[ends].to_numpy(float).sum(axis=1)
    known = (cells["days"] >= 0).to_numpy() & (place >= 0)
    n_deals = counted(n_all, place, n_rows)
    by_group = n_deals.reshape(-1, MOST + 1)
    n_group = np.repeat(by_group[:, 0], MOST + 1)
    following = np.concatenate((by_group[:, 1:], np.zeros((len(by_group), 1), int)), axis=1)
    low, high = wilson_interval(n_deals, n_group, confidence=level)
    found = cumulative_incidence(
        cells["days"][known], cells["n_won"][known], cells["n_lost"][known],
        cells["n_open"][known], group=place[known], confidence=level,
    )  # fmt: skip
    rates = np.full((3, n_rows), np.nan)
    if known.any():
        rates[:, found.group.astype(int)] = found.rate, found.low, found.high
        rates[1:, np.isnan(rates[0])] = np.nan
    first = rows["pushes"].to_numpy() == 0
    extra = {name: counted(cells[name], place, n_rows)[first].repeat(MOST + 1)
             for name in ("n_pushes", "n_pulls", "n_unread")}  # fmt: skip
    return rows.assign(
        n_group=n_group, n_deals=n_deals, reached_share=ratio(n_deals, n_group),
        reached_share_low=low, reached_share_high=high,
        n_exactly=(by_group - following).ravel(),
        **{name: counted(cells[name], place, n_rows) for name in ends},
        n_undated=counted(n_all[~known], place[~known], n_rows),
        win_rate=rates[0], win_rate_low=rates[1], win_rate_high=rates[2], **extra,
    )  # fmt: skip
