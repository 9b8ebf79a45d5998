"""Whether those, and those times, with more activity have more result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.activity.correlate import (
    UNKNOWN,
    Correlation,
    clustered_correlation,
    fisher_correlation,
)
from salesdiag.analyses.activity.keys import check_keys
from salesdiag.analyses.activity.panel import (
    Result,
    column_of,
    result_panel,
    split_panel,
    types_in,
)
from salesdiag.department import UNASSIGNED
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.panel.fixed_effects import TwoWay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department
    from salesdiag.reductions.rep_weeks import Unit

    Floats = NDArray[np.float64]

LEVELS = ("pooled", "between", "within")
COEFFICIENTS = ("pearson", "spearman", "partial")
_FEWEST_REPS, _FEWEST_ROWS, _FEWEST_RESULTS = 5, 20, 5
_COLUMNS = [
    "activity_type", "result", "level", "coefficient", "n_reps", "n_rep_periods", "n_activities",
    "n_results", "n_left_out", "correlation", "correlation_low", "correlation_high", "p_value",
    "q_value", "held_constant", "reading",
]  # fmt: skip


def activity_result_correlation(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    result: Result = "deals_won",
    unit: Unit = "month",
    lag: int = 0,
    n_draws: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Whether more activity goes with more result: pooled, between reps and within reps.

    One number is not enough, for three questions hide behind it. *Between*: do the reps who do
    more have more result? Territory, tenure and the number of deals they were given come along.
    *Within*: does a rep have more result in periods in which he does more than usual, and more
    than the others' periods explain? What is constant in a rep drops out, what changes with
    time does not. *Pooled*: all rep-periods in one heap, a mixture of the two that may have the
    opposite sign of both. Where they disagree, ``reading`` says so.

    None of these is an effect: who has more open deals has more to do and more to win
    (``"partial"`` holds their number constant), winners write down more, and a result follows
    its activity weeks later. For an effect and its grade see `activity_effect`.

    Both sides are taken per selling day, so that joiners, leavers and holidays do not correlate
    them. What names no rep, and rep-periods without a selling day, are left out and counted;
    so is activity on a deal after the day it was closed.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``rep_id``, ``activity_type``, ``occurred_at``) and ``deals``
        (``rep_id``, ``created_at``, ``closed_at``; ``amount`` for revenue); tenure comes from
        ``reps.hired_on`` where all reps have it. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``reps``. Deals count for the rep who has them now. The
        group "unassigned" is always there.
    start, end : date or str, optional
        Only **periods** that lie wholly between these days; not given: from the first to the
        last activity.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    result : {"deals_won", "revenue", "new_deals"}
        By day of closing (deals won, their amount) or of creation.
    unit : {"week", "month", "quarter"}, default "month"
        Length of a period.
    lag : int, default 0
        The result is taken so many periods after the activity.
    n_draws, seed : int
        Draws of the bootstrap over reps, and where its random numbers begin.

    Returns
    -------
    DataFrame
        One row per group, activity type ("all", then those that occur), level and coefficient:

        - the ``by`` columns, if any;
        - ``activity_type``, ``result`` : what is correlated with what;
        - ``level`` : "pooled", "between" (means of reps) or "within" (what is left after the
          effects of reps and of periods);
        - ``coefficient`` : "pearson"; "spearman", of ranks; "partial", Pearson's with
          ``held_constant`` held constant;
        - ``n_reps``, ``n_rep_periods`` : reps and rep-periods behind it;
        - ``n_activities``, ``n_results`` : activities, and deals, in them;
        - ``n_left_out`` : activities of the type left out, as said above;
        - ``correlation`` : in [-1, 1]; NaN with fewer than 5 reps, 20 rep-periods or 5 results,
          or where one side does not vary;
        - ``correlation_low``, ``correlation_high`` : between reps Fisher's z, else a bootstrap
          over reps on the scale of z; NaN where the correlation is;
        - ``p_value`` : of a correlation of 0; ``q_value`` : Benjamini-Hochberg over all rows of
          the table; NaN likewise;
        - ``held_constant`` : "open deals", or "open deals and tenure"; empty text for the other
          coefficients;
        - ``reading`` : how between and within compare for this type and coefficient: "agree",
          "sign differs", "between only", "within only" (only that interval excludes 0),
          "neither", or "too few".

    Raises
    ------
    MissingDataError
        If a column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or a ``by`` column says nothing of reps.

    References
    ----------
    Robinson, W. S. (1950). Ecological correlations and the behavior of individuals. American
    Sociological Review 15, 351-357. Fieller, E. C., Hartley, H. O. and Pearson, E. S. (1957).
    Tests for rank correlation coefficients. Biometrika 44, 470-481.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A"], "status": ["won"], "rep_id": ["r1"],
    ...     "created_at": pd.to_datetime(["2025-01-02"]),
    ...     "closed_at": pd.to_datetime(["2025-02-03"]),
    ... })
    >>> activities = pd.DataFrame({
    ...     "activity_id": ["1"], "activity_type": ["call"], "rep_id": ["r1"],
    ...     "occurred_at": pd.to_datetime(["2025-01-02"]),
    ... })
    >>> department = Department(deals=deals, activities=activities, as_of="2025-06-30")
    >>> table = activity_result_correlation(department, start="2025-01-01")
    >>> table.loc[0, ["activity_type", "level", "coefficient", "reading"]].tolist()
    ['all', 'pooled', 'pearson', 'too few']
    """
    keys = check_keys(department, by, _COLUMNS)
    share("confidence", confidence)
    whole_number("lag", lag)
    whole_number("n_draws", n_draws, least=99)
    whole_number("seed", seed)
    panel = result_panel(department, result=result, unit=unit, start=start, end=end)
    kinds = types_in(panel)
    panel, held = _with_tenure(department, panel)
    rows = []
    for values, group in split_panel(department, panel, keys):
        for kind in kinds:
            prepared = _prepared(group, kind, lag)
            found = _correlations(prepared, held, confidence, n_draws, seed)
            rows += [[*values, *row] for row in _lines(group, prepared, kind, found, held, result)]
    table = pd.DataFrame(rows, columns=[*keys, *(c for c in _COLUMNS if c != "q_value")])
    table["q_value"] = adjust_p_values(table["p_value"].to_numpy(float))
    return table[[*keys, *_COLUMNS]]


def _with_tenure(department: Department, panel: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add the years since hiring where they are known of all reps; name what is held constant."""
    selling = panel[(panel["n_selling_days"] > 0) & (panel["rep_id"] != UNASSIGNED)]
    if len(selling) and department.has("reps", "hired_on"):
        reps = department.fetch("reps").drop_duplicates("rep_id").set_index("rep_id")
        hired = pd.to_datetime(panel["rep_id"].map(reps["hired_on"]))
        years = (panel["period_start"] - hired).dt.days / 365.25
        if years[selling.index].notna().all():
            return panel.assign(tenure=years), ["n_open", "tenure"]
    return panel, ["n_open"]


def _prepared(group: pd.DataFrame, kind: str, lag: int) -> pd.DataFrame:
    """Give the rep-periods that count, both sides per selling day."""
    rows = group[(group["n_selling_days"] > 0) & (group["rep_id"] != UNASSIGNED)]
    rows = rows.assign(done=rows[column_of(kind)])
    if lag:
        earlier = rows[["rep_id", "period", "done", "n_selling_days"]]
        earlier = earlier.assign(period=earlier["period"] + lag)
        rows = rows.drop(columns="done").merge(
            earlier, on=["rep_id", "period"], suffixes=("", "_then")
        )
    days_then = rows["n_selling_days_then" if lag else "n_selling_days"]
    return rows.assign(x=rows["done"] / days_then, y=rows["result"] / rows["n_selling_days"])


def _correlations(
    rows: pd.DataFrame, held: list[str], confidence: float, n_draws: int, seed: int
) -> dict[tuple[str, str], Correlation]:
    """Compute all levels and coefficients of one group and type."""
    unit = np.unique(rows["rep_id"].to_numpy(str), return_inverse=True)[1]
    n_reps = int(unit.max(initial=-1)) + 1
    few = n_reps < _FEWEST_REPS or len(rows) < _FEWEST_ROWS
    if few or rows["n_results"].sum() < _FEWEST_RESULTS:
        return {(level, name): UNKNOWN for level in LEVELS for name in COEFFICIENTS}
    pooled = rows[["x", "y", *held]].to_numpy(float)
    sums = np.stack([np.bincount(unit, column) for column in pooled.T], axis=1).astype(float)
    between = sums / np.bincount(unit)[:, None]
    period = np.unique(rows["period"].to_numpy(), return_inverse=True)[1]
    within = TwoWay(unit, period).residuals(pooled, np.ones(len(rows)))
    within = np.where(np.abs(within) < 1e-9, 0.0, within)
    found = {}
    levels: tuple[tuple[str, Floats], ...]
    levels = (("pooled", pooled), ("between", between), ("within", within))
    for level, columns in levels:
        ranks: Floats = pd.DataFrame(columns[:, :2]).round(9).rank().to_numpy(float)
        parts: dict[str, Floats]
        parts = {"pearson": columns[:, :2], "spearman": ranks, "partial": columns}
        for name, part in parts.items():
            if level == "between":
                one = fisher_correlation(part, ranked=name == "spearman", confidence=confidence)
            else:
                one = clustered_correlation(
                    part, unit, confidence=confidence, n_draws=n_draws, seed=seed
                )
            found[level, name] = one
    return found


def _lines(
    group: pd.DataFrame,
    rows: pd.DataFrame,
    kind: str,
    found: dict[tuple[str, str], Correlation],
    held: list[str],
    result: str,
) -> list[list[object]]:
    """Write one row per level and coefficient."""
    done = int(group[column_of(kind)].sum())
    used = int(rows["done"].sum())
    outside = done - used + (int(group["n_after_close"].sum()) if kind == "all" else 0)
    counts = [rows["rep_id"].nunique(), len(rows), used, int(rows["n_results"].sum()), outside]
    constant = "open deals and tenure" if "tenure" in held else "open deals"
    return [
        [kind, result, level, name, *counts, *found[level, name],
         constant if name == "partial" else "",
         _reading(found["between", name], found["within", name])]
        for level in LEVELS for name in COEFFICIENTS
    ]  # fmt: skip


def _reading(between: Correlation, within: Correlation) -> str:
    if np.isnan(between.value) or np.isnan(within.value):
        return "too few"
    seen = [one.low > 0 or one.high < 0 for one in (between, within)]
    if all(seen):
        return "agree" if between.value * within.value > 0 else "sign differs"
    if not any(seen):
        return "neither"
    return "between only" if seen[0] else "within only"
