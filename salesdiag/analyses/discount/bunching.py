"""Whether discounts pile up at the limit that a role may give alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.ratios import STEPS, Ratio, add_ratio, step_of
from salesdiag.engine import fetch
from salesdiag.errors import InputError
from salesdiag.reductions.deal_prices import NAMES, deal_prices
from salesdiag.stats.arguments import share
from salesdiag.stats.bunching import ExcessMass, excess_mass, placebo_thresholds
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

LEAST_DEALS = 100  # with a discount, below which a pile cannot be told from a few deals
_UNPRICED, _UNDATED = -(10**9), -(10**9) - 1  # no depths: what is left out
LEAST_THERE = 5  # deals at the limit, or expected there
_DRAWS = 250
_LEAST_OTHERS = 5  # deals at other multiples of a round number, to learn from
_CANDIDATES = (0.1, 0.15, 0.2, 0.25, 0.3)  # limits tried where none is known
_ROUND = ((0.05, 0.1), (0.05,), ())
_HAIR = 0.5  # thousandths: rounded cents do not lift a discount over its limit
_COLUMNS = [
    "limit_name", "limit_basis", "discount_limit", "n_unpriced", "n_undated", "n_priced",
    "n_discounted", "n_at_limit",
    "limit_rate", "limit_rate_low", "limit_rate_high", "expected_deals", "excess_deals",
    "excess_deals_low", "excess_deals_high", "excess_part", "excess_part_low",
    "excess_part_high", "relative_excess", "relative_excess_low", "relative_excess_high",
    "scatter", "p_value", "q_value", "n_placebos", "placebo_p_value", "reason",
]  # fmt: skip


def limit_bunching(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    limits: Mapping[str, float] | Sequence[float] | None = None,
    step: float = 0.01,
    reach: float = 0.0,
) -> pd.DataFrame:
    """Tell how many discounts lie just at an approval limit beyond what a smooth spread has there.

    Where a rep may give 15 % alone, and asks nobody for it, discounts of 15 % are what the
    limit makes of them: those who would have got 12 % get 15 as well. The discounts are
    counted in steps, and those at or just below the limit held against a smooth curve through
    the others [1]_. But 5, 10 and 15 % are round numbers and draw discounts without any limit:
    multiples of 5 and 10 % have factors of their own, learnt from the multiples that are no
    limit, and each of these is tried as a placebo. A limit at 15 % must stand out among 5,
    20 and 25 %. That some discounts would be smaller without the limit is a reading of the
    pile, not shown by it; limits that changed within the window blur it.

    The limits are those given, else those of the department (``discount_limits`` in
    department.toml). Where none is known, 10, 15, 20, 25 and 30 % are tried, and such a pile
    only says that there may be a limit. Deals won and lost count alike.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``) with ``amount`` and ``list_amount``, or
        ``line_items``; ``closed_at`` for a window. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **closed**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    limits : mapping of str to float, or sequence of float, optional
        The largest discount that each role may give alone, as a share of the list price.
    step : float, default 0.01
        Width of the steps in which discounts are counted; every limit must be a multiple.
    reach : float, default 0
        How far below the limit discounts still count as being at it.

    Returns
    -------
    DataFrame
        One row per group and limit, from the lowest limit up:

        - the ``by`` columns, if any;
        - ``limit_name`` : the role, or "" where there is no name; ``limit_basis`` : "given",
          "settings", or "candidate" where none is known; ``discount_limit`` : the limit;
        - ``n_unpriced``, ``n_undated`` : deals closed without two prices above 0, and without a
          known day where there is a window, left out;
        - ``n_priced``, ``n_discounted`` : deals closed with two prices above 0, and those of them
          with a discount;
        - ``n_at_limit`` : discounts in the step that ends with the limit (and within ``reach``);
        - ``limit_rate``, ``limit_rate_low``, ``limit_rate_high`` : ``n_at_limit / n_discounted``,
          in [0, 1], with Wilson interval; NaN without discounts;
        - ``expected_deals`` : how many the curve has there; NaN with fewer than 100 discounts, with
          fewer than 5 there and expected there, or where no curve can be fitted;
        - ``excess_deals``, ``excess_deals_low``, ``excess_deals_high`` : what lies there beyond
          the curve; NaN likewise, as all that follow;
        - ``excess_part``, ``excess_part_low``, ``excess_part_high`` : the same as a part of all
          discounts;
        - ``relative_excess``, ``relative_excess_low``, ``relative_excess_high`` : the same in
          units of what the curve has in one step;
        - ``scatter`` : how much single steps scatter around the curve beyond chance, as a share;
        - ``p_value`` : of no excess, one-sided; ``q_value`` : of all rows together (Benjamini and
          Hochberg);
        - ``n_placebos`` : other points as round as the limit; ``placebo_p_value`` : rank of the
          limit among them, at least ``1 / (n_placebos + 1)``; NaN without any;
        - ``reason`` : why there is no estimate; empty where there is one.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount, or no table holds a ``by`` column.
    InputError
        If a limit is no share, or no multiple of ``step``, or ``by`` holds the name of a result.

    References
    ----------
    .. [1] Kleven, H. J. (2016). Bunching. Annual Review of Economics 8, 435-464.
    .. [2] Kleven, H. J. and Waseem, M. (2013). Using notches to uncover optimization frictions
       and structural elasticities. Quarterly Journal of Economics 128, 669-723.

    Examples
    --------
    40 deals at each percent up to 25, and 60 more at 15.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> percent = [one for one in range(1, 26) for _deal in range(100 if one == 15 else 40)]
    >>> deals = pd.DataFrame({"amount": [1000.0 - 10 * one for one in percent]})
    >>> deals = deals.assign(deal_id=deals.index.astype(str), status="won", list_amount=1000.0)
    >>> department = Department(deals=deals, as_of="2025-12-31")
    >>> table = limit_bunching(department, limits={"rep": 0.15})
    >>> table[["limit_name", "n_at_limit", "expected_deals", "excess_deals"]].round(1)
      limit_name  n_at_limit  expected_deals  excess_deals
    0        rep         100            40.0          60.0
    """
    share("confidence", confidence)
    wanted = _limits(department, limits, step, reach)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "step"])
    deals = deal_prices(department, keys, start=start, end=end)
    counts = _count_steps(deals, keys)
    groups = list(counts.groupby(keys)) if keys else [((), counts)]
    rows = []
    for group, own in groups:
        base = dict(zip(keys, group if isinstance(group, tuple) else (group,), strict=True))
        for name, mark in (("n_unpriced", _UNPRICED), ("n_undated", _UNDATED)):
            base[name] = int(own.loc[own["step"] == mark, "n"].sum())
        own = own[own["step"] > _UNPRICED]
        for name, basis, limit in wanted:
            found = _one_limit(own, limit, step, reach, confidence)
            rows.append(base | {"limit_name": name, "limit_basis": basis,
                                "discount_limit": limit} | found)  # fmt: skip
    return _table(rows, keys, confidence)


def _count_steps(deals: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count the deals per group and depth in thousandths, and those without a depth or a day."""
    nowhere = ibis.ifelse(deals.is_inside, _UNPRICED, _UNDATED)
    step = ibis.ifelse(deals.is_inside & deals.is_priced, step_of(deals), nowhere)
    counts = fetch(deals.group_by([*keys, step.name("step")]).agg(n=_.count()))
    counts = counts.astype({"step": "int64", "n": "int64"})
    return counts.sort_values([*keys, "step"]).reset_index(drop=True)


def _limits(
    department: Department,
    given: Mapping[str, float] | Sequence[float] | None,
    step: float,
    reach: float,
) -> list[tuple[str, str, float]]:
    """List the limits by size: name, where it comes from, and limit."""
    for name, value in (("step", step), ("reach", reach)):
        fits = isinstance(value, int | float) and 0 <= value < 0.5
        if not fits or (name == "step" and value * STEPS < 1):
            message = f"{name} must be a share of the list price below 0.5, such as 0.01; got "
            raise InputError(message + f"{value!r}.")
    basis = "given" if given is not None else "settings"
    found = given if given is not None else department.settings.discount_limits
    if not found:
        basis, found = "candidate", _CANDIDATES
    if not isinstance(found, Mapping | list | tuple):
        message = f"limits must be names with shares, or a list of shares; got {given!r}."
        raise InputError(message)
    named = found.items() if isinstance(found, Mapping) else [("", one) for one in found]
    wanted = [(str(name), basis, share("limits", limit)) for name, limit in named]
    for _name, _basis, limit in wanted:
        if abs(limit / step - round(limit / step)) > 1e-6:
            message = f"step must divide every limit; got a step of {step} and a limit of {limit}."
            raise InputError(message)
    return sorted(wanted, key=lambda one: (one[2], one[0]))


def _one_limit(
    counts: pd.DataFrame, limit: float, step: float, reach: float, confidence: float
) -> dict[str, object]:
    """Hold what lies at a limit against the curve through the others."""
    off = counts[counts["step"] > 0]
    width = step * STEPS
    place = np.ceil((off["step"].to_numpy() - _HAIR) / width).astype(int)
    # the curve needs a few steps beyond the limit; a thin tail tells it nothing
    last = max(round(limit / step) + 5, _last_step(place, off["n"].to_numpy()))
    # what lies beyond the last step is left out
    cases = np.bincount(place, off["n"], minlength=last + 1)[1 : last + 1].astype(float)
    value = np.round(np.arange(1, last + 1) * step, 6)
    near = (value <= limit + 1e-9) & (value >= limit - reach - 1e-9)
    found: dict[str, object] = {
        "n_priced": int(counts["n"].sum()), "n_discounted": int(off["n"].sum()),
        "n_at_limit": int(cases[near].sum()), "reason": "",
    }  # fmt: skip
    if off["n"].sum() < LEAST_DEALS:
        found["reason"] = f"{off['n'].sum()} deals with a discount (at least {LEAST_DEALS})"
        return found
    mass, rounds, why = _fitted(value, cases, limit, reach, confidence)
    if mass is None:
        found["reason"] = why
        return found
    if max(mass.counterfactual, cases[near].sum()) < LEAST_THERE:
        found["reason"] = f"fewer than {LEAST_THERE} deals at the limit, and expected there"
        return found
    found |= {
        "expected_deals": mass.counterfactual, "scatter": mass.scatter, "p_value": mass.p_value,
    } | _ends("excess_deals", mass.excess, mass.excess_low, mass.excess_high) | _ends(
        "excess_part", mass.share, mass.share_low, mass.share_high
    ) | _ends("relative_excess", mass.relative, mass.relative_low, mass.relative_high)  # fmt: skip
    try:
        others = placebo_thresholds(
            value, cases, limit, window=(reach, 0.0), degree=_degree(cases), round_numbers=rounds
        )
    except InputError:  # no other point is as round as the limit
        return found
    return found | {"n_placebos": len(others.score), "placebo_p_value": others.p_value}


def _ends(name: str, value: float, low: float, high: float) -> dict[str, object]:
    """Name an estimate and its interval, which draws may leave a little beside it."""
    return {name: value, f"{name}_low": min(low, value), f"{name}_high": max(high, value)}


def _last_step(place: NDArray[np.int64], n: NDArray[np.int64]) -> int:
    """Give the step up to which 99 of 100 discounts lie."""
    if not len(place):
        return 0
    sums = np.bincount(np.clip(place, 0, None), n).cumsum()
    return int(np.searchsorted(sums, 0.99 * sums[-1]))


def _degree(cases: NDArray[np.float64]) -> int:
    """Bend the curve less where fewer steps hold cases."""
    return int(np.clip((cases > 0).sum() // 4, 1, 4))


def _fitted(
    value: NDArray[np.float64],
    cases: NDArray[np.float64],
    limit: float,
    reach: float,
    confidence: float,
) -> tuple[ExcessMass | None, tuple[float, ...], str]:
    """Fit with as many factors of round numbers as the other multiples can tell."""
    why = ""
    for rounds in _ROUND:
        others = [_others(value, cases, limit, reach, one) for one in rounds]
        if any(n < _LEAST_OTHERS for n in others):
            continue
        try:
            return (
                excess_mass(
                    value, cases, limit, window=(reach, 0.0), degree=_degree(cases),
                    round_numbers=rounds, confidence=confidence, n_draws=_DRAWS,
                ),
                rounds,
                "",
            )  # fmt: skip
        except InputError as error:
            why = str(error)
    return None, (), f"no curve can be fitted: {why}"


def _others(
    value: NDArray[np.float64], cases: NDArray[np.float64], limit: float, reach: float, of: float
) -> float:
    """Count the cases at multiples of a round number away from the limit."""
    is_multiple = np.abs(value / of - np.round(value / of)) < 1e-6
    away = (value > limit + 1e-9) | (value < limit - reach - 1e-9)
    return float(cases[is_multiple & away].sum())


def _table(rows: list[dict[str, object]], keys: list[str], confidence: float) -> pd.DataFrame:
    columns = [*keys, *_COLUMNS]
    table = pd.DataFrame(rows, columns=columns)
    whole = [name for name in columns if name.startswith("n_") and name not in keys]
    text = [*keys, "limit_name", "limit_basis", "reason"]
    floats = [name for name in columns if name not in (*whole, *text)]
    table[whole] = table[whole].astype(float).fillna(0).astype("int64")
    table[floats] = table[floats].astype(float)
    table[text] = table[text].astype("str")
    low, high = wilson_interval(table["n_at_limit"], table["n_discounted"], confidence=confidence)
    rate = ratio(table["n_at_limit"], table["n_discounted"])
    add_ratio(table, "limit_rate", Ratio(rate, low, high))
    told = table["p_value"].notna()
    if told.any():
        table.loc[told, "q_value"] = adjust_p_values(table.loc[told, "p_value"].to_numpy())
    return table[columns]
