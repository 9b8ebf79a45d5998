"""Prices before and after discount of the deals closed, and sums of them by what is independent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis
from ibis import _

from salesdiag.engine import fetch, steady
from salesdiag.errors import MissingDataError
from salesdiag.periods import parse_day
from salesdiag.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

Unit = Literal["deals", "lines"]

NO_DISCOUNT = 0.0005  # cents are rounded: a discount below this share of the list price is none
SAME = 0.01  # up to which two sums of money that should be one differ by rounding
MONEY = "decimal(18, 4)"
# columns of the reductions, which no key may be named like
NAMES = (
    "closed_on", "is_inside", "cluster", "price_list", "price_net", "price_cost", "price_booked",
    "is_priced", "depth", "is_quoted", "is_of_lines", "lines_list", "lines_net", "lines_cost",
    "has_all", "has_line", "line_of", "own_amount", "own_list", "own_cost", "quantity",
)  # fmt: skip
_LINES = ["deal_id", "product", "quantity", "list_price", "unit_price"]
_MOMENTS = ("part", "whole", "pp", "pw", "ww")


def deal_prices(
    department: Department,
    by: Sequence[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    extra: Sequence[str] = (),
) -> ibis.Table:
    """Give the deals won or lost with their prices before and after discount.

    A discount is a difference of two prices of one and the same thing, so both come from one
    place. A deal that carries both above 0 speaks for itself. Else both are added up from its
    lines, if every line has both and each price that the deal does carry is that of the lines,
    give or take 1 % (`SAME`): where it is not, the amount holds more or less than the lines do
    (services, tax, a part of the order), and the deal counts as unpriced. A price of 0 is none,
    for an amount of 0 is what many systems write where there is none.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``.
    by, extra : sequence of str
        Columns to keep, as text; missing ones become "unassigned".
    start, end : date or str, optional
        Days of **closing**; deals without such a day stay, outside. A day after ``as_of`` is a
        slip and taken as unknown.

    Returns
    -------
    Table
        The columns asked for, ``deal_id``, ``status``, ``closed_on``, ``is_inside`` (the
        window), ``cluster`` (the account, or the deal where it has none), ``price_list``,
        ``price_net`` (null if not ``is_priced``), ``price_cost``, ``price_booked`` (what the
        deal brought: its amount, or that of its lines), ``is_priced``, ``depth`` (the discount
        as a share of the list price); and, where there are lines, ``is_quoted`` (it has some),
        ``is_of_lines`` (they are of what the deal is of), ``lines_list`` and ``lines_net``.
    """
    require_prices(department)
    deals = _closed(department, by, start=start, end=end, extra=extra)
    if not department.has("line_items", *_LINES):
        return _with_depth(_with_own_prices(deals))
    # select_deals refuses a deal that is listed twice, so no line is joined to two
    deals = deals.left_join(_added_up(department), "deal_id").drop("deal_id_right")
    return _with_depth(_with_prices(deals))


def line_prices(
    department: Department,
    by: Sequence[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    extra: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> ibis.Table:
    """Give the product lines of the deals won or lost, with the columns of `deal_prices`.

    ``product`` is that of the line, ``quantity`` is there besides, and so are ``columns``
    of the lines. A deal without lines has one row, of which ``has_line`` is false.
    """
    department.require(line_items=_LINES)
    names = [name for name in dict.fromkeys([*by, *extra]) if name != "product"]
    deals = _closed(department, names, start=start, end=end).drop("own_list", "own_cost")
    items = department.table("line_items")
    has_cost = "unit_cost" in items.columns
    lines = items.select(
        "product", "quantity",
        *[name for name in columns if name not in (*_LINES, *names)],
        line_of=items.deal_id,
        price_list=_times(items.quantity, items.list_price),
        price_net=_times(items.quantity, items.unit_price),
        price_cost=_times(items.quantity, items.unit_cost) if has_cost else ibis.null(MONEY),
    )  # fmt: skip
    lines = deals.left_join(lines, deals.deal_id == lines.line_of)
    lines = lines.mutate(has_line=lines.line_of.notnull()).drop("line_of")
    if "product" in by or "product" in extra:
        lines = lines.mutate(product=lines["product"].cast("string").fill_null("unassigned"))
    return _with_depth(lines)


def booked_deals(
    department: Department, by: Sequence[str], *, extra: Sequence[str] = ()
) -> ibis.Table:
    """Give the deals won or lost with ``price_booked``, as `deal_prices` does, prices or not.

    Besides, ``lines_net`` is what all their lines with a price bring, and ``is_quoted`` tells
    which have lines.
    """
    deals = _closed(department, by, start=None, end=None, extra=extra)
    deals = deals.drop("own_list", "own_cost")
    if not department.has("line_items", *_LINES):
        department.require(deals=["amount"])
        deals = deals.mutate(lines_net=ibis.null(MONEY), is_quoted=False)
        return deals.mutate(price_booked=deals.own_amount).drop("own_amount")
    lines = _added_up(department).select("deal_id", "lines_net", "n_lines")
    deals = deals.left_join(lines, "deal_id").drop("deal_id_right")
    booked = ibis.coalesce(deals.own_amount.nullif(0), deals.lines_net, deals.own_amount)
    return deals.mutate(price_booked=booked, is_quoted=deals.n_lines.notnull()).drop(
        "own_amount", "n_lines"
    )


def require_prices(department: Department) -> None:
    """Refuse where no table holds prices before and after discount."""
    department.require(deals=["deal_id", "status"])
    lines = department.has("line_items", *_LINES)
    missing = [f"deals.{name}" for name in ("amount", "list_amount")
               if not department.has("deals", name)]  # fmt: skip
    if missing and not lines:
        message = (
            f"this needs prices before and after discount: {' and '.join(missing)}, or "
            f"line_items; the department's tables are {', '.join(department.tables)}. Ask for "
            f"{TABLES['line_items'].ask_for}, or list price and net price of every deal."
        )
        raise MissingDataError(
            message, missing=(*missing, "line_items"), ask_for=TABLES["line_items"].ask_for
        )


def sum_by_cluster(
    table: ibis.Table,
    keys: Sequence[str],
    counts: Mapping[str, ibis.Value],
    pairs: Mapping[str, tuple[ibis.Value, ibis.Value]],
) -> pd.DataFrame:
    """Count and add up per group, with what the spread between clusters is told from.

    Each pair is a part and its whole, added up per cluster first; only sums of the clusters'
    sums, squares and products leave the engine.

    Returns
    -------
    DataFrame
        The keys, in order; the counts; per pair ``<name>_part``, ``<name>_whole``, ``_pp``,
        ``_pw``, ``_ww`` (sums of squares and products over clusters) and ``_n`` (clusters
        with a whole).
    """
    sums = {f"{name}_part": part for name, (part, _whole) in pairs.items()}
    sums |= {f"{name}_whole": whole for name, (_part, whole) in pairs.items()}
    filled = {name: ibis.coalesce(value, 0) for name, value in sums.items()}
    own = table.group_by([*keys, "cluster"]).agg(**counts, **sums).mutate(**{
        name: ibis.coalesce(_[name], 0) for name in filled
    })  # fmt: skip
    every = {name: _[name].sum() for name in [*counts, *sums]}
    for name in pairs:
        part, whole = _[f"{name}_part"].cast("float64"), _[f"{name}_whole"].cast("float64")
        every |= {f"{name}_pp": (part * part).sum(), f"{name}_pw": (part * whole).sum()}
        every |= {f"{name}_ww": (whole * whole).sum(), f"{name}_n": _.count(where=whole != 0)}
    found = own.group_by(list(keys)).agg(**every) if keys else own.agg(**every)
    return _in_order(fetch(found), list(keys), list(counts), list(pairs))


def _in_order(
    frame: pd.DataFrame, keys: list[str], counts: list[str], pairs: list[str]
) -> pd.DataFrame:
    frame = frame.sort_values(keys).reset_index(drop=True) if keys else frame
    whole = [*counts, *(f"{name}_n" for name in pairs)]
    frame[whole] = frame[whole].astype(float).fillna(0).astype("int64")
    for name in pairs:
        for moment in _MOMENTS:
            column = frame[f"{name}_{moment}"].astype(float).fillna(0.0)
            frame[f"{name}_{moment}"] = steady(column) if len(moment) == 2 else column.round(4)
    return frame


def _closed(
    department: Department,
    by: Sequence[str],
    *,
    start: date | str | None,
    end: date | str | None,
    extra: Sequence[str] = (),
) -> ibis.Table:
    """Give the deals won or lost, with day of closing, window, cluster and prices of their own."""
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *(["closed_at"] if windowed else [])])
    names = list(dict.fromkeys([*by, *extra]))
    deals = department.select_deals(by=names).filter(_.status.isin(["won", "lost"]))
    day = deals.closed_at.date() if "closed_at" in deals.columns else ibis.null("date")
    deals = deals.mutate(
        closed_on=ibis.ifelse(day <= ibis.literal(department.as_of), day, ibis.null("date"))
    )
    is_inside: ibis.Value = deals.closed_on.notnull() if windowed else ibis.literal(True)  # noqa: FBT003
    for given, name in ((start, "start"), (end, "end")):
        if given is not None:
            at = ibis.literal(parse_day(given, name))
            inside = deals.closed_on >= at if name == "start" else deals.closed_on <= at
            is_inside = is_inside & inside.fill_null(False)  # noqa: FBT003
    own = ibis.literal("deal ") + deals.deal_id
    account = deals.account_id if "account_id" in deals.columns else ibis.null("string")
    money = {
        f"own_{name}": deals[column].cast(MONEY) if column in deals.columns else ibis.null(MONEY)
        for name, column in (("amount", "amount"), ("list", "list_amount"), ("cost", "cost_amount"))
    }
    kept = ["deal_id", "status", "closed_on"]
    return deals.select(
        *names,
        *[name for name in kept if name not in names],
        is_inside=is_inside,
        cluster=ibis.coalesce(account, own),
        **money,
    ).filter(_.is_inside | _.closed_on.isnull())


def _added_up(department: Department) -> ibis.Table:
    department.require(line_items=_LINES)
    items = department.table("line_items")
    quantity, cost = items.quantity, ibis.null(MONEY)
    if "unit_cost" in items.columns:
        cost = _times(quantity, items.unit_cost)
    return items.select(
        "deal_id",
        one_list=_times(quantity, items.list_price),
        one_net=_times(quantity, items.unit_price),
        one_cost=cost,
    ).group_by("deal_id").agg(
        n_lines=_.count(),
        lines_list=_.one_list.sum().cast(MONEY),
        lines_net=_.one_net.sum().cast(MONEY),
        # a part of the lines is not the deal
        has_all=(_.one_list.count() == _.count()) & (_.one_net.count() == _.count()),
        lines_cost=ibis.ifelse(
            _.one_cost.count() == _.count(), _.one_cost.sum(), ibis.null()
        ).cast(MONEY),
    )  # fmt: skip


def _times(quantity: ibis.Value, price: ibis.Value) -> ibis.Value:
    """Multiply to exact money, so that sums do not depend on the order of the rows."""
    return (quantity.cast("float64") * price.cast("float64")).round(4).cast(MONEY)


def _with_own_prices(deals: ibis.Table) -> ibis.Table:
    both = _both(deals.own_list, deals.own_amount)
    return deals.mutate(
        price_list=ibis.ifelse(both, deals.own_list, ibis.null(MONEY)),
        price_net=ibis.ifelse(both, deals.own_amount, ibis.null(MONEY)),
        price_cost=deals.own_cost,
        price_booked=deals.own_amount,
    ).drop("own_list", "own_amount", "own_cost")


def _with_prices(deals: ibis.Table) -> ibis.Table:
    """Take both prices from the deal, or both from lines that do not contradict it."""
    own = _both(deals.own_list, deals.own_amount)
    net, listed = (
        (deals[of_deal].nullif(0), deals[of_lines])
        for of_deal, of_lines in (("own_amount", "lines_net"), ("own_list", "lines_list"))
    )
    fits = (net[0].isnull() | _near(*net)) & (listed[0].isnull() | _near(*listed))
    of_lines = ~own & deals.has_all.fill_null(False) & fits & _both(listed[1], net[1])  # noqa: FBT003
    alike = of_lines | (deals.has_all.fill_null(False) & (_near(*net) | _near(*listed)))  # noqa: FBT003

    def price(of_deal: ibis.Value, of_line: ibis.Value) -> ibis.Value:
        return ibis.cases((own, of_deal), (of_lines, of_line), else_=ibis.null(MONEY))

    of_cost = ibis.ifelse(alike, deals.lines_cost, ibis.null(MONEY))
    return deals.mutate(
        price_list=price(deals.own_list, listed[1]),
        price_net=price(deals.own_amount, net[1]),
        price_cost=ibis.coalesce(deals.own_cost, of_cost),
        price_booked=ibis.coalesce(net[0], net[1], deals.own_amount),
        is_quoted=deals.n_lines.notnull(),
        is_of_lines=alike,
    ).drop("own_list", "own_amount", "own_cost", "lines_cost", "has_all", "n_lines")


def _both(listed: ibis.Value, net: ibis.Value) -> ibis.Value:
    return ((listed > 0) & (net > 0)).fill_null(False)  # noqa: FBT003


def _near(one: ibis.Value, other: ibis.Value) -> ibis.Value:
    """Tell whether two sums of money are the same but for rounding; not if one is missing."""
    first, second = one.cast("float64"), other.cast("float64")
    reach = SAME * ibis.greatest(first.abs(), second.abs())
    return ((first - second).abs() <= reach).fill_null(False)  # noqa: FBT003


def _with_depth(rows: ibis.Table) -> ibis.Table:
    known = rows.mutate(is_priced=_both(rows.price_list, rows.price_net))
    given = 1 - known.price_net.cast("float64") / known.price_list.cast("float64")
    return known.mutate(depth=ibis.ifelse(known.is_priced, given, ibis.null("float64")))
