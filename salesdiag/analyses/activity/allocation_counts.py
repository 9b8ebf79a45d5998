"""The reduction under the allocation of effort: activities by what they were spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
from ibis import _

from salesdiag.analyses.activity.links import Link, typed_activities
from salesdiag.engine import fetch
from salesdiag.periods import parse_day

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

# in the order in which the deals of an account are taken for the one that was meant
DESTINATIONS = ("winnable", "too old", "age unknown", "already won", "already lost",
                "unknown deal", "lead", "no deal")  # fmt: skip
_PLACE = {name: place for place, name in enumerate(DESTINATIONS)}


def count_destinations(
    department: Department,
    own_keys: list[str],
    *,
    link: Link,
    age_limit: float,
    monthly: bool,
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count activities by rep (and month, if asked), type, own keys and destination.

    Columns: ``rep_id``, ``month``, the keys, ``activity_type``, ``destination``, ``n``.
    """
    first = None if start is None else parse_day(start, "start")
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    rows = typed_activities(department, own_keys, first=first, last=last)
    keys = ["rep_id", *(["month"] if monthly else []), *own_keys, "activity_type"]
    rows = rows.mutate(month=rows.day.cast("timestamp").truncate("M").date()) if monthly else rows
    placed = (_by_deal if link == "deal" else _by_account)(department, rows, keys, age_limit)
    counts = fetch(placed.group_by([*keys, "place"]).agg(n=_.count()))
    counts["destination"] = np.array(DESTINATIONS, dtype=object)[counts.pop("place").to_numpy(int)]
    counts["month"] = counts["month"].astype(str).astype("str") if monthly else ""
    counts["destination"] = counts["destination"].astype("str")
    return counts.sort_values([*keys, "destination"]).reset_index(drop=True)


def _dated(department: Department, *columns: str) -> ibis.Table:
    deals = department.select_deals()
    return deals.select(
        *(deals[name] for name in columns),
        status=deals.status,
        created_on=deals.created_at.date(),
        closed_on=deals.closed_at.date(),
    )


def _state(age_limit: float) -> ibis.Value:
    """Tell, as a place in the list of destinations, what a deal was on the day of the activity."""
    over = (_.status != "open") & (_.day > _.closed_on)
    limit = None if np.isnan(age_limit) else int(age_limit)
    too_old: ibis.Value = ibis.literal(False)  # noqa: FBT003
    if limit is not None:
        too_old = _.day.delta(_.created_on, unit="day") > limit
    unknown_age = _.created_on.isnull() if limit is not None else ibis.literal(True)  # noqa: FBT003
    return ibis.cases(
        ((_.status != "open") & _.closed_on.isnull(), _PLACE["unknown deal"]),
        (over & (_.status == "won"), _PLACE["already won"]),
        (over, _PLACE["already lost"]),
        (unknown_age, _PLACE["age unknown"]),
        (too_old, _PLACE["too old"]),
        else_=_PLACE["winnable"],
    )


def _without_deal(rows: ibis.Table) -> ibis.Value:
    if "lead_id" not in rows.columns:
        return ibis.literal(_PLACE["no deal"])
    return ibis.ifelse(rows.lead_id.notnull(), _PLACE["lead"], _PLACE["no deal"])


def _by_deal(
    department: Department, rows: ibis.Table, keys: list[str], age_limit: float
) -> ibis.Table:
    rows = rows.select(*keys, "day", "deal_id", nothing=_without_deal(rows))
    joined = rows.left_join(_dated(department, "deal_id"), "deal_id")
    place = ibis.cases(
        (_.deal_id.isnull(), _.nothing),
        (_.status.isnull(), _PLACE["unknown deal"]),
        else_=_state(age_limit),
    )
    return joined.mutate(place=place)


def _by_account(
    department: Department, rows: ibis.Table, keys: list[str], age_limit: float
) -> ibis.Table:
    """Take of the account's deals that were there by then the one that could best be meant."""
    rows = rows.select("activity_id", *keys, "day", "account_id", nothing=_without_deal(rows))
    deals = _dated(department, "account_id").filter(_.account_id.notnull())
    joined = rows.left_join(deals, "account_id")
    there = _.status.notnull() & (_.created_on.isnull() | (_.created_on <= _.day))
    place = ibis.ifelse(there, _state(age_limit), _.nothing)
    return joined.mutate(place=place).group_by(["activity_id", *keys]).agg(place=_.place.min())
