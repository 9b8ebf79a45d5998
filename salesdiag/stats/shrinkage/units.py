"""What the comparisons of units share: lists of pairs, in an order of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import check_length, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LARGEST = 1e100  # squares of larger numbers, and their sums and ratios, are no numbers
SMALLEST_VARIANCE = 1e-200


class Distinct(NamedTuple):
    """The distinct pairs of numbers, sorted: units that are alike are worked out once.

    ``rows`` has shape (distinct, 2); ``place`` gives for each unit its row, or -1 where a
    number is missing; ``times`` counts the units of a row.
    """

    rows: NDArray[np.float64]
    place: NDArray[np.intp]
    times: NDArray[np.float64]

    def spread_out(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring results, one a row in the last axis, to the caller's units; NaN if missing."""
        blank = np.full((*found.shape[:-1], 1), np.nan)
        return np.concatenate([found, blank], axis=-1)[..., self.place]


def pair_of(
    names: tuple[str, str], first: ArrayLike, second: ArrayLike, *, least: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read two numbers a unit, NaN where missing; the second is never negative.

    A finite ``least`` below 0 is a limit to both sides.
    """
    most = -least if -np.inf < least < 0 else np.inf
    one = vector(names[0], first, missing=True, at_least=1)
    one = vector(names[0], one, least=least, most=most, missing=True)
    two = vector(names[1], second, least=0, missing=True)
    check_length(names[1], len(two), len(one))
    return one, two


def check_variance(variance: NDArray[np.float64]) -> None:
    """Refuse a variance of 0, which would leave an estimate without error, and one near it."""
    tiny = (variance > 0) & (variance < SMALLEST_VARIANCE)
    if tiny.any():
        message = (
            f"variance must be {SMALLEST_VARIANCE:g} or more; got {variance[tiny][0]:g}. "
            "Take a larger unit."
        )
        raise InputError(message)
    if np.any(variance <= 0):
        message = (
            "variance must be above 0; got 0. For shares take the variance at the pooled share: "
            "a unit's own is 0 where none or all of its cases count."
        )
        raise InputError(message)


def check_expected(event: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Refuse events where none could happen."""
    impossible = (expected == 0) & (event > 0)
    if impossible.any():
        message = (
            f"expected must be above 0 where n_event is; got {event[impossible][0]:g} events "
            "where 0 were expected."
        )
        raise InputError(message)


def distinct_units(first: NDArray[np.float64], second: NDArray[np.float64]) -> Distinct:
    """Sort the units and put those together that are alike, so that their order is no matter.

    >>> units = distinct_units(np.array([2.0, 1.0, 2.0, np.nan]), np.array([5.0, 5.0, 5.0, 1.0]))
    >>> units.rows.tolist(), units.place.tolist(), units.times.tolist()
    ([[1.0, 5.0], [2.0, 5.0]], [1, 0, 1, -1], [1.0, 2.0])
    """
    known = ~(np.isnan(first) | np.isnan(second))
    rows, inverse, times = np.unique(
        np.column_stack([first, second])[known], axis=0, return_inverse=True, return_counts=True
    )
    place = np.full(len(first), -1)
    place[known] = inverse.ravel()
    return Distinct(rows, place, times.astype(float))
