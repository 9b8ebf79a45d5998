"""Who carries more, and who less, than the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.chance import count_p
from salesdiag.analyses.reps.closings import days_of
from salesdiag.analyses.reps.rep_groups import (
    asked_of_reps,
    group_codes,
    months_before,
    with_groups,
)
from salesdiag.analyses.reps.workload_counts import KINDS, STOCKS, count_loads, known_kinds
from salesdiag.department import UNASSIGNED
from salesdiag.reductions.selling_days import active_spans, working_days
from salesdiag.stats.arguments import one_number, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import compound_poisson_interval, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

_LEAST_PEERS = 3
_MEDIAN = np.pi / 2  # variance of a median over that of a mean
_SHOWN = [
    "rep_id", "load", "is_here", "n_items", "n_selling_days", "n_peers", "load_value",
    "peer_median", "load_ratio", "load_ratio_low", "load_ratio_high",
    "spare_items", "spare_items_low", "spare_items_high", "p_value", "q_value",
    "is_overloaded", "is_idle",
]  # fmt: skip


def workload(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    months: int = 3,
    tolerance: float = 0.25,
) -> pd.DataFrame:
    """Hold each rep's open deals, leads and tasks against the middle one of the others.

    Before anybody is told to work harder: is the work shared out? Two kinds of load are
    counted. What lies on the desk on the last day: ``open_deals`` and ``overdue_tasks``
    (due before that day and not done). What came in over the window, per selling day, so that
    joiners and leavers are judged by the days they had: ``new_deals``, ``new_leads``,
    ``due_tasks``. The reference is the median of the other reps, which one overloaded rep does
    not move; ``spare_items`` says how many items lie between. Rows with one ``lead_id`` are one
    lead, the first that came in; rows with one ``activity_id`` one task, done if one says so.

    A load is called too high or too low only where it is beyond chance over all reps and loads
    (``q_value``) *and* differs by more than ``tolerance``: with many leads the smallest
    difference is beyond chance. Chance is that of counts (Poisson), with the doubt about the
    median. Who is listed as manager is shown, not judged and no peer, and so is somebody who is
    not in ``reps`` and has nothing at all; who has left is shown with what still hangs on the
    name. More is not worse: some loads are wanted by the plan.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``created_at``); ``leads`` (``rep_id``,
        ``created_at``) and ``activities`` (``rep_id``, ``due_at``) for their loads. Not
        modified.
    by : str or sequence of str, default ()
        Columns of ``reps``; the others are then those of the same group.
    start, end : date or str, optional
        First and last day (both included) of what came **in**; what lies there is that of the
        last day. Default: the last ``months`` months up to ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; flags are set where ``q_value`` is at
        most ``1 - confidence``.
    months : int, default 3
        Length of the window where no ``start`` is given.
    tolerance : float, default 0.25
        A load up to ``1 + tolerance`` times the median, or down to the median over that, is
        never flagged.

    Returns
    -------
    DataFrame
        One row per group, rep and load:

        - the ``by`` columns, if any;
        - ``rep_id`` : the rep; "unassigned" holds what is nobody's;
        - ``load`` : ``"open_deals"``, ``"new_deals"``, ``"new_leads"``, ``"due_tasks"`` or
          ``"overdue_tasks"``; loads that the tables do not tell of have no rows;
        - ``is_here`` : the rep is there on the last day;
        - ``n_items`` : the deals, leads or tasks;
        - ``n_selling_days`` : the rep's working days in the window;
        - ``n_peers`` : other reps who can be compared;
        - ``load_value`` : items lying there, or items per selling day; NaN for a rep who has
          left (or without days);
        - ``peer_median`` : median of the others; NaN below three of them;
        - ``load_ratio``, ``load_ratio_low``, ``load_ratio_high`` : ``load_value`` over it; NaN
          likewise, where the median is 0, and for managers;
        - ``spare_items``, ``spare_items_low``, ``spare_items_high`` : items that the rep could
          take over to reach the median; below 0, to give away; NaN likewise;
        - ``p_value`` : of a load like the median's, in [0, 1]; ``q_value`` : adjusted over all
          rows (Benjamini-Hochberg); NaN likewise;
        - ``is_overloaded``, ``is_idle`` : beyond chance and beyond the tolerance; few overdue
          tasks are no idleness and never flagged.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If ``by`` is no column of reps, or an option is out of range.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    Three reps hold 10 open deals each, the fourth 40.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> owners = ["a"] * 10 + ["b"] * 10 + ["c"] * 10 + ["d"] * 40
    >>> deals = pd.DataFrame({"deal_id": range(70), "status": "open", "rep_id": owners,
    ...                       "created_at": pd.Timestamp("2025-01-15")})
    >>> department = Department(deals=deals, as_of="2025-06-30")
    >>> table = workload(department)
    >>> held = table[table["load"] == "open_deals"]
    >>> held[["rep_id", "load_ratio", "spare_items", "is_overloaded"]]
      rep_id  load_ratio  spare_items  is_overloaded
    0      a         1.0          0.0          False
    1      b         1.0          0.0          False
    2      c         1.0          0.0          False
    3      d         4.0        -30.0           True
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    whole_number("months", months, least=1, most=60)
    one_number("tolerance", tolerance, least=0)
    first = asked.first or months_before(asked.last, months)
    table = _desk(department, first, asked.last)
    table = with_groups(department, table, asked.keys)
    codes = group_codes(table, asked.keys)[1]
    table["peer_median"], table["n_peers"], doubt = _peers(table, codes)
    _add_ratios(table, doubt, asked.level)
    table["q_value"] = adjust_p_values(table["p_value"]) if len(table) else np.nan
    beyond = table["q_value"] <= 1 - asked.level
    table["is_overloaded"] = beyond & (table["load_ratio"] > 1 + tolerance)
    table["is_idle"] = (
        beyond & (table["load_ratio"] < 1 / (1 + tolerance)) & (table["load"] != "overdue_tasks")
    )
    table["_order"] = table["load"].map(KINDS.index) if len(table) else 0
    table = table.sort_values([*asked.keys, "_order", "rep_id"], ignore_index=True)
    return table[[*asked.keys, *_SHOWN]]


def _desk(department: Department, first: date, last: date) -> pd.DataFrame:
    """Give one row a rep and load, of reps who were there and of names on which items hang."""
    counts = count_loads(department, first, last)
    spans = active_spans(department)
    low = np.maximum(days_of(spans["first_day"]), np.datetime64(first, "D"))
    high = np.minimum(days_of(spans["last_day"]), np.datetime64(last, "D"))
    spans["n_selling_days"] = working_days(department, low, high)
    day = pd.Timestamp(last)
    spans["is_here"] = (spans["first_day"] <= day) & (spans["last_day"] >= day)
    spans["is_here"] &= first <= last
    there = spans["is_here"] | (spans["n_selling_days"] > 0)
    ids = pd.concat([spans.loc[there, "rep_id"], counts.loc[counts["n_items"] > 0, "rep_id"]])
    ids = ids.drop_duplicates().astype("str") if first <= last else ids.iloc[:0].astype("str")
    table = pd.DataFrame({"rep_id": ids}).merge(
        pd.DataFrame({"load": known_kinds(department)}), how="cross"
    )
    table = table.merge(counts, on=["rep_id", "load"], how="left")
    table = table.merge(spans[["rep_id", "n_selling_days", "is_here"]], on="rep_id", how="left")
    table["is_here"] = table["is_here"].eq(other=True)
    table = table.fillna({"n_items": 0, "n_selling_days": 0})
    table = table.astype({"n_items": "int64", "n_selling_days": "int64"})
    exposure = table["n_selling_days"].where(~table["load"].isin(STOCKS), table["is_here"])
    table["exposure"] = exposure.astype(float)
    table["load_value"] = ratio(table["n_items"], table["exposure"])
    idle = table.groupby("rep_id")["n_items"].transform("sum") == 0
    gone = idle & ~_listed(department, table["rep_id"], managers=False)
    able = ~_listed(department, table["rep_id"], managers=True) & ~gone
    table["is_judged"] = table["load_value"].notna() & able & (table["rep_id"] != UNASSIGNED)
    return table


def _listed(department: Department, rep_id: pd.Series, *, managers: bool) -> pd.Series:
    """Tell who is in the list of reps, or is a manager there."""
    if not department.has("reps"):
        return pd.Series(data=False, index=rep_id.index)
    reps = department.fetch("reps")
    if managers:
        role = reps["role"] if "role" in reps else pd.Series(index=reps.index, dtype="str")
        reps = reps[role.str.lower() == "manager"]
    return rep_id.isin(reps["rep_id"])


def _peers(
    table: pd.DataFrame, codes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Give the median of the others, their number, and the squared doubt about the median."""
    middle = np.full(len(table), np.nan)
    doubt = np.full(len(table), np.nan)
    n_peers = np.zeros(len(table), dtype="int64")
    value, judged = table["load_value"].to_numpy(float), table["is_judged"].to_numpy(bool)
    for rows in table.groupby([codes, table["load"].to_numpy()]).indices.values():
        able = judged[rows]
        pool = np.sort(value[rows[able]])
        for row, one in zip(rows, able, strict=True):
            others = np.delete(pool, np.searchsorted(pool, value[row])) if one else pool
            n_peers[row] = len(others)
            if one and len(others) >= _LEAST_PEERS:
                middle[row] = np.median(others)
                doubt[row] = _MEDIAN * np.var(others, ddof=1) / len(others)
    return middle, n_peers, doubt


def _add_ratios(table: pd.DataFrame, doubt: NDArray[np.float64], level: float) -> None:
    median = table["peer_median"].where(table["peer_median"] > 0).to_numpy(float)
    expected, count = median * table["exposure"].to_numpy(float), table["n_items"].to_numpy(float)
    squared_cv = doubt / median**2
    value = ratio(count, expected)
    noise = np.where(count > 0, count + count**2 * np.nan_to_num(squared_cv), 0.0)
    low, high = compound_poisson_interval(
        count, noise, np.ones(len(count)), typical=1.0, confidence=level
    )
    low, high = np.minimum(ratio(low, expected), value), np.maximum(ratio(high, expected), value)
    table["load_ratio"] = value
    table["load_ratio_low"], table["load_ratio_high"] = low, high
    table["spare_items"] = expected - count
    table["spare_items_low"] = expected * (1 - high)
    table["spare_items_high"] = expected * (1 - low)
    table["p_value"] = count_p(count, expected, squared_cv)
