"""Where deals are lost on their way through the stages."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.funnel.stage_counts import count_waits
from salesdiag.errors import InputError, MissingDataError
from salesdiag.stats.rates import ratio, wilson_interval
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department


_CONVERSION_COUNTS = [
    "n_from",
    "n_to",
    "n_lost",
    "n_open",
    "n_skipped",
    "n_returned",
    "n_without_history",
]


def stage_conversion(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    horizon_days: int | None = None,
) -> pd.DataFrame:
    """Share of deals that go on from each stage to the next.

    A deal has reached a stage once it entered that stage or a later one, so a deal that
    skipped a stage still passed it; only the first entry counts for going on, and coming
    back later is counted apart. A won deal has passed every stage, whether or not all of
    them were entered; the last step is taken by what is won, not by what was won once and
    cancelled. Deals still open when the data end have not failed: they count for as long as
    they were watched (Aalen-Johansen [1]_). The rate is that of going on within
    ``horizon_days``, by default the longest wait in the data; groups watched for different
    times compare fairly only at a horizon that all of them reach, so give one to compare a
    young group with an old one.

    A deal that was never moved stands in the first stage since its creation, unless it was
    created before the history begins: such deals are left out. Entries after ``as_of`` have
    not happened yet. A wait that the dates make negative (closed before the stage was
    entered) counts as no wait. A deal lost on an unknown day counts as lost on the day of its
    last stage change. Entries into stages that the order does not list are left out up to one
    in a hundred, and refused beyond.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``closed_at``; ``created_at`` for a
        window), ``stage_changes`` and an order of stages. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``, such as
        ``"team"``. The rep is the one the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    horizon_days : int, optional
        Days within which a deal must have gone on. Default: the longest wait seen.

    Returns
    -------
    DataFrame
        One row per group and step, in selling order:

        - the ``by`` columns, if any;
        - ``from_stage``, ``to_stage`` : the step;
        - ``n_from`` : deals that reached ``from_stage``; always ``n_to + n_lost + n_open``;
        - ``n_to``, ``n_lost``, ``n_open`` : of these, went on, lost there, still there;
        - ``horizon_days`` : the days within which ``conversion_rate`` holds;
        - ``conversion_rate`` : probability of going on within them, in [0, 1]; NaN if none was
          decided, or if none was watched that long;
        - ``conversion_rate_low``, ``conversion_rate_high`` : its interval; NaN likewise;
        - ``n_skipped`` : deals that reached the stage without ever entering it;
        - ``skip_rate``, ``skip_rate_low``, ``skip_rate_high`` : ``n_skipped / n_from`` with
          Wilson interval; NaN if none reached it;
        - ``n_returned`` : deals that entered the stage after having gone past it;
        - ``rework_rate``, ``rework_rate_low``, ``rework_rate_high`` : ``n_returned / n_to``
          with Wilson interval; NaN if none went on;
        - ``n_without_history`` : of ``n_from``, deals never moved, placed here by their
          creation; 0 beyond the first stage.

    Raises
    ------
    MissingDataError
        If there is no stage history, or a column above is missing. `current_stages` shows
        what can be said without a history.
    InputError
        If the history holds stages that the order of stages does not list, there are several
        pipelines, or ``horizon_days`` is below 1.

    References
    ----------
    .. [1] Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
       non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    Four deals; C waits in "lead" since 3 January, B in "offer"; D skipped "lead".

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-01")
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C", "D"],
    ...     "created_at": [day, day, day + pd.Timedelta(days=2), day],
    ...     "status": ["won", "open", "open", "lost"],
    ...     "closed_at": [day + pd.Timedelta(days=9), None, None, day + pd.Timedelta(days=4)],
    ... })
    >>> moves = pd.DataFrame(
    ...     [("A", "lead", 0), ("A", "offer", 1), ("A", "won", 9), ("B", "lead", 0),
    ...      ("B", "offer", 3), ("C", "lead", 2), ("D", "offer", 0)],
    ...     columns=["deal_id", "stage", "days"],
    ... )
    >>> moves["entered_at"] = day + pd.to_timedelta(moves.pop("days"), unit="D")
    >>> stages = pd.DataFrame({
    ...     "stage": ["lead", "offer", "won", "lost"], "position": [1, 2, 3, 4],
    ...     "status": ["open", "open", "won", "lost"],
    ... })
    >>> department = Department(deals=deals, stage_changes=moves, stages=stages, as_of="2025-01-31")
    >>> table = stage_conversion(department)
    >>> table[["from_stage", "n_from", "n_to", "n_lost", "n_open", "conversion_rate"]].round(2)
      from_stage  n_from  n_to  n_lost  n_open  conversion_rate
    0       lead       4     3       0       1             0.75
    1      offer       3     1       1       1             0.33
    """
    if horizon_days is not None and not horizon_days >= 1:
        message = f"horizon_days must be a number of days from 1 on; got {horizon_days!r}."
        raise InputError(message)
    keys = department.split_keys(by)
    waits = conversion_waits(department, keys, start=start, end=end)
    return conversion_rates(
        waits, keys, department.ladder(), confidence=confidence, horizon_days=horizon_days
    )


def conversion_waits(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
) -> pd.DataFrame:
    """Count waits per group and step, refusing where there is no stage history."""
    _need_history(department)
    windowed = start is not None or end is not None
    department.require(
        deals=["deal_id", "status", "closed_at", *(["created_at"] if windowed else [])],
        stage_changes=["deal_id", "stage", "entered_at"],
    )
    deals = department.select_deals(by=keys, start=start, end=end)
    return count_waits(department, deals, keys, department.ladder())


def _need_history(department: Department) -> None:
    if department.has("stage_changes"):
        return
    message = (
        "stage conversion needs a stage history (table 'stage_changes'), which the department "
        "does not have: a count of the stages that deals are in now is no funnel, for it "
        "forgets every stage that a deal has passed. funnel.current_stages shows where deals "
        "stand now."
    )
    try:
        department.table("stage_changes")
    except MissingDataError as error:
        raise MissingDataError(message, missing=error.missing, ask_for=error.ask_for) from None


def conversion_rates(
    waits: pd.DataFrame,
    keys: list[str],
    ladder: pd.DataFrame,
    *,
    confidence: float,
    horizon_days: int | None = None,
) -> pd.DataFrame:
    """Turn counts per group, step and wait into the table of `stage_conversion`."""
    path = ladder["stage"].tolist()
    counted = _CONVERSION_COUNTS[1:]
    waits = waits.groupby([*keys, "step", "wait_days"], as_index=False)[counted].sum()
    groups = waits[keys].drop_duplicates() if keys else pd.DataFrame(index=[0])
    steps = pd.DataFrame({"step": range(len(path) - 1), "from_stage": path[:-1]})
    rows = groups.merge(steps.assign(to_stage=path[1:]), how="cross")
    bounds = _cell_bounds(waits, keys, len(steps), len(rows))
    totals = np.zeros((len(waits) + 1, len(counted)), dtype="int64")
    np.cumsum(waits[counted].to_numpy("int64"), axis=0, out=totals[1:])
    counts = pd.DataFrame(np.diff(totals[bounds], axis=0), columns=counted)
    counts["n_from"] = counts["n_to"] + counts["n_lost"] + counts["n_open"]
    estimates = _estimates(waits, bounds, horizon_days, confidence)
    table = rows.drop(columns="step").join(counts[_CONVERSION_COUNTS[:4]]).join(estimates)
    for name, part, whole in (("skip", "skipped", "from"), ("rework", "returned", "to")):
        n_part, n_whole = counts[f"n_{part}"], counts[f"n_{whole}"]
        low, high = wilson_interval(n_part, n_whole, confidence=confidence)
        table[f"n_{part}"], table[f"{name}_rate"] = n_part, ratio(n_part, n_whole)
        table[f"{name}_rate_low"], table[f"{name}_rate_high"] = low, high
    table["n_without_history"] = counts["n_without_history"]
    return table.reset_index(drop=True)


def _cell_bounds(
    waits: pd.DataFrame, keys: list[str], n_steps: int, n_cells: int
) -> NDArray[np.intp]:
    """Tell where each group and step begins in the sorted waits, and where the last one ends."""
    group = (~waits.duplicated(keys)).cumsum() - 1 if keys else 0
    cell = (group * n_steps + waits["step"]).to_numpy("int64")
    return np.searchsorted(cell, np.arange(n_cells + 1))


def _estimates(
    waits: pd.DataFrame, bounds: NDArray[np.intp], horizon: int | None, confidence: float
) -> pd.DataFrame:
    """Give horizon, rate and interval of each cell of the sorted waits."""
    days, ends = waits["wait_days"].to_numpy(), waits[["n_to", "n_lost", "n_open"]].to_numpy()
    cells = [slice(*pair) for pair in pairwise(bounds)]
    return pd.DataFrame(
        [_estimate(days[cell], ends[cell].T, horizon, confidence) for cell in cells],
        columns=["horizon_days", "conversion_rate", "conversion_rate_low", "conversion_rate_high"],
        dtype=float,
    )


def _estimate(
    days: NDArray[np.int64], ends: NDArray[np.int64], horizon: int | None, confidence: float
) -> tuple[float, ...]:
    """Give horizon, rate and interval of one group and step.

    ``days`` ascend; the rows of ``ends`` are those who went on, were lost, are still there.
    """
    if horizon is None:
        longest = float(days[-1]) if len(days) else math.nan
        return (longest, *cumulative_incidence(days, *ends, confidence=confidence))
    within = int(np.searchsorted(days, horizon, side="right"))
    if ends[2].any() and days[-1] < horizon:  # nobody was watched that long
        return (horizon, math.nan, math.nan, math.nan)
    watched_on = ends[:, within:].sum()
    days, ends = days[:within], ends[:, :within]
    if watched_on:
        days = np.append(days, horizon + 1)
        ends = np.column_stack([ends, [0, 0, watched_on]])
    return (horizon, *cumulative_incidence(days, *ends, confidence=confidence))
