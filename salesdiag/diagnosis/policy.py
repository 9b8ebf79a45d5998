"""Whether discounts follow a price list, so that they are the company's and not the reps'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
from ibis import _

from salesdiag.engine import fetch

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

BY_POLICY = 0.9  # of the money given away: from there on nobody chose the discount
_SAME = 0.001  # of the list price


def discount_policy(department: Department, start: date, end: date) -> pd.DataFrame:
    """Tell which part of the discounts everybody gave alike.

    Lines of the same product, quantity and month, sold by two reps or more, either all have one
    discount, which a price list gave, or different ones, which people gave.

    Returns one row: ``n_lines`` and ``given_amount`` (list value less price) of lines that can be
    compared, ``policy_amount`` (of that, where all gave the same) and ``policy_share``, in [0, 1];
    NaN where nothing can be compared.
    """
    department.require(line_items=["deal_id", "product", "quantity", "list_price", "unit_price"],
                       deals=["rep_id", "closed_at"])  # fmt: skip
    deals = department.select_deals(start=start, end=end, on="closed_at")
    won = deals.filter((deals.status == "won") & deals.rep_id.notnull())
    won = won.select(
        "deal_id", "rep_id", month_in=12 * won.closed_at.year() + won.closed_at.month()
    )
    lines = department.table("line_items").filter((_.list_price > 0) & (_.quantity > 0))
    price, listed = lines.unit_price.cast("float64"), lines.list_price.cast("float64")
    rows = lines.mutate(
        depth=1 - price / listed, given=(listed - price) * lines.quantity.cast("float64")
    ).join(won, "deal_id")
    cells = rows.group_by(["product", "quantity", "month_in"]).agg(
        n_reps=_.rep_id.nunique(), n_lines=_.count(), given=_.given.sum(),
        lowest=_.depth.min(), highest=_.depth.max(),
    )  # fmt: skip
    cells = cells.filter((_.n_reps > 1) & (_.given > 0))
    is_same = (_.highest - _.lowest) <= _SAME
    sums = fetch(cells.agg(
        n_lines=_.n_lines.sum(), given_amount=_.given.sum(),
        policy_amount=ibis.coalesce(_.given.sum(where=is_same), 0.0),
    ))  # fmt: skip
    sums = sums.fillna({"n_lines": 0, "given_amount": 0.0, "policy_amount": 0.0})
    given = sums["given_amount"].astype(float)
    share = sums["policy_amount"].astype(float) / given.where(given > 0, np.nan)
    return sums.assign(n_lines=sums["n_lines"].astype("int64"), policy_share=share)
