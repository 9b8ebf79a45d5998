"""Whether like was there to be compared with like."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PROPENSITY = 0.02  # below it one case would speak for more than fifty
MOST_BELOW = 0.05  # share of the population that may lie below it
LEAST_EFFECTIVE_N = 20.0  # cases that a level must be worth after weighting


class Overlap(NamedTuple):
    """How well each level is represented among all kinds of cases."""

    share_below: NDArray[np.float64]
    effective_n: NDArray[np.float64]
    least_propensity: NDArray[np.float64]


def overlap_of(
    propensity: NDArray[np.float64], level: NDArray[np.intp], n: NDArray[np.float64]
) -> Overlap:
    """Measure how far the cases of a level can speak for the whole population.

    Parameters
    ----------
    propensity : ndarray, shape (R, L)
        Chance of each level, given the covariates of the row; rows add up to 1.
    level : ndarray of int, shape (R,)
        The level that the row's cases had.
    n : ndarray, shape (R,)
        Cases of the row.

    Returns
    -------
    Overlap
        One entry a level. ``share_below``: share of the population whose chance of the level
        is below `LEAST_PROPENSITY`. ``effective_n``: number of equally weighted cases that
        would tell as much as those of the level do once weighted (Kish); 0 where it has none.
        ``least_propensity``: the smallest chance of the level anywhere.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 11.7.

    Examples
    --------
    >>> chances = np.array([[0.5, 0.5], [0.99, 0.01]])
    >>> found = overlap_of(chances, np.array([0, 1]), np.array([10.0, 30.0]))
    >>> found.share_below.tolist(), found.least_propensity.tolist()
    ([0.0, 0.75], [0.5, 0.01])
    """
    everyone = n.sum()
    below = ((propensity < LEAST_PROPENSITY) * n[:, None]).sum(axis=0) / everyone
    own = level[:, None] == np.arange(propensity.shape[1])
    weight = own / np.maximum(propensity, LEAST_PROPENSITY)
    first, second = n @ weight, n @ weight**2
    effective = np.where(second > 0, ratio(first**2, second), 0.0)
    return Overlap(below, effective, propensity.min(axis=0))


def why_not(overlap: Overlap) -> list[str]:
    """Say for each level why its effect must not be told; empty where it may.

    >>> why_not(Overlap(np.array([0.0, 0.2]), np.array([90.0, 90.0]), np.array([0.1, 0.01])))
    ['', 'chance below 0.02 for 20 % of the population (at most 5 %)']
    """
    found = []
    for below, effective in zip(overlap.share_below, overlap.effective_n, strict=True):
        reason = ""
        if below > MOST_BELOW:
            reason = (
                f"chance below {LEAST_PROPENSITY:g} for {100 * below:.0f} % of the population "
                f"(at most {100 * MOST_BELOW:.0f} %)"
            )
        elif effective < LEAST_EFFECTIVE_N:
            reason = f"worth {effective:.1f} cases after weighting (at least {LEAST_EFFECTIVE_N:g})"
        found.append(reason)
    return found
