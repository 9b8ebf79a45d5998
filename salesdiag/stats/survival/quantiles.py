"""Times by which a share has had an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.arguments import share
from salesdiag.stats.rates.shares import wilson_interval
from salesdiag.stats.survival.aalen_johansen import (
    aalen_johansen,
    bounds,
    cases_told,
    running_variance,
)
from salesdiag.stats.survival.incidence import n_watched, readable_times
from salesdiag.stats.survival.risk_sets import risk_sets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Quantile(NamedTuple):
    """A time by which a share has had the event, one entry a group."""

    group: NDArray[np.generic]
    time: Floats
    low: Floats
    high: Floats


def event_quantile(
    time: ArrayLike,
    n_event: ArrayLike,
    n_rival: ArrayLike | None,
    n_open: ArrayLike,
    *,
    probability: float = 0.5,
    group: ArrayLike | None = None,
    after: float | None = None,
    n_late: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Quantile:
    """Give the first time by which a share has had the event; by default the median time.

    The median of those who had the event is too short: who takes long is still open. With
    rivals the share is of all, so a median exists only where more than half have the event.

    Parameters
    ----------
    time, n_event, n_rival, n_open, group, after, n_late, confidence
        As in `cumulative_incidence`.
    probability : float, default 0.5
        The share, strictly between 0 and 1.

    Returns
    -------
    Quantile
        ``time`` : NaN where the share is not reached within what was watched. ``low``,
        ``high`` : the times at which the upper and the lower bound of the curve (log-log, before
        the first event Wilson's) reach it; ``low`` is the start of watching (0, or ``after``)
        where so few were watched that none of them tells nothing; ``high`` is NaN where it lies
        beyond what was watched.

    References
    ----------
    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival
    time. Biometrics 38, 29-41.

    Examples
    --------
    >>> found = event_quantile([2, 4, 6, 9], [1, 1, 1, 0], None, [0, 0, 0, 1])
    >>> found.time.item(), found.low.item()
    (4.0, 2.0)
    """
    wanted = share("probability", probability)
    sets = risk_sets(time, n_event, n_rival, n_open, group=group, n_late=n_late, after=after)
    steps = aalen_johansen(sets, variance="delta")
    n_told = np.minimum(cases_told(sets), n_watched(sets))
    low, high = bounds(
        steps.incidence,
        running_variance(steps),
        n_told,
        confidence=confidence,
        interval="log_log",
    )
    # the log-log bounds of 0 and 1 have no width: none of those watched may still be many
    none_yet = wilson_interval(0 * n_told, n_told, confidence=confidence)[1]
    high = np.where(steps.incidence > 0, high, none_yet)
    low = np.where(steps.incidence < 1, low, 0.0)
    known = readable_times(sets, steps) & np.isfinite(sets.time)
    reached = _first(high, wanted, sets.time, known)
    watched = n_watched(sets)[:, 0]
    from_start = wilson_interval(0 * watched, watched, confidence=confidence)[1] >= wanted
    begin = min(0.0, float(np.min(sets.time, initial=0.0))) if after is None else after
    return Quantile(
        sets.labels,
        _first(steps.incidence, wanted, sets.time, known),
        np.where(from_start & (watched > 0), begin, reached),
        _first(low, wanted, sets.time, known),
    )


def _first(curve: Floats, wanted: float, time: Floats, known: NDArray[np.bool_]) -> Floats:
    """Give the first time at which a curve reaches a height, NaN if it does not."""
    if not curve.shape[1]:
        return np.full(len(curve), np.nan)
    reached = (curve >= wanted * (1 - 1e-12)) & known
    first = np.take_along_axis(time, reached.argmax(axis=1)[:, None], axis=1)[:, 0]
    found: Floats = np.where(reached.any(axis=1), first, np.nan)
    return found
