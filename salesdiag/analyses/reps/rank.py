"""Whether units may be ranked at all, metric by metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.case_mix import OWN_NAMES
from salesdiag.analyses.reps.judge import blocks, homogeneity, ranked, spread_of
from salesdiag.analyses.reps.metrics import all_sums
from salesdiag.analyses.reps.scorecard import may_be_ranked
from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share
from salesdiag.stats.rates import normal_quantile
from salesdiag.stats.variance import tau_squared_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.reps.case_mix import Unit
    from salesdiag.department import Department

COLUMNS = [
    "unit", "metric", "from_stage", "n_units", "n_compared_units", "n_cases", "n_events",
    "n_left_out", "overall", "chi_square", "df", "p_value", "tau_squared", "tau_squared_low",
    "tau_squared_high", "rankability", "rankability_low", "rankability_high",
    "smallest_difference", "reading",
]  # fmt: skip
_POWER = 0.8
_COUNTS = ["n_units", "n_compared_units", "n_cases", "n_events", "n_left_out"]
_TEXTS = ["metric", "from_stage", "reading"]
_FEWEST_UNITS = 3


def rankability(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    unit: Unit = "rep_id",
    adjust_for: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Tell, for each metric, whether the reps may be ranked at all.

    Thirty reps with 220 deals each show win rates from 55 to 70 % when all of them are equally
    good. So before any league table: do they differ by more than chance, how much of what they
    differ by is more than chance (`rankability` [1]_), and how large would a difference have to
    be to be seen? Below a half most of a table is chance; above three quarters ranks mean
    something. All is at equal case mix, as in `rep_scorecard`, where the population, the window
    and what is left out are told.

    Parameters
    ----------
    department : Department
        As for `rep_scorecard`. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included), as for `rep_scorecard`.
    confidence : float, default 0.95
        Level of the intervals, and of the test: units differ where ``p_value`` is at most 1
        less the level.
    unit : {"rep_id", "team", "manager_id", "territory", "product"}, default "rep_id"
        What is compared.
    adjust_for : sequence of str, optional
        As for `rep_scorecard`; ``()`` compares as it stands.
    metrics : sequence of str, optional
        Which to give. Default: all that the tables allow.

    Returns
    -------
    DataFrame
        One row per group and metric (and stage being left):

        - the ``by`` columns, if any;
        - ``unit`` : what is compared; ``metric`` : what by; ``from_stage`` : the stage being
          left, empty but for stage conversion;
        - ``n_units`` : units with any case; ``n_compared_units`` : of these, with at least 5
          events to be expected and cases like those of others;
        - ``n_cases``, ``n_events``, ``n_left_out`` : of all units, see `rep_scorecard`;
        - ``overall`` : the value of all together;
        - ``chi_square`` : of the units' distances from what was expected; ``df`` : its degrees
          of freedom, no whole number where units keep to strata of their own; ``p_value`` : of
          no differences; NaN with fewer than two units or where none or all cases count;
        - ``tau_squared`` : variance between the units' true values; NaN with fewer than two;
        - ``tau_squared_low``, ``tau_squared_high`` : its interval;
        - ``rankability`` : its part in the variance of a typical unit, in [0, 1];
        - ``rankability_low``, ``rankability_high`` : its interval;
        - ``smallest_difference`` : between a typical unit and all others that would have been
          seen in four of five cases;
        - ``reading`` : ``"may_be_ranked"`` (they differ, and at least half is no chance),
          ``"may_not"``, or ``"not_enough_data"`` (fewer than three units to compare).

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or an adjuster is written after the fact.

    References
    ----------
    .. [1] van Dishoeck, A.-M. et al. (2011). Random variation and rankability of hospitals
       using outcome indicators. BMJ Quality & Safety 20, 869-874.

    Examples
    --------
    Three reps with 3, 5 and 7 wins of ten: that is what chance makes of equals.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> wins = {"a": 3, "b": 5, "c": 7}
    >>> rows = [(rep, "won" if number < wins[rep] else "lost") for rep in wins
    ...         for number in range(10)]
    >>> deals = pd.DataFrame(rows, columns=["rep_id", "status"])
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> table = rankability(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["metric", "n_units", "chi_square", "df", "rankability", "reading"]].round(2)
         metric  n_units  chi_square   df  rankability  reading
    0  win_rate        3         3.2  2.0         0.38  may_not
    """
    keys = department.split_keys(by, results=[*COLUMNS, *OWN_NAMES])
    level = share("confidence", confidence)
    sums = all_sums(
        department, keys, unit=unit, adjust_for=adjust_for, metrics=metrics, start=start, end=end
    )
    of_units = sums[sums["unit_id"] != UNASSIGNED]
    n_keys = len(keys)
    rows = [
        (*name[:n_keys], unit, *name[n_keys:], *_one_metric(of_units.loc[index], level))
        for name, index in blocks(of_units, keys)
    ]
    table = pd.DataFrame(rows, columns=[*keys, *COLUMNS])
    kinds = dict.fromkeys([*keys, "unit", *_TEXTS], "str") | dict.fromkeys(_COUNTS, "int64")
    kinds |= {name: "float64" for name in COLUMNS if name not in kinds}
    table = table.astype(kinds)
    place = {name: number for number, name in enumerate(sums["metric"].drop_duplicates())}
    order = table.assign(place=table["metric"].map(place), row=np.arange(len(table)))
    return table.loc[order.sort_values([*keys, "place", "row"]).index].reset_index(drop=True)


def _one_metric(rows: pd.DataFrame, level: float) -> tuple[object, ...]:
    cased = rows[rows["n_cases"] > 0]
    counts = (len(cased), *(int(rows[name].sum()) for name in _COUNTS[2:]))
    if not len(cased):
        return (0, 0, *counts[1:], *[np.nan] * 11, "not_enough_data")
    test, found = homogeneity(cased), ranked(cased)
    tau2, rankable = spread_of(found)
    low, high, noise = np.nan, np.nan, np.nan
    if not np.isnan(tau2):
        low, high = tau_squared_interval(found.value, found.noise, confidence=level)
        low, high = min(low, tau2), max(high, tau2)
        noise = float(np.median(found.noise))
    n = len(found.value)
    reach = normal_quantile(level) + normal_quantile(2 * _POWER - 1)
    # a typical unit against all the others
    smallest = reach * np.sqrt(noise * n / (n - 1)) if n > 1 else np.nan
    reading = "may_be_ranked" if may_be_ranked(test.p_value, rankable, level) else "may_not"
    if n < _FEWEST_UNITS or np.isnan(rankable) or np.isnan(test.p_value):
        reading = "not_enough_data"
    return (
        counts[0], n, *counts[1:], found.overall, *test, tau2, low, high, rankable,
        low / (low + noise), high / (high + noise), smallest, reading,
    )  # fmt: skip
