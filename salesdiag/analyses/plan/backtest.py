"""How the forecast would have done in earlier periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.cases import (
    METRICS,
    Case,
    Facts,
    cases_and_spans,
    enough,
    facts_of,
    foretell,
    rates_of,
)
from salesdiag.analyses.plan.forecast import summary
from salesdiag.analyses.plan.landmarks import day_of_share, history_of, landmark_counts
from salesdiag.analyses.plan.window import needs_history, question
from salesdiag.errors import InputError
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.plan_sums import attainment_sums
from salesdiag.reductions.targets import read_targets
from salesdiag.stats.arguments import share, vector, whole_number
from salesdiag.stats.forecasts import brier_split
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Literal

    from salesdiag.department import Department

_SHOWN = [
    "elapsed_share", "metric", "n_periods", "n_too_early", "actual_sum", "forecast_sum",
    "bias", "wape", "linear_bias", "linear_wape", "n_inside",
    "coverage_rate", "coverage_rate_low", "coverage_rate_high",
    "n_with_target", "n_reached", "reach_forecast_share", "reached_rate", "reached_rate_low",
    "reached_rate_high", "brier", "brier_uncertainty",
]  # fmt: skip


def forecast_backtest(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["revenue", "deals_won"] = "revenue",
    elapsed_shares: Sequence[float] = (0.25, 0.5, 0.75),
    level: float = 0.8,
    n_draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Score what `attainment_forecast` would have said of earlier periods.

    Each complete period of the plan is foretold again from the days by which given shares of
    its working days were gone, with nothing but what was known by then: rates from periods
    that had ended, deals as they stood, sizes of wins so far. What is not undone are later
    changes of a deal's amount or rep. A forecast is worth its trouble only where it beats the
    plain run rate (`linear_wape`), and its chances only where ``brier`` lies below
    ``brier_uncertainty``, the score of always naming the share that was reached. With few
    periods none of this is sure: see the width of ``coverage_rate``. Groups of one period
    share its luck, so they are not so many independent cases. The middle of the draws is
    scored; where sizes are uneven it lies a little below their mean.

    Parameters
    ----------
    department : Department
        Needs what `attainment_forecast` needs. Not modified.
    by : str or sequence of one str, default ()
        Level, as in `target_attainment`.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included) are foretold; earlier
        ones still serve as their history.
    confidence : float, default 0.95
        Level of the intervals of the rates, strictly between 0 and 1.
    metric : {"revenue", "deals_won"}
        What is counted.
    elapsed_shares : sequence of float, default (0.25, 0.5, 0.75)
        Shares of the working days of a period after which it is foretold.
    level : float, default 0.8
        Level of the forecasts' intervals, whose coverage is counted.
    n_draws, seed : int, default 500 and 0
        As in `attainment_forecast`.

    Returns
    -------
    DataFrame
        One row per group and elapsed share:

        - the ``by`` column, if any;
        - ``elapsed_share`` : share of the working days gone when foretold, in (0, 1);
        - ``metric`` : what is counted;
        - ``n_periods`` : complete periods foretold; ``n_too_early`` : complete periods before
          which the history was too short;
        - ``actual_sum``, ``forecast_sum`` : what these periods brought, and the sum of the
          middle forecasts;
        - ``bias`` : sum of errors over sum of results, above 0 where too much was foretold;
          ``wape`` : sum of absolute errors over sum of results, 0 or more; NaN without results;
        - ``linear_bias``, ``linear_wape`` : the same of result so far over elapsed share;
        - ``n_inside`` : periods that ended within the interval;
        - ``coverage_rate``, ``coverage_rate_low``, ``coverage_rate_high`` : their share, which
          should be about ``level``, with Wilson interval; NaN without periods;
        - ``n_with_target`` : of ``n_periods``, those with a target above 0; ``n_reached`` : of
          these, reached it;
        - ``reach_forecast_share`` : mean of the chances foretold for these, in [0, 1];
        - ``reached_rate``, ``reached_rate_low``, ``reached_rate_high`` : the share that was
          reached, with Wilson interval; about ``reach_forecast_share`` where the chances are
          calibrated; NaN without targets;
        - ``brier`` : mean squared miss of the chances, 0 is perfect; ``brier_uncertainty`` :
          that of always naming ``reached_rate``; NaN without targets.

    Raises
    ------
    MissingDataError
        If a table or column is missing, or all complete periods lie too early.
    InputError
        If ``by`` names several columns, the metric is unknown, a share does not lie strictly
        between 0 and 1, or a number is out of range.

    References
    ----------
    Murphy, A. H. (1973). A new vector partition of the probability score. Journal of Applied
    Meteorology 12, 595-600.

    Hyndman, R. J. and Koehler, A. B. (2006). Another look at measures of forecast accuracy.
    International Journal of Forecasting 22, 679-688.

    Examples
    --------
    Each month four deals are created on the 2nd; two are won on the 20th, two lost on the 25th.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(month, number) for month in range(1, 13) for number in range(4)]
    >>> deals = pd.DataFrame(rows, columns=["month", "number"])
    >>> deals["deal_id"] = deals["month"].astype(str) + "-" + deals["number"].astype(str)
    >>> day = pd.to_datetime("2025-" + deals.pop("month").astype(str) + "-01")
    >>> is_won = deals.pop("number") < 2
    >>> deals["created_at"] = day + pd.Timedelta(days=1)
    >>> deals["closed_at"] = day + pd.to_timedelta(24 - 5 * is_won, unit="D")
    >>> deals["status"], deals["amount"] = is_won.map({True: "won", False: "lost"}), 10.0
    >>> targets = pd.DataFrame({
    ...     "level": "department", "period_start": sorted(set(day)), "metric": "revenue",
    ...     "period_end": sorted(set(day + pd.offsets.MonthEnd())), "target": 30.0,
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-12-31")
    >>> table = forecast_backtest(department, elapsed_shares=[0.5])
    >>> table[["n_periods", "actual_sum", "bias", "linear_wape"]].round(1)
       n_periods  actual_sum  bias  linear_wape
    0          8       160.0   0.0          1.0
    """
    asked = question(
        department, by, start, end, confidence, results=_SHOWN, metric=metric, metrics=METRICS
    )
    whole_number("n_draws", n_draws, least=100)
    whole_number("seed", seed)
    shares, told_level = _shares(elapsed_shares), share("level", level)
    sums = asked.within(attainment_sums(department, asked.keys, metric=metric))
    sums = sums[sums["is_complete"]].reset_index(drop=True)
    sums["actual"] = (sums["actual"] + sums["unplanned_actual"]).round(4)
    done = sums[PERIOD].drop_duplicates().sort_values(PERIOD)
    rows = _foretold(department, sums, done, shares, asked.keys, metric, told_level,
                     n_draws=n_draws, seed=seed)  # fmt: skip
    table = _scores(rows, asked.keys, asked.confidence)
    return table.assign(metric=metric)[[*asked.keys, *_SHOWN]]


def _shares(given: Sequence[float]) -> list[float]:
    shares = vector("elapsed_shares", [given] if isinstance(given, float) else list(given))
    if not len(shares) or (shares <= 0).any() or (shares >= 1).any():
        message = f"elapsed_shares must lie strictly between 0 and 1; got {given!r}."
        raise InputError(message)
    return [float(one) for one in np.unique(shares)]


def _foretold(
    department: Department, sums: pd.DataFrame, done: pd.DataFrame, shares: list[float],
    keys: list[str], metric: str, level: float, *, n_draws: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Foretell each complete period from each share of its days: one row a group, period, share."""
    planned = read_targets(department, metric)[0]
    since = daily_actuals(department, metric, [])["day"].min()
    asked = [
        (elapsed, first, last, day_of_share(department, first, last, elapsed))
        for elapsed in shares
        for first, last in done.itertuples(index=False, name=None)
    ]
    asked = [one for one in asked if one[1] <= one[3] < one[2]]
    periods = [
        (first, last, cut, history_of(department, first, last, cut, planned=planned, since=since))
        for _elapsed, first, last, cut in asked
    ]
    cases, spans = cases_and_spans(periods)
    facts = facts_of(department, landmark_counts(department, keys, spans), spans, keys, metric)
    parts, reasons = [], []
    for (elapsed, *_rest), case in zip(asked, cases, strict=True):
        found, reason = _one(
            department, sums, case, facts, elapsed, level, n_draws=n_draws, seed=seed
        )
        parts.append(found)
        reasons.append(reason)
    if reasons and all(reasons):
        raise needs_history(f"no period can be foretold again: {reasons[-1]}.")
    if not parts:
        return sums.iloc[:0].reindex(columns=[*keys, *_ROW])
    return pd.concat(parts, ignore_index=True)


_ROW = ["elapsed_share", "target", "actual", "is_too_early", "forecast", "forecast_low",
        "forecast_high", "reach_rate", "linear"]  # fmt: skip


def _one(
    department: Department, sums: pd.DataFrame, case: Case, facts: Facts, elapsed: float,
    level: float, *, n_draws: int, seed: int,
) -> tuple[pd.DataFrame, str]:  # fmt: skip
    """Foretell one period for all its groups, or say why it cannot be done."""
    here = sums[(sums["period_start"] == case.first) & (sums["period_end"] == case.last)]
    here = here[[*facts.keys, "target", "actual"]].reset_index(drop=True)
    here = here.assign(elapsed_share=elapsed, is_too_early=False)
    rates = rates_of(case, facts)
    reason = enough(case, rates)
    if reason:
        return here.assign(is_too_early=True).reindex(columns=[*facts.keys, *_ROW]), reason
    codes = facts.codes(here)
    booked = np.where(codes >= 0, facts.sums(case.first, case.cut)[0][codes], 0.0)
    so_far = pd.Series(booked.round(4))
    needed = (here["target"] - so_far).where(here["target"] > 0)
    rests = foretell(
        department, case, rates, facts, here[facts.keys].assign(needed=needed),
        n_draws=n_draws, seed=seed,
    )  # fmt: skip
    shown = [summary(*one, level) for one in zip(rests, so_far, needed, strict=True)]
    ends = pd.DataFrame(shown, dtype=float).assign(linear=so_far / elapsed)
    return here.join(ends)[[*facts.keys, *_ROW]], ""


def _scores(rows: pd.DataFrame, keys: list[str], confidence: float) -> pd.DataFrame:
    """Score the forecasts of each group and share."""
    cells = [*keys, "elapsed_share"]
    early = rows["is_too_early"].astype(bool)
    told = rows[~early].copy()
    error, plain = told["forecast"] - told["actual"], told["linear"] - told["actual"]
    inside = (told["actual"] >= told["forecast_low"] - 1e-6) & (
        told["actual"] <= told["forecast_high"] + 1e-6
    )
    planned = told["target"] > 0
    told = told.assign(
        n_periods=1, n_inside=inside.astype("int64"), n_with_target=planned.astype("int64"),
        n_reached=(planned & (told["actual"] >= told["target"])).astype("int64"),
        error=error, absolute=error.abs(), plain=plain, plain_absolute=plain.abs(),
        size=told["actual"].abs(), chance=told["reach_rate"].where(planned),
    )  # fmt: skip
    counts = ["n_periods", "n_inside", "n_with_target", "n_reached"]
    added = [*counts, "actual", "forecast", "error", "absolute", "plain", "plain_absolute", "size"]
    sums = told.groupby(cells)[added].sum()
    groups = rows[cells].drop_duplicates().sort_values(cells, ignore_index=True)
    table = groups.merge(sums.reset_index(), on=cells, how="left").fillna(dict.fromkeys(added, 0))
    table = table.astype(dict.fromkeys(counts, "int64"))
    too_early = rows[early].groupby(cells).size().rename("n_too_early").reset_index()
    table = table.merge(too_early, on=cells, how="left").fillna({"n_too_early": 0})
    table["n_too_early"] = table["n_too_early"].astype("int64")
    table = table.rename(columns={"actual": "actual_sum", "forecast": "forecast_sum"})
    for name, part, whole in (
        ("bias", "error", "actual_sum"), ("wape", "absolute", "size"),
        ("linear_bias", "plain", "actual_sum"), ("linear_wape", "plain_absolute", "size"),
    ):  # fmt: skip
        table[name] = ratio(table[part], table[whole])
    for name, part, whole in (("coverage_rate", "n_inside", "n_periods"),
                              ("reached_rate", "n_reached", "n_with_target")):  # fmt: skip
        low, high = wilson_interval(table[part], table[whole], confidence=confidence)
        table[name] = ratio(table[part], table[whole])
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    parts = dict(list(told[planned.to_numpy()].groupby(cells)))
    scores = [_brier(parts.get(cell)) for cell in table[cells].itertuples(index=False, name=None)]
    names = ["reach_forecast_share", "brier", "brier_uncertainty"]
    return table.assign(**dict(zip(names, np.array(scores, dtype=float).reshape(-1, 3).T,
                                   strict=True)))  # fmt: skip


def _brier(rows: pd.DataFrame | None) -> tuple[float, float, float]:
    """Give the mean chance, the Brier score, and that of always naming the share reached."""
    if rows is None or not len(rows):
        return np.nan, np.nan, np.nan
    chance, reached = rows["chance"].to_numpy(float), rows["n_reached"].to_numpy(float)
    split = brier_split(chance, reached)
    return float(chance.mean()), split.brier, split.uncertainty
