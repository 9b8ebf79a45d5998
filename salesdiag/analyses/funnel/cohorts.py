"""How deals created in one period turn out against those created in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.funnel.outcome_counts import ENDS, count_outcomes, dated_deals
from salesdiag.errors import InputError
from salesdiag.periods import add_months
from salesdiag.stats.rates import ratio
from salesdiag.stats.survival import cumulative_incidence, incidence_curve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.department import Department

Grain = Literal["month", "quarter", "year"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MATURE = 0.9  # share of the wins to come that have come by the default horizon
_COLUMNS = [
    "cohort_start", "cohort_end", "n_deals", "n_undated", "n_won", "n_lost", "n_open",
    "horizon_days", "is_mature", "n_at_risk", "conversion_rate", "conversion_rate_low",
    "conversion_rate_high", "won_so_far_share",
]  # fmt: skip


def cohort_conversion(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    grain: Grain = "quarter",
    horizon_days: int | None = None,
) -> pd.DataFrame:
    """Share of the deals created in each period that are won within the same time.

    "Conversion fell" is what a table of cohorts says of every recent one, for their deals
    have not had the time. Here each cohort is judged at the same age, open deals count for
    as long as they were watched, and a cohort whose youngest deals have not reached that
    age is marked as not mature: its rate rests on its older deals.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``created_at``, ``closed_at``). Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **created**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    grain : {"month", "quarter", "year"}, default "quarter"
        Length of a cohort, in fiscal periods.
    horizon_days : int, optional
        The age at which cohorts are compared. Default: the age by which nine in ten of the
        wins of the whole department have come, of those that come within what was watched.

    Returns
    -------
    DataFrame
        One row per group and cohort that has deals, in order of time:

        - the ``by`` columns, if any;
        - ``cohort_start``, ``cohort_end`` : first and last day of creation;
        - ``n_deals`` : deals created then; ``n_won``, ``n_lost``, ``n_open`` : how they stand;
        - ``n_undated`` : of these, decided on an unknown day, left out of the rate;
        - ``horizon_days`` : the age at which the rate holds; NaN without any win;
        - ``is_mature`` : whether all of the cohort could have reached that age;
        - ``n_at_risk`` : open and watched up to that age;
        - ``conversion_rate`` : probability of being won within ``horizon_days``, in [0, 1]; NaN
          where nobody was watched that long;
        - ``conversion_rate_low``, ``conversion_rate_high`` : its interval;
        - ``won_so_far_share`` : ``n_won / n_deals``, in [0, 1], which young cohorts lower; NaN
          without deals.

        Deals without a day of creation belong to no cohort; `outcome_incidence` counts them.

    Raises
    ------
    MissingDataError
        If a column above is missing.
    InputError
        If ``grain`` is not one of the three, or ``horizon_days`` is below 1.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
    non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> deals = pd.DataFrame({
    ...     "deal_id": list("ABCD"), "status": ["won", "lost", "won", "open"],
    ...     "created_at": pd.to_datetime(["2025-01-02", "2025-02-02", "2025-04-02", "2025-06-20"]),
    ...     "closed_at": pd.to_datetime(["2025-01-12", "2025-02-22", "2025-04-22", None]),
    ... })
    >>> table = cohort_conversion(Department(deals=deals, as_of="2025-06-30"), horizon_days=30)
    >>> table[["cohort_start", "n_deals", "is_mature", "conversion_rate", "won_so_far_share"]]
      cohort_start  n_deals  is_mature  conversion_rate  won_so_far_share
    0   2025-01-01        2       True              0.5               0.5
    1   2025-04-01        2      False              1.0               0.5
    """
    if grain not in _MONTHS:
        message = f"grain must be 'month', 'quarter' or 'year'; got {grain!r}."
        raise InputError(message)
    if horizon_days is not None and not horizon_days >= 1:
        message = f"horizon_days must be a number of days from 1 on; got {horizon_days!r}."
        raise InputError(message)
    keys = department.split_keys(by, results=[*_COLUMNS, "cohort"])
    months, first_month = _MONTHS[grain], department.calendar.fiscal_year_start
    deals = dated_deals(department, keys, start=start, end=end).filter(_.created_at.notnull())
    index = deals.created_at.year() * 12 + deals.created_at.month() - first_month
    deals = deals.mutate(cohort=(index - index % months).cast("int64"))
    counts = count_outcomes(deals, [*keys, "cohort"])
    horizon = _default_horizon(counts) if horizon_days is None else float(horizon_days)
    table = _sums(counts, keys)
    table = table.join(_rates(counts, [*keys, "cohort"], horizon, confidence))
    starts = [add_months(_month(cohort + first_month - 1), 0) for cohort in table["cohort"]]
    table["cohort_start"] = pd.to_datetime(pd.Series(starts, dtype="object"))
    ends = [add_months(day, months) for day in starts]
    table["cohort_end"] = pd.to_datetime(pd.Series(ends, dtype="object")) - pd.Timedelta(days=1)
    table["horizon_days"] = horizon
    reached = table["cohort_end"] + pd.Timedelta(days=0 if np.isnan(horizon) else horizon)
    table["is_mature"] = (reached <= pd.Timestamp(department.as_of)) & ~np.isnan(horizon)
    table["won_so_far_share"] = ratio(table["n_won"], table["n_deals"])
    return table[[*keys, *_COLUMNS]]


def _month(index: int) -> date:
    """Give the first day of a month counted from year 0."""
    return pd.Timestamp(year=int(index) // 12, month=int(index) % 12 + 1, day=1).date()


def _sums(counts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Count the deals of each group and cohort, those without an age apart."""
    n_all = counts[ENDS].sum(axis=1)
    counted = counts.assign(n_deals=n_all, n_undated=n_all.where(counts["age_days"] < 0, 0))
    names = ["n_deals", "n_undated", *ENDS]
    return counted.groupby([*keys, "cohort"], as_index=False)[names].sum()


def _rates(
    counts: pd.DataFrame, keys: list[str], horizon: float, confidence: float
) -> pd.DataFrame:
    """Give the rate of each group and cohort in the order of `_sums`."""
    code = counts.groupby(keys).ngroup()
    names = ["conversion_rate", "conversion_rate_low", "conversion_rate_high", "n_at_risk"]
    placed = counts["age_days"] >= 0
    at = 0.0 if np.isnan(horizon) else horizon
    found = cumulative_incidence(
        counts["age_days"][placed],
        counts["n_won"][placed],
        counts["n_lost"][placed],
        counts["n_open"][placed],
        group=code[placed],
        horizon=at,
        confidence=confidence,
    )
    rates = pd.DataFrame(
        np.column_stack((found.rate, found.low, found.high, found.n_at_risk)),
        columns=names,
        index=found.group.astype(int),
    ).reindex(range(code.nunique()))
    rates["n_at_risk"] = rates["n_at_risk"].fillna(0).astype("int64")
    if np.isnan(horizon):
        rates[names[:3]] = np.nan
    return rates


def _default_horizon(counts: pd.DataFrame) -> float:
    """Give the age by which nine in ten of the wins that come have come."""
    placed = counts[counts["age_days"] >= 0]
    curve = incidence_curve(placed["age_days"], placed["n_won"], placed["n_lost"], placed["n_open"])
    known = curve.incidence[~np.isnan(curve.incidence)]
    if not len(known) or known[-1] <= 0:
        return float("nan")
    reached = np.flatnonzero(known >= _MATURE * known[-1])[0]
    return float(max(curve.time[reached], 1.0))
