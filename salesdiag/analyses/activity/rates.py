"""How much each rep does in a selling day, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.keys import check_keys, groups_of_reps, home_of
from salesdiag.analyses.activity.rate_counts import COUNTS, count_activities
from salesdiag.department import UNASSIGNED
from salesdiag.schema import ACTIVITY_TYPES
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

ALL = "all"
_COLUMNS = [
    "activity_type", "n_reps", "n_selling_days", "n_activities", "n_without_rep", "per_day",
    "per_day_low", "per_day_high", "n_with_outcome", "n_reached", "reached_rate",
    "reached_rate_low", "reached_rate_high", "n_with_log_time", "n_late", "late_rate",
    "late_rate_low", "late_rate_high",
]  # fmt: skip
_ON_THE_WAY = ("day_squares", "products", "week")  # names of figures
_INTEGERS = [name for name in _COLUMNS if name.startswith("n_")]


def activity_rates(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    late_days: int = 1,
) -> pd.DataFrame:
    """Activities per rep and selling day, the share that reached someone, and late entries.

    The days are those on which a rep could sell: working days from being hired (or first seen
    in the data) to leaving, so that newcomers, leavers and holidays make nobody look idle.
    Leave and illness are not known and make a rep look less active than he was. What names no
    rep is counted apart and left out of the rate, for nobody's days stand against it.

    A count of activities says how much was written down. A team that writes down more does
    not for that sell more; see `activity_effect`.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``rep_id``, ``activity_type``, ``occurred_at``); with ``outcome``
        and ``logged_at`` the shares too. Days come from ``reps`` (``hired_on``, ``left_on``)
        and the calendar. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps`` or of ``activities``, such as ``"direction"``.
        Columns of activities split what is counted, not the days. The rep is the one the
        activity names. The group "unassigned" is always there.
    start, end : date or str, optional
        First and last day (both included) on which the activity **happened**. Not given: the
        days of the first and of the last activity, for before and after nothing was written
        down.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    late_days : int, default 1
        An activity written down more than so many days after it happened is late.

    Returns
    -------
    DataFrame
        One row per group and activity type, "all" first, then the types that occur:

        - the ``by`` columns, if any;
        - ``activity_type`` : of the schema, or "all";
        - ``n_reps`` : reps with at least one selling day in the window;
        - ``n_selling_days`` : their selling days, the denominator;
        - ``n_activities`` : all activities; ``n_without_rep`` : of these, without a rep;
        - ``per_day`` : activities with a rep per selling day, 0 or more; NaN without days;
        - ``per_day_low``, ``per_day_high`` : gamma interval; rep-weeks are the independent
          units, and their spread, where larger than chance, widens it;
        - ``n_with_outcome`` : activities whose outcome is known; ``n_reached`` : of these,
          "connected" or "held";
        - ``reached_rate`` : their ratio, in [0, 1]; NaN where no outcome is known;
        - ``reached_rate_low``, ``reached_rate_high`` : Wilson interval;
        - ``n_with_log_time`` : activities whose time of entry is known; ``n_late`` : of these,
          entered late;
        - ``late_rate`` : their ratio, in [0, 1]; NaN where no time of entry is known;
        - ``late_rate_low``, ``late_rate_high`` : Wilson interval.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If ``late_days`` is no whole number from 0, or a ``by`` column says nothing of reps
        or activities.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"], "rep_id": ["r1"]})
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1", "2", "3"], "activity_type": ["call", "call", "email"],
    ...     "occurred_at": pd.to_datetime(["2025-12-22", "2025-12-23", "2025-12-24"]),
    ...     "rep_id": ["r1", "r1", "r1"], "outcome": ["connected", "no_answer", None],
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-12-24")
    >>> table = activity_rates(department)
    >>> table[["activity_type", "n_selling_days", "n_activities", "per_day", "n_reached"]].round(2)
      activity_type  n_selling_days  n_activities  per_day  n_reached
    0           all               3             3     1.00          1
    1          call               3             2     0.67          1
    2         email               3             1     0.33          0
    """
    keys = check_keys(department, by, [*_COLUMNS, *_ON_THE_WAY], own=True)
    whole_number("late_days", late_days)
    share("confidence", confidence)
    department.require(activities=["rep_id", "activity_type", "occurred_at"])
    own = [key for key in keys if home_of(department, key) == "activities"]
    counts, days = count_activities(department, own, start=start, end=end, late_days=late_days)
    of_reps = [key for key in keys if key not in own]
    table = _rows(department, counts, days, of_reps, own)
    _add_rates(table, confidence)
    table[_INTEGERS] = table[_INTEGERS].astype("int64")
    return table[[*keys, *_COLUMNS]]


def _rows(
    department: Department,
    counts: pd.DataFrame,
    days: pd.DataFrame,
    of_reps: list[str],
    own: list[str],
) -> pd.DataFrame:
    """Put counts and days together: one row per group and type, with the sums of squares."""
    counts = _with_total(counts, own)
    counts = counts.drop(columns=of_reps, errors="ignore").join(
        groups_of_reps(department, counts["rep_id"], of_reps)
    )
    ids = pd.Series([*pd.unique(days["rep_id"]), UNASSIGNED], dtype="str")
    groups = groups_of_reps(department, ids, of_reps).drop_duplicates()
    days = days.merge(
        groups_of_reps(department, ids, of_reps).assign(rep_id=ids), on="rep_id", how="left"
    ) if of_reps != ["rep_id"] else days  # fmt: skip
    found = set(counts["activity_type"])
    kinds = [ALL, *(kind for kind in ACTIVITY_TYPES if kind in found)]
    rows = groups.sort_values(of_reps) if of_reps else pd.DataFrame(index=[0])
    if own:
        rows = rows.merge(counts[own].drop_duplicates().sort_values(own), how="cross")
    rows = rows.merge(pd.DataFrame({"activity_type": kinds}), how="cross")
    rows = _merged(rows, _sums_of_days(days, of_reps), of_reps)
    cell = [*of_reps, *own, "activity_type"]
    rows = _merged(rows, _sums_of_counts(counts, days, cell), cell)
    return rows.fillna(0).reset_index(drop=True)


def _with_total(counts: pd.DataFrame, own: list[str]) -> pd.DataFrame:
    """Add the counts of all types together, as a type of its own."""
    keys = ["rep_id", *own, "week"]
    total = counts.groupby(keys, as_index=False)[COUNTS].sum().assign(activity_type=ALL)
    return pd.concat([counts, total], ignore_index=True)


def _merged(rows: pd.DataFrame, sums: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.merge(sums, on=keys, how="left") if keys else rows.merge(sums, how="cross")


def _sums_of_days(days: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    there = days[days["n_selling_days"] > 0]
    there = there.assign(day_squares=there["n_selling_days"].astype(float) ** 2, n_rep_weeks=1)
    grouped = there.groupby(keys) if keys else there.groupby(lambda _row: 0)
    return grouped.agg(
        n_reps=("rep_id", "nunique"), n_selling_days=("n_selling_days", "sum"),
        n_rep_weeks=("n_rep_weeks", "sum"), day_squares=("day_squares", "sum"),
    ).reset_index(drop=not keys).reindex([0] if not keys and there.empty else None)  # fmt: skip


def _sums_of_counts(counts: pd.DataFrame, days: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    rows = counts.merge(days[["rep_id", "week", "n_selling_days"]], on=["rep_id", "week"],
                        how="left")  # fmt: skip
    nobody = rows["rep_id"] == UNASSIGNED
    n = rows["n_activities"].where(~nobody, 0).astype(float)
    rows = rows.assign(
        n_without_rep=rows["n_activities"].where(nobody, 0),
        squares=n**2, products=n * rows["n_selling_days"].fillna(0),
    )  # fmt: skip
    return rows.groupby(cell, as_index=False)[
        [*COUNTS, "n_without_rep", "squares", "products"]
    ].sum()


def _add_rates(table: pd.DataFrame, confidence: float) -> None:
    done = table["n_activities"] - table["n_without_rep"]
    days = table["n_selling_days"].where(table["n_selling_days"] > 0)
    rate = ratio(done, days)
    spread = table["squares"] - 2 * rate * table["products"] + rate**2 * table["day_squares"]
    spread *= ratio(table["n_rep_weeks"], table["n_rep_weeks"] - 1)
    variance = np.fmax(spread, done)  # never less than chance alone gives
    low, high = compound_poisson_interval(
        done, variance, ratio(variance, done), typical=1.0, confidence=confidence
    )
    table["per_day"] = rate
    table["per_day_low"], table["per_day_high"] = ratio(low, days), ratio(high, days)
    for name, part, whole in (("reached_rate", "n_reached", "n_with_outcome"),
                              ("late_rate", "n_late", "n_with_log_time")):  # fmt: skip
        table[name] = ratio(table[part], table[whole])
        low, high = wilson_interval(table[part], table[whole], confidence=confidence)
        table[f"{name}_low"], table[f"{name}_high"] = low, high
