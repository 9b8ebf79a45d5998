"""Time to an event when some have not had it yet and others can no longer have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import SalesDiagError
from salesdiag.stats.rates import ratio, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Incidence(NamedTuple):
    """A probability with its interval."""

    rate: float
    low: float
    high: float


def cumulative_incidence(
    time: ArrayLike,
    n_event: ArrayLike,
    n_rival: ArrayLike,
    n_open: ArrayLike,
    *,
    confidence: float = 0.95,
) -> Incidence:
    """Give the exact Aalen-Johansen probability of the event at the last time.

    Those still open at a time leave after the events of that time. The variance is the
    delta-method formula of the cumulative incidence; the interval is Wilson's at the sample
    size that a plain share would need for the same variance, so where nobody is open it is
    Wilson's own.

    Parameters
    ----------
    time : array_like, shape (T,)
        Distinct times in ascending order.
    n_event, n_rival, n_open : array_like, shape (T,)
        How many had the event, had the rival event, or were last seen without either, at
        each time.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    Incidence
        ``rate``, ``low``, ``high`` in [0, 1]; all NaN where nobody had either event.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
    non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> days = [1, 2, 3, 5, 6]
    >>> estimate = cumulative_incidence(days, [0, 0, 2, 2, 1], [1, 0, 1, 0, 1], [1, 2, 0, 0, 0])
    >>> round(estimate.rate, 6)
    0.649351
    """
    when = np.asarray(time, float)
    if np.any(np.diff(when) <= 0):
        message = (
            "time must be ascending and without repeats: "
            "add up the counts of equal times before calling."
        )
        raise SalesDiagError(message)
    event, rival, still = (np.asarray(n, float) for n in (n_event, n_rival, n_open))
    decided = event.sum() + rival.sum()
    if decided == 0:
        return Incidence(np.nan, np.nan, np.nan)
    at_risk = (event + rival + still)[::-1].cumsum()[::-1]
    hazard, ended = ratio(event, at_risk), ratio(event + rival, at_risk)
    before = np.concatenate(([1.0], np.cumprod(1 - ended)))[: len(event)]
    incidence = np.cumsum(before * hazard)
    rate = float(incidence[-1])
    if still[at_risk > 0][-1] == 0 and not rival.any():
        rate = 1.0  # all had the event in the end; the product only comes near it
    to_come = np.clip(rate - incidence, 0, None)
    # the last term of a product of survivors is 0/0 where nobody is left; nothing is to come then
    spread = np.where(to_come > 0, ratio(ended, at_risk * (1 - ended)) * to_come**2, 0.0)
    own = before**2 * ratio(hazard * (1 - hazard), at_risk)
    shared = before * to_come * ratio(hazard, at_risk)
    variance = float(np.sum(spread + own - 2 * shared))
    inside = 0 < rate < 1 and variance > 0
    size = rate * (1 - rate) / variance if inside else decided
    # nobody tells more than all who were watched would as a plain share
    size = min(size, event.sum() + rival.sum() + still.sum())
    low, high = wilson_interval(rate * size, size, confidence=confidence)
    return Incidence(rate, float(low), float(high))
