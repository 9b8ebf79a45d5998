"""How long deals wait in each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.groups import counted, groups_of, places
from salesdiag.analyses.pipeline.quantiles import (
    ended_quantile,
    ended_weights,
    plain_quantile,
    wait_quantile,
)
from salesdiag.analyses.pipeline.standing import stages_of
from salesdiag.analyses.pipeline.stays import ENDS, FIRST, RESERVED, TOTAL, wait_cells
from salesdiag.reductions.waits import refuse_unknown_stages
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_QUANTILES = {"lower_quartile_days": 0.25, "upper_quartile_days": 0.75, "slowest_tenth_days": 0.9}
_COLUMNS = [
    "stage", "n_deals", "n_advanced", "n_lost", "n_back", "n_out", "n_open",
    "median_days", "median_days_low", "median_days_high", *_QUANTILES,
    "advanced_median_days", "advanced_median_days_low", "advanced_median_days_high",
    "lost_median_days", "lost_median_days_low", "lost_median_days_high",
    "finished_median_days", "n_visits", "n_again",
    "total_median_days", "total_median_days_low", "total_median_days_high",
    "n_open_now", "open_median_days", "open_longest_days",
]  # fmt: skip


def time_in_stage(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How long deals wait in each stage, and how long the open ones have waited.

    The mean of the stays that are over is too short: the slow ones are still there, and what
    stands in the pipeline is a sample of the slow. Here a deal that is still in the stage counts
    for as long as it was watched (Kaplan-Meier [1]_).

    A stay ends when the deal enters another stage or is closed. The figures are of the first
    stay of each deal; ``total_*`` adds up all its stays in the stage, for a deal that comes
    back waits again. Days are calendar days, weekends included. Deals that were never moved
    wait since their creation, unless that lies before the history begins: in the stage where they
    stand now, or in the first if that is an end or not known.

    How long those waited that went on, and those that were lost, is read from the same risk
    sets (Aalen-Johansen), each among those that ended so within what was watched. Going on late
    and being lost late tell how the stage works, not what waiting does.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``), ``stage_changes``
        and an order of stages of one pipeline. Not modified.
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
        One row per group and open stage, in selling order:

        - the ``by`` columns, if any;
        - ``stage`` : the stage;
        - ``n_deals`` : deals that were ever in it, ``n_advanced + n_lost + n_back + n_out +
          n_open`` of their first stays;
        - ``n_advanced``, ``n_lost``, ``n_back``, ``n_out``, ``n_open`` : first stays that ended in
          a later stage or a win, by a loss, in an earlier stage, in a stage that the order does
          not list, and those that go on;
        - ``median_days`` : days within which half of the first stays end, however they end; NaN
          where that was not seen; ``median_days_low``, ``median_days_high`` : its interval,
          infinite at the upper end where that lies beyond what was watched;
        - ``lower_quartile_days``, ``upper_quartile_days``, ``slowest_tenth_days`` : days within
          which a quarter, three quarters and nine tenths end; NaN likewise;
        - ``advanced_median_days``, ``advanced_median_days_low``, ``advanced_median_days_high`` :
          median of the first stays that ended by advancing; NaN without any;
        - ``lost_median_days``, ``lost_median_days_low``, ``lost_median_days_high`` : of those that
          ended by a loss;
        - ``finished_median_days`` : median of the first stays that are over, which forgets those
          that go on: for comparison with other reports only;
        - ``n_visits`` : all stays; ``n_again`` : deals with more than one;
        - ``total_median_days``, ``total_median_days_low``, ``total_median_days_high`` : days within
          which half of the deals have left the stage for good, all stays added up;
        - ``n_open_now`` : deals in the stage now, whatever the number of the stay;
        - ``open_median_days``, ``open_longest_days`` : days that these have spent there, the middle
          and the largest; NaN without any.

        Deals closed on an unknown day are left out; `cycle_time` counts them.

    Raises
    ------
    MissingDataError
        If there is no stage history, or a column above is missing.
    InputError
        If there are several pipelines, or the history holds stages that the order does not list.

    References
    ----------
    .. [1] Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete
       observations. Journal of the American Statistical Association 53, 457-481.

    Examples
    --------
    A and B left "lead" after 2 and 6 days; C waits there since 20 days.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-01")
    >>> deals = pd.DataFrame({"deal_id": list("ABC"), "status": ["open", "open", "open"],
    ...                       "created_at": day, "closed_at": pd.to_datetime([None] * 3)})
    >>> moves = pd.DataFrame(
    ...     [("A", "lead", 0), ("A", "offer", 2), ("B", "lead", 0), ("B", "offer", 6),
    ...      ("C", "lead", 0)], columns=["deal_id", "stage", "days"])
    >>> moves["entered_at"] = day + pd.to_timedelta(moves.pop("days"), unit="D")
    >>> department = Department(deals=deals, stage_changes=moves, stage_order=["lead", "offer"],
    ...                         as_of="2025-01-21")
    >>> table = time_in_stage(department)
    >>> table[["stage", "n_deals", "n_open", "median_days", "finished_median_days"]]
       stage  n_deals  n_open  median_days  finished_median_days
    0   lead        3       1          6.0                   4.0
    1  offer        2       2          NaN                   NaN
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *RESERVED])
    level = share("confidence", confidence)
    department.require(
        deals=["deal_id", "status", "created_at", "closed_at"],
        stage_changes=["deal_id", "stage", "entered_at"],
    )
    ladder = department.ladder()
    refuse_unknown_stages(department, ladder)
    cells = wait_cells(department, keys, start=start, end=end)
    path = ladder.loc[ladder["status"] == "open", "stage"].tolist()
    names = stages_of(department).names
    steps = pd.DataFrame({"code": [names.index(one) for one in path], "stage": path})
    rows = groups_of(cells, keys).merge(steps, how="cross")
    table = rows.drop(columns="code")
    first, total = (cells[cells["kind"] == kind] for kind in (FIRST, TOTAL))
    table = table.assign(**_first_stays(first, places(first, rows, [*keys, "code"]), rows, level))
    table = table.assign(**_all_stays(total, places(total, rows, [*keys, "code"]), rows, level))
    return table[[*keys, *_COLUMNS]]


def _first_stays(
    cells: pd.DataFrame, place: NDArray[np.intp], rows: pd.DataFrame, level: float
) -> dict[str, NDArray[np.generic]]:
    """Give the figures of the first stays, row by row of the table."""
    cells, place = cells[place >= 0], place[place >= 0]
    n_rows, days = len(rows), cells["days"].to_numpy(float)
    counts = {name: cells[name].to_numpy(float) for name in ENDS}
    over = sum(counts[name] for name in ENDS[:-1]) + np.zeros(len(cells))
    found: dict[str, NDArray[np.generic]] = {
        name: counted(counts[name], place, n_rows) for name in ENDS
    }
    found["n_deals"] = counted(over + counts["n_open"], place, n_rows)
    median = wait_quantile(days, over, counts["n_open"], place, n_rows,
                           probability=0.5, confidence=level)  # fmt: skip
    found |= _named("median_days", median)
    for name, probability in _QUANTILES.items():
        found[name] = wait_quantile(days, over, counts["n_open"], place, n_rows,
                                    probability=probability, confidence=level).value  # fmt: skip
    order = np.lexsort((days, place))
    for name, end in (("advanced", "n_advanced"), ("lost", "n_lost")):
        event = counts[end][order]
        weights = ended_weights(days[order], event, over[order] - event,
                                counts["n_open"][order], place[order])  # fmt: skip
        times = ended_quantile(days[order], event, weights, place[order], n_rows,
                               probability=0.5, confidence=level)  # fmt: skip
        found |= _named(f"{name}_median_days", times)
    found["finished_median_days"] = plain_quantile(days[order], over[order], place[order],
                                                   n_rows, 0.5)  # fmt: skip
    return found


def _all_stays(
    cells: pd.DataFrame, place: NDArray[np.intp], rows: pd.DataFrame, level: float
) -> dict[str, NDArray[np.generic]]:
    """Give the figures of all stays of a deal together, and of those that go on."""
    cells, place = cells[place >= 0], place[place >= 0]
    order = np.lexsort((cells["days"].to_numpy(), place))
    cells, place = cells.iloc[order], place[order]
    n_rows, days = len(rows), cells["days"].to_numpy(float)
    here = cells["n_open"].to_numpy(float)
    over = cells[ENDS[:-1]].to_numpy(float).sum(axis=1)
    found: dict[str, NDArray[np.generic]] = {
        "n_visits": counted(cells["n_visits"], place, n_rows),
        "n_again": counted(cells["n_again"], place, n_rows),
        "n_open_now": counted(here, place, n_rows),
    }
    found |= _named("total_median_days", wait_quantile(
        days, over, here, place, n_rows, probability=0.5, confidence=level
    ))  # fmt: skip
    found["open_median_days"] = plain_quantile(days, here, place, n_rows, 0.5)
    longest = np.full(n_rows, -np.inf)
    np.maximum.at(longest, place[here > 0], days[here > 0])
    found["open_longest_days"] = np.where(np.isfinite(longest), longest, np.nan)
    return found


def _named(name: str, times: tuple[NDArray[np.float64], ...]) -> dict[str, NDArray[np.generic]]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), times, strict=True))
