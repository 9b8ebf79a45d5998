"""How long leads wait for their first answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.clock import WorkClock, is_on_grid
from salesdiag.analyses.leads.response_counts import ELAPSED, WORKING, count_responses
from salesdiag.analyses.leads.rows import check_keys, count_repeated, groups_of, joined
from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, share
from salesdiag.stats.survival import cumulative_incidence, event_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_COLUMNS = [
    "within_hours", "n_leads", "n_answered", "n_unanswered", "n_answered_early", "n_repeated",
    "n_within", "within_share", "within_share_low", "within_share_high", "elapsed_within_share",
    "elapsed_within_share_low", "elapsed_within_share_high",
    *[name + end for name in ("median_hours", "slow_hours", "elapsed_median_hours",
                              "elapsed_slow_hours") for end in ("", "_low", "_high")],
]  # fmt: skip
_COUNTS = ["n_answered", "n_open", "n_early"]
_QUANTILES = {"median_hours": 0.5, "slow_hours": 0.9}


def response_time(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    within_hours: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Time until leads are first answered, and the share answered within stated limits.

    The clock runs in working hours only: a lead of Friday evening answered on Monday at
    opening did not wait. The clock on the wall, which is what the customer sees, stands
    beside it. A lead that nobody answered has waited up to ``as_of`` and may still be answered:
    it counts for as long as it was watched (Kaplan-Meier [1]_), neither dropped, which would
    praise a team for forgetting its slow leads, nor called late before its time. Where all
    leads were watched beyond a limit, the share is the plain one.

    An entry is what the CRM holds: an automatic reply written down as an answer looks like a
    fast one. Leads dropped as junk without an answer count as unanswered.

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``, ``first_response_at``); ``rep_id`` and
        ``reps`` to split by them. Hours and holidays come from the calendar. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``. The rep is the one the lead has. The
        group "unassigned" is always there.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    within_hours : sequence of float, optional
        Limits in hours: whole minutes up to 2 hours, tens of minutes up to 24, whole hours up to
        240, tens of hours beyond. Default: 1 and 4 hours, and one and three working days.

    Returns
    -------
    DataFrame
        One row per group and limit; the counts and times of a group stand in each of its rows:

        - the ``by`` columns, if any;
        - ``within_hours`` : the limit;
        - ``n_leads`` : leads that count, ``n_answered + n_unanswered``; ``n_answered``,
          ``n_unanswered`` : answered by ``as_of``, and not;
        - ``n_answered_early`` : leads left out because their answer is dated before they came;
          ``n_repeated`` : rows of the whole table left out because another row has their id;
        - ``n_within`` : answered within the limit, in working hours;
        - ``within_share`` : probability of an answer within the limit in working hours, in
          [0, 1]; NaN without leads watched as long;
        - ``within_share_low``, ``within_share_high`` : Wilson interval at the effective number
          of leads, each lead taken as independent;
        - ``elapsed_within_share`` : the same by the clock on the wall;
        - ``elapsed_within_share_low``, ``elapsed_within_share_high`` : its interval;
        - ``median_hours`` : working hours by which half of all leads are answered; NaN where
          fewer are, within what was watched;
        - ``median_hours_low``, ``median_hours_high`` : its interval; infinite where it
          has no upper end within what was watched;
        - ``slow_hours``, ``slow_hours_low``, ``slow_hours_high`` : likewise by which nine in ten
          are answered;
        - ``elapsed_median_hours``, ``elapsed_median_hours_low``, ``elapsed_median_hours_high``,
          ``elapsed_slow_hours``, ``elapsed_slow_hours_low``, ``elapsed_slow_hours_high`` : the
          same by the clock on the wall.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If a limit is not one of those allowed, or a ``by`` column says nothing of leads.

    References
    ----------
    .. [1] Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete
       observations. Journal of the American Statistical Association 53, 457-481.

    Examples
    --------
    Three leads: answered after half an hour, on the next working day, and never.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> leads = pd.DataFrame({
    ...     "lead_id": ["1", "2", "3"],
    ...     "created_at": pd.to_datetime(
    ...         ["2025-06-02 10:00", "2025-06-06 17:00", "2025-06-03 09:00"]),
    ...     "first_response_at": pd.to_datetime(["2025-06-02 10:30", "2025-06-09 10:00", None]),
    ... })
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> department = Department(deals=deals, leads=leads, as_of="2025-06-30")
    >>> table = response_time(department, within_hours=(1, 4))
    >>> table[["within_hours", "n_leads", "n_within", "within_share", "median_hours"]].round(2)
       within_hours  n_leads  n_within  within_share  median_hours
    0           1.0        3         1          0.33           2.0
    1           4.0        3         2          0.67           2.0
    """
    share("confidence", confidence)
    keys = check_keys(department, by, [*_COLUMNS, "clock", "minutes"])
    department.require(leads=["first_response_at"])
    limits = _limits(department, within_hours)
    counts = count_responses(department, keys, start=start, end=end)
    groups = groups_of(counts, keys)
    table = groups.merge(pd.DataFrame({"within_hours": limits}), how="cross")
    table = joined(table, _totals(counts, keys), keys)
    for clock, prefix in ((WORKING, ""), (ELAPSED, "elapsed_")):
        own = counts[(counts["clock"] == clock) & (counts["n_answered"] + counts["n_open"] > 0)]
        own = own.reset_index(drop=True)
        table = _with_shares(table, own, keys, limits, prefix, confidence)
        table = joined(table, _quantiles(own, keys, prefix, confidence), keys)
    table["n_repeated"] = count_repeated(department)
    counted = [name for name in _COLUMNS if name.startswith("n_")]
    table[counted] = table[counted].fillna(0).astype("int64")
    floats = [name for name in _COLUMNS if name not in counted]
    table[floats] = table[floats].astype(float)
    return table[[*keys, *_COLUMNS]]


def _limits(department: Department, given: Sequence[float] | None) -> list[float]:
    if given is None:
        day = WorkClock(department).day_hours
        return sorted({1.0, 4.0, *(one for one in (day, 3 * day) if is_on_grid(one))})
    asked = sorted(set(numbers("within_hours", [given] if np.ndim(given) == 0 else given).tolist()))
    wrong = [one for one in asked if not is_on_grid(one)]
    if wrong or not asked:
        message = (
            "within_hours must be limits above 0: whole minutes up to 2 hours, tens of minutes up "
            f"to 24, whole hours up to 240, tens of hours beyond; got {wrong or given!r}."
        )
        raise InputError(message)
    return asked


def _totals(counts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    own = counts[counts["clock"] == WORKING]
    sums = own.groupby(keys)[_COUNTS].sum().reset_index() if keys else (
        own[_COUNTS].sum().to_frame().T
    )  # fmt: skip
    sums["n_leads"] = sums["n_answered"] + sums["n_open"]
    return sums.rename(columns={"n_open": "n_unanswered", "n_early": "n_answered_early"})


def _labels(own: pd.DataFrame, keys: list[str]) -> tuple[pd.Series, pd.DataFrame]:
    """Give each row of the counts the number of its group, and the keys of each number."""
    if not keys:
        return pd.Series(0, index=own.index), pd.DataFrame(index=range(min(len(own), 1)))
    codes = own.groupby(keys, sort=True).ngroup()
    return codes, own[keys].assign(code=codes).drop_duplicates("code").sort_values("code")[keys]


def _with_shares(
    table: pd.DataFrame,
    own: pd.DataFrame,
    keys: list[str],
    limits: list[float],
    prefix: str,
    confidence: float,
) -> pd.DataFrame:
    """Add the shares answered within each limit on one clock."""
    codes, named = _labels(own, keys)
    names = [f"{prefix}within_share{end}" for end in ("", "_low", "_high")]
    found = cumulative_incidence(
        own["minutes"], own["n_answered"], None, own["n_open"], group=codes.to_numpy(),
        horizon=np.array(limits) * 60, confidence=confidence,
    )  # fmt: skip
    parts = []
    for place, limit in enumerate(limits):
        inside = own["n_answered"].where(own["minutes"] <= limit * 60, 0)
        part = named.reset_index(drop=True).assign(within_hours=limit)
        for name, values in zip(names, (found.rate, found.low, found.high), strict=True):
            part[name] = values[:, place] if len(part) else np.nan
        if not prefix:
            part["n_within"] = inside.groupby(codes).sum().to_numpy()
        parts.append(part)
    return joined(table, pd.concat(parts, ignore_index=True), [*keys, "within_hours"])


def _quantiles(own: pd.DataFrame, keys: list[str], prefix: str, confidence: float) -> pd.DataFrame:
    codes, named = _labels(own, keys)
    found = named.reset_index(drop=True)
    for name, probability in _QUANTILES.items():
        quantile = event_quantile(
            own["minutes"], own["n_answered"], None, own["n_open"], probability=probability,
            group=codes.to_numpy(), confidence=confidence,
        )  # fmt: skip
        for end, values in (("", quantile.time), ("_low", quantile.low), ("_high", quantile.high)):
            ends = np.where(np.isnan(values), np.inf, values)  # beyond what was watched
            known = np.where(np.isnan(quantile.time), np.nan, ends)
            found[f"{prefix}{name}{end}"] = known / 60 if len(found) else np.nan
    return found
