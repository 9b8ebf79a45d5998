"""The reduction under the reps over time: what each rep closed, day by day; and who was there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import MissingDataError
from salesdiag.reductions.selling_days import active_spans
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from salesdiag.department import Department

_COUNTS = ["n_won", "n_lost", "n_inherited", "n_won_with_amount"]
_MONEY = ["won_amount", "won_squares", "inherited_amount", "discount_amount", "listed_amount"]


def closings(department: Department) -> pd.DataFrame:
    """Give what each rep closed on each day, in one query, remembered.

    Columns: ``rep_id`` ("unassigned" where missing), ``day`` (NaT where closed without a date),
    ``n_won``, ``n_lost``, ``n_inherited`` (won, but created before the rep was hired),
    ``n_won_with_amount``; of deals won ``won_amount``, ``won_squares``, ``inherited_amount``,
    and ``discount_amount`` and ``listed_amount`` where both prices are known; 0 where nothing.
    """
    department.require(deals=["rep_id", "status", "closed_at"])
    return department.remember("closings of reps", lambda: _closings(department))


def _closings(department: Department) -> pd.DataFrame:
    deals = department.select_deals()
    deals = deals.filter(_.status != "open")
    columns = deals.columns
    nothing = ibis.null().cast("float64")
    worth = deals.amount.cast("float64") if "amount" in columns else nothing
    listed = deals.list_amount.cast("float64") if "list_amount" in columns else nothing
    deals = deals.mutate(
        rep_id=deals.rep_id.fill_null(UNASSIGNED), day=deals.closed_at.date(),
        worth=worth, listed=ibis.ifelse((listed > 0) & worth.notnull(), listed, nothing),
        is_inherited=ibis.literal(False),  # noqa: FBT003
    )  # fmt: skip
    if department.has("reps", "hired_on") and "created_at" in columns:
        reps = department.table("reps").filter(_.rep_id.notnull())
        side = reps.group_by("rep_id").agg(hired_first_on=_.hired_on.cast("date").min())
        deals = deals.left_join(side, "rep_id")
        came_before = (_.created_at.date() < _.hired_first_on).fill_null(False)  # noqa: FBT003
        deals = deals.mutate(is_inherited=came_before)
    won, old = _.status == "won", (_.status == "won") & _.is_inherited
    frame = fetch(deals.group_by("rep_id", "day").agg(
        n_won=_.count(where=won), n_lost=_.count(where=_.status == "lost"),
        n_inherited=_.count(where=old), n_won_with_amount=_.worth.count(where=won),
        won_amount=_.worth.sum(where=won), won_squares=(_.worth * _.worth).sum(where=won),
        inherited_amount=_.worth.sum(where=old), listed_amount=_.listed.sum(where=won),
        discount_amount=(_.listed - _.worth).sum(where=won),
    ))  # fmt: skip
    frame["day"] = pd.to_datetime(frame["day"]).astype("datetime64[us]")
    frame["rep_id"] = frame["rep_id"].astype("str")
    frame = frame.sort_values(["rep_id", "day"], ignore_index=True)
    for name in _MONEY:
        frame[name] = steady(frame[name].astype(float).fillna(0.0))
    return frame.astype(dict.fromkeys(_COUNTS, "int64"))


def require_amounts(department: Department, closed: pd.DataFrame) -> None:
    """Refuse money where no deal won carries an amount.

    Raises
    ------
    MissingDataError
        Naming the column.
    """
    department.require(deals=["amount"])
    if closed["n_won"].any() and not closed["n_won_with_amount"].any():
        message = "no deal won carries an amount, so nothing can be told in money."
        ask = TABLES["deals"].ask_for
        raise MissingDataError(message, missing=("deals.amount",), ask_for=ask)


def tenures(department: Department) -> pd.DataFrame:
    """Give each rep's days and since when the rep has been there.

    A rep whose first deal was closed before the day of hiring was hired earlier than is
    written: that day is not believed. Columns: ``rep_id``, ``first_day``, ``last_day``,
    ``hired_on`` (NaT where unknown or not believed), ``since`` (hired, else first seen: there
    for that long at least), ``has_left``, ``is_unknown``, ``is_late``.
    """
    table = active_spans(department)
    closed = closings(department).dropna(subset="day")
    first_closed = _placed(closed.groupby("rep_id")["day"].min(), table)
    hired = left = _placed(pd.Series(dtype="datetime64[us]"), table)
    if department.has("reps"):
        reps = department.fetch("reps").dropna(subset="rep_id").drop_duplicates("rep_id")
        reps = reps.set_index("rep_id")
        hired = _placed(reps["hired_on"], table) if "hired_on" in reps else hired
        left = _placed(reps["left_on"], table) if "left_on" in reps else left
    is_late = hired.notna() & (first_closed < hired)
    first = table["first_day"].where(~is_late, first_closed)
    as_of = pd.Timestamp(department.as_of)
    return table.assign(
        first_day=first.astype("datetime64[us]"),
        last_day=table["last_day"].astype("datetime64[us]"),
        hired_on=hired.mask(is_late), since=hired.mask(is_late).fillna(first),
        has_left=(left <= as_of).to_numpy(bool), is_unknown=hired.isna(), is_late=is_late,
    ).reset_index(drop=True)  # fmt: skip


def _placed(days: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Put days, by id, beside the ids of a table."""
    known = pd.to_datetime(days).astype("datetime64[us]").reindex(table["rep_id"])
    return pd.Series(known.to_numpy(), index=table.index, dtype="datetime64[us]")


def data_start(closed: pd.DataFrame) -> pd.Timestamp:
    """Give the day of the first closing, before which nothing is known; NaT without any."""
    return pd.Timestamp(closed["day"].min())


def not_before_data(closed: pd.DataFrame, day: pd.Timestamp) -> pd.Timestamp:
    """Give a day, or that of the first closing if this is later: days before are nobody's."""
    begin = data_start(closed)
    return day if pd.isna(begin) else max(day, begin)


def undated(closed: pd.DataFrame, names: list[str]) -> pd.Series:
    """Add up, by rep, the closed deals of these kinds that carry no day of closing."""
    rows = closed[closed["day"].isna()]
    return rows[names].sum(axis=1).groupby(rows["rep_id"]).sum()


def days_of(column: pd.Series) -> NDArray[np.datetime64]:
    """Give days as numpy counts them."""
    return column.to_numpy().astype("datetime64[D]")
