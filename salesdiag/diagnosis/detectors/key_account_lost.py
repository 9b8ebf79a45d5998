"""One or a few of the largest accounts buy no more, or hardly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.diagnosis.view import View

    Counts = NDArray[np.int64]

_LARGE = 0.01  # of the year's revenue
_FEWEST = 4  # orders a year, so that a year without is no accident
_KEPT = 0.3  # of the orders before, at most
_FAMILY = 0.05


def detect(view: View) -> list[Suspect]:
    """Look at each large account: orders now against those of the year before."""
    sums = view.accounts
    if sums is None or not len(sums):
        return []
    total = view.base_revenue()
    large = sums[(sums["base_amount"] >= _LARGE * total) & (sums["n_base"] >= _FEWEST)]
    if not len(large):
        return []
    p_value = _fewer(large["n_base"].to_numpy(), large["n_now"].to_numpy())
    gone = (large["n_now"] <= _KEPT * large["n_base"]) & (p_value * len(large) < _FAMILY)
    lost = large[gone.to_numpy()]
    if not len(lost):
        return []
    before, now = float(lost["base_amount"].sum()), float(lost["now_amount"].sum())
    revenue = view.revenue_at("department", ())
    # what a year of the same orders differs by, from the sizes of the orders themselves
    error = float(np.sqrt(np.sum(lost["base_amount"] ** 2 / lost["n_base"])))
    whole = revenue + before - now
    return [Suspect(
        "key_account_lost", "account", tuple(sorted(lost["account_id"])), now, before,
        int(lost["n_base"].sum()), float(min(1.0, p_value.min() * len(large))), "orders",
        -float(np.log(whole / revenue)), error / whole, revenue, has_driver=True,
        table=lost.reset_index(drop=True),
    )]  # fmt: skip


def _fewer(before: Counts, now: Counts) -> NDArray[np.float64]:
    """Give the chance of so few orders now if both years were alike (binomial, one half)."""
    from scipy import special

    return np.asarray(special.bdtr(now, before + now, 0.5), float)
