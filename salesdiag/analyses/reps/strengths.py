"""Where in the funnel each rep is strong or weak, against like deals."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.case_mix import OWN_NAMES, adjusters_of, unit_of
from salesdiag.analyses.reps.judge import judged
from salesdiag.analyses.reps.scorecard import add_odds_ratio
from salesdiag.analyses.reps.shares import stage_sums
from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.reps.case_mix import Unit
    from salesdiag.department import Department

COLUMNS = [
    "unit", "unit_id", "from_stage", "to_stage", "n_from", "n_to", "n_lost", "n_open",
    "n_without_stage", "n_compared", "conversion_rate", "conversion_rate_low",
    "conversion_rate_high", "expected", "odds_ratio", "odds_ratio_low", "odds_ratio_high",
    "shrunken_rate", "shrunken_rate_low", "shrunken_rate_high", "overall", "shrunken_difference",
    "shrunken_difference_low", "shrunken_difference_high", "p_value", "q_value", "relative",
    "reading",
]  # fmt: skip


def strengths(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    unit: Unit = "rep_id",
    adjust_for: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Show at which step of the funnel each rep is strong or weak, against like deals.

    A rep who loses everybody at the offer needs another lesson than one who never gets there.
    Each step is held against what like deals (same source, segment, product, quarter of
    creation) did there in all hands, pulled towards all by as much as chance explains, and paid
    for by the number of looks. A deal has gone on from a stage once it entered a later one or
    was won; one lost there has not; one that still stands there counts as neither, which favours
    nobody as long as deals of one quarter of creation have had the same time. The steps of a
    rep are not independent of how deals reach them: who lets weak deals through shows it one
    step later.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``rep_id`` or the unit's column; ``created_at``
        for a window), ``stage_changes`` and an order of stages. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. Units are compared
        within each group.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals; a step stands out where ``q_value`` is at most 1 less the level.
    unit : {"rep_id", "team", "manager_id", "territory", "product"}, default "rep_id"
        What is compared.
    adjust_for : sequence of str, optional
        As for `rep_scorecard`.

    Returns
    -------
    DataFrame
        One row per group, unit and step, in selling order; deals without a unit stand under
        "unassigned" and are compared with nobody:

        - the ``by`` columns, if any;
        - ``unit`` : what is compared; ``unit_id`` : which one;
        - ``from_stage``, ``to_stage`` : the step;
        - ``n_from`` : deals that left the stage, always ``n_to + n_lost``; ``n_to`` : went on;
          ``n_lost`` : lost there; ``n_open`` : still stand there, in none of these;
        - ``n_without_stage`` : deals of the unit, the same at all its steps, of which no stage is
          known: never moved, and created before the history begins; in no other count;
        - ``n_compared`` : of ``n_from``, those to which other units have like ones;
        - ``conversion_rate`` : ``n_to / n_from``, in [0, 1]; NaN where fewer than 5 were
          expected to go on or nobody has like deals, as all that follows;
        - ``conversion_rate_low``, ``conversion_rate_high`` : its exact interval;
        - ``expected`` : the rate of all at the same deals;
        - ``odds_ratio`` : odds of going on against all others with like deals; NaN where a side
          is empty; ``odds_ratio_low``, ``odds_ratio_high`` : its interval;
        - ``shrunken_rate`` : the long-run rate with the deals of all, in [0, 1];
          ``shrunken_rate_low``, ``shrunken_rate_high`` : its interval;
        - ``overall`` : the rate of all together;
        - ``shrunken_difference`` : the shrunken rate less that of all;
          ``shrunken_difference_low``, ``shrunken_difference_high`` : its interval;
        - ``p_value`` : of no difference; ``q_value`` : the same, paid for all units and steps;
        - ``relative`` : ``"strongest"`` and ``"weakest"`` of the unit's own steps, by how likely
          the shrunken difference is, else ``"between"``; with one step only ``"only"``;
        - ``reading`` : ``"above"``, ``"below"``, ``"as_expected"``, ``"not_enough_data"``,
          ``"not_comparable"``, ``"no_unit"``.

    Raises
    ------
    MissingDataError
        If there is no stage history, or a column above is missing.
    InputError
        If there are several pipelines, stages that the order does not list, an option is not one
        of those allowed, or an adjuster is written after the fact.

    References
    ----------
    Mantel, N. and Haenszel, W. (1959). Statistical aspects of the analysis of data from
    retrospective studies of disease. Journal of the National Cancer Institute 22, 719-748.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-01-07")
    >>> rows = [("a", 18, 12), ("b", 12, 8)]  # of 20: to the offer, and won
    >>> deals = pd.DataFrame([
    ...     (rep, "won" if n < won else "lost", n < offers)
    ...     for rep, offers, won in rows for n in range(20)
    ... ], columns=["rep_id", "status", "is_offered"]).assign(created_at=day)
    >>> deals["deal_id"] = deals.index.astype(str)
    >>> moves = pd.concat([
    ...     deals[["deal_id"]].assign(stage="lead", entered_at=day),
    ...     deals.loc[deals.pop("is_offered"), ["deal_id"]].assign(stage="offer", entered_at=day),
    ... ])
    >>> department = Department(deals=deals, stage_changes=moves, as_of="2025-03-31",
    ...                         stage_order=["lead", "offer"])
    >>> strengths(department)[["unit_id", "from_stage", "n_from", "n_to", "conversion_rate",
    ...                        "expected", "shrunken_rate"]].round(2)
      unit_id from_stage  n_from  n_to  conversion_rate  expected  shrunken_rate
    0       a       lead      20    18             0.90      0.75           0.84
    1       a      offer      18    12             0.67      0.67           0.66
    2       b       lead      20    12             0.60      0.75           0.65
    3       b      offer      12     8             0.67      0.67           0.66
    """
    keys = department.split_keys(by, results=[*COLUMNS, *OWN_NAMES, "metric"])
    level = share("confidence", confidence)
    unit_of(department, unit, keys)
    adjusters = adjusters_of(department, adjust_for, [*keys, unit])
    sums = stage_sums(department, keys, unit, adjusters, start=start, end=end)
    path = department.ladder()["stage"].astype(str).tolist()
    table = judged(sums, keys, confidence=level)
    add_odds_ratio(table, level)
    return _shown(table, keys, unit, dict(pairwise(path)))


def _shown(
    table: pd.DataFrame, keys: Sequence[str], unit: str, following: dict[str, str]
) -> pd.DataFrame:
    table = table.assign(
        unit=unit, to_stage=table["from_stage"].map(following), n_from=table["n_cases"],
        n_to=table["n_events"], n_without_stage=table["n_left_out"],
        n_lost=table["n_cases"] - table["n_events"],
        expected=table["expected_value"],
        conversion_rate=table["observed"].where(table["ratio"].notna()),
    )  # fmt: skip
    for end in ("low", "high"):
        # the interval of the ratio, at what was expected
        bound = table[f"ratio_{end}"] * table["expected_value"]
        table[f"conversion_rate_{end}"] = bound.clip(0, 1)
        table[f"shrunken_rate_{end}"] = table[f"shrunken_value_{end}"]
    table["shrunken_rate"] = table["shrunken_value"]
    named = table["unit_id"] != UNASSIGNED
    by = [*keys, "from_stage"]
    whole = table.assign(
        hit=table["n_to"].where(named, 0), left=table["n_from"].where(named, 0)
    ).groupby(by)[["hit", "left"]].transform("sum")  # fmt: skip
    overall = whole["hit"] / whole["left"].where(whole["left"] > 0)
    table["overall"] = overall.where(table["shrunken_rate"].notna()).astype(float)
    for end in ("", "_low", "_high"):
        table[f"shrunken_difference{end}"] = table[f"shrunken_rate{end}"] - table["overall"]
    table["relative"] = _relative(table, keys)
    return table[[*keys, *COLUMNS]].astype({"unit": "str", "to_stage": "str"})


def _relative(table: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Tell each unit's strongest and weakest step, by distance over its uncertainty."""
    width = table["shrunken_difference_high"] - table["shrunken_difference_low"]
    distance = table["shrunken_difference"] / width.where(width > 0)
    group = [table[name] for name in (*keys, "unit_id")]
    n = distance.groupby(group).transform("count")
    first = distance.groupby(group).rank(method="first")
    relative = np.select(
        [distance.isna(), n == 1, first == 1, first == n],
        ["", "only", "weakest", "strongest"],
        "between",
    )
    return pd.Series(relative, index=table.index, dtype="str")
