"""On what activity is spent: deals that can still win, dead ones, won ones, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.allocation_counts import DESTINATIONS, count_destinations
from salesdiag.analyses.activity.keys import check_keys, groups_of_reps, home_of
from salesdiag.analyses.activity.links import Link, link_of
from salesdiag.analyses.activity.panel import ALL
from salesdiag.department import UNASSIGNED
from salesdiag.reductions.winnable import winnable_days
from salesdiag.schema import ACTIVITY_TYPES
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import clustered_rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_COLUMNS = [
    "activity_type", "destination", "age_limit_days", "n_reps", "n_all", "n_activities",
    "effort_share", "effort_share_low", "effort_share_high",
]  # fmt: skip
_ON_THE_WAY = ("cluster", "label", "lead", "n", "winnable")  # names of figures


def activity_allocation(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    won_share: float = 0.95,
    max_age_days: int | None = None,
    link: Link | None = None,
) -> pd.DataFrame:
    """On what effort is spent: deals that can still win, dead ones, won ones, or none at all.

    Each activity is judged by what its deal was on that day. *Winnable*: still open then, and
    no older than the age by which nearly all of this department's wins have come. The age is
    learnt from its own deals, open ones counted as long as they were watched, not from a rule
    such as "twice the average"; a deal beyond it may still win, but few do. *Already won* and
    *already lost* begin on the day after the closing; serving a won customer may be a duty and
    not a waste, so look at what those activities are before calling it one.

    A share says where effort goes, not what it would bring elsewhere.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``activity_type``, ``occurred_at``, ``deal_id`` or ``account_id``;
        better with ``rep_id``, ``lead_id``) and ``deals`` (``created_at``, ``closed_at``, and
        ``account_id`` where that is the link). Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps`` or of ``activities``. The rep is the one the
        activity names. The group "unassigned" is always there.
    start, end : date or str, optional
        First and last day (both included) on which the activity **happened**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    won_share : float, default 0.95
        A deal is too old from the age on by which this share of all deals ever won is won.
    max_age_days : int, optional
        The age itself instead, in days.
    link : {"deal", "account"}, optional
        What ties an activity to a deal. None: the deal it names; where activities name accounts
        only, of the deals that the account had by then the one that could best be meant, in the
        order of the rows below.

    Returns
    -------
    DataFrame
        One row per group, activity type ("all", then those that occur) and destination:

        - the ``by`` columns, if any;
        - ``activity_type`` : of the schema, or "all";
        - ``destination`` : "winnable"; "too old"; "age unknown" (open then, but no creation date,
          or fewer than 20 deals won to learn the age from); "already won"; "already lost";
          "unknown deal" (not in the table, or closed without a date); "lead" (no deal, but a
          lead); "no deal";
        - ``age_limit_days`` : age from which an open deal is too old; NaN if not learnt;
        - ``n_reps`` : reps with activities of the type, the missing one as one;
        - ``n_all`` : activities of the type; ``n_activities`` : those spent so;
        - ``effort_share`` : ``n_activities / n_all``, in [0, 1]; NaN without activities;
        - ``effort_share_low``, ``effort_share_high`` : Wilson interval at the number of cases
          that reps are worth, for those of one rep are alike; split by rep, months are the
          cases; 0 to 1 where there is but one rep, or month; NaN without activities.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology 24,
    193-201.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["open", "lost"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-01-02"]),
    ...     "closed_at": pd.to_datetime([None, "2025-02-01"]),
    ... })
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1", "2", "3", "4"], "activity_type": "call", "rep_id": "r1",
    ...     "occurred_at": pd.to_datetime(["2025-01-09", "2025-06-02", "2025-02-03", "2025-03-03"]),
    ...     "deal_id": ["A", "A", "B", None],
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-06-30")
    >>> table = activity_allocation(department, max_age_days=90)
    >>> spent = table[(table["activity_type"] == "call") & (table["n_activities"] > 0)]
    >>> spent[["destination", "n_activities", "effort_share"]].reset_index(drop=True)
        destination  n_activities  effort_share
    0      winnable             1          0.25
    1       too old             1          0.25
    2  already lost             1          0.25
    3       no deal             1          0.25
    """
    keys = check_keys(department, by, [*_COLUMNS, *_ON_THE_WAY], own=True)
    share("confidence", confidence)
    share("won_share", won_share)
    department.require(
        activities=["activity_type", "occurred_at"], deals=["created_at", "closed_at"]
    )
    tie = link_of(department, link)
    if max_age_days is None:
        limit = winnable_days(department, won_share=won_share)
    else:
        limit = float(whole_number("max_age_days", max_age_days, least=0))
    own = [key for key in keys if home_of(department, key) == "activities"]
    counts = count_destinations(
        department, own, link=tie, age_limit=limit, monthly="rep_id" in keys, start=start, end=end
    )
    of_reps = [key for key in keys if key not in own]
    table = _shares(department, counts, of_reps, own, confidence)
    return table.assign(age_limit_days=limit)[[*keys, *_COLUMNS]]


def _shares(
    department: Department,
    counts: pd.DataFrame,
    of_reps: list[str],
    own: list[str],
    confidence: float,
) -> pd.DataFrame:
    """Turn counts by rep into one row per group, type and destination."""
    cells = _cells(department, counts, of_reps, own)
    group = [*of_reps, *own, "activity_type"]
    rows = _all_groups(department, cells, of_reps, own)
    labels = rows.reset_index(names="label")
    wide = cells.merge(labels, on=group, how="left")
    names = list(DESTINATIONS)
    wide["n_all"] = wide[names].sum(axis=1)
    # every group stands in the list, those without activities with a cluster of nothing
    label = np.concatenate((wide["label"].to_numpy(int), labels["label"].to_numpy(int)))
    none = np.zeros(len(rows))
    cluster = np.unique([*wide["cluster"], *[""] * len(rows)], return_inverse=True)[1]
    whole = np.concatenate((wide["n_all"].to_numpy(float), none))
    rows["n_reps"] = wide.groupby("label")["rep_id"].nunique().reindex(rows.index, fill_value=0)
    parts = []
    for name in names:
        part = np.concatenate((wide[name].to_numpy(float), none))
        found = clustered_rate(part, whole, cluster=cluster, group=label, confidence=confidence)
        known = ~np.isnan(found.rate)
        n = np.bincount(label, part, len(rows))
        parts.append(rows.assign(
            destination=name, n_all=np.bincount(label, whole, len(rows)), n_activities=n,
            effort_share=found.rate,
            effort_share_low=np.where(known & np.isnan(found.low), 0.0, found.low),
            effort_share_high=np.where(known & np.isnan(found.high), 1.0, found.high),
        ))  # fmt: skip
    table = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    return table.astype(dict.fromkeys(["n_reps", "n_all", "n_activities"], "int64"))


def _cells(
    department: Department, counts: pd.DataFrame, of_reps: list[str], own: list[str]
) -> pd.DataFrame:
    """Give one row per group, type and cluster, one column a destination."""
    groups = groups_of_reps(department, counts["rep_id"], of_reps)
    counts = counts.drop(columns=[key for key in of_reps if key != "rep_id"], errors="ignore")
    counts = counts.join(groups[[key for key in of_reps if key != "rep_id"]])
    counts["cluster"] = counts["rep_id"] + " " + counts["month"]
    total = counts.assign(activity_type=ALL)
    index = list(dict.fromkeys([*of_reps, *own, "activity_type", "rep_id", "cluster"]))
    both = pd.concat([counts, total])
    table = both.pivot_table(index=index, columns="destination", values="n", aggfunc="sum")
    table = table.reindex(columns=list(DESTINATIONS)).fillna(0)
    return table.rename_axis(columns=None).reset_index()


def _all_groups(
    department: Department, cells: pd.DataFrame, of_reps: list[str], own: list[str]
) -> pd.DataFrame:
    """List all groups and types: "unassigned" among the reps, "all" among the types."""
    ids = pd.Series([*pd.unique(cells["rep_id"]), UNASSIGNED], dtype="str").drop_duplicates()
    groups = groups_of_reps(department, ids, of_reps).drop_duplicates()
    rows = groups.sort_values(of_reps) if of_reps else pd.DataFrame(index=[0])
    if own:
        rows = rows.merge(cells[own].drop_duplicates().sort_values(own), how="cross")
    found = set(cells["activity_type"])
    kinds = [ALL, *(kind for kind in ACTIVITY_TYPES if kind in found)]
    return rows.merge(pd.DataFrame({"activity_type": pd.Series(kinds, dtype="str")}), how="cross")
