"""The four factors of sales velocity, of a cohort and of its reference, drawn together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.rates import ratio
from salesdiag.stats.resampling import cluster_sums, drawn_interval, drawn_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WON, LOST, OPEN, AMOUNT, PRICED = range(5)
FACTORS = ("deals", "win_rate", "size", "cycle")
_FEWEST_WATCHED = 5
_MOST_UNDECIDED = 0.1


class Figures(NamedTuple):
    """Figures along the last axis, each with its bounds: see `NAMES` and `PARTS`."""

    value: Floats
    low: Floats
    high: Floats


NAMES = ("win_rate", "won_mean_amount", "deal_value_amount", "cycle_days", "velocity_amount")
PARTS = ("velocity_log_ratio", *(f"{name}_log_part" for name in FACTORS))


def longest_age(counts: Floats) -> int:
    """Give the longest age (of columns won, lost, open) that enough deals were watched to."""
    at_risk = counts[:, :3].sum(axis=1)[::-1].cumsum()[::-1]
    enough = np.flatnonzero(at_risk >= min(_FEWEST_WATCHED, at_risk.max(initial=0)))
    return int(enough[-1]) if len(enough) else 0


def is_watched(
    side: NDArray[np.bool_], age: NDArray[np.intp], counts: Floats, horizon: int
) -> bool:
    """Tell whether enough of a side's deals (where ``side``) were watched until the horizon.

    Enough are a fifth of them, at most five, or so many as to leave nobody open; it is enough,
    too, that nobody open is older and at most a tenth were undecided.
    """
    here = np.zeros((int(age.max(initial=0)) + 1, 3))
    np.add.at(here, age[side], counts[side][:, :3])
    if not here[:, OPEN].any():
        return True
    at_risk = here.sum(axis=1)[::-1].cumsum()[::-1]
    enough = min(_FEWEST_WATCHED, max(1.0, at_risk[0] // 5))
    tail = int(np.flatnonzero(at_risk >= enough)[-1])
    if tail >= horizon:
        return True
    ended = here[:, WON] + here[:, LOST]
    survival = np.cumprod(1 - ended / np.maximum(at_risk, 1e-300))
    return bool(survival[tail] <= _MOST_UNDECIDED and not here[tail + 1 :, OPEN].any())


def figures_of(
    bundle: NDArray[np.intp], side: NDArray[np.intp], age: NDArray[np.intp], values: Floats,
    *, n_others: float, horizon: int, n_draws: int, seed: int, confidence: float,
) -> Figures:  # fmt: skip
    """Give the figures of a cohort (side 0) and its log-split against a reference (side 1).

    ``values`` has the columns won, lost, open, amount, priced. Bundles of accounts are drawn
    again, both sides together, and what a win stands for is taken as known, which makes the
    intervals a little too long. ``n_others`` is by how many the reference's deals are divided.
    """
    if not len(bundle):
        empty = np.full(len(NAMES) + len(PARTS), np.nan)
        return Figures(empty, empty.copy(), empty.copy())
    names, codes = np.unique(bundle, return_inverse=True)
    each = _weighed(side, age, values, horizon)
    sums = cluster_sums(_by_side(side, each), codes, len(names))
    whole = _figures(sums.sum(axis=0), n_others)
    drawn = _figures(drawn_sums(sums, n_draws=n_draws, seed=seed), n_others)
    # a draw without any win tells nothing of sizes and days
    low, high = np.full_like(whole, np.nan), np.full_like(whole, np.nan)
    for place in range(len(whole)):
        told = drawn[~np.isnan(drawn[:, place]), place]
        if len(told) > n_draws / 2:
            low[place], high[place] = drawn_interval(
                told, whole[place], n_clusters=len(names), confidence=confidence
            )
    whole = _told(whole, side, age, values, horizon)
    return Figures(whole, *_bounded(whole, low, high))


def _told(
    whole: Floats, side: NDArray[np.intp], age: NDArray[np.intp], values: Floats, horizon: int
) -> Floats:
    """Take out what a cohort, or its reference, was not watched long enough to tell."""
    here, there = (is_watched(side == one, age, values, horizon) for one in (0, 1))
    told = np.full(len(whole), here)
    told[len(NAMES) :] &= there
    return np.where(told, whole, np.nan)


def _by_side(side: NDArray[np.intp], each: Floats) -> Floats:
    """Put the sums of a row into the place of its side, nothing into the other."""
    rows = np.zeros((len(each), 2, each.shape[1]))
    rows[np.arange(len(each)), side] = each
    return rows


def _weighed(side: NDArray[np.intp], age: NDArray[np.intp], values: Floats, horizon: int) -> Floats:
    """Give, row by row: deals, and what wins by the horizon stand for: deals, money, priced, days.

    A win stands for itself and for those of its age that left open before (one over the chance
    to be watched so long); added up over a side, that is Aalen and Johansen's incidence.
    """
    stands = np.zeros(len(age))
    for one in (0, 1):
        here = side == one
        if not here.any():
            continue
        counts = np.zeros((int(age[here].max()) + 1, 3))
        np.add.at(counts, age[here], values[here][:, :3])
        at_risk = counts.sum(axis=1)[::-1].cumsum()[::-1]
        ended = counts[:, WON] + counts[:, LOST]
        survival = np.cumprod(1 - np.minimum(ended / np.maximum(at_risk, 1e-300), 1.0))
        before = np.concatenate(([1.0], survival[:-1]))
        weight = before * counts.sum() / np.maximum(at_risk, 1e-300)
        stands[here] = weight[age[here]]
    stands = stands * (age <= horizon)
    won = values[:, WON] * stands
    return np.stack([values[:, :3].sum(axis=1), won, values[:, AMOUNT] * stands,
                     values[:, PRICED] * stands, won * age], axis=1)  # fmt: skip


def _bounded(whole: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Keep bounds within what a figure can be; one that tells nothing is as wide as that."""
    least = np.where(np.arange(len(whole)) < len(NAMES), 0.0, -np.inf)
    most = np.where(np.arange(len(whole)) == NAMES.index("win_rate"), 1.0, np.inf)
    low = np.maximum(np.where(np.isnan(low), least, low), least)
    high = np.minimum(np.where(np.isnan(high), most, high), most)
    unknown = np.isnan(whole)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _figures(sums: Floats, n_others: float) -> Floats:
    """Turn sums (..., sides, columns of `_weighed`) into the figures and their log-split."""
    n_deals, won, money, priced, days = np.moveaxis(sums, -1, 0)
    rate = np.minimum(ratio(won, n_deals), 1.0)
    factors = np.stack([n_deals, rate, ratio(money, priced), ratio(days, won)], axis=-1)
    here, there = factors[..., 0, :], factors[..., 1, :].copy()
    there[..., 0] = ratio(there[..., 0], np.full(there.shape[:-1], n_others))
    value = here[..., 1] * here[..., 2]
    speed = ratio(here[..., 0] * value, here[..., 3])
    shown = np.stack([here[..., 1], here[..., 2], value, here[..., 3], speed], axis=-1)
    positive = (here > 0) & (there > 0)
    logs = np.log(np.where(positive, here, 1.0) / np.where(positive, there, 1.0))
    logs = np.where(positive.all(axis=-1, keepdims=True), logs, np.nan)
    logs[..., 3] *= -1  # a longer cycle slows down
    return np.concatenate([shown, logs.sum(axis=-1, keepdims=True), logs], axis=-1)
