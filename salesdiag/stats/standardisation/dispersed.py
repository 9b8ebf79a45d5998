"""Observed against expected where counts vary by more, or by less, than Poisson's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from salesdiag.stats.arguments import broadcast, numbers, one_of, share
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.standardisation.indirect import ObservedExpected, observed_expected

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Kind = Literal["binomial", "scaled"]


def dispersed_ratio(
    observed: ArrayLike,
    expected: ArrayLike,
    variance: ArrayLike,
    *,
    kind: Kind = "binomial",
    confidence: float = 0.95,
) -> ObservedExpected:
    """Tell how many events there were for each one expected, given how much chance varies them.

    Poisson's limits are too wide for events that are likely for each case (a share of one
    half), and too narrow for money or for events that come in clusters. Here the number seen
    follows, by chance alone, the distribution of a known family with the mean ``expected``
    and the variance given. ``"binomial"``: below Poisson's variance the binomial of that mean
    and variance, with Clopper and Pearson's limits; above it as ``"scaled"``: Poisson's limits
    of both numbers divided by variance / mean (for money that is a gamma distribution).
    Interval and test are those of one distribution: they agree.

    Parameters
    ----------
    observed, expected, variance : array_like
        Seen, expected, and its variance by chance, 0 or more, of shapes that fit. NaN passes.
    kind : {"binomial", "scaled"}, default "binomial"
        What is counted: cases with an event, or money.
    confidence : float, default 0.95
        Level of the interval.

    Returns
    -------
    ObservedExpected
        ``ratio``, ``low``, ``high`` and ``p_value`` (of a ratio of 1, twice the smaller tail);
        NaN where nothing is expected or chance leaves no room.

    Raises
    ------
    InputError
        If a number is negative or infinite, or an option is not one of those allowed.

    References
    ----------
    Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits
    illustrated in the case of the binomial. Biometrika 26, 404-413.

    Examples
    --------
    30 of 50 where half were expected: 0.90 to 1.47 for the binomial, 0.81 to 1.71 for Poisson.

    >>> found = dispersed_ratio(30, 25, 12.5)
    >>> found.ratio.item(), found.low.round(3).item(), found.high.round(3).item()
    (1.2, 0.904, 1.472)
    >>> dispersed_ratio(30, 25, 25).low.round(3).item()
    0.81
    """
    one_of("kind", kind, ("binomial", "scaled"))
    level = share("confidence", confidence)
    seen, due, spread = broadcast(
        observed=numbers("observed", observed, least=0, missing=True),
        expected=numbers("expected", expected, least=0, missing=True),
        variance=numbers("variance", variance, least=0, missing=True),
    )
    known = (due > 0) & (spread > 0) & ~np.isnan(seen)
    seen, due, spread = (np.where(known, one, 1.0) for one in (seen, due, spread))
    scale = spread / due
    found = observed_expected(seen / scale, due / scale, confidence=level)
    if kind == "binomial":
        narrow = _binomial(seen, due, scale, level)
        found = ObservedExpected(
            *(np.where(scale < 1 - 1e-9, one, two) for one, two in zip(narrow, found, strict=True))
        )
    return ObservedExpected(*(np.where(known, one, np.nan) for one in found))


def _binomial(
    seen: np.ndarray, due: np.ndarray, scale: np.ndarray, level: float
) -> ObservedExpected:
    """Give limits and test of the binomial with the mean ``due`` and variance scale times it."""
    chance = np.clip(1 - scale, 1e-9, 1)
    # a little more than the size that fits may have been seen: keep the mean
    size = np.maximum(due / chance, seen)
    chance = np.minimum(due / size, 1.0)
    tail, some, rest = (1 - level) / 2, np.maximum(seen, 1e-300), size - seen
    low = np.where(seen > 0, special.betaincinv(some, rest + 1, tail), 0.0)
    high = np.where(rest > 0, special.betaincinv(seen + 1, np.maximum(rest, 1e-300), 1 - tail), 1.0)
    above = np.where(seen > 0, special.betainc(some, rest + 1, chance), 1.0)
    below = np.where(rest > 0, special.betaincc(seen + 1, np.maximum(rest, 1e-300), chance), 1.0)
    p_value = np.clip(2 * np.minimum(below, above), 0, 1)
    unit = size / due
    return ObservedExpected(ratio(seen, due), low * unit, high * unit, p_value)
