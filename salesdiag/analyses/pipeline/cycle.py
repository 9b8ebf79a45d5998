"""How long it takes from creating a deal to closing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.groups import counted, groups_of, places
from salesdiag.analyses.pipeline.quantiles import (
    Times,
    ended_quantile,
    ended_weights,
    plain_quantile,
    wait_quantile,
)
from salesdiag.reductions.ages import AGE_COUNTS, RESERVED, age_cells
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_ENDS = ("won", "lost", "closed")
_OTHERS = {"lower_quartile_days": 0.25, "upper_quartile_days": 0.75, "slowest_tenth_days": 0.9}
_COLUMNS = [
    "outcome", "n_deals", "n_undated", "n_open", "n_ended",
    "median_days", "median_days_low", "median_days_high", *_OTHERS,
    "closed_only_median_days", "is_closed_only_short", "watched_days",
]  # fmt: skip


def cycle_time(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many days deals take from being created to being won, to being lost, to either.

    The median of the deals closed so far is the figure in every report, and it is too short
    wherever deals are still open: the slow ones are not in it yet. Here open deals count for as
    long as they were watched. *Won* and *lost* are medians among those that end so within what
    was watched (Aalen-Johansen [1]_, the other outcome as rival); *closed* is the time by which
    half of all deals are closed, whatever comes of the rest (Kaplan-Meier).

    What was not watched cannot be told: where the oldest deals are 90 days old, wins that take
    longer are unknown to every figure here, so compare groups and periods only where
    ``watched_days`` is well beyond the slowest tenth. Losses that are entered late make lost
    deals look slow.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``). Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. Deals are taken as independent.

    Returns
    -------
    DataFrame
        One row per group and outcome:

        - the ``by`` columns, if any;
        - ``outcome`` : "won", "lost", or "closed" for either;
        - ``n_deals`` : deals of the group; ``n_undated`` : of these, without a day of creation, or
          decided on an unknown day, left out; ``n_open`` : open ones, counted as long as watched;
        - ``n_ended`` : deals that ended so; an end dated before the creation counts as day 0;
        - ``median_days`` : as above; NaN where none ended so, or not half of all was closed within
          what was watched; ``median_days_low``, ``median_days_high`` : its interval, infinite at
          the upper end where that lies beyond what was watched;
        - ``lower_quartile_days``, ``upper_quartile_days``, ``slowest_tenth_days`` : days within
          which a quarter, three quarters and nine tenths end so; NaN likewise;
        - ``closed_only_median_days`` : the median of the deals that ended so by now, without the
          open ones; NaN without any;
        - ``is_closed_only_short`` : that figure lies below the interval of the median: do not
          report it;
        - ``watched_days`` : the longest time that a deal of the group was watched; NaN without any.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed.

    References
    ----------
    .. [1] Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
       non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    One deal was won after 10 days and one after 30; two are open since 20 days, so they tell
    nothing of day 30: the win on day 30 stands for three.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["won", "won", "open", "open"],
    ...     "created_at": pd.to_datetime(["2025-01-01", "2025-01-01", "2025-01-11", "2025-01-11"]),
    ...     "closed_at": pd.to_datetime(["2025-01-11", "2025-01-31", None, None]),
    ... })
    >>> table = cycle_time(Department(deals=deals, as_of="2025-01-31"))
    >>> table[["outcome", "n_ended", "median_days", "closed_only_median_days"]]
      outcome  n_ended  median_days  closed_only_median_days
    0     won        2         30.0                     20.0
    1    lost        0          NaN                      NaN
    2  closed        2         30.0                     20.0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *RESERVED])
    level = share("confidence", confidence)
    cells = age_cells(department, keys, start=start, end=end)
    groups = groups_of(cells, keys)
    place = places(cells, groups, keys)
    order = np.lexsort((cells["age_days"].to_numpy(), place))
    cells, place = cells.iloc[order], place[order]
    parts = [_of_outcome(cells, place, groups, outcome, level) for outcome in _ENDS]
    table = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    return table[[*keys, *_COLUMNS]]


def _of_outcome(
    cells: pd.DataFrame, place: NDArray[np.intp], groups: pd.DataFrame, outcome: str, level: float
) -> pd.DataFrame:
    """Give the rows of one outcome, one a group."""
    n_rows, known = len(groups), (cells["age_days"] >= 0).to_numpy()
    every = cells[AGE_COUNTS].to_numpy(float).sum(axis=1)
    table = groups.assign(
        outcome=outcome,
        n_deals=counted(every, place, n_rows),
        n_undated=counted(every[~known], place[~known], n_rows),
        n_open=counted(cells["n_open"][known], place[known], n_rows),
    )
    cells, place = cells[known], place[known]
    days, still = cells["age_days"].to_numpy(float), cells["n_open"].to_numpy(float)
    over = (cells["n_won"] + cells["n_lost"]).to_numpy(float)
    event = over if outcome == "closed" else cells[f"n_{outcome}"].to_numpy(float)
    weights = ended_weights(days, event, over - event, still, place)

    def quantile(probability: float) -> Times:
        options = {"probability": probability, "confidence": level}
        if outcome == "closed":
            return wait_quantile(days, over, still, place, n_rows, **options)
        return ended_quantile(days, event, weights, place, n_rows, **options)

    median = quantile(0.5)
    plain = plain_quantile(days, event, place, n_rows, 0.5)
    longest = np.full(n_rows, -np.inf)
    np.maximum.at(longest, place, days)
    return table.assign(
        n_ended=counted(event, place, n_rows),
        median_days=median.value, median_days_low=median.low, median_days_high=median.high,
        **{name: quantile(probability).value for name, probability in _OTHERS.items()},
        closed_only_median_days=plain,
        is_closed_only_short=plain < median.low,
        watched_days=np.where(np.isfinite(longest), longest, np.nan),
    )  # fmt: skip
