"""Where the deals stand now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ibis import _

from salesdiag.engine import fetch
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from salesdiag.department import Department

_COLUMNS = ["stage", "open_amount", "stage_share", "stage_share_low", "stage_share_high"]


def current_stages(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Where the deals stand now, by stage and status.

    This is a count of places, not a funnel: it does not know which stages a deal has
    passed, so no conversion can be read from it. It is what can be said without a history.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``stage``); uses ``amount`` if present.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    DataFrame
        One row per group and stage, most deals first:

        - the ``by`` columns, if any, and ``stage`` ("unassigned" where it is missing);
        - ``n_deals`` and its parts ``n_open``, ``n_won``, ``n_lost``;
        - ``open_amount`` : money of the open ones; NaN where none carries an amount;
        - ``n_group`` : deals of the group in all stages;
        - ``stage_share``, ``stage_share_low``, ``stage_share_high`` : ``n_deals / n_group``,
          in [0, 1], with Wilson interval.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If ``by`` holds ``stage``.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({"deal_id": ["A", "B", "C"], "status": ["open", "open", "lost"],
    ...                       "stage": ["offer", "lead", "lead"]})
    >>> table = current_stages(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["stage", "n_deals", "n_open", "n_lost"]]
       stage  n_deals  n_open  n_lost
    0   lead        2       1       1
    1  offer        1       1       0
    """
    keys = department.split_keys(by, results=_COLUMNS)
    department.require(deals=["deal_id", "status", "stage"])
    deals = department.select_deals(by=[*keys, "stage"], start=start, end=end)
    has_amount = "amount" in deals.columns
    is_open = _.status == "open"
    counts = deals.group_by([*keys, "stage"]).agg(
        n_deals=_.count(),
        n_open=_.count(where=is_open),
        n_won=_.count(where=_.status == "won"),
        n_lost=_.count(where=_.status == "lost"),
        **({"open_amount": _.amount.sum(where=is_open).cast("float64")} if has_amount else {}),
    )
    table = fetch(counts)
    table = table.reindex(columns=list(dict.fromkeys([*table.columns, "open_amount"])))
    table["open_amount"] = table["open_amount"].astype(float)
    whole = table.groupby(keys)["n_deals"].transform("sum") if keys else table["n_deals"].sum()
    table["n_group"] = np.asarray(whole) + np.zeros(len(table), dtype="int64")
    table["stage_share"] = ratio(table["n_deals"], table["n_group"])
    low, high = wilson_interval(table["n_deals"], table["n_group"], confidence=confidence)
    table["stage_share_low"], table["stage_share_high"] = low, high
    order = [*keys, "n_deals", "stage"]
    rising = [True] * len(keys) + [False, True]
    return table.sort_values(order, ascending=rising).reset_index(drop=True)
