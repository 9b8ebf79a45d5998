"""Which entries look as if they were not made when and how they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses.hygiene.batches import Thresholds
from salesdiag.analyses.hygiene.rows import check_keys
from salesdiag.analyses.hygiene.shares import judged
from salesdiag.analyses.hygiene.suspect_counts import QUESTIONS, count_suspects
from salesdiag.periods import parse_day
from salesdiag.stats.arguments import share, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_RENAMED = {
    "n_whole": "n_examined", "n_part": "n_suspect", "share": "suspect_share",
    "low": "suspect_share_low", "high": "suspect_share_high", "others": "expected_share",
}  # fmt: skip
_COLUMNS = [
    "table", "kind", "n_rows", "n_import", "n_examined", "n_suspect", "n_reps", "suspect_share",
    "suspect_share_low", "suspect_share_high", "expected_share", "difference", "difference_low",
    "difference_high", "q_value", "reading", "busiest_share",
]  # fmt: skip


def suspect_entries(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    late_days: int = 7,
    batch_least: int = 5,
    burst_least: int = 10,
    burst_share: float = 0.25,
    eve_days: int = 2,
    meetings: Sequence[date | str] = (),
) -> pd.DataFrame:
    """Share of entries that look as if made up afterwards or in bulk, and whose they are.

    A record made for its reader has a shape: a week of calls written down within an hour,
    stages moved by the dozen on the eve of the month's end, talks of no length. None of this
    proves anything; the word is "suspect entry". Each kind is held against what all other
    groups show, for a habit that everybody shares is how the system is used. What all share
    cannot be seen in this way: without ``by`` there is nothing to expect.

    Imports are recognised first and accuse nobody: one minute with at least 20 rows and ten
    times as many as usual that name three reps or more, none of them with more than half of the
    rows; or with 200 rows or more, whoever is named; the minutes just before and after these;
    and activities from before anything was written down. Usual is the median minute with
    entries, or the median of the days' medians where that is less, so that an import over many
    minutes does not hide itself; one that runs on most of the days does. They are counted in
    ``n_import`` and left out of all else.

    Entries come in runs, and ten late entries after a holiday are one event, not ten: weeks of
    a rep are what is independent, and reps where a group has several. So one bad day makes no
    rep stand out; a habit does. How far entries come in runs is learnt from all groups: who has
    no late entry cannot tell, and must not stand out below the others for one event that
    passed by.

    Parameters
    ----------
    department : Department
        Uses ``activities``, ``deals``, ``stage_changes`` and ``leads``, whichever are there, with
        ``rep_id``. An activity is entered at ``logged_at``, else when it happened. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps`` (such as ``"rep_id"``), ``deals``, ``accounts``,
        ``activities``, ``stage_changes`` or ``leads``. Rows of a table that the column says
        nothing of count under "unassigned".
    start, end : date or str, optional
        First and last day (both included) on which the activity **happened**, the deal or lead
        was **created**, or the stage **entered**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; one minus it is the level at which a
        q-value stands out.
    late_days : int, default 7
        An activity written down more than so many days after it happened is back-dated.
    batch_least : int, default 5
        So many entries of one rep in one minute, or stage changes in one hour, are a batch.
    burst_least : int, default 10
        The fewest entries of one rep in one hour that make a burst.
    burst_share : float, default 0.25
        The share of the rep's week that an hour must hold to be a burst.
    eve_days : int, default 2
        The last working days of a fiscal month, and up to a meeting, that count as its eve.
    meetings : sequence of date or str, default ()
        Days of meetings before which batches of stage changes count too.

    Returns
    -------
    DataFrame
        One row per kind and group that the table has; kinds in order of tables:

        - the ``by`` columns, if any;
        - ``table``, ``kind`` : of activities "burst", "one_minute" (a batch), "back_dated",
          "zero_duration" (calls and meetings said to have reached someone, of no length),
          "same_duration" (a length to the second that the rep has ten times or more, and five
          times as often as others), "round_duration" (whole five minutes); of deals "one_minute"
          (created), "create_and_win" (on one day), "round_amount" (won, from 1,000 on, whole
          hundreds); of stage_changes "one_minute", "period_end_batch"; of leads "one_minute"
          (answered);
        - ``n_rows`` : rows of the table; ``n_import`` : of these, recognised as imports;
        - ``n_examined`` : rows that the kind speaks of, without imports; rows that carry a date
          without a time of day say nothing of minutes and hours; 0 where a column is missing;
        - ``n_suspect`` : of these, suspect entries; kinds overlap;
        - ``n_reps`` : reps behind the rows examined, "unassigned" being one;
        - ``suspect_share`` : ``n_suspect / n_examined``, in [0, 1]; NaN where nothing was examined;
        - ``suspect_share_low``, ``suspect_share_high`` : its interval: Wilson's at the number of
          rows that weeks are worth for one rep, else with reps as independent; how much a week
          or a rep is worth is told by all groups;
        - ``expected_share`` : the share of all others of the department; NaN without others;
        - ``difference`` : ``suspect_share`` less ``expected_share``, in [-1, 1];
        - ``difference_low``, ``difference_high`` : its interval (Newcombe's);
        - ``q_value`` : of no difference; a kind is a family, and families are paid for too;
          1 where all rows or none are suspect; NaN for "unassigned", without others, or below 5
          rows;
        - ``reading`` : "above" or "below" (the q-value stands out), "as_others",
          "not_enough_data" (below 5 rows), "no_comparison" (no others, or no group of its own),
          "not_examined";
        - ``busiest_share`` : of "burst", the share of entries that stand in the busiest
          hundredth of the hours in which the reps entered anything; else NaN.

    Raises
    ------
    MissingDataError
        If no table holds a ``by`` column.
    InputError
        If an option is out of range, or a key is no text.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology 24,
    193-201.

    Examples
    --------
    Six calls written down within a minute, and one on its own.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"]})
    >>> activities = pd.DataFrame({
    ...     "activity_id": list("1234567"), "activity_type": "call", "rep_id": "r1",
    ...     "occurred_at": pd.Timestamp("2025-12-01 10:00"),
    ...     "logged_at": pd.to_datetime(["2025-12-12 17:00"] * 6 + ["2025-12-01 11:30"]),
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-12-31")
    >>> table = suspect_entries(department)
    >>> table = table[table["n_suspect"] > 0]
    >>> table[["kind", "n_examined", "n_suspect", "suspect_share"]].round(2)
             kind  n_examined  n_suspect  suspect_share
    1  one_minute           7          6           0.86
    2  back_dated           7          6           0.86
    """
    level = share("confidence", confidence)
    keys = check_keys(department, by, _COLUMNS, "activities", "stage_changes", "leads")
    least = Thresholds(
        late_days=whole_number("late_days", late_days),
        batch_least=whole_number("batch_least", batch_least, least=2),
        burst_least=whole_number("burst_least", burst_least, least=2),
        burst_share=share("burst_share", burst_share),
        eve_days=whole_number("eve_days", eve_days, most=20),
    )
    days = tuple(parse_day(day, "meetings") for day in meetings)
    cells, busiest = count_suspects(department, keys, (start, end), least, days)
    names = [f"{table} {kind}" for table, kind in QUESTIONS]
    table = judged(cells, keys, names, confidence=level).rename(columns=_RENAMED)
    for place, name in enumerate(("table", "kind")):
        told = {number: one[place] for number, one in enumerate(QUESTIONS)}
        table[name] = table["question"].map(told).astype("str")
    table = _with_busiest(table, busiest, keys).sort_values([*keys, "question"])
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)


def _with_busiest(table: pd.DataFrame, busiest: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if not len(busiest):
        return table.assign(busiest_share=np.nan)
    busiest = busiest.astype(dict.fromkeys(keys, "str"))
    how = {"on": keys, "how": "left"} if keys else {"how": "cross"}
    merged = table.merge(busiest, **how)
    bursts = merged["question"] == QUESTIONS.index(("activities", "burst"))
    share_of = merged["busiest_share"].astype(float).where(bursts & (merged["n_examined"] > 0))
    return merged.assign(busiest_share=share_of)
