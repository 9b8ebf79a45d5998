"""The gap to plan, to last year or to peers, as an exact sum of its factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.drivers.compare import Reference, compared_groups
from salesdiag.analyses.drivers.factors import CONTROL, parts_of
from salesdiag.analyses.drivers.sums import SUMS
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.resampling import drawn_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.analyses.drivers.compare import Compared
    from salesdiag.analyses.drivers.draw import Side
    from salesdiag.department import Department

_COLUMNS = [
    "factor", "stage", "control", "n_deals", "n_won", "n_without_amount", "base_value",
    "actual_value", "gap_amount", "gap_amount_low", "gap_amount_high", "base_amount",
    "actual_amount", "horizon_days",
]  # fmt: skip


def gap_ledger(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    reference: Reference = "last_year",
    n_draws: int = 300,
    seed: int = 0,
) -> pd.DataFrame:
    """Split the gap of a window into parts that add up: days, leads, conversion, size, price.

    The amount won is selling days x leads per day x deals per lead x conversion of each
    stage x timing x list value per deal x price realisation. Each factor gets what its change
    against the reference adds, averaged over all orders of change (Shapley [1]_), so nothing
    is left over and no order is preferred. It says where the gap arose, not who caused it.

    Conversion is that of the deals created in the window, open ones counted for as long as
    they were watched; ``timing`` is wins in the window over wins to be expected of its deals:
    above 1 where old deals were closed or wins pulled in, below 1 where deals were pushed out
    or business grew towards the end. Market is a factor where there is an index.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``, ``rep_id``,
        ``amount``); uses ``list_amount``, ``leads``, ``stage_changes``, ``reps``, ``market``
        and ``targets`` where there are any. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``. Each group has a
        ledger of its own. Selling days of a rep that worked in several groups count in each.
    start, end : date or str, optional
        First and last day (both included) of the window in which deals are **created** and
        **closed**. Default: the twelve months up to ``as_of``.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    reference : {"last_year", "plan", "peers"}, default "last_year"
        ``"last_year"``: the same days a year before. ``"plan"``: the same, and what the plan
        asks for beyond it as a part of its own, ``"plan"``; needs ``targets`` of revenue.
        ``"peers"``: the factors of all other groups, at the group's own selling days; needs
        ``by``.
    n_draws, seed : int
        Draws of reps behind the intervals, and where the random numbers begin.

    Returns
    -------
    DataFrame
        One row per group and factor, in order of the chain:

        - the ``by`` columns, if any;
        - ``factor`` : its name; ``stage`` : the stage left, for ``"conversion"``, else empty;
        - ``control`` : ``"direct"``, ``"indirect"`` or ``"external"``: who can change it;
        - ``n_deals``, ``n_won`` : deals created, and deals won for a known amount, in the window
          (without a stage history those decided on an unknown day are left out);
        - ``n_without_amount`` : deals won without an amount, left out;
        - ``base_value``, ``actual_value`` : the factor at the reference and in the window; NaN
          where it is unknown, and for ``"plan"``;
        - ``gap_amount`` : money that its change adds, per window; the rows of a group add up to
          ``actual_amount`` less ``base_amount``; NaN where a factor is unknown (no deal, no
          win) on either side;
        - ``gap_amount_low``, ``gap_amount_high`` : its interval; NaN with fewer than two reps;
        - ``base_amount``, ``actual_amount`` : money of the reference (the plan, where that is
          asked for; NaN for a group without one) and of the window;
        - ``horizon_days`` : days within which conversion holds, on both sides.

    Raises
    ------
    MissingDataError
        If a column above is missing, the data do not reach back a year, or there is no plan.
    InputError
        If ``reference`` is not one of the three, or ``"peers"`` is asked for without ``by``.

    References
    ----------
    .. [1] Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a
       unified framework based on the Shapley value. Journal of Economic Inequality 11, 99-126.

    Examples
    --------
    Two deals won in 2024, two in 2025, of half the size.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": "won", "rep_id": list("xyxy"),
    ...     "created_at": pd.to_datetime(["2024-03-01"] * 2 + ["2025-03-03"] * 2),
    ...     "closed_at": pd.to_datetime(["2024-05-01"] * 2 + ["2025-05-03"] * 2),
    ...     "amount": [100.0, 100.0, 50.0, 50.0],
    ... })
    >>> table = gap_ledger(Department(deals=deals, as_of="2025-12-31"))
    >>> table[table["factor"] == "list_value_per_deal"][["base_value", "actual_value"]]
       base_value  actual_value
    4       100.0          50.0
    >>> round(float(table["gap_amount"].sum()), 6)
    -100.0
    """
    keys = department.split_keys(by, results=[*_COLUMNS, *SUMS])
    share("confidence", confidence)
    whole_number("n_draws", n_draws)
    groups = compared_groups(
        department, keys, start=start, end=end, reference=reference, n_draws=n_draws, seed=seed
    )
    parts = [
        _ledger_of(one, reference, confidence).assign(**dict(zip(keys, one.group, strict=True)))
        for one in groups
    ]
    columns = [*keys, *_COLUMNS]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    kinds = dict.fromkeys(_COLUMNS[6:], "float64") | dict.fromkeys(_COLUMNS[3:6], "int64")
    return whole[columns].astype(kinds)


def _ledger_of(one: Compared, reference: str, confidence: float) -> pd.DataFrame:
    """Make the ledger of one group."""
    names, parts = parts_of(one.base_factors, one.factors, one.base.rates, one.actual.rates)
    known = ~np.isnan(parts.sum(axis=1))
    low = high = np.full(parts.shape[1], np.nan)
    if known[0] and known.mean() > 0.9:  # a few draws without any win tell nothing
        low, high = drawn_interval(
            parts[known], parts[0], n_clusters=one.n_reps, confidence=confidence
        )
    steps = [int(name.partition(":")[2]) if ":" in name else -1 for name in names]
    rows = pd.DataFrame({
        "factor": [name.partition(":")[0] for name in names],
        "stage": [one.stages[step] if step >= 0 else "" for step in steps],
        "base_value": _values(one.base_factors, one.base, names, steps),
        "actual_value": _values(one.factors, one.actual, names, steps),
        "gap_amount": parts[0],
        "gap_amount_low": low,
        "gap_amount_high": high,
        "horizon_days": [one.horizons[step] if step >= 0 else np.nan for step in steps],
    })  # fmt: skip
    base_amount = one.base.sums[0, -1]
    if reference == "plan":
        rows = pd.concat([rows, _beyond_last_year(one)], ignore_index=True)
        base_amount = one.plan_amount
    rows["control"] = rows["factor"].map(CONTROL)
    counts = dict(zip(SUMS, one.actual.sums[0], strict=True))
    return rows.assign(
        n_deals=int(counts["deals"]), n_won=int(counts["won"]),
        n_without_amount=int(counts["without_amount"]),
        base_amount=base_amount, actual_amount=counts["amount"],
    )  # fmt: skip


def _beyond_last_year(one: Compared) -> pd.DataFrame:
    """Give what the plan asks for beyond last year, as a part of the gap; it is no estimate."""
    amount = one.base.sums[0, -1] - one.plan_amount
    return pd.DataFrame({
        "factor": ["plan"], "stage": [""], "base_value": [np.nan], "actual_value": [np.nan],
        "gap_amount": [amount], "gap_amount_low": [amount], "gap_amount_high": [amount],
        "horizon_days": [np.nan],
    })  # fmt: skip


def _values(
    factors: dict[str, NDArray[np.float64]], side: Side, names: list[str], steps: list[int]
) -> list[float]:
    """Give the value of each factor in the window itself."""
    return [
        float(side.rates[0, step] if step >= 0 else factors[name][0])
        for name, step in zip(names, steps, strict=True)
    ]
