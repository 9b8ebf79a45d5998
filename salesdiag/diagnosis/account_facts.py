"""What customers bought in the window and the year before: the largest one by one, all by rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from salesdiag.department import Department
    from salesdiag.reductions.yearly import Years

_LARGEST = 50  # accounts that are looked at one by one
_OF_ACCOUNTS = ("segment", "territory")


def account_sums(department: Department, years: Years) -> pd.DataFrame:
    """Count the deals opened with the largest accounts of the year before, and what they bought.

    Deals opened tell more than deals won: they are more, and who has gone opens none.
    """
    deals = department.select_deals().filter(_.account_id.notnull())
    opened, closed = deals.created_at.date(), deals.closed_at.date()
    is_won = (deals.status == "won") & (deals.amount > 0)
    worth = deals.amount.cast("float64")

    def within(day: ibis.Value, side: str) -> ibis.Value:
        first, last = ((years.base_start, years.base_end) if side == "base"
                       else (years.start, years.end))  # fmt: skip
        return ((day >= first) & (day <= last)).fill_null(False)  # noqa: FBT003

    sums = deals.group_by("account_id").agg(
        n_base=deals.count(where=within(opened, "base")),
        n_now=deals.count(where=within(opened, "now")),
        n_won_base=deals.count(where=is_won & within(closed, "base")),
        base_amount=worth.sum(where=is_won & within(closed, "base")),
        now_amount=worth.sum(where=is_won & within(closed, "now")),
    )  # fmt: skip
    largest = sums.filter(sums.n_won_base > 0)
    largest = largest.order_by([ibis.desc("base_amount"), "account_id"]).limit(_LARGEST)
    return fetch(largest).fillna({"now_amount": 0.0, "base_amount": 0.0})


def order_cells(department: Department, years: Years, *, without: Sequence[str]) -> pd.DataFrame:
    """Count, month by month, who bought earlier in the same year, and who of them came back.

    ``lag`` is the number of months since the last purchase. The rate falls with it, so that
    lags are to be held equal. Purchases of an earlier year do not count: the first year of the
    data cannot know them, and who is known from fewer of them buys more often.
    """
    at_risk, placed = _customers(department, years, without)
    both = at_risk.left_join(placed, ["account_id", "month_in"]).drop(
        "account_id_right", "month_in_right"
    )
    known = department.table("accounts").columns if department.has("accounts") else ()
    places = [one for one in _OF_ACCOUNTS if one in known]
    rows = department.with_keys(both, places)
    keys = ["side", "month_in", "lag", *places]
    cells = fetch(
        rows.group_by(keys).agg(n_at_risk=_.count(), n_orders=_.n_orders.count())
    ).sort_values(keys, ignore_index=True)
    cells["n_orders"] = cells["n_orders"].fillna(0).astype(float)
    first = 12 * years.base_start.year + years.base_start.month
    return cells.assign(month=(cells["month_in"].astype(int) - first) % 12).drop(columns="month_in")


def order_spread(department: Department, years: Years, *, without: Sequence[str]) -> float:
    """Tell how much more than by chance the returns of a year scatter among customers.

    The mean square of a customer's months with an order over their mean: 1 if nobody came twice.
    """
    at_risk, placed = _customers(department, years, without)
    each = placed.join(at_risk, ["account_id", "month_in"]).group_by(["account_id", "side"])
    sums = each.agg(n=_.count()).agg(n=_.n.sum(), squares=(_.n * _.n).sum())
    row = fetch(sums).iloc[0]
    return float(row["squares"] / row["n"]) if row["n"] > 0 else 1.0


def _customers(
    department: Department, years: Years, without: Sequence[str]
) -> tuple[ibis.Table, ibis.Table]:
    """Give the months in which each customer was at risk of ordering, and the orders by month."""
    department.require(deals=["account_id", "created_at", "closed_at"])
    deals = department.select_deals().filter(_.account_id.notnull())
    if without:
        deals = deals.filter(~deals.account_id.isin(list(without)))
    first = 12 * years.base_start.year + years.base_start.month
    bought = deals.filter(_.status == "won").select("account_id", bought_in=_month(deals.closed_at))
    bought = _with_side(bought, bought.bought_in, first).distinct()
    orders = deals.filter(_.created_at.notnull()).select(
        "account_id", month_in=_month(deals.created_at)
    )
    months = department.select_deals().filter(_.created_at.notnull())
    months = months.select(month_in=_month(months.created_at)).distinct()
    months = _with_side(months, _.month_in, first)
    months = months.rename(side_in="side")
    at_risk = bought.join(
        months, [bought.bought_in < months.month_in, bought.side == months.side_in]
    )
    at_risk = at_risk.group_by(["account_id", "month_in", "side"]).agg(
        lag=(_.month_in - _.bought_in).min()
    )
    return at_risk, orders.group_by(["account_id", "month_in"]).agg(n_orders=_.count())


def _with_side(rows: ibis.Table, month: ibis.Value, first: int) -> ibis.Table:
    """Put months into window and base; others are left out."""
    rows = rows.filter((month >= first) & (month < first + 24))
    return rows.mutate(side=ibis.ifelse(month >= first + 12, "now", "base"))


def _month(moment: ibis.Value) -> ibis.Value:
    return 12 * moment.year() + moment.month()
