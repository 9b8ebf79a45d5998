"""Ratios of sums over clusters, and figures read off counts by depth of discount."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ibis import _

from salesdiag.engine import fetch, steady
from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, share
from salesdiag.stats.rates import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 1000  # depths are counted in thousandths of the list price
_MOMENTS = ("part", "whole", "pp", "pw", "ww")


class Ratio(NamedTuple):
    """A ratio of sums, one a group, with its interval."""

    value: Floats
    low: Floats
    high: Floats


def ratio_of_sums(frame: pd.DataFrame, name: str, *, confidence: float) -> Ratio:
    """Give the ratio of a pair of `sum_by_cluster` with an interval by clusters.

    The variance is the linearised one of a ratio of sums over clusters, with Student's t at one
    less than their effective number (fewer where one cluster is most of the whole). A group of
    one cluster takes the spread between the clusters of all groups; where that is unknown too,
    the interval is NaN.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, sections 6.4 and 9A.
    """
    from scipy import special

    level = share("confidence", confidence)
    part, whole, pp, pw, ww = (frame[f"{name}_{one}"].to_numpy(float) for one in _MOMENTS)
    n = frame[f"{name}_n"].to_numpy(float)
    rate = ratio(part, whole)
    known = np.nan_to_num(rate)
    left = pp - 2 * known * pw + known**2 * ww
    left = np.where(left > 1e-9 * pp, left, 0.0)  # what is left of rounding is no spread
    several = n > 1
    spread = np.where(several, left * np.nan_to_num(ratio(n, n - 1)), 0.0)
    seen = np.where(several, ww, 0.0).sum()
    variance = np.where(several, spread, ratio(spread.sum(), seen) * ww)
    degrees = np.clip(ratio(whole**2, ww) - 1, 1.0, None)
    degrees = np.where(several, degrees, max(np.where(several, n - 1, 0.0).sum(), 1.0))
    reach = special.stdtrit(np.nan_to_num(degrees, nan=1.0), 0.5 + level / 2)
    reach = reach * np.sqrt(ratio(variance, whole**2))
    return Ratio(rate, rate - reach, rate + reach)


def add_ratio(table: pd.DataFrame, name: str, found: Ratio) -> None:
    """Put a ratio and the ends of its interval into a table."""
    table[name], table[f"{name}_low"], table[f"{name}_high"] = found


def step_of(table: ibis.Table) -> ibis.Value:
    """Give the discount of each row in thousandths of the list price."""
    # half a step is put in the step above; the hair beyond it absorbs the last binary digit
    return (table.depth * STEPS + 0.5 + 1e-6).floor().cast("int64")


def count_depths(table: ibis.Table, keys: Sequence[str]) -> pd.DataFrame:
    """Count the cases and their money per group and depth, in thousandths of the list price.

    Columns: the keys, ``step``, ``n``, ``list``, ``net``; and of those whose cost is known
    ``n_with_cost``, ``costed_list``, ``costed_net``, ``cost``.
    """
    has_cost = _.price_cost.notnull()
    frame = fetch(
        table.mutate(step=step_of(table))
        .group_by([*keys, "step"])
        .agg(
            n=_.count(),
            list=_.price_list.sum(),
            net=_.price_net.sum(),
            n_with_cost=_.count(where=has_cost),
            costed_list=_.price_list.sum(where=has_cost),
            costed_net=_.price_net.sum(where=has_cost),
            cost=_.price_cost.sum(),
        )
    )
    money = ["list", "net", "costed_list", "costed_net", "cost"]
    frame[money] = frame[money].astype(float).fillna(0.0)
    for name in money:
        frame[name] = steady(frame[name])
    counts = ["step", "n", "n_with_cost"]
    frame[counts] = frame[counts].astype("int64")
    return frame.sort_values([*keys, "step"]).reset_index(drop=True)


def quantile_of_counts(value: Floats, count: NDArray[np.int64], share_below: float) -> float:
    """Give the least value with at least this share of the cases at or below it.

    >>> quantile_of_counts(np.array([0.0, 0.1]), np.array([1, 2]), 0.5)
    0.1
    """
    if not count.sum():
        return float("nan")
    reached = np.cumsum(count) >= share_below * count.sum() - 1e-9
    return float(value[np.argmax(reached)])


def read_edges(edges: Sequence[float], name: str = "edges") -> Floats:
    """Check the edges of bands of depth: rising shares below 1, in whole thousandths."""
    found = numbers(name, list(edges), least=0)
    steps = np.round(found * STEPS)
    fits = found.ndim == 1 and len(found) and np.all(np.diff(found) > 0) and found[-1] < 1
    if not fits or np.any(np.abs(found * STEPS - steps) > 1e-6):
        message = (
            f"{name} must be rising shares from 0 to below 1, in whole thousandths, such as "
            f"(0, 0.05, 0.1); got {edges!r}."
        )
        raise InputError(message)
    return steps / STEPS


def band_of(steps: NDArray[np.int64], edges: Floats) -> NDArray[np.int64]:
    """Give the band of each depth: 0 up to the first edge, then above each edge.

    >>> band_of(np.array([-3, 0, 1, 50, 51]), np.array([0.0, 0.05])).tolist()
    [0, 0, 1, 1, 2]
    """
    return np.searchsorted(np.round(edges * STEPS), steps, side="left").astype("int64")


def band_expression(table: ibis.Table, edges: Floats) -> ibis.Value:
    """Give the band of each case of a table with ``depth``, as `band_of` does."""
    from ibis import cases

    step = step_of(table)
    limits = np.round(edges * STEPS).astype(int).tolist()
    return cases(
        *[(step <= limit, band) for band, limit in enumerate(limits)], else_=len(limits)
    ).cast("int64")


def band_ends(edges: Floats) -> tuple[Floats, Floats]:
    """Give where each band begins and ends; the first and the last have no end there."""
    return np.concatenate([[-np.inf], edges]), np.concatenate([edges, [1.0]])
