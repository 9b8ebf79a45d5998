"""The reduction under the win rates: deals and their money per group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibis import _

from salesdiag.engine import fetch, steady

if TYPE_CHECKING:
    from datetime import date

    import ibis
    import pandas as pd

    from salesdiag.department import Department

_LARGEST = ["largest", "largest_won"]  # everything else adds up over groups
_SUMS = ["won_amount", "total_amount", "won_squares", "all_squares"]
_COUNTS = ["n_deals", "n_won", "n_lost", "n_open", "n_undated", "n_without_amount",
           "n_not_won_with_amount"]  # fmt: skip


def count_wins(
    department: Department,
    keys: list[str],
    *,
    population: str,
    start: date | str | None = None,
    end: date | str | None = None,
) -> pd.DataFrame:
    """Count deals and add up their money per group.

    Columns: the keys, the counts ``n_*``, sums of amounts and of their squares, and the
    largest amounts. `roll_up` puts groups together again.
    """
    on = "closed_at" if population == "closed" else "created_at"
    windowed = start is not None or end is not None
    department.require(deals=["deal_id", "status", *([on] if windowed else [])])
    counts = _reduce(_select(department, keys, population, start, end, on), keys)
    if not windowed:
        return counts
    undated = _select(department, keys, population, None, None, on).filter(_[on].isnull())
    return _add_undated(counts, undated, keys)


def _select(
    department: Department,
    keys: list[str],
    population: str,
    start: date | str | None,
    end: date | str | None,
    on: str,
) -> ibis.Table:
    deals = department.select_deals(by=keys, start=start, end=end, on=on)
    return deals.filter(_.status != "open") if population == "closed" else deals


def _reduce(deals: ibis.Table, keys: list[str]) -> pd.DataFrame:
    won = _.status == "won"
    sums = {
        "n_deals": _.count(),
        "n_won": _.count(where=won),
        "n_lost": _.count(where=_.status == "lost"),
        "n_open": _.count(where=_.status == "open"),
    }
    if "amount" in deals.columns:
        amount, paid = _.amount.cast("float64"), _.amount > 0
        sums |= {
            "n_with_amount": _.count(where=paid),
            "n_not_won_with_amount": _.count(where=paid & (_.status != "won")),
            # a share of money is told of amounts above 0 only
            "won_amount": _.amount.sum(where=won & paid).cast("float64"),
            "total_amount": _.amount.sum(where=paid).cast("float64"),
            "largest": _.amount.max(where=paid).cast("float64"),
            "largest_won": _.amount.max(where=won & paid).cast("float64"),
            "won_squares": (amount * amount).sum(where=won & paid),
            "all_squares": (amount * amount).sum(where=paid),
        }
    table = deals.group_by(keys).agg(**sums) if keys else deals.agg(**sums)
    frame = fetch(table).assign(n_undated=0)
    # in one order, whatever the engine's: rolled up, floats are added in the order of the rows
    frame = frame.sort_values(keys).reset_index(drop=True) if keys else frame
    with_amount = frame.pop("n_with_amount") if "n_with_amount" in frame else 0
    frame["n_without_amount"] = frame["n_deals"] - with_amount
    frame = frame.reindex(columns=[*keys, *_COUNTS, *_SUMS, *_LARGEST])
    for name in ("won_squares", "all_squares"):
        frame[name] = steady(frame[name])
    # where amounts are known, winning none of them is winning nothing; else it is unknown
    known = frame["largest"].notna()
    for name in ("won_amount", "won_squares"):
        frame[name] = frame[name].astype(float).mask(known & frame[name].isna(), 0.0)
    return frame.fillna({"n_not_won_with_amount": 0}).astype(dict.fromkeys(_COUNTS, "int64"))


def _add_undated(counts: pd.DataFrame, undated: ibis.Table, keys: list[str]) -> pd.DataFrame:
    """Count, per group, the deals that the window cannot place."""
    if not keys:
        return counts.assign(n_undated=int(undated.count().execute()))
    outside = fetch(undated.group_by(keys).agg(n_outside=_.count()))
    if not len(outside):
        return counts
    merged = counts.merge(outside, on=keys, how="outer")
    merged["n_undated"] = merged.pop("n_outside")
    return merged.fillna(dict.fromkeys(_COUNTS, 0)).astype(dict.fromkeys(_COUNTS, "int64"))


def roll_up(counts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Put groups together into the coarser groups of ``keys``; none gives one row."""
    how = dict.fromkeys([*_COUNTS, *_SUMS], "sum") | dict.fromkeys(_LARGEST, "max")
    if keys:
        rolled = counts.groupby(keys, as_index=False).agg(how)
    else:
        rolled = counts.agg(how).to_frame().T.astype(dict.fromkeys(_COUNTS, "int64"))
    amounts = [*_SUMS, *_LARGEST]
    # a sum over nothing is unknown, not zero
    unknown = rolled["largest"].isna()
    rolled[amounts] = rolled[amounts].astype(float)
    rolled.loc[unknown, amounts] = float("nan")
    return rolled
