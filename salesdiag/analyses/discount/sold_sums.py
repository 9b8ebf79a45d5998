"""The reduction under price, volume and mix: what was sold, by item, window and account."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ibis
from ibis import _

from salesdiag.engine import fetch, steady, suggest
from salesdiag.errors import MissingDataError
from salesdiag.reductions.buckets import with_buckets
from salesdiag.reductions.deal_prices import booked_deals, line_prices

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

SOLD, RETURNS, UNSPLIT, NOTHING = "sold", "returns", "unsplit", "nothing"
UNKNOWN = "unassigned"  # an item or a currency that is not named
COUNTS = ["n_deals", "n_undated", "n_without_lines", "n_returns", "n_left_out"]


class Windows(NamedTuple):
    """The days that are compared."""

    base_start: date
    base_end: date
    window_start: date
    window_end: date


def sold_sums(
    department: Department, keys: list[str], item: str, windows: Windows
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up quantity and money per group, kind of money, item, bucket of accounts and window.

    The kinds are "sold" (a quantity and a money above 0), "returns" (money below 0: what came
    back, credits) and "unsplit": the money of a deal won that is in none of its lines, or in
    lines without a quantity above 0. All kinds together are the money of the deals won: their
    amounts, or the net prices of their lines where there is no amount.

    The second table holds, per group, ``n_accounts`` and `COUNTS`.
    """
    department.require(deals=["closed_at"])
    sold = _sold(department, keys, item)
    base = sold.closed_on.between(windows.base_start, windows.base_end)
    window = sold.closed_on.between(windows.window_start, windows.window_end)
    unknown = sold.closed_on.isnull() & sold.is_deal
    side = ibis.cases((base, "base"), (window, "window"), (unknown, "undated"))
    sold = sold.mutate(side=side).filter(_.side.notnull())
    dated = _.side != "undated"
    summed = sold.group_by([*keys, "kind", "item", "side", "cluster"]).agg(
        quantity=_.quantity.sum(),
        value=_.value.sum(),
        foreign=_.foreign.sum(),
        n_deals=_.count(where=dated & _.is_deal),
        n_undated=_.count(where=~dated),
        n_without_lines=_.count(where=dated & _.is_bare),
        n_returns=_.count(where=dated & (_.kind == RETURNS)),
        n_left_out=_.count(where=dated & (_.kind == NOTHING)),
    )
    moves = (summed.side != "undated") & (summed.kind != NOTHING) & (summed.value != 0)
    summed = with_buckets(summed.mutate(moves=moves.fill_null(False)), "cluster")  # noqa: FBT003
    # of each account one row counts it
    place = ibis.row_number().over(
        group_by=[*keys, "cluster", "moves"], order_by=["kind", "item", "side"]
    )
    by = [*keys, "moves", "kind", "item", "side", "bucket"]
    rows = fetch(
        summed.mutate(is_first=place == 0)
        .group_by(by)
        .agg(
            quantity=_.quantity.sum(),
            value=_.value.sum(),
            foreign=_.foreign.sum(),
            n_accounts=_.count(where=_.is_first & _.moves),
            **{name: _[name].sum() for name in COUNTS},
        )
    )
    rows = rows.sort_values(by).reset_index(drop=True)
    whole = ["n_accounts", *COUNTS]
    rows[whole] = rows[whole].astype("int64")
    counts = (
        rows.groupby(keys, as_index=False)[whole].sum() if keys else rows[whole].sum().to_frame().T
    )
    rows = rows[rows["moves"]].drop(columns=["moves", *whole]).reset_index(drop=True)
    rows["value"] = rows["value"].astype(float)  # exact: a sum of decimals
    for name in ("quantity", "foreign"):
        rows[name] = steady(rows[name].astype(float))
    return rows, counts


def _sold(department: Department, keys: list[str], item: str) -> ibis.Table:
    """Give what was won: lines, and what deals brought besides; or deals as units of an item."""
    fx = department.has("fx_rates") and department.has("deals", "currency")
    extra = ["currency"] if fx else []
    if not department.has("line_items"):
        _require_item(department, item)
        deals = booked_deals(department, keys, extra=[*extra, item]).filter(_.status == "won")
        one = deals.mutate(value=deals.price_booked, quantity=ibis.literal(1.0), item=deals[item])
        return _ready(one, department, keys, fx=fx).mutate(is_deal=True, is_bare=False)
    in_lines = department.has("line_items", item)
    if not in_lines:
        _require_item(department, item)
    own = extra if in_lines else [*extra, item]
    lines = line_prices(department, keys, extra=own, columns=[item] if in_lines else [])
    lines = lines.filter(_.has_line & (_.status == "won"))
    lines = lines.mutate(value=lines.price_net, item=lines[item])
    of_lines = _ready(lines, department, keys, fx=fx).mutate(is_deal=False, is_bare=False)
    deals = booked_deals(department, keys).filter(_.status == "won")
    return of_lines.union(_beside_lines(deals, keys), distinct=False)


def _beside_lines(deals: ibis.Table, keys: list[str]) -> ibis.Table:
    """Give what each deal brought that is in none of its lines."""
    rest = deals.price_booked - ibis.coalesce(deals.lines_net, 0)
    kind = ibis.cases(
        (deals.is_quoted, UNSPLIT),
        (rest < 0, RETURNS),
        (rest > 0, UNSPLIT),
        else_=NOTHING,
    )
    return deals.select(
        *keys, "closed_on", "cluster",
        item=ibis.literal(""), kind=kind,
        quantity=ibis.literal(0.0).cast("float64"),
        value=rest.cast("decimal(18, 4)"),
        foreign=ibis.literal(0.0).cast("float64"),
        is_deal=ibis.literal(True), is_bare=~deals.is_quoted,  # noqa: FBT003
    )  # fmt: skip


def _ready(rows: ibis.Table, department: Department, keys: list[str], *, fx: bool) -> ibis.Table:
    """Tell what kind of money each row is, and its item in the money it was sold in."""
    item = rows["item"].cast("string").fill_null(UNKNOWN)
    quantity = rows.quantity.cast("float64")
    kind = ibis.cases(
        (rows.value < 0, RETURNS),
        ((rows.value > 0) & (quantity > 0), SOLD),
        (rows.value > 0, UNSPLIT),
        else_=NOTHING,
    )
    foreign = rows.value.cast("float64")
    if fx:
        currency = rows.currency.nullif(UNKNOWN).fill_null(department.currency or UNKNOWN)
        rows = _with_rates(rows.mutate(currency=currency.upper()), department)
        item = item + " in " + rows.currency
        foreign = rows.value.cast("float64") / rows.fx_rate
    is_sold = kind == SOLD
    return rows.select(
        *keys, "closed_on", "cluster",
        item=ibis.ifelse(is_sold, item, ""), kind=kind,
        quantity=ibis.ifelse(is_sold, quantity, 0.0).cast("float64"),
        value=rows.value.cast("decimal(18, 4)"),
        foreign=ibis.ifelse(is_sold, foreign, 0.0).cast("float64"),
    )  # fmt: skip


def _require_item(department: Department, item: str) -> None:
    if not department.has("deals", item):
        known = {one for name in ("deals", "line_items") if department.has(name)
                 for one in department.table(name).columns}  # fmt: skip
        message = f"item: neither deals nor line_items has a column {item!r}."
        raise MissingDataError(message + suggest(item, sorted(known)), missing=(f"deals.{item}",))


def _with_rates(rows: ibis.Table, department: Department) -> ibis.Table:
    """Join the latest rate on or before the day of closing; 1 where there is none."""
    given = department.table("fx_rates")
    given = given.select(code=given.currency.upper(), on=given.on, rate=given.rate)
    given = given.filter(given.rate > 0).group_by("code", "on").agg(rate=_.rate.max())
    days = rows.select(code=rows.currency, day=rows.closed_on).distinct()
    both = days.inner_join(given.rename(of="code"), [("code", "of")])
    latest = both.filter(both.on <= both.day).group_by("code", "day").agg(on=_.on.max())
    dated = latest.inner_join(given, ["code", "on"]).select("code", "day", fx_rate="rate")
    joined = rows.left_join(dated, [rows.currency == dated.code, rows.closed_on == dated.day])
    return joined.mutate(fx_rate=ibis.coalesce(joined.fx_rate, 1.0)).drop("code", "day")
