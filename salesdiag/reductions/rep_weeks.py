"""What each rep did, had at hand and brought in, week by week or month by month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, get_args

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError
from salesdiag.periods import WEEKDAYS, parse_day
from salesdiag.reductions.selling_days import periods_of, selling_days
from salesdiag.schema import ACTIVITY_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from salesdiag.department import Department

Unit = Literal["week", "month", "quarter"]

TYPE_COLUMNS = {kind: f"n_{kind}" for kind in ACTIVITY_TYPES}
_PERIOD = ["period", "period_start", "period_end"]
_COUNTS = [*TYPE_COLUMNS.values(), "n_activities", "n_after_close", "n_created", "n_won", "n_lost",
           "n_open", "n_deal_days", "n_selling_days"]  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3}
_ANCHOR = date(1969, 12, 29)  # a Monday before any day of the data


def rep_weeks(
    department: Department,
    *,
    unit: Unit = "week",
    start: date | str | None = None,
    end: date | str | None = None,
    max_age_days: int | None = None,
) -> pd.DataFrame:
    """Count activities, deals and selling days of each rep in each whole period.

    Only periods that lie wholly inside the window count. Where no day is given, the window
    begins with the first activity of the department and ends with the last one, for before and
    after nothing was written down; it ends with ``as_of`` at the latest. Weeks begin on Monday,
    months and quarters follow the fiscal year. A deal belongs to the rep who has it now, an
    activity to the rep it names.

    Parameters
    ----------
    department : Department
        Needs ``activities`` (``rep_id``, ``activity_type``, ``occurred_at``) and ``deals``
        (``rep_id``, ``created_at``, ``closed_at``). With ``activities.deal_id``, what happened
        after the day on which its deal was closed is counted apart.
    unit : {"week", "month", "quarter"}, default "week"
        Length of a period.
    start, end : date or str, optional
        First and last day of the window, both included.
    max_age_days : int, optional
        Age from which an open deal no longer counts as at hand. None: it counts until closed.

    Returns
    -------
    DataFrame
        One row per rep and period in which the rep was there, or anything was, in order:
        ``rep_id`` ("unassigned" where missing), ``period`` (0, 1, ...), ``period_start``,
        ``period_end``; ``n_call``, ``n_email`` ... one column an activity type, and
        ``n_activities``, their sum; ``n_after_close``, besides; ``n_created``, ``n_won``,
        ``n_lost`` deals; ``n_open``, deals at hand: those open when the period began and those
        created in it, closed deals without a date left out; ``n_deal_days``, the working days
        (holidays among them) on which they were at hand, added up; ``n_selling_days``;
        ``won_amount``, NaN without amounts.
    """
    if unit not in get_args(Unit):
        message = f"unit must be one of {', '.join(get_args(Unit))}; got {unit!r}."
        raise InputError(message)
    department.require(
        activities=["rep_id", "activity_type", "occurred_at"],
        deals=["rep_id", "created_at", "closed_at"],
    )
    first = None if start is None else parse_day(start, "start")
    last = None if end is None else min(parse_day(end, "end"), department.as_of)
    return department.remember(
        f"rep {unit}s {first} {last} {max_age_days}",
        lambda: _rep_weeks(department, unit, first, last, max_age_days),
    )


def whole_periods(
    department: Department, first: date | None, last: date, *, unit: Unit
) -> pd.DataFrame:
    """List the whole weeks, months or quarters between two days: period, start, end."""
    if first is None or first > last:
        starts = ends = pd.DatetimeIndex([])
    elif unit == "week":
        monday = first + timedelta(days=-first.weekday() % 7)
        n_weeks = max(((last - monday).days + 1) // 7, 0)
        starts = pd.DatetimeIndex(pd.Timestamp(monday) + pd.to_timedelta(range(0, 7 * n_weeks, 7),
                                                                         unit="D"))  # fmt: skip
        ends = starts + pd.Timedelta(days=6)
    else:
        found = periods_of(department, first, last, months=_MONTHS[unit])
        whole = found["period_start"].ge(pd.Timestamp(first))
        whole &= found["period_end"].le(pd.Timestamp(last))
        starts = pd.DatetimeIndex(found.loc[whole, "period_start"])
        ends = pd.DatetimeIndex(found.loc[whole, "period_end"])
    table = pd.DataFrame({"period_start": starts.as_unit("us"), "period_end": ends.as_unit("us")})
    table.insert(0, "period", np.arange(len(table), dtype="int64"))
    return table


def _rep_weeks(
    department: Department, unit: Unit, first: date | None, until: date | None,
    max_age: int | None,
) -> pd.DataFrame:  # fmt: skip
    cut, last = "W" if unit == "week" else "M", until or department.as_of
    done = _activities(department, first, last, cut)
    if first is None and len(done):
        first = done["first_on"].min().date()
    if until is None and len(done):
        last = done["last_on"].max().date()
    periods = whole_periods(department, first, last, unit=unit)
    deals = _deals(department, last, cut, max_age)
    days = selling_days(department, periods).merge(periods, on=["period_start", "period_end"])
    days = days[days["n_selling_days"] > 0][["rep_id", "period", "n_selling_days"]]
    did, had = _placed(done, periods), _placed(deals, periods)
    parts = [_typed(did), _events(had), _stock(had, periods, department)]
    table = days
    for part in parts:
        table = table.merge(part, on=["rep_id", "period"], how="outer")
    money = table.pop("won_amount")
    table[_COUNTS] = table.reindex(columns=_COUNTS).fillna(0).astype("int64")
    known = bool(deals["amount"].notna().any())
    table["won_amount"] = money.fillna(0.0) if known else np.nan
    table = table[table[_COUNTS].any(axis=1)].merge(periods, on="period")
    table = table[["rep_id", *_PERIOD, *_COUNTS, "won_amount"]]
    return table.sort_values(["rep_id", "period"]).reset_index(drop=True)


def _activities(
    department: Department, first: date | None, last: date, cut: str
) -> pd.DataFrame:  # fmt: skip
    """Count activities by rep, type and week or month, and those after the close apart."""
    rows = department.table("activities")
    day = rows.occurred_at.date()
    kind = rows.activity_type
    rows = rows.mutate(
        rep_id=rows.rep_id.fill_null(UNASSIGNED),
        day=day,
        kind=ibis.ifelse(kind.isin(ACTIVITY_TYPES), kind, "other"),
    ).filter(_.day <= last)
    rows = rows.filter(_.day >= first) if first else rows
    after: ibis.Value = ibis.literal(False)  # noqa: FBT003
    if "deal_id" in rows.columns:
        ended = department.select_deals().select("deal_id", closed_on=_.closed_at.date())
        rows = rows.left_join(ended, "deal_id")
        after = (_.day > _.closed_on).fill_null(False)  # noqa: FBT003
    counts = rows.mutate(at=_.day.cast("timestamp").truncate(cut).date(), is_after=after).group_by(
        "rep_id", "kind", "at"
    )
    return fetch(counts.agg(
        first_on=_.day.min(), last_on=_.day.max(),
        n=_.count(where=~_.is_after), n_after_close=_.count(where=_.is_after),
    ))  # fmt: skip


def _deals(department: Department, last: date, cut: str, max_age: int | None) -> pd.DataFrame:
    """Count by rep and week or month what was created, won and lost, what came and what left."""
    deals = department.select_deals()
    deals = deals.mutate(
        rep_id=deals.rep_id.fill_null(UNASSIGNED),
        worth=(deals.amount if "amount" in deals.columns else ibis.null()).cast("float64"),
        came_on=deals.created_at.date(),
        closed_on=ibis.ifelse(deals.status == "open", ibis.null(), deals.closed_at.date()),
    )
    is_held = _.came_on.notnull() & ((_.status == "open") | _.closed_on.notnull())
    # entered after it was closed: it was at hand on the day of entry only
    closed_on = ibis.ifelse(_.closed_on < _.came_on, _.came_on, _.closed_on)
    left_on: ibis.Value = ibis.ifelse(_.status == "open", ibis.null(), closed_on)
    if max_age is not None:
        aged_on = (_.came_on + ibis.interval(days=max_age)).cast("date")
        left_on = ibis.ifelse((_.status == "open") | (closed_on > aged_on), aged_on, closed_on)
    held = deals.filter(is_held).mutate(left_on=left_on)
    moves = ibis.union(
        _moves(deals, "came_on", "created"),
        _moves(deals, "closed_on", _.status),
        _moves(held, "came_on", "came"),
        _moves(held, "left_on", "left"),
    )
    counts = moves.filter(_.day <= last).mutate(at=_.day.cast("timestamp").truncate(cut).date())
    # a deal is still at hand on the day on which it leaves
    gone = _.work_days + ibis.ifelse(_.kind == "left", _.is_working, 0)
    found = fetch(
        _with_work_days(counts, department.calendar.working_days)
        .group_by("rep_id", "kind", "at")
        .agg(n=_.count(), n_work_days=gone.sum().cast("int64"), amount=_.worth.sum())
    )
    return found.astype({"n_work_days": "int64"})


def _with_work_days(moves: ibis.Table, working: Sequence[str]) -> ibis.Table:
    """Count the working days from a Monday long ago to each day, and tell whether it is one."""
    weekday = moves.day.day_of_week.index()
    days = moves.day.delta(ibis.literal(_ANCHOR), unit="day")
    before = [sum(one in working for one in WEEKDAYS[:number]) for number in range(7)]
    in_week = ibis.cases(*((weekday == number, before[number]) for number in range(7)))
    weeks = ((days - weekday) / 7).round().cast("int64")
    is_working = ibis.cases(
        *((weekday == number, int(one in working)) for number, one in enumerate(WEEKDAYS))
    )
    return moves.mutate(work_days=weeks * len(working) + in_week, is_working=is_working)


def _work_days(days: pd.Series, working: Sequence[str]) -> NDArray[np.int64]:
    """Count the working days from the same Monday to each day, itself not included."""
    week = "".join("1" if one in working else "0" for one in WEEKDAYS)
    until = days.to_numpy().astype("datetime64[D]")
    return np.busday_count(np.datetime64(_ANCHOR, "D"), until, weekmask=week).astype("int64")


def _moves(deals: ibis.Table, day: str, kind: object) -> ibis.Table:
    named = ibis.literal(kind) if isinstance(kind, str) else kind
    return deals.filter(deals[day].notnull()).select("rep_id", "worth", day=deals[day], kind=named)


def _placed(counts: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Give each count the number of its period: -1 before the first, none after the last."""
    at = pd.to_datetime(counts["at"]).to_numpy()
    place = np.searchsorted(periods["period_start"].to_numpy(), at, side="right") - 1
    table = counts.assign(period=place)
    ends = periods["period_end"].to_numpy()
    gone = np.ones(len(at), dtype=bool) if not len(ends) else at > ends[-1]
    return table[~gone].sort_values(["rep_id", "kind", "at"]).reset_index(drop=True)


def _typed(did: pd.DataFrame) -> pd.DataFrame:
    """Give one row per rep and period, one column an activity type."""
    inside = did[did["period"] >= 0]
    keys = ["rep_id", "period"]
    table = inside.pivot_table(index=keys, columns="kind", values="n", aggfunc="sum")
    table = table.reindex(columns=list(TYPE_COLUMNS)).rename(columns=TYPE_COLUMNS).fillna(0)
    table["n_activities"] = table.sum(axis=1)
    after = inside.groupby(keys)["n_after_close"].sum()
    return table.join(after).reset_index().rename_axis(columns=None)


def _events(had: pd.DataFrame) -> pd.DataFrame:
    """Give deals created, won and lost and the amount won, per rep and period."""
    inside, keys = had[had["period"] >= 0], ["rep_id", "period"]
    table = inside.pivot_table(index=keys, columns="kind", values="n", aggfunc="sum")
    table = table.reindex(columns=["created", "won", "lost"]).add_prefix("n_")
    won = inside[inside["kind"] == "won"]
    amount = won.assign(amount=won["amount"].fillna(0.0)).groupby(keys)["amount"].sum()
    table["won_amount"] = steady(amount.astype(float)).reindex(table.index)
    return table.reset_index().rename_axis(columns=None)


def _stock(had: pd.DataFrame, periods: pd.DataFrame, department: Department) -> pd.DataFrame:
    """Give the deals at hand in each period, and the days on which they were, by running sums.

    At hand are all that came by the end of a period, less those gone before it. A deal is at
    hand on the day it came, the day it left, and all between.
    """
    moved = had[had["kind"].isin(["came", "left"])]
    if not len(moved) or not len(periods):
        return pd.DataFrame(columns=["rep_id", "period", "n_open", "n_deal_days"])
    working = department.calendar.working_days
    begins = _work_days(periods["period_start"], working)
    ends = _work_days(periods["period_end"] + pd.Timedelta(days=1), working)
    sign = np.where(moved["kind"] == "left", -1, 1)
    n, place = moved["n"].to_numpy(), moved["period"].to_numpy()
    inside = place >= 0
    # working days of the period before it came, or after it left
    missed = np.where(inside, moved["n_work_days"] - n * begins[np.maximum(place, 0)], 0)
    flows = pd.DataFrame({
        "rep_id": moved["rep_id"], "period": place, "net": sign * n,
        "came": np.where(sign > 0, n, 0), "missed": sign * missed,
    })  # fmt: skip
    sums = flows.groupby(["rep_id", "period"]).sum()
    reps = sums.index.unique("rep_id")
    grid = pd.MultiIndex.from_product([reps, range(-1, len(periods))], names=sums.index.names)
    shape = (len(reps), len(periods) + 1)
    net, came, missed_in = (
        sums[name].reindex(grid, fill_value=0).to_numpy("int64").reshape(shape)
        for name in ("net", "came", "missed")
    )
    stock = net.cumsum(axis=1)
    at_hand = (stock - net + came)[:, 1:]
    days = (stock * np.append(0, ends - begins) - missed_in)[:, 1:]
    table = pd.DataFrame({
        "rep_id": np.repeat(reps.to_numpy(), len(periods)),
        "period": np.tile(np.arange(len(periods)), len(reps)),
        "n_open": at_hand.ravel(), "n_deal_days": days.ravel(),
    })  # fmt: skip
    return table[table["n_open"] != 0]
