"""More of what the window and the year before looked like: open deals, period ends, customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch
from salesdiag.reductions.selling_days import selling_days
from salesdiag.reductions.yearly import LEVELS, OF_REPS, places_of, yearly_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from salesdiag.department import Department
    from salesdiag.reductions.yearly import Years

_MIDDLE = 15  # of the month: quarters end with the second half of their last one


def open_cells(
    department: Department, years: Years, *, winnable_days: int, looked_at: int
) -> pd.DataFrame:
    """Count the deals open at the end of each month, and of them those past winning.

    A deal counts until ``looked_at`` days after it has grown too old to win: an export of two
    years cannot hold older ones in its first, and a dead deal is one and not one a month.
    Openings less closings, added up month by month: no deal is looked at once for each month.
    """
    places = [one for one in places_of(department, "deals") if one in OF_REPS]
    deals = department.select_deals(by=places).filter(_.created_at.notnull())
    deals = deals.filter((_.status == "open") | _.closed_at.notnull())
    opened, closed = deals.created_at.date(), deals.closed_at.date()
    old_on = opened + ibis.interval(days=winnable_days)
    gone_on = opened + ibis.interval(days=winnable_days + looked_at)
    left_on = ibis.ifelse(closed.notnull() & (closed < gone_on), closed, gone_on)
    ends = [
        (deals, opened, "n_open", 1), (deals, left_on, "n_open", -1),
        (deals, old_on, "n_old", 1), (deals, ibis.greatest(left_on, old_on), "n_old", -1),
    ]  # fmt: skip
    parts = []
    for rows, day, name, sign in ends:
        month = 12 * day.year() + day.month()
        counts = fetch(rows.mutate(moved_in=month).group_by(["moved_in", *places]).agg(n=_.count()))
        parts.append(counts.assign(what=name, n=sign * counts["n"]))
    moves = pd.concat(parts, ignore_index=True)
    return _standing(moves, places, years)


def _standing(moves: pd.DataFrame, places: Sequence[str], years: Years) -> pd.DataFrame:
    """Turn openings and closings into what stood open at the end of each month."""
    first = 12 * years.base_start.year + years.base_start.month
    found = []
    for side, begin in (("base", first), ("now", first + 12)):
        for month in range(12):
            until = moves[moves["moved_in"] <= begin + month]
            counts = until.pivot_table(
                index=list(places), columns="what", values="n", aggfunc="sum", fill_value=0
            ).reset_index()
            found.append(counts.assign(side=side, month=month))
    cells = pd.concat(found, ignore_index=True)
    for name in ("n_open", "n_old"):
        cells[name] = cells[name].astype(float).fillna(0.0) if name in cells else 0.0
    return cells.sort_values(["side", "month", *places], ignore_index=True)


def period_cells(department: Department, years: Years) -> pd.DataFrame:
    """Add up deals won by the phase of the quarter: its first days, its last, and the rest."""
    deals = department.select_deals()
    won = deals.filter((deals.status == "won") & (deals.amount > 0))
    listed = won.list_amount if "list_amount" in won.columns else won.amount
    begins = department.calendar.fiscal_year_start
    month = (won.closed_at.month() - begins + 12) % 3
    day = won.closed_at.day()
    phase = ibis.cases(
        ((month == 2) & (day > _MIDDLE), "end"), ((month == 0) & (day <= _MIDDLE), "start"),
        else_="rest",
    )  # fmt: skip
    worth = won.amount.cast("float64")
    asked = ibis.ifelse(listed > 0, listed, won.amount).cast("float64")
    rows = won.mutate(phase=phase, asked=asked, worth=worth).filter(_.asked > 0)
    rows = rows.mutate(depth=(_.asked / _.worth).log())
    return yearly_cells(
        department, rows, rows.closed_at.date(), years, places_of(department, "deals"),
        {
            "n_won": _.count(), "amount": _.worth.sum(), "depth": _.depth.sum(),
            "depth_squares": (_.depth * _.depth).sum(),
        },
        also=["phase"],
    )  # fmt: skip


def day_cells(department: Department, years: Years) -> pd.DataFrame:
    """Count the selling days of each rep on both sides."""
    sides = pd.DataFrame({
        "period_start": pd.to_datetime([years.base_start, years.start]),
        "period_end": pd.to_datetime([years.base_end, years.end]),
    })  # fmt: skip
    days = selling_days(department, sides)
    days["side"] = np.where(days["period_start"] == pd.Timestamp(years.start), "now", "base")
    homes = department.fetch("reps").drop_duplicates("rep_id") if department.has("reps") else None
    for column in LEVELS.values():
        if homes is not None and column in homes and column != "rep_id":
            days[column] = days["rep_id"].map(homes.set_index("rep_id")[column]).fillna("")
    return days.drop(columns=["period_start", "period_end"])
