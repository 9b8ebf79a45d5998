"""Where a change sits: in all groups, in one of them, or in a few."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import matrix, one_number, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class PlacedChange(NamedTuple):
    """The change that each candidate place would hold, one row a candidate."""

    effect: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    p_value: NDArray[np.float64]  # two-sided, not yet for the search
    gain: NDArray[np.float64]  # log-likelihood over no change at all, less the penalty
    weight: NDArray[np.float64]  # of each place, beside no change; they leave its share to 1


def place_change(
    change: ArrayLike,
    variance: ArrayLike,
    places: ArrayLike,
    *,
    shared_variance: float = 0.0,
    penalty: ArrayLike = 0.0,
    degrees: float = np.inf,
) -> PlacedChange:
    """Answer in which groups a change happened, where several places could hold it.

    Each group brings an estimate of its own change, such as the logarithm of a rate over that
    of the year before, and its variance. What moved all groups at once (a holiday that fell
    into another month, a market) is noise of its own, of ``shared_variance``: it makes a
    change of all groups uncertain and cancels where one group is held against the others. Each
    candidate place is a set of groups that changed by one and the same amount while the rest
    stayed; it is fitted by generalised least squares [1]_, and judged by how much likelier it
    makes the estimates than no change, less a ``penalty`` for how many places of its kind
    there are.

    Two places that hold nearly the same groups are hardly told apart: their weights say so.

    Parameters
    ----------
    change, variance : array_like, one a group
        Estimates and their variances, above 0; groups with a NaN in either say nothing.
    places : array_like, candidates x groups
        1 where a candidate holds a group, else 0; shares between are allowed.
    shared_variance : float, default 0.0
        Variance of what moved all groups at once.
    penalty : array_like, default 0.0
        Subtracted from the log-likelihood of each candidate, such as the logarithm of how many
        there are of its kind.
    degrees : float, default infinity
        Degrees of freedom of the variances, for the p-values (Student's t).

    Returns
    -------
    PlacedChange
        Arrays in the order of the candidates; NaN (and a weight of 0) for a candidate whose
        groups say nothing. ``weight`` lies in [0, 1].

    Raises
    ------
    InputError
        If a variance is not above 0, or the sizes do not fit.

    References
    ----------
    .. [1] Aitken, A. C. (1936). On least squares and linear combinations of observations.
       Proceedings of the Royal Society of Edinburgh 55, 42-48.

    Examples
    --------
    The third of four groups fell; all four together are no better explanation.

    >>> found = place_change(
    ...     [0.02, -0.01, -0.5, 0.03], [0.01] * 4,
    ...     [[1, 1, 1, 1], [0, 0, 1, 0]], shared_variance=0.01, penalty=[0.0, np.log(4)],
    ... )
    >>> found.effect.round(2), found.weight.round(3)
    (array([-0.12, -0.51]), array([0., 1.]))
    """
    values = vector("change", change, missing=True)
    spread = vector("variance", variance, missing=True, length=len(values))
    if np.any(spread <= 0):
        message = f"variance must lie above 0; got {float(np.nanmin(spread))!r}."
        raise InputError(message)
    chosen = matrix("places", places)
    if chosen.shape[1] != len(values):
        message = f"places must have a column for each of {len(values)} groups; got {chosen.shape}."
        raise InputError(message)
    shared = one_number("shared_variance", shared_variance, least=0.0)
    known = ~(np.isnan(values) | np.isnan(spread))
    held = chosen * known
    weighed = _weighed(held, np.where(known, 1 / np.where(known, spread, 1.0), 0.0), shared)
    information = np.sum(held * weighed, axis=1)
    tells = information > 0
    safe = np.where(tells, information, 1.0)
    effect = weighed @ np.where(known, values, 0.0) / safe
    error = 1 / np.sqrt(safe)
    gain = effect**2 / error**2 / 2 - np.broadcast_to(np.asarray(penalty, float), effect.shape)
    gain = np.where(tells, gain, -np.inf)
    top = max(float(gain.max(initial=0.0)), 0.0)
    likely = np.exp(gain - top)
    p_value = 2 * special.stdtr(degrees, -np.abs(effect) / error)
    return PlacedChange(
        effect=np.where(tells, effect, np.nan),
        standard_error=np.where(tells, error, np.nan),
        p_value=np.where(tells, p_value, np.nan),
        gain=np.where(tells, gain, np.nan),
        weight=likely / (likely.sum() + np.exp(-top)),
    )


def _weighed(
    rows: NDArray[np.float64], precision: NDArray[np.float64], shared: float
) -> NDArray[np.float64]:
    """Multiply rows by the inverse of diag(1 / precision) + shared (Sherman and Morrison)."""
    own = rows * precision
    common = shared / (1 + shared * precision.sum())
    result: NDArray[np.float64] = own - common * own.sum(axis=1, keepdims=True) * precision
    return result
