"""What the rest of the plan asks for, at the rates of late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.plan.cases import METRICS
from salesdiag.analyses.plan.present_rates import count_activities, count_reps, created_waits
from salesdiag.analyses.plan.window import as_of_day, question, running_periods
from salesdiag.periods import add_months
from salesdiag.reductions.actuals import PERIOD, column_of_reps, daily_actuals, sum_inside
from salesdiag.reductions.plan_sums import attainment_sums
from salesdiag.reductions.selling_days import selling_days
from salesdiag.stats.arguments import whole_number
from salesdiag.stats.rates import compound_poisson_interval, ratio
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Literal

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_NEEDS = ("wins", "deals", "activities")
_ENDS = ("", "_low", "_high")
_SHOWN = [
    *PERIOD, "is_complete", "n_working_days_left", "weeks_left", "metric", "target_basis",
    "target", "actual", "still_needed", "n_reps", "n_open_deals", "n_won",
    "per_win", "per_win_low", "per_win_high",
    "n_created", "win_rate", "win_rate_low", "win_rate_high",
    "n_activities", "activities_per_win", "activities_per_win_low", "activities_per_win_high",
    *(f"{name}_needed{end}" for name in _NEEDS for end in _ENDS),
    *(f"{name}_asked_per_rep_week{end}" for name in _NEEDS for end in _ENDS),
    *(f"{name}_now_per_rep_week" for name in _NEEDS),
]  # fmt: skip


def required_activity(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["revenue", "deals_won"] = "revenue",
    on: date | str | None = None,
    months: int = 12,
) -> pd.DataFrame:
    """Say what the rest of the plan asks per week and rep, at the rates of late.

    What is still needed is divided by what a win brings: wins. These by the chance that a
    deal is won: deals that must be worked on. Wins times the activities that went into each:
    activities. A plan that asks for three times the present pace is known not to be made in
    the first week and not in the last; beside each figure stands the present pace.

    The rates are those of the last ``months``. The chance of winning counts deals still open
    for as long as they were watched (Aalen-Johansen), so it holds in the end and not by the
    end of the period: deals created in the last weeks are mostly won after it, and the open
    ones (``n_open_deals``) are part of the deals asked for. `attainment_forecast` says what
    they will bring in time. Reps without a target sell for the plan, too: result, rates and reps
    are all those of the group. Activities per win are all activities over all wins, those on
    deals that were lost included; that more activities bring as many more wins is assumed
    here and not shown (`activity_effect` asks that). Rates are per group; where one is unknown
    so is what follows from it.

    Parameters
    ----------
    department : Department
        Needs ``targets`` and ``deals`` with ``closed_at`` and, for revenue, ``amount``;
        ``created_at`` for the chance of winning, ``activities`` for activities, ``rep_id`` for
        figures per rep. Not modified.
    by : str or sequence of one str, default ()
        Level, as in `target_attainment`.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included).
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"revenue", "deals_won"}
        What is counted.
    on : date or str, optional
        The day from which to look ahead. Default: ``as_of``.
    months : int, default 12
        How far back the rates of late reach.

    Returns
    -------
    DataFrame
        One row per group and period that runs on that day; where none runs, the last that
        ended:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by that day;
        - ``n_working_days_left`` : working days after that day; ``weeks_left`` : the same in
          weeks of the calendar's working days;
        - ``metric``, ``target_basis``, ``target`` : as in `target_attainment`;
        - ``actual`` : what all of the group sold in it so far, as in `attainment_forecast`;
        - ``still_needed`` : what is left of the target, 0 where it is reached; NaN without one;
        - ``n_reps`` : reps who are there on that day; 0 where reps have no such group;
        - ``n_open_deals`` : of ``n_created``, still open;
        - ``n_won`` : deals won in the last months, with an amount if money is counted;
        - ``per_win`` : what one of them brought (1 for deals_won), with ``per_win_low``,
          ``per_win_high`` (one win alone is taken to be as uncertain as it is large); NaN
          without wins;
        - ``n_created`` : deals created in the last months;
        - ``win_rate`` : chance that one is won in the end, in [0, 1], by the longest wait seen;
          NaN where none was decided; ``win_rate_low``, ``win_rate_high`` : its interval;
        - ``n_activities`` : activities of the last months; 0 where there are none;
        - ``activities_per_win`` : these over deals won, with ``activities_per_win_low``,
          ``activities_per_win_high`` for chance in the number of wins; NaN without either;
        - ``wins_needed``, ``deals_needed``, ``activities_needed`` : for what is still needed,
          each with ``wins_needed_low``, ``wins_needed_high``, ``deals_needed_low``,
          ``deals_needed_high``, ``activities_needed_low``, ``activities_needed_high``; NaN
          where the rate is unknown;
        - ``wins_asked_per_rep_week``, ``deals_asked_per_rep_week``,
          ``activities_asked_per_rep_week`` : the same per rep and week left, each with
          ``wins_asked_per_rep_week_low``, ``wins_asked_per_rep_week_high``,
          ``deals_asked_per_rep_week_low``, ``deals_asked_per_rep_week_high``,
          ``activities_asked_per_rep_week_low``, ``activities_asked_per_rep_week_high``; NaN
          without reps or days left;
        - ``wins_now_per_rep_week``, ``deals_now_per_rep_week``,
          ``activities_now_per_rep_week`` : wins, deals created and activities of the last
          months per week, over the reps of now; NaN where unknown.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column is missing.
    InputError
        If ``by`` names several columns, the metric is unknown, ``on`` lies after ``as_of``, or
        ``months`` is below 1.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous
    Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates:
    a method based on the gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    One of two deals is won, for 10. The plan asks for 40, and 10 are there.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["won", "lost"], "rep_id": "r1",
    ...     "created_at": pd.to_datetime(["2025-04-01", "2025-04-01"]),
    ...     "closed_at": pd.to_datetime(["2025-04-08", "2025-04-08"]), "amount": [10.0, 5.0],
    ... })
    >>> targets = pd.DataFrame({
    ...     "level": ["department"], "period_start": pd.to_datetime(["2025-04-01"]),
    ...     "period_end": pd.to_datetime(["2025-04-30"]), "metric": "revenue", "target": [40.0],
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-04-16")
    >>> table = required_activity(department)
    >>> table[["weeks_left", "still_needed", "wins_needed", "deals_needed"]]
       weeks_left  still_needed  wins_needed  deals_needed
    0         2.0          30.0          3.0           6.0
    """
    asked = question(
        department, by, start, end, confidence, results=_SHOWN, metric=metric, metrics=METRICS
    )
    whole_number("months", months, least=1)
    department = as_of_day(department, on)
    sums = asked.within(attainment_sums(department, asked.keys, metric=metric))
    sums["actual"] = (sums["actual"] + sums["unplanned_actual"]).round(4)
    running = running_periods(sums, department.as_of)
    table = sums.merge(running, on=PERIOD).sort_values([*PERIOD, *asked.keys], ignore_index=True)
    following = (pd.Timestamp(department.as_of) + pd.Timedelta(days=1)).date()
    first = _since(department, add_months(following, -months))
    _add_time(table, department, following)
    _add_wins(table, department, asked.keys, metric, first, asked.confidence)
    _add_chance(table, department, asked.keys, first, asked.confidence)
    _add_activities(table, department, asked.keys, first, asked.confidence)
    table["still_needed"] = (table["target"] - table["actual"]).clip(lower=0)
    table.loc[~(table["target"] > 0), "still_needed"] = np.nan
    _add_needs(table)
    _add_paces(table, _rep_weeks_behind(table, department, asked.keys, first))
    return table[[*asked.keys, *_SHOWN]]


def _since(department: Department, first: date) -> date:
    """Begin no earlier than the records do: what was not written down is no slow pace."""
    if not department.has("deals", "created_at"):
        return first
    begins = department.table("deals").aggregate(day=_.created_at.min().date())
    day = begins.to_pyarrow().to_pylist()[0]["day"]
    return first if day is None else min(max(first, day), department.as_of)


def _rep_weeks_behind(
    table: pd.DataFrame, department: Department, keys: list[str], first: date
) -> Floats:
    """Give the weeks that the reps of each row could sell since a day, newcomers from hiring on."""
    per_week = len(department.calendar.working_days)
    weeks = department.calendar.count_working_days(first, department.as_of) / per_week
    reps = table["n_reps"].where(table["n_reps"] > 0).to_numpy(float)
    of_reps = not keys or keys == ["rep_id"] or department.home_of(keys[0]) == "reps"
    if not of_reps or not department.has("deals", "rep_id"):
        return reps * weeks
    span = pd.DataFrame({"period_start": pd.to_datetime([first]),
                         "period_end": pd.to_datetime([department.as_of])})  # fmt: skip
    days = selling_days(department, span)
    if keys and keys != ["rep_id"]:
        days[keys[0]] = column_of_reps(department, days["rep_id"], keys[0])
    if not keys:
        whole = float(days["n_selling_days"].sum()) / per_week
        return np.full(len(table), whole if whole else np.nan)
    summed = days.groupby(keys)["n_selling_days"].sum() / per_week
    found = table[keys[0]].map(summed)
    return found.where(found > 0).to_numpy(float)


def _add_time(table: pd.DataFrame, department: Department, following: date) -> None:
    count = department.calendar.count_working_days
    left = [count(max(first.date(), following), last.date())
            for first, last in table[PERIOD].itertuples(index=False)]  # fmt: skip
    table["n_working_days_left"] = np.array(left, dtype="int64")
    table["weeks_left"] = table["n_working_days_left"] / len(department.calendar.working_days)


def _joined(table: pd.DataFrame, found: pd.DataFrame | None, keys: list[str], *names: str) -> None:
    """Put columns of a table of groups beside the rows; NaN for groups that it does not hold."""
    for name in names:
        if found is None:
            table[name] = np.nan
        elif keys:
            merged = table[keys].merge(found[[*keys, name]], on=keys, how="left")
            table[name] = merged[name].to_numpy(float)
        else:
            table[name] = found[name].iloc[0] if len(found) else np.nan


def _add_wins(
    table: pd.DataFrame, department: Department, keys: list[str], metric: str, first: date,
    confidence: float,
) -> None:  # fmt: skip
    """Add the wins of late, and what one of them brings."""
    span = pd.DataFrame({"period_start": pd.to_datetime([first]),
                         "period_end": pd.to_datetime([department.as_of])})  # fmt: skip
    sums = sum_inside(daily_actuals(department, metric, keys), span, keys)
    sums = sums.rename(columns={"actual": "won_sum", "squares": "won_squares"})
    _joined(table, sums, keys, "n_events", "won_sum", "won_squares")
    table["n_won"] = table["n_events"].fillna(0).astype("int64")
    table["per_win"] = ratio(table["won_sum"], table["n_won"])
    # Student's interval of a mean size, on the logarithm; one win alone tells no spread
    n, mean = table["n_won"].to_numpy(float), table["per_win"].to_numpy(float)
    varies = np.maximum(ratio(table["won_squares"], n) - mean**2, 0) * ratio(n, n - 1)
    error = ratio(np.sqrt(ratio(varies, n)), mean)
    error = np.where(np.isnan(error) & (mean > 0), 1.0 if metric == "revenue" else 0.0, error)
    reach = np.exp(_student(confidence, n - 1) * error)
    table["per_win_low"], table["per_win_high"] = mean / reach, mean * reach


def _student(confidence: float, degrees: Floats) -> Floats:
    from scipy import special

    return np.asarray(special.stdtrit(np.maximum(degrees, 1), 0.5 + confidence / 2), float)


def _add_chance(
    table: pd.DataFrame, department: Department, keys: list[str], first: date, confidence: float
) -> None:
    """Add how likely a deal created of late is won in the end."""
    rate = ["win_rate", "win_rate_low", "win_rate_high"]
    if not department.has("deals", "created_at"):
        table[["n_created", "n_open_deals"]] = 0
        table[rate] = np.nan
        return
    waits = created_waits(department, keys, first)
    counts = ["n_won", "n_lost", "n_open"]
    group = waits[keys[0]].to_numpy() if keys else None
    found = cumulative_incidence(
        waits["wait_days"], waits["n_won"], waits["n_lost"], waits["n_open"], group=group,
        confidence=confidence,
    )  # fmt: skip
    shown = pd.DataFrame(dict(zip(rate, (found.rate, found.low, found.high), strict=True)))
    if keys:
        shown[keys[0]] = found.group
        sums = waits.groupby(keys, as_index=False)[counts].sum()
    else:
        sums = waits[counts].sum().to_frame().T
    sums = sums.assign(n_created=sums[counts].sum(axis=1), n_open_deals=sums["n_open"])
    _joined(table, shown, keys, *rate)
    _joined(table, sums, keys, "n_created", "n_open_deals")
    for name in ("n_created", "n_open_deals"):
        table[name] = table[name].fillna(0).astype("int64")


def _add_activities(
    table: pd.DataFrame, department: Department, keys: list[str], first: date, confidence: float
) -> None:
    """Add reps and activities, and how many activities went into a win."""
    _joined(table, count_reps(department, keys), keys, "n_reps")
    _joined(table, count_activities(department, keys, first), keys, "n_activities")
    for name in ("n_reps", "n_activities"):
        table[name] = table[name].fillna(0).astype("int64")
    n_won = table["n_won"].where(table["n_won"] > 0).astype(float)
    done = table["n_activities"].where(table["n_activities"] > 0)
    low, high = compound_poisson_interval(n_won, n_won, 1.0, confidence=confidence)
    table["activities_per_win"] = ratio(done, n_won)
    table["activities_per_win_low"] = ratio(done, high)
    table["activities_per_win_high"] = ratio(done, low)


def _add_needs(table: pd.DataFrame) -> None:
    """Divide what is still needed by the rates, with their intervals put together."""
    needed = table["still_needed"].to_numpy(float)
    wins = _Factor(*(table[f"per_win{end}"].to_numpy(float) for end in _ENDS)).inverse()
    chance = _Factor(*(table[f"win_rate{end}"].to_numpy(float) for end in _ENDS)).inverse()
    effort = _Factor(*(table[f"activities_per_win{end}"].to_numpy(float) for end in _ENDS))
    for name, factor in (("wins", wins), ("deals", wins.times(chance)),
                         ("activities", wins.times(effort))):  # fmt: skip
        for end, value in zip(_ENDS, factor.ends(), strict=True):
            table[f"{name}_needed{end}"] = needed * value


def _add_paces(table: pd.DataFrame, behind: Floats) -> None:
    """Spread the needs over reps and weeks left, and put the pace of late beside them."""
    reps = table["n_reps"].where(table["n_reps"] > 0).astype(float)
    ahead = reps * table["weeks_left"].where(table["weeks_left"] > 0)
    for name, done in (("wins", "n_won"), ("deals", "n_created"), ("activities", "n_activities")):
        for end in _ENDS:
            table[f"{name}_asked_per_rep_week{end}"] = ratio(table[f"{name}_needed{end}"], ahead)
        known = table[done].where(table[done] > 0).astype(float)
        table[f"{name}_now_per_rep_week"] = ratio(known, behind)


class _Factor:
    """A positive factor and the distances of its ends on the logarithm."""

    def __init__(self, value: Floats, low: Floats, high: Floats) -> None:
        self.value = np.where(value > 0, value, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.below = np.log(self.value / np.where(low > 0, low, np.nan))
            self.above = np.log(np.where(high > 0, high, np.nan) / self.value)

    def inverse(self) -> _Factor:
        """Give one over it."""
        return self._with(1 / self.value, self.above, self.below)

    def times(self, other: _Factor) -> _Factor:
        """Give the product; independent errors add up as squares do."""
        return self._with(
            self.value * other.value,
            np.hypot(self.below, other.below),
            np.hypot(self.above, other.above),
        )

    def ends(self) -> tuple[Floats, Floats, Floats]:
        """Give value, low and high; all NaN where one is unknown."""
        low, high = self.value * np.exp(-self.below), self.value * np.exp(self.above)
        known = ~(np.isnan(self.value) | np.isnan(low) | np.isnan(high))
        return tuple(np.where(known, one, np.nan) for one in (self.value, low, high))  # type: ignore[return-value]

    def _with(self, value: Floats, below: Floats, above: Floats) -> _Factor:
        made = object.__new__(_Factor)
        made.value, made.below, made.above = value, below, above
        return made
