"""Where deals are lost on their way through the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from salesdiag.errors import InputError, MissingDataError
from salesdiag.reductions.waits import Mode, count_waits
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
    "n_passed_by",
    "n_skipped",
    "n_returned",
    "n_without_history",
]

# besides the counts; deals are split by what does not change as they move on
_NAMED = [
    "stage", "horizon_days", "conversion_rate", "conversion_rate_low", "conversion_rate_high",
    "skip_rate", "skip_rate_low", "skip_rate_high",
    "rework_rate", "rework_rate_low", "rework_rate_high",
]  # fmt: skip


def stage_conversion(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    horizon_days: int | None = None,
    mode: Mode = "reached",
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

    Three ways of counting answer three questions. ``"reached"``: how far do deals get? A stage
    left out was passed. ``"visited"``: how many go through each stage as prescribed? Only stages
    entered count, the next one no earlier than this one; who goes past it counts as passed by.
    ``"any_order"``: the same, but the next stage may have been entered before this one.

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
    mode : {"reached", "visited", "any_order"}, default "reached"
        What counts as being in a stage and as going on.

    Returns
    -------
    DataFrame
        One row per group and step, in selling order:

        - the ``by`` columns, if any;
        - ``from_stage``, ``to_stage`` : the step;
        - ``n_from`` : deals that reached (or entered) ``from_stage``; always the sum of the four
          that follow;
        - ``n_to``, ``n_lost``, ``n_open`` : of these, went on, lost there, still there;
        - ``n_passed_by`` : went past ``to_stage`` without entering it; 0 for ``"reached"``;
        - ``horizon_days`` : the days within which ``conversion_rate`` holds;
        - ``conversion_rate`` : probability of going on within them, in [0, 1]; NaN if none was
          watched that long, or, without a horizon, if none was decided;
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
        pipelines, ``mode`` is not one of the three, or ``horizon_days`` is below 1.

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
    if mode not in get_args(Mode):
        message = f"mode must be one of {', '.join(get_args(Mode))}; got {mode!r}."
        raise InputError(message)
    keys = department.split_keys(by, results=_NAMED)
    waits = conversion_waits(department, keys, start=start, end=end, mode=mode)
    return conversion_rates(
        waits, keys, department.ladder(), confidence=confidence, horizon_days=horizon_days
    )


def conversion_waits(
    department: Department,
    keys: list[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    mode: Mode = "reached",
) -> pd.DataFrame:
    """Count waits per group and step, refusing where there is no stage history."""
    _need_history(department)
    windowed = start is not None or end is not None
    department.require(
        deals=["deal_id", "status", "closed_at", *(["created_at"] if windowed else [])],
        stage_changes=["deal_id", "stage", "entered_at"],
    )
    deals = department.select_deals(by=keys, start=start, end=end)
    return count_waits(department, deals, keys, department.ladder(), mode=mode)


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
    groups = waits[keys].drop_duplicates().sort_values(keys) if keys else pd.DataFrame(index=[0])
    steps = pd.DataFrame({"step": range(len(path) - 1), "from_stage": path[:-1]})
    rows = groups.merge(steps.assign(to_stage=path[1:]), how="cross")
    cell = _cells(waits, groups, keys, len(steps))
    counts = pd.DataFrame({
        name: np.bincount(cell, waits[name], minlength=len(rows)).astype("int64")
        for name in counted
    })  # fmt: skip
    counts["n_from"] = counts[["n_to", "n_lost", "n_open", "n_passed_by"]].sum(axis=1)
    estimates = _estimates(waits, cell, len(rows), horizon_days, confidence)
    table = rows.drop(columns="step").join(counts[_CONVERSION_COUNTS[:5]]).join(estimates)
    for name, part, whole in (("skip", "skipped", "from"), ("rework", "returned", "to")):
        n_part, n_whole = counts[f"n_{part}"], counts[f"n_{whole}"]
        low, high = wilson_interval(n_part, n_whole, confidence=confidence)
        table[f"n_{part}"], table[f"{name}_rate"] = n_part, ratio(n_part, n_whole)
        table[f"{name}_rate_low"], table[f"{name}_rate_high"] = low, high
    table["n_without_history"] = counts["n_without_history"]
    return table.reset_index(drop=True)


def _cells(
    waits: pd.DataFrame, groups: pd.DataFrame, keys: list[str], n_steps: int
) -> NDArray[np.int64]:
    """Give each row the place of its group and step in the table."""
    step: NDArray[np.int64] = waits["step"].to_numpy("int64")
    if not keys:
        return step
    numbered = groups.assign(group_number=range(len(groups)))
    group = waits[keys].merge(numbered, how="left", on=keys)["group_number"]
    cell: NDArray[np.int64] = group.to_numpy("int64") * n_steps + step
    return cell


def _estimates(
    waits: pd.DataFrame,
    cell: NDArray[np.int64],
    n_cells: int,
    horizon: int | None,
    confidence: float,
) -> pd.DataFrame:
    """Give horizon, rate and interval of each group and step."""
    found = cumulative_incidence(
        waits["wait_days"],
        waits["n_to"],
        waits["n_lost"] + waits["n_passed_by"],
        waits["n_open"],
        group=cell,
        horizon=horizon,
        confidence=confidence,
    )
    longest = waits["wait_days"].groupby(cell).max()
    table = pd.DataFrame(
        {
            "horizon_days": longest if horizon is None else horizon,
            "conversion_rate": found.rate,
            "conversion_rate_low": found.low,
            "conversion_rate_high": found.high,
        },
        index=longest.index,
        dtype=float,
    )
    return table.reindex(range(n_cells))
