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
MONEY = "decimal(18, 4)"
_LINES = ["deal_id", "product", "quantity", "list_price", "unit_price"]
_MOMENTS = ("part", "whole", "pp", "pw", "ww")


def deal_prices(
    department: Department,
    by: Sequence[str],
    *,
    start: date | str | None = None,
    end: date | str | None = None,
    extra: Sequence[str] = (),
    quoted: bool = False,
    costed: bool = False,
) -> ibis.Table:
    """Give the deals won or lost with their prices before and after discount.

    Prices stand in ``deals``; where it lacks a column of them, they are added up from
    ``line_items``. A deal is priced if both prices are above 0: an amount of 0 is what many
    systems write where there is none.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``.
    by, extra : sequence of str
        Columns to keep, as text; missing ones become "unassigned".
    start, end : date or str, optional
        Days of **closing**; deals without such a day stay, outside.
    quoted : bool, default False
        Tell which deals have product lines.
    costed : bool, default False
        Take the costs from the lines where ``deals`` has none.

    Returns
    -------
    Table
        The columns asked for, ``deal_id``, ``status``, ``closed_on``, ``is_inside`` (the
        window), ``cluster`` (the account, or the deal where it has none), ``price_list``,
        ``price_net``, ``price_cost`` (money), ``is_priced``, ``depth`` (the discount as a
        share of the list price) and, if asked for, ``is_quoted``.
    """
    require_prices(department)
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *(["closed_at"] if windowed else [])])
    names = list(dict.fromkeys([*by, *extra]))
    deals = department.select_deals(by=names).filter(_.status.isin(["won", "lost"]))
    day = deals.closed_at.date() if "closed_at" in deals.columns else ibis.null("date")
    deals = deals.mutate(closed_on=day)
    is_inside: ibis.Value = deals.closed_on.notnull() if windowed else ibis.literal(True)  # noqa: FBT003
    for given, name in ((start, "start"), (end, "end")):
        if given is not None:
            at = ibis.literal(parse_day(given, name))
            inside = deals.closed_on >= at if name == "start" else deals.closed_on <= at
            is_inside = is_inside & inside.fill_null(False)  # noqa: FBT003
    deals = deals.mutate(is_inside=is_inside).filter(_.is_inside | _.closed_on.isnull())
    wanted = {"amount", "list_amount", *(["cost_amount"] if costed else [])}
    wants_lines = department.has("line_items") and (quoted or not wanted <= set(deals.columns))
    if wants_lines:
        deals = deals.left_join(_added_up(department), "deal_id").drop("deal_id_right")
    return _priced(deals, names, lines=wants_lines)


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
    of the lines.
    """
    department.require(line_items=_LINES)
    names = [name for name in dict.fromkeys([*by, *extra]) if name != "product"]
    kept = [*names, "deal_id", "status", "closed_on", "is_inside", "cluster"]
    deals = deal_prices(department, names, start=start, end=end).select(kept)
    items = department.table("line_items")
    has_cost = "unit_cost" in items.columns
    lines = items.select(
        "deal_id", "product", "quantity",
        *[name for name in columns if name not in (*_LINES, *names)],
        price_list=_times(items.quantity, items.list_price),
        price_net=_times(items.quantity, items.unit_price),
        price_cost=_times(items.quantity, items.unit_cost) if has_cost else ibis.null(MONEY),
    )  # fmt: skip
    lines = deals.inner_join(lines, "deal_id")
    if "product" in by or "product" in extra:
        lines = lines.mutate(product=lines["product"].cast("string").fill_null("unassigned"))
    return _with_depth(lines)


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
        # the cost of a part of the lines is not the cost of the deal
        lines_cost=ibis.ifelse(
            _.one_cost.count() == _.count(), _.one_cost.sum(), ibis.null()
        ).cast(MONEY),
    )  # fmt: skip


def _times(quantity: ibis.Value, price: ibis.Value) -> ibis.Value:
    """Multiply to exact money, so that sums do not depend on the order of the rows."""
    return (quantity.cast("float64") * price.cast("float64")).round(4).cast(MONEY)


def _priced(deals: ibis.Table, names: list[str], *, lines: bool) -> ibis.Table:
    def price(column: str, of_lines: str) -> ibis.Value:
        if column in deals.columns:
            return deals[column].cast(MONEY)
        return deals[of_lines] if lines else ibis.null(MONEY)

    own = ibis.literal("deal ") + deals.deal_id
    account = deals.account_id if "account_id" in deals.columns else ibis.null("string")
    there = deals.select(
        *names,
        *[name for name in ("deal_id", "status") if name not in names],
        closed_on=deals.closed_on,
        is_inside=deals.is_inside,
        cluster=ibis.coalesce(account, own),
        price_list=price("list_amount", "lines_list"),
        price_net=price("amount", "lines_net"),
        price_cost=price("cost_amount", "lines_cost"),
        **({"is_quoted": deals.n_lines.notnull(), "lines_net": deals.lines_net,
            "lines_list": deals.lines_list} if lines else {}),
    )  # fmt: skip
    return _with_depth(there)


def _with_depth(rows: ibis.Table) -> ibis.Table:
    known = rows.mutate(
        is_priced=((rows.price_list > 0) & (rows.price_net > 0)).fill_null(False)  # noqa: FBT003
    )
    given = 1 - known.price_net.cast("float64") / known.price_list.cast("float64")
    return known.mutate(depth=ibis.ifelse(known.is_priced, given, ibis.null("float64")))
