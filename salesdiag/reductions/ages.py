"""At which age deals were won, lost or last seen open, and what the won ones brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

UNKNOWN = -1  # in place of the age of deals without the dates to tell it
AGE_COUNTS = ["n_won", "n_lost", "n_open"]
RESERVED = ("age_days", "created_on", "ended_on", "bundle", "won_amount")
_BUNDLES = 40
_PRIME = 46_337  # 2 modulo 3, so that cubes take every value once


def age_cells(
    department: Department, keys: Sequence[str] = (), *,
    start: date | str | None = None, end: date | str | None = None, bundled: bool = False,
    until: date | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Count deals created in a window by group and age at the end, or at ``as_of`` if open.

    Of what happened after the day ``until``, if one is given, nothing is known.

    Columns: the keys, ``bundle`` if ``bundled``, ``age_days`` (`UNKNOWN` without a day of creation,
    or decided without a day of closing; dates in the wrong order make 0), `AGE_COUNTS`,
    and for deals won that carry one their ``won_amount`` and ``n_priced``.
    """
    department.require(deals=["deal_id", "status", "created_at", "closed_at"])
    deals = department.select_deals(by=list(keys), start=start, end=end)
    if until is not None:
        deals = deals.filter(deals.created_at.isnull() | (deals.created_at.date() <= until))
        later = (deals.closed_at.date() > until).fill_null(False)  # noqa: FBT003
        deals = deals.mutate(status=ibis.ifelse(later, "open", deals.status))
    as_of = ibis.literal(until or department.as_of).cast("date")
    deals = deals.mutate(
        created_on=deals.created_at.date(),
        ended_on=ibis.ifelse(deals.status == "open", as_of, deals.closed_at.date()),
    )
    age = deals.ended_on.delta(deals.created_on, unit="day")
    is_known = deals.created_on.notnull() & deals.ended_on.notnull()
    deals = deals.mutate(
        age_days=ibis.ifelse(is_known, ibis.greatest(age, 0).cast("int64"), UNKNOWN)
    )
    by = [*keys, "age_days"]
    if bundled:
        deals, by = with_bundles(deals), [*keys, "bundle", "age_days"]
    won = _.status == "won"
    sums = {
        "n_won": _.count(where=won), "n_lost": _.count(where=_.status == "lost"),
        "n_open": _.count(where=_.status == "open"),
    }  # fmt: skip
    if "amount" in deals.columns:
        sums["n_priced"] = _.amount.count(where=won)
        sums["won_amount"] = _.amount.sum(where=won).cast("float64")
    frame = fetch(deals.group_by(by).agg(**sums))
    if "amount" not in deals.columns:
        frame = frame.assign(n_priced=0, won_amount=0.0)
    frame["won_amount"] = frame["won_amount"].astype(float).fillna(0.0)
    counts = dict.fromkeys(["age_days", *AGE_COUNTS, "n_priced"], "int64")
    return frame.astype(counts).sort_values(by, ignore_index=True)


def with_bundles(deals: ibis.Table) -> ibis.Table:
    """Add ``bundle``: accounts dealt into few bundles, deals without one by day of creation.

    The same on every engine and in any order of rows; the deals of an account stay together.
    """
    day = deals.created_on.delta(ibis.literal("2000-01-01").cast("date"), unit="day")
    by_day = _dealt(day.cast("int64") % _PRIME + _PRIME)
    by_day = ibis.coalesce(by_day, 0).cast("int64")
    if "account_id" not in deals.columns:
        return deals.mutate(bundle=by_day)
    accounts = deals.filter(deals.account_id.notnull()).select("account_id").distinct()
    place = ibis.row_number().over(order_by=accounts.account_id).cast("int64")
    accounts = accounts.mutate(place=place)
    accounts = accounts.select("account_id", account_bundle=_dealt(accounts.place))
    joined = deals.mutate(day_bundle=by_day).left_join(accounts, "account_id")
    bundle = ibis.coalesce(joined.account_bundle, joined.day_bundle)
    return joined.mutate(bundle=bundle.cast("int64"))


def _dealt(place: ibis.Value) -> ibis.Value:
    """Deal numbers out as if at random, by their cube modulo a prime."""
    start = (place + 12_345) % _PRIME
    return ((start * start) % _PRIME * start) % _PRIME % _BUNDLES
