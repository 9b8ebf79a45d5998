"""Where the running period ends, and how likely it reaches the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.cases import (
    METRICS,
    Case,
    Facts,
    all_groups,
    cases_and_spans,
    enough,
    facts_of,
    foretell,
    rates_of,
)
from salesdiag.analyses.plan.landmarks import NEW, history_of, landmark_counts, running_spans
from salesdiag.analyses.plan.window import as_of_day, needs_history, question, running_periods
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.plan_sums import attainment_sums
from salesdiag.reductions.targets import read_targets
from salesdiag.stats.arguments import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Literal

    from salesdiag.analyses.plan.outlook import Rest
    from salesdiag.department import Department

_SHOWN = [
    *PERIOD, "is_complete", "n_working_days_left", "metric", "target_basis", "target", "actual",
    "n_events", "n_past_spans", "history_basis", "n_open_deals", "open_expected", "new_expected",
    "forecast_mean", "forecast", "forecast_low", "forecast_high",
    "reach_rate", "reach_rate_low", "reach_rate_high",
]  # fmt: skip

_ENDS = ["forecast_mean", "forecast", "forecast_low", "forecast_high"]


def attainment_forecast(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["revenue", "deals_won"] = "revenue",
    on: date | str | None = None,
    n_draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Say where the running period ends, and how likely it reaches the plan.

    Three parts are added up: what is booked; what the open deals bring; and what deals bring
    that are not created yet, which no view of the pipeline shows. How likely an open deal is
    won before the period ends depends on its stage and age; it is the share won, by the end
    of the period, of the deals that stood at that stage and age at the same part of up to
    twelve earlier periods. So the rush at a period's end is in it, and no stage probability
    of the CRM and no `expected_close_on` is. Where fewer than three such periods are covered,
    spans of the same length that end with the day of the forecast take their place. Deals to
    come: the rate of creation in the latest four of these spans, times the share of deals
    created within them that were won within them.

    The rates are the whole department's, the rate of creation and the size of a win the
    group's own (a group with few wins leans on the department's size of the last twelve
    months). The draws carry the uncertainty of all rates, the chance of single deals and
    sizes, and a shock that all wins of a period share, as large as earlier periods differed
    beyond chance. A forecast that assumes the past is wrong where the past has ended: new
    prices, half the reps gone. `forecast_backtest` shows how it would have done before.

    Sales count by day of closing, of the rep who has the deal now. All that a group sells
    counts, also by reps without a target (`target_attainment` shows it apart).

    Parameters
    ----------
    department : Department
        Needs ``targets`` and ``deals`` with ``created_at``, ``closed_at`` and, for revenue,
        ``amount``; with ``stage_changes`` and an order of stages the stage is used too. Not
        modified.
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
    n_draws : int, default 2000
        How often the rest of the period is drawn.
    seed : int, default 0
        Where the random numbers begin; the same seed gives the same table.

    Returns
    -------
    DataFrame
        One row per group and period that runs on that day; where none runs, the last that
        ended, with nothing left to foretell:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by that day;
        - ``n_working_days_left`` : working days after that day;
        - ``metric``, ``target_basis``, ``target`` : as in `target_attainment`;
        - ``actual``, ``n_events`` : booked so far by all of the group, and the deals behind it;
        - ``n_past_spans`` : earlier spans behind the rates; ``history_basis`` : "same part of
          earlier periods", "spans of the same length", or "none" where the period is over;
        - ``n_open_deals`` : open deals with a day of creation;
        - ``open_expected``, ``new_expected`` : what these, and deals not yet created, bring on
          average by the end of the period; 0 where it is over;
        - ``forecast_mean`` : ``actual + open_expected + new_expected``;
        - ``forecast`` : what is exceeded in half of the draws; ``forecast_low``,
          ``forecast_high`` : quantiles of the draws;
        - ``reach_rate`` : share of draws that reach the target, in [0, 1]; NaN without a target
          above 0; ``reach_rate_low``, ``reach_rate_high`` : how far it moves with the rates
          within what is known of them.

    Raises
    ------
    MissingDataError
        If a table or column is missing, or the history covers fewer than three spans like the
        rest of the period, or fewer than five wins in them.
    InputError
        If ``by`` names several columns, the metric is unknown, ``on`` lies after ``as_of``, or
        a number is out of range.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous
    Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history
    analysis. Scandinavian Journal of Statistics 34(1), 70-85.

    Examples
    --------
    Each month four deals are created on the 2nd; two are won on the 20th, two lost on the 25th.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(month, number) for month in range(1, 7) for number in range(4)]
    >>> deals = pd.DataFrame(rows, columns=["month", "number"])
    >>> deals["deal_id"] = deals["month"].astype(str) + "-" + deals["number"].astype(str)
    >>> day = pd.to_datetime("2025-" + deals.pop("month").astype(str) + "-01")
    >>> is_won = deals.pop("number") < 2
    >>> deals["created_at"] = day + pd.Timedelta(days=1)
    >>> deals["closed_at"] = day + pd.to_timedelta(24 - 5 * is_won, unit="D")
    >>> deals["status"], deals["amount"] = is_won.map({True: "won", False: "lost"}), 10.0
    >>> targets = pd.DataFrame({
    ...     "level": ["department"], "period_start": pd.to_datetime(["2025-06-01"]),
    ...     "period_end": pd.to_datetime(["2025-06-30"]), "metric": "revenue", "target": [20.0],
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-06-30")
    >>> table = attainment_forecast(department, on="2025-06-10")
    >>> table[["actual", "n_open_deals", "open_expected", "forecast"]].round(1)
       actual  n_open_deals  open_expected  forecast
    0     0.0             4           20.0      20.0
    """
    asked = question(
        department, by, start, end, confidence, results=_SHOWN, metric=metric, metrics=METRICS
    )
    whole_number("n_draws", n_draws, least=100)
    whole_number("seed", seed)
    department = as_of_day(department, on)
    sums = asked.within(attainment_sums(department, asked.keys, metric=metric))
    running = running_periods(sums, department.as_of)
    table = sums.merge(running, on=PERIOD)
    cut = pd.Timestamp(department.as_of)
    rest = running_spans(running, cut)
    planned = read_targets(department, metric)[0]
    daily = daily_actuals(department, metric, [])
    periods = [
        (first, last, cut,
         history_of(department, first, last, cut, planned=planned, since=daily["day"].min()))
        for first, last in rest[PERIOD].itertuples(index=False, name=None)
    ]  # fmt: skip
    cases, spans = cases_and_spans(periods)
    facts = facts_of(
        department, landmark_counts(department, asked.keys, spans), spans, asked.keys, metric
    )
    options = {"n_draws": n_draws, "seed": seed}
    parts = [_over(table[table["period_end"] <= cut])]
    parts += [_ahead(department, table, case, facts, confidence, **options) for case in cases]
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else parts[0]
    table["n_working_days_left"] = _days_left(department, table)
    table = table.sort_values([*PERIOD, *asked.keys], ignore_index=True).assign(metric=metric)
    return table[[*asked.keys, *_SHOWN]]


def _with_all_sales(table: pd.DataFrame) -> pd.DataFrame:
    """Count what the group sold without a target to its result."""
    actual = table["actual"] + table["unplanned_actual"]
    return table.assign(actual=actual.round(4))


def _over(table: pd.DataFrame) -> pd.DataFrame:
    """Show periods that are over: nothing is left to foretell."""
    table = _with_all_sales(table)
    reached = np.where(table["target"] > 0, table["actual"] >= table["target"], np.nan)
    ends = dict.fromkeys(_ENDS, table["actual"])
    rates = dict.fromkeys(
        ["reach_rate", "reach_rate_low", "reach_rate_high"], reached.astype(float)
    )
    return table.assign(
        n_past_spans=0, history_basis="none", n_open_deals=0, open_expected=0.0,
        new_expected=0.0, **ends, **rates,
    )  # fmt: skip


def _ahead(
    department: Department, table: pd.DataFrame, case: Case, facts: Facts, confidence: float,
    *, n_draws: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Foretell one running period for all its groups."""
    rates = rates_of(case, facts)
    reason = enough(case, rates)
    if reason:
        raise needs_history(f"{reason}.")
    groups = all_groups(table, facts, case)
    groups = _filled(groups)
    needed = (groups["target"] - groups["actual"]).where(groups["target"] > 0)
    rests = foretell(
        department, case, rates, facts, groups[facts.keys].assign(needed=needed),
        n_draws=n_draws, seed=seed,
    )  # fmt: skip
    now = facts.counts[(facts.counts["span"] == case.span) & (facts.counts["step"] != NEW)]
    by_group = np.bincount(now["code"], now["n_deals"], minlength=len(facts.groups))
    codes = facts.codes(groups)
    n_open = np.where(codes >= 0, by_group[codes], 0).astype("int64")
    groups = groups.assign(
        n_past_spans=len(case.history), history_basis=case.basis, n_open_deals=n_open
    )
    shown = [
        summary(rest, actual, need, confidence)
        for rest, actual, need in zip(rests, groups["actual"], needed, strict=True)
    ]
    return groups.join(pd.DataFrame(shown, index=groups.index, dtype=float))


def _filled(groups: pd.DataFrame) -> pd.DataFrame:
    """Complete the rows of groups that neither sold nor had a target."""
    zero = ["actual", "unplanned_actual", "n_events", "n_reps", "n_reps_met", "n_targets_left_out"]
    groups = groups.fillna(dict.fromkeys(zero, 0))
    groups["target_basis"] = groups["target_basis"].fillna("none")
    return _with_all_sales(groups).astype({"n_events": "int64"}).assign(is_complete=False)


def summary(rest: Rest, actual: float, needed: float, confidence: float) -> dict[str, float]:
    """Put the draws of one group into figures."""
    tail = (1 - confidence) / 2
    middle, low, high = np.quantile(rest.draws, [0.5, tail, 1 - tail]) + actual
    mean = actual + rest.open_expected + rest.new_expected
    chance = np.nan if np.isnan(needed) else float(np.mean(rest.draws >= needed - 1e-6))
    if np.isnan(chance):
        least = most = np.nan
    else:
        least, most = np.quantile(rest.reach_draws, [tail, 1 - tail])
    return {
        "open_expected": rest.open_expected, "new_expected": rest.new_expected,
        "forecast_mean": mean, "forecast": middle, "forecast_low": low, "forecast_high": high,
        "reach_rate": chance, "reach_rate_low": min(least, chance),
        "reach_rate_high": max(most, chance),
    }  # fmt: skip


def _days_left(department: Department, table: pd.DataFrame) -> list[int]:
    following = (pd.Timestamp(department.as_of) + pd.Timedelta(days=1)).date()
    count = department.calendar.count_working_days
    return [count(max(first.date(), following), last.date())
            for first, last in table[PERIOD].itertuples(index=False)]  # fmt: skip
