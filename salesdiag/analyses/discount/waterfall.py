"""From list price to contribution, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.ratios import add_ratio, ratio_of_sums
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, suggest
from salesdiag.errors import MissingDataError
from salesdiag.reductions.deal_prices import MONEY, NAMES, deal_prices, sum_by_cluster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

MOST_REASONS = 12
_COLUMNS = ["step", "reason", "is_total", "n_deals", "n_unpriced", "n_accounts", "step_amount",
            "list_part", "list_part_low", "list_part_high"]  # fmt: skip
_TOTALS = ("list price", "net price", "contribution")


def price_waterfall(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    reason: str | None = None,
) -> pd.DataFrame:
    """Follow the money of the deals won from list price to contribution, step by step.

    List price, less the discounts, gives the net price; less what it costs to deliver gives
    the contribution. The rows add up exactly. Where there are product lines, a discount is
    given on the lines (list price less the lines' net prices) or on the whole deal (the lines'
    net prices less the amount of the deal). A deal without lines, or with lines of which neither
    list nor net price is its own, give or take 1 %, has a discount of unknown level (with
    reasons of lines: on the deal). With ``reason`` the discounts are split by a column that says
    why they were given.

    Deals whose cost is not known leave the fall before the cost, in a row of their own, so
    that the contribution is that of deals whose cost is known. Rebates, freight and payment
    terms after the invoice are in no table: this is the invoice price, not the pocket price.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``; ``closed_at`` for a window; uses ``cost_amount`` or ``unit_cost``. Not
        modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **won**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    reason : str, optional
        A column of ``deals`` or ``line_items`` that names why a discount was given. The 12 with
        the most deals or lines are shown, the others together.

    Returns
    -------
    DataFrame
        One row per group and step, in order of the fall:

        - the ``by`` columns, if any;
        - ``step`` : "list price", "line discount", "deal discount", "discount of unknown level"
          (or "discount" for each reason, and "deal discount" where reasons are of lines), "net
          price", "net price of unknown cost", "cost", "contribution";
        - ``reason`` : the reason, "other reasons" for those not shown; empty for other steps;
        - ``is_total`` : the row is a level reached (list price, net price, contribution), not a
          step;
        - ``n_deals`` : deals won with two prices above 0; ``n_unpriced`` : those without, left
          out, and those without a day of closing where there is a window;
        - ``n_accounts`` : accounts (or deals without one) behind them;
        - ``step_amount`` : money of the step, negative where it takes away; NaN without deals;
        - ``list_part``, ``list_part_low``, ``list_part_high`` : the same as a part of the list
          price, with an interval by accounts; NaN likewise, the interval also where there is
          one account in all.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount, or no table holds ``reason`` or a
        ``by`` column.
    InputError
        If ``by`` holds the name of a result.

    References
    ----------
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business
    Review 70(5), 84-94.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": ["A", "B"], "status": "won", "amount": [90.0, 300.0],
    ...     "list_amount": [100.0, 300.0], "cost_amount": [60.0, 200.0],
    ... })
    >>> table = price_waterfall(Department(deals=deals, as_of="2025-12-31"))
    >>> dict(zip(table["step"], table["step_amount"]))
    {'list price': 400.0, 'line discount': 0.0, 'deal discount': 0.0,
     'discount of unknown level': -10.0, 'net price': 390.0, 'net price of unknown cost': 0.0,
     'cost': -260.0, 'contribution': 130.0}
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES])
    of_lines = reason is not None and _is_of_lines(department, reason)
    extra = [reason] if reason is not None and not of_lines else []
    deals = deal_prices(department, keys, start=start, end=end, extra=extra)
    deals = deals.filter(_.status == "won")
    taken = _discounts(department, deals, reason, of_lines=of_lines)
    return _rows(taken.deals, keys, taken.discounts, confidence)


class _Taken:
    """The deals with what each discount takes, and the discounts by step and reason."""

    def __init__(self, deals: ibis.Table, discounts: dict[str, tuple[str, str]]) -> None:
        self.deals = deals
        self.discounts = discounts


def _is_of_lines(department: Department, reason: str) -> bool:
    """Tell where the column of reasons is, or refuse it."""
    if department.has("deals", reason):
        return False
    if department.has("line_items", reason):
        return True
    tables = [name for name in ("deals", "line_items") if department.has(name)]
    known = sorted({one for name in tables for one in department.table(name).columns})
    message = f"reason: neither deals nor line_items has a column {reason!r}."
    raise MissingDataError(message + suggest(reason, known), missing=(f"deals.{reason}",))


def _discounts(
    department: Department, deals: ibis.Table, reason: str | None, *, of_lines: bool
) -> _Taken:
    """Tell what each discount takes from each deal; they add up to list less net price."""
    given = deals.price_list - deals.price_net
    nothing = ibis.literal(0).cast(MONEY)
    has_lines = "is_quoted" in deals.columns
    on_lines, on_deal = nothing, nothing
    if has_lines:
        on_lines = ibis.ifelse(deals.is_of_lines, deals.price_list - deals.lines_net, nothing)
        on_deal = ibis.ifelse(deals.is_of_lines, deals.lines_net - deals.price_net, nothing)
    if reason is None:
        unknown = ibis.ifelse(deals.is_of_lines, nothing, given) if has_lines else given
        levels = {"line discount": on_lines, "deal discount": on_deal,
                  "discount of unknown level": unknown}  # fmt: skip
        names = {f"taken_{place}": (step, "") for place, step in enumerate(levels)}
        return _Taken(deals.mutate(**dict(zip(names, levels.values(), strict=True))), names)
    if not of_lines:
        shown = _most_frequent(deals.filter(_.is_inside & _.is_priced), reason)
        names = {f"taken_{place}": ("discount", one) for place, one in enumerate(shown)}
        parts = {
            name: ibis.ifelse(deals[reason] == one, given, nothing)
            for name, (_step, one) in names.items()
        }
        rest = given - sum(parts.values(), nothing)
        return _Taken(
            deals.mutate(**parts, taken_rest=rest), names | {"taken_rest": ("discount", OTHER)}
        )
    return _of_lines(department, deals, reason)


OTHER = "other reasons"


def _of_lines(department: Department, deals: ibis.Table, reason: str) -> _Taken:
    items = department.table("line_items")
    items = items.mutate(why=items[reason].cast("string").fill_null(UNASSIGNED))
    shown = _most_frequent(items, "why")
    names = {f"taken_{place}": ("discount", one) for place, one in enumerate(shown)}
    off = (
        (items.quantity.cast("float64") * (items.list_price - items.unit_price).cast("float64"))
        .round(4)
        .cast(MONEY)
    )
    per_deal = items.mutate(off=off).group_by("deal_id").agg(**{
        name: ibis.coalesce(_.off.sum(where=_.why == one), 0).cast(MONEY)
        for name, (_step, one) in names.items()
    })  # fmt: skip
    joined = deals.left_join(per_deal, "deal_id").drop("deal_id_right")
    filled = joined.mutate(**{
        name: ibis.ifelse(joined.is_of_lines, ibis.coalesce(joined[name], 0), 0).cast(MONEY)
        for name in names
    })  # fmt: skip
    lines = sum((filled[name] for name in names), ibis.literal(0).cast(MONEY))
    given = filled.price_list - filled.price_net
    on_deal = ibis.ifelse(filled.is_of_lines, filled.lines_net - filled.price_net, given)
    rest = filled.mutate(taken_deal=on_deal, taken_rest=given - on_deal - lines)
    order = names | {"taken_rest": ("discount", OTHER), "taken_deal": ("deal discount", "")}
    return _Taken(rest, order)


def _most_frequent(table: ibis.Table, column: str) -> list[str]:
    counts = table.group_by(column).agg(n=_.count()).filter(_[column].notnull())
    top = fetch(counts.order_by(ibis.desc("n"), column).limit(MOST_REASONS))
    return sorted(top[column])


def _rows(
    deals: ibis.Table, keys: list[str], discounts: dict[str, tuple[str, str]], confidence: float
) -> pd.DataFrame:
    priced = _.is_inside & _.is_priced
    whole = _.price_list.sum(where=priced)
    costed = priced & _.price_cost.notnull()
    pairs = {name: (-_[name].sum(where=priced), whole) for name in discounts}
    pairs |= {
        "net": ((_.price_net - _.price_list).sum(where=priced), whole),
        "uncosted": (-_.price_net.sum(where=priced & _.price_cost.isnull()), whole),
        "cost": (-_.price_cost.sum(where=costed), whole),
        "left": ((_.price_net - _.price_cost).sum(where=costed), whole),
    }
    counts = {"n_priced": _.count(where=priced), "n_all": _.count()}
    sums = sum_by_cluster(deals, keys, counts, pairs)
    steps = [("list price", "", "net"), *((*one, name) for name, one in discounts.items())]
    steps += [("net price", "", "net"), ("net price of unknown cost", "", "uncosted"),
              ("cost", "", "cost"), ("contribution", "", "left")]  # fmt: skip
    parts = [_one_step(sums, keys, *step, confidence) for step in steps]
    table = pd.concat(parts, ignore_index=True)
    table["place"] = np.repeat(np.arange(len(steps)), len(sums))
    table = table.sort_values([*keys, "place"]).reset_index(drop=True)
    return table[[*keys, *_COLUMNS]]


def _one_step(
    sums: pd.DataFrame, keys: list[str], step: str, reason: str, name: str, confidence: float
) -> pd.DataFrame:
    found = ratio_of_sums(sums, name, confidence=confidence)
    amount = sums[f"{name}_part"].to_numpy()
    if step in ("list price", "net price"):  # the net price was worked out as what is missing
        amount = amount * (step == "net price") + sums[f"{name}_whole"].to_numpy()
        known = [one * 0 if step == "list price" else one for one in found]
        found = type(found)(*[one + 1 for one in known])
    some = sums["n_priced"].to_numpy() > 0
    table = sums[keys].copy()
    table["step"], table["reason"] = step, reason
    table["is_total"] = np.full(len(sums), step in _TOTALS)
    table["n_deals"] = sums["n_priced"].to_numpy()
    table["n_unpriced"] = (sums["n_all"] - sums["n_priced"]).to_numpy()
    table["n_accounts"] = sums[f"{name}_n"].to_numpy()
    table["step_amount"] = np.where(some, np.round(amount, 4) + 0.0, np.nan)
    add_ratio(table, "list_part", found)
    return table
