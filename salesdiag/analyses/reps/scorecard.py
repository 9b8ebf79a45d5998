"""One row per rep and metric: seen, expected, and what is left once chance is allowed for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.case_mix import OWN_NAMES
from salesdiag.analyses.reps.judge import (
    RANKABLE,
    RANKED,
    blocks,
    expected_ranks,
    homogeneity,
    judged,
    ranked,
    spread_of,
)
from salesdiag.analyses.reps.metrics import all_sums
from salesdiag.analyses.reps.roles import is_leaver, role_readings
from salesdiag.stats.arguments import one_of, share
from salesdiag.stats.rates import normal_quantile, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.reps.case_mix import Unit
    from salesdiag.analyses.reps.judge import Shrinkage
    from salesdiag.department import Department

COLUMNS = [
    "unit", "unit_id", "role_reading", "is_leaver", "metric", "from_stage", "n_cases", "n_events",
    "n_open", "n_left_out", "n_compared", "observed", "expected", "ratio", "ratio_low",
    "ratio_high", "odds_ratio", "odds_ratio_low", "odds_ratio_high", "shrunken_value",
    "shrunken_value_low", "shrunken_value_high", "bottom_quarter_probability",
    "top_quarter_probability", "p_value", "q_value", "n_ranked", "expected_rank",
    "expected_rank_low", "expected_rank_high", "reading",
]  # fmt: skip


def rep_scorecard(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    unit: Unit = "rep_id",
    adjust_for: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    shrinkage: Shrinkage = "bayes",
) -> pd.DataFrame:
    """Compare reps with what their deals would have given anybody, and with chance.

    A league table of raw rates puts those with few deals at both ends and those with hard deals
    at the bottom. So each rep is held against the rates of all reps in strata of like deals
    (same source, segment, product, quarter of creation), his value is pulled towards all by as
    much as chance explains, and the many looks are paid for. Nobody stands out by chance alone
    more often than the level says. Ranks are given only where the reps may be ranked at all
    (`rankability`).

    Measured: of 300 simulated departments of 6, 12 and 30 equal reps with 30 to 200 deals each
    and five metrics, 3 to 6 % had anybody who stood out at the level of 5 %. One rep of 12 who
    won 15 points fewer on 120 deals was found in 78 of 100, another called weak in none; the
    interval of his ratio held the truth in 98, that of the others in 94 %. Among more than 200
    units their spread is taken as known, for speed.

    What a manager would argue about: **win rate** is of the deals closed in the window. The
    quarter of creation is among the strata because losses come faster than wins: deals of one
    quarter have had the same time, so a newcomer whose wins are still open does not look weak.
    **Stage conversion** is of deals created in the window that went on or were lost there; those
    that still stand there are counted apart. **Worked, answered, qualified** is told of deals
    and leads as old at ``as_of`` as 95 of 100 in the whole department were when it came (a day
    at least); younger ones are open, so what came in yesterday counts against nobody. A lead
    that the table repeats counts once. **Per selling day** compares within the same months whoever
    owns any deal, also who won nothing (an id that ``reps`` lacks: only where it has any),
    and is no measure of skill alone: whoever is given more leads wins more; managers (by their
    role) have no selling days here. Adjust for nothing that happens on the way (stage,
    activity): it may be what makes a rep good. The size of deals is left out by default, for a
    rep can move it; it is there as ``"size"``. Deals count for the rep who has them now, and as
    independent: where a rep's deals are mostly of one account, intervals are too narrow.

    ``role_reading`` tells those who sell from those whose figures mean something else, by an
    open rule on the activities a rep logs per own deal, and ``ratio`` of the win rate.
    ``"fed"``: below a quarter of what all log per deal, and wins beyond chance (deals come
    ready). ``"dustbin"``: as little, and wins below half of what is expected (dead deals are put
    there). ``"caller"``: as much as all or more, and wins below half (calls for others).
    ``"seller"``: at least 5 wins expected and none of these. ``"unclear"``: all else, and other
    units than reps.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``rep_id`` or the unit's column; ``closed_at``
        for a window). Uses what else there is: ``amount``, ``list_amount``, ``stage_changes``,
        ``activities``, ``leads``, ``reps``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. Units are compared
        within each group.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**; for stages, worked
        deals and leads **created**; for activities on which they happened.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; a unit stands out where its
        ``q_value`` is at most 1 less the level.
    unit : {"rep_id", "team", "manager_id", "territory", "product"}, default "rep_id"
        What is compared.
    adjust_for : sequence of str, optional
        Columns within which deals count as alike; ``"created_quarter"`` and ``"size"`` (bands of
        list price, each to four times the one before) besides columns. Default: of source,
        segment, product those there are, and the quarter. None at all: ``()``.
    metrics : sequence of str, optional
        Which to give. Default: all that the tables allow.
    shrinkage : {"bayes", "james_stein"}, default "bayes"
        How values are pulled in: averaged over all spreads that the data leave possible, or the
        classical formula with one variance for all.

    Returns
    -------
    DataFrame
        One row per group, unit and metric; leavers and reps missing from ``reps`` are kept,
        cases without a unit stand under "unassigned" and are compared with nobody:

        - the ``by`` columns, if any;
        - ``unit`` : what is compared; ``unit_id`` : which one;
        - ``role_reading`` : the rule above;
        - ``is_leaver`` : a rep who left by ``as_of``;
        - ``metric`` : ``"win_rate"``, ``"stage_conversion"``, ``"won_amount"`` (mean of won
          deals), ``"price_realisation"`` (amount over list price of won deals),
          ``"wins_per_day"``, ``"revenue_per_day"``, ``"activities_per_day"``, ``"worked_deals"``
          (share with any activity), ``"answered_leads"``, ``"qualified_leads"`` (shares);
        - ``from_stage`` : the stage being left; empty but for stage conversion;
        - ``n_cases`` : the denominator: deals, leads or selling days; ``n_events`` : what counts
          of them (for money: deals won);
        - ``n_open`` : deals that still stand in the stage, and deals and leads too young to
          tell whether they will be worked, answered or qualified; in no other count;
        - ``n_left_out`` : what the metric cannot place, in no other count: deals of which no
          stage is known (of the unit, the same at all steps), won deals without an amount or
          list price, wins and activities without a day or on days on which the unit did not
          sell, leads without a day;
        - ``n_compared`` : of ``n_cases``, those to which other units have like ones;
        - ``observed`` : the unit's value; ``expected`` : that of all with the same cases; NaN
          where fewer than 5 events were to be expected (for ``"won_amount"`` and
          ``"price_realisation"``: seen), as all that follows;
        - ``ratio`` : observed over expected, 0 or more; NaN where nobody has like cases;
        - ``ratio_low``, ``ratio_high`` : its exact interval;
        - ``odds_ratio`` : odds against all others in the same strata (Mantel and Haenszel), for
          shares; NaN elsewhere and where a side is empty;
        - ``odds_ratio_low``, ``odds_ratio_high`` : its interval;
        - ``shrunken_value`` : the value that the unit would show in the long run with the cases
          of all; ``shrunken_value_low``, ``shrunken_value_high`` : its interval;
        - ``bottom_quarter_probability``, ``top_quarter_probability`` : how likely the unit truly
          is among the lowest and highest quarter, in [0, 1];
        - ``p_value`` : of a ratio of 1; ``q_value`` : the same paid for all units and metrics;
        - ``n_ranked`` : units that are ranked in this metric; 0 where none may be;
        - ``expected_rank`` : from 1, the lowest value; NaN where units may not be ranked or
          fewer than 30 events are expected of this one; ``expected_rank_low``,
          ``expected_rank_high`` : its interval;
        - ``reading`` : ``"above"``, ``"below"``, ``"as_expected"``, ``"not_enough_data"``,
          ``"not_comparable"``, ``"no_unit"``.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or an adjuster is written after the fact.

    References
    ----------
    Goldstein, H. and Spiegelhalter, D. J. (1996). League tables and their limitations.
    Journal of the Royal Statistical Society A 159, 385-443.
    Benjamini, Y. and Bogomolov, M. (2014). Selective inference on multiple families of
    hypotheses. Journal of the Royal Statistical Society B 76, 297-318.

    Examples
    --------
    "a" wins fewer, but has the hard deals: at these all win as little.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [("a", "hard", 50, 8), ("a", "easy", 10, 6), ("b", "hard", 10, 4),
    ...         ("b", "easy", 50, 24)]
    >>> deals = pd.DataFrame([
    ...     (rep, segment, "won" if number < won else "lost")
    ...     for rep, segment, n, won in rows for number in range(n)
    ... ], columns=["rep_id", "segment", "status"])
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> table = rep_scorecard(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["unit_id", "n_cases", "n_events", "observed", "expected", "reading"]].round(2)
      unit_id  n_cases  n_events  observed  expected      reading
    0       a       60        14      0.23      0.26  as_expected
    1       b       60        28      0.47      0.43  as_expected
    """
    keys = department.split_keys(by, results=[*COLUMNS, *OWN_NAMES])
    level = share("confidence", confidence)
    one_of("shrinkage", shrinkage, ("bayes", "james_stein"))
    sums = all_sums(
        department, keys, unit=unit, adjust_for=adjust_for, metrics=metrics, start=start, end=end
    )
    table = judged(sums, keys, confidence=level, shrinkage=shrinkage)
    add_odds_ratio(table, level)
    _add_ranks(table, sums, keys, level)
    table["role_reading"] = role_readings(table, keys, unit)
    table["is_leaver"] = is_leaver(department, table["unit_id"], unit)
    table = table.assign(unit=pd.Series(unit, index=table.index, dtype="str"))
    table["expected"] = table["expected_value"]
    return table[[*keys, *COLUMNS]]


def add_odds_ratio(table: pd.DataFrame, level: float) -> None:
    """Add the pooled odds ratio with the interval of Robins, Breslow and Greenland."""
    above, below = (table[name].astype(float).to_numpy() for name in ("odds_above", "odds_below"))
    told = (above > 0) & (below > 0) & table["ratio"].notna().to_numpy()
    above, below = (np.where(told, one, np.nan) for one in (above, below))
    variance = (
        ratio(table["above_agreeing"], 2 * above**2)
        + ratio(table["mixed"], 2 * above * below)
        + ratio(table["below_opposed"], 2 * below**2)
    )
    reach = np.exp(normal_quantile(level) * np.sqrt(variance))
    odds = ratio(above, below)
    table["odds_ratio"] = odds
    table["odds_ratio_low"], table["odds_ratio_high"] = odds / reach, odds * reach


def may_be_ranked(p_value: float, rankability: float, level: float) -> bool:
    """Tell whether ranks mean anything: units differ, and mostly by more than chance."""
    return bool(p_value <= 1 - level and rankability >= RANKABLE)


def _add_ranks(table: pd.DataFrame, sums: pd.DataFrame, keys: Sequence[str], level: float) -> None:
    names = ["expected_rank", "expected_rank_low", "expected_rank_high"]
    table[names] = np.nan
    table["n_ranked"] = 0
    for _name, index in blocks(sums, keys):
        rows = sums.loc[index]
        test = homogeneity(rows)
        if not may_be_ranked(test.p_value, spread_of(ranked(rows))[1], level):
            continue
        shown = table.loc[index]
        kept = shown[shown["shrunken_value"].notna() & (shown["expected_events"] >= RANKED)]
        if len(kept) < 2:
            continue
        z = normal_quantile(level)
        sd = (kept["shrunken_value_high"] - kept["shrunken_value_low"]).to_numpy() / (2 * z)
        found = expected_ranks(kept["shrunken_value"].to_numpy(), np.maximum(sd, 1e-300), level)
        table.loc[kept.index, names] = np.column_stack(found)
        table.loc[index, "n_ranked"] = len(kept)
    table["n_ranked"] = table["n_ranked"].astype("int64")
