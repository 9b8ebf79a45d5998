"""Discounts pile up at the limit that needs no approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.analyses import discount
from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from salesdiag.diagnosis.view import View

_SMALLEST = 0.05  # of the discounts, beyond what the curve has there


def detect(view: View) -> list[Suspect]:
    """Count the discounts at each limit beyond a smooth spread."""
    if not view.department.settings.discount_limits:
        return []
    years = view.years
    table = view.once("bunching", lambda: discount.limit_bunching(
        view.department, start=years.start, end=years.end))  # fmt: skip
    if table is None:
        return []
    piled = table[(table["excess_part"] > _SMALLEST) & table["p_value"].notna()]
    if not len(piled):
        return []
    row = piled.sort_values(["p_value", "discount_limit"]).iloc[0]
    usual = view.usual_depth(below=float(row["discount_limit"]))
    extra = float(row["excess_part"]) * max(float(row["discount_limit"]) - usual, 0.0)
    spread = (row["excess_part_high"] - row["excess_part_low"]) / 2 / 1.96
    error = extra * float(spread / row["excess_part"])
    return [Suspect(
        "discount_limit_bunching", "department", (), float(row["limit_rate"]),
        float(row["expected_deals"] / row["n_discounted"]), int(row["n_discounted"]),
        float(min(1.0, row["p_value"] * len(table))), "price", float(np.log(1 - extra)), error,
        view.revenue_at("department", ()), has_driver=True, table=table,
    )]  # fmt: skip
