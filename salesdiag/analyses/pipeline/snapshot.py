"""The open pipeline as it stood on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.pipeline.chances import Shares, by_day, chances_at, shares_of
from salesdiag.analyses.pipeline.groups import counted, places, summed
from salesdiag.analyses.pipeline.open_cells import groups_with_deals
from salesdiag.analyses.pipeline.quantiles import plain_quantile
from salesdiag.analyses.pipeline.standing import (
    STANDING,
    is_rebuilt,
    refuse_pipelines,
    stages_of,
    standing,
)
from salesdiag.analyses.pipeline.stays import OUTCOMES, moved_cells, outcome_cells
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.reductions.ages import age_cells
from salesdiag.stats.arguments import share
from salesdiag.stats.rates import normal_quantile, ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_COUNTS = ["n_open", "n_priced", "n_undated", "n_overdue", "n_without_due", "n_dated", "n_unread",
           "n_unknown"]  # fmt: skip
_SUMS = ["amount", "squares", "overdue_amount", "ages"]
_RESERVED = ("stage_days", "code", *_COUNTS, *_SUMS)
_COLUMNS = [
    "snapshot_on", "is_rebuilt", "stage", "n_open", "n_without_amount", "open_amount",
    "n_unread", "n_undated", "mean_age_days", "median_stage_days", "n_without_due", "n_overdue",
    "overdue_share", "overdue_share_low", "overdue_share_high", "overdue_amount",
    "n_learnt", "n_without_chance", "win_rate", "win_rate_low", "win_rate_high",
    "expected_amount", "expected_amount_low", "expected_amount_high", "n_unknown",
]  # fmt: skip


def pipeline_snapshot(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    at: date | str | None = None,
) -> pd.DataFrame:
    """Show the open deals as they stood on a day: where, how old, how much, how likely.

    A list of the deals that are open today says nothing about the pipeline of three months
    ago: those that closed since are missing, and amounts and dates have been edited. Here
    a deal is in the snapshot if it was created by that day and closed after it, in the stage
    that its history gives for that day, at the amount, due date and rep that `deal_changes` gives.
    Without that table today's values stand in, and ``is_rebuilt`` says so.

    The expected amount weighs each deal with the department's own chances and not with the
    stage probabilities of the CRM: the share of deals that were won of those that stood in the
    same stage for as long (Aalen-Johansen; by age since creation without a history of stages),
    as could be known on that day. Deals that have left the stage and are still open have survived
    it; they count as those before them did that went on. A deal has no chance, and counts in
    ``n_without_chance``, where deals like it were not watched until they were decided: if more
    than a tenth of them would be later than that, or fewer than 20 were watched so long.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``); uses ``amount``,
        ``expected_close_on``, ``stage``, ``stage_changes`` and ``deal_changes``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. The rep is the one
        the deal had on that day, where that is known.
    start, end : date or str, optional
        First and last day (both included) on which the deals were **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    at : date or str, optional
        The day. Default: ``as_of``.

    Returns
    -------
    DataFrame
        One row per group that has deals, and stage in which any deal is open on that day, in
        selling order; "unassigned" where none is open but some may have been:

        - the ``by`` columns, if any;
        - ``snapshot_on`` : the day;
        - ``is_rebuilt`` : amounts, due dates and, where deals are split, reps are those of that
          day, because there is a history in which each of them has changed, or the deals were
          exported on that day; else what never changed there is as it is today;
        - ``stage`` : the stage on that day; "unassigned" where it is not known. Deals that were
          first moved later stood in the first stage, those never moved where they stand now unless
          it is an end (then in the first), if they were created since the history of stages begins;
        - ``n_open`` : open deals; ``n_without_amount`` : of these, without an amount;
        - ``open_amount`` : money of the others; NaN where none carries an amount;
        - ``n_unread`` : open deals whose amount or due date of that day is no number or no date in
          ``deal_changes``, taken as missing;
        - ``n_undated`` : open deals without a day of creation, which only ``as_of`` can show;
        - ``mean_age_days`` : days since creation; ``median_stage_days`` : since entering the stage;
          NaN where no deal has the date;
        - ``n_without_due``, ``n_overdue`` : open deals without an expected close, and with one
          before that day;
        - ``overdue_share``, ``overdue_share_low``, ``overdue_share_high`` : overdue ones of those
          with an expected close, in [0, 1], with Wilson interval; NaN without any;
        - ``overdue_amount`` : their money; NaN where none carries an amount;
        - ``n_learnt`` : earlier stays in the stage (or deals) behind the chances;
        - ``n_without_chance`` : open deals without a chance: no date, or not told (see above);
        - ``win_rate``, ``win_rate_low``, ``win_rate_high`` : mean chance of the others to be won at
          all, in [0, 1], and how far chance, and what was not watched to its end, may move the
          share that is; NaN where fewer than 20 were won or no deal has a chance;
        - ``expected_amount``, ``expected_amount_low``, ``expected_amount_high`` : their amounts
          times chances, and how far these may move what comes of them; NaN likewise;
        - ``n_unknown`` : deals that may have been open, but lack the dates to tell; the same in all
          rows of a group.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If ``at`` lies after ``as_of``, a day is none, or there is a history of the stages of
        several pipelines.

    References
    ----------
    van Houwelingen, H. C. (2007). Dynamic prediction by landmarking in event history
    analysis. Scandinavian Journal of Statistics 34(1), 70-85.

    Examples
    --------
    A was won on 20 January, and had been cut from 90 to 60 the day before.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": ["won", "open"], "stage": ["offer", "offer"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-01-05"]),
    ...     "closed_at": pd.to_datetime(["2025-01-20", None]), "amount": [60.0, 50.0]})
    >>> changes = pd.DataFrame({
    ...     "deal_id": ["A"], "field": ["amount"], "old_value": ["90"], "new_value": ["60"],
    ...     "changed_at": pd.to_datetime(["2025-01-19"])})
    >>> department = Department(deals=deals, deal_changes=changes, as_of="2025-01-31")
    >>> table = pipeline_snapshot(department, at="2025-01-10")
    >>> table[["stage", "n_open", "open_amount", "mean_age_days"]]
       stage  n_open  open_amount  mean_age_days
    0  offer       2        140.0            6.5
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *_RESERVED, *STANDING])
    level = share("confidence", confidence)
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    day = department.as_of if at is None else parse_day(at, "at")
    if day > department.as_of:
        message = f"at must be a day up to as_of, {department.as_of}; got {day}."
        raise InputError(message)
    if department.has("stage_changes"):
        refuse_pipelines(department)
    cells = _cells(department, keys, day, start, end)
    groups = groups_with_deals(department, keys, start=start, end=end)
    table = _sums(_rows(groups, cells, keys), cells, keys, level)
    table = table.assign(
        snapshot_on=pd.Timestamp(day), is_rebuilt=is_rebuilt(department, day, keys)
    )
    table["snapshot_on"] = table["snapshot_on"].astype("datetime64[us]")
    table = table.assign(**_expected(department, table, cells, keys, day, level))
    table["stage"] = stages_of(department).named(table["code"])
    table["stage"] = table["stage"].where(table["code"] >= 0, UNASSIGNED).astype("str")
    return table[[*keys, *_COLUMNS]].astype({"is_rebuilt": bool})


def _cells(
    department: Department, keys: list[str], day: date,
    start: date | str | None, end: date | str | None,
) -> pd.DataFrame:  # fmt: skip
    """Count the open deals of the day by group, stage and days in it."""
    deals = standing(department, [day], keys=keys, start=start, end=end)
    deals = deals.filter(_.state_0.isin(["open", "unknown"]))
    today = ibis.literal(day).cast("date")
    is_open = deals.state_0 == "open"
    wait = ibis.greatest(today.delta(deals.entered_0, unit="day"), 0)
    known = is_open & deals.entered_0.notnull()
    deals = deals.mutate(
        code=ibis.ifelse(is_open, deals.stage_0, -2).cast("int64"),
        stage_days=ibis.ifelse(known, wait, -1).cast("int64"),
        age_days=today.delta(deals.created_on, unit="day").cast("int64"),
        is_due=(deals.due_0 < day).fill_null(False),  # noqa: FBT003
    )
    there = _.state_0 == "open"
    amount = _.amount_0.cast("float64")
    counts = deals.group_by([*keys, "code", "stage_days"]).agg(
        n_open=_.count(where=there), n_unknown=_.count(where=~there),
        n_priced=_.amount_0.count(where=there),
        n_undated=_.count(where=there & _.created_on.isnull()),
        n_dated=_.created_on.count(where=there), n_overdue=_.count(where=there & _.is_due),
        n_without_due=_.count(where=there & _.due_0.isnull()),
        n_unread=_.count(where=there & _.unread_0),
        amount=_.amount_0.sum(where=there).cast("float64"),
        squares=(amount * amount).sum(where=there),
        overdue_amount=_.amount_0.sum(where=there & _.is_due).cast("float64"),
        ages=_.age_days.sum(where=there).cast("float64"),
    )  # fmt: skip
    frame = fetch(counts)
    frame[_SUMS] = frame[_SUMS].astype(float).fillna(0.0)
    frame["squares"] = steady(frame["squares"])
    whole = dict.fromkeys([*_COUNTS, "code", "stage_days"], "int64")
    return frame.astype(whole).sort_values([*keys, "code", "stage_days"], ignore_index=True)


def _rows(groups: pd.DataFrame, cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """List all groups and the stages in which any deal is open."""
    if keys:  # a rep who had deals then may have none now
        groups = pd.concat([groups, cells[keys]]).drop_duplicates()
    codes = cells.loc[cells["n_open"] > 0, ["code"]].drop_duplicates()
    if not len(codes) and len(cells):  # none that is known to be open, but some that may be
        codes = pd.DataFrame({"code": [-1]}, dtype="int64")
    codes["order"] = codes["code"].where(codes["code"] >= 0, 10_000)
    rows = groups.merge(codes, how="cross").sort_values([*keys, "order"], ignore_index=True)
    return rows.drop(columns="order")


def _sums(rows: pd.DataFrame, cells: pd.DataFrame, keys: list[str], level: float) -> pd.DataFrame:
    """Add the cells up to rows."""
    place, n_rows = places(cells, rows, [*keys, "code"]), len(rows)
    n = {name: counted(cells[name], place, n_rows) for name in _COUNTS if name != "n_unknown"}
    money = {name: summed(cells[name], place, n_rows) for name in _SUMS}
    n_due = n["n_open"] - n["n_without_due"]
    low, high = wilson_interval(n["n_overdue"], n_due, confidence=level)
    waits = (place >= 0) & (cells["stage_days"] >= 0).to_numpy()
    days, n_open = (cells[name].to_numpy(float)[waits] for name in ("stage_days", "n_open"))
    median = plain_quantile(days, n_open, place[waits], n_rows, 0.5)
    groups = rows[keys].drop_duplicates(ignore_index=True) if keys else pd.DataFrame(index=[0])
    unknown = counted(cells["n_unknown"], places(cells, groups, keys), len(groups))
    priced = n["n_priced"] > 0
    return rows.assign(
        n_open=n["n_open"], n_without_amount=n["n_open"] - n["n_priced"],
        open_amount=np.where(priced, money["amount"], np.nan), n_undated=n["n_undated"],
        n_unread=n["n_unread"],
        mean_age_days=ratio(money["ages"], n["n_dated"]), median_stage_days=median,
        n_without_due=n["n_without_due"], n_overdue=n["n_overdue"],
        overdue_share=ratio(n["n_overdue"], n_due), overdue_share_low=low, overdue_share_high=high,
        overdue_amount=np.where(priced, money["overdue_amount"], np.nan),
        n_unknown=unknown[places(rows, groups, keys)],
    )  # fmt: skip


def _expected(
    department: Department, table: pd.DataFrame, cells: pd.DataFrame, keys: list[str],
    day: date, level: float,
) -> dict[str, NDArray[np.generic]]:  # fmt: skip
    """Weigh the deals of each row with the chances learnt up to the day."""
    learnt, moved, by_stage = _learnt(department, day)
    chance, untold = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    n_learnt = np.zeros(len(table), dtype="int64")
    for code in sorted(set(table["code"]) - ({-1} if by_stage else set())):
        part = learnt[learnt["code"] == (code if by_stage else 0)]
        counts = part[OUTCOMES].to_numpy(float).T
        n_learnt[(table["code"] == code).to_numpy()] = int(counts.sum())
        here = (cells["code"] == code).to_numpy() & (cells["stage_days"] >= 0).to_numpy()
        if counts[0].sum() >= 20:  # wins
            ends = by_day(part["days"].to_numpy(float), counts, _shares(moved, code))
            chance[here], untold[here] = chances_at(ends, cells["stage_days"].to_numpy(float)[here])
    known = ~np.isnan(chance)
    place, n_rows = places(cells, table, [*keys, "code"]), len(table)
    chance, untold = np.nan_to_num(chance), np.nan_to_num(untold)
    n = cells["n_open"].to_numpy(float)
    n_all, n_known = summed(n, place, n_rows), summed(n * known, place, n_rows)
    mean = ratio(summed(n * chance, place, n_rows), n_known)
    more = np.nan_to_num(ratio(summed(n * untold, place, n_rows), n_known))
    low, _high = wilson_interval(mean * n_known, n_known, confidence=level)
    most = np.minimum((mean + more) * n_known, n_known)
    _low, high = wilson_interval(most, n_known, confidence=level)
    amount, squares = (cells[name].to_numpy(float) * known for name in ("amount", "squares"))
    priced = summed(cells["n_priced"].to_numpy(float) * known, place, n_rows) > 0
    worth = np.where(priced, summed(amount * chance, place, n_rows), np.nan)
    half = normal_quantile(level) * np.sqrt(summed(squares * chance * (1 - chance), place, n_rows))
    above = worth + half + summed(amount * untold, place, n_rows)
    return {
        "n_learnt": n_learnt, "n_without_chance": np.round(n_all - n_known).astype("int64"),
        "win_rate": mean,
        "win_rate_low": np.minimum(low, mean), "win_rate_high": np.maximum(high, mean),
        "expected_amount": worth, "expected_amount_low": np.maximum(worth - half, 0.0),
        "expected_amount_high": np.minimum(above, summed(amount, place, n_rows)),
    }  # fmt: skip


def _shares(moved: pd.DataFrame, code: int) -> Shares:
    part = moved[moved["code"] == code]
    names = ["days", "n_won", "n_lost", "n_open"]
    return shares_of(*(part[name].to_numpy(float) for name in names))


def _learnt(department: Department, day: date) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Give stays, or without a history of stages ages, with what became of the deals by a day.

    And of those that went on from a stage, what became of them after it.
    """
    if department.has("stage_changes", "deal_id", "stage"):
        return outcome_cells(department, day), moved_cells(department, day), True
    ages = age_cells(department, until=day)
    ages = ages[ages["age_days"] >= 0].rename(columns={"age_days": "days", "n_open": "n_here"})
    none = pd.DataFrame(columns=["code", "days", "n_won", "n_lost", "n_open"], dtype=float)
    return ages.assign(code=0, n_left=0), none, False
