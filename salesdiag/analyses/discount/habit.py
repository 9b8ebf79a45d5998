"""How far each rep's discounts are from what the same mix of deals gets elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from ibis import _

from salesdiag.analyses.discount.effect_cells import check_kinds, merged_kind
from salesdiag.analyses.discount.ratios import Ratio, add_ratio
from salesdiag.department import UNASSIGNED
from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError
from salesdiag.reductions.deal_prices import NAMES, NO_DISCOUNT, deal_prices
from salesdiag.stats.arguments import share
from salesdiag.stats.rates import normal_quantile, ratio, wilson_interval
from salesdiag.stats.shrinkage import normal_shrinkage, rankability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from salesdiag.department import Department

    Floats = NDArray[np.float64]

SIZES = 3
_PULL = 10.0  # deals that hold the mean of a cell to that of its coarser one
_LEAST_DEALS = 5
_RANKABLE, _WELL = 0.5, 0.75
_ESTIMATES = ("mean_discount", "discount_gap", "shrunken_gap")
_COLUMNS = [
    "rep_id", "n_deals", "n_unpriced", "n_undated", "n_discounted", "discounted_rate",
    "discounted_rate_low", "discounted_rate_high", "mean_discount", "mean_discount_low",
    "mean_discount_high", "expected_discount", "discount_gap", "discount_gap_low",
    "discount_gap_high", "shrunken_gap", "shrunken_gap_low", "shrunken_gap_high", "list_amount",
    "excess_amount", "n_judged", "rankability", "rank_note", "reason",
]  # fmt: skip


def rep_discount_habit(
    department: Department,
    *,
    by: str | Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
    confidence: float = 0.95,
    adjust_for: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compare each rep's discounts with what the same mix of deals gets from the other reps.

    Reps who sell large deals to large customers give larger discounts, whoever they are. So
    the mean discount of each rep's won deals is held against what deals of the same size,
    segment and product get from all others: the rep's own deals are left out, a rare kind of
    deal leans on its coarser kind, and of each column the 8 most frequent values are told
    apart. What remains is noisy where deals are few, and the extremes of any list are made of
    noise; so each gap is pulled towards the mean of all reps by as much as chance explains of
    their differences, and ``rankability`` says whether an order of the reps means anything at
    all. The rows stand in the order of the reps' ids, which is no ranking.

    A gap is not a fault: a rep may get the difficult customers of a segment, or the hard deals
    of colleagues. Deals of one account are alike, and widen the intervals by what they are
    alike beyond chance. Every deal counts once; ``excess_amount`` is in money.

    Parameters
    ----------
    department : Department
        Needs ``deals`` (``deal_id``, ``status``, ``rep_id``) with ``amount`` and
        ``list_amount``, or ``line_items``; ``closed_at`` for a window; uses the columns to adjust
        for. Not modified.
    by : str or sequence of str, default ()
        What to split by: columns of ``deals``, ``reps`` or ``accounts``, other than the rep. The
        others of the whole department are compared with, whatever the split.
    start, end : date or str, optional
        First and last day (both included) on which the deal was **won**.
    confidence : float, default 0.95
        Level of the intervals, strictly between 0 and 1.
    adjust_for : sequence of str, optional
        Columns of ``deals``, ``reps`` or ``accounts`` that tell deals apart. Default: ``segment``
        and ``product`` where they are. Size is always told apart, in thirds.

    Returns
    -------
    DataFrame
        One row per group and rep, in order of their names:

        - the ``by`` columns, if any;
        - ``rep_id`` : the rep the deal has now; "unassigned" is shown and not judged;
        - ``n_deals`` : deals won with two prices above 0; ``n_unpriced`` : without, left out;
          ``n_undated`` : won on an unknown day, left out where there is a window;
        - ``n_discounted`` : of the priced, below list price;
        - ``discounted_rate``, ``discounted_rate_low``, ``discounted_rate_high`` :
          ``n_discounted / n_deals``, in [0, 1], with Wilson interval; NaN without deals;
        - ``mean_discount``, ``mean_discount_low``, ``mean_discount_high`` : plain mean of the
          discounts, a share of the list price; NaN with fewer than 5 deals;
        - ``expected_discount`` : what the same mix of deals gets from the other reps; NaN likewise,
          or where there are no others, as all that follow;
        - ``discount_gap``, ``discount_gap_low``, ``discount_gap_high`` : the mean less the one
          expected, above 0 for deeper discounts;
        - ``shrunken_gap``, ``shrunken_gap_low``, ``shrunken_gap_high`` : the gap to be expected in
          the long run, pulled towards the mean of all; to be read before the plain one;
        - ``list_amount`` : list price of the deals; ``excess_amount`` : what was given away beyond
          the expected discounts, in money, negative where it was less;
        - ``n_judged`` : rows that have a gap; ``rankability`` : share of the differences between
          them that is more than chance, in [0, 1], the same in all rows; NaN with fewer than 3;
        - ``rank_note`` : "must not be ranked" (rankability below 0.5), "ranks are uncertain" (below
          0.75), "may be ranked", or "too few reps";
        - ``reason`` : why a rep is not judged; empty for the others.

    Raises
    ------
    MissingDataError
        If there are no prices before and after discount or no reps, or no table holds a column
        named.
    InputError
        If ``by`` holds the rep or the name of a result.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal
    of the American Statistical Association 78, 47-55.
    van Dishoeck, A.-M. et al. (2011). Random variation and rankability of hospitals using
    outcome indicators. BMJ Quality and Safety 20, 869-874.

    Examples
    --------
    Large deals get 10 %, small ones none; "b" gives 2 points more than that.

    >>> import pandas as pd
    >>> from salesdiag.department import Department
    >>> rows = [("a", 9000.0, 0.10), ("a", 100.0, 0.0), ("b", 9000.0, 0.12), ("b", 100.0, 0.02),
    ...         ("c", 9000.0, 0.10), ("c", 100.0, 0.0)]
    >>> deals = pd.DataFrame(rows * 40, columns=["rep_id", "list_amount", "off"])
    >>> deals["amount"] = deals["list_amount"] * (1 - deals.pop("off"))
    >>> deals = deals.assign(deal_id=deals.index.astype(str), status="won")
    >>> table = rep_discount_habit(Department(deals=deals, as_of="2025-12-31"))
    >>> table[["rep_id", "n_deals", "mean_discount", "expected_discount"]].round(3)
      rep_id  n_deals  mean_discount  expected_discount
    0      a       80           0.05               0.06
    1      b       80           0.07               0.05
    2      c       80           0.05               0.06
    """
    level = share("confidence", confidence)
    if "rep_id" in ([by] if isinstance(by, str) else by):
        message = "by: rep_discount_habit lists the reps anyway; leave 'rep_id' out of by."
        raise InputError(message)
    keys = department.split_keys(by, results=[*_COLUMNS, *NAMES, "n", "size"])
    department.require(deals=["rep_id"])
    kinds = check_kinds(department, keys, adjust_for)
    cells = _count_cells(department, keys, kinds, start, end)
    table = cells[[*keys, "rep_id"]].drop_duplicates().reset_index(drop=True)
    place = table.assign(place=np.arange(len(table)))
    cells = cells.merge(place, on=[*keys, "rep_id"])
    sums = _sums(cells, len(table), [f"kind_{place}" for place in range(len(kinds))])
    for name in ("n_deals", "n_unpriced", "n_undated", "n_discounted"):
        table[name] = sums[name].astype("int64")
    low, high = wilson_interval(table["n_discounted"], table["n_deals"], confidence=level)
    rate = ratio(table["n_discounted"], table["n_deals"])
    add_ratio(table, "discounted_rate", Ratio(rate, low, high))
    _add_gaps(table, sums, level)
    return table[[*keys, *_COLUMNS]]


def _count_cells(
    department: Department,
    keys: list[str],
    kinds: list[str],
    start: date | str | None,
    end: date | str | None,
) -> pd.DataFrame:
    """Count won deals and their discounts per group, rep and kind of deal, in the engine.

    ``alike`` and ``alone`` tell how much the deals of one account and rep are alike: squares
    of their summed and of their single departures from the rep's mean.
    """
    deals = deal_prices(department, keys, start=start, end=end, extra=["rep_id", *kinds])
    deals = deals.filter(_.status == "won").mutate(is_priced=_.is_inside & _.is_priced)
    deals = deals.mutate(depth=ibis.ifelse(_.is_priced, _.depth, ibis.null("float64")))
    rank = ibis.percent_rank().over(group_by=deals.is_priced, order_by=deals.price_list)
    size = ibis.ifelse(deals.is_priced, ibis.least((rank * SIZES).floor(), SIZES - 1), -1)
    named = {f"kind_{place}": merged_kind(department, deals, kind)
             for place, kind in enumerate(kinds)}  # fmt: skip
    deals = deals.mutate(**named, size=size.cast("int64"), own_mean=deals.depth.mean().over(
        group_by=deals.rep_id))  # fmt: skip
    deals = deals.mutate(beyond=deals.depth - deals.own_mean)
    by = [*keys, "rep_id", *named, "size"]
    accounts = deals.group_by([*by, "cluster"]).agg(
        n_all=_.count(where=_.is_inside), n_undated=_.count(where=~_.is_inside),
        n=_.count(where=_.is_priced),
        n_discounted=_.count(where=_.depth >= NO_DISCOUNT), depth=_.depth.sum(),
        squares=(_.depth * _.depth).sum(), whole=_.price_list.sum(where=_.is_priced),
        part=(_.price_list - _.price_net).sum(where=_.is_priced),
        beyond=_.beyond.sum(), alone=(_.beyond * _.beyond).sum(),
    )  # fmt: skip
    cells = fetch(
        accounts.group_by(by).agg(
            n_all=_.n_all.sum(), n_undated=_.n_undated.sum(), n=_.n.sum(),
            n_discounted=_.n_discounted.sum(), depth=_.depth.sum(),
            squares=_.squares.sum(), whole=_.whole.sum(), part=_.part.sum(),
            alike=(_.beyond * _.beyond).sum(), alone=_.alone.sum(),
        )
    )  # fmt: skip
    cells = cells.sort_values(by).reset_index(drop=True)
    counts = ["n_all", "n_undated", "n", "n_discounted"]
    cells[counts] = cells[counts].astype("int64")
    for name in ("depth", "squares", "whole", "part", "alike", "alone"):
        cells[name] = steady(cells[name].astype(float).fillna(0.0))
    return cells


def _sums(cells: pd.DataFrame, n_rows: int, kinds: list[str]) -> dict[str, Floats]:
    """Add up per row of the result, with what the same deals get from the other reps."""
    expected = _expected(cells, kinds)
    place, n = cells["place"].to_numpy(), cells["n"].to_numpy(float)

    def total(values: Floats | pd.Series) -> Floats:
        return np.bincount(place, np.asarray(values, float), minlength=n_rows).astype(float)

    # squares around the mean of each cell: kinds of deals differ, chance is what is left
    within = np.clip(cells["squares"] - ratio(cells["depth"] ** 2, n).clip(min=0), 0, None)
    several = n > 1
    pooled = ratio(np.nansum(np.where(several, within, 0.0)),
                   np.sum(np.where(several, n - 1, 0.0)))  # fmt: skip
    own_within, own_degrees = total(np.where(several, within, 0.0)), total(np.maximum(n - 1, 0))
    # a rep's own spread, held to that of all
    spread = ratio(own_within + _PULL * np.nan_to_num(pooled), own_degrees + _PULL)
    alike, alone = cells["alike"].sum(), cells["alone"].sum()
    effect = max(float(np.nan_to_num(ratio(alike, alone), nan=1.0)), 1.0)
    known = total(np.where(np.isnan(expected.mean), 0.0, n))
    return {
        "n_deals": total(n),
        "n_unpriced": total(cells["n_all"] - n),
        "n_undated": total(cells["n_undated"]),
        "n_discounted": total(cells["n_discounted"]),
        "depth": total(cells["depth"]),
        "list_amount": total(cells["whole"]),
        "known": known,
        "known_depth": total(np.where(np.isnan(expected.mean), 0.0, cells["depth"])),
        "expected": total(np.nan_to_num(expected.mean) * n),
        # of the others' cells; they are shared between deals of one cell
        "expected_variance": total(np.nan_to_num(expected.variance) * n**2) * effect,
        "excess": total(
            np.where(np.isnan(expected.mean), 0.0, cells["part"] - expected.mean * cells["whole"])
        ),
        "variance": spread * effect,
    }


class _Expected:
    """Mean discount of each cell's deals at the other reps, and its variance."""

    def __init__(self, mean: Floats, variance: Floats) -> None:
        self.mean = mean
        self.variance = variance


def _expected(cells: pd.DataFrame, kinds: list[str]) -> _Expected:
    """Lean on coarser kinds step by step: all deals, then by size, then by each column more."""
    order = [[], *[["size", *kinds[:place]] for place in range(len(kinds) + 1)]]
    n, depth, squares = (cells[name].to_numpy(float) for name in ("n", "depth", "squares"))
    rep = cells["rep_id"].to_numpy(str)
    mean = np.full(len(cells), np.nan)
    spread = max(float(np.nan_to_num(squares.sum() / max(n.sum(), 1) - (
        depth.sum() / max(n.sum(), 1)) ** 2)), 0.0)  # fmt: skip
    others = np.zeros(len(cells))
    for columns in order:
        kind = cells.groupby(columns).ngroup().to_numpy() if columns else np.zeros(len(cells), int)
        own = pd.DataFrame({"kind": kind, "rep": rep}).groupby(["kind", "rep"]).ngroup().to_numpy()
        rest_n, rest_depth = (
            np.bincount(kind, values)[kind] - np.bincount(own, values)[own] if len(kind) else values
            for values in (n, depth)
        )
        pulled = ratio(rest_depth + _PULL * np.nan_to_num(mean), rest_n + _PULL)
        mean = np.where(np.isnan(mean), ratio(rest_depth, rest_n), pulled)
        others = rest_n
    return _Expected(mean, spread / (others + _PULL))


def _add_gaps(table: pd.DataFrame, sums: dict[str, Floats], level: float) -> None:
    """Put the mean, the gap and the shrunken gap beside each rep who can be judged."""
    n = sums["n_deals"]
    is_rep = (table["rep_id"] != UNASSIGNED).to_numpy()
    enough = n >= _LEAST_DEALS
    judged = enough & is_rep & (sums["known"] == n)
    z = normal_quantile(level)
    mean = np.where(enough, ratio(sums["depth"], n), np.nan)
    own_error = np.sqrt(ratio(sums["variance"], n))
    add_ratio(table, "mean_discount", Ratio(mean, mean - z * own_error, mean + z * own_error))
    expected = np.where(judged, ratio(sums["expected"], n), np.nan)
    table["expected_discount"] = expected
    variance = ratio(sums["variance"], n) + ratio(sums["expected_variance"], n**2)
    gap, reach = mean - expected, z * np.sqrt(variance)
    add_ratio(table, "discount_gap", Ratio(gap, gap - reach, gap + reach))
    add_ratio(table, "shrunken_gap", _shrunken(gap, variance, level))
    table["list_amount"] = np.where(n > 0, sums["list_amount"], np.nan)
    table["excess_amount"] = np.where(judged, np.round(sums["excess"], 4), np.nan)
    told = judged & (variance > 0)
    table["n_judged"] = int(told.sum())
    table["rankability"] = np.nan
    if told.sum() >= 3:
        table["rankability"] = rankability(gap[told], variance[told]).rankability
    table["rank_note"] = _note(table["rankability"])
    reason = np.where(is_rep, "", "no rep")
    reason = np.where(is_rep & ~enough, f"fewer than {_LEAST_DEALS} deals", reason)
    reason = np.where(is_rep & enough & ~judged, "no other rep's deals to compare with", reason)
    table["reason"] = pd.Series(reason).astype("str")


def _shrunken(gap: Floats, variance: Floats, level: float) -> Ratio:
    known = ~np.isnan(gap) & (variance > 0)
    found = np.full((3, len(gap)), np.nan)
    if known.any():
        pulled = normal_shrinkage(gap[known], variance[known], confidence=level)
        found[:, known] = pulled.value, pulled.low, pulled.high
    return Ratio(*found)


def _note(values: pd.Series) -> pd.Series:
    note = np.select(
        [values.isna(), values < _RANKABLE, values < _WELL],
        ["too few reps", "must not be ranked", "ranks are uncertain"],
        "may be ranked",
    )
    return pd.Series(note, index=values.index).astype("str")
