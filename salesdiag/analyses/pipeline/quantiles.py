"""Typical times of groups, with those who are not there yet counted as long as watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.rates import ratio, wilson_interval
from salesdiag.stats.survival import event_quantile, incidence_curve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Times(NamedTuple):
    """A time with its interval, one entry a group; all NaN where it is not known."""

    value: Floats
    low: Floats
    high: Floats


def wait_quantile(
    days: Floats, n_ended: Floats, n_open: Floats, group: NDArray[np.intp], n_groups: int,
    *, probability: float, confidence: float,
) -> Times:  # fmt: skip
    """Give the time by which a share of all has ended (Kaplan-Meier).

    ``high`` is infinite where it lies beyond what was watched.
    """
    found = event_quantile(days, n_ended, None, n_open, group=group, probability=probability,
                           confidence=confidence)  # fmt: skip
    table = np.full((3, n_groups), np.nan)
    place = found.group.astype(int) if len(days) else np.zeros(0, dtype=int)
    known = ~np.isnan(found.time)
    low = np.minimum(np.nan_to_num(found.low), found.time)
    high = np.maximum(np.where(np.isnan(found.high), np.inf, found.high), found.time)
    if len(place):
        table[:, place] = np.where(known, (found.time, low, high), np.nan)
    return Times(*table)


def ended_weights(
    days: Floats, n_event: Floats, n_rival: Floats, n_open: Floats, group: NDArray[np.intp]
) -> Floats:
    """Give, row by row, what one event stands for: itself and those who left open before.

    The weights of a group add up to the share that Aalen and Johansen estimate. Rows are
    sorted by group and days, none repeated.
    """
    weights = np.zeros(len(days))
    if not len(days):
        return weights
    curve = incidence_curve(days, n_event, n_rival, n_open, group=group)
    before = np.concatenate(([0.0], curve.incidence[:-1]))
    is_first = np.concatenate(([True], curve.group[1:] != curve.group[:-1]))
    step = curve.incidence - np.where(is_first, 0.0, before)
    found = dict(zip(zip(curve.group, curve.time, strict=True), step, strict=True))
    steps = np.array([found.get(key, 0.0) for key in zip(group, days, strict=True)])
    return np.nan_to_num(ratio(np.nan_to_num(steps), n_event))


def ended_quantile(
    days: Floats, n_event: Floats, weights: Floats, group: NDArray[np.intp], n_groups: int,
    *, probability: float, confidence: float,
) -> Times:  # fmt: skip
    """Give the time within which a share of those came that came at all.

    The interval takes the events for a sample of as many as their uneven weights are worth,
    and reads the times at Wilson's bounds of the share.
    """
    mass = weights * n_event
    total = np.bincount(group, mass, n_groups)
    size = ratio(total**2, np.bincount(group, weights**2 * n_event, n_groups))
    size = np.where(np.isnan(size), 0.0, size)
    low, high = wilson_interval(probability * size, size, confidence=confidence)
    shares = np.stack([np.full(n_groups, probability), low, high])
    table = np.full((3, n_groups), np.nan)
    for one in np.flatnonzero(size > 0):
        here = (group == one) & (mass > 0)
        reached = np.cumsum(mass[here]) / total[one]
        wanted = shares[:, one] * (1 - 1e-12)
        place = np.minimum(np.searchsorted(reached, wanted), here.sum() - 1)
        table[:, one] = days[here][place]
    return Times(*table)


def plain_quantile(
    days: Floats, counts: Floats, group: NDArray[np.intp], n_groups: int, probability: float
) -> Floats:
    """Give the quantile of counted days: the middle of the two where it falls between them."""
    found = np.full(n_groups, np.nan)
    for one in range(n_groups):
        here = (group == one) & (counts > 0)
        reached = np.cumsum(counts[here])
        if len(reached):
            wanted = probability * reached[-1]
            first = np.searchsorted(reached, wanted * (1 - 1e-12))
            second = np.searchsorted(reached, wanted * (1 + 1e-12), side="right")
            found[one] = days[here][[first, min(second, len(reached) - 1)]].mean()
    return found


def codes_of(values: ArrayLike) -> NDArray[np.intp]:
    """Give whole numbers as places."""
    return np.asarray(values, dtype=np.intp)
