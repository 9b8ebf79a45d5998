"""Paths of units over periods, and how far units with the same start vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import groups_of, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Panel(NamedTuple):
    """Units seen in every period, by the period in which they start."""

    periods: NDArray[np.float64]
    values: NDArray[np.float64]  # (units, periods)
    weight: NDArray[np.float64]
    cohort: NDArray[np.intp]  # of each unit, an index of `starts`
    starts: NDArray[np.intp]  # index of a period; the number of periods where never
    n_left_out: int
    unit: float  # of the values: a power of 2 by which they were divided


class Cohorts(NamedTuple):
    """What the estimator needs to know of the units that start together."""

    size: NDArray[np.float64]  # sum of the weights
    mean: NDArray[np.float64]  # (cohorts, periods)
    per_mean: NDArray[np.float64]  # variance of a mean over that of one unit
    pool: NDArray[np.intp]  # the spread that the cohort shares
    spread: NDArray[np.float64]  # (pools, periods, periods), of one unit's whole path
    degrees: NDArray[np.float64]  # of each pool


def read_panel(
    unit: ArrayLike,
    period: ArrayLike,
    value: ArrayLike,
    treated_from: ArrayLike,
    weight: ArrayLike | None,
) -> Panel:
    """Read long rows of `event_study` as one path a unit.

    >>> panel = read_panel(["b", "a", "a", "b"], [2, 1, 2, 1], [4, 1, 2, 3], [2, 9, 9, 2], None)
    >>> (panel.values * panel.unit).tolist(), panel.starts.tolist(), panel.cohort.tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [1, 2], [1, 0])
    """
    seen = vector("value", value, missing=True, at_least=1)
    n = len(seen)
    units = groups_of("unit", unit, n)
    periods = groups_of("period", vector("period", period, length=n), n)
    given = np.asarray(treated_from)
    if given.dtype.kind == "f":
        given = np.where(given == np.inf, np.nan, given)
    starts = vector("treated_from", given, missing=True, length=n)
    starts = np.where(np.isnan(starts), np.inf, starts)
    weights = np.ones(n) if weight is None else vector("weight", weight, least=0, length=n)
    if np.any(weights == 0):
        message = "weight must be above 0; got 0: leave such units out."
        raise InputError(message)
    shape = (len(units.labels), len(periods.labels))
    values = np.full(shape, np.nan)
    if len(np.unique(units.codes * shape[1] + periods.codes)) < n:
        message = "unit and period must not repeat: add up or average the rows first."
        raise InputError(message)
    values[units.codes, periods.codes] = seen
    labels = np.asarray(periods.labels, dtype=float)
    begins = np.searchsorted(labels, _of_unit("treated_from", starts, units.codes, shape[0]))
    keep = (begins > 0) & ~np.isnan(values).any(axis=1)
    kinds, cohort = np.unique(begins[keep], return_inverse=True)
    if len(kinds) == 0 or kinds[0] == shape[1]:
        message = (
            "treated_from must leave at least one unit with a start after the first period "
            f"that is seen in every period; none of {shape[0]} is left."
        )
        raise InputError(message)
    per_unit = _of_unit("weight", weights, units.codes, shape[0])[keep]
    values, most = values[keep], float(np.abs(values[keep]).max())
    # squares of huge or tiny values are no numbers; a power of 2 leaves every digit as it is
    size = float(np.exp2(np.round(np.log2(most)))) if most > 0 else 1.0
    return Panel(labels, values / size, per_unit, cohort, kinds, int(np.sum(~keep)), size)


def _of_unit(
    name: str, values: NDArray[np.float64], codes: NDArray[np.intp], n_units: int
) -> NDArray[np.float64]:
    """Take what belongs to a unit from its rows, which must agree."""
    found = np.empty(n_units)
    found[codes] = values
    if np.any(found[codes] != values):
        message = f"{name} must be the same in all rows of a unit."
        raise InputError(message)
    return found


def cohorts_of(panel: Panel, *, n_pools: int) -> Cohorts:
    """Give means of the cohorts and spreads of all units, or of starters and others apart."""
    member = (panel.cohort == np.arange(len(panel.starts))[:, None]).astype(float)
    size = member @ panel.weight
    portion = panel.weight / size[panel.cohort]
    mean = (member * portion) @ panel.values
    per_mean = member @ portion**2
    rest = panel.values - mean[panel.cohort]
    # unbiased whatever the weights; with equal ones it is the number of units less one
    degrees = member @ (1 - 2 * portion) + member.sum(axis=1) * per_mean
    degrees = np.clip(degrees, 0.0, None)  # of a unit alone 0, but for rounding
    never = (panel.starts == len(panel.periods)).astype(np.intp)
    pool = never if n_pools == 2 else np.zeros_like(never)
    belongs = (pool == np.arange(n_pools)[:, None]).astype(float)
    squares = np.einsum("pc,ci,it,iu->ptu", belongs, member, rest, rest, optimize=True)
    shared = belongs @ degrees
    spread = np.full(squares.shape, np.nan)
    spread[shared > 0] = squares[shared > 0] / shared[shared > 0, None, None]
    return Cohorts(size, mean, per_mean, pool, spread, shared)
