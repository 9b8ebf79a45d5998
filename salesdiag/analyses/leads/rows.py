"""The leads of a window, one row a lead, with what they can be split by and what they became."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, suggest
from salesdiag.errors import InputError, MissingDataError
from salesdiag.narrow import refuse_key
from salesdiag.periods import parse_day
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

MOST_KINDS = 8  # kinds of a column that are told apart; rarer ones stand together
OTHER = "other kinds"
_OF_DEAL = ("deal_status", "deal_at", "deal_closed_at", "deal_amount")


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
            refuse_key(homes[key], key, results)
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
    if len(set(keys)) < len(keys):
        message = f"by names a column twice: {keys!r}."
        raise InputError(message)
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
) -> ibis.Table:
    """Give the leads that came in within a window, up to ``as_of``, with the columns to split by.

    Of rows with one ``lead_id`` the first to come in is kept. What is dated after ``as_of`` has
    not happened yet: a response, a qualification. ``rep_id`` is "unassigned" where missing.
    """
    leads = department.table("leads")
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    leads = leads.filter(leads.created_at.date() <= ibis.literal(last))
    if start is not None:
        leads = leads.filter(leads.created_at.date() >= ibis.literal(parse_day(start, "start")))
    facts = lead_facts(department)
    if facts["n_ids"].iloc[0] < facts["n_rows"].iloc[0]:
        leads = _first_of_each(leads)
    as_of = ibis.literal(department.as_of)
    known = {
        name: ibis.ifelse(leads[name].date() <= as_of, leads[name], ibis.null())
        for name in ("first_response_at", "qualified_at")
        if name in leads.columns
    }
    leads = leads.mutate(**known) if known else leads
    keyed = department.with_keys(leads, keys)
    rep = keyed.rep_id if "rep_id" in keyed.columns else ibis.null().cast("string")
    return keyed.mutate(rep_id=rep.fill_null(UNASSIGNED))


def count_repeated(department: Department) -> int:
    """Count the rows of leads whose id stands in another row too."""
    facts = lead_facts(department)
    return int(facts["n_rows"].iloc[0] - facts["n_ids"].iloc[0])


def _first_of_each(leads: ibis.Table) -> ibis.Table:
    others = [name for name in TABLES["leads"].names if name in leads.columns]
    order = [leads.created_at, *(leads[name] for name in others)]
    place = ibis.row_number().over(group_by=leads.lead_id, order_by=order)
    placed = leads.mutate(place_of_row=place)
    return placed.filter(placed.place_of_row == 0).drop("place_of_row")


def is_linked(department: Department) -> bool:
    """Tell whether leads and deals name each other."""
    return department.has("leads", "deal_id") or department.has("deals", "lead_id")


def _names_deals(department: Department) -> bool:
    """Tell whether leads name their deals, and not only deals their leads."""
    if not department.has("leads", "deal_id"):
        return False
    return lead_facts(department)["n_named"].iloc[0] > 0 or not department.has("deals", "lead_id")


def with_deals(department: Department, leads: ibis.Table) -> ibis.Table:
    """Add what became of the deal of each lead, where it has one.

    Columns: ``deal_status``, ``deal_at`` (when the deal was created), ``deal_closed_at``,
    ``deal_amount``; null without a deal. A deal that several leads name is that of the first
    of them; a lead that several deals name has the first of these.
    """
    deals = department.select_deals()

    def column(name: str, kind: str) -> ibis.Value:
        return (deals[name] if name in deals.columns else ibis.null()).cast(kind)

    deals = deals.select(
        *[name for name in ("deal_id", "lead_id") if name in deals.columns],
        deal_status=deals.status,
        deal_at=column("created_at", "timestamp"),
        deal_closed_at=column("closed_at", "timestamp"),
        deal_amount=column("amount", "float64"),
    )
    if _names_deals(department):
        facts = lead_facts(department).iloc[0]
        own: ibis.Value = leads.deal_id
        if facts["n_deals"] < facts["n_named"]:
            order = [leads.created_at, leads.lead_id]
            place = ibis.row_number().over(group_by=leads.deal_id, order_by=order)
            own = ibis.ifelse(place == 0, leads.deal_id, ibis.null())
        named = leads.mutate(own_deal_id=own)
        sides = deals.select(*_OF_DEAL, other_deal_id=deals.deal_id)
        return named.left_join(sides, named.own_deal_id == sides.other_deal_id)
    leads = leads.drop("deal_id") if "deal_id" in leads.columns else leads
    order = [deals.deal_at, deals.deal_id]
    place = ibis.row_number().over(group_by=deals.lead_id, order_by=order)
    firsts = deals.filter(deals.lead_id.notnull()).mutate(place=place)
    firsts = firsts.filter(firsts.place == 0).drop("place")
    joined = leads.left_join(firsts, "lead_id").drop("lead_id_right")
    return joined.rename(own_deal_id="deal_id")


def qualified(leads: ibis.Table) -> ibis.Value | None:
    """Tell of each lead whether it is qualified; None where no column can tell."""
    found: ibis.Value | None = None
    if "qualified_at" in leads.columns:
        found = leads.qualified_at.notnull()
    elif "status" in leads.columns:
        found = leads.status.isin(["qualified", "converted"]).fill_null(False)  # noqa: FBT003
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
