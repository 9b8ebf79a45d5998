"""The reduction under the concentration: what each rep or account won, and how lumpy it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

MOST = 2_000  # holders carried over one by one; the rest comes as sums
_SUMS = ["n_deals", "n_without_amount", "amount", "amount_squares", "deal_squares"]


def holder_sums(
    department: Department,
    keys: Sequence[str],
    holder: str,
    *,
    start: date | str | None,
    end: date | str | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up what each holder won, largest first, and all that the others won together.

    Deals of one account are drawn together: the squares are of what a holder won from each
    account (of each deal, where the account is the holder or unknown).

    Returns
    -------
    tuple of DataFrame
        The holders: the keys, ``holder_id``, ``n_deals``, ``amount`` (of amounts above 0),
        ``amount_squares``, ``deal_squares``, ``n_without_amount``; of these up to 2,000 a group.
        The rest: the keys, ``n_others``, the sums, and the sums of squares of the holders'
        own numbers, ``others_amount``, ``others_deals``.
    """
    by = list(dict.fromkeys([*keys, holder]))
    deals = department.select_deals(by=by, start=start, end=end, on="closed_at")
    won = deals.filter(_.status == "won")
    paid = ibis.literal(False)  # noqa: FBT003
    if "amount" in won.columns:
        paid = (won.amount > 0).fill_null(False)  # noqa: FBT003
    amount = won.amount if "amount" in won.columns else ibis.null().cast("decimal(18, 4)")
    rows = won.mutate(
        holder_id=won[holder], is_paid=paid, money=ibis.ifelse(paid, amount, ibis.null())
    )
    sums = _by_account(rows, keys) if holder != "account_id" else _by_deal(rows, keys)
    within = ibis.window(group_by=list(keys) or None)
    is_named = _.holder_id != UNASSIGNED
    whole = {
        f"all_{name}": ibis.ifelse(is_named, _[name].cast("float64"), 0.0).sum().over(within)
        for name in _SUMS
    }
    squares = {
        f"all_{name}": ibis.ifelse(is_named, value.cast("float64"), 0.0).sum().over(within)
        for name, value in (("others_amount", _.amount * _.amount),
                            ("others_deals", _.n_deals * _.n_deals))
    }  # fmt: skip
    order = [ibis.desc(_.amount), ibis.desc(_.n_deals), _.holder_id]
    placed = sums.mutate(
        place=ibis.row_number().over(ibis.window(group_by=list(keys) or None, order_by=order)),
        all_holders=ibis.ifelse(is_named, 1, 0).sum().over(within), **whole, **squares,
    )  # fmt: skip
    large = _tidy(fetch(placed.filter((_.place < MOST) | ~is_named)), keys)
    return large[[one for one in large if not str(one).startswith("all_")]], _others(large, keys)


def _by_account(rows: ibis.Table, keys: Sequence[str]) -> ibis.Table:
    """Add up by holder, with the squares of what came from each account, or deal without one."""
    cluster: ibis.Value = rows.deal_id
    if "account_id" in rows.columns:
        cluster = ibis.coalesce(
            ibis.literal("a") + rows.account_id, ibis.literal("d") + rows.deal_id
        )
    parts = rows.mutate(cluster=cluster).group_by([*keys, "holder_id", "cluster"]).agg(
        n=_.count(), paid=_.money.sum().cast("float64").fill_null(0.0),
        n_free=_.count(where=~_.is_paid),
    )  # fmt: skip
    return parts.group_by([*keys, "holder_id"]).agg(
        n_deals=_.n.sum(), amount=_.paid.sum(), n_without_amount=_.n_free.sum(),
        amount_squares=(_.paid * _.paid).sum(), deal_squares=(_.n * _.n).sum().cast("float64"),
    )  # fmt: skip


def _by_deal(rows: ibis.Table, keys: Sequence[str]) -> ibis.Table:
    """Add up by holder, with the squares of single deals."""
    money = rows.money.cast("float64")
    return rows.mutate(square=money * money).group_by([*keys, "holder_id"]).agg(
        n_deals=_.count(), amount=_.money.sum().cast("float64").fill_null(0.0),
        n_without_amount=_.count(where=~_.is_paid), amount_squares=_.square.sum().fill_null(0.0),
        deal_squares=_.count().cast("float64"),
    )  # fmt: skip


def _others(large: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Give, per group, what those hold who were not carried over: the whole less the large."""
    columns = [*keys, "n_others", *_SUMS, "others_amount", "others_deals"]
    named = large[large["holder_id"] != UNASSIGNED]
    named = named.assign(
        others_amount=named["amount"] ** 2, others_deals=named["n_deals"].astype(float) ** 2
    )
    added = [*_SUMS, "others_amount", "others_deals"]
    by = list(keys) or (lambda _row: 0)
    own = named.groupby(by)
    whole = own[["all_holders", *(f"all_{name}" for name in added)]].max()
    left = pd.DataFrame({name: whole[f"all_{name}"] - own[name].sum() for name in added})
    left.insert(0, "n_others", (whole["all_holders"] - own.size()).astype("int64"))
    left = left[left["n_others"] > 0]
    for name in added:
        left[name] = steady(left[name].astype(float).clip(lower=0))
    return left.reset_index(drop=not keys)[columns]


def _tidy(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    for name in ("amount", "amount_squares"):
        frame[name] = steady(frame[name].astype(float))
    order = [*keys, "amount", "n_deals", "holder_id"]
    ascending = [True] * len(keys) + [False, False, True]
    return frame.sort_values(order, ascending=ascending, ignore_index=True)
