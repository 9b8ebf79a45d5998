"""The reduction under the outcomes: at which age deals were won, lost or last seen open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

ENDS = ["n_won", "n_lost", "n_open"]


def dated_deals(
    department: Department,
    keys: Sequence[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    watched_since: date | None = None,
) -> ibis.Table:
    """Give the deals of a window with ``age_days`` at their end, or at ``as_of`` if open.

    Deals without a day of creation, and decided ones without a day of closing, have no
    ``age_days``; dates in the wrong order make an age of 0. With ``watched_since``, deals
    that ended before are left out, and ``late_days`` is the age on the day before.
    """
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    deals = department.select_deals(by=keys, start=start, end=end)
    as_of = ibis.literal(department.as_of).cast("date")
    deals = deals.mutate(end_on=ibis.ifelse(deals.status == "open", as_of, deals.closed_at.date()))
    age = deals.end_on.delta(deals.created_at.date(), unit="day")
    deals = deals.mutate(age_days=ibis.greatest(age, 0).cast("int64"))
    # not every engine lets a missing number stay missing beside a 0
    deals = deals.mutate(age_days=ibis.ifelse(age.isnull(), ibis.null(), deals.age_days))
    if watched_since is None:
        return deals
    first = ibis.literal(watched_since).cast("date")
    deals = deals.filter(_.end_on.isnull() | (_.end_on >= first))
    before = first.delta(deals.created_at.date(), unit="day").cast("int64") - 1
    return deals.mutate(late_days=ibis.ifelse(before >= 0, before, ibis.null()))


def count_outcomes(deals: ibis.Table, keys: Sequence[str]) -> pd.DataFrame:
    """Count `dated_deals` per group and age, sorted.

    Columns: the keys, ``age_days``, ``n_won``, ``n_lost``, ``n_open``, and ``n_late`` (came
    under watch after that age). An age of -1 holds those without one.
    """
    placed = deals.mutate(age_days=_.age_days.fill_null(-1))
    ends = placed.group_by([*keys, "age_days"]).agg(
        n_won=_.count(where=_.status == "won"),
        n_lost=_.count(where=_.status == "lost"),
        n_open=_.count(where=_.status == "open"),
    )
    frame = fetch(ends).assign(n_late=0)
    if "late_days" in deals.columns:
        late = placed.filter(_.late_days.notnull() & (_.age_days >= 0))
        came = fetch(late.group_by([*keys, "late_days"]).agg(n_late=_.count()))
        came = came.rename(columns={"late_days": "age_days"}).assign(**dict.fromkeys(ENDS, 0))
        frame = pd.concat([frame, came[frame.columns]], ignore_index=True)
    counts = [*ENDS, "n_late"]
    frame = frame.astype(dict.fromkeys(["age_days", *counts], "int64"))
    return frame.groupby([*keys, "age_days"], as_index=False)[counts].sum()


def median_won_age(counts: pd.DataFrame) -> float:
    """Give the median age at which won deals were won; NaN without any."""
    won = counts[(counts["age_days"] >= 0) & (counts["n_won"] > 0)].sort_values("age_days")
    reached = won["n_won"].cumsum() >= won["n_won"].sum() / 2
    return float(won["age_days"][reached].iloc[0]) if len(won) else float("nan")
