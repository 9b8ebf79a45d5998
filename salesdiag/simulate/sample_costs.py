"""What the sources of leads of the sample department cost, month by month.

Nothing is drawn at random: the budget is fixed, and repeats from year to year but for its
growth. So it does not depend on the seed, and no other table depends on it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_MONTHS = np.arange("2024-01", "2026-01", dtype="datetime64[M]")
# euros a month, in the order in which they are listed; what outbound costs is its reps' pay
_BUDGET = {"website": 4_200.0, "referral": 650.0, "partner": 2_600.0, "campaign": 5_800.0}
_SEASON = np.array([0.9, 0.95, 1.1, 1.05, 1.0, 0.95, 0.8, 0.85, 1.15, 1.2, 1.15, 0.9])
_EVEN = ("referral", "partner")  # paid by contract, the same every month
_GROWTH = 1.04


def source_costs() -> pd.DataFrame:
    """List what each source cost in each month of 2024 and 2025.

    Returns
    -------
    DataFrame
        ``source``, ``period_start``, ``period_end``, ``cost_amount``, by month and source.

    Examples
    --------
    >>> table = source_costs()
    >>> len(table), table["cost_amount"].min().item()
    (96, 650.0)
    """
    rows = []
    for place, month in enumerate(_MONTHS):
        first = month.astype("datetime64[s]")
        last = (month + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
        growth = _GROWTH ** (place // 12)
        for source, budget in _BUDGET.items():
            season = 1.0 if source in _EVEN else _SEASON[place % 12]
            amount = float(np.round(budget * season * growth / 10) * 10)
            rows.append((source, first, last.astype("datetime64[s]"), amount))
    table = pd.DataFrame(rows, columns=["source", "period_start", "period_end", "cost_amount"])
    return table.astype({"period_start": "datetime64[s]", "period_end": "datetime64[s]"})
