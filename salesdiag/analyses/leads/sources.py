"""What each source of leads is worth, what it costs, and whether it changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.leads.rows import check_keys, count_repeated, is_linked
from salesdiag.analyses.leads.source_counts import (
    COSTED,
    COUNTS,
    OUTCOMES,
    costs_of,
    count_ages,
    count_totals,
    lead_outcomes,
)
from salesdiag.department import UNASSIGNED
from salesdiag.errors import InputError
from salesdiag.periods import parse_day
from salesdiag.stats.arguments import share, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import compound_poisson_interval, normal_quantile, ratio
from salesdiag.stats.survival import cumulative_incidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_RATES = [f"{one}_rate" for one in OUTCOMES]
# what is divided by: of all leads, or of those that carry a cost of their own
_COSTS = {"cost_per_lead_amount": ("n_leads", "n_with_cost"),
          "cost_per_deal_amount": ("n_deals", "n_deals_with_cost"),
          "cost_per_won_amount": ("n_won", "n_won_with_cost")}  # fmt: skip
_ENDS = ("", "_low", "_high")
_COLUMNS = [
    "source", *COUNTS, "n_repeated", *[name + end for name in _RATES for end in _ENDS],
    "won_amount", *["value_per_lead_amount" + end for end in _ENDS], "cost_basis", "cost_amount",
    *[name + end for name in _COSTS for end in _ENDS], "outcome", "n_recent", "n_earlier",
    *[name + end for name in ("recent_rate", "earlier_rate", "conversion_difference")
      for end in _ENDS], "p_value", "q_value",
]  # fmt: skip
_SUMS = [*COUNTS, *COSTED, "won_amount", "won_squares", "own_cost"]


def source_quality(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    within_days: int = 90,
    recent_days: int = 182,
    outcome: Literal["qualified", "deal", "won"] = "qualified",
) -> pd.DataFrame:
    """Conversion of the leads of each source, what they cost, and whether that changed.

    A young lead has not had its chance yet: it counts for as long as it was watched
    (Aalen-Johansen [1]_), so a source that has just begun to send many leads does not look
    poor for it. The shares are those of leads that are qualified, become a deal, or are won
    within ``within_days`` of coming in. A lead whose deal is lost can no longer be won. Where
    an outcome has no date, as with a status alone, only leads of at least that age can tell
    the share, and what came later than that counts too.
    Sources differ in whom they bring, and the better reps may get the better ones; the table
    says what came of the leads, not why.

    Money won and the cost per deal are of what has happened by ``as_of``: with a long sales
    cycle the latest leads have cost their money and not yet brought any.

    Parameters
    ----------
    department : Department
        Needs ``leads`` (``lead_id``, ``created_at``, ``source``) with ``qualified_at``,
        ``status`` or ``deal_id`` (or ``lead_id`` in ``deals``); uses ``amount`` of ``deals``, and
        ``cost_amount`` of leads or ``source_costs``. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``leads`` or ``reps``. Of what a source cost each group
        carries the part that its leads are of all of the source. The group "unassigned" is
        always there; what a source without any lead cost stands there.
    start, end : date or str, optional
        First and last day (both included) on which the lead **came in**, and of the costs.
        Without ``start`` the costs of before the first lead count too.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    within_days : int, default 90
        Age by which the outcome counts.
    recent_days : int, default 182
        The last so many days of the window are held against those before.
    outcome : {"qualified", "deal", "won"}, default "qualified"
        What is held against earlier. Where no table tells who is qualified: a deal.

    Returns
    -------
    DataFrame
        One row per group and source:

        - the ``by`` columns, if any;
        - ``source`` : the source, "unassigned" where missing;
        - ``n_leads`` : its leads; ``n_qualified``, ``n_deals``, ``n_won``, ``n_lost`` : of these,
          by ``as_of``, at whatever age; a deal of several leads is that of the first to come
          in, in the window or not; ``n_undated`` : leads with an outcome, or a loss, of no date;
        - ``n_deal_unknown`` : leads whose deal is not among the deals, or merged into another:
          they count as without a deal; ``n_won_without_amount`` : won without an amount above 0;
        - ``n_with_cost`` : leads that carry a cost of their own; ``n_repeated`` : rows of the
          whole table left out because another row has their id;
        - ``qualified_rate`` : share qualified by the age of ``within_days``, in [0, 1]; NaN where
          nothing tells it or no lead was watched so long;
        - ``qualified_rate_low``, ``qualified_rate_high`` : Wilson interval at the effective
          number of leads, each lead taken as independent;
        - ``deal_rate``, ``deal_rate_low``, ``deal_rate_high``, ``won_rate``, ``won_rate_low``,
          ``won_rate_high`` : likewise became a deal, and were won;
        - ``won_amount`` : money of the deals won; NaN where no amounts are known;
        - ``value_per_lead_amount`` : its ratio to ``n_leads``; NaN likewise or without leads;
        - ``value_per_lead_amount_low``, ``value_per_lead_amount_high`` : gamma interval, deals
          taken as independent; NaN where no money was won, as nothing tells how much a win is;
        - ``cost_basis`` : "leads" (their own cost, where half of the leads of the source carry
          one, or some and nothing else is known), "sources" (``source_costs``, a period that
          reaches over the window by its days), or "";
        - ``cost_amount`` : what the source cost, with "leads" those that carry a cost; NaN where
          unknown;
        - ``cost_per_lead_amount``, ``cost_per_lead_amount_low``, ``cost_per_lead_amount_high``,
          ``cost_per_deal_amount``, ``cost_per_deal_amount_low``, ``cost_per_deal_amount_high``,
          ``cost_per_won_amount``, ``cost_per_won_amount_low``, ``cost_per_won_amount_high`` :
          cost over leads, deals and won deals, with "leads" of those that carry a cost, with
          the interval of a Poisson count below; NaN where there are none, which is not cheap;
        - ``outcome`` : what is held against earlier; ``n_recent``, ``n_earlier`` : leads of the
          last days, and those before;
        - ``recent_rate``, ``recent_rate_low``, ``recent_rate_high``, ``earlier_rate``,
          ``earlier_rate_low``, ``earlier_rate_high`` : share with the outcome, as above;
        - ``conversion_difference``, ``conversion_difference_low``,
          ``conversion_difference_high`` : recent less earlier, with Newcombe's hybrid interval
          [2]_; NaN where either is;
        - ``p_value`` : of no difference, normal with the standard error of that interval;
        - ``q_value`` : the same after Benjamini and Hochberg over the sources of the group.

    Raises
    ------
    MissingDataError
        If a table or column above is missing, or no table holds a ``by`` column.
    InputError
        If an option is not one of those allowed, or a ``by`` column says nothing of leads.

    References
    ----------
    .. [1] Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
       non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.
    .. [2] Newcombe, R. G. (1998). Interval estimation for the difference between independent
       proportions. Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> day = pd.Timestamp("2025-03-03")
    >>> leads = pd.DataFrame({
    ...     "lead_id": ["1", "2", "3", "4"], "source": ["web", "web", "fair", "fair"],
    ...     "created_at": day, "deal_id": ["A", None, None, None],
    ... })
    >>> deals = pd.DataFrame({"deal_id": ["A"], "status": ["won"], "amount": [500.0],
    ...                       "created_at": [day], "closed_at": [day + pd.Timedelta(days=9)]})
    >>> costs = pd.DataFrame({"source": ["web", "fair"], "cost_amount": [100.0, 60.0],
    ...                       "period_start": day, "period_end": day})
    >>> department = Department(deals=deals, leads=leads, source_costs=costs, as_of="2025-12-31")
    >>> table = source_quality(department, outcome="won")
    >>> table[["source", "n_leads", "won_rate", "cost_per_lead_amount", "cost_per_won_amount"]]
      source  n_leads  won_rate  cost_per_lead_amount  cost_per_won_amount
    0   fair        2       0.0                  30.0                  NaN
    1    web        2       0.5                  50.0                100.0
    """
    share("confidence", confidence)
    whole_number("within_days", within_days, least=1)
    whole_number("recent_days", recent_days, least=1)
    if outcome not in OUTCOMES:
        message = f"outcome must be one of {', '.join(OUTCOMES)}; got {outcome!r}."
        raise InputError(message)
    keys = check_keys(department, by, [*_COLUMNS, "days", "is_recent", "age_days"])
    tells = department.has("leads", "qualified_at") or department.has("leads", "status")
    department.require(leads=["source", *([] if tells or is_linked(department) else ["deal_id"])])
    kept = outcome if tells or outcome != "qualified" else "deal"
    first = None if start is None else parse_day(start, "start")
    last = department.as_of if end is None else min(parse_day(end, "end"), department.as_of)
    split_on = last - timedelta(days=recent_days - 1)
    leads = lead_outcomes(department, keys, start=start, end=end, split_on=split_on)
    totals = count_totals(leads, keys)
    table = _counted(totals, keys)
    table = _with_costs(table, costs_of(department, first, last), keys, confidence)
    ages = count_ages(leads, keys, within_days)
    known = {"qualified": tells, "deal": is_linked(department), "won": is_linked(department)}
    for name in OUTCOMES:
        own = ages[ages["outcome"] == name] if known[name] else ages.iloc[:0]
        table = _with_rate(table, own, keys, f"{name}_rate", within_days, confidence)
    _add_value(table, confidence, has_amounts=department.has("deals", "amount") and known["won"])
    own = ages[ages["outcome"] == kept] if known[kept] else ages.iloc[:0]
    table = _with_change(table, own, keys, within_days, confidence)
    table["outcome"], table["n_repeated"] = kept, count_repeated(department)
    for name in ("cost_basis", "outcome", "source"):
        table[name] = table[name].astype("str")
    counts = [*COUNTS, "n_repeated", "n_recent", "n_earlier"]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table[[*keys, *_COLUMNS]].reset_index(drop=True)


def _counted(totals: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Give one row per group and source, with a row of nobody for each split."""
    by = [*keys, "source"]
    rows = totals.assign(
        n_recent=totals["n_leads"].where(totals["is_recent"], 0),
        n_earlier=totals["n_leads"].where(~totals["is_recent"], 0),
    )
    sums = rows.groupby(by)[[*_SUMS, "n_recent", "n_earlier"]].sum().reset_index()
    largest = rows.groupby(by)["largest_won"].max().reset_index()
    table = sums.merge(largest, on=by, how="left")
    if keys and not (table[keys] == UNASSIGNED).all(axis=1).any():
        table = pd.concat([table, _empty_row(table, dict.fromkeys(by, UNASSIGNED))])
    return table.sort_values(by).reset_index(drop=True)


def _empty_row(table: pd.DataFrame, named: dict[str, str]) -> pd.DataFrame:
    row = {name: named.get(name, 0) for name in table.columns}
    return pd.DataFrame([row], columns=table.columns)


def _with_costs(
    table: pd.DataFrame, costs: pd.DataFrame, keys: list[str], confidence: float
) -> pd.DataFrame:
    """Add what the leads of each row cost, by their own cost or that of their source."""
    missing = costs[~costs["source"].isin(table["source"])]["source"].tolist()
    nobody = [_empty_row(table, dict.fromkeys(keys, UNASSIGNED) | {"source": one})
              for one in missing]  # fmt: skip
    table = pd.concat([table, *nobody], ignore_index=True)
    table = table.sort_values([*keys, "source"]).reset_index(drop=True)
    whole = table.groupby("source")[["n_leads", "n_with_cost"]].transform("sum")
    billed = table["source"].map(costs.set_index("source")["cost"]).astype(float)
    some = whole["n_with_cost"] > 0
    own = some & ((2 * whole["n_with_cost"] >= whole["n_leads"]) | billed.isna())
    table["cost_basis"] = np.where(own, "leads", np.where(billed.notna(), "sources", ""))
    part = np.where(whole["n_leads"] > 0, ratio(table["n_leads"], whole["n_leads"]), 1.0)
    spent = table["own_cost"].where(table["n_with_cost"] > 0)
    table["cost_amount"] = np.where(own, spent, billed * part)
    for name, (count, costed) in _COSTS.items():
        n = np.where(own, table[costed], table[count]).astype(float)
        low, high = compound_poisson_interval(n, n, np.minimum(n, 1.0), confidence=confidence)
        known = table["cost_amount"].where(n > 0)
        table[name] = ratio(known, n)
        table[f"{name}_low"], table[f"{name}_high"] = ratio(known, high), ratio(known, low)
    return table


def _add_value(table: pd.DataFrame, confidence: float, *, has_amounts: bool) -> None:
    n = table["n_leads"].astype(float)
    table["won_amount"] = table["won_amount"].where(has_amounts & (n > 0))
    name = "value_per_lead_amount"
    low, high = compound_poisson_interval(
        table["won_amount"].fillna(0.0), table["won_squares"], table["largest_won"],
        confidence=confidence,
    )  # fmt: skip
    table[name] = ratio(table["won_amount"], n)
    table[f"{name}_low"] = ratio(np.where(table["won_amount"].isna(), np.nan, low), n)
    table[f"{name}_high"] = ratio(np.where(table["won_amount"].isna(), np.nan, high), n)


def _with_rate(
    table: pd.DataFrame,
    ages: pd.DataFrame,
    keys: list[str],
    name: str,
    horizon: int,
    confidence: float,
) -> pd.DataFrame:
    """Add the share with an outcome by the horizon."""
    by = [*keys, "source"]
    names = [name + end for end in _ENDS]
    if not len(ages):
        return table.assign(**dict.fromkeys(names, np.nan))
    codes = ages.groupby(by, sort=True).ngroup().to_numpy()
    found = cumulative_incidence(
        ages["days"], ages["n_event"], ages["n_rival"], ages["n_open"], group=codes,
        horizon=horizon, confidence=confidence,
    )  # fmt: skip
    rows = ages[by].drop_duplicates().sort_values(by).reset_index(drop=True)
    for one, values in zip(names, (found.rate, found.low, found.high), strict=True):
        rows[one] = values
    return table.merge(rows, on=by, how="left")


def _with_change(
    table: pd.DataFrame, ages: pd.DataFrame, keys: list[str], horizon: int, confidence: float
) -> pd.DataFrame:
    """Add the recent share, the earlier one, and their difference with its test."""
    fixed = table[[*keys, "source"]]
    for name, recent in (("recent_rate", True), ("earlier_rate", False)):
        own = ages[ages["is_recent"] == recent]
        table = _with_rate(table, own, keys, name, horizon, confidence)
        fixed = _with_rate(fixed, own, keys, name, horizon, 0.95)
    for end, values in zip(_ENDS, _hybrid(table), strict=True):
        table[f"conversion_difference{end}"] = values
    gap, low, high = _hybrid(fixed)
    error = (high - low) / (2 * normal_quantile(0.95))
    table["p_value"] = _two_sided(ratio(gap, error))
    table["q_value"] = np.nan
    for rows in table.groupby(keys).indices.values() if keys else [np.arange(len(table))]:
        told = rows[~np.isnan(table["p_value"].to_numpy()[rows])]
        if len(told):
            table.loc[told, "q_value"] = adjust_p_values(table["p_value"].to_numpy()[told])
    return table


def _hybrid(table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Give the difference of two shares with the interval that their own intervals give."""
    recent, low, high, earlier, other_low, other_high = (
        table[f"{name}{end}"].to_numpy(float)
        for name in ("recent_rate", "earlier_rate") for end in _ENDS
    )  # fmt: skip
    gap = recent - earlier
    below = np.sqrt((recent - low) ** 2 + (other_high - earlier) ** 2)
    above = np.sqrt((high - recent) ** 2 + (earlier - other_low) ** 2)
    return gap, gap - below, gap + above


def _two_sided(z: Floats) -> Floats:
    from scipy import special

    found: Floats = 2 * special.ndtr(-np.abs(z))
    return found
