"""How activities are tied to deals: by the deal they name, else by its account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis

from salesdiag.department import UNASSIGNED
from salesdiag.errors import InputError
from salesdiag.schema import ACTIVITY_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

Link = Literal["deal", "account"]


def link_of(department: Department, link: Link | None) -> Link:
    """Tell by what activities are tied to deals: as asked, else what the tables allow.

    Raises
    ------
    MissingDataError
        If activities name neither deals nor accounts, or not what was asked for.
    InputError
        If the link is no known one.
    """
    if link not in (None, "deal", "account"):
        message = f"link must be deal or account; got {link!r}."
        raise InputError(message)
    if link is None:
        by_account = department.has("activities", "account_id") and department.has(
            "deals", "account_id"
        )
        link = "account" if by_account and not department.has("activities", "deal_id") else "deal"
    department.require(activities=[f"{link}_id"], deals=[f"{link}_id"])
    return link


def typed_activities(
    department: Department,
    own_keys: Sequence[str],
    *,
    first: date | None = None,
    last: date | None = None,
) -> ibis.Table:
    """Give the activities of a window with ``day``, a known type, a rep, and their own keys."""
    rows = department.table("activities")
    day = rows.occurred_at.date()
    kind = rows.activity_type
    rep = rows.rep_id if "rep_id" in rows.columns else ibis.null().cast("string")
    rows = rows.mutate(
        day=day,
        activity_type=ibis.ifelse(kind.isin(ACTIVITY_TYPES), kind, "other"),
        rep_id=rep.fill_null(UNASSIGNED),
        **{key: rows[key].cast("string").fill_null(UNASSIGNED) for key in own_keys},
    )
    rows = rows.filter(rows.day >= first) if first is not None else rows
    return rows.filter(rows.day <= last) if last is not None else rows
