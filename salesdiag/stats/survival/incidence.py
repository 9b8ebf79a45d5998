"""Time to an event when some have not had it yet and others can no longer have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, whole_number
from salesdiag.stats.survival.aalen_johansen import (
    Interval,
    Steps,
    Variance,
    aalen_johansen,
    bounds,
    cases_told,
    running_variance,
    variance_at,
)
from salesdiag.stats.survival.risk_sets import RiskSets, risk_sets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Incidence(NamedTuple):
    """A probability by a horizon with its interval, one entry a group (and horizon)."""

    group: NDArray[np.generic]
    rate: Floats
    low: Floats
    high: Floats
    n_at_risk: Floats


class Curve(NamedTuple):
    """How a probability grows, one entry a group and time, in ascending order of both."""

    group: NDArray[np.generic]
    time: Floats
    n_at_risk: Floats
    incidence: Floats
    low: Floats
    high: Floats
    rival_incidence: Floats
    survival: Floats
    variance: Floats


def cumulative_incidence(
    time: ArrayLike,
    n_event: ArrayLike,
    n_rival: ArrayLike | None,
    n_open: ArrayLike,
    *,
    group: ArrayLike | None = None,
    horizon: ArrayLike | None = None,
    after: float | None = None,
    n_late: ArrayLike | None = None,
    min_at_risk: int = 1,
    confidence: float = 0.95,
    interval: Interval = "wilson",
    variance: Variance = "delta",
) -> Incidence:
    """Give the Aalen-Johansen probability of having had the event by a horizon.

    One minus Kaplan-Meier would treat those who had the rival event as if they could still
    have the event; a share of the decided would forget everybody who is still open. This
    counts each as long as it was watched, exactly, ties included, nothing drawn at random.

    The interval is Wilson's at the sample size that a plain share would need for the same
    variance, so where nobody is open it is Wilson's own. In simulations of 20 and more
    events it covers within two points of its level; with five events and many open ones it
    may cover up to three points more or less.

    Parameters
    ----------
    time : array_like, shape (N,)
        Times in any order; counts of equal times in a group are added up.
    n_event, n_rival, n_open : array_like, shape (N,)
        How many had the event, had the rival event (None: there is none), or were last seen
        without either, at each time. Those last seen at a time leave after its events.
    group : array_like, shape (N,), optional
        Labels; each group is estimated by itself.
    horizon : float, list of float or table of float, optional
        Time or times by which; a table has a row for each group, in order of the labels.
        None: the last time of each group.
    after : float, optional
        The probability for those who have had neither event up to and including that time.
    n_late : array_like, shape (N,), optional
        How many came under watch only after that time, their earlier life unseen (left
        truncation). They count as at risk from the next time on. If all came so, nobody was
        watched up to the first of these times: ask for what comes ``after`` it.
    min_at_risk : int, default 1
        A horizon is supported while so many are at risk, and at each time before it at which
        anything happens; below that only if nobody had left open or come late, or if none of
        those at risk is left undecided.
    confidence : float, default 0.95
        Level of the interval.
    interval : {"wilson", "log_log"}, default "wilson"
        ``"log_log"`` is symmetric in log(-log) of one minus the probability, the textbook's
        interval of Kaplan-Meier; it has no width where the probability is 0 or 1.
    variance : {"delta", "aalen"}, default "delta"
        The delta method's (binomial where nobody is open), or Aalen's counting-process
        estimate, a little larger in small groups.

    Returns
    -------
    Incidence
        ``group`` : labels in order. ``rate``, ``low``, ``high`` : in [0, 1], shape (groups,)
        or (groups, horizons) for a list or table; NaN where nobody had either event, or where the
        horizon is not supported. ``n_at_risk`` : how many were at risk at the horizon.

    Raises
    ------
    InputError
        If a count is negative or missing, lists differ in length, or ``n_late`` does not fit.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for
    non-homogeneous Markov chains. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> days = [1, 2, 3, 5, 6]
    >>> found = cumulative_incidence(days, [0, 0, 2, 2, 1], [1, 0, 1, 0, 1], [1, 2, 0, 0, 0])
    >>> found.rate.round(6).item()
    0.649351
    """
    whole_number("min_at_risk", min_at_risk, least=1)
    sets = risk_sets(time, n_event, n_rival, n_open, group=group, n_late=n_late, after=after)
    steps = aalen_johansen(sets, variance=variance)
    until = _last_time(sets)[:, None] if horizon is None else _horizons(horizon, len(sets.labels))
    none = np.zeros_like(until)
    n_at_risk, supported = _support(sets, steps, until, min_at_risk)
    if after is not None:
        supported &= until > after
    rate = _at(sets.time, until, steps.incidence, none)
    spread = variance_at(sets, steps, until, rate)
    n_told = np.minimum(_at(sets.time, until, cases_told(sets), n_at_risk), n_watched(sets))
    low, high = bounds(rate, spread, n_told, confidence=confidence, interval=interval)
    rate, low, high = (np.where(supported, found, np.nan) for found in (rate, low, high))
    if horizon is None or np.ndim(horizon) == 0:
        return Incidence(sets.labels, rate[:, 0], low[:, 0], high[:, 0], n_at_risk[:, 0])
    return Incidence(sets.labels, rate, low, high, n_at_risk)


def incidence_curve(
    time: ArrayLike,
    n_event: ArrayLike,
    n_rival: ArrayLike | None,
    n_open: ArrayLike,
    *,
    group: ArrayLike | None = None,
    after: float | None = None,
    n_late: ArrayLike | None = None,
    confidence: float = 0.95,
    interval: Interval = "wilson",
    variance: Variance = "delta",
) -> Curve:
    """Give the whole curve behind `cumulative_incidence`; its parameters mean the same.

    Without rivals it is Kaplan-Meier's: ``survival`` is his estimate, ``variance`` with
    ``"delta"`` is Greenwood's, and one minus ``high`` and ``low`` bound the survival.

    Returns
    -------
    Curve
        One entry for each group and time at which anything happened: ``n_at_risk`` just
        before, ``incidence`` with ``low`` and ``high``, ``rival_incidence`` and
        ``survival`` in [0, 1], adding up to 1, and the ``variance`` of the incidence. NaN
        from the time on at which nobody was at risk although some had left open.

    Examples
    --------
    Of four, one had the event on day 1, one left open on day 2, one had the rival on day 3.

    >>> curve = incidence_curve([1, 2, 3, 4], [1, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0])
    >>> curve.incidence.tolist()
    [0.25, 0.25, 0.25, 0.625]
    >>> curve.survival.tolist()
    [0.75, 0.75, 0.375, 0.0]
    """
    sets = risk_sets(time, n_event, n_rival, n_open, group=group, n_late=n_late, after=after)
    steps = aalen_johansen(sets, variance=variance)
    n_told = np.minimum(cases_told(sets), n_watched(sets))
    spread = running_variance(steps)
    low, high = bounds(steps.incidence, spread, n_told, confidence=confidence, interval=interval)
    known = np.isfinite(sets.time)
    supported = readable_times(sets, steps)

    def shown(curve: Floats) -> Floats:
        return np.where(supported, curve, np.nan)[known]

    return Curve(
        group=np.repeat(sets.labels, known.sum(axis=1)),
        time=sets.time[known],
        n_at_risk=sets.n_at_risk[known],
        incidence=shown(steps.incidence),
        low=shown(low),
        high=shown(high),
        rival_incidence=shown(steps.rival_incidence),
        survival=shown(steps.survival),
        variance=shown(spread),
    )


def final_incidence(n_event: Floats, n_rival: Floats, n_open: Floats) -> Floats:
    """Give the probability by the last time alone, for counts already laid out by time.

    For draws: many rows of counts at the same times, of which no interval is asked.

    Parameters
    ----------
    n_event, n_rival, n_open : ndarray, shape (..., times)
        As in `cumulative_incidence`, times ascending along the last axis.

    Returns
    -------
    ndarray, shape (...)
        In [0, 1]; NaN where nobody had either event.

    Examples
    --------
    >>> counts = np.array([[0, 0, 2, 2, 1.0]]), np.array([[1, 0, 1, 0, 1.0]])
    >>> final_incidence(*counts, np.array([[1, 2, 0, 0, 0.0]])).round(6).tolist()
    [0.649351]
    """
    ended = n_event + n_rival
    leaving = ended + n_open
    at_risk = leaving.sum(axis=-1, keepdims=True) - (leaving.cumsum(axis=-1) - leaving)
    held = np.where(at_risk > 0, at_risk, 1.0)
    survival = np.cumprod(1 - ended / held, axis=-1)
    before = np.concatenate((np.ones_like(survival[..., :1]), survival[..., :-1]), axis=-1)
    rate: Floats = np.sum(before * n_event / held, axis=-1)
    return np.where(ended.any(axis=-1), rate, np.nan)


def _horizons(horizon: ArrayLike, n_groups: int) -> Floats:
    """Give the horizons of each group, groups x horizons."""
    wanted = np.atleast_1d(numbers("horizon", horizon))
    if wanted.ndim > 2 or (wanted.ndim == 2 and len(wanted) != n_groups):
        message = (
            f"horizon must be a number, a list, or a table with a row for each of the {n_groups} "
            f"groups; got an array of shape {wanted.shape}."
        )
        raise InputError(message)
    return np.broadcast_to(wanted, (n_groups, wanted.shape[-1]))


def n_watched(sets: RiskSets) -> Floats:
    """Count who was watched at all, one a group."""
    watched: Floats = (sets.n_event + sets.n_rival + sets.n_open).sum(axis=1, keepdims=True)
    return watched


def _last_time(sets: RiskSets) -> Floats:
    """Give the last time of each group; of one in which nobody was decided, NaN."""
    finite = np.where(np.isfinite(sets.time), sets.time, -np.inf)
    decided = (sets.n_event + sets.n_rival).any(axis=1)
    return np.where(decided, finite.max(axis=1, initial=-np.inf), np.nan)


def _at(time: Floats, until: Floats, curve: Floats, first: Floats) -> Floats:
    """Read a curve at times; ``first`` is its value before anything happened."""
    column = (time[:, None, :] <= until[:, :, None]).sum(axis=2) - 1
    if not curve.shape[1]:
        return first
    found: Floats = np.take_along_axis(curve, np.maximum(column, 0), axis=1)
    return np.where(column < 0, first, found)


def _support(
    sets: RiskSets, steps: Steps, until: Floats, min_at_risk: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Count who is at risk at each horizon and tell whether the curve may be read there.

    Once the last of those at risk is decided nothing more can come, unless others come under
    watch later: then the curve ended too early and cannot be read beyond.
    """
    over = steps.survival <= 1e-12
    is_over = _at(sets.time, until, over.astype(float), np.zeros_like(until)) > 0
    comes_later = ((sets.n_late > 0) & over).any(axis=1, keepdims=True)
    later = np.asarray(sets.time[:, None, :] >= until[:, :, None])
    net = sets.n_event + sets.n_rival + sets.n_open - sets.n_late
    at_risk = np.clip(np.where(later, net[:, None, :], 0.0).sum(axis=2), 0, None)
    passed = np.asarray(sets.time[:, None, :] <= until[:, :, None])
    thin = (passed & _thin(sets, min_at_risk)[:, None, :]).any(axis=2)
    unseen = np.where(~later, sets.n_open[:, None, :], 0.0).sum(axis=2) > 0
    unseen |= sets.n_late.any(axis=1, keepdims=True)
    known = ~np.isnan(until)
    supported = known & ~thin & np.where(is_over, ~comes_later, (at_risk >= min_at_risk) | ~unseen)
    supported &= n_watched(sets) > 0
    return np.where(known, at_risk, np.nan), supported


def readable_times(sets: RiskSets, steps: Steps) -> NDArray[np.bool_]:
    """Tell at which times the whole curve may be read."""
    over = steps.survival <= 1e-12
    comes_later = ((sets.n_late > 0) & over).any(axis=1, keepdims=True)
    broken = _thin(sets, 1).cumsum(axis=1) > 0
    return ~broken & ~(over & comes_later)


def _thin(sets: RiskSets, min_at_risk: int) -> NDArray[np.bool_]:
    """Tell at which times too few are at risk, and not only because the rest is decided."""
    left_open = np.cumsum(sets.n_open, axis=1) - sets.n_open
    unseen = (left_open > 0) | sets.n_late.any(axis=1, keepdims=True)
    happens = (sets.n_event + sets.n_rival + sets.n_late) > 0
    return unseen & happens & (sets.n_at_risk < min_at_risk)
