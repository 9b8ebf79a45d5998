"""How much more units differ than chance would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from salesdiag.errors import InputError
from salesdiag.stats.arguments import counts_of, one_number, one_of
from salesdiag.stats.rates.shares import ratio
from salesdiag.stats.shrinkage.units import check_expected, pair_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Kind = Literal["additive", "multiplicative"]
Correction = Literal["normal", "none"]


class Overdispersion(NamedTuple):
    """How much more units differ than by chance.

    ``phi``, 1 or more, is the variance over what chance gives; ``tau2``, 0 or more, the
    variance between the units' true values. The limits use the one that ``kind`` names.
    """

    kind: Kind
    phi: float
    tau2: float


def overdispersion(
    n_part: ArrayLike,
    n_whole: ArrayLike,
    *,
    rate: float | None = None,
    kind: Kind = "additive",
    winsorise: float = 0.1,
    correction: Correction = "normal",
) -> Overdispersion:
    """Estimate how much more the units' shares differ than chance would make them.

    The mean square of the units' standardised distances from the common rate, after the
    most extreme tenth at either end has been moved in to where the rest begins, so that a
    few true outliers do not widen the very limits that should show them [1]_. Moving in
    makes the mean square too small (0.68 instead of 1 where chance rules alone), and the
    published recipe leaves it so: of units that all belong to one distribution 8 to 11 %
    then lie outside 95 % limits. ``correction="normal"`` divides by what moving in leaves of
    normal distances, which makes that 3 to 5 % (6 to 100 units of about 200 cases).

    ``"additive"`` suits units with true values of their own: it widens the limits of large
    units most. ``"multiplicative"`` suits events that come in clusters: it widens all alike.

    Parameters
    ----------
    n_part, n_whole : array_like, shape (I,)
        Numerator and denominator, one a unit. Units of size 0 or with NaN are left out.
    rate : float, optional
        The common rate; the pooled share by default.
    kind : {"additive", "multiplicative"}, default "additive"
        Which of the two the limits shall use.
    winsorise : float, default 0.1
        Share of the units moved in at either end, from 0 (none) to below 0.5.
    correction : {"normal", "none"}, default "normal"
        Whether the mean square is corrected for moving in; ``"none"`` is as published.

    Returns
    -------
    Overdispersion
        ``phi`` 1 and ``tau2`` 0 where units differ no more than by chance, with fewer than
        two units, or where the rate is 0 or 1.

    Raises
    ------
    InputError
        If the lists differ in length, a count is negative, a part exceeds its whole, or an
        option is out of range.

    References
    ----------
    .. [1] Spiegelhalter, D. J. (2005). Handling over-dispersion of performance indicators.
       Quality and Safety in Health Care 14, 347-351.

    Examples
    --------
    >>> found = overdispersion([20, 35, 50, 65, 80], [100] * 5, winsorise=0)
    >>> round(found.phi, 2), round(found.tau2, 4)
    (18.0, 0.0538)
    """
    part, whole = counts_of(*pair_of(("n_part", "n_whole"), n_part, n_whole))
    used = ~np.isnan(part) & (whole > 0)
    part, whole = part[used], whole[used]
    pooled = float(ratio(part.sum(), whole.sum()))
    common = pooled if rate is None else one_number("rate", rate, least=0, most=1)
    variance = common * (1 - common)
    return _dispersion(part / whole - common, variance / whole, kind, winsorise, correction)


def ratio_overdispersion(
    n_event: ArrayLike,
    expected: ArrayLike,
    *,
    target: float | None = None,
    kind: Kind = "additive",
    winsorise: float = 0.1,
    correction: Correction = "normal",
) -> Overdispersion:
    """Estimate how much more ratios of observed to expected differ than by chance.

    As `overdispersion`, for counts. ``target`` is the common ratio, by default the pooled
    one; the other options and the result are the same.

    Parameters
    ----------
    n_event, expected : array_like, shape (I,)
        Events seen and expected, one number a unit. Units with 0 expected or with NaN are
        left out.
    target : float, optional
        The common ratio; by default all events over all expected.
    kind, winsorise, correction
        As of `overdispersion`.

    Returns
    -------
    Overdispersion
        ``phi`` 1 and ``tau2`` 0 where units differ no more than by chance.

    Raises
    ------
    InputError
        If the lists differ in length, a number is negative, or events were seen where 0
        were expected.

    Examples
    --------
    >>> found = ratio_overdispersion([10, 20, 30], [20, 20, 20], winsorise=0)
    >>> round(found.phi, 2), round(found.tau2, 3)
    (3.33, 0.2)
    """
    event, exposure = pair_of(("n_event", "expected"), n_event, expected)
    check_expected(event, exposure)
    used = ~np.isnan(event) & (exposure > 0)
    event, exposure = event[used], exposure[used]
    pooled = float(ratio(event.sum(), exposure.sum()))
    common = pooled if target is None else one_number("target", target, least=0)
    return _dispersion(event / exposure - common, common / exposure, kind, winsorise, correction)


def _dispersion(
    distance: NDArray[np.float64],
    variance: NDArray[np.float64],
    kind: Kind,
    winsorise: float,
    correction: Correction,
) -> Overdispersion:
    one_of("kind", kind, ("additive", "multiplicative"))
    one_of("correction", correction, ("normal", "none"))
    trimmed = one_number("winsorise", winsorise, least=0)
    if trimmed >= 0.5:
        message = f"winsorise must be 0 or more and below 0.5, such as 0.1; got {winsorise!r}."
        raise InputError(message)
    n_units = len(distance)
    if n_units < 2 or not np.all(variance > 0):
        return Overdispersion(kind, 1.0, 0.0)
    score = distance / np.sqrt(variance)
    score = np.clip(score, *np.quantile(score, [trimmed, 1 - trimmed]))
    phi = float(np.mean(np.sort(score**2)))
    if correction == "normal":
        phi /= _left_of_normal(trimmed)
    # the sum of precisions less that of their squares over it, from products of pairs: a
    # difference would lose all digits where one unit outweighs the rest
    precision = np.maximum(np.sort(variance.min() / variance), 1e-300)
    others = np.append(0.0, np.cumsum(precision)[:-1])
    spare = 2 * np.sum(precision / precision.sum() * others) / variance.min()
    tau2 = max(n_units * phi - (n_units - 1), 0.0) / float(spare)
    return Overdispersion(kind, max(phi, 1.0), tau2)


def _left_of_normal(trimmed: float) -> float:
    """Give the mean square of a standard normal moved in at its quantiles."""
    if trimmed == 0:
        return 1.0
    edge = -special.ndtri(trimmed)
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    return float(1 - 2 * trimmed - 2 * edge * density + 2 * trimmed * edge**2)
