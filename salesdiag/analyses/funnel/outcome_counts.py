"""The reduction under the outcomes: at which age deals were won, lost or last seen open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

ENDS = ["n_won", "n_lost", "n_open"]
# names of columns on the way, which no key can bear
TAKEN = ("end_on", "is_dead", "is_late", "last_on", "late_days", "limit_days", "n", "quiet_days",
         "rule", "touched_on")  # fmt: skip


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


def count_given_up(
    department: Department, deals: ibis.Table, keys: Sequence[str], limits: Sequence[int]
) -> pd.DataFrame:
    """Count open `dated_deals` by where each rule puts them, all rules in one pass.

    A deal without a touch for more than ``limit_days`` days ended at the age at which these
    were over. Columns: the keys, ``limit_days``, ``age_days``, ``n_none`` (ended so),
    ``n_open``, ``n_won``, ``n_lost`` (both 0), and ``n_late``: less one for each that was
    given up before anybody watched, and is no case at all.
    """
    own = [*keys, "age_days", *(["late_days"] if "late_days" in deals.columns else [])]
    still = deals.filter((deals.status == "open") & deals.age_days.notnull())
    still = _touched(department, still, own).group_by([*own, "quiet_days"]).agg(n=_.count())
    rules = ibis.range(len(limits)).unnest().name("rule").as_table()
    rows = still.cross_join(rules)
    limit = rows.rule.cases(*enumerate(limits))
    is_dead = rows.quiet_days > limit
    ended = ibis.ifelse(is_dead, rows.age_days - rows.quiet_days + limit, rows.age_days)
    rows = rows.mutate(age_days=ended.cast("int64"), is_dead=is_dead)
    if "late_days" in own:
        unseen = (rows.is_dead & (rows.age_days <= rows.late_days)).fill_null(False)  # noqa: FBT003
        age = ibis.ifelse(unseen, rows.late_days, rows.age_days)
        rows = rows.mutate(is_late=unseen, age_days=age)
    else:
        rows = rows.mutate(is_late=ibis.literal(False))  # noqa: FBT003
    places = [*keys, "rule", "age_days", "is_dead", "is_late"]
    frame = fetch(rows.group_by(places).agg(n=_.n.sum())).astype({"n": "int64"})
    dead, late = frame["is_dead"].astype(bool), frame["is_late"].astype(bool)
    frame["n_none"] = frame["n"].where(dead & ~late, 0)
    frame["n_open"] = frame["n"].where(~dead, 0)
    frame["n_late"] = -frame["n"].where(late, 0)
    frame["limit_days"] = np.asarray(limits)[frame["rule"].to_numpy("int64")]
    frame = frame.assign(n_won=0, n_lost=0).drop(columns=["rule", "is_dead", "is_late", "n"])
    return frame.astype({"age_days": "int64"})


def _touched(department: Department, deals: ibis.Table, names: Sequence[str]) -> ibis.Table:
    """Add ``quiet_days``: days since the last stage change or activity, else since creation."""
    as_of = ibis.literal(department.as_of).cast("date")
    joined = deals.select(*dict.fromkeys(["deal_id", *names]), last_on=_.created_at.date())
    for name, column in (("stage_changes", "entered_at"), ("activities", "occurred_at")):
        if not department.has(name, "deal_id", column):
            continue
        rows = department.table(name)
        # only what belongs to the open deals, before the many rows are put together
        rows = rows.filter(rows.deal_id.isin(deals.deal_id), rows[column].date() <= as_of)
        seen = rows.group_by("deal_id").agg(touched_on=rows[column].max().date())
        joined = joined.left_join(seen, "deal_id").drop("deal_id_right")
        last_on = ibis.greatest(joined.last_on, ibis.coalesce(joined.touched_on, joined.last_on))
        joined = joined.mutate(last_on=last_on).drop("touched_on")
    quiet = ibis.least(as_of.delta(joined.last_on, unit="day").cast("int64"), joined.age_days)
    return joined.mutate(quiet_days=ibis.greatest(quiet, 0))
