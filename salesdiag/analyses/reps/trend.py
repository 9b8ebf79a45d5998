"""Which reps have changed, beyond what the season and luck running out explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from salesdiag.analyses.reps.chance import count_p, difference_interval, log_interval, share_p
from salesdiag.analyses.reps.closings import (
    closings,
    days_of,
    not_before_data,
    require_amounts,
    tenures,
    undated,
)
from salesdiag.analyses.reps.rep_groups import (
    asked_of_reps,
    group_codes,
    months_before,
    sells_enough,
    with_groups,
)
from salesdiag.department import UNASSIGNED
from salesdiag.reductions.selling_days import working_days
from salesdiag.stats.arguments import one_of, whole_number
from salesdiag.stats.multiplicity import adjust_p_values
from salesdiag.stats.rates import compound_poisson_interval, ratio, wilson_interval
from salesdiag.stats.shrinkage import beta_binomial_shrinkage, gamma_poisson_shrinkage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from salesdiag.analyses.reps.rep_groups import Asked
    from salesdiag.department import Department

_METRICS = ("wins", "revenue", "win_rate")
_WINDOWS = ("before", "after")
_LEAST_REPS = 3
_DATES = ["before_start", "before_end", "after_start", "after_end"]
_COUNTS = [f"{name}_{one}" for name in ("n_selling_days", "n_decided", "n_won")
           for one in _WINDOWS]  # fmt: skip
_SHOWN = [
    "rep_id", "metric", *_DATES, *_COUNTS, "n_undated", "n_compared_reps",
    "before", "after", "change", "department_change", "rebound", "own_weight",
    "net_change", "net_change_low", "net_change_high", "p_value", "q_value",
    "is_better", "is_worse",
]  # fmt: skip


def rep_trend(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    metric: Literal["wins", "revenue", "win_rate"] = "wins",
    months: int = 6,
) -> pd.DataFrame:
    """Tell how each rep changed from one window to the next, net of season and luck.

    Last half-year's stars are mostly worse this half-year, and its laggards better, with
    nobody having changed: part of what stood them out was luck, and luck does not stay. So the
    change is split into three parts that add up: ``department_change``, what the season or the
    market did to all the others; ``rebound``, the way back to the mean to be expected of so
    extreme a figure from so few deals; and ``net_change``, what is left and may be the rep's.

    The earlier figure of each rep is drawn towards the mean of all by as much as chance
    explains of their differences (gamma-Poisson or beta-binomial), then moved as the *other*
    reps moved. Where nobody differs beyond chance, all are expected to be alike. The
    p-value is the chance of a later figure this far out if the rep stayed as good as before,
    the doubt about that included; it needs three reps there in both windows. A rep with fewer
    than a fifth of the median rep's closed deals (a manager who lends a hand) is counted, not
    compared. Deals of one account that are decided together make the p-value too small.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``rep_id``, ``status``, ``closed_at``); ``deals.amount`` for revenue.
        Not modified.
    by : str or sequence of str, default ()
        Columns of ``reps``; each group is judged by itself.
    start, end : date or str, optional
        First day of the earlier window and last day of the later one, on which deals were
        **closed**. Default: ``end`` is ``as_of``, and the earlier window is as long as the later.
        A ``start`` inside the later window cuts that one and leaves no earlier one.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1; flags are set where ``q_value`` is at
        most ``1 - confidence``.
    metric : {"wins", "revenue", "win_rate"}, default "wins"
        Deals won per selling day, money won per selling day, or won of the deals decided.
    months : int, default 6
        Length of the later window, and of the earlier one if ``start`` is not given.

    Returns
    -------
    DataFrame
        One row per group and rep with selling days or closed deals in either window, or closed
        deals without a day:

        - the ``by`` columns, if any;
        - ``rep_id`` : the rep; "unassigned" holds deals without one and is only counted;
        - ``metric`` : as asked;
        - ``before_start``, ``before_end``, ``after_start``, ``after_end`` : the windows;
          NaT where there is none;
        - ``n_selling_days_before``, ``n_selling_days_after`` : working days of the rep, from the
          first closing in the data on: of days before nothing is known;
        - ``n_decided_before``, ``n_decided_after`` : deals closed; ``n_won_before``,
          ``n_won_after`` : of them won;
        - ``n_undated`` : deals closed without a day: they are in neither window;
        - ``n_compared_reps`` : reps of the group seen in both windows and compared;
        - ``before``, ``after`` : the metric; NaN without days (or decided deals);
        - ``change`` : ``after - before``, in units of the metric; NaN where either is;
        - ``department_change`` : part of it that carried the others of the group too; NaN below
          three compared reps, or where the others won nothing;
        - ``rebound`` : part to be expected because luck runs out; NaN likewise;
        - ``own_weight`` : how much of the distance from the mean was taken for real, in [0, 1];
        - ``net_change``, ``net_change_low``, ``net_change_high`` : what is left; NaN likewise;
        - ``p_value`` : of no change of the rep's own, in [0, 1]; ``q_value`` : adjusted over
          all reps of the table (Benjamini-Hochberg);
        - ``is_better``, ``is_worse`` : changed beyond chance, by ``q_value``.

    Raises
    ------
    MissingDataError
        If a column above is missing, or no deal carries an amount where revenue is asked.
    InputError
        If ``by`` is no column of reps, or an option is out of range.

    References
    ----------
    Barnett, A. G., van der Pols, J. C. and Dobson, A. J. (2005). Regression to the mean: what
    it is and how to deal with it. International Journal of Epidemiology 34, 215-220.

    Examples
    --------
    Three reps won 10, 12 and 2 deals in the first half of 2025, and 11 each in the second: no
    wonder for the first two; the third improved by more than luck.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [(rep, day) for rep, wins in (("a", (10, 11)), ("b", (12, 11)), ("c", (2, 11)))
    ...         for day, n in zip(("2025-03-03", "2025-09-01"), wins) for _ in range(n)]
    >>> deals = pd.DataFrame(rows, columns=["rep_id", "closed_at"])
    >>> deals = deals.assign(closed_at=pd.to_datetime(deals["closed_at"]), status="won",
    ...                      deal_id=range(len(deals)))
    >>> reps = pd.DataFrame({"rep_id": ["a", "b", "c"], "hired_on": pd.Timestamp("2020-01-01")})
    >>> department = Department(deals=deals, reps=reps, as_of="2025-12-31")
    >>> table = rep_trend(department)
    >>> table[["rep_id", "n_won_before", "n_won_after", "p_value"]].round(2)
      rep_id  n_won_before  n_won_after  p_value
    0      a            10           11     0.75
    1      b            12           11     0.42
    2      c             2           11     0.09
    """
    asked = asked_of_reps(department, by, start, end, confidence, results=_SHOWN)
    one_of("metric", metric, _METRICS)
    whole_number("months", months, least=1, most=60)
    if metric == "revenue":
        require_amounts(department, closings(department))
    table = _windows(department, asked, months)
    _add_figures(table, metric)
    groups, codes = group_codes(table, asked.keys)
    parts = [
        _judged(table[codes == number].copy(), metric, asked.level)
        for number in range(len(groups))
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True) if parts else _judged(table, metric, asked.level)
    table["q_value"] = adjust_p_values(table["p_value"]) if len(table) else np.nan
    flagged = table["q_value"] <= 1 - asked.level
    table["is_better"] = flagged & (table["net_change"] > 0)
    table["is_worse"] = flagged & (table["net_change"] < 0)
    return table.assign(metric=metric)[[*asked.keys, *_SHOWN]]


def _windows(department: Department, asked: Asked, months: int) -> pd.DataFrame:
    """Add up days and deals of each rep in both windows."""
    after = pd.Timestamp(months_before(asked.last, months))
    until = after - pd.Timedelta(days=1)
    first = asked.first or months_before(until.date(), months)
    begin = pd.Timestamp(first)  # inside the later window, it leaves no day for the earlier one
    windows = [(begin, until), (max(begin, after), pd.Timestamp(asked.last))]
    closed, reps = closings(department), tenures(department)
    there = [reps["rep_id"], closed["rep_id"]]
    parts = [undated(closed, ["n_won", "n_lost"]).rename("n_undated").to_frame()]
    for name, (start, end) in zip(_WINDOWS, windows, strict=True):
        rows = closed[(closed["day"] >= start) & (closed["day"] <= end)]
        rows = rows.assign(n_decided=rows["n_won"] + rows["n_lost"])
        names = ["n_decided", "n_won", "won_amount", "won_squares"]
        parts.append(rows.groupby("rep_id")[names].sum().add_suffix(f"_{name}"))
        days = _days(department, reps, not_before_data(closed, start), end)
        parts.append(days.rename(f"n_selling_days_{name}").to_frame())
    ids = pd.concat(there).drop_duplicates().sort_values()
    table = pd.DataFrame({"rep_id": ids.astype("str").to_numpy()})
    for part in parts:
        table = table.join(part, on="rep_id")
    table = table.fillna(dict.fromkeys(table.columns[1:], 0))
    counts = [*_COUNTS, "n_undated"]
    table[counts] = table[counts].astype("int64")
    table = table[table[counts].any(axis=1)].reset_index(drop=True)
    for one, (start, end) in zip(_WINDOWS, windows, strict=True):
        for name, day in ((f"{one}_start", start), (f"{one}_end", end)):
            shown = pd.Series(day, index=table.index, dtype="datetime64[us]")
            table[name] = shown if start <= end else shown.mask(shown.notna())
    return with_groups(department, table, asked.keys)


def _days(
    department: Department, reps: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """Count the working days of each rep in a window."""
    low = np.maximum(days_of(reps["first_day"]), np.datetime64(start, "D"))
    high = np.minimum(days_of(reps["last_day"]), np.datetime64(end, "D"))
    return pd.Series(working_days(department, low, high), index=reps["rep_id"])


def _add_figures(table: pd.DataFrame, metric: str) -> None:
    """Add numerator, denominator and the metric itself, before and after."""
    top, bottom = {
        "wins": ("n_won", "n_selling_days"), "revenue": ("won_amount", "n_selling_days"),
        "win_rate": ("n_won", "n_decided"),
    }[metric]  # fmt: skip
    for one in _WINDOWS:
        table[f"top_{one}"] = table[f"{top}_{one}"].astype(float)
        table[f"bottom_{one}"] = table[f"{bottom}_{one}"].astype(float)
        value = ratio(table[f"top_{one}"], table[f"bottom_{one}"])
        table[one] = np.where(table["rep_id"] == UNASSIGNED, np.nan, value)
    table["change"] = table["after"] - table["before"]


def _judged(table: pd.DataFrame, metric: str, level: float) -> pd.DataFrame:
    """Add, within one group, what was to be expected of each rep and what is left."""
    found = ["department_change", "rebound", "own_weight", "net_change", "net_change_low",
             "net_change_high", "p_value"]  # fmt: skip
    table[found] = np.nan
    both = table["change"].notna() & sells_enough(
        table["n_decided_before"] + table["n_decided_after"], table["rep_id"]
    )
    table["n_compared_reps"] = np.int64(both.sum())
    if both.sum() < _LEAST_REPS:
        return table
    rows = table[both]
    top, bottom = ([rows[f"{name}_{one}"].to_numpy() for one in _WINDOWS]
                   for name in ("top", "bottom"))  # fmt: skip
    squares = sum(rows[f"won_squares_{one}"].sum() for one in _WINDOWS)
    unit = float(ratio(squares, top[0].sum() + top[1].sum())) if metric == "revenue" else 1.0
    if not top[0].sum() > 0 or not unit > 0:
        return table
    others = [[one.sum() - one for one in pair] for pair in (top, bottom)]
    rates = [ratio(num, den) for num, den in zip(*others, strict=True)]
    growth = ratio(rates[1], rates[0])
    growth = np.where(growth > 0, growth, np.nan)
    doubt = sum(ratio(unit, one) for one in others[0])
    if metric == "win_rate":
        shrunken = beta_binomial_shrinkage(top[0], bottom[0])
        truth, own_doubt = shrunken.value, ratio(shrunken.sd, shrunken.value) ** 2
        doubt = sum(ratio(1 - rate, one) for rate, one in zip(rates, others[0], strict=True))
        ends = wilson_interval(top[1], bottom[1], confidence=level)
    else:
        mean = top[0].sum() / bottom[0].sum()
        shrunken = gamma_poisson_shrinkage(top[0] / unit, mean * bottom[0] / unit)
        truth, own_doubt = mean * shrunken.value, ratio(shrunken.sd, shrunken.value) ** 2
        noise = rows["won_squares_after"].to_numpy() if metric == "revenue" else top[1]
        low, high = compound_poisson_interval(
            top[1], noise, np.full(len(rows), unit), typical=unit, confidence=level
        )
        ends = ratio(low, bottom[1]), ratio(high, bottom[1])
    expected = growth * truth
    spread = own_doubt + doubt
    if metric == "win_rate":
        expected = np.minimum(expected, 1 - 1e-6)
        p_value = share_p(top[1], bottom[1], expected, spread)
    else:
        p_value = count_p(top[1] / unit, expected * bottom[1] / unit, spread)
    after, before = rows["after"].to_numpy(), rows["before"].to_numpy()
    low, high = difference_interval(after, ends, expected, log_interval(expected, spread, level))
    carried = before * (growth - 1)
    parts = [carried, expected - before - carried, shrunken.weight, after - expected,
             low, high, p_value]  # fmt: skip
    known = ~np.isnan(expected) & ~np.isnan(low) & ~np.isnan(high)
    for name, values in zip(found, parts, strict=True):
        table.loc[both, name] = np.where(known, values, np.nan)
    return table
