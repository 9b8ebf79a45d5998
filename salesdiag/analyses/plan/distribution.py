"""How the attainment of the reps spreads: who reaches the plan, and who makes the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.analyses.plan.window import of_reps, question, refuse_overlaps
from salesdiag.department import UNASSIGNED
from salesdiag.reductions.actuals import PERIOD, column_of_reps
from salesdiag.stats.rates import clustered_rate, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

    from salesdiag.department import Department
    from salesdiag.reductions.plan_sums import Metric

_QUANTILES = {"lowest": 0.0, "lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75,
              "highest": 1.0}  # fmt: skip
_COUNTS = ["n_targets", "n_reps", "n_reps_met"]
_APART = ["n_joined", "n_left", "n_prorated", "n_prorated_met"]
_SHOWN = [
    *PERIOD, "is_complete", "metric", *_COUNTS,
    "participation_rate", "participation_rate_low", "participation_rate_high",
    *(f"{name}_attainment" for name in _QUANTILES),
    "n_reps_below_half", "below_half_rate", "below_half_rate_low", "below_half_rate_high",
    "top_fifth_share", "top_fifth_target_share", *_APART, "n_without_target", "unplanned_actual",
]  # fmt: skip
_FEWEST_FOR_A_FIFTH = 5


def attainment_distribution(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Metric = "revenue",
    pooled: bool = False,
) -> pd.DataFrame:
    """Show how the attainment of the reps spreads, period by period.

    A plan that is missed by everyone is another problem than one missed by half: nearly all
    below 100 % with little spread speaks of the plan, a few far below speak of those few.
    One rep's attainment is lumpy, so some spread is always chance; it is no ranking.

    Judged are reps with a target above 0 for the whole period who were there for all of it.
    Reps who joined or left within the period are counted apart and held against the share of
    their target that falls on the working days they were there for; where the plan already
    allowed for that, this is too kind to them. Whoever sold without a target is counted apart
    too. A manager's target that only repeats the team's is no rep's (as in
    `target_attainment`). Sales belong to the rep who has the deal now and to the day of
    closing. Quantiles describe the reps who were there; they are no estimate and have no
    interval. Until a period is complete its attainment cannot be judged.

    Parameters
    ----------
    department : Department
        Needs ``targets`` of reps, ``deals`` with ``rep_id``, and for the metric what
        `target_attainment` needs; ``reps`` with ``hired_on`` and ``left_on`` tells who was
        there. Not modified.
    by : str or sequence of one str, default ()
        A column of ``reps`` such as ``"team"``, or ``"rep_id"``.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included).
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"revenue", "deals_won", "new_deals", "activities", "margin"}
        What is counted.
    pooled : bool, default False
        Put all complete periods together: one row a group, each rep counted once a period;
        intervals then allow for a rep's periods being alike.

    Returns
    -------
    DataFrame
        One row per group and period with targets of reps, in order of time (one per group if
        pooled):

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``is_complete`` : the period ended by ``as_of``;
        - ``metric`` : what is counted;
        - ``n_targets`` : targets of reps above 0; always ``n_reps + n_prorated``;
        - ``n_reps`` : of these, reps who were there for the whole period; ``n_reps_met`` : of
          these, reached it;
        - ``participation_rate`` : ``n_reps_met / n_reps``, in [0, 1], with Wilson interval
          ``participation_rate_low``, ``participation_rate_high``; NaN before the period is
          complete or without such reps;
        - ``lowest_attainment``, ``lower_quartile_attainment``, ``median_attainment``,
          ``upper_quartile_attainment``, ``highest_attainment`` : of the ``n_reps``, result over
          target; NaN likewise;
        - ``n_reps_below_half`` : of ``n_reps``, below half of their target;
        - ``below_half_rate``, ``below_half_rate_low``, ``below_half_rate_high`` : their share,
          in [0, 1], as above;
        - ``top_fifth_share`` : share of the result of the ``n_reps`` that the fifth with the
          largest results made, in [0, 1]; NaN below five reps, without a result or with
          negative ones; ``top_fifth_target_share`` : the share of the target that the same
          reps had: about as large where the plan foresaw it;
        - ``n_joined``, ``n_left`` : reps with a target who joined or left within the period;
          ``n_prorated`` : one or the other; ``n_prorated_met`` : of these, reached the share
          of the target that falls on their working days (0 until the period is complete);
        - ``n_without_target`` : reps who sold without a target for the period;
          ``unplanned_actual`` : what they and deals without a rep brought.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column above is missing.
    InputError
        If ``by`` names several columns or one that is not the rep's, the metric is unknown, or
        periods that overlap are to be pooled.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B", "C"], "status": "won", "amount": [120.0, 30.0, 70.0],
    ...     "rep_id": ["r1", "r2", "r3"], "closed_at": pd.to_datetime(["2025-02-10"] * 3),
    ... })
    >>> targets = pd.DataFrame({
    ...     "level": "rep", "id": ["r1", "r2", "r3"], "metric": "revenue", "target": 100.0,
    ...     "period_start": pd.Timestamp("2025-01-01"), "period_end": pd.Timestamp("2025-03-31"),
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-03-31")
    >>> table = attainment_distribution(department)
    >>> table[["n_reps", "n_reps_met", "median_attainment", "n_reps_below_half"]]
       n_reps  n_reps_met  median_attainment  n_reps_below_half
    0       3           1                0.7                  1
    """
    asked = question(department, by, start, end, confidence, results=_SHOWN, metric=metric)
    of_reps(department, asked.keys, "attainment_distribution")
    rows = asked.within(rep_periods(department, metric))
    if pooled:
        rows = rows[rows["is_complete"]]
        refuse_overlaps(rows, "narrow with start and end, or leave them apart (pooled=False)")
    if asked.keys and asked.keys != ["rep_id"]:
        key = asked.keys[0]
        rows = rows.assign(**{key: column_of_reps(department, rows["rep_id"], key)})
    cells = [*asked.keys] if pooled else [*asked.keys, *PERIOD]
    table = _counts(rows, cells, pooled=pooled)
    _add_rates(table, rows, cells, asked.confidence, pooled=pooled)
    table = table.sort_values([*PERIOD, *asked.keys], ignore_index=True)
    return table.assign(metric=metric)[[*asked.keys, *_SHOWN]]


def _counts(rows: pd.DataFrame, cells: list[str], *, pooled: bool) -> pd.DataFrame:
    """Count who is judged, who stands apart and who sold without a target."""
    done, planned = rows["is_complete"], rows["target"].notna()
    prorated = planned & ~rows["is_whole"]
    sold = ~planned & (rows["n_events"] > 0)
    is_rep = rows["rep_id"] != UNASSIGNED
    marked = rows.assign(
        n_targets=planned,
        n_reps=rows["is_whole"],
        n_reps_met=rows["is_whole"] & (rows["actual"] >= rows["target"]),
        n_reps_below_half=rows["is_whole"] & (rows["actual"] < 0.5 * rows["target"]) & done,
        n_joined=rows["is_joiner"],
        n_left=rows["is_leaver"],
        n_prorated=prorated,
        n_prorated_met=prorated & done
        & (rows["actual"] >= rows["target"] * rows["present_share"]),
        n_without_target=sold & is_rep,
        unplanned_actual=rows["actual"].where(sold, 0.0),
    )  # fmt: skip
    counted = [*_COUNTS, "n_reps_below_half", *_APART, "n_without_target"]
    marked = marked.astype(dict.fromkeys(counted, "int64"))
    how = dict.fromkeys([*counted, "unplanned_actual"], "sum")
    if pooled:
        how |= {"period_start": "min", "period_end": "max"}
    how["is_complete"] = "all"
    if not cells:  # one row for all, none for nothing
        marked, cells = marked.assign(one=0), ["one"]
    table = marked.groupby(cells, as_index=False).agg(how)
    return table.assign(unplanned_actual=table["unplanned_actual"].round(4))


def _add_rates(
    table: pd.DataFrame, rows: pd.DataFrame, cells: list[str], confidence: float, *, pooled: bool
) -> None:
    """Add shares with their intervals, quantiles and the weight of the largest."""
    judged = rows[rows["is_whole"] & rows["is_complete"]]
    judged = judged.assign(attainment=judged["actual"] / judged["target"])
    number = _cell_numbers(table, judged, cells)
    whole = np.bincount(number, minlength=len(table))
    for name, low_name, hit in (
        ("participation_rate", "n_reps_met", judged["attainment"] >= 1),
        ("below_half_rate", "n_reps_below_half", judged["attainment"] < 0.5),
    ):
        part = np.bincount(number, hit.to_numpy(float), minlength=len(table))
        low, high = wilson_interval(part, whole, confidence=confidence)
        if pooled and len(judged):
            low, high = _clustered(hit, judged["rep_id"], number, low, high, confidence)
        table[name] = ratio(part, whole)
        table[f"{name}_low"], table[f"{name}_high"] = low, high
        if pooled:
            table[low_name] = part.astype("int64")
    for name, share in _QUANTILES.items():
        found = judged["attainment"].groupby(number).quantile(share)
        table[f"{name}_attainment"] = found.reindex(range(len(table))).to_numpy(float)
    parts = {int(one): rows for one, rows in judged.groupby(number)}  # type: ignore[call-overload]
    tops = [_top_fifth(parts[one] if one in parts else judged.iloc[:0])
            for one in range(len(table))]  # fmt: skip
    table["top_fifth_share"] = [one[0] for one in tops]
    table["top_fifth_target_share"] = [one[1] for one in tops]
    for name in ("top_fifth_share", "top_fifth_target_share"):
        table[name] = table[name].astype(float)


def _cell_numbers(table: pd.DataFrame, rows: pd.DataFrame, cells: list[str]) -> NDArray[np.int64]:
    """Give each row of reps the place of its cell in the table."""
    if not cells:
        return np.zeros(len(rows), dtype="int64")
    places = table[cells].assign(place=range(len(table)))
    return rows[cells].merge(places, on=cells, how="left")["place"].to_numpy("int64")


def _clustered(
    hit: pd.Series, rep: pd.Series, number: NDArray[np.int64], low: NDArray[np.float64],
    high: NDArray[np.float64], confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Allow for the periods of a rep being alike; one rep alone is judged by count."""
    found = clustered_rate(
        hit.astype(float), np.ones(len(hit)), cluster=rep, group=number, confidence=confidence
    )
    known = ~np.isnan(found.low)
    place = found.group.astype(int)[known]
    low, high = low.copy(), high.copy()
    low[place], high[place] = found.low[known], found.high[known]
    return low, high


def _top_fifth(rows: pd.DataFrame) -> tuple[float, float]:
    """Give what the fifth of the reps with the largest results made, and had to make.

    With 7 reps a fifth is 1.4 of them: the largest and 0.4 of the next.
    """
    if len(rows) < _FEWEST_FOR_A_FIFTH or (rows["actual"] < 0).any() or not rows["actual"].sum():
        return np.nan, np.nan
    ordered = rows.sort_values(["actual", "target", "rep_id"], ascending=[False, False, True])
    weight = np.clip(len(rows) / 5 - np.arange(len(rows)), 0, 1)
    made, planned = ordered["actual"].to_numpy(), ordered["target"].to_numpy()
    return float(weight @ made / made.sum()), float(weight @ planned / planned.sum())
