"""A change of a total rate, split into the rates of its segments and their mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from salesdiag.errors import InputError
from salesdiag.stats.arguments import numbers, one_of
from salesdiag.stats.rates.shares import ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Centre = Literal["total", "zero"]


class Kitagawa(NamedTuple):
    """A change of a total rate, split into rates and mix."""

    total_a: NDArray[np.float64]
    total_b: NDArray[np.float64]
    change: NDArray[np.float64]
    rate_total: NDArray[np.float64]
    mix_total: NDArray[np.float64]
    rate_effect: NDArray[np.float64]
    mix_effect: NDArray[np.float64]


def kitagawa(
    weight_a: ArrayLike,
    rate_a: ArrayLike,
    weight_b: ArrayLike,
    rate_b: ArrayLike,
    *,
    centre: Centre = "total",
) -> Kitagawa:
    """Split the change of a total rate from side a to side b into rates and mix, exactly.

    The effect of rates is each segment's change of rate at the mean of both weights; that
    of mix is its change of weight at the mean of both rates. They add up to the change
    without a rest, and changing the sides changes the signs only. How much is called mix
    depends on how fine the segments are: say which were used.

    Where a segment is empty on one side, its rate there is unknown (NaN). It is then given
    the rate of the other side, so all that it does is mix. A rate that is stated for an
    empty segment is used as stated.

    Parameters
    ----------
    weight_a, weight_b : array_like, shape (..., S)
        Size of each segment on each side: counts or shares. They are divided by their sum
        over the last axis; leading axes are groups.
    rate_a, rate_b : array_like, shape (..., S)
        Rate of each segment. NaN may stand only where the weight of that side is 0.
    centre : {"total", "zero"}, default "total"
        What the mean rate of a segment is held against in its own mix effect. With
        ``"total"``, the mean of both totals: growing segments add if they are better than
        the whole. With ``"zero"``, nothing: every growing segment adds. The sum is the same.

    Returns
    -------
    Kitagawa
        ``total_a``, ``total_b``, ``change`` (b less a), ``rate_total`` and ``mix_total``,
        one a group, and ``rate_effect`` and ``mix_effect``, one a segment. NaN for groups
        whose weights on a side add up to 0.

    Raises
    ------
    InputError
        If shapes do not fit, a weight is negative or missing, or a rate is missing where
        its weight is above 0.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the
    American Statistical Association 50, 1168-1194.

    Examples
    --------
    Each segment gets worse, yet the total gets better, for the good one grew.

    >>> split = kitagawa([.2, .8], [.60, .20], [.7, .3], [.55, .18])
    >>> split.rate_total.round(4).item(), split.mix_total.round(4).item()
    (-0.0335, 0.1925)
    >>> split.mix_effect.round(3).tolist()
    [0.108, 0.085]
    """
    one_of("centre", centre, ("total", "zero"))
    shares_a, rates_a, shares_b, rates_b = _segments(weight_a, rate_a, weight_b, rate_b)
    total_a, total_b = (shares_a * rates_a).sum(-1), (shares_b * rates_b).sum(-1)
    middle = (total_a + total_b) / 2 if centre == "total" else np.zeros_like(total_a)
    rate_effect = (rates_b - rates_a) * (shares_a + shares_b) / 2
    mix_effect = (shares_b - shares_a) * ((rates_a + rates_b) / 2 - middle[..., None])
    rate_total, mix_total = rate_effect.sum(-1), mix_effect.sum(-1)
    return Kitagawa(
        total_a, total_b, total_b - total_a, rate_total, mix_total, rate_effect, mix_effect
    )


def _segments(
    weight_a: ArrayLike, rate_a: ArrayLike, weight_b: ArrayLike, rate_b: ArrayLike
) -> list[NDArray[np.float64]]:
    """Read shares and rates of both sides; an unknown rate becomes that of the other side."""
    names = ("weight_a", "rate_a", "weight_b", "rate_b")
    read = [
        numbers(name, values, least=0) if "weight" in name else numbers(name, values, missing=True)
        for name, values in zip(names, (weight_a, rate_a, weight_b, rate_b), strict=True)
    ]
    try:
        sizes_a, rates_a, sizes_b, rates_b = np.broadcast_arrays(*read)
    except ValueError:
        shapes = ", ".join(f"{name} {one.shape}" for name, one in zip(names, read, strict=True))
        message = f"weights and rates must have shapes that fit; got {shapes}."
        raise InputError(message) from None
    if sizes_a.ndim == 0 or sizes_a.shape[-1] == 0:
        message = f"weight_a must hold at least 1 segment; got shape {sizes_a.shape}."
        raise InputError(message)
    for name, size, rate in (("rate_a", sizes_a, rates_a), ("rate_b", sizes_b, rates_b)):
        lacking = int(np.sum(np.isnan(rate) & (size > 0)))
        if lacking:
            message = f"{name} must be known where its weight is above 0; {lacking} are NaN."
            raise InputError(message)
    shares_a, shares_b = (
        ratio(size, np.broadcast_to(size.sum(-1, keepdims=True), size.shape))
        for size in (sizes_a, sizes_b)
    )
    filled_a = np.where(np.isnan(rates_a), rates_b, rates_a)
    filled_b = np.where(np.isnan(rates_b), rates_a, rates_b)
    # unknown on both sides means empty on both sides
    return [shares_a, np.nan_to_num(filled_a), shares_b, np.nan_to_num(filled_b)]
