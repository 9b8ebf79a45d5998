"""How much selling time the department had, and how much its positions should have given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.positions import days_inside, spans_with_homes, vacancies
from salesdiag.analyses.plan.window import of_reps, question
from salesdiag.errors import MissingDataError
from salesdiag.periods import last_twelve_months
from salesdiag.reductions.actuals import (
    PERIOD,
    SUMS,
    column_of_reps,
    daily_actuals,
    sum_inside,
)
from salesdiag.reductions.selling_days import periods_of, working_days
from salesdiag.stats.arguments import whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.plan.window import Question
    from salesdiag.department import Department

_COUNTS = ["n_reps", "n_reps_first_day", "n_reps_last_day", "n_joined", "n_left", "n_hired_unknown"]
_DAYS = ["n_selling_days", "n_vacant_days", "n_newcomer_days"]
_SHOWN = [
    *PERIOD, "is_complete", "n_working_days", *_COUNTS,
    "leaving_rate", "leaving_rate_low", "leaving_rate_high",
    "n_planned_days", "n_selling_days", "n_vacant_days", "selling_day_share",
    "n_newcomer_days", "newcomer_share", "median_tenure_days",
    "n_won", "won_amount", "rep_year_amount", "rep_year_amount_low", "rep_year_amount_high",
]  # fmt: skip


def capacity(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    months: int = 3,
    handover_days: int = 90,
    longest_vacancy_days: int = 365,
    newcomer_days: int = 180,
) -> pd.DataFrame:
    """Count the selling days that were there against those that the positions should give.

    A department can miss its plan with everyone as good as ever, because chairs stood empty.
    A planned day is a working day of a position: of each rep who is there, and of each
    position that somebody left until a successor came. Who follows whom is not in the data:
    the next to join the same team is taken, up to ``handover_days`` before the leaving, and
    a position without a successor counts for ``longest_vacancy_days``, for after that it is
    more likely cut than vacant. A position that was planned and never filled is in no export
    and not counted; leave and illness are not known either.

    A rep is whoever owns a deal or an activity, and whoever is listed with another role than
    manager, from being hired to leaving. Where no day of hiring is known a rep counts from
    the first work in the data and is counted in ``n_hired_unknown``, never as a joiner: the
    start of the records would look like a wave of hiring. The team is the one of now. The
    result per rep and year is what was won, by count and by ``amount``, divided by the selling
    days and multiplied by those of a year; newcomers lower it.

    Parameters
    ----------
    department : Department
        Needs ``rep_id`` in ``deals``, ``activities`` or ``reps``; ``reps.hired_on`` and
        ``reps.left_on`` for joiners and leavers; ``deals.amount`` for the result. Not
        modified.
    by : str or sequence of one str, default ()
        A column of ``reps`` such as ``"team"``, or ``"rep_id"``.
    start, end : date or str, optional
        Only fiscal periods that lie wholly between these days (both included) and have begun
        by ``as_of``. Default: those that touch the last twelve months.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    months : int, default 3
        Length of a period, 1 to 12 months of the fiscal year.
    handover_days : int, default 90
        How long before a leaving a successor may have joined.
    longest_vacancy_days : int, default 365
        After so many days without a successor a position no longer counts as planned.
    newcomer_days : int, default 180
        Days since being hired during which a rep is a newcomer.

    Returns
    -------
    DataFrame
        One row per group and period, in order of time:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by ``as_of``; until then days up to it count;
        - ``n_working_days`` : of the period, up to ``as_of``;
        - ``n_reps`` : reps who were there on any day of it; ``n_reps_first_day``,
          ``n_reps_last_day`` : on its first day, and on its last (or on ``as_of``);
        - ``n_joined``, ``n_left`` : hired within it, and left within it (last day inside);
        - ``n_hired_unknown`` : of ``n_reps``, those whose day of hiring is not known;
        - ``leaving_rate``, ``leaving_rate_low``, ``leaving_rate_high`` : ``n_left / n_reps`` in
          [0, 1], of this period and not of a year, with Wilson interval; NaN without reps;
        - ``n_planned_days`` : ``n_selling_days + n_vacant_days``;
        - ``n_selling_days`` : working days on which reps were there;
        - ``n_vacant_days`` : working days of positions without a rep;
        - ``selling_day_share`` : ``n_selling_days / n_planned_days``, in [0, 1]; a count, so
          without interval; NaN without planned days;
        - ``n_newcomer_days`` : of ``n_selling_days``, those of newcomers;
        - ``newcomer_share`` : ``n_newcomer_days / n_selling_days``, in [0, 1]; NaN without
          selling days;
        - ``median_tenure_days`` : days since being hired, of those there on the last day whose
          day of hiring is known; NaN without such;
        - ``n_won``, ``won_amount`` : deals won in the period, and their money; NaN without
          amounts;
        - ``rep_year_amount`` : money won per rep and year of selling days; NaN without selling
          days or amounts; ``rep_year_amount_low``, ``rep_year_amount_high`` : how far chance
          alone can move it.

    Raises
    ------
    MissingDataError
        If no table names reps.
    InputError
        If ``by`` names several columns or one that is not the rep's, or a number is out of
        range.

    References
    ----------
    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    r1 left on Friday 10 January 2025; r2 of the same team came on Monday 20 January.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> reps = pd.DataFrame({
    ...     "rep_id": ["r1", "r2"], "team": "North",
    ...     "hired_on": pd.to_datetime(["2020-01-01", "2025-01-20"]),
    ...     "left_on": pd.to_datetime(["2025-01-10", None]),
    ... })
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["open"], "rep_id": ["r2"],
    ...                       "created_at": pd.to_datetime(["2025-01-21"])})
    >>> department = Department(deals=deals, reps=reps, as_of="2025-01-31")
    >>> table = capacity(department, start="2025-01-01", months=1)
    >>> table[["n_reps", "n_selling_days", "n_vacant_days", "selling_day_share"]].round(3)
       n_reps  n_selling_days  n_vacant_days  selling_day_share
    0       2              18              5              0.783
    """
    asked = question(department, by, start, end, confidence, results=_SHOWN)
    of_reps(department, asked.keys, "capacity")
    whole_number("months", months, least=1, most=12)
    whole_number("newcomer_days", newcomer_days)
    limits = {
        "handover_days": whole_number("handover_days", handover_days),
        "longest_days": whole_number("longest_vacancy_days", longest_vacancy_days),
    }
    periods = _periods(department, asked, months)
    spans = spans_with_homes(department)
    empty = vacancies(spans, as_of=pd.Timestamp(department.as_of), **limits)
    rows = _rep_rows(department, spans, empty, periods, newcomer_days)
    table = _sums(department, rows, periods, asked.keys)
    _add_result(table, department, asked.keys, asked.confidence)
    low, high = wilson_interval(table["n_left"], table["n_reps"], confidence=asked.confidence)
    table["leaving_rate"] = ratio(table["n_left"], table["n_reps"])
    table["leaving_rate_low"], table["leaving_rate_high"] = low, high
    table["n_planned_days"] = table["n_selling_days"] + table["n_vacant_days"]
    table["selling_day_share"] = ratio(table["n_selling_days"], table["n_planned_days"])
    table["newcomer_share"] = ratio(table["n_newcomer_days"], table["n_selling_days"])
    return table[[*asked.keys, *_SHOWN]]


def _periods(department: Department, asked: Question, months: int) -> pd.DataFrame:
    """List the fiscal periods asked for that have begun, with their working days so far."""
    as_of = department.as_of
    last = as_of if asked.last is None else min(as_of, asked.last.date())
    first = last_twelve_months(last)[0] if asked.first is None else asked.first.date()
    periods = asked.within(periods_of(department, first, last, months=months).astype(
        dict.fromkeys(PERIOD, "datetime64[us]")
    ))  # fmt: skip
    periods["is_complete"] = periods["period_end"] <= pd.Timestamp(as_of)
    ends = periods["period_end"]
    periods["until"] = ends.where(periods["is_complete"], pd.Timestamp(as_of))
    days = (periods[name].to_numpy().astype("datetime64[D]") for name in ("period_start", "until"))
    return periods.assign(n_working_days=working_days(department, *days))


def _rep_rows(
    department: Department, spans: pd.DataFrame, empty: pd.DataFrame, periods: pd.DataFrame,
    newcomer_days: int,
) -> pd.DataFrame:  # fmt: skip
    """Tell of each rep and period who was there when, and count the days."""
    rows = spans.merge(periods[[*PERIOD, "until"]], how="cross")
    there = (rows["first_day"] <= rows["until"]) & (rows["last_day"] >= rows["period_start"])
    there &= rows["first_day"] <= rows["last_day"]
    on_last = there & (rows["last_day"] >= rows["until"])
    inside = {name: (rows[name] >= rows["period_start"]) & (rows[name] <= rows["until"])
              for name in ("hired_on", "left_on")}  # fmt: skip
    rows = rows.assign(
        n_reps=there,
        n_reps_first_day=there & (rows["first_day"] <= rows["period_start"]),
        n_reps_last_day=on_last,
        n_joined=there & inside["hired_on"],
        n_left=there & inside["left_on"],
        n_hired_unknown=there & rows["hired_on"].isna(),
        tenure=(rows["until"] - rows["hired_on"]).dt.days.where(on_last),
    ).astype(dict.fromkeys(_COUNTS, "int64"))
    news = spans[spans["hired_on"].notna()]
    ends = news["first_day"] + pd.Timedelta(days=max(newcomer_days - 1, 0))
    news = news.assign(last_day=news["last_day"].where(news["last_day"] < ends, ends))
    news = news if newcomer_days else news.iloc[:0]
    for name, part in zip(_DAYS, (spans, empty, news), strict=True):
        days = days_inside(department, part, periods, name)
        rows = rows.merge(days, on=["rep_id", *PERIOD], how="left").fillna({name: 0})
    return rows


def _sums(
    department: Department, rows: pd.DataFrame, periods: pd.DataFrame, keys: list[str]
) -> pd.DataFrame:
    """Add the reps of a group up; groups that only sold stay, with no days of their own."""
    if keys and keys != ["rep_id"]:
        rows = rows.assign(**{keys[0]: column_of_reps(department, rows["rep_id"], keys[0])})
    how = dict.fromkeys([*_COUNTS, *_DAYS], "sum") | {"tenure": "median"}
    sums = rows.groupby([*keys, *PERIOD], as_index=False).agg(how)
    sums = sums.rename(columns={"tenure": "median_tenure_days"})
    cells = periods
    if keys:
        cells = _groups(department, sums, keys).merge(periods, how="cross")
    table = cells.merge(sums, on=[*keys, *PERIOD], how="left")
    table = table.sort_values([*PERIOD, *keys], ignore_index=True)
    counts = dict.fromkeys([*_COUNTS, *_DAYS], 0)
    return table.fillna(counts).astype(
        dict.fromkeys(counts, "int64") | {"median_tenure_days": "float64"}
    )


def _groups(department: Department, sums: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    known = sums[keys]
    if department.has("deals", "rep_id", "closed_at"):
        known = pd.concat([known, daily_actuals(department, "deals_won", keys)[keys]])
    return known.drop_duplicates().astype(str).reset_index(drop=True)


def _add_result(
    table: pd.DataFrame, department: Department, keys: list[str], confidence: float
) -> None:
    """Add what was won, and how much that is for a rep in a year of working days."""
    won = _won(department, "deals_won", table, keys)
    money = _won(department, "revenue", table, keys)
    table["n_won"] = won["n_events"].fillna(0).astype("int64").to_numpy()
    table["won_amount"] = money["actual"].to_numpy(float)
    year = pd.Timestamp(department.as_of)
    first = np.array([year - pd.DateOffset(years=1) + pd.Timedelta(days=1)], dtype="datetime64[D]")
    in_year = working_days(department, first, np.array([year], dtype="datetime64[D]"))[0]
    years = table["n_selling_days"].where(table["n_selling_days"] > 0) / in_year
    n_events = float(money["n_events"].sum())
    typical = float(np.sqrt(money["squares"].sum() / n_events)) if n_events else 0.0
    low, high = compound_poisson_interval(
        money["actual"], money["squares"], money["largest"], typical=typical, confidence=confidence
    )
    known = ~np.isnan(low)
    table["rep_year_amount"] = np.where(known, ratio(money["actual"], years), np.nan)
    table["rep_year_amount_low"] = ratio(low, years)
    table["rep_year_amount_high"] = ratio(high, years)


def _won(department: Department, metric: str, table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give what was won of each row of the table, in its order; NaN where nothing can be known."""
    cells = table[[*keys, *PERIOD]]
    names = list(SUMS)
    try:
        daily = daily_actuals(department, metric, keys)
    except MissingDataError:
        return cells.assign(**dict.fromkeys(names, np.nan))
    sums = sum_inside(daily, cells, keys) if len(daily) and len(cells) else None
    if sums is None:
        return cells.assign(**dict.fromkeys(names, 0.0))
    return cells.merge(sums, on=[*keys, *PERIOD], how="left").fillna(dict.fromkeys(names, 0.0))
