"""One or a few large accounts stopped buying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.diagnosis.suspects import Suspect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from salesdiag.diagnosis.view import View

    Counts = NDArray[np.int64]

_LARGE = 0.01  # of the year's revenue
_FEWEST = 4  # deals a year, so that a year without is no accident
_KEPT = 0.4  # of the deals before, at most
_FAMILY = 0.05


def detect(view: View) -> list[Suspect]:
    """Look at each large account: deals opened now against those of the year before."""
    large = large_accounts(view)
    large = large[large["n_base"] >= _FEWEST]
    if not len(large):
        return []
    p_value = _fewer(large["n_base"].to_numpy(), large["n_now"].to_numpy())
    gone = (large["n_now"] <= _KEPT * large["n_base"]) & (p_value * len(large) < _FAMILY)
    lost = large[gone.to_numpy()]
    if not len(lost):
        return []
    before, now = float(lost["base_amount"].sum()), float(lost["now_amount"].sum())
    revenue = view.revenue_at()
    if not revenue > 0:
        return []
    # what a year of the same orders differs by, from the sizes of the orders themselves
    error = float(np.sqrt(np.sum(lost["base_amount"] ** 2 / lost["n_won_base"])))
    whole = revenue + max(before - now, 0.0)
    return [Suspect(
        "key_account_lost", "account", tuple(sorted(lost["account_id"])), now, before,
        int(lost["n_base"].sum()), float(min(1.0, p_value.min() * len(large))), "orders",
        -float(np.log(whole / revenue)), error / whole, revenue, has_driver=True,
        table=lost.reset_index(drop=True),
    )]  # fmt: skip


def large_accounts(view: View) -> pd.DataFrame:
    """Give the accounts that each made a hundredth of the year before, or more."""
    sums = view.accounts if view.has_past() else None
    if sums is None:
        return pd.DataFrame(columns=["account_id", "n_base", "n_now"])
    return sums[sums["base_amount"] >= _LARGE * view.base_revenue()]


def _fewer(before: Counts, now: Counts) -> NDArray[np.float64]:
    """Give the chance of so few deals now if both years were alike (binomial, one half)."""
    from scipy import special

    return np.asarray(special.bdtr(now, before + now, 0.5), float)
