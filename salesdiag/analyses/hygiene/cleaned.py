"""Whether doubtful entries matter: each metric with and without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesdiag.analyses.hygiene.batches import Thresholds
from salesdiag.analyses.hygiene.cleaned_counts import activity_cells, deal_cells, lead_cells
from salesdiag.analyses.hygiene.cleaned_stages import STAGE, stage_cells, stage_metrics
from salesdiag.analyses.hygiene.paired import compared, with_days
from salesdiag.analyses.hygiene.rows import check_keys
from salesdiag.stats.arguments import share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

METRICS = (
    "win_rate", "stage_conversion", "won_amount", "price_realisation", "cycle_days", "wins_per_day",
    "revenue_per_day", "activities_per_day", "answered_leads", "qualified_leads",
    "lead_conversion",
)  # fmt: skip
_COLUMNS = [
    "metric", "from_stage", "n_rows", "n_unknown", "n_rows_left_out", "n_suspect",
    "n_contradictory", "n_reps", "value_with", "value_without", "difference", "difference_low",
    "difference_high", "relative_difference", "money_amount", "money_amount_low",
    "money_amount_high", "matters",
]  # fmt: skip


def cleaned_metrics(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    tolerance: float = 0.05,
    late_days: int = 7,
) -> pd.DataFrame:
    """Give each metric of the reps with and without doubtful rows, and what that is worth.

    Dirty data are everywhere; what counts is whether a figure would be another without them.
    Left out are suspect entries (all kinds of `suspect_entries` but round durations and
    amounts) and rows that contradict themselves (`contradictions`, but not those that are
    merely late or undated). Imports stay. Both values are of the same rows but for those left
    out, so the difference is paired and far surer than either value.

    What is left out need not be wrong. A deal entered and won on one day may be a walk-in
    customer; leaving such wins out and no losses lowers the win rate by itself, so read that
    row as the least that the win rate could be.

    Without a window closed deals without a day count wherever no day is asked for, as in
    `win_rate`. Wins at 0 count with their 0 in ``value_with`` of the mean won amount, and are
    left out of ``value_without``: what they hide is seen there; revenue is the same with and
    without them. A deal that was never moved stands in the first stage since its creation,
    unless it was created before the history begins. What a metric cannot place is counted in
    ``n_unknown``.

    Parameters
    ----------
    department : Department
        Uses ``deals`` (with ``closed_at``), ``leads`` and ``activities``, whichever are there.
        Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps``, ``accounts``, ``leads`` or
        ``activities``. Rows of a table that the column says nothing of count under
        "unassigned". Selling days are split by columns of reps only.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed** (for the steps of the
        funnel: **created**), the lead **created**, or the activity **happened**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    tolerance : float, default 0.05
        A change of a metric by this share of its value matters.
    late_days : int, default 7
        An activity written down more than so many days after it happened is back-dated.

    Returns
    -------
    DataFrame
        One row per metric and group that its table has:

        - the ``by`` columns, if any;
        - ``metric`` : "win_rate" (of closed deals), "stage_conversion" (of deals decided at a
          step, those that went on; doubtful changes are taken out of the history), "won_amount"
          (mean of won deals), "price_realisation" (net over list, won), "cycle_days" (mean of
          won deals), "wins_per_day", "revenue_per_day", "activities_per_day" (per selling day),
          "answered_leads", "qualified_leads", "lead_conversion" (shares of leads);
        - ``from_stage`` : the stage being left; empty but for stage_conversion;
        - ``n_rows`` : rows that the metric counts; 0 where a table or column is missing;
        - ``n_unknown`` : not of these: closed deals that the metric would speak of, but for a date
          (in a window, per day, of a cycle; one after ``as_of`` is none), an amount (below 0 is
          none; of price_realisation a list amount too, and 0 is none), or a rep (per day); of
          steps, at the first, closed deals that stand in none;
        - ``n_rows_left_out`` : of these rows, left out, or judged by less;
          ``n_suspect``, ``n_contradictory`` : why; a row can be both;
        - ``n_reps`` : reps behind them, "unassigned" being one; of metrics per day reps with days;
        - ``value_with``, ``value_without`` : the metric of all rows and of those kept; NaN where
          there are none, or no selling days;
        - ``difference`` : ``value_with`` less ``value_without``: what the doubtful rows add;
        - ``difference_low``, ``difference_high`` : its interval, reps as independent, months where
          a group is one rep; NaN with a single unit;
        - ``relative_difference`` : ``difference`` over ``value_without``; NaN where that is 0;
        - ``money_amount`` : the money that the difference stands for in the window: revenue at
          the cleaned size of a deal for win_rate and wins_per_day; NaN for steps, leads, activities
          and cycles, or without amounts;
        - ``money_amount_low``, ``money_amount_high`` : its interval, the size taken as known;
        - ``matters`` : "yes" (the difference reaches the tolerance and its interval is off 0),
          "no" (the interval stays within the tolerance, or nothing was left out), "unsure",
          "all_left_out", "not_examined" (no rows, or no selling days).

    Raises
    ------
    MissingDataError
        If no table holds a ``by`` column.
    InputError
        If an option is out of range, or a key is no text.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, chapter 6 (differences of ratios
    of the same units).

    Examples
    --------
    Two wins of ten closed deals were entered and won on one day.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCDEFGHIJ"), "status": ["won"] * 5 + ["lost"] * 5,
    ...     "rep_id": list("ababababab"), "amount": 100.0,
    ...     "created_at": pd.to_datetime(["2025-03-31"] * 2 + ["2025-03-01"] * 8),
    ...     "closed_at": pd.to_datetime(["2025-03-31"] * 10),
    ... })
    >>> table = cleaned_metrics(Department(deals=deals, as_of="2025-12-31"))
    >>> table.loc[[0, 4], ["metric", "n_rows", "n_rows_left_out", "value_with", "value_without"]]
           metric  n_rows  n_rows_left_out  value_with  value_without
    0    win_rate      10                2         0.5          0.375
    4  cycle_days       5                2        18.0         30.000
    """
    level = share("confidence", confidence)
    least = Thresholds(late_days=whole_number("late_days", late_days))
    limit = share("tolerance", tolerance)
    keys = check_keys(department, by, [*_COLUMNS, "month"], "leads", "activities")
    window = (start, end)
    parts = [made(department, keys, window, least)
             for made in (deal_cells, stage_cells, lead_cells, activity_cells)]  # fmt: skip
    cells = pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True)
    cells = with_days(department, cells, keys, window)
    names = [one for name in METRICS for one in
             (stage_metrics(department) if name == STAGE else [name])]  # fmt: skip
    table = compared(cells, keys, names, confidence=level, tolerance=limit)
    told = table["metric"].str.partition(" ")
    table["metric"], table["from_stage"] = told[0], told[2]
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)
