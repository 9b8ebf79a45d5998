"""Whether targets follow potential and past results, or punish those who reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.plan.cases import METRICS
from salesdiag.analyses.plan.rep_periods import rep_periods
from salesdiag.analyses.plan.slopes import FEWEST, Estimate, ratio_slope, slopes, spread
from salesdiag.analyses.plan.target_cells import target_cells, win_size
from salesdiag.analyses.plan.window import of_reps, question
from salesdiag.reductions.actuals import PERIOD, column_of_reps
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Literal

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Labels = NDArray[np.str_]

_DAYS_A_MONTH = 30.4
_SHOWN = [
    "test", "metric", "n_reps", "n_independent", "n_targets", "n_left_out",
    "left_out_rate", "left_out_rate_low", "left_out_rate_high",
    "estimate", "estimate_low", "estimate_high", "reference", "p_value", "grade",
]  # fmt: skip


class Trial(NamedTuple):
    """One row of the table: the rows it could use, and what it found."""

    name: str
    used: pd.Series
    found: Estimate
    grade: str


def target_fairness(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["revenue", "deals_won"] = "revenue",
) -> pd.DataFrame:
    """Test whether targets follow potential and past results, or punish those who reach them.

    A target is fair if equal effort reaches it everywhere. Nobody sees effort, so each test
    asks for one trace that unfair targets leave:

    - ``"target on potential"`` : by how many percent the target rises where the potential of
      the territory (by head; where no territory is known, of the rep's own accounts) is 1 %
      larger. 1 is in proportion; 0 means that all got the same whatever is to be had.
    - ``"attainment on potential"`` : whether those with more potential reach more of their
      target; fair is 0, above 0 the poor territories have the hard targets.
    - ``"result on target"`` : by how many percent the result rises where the target is 1 %
      larger; fair is 1, below 1 large targets are the harder ones. It is the result that is
      set against the target and not the attainment: attainment has the target below the
      line, so noise in targets alone makes the two fall together.
    - ``"target on deals opened"`` and ``"attainment on deals opened"`` : the same two, with the
      deals that a rep opens in a typical period in place of the potential. Part of what reps
      differ in there is luck, which no target follows and every result does: what is fair is
      the other part for the target, and that of luck for the attainment. Both parts are
      estimates, and the p-value counts their error. Who is good at opening deals has more of
      them, and that is no fault of the target.
    - ``"implied win rate spread"`` : how differently the win rates are that reps would need
      with the deals they got (standard deviation of its logarithm), against what chance in
      the number of deals makes.
    - ``"ratchet below"``, ``"ratchet above"`` : change of the target's logarithm for 1 of
      attainment of the period before, below 100 % and above; ``"ratchet kink"`` : their
      difference. Above 0 good results raise the next target more than bad ones lower it, and
      selling beyond the plan is punished. Noise in the last target stands below the line of
      the last attainment too, and lifts both slopes alike; the kink hardly feels it.

    All compare reps within a period, so season and growth drop out; results of 0 are kept
    (Poisson pseudo-likelihood [1]_). What is independent is the rep, or the territory where
    potential is that of territories; intervals leave one out after the other. None is told
    below five of them. It stays an association: potential written after the result, or
    targets set from what only the manager knew, look the same here.

    Parameters
    ----------
    department : Department
        Needs ``targets`` of reps and ``deals`` with ``rep_id`` and what `target_attainment`
        needs; ``accounts.potential_amount`` (with ``accounts.territory`` and
        ``reps.territory``) for potential; ``deals.created_at`` for deals opened and implied
        win rates. A test without its column is NaN. Not modified.
    by : str or sequence of one str, default ()
        A column of ``reps`` such as ``"team"``: each group is tested by itself.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included); the period before may
        lie outside.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    metric : {"revenue", "deals_won"}
        What is counted.

    Returns
    -------
    DataFrame
        One row per group and test, in the order above:

        - the ``by`` column, if any;
        - ``test`` : its name; ``metric`` : what is counted;
        - ``n_reps`` : reps behind it; ``n_independent`` : these, or their territories;
        - ``n_targets`` : targets behind it (of reps who were there for the whole of a complete
          period);
        - ``n_left_out`` : such targets that lack what the test needs: for the ratchet, targets
          without a history;
        - ``left_out_rate``, ``left_out_rate_low``, ``left_out_rate_high`` : their share, in
          [0, 1], with Wilson interval; NaN without targets;
        - ``estimate``, ``estimate_low``, ``estimate_high`` : as described above; NaN where it
          cannot be told;
        - ``reference`` : what it would be in fair targets (for the spread: by chance alone);
        - ``p_value`` : how likely an estimate so far from it is, were targets fair; NaN likewise;
        - ``grade`` : "C" for slopes net of the period, "D" for the spread: associations.

    Raises
    ------
    MissingDataError
        If there are no targets, or a column above is missing.
    InputError
        If ``by`` names several columns or one that is not the rep's, or the metric is unknown.

    References
    ----------
    .. [1] Santos Silva, J. M. C. and Tenreyro, S. (2006). The log of gravity. Review of
       Economics and Statistics 88(4), 641-658.

    Leone, A. J., Misra, S. and Zimmerman, J. L. (2004). Investigating dynamic sales quotas.
    Working paper, Simon School of Business, University of Rochester.

    Examples
    --------
    Everyone sells in proportion to a target of another size.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> reps = [f"r{number}" for number in range(1, 7)]
    >>> sizes = [float(10 * number) for number in range(1, 7)]
    >>> deals = pd.DataFrame({
    ...     "deal_id": reps, "rep_id": reps, "status": "won", "amount": sizes,
    ...     "closed_at": pd.Timestamp("2025-02-10"),
    ... })
    >>> targets = pd.DataFrame({
    ...     "level": "rep", "id": reps, "metric": "revenue", "target": sizes,
    ...     "period_start": pd.Timestamp("2025-01-01"), "period_end": pd.Timestamp("2025-03-31"),
    ... })
    >>> department = Department(deals=deals, targets=targets, as_of="2025-03-31")
    >>> table = target_fairness(department).set_index("test")
    >>> table.loc["result on target", ["estimate", "reference"]].tolist()
    [1.0, 1.0]
    """
    asked = question(
        department, by, start, end, confidence, results=_SHOWN, metric=metric, metrics=METRICS
    )
    of_reps(department, asked.keys, "target_fairness")
    rows = asked.within(target_cells(department, metric))
    size = win_size(department, metric)
    groups: list[str | None] = [None]
    if asked.keys:
        key = asked.keys[0]
        every = asked.within(rep_periods(department, metric))
        if key != "rep_id":
            every = every.assign(**{key: column_of_reps(department, every["rep_id"], key)})
            rows = rows.assign(**{key: column_of_reps(department, rows["rep_id"], key)})
        groups = sorted(set(every[key]))
    parts = []
    for group in groups:
        here = rows if group is None else rows[rows[asked.keys[0]] == group]
        part = _table(_tests(here, size, asked.confidence), here, asked.confidence)
        parts.append(part.assign(**dict.fromkeys(asked.keys, group)))
    table = pd.concat(parts, ignore_index=True) if parts else _table([], rows, asked.confidence)
    return table.assign(metric=metric).reindex(columns=[*asked.keys, *_SHOWN])


def _tests(rows: pd.DataFrame, size: float, confidence: float) -> list[Trial]:
    """Run all tests on the targets of one group."""
    known = rows["potential"] > 0
    on_potential = _follows(rows[known], "potential", "place", 1.0, confidence)
    opened = _opened(rows)
    opens = opened > 0
    busy = rows.assign(opened=opened)[opens]
    fair = _beyond_luck(busy)
    error = error_of_fair(fair, busy["rep_id"].nunique())
    on_opened = [
        _held_against(one, error, confidence)
        for one in _follows(busy, "opened", "rep_id", fair, confidence)
    ]
    on_target = ratio_slope(
        rows["actual"].to_numpy(float), _log(rows["target"]), exposure=None,
        period=_period(rows), cluster=_rep(rows), reference=1.0, confidence=confidence,
    )  # fmt: skip
    fed = rows["n_created"] > 0
    sums = rows[fed].groupby("rep_id")[["target", "n_created"]].sum()
    implied = _log(sums["target"] / size / sums["n_created"])
    differs = spread(implied, 1 / sums["n_created"].to_numpy(float), confidence=confidence)
    return [
        Trial("target on potential", known, on_potential[0], "C"),
        Trial("attainment on potential", known, on_potential[1], "C"),
        Trial("result on target", rows["target"] > 0, on_target, "C"),
        Trial("target on deals opened", opens, on_opened[0], "C"),
        Trial("attainment on deals opened", opens, on_opened[1], "C"),
        Trial("implied win rate spread", fed, differs, "D"),
        *_ratchet(rows, confidence),
    ]


def _opened(rows: pd.DataFrame) -> pd.Series:
    """Give the deals that each rep opens in a period beside what all open in it."""
    usual = rows.groupby(PERIOD)["n_created"].transform("mean")
    beside = (rows["n_created"] / usual.where(usual > 0)).groupby(rows["rep_id"])
    return beside.transform("mean")


def error_of_fair(fair: float, n_reps: int) -> float:
    """Give the error of the part of what so many reps differ in that is no luck."""
    return (1 - fair) * float(np.sqrt(2 / max(n_reps - 1, 1)))


def _beyond_luck(rows: pd.DataFrame) -> float:
    """Give the part of what reps differ in, in deals opened, that is no luck.

    Luck is that of counts, and more where deals come in clumps: then those of a rep scatter more
    from period to period.
    """
    n_reps = rows["rep_id"].nunique()
    if n_reps < FEWEST:
        return np.nan
    usual = rows.groupby(PERIOD)["n_created"].transform("mean") * rows["opened"]
    degrees = max(len(rows) - n_reps, 1)
    clumps = max(float(((rows["n_created"] - usual) ** 2 / usual).sum()) / degrees, 1.0)
    # where months stand beside quarters a deal is in both, and counts once
    months = ((rows[PERIOD[1]] - rows[PERIOD[0]]).dt.days / _DAYS_A_MONTH).round()
    n_opened = rows.groupby(["rep_id", months])["n_created"].sum().groupby("rep_id").max()
    luck = clumps * float((1 / n_opened).mean())
    differs = float(_log(rows.groupby("rep_id")["opened"].first()).var(ddof=1))
    return float(np.clip(1 - luck / differs, 0.0, 1.0)) if differs > 0 else 0.0


def _held_against(found: Estimate, error: float, confidence: float) -> Estimate:
    """Give the p-value against a reference that is itself an estimate, with its error."""
    from scipy import special

    degrees = found.n - 1
    reach = (found.high - found.low) / 2
    if not reach > 0 or not degrees > 0:
        return found
    own = reach / float(special.stdtrit(degrees, 0.5 + confidence / 2))
    beyond = abs(found.value - found.reference) / float(np.hypot(own, error))
    return found._replace(p_value=float(2 * special.stdtr(degrees, -beyond)))


def _follows(
    rows: pd.DataFrame, chance: str, independent: str, fair: float, confidence: float
) -> tuple[Estimate, Estimate]:
    """Tell how target and attainment follow what there is to be had; ``fair`` is it for targets."""
    column = _log(rows[chance])
    cluster: Labels = rows[independent].to_numpy(dtype="str")
    asked = slopes(
        _log(rows["target"]), [column], period=_period(rows), cluster=cluster, reference=fair,
        confidence=confidence,
    )[0]  # fmt: skip
    reached = ratio_slope(
        rows["actual"].to_numpy(float), column, exposure=rows["target"].to_numpy(float),
        period=_period(rows), cluster=cluster, reference=1 - fair, confidence=confidence,
    )  # fmt: skip
    return asked, reached


def _ratchet(rows: pd.DataFrame, confidence: float) -> list[Trial]:
    """Follow the change of a target with the attainment before, apart below and above 100 %."""
    known = rows["last_target"].notna()
    then = rows[known]
    beyond = then["last_attainment"].to_numpy(float) - 1
    low, high = np.minimum(beyond, 0), np.maximum(beyond, 0)
    change = _log(then["target"] / then["last_target"])

    def fitted(columns: list[NDArray[np.float64]]) -> list[Estimate]:
        return slopes(change, columns, period=_period(then), cluster=_rep(then), reference=0.0,
                      confidence=confidence)  # fmt: skip

    below, above = fitted([low, high])
    # the slope of the whole and, on top of it above 100 %, the difference
    kink = fitted([beyond, high])[1]
    found = {"ratchet below": below, "ratchet above": above, "ratchet kink": kink}
    return [Trial(name, known, one, "C") for name, one in found.items()]


def _log(values: pd.Series) -> NDArray[np.float64]:
    return np.asarray(np.log(values.to_numpy(float)), float)


def _rep(rows: pd.DataFrame) -> Labels:
    return np.asarray(rows["rep_id"].to_numpy(dtype="str"))


def _period(rows: pd.DataFrame) -> Labels:
    days = [rows[name].dt.strftime("%Y-%m-%d") for name in PERIOD]
    return np.asarray((days[0] + " " + days[1]).to_numpy(dtype="str"))


def _table(tests: list[Trial], rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    n_targets = np.array([int(test.used.sum()) for test in tests], dtype="int64")
    n_left_out = len(rows) - n_targets
    whole = np.full(len(tests), len(rows))
    low, high = wilson_interval(n_left_out, whole, confidence=confidence)
    estimates = np.array([test.found[:5] for test in tests], dtype=float).reshape(-1, 5)
    names = ["estimate", "estimate_low", "estimate_high", "reference", "p_value"]
    return pd.DataFrame({
        "test": pd.Series([test.name for test in tests], dtype="str"),
        "n_reps": np.array([rows.loc[test.used, "rep_id"].nunique() for test in tests], "int64"),
        "n_independent": np.array([test.found.n for test in tests], dtype="int64"),
        "n_targets": n_targets, "n_left_out": n_left_out,
        "left_out_rate": ratio(n_left_out, whole), "left_out_rate_low": low,
        "left_out_rate_high": high, **dict(zip(names, estimates.T, strict=True)),
        "grade": pd.Series([test.grade for test in tests], dtype="str"),
    })  # fmt: skip
