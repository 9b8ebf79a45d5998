"""How often leads are tried before they are reached, and when they are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.attempt_counts import (
    count_attempts,
    count_repeated_activities,
    require_links,
)
from salesdiag.analyses.leads.rows import check_keys, count_repeated, groups_of
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

_SHARES = {
    "reach_rate": ("n_reached", "n_tried"),
    "given_up_share": ("n_given_up", "n_decided"),
    "qualified_rate": ("n_qualified", "n_reached"),
    "ended_qualified_rate": ("n_ended_qualified", "n_given_up"),
}
_ENDS = ("", "_low", "_high")
_COLUMNS = [
    "attempt", "n_leads", "n_untried", "n_repeated", "n_early_attempts",
    "n_repeated_activities", "n_tried", "n_reached",
    *["reach_rate" + end for end in _ENDS], "n_given_up", "n_waiting", "n_went_on",
    *["given_up_share" + end for end in _ENDS], "n_next",
    *["next_reach_rate" + end for end in _ENDS], "n_qualified",
    *["qualified_rate" + end for end in _ENDS], "n_ended_qualified",
    *["ended_qualified_rate" + end for end in _ENDS], "mean_attempts",
]  # fmt: skip


def attempts(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    most_attempts: int = 8,
    quiet_days: int = 14,
) -> pd.DataFrame:
    """Chance of reaching a lead at each attempt, and after how many attempts it is given up.

    Of the leads tried for the n-th time, not reached before, how many answer? And of those
    that do not, how many are never tried again, although the next attempt still reaches some?
    A lead tried lately may be tried again: it is not given up before ``quiet_days`` days
    without another attempt. An attempt is a call, e-mail, meeting or message to the lead, or,
    where the entry names no lead, to the first lead of its deal, from the day on which the lead
    came in; a lead is reached where an entry says "connected" or "held", also by its own call.
    E-mails whose outcome nobody
    writes down count as attempts without an answer, so split by who writes what down.

    The chance at the next attempt is that of the leads that were tried on. Reps try on
    where they expect an answer, so those given up would have answered less often: it is the
    most that another attempt could bring.

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``) and ``activities`` (``lead_id``, or
        ``deal_id`` where leads and deals name each other; ``activity_type``, ``occurred_at``,
        ``outcome``); uses ``direction``, ``qualified_at``, ``status`` or ``deal_id`` of leads. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``. The group "unassigned" is always
        there.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    most_attempts : int, default 8
        Last attempt that is listed; leads tried more often count in all these rows.
    quiet_days : int, default 14
        Days without an attempt, up to ``as_of``, after which a lead not reached is given up.

    Returns
    -------
    DataFrame
        One row per group and attempt, from the first:

        - the ``by`` columns, if any;
        - ``attempt`` : its number; several at the moment of the contact are one;
        - ``n_leads`` : leads of the group; ``n_untried`` : of these, never tried;
          ``n_repeated`` : rows of the whole table left out because another row has their id;
        - ``n_early_attempts`` : attempts left out as dated on a day before their lead came in;
          ``n_repeated_activities`` : rows of all activities whose id another row has; the first
          of them counts;
        - ``n_tried`` : leads not reached before that had this attempt; ``n_reached`` : of
          these, reached by it;
        - ``reach_rate`` : their ratio, in [0, 1]; NaN without attempts;
        - ``reach_rate_low``, ``reach_rate_high`` : Wilson interval, each lead as independent;
        - ``n_given_up``, ``n_waiting``, ``n_went_on`` : of those not reached, never tried again,
          tried lately, and tried again; the three and ``n_reached`` add up to ``n_tried``;
        - ``given_up_share`` : ``n_given_up`` of those given up or tried again, in [0, 1]; NaN
          without any;
        - ``given_up_share_low``, ``given_up_share_high`` : Wilson interval;
        - ``n_next`` : leads that had the next attempt;
        - ``next_reach_rate`` : the share of them that it reached; NaN without any;
        - ``next_reach_rate_low``, ``next_reach_rate_high`` : Wilson interval;
        - ``n_qualified`` : of those reached at this attempt, qualified (or became a deal, where
          no table tells who is qualified);
        - ``qualified_rate`` : its share of ``n_reached``; NaN without any;
        - ``qualified_rate_low``, ``qualified_rate_high`` : Wilson interval;
        - ``n_ended_qualified`` : of those given up at this attempt, qualified all the same;
        - ``ended_qualified_rate`` : its share of ``n_given_up``, in [0, 1]; NaN without any;
        - ``ended_qualified_rate_low``, ``ended_qualified_rate_high`` : Wilson interval;
        - ``mean_attempts`` : attempts per lead tried, up to the contact or the last one, those
          beyond ``most_attempts`` left out; NaN without any.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is no whole number of its range, or a ``by`` column says nothing of leads.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion.
    Statistics in Medicine 17, 857-872.

    Examples
    --------
    Lead 1 answers the second call, lead 2 is given up after one, nobody tries lead 3.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> leads = pd.DataFrame({"lead_id": ["1", "2", "3"],
    ...                       "created_at": pd.Timestamp("2025-03-03")})
    >>> calls = pd.DataFrame({
    ...     "activity_id": ["a", "b", "c"], "activity_type": "call", "lead_id": ["1", "1", "2"],
    ...     "occurred_at": pd.to_datetime(["2025-03-04", "2025-03-05", "2025-03-04"]),
    ...     "outcome": ["no_answer", "connected", "no_answer"],
    ... })
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> department = Department(deals=deals, leads=leads, activities=calls, as_of="2025-12-31")
    >>> table = attempts(department, most_attempts=2)
    >>> table[["attempt", "n_tried", "n_reached", "n_given_up", "n_went_on", "next_reach_rate"]]
       attempt  n_tried  n_reached  n_given_up  n_went_on  next_reach_rate
    0        1        2          0           1          1              1.0
    1        2        1          1           0          0              NaN
    """
    share("confidence", confidence)
    whole_number("most_attempts", most_attempts, least=1, most=100)
    whole_number("quiet_days", quiet_days)
    own = ["n_tries", "is_reached", "is_waiting", "is_hit", "link", "n", "n_hit", "n_early",
           "first_at", "last_at", "n_before"]  # fmt: skip
    keys = check_keys(department, by, [*_COLUMNS, *own])
    department.require(activities=["activity_type", "occurred_at", "outcome"])
    require_links(department)
    counts = count_attempts(
        department, keys, start=start, end=end, quiet_days=quiet_days, most=most_attempts + 1
    )
    parts = []
    groups = groups_of(counts, keys)
    for group in groups[keys].itertuples(index=False) if keys else [()]:
        there = np.ones(len(counts), dtype=bool)
        for key, value in zip(keys, group, strict=True):
            there &= (counts[key] == value).to_numpy()
        part = _one_group(counts[there], most_attempts)
        parts.append(part.assign(**dict(zip(keys, group, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    _add_shares(table, confidence)
    table["n_repeated"] = count_repeated(department)
    table["n_repeated_activities"] = count_repeated_activities(department)
    integers = [name for name in _COLUMNS if name.startswith("n_")]
    table[integers] = table[integers].astype("int64")
    return table[[*keys, *_COLUMNS]]


def _one_group(counts: pd.DataFrame, most: int) -> pd.DataFrame:
    tries, n, hit = (counts[name].to_numpy() for name in ("n_tries", "n", "n_hit"))
    reached, waiting = (counts[name].to_numpy(bool) for name in ("is_reached", "is_waiting"))
    # a lead reached after n unanswered ones was reached at the attempt after them
    made = np.where(reached, tries + 1, tries)
    rows = []
    for attempt in range(1, most + 2):
        at = made == attempt
        ended = at & ~reached & ~waiting
        rows.append({
            "attempt": attempt,
            "n_tried": n[made >= attempt].sum(),
            "n_reached": n[at & reached].sum(),
            "n_given_up": n[ended].sum(),
            "n_waiting": n[at & ~reached & waiting].sum(),
            "n_went_on": n[made > attempt].sum(),
            "n_qualified": hit[at & reached].sum(),
            "n_ended_qualified": hit[ended].sum(),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    table["n_next"] = [*table["n_tried"].iloc[1:], 0]
    table["n_next_reached"] = [*table["n_reached"].iloc[1:], 0]
    table["n_decided"] = table["n_given_up"] + table["n_went_on"]
    tried = made > 0
    table["n_leads"], table["n_untried"] = n.sum(), n[~tried].sum()
    table["n_early_attempts"] = counts["n_early"].sum()
    total = float((np.minimum(made, most) * n)[tried].sum())
    table["mean_attempts"] = total / n[tried].sum() if tried.any() else np.nan
    return table.iloc[:most]


def _add_shares(table: pd.DataFrame, confidence: float) -> None:
    shares = _SHARES | {"next_reach_rate": ("n_next_reached", "n_next")}
    for name, (part, whole) in shares.items():
        table[name] = ratio(table[part], table[whole])
        low, high = wilson_interval(table[part], table[whole], confidence=confidence)
        table[f"{name}_low"], table[f"{name}_high"] = low, high
