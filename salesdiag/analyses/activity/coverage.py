"""Which deals are worked on, which are left alone, and on which nothing is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from salesdiag.analyses.activity.coverage_counts import count_coverage
from salesdiag.analyses.activity.links import Link, link_of
from salesdiag.errors import InputError
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_STATUSES = ("open", "won", "lost", "all")
_SHARES = (
    ("never_touched_share", "n_never_touched", "n_deals"),
    ("touched_share", "n_touched", "n_open"),
    ("no_next_step_share", "n_without_next_step", "n_step_known"),
    ("overdue_deal_share", "n_with_overdue_task", "n_due_known"),
    ("overdue_task_share", "n_tasks_overdue", "n_tasks_due"),
)
_COLUMNS = [
    "status", "within_days", "n_deals", "n_open", "n_undated", "n_activities",
    "activities_per_deal", "activities_per_deal_low", "activities_per_deal_high",
    "n_never_touched", "never_touched_share", "never_touched_share_low",
    "never_touched_share_high", "n_touched", "touched_share", "touched_share_low",
    "touched_share_high", "n_step_known", "n_without_next_step", "no_next_step_share",
    "no_next_step_share_low", "no_next_step_share_high", "n_due_known", "n_with_overdue_task",
    "overdue_deal_share", "overdue_deal_share_low", "overdue_deal_share_high", "n_tasks_due",
    "n_tasks_overdue", "overdue_task_share", "overdue_task_share_low", "overdue_task_share_high",
    "n_without_amount", "total_amount", "never_touched_amount", "untouched_amount",
    "no_next_step_amount", "overdue_amount",
]  # fmt: skip

# names of results, and of figures on the way; deals may be split by status, which is theirs
_TAKEN = [
    *(name for name in _COLUMNS if name != "status"),
    "inside", "is_open", "is_undated", "largest_count", "planned",
]  # fmt: skip


def deal_coverage(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    status: Literal["open", "won", "lost", "all"] = "open",
    within_days: int = 30,
    link: Link | None = None,
) -> pd.DataFrame:
    """Which deals are worked on, which are left alone, and on which nothing is planned.

    A touch is an activity on the deal that happened by ``as_of``; a task counts once it is
    done. A next step is what lies ahead: an activity with a later date, a task that is not done
    and due later, or the deal's own ``next_activity_at``. A task whose day has passed is overdue
    and no next step. All of it is as of ``as_of``, never as of today; for deals that are closed
    only their activities are told.

    Activities per deal compare badly between won and lost deals: who wins lives longer and
    talks more, so more activity follows from winning as much as the other way round.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``activity_type``, ``occurred_at``, ``deal_id`` or ``account_id``)
        and ``deals`` (``status``; ``account_id`` where that is the link; ``created_at`` for a
        window). With ``deals.next_activity_at`` or ``activities.due_at`` the next steps, with
        ``due_at`` and ``completed_at`` the overdue tasks, with ``amount`` the money. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal has now.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    status : {"open", "won", "lost", "all"}, default "open"
        Which deals.
    within_days : int, default 30
        A deal counts as touched if its last touch was on one of so many days up to ``as_of``.
    link : {"deal", "account"}, optional
        What ties an activity to a deal. None: the deal it names; where activities name accounts
        only, an activity counts for each deal of its account.

    Returns
    -------
    DataFrame
        One row per group, those without such a deal too:

        - the ``by`` columns, if any;
        - ``status``, ``within_days`` : what was asked;
        - ``n_deals`` : the deals; ``n_open`` : of these, open; ``n_undated`` : deals that could
          not be placed in the window for want of a date; 0 without a window;
        - ``n_activities`` : touches on them;
        - ``activities_per_deal`` : their ratio to ``n_deals``; NaN without deals;
        - ``activities_per_deal_low``, ``activities_per_deal_high`` : gamma interval that takes
          deals, not activities, as independent;
        - ``n_never_touched`` : deals without any touch;
        - ``never_touched_share`` : of ``n_deals``, in [0, 1]; NaN without deals;
        - ``never_touched_share_low``, ``never_touched_share_high`` : Wilson interval;
        - ``n_touched`` : open deals touched within the last days;
        - ``touched_share`` : of ``n_open``, in [0, 1]; NaN without open deals;
        - ``touched_share_low``, ``touched_share_high`` : Wilson interval;
        - ``n_step_known`` : open deals whose next step can be known: all, or none without the
          columns for it; ``n_without_next_step`` : of these, without one;
        - ``no_next_step_share`` : their ratio, in [0, 1]; NaN where it cannot be known;
        - ``no_next_step_share_low``, ``no_next_step_share_high`` : Wilson interval;
        - ``n_due_known`` : open deals whose overdue tasks can be known, likewise;
          ``n_with_overdue_task`` : of these, with at least one;
        - ``overdue_deal_share`` : their ratio, in [0, 1]; NaN where it cannot be known;
        - ``overdue_deal_share_low``, ``overdue_deal_share_high`` : Wilson interval;
        - ``n_tasks_due`` : tasks on open deals due by ``as_of``; ``n_tasks_overdue`` : of these,
          not done;
        - ``overdue_task_share`` : their ratio, in [0, 1]; NaN without tasks due;
        - ``overdue_task_share_low``, ``overdue_task_share_high`` : Wilson interval;
        - ``n_without_amount`` : deals without an amount above 0;
        - ``total_amount``, ``never_touched_amount`` : money of the deals, and of those without
          any touch; ``untouched_amount`` : of open deals not touched within the last days;
          ``no_next_step_amount`` : of those without a next step; ``overdue_amount`` : of those
          with an overdue task; NaN where no deal carries an amount, or where the share is
          unknown.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion.
    Statistics in Medicine 17, 857-872.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A", "B", "C"], "status": "open"})
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1", "2"], "activity_type": "call", "deal_id": ["A", "B"],
    ...     "occurred_at": pd.to_datetime(["2025-06-20", "2025-03-03"]),
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-06-30")
    >>> table = deal_coverage(department)
    >>> table[["n_open", "n_touched", "n_never_touched", "touched_share"]].round(2)
       n_open  n_touched  n_never_touched  touched_share
    0       3          1                1           0.33
    """
    if status not in _STATUSES:
        message = f"status must be one of {', '.join(_STATUSES)}; got {status!r}."
        raise InputError(message)
    whole_number("within_days", within_days, least=1)
    share("confidence", confidence)
    keys = department.split_keys(by, results=_TAKEN)
    windowed = start is not None or end is not None
    department.require(
        activities=["activity_type", "occurred_at"], deals=["created_at"] if windowed else []
    )
    table = count_coverage(
        department, keys, status=status, within_days=within_days,
        link=link_of(department, link), start=start, end=end,
    )  # fmt: skip
    if "status" not in keys:
        table["status"] = status
    table["within_days"] = within_days
    _add_rates(table, confidence)
    return table[[*keys, *(name for name in _COLUMNS if name not in keys)]]


def _add_rates(table: pd.DataFrame, confidence: float) -> None:
    deals = table["n_deals"]
    table["activities_per_deal"] = ratio(table["n_activities"], deals)
    low, high = compound_poisson_interval(
        table["n_activities"], table["squares"], table["largest_count"], typical=1.0,
        confidence=confidence,
    )  # fmt: skip
    table["activities_per_deal_low"] = ratio(low, deals)
    table["activities_per_deal_high"] = ratio(high, deals)
    for name, part, whole in _SHARES:
        table[name] = ratio(table[part], table[whole])
        low, high = wilson_interval(table[part], table[whole], confidence=confidence)
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    table["untouched_amount"] = table["untouched_amount"].where(table["n_open"] > 0)
    table["no_next_step_amount"] = table["no_next_step_amount"].where(table["n_step_known"] > 0)
    table["overdue_amount"] = table["overdue_amount"].where(table["n_due_known"] > 0)
