"""Each rep's result and selling days by month of the calendar and month of tenure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.closings import (
    closings,
    data_start,
    days_of,
    require_amounts,
    tenures,
    undated,
)
from salesdiag.analyses.reps.rep_groups import HELPS_OUT
from salesdiag.reductions.selling_days import working_days
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

METRICS = ("wins", "revenue")
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")


class Cells(NamedTuple):
    """One row of ``cells`` a rep, calendar month and month of tenure; one of ``reps`` a rep."""

    cells: pd.DataFrame
    reps: pd.DataFrame
    lost: pd.DataFrame
    unit: float  # size of one typical contribution: 1 for wins


class Peers(NamedTuple):
    """What the tenured did in each calendar month."""

    rate: NDArray[np.float64]  # result per selling day, NaN where nobody was there
    days: NDArray[np.float64]
    results: NDArray[np.float64]  # (reps, months)
    exposure: NDArray[np.float64]  # (reps, months)


def tenure_cells(
    department: Department, *, metric: str, first: date | None, last: date
) -> Cells:  # fmt: skip
    """Lay out selling days and results; what was inherited or came after leaving is apart.

    Columns of ``cells``: ``rep`` (place in ``reps``), ``month`` (from 0), ``tenure`` (from 1;
    of reps whose day of hiring is not known, at least so much), ``n_days``, ``result``,
    ``n_won``. ``lost``, by ``rep_id`` and with wins that are nobody's: ``n_left_out``, wins
    within the window that do not count, and ``n_undated``, wins without a day.
    """
    closed = closings(department)
    if metric == "revenue":
        require_amounts(department, closed)
    reps = tenures(department)
    begin = data_start(closed)
    start = begin if first is None else max(pd.Timestamp(first), begin)
    until = pd.Timestamp(last)
    won = closed[(closed["n_won"] > 0) & (closed["day"] >= start) & (closed["day"] <= until)]
    unit = 1.0
    if metric == "revenue":
        unit = float(ratio(won["won_squares"].sum(), won["won_amount"].sum())) if len(won) else 1.0
    if pd.isna(start) or start > until or not len(reps):
        names = {"rep": "int64", "month": "int64", "tenure": "int64", "n_days": "int64",
                 "result": "float64", "n_won": "int64"}  # fmt: skip
        nothing = pd.DataFrame({one: pd.Series(dtype=kind) for one, kind in names.items()})
        return Cells(nothing, reps, _lost(closed, won, pd.Series(dtype="int64")), unit)
    results, left_out = _results(won, reps, start, metric)
    cells = _exposure(department, reps, start, until)
    keys = ["rep", "month", "tenure"]
    cells = cells.merge(results, on=keys, how="outer").fillna(0)
    cells = cells.astype({"n_days": "int64", "n_won": "int64", "result": "float64"})
    cells = cells[(cells["n_days"] > 0) | (cells["n_won"] > 0)]
    return Cells(cells.sort_values(keys, ignore_index=True), reps, _lost(closed, won, left_out),
                 unit if unit > 0 else 1.0)  # fmt: skip


def _lost(closed: pd.DataFrame, won: pd.DataFrame, left_out: pd.Series) -> pd.DataFrame:
    """Count, by rep, the wins of the window that do not count, and those without a day."""
    sums = won.groupby("rep_id")["n_won"].sum()
    nobodys = sums[~sums.index.isin(left_out.index)]
    table = pd.DataFrame({
        "n_left_out": pd.concat([left_out, nobodys]), "n_undated": undated(closed, ["n_won"]),
    })  # fmt: skip
    return table.fillna(0).astype("int64").rename_axis("rep_id").reset_index()


def tenured_peers(cells: Cells, *, tenured_months: int) -> Peers:
    """Give the rate of the tenured, month by month of the calendar.

    A rep is a peer from the first month on of which all days are tenured. Who wins less than a
    fifth of the median rep's deals a day only lends a hand and is no peer.
    """
    sums = cells.cells.groupby("rep")[["n_won", "n_days"]].sum()
    pace = sums["n_won"] / sums["n_days"].where(sums["n_days"] > 0)
    helper = pace.index[pace < HELPS_OUT * pace[pace > 0].median()]
    youngest = cells.cells.groupby(["rep", "month"])["tenure"].transform("min")
    tenured = (youngest > tenured_months) & ~cells.cells["rep"].isin(helper)
    rows = cells.cells[tenured]
    n_months = int(cells.cells["month"].max()) + 1 if len(cells.cells) else 0
    shape = (len(cells.reps), n_months)
    exposure, results = np.zeros(shape), np.zeros(shape)
    np.add.at(exposure, (rows["rep"], rows["month"]), rows["n_days"].to_numpy(float))
    np.add.at(results, (rows["rep"], rows["month"]), rows["result"].to_numpy(float))
    days = exposure.sum(axis=0)
    return Peers(ratio(results.sum(axis=0), days), days, results, exposure)


def tenure_of(since: NDArray[np.datetime64], day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Give in which month since a day another day lies: 1 is the first.

    >>> days = np.array(["2025-01-31", "2025-02-28", "2025-03-01"], dtype="datetime64[D]")
    >>> tenure_of(days[:1], days).tolist()
    [1, 1, 2]
    """
    month, since_month = day.astype("datetime64[M]"), since.astype("datetime64[M]")
    early = (day - month) < (since - since_month)
    months = (month - since_month).astype("int64") - early
    return np.asarray(months + 1)


def tenure_start(
    since: NDArray[np.datetime64], months: NDArray[np.int64] | int
) -> NDArray[np.datetime64]:  # fmt: skip
    """Give the first day after so many months of tenure.

    >>> tenure_start(np.array(["2025-01-31"], dtype="datetime64[D]"), 1).tolist()
    [datetime.date(2025, 3, 1)]
    """
    since_month = since.astype("datetime64[M]")
    month = since_month + np.asarray(months).astype("timedelta64[M]")
    length = (month + _MONTH).astype("datetime64[D]") - month.astype("datetime64[D]")
    return np.asarray(month.astype("datetime64[D]") + np.minimum(since - since_month, length))


def _month_number(day: NDArray[np.datetime64], start: pd.Timestamp) -> NDArray[np.int64]:
    first = np.datetime64(start, "M")
    return np.asarray((day.astype("datetime64[M]") - first).astype("int64"))


def _results(
    won: pd.DataFrame, reps: pd.DataFrame, start: pd.Timestamp, metric: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Add up the wins of each rep by month and tenure; count those that are not the rep's own."""
    place = pd.Series(np.arange(len(reps)), index=reps["rep_id"])
    rows = won.assign(rep=won["rep_id"].map(place)).dropna(subset="rep")
    rows = rows.astype({"rep": "int64"})
    who = reps.iloc[rows["rep"]]
    day = days_of(rows["day"])
    inside = (day >= days_of(who["first_day"])) & (day <= days_of(who["last_day"]))
    believed = who["hired_on"].notna().to_numpy()
    inherited = np.where(believed, rows["n_inherited"], 0)
    value = rows["n_won"] - inherited
    money = rows["won_amount"] - np.where(believed, rows["inherited_amount"], 0.0)
    rows = rows.assign(
        month=_month_number(day, start), tenure=tenure_of(days_of(who["since"]), day),
        n_won=value, result=value.astype(float) if metric == "wins" else money,
    )  # fmt: skip
    left_out = np.where(inside, inherited, won.loc[rows.index, "n_won"])
    n_left_out = np.bincount(rows["rep"], left_out, minlength=len(reps)).astype("int64")
    sums = rows[inside].groupby(["rep", "month", "tenure"], as_index=False)
    return sums[["n_won", "result"]].sum(), pd.Series(n_left_out, index=reps["rep_id"])


def _exposure(
    department: Department, reps: pd.DataFrame, start: pd.Timestamp, until: pd.Timestamp
) -> pd.DataFrame:
    """Count the selling days: a calendar month holds the end of one month of tenure at most."""
    n_months = int(_month_number(np.array([until], dtype="datetime64[D]"), start)[0]) + 1
    rep = np.repeat(np.arange(len(reps)), n_months)
    month = np.tile(np.arange(n_months), len(reps))
    months = np.datetime64(start, "M") + month.astype("timedelta64[M]")
    begins = months.astype("datetime64[D]")
    ends = (months + _MONTH).astype("datetime64[D]") - _DAY
    since = days_of(reps["since"])[rep]
    turn = begins + (since - since.astype("datetime64[M]"))
    first = np.maximum(days_of(reps["first_day"])[rep], np.datetime64(start, "D"))
    last = np.minimum(days_of(reps["last_day"])[rep], np.datetime64(until, "D"))
    before = np.maximum(begins, first), np.minimum(np.minimum(ends, turn - _DAY), last)
    after = np.maximum(np.maximum(begins, turn), first), np.minimum(ends, last)
    parts = []
    for low, high in (before, after):
        days = working_days(department, low, high)
        parts.append(pd.DataFrame({
            "rep": rep, "month": month, "tenure": tenure_of(since, low), "n_days": days,
        }))  # fmt: skip
    table = pd.concat(parts)
    return table[table["n_days"] > 0].groupby(["rep", "month", "tenure"], as_index=False).sum()
