"""How long newcomers take to their first win and to the level of the tenured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.closings import closings, data_start, days_of
from salesdiag.analyses.reps.ramp_cells import (
    METRICS,
    tenure_cells,
    tenure_start,
    tenured_peers,
)
from salesdiag.analyses.reps.rep_groups import asked_of_reps, group_codes, with_groups
from salesdiag.stats.arguments import one_number, one_of, whole_number
from salesdiag.stats.rates import ratio
from salesdiag.stats.survival import cumulative_incidence, event_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.reps.ramp_cells import Cells, Peers
    from salesdiag.department import Department

_MILESTONES = ("first_win", "tenured_level")
_YEAR = 365.25
_SHOWN = [
    "milestone", "metric", "level_ratio", "horizon_days",
    "n_hires", "n_reached", "n_left", "n_open", "n_hired_unknown", "n_hired_late",
    "n_undated", "reached_rate", "reached_rate_low", "reached_rate_high",
    "left_rate", "left_rate_low", "left_rate_high",
    "median_days", "median_days_low", "median_days_high",
    "n_survivors", "survivors_share", "survivors_median_days",
]  # fmt: skip


def ramp_time(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["wins", "revenue"] = "wins",
    level: float = 0.75,
    months: int = 12,
    smooth_months: int = 3,
    tenured_months: int = 12,
) -> pd.DataFrame:
    """Tell how many hires reach their first win, and a tenured rep's level, and after how long.

    Asked only of those who are still here, every school of selling looks good: who did not
    get there has left. Here all hires count from the day of hiring. Leaving before the
    milestone is a rival end, and a rep who is still here and not there yet is open: neither a
    failure nor forgotten (Aalen-Johansen). ``survivors_share`` and ``survivors_median_days``
    are the usual figures beside it.

    The level is ``level`` times what the *median* tenured rep brought in the same months of
    the calendar. One lucky month is no level: it is reached with the first month of tenure in
    which the last ``smooth_months`` together come up to it, and dated with that month's last
    day. With few wins a month chance alone lifts some over the bar early; a longer
    ``smooth_months`` makes that rarer and every time longer. Deals inherited at hiring do not
    count (see `ramp`).

    Only hires since the data begin can be followed. A rep without a day of hiring, or with one
    after the first deal closed, is left out and counted.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``closed_at``) and ``reps`` (``hired_on``);
        ``reps.left_on`` for leavers, ``deals.amount`` for revenue. Not modified.
    by : str or sequence of str, default ()
        Columns of ``reps`` to split the hires by.
    start, end : date or str, optional
        First and last day (both included) of being **hired**. Default: from the first closing
        in the data to ``as_of``; they are followed to ``as_of`` in any case.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"wins", "revenue"}, default "wins"
        In what the level is measured: deals won, or their money.
    level : float, default 0.75
        Share of the tenured median to be reached, above 0 and at most 10.
    months : int, default 12
        Horizon of the shares, in months since being hired.
    smooth_months : int, default 3
        Over how many months of tenure together the level must be held.
    tenured_months : int, default 12
        After so many months a rep is tenured.

    Returns
    -------
    DataFrame
        One row per group and milestone:

        - the ``by`` columns, if any;
        - ``milestone`` : ``"first_win"`` or ``"tenured_level"``;
        - ``metric`` : as asked; ``level_ratio`` : the level asked for; NaN for the first win;
        - ``horizon_days`` : ``months`` in days;
        - ``n_hires`` : reps hired in the window; ``n_reached``, ``n_left``, ``n_open`` : those
          who reached it, left before, or are still here without; they add up;
        - ``n_hired_unknown``, ``n_hired_late`` : reps of the group there in the window whose day
          of hiring is not known, or lies after their first deal closed: left out;
        - ``n_undated`` : wins of the group without a day of closing: they reach nothing here, so
          that a hire with no other counts as open (or left);
        - ``reached_rate``, ``reached_rate_low``, ``reached_rate_high`` : share of all hires that
          reaches it by the horizon, in [0, 1]; NaN where nobody was watched that long, or
          nobody has reached it or left;
        - ``left_rate``, ``left_rate_low``, ``left_rate_high`` : share that leaves before reaching
          it by then, in [0, 1]; NaN likewise;
        - ``median_days``, ``median_days_low``, ``median_days_high`` : days since being hired by
          which half of all hires have reached it; NaN where half never do within what was
          watched; the upper end is infinite where it lies beyond;
        - ``n_survivors`` : hires still here who were watched for the whole horizon;
        - ``survivors_share`` : of them, how many reached it by the horizon, in [0, 1]; naive;
        - ``survivors_median_days`` : middle one of the times of those still here who reached
          it; naive; NaN without such.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no deal carries an amount where revenue is asked.
    InputError
        If ``by`` is no column of reps, or an option is out of range.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous
    Markov chains. Scandinavian Journal of Statistics 5, 141-150.

    Examples
    --------
    Of three hires one won after 20 days, one left after 40 without a win, one is still open.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A", "B"], "rep_id": ["old", "r1"], "status": "won",
    ...                       "closed_at": pd.to_datetime(["2025-01-01", "2025-01-26"])})
    >>> reps = pd.DataFrame({
    ...     "rep_id": ["old", "r1", "r2", "r3"],
    ...     "hired_on": pd.to_datetime(["2020-01-01"] + ["2025-01-06"] * 3),
    ...     "left_on": pd.to_datetime([None, None, "2025-02-15", None]),
    ... })
    >>> department = Department(deals=deals, reps=reps, as_of="2025-03-31")
    >>> first = ramp_time(department, months=2).iloc[0]
    >>> first[["n_hires", "n_reached", "n_left", "n_open"]].astype(int).tolist()
    [3, 1, 1, 1]
    >>> first[["reached_rate", "left_rate", "survivors_share"]].astype(float).round(2).tolist()
    [0.33, 0.33, 0.5]
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    one_of("metric", metric, METRICS)
    one_number("level", level, least=0.01, most=10)
    whole_number("months", months, least=1, most=120)
    whole_number("smooth_months", smooth_months, least=1, most=60)
    whole_number("tenured_months", tenured_months, least=1, most=120)
    department.require(reps=["rep_id", "hired_on"])
    cells = tenure_cells(department, metric=metric, first=None, last=department.as_of)
    everyone = pd.concat([cells.reps["rep_id"], closings(department)["rep_id"]])
    named = with_groups(
        department, everyone.drop_duplicates().to_frame().reset_index(drop=True), asked.keys
    )
    groups, codes = group_codes(named, asked.keys)
    reps = _hires(department, cells, asked.first, asked.last)
    reps["group"] = reps["rep_id"].map(dict(zip(named["rep_id"], codes, strict=True)))
    reps["first_win"] = _first_wins(department, reps)
    peers = tenured_peers(cells, tenured_months=tenured_months)
    bar = level * _median_level(peers)
    reps["tenured_level"] = _level_times(cells, peers, reps, bar, smooth_months)
    horizon = float(round(months * _YEAR / 12))
    parts = [_milestone(reps, one, horizon, len(groups), asked.level) for one in _MILESTONES]
    lost = cells.lost["rep_id"].map(dict(zip(named["rep_id"], codes, strict=True)))
    undated = np.bincount(lost, cells.lost["n_undated"], minlength=len(groups)).astype("int64")
    wholes = [groups[asked.keys].join(one).assign(n_undated=undated) for one in parts]
    table = pd.concat(wholes, ignore_index=True)
    shares = np.where(table["milestone"] == "first_win", np.nan, float(level))
    table = table.assign(metric=metric, level_ratio=shares, horizon_days=horizon)
    table["_order"] = table["milestone"].map(_MILESTONES.index)
    table = table.sort_values([*asked.keys, "_order"], ignore_index=True)
    return table[[*asked.keys, *_SHOWN]]


def _hires(
    department: Department, cells: Cells, first: date | None, last: date
) -> pd.DataFrame:  # fmt: skip
    """Mark who was hired in the window; ``until`` is the last day on which each was watched."""
    reps = cells.reps.copy()
    begin = data_start(closings(department))
    start = begin if first is None else max(pd.Timestamp(first), begin)
    hired = reps["hired_on"]
    reps["is_hire"] = (hired >= start) & (hired <= pd.Timestamp(last))
    there = (reps["last_day"] >= start) & (reps["first_day"] <= pd.Timestamp(last))
    there &= start <= pd.Timestamp(last)
    reps["is_unknown"] &= there
    reps["is_late"] &= there
    reps["until"] = (reps["last_day"] - hired).dt.days.clip(lower=0)
    return reps


def _first_wins(department: Department, reps: pd.DataFrame) -> pd.Series:
    """Give the days from hiring to the first win of one's own, NaN without one."""
    closed = closings(department).dropna(subset="day")
    own = closed[closed["n_won"] > closed["n_inherited"]]
    rows = own.merge(reps[["rep_id", "hired_on", "last_day"]], on="rep_id")
    rows = rows[(rows["day"] >= rows["hired_on"]) & (rows["day"] <= rows["last_day"])]
    first = rows.groupby("rep_id")["day"].min()
    days = pd.Series(first.reindex(reps["rep_id"]).to_numpy(), index=reps.index)
    return (days.astype("datetime64[us]") - reps["hired_on"]).dt.days


def _median_level(peers: Peers) -> float:
    """Give the median tenured rep's result over what all tenured would have had; 1 without any."""
    expected = (peers.exposure * np.nan_to_num(peers.rate)).sum(axis=1)
    each = ratio(peers.results.sum(axis=1), expected)
    known = each[~np.isnan(each)]
    return float(np.median(known)) if len(known) else float("nan")


def _level_times(
    cells: Cells, peers: Peers, reps: pd.DataFrame, bar: float, smooth: int
) -> NDArray[np.float64]:
    """Give the days from hiring to the end of the first month that holds the level."""
    found = np.full(len(reps), np.nan)
    rows = cells.cells
    rows = rows[reps["is_hire"].to_numpy()[rows["rep"]]]
    if not len(rows) or np.isnan(bar):
        return found
    expected = np.nan_to_num(rows["n_days"] * peers.rate[rows["month"]])
    shape = (len(reps), int(rows["tenure"].max()))
    result, wanted = np.zeros(shape), np.zeros(shape)
    place = (rows["rep"].to_numpy(), rows["tenure"].to_numpy() - 1)
    np.add.at(result, place, rows["result"].to_numpy(float))
    np.add.at(wanted, place, expected)
    sums, bars = (_trailing(one, smooth) for one in (result, wanted))
    hired = days_of(reps["hired_on"])
    last = tenure_start(hired[:, None], np.arange(1, shape[1] + 1)[None, :])
    days = (last - hired[:, None]).astype("timedelta64[D]").astype(float) - 1
    whole = days <= reps["until"].to_numpy(float)[:, None]
    # a sum of floats may miss its equal by rounding
    good = (bars > 0) & (sums >= bar * bars * (1 - 1e-9)) & whole
    good[:, : smooth - 1] = False
    first = good.argmax(axis=1)
    reached = good.any(axis=1)
    found[reached] = days[reached, first[reached]]
    return found


def _trailing(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Add up the last ``width`` columns at each column."""
    total = np.cumsum(values, axis=1)
    before = np.zeros_like(total)
    before[:, width:] = total[:, :-width]
    return np.asarray(total - before)


def _milestone(
    reps: pd.DataFrame, name: str, horizon: float, n_groups: int, level: float
) -> pd.DataFrame:
    """Count and estimate one milestone for every group."""
    hires = reps[reps["is_hire"]]
    time = hires[name].to_numpy(float)
    reached = ~np.isnan(time)
    left = ~reached & hires["has_left"].to_numpy()
    still = ~reached & ~left
    group = hires["group"].to_numpy(np.intp)
    when = np.where(reached, time, hires["until"])
    here = ~hires["has_left"].to_numpy()

    def count(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(group[chosen], minlength=n_groups).astype("int64")

    table = pd.DataFrame({
        "milestone": name, "n_hires": count(np.ones(len(hires), dtype=bool)),
        "n_reached": count(reached), "n_left": count(left), "n_open": count(still),
    })  # fmt: skip
    for flag, column in (("is_unknown", "n_hired_unknown"), ("is_late", "n_hired_late")):
        flagged = reps.loc[reps[flag].to_numpy(bool), "group"].to_numpy(np.intp)
        table[column] = np.bincount(flagged, minlength=n_groups).astype("int64")
    counts = when, reached.astype(float), left.astype(float), still.astype(float), group
    _add_shares(table, counts, horizon, level)
    watched = here & ((when >= horizon) | (reached & (hires["until"].to_numpy() >= horizon)))
    table["n_survivors"] = count(watched)
    early = watched & reached & (np.nan_to_num(time) <= horizon)
    table["survivors_share"] = ratio(count(early), table["n_survivors"])
    times = pd.Series(time[reached & here]).groupby(group[reached & here]).median()
    table["survivors_median_days"] = times.reindex(range(n_groups)).to_numpy(float)
    return table


def _add_shares(
    table: pd.DataFrame,
    counts: tuple[NDArray[np.float64], ...],
    horizon: float,
    level: float,
) -> None:
    when, reached, left, still, group = counts
    names = [f"{one}{end}" for one in ("reached_rate", "left_rate", "median_days")
             for end in ("", "_low", "_high")]  # fmt: skip
    table[names] = np.nan
    if not len(when):
        return
    ends = cumulative_incidence(
        when, reached, left, still, group=group, horizon=horizon, confidence=level
    )
    rival = cumulative_incidence(
        when, left, reached, still, group=group, horizon=horizon, confidence=level
    )
    half = event_quantile(when, reached, left, still, group=group, confidence=level)
    far = np.where(np.isnan(half.time), np.nan, np.where(np.isnan(half.high), np.inf, half.high))
    near = np.where(np.isnan(half.time), np.nan, half.low)
    found = [ends.rate, ends.low, ends.high, rival.rate, rival.low, rival.high,
             half.time, near, far]  # fmt: skip
    for name, values in zip(names, found, strict=True):
        column = table[name].to_numpy(copy=True)
        column[ends.group] = values
        table[name] = column
