"""Whether the open pipeline is enough for what is left of the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.pipeline.coverage_cells import (
    COVERAGE_RESERVED,
    FEWEST,
    N_BANDS,
    NEW,
    Yields,
    coverage_cells,
    spans_of,
    undated_cells,
    yields_of,
)
from salesdiag.analyses.pipeline.groups import counted, places, summed
from salesdiag.analyses.pipeline.standing import stages_of
from salesdiag.department import Department
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import PERIOD, daily_actuals
from salesdiag.reductions.plan_sums import attainment_sums
from salesdiag.stats.arguments import one_of, share, whole_number
from salesdiag.stats.rates import ratio
from salesdiag.stats.resampling import drawn_interval, drawn_sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PRIOR = 8.0  # deals that a cell borrows from its stage, and a stage from all
_FEWEST_WON = 5
_ESTIMATES = ("open_expected", "new_expected", "yield_ratio", "needed_ratio", "coverage_gap")
_COLUMNS = [
    *PERIOD, "metric", "target_basis", "target", "actual", "left", "n_days_left",
    "n_open", "n_without_amount", "n_undated", "pipeline", "due_pipeline", "coverage_ratio",
    "due_coverage_ratio", "n_past_spans", "n_past_won",
    *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")), "is_enough",
]  # fmt: skip


def coverage(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["revenue", "deals_won"] = "revenue",
    on: date | str | None = None,
    n_draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How many times the open pipeline covers what is left of the target, and must cover it.

    "Three times the target" is a rule of nobody's department. What is needed follows from how
    much of an open pipeline like this one was won, by the end of earlier periods, with as many
    days left; a deal's stage and age count, for a young deal in the first stage is not won in two
    weeks. And deals that are created and won within what is left of the period never stand in
    the pipeline: what they brought in earlier periods is taken off what is left before the rest is
    asked of the pipeline. So ``needed_ratio`` falls to 0 where new deals alone have brought as
    much, and grows as the days run out.

    Shares won are of the whole department; what new deals bring is the group's own. Amounts and
    expected closes are those of the day ``on`` where ``deal_changes`` gives them, for earlier
    periods, too; else those that the deals show now. The intervals are of the averages, not of
    what one period may bring; from seven earlier periods with few deals the 95 % ones covered 87
    to 93 %. It is assumed that deals will do as they did: after a change of prices or people look
    at the latest periods first.

    Parameters
    ----------
    department : Department
        Needs ``targets`` and ``deals`` (``status``, ``created_at``, ``closed_at``; for revenue
        ``amount``); uses ``stage_changes``, an order of stages, ``deal_changes`` and
        ``expected_close_on``. Not modified.
    by : str or sequence of one str, default ()
        Level of the target, as in `target_attainment`.
    start, end : date or str, optional
        Only periods that lie wholly between these days (both included).
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1. What is independent is the period.
    metric : {"revenue", "deals_won"}
        Whether money or deals are counted.
    on : date or str, optional
        The day from which to look ahead. Default: ``as_of``.
    n_draws : int, default 1000
        How often the earlier periods are drawn.
    seed : int, default 0
        Where the random numbers begin; the same seed gives the same table.

    Returns
    -------
    DataFrame
        One row per group and period that runs on that day; where none runs, the last that
        ended; of that nothing is expected any more:

        - the ``by`` column, if any;
        - ``period_start``, ``period_end`` : first and last day, both included;
        - ``metric``, ``target_basis``, ``target`` : as in `target_attainment`;
        - ``actual`` : won in the period so far, also by reps without a target; ``left`` :
          ``target - actual``, at least 0; NaN without a target above 0;
        - ``n_days_left`` : calendar days after that day;
        - ``n_open`` : open deals with a day of creation; ``n_without_amount`` : of these, without
          an amount, which count as nothing (0 for deals won);
        - ``n_undated`` : deals left out: without a day of creation, or decided on an unknown day;
        - ``pipeline`` : the others together, in money or deals; NaN where none carries an amount;
          ``due_pipeline`` : those expected to close by the end of the period, overdue ones too; NaN
          without ``expected_close_on``;
        - ``coverage_ratio``, ``due_coverage_ratio`` : these over ``left``; NaN where nothing is
          left;
        - ``n_past_spans``, ``n_past_won`` : earlier periods learnt from, and deals won in them with
          as many days left; below 3 and 5 nothing is estimated;
        - ``open_expected``, ``open_expected_low``, ``open_expected_high`` : what the open deals
          bring by the end of the period, on average; NaN where it cannot be told, or the period
          is over;
        - ``new_expected``, ``new_expected_low``, ``new_expected_high`` : what deals not yet created
          bring in it;
        - ``yield_ratio``, ``yield_ratio_low``, ``yield_ratio_high`` : ``open_expected / pipeline``;
        - ``needed_ratio``, ``needed_ratio_low``, ``needed_ratio_high`` : the coverage needed,
          ``(left - new_expected) / yield_ratio / left``, at least 0; infinite upper end where the
          pipeline may bring nothing; NaN where nothing is left;
        - ``coverage_gap``, ``coverage_gap_low``, ``coverage_gap_high`` : ``open_expected +
          new_expected - left``: below 0 the plan is missed on average;
        - ``is_enough`` : nothing is left, or ``coverage_ratio`` is known and reaches
          ``needed_ratio``.

    Raises
    ------
    MissingDataError
        If a table or column is missing.
    InputError
        If ``by`` names several columns, ``on`` lies after ``as_of``, or an option is not allowed.

    References
    ----------
    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history
    analysis. Scandinavian Journal of Statistics 34(1), 70-85.

    Examples
    --------
    In each month four deals of 10 are open on the 10th, and two of them are won by its end.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(month, number) for month in range(1, 8) for number in range(4)]
    >>> deals = pd.DataFrame(rows, columns=["month", "number"])
    >>> deals["deal_id"] = deals["month"].astype(str) + "-" + deals["number"].astype(str)
    >>> day = pd.to_datetime("2025-0" + deals.pop("month").astype(str) + "-01")
    >>> is_won = deals.pop("number") < 2
    >>> deals["created_at"] = day + pd.Timedelta(days=1)
    >>> deals["closed_at"] = day + pd.to_timedelta(24 - 5 * is_won, unit="D")
    >>> deals["status"], deals["amount"] = is_won.map({True: "won", False: "lost"}), 10.0
    >>> targets = pd.DataFrame({
    ...     "level": ["department"], "period_start": pd.to_datetime(["2025-07-01"]),
    ...     "period_end": pd.to_datetime(["2025-07-31"]), "metric": "revenue", "target": [40.0]})
    >>> department = Department(deals=deals, targets=targets, as_of="2025-07-31")
    >>> table = coverage(department, on="2025-07-10")
    >>> table[["left", "pipeline", "coverage_ratio", "yield_ratio", "needed_ratio"]]
       left  pipeline  coverage_ratio  yield_ratio  needed_ratio
    0  40.0      40.0             1.0          0.5           2.0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *COVERAGE_RESERVED])
    level = share("confidence", confidence)
    one_of("metric", metric, ("revenue", "deals_won"))
    whole_number("n_draws", n_draws, least=2)
    whole_number("seed", seed)
    department.require(
        targets=["level", *PERIOD, "metric", "target"],
        deals=["deal_id", "status", "created_at", "closed_at",
               *(["amount"] if metric == "revenue" else [])],
    )  # fmt: skip
    department = _turned_back(department, on)
    sums = _within(attainment_sums(department, keys, metric=metric), start, end)
    options = {"n_draws": n_draws, "seed": seed}
    parts = [_period(department, part, keys, metric, level, options)
             for part in _running(sums, department.as_of)]  # fmt: skip
    empty = _period_columns(sums.iloc[:0], keys)
    table = pd.concat(parts, ignore_index=True) if parts else empty
    table = table.sort_values([*PERIOD, *keys], ignore_index=True).assign(metric=metric)
    kinds = {name: "int64" for name in _COLUMNS if name.startswith("n_")} | {"is_enough": bool}
    floats = [name for name in _COLUMNS[6:] if name not in kinds] + ["target", "actual"]
    kinds |= dict.fromkeys(floats, "float64") | dict.fromkeys(["metric", "target_basis"], "str")
    return table[[*keys, *_COLUMNS]].astype(kinds)


def _period_columns(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.reindex(columns=[*keys, *_COLUMNS])


def _turned_back(department: Department, on: date | str | None) -> Department:
    """Turn a department back to a day."""
    if on is None:
        return department
    day = parse_day(on, "on")
    if day > department.as_of:
        message = f"on must be a day up to as_of, {department.as_of}; got {day}."
        raise InputError(message)
    tables = {name: department.table(name) for name in department.tables}
    return Department.of(tables, replace(department.settings, as_of=day))


def _within(sums: pd.DataFrame, start: date | str | None, end: date | str | None) -> pd.DataFrame:
    if start is not None:
        sums = sums[sums["period_start"] >= pd.Timestamp(parse_day(start, "start"))]
    if end is not None:
        sums = sums[sums["period_end"] <= pd.Timestamp(parse_day(end, "end"))]
    return sums


def _running(sums: pd.DataFrame, day: date) -> list[pd.DataFrame]:
    """Give the rows of each period that runs on the day, else of the last that ended."""
    now = pd.Timestamp(day)
    begun = sums[sums["period_start"] <= now]
    running = begun[begun["period_end"] >= now]
    if not len(running):
        running = begun[begun["period_end"] == begun["period_end"].max()]
    return [part for _period, part in running.groupby(PERIOD)]


def _period(
    department: Department, part: pd.DataFrame, keys: list[str], metric: str, level: float,
    options: dict[str, int],
) -> pd.DataFrame:  # fmt: skip
    """Give the rows of one period."""
    first, last = part[PERIOD].iloc[0]
    cut = pd.Timestamp(department.as_of)
    n_left = max((last - cut).days, 0)
    since = daily_actuals(department, metric, [])["day"].min()
    spans = spans_of(first, max(last, cut), cut, since)
    cells = coverage_cells(department, keys, spans if n_left else spans.iloc[:1], metric=metric)
    now = cells[(cells["span"] == 0) & (cells["band"] != NEW)]
    undated = undated_cells(department, keys)
    table = _groups(part, pd.concat([now[keys], undated[keys]]) if keys else now, keys)
    n_undated = counted(undated["n_undated"], places(undated, table, keys), len(table))
    table[PERIOD] = first, last
    table["n_days_left"] = n_left
    table = table.assign(**_pipeline(now, table, keys, department), n_undated=n_undated)
    n_stages = max(len(stages_of(department).names), 1)
    yields = yields_of(cells, len(spans), n_stages) if n_left else None
    table["n_past_spans"] = len(spans) - 1 if yields else 0
    table["n_past_won"] = yields.n_won if yields else 0
    for name in _ESTIMATES:
        table[[name, f"{name}_low", f"{name}_high"]] = np.nan
    if yields and len(spans) > FEWEST and yields.n_won >= _FEWEST_WON:
        for row in range(len(table)):
            found = _estimates(yields, now, cells, table, row, keys, level, options)
            for name, values in zip(_ESTIMATES, found, strict=True):
                table.loc[row, [name, f"{name}_low", f"{name}_high"]] = values
    reached = table["left"] == 0
    table["is_enough"] = reached | (table["coverage_ratio"] >= table["needed_ratio"])
    return _period_columns(table, keys)


def _groups(part: pd.DataFrame, now: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give the groups that have a plan, sales or open deals in the period."""
    table = part.reset_index(drop=True)
    if keys:
        table = table.merge(now[keys].drop_duplicates(), on=keys, how="outer")
        table = table.sort_values(keys, ignore_index=True)
    table["target_basis"] = table["target_basis"].fillna("none")
    table["actual"] = (table["actual"].fillna(0) + table["unplanned_actual"].fillna(0)).round(4)
    left = (table["target"] - table["actual"]).clip(lower=0).round(4)
    return table.assign(left=left.where(table["target"] > 0))


def _pipeline(
    now: pd.DataFrame, table: pd.DataFrame, keys: list[str], department: Department
) -> dict[str, NDArray[np.generic]]:
    place, n_rows = places(now, table, keys), len(table)
    n_worth = counted(now["n_worth"], place, n_rows)
    n_open = counted(now["n_deals"], place, n_rows)
    known = (n_worth > 0) | (n_open == 0)
    worth = np.where(known, summed(now["worth"], place, n_rows), np.nan)
    due = np.where(known, summed(now["due_worth"], place, n_rows), np.nan)
    if not department.has("deals", "expected_close_on"):
        due = np.full(n_rows, np.nan)
    left = table["left"].to_numpy(float)
    return {
        "n_open": n_open, "n_without_amount": n_open - n_worth, "pipeline": worth,
        "due_pipeline": due, "coverage_ratio": ratio(worth, np.where(left > 0, left, np.nan)),
        "due_coverage_ratio": ratio(due, np.where(left > 0, left, np.nan)),
    }  # fmt: skip


def _estimates(
    yields: Yields, now: pd.DataFrame, cells: pd.DataFrame, table: pd.DataFrame, row: int,
    keys: list[str], level: float, options: dict[str, int],
) -> list[tuple[float, float, float]]:  # fmt: skip
    """Give what one group may expect, with the earlier periods drawn again."""
    mine = places(now, table, keys) == row
    open_now = np.zeros(yields.worth.shape[1:])
    place = (now["stage_code"].to_numpy("int64")[mine], now["band"].to_numpy("int64")[mine])
    np.add.at(open_now, place, now["worth"].to_numpy(float)[mine])
    past = cells[(cells["span"] > 0) & (cells["band"] == NEW)]
    own = places(past, table, keys) == row
    new = np.zeros(len(yields.worth))
    np.add.at(new, past["span"].to_numpy("int64")[own] - 1, past["won_worth"].to_numpy(float)[own])
    n_spans = len(new)
    rows = np.concatenate(
        [yields.worth.reshape(n_spans, -1), yields.won.reshape(n_spans, -1), new[:, None]], axis=1
    )
    unit = now["worth"].sum() / max(now["n_worth"].sum(), 1)
    left = float(table["left"].iloc[row])
    shape = yields.worth.shape[1:]

    def figures(sums: Floats) -> Floats:
        return _figures(sums, open_now, left, n_spans=n_spans, unit=unit, shape=shape)

    whole = figures(rows.sum(axis=0)[None])[0]
    drawn = figures(drawn_sums(rows, **options))
    low, high = drawn_interval(
        np.where(np.isfinite(drawn), drawn, 1e300), whole, n_clusters=n_spans, confidence=level
    )
    high = np.where(high > 1e200, np.inf, high)
    low[:4] = np.maximum(low[:4], 0.0)
    low, high = (np.where(np.isnan(whole), np.nan, one) for one in (low, high))
    return [(float(a), float(b), float(c)) for a, b, c in zip(whole, low, high, strict=True)]


def _figures(
    sums: Floats, open_now: Floats, left: float, *, n_spans: int, unit: float,
    shape: tuple[int, ...],
) -> Floats:  # fmt: skip
    """Turn sums over spans (draws, worth | won | new) into the estimates, in their order."""
    n_cells = shape[0] * N_BANDS
    worth = sums[:, :n_cells].reshape(-1, *shape)
    won = sums[:, n_cells : 2 * n_cells].reshape(-1, *shape)
    borrowed = _PRIOR * unit
    whole = np.nan_to_num(ratio(won.sum(axis=(1, 2)), worth.sum(axis=(1, 2))))
    by_stage = ratio(won.sum(axis=2) + borrowed * whole[:, None], worth.sum(axis=2) + borrowed)
    rates = ratio(won + borrowed * by_stage[:, :, None], worth + borrowed)
    expected = (np.nan_to_num(rates) * open_now).sum(axis=(1, 2))
    new = sums[:, -1] / n_spans
    pipeline = open_now.sum()
    share_won = ratio(expected, np.full(len(expected), pipeline))
    asked = np.maximum(left - new, 0.0)
    needed = np.full(len(expected), np.nan)
    if left > 0:
        positive = share_won > 0
        needed = np.where(asked > 0, np.inf, 0.0)
        needed[positive] = asked[positive] / share_won[positive] / left
        needed = np.where(np.isnan(share_won), np.nan, needed)
    return np.stack([expected, new, share_won, needed, expected + new - left], axis=1)
