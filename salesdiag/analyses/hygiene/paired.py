"""Two ratios of the same units, one of all rows and one of those kept, and their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesdiag.analyses.hygiene.cleaned_counts import is_named
from salesdiag.department import UNASSIGNED
from salesdiag.periods import parse_day
from salesdiag.reductions.actuals import column_of_reps
from salesdiag.reductions.selling_days import selling_days_by_month
from salesdiag.stats.rates import ratio
from salesdiag.stats.rates.student import t_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from salesdiag.analyses.hygiene.rows import Window
    from salesdiag.department import Department

    Floats = NDArray[np.float64]

_PER_DAY = ("wins_per_day", "revenue_per_day", "activities_per_day")
_DATES = {"wins_per_day": "closed_at", "revenue_per_day": "closed_at",
          "activities_per_day": "occurred_at"}  # fmt: skip
_SIDES = ["top", "bottom", "kept_top", "kept_bottom"]
_COUNTS = ["n_rows", "n_unknown", "n_suspect", "n_contradictory", "n_left_out"]


def with_days(
    department: Department, cells: pd.DataFrame, keys: Sequence[str], window: Window
) -> pd.DataFrame:
    """Put selling days under the metrics per day, and make unknown in them what names no rep.

    Days count from the first month in which a metric has rows; a group by something else than
    reps is held against the days of all its reps.
    """
    group = list(keys)
    parts = [cells[~cells["metric"].isin(_PER_DAY)]]
    for metric in _PER_DAY:
        own = cells[(cells["metric"] == metric)]
        if not len(own):
            continue
        days = _days(department, own, group, window)
        on = [*dict.fromkeys([*group, "rep_id_of_row"]), "month"]
        named = own.copy()
        # no days can be told of rows without a rep
        lacking = ~is_named(named)
        named.loc[lacking, "n_unknown"] += named.loc[lacking, "n_rows"]
        named.loc[lacking, [name for name in _COUNTS if name != "n_unknown"]] = 0
        named.loc[lacking, _SIDES] = 0.0
        merged = named.merge(days, on=on, how="outer").assign(metric=metric)
        merged = merged.fillna(dict.fromkeys([*_COUNTS, *_SIDES, "days"], 0.0))
        merged["bottom"] = merged["kept_bottom"] = merged["days"]
        merged = merged.astype(dict.fromkeys(_COUNTS, "int64")).drop(columns="days")
        parts.append(merged[list(cells.columns)])
    return pd.concat([one for one in parts if len(one)] or parts, ignore_index=True)


def _days(
    department: Department, own: pd.DataFrame, keys: list[str], window: Window
) -> pd.DataFrame:
    """Give the selling days of each rep in each month, for each group that the rep can be in."""
    start, end = window
    first = own["month"].min() if start is None else pd.Timestamp(parse_day(start, "start"))
    last = pd.Timestamp(department.as_of)
    last = last if end is None else min(last, pd.Timestamp(parse_day(end, "end")))
    group = [*dict.fromkeys([*keys, "rep_id_of_row"])]
    if pd.isna(first) or first > last:
        return own[[*group, "month"]].iloc[:0].assign(days=0.0)
    days = selling_days_by_month(department, first, last)
    days = days[days["n_selling_days"] > 0].assign(
        rep_id_of_row=days["rep_id"].astype("str"), days=days["n_selling_days"].astype(float)
    )
    of_reps = [key for key in keys if key == "rep_id" or (
        department.has("reps", key) and department.home_of(key) != "deals")]  # fmt: skip
    for key in of_reps:
        if key == "rep_id":
            days[key] = days["rep_id_of_row"]
        else:
            days[key] = column_of_reps(department, days["rep_id_of_row"], key).astype("str")
    others = [key for key in keys if key not in of_reps]
    if others:
        days = days.merge(own[others].drop_duplicates(), how="cross")
    return days[[*group, "month", "days"]]


def compared(
    cells: pd.DataFrame,
    keys: Sequence[str],
    metrics: Sequence[str],
    *,
    confidence: float,
    tolerance: float,
) -> pd.DataFrame:
    """Compare the two ratios of each group and metric, and tell whether it matters.

    The variance of the difference is that of its linear part, summed over independent units.
    """
    cells = _with_all(cells, keys, metrics)
    group = ["place", *keys]
    sums = cells.groupby(group, as_index=False)[[*_COUNTS, *_SIDES]].sum()
    numbered = sums[group].assign(row=range(len(sums)))
    code = cells[group].merge(numbered, on=group, how="left")["row"].to_numpy(np.intp)
    there = ((cells["n_rows"] > 0) | (cells["bottom"] > 0)).to_numpy(bool)
    behind = pd.DataFrame({"code": code, "rep": cells["rep_id_of_row"]})[there]
    n_reps = behind.drop_duplicates()["code"].value_counts().reindex(range(len(sums)))
    sums["n_reps"] = n_reps.fillna(0).astype("int64").to_numpy()
    values = sums[_SIDES].to_numpy(float)
    with_, without = ratio(values[:, 0], values[:, 1]), ratio(values[:, 2], values[:, 3])
    error, degrees = _error(cells, code, values, sums["n_reps"].to_numpy()[code] < 2, there)
    # where nothing was left out both are one figure, and nothing is left to chance
    same = (sums["n_left_out"] == 0).to_numpy()
    gap = np.where(same, with_ - with_, with_ - without)
    error, degrees = np.where(same, 0.0, error), np.where(same, np.inf, degrees)
    low, high = t_interval(gap, error, degrees, confidence)
    table = sums.assign(
        metric=sums["place"].map(dict(enumerate(metrics))).astype("str"),
        n_rows_left_out=sums["n_left_out"], value_with=with_, value_without=without,
        difference=gap, difference_low=low, difference_high=high,
        relative_difference=ratio(gap, np.abs(without)),
    )  # fmt: skip
    _add_money(table, keys)
    table["matters"] = _matters(table, tolerance)
    return table.sort_values([*keys, "place"])


def _with_all(cells: pd.DataFrame, keys: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Put a row without cases where a metric has none."""
    there = set(cells["metric"])
    lacking = [one for one in metrics if one not in there]
    blank = pd.DataFrame({"metric": lacking}).astype("str")
    blank = blank.assign(**dict.fromkeys([*keys, "rep_id_of_row"], UNASSIGNED))
    blank = blank.assign(**dict.fromkeys(_COUNTS, 0), **dict.fromkeys(_SIDES, 0.0))
    blank["month"] = pd.Series(pd.NaT, index=blank.index, dtype="datetime64[us]")
    parts = [one for one in (cells, blank[cells.columns]) if len(one)]
    whole = pd.concat(parts, ignore_index=True)
    place = {name: number for number, name in enumerate(metrics)}
    whole["place"] = whole["metric"].map(place).astype("int64")
    return whole.sort_values(["place", *keys, "rep_id_of_row", "month"], ignore_index=True)


def _error(
    cells: pd.DataFrame,
    code: NDArray[np.intp],
    values: Floats,
    alone: NDArray[np.bool_],
    there: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """Give the standard error of each difference, and its degrees of freedom."""
    month = cells["month"].astype("str").to_numpy()
    unit = np.where(alone, month, cells["rep_id_of_row"].to_numpy())
    units = pd.DataFrame(cells[_SIDES].to_numpy(float), columns=_SIDES).assign(code=code, unit=unit)
    units = units[there].groupby(["code", "unit"], as_index=False)[_SIDES].sum()
    of = units["code"].to_numpy(np.intp)
    whole = values[of]
    part = units[_SIDES].to_numpy(float)
    every = ratio(part[:, 0] - ratio(whole[:, 0], whole[:, 1]) * part[:, 1], whole[:, 1])
    kept = ratio(part[:, 2] - ratio(whole[:, 2], whole[:, 3]) * part[:, 3], whole[:, 3])
    n = np.bincount(of, minlength=len(values)).astype(float)
    spread = np.bincount(of, (every - kept) ** 2, minlength=len(values)) * ratio(n, n - 1)
    return np.sqrt(spread), np.where(n > 1, n - 1, np.nan)


def _add_money(table: pd.DataFrame, keys: Sequence[str]) -> None:
    """Say what the difference stands for in money: so many cases, each at its cleaned worth."""
    size = table.loc[table["metric"] == "won_amount", [*keys, "value_without"]]
    size = size.rename(columns={"value_without": "worth"})
    worth = table[[*keys]].merge(size, on=list(keys), how="left") if keys else size
    one = worth["worth"].to_numpy(float) if keys else np.repeat(worth["worth"], len(table))
    metric = table["metric"]
    is_money = metric.isin(["won_amount", "revenue_per_day", "price_realisation"])
    is_count = metric.isin(["win_rate", "wins_per_day"])
    factor = np.where(is_count, one, np.where(is_money, 1.0, np.nan)) * table["bottom"]
    for name in ("", "_low", "_high"):
        table[f"money_amount{name}"] = table[f"difference{name}"] * factor


def _matters(table: pd.DataFrame, tolerance: float) -> pd.Series:
    limit = tolerance * table["value_without"].abs()
    low, high = table["difference_low"], table["difference_high"]
    off = (low > 0) | (high < 0)
    code = np.where(off & (table["difference"].abs() >= limit), "yes", "unsure")
    code = np.where((low >= -limit) & (high <= limit), "no", code)
    code = np.where(table["n_left_out"] == 0, "no", code)
    code = np.where(table["value_without"].isna(), "all_left_out", code)
    code = np.where(table["value_with"].isna(), "not_examined", code)
    return pd.Series(code, index=table.index, dtype="str")
