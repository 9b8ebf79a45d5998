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
_SUMS = ["n_deals", "amount", "amount_squares", "deal_squares"]


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
    paid = won.amount > 0 if "amount" in won.columns else ibis.literal(False)  # noqa: FBT003
    amount = won.amount if "amount" in won.columns else ibis.null().cast("decimal(18, 4)")
    cluster: ibis.Value = won.deal_id
    if holder != "account_id" and "account_id" in won.columns:
        cluster = ibis.coalesce(ibis.literal("a") + won.account_id, ibis.literal("d") + won.deal_id)
    rows = won.mutate(
        holder_id=won[holder], cluster=cluster, is_paid=paid,
        money=ibis.ifelse(paid, amount, ibis.null()),
    )  # fmt: skip
    parts = rows.group_by([*keys, "holder_id", "cluster"]).agg(
        n=_.count(), paid=_.money.sum().cast("float64").fill_null(0.0),
        n_free=_.count(where=~_.is_paid),
    )  # fmt: skip
    sums = parts.group_by([*keys, "holder_id"]).agg(
        n_deals=_.n.sum(), amount=_.paid.sum(), n_without_amount=_.n_free.sum(),
        amount_squares=(_.paid * _.paid).sum(),
        deal_squares=(_.n * _.n).sum().cast("float64"),
    )  # fmt: skip
    place = ibis.row_number().over(
        ibis.window(
            group_by=list(keys) or None,
            order_by=[ibis.desc(_.amount), ibis.desc(_.n_deals), _.holder_id],
        )
    )
    placed = sums.mutate(place=place)
    # few are many enough to come whole; the others as one row a group
    large = _tidy(fetch(placed.filter((_.place < MOST) | (_.holder_id == UNASSIGNED))), keys)
    if len(large) < MOST:
        columns = [*keys, "n_others", *_SUMS, "others_amount", "others_deals"]
        return large, pd.DataFrame(columns=columns)
    rest = placed.filter((_.place >= MOST) & (_.holder_id != UNASSIGNED))
    rest = rest.group_by(list(keys)) if keys else rest
    others = fetch(rest.agg(
        n_others=_.count(), **{name: _[name].sum() for name in _SUMS},
        others_amount=(_.amount * _.amount).sum(),
        others_deals=(_.n_deals * _.n_deals).sum().cast("float64"),
    ))  # fmt: skip
    others = others[others["n_others"] > 0].reset_index(drop=True)
    for name in ("amount", "amount_squares", "others_amount"):
        others[name] = steady(others[name].astype(float))
    return large, others


def _tidy(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    for name in ("amount", "amount_squares"):
        frame[name] = steady(frame[name].astype(float))
    order = [*keys, "amount", "n_deals", "holder_id"]
    ascending = [True] * len(keys) + [False, False, True]
    return frame.sort_values(order, ascending=ascending, ignore_index=True)
