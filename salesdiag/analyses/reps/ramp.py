"""How newcomers grow into the job, month by month of tenure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.closings import closings
from salesdiag.analyses.reps.ramp_cells import METRICS, tenure_cells, tenured_peers
from salesdiag.analyses.reps.rep_groups import asked_of_reps, group_codes, with_groups
from salesdiag.stats.arguments import one_of, whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.reps.ramp_cells import Cells, Peers
    from salesdiag.department import Department

_COUNTS = ["n_reps", "n_here_now", "n_selling_days", "n_compared_days", "n_won", "n_peers"]
_OF_GROUP = ["n_hired_unknown", "n_hired_late", "n_left_out", "n_undated"]
_SHOWN = [
    "metric", "tenure_month", *_COUNTS, "result", "expected",
    "ramp_ratio", "ramp_ratio_low", "ramp_ratio_high", "survivors_ratio", *_OF_GROUP,
]  # fmt: skip


def ramp(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["wins", "revenue"] = "wins",
    months: int = 12,
    tenured_months: int = 12,
) -> pd.DataFrame:
    """Hold what newcomers bring against the tenured in the same months of the calendar.

    How long does a hire take to earn a place? Each newcomer's result per selling day is
    compared with that of all tenured reps of the department in the *same* months, so that
    neither season nor growth looks like learning. A ratio of 0.6 in the third month says: per
    day, six tenths of what the tenured did then.

    Who counts is what a manager would argue about. A newcomer is a rep in the first ``months``
    months after ``reps.hired_on``. A rep whose day of hiring is not known is no newcomer, but
    counts as tenured from ``tenured_months`` months after the first work seen. A rep who
    closed a deal before being hired was hired earlier than is written (or came back): treated
    likewise, and counted in ``n_hired_late``. Deals created before the rep was hired were
    inherited: their wins are not the newcomer's and are left out, and so are wins dated after
    the rep left; ``n_left_out`` counts both. Wins
    without a day are in no month, and counted in ``n_undated``.

    A tenured rep with less than a fifth of the median rep's wins a day only lends a hand (a
    manager, mostly) and is no peer. Newcomers all count, managers too: leave those out by
    ``department.where(role=...)``.

    Whoever gives up or is dismissed is in the table until the last day. ``survivors_ratio`` is
    what one gets by looking only at those who are still here; where the weak leave early it
    is too high in the first months. But late months hold only those who stayed, in both: see
    `ramp_time` for the share of *all* hires that ever gets there.

    The interval takes the rep as what is independent. It holds the chance in few wins, the
    spread between reps and months beyond chance (as seen over newcomers and tenured
    together) and the doubt about the peers' own rate.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``closed_at``) and ``reps`` (``hired_on``);
        ``deals.created_at`` to know what was inherited, ``deals.amount`` for revenue. Not
        modified.
    by : str or sequence of str, default ()
        Columns of ``reps`` to split the newcomers by; the peers are always the department's.
    start, end : date or str, optional
        First and last day (both included) on which deals were closed. Default: from the first
        closing in the data to ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"wins", "revenue"}, default "wins"
        What is counted: deals won, or their money.
    months : int, default 12
        How many months of tenure to show.
    tenured_months : int, default 12
        After so many months a rep is tenured, from the next month of the calendar on.

    Returns
    -------
    DataFrame
        One row per group and month of tenure:

        - the ``by`` columns, if any;
        - ``metric`` : as asked;
        - ``tenure_month`` : 1 is the first month after being hired;
        - ``n_reps`` : newcomers seen in that month of theirs; ``n_here_now`` : of them, those
          who have not left;
        - ``n_selling_days``, ``n_compared_days`` : their working days, and those in months of
          the calendar in which tenured peers were there;
        - ``n_won`` : deals they won on the compared ones;
        - ``n_peers`` : tenured reps they are compared with;
        - ``result`` : deals or money won in the compared months; NaN without compared days;
        - ``expected`` : what the tenured would have brought on the same days; NaN likewise;
        - ``ramp_ratio``, ``ramp_ratio_low``, ``ramp_ratio_high`` : ``result / expected``, 1 is
          as good as the tenured; NaN where nothing was expected;
        - ``survivors_ratio`` : the same of those still here, without interval, to show the
          bias; NaN likewise;
        - ``n_hired_unknown``, ``n_hired_late`` : reps of the group in the window without a day
          of hiring, and with one after their first deal;
        - ``n_left_out`` : wins of the group in the window that count for no rep: inherited,
          dated after leaving, or of a deal without a rep (in the group "unassigned");
        - ``n_undated`` : wins of the group without a day of closing, which are in no month.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no deal carries an amount where revenue is asked.
    InputError
        If ``by`` is no column of reps, or an option is out of range.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    r1 has been there for years and wins a deal every Monday; r2 was hired on 3 March 2025, won
    one in the first month and four in the second.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> mondays = list(pd.date_range("2025-03-03", periods=9, freq="7D"))
    >>> own = list(pd.to_datetime(["2025-03-20", "2025-04-07", "2025-04-14", "2025-04-22",
    ...                            "2025-04-29"]))
    >>> deals = pd.DataFrame({"deal_id": range(14), "rep_id": ["r1"] * 9 + ["r2"] * 5,
    ...                       "status": "won", "closed_at": mondays + own})
    >>> reps = pd.DataFrame({"rep_id": ["r1", "r2"],
    ...                      "hired_on": pd.to_datetime(["2020-01-01", "2025-03-03"])})
    >>> department = Department(deals=deals, reps=reps, as_of="2025-05-02")
    >>> ramp(department, months=2)[["tenure_month", "result", "expected", "ramp_ratio"]].round(2)
       tenure_month  result  expected  ramp_ratio
    0             1     1.0      5.36        0.19
    1             2     4.0      3.64        1.10
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    one_of("metric", metric, METRICS)
    whole_number("months", months, least=1, most=120)
    whole_number("tenured_months", tenured_months, least=1, most=120)
    department.require(reps=["rep_id", "hired_on"])
    cells = tenure_cells(department, metric=metric, first=asked.first, last=asked.last)
    peers = tenured_peers(cells, tenured_months=tenured_months)
    groups, place = _groups(department, cells.reps, asked.keys)
    group_of = cells.reps["rep_id"].map(place).to_numpy(np.intp)
    rows = _newcomer_rows(cells, peers, group_of, months)
    table = _grid(groups, asked.keys, months)
    for name, values in _sums(rows, peers, len(table)).items():
        table[name] = values
    _add_ratio(table, rows, cells, peers, asked.level)
    _add_group_counts(table, cells, place, months)
    return table.assign(metric=metric)[[*asked.keys, *_SHOWN]]


def _groups(
    department: Department, reps: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Give the groups, and by rep their numbers; deals without a rep have their own group."""
    everyone = pd.concat([reps["rep_id"], closings(department)["rep_id"]]).drop_duplicates()
    named = with_groups(department, everyone.to_frame().reset_index(drop=True), keys)
    groups, codes = group_codes(named, keys)
    return groups, pd.Series(codes, index=named["rep_id"])


def _grid(groups: pd.DataFrame, keys: list[str], months: int) -> pd.DataFrame:
    table = groups[keys].loc[groups.index.repeat(months)].reset_index(drop=True)
    return table.assign(tenure_month=np.tile(np.arange(1, months + 1), len(groups)))


def _newcomer_rows(
    cells: Cells, peers: Peers, group_of: NDArray[np.intp], months: int
) -> pd.DataFrame:  # fmt: skip
    """Give the cells of newcomers with what was expected, and the row of the result they go to."""
    rows = cells.cells
    believed = cells.reps["hired_on"].notna().to_numpy()[rows["rep"]]
    rows = rows[believed & (rows["tenure"] <= months)]
    rate = peers.rate[rows["month"]]
    row = group_of[rows["rep"]] * months + rows["tenure"].to_numpy() - 1
    return rows.assign(
        row=row, is_compared=~np.isnan(rate), expected=np.nan_to_num(rows["n_days"] * rate),
        is_here=~cells.reps["has_left"].to_numpy()[rows["rep"]],
    )  # fmt: skip


def _sums(rows: pd.DataFrame, peers: Peers, size: int) -> dict[str, NDArray[np.generic]]:
    one = rows.drop_duplicates(["row", "rep"])
    compared = rows[rows["is_compared"]]

    def total(frame: pd.DataFrame, name: str = "") -> NDArray[np.float64]:
        weight = frame[name].to_numpy(float) if name else None
        return np.bincount(frame["row"], weight, minlength=size).astype(float)

    asked_of = np.zeros((size, len(peers.rate)), dtype=bool)
    asked_of[compared["row"], compared["month"]] = True
    n_peers = ((asked_of.astype(float) @ peers.exposure.T) > 0).sum(axis=1)
    counts = {
        "n_reps": total(one), "n_here_now": total(one[one["is_here"]]),
        "n_selling_days": total(rows, "n_days"), "n_compared_days": total(compared, "n_days"),
        "n_won": total(compared, "n_won"), "n_peers": n_peers,
    }  # fmt: skip
    known = counts["n_compared_days"] > 0
    here = compared[compared["is_here"]]
    found: dict[str, NDArray[np.generic]] = {
        name: np.round(values).astype("int64") for name, values in counts.items()
    }
    found["result"] = np.where(known, total(compared, "result"), np.nan)
    found["expected"] = np.where(known, total(compared, "expected"), np.nan)
    found["survivors_ratio"] = ratio(total(here, "result"), total(here, "expected"))
    return found


def _add_ratio(
    table: pd.DataFrame, rows: pd.DataFrame, cells: Cells, peers: Peers,
    level: float,
) -> None:  # fmt: skip
    """Add the ratio, its variance that of the reps' sums plus that of the peers' rates."""
    rows = rows[rows["is_compared"]]
    size = len(table)
    value = ratio(table["result"], table["expected"])
    each = rows.groupby(["row", "rep"], as_index=False)[["result", "expected"]].sum()
    mean = np.nan_to_num(value)[each["row"]] * each["expected"].to_numpy()
    spread = _spread_between(each, mean, cells, peers)
    own = np.bincount(each["row"], cells.unit * mean + spread * mean**2, minlength=size)
    days = np.zeros((size, len(peers.rate)))
    np.add.at(days, (rows["row"], rows["month"]), rows["n_days"].to_numpy(float))
    noise = own + np.nan_to_num(value) ** 2 * _peer_variance(days, peers, cells.unit)
    result = np.nan_to_num(table["result"].to_numpy(float))
    unit = np.full(size, cells.unit)
    low, high = compound_poisson_interval(
        np.maximum(result, 0), np.where(result > 0, noise, 0.0), unit,
        typical=cells.unit, confidence=level,
    )  # fmt: skip
    low, high = (ratio(one, table["expected"]) for one in (low, high))
    table["ramp_ratio"] = value
    table["ramp_ratio_low"] = np.minimum(low, value)
    table["ramp_ratio_high"] = np.maximum(high, value)


def _spread_between(
    each: pd.DataFrame, mean: NDArray[np.float64], cells: Cells, peers: Peers
) -> float:
    """Give the squared coefficient of variation between reps, month by month, beyond chance."""
    n_reps = np.bincount(each["row"])[each["row"]]
    several = n_reps > 1
    enlarged = (n_reps / np.maximum(n_reps - 1, 1))[several]
    residual = (each["result"].to_numpy() - mean)[several]
    squares, total = float(np.sum(enlarged * residual**2)), mean[several]
    held = (peers.exposure > 0) & (np.sum(peers.exposure > 0, axis=0) > 1)
    n_peers = np.sum(peers.exposure > 0, axis=0)
    wanted = peers.exposure * np.nan_to_num(peers.rate)
    more = (n_peers / np.maximum(n_peers - 1, 1)) * (peers.results - wanted) ** 2
    squares += float(np.sum(more[held]))
    expected = float(total.sum() + wanted[held].sum())
    weight = float(np.sum(total**2) + np.sum(wanted[held] ** 2))
    return max(0.0, (squares - cells.unit * expected) / weight) if weight > 0 else 0.0


def _peer_variance(
    days: NDArray[np.float64], peers: Peers, unit: float
) -> NDArray[np.float64]:  # fmt: skip
    """Give the variance of what was expected that comes from the peers: clustered by peer."""
    rate = np.nan_to_num(peers.rate)
    share = ratio(days, peers.days[None, :])
    weight = np.nan_to_num(share)
    residual = peers.results - rate * peers.exposure
    sums = weight @ residual.T
    n_peers = ((days > 0).astype(float) @ peers.exposure.T > 0).sum(axis=1)
    clustered = np.sum(sums**2, axis=1) * n_peers / np.maximum(n_peers - 1, 1)
    chance = unit * np.sum(weight**2 * rate * peers.days, axis=1)
    return np.asarray(np.maximum(clustered, chance))


def _add_group_counts(table: pd.DataFrame, cells: Cells, place: pd.Series, months: int) -> None:
    n_groups = len(table) // months
    reps = cells.reps
    seen = reps.loc[np.isin(np.arange(len(reps)), cells.cells["rep"])]
    counts = {
        "n_hired_unknown": seen.loc[seen["is_unknown"], ["rep_id"]].assign(n=1),
        "n_hired_late": seen.loc[seen["is_late"], ["rep_id"]].assign(n=1),
        "n_left_out": cells.lost[["rep_id", "n_left_out"]],
        "n_undated": cells.lost[["rep_id", "n_undated"]],
    }
    for name, rows in counts.items():
        of = rows["rep_id"].map(place).to_numpy(np.intp)
        sums = np.bincount(of, rows.iloc[:, 1].to_numpy(float), minlength=n_groups)
        table[name] = np.repeat(sums.astype("int64"), months)
