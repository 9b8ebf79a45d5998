"""The leads of a window, one row a lead, with what they can be split by and what they became."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError, MissingDataError
from salesdiag.narrow import refuse_key, refuse_twice
from salesdiag.periods import parse_day
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

MOST_KINDS = 8  # kinds of a column that are told apart; rarer ones stand together
OTHER = "other kinds"
_OF_DEAL = ("deal_status", "deal_at", "deal_closed_at", "deal_amount")
_LINKS = ("own_deal_id", "named_deal_id", "other_deal_id", "of_lead_id", "first_deal_id",
          "place_of_row")  # fmt: skip


def check_keys(
    department: Department, by: str | Sequence[str], results: Sequence[str]
) -> list[str]:
    """Check what to split by: columns of ``leads`` or ``reps``, named like no result.

    Raises
    ------
    MissingDataError
        If there are no leads, or no table holds the column.
    InputError
        If it is a column of deals or accounts only, no text, a result's name, or named twice.
    """
    department.require(leads=["lead_id", "created_at"])
    keys = [by] if isinstance(by, str) else list(by)
    homes = _homes(department)
    for key in keys:
        if key in homes:
            refuse_key(homes[key], key, [*results, *_OF_DEAL, *_LINKS])
            continue
        known = ", ".join(sorted(homes))
        if department.has("reps", key):
            department.require(leads=["rep_id"])
        elsewhere = [name for name in ("deals", "accounts") if department.has(name, key)]
        if elsewhere:
            message = (
                f"by: {key!r} is a column of {elsewhere[0]} and says nothing of leads; split by "
                f"one of {known}."
            )
            raise InputError(message + suggest(key, homes))
        message = f"by: no table has a column {key!r} to split by; there are {known}."
        raise MissingDataError(message + suggest(key, homes), missing=(f"leads.{key}",))
    refuse_twice(keys)
    return keys


def _homes(department: Department) -> dict[str, str]:
    """Tell which table holds each column that leads can be split by; their own goes first."""
    homes: dict[str, str] = {}
    if department.has("leads", "rep_id") and department.has("reps"):
        homes |= dict.fromkeys(department.table("reps").columns, "reps")
    return homes | dict.fromkeys(department.table("leads").columns, "leads")


def lead_facts(department: Department) -> pd.DataFrame:
    """Give the first day of the leads, and whether their ids and deals repeat, fetched once."""
    leads = department.table("leads")
    asked = {"n_rows": _.count(), "n_ids": _.lead_id.nunique(),
             "first_on": _.created_at.min().date()}  # fmt: skip
    if "deal_id" in leads.columns:
        asked |= {"n_named": _.deal_id.count(), "n_deals": _.deal_id.nunique()}

    def make() -> pd.DataFrame:
        return fetch(leads.agg(**asked))

    return department.remember("lead facts", make)


def first_day(department: Department) -> date:
    """Give the day of the first lead, at most ``as_of``."""
    first = lead_facts(department)["first_on"].iloc[0]
    return department.as_of if pd.isna(first) else min(first.date(), department.as_of)


def select_leads(
    department: Department,
    keys: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
    links: bool = False,
) -> ibis.Table:
    """Give the leads that came in within a window, up to ``as_of``, with the columns to split by.

    Of rows with one ``lead_id`` the first to come in is kept, whether or not it lies in the
    window. What is dated after ``as_of`` has not happened yet: a response, a qualification, and
    what the status has said since. ``rep_id`` is "unassigned" where missing. Columns that the
    schema does not know are left out, but for the keys.

    With ``links`` there are also ``named_deal_id``, the deal that the lead names, else the first
    that names it, and ``own_deal_id``, the same for the first lead of a deal only. Both are
    settled among all leads, so a window never hands a deal to another lead.
    """
    leads = department.table("leads")
    as_of = ibis.literal(department.as_of)
    leads = leads.filter(leads.created_at.date() <= as_of)
    facts = lead_facts(department)
    if facts["n_ids"].iloc[0] < facts["n_rows"].iloc[0]:
        leads = _first_of_each(leads)
    known = {*TABLES["leads"].names, *keys}
    leads = _as_they_stood(leads.select(*[one for one in leads.columns if one in known]), as_of)
    if links and is_linked(department):
        leads = _with_links(department, leads)
    if end is not None:
        leads = leads.filter(leads.created_at.date() <= ibis.literal(parse_day(end, "end")))
    if start is not None:
        leads = leads.filter(leads.created_at.date() >= ibis.literal(parse_day(start, "start")))
    keyed = department.with_keys(leads, keys)
    rep = keyed.rep_id if "rep_id" in keyed.columns else ibis.null().cast("string")
    return keyed.mutate(rep_id=rep.fill_null(UNASSIGNED))


def _as_they_stood(leads: ibis.Table, as_of: ibis.Value) -> ibis.Table:
    """Forget what happened after ``as_of``; a status that came with it, too."""
    columns = {
        name: ibis.ifelse(leads[name].date() <= as_of, leads[name], ibis.null())
        for name in ("first_response_at", "qualified_at")
        if name in leads.columns
    }
    if {"qualified_at", "status"} <= set(leads.columns):
        later = (leads.qualified_at.date() > as_of).fill_null(False)  # noqa: FBT003
        columns["status"] = ibis.ifelse(later, ibis.null(), leads.status)
    return leads.mutate(**columns) if columns else leads


def count_repeated(department: Department) -> int:
    """Count the rows of leads whose id stands in another row too."""
    facts = lead_facts(department)
    return int(facts["n_rows"].iloc[0] - facts["n_ids"].iloc[0])


def _first_of_each(leads: ibis.Table) -> ibis.Table:
    others = [name for name in TABLES["leads"].names if name in leads.columns]
    others += sorted(set(leads.columns) - set(others))  # so that no order of rows decides
    order = [leads.created_at, *(leads[name] for name in others)]
    place = ibis.row_number().over(group_by=leads.lead_id, order_by=order)
    placed = leads.mutate(place_of_row=place)
    return placed.filter(placed.place_of_row == 0).drop("place_of_row")


def is_linked(department: Department) -> bool:
    """Tell whether leads and deals name each other."""
    return department.has("leads", "deal_id") or department.has("deals", "lead_id")


def _with_links(department: Department, leads: ibis.Table) -> ibis.Table:
    """Add the deal of each lead: the one it names, else the first that names the lead."""
    facts = lead_facts(department).iloc[0]
    names = "deal_id" in leads.columns and facts["n_named"] > 0
    is_named = department.has("deals", "lead_id") and not (names and _agrees(department))
    found: ibis.Value = leads.deal_id if names else ibis.null().cast("string")
    if is_named:
        deals = department.select_deals()
        deals = deals.filter(deals.lead_id.notnull())
        at = deals.created_at if "created_at" in deals.columns else ibis.null("timestamp")
        place = ibis.row_number().over(group_by=deals.lead_id, order_by=[at, deals.deal_id])
        firsts = deals.select(of_lead_id=deals.lead_id, first_deal_id=deals.deal_id, place=place)
        firsts = firsts.filter(firsts.place == 0).drop("place")
        leads = leads.left_join(firsts, leads.lead_id == firsts.of_lead_id)
        found = leads.deal_id.coalesce(leads.first_deal_id) if names else leads.first_deal_id
    leads = leads.mutate(named_deal_id=found)
    own: ibis.Value = leads.named_deal_id
    # a deal names one lead, but several leads may name a deal, or one it and another be named
    if names and (is_named or facts["n_deals"] < facts["n_named"]):
        order = [leads.created_at, leads.lead_id]
        place = ibis.row_number().over(group_by=leads.named_deal_id, order_by=order)
        own = ibis.ifelse(place == 0, leads.named_deal_id, ibis.null())
    return leads.mutate(own_deal_id=own)


def _agrees(department: Department) -> bool:
    """Tell whether each deal that names a lead is named by it, so one side says it all."""
    leads, deals = department.table("leads"), department.table("deals")

    def make() -> pd.DataFrame:
        pairs = deals.filter(deals.lead_id.notnull()).select("lead_id", "deal_id")
        rest = pairs.anti_join(leads.select("lead_id", "deal_id"), ["lead_id", "deal_id"])
        return fetch(rest.agg(n=_.count()))

    return int(department.remember("deals that leads do not name", make)["n"].iloc[0]) == 0


def with_deals(department: Department, leads: ibis.Table) -> ibis.Table:
    """Add what became of the deal of each lead, where it has one.

    Needs the leads with their ``links``. Columns: ``deal_status``, ``deal_at`` (when the deal
    was created), ``deal_closed_at``, ``deal_amount``; null without a deal.
    """
    deals = department.select_deals()

    def column(name: str, kind: str) -> ibis.Value:
        return (deals[name] if name in deals.columns else ibis.null()).cast(kind)

    sides = deals.select(
        other_deal_id=deals.deal_id,
        deal_status=deals.status,
        deal_at=column("created_at", "timestamp"),
        deal_closed_at=column("closed_at", "timestamp"),
        deal_amount=column("amount", "float64"),
    )
    return leads.left_join(sides, leads.own_deal_id == sides.other_deal_id)


def qualified(leads: ibis.Table) -> ibis.Value | None:
    """Tell of each lead whether it is qualified; None where no column can tell.

    A date tells it, and so does the status of a lead without a date.
    """
    found: ibis.Value | None = None
    if "status" in leads.columns:
        found = leads.status.isin(["qualified", "converted"]).fill_null(False)  # noqa: FBT003
    if "qualified_at" in leads.columns:
        dated = leads.qualified_at.notnull()
        found = dated if found is None else dated | found
    return found


def merged_kind(department: Department, leads: ibis.Table, column: str, most: int) -> ibis.Value:
    """Keep the kinds of a column most frequent among all leads and put the others together."""
    if column not in leads.columns:
        return ibis.literal("")
    whole = department.table("leads")

    def make() -> pd.DataFrame:
        counts = whole.filter(whole[column].notnull()).group_by(column).agg(n=_.count())
        return fetch(counts.order_by(ibis.desc("n"), column).limit(MOST_KINDS))

    top = department.remember(f"kinds of leads by {column}", make)[column].tolist()[:most]
    named = leads[column].fill_null(UNASSIGNED)
    return ibis.ifelse(named.isin([*top, UNASSIGNED]), named, OTHER)


def groups_of(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """List the groups found in a frame, in order, and always "unassigned"."""
    if not keys:
        return pd.DataFrame(index=[0])
    nobody = pd.DataFrame([[UNASSIGNED] * len(keys)], columns=keys)
    found = pd.concat([frame[keys].astype("str"), nobody.astype("str")], ignore_index=True)
    return found.drop_duplicates().sort_values(keys).reset_index(drop=True)


def joined(rows: pd.DataFrame, sums: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Put sums beside rows; without columns to join on, the one row of sums beside all rows."""
    if on:
        return rows.merge(sums, on=on, how="left")
    return rows.merge(sums, how="cross") if len(sums) else rows.reindex(
        columns=[*rows.columns, *sums.columns]
    )  # fmt: skip
