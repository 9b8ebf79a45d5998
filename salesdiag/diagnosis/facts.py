"""What each step of the sale looked like in the window and a year before, place by place.

Each function is one question to the engine, in the cells that `contrasts` compares.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.reductions.waits import deal_waits
from salesdiag.reductions.yearly import OF_REPS, places_of, yearly_cells

if TYPE_CHECKING:
    import pandas as pd

    from salesdiag.department import Department
    from salesdiag.reductions.yearly import Years


def lead_cells(department: Department, years: Years, *, settle_days: int) -> pd.DataFrame:
    """Count leads by month of coming in: answered, how late, worked at all, become a deal.

    Only what happened within ``settle_days`` counts, for leads of the year before have had more
    time since; leads younger than that are left out of ``n_settled``. A lead with a deal has
    been worked, whether or not anybody wrote it down.
    """
    leads = _with_first_contact(department)
    settled_on = leads.created_at.date() + ibis.interval(days=settle_days)
    wait = leads.first_response_at.delta(leads.created_at, unit="second").cast("float64")
    is_prompt = (leads.first_response_at.date() <= settled_on) & (wait >= 0)
    is_prompt = is_prompt & (leads.first_response_at.date() <= department.as_of)
    hours = ibis.greatest(wait / 3600, 1 / 60)
    is_settled = leads.created_at.date() <= department.as_of - timedelta(days=settle_days)
    rows = leads.mutate(
        is_settled=is_settled,
        is_deal=(leads.opened_on <= settled_on).fill_null(False),  # noqa: FBT003
        is_touched=((leads.first_response_at.date() <= settled_on).fill_null(False)  # noqa: FBT003
                    | (leads.seen_on <= settled_on).fill_null(False)),  # noqa: FBT003
        log_hours=ibis.ifelse(is_prompt & is_settled, hours.log(), ibis.null("float64")),
    )  # fmt: skip
    return yearly_cells(
        department, rows, rows.created_at.date(), years, places_of(department, "leads"),
        {
            "n_leads": _.count(),
            "n_settled": _.count(where=_.is_settled),
            "n_untouched": _.count(where=_.is_settled & ~_.is_touched & ~_.is_deal),
            "n_deals": _.count(where=_.is_settled & _.is_deal),
            "n_answered": _.log_hours.count(),
            "log_hours": _.log_hours.sum(),
            "log_squares": (_.log_hours * _.log_hours).sum(),
        },
    )  # fmt: skip


def _with_first_contact(department: Department) -> ibis.Table:
    """Give the leads up to ``as_of`` with the day of their first activity and of their deal."""
    leads = department.table("leads")
    leads = leads.filter(leads.created_at.date() <= department.as_of)
    for name, kind in (("first_response_at", "timestamp"), ("deal_id", "string")):
        if name not in leads.columns:
            leads = leads.mutate(**{name: ibis.null(kind)})
    if department.has("activities", "lead_id"):
        acts = department.table("activities").filter(_.lead_id.notnull())
        seen = acts.group_by("lead_id").agg(seen_on=_.occurred_at.date().min())
        leads = leads.left_join(seen, "lead_id").drop("lead_id_right")
    else:
        leads = leads.mutate(seen_on=ibis.null("date"))
    if not department.has("deals", "created_at"):
        known = leads.deal_id.notnull()
        return leads.mutate(
            opened_on=ibis.ifelse(known, leads.created_at.date(), ibis.null("date"))
        )
    deals = department.table("deals").select("deal_id", opened_on=_.created_at.date())
    opened = deals.group_by("deal_id").agg(opened_on=_.opened_on.min())
    return leads.left_join(opened, "deal_id").drop("deal_id_right")


def created_cells(department: Department, years: Years, *, within_days: int) -> pd.DataFrame:
    """Count deals by month of creation, and those won within some days of it."""
    deals = department.select_deals()
    age = deals.closed_at.date().delta(deals.created_at.date(), unit="day")
    has_lead = deals.lead_id.notnull() if "lead_id" in deals.columns else ibis.literal(value=False)
    rows = deals.mutate(
        is_settled=_.created_at.date() <= department.as_of - timedelta(days=within_days),
        is_unled=~has_lead,
        is_won=((_.status == "won") & (age <= within_days)).fill_null(False),  # noqa: FBT003
    )
    return yearly_cells(
        department, rows, rows.created_at.date(), years, places_of(department, "deals"),
        {
            "n_deals": _.count(),
            "n_unled": _.count(where=_.is_unled),
            "n_settled": _.count(where=_.is_settled),
            "n_won": _.count(where=_.is_settled & _.is_won),
        },
    )  # fmt: skip


def size_cells(department: Department, years: Years) -> pd.DataFrame:
    """Add up the logarithm of the list value of deals decided, by month of closing.

    Of all decided, not of those won alone: they are more, and what is asked is what reps put
    on the table.
    """
    deals = department.select_deals()
    listed = deals.amount if "list_amount" not in deals.columns else deals.list_amount
    value = ibis.ifelse(listed > 0, listed, deals.amount).cast("float64")
    rows = deals.mutate(listed=value).filter((_.status != "open") & (_.listed > 0))
    rows = rows.mutate(log_list=_.listed.log())
    return yearly_cells(
        department, rows, rows.closed_at.date(), years, places_of(department, "deals"),
        {
            "n_decided": _.count(),
            "listed": _.listed.sum(),
            "log_list": _.log_list.sum(),
            "log_list_squares": (_.log_list * _.log_list).sum(),
        },
    )  # fmt: skip


def won_cells(department: Department, years: Years) -> pd.DataFrame:
    """Add up deals won by month of closing: money, list value and discount.

    ``depth`` is the logarithm of list value over price: what a discount takes, and what a year's
    discounts can be averaged as, those of no discount too.
    """
    deals = department.select_deals()
    won = deals.filter((deals.status == "won") & (deals.amount > 0))
    listed = won.list_amount if "list_amount" in won.columns else won.amount
    won = won.mutate(
        worth=won.amount.cast("float64"),
        listed=ibis.ifelse(listed > 0, listed, won.amount).cast("float64"),
    )
    won = won.filter(_.listed > 0).mutate(depth=(_.listed / _.worth).log())
    return yearly_cells(
        department, won, won.closed_at.date(), years, places_of(department, "deals"),
        {
            "n_won": _.count(),
            "amount": _.worth.sum(),
            "amount_squares": (_.worth * _.worth).sum(),
            "list_amount": _.listed.sum(),
            "depth": _.depth.sum(),
            "depth_squares": (_.depth * _.depth).sum(),
        },
    )  # fmt: skip


def step_cells(department: Department, years: Years, *, within_days: int) -> pd.DataFrame:
    """Count deals by step and the month in which they reached it, and what became of them.

    A deal that has passed a stage has reached it. Only those count that could be watched for
    ``within_days``, so that all months have had the same time.
    """
    places = places_of(department, "deals")
    deals = department.select_deals(by=places)
    waits = deal_waits(department, deals, places, department.ladder())
    in_time = waits.wait_days <= within_days
    rows = waits.mutate(
        is_settled=_.here_at.date() <= department.as_of - timedelta(days=within_days),
        went_on=waits.next_at.notnull() & in_time,
        is_lost=waits.next_at.isnull() & waits.end_at.notnull() & in_time,
        is_skipped=waits.entered_at.isnull() & waits.next_at.notnull(),
    ).filter(_.is_settled)
    return yearly_cells(
        department, rows, rows.here_at.date(), years, places,
        {
            "n_here": _.count(),
            "n_on": _.count(where=_.went_on),
            "n_lost": _.count(where=_.is_lost),
            "n_skipped": _.count(where=_.is_skipped),
        },
        also=["step"],
    )  # fmt: skip


def money_cells(department: Department, years: Years) -> pd.DataFrame:
    """Add up the money of deals won on each side, by what of them happened inside it.

    ``of_leads`` is that of deals whose lead came in within the same year, ``of_deals`` that of
    deals opened within it, ``of_repeats`` of these with customers who had bought before;
    ``cost`` is known where the deals carry it (``costed`` is the
    money of those).
    """
    deals = department.select_deals()
    won = deals.filter((deals.status == "won") & (deals.amount > 0))
    places = places_of(department, "deals")
    if department.has("leads", "deal_id", "created_at"):
        leads = department.table("leads").filter(_.deal_id.notnull())
        born = leads.group_by("deal_id").agg(came_on=_.created_at.min().date())
        won = won.left_join(born, "deal_id").drop("deal_id_right")
    else:
        won = won.mutate(came_on=won.created_at.date())
    if "account_id" in won.columns:
        bought = deals.filter((deals.status == "won") & deals.account_id.notnull())
        first = bought.group_by("account_id").agg(bought_on=_.closed_at.min().date())
        won = won.left_join(first, "account_id").drop("account_id_right")
        begin = _begin_of(won, years)
        again = (won.created_at.date() > won.bought_on) & (won.created_at.date() >= begin)
    else:
        again = ibis.literal(value=False)
    begin = _begin_of(won, years)
    cost = won.cost_amount if "cost_amount" in won.columns else ibis.null("float64")
    rows = won.mutate(
        worth=won.amount.cast("float64"), cost=cost.cast("float64"),
        is_late=(won.created_at.date() >= begin).fill_null(False),  # noqa: FBT003
        came=(won.came_on >= begin).fill_null(False),  # noqa: FBT003
        again=again.fill_null(False),  # noqa: FBT003
    )  # fmt: skip
    return yearly_cells(
        department, rows, rows.closed_at.date(), years, places,
        {
            "amount": _.worth.sum(),
            "of_leads": _.worth.sum(where=_.came),
            "of_deals": _.worth.sum(where=_.is_late),
            "of_repeats": _.worth.sum(where=_.again),
            "costed": _.worth.sum(where=_.cost.notnull()),
            "cost": _.cost.sum(),
        },
    )  # fmt: skip


def _begin_of(won: ibis.Table, years: Years) -> ibis.Value:
    """Give the first day of the side in which a deal was won."""
    is_now = won.closed_at.date() >= years.start
    return ibis.ifelse(is_now, ibis.literal(years.start), ibis.literal(years.base_start))


def step_money(department: Department, years: Years) -> pd.DataFrame:
    """Add up the money won in the window by step, of deals that reached the step inside it."""
    places = places_of(department, "deals")
    deals = department.select_deals(by=places, start=years.start, end=years.end, on="closed_at")
    won = deals.filter((deals.status == "won") & (deals.amount > 0))
    waits = deal_waits(department, won, places, department.ladder())
    worth = won.select("deal_id", worth=won.amount.cast("float64"))
    rows = waits.join(worth, "deal_id").filter(_.here_at.date() >= years.start)
    return yearly_cells(
        department, rows, ibis.literal(years.end), years, places, {"amount": _.worth.sum()},
        also=["step"],
    )  # fmt: skip


def effort_cells(department: Department, years: Years, *, winnable_days: int) -> pd.DataFrame:
    """Count activities on deals by month and rep: on live ones, and on closed or dead ones."""
    deals = department.select_deals().select("deal_id", "created_at", "closed_at", "status")
    acts = department.table("activities").filter(
        _.deal_id.notnull() & (_.occurred_at.date() <= department.as_of)
    )
    places = [one for one in places_of(department, "activities") if one in OF_REPS]
    kept = [one for one in ("rep_id", "occurred_at", "deal_id") if one in acts.columns]
    joined = acts.select(*kept).join(deals, "deal_id")
    day = joined.occurred_at.date()
    is_over = joined.closed_at.date() < day
    is_old = day.delta(joined.created_at.date(), unit="day") > winnable_days
    rows = joined.mutate(is_dead=(is_over | is_old).fill_null(False))  # noqa: FBT003
    return yearly_cells(
        department, rows, rows.occurred_at.date(), years, places,
        {"n_all": _.count(), "n_dead": _.count(where=_.is_dead)},
    )  # fmt: skip
