"""Which entries contradict each other, whose they are, and what money they concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses.hygiene.contradiction_counts import QUESTIONS, count_contradictions
from salesdiag.analyses.hygiene.rows import check_keys
from salesdiag.analyses.hygiene.shares import judged
from salesdiag.engine import steady
from salesdiag.stats.arguments import share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_RENAMED = {
    "n_whole": "n_examined", "n_part": "n_contradictory", "share": "contradiction_share",
    "low": "contradiction_share_low", "high": "contradiction_share_high",
    "others": "others_share",
}  # fmt: skip
_COLUMNS = [
    "table", "rule", "n_examined", "n_contradictory", "n_unknown", "n_reps",
    "contradiction_share", "contradiction_share_low", "contradiction_share_high", "n_deals",
    "concerned_amount", "others_share", "difference", "difference_low", "difference_high",
    "q_value", "reading",
]  # fmt: skip


def contradictions(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    grace_days: int = 0,
) -> pd.DataFrame:
    """Count entries that contradict each other, and the money of the deals they concern.

    Two fields of one deal that cannot both be true make every figure built on either of them
    doubtful. Where contradictions come from one rep or stage, the habit can be changed; where
    they come from all alike, the system lets them in. `check` says which rules fail at all;
    here it is asked who breaks them more than the others, and how much money hangs on it.

    A contradiction is a fact about entries and not about persons: an import, a merger of deals
    or a colleague may have made it. Work on a deal after its closing is a contradiction of the
    record only where selling was meant; deliveries and renewals look the same.

    Where the data go on beyond ``as_of``, closings are undone; amounts and due dates are
    today's. ``deal_changes`` tells which of them were changed since: these deals are left out
    of the rules that ask for them, and counted. Without that table nothing tells, and an open
    deal that was overdue on ``as_of`` and pushed later passes for one in time.

    Parameters
    ----------
    department : Department
        Uses ``deals``, ``stage_changes``, ``activities``, ``leads``, ``stages`` and
        ``deal_changes``, whichever are there. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps``, ``accounts``, ``leads``,
        ``activities`` or ``stage_changes``. The rep is the one that the row names; what a stage
        change, an activity or a lead cannot tell of itself is told by its deal.
    start, end : date or str, optional
        First and last day (both included) on which the deal or lead was **created**, the stage
        **entered**, or the activity **happened**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; one minus it is the level at which a
        q-value stands out.
    grace_days : int, default 0
        An open deal may be so many days past its expected close.

    Returns
    -------
    DataFrame
        One row per rule and group that the table has; rules in order of tables:

        - the ``by`` columns, if any;
        - ``table``, ``rule`` : of deals "closed_before_created" (by day),
          "open_with_closing_date" (not after ``as_of``), "closed_without_date",
          "won_without_amount" (or with 0), "past_expected_close" (open),
          "closed_in_open_stage", "open_in_closed_stage", "won_and_lost_disagree" (status and
          stage); of stage_changes "entered_before_creation", "entered_after_closing" (by day),
          "skipped_backwards" (two stages back or more), "owners_overlap" (two reps moved one
          deal on one day; of changes with a rep that follow another one with a rep, those
          without being passed over); of activities "activity_after_closing"; of leads
          "answered_before_created", "converted_without_deal";
        - ``n_examined`` : rows that the rule speaks of; 0 where a table or column is missing;
        - ``n_contradictory`` : of these, rows that break it;
        - ``n_unknown`` : not of these: deals of the rules "won_without_amount" (won ones) and
          "past_expected_close" (open ones) whose amount or due date was changed after ``as_of``,
          so that what stood there then is not what stands there now; else 0;
        - ``n_reps`` : reps behind the rows examined, "unassigned" being one;
        - ``contradiction_share`` : ``n_contradictory / n_examined``, in [0, 1]; NaN where
          nothing was examined;
        - ``contradiction_share_low``, ``contradiction_share_high`` : its interval: Wilson's for
          one rep, with deals, not rows, as independent; else with reps; how much a deal or
          a rep is worth is told by all groups; never narrower than Wilson's of rows;
        - ``n_deals`` : deals concerned, each once a rep;
        - ``concerned_amount`` : their money; NaN without amounts or where nothing was examined;
        - ``others_share`` : the share of all others of the department; NaN without others;
        - ``difference`` : ``contradiction_share`` less ``others_share``, in [-1, 1];
        - ``difference_low``, ``difference_high`` : its interval (Newcombe's);
        - ``q_value`` : of no difference; a rule is a family, and families are paid for too;
          1 where all rows or none break it; NaN for "unassigned", without others, or below 5
          rows;
        - ``reading`` : "above" or "below" (the q-value stands out), "as_others",
          "not_enough_data" (below 5 rows), "no_comparison" (no others, or no group of its own),
          "not_examined".

    Raises
    ------
    MissingDataError
        If no table holds a ``by`` column.
    InputError
        If ``grace_days`` is no whole number from 0, or a key is no text.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions: comparison of eleven methods. Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABC"), "status": ["won", "won", "lost"],
    ...     "created_at": pd.to_datetime(["2025-02-03", "2025-02-03", "2025-02-04"]),
    ...     "closed_at": pd.to_datetime(["2025-02-01", "2025-03-01", "2025-03-02"]),
    ...     "amount": [100.0, 0.0, 30.0],
    ... })
    >>> table = contradictions(Department(deals=deals, as_of="2025-12-31"))
    >>> table = table[table["n_contradictory"] > 0]
    >>> table[["rule", "n_examined", "n_contradictory", "concerned_amount"]]
                        rule  n_examined  n_contradictory  concerned_amount
    0  closed_before_created           3                1             100.0
    3     won_without_amount           2                1               0.0
    """
    level = share("confidence", confidence)
    whole_number("grace_days", grace_days)
    keys = check_keys(department, by, _COLUMNS, "leads", "activities", "stage_changes")
    cells = count_contradictions(department, keys, (start, end), grace_days=grace_days)
    names = [f"{table} {rule}" for table, rule in QUESTIONS]
    table = judged(cells, keys, names, confidence=level).rename(columns=_RENAMED)
    for place, name in enumerate(("table", "rule")):
        told = {number: one[place] for number, one in enumerate(QUESTIONS)}
        table[name] = table["question"].map(told).astype("str")
    money = steady(table["concerned_amount"].astype(float))
    table["concerned_amount"] = np.where(table["n_examined"] > 0, money, np.nan)
    table = table.sort_values([*keys, "question"])
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)
